/* Leaves and inner nodes of the memtable's radix tree, and the one set of verbs that all node types answer to.
 *
 *                     node (depth 7)             all keys below agree in their first `depth` bytes, and not in the next
 *                    /   |      \
 *      end: "bucket-"  '0'       '1'             `end`: the key that is exactly these `depth` bytes long
 *                       |          \
 *                node (depth 19)   leaf "bucket-1/readme"
 *
 * A node does not hold the bytes that it skips: it knows the depth, counted from the front of the key, of the one byte
 * by which its children differ. A descent looks at that byte only and compares the whole key once, in the leaf
 * it ends at; every leaf below a node has the skipped bytes. So a node can move up or down by a changed link alone, a
 * prefix of 65,000 bytes costs what one of two bytes does, and no search reads a key more than twice.
 *
 * A link is a pointer to a node or, with its lowest bit set, to a leaf; 0 is no link. Within a node a child is named
 * by a number that grows with the key byte: ART_CHILD_END for `end`, then indexes (Node4, Node16) or the byte itself
 * (Node48, Node256).
 *
 * In a table with a summary a node's block goes on behind the node (arena.beside) with the sums of all leaves below it,
 * and with zones of all that have ever been there: no entry that goes makes them narrower; a search may
 * (aggregates.c).
 */
#ifndef ART_MEMTABLE_NODE_H
#define ART_MEMTABLE_NODE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/summary.h"
#include "core/base/vector.h"
#include "core/memtable/arena.h"

typedef uintptr_t art_link;

/* One key and its entry. A NUL follows the key, with which it is a text for the host; then the value, when both were
 * written together, else that lies elsewhere in the arena. */
struct art_leaf {
    uint64_t csn_flags;   /* csn << 8 | flags */
    const uint8_t *value; /* never changed once written */
    uint64_t noted;       /* one more than the position, since the memtable began, of the last undo note; 0: none */
    uint32_t value_len;
    uint16_t key_len;
    uint8_t key[];
};

enum art_node_type { ART_NODE4, ART_NODE16, ART_NODE48, ART_NODE256 };
enum { ART_CHILD_END = -1, ART_CHILD_NONE = -2 };

struct art_node {
    int64_t weight; /* sum over all leaves below */
    art_link end;
    uint64_t type : 8;
    uint64_t newest : 56; /* where that is known (art_memtable.knows_newest): no leaf below has a later csn */
    uint16_t depth;
    uint16_t children; /* without `end` */
    uint8_t bytes[4];  /* Node4: the key bytes, ascending */
};

struct art_node4 {
    struct art_node head;
    art_link child[4];
};

struct art_node16 {
    struct art_node head;
    uint8_t bytes[16]; /* ascending */
    art_link child[16];
};

struct art_node48 {
    struct art_node head;
    uint8_t index[256]; /* by key byte: one more than the index of its child; 0: none */
    art_link child[48]; /* in no order, with holes */
};

struct art_node256 {
    struct art_node head;
    art_link child[256];
};

_Static_assert(sizeof(struct art_node4) <= ART_ARENA_LINE_BYTES, "a Node4 is one cache line");

/* --- links and leaves --------------------------------------------------------------------------------------------- */

/* What a link leads to: look before one of the two below; 0 is neither. */
static inline bool art_link_is_leaf(art_link link) {
    return link & 1;
}

static inline struct art_leaf *art_link_leaf(art_link link) {
    assert(art_link_is_leaf(link));
    return (struct art_leaf *)(link - 1);
}

static inline struct art_node *art_link_node(art_link link) {
    assert(link && !art_link_is_leaf(link));
    return (struct art_node *)link;
}

static inline art_link art_leaf_link(const struct art_leaf *leaf) {
    return (art_link)leaf + 1;
}

static inline struct art_bytes art_leaf_key(const struct art_leaf *leaf) {
    return art_bytes(leaf->key, leaf->key_len);
}

static inline uint8_t art_leaf_flags(const struct art_leaf *leaf) {
    return (uint8_t)leaf->csn_flags;
}

static inline int art_leaf_weight(const struct art_leaf *leaf) {
    return art_entry_weight(art_leaf_flags(leaf));
}

/* The leaf's entry, which is in no block; the value is borrowed from the arena. */
static inline void art_leaf_entry(const struct art_leaf *leaf, struct art_entry *out) {
    out->value = art_bytes(leaf->value, leaf->value_len);
    out->csn = leaf->csn_flags >> 8;
    out->flags = art_leaf_flags(leaf);
    out->row = 0;
}

/* As it is stored, borrowed from the arena. */
static inline struct art_bytes art_leaf_value(const struct art_leaf *leaf) {
    return art_bytes(leaf->value, leaf->value_len);
}

/* Bytes of a leaf without its value, which has its place behind them. */
static inline size_t art_leaf_head(uint32_t key_len) {
    return offsetof(struct art_leaf, key) + key_len + 1;
}

/* What the leaf and its value take of the arena. */
static inline size_t art_leaf_bytes(const struct art_leaf *leaf) {
    size_t own = art_leaf_head(leaf->key_len);
    if (leaf->value == (const uint8_t *)leaf + own) return art_arena_round(own + leaf->value_len);
    return art_arena_round(own) + art_arena_round(leaf->value_len);
}

/* The newest csn at or below the link, where nodes know; the sum of weights. */
static inline uint64_t art_link_newest(art_link link) {
    return art_link_is_leaf(link) ? art_link_leaf(link)->csn_flags >> 8 : art_link_node(link)->newest;
}

static inline int64_t art_link_weight(art_link link) {
    return art_link_is_leaf(link) ? art_leaf_weight(art_link_leaf(link)) : art_link_node(link)->weight;
}

