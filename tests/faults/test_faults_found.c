/* What the sweeps of faults (fault_sweep.h) have found, each as a test of its own. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/linux/io_system.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"
#include "tests/support/sql_one.h"

static void set_up(void) {
    sql_ways("pwrite", NULL);
    sql_set_up_closed();
    db = sql_memory_open(path, "faulty");
    sql_run(db, "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art");
}

static void tear_down(void) {
    io_fault_nothing();
    sql_tear_down();
}

static void reopen(void) {
    sql_close(db);
    db = sql_memory_open(path, "faulty");
}

static void roll_back(void) {
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
}

static const char add_and_flush[] =
    "BEGIN; INSERT OR REPLACE INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush'); COMMIT";

static void flush_is_refused(const char *words) {
    sql_refused(db, SQLITE_IOERR, words, add_and_flush);
    io_fault_nothing();
    roll_back();
}

static void flush_fails_at(const char *call, const char *words) {
    io_fault(call, 1, 1, EIO, 0);
    flush_is_refused(words);
}

static const char poisoned[] = "an earlier sync failed";

/* The first change of a connection makes temp.art_txn; SQLite takes back whatever its ROLLBACK undoes of a schema by
 * letting go of all handles of all virtual tables. */
TEST(test_a_failed_sync_is_remembered_when_sqlite_lets_go_of_the_handle) {
    sql_run(db, add_and_flush);
    reopen();
    flush_fails_at("fdatasync", "cannot make writes durable");
    flush_is_refused(poisoned);
    sql_run(db, "BEGIN; CREATE TABLE x(y); ROLLBACK");
    flush_is_refused(poisoned);
    sql_run(db, "INSERT INTO t VALUES('b', 2)"); /* the log is SQLite's, and sound */
    sql_expect(db, "a|1\nb|2\n", "SELECT path, value FROM t");
    sqlite3 *other = sql_memory_open(path, "faulty");
    sql_run(other, add_and_flush);
    sql_expect(other, "a|1\nb|2\n", "SELECT path, value FROM t");
    sql_close(other);
    flush_is_refused(poisoned);
    reopen();
    sql_run(db, add_and_flush);
    sql_expect(db, "ok\n", "SELECT art_check('t')");
}

/* SQLite may put another database's handle where the one before it was. */
TEST(test_a_failed_sync_is_remembered_of_its_own_database_only) {
    char *copies = TEXT("%s/copies", directory), *copy = TEXT("%s/a.db", copies);
    ck_assert_int_eq(mkdir(copies, 0755), 0);
    sql_run(db, add_and_flush);
    sql_close(db);
    char *file = kept(sql_find_file(directory, ".art")), *file_copy = TEXT("%s%s", copies, strrchr(file, '/'));
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
}

TEST(test_a_dropped_table_that_could_not_be_synced_is_gone_for_good) {
    sql_run(db, add_and_flush);
    flush_fails_at("fdatasync", "cannot make writes durable");
    sql_run(db, "DROP TABLE t");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
    sql_run(db, "CREATE VIRTUAL TABLE t USING art");
    sql_run(db, add_and_flush); /* another table, another file */
}

/* An empty file says nobody's name, so that 'clean' would leave it there for ever. */
TEST(test_a_file_that_came_to_nothing_is_removed) {
    static const struct {
        const char *call;
        unsigned nth;
        int error;
    } faults[] = {{"lock", 1, EIO},  {"fstat", 2, EIO},  {"fstat", 3, EIO},     {"stat", 2, EACCES},
                  {"stat", 3, EIO},  {"pwrite", 1, EIO}, {"pwrite", 1, ENOSPC}, {"fdatasync", 1, EIO},
                  {"fsync", 1, EIO}, {"open", 3, EMFILE}};
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        io_fault(faults[i].call, faults[i].nth, UINT_MAX, faults[i].error, 0);
        int rc = sql_try(db, "BEGIN; CREATE VIRTUAL TABLE u USING art; INSERT INTO u VALUES('a', 1);"
                             "INSERT INTO u(u) VALUES('flush'); COMMIT");
        ck_assert_uint_gt(io_faults_given(), 0);
        io_fault_nothing();
        ck_assert_msg(rc != SQLITE_OK, "%s %u did no harm", faults[i].call, faults[i].nth);
        roll_back();
        char *file = sql_find_file(directory, ".art");
        ck_assert_msg(!file, "%s %u left %s", faults[i].call, faults[i].nth, file);
        reopen();
    }
}

static char *in_the_way, *made;

/* Between the making of the file and its lock somebody puts another in its place. */
static int replace_and_lock(int fd, int type) {
    art_system_reset();
    ck_assert_int_eq(rename(in_the_way, made), 0);
    return art_system.lock(fd, type);
}

