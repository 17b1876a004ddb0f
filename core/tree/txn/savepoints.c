/* Savepoints of the running transaction: a stack of states that ROLLBACK TO may bring back.
 *
 * As long as nothing was spilled, a savepoint is a position in the memtable's undo list. When the transaction spills,
 * the memtable that the positions belong to goes to disk as a run; each savepoint then keeps its root, and the memtable
 * as it was is saved for it (spill.c), and the state at the transaction's beginning is what the host's log says.
 * Savepoints may be set before the first change: they then stand for the beginning.
 */
#include "core/tree/txn/txn.h"

static void savepoint_clear(struct art_savepoint *savepoint) {
    assert(savepoint->saved || !savepoint->saved_parts);
    art_root_unref(savepoint->root);
    art_slot_set_clear(&savepoint->used);
    art_free(savepoint->saved);
    *savepoint = (struct art_savepoint){0};
}

/* Of the memtables that are saved for the savepoints that are left; what lies behind is written again. */
static uint32_t end_of_saved(const struct art_tree *tree) {
    assert(tree->scratch.file);
    uint32_t end = 0;
    for (uint32_t i = 0; i < tree->txn.savepoint_count; i++) {
        const struct art_savepoint *savepoint = &tree->txn.savepoints[i];
        uint32_t parts = savepoint->saved_parts;
        if (parts && savepoint->saved[parts - 1] >= end) end = savepoint->saved[parts - 1] + 1;
    }
    return end;
}

/* Slots that only the dropped savepoints named may be written again at once. */
void art_savepoints_clear(struct art_tree *tree, uint32_t from) {
    while (tree->txn.savepoint_count > from) {
        struct art_savepoint *savepoint = &tree->txn.savepoints[--tree->txn.savepoint_count];
        struct art_slot_set used = savepoint->used;
        savepoint->used = (struct art_slot_set){0};
        art_slots_return(tree, &used, &tree->slots.used);
        art_slot_set_clear(&used);
        savepoint_clear(savepoint);
    }
    if (tree->scratch.end) tree->scratch.end = end_of_saved(tree);
}

/* Nothing is changed, and the host's log says so, too. */
static bool is_as_begun(const struct art_tree *tree) {
    bool unwritten = tree->txn.handed_over == ART_COMMIT_NOTHING && !art_memtable_dirty(tree->memtable);
    return tree->txn.state <= ART_TXN_CHANGED && unwritten;
}

enum art_rc art_tree_savepoint(struct art_tree *tree, uint32_t *out) {
    if (art_tree_inside(tree)) return art_fail(ART_MISUSE, "art: a savepoint was set while a blob was on its way");
    art_rows_catch_up(tree);
    struct art_savepoint savepoint = {.summary = tree->summary};
    enum art_rc rc =
        art_grow(&tree->txn.savepoints, &tree->txn.savepoint_capacity, tree->txn.savepoint_count + 1, sizeof savepoint);
    if (rc) return rc;
    /* Else nothing has been changed yet, or all of it was taken back. */
    if (art_tree_in_txn(tree) && art_tree_is_known(tree)) {
        savepoint.undo = art_memtable_savepoint(tree->memtable);
        savepoint.root = art_root_ref(tree->root);
        if (!is_as_begun(tree)) savepoint.kind = ART_SAVEPOINT_UNDO;
    }
    assert(tree->txn.savepoint_count < tree->txn.savepoint_capacity);
    *out = tree->txn.savepoint_count;
    tree->txn.savepoints[tree->txn.savepoint_count++] = savepoint;
    art_tree_invariants(tree);
    return ART_OK;
}

void art_tree_release_savepoints(struct art_tree *tree, uint32_t from) {
    if (art_tree_inside(tree)) return;
    art_rows_catch_up(tree);
    art_savepoints_clear(tree, from);
    art_tree_invariants(tree);
}

/* The state at the beginning: undone in memory, or read again from the log. */
static void to_beginning(struct art_tree *tree) {
    assert(art_tree_in_txn(tree) && !tree->pending.edit.root);
    if (!art_tree_has_spilled(tree)) {
        art_memtable_rollback(tree->memtable, 0);
        assert(!art_memtable_dirty(tree->memtable));
        return;
    }
    art_tree_set_root(tree, art_root_ref(tree->txn.base));
    art_slots_return(tree, &tree->slots.used, &tree->slots.base);
    art_slot_set_clear(&tree->slots.used);
    tree->summary = tree->txn.base_summary;
    tree->slots.known = false;
    tree->txn.state = ART_TXN_CHANGED;
    tree->state = ART_TREE_UNKNOWN;
}

/* The state of a savepoint that the transaction has spilled over. */
static enum art_rc to_saved(struct art_tree *tree, const struct art_savepoint *savepoint) {
    assert(art_tree_has_spilled(tree)); /* savepoints that are younger than the beginning go with it */
    struct art_memtable *memtable;
    struct art_slot_set used = {0};
    tree->summary = savepoint->summary;
    enum art_rc rc = art_saved_memtable_read(tree, savepoint, &memtable);
    if (rc) return rc;
    const struct art_savepoint *has = savepoint;
    while (has->shares) has--;
    rc = art_slot_set_copy(&has->used, &used);
    if (rc) {
        art_memtable_unref(memtable);
        return rc;
    }
    art_memtable_unref(tree->memtable);
    tree->memtable = memtable;
    art_tree_set_root(tree, art_root_ref(savepoint->root));
    art_slots_return(tree, &tree->slots.used, &used);
    art_slot_set_clear(&tree->slots.used);
    tree->slots.used = used;
    return ART_OK;
}

/* The state of any savepoint, or a transaction that can only be rolled back. */
static void to_savepoint(struct art_tree *tree, struct art_savepoint *savepoint) {
    assert(!tree->txn.doomed);
    if (savepoint->kind == ART_SAVEPOINT_SAVED) {
        tree->txn.doomed = to_saved(tree, savepoint);
        savepoint->undo = 0;
    } else if (savepoint->kind == ART_SAVEPOINT_OF_BEGINNING && art_tree_has_spilled(tree)) {
        to_beginning(tree);
        savepoint->undo = 0;
    } else {
        art_memtable_rollback(tree->memtable, savepoint->undo);
    }
}

void art_tree_rollback_to(struct art_tree *tree, uint32_t number) {
    if (art_store_forked(tree->store)) return;
    if (art_tree_inside(tree)) { /* all of it: the call that is under way cannot go back by less */
        art_rows_note_rollback(tree);
        return;
    }
    art_rows_catch_up(tree);
    if (!art_tree_in_txn(tree)) { /* nothing was changed */
        art_savepoints_clear(tree, number == ART_SAVEPOINT_BEGIN ? 0 : number + 1);
        return;
    }
    art_fronts_forget_newer(&tree->fronts, tree->csn);
    tree->changes++;
    art_pending_forget(tree);
    tree->txn.requested = 0; /* a caller that still wants it asks again */
    if (number == ART_SAVEPOINT_BEGIN) {
        art_savepoints_clear(tree, 0);
        to_beginning(tree);
        art_tree_invariants(tree);
        return;
    }
    assert(number < tree->txn.savepoint_count);
    art_savepoints_clear(tree, number + 1);
    /* Some savepoints have a saved memtable and others are positions in an undo list that is gone. Nothing is read
     * before the transaction's end. */
    if (tree->txn.doomed) return;
    to_savepoint(tree, &tree->txn.savepoints[number]);
    art_tree_invariants(tree);
}
