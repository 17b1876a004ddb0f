/* art_backup() and art_publish() while something fails: system calls of core/io, calls of SQLite's VFS, memory, room on
 * the disk. Then there is an error and nothing is left behind, or the copy is whole; and the original's connection goes
 * on.
 *
 * The extension is linked in, so that core's table of system calls is this program's own.
 */
#include <signal.h>
#include <sys/resource.h>

#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"
#include "tests/support/sql_one.h"

static enum { BACKS_UP, PUBLISHES, UPDATES, WAYS } way; /* onto an earlier copy, the last */

static void set_up(void) {
    sql_set_up_closed();
    io_fault_skip_syncs();
    db = sql_memory_open(path, NULL);
    sql_run(
        db,
        "PRAGMA synchronous=OFF; PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE f USING art(path, value, storage=file);"
        "CREATE VIRTUAL TABLE i USING art(path, value, storage=inline); INSERT INTO f SELECT printf('d%%d/%%06d', i %% "
        "50, i), "
        "'value ' || i FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000) SELECT i FROM n);"
        "INSERT INTO i SELECT * FROM f; INSERT INTO f(f) VALUES('flush'); INSERT INTO i(i) VALUES('flush')",
        "WAL");
}

static void tear_down(void) {
    io_fault_nothing();
    way = BACKS_UP;
    sql_tear_down();
}

static void has_all(sqlite3 *of) {
    sql_expect(of, "4000|ok|ok|4000\n",
               "SELECT count(*), art_check('f'), art_check('i'), (SELECT count(*) FROM i) FROM f");
}

static char *left_behind(void) {
    char *command = TEXT("ls -A '%s' | grep copy", directory), text[400] = "";
    FILE *names = popen(command, "r");
    text[fread(text, 1, sizeof text - 1, names)] = 0;
    pclose(names);
    return sqlite3_mprintf("%s", text);
}

static int remove_copy(void) {
    char *command = TEXT("rm -f '%s'*", copy_path);
    int rc = system(command);
    return rc;
}

static void check_copy_and_remove(int rows) {
    sqlite3 *copy = sql_memory_open(copy_path, NULL);
    char *expected = TEXT("%d|ok\n", rows);
    sql_expect(copy, expected, "SELECT count(*), art_check('f') FROM f");
    sqlite3_close(copy);
    ck_assert_int_eq(remove_copy(), 0);
}

