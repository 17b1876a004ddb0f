/* The system's files when the system says no: every call failing once with each errno that matters, transfers that fall
 * short, and (test_io_refusals.c) kernels, limits and file systems that refuse what we would like. */
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef ART_HAVE_URING
#include <liburing.h>
#endif

#include "core/linux/io_file.h"
#include "core/linux/io_system.h"
#include "tests/support/io_faults.h"
#include "tests/support/io_modes.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

enum { REQUESTS = 6, REQUEST_PAGES = 16 };

static _Alignas(4096) uint8_t data[REQUESTS][REQUEST_PAGES * ART_PAGE], found[REQUESTS][REQUEST_PAGES * ART_PAGE];

static void batch(struct art_io_request *requests, uint8_t (*from)[REQUEST_PAGES * ART_PAGE]) {
    for (unsigned i = 0; i < REQUESTS; i++) {
        requests[i] =
            (struct art_io_request){from[i], REQUEST_PAGES * ART_PAGE, (uint64_t)i * REQUEST_PAGES * ART_PAGE};
    }
}

/* ---- a life of a file, one step after the other ------------------------------------------------------------------ */

static struct {
    enum art_engine engine;
    struct art_blob_pool *pool; /* NULL: none */
    struct art_io *io;
    char path[512];
} life;

static int step_create(void) {
    struct art_file_options options = {.path = life.path,
                                       .engine = life.engine,
                                       .create = true,
                                       .permissions = 0640,
                                       .owner = geteuid() + 1,
                                       .group = getegid(),
                                       .pool = life.pool};
    return art_disk_system()->methods->open(art_disk_system(), &options, &life.io);
}

static void life_end(void) {
    io_fault_nothing();
    art_io_close(life.io);
    art_blob_pool_close(life.pool);
    unlink(life.path);
    life.io = NULL;
    life.pool = NULL;
}

/* Behind the one before, which ends; the file is not there yet. */
static void life_prepare(enum art_engine engine) {
    life_end();
    life.engine = engine;
    snprintf(life.path, sizeof life.path, "%s/faults.%ld.art", io_directory(), (long)getpid());
    unlink(life.path);
}

static void life_begin(enum art_engine engine) {
    life_prepare(engine);
    must(step_create());
}

static int step_lock(void) {
    return life.io->methods->lock(life.io);
}

static int step_write(void) {
    struct art_io_request requests[REQUESTS];
    batch(requests, data);
    for (unsigned i = 0; i < REQUESTS; i++) memset(data[i], (int)i + 1, sizeof data[i]);
    enum art_rc rc = art_io_write(life.io, requests, REQUESTS);
    return rc ? rc : art_io_wait(life.io);
}

static int step_sync(void) {
    return art_io_sync(life.io);
}

static int step_size(void) {
    uint64_t size;
    int rc = life.io->methods->size(life.io, &size);
    if (!rc) ck_assert_uint_eq(size, sizeof data);
    return rc;
}

static int step_identity(void) {
    struct art_file_identity identity;
    int rc = life.io->methods->identity(life.io, &identity);
    if (!rc) ck_assert_uint_eq(identity.permissions, 0640);
    return rc;
}

static int step_read(void) {
    struct art_io_request requests[REQUESTS];
    memset(found, 0, sizeof found);
    batch(requests, found);
    int rc = art_io_read(life.io, requests, REQUESTS);
    if (!rc) ck_assert_int_eq(memcmp(data, found, sizeof data), 0);
    return rc;
}

static int step_read_one(void) {
    struct art_io_request request = {found[0], sizeof found[0], sizeof found[0]};
    int rc = art_io_read(life.io, &request, 1);
    if (!rc) ck_assert_int_eq(memcmp(data[1], found[0], sizeof found[0]), 0);
    return rc;
}

/* What is at hand after it was read; if nothing is, nobody is told. */
static int step_peek(void) {
    struct art_io_request request = {found[0], sizeof found[0], sizeof found[0]};
    int rc = art_io_read_from(life.io, &request, 1, ART_READ_CACHED);
    memset(found[0], 0, sizeof found[0]);
    if (!rc && art_io_peek(life.io, &request)) ck_assert_int_eq(memcmp(data[1], found[0], sizeof found[0]), 0);
    return rc;
}

