/* Rows of snapshots that are not as they were written: what still goes on, and the way out. (What a check says of such
 * rows: test_sql_snapshots_kept.c.)
 */
#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "tests/support/sql_one.h"

enum { ROWS = 500, ALL = ROWS * (ROWS + 1) / 2 };

static void make_table(void) {
    sql_create(db, "t", "");
    fill_rows("INTO t(path, value)", 1, ROWS, "printf('path/%%05d', i), i");
}

static int64_t held_slots(void) {
    return sql_info(db, "held slots");
}

TEST(test_a_damaged_snapshot_is_an_error_and_can_be_dropped) {
    make_table();
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0; INSERT INTO t(t) VALUES('optimize')");
    sql_snapshot(db, "b");
    run("UPDATE t SET value = 1; INSERT INTO t(t) VALUES('optimize')");
    EACH(spoil, "x''", "NULL", "'text'", "x'01'", "zeroblob(300)", "substr(v, 1, length(v) - 1)", "v || x'00'",
         "(SELECT v FROM t_artstate WHERE k = 'snapshot b')") {
        run("BEGIN; UPDATE t_artstate SET v = %s WHERE k = 'snapshot a'", spoil);
        refuses(SQLITE_CORRUPT_VTAB, "the snapshot 'a' is damaged (main.t_artstate): drop it",
                "SELECT * FROM t WHERE snapshot = 'a'");
        expect("500\n", "SELECT count(*) FROM t WHERE snapshot = 'b'");
        sql_snapshot_drop(db, "a");
        ck_assert_int_gt(held_slots(), 0); /* what it held is known all the same */
        expect("ok|0\n", "SELECT art_check('t'), sum(value) FROM t WHERE snapshot = 'b'");
        sql_snapshot_drop(db, "b");
        run("ROLLBACK");
    }
    expect("ok\n", "SELECT art_check('t')");
}

/* A message has room for a part of a name, and is a text all the same. */
TEST(test_a_name_that_is_cut_in_a_message_ends_with_a_whole_character) {
    run("CREATE VIRTUAL TABLE t USING art(path, v, storage=inline)");
    run("INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
        "SELECT printf('%%06d', i), randomblob(600) FROM n; INSERT INTO t(t) VALUES('flush')");
    run("INSERT INTO t(t, snapshot) VALUES('snapshot', substr(replace(hex(zeroblob(40)), '0', 'x'), 2) || char(233, "
        "233))");
    run("DELETE FROM t; INSERT INTO t(t) VALUES('optimize'); UPDATE t_artblob SET data = zeroblob(4096) WHERE page %% "
        "128 < 5");
    ck_assert_int_gt(sql_int(db, "SELECT count(*) FROM art_check('t') WHERE problem GLOB '*xxx[?]*'"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_check('t') WHERE instr(CAST(problem AS BLOB), x'C327')"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT instr(CAST(art_check('t') AS BLOB), x'C327')"), 0);
}

TEST(test_a_row_whose_hash_is_right_and_whose_name_is_too_long_is_damage_all_the_same) {
    make_table();
    sql_snapshot(db, "a");
    char key[4096] = "snapshot ";
    memset(key + strlen(key), 'x', sizeof key - 1 - strlen(key));
    sqlite3_stmt *row = sql_first_row(db, "SELECT v FROM t_artstate WHERE k = 'snapshot a'");
    int len = sqlite3_column_bytes(row, 0);
    uint8_t *value = malloc((size_t)len);
    memcpy(value, sqlite3_column_blob(row, 0), (size_t)len);
    sqlite3_finalize(row);
    const struct art_hash_part parts[] = {{key, strlen(key)}, {value, (size_t)len - sizeof(uint64_t)}};
    art_store64(value + len - sizeof(uint64_t), art_hash128_parts(parts, 2).low);
    row = sql_prepare(db, "INSERT INTO t_artstate(k, v) VALUES(?1, ?2)");
    sqlite3_bind_text(row, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob(row, 2, value, len, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_DONE);
    sqlite3_finalize(row);
    free(value);
    refuses(SQLITE_CORRUPT_VTAB, "is damaged (main.t_artstate)", "SELECT * FROM art_snapshots('t')");
    ck_assert_ptr_nonnull(strstr(kept(sql_rows(db, "SELECT art_check('t')")), "is damaged (main.t_artstate)"));
    run("DELETE FROM t_artstate WHERE k LIKE 'snapshot xx%%'");
    expect("ok\n", "SELECT art_check('t')");
}

TEST(test_sets_that_are_damaged_or_missing_stop_who_writes_blobs) {
    make_table();
    sql_snapshot(db, "a");
    run("UPDATE t SET value = 0");
    run("INSERT INTO t(t) VALUES('optimize')");
    EACH(spoil, "DELETE FROM t_artstate WHERE k = 'held'", "UPDATE t_artstate SET v = x'00' WHERE k = 'held'",
         "UPDATE t_artstate SET v = v || x'00' WHERE k = 'held'",
         "INSERT INTO t_artstate(k, v) SELECT 'let go', v FROM t_artstate WHERE k = 'held'") {
        run("BEGIN; %s", spoil);
        run("INSERT INTO t(path) VALUES('x'); INSERT INTO t(t) VALUES('flush')");
        ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_CORRUPT_VTAB);
        if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
        ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
    }
    run("INSERT INTO t(path) VALUES('x'); INSERT INTO t(t) VALUES('flush')");
    ck_assert_int_eq(sql_sum_in(db, "a"), ALL);
}

