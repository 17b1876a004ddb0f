/* Scripts that run the same on an ordinary WITHOUT ROWID table and on an art table: the files of tests/conformance.
 *
 * A script is prose, and behind it cases. Each case begins with two databases that are empty and runs its statements in
 * both, one after another; after each the two are compared: result code and message, rows with their types, changes(),
 * last_insert_rowid(), transaction open or not; within transactions also total_changes(). Rows are compared as a set
 * where the statement has no ORDER BY. At its end the schemas and all tables are compared, integrity_check and
 * art_check() are asked, and the tables are compared once more after reopening.
 *
 *     == name of a case
 *     CREATE ART TABLE t(a TEXT PRIMARY KEY, b);     USING art(...) in one database, WITHOUT ROWID in the other
 *     INSERT INTO t VALUES('x', 1); SELECT b FROM t;
 *
 * Lines that begin with two dashes and a word of these are about the statement before them:
 *
 *     --fails <words>         it fails in both, and the message has these words; any other failure is one of the test
 *     --differs <reason>      the art table answers otherwise, by SQLite's design for virtual tables, and exactly so:
 *     --art <line>            a line of its answer: "error 1: message", or the rows, 'text' NULL 1.5, or "changes 2"
 *     --instead <statement>   then, in the art table's database only: what sql/limits.md says to do in its place
 *
 * and these stand alone:
 *
 *     --since 3.44.0          the next statement needs this version of SQLite
 *     --built <option>        the next statement needs a SQLite that was built with it
 *     --on 2                  from here on connection 2 (of three)
 *     --open q <SELECT ...>   a statement that stays open; --step q: its next row, or its end; --close q
 *     --reopen                all connections are closed and opened again
 *
 * Any other line of two dashes is a comment.
 */
#ifndef ART_TESTS_CONFORMANCE_H
#define ART_TESTS_CONFORMANCE_H

#include <stdbool.h>

enum conformance_kind {
    CONFORMANCE_SQL,
    CONFORMANCE_ON,
    CONFORMANCE_OPEN,
    CONFORMANCE_STEP,
    CONFORMANCE_CLOSE,
    CONFORMANCE_REOPEN
};

struct conformance_step {
    enum conformance_kind kind;
    int line;
    char *sql;
    char name;                             /* of an open statement */
    int connection;                        /* of CONFORMANCE_ON: 0, 1, 2 */
    int since;                             /* as sqlite3_libversion_number(), 0: any */
    char *built;                           /* with this option; NULL: any */
    char *fails, *differs, *art, *instead; /* NULL: not given */
};

struct conformance_case {
    char *name;
    int first, count; /* of the script's conformance */
    bool needs_file;  /* several connections, or reopening */
};

struct conformance_script {
    struct conformance_step *steps;
    struct conformance_case *cases;
    int step_count, case_count;
};

/* NULL when the file is a script, else what is wrong with it. sqlite3_free() it. */
char *conformance_read(struct conformance_script *script, const char *file);
void conformance_clear(struct conformance_script *script);

/* How a case is run: on which journal, with which options of the art table. */
struct conformance_setting {
    const char *name;
    const char *journal; /* NULL: in memory */
    const char *options;
};

/* Counts what ran. */
struct conformance_tally {
    int cases, statements, differences;
};

/* NULL when both databases agree in all, else the difference. sqlite3_free() it. */
char *conformance_run(const struct conformance_script *script, int number, const struct conformance_setting *setting,
                      struct conformance_tally *tally);

#endif