static int step_truncate(void) {
    return life.io->methods->truncate(life.io, 4 * ART_PAGE);
}

static int step_sync_directory(void) {
    return art_disk_system()->methods->sync_directory(art_disk_system(), life.path);
}

static int step_stat(void) {
    struct art_file_identity identity;
    return art_disk_system()->methods->stat(art_disk_system(), life.path, &identity);
}

static int step_remove(void) {
    return art_disk_system()->methods->remove(art_disk_system(), life.path);
}

static const struct {
    const char *name;
    int (*run)(void);
} steps[] = {
    {"create", step_create},     {"lock", step_lock},         {"write", step_write},
    {"sync", step_sync},         {"size", step_size},         {"identity", step_identity},
    {"read", step_read},         {"read_one", step_read_one}, {"peek", step_peek},
    {"truncate", step_truncate}, {"stat", step_stat},         {"sync_directory", step_sync_directory},
    {"remove", step_remove},
};

/* One fault, and where it must surface with which code; NULL: it is overcome, nobody hears of it. */
struct expectation {
    const char *call;
    unsigned nth, times;
    int error;
    int code;
    const char *step;
    const char *engine; /* the one in use afterwards, NULL: as it was */
};

/* Do files get a second descriptor here, for reads through the page cache? */
static bool has_second_descriptor(void) {
    must(step_create());
    bool second = life.io->cached;
    art_io_close(life.io);
    life.io = NULL;
    unlink(life.path);
    return second;
}

/* The second descriptor takes one open() and one fstat() more. */
static unsigned number_of_call(const struct expectation *e) {
    bool later = e->nth > 1 && (!strcmp(e->call, "open") || !strcmp(e->call, "fstat"));
    return e->nth + (later && has_second_descriptor());
}

/* Lives through all steps. The step that fails is run again: the fault has passed, and all but a sync goes well. */
static void live(enum art_engine engine, const struct expectation *e) {
    char about[128];
    snprintf(about, sizeof about, "%s, call %u, errno %d", e->call, e->nth, e->error);
    life_prepare(engine);
    if (!strcmp(e->call, "set_flags") && !has_second_descriptor()) {
        io_skip(about, "no direct I/O here");
        return;
    }
    must(art_blob_pool_open(&life.pool, 4));
    io_fault(e->call, number_of_call(e), e->times, e->error, 0);
    unsigned failures = 0;
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        int rc = steps[i].run();
        if (!rc) continue;
        failures++;
        ck_assert_msg(e->step && !strcmp(e->step, steps[i].name), "%s: met by %s: %s", about, steps[i].name,
                      art_error_message());
        ck_assert_msg(rc == e->code, "%s: %s, not %s (%s)", about, art_error_name(rc), art_error_name(e->code),
                      art_error_message());
        const char *file = strcmp(steps[i].name, "sync_directory") ? life.path : io_directory();
        ck_assert_msg(strstr(art_error_message(), file) != NULL, "%s names no file", art_error_message());
        int again = steps[i].run();
        if (!strcmp(steps[i].name, "sync")) {
            ck_assert_int_eq(again, ART_POISONED);
            ck_assert_int_eq(step_write(), ART_POISONED);
            ck_assert_int_eq(step_truncate(), ART_POISONED);
            break;
        }
        ck_assert_msg(!again, "%s: %s fails again: %s", about, steps[i].name, art_error_message());
    }
    ck_assert_msg(failures == (e->step ? 1u : 0u), "%s: surfaced %u times", about, failures);
    if (e->engine) ck_assert_str_eq(life.io->engine, e->engine);
    art_io_close(life.io);
    life.io = NULL;
    bool came = e->times == UINT_MAX ? io_faults_given() > 0 : io_faults_given() == e->times;
    ck_assert_msg(came, "%s: came to pass %u times", about, io_faults_given());
}

/* ---- what both engines share ------------------------------------------------------------------------------------- */