/* No words are made while memory fails. */
static int back_up(void) {
    static char sql[1000];
    snprintf(sql, sizeof sql, "SELECT art_%s('%s'%s)", way == PUBLISHES ? "publish" : "backup", copy_path,
             way == UPDATES ? ", 'main', 'update'" : "");
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static void begin(int which) {
    way = which;
    if (way == UPDATES) ck_assert_int_eq(back_up(), SQLITE_OK);
}

/* It is whole, or says that it is not; and the next run completes it, for another change to come. */
static void check_update(int rc, const char *what, unsigned nth) {
    for (int again = 0; again < 2; again++) {
        sqlite3 *copy = sql_memory_open(copy_path, NULL);
        int read = sqlite3_exec(copy, "SELECT count(*) FROM f", NULL, NULL, NULL);
        ck_assert_msg(!read || (rc && strstr(sqlite3_errmsg(copy), "unfinished")), "%s %u (%d): %d: %s", what, nth, rc,
                      read, sqlite3_errmsg(copy));
        if (!read) has_all(copy);
        char *has = rc ? NULL : sql_rows(copy, "SELECT sum(value) FROM f"),
             *wanted = kept(sql_rows(db, "SELECT sum(value) FROM f"));
        if (has) ck_assert_str_eq(has, wanted);
        sqlite3_free(has);
        sqlite3_close(copy);
        if (!again) rc = back_up();
        ck_assert_msg(!rc, "%s %u: then: %d: %s", what, nth, rc, sqlite3_errmsg(db));
    }
    sql_run(
        db,
        "UPDATE f SET value = %u WHERE path GLOB 'd%u/*'; UPDATE i SET value = %u; INSERT INTO f(f) VALUES('flush')",
        nth, nth % 50, nth);
}

/* Nothing fails any more. */
static void check_outcome(int rc, const char *what, unsigned nth) {
    if (way == UPDATES) {
        check_update(rc, what, nth);
    } else if (rc) {
        char *left = kept(left_behind());
        ck_assert_msg(!*left, "%s %u (%d): left behind: %s", what, nth, rc, left);
    } else {
        sqlite3 *copy = sql_memory_open(copy_path, NULL);
        has_all(copy);
        sqlite3_close(copy);
        ck_assert_int_eq(remove_copy(), 0);
    }
    has_all(db);
}

LOOP_TEST(test_every_system_call_may_fail, WAYS) {
    static const struct {
        const char *call;
        int error;
    } faults[] = {{"open", EIO},        {"open", EACCES},       {"pread", EIO},       {"pwrite", ENOSPC},
                  {"fdatasync", EIO},   {"fsync", EIO},         {"fstat", EIO},       {"stat", EIO},
                  {"lock", ENOLCK},     {"fchmod", EIO},        {"set_flags", EIO},   {"fchown", EPERM},
                  {"unlink", EACCES},   {"opendir", EACCES},    {"ring_submit", EIO}, {"ring_submit_and_wait", EIO},
                  {"ring_init", EPERM}, {"ring_result", ENOSPC}};
    unsigned struck = 0, failed = 0;
    begin(_i);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        for (unsigned nth = 1; nth < 60; nth += random_stride()) {
            bool spoils = !strcmp(faults[i].call, "unlink"); /* what cannot be removed stays */
            io_fault(faults[i].call, nth, 1, faults[i].error, 0);
            int rc = back_up();
            unsigned given = io_faults_given();
            io_fault("", 0, 0, 0, 0);
            if (!given) {
                check_outcome(rc, faults[i].call, nth);
                break;
            }
            struck++;
            failed += rc != 0;
            ck_assert_msg(!rc || !strstr(sqlite3_errmsg(db), "DELETE rows"), "%s", sqlite3_errmsg(db));
            if (!spoils) check_outcome(rc, faults[i].call, nth);
            if (spoils) remove_copy();
            sqlite3_close(db);
            db = sql_memory_open(path, NULL);
        }
    }
    ck_assert_uint_gt(struck * random_stride(), 5);
    ck_assert_uint_gt(failed, 3);
    printf("%u system calls failed, %u copies with them\n", struck, failed);
}

/* Files of SQLite's, the original's and the copy's, which has the original's VFS: all codes in turn, once and from then
 * on. */
LOOP_TEST(test_every_call_of_the_vfs_may_fail, WAYS) {
    const struct fault_source *source = &faulty_vfs_calls;
    unsigned struck = 0, failed = 0;
    begin(_i);
    faulty_vfs_register();
    for (unsigned kind = 0; kind < source->kinds; kind++) {
        for (unsigned nth = 1, tried = 0, given = 1; given; nth += 1 + nth / 4 * random_stride(), tried++) {
            sqlite3_close(db);
            db = sql_memory_open(path, "faulty");
            source->arm(kind, tried % source->errors(kind), nth, tried % 2);
            int rc = back_up();
            given = source->disarm();
            check_outcome(rc, source->describe(kind, tried % source->errors(kind)), nth);
            struck += given > 0;
            failed += rc != 0;
        }
    }
    ck_assert_uint_gt(struck * random_stride(), 20);
    ck_assert_uint_gt(failed, 10);
    printf("%u calls of the VFS failed, %u copies with them\n", struck, failed);
}

