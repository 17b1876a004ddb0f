/* Walking the memtable in key order.
 *
 * A cursor is the way from the root to its leaf: one step a node, naming the child that was taken. The steps lie in the
 * cursor as long as they are few, which they are for paths; keys made to nest deeply get them from art_alloc().
 *
 * Seeking descends to the leaf nearest to the key, sees how much the two share, and goes back up to where they part.
 */
#include "core/memtable/inside.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

void art_memtable_cursor_init(struct art_memtable_cursor *cursor, const struct art_memtable *memtable) {
    cursor->memtable = memtable;
    cursor->valid = false;
    cursor->key = art_bytes(NULL, 0);
    cursor->leaf = NULL;
    cursor->depth = 0;
    cursor->capacity = ART_MEMTABLE_DEPTH_INLINE;
    cursor->steps = NULL;
}

void art_memtable_cursor_clear(struct art_memtable_cursor *cursor) {
    art_free(cursor->steps);
    art_memtable_cursor_init(cursor, cursor->memtable);
}

/* Not a pointer kept in the cursor, so that a cursor may be moved. */
static inline struct art_memtable_step *steps_of(struct art_memtable_cursor *cursor) {
    return cursor->steps ? cursor->steps : cursor->inline_steps;
}

static enum art_rc more_steps(struct art_memtable_cursor *cursor) {
    uint32_t capacity = 2 * cursor->capacity;
    struct art_memtable_step *steps = art_resize(cursor->steps, capacity * sizeof *steps);
    if (!steps) return art_nomem();
    if (!cursor->steps) memcpy(steps, cursor->inline_steps, sizeof cursor->inline_steps);
    cursor->steps = steps;
    cursor->capacity = capacity;
    return ART_OK;
}

static inline enum art_rc push(struct art_memtable_cursor *cursor, struct art_node *node, int child) {
    if (cursor->depth == cursor->capacity) {
        enum art_rc rc = more_steps(cursor);
        if (rc) return rc;
    }
    steps_of(cursor)[cursor->depth++] = (struct art_memtable_step){node, child};
    return ART_OK;
}

static enum art_rc stand_on(struct art_memtable_cursor *cursor, art_link link) {
    struct art_leaf *leaf = art_link_leaf(link);
    cursor->leaf = leaf;
    cursor->key = art_leaf_key(leaf);
    cursor->valid = true;
    return ART_OK;
}

/* To the first or last leaf below a link that the steps lead to. */
static enum art_rc descend(struct art_memtable_cursor *cursor, art_link link, bool to_last) {
    cursor->valid = false;
    while (!art_link_is_leaf(link)) {
        struct art_node *node = art_link_node(link);
        int child = to_last ? art_node_last(node) : art_node_first(node);
        enum art_rc rc = push(cursor, node, child);
        if (rc) return rc;
        link = art_node_child(node, child);
    }
    return stand_on(cursor, link);
}

/* Whoever walks on comes to the next child soon: a leaf and its value are two lines in most memtables. */
static inline void prefetch_behind(const struct art_node *node, int child) {
    int next = art_node_next(node, child);
    if (next == ART_CHILD_NONE) return;
    const char *at = (const char *)(art_node_child(node, next) & ~(art_link)1);
    __builtin_prefetch(at);
    __builtin_prefetch(at + ART_ARENA_LINE);
}

/* To the leaf behind (or before) all that lies below the last step's child. */
static enum art_rc go_on(struct art_memtable_cursor *cursor, bool backward) {
    while (cursor->depth) {
        struct art_memtable_step *step = &steps_of(cursor)[cursor->depth - 1];
        const struct art_node *node = step->node;
        int child = backward ? art_node_prev(node, step->child) : art_node_next(node, step->child);
        if (child != ART_CHILD_NONE) {
            step->child = child;
            if (!backward) prefetch_behind(node, child);
            return descend(cursor, art_node_child(node, child), backward);
        }
        cursor->depth--;
    }
    cursor->valid = false;
    return ART_OK;
}

static enum art_rc to_an_end(struct art_memtable_cursor *cursor, bool to_last) {
    cursor->depth = 0;
    cursor->valid = false;
    return cursor->memtable->root ? descend(cursor, cursor->memtable->root, to_last) : ART_OK;
}

enum art_rc art_memtable_first(struct art_memtable_cursor *cursor) {
    return to_an_end(cursor, false);
}

enum art_rc art_memtable_last(struct art_memtable_cursor *cursor) {
    return to_an_end(cursor, true);
}

