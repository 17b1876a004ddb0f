/* From a file into the database and back: 'storage=inline', 'storage=file'. As a part of the transaction, with other
 * connections at work, with what a refused COMMIT leaves, and with a failure at each step.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

static char *directory, *path, *expected;
static sqlite3 *db;
static const char *const modes[] = {"WAL", "DELETE"};
static const char content[] = "SELECT count(*), sum(length(value)), min(path), max(path), art_check('t') FROM t";

static void set_up(void) {
    directory = sql_scratch("storage");
    path = sqlite3_mprintf("%s/a.db", directory);
    db = sql_open(path);
}

static void tear_down(void) {
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
    sqlite3_free(expected);
    expected = NULL;
}

static void begin_with(const char *mode, const char *storage) {
    sql_run(db, "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(path, value, storage=%s)", mode, storage);
    sql_run(
        db,
        "INSERT INTO t SELECT printf('d%%d/%%06d', i %% 50, i), 'value ' || i FROM (WITH n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n LIMIT 30000) SELECT i FROM n); INSERT INTO t(t) VALUES('flush');"
        "INSERT INTO t VALUES('in the log', 1), ('long', printf('%%.*c', 20000, 'x'))");
    expected = sql_rows(db, "%s", content);
    ck_assert_ptr_nonnull(strstr(expected, "|ok"));
}

static void has_all(sqlite3 *of, const char *where) {
    char *rows = sql_rows(of, "%s", content);
    ck_assert_msg(!strcmp(rows, expected), "%s: %s not %s", where, rows, expected);
    sqlite3_free(rows);
}

static void is_in(sqlite3 *of, const char *storage) {
    bool inside = !strcmp(storage, "inline");
    char *rows = sql_rows(of, "SELECT property, value FROM art_info('t') WHERE property IN ('io', 'option storage') "
                              "ORDER BY property");
    ck_assert_msg(strstr(rows, inside ? "io|inline" : "io|") != NULL, "%s: %s", storage, rows);
    ck_assert_msg(strstr(rows, inside ? "option storage|inline" : "option storage|file") != NULL, "%s: %s", storage,
                  rows);
    sqlite3_free(rows);
    char *file = sql_find_file(directory, ".art");
    ck_assert_msg(inside == !file, "%s: %s", storage, file ? file : "no file");
    sqlite3_free(file);
}

static const char *other(const char *storage) {
    return strcmp(storage, "file") ? "file" : "inline";
}

static void move_to(sqlite3 *of, const char *storage) {
    sql_run(of, "INSERT INTO t(t) VALUES('storage=%s')", storage);
}

static void is_about_to_move_to(const char *storage) {
    char *waits = sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'at commit'");
    char *wanted = sqlite3_mprintf(*storage ? "storage=%s\n" : "%s", storage);
    ck_assert_str_eq(waits, wanted);
    sqlite3_free(waits);
    sqlite3_free(wanted);
}

/* By turns, and each sees at once where the blobs are, also one that has them in its cache. */
START_TEST(test_the_blobs_move_and_every_connection_follows) {
    const char *storage = "file";
    begin_with(modes[_i], storage);
    sqlite3 *second = sql_open(path);
    has_all(second, "before");
    for (int round = 0; round < 6; round++) {
        sqlite3 *mover = round % 3 ? db : second, *watcher = round % 3 ? second : db;
        storage = other(storage);
        move_to(mover, storage);
        is_in(mover, storage);
        is_in(watcher, storage);
        has_all(watcher, "the other connection");
        sql_run(watcher,
                "INSERT INTO t VALUES('more', %d); INSERT INTO t(t) VALUES('flush'); DELETE FROM t WHERE path = 'more'",
                round);
        has_all(mover, "the mover");
        sqlite3 *fresh = sql_open(path);
        has_all(fresh, "a new connection");
        sql_close(fresh);
    }
    sql_close(second);
    sql_run(db, "DROP TABLE t");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
}
END_TEST