TEST(test_a_file_that_took_the_place_of_a_new_one_is_not_removed) {
    char *name = kept(sql_rows(db, "SELECT v FROM t_artstate WHERE k = 'file'"));
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
    sqlite3_free(made);
    sqlite3_free(in_the_way);
}

static sqlite3 *faster;
static int (*lock_there)(int fd, int type);

/* A copy finds the file that was made here, and has the lock of it first. */
static int lock_after_a_copy(int fd, int type) {
    if (type == F_WRLCK && faster) {
        sqlite3 *other = faster;
        faster = NULL;
        sql_run(other,
                "BEGIN; INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
                "SELECT 'yours/' || i, zeroblob(100) FROM n"); /* spills */
    }
    return lock_there(fd, type);
}

TEST(test_a_file_that_a_copy_took_while_it_was_made_is_the_copys) {
    char *copy = TEXT("%s/copy.db", directory);
    sql_close(db);
    sql_copy_file(path, copy);
    db = sql_memory_open(path, "faulty");
    sqlite3 *other = faster = sql_memory_open(copy, "faulty");
    sql_run(other, "INSERT INTO t(t) VALUES('spill_limit=4KB')");
    sql_run(db, "INSERT INTO t(path) VALUES('mine')");
    lock_there = art_system.lock;
    art_system.lock = lock_after_a_copy;
    sql_run(db, "INSERT INTO t(t) VALUES('flush')");
    art_system.lock = lock_there;
    ck_assert_ptr_null(faster);
    sql_run(other, "COMMIT");
    sql_close(other);
    sql_expect(db, "1|ok\n", "SELECT count(*), art_check('t') FROM t");
    other = sql_memory_open(copy, "faulty");
    sql_expect(other, "500|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(other);
}

/* Its owner page would name no database, and DROP and 'clean' would take it for another one's. */
TEST(test_an_art_file_is_not_made_while_the_database_cannot_be_looked_at) {
    flush_fails_at("stat", "cannot look at the file");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
    sql_run(db, add_and_flush);
    sql_run(db, "DROP TABLE t");
    ck_assert_ptr_null(sql_find_file(directory, ".art"));
}

/* Of three savepoints the youngest had its memtable on disk, that of the next could not be written, the oldest was
 * still a place in an undo list that was gone: ROLLBACK TO went there by way of the other one. */
TEST(test_a_spill_that_fails_midway_can_be_rolled_back_to_any_savepoint) {
    sql_run(db, "INSERT INTO t(t) VALUES('spill_limit=32KB')");
    sql_run(db, add_and_flush);
    unsigned struck = 0;
    for (unsigned nth = 1; nth < 12; nth++) {
        sql_run(db, "BEGIN");
        for (int i = 0; i < 5; i++) {
            sql_run(db, "SAVEPOINT s%d; INSERT OR REPLACE INTO t VALUES('s/%d', zeroblob(3000))", i, i);
        }
        io_fault("pwrite", nth, 1, ENOSPC, 0);
        sql_try(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) "
                    "SELECT 'n/' || i, zeroblob(100) FROM n");
        struck += io_faults_given();
        io_fault_nothing();
        for (int i = 4; i >= 0 && !sqlite3_get_autocommit(db); i--) {
            sql_run(db, "ROLLBACK TO s%d", i);
            sql_try(db, "INSERT INTO t VALUES('more', 1)");
        }
        roll_back();
        sql_expect(db, "a|1\n", "SELECT path, value FROM t");
        sql_expect(db, "ok\n", "SELECT art_check('t')");
    }
    ck_assert_uint_gt(struck, 4);
}

static void another_flushes(void) {
    sqlite3 *other = sql_memory_open(path, "faulty");
    sql_run(other, add_and_flush);
    sql_close(other);
}

/* A ring keeps its file, and with it the lock, for some time after it was closed. */
TEST(test_a_lock_that_could_not_be_given_up_at_once_is_given_up_then) {
    sql_run(db, add_and_flush);
    for (unsigned times = 1; times < 3; times++) {
        io_fault("lock", 2, times, EBADF, 0);
        sql_run(db, add_and_flush);
        ck_assert_uint_eq(io_faults_given(), times);
        io_fault_nothing();
        another_flushes();
    }
    io_fault("lock", 2, UINT_MAX, EBADF, 0);
    sql_run(db, add_and_flush);
    io_fault_nothing();
    reopen();
    another_flushes();
}

