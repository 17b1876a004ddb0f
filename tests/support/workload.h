/* Random SQL for the differential model test (test_model.c): a workload makes one step after another for two twin
 * databases. In one the tables t, u, v and w are art tables, in the other ordinary ones, and each step runs on both.
 * The keys of t, u and v are paths; that of w is BLOBs, or of several columns, as drawn for the history. Mostly the
 * text is the same; where an art table has what an ordinary one has not (hidden columns, functions, commands), the
 * ordinary table gets plain SQL that must say the same.
 *
 *     workload.c             what comes next
 *     workload_shape.c       the tables: names and types of their columns, CREATE
 *     workload_value.c       keys, patterns, values: few enough letters that they meet
 *     workload_rules.c       SELECT, WHERE and all other statements, as rules of a grammar
 *     workload_listing.c     prefix, delimiter, start_after, entries, row_version, art_count(), art_longest_prefix()
 *     workload_keys.c        w: the types of its columns, which of them are the key, values for them
 *     workload_write.c       what of INSERT and UPDATE depends on the table's columns
 *     workload_schema.c      transactions, CREATE, DROP, RENAME, commands, pragmas, replaced functions
 *     workload_life.c        journals, page sizes, locks, caches
 *
 * A step is a value of its own (texts and parameters), so that a history can be replayed without the generator.
 *
 * What is known to differ and therefore not generated:
 *   - what virtual tables cannot do in SQLite: UPSERT, UPDATE and DELETE with RETURNING, indexes, own triggers
 *   - INSERT ... RETURNING shows a virtual table's values as the statement gave them, before their column's affinity,
 *     and rows that OR IGNORE left out
 *   - a BLOB as a path: an art table refuses it
 *   - what depends on the order in which SQLite visits rows that a statement itself moves, as in UPDATE OR IGNORE t SET
 *     path = ..., beyond conditions that every plan walks in the order of the paths; and whether a row that an earlier
 *     one of the same statement replaced still counts in changes()
 *   - a TEXT out of a column with a numeric affinity, compared by order with a path that looks like a number
 *     (ext/query/plan.h)
 *   - a text of a key of several columns, compared with another table's column of numbers, for which a parameter
 *     stands: j.n = ?1 AND j.n = w.a (ext/query/several.c)
 *   - -9223372036854775808.0 in a column of integers that is in such a key: it is shown as an integer
 *   - prefix = (SELECT ...) beside an OR: SQLite does not tell a virtual table of subqueries in the arms of an OR
 *   - a reader whose snapshot is older than another connection's DROP, and which has not opened the table's file:
 *     history.c lets it fail
 * Where a feature of SQLite answers wrongly or differently by its plan, the generator says so where it goes around it.
 */
#ifndef ART_TESTS_WORKLOAD_H
#define ART_TESTS_WORKLOAD_H

#include <sqlite3.h>
#include <stdbool.h>

#include "tests/support/random.h"

enum { WORKLOAD_CONNECTIONS = 2, WORKLOAD_PARAMETERS = 8, WORKLOAD_TABLES = 4, WORKLOAD_COLUMNS = 14 };

/* What a step is about, by name (workload.c lists them). How often each was met is counted, so that one which
 * is never met is seen. */
enum { WORKLOAD_FEATURES = 110 };

struct workload_met {
    uint64_t bits[(WORKLOAD_FEATURES + 63) / 64];
};

/* Its name, borrowed until the next call. */
const char *workload_feature_name(unsigned feature);
bool workload_feature_met(const struct workload_met *met, unsigned feature);
bool workload_meets(const struct workload_met *met, const char *name);

enum workload_kind {
    STEP_SQL,
    STEP_TABLES,      /* which tables are there, with which columns: goes to workload_saw_tables() */
    STEP_REOPEN,      /* all connections are closed and opened again */
    STEP_ATTACH,      /* the attached database is detached and attached again */
    STEP_FUNCTION,    /* like() or glob() is replaced: `sql` is "like odd", "like gone", "glob odd", "glob same" ... */
    STEP_CURSOR_OPEN, /* a SELECT that stays open while other steps run */
    STEP_CURSOR_MOVE,
    STEP_CURSOR_CLOSE,
    STEP_REGISTER /* the art twin's connection gets the module once more */
};