static const struct expectation shared[] = {
    {"open", 1, 1, EACCES, ART_CANTOPEN, "create", NULL},
    {"open", 1, 1, EPERM, ART_CANTOPEN, "create", NULL},
    {"open", 1, 1, EMFILE, ART_CANTOPEN, "create", NULL},
    {"open", 1, 1, ENOENT, ART_CANTOPEN, "create", NULL},
    {"open", 1, 1, EIO, ART_CANTOPEN, "create", NULL},
    {"open", 1, 1, ELOOP, ART_CANTOPEN, "create", NULL},
    {"open", 1, 1, ENOSPC, ART_DISKFULL, "create", NULL},
    {"open", 1, 1, EDQUOT, ART_DISKFULL, "create", NULL},
    {"open", 1, 1, EROFS, ART_READONLY, "create", NULL},
    {"open", 1, 1, ENOMEM, ART_NOMEM, "create", NULL},
    {"open", 1, 3, EINTR, 0, NULL, NULL},
    {"open", 2, 1, EACCES, ART_CANTOPEN, "sync_directory", NULL},
    {"open", 2, 1, EMFILE, ART_CANTOPEN, "sync_directory", NULL},
    {"fstat", 1, 1, EIO, ART_CANTOPEN, "create", NULL},
    {"fchown", 1, 1, EPERM, 0, NULL, NULL},
    {"fchown", 1, 1, EINVAL, 0, NULL, NULL},
    {"fchown", 1, 1, EIO, ART_CANTOPEN, "create", NULL},
    {"fchmod", 1, 1, EIO, ART_CANTOPEN, "create", NULL},
    {"set_flags", 1, 1, EINVAL, 0, NULL, NULL},
    {"set_flags", 1, 2, EPERM, ART_CANTOPEN, "create", NULL},
    {"lock", 1, 1, EAGAIN, ART_BUSY, "lock", NULL},
    {"lock", 1, 1, EACCES, ART_BUSY, "lock", NULL},
    {"lock", 1, 1, ENOLCK, ART_IO, "lock", NULL},
    {"lock", 1, 3, EINTR, 0, NULL, NULL},
    {"lock", 2, 1, EIO, 0, NULL, NULL}, /* of the unlock within close, which ends the lock anyway */
    {"fdatasync", 1, 1, EIO, ART_IO, "sync", NULL},
    {"fdatasync", 1, 1, ENOSPC, ART_DISKFULL, "sync", NULL},
    {"fdatasync", 1, 3, EINTR, 0, NULL, NULL},
    {"fstat", 2, 1, EIO, ART_IO, "size", NULL},
    {"fstat", 3, 1, EIO, ART_IO, "identity", NULL},
    {"pread", 1, 3, EINTR, 0, NULL, NULL},
    {"pread", 1, 3, EAGAIN, 0, NULL, NULL},
    {"pread_present", 1, 1, EAGAIN, 0, NULL, NULL},
    {"pread_present", 1, 1, EOPNOTSUPP, 0, NULL, NULL},
    {"pread_present", 1, 1, FAULT_ZERO, 0, NULL, NULL},
    {"ftruncate", 1, 1, EIO, ART_IO, "truncate", NULL},
    {"ftruncate", 1, 1, ENOSPC, ART_DISKFULL, "truncate", NULL},
    {"ftruncate", 1, 3, EINTR, 0, NULL, NULL},
    {"fsync", 1, 1, EIO, ART_IO, "sync_directory", NULL},
    {"fsync", 1, 3, EINTR, 0, NULL, NULL},
    {"fsync", 1, 1, EINVAL, 0, NULL, NULL},
    {"stat", 1, 1, EACCES, ART_IO, "stat", NULL},
    {"unlink", 1, 1, EACCES, ART_IO, "remove", NULL},
};

