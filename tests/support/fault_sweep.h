/* Every fault of a source, at every place of every step of the script, once and from then on.
 *
 *     source what can fail: system calls (fault_calls.c), memory (sql_memory.c), calls of SQLite's VFS (faulty_vfs.c)
 *       kind    one call of it, with the errors that it can give
 *
 * A step is run once unharmed, which counts the calls of each kind; then again for each call, error and way of failing.
 * A full sweep tries them all; a slice tries `most` calls of a kind, each with one error in one way, drawn from the
 * seed.
 */
#ifndef ART_TESTS_FAULT_SWEEP_H
#define ART_TESTS_FAULT_SWEEP_H

#include "tests/support/fault_world.h"
#include "tests/support/random.h"

struct fault_source {
    const char *name;
    unsigned kinds;
    /* NULL: one error, which is `what`. */
    unsigned (*errors)(unsigned kind);
    const char *(*describe)(unsigned kind, unsigned error);
    const char *what;
    /* These three are NULL where a counter does all of it (fault_arm(), fault_disarm()). */
    unsigned (*calls)(unsigned kind);                                     /* since arm() */
    void (*arm)(unsigned kind, unsigned error, unsigned nth, bool stays); /* nth: from 1; 0: nothing fails */
    unsigned (*disarm)(void);                                             /* how often it failed */
    struct fault_counter *counter;
    /* May a statement have ended with this code because of it? */
    bool (*excuses)(unsigned kind, unsigned error, int code, const char *message);
    /* The .art file that could not be synced since arm(), so that the connection must not write to it any more; or
     * NULL. The member may be NULL, too, as the next. Valid until disarm(). */
    const char *(*unsynced)(void);
    /* May it leave an empty .art file behind, of which nobody can tell whose it is? */
    bool (*leaves_file)(unsigned kind, unsigned error);
    bool spares_rollback; /* ROLLBACK succeeds whatever fails */
    bool old_state;       /* what was not committed is not there: faults of SQLite's own files may leave either */
};

struct fault_sweep {
    const struct fault_source *source;
    struct fault_world world; /* mode, entry, vfs and synchronous are set */
    unsigned most;            /* of a kind and step; 0: a full sweep */
    struct random random;
    /* What was tried. */
    uint64_t attempts, struck, errors, committed, skipped_steps;
};

/* To look at one failure again: ART_FAULTS_STEP, ART_FAULTS_MODE (a sweep in another mode does nothing),
 * ART_FAULTS_MOST; ART_FAULTS_SHOW prints each attempt. */
void fault_sweep_run(struct fault_sweep *sweep);
/* One line; and of all sweeps since the last. */
void fault_sweep_print(const struct fault_sweep *sweep);

const char *fault_text(const struct fault_source *source, unsigned kind, unsigned error);
/* From now on the nth call of that kind fails, and all later ones too if it `stays`; nth 0: calls are counted alone. */
void fault_arm(const struct fault_source *source, unsigned kind, unsigned error, unsigned nth, bool stays);
/* Nothing fails any more. How often did it? */
unsigned fault_disarm(const struct fault_source *source);

/* Counts calls, and strikes at the nth, and from it on. */
struct fault_counter {
    unsigned calls, nth, given;
    bool watching, stays;
};
bool fault_counter_strikes(struct fault_counter *counter);

#endif
