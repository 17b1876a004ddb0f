/* An art table and an ordinary twin that live through the same transactions while something fails under them.
 *
 *     t  plain_t     u  plain_u  (made and dropped by the script)     aux.v  aux.plain_v  (of an attached database)
 *
 * A step is one transaction of the script (fault_script.c). Its changes are made to both tables, each pair within a
 * savepoint of its own, so that a statement that failed on one of them is taken back on the other: whatever fails, the
 * two must be equal afterwards. fault_sweep.c runs a step again and again, each time with another thing that fails.
 *
 * What is violated ends the process with a message that names the attempt (fault_world_context), as sql.h does.
 */
#ifndef ART_TESTS_FAULT_WORLD_H
#define ART_TESTS_FAULT_WORLD_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/* How the databases and the .art files are kept. */
struct fault_mode {
    const char *name;
    const char *io, *direct; /* ART_IO, ART_DIRECT, or NULL */
    const char *journal;     /* mode */
    const char *storage;     /* an option of t and v, or "" */
    bool in_memory;          /* :memory:, so nothing is ever closed and opened again */
};

enum { FAULT_MODES = 8 };
extern const struct fault_mode fault_modes[FAULT_MODES];
const struct fault_mode *fault_mode_find(const char *name);
/* One of the two modes that go to the disk in way `i`, 0 to FAULT_WAYS - 1. */
enum { FAULT_WAYS = 3 };
const struct fault_mode *fault_mode_draw(unsigned i, uint64_t draw);

/* What a line of a step is made of. In its text '@' stands for nothing or "plain_". */
enum fault_line_kind {
    FAULT_END,
    FAULT_BOTH,     /* a change of both tables */
    FAULT_ASK,      /* a query whose answers must be equal */
    FAULT_ART,      /* only for the art table */
    FAULT_FEATURES, /* what is drawn for the tables of features.h */
    FAULT_ONE       /* once: SAVEPOINT, ROLLBACK TO, ... */
};

struct fault_line {
    enum fault_line_kind kind;
    const char *text;
    const char *plain; /* the ordinary twin's own text, or NULL */
};

struct fault_world;

struct fault_step {
    const char *name;
    void (*before)(struct fault_world *); /* nothing fails here */
    bool autocommit;                      /* no BEGIN and COMMIT around the lines, each is its own transaction */
    bool rolls_back;                      /* ROLLBACK at its end */
    bool opens;                           /* the connection is opened while things fail, with a cold cache, */
    bool closes;                          /* and closed */
    const struct fault_line *lines;
};

/* How the extension comes into a connection: NULL loads art.so, else this entry point, which is linked in. */
typedef int fault_entry(sqlite3 *db, char **message, const struct sqlite3_api_routines *api);

struct fault_world {
    const struct fault_mode *mode;
    fault_entry *entry;
    const char *vfs; /* NULL: the default */
    const char *synchronous;
    char *directory, *path, *aux;
    sqlite3 *db;
    int64_t memory;  /* what SQLite had allocated, */
    int descriptors; /* and what was open, before the first connection */
    uint64_t state;  /* behind the last attempt that was verified; 0: that is not known */
    unsigned attempts, turns;
    char *features[2];  /* texts of FAULT_FEATURES, for the art tables and for the others */
    bool may_stay_open; /* a ROLLBACK may fail, too, while things fail */
    int files_may_stay; /* in so many attempts an .art file more than there are tables is no error */
};

void fault_world_open(struct fault_world *world); /* the five members above are set */
void fault_world_close(struct fault_world *world);

/* Opens and closes the world's connection; nothing fails meanwhile. */
void fault_world_connect(struct fault_world *world);
void fault_world_disconnect(struct fault_world *world);
void fault_world_run(struct fault_world *world, const char *text, const char *plain); /* must succeed, on both */

/* What became of an attempt. */
struct fault_outcome {
    bool committed; /* COMMIT said so */
    unsigned errors;
    int codes[8]; /* the first extended codes, and what was said with the first */
    char message[ART_MESSAGE_SIZE];
};

/* Runs the step while things fail; `brave` goes on behind a statement that failed. The connection is open afterwards,
 * or NULL if it could not be opened or was to be closed. */
void fault_world_attempt(struct fault_world *world, const struct fault_step *step, bool brave,
                         struct fault_outcome *out);

/* Nothing fails any more: everything that must hold now. `unsynced`: the .art file
 * that could not be synced, or NULL. `before`: the
 * state before the attempt, which must be there again if it was not committed (0: that is not known). Closes the
 * connection, and opens and closes another. */
void fault_world_verify(struct fault_world *world, const struct fault_step *step, const struct fault_outcome *outcome,
                        const char *unsynced, uint64_t before);

/* A hash of all rows of the twins, which must be equal. */
uint64_t fault_world_state(sqlite3 *db);

/* For messages; and the end. */
void fault_world_context(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *fault_world_what(void);
void fault_world_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The script. */
extern const struct fault_step *const fault_script[];
extern const int fault_script_length;

#endif
