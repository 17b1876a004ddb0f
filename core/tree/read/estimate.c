/* How many rows a range has, more or less, from what is in memory, for a planner that asks before anything is read.
 *
 * The memtable's sums are exact. A run's are followed from its reference in the root as far down as this connection has
 * blobs at hand: after the first few queries that is the index and the leaves in use, whose nodes tell a place to a
 * bucket. Where even the top is not at hand, each bound that is given is taken to leave a part of the run; so it is of
 * a leaf whose nodes nobody has asked for.
 */
#include "core/tree/read/read.h"

enum { PART_OF_A_BOUND = 4 }; /* as SQLite does without statistics */

/* The weights of a run before `key`. False: nothing is at hand to tell. *within: those of the leaf in which it lies
 * wherever, or 0. */
static bool guess_rank(const struct art_tree *tree, const struct art_run *run, struct art_bytes key, int64_t *out,
                       int64_t *within, bool *exact) {
    struct art_ref ref = run->top;
    uint64_t sum = 0;
    *within = 0;
    for (unsigned depth = 0; depth < ART_HEIGHTS_MAX; depth++) {
        int side = art_label_compare(ref.label, key);
        if (side) { /* beside all that is below */
            *out = (int64_t)(sum + (side > 0 ? (uint64_t)ref.count : 0));
            return true;
        }
        const struct art_blob *blob = art_store_peek(tree->store, &ref);
        int64_t before = 0;
        enum art_estimate estimate = blob ? art_blob_estimate(blob, key, &before, &ref) : ART_ESTIMATE_NONE;
        if (estimate == ART_ESTIMATE_NONE) {
            *exact = false;
            *within = blob ? ref.count : 0;
            *out = (int64_t)(sum + (uint64_t)(ref.count / 2));
            return depth > 0;
        }
        sum += (uint64_t)before;
        if (estimate == ART_ESTIMATE_CHILD) continue;
        *exact &= estimate == ART_ESTIMATE_EXACT;
        *out = (int64_t)sum;
        return true;
    }
    return false;
}

static int64_t guess_run(const struct art_tree *tree, const struct art_run *run, const struct art_range *range,
                         struct art_bytes low, struct art_bytes high, bool *exact) {
    assert(low.len && high.len);
    int64_t before, until, low_within, high_within, rows = run->top.count;
    if (!range->low_set && !range->high_set) return rows;
    if (guess_rank(tree, run, low, &before, &low_within, exact) &&
        guess_rank(tree, run, high, &until, &high_within, exact)) {
        bool somewhere = before == until && low_within && high_within; /* in one leaf */
        return somewhere ? low_within / PART_OF_A_BOUND : (int64_t)((uint64_t)until - (uint64_t)before);
    }
    *exact = false;
    if (range->low_set) rows /= PART_OF_A_BOUND;
    if (range->high_set) rows /= PART_OF_A_BOUND;
    return rows;
}

bool art_tree_estimate(struct art_tree *tree, const struct art_range *range, uint64_t *rows) {
    static const struct art_range all;
    if (art_tree_unknown(tree) || art_store_forked(tree->store) || art_tree_take_key_buffers(tree)) return false;
    if (!range) range = &all;
    struct art_bytes low = art_range_low(tree->key, range), high = art_range_high(tree->second_key, range);
    bool exact = true;
    *rows = 0;
    if (art_bytes_compare(low, high) >= 0) return true;
    uint64_t sum = (uint64_t)art_memtable_rank(tree->memtable, high) - (uint64_t)art_memtable_rank(tree->memtable, low);
    for (unsigned i = 0; i < tree->root->runs; i++) {
        sum += (uint64_t)guess_run(tree, &tree->root->run[i], range, low, high, &exact);
    }
    *rows = (int64_t)sum > 0 ? sum : !exact; /* what is not known to be empty has a row */
    return true;
}
