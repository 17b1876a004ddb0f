/* Descending the routing part, and making sure beforehand that one can. */
#include "core/blob/routing.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

/* Number of the node's keys <= c, and whether the last of them is c. */
static inline uint32_t keys_not_above(const struct art_routing_node *node, uint8_t c, bool *equal) {
    const uint8_t *keys = node->keys;
    uint32_t n = 0;
    if (!(node->flags & ART_NODE_MAP)) {
        n = art_count_not_above(keys, node->children, c);
        *equal = n && keys[n - 1] == c;
        return n;
    }
    for (uint32_t word = 0; word < c >> 6; word++) n += (uint32_t)__builtin_popcountll(art_load64(keys + 8 * word));
    uint64_t word = art_load64(keys + 8 * (c >> 6));
    *equal = word >> (c & 63) & 1;
    return n + (uint32_t)__builtin_popcountll(word & (~0ull >> (63 - (c & 63))));
}

/* The subtree under the current node holds buckets first .. end-1, whose separators agree with key[0..depth). */
ART_READS_PAST uint32_t art_route(const struct art_blob *blob, struct art_bytes key, uint32_t *known) {
    const uint8_t *root = art_blob_part(blob, ART_PART_NODES), *at = root;
    uint32_t first = 0, end = blob->buckets, depth = blob->label_len;
    bool wide = blob->flags & ART_BLOB_WIDE;
    assert(key.len >= depth);
    *known = depth;
    for (;;) {
        struct art_routing_node node;
        art_node_open(&node, at, wide);
        if (node.path_len) {
            uint32_t left = art_min32(key.len - depth, node.path_len);
            uint32_t x = art_common_prefix_padded(key.data + depth, node.path, left);
            depth += x;
            if (x < node.path_len) {
                if (x == left || key.data[depth] < node.path[x]) break;
                *known = depth;
                return end - 1;
            }
        }
        if (node.flags & ART_NODE_TAIL) {
            *known = depth;
            return first;
        }
        bool equal = false;
        uint32_t n = depth < key.len ? keys_not_above(&node, key.data[depth], &equal) : 0;
        if (!n) {
            if (!(node.flags & ART_NODE_VALUE)) break;
            *known = depth;
            return first;
        }
        if (n < node.children) end = art_node_bucket(&node, n, first);
        if (!equal) {
            *known = depth;
            return end - 1;
        }
        first = art_node_bucket(&node, n - 1, first);
        depth++;
        uint32_t ref = art_node_ref(&node, n - 1, wide);
        if (!ref) {
            *known = depth;
            return first;
        }
        at = root + ref;
    }
    return first ? first - 1 : 0; /* the key is before all separators of this subtree */
}

bool art_separator_begins(const struct art_blob *blob, uint32_t bucket, struct art_bytes key) {
    const uint8_t *root = art_blob_part(blob, ART_PART_NODES), *at = root;
    uint32_t first = 0, depth = blob->label_len;
    bool wide = blob->flags & ART_BLOB_WIDE;
    assert(key.len >= depth && bucket < blob->buckets);
    for (;;) {
        struct art_routing_node node;
        art_node_open(&node, at, wide);
        if (node.path_len > key.len - depth || memcmp(key.data + depth, node.path, node.path_len) != 0) return false;
        depth += node.path_len;
        if (node.flags & ART_NODE_TAIL || (node.flags & ART_NODE_VALUE && bucket == first)) return true;
        uint32_t child = 0;
        while (child + 1 < node.children && art_node_bucket(&node, child + 1, first) <= bucket) child++;
        bool equal = false;
        if (depth == key.len || keys_not_above(&node, key.data[depth], &equal) != child + 1 || !equal) return false;
        depth++;
        first = art_node_bucket(&node, child, first);
        uint32_t ref = art_node_ref(&node, child, wide);
        if (!ref) return true;
        at = root + ref;
    }
}

/* --- check -------------------------------------------------------------------------------------------------------- */

struct art_expected_node {
    uint32_t ref, first, end;
};

