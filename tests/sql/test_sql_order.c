/* Things that happen in an unlucky order: each of these has once lost or damaged something. */
#include "tests/support/sql_one.h"

static const char many[] = "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                           "SELECT printf('%s%%04d', i), printf('%%100d', i) FROM n";

static void insert_many(sqlite3 *on, const char *prefix, int count) {
    char *text = TEXT(many, count, prefix);
    ck_assert_int_eq(sqlite3_exec(on, text, NULL, NULL, NULL), SQLITE_OK);
}

/* The refused COMMIT has flushed and emptied the log; what follows is short enough for a row of the log. */
TEST(test_a_commit_after_a_refused_one_that_had_flushed) {
    sql_create(db, "t", "log_limit='64KB'");
    run("INSERT INTO t VALUES('base', 1)");
    sqlite3 *reader = sql_open(path);
    run("BEGIN");
    insert_many(db, "k", 1000);
    sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sqlite3_busy_timeout(db, 0);
    ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
    run("DELETE FROM t WHERE path GLOB 'k*'");
    sql_run(reader, "COMMIT");
    run("COMMIT");
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
    command("flush");
    sqlite3_busy_timeout(db, 0);
    for (int i = 0; i < 5; i++) {
        sqlite3 *reader = sql_open(path);
        run("BEGIN");
        insert_many(db, "k", 1000);
        sql_run(reader, "BEGIN; SELECT count(*) FROM t");
        ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
        run("DELETE FROM t WHERE path GLOB 'k*[0-7]'");
        ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
        run(i % 2 ? "ROLLBACK" : "DELETE FROM t WHERE path GLOB 'k*'");
        sql_run(reader, "COMMIT");
        if (i % 2 == 0) run("COMMIT");
        sql_close(reader);
        reader = sql_open(path);
        ck_assert_int_eq(sql_int(reader, "SELECT count(*) + sum(length(value) = 100) FROM t"), 2000);
        sql_close(reader);
    }
}