START_TEST(test_a_rollback_and_a_rollback_to_take_it_back) {
    const char *from = _i % 2 ? "inline" : "file";
    begin_with(modes[_i / 2], from);
    sql_run(db, "BEGIN");
    move_to(db, other(from));
    is_about_to_move_to(other(from));
    sql_run(db, "INSERT INTO t VALUES('gone', 1); ROLLBACK");
    is_about_to_move_to("");
    is_in(db, from);
    has_all(db, "rolled back");
    sql_run(db, "BEGIN; INSERT INTO t VALUES('gone', 1); SAVEPOINT s; DELETE FROM t");
    move_to(db, other(from));
    sql_run(db, "ROLLBACK TO s; DELETE FROM t WHERE path = 'gone'; COMMIT");
    is_in(db, from);
    has_all(db, "rolled back to a savepoint");
    sql_run(db, "BEGIN");
    move_to(db, other(from));
    move_to(db, from);
    is_about_to_move_to("");
    sql_run(db, "COMMIT");
    is_in(db, from);
    sql_run(db, "BEGIN; SAVEPOINT s; DELETE FROM t WHERE path = 'in the log'");
    move_to(db, other(from));
    sql_run(db, "RELEASE s; INSERT INTO t VALUES('in the log', 1); COMMIT");
    is_in(db, other(from));
    has_all(db, "moved, with changes");
}
END_TEST

