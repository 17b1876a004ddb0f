/* The beginning of a transaction. */
#include "core/tree/state/root_format.h"
#include "core/tree/txn/txn.h"

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
    art_tree_invariants(tree);
    return ART_OK;
}

enum art_rc art_tree_may_write(const struct art_tree *tree) {
    uint32_t unknown = tree->root->read_only;
    if (unknown) {
        return art_fail(ART_READONLY,
                        "art: the root has feature %d, with which this version can read, but not write (the log): use "
                        "a newer sqlite-art",
                        __builtin_ctz(unknown) + 1);
    }
    if (tree->csn < ART_WRITABLE_CSN_MAX && tree->root->generation < ART_WRITABLE_CSN_MAX) return ART_OK;
    return art_fail(ART_READONLY,
                    "art: the numbers of this table's transactions are used up (the log): INSERT its rows INTO another "
                    "table");
}

enum art_rc art_tree_claim(struct art_tree *tree) {
    enum art_rc rc = art_tree_ready(tree);
    if (rc || art_tree_in_txn(tree)) return rc;
    if (tree->options.read_only) return art_fail(ART_READONLY, "art: the database is read-only: open it for writing");
    rc = art_tree_may_write(tree);
    return rc ? rc : art_slots_claim(tree);
}