/* As SQLite waits for its own locks; where nobody may ask for how long, not at all. */
TEST(test_a_writer_lock_is_waited_for_as_long_as_the_busy_timeout_says) {
    sql_run(db, add_and_flush);
    sql_run(db, "PRAGMA busy_timeout=60000");
    io_fault("lock", 1, 14, EAGAIN, 0);
    sql_run(db, add_and_flush);
    ck_assert_uint_eq(io_faults_given(), 14);
    sql_run(db, "PRAGMA busy_timeout=20");
    io_fault("lock", 1, UINT_MAX, EAGAIN, 0);
    sql_refused(db, SQLITE_BUSY, "", add_and_flush);
    unsigned waited = io_faults_given();
    ck_assert_uint_gt(waited, 2);
    ck_assert_uint_lt(waited, 14);
    roll_back();
    sql_run(db, "PRAGMA busy_timeout=60000");
    int answers[] = {SQLITE_DENY, SQLITE_IGNORE};
    for (unsigned i = 0; i < 2; i++) {
        sql_forbid(db, answers[i], SQLITE_PRAGMA, "busy_timeout", NULL);
        io_fault("lock", 1, UINT_MAX, EAGAIN, 0);
        sql_refused(db, SQLITE_BUSY, "", add_and_flush);
        ck_assert_uint_le(io_faults_given(), 2);
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
        roll_back();
    }
    io_fault_nothing();
    sql_run(db, add_and_flush);
}

/* Lets the nth call of the VFS fail so; `how`: how much of it is done, as faulty_vfs.c describes it. */
static void fail_file(const char *call, int code, const char *how, unsigned nth) {
    const struct fault_source *files = &faulty_vfs_calls;
    const char *what = TEXT("%s: %d%s", call, code, how);
    for (unsigned kind = 0; kind < files->kinds; kind++) {
        for (unsigned error = 0; error < files->errors(kind); error++) {
            if (strcmp(files->describe(kind, error), what)) continue;
            fault_arm(files, kind, error, nth, false);
            return;
        }
    }
    ck_abort_msg("there is no %s", what);
}

/* SQLite calls it rolled back, and the next connection finds the table. */
TEST(test_the_file_of_a_new_table_stays_when_its_commit_failed_and_was_made_all_the_same) {
    sql_run(db, "PRAGMA journal_mode=DELETE");
    fail_file("xDelete", SQLITE_IOERR_DELETE, ", but done", 1);
    int rc = sql_try(db, "BEGIN; CREATE VIRTUAL TABLE u USING art; INSERT INTO u VALUES('a', 1);"
                         "INSERT INTO u(u) VALUES('flush'); COMMIT");
    ck_assert_uint_eq(fault_disarm(&faulty_vfs_calls), 1);
    ck_assert_int_eq(rc, SQLITE_IOERR_DELETE);
    roll_back();
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

/* SQLite ends a transaction in which a statement of ours cannot be read: DROP then went on outside of it. */
TEST(test_a_drop_that_cannot_read_its_table_fails_with_the_transaction) {
    sql_run(db, "CREATE TABLE plain(x)");
    unsigned struck = 0;
    for (unsigned nth = 1; nth < 8; nth++) {
        reopen();
        sql_run(db, "PRAGMA cache_size=1; BEGIN; INSERT INTO plain VALUES(1)");
        fail_file("xRead", SQLITE_IOERR_READ, "", nth);
        int rc = sql_try(db, "DROP TABLE t");
        unsigned failed = fault_disarm(&faulty_vfs_calls);
        struck += failed;
        if (failed) ck_assert_int_ne(rc, SQLITE_OK);
        roll_back();
        sql_expect(db, "0\n", "SELECT count(*) FROM plain");
        sql_expect(db, "0\n", "SELECT count(*) FROM t");
    }
    ck_assert_uint_gt(struck, 0);
}

/* SQLite wants a statement's savepoint back also where opening it failed; what nobody had noted was taken for the
 * transaction's beginning. */
TEST(test_a_savepoint_without_memory_takes_nothing_else_back) {
    enum { SAVEPOINTS = 12, ALLOCATIONS = 60 };
    unsigned kept = 0;
    sql_run(db,
            "CREATE TABLE plain(path TEXT PRIMARY KEY, value) WITHOUT ROWID; INSERT INTO t VALUES('a', ''), ('b', '')");
    for (unsigned i = 0; i < SAVEPOINTS * ALLOCATIONS; i++) {
        sql_run(db, "BEGIN");
        for (unsigned s = 0; s < i % SAVEPOINTS; s++) sql_run(db, "SAVEPOINT s%u", s);
        sql_run(db, "INSERT OR REPLACE INTO t VALUES('first', %u); INSERT OR REPLACE INTO plain VALUES('first', %u)", i,
                i);
        fault_arm(&sql_memory_faults, 0, 0, 1 + i / SAVEPOINTS, false);
        sqlite3_exec(db, "UPDATE t SET value = value || 'x' WHERE path < 'c'", NULL, NULL, NULL);
        unsigned struck = fault_disarm(&sql_memory_faults);
        kept += struck && !sqlite3_get_autocommit(db);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "COMMIT");
        char *expected = sql_rows(db, "SELECT value FROM plain");
        sql_expect(db, expected, "SELECT value FROM t WHERE path = 'first'");
        sqlite3_free(expected);
    }
    ck_assert_uint_gt(kept, 5);
}

