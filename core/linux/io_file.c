/* What an open file does whichever engine moves its bytes: sync and its poison, size, truncate, the writer lock, close,
 * and the end of it all in a forked child. And the engine that does without a ring. */
#include "core/linux/io_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/io_request.h"
#include "core/linux/io_system.h"

/* ---- fork -------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct art_file *open_files;
static struct art_shared *shared_descriptors;
static bool handlers_installed;

void art_files_lock(void) {
    pthread_mutex_lock(&list_lock);
}

void art_files_unlock(void) {
    pthread_mutex_unlock(&list_lock);
}

static void before_fork(void) {
    pthread_mutex_lock(&list_lock);
}

static void after_fork_in_parent(void) {
    pthread_mutex_unlock(&list_lock);
}

static bool art_file_owns_fd(const struct art_file *file) {
    return !file->io.read_only;
}

static void after_fork_in_child(void) {
    for (struct art_file *file = open_files; file; file = file->next) {
        if (file->forked) continue;
        if (file->engine) file->engine->abandon(file);
        if (art_file_owns_fd(file)) art_system.close(file->fd);
        file->io.cached = false;
        file->fd = -1;
        file->locked = false;
        file->forked = true;
    }
    /* The files of the parent may still be closed, and let go of them. */
    for (struct art_shared *shared = shared_descriptors; shared; shared = shared->next) {
        art_system.close(shared->fd);
        shared->fd = -1;
    }
    shared_descriptors = NULL;
    art_rings_after_fork();
    pthread_mutex_unlock(&list_lock);
}

enum art_rc art_file_enlist(struct art_file *file) {
    pthread_mutex_lock(&list_lock);
    int error = handlers_installed ? 0 : pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    if (!error) {
        handlers_installed = true;
        assert(file != open_files && !file->next && !file->previous);
        file->previous = NULL;
        file->next = open_files;
        if (open_files) open_files->previous = file;
        open_files = file;
    }
    pthread_mutex_unlock(&list_lock);
    return error ? art_nomem() : ART_OK;
}

void art_file_delist(struct art_file *file) {
    pthread_mutex_lock(&list_lock);
    assert(file->previous || open_files == file);
    if (file->previous) {
        file->previous->next = file->next;
    } else if (open_files == file) {
        open_files = file->next;
    }
    if (file->next) file->next->previous = file->previous;
    bool last = !open_files;
    pthread_mutex_unlock(&list_lock);
    if (last) art_rings_forget(NULL);
}

/* ---- descriptors for reading ------------------------------------------------------------------------------------- */

/* With a reference, under the lock. */
static struct art_shared *find_shared(const struct stat *attributes, bool direct) {
    struct art_shared *shared = shared_descriptors;
    while (shared &&
           !(shared->inode == attributes->st_ino && shared->device == attributes->st_dev && shared->direct == direct)) {
        shared = shared->next;
    }
    assert(!shared || (shared->references && shared->fd >= 0));
    if (shared) shared->references++;
    return shared;
}

struct art_shared *art_shared_find(const struct stat *attributes, bool direct) {
    pthread_mutex_lock(&list_lock);
    struct art_shared *shared = find_shared(attributes, direct);
    pthread_mutex_unlock(&list_lock);
    return shared;
}

struct art_shared *art_shared_add(int fd, const struct stat *attributes, bool direct) {
    assert(fd >= 0);
    struct art_shared *added = art_alloc(sizeof *added);
    pthread_mutex_lock(&list_lock);
    struct art_shared *shared = find_shared(attributes, direct);
    if (!shared && added) {
        *added = (struct art_shared){shared_descriptors, attributes->st_dev, attributes->st_ino, direct, fd,
                                     .references = 1};
        shared = shared_descriptors = added;
    }
    pthread_mutex_unlock(&list_lock);
    if (shared == added) return added; /* NULL: no memory */
    art_free(added);
    art_system.close(fd);
    return shared;
}

void art_shared_release(struct art_shared *shared) {
    if (!shared) return;
    pthread_mutex_lock(&list_lock);
    assert(shared->references);
    bool last = !--shared->references;
    struct art_shared **at = &shared_descriptors;
    while (last && *at && *at != shared) at = &(*at)->next;
    if (last && *at) *at = shared->next;
    pthread_mutex_unlock(&list_lock);
    if (!last) return;
    if (shared->fd >= 0) art_system.close(shared->fd);
    art_free(shared);
}

