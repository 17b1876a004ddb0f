/* Opening and closing a tree. */
#include "core/base/limits.h"
#include "core/tree/txn/txn.h"

enum art_rc art_tree_open(struct art_tree **out, const struct art_tree_options *options, const struct art_host *host) {
    struct art_tree *tree = art_alloc_zeroed(sizeof *tree);
    if (!tree) return art_nomem();
    tree->options = *options;
    tree->options.path = tree->options.host_path = NULL;
    ART_IN_TESTS(if (!tree->options.blob_pages) tree->options.blob_pages = art_test_hooks.blob_pages;)
    if (!tree->options.blob_pages && ART_LIMIT(blob_pages)) tree->options.blob_pages = ART_LIMIT(blob_pages);
    tree->host = *host;
    tree->state = ART_TREE_UNKNOWN;
    tree->changes = 1; /* 0 is nobody's */
    tree->budget = UINT64_MAX;
    if (art_measures_any(options->summary.has)) tree->summary = &tree->options.summary;
    tree->root = art_root_new(options->uuid);
    enum art_rc rc = tree->root ? ART_OK : art_nomem();
    if (!rc) rc = art_memtable_open_summed(&tree->memtable, art_tree_summary(tree));
    if (!rc) {
        struct art_tree_location location = {.path = options->path, .host_path = options->host_path};
        struct art_store_location at = art_location_of(tree, &location);
        struct art_store_options store = {.disk = options->disk,
                                          .path = at.path,
                                          .host_path = at.host_path,
                                          .rows = at.rows,
                                          .rows_id = at.rows_id,
                                          .engine = options->engine,
                                          .direct = options->direct,
                                          .read_only = options->read_only,
                                          .reads_singly = options->apart,
                                          .cache_bytes = options->cache_bytes};
        memcpy(store.uuid, options->uuid, sizeof store.uuid);
        rc = art_store_open(&tree->store, &store);
    }
    if (rc) {
        art_tree_close(tree);
        return rc;
    }
    tree->options.path = art_store_path(tree->store);
    *out = tree;
    assert(art_tree_unknown(tree) && !art_tree_in_txn(tree));
    art_tree_invariants(tree);
    return ART_OK;
}

void art_tree_trim(struct art_tree *tree) {
    if (tree->open || art_tree_in_txn(tree) || art_tree_inside(tree) || art_store_forked(tree->store)) return;
    assert(!tree->txn.savepoint_count);
    tree->count.trims++;
    art_cursors_free(tree);
    art_gaps_clear(&tree->gaps);
    art_fronts_clear(&tree->fronts);
    art_buffer_clear(&tree->pending.redo);
    art_buffer_clear(&tree->pending.root);
    art_buffer_clear(&tree->pending.retired_bytes);
    art_free(tree->txn.savepoints);
    tree->txn.savepoints = NULL;
    tree->txn.savepoint_capacity = 0;
    art_tree_give_key_buffers(tree);
    art_store_trim(tree->store);
}

void art_tree_leave_cache(struct art_tree *tree) {
    art_store_leave_cache(tree->store);
}

void art_tree_close(struct art_tree *tree) {
    if (!tree) return;
    art_rows_catch_up(tree);
    if (tree->store) art_tree_rolled_back(tree);
    art_cursors_free(tree);
    art_root_unref(tree->root);
    art_memtable_unref(tree->memtable);
    art_slot_set_clear(&tree->slots.used);
    art_slot_set_clear(&tree->slots.base);
    art_slot_set_clear(&tree->slots.held);
    art_slot_set_clear(&tree->slots.free);
    art_slot_set_clear(&tree->slots.retired.slots);
    art_slot_set_clear(&tree->slots.retired.spared);
    art_memtable_unref(tree->pending.empty);
    for (unsigned i = 0; i <= ART_RUN_LEVEL_LAST; i++) art_buffer_clear(&tree->compaction_cursor[i]);
    art_buffer_clear(&tree->pending.redo);
    art_buffer_clear(&tree->pending.root);
    art_buffer_clear(&tree->pending.retired_bytes);
    art_free(tree->txn.savepoints);
    art_store_close(tree->store);
    art_tree_give_key_buffers(tree);
    art_gaps_clear(&tree->gaps);
    art_fronts_clear(&tree->fronts);
    art_free(tree);
}