/* A ring lets go of its registered file, and the file of its lock, only some time after it was closed. */
TEST(test_a_lock_that_could_not_be_given_up_goes_with_its_connection) {
    sql_ways(NULL, NULL);
    sql_run(db, "CREATE VIRTUAL TABLE r USING art; INSERT INTO r VALUES('a', 1); INSERT INTO r(r) VALUES('flush')");
    for (int i = 0; i < 30; i++) {
        reopen();
        io_fault("lock", 2, UINT_MAX, ENOLCK, 0);
        sql_run(db, "BEGIN; INSERT OR REPLACE INTO r VALUES('a', %d); INSERT INTO r(r) VALUES('flush'); COMMIT", i);
        sql_close(db);
        ck_assert_uint_gt(io_faults_given(), 0);
        io_fault_nothing();
        db = sql_memory_open(path, "faulty");
        sql_run(db, "INSERT OR REPLACE INTO r VALUES('b', %d); INSERT INTO r(r) VALUES('flush')", i);
    }
    sql_expect(db, "ok\n", "SELECT art_check('r')");
}

/* readdir() says the same at the end and where it fails, but for errno. */
TEST(test_a_folder_that_cannot_be_read_to_its_end_is_not_taken_for_read) {
    static const char *const statements[] = {"INSERT INTO t(t) VALUES('clean')",
                                             "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'"};
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

/* For want of memory or disk SQLite rolls the transaction back under a statement of ours, and with it the table's name,
 * for which all its statements are prepared. */
TEST(test_a_table_renamed_in_a_transaction_outlives_a_rollback_under_its_own_statement) {
    sql_run(db, "PRAGMA journal_mode=DELETE; INSERT INTO t(t) VALUES('spill_limit=32KB')");
    sql_run(db, add_and_flush);
    unsigned struck = 0;
    for (unsigned nth = 1; nth < 8; nth++) {
        sql_run(db, "BEGIN; INSERT INTO t VALUES('before', 1); ALTER TABLE t RENAME TO r");
        fail_file("xWrite", SQLITE_IOERR_WRITE, "", nth);
        int rc = sql_try(db, "INSERT INTO r WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) "
                             "SELECT 'n/' || i, zeroblob(100) FROM n");
        unsigned failed = fault_disarm(&faulty_vfs_calls);
        struck += failed;
        if (failed) ck_assert_int_ne(rc, SQLITE_OK);
        roll_back();
        sql_expect(db, "a|1\n", "SELECT path, value FROM t");
        sql_run(db, "INSERT INTO t VALUES('b', 2); DELETE FROM t WHERE path = 'b'");
    }
    ck_assert_uint_gt(struck, 0);
    sql_expect(db, "ok\n", "SELECT art_check('t')");
}

/* After a change of the schema that is taken back there SQLite lets go of all handles: of the one, too, that nobody but
 * the function knows to be in use. It may know its table or not yet, and have rows to read that another connection
 * wrote. */
LOOP_TEST(test_a_function_s_table_outlives_a_rollback_under_its_statements, 12) {
    static const char *const calls[] = {"SELECT art_check('t')", "SELECT * FROM art_check('t')",
                                        "SELECT count(*) FROM art_info('t')", "SELECT art_count('t', '')"};
    enum { KNOWN_AND_CHANGED, KNOWN_AND_BEHIND, UNKNOWN };
    unsigned way = (unsigned)_i / 4;
    const char *call = calls[_i % 4];
    bool more = true;
    unsigned rolled_back = 0;
    sql_run(db, add_and_flush);
    sqlite3 *other = sql_memory_open(path, "faulty");
    io_fault_skip_syncs();
    for (unsigned nth = 1; more; nth++) {
        if (way != UNKNOWN) sql_run(db, "SELECT count(*) FROM t");
        if (way == KNOWN_AND_BEHIND) sql_run(other, add_and_flush);
        sql_run(db, "BEGIN");
        if (way == KNOWN_AND_CHANGED) sql_run(db, "INSERT INTO t VALUES('c', 3)");
        sql_run(db, "CREATE TABLE x(y)");
        int rc = sql_memory_try(db, call, nth, false, &more);
        rolled_back += sqlite3_get_autocommit(db) != 0;
        if (!more) ck_assert_int_eq(rc, SQLITE_OK);
        roll_back();
    }
    ck_assert_uint_gt(rolled_back, 0);
    sql_expect(db, "a|ok\n", "SELECT path, art_check('t') FROM t");
    sql_close(other);
}

/* Commits the same to an ordinary table and to the art table while a call fails. True: it failed, and is there. */
static bool commit_under(const struct fault_source *source, unsigned kind, unsigned error, unsigned nth) {
    sql_run(db, "INSERT OR REPLACE INTO t VALUES('b', 0); INSERT OR REPLACE INTO plain VALUES('b', 0)");
    sql_run(db, "BEGIN; INSERT OR REPLACE INTO t VALUES('b', %u); INSERT OR REPLACE INTO plain VALUES('b', %u)", nth,
            nth);
    fault_arm(source, kind, error, nth, false);
    int rc = sql_try(db, "COMMIT");
    fault_disarm(source);
    roll_back();
    int64_t plain = sql_int(db, "SELECT value FROM plain"), art = sql_int(db, "SELECT value FROM t WHERE path = 'b'");
    ck_assert_msg(plain == art, "%s %u (%d): %lld in the ordinary table, %lld in t", fault_text(source, kind, error),
                  nth, rc, (long long)plain, (long long)art);
    return rc && plain;
}

/* Its frames may be in the WAL, its journal may be gone: then this connection, too, finds it in the ordinary table. */
LOOP_TEST(test_a_commit_that_failed_is_there_in_both_tables_or_in_none, 2) {
    enum { NTH = 6 };
    const struct fault_source *files = &faulty_vfs_calls;
    bool wal = _i == 0, points = sql_fault_points_there();
    unsigned there = 0;
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=FULL; CREATE TABLE plain(path PRIMARY KEY, value)",
            wal ? "WAL" : "DELETE");
    sql_run(db, add_and_flush);
    io_fault_skip_syncs();
    for (unsigned kind = 0; kind < files->kinds; kind++) {
        for (unsigned error = 0; error < files->errors(kind); error++) {
            for (unsigned nth = 1; nth < NTH; nth++) there += commit_under(files, kind, error, nth);
        }
    }
    for (unsigned nth = 1; nth < NTH; nth++) there += commit_under(&sql_fault_points, 0, 0, nth);
    if (wal && !points) {
        printf("skipped: this SQLite has no fault points, and no call of its files fails a COMMIT that is there\n");
    } else {
        ck_assert_uint_gt(there, 0);
    }
    sql_expect(db, "ok\n", "SELECT art_check('t')");
}

