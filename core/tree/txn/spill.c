/* A transaction larger than memory.
 *
 *   before   root R0                memtable D   savepoints m1 m2 (undo positions in D)
 *   after    root R1 = R0 + run(D)  memtable {}  savepoints m1 {R0, image of D at m1}, m2 {R0, image of D at m2}
 *
 * The spill writes the memtable as a run into free slots under a root of the transaction's own, and begins an empty
 * memtable. What a kept savepoint needs to come back is its root and the memtable as it was: that is written as an
 * image, redo bytes in slots of their own. Walking back through the undo list from the youngest savepoint to the oldest
 * gives each image in turn; it consumes the memtable, whose content is safe in the new run by then. A savepoint at the
 * transaction's beginning needs no image: the host's log has that state, unless a COMMIT that was refused has left the
 * transaction's own rows there.
 */
#include "core/tree/txn/txn.h"

/* Rows of the host's are taken back with the savepoints that they are for: there, images go to a file of their own. */
static enum art_rc image_slot(struct art_tree *tree, uint32_t *slot) {
    return tree->options.inlined ? art_scratch_take(tree, slot) : art_store_take_slot(tree->store, slot);
}

static enum art_rc image_slot_write(struct art_tree *tree, uint32_t slot, const struct art_blob_buf *buffer) {
    return tree->options.inlined ? art_scratch_write(tree, slot, buffer)
                                 : art_store_write_raw(tree->store, slot, buffer, ART_BLOB_SIZE);
}

static enum art_rc image_slot_read(struct art_tree *tree, uint32_t slot, struct art_blob_buf *buffer) {
    return tree->options.inlined ? art_scratch_read(tree, slot, buffer)
                                 : art_store_read_raw(tree->store, slot, buffer, ART_BLOB_SIZE);
}

static enum art_rc image_write(struct art_tree *tree, struct art_savepoint *savepoint, const struct art_buffer *bytes) {
    savepoint->image_bytes = bytes->len;
    uint32_t slots = (uint32_t)((bytes->len + ART_BLOB_SIZE - 1) / ART_BLOB_SIZE);
    savepoint->image = art_alloc(slots * sizeof *savepoint->image);
    if (!savepoint->image) return art_nomem();
    enum art_rc rc = ART_OK;
    for (uint32_t i = 0; !rc && i < slots; i++) {
        struct art_blob_buf buffer = {0};
        size_t at = (size_t)i * ART_BLOB_SIZE, n = bytes->len - at < ART_BLOB_SIZE ? bytes->len - at : ART_BLOB_SIZE;
        rc = art_store_buffer(tree->store, &buffer);
        if (!rc) rc = image_slot(tree, &savepoint->image[i]);
        if (!rc) {
            savepoint->image_slots++;
            memcpy(buffer.data, bytes->data + at, n);
            memset(buffer.data + n, 0, ART_BLOB_SIZE - n);
            rc = image_slot_write(tree, savepoint->image[i], &buffer);
        }
        art_blob_buf_put(&buffer);
    }
    return rc;
}

/* Not with a buffer of the store's: the write phase is over where the transaction has come back from another place. */
enum art_rc art_image_read(struct art_tree *tree, const struct art_savepoint *savepoint, struct art_memtable **out) {
    struct art_buffer bytes = {0};
    struct art_blob_pool *heap = NULL;
    struct art_blob_buf buffer = {0};
    enum art_rc rc = art_buffer_reserve(&bytes, savepoint->image_bytes);
    if (!rc) rc = art_blob_pool_open(&heap, 0);
    if (!rc) rc = art_blob_buf_get(heap, &buffer);
    for (uint32_t i = 0; !rc && i < savepoint->image_slots; i++) {
        size_t left = savepoint->image_bytes - bytes.len;
        rc = image_slot_read(tree, savepoint->image[i], &buffer);
        if (!rc) rc = art_buffer_append(&bytes, buffer.data, left < ART_BLOB_SIZE ? left : ART_BLOB_SIZE);
    }
    art_blob_buf_put(&buffer);
    art_blob_pool_close(heap);
    struct art_memtable *memtable = NULL;
    if (!rc) rc = art_memtable_open_summed(&memtable, art_tree_summary(tree));
    if (!rc) rc = art_redo_decode_all(art_bytes(bytes.data, (uint32_t)bytes.len), memtable);
    art_buffer_clear(&bytes);
    if (rc) {
        art_memtable_unref(memtable);
        return rc;
    }
    *out = memtable;
    return ART_OK;
}

