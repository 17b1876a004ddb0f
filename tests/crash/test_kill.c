/* What does the kernel still write for the dead? Everything else that killed processes leave is test_actors.c's, and
 * test_slots.c's.
 *
 * The lock on an .art file must outlive its owner's last write, and the owner may be dead by then.
 *
 *     a writer in the middle of a large spill gives a few blobs to its ring, and kills itself
 *     this process waits for its pipe to end, takes the lock through the same door as core/io, and reads what the dead
 *     one may have been writing, last slots first, and once more after a while: nothing may change
 *     between the two while the lock is held
 *
 * A lock on any other file would be gone with the process: writes then arrive while the next writer works, and now and
 * then over what it has written. That would be rare enough for a test to miss; writes that come late are not.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/linux/io_file.h"
#include "core/linux/io_system.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"
#include "tests/support/watch.h"

struct late_report {
    unsigned deaths, in_flight; /* with requests that the kernel had and had not answered */
    unsigned outlived;          /* the file was still locked when the dead one's other descriptors were closed */
    unsigned late;              /* the file changed after its lock had been had: must be 0 */
};

enum {
    DEATHS = 20,
    SLOT = 512 * 1024,
    PIECES = 10,
    HOGS = 4,
    HOG_BYTES = 8 << 20,
    QUIET_MICROSECONDS = 40000,
    ROWS = 6000
};

static void die(const char *what) {
    perror(what);
    abort();
}

/* Keeps the disk busy, so that what the kernel has taken takes a while. */
static pid_t start_hog(const char *directory, int number) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char path[600];
    snprintf(path, sizeof path, "%s/hog-%d", directory, number);
    int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
    void *data = mmap(NULL, HOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fd < 0 || data == MAP_FAILED) _exit(0);
    while (pwrite(fd, data, HOG_BYTES, 0) > 0) {
    }
    _exit(0);
}

/* Far from its commit when it dies. */
static void write_until_dead(const char *path) {
    sqlite3 *db = watch_open(path);
    sql_run(
        db,
        "BEGIN; INSERT OR REPLACE INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
        "SELECT printf('%%08d', i), randomblob(3000) FROM n; ROLLBACK",
        ROWS);
    _exit(0); /* lived through it: not as many writes as it was to die at */
}

static pid_t live_and_die(const char *path, struct watch *watch, unsigned nth) {
    int ends[2];
    char nothing;
    if (pipe(ends)) die("pipe");
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        watch_begin(watch);
        watch_skip_syncs(1);
        watch_die_at(WATCH_AT_WRITE, nth);
        write_until_dead(path);
    }
    close(ends[1]);
    if (read(ends[0], &nothing, 1) != 0) die("read");
    close(ends[0]);
    return child;
}

/* Hashes of the slot that was written last and of those before it. */
static void look(int fd, uint8_t *buffer, uint64_t last, uint64_t hashes[PIECES]) {
    for (int i = 0; i < PIECES; i++) {
        off_t at = (off_t)(last / SLOT) * SLOT - i * SLOT;
        ssize_t len = at < 0 ? 0 : pread(fd, buffer, SLOT, at);
        if (len < 0) die("pread");
        hashes[i] = art_hash64(buffer, (size_t)len);
    }
}

static void inherit(int fd, uint8_t *buffer, uint64_t last, struct late_report *report) {
    uint64_t first[PIECES], second[PIECES];
    bool outlived = false;
    while (art_system.lock(fd, F_WRLCK)) {
        outlived = true;
        sched_yield();
    }
    look(fd, buffer, last, first);
    usleep(QUIET_MICROSECONDS);
    look(fd, buffer, last, second);
    art_system.lock(fd, F_UNLCK);
    report->outlived += outlived;
    if (!memcmp(first, second, sizeof first)) return;
    report->late++;
    fprintf(stderr, "death %u: the file changed while the lock was held (it %s)\n", report->deaths,
            outlived ? "had been waited for" : "was free at once");
}

static void run_deaths(unsigned deaths, uint64_t seed, struct late_report *report) {
    struct random random = {seed};
    struct watch *watch = watch_new();
    char *directory = sql_scratch("late"), *path = sqlite3_mprintf("%s/late.db", directory);
    uint8_t *buffer = mmap(NULL, SLOT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *report = (struct late_report){0};
    sqlite3 *db = watch_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art(spill_limit='6MB');"
                "INSERT INTO t(path) VALUES('x'); INSERT INTO t(t) VALUES('flush')");
    sql_close(db);
    char *file = sql_find_file(directory, ".art");
    int fd = open(file, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (fd < 0) fd = open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0 || buffer == MAP_FAILED) die(file);
    pid_t hogs[HOGS];
    int status;
    for (int i = 0; i < HOGS; i++) hogs[i] = start_hog(directory, i);
    while (report->deaths < deaths) {
        pid_t dead = live_and_die(path, watch, 2 + random_below(&random, 30));
        report->deaths++;
        report->in_flight += watch->in_flight > 0;
        inherit(fd, buffer, watch->last_offset, report);
        waitpid(dead, &status, 0);
    }
    for (int i = 0; i < HOGS; i++) {
        kill(hogs[i], SIGKILL);
        waitpid(hogs[i], &status, 0);
    }
    close(fd);
    munmap(buffer, SLOT);
    watch_free(watch);
    sql_scratch_remove(directory);
    sqlite3_free(file);
    sqlite3_free(path);
    sqlite3_free(directory);
}

TEST(test_the_lock_outlives_the_last_write_of_the_dead) {
    uint64_t seed = random_seed();
    struct late_report report;
    run_deaths(random_rounds(DEATHS), seed, &report);
    printf("late writes: seed %llu: %u deaths in a spill, %u with requests under way in the kernel, %u times the lock "
           "outlived its owner, %u times the file changed afterwards\n",
           (unsigned long long)seed, report.deaths, report.in_flight, report.outlived, report.late);
    ck_assert_uint_eq(report.late, 0);
    ck_assert_uint_gt(report.deaths, 0);
    ck_assert(report.in_flight || !art_io_uring_available());
}

SUITE("kill", .seconds = SUITE_FOREVER)
