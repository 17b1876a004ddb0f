/* A transaction larger than memory.
 *
 *   before   root R0                memtable D   savepoints m1 m2 (undo positions in D)
 *   after    root R1 = R0 + run(D)  memtable {}  savepoints m1 {R0, D at m1}, m2 {R0, D at m2}
 *
 * The spill writes the memtable as a run into free slots under a root of the transaction's own, and begins an empty
 * memtable. What a kept savepoint needs to come back is its root and the memtable as it was: that is saved as redo
 * bytes in a scratch file. Walking back through the undo list from the youngest savepoint to the oldest gives each of
 * these memtables in turn; it consumes the memtable, whose content is safe in the new run by then. A savepoint at the
 * transaction's beginning needs none: the host's log has that state, unless a COMMIT that was refused has left the
 * transaction's own rows there.
 */
#include "core/base/limits.h"
#include "core/memtable/redo_format.h"
#include "core/tree/txn/room.h"

/* The length in front of a part; a part that is as long as this may have no room for another entry. */
enum {
    PART_HEAD_BYTES = 4,
    PART_BYTES = ART_BLOB_SIZE - PART_HEAD_BYTES - (ART_KEY_MAX + 1) - (ART_STORED_MAX + 1) - 64
};

_Static_assert((int)PART_BYTES + ART_KEY_MAX + ART_VALUE_INLINE_MAX + ART_REDO_ENTRY_OVERHEAD <=
                   (int)ART_BLOB_SIZE - PART_HEAD_BYTES,
               "room for the entry that fills a part");

static enum art_rc write_saved_part(struct art_tree *tree, struct art_savepoint *savepoint,
                                    const struct art_buffer *part) {
    assert(savepoint->kind == ART_SAVEPOINT_UNDO && part->len);
    if (part->len > ART_BLOB_SIZE - PART_HEAD_BYTES) /* forged, in the log: the run would have taken no such entry */
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "a row's value is longer than any is stored");
    uint32_t i = savepoint->saved_parts;
    uint32_t *saved = art_resize(savepoint->saved, (i + 1) * sizeof *saved);
    if (!saved) return art_nomem();
    savepoint->saved = saved;
    struct art_blob_buf buffer = {0};
    enum art_rc rc = art_store_buffer(tree->store, &buffer);
    if (!rc) {
        art_store32(buffer.data, (uint32_t)part->len);
        memcpy(buffer.data + PART_HEAD_BYTES, part->data, part->len);
        memset(buffer.data + PART_HEAD_BYTES + part->len, 0, ART_BLOB_SIZE - PART_HEAD_BYTES - part->len);
        rc = art_scratch_write(tree, &buffer, &savepoint->saved[i]);
        savepoint->saved_parts += !rc;
    }
    art_blob_buf_put(&buffer);
    return rc;
}

/* Part by part, each with its length and entries of its own, so that no memtable is in memory twice. */
static enum art_rc save_memtable(struct art_tree *tree, struct art_savepoint *savepoint) {
    assert(!savepoint->saved_parts);
    struct art_memtable_cursor cursor;
    struct art_buffer part = {0};
    art_memtable_cursor_init(&cursor, tree->memtable);
    enum art_rc rc = art_memtable_first(&cursor);
    while (!rc && cursor.valid) {
        part.len = 0;
        rc = art_redo_encode_some(&cursor, ART_LIMIT(part_bytes) ? ART_LIMIT(part_bytes) : PART_BYTES, &part);
        if (!rc) rc = write_saved_part(tree, savepoint, &part);
    }
    art_memtable_cursor_clear(&cursor);
    art_buffer_clear(&part);
    return rc;
}

static enum art_rc read_saved_part(struct art_bytes part, struct art_memtable *memtable) {
    assert(part.len == ART_BLOB_SIZE);
    uint32_t len = art_load32(part.data);
    if (len > part.len - PART_HEAD_BYTES) {
        return art_corrupt("the saved memtable of a savepoint", ART_NOWHERE, ART_NOWHERE,
                           "it has an impossible length");
    }
    return art_redo_decode_all(art_bytes(part.data + PART_HEAD_BYTES, len), memtable);
}

