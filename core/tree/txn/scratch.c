/* The scratch file: saved memtables that savepoints may bring back (spill.c), a part of one in each piece of a
 * blob's size. It is a temporary file of the host's and ends with the transaction. Not the .art file or the host's
 * rows: what a ROLLBACK TO needs is written after the savepoint, and rows are taken back with it.
 */
#include "core/tree/txn/txn.h"

static enum art_rc open_scratch(struct art_tree *tree) {
    assert(tree->host.scratch);
    enum art_rc rc = tree->host.scratch->open(tree->host.context, &tree->scratch.file);
    if (rc) tree->scratch.file = NULL;
    tree->scratch.end = 0;
    return rc;
}

enum art_rc art_scratch_write(struct art_tree *tree, const struct art_blob_buf *buffer, uint32_t *index) {
    assert(buffer->data && (tree->scratch.file || !tree->scratch.end));
    enum art_rc rc = tree->scratch.file ? ART_OK : open_scratch(tree);
    uint64_t offset = (uint64_t)tree->scratch.end * ART_BLOB_SIZE;
    if (!rc) rc = tree->host.scratch->write(tree->scratch.file, buffer->data, ART_BLOB_SIZE, offset);
    if (!rc) *index = tree->scratch.end++;
    return rc;
}

enum art_rc art_scratch_read(struct art_tree *tree, uint32_t index, struct art_blob_buf *buffer) {
    assert(tree->scratch.file && index < tree->scratch.end);
    uint64_t offset = (uint64_t)index * ART_BLOB_SIZE;
    return tree->host.scratch->read(tree->scratch.file, buffer->data, ART_BLOB_SIZE, offset);
}

void art_scratch_end(struct art_tree *tree) {
    assert(!tree->scratch.file || art_tree_in_txn(tree));
    if (tree->scratch.file) tree->host.scratch->close(tree->scratch.file);
    tree->scratch.file = NULL;
}