static const struct expectation by_pwrite[] = {
    {"pwrite", 1, 1, EIO, ART_IO, "write", NULL},
    {"pwrite", 4, 1, EIO, ART_IO, "write", NULL},
    {"pwrite", REQUESTS, 1, ENOSPC, ART_DISKFULL, "write", NULL},
    {"pwrite", 2, 1, EDQUOT, ART_DISKFULL, "write", NULL},
    {"pwrite", 2, 1, EFBIG, ART_IO, "write", NULL},
    {"pwrite", 2, 1, ENOMEM, ART_NOMEM, "write", NULL},
    {"pwrite", 2, 1, EROFS, ART_READONLY, "write", NULL},
    {"pwrite", 2, 5, EINTR, 0, NULL, NULL},
    {"pwrite", 2, 5, EAGAIN, 0, NULL, NULL},
    {"pwrite", 1, 100, EAGAIN, ART_IO, "write", NULL},
    {"pwrite", 2, 5, FAULT_ZERO, 0, NULL, NULL},
    {"pwrite", 1, 100, FAULT_ZERO, ART_IO, "write", NULL},
    {"pread", 1, 1, EIO, ART_IO, "read", NULL},
    {"pread", REQUESTS, 1, EIO, ART_IO, "read", NULL},
    {"pread", REQUESTS + 1, 1, EIO, ART_IO, "read_one", NULL},
    {"pread", 2, 5, FAULT_ZERO, 0, NULL, NULL},
    {"pread", 1, 100, FAULT_ZERO, ART_IO, "read", NULL},
};

static const struct expectation by_uring[] = {
    {"ring_result", 1, 1, EIO, ART_IO, "write", "uring"},
    {"ring_result", 4, 1, EIO, ART_IO, "write", "uring"},
    {"ring_result", 1, REQUESTS, EIO, ART_IO, "write", "uring"},
    {"ring_result", REQUESTS, 1, ENOSPC, ART_DISKFULL, "write", "uring"},
    {"ring_result", 2, 1, EDQUOT, ART_DISKFULL, "write", "uring"},
    {"ring_result", 2, 1, EFBIG, ART_IO, "write", "uring"},
    {"ring_result", 2, 1, ENOMEM, 0, NULL, "pwrite"}, /* whatever is not the device's */
    {"ring_result", 1, UINT_MAX, ECANCELED, 0, NULL, "pwrite"},
    {"ring_result", 3, UINT_MAX, ECANCELED, 0, NULL, "pwrite"},
    {"ring_result", REQUESTS, UINT_MAX, ECANCELED, 0, NULL, "pwrite"},
    {"ring_result", REQUESTS + 2, UINT_MAX, ECANCELED, 0, NULL, "pwrite"},
    {"ring_result", 1, 1, EPERM, 0, NULL, "pwrite"},
    {"ring_result", REQUESTS + 1, 1, EOPNOTSUPP, 0, NULL, "pwrite"},
    {"ring_result", 2, 5, EINTR, 0, NULL, "uring"},
    {"ring_result", 2, 5, EAGAIN, 0, NULL, "uring"},
    {"ring_result", 2, 5, ECANCELED, 0, NULL, "uring"},
    {"ring_result", 1, 5, FAULT_ZERO, 0, NULL, "uring"},
    {"ring_result", 1, UINT_MAX, FAULT_ZERO, 0, NULL, "pwrite"},
    {"ring_result", 1, UINT_MAX, EAGAIN, 0, NULL, "pwrite"},
    {"ring_result", REQUESTS + 1, 1, EIO, ART_IO, "read", "uring"},
    {"ring_result", 2 * REQUESTS, 1, EIO, ART_IO, "read", "uring"},
    {"ring_result", REQUESTS + 2, 3, FAULT_ZERO, 0, NULL, "uring"},
    {"pread", 1, 1, EIO, ART_IO, "read_one", "uring"},
    {"ring_init", 1, 1, EPERM, 0, NULL, "pwrite"},
    {"ring_init", 1, 1, ENOSYS, 0, NULL, "pwrite"},
    {"ring_init", 1, 1, ENOMEM, 0, NULL, "pwrite"},
    {"ring_init", 1, 1, EINVAL, 0, NULL, "pwrite"},
    {"ring_init", 1, 1, EMFILE, 0, NULL, "pwrite"},
    {"ring_register_buffers", 1, 1, ENOMEM, 0, NULL, "uring"},
    {"ring_register_buffers", 1, 3, ENOMEM, 0, NULL, "uring"},
    {"ring_register_buffers", 1, 1, EOPNOTSUPP, 0, NULL, "uring"},
    {"ring_submit", 1, 3, EAGAIN, 0, NULL, "uring"},
    {"ring_submit", 1, 3, EBUSY, 0, NULL, "uring"},
    {"ring_submit", 1, 3, EINTR, 0, NULL, "uring"},
    {"ring_submit", 1, 1, EBADF, 0, NULL, "pwrite"},
    {"ring_submit", 1, 1, EPERM, 0, NULL, "pwrite"},
    {"ring_submit", 1, 1001, EAGAIN, 0, NULL, "pwrite"},
    {"ring_submit_and_wait", 1, 3, EINTR, 0, NULL, "uring"},
    {"ring_submit_and_wait", 1, 1, EBADF, 0, NULL, "pwrite"},
    {"ring_submit_and_wait", 2, 1, EPERM, 0, NULL, "pwrite"},
    /* The kernel may be done when this is heard, and keeps its ring then. One that loses requests is below. */
    {"ring_submit_and_wait", 1, 1, ETIME, 0, NULL, NULL},
};

