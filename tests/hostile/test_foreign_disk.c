/* Disks that are full, or only to be read.
 *
 * A disk of every size from "nothing fits" to "all fits", and a limit on the size of files in the same way: a statement
 * that does not find room is an error, what was committed before is there, and with room again all goes on. Then a
 * mount that is read-only, and a WAL whose index may not be written. Mounts are made in a name space of their own, by
 * root; else that is skipped, aloud.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/foreign_world.h"
#include "tests/support/suite.h"

static const char *const journals[] = {"delete", "wal", NULL};
enum { KB = 1024, MB = 1024 * KB, SKIPPED = 77 };

/* --- a process of its own ----------------------------------------------------------------------------------------- */

struct disk_try {
    const char *journal, *folder;
    long room; /* bytes */
    unsigned step;
};

/* Exit status of `run`; a signal fails the test. */
static int apart(int (*run)(const struct disk_try *), const struct disk_try *try) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(100);
        int end = run(try);
        fflush(stdout);
        _exit(end);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "room for %ld bytes (%s): status %x", try->room, try->journal, status);
    return WEXITSTATUS(status);
}

/* Mounts are nobody else's business. */
static bool make_mounts_private(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNS)) return false;
    return !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static bool mount_room(const char *folder, long bytes, unsigned long more) {
    char options[64];
    snprintf(options, sizeof options, "size=%ld", bytes);
    return !mount("none", folder, "tmpfs", more, options);
}

/* --- what is done on a small disk --------------------------------------------------------------------------------- */

enum { STEPS = 8 };

/* Statements that need more and more room. */
static const char *const steps[STEPS] = {
    "INSERT INTO t(path, value) VALUES('a', 1)",
    ("INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT "
     "printf('p/%05d', i), hex(i) FROM n"),
    "INSERT INTO t(t) VALUES('flush')",
    "INSERT INTO t(path, value) VALUES('large', zeroblob(300000))",
    "UPDATE t SET value = value || 'x' WHERE path GLOB 'p/0[01]*'",
    "INSERT INTO t(t) VALUES('optimize')",
    "DELETE FROM t WHERE path GLOB 'p/002*'",
    "INSERT INTO t(t) VALUES('vacuum')",
};
static const char state[] = "SELECT count(*), ifnull(sum(length(value)), 0), (SELECT count(*) FROM plain) FROM t";

/* The states after each step, on a disk that has room. */
static char *expected[STEPS + 1];

static sqlite3 *open_here(const char *folder, const char *journal) {
    int rc;
    char *path = kept(foreign_join(folder, "t.db"));
    sqlite3 *db = foreign_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &rc);
    if (rc) abort();
    char *sql = TEXT("PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", journal);
    sqlite3_exec(db, sql, NULL, NULL, NULL);
    return db;
}

static const char create[] =
    "BEGIN; CREATE TABLE plain(x); CREATE VIRTUAL TABLE t USING art(path, value, log_limit='64KB'); COMMIT";

