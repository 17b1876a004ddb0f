#include "tests/support/memory_disk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/error.h"
#include "core/io/io_request.h"

struct memory_file {
    char path[256]; /* "": none */
    uint64_t inode, size;
    uint8_t *bytes; /* the disk's room in address space; memory where it was touched */
    bool used[MEMORY_DISK_PAGES_OF_LARGE];
    uint32_t used_end;           /* no used page from here on */
    const struct art_io *writer; /* who has the lock; NULL: nobody */
};

struct memory_disk {
    struct art_disk disk;
    uint64_t room; /* of a file */
    struct memory_file files[MEMORY_DISK_FILES];
};

static uint64_t last_inode; /* of all disks: the cache of blobs tells files apart by it */

struct memory_handle {
    struct art_io io;
    struct memory_file *file;
    uint64_t inode; /* the file's, when it was opened */
    uint64_t room;
};

static struct memory_file *find(const struct memory_disk *disk, const char *path) {
    for (int i = 0; i < MEMORY_DISK_FILES; i++) {
        const struct memory_file *file = &disk->files[i];
        if (file->path[0] && !strcmp(file->path, path)) return (struct memory_file *)(uintptr_t)file;
    }
    return NULL;
}

static struct memory_file *must_find(const struct memory_disk *disk, const char *path) {
    struct memory_file *file = find(disk, path);
    if (!file) abort();
    return file;
}

static void wipe(struct memory_file *file, uint64_t from_page) {
    for (uint64_t page = from_page; page < file->used_end; page++) {
        if (file->used[page]) memset(file->bytes + page * ART_PAGE, 0, ART_PAGE);
        file->used[page] = false;
    }
    if (file->used_end > from_page) file->used_end = (uint32_t)from_page;
}

static void use(struct memory_file *file, uint32_t page) {
    file->used[page] = true;
    if (page >= file->used_end) file->used_end = page + 1;
}

static struct memory_file *make(struct memory_disk *disk, const char *path) {
    for (int i = 0; i < MEMORY_DISK_FILES; i++) {
        struct memory_file *file = &disk->files[i];
        if (file->path[0]) continue;
        strncpy(file->path, path, sizeof file->path - 1);
        file->inode = ++last_inode;
        file->size = 0;
        if (file->bytes) return file;
        file->bytes =
            mmap(NULL, disk->room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (file->bytes == MAP_FAILED) abort();
        return file;
    }
    abort();
}

/* --- an open file ------------------------------------------------------------------------------------------------- */

static struct memory_file *file_of(struct art_io *io) {
    return ((struct memory_handle *)io)->file;
}

static uint64_t room_of(const struct art_io *io) {
    return ((const struct memory_handle *)io)->room;
}

static enum art_rc read_batch(struct art_io *io, struct art_io_request *requests, unsigned count, enum art_read from) {
    (void)from;
    struct memory_file *file = file_of(io);
    int rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) {
        const struct art_io_request *request = &requests[i];
        if (request->offset + request->len > file->size) {
            return art_read_past_end(io, request->offset, request->len, file->size);
        }
        if (request->len) memcpy(request->data, file->bytes + request->offset, request->len);
    }
    return rc;
}

static enum art_rc writable(const struct art_io *io) {
    return io->read_only ? art_fail(ART_READONLY, "art: opened to be read only (%s)", io->name) : ART_OK;
}

static enum art_rc write_batch(struct art_io *io, struct art_io_request *requests, unsigned count) {
    struct memory_file *file = file_of(io);
    int rc = writable(io);
    if (!rc) rc = art_requests_check(io, requests, count);
    for (unsigned i = 0; !rc && i < count; i++) {
        const struct art_io_request *request = &requests[i];
        uint64_t end = request->offset + request->len;
        if (!request->len) continue;
        if (end > room_of(io)) return art_fail(ART_DISKFULL, "art: the disk in memory is full (%s): stop", file->path);
        memcpy(file->bytes + request->offset, request->data, request->len);
        for (uint64_t at = request->offset; at < end; at += ART_PAGE) use(file, (uint32_t)(at / ART_PAGE));
        if (end > file->size) file->size = end;
    }
    return rc;
}