LOOP_TEST(test_each_shared_fault_surfaces_once_with_pwrite, LENGTH(shared)) {
    live(ART_ENGINE_PWRITE, &shared[_i]);
}

LOOP_TEST(test_each_shared_fault_surfaces_once_with_uring, LENGTH(shared)) {
    if (!io_has_ring("shared faults with uring")) return;
    live(ART_ENGINE_URING, &shared[_i]);
}

LOOP_TEST(test_each_fault_of_pwrite_surfaces_once, LENGTH(by_pwrite)) {
    live(ART_ENGINE_PWRITE, &by_pwrite[_i]);
}

LOOP_TEST(test_each_fault_of_the_ring_surfaces_once, LENGTH(by_uring)) {
    if (!io_has_ring("faults of the ring")) return;
    live(ART_ENGINE_URING, &by_uring[_i]);
    ck_assert(art_io_uring_available()); /* and what was learned from a false refusal is put right */
}

/* With this request goes the rest of the batch, and what is in flight has arrived once. */
TEST(test_what_a_ring_fails_to_do_is_done_without_it_and_counted) {
    if (!io_has_ring("requests that a ring fails to do")) return;
    life_begin(ART_ENGINE_URING);
    must(step_write());
    ck_assert_uint_eq(life.io->ring_failures, 0);
    io_fault("ring_result", 3, UINT_MAX, ECANCELED, 0);
    must(step_write());
    must(step_sync());
    io_fault("ring_init", 1, UINT_MAX, EPERM, 0);
    ck_assert_uint_eq(life.io->ring_failures, REQUESTS - 2);
    ck_assert_str_eq(life.io->engine, "pwrite");
    must(step_read());
    must(step_write());
    ck_assert_uint_eq(io_fault_calls(), 0); /* no other ring is asked for */
}

TEST(test_a_creation_that_fails_leaves_no_file) {
    static const char *const calls[] = {"fstat", "fchmod", "fchown"};
    life_prepare(ART_ENGINE_AUTO);
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        io_fault(calls[i], 1, 1, EIO, 0);
        ck_assert_int_eq(step_create(), ART_CANTOPEN);
        io_fault_nothing();
        ck_assert_int_eq(access(life.path, F_OK), -1);
    }
}

TEST(test_a_file_without_a_second_descriptor_is_read_by_its_first) {
    static const struct {
        const char *call;
        int error;
    } faults[] = {{"open", EACCES}, {"open", EMFILE}, {"fstat", EIO}, {"set_flags", EPERM}};
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        life_prepare(ART_ENGINE_AUTO);
        if (!has_second_descriptor()) {
            io_skip("a second descriptor", "no direct I/O here");
            return;
        }
        io_fault(faults[i].call, 2, 1, faults[i].error, 0);
        must(step_create());
        ck_assert_uint_eq(io_faults_given(), 1);
        io_fault_nothing();
        ck_assert(!life.io->cached && life.io->direct);
        must(step_write());
        struct art_io_request requests[REQUESTS];
        memset(found, 0, sizeof found);
        batch(requests, found);
        must(art_io_read_from(life.io, requests, REQUESTS, ART_READ_CACHED));
        ck_assert_int_eq(memcmp(data, found, sizeof data), 0);
    }
}

/* ---- short transfers --------------------------------------------------------------------------------------------- */

