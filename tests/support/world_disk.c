/* A world's files as core/io's art_disk. A write is in the history when write_batch() returns; what is on the way then
 * is a kernel's business as much as what is there and not synced. Reads that allow it go through a page cache that now
 * and then has an older page. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/io/io.h"
#include "core/io/io_request.h"
#include "tests/support/world_private.h"

enum { STALE_ONE_IN = 4 };

struct world_io {
    struct art_io io;
    struct world *world;
    struct world_process *process;
    struct world_inode *inode;
    uint32_t inode_index;
    unsigned told; /* of so many failed syncs */
    bool poisoned;
    char name[WORLD_NAME_MAX];
};

static struct world_io *io_of(struct art_io *io) {
    return (struct world_io *)io;
}

static int died(const char *name) {
    return art_fail(ART_IO, "art: the process died (%s)", name);
}

static int missing(const char *name) {
    return art_fail(ART_MISSING, "art: the .art file is missing (%s)", name);
}

/* ---- an open file ------------------------------------------------------------------------------------------------ */

static bool one_in(struct world_inode *inode, unsigned n) {
    struct random random = {inode->number * 1000003u + ++inode->reads};
    return random_below(&random, n) == 0;
}

static void make_stale(struct world_inode *inode, const struct art_io_request *request) {
    for (uint32_t at = 0; at < request->len; at += ART_PAGE) {
        if (request->offset + at + ART_PAGE > inode->before.size || !one_in(inode, STALE_ONE_IN)) continue;
        sparse_read(&inode->before, request->offset + at, (uint8_t *)request->data + at, ART_PAGE);
    }
}

static int read_one(struct world_io *file, const struct art_io_request *request, enum art_read from) {
    struct world_inode *inode = file->inode;
    uint32_t there = sparse_read(&inode->live, request->offset, request->data, request->len);
    if (there < request->len) return art_read_past_end(&file->io, request->offset, request->len, inode->live.size);
    if (from == ART_READ_CACHED) make_stale(inode, request);
    return ART_OK;
}

static enum art_rc io_read(struct art_io *io, struct art_io_request *requests, unsigned count, enum art_read from) {
    struct world_io *file = io_of(io);
    if (file->process->dead) return died(io->name);
    int rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) rc = read_one(file, &requests[i], from);
    return rc;
}

static bool io_peek(struct art_io *io, const struct art_io_request *request) {
    struct world_io *file = io_of(io);
    return !file->process->dead && one_in(file->inode, 2) && !art_requests_check(io, request, 1) &&
           !read_one(file, request, ART_READ_CACHED);
}

static void keep_before(struct world_inode *inode, const struct art_io_request *request) {
    uint8_t page[ART_PAGE];
    for (uint32_t at = 0; at < request->len; at += ART_PAGE) {
        uint32_t there = sparse_read(&inode->live, request->offset + at, page, ART_PAGE);
        if (there == ART_PAGE) sparse_write(&inode->before, request->offset + at, page, ART_PAGE);
    }
}

static int may_write(struct world_io *file) {
    if (file->io.read_only) return art_fail(ART_READONLY, "art: opened to be read only (%s)", file->name);
    if (file->poisoned) return art_fail(ART_POISONED, "art: an earlier sync failed (%s)", file->name);
    return world_call(file->world, file->process) ? ART_OK : died(file->name);
}

static enum art_rc io_write(struct art_io *io, struct art_io_request *requests, unsigned count) {
    struct world_io *file = io_of(io);
    int rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) {
        rc = may_write(file);
        if (!rc) keep_before(file->inode, &requests[i]);
        if (!rc) world_write(file->world, file->inode_index, requests[i].offset, requests[i].data, requests[i].len);
    }
    return rc;
}

static enum art_rc io_wait(struct art_io *io) {
    return io_of(io)->process->dead ? died(io->name) : ART_OK;
}

static enum art_rc io_sync(struct art_io *io) {
    struct world_io *file = io_of(io);
    int rc = may_write(file);
    if (rc) return rc;
    uint64_t lost_from = 0;
    file->poisoned = world_sync_fails(file->world, file->name, file->inode_index, &file->told, &lost_from);
    world_sync(file->world, file->inode_index, lost_from);
    return file->poisoned ? art_fail(ART_IO, "art: the world fails this sync (%s)", file->name) : ART_OK;
}

static enum art_rc io_size(struct art_io *io, uint64_t *bytes) {
    *bytes = io_of(io)->inode->live.size;
    return io_wait(io);
}

static enum art_rc io_truncate(struct art_io *io, uint64_t bytes) {
    int rc = may_write(io_of(io));
    if (!rc) world_truncate(io_of(io)->world, io_of(io)->inode_index, bytes);
    return rc;
}

