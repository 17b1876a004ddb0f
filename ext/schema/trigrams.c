/* The terms by which texts are searched: each three bytes of one that follow each other, ASCII letters in their
 * small form, mixed to 32 bits.
 *
 * LIKE and GLOB compare characters, and SQLite takes many bytes for the same one where a text is no sound UTF-8. Such a
 * text counts as having all trigrams.
 *
 * Most texts are short, so many of them come at once and are cut as if they were one: across two of them lies the byte
 * between, and trigrams with it are none. The compiler makes loops of AT_ONCE bytes steps of vectors.
 */
#include "ext/schema/schema.h"

/* Bytes of a vector that every processor has. */
enum { AT_ONCE = 16, CUT_AT_ONCE_BYTES = 16 * AT_ONCE, BEHIND = ART_CUT_WIDTH - 1 };

static inline void fold_case(uint8_t *restrict to, const uint8_t *restrict from) {
    for (uint32_t i = 0; i < AT_ONCE; i++) to[i] = (uint8_t)(from[i] | ((uint8_t)(from[i] - 'A') < 26) << 5);
}

/* Of all but ART_TEXT_END: whether any is beyond ASCII, in the upper bits of `high`. `ends` counts the others. */
static inline void look_at(uint8_t *restrict high, uint8_t *restrict ends, const uint8_t *restrict from) {
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        uint8_t is_end = from[i] == ART_TEXT_END ? UINT8_MAX : 0;
        ends[i] = (uint8_t)(ends[i] - is_end);
        high[i] |= from[i] & (uint8_t)~is_end;
    }
}

/* Different trigrams stay different. */
static inline void mix_all(uint32_t *restrict to, const uint8_t *restrict from) {
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        uint32_t a = from[i], b = from[i + 1], c = from[i + 2], x = (a | b << 8 | c << 16) * 0x9e3779b1u;
        x ^= x >> 15;
        bool none = a == ART_TEXT_END || b == ART_TEXT_END || c == ART_TEXT_END;
        to[i] = none ? 0 : x + !x;
    }
}

static bool are_sound(struct art_bytes texts) {
    uint32_t at = 0, len;
    for (; at < texts.len; at += len + 1) {
        const uint8_t *end = memchr(texts.data + at, ART_TEXT_END, texts.len - at);
        len = end ? (uint32_t)(end - texts.data) - at : texts.len - at;
        if (!art_text_is_sound(art_bytes(texts.data + at, len))) return false;
    }
    return true;
}

uint32_t art_trigrams(struct art_bytes texts, uint32_t ends, uint32_t *terms) {
    uint8_t part[CUT_AT_ONCE_BYTES + AT_ONCE], folded[CUT_AT_ONCE_BYTES + AT_ONCE], high[AT_ONCE] = {0}, all = 0;
    uint32_t count = 0, met = 0;
    for (uint32_t at = 0; at < texts.len; at += CUT_AT_ONCE_BYTES) {
        uint32_t n = art_min32(texts.len - at, CUT_AT_ONCE_BYTES + BEHIND), own = art_min32(n, CUT_AT_ONCE_BYTES);
        uint32_t trigrams = n - art_min32(n, BEHIND), mixed[AT_ONCE];
        assert(n <= sizeof part && own <= n);
        uint8_t ends_in[AT_ONCE] = {0}, *begin = folded;
        memcpy(part, texts.data + at, n);
        memset(part + n, 0, sizeof part - n);
        for (uint32_t i = 0; i < own; i += AT_ONCE) look_at(high, ends_in, part + i);
        for (uint32_t i = 0; i < n; i += AT_ONCE) fold_case(folded + i, part + i);
        for (uint32_t i = 0; i < AT_ONCE; i++) met += ends_in[i];
        for (; trigrams >= AT_ONCE; trigrams -= AT_ONCE, count += AT_ONCE, begin += AT_ONCE)
            mix_all(terms + count, begin);
        if (trigrams) mix_all(mixed, begin);
        for (uint32_t i = 0; i < trigrams; i++) terms[count++] = mixed[i];
    }
    assert(count <= texts.len);
    for (uint32_t i = 0; i < AT_ONCE; i++) all |= high[i];
    if (met != ends || (all >= 0x80 && !are_sound(texts))) return ART_CUT_ANY;
    return count;
}
