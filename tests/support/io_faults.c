/* Each entry of the table behind a watcher that counts, and strikes when told to. */
#include "tests/support/io_faults.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/io/blob_pool.h"
#include "core/io/io.h"
#include "core/linux/io_system.h"
#include "core/linux/io_transfer.h"

static struct {
    const char *call;
    unsigned first, times, calls, given;
    int error;
    uint32_t bytes;
    bool misaligned;
} fault;

enum { CALLS_MAX = 32 };
static struct {
    const char *name;
    unsigned calls;
} counts[CALLS_MAX]; /* of each call that was made since io_fault(), whichever is to fail */

static struct art_system_calls real;

static void count(const char *call) {
    for (unsigned i = 0; i < CALLS_MAX; i++) {
        if (counts[i].name && strcmp(counts[i].name, call)) continue;
        counts[i].name = call;
        counts[i].calls++;
        return;
    }
}

static bool strikes(const char *call) {
    count(call);
    if (!fault.call || strcmp(fault.call, call)) return false;
    fault.calls++;
    if (fault.calls < fault.first || fault.calls - fault.first >= fault.times) return false;
    fault.given++;
    return true;
}

#define WATCHED(name, parameters, arguments)                                                                           \
    static int watched_##name parameters {                                                                             \
        if (!strikes(#name)) return real.name arguments;                                                               \
        errno = fault.error;                                                                                           \
        return -1;                                                                                                     \
    }

#define WATCHED_RING(name, parameters, arguments)                                                                      \
    static int watched_##name parameters {                                                                             \
        return strikes(#name) ? -fault.error : real.name arguments;                                                    \
    }

/* The descriptor is gone whatever close() says. */
static int watched_close(int fd) {
    bool fails = strikes("close");
    int result = real.close(fd);
    if (!fails) return result;
    errno = fault.error;
    return -1;
}

WATCHED(in_memory, (int fd), (fd))
WATCHED(open, (const char *path, int flags, mode_t mode), (path, flags, mode))
WATCHED(fstat, (int fd, struct stat *out), (fd, out))
WATCHED(stat, (const char *path, struct stat *out), (path, out))
WATCHED(birth, (int fd, const char *path, uint64_t *out), (fd, path, out))
WATCHED(set_flags, (int fd, int flags), (fd, flags))
WATCHED(lock, (int fd, int type), (fd, type))
WATCHED(fchmod, (int fd, mode_t mode), (fd, mode))
WATCHED(fchown, (int fd, uid_t owner, gid_t group), (fd, owner, group))
WATCHED(unlink, (const char *path), (path))

static DIR *watched_opendir(const char *path) {
    if (!strikes("opendir")) return real.opendir(path);
    errno = fault.error;
    return NULL;
}

static struct dirent *watched_readdir(DIR *list) {
    if (!strikes("readdir")) return real.readdir(list);
    errno = fault.error;
    return NULL;
}

WATCHED(fsync, (int fd), (fd))

static char unsynced[512];

static int watched_fdatasync(int fd) {
    if (!strikes("fdatasync")) return real.fdatasync(fd);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, unsynced, sizeof unsynced - 1);
    unsynced[length > 0 ? length : 0] = 0;
    errno = fault.error;
    return -1;
}

WATCHED(ftruncate, (int fd, off_t length), (fd, length))
WATCHED(punch, (int fd, off_t offset, off_t len), (fd, offset, len))

static off_t watched_next_data(int fd, off_t offset) {
    if (!strikes("next_data")) return real.next_data(fd, offset);
    errno = fault.error;
    return -1;
}

WATCHED(clone_range, (int to, int from, uint64_t offset, uint64_t len), (to, from, offset, len))
WATCHED_RING(ring_init, (unsigned entries, struct io_uring *ring, unsigned flags), (entries, ring, flags))
WATCHED_RING(ring_register_buffers, (struct io_uring * ring, const struct iovec *ranges, unsigned count),
             (ring, ranges, count))
WATCHED_RING(ring_submit, (struct io_uring * ring), (ring))
WATCHED_RING(ring_submit_and_wait, (struct io_uring * ring, unsigned completions), (ring, completions))

/* FAULT_SHORT carries its number of bytes here, any other error asks for a file system with that alignment. */
static int watched_direct_alignment(int fd, uint32_t *memory, uint32_t *offset) {
    if (!strikes("direct_alignment")) return real.direct_alignment(fd, memory, offset);
    if (fault.error != FAULT_SHORT) {
        errno = fault.error;
        return -1;
    }
    *memory = *offset = fault.bytes;
    return 0;
}

static ssize_t own_up(ssize_t result) {
    if (fault.error == FAULT_ZERO) return 0;
    return result < (ssize_t)fault.bytes ? result : (ssize_t)fault.bytes;
}

static void look(const void *data, size_t len, off_t offset) {
    if (((uintptr_t)data | len | (uintptr_t)offset) % ART_PAGE) fault.misaligned = fault.error != FAULT_FULL;
}