static enum art_rc nothing_to_do(struct art_io *io) {
    (void)io;
    return ART_OK;
}

static enum art_rc size(struct art_io *io, uint64_t *bytes) {
    *bytes = file_of(io)->size;
    return ART_OK;
}

static enum art_rc truncate_file(struct art_io *io, uint64_t bytes) {
    struct memory_file *file = file_of(io);
    if (io->read_only) return writable(io);
    if (bytes > room_of(io)) return art_fail(ART_DISKFULL, "art: the disk in memory is full (%s): stop", file->path);
    wipe(file, (bytes + ART_PAGE - 1) / ART_PAGE);
    if (bytes % ART_PAGE) memset(file->bytes + bytes, 0, ART_PAGE - bytes % ART_PAGE);
    file->size = bytes;
    return ART_OK;
}

static void describe(const struct memory_file *file, struct art_file_identity *out) {
    *out = (struct art_file_identity){
        .device = 7, .inode = file->inode, .links = 1, .size = file->size, .permissions = 0600};
}

static enum art_rc identity(struct art_io *io, struct art_file_identity *out) {
    describe(file_of(io), out);
    out->inode = ((struct memory_handle *)io)->inode;
    return ART_OK;
}

static enum art_rc lock(struct art_io *io) {
    struct memory_file *file = file_of(io);
    if (io->read_only) return writable(io);
    if (file->writer && file->writer != io) return art_fail(ART_BUSY, "art: somebody writes (%s)", io->name);
    file->writer = io;
    return ART_OK;
}

static void unlock(struct art_io *io) {
    if (file_of(io)->writer == io) file_of(io)->writer = NULL;
}

static void close_handle(struct art_io *io) {
    unlock(io);
    free(io);
}

static const struct art_io_methods io_methods = {
    .read_batch = read_batch,
    .write_batch = write_batch,
    .write_wait = nothing_to_do,
    .sync = nothing_to_do,
    .size = size,
    .truncate = truncate_file,
    .identity = identity,
    .lock = lock,
    .unlock = unlock,
    .close = close_handle,
};

/* --- the disk ----------------------------------------------------------------------------------------------------- */

static enum art_rc disk_open(struct art_disk *art_disk, const struct art_file_options *options, struct art_io **out) {
    struct memory_disk *disk = (struct memory_disk *)art_disk;
    struct memory_file *file = find(disk, options->path);
    *out = NULL;
    if (file && options->create) return art_fail(ART_CANTOPEN, "art: the file is there already (%s)", options->path);
    if (!file && !options->create) return art_fail(ART_MISSING, "art: there is no such file (%s)", options->path);
    if (!file) file = make(disk, options->path);
    struct memory_handle *handle = calloc(1, sizeof *handle);
    if (!handle) abort();
    handle->io = (struct art_io){
        .methods = &io_methods, .name = file->path, .engine = "memory", .read_only = options->read_only};
    handle->file = file;
    handle->inode = file->inode;
    handle->room = disk->room;
    *out = &handle->io;
    return ART_OK;
}

static enum art_rc disk_remove(struct art_disk *art_disk, const char *path) {
    struct memory_disk *disk = (struct memory_disk *)art_disk;
    struct memory_file *file = find(disk, path);
    if (!file) return art_fail(ART_MISSING, "art: there is no such file (%s)", path);
    wipe(file, 0);
    file->path[0] = 0;
    return ART_OK;
}

static enum art_rc disk_sync_directory(struct art_disk *disk, const char *path) {
    (void)disk;
    (void)path;
    return ART_OK;
}

