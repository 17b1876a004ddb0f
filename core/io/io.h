/* The I/O table: all that core knows of files and devices.
 *
 *   art_disk   a place that holds files: open, remove, stat, sync of a directory
 *   art_io     one open file, or the host's rows, on behalf of one connection
 *
 * Implementations: the system's files through io_uring or pread/pwrite (core/linux/io_file.h), rows of the host's
 * database (io_rows.c), and in tests a simulated disk that fails, tears, drops and reorders, or is steady
 * (tests/support/sim_disk.c).
 *
 * Reads and writes cover whole 4 KB pages: offset, length and address are multiples of ART_PAGE, anything else is
 * refused with ART_MISUSE. Short transfers are resumed, EINTR and EAGAIN are retried within a bound, inside the
 * implementation.
 *
 * Writes may overlap with the caller's work: write_batch() starts them, and the buffers belong to the implementation
 * until write_wait() has returned. An error of any of them is reported once, by write_wait() or sync() or earlier by
 * write_batch(); when write_batch() returns an error, nothing is in flight any more. What a failed write left is
 * unknown. After a failed sync() every later write and sync of that art_io fails with ART_POISONED: what the system
 * did with the pages it could not write is unknown.
 *
 * Reads may, too: art_io_read_start() starts them where something can be under way, art_io_read_finish() brings what is
 * not there yet, so that callers need not know. Errors are told by the latter.
 *
 * An art_io is used by one thread at a time.
 */
#ifndef ART_IO_IO_H
#define ART_IO_IO_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/options.h"
#include "core/base/rows.h"

enum { ART_PAGE = 4096 };

struct art_blob_pool;

struct art_io_request {
    void *data;
    uint32_t len;
    uint64_t offset;
};

/* Where a read comes from, if the file is written with O_DIRECT: the device, or the system's page cache. A page in that
 * cache may be older than the last write, so it is only for pages that the caller verifies by a hash which is not in
 * the page itself. */
enum art_read { ART_READ_DEVICE, ART_READ_CACHED };

/* A read that goes on while the caller works. The caller sets the requests; the struct and the memory that they name
 * stay where they are until art_io_read_finish() has returned. */
enum { ART_READING_MAX = 2 };
struct art_io_reading {
    struct art_io_request requests[ART_READING_MAX];
    unsigned count;
    enum art_read from;
    /* (the implementation's) */
    bool started, failed;
    unsigned under_way;
};

/* What tells one file from another and a copy from its original. */
struct art_file_identity {
    uint64_t device, inode;
    uint64_t birth; /* when it was made, in ns since 1970; 0: not known here */
    uint64_t links;
    uint64_t size;
    uint32_t permissions; /* st_mode & 0777 */
    uint32_t owner, group;
};

/* The permissions that a file of `own`'s owner and group may have like another, so that a user who may not read the
 * other cannot read it. */
static inline uint32_t art_permissions_like(const struct art_file_identity *own, const struct art_file_identity *like) {
    uint32_t both = like->permissions >> 3 & like->permissions & 07;
    return own->group == like->group ? like->permissions : (like->permissions & 0700) | both << 3 | both;
}

/* Can someone read `own` who cannot read `like`? */
static inline bool art_is_more_open(const struct art_file_identity *own, const struct art_file_identity *like) {
    bool closed_to_owner = own->owner && own->owner != like->owner && !(like->permissions & 044);
    return (own->permissions & 044 & ~art_permissions_like(own, like)) || closed_to_owner;
}

struct art_io;

