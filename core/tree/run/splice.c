/* New children for a part of a run, by copying only the index blobs above that part.
 *
 *     height 2             [ .  X  . ]              X: rewritten
 *     height 1        [ . . ] [ . X X ] [ X . ]
 *     height 0        . .     . - -     - .          -: leaf blobs in [low, high), replaced by `children`
 *
 * Height by height, from below: the affected index blobs are those from the one that holds `low` to the one before the
 * first that begins at or behind `high`. Their children outside the range are kept, the new ones put between, and the
 * new index blobs are the children for the next height. A separator stays valid for whatever comes to stand at its
 * place, so the first new child takes over `low`.
 *
 * Children that one index blob cannot hold are shared evenly between two. Were the first one filled, the next change
 * there would find it full again, and so would each blob over it. Keys in descending order would make a run one level
 * higher with each full blob of them. At the end of a run the first one is filled: what comes next comes behind it.
 * Where a run would be too deep all the same, as with blobs of few children, all of its index is built anew.
 */
#include "core/tree/run/run.h"

struct splice {
    struct art_tree *tree;
    struct art_version_edit *edit;
    struct art_run run;          /* top borrowed; counters of the result */
    struct art_buffer low, high; /* range of the replaced children, padded copies */
    bool to_end, moved;
    struct art_buffer node_low, node_high; /* range of the affected nodes */
    bool node_to_end;
    struct art_tally left; /* all leaf blobs, as they should be */
};

/* The first node that is touched is under the cursor. The run's first one begins before all keys, whatever its
 * separator is: what stood before it may have gone. */
static enum art_rc note_low(struct splice *splice, const struct art_run_cursor *cursor) {
    assert(cursor->valid && cursor->bottom > 1);
    bool first = !art_blob_cursor_index(&cursor->leaf);
    for (unsigned height = cursor->bottom + 1; height <= cursor->top.height; height++) first &= !cursor->index[height];
    return art_buffer_set_key(&splice->node_low, first ? art_bytes(NULL, 0) : art_run_key(cursor));
}

/* Which nodes of `height` are touched: [node_low, node_high). */
static enum art_rc find_nodes(struct splice *splice, struct art_run_cursor *cursor, unsigned height) {
    assert(height && height <= splice->run.top.height);
    splice->node_to_end = true;
    if (height == splice->run.top.height) return art_buffer_set_key(&splice->node_low, art_bytes(NULL, 0));
    art_run_cursor_reset(cursor, &splice->run.top, height + 1);
    enum art_rc rc = art_run_seek_le(cursor, art_buffer_bytes(&splice->low));
    if (!rc && !cursor->valid) rc = art_run_first(cursor);
    if (!rc) rc = note_low(splice, cursor);
    while (!rc && cursor->valid) {
        rc = art_run_next(cursor);
        if (rc || !cursor->valid) break;
        if (!splice->to_end && art_bytes_compare(art_run_key(cursor), art_buffer_bytes(&splice->high)) >= 0) {
            splice->node_to_end = false;
            return art_buffer_set_key(&splice->node_high, art_run_key(cursor));
        }
    }
    return rc;
}

static void drop(struct splice *splice, const struct art_ref *ref) {
    splice->run.blobs--;
    splice->run.pages -= art_ref_pages(ref);
    if (!ref->height) art_tally_take(&splice->left, ref);
    bool moved = splice->moved && ref->height == 0; /* its slot is the caller's business */
    if (!moved) art_slots_drop(splice->tree, splice->edit, ref->slot);
}

/* Adds a child to what a node shall hold. A node's own separator is its first child's: a key that routes to the node
 * must not fall in front of that child. A leaf blob takes over the place of those before it that are gone. An index
 * blob does not: its own first child would stay behind that place, and a merge that puts rows before that child would
 * find separators out of order. */
static enum art_rc append_child(struct splice *splice, struct art_children *out, struct art_bytes separator,
                                const struct art_ref *ref) {
    bool takes_over = !out->count && !ref->height;
    return art_children_add(out, takes_over ? art_buffer_bytes(&splice->node_low) : separator, ref);
}

