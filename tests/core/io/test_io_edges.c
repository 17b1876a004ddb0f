/* core/io at its edges: kernels whose ring can less, a ring that takes requests by and by or not at all, names below
 * what is no folder, and sizes that no file has.
 */
#include <limits.h>
#include <unistd.h>

#ifdef ART_HAVE_URING
#include <liburing.h>
#endif

#include "core/linux/io_system.h"
#include "tests/support/io_faults.h"
#include "tests/support/io_modes.h"
#include "tests/support/must.h"
#include "tests/support/suite.h"

enum { REQUESTS = IO_ROUND_TRIP };

static char path[512];
static struct art_blob_pool *pool; /* NULL: none */
static struct art_io *io;

static void name_file(const char *test) {
    snprintf(path, sizeof path, "%s/%s.%ld.art", io_directory(), test, (long)getpid());
    unlink(path);
}

static void end(void) {
    art_io_close(io);
    art_blob_pool_close(pool);
    unlink(path);
    io = NULL;
    pool = NULL;
}

/* A new file of this name, and a pool of so many slots. */
static void begin(const char *test, enum art_engine engine, unsigned slots) {
    end();
    name_file(test);
    if (slots) must(art_blob_pool_open(&pool, slots));
    must(io_file_open(path, engine, ART_DIRECT_AUTO, true, pool, &io));
}

/* --- rings that can less ------------------------------------------------------------------------------------------ */

#ifdef ART_HAVE_URING

static unsigned lacking;
static int (*real_init)(unsigned entries, struct io_uring *ring, unsigned flags);
static int (*real_submit)(struct io_uring *ring);
static unsigned nothing_taken;

static int old_kernel(unsigned entries, struct io_uring *ring, unsigned flags) {
    int result = real_init(entries, ring, flags);
    if (result >= 0) ring->features &= ~lacking;
    return result;
}

/* The kernel looks, and takes nothing this time. */
static int take_nothing(struct io_uring *ring) {
    if (!nothing_taken) return real_submit(ring);
    nothing_taken--;
    return 0;
}

static void life_with_ring(const char *engine) {
    begin("ring", ART_ENGINE_URING, 16);
    ck_assert(io_round_trip(io, pool, 1));
    ck_assert(io_round_trip(io, pool, 2));
    ck_assert_str_eq(io->engine, engine);
}

TEST(test_a_ring_of_an_older_kernel_is_used_as_far_as_it_goes) {
    if (!io_has_ring("older rings")) return;
    real_init = art_system.ring_init;
    art_system.ring_init = old_kernel;
    lacking = IORING_FEAT_RSRC_TAGS; /* buffers are not registered then */
    life_with_ring("uring");
    lacking = IORING_FEAT_RW_CUR_POS; /* no plain reads and writes: no ring */
    ck_assert(!art_io_uring_available());
    life_with_ring("pwrite");
    art_system_reset();
    ck_assert(art_io_uring_available()); /* and what was learned is put right */
    life_with_ring("uring");
}

/* Each has a write in flight at the same time, and keeps its ring for that; the files behind the eighth go without. */
TEST(test_more_files_than_rings_are_written_all_the_same) {
    enum { FILES = 12, RINGS = 8 };
    if (!io_has_ring("many rings")) return;
    struct art_io *ios[FILES];
    struct art_blob_buf buffers[FILES];
    must(art_blob_pool_open(&pool, FILES));
    for (int round = 0; round < 3; round++) {
        io_fault("", 0, 0, 0, 0);
        for (int i = 0; i < FILES; i++) {
            name_file("many_rings");
            must(io_file_open(path, ART_ENGINE_URING, ART_DIRECT_AUTO, true, i % 2 == round ? NULL : pool, &ios[i]));
            must(art_blob_buf_get(pool, &buffers[i]));
            memset(buffers[i].data, i + 1, ART_BLOB_SIZE);
            must(art_io_write(ios[i], &(struct art_io_request){buffers[i].data, ART_BLOB_SIZE, 0}, 1));
        }
        if (!round) ck_assert_uint_eq(io_fault_count("ring_init"), RINGS);
        for (int i = 0; i < FILES; i++) {
            must(art_io_wait(ios[i]));
            ck_assert_str_eq(ios[i]->engine, "uring");
            memset(buffers[i].data, 0, ART_BLOB_SIZE);
            must(art_io_read(ios[i], &(struct art_io_request){buffers[i].data, ART_BLOB_SIZE, 0}, 1));
            ck_assert_int_eq(buffers[i].data[ART_BLOB_SIZE - 1], i + 1);
            art_blob_buf_put(&buffers[i]);
            art_io_close(ios[i]);
        }
    }
}

TEST(test_of_a_large_slab_only_the_first_buffers_are_registered) {
    if (!io_has_ring("large slabs")) return;
    struct art_blob_buf held[40], buffer;
    begin("slab", ART_ENGINE_URING, 64);
    ck_assert(io_round_trip(io, pool, 3));
    for (int i = 0; i < 40; i++) must(art_blob_buf_get(pool, &held[i])); /* what comes now is not registered */
    ck_assert(io_round_trip(io, pool, 4));
    must(art_blob_buf_get(pool, &buffer));
    art_blob_buf_put(&buffer);
    for (int i = 0; i < 40; i++) art_blob_buf_put(&held[i]);
    ck_assert_str_eq(io->engine, "uring");
}