/* A copy that no database has claimed: 'clean' looks at everything there is, and leaves it. */
static void leave_a_file(void) {
    sql_run(db, "CREATE VIRTUAL TABLE u USING art; INSERT INTO u VALUES('a', 1); INSERT INTO u(u) VALUES('flush')");
    char *name = sql_rows(db, "SELECT value FROM art_info('u') WHERE property = 'file'");
    name[strlen(name) - 1] = 0;
    char *kept = sqlite3_mprintf("%s.kept", name);
    sql_copy_file(name, kept);
    sql_run(db, "DROP TABLE u");
    ck_assert_int_eq(rename(kept, name), 0);
    sqlite3_free(name);
    sqlite3_free(kept);
}

/* All that runs statements of its own, in a transaction that has changed names and the schema before, and takes that
 * back. */
LOOP_TEST(test_every_statement_of_ours_may_take_the_transaction_back, 8) {
    static const char *const statements[] = {"INSERT INTO r(r) VALUES('clean')",
                                             "INSERT INTO r(r) VALUES('add column more')",
                                             "INSERT INTO r(r) VALUES('cache=2MB')",
                                             "INSERT INTO r(r) VALUES('integrity-check')",
                                             "ALTER TABLE r RENAME TO q",
                                             "DROP TABLE r",
                                             "CREATE VIRTUAL TABLE w USING art(path, size INTEGER)",
                                             "INSERT INTO r(r) VALUES('clean'), ('flush'); COMMIT"};
    const char *statement = statements[_i];
    sql_run(db, "PRAGMA journal_mode=DELETE");
    sql_run(db, add_and_flush);
    leave_a_file();
    io_fault_skip_syncs();
    bool more = true;
    unsigned rolled_back = 0;
    for (unsigned nth = 1; more; nth += nth < 20 ? 1 : 9) {
        sql_run(db, "BEGIN; INSERT INTO t VALUES('b', 1); ALTER TABLE t RENAME TO r");
        int rc = sql_memory_try(db, statement, nth, false, &more);
        if (!more) ck_assert_int_eq(rc, SQLITE_OK);
        rolled_back += rc && sqlite3_get_autocommit(db);
        if (!sqlite3_get_autocommit(db)) {
            sql_run(db, "ROLLBACK");
        } else if (!rc) {
            sql_run(db, "DELETE FROM r WHERE path = 'b'; ALTER TABLE r RENAME TO t");
        }
        sql_expect(db, "a|1\n", "SELECT path, value FROM t");
    }
    ck_assert_msg(rolled_back > 0, "%s: never was anything rolled back", statement);
}