/* The children of the touched nodes of `height` as they shall be. */
static enum art_rc gather(struct splice *splice, struct art_run_cursor *cursor, unsigned height,
                          const struct art_children *fresh, struct art_children *out) {
    assert(height && height <= splice->run.top.height);
    bool placed = false;
    art_run_cursor_reset(cursor, &splice->run.top, height);
    enum art_rc rc = art_run_seek_ge(cursor, art_buffer_bytes(&splice->node_low));
    for (; !rc; rc = art_run_next(cursor)) {
        bool valid = cursor->valid;
        struct art_bytes key = valid ? art_run_key(cursor) : art_bytes(NULL, 0);
        if (valid && !splice->node_to_end && art_bytes_compare(key, art_buffer_bytes(&splice->node_high)) >= 0)
            valid = false;
        bool before = valid && art_bytes_compare(key, art_buffer_bytes(&splice->low)) < 0;
        if (!before && !placed) {
            placed = true;
            for (uint32_t i = 0; !rc && i < fresh->count; i++) {
                const struct art_child *child = &fresh->child[i];
                bool first = !i && !child->ref.height;
                rc = append_child(splice, out, first ? art_buffer_bytes(&splice->low) : child->separator, &child->ref);
            }
        }
        if (rc || !valid) break;
        struct art_ref ref;
        rc = art_blob_cursor_ref(&cursor->leaf, &ref);
        if (rc) break;
        bool behind = !before && !splice->to_end && art_bytes_compare(key, art_buffer_bytes(&splice->high)) >= 0;
        if (before || behind)
            rc = append_child(splice, out, key, &ref);
        else
            drop(splice, &ref);
        if (rc) break;
    }
    return rc;
}

/* Of children in order: those from `first` on, before `end`. */
static struct art_children part_of(const struct art_children *all, uint32_t first, uint32_t end) {
    assert(first <= end && end <= all->count);
    return (struct art_children){.child = all->child + first, .count = end - first};
}

/* The number of the child with which the index blob begins that has this separator. */
static uint32_t first_child(const struct art_children *all, struct art_bytes separator) {
    uint32_t first = all->count - 1;
    while (first && art_bytes_compare(all->child[first].separator, separator) > 0) first--;
    return first;
}

static void give_up_last(struct splice *splice, struct art_children *above) {
    assert(above->count);
    art_slots_drop(splice->tree, splice->edit, above->child[above->count - 1].ref.slot);
    art_children_drop_last(above);
}

/* The last two of the new index blobs are built again where the last one has less than half of what the other has. */
static enum art_rc share_evenly(struct splice *splice, unsigned height, const struct art_children *all,
                                struct art_children *above) {
    if (splice->node_to_end || above->count < 2) return ART_OK;
    uint32_t last = first_child(all, above->child[above->count - 1].separator);
    uint32_t first = first_child(all, above->child[above->count - 2].separator);
    assert(first < last);
    if (2 * (all->count - last) >= last - first) return ART_OK;
    uint32_t middle = first + (all->count - first + 1) / 2;
    const struct art_children halves[2] = {part_of(all, first, middle), part_of(all, middle, all->count)};
    enum art_rc rc = ART_OK;
    for (int i = 0; i < 2; i++) give_up_last(splice, above);
    for (int i = 0; !rc && i < 2; i++) rc = art_index_build(splice->tree, splice->edit, height, &halves[i], above);
    return rc;
}

static enum art_rc splice_height(struct splice *splice, struct art_run_cursor *cursor, unsigned height,
                                 struct art_children *children) {
    assert(height && height <= splice->run.top.height);
    struct art_children all = {0}, above = {0};
    enum art_rc rc = find_nodes(splice, cursor, height);
    if (!rc) rc = gather(splice, cursor, height, children, &all);
    bool top = height == splice->run.top.height;
    if (!rc && all.count && !(top && all.count == 1)) {
        rc = art_index_build(splice->tree, splice->edit, height, &all, &above);
        if (!rc) rc = share_evenly(splice, height, &all, &above);
        splice->run.blobs += above.blobs;
        splice->run.pages += above.pages;
        art_children_clear(&all);
        all = above;
        above = (struct art_children){0};
    }
    art_children_clear(children);
    art_children_clear(&above);
    *children = all;
    if (rc) return rc;
    rc = art_buffer_set_key(&splice->low, art_buffer_bytes(&splice->node_low));
    splice->to_end = splice->node_to_end;
    if (!rc && !splice->to_end) rc = art_buffer_set_key(&splice->high, art_buffer_bytes(&splice->node_high));
    return rc;
}

/* A run without an index: its only blob has the empty separator. It is replaced, or stays in front of the new
 * children. */
static enum art_rc run_of_leaf(struct splice *splice, struct art_children *children) {
    assert(!splice->run.top.height);
    if (!splice->low.len) {
        drop(splice, &splice->run.top);
        if (children->count) children->child[0].separator.len = 0;
        return ART_OK;
    }
    struct art_children all = {0};
    enum art_rc rc = art_children_add(&all, art_bytes(NULL, 0), &splice->run.top);
    for (uint32_t i = 0; !rc && i < children->count; i++) {
        struct art_bytes separator = i ? children->child[i].separator : art_buffer_bytes(&splice->low);
        rc = art_children_add(&all, separator, &children->child[i].ref);
    }
    art_children_clear(children);
    *children = all;
    return rc;
}

