/* What the sweeps of faults (fault_sweep.h) have found, each as a test of its own. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/io_system.h"
#include "ext/art.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_expect.h"
#include "tests/support/sql_memory.h"

static char *directory, *path;
static sqlite3 *db;

static sqlite3 *open_linked(void) {
    sqlite3 *opened;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "faulty"), SQLITE_OK);
    sqlite3_extended_result_codes(opened, 1);
    ck_assert_int_eq(sqlite3_art_init(opened, &message, NULL), SQLITE_OK);
    return opened;
}

static void set_up(void) {
    directory = sql_scratch("found");
    path = sqlite3_mprintf("%s/f.db", directory);
    db = open_linked();
    sql_run(db, "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art(io=pwrite)");
}

static void tear_down(void) {
    io_fault_nothing();
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

static void reopen(void) {
    sql_close(db);
    db = open_linked();
}

static const char add_and_flush[] =
    "BEGIN; INSERT OR REPLACE INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush'); COMMIT";
static const char poisoned[] = "an earlier sync failed";

/* The first change of a connection makes temp.art_txn; SQLite takes back whatever its ROLLBACK undoes of a schema by
 * letting go of all handles of all virtual tables. */
START_TEST(test_a_failed_sync_is_remembered_when_sqlite_lets_go_of_the_handle) {
    sql_run(db, add_and_flush);
    reopen();
    io_fault("fdatasync", 1, 1, EIO, 0);
    sql_refused(db, SQLITE_IOERR, "cannot make writes durable", add_and_flush);
    io_fault_nothing();
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    sql_refused(db, SQLITE_IOERR, poisoned, add_and_flush);
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    sql_run(db, "BEGIN; CREATE TABLE x(y); ROLLBACK");
    sql_refused(db, SQLITE_IOERR, poisoned, add_and_flush);
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    sql_run(db, "INSERT INTO t VALUES('b', 2)"); /* the log is SQLite's, and sound */
    sql_expect(db, "a|1\nb|2\n", "SELECT path, value FROM t");
    sqlite3 *other = open_linked();
    sql_run(other, add_and_flush);
    sql_expect(other, "a|1\nb|2\n", "SELECT path, value FROM t");
    sql_close(other);
    sql_refused(db, SQLITE_IOERR, poisoned, add_and_flush);
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    reopen();
    sql_run(db, add_and_flush);
    sql_expect(db, "ok\n", "SELECT art_check('t')");
}
END_TEST

/* SQLite may put another database's handle where the one before it was. */
START_TEST(test_a_failed_sync_is_remembered_of_its_own_database_only) {
    char *copies = sqlite3_mprintf("%s/copies", directory), *copy = sqlite3_mprintf("%s/f.db", copies);
    ck_assert_int_eq(mkdir(copies, 0755), 0);
    sql_run(db, add_and_flush);
    sql_close(db);
    char *file = sql_find_file(directory, ".art"), *file_copy = sqlite3_mprintf("%s%s", copies, strrchr(file, '/'));
    sql_copy_file(path, copy);
    sql_copy_file(file, file_copy);
    db = NULL;
    sqlite3 *empty;
    ck_assert_int_eq(sqlite3_open(":memory:", &empty), SQLITE_OK);
    char *message = NULL;
    ck_assert_int_eq(sqlite3_art_init(empty, &message, NULL), SQLITE_OK);
    static const char flush[] =
        "BEGIN; INSERT OR REPLACE INTO x.t VALUES('b', 2); INSERT INTO x.t(t) VALUES('flush'); COMMIT";
    for (int i = 0; i < 10; i++) {
        sql_run(empty, "ATTACH %Q AS x", path);
        io_fault("fdatasync", 1, 1, EIO, 0);
        sql_try(empty, flush);
        io_fault_nothing();
        if (!sqlite3_get_autocommit(empty)) sql_run(empty, "ROLLBACK");
        sql_run(empty, "DETACH x; ATTACH %Q AS x", copy);
        sql_run(empty, flush);
        sql_expect(empty, "a|1\nb|2\n", "SELECT path, value FROM x.t");
        sql_run(empty, "DETACH x");
    }
    sql_close(empty);
    reopen();
    sql_expect(db, "a|1|ok\n", "SELECT path, value, art_check('t') FROM t");
    sql_scratch_remove(copies);
    sqlite3_free(copies);
    sqlite3_free(copy);
    sqlite3_free(file);
    sqlite3_free(file_copy);
}
END_TEST

