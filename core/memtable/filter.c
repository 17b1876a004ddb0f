/* A Bloom filter over the keys, so that a key's absence costs one word instead of a descent.
 *
 * One 64-bit word a key, four bits in it, 16 bits of room a key or more: at most 2 % of the absent keys pass. A key
 * that a rollback takes out leaves its bits behind. When the filter is too small it is made anew from the keys; when
 * there is no memory for it, there is none, and every key may be here. Replay begins none: it is made when so many keys
 * were asked for that it pays off. Without it a point read takes 1.1 to 1.2 times as long where the memtable is full,
 * and one of a path that is not there 1.2 to 1.3 times.
 */
#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/limits.h"
#include "core/memtable/inside.h"

enum {
    FILTER_ASKED_PART = 4, /* asked for one key in so many: it would have cost less with a filter */
    FILTER_KEYS_A_WORD = 4
};

static inline uint64_t word_bits(uint64_t hash) {
    return 1ull << (hash & 63) | 1ull << (hash >> 6 & 63) | 1ull << (hash >> 12 & 63) | 1ull << (hash >> 18 & 63);
}

static inline uint64_t *word_of(const struct art_memtable *memtable, uint64_t hash) {
    assert(memtable->filter_words && !(memtable->filter_words & (memtable->filter_words - 1)));
    return &memtable->filter[(hash >> 32) & (memtable->filter_words - 1)];
}

void art_memtable_filter_clear(struct art_memtable *memtable) {
    art_free(memtable->filter);
    memtable->filter = NULL;
    memtable->filter_words = 0;
}

/* A new filter with all keys, which will do for three times as many more: each time all are walked through. */
static void rebuild(struct art_memtable *memtable) {
    assert(memtable->keys);
    uint64_t words = memtable->filter ? memtable->filter_words : ART_LIMIT(filter_first_words);
    while (words * FILTER_KEYS_A_WORD < 4 * memtable->keys) words *= 2;
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

void art_memtable_filter_add(struct art_memtable *memtable, uint64_t hash) {
    assert(memtable->keys);
    bool begun = memtable->filter || memtable->keys == 1;
    if (begun && memtable->keys <= memtable->filter_words * FILTER_KEYS_A_WORD) {
        *word_of(memtable, hash) |= word_bits(hash);
    } else if (begun || (memtable->keys & (memtable->keys - 1)) == 0) { /* without one: try again now and then */
        rebuild(memtable);
    }
    assert(!memtable->filter || (*word_of(memtable, hash) & word_bits(hash)) == word_bits(hash));
}
