/* What holds of a tree between two calls, whatever it is at. Nothing here looks at a page, or at many things. */
#include "core/tree/txn/txn.h"

#ifndef NDEBUG
static void assert_none(const struct art_tree *tree) {
    assert(!tree->txn.base && !tree->txn.requested && !tree->txn.adds);
    assert(tree->txn.handed_over == ART_COMMIT_NOTHING && tree->txn.shown == ART_ROOT_HIDDEN);
    assert(tree->slots.use == ART_SLOTS_IDLE && !tree->scratch.file && !tree->scratch.end);
    assert(!tree->pending.made_for && !tree->pending.edit.root && !tree->pending.empty);
    assert(!tree->slots.held.capacity);
}

static void assert_some(const struct art_tree *tree) {
    enum art_txn_state state = tree->txn.state;
    bool known = art_tree_is_known(tree), as_base = state == ART_TXN_BEGUN || state == ART_TXN_CHANGED;
    assert(tree->txn.base && tree->txn.base->references && tree->txn.requested < ART_REQUEST_OF_HOST);
    assert(!known || tree->csn + 1 == tree->txn.csn);
    assert(!known || !as_base || tree->root->generation == tree->txn.base->generation);
    assert(state != ART_TXN_SPILLED || tree->slots.use);
    assert(tree->txn.handed_over < ART_COMMIT_ROOT || tree->slots.use);
    assert(tree->txn.shown == ART_ROOT_HIDDEN || tree->txn.handed_over >= ART_COMMIT_ROOT);
}

static void assert_pending(const struct art_tree *tree) {
    assert(tree->pending.made_for <= tree->changes);
    assert(!tree->pending.made_for || tree->txn.handed_over >= tree->pending.kind);
    assert(!tree->pending.made_for || tree->pending.commit.csn == tree->txn.csn);
    assert(!tree->pending.made_for || !tree->pending.empty == (tree->pending.kind != ART_COMMIT_FLUSH));
    assert(!tree->pending.edit.root || tree->slots.use);
    assert(!tree->pending.snapshot || (tree->pending.made_for && tree->pending.edit.root));
    assert(!tree->pending.lets_go || tree->pending.commit.lets_go);
}

static void assert_savepoints(const struct art_tree *tree) {
    assert(tree->txn.savepoint_count <= tree->txn.savepoint_capacity);
    for (uint32_t i = 0; i < tree->txn.savepoint_count; i++) {
        const struct art_savepoint *savepoint = &tree->txn.savepoints[i];
        assert(savepoint->kind != ART_SAVEPOINT_UNDO || savepoint->root);
        assert(savepoint->kind != ART_SAVEPOINT_SAVED || art_tree_has_spilled(tree) || tree->txn.doomed);
        assert(art_tree_in_txn(tree) || savepoint->kind == ART_SAVEPOINT_OF_BEGINNING);
        assert(savepoint->kind == ART_SAVEPOINT_SAVED || !savepoint->saved_parts || tree->txn.doomed);
        assert(!savepoint->saved_parts || savepoint->saved[savepoint->saved_parts - 1] < tree->scratch.end);
    }
}

/* What is in memory, with or without a transaction. */
static void assert_state(const struct art_tree *tree) {
    const struct art_root *root = tree->root;
    assert(root && root->references && root->runs <= root->capacity && root->runs <= ART_RUNS_CAPACITY);
    assert(!root->owed || art_tree_has_spilled(tree));
    assert(tree->memtable && tree->store && tree->changes);
    assert(!art_tree_is_known(tree) || tree->csn >= root->csn);
    assert(art_tree_in_txn(tree) || !art_memtable_dirty(tree->memtable) || !art_tree_is_known(tree));
    assert(!tree->key == !tree->second_key && !tree->key == !tree->stored);
    assert(!tree->gaps.count == !tree->gaps.bytes && tree->gaps.stamp <= tree->changes);
    assert(tree->scratch.file || !tree->scratch.end);
}

void art_tree_invariants(const struct art_tree *tree) {
    assert_state(tree);
    if (art_tree_in_txn(tree)) {
        assert_some(tree);
    } else {
        assert_none(tree);
    }
    assert_pending(tree);
    assert_savepoints(tree);
}
#endif
