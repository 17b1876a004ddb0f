/* Snapshots: the commands 'snapshot' and 'drop snapshot', their rows, and what transactions make of them.
 *
 * A model stands beside each table: ordinary tables in the same database, which SQLite takes back with it.
 *
 *     model(path, value)         the art table's rows
 *     names(name)                the snapshots that there are
 *     kept(name, path, value)    what each of them has to show: the model's rows as of its commit
 *     made(name)                 those that the running transaction has made */
#include <signal.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/sql_one.h"

static void fill(int rows) {
    fill_rows("INTO t(path, value)", 1, rows, "printf('path/%%05d', i), i");
}

static void make_table(void) {
    sql_create(db, "t", "");
    fill(500);
}

static void set_up(void) {
    sql_set_up();
    make_table();
}

/* So says the root. */
static bool is_held(void) {
    return sql_int(db, "SELECT hex(substr(ops, 49, 4)) = '01000000' FROM t_artdata WHERE csn = 0");
}

enum { ALL = 500 * 501 / 2 };

/* --- commands ----------------------------------------------------------------------------------------------------- */

TEST(test_a_snapshot_keeps_the_state_that_its_transaction_commits) {
    run("BEGIN");
    sql_snapshot(db, "monday");
    run("UPDATE t SET value = value + 1; COMMIT; DELETE FROM t WHERE path > 'path/00100'");
    ck_assert_int_eq(sql_sum_in(db, "monday"), ALL + 500);
    sql_snapshot(db, "tuesday");
    run("DELETE FROM t; INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_sum_in(db, "monday"), ALL + 500);
    ck_assert_int_eq(sql_sum_in(db, "tuesday"), 100 * 101 / 2 + 100);
    run("INSERT INTO t(path, value) VALUES('a', 5)"); /* an emptied table's file is not begun anew */
    run("INSERT INTO t(t) VALUES('flush')");
    sql_reopen();
    ck_assert_int_eq(sql_sum_in(db, "monday"), ALL + 500);
    expect("ok\n", "SELECT art_check('t')");
}

TEST(test_a_snapshot_has_a_name_that_is_taken_once) {
    refuses(SQLITE_ERROR, "wants a name, which is a text (t): write INSERT INTO t(t, snapshot)",
            "INSERT INTO t(t) VALUES('snapshot')");
    refuses(SQLITE_ERROR, "which is a text", "INSERT INTO t(t, snapshot) VALUES('snapshot', 5)");
    refuses(SQLITE_ERROR, "which is a text", "INSERT INTO t(t, snapshot) VALUES('drop snapshot', x'61')");
    refuses(SQLITE_ERROR, "1 to 255 bytes", "INSERT INTO t(t, snapshot) VALUES('snapshot', '')");
    refuses(SQLITE_ERROR, "1 to 255 bytes", "INSERT INTO t(t, snapshot) VALUES('snapshot', printf('%.256c', 'x'))");
    refuses(SQLITE_ERROR, "1 to 255 bytes", "INSERT INTO t(t, snapshot) VALUES('snapshot', 'a' || char(0) || 'b')");
    refuses(SQLITE_ERROR, "takes no other column", "INSERT INTO t(t, snapshot, path) VALUES('snapshot', 'a', 'b')");
    refuses(SQLITE_ERROR, "takes no other column",
            "INSERT INTO t(t, snapshot, prefix) VALUES('drop snapshot', 'a', '')");
    refuses(SQLITE_ERROR, "stands alone", "INSERT INTO t(t, snapshot) VALUES('flush', 'a')");
    refuses(SQLITE_ERROR, "art: there is no command 'snap'", "INSERT INTO t(t, snapshot) VALUES('snap', 'a')");
    EACH(command, "snapshot", "drop snapshot") {
        refuses(SQLITE_ERROR,
                TEXT("art: '%s' wants its name in the column snapshot (t): write INSERT INTO t(t, snapshot)", command),
                TEXT("INSERT INTO t(t) VALUES('%s monday')", command));
    }
    refuses(SQLITE_ERROR, "there is no snapshot 'a' (t): see art_snapshots('main.t')",
            "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a')");
    ck_assert_int_eq(sql_info(db, "snapshots"), 0);
    run("INSERT INTO t(t, snapshot) VALUES(' SNAPSHOT', printf('%%.255c', 'x')), ('snapshot', 'a b'), ('snapshot', 'A "
        "b'), ('Snapshot ', '''%%\"'), ('snapshot', 'snapshot!'), ('snapshot', ' ')");
    ck_assert_int_eq(sql_info(db, "snapshots"), 6);
    EACH(name, "a b", "A b", "'%\"", "snapshot!", " ") {
        refuses(SQLITE_ERROR, "already (t): drop it, or take another name",
                TEXT("INSERT INTO t(t, snapshot) VALUES('snapshot', %Q)", name));
        ck_assert_int_eq(sql_sum_in(db, name), ALL);
        sql_snapshot_drop(db, name);
    }
    run("INSERT INTO t(t, snapshot) VALUES('drop  snapshot', printf('%%.255c', 'x'))");
    ck_assert_int_eq(sql_info(db, "snapshots"), 0);
}

TEST(test_the_root_says_whether_there_are_snapshots) {
    run("INSERT INTO t(t) VALUES('flush')");
    ck_assert(!is_held());
    sql_snapshot(db, "a");
    sql_snapshot(db, "b");
    ck_assert(sql_state_has(db, "held") && !sql_state_has(db, "let go"));
    ck_assert(is_held());
    sql_snapshot_drop(db, "a");
    ck_assert(sql_state_has(db, "held") && !sql_state_has(db, "let go")); /* the other one names the same */
    run("UPDATE t SET value = 0; INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_gt(sql_info(db, "held slots"), 0);
    sql_snapshot_drop(db, "b");
    ck_assert(sql_state_has(db, "held") && sql_state_has(db, "let go"));
    ck_assert(is_held());
    run("INSERT INTO t(path) VALUES('a'); INSERT INTO t(t) VALUES('flush')");
    ck_assert(!sql_state_has(db, "held") && !sql_state_has(db, "let go"));
    ck_assert(!is_held());
    ck_assert_int_eq(sql_info(db, "held slots"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artstate WHERE k LIKE 'snapshot%%'"), 0);
}

TEST(test_a_snapshot_of_an_empty_table_holds_nothing) {
    run("DROP TABLE t");
    sql_create(db, "t", "");
    sql_snapshot(db, "nothing");
    ck_assert(!is_held());
    fill(500);
    run("INSERT INTO t(t) VALUES('flush')");
    expect("0\n", "SELECT count(*) FROM t WHERE snapshot = 'nothing'");
    sql_snapshot(db, "something");
    run("DELETE FROM t");
    sql_snapshot(db, "nothing again");
    sql_reopen();
    fill(3);
    run("INSERT INTO t(t) VALUES('optimize')");
    expect("0|0|500\n", "SELECT (SELECT count(*) FROM t WHERE snapshot = 'nothing'), (SELECT count(*) FROM t WHERE "
                        "snapshot = 'nothing again'), (SELECT count(*) FROM t WHERE snapshot = 'something')");
    EACH(name, "nothing", "something", "nothing again") sql_snapshot_drop(db, name);
    run("INSERT INTO t(t) VALUES('optimize')");
    ck_assert(!is_held());
    expect("ok\n", "SELECT art_check('t')");
}

TEST(test_a_snapshot_is_noted_for_the_commit) {
    run("BEGIN");
    sql_snapshot(db, "a");
    expect("snapshot\n", "SELECT value FROM art_info('t') WHERE property = 'at commit'");
    refuses(SQLITE_ERROR, "not committed yet", "SELECT * FROM t WHERE snapshot = 'a'");
    sql_snapshot_drop(db, "a");
    expect("", "SELECT value FROM art_info('t') WHERE property = 'at commit'");
    run("COMMIT");
    ck_assert_int_eq(sql_info(db, "snapshots"), 0);
    ck_assert_int_eq(sql_info(db, "runs"), 0); /* nothing was flushed for it */
}

TEST(test_a_dropped_name_can_be_taken_in_the_same_transaction) {
    sql_snapshot(db, "a");
    run("BEGIN");
    sql_snapshot_drop(db, "a");
    run("UPDATE t SET value = 1");
    sql_snapshot(db, "a");
    run("SAVEPOINT s");
    sql_snapshot_drop(db, "a");
    run("ROLLBACK TO s; COMMIT");
    ck_assert_int_eq(sql_sum_in(db, "a"), 500);
    ck_assert_int_eq(sql_info(db, "snapshots"), 1);
}

TEST(test_two_snapshots_of_one_transaction_show_the_same) {
    run("BEGIN");
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 2");
    sql_snapshot(db, "b");
    run("COMMIT; UPDATE t SET value = 3; INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_sum_in(db, "a"), 1000);
    ck_assert_int_eq(sql_sum_in(db, "b"), 1000);
    sql_snapshot_drop(db, "a");
    run("UPDATE t SET value = 4; INSERT INTO t(t) VALUES('optimize'); UPDATE t SET value = 5; "
        "INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_sum_in(db, "b"), 1000);
}

TEST(test_two_tables_have_their_own_snapshots) {
    run("ATTACH '%q' AS other", TEXT("%s/other.db", directory));
    sql_create(db, "u", "");
    char *create = kept(sql_create_text("other.t", ""));
    run("%s", create);
    run("BEGIN; INSERT INTO u(path, value) VALUES('u', 1); INSERT INTO other.t(path, value) VALUES('o', 2);"
        "INSERT INTO u(u, snapshot) VALUES('snapshot', 'x'); INSERT INTO other.t(t, snapshot) VALUES('snapshot', 'x'); "
        "INSERT INTO main.t(t, snapshot) VALUES('snapshot', 'x'); COMMIT;"
        "DELETE FROM u; DELETE FROM other.t; DELETE FROM main.t");
    ck_assert_int_eq(sql_sum_in(db, "x"), ALL);
    expect("u|1\n", "SELECT path, value FROM u WHERE snapshot = 'x'");
    expect("o|2\n", "SELECT path, value FROM other.t WHERE snapshot = 'x'");
    run("INSERT INTO other.t(t, snapshot) VALUES('drop snapshot', 'x')");
    ck_assert_int_eq(sql_sum_in(db, "x"), ALL);
    expect("1\n", "SELECT value FROM art_info('t') WHERE property = 'snapshots'");
    expect("0\n", "SELECT value FROM art_info('other.t') WHERE property = 'snapshots'");
}

TEST(test_snapshots_are_in_every_kind_of_schema) {
    run("ATTACH ':memory:' AS m");
    EACH(schema, "temp", "m") {
        run("CREATE VIRTUAL TABLE %s.v USING art(path, value); INSERT INTO %s.v VALUES('a', 1);"
            "INSERT INTO %s.v(v, snapshot) VALUES('snapshot', 'x'); DELETE FROM %s.v",
            schema, schema, schema, schema);
        ck_assert_int_eq(sql_int(db, "SELECT value FROM %s.v WHERE snapshot = 'x'", schema), 1);
        run("INSERT INTO %s.v(v, snapshot) VALUES('drop snapshot', 'x'); DROP TABLE %s.v", schema, schema);
    }
}

TEST(test_a_read_only_database_shows_snapshots_and_takes_none) {
    sql_snapshot(db, "a");
    run("DELETE FROM t");
    sql_close(db);
    db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
    refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t, snapshot) VALUES('snapshot', 'b')");
    refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a')");
    ck_assert_int_eq(sql_info(db, "snapshots"), 1);
}

TEST(test_a_snapshot_that_a_statement_reads_is_not_dropped) {
    sql_snapshot(db, "a");
    sql_snapshot(db, "b");
    run("UPDATE t SET value = 0");
    sqlite3_stmt *reader = sql_first_row(db, "SELECT value FROM t WHERE snapshot = 'a'");
    refuses(SQLITE_LOCKED, "'a' is read by a statement of this connection (t): finish",
            "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a')");
    sql_snapshot_drop(db, "b");
    int64_t sum = sqlite3_column_int64(reader, 0);
    while (sqlite3_step(reader) == SQLITE_ROW) sum += sqlite3_column_int64(reader, 0);
    ck_assert_int_eq(sum, ALL);
    sqlite3_finalize(reader);
    sql_snapshot_drop(db, "a");
    ck_assert_int_eq(sql_info(db, "snapshots"), 0);
}

TEST(test_nor_is_it_when_the_table_has_given_back_what_it_can_make_again) {
    sql_snapshot(db, "a");
    sqlite3_stmt *reader = sql_first_row(db, "SELECT value FROM t WHERE snapshot = 'a'");
    for (int i = 0; i < 40; i++)
        run("CREATE VIRTUAL TABLE other%d USING art(path); INSERT INTO other%d VALUES('x')", i, i);
    refuses(SQLITE_LOCKED, "'a' is read by a statement of this connection (t): finish",
            "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a')");
    int64_t sum = sqlite3_column_int64(reader, 0);
    while (sqlite3_step(reader) == SQLITE_ROW) sum += sqlite3_column_int64(reader, 0);
    ck_assert_int_eq(sum, ALL);
    sqlite3_finalize(reader);
    sql_snapshot_drop(db, "a");
}

TEST(test_one_that_is_made_and_dropped_again_and_again_takes_no_memory) {
    run("BEGIN; UPDATE t SET value = 0");
    sqlite3_int64 before = 0;
    for (int i = 0; i < 2000; i++) {
        sql_snapshot(db, "a");
        run("SAVEPOINT s");
        sql_snapshot_drop(db, "a");
        if (i % 2) run("ROLLBACK TO s; INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a')");
        run("RELEASE s");
        if (i == 100) before = sqlite3_memory_used();
    }
    ck_assert_int_lt(sqlite3_memory_used() - before, 10000);
    sql_snapshot(db, "a");
    run("COMMIT; UPDATE t SET value = 1");
    ck_assert_int_eq(sql_sum_in(db, "a"), 0);
}

TEST(test_another_summary_waits_for_the_last_drop) {
    sql_snapshot(db, "a");
    sql_snapshot(db, "b");
    refuses(SQLITE_ERROR, "snapshots keep the summary that they were made with (t): drop 'a', 'b' first",
            "INSERT INTO t(t) VALUES('summary=(sum(value))')");
    run("INSERT INTO t(t) VALUES('summary=()')"); /* the one that it has */
    fill_rows("INTO t(t, snapshot)", 1, 12, "'snapshot', 'n' || i");
    refuses(SQLITE_ERROR, "'n5' and 4 more first", "INSERT INTO t(t) VALUES('summary=(sum(value))')");
    run("INSERT INTO t(t, snapshot) SELECT 'drop snapshot', substr(k, 10) FROM t_artstate WHERE k LIKE 'snapshot%%'");
    run("INSERT INTO t(t) VALUES('summary=(sum(value))')");
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0");
    expect("ok\n", "SELECT art_check('t')");
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
}

TEST(test_a_column_that_came_later_is_null_in_older_states) {
    sql_snapshot(db, "a");
    run("INSERT INTO t(t) VALUES('add column owner TEXT DEFAULT NULL')");
    run("UPDATE t SET owner = 'me'");
    sql_snapshot(db, "b");
    expect(
        "500|0|500\n",
        "SELECT count(*), count(owner), (SELECT count(owner) FROM t WHERE snapshot = 'b') FROM t WHERE snapshot = 'a'");
    expect("1|\n", "SELECT value, owner FROM t WHERE snapshot = 'a' AND path = 'path/00001'");
}

TEST(test_rename_takes_snapshots_along_and_drop_removes_them) {
    sql_snapshot(db, "a");
    run("DELETE FROM t; BEGIN; ALTER TABLE t RENAME TO u; INSERT INTO u(u, snapshot) VALUES('snapshot', 'b');"
        "ROLLBACK; ALTER TABLE t RENAME TO u");
    expect("500\n", "SELECT count(*) FROM u WHERE snapshot = 'a'");
    run("BEGIN; INSERT INTO u(u, snapshot) VALUES('drop snapshot', 'a'); INSERT INTO u(path) VALUES('x');"
        "INSERT INTO u(u, snapshot) VALUES('snapshot', 'c'); ALTER TABLE u RENAME TO t; COMMIT");
    expect("x\n", "SELECT path FROM t WHERE snapshot = 'c'");
    run("BEGIN; DROP TABLE t; ROLLBACK");
    expect("x\n", "SELECT path FROM t WHERE snapshot = 'c'");
    run("DROP TABLE t");
    make_table();
    refuses(SQLITE_ERROR, "there is no snapshot 'c'", "SELECT * FROM t WHERE snapshot = 'c'");
}

TEST(test_a_table_can_be_born_with_a_snapshot) {
    run("DROP TABLE t; BEGIN");
    make_table();
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0; SAVEPOINT s; DROP TABLE t; ROLLBACK TO s; COMMIT; UPDATE t SET value = 1");
    ck_assert_int_eq(sql_sum_in(db, "a"), 0);
    run("BEGIN; DROP TABLE t");
    make_table();
    sql_snapshot(db, "b");
    run("ROLLBACK");
    expect("a\n", "SELECT name FROM art_snapshots('t')");
    run("INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t')");
    expect("", "SELECT name FROM art_snapshots('t')");
}

TEST(test_rows_that_an_authorizer_hides_are_not_taken_for_none) {
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0");
    sql_forbid(db, SQLITE_IGNORE, SQLITE_READ, "t_artstate", "k");
    refuses(SQLITE_CORRUPT_VTAB, "cannot be read", "INSERT INTO t(t, snapshot) VALUES('snapshot', 'a')");
    refuses(SQLITE_CORRUPT_VTAB, "cannot be read", "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'a')");
    sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
    run("INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
}

static int count_reads_of_all(unsigned kind, void *count, void *statement, void *text) {
    if (strstr(text, "SELECT k, v FROM")) ++*(int *)count;
    return 0;
}

TEST(test_many_drops_in_a_transaction_read_the_other_snapshots_once) {
    int reads = 0;
    for (int i = 0; i < 20; i++) {
        run("UPDATE t SET value = %d; INSERT INTO t(t, snapshot) VALUES('snapshot', 's%02d')", i, i);
    }
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_reads_of_all, &reads);
    run("BEGIN; INSERT INTO t(t, snapshot) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 16) SELECT 'drop "
        "snapshot', printf('s%%02d', i) FROM n; INSERT INTO t(t, snapshot) VALUES('drop snapshot', 's19'); COMMIT");
    sqlite3_trace_v2(db, 0, NULL, NULL);
    ck_assert_int_le(reads, 1);
    ck_assert(sql_state_has(db, "held") && sql_state_has(db, "let go"));
    expect("16|17|18|ok\n",
           "SELECT (SELECT sum(value) / 500 FROM t WHERE snapshot = 's16'), (SELECT sum(value) / 500 FROM t WHERE "
           "snapshot = 's17'), (SELECT sum(value) / 500 FROM t WHERE snapshot = 's18'), art_check('t')");
}

/* Before the commit, rows that it is to write say otherwise. */
TEST(test_a_check_knows_what_is_held_behind_a_drop) {
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0; INSERT INTO t(t) VALUES('optimize')");
    sql_snapshot(db, "b");
    run("UPDATE t SET value = 1; INSERT INTO t(t) VALUES('optimize'); BEGIN");
    int64_t slots = sql_info(db, "held slots");
    sql_snapshot_drop(db, "a");
    expect("ok\n", "SELECT art_check('t')");
    ck_assert_int_eq(sql_info(db, "held slots"), slots); /* they are let go, and not free */
    run("SAVEPOINT s");
    sql_snapshot_drop(db, "b");
    expect("ok\n", "SELECT art_check('t')");
    run("ROLLBACK TO s");
    expect("ok\n", "SELECT art_check('t')");
    run("COMMIT");
    expect("ok|0\n", "SELECT art_check('t'), sum(value) FROM t WHERE snapshot = 'b'");
    ck_assert_int_eq(sql_info(db, "held slots"), slots);
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

/* A reader that refuses COMMITs as long as it stands there. After the first one no other could begin. */
static sqlite3 *refuser;
static sqlite3_stmt *refuser_row;

static void begin_to_refuse(void) {
    refuser = sql_open(path);
    refuser_row = sql_first_row(refuser, "SELECT name FROM sqlite_schema");
}

static void refuse_commit(void) {
    refuses(SQLITE_BUSY, "locked", "COMMIT");
}

static void end_to_refuse(void) {
    sqlite3_finalize(refuser_row);
    sql_close(refuser);
}

TEST(test_a_rollback_takes_snapshots_and_drops_back) {
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0; BEGIN");
    sql_snapshot(db, "b");
    sql_snapshot_drop(db, "a");
    run("ROLLBACK");
    ck_assert_int_eq(sql_info(db, "snapshots"), 1);
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
    run("BEGIN; SAVEPOINT x");
    sql_snapshot(db, "b");
    run("SAVEPOINT y");
    sql_snapshot_drop(db, "a");
    sql_snapshot(db, "c");
    run("ROLLBACK TO y; RELEASE x; COMMIT");
    expect("snapshot a\nsnapshot b\n", "SELECT k FROM t_artstate WHERE k LIKE 'snapshot%'");
    ck_assert_int_eq(sql_sum_in(db, "b"), 0);
    run("BEGIN; SAVEPOINT x");
    sql_snapshot(db, "d");
    run("ROLLBACK TO x; INSERT INTO t(path) VALUES('x'); COMMIT");
    ck_assert_int_eq(sql_info(db, "snapshots"), 2);
    ck_assert_int_gt(sql_info(db, "log rows"), 0); /* nothing was flushed for it */
}

TEST(test_a_refused_commit_fills_in_again) {
    sql_snapshot(db, "a");
    run("BEGIN; UPDATE t SET value = 1");
    sql_snapshot(db, "b");
    begin_to_refuse();
    refuse_commit();
    refuses(SQLITE_ERROR, "not committed yet", "SELECT * FROM t WHERE snapshot = 'b'");
    run("UPDATE t SET value = 2");
    refuse_commit();
    end_to_refuse();
    run("COMMIT");
    ck_assert_int_eq(sql_sum_in(db, "b"), 1000);
    run("UPDATE t SET value = 3; INSERT INTO t(t) VALUES('optimize'); UPDATE t SET value = 4; "
        "INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
    ck_assert_int_eq(sql_sum_in(db, "b"), 1000);
    expect("ok\n", "SELECT art_check('t')");
}

/* The set that is held ends as that of the one snapshot, before the hashes. */
TEST(test_what_a_refused_commit_wrote_is_not_held) {
    run("BEGIN; INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12000) SELECT "
        "printf('large/%%05d', i), hex(randomblob(60)) FROM n");
    sql_snapshot(db, "a");
    begin_to_refuse();
    refuse_commit();
    end_to_refuse();
    run("DELETE FROM t WHERE path GLOB 'large/*'; COMMIT");
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
    expect("1\n", "SELECT substr(s.v, -length(h.v), length(h.v) - 8) = substr(h.v, 1, length(h.v) - 8) FROM t_artstate "
                  "AS s JOIN t_artstate AS h ON s.k = 'snapshot a' AND h.k = 'held'");
}

/* Of a state that has all in runs: no root was handed over, only what the rows of snapshots say. */
TEST(test_a_check_behind_a_refused_commit_knows_what_is_held) {
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 1; INSERT INTO t(t) VALUES('flush'); BEGIN");
    sql_snapshot(db, "b");
    begin_to_refuse();
    refuse_commit();
    expect("ok\n", "SELECT art_check('t')");
    end_to_refuse();
    run("COMMIT");
    expect("ok\n", "SELECT art_check('t')");
    ck_assert_int_eq(sql_sum_in(db, "b"), 500);
}

/* What was asked for before the refused COMMIT is not wanted any more. */
TEST(test_a_snapshot_that_is_dropped_after_a_refused_commit_leaves_nothing) {
    for (int changes = 0; changes < 3; changes++) {
        run("DROP TABLE IF EXISTS t");
        make_table();
        run("BEGIN");
        sql_snapshot(db, "b");
        begin_to_refuse();
        refuse_commit();
        sql_snapshot_drop(db, "b");
        end_to_refuse();
        if (changes) run("INSERT INTO t(path) VALUES('x')");
        if (changes == 2) run("INSERT INTO t(t) VALUES('flush')");
        run("COMMIT");
        ck_assert_int_eq(sql_info(db, "snapshots"), 0);
        run("UPDATE t SET value = 2; INSERT INTO t(t) VALUES('flush'); UPDATE t SET value = 3; "
            "INSERT INTO t(t) VALUES('optimize')");
        ck_assert(!is_held());
        expect("ok\n", "SELECT art_check('t')");
    }
}

/* The root says that there are slots of one kind, also where the refused COMMIT was to hold again what was let go. */
TEST(test_what_was_let_go_stays_so_behind_a_refused_commit) {
    for (int changes = 0; changes < 2; changes++) {
        run("DROP TABLE IF EXISTS t");
        make_table();
        sql_snapshot(db, "a");
        sql_snapshot_drop(db, "a");
        run("BEGIN");
        sql_snapshot(db, "b");
        begin_to_refuse();
        refuse_commit();
        expect("ok\n", "SELECT art_check('t')");
        sql_snapshot_drop(db, "b");
        expect("ok\n", "SELECT art_check('t')");
        end_to_refuse();
        if (changes) run("INSERT INTO t(path) VALUES('x'); INSERT INTO t(t) VALUES('flush')");
        run("COMMIT; UPDATE t SET value = 2; INSERT INTO t(t) VALUES('optimize')");
        ck_assert(!is_held());
        expect("ok\n", "SELECT art_check('t')");
    }
}

TEST(test_a_rollback_to_before_a_refused_commit_brings_back_the_older_snapshot) {
    sql_snapshot(db, "a");
    run("BEGIN; UPDATE t SET value = 0; SAVEPOINT s");
    sql_snapshot_drop(db, "a");
    sql_snapshot(db, "a");
    begin_to_refuse();
    refuse_commit();
    run("ROLLBACK TO s");
    sql_snapshot(db, "b");
    refuse_commit();
    end_to_refuse();
    run("UPDATE t SET value = 1; COMMIT");
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
    ck_assert_int_eq(sql_sum_in(db, "b"), 500);
    ck_assert_int_eq(sql_info(db, "snapshots"), 2);
}

TEST(test_a_commit_that_dies_leaves_the_snapshots_that_were_there) {
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0");
    EACH(journal, "DELETE", "WAL") {
        run("PRAGMA journal_mode=%s", journal);
        sql_close(db);
        pid_t child = apart_begin();
        if (!child) {
            db = sql_open(path);
            run("BEGIN; UPDATE t SET value = value + 1");
            sql_snapshot(db, "b");
            sql_snapshot_drop(db, "a");
            run("INSERT INTO t(t) VALUES('optimize'); CREATE TABLE other(x)");
            sqlite3_commit_hook(db, (int (*)(void *))(void (*)(void))raise, (void *)(intptr_t)SIGKILL);
            sql_try(db, "COMMIT");
            _exit(0);
        }
        ck_assert_int_eq(apart_signal(child), SIGKILL);
        db = sql_open(path);
        ck_assert_int_eq(sql_info(db, "snapshots"), 1);
        run("UPDATE t SET value = 5; INSERT INTO t(t) VALUES('optimize'); UPDATE t SET value = 0; "
            "INSERT INTO t(t) VALUES('optimize')");
        ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
        expect("ok\n", "SELECT art_check('t')");
    }
}

/* It stands on its own SQLite snapshot, in which the row is there. */
TEST(test_another_connection_reads_a_snapshot_while_it_is_dropped) {
    run("PRAGMA journal_mode=WAL");
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0; INSERT INTO t(t) VALUES('optimize')");
    sqlite3 *other = sql_open(path);
    sql_run(other, "BEGIN");
    sqlite3_stmt *reader = sql_first_row(other, "SELECT value FROM t WHERE snapshot = 'a'");
    int64_t sum = sqlite3_column_int64(reader, 0);
    sql_snapshot_drop(db, "a");
    for (int i = 1; i < 8; i++) {
        run("UPDATE t SET value = %d; INSERT INTO t(t) VALUES('optimize'); PRAGMA wal_checkpoint", i);
        if (sqlite3_step(reader) == SQLITE_ROW) sum += sqlite3_column_int64(reader, 0);
    }
    while (sqlite3_step(reader) == SQLITE_ROW) sum += sqlite3_column_int64(reader, 0);
    sqlite3_finalize(reader);
    ck_assert_int_eq(sum, ALL);
    ck_assert_int_eq(sql_sum_in(other, "a"), ALL);
    sql_run(other, "COMMIT");
    sql_refused(other, SQLITE_ERROR, "there is no snapshot 'a'", "SELECT * FROM t WHERE snapshot = 'a'");
    sql_close(other);
}

/* --- whatever came before ----------------------------------------------------------------------------------------- */

#define EACH_STEP(X)                                                                                                   \
    X(CHANGE, "change")                                                                                                \
    X(SNAPSHOT, "snapshot")                                                                                            \
    X(DROP, "drop")                                                                                                    \
    X(SPILL, "spill")                                                                                                  \
    X(SAVEPOINT, "SAVEPOINT")                                                                                          \
    X(ROLLBACK_TO, "ROLLBACK TO")                                                                                      \
    X(REFUSED, "refused COMMIT")                                                                                       \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(REOPEN, "reopen")                                                                                                \
    X(OTHER, "another process")                                                                                        \
    X(DELETE_DIRECTORY, "delete a directory")                                                                          \
    X(MOVE_DIRECTORY, "move a directory")                                                                              \
    X(OPTIMIZE, "optimize")                                                                                            \
    X(EMPTY, "empty")

enum step {
#define STEP(name, words) name,
    EACH_STEP(STEP)
#undef STEP
        STEPS
};
static const char *const step_names[STEPS] = {
#define STEP(name, words) words,
    EACH_STEP(STEP)
#undef STEP
};
enum { STEPS_AT_ONCE = 3 };
static bool saved, refused;
static int turn; /* gives new names and values */

static void change(sqlite3 *on) {
    EACH(table, "t", "model") {
        sql_run(on,
                "INSERT OR REPLACE INTO %s(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20) "
                "SELECT printf('d%%d/%%03d', i %% 3, i * 7 * %d %% 300), %d FROM n",
                table, turn, turn);
    }
}

/* What the snapshots of this transaction have to show if it is committed now. */
static void keep_model(void) {
    run("DELETE FROM kept WHERE name IN (SELECT name FROM made);"
        "INSERT INTO kept SELECT name, path, value FROM made, model");
}

static void commit(void) {
    keep_model();
    run("COMMIT; DELETE FROM made");
    saved = refused = false;
}

static bool another_process(void) {
    pid_t child = apart_begin();
    if (!child) {
        sqlite3 *own = sql_open(path);
        sql_run(own, "PRAGMA synchronous=OFF; BEGIN");
        change(own);
        sql_run(own,
                "INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t, snapshot) VALUES('snapshot', 's%05d');"
                "INSERT INTO names VALUES('s%05d'); INSERT INTO kept SELECT 's%05d', path, value FROM model; COMMIT",
                turn, turn, turn);
        sql_close(own);
        _exit(0);
    }
    return !apart_end(child);
}

static void begin(void) {
    run("BEGIN IMMEDIATE");
}

static void refuse_once(void) {
    if (refused || sql_int(db, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'")) return;
    keep_model();
    begin_to_refuse();
    refuse_commit();
    end_to_refuse();
    refused = true;
}

static void drop_first(void) {
    char *name = kept(sql_rows(db, "SELECT name FROM names ORDER BY name LIMIT 1"));
    if (!*name) return;
    name[strlen(name) - 1] = 0;
    sql_snapshot_drop(db, name);
    EACH(table, "names", "made", "kept") run("DELETE FROM %s WHERE name = %Q", table, name);
}

static void take_step(enum step step) {
    turn++;
    switch (step) {
    case CHANGE:
        change(db);
        break;
    case SNAPSHOT:
        sql_snapshot(db, TEXT("s%05d", turn));
        run("INSERT INTO names VALUES('s%05d'); INSERT INTO made VALUES('s%05d')", turn, turn);
        break;
    case DROP:
        drop_first();
        break;
    case SPILL:
        both(TEXT("INSERT OR REPLACE INTO @(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
                  "300) SELECT printf('spilled/%%05d', i * %d %% 1000), printf('%%.400d', i) FROM n",
                  turn));
        break;
    case SAVEPOINT:
        if (saved) run("RELEASE s");
        run("SAVEPOINT s");
        saved = true;
        break;
    case ROLLBACK_TO:
        if (saved) run("ROLLBACK TO s");
        break;
    case REFUSED:
        refuse_once();
        break;
    case ROLLBACK:
        run("ROLLBACK");
        saved = refused = false;
        begin();
        break;
    case DELETE_DIRECTORY:
        run("INSERT INTO t(t, prefix) VALUES('delete', 'd1/'); DELETE FROM model WHERE path GLOB 'd1/*'");
        break;
    case MOVE_DIRECTORY:
        run("INSERT INTO t(t, prefix, path) VALUES('move', 'd2/', 'm%d/');"
            "UPDATE model SET path = 'm%d/' || substr(path, 4) WHERE path GLOB 'd2/*'",
            turn, turn);
        break;
    case OPTIMIZE:
        run("INSERT INTO t(t) VALUES('optimize')");
        break;
    case EMPTY:
        both("DELETE FROM @");
        break;
    default:
        commit();
        if (step == REOPEN) sql_reopen();
        if (step == OTHER) ck_assert(another_process());
        begin();
        break;
    }
}

/* The table, and all snapshots that can be read. */
static void looks_as_the_model(sqlite3 *on, const char *where) {
    static const char wrong[] = "SELECT count(*) FROM (SELECT path, value FROM %s EXCEPT SELECT path, value FROM %s)";
    ck_assert_msg(!sql_int(on, wrong, "t", "model") && !sql_int(on, wrong, "model", "t"), "the table, behind %s",
                  where);
    char *names = kept(sql_rows(on, "SELECT name FROM names WHERE name NOT IN (SELECT name FROM made)"));
    for (char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n")) {
        int64_t differ = sql_int(on,
                                 "SELECT (SELECT count(*) FROM (SELECT path, value FROM t WHERE snapshot = %Q EXCEPT "
                                 "SELECT path, value FROM kept WHERE name = %Q)) + abs((SELECT count(*) FROM t WHERE "
                                 "snapshot = %Q) - (SELECT count(*) FROM kept WHERE name = %Q))",
                                 name, name, name, name);
        ck_assert_msg(!differ, "%s, behind %s", name, where);
    }
    ck_assert_msg(
        sql_int(on, "SELECT value = (SELECT count(*) FROM names) FROM art_info('t') WHERE property = 'snapshots'"),
        "snapshots, behind %s", where);
}

/* What is free is written over. */
static void write_over(void) {
    for (int i = 0; i < 2; i++) {
        turn++;
        run("BEGIN");
        change(db);
        run("COMMIT; INSERT INTO t(t) VALUES('optimize')");
    }
}

static void try_steps(const enum step *steps, const char *journal) {
    char *where = kept(sqlite3_mprintf("%s:", journal));
    twin = "model";
    saved = refused = false;
    turn = 1;
    run("PRAGMA synchronous=OFF; PRAGMA journal_mode=%s", journal);
    sql_create(db, "t", "spill_limit='64KB', log_limit='16KB'");
    run("CREATE TABLE model(path TEXT PRIMARY KEY, value) WITHOUT ROWID; CREATE TABLE names(name);"
        "CREATE TABLE kept(name, path, value); CREATE TABLE made(name); BEGIN");
    both("INSERT INTO @(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT "
         "printf('d%d/%03d', i % 3, i), i FROM n");
    sql_snapshot(db, "s00000");
    run("INSERT INTO names VALUES('s00000'); INSERT INTO made VALUES('s00000')");
    commit();
    begin();
    change(db);
    for (int i = 0; i < STEPS_AT_ONCE; i++) {
        where = TEXT("%s %s;", where, step_names[steps[i]]);
        take_step(steps[i]);
        looks_as_the_model(db, where);
    }
    commit();
    looks_as_the_model(db, where);
    sql_reopen();
    run("PRAGMA synchronous=OFF");
    write_over();
    looks_as_the_model(db, TEXT("%s, and written over", where));
    begin();
    while (sql_int(db, "SELECT count(*) FROM names")) drop_first();
    commit();
    write_over();
    looks_as_the_model(db, where);
    ck_assert_msg(!is_held() && !sql_info(db, "held slots"), "the root, behind %s", where);
    char *sound = kept(sql_rows(db, "SELECT art_check('t')"));
    ck_assert_msg(!strcmp(sound, "ok\n"), "%s, behind %s", sound, where);
    run("DROP TABLE t; DROP TABLE model; DROP TABLE names; DROP TABLE kept; DROP TABLE made");
}

CASE("states", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* A change, then each three of the steps; make check tries some of them. */
TEST(test_a_snapshot_shows_its_state_whatever_came_before) {
    uint32_t left_out = 0, tried = 0;
    for (int number = 0; number < STEPS * STEPS * STEPS; number++) {
        if (left_out && left_out--) continue;
        enum step steps[STEPS_AT_ONCE] = {(enum step)(number % STEPS), (enum step)(number / STEPS % STEPS),
                                          (enum step)(number / STEPS / STEPS)};
        try_steps(steps, tried++ % 3 ? "DELETE" : "WAL");
        kept_clear();
        left_out = random_stride() * 37 - 1;
    }
    printf("%u ways\n", tried);
}

SUITE("snapshots under SQL", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