/* `bytes` at a time, many times over: pages are kept, what is beyond them is moved again. */
static void live_in_pieces(enum art_engine engine, const char *writing, const char *reading, uint32_t bytes) {
    life_prepare(engine);
    must(art_blob_pool_open(&life.pool, 0));
    must(step_create());
    io_fault(writing, 1, 40, FAULT_SHORT, bytes);
    ck_assert_msg(!step_write(), "%s", art_error_message());
    ck_assert_uint_gt(io_faults_given(), 10);
    ck_assert(!io_fault_saw_misaligned());
    must(step_size());
    io_fault(reading, 1, 40, FAULT_SHORT, bytes);
    ck_assert_msg(!step_read(), "%s", art_error_message());
    ck_assert_uint_gt(io_faults_given(), 10);
    ck_assert(!io_fault_saw_misaligned());
}

LOOP_TEST(test_short_transfers_go_on_at_a_whole_page, 5) {
    static const uint32_t bytes[] = {4096, 5000, 8191, 512, 30000};
    live_in_pieces(ART_ENGINE_PWRITE, "pwrite", "pread", bytes[_i]);
    if (io_has_ring("short transfers of the ring"))
        live_in_pieces(ART_ENGINE_URING, "ring_result", "ring_result", bytes[_i]);
}

static ssize_t full_within_a_page(int fd, const void *bytes, size_t len, off_t offset) {
    errno = ENOSPC;
    return offset % ART_PAGE ? -1 : pwrite(fd, bytes, len < 1024 ? len : 1024, offset);
}

/* A file system whose blocks are smaller than a page takes a part of one, and the same part again and again. */
static void live_where_a_disk_is_full_within_a_page(enum art_engine engine, const char *writing) {
    life_prepare(engine);
    must(art_blob_pool_open(&life.pool, 0));
    must(step_create());
    io_fault(writing, 1, UINT_MAX, FAULT_FULL, 1024);
    if (engine == ART_ENGINE_URING) art_system.pwrite = full_within_a_page;
    enum art_rc rc = step_write();
    io_fault_nothing();
    ck_assert_msg(rc == ART_DISKFULL, "%s: %s", art_error_name(rc), art_error_message());
    ck_assert_ptr_nonnull(strstr(art_error_message(), "make room on its file system"));
    ck_assert_msg(!step_write() && !step_read(), "%s", art_error_message()); /* there is room again */
}

TEST(test_a_disk_that_is_full_within_a_page_is_full) {
    live_where_a_disk_is_full_within_a_page(ART_ENGINE_PWRITE, "pwrite");
    if (io_has_ring("a disk that is full within a page"))
        live_where_a_disk_is_full_within_a_page(ART_ENGINE_URING, "ring_result");
}

/* The rest of the page is taken if it is asked for, and whole pages behind it: that is progress. */
static ssize_t take_a_part_of_each_page(int fd, const void *bytes, size_t len, off_t offset) {
    size_t most = offset % ART_PAGE ? 2 * ART_PAGE - 1024 : 1024;
    return pwrite(fd, bytes, len < most ? len : most, offset);
}

TEST(test_a_write_that_goes_on_within_a_page_is_done) {
    life_begin(ART_ENGINE_PWRITE);
    art_system.pwrite = take_a_part_of_each_page;
    ck_assert_msg(!step_write(), "%s", art_error_message());
    art_system_reset();
    ck_assert_msg(!step_read(), "%s", art_error_message());
}

/* ---- errors of writes in flight ---------------------------------------------------------------------------------- */

TEST(test_a_write_that_failed_in_flight_is_told_by_the_sync_if_nobody_waited) {
    if (!io_has_ring("writes in flight")) return;
    struct art_io_request requests[REQUESTS];
    batch(requests, data);
    life_begin(ART_ENGINE_URING);
    io_fault("ring_result", 3, 2, EIO, 0);
    must(art_io_write(life.io, requests, REQUESTS));
    uint64_t size;
    ck_assert_int_eq(life.io->methods->size(life.io, &size), ART_OK); /* waits, but it is not size() that tells */
    ck_assert_int_eq(art_io_sync(life.io), ART_IO);
    ck_assert_ptr_nonnull(strstr(art_error_message(), "cannot write"));
    must(art_io_wait(life.io));
    ck_assert_int_eq(art_io_sync(life.io), ART_OK); /* a failed write is not a failed sync */
    io_fault("ring_result", 1, 1, ENOSPC, 0);
    must(art_io_write(life.io, requests, REQUESTS));
    must(life.io->methods->size(life.io, &size));
    ck_assert_int_eq(art_io_write(life.io, requests, REQUESTS), ART_DISKFULL);
    must(art_io_write(life.io, requests, REQUESTS));
    io_fault_nothing();
    must(art_io_wait(life.io));
}

