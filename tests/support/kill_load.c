/* Transactions that flush, merge and spill all the time where limits are tiny: see kill_load.h. */
#include "tests/support/kill_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"

enum { DIRECTORIES = 8, FILES = 250, LONGEST_VALUE = 120000, SIZES = 500 };

/* As the command names them, and as art_info() does. */
static const char *const summaries[][2] = {
    {"summary=()", ""},
    {"summary=(sum(size), lookup(value))", "sum(\"size\"), lookup(\"value\")"},
    {"summary=(max(size), lookup(size))", "max(\"size\"), lookup(\"size\")"},
    {"summary=(min(size))", "min(\"size\")"},
};
enum { SUMMARIES = sizeof summaries / sizeof *summaries };

void load_create(sqlite3 *db, const char *options) {
    const char *ordinary = "CREATE TABLE %s(path TEXT PRIMARY KEY NOT NULL, value, size INTEGER) WITHOUT ROWID";
    if (options) {
        char *all = sqlite3_mprintf("path, value, size INTEGER, %s", options);
        sql_create(db, "t", all);
        sql_create(db, "u", all);
        sqlite3_free(all);
    } else {
        sql_run(db, ordinary, "t");
        sql_run(db, ordinary, "u");
    }
    sql_run(db, "CREATE TABLE counter(n INTEGER, writes INTEGER, summary INTEGER);"
                "INSERT INTO counter VALUES(0, 0, 0)");
}

struct target target_open(sqlite3 *db, bool art) {
    return (struct target){
        .db = db,
        .art = art,
        .put = sql_prepare(db, "INSERT OR REPLACE INTO t(path, value, size) VALUES(?1, ?2, ?3)"),
        .insert = sql_prepare(db, "INSERT OR IGNORE INTO t(path, value, size) VALUES(?1, ?2, ?3)"),
        .remove = sql_prepare(db, "DELETE FROM t WHERE path = ?1"),
        .remove_directory = sql_prepare(db, "DELETE FROM t WHERE path GLOB ?1"),
        .move = sql_prepare(db, "UPDATE OR IGNORE t SET path = ?2 WHERE path = ?1"),
        .count = sql_prepare(db, "UPDATE counter SET n = ?1, writes = writes + ?2"),
        .note = sql_prepare(db, "INSERT OR REPLACE INTO u(path, value) VALUES(printf('%%02d', ?1 %% 40), ?1)"),
    };
}

void target_close(struct target *target) {
    sqlite3_stmt *all[] = {target->put,  target->insert, target->remove, target->remove_directory,
                           target->move, target->count,  target->note};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
    sql_close(target->db);
}

static void step(struct target *target, sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE) {
        fprintf(stderr, "%s: %s (%d)\n", sqlite3_sql(statement), sqlite3_errmsg(target->db), rc);
        abort();
    }
    sqlite3_reset(statement);
}

static void bind_path(sqlite3_stmt *statement, int at, struct random *random) {
    char path[64];
    sqlite3_snprintf(sizeof path, path, "data/directory-%02u/file-%05u", random_below(random, DIRECTORIES),
                     random_below(random, FILES));
    sqlite3_bind_text(statement, at, path, -1, SQLITE_TRANSIENT);
}

static void bind_value(sqlite3_stmt *statement, int at, struct random *random) {
    static unsigned char data[LONGEST_VALUE + 8];
    uint32_t kind = random_below(random, 400), len;
    if (kind == 0) {
        len = random_below(random, LONGEST_VALUE);
    } else if (kind < 12) {
        len = random_below(random, 9000);
    } else {
        len = random_below(random, 300);
    }
    uint64_t x = random_next(random);
    for (uint32_t i = 0; i < len; i += 8) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        memcpy(data + i, &x, sizeof x);
    }
    sqlite3_bind_blob(statement, at, data, (int)len, SQLITE_TRANSIENT);
}

static void write_rows(struct target *target, struct random *random, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kind = random_below(random, 100);
        sqlite3_stmt *statement = kind < 60   ? target->put
                                  : kind < 75 ? target->insert
                                  : kind < 90 ? target->remove
                                              : target->move;
        bind_path(statement, 1, random);
        if (kind < 75) bind_value(statement, 2, random);
        if (kind < 75) sqlite3_bind_int(statement, 3, (int)random_below(random, SIZES) - 9);
        if (kind >= 90) bind_path(statement, 2, random);
        step(target, statement);
    }
}

/* All rows are written anew, and the counter notes it: what takes the one back takes the other. */
static void change_summary(struct target *target, struct random *random) {
    unsigned to = random_below(random, SUMMARIES);
    if (target->art) sql_command(target->db, "main", "t", summaries[to][0]);
    sql_run(target->db, "UPDATE counter SET summary = %u", to);
}

static void write_in_savepoint(struct target *target, struct random *random) {
    sql_run(target->db, "SAVEPOINT s");
    if (random_once_in(random, 8)) change_summary(target, random);
    write_rows(target, random, random_below(random, random_once_in(random, 4) ? 800 : 60));
    sql_run(target->db, random_once_in(random, 2) ? "ROLLBACK TO s" : "RELEASE s");
    write_rows(target, random, random_below(random, 5));
}

