/* Files and folders, for hosts that have no other way to them. */
#include "core/tree/state/state.h"

#include "core/base/platform.h"
#include "core/store/store_format.h"
#include "core/tree/place.h"

enum art_rc art_file_identify(const char *path, const char *host_path, uint8_t uuid[ART_UUID_BYTES], bool *ours) {
    return art_store_identify(NULL, path, host_path, uuid, ours);
}

bool art_file_exists(const char *path) {
    struct art_disk *disk = art_disk_default();
    struct art_file_identity identity;
    return disk->methods->stat(disk, path, &identity) != ART_MISSING;
}

enum art_rc art_file_look(const char *path, uint64_t *bytes, uint64_t *names) {
    struct art_disk *disk = art_disk_default();
    struct art_file_identity identity = {0};
    enum art_rc rc = disk->methods->stat(disk, path, &identity);
    *bytes = identity.size;
    *names = identity.links;
    return rc;
}

bool art_file_is_begun(const char *path) {
    uint64_t bytes, names;
    return !art_file_look(path, &bytes, &names) && bytes <= ART_SUPERBLOCK_BYTES && names == 1;
}

bool art_file_is_more_open(const char *path, const char *than) {
    struct art_disk *disk = art_disk_default();
    struct art_file_identity own, other;
    return !disk->methods->stat(disk, path, &own) && !disk->methods->stat(disk, than, &other) &&
           art_is_more_open(&own, &other);
}

enum art_rc art_file_make(const char *path, const char *like) {
    struct art_disk *disk = art_disk_default();
    struct art_file_identity other = {0};
    struct art_io *io;
    enum art_rc rc = disk->methods->stat(disk, like, &other);
    if (rc == ART_MISSING) art_platform_user(&other.owner, &other.group);
    if (rc && rc != ART_MISSING) return rc;
    struct art_file_options options = {.path = path,
                                       .engine = ART_ENGINE_PWRITE,
                                       .direct = ART_DIRECT_OFF,
                                       .create = true,
                                       .permissions = other.permissions | 0600,
                                       .owner = other.owner,
                                       .group = other.group};
    rc = disk->methods->open(disk, &options, &io);
    if (!rc) art_io_close(io);
    return rc;
}

enum art_rc art_file_remove(const char *path) {
    struct art_disk *disk = art_disk_default();
    return disk->methods->remove(disk, path);
}

enum art_rc art_file_sync_folder(const char *path) {
    struct art_disk *disk = art_disk_default();
    return disk->methods->sync_directory(disk, path);
}

enum art_rc art_folder_list(const char *folder, enum art_rc (*visit)(void *context, const char *name), void *context) {
    struct art_disk *disk = art_disk_default();
    return disk->methods->list(disk, folder, visit, context);
}
