/* A set of slot numbers as a bit map that grows with its largest member. */
#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/store/store.h"

enum { WORD = 64 }; /* bits */

static uint64_t bit(uint32_t slot) {
    return (uint64_t)1 << (slot % WORD);
}

void art_slot_set_clear(struct art_slot_set *set) {
    art_free(set->words);
    *set = (struct art_slot_set){NULL, 0};
}

/* Doubles, so that a million slots added one by one are copied a few times only. */
static enum art_rc grow_set(struct art_slot_set *set, uint32_t slot) {
    assert(slot >= set->capacity);
    uint64_t wanted = (uint64_t)set->capacity * 2;
    if (wanted <= slot) wanted = (uint64_t)slot + 1;
    wanted = (wanted + WORD - 1) / WORD * WORD;
    if (wanted > ART_SLOTS_MAX) wanted = ART_SLOTS_MAX;
    if (slot >= wanted) return art_fail(ART_TOOBIG, "art: slot %u is past the largest one that a file can have", slot);
    uint64_t *words = art_resize(set->words, wanted / WORD * sizeof *words);
    if (!words) return art_nomem();
    memset(words + set->capacity / WORD, 0, (wanted - set->capacity) / WORD * sizeof *words);
    set->words = words;
    set->capacity = (uint32_t)wanted;
    return ART_OK;
}

enum art_rc art_slot_set_add(struct art_slot_set *set, uint32_t slot) {
    if (slot >= set->capacity) {
        enum art_rc rc = grow_set(set, slot);
        if (rc) return rc;
    }
    set->words[slot / WORD] |= bit(slot);
    return ART_OK;
}

void art_slot_set_remove(struct art_slot_set *set, uint32_t slot) {
    if (slot < set->capacity) set->words[slot / WORD] &= ~bit(slot);
}

bool art_slot_set_has(const struct art_slot_set *set, uint32_t slot) {
    return slot < set->capacity && set->words[slot / WORD] & bit(slot);
}

uint32_t art_slot_set_next(const struct art_slot_set *set, uint32_t from) {
    assert(set->capacity % WORD == 0 && !set->capacity == !set->words);
    if (from >= set->capacity) return UINT32_MAX;
    uint32_t word = from / WORD, words = set->capacity / WORD;
    uint64_t rest = set->words[word] & ~(bit(from) - 1);
    while (!rest && ++word < words) rest = set->words[word];
    return rest ? word * WORD + (uint32_t)__builtin_ctzll(rest) : UINT32_MAX;
}

/* The bits of a word that stand for slots in [from, end), counted from the word's first. */
static uint64_t span(uint64_t from, uint64_t end) {
    uint64_t before = end >= WORD ? ~(uint64_t)0 : ((uint64_t)1 << end) - 1;
    return from >= WORD ? 0 : before & ~(((uint64_t)1 << from) - 1);
}

uint32_t art_slot_set_count(const struct art_slot_set *set, uint32_t from, uint32_t end) {
    uint32_t count = 0;
    if (end > set->capacity) end = set->capacity;
    assert(!end || set->words);
    for (uint32_t first = from / WORD * WORD; first < end; first += WORD) {
        uint64_t mask = span(from > first ? from - first : 0, end - first);
        count += (uint32_t)__builtin_popcountll(set->words[first / WORD] & mask);
    }
    return count;
}

uint32_t art_slot_set_count_others(const struct art_slot_set *set, const struct art_slot_set *other, uint32_t from) {
    uint32_t count = 0;
    for (uint32_t first = from / WORD * WORD; first < set->capacity; first += WORD) {
        uint64_t theirs = first < other->capacity ? other->words[first / WORD] : 0;
        uint64_t mask = span(from > first ? from - first : 0, WORD) & ~theirs;
        count += (uint32_t)__builtin_popcountll(set->words[first / WORD] & mask);
    }
    return count;
}

uint32_t art_slot_set_highest(const struct art_slot_set *set) {
    uint32_t word = set->capacity / WORD;
    while (word && !set->words[word - 1]) word--;
    return word ? word * WORD - 1 - (uint32_t)__builtin_clzll(set->words[word - 1]) : 0;
}