/* Drawn for both, given to art tables alone. */
static void give_commands(struct target *target, struct random *random) {
    bool flush = random_once_in(random, 8), optimize = random_once_in(random, 20);
    bool vacuum = random_once_in(random, 15), clean = random_once_in(random, 60);
    if (!target->art) return;
    if (flush) sql_command(target->db, "main", "t", "flush");
    if (optimize) sql_command(target->db, "main", random_once_in(random, 3) ? "u" : "t", "optimize");
    if (vacuum) sql_command(target->db, "main", "t", "vacuum");
    if (clean) sql_command(target->db, "main", "t", "clean");
}

void load_transaction(struct target *target, uint64_t seed, int64_t n) {
    struct random random = {seed * 1000003 + (uint64_t)n};
    random_next(&random);
    sql_run(target->db, "BEGIN IMMEDIATE");
    uint32_t rows = random_once_in(&random, 14) ? random_below(&random, 1000) : 1 + random_below(&random, 60);
    write_rows(target, &random, rows);
    if (random_once_in(&random, 20)) change_summary(target, &random);
    if (random_once_in(&random, 4)) write_in_savepoint(target, &random);
    if (random_once_in(&random, 30)) {
        char pattern[64] = "*";
        if (!random_once_in(&random, 8))
            sqlite3_snprintf(sizeof pattern, pattern, "data/directory-%02u/*", random_below(&random, DIRECTORIES));
        sqlite3_bind_text(target->remove_directory, 1, pattern, -1, SQLITE_TRANSIENT);
        step(target, target->remove_directory);
    }
    sqlite3_bind_int64(target->note, 1, n);
    step(target, target->note);
    sqlite3_bind_int64(target->count, 1, n);
    sqlite3_bind_int64(target->count, 2, rows);
    step(target, target->count);
    give_commands(target, &random);
    sql_run(target->db, "COMMIT");
}

int64_t load_counter(sqlite3 *db) {
    return sql_int(db, "SELECT n FROM counter");
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static char *show_row(sqlite3_stmt *statement, int rc) {
    if (rc != SQLITE_ROW) return sqlite3_mprintf("(%d)", rc);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sql_append_value(out, sqlite3_column_value(statement, 0));
    sqlite3_str_appendall(out, " | ");
    sql_append_value(out, sqlite3_column_value(statement, 1));
    return sqlite3_str_finish(out);
}

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int i) {
    int len = sqlite3_column_bytes(a, i);
    if (sqlite3_column_type(a, i) != sqlite3_column_type(b, i) || len != sqlite3_column_bytes(b, i)) return false;
    return !len || !memcmp(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i), (size_t)len);
}

static void compare_query(sqlite3 *db, sqlite3 *model, uint64_t seed, const char *query, const char *of_model) {
    sqlite3_stmt *a = sql_prepare(db, "%s", query), *b = sql_prepare(model, "%s", of_model);
    for (;;) {
        int rc = sqlite3_step(a), model_rc = sqlite3_step(b);
        bool same = rc == model_rc && (rc != SQLITE_ROW || (same_column(a, b, 0) && same_column(a, b, 1)));
        if (!same) {
            fprintf(stderr, "seed %llu, after transaction %lld: %s: art %s, ordinary table %s (%s)\n",
                    (unsigned long long)seed, (long long)load_counter(model), query, show_row(a, rc),
                    show_row(b, model_rc), sqlite3_errmsg(db));
            abort();
        }
        if (rc != SQLITE_ROW) break;
    }
    sqlite3_finalize(a);
    sqlite3_finalize(b);
}

void load_compare(sqlite3 *db, sqlite3 *model, uint64_t seed) {
    static const char *const queries[] = {
        "SELECT path, value FROM t ORDER BY path",
        "SELECT path, value FROM u ORDER BY path",
        "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)",
        "SELECT n, writes FROM counter",
        "SELECT path, size FROM t ORDER BY path",
        "SELECT n, summary FROM counter",
        "SELECT path, value FROM t WHERE size IN (7, 77) ORDER BY path",
    };
    static const char level[] = "SELECT path, size FROM t('data/', '/')",
                      level_of_model[] =
                          "SELECT substr(path, 1, 18) AS level, CASE (SELECT summary FROM counter) WHEN 1 THEN "
                          "sum(size) WHEN 2 THEN max(size) WHEN 3 THEN min(size) END FROM t GROUP BY level";
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        compare_query(db, model, seed, queries[i], queries[i]);
    compare_query(db, model, seed, level, level_of_model);
    char *found = sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'summary'");
    const char *wanted = summaries[sql_int(model, "SELECT summary FROM counter")][1];
    size_t length = strlen(wanted);
    if (strncmp(found, wanted, length) != 0 || strcmp(found + length, length ? "\n" : "") != 0) {
        fprintf(stderr, "seed %llu: the summary is %s, and should be %s\n", (unsigned long long)seed, found, wanted);
        abort();
    }
    sqlite3_free(found);
}