int art_open_retried(const char *path, int flags, mode_t mode) {
    int fd = art_system.open(path, flags, mode);
    for (int i = 0; fd < 0 && errno == EINTR && i < INTERRUPTED_MAX; i++) fd = art_system.open(path, flags, mode);
    return fd;
}

/* *fd as it is, or -1 and closed when it is not that file. False: it could not be looked at. */
static bool keep_same(int *fd, const struct stat *attributes) {
    assert(*fd >= 0);
    struct stat other;
    bool known = !art_system.fstat(*fd, &other);
    if (known && other.st_dev == attributes->st_dev && other.st_ino == attributes->st_ino) return true;
    art_system.close(*fd);
    *fd = -1;
    return known;
}

/* Opens the same file a second time: by its name, or where that is gone or leads to another file by now, by what the
 * system lists of this process. A descriptor, or -1. */
static int open_again(const char *name, int fd, const struct stat *attributes) {
    enum { FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };
    char listed[40];
    int again = art_open_retried(name, FLAGS | O_NOFOLLOW, 0);
    bool elsewhere = again < 0 ? errno == ENOENT : keep_same(&again, attributes) && again < 0;
    if (!elsewhere) return again;
    snprintf(listed, sizeof listed, "/proc/self/fd/%d", fd);
    again = art_open_retried(listed, FLAGS, 0);
    if (again >= 0) keep_same(&again, attributes);
    return again;
}

enum art_rc art_shared_open(const char *name, int fd, const struct stat *attributes, bool direct,
                            struct art_shared **out) {
    assert(fd >= 0);
    *out = art_shared_find(attributes, direct);
    if (*out) return ART_OK;
    int again = open_again(name, fd, attributes);
    if (again >= 0 && !art_system.set_flags(again, direct ? O_DIRECT : 0)) {
        *out = art_shared_add(again, attributes, direct);
        if (*out) return ART_OK;
        art_system.close(again);
        return art_nomem();
    }
    enum art_rc rc = art_fail_errno(ART_CANTOPEN, errno,
                                    "art: cannot open the file once more, to read the device (%s): raise the limit of "
                                    "open files, or, if the file was replaced, open the database anew",
                                    name);
    if (again >= 0) art_system.close(again);
    return rc;
}