/* --- an index that is too deep ------------------------------------------------------------------------------------ */

static enum art_rc drop_index(void *context, const struct art_ref *ref) {
    if (ref->height) drop(context, ref);
    return ART_OK;
}

static enum art_rc add_leaves_below(struct art_run_cursor *cursor, const struct art_ref *top,
                                    struct art_run_build *build) {
    assert(top->height);
    art_run_cursor_reset(cursor, top, 1);
    enum art_rc rc = art_run_first(cursor);
    while (!rc && cursor->valid) {
        struct art_ref leaf;
        rc = art_blob_cursor_ref(&cursor->leaf, &leaf);
        if (!rc) rc = art_run_build_add_leaf(build, art_run_key(cursor), &leaf);
        if (!rc) rc = art_run_next(cursor);
    }
    return rc;
}

/* All of the index that `children` are the uppermost blobs of, in as few heights as can be, for the run. */
static enum art_rc build_index_anew(struct splice *splice, struct art_run_cursor *cursor,
                                    const struct art_children *children, struct art_run *out) {
    struct art_run_build *build = NULL;
    enum art_rc rc = art_run_build_open(&build, splice->tree, splice->edit, true, 0, true);
    for (uint32_t i = 0; !rc && i < children->count; i++) rc = add_leaves_below(cursor, &children->child[i].ref, build);
    if (!rc) rc = art_run_build_run(build, out);
    art_run_build_close(build);
    for (uint32_t i = 0; !rc && i < children->count; i++) {
        struct art_run below = {.top = children->child[i].ref};
        rc = art_run_each_ref(splice->tree->store, &below, drop_index, splice);
    }
    out->level = splice->run.level;
    return rc;
}

enum art_rc art_run_splice(struct art_tree *tree, struct art_version_edit *edit, const struct art_run *run,
                           struct art_bytes low, struct art_bytes high, bool moved, const struct art_children *children,
                           struct art_run *out) {
    assert(edit->root && (high.data || !high.len));
    struct splice splice = {.tree = tree, .edit = edit, .run = *run, .to_end = !high.data, .moved = moved};
    struct art_run_cursor cursor;
    struct art_children now = {0};
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc) rc = art_buffer_set_key(&splice.low, low);
    if (!rc && high.data) rc = art_buffer_set_key(&splice.high, high);
    art_tally_add(&splice.left, &run->top);
    for (uint32_t i = 0; !rc && i < children->count; i++) {
        rc = art_children_add(&now, children->child[i].separator, &children->child[i].ref);
        art_tally_add(&splice.left, &children->child[i].ref);
    }
    splice.run.blobs += children->blobs;
    splice.run.pages += children->pages;
    if (!rc && run->top.height == 0) rc = run_of_leaf(&splice, &now);
    for (unsigned height = 1; !rc && height <= run->top.height; height++)
        rc = splice_height(&splice, &cursor, height, &now);
    if (!rc && run->top.height) drop(&splice, &run->top);
    unsigned height = run->top.height + 1;
    for (; !rc && now.count > 1 && height < ART_HEIGHTS_MAX; height++) {
        struct art_children above = {0};
        rc = art_index_build(tree, edit, height, &now, &above);
        splice.run.blobs += above.blobs;
        splice.run.pages += above.pages;
        art_children_clear(&now);
        now = above;
    }
    *out = (struct art_run){.level = run->level, .blobs = splice.run.blobs, .pages = splice.run.pages};
    if (!rc && now.count > 1) {
        rc = build_index_anew(&splice, &cursor, &now, out);
    } else if (!rc && now.count) {
        out->top = now.child[0].ref;
        art_ref_leave(&now.child[0].ref);
    }
    struct art_tally built = {0};
    art_tally_add(&built, &out->top);
    if (!rc) rc = art_tally_compare(tree, &splice.left, &built);
    art_children_clear(&now);
    art_buffer_clear(&splice.low);
    art_buffer_clear(&splice.high);
    art_buffer_clear(&splice.node_low);
    art_buffer_clear(&splice.node_high);
    art_run_cursor_close(&cursor);
    return rc;
}

struct drop_context {
    struct art_tree *tree;
    struct art_version_edit *edit;
};

static enum art_rc drop_visit(void *context, const struct art_ref *ref) {
    struct drop_context *drop = context;
    art_slots_drop(drop->tree, drop->edit, ref->slot);
    return ART_OK;
}

enum art_rc art_run_drop(struct art_tree *tree, struct art_version_edit *edit, const struct art_run *run) {
    assert(tree->slots.use && edit->root);
    struct drop_context context = {tree, edit};
    return art_run_each_ref(tree->store, run, drop_visit, &context);
}
