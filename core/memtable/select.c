/* The k-th row, where sums of weights say which it is: one descent. At each node, the last link that begins before the
 * row does.
 *
 *     weights   1 1 0 -1 -1 | 1 0 1 1 0 1 | -1 1 -1         Between low and high the sums never fall, so that the last
 *     sums     0 1 2 2  1  0  1 1 2 3 3  4   3 4            link which begins with a sum of at most k holds the row;
 *                          low           high               beside them they mean nothing to this search.
 */
#include "core/base/error.h"
#include "core/memtable/inside.h"

/* Where a bound stands to the link that the descent has come to. */
struct bound {
    struct art_bytes key;
    uint32_t shared; /* bytes that it shares with the leaf nearest to it */
    int side;        /* <0: before all keys below the link, 0: among them, >0: behind them */
};

static void bound_init(struct bound *bound, const struct art_memtable *memtable, struct art_bytes key) {
    const struct art_leaf *nearest = art_memtable_nearest(memtable, key);
    *bound = (struct bound){.key = key};
    bound->shared = art_common_prefix(nearest->key, key.data, art_min32(nearest->key_len, key.len));
}

/* A bound that parts from the keys below the node in the bytes that the node skips stands beside them all. */
static void bound_meet(struct bound *bound, const struct art_node *node, art_link link) {
    if (bound->side || node->depth <= bound->shared) return;
    bound->side = art_bytes_compare(bound->key, art_leaf_key(art_link_any_leaf(link))) < 0 ? -1 : 1;
}

/* Does what lies below a child begin before the bound (<0), with its very key (0), or behind it (>0)? */
static int child_begins(const struct bound *bound, const struct art_node *node, int child) {
    if (bound->side) return -bound->side;
    uint32_t depth = node->depth, len = bound->key.len;
    if (child == ART_CHILD_END) return len > depth ? -1 : 0;
    if (len == depth) return 1;
    int difference = (int)art_node_byte(node, child) - (int)bound->key.data[depth];
    return difference ? difference : len > depth + 1 ? -1 : 0;
}

static void bound_enter(struct bound *bound, const struct art_node *node, int child) {
    if (bound->side || child == ART_CHILD_END) return;
    if (bound->key.len == node->depth) {
        bound->side = -1;
        return;
    }
    bound->side = (int)bound->key.data[node->depth] - (int)art_node_byte(node, child);
}

enum art_rc art_memtable_select(const struct art_memtable *memtable, struct art_bytes low, struct art_bytes high,
                                int64_t rank, struct art_bytes *key) {
    if (!memtable->root) return ART_NOTFOUND;
    struct bound from, until;
    bound_init(&from, memtable, low);
    bound_init(&until, memtable, high);
    art_link link = memtable->root;
    int64_t before = 0;
    while (!art_link_is_leaf(link)) {
        const struct art_node *node = art_link_node(link);
        int chosen = ART_CHILD_NONE;
        int64_t sum = before;
        bound_meet(&from, node, link);
        bound_meet(&until, node, link);
        for (int child = art_node_first(node); child != ART_CHILD_NONE; child = art_node_next(node, child)) {
            if (child_begins(&until, node, child) >= 0) break;
            if (sum > rank && child_begins(&from, node, child) > 0) break;
            chosen = child;
            before = sum;
            sum += art_link_weight(art_node_child(node, child));
        }
        if (chosen == ART_CHILD_NONE) return ART_NOTFOUND;
        bound_enter(&from, node, chosen);
        bound_enter(&until, node, chosen);
        link = art_node_child(node, chosen);
    }
    const struct art_leaf *leaf = art_link_leaf(link);
    *key = art_leaf_key(leaf);
    bool inside = art_bytes_compare(*key, low) >= 0 && art_bytes_compare(*key, high) < 0;
    return inside && before == rank && art_leaf_weight(leaf) == 1 ? ART_OK : ART_NOTFOUND;
}
