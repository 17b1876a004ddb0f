/* What other connections committed, read from the host's log: the root, and a chain of redo rows behind it.
 *
 *     root (csn r) <- row r+1 <- row r+2 <- ... <- row n        each row begins with a hash over its predecessor's
 *
 * Known up to row `csn`, a tree asks for the root and the rows from its own on. Its own row must still be there with
 * the same hash, else what it knows was rolled back, restored or lost, and it starts again from the root. A root with
 * a larger csn holds all that the tree's memtable holds, which is then dropped; a root with the same csn and other runs
 * was merged, the memtable stays right.
 *
 * Before the root are the rows that its flush has left, to be overwritten. A tree that starts from the root looks at
 * the first of them.
 *
 * Rows are applied to the tree in place; whatever fails leaves the tree unknown, and the next refresh rebuilds it.
 */
#include "core/tree/txn/txn.h"

static bool is_rebuilt(const struct art_tree *tree) {
    return tree->state == ART_TREE_REBUILDING;
}

enum art_rc art_tree_refresh_begin(struct art_tree *tree, uint64_t *from) {
    if (art_store_forked(tree->store)) {
        return art_fail(ART_FORKED, "art: this connection was opened before fork(): open one of your own in the child");
    }
    art_rows_catch_up(tree);
    if (tree->txn.state >= ART_TXN_CHANGED && art_tree_is_known(tree)) {
        return art_fail(ART_MISUSE, "art: refresh inside a transaction that has changed the table (bug)");
    }
    memset(&tree->refresh, 0, sizeof tree->refresh);
    tree->state = art_tree_is_known(tree) ? ART_TREE_CONTINUING : ART_TREE_REBUILDING;
    assert(tree->refresh.step == ART_REFRESH_ROOT);
    *from = is_rebuilt(tree) ? 0 : tree->csn;
    return ART_OK;
}

static enum art_rc from_the_root(struct art_tree *tree) {
    assert(tree->state != ART_TREE_KNOWN);
    if (is_rebuilt(tree)) return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "rows do not follow each other");
    return ART_REBUILD;
}

uint64_t art_tree_refresh_from(const struct art_tree *tree) {
    assert(tree->state == ART_TREE_REBUILDING || tree->state == ART_TREE_CONTINUING);
    if (is_rebuilt(tree)) return tree->root->csn + 1;
    return tree->refresh.step > ART_REFRESH_OWN_ROW ? tree->csn + 1 : tree->csn;
}

/* Blobs are built with the table's summary, and there is no other way to read them. */
static enum art_rc check_summary(const struct art_tree *tree, const struct art_root *root) {
    assert(root->runs <= root->capacity);
    struct art_measures has = art_tree_measures(tree);
    for (unsigned i = 0; i < root->runs; i++) {
        struct art_measures built = root->run[i].top.has;
        if (art_measures_equal(built, has)) continue;
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE,
                           "the blobs were built with a summary of %u columns, %u of them sums, lookups %#x, searches "
                           "%#x, and the table "
                           "has one of %u, %u of them sums, lookups %#x, searches %#x",
                           built.columns, built.sums, built.lookups, built.searches, has.columns, has.sums, has.lookups,
                           has.searches);
    }
    return ART_OK;
}

/* Takes a root and forgets the memtable: everything up to its csn is in its runs. */
static enum art_rc take_root(struct art_tree *tree, struct art_root *root, bool keep_memtable) {
    assert(keep_memtable ? root->csn == tree->root->csn : is_rebuilt(tree) || root->csn >= tree->csn);
    if (!keep_memtable) {
        struct art_memtable *empty;
        enum art_rc rc = art_memtable_open_summed(&empty, art_tree_summary(tree));
        if (rc) return rc;
        art_memtable_unref(tree->memtable);
        tree->memtable = empty;
        tree->csn = root->csn;
        tree->chain = root->chain;
        tree->log_bytes = tree->log_rows = tree->log_entries = 0;
        art_fronts_clear(&tree->fronts); /* nobody can tell that it is the same history */
    }
    art_tree_set_root(tree, art_root_ref(root));
    tree->slots.known = false;
    tree->changes++;
    return ART_OK;
}

