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
};

/* Which nodes of `height` are touched: [node_low, node_high). */
static enum art_rc find_nodes(struct splice *splice, struct art_run_cursor *cursor, unsigned height) {
    assert(height && height <= splice->run.top.height);
    splice->node_to_end = true;
    if (height == splice->run.top.height) return art_buffer_set_key(&splice->node_low, art_bytes(NULL, 0));
    art_run_cursor_reset(cursor, &splice->run.top, height + 1);
    enum art_rc rc = art_run_seek_le(cursor, art_buffer_bytes(&splice->low));
    if (!rc && !cursor->valid) rc = art_run_first(cursor);
    if (!rc) rc = art_buffer_set_key(&splice->node_low, art_run_key(cursor));
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
    bool moved = splice->moved && ref->height == 0; /* its slot is the caller's business */
    if (!moved) art_slots_drop(splice->tree, splice->edit, ref->slot);
}

/* Adds a child to what a node shall hold. A node's own separator is its first child's: a key that routes to the node
 * must not fall in front of that child. */
static enum art_rc append_child(struct splice *splice, struct art_children *out, struct art_bytes separator,
                                const struct art_ref *ref) {
    return art_children_add(out, out->count ? separator : art_buffer_bytes(&splice->node_low), ref);
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
                rc = append_child(splice, out, i ? fresh->child[i].separator : art_buffer_bytes(&splice->low),
                                  &fresh->child[i].ref);
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

static enum art_rc splice_height(struct splice *splice, struct art_run_cursor *cursor, unsigned height,
                                 struct art_children *children) {
    assert(height && height <= splice->run.top.height);
    struct art_children all = {0}, above = {0};
    enum art_rc rc = find_nodes(splice, cursor, height);
    if (!rc) rc = gather(splice, cursor, height, children, &all);
    bool top = height == splice->run.top.height;
    if (!rc && all.count && !(top && all.count == 1)) {
        rc = art_index_build(splice->tree, splice->edit, height, &all, &above);
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
    for (uint32_t i = 0; !rc && i < children->count; i++) {
        rc = art_children_add(&now, children->child[i].separator, &children->child[i].ref);
    }
    splice.run.blobs += children->blobs;
    splice.run.pages += children->pages;
    if (!rc && run->top.height == 0) rc = run_of_leaf(&splice, &now);
    for (unsigned height = 1; !rc && height <= run->top.height; height++)
        rc = splice_height(&splice, &cursor, height, &now);
    if (!rc && run->top.height) drop(&splice, &run->top);
    for (unsigned height = run->top.height + 1; !rc && now.count > 1; height++) {
        struct art_children above = {0};
        rc = art_index_build(tree, edit, height, &now, &above);
        splice.run.blobs += above.blobs;
        splice.run.pages += above.pages;
        art_children_clear(&now);
        now = above;
    }
    *out = (struct art_run){.level = run->level, .blobs = splice.run.blobs, .pages = splice.run.pages};
    assert(rc || now.count <= 1);
    if (!rc && now.count) {
        out->top = now.child[0].ref;
        art_ref_leave(&now.child[0].ref);
    }
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
