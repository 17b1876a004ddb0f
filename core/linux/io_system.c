/* The table's ordinary entries: thin doors to libc, the kernel and liburing. */
#include "core/linux/io_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifdef ART_HAVE_URING
#include <liburing.h>

#include "core/base/clock.h"
#endif

/* Never 0, 1 or 2: a program that has closed its own may still write to them. */
static int above_standard(int fd) {
    enum { FIRST = STDERR_FILENO + 1 };
    if (fd < 0 || fd >= FIRST) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST), error = errno;
    close(fd);
    errno = error;
    return moved;
}

static int system_open(const char *path, int flags, mode_t mode) {
    int opened = open(path, flags, mode), fd = above_standard(opened), error = errno;
    if (fd < 0 && opened >= 0 && flags & O_CREAT && flags & O_EXCL) unlink(path);
    errno = error;
    return fd;
}

static DIR *system_opendir(const char *path) {
    int fd = system_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    int error = errno;
    if (fd >= 0 && !list) close(fd);
    errno = error;
    return list;
}

/* By their numbers where the kernel's struct stat is the C library's: as functions glibc has them only since 2.33. */
#if defined(__x86_64__) || defined(__aarch64__)
static int system_fstat(int fd, struct stat *out) {
    return (int)syscall(SYS_fstat, fd, out);
}

static int system_stat(const char *path, struct stat *out) {
    return (int)syscall(SYS_newfstatat, AT_FDCWD, path, out, 0);
}
#else
static int system_fstat(int fd, struct stat *out) {
    return fstat(fd, out);
}

static int system_stat(const char *path, struct stat *out) {
    return stat(path, out);
}
#endif

/* The C library's struct statx may be older than STATX_DIOALIGN (Linux 6.1), or not be there (musl 1.2.3). The
 * kernel's layout is fixed: 256 bytes, the fields that are wanted at these places. */
enum {
    STATX_BYTES = 256,
    BIRTH_MASK = 0x800,
    DIOALIGN_MASK = 0x2000,
    MASK_AT = 0,
    BIRTH_AT = 80, /* i64 seconds, u32 nanoseconds */
    DIOALIGN_MEMORY_AT = 152,
    DIOALIGN_OFFSET_AT = 156
};

/* Neither a copy nor another file that got the same inode number later has the same time of birth. */
static int system_birth(int fd, const char *path, uint64_t *out) {
    _Alignas(8) char attributes[STATX_BYTES] = {0};
    uint32_t mask, ns;
    int64_t seconds;
    if (syscall(SYS_statx, path ? AT_FDCWD : fd, path ? path : "", path ? 0 : AT_EMPTY_PATH, BIRTH_MASK, attributes)) {
        return -1;
    }
    memcpy(&mask, attributes + MASK_AT, sizeof mask);
    memcpy(&seconds, attributes + BIRTH_AT, sizeof seconds);
    memcpy(&ns, attributes + BIRTH_AT + sizeof seconds, sizeof ns);
    *out = (uint64_t)seconds * 1000000000 + ns;
    return mask & BIRTH_MASK ? 0 : -1;
}

static int system_direct_alignment(int fd, uint32_t *memory, uint32_t *offset) {
    _Alignas(8) char attributes[STATX_BYTES] = {0};
    uint32_t mask;
    if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, DIOALIGN_MASK, attributes)) return -1;
    memcpy(&mask, attributes + MASK_AT, sizeof mask);
    if (!(mask & DIOALIGN_MASK)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    memcpy(memory, attributes + DIOALIGN_MEMORY_AT, sizeof *memory);
    memcpy(offset, attributes + DIOALIGN_OFFSET_AT, sizeof *offset);
    return 0;
}

static int system_in_memory(int fd) {
    struct statfs attributes;
    if (fstatfs(fd, &attributes)) return -1;
    return attributes.f_type == TMPFS_MAGIC || attributes.f_type == RAMFS_MAGIC;
}