enum art_rc art_file_prepare_read(struct art_file *file, enum art_read from) {
    struct stat attributes;
    if (file->fd >= 0 || from == ART_READ_CACHED) return ART_OK;
    assert(file->io.read_only && file->io.cached && !file->device);
    if (art_system.fstat(file->read_fd, &attributes)) {
        return art_fail_errno(ART_IO, errno, "art: cannot look at the file (%s): check the disk", file->io.name);
    }
    enum art_rc rc = art_shared_open(file->io.name, file->read_fd, &attributes, true, &file->device);
    if (!rc) file->fd = file->device->fd;
    return rc;
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

enum art_rc art_file_usable(const struct art_file *file, bool writing) {
    assert(!file->locked || !(file->io.read_only || file->forked));
    assert(file->forked || art_file_any_fd(file) >= 0);
    assert(!file->io.cached || file->shared);
    assert(!file->device || (file->shared && file->io.read_only));
    if (file->forked) {
        return art_fail(ART_FORKED,
                        "art: this connection came through fork() (%s): open the database anew in the child",
                        file->io.name);
    }
    if (writing && file->io.read_only) {
        return art_fail(ART_READONLY, "art: the file was opened to be read only (%s): open the database for writing",
                        file->io.name);
    }
    if (writing && file->poisoned) {
        return art_fail(
            ART_POISONED,
            "art: an earlier sync failed (%s), what it lost is unknown: check the disk and open the database "
            "anew",
            file->io.name);
    }
    return ART_OK;
}

void art_file_drain(struct art_file *file) {
    if (file->engine) file->engine->drain(file);
}

enum art_rc art_file_report_writes(struct art_file *file) {
    if (!file->write_failed) return ART_OK;
    file->write_failed = false;
    assert(file->failed.writing);
    return art_transfer_error(file, &file->failed);
}

void art_file_note_failed_write(struct art_file *file, const struct art_transfer *transfer) {
    assert(transfer->writing);
    if (file->write_failed) return;
    file->write_failed = true;
    file->failed = *transfer;
}

/* ---- shared methods ---------------------------------------------------------------------------------------------- */

bool art_file_peek(struct art_io *io, const struct art_io_request *request) {
    const struct art_file *file = (struct art_file *)io;
    if ((io->direct && !io->cached) || file->forked || art_requests_check(io, request, 1)) return false;
    return art_system.pread_present(art_file_any_fd(file), request->data, request->len, (off_t)request->offset) ==
           (ssize_t)request->len;
}

/* ---- what a file is, and whose ----------------------------------------------------------------------------------- */

void art_identity_of(const struct stat *attributes, int fd, const char *path, struct art_file_identity *out) {
    *out = (struct art_file_identity){
        .device = (uint64_t)attributes->st_dev,
        .inode = (uint64_t)attributes->st_ino,
        .links = (uint64_t)attributes->st_nlink,
        .size = (uint64_t)attributes->st_size,
        .permissions = attributes->st_mode & 0777,
        .owner = attributes->st_uid,
        .group = attributes->st_gid,
    };
    if (art_system.birth(fd, path, &out->birth)) out->birth = 0;
}

/* On the way nobody may do what he may not do before or after: permissions are first taken away, and given at last. Who
 * may not give a file away, or knows no such owner (EINVAL, in containers), keeps it. */
int art_rights_take(int fd, const struct stat *now, const struct art_file_identity *like) {
    assert(fd >= 0);
    uint32_t permissions = now->st_mode & 0777;
    struct art_file_identity own = {.owner = now->st_uid, .group = now->st_gid};
    if (own.owner != like->owner || own.group != like->group) {
        if (permissions & ~like->permissions) {
            permissions &= like->permissions;
            if (art_system.fchmod(fd, permissions)) return -1;
        }
        if (!art_system.fchown(fd, like->owner, like->group)) {
            own.group = like->group;
        } else if (errno != EPERM && errno != EINVAL) {
            return -1;
        } else if (own.group != like->group && !art_system.fchown(fd, UINT32_MAX, like->group)) {
            own.group = like->group;
        }
    }
    uint32_t wanted = art_permissions_like(&own, like);
    return wanted == permissions ? 0 : art_system.fchmod(fd, wanted);
}

enum art_rc art_file_sync(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, !io->read_only);
    if (rc) return rc;
    art_file_drain(file);
    rc = art_file_report_writes(file);
    if (rc) return rc;
    assert(!file->write_failed);
    int failed = art_system.fdatasync(file->fd);
    for (int i = 0; failed && errno == EINTR && i < INTERRUPTED_MAX; i++) failed = art_system.fdatasync(file->fd);
    if (!failed) return ART_OK;
    file->poisoned = true;
    return art_fail_errno(ART_IO, errno,
                          "art: cannot make writes durable (%s): check the disk and open the database anew", io->name);
}

static enum art_rc file_stat(struct art_file *file, struct stat *out) {
    enum art_rc rc = art_file_usable(file, false);
    if (rc) return rc;
    art_file_drain(file);
    if (!art_system.fstat(art_file_any_fd(file), out)) return ART_OK;
    return art_fail_errno(ART_IO, errno, "art: cannot ask for the file's size (%s): check the disk", file->io.name);
}

enum art_rc art_file_size(struct art_io *io, uint64_t *bytes) {
    struct stat attributes;
    enum art_rc rc = file_stat((struct art_file *)io, &attributes);
    if (!rc) *bytes = (uint64_t)attributes.st_size;
    return rc;
}

enum art_rc art_file_identity(struct art_io *io, struct art_file_identity *out) {
    struct stat attributes;
    enum art_rc rc = file_stat((struct art_file *)io, &attributes);
    if (!rc) art_identity_of(&attributes, art_file_any_fd((struct art_file *)io), NULL, out);
    return rc;
}

/* A failure leaves the rights as they were; art_is_more_open() tells it later. */
void art_file_take_rights(struct art_io *io, const struct art_file_identity *like) {
    struct stat now;
    struct art_file *file = (struct art_file *)io;
    if (!file_stat(file, &now)) (void)art_rights_take(art_file_any_fd(file), &now, like);
}

enum art_rc art_file_truncate(struct art_io *io, uint64_t bytes) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, true);
    if (rc) return rc;
    assert(bytes <= INT64_MAX);
    art_file_drain(file);
    int failed = art_system.ftruncate(file->fd, (off_t)bytes);
    for (int i = 0; failed && errno == EINTR && i < INTERRUPTED_MAX; i++) {
        failed = art_system.ftruncate(file->fd, (off_t)bytes);
    }
    if (!failed) return ART_OK;
    return art_fail_errno(ART_IO, errno, "art: cannot set the file's size (%s, %llu bytes): check the disk", io->name,
                          (unsigned long long)bytes);
}

