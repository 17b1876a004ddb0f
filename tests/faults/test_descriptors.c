/* The descriptors of a process that has art tables open: which ones they are, and what happens when there are few. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sql.h"
#include "tests/support/suite.h"

static char *directory, *path;

static void set_up(void) {
    directory = sql_scratch("descriptors");
    path = sqlite3_mprintf("%s/t.db", directory);
}

static void tear_down(void) {
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

/* What the work returns, in a process of its own; 0 is what is expected. */
static int in_child(int (*work)(void)) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) _exit(work());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void load(sqlite3 *db, const char *table, int rows) {
    sql_run(db,
            "INSERT INTO \"%w\" WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('%%06d', i), printf('%%0200d', i) FROM n",
            table, rows);
    sql_command(db, "main", table, "flush");
}

/* ---- 0, 1 and 2 -------------------------------------------------------------------------------------------------- */

/* Lines for a stderr that was closed. Is there anything but nothing, and what SQLite fills such places up with? Direct
 * I/O refuses the line, but a table may be without it. */
static bool write_to_standard(void) {
    static const char warning[] = "warning: this goes to stderr\n";
    bool taken = false;
    for (int fd = 0; fd <= 2; fd++) {
        char name[32], target[512] = "";
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        taken |= readlink(name, target, sizeof target - 1) > 0 && strcmp(target, "/dev/null");
        taken |= write(fd, warning, sizeof warning - 1) >= 0;
    }
    return taken;
}

static void close_standard(void) {
    for (int fd = 0; fd <= 2; fd++) close(fd);
}

/* What art opens while 0, 1 and 2 are free: files, folders, rings, and the file of a transaction that spills. SQLite has
 * its own open by then: whatever it opens later it moves, too, and fills the three up. */
static int load_without_standard(void) {
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    sql_create(db, "t", "spill_limit=100000");
    sqlite3 *other = sql_open(path);
    sql_run(other, "SELECT count(*) FROM t");
    close_standard();
    load(db, "t", 5000);
    if (write_to_standard()) return 1;
    sql_run(other, "SELECT sum(length(value)) FROM t");
    if (write_to_standard()) return 2;
    sql_run(db,
            "BEGIN; SAVEPOINT a; UPDATE t SET value = 'x' || value; SAVEPOINT b; DELETE FROM t WHERE path < '000100'; "
            "ROLLBACK TO b; ROLLBACK TO a; INSERT INTO t VALUES('zz', 'last')");
    if (write_to_standard()) return 3;
    sql_run(db, "COMMIT");
    sql_command(other, "main", "t", "optimize");
    if (write_to_standard()) return 4;
    sql_close(other);
    sql_close(db);
    return 0;
}

START_TEST(test_what_a_program_writes_to_its_closed_stderr_never_meets_a_table) {
    ck_assert_int_eq(in_child(load_without_standard), 0);
    sqlite3 *db = sql_open(path);
    char *rows = sql_rows(db, "SELECT art_check('t'), count(*), sum(length(value)) FROM t");
    ck_assert_str_eq(rows, "ok|5001|1000004\n");
    sqlite3_free(rows);
    sql_close(db);
}
END_TEST

/* ---- too few ----------------------------------------------------------------------------------------------------- */

static void limit_files(rlim_t most) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) _exit(90);
    limit.rlim_cur = most;
    if (setrlimit(RLIMIT_NOFILE, &limit)) _exit(91);
}

static int lowest_free(void) {
    int fd = open("/dev/null", O_RDONLY);
    close(fd);
    return fd;
}

/* The limit lets `spare` more be opened: somewhere on the way of the first flush there is one too few. Then it is raised,
 * and the same connection flushes. */
static int flush_with_few(int spare, bool *failed) {
    sqlite3 *db = sql_open(":memory:");
    char *name = sqlite3_mprintf("%s/%d.db", directory, spare);
    sql_run(db, "ATTACH '%q' AS a; PRAGMA a.journal_mode=WAL; CREATE VIRTUAL TABLE a.t USING art(storage=file)", name);
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    limit_files((rlim_t)lowest_free() + (rlim_t)spare);
    *failed = sql_try(db, "INSERT INTO t(t) VALUES('flush')") != SQLITE_OK;
    if (*failed && !strstr(sqlite3_errmsg(db), "raise the limit of open files")) {
        printf("%d more: %s\n", spare, sqlite3_errmsg(db));
        return 1;
    }
    limit_files(1000);
    if (sql_try(db, "INSERT INTO t VALUES('b', 2); INSERT INTO t(t) VALUES('flush')")) {
        printf("%d more: %s\n", spare, sqlite3_errmsg(db));
        return 2;
    }
    if (sql_int(db, "SELECT count(*) FROM t") != 2) return 3;
    sql_close(db);
    sqlite3_free(name);
    return 0;
}

static int flush_with_fewer_and_fewer(void) {
    bool failed = true;
    int refused = 0;
    if (sql_inline()) return 0;
    for (int spare = 0; failed; spare++) {
        int code = flush_with_few(spare, &failed);
        fflush(stdout);
        if (code) return code;
        refused += failed;
    }
    return refused >= 2 ? 0 : 4; /* neither the file nor its folder */
}

START_TEST(test_a_flush_that_had_too_few_descriptors_succeeds_when_there_are_more) {
    ck_assert_int_eq(in_child(flush_with_fewer_and_fewer), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("descriptors");
    TCase *tests = tcase_create("descriptors");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_what_a_program_writes_to_its_closed_stderr_never_meets_a_table);
    tcase_add_test(tests, test_a_flush_that_had_too_few_descriptors_succeeds_when_there_are_more);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