/* Not with a buffer of the store's: one that a failed sync has poisoned gives none. */
enum art_rc art_saved_memtable_read(struct art_tree *tree, const struct art_savepoint *savepoint,
                                    struct art_memtable **out) {
    assert(savepoint->kind == ART_SAVEPOINT_SAVED);
    struct art_blob_pool *heap = NULL;
    struct art_blob_buf buffer = {0};
    struct art_memtable *memtable = NULL;
    enum art_rc rc = art_blob_pool_open(&heap, 0);
    if (!rc) rc = art_blob_buf_get(heap, &buffer);
    if (!rc) rc = art_memtable_open_summed(&memtable, art_tree_summary(tree));
    for (uint32_t i = 0; !rc && i < savepoint->saved_parts; i++) {
        rc = art_scratch_read(tree, savepoint->saved[i], &buffer);
        if (!rc) rc = read_saved_part(art_bytes(buffer.data, ART_BLOB_SIZE), memtable);
    }
    art_blob_buf_put(&buffer);
    art_blob_pool_close(heap);
    if (rc) art_memtable_unref(memtable);
    *out = rc ? NULL : memtable;
    return rc;
}

/* Saves this memtable for each of its savepoints, youngest first; `used` is what the root before the spill names. The
 * oldest of them, which goes last, keeps that for all: there may be thousands, and a large table names many slots. */
static enum art_rc save_for_savepoints(struct art_tree *tree, const struct art_slot_set *used) {
    assert(!tree->txn.doomed);
    enum art_rc rc = ART_OK;
    for (uint32_t i = tree->txn.savepoint_count; !rc && i-- > 0;) {
        struct art_savepoint *savepoint = &tree->txn.savepoints[i];
        if (savepoint->kind != ART_SAVEPOINT_UNDO) continue;
        art_memtable_rollback(tree->memtable, savepoint->undo);
        savepoint->shares = i && savepoint[-1].kind == ART_SAVEPOINT_UNDO;
        if (!savepoint->shares) rc = art_slot_set_copy(used, &savepoint->used);
        if (!rc) rc = save_memtable(tree, savepoint);
        if (!rc) savepoint->kind = ART_SAVEPOINT_SAVED;
    }
    return rc;
}

enum art_rc art_tree_spill(struct art_tree *tree) {
    assert(art_tree_is_known(tree) && !tree->txn.doomed);
    ART_DURING(ART_EVENT_SPILL);
    struct art_version_edit edit;
    struct art_memtable *empty = NULL;
    assert(tree->txn.state >= ART_TXN_CHANGED);
    art_pending_forget(tree);
    /* The commit would ask, too; but then the host's journal has been filled, and stays long behind a rollback. */
    enum art_rc rc = art_room_keep_reserve(tree);
    if (!rc) rc = art_edit_begin(tree, &edit);
    if (rc) return rc;
    rc = art_memtable_open_summed(&empty, art_tree_summary(tree));
    if (!rc) rc = art_compact_flush(tree, &edit, tree->memtable);
    if (!rc) art_room_owe(&edit, edit.pages_written);
    if (!rc) rc = art_room_merge(tree, &edit);
    if (art_commit_passes_over(tree, rc)) rc = art_commit_flush_beside(tree, &edit);
    if (!rc) rc = art_store_wait(tree->store);
    return art_spill_into(tree, rc, &edit, empty);
}

enum art_rc art_spill_into(struct art_tree *tree, enum art_rc built, struct art_version_edit *edit,
                           struct art_memtable *empty) {
    assert(built || (edit->root && empty && !art_memtable_keys(empty)));
    if (!built) built = art_edit_check(tree, edit);
    /* From here on the memtable is consumed: a failure leaves a transaction that can only be rolled back. */
    if (!built) tree->txn.doomed = save_for_savepoints(tree, &tree->slots.used);
    if (built || tree->txn.doomed) {
        if (built == ART_DISKFULL) art_room_note_full(tree, edit);
        art_memtable_unref(empty);
        art_edit_discard(tree, edit);
        if (built) art_slots_cut_back(tree);
        return built ? built : tree->txn.doomed;
    }
    struct art_slot_set before = tree->slots.used;
    tree->slots.used = edit->used;
    art_slots_return(tree, &before, &tree->slots.used);
    art_slot_set_clear(&before);
    art_tree_set_root(tree, edit->root);
    art_memtable_unref(tree->memtable);
    tree->memtable = empty;
    tree->txn.state = ART_TXN_SPILLED;
    art_tree_changed(tree, true);
    art_tree_invariants(tree);
    return ART_OK;
}
