/* Growing, emptying and ordered walking of inner nodes. A node grows when it is full; it never shrinks, because only a
 * rollback takes keys out and a rollback must not need memory. The next flush ends the whole tree anyway. */
#include "core/memtable/node.h"

#include <string.h>

#define WHOLE_LINES(type) ((sizeof(type) + ART_ARENA_LINE_BYTES - 1) / ART_ARENA_LINE_BYTES * ART_ARENA_LINE_BYTES)

const uint16_t art_node_type_bytes[] = {
    [ART_NODE4] = WHOLE_LINES(struct art_node4),
    [ART_NODE16] = WHOLE_LINES(struct art_node16),
    [ART_NODE48] = WHOLE_LINES(struct art_node48),
    [ART_NODE256] = WHOLE_LINES(struct art_node256),
};

static const uint16_t node_capacity[] = {[ART_NODE4] = 4, [ART_NODE16] = 16, [ART_NODE48] = 48, [ART_NODE256] = 256};

/* The sorted key bytes of a Node4 or Node16. */
static const uint8_t *sorted_bytes(const struct art_node *node) {
    assert(node->type <= ART_NODE16);
    return node->type == ART_NODE4 ? node->bytes : ((const struct art_node16 *)node)->bytes;
}

static art_link *sorted_links(struct art_node *node) {
    assert(node->type <= ART_NODE16);
    return node->type == ART_NODE4 ? ((struct art_node4 *)node)->child : ((struct art_node16 *)node)->child;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

int art_node_child_of(const struct art_node *node, uint8_t byte) {
    switch ((enum art_node_type)node->type) {
    case ART_NODE4:
        return art_node4_index(node, byte);
    case ART_NODE16:
        return art_node16_index((const struct art_node16 *)node, byte);
    case ART_NODE48:
        return ((const struct art_node48 *)node)->index[byte] ? byte : ART_CHILD_NONE;
    default:
        return ((const struct art_node256 *)node)->child[byte] ? byte : ART_CHILD_NONE;
    }
}

static int bytes_below(const struct art_node *node, int byte) {
    const uint8_t *bytes = sorted_bytes(node);
    int index = 0;
    while (index < node->children && bytes[index] < byte) index++;
    return index;
}

int art_node_child_from(const struct art_node *node, int byte) {
    assert(byte >= 0 && byte <= 256);
    if (node->type <= ART_NODE16) {
        int index = bytes_below(node, byte);
        return index < node->children ? index : ART_CHILD_NONE;
    }
    if (node->type == ART_NODE48) {
        const uint8_t *index = ((const struct art_node48 *)node)->index;
        for (; byte < 256; byte++) {
            while (byte <= 256 - 8 && !art_load64(index + byte)) byte += 8;
            if (byte < 256 && index[byte]) return byte;
        }
        return ART_CHILD_NONE;
    }
    const art_link *child = ((const struct art_node256 *)node)->child;
    for (; byte < 256; byte++) {
        if (child[byte]) return byte;
    }
    return ART_CHILD_NONE;
}

int art_node_child_before(const struct art_node *node, int byte) {
    assert(byte >= 0 && byte <= 256);
    int child = byte - 1;
    if (node->type <= ART_NODE16) {
        child = bytes_below(node, byte) - 1;
    } else if (node->type == ART_NODE48) {
        const uint8_t *index = ((const struct art_node48 *)node)->index;
        for (; child >= 0; child--) {
            while (child >= 7 && !art_load64(index + child - 7)) child -= 8;
            if (child < 0 || index[child]) break;
        }
    } else {
        const art_link *links = ((const struct art_node256 *)node)->child;
        while (child >= 0 && !links[child]) child--;
    }
    if (child >= 0) return child;
    return node->end ? ART_CHILD_END : ART_CHILD_NONE;
}

int art_node_next(const struct art_node *node, int child) {
    assert(child >= ART_CHILD_END && child < 256);
    if (node->type <= ART_NODE16) return child + 1 < node->children ? child + 1 : ART_CHILD_NONE;
    return art_node_child_from(node, child + 1);
}

int art_node_prev(const struct art_node *node, int child) {
    assert(child >= ART_CHILD_END && child < 256);
    if (child == ART_CHILD_END) return ART_CHILD_NONE;
    if (node->type > ART_NODE16) return art_node_child_before(node, child);
    if (child > 0) return child - 1;
    return node->end ? ART_CHILD_END : ART_CHILD_NONE;
}

uint8_t art_node_byte(const struct art_node *node, int child) {
    assert(child >= 0);
    return node->type <= ART_NODE16 ? sorted_bytes(node)[child] : (uint8_t)child;
}

const struct art_leaf *art_link_any_leaf(art_link link) {
    while (!art_link_is_leaf(link)) {
        const struct art_node *node = art_link_node(link);
        assert(node->end || node->children);
        if (node->end) {
            link = node->end;
        } else {
            link = art_node_child(node, art_node_child_from(node, 0));
        }
    }
    return art_link_leaf(link);
}

const struct art_leaf *art_link_nearest(art_link link, struct art_bytes key) {
    while (!art_link_is_leaf(link)) {
        const art_link *slot = art_node_toward(art_link_node(link), key);
        if (!slot) return art_link_any_leaf(link);
        link = *slot;
    }
    return art_link_leaf(link);
}

/* --- change ------------------------------------------------------------------------------------------------------- */

static struct art_node *new_node(struct art_arena *arena, uint8_t type) {
    assert(type <= ART_NODE256);
    struct art_node *node = art_arena_take_block(arena, type, art_node_bytes(type));
    if (!node) return NULL;
    memset(node, 0, art_node_bytes(type) + arena->beside);
    node->type = type;
    return node;
}

struct art_node *art_node_new(struct art_arena *arena, uint32_t depth) {
    assert(depth < ART_KEY_MAX);
    struct art_node *node = new_node(arena, ART_NODE4);
    if (!node) return NULL;
    node->depth = (uint16_t)depth;
    return node;
}

/* Links a child into a node that has room for it. */
static void add_child(struct art_node *node, uint8_t byte, art_link child) {
    assert(child && art_node_child_of(node, byte) == ART_CHILD_NONE);
    assert(node->children < node_capacity[node->type]);
    if (node->type <= ART_NODE16) {
        uint8_t *bytes = (uint8_t *)sorted_bytes(node);
        art_link *links = sorted_links(node);
        size_t index = (size_t)bytes_below(node, byte);
        memmove(bytes + index + 1, bytes + index, node->children - index);
        memmove(links + index + 1, links + index, (node->children - index) * sizeof *links);
        bytes[index] = byte;
        links[index] = child;
    } else if (node->type == ART_NODE48) {
        struct art_node48 *wide = (struct art_node48 *)node;
        unsigned index = node->children;
        if (wide->child[index]) { /* not where it would be had nothing been unlinked */
            for (index = 0; wide->child[index]; index++) {
            }
        }
        wide->child[index] = child;
        wide->index[byte] = (uint8_t)(index + 1);
    } else {
        ((struct art_node256 *)node)->child[byte] = child;
    }
    node->children++;
}

/* The same node, one type larger. NULL without memory. */
static struct art_node *enlarged(struct art_arena *arena, const struct art_node *node) {
    assert(node->type < ART_NODE256 && node->children == node_capacity[node->type]);
    struct art_node *larger = new_node(arena, (uint8_t)(node->type + 1));
    if (!larger) return NULL;
    larger->weight = node->weight;
    larger->end = node->end;
    larger->newest = node->newest;
    larger->depth = node->depth;
    if (arena->beside) memcpy(art_node_sums(larger), art_node_sums(node), arena->beside);
    for (int child = art_node_child_from(node, 0); child >= 0; child = art_node_next(node, child)) {
        add_child(larger, art_node_byte(node, child), art_node_child(node, child));
    }
    assert(larger->children == node->children);
    return larger;
}

bool art_node_add(struct art_arena *arena, art_link *slot, uint8_t byte, art_link child) {
    struct art_node *node = art_link_node(*slot);
    if (node->children == node_capacity[node->type]) {
        struct art_node *larger = enlarged(arena, node);
        if (!larger) return false;
        art_arena_recycle_block(arena, node->type, art_node_bytes(node->type), node);
        node = larger;
        *slot = (art_link)node;
    }
    add_child(node, byte, child);
    assert(art_node_child(node, art_node_child_of(node, byte)) == child);
    return true;
}

static void remove_child(struct art_node *node, uint8_t byte) {
    int child = art_node_child_of(node, byte);
    assert(child >= 0);
    node->children--;
    if (node->type <= ART_NODE16) {
        uint8_t *bytes = (uint8_t *)sorted_bytes(node);
        art_link *links = sorted_links(node);
        size_t index = (size_t)child, behind = node->children - index;
        memmove(bytes + index, bytes + index + 1, behind);
        memmove(links + index, links + index + 1, behind * sizeof *links);
    } else if (node->type == ART_NODE48) {
        struct art_node48 *wide = (struct art_node48 *)node;
        wide->child[wide->index[byte] - 1] = 0;
        wide->index[byte] = 0;
    } else {
        ((struct art_node256 *)node)->child[byte] = 0;
    }
    assert(art_node_child_of(node, byte) == ART_CHILD_NONE);
}

void art_node_remove(struct art_arena *arena, art_link *slot, struct art_bytes key) {
    struct art_node *node = art_link_node(*slot);
    if (node->depth == key.len) {
        assert(node->end);
        node->end = 0;
    } else {
        remove_child(node, key.data[node->depth]);
    }
    if (node->children + !!node->end > 1) return;
    assert(node->children + !!node->end == 1);
    *slot = node->end ? node->end : art_node_child(node, art_node_child_from(node, 0));
    art_arena_recycle_block(arena, node->type, art_node_bytes(node->type), node);
}
