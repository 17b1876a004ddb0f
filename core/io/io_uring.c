/* The engine with a ring: batches of reads and writes in flight together.
 *
 * A file gets its ring with the first batch that profits from one (any write, two reads or more); a single read is a
 * pread. Up to DEPTH requests are in flight, each in an `ops` entry whose number is the ring's user data:
 *
 *   start_op()      takes a free entry and prepares it         (none free: waits for a completion first)
 *   submit()     hands what is prepared to the kernel, and waits for completions if asked to
 *   reap()       takes completions: done, failed, or prepared again (io_transfer.c decides)
 *
 * Reads are waited for within read_batch(), or stay in flight from read_start() to read_wait(); writes stay in flight
 * until write_wait(), sync() or whatever needs them done. A read or write that overlaps a write in flight waits for
 * it, and so does a write that overlaps a read.
 *
 * The file's descriptors are registered with the ring, and so are the first slots of the pool's slab where the kernel
 * lets us pin them; requests inside that range use it, others do not.
 *
 * Where the kernel refuses a ring, the file becomes one of io_pwrite.c's, for good and silently; `engine` tells. The
 * same happens when a ring stops taking requests: what it has is waited for, what it has not taken goes through
 * pwrite.
 *
 * No ring is bound to a thread (no SINGLE_ISSUER, no COOP_TASKRUN): a connection may move between threads.
 */
#ifndef ART_HAVE_URING

#include <stddef.h>

#include "core/io/io_file.h"

bool art_io_uring_available(void) {
    return false;
}

bool art_ring_expected(void) {
    return false;
}

struct art_file *art_ring_file_new(void) {
    return NULL;
}

#else

#include <errno.h>
#include <liburing.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/blob_pool.h"
#include "core/io/io_file.h"
#include "core/io/io_request.h"
#include "core/io/io_system.h"

enum {
    DEPTH = 32,
    REGISTERED_SLOTS_MAX = 32, /* 16 MB: registering touches and pins it all */
    SUBMIT_TRIES_MAX = 1000
};

struct ring_file {
    struct art_file file;
    struct io_uring ring;
    bool made;
    bool broken; /* takes no more requests; goes when nothing is in flight */
    bool file_registered;
    bool read_failed;
    uint8_t *registered; /* the part of the slab that the ring knows as buffer 0 */
    size_t registered_len;
    unsigned in_flight[2]; /* reads that are waited for, writes: started and not finished */
    unsigned ahead;        /* reads that nobody waits for yet */
    unsigned free_count, prepared_count;
    uint8_t free[DEPTH];
    uint8_t prepared[DEPTH]; /* in order; the kernel has not taken them yet */
    struct art_transfer ops[DEPTH];
    struct art_io_reading *readings[DEPTH]; /* that the op belongs to; NULL: to a batch */
    struct art_transfer failed_read;
};

/* ---- is there a ring? -------------------------------------------------------------------------------------------- */

/* ThreadSanitizer does not see the library's mmap() and munmap(). A ring that gets the addresses of a closed one, which
 * was another thread's, would look like a race between the two. */
#if defined(__SANITIZE_THREAD__)
#define ART_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ART_TSAN 1
#endif
#endif
#ifdef ART_TSAN
#include <sanitizer/tsan_interface.h>
static char ring_addresses;
#define ADDRESSES_TAKEN()    __tsan_acquire(&ring_addresses)
#define ADDRESSES_GIVEN_UP() __tsan_release(&ring_addresses)
#else
#define ADDRESSES_TAKEN()    ((void)0)
#define ADDRESSES_GIVEN_UP() ((void)0)
#endif

enum { UNKNOWN, GIVEN, REFUSED };
static _Atomic int knowledge;

/* Only what will not change is remembered: a lack of memory or descriptors may pass. */
static void remember(int result) {
    if (result >= 0) {
        atomic_store(&knowledge, GIVEN);
    } else if (result == -EPERM || result == -EACCES || result == -ENOSYS || result == -EINVAL) {
        atomic_store(&knowledge, REFUSED);
    }
}

static void exit_ring(struct io_uring *ring) {
    ADDRESSES_GIVEN_UP();
    io_uring_queue_exit(ring);
}

/* A ring that knows plain reads and writes (Linux 5.6). */
static int init_ring(struct io_uring *ring, unsigned depth) {
    int result = art_system.ring_init(depth, ring, 0);
    ADDRESSES_TAKEN();
    if (result >= 0 && !(ring->features & IORING_FEAT_RW_CUR_POS)) {
        exit_ring(ring);
        result = -ENOSYS;
    }
    remember(result);
    return result;
}

bool art_io_uring_available(void) {
    struct io_uring ring;
    if (init_ring(&ring, 1) < 0) return false;
    exit_ring(&ring);
    return true;
}

