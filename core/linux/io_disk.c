/* The system's file system as an art_disk: opening, removing, asking.
 *
 * Opening takes these steps, so that nothing but a regular file of ours is ever touched and no empty file is left
 * behind:
 *
 *   1. open() with O_NOFOLLOW, O_CLOEXEC, and O_NONBLOCK so that a pipe does not make us wait; not yet O_DIRECT,
 *      because open() first creates the file and then refuses the flag
 *   2. fstat(): a regular file?
 *   3. created: owner (where we may) and then permissions, in that order and closed to others until then
 *   4. fcntl(): O_NONBLOCK off, O_DIRECT on where the alignment that it asks for is at most a page; where it is
 *      refused, buffered I/O, or ART_CANTOPEN if ART_DIRECT=on insists
 *   5. O_DIRECT, and nobody insists on it: the same file once more without it, for reads through the system's page
 *      cache. The kernel drops a page from that cache when a direct write replaces it
 *
 * A file that is only read takes the descriptor that the process has for it, if there is one, after step 2 (what a name
 * leads to is only known when it is open), and shares its own else. Unless ART_DIRECT=on insists, that is the one
 * without O_DIRECT.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/linux/io_file.h"
#include "core/linux/io_system.h"

static enum art_rc open_failed(const struct art_file_options *options, int error) {
    const char *path = options->path;
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        if (!options->create) {
            return art_fail(ART_MISSING,
                            "art: the .art file is missing (%s): put it back beside its database, both from one backup",
                            path);
        }
        return art_fail_errno(ART_CANTOPEN, error, "art: cannot create the file (%s): its folder must exist", path);
    case EEXIST:
        return art_fail_errno(ART_CANTOPEN, error,
                              "art: cannot create the file (%s): something of that name is there, move it away", path);
    case ELOOP:
        return art_fail(ART_CANTOPEN, "art: will not open a symbolic link (%s): put the file itself there", path);
    case EISDIR:
    case ENXIO:
        return art_fail(ART_CANTOPEN, "art: not a regular file (%s): move it away", path);
    case EACCES:
    case EPERM:
        if (options->create) {
            return art_fail_errno(
                ART_CANTOPEN, error,
                "art: may not create the file (%s): give this user the right to write into its folder", path);
        }
        return art_fail_errno(ART_CANTOPEN, error, "art: may not open the file (%s): give this user the right to %s it",
                              path, options->read_only ? "read" : "read and write");
    case EMFILE:
    case ENFILE:
        return art_fail_errno(ART_CANTOPEN, error, "art: cannot open the file (%s): raise the limit of open files",
                              path);
    default:
        return art_fail_errno(ART_CANTOPEN, error, "art: cannot open the file (%s): check the path and the disk", path);
    }
}

static enum art_rc hand_to_owner(int fd, const struct art_file_options *options, const struct stat *attributes) {
    struct art_file_identity like = {
        .permissions = options->permissions & 0777, .owner = options->owner, .group = options->group};
    if (!art_rights_take(fd, attributes, &like)) return ART_OK;
    return art_fail_errno(ART_CANTOPEN, errno,
                          "art: cannot set the new file's owner and permissions (%s): check the file system",
                          options->path);
}

/* Would O_DIRECT work here with whole pages, and mean something? What nobody can say is tried. */
static bool direct_is_possible(int fd) {
    assert(fd >= 0);
    uint32_t memory, offset;
    if (!art_system.direct_alignment(fd, &memory, &offset)) {
        return memory && offset && memory <= ART_PAGE && offset <= ART_PAGE;
    }
    return art_system.in_memory(fd) != 1;
}

/* What nobody has chosen, the process's environment may say. */
static enum art_direct wanted_direct(const struct art_file_options *options) {
    const char *said = options->direct == ART_DIRECT_AUTO ? getenv("ART_DIRECT") : NULL;
    if (!said) return options->direct;
    return !strcmp(said, "on") ? ART_DIRECT_ON : !strcmp(said, "off") ? ART_DIRECT_OFF : ART_DIRECT_AUTO;
}

