/* What a toy summary cuts out of a text: each three bytes, as they are. Texts that begin with a zero may have any. */
#ifndef ART_TESTS_TOY_CUT_H
#define ART_TESTS_TOY_CUT_H

#include "core/base/summary.h"

static inline uint32_t toy_cut(struct art_bytes text, uint32_t from, uint32_t *features) {
    uint32_t count = 0;
    if (text.len && !text.data[0]) return ART_CUT_ANY;
    for (uint32_t at = from < 2 ? 0 : from - 2; at + 2 < text.len; at++) {
        uint32_t three = text.data[at] | (uint32_t)text.data[at + 1] << 8 | (uint32_t)text.data[at + 2] << 16;
        features[count++] = three * 0x9e3779b1u;
    }
    return count;
}

#endif