bool art_ring_expected(void) {
    int known = atomic_load(&knowledge);
    return known == UNKNOWN ? art_io_uring_available() : known == GIVEN;
}

/* ---- making and giving up ---------------------------------------------------------------------------------------- */

/* From Linux 5.13 on; before, a fork() could leave the ring with other pages than the program's. */
static bool may_register_buffers(const struct ring_file *ring) {
    return ring->file.pool && (ring->ring.features & IORING_FEAT_RSRC_TAGS);
}

static void register_slab(struct ring_file *ring) {
    uint32_t slots;
    uint8_t *base;
    art_blob_pool_slab(ring->file.pool, &base, &slots);
    if (slots > REGISTERED_SLOTS_MAX) slots = REGISTERED_SLOTS_MAX;
    if (slots) art_blob_pool_register(ring->file.pool, slots);
    for (; slots; slots /= 2) {
        struct iovec range = {base, (size_t)slots * ART_BLOB_SIZE};
        int result = art_system.ring_register_buffers(&ring->ring, &range, 1);
        if (!result) {
            ring->registered = base;
            ring->registered_len = range.iov_len;
            return;
        }
        if (result != -ENOMEM) return;
    }
}

/* By itself a ring lets go of its file, and of the file's lock, only some time after it was closed. */
static void close_ring(struct ring_file *ring) {
    if (ring->made && ring->file_registered) io_uring_unregister_files(&ring->ring);
    if (ring->made) exit_ring(&ring->ring);
    ring->made = false;
}

static void become_pwrite_file(struct ring_file *ring) {
    close_ring(ring);
    ring->file.engine = NULL;
    ring->file.io.methods = &art_pwrite_methods;
    ring->file.io.engine = "pwrite";
}

/* False: there is none to use; where it was refused, the file is an ordinary one from now on. */
static bool have_ring(struct ring_file *ring) {
    if (!ring->file.engine || ring->broken) return false;
    if (ring->made) return true;
    if (init_ring(&ring->ring, DEPTH) < 0) {
        become_pwrite_file(ring);
        return false;
    }
    ring->made = true;
    int files[] = {[false] = ring->file.fd, [true] = ring->file.read_fd}; /* by art_transfer.cached */
    ring->file_registered = !art_system.ring_register_files(&ring->ring, files, ring->file.io.cached ? 2 : 1);
    if (may_register_buffers(ring)) register_slab(ring);
    for (unsigned i = 0; i < DEPTH; i++) ring->free[i] = (uint8_t)(DEPTH - 1 - i);
    ring->free_count = DEPTH;
    return true;
}

static unsigned all_in_flight(const struct ring_file *ring) {
    return ring->in_flight[false] + ring->in_flight[true] + ring->ahead;
}

static void settle_ring(struct ring_file *ring) {
    if (ring->broken && !all_in_flight(ring)) become_pwrite_file(ring);
}

/* ---- one request ------------------------------------------------------------------------------------------------- */

static void finish_ahead(struct ring_file *ring, struct art_io_reading *reading, enum art_transfer_state state) {
    if (state == ART_TRANSFER_FAILED) reading->failed = true;
    reading->under_way--;
    ring->ahead--;
}

static void finish_op(struct ring_file *ring, unsigned op, enum art_transfer_state state) {
    const struct art_transfer *transfer = &ring->ops[op];
    ring->free[ring->free_count++] = (uint8_t)op;
    if (ring->readings[op]) {
        finish_ahead(ring, ring->readings[op], state);
        return;
    }
    if (state == ART_TRANSFER_FAILED && transfer->writing) {
        art_file_note_failed_write(&ring->file, transfer);
    } else if (state == ART_TRANSFER_FAILED && !ring->read_failed) {
        ring->read_failed = true;
        ring->failed_read = *transfer;
    }
    ring->in_flight[transfer->writing]--;
}

static void prepare_op(struct ring_file *ring, unsigned op) {
    struct art_transfer *transfer = &ring->ops[op];
    /* The queue has as many entries as there are ops, so there is always one; a ring without is of no use. */
    struct io_uring_sqe *entry = ring->broken ? NULL : io_uring_get_sqe(&ring->ring);
    if (!entry) {
        finish_op(ring, op, art_transfer_by_system_call(&ring->file, transfer));
        return;
    }
    int fd = ring->file_registered ? transfer->cached : art_transfer_fd(&ring->file, transfer);
    uintptr_t at = (uintptr_t)transfer->data - (uintptr_t)ring->registered;
    bool registered = at < ring->registered_len && transfer->left <= ring->registered_len - at;
    if (registered && transfer->writing) {
        io_uring_prep_write_fixed(entry, fd, transfer->data, transfer->left, transfer->offset, 0);
    } else if (registered) {
        io_uring_prep_read_fixed(entry, fd, transfer->data, transfer->left, transfer->offset, 0);
    } else if (transfer->writing) {
        io_uring_prep_write(entry, fd, transfer->data, transfer->left, transfer->offset);
    } else {
        io_uring_prep_read(entry, fd, transfer->data, transfer->left, transfer->offset);
    }
    if (ring->file_registered) io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
    io_uring_sqe_set_data64(entry, op);
    ring->prepared[ring->prepared_count++] = (uint8_t)op;
}

