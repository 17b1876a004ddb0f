/* What a table promises to those who use it: types, paths, options, messages, versions, commands.
 *
 * What an ordinary table does as well is compared with one in test_model.c; here stand the things that only this module
 * has, and the edges that a random test meets rarely.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static void set_up(void) {
    sql_set_up();
    sql_run(db, "PRAGMA journal_mode=WAL");
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static const char *const values[] = {
    "NULL", "0", "1", "-1", "127", "128", "-129", "32768", "8388608", "2147483648", "140737488355328",
    "9223372036854775807", "-9223372036854775808", "0.0", "-0.0", "1.5", "3.0", "-1e-300", "1.7976931348623157e308",
    "9e999", "-9e999", "''", "x''", "' '", "x'00'", "'é漢😀'", "CAST(x'610062' AS TEXT)", "CAST(x'fffe80' AS TEXT)",
    "x'ffffffffffffffffffffffffffffffff'", "zeroblob(100)",
    /* around the limits: in an entry, in pieces, past the log */
    "printf('%.*c', 4095, 'a')", "printf('%.*c', 4096, 'b')", "printf('%.*c', 4097, 'c')", "zeroblob(4096)",
    "zeroblob(4097)", "randomblob(8192)", "randomblob(12289)", "randomblob(65535)", "randomblob(65536)",
    "randomblob(65537)", "randomblob(524288)", "randomblob(3000000)", "hex(randomblob(50000))"};
enum { VALUES = sizeof values / sizeof *values };

static void values_agree(const char *when) {
    sqlite3_stmt *both =
        sql_prepare(db, "SELECT k.path, k.value, t.value FROM kept k LEFT JOIN t USING (path) ORDER BY path");
    int rows = 0;
    while (sqlite3_step(both) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(both, 0);
        rows++;
        ck_assert_msg(sqlite3_column_type(both, 1) == sqlite3_column_type(both, 2), "%s, %s: type", when, name);
        if (sqlite3_column_type(both, 1) == SQLITE_FLOAT) {
            double a = sqlite3_column_double(both, 1), b = sqlite3_column_double(both, 2);
            ck_assert_msg(a == b && signbit(a) == signbit(b), "%s, %s: %g is now %g", when, name, a, b);
            continue;
        }
        int len = sqlite3_column_bytes(both, 1);
        ck_assert_msg(len == sqlite3_column_bytes(both, 2), "%s, %s: length", when, name);
        ck_assert_msg(!len || !memcmp(sqlite3_column_blob(both, 1), sqlite3_column_blob(both, 2), (size_t)len),
                      "%s, %s: bytes", when, name);
    }
    ck_assert_int_eq(rows, VALUES);
    sqlite3_finalize(both);
}

