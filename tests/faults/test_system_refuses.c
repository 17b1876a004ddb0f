/* What a process with art tables takes of the system, and what it does when it is refused: descriptors (which ones they
 * are, how many, too few), threads for a ring, rings at all. (A full disk, or a limit of file sizes: in
 * test_foreign_disk.c.) */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

static char *directory, *path;

static void set_up(void) {
    directory = sql_scratch_for_others("refuses");
    path = sqlite3_mprintf("%s/t.db", directory);
}

static void tear_down(void) {
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

static void load(sqlite3 *db, const char *table, int rows) {
    sql_run(db,
            "INSERT INTO \"%w\" WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('%%06d', i), printf('%%0200d', i) FROM n",
            table, rows);
    sql_command(db, "main", table, "flush");
}

/* ---- rings ------------------------------------------------------------------------------------------------------- */

/* From now on the process is killed when it asks for a ring. */
static bool kill_at_ring(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int read_in_a_sandbox(void) {
    if (!kill_at_ring()) return 77;
    sqlite3 *db = sql_open(path);
    if (sql_int(db, "SELECT sum(length(value)) FROM t") != 3000 * 200) return 1;
    if (sql_int(db, "SELECT count(*) FROM t WHERE path IN ('000001', '000400', 'none')") != 2) return 2;
    if (sql_int(db, "SELECT value > '' FROM art_debug('t') WHERE property = 'io'") != 1) return 3;
    sql_close(db);
    return 0;
}

static void make_for_a_sandbox(void) {
    sqlite3 *db = sql_open(path);
    sql_create(db, "t", "");
    load(db, "t", 3000); /* two blobs, which are read ahead */
    sql_close(db);
}

/* The first test: what the process has read in batches before counts, too. */
TEST(test_a_reader_of_a_few_pages_asks_for_no_ring) {
    make_for_a_sandbox();
    int code = apart(read_in_a_sandbox);
    if (code == 77) printf("SKIPPED test_a_reader_of_a_few_pages_asks_for_no_ring: no seccomp filters here\n");
    ck_assert(code == 0 || code == 77);
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

/* What art opens while 0, 1 and 2 are free: files, folders, rings, and the file of a transaction that spills. SQLite
 * has its own open by then: whatever it opens later it moves, too, and fills the three up. */
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

TEST(test_what_a_program_writes_to_its_closed_stderr_never_meets_a_table) {
    ck_assert_int_eq(apart(load_without_standard), 0);
    sqlite3 *db = sql_open(path);
    char *rows = kept(sql_rows(db, "SELECT art_check('t'), count(*), sum(length(value)) FROM t"));
    ck_assert_str_eq(rows, "ok|5001|1000004\n");
    sql_close(db);
}

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

/* The limit lets `spare` more be opened: somewhere on the way of the first flush there is one too few. Then it is
 * raised, and the same connection flushes. */
static int flush_with_few(int spare, bool *failed) {
    sqlite3 *db = sql_open(":memory:");
    char *name = TEXT("%s/%d.db", directory, spare);
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

TEST(test_a_flush_that_had_too_few_descriptors_succeeds_when_there_are_more) {
    ck_assert_int_eq(apart(flush_with_fewer_and_fewer), 0);
}

/* ---- how many ---------------------------------------------------------------------------------------------------- */

/* Descriptors of this process whose target has this in its name. */
static int count_descriptors(const char *part) {
    DIR *list = opendir("/proc/self/fd");
    int count = 0;
    for (struct dirent *entry; list && (entry = readdir(list));) {
        char target[512] = "";
        if (readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1) > 0)
            count += strstr(target, part) != NULL;
    }
    if (list) closedir(list);
    return count;
}

enum { TABLES = 50, CONNECTIONS = 20, RINGS = 8 };

static int use_many_tables(void) {
    static sqlite3 *dbs[CONNECTIONS];
    char name[16];
    limit_files(256);
    for (int c = 0; c < CONNECTIONS; c++) {
        dbs[c] = sql_open(path);
        sql_run(dbs[c], "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
        for (int t = 0; t < TABLES; t++) {
            snprintf(name, sizeof name, "t%d", t);
            if (!c) sql_create(dbs[c], name, "");
            if (!c) load(dbs[c], name, 300);
            sql_run(dbs[c], "INSERT INTO %s VALUES('new %d', 'x')", name, c);
            if (c % 5 == t % 5) sql_command(dbs[c], "main", name, "flush");
            if (sql_int(dbs[c], "SELECT count(value > '') FROM %s", name) != 301 + c) return 1;
        }
    }
    for (int c = 0; c < CONNECTIONS; c++) {
        for (int t = 0; t < TABLES; t++) {
            if (sql_int(dbs[c], "SELECT sum(length(value)) FROM t%d", t) != 300 * 200 + CONNECTIONS) return 2;
        }
    }
    int files = count_descriptors(".art"), made = count_descriptors("io_uring");
    if (files > (sql_inline() ? 0 : TABLES) || made > RINGS) {
        printf("%d descriptors of .art files, %d rings\n", files, made);
        fflush(stdout);
        return 3;
    }
    sql_run(dbs[0], "BEGIN; INSERT INTO t0 VALUES('one more', 1); INSERT INTO t0(t0) VALUES('flush'); COMMIT");
    for (int c = 0; c < CONNECTIONS; c++) sql_close(dbs[c]);
    return count_descriptors(".art") || count_descriptors("io_uring") ? 4 : 0;
}

TEST(test_a_file_takes_one_descriptor_of_a_process_however_many_connections_read_it) {
    ck_assert_int_eq(apart(use_many_tables), 0);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

/* As a user who may have no thread more: what a ring cannot do at once it leaves to one. */
static int load_without_threads(void) {
    sqlite3 *db = sql_open(":memory:");
    if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534))) return 77;
    sql_close(db);
    if (!sql_reached_by_others(directory)) return 77;
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NPROC, &none)) return 77;
    db = sql_open(path);
    sql_create(db, "t", "");
    for (int i = 0; i < 3; i++) {
        if (sql_try(db,
                    "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
                    "SELECT printf('%d %%06d', i), printf('%%0300d', i) FROM n; INSERT INTO t(t) VALUES('flush')",
                    i)) {
            printf("%s\n", sqlite3_errmsg(db));
            fflush(stdout);
            return 1;
        }
    }
    if (sql_int(db, "SELECT sum(length(value)) FROM t") != 3 * 20000 * 300) return 2;
    char *rows =
        kept(sql_rows(db, "SELECT property, value FROM art_debug('t') WHERE property IN ('io', 'ring failures')"));
    printf("without threads: %s", rows);
    fflush(stdout);
    sql_close(db);
    return 0;
}

