/* The features by which a text is searched: each three bytes of it that follow each other, ASCII letters in their small
 * form, mixed to 32 bits.
 *
 * LIKE and GLOB compare characters, and SQLite takes many bytes for the same one where a text is no sound UTF-8. Such a
 * text counts as having all trigrams.
 */
#include "ext/schema/schema.h"

/* As in MurmurHash3's finalizer: different trigrams stay different. */
static inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ x >> 16;
}

uint32_t art_trigrams(struct art_bytes text, uint32_t from, uint32_t *features) {
    enum { BYTES = 3 };
    if (!art_text_is_sound(text)) return ART_CUT_ANY;
    uint32_t begin = from < BYTES ? 0 : from - (BYTES - 1), count = 0;
    for (uint32_t at = begin; at + BYTES <= text.len; at++) {
        const uint8_t *p = text.data + at;
        features[count++] = mix(art_lower(p[0]) | (uint32_t)art_lower(p[1]) << 8 | (uint32_t)art_lower(p[2]) << 16);
    }
    return count;
}
