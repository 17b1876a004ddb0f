/* What an open file does whichever engine moves its bytes: sync and its poison, size, truncate, the writer lock, close,
 * and the end of it all in a forked child. */
#include "core/linux/io_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/io_request.h"
#include "core/linux/io_system.h"

enum { INTERRUPTED_MAX = 100 };

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
    bool last = !--shared->references;
    struct art_shared **at = &shared_descriptors;
    while (last && *at && *at != shared) at = &(*at)->next;
    if (last && *at) *at = shared->next;
    pthread_mutex_unlock(&list_lock);
    if (!last) return;
    if (shared->fd >= 0) art_system.close(shared->fd);
    art_free(shared);
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

enum art_rc art_file_usable(const struct art_file *file, bool writing) {
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
    return art_transfer_error(file, &file->failed);
}

void art_file_note_failed_write(struct art_file *file, const struct art_transfer *transfer) {
    if (file->write_failed) return;
    file->write_failed = true;
    file->failed = *transfer;
}

bool art_file_drop_direct(struct art_file *file) {
    if (!file->io.direct || file->direct_required) return false;
    if (art_system.set_flags(file->fd, 0)) return false;
    file->io.direct = false;
    return true;
}

/* ---- shared methods ---------------------------------------------------------------------------------------------- */

bool art_file_peek(struct art_io *io, const struct art_io_request *request) {
    const struct art_file *file = (struct art_file *)io;
    if ((io->direct && !io->cached) || file->forked || art_requests_check(io, request, 1)) return false;
    return art_system.pread_present(art_file_any_fd(file), request->data, request->len, (off_t)request->offset) ==
           (ssize_t)request->len;
}

enum art_rc art_file_sync(struct art_io *io) {
    struct art_file *file = (struct art_file *)io;
    enum art_rc rc = art_file_usable(file, !io->read_only);
    if (rc) return rc;
    art_file_drain(file);
    rc = art_file_report_writes(file);
    if (rc) return rc;
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
    if (bytes > INT64_MAX) return art_fail(ART_MISUSE, "art: no file can be that large (%s): check the size", io->name);
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
    struct art_file *file = (struct art_file *)io;
    if (art_file_usable(file, true)) return;
    art_file_drain(file);
    (void)art_system.punch(file->fd, (off_t)offset, (off_t)len);
}

/* Whatever hinders it: who writes instead will hear of it. */
bool art_file_clone_range(struct art_io *io, struct art_io *from, uint64_t offset, uint64_t len) {
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