TEST(test_a_new_table_without_memory_for_an_option_stores_no_empty_one) {
    bool more = true;
    unsigned made = 0;
    for (unsigned nth = 1; more; nth++) {
        int rc = sql_memory_try(db, "CREATE VIRTUAL TABLE u USING art(cache='3MB')", nth, false, &more);
        made += !rc;
        if (rc) {
            sql_expect(db, "0\n", "SELECT count(*) FROM sqlite_master WHERE name GLOB 'u*'");
            continue;
        }
        sql_expect(db, "0|4\n",
                   "SELECT sum(v IS NULL OR v = ''), sum(k IN ('cache', 'format', 'id', 'log_limit')) "
                   "FROM u_artstate");
        sql_run(db, "INSERT INTO u VALUES('a', 1); DROP TABLE u");
    }
    ck_assert_uint_gt(made, 0);
}

/* What was not there yet must not be given up. */
TEST(test_the_check_without_memory_gives_up_no_more_than_it_has) {
    bool more = true;
    sql_run(db, add_and_flush);
    sql_run(db, "BEGIN; INSERT INTO t VALUES('big', zeroblob(3000000)); INSERT INTO t(t) VALUES('flush'); COMMIT");
    for (unsigned nth = 1; more; nth += random_stride()) {
        int rc = sql_memory_try(db, "SELECT art_check('t')", nth, false, &more);
        if (!more) ck_assert_int_eq(rc, SQLITE_OK);
    }
    sql_expect(db, "ok\n", "SELECT art_check('t')");
}

static const char fill_u[] =
    "CREATE VIRTUAL TABLE u USING art; INSERT INTO u(path, value) WITH n(i) AS (SELECT 1 UNION "
    "ALL SELECT i + 1 FROM n LIMIT 300) SELECT 'u' || i, 0 FROM n; INSERT INTO u(u) VALUES('flush')";

/* SQLite commits, and then says that there was no memory, where a statement of ours had found none before or behind
 * that. */
LOOP_TEST(test_a_commit_that_found_no_memory_has_not_happened, 10) {
    static const char *const changes[] = {"DROP TABLE u", "UPDATE u SET value = 1; INSERT INTO u(u) VALUES('flush')",
                                          "UPDATE u SET value = 1 WHERE path = 'u7'",
                                          "UPDATE u SET value = 1; INSERT INTO u(u) VALUES('optimize')"};
    enum { CHANGES = sizeof changes / sizeof *changes };
    static const char state[] = "SELECT (SELECT count(*) FROM sqlite_master), (SELECT max(value) FROM u)";
    const char *change = changes[_i % CHANGES];
    unsigned refused = 0;
    io_fault_skip_syncs();
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", _i < CHANGES ? "WAL" : "DELETE");
    sql_run(db, fill_u);
    char *before = kept(sql_rows(db, state));
    bool more = true;
    for (unsigned nth = 1; more; nth += random_stride()) {
        reopen();
        sql_run(db, "PRAGMA synchronous=OFF; BEGIN IMMEDIATE; %s", change);
        int rc = sql_memory_try(db, "COMMIT", nth, false, &more);
        roll_back();
        if (rc) {
            sql_expect(db, before, state);
            refused++;
        } else if (more) { /* done without that memory: the next try begins as this one did */
            sql_run(db, "DROP TABLE IF EXISTS u");
            sql_run(db, fill_u);
        }
    }
    ck_assert_msg(refused > 0, "%s: nothing was ever refused", change);
}

/* Whether there is a T_artblob is asked of SQLite, which may have no memory to answer: that is no "no". */
LOOP_TEST(test_no_memory_does_not_leave_the_table_of_blobs_behind, 2) {
    static const char *const changes[] = {"DROP TABLE u", "ALTER TABLE u RENAME TO w"};
    static const char rows[] = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'u_%'",
                      named[] = "SELECT coalesce(group_concat(name, ' '), 'none') FROM (SELECT name FROM sqlite_master "
                                "WHERE name LIKE 'u%' OR name LIKE 'w%' ORDER BY name)";
    bool more = true, gone = true;
    unsigned done = 0;
    for (unsigned nth = 1; more; nth += random_stride()) {
        if (gone)
            sql_run(db,
                    "CREATE VIRTUAL TABLE u USING art(storage=inline, log_limit='2KB'); INSERT INTO u VALUES('a', 1)");
        reopen();
        sql_expect(db, "3\n", rows);
        int rc = sql_memory_try(db, changes[_i], nth, false, &more);
        gone = !rc;
        if (!gone) continue;
        sql_expect(db, _i ? "w w_artblob w_artdata w_artstate\n" : "none\n", named);
        done += more;
        sql_run(db, "DROP TABLE IF EXISTS w");
    }
    printf("%s: done without %u of its allocations\n", changes[_i], done);
}