TEST(test_a_value_comes_back_with_the_type_that_it_had) {
    sql_create(db, "t", "");
    sql_run(db, "CREATE TABLE kept(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    for (int i = 0; i < VALUES; i++)
        sql_run(db, "INSERT INTO kept VALUES(printf('value/%%03d', %d), %s)", i, values[i]);
    sql_run(db, "INSERT INTO t SELECT path, value FROM kept");
    values_agree("written");
    sql_reopen();
    values_agree("reopened");
    sql_command(db, "main", "t", "flush");
    values_agree("flushed");
    sql_reopen();
    values_agree("flushed and reopened");
    sql_command(db, "main", "t", "optimize");
    values_agree("optimized");
    sql_run(db, "UPDATE t SET path = path || '/moved'; UPDATE t SET path = replace(path, '/moved', '')");
    values_agree("moved there and back");
    sql_reopen();
    values_agree("and reopened");
}

TEST(test_values_may_be_overwritten_by_other_types_and_sizes) {
    sql_create(db, "t", "log_limit='8KB'");
    sql_run(db, "INSERT INTO t VALUES('a', randomblob(100000)), ('b', 1)");
    for (int i = 0; i < VALUES; i++) {
        sql_run(db, "CREATE TEMP TABLE v AS SELECT %s AS v", values[i]);
        sql_run(
            db,
            "INSERT OR REPLACE INTO t SELECT 'a', v FROM v; UPDATE t SET value = (SELECT v FROM v) WHERE path = 'b'");
        expect(
            "1|1\n",
            "SELECT (SELECT value FROM t WHERE path = 'a') IS v, (SELECT value FROM t WHERE path = 'b') IS v FROM v");
        sql_run(db, "DROP TABLE v");
    }
    expect("a\nb\n", "SELECT path FROM t");
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

TEST(test_an_empty_path_is_a_path) {
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('', 'empty'), ('a', 1)");
    expect("empty\n", "SELECT value FROM t WHERE path = ''");
    expect("|empty\na|1\n", "SELECT * FROM t WHERE path GLOB '*'");
    sql_command(db, "main", "t", "flush");
    expect("empty\n", "SELECT value FROM t WHERE path = ''");
    expect("|empty\n", "SELECT * FROM t WHERE path < 'a'");
    sql_run(db, "DELETE FROM t WHERE path = ''");
    expect("a|1\n", "SELECT * FROM t");
}

TEST(test_a_path_that_is_no_text_is_refused_and_changes_nothing) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    refuses(0, "path", "INSERT INTO t VALUES(NULL, 2)");
    refuses(0, "path", "INSERT INTO t(value) VALUES(2)");
    refuses(0, "path", "INSERT INTO t VALUES(x'61', 2)");
    refuses(0, "path", "INSERT OR REPLACE INTO t VALUES(x'61', 2)");
    refuses(0, "path", "UPDATE t SET path = NULL");
    refuses(0, "path", "UPDATE t SET path = x'62' WHERE path = 'a'");
    sql_run(db, "BEGIN; INSERT INTO t VALUES('b', 1)");
    refuses(0, "path", "INSERT INTO t VALUES('c', 3), (NULL, 3)");
    sql_run(db, "COMMIT");
    expect("a|1\nb|1\n", "SELECT * FROM t");
}

TEST(test_a_number_as_path_is_its_text) {
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES(12, 'int'), (1.5, 'real')");
    expect("1.5|text|real\n12|text|int\n", "SELECT path, typeof(path), value FROM t");
    expect("int\n", "SELECT value FROM t WHERE path = 12");
    expect("int\n", "SELECT value FROM t WHERE path = '12'");
    expect("", "SELECT value FROM t WHERE path = x'3132'");
    refuses(0, "", "INSERT INTO t VALUES('12', 'again')");
    sql_run(db, "INSERT INTO t VALUES('!before', 0); UPDATE t SET value = 'found' WHERE path = 12");
    expect("1.5|real\n12|found\n", "SELECT path, value FROM t WHERE path > '!before'");
    sql_run(db, "DELETE FROM t WHERE path = 12");
    ck_assert_int_eq(sqlite3_changes(db), 1);
    expect("!before\n1.5\n", "SELECT path FROM t");
}

TEST(test_a_path_may_have_65534_bytes_and_not_one_more) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES(printf('%%.*c', 65534, 'x'), 'long')");
    refuses(0, "path", "INSERT INTO t VALUES(printf('%.*c', 65535, 'y'), 'longer')");
    refuses(0, "path", "UPDATE t SET path = path || 'x'");
    expect("65534|long\n", "SELECT length(path), value FROM t");
    sql_command(db, "main", "t", "flush");
    expect("long\n", "SELECT value FROM t WHERE path = printf('%.*c', 65534, 'x')");
    expect("", "SELECT value FROM t WHERE path = printf('%.*c', 65535, 'x')");
    expect("1\n", "SELECT count(*) FROM t WHERE path < printf('%.*c', 100000, 'x')");
    expect("0\n", "SELECT count(*) FROM t WHERE path > printf('%.*c', 100000, 'x')");
}

