/* A function within a statement that writes runs SQL of its own, on the same connection: what it ends or takes back is
 * ended or taken back, and what others commit meanwhile stays.
 */
#include <string.h>

#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { ROWS = 6, AT = 3 };

static char *directory;
static sqlite3 *db, *other;
static const char *nested, *others;
static int calls, nested_code;

static const char insert_text[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6) INSERT "
                                  "INTO t SELECT 'k' || i, f() FROM n";

static void run_nested(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    (void)values;
    if (++calls == AT) {
        nested_code = sqlite3_exec(db, nested, NULL, NULL, NULL);
        if (others) sql_run(other, "%s", others);
    }
    sqlite3_result_int(context, calls);
}

static sqlite3 *connect_to(void) {
    char *path = sqlite3_mprintf("%s/a.db", directory);
    sqlite3 *out = sql_open(path);
    sqlite3_free(path);
    return out;
}

static void set_up(void) {
    directory = sql_scratch("nested");
    db = connect_to();
    sql_run(db, "PRAGMA journal_mode = WAL; CREATE TABLE u(x UNIQUE); INSERT INTO u VALUES(1)");
    sql_create(db, "t", "log_limit=1000");
    sql_run(db, "INSERT INTO t VALUES('z', 0), ('y', 0)");
    other = connect_to();
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t"), 2);
    sqlite3_create_function(db, "f", 0, SQLITE_UTF8, NULL, run_nested, NULL, NULL);
    calls = nested_code = 0;
    others = NULL;
}

static void tear_down(void) {
    sql_close(db);
    sql_close(other);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
}

static void expect_everywhere(const char *expected, const char *query) {
    sqlite3 *third = connect_to();
    sql_expect(db, expected, query);
    sql_expect(other, expected, query);
    sql_expect(third, expected, query);
    if (!sql_standin()) sql_expect(third, "ok\n", "SELECT art_check('t')");
    sql_close(third);
}

LOOP_TEST(test_a_transaction_that_ends_within_a_statement_ends_the_statement, 9) {
    static const char *const endings[] = {"ROLLBACK", "INSERT OR ROLLBACK INTO u VALUES(1)", "ROLLBACK; BEGIN"};
    static const char *const writes[] = {insert_text, "DELETE FROM t WHERE f() < 9",
                                         "UPDATE t SET value = f() WHERE path > ''"};
    nested = endings[_i % 3];
    others = _i % 3 == 2 ? NULL : "INSERT INTO t SELECT 'other' || value, 1 FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8]')";
    sql_run(db, "INSERT INTO t VALUES('w', 0), ('x', 0); BEGIN; INSERT INTO t VALUES('first', 1)");
    int rc = sql_try(db, "%s", writes[_i / 3]);
    ck_assert_msg(rc == SQLITE_ABORT_ROLLBACK, "%s with %s: code %d", writes[_i / 3], nested, rc);
    ck_assert_msg(strstr(sqlite3_errmsg(db), "abort due to ROLLBACK") != NULL, "%s", sqlite3_errmsg(db));
    ck_assert_int_eq(nested_code & 0xff, strncmp(nested, "INSERT", 6) ? SQLITE_OK : SQLITE_CONSTRAINT);
    if (!sqlite3_get_autocommit(db)) sql_run(db, "COMMIT");
    for (int i = 0; i < 60; i++) sql_run(db, "INSERT INTO t VALUES('later%d', 1)", i);
    expect_everywhere("w|0\nx|0\ny|0\nz|0\n", "SELECT path, value FROM t WHERE path >= 'w' ORDER BY path");
    expect_everywhere(others ? "60|8|0\n" : "60|0|0\n",
                      "SELECT sum(path GLOB 'later*'), sum(path GLOB 'other*'), sum(path = 'first') FROM t");
}

LOOP_TEST(test_what_stood_before_a_savepoint_outlives_a_statement_that_goes_back_to_it_and_fails, 3) {
    static const char *const nested_texts[] = {"ROLLBACK TO s", "ROLLBACK TO s; INSERT INTO u VALUES(2), (3)",
                                               "ROLLBACK TO s; INSERT INTO u SELECT 4 UNION ALL SELECT 1"};
    nested = nested_texts[_i];
    sql_run(db, "BEGIN; INSERT INTO t VALUES('first', 1); SAVEPOINT s; INSERT INTO t VALUES('second', 1)");
    int rc = sql_try(db, "%s UNION ALL SELECT 'z', 0", insert_text);
    ck_assert_msg(rc != SQLITE_OK, "%s: was not refused", nested);
    sql_run(db, "COMMIT");
    expect_everywhere("first|1\ny|0\nz|0\n", "SELECT path, value FROM t WHERE path NOT GLOB 'k*' ORDER BY path");
}

/* The statement is no transaction by itself any more, so its rows may be wanted again. */
TEST(test_a_refused_commit_of_a_transaction_that_began_behind_a_statements_last_row_takes_nothing_away) {
    sql_close(other);
    sql_run(db, "PRAGMA journal_mode = DELETE; CREATE TABLE q(x);"
                "CREATE TEMP TRIGGER on_q AFTER INSERT ON q BEGIN DELETE FROM t; SELECT f(); END");
    sql_command(db, "main", "t", "flush");
    other = connect_to();
    sqlite3_stmt *reader = sql_prepare(other, "SELECT * FROM u");
    nested = "BEGIN";
    calls = AT - 1;
    sql_run(db, "INSERT INTO q VALUES(1)");
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    sqlite3_finalize(reader);
    if (!sql_standin()) sql_expect(db, "ok\n", "SELECT art_check('t')");
    sql_run(db, "INSERT INTO t VALUES('z', 1); COMMIT");
    expect_everywhere("z|1\n", "SELECT path, value FROM t");
}

int main(void) {
    return suite_run("nested", .seconds = 120, .set_up = set_up, .tear_down = tear_down);
}