START_TEST(test_a_dropped_table_that_could_not_be_synced_is_gone_for_good) {
    sql_run(db, add_and_flush);
    io_fault("fdatasync", 1, 1, EIO, 0);
    sql_refused(db, SQLITE_IOERR, "cannot make writes durable", add_and_flush);
    io_fault_nothing();
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    sql_run(db, "DROP TABLE t");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(io=pwrite)");
    sql_run(db, add_and_flush); /* another table, another file */
}
END_TEST

/* An empty file says nobody's name, so that 'clean' would leave it there for ever. */
START_TEST(test_a_file_that_came_to_nothing_is_removed) {
    static const struct {
        const char *call;
        unsigned nth;
        int error;
    } faults[] = {{"lock", 1, EIO},  {"fstat", 2, EIO},  {"fstat", 3, EIO},     {"stat", 2, EACCES},
                  {"stat", 3, EIO},  {"pwrite", 1, EIO}, {"pwrite", 1, ENOSPC}, {"fdatasync", 1, EIO},
                  {"fsync", 1, EIO}, {"open", 3, EMFILE}};
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        io_fault(faults[i].call, faults[i].nth, UINT_MAX, faults[i].error, 0);
        int rc = sql_try(db, "BEGIN; CREATE VIRTUAL TABLE u USING art(io=pwrite); INSERT INTO u VALUES('a', 1);"
                             "INSERT INTO u(u) VALUES('flush'); COMMIT");
        ck_assert_uint_gt(io_faults_given(), 0);
        io_fault_nothing();
        ck_assert_msg(rc != SQLITE_OK, "%s %u did no harm", faults[i].call, faults[i].nth);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
        char *file = sql_find_file(directory, ".art");
        ck_assert_msg(!file, "%s %u left %s", faults[i].call, faults[i].nth, file);
        reopen();
    }
}
END_TEST

static char *in_the_way, *made;

/* Between the making of the file and its lock somebody puts another in its place. */
static int replace_and_lock(int fd, int type) {
    art_system_reset();
    ck_assert_int_eq(rename(in_the_way, made), 0);
    return art_system.lock(fd, type);
}

START_TEST(test_a_file_that_took_the_place_of_a_new_one_is_not_removed) {
    char *name = sql_rows(db, "SELECT v FROM t_state WHERE k = 'file'");
    made = sqlite3_mprintf("%s/%.*s", directory, (int)strcspn(name, "\n"), name);
    in_the_way = sqlite3_mprintf("%s/somebodys", directory);
    FILE *file = fopen(in_the_way, "w");
    ck_assert_int_gt(fprintf(file, "not an .art file"), 0);
    ck_assert_int_eq(fclose(file), 0);
    art_system.lock = replace_and_lock;
    sql_run(db, add_and_flush); /* under another name */
    ck_assert_int_ne(access(in_the_way, F_OK), 0);
    char text[32] = "";
    file = fopen(made, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    ck_assert_str_eq(text, "not an .art file");
    ck_assert_int_eq(fclose(file), 0);
    reopen();
    sql_expect(db, "a|1|ok\n", "SELECT path, value, art_check('t') FROM t");
    sqlite3_free(name);
    sqlite3_free(made);
    sqlite3_free(in_the_way);
}
END_TEST

/* Its owner page would name no database, and DROP and 'clean' would take it for another one's. */
START_TEST(test_an_art_file_is_not_made_while_the_database_cannot_be_looked_at) {
    io_fault("stat", 1, 1, EIO, 0);
    sql_refused(db, SQLITE_IOERR, "cannot look at the file", add_and_flush);
    io_fault_nothing();
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
    sql_run(db, add_and_flush);
    sql_run(db, "DROP TABLE t");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
}
END_TEST

/* Of three savepoints the youngest had its image on disk, the next one's could not be written, the oldest was still a
 * place in an undo list that was gone: ROLLBACK TO went there by way of the other one. */
START_TEST(test_a_spill_that_fails_midway_can_be_rolled_back_to_any_savepoint) {
    sql_run(db, "INSERT INTO t(t) VALUES('spill_limit=32KB')");
    sql_run(db, add_and_flush);
    unsigned struck = 0;
    for (unsigned nth = 1; nth < 12; nth++) {
        sql_run(db, "BEGIN");
        for (int i = 0; i < 5; i++) {
            sql_run(db, "SAVEPOINT s%d; INSERT OR REPLACE INTO t VALUES('s/%d', zeroblob(3000))", i, i);
        }
        io_fault("pwrite", nth, 1, ENOSPC, 0);
        int rc = sql_try(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) "
                             "SELECT 'n/' || i, zeroblob(100) FROM n");
        struck += io_faults_given();
        io_fault_nothing();
        for (int i = 4; i >= 0 && !sqlite3_get_autocommit(db); i--) {
            sql_run(db, "ROLLBACK TO s%d", i);
            sql_try(db, "INSERT INTO t VALUES('more', 1)");
        }
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
        (void)rc;
        sql_expect(db, "a|1\n", "SELECT path, value FROM t");
        sql_expect(db, "ok\n", "SELECT art_check('t')");
    }
    ck_assert_uint_gt(struck, 4);
}
END_TEST