static bool make_tables(sqlite3 *db) {
    bool made = !sqlite3_exec(db, create, NULL, NULL, NULL);
    if (!made && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return made;
}

/* A step, and a row of the ordinary table in the same transaction. */
static int do_step(sqlite3 *db, unsigned step) {
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE; INSERT INTO plain VALUES(zeroblob(100))", NULL, NULL, NULL);
    if (!rc) rc = sqlite3_exec(db, steps[step], NULL, NULL, NULL);
    if (!rc) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static void learn(void) {
    char *folder = sql_scratch("roomy");
    sqlite3 *db = open_here(folder, "delete");
    sql_run(db, create);
    for (unsigned i = 0; i <= STEPS; i++) {
        expected[i] = sql_rows(db, state);
        if (i < STEPS && do_step(db, i)) abort();
    }
    sql_close(db);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
}

static bool is_as_expected(sqlite3 *db, unsigned done, const char *when, long room) {
    char *rows = kept(sql_rows(db, state)), *check = kept(sql_rows(db, "SELECT art_check('t')"));
    bool good = !strcmp(rows, expected[done]) && !strcmp(check, "ok\n");
    if (!good) {
        printf("%s, room for %ld bytes, %u steps done: %snot %s(%s)\n", when, room, done, rows, expected[done], check);
        fflush(stdout);
    }
    return good;
}

/* As many steps as there is room for; then what `make_room` does, and the others. 0: all steps at once, 1: some were
 * refused at first, 2: something is wrong. */
static int run_steps(const struct disk_try *try, bool (*make_room)(const struct disk_try *)) {
    unsigned done = 0;
    int rc = SQLITE_OK;
    sqlite3 *db = open_here(try->folder, try->journal);
    bool there = make_tables(db);
    while (there && done < STEPS && !(rc = do_step(db, done))) done++;
    bool refused = !there || done < STEPS;
    int primary = rc & 0xff;
    if (there && refused && primary != SQLITE_FULL && primary != SQLITE_IOERR) {
        printf("room for %ld bytes: step %u ends with %d, %s\n", try->room, done, rc, sqlite3_errmsg(db));
        return 2;
    }
    if (there && !is_as_expected(db, done, "still open", try->room)) return 2;
    if (!make_room(try)) return SKIPPED;
    for (int i = 0; i < 2; i++) { /* with the same connection, if it still may, and with another */
        if (!there) there = make_tables(db);
        while (there && done < STEPS && !do_step(db, done)) done++;
        sql_close(db);
        db = open_here(try->folder, try->journal);
        if (there && !is_as_expected(db, done, "with room", try->room)) return 2;
    }
    while (done < STEPS && !do_step(db, done)) done++;
    if (done < STEPS) printf("room for %ld bytes: step %u: %s\n", try->room, done, sqlite3_errmsg(db));
    bool good = done == STEPS && is_as_expected(db, done, "at the end", try->room);
    sql_close(db);
    return good ? refused : 2;
}

/* --- full --------------------------------------------------------------------------------------------------------- */

static bool remount_with_room(const struct disk_try *try) {
    return mount_room(try->folder, 64 * MB, MS_REMOUNT);
}

static int on_a_small_disk(const struct disk_try *try) {
    if (!make_mounts_private() || !mount_room(try->folder, try->room, 0)) return SKIPPED;
    return run_steps(try, remount_with_room);
}

static bool lift_limit(const struct disk_try *try) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    return !setrlimit(RLIMIT_FSIZE, &limit);
}

static int with_small_files(const struct disk_try *try) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = (rlim_t)try->room;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit)) return SKIPPED;
    return run_steps(try, lift_limit);
}

/* From nothing to where all fits: small steps where journals and logs are written, larger ones among blobs. */
static void sweep(const char *what, const char *journal, int (*run)(const struct disk_try *)) {
    unsigned tried = 0, refused = 0, whole = 0;
    struct random random = {random_seed()};
    printf("%s (%s): seed %llu\n", what, journal, (unsigned long long)random.state);
    for (long room = 8 * KB; whole < 2 && room < 40 * MB; tried++) {
        char *folder = sql_scratch("full");
        int end = apart(run, &(struct disk_try){journal, folder, room, 0});
        sql_scratch_remove(folder);
        sqlite3_free(folder);
        if (end == SKIPPED) {
            printf("SKIPPED %s: mounts and limits cannot be had here\n", what);
            return;
        }
        ck_assert_msg(end != 2, "%s (%s): room for %ld bytes", what, journal, room);
        refused += end == 1;
        whole += end == 0;
        long step = room < 600 * KB ? 24 * KB : 200 * KB;
        room += (step + (long)random_below(&random, (uint32_t)step)) / (long)random_scale() + 1;
    }
    printf("%s (%s): %u sizes, in %u something was refused\n", what, journal, tried, refused);
    ck_assert_uint_gt(refused, 10);
    ck_assert_uint_eq(whole, 2);
}

LOOP_TEST(test_a_full_disk_at_any_write_is_an_error_and_all_goes_on_with_room, 2) {
    sweep("a full disk", journals[_i], on_a_small_disk);
}

LOOP_TEST(test_a_limit_of_file_sizes_at_any_write_is_an_error_and_all_goes_on_without, 2) {
    sweep("a limit of file sizes", journals[_i], with_small_files);
}

/* --- read-only ---------------------------------------------------------------------------------------------------- */

/* 0: read, and nothing else. */
static int on_a_read_only_mount(const struct disk_try *try) {
    struct foreign_world world;
    struct foreign_outcome outcome;
    foreign_make(&world, try->journal);
    if (!make_mounts_private() || mount(world.here, world.here, NULL, MS_BIND, NULL) ||
        mount("none", world.here, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)) {
        foreign_free(&world);
        return SKIPPED;
    }
    if (!strcmp(try->journal, "wal")) world.uri = sqlite3_mprintf("file:%s?immutable=1", world.path);
    int wrong = 0;
    for (enum foreign_try what = 0; what < FOREIGN_TRIES; what++) {
        foreign_try(&world, what, &outcome);
        bool good = !outcome.wrong && (outcome.code & 0xff) == (what == TRY_READ ? SQLITE_OK : SQLITE_READONLY);
        if (!good) printf("read-only mount (%s): try %d: %d %s\n", try->journal, what, outcome.code, outcome.text);
        wrong += !good;
    }
    fflush(stdout);
    umount2(world.here, MNT_DETACH);
    foreign_free(&world);
    return wrong;
}

