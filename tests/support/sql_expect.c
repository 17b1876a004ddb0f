#include "tests/support/sql_expect.h"

#include <check.h>
#include <string.h>

void sql_expect(sqlite3 *db, const char *expected, const char *query) {
    char *rows = sql_rows(db, "%s", query);
    ck_assert_msg(!strcmp(rows, expected), "%s\n  gave     %.500s\n  expected %.500s", query, rows, expected);
    sqlite3_free(rows);
}

static bool compare(sqlite3_stmt *ours, sqlite3_stmt *theirs, bool may_fail) {
    sqlite3 *db = sqlite3_db_handle(ours);
    char *art = sql_answer(ours);
    bool undecided = may_fail && sql_is_undecided(db);
    ck_assert_msg(may_fail || !sqlite3_errcode(db), "%s: %s", sqlite3_sql(ours), sqlite3_errmsg(db));
    char *ordinary = sql_answer(theirs);
    size_t same = 0, line = 0;
    for (; art[same] && art[same] == ordinary[same]; same++) {
        if (art[same] == '\n') line = same + 1;
    }
    if (art[same] != ordinary[same] && !undecided) {
        char *sql = sqlite3_expanded_sql(ours), *plan = sql_rows(db, "EXPLAIN QUERY PLAN %s", sqlite3_sql(ours));
        ck_abort_msg("%s\n%s\n  art:      %.400s\n  ordinary: %.400s", sql, plan, art + line, ordinary + line);
    }
    bool rows = *art != 0;
    sqlite3_free(art);
    sqlite3_free(ordinary);
    sqlite3_finalize(ours);
    sqlite3_finalize(theirs);
    return rows;
}

bool sql_alike(sqlite3_stmt *ours, sqlite3_stmt *theirs) {
    return compare(ours, theirs, true);
}

bool sql_same(sqlite3_stmt *ours, sqlite3_stmt *theirs) {
    return compare(ours, theirs, false);
}

void sql_refused(sqlite3 *db, int code, const char *words, const char *statement) {
    int rc = sql_try(db, "%s", statement);
    ck_assert_msg(rc != SQLITE_OK, "%.200s: was not refused", statement);
    ck_assert_msg(!code || rc == code, "%.200s: code %d (\"%s\") instead of %d", statement, rc, sqlite3_errmsg(db),
                  code);
    ck_assert_msg(strstr(sqlite3_errmsg(db), words) != NULL, "%.200s: \"%s\" should say \"%s\"", statement,
                  sqlite3_errmsg(db), words);
}

char *sql_named(const char *text, const char *name) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at; (at = strchr(text, '@')); text = at + 1) {
        sqlite3_str_append(out, text, (int)(at - text));
        sqlite3_str_appendall(out, name);
    }
    sqlite3_str_appendall(out, text);
    return sqlite3_str_finish(out);
}

char *sql_plan(sqlite3 *db, const char *table, const char *statement) {
    char *text = sql_named(statement, table), *plan = sql_rows(db, "EXPLAIN QUERY PLAN %s", text);
    sqlite3_free(text);
    return plan;
}

static void look_at_plan(sqlite3 *db, const char *statement, const char *words, bool has) {
    char *plan = sql_plan(db, "t", statement);
    ck_assert_msg(!strstr(plan, words) != has, "%s: %s with%s '%s'", statement, plan, has ? "out" : "", words);
    sqlite3_free(plan);
}

void sql_plan_has(sqlite3 *db, const char *statement, const char *words) {
    look_at_plan(db, statement, words, true);
}

void sql_plan_lacks(sqlite3 *db, const char *statement, const char *words) {
    look_at_plan(db, statement, words, false);
}

char *sql_outcome(sqlite3 *db, const char *table, const char *statement, const char *rows) {
    char *text = sql_named(statement, table), *query = rows ? sql_named(rows, table) : NULL;
    int rc = sql_try(db, "%s", text);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendf(out, "code %d, %d changed, %s\n", rc, rc ? 0 : sqlite3_changes(db),
                        sqlite3_get_autocommit(db) ? "no transaction" : "in a transaction");
    if (query) {
        char *found = sql_rows(db, "%s", query);
        sqlite3_str_appendall(out, found);
        sqlite3_free(found);
    }
    sqlite3_free(text);
    sqlite3_free(query);
    return sqlite3_str_finish(out);
}
