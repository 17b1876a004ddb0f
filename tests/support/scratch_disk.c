#include "tests/support/scratch_disk.h"

#include <stdio.h>
#include <unistd.h>

static struct art_disk *disk;
static const char *folder;

static enum art_rc open_file(void *context, void **file) {
    static unsigned number;
    char name[4096];
    (void)context;
    snprintf(name, sizeof name, "%s/tree-scratch-%ld-%u", folder, (long)getpid(), number++);
    struct art_disk *on = disk ? disk : art_disk_default();
    struct art_file_options options = {.path = name,
                                       .engine = ART_ENGINE_PWRITE,
                                       .direct = ART_DIRECT_OFF,
                                       .create = true,
                                       .permissions = 0600,
                                       .owner = UINT32_MAX,
                                       .group = UINT32_MAX};
    struct art_io *io;
    enum art_rc rc = on->methods->open(on, &options, &io);
    if (!rc) {
        rc = on->methods->remove(on, name);
        if (rc) art_io_close(io);
    }
    if (!rc) *file = io;
    return rc;
}

static enum art_rc write_file(void *file, const void *data, uint32_t len, uint64_t offset) {
    struct art_io_request request = {(void *)(uintptr_t)data, len, offset};
    enum art_rc rc = art_io_write(file, &request, 1), waited = art_io_wait(file);
    return rc ? rc : waited;
}

static enum art_rc read_file(void *file, void *data, uint32_t len, uint64_t offset) {
    return art_io_read(file, &(struct art_io_request){data, len, offset}, 1);
}

static void close_file(void *file) {
    art_io_close(file);
}

const struct art_scratch_files *scratch_on(struct art_disk *on, const char *in) {
    static const struct art_scratch_files files = {open_file, write_file, read_file, close_file};
    disk = on;
    folder = in;
    return &files;
}
