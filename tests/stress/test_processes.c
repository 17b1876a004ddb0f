/* What one process may do to another: hold locks, die in a read, fork with an open connection.
 *
 *   locks      a COMMIT whose flush was merely due goes on without it while another holds the .art file; one that
 *              cannot wait is BUSY, may be tried again, and waits as long as the busy timeout says
 *   death      a reader that dies lets go of its snapshot: the -wal begins anew, slots are used again
 *   fork       the child is refused whatever it asks of an inherited connection, and takes nothing from its parent: no
 *              lock, no transaction, no slot
 *
 * The child of a fork may not end its parent's transaction, not even by closing (SQLite's own rule: it would undo it in
 * files that both share), so a child closes only what is at rest.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/spills.h"
#include "tests/support/sql_one.h"

static const char *const journals[] = {"WAL", "DELETE"};
enum { JOURNALS = 2 };

static void fill(int from, int rows) {
    sql_run(db,
            "INSERT OR REPLACE INTO t(path, value) WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('d%%d/%%05d', i %% 7, i), randomblob(200) FROM n",
            from, rows);
}

static void make_table(const char *journal, const char *options) {
    sql_set_up_closed();
    db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=%s; CREATE TABLE m(n)", journal);
    sql_create(db, "t", options);
    fill(0, 500);
    sql_command(db, "main", "t", "flush");
}

static int64_t runs(void) {
    return sql_info(db, "runs");
}

/* ---- the lock on the .art file ----------------------------------------------------------------------------------- */