/* What the first COMMIT has moved stays to be committed, though nothing else has changed. */
START_TEST(test_a_move_that_is_asked_for_again_behind_a_refused_commit_is_made) {
    const char *from = _i ? "inline" : "file";
    begin_with("DELETE", from);
    sqlite3 *second = sql_open(path);
    sql_run(db, "BEGIN");
    move_to(db, other(from));
    sqlite3_stmt *reader = sql_prepare(second, "SELECT path FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    move_to(db, other(from));
    is_about_to_move_to(other(from));
    sqlite3_finalize(reader);
    sql_run(db, "COMMIT");
    is_in(db, other(from));
    sql_run(db, "INSERT INTO t VALUES('more', 1); INSERT INTO t(t) VALUES('optimize')");
    sql_expect(second, "30003|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(second);
}
END_TEST

/* xSync has moved all by then. The transaction goes on, and is committed, rolled back, or led back to a savepoint. */
START_TEST(test_a_commit_that_was_refused_is_tried_again_or_taken_back) {
    const char *from = _i % 2 ? "inline" : "file";
    begin_with("DELETE", from);
    sqlite3 *second = sql_open(path);
    sql_run(db, "BEGIN; SAVEPOINT s; INSERT INTO t VALUES('mine', 1)");
    move_to(db, other(from));
    sqlite3_stmt *reader = sql_prepare(second, "SELECT path FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 30003);
    sql_run(db, "INSERT INTO t VALUES('mine, too', 2)");
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 30004);
    is_about_to_move_to(other(from));
    const char *back = _i % 2 ? "INSERT INTO t(t) VALUES('storage=inline')" : "INSERT INTO t(t) VALUES('storage=file')";
    sql_refused(db, SQLITE_LOCKED, "end this transaction first", back);
    sqlite3_finalize(reader);
    switch (_i / 2) {
    case 0:
        sql_run(db, "DELETE FROM t WHERE path GLOB 'mine*'; COMMIT");
        is_in(db, other(from));
        break;
    case 1:
        sql_run(db, "ROLLBACK");
        sql_run(db, "INSERT INTO t(t) VALUES('clean')");
        is_in(db, from);
        break;
    default:
        sql_run(db, "ROLLBACK TO s");
        has_all(db, "led back");
        sql_run(db, "COMMIT; INSERT INTO t(t) VALUES('clean')");
        is_in(db, from);
    }
    has_all(db, "in the end");
    has_all(second, "elsewhere");
    sql_close(second);
}
END_TEST

/* The old place is still there for a reader that stands on an older snapshot with it open. */
START_TEST(test_a_reader_of_an_older_snapshot_reads_on) {
    const char *from = _i ? "inline" : "file";
    begin_with("WAL", from);
    sqlite3 *second = sql_open(path);
    sql_run(second, "BEGIN");
    has_all(second, "before");
    move_to(db, other(from));
    sql_run(db, "DELETE FROM t WHERE path < 'd3'; INSERT INTO t(t) VALUES('optimize')");
    has_all(second, "the old snapshot");
    sql_run(second, "COMMIT");
    ck_assert_int_eq(sql_int(second, "SELECT count(*) FROM t"), sql_int(db, "SELECT count(*) FROM t"));
    sql_close(second);
}
END_TEST

static int steps_left;

static int stop(void *unused) {
    (void)unused;
    return --steps_left <= 0;
}

/* The progress handler is asked all the way; wherever it stops, all is as it was, or is done. */
START_TEST(test_an_interrupt_anywhere_leaves_it_moved_or_not) {
    const char *from = _i ? "inline" : "file", *now = from;
    begin_with("WAL", from);
    unsigned moved = 0;
    for (int steps = 1; moved < 2; steps += 1 + steps / 4) {
        steps_left = steps;
        sqlite3_progress_handler(db, 1, stop, NULL);
        int rc = sql_try(db, "INSERT INTO t(t) VALUES('storage=%s')", other(now));
        sqlite3_progress_handler(db, 0, NULL, NULL);
        ck_assert_msg(rc == SQLITE_OK || rc == SQLITE_INTERRUPT, "%d: %s", rc, sqlite3_errmsg(db));
        if (!rc) {
            now = other(now);
            moved++;
        } else {
            sql_run(db, "INSERT INTO t(t) VALUES('clean')");
        }
        is_in(db, now);
        has_all(db, "interrupted");
    }
}
END_TEST

/* A page more than there is room for, one by one. */
START_TEST(test_a_full_database_leaves_it_where_it_was) {
    begin_with(modes[_i], "file");
    int64_t pages = sql_int(db, "PRAGMA page_count");
    for (int64_t more = 0;; more += 7) {
        sql_int(db, "PRAGMA max_page_count=%lld", pages + more);
        int rc = sql_try(db, "INSERT INTO t(t) VALUES('storage=inline')");
        if (!rc) break;
        ck_assert_int_eq(rc, SQLITE_FULL);
        is_in(db, "file");
        has_all(db, "full");
    }
    is_in(db, "inline");
    has_all(db, "moved");
}
END_TEST

START_TEST(test_a_table_that_has_no_blobs_moves_too) {
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t VALUES('a', 1)");
    sqlite3 *second = sql_open(path);
    ck_assert_int_eq(sql_int(second, "SELECT count(*) FROM t"), 1);
    move_to(db, "inline");
    sql_run(second, "INSERT INTO t VALUES('b', 2); INSERT INTO t(t) VALUES('flush')");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2);
    ck_assert_int_gt(sql_int(db, "SELECT count(*) FROM t_artblob"), 0);
    sql_close(second);
}
END_TEST

/* What one connection has moved there and back between two statements of another's has got another name. */
START_TEST(test_a_table_without_blobs_that_comes_back_has_its_new_name_for_all) {
    sql_run(db, "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(path, value, storage=file)", modes[_i]);
    sqlite3 *second = sql_open(path), *third;
    sqlite3_stmt *held = sql_prepare(second, "SELECT * FROM t"); /* else SQLite lets go of the handle */
    ck_assert_int_eq(sql_int(second, "SELECT count(*) FROM t"), 0);
    move_to(db, "inline");
    move_to(db, "file");
    sql_run(second, "INSERT INTO t VALUES('b', 2); INSERT INTO t(t) VALUES('flush')");
    third = sql_open(path);
    sqlite3 *all[] = {db, second, third};
    for (int i = 0; i < 3; i++) {
        char *rows = sql_rows(all[i], "SELECT path, value, art_check('t') FROM t");
        ck_assert_str_eq(rows, "b|2|ok\n");
        sqlite3_free(rows);
    }
    sqlite3_finalize(held);
    sql_close(second);
    sql_close(third);
}
END_TEST

/* A version that knows nothing of blobs in the database would look for a file, or make one. */
START_TEST(test_older_versions_are_told_that_there_is_no_file) {
    static const char format[] = "SELECT typeof(v) || v FROM t_artstate WHERE k = 'format'";
    for (int i = 0; i < 3; i++) {
        const char *storage = i == 1 ? "file" : "inline", *says = i == 1 ? "integer4\n" : "integer5\n";
        if (i) {
            move_to(db, storage);
        } else {
            sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, value, storage=%s); INSERT INTO t VALUES('a', 1)",
                    storage);
        }
        char *rows = sql_rows(db, "%s", format), *check = sql_rows(db, "SELECT art_check('t')");
        ck_assert_str_eq(rows, says);
        ck_assert_str_eq(check, "ok\n");
        sqlite3_free(rows);
        sqlite3_free(check);
    }
}
END_TEST

