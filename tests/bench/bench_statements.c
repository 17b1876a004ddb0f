/* What is paid beside the rows: opening, and many rows in one statement.
 *
 *     bench_statements [-r repetitions] [rows]         default: 300000
 *
 * An art table and an ordinary one WITHOUT ROWID with the same rows. What is measured alternates, and the medians of
 * the processor's time count; of opening, of all time. Default settings but for WAL. "ratio" is art / ordinary: below
 * 1, art is better.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { ART, ORDINARY, MOST_REPETITIONS = 199, KEY_ROOM = 64 };

static int repetitions = 15;
static int64_t rows = 300000;
static char *paths[2];
static sqlite3 *db[2];

static void print(const char *what, double art, double ordinary) {
    printf("%-58s %10.2f us %10.2f us  ratio %6.2f\n", what, art / 1e3, ordinary / 1e3, art / ordinary);
    fflush(stdout);
}

/* In turn on both, `repetitions` times. */
static void measure(const char *what, double (*once)(int kind, const char *argument), const char *argument) {
    double spent[2][MOST_REPETITIONS];
    for (int i = 0; i < repetitions; i++) {
        for (int kind = ART; kind <= ORDINARY; kind++) spent[kind][i] = once(kind, argument);
    }
    print(what, timing_median(spent[ART], repetitions), timing_median(spent[ORDINARY], repetitions));
}

/* Directories d00/ to d39/, each with a fortieth of the rows. */
static void fill(int kind) {
    if (kind == ART) {
        sql_run(db[kind], "CREATE VIRTUAL TABLE t USING art(path, size, tag)");
    } else {
        sql_run(db[kind], "CREATE TABLE t(path TEXT PRIMARY KEY, size, tag) WITHOUT ROWID");
    }
    for (int64_t first = 0; first < rows; first += 1000) {
        sql_run(db[kind],
                "INSERT INTO t WITH n(i) AS (SELECT %lld UNION ALL SELECT i + 1 FROM n LIMIT 1000) SELECT "
                "printf('d%%02d/%%03d/file-%%08d', i * 7919 %% 40, i * 7919 / 40 %% 100, i * 7919 %% %lld), i %% 1000, "
                "hex(i * 2654435761) FROM n",
                (long long)first, (long long)rows);
    }
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Of several, since one is short. */
static double open_and_get(int kind, const char *key) {
    enum { TIMES = 20 };
    double begun = timing_now();
    for (int i = 0; i < TIMES; i++) {
        sqlite3 *own = sql_open(paths[kind]);
        sqlite3_stmt *get = sql_prepare(own, "SELECT size FROM t WHERE path = ?1");
        sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
        if (sqlite3_step(get) != SQLITE_ROW) printf("no row %s: %s\n", key, sqlite3_errmsg(own));
        sqlite3_finalize(get);
        sql_close(own);
    }
    return (timing_now() - begun) / TIMES;
}

static void measure_opening(const char *what) {
    char key[KEY_ROOM];
    sqlite3_stmt *any = sql_prepare(db[ART], "SELECT path FROM t LIMIT 1 OFFSET 1");
    sqlite3_step(any);
    snprintf(key, sizeof key, "%s", (const char *)sqlite3_column_text(any, 0));
    sqlite3_finalize(any);
    measure(what, open_and_get, key);
}

/* --- many rows in one statement ----------------------------------------------------------------------------------- */

/* In a transaction that is taken back; a row. */
static double change(int kind, const char *sql) {
    sql_run(db[kind], "BEGIN");
    double begun = timing_cpu();
    sql_run(db[kind], "%s", sql);
    double spent = timing_cpu() - begun;
    int changed = sqlite3_changes(db[kind]);
    sql_run(db[kind], "ROLLBACK");
    return spent / (changed ? changed : 1);
}

static void measure_many_rows(void) {
    measure("UPDATE of a column below a prefix, a row", change, "UPDATE t SET size = size + 1 WHERE path GLOB 'd07/*'");
    measure("DELETE below a prefix, a row", change, "DELETE FROM t WHERE path GLOB 'd07/*'");
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
        } else {
            rows = atoll(argv[i]);
        }
        if (repetitions < 1 || repetitions > MOST_REPETITIONS || rows < 1000) {
            fprintf(stderr, "usage: %s [-r repetitions] [rows]\n", argv[0]);
            return 2;
        }
    }
    char *directory = sql_scratch("statements");
    for (int kind = ART; kind <= ORDINARY; kind++) {
        paths[kind] = sqlite3_mprintf("%s/%d.db", directory, kind);
        db[kind] = sql_open(paths[kind]);
        sql_run(db[kind], "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
        fill(kind);
    }
    printf("SQLite %s, %lld rows; art, ordinary; medians of %d\n", sqlite3_libversion(), (long long)rows, repetitions);
    measure_opening("open, get a row, close, with what is in the log");
    sql_command(db[ART], "main", "t", "flush");
    measure_opening("... with an empty log");
    measure_many_rows();
    for (int kind = ART; kind <= ORDINARY; kind++) {
        sql_close(db[kind]);
        sqlite3_free(paths[kind]);
    }
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    return 0;
}