/* A file that is not here is one of SQLite's, which are somewhere else: any will do. */
static enum art_rc disk_stat(struct art_disk *art_disk, const char *path, struct art_file_identity *out) {
    struct memory_file *file = find((struct memory_disk *)art_disk, path);
    size_t len = strlen(path);
    if (!file && len > 4 && !strcmp(path + len - 4, ".art")) {
        return art_fail(ART_MISSING, "art: there is no such file (%s)", path);
    }
    *out = (struct art_file_identity){.device = 7, .inode = 1u << 30, .links = 1, .permissions = 0600};
    if (file) describe(file, out);
    return ART_OK;
}

static enum art_rc disk_list(struct art_disk *art_disk, const char *folder,
                             enum art_rc (*visit)(void *context, const char *name), void *context) {
    struct memory_disk *disk = (struct memory_disk *)art_disk;
    (void)folder;
    int rc = ART_OK;
    for (int i = 0; !rc && i < MEMORY_DISK_FILES; i++) {
        const char *path = disk->files[i].path, *slash = strrchr(path, '/');
        if (path[0]) rc = visit(context, slash ? slash + 1 : path);
    }
    return rc;
}

static const struct art_disk_methods disk_methods = {.open = disk_open,
                                                     .remove = disk_remove,
                                                     .sync_directory = disk_sync_directory,
                                                     .stat = disk_stat,
                                                     .list = disk_list};

static struct memory_disk *new_disk(uint64_t pages) {
    struct memory_disk *disk = calloc(1, sizeof *disk);
    if (!disk) abort();
    disk->disk.methods = &disk_methods;
    disk->room = pages * ART_PAGE;
    return disk;
}

struct memory_disk *memory_disk_new(void) {
    return new_disk(MEMORY_DISK_PAGES);
}

struct memory_disk *memory_disk_new_large(void) {
    return new_disk(MEMORY_DISK_PAGES_OF_LARGE);
}

void memory_disk_free(struct memory_disk *disk) {
    if (!disk) return;
    for (int i = 0; i < MEMORY_DISK_FILES; i++) {
        if (disk->files[i].bytes) munmap(disk->files[i].bytes, disk->room);
    }
    free(disk);
}

struct art_disk *memory_disk_art(struct memory_disk *disk) {
    return &disk->disk;
}

void memory_disk_clear(struct memory_disk *disk, const char *path) {
    for (int i = 0; i < MEMORY_DISK_FILES && !path; i++) {
        wipe(&disk->files[i], 0);
        disk->files[i].path[0] = 0;
    }
    if (!path) return;
    struct memory_file *file = find(disk, path);
    if (!file) file = make(disk, path);
    wipe(file, 0);
    file->size = 0;
    file->inode = ++last_inode;
}

const char *memory_disk_find(const struct memory_disk *disk, const char *suffix) {
    for (int i = 0; i < MEMORY_DISK_FILES; i++) {
        size_t len = strlen(disk->files[i].path), wanted = strlen(suffix);
        if (len >= wanted && len && !strcmp(disk->files[i].path + len - wanted, suffix)) return disk->files[i].path;
    }
    return NULL;
}

uint64_t memory_disk_size(const struct memory_disk *disk, const char *path) {
    return must_find(disk, path)->size;
}

void memory_disk_resize(struct memory_disk *disk, const char *path, uint64_t bytes) {
    struct memory_file *file = must_find(disk, path);
    if (bytes > disk->room) abort();
    wipe(file, (bytes + ART_PAGE - 1) / ART_PAGE);
    file->size = bytes;
}

uint8_t *memory_disk_page(struct memory_disk *disk, const char *path, uint32_t page) {
    struct memory_file *file = must_find(disk, path);
    if (page >= disk->room / ART_PAGE) abort();
    use(file, page);
    uint64_t end = ((uint64_t)page + 1) * ART_PAGE;
    if (end > file->size) file->size = end;
    return file->bytes + (uint64_t)page * ART_PAGE;
}

bool memory_disk_used(const struct memory_disk *disk, const char *path, uint32_t page) {
    return must_find(disk, path)->used[page];
}

void memory_disk_renew(struct memory_disk *disk, const char *path) {
    must_find(disk, path)->inode = ++last_inode;
}