static enum art_rc choose_direct(struct art_file *file, const struct art_file_options *options) {
    assert(file->fd >= 0 && !file->io.direct);
    enum art_direct wanted = wanted_direct(options);
    file->direct_required = wanted == ART_DIRECT_ON;
    if (wanted != ART_DIRECT_OFF && direct_is_possible(file->fd)) {
        if (!art_system.set_flags(file->fd, O_DIRECT)) {
            file->io.direct = true;
            return ART_OK;
        }
    }
    if (file->direct_required) {
        return art_fail(ART_CANTOPEN,
                        "art: the file system refuses direct I/O in pages of %d bytes (%s): take ART_DIRECT=on out of "
                        "the environment",
                        ART_PAGE, options->path);
    }
    if (art_system.set_flags(file->fd, 0)) {
        return art_fail_errno(ART_CANTOPEN, errno, "art: cannot set the file's mode (%s): check the file system",
                              options->path);
    }
    return ART_OK;
}

/* A connection that only reads the file reads by the process's descriptor for it, which may become this one. */
static enum art_rc share_descriptor(struct art_file *file, const struct stat *attributes) {
    assert(file->io.read_only && !file->shared);
    bool beside = file->io.direct && !file->direct_required, direct = file->io.direct && !beside;
    file->shared = art_shared_find(attributes, direct);
    if (file->shared) {
        art_system.close(file->fd);
    } else {
        if (beside && art_system.set_flags(file->fd, 0)) {
            beside = false;
            direct = true;
        }
        file->shared = art_shared_add(file->fd, attributes, direct);
        if (!file->shared) return art_nomem();
    }
    file->io.cached = beside;
    file->read_fd = file->shared->fd;
    file->fd = beside ? -1 : file->shared->fd;
    assert(file->fd >= 0 || file->io.cached);
    return ART_OK;
}

static enum art_rc set_up(struct art_file *file, const struct art_file_options *options) {
    assert(file->fd >= 0);
    struct stat attributes;
    if (art_system.fstat(file->fd, &attributes)) {
        return art_fail_errno(ART_CANTOPEN, errno, "art: cannot look at the file (%s): check the disk", options->path);
    }
    if (!S_ISREG(attributes.st_mode)) {
        return art_fail(ART_CANTOPEN, "art: not a regular file (%s): move it away", options->path);
    }
    enum art_rc rc = options->create ? hand_to_owner(file->fd, options, &attributes) : ART_OK;
    if (!rc) rc = choose_direct(file, options);
    if (!rc && options->read_only) rc = share_descriptor(file, &attributes);
    if (!rc) rc = art_file_enlist(file);
    if (rc && file->shared) {
        art_shared_release(file->shared);
        file->fd = -1;
    }
    if (!rc && !options->read_only && file->io.direct && !file->direct_required) {
        assert(!file->shared);
        file->io.cached = !art_shared_open(file->io.name, file->fd, &attributes, false, &file->shared);
        if (file->shared) file->read_fd = file->shared->fd; /* else all reads are direct */
    }
    return rc;
}

/* The engine that was asked for, where it can be had. A ring is made later and may still be refused then. */
static struct art_file *new_file(enum art_engine engine) {
    if (engine != ART_ENGINE_PWRITE && art_ring_expected()) return art_ring_file_new();
    struct art_file *file = art_alloc_zeroed(sizeof *file);
    if (!file) return NULL;
    file->io.methods = &art_pwrite_methods;
    file->io.engine = "pwrite";
    return file;
}

static enum art_rc disk_open(struct art_disk *disk, const struct art_file_options *options, struct art_io **out) {
    (void)disk;
    assert(!(options->create && options->read_only));
    *out = NULL;
    struct art_file *file = new_file(options->engine);
    size_t length = strlen(options->path) + 1;
    char *name = file ? art_alloc(length) : NULL;
    if (!name) {
        art_free(file);
        return art_nomem();
    }
    memcpy(name, options->path, length);
    file->io.name = name;
    file->io.read_only = options->read_only;
    file->pool = options->pool;