static void has_none_wrong(const char *what, int (*run)(const struct disk_try *), const char *journal) {
    int end = apart(run, &(struct disk_try){journal, NULL, 0, 0});
    if (end == SKIPPED) printf("SKIPPED %s: it cannot be had here\n", what);
    ck_assert(end == 0 || end == SKIPPED);
}

LOOP_TEST(test_a_read_only_mount_is_read, 2) {
    has_none_wrong("read-only mount", on_a_read_only_mount, journals[_i]);
}

/* The world becomes the lower folder of an overlay. Opening the database copies it up, which gives it another time of
 * birth under the same inode. 0: read, and written from then on; the lower files stay as they were. */
static int on_an_overlay(const struct disk_try *try) {
    struct foreign_world world;
    foreign_make(&world, try->journal);
    char *disk = world.elsewhere, *options = TEXT("lowerdir=%s,upperdir=%s/up,workdir=%s/work", world.here, disk, disk);
    char *folders = TEXT("mkdir '%s/up' '%s/work'", disk, disk);
    char *sums = TEXT("cd '%s' && cat *.db *.art | cksum > '%s/sum'", world.here, disk);
    char *same = TEXT("cd '%s' && cat *.db *.art | cksum | cmp - '%s/sum'", world.here, disk);
    bool mounted = make_mounts_private() && mount_room(disk, 64 * MB, 0) && !system(folders) && !system(sums) &&
                   !mount("overlay", world.here, "overlay", 0, options);
    int wrong = 0, rc;
    for (int round = 0; mounted && round < 3; round++) {
        sqlite3 *db = foreign_connect(world.path, SQLITE_OPEN_READWRITE, &rc);
        char *rows = kept(foreign_digest(db));
        wrong += strcmp(rows, world.expected) != 0;
        wrong += sql_int(db, "SELECT art_verify() LIKE 'ok%%'") != 1;
        if (round) sql_run(db, "INSERT INTO t(path) VALUES('up/%d'); INSERT INTO t(t) VALUES('optimize')", round);
        sqlite3_free(world.expected);
        world.expected = foreign_digest(db);
        sql_close(db);
    }
    if (mounted) umount2(world.here, MNT_DETACH);
    wrong += mounted && system(same) != 0;
    umount2(disk, MNT_DETACH);
    foreign_free(&world);
    return mounted ? wrong : SKIPPED;
}

LOOP_TEST(test_a_pair_that_an_overlay_copies_up_is_read_and_written, 2) {
    has_none_wrong("overlay", on_an_overlay, journals[_i]);
}

/* Another process has the WAL open; who may not write its index reads what SQLite lets it read. */
TEST(test_a_wal_whose_index_may_not_be_written_is_read) {
    struct foreign_world world;
    struct foreign_outcome outcome;
    foreign_make(&world, "wal");
    int rc;
    sqlite3 *db = foreign_connect(world.path, SQLITE_OPEN_READWRITE, &rc);
    ck_assert_int_eq(rc, SQLITE_OK);
    sql_run(db, "UPDATE t SET value = 'changed' WHERE path = 'path/00500'; INSERT INTO t(t) VALUES('optimize')");
    sqlite3_free(world.expected);
    world.expected = foreign_digest(db);
    char *command = TEXT("chmod -R a+rX '%s' && chmod 0444 '%s'/*", world.root, world.here);
    ck_assert_int_eq(system(command), 0);
    bool reachable = geteuid() != 0 || sql_reached_by_others(world.root);
    world.nobody = true;
    for (enum foreign_try what = 0; reachable && what < FOREIGN_TRIES; what++) {
        foreign_try(&world, what, &outcome);
        ck_assert_msg(!outcome.wrong && (outcome.code & 0xff) == (what == TRY_READ ? SQLITE_OK : SQLITE_READONLY),
                      "try %d: %d %s", what, outcome.code, outcome.text);
    }
    if (!reachable) printf("SKIPPED a WAL to be read only: another user cannot reach %s\n", world.root);
    sql_close(db);
    foreign_free(&world);
}

int main(void) {
    foreign_begin(journals);
    learn();
    int failed = suite_run("foreign, disk", .seconds = 600);
    for (unsigned i = 0; i <= STEPS; i++) sqlite3_free(expected[i]);
    foreign_end();
    return failed;
}