/* As a process leaves it that dies after its commit and before the file goes. */
START_TEST(test_a_file_that_the_table_has_left_is_left_over) {
    static const char left[] = "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'";
    char *kept = sqlite3_mprintf("%s/kept", directory);
    for (int i = 0; i < 2; i++) {
        begin_with(modes[_i], "file");
        char *file = sql_find_file(directory, ".art");
        ck_assert_int_eq(link(file, kept), 0);
        move_to(db, "inline");
        ck_assert_int_eq(rename(kept, file), 0);
        if (i) move_to(db, "file");
        ck_assert_int_eq(sql_int(db, left), 1);
        sql_run(db, "INSERT INTO t(t) VALUES('clean')");
        ck_assert_int_eq(sql_int(db, left), 0);
        ck_assert_int_ne(access(file, F_OK), 0);
        is_in(db, i ? "file" : "inline");
        has_all(db, "cleaned");
        sqlite3_free(file);
        sql_run(db, "DROP TABLE t");
        sqlite3_free(expected);
    }
    expected = NULL;
    sqlite3_free(kept);
}
END_TEST

/* A user's table of that name is not taken for ours. */
START_TEST(test_a_table_in_the_way_is_left_alone) {
    sql_run(db, "CREATE TABLE t_artblob(page INTEGER PRIMARY KEY, data BLOB); INSERT INTO t_artblob VALUES(1, 'mine')");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, value, storage=file); INSERT INTO t VALUES('a', 1)");
    sql_run(db, "BEGIN; INSERT INTO t VALUES('b', 1)");
    ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('storage=inline')"), SQLITE_ERROR);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "the table main.t_artblob is where the blobs would go (t)"));
    sql_run(db, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2);
    sql_run(db, "ALTER TABLE t RENAME TO u; DROP TABLE u");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artblob"), 1);
}
END_TEST

/* Databases whose names lead to no folder, and those without one. */
START_TEST(test_a_database_that_is_no_file_keeps_its_blobs_in_itself) {
    static const char *const names[] = {":memory:", "file:/shared?vfs=memdb", ""};
    sqlite3 *source = sql_open(names[_i]), *copy = sql_open(path);
    sql_run(source,
            "CREATE VIRTUAL TABLE t USING art; INSERT INTO t SELECT printf('%%06d', i), i FROM (WITH n(i) AS (SELECT 1 "
            "UNION ALL SELECT i + 1 FROM n LIMIT 50000) SELECT i FROM n)");
    ck_assert_int_gt(sql_int(source, "SELECT count(*) FROM t_artblob"), 0);
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", source, "main");
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    sqlite3_backup_finish(backup);
    sql_close(source);
    ck_assert_int_eq(sql_int(copy, "SELECT count(*) FROM t"), 50000);
    char *said = sql_rows(copy, "SELECT art_check('t')");
    ck_assert_str_eq(said, "ok\n");
    sqlite3_free(said);
    sql_close(copy);
}
END_TEST

/* --- in a transaction that spills --------------------------------------------------------------------------------- */