/* Images for the savepoints of this memtable, youngest first; `used` is what the root before the spill names. */
static enum art_rc image_savepoints(struct art_tree *tree, const struct art_slot_set *used) {
    enum art_rc rc = ART_OK;
    for (uint32_t i = tree->txn.savepoint_count; !rc && i-- > 0;) {
        struct art_savepoint *savepoint = &tree->txn.savepoints[i];
        if (savepoint->imaged || savepoint->beginning) continue;
        struct art_buffer bytes = {0};
        art_memtable_rollback(tree->memtable, savepoint->undo);
        rc = art_redo_encode_all(tree->memtable, &bytes);
        if (!rc) rc = art_slot_set_copy(used, &savepoint->used);
        if (!rc) rc = image_write(tree, savepoint, &bytes);
        savepoint->imaged = !rc;
        savepoint->image_moved = tree->before.moved;
        art_buffer_clear(&bytes);
    }
    return rc;
}

/* Were all keys of the runs in memtables that the filter knows? Then it goes on with the next one, and most new keys
 * are looked for in none of the runs: a load of an empty table. Keys that come in order are looked for where the last
 * one was, which costs less than a filter of this size. */
static bool filter_knows_runs(struct art_tree *tree) {
    enum { FILTER_PART = 8 };
    if (tree->txn.spilled ? !art_memtable_remembers(tree->memtable) : tree->root->runs > 0) return false;
    if (art_memtable_came_in_order(tree->memtable)) return false;
    return tree->txn.spilled || art_memtable_remember(tree->memtable, tree->options.spill_limit / FILTER_PART);
}

enum art_rc art_tree_spill(struct art_tree *tree) {
    struct art_version_edit edit;
    struct art_memtable *empty = NULL;
    art_pending_forget(tree);
    enum art_rc rc = art_edit_begin(tree, &edit);
    if (rc) return rc;
    rc = art_memtable_open_summed(&empty, art_tree_summary(tree));
    if (!rc) rc = art_compact_flush(tree, &edit, tree->memtable);
    if (!rc) rc = art_compact_merge(tree, &edit, UINT64_MAX);
    if (!rc) rc = art_store_wait(tree->store);
    if (rc) {
        tree->full |= rc == ART_DISKFULL;
        art_memtable_unref(empty);
        art_edit_discard(tree, &edit);
        art_slots_cut_back(tree);
        return rc;
    }
    if (filter_knows_runs(tree)) art_memtable_pass_on(tree->memtable, empty);
    return art_spill_into(tree, &edit, empty);
}

enum art_rc art_spill_into(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *empty) {
    /* From here on the memtable is consumed: a failure leaves a transaction that can only be rolled back. */
    enum art_rc rc = image_savepoints(tree, &tree->slots.used);
    if (rc) {
        tree->txn.doomed = rc;
        art_memtable_unref(empty);
        art_edit_discard(tree, edit);
        return rc;
    }
    struct art_slot_set before = tree->slots.used;
    tree->slots.used = edit->used;
    art_slots_return(tree, &before, &tree->slots.used);
    art_slot_set_clear(&before);
    art_tree_set_root(tree, edit->root);
    art_memtable_hand_over(tree->memtable, empty, SIZE_MAX);
    tree->memtable = empty;
    tree->txn.spilled = true;
    art_tree_changed(tree, true);
    return ART_OK;
}