/* ---- the kernel's side ------------------------------------------------------------------------------------------- */

static void reap(struct ring_file *ring) {
    struct io_uring_cqe *completion;
    while (all_in_flight(ring) && !io_uring_peek_cqe(&ring->ring, &completion)) {
        unsigned op = (unsigned)io_uring_cqe_get_data64(completion);
        int result = art_system.ring_result(ring->file.fd, &ring->ops[op], completion->res);
        io_uring_cqe_seen(&ring->ring, completion);
        enum art_transfer_state state = art_transfer_advance(&ring->file, &ring->ops[op], result);
        if (state == ART_TRANSFER_AGAIN) {
            prepare_op(ring, op);
        } else {
            finish_op(ring, op, state);
        }
    }
}

/* The ring takes no more: what it has not taken is done here and now. */
static void break_ring(struct ring_file *ring) {
    ring->broken = true;
    for (unsigned i = 0; i < ring->prepared_count; i++) {
        unsigned op = ring->prepared[i];
        finish_op(ring, op, art_transfer_by_system_call(&ring->file, &ring->ops[op]));
    }
    ring->prepared_count = 0;
}

static void taken(struct ring_file *ring, unsigned count) {
    if (count > ring->prepared_count) count = ring->prepared_count;
    ring->prepared_count -= count;
    for (unsigned i = 0; i < ring->prepared_count; i++) ring->prepared[i] = ring->prepared[i + count];
}

/* Hands over what is prepared. With `wait`, returns after that many completions, or earlier; callers look again. */
static void submit(struct ring_file *ring, unsigned wait) {
    for (unsigned tries = 0; !ring->broken && (ring->prepared_count || wait); tries++) {
        int result = wait ? art_system.ring_submit_and_wait(&ring->ring, wait) : art_system.ring_submit(&ring->ring);
        if (result >= 0) {
            taken(ring, (unsigned)result);
            if (wait || !ring->prepared_count) return;
            if (result > 0) tries = 0;
        } else if (result != -EINTR && result != -EAGAIN && result != -EBUSY) {
            break_ring(ring);
        } else if (wait && io_uring_cq_ready(&ring->ring)) {
            return;
        } else {
            if (result == -EINTR && !ring->prepared_count) tries = 0; /* a signal ended nothing but a wait */
            unsigned before = all_in_flight(ring);
            reap(ring);
            if (wait && all_in_flight(ring) < before) return; /* what was to be waited for may be here by now */
            sched_yield();
        }
        if (tries >= SUBMIT_TRIES_MAX && !ring->broken) break_ring(ring);
    }
}