/* A completion that came just behind an interrupted wait was taken, and then waited for once more, for ever. */
TEST(test_an_interrupted_wait_waits_for_nothing_that_has_come) {
    if (!io_has_ring("interrupted waits")) return;
    struct art_io_request requests[REQUESTS];
    batch(requests, data);
    life_begin(ART_ENGINE_URING);
    for (unsigned i = 0; i < 4000; i++) {
        io_fault("ring_submit_and_wait", 1, i % 8 ? UINT_MAX : 1, EINTR, 0);
        must(art_io_write(life.io, requests, 1 + i % 2));
        must(art_io_wait(life.io));
        io_fault_nothing();
    }
}

/* What a ring makes of each fault must not depend on what was asked of it before. */
TEST(test_a_file_whose_ring_broke_goes_on_by_pwrite) {
    if (!io_has_ring("a broken ring")) return;
    struct art_io_request requests[REQUESTS];
    batch(requests, data);
    life_begin(ART_ENGINE_URING);
    ck_assert_int_eq(art_io_write(life.io, requests, REQUESTS), ART_OK); /* these are in flight when it breaks */
    io_fault("ring_submit", 1, 1, ENXIO, 0);
    for (unsigned i = 0; i < REQUESTS; i++) requests[i].offset += sizeof data;
    must(art_io_write(life.io, requests, REQUESTS));
    io_fault_nothing();
    must(art_io_wait(life.io));
    ck_assert_str_eq(life.io->engine, "pwrite");
    for (unsigned part = 0; part < 2; part++) {
        batch(requests, found);
        for (unsigned i = 0; i < REQUESTS; i++) requests[i].offset += part * sizeof data;
        memset(found, 0xff, sizeof found);
        must(art_io_read(life.io, requests, REQUESTS));
        ck_assert_int_eq(memcmp(data, found, sizeof data), 0);
    }
    must(step_write());
    must(art_io_sync(life.io));
}

#ifdef ART_HAVE_URING
static int silent[2]; /* a pipe into which nobody writes */
static unsigned handed_over;

/* Every second request waits for what never comes: so does one that a kernel has lost. */
static int lose_and_submit(struct io_uring *ring) {
    for (unsigned at = ring->sq.sqe_head; at != ring->sq.sqe_tail; at++) {
        struct io_uring_sqe *entry = &ring->sq.sqes[at & *ring->sq.kring_mask];
        uint64_t op = entry->user_data;
        if (handed_over++ % 2) continue;
        io_uring_prep_poll_add(entry, silent[0], POLLIN);
        io_uring_sqe_set_data64(entry, op);
    }
    return io_uring_submit(ring);
}

static int wait_a_moment(struct io_uring *ring, unsigned completions) {
    struct __kernel_timespec limit = {.tv_nsec = 50000000};
    struct io_uring_cqe *first;
    int taken = lose_and_submit(ring), rc = io_uring_wait_cqes(ring, &first, completions, &limit, NULL);
    return rc < 0 && taken <= 0 ? rc : taken;
}

static void begin_to_lose(void) {
    art_system.ring_submit = lose_and_submit;
    art_system.ring_submit_and_wait = wait_a_moment;
}

/* Of another descriptor of that file, once it has read. */
static void expect_engine(const char *engine) {
    struct art_file_options options = {.path = life.path, .engine = ART_ENGINE_AUTO};
    struct art_io_request requests[REQUESTS];
    struct art_io *other;
    must(art_disk_system()->methods->open(art_disk_system(), &options, &other));
    batch(requests, found);
    must(art_io_read(other, requests, REQUESTS));
    ck_assert_str_eq(other->engine, engine);
    art_io_close(other);
}

