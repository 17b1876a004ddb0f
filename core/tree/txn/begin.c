/* The beginning of a transaction. */
#include "core/tree/txn/txn.h"

#ifndef NDEBUG
static void assert_none(const struct art_tree *tree) {
    assert(!tree->txn.base && !tree->txn.requested && !tree->txn.adds);
    assert(tree->txn.handed_over == ART_COMMIT_NOTHING && tree->txn.shown == ART_ROOT_HIDDEN);
    assert(tree->slots.use == ART_SLOTS_IDLE && !tree->scratch.file);
}

void art_txn_assert(const struct art_tree *tree) {
    enum art_txn_state state = tree->txn.state;
    if (state == ART_TXN_NONE) {
        assert_none(tree);
    } else {
        assert(tree->txn.base);
        assert(!art_tree_is_known(tree) || tree->csn + 1 == tree->txn.csn);
    }
    assert(state != ART_TXN_SPILLED || tree->slots.use);
    bool as_base = state == ART_TXN_BEGUN || state == ART_TXN_CHANGED;
    assert(!as_base || !art_tree_is_known(tree) || tree->root->generation == tree->txn.base->generation);
    assert(!tree->pending.made_for || tree->txn.handed_over >= tree->pending.kind);
    assert(!tree->pending.edit.root || tree->slots.use);
    assert(!tree->pending.made_for || !tree->pending.empty == (tree->pending.kind != ART_COMMIT_FLUSH));
    assert(tree->txn.handed_over < ART_COMMIT_ROOT || tree->slots.use);
    assert(tree->txn.shown == ART_ROOT_HIDDEN || tree->txn.handed_over >= ART_COMMIT_ROOT);
    for (uint32_t i = 0; i < tree->txn.savepoint_count; i++) {
        const struct art_savepoint *savepoint = &tree->txn.savepoints[i];
        assert(savepoint->kind != ART_SAVEPOINT_UNDO || savepoint->root);
        assert(savepoint->kind != ART_SAVEPOINT_SAVED || state == ART_TXN_SPILLED || tree->txn.doomed);
        assert(state != ART_TXN_NONE || savepoint->kind == ART_SAVEPOINT_OF_BEGINNING);
        assert(savepoint->kind == ART_SAVEPOINT_SAVED || !savepoint->saved_parts || tree->txn.doomed);
        assert(!savepoint->saved_parts || savepoint->saved[savepoint->saved_parts - 1] < tree->scratch.end);
    }
}
#endif

/* Much of the arena may be garbage after rollbacks; the beginning of a transaction is a good time to copy what is
 * left. */
static void tidy_memtable(struct art_tree *tree) {
    assert(!art_tree_in_txn(tree));
    size_t garbage = art_memtable_garbage(tree->memtable);
    if (garbage < (1u << 20) || garbage < art_memtable_memory(tree->memtable) / 2) return;
    struct art_memtable *copy;
    if (art_memtable_compact(tree->memtable, &copy)) return; /* out of memory: it can wait */
    art_memtable_unref(tree->memtable);
    tree->memtable = copy;
    art_tree_changed(tree, true);
}

enum art_rc art_tree_begin(struct art_tree *tree) {
    enum art_rc rc = art_tree_in_txn(tree) ? art_tree_ready(tree) : art_tree_claim(tree);
    if (rc || art_tree_in_txn(tree)) return rc;
    tidy_memtable(tree);
    art_memtable_forget_undo(tree->memtable);
    tree->txn.state = ART_TXN_BEGUN;
    tree->txn.csn = tree->csn + 1;
    tree->txn.overflow_values = 0;
    tree->txn.to_flush = art_memtable_bytes(tree->memtable);
    tree->txn.base = art_root_ref(tree->root);
    tree->txn.base_summary = tree->summary;
    art_txn_assert(tree);
    return ART_OK;
}

enum art_rc art_tree_claim(struct art_tree *tree) {
    enum art_rc rc = art_tree_ready(tree);
    if (rc || art_tree_in_txn(tree)) return rc;
    if (tree->options.read_only) return art_fail(ART_READONLY, "art: the database is read-only: open it for writing");
    return art_slots_claim(tree);
}