#define WATCHED_TRANSFER(name, type)                                                                                   \
    static ssize_t watched_##name(int fd, type data, size_t len, off_t offset) {                                       \
        look(data, len, offset);                                                                                       \
        if (!strikes(#name)) return real.name(fd, data, len, offset);                                                  \
        bool full = fault.error == FAULT_FULL && offset % ART_PAGE;                                                    \
        if (fault.error < 0 && !full) return own_up(real.name(fd, data, len, offset));                                 \
        errno = full ? ENOSPC : fault.error;                                                                           \
        return -1;                                                                                                     \
    }

WATCHED_TRANSFER(pread, void *)
WATCHED_TRANSFER(pread_present, void *)
WATCHED_TRANSFER(pwrite, const void *)

/* What the completion speaks of was done by now; the bytes that an error leaves are nobody's. */
static void spoil(int fd, const struct art_transfer *transfer) {
    enum { PATTERN = 0x5a };
    static _Alignas(ART_PAGE) uint8_t nobodys[ART_BLOB_SIZE];
    if (!transfer->writing) {
        memset(transfer->data, PATTERN, transfer->left);
        return;
    }
    memset(nobodys, PATTERN, sizeof nobodys);
    if (real.pwrite(fd, nobodys, transfer->left, (off_t)transfer->offset) < 0) abort();
}

static int watched_ring_result(int fd, const struct art_transfer *transfer, int result) {
    if (!strikes("ring_result")) return result;
    if (fault.error < 0) return (int)own_up(result);
    if (result > 0) spoil(fd, transfer);
    return -fault.error;
}

static bool skip_syncs, copy_clones;

static int sync_nothing(int fd) {
    (void)fd;
    return 0;
}

/* As a file system that shares blocks shows it, and not through the table: the bytes are there, and nobody has written
 * them. */
static int clone_by_copying(int to, int from, uint64_t offset, uint64_t len) {
    static _Alignas(ART_PAGE) uint8_t bytes[ART_BLOB_SIZE];
    if (offset % ART_BLOB_SIZE || len != ART_BLOB_SIZE) {
        errno = EINVAL;
        return -1;
    }
    if (pread(from, bytes, len, (off_t)offset) != (ssize_t)len) return -1;
    return pwrite(to, bytes, len, (off_t)offset) == (ssize_t)len ? 0 : -1;
}

static void reset(void) {
    art_system_reset();
    if (skip_syncs) art_system.fsync = art_system.fdatasync = sync_nothing;
    if (copy_clones) art_system.clone_range = clone_by_copying;
}

void io_fault_copy_clones(bool copy) {
    copy_clones = copy;
    reset();
}

void io_fault_skip_syncs(void) {
    skip_syncs = true;
    reset();
}

void io_fault(const char *call, unsigned nth, unsigned times, int error, uint32_t bytes) {
    reset();
    real = art_system;
    memset(&fault, 0, sizeof fault);
    memset(counts, 0, sizeof counts);
    unsynced[0] = 0;
    fault.call = call;
    fault.first = nth;
    fault.times = times;
    fault.error = error;
    fault.bytes = bytes;
    art_system = (struct art_system_calls){
        .open = watched_open,
        .close = watched_close,
        .fstat = watched_fstat,
        .stat = watched_stat,
        .birth = watched_birth,
        .direct_alignment = watched_direct_alignment,
        .in_memory = watched_in_memory,
        .set_flags = watched_set_flags,
        .lock = watched_lock,
        .fchmod = watched_fchmod,
        .fchown = watched_fchown,
        .unlink = watched_unlink,
        .opendir = watched_opendir,
        .readdir = watched_readdir,
        .fsync = watched_fsync,
        .fdatasync = watched_fdatasync,
        .ftruncate = watched_ftruncate,
        .punch = watched_punch,
        .next_data = watched_next_data,
        .clone_range = watched_clone_range,
        .pread = watched_pread,
        .pread_present = watched_pread_present,
        .pwrite = watched_pwrite,
        .ring_init = watched_ring_init,
        .ring_register_buffers = watched_ring_register_buffers,
        .ring_submit = watched_ring_submit,
        .ring_submit_and_wait = watched_ring_submit_and_wait,
        .ring_result = watched_ring_result,
    };
}

void io_fault_nothing(void) {
    reset();
    memset(&fault, 0, sizeof fault);
}

unsigned io_fault_count(const char *call) {
    for (unsigned i = 0; i < CALLS_MAX && counts[i].name; i++) {
        if (!strcmp(counts[i].name, call)) return counts[i].calls;
    }
    return 0;
}

const char *io_fault_unsynced(void) {
    return unsynced;
}

unsigned io_fault_calls(void) {
    return fault.calls;
}

unsigned io_faults_given(void) {
    return fault.given;
}

bool io_fault_saw_misaligned(void) {
    return fault.misaligned;
}
