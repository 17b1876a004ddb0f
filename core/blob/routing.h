/* The routing part's nodes: which bucket does a key belong to? (blob_format.h draws a node.) */
#ifndef ART_BLOB_ROUTING_H
#define ART_BLOB_ROUTING_H

#include "core/blob/blob_format.h"
#include "core/blob/simd.h"

struct art_routing_node {
    const uint8_t *path, *keys, *buckets, *refs, *end;
    uint32_t path_len, children;
    uint8_t flags;
};

/* What the node at `at` says, borrowed from there. `wide`: references of 4 bytes, not 2. */
static inline void art_node_open(struct art_routing_node *node, const uint8_t *at, bool wide) {
    uint8_t flags = at[0];
    node->flags = flags & 15;
    node->path_len = flags >> 4;
    node->children = flags & ART_NODE_TAIL ? 0 : at[1] + 1u;
    at += flags & ART_NODE_TAIL ? 1 : 2;
    if (ART_UNLIKELY(node->path_len == ART_NODE_PATH_SHORT)) {
        node->path_len = art_load16(at);
        at += 2;
    }
    node->path = at;
    node->keys = at += node->path_len;
    node->buckets = at += flags & ART_NODE_MAP ? ART_NODE_MAP_BYTES : node->children;
    node->refs = at += node->children << !(flags & ART_NODE_SMALL);
    node->end = at + (node->children << (wide ? 2 : 1));
}

/* Where the child's node begins, in bytes behind the root; 0: it is one bucket alone. */
static inline uint32_t art_node_ref(const struct art_routing_node *node, uint32_t child, bool wide) {
    return wide ? art_load32(node->refs + 4 * child) : art_load16(node->refs + 2 * child);
}

/* First bucket below a child; `first` is that of the node. */
static inline uint32_t art_node_bucket(const struct art_routing_node *node, uint32_t child, uint32_t first) {
    return node->flags & ART_NODE_SMALL ? first + node->buckets[child] : art_load16(node->buckets + 2 * child);
}

/* The bucket with the last separator <= key (the first bucket when there is none): it holds the key, or its position,
 * unless that lies before the bucket's first entry. *known: leading bytes that the key shares with the bucket's first
 * key, as far as that came to light. ART_PART_NODES is there. */
uint32_t art_route(const struct art_blob *blob, struct art_bytes key, uint32_t *known);

/* Does the key begin with the bucket's separator, as the nodes spell it? Of the bucket's first key, or what art_route()
 * says of known bytes is wrong. The same. */
bool art_separator_begins(const struct art_blob *blob, uint32_t bucket, struct art_bytes key);

/* Looks at every node once, in the order in which they lie: afterwards art_route() stays inside the routing part, ends,
 * and returns a bucket that exists, whatever the bytes are. ART_CORRUPT, ART_NOMEM. The directories are sound. */
enum art_rc art_routing_check(const struct art_blob *blob);

#endif
