#include "tests/support/sql_one.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sanitized.h"

char *directory, *path, *copy_path;
sqlite3 *db;

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
    const char *given = SANITIZED ? NULL : getenv("ART_EXTENSION");
    return given && strcmp(given, "linked") != 0 ? given : NULL;
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
