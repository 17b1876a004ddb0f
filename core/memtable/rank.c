/* Sums: how much all keys before a given one add to the number of rows, and to the summary's sums. One descent; at each
 * node, the links to the left of the path. */
#include "core/memtable/inside.h"

void art_link_add_sums(const struct art_summary *summary, art_link link, art_int128 *sum) {
    if (art_link_is_leaf(link)) {
        struct art_entry entry;
        art_leaf_entry(art_link_leaf(link), &entry);
        art_summary_sums(summary, &entry, 1, sum);
        return;
    }
    const art_int128 *below = art_node_sums(art_link_node(link));
    for (unsigned i = 0; i < summary->has.sums; i++) sum[i] = art_add128(sum[i], below[i]);
}

/* Weights, and if asked for sums, of what lies before a key. */
struct before {
    const struct art_summary *summary; /* NULL: only weights */
    int64_t weight;
    art_int128 *sum;
};

static inline void add_link(struct before *before, art_link link) {
    before->weight += art_link_weight(link);
    if (before->summary) art_link_add_sums(before->summary, link, before->sum);
}

/* The children of `node` under bytes below `byte`, and its end. */
static void add_children(struct before *before, const struct art_node *node, uint8_t byte) {
    int child = art_node_child_before(node, byte);
    for (; child != ART_CHILD_NONE; child = art_node_prev(node, child)) add_link(before, art_node_child(node, child));
}

static void add_before(const struct art_memtable *memtable, struct art_bytes key, struct before *before) {
    const struct art_leaf *nearest = art_memtable_nearest(memtable, key);
    if (!nearest) return;
    uint32_t shared = art_common_prefix(nearest->key, key.data, art_min32(nearest->key_len, key.len));
    art_link link = memtable->root;
    while (!art_link_is_leaf(link) && art_link_node(link)->depth <= shared) {
        struct art_node *node = art_link_node(link);
        if (node->depth == key.len) return; /* all below is the key or continues it */
        uint8_t byte = key.data[node->depth];
        add_children(before, node, byte);
        const art_link *slot = art_node_slot(node, byte);
        if (!slot) return;
        link = *slot;
    }
    /* All below leaves the key at the same place as the nearest leaf does. */
    if (art_bytes_compare(art_leaf_key(nearest), key) < 0) add_link(before, link);
}

int64_t art_memtable_rank(const struct art_memtable *memtable, struct art_bytes key) {
    struct before before = {0};
    add_before(memtable, key, &before);
    return before.weight;
}

int64_t art_memtable_sums(const struct art_memtable *memtable, struct art_bytes key, art_int128 *sum) {
    struct before before = {.summary = memtable->summary, .sum = sum};
    add_before(memtable, key, &before);
    return before.weight;
}