/* With a cache of SQLite's that holds it all: else a large transaction shuts readers out before its commit. */
static void begin_small(const char *mode, const char *storage) {
    sql_run(db,
            "PRAGMA journal_mode=%s; PRAGMA cache_size=-100000; CREATE VIRTUAL TABLE t USING art(path, value, n "
            "INTEGER, storage=%s, "
            "spill_limit='16KB', log_limit='4KB'); CREATE TABLE o(path TEXT PRIMARY KEY, value, n INTEGER)",
            mode, storage);
}

static void both(const char *statement) {
    for (int i = 0; i < 2; i++) {
        char *named = sql_named(statement, i ? "o" : "t");
        sql_run(db, "%s", named);
        sqlite3_free(named);
    }
}

static void insert(int from, int count) {
    char *statement = sqlite3_mprintf("REPLACE INTO @ WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                                      "SELECT printf('d%%d/%%05d', i %% 7, i), 'value ' || %d || hex(zeroblob(%d)), i "
                                      "FROM n",
                                      from, count, count, from % 5 ? 40 : 400);
    both(statement);
    sqlite3_free(statement);
}

static void same(sqlite3 *of, const char *where) {
    char *rows = sql_rows(of, "SELECT count(*), (SELECT count(*) FROM o), "
                              "(SELECT count(*) FROM (SELECT * FROM o EXCEPT SELECT * FROM t)) FROM t");
    long long art = -1, plain = -2, missing = -3;
    ck_assert_msg(sscanf(rows, "%lld|%lld|%lld", &art, &plain, &missing) == 3 && art == plain && !missing, "%s: %s",
                  where, rows);
    sqlite3_free(rows);
}

static void sound(sqlite3 *of, const char *where) {
    char *said = sql_rows(of, "SELECT art_check('t')");
    ck_assert_msg(!strcmp(said, "ok\n"), "%s: %s", where, said);
    sqlite3_free(said);
    same(of, where);
}

/* Before it spills, behind that, before and behind the command: the commit has all. */
START_TEST(test_a_transaction_that_spills_moves_the_blobs) {
    const char *from = _i % 2 ? "inline" : "file", *mode = modes[_i / 2 % 2];
    bool command_first = _i / 4 % 2, base = _i / 8;
    begin_small(mode, from);
    if (base) insert(100, 300);
    sqlite3 *second = sql_open(path);
    same(second, "before");
    sql_run(db, "BEGIN");
    if (command_first) move_to(db, other(from));
    insert(1000, 400);
    if (!command_first) move_to(db, other(from));
    same(db, "asked for");
    is_about_to_move_to(other(from));
    both("DELETE FROM @ WHERE n % 3 = 0");
    sql_run(db, "COMMIT");
    is_in(db, other(from));
    sound(db, "moved");
    sound(second, "elsewhere");
    insert(5000, 300);
    sound(second, "later");
    sql_close(second);
}
END_TEST

START_TEST(test_a_transaction_that_spills_goes_back) {
    const char *from = _i % 2 ? "inline" : "file";
    begin_small(modes[_i / 2], from);
    insert(1, 200);
    sql_run(db, "BEGIN");
    insert(1000, 300);
    move_to(db, other(from));
    sql_run(db, "ROLLBACK");
    sound(db, "rolled back");
    is_in(db, from);
    sql_run(db, "BEGIN");
    insert(1000, 300);
    sql_run(db, "SAVEPOINT s");
    move_to(db, other(from));
    insert(2000, 300);
    sql_run(db, "ROLLBACK TO s");
    is_about_to_move_to("");
    same(db, "led back");
    insert(4000, 300);
    sql_run(db, "COMMIT");
    is_in(db, from);
    sound(db, "without the move");
}
END_TEST

/* A COMMIT that has moved the blobs of a spilled transaction meets a reader. */
static sqlite3_stmt *refuse_commit(sqlite3 *second) {
    sqlite3_stmt *reader = sql_prepare(second, "SELECT name FROM sqlite_schema");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    same(db, "refused");
    return reader;
}

