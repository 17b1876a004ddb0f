/* An open file of the system: what its two engines, a ring and pread/pwrite, have in common. Private to core/linux.
 *
 *   art_io            the head that everybody sees
 *   └ art_file        descriptor, lock, poison, the write error that nobody has been told of
 *     └ ring_file     only in io_uring.c: the ring
 *
 * Who writes has a descriptor of his own, with the lock on it. For reading, all files of the process that are one file
 * of the system share one:
 *
 *               fd                              read_fd (io.cached)
 *   written     its own                         shared, where its own is for direct I/O
 *   read only   shared; where it would be for   shared
 *               direct I/O beside read_fd, -1
 *               until the device is to be read
 *
 * Each file calls only those above it in this list, but for rings, which end with the last open file and in a forked
 * child:
 *
 *   io_system.c     the calls to the system
 *   io_transfer.c   what became of a read or write
 *   io_file.c       what is the same for both engines, and the one without a ring
 *   io_uring.c      the other
 *   io_disk.c       opens files and chooses the engine
 *
 * Fork: all open files stand in one list; the child's handler closes their descriptors (they would keep the writer lock
 * of the parent alive) and every later call on them gives ART_FORKED.
 */
#ifndef ART_IO_FILE_H
#define ART_IO_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/io/io.h"
#include "core/linux/io_transfer.h"

struct art_file;
struct stat;

/* What an engine with requests in flight adds to the shared methods. */
struct art_file_engine {
    void (*drain)(struct art_file *);   /* until nothing is in flight; errors are noted in `failed` */
    void (*abandon)(struct art_file *); /* in a forked child: let go without waiting; only system calls */
};

/* A descriptor for reading. */
struct art_shared {
    struct art_shared *next;
    uint64_t device, inode;
    bool direct; /* O_DIRECT is set */
    int fd;
    unsigned references;
};

struct art_file {
    struct art_io io;
    const struct art_file_engine *engine; /* NULL: nothing is ever in flight */
    struct art_blob_pool *pool;
    int fd;
    int read_fd;               /* while io.cached: the same file, without O_DIRECT */
    struct art_shared *shared; /* fd or read_fd is of it; NULL: none is */
    struct art_shared *device; /* so is fd, then */
    bool direct_required;      /* ART_DIRECT=on: never silently buffered */
    bool locked;
    bool poisoned;
    bool forked;
    bool write_failed; /* `failed` was not reported yet */
    struct art_transfer failed;
    struct art_file *next, *previous; /* all open files, for fork */
};

enum { INTERRUPTED_MAX = 100 }; /* tries of a call that a signal ends */
int art_open_retried(const char *path, int flags, mode_t mode);

/* Into and out of the list of open files. ART_NOMEM when the fork handlers cannot be installed. With the last file idle
 * rings that only read go, too. */
enum art_rc art_file_enlist(struct art_file *file);
void art_file_delist(struct art_file *file);
/* Guards that list, and whatever else core/io has for the process; held while it forks. */
void art_files_lock(void);
void art_files_unlock(void);

/* The process's descriptor for reading this file, with a reference; NULL: there is none yet. */
struct art_shared *art_shared_find(const struct stat *attributes, bool direct);
/* `fd`, or the one that somebody else has shared meanwhile; then `fd` is closed. NULL: no memory, and `fd` stays. */
struct art_shared *art_shared_add(int fd, const struct stat *attributes, bool direct);
void art_shared_release(struct art_shared *shared); /* NULL is fine */
/* The same for the file of `fd`, whose name `name` is or was, opened once more where there is none yet. ART_CANTOPEN:
 * it cannot be had. */
enum art_rc art_shared_open(const char *name, int fd, const struct stat *attributes, bool direct,
                            struct art_shared **out);
/* Before a read: a file that is only read opens what it reads the device by. Nothing else to do for others. ART_IO,
 * ART_NOMEM, ... */
enum art_rc art_file_prepare_read(struct art_file *file, enum art_read from);
/* One that is open. */
static inline int art_file_any_fd(const struct art_file *file) {
    return file->io.cached ? file->read_fd : file->fd;
}

/* May this file still be used (written, if so)? ART_OK; ART_FORKED, ART_READONLY, ART_POISONED. */
enum art_rc art_file_usable(const struct art_file *file, bool writing);

/* Waits for what is in flight; a write's error is kept for art_file_report_writes(). */
void art_file_drain(struct art_file *file);
/* The error of the first failed write since the last report, once; ART_OK: none has failed. */
enum art_rc art_file_report_writes(struct art_file *file);
/* Keeps a failed write for that report, unless one is kept. */
void art_file_note_failed_write(struct art_file *file, const struct art_transfer *transfer);

/* Shared methods: what the I/O table (core/io/io.h) says of peek, sync and so on, for each engine. */
bool art_file_peek(struct art_io *io, const struct art_io_request *request);
enum art_rc art_file_sync(struct art_io *io);
enum art_rc art_file_size(struct art_io *io, uint64_t *bytes);
enum art_rc art_file_truncate(struct art_io *io, uint64_t bytes);
enum art_rc art_file_identity(struct art_io *io, struct art_file_identity *out);
void art_file_take_rights(struct art_io *io, const struct art_file_identity *like);
void art_file_give_back(struct art_io *io, uint64_t offset, uint64_t len);
bool art_file_is_hole(struct art_io *io, uint64_t offset, uint64_t len);
bool art_file_clone_range(struct art_io *io, struct art_io *from, uint64_t offset, uint64_t len);
enum art_rc art_file_lock(struct art_io *io);
void art_file_unlock(struct art_io *io);
void art_file_close(struct art_io *io);
#define ART_FILE_METHODS                                                                                               \
    .peek = art_file_peek, .sync = art_file_sync, .size = art_file_size, .truncate = art_file_truncate,                \
    .identity = art_file_identity, .take_rights = art_file_take_rights, .give_back = art_file_give_back,               \
    .is_hole = art_file_is_hole, .clone_range = art_file_clone_range, .lock = art_file_lock,                           \
    .unlock = art_file_unlock, .close = art_file_close

/* A file's identity as stat() tells it, and its time of birth, by descriptor or (not NULL) path. Cannot fail. */
void art_identity_of(const struct stat *attributes, int fd, const char *path, struct art_file_identity *out);

/* As art_io's take_rights, for a file that looks like `now`: 0, or -1 and errno for what is not a want of rights. */
int art_rights_take(int fd, const struct stat *now, const struct art_file_identity *like);

/* The engines. A ring that the kernel refuses makes a ring file an ordinary one: methods and name change to
 * pwrite's. */
extern const struct art_io_methods art_pwrite_methods;
/* pwrite's, done when they return: also for a ring file that has no ring. */
enum art_rc art_pwrite_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                  enum art_read from);
enum art_rc art_pwrite_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count);

/* Is it worth while to try for a ring, as far as this process knows? */
bool art_ring_expected(void);
/* In a forked child, where art_files_lock() is held: the idle rings, which are the parent's, are let go. */
void art_rings_after_fork(void);
/* Memory for an art_file that can carry a ring, with methods set; NULL when there is no memory, or no ring here. */
struct art_file *art_ring_file_new(void);

#endif