/* Nodes lie in the order of the references to them, so a queue of what is expected next is all that is needed. */
struct art_node_queue {
    struct art_expected_node *nodes;
    uint32_t count, capacity;
};

static const char *node_shape(const struct art_routing_node *node, uint32_t bytes, const uint8_t *at) {
    if (node->end > at + bytes) return "a node leaves the routing part";
    bool tail = node->flags & ART_NODE_TAIL;
    if (tail) return node->flags & ~ART_NODE_TAIL ? "a tail with other flags" : NULL;
    if (node->flags & ART_NODE_MAP) {
        uint32_t bits = 0;
        for (uint32_t word = 0; word < 4; word++)
            bits += (uint32_t)__builtin_popcountll(art_load64(node->keys + 8 * word));
        return bits == node->children ? NULL : "a node's map has another number of keys";
    }
    if (node->children > 32) return "too many keys for a node without map";
    for (uint32_t i = 1; i < node->children; i++) {
        if (node->keys[i] <= node->keys[i - 1]) return "a node's keys do not ascend";
    }
    return NULL;
}

static const char *node_children(const struct art_routing_node *node, const struct art_expected_node *self, bool wide,
                                 struct art_node_queue *queue) {
    uint32_t bucket = self->first + (node->flags & ART_NODE_VALUE ? 1 : 0);
    if (!node->children) return self->end - self->first == 1 ? NULL : "a tail for more than one bucket";
    for (uint32_t i = 0; i < node->children; i++) {
        uint32_t first = art_node_bucket(node, i, self->first);
        uint32_t end = i + 1 < node->children ? art_node_bucket(node, i + 1, self->first) : self->end;
        if (i == 0 && first != bucket) return "a bucket without separator";
        if (end <= first || end > self->end) return "a node's buckets do not ascend";
        uint32_t ref = art_node_ref(node, i, wide);
        if (!ref) {
            if (end - first != 1) return "several buckets without node";
            continue;
        }
        if (queue->count == queue->capacity) return "more nodes than buckets can need";
        queue->nodes[queue->count++] = (struct art_expected_node){ref, first, end};
    }
    return NULL;
}

static const char *check_nodes(const struct art_blob *blob, struct art_node_queue *queue) {
    uint32_t begin = blob->at.begin[ART_PART_NODES], end = blob->at.begin[ART_PART_NODES + 1], at = begin;
    bool wide = blob->flags & ART_BLOB_WIDE;
    queue->nodes[0] = (struct art_expected_node){0, 0, blob->buckets};
    queue->count = 1;
    for (uint32_t i = 0; i < queue->count; i++) {
        struct art_expected_node self = queue->nodes[i];
        if (self.ref != at - begin) return "a reference that leads to no node";
        if (at >= end) return "a node leaves the routing part";
        struct art_routing_node node; /* opening it reads at most 4 bytes, and more lies behind */
        art_node_open(&node, blob->image + at, wide);
        const char *wrong = node_shape(&node, end - at, blob->image + at);
        if (!wrong) wrong = node_children(&node, &self, wide, queue);
        if (wrong) return wrong;
        at = (uint32_t)(node.end - blob->image);
    }
    return NULL;
}

enum art_rc art_routing_check(const struct art_blob *blob) {
    assert(blob->buckets);
    struct art_expected_node some[256]; /* enough for a full blob of one bucket a page */
    struct art_node_queue queue = {some, 0, 2 * blob->buckets};
    if (queue.capacity > sizeof some / sizeof *some) {
        queue.nodes = art_alloc(queue.capacity * sizeof *queue.nodes);
        if (!queue.nodes) return art_nomem();
    }
    const char *wrong = check_nodes(blob, &queue);
    if (queue.nodes != some) art_free(queue.nodes);
    if (!wrong) return ART_OK;
    return art_corrupt(blob->file, blob->slot, blob->at.begin[ART_PART_NODES] / ART_BLOB_PAGE, "routing part: %s",
                       wrong);
}
