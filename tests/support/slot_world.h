/* What the processes of test_slots.c have in common: the world that they share, a connection each, and the comparison
 * of the art table t with the ordinary table m.
 *
 * m has for each row of t the numbers that its value is made from.
 */
#ifndef ART_TESTS_SLOT_WORLD_H
#define ART_TESTS_SLOT_WORLD_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/support/random.h"

enum { SLOT_DIRECTORIES = 8, SLOT_VALUE_MAX = 70000 };

struct setting {
    const char *name, *journal;
    bool exclusive;
    unsigned seconds;
    const char *storage; /* the table's option */
};

/* Shared by all processes. */
struct world {
    _Atomic uint64_t seen;   /* m's counter, as high as any process has seen it committed */
    _Atomic uint64_t zombie; /* the last one that died as a zombie, until the next commit */
    _Atomic uint64_t commits, rollbacks, savepoints, busy, interrupted, checks, held, checkpoints, deaths, zombies,
        revived, kills, freezes, copies, reopened, kept, slots_written, slots_reused, optimized, vacuumed, emptied;
    _Atomic int failed;
    char message[2000];
};
extern struct world *world;
extern bool in_a_copy;      /* whose history is its own */
extern int interrupt_in;    /* so many calls of the progress handler; below 0: it was interrupted; 0: it is not to be */
extern unsigned scan_pause; /* microseconds, at most, after some rows of a scan */

/* Notes the first message for all, and ends this process. */
void violation(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The value that m's numbers stand for, and a length for one. */
const uint8_t *value_of(int64_t seed, int64_t len);
int64_t random_length(struct random *random);

bool is_busy(int rc);
/* Anything but BUSY, and an interrupt that was asked for, is a violation. False: one of these. */
bool fine(sqlite3 *db, int rc, const char *what);

struct session {
    sqlite3 *db;
    struct random *random;
    sqlite3_stmt *put[2], *remove[2], *remove_directory[2], *move[2]; /* t and m */
    int rc;
};
void session_open(struct session *session, const char *path, const struct setting *setting, struct random *random);
/* Schema and t are read, so that statements can be prepared without a lock. False: busy. */
bool session_ready(struct session *session);
void session_close(struct session *session);
/* SQLite's own fault: see test_slots.c. */
bool avoids_off(const struct setting *setting);

/* A commit of this number is seen, and must be there ever after. */
void see(uint64_t counter);
int64_t ask(sqlite3 *db, const char *who, const char *query);
/* Within a transaction: t against m. Every row, or only a directory's. Returns the counter. */
uint64_t compare(sqlite3 *db, struct random *random, const char *who, bool all);

#endif