/* The name between the quotes was taken for an empty one. */
LOOP_TEST(test_salvage_without_memory_does_not_look_for_a_table_without_a_name, 2) {
    bool more = true;
    for (unsigned nth = 1; more; nth += random_stride()) {
        reopen();
        int rc = sql_memory_try(db, "CREATE VIRTUAL TABLE temp.s USING art_salvage('t')", nth, _i, &more);
        ck_assert_msg(!rc || !strstr(sqlite3_errmsg(db), "no art table"), "allocation %u: %s", nth, sqlite3_errmsg(db));
    }
}

/* --- a disk that is full ------------------------------------------------------------------------------------------ */

static off_t room_for; /* bytes of a file */
static unsigned refused_writes;
static ssize_t (*write_there)(int fd, const void *data, size_t len, off_t offset);

static ssize_t write_where_there_is_room(int fd, const void *data, size_t len, off_t offset) {
    if (offset + (off_t)len <= room_for) return write_there(fd, data, len, offset);
    refused_writes++;
    errno = ENOSPC;
    return -1;
}

static int64_t fact_of_v(const char *property) {
    return sql_int(db, "SELECT value FROM art_debug('v') WHERE property = '%s'", property);
}

/* Nobody tells how much room there is, so it is learned, and no flush takes what a merge would need: with room for one
 * slot more deletes lead to room before the last row is gone, and with more room sooner. */
LOOP_TEST(test_a_disk_that_is_full_without_a_word_is_left_by_deletes_and_vacuum, 3) {
    enum { SLOT = 512 << 10, DIRECTORIES = 7 };
    static const struct {
        unsigned slots, deleted; /* directories, until there is room */
    } cases[] = {{1, 6}, {3, 5}, {6, 1}};
    sql_run(db, "PRAGMA journal_mode=DELETE;"
                "CREATE VIRTUAL TABLE v USING art(path, value, log_limit='256KB');"
                "INSERT INTO v WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) "
                "SELECT printf('d%%02d/%%06d', i %% 7, i), printf('v%%048d', i * 7919) FROM n;"
                "SELECT art_vacuum('v'); DELETE FROM v WHERE path GLOB 'd06/00*'");
    off_t first = sql_file_size(directory, ".art");
    room_for = first + (off_t)cases[_i].slots * SLOT;
    refused_writes = 0;
    write_there = art_system.pwrite;
    art_system.pwrite = write_where_there_is_room;
    sql_expect(db, "done\n", "SELECT art_vacuum('v')");
    ck_assert_uint_gt(refused_writes, 0);
    unsigned deleted = 0;
    while (fact_of_v("log rows") && deleted < DIRECTORIES) {
        sql_run(db, "DELETE FROM v WHERE path GLOB 'd%02u/*'", deleted++);
        sql_expect(db, "done\n", "SELECT art_vacuum('v')");
    }
    art_system.pwrite = write_there;
    ck_assert_uint_le(deleted, cases[_i].deleted);
    sql_expect(db, "1|0\n",
               "SELECT sum(value) FILTER (WHERE property = 'runs'), sum(value) FILTER (WHERE property = "
               "'free slots') FROM art_debug('v')");
    ck_assert_int_lt(sql_file_size(directory, ".art"), first);
    sql_expect(db, "ok\n", "SELECT art_check('v')");
}

/* --- zeros in the system's page cache ----------------------------------------------------------------------------- */

/* What was written and not synced: a file system that lets go of it, or cuts it off, need not write it any more. */
enum { UNSYNCED_MAX = 4096 };
static struct { off_t from, end; } unsynced[UNSYNCED_MAX];
static int unsynced_count, given_back, lost_zeros;
static struct art_system_calls system_calls;

static ssize_t note_write(int fd, const void *data, size_t len, off_t offset) {
    ck_assert_int_lt(unsynced_count, UNSYNCED_MAX);
    unsynced[unsynced_count].from = offset;
    unsynced[unsynced_count++].end = offset + (off_t)len;
    return system_calls.pwrite(fd, data, len, offset);
}

static int note_sync(int fd) {
    unsynced_count = 0;
    return system_calls.fdatasync(fd);
}

static void look_for_zeros(off_t from, off_t end) {
    given_back++;
    for (int i = 0; i < unsynced_count; i++) lost_zeros += unsynced[i].from < end && from < unsynced[i].end;
}

static int note_punch(int fd, off_t offset, off_t len) {
    look_for_zeros(offset, offset + len);
    return system_calls.punch(fd, offset, len);
}

static int note_cut(int fd, off_t length) {
    look_for_zeros(length, INT64_MAX);
    return system_calls.ftruncate(fd, length);
}