/* SQLite's GLOB reads a broken character as U+FFFD: such patterns and paths match each other, and no whole
 * character. */
TEST(test_a_pattern_of_broken_utf8_matches_as_in_an_ordinary_table) {
    sql_create(db, "t", "");
    sql_run(db, "CREATE TABLE p(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
    sql_run(
        db,
        "INSERT INTO p SELECT CAST(column1 AS TEXT), 1 FROM (VALUES (x'ff'), (x'ff203f'), (x'c3'), (x'c361'), "
        "(x'c3a9'), "
        "(x'c3a962'), (x'61ff'), (x'61c3'), (x'61c3a9'), (x'efbfbd'), (x'efbfbd61'), (x'e282'), (x'e282ac'), (x'61'))");
    sql_run(db, "INSERT INTO t SELECT * FROM p");
    EACH(pattern, "ff2a", "c32a", "ff", "efbfbd2a", "61ff2a", "61c32a", "c3a92a", "e2822a") {
        const char *query = "SELECT hex(path) FROM %s WHERE path GLOB CAST(x'%s' AS TEXT) ORDER BY path";
        char *ours = sql_rows(db, query, "t", pattern), *theirs = sql_rows(db, query, "p", pattern);
        ck_assert_msg(!strcmp(ours, theirs), "GLOB x'%s'\n  gave     %s\n  ordinary %s", pattern, ours, theirs);
        sqlite3_free(ours);
        sqlite3_free(theirs);
    }
}

TEST(test_a_conflict_names_the_column_as_sqlite_does) {
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    refuses(0, "UNIQUE constraint failed: t.path", "INSERT INTO t VALUES('a', 2)");
    ck_assert_int_eq(sqlite3_errcode(db) & 0xff, SQLITE_CONSTRAINT);
    expect("a|1\n", "SELECT * FROM t");
}

/* ---- declaration ------------------------------------------------------------------------------------------------- */

TEST(test_unknown_or_malformed_options_are_refused_by_name) {
    if (sql_standin()) return;
    static const char *const wrong[][2] = {{"nonsense=1", "nonsense"},   {"cache=", "cache"},
                                           {"cache=many", "many"},       {"cache='-1MB'", "-1MB"},
                                           {"cache='64XB'", "64XB"},     {"io=pwrite", "ART_IO"},
                                           {"direct=off", "ART_DIRECT"}, {"log_limit='1.5MB'", "1.5MB"},
                                           {"spill_limit=MB", "MB"},     {"cache='64MB', blobs=1", "blobs"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *statement = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(%s)", wrong[i][0]);
        refuses(0, wrong[i][1], statement);
        sqlite3_free(statement);
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
    char *file = sql_find_file(directory, ".art");
    ck_assert_ptr_null(file);
}

TEST(test_options_are_taken_in_any_order_and_spacing) {
    if (sql_standin()) return;
    /* 64MB without quotes is no token of SQL. */
    EACH(each, "cache=64 MB, log_limit=\"1mb\"", "cache='64MB', log_limit='1MB', spill_limit='64MB'",
         "log_limit=auto,cache=auto", " cache = '8MB' , storage = auto ", "cache='1GB'", "log_limit='64KB'",
         "log_limit=1048576") {
        sql_run(db,
                "CREATE VIRTUAL TABLE t USING art(%s); INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush')",
                each);
        sql_reopen();
        expect("a|1\n", "SELECT * FROM t");
        sql_run(db, "DROP TABLE t");
    }
}

TEST(test_a_database_that_is_not_utf8_is_refused) {
    if (sql_standin()) return;
    sql_close(db);
    remove(path);
    db = sql_open(path);
    sql_run(db, "PRAGMA encoding='UTF-16le'");
    refuses(0, "UTF-8", "CREATE VIRTUAL TABLE t USING art");
    expect("0\n", "SELECT count(*) FROM sqlite_master");
}

TEST(test_the_table_declares_itself_as_an_ordinary_one_would) {
    sql_create(db, "t", "");
    expect("path|TEXT|1|1\nvalue||0|0\n", "SELECT name, type, \"notnull\", pk FROM pragma_table_info('t')");
    if (sql_standin()) return;
    expect("path|0\nvalue|0\nprefix|1\ndelimiter|1\nstart_after|1\nsnapshot|1\nentries|1\nversion|1\n",
           "SELECT name, hidden FROM pragma_table_xinfo('t') WHERE name <> 't'");
    ck_assert_int_ne(sql_try(db, "SELECT rowid FROM t"), SQLITE_OK);
}

TEST(test_shadow_tables_are_protected_in_defensive_mode) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    refuses(0, "may not be modified", "DELETE FROM t_artdata");
    refuses(0, "may not be modified", "UPDATE t_artstate SET v = 1");
    refuses(0, "may not be dropped", "DROP TABLE t_artdata");
    sql_run(db, "INSERT INTO t VALUES('b', 1)");
    sql_command(db, "main", "t", "flush");
    expect("a|1\nb|1\n", "SELECT * FROM t");
    sql_run(db, "ALTER TABLE t RENAME TO u; DROP TABLE u");
    expect("0\n", "SELECT count(*) FROM sqlite_master");
}

TEST(test_a_name_may_be_any_name) {
    EACH(each, "with space", "it''s", "\"quoted\"", "SELECT", "a-b", "ünï", "100%", "a.b", "x;y") {
        char *name = sqlite3_mprintf("\"%w\"", each);
        sql_create(db, name, "log_limit='1KB'");
        sql_run(db, "INSERT INTO %s VALUES('a', zeroblob(3000)), ('b', 2)", name);
        sql_command(db, "main", each, "flush");
        sql_reopen();
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM %s", name), 2);
        sql_run(db, "ALTER TABLE %s RENAME TO \"other name\"", name);
        sql_reopen();
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM \"other name\""), 2);
        sql_run(db, "DROP TABLE \"other name\"");
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_master"), 0);
        sqlite3_free(name);
    }
}

