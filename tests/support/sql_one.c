#include "tests/support/sql_one.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

char *directory, *path, *copy_path;
sqlite3 *db;
const char *twin = "b";

static void set_up(char *folder) {
    directory = folder;
    path = sqlite3_mprintf("%s/a.db", directory);
    copy_path = sqlite3_mprintf("%s/copy.db", directory);
}

void sql_set_up_closed(void) {
    set_up(sql_scratch("sql"));
}

void sql_set_up(void) {
    sql_set_up_closed();
    db = sql_open(path);
}

void sql_set_up_for_others(void) {
    set_up(sql_scratch_for_others("sql"));
    db = sql_open(path);
}

void sql_set_up_in_memory(void) {
    db = sql_open(":memory:");
}

void sql_tear_down(void) {
    sql_close(db);
    db = NULL;
    if (directory) sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
    sqlite3_free(copy_path);
    directory = path = copy_path = NULL;
}

void sql_reopen(void) {
    sql_close(db);
    db = sql_open(path);
}

int sql_shell(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *command = sqlite3_mprintf("cd '%s' && %z", directory, sqlite3_vmprintf(format, arguments));
    va_end(arguments);
    int rc = system(command); // NOLINT(cert-env33-c)
    sqlite3_free(command);
    return rc;
}

const char *sql_extension_elsewhere(void) {
    const char *given = getenv("ART_EXTENSION");
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    given = NULL;
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    given = NULL;
#endif
    return given && strcmp(given, "linked") != 0 ? given : NULL;
}

void run(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    sql_vrun(db, format, arguments);
    va_end(arguments);
}

void fill_rows(const char *into, int first, int rows, const char *values, ...) {
    va_list arguments;
    va_start(arguments, values);
    run("INSERT %s WITH i(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM i LIMIT %d) SELECT %z FROM i", into, first, rows,
        sqlite3_vmprintf(values, arguments));
    va_end(arguments);
}

void command(const char *text) {
    sql_command(db, "main", "t", text);
}

void expect(const char *expected, const char *query) {
    sql_expect(db, expected, query);
}

void refuses(int code, const char *words, const char *statement) {
    sql_refused(db, code, words, statement);
}

void plan_has(const char *statement, const char *words) {
    sql_plan_has(db, statement, words);
}

void plan_lacks(const char *statement, const char *words) {
    sql_plan_lacks(db, statement, words);
}

void plan_says(const char *statement, const char *words) {
    plan_has(statement, words);
    plan_lacks(statement, "TEMP B-TREE");
}

char *named(const char *text, int i) {
    return kept(sql_named(text, i ? twin : "t"));
}

sqlite3_stmt *bound(const char *query, const char *values) {
    sqlite3_stmt *statement = sql_prepare(db, "%s", query), *of = sql_prepare(db, "SELECT %s", values);
    ck_assert_int_eq(sqlite3_step(of), SQLITE_ROW);
    for (int at = 0; at < sqlite3_bind_parameter_count(statement); at++) {
        sqlite3_bind_value(statement, at + 1, sqlite3_column_value(of, at % sqlite3_column_count(of)));
    }
    sqlite3_finalize(of);
    return statement;
}

void both(const char *statement) {
    for (int i = 0; i < 2; i++) run("%s", named(statement, i));
}

void alike_as(const char *query, const char *ordinary) {
    sql_same(sql_prepare(db, "%s", query), sql_prepare(db, "%s", ordinary));
}

void alike(const char *query) {
    alike_as(named(query, 0), named(query, 1));
}

void alike_bound(const char *query, const char *values) {
    sql_same(bound(named(query, 0), values), bound(named(query, 1), values));
}

void alike_or_undecided(const char *query, const char *values) {
    sql_alike(bound(named(query, 0), values), bound(named(query, 1), values));
}

int steps_of(const char *query, const char *values) {
    return sql_steps(bound(named(query, 0), values));
}