/* Writes, or reads. */
LOOP_TEST(test_what_the_kernel_loses_is_asked_back_and_done_without_the_ring, 2) {
    if (!io_has_ring("lost requests")) return;
    struct art_io_request requests[REQUESTS];
    ck_assert_int_eq(pipe(silent), 0);
    life_begin(ART_ENGINE_URING);
    must(step_write());
    ck_assert_str_eq(life.io->engine, "uring");
    if (!_i) begin_to_lose();
    must(step_write());
    if (_i) begin_to_lose();
    batch(requests, found);
    memset(found, 0, sizeof found);
    must(art_io_read(life.io, requests, REQUESTS));
    ck_assert_int_eq(memcmp(data, found, sizeof data), 0);
    ck_assert_str_eq(life.io->engine, "pwrite");
    ck_assert_uint_ge(life.io->ring_failures, REQUESTS / 2);
    ck_assert_uint_eq(life.io->ring_stalls, 1);
    art_system_reset();
    expect_engine("pwrite");      /* opened again, too */
    life_begin(ART_ENGINE_URING); /* a file of the same name, and maybe the same inode */
    must(step_write());
    ck_assert_str_eq(life.io->engine, "uring");
    expect_engine("uring");
    close(silent[0]);
    close(silent[1]);
}
#endif

/* Nothing is waited for when it starts; what fails on its way is read once more. */
LOOP_TEST(test_a_reading_waits_for_nothing_and_survives_the_ring, 7) {
    static const struct {
        const char *call;
        int error;
    } faults[] = {{"", 0},
                  {"ring_result", EIO},
                  {"ring_submit", ENXIO},
                  {"ring_submit", EAGAIN},
                  {"ring_init", EPERM},
                  {"ring_result", EAGAIN},
                  {"ring_result", FAULT_SHORT}};
    if (!io_has_ring("readings")) return;
    struct art_io_request requests[REQUESTS];
    struct art_io_reading readings[REQUESTS / 2];
    life_begin(ART_ENGINE_URING);
    must(step_write());
    art_io_close(life.io);
    struct art_file_options options = {.path = life.path, .engine = ART_ENGINE_URING};
    must(art_disk_system()->methods->open(art_disk_system(), &options, &life.io));
    batch(requests, found);
    memset(found, 0, sizeof found);
    io_fault(faults[_i].call, 1, 1, faults[_i].error, ART_PAGE);
    for (unsigned i = 0; i < REQUESTS / 2; i++) {
        readings[i] = (struct art_io_reading){.requests = {requests[2 * i], requests[2 * i + 1]}, .count = 2};
        art_io_read_start(life.io, &readings[i]);
    }
    if (!_i) {
        ck_assert_uint_eq(io_fault_count("ring_submit_and_wait"), 0);
        ck_assert_uint_eq(io_fault_count("ring_submit"), REQUESTS / 2);
        ck_assert_uint_eq(io_fault_count("pread"), 0);
    }
    for (unsigned i = 0; i < REQUESTS / 2; i++) must(art_io_read_finish(life.io, &readings[i]));
    ck_assert_uint_eq(io_faults_given(), _i ? 1 : 0);
    if (!_i) ck_assert_uint_eq(io_fault_count("pread"), 0);
    io_fault_nothing();
    ck_assert_int_eq(memcmp(data, found, sizeof data), 0);
}

TEST(test_a_write_waits_for_a_reading_that_is_tried_again) {
    if (!io_has_ring("overlapped readings")) return;
    life_begin(ART_ENGINE_URING);
    for (unsigned round = 0; round < 20; round++) {
        must(step_write());
        struct art_io_reading reading = {.requests = {{found[0], sizeof found[0], 0}}, .count = 1};
        static _Alignas(4096) uint8_t other[sizeof data[0]];
        struct art_io_request write = {other, sizeof other, 0};
        memset(other, 0xcc, sizeof other);
        io_fault("ring_result", 1, 3, EAGAIN, 0);
        art_io_read_start(life.io, &reading);
        ck_assert(reading.started);
        must(art_io_write(life.io, &write, 1));
        must(art_io_wait(life.io));
        must(art_io_read_finish(life.io, &reading));
        io_fault_nothing();
        ck_assert_int_eq(memcmp(found[0], data[0], sizeof data[0]), 0);
    }
}

SUITE("io_faults", .seconds = 120, .tear_down = life_end)