/* ---- versions ---------------------------------------------------------------------------------------------------- */

TEST(test_the_version_is_the_transaction_that_last_wrote_the_row) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('a', 1), ('b', 1)");
    int64_t first = sql_int(db, "SELECT version FROM t WHERE path = 'a'");
    ck_assert_int_gt(first, 0);
    ck_assert_int_eq(sql_int(db, "SELECT version FROM t WHERE path = 'b'"), first);
    sql_run(db, "UPDATE t SET value = 2 WHERE path = 'b'");
    int64_t second = sql_int(db, "SELECT version FROM t WHERE path = 'b'");
    ck_assert_int_gt(second, first);
    sql_command(db, "main", "t", "flush");
    sql_command(db, "main", "t", "optimize");
    sql_reopen();
    ck_assert_int_eq(sql_int(db, "SELECT version FROM t WHERE path = 'a'"), first);
    ck_assert_int_eq(sql_int(db, "SELECT version FROM t WHERE path = 'b'"), second);
    sql_run(db, "BEGIN; INSERT INTO t VALUES('c', 1); ROLLBACK; INSERT INTO t VALUES('c', 1)");
    ck_assert_int_gt(sql_int(db, "SELECT version FROM t WHERE path = 'c'"), second);
}

TEST(test_an_update_with_a_version_is_a_compare_and_swap) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    int64_t version = sql_int(db, "SELECT version FROM t");
    sql_run(db, "UPDATE t SET value = 2 WHERE path = 'a' AND version = %lld", version);
    ck_assert_int_eq(sqlite3_changes(db), 1);
    sql_run(db, "UPDATE t SET value = 3 WHERE path = 'a' AND version = %lld", version);
    ck_assert_int_eq(sqlite3_changes(db), 0);
    expect("2\n", "SELECT value FROM t");
}

/* ---- commands, info, transactions that are large ----------------------------------------------------------------- */