TEST(test_a_load_needs_no_thread_for_its_ring) {
    ck_assert_int_eq(chmod(directory, 0777), 0);
    int code = apart(load_without_threads);
    if (code == 77) printf("SKIPPED test_a_load_needs_no_thread_for_its_ring: no other user can be had here\n");
    ck_assert(code == 0 || code == 77);
}

/* ---- no rings at all ------------------------------------------------------------------------------------------ */

static int write_in_a_sandbox(void) {
    if (setenv("ART_IO", "pwrite", 1) || !kill_at_ring()) return 77;
    sqlite3 *db = sql_open(path);
    sql_create(db, "u", "");
    load(db, "u", 20000);
    load(db, "t", 20000);
    sql_command(db, "main", "t", "optimize");
    if (sql_int(db, "SELECT sum(length(value)) FROM t") != 20000 * 200) return 1;
    if (!sql_inline() && !sql_int(db, "SELECT value = 'pwrite' FROM art_debug('u') WHERE property = 'io'")) return 2;
    sql_run(db, "SELECT art_version(), * FROM pragma_function_list LIMIT 1");
    sql_close(db);
    return 0;
}

TEST(test_nobody_asks_for_a_ring_that_the_environment_keeps_out) {
    make_for_a_sandbox();
    sqlite3 *db = sql_open(path);
    sql_run(db, "DELETE FROM t");
    sql_close(db);
    int code = apart(write_in_a_sandbox);
    if (code == 77) printf("SKIPPED test_nobody_asks_for_a_ring_...: no seccomp filters here\n");
    ck_assert(code == 0 || code == 77);
}

SUITE("system_refuses", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
