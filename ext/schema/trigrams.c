/* The features by which a text is searched: each three bytes of it that follow each other, ASCII letters in their small
 * form, mixed to 32 bits.
 *
 * LIKE and GLOB compare characters, and SQLite takes many bytes for the same one where a text is no sound UTF-8. Such a
 * text counts as having all trigrams.
 */
#include "ext/schema/schema.h"

enum { FOLDED_AT_ONCE = 256 };

/* Of each byte that is a capital letter of ASCII, the small one. */
static inline uint64_t fold_bytes(uint64_t x) {
    static const uint64_t ones = 0x0101010101010101;
    uint64_t low = x & ones * 0x7f, from_a = low + ones * (0x80 - 'A'), behind_z = low + ones * (0x7f - 'Z');
    return x | ((from_a & ~behind_z & ~x & ones * 0x80) >> 2);
}

/* Different trigrams stay different. */
static inline uint32_t mix(uint32_t x) {
    x *= 0x9e3779b1u;
    return x ^ x >> 15;
}

/* Where the character begins that ends before `from`, or behind. */
static uint32_t step_back(struct art_bytes text, uint32_t from) {
    enum { CHARACTER_MAX = 4 };
    uint32_t at = from, least = from > CHARACTER_MAX ? from - CHARACTER_MAX : 0;
    while (at > least && (text.data[--at] & 0xc0) == 0x80) continue;
    return at;
}

uint32_t art_trigrams(struct art_bytes text, uint32_t from, uint32_t *features) {
    uint8_t folded[FOLDED_AT_ONCE + 8];
    uint32_t at = from < ART_TRIGRAM ? 0 : from - (ART_TRIGRAM - 1), count = 0, sound = step_back(text, from);
    if (!art_text_is_sound(art_bytes(text.data + sound, text.len - sound))) return ART_CUT_ANY;
    while (at + ART_TRIGRAM <= text.len) {
        uint32_t n = art_min32(text.len - at, FOLDED_AT_ONCE), trigrams = n - (ART_TRIGRAM - 1);
        memcpy(folded, text.data + at, n);
        for (uint32_t i = 0; i < n; i += 8) art_store64(folded + i, fold_bytes(art_load64(folded + i)));
        for (uint32_t i = 0; i < trigrams; i++) features[count++] = mix(art_load32(folded + i) & 0xffffff);
        at += trigrams;
    }
    return count;
}
