/* Sums of weights: how much all keys before a given one add to the number of rows. One descent; at each node, the links
 * to the left of the path. */
#include "core/memtable/inside.h"

/* Weights of the children of `node` under bytes below `byte`, and of its end. */
static int64_t weight_before(const struct art_node *node, uint8_t byte) {
    int64_t sum = 0;
    int child = art_node_child_before(node, byte);
    for (; child != ART_CHILD_NONE; child = art_node_prev(node, child)) {
        sum += art_link_weight(art_node_child(node, child));
    }
    return sum;
}

int64_t art_memtable_rank(const struct art_memtable *memtable, struct art_bytes key) {
    const struct art_leaf *nearest = art_memtable_nearest(memtable, key);
    if (!nearest) return 0;
    uint32_t shared = art_common_prefix(nearest->key, key.data, art_min32(nearest->key_len, key.len));
    int64_t sum = 0;
    art_link link = memtable->root;
    while (!art_link_is_leaf(link) && art_link_node(link)->depth <= shared) {
        struct art_node *node = art_link_node(link);
        if (node->depth == key.len) return sum; /* all below is the key or continues it */
        uint8_t byte = key.data[node->depth];
        sum += weight_before(node, byte);
        const art_link *slot = art_node_slot(node, byte);
        if (!slot) return sum;
        link = *slot;
    }
    /* All below leaves the key at the same place as the nearest leaf does. */
    bool before = art_bytes_compare(art_leaf_key(nearest), key) < 0;
    return before ? sum + art_link_weight(link) : sum;
}