struct art_io_methods {
    /* Reads all requests; a read past the end of the file is ART_CORRUPT with `*this`' name: blobs are never cut
     * short. */
    enum art_rc (*read_batch)(struct art_io *, struct art_io_request *requests, unsigned count, enum art_read from);
    /* Reads a request if the system's page cache has all of it, which takes no wait; else what is at `data` is not
     * known. NULL: never. */
    bool (*peek)(struct art_io *, const struct art_io_request *request);
    /* Starts a reading without waiting for anything; false: not this time. read_wait() returns when all that was
     * started has ended. Both NULL: nothing can be under way here. */
    bool (*read_start)(struct art_io *, struct art_io_reading *);
    void (*read_wait)(struct art_io *, struct art_io_reading *);
    enum art_rc (*write_batch)(struct art_io *, struct art_io_request *requests, unsigned count);
    enum art_rc (*write_wait)(struct art_io *);
    /* Waits for all writes, then fdatasync. */
    enum art_rc (*sync)(struct art_io *);
    enum art_rc (*size)(struct art_io *, uint64_t *bytes);
    enum art_rc (*truncate)(struct art_io *, uint64_t bytes);
    /* Whole pages that nothing names any more, and that are written anew before they are read. NULL: they may stay. */
    enum art_rc (*discard)(struct art_io *, uint64_t offset, uint64_t len);
    /* Whole pages that nothing names any more: the file system may have their room back. If it cannot be had, they
     * stay. NULL: never. */
    void (*give_back)(struct art_io *, uint64_t offset, uint64_t len);
    /* Are there no pages, so that zeros are read and nothing is left of what was there? No write of theirs is under
     * way. False: there may be some, or nobody knows. NULL: nobody knows. */
    bool (*is_hole)(struct art_io *, uint64_t offset, uint64_t len);
    /* Shares whole pages of another file, at the same offset, instead of writing them; no write of theirs is under way.
     * False: this cannot be had, and nothing was changed that counts. NULL: never. */
    bool (*clone_range)(struct art_io *, struct art_io *from, uint64_t offset, uint64_t len);
    enum art_rc (*identity)(struct art_io *, struct art_file_identity *out);
    /* Owner, group and permissions as those of `like`. What this user may not set stays, and then the permissions are
     * art_permissions_like(). NULL: there are none. */
    void (*take_rights)(struct art_io *, const struct art_file_identity *like);
    /* The writer lock: an OFD byte-range lock on this very descriptor, so that it outlives a killed process until its
     * last write through the ring has ended. lock() does not wait: ART_BUSY when another holds it. */
    enum art_rc (*lock)(struct art_io *);
    void (*unlock)(struct art_io *);
    /* Waits for what is under way; errors are gone with it. Frees the art_io. */
    void (*close)(struct art_io *);
    /* After fork() the child's descriptors and rings are closed by core/io itself; every call but close() then fails
     * with ART_FORKED. */
};

/* The head of every implementation's struct. */
struct art_io {
    const struct art_io_methods *methods;
    const char *name;   /* the file's path for messages, owned by the implementation */
    const char *engine; /* "uring", "pwrite", "inline", ... : the one in use, for art_debug */
    bool direct;        /* O_DIRECT in use */
    bool cached;        /* O_DIRECT is for writes: ART_READ_CACHED goes through the system's page cache */
    bool read_only;
    uint64_t ring_failures; /* requests that a ring failed to do, and that were done without it */
    uint64_t ring_stalls;   /* times that a ring completed nothing for ten seconds */
    uint64_t ring_batches;  /* calls that handed requests to a ring */
};

struct art_file_options {
    const char *path;
    enum art_engine engine;
    enum art_direct direct;
    bool read_only;
    bool create;                        /* O_EXCL: ART_CANTOPEN when it exists */
    uint32_t permissions, owner, group; /* of a created file; the owner is only set where we may (as SQLite does) */
    struct art_blob_pool *pool;         /* its slab is registered with the ring; NULL: none */
};

struct art_disk {
    const struct art_disk_methods *methods;
};

struct art_disk_methods {
    /* Regular files only, no symbolic link at the end of the path. ART_MISSING when there is none and !create. */
    enum art_rc (*open)(struct art_disk *, const struct art_file_options *options, struct art_io **out);
    enum art_rc (*remove)(struct art_disk *, const char *path);
    /* The directory that holds `path`, so that a created or removed name lasts. ART_CANTOPEN, ART_NOMEM: no sync was
     * tried. */
    enum art_rc (*sync_directory)(struct art_disk *, const char *path);
    /* Follows links, as SQLite does for its database file. ART_MISSING when there is none. */
    enum art_rc (*stat)(struct art_disk *, const char *path, struct art_file_identity *out);
    /* The names in a folder, in any order, until visit() returns anything but ART_OK, which is returned then. */
    enum art_rc (*list)(struct art_disk *, const char *folder, enum art_rc (*visit)(void *context, const char *name),
                        void *context);
};

/* The system's file system; not to be freed. */
struct art_disk *art_disk_system(void);
/* Where files are for a caller that names no disk: the system's, unless a test has set another (NULL: the system's
 * again) before anything was opened. */
struct art_disk *art_disk_default(void);
void art_disk_set_default(struct art_disk *disk);

