/* Things that happen in an unlucky order: each of these has once lost or damaged something. */
#include "tests/support/sql_expect.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static const char many[] = "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                           "SELECT printf('%s%%04d', i), printf('%%100d', i) FROM n";

static void insert_many(sqlite3 *on, const char *prefix, int count) {
    char *text = sqlite3_mprintf(many, count, prefix);
    ck_assert_int_eq(sqlite3_exec(on, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(text);
}

/* The refused COMMIT has flushed and emptied the log; what follows is short enough for a row of the log. */
TEST(test_a_commit_after_a_refused_one_that_had_flushed) {
    sql_create(db, "t", "log_limit='64KB'");
    sql_run(db, "INSERT INTO t VALUES('base', 1)");
    sqlite3 *reader = sql_open(path);
    sql_run(db, "BEGIN");
    insert_many(db, "k", 1000);
    sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sqlite3_busy_timeout(db, 0);
    ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
    sql_run(db, "DELETE FROM t WHERE path GLOB 'k*'");
    sql_run(reader, "COMMIT");
    sql_run(db, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1);
    ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t"), 1);
    sql_close(reader);
    reader = sql_open(path);
    ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t"), 1);
    sql_close(reader);
}

/* Refused, refused again, rolled back: nothing of it may be seen by others, whichever slots it took. */
TEST(test_a_rollback_after_refused_commits_that_had_flushed) {
    sql_create(db, "t", "log_limit='64KB', cache='16KB'");
    insert_many(db, "base", 1000);
    sql_command(db, "main", "t", "flush");
    sqlite3_busy_timeout(db, 0);
    for (int i = 0; i < 5; i++) {
        sqlite3 *reader = sql_open(path);
        sql_run(db, "BEGIN");
        insert_many(db, "k", 1000);
        sql_run(reader, "BEGIN; SELECT count(*) FROM t");
        ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
        sql_run(db, "DELETE FROM t WHERE path GLOB 'k*[0-7]'");
        ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
        sql_run(db, i % 2 ? "ROLLBACK" : "DELETE FROM t WHERE path GLOB 'k*'");
        sql_run(reader, "COMMIT");
        if (i % 2 == 0) sql_run(db, "COMMIT");
        sql_close(reader);
        reader = sql_open(path);
        ck_assert_int_eq(sql_int(reader, "SELECT count(*) + sum(length(value) = 100) FROM t"), 2000);
        sql_close(reader);
    }
}

CASE("files", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* A COMMIT of nothing but a command: what it wrote stays in the log, so a later savepoint is not the beginning. */
LOOP_TEST(test_a_savepoint_behind_a_refused_commit_of_a_command_comes_back, 3) {
    static const char *const commands[] = {"optimize", "flush", "vacuum"};
    if (sql_standin()) return;
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, value, storage=file, spill_limit='16KB', log_limit='16KB')");
    insert_many(db, "base", 1000);
    sql_run(db, "INSERT INTO t(t) VALUES('flush'); INSERT INTO t VALUES('in the log', 1)");
    sqlite3 *reader = sql_open(path);
    sql_run(db, "BEGIN");
    sql_command(db, "main", "t", commands[_i]);
    sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sqlite3_busy_timeout(db, 0);
    ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
    sql_run(db, "SAVEPOINT s");
    insert_many(db, "k", 1000);
    sql_run(db, "ROLLBACK TO s");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1001);
    insert_many(db, "m", 500);
    sql_run(reader, "COMMIT");
    sql_run(db, "COMMIT");
    sql_expect(db, "1501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_expect(reader, "1501|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(reader);
}

static void copy_database(sqlite3 *from, sqlite3 *to) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    ck_assert_ptr_nonnull(backup);
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
}

CASE("others", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* Both histories give the same csn and the same generation to different rows. */
TEST(test_a_backup_restored_under_a_live_connection) {
    if (sql_standin()) return;
    sql_run(db, "PRAGMA journal_mode = WAL");
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('one', 1)");
    char *backup_path = sqlite3_mprintf("%s/backup.db", directory);
    sqlite3 *backup = sql_open(backup_path), *other = sql_open(path), *fresh;
    copy_database(db, backup);
    sql_run(db, "BEGIN");
    insert_many(db, "old", 1000);
    sql_command(db, "main", "t", "flush");
    sql_run(db, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1001);
    copy_database(backup, other);
    sql_run(other, "BEGIN");
    insert_many(other, "new", 500);
    sql_command(other, "main", "t", "flush");
    sql_run(other, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'new*'"), 500);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 501);
    sql_run(db, "INSERT INTO t VALUES('more', 1)");
    sql_command(db, "main", "t", "flush");
    fresh = sql_open(path);
    ck_assert_int_eq(sql_int(fresh, "SELECT count(*) FROM t"), 502);
    sql_close(fresh);
    sql_close(backup);
    sql_close(other);
    sqlite3_free(backup_path);
}

TEST(test_a_long_value_deleted_under_an_open_query_is_null) {
    sql_create(db, "t", "");
    sql_run(db, "CREATE TABLE n(i); INSERT INTO n VALUES(1), (2), (3)");
    sql_run(db, "INSERT INTO t VALUES('a', hex(zeroblob(9000))), ('b', 1)");
    sqlite3_stmt *query = sql_prepare(db, "SELECT length(t.value || '') FROM t CROSS JOIN n WHERE t.path >= 'a'");
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(query, 0), 18000);
    sql_run(db, "DELETE FROM t WHERE path = 'a'");
    int rc;
    while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
        int length = sqlite3_column_int(query, 0);
        ck_assert(length == 0 || length == 1 || length == 18000);
    }
    ck_assert_msg(rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(query);
}

/* A ROLLBACK over a spill leaves the tree to be read anew, by the next step of a scan that goes best first. */
TEST(test_a_scan_best_first_goes_on_behind_a_rollback) {
    sql_run(db, "CREATE VIRTUAL TABLE n USING art(path, size INTEGER, summary=(max(size)), spill_limit='64KB')");
    sql_run(db, "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 3000) "
                "INSERT INTO n(path, size) SELECT printf('a/%%06d', i), i FROM c");
    sql_run(db, "BEGIN");
    sql_run(db, "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 3000) "
                "INSERT INTO n(path, size) SELECT printf('b/%%06d', i), 5000 + i FROM c");
    sqlite3_stmt *query = sql_prepare(db, "SELECT size FROM n ORDER BY size DESC LIMIT 5000");
    for (int i = 0; i < 10; i++) ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(query, 0), 7991);
    sql_run(db, "ROLLBACK");
    int rc, last = 7991;
    while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
        ck_assert_int_lt(sqlite3_column_int(query, 0), last);
        last = sqlite3_column_int(query, 0);
    }
    ck_assert_msg(rc == SQLITE_DONE || rc == SQLITE_ABORT_ROLLBACK, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(query);
}

int main(void) {
    return suite_run("unlucky order", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down);
}
