/* A guess at the number of rows, from what is in memory. */
#include "core/tree/private.h"

bool art_tree_estimate(struct art_tree *tree, const struct art_range *range, uint64_t *rows) {
    (void)range;
    if (tree->unknown || art_store_forked(tree->store)) return false;
    int64_t sum = art_delta_count(tree->delta);
    for (unsigned i = 0; i < tree->root->runs; i++) sum += tree->root->run[i].top.count;
    *rows = sum > 0 ? (uint64_t)sum : 0;
    return true;
}
