/* 'vacuum' and 'optimize' of a transaction that has spilled, when the COMMIT is refused and taken back: the file must not
 * have been cut before what the database still needs. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/sql.h"

static char *directory, *path;
static sqlite3 *db;

static void set_up(void) {
    directory = sql_scratch("vacuum");
    path = sqlite3_mprintf("%s/a.db", directory);
    db = sql_open(path);
}

static void tear_down(void) {
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

static void fill(char first, int rows) {
    sql_run(db,
            "INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('%c%%06d', i), randomblob(100) FROM n",
            rows, first);
}

static void gives(const char *sql, const char *expected) {
    char *rows = sql_rows(db, "%s", sql);
    ck_assert_msg(!strcmp(rows, expected), "%s\ngives\n%snot\n%s", sql, rows, expected);
    sqlite3_free(rows);
}

/* The committed rows lie at the file's end, behind free slots; the transaction's own lie before them. */
static void spill_before_the_committed_rows(void) {
    sql_run(db, "PRAGMA journal_mode=DELETE; CREATE VIRTUAL TABLE t USING art(path, value, spill_limit='100KB')");
    fill('a', 30000);
    sql_command(db, "main", "t", "flush");
    fill('b', 30000);
    sql_command(db, "main", "t", "flush");
    sql_run(db, "DELETE FROM t WHERE path < 'b'");
    sql_command(db, "main", "t", "flush");
    sql_run(db, "BEGIN; DELETE FROM t");
    fill('c', 5000);
}

START_TEST(test_a_refused_commit_cuts_nothing_off_that_a_rollback_needs) {
    static const char *const commands[] = {"vacuum", "optimize"};
    spill_before_the_committed_rows();
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_prepare(other, "SELECT path FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    sql_command(db, "main", "t", commands[_i]);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    sqlite3_finalize(reader);
    sql_close(other);
    gives("SELECT art_check('t'), count(*) FROM t", "ok|5000\n");
    sql_run(db, "ROLLBACK");
    gives("SELECT art_check('t'), count(*), min(path) FROM t", "ok|30000|b000001\n");
}
END_TEST

int main(void) {
    if (sql_standin()) {
        printf("100%%: Checks: 0, Failures: 0, Errors: 0\n");
        return 0;
    }
    Suite *suite = suite_create("sql_vacuum");
    TCase *tests = tcase_create("vacuum");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_a_refused_commit_cuts_nothing_off_that_a_rollback_needs, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
