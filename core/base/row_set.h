/* A set of a block's rows (codec.h). */
#ifndef ART_BASE_ROW_SET_H
#define ART_BASE_ROW_SET_H

#include <assert.h>
#include <stdbool.h>

#include "core/base/codec.h"

struct art_row_set {
    uint64_t word[ART_BLOCK_ROWS_MAX / 64];
};
_Static_assert(ART_BLOCK_ROWS_MAX == 128, "two words");

/* The rows before `row`, which may be ART_BLOCK_ROWS_MAX. */
static inline struct art_row_set art_row_set_below(uint32_t row) {
    assert(row <= ART_BLOCK_ROWS_MAX);
    uint64_t part = ((uint64_t)1 << (row & 63)) - 1;
    if (row < 64) return (struct art_row_set){{part, 0}};
    return (struct art_row_set){{UINT64_MAX, row == ART_BLOCK_ROWS_MAX ? UINT64_MAX : part}};
}

static inline bool art_row_set_has(const struct art_row_set *set, uint32_t row) {
    return set->word[row >> 6] >> (row & 63) & 1;
}

static inline void art_row_set_add(struct art_row_set *set, uint32_t row) {
    set->word[row >> 6] |= (uint64_t)1 << (row & 63);
}

static inline void art_row_set_remove(struct art_row_set *set, uint32_t row) {
    set->word[row >> 6] &= ~((uint64_t)1 << (row & 63));
}

/* Those of `part` that are in `with`, and no others of these. */
static inline void art_row_set_replace(struct art_row_set *set, const struct art_row_set *part,
                                       const struct art_row_set *with) {
    for (unsigned i = 0; i < 2; i++) set->word[i] = (set->word[i] & ~part->word[i]) | with->word[i];
}

static inline bool art_row_set_any(const struct art_row_set *set) {
    return set->word[0] | set->word[1];
}

static inline uint32_t art_row_set_count(const struct art_row_set *set) {
    return (uint32_t)(__builtin_popcountll(set->word[0]) + __builtin_popcountll(set->word[1]));
}

/* Of the rows before `row`, which is below ART_BLOCK_ROWS_MAX. */
static inline uint32_t art_row_set_rank(const struct art_row_set *set, uint32_t row) {
    uint64_t below = ((uint64_t)1 << (row & 63)) - 1;
    if (row < 64) return (uint32_t)__builtin_popcountll(set->word[0] & below);
    return (uint32_t)(__builtin_popcountll(set->word[0]) + __builtin_popcountll(set->word[1] & below));
}

/* The first of them from `row` on, and the end of the last one before `row`, which may both be ART_BLOCK_ROWS_MAX;
 * ART_BLOCK_ROWS_MAX, and 0: there is none. */
static inline uint32_t art_row_set_from(const struct art_row_set *set, uint32_t row) {
    if (row < 64) {
        uint64_t first = set->word[0] & UINT64_MAX << row;
        if (first) return (uint32_t)__builtin_ctzll(first);
        row = 64;
    }
    uint64_t second = row < 128 ? set->word[1] & UINT64_MAX << (row & 63) : 0;
    return second ? 64 + (uint32_t)__builtin_ctzll(second) : ART_BLOCK_ROWS_MAX;
}

static inline uint32_t art_row_set_before(const struct art_row_set *set, uint32_t row) {
    struct art_row_set below = art_row_set_below(row);
    uint64_t first = set->word[0] & below.word[0], second = set->word[1] & below.word[1];
    if (second) return 128 - (uint32_t)__builtin_clzll(second);
    return first ? 64 - (uint32_t)__builtin_clzll(first) : 0;
}

#endif