/* Savepoints before the first spill, behind it, and with changes in the memtable. */
static void spill_and_move(const char *storage) {
    sql_run(db, "BEGIN");
    both("INSERT INTO @ VALUES('x', 1, 1)");
    sql_run(db, "SAVEPOINT a");
    insert(1000, 300);
    sql_run(db, "SAVEPOINT b");
    insert(3000, 300);
    both("UPDATE @ SET value = 'short' WHERE path = 'x'");
    sql_run(db, "SAVEPOINT c");
    both("INSERT INTO @ VALUES('y', 2, 2)");
    move_to(db, storage);
}

/* Twice to one savepoint: what it needs is still there. The base is, too, when nothing comes of all this. */
START_TEST(test_a_spilled_commit_that_was_refused_goes_back_to_any_savepoint) {
    static const char *const savepoints[] = {"a", "b", "c"};
    const char *from = _i % 2 ? "inline" : "file", *to = savepoints[_i / 16];
    bool spills_again = _i / 2 % 2, base = _i / 4 % 2, commits = _i / 8 % 2;
    begin_small("DELETE", from);
    if (base) insert(1, 200);
    sqlite3 *second = sql_open(path);
    spill_and_move(other(from));
    sqlite3_stmt *reader = refuse_commit(second);
    if (spills_again) insert(500, 400);
    same(db, "goes on");
    for (int i = 0; i < 2; i++) {
        sql_run(db, "ROLLBACK TO %s", to);
        same(db, i ? "led back once more" : "led back");
        insert(6000, 300);
        same(db, "goes on behind it");
    }
    sqlite3_finalize(reader);
    sql_run(db, commits ? "COMMIT" : "ROLLBACK");
    sound(db, "in the end");
    sound(second, "elsewhere");
    sql_run(db, "INSERT INTO t(t) VALUES('clean')");
    if (base || commits) is_in(db, from);
    insert(9000, 200);
    sound(second, "later");
    sql_close(second);
}
END_TEST

START_TEST(test_a_spilled_commit_that_was_refused_is_tried_again) {
    const char *from = _i % 2 ? "inline" : "file";
    begin_small("DELETE", from);
    insert(1, 200);
    sqlite3 *second = sql_open(path);
    spill_and_move(other(from));
    sqlite3_finalize(refuse_commit(second));
    sql_run(db, "RELEASE a");
    if (_i / 2) insert(500, 400);
    both("DELETE FROM @ WHERE n % 5 = 0");
    same(db, "goes on");
    sql_run(db, "COMMIT");
    is_in(db, other(from));
    sound(db, "in the end");
    sound(second, "elsewhere");
    sql_close(second);
}
END_TEST