TEST(test_unknown_commands_are_refused_by_name) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    refuses(0, "polish", "INSERT INTO t(t) VALUES('polish')");
    expect("0\n", "SELECT count(*) FROM t");
}

TEST(test_info_says_what_there_is) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    sql_run(
        db,
        "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) SELECT 'key/' || i, i FROM n");
    sql_command(db, "main", "t", "flush");
    char *rows = sql_rows(db, "SELECT * FROM art_info('t')");
    ck_assert_msg(strstr(rows, "5000") != NULL, "art_info does not tell the number of keys: %s", rows);
    sqlite3_free(rows);
    refuses(0, "nothing_like_it", "SELECT * FROM art_info('nothing_like_it')");
}

TEST(test_a_transaction_beyond_the_spill_limit_still_rolls_back_to_its_savepoints) {
    sql_create(db, "t", "log_limit='16KB', spill_limit='64KB', cache='1MB'");
    sql_run(db, "INSERT INTO t VALUES('before', 1)");
    const char *many = "INSERT OR REPLACE INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
                       "SELECT printf('%s/%%06d', i * 7919 %% 20011), randomblob(40) FROM n";
    sql_run(db, "BEGIN");
    sql_run(db, many, "one");
    sql_run(db, "SAVEPOINT s");
    sql_run(db, many, "two");
    sql_run(db, "DELETE FROM t WHERE path GLOB 'one/00*'; SAVEPOINT inner");
    sql_run(db, many, "three");
    sql_run(db, "UPDATE t SET value = 'x' WHERE path GLOB 'two/*'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'three/*'"), 20000);
    sql_run(db, "ROLLBACK TO inner");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'three/*'"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value = 'x'"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'two/*'"), 20000);
    sql_run(db, "ROLLBACK TO s");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 20001);
    sql_run(db, "COMMIT");
    sql_reopen();
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'one/*'"), 20000);
    sql_run(db, "BEGIN");
    sql_run(db, many, "four");
    sql_run(db, "ROLLBACK");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 20001);
    expect("ok\n", "PRAGMA integrity_check");
}

TEST(test_two_connections_see_what_the_other_commits) {
    sql_create(db, "t", "log_limit='4KB'");
    sqlite3 *other = sql_open(path);
    for (int i = 0; i < 200; i++) {
        sqlite3 *writer = i & 1 ? db : other, *reader = i & 1 ? other : db;
        sql_run(writer, "INSERT INTO t VALUES(printf('k%%04d', %d), randomblob(60))", i);
        ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t"), i + 1);
        if (i < 100) continue;
        sql_run(writer, "DELETE FROM t WHERE path = printf('k%%04d', %d)", i - 100);
        sql_run(writer, "INSERT OR IGNORE INTO t VALUES(printf('k%%04d', %d), 1)", i - 100);
    }
    sql_close(other);
}

TEST(test_a_reader_keeps_its_snapshot_while_others_write_and_merge) {
    sql_create(db, "t", "log_limit='4KB'");
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT "
                "printf('k%%05d', i), i FROM n");
    sqlite3 *reader = sql_open(path);
    sql_run(reader, "BEGIN");
    ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t"), 3000);
    for (int i = 0; i < 30; i++) {
        sql_run(db, "DELETE FROM t WHERE path GLOB 'k%05d*'", i);
        sql_run(db, "UPDATE t SET value = value + 1");
        if (i % 5 == 0) sql_command(db, "main", "t", "optimize");
        ck_assert_int_eq(sql_int(reader, "SELECT sum(value) FROM t"), 3000 * 3001 / 2);
        ck_assert_int_eq(sql_int(reader, "SELECT value FROM t WHERE path = 'k01500'"), 1500);
    }
    sql_run(reader, "COMMIT");
    ck_assert_int_eq(sql_int(reader, "SELECT value FROM t WHERE path = 'k01500'"), 1530);
    sql_close(reader);
}

int main(void) {
    return suite_run("sql_table", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down);
}
