/* The system calls that core/io makes, as a table, so that tests can make any of them fail, fall short or return
 * nothing on the n-th call. Private to core/io and its tests.
 *
 * Entries behave as the calls that they are named after: -1 and errno, or for the ring's a negative errno. Without
 * liburing the ring's entries are NULL. No descriptor that comes out of the table is 0, 1 or 2.
 */
#ifndef ART_IO_SYSTEM_H
#define ART_IO_SYSTEM_H

#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct art_transfer;
struct io_uring;
struct iovec;

struct art_system_calls {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    int (*fstat)(int fd, struct stat *out);
    int (*stat)(const char *path, struct stat *out);
    /* When the file of `path` (NULL: of `fd`) was made, in ns since 1970; -1 where the file system does not keep it. */
    int (*birth)(int fd, const char *path, uint64_t *out);
    /* What O_DIRECT asks of addresses and offsets, in bytes: 0 is "not at all possible". -1 when nobody can say. */
    int (*direct_alignment)(int fd, uint32_t *memory, uint32_t *offset);
    /* Is what the file system holds memory anyway (tmpfs, ramfs)? 1, 0, or -1 when that is unknown. */
    int (*in_memory)(int fd);
    int (*set_flags)(int fd, int flags); /* fcntl(F_SETFL) */
    int (*lock)(int fd, int type);       /* fcntl(F_OFD_SETLK) on the first byte; F_WRLCK, F_UNLCK */
    int (*fchmod)(int fd, mode_t mode);
    int (*fchown)(int fd, uid_t owner, gid_t group);
    int (*unlink)(const char *path);
    DIR *(*opendir)(const char *path);
    struct dirent *(*readdir)(DIR *list); /* NULL at its end, or with an errno that was 0 before */
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*ftruncate)(int fd, off_t length);
    int (*punch)(int fd, off_t offset, off_t len);                       /* fallocate(FALLOC_FL_PUNCH_HOLE) */
    off_t (*next_data)(int fd, off_t offset);                            /* lseek(SEEK_DATA) */
    int (*clone_range)(int to, int from, uint64_t offset, uint64_t len); /* ioctl(FICLONERANGE) */
    ssize_t (*pread)(int fd, void *data, size_t len, off_t offset);
    ssize_t (*pwrite)(int fd, const void *data, size_t len, off_t offset);
    /* pread() of what takes no wait: preadv2(RWF_NOWAIT). */
    ssize_t (*pread_present)(int fd, void *data, size_t len, off_t offset);

    int (*ring_init)(unsigned entries, struct io_uring *ring, unsigned flags);
    int (*ring_register_buffers)(struct io_uring *ring, const struct iovec *ranges, unsigned count);
    int (*ring_submit)(struct io_uring *ring);
    int (*ring_submit_and_wait)(struct io_uring *ring, unsigned completions); /* -ETIME: none came in time */
    /* Every completion's result passes through here, with what was asked of the file. */
    int (*ring_result)(int fd, const struct art_transfer *transfer, int result);
};

/* The table in use. A test changes entries and puts them back (reset), never while others do I/O. */
extern struct art_system_calls art_system;
void art_system_reset(void);

#endif
