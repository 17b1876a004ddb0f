/* Transactions that flush, merge and spill all the time where limits are tiny: see kill_load.h. */
#include "tests/support/kill_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tree/state/hooks.h"
#include "tests/support/differential.h"
#include "tests/support/features.h"
#include "tests/support/grammar.h"
#include "tests/support/sql.h"

enum { LONGEST_VALUE = 120000 };

/* As the command names them, and as art_info() does. */
static const char *const summaries[][2] = {
    {"summary=()", ""},
    {"summary=(sum(size), lookup(value))", "sum(\"size\"), lookup(\"value\")"},
    {"summary=(max(size), lookup(size))", "max(\"size\"), lookup(\"size\")"},
    {"summary=(min(size), hash(values))", "hash(values), min(\"size\")"},
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
    features_create(db, options ? TEXT(", %s", options) : NULL);
    sql_run(db, "CREATE TABLE counter(n INTEGER, writes INTEGER, summary INTEGER);"
                "INSERT INTO counter VALUES(0, 0, 0)");
}

/* ---- a transaction ----------------------------------------------------------------------------------------------- */

static const char *const rules[] = {
    "path: 'data/directory-$(00-07)/file-$(00000-00249)'",
    "length: $(0-119999) | 11*$(0-8999) | 388*$(0-299)",
    "size: 491*$(0-490) | 9*-$(1-9)",
    "row: 60*INSERT OR REPLACE $values | 15*INSERT OR IGNORE $values | 15*DELETE FROM t WHERE path = $path | "
    "10*UPDATE OR IGNORE t SET path = $path WHERE path = $path",
    "values: INTO t(path, value, size) VALUES($path, noise($(0-1000000000), $length), $size)",
    "clear: DELETE FROM t WHERE path GLOB $(7*'data/directory-$(00-07)/*'|'*') | $ways{INSERT INTO t(t, prefix, path) "
    "VALUES('move', '$of', '$to')|UPDATE t SET path = '$to' || substr(path, 19) WHERE path GLOB '$of*'} | $ways{INSERT "
    "INTO t(t, prefix, path) VALUES('copy', '$of', '$to')|INSERT INTO t SELECT '$to' || substr(path, 19), value, size "
    "FROM t WHERE path GLOB '$of*'}",
    "ways: $(of:=data/directory-$(00-07)/)$(to:=data/directory-$(10-17)/)DELETE FROM t WHERE {prefix = 'data/' AND "
    "delimiter = '/' AND path = '$to'|path GLOB '$to*'};",
    NULL};

static void run_drawn(struct target *target, struct random *random, const char *text) {
    char *drawn = grammar_text(&(struct grammar){.random = random, .rules = rules}, text);
    char *sql = text_for(drawn, target->art);
    sql_run(target->db, "%s", sql);
    sqlite3_free(drawn);
    sqlite3_free(sql);
}

/* noise(seed, length): bytes. */
static void noise(sqlite3_context *context, int count, sqlite3_value **values) {
    static unsigned char data[LONGEST_VALUE + 8];
    int len = sqlite3_value_int(values[1]);
    uint64_t x = random_next(&(struct random){(uint64_t)sqlite3_value_int64(values[0])});
    (void)count;
    for (int i = 0; i < len; i += 8) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        memcpy(data + i, &x, sizeof x);
    }
    sqlite3_result_blob(context, data, len, SQLITE_TRANSIENT);
}

struct target target_open(sqlite3 *db, bool art) {
    sqlite3_create_function(db, "noise", 2, SQLITE_UTF8, NULL, noise, NULL, NULL);
    return (struct target){.db = db, .art = art};
}

void target_close(struct target *target) {
    sql_close(target->db);
}

static void write_rows(struct target *target, struct random *random, uint32_t count) {
    while (count--) run_drawn(target, random, "$row");
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
    if (optimize) sql_command(target->db, "main", random_once_in(random, 3) ? "fk" : "t", "optimize");
    if (flush) sql_command(target->db, "main", "fb", "flush");
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
    art_test_hooks.as_one = !random_once_in(&random, 3);
    if (random_once_in(&random, 10)) run_drawn(target, &random, "$clear");
    sql_run(target->db,
            "INSERT OR REPLACE INTO u(path, value) VALUES(printf('%%02d', %lld), %lld);"
            "UPDATE counter SET n = %lld, writes = writes + %u",
            n % 40, n, n, rows);
    if (features_change(target->db, target->art, n)) {
        fprintf(stderr, "transaction %lld: %s\n", (long long)n, sqlite3_errmsg(target->db));
        abort();
    }
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
    sql_append_value(out, statement, 0);
    sqlite3_str_appendall(out, " | ");
    sql_append_value(out, statement, 1);
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

static void compare_features(sqlite3 *db, sqlite3 *model, uint64_t seed) {
    char *given = features_answers(db, true), *expected = features_answers(model, false);
    if (strcmp(given, expected)) {
        fprintf(stderr, "seed %llu, after transaction %lld: %s", (unsigned long long)seed,
                (long long)load_counter(model), features_differ(given, expected));
        abort();
    }
    sqlite3_free(given);
    sqlite3_free(expected);
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
    compare_features(db, model, seed);
    char *found = sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'summary'");
    const char *wanted = summaries[sql_int(model, "SELECT summary FROM counter")][1];
    size_t length = strlen(wanted);
    if (strncmp(found, wanted, length) != 0 || strcmp(found + length, length ? "\n" : "") != 0) {
        fprintf(stderr, "seed %llu: the summary is %s, and should be %s\n", (unsigned long long)seed, found, wanted);
        abort();
    }
    sqlite3_free(found);
}
