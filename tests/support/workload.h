/* Random SQL for the differential model test (test_model.c): a workload makes one step after another for two twin
 * databases. In one the tables t, u and v are art tables, in the other ordinary WITHOUT ROWID tables, and each step
 * runs on both. Mostly with the same text; where an art table has what an ordinary one has not (hidden columns,
 * functions, commands), the ordinary table gets plain SQL that must say the same.
 *
 *     workload.c             what comes next
 *     workload_shape.c       the tables: names and types of their columns, CREATE
 *     workload_value.c       keys, patterns, values: few enough letters that they meet
 *     workload_condition.c   WHERE
 *     workload_query.c       SELECT
 *     workload_listing.c     prefix, delimiter, start_after, entries, version, art_count(), art_longest_prefix()
 *     workload_write.c       INSERT, UPDATE, DELETE
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

enum { WORKLOAD_CONNECTIONS = 2, WORKLOAD_PARAMETERS = 8, WORKLOAD_TABLES = 3, WORKLOAD_COLUMNS = 14 };

/* What a step is about. How often each was met is counted, so that one which is never met is seen. */
#define WORKLOAD_FEATURES(X)                                                                                           \
    X(EQUAL, "=")                                                                                                      \
    X(IS, "IS")                                                                                                        \
    X(UNEQUAL, "<>")                                                                                                   \
    X(RANGE, "range")                                                                                                  \
    X(BETWEEN, "BETWEEN")                                                                                              \
    X(CONTRADICTION, "contradiction")                                                                                  \
    X(GLOB, "GLOB")                                                                                                    \
    X(NOT_GLOB, "NOT GLOB")                                                                                            \
    X(LIKE, "LIKE")                                                                                                    \
    X(NOT_LIKE, "NOT LIKE")                                                                                            \
    X(LIKE_ESCAPE, "LIKE ESCAPE")                                                                                      \
    X(IN_LIST, "IN list")                                                                                              \
    X(IN_EMPTY, "IN ()")                                                                                               \
    X(IN_SELECT, "IN SELECT")                                                                                          \
    X(NOT_IN, "NOT IN")                                                                                                \
    X(OR, "OR")                                                                                                        \
    X(NOT, "NOT")                                                                                                      \
    X(ROW_VALUE, "row value")                                                                                          \
    X(COLLATE, "COLLATE")                                                                                              \
    X(BOUND, "bound")                                                                                                  \
    X(COMPUTED, "computed")                                                                                            \
    X(NUMBER, "number as path")                                                                                        \
    X(BLOB, "BLOB as path")                                                                                            \
    X(NULL, "NULL as path")                                                                                            \
    X(COLUMN, "condition on column")                                                                                   \
    X(AGGREGATE, "aggregate")                                                                                          \
    X(MIN_MAX, "min, max")                                                                                             \
    X(DISTINCT, "DISTINCT")                                                                                            \
    X(GROUP_BY, "GROUP BY")                                                                                            \
    X(DESCENDING, "DESC")                                                                                              \
    X(OTHER_ORDER, "other order")                                                                                      \
    X(LIMIT, "LIMIT")                                                                                                  \
    X(OFFSET, "OFFSET")                                                                                                \
    X(ODD_LIMIT, "odd LIMIT")                                                                                          \
    X(WINDOW, "window")                                                                                                \
    X(EXISTS, "EXISTS")                                                                                                \
    X(CORRELATED, "correlated")                                                                                        \
    X(CTE, "CTE")                                                                                                      \
    X(COMPOUND, "compound")                                                                                            \
    X(JOIN, "join")                                                                                                    \
    X(JOIN_GLOB, "join GLOB")                                                                                          \
    X(JOIN_LIKE, "join LIKE")                                                                                          \
    X(JOIN_AFFINITY, "join affinity")                                                                                  \
    X(LEFT_JOIN, "LEFT JOIN")                                                                                          \
    X(SCHEMA, "table_info")                                                                                            \
    X(VIEW, "view")                                                                                                    \
    X(PREFIX, "prefix")                                                                                                \
    X(LISTING, "listing")                                                                                              \
    X(LISTING_JOIN, "listing join")                                                                                    \
    X(START_AFTER, "start_after")                                                                                      \
    X(LISTING_BYTES, "listing bytes")                                                                                  \
    X(LISTING_WRITE, "prefix write")                                                                                   \
    X(COUNT_FUNCTION, "art_count")                                                                                     \
    X(LONGEST_PREFIX, "art_longest_prefix")                                                                            \
    X(CHECK_FUNCTION, "art_check")                                                                                     \
    X(VERSION, "version")                                                                                              \
    X(COMPARE_AND_SET, "compare-and-set")                                                                              \
    X(INSERT, "INSERT")                                                                                                \
    X(INSERT_COLUMNS, "INSERT some columns")                                                                           \
    X(INSERT_SELECT, "INSERT SELECT")                                                                                  \
    X(INSERT_SELF, "INSERT from itself")                                                                               \
    X(RETURNING, "RETURNING")                                                                                          \
    X(REPLACE, "OR REPLACE")                                                                                           \
    X(IGNORE, "OR IGNORE")                                                                                             \
    X(FAIL, "OR FAIL")                                                                                                 \
    X(ROLLBACK_CLAUSE, "OR ROLLBACK")                                                                                  \
    X(UPDATE, "UPDATE")                                                                                                \
    X(UPDATE_PATH, "UPDATE path")                                                                                      \
    X(UPDATE_FROM, "UPDATE FROM")                                                                                      \
    X(DELETE, "DELETE")                                                                                                \
    X(TRIGGER, "trigger")                                                                                              \
    X(TYPED, "typed columns")                                                                                          \
    X(SAVEPOINT, "SAVEPOINT")                                                                                          \
    X(ROLLBACK_TO, "ROLLBACK TO")                                                                                      \
    X(RELEASE, "RELEASE")                                                                                              \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(CREATE, "CREATE")                                                                                                \
    X(DROP, "DROP")                                                                                                    \
    X(RENAME, "RENAME")                                                                                                \
    X(ADD_COLUMN, "add column")                                                                                        \
    X(OTHER_SCHEMA, "other DDL")                                                                                       \
    X(VACUUM, "VACUUM")                                                                                                \
    X(ANALYZE, "ANALYZE")                                                                                              \
    X(ATTACH, "DETACH and ATTACH")                                                                                     \
    X(REOPEN, "reopen")                                                                                                \
    X(CURSOR, "open cursor")                                                                                           \
    X(COMMAND_FLUSH, "flush")                                                                                          \
    X(COMMAND_OPTIMIZE, "optimize")                                                                                    \
    X(COMMAND_VACUUM, "vacuum")                                                                                        \
    X(COMMAND_CLEAN, "clean")                                                                                          \
    X(COMMAND_CHECK, "integrity-check")                                                                                \
    X(COMMAND_SETTING, "setting")                                                                                      \
    X(PRAGMA, "PRAGMA")                                                                                                \
    X(REPLACED_FUNCTION, "replaced function")                                                                          \
    X(JOURNAL, "journal_mode")                                                                                         \
    X(LOCKING_MODE, "locking_mode")                                                                                    \
    X(SWITCH, "other settings")                                                                                        \
    X(SCHEMA_RESET, "schema read anew")                                                                                \
    X(REGISTERED_AGAIN, "registered again")

enum workload_feature {
#define X(name, text) FEATURE_##name,
    WORKLOAD_FEATURES(X)
#undef X
        WORKLOAD_FEATURE_COUNT
};

struct workload_features {
    uint64_t bits[(WORKLOAD_FEATURE_COUNT + 63) / 64];
};

const char *workload_feature_name(enum workload_feature feature);
bool workload_feature_met(const struct workload_features *features, enum workload_feature feature);

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
    STEP_RENAMES = 128      /* t becomes u or u becomes t */
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
    struct workload_features features;
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

enum workload_table_number { TABLE_T, TABLE_U, TABLE_V };

struct workload {
    struct random random;
    const struct workload_setting *setting;
    const char *options; /* of the art tables */
    unsigned shapes[2];  /* of t and u, of v */
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