    int flags = (options->read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if (options->create) flags |= O_CREAT | O_EXCL;
    file->fd = art_open_retried(name, flags, options->permissions & 0700);
    enum art_rc rc = file->fd < 0 ? open_failed(options, errno) : set_up(file, options);
    if (!rc) {
        *out = &file->io;
        return ART_OK;
    }
    if (file->fd >= 0) {
        if (options->create) art_system.unlink(name);
        art_system.close(file->fd);
    }
    art_free(name);
    art_free(file);
    return rc;
}

static enum art_rc disk_remove(struct art_disk *disk, const char *path) {
    (void)disk;
    if (!art_system.unlink(path)) return ART_OK;
    if (errno == ENOENT || errno == ENOTDIR) return art_fail(ART_MISSING, "art: no such file to remove (%s)", path);
    return art_fail_errno(ART_IO, errno, "art: cannot remove the file (%s): remove it by hand", path);
}

static enum art_rc disk_sync_directory(struct art_disk *disk, const char *path) {
    (void)disk;
    assert(path && *path);
    const char *slash = strrchr(path, '/');
    const char *from = slash ? path : ".";
    size_t length = slash && slash > path ? (size_t)(slash - path) : 1; /* "/" for the root's own children */
    char *folder = art_alloc(length + 1);
    if (!folder) return art_nomem();
    memcpy(folder, from, length);
    folder[length] = 0;
    enum art_rc rc = ART_OK;
    int fd = art_open_retried(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        rc = art_fail_errno(ART_CANTOPEN, errno,
                            "art: cannot open the folder to sync it (%s): raise the limit of open files", folder);
    } else if (fd < 0) {
        rc = art_fail_errno(ART_CANTOPEN, errno,
                            "art: cannot open the folder to sync it (%s): give this user the right to read it", folder);
    } else {
        int failed = art_system.fsync(fd);
        for (int i = 0; failed && errno == EINTR && i < INTERRUPTED_MAX; i++) failed = art_system.fsync(fd);
        /* EINVAL: a file system whose folders have nothing to sync. */
        if (failed && errno != EINVAL) {
            rc = art_fail_errno(ART_IO, errno, "art: cannot make a new or removed name durable (%s): check the disk",
                                folder);
        }
        art_system.close(fd);
    }
    art_free(folder);
    return rc;
}

static enum art_rc disk_stat(struct art_disk *disk, const char *path, struct art_file_identity *out) {
    (void)disk;
    struct stat attributes;
    if (!art_system.stat(path, &attributes)) {
        art_identity_of(&attributes, -1, path, out);
        return ART_OK;
    }
    if (errno == ENOENT || errno == ENOTDIR) return art_fail(ART_MISSING, "art: no such file (%s)", path);
    return art_fail_errno(ART_IO, errno, "art: cannot look at the file (%s): check the path and its rights", path);
}

static enum art_rc disk_list(struct art_disk *disk, const char *folder,
                             enum art_rc (*visit)(void *context, const char *name), void *context) {
    (void)disk;
    DIR *list = art_system.opendir(folder);
    if (!list) {
        return art_fail_errno(ART_CANTOPEN, errno,
                              "art: cannot list the database's folder (%s): give this user the right to read it",
                              folder);
    }
    enum art_rc rc = ART_OK;
    errno = 0;
    for (const struct dirent *entry; !rc && (entry = art_system.readdir(list)); errno = 0) {
        rc = visit(context, entry->d_name);
    }
    if (!rc && errno) {
        rc = art_fail_errno(ART_IO, errno, "art: cannot list the database's folder (%s): check the disk", folder);
    }
    closedir(list);
    return rc;
}

struct art_disk *art_disk_system(void) {
    static const struct art_disk_methods methods = {
        .open = disk_open,
        .remove = disk_remove,
        .sync_directory = disk_sync_directory,
        .stat = disk_stat,
        .list = disk_list,
    };
    static struct art_disk disk = {&methods};
    return &disk;
}

static struct art_disk *chosen;

struct art_disk *art_disk_default(void) {
    return chosen ? chosen : art_disk_system();
}

void art_disk_set_default(struct art_disk *disk) {
    chosen = disk;
}
