/* A root in the making. It starts as a copy of the tree's present root; blobs are written for it, runs are put in and
 * taken out. Until it is installed nobody else sees it, and discarding it gives all its slots back. */
#include "core/tree/run/run.h"
#include "core/tree/state/hooks.h"

static uint64_t weight_of_runs(const struct art_root *root) {
    uint64_t weight = 0;
    for (unsigned i = 0; i < root->runs; i++) weight += (uint64_t)root->run[i].top.count;
    return weight;
}

enum art_rc art_edit_check(const struct art_tree *tree, const struct art_version_edit *edit) {
    uint64_t weight = weight_of_runs(edit->root);
    if (weight == edit->weight) return ART_OK;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "the rows and parts of values to be named are %lld, and not %lld, so they are not",
                       (long long)weight, (long long)edit->weight);
}

enum art_rc art_edit_begin(struct art_tree *tree, struct art_version_edit *edit) {
    *edit = (struct art_version_edit){0};
    enum art_rc rc = art_slots_begin(tree);
    if (!rc) rc = art_slots_know(tree);
    if (!rc) rc = art_root_clone(tree->root, &edit->root);
    if (!rc) rc = art_slot_set_copy(&tree->slots.used, &edit->used);
    if (rc) {
        art_root_unref(edit->root);
        edit->root = NULL;
        return rc;
    }
    edit->root->generation++;
    edit->weight = weight_of_runs(edit->root);
    assert(edit->root->references == 1 && tree->slots.use);
    enum art_leftovers leftovers = tree->txn.leftovers;
    art_store_leave_nothing(tree->store, leftovers >= ART_LEFTOVERS_ZEROED,
                            art_tree_is_full(tree) || leftovers == ART_LEFTOVERS_PUNCHED);
    return ART_OK;
}

void art_edit_discard(struct art_tree *tree, struct art_version_edit *edit) {
    assert(!edit->root || edit->root->references == 1);
    if (!edit->root) return;
    art_store_give_up(tree->store); /* a write that failed does not fail what is written next */
    art_slots_return(tree, &edit->used, &tree->slots.used);
    art_root_unref(edit->root);
    art_slot_set_clear(&edit->used);
    *edit = (struct art_version_edit){0};
}

void art_edit_empty(struct art_tree *tree, struct art_version_edit *edit) {
    assert(edit->root && edit->root->references == 1);
    for (uint32_t slot = art_slot_set_next(&edit->used, 0); slot != UINT32_MAX;
         slot = art_slot_set_next(&edit->used, slot + 1)) {
        art_slots_drop(tree, edit, slot);
    }
    while (edit->root->runs) art_root_remove_run(edit->root, 0);
    edit->weight = 0;
    art_root_rewritten(edit->root);
}

/* All of its pages are in its image, then. */
static enum art_rc load_pages(struct art_blob *blob) {
    struct art_pages pages = art_blob_pages_on_demand(blob);
    return art_blob_want_pages(blob, &pages);
}

enum art_rc art_edit_move(struct art_tree *tree, struct art_version_edit *edit, const struct art_ref *from,
                          struct art_ref *out) {
    struct art_blob_buf buffer = {0};
    struct art_blob *blob;
    uint32_t slot;
    assert(edit->root && edit->root->generation > tree->root->generation && !from->height);
    enum art_rc rc = art_slots_take(tree, edit, &slot);
    if (!rc) rc = art_store_buffer(tree->store, &buffer);
    if (!rc) rc = art_store_blob(tree->store, from, &blob);
    if (!rc) rc = load_pages(blob);
    if (!rc) {
        *out = *from;
        art_blob_copy(blob, buffer.data, slot, edit->root->generation, out);
        rc = art_store_write(tree->store, out, &buffer, false);
    }
    if (!rc) edit->pages_written += art_ref_pages(out);
    art_blob_buf_put(&buffer);
    art_store_relax(tree->store);
    return rc;
}

enum art_rc art_edit_write(struct art_tree *tree, struct art_version_edit *edit, struct art_builder *builder,
                           struct art_blob_buf *buffer, struct art_built *out, bool cold) {
    uint32_t slot;
    assert(edit->root && edit->root->generation > tree->root->generation);
    enum art_rc rc = art_slots_take(tree, edit, &slot);
    if (!rc) rc = art_builder_finish(builder, slot, edit->root->generation, out);
    assert(rc || (out->ref.slot == slot && art_ref_pages(&out->ref) <= ART_BLOB_PAGES));
    assert(rc || (out->ref.entries && out->ref.generation == edit->root->generation));
    ART_IN_TESTS(if (!rc && art_test_hooks.writes) art_test_hooks.writes(buffer->data);)
    if (!rc) rc = art_store_write(tree->store, &out->ref, buffer, cold);
    if (!rc) edit->pages_written += art_ref_pages(&out->ref);
    if (!rc) tree->count.in_blocks += out->in_blocks;
    art_store_relax(
        tree->store); /* long work must not hold on to all that it has touched; cursors hold what they stand on */
    return rc;
}
