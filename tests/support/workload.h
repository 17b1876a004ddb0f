/* Random SQL on a table of paths and values, for the differential model test (tests/test_model.c).
 *
 * A workload makes one step after another for two twin databases: in one the table `t` is an art table, in the other an
 * ordinary one, and each step runs on both with the same text. What virtual tables cannot do in SQLite (UPSERT, UPDATE
 * and DELETE with RETURNING, indexes, own triggers) is left out, and so is what depends on the order in which SQLite visits
 * rows that a statement itself moves.
 *
 * A step is a value of its own (text and parameters), so that a history can be replayed without the generator.
 */
#ifndef ART_TESTS_WORKLOAD_H
#define ART_TESTS_WORKLOAD_H

#include <sqlite3.h>
#include <stdbool.h>

#include "tests/support/random.h"

enum { WORKLOAD_CONNECTIONS = 2, WORKLOAD_PARAMETERS = 6 };

enum workload_kind {
    STEP_SQL,
    STEP_TABLES,      /* SQL whose single number says which of t (1) and u (2) exist: goes to workload.tables */
    STEP_REOPEN,      /* all connections are closed and opened again */
    STEP_CURSOR_OPEN, /* a SELECT that stays open while other steps run */
    STEP_CURSOR_MOVE,
    STEP_CURSOR_CLOSE
};

enum workload_flags {
    STEP_CHANGES = 1,   /* changes() must agree */
    STEP_UNORDERED = 2, /* rows are compared as a set */
    STEP_NO_ROWS = 4,   /* rows are not compared */
    STEP_BUSY_MAY_DIFFER = 8
};

struct workload_parameter {
    bool is_text; /* else NULL or integer */
    bool is_null;
    int len;
    sqlite3_int64 integer;
    char *text;
};

struct workload_step {
    enum workload_kind kind;
    unsigned flags;
    int connection;
    char *sql;
    char *plain_sql; /* what the ordinary table gets in its stead; NULL: the same */
    int parameter_count;
    struct workload_parameter parameters[WORKLOAD_PARAMETERS];
};

void workload_step_clear(struct workload_step *step);

/* The step as text, with its parameters. sqlite3_free() it. */
char *workload_step_text(const struct workload_step *step);

struct workload_setting {
    const char *name;
    const char *schema;  /* where t lives: main, aux1 (attached), temp */
    const char *journal; /* NULL: as it comes */
    const char *file;    /* NULL: a file; else for instance ":memory:" */
    int connections;
    bool gentle; /* journal_mode=OFF: nothing that would have to be rolled back */
};

struct workload {
    struct random random;
    const struct workload_setting *setting;
    const char *options; /* of the art table */
    int side_keys;
    unsigned tables[WORKLOAD_CONNECTIONS];
    bool in_transaction[WORKLOAD_CONNECTIONS]; /* set by the runner after each step */
    bool cursor_open[WORKLOAD_CONNECTIONS];
    bool cursors; /* this history has open cursors */
    bool release_next[WORKLOAD_CONNECTIONS];
    bool look_again[WORKLOAD_CONNECTIONS];
    bool tick_next; /* by tick_connection: see workload_next() */
    int tick_connection;
    int setup; /* next setup step */
};

void workload_init(struct workload *workload, const struct workload_setting *setting, uint64_t seed);

/* The first steps, until it returns false, set the schema up. */
bool workload_setup(struct workload *workload, struct workload_step *out);

void workload_next(struct workload *workload, struct workload_step *out);

#endif
