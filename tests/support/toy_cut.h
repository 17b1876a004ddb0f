/* What a toy summary cuts out of a text: each three bytes, as they are. Texts with an ART_TEXT_END of their own may
 * have any. */
#ifndef ART_TESTS_TOY_CUT_H
#define ART_TESTS_TOY_CUT_H

#include "core/base/summary.h"

static inline uint32_t toy_cut(struct art_bytes texts, uint32_t ends, uint32_t *terms) {
    uint32_t count = 0, met = 0;
    for (uint32_t at = 0; at < texts.len; at++) met += texts.data[at] == ART_TEXT_END;
    if (met != ends) return ART_CUT_ANY;
    for (uint32_t at = 0; at + 2 < texts.len; at++) {
        uint32_t a = texts.data[at], b = texts.data[at + 1], c = texts.data[at + 2];
        bool none = a == ART_TEXT_END || b == ART_TEXT_END || c == ART_TEXT_END;
        terms[count++] = none ? 0 : (a | b << 8 | c << 16 | 1u << 24) * 0x9e3779b1u;
    }
    return count;
}

#endif
