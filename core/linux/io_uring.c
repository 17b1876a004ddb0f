/* The engine with a ring: batches of reads and writes in flight together.
 *
 * A file borrows a ring of the process while something of its own is in flight: for any write, and for a batch of reads
 * once the process has read some pages in batches. A single read is a pread. Up to DEPTH requests are in flight, each
 * in an `ops` entry whose number is the ring's user data:
 *
 *   have_ring()     borrows one                                  (none free: this batch goes by pread and pwrite)
 *   start_op()      takes a free entry and prepares it           (none free: waits for a completion first)
 *   submit()        hands what is prepared to the kernel, and waits for completions if asked to
 *   reap()          takes completions: done, failed, or prepared again (io_transfer.c decides)
 *   return_ring()   gives the ring back when nothing is in flight
 *
 * Reads are waited for within read_batch(), or stay in flight from read_start() to read_wait(); writes stay in flight
 * until write_wait(), sync() or whatever needs them done. A read or write that overlaps a write in flight waits for
 * it, and so does a write that overlaps a read.
 *
 * Rings for writing know the first slots of the pool's slab (registered buffers) where the kernel lets us pin them;
 * requests inside that range use it, others do not. No ring knows a file when nothing is in flight, so a file, and its
 * lock, ends with its descriptor.
 *
 * Where the kernel refuses a ring, the file becomes one of pread and pwrite, for good and silently; `engine` tells. The
 * same happens when a ring stops taking requests, or fails one for a reason that is not the device's (where threads are
 * refused, ECANCELED): what it has is waited for, what it has not done goes through pread and pwrite, and is counted.
 * So it is where the kernel loses a request (seen with Linux 6.18: taken from the queue, given to no thread, and never
 * completed): what has not come for ten seconds is asked back. What cannot be had back is waited for. The process makes
 * no ring for that file again; others keep theirs.
 *
 * No ring is bound to a thread (no SINGLE_ISSUER, no COOP_TASKRUN): a connection may move between threads.
 */
#ifndef ART_HAVE_URING

#include <stddef.h>

#include "core/linux/io_file.h"

const char *art_io_engines(void) {
    return "pwrite";
}

bool art_io_uring_available(void) {
    return false;
}

bool art_ring_expected(void) {
    return false;
}

struct art_file *art_ring_file_new(void) {
    return NULL;
}

void art_rings_after_fork(void) {
}

void art_rings_forget(const struct art_blob_pool *pool) {
    (void)pool;
}

#else

#include <errno.h>
#include <liburing.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/blob_pool.h"
#include "core/io/io_request.h"
#include "core/linux/io_file.h"
#include "core/linux/io_system.h"

enum {
    DEPTH = 32,                /* eight blobs to be written and eight read ahead, in two requests each */
    REGISTERED_SLOTS_MAX = 32, /* 16 MB: registering touches and pins it all */
    SUBMIT_TRIES_MAX = 1000,
    TRIES_MAX = 8,          /* of one request by a ring, without progress */
    RINGS_MAX = 8,          /* of a process */
    READ_PAGES_FIRST = 256, /* pages that a process reads in batches before it makes a ring for reading */
    ASKED_BACK = DEPTH,     /* the number of no op: of what asks for one */
};

/* A ring of the process. */
struct ring {
    struct io_uring ring;
    struct ring *next;                /* while it is idle */
    const struct art_blob_pool *pool; /* whose slab it was made for; NULL: for reading */
    uint8_t *registered;              /* the part of the slab that it knows as buffer 0 */
    size_t registered_len;
    unsigned free_count, prepared_count;
    uint8_t free[DEPTH];
    uint8_t prepared[DEPTH]; /* in order; the kernel has not taken them yet */
    struct art_transfer ops[DEPTH];
    struct art_io_reading *readings[DEPTH]; /* that the op belongs to; NULL: to a batch */
};