static int lock_file(int type) {
    char *file = kept(sql_find_file(directory, ".art"));
    struct flock range = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    int fd = open(file, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    if (!fcntl(fd, F_OFD_SETLK, &range)) return fd;
    close(fd);
    return -1;
}

/* Seen from a descriptor of its own. */
static bool file_is_locked(void) {
    int fd = lock_file(F_WRLCK);
    if (fd >= 0) close(fd);
    return fd < 0;
}

LOOP_TEST(test_a_flush_that_is_merely_due_waits_for_another_commit, JOURNALS) {
    if (sql_has_no_file("test_a_flush_that_is_merely_due_waits_for_another_commit")) return;
    make_table(journals[_i], "log_limit='16KB'");
    int64_t before = runs();
    int fd = lock_file(F_WRLCK);
    fill(1000, 150); /* more than the log limit, less than four times as much */
    ck_assert_int_eq(sqlite3_errcode(db), SQLITE_OK);
    ck_assert_int_eq(runs(), before);
    sql_expect(db, "650\n", "SELECT count(*) FROM t");
    close(fd);
    fill(2000, 1);
    ck_assert_int_gt(runs(), before);
    sql_expect(db, "651|ok\n", "SELECT count(*), art_check('t') FROM t");
}

LOOP_TEST(test_a_commit_that_needs_the_file_is_busy_until_it_is_free, JOURNALS) {
    if (sql_has_no_file("test_a_commit_that_needs_the_file_is_busy_until_it_is_free")) return;
    make_table(journals[_i], "");
    int fd = lock_file(F_WRLCK);
    sql_run(db, "BEGIN; INSERT INTO m VALUES(1); INSERT INTO t(path, value) VALUES('x', 'y'); INSERT INTO t(t) "
                "VALUES('flush')");
    for (int i = 0; i < 3; i++) sql_refused(db, SQLITE_BUSY, "another connection is writing", "COMMIT");
    ck_assert(!sqlite3_get_autocommit(db));
    sql_expect(db, "y\n", "SELECT value FROM t WHERE path = 'x'");
    close(fd);
    sql_run(db, "COMMIT");
    sql_expect(db, "501|1|ok\n", "SELECT count(*), (SELECT n FROM m), art_check('t') FROM t");
    /* An autocommit statement is rolled back, whole. */
    fd = lock_file(F_WRLCK);
    sql_refused(db, SQLITE_BUSY, "another connection is writing", "INSERT INTO t(t) VALUES('optimize')");
    sql_refused(db, SQLITE_BUSY, "another connection is writing",
                "INSERT INTO t(path, value) VALUES('large', zeroblob(3000000))"); /* does not go through the log */
    ck_assert(sqlite3_get_autocommit(db));
    close(fd);
    sql_expect(db, "501|0|ok\n", "SELECT count(*), sum(path = 'large'), art_check('t') FROM t");
    sql_run(db, "INSERT INTO t(path, value) VALUES('large', zeroblob(3000000))");
}

/* SQLite before 3.53.2 forgets at recovery what was committed behind a ROLLBACK TO over pages that were flushed twice.
 * The COMMIT that was refused had flushed them for one table when it met the other one's lock; and of the outer
 * savepoint neither has heard, since the inner one was there when they were first written. */
TEST(test_a_rollback_over_what_a_refused_commit_flushed_leaves_nothing_to_commit) {
    if (sql_has_no_file("test_a_rollback_over_what_a_refused_commit_flushed_leaves_nothing_to_commit")) return;
    make_table("WAL", "");
    int fd = lock_file(F_WRLCK); /* t's, which is asked behind the younger u */
    sql_create(db, "u", "");
    sql_run(db, "INSERT INTO u(path) VALUES('u'); INSERT INTO u(u) VALUES('flush')");
    sql_run(db, "BEGIN; SAVEPOINT outer_one; SAVEPOINT inner_one; INSERT INTO t(path) VALUES('x');"
                "INSERT INTO u(path) VALUES('x'); RELEASE inner_one;"
                "INSERT INTO t(t) VALUES('flush'); INSERT INTO u(u) VALUES('flush')");
    sql_refused(db, SQLITE_BUSY, "another connection is writing", "COMMIT");
    close(fd);
    sql_run(db, "ROLLBACK TO outer_one; INSERT INTO m VALUES(1)");
    if (!spills_well()) {
        sql_refused(db, SQLITE_IOERR, "may have lost", "COMMIT");
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
        sql_run(db, "INSERT INTO m VALUES(1)");
    } else {
        sql_run(db, "COMMIT");
    }
    sql_expect(
        db, "500|1|1|ok|ok\n",
        "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u), count(*), art_check('t'), art_check('u') FROM m");
}

/* In a child, which lets go after a while. */
static pid_t hold_for(unsigned microseconds) {
    int ends[2];
    char ready = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = apart_begin();
    if (child == 0) {
        int fd = lock_file(F_WRLCK);
        if (fd < 0 || write(ends[1], "x", 1) != 1) _exit(1);
        usleep(microseconds);
        _exit(0);
    }
    ck_assert_int_eq(read(ends[0], &ready, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return child;
}

LOOP_TEST(test_a_commit_waits_as_long_as_the_busy_timeout_says, JOURNALS) {
    if (sql_has_no_file("test_a_commit_waits_as_long_as_the_busy_timeout_says")) return;
    make_table(journals[_i], "");
    sqlite3_busy_timeout(db, 60000);
    pid_t child = hold_for(200000);
    sql_run(db, "BEGIN; INSERT INTO t(path, value) VALUES('x', 'y'); INSERT INTO t(t) VALUES('flush'); COMMIT");
    ck_assert_int_eq(apart_end(child), 0);
    sql_expect(db, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
    /* And not longer: a lock that is held for ever refuses the write. */
    sqlite3_busy_timeout(db, 50);
    int fd = lock_file(F_WRLCK);
    sql_refused(db, SQLITE_BUSY, "another connection is writing", "INSERT INTO t(t) VALUES('optimize')");
    close(fd);
}

LOOP_TEST(test_a_spill_that_meets_the_lock_leaves_the_transaction_usable, JOURNALS) {
    if (sql_has_no_file("test_a_spill_that_meets_the_lock_leaves_the_transaction_usable")) return;
    make_table(journals[_i], "spill_limit='64KB'");
    int fd = lock_file(F_WRLCK);
    sql_run(db, "BEGIN; INSERT INTO m VALUES(1); INSERT INTO t(path) VALUES('before')");
    sql_refused(db, SQLITE_BUSY, "another connection is writing",
                "INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                "SELECT 'spill/' || i, randomblob(100) FROM n");
    ck_assert(!sqlite3_get_autocommit(db));
    close(fd);
    sql_run(db, "INSERT INTO t(path) VALUES('behind'); COMMIT");
    sql_expect(db, "before\nbehind\n", "SELECT path FROM t WHERE value IS NULL");
    sql_expect(db, "502|1|ok\n", "SELECT count(*), (SELECT n FROM m), art_check('t') FROM t");
}

/* A killed process may still have writes under way in the kernel, and its lock as long as these: the next process
 * finds the file locked although nobody lives who could have. Here a descriptor that outlives its
 * opener plays the part. */
LOOP_TEST(test_the_lock_of_a_dead_process_counts, JOURNALS) {
    if (sql_has_no_file("test_the_lock_of_a_dead_process_counts")) return;
    int ends[2];
    make_table(journals[_i], "");
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = apart_begin();
    if (child == 0) {
        int fd = lock_file(F_WRLCK);
        if (fork() == 0) { /* keeps the lock after its parent's death; ends when the pipe does */
            char nothing;
            close(ends[1]);
            _exit(read(ends[0], &nothing, 1) == 0 && fd >= 0 ? 0 : 1);
        }
        raise(SIGKILL);
    }
    close(ends[0]);
    ck_assert_int_eq(apart_signal(child), SIGKILL);
    sql_refused(db, SQLITE_BUSY, "another connection is writing", "INSERT INTO t(t) VALUES('optimize')");
    close(ends[1]);
    sqlite3_busy_timeout(db, 60000);
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    sql_expect(db, "500|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* ---- a reader that dies ------------------------------------------------------------------------------------------ */

/* A program of its own (run as this one is: .ci/test), since SQLite does not like to be inherited; it comes back when
 * it stands in the middle of t. */
static pid_t start_reader(void) {
    int ends[2];
    char ready = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = apart_begin();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        char self[PATH_MAX] = {0};
        if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) _exit(1);
        execl("/bin/sh", "sh", "-c", "exec $ART_TEST_UNDER \"$0\" \"$1\"", self, path, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &ready, 1), 1);
    close(ends[0]);
    return child;
}

static int read_until_killed(const char *of) {
    sqlite3 *reader = sql_open(of);
    sql_run(reader, "BEGIN");
    sqlite3_stmt *rows = sql_prepare(reader, "SELECT path, value FROM t");
    for (int i = 0; i < 20; i++) {
        if (sqlite3_step(rows) != SQLITE_ROW) return 1;
    }
    if (write(STDOUT_FILENO, "x", 1) != 1) return 1;
    for (;;) pause();
}

static void bury(pid_t child) {
    int status;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int64_t file_size(void) {
    return sql_file_size(directory, ".art");
}

/* Rewrites the whole table, so that all its slots change. */
static void write_all(int times) {
    for (int i = 0; i < times; i++) {
        sql_run(db, "UPDATE t SET value = randomblob(200); INSERT INTO t(t) VALUES('optimize')");
        sql_try(db, "PRAGMA wal_checkpoint(RESTART)");
    }
}

TEST(test_a_reader_that_dies_lets_go_of_its_snapshot) {
    if (sql_has_no_file("test_a_reader_that_dies_lets_go_of_its_snapshot")) return;
    make_table("WAL", "");
    write_all(6);
    int64_t settled = file_size();
    write_all(6);
    ck_assert_int_le(file_size(), settled); /* slots are used again */
    pid_t reader = start_reader();
    write_all(6);
    ck_assert_int_gt(file_size(), settled); /* not while somebody stands on them */
    bury(reader);
    int64_t held = file_size();
    write_all(6);
    ck_assert_int_le(file_size(), held);
    sql_expect(db, "500|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_expect(db, "0|0|0\n", "PRAGMA wal_checkpoint(TRUNCATE)");
}

TEST(test_a_reader_that_dies_lets_a_writer_commit) {
    make_table("DELETE", "");
    pid_t reader = start_reader();
    sql_run(db, "BEGIN; INSERT INTO t(path) VALUES('x'); INSERT INTO t(t) VALUES('flush')");
    sql_refused(db, SQLITE_BUSY, "locked", "COMMIT");
    bury(reader);
    sql_run(db, "COMMIT");
    sql_expect(db, "501|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* ---- fork -------------------------------------------------------------------------------------------------------- */

static bool is_refused(const char *statement) {
    int rc = sql_try(db, "%s", statement) & 0xff;
    if (rc == SQLITE_MISUSE && strstr(sqlite3_errmsg(db), "fork")) return true;
    fprintf(stderr, "%s: %s (%d)\n", statement, sqlite3_errmsg(db), rc);
    return false;
}

/* What a child may try. 0: all of it was refused. */
static int try_all(bool at_rest) {
    static const char *const statements[] = {
        "SELECT count(*) FROM t",
        "SELECT value FROM t WHERE path = 'd0/00000'",
        "SELECT * FROM t WHERE path GLOB 'd1/*'",
        "SELECT art_count('t', '')",
        "SELECT path FROM t('', '/')",
        "INSERT INTO t(path) VALUES('child')",
        "UPDATE t SET value = 'child'",
        "DELETE FROM t",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!is_refused(statements[i])) return 2;
    }
    if (at_rest && sqlite3_close(db) != SQLITE_OK) return 3;
    return 0;
}

static void let_a_child_try_all(bool at_rest) {
    pid_t child = apart_begin();
    if (child == 0) _exit(try_all(at_rest));
    ck_assert_int_eq(apart_end(child), 0);
}

LOOP_TEST(test_a_child_takes_nothing_from_a_connection_at_rest, JOURNALS) {
    make_table(journals[_i], "");
    sqlite3 *other = sql_open(path);
    let_a_child_try_all(true);
    fill(5000, 10);
    sql_command(db, "main", "t", "flush");
    sql_expect(other, "510|0|ok\n", "SELECT count(*), sum(path = 'child'), art_check('t') FROM t");
    sql_close(other);
}

LOOP_TEST(test_a_child_takes_nothing_from_a_transaction_that_has_spilled, JOURNALS) {
    make_table(journals[_i], "spill_limit='64KB'");
    sql_run(db, "BEGIN; INSERT INTO m VALUES(1)");
    fill(5000, 2000);
    ck_assert(sql_inline() || file_is_locked());
    let_a_child_try_all(false);
    ck_assert(sql_inline() || file_is_locked()); /* the child's end has not released it */
    fill(8000, 500);
    sql_run(db, "COMMIT");
    ck_assert(sql_inline() || !file_is_locked());
    sqlite3 *other = sql_open(path);
    sql_expect(other, "3000|0|1|ok\n",
               "SELECT count(*), sum(path = 'child'), (SELECT n FROM m), art_check('t') FROM t");
    sql_close(other);
}

LOOP_TEST(test_an_open_scan_goes_on_in_the_parent_alone, JOURNALS) {
    int rows = 0;
    make_table(journals[_i], "");
    sqlite3_stmt *scan = sql_prepare(db, "SELECT path, value FROM t");
    while (rows < 100 && sqlite3_step(scan) == SQLITE_ROW) rows++;
    pid_t child = apart_begin();
    if (child == 0) {
        int rc;
        while ((rc = sqlite3_step(scan)) == SQLITE_ROW) {
        }
        _exit((rc & 0xff) == SQLITE_MISUSE && strstr(sqlite3_errmsg(db), "fork") ? 0 : 1);
    }
    ck_assert_int_eq(apart_end(child), 0);
    while (sqlite3_step(scan) == SQLITE_ROW) rows++;
    sqlite3_finalize(scan);
    ck_assert_int_eq(rows, 500);
}

int main(int count, char **words) {
    if (count > 1) return read_until_killed(words[1]);
    return suite_run("processes", .seconds = 120, .tear_down = sql_tear_down);
}
