/* A Bloom filter over the keys, so that a key's absence costs one word instead of a descent.
 *
 * One 64-bit word a key, four bits in it, 16 bits of room a key or more: at most 2 % of the absent keys pass. A key
 * that a rollback takes out leaves its bits behind. When the filter is too small it is made anew from the keys; when
 * there is no memory for it, there is none, and every key may be here. Replay begins none: it is made when so many keys
 * were asked for that it pays off.
 *
 * A filter that remembers goes from memtable to memtable, in a transaction that spills: it holds the keys of all of
 * them, so that what it does not know is in none of the runs that they became either. It has a size for good; when it
 * is full, it is one of the present memtable's keys again. Without it 600,000 rows in random order in one transaction
 * take 1.24 to 1.35 times the processor time, with a spill limit of 8 MB (2026-11-26).
 */
#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/memtable/inside.h"

enum {
    FILTER_FIRST_WORDS = 32, /* 256 bytes; it doubles */
    FILTER_ASKED_PART = 4,   /* asked for one key in so many: it would have cost less with a filter */
    FILTER_KEYS_A_WORD = 4,
    FILTER_MOST_KEYS_A_WORD = 16 /* that remembers: one in six passes then */
};

static inline uint64_t word_bits(uint64_t hash) {
    return 1ull << (hash & 63) | 1ull << (hash >> 6 & 63) | 1ull << (hash >> 12 & 63) | 1ull << (hash >> 18 & 63);
}

static inline uint64_t *word_of(const struct art_memtable *memtable, uint64_t hash) {
    assert(memtable->filter_words && !(memtable->filter_words & (memtable->filter_words - 1)));
    return &memtable->filter[(hash >> 32) & (memtable->filter_words - 1)];
}

void art_memtable_filter_prefetch(const struct art_memtable *memtable, uint64_t hash) {
    if (memtable->filter) __builtin_prefetch(word_of(memtable, hash), 1);
}

void art_memtable_filter_clear(struct art_memtable *memtable) {
    art_free(memtable->filter);
    memtable->filter = NULL;
    memtable->filter_words = 0;
    memtable->remembers = false;
    memtable->passed = 0;
}

void art_memtable_filter_take(struct art_memtable *next, struct art_memtable *memtable) {
    assert(!next->keys && !next->filter && memtable->filter);
    next->filter = memtable->filter;
    next->filter_words = memtable->filter_words;
    memtable->filter = NULL;
    memtable->filter_words = 0;
    memset(next->filter, 0, next->filter_words * sizeof *next->filter);
}

/* All keys into a new filter. */
static void fill(struct art_memtable *memtable, uint64_t words) {
    assert(words && !(words & (words - 1)));
    art_memtable_filter_clear(memtable);
    memtable->filter = art_alloc_zeroed(words * sizeof *memtable->filter);
    if (!memtable->filter) return;
    memtable->filter_words = words;
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    enum art_rc rc = art_memtable_first(&cursor);
    while (!rc && cursor.valid) {
        uint64_t hash = art_hash64(cursor.key.data, cursor.key.len);
        *word_of(memtable, hash) |= word_bits(hash);
        rc = art_memtable_next(&cursor);
    }
    art_memtable_cursor_clear(&cursor);
    if (rc) art_memtable_filter_clear(memtable);
    assert(!memtable->remembers); /* of earlier memtables it knows nothing */
}

/* One that will do for three times as many more: each time all keys are walked through. */
static void rebuild(struct art_memtable *memtable) {
    assert(memtable->keys);
    uint64_t words = memtable->remembers || !memtable->filter ? FILTER_FIRST_WORDS : memtable->filter_words;
    while (words * FILTER_KEYS_A_WORD < 4 * memtable->keys) words *= 2;
    fill(memtable, words);
}

bool art_memtable_may_contain(struct art_memtable *memtable, uint64_t hash) {
    if (__builtin_expect(!memtable->filter, 0)) {
        if (++memtable->asked >= memtable->keys / FILTER_ASKED_PART) { /* so again, where there was no memory */
            memtable->asked = 0;
            if (memtable->keys) rebuild(memtable);
        }
        if (!memtable->filter) return memtable->keys > 0;
    }
    uint64_t bits = word_bits(hash);
    return (*word_of(memtable, hash) & bits) == bits;
}

/* The arena gives its memory away from the front to the back. */
bool art_memtable_came_in_order(const struct art_memtable *memtable) {
    enum { SAMPLE_KEYS = 1024 };
    struct art_memtable_cursor cursor;
    uint32_t seen = 0, behind = 0;
    uintptr_t last = 0;
    art_memtable_cursor_init(&cursor, memtable);
    enum art_rc rc = art_memtable_first(&cursor);
    for (; !rc && cursor.valid && seen < SAMPLE_KEYS; rc = art_memtable_next(&cursor)) {
        behind += (uintptr_t)cursor.leaf > last;
        last = (uintptr_t)cursor.leaf;
        seen++;
    }
    art_memtable_cursor_clear(&cursor);
    assert(behind <= seen);
    return behind * 8 >= seen * 7;
}

bool art_memtable_remember(struct art_memtable *memtable, size_t bytes) {
    uint64_t words = FILTER_FIRST_WORDS;
    while (2 * words * sizeof *memtable->filter <= bytes) words *= 2;
    if (words * FILTER_KEYS_A_WORD < memtable->keys) return false;
    fill(memtable, words);
    memtable->remembers = memtable->filter != NULL;
    art_memtable_assert(memtable);
    return memtable->remembers;
}

bool art_memtable_remembers(const struct art_memtable *memtable) {
    return memtable->remembers;
}

void art_memtable_pass_on(struct art_memtable *memtable, struct art_memtable *next) {
    assert(memtable->remembers && !next->keys && !next->filter);
    next->filter = memtable->filter;
    next->filter_words = memtable->filter_words;
    next->passed = memtable->passed + memtable->keys;
    next->remembers = true;
    memtable->filter = NULL;
    art_memtable_filter_clear(memtable);
    assert(next->filter && !memtable->filter && !memtable->remembers);
}

void art_memtable_filter_add(struct art_memtable *memtable, uint64_t hash) {
    assert(memtable->keys);
    bool begun = memtable->filter || memtable->keys == 1;
    uint64_t most = memtable->filter_words * (memtable->remembers ? FILTER_MOST_KEYS_A_WORD : FILTER_KEYS_A_WORD);
    if (begun && memtable->passed + memtable->keys <= most) {
        *word_of(memtable, hash) |= word_bits(hash);
    } else if (begun || (memtable->keys & (memtable->keys - 1)) == 0) { /* without one: try again now and then */
        rebuild(memtable);
    }
    assert(!memtable->filter || (*word_of(memtable, hash) & word_bits(hash)) == word_bits(hash));
}
