/* A gap: keys between which entries lie and no row, because all are deleted. The tree remembers the last one that a
 * cursor has come through, so that the next one need not.
 *
 *     run 0   . . - - - - - - - - . .       -  a delete
 *     run 1   . a b c d e f g h i j .
 *                   |<--------->|
 *                  low         high         no row in [low, high)
 *
 * A queue has one at its head, a table of sessions where they expire. Compaction takes its entries away at some time.
 *
 * What is remembered holds as long as the tree's change counter is the one that it was found with. A change that surely
 * leaves the gap without rows takes it along: a delete, a row elsewhere, a flush, a commit (art_tree_changed()).
 */
#include "core/tree/state/state.h"

void art_gap_clear(struct art_gap *gap) {
    art_free(gap->room);
    *gap = (struct art_gap){0};
}

bool art_gap_has(const struct art_tree *tree, struct art_bytes key) {
    const struct art_gap *gap = &tree->gap;
    return gap->high.len && gap->stamp == tree->changes && art_bytes_compare(gap->low, key) <= 0 &&
           art_bytes_compare(key, gap->high) < 0;
}

enum art_rc art_gap_enter(struct art_tree *tree, struct art_bytes key) {
    struct art_gap *gap = &tree->gap;
    if (!gap->room) {
        gap->room = art_alloc((size_t)4 * ART_KEY_BUFFER);
        if (!gap->room) return art_nomem();
        gap->scratch = gap->room + (size_t)3 * ART_KEY_BUFFER;
    }
    gap->within = art_gap_has(tree, key);
    gap->edge = art_bound_key(gap->room, key, false);
    return ART_OK;
}

/* The walk may end within the remembered gap: that does not become smaller. */
void art_gap_leave(struct art_tree *tree, struct art_bytes end, bool backward) {
    struct art_gap *gap = &tree->gap;
    uint8_t *low = gap->room + ART_KEY_BUFFER, *high = low + ART_KEY_BUFFER;
    if (backward) {
        if (!gap->within || art_bytes_compare(end, gap->low) < 0) gap->low = art_bound_key(low, end, true);
        if (!gap->within) gap->high = art_bound_key(high, gap->edge, true);
    } else {
        if (!gap->within || art_bytes_compare(end, gap->high) > 0) gap->high = art_bound_key(high, end, false);
        if (!gap->within) gap->low = art_bound_key(low, gap->edge, false);
    }
    gap->stamp = tree->changes;
}