CASE("files", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* A COMMIT of nothing but a command: what it wrote stays in the log, so a later savepoint is not the beginning. */
LOOP_TEST(test_a_savepoint_behind_a_refused_commit_of_a_command_comes_back, 3) {
    TEXTS(commands, "optimize", "flush", "vacuum");
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=file, spill_limit='16KB', log_limit='16KB')");
    insert_many(db, "base", 1000);
    run("INSERT INTO t(t) VALUES('flush'); INSERT INTO t VALUES('in the log', 1)");
    sqlite3 *reader = sql_open(path);
    run("BEGIN");
    command(commands[_i]);
    sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sqlite3_busy_timeout(db, 0);
    ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
    run("SAVEPOINT s");
    insert_many(db, "k", 1000);
    run("ROLLBACK TO s");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1001);
    insert_many(db, "m", 500);
    sql_run(reader, "COMMIT");
    run("COMMIT");
    expect("1501|ok\n", "SELECT count(*), art_check('t') FROM t");
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
    run("PRAGMA journal_mode = WAL");
    sql_create(db, "t", "");
    run("INSERT INTO t VALUES('one', 1)");
    sqlite3 *backup = sql_open(TEXT("%s/backup.db", directory)), *other = sql_open(path), *fresh;
    copy_database(db, backup);
    run("BEGIN");
    insert_many(db, "old", 1000);
    command("flush");
    run("COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 1001);
    copy_database(backup, other);
    sql_run(other, "BEGIN");
    insert_many(other, "new", 500);
    sql_command(other, "main", "t", "flush");
    sql_run(other, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'new*'"), 500);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 501);
    run("INSERT INTO t VALUES('more', 1)");
    command("flush");
    fresh = sql_open(path);
    ck_assert_int_eq(sql_int(fresh, "SELECT count(*) FROM t"), 502);
    sql_close(fresh);
    sql_close(backup);
    sql_close(other);
}

/* A ROLLBACK over a spill leaves the tree to be read anew, by the next step of a scan that goes best first. */
TEST(test_a_scan_best_first_goes_on_behind_a_rollback) {
    run("CREATE VIRTUAL TABLE n USING art(path, size INTEGER, summary=(max(size)), spill_limit='64KB')");
    run("WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 3000) "
        "INSERT INTO n(path, size) SELECT printf('a/%%06d', i), i FROM c; BEGIN");
    fill_rows("INTO n(path, size)", 1, 3000, "printf('b/%%06d', i), 5000 + i");
    sqlite3_stmt *query = sql_prepare(db, "SELECT size FROM n ORDER BY size DESC LIMIT 5000");
    for (int i = 0; i < 10; i++) ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(query, 0), 7991);
    run("ROLLBACK");
    int rc, last = 7991;
    while ((rc = sqlite3_step(query)) == SQLITE_ROW) {
        ck_assert_int_lt(sqlite3_column_int(query, 0), last);
        last = sqlite3_column_int(query, 0);
    }
    ck_assert_msg(rc == SQLITE_DONE || rc == SQLITE_ABORT_ROLLBACK, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(query);
}

/* --- within a statement ------------------------------------------------------------------------------------------- */

/* A function within a statement that writes runs SQL of its own, on the same connection: what it ends or takes back is
 * ended or taken back, and what others commit meanwhile stays. */
enum { AT = 3 };

static sqlite3 *other;
static const char *nested, *others;
static int calls, nested_code;

static const char insert_text[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6) INSERT "
                                  "INTO t SELECT 'k' || i, f() FROM n";

static void run_nested(sqlite3_context *context, int count, sqlite3_value **values) {
    if (++calls == AT) {
        nested_code = sqlite3_exec(db, nested, NULL, NULL, NULL);
        if (others) sql_run(other, "%s", others);
    }
    sqlite3_result_int(context, calls);
}

static void set_up_nested(void) {
    sql_set_up();
    run("PRAGMA journal_mode = WAL; CREATE TABLE u(x UNIQUE); INSERT INTO u VALUES(1)");
    sql_create(db, "t", "log_limit=1000");
    run("INSERT INTO t VALUES('z', 0), ('y', 0)");
    other = sql_open(path);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t"), 2);
    sqlite3_create_function(db, "f", 0, SQLITE_UTF8, NULL, run_nested, NULL, NULL);
    calls = nested_code = 0;
    others = NULL;
}

static void tear_down_nested(void) {
    sql_close(other);
    sql_tear_down();
}

static void expect_everywhere(const char *expected, const char *query) {
    sqlite3 *third = sql_open(path);
    expect(expected, query);
    sql_expect(other, expected, query);
    sql_expect(third, expected, query);
    sql_expect(third, "ok\n", "SELECT art_check('t')");
    sql_close(third);
}

CASE("nested", .seconds = 120, .set_up = set_up_nested, .tear_down = tear_down_nested)

LOOP_TEST(test_a_transaction_that_ends_within_a_statement_ends_the_statement, 9) {
    TEXTS(endings, "ROLLBACK", "INSERT OR ROLLBACK INTO u VALUES(1)", "ROLLBACK; BEGIN");
    TEXTS(writes, insert_text, "DELETE FROM t WHERE f() < 9", "UPDATE t SET value = f() WHERE path > ''");
    nested = endings[_i % 3];
    others = _i % 3 == 2 ? NULL : "INSERT INTO t SELECT 'other' || value, 1 FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8]')";
    run("INSERT INTO t VALUES('w', 0), ('x', 0); BEGIN; INSERT INTO t VALUES('first', 1)");
    int rc = sql_try(db, "%s", writes[_i / 3]);
    ck_assert_msg(rc == SQLITE_ABORT_ROLLBACK, "%s with %s: code %d", writes[_i / 3], nested, rc);
    ck_assert_msg(strstr(sqlite3_errmsg(db), "abort due to ROLLBACK") != NULL, "%s", sqlite3_errmsg(db));
    ck_assert_int_eq(nested_code & 0xff, strncmp(nested, "INSERT", 6) ? SQLITE_OK : SQLITE_CONSTRAINT);
    if (!sqlite3_get_autocommit(db)) run("COMMIT");
    for (int i = 0; i < 60; i++) run("INSERT INTO t VALUES('later%d', 1)", i);
    expect_everywhere("w|0\nx|0\ny|0\nz|0\n", "SELECT path, value FROM t WHERE path >= 'w' ORDER BY path");
    expect_everywhere(others ? "60|8|0\n" : "60|0|0\n",
                      "SELECT sum(path GLOB 'later*'), sum(path GLOB 'other*'), sum(path = 'first') FROM t");
}

LOOP_TEST(test_what_stood_before_a_savepoint_outlives_a_statement_that_goes_back_to_it_and_fails, 3) {
    TEXTS(nested_texts, "ROLLBACK TO s", "ROLLBACK TO s; INSERT INTO u VALUES(2), (3)",
          "ROLLBACK TO s; INSERT INTO u SELECT 4 UNION ALL SELECT 1");
    nested = nested_texts[_i];
    run("BEGIN; INSERT INTO t VALUES('first', 1); SAVEPOINT s; INSERT INTO t VALUES('second', 1)");
    int rc = sql_try(db, "%s UNION ALL SELECT 'z', 0", insert_text);
    ck_assert_msg(rc != SQLITE_OK, "%s: was not refused", nested);
    run("COMMIT");
    expect_everywhere("first|1\ny|0\nz|0\n", "SELECT path, value FROM t WHERE path NOT GLOB 'k*' ORDER BY path");
}

/* The statement is no transaction by itself any more, so its rows may be wanted again. */
TEST(test_a_refused_commit_of_a_transaction_that_began_behind_a_statements_last_row_takes_nothing_away) {
    sql_close(other);
    run("PRAGMA journal_mode = DELETE; CREATE TABLE q(x);"
        "CREATE TEMP TRIGGER on_q AFTER INSERT ON q BEGIN DELETE FROM t; SELECT f(); END");
    command("flush");
    other = sql_open(path);
    sqlite3_stmt *reader = sql_prepare(other, "SELECT * FROM u");
    nested = "BEGIN";
    calls = AT - 1;
    run("INSERT INTO q VALUES(1)");
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    sqlite3_finalize(reader);
    expect("ok\n", "SELECT art_check('t')");
    run("INSERT INTO t VALUES('z', 1); COMMIT");
    expect_everywhere("z|1\n", "SELECT path, value FROM t");
}

/* A bound may be longer than a key by a byte: it is cut there for the search. */
TEST(test_a_bound_of_the_longest_key_in_the_order_of_a_column) {
    run("CREATE VIRTUAL TABLE long USING art(path, size INTEGER, summary=(sum(size))); INSERT INTO long VALUES('x', "
        "1), (printf('%%.*c', 65534, 'a'), 2), ('b', 3); INSERT INTO long(long) VALUES('flush')");
    for (int len = 65533; len <= 65537; len++) {
        const char *rows = len < 65534 ? "b,a,x" : "b,x";
        expect(TEXT("%s\n", rows), TEXT("SELECT group_concat(substr(path, 1, 1)) FROM (SELECT path FROM long WHERE "
                                        "path > printf('%%.*c', %d, 'a') ORDER BY size DESC LIMIT 3)",
                                        len));
    }
}

SUITE("unlucky order", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)
