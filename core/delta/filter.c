/* A Bloom filter over the keys, so that a key's absence costs one word instead of a descent.
 *
 * One 64-bit word a key, four bits in it, 16 bits of room a key or more: at most 2 % of the absent keys pass. A key that a
 * rollback takes out leaves its bits behind. When the filter is too small it is made anew from the keys; when there
 * is no memory for it, there is none, and every key may be here.
 *
 * A filter that remembers goes from delta to delta, in a transaction that spills: it holds the keys of all of them, so that
 * what it does not know is in none of the runs that they became either. It has a size for good; when it is full, it is one of
 * the present delta's keys again.
 */
#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/delta/inside.h"

enum {
    FILTER_FIRST_WORDS = 256,
    FILTER_KEYS_A_WORD = 4,
    FILTER_MOST_KEYS_A_WORD = 16 /* that remembers: one in six passes then */
};

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

void art_delta_filter_prefetch(const struct art_delta *delta, uint64_t hash) {
    if (delta->filter) __builtin_prefetch(word_of(delta, hash), 1);
}

void art_delta_filter_clear(struct art_delta *delta) {
    art_free(delta->filter);
    delta->filter = NULL;
    delta->filter_words = 0;
    delta->remembers = false;
    delta->passed = 0;
}

void art_delta_filter_take(struct art_delta *next, struct art_delta *delta) {
    next->filter = delta->filter;
    next->filter_words = delta->filter_words;
    delta->filter = NULL;
    delta->filter_words = 0;
    memset(next->filter, 0, next->filter_words * sizeof *next->filter);
}

/* All keys into a new filter. */
static void fill(struct art_delta *delta, uint64_t words) {
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

/* One that will do for three times as many more: each time all keys are walked through. */
static void rebuild(struct art_delta *delta) {
    uint64_t words = delta->remembers || !delta->filter ? FILTER_FIRST_WORDS : delta->filter_words;
    while (words * FILTER_KEYS_A_WORD < 4 * delta->keys) words *= 2;
    fill(delta, words);
}

/* The arena gives its memory away from the front to the back. */
bool art_delta_came_in_order(const struct art_delta *delta) {
    enum { SAMPLE = 1024 };
    struct art_delta_cursor cursor;
    uint32_t seen = 0, behind = 0;
    uintptr_t last = 0;
    art_delta_cursor_init(&cursor, delta);
    int rc = art_delta_first(&cursor);
    for (; !rc && cursor.valid && seen < SAMPLE; rc = art_delta_next(&cursor)) {
        behind += (uintptr_t)cursor.leaf > last;
        last = (uintptr_t)cursor.leaf;
        seen++;
    }
    art_delta_cursor_clear(&cursor);
    return behind * 8 >= seen * 7;
}

bool art_delta_remember(struct art_delta *delta, size_t bytes) {
    uint64_t words = FILTER_FIRST_WORDS;
    while (2 * words * sizeof *delta->filter <= bytes) words *= 2;
    if (words * FILTER_KEYS_A_WORD < delta->keys) return false;
    fill(delta, words);
    delta->remembers = delta->filter != NULL;
    return delta->remembers;
}

bool art_delta_remembers(const struct art_delta *delta) {
    return delta->remembers;
}

void art_delta_pass_on(struct art_delta *delta, struct art_delta *next) {
    assert(delta->remembers && !next->keys && !next->filter);
    next->filter = delta->filter;
    next->filter_words = delta->filter_words;
    next->passed = delta->passed + delta->keys;
    next->remembers = true;
    delta->filter = NULL;
    art_delta_filter_clear(delta);
}

void art_delta_filter_add(struct art_delta *delta, uint64_t hash) {
    bool begun = delta->filter || delta->keys == 1;
    uint64_t most = delta->filter_words * (delta->remembers ? FILTER_MOST_KEYS_A_WORD : FILTER_KEYS_A_WORD);
    if (begun && delta->passed + delta->keys <= most) {
        *word_of(delta, hash) |= word_bits(hash);
    } else if (begun || (delta->keys & (delta->keys - 1)) == 0) { /* without one: try again now and then */
        rebuild(delta);
    }
}