void art_file_give_back(struct art_io *io, uint64_t offset, uint64_t len) {
    assert(offset % ART_PAGE == 0 && len % ART_PAGE == 0);
    struct art_file *file = (struct art_file *)io;
    if (art_file_usable(file, true)) return;
    art_file_drain(file);
    (void)art_system.punch(file->fd, (off_t)offset, (off_t)len);
}

/* A file system that has no holes calls everything data. */
bool art_file_is_hole(struct art_io *io, uint64_t offset, uint64_t len) {
    assert(offset % ART_PAGE == 0 && len % ART_PAGE == 0 && offset + len <= INT64_MAX);
    const struct art_file *file = (struct art_file *)io;
    if (art_file_usable(file, true)) return false;
    off_t data = art_system.next_data(file->fd, (off_t)offset);
    return data < 0 ? errno == ENXIO : (uint64_t)data >= offset + len; /* ENXIO: there is none up to the end */
}

/* Whatever hinders it: the caller then writes the pages, and gets the error. */
bool art_file_clone_range(struct art_io *io, struct art_io *from, uint64_t offset, uint64_t len) {
    assert(io != from && offset % ART_PAGE == 0 && len % ART_PAGE == 0);
    const struct art_file *file = (struct art_file *)io, *source = (struct art_file *)from;
    if (art_file_usable(file, true) || art_file_usable(source, false)) return false;
    return !art_system.clone_range(file->fd, art_file_any_fd(source), offset, len);
}

enum art_rc art_file_lock(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, false);
    if (!rc && io->read_only) rc = art_file_usable(file, true);
    if (rc) return rc;
    int failed = art_system.lock(file->fd, F_WRLCK);
    for (int i = 0; failed && errno == EINTR && i < INTERRUPTED_MAX; i++) failed = art_system.lock(file->fd, F_WRLCK);
    if (!failed) {
        file->locked = true;
        assert(!file->io.read_only);
        return ART_OK;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return art_fail(ART_BUSY, "art: another connection is writing (%s): try again, or set a busy timeout",
                        io->name);
    }
    return art_fail_errno(ART_IO, errno, "art: cannot lock the file (%s): its file system must support locks",
                          io->name);
}

/* Should the unlock itself fail, again and again, the file stays marked as locked, and the lock ends with its
 * closing. */
void art_file_unlock(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    if (file->forked || !file->locked) return;
    art_file_drain(file);
    assert(file->fd >= 0);
    int failed = art_system.lock(file->fd, F_UNLCK);
    for (int i = 0; failed && i < INTERRUPTED_MAX; i++) failed = art_system.lock(file->fd, F_UNLCK);
    file->locked = failed;
}

void art_file_close(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    if (!file->forked) {
        art_file_drain(file);
        art_file_unlock(io);
    }
    art_file_delist(file); /* before its number may be another file's, which a child would close */
    if (!file->forked && art_file_owns_fd(file)) art_system.close(file->fd);
    art_shared_release(file->shared);
    art_shared_release(file->device);
    art_free((char *)io->name);
    art_free(file);
}

/* ---- the engine without a ring: pread and pwrite, one request after the other ---------------------------------- */

static enum art_rc transfer_all(struct art_io *io, struct art_io_request *requests, unsigned count, bool writing,
                                enum art_read from) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, writing);
    if (!rc) rc = art_requests_check(io, requests, count);
    if (!rc && !writing) rc = art_file_prepare_read(file, from);
    for (unsigned i = 0; !rc && i < count; i++) {
        struct art_transfer transfer;
        assert(art_file_any_fd(file) >= 0);
        art_transfer_begin(file, &transfer, &requests[i], writing, from);
        if (art_transfer_by_system_call(file, &transfer) == ART_TRANSFER_FAILED)
            rc = art_transfer_error(file, &transfer);
    }
    return rc;
}

enum art_rc art_pwrite_read_batch(struct art_io *io, struct art_io_request *requests, unsigned count,
                                  enum art_read from) {
    return transfer_all(io, requests, count, false, from);
}

enum art_rc art_pwrite_write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    return transfer_all(io, requests, count, true, ART_READ_DEVICE);
}

/* Only a file whose ring was given up can have an error left to tell. */
static enum art_rc pwrite_wait(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, false);
    return rc ? rc : art_file_report_writes(file);
}

const struct art_io_methods art_pwrite_methods = {
    .read_batch = art_pwrite_read_batch,
    .write_batch = art_pwrite_write_batch,
    .write_wait = pwrite_wait,
    ART_FILE_METHODS,
};
