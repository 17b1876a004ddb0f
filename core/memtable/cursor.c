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
    cursor->kept = 0;
    cursor->depth = 0;
    cursor->capacity = ART_MEMTABLE_DEPTH_INLINE;
    cursor->steps = NULL;
    cursor->newer_than = 0;
    cursor->chooses = false;
    cursor->chosen = (struct art_buffer){0};
}

void art_memtable_cursor_clear(struct art_memtable_cursor *cursor) {
    art_free(cursor->steps);
    art_buffer_clear(&cursor->chosen);
    art_memtable_cursor_init(cursor, cursor->memtable);
}

/* Not a pointer kept in the cursor, so that a cursor may be moved. */
static inline struct art_memtable_step *steps_of(struct art_memtable_cursor *cursor) {
    return cursor->steps ? cursor->steps : cursor->inline_steps;
}

static enum art_rc more_steps(struct art_memtable_cursor *cursor) {
    assert(cursor->depth == cursor->capacity);
    uint32_t capacity = 2 * cursor->capacity;
    struct art_memtable_step *steps = art_resize(cursor->steps, capacity * sizeof *steps);
    if (!steps) return art_nomem();
    if (!cursor->steps) memcpy(steps, cursor->inline_steps, sizeof cursor->inline_steps);
    cursor->steps = steps;
    cursor->capacity = capacity;
    return ART_OK;
}

static inline enum art_rc push(struct art_memtable_cursor *cursor, struct art_node *node, int child) {
    assert(cursor->depth <= cursor->capacity && cursor->depth < ART_KEY_MAX);
    if (cursor->depth == cursor->capacity) {
        enum art_rc rc = more_steps(cursor);
        if (rc) return rc;
    }
    steps_of(cursor)[cursor->depth++] = (struct art_memtable_step){node, child};
    return ART_OK;
}

static enum art_rc stand_on(struct art_memtable_cursor *cursor, art_link link) {
    struct art_leaf *leaf = art_link_leaf(link);
    assert(!leaf->key[leaf->key_len]); /* a NUL behind the key */
    cursor->leaf = leaf;
    cursor->key = art_leaf_key(leaf);
    cursor->valid = true;
    return ART_OK;
}

/* The child itself, or the next one in the walk's direction that has something newer. */
static inline int newer_child(const struct art_memtable_cursor *cursor, const struct art_node *node, int child,
                              bool backward) {
    if (!cursor->newer_than) return child;
    while (child != ART_CHILD_NONE && art_link_newest(art_node_child(node, child)) <= cursor->newer_than)
        child = backward ? art_node_prev(node, child) : art_node_next(node, child);
    return child;
}

/* To the first or last leaf below a link that the steps lead to. Not valid: all leaves of the last step's child that
 * were newer are gone. */
static enum art_rc descend(struct art_memtable_cursor *cursor, art_link link, bool to_last) {
    assert(link);
    cursor->valid = false;
    while (!art_link_is_leaf(link)) {
        struct art_node *node = art_link_node(link);
        int child = newer_child(cursor, node, to_last ? art_node_last(node) : art_node_first(node), to_last);
        if (child == ART_CHILD_NONE) return ART_OK;
        enum art_rc rc = push(cursor, node, child);
        if (rc) return rc;
        link = art_node_child(node, child);
    }
    return stand_on(cursor, link);
}

/* --- chosen keys (value_index.c) ---------------------------------------------------------------------------------- */

static uint32_t chosen_count(const struct art_memtable_cursor *cursor) {
    return (uint32_t)(cursor->chosen.len / sizeof(struct art_leaf *));
}

static struct art_leaf *chosen_leaf(const struct art_memtable_cursor *cursor, uint32_t number) {
    assert(number < chosen_count(cursor));
    return ((struct art_leaf **)(void *)cursor->chosen.data)[number];
}

/* UINT32_MAX or the count: there is none. */
static enum art_rc stand_on_chosen(struct art_memtable_cursor *cursor, uint32_t number) {
    assert(cursor->chooses);
    cursor->valid = false;
    if (number >= chosen_count(cursor)) return ART_OK;
    cursor->at = number;
    cursor->kept = 0;
    return stand_on(cursor, art_leaf_link(chosen_leaf(cursor, number)));
}

