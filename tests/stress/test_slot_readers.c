/* The slot rule (core/tree/run/slots.c) as readers and savepoints see it: what must not be used again is not, what may
 * be is.
 *
 * The extension is linked in and watched (tests/support/watch.h), so that slots which are used again can be counted;
 * and where nothing may be, each rewriting of the table makes the file longer. What a root or a savepoint names is
 * never written: that the machine watches at each write (support/machine_slots.c). Syncs and own frames are the
 * business of test_slot_rule.c; the head of test_slots.c says which line of the rule is tested where.
 */
#include "tests/support/sql_one.h"
#include "tests/support/watch.h"

enum { ROWS = 160, VALUE = 2400 };

static struct watch *watch;

static sqlite3 *open_connection(void) {
    sqlite3 *connection = watch_open(path);
    sql_run(connection, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0");
    return connection;
}

/* Row i's value in the n-th version of all: no two alike. */
#define VALUE_TEXT "substr(hex(zeroblob(%d)), 1, %d) || printf('%%08d', %d * 10000 + i)"

static void change_all_on(sqlite3 *on, int n) {
    sql_run(on,
            "INSERT OR REPLACE INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('d%%d/%%05d', i %% 5, i), " VALUE_TEXT " FROM n",
            ROWS, VALUE, VALUE, n);
}

/* In a transaction of its own, of which all is in the file afterwards, in other slots than before. */
static void rewrite_on(sqlite3 *on, int n) {
    sql_run(on, "BEGIN IMMEDIATE");
    change_all_on(on, n);
    sql_run(on, "INSERT INTO t(t) VALUES('optimize'); COMMIT");
}

static void rewrite(int n) {
    rewrite_on(db, n);
}

static void all_are(sqlite3 *of, int n, const char *when) {
    sqlite3_stmt *rows = sql_prepare(of, "SELECT path, value FROM t");
    int rc, count = 0;
    char end[12];
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(rows, 0),
                   *value = (const char *)sqlite3_column_text(rows, 1);
        snprintf(end, sizeof end, "%08d", n * 10000 + atoi(strchr(key, '/') + 1));
        ck_assert_msg(sqlite3_column_bytes(rows, 1) == VALUE + 8 && !strcmp(value + VALUE, end),
                      "%s: %s has ...%s, not %s", when, key, value + (strlen(value) > 8 ? strlen(value) - 8 : 0), end);
        count++;
    }
    ck_assert_msg(rc == SQLITE_DONE, "%s, after %d rows: %s", when, count, sqlite3_errmsg(of));
    ck_assert_msg(count == ROWS, "%s: %d rows, not %d", when, count, ROWS);
    sqlite3_finalize(rows);
}

static void set_up(const char *journal, const char *options) {
    watch = watch_new();
    watch_begin(watch);
    watch_skip_syncs(1);
    sql_set_up_closed();
    db = open_connection();
    sql_run(db, "PRAGMA journal_mode=%s", journal);
    sql_create(db, "t", options);
    rewrite(0);
}

static void tear_down(void) {
    sql_tear_down();
    if (watch) watch_free(watch);
}

static uint64_t reused(void) {
    return watch->slots_reused;
}

static sqlite3 *open_reader(int n) {
    sqlite3 *reader = open_connection();
    sql_run(reader, "BEGIN");
    all_are(reader, n, "a new reader");
    return reader;
}

static void close_reader(sqlite3 *reader) {
    sql_run(reader, "COMMIT");
    sql_close(reader);
}

static int64_t file_size(void) {
    return sql_file_size(directory, ".art");
}

/* ---- rollback journal -------------------------------------------------------------------------------------------- */