/* a, b and c, each of another state, and the table of a fourth. */
static void make_three(void) {
    make_table();
    EACH(name, "a", "b", "c") {
        sql_snapshot(db, name);
        run("UPDATE t SET value = value + 1; INSERT INTO t(t) VALUES('optimize')");
    }
}

static void write_twice(void) {
    for (int i = 0; i < 2; i++) run("UPDATE t SET value = 0; INSERT INTO t(t) VALUES('optimize')");
}

static void is_sound_when_all_are_gone(void) {
    write_twice();
    expect("ok\n", "SELECT art_check('t')");
    ck_assert(!sql_state_has(db, "held") && !sql_state_has(db, "let go"));
    ck_assert_int_eq(held_slots(), 0);
}

TEST(test_damaged_snapshots_do_not_stop_the_drop_of_another) {
    make_three();
    run("UPDATE t_artstate SET v = x'00' WHERE k IN ('snapshot a', 'snapshot b')");
    int64_t slots = held_slots();
    sql_snapshot_drop(db, "a");
    write_twice();
    ck_assert_int_eq(sql_sum_in(db, "c"), ALL + 2 * ROWS);
    ck_assert(!sql_state_has(db, "let go") && held_slots() >= slots); /* b may be of any of them */
    sql_snapshot_drop(db, "b");
    ck_assert(sql_state_has(db, "let go"));
    write_twice();
    ck_assert_int_eq(sql_sum_in(db, "c"), ALL + 2 * ROWS);
    ck_assert_int_lt(held_slots(), slots);
    sql_snapshot_drop(db, "c");
    is_sound_when_all_are_gone();
}

TEXTS(lost, "DELETE FROM t_artstate WHERE k = 'held'", "DELETE FROM t_artstate WHERE k IN ('held', 'let go')",
      "UPDATE t_artstate SET v = x'00' WHERE k = 'held'", "UPDATE t_artstate SET v = x'00' WHERE k = 'let go'",
      "UPDATE t_artstate SET v = 5 WHERE k IN ('held', 'let go')");

/* And a reader goes on to stand on what was let go, though nobody knows what that was. */
LOOP_TEST(test_what_is_held_is_worked_out_anew_where_it_is_lost, LENGTH(lost)) {
    EACH(command, "INSERT INTO t(t, snapshot) VALUES('snapshot', 'd')",
         "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'b')") {
        run("DROP TABLE IF EXISTS t; PRAGMA journal_mode=WAL");
        make_three();
        sqlite3 *reader = sql_open(path);
        sql_run(reader, "BEGIN");
        ck_assert_int_eq(sql_sum_in(reader, "a"), ALL);
        sql_snapshot_drop(db, "a");
        ck_assert(sql_state_has(db, "held") && sql_state_has(db, "let go"));
        run("%s; INSERT INTO t(path) VALUES('x')", lost[_i]);
        refuses(SQLITE_CORRUPT_VTAB, "(main.t_artstate): make or drop a snapshot, and it is worked out anew",
                "INSERT INTO t(t) VALUES('flush')");
        run("BEGIN; %s", command);
        expect("ok\n", "SELECT art_check('t')");
        run("COMMIT");
        expect("ok\n", "SELECT art_check('t')");
        write_twice();
        ck_assert_int_eq(sql_sum_in(reader, "a"), ALL);
        ck_assert_int_eq(sql_sum_in(db, "c"), ALL + 2 * ROWS);
        sql_run(reader, "COMMIT");
        sql_close(reader);
        run("INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t')");
        is_sound_when_all_are_gone();
    }
}

TEST(test_what_is_held_is_worked_out_anew_where_no_snapshot_is_left) {
    make_three();
    run("INSERT INTO t(t, snapshot) SELECT 'drop snapshot', name FROM art_snapshots('t')");
    run("DELETE FROM t_artstate WHERE k IN ('held', 'let go')");
    refuses(SQLITE_CORRUPT_VTAB, "'held' is missing (main.t_artstate): make or drop a snapshot",
            "INSERT INTO t(t) VALUES('optimize')");
    run("BEGIN");
    sql_snapshot(db, "x");
    sql_snapshot_drop(db, "x");
    run("COMMIT");
    is_sound_when_all_are_gone();
}

/* The command that is to work it out says which snapshots are in the way. */
TEST(test_what_is_held_is_worked_out_anew_when_the_damaged_snapshots_are_gone) {
    make_three();
    run("UPDATE t_artstate SET v = x'00' WHERE k IN ('held', 'snapshot a', 'snapshot b')");
    refuses(SQLITE_CORRUPT_VTAB, "the snapshot 'a' is damaged (main.t_artstate): drop it",
            "INSERT INTO t(t, snapshot) VALUES('snapshot', 'd')");
    sql_snapshot_drop(db, "b");
    refuses(SQLITE_CORRUPT_VTAB, "'held' is damaged", "INSERT INTO t(t) VALUES('optimize')");
    sql_snapshot_drop(db, "a");
    write_twice();
    ck_assert_int_eq(sql_sum_in(db, "c"), ALL + 2 * ROWS);
    sql_snapshot_drop(db, "c");
    is_sound_when_all_are_gone();
}

SUITE("sql_snapshots_damaged", .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down)
