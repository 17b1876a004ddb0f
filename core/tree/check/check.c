/* The check: everything that the table promises itself, looked at.
 *
 *   log -> root -> runs, blob by blob -> slots -> rows, all runs side by side -> large values
 *
 * It goes on behind what is damaged as far as that can be told apart: the keys of a blob that is not what it should be
 * are left unread, and all others are looked at.
 */
#include "core/tree/check/check.h"

#include <assert.h>

/* --- slots -------------------------------------------------------------------------------------------------------- */

struct retired_check {
    struct art_checker *checker;
    const struct art_slot_set *used;
};

static enum art_rc check_retired_slot(void *context, uint32_t slot) {
    struct retired_check *retired = context;
    if (!art_slot_set_has(retired->used, slot) && !art_slot_set_has(&retired->checker->named, slot)) return ART_OK;
    return art_check_say(retired->checker, "the state table", slot, ART_NOWHERE,
                         "a slot in use stands in the list of retired slots");
}

/* The list is that of the committed root; and after a refused COMMIT that of the root that was to come. */
static enum art_rc check_retired(struct art_checker *checker) {
    assert(checker->root);
    struct art_tree *tree = checker->tree;
    struct art_buffer bytes = {0};
    if (tree->txn.handed_over >= ART_COMMIT_ROOT) return ART_OK;
    struct retired_check retired = {checker, tree->slots.use ? &tree->slots.base : &checker->seen};
    enum art_rc rc = tree->host.load_retired(tree->host.context, &bytes);
    if (!rc) rc = art_retired_each(art_buffer_bytes(&bytes), check_retired_slot, &retired);
    art_buffer_clear(&bytes);
    return art_check_note(checker, rc);
}

/* What the tree believes of the slots. */
static enum art_rc check_remembered(struct art_checker *checker) {
    assert(checker->unread_count <= ART_CHECK_UNREAD_MAX);
    const struct art_tree *tree = checker->tree;
    const struct art_slot_set *seen = &checker->seen, *used = &tree->slots.used, *base = &tree->slots.base;
    if (!tree->slots.known || checker->root != tree->root || checker->unread_count) return ART_OK;
    uint32_t end = seen->capacity > used->capacity ? seen->capacity : used->capacity;
    for (uint32_t slot = 0; slot < end; slot++) {
        if (art_slot_set_has(seen, slot) == art_slot_set_has(used, slot)) continue;
        enum art_rc rc = art_check_say(checker, tree->options.path, slot, ART_NOWHERE,
                                       "a slot is taken for %s by this connection and is not",
                                       art_slot_set_has(used, slot) ? "used" : "free");
        if (rc) return rc;
    }
    for (uint32_t slot = tree->slots.use ? art_slot_set_next(&tree->slots.free, 0) : UINT32_MAX; slot != UINT32_MAX;
         slot = art_slot_set_next(&tree->slots.free, slot + 1)) {
        if (!art_slot_set_has(base, slot)) continue;
        enum art_rc rc =
            art_check_say(checker, tree->options.path, slot, ART_NOWHERE, "a slot is free, and the table uses it");
        if (rc) return rc;
    }
    return ART_OK;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static bool has_blobs(const struct art_checker *checker) {
    return checker->root->runs || checker->root->held;
}

static enum art_rc check_file(struct art_checker *checker) {
    struct art_store_stats stats = {0};
    struct art_tree *tree = checker->tree;
    assert(checker->root && !checker->end);
    if (!has_blobs(checker)) return ART_OK;
    enum art_rc rc = art_store_ready(tree->store);
    if (!rc) rc = art_store_stats(tree->store, &stats);
    checker->file_ready = !rc;
    if (!rc) checker->end = art_slots_in(stats.file_bytes);
    if (!rc) rc = art_store_check_owner(tree->store);
    return art_check_note(checker, rc);
}

static enum art_rc check_state(struct art_checker *checker) {
    struct art_tree *tree = checker->tree;
    bool known = art_tree_is_known(tree); /* its own state, then, with what the running transaction has changed */
    assert(!checker->root && !checker->memtable);
    checker->root = known ? tree->root : checker->log_root;
    checker->memtable = known ? tree->memtable : checker->log_memtable;
    checker->csn = !known ? checker->log_csn : art_tree_in_txn(tree) ? tree->txn.csn : tree->csn;
    if (!checker->root) return ART_OK;
    enum art_rc rc = check_file(checker);
    if (rc || (has_blobs(checker) && !checker->file_ready)) return rc;
    for (unsigned i = 0; !rc && i < checker->root->runs; i++) rc = art_check_run(checker, checker->root, i);
    if (!rc) rc = art_check_snapshots(checker);
    if (!rc) rc = check_retired(checker);
    if (!rc) rc = check_remembered(checker);
    return rc || checker->options->quick ? rc : art_check_rows(checker);
}

enum art_rc art_tree_check_all(struct art_tree *tree, const struct art_check_options *options) {
    assert(options->problem);
    art_rows_catch_up(tree);
    if (art_store_forked(tree->store) || tree->txn.doomed) return art_tree_ready(tree);
    struct art_checker *checker = art_alloc_zeroed(sizeof *checker);
    if (!checker) return art_nomem();
    checker->tree = tree;
    checker->options = options;
    art_store_relax(tree->store);
    enum art_rc rc = art_check_log(checker);
    if (!rc) rc = check_state(checker);
    assert(checker->unread_count <= ART_CHECK_UNREAD_MAX);
    for (unsigned i = 0; i < checker->unread_count; i++) art_fence_clear(&checker->unread[i]);
    art_slot_set_clear(&checker->seen);
    art_slot_set_clear(&checker->named);
    art_distinct_clear(&checker->met);
    art_root_unref(checker->log_root);
    art_memtable_unref(checker->log_memtable);
    art_free(checker);
    return rc == ART_NOTFOUND ? ART_OK : rc;
}