enum workload_flags {
    STEP_CHANGES = 1,   /* changes() must agree */
    STEP_UNORDERED = 2, /* rows are compared as a set */
    STEP_NO_ROWS = 4,   /* rows are not compared */
    STEP_BUSY_MAY_DIFFER = 8,
    STEP_WRITES = 16,       /* rows of t, u or v may be written: their versions may change */
    STEP_VERSION_EACH = 32, /* and as many get a new version as changes() says */
    STEP_KEEPS_SOME = 64,   /* OR FAIL: rows written before the failure stay */
    STEP_RENAMES = 128,     /* t becomes u or u becomes t */
    STEP_OWN_ROWIDS = 256   /* of w: the ordinary table may have rowids, and keeps them to itself */
};

enum workload_type { PARAMETER_NULL, PARAMETER_INTEGER, PARAMETER_REAL, PARAMETER_TEXT, PARAMETER_BLOB };

struct workload_parameter {
    enum workload_type type;
    int len;
    sqlite3_int64 integer;
    double real;
    char *data; /* of TEXT and BLOB */
};

struct workload_step {
    enum workload_kind kind;
    unsigned flags;
    int connection;
    char *sql;
    char *plain_sql; /* what the ordinary table gets in its stead; NULL: the same */
    int parameter_count;
    struct workload_parameter parameters[WORKLOAD_PARAMETERS];
    struct workload_met met;
};

void workload_step_clear(struct workload_step *step);

/* The step as text, with its parameters. sqlite3_free() it. */
char *workload_step_text(const struct workload_step *step);

struct workload_setting {
    const char *name;
    const char *schema;  /* where t and u live: main, aux1 (attached), temp */
    const char *other;   /* where v lives; again: the same file as main, attached once more */
    const char *journal; /* NULL: as it comes */
    const char *file;    /* NULL: a file; else for instance ":memory:" */
    int connections;
    bool gentle; /* journal_mode=OFF: nothing that would have to be rolled back */
};

/* A table as one connection last saw it: the key's name, then those of the other columns. */
struct workload_table {
    bool exists;
    unsigned columns;
    char names[WORKLOAD_COLUMNS][20];
};

enum workload_table_number { TABLE_T, TABLE_U, TABLE_V, TABLE_W };

struct workload {
    struct random random;
    const struct workload_setting *setting;
    const char *options; /* of the art tables */
    unsigned shapes[2];  /* of t and u, of v */
    unsigned form;       /* of w */
    struct workload_table tables[WORKLOAD_CONNECTIONS][WORKLOAD_TABLES];
    bool in_transaction[WORKLOAD_CONNECTIONS]; /* set by the runner after each step */
    bool cursor_open[WORKLOAD_CONNECTIONS];
    bool cursors;  /* this history has open cursors */
    bool versions; /* the runner keeps the versions of all rows, in the ordinary database's table "seen" */
    bool release_next[WORKLOAD_CONNECTIONS];
    bool look_again[WORKLOAD_CONNECTIONS];
    bool gone_glob[WORKLOAD_CONNECTIONS], gone_like[WORKLOAD_CONNECTIONS]; /* or answering oddly */
    bool tick_next;                                                        /* by tick_connection: see workload_next() */
    int tick_connection;
    bool alone_next; /* put_life() has ended a transaction */
    int setup;       /* next setup step */
    bool has_other_tick;
};

void workload_init(struct workload *workload, const struct workload_setting *setting, uint64_t seed);

/* The first steps, until it returns false, set the schema up. */
bool workload_setup(struct workload *workload, struct workload_step *out);

void workload_next(struct workload *workload, struct workload_step *out);

/* The rows of a STEP_TABLES: "t,path,value". */
void workload_saw_tables(struct workload *workload, int connection, char *const *rows, int count);

const char *workload_table_schema(const struct workload_setting *setting, enum workload_table_number table);
const char *workload_table_name(enum workload_table_number table);

#endif
