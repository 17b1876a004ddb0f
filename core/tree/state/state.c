/* What a tree is at, and who may call when. */
#include "core/tree/state/state.h"

#include "core/tree/place.h"

void art_tree_set_limits(struct art_tree *tree, uint64_t cache_bytes, uint64_t log_limit, uint64_t spill_limit) {
    tree->options.cache_bytes = cache_bytes;
    art_store_set_cache(tree->store, cache_bytes);
    tree->options.log_limit = log_limit;
    tree->options.spill_limit = spill_limit;
}

void art_tree_set_row_limit(struct art_tree *tree, uint64_t bytes) {
    tree->options.row_limit = bytes;
}

bool art_tree_unknown(const struct art_tree *tree) {
    return !art_tree_is_known(tree) || tree->rows.rolled_back;
}

bool art_tree_poisoned(const struct art_tree *tree) {
    return art_store_poisoned(tree->store);
}

void art_tree_forget(struct art_tree *tree) {
    tree->state = ART_TREE_UNKNOWN;
    tree->changes++;
}

uint64_t art_tree_csn(const struct art_tree *tree) {
    return tree->csn;
}

bool art_tree_has_runs(const struct art_tree *tree) {
    return tree->root->runs > 0 || tree->root->held;
}

bool art_tree_has_held(const struct art_tree *tree) {
    return tree->root->held;
}

uint64_t art_tree_generation(const struct art_tree *tree) {
    return tree->root->generation;
}

bool art_tree_is_behind(const struct art_tree *tree, const struct art_root_mark *mark) {
    return art_tree_is_known(tree) && mark->generation > tree->root->generation;
}

bool art_tree_dirty(const struct art_tree *tree) {
    return (tree->txn.state >= ART_TXN_CHANGED || tree->txn.handed_over) && !tree->rows.rolled_back;
}

enum art_rc art_tree_take_key_buffers(struct art_tree *tree) {
    if (tree->key) return ART_OK;
    tree->key = art_alloc(2 * (size_t)ART_KEY_BUFFER + ART_STORED_MAX);
    if (!tree->key) return art_nomem();
    tree->second_key = tree->key + ART_KEY_BUFFER;
    tree->stored = tree->second_key + ART_KEY_BUFFER;
    assert(!tree->idle || tree->key);
    return ART_OK;
}

void art_tree_give_key_buffers(struct art_tree *tree) {
    assert(!tree->key || tree->second_key == tree->key + ART_KEY_BUFFER);
    art_free(tree->key);
    tree->key = tree->second_key = tree->stored = NULL;
}

enum art_rc art_row_key(uint8_t *buffer, struct art_bytes path, struct art_bytes *out) {
    if (path.len > ART_PATH_MAX) {
        return art_fail(ART_TOOBIG, "art: path of %u bytes is over the limit of %d: store a shorter path", path.len,
                        ART_PATH_MAX);
    }
    buffer[0] = ART_SPACE_ROWS;
    if (path.len) memcpy(buffer + 1, path.data, path.len);
    memset(buffer + 1 + path.len, 0, ART_KEY_PADDING);
    *out = art_bytes(buffer, path.len + 1);
    return ART_OK;
}

enum art_rc art_tree_ready(struct art_tree *tree) {
    if (__builtin_expect(art_store_forked(tree->store), 0)) {
        return art_fail(ART_FORKED, "art: this connection was opened before fork(): open one of your own in the child");
    }
    bool over = tree->rows.rolled_back && !art_tree_inside(tree); /* there is no transaction any more */
    if (__builtin_expect(tree->txn.doomed && !over, 0)) {
        return art_fail(tree->txn.doomed, "art: an earlier failure left this transaction unusable: ROLLBACK it");
    }
    if (__builtin_expect(!art_tree_is_known(tree) || over, 0)) {
        return art_fail(ART_MISUSE, "art: the tree was used before it was brought up to date (bug)");
    }
    if (__builtin_expect(tree->root->runs && !tree->file_ready, 0)) { /* also for a key that no blob need be read for */
        enum art_rc rc = art_store_ready(tree->store);
        if (rc) return rc;
        tree->file_ready = true;
    }
    assert(tree->root->references && tree->memtable);
    art_store_relax(tree->store);
    return __builtin_expect(!tree->key, 0) ? art_tree_take_key_buffers(tree) : ART_OK;
}

void art_tree_set_root(struct art_tree *tree, struct art_root *root) {
    assert(root != tree->root || root->references > 1);
    assert(root && root->references);
    art_root_unref(tree->root);
    tree->root = root;
}

enum art_rc art_tree_interrupted(struct art_tree *tree) {
    if (!tree->host.interrupted || !tree->host.interrupted(tree->host.context)) return ART_OK;
    return art_fail(ART_INTERRUPT, "art: interrupted");
}