static enum art_rc seek_chosen(struct art_memtable_cursor *cursor, struct art_bytes key, bool backward) {
    uint32_t low = 0, high = chosen_count(cursor);
    while (low < high) { /* to the first that is not before the key, backward: that is behind it */
        uint32_t middle = (low + high) / 2;
        int c = art_bytes_compare(art_leaf_key(chosen_leaf(cursor, middle)), key);
        if (c < 0 || (backward && c == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return stand_on_chosen(cursor, backward ? low - 1 : low);
}

/* A walk comes to the next child soon: a leaf and its value are two lines in most memtables. */
static inline void prefetch_behind(const struct art_node *node, int child) {
    int next = art_node_next(node, child);
    if (next == ART_CHILD_NONE) return;
    const char *at = (const char *)(art_node_child(node, next) & ~(art_link)1);
    __builtin_prefetch(at);
    __builtin_prefetch(at + ART_ARENA_LINE_BYTES);
}

/* To the leaf behind (or before) all that lies below the last step's child. */
static enum art_rc go_on(struct art_memtable_cursor *cursor, bool backward) {
    cursor->kept = UINT32_MAX;
    while (cursor->depth) {
        struct art_memtable_step *step = &steps_of(cursor)[cursor->depth - 1];
        const struct art_node *node = step->node;
        int child = backward ? art_node_prev(node, step->child) : art_node_next(node, step->child);
        child = newer_child(cursor, node, child, backward);
        if (child == ART_CHILD_NONE) {
            cursor->depth--;
            continue;
        }
        step->child = child;
        cursor->kept = art_min32(cursor->kept, node->depth); /* below a child without newer leaves it goes on, too */
        if (!backward) prefetch_behind(node, child);
        enum art_rc rc = descend(cursor, art_node_child(node, child), backward);
        if (rc || cursor->valid) return rc;
    }
    assert(!cursor->depth);
    cursor->valid = false;
    return ART_OK;
}

/* The same to the first or last leaf below a link, or else to the next leaf in that direction. */
static enum art_rc descend_or_go_on(struct art_memtable_cursor *cursor, art_link link, bool backward) {
    enum art_rc rc = descend(cursor, link, backward);
    return rc || cursor->valid ? rc : go_on(cursor, backward);
}

static enum art_rc to_an_end(struct art_memtable_cursor *cursor, bool to_last) {
    if (cursor->chooses) return stand_on_chosen(cursor, to_last ? chosen_count(cursor) - 1 : 0);
    cursor->depth = 0;
    cursor->valid = false;
    return cursor->memtable->root ? descend_or_go_on(cursor, cursor->memtable->root, to_last) : ART_OK;
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
    assert(cursor->memtable->root && !cursor->depth);
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

/* The key leaves the tree at the node of the last step, for want of a child: to the child beside where it would be. */
static enum art_rc beside_missing(struct art_memtable_cursor *cursor, struct art_bytes key, bool backward) {
    assert(cursor->depth && steps_of(cursor)[cursor->depth - 1].child == ART_CHILD_NONE);
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
    return descend_or_go_on(cursor, art_node_child(node, child), backward);
}

static enum art_rc seek(struct art_memtable_cursor *cursor, struct art_bytes key, bool backward) {
    if (cursor->chooses) return seek_chosen(cursor, key, backward);
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
    if (last && last->child == ART_CHILD_NONE) return beside_missing(cursor, key, backward);

    /* The key parts from all that lies below the last step's child, at the same byte. */
    bool all_before = art_bytes_compare(art_leaf_key(nearest), key) < 0;
    if (all_before != backward) return go_on(cursor, backward);
    art_link below = last ? art_node_child(last->node, last->child) : cursor->memtable->root;
    return descend_or_go_on(cursor, below, backward);
}

enum art_rc art_memtable_seek_ge(struct art_memtable_cursor *cursor, struct art_bytes key) {
    enum art_rc rc = seek(cursor, key, false);
    assert(rc || !cursor->valid || art_bytes_compare(cursor->key, key) >= 0);
    return rc;
}

enum art_rc art_memtable_seek_le(struct art_memtable_cursor *cursor, struct art_bytes key) {
    enum art_rc rc = seek(cursor, key, true);
    assert(rc || !cursor->valid || art_bytes_compare(cursor->key, key) <= 0);
    return rc;
}

/* --- moving on ---------------------------------------------------------------------------------------------------- */

enum art_rc art_memtable_next(struct art_memtable_cursor *cursor) {
    struct art_bytes before = cursor->key;
    assert(cursor->valid);
    enum art_rc rc = cursor->chooses ? stand_on_chosen(cursor, cursor->at + 1) : go_on(cursor, false);
    assert(!cursor->valid || art_bytes_compare(before, cursor->key) < 0);
    (void)before;
    return rc;
}

enum art_rc art_memtable_prev(struct art_memtable_cursor *cursor) {
    struct art_bytes before = cursor->key;
    assert(cursor->valid);
    enum art_rc rc = cursor->chooses ? stand_on_chosen(cursor, cursor->at - 1) : go_on(cursor, true);
    assert(!cursor->valid || art_bytes_compare(before, cursor->key) > 0);
    (void)before;
    return rc;
}

/* An overwrite would have to go the key's way once more to note its version, which takes a quarter of the time that the
 * memtable takes. So nodes learn it when somebody asks for the first time, and keep it up from then on. All ways
 * together have no more nodes than all keys have bytes. */
enum art_rc art_memtable_cursor_newer(struct art_memtable_cursor *cursor, struct art_memtable *memtable,
                                      uint64_t newer_than) {
    assert(cursor->memtable == memtable && !cursor->valid);
    struct art_memtable_cursor all;
    art_memtable_cursor_init(&all, memtable);
    enum art_rc rc = memtable->knows_newest ? ART_OK : art_memtable_first(&all);
    while (!rc && all.valid) {
        uint64_t csn = art_link_newest(art_leaf_link(all.leaf));
        for (uint32_t i = 0; i < all.depth; i++) art_node_note_csn(steps_of(&all)[i].node, csn);
        rc = art_memtable_next(&all);
    }
    art_memtable_cursor_clear(&all);
    memtable->knows_newest = !rc;
    if (!rc) cursor->newer_than = newer_than;
    return rc;
}

void art_memtable_cursor_entry(const struct art_memtable_cursor *cursor, struct art_entry *out) {
    assert(cursor->valid);
    art_leaf_entry(cursor->leaf, out);
}

void art_memtable_cursor_prefetch(const struct art_memtable_cursor *cursor) {
    assert(cursor->valid);
    const struct art_leaf *leaf = cursor->leaf;
    __builtin_prefetch(leaf->value);
    __builtin_prefetch(leaf->value + leaf->value_len);
}