/* Direct I/O has brought them to the device. */
TEST(test_zeros_reach_the_disk_before_their_place_is_given_back) {
    sql_ways("pwrite", "off");
    sql_run(db, "PRAGMA secure_delete=ON;"
                "CREATE VIRTUAL TABLE v USING art(path, value);"
                "INSERT INTO v WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 8000) "
                "SELECT printf('d%%02d/%%06d', i %% 7, i), randomblob(400) FROM n;"
                "INSERT INTO v(v) VALUES('optimize'); DELETE FROM v WHERE path GLOB '*[02468]'");
    system_calls = art_system;
    art_system.pwrite = note_write;
    art_system.fdatasync = note_sync;
    art_system.punch = note_punch;
    art_system.ftruncate = note_cut;
    sql_run(db, "INSERT INTO v(v) VALUES('optimize'); PRAGMA wal_checkpoint(TRUNCATE); SELECT art_vacuum('v')");
    art_system = system_calls;
    ck_assert_int_gt(given_back, 2);
    ck_assert_int_eq(lost_zeros, 0);
    sql_expect(db, "4000|ok\n", "SELECT count(*), art_check('v') FROM v");
}

/* --- vacuum ------------------------------------------------------------------------------------------------------- */

static int interrupt_once(void *times) {
    if (--*(int *)times == 0) sqlite3_interrupt(db);
    return 0;
}

/* Each of its statements is refused in turn; what is refused is said, and the user's setting of cache_spill stays. */
TEST(test_a_statement_of_vacuum_that_is_refused_is_its_error) {
    static const struct {
        int action;
        const char *first, *second;
        const char *spills; /* behind it */
    } statements[] = {{SQLITE_PRAGMA, "cache_spill", "ON", "0\n"},
                      {SQLITE_INSERT, "t", NULL, "0\n"},
                      {SQLITE_PRAGMA, "cache_spill", "OFF", NULL}};
    sql_run(db, "INSERT INTO t(path) VALUES('a'); INSERT INTO t(t) VALUES('flush')");
    for (unsigned i = 0; i < sizeof statements / sizeof *statements; i++) {
        sql_run(db, "PRAGMA cache_spill=OFF");
        sql_forbid(db, SQLITE_DENY, statements[i].action, statements[i].first, statements[i].second);
        sql_refused(db, SQLITE_AUTH, "not authorized", "SELECT art_vacuum('t')");
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
        if (statements[i].spills) sql_expect(db, statements[i].spills, "PRAGMA cache_spill");
    }
    sql_run(db, "PRAGMA cache_spill=OFF");
    sql_expect(db, "done\n", "SELECT art_vacuum('t')");
    sql_expect(db, "0\n", "PRAGMA cache_spill");
}

TEST(test_an_interrupted_vacuum_leaves_cache_spill_as_it_was) {
    unsigned interrupted = 0;
    sql_run(db, "PRAGMA cache_spill=OFF; INSERT INTO t(path) VALUES('a'); INSERT INTO t(t) VALUES('flush')");
    for (int times, after = 1, rc = SQLITE_INTERRUPT; rc; after++) {
        times = after;
        sqlite3_progress_handler(db, 1, interrupt_once, &times);
        rc = sql_try(db, "SELECT art_vacuum('t')");
        sqlite3_progress_handler(db, 0, NULL, NULL);
        interrupted += rc != 0;
        ck_assert_msg(!rc || rc == SQLITE_INTERRUPT, "%d: %s", rc, sqlite3_errmsg(db));
        sql_expect(db, "0\n", "PRAGMA cache_spill");
    }
    ck_assert_uint_gt(interrupted, 2);
}

CASE("adopt", .seconds = 120, .set_up = set_up, .tear_down = tear_down)

/* 'adopt' was over without an error though the .art file still had the root of commits that the database has lost. */
TEST(test_adopt_without_memory_is_no_success_while_the_file_tells_of_lost_commits) {
    char *before = TEXT("%s/before", directory);
    unsigned failed = 0;
    sql_run(db, add_and_flush);
    sql_close(db);
    sql_copy_file(path, before);
    io_fault_skip_syncs();
    for (unsigned nth = 1, struck = 1; struck; nth++) {
        db = sql_memory_open(path, "faulty");
        sql_run(db, add_and_flush);
        sql_close(db);
        sql_copy_file(before, path);
        db = sql_memory_open(path, "faulty");
        sql_expect(db, "1\n", "SELECT art_check('t') LIKE '%1 commit behind its .art file%'");
        fault_arm(&sql_memory_faults, 0, 0, nth, false);
        int rc = sqlite3_exec(db, "INSERT INTO t(t) VALUES('adopt')", NULL, NULL, NULL);
        struck = fault_disarm(&sql_memory_faults);
        failed += rc != SQLITE_OK;
        if (!rc) sql_expect(db, "ok\n", "SELECT art_check('t')");
        sql_close(db);
    }
    ck_assert_uint_gt(failed, 0);
    db = sql_memory_open(path, "faulty");
}

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    return suite_run("faults found", .seconds = 120, .set_up = set_up, .tear_down = tear_down);
}
