/* Codes of texts: 64 bits that sort as the texts do, as far as they tell them apart.
 *
 * An arithmetic code with a fixed model. A range is divided among what may come next, in the order of bytes: the end of
 * the text, each byte, with the most room for those that are expected. The text's code is where the range that is left
 * begins. Of the first bytes a date is expected, as ISO 8601 writes it; behind the first other byte, printable ASCII.
 *
 *     2025-11-27 21:30:38      47 bits: all seconds have codes of their own
 *     2025-11-27T21:30:38.123  58 bits: so do all milliseconds
 *     usr/share/doc            texts are told apart by some 8 bytes; other bytes than ASCII count for nearly two
 *
 * So zones bound texts as they bound integers (summary.h). */
#ifndef ART_BASE_TEXT_CODE_H
#define ART_BASE_TEXT_CODE_H

#include <stdbool.h>

#include "core/base/bytes.h"

/* Never larger than that of a text behind it in the order of bytes. Of an empty text INT64_MIN. It is stored: it never
 * changes. */
int64_t art_text_code(struct art_bytes text);

enum { ART_TEXT_CODED = 24 }; /* further bytes change no code */

/* Might SQLite read the text as a number? Also true of some that it does not. */
bool art_text_looks_like_number(struct art_bytes text);
static inline bool art_text_may_be_number(struct art_bytes text) {
    if (!text.len || text.data[0] > '9') return false;
    bool date = text.len > 4 && text.data[4] == '-' && (uint8_t)(text.data[3] - '0') < 10;
    return !date && art_text_looks_like_number(text);
}

/* The upper bits of a code, of which 0 are unknown, and the least and the largest code with such bits. */
enum { ART_TEXT_CODE_BITS = 31 };
static inline uint64_t art_text_code_top(int64_t code) {
    return ((uint64_t)code ^ (uint64_t)1 << 63) >> (64 - ART_TEXT_CODE_BITS);
}
static inline int64_t art_text_code_least(uint64_t top) {
    return (int64_t)(top << (64 - ART_TEXT_CODE_BITS) ^ (uint64_t)1 << 63);
}
static inline int64_t art_text_code_largest(uint64_t top) {
    return (int64_t)((uint64_t)art_text_code_least(top) | (((uint64_t)1 << (64 - ART_TEXT_CODE_BITS)) - 1));
}

#endif