/* --- seek --------------------------------------------------------------------------------------------------------- */

/* Steps along `key` as far as its bytes lead; the last one may have no child. *nearest is the nearest leaf. */
static enum art_rc follow(struct art_memtable_cursor *cursor, struct art_bytes key, const struct art_leaf **nearest) {
    art_link link = cursor->memtable->root;
    while (!art_link_is_leaf(link)) {
        struct art_node *node = art_link_node(link);
        int child = ART_CHILD_NONE;
        if (node->depth < key.len) {
            child = art_node_child_of(node, key.data[node->depth]);
        } else if (node->depth == key.len && node->end) {
            child = ART_CHILD_END;
        }
        enum art_rc rc = push(cursor, node, child);
        if (rc) return rc;
        if (child == ART_CHILD_NONE) {
            *nearest = art_link_any_leaf(link);
            return ART_OK;
        }
        link = art_node_child(node, child);
    }
    *nearest = art_link_leaf(link);
    return ART_OK;
}

/* The key leaves the tree at the node of the last step, for want of a child: to the child beside the gap. */
static enum art_rc beside_gap(struct art_memtable_cursor *cursor, struct art_bytes key, bool backward) {
    struct art_memtable_step *step = &steps_of(cursor)[cursor->depth - 1];
    const struct art_node *node = step->node;
    int child;
    if (node->depth == key.len) { /* before all children, and there is no end */
        child = backward ? ART_CHILD_NONE : art_node_first(node);
    } else {
        int byte = key.data[node->depth];
        child = backward ? art_node_child_before(node, byte) : art_node_child_from(node, byte);
    }
    if (child == ART_CHILD_NONE) {
        cursor->depth--;
        return go_on(cursor, backward);
    }
    step->child = child;
    return descend(cursor, art_node_child(node, child), backward);
}

static enum art_rc seek(struct art_memtable_cursor *cursor, struct art_bytes key, bool backward) {
    cursor->depth = 0;
    cursor->valid = false;
    if (!cursor->memtable->root) return ART_OK;
    const struct art_leaf *nearest;
    enum art_rc rc = follow(cursor, key, &nearest);
    if (rc) return rc;
    uint32_t shared = art_common_prefix(nearest->key, key.data, art_min32(nearest->key_len, key.len));
    if (shared == key.len && shared == nearest->key_len) return stand_on(cursor, art_leaf_link(nearest));

    struct art_memtable_step *steps = steps_of(cursor);
    while (cursor->depth && ((struct art_node *)steps[cursor->depth - 1].node)->depth > shared) cursor->depth--;
    const struct art_memtable_step *last = cursor->depth ? &steps[cursor->depth - 1] : NULL;
    if (last && last->child == ART_CHILD_NONE) return beside_gap(cursor, key, backward);

    /* The key parts from all that lies below the last step's child, at the same byte. */
    bool all_before = art_bytes_compare(art_leaf_key(nearest), key) < 0;
    if (all_before != backward) return go_on(cursor, backward);
    art_link below = last ? art_node_child(last->node, last->child) : cursor->memtable->root;
    return descend(cursor, below, backward);
}

enum art_rc art_memtable_seek_ge(struct art_memtable_cursor *cursor, struct art_bytes key) {
    return seek(cursor, key, false);
}

enum art_rc art_memtable_seek_le(struct art_memtable_cursor *cursor, struct art_bytes key) {
    return seek(cursor, key, true);
}

/* --- moving on ---------------------------------------------------------------------------------------------------- */

enum art_rc art_memtable_next(struct art_memtable_cursor *cursor) {
    assert(cursor->valid);
    return go_on(cursor, false);
}

enum art_rc art_memtable_prev(struct art_memtable_cursor *cursor) {
    assert(cursor->valid);
    return go_on(cursor, true);
}

enum art_rc art_memtable_skip_prefix(struct art_memtable_cursor *cursor, uint32_t len, bool backward) {
    assert(cursor->valid && len <= cursor->key.len);
    const struct art_memtable_step *steps = steps_of(cursor);
    while (cursor->depth && ((struct art_node *)steps[cursor->depth - 1].node)->depth >= len) cursor->depth--;
    return go_on(cursor, backward);
}

void art_memtable_cursor_entry(const struct art_memtable_cursor *cursor, struct art_entry *out) {
    assert(cursor->valid);
    art_leaf_entry(cursor->leaf, out);
}