/* A ring writes past the table of calls: without one, what is written is counted. */
TEST(test_blobs_are_shared_where_the_file_system_can) {
    enum { SLOT_0 = 1 };
    sql_ways("pwrite", NULL);
    sqlite3_close(db);
    db = sql_memory_open(path, NULL);
    sql_run(db, "INSERT INTO f SELECT printf('e%%d/%%06d', i %% 50, i), hex(randomblob(200)) FROM (WITH n(i) AS "
                "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n)");
    sql_run(db, "INSERT INTO f(f) VALUES('optimize')");
    io_fault_copy_clones(false);
    io_fault("clone_range", 1, UINT32_MAX, EOPNOTSUPP, 0);
    ck_assert_int_eq(back_up(), SQLITE_OK);
    unsigned all = io_fault_count("pwrite");
    ck_assert_uint_eq(io_fault_count("clone_range"), 1); /* it is not asked again */
    check_copy_and_remove(24000);
    io_fault_copy_clones(true);
    io_fault("", 0, 0, 0, 0);
    ck_assert_int_eq(back_up(), SQLITE_OK);
    unsigned shared = io_fault_count("clone_range"), written = io_fault_count("pwrite");
    check_copy_and_remove(24000);
    ck_assert_uint_gt(shared, 5);
    ck_assert_uint_ge(all - written, shared);
    for (unsigned nth = 1; nth <= shared; nth += random_stride()) { /* it may end at any of them: the rest is written */
        io_fault("clone_range", nth, 1, nth % 2 ? EIO : EXDEV, 0);
        ck_assert_int_eq(back_up(), SQLITE_OK);
        ck_assert_uint_eq(io_fault_count("clone_range"), nth);
        check_copy_and_remove(24000);
    }
    io_fault_copy_clones(false);
    printf("%u blobs shared: %u writes of %u\n", shared, written, all);
}

/* The folder's is the last sync, also where there is no .art file. */
LOOP_TEST(test_a_copy_whose_name_may_be_lost_is_none, 2) {
    if (_i) sql_run(db, "DROP TABLE f");
    io_fault("", 0, 0, 0, 0);
    ck_assert_int_eq(back_up(), SQLITE_OK);
    unsigned folders = io_fault_count("fsync"), files = io_fault_count("fdatasync");
    ck_assert_int_eq(remove_copy(), 0);
    ck_assert_uint_eq(folders, _i ? 1 : 2);
    ck_assert_uint_eq(files > 0, !_i);
    io_fault("fsync", folders, 1, EIO, 0);
    ck_assert_int_eq(back_up() & 0xff, SQLITE_CANTOPEN);
    io_fault("", 0, 0, 0, 0);
    char *left = kept(left_behind());
    ck_assert_str_eq(left, "");
}

LOOP_TEST(test_every_allocation_may_fail, 2 * WAYS) {
    unsigned failed = 0, nth = 1;
    begin(_i / 2);
    for (;; nth += random_stride() * (way ? 9 : 1)) {
        fault_arm(&sql_memory_faults, 0, 0, nth, _i % 2);
        int rc = back_up();
        unsigned given = fault_disarm(&sql_memory_faults);
        check_outcome(rc, "allocation", nth);
        if (!given) break;
        ck_assert_msg(!rc || (rc & 0xff) == SQLITE_NOMEM || (rc & 0xff) == SQLITE_CANTOPEN, "%d: %s", rc,
                      sqlite3_errmsg(db));
        failed += rc != 0;
    }
    ck_assert_uint_gt(failed * random_stride(), 20);
    printf("%u allocations, %u copies failed\n", nth, failed);
}

/* For SQLite's own files and ours alike; the original's were made before. */
LOOP_TEST(test_a_limit_of_file_sizes_leaves_nothing, WAYS) {
    unsigned failed = 0;
    begin(_i);
    struct rlimit unlimited;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    for (rlim_t size = 0;; size += size < 20000 ? 1000 : size / 6) {
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){size, unlimited.rlim_max}), 0);
        int rc = back_up();
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
        check_outcome(rc, "limit", (unsigned)size);
        if (!rc) break;
        failed++;
    }
    ck_assert_uint_gt(failed, 10);
}

int main(void) {
    sql_memory_install();
    return suite_run("faults of art_backup()", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = tear_down);
}