static void describe(const struct world_process *process, const struct world_inode *inode,
                     struct art_file_identity *out) {
    *out = (struct art_file_identity){.device = process->device,
                                      .inode = inode->number,
                                      .links = 1,
                                      .size = inode->live.size,
                                      .permissions = 0600,
                                      .owner = geteuid(),
                                      .group = getegid()};
}

static enum art_rc io_identity(struct art_io *io, struct art_file_identity *out) {
    describe(io_of(io)->process, io_of(io)->inode, out);
    return io_wait(io);
}

static enum art_rc io_lock(struct art_io *io) {
    struct world_inode *inode = io_of(io)->inode;
    if (io_of(io)->process->dead) return died(io->name);
    if (inode->art_lock && inode->art_lock != io) {
        return art_fail(ART_BUSY, "art: another connection is writing (%s)", io->name);
    }
    inode->art_lock = io;
    inode->art_lock_of = io_of(io)->process;
    return ART_OK;
}

static void io_unlock(struct art_io *io) {
    struct world_inode *inode = io_of(io)->inode;
    if (inode->art_lock == io) inode->art_lock = inode->art_lock_of = NULL;
}

static void io_close(struct art_io *io) {
    io_unlock(io);
    free(io);
}

static const struct art_io_methods io_methods = {.read_batch = io_read,
                                                 .peek = io_peek,
                                                 .write_batch = io_write,
                                                 .write_wait = io_wait,
                                                 .sync = io_sync,
                                                 .size = io_size,
                                                 .truncate = io_truncate,
                                                 .identity = io_identity,
                                                 .lock = io_lock,
                                                 .unlock = io_unlock,
                                                 .close = io_close};

/* ---- the folder -------------------------------------------------------------------------------------------------- */

static enum art_rc disk_open(struct art_disk *disk, const struct art_file_options *options, struct art_io **out) {
    struct world *world = world_now;
    struct world_name *found = world_find(world, options->path);
    uint32_t index;
    (void)disk;
    if (world->current->dead) return died(options->path);
    if (!found && !options->create) return missing(options->path);
    if (found && options->create) return art_fail_errno(ART_CANTOPEN, 17, "art: it exists (%s)", options->path);
    if (found) {
        index = found->inode;
    } else if (world_call(world, world->current)) {
        world_create(world, options->path, &index);
    } else {
        return died(options->path);
    }
    struct world_io *file = calloc(1, sizeof *file);
    if (!file) abort();
    *file = (struct world_io){.world = world, .process = world->current, .inode = world->inodes[index]};
    file->inode_index = index;
    file->told = file->inode->failures;
    strncpy(file->name, options->path, WORLD_NAME_MAX - 1);
    file->io = (struct art_io){.methods = &io_methods,
                               .name = file->name,
                               .engine = "simulated",
                               .direct = true,
                               .cached = true,
                               .read_only = options->read_only};
    *out = &file->io;
    return ART_OK;
}

static enum art_rc disk_remove(struct art_disk *disk, const char *path) {
    (void)disk;
    if (!world_find(world_now, path)) return missing(path);
    if (!world_call(world_now, world_now->current)) return died(path);
    world_unlink(world_now, path);
    return ART_OK;
}

static enum art_rc disk_sync_folder(struct art_disk *disk, const char *path) {
    (void)disk;
    if (!world_call(world_now, world_now->current)) return died(path);
    world_sync_folder(world_now);
    return ART_OK;
}

static enum art_rc disk_stat(struct art_disk *disk, const char *path, struct art_file_identity *out) {
    struct world_name *found = world_find(world_now, path);
    (void)disk;
    if (world_now->current->dead) return died(path);
    if (!found) return missing(path);
    describe(world_now->current, world_now->inodes[found->inode], out);
    return ART_OK;
}

/* visit() opens files; none is made or removed meanwhile. */
static enum art_rc disk_list(struct art_disk *disk, const char *folder,
                             enum art_rc (*visit)(void *context, const char *name), void *context) {
    int rc = ART_OK;
    (void)disk, (void)folder;
    if (world_now->current->dead) return died(folder);
    for (unsigned i = 0; !rc && i < world_now->name_count; i++) {
        rc = visit(context, world_now->names[i].name + strlen(WORLD_FOLDER));
    }
    return rc;
}

struct art_disk *world_disk(void) {
    static const struct art_disk_methods disk_methods = {.open = disk_open,
                                                         .remove = disk_remove,
                                                         .sync_directory = disk_sync_folder,
                                                         .stat = disk_stat,
                                                         .list = disk_list};
    static struct art_disk disk = {.methods = &disk_methods};
    return &disk;
}