TEST(test_with_a_rollback_journal_nothing_is_retired) {
    int64_t largest = 0;
    set_up("DELETE", "cache=0");
    for (int n = 1; n < 12; n++) {
        uint64_t before = reused();
        rewrite(n);
        all_are(db, n, "rewritten");
        if (n < 4 && file_size() > largest) largest = file_size();
        ck_assert_int_le(file_size(), largest + (n < 4 ? INT32_MAX : 0));
        if (n >= 2) ck_assert_uint_gt(reused(), before); /* what the transaction before has left */
    }
}

/* ---- WAL --------------------------------------------------------------------------------------------------------- */

/* By another connection, with synchronous=OFF, that goes at once. */
static void checkpoint(int mode) {
    sqlite3 *other = open_connection();
    sql_run(other, "PRAGMA synchronous=OFF; SELECT count(*) FROM t");
    sqlite3_wal_checkpoint_v2(other, "main", mode, NULL, NULL); /* may be busy: the reader */
    sql_close(other);
}

LOOP_TEST(test_no_checkpoint_frees_what_a_reader_stands_on, SQLITE_CHECKPOINT_TRUNCATE + 1) {
    set_up("WAL", "cache=0");
    sqlite3 *reader = open_reader(0);
    for (int n = 1; n < 6; n++) {
        int64_t size = file_size();
        checkpoint(_i);
        rewrite(n);
        ck_assert_int_gt(file_size(), size);
        all_are(reader, 0, "a reader");
    }
    close_reader(reader);
    /* Nobody stands on anything, and all is in the database: the next writer begins the -wal anew. */
    checkpoint(_i);
    int64_t size = file_size();
    rewrite(6);
    ck_assert_int_le(file_size(), size);
    all_are(db, 6, "the last");
}

TEST(test_without_a_checkpoint_nothing_is_freed) {
    set_up("WAL", "cache=0");
    for (int n = 1; n < 5; n++) { /* the -wal never begins anew */
        int64_t size = file_size();
        rewrite(n);
        ck_assert_int_gt(file_size(), size);
    }
}

/* Others roll back, leave, come anew and empty the -wal; the writer itself is opened anew each time. */
TEST(test_retired_slots_outlive_the_connection_that_made_them) {
    set_up("WAL", "cache=0, spill_limit='128KB'");
    sqlite3 *reader = open_reader(0);
    for (int n = 1; n < 6; n++) {
        sql_close(db);
        db = open_connection();
        rewrite(n);
        sqlite3 *other = open_connection();
        sql_run(other, "BEGIN");
        change_all_on(other, 90 + n);
        sql_run(other, "ROLLBACK");
        sql_close(other);
        checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        other = open_connection();
        rewrite_on(other, n);
        sql_close(other);
        all_are(reader, 0, "a reader");
    }
    close_reader(reader);
    sql_close(db);
    db = open_connection();
    checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    sql_run(db, "INSERT INTO t(t) VALUES('spill_limit=64MB')"); /* what spills takes new slots, before SQLite 3.53.2 */
    int64_t size = file_size();
    rewrite(6);
    ck_assert_int_le(file_size(), size);
    all_are(db, 6, "the last");
}

TEST(test_cutting_the_file_is_writing) {
    set_up("WAL", "cache=0");
    for (int n = 1; n < 4; n++) rewrite(n);
    sqlite3 *reader = open_reader(3);
    int64_t size = file_size();
    sql_run(db, "DELETE FROM t WHERE path GLOB 'd[1-4]/*'; INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t) "
                "VALUES('vacuum')");
    checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    sql_run(db, "INSERT INTO t(t) VALUES('vacuum'); INSERT INTO t(t) VALUES('vacuum')");
    all_are(reader, 3, "a reader of what lies at the end");
    close_reader(reader);
    for (int i = 0; i < 3; i++) {
        checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        sql_run(db, "INSERT INTO t(t) VALUES('vacuum')");
    }
    ck_assert_int_lt(file_size(), size); /* and then it is cut */
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), ROWS / 5);
}

SUITE("slot readers", .seconds = 120, .tear_down = tear_down)