struct ring_file {
    struct art_file file;
    struct ring *ring; /* borrowed; NULL: nothing is in flight */
    bool broken;       /* the ring takes no more requests; it goes when nothing is in flight */
    bool read_failed;
    unsigned in_flight[2]; /* reads that are waited for, writes: started and not finished */
    unsigned ahead;        /* reads that nobody waits for yet */
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

static _Atomic bool rings_refused;

/* Files of which a ring completed nothing for ten seconds: this process uses no ring for them again, by what name one
 * opens them. The device is to blame, or the kernel: with many of them it is the kernel, and there are no rings any
 * more. */
enum { STALLED_MAX = 64 };
static struct art_file_identity stalled[STALLED_MAX]; /* guarded by art_files_lock() */
static _Atomic unsigned stalled_count;

static bool identify(const struct art_file *file, struct art_file_identity *out) {
    struct stat attributes;
    if (art_system.fstat(art_file_any_fd(file), &attributes)) return false;
    art_identity_of(&attributes, art_file_any_fd(file), NULL, out);
    return true;
}

static void note_stall(struct art_file *file) {
    struct art_file_identity own;
    file->io.ring_stalls++;
    bool known = identify(file, &own);
    art_files_lock();
    unsigned count = atomic_load(&stalled_count);
    if (known && count < STALLED_MAX) {
        stalled[count] = own;
        atomic_store(&stalled_count, count + 1);
    } else {
        atomic_store(&rings_refused, true);
    }
    art_files_unlock();
}

static bool has_stalled(const struct art_file *file) {
    struct art_file_identity own;
    bool found = false;
    if (!atomic_load(&stalled_count) || !identify(file, &own)) return false;
    art_files_lock();
    for (unsigned i = 0; i < atomic_load(&stalled_count); i++) {
        const struct art_file_identity *other = &stalled[i];
        found |= other->device == own.device && other->inode == own.inode && other->birth == own.birth;
    }
    art_files_unlock();
    return found;
}

/* Only what will not change is remembered: a lack of memory or descriptors may pass. */
static void remember(int result) {
    if (result >= 0) {
        atomic_store(&rings_refused, false);
    } else if (result == -EPERM || result == -EACCES || result == -ENOSYS || result == -EINVAL) {
        atomic_store(&rings_refused, true);
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

/* A sandbox may kill a process that asks for a ring; its owner can say so. */
static bool kept_out(void) {
    const char *wanted = getenv("ART_IO");
    return wanted && !strcmp(wanted, "pwrite");
}

const char *art_io_engines(void) {
    return "uring, pwrite";
}

bool art_io_uring_available(void) {
    struct io_uring ring;
    if (kept_out() || init_ring(&ring, 1) < 0) return false;
    exit_ring(&ring);
    return true;
}

bool art_ring_expected(void) {
    return !atomic_load(&rings_refused) && !kept_out();
}

/* ---- the rings of the process ------------------------------------------------------------------------------------ */

static struct ring *idle_rings; /* guarded by art_files_lock() */
static unsigned rings;          /* idle and borrowed ones, under the same lock */

/* From Linux 5.13 on; before, a fork() could leave the ring with other pages than the program's. */
static bool may_register_buffers(const struct ring *ring) {
    return ring->pool && (ring->ring.features & IORING_FEAT_RSRC_TAGS);
}

static void register_slab(struct ring *ring, struct art_blob_pool *pool) {
    uint32_t slots;
    uint8_t *base;
    assert(ring->pool == pool && !ring->registered);
    art_blob_pool_slab(pool, &base, &slots);
    if (slots > REGISTERED_SLOTS_MAX) slots = REGISTERED_SLOTS_MAX;
    if (slots) art_blob_pool_register(pool, slots);
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

/* An idle ring that was made for the same buffers; or for others, if there may be no more: it makes room for a new one
 * then. NULL: *make says whether one may be made. */
static struct ring *take_idle(const struct art_blob_pool *pool, bool *make) {
    struct ring **at = &idle_rings, *found = NULL;
    art_files_lock();
    while (*at && (*at)->pool != pool) at = &(*at)->next;
    if (!*at && rings >= RINGS_MAX) at = &idle_rings;
    found = *at;
    if (found) *at = found->next;
    *make = !found && rings < RINGS_MAX;
    rings += *make;
    assert(rings <= RINGS_MAX);
    art_files_unlock();
    return found;
}

static void end_ring(struct ring *ring) {
    exit_ring(&ring->ring);
    art_free(ring);
    art_files_lock();
    assert(rings);
    rings--;
    art_files_unlock();
}

static struct ring *make_ring(struct art_blob_pool *pool, int *result) {
    struct ring *ring = art_alloc_zeroed(sizeof *ring);
    *result = ring ? init_ring(&ring->ring, DEPTH) : -ENOMEM;
    if (*result < 0) {
        art_free(ring);
        art_files_lock();
        assert(rings);
        rings--;
        art_files_unlock();
        return NULL;
    }
    ring->pool = pool;
    if (may_register_buffers(ring)) register_slab(ring, pool);
    for (unsigned i = 0; i < DEPTH; i++) ring->free[i] = (uint8_t)(DEPTH - 1 - i);
    ring->free_count = DEPTH;
    return ring;
}

/* NULL: none now (*result 0), or the kernel has refused one. */
static struct ring *borrow_ring(struct art_blob_pool *pool, int *result) {
    bool make;
    struct ring *ring = take_idle(pool, &make);
    *result = 0;
    if (ring && ring->pool == pool) return ring;
    if (ring) {
        end_ring(ring);
        return borrow_ring(pool, result);
    }
    return make ? make_ring(pool, result) : NULL;
}

/* A borrower of the pool's ring is done with both when the pool is closed. */
void art_rings_forget(const struct art_blob_pool *pool) {
    for (;;) {
        struct ring **at = &idle_rings, *found;
        art_files_lock();
        while (*at && (*at)->pool != pool) at = &(*at)->next;
        found = *at;
        if (found) *at = found->next;
        art_files_unlock();
        if (!found) return;
        end_ring(found);
    }
}

/* The rings are the parent's, too. Memory stays: its allocator may be in any state. */
void art_rings_after_fork(void) {
    for (struct ring *ring = idle_rings; ring; ring = ring->next) exit_ring(&ring->ring);
    idle_rings = NULL;
    rings = 0;
}

/* ---- borrowing and giving up ------------------------------------------------------------------------------------- */

static unsigned all_in_flight(const struct ring_file *ring) {
    return ring->in_flight[false] + ring->in_flight[true] + ring->ahead;
}

static void become_pwrite_file(struct ring_file *ring) {
    assert(!all_in_flight(ring));
    if (ring->ring) end_ring(ring->ring);
    ring->ring = NULL;
    ring->file.engine = NULL;
    ring->file.io.methods = &art_pwrite_methods;
    ring->file.io.engine = "pwrite";
}

/* False: there is none to use; where it was refused, the file is an ordinary one from now on. */
static bool have_ring(struct ring_file *ring) {
    int result = atomic_load(&rings_refused) ? -EPERM : 0;
    if (!ring->file.engine || ring->broken) return false;
    if (!ring->ring && has_stalled(&ring->file)) result = -ETIME;
    if (!ring->ring && !result) ring->ring = borrow_ring(ring->file.pool, &result);
    if (!ring->ring && result < 0) become_pwrite_file(ring);
    return ring->ring != NULL;
}

/* A reader of a few pages asks nothing of the kernel that a sandbox might kill it for. */
static bool have_ring_for(struct ring_file *ring, const struct art_io_request *requests, unsigned count) {
    static _Atomic uint32_t pages_read; /* in batches, until there were enough */
    if (ring->file.io.read_only && !ring->ring &&
        atomic_load_explicit(&pages_read, memory_order_relaxed) < READ_PAGES_FIRST) {
        uint32_t pages = 0;
        for (unsigned i = 0; i < count; i++) pages += requests[i].len / ART_PAGE;
        if (atomic_fetch_add_explicit(&pages_read, pages, memory_order_relaxed) + pages < READ_PAGES_FIRST)
            return false;
    }
    return have_ring(ring);
}

/* Each op is free, or in flight. */
static void assert_ring(const struct ring_file *ring) {
    assert(!ring->ring || ring->ring->free_count + all_in_flight(ring) == DEPTH);
    assert(ring->ring || ring->file.forked || !all_in_flight(ring));
    (void)ring;
}

static void return_ring(struct ring_file *ring) {
    assert_ring(ring);
    if (all_in_flight(ring)) return;
    if (ring->broken) {
        become_pwrite_file(ring);
    } else if (ring->ring) {
        assert(ring->ring->free_count == DEPTH && !ring->ring->prepared_count);
        art_files_lock();
        ring->ring->next = idle_rings;
        idle_rings = ring->ring;
        art_files_unlock();
        ring->ring = NULL;
    }
}

/* ---- one request ------------------------------------------------------------------------------------------------- */

static void finish_op(struct ring_file *ring, unsigned op, enum art_transfer_state state) {
    struct ring *own = ring->ring;
    assert(op < DEPTH && own->free_count < DEPTH);
    const struct art_transfer *transfer = &own->ops[op];
    own->free[own->free_count++] = (uint8_t)op;
    if (own->readings[op]) {
        struct art_io_reading *ahead = own->readings[op];
        assert(ahead->under_way && ring->ahead);
        if (state == ART_TRANSFER_FAILED) ahead->failed = true;
        ahead->under_way--;
        ring->ahead--;
        return;
    }
    if (state == ART_TRANSFER_FAILED && transfer->writing) {
        art_file_note_failed_write(&ring->file, transfer);
    } else if (state == ART_TRANSFER_FAILED && !ring->read_failed) {
        ring->read_failed = true;
        ring->failed_read = *transfer;
    }
    ring->in_flight[transfer->writing]--;
    assert_ring(ring);
}

/* What the ring has not done. */
static void do_without_ring(struct ring_file *ring, unsigned op) {
    struct art_transfer *transfer = &ring->ring->ops[op];
    transfer->fruitless = 0;
    transfer->error = 0;
    ring->file.io.ring_failures++;
    finish_op(ring, op, art_transfer_by_system_call(&ring->file, transfer));
}

static void prepare_op(struct ring_file *ring, unsigned op) {
    struct ring *own = ring->ring;
    struct art_transfer *transfer = &own->ops[op];
    /* The queue has as many entries as there are ops, so there is always one; a ring without is of no use. */
    struct io_uring_sqe *entry = ring->broken ? NULL : io_uring_get_sqe(&own->ring);
    if (!entry) {
        do_without_ring(ring, op);
        return;
    }
    int fd = art_transfer_fd(&ring->file, transfer);
    uintptr_t at = (uintptr_t)transfer->data - (uintptr_t)own->registered;
    assert(own->prepared_count < DEPTH);
    bool registered = at < own->registered_len && transfer->left <= own->registered_len - at;
    if (registered && transfer->writing) {
        io_uring_prep_write_fixed(entry, fd, transfer->data, transfer->left, transfer->offset, 0);
    } else if (registered) {
        io_uring_prep_read_fixed(entry, fd, transfer->data, transfer->left, transfer->offset, 0);
    } else if (transfer->writing) {
        io_uring_prep_write(entry, fd, transfer->data, transfer->left, transfer->offset);
    } else {
        io_uring_prep_read(entry, fd, transfer->data, transfer->left, transfer->offset);
    }
    io_uring_sqe_set_data64(entry, op);
    own->prepared[own->prepared_count++] = (uint8_t)op;
}

/* ---- the kernel's side ------------------------------------------------------------------------------------------- */

/* The ring takes no more: what it has not taken is done here and now. */
static void break_ring(struct ring_file *ring) {
    struct ring *own = ring->ring;
    ring->broken = true;
    for (unsigned i = 0; i < own->prepared_count; i++) do_without_ring(ring, own->prepared[i]);
    own->prepared_count = 0;
}

/* Is that what pread or pwrite would say, too? What the list lacks they are asked for. */
static bool is_the_devices(const struct art_transfer *transfer) {
    switch (transfer->error) {
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return true;
    case EINVAL:
        return transfer->direct;
    default:
        return transfer->past_end;
    }
}

static void reap(struct ring_file *ring) {
    struct io_uring_cqe *completion;
    while (all_in_flight(ring) && !io_uring_peek_cqe(&ring->ring->ring, &completion)) {
        unsigned op = (unsigned)io_uring_cqe_get_data64(completion);
        if (op == ASKED_BACK) {
            io_uring_cqe_seen(&ring->ring->ring, completion);
            continue;
        }
        assert(op < DEPTH);
        struct art_transfer *transfer = &ring->ring->ops[op];
        int fd = art_transfer_fd(&ring->file, transfer);
        int result = art_system.ring_result(fd, transfer, completion->res);
        io_uring_cqe_seen(&ring->ring->ring, completion);
        enum art_transfer_state state = art_transfer_advance(&ring->file, transfer, result);
        bool gives_up = state == ART_TRANSFER_AGAIN ? transfer->fruitless >= TRIES_MAX
                                                    : state == ART_TRANSFER_FAILED && !is_the_devices(transfer);
        if (gives_up && !ring->broken) break_ring(ring);
        if (gives_up) {
            do_without_ring(ring, op);
        } else if (state == ART_TRANSFER_AGAIN) {
            prepare_op(ring, op);
        } else {
            finish_op(ring, op, state);
        }
    }
}

/* What was not begun comes back as cancelled. What was begun, on a slow device, ends as it would have. */
static void ask_back(struct ring_file *ring) {
    struct io_uring *own = &ring->ring->ring;
    struct io_uring_sqe *entry;
    assert(!ring->ring->prepared_count && !ring->broken);
    for (unsigned op = 0; op < DEPTH && (entry = io_uring_get_sqe(own)); op++) {
        io_uring_prep_cancel(entry, (void *)(uintptr_t)op, 0);
        io_uring_sqe_set_data64(entry, ASKED_BACK);
    }
    for (unsigned tries = 0; tries < SUBMIT_TRIES_MAX && io_uring_sq_ready(own); tries++) {
        if (io_uring_submit(own) <= 0) sched_yield();
    }
    note_stall(&ring->file);
    break_ring(ring);
}

/* Hands over what is prepared. With `wait`, returns after that many completions, or earlier; callers look again. */
static void submit(struct ring_file *ring, unsigned wait) {
    struct ring *own = ring->ring;
    assert(own);
    for (unsigned tries = 0; !ring->broken && (own->prepared_count || wait); tries++) {
        int result = wait ? art_system.ring_submit_and_wait(&own->ring, wait) : art_system.ring_submit(&own->ring);
        if (result >= 0) {
            unsigned taken = (unsigned)result < own->prepared_count ? (unsigned)result : own->prepared_count;
            own->prepared_count -= taken;
            for (unsigned i = 0; i < own->prepared_count; i++) own->prepared[i] = own->prepared[i + taken];
            ring->file.io.ring_batches += result > 0;
            if (wait || !own->prepared_count) return;
            if (result > 0) tries = 0;
        } else if (result != -EINTR && result != -EAGAIN && result != -EBUSY && result != -ETIME) {
            break_ring(ring);
        } else if (wait && io_uring_cq_ready(&own->ring)) {
            return;
        } else if (result == -ETIME && !own->prepared_count) {
            ask_back(ring);
        } else {
            if (result == -EINTR && !own->prepared_count) tries = 0; /* a signal ended nothing but a wait */
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
    assert(all_in_flight(ring) && wanted);
    submit(ring, wanted);
    reap(ring);
    assert_ring(ring);
    if (!ring->broken || !all_in_flight(ring)) return;
    struct io_uring_cqe *completion;
    if (io_uring_wait_cqe(&ring->ring->ring, &completion)) {
        /* Not even waiting is allowed; completions still arrive in shared memory. */
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    reap(ring);
}

static void drain_ring(struct art_file *file) {
    struct ring_file *ring = (struct ring_file *)file;
    while (all_in_flight(ring)) wait_some(ring, all_in_flight(ring));
    return_ring(ring);
}

/* The ring is the parent's, too, and so is what it has registered. */
static void abandon_ring(struct art_file *file) {
    struct ring_file *ring = (struct ring_file *)file;
    if (ring->ring) exit_ring(&ring->ring->ring);
    ring->ring = NULL;
    assert(!ring->file.forked);
}

static const struct art_file_engine ring_engine = {.drain = drain_ring, .abandon = abandon_ring};

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* Does one of the requests, reads or writes, have to wait for what is in flight? */
static bool overlaps(const struct ring_file *ring, const struct art_io_request *requests, unsigned count,
                     bool writing) {
    if (!ring->in_flight[true] && !(writing && ring->ahead)) return false;
    const struct ring *own = ring->ring;
    bool is_free[DEPTH] = {false};
    for (unsigned i = 0; i < own->free_count; i++) is_free[own->free[i]] = true;
    for (unsigned op = 0; op < DEPTH; op++) {
        const struct art_transfer *other = &own->ops[op];
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
    struct ring *own = ring->ring;
    assert(request->len);
    while (!own->free_count) wait_some(ring, 1);
    unsigned op = own->free[--own->free_count];
    art_transfer_begin(&ring->file, &own->ops[op], request, writing, from);
    own->readings[op] = reading;
    if (reading) {
        reading->under_way++;
        ring->ahead++;
    } else {
        ring->in_flight[writing]++;
    }
    assert_ring(ring);
    prepare_op(ring, op);
}

static enum art_rc ring_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                   enum art_read from) {
    struct ring_file *ring = (struct ring_file *)io;
    enum art_rc rc = art_file_usable(&ring->file, false);
    if (!rc) rc = art_requests_check(io, requests, count);
    if (rc) return rc;
    if (overlaps(ring, requests, count, false)) drain_ring(&ring->file);
    if (!rc) rc = art_file_prepare_read(&ring->file, from);
    if (rc) return rc;
    if (count <= 1 || !have_ring_for(ring, requests, count)) return art_pwrite_read_batch(io, requests, count, from);
    ring->read_failed = false;
    for (unsigned i = 0; i < count && !ring->read_failed; i++) {
        if (requests[i].len) start_op(ring, &requests[i], false, from, NULL);
    }
    while (ring->in_flight[false]) {
        bool others = all_in_flight(ring) > ring->in_flight[false];
        wait_some(ring, others ? 1 : ring->in_flight[false]);
    }
    return_ring(ring);
    return ring->read_failed ? art_transfer_error(&ring->file, &ring->failed_read) : ART_OK;
}

/* Starts all of it or nothing. */
static bool ring_read_start(struct art_io *io, struct art_io_reading *reading) {
    assert(reading->count && reading->count <= ART_READING_MAX);
    struct ring_file *ring = (struct ring_file *)io;
    if (art_file_usable(&ring->file, false) || art_requests_check(io, reading->requests, reading->count)) return false;
    if (art_file_prepare_read(&ring->file, reading->from)) return false;
    if (overlaps(ring, reading->requests, reading->count, false)) return false;
    if (!have_ring_for(ring, reading->requests, reading->count)) return false;
    reap(ring);
    bool fits = ring->ring->free_count >= reading->count;
    for (unsigned i = 0; fits && i < reading->count; i++) {
        start_op(ring, &reading->requests[i], false, reading->from, reading);
    }
    submit(ring, 0);
    return_ring(ring);
    return fits;
}

static void ring_read_wait(struct art_io *io, struct art_io_reading *reading) {
    struct ring_file *ring = (struct ring_file *)io;
    reap(ring);
    while (reading->under_way) wait_some(ring, 1);
    return_ring(ring);
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
    assert(!((struct ring_file *)io)->ring);
    return art_file_report_writes(file);
}

static const struct art_io_methods ring_methods = {
    .read_batch = ring_read_batch,
    .read_start = ring_read_start,
    .read_wait = ring_read_wait,
    .write_batch = ring_write_batch,
    .write_wait = ring_write_wait,
    ART_FILE_METHODS,
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