/* Any order of changes, commands, savepoints and commits, some of them refused, beside an ordinary table. */
START_TEST(test_any_history_with_moves_has_the_rows_of_an_ordinary_table) {
    static const char *const summaries[] = {"summary=(sum(n))", "summary=(max(n), lookup(value))", "summary=()"};
    uint64_t seed = random_seed() + (uint64_t)_i;
    struct random random = {seed};
    printf("storage: seed %llu\n", (unsigned long long)seed);
    unsigned moves = 0, refused = 0, lost = 0, depth = 0;
    bool open = false, was_refused = false;
    begin_small(modes[_i % 2], _i / 2 % 2 ? "inline" : "file");
    sqlite3 *second = sql_open(path);
    sqlite3_stmt *reader = sql_prepare(second, "SELECT name FROM sqlite_schema");
    for (unsigned step = random_rounds(300); step--;) {
        int rc = SQLITE_OK;
        unsigned what = random_below(&random, 20);
        if (!open) {
            sql_run(db, "BEGIN");
            open = true;
            was_refused = false;
            depth = 0;
        }
        if (what < 5) {
            insert((int)random_below(&random, 3000), 1 + (int)random_below(&random, random_below(&random, 600) + 1));
        } else if (what == 5) {
            char *statement = sqlite3_mprintf("DELETE FROM @ WHERE n %% 7 = %u", random_below(&random, 7));
            both(statement);
            sqlite3_free(statement);
        } else if (what < 8) {
            rc = sql_try(db, "INSERT INTO t(t) VALUES('storage=%s')", random_below(&random, 2) ? "inline" : "file");
            ck_assert(rc == SQLITE_OK || (rc == SQLITE_LOCKED && was_refused));
            moves++;
        } else if (what == 8) {
            sql_run(db, "INSERT INTO t(t) VALUES('%s')", summaries[random_below(&random, 3)]);
        } else if (what < 12) {
            sql_run(db, "SAVEPOINT s%u", depth++);
        } else if (what < 14 && depth) {
            depth = random_below(&random, depth);
            sql_run(db, "RELEASE s%u", depth);
        } else if (what < 17 && depth) {
            depth = 1 + random_below(&random, depth);
            sql_run(db, "ROLLBACK TO s%u", depth - 1);
        } else if (what == 17 && _i % 2) {
            bool reads = sqlite3_step(reader) == SQLITE_ROW; /* not behind another COMMIT that was refused */
            rc = sql_try(db, "COMMIT");
            ck_assert(rc == SQLITE_OK || (rc == SQLITE_BUSY && reads));
            sqlite3_reset(reader);
            refused += rc == SQLITE_BUSY;
            was_refused |= rc == SQLITE_BUSY;
            open = rc == SQLITE_BUSY;
        } else if (what >= 18) {
            sql_run(db, what == 18 ? "COMMIT" : "ROLLBACK");
            open = false;
        }
        if (was_refused && sql_try(db, "SELECT count(*) FROM t") == SQLITE_MISUSE) {
            sql_run(db, "ROLLBACK");
            open = false;
            lost++;
        }
        same(db, "the writer");
        if (!open && random_once_in(&random, 3)) sound(second, "the other connection");
    }
    if (open) sql_run(db, "COMMIT");
    sound(db, "in the end");
    sound(second, "in the end, elsewhere");
    printf("%u commands, %u refused commits, %u transactions only rolled back\n", moves, refused, lost);
    sqlite3_finalize(reader);
    sql_close(second);
}
END_TEST

int main(void) {
    if (sql_standin()) return 0;
    Suite *suite = suite_create("storage");
    TCase *tcase = tcase_create("moves");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, test_the_blobs_move_and_every_connection_follows, 0, 2);
    tcase_add_loop_test(tcase, test_a_rollback_and_a_rollback_to_take_it_back, 0, 4);
    tcase_add_loop_test(tcase, test_a_commit_that_was_refused_is_tried_again_or_taken_back, 0, 6);
    tcase_add_loop_test(tcase, test_a_move_that_is_asked_for_again_behind_a_refused_commit_is_made, 0, 2);
    tcase_add_loop_test(tcase, test_a_reader_of_an_older_snapshot_reads_on, 0, 2);
    tcase_add_loop_test(tcase, test_an_interrupt_anywhere_leaves_it_moved_or_not, 0, 2);
    tcase_add_loop_test(tcase, test_a_full_database_leaves_it_where_it_was, 0, 2);
    tcase_add_test(tcase, test_a_table_that_has_no_blobs_moves_too);
    tcase_add_loop_test(tcase, test_a_table_without_blobs_that_comes_back_has_its_new_name_for_all, 0, 2);
    tcase_add_test(tcase, test_older_versions_are_told_that_there_is_no_file);
    tcase_add_loop_test(tcase, test_a_file_that_the_table_has_left_is_left_over, 0, 2);
    tcase_add_test(tcase, test_a_table_in_the_way_is_left_alone);
    tcase_add_loop_test(tcase, test_a_database_that_is_no_file_keeps_its_blobs_in_itself, 0, 3);
    tcase_add_loop_test(tcase, test_a_transaction_that_spills_moves_the_blobs, 0, 16);
    tcase_add_loop_test(tcase, test_a_transaction_that_spills_goes_back, 0, 4);
    tcase_add_loop_test(tcase, test_a_spilled_commit_that_was_refused_goes_back_to_any_savepoint, 0, 48);
    tcase_add_loop_test(tcase, test_a_spilled_commit_that_was_refused_is_tried_again, 0, 4);
    tcase_add_loop_test(tcase, test_any_history_with_moves_has_the_rows_of_an_ordinary_table, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
