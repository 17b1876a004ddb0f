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
    unsigned (*errors)(unsigned kind);
    const char *(*describe)(unsigned kind, unsigned error);
    void (*watch)(void);                                                  /* counts, and lets nothing fail */
    unsigned (*calls)(unsigned kind);                                     /* since watch() or arm() */
    void (*arm)(unsigned kind, unsigned error, unsigned nth, bool stays); /* nth: from 1 */
    unsigned (*disarm)(void);                                             /* how often it failed */
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

/* For sources of one kind with one error. */
unsigned fault_one_error(unsigned kind);

/* Counts calls, and strikes at the nth, and from it on. */
struct fault_counter {
    unsigned calls, nth, given;
    bool watching, stays;
};
/* nth 0: only counts. */
void fault_counter_start(struct fault_counter *counter, unsigned nth, bool stays);
unsigned fault_counter_stop(struct fault_counter *counter); /* how often it has struck */
bool fault_counter_strikes(struct fault_counter *counter);

#endif
