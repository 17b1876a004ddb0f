/* Programs that do and ask the same of an art table and an ordinary one, in random histories, with small blobs.
 *
 * The extension is linked in, with small blobs (core/tree/state/hooks.h), so that a few thousand rows make runs of
 * several levels. At its end a program says how much it has compared.
 *
 * A random world is a struct both: tables t and plain of one database, a connection that writes both alike and one that
 * reads, which may hold an older state. Transactions and savepoints, refused commits, commands, changes of the table
 * itself and opening anew are done here; what is written and asked is the world's own (summed.h has most of it).
 *
 * ART_TEST_STATEMENTS=n: goes through all its tests again, with new seeds, until it has compared so many.
 */
#ifndef ART_TESTS_DIFFERENTIAL_H
#define ART_TESTS_DIFFERENTIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/tree/state/hooks.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

/* Statements are written once for both tables: of {t('a/')|plain} the art table gets the first part. sqlite3_free()
 * it. */
char *text_for(const char *text, bool art);

enum { BOTH_SAVEPOINTS = 6 };

/* What a transaction may change beside rows. */
struct both_state {
    unsigned summary; /* which of several */
    bool extra;       /* column: it is there */
};

struct both {
    struct random random;
    void (*write)(struct both *);                                       /* something, by both_write() */
    void (*ask)(struct both *, sqlite3 *, const struct both_state *);   /* something, by both_same() */
    void (*check)(struct both *, sqlite3 *, const struct both_state *); /* all that the tables show */
    void (*change)(struct both *);                                      /* the table and `now`; NULL: never */
    unsigned changes;                                                   /* once in so many steps */
    bool memory, rollback; /* rollback: its journal, with which a reader refuses a COMMIT */
    bool copies;           /* goes on in a copy of the database, now and then */
    /* Do rows of the ordinary table have the art table's version? Then each statement is within a transaction. */
    bool versions;
    /* Of summed.h alone. */
    bool huge, integers, inlined; /* huge: some integers are; integers: and NULLs are all that is written */
    const char *questions;        /* alternatives of what is asked */
    const char *first;            /* of a first condition: "5*$condition | $newer"; NULL: none is about the version */

    /* What follows is not the caller's. */
    char *directory, *path;
    sqlite3 *db, *reader;                          /* reader NULL: in memory */
    struct both_state now, begun, committed, read; /* read: of the transaction that the reader holds */
    struct both_state saved[BOTH_SAVEPOINTS];
    unsigned savepoints, statements, answers, refused, errors, changed, copied;
};

static inline uint32_t below(struct both *both, uint32_t limit) {
    return random_below(&both->random, limit);
}

static inline bool once_in(struct both *both, uint32_t times) {
    return random_once_in(&both->random, times);
}

/* Opens the connections, on a database of its own, in which the caller makes the tables; says the seed. */
void both_open(struct both *both, const char *name);

/* Goes so many steps, and counts what was compared. */
void both_go(struct both *both, unsigned steps);

void both_close(struct both *both);

/* The statement on both tables, each of its own kind; it ends alike. Frees the text. */
void both_write(struct both *both, char *text);
void both_writes(struct both *both, const char *format, ...);

/* Reads t's rows with the condition (sqlite3_free()s it) in the order of the path, up to so many of them, and writes
 * and flushes meanwhile: the next row is always the first one behind the last one's path, as the ordinary table is
 * then. */
void both_write_while_asking(struct both *both, unsigned rows, const char *column, char *where);

/* Both tables have the same rows for it, or the same error. Frees the text. */
void both_same(struct both *both, sqlite3 *db, char *text);
void both_asks(struct both *both, sqlite3 *db, const char *format, ...);

/* suite_run() over and over, until ART_TEST_STATEMENTS were compared. What main() returns. */
int differential_run(struct suite_case of);

#endif
