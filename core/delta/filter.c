/* A Bloom filter over the keys, so that a key's absence costs one word instead of a descent.
 *
 * One 64-bit word a key, four bits in it, 16 bits of room a key or more: at most 2 % of the absent keys pass. A key that a
 * rollback takes out leaves its bits behind. When the filter is too small it is made anew from the keys; when there
 * is no memory for it, there is none, and every key may be here.
 */
#include <string.h>

#include "core/base/alloc.h"
#include "core/delta/inside.h"

enum { FILTER_FIRST_WORDS = 256, FILTER_KEYS_A_WORD = 4 };

static inline uint64_t word_bits(uint64_t hash) {
    return 1ull << (hash & 63) | 1ull << (hash >> 6 & 63) | 1ull << (hash >> 12 & 63) | 1ull << (hash >> 18 & 63);
}

static inline uint64_t *word_of(const struct art_delta *delta, uint64_t hash) {
    return &delta->filter[(hash >> 32) & (delta->filter_words - 1)];
}

bool art_delta_may_contain(const struct art_delta *delta, uint64_t hash) {
    if (!delta->filter) return delta->keys > 0;
    uint64_t bits = word_bits(hash);
    return (*word_of(delta, hash) & bits) == bits;
}

void art_delta_filter_clear(struct art_delta *delta) {
    art_free(delta->filter);
    delta->filter = NULL;
    delta->filter_words = 0;
}

void art_delta_filter_take(struct art_delta *next, struct art_delta *delta) {
    next->filter = delta->filter;
    next->filter_words = delta->filter_words;
    delta->filter = NULL;
    delta->filter_words = 0;
    memset(next->filter, 0, next->filter_words * sizeof *next->filter);
}

/* All keys into a filter that will do for three times as many more: each time all are walked through. */
static void rebuild(struct art_delta *delta) {
    uint64_t words = delta->filter_words ? delta->filter_words : FILTER_FIRST_WORDS;
    while (words * FILTER_KEYS_A_WORD < 4 * delta->keys) words *= 2;
    art_delta_filter_clear(delta);
    delta->filter = art_alloc_zeroed(words * sizeof *delta->filter);
    if (!delta->filter) return;
    delta->filter_words = words;
    struct art_delta_cursor cursor;
    art_delta_cursor_init(&cursor, delta);
    int rc = art_delta_first(&cursor);
    while (!rc && cursor.valid) {
        uint64_t hash = art_hash64(cursor.key.data, cursor.key.len);
        *word_of(delta, hash) |= word_bits(hash);
        rc = art_delta_next(&cursor);
    }
    art_delta_cursor_clear(&cursor);
    if (rc) art_delta_filter_clear(delta);
}

void art_delta_filter_add(struct art_delta *delta, struct art_bytes key) {
    bool begun = delta->filter || delta->keys == 1;
    if (begun && delta->keys <= delta->filter_words * FILTER_KEYS_A_WORD) {
        uint64_t hash = art_hash64(key.data, key.len);
        *word_of(delta, hash) |= word_bits(hash);
    } else if (begun || (delta->keys & (delta->keys - 1)) == 0) { /* without one: try again now and then */
        rebuild(delta);
    }
}