/* Raises `newest`; nothing makes it lower. */
static inline void art_node_note_csn(struct art_node *node, uint64_t csn) {
    if (node->newest < csn) node->newest = csn & UINT64_MAX >> 8;
}

/* --- children ----------------------------------------------------------------------------------------------------- */

/* The index of `byte` in a Node4's or Node16's bytes, or ART_CHILD_NONE. */
static inline int art_node4_index(const struct art_node *node, uint8_t byte) {
    uint32_t x = art_load32(node->bytes) ^ 0x01010101u * byte;
    x = (x - 0x01010101u) & ~x & 0x80808080u; /* the lowest set bit marks the first equal byte */
    if (!x) return ART_CHILD_NONE;
    int index = __builtin_ctz(x) >> 3;
    return index < node->children ? index : ART_CHILD_NONE;
}

static inline int art_node16_index(const struct art_node16 *node, uint8_t byte) {
#if defined(ART_HAVE_VECTORS)
    int index = (int)art_vector_first(art_vector_equal(art_vector_load(node->bytes), art_vector_all(byte)));
    return index < node->head.children ? index : ART_CHILD_NONE;
#else
    for (int i = 0; i < node->head.children; i++) {
        if (node->bytes[i] == byte) return i;
    }
    return ART_CHILD_NONE;
#endif
}

/* Where the link for `byte` stands, or NULL. */
static inline art_link *art_node_slot(struct art_node *node, uint8_t byte) {
    int index;
    switch ((enum art_node_type)node->type) {
    case ART_NODE4:
        index = art_node4_index(node, byte);
        return index < 0 ? NULL : &((struct art_node4 *)node)->child[index];
    case ART_NODE16:
        index = art_node16_index((struct art_node16 *)node, byte);
        return index < 0 ? NULL : &((struct art_node16 *)node)->child[index];
    case ART_NODE48: {
        struct art_node48 *wide = (struct art_node48 *)node;
        return wide->index[byte] ? &wide->child[wide->index[byte] - 1] : NULL;
    }
    default: {
        struct art_node256 *full = (struct art_node256 *)node;
        return full->child[byte] ? &full->child[byte] : NULL;
    }
    }
}

/* The slot that `key` goes through, `end` included: NULL when no key below continues or ends as `key` does. */
static inline art_link *art_node_toward(struct art_node *node, struct art_bytes key) {
    if (node->depth < key.len) return art_node_slot(node, key.data[node->depth]);
    return node->depth == key.len && node->end ? &node->end : NULL;
}

/* The link of a child by number. */
static inline art_link art_node_child(const struct art_node *node, int child) {
    if (child == ART_CHILD_END) return node->end;
    assert(child >= 0 && child < 256);
    switch ((enum art_node_type)node->type) {
    case ART_NODE4:
        return ((const struct art_node4 *)node)->child[child];
    case ART_NODE16:
        return ((const struct art_node16 *)node)->child[child];
    case ART_NODE48: {
        const struct art_node48 *wide = (const struct art_node48 *)node;
        return wide->child[wide->index[child] - 1];
    }
    default:
        return ((const struct art_node256 *)node)->child[child];
    }
}

/* The number of the child for a byte, and numbers in order: the next one, the one before. Each gives ART_CHILD_NONE
 * when there is none. */
int art_node_child_of(const struct art_node *node, uint8_t byte);
int art_node_child_from(const struct art_node *node, int byte); /* the first for a byte >= `byte` (0..256); not `end` */
int art_node_child_before(const struct art_node *node, int byte); /* the last for a byte < `byte`, or `end` */
int art_node_next(const struct art_node *node, int child);
int art_node_prev(const struct art_node *node, int child);
uint8_t art_node_byte(const struct art_node *node, int child); /* not for `end` */

/* The numbers of the first child, `end` included, and of the last one; ART_CHILD_NONE: an empty node. */
static inline int art_node_first(const struct art_node *node) {
    return node->end ? ART_CHILD_END : art_node_child_from(node, 0);
}

static inline int art_node_last(const struct art_node *node) {
    return art_node_child_before(node, 256);
}

/* Some leaf below: all of them share the first `depth` bytes. */
const struct art_leaf *art_link_any_leaf(art_link link);
/* The leaf below that shares more of `key` than any other does. */
const struct art_leaf *art_link_nearest(art_link link, struct art_bytes key);

/* --- making and changing ------------------------------------------------------------------------------------------ */

extern const uint16_t art_node_type_bytes[];
/* Whole cache lines, without what lies beside the node. */
static inline size_t art_node_bytes(uint8_t type) {
    assert(type <= ART_NODE256);
    return art_node_type_bytes[type];
}

/* Only with a summary: the sums behind the node, and the zones behind these. */
static inline art_int128 *art_node_sums(const struct art_node *node) {
    return (art_int128 *)(void *)((uint8_t *)node + art_node_bytes(node->type));
}

static inline struct art_zone *art_zones_behind(art_int128 *sums, struct art_measures has) {
    return (struct art_zone *)(void *)(sums + has.sums);
}

static inline struct art_zone *art_node_zones(const struct art_node *node, struct art_measures has) {
    return art_zones_behind(art_node_sums(node), has);
}

/* An empty Node4. NULL without memory. */
struct art_node *art_node_new(struct art_arena *arena, uint32_t depth);
/* Links `child` under `byte`, which is not there yet. A full node is replaced in `*slot` by a larger one. False without
 * memory, and then nothing changed. Weights are the caller's. */
bool art_node_add(struct art_arena *arena, art_link *slot, uint8_t byte, art_link child);
/* Unlinks what `key` goes through, which is there. A node that is left with a single link is replaced in `*slot` by it,
 * and recycled. Weights are the caller's. */
void art_node_remove(struct art_arena *arena, art_link *slot, struct art_bytes key);

#endif