static enum art_rc refresh_root(struct art_tree *tree, struct art_bytes ops) {
    assert(is_rebuilt(tree) || tree->csn >= tree->root->csn);
    struct art_root *root;
    enum art_rc rc = art_root_decode(ops, &root);
    if (rc) return rc;
    rc = check_summary(tree, root);
    if (rc) {
        art_root_unref(root);
        return rc;
    }
    const struct art_root *mine = tree->root;
    bool same_csn = root->csn == mine->csn, same_chain = art_hash128_equal(root->chain, mine->chain);
    if (is_rebuilt(tree)) {
        rc = take_root(tree, root, false);
    } else if (root->generation == mine->generation && same_csn && same_chain) {
        if (root->read_only != mine->read_only) rc = take_root(tree, root, true); /* a later version's feature */
    } else if (root->generation <= mine->generation || root->csn < mine->csn) {
        rc = ART_REBUILD;
    } else if (same_csn) { /* merged; with another chain another history has come to the same number */
        rc = same_chain ? take_root(tree, root, true) : ART_REBUILD;
    } else { /* flushed; with a smaller csn that flush did not see the rows that are known here */
        rc = root->csn < tree->csn ? ART_REBUILD : take_root(tree, root, false);
    }
    enum art_refresh_step behind_root = root->followed ? ART_REFRESH_FIRST_ROW : ART_REFRESH_ROWS;
    tree->refresh.step = tree->csn > root->csn ? ART_REFRESH_OWN_ROW : behind_root;
    art_root_unref(root);
    return rc;
}

/* Where a row from behind the root stands among them, they begin too late or too early: it should have deleted one. */
static bool left_is_right(const struct art_tree *tree) {
    uint64_t left = art_root_left(tree->root, tree->csn), first = left ? tree->root->csn - left : 0;
    return !is_rebuilt(tree) || tree->refresh.first_left == first;
}

enum art_rc art_tree_refresh_row(struct art_tree *tree, uint64_t csn, struct art_bytes ops) {
    assert(tree->state == ART_TREE_REBUILDING || tree->state == ART_TREE_CONTINUING);
    if (csn == 0) return refresh_root(tree, ops);
    if (tree->refresh.step == ART_REFRESH_ROOT)
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the root is missing: row 0 was deleted");
    if (csn <= tree->root->csn) {
        if (!tree->refresh.first_left) tree->refresh.first_left = csn;
        return ART_OK;
    }
    if (tree->refresh.step == ART_REFRESH_OWN_ROW) { /* is it still the same? */
        if (csn != tree->csn || ops.len < 16 || memcmp(ops.data, &tree->chain, 16) != 0) return from_the_root(tree);
        tree->refresh.step = ART_REFRESH_ROWS;
        return ART_OK;
    }
    if (csn != tree->csn + 1) return from_the_root(tree);
    struct art_hash128 hash;
    uint64_t before = art_memtable_replayed(tree->memtable);
    assert(!art_memtable_dirty(tree->memtable));
    assert(tree->refresh.step > ART_REFRESH_OWN_ROW);
    enum art_rc rc = art_redo_follows(ops, csn, tree->chain, &hash);
    if (rc == ART_REBUILD) return from_the_root(tree);
    if (!rc) rc = art_redo_replay(ops, csn, tree->memtable);
    if (rc) return rc;
    tree->refresh.step = ART_REFRESH_ROWS;
    tree->csn = csn;
    tree->chain = hash;
    tree->log_bytes += ops.len;
    tree->log_rows++;
    tree->log_entries += art_memtable_replayed(tree->memtable) - before;
    tree->changes++;
    return ART_OK;
}

enum art_rc art_tree_refresh_end(struct art_tree *tree) {
    assert(tree->state == ART_TREE_REBUILDING || tree->state == ART_TREE_CONTINUING);
    if (tree->refresh.step == ART_REFRESH_ROOT) {
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the table's log is empty or was replaced");
    }
    if (tree->refresh.step == ART_REFRESH_OWN_ROW || !left_is_right(tree)) return from_the_root(tree);
    if (tree->refresh.step == ART_REFRESH_FIRST_ROW) {
        return art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "the rows behind the root were deleted");
    }
    bool as_begun = !art_tree_in_txn(tree) ||
                    (tree->csn + 1 == tree->txn.csn && tree->root->generation == tree->txn.base->generation);
    if (!as_begun) {
        tree->txn.doomed = ART_MISUSE;
        return art_fail(ART_MISUSE, "art: the log changed under a running transaction: ROLLBACK it");
    }
    tree->state = ART_TREE_KNOWN;
    art_tree_invariants(tree);
    return ART_OK;
}

void art_tree_refresh_abort(struct art_tree *tree) {
    tree->state = ART_TREE_UNKNOWN;
    tree->changes++;
    art_tree_invariants(tree);
}
