#include "tests/support/scratch_disk.h"

#include <stdio.h>
#include <unistd.h>

enum art_rc scratch_open(struct art_disk *disk, const char *folder, void **file) {
    static unsigned number;
    char name[4096];
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

enum art_rc scratch_write(void *file, const void *data, uint32_t len, uint64_t offset) {
    struct art_io_request request = {(void *)(uintptr_t)data, len, offset};
    enum art_rc rc = art_io_write(file, &request, 1), waited = art_io_wait(file);
    return rc ? rc : waited;
}

enum art_rc scratch_read(void *file, void *data, uint32_t len, uint64_t offset) {
    return art_io_read(file, &(struct art_io_request){data, len, offset}, 1);
}

void scratch_close(void *file) {
    art_io_close(file);
}