/* A ring keeps its file, and with it the lock, for some time after it was closed. */
START_TEST(test_a_lock_that_could_not_be_given_up_at_once_is_given_up_then) {
    sql_run(db, add_and_flush);
    for (unsigned times = 1; times < 3; times++) {
        io_fault("lock", 2, times, EBADF, 0);
        sql_run(db, add_and_flush);
        ck_assert_uint_eq(io_faults_given(), times);
        io_fault_nothing();
        sqlite3 *other = open_linked();
        sql_run(other, add_and_flush);
        sql_close(other);
    }
    io_fault("lock", 2, UINT_MAX, EBADF, 0);
    sql_run(db, add_and_flush);
    io_fault_nothing();
    reopen();
    sqlite3 *other = open_linked();
    sql_run(other, add_and_flush);
    sql_close(other);
}
END_TEST

/* Lets the nth call of the VFS that is described so fail. */
static void fail_file(const char *what, unsigned nth) {
    const struct fault_source *files = &faulty_vfs_calls;
    for (unsigned kind = 0; kind < files->kinds; kind++) {
        for (unsigned error = 0; error < files->errors(kind); error++) {
            if (strcmp(files->describe(kind, error), what)) continue;
            files->arm(kind, error, nth, false);
            return;
        }
    }
    ck_abort_msg("there is no %s", what);
}

/* SQLite calls it rolled back, and whoever opens the database next finds the table. */
START_TEST(test_the_file_of_a_new_table_stays_when_its_commit_failed_and_was_made_all_the_same) {
    char outcome[40];
    snprintf(outcome, sizeof outcome, "xDelete: %d, but done", SQLITE_IOERR_DELETE);
    sql_run(db, "PRAGMA journal_mode=DELETE");
    fail_file(outcome, 1);
    int rc = sql_try(db, "BEGIN; CREATE VIRTUAL TABLE u USING art(io=pwrite); INSERT INTO u VALUES('a', 1);"
                         "INSERT INTO u(u) VALUES('flush'); COMMIT");
    ck_assert_uint_eq(faulty_vfs_calls.disarm(), 1);
    ck_assert_int_eq(rc, SQLITE_IOERR_DELETE);
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    reopen();
    if (sql_int(db, "SELECT count(*) FROM sqlite_master WHERE name = 'u'")) {
        sql_expect(db, "a|1\n", "SELECT path, value FROM u");
        sql_run(db, "INSERT INTO t(t) VALUES('clean')");
        sql_expect(db, "ok\n", "SELECT art_check('u')");
    } else {
        sql_run(db, "INSERT INTO t(t) VALUES('clean')");
        ck_assert_ptr_null(sql_find_file(directory, ".art"));
    }
}
END_TEST

/* SQLite ends a transaction in which a statement of ours cannot be read: DROP then went on outside of it. */
START_TEST(test_a_drop_that_cannot_read_its_table_fails_with_the_transaction) {
    char outcome[40];
    snprintf(outcome, sizeof outcome, "xRead: %d", SQLITE_IOERR_READ);
    sql_run(db, "CREATE TABLE plain(x)");
    unsigned struck = 0;
    for (unsigned nth = 1; nth < 8; nth++) {
        reopen();
        sql_run(db, "PRAGMA cache_size=1; BEGIN; INSERT INTO plain VALUES(1)");
        fail_file(outcome, nth);
        int rc = sql_try(db, "DROP TABLE t");
        unsigned failed = faulty_vfs_calls.disarm();
        struck += failed;
        if (failed) ck_assert_int_ne(rc, SQLITE_OK);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
        sql_expect(db, "0\n", "SELECT count(*) FROM plain");
        sql_expect(db, "0\n", "SELECT count(*) FROM t");
    }
    ck_assert_uint_gt(struck, 0);
}
END_TEST

/* SQLite wants a statement's savepoint back also where opening it failed; what nobody had noted was taken for the
 * transaction's beginning. */