static int system_set_flags(int fd, int flags) {
    return fcntl(fd, F_SETFL, flags);
}

static int system_lock(int fd, int type) {
    struct flock range = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &range);
}

static int system_punch(int fd, off_t offset, off_t len) {
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, len);
}

/* Moves the descriptor's position, which nobody uses. */
static off_t system_next_data(int fd, off_t offset) {
    return lseek(fd, offset, SEEK_DATA);
}

static int system_clone_range(int to, int from, uint64_t offset, uint64_t len) {
    struct file_clone_range range = {from, offset, len, offset};
    return ioctl(to, FICLONERANGE, &range);
}

/* preadv2(RWF_NOWAIT) by its number: not every C library has it. */
static ssize_t system_pread_present(int fd, void *data, size_t len, off_t offset) {
    enum { NOWAIT = 8 };
    struct iovec range = {data, len};
    return syscall(SYS_preadv2, fd, &range, 1UL, (long)offset, 0L, NOWAIT);
}

#ifdef ART_HAVE_URING
static int system_ring_init(unsigned entries, struct io_uring *ring, unsigned flags) {
    int result = io_uring_queue_init(entries, ring, flags);
    if (result < 0) return result;
    int fd = above_standard(ring->ring_fd);
    if (fd >= 0) {
        ring->ring_fd = ring->enter_ring_fd = fd;
        return result;
    }
    result = -errno;
    ring->ring_fd = ring->enter_ring_fd = -1; /* it is closed already; what is mapped goes with the exit */
    io_uring_queue_exit(ring);
    return result;
}

/* Kernels before 5.11 know no limit that is none of the ring's own requests. */
static int system_ring_submit_and_wait(struct io_uring *ring, unsigned completions) {
    struct __kernel_timespec limit = {.tv_sec = 10};
    struct io_uring_cqe *first;
    if (!(ring->features & IORING_FEAT_EXT_ARG)) return io_uring_submit_and_wait(ring, completions);
    int ready = (int)io_uring_sq_ready(ring), taken = io_uring_submit(ring);
    if (taken < ready) return taken;
    uint64_t until = art_clock_ns() + (uint64_t)limit.tv_sec * 1000000000; /* signals do not put it off */
    int rc = -EINTR;
    while (rc == -EINTR && art_clock_ns() < until) rc = io_uring_wait_cqes(ring, &first, completions, &limit, NULL);
    if (rc == -EINTR) rc = -ETIME;
    return rc < 0 && !taken ? rc : taken;
}

static int system_ring_result(int fd, const struct art_transfer *transfer, int result) {
    (void)fd, (void)transfer;
    return result;
}
#endif

#define ORDINARY_CALLS                                                                                                 \
    {                                                                                                                  \
        .open = system_open, .close = close, .fstat = system_fstat, .stat = system_stat, .birth = system_birth,        \
        .direct_alignment = system_direct_alignment, .in_memory = system_in_memory, .set_flags = system_set_flags,     \
        .lock = system_lock, .fchmod = fchmod, .fchown = fchown, .unlink = unlink, .opendir = system_opendir,          \
        .readdir = readdir, .fsync = fsync, .fdatasync = fdatasync, .ftruncate = ftruncate, .punch = system_punch,     \
        .next_data = system_next_data, .clone_range = system_clone_range, .pread = pread, .pwrite = pwrite,            \
        .pread_present = system_pread_present, RING_CALLS                                                              \
    }

#ifdef ART_HAVE_URING
#define RING_CALLS                                                                                                     \
    .ring_init = system_ring_init, .ring_register_buffers = io_uring_register_buffers, .ring_submit = io_uring_submit, \
    .ring_submit_and_wait = system_ring_submit_and_wait, .ring_result = system_ring_result
#else
#define RING_CALLS .ring_init = NULL
#endif

static const struct art_system_calls ordinary = ORDINARY_CALLS;
struct art_system_calls art_system = ORDINARY_CALLS;

void art_system_reset(void) {
    art_system = ordinary;
}
