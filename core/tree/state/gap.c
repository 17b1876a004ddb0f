/* Gaps: keys between which entries lie and no row, because all are deleted. The tree remembers those that its cursors
 * have come through, so that the next one need not.
 *
 *     run 0   . . - - - - - - - - . .       -  a delete
 *     run 1   . a b c d e f g h i j .
 *                   |<--------->|
 *                  low         high         no row in [low, high)
 *
 * A queue has one at its head, a table of sessions where they expire, a log of many tenants one for each of them.
 * Compaction takes the entries away at some time. What is remembered is bounded in number and in bytes. A new gap
 * replaces one by its place in turn and not the oldest: else a walk over more gaps than fit would never meet one again.
 *
 * The gaps hold as long as the tree's change counter is the one that they were found with. A change that surely leaves
 * them without rows takes them along: a delete, a flush, a commit, and a row that comes, since that ends the one gap in
 * which it comes (art_tree_changed()).
 */
#include "core/base/limits.h"
#include "core/tree/state/state.h"

static struct art_bytes gap_low(const struct art_gap *gap) {
    return art_bytes(gap->bytes, gap->low_len);
}

static struct art_bytes gap_high(const struct art_gap *gap) {
    return art_bytes(gap->bytes + gap->low_len, gap->high_len);
}

static size_t gap_bytes_of(uint32_t low, uint32_t high) {
    return (size_t)low + high + ART_KEY_PADDING;
}

static void forget(struct art_gaps *gaps, unsigned from, unsigned to) {
    assert(from <= to && to <= gaps->count);
    for (unsigned i = from; i < to; i++) {
        assert(gaps->bytes >= gap_bytes_of(gaps->gap[i].low_len, gaps->gap[i].high_len));
        gaps->bytes -= gap_bytes_of(gaps->gap[i].low_len, gaps->gap[i].high_len);
        art_free(gaps->gap[i].bytes);
    }
    memmove(gaps->gap + from, gaps->gap + to, (gaps->count - to) * sizeof *gaps->gap);
    gaps->count -= to - from;
}

void art_gaps_clear(struct art_gaps *gaps) {
    if (gaps->count) forget(gaps, 0, gaps->count);
    assert(!gaps->count && !gaps->bytes);
    art_free(gaps->gap);
    art_free(gaps->scratch);
    *gaps = (struct art_gaps){0};
}

/* The first gap that ends behind `key`, or with `touching`, no sooner than there. */
static unsigned first_behind(const struct art_gaps *gaps, struct art_bytes key, bool touching) {
    unsigned low = 0, high = gaps->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int c = art_bytes_compare(gap_high(&gaps->gap[middle]), key);
        if (c > 0 || (touching && c == 0))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

bool art_gap_find(const struct art_tree *tree, struct art_bytes key, bool below, struct art_bytes *low,
                  struct art_bytes *high) {
    const struct art_gaps *gaps = &tree->gaps;
    if (!gaps->count || gaps->stamp != tree->changes) return false;
    unsigned at = first_behind(gaps, key, below);
    if (at == gaps->count) return false;
    int c = art_bytes_compare(gap_low(&gaps->gap[at]), key);
    assert(art_bytes_compare(gap_low(&gaps->gap[at]), gap_high(&gaps->gap[at])) < 0);
    if (below ? c >= 0 : c > 0) return false;
    *low = gap_low(&gaps->gap[at]);
    *high = gap_high(&gaps->gap[at]);
    return true;
}

void art_gap_end(struct art_tree *tree, struct art_bytes key) {
    struct art_bytes low, high;
    if (art_gap_find(tree, key, false, &low, &high)) {
        unsigned at = first_behind(&tree->gaps, key, false);
        assert(at < tree->gaps.count);
        forget(&tree->gaps, at, at + 1);
    }
}

static void make_gap_memory(struct art_gaps *gaps, size_t bytes) {
    assert(bytes <= ART_LIMIT(gap_bytes));
    while (gaps->count && (gaps->count == ART_LIMIT(gaps) || gaps->bytes + bytes > ART_LIMIT(gap_bytes))) {
        unsigned at = gaps->turn++ % gaps->count;
        forget(gaps, at, at + 1);
    }
}

/* With those that it overlaps or touches it becomes one. */
void art_gap_learn(struct art_tree *tree, struct art_bytes low, struct art_bytes high) {
    struct art_gaps *gaps = &tree->gaps;
    if (art_bytes_compare(low, high) >= 0) return;
    if (!gaps->gap && !(gaps->gap = art_alloc(ART_LIMIT(gaps) * sizeof *gaps->gap))) return;
    if (gaps->stamp != tree->changes) forget(gaps, 0, gaps->count);
    gaps->stamp = tree->changes;
    unsigned from = first_behind(gaps, low, true), to = from;
    while (to < gaps->count && art_bytes_compare(gap_low(&gaps->gap[to]), high) <= 0) to++;
    if (from < to) {
        struct art_bytes first = gap_low(&gaps->gap[from]), last = gap_high(&gaps->gap[to - 1]);
        if (art_bytes_compare(first, low) < 0) low = first;
        if (art_bytes_compare(last, high) > 0) high = last;
    }
    struct art_gap gap = {.low_len = low.len, .high_len = high.len};
    size_t bytes = gap_bytes_of(low.len, high.len);
    gap.bytes = bytes <= ART_LIMIT(gap_bytes) ? art_alloc(bytes) : NULL;
    if (!gap.bytes) return;
    memcpy(gap.bytes, low.data, low.len);
    memcpy(gap.bytes + low.len, high.data, high.len);
    memset(gap.bytes + low.len + high.len, 0, ART_KEY_PADDING);
    forget(gaps, from, to);
    make_gap_memory(gaps, bytes);
    unsigned at = first_behind(gaps, gap_low(&gap), false);
    assert(at == gaps->count || art_bytes_compare(gap_high(&gap), gap_low(&gaps->gap[at])) < 0);
    memmove(gaps->gap + at + 1, gaps->gap + at, (gaps->count - at) * sizeof *gaps->gap);
    gaps->gap[at] = gap;
    gaps->count++;
    assert(gaps->count <= ART_LIMIT(gaps) && gaps->bytes + bytes <= ART_LIMIT(gap_bytes));
    gaps->bytes += bytes;
}
