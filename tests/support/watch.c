/* Doors that note who goes through: see watch.h. */
#include "tests/support/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef ART_HAVE_URING
#include <liburing.h>
#endif

#include "core/linux/io_system.h"
#include "ext/art.h"

static struct watch *shared;
static struct art_system_calls real;
static struct {
    enum watch_event event;
    _Atomic unsigned left; /* 0: never */
} death;
static _Atomic int skips;
static _Thread_local int in_flight; /* of this thread's own */

struct watch *watch_new(void) {
    struct watch *watch = mmap(NULL, sizeof *watch, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (watch != MAP_FAILED) return watch;
    perror("watch: mmap");
    abort();
}

void watch_free(struct watch *watch) {
    if (shared == watch) {
        art_test_hooks.at = art_test_hooks.past = NULL;
        art_system_reset();
        shared = NULL;
    }
    munmap(watch, sizeof *watch);
}

void watch_die_at(enum watch_event event, unsigned nth) {
    death.event = event;
    death.left = nth;
}

static void event(enum watch_event now) {
    if (!death.left || death.event != now || --death.left) return;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* ---- core's system calls ----------------------------------------------------------------------------------------- */

static int watched_lock(int fd, int type) {
    if (type == F_UNLCK) {
        event(WATCH_AT_UNLOCK);
        if (in_flight > 0) shared->early++;
        return real.lock(fd, type);
    }
    int rc = real.lock(fd, type);
    if (!rc) event(WATCH_AT_LOCK);
    return rc;
}

static ssize_t watched_pwrite(int fd, const void *data, size_t len, off_t offset) {
    ssize_t written = real.pwrite(fd, data, len, offset);
    event(WATCH_AT_WRITE);
    return written;
}

static int watched_fdatasync(int fd) {
    event(WATCH_AT_SYNC);
    int rc = real.fdatasync(fd);
    event(WATCH_AFTER_SYNC);
    return rc;
}

static int watched_ftruncate(int fd, off_t length) {
    event(WATCH_AT_CUT);
    return real.ftruncate(fd, length);
}

#ifdef ART_HAVE_URING
static int noted_submission(struct io_uring *ring, int (*submit)(struct io_uring *, unsigned), unsigned wait) {
    int waiting = (int)io_uring_sq_ready(ring);
    if (waiting) shared->last_offset = ring->sq.sqes[(ring->sq.sqe_tail - 1) & ring->sq.ring_mask].off;
    atomic_fetch_add(&shared->in_flight, waiting);
    int taken = submit(ring, wait);
    int missed = taken < 0 ? waiting : waiting - taken;
    if (missed > 0) atomic_fetch_sub(&shared->in_flight, missed);
    in_flight += missed > 0 ? waiting - missed : waiting;
    if (taken > 0) event(WATCH_AT_WRITE);
    return taken;
}

static int submit_only(struct io_uring *ring, unsigned wait) {
    (void)wait;
    return real.ring_submit(ring);
}

static int watched_submit(struct io_uring *ring) {
    return noted_submission(ring, submit_only, 0);
}

/* What is handed over with a wait is first handed over, so that a death comes between the two. */
static int watched_submit_and_wait(struct io_uring *ring, unsigned completions) {
    int taken = io_uring_sq_ready(ring) ? watched_submit(ring) : 0;
    if (taken < 0) return taken;
    int rc = real.ring_submit_and_wait(ring, completions);
    return rc < 0 && !taken ? rc : taken;
}

static int watched_result(int fd, const struct art_transfer *transfer, int result) {
    atomic_fetch_sub(&shared->in_flight, 1);
    in_flight--;
    return real.ring_result(fd, transfer, result);
}
#endif

/* ---- core's work, through its hooks ------------------------------------------------------------------------------ */

static void begins(enum art_event now) {
    if (now == ART_EVENT_SLOT_NEW || now == ART_EVENT_SLOT_AGAIN) shared->slots_written++;
    if (now == ART_EVENT_SLOT_AGAIN) shared->slots_reused++;
}

static void ends(enum art_event work) {
    if (work == ART_EVENT_FLUSH) shared->flushes++;
    if (work == ART_EVENT_MERGE) shared->merges++;
    if (work == ART_EVENT_SPILL) shared->spills++;
}

void watch_begin(struct watch *watch) {
    shared = watch;
    shared->in_flight = 0;
    in_flight = 0;
    art_system_reset();
    real = art_system;
    art_system.lock = watched_lock;
    art_system.pwrite = watched_pwrite;
    art_system.fdatasync = watched_fdatasync;
    art_system.ftruncate = watched_ftruncate;
#ifdef ART_HAVE_URING
    art_system.ring_submit = watched_submit;
    art_system.ring_submit_and_wait = watched_submit_and_wait;
    art_system.ring_result = watched_result;
#endif
    art_test_hooks.at = begins;
    art_test_hooks.past = ends;
}

/* ---- the C library's, SQLite's calls among them ------------------------------------------------------------------ */

void watch_skip_syncs(int skip) {
    skips = skip;
}

__attribute__((visibility("default"))) int fsync(int fd) {
    return skips ? 0 : (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
    return skips ? 0 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

sqlite3 *watch_open(const char *path) {
    sqlite3 *db = NULL;
    char *message = NULL;
    int rc = sqlite3_open(path, &db);
    if (!rc) rc = sqlite3_art_init(db, &message, NULL);
    if (rc) {
        fprintf(stderr, "watch: cannot open %s: %s\n", path, message ? message : sqlite3_errmsg(db));
        abort();
    }
    sqlite3_extended_result_codes(db, 1);
    return db;
}