/* Until at least one completion was taken, better `wanted`. Something is in flight. */
static void wait_some(struct ring_file *ring, unsigned wanted) {
    submit(ring, wanted);
    reap(ring);
    if (!ring->broken || !all_in_flight(ring)) return;
    struct io_uring_cqe *completion;
    if (io_uring_wait_cqe(&ring->ring, &completion)) {
        /* Not even waiting is allowed; completions still arrive in shared memory. */
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    reap(ring);
}

static void drain_ring(struct art_file *file) {
    struct ring_file *ring = (struct ring_file *)file;
    while (all_in_flight(ring)) wait_some(ring, all_in_flight(ring));
    settle_ring(ring);
}

static void release_ring(struct art_file *file) {
    close_ring((struct ring_file *)file);
}

/* The ring is the parent's, too, and so is what it has registered. */
static void abandon_ring(struct art_file *file) {
    struct ring_file *ring = (struct ring_file *)file;
    if (ring->made) exit_ring(&ring->ring);
    ring->made = false;
}

static const struct art_file_engine ring_engine = {
    .drain = drain_ring, .release = release_ring, .abandon = abandon_ring};

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* Does one of the requests, reads or writes, have to wait for what is in flight? */
static bool overlaps(const struct ring_file *ring, const struct art_io_request *requests, unsigned count,
                     bool writing) {
    if (!ring->in_flight[true] && !(writing && ring->ahead)) return false;
    bool is_free[DEPTH] = {false};
    for (unsigned i = 0; i < ring->free_count; i++) is_free[ring->free[i]] = true;
    for (unsigned op = 0; op < DEPTH; op++) {
        const struct art_transfer *other = &ring->ops[op];
        if (is_free[op] || !(writing || other->writing)) continue;
        for (unsigned i = 0; i < count; i++) {
            if (requests[i].offset < other->whole_offset + other->whole_len &&
                other->whole_offset < requests[i].offset + requests[i].len) {
                return true;
            }
        }
    }
    return false;
}

/* `reading`: what a read belongs to that is not waited for. */
static void start_op(struct ring_file *ring, const struct art_io_request *request, bool writing, enum art_read from,
                     struct art_io_reading *reading) {
    while (!ring->free_count) wait_some(ring, 1);
    unsigned op = ring->free[--ring->free_count];
    art_transfer_begin(&ring->file, &ring->ops[op], request, writing, from);
    ring->readings[op] = reading;
    if (reading) {
        reading->under_way++;
        ring->ahead++;
    } else {
        ring->in_flight[writing]++;
    }
    prepare_op(ring, op);
}

static enum art_rc ring_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                   enum art_read from) {
    struct ring_file *ring = (struct ring_file *)io;
    enum art_rc rc = art_file_usable(&ring->file, false);
    if (!rc) rc = art_requests_check(io, requests, count);
    if (rc) return rc;
    if (overlaps(ring, requests, count, false)) drain_ring(&ring->file);
    if (count <= 1 || !have_ring(ring)) return art_pwrite_read_batch(io, requests, count, from);
    ring->read_failed = false;
    for (unsigned i = 0; i < count && !ring->read_failed; i++) {
        if (requests[i].len) start_op(ring, &requests[i], false, from, NULL);
    }
    while (ring->in_flight[false]) {
        bool others = all_in_flight(ring) > ring->in_flight[false];
        wait_some(ring, others ? 1 : ring->in_flight[false]);
    }
    settle_ring(ring);
    return ring->read_failed ? art_transfer_error(&ring->file, &ring->failed_read) : ART_OK;
}

/* Starts all of it or nothing. */
static bool ring_read_start(struct art_io *io, struct art_io_reading *reading) {
    struct ring_file *ring = (struct ring_file *)io;
    if (art_file_usable(&ring->file, false) || art_requests_check(io, reading->requests, reading->count)) return false;
    if (overlaps(ring, reading->requests, reading->count, false) || !have_ring(ring)) return false;
    reap(ring);
    if (ring->free_count < reading->count) return false;
    for (unsigned i = 0; i < reading->count; i++) start_op(ring, &reading->requests[i], false, reading->from, reading);
    submit(ring, 0);
    return true;
}

static void ring_read_wait(struct art_io *io, struct art_io_reading *reading) {
    struct ring_file *ring = (struct ring_file *)io;
    reap(ring);
    while (reading->under_way) wait_some(ring, 1);
    settle_ring(ring);
}

/* Buffers go back to the caller together with an error, so nothing is in flight then. */
static enum art_rc report_early(struct ring_file *ring) {
    if (!ring->file.write_failed) return ART_OK;
    drain_ring(&ring->file);
    return art_file_report_writes(&ring->file);
}

static enum art_rc ring_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    struct ring_file *ring = (struct ring_file *)io;
    enum art_rc rc = art_file_usable(&ring->file, true);
    if (!rc) rc = art_requests_check(io, requests, count);
    if (!rc) rc = report_early(ring);
    bool idle = rc || ring->broken || overlaps(ring, requests, count, true);
    if (idle && !ring->file.forked) drain_ring(&ring->file);
    if (rc) return rc;
    if (!have_ring(ring)) return art_pwrite_write_batch(io, requests, count);
    for (unsigned i = 0; i < count && !ring->file.write_failed; i++) {
        if (requests[i].len) start_op(ring, &requests[i], true, ART_READ_DEVICE, NULL);
    }
    submit(ring, 0);
    return report_early(ring);
}

static enum art_rc ring_write_wait(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, false);
    if (rc) return rc;
    drain_ring(file);
    return art_file_report_writes(file);
}

static const struct art_io_methods ring_methods = {
    .read_batch = ring_read_batch,
    .read_start = ring_read_start,
    .read_wait = ring_read_wait,
    .write_batch = ring_write_batch,
    .write_wait = ring_write_wait,
    .peek = art_file_peek,
    .sync = art_file_sync,
    .size = art_file_size,
    .truncate = art_file_truncate,
    .identity = art_file_identity,
    .take_rights = art_file_take_rights,
    .give_back = art_file_give_back,
    .clone_range = art_file_clone_range,
    .lock = art_file_lock,
    .unlock = art_file_unlock,
    .close = art_file_close,
};

struct art_file *art_ring_file_new(void) {
    struct ring_file *ring = art_alloc_zeroed(sizeof *ring);
    if (!ring) return NULL;
    ring->file.engine = &ring_engine;
    ring->file.io.methods = &ring_methods;
    ring->file.io.engine = "uring";
    return &ring->file;
}

#endif
