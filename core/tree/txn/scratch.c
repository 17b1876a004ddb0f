/* The scratch file: images of memtables that savepoints may bring back (spill.c), a part of one in each place of a
 * blob's size. It has no name from the moment that it is open, and ends with the transaction. Not the .art file or the
 * host's rows: what a ROLLBACK TO needs is written after the savepoint, and rows are taken back with it.
 */
#include "core/tree/txn/txn.h"

enum { NAME_MAX_BYTES = 4096 };

static enum art_rc open_scratch(struct art_tree *tree) {
    char name[NAME_MAX_BYTES];
    struct art_disk *disk = tree->options.disk ? tree->options.disk : art_disk_default();
    assert(tree->host.scratch_name);
    enum art_rc rc = tree->host.scratch_name(tree->host.context, name, sizeof name);
    if (rc) return rc;
    struct art_file_options options = {.path = name,
                                       .engine = ART_ENGINE_PWRITE,
                                       .direct = ART_DIRECT_OFF,
                                       .create = true,
                                       .permissions = 0600,
                                       .owner = UINT32_MAX,
                                       .group = UINT32_MAX};
    rc = disk->methods->open(disk, &options, &tree->scratch.io);
    if (rc) {
        tree->scratch.io = NULL;
        return rc;
    }
    tree->scratch.end = 0;
    return disk->methods->remove(disk, name);
}

enum art_rc art_scratch_write(struct art_tree *tree, const struct art_blob_buf *buffer, uint32_t *place) {
    enum art_rc rc = tree->scratch.io ? ART_OK : open_scratch(tree);
    if (rc) return rc;
    struct art_io_request request = {buffer->data, ART_BLOB_SIZE, (uint64_t)tree->scratch.end * ART_BLOB_SIZE};
    rc = art_io_write(tree->scratch.io, &request, 1);
    enum art_rc waited = art_io_wait(tree->scratch.io);
    if (!rc) rc = waited;
    if (rc == ART_DISKFULL) {
        return art_fail(ART_DISKFULL,
                        "art: the folder for temporary files has no room for what open savepoints need "
                        "(%s): make room there, or set SQLITE_TMPDIR to another folder",
                        tree->scratch.io->name);
    }
    if (!rc) *place = tree->scratch.end++;
    return rc;
}

enum art_rc art_scratch_read(struct art_tree *tree, uint32_t place, struct art_blob_buf *buffer) {
    struct art_io_request request = {buffer->data, ART_BLOB_SIZE, (uint64_t)place * ART_BLOB_SIZE};
    return art_io_read(tree->scratch.io, &request, 1);
}

void art_scratch_end(struct art_tree *tree) {
    art_io_close(tree->scratch.io);
    tree->scratch.io = NULL;
}