START_TEST(test_a_savepoint_without_memory_takes_nothing_else_back) {
    enum { SAVEPOINTS = 12, ALLOCATIONS = 60 };
    unsigned kept = 0;
    sql_run(db,
            "CREATE TABLE plain(path TEXT PRIMARY KEY, value) WITHOUT ROWID; INSERT INTO t VALUES('a', ''), ('b', '')");
    for (unsigned i = 0; i < SAVEPOINTS * ALLOCATIONS; i++) {
        sql_run(db, "BEGIN");
        for (unsigned s = 0; s < i % SAVEPOINTS; s++) sql_run(db, "SAVEPOINT s%u", s);
        sql_run(db, "INSERT OR REPLACE INTO t VALUES('first', %u); INSERT OR REPLACE INTO plain VALUES('first', %u)", i,
                i);
        sql_memory_faults.arm(0, 0, 1 + i / SAVEPOINTS, false);
        sqlite3_exec(db, "UPDATE t SET value = value || 'x' WHERE path < 'c'", NULL, NULL, NULL);
        unsigned struck = sql_memory_faults.disarm();
        kept += struck && !sqlite3_get_autocommit(db);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "COMMIT");
        char *expected = sql_rows(db, "SELECT value FROM plain");
        sql_expect(db, expected, "SELECT value FROM t WHERE path = 'first'");
        sqlite3_free(expected);
    }
    ck_assert_uint_gt(kept, 5);
}
END_TEST

/* A ring lets go of its registered file, and the file of its lock, only some time after it was closed. */
START_TEST(test_a_lock_that_could_not_be_given_up_goes_with_its_connection) {
    sql_run(
        db,
        "CREATE VIRTUAL TABLE r USING art(io=uring); INSERT INTO r VALUES('a', 1); INSERT INTO r(r) VALUES('flush')");
    for (int i = 0; i < 30; i++) {
        reopen();
        io_fault("lock", 2, UINT_MAX, ENOLCK, 0);
        sql_run(db, "BEGIN; INSERT OR REPLACE INTO r VALUES('a', %d); INSERT INTO r(r) VALUES('flush'); COMMIT", i);
        sql_close(db);
        ck_assert_uint_gt(io_faults_given(), 0);
        io_fault_nothing();
        db = open_linked();
        sql_run(db, "INSERT OR REPLACE INTO r VALUES('b', %d); INSERT INTO r(r) VALUES('flush')", i);
    }
    sql_expect(db, "ok\n", "SELECT art_check('r')");
}
END_TEST

/* readdir() says the same at the end and where it fails, but for errno. */
START_TEST(test_a_folder_that_cannot_be_read_to_its_end_is_not_taken_for_read) {
    static const char *const statements[] = {"INSERT INTO t(t) VALUES('clean')",
                                             "SELECT count(*) FROM art_info('t') WHERE property = 'leftover file'"};
    sql_run(db, add_and_flush);
    for (unsigned nth = 1; nth < 4; nth++) {
        for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
            io_fault("readdir", nth, 1, EIO, 0);
            sql_refused(db, SQLITE_IOERR, "cannot list the database's folder", statements[i]);
            ck_assert_uint_eq(io_faults_given(), 1);
            io_fault_nothing();
        }
    }
    sql_run(db, add_and_flush);
}
END_TEST

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    Suite *suite = suite_create("faults found");
    TCase *tests = tcase_create("faults found");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_a_failed_sync_is_remembered_when_sqlite_lets_go_of_the_handle);
    tcase_add_test(tests, test_a_failed_sync_is_remembered_of_its_own_database_only);
    tcase_add_test(tests, test_a_dropped_table_that_could_not_be_synced_is_gone_for_good);
    tcase_add_test(tests, test_a_file_that_came_to_nothing_is_removed);
    tcase_add_test(tests, test_a_file_that_took_the_place_of_a_new_one_is_not_removed);
    tcase_add_test(tests, test_an_art_file_is_not_made_while_the_database_cannot_be_looked_at);
    tcase_add_test(tests, test_a_spill_that_fails_midway_can_be_rolled_back_to_any_savepoint);
    tcase_add_test(tests, test_a_lock_that_could_not_be_given_up_at_once_is_given_up_then);
    tcase_add_test(tests, test_the_file_of_a_new_table_stays_when_its_commit_failed_and_was_made_all_the_same);
    tcase_add_test(tests, test_a_drop_that_cannot_read_its_table_fails_with_the_transaction);
    tcase_add_test(tests, test_a_savepoint_without_memory_takes_nothing_else_back);
    tcase_add_test(tests, test_a_lock_that_could_not_be_given_up_goes_with_its_connection);
    tcase_add_test(tests, test_a_folder_that_cannot_be_read_to_its_end_is_not_taken_for_read);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
