/* A system on which art keeps no files: what is the same on all of them. */
#include <errno.h>
#ifndef _WIN32
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif
#endif

#include "core/base/error.h"
#include "core/base/platform.h"
#include "core/io/blob_pool.h"
#include "core/io/io.h"

bool art_platform_has_files(void) {
    return false;
}

/* Of files alone, or of what SQLite says better. */
void art_platform_user(uint32_t *owner, uint32_t *group) {
    *owner = *group = 0;
}

uint64_t art_platform_room(const char *path) {
    (void)path;
    return UINT64_MAX;
}

char *art_platform_real_path(const char *path) {
    (void)path;
    return NULL;
}

#ifndef _WIN32
int art_platform_random(void *out, size_t len) {
    enum { AT_ONCE = 256 }; /* getentropy() gives no more */
    uint8_t *at = out;
    for (size_t n; len; at += n, len -= n) {
        n = len < AT_ONCE ? len : AT_ONCE;
        if (getentropy(at, n)) return errno;
    }
    return 0;
}

uint64_t art_platform_memory(void) {
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : (uint64_t)1 << 30;
}
#endif

bool art_platform_huge_pages(void *at, size_t bytes, bool wanted) {
    (void)at;
    (void)bytes;
    (void)wanted;
    return false;
}

bool art_platform_says_full(int error) {
    return error == ENOSPC;
}

bool art_platform_says_damaged(int error) {
    return error == EIO;
}

/* ---- the disk ---------------------------------------------------------------------------------------------------- */

static enum art_rc no_file(const char *path) {
    return art_fail(ART_CANTOPEN,
                    "art: this build of art keeps no .art files (%s): use one for Linux, whose art_backup() with "
                    "'inline' brings all blobs into the copy",
                    path);
}

static enum art_rc open_no_file(struct art_disk *disk, const struct art_file_options *options, struct art_io **out) {
    (void)disk;
    *out = NULL;
    return no_file(options->path);
}

static enum art_rc change_no_file(struct art_disk *disk, const char *path) {
    (void)disk;
    return no_file(path);
}

static enum art_rc ask_no_file(struct art_disk *disk, const char *path, struct art_file_identity *out) {
    (void)disk;
    *out = (struct art_file_identity){0};
    (void)no_file(path);
    return ART_MISSING;
}

static enum art_rc list_no_files(struct art_disk *disk, const char *folder,
                                 enum art_rc (*visit)(void *context, const char *name), void *context) {
    (void)disk;
    (void)folder;
    (void)visit;
    (void)context;
    return ART_OK;
}

static const struct art_disk_methods no_files = {open_no_file, change_no_file, change_no_file, ask_no_file,
                                                 list_no_files};
static struct art_disk nowhere = {&no_files}, *chosen = &nowhere;

struct art_disk *art_disk_system(void) {
    return &nowhere;
}

struct art_disk *art_disk_default(void) {
    return chosen;
}

void art_disk_set_default(struct art_disk *disk) {
    chosen = disk ? disk : &nowhere;
}

const char *art_io_engines(void) {
    return "none, all tables are in their databases";
}

bool art_io_uring_available(void) {
    return false;
}

void art_rings_forget(const struct art_blob_pool *pool) {
    (void)pool;
}
