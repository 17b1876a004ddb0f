/* What everyday statements cost on three kinds of rows, beside ordinary tables with the indexes that they would have.
 *
 *     bench_everyday load|ask <folder> <rows> [repetitions] <tests/bench/everyday.sql
 *
 * everyday.sql has the rows and the statements. `load` makes the tables: in random order, as loaded, and put in order.
 * `ask` prints kind, table, statement, how often it was run, and the processor's microseconds for once, of reads the
 * best of the repetitions; all tables answer alike. Statements are prepared, and pages in the cache. Under callgrind
 * what is below do_measured() counts, and asked() ends with each line that is printed (tests/bench/everyday).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/files.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { LOADED, ORDERED, ORDINARY, TABLES, LOG_SHARE = 20, TRANSACTIONS = 40 };
static const char *const names[TABLES] = {"as loaded", "in order", "ordinary"};
static sqlite3 *plan; /* what everyday.sql has made */

struct answer {
    uint64_t rows, digest; /* in whichever order the rows came */
};

static const char *text(sqlite3_stmt *statement, int column) {
    return (const char *)sqlite3_column_text(statement, column);
}

static const char *folder_of(const char *folder, const char *kind, int table) {
    return TEXT("%s/%s, %s", folder, kind, names[table]);
}

/* The folder's t.db: WAL, synchronous=NORMAL, a cache of 1 GB for SQLite's own tables. */
static sqlite3 *open_table(const char *folder) {
    sqlite3 *db = sql_open(TEXT("%s/t.db", folder));
    sql_run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1048576");
    return db;
}

/* With the .art file that is there: a copy is a table of its own. */
static void copy_table(const char *from, const char *to) {
    files_make(to);
    sql_copy_file(TEXT("%s/t.db", from), TEXT("%s/t.db", to));
    char *art = sql_find_file(from, ".art");
    if (art) sql_copy_file(art, TEXT("%s%s", to, strrchr(art, '/')));
    sqlite3_free(art);
}

static void put_in_order(sqlite3 *db) {
    sql_run(db, "INSERT INTO t(t) VALUES('optimize'); SELECT art_vacuum('t')");
}

static void run_all(sqlite3_stmt *statement) {
    int rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) continue;
    if (rc == SQLITE_DONE) rc = sqlite3_reset(statement);
    if (!rc) return;
    fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    exit(1);
}

/* The smaller of both; 0 is none yet. */
static void keep_best(double *best, double now) {
    if (!*best || now < *best) *best = now;
}

/* Rows are read as a program reads them. */
static void step(sqlite3_stmt *statement, struct answer *answer) {
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t row = 0;
        for (int c = 0; c < sqlite3_data_count(statement); c++) {
            const char *value = text(statement, c);
            int len = sqlite3_column_bytes(statement, c);
            row = row * 31 + (uint64_t)len * 257 + (len ? (unsigned char)value[len - 1] : 0);
        }
        answer->rows++;
        answer->digest += row * row;
    }
    if (!sqlite3_reset(statement)) return;
    fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
    exit(1);
}

static void __attribute__((noinline)) do_measured(sqlite3_stmt *statement, struct answer *answer) {
    step(statement, answer);
}

static void bind(sqlite3_stmt *statement, sqlite3_stmt *arguments) {
    for (int i = 0; i < sqlite3_bind_parameter_count(statement); i++)
        sqlite3_bind_value(statement, i + 1, sqlite3_column_value(arguments, i));
}

/* Once for each row of the arguments, all of a write in one transaction; how often. */
static int __attribute__((noinline))
asked(sqlite3 *db, sqlite3_stmt *statement, sqlite3_stmt *arguments, struct answer *answer) {
    sqlite3_stmt *commit = sqlite3_stmt_readonly(statement) ? NULL : sql_prepare(db, "COMMIT");
    int times = 0;
    if (commit) sql_run(db, "BEGIN");
    for (; sqlite3_step(arguments) == SQLITE_ROW; times++) {
        bind(statement, arguments);
        do_measured(statement, answer);
    }
    if (commit) do_measured(commit, answer);
    sqlite3_finalize(commit);
    sqlite3_reset(arguments);
    return times;
}

static void warm(sqlite3_stmt *statement, sqlite3_stmt *arguments) {
    struct answer answer = {0};
    if (!sqlite3_stmt_readonly(statement) || !sqlite3_bind_parameter_count(statement)) return;
    sqlite3_step(arguments);
    bind(statement, arguments);
    step(statement, &answer);
    sqlite3_reset(arguments);
}