TEST(test_a_kernel_that_takes_nothing_is_asked_again_and_then_done_without) {
    if (!io_has_ring("rings that take nothing")) return;
    real_submit = art_system.ring_submit;
    art_system.ring_submit = take_nothing;
    nothing_taken = 20;
    life_with_ring("uring");
    ck_assert_uint_eq(nothing_taken, 0);
    nothing_taken = UINT_MAX;
    life_with_ring("pwrite");
    art_system_reset();
}

/* Reads that come back EAGAIN when the ring has just broken go on by system calls. */
TEST(test_what_was_in_flight_when_the_ring_broke_is_read_all_the_same) {
    if (!io_has_ring("broken rings")) return;
    for (unsigned nth = 1; nth <= 3; nth++) {
        begin("broken", ART_ENGINE_URING, 16);
        ck_assert(io_round_trip(io, pool, 5));
        io_fault("ring_submit_and_wait", nth, UINT_MAX, EBADF, 0);
        ck_assert(io_round_trip(io, pool, 6));
        ck_assert(io_round_trip(io, pool, 7));
        io_fault_nothing();
    }
}

/* A failed read does not wait for requests that were not begun, and the next one goes well. */
TEST(test_a_batch_that_fails_early_leaves_nothing_in_flight) {
    if (!io_has_ring("batches that fail")) return;
    enum { MANY = 100 };
    struct art_io_request requests[MANY];
    struct art_blob_buf buffer;
    begin("early", ART_ENGINE_URING, 16);
    ck_assert(io_round_trip(io, pool, 8));
    must(art_blob_buf_get(pool, &buffer));
    for (int i = 0; i < MANY; i++) {
        uint32_t page = (uint32_t)i * ART_PAGE;
        requests[i] = (struct art_io_request){buffer.data + page, i % 9 == 4 ? 0 : ART_PAGE, page};
    }
    io_fault("ring_result", 1, UINT_MAX, EIO, 0);
    ck_assert_int_eq(art_io_read(io, requests, MANY), ART_IO);
    io_fault_nothing();
    memset(buffer.data, 0, ART_BLOB_SIZE);
    must(art_io_read(io, requests, MANY));
    ck_assert_int_eq(buffer.data[0], 8);
    ck_assert_int_eq(buffer.data[4 * ART_PAGE], 0); /* nothing was asked for here */
    io_fault("ring_result", 1, UINT_MAX, EIO, 0);
    int rc = art_io_write(io, requests, MANY);
    if (!rc) rc = art_io_wait(io);
    ck_assert_int_eq(rc, ART_IO);
    io_fault_nothing();
    must(art_io_wait(io));
    ck_assert(io_round_trip(io, pool, 9));
    art_blob_buf_put(&buffer);
}

#endif

/* --- names and sizes ---------------------------------------------------------------------------------------------- */

TEST(test_a_name_below_a_file_is_missing) {
    struct art_disk *disk = art_disk_system();
    struct art_file_identity identity;
    begin("plain", ART_ENGINE_PWRITE, 0);
    char below[600];
    snprintf(below, sizeof below, "%s/below", path);
    ck_assert_int_eq(disk->methods->stat(disk, below, &identity), ART_MISSING);
    ck_assert_int_eq(disk->methods->remove(disk, below), ART_MISSING);
    struct art_file_options options = {.path = below};
    struct art_io *other;
    ck_assert_int_eq(disk->methods->open(disk, &options, &other), ART_MISSING);
    options.create = true;
    ck_assert_int_eq(disk->methods->open(disk, &options, &other), ART_CANTOPEN);
    ck_assert_ptr_null(other);
    must(io->methods->truncate(io, ART_PAGE));
    uint64_t size;
    must(io->methods->size(io, &size));
    ck_assert_uint_eq(size, ART_PAGE);
}

static int refuse_flags(int fd, int flags) {
    errno = EPERM;
    return -1;
}

TEST(test_a_file_that_cannot_be_turned_to_buffered_io_says_why) {
    static _Alignas(ART_PAGE) uint8_t bytes[ART_PAGE];
    begin("turned", ART_ENGINE_PWRITE, 0);
    if (!io->direct) {
        io_skip("files that cannot be turned", "no direct I/O here");
    } else {
        struct art_io_request request = {bytes, ART_PAGE, 0};
        io_fault("pwrite", 1, 1, EINVAL, 0);
        art_system.set_flags = refuse_flags;
        ck_assert_int_eq(art_io_write(io, &request, 1), ART_IO);
        ck_assert(io->direct);
        io_fault_nothing();
        must(art_io_write(io, &request, 1));
    }
}

int main(void) {
#ifndef ART_HAVE_URING
    io_skip("edges of the ring", "built without liburing");
#endif
    return suite_run("io, edges", .seconds = 60, .tear_down = end);
}
