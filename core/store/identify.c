/* Whose is a file that looks like an .art file? For who cleans up: looks at slot 0 and at nothing else.
 *
 * Opening a store also accepts a copy that nobody has claimed, by the database's name. Here a file is ours only if the
 * owner page was written in this very file and names our database's own file, since what is ours may be removed. The
 * path alone says little: who moves a database aside and puts another one in its place will want the first one back.
 * And somebody may have made the copy to keep it.
 */
#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/store/private.h"

static enum art_rc look_at_io(struct art_io *io, const struct art_owner *me, struct art_superblock *block,
                              uint8_t uuid[16], bool *ours) {
    struct art_file_identity own;
    enum art_rc rc = io->methods->identity(io, &own);
    if (rc) return rc;
    if (own.size < sizeof *block) return ART_NOTFOUND;
    struct art_io_request request = {block, sizeof *block, 0};
    rc = art_io_read(io, &request, 1);
    if (rc) return rc;
    if (memcmp(block->identity.magic, ART_STORE_MAGIC, sizeof block->identity.magic)) return ART_NOTFOUND;
    rc = art_superblock_check(block, block->identity.uuid, io->name);
    if (rc) return rc;
    memcpy(uuid, block->identity.uuid, sizeof block->identity.uuid);
    struct art_names names;
    struct art_owner with_own = *me;
    with_own.own_inode = own.inode;
    with_own.own_birth = own.birth;
    art_superblock_names(block, &with_own, &names);
    *ours = names.own && names.host;
    if (*ours || !(names.own ? names.path : names.base)) return ART_OK;
    if (!names.own) {
        return art_fail(ART_FOREIGN,
                        "art: the file is a copy that no database has claimed (%s): remove it by hand if none needs it",
                        io->name);
    }
    return art_fail(ART_FOREIGN,
                    "art: the file belongs to a database that stood in this place before (%s): remove it by hand if "
                    "that one is gone",
                    io->name);
}

enum art_rc art_store_identify(struct art_disk *disk, const char *path, const char *host_path, uint8_t uuid[16],
                               bool *ours) {
    struct art_file_options options = {.path = path, .engine = ART_ENGINE_PWRITE, .read_only = true};
    struct art_file_identity host = {.inode = 0};
    struct art_io *io;
    *ours = false;
    if (!disk) disk = art_disk_default();
    enum art_rc rc = disk->methods->open(disk, &options, &io);
    if (rc == ART_CANTOPEN && !art_error_errno()) return ART_NOTFOUND; /* a link, a folder, a pipe */
    if (rc) return rc;
    rc = disk->methods->stat(disk, host_path, &host);
    if (rc == ART_MISSING) { /* of another VFS, or it was removed */
        host.inode = 0;
        rc = ART_OK;
    }
    struct art_superblock *block = rc ? NULL : art_alloc_aligned(sizeof *block, ART_STORE_PAGE);
    struct art_owner me = {.host_inode = host.inode, .host_birth = host.birth, .host_path = host_path};
    if (!rc) rc = block ? look_at_io(io, &me, block, uuid, ours) : art_nomem();
    assert(!*ours || !rc);
    art_free_aligned(block);
    art_io_close(io);
    return rc;
}