/* A file whose pages are rows of the host's. `rows` and `name` outlive it; `id` tells it from others in caches.
 * ART_NOMEM. */
enum art_rc art_io_rows_open(const struct art_rows *rows, uint64_t id, const char *name, struct art_io **out);
#ifdef ART_TEST_HOOKS
/* Who opens rows from now on shares what the process caches only with those who opened them with this number. */
extern uint64_t art_test_process;
#endif

/* No idle ring is kept for these buffers any more; NULL: for reading. */
void art_rings_forget(const struct art_blob_pool *pool);

/* For tests and messages: which engines were compiled in; was liburing, and does this kernel give us a ring? */
const char *art_io_engines(void);
bool art_io_uring_available(void);

/* All requests are read when it returns ART_OK; from the device unless told otherwise. */
static inline enum art_rc art_io_read_from(struct art_io *io, struct art_io_request *requests, unsigned count,
                                           enum art_read from) {
    assert(requests || !count);
    return io->methods->read_batch(io, requests, count, from);
}

static inline enum art_rc art_io_read(struct art_io *io, struct art_io_request *requests, unsigned count) {
    return art_io_read_from(io, requests, count, ART_READ_DEVICE);
}

/* False also where the implementation cannot look. */
static inline bool art_io_peek(struct art_io *io, const struct art_io_request *request) {
    return io->methods->peek && io->methods->peek(io, request);
}

/* Nothing fails here: what could not be started art_io_read_finish() reads. The caller has set requests, count and
 * from. */
static inline void art_io_read_start(struct art_io *io, struct art_io_reading *reading) {
    assert(reading->count && reading->count <= ART_READING_MAX);
    reading->failed = false;
    reading->under_way = 0;
    reading->started = io->methods->read_start && io->methods->read_start(io, reading);
}

/* Nothing of it is under way any more; whether it came art_io_read_finish() tells. */
static inline void art_io_read_wait(struct art_io *io, struct art_io_reading *reading) {
    if (reading->under_way) io->methods->read_wait(io, reading);
}

/* Was all of it read on its way? Of one that was waited for. */
static inline bool art_io_read_came(const struct art_io_reading *reading) {
    assert(!reading->under_way);
    return reading->started && !reading->failed;
}

/* What did not come on its way is read now, which brings it or says why not. */
static inline enum art_rc art_io_read_finish(struct art_io *io, struct art_io_reading *reading) {
    art_io_read_wait(io, reading);
    if (art_io_read_came(reading)) return ART_OK;
    return art_io_read_from(io, reading->requests, reading->count, reading->from);
}

/* As the table says of write_batch(), write_wait(), discard(), give_back(), is_hole(), clone_range(), sync() and
 * close(); a method that there need not be does nothing, and what it is asked is false. Close NULL is fine. */
static inline enum art_rc art_io_write(struct art_io *io, struct art_io_request *requests, unsigned count) {
    assert(requests || !count);
    return io->methods->write_batch(io, requests, count);
}

static inline enum art_rc art_io_wait(struct art_io *io) {
    return io->methods->write_wait(io);
}

static inline enum art_rc art_io_discard(struct art_io *io, uint64_t offset, uint64_t len) {
    assert(offset % ART_PAGE == 0 && len % ART_PAGE == 0);
    return io->methods->discard ? io->methods->discard(io, offset, len) : ART_OK;
}

static inline void art_io_give_back(struct art_io *io, uint64_t offset, uint64_t len) {
    assert(offset % ART_PAGE == 0 && len % ART_PAGE == 0);
    if (io->methods->give_back) io->methods->give_back(io, offset, len);
}

static inline bool art_io_is_hole(struct art_io *io, uint64_t offset, uint64_t len) {
    assert(offset % ART_PAGE == 0 && len % ART_PAGE == 0);
    return io->methods->is_hole && io->methods->is_hole(io, offset, len);
}

static inline bool art_io_clone_range(struct art_io *io, struct art_io *from, uint64_t offset, uint64_t len) {
    assert(io != from && offset % ART_PAGE == 0 && len % ART_PAGE == 0);
    bool alike = io->methods->clone_range && io->methods->clone_range == from->methods->clone_range;
    return alike && io->methods->clone_range(io, from, offset, len);
}

static inline enum art_rc art_io_sync(struct art_io *io) {
    return io->methods->sync(io);
}

static inline void art_io_close(struct art_io *io) {
    if (io) io->methods->close(io);
}

#endif