static void ask_one(sqlite3 *const db[TABLES], sqlite3_stmt *asking, int repetitions) {
    sqlite3_stmt *arguments = sql_prepare(plan, "%s", text(asking, 3));
    struct answer answers[TABLES] = {{0}};
    for (int table = 0; table < TABLES; table++) {
        sqlite3_stmt *statement = sql_prepare(db[table], "%s", text(asking, 1 + (table == ORDINARY)));
        double best = 0;
        int times = 0;
        warm(statement, arguments);
        for (int i = sqlite3_stmt_readonly(statement) ? repetitions : 1; i; i--) {
            answers[table] = (struct answer){0};
            double begun = timing_cpu();
            times = asked(db[table], statement, arguments, &answers[table]);
            keep_best(&best, timing_cpu() - begun);
        }
        printf("%s\t%s\t%s\t%d\t%.3f\n", text(asking, 4), names[table], text(asking, 0), times, best / times / 1e3);
        sqlite3_finalize(statement);
        if (!memcmp(&answers[table], &answers[0], sizeof *answers)) continue;
        fprintf(stderr, "bench: %s and %s give other rows: %s, %s\n", names[0], names[table], text(asking, 4),
                text(asking, 0));
        exit(1);
    }
    sqlite3_finalize(arguments);
}

static void ask(const char *folder, sqlite3_stmt *kind, int repetitions) {
    sqlite3 *db[TABLES];
    for (int table = 0; table < TABLES; table++) {
        db[table] = open_table(folder_of(folder, text(kind, 0), table));
        sqlite3_stmt *all = sql_prepare(db[table], "SELECT * FROM t");
        run_all(all);
        sqlite3_finalize(all);
    }
    sqlite3_stmt *asking = sql_prepare(plan,
                                       "SELECT name, art, coalesce(ordinary, art), coalesce(arguments, 'SELECT 1'), "
                                       "kind FROM statements WHERE kind = %Q",
                                       text(kind, 0));
    while (sqlite3_step(asking) == SQLITE_ROW) ask_one(db, asking, repetitions);
    sqlite3_finalize(asking);
    for (int table = 0; table < TABLES; table++) sql_close(db[table]);
}

static void load(const char *folder, sqlite3_stmt *kind, int rows) {
    for (int table = LOADED; table < TABLES; table++) {
        const char *at = folder_of(folder, text(kind, 0), table);
        if (table == ORDERED) continue;
        files_make(at);
        sqlite3 *db = open_table(at);
        sql_run(db, text(kind, table == ORDINARY ? 2 : 1), LOG_SHARE * rows);
        sqlite3_stmt *insert = sql_prepare(db, "%s", text(kind, 3)), *drawn = sql_prepare(plan, "%s", text(kind, 4));
        for (int i = 0; sqlite3_step(drawn) == SQLITE_ROW; i++) {
            if (i % (rows / TRANSACTIONS) == 0) sql_run(db, i ? "COMMIT; BEGIN" : "BEGIN");
            bind(insert, drawn);
            run_all(insert);
        }
        sql_run(db, "COMMIT");
        if (table != ORDINARY) sql_run(db, "INSERT INTO t(t) VALUES('log_limit=64MB')");
        sqlite3_finalize(insert);
        sqlite3_finalize(drawn);
        sql_close(db);
    }
    const char *ordered = folder_of(folder, text(kind, 0), ORDERED);
    copy_table(folder_of(folder, text(kind, 0), LOADED), ordered);
    sqlite3 *db = open_table(ordered);
    put_in_order(db);
    sql_close(db);
}

int main(int argc, char **argv) {
    bool loading = argc > 3 && !strcmp(argv[1], "load");
    static char script[65536];
    int rows = argc > 3 ? atoi(argv[3]) : 0;
    if (rows < 1000 || !fread(script, 1, sizeof script - 1, stdin) || !feof(stdin)) {
        fprintf(stderr, "usage: bench_everyday load|ask <folder> <rows, from 1000 on> [repetitions] <everyday.sql\n");
        return 2;
    }
    plan = sql_open(":memory:");
    sql_run(plan,
            "CREATE TABLE scale AS SELECT %d AS n; CREATE TABLE kinds(kind, art, ordinary, load, rows);"
            "CREATE TABLE statements(kind, name, art, ordinary, arguments)",
            rows);
    sql_run(plan, "%s", script);
    sqlite3_stmt *kind = sql_prepare(plan, "SELECT * FROM kinds");
    if (!loading) printf("%d rows, SQLite %s\n", rows, sqlite3_libversion());
    while (sqlite3_step(kind) == SQLITE_ROW) {
        if (loading) load(argv[2], kind, rows);
        if (!loading) ask(argv[2], kind, argc > 4 ? atoi(argv[4]) : 1);
    }
    sqlite3_finalize(kind);
    sql_close(plan);
    return 0;
}
