/* Values that sort as bytes (ordered.c): their tags, and those that are read at once. */
#ifndef ART_EXT_BASE_ORDERED_H
#define ART_EXT_BASE_ORDERED_H

#include "ext/base/base.h"
#include "ext/base/nul.h"

enum {
    ART_ORDERED_NULL = 0x05,
    ART_ORDERED_LEAST = 0x10,
    ART_ORDERED_ZERO = 0x20,
    ART_ORDERED_MOST = 0x2f,
    ART_ORDERED_TEXT = 0x30,
    ART_ORDERED_BLOB = 0x40,
    ART_ORDERED_ESCAPED = 0xff
};

enum { ART_ORDERED_ROOM = 256 };

/* The next value, if it is an integer, or a text in ascending order without a NUL: so are nearly all. Returns the bytes
 * that it takes; 0: it is another one. Behind the `left` bytes stand a NUL and ART_KEY_PADDING bytes that can be read;
 * such a text has a NUL behind it, too. */
static inline uint32_t art_ordered_quick(const uint8_t *at, uint32_t left, bool descending, struct art_datum *out) {
    uint8_t turn = descending ? UINT8_MAX : 0;
    int bytes = (uint8_t)(*at ^ turn) - ART_ORDERED_ZERO;
    if (bytes == ART_ORDERED_TEXT - ART_ORDERED_ZERO && !descending && left) {
        uint32_t len = (uint32_t)art_first_nul((const char *)at + 1), end = len + 1;
        out->kind = ART_DATUM_TEXT;
        out->bytes = art_bytes(at + 1, len);
        if (end >= left) return left; /* a common prefix */
        return at[end + 1] == ART_ORDERED_ESCAPED ? 0 : end + 1;
    }
    bool negative = bytes < 0;
    uint32_t count = (uint32_t)(negative ? -bytes : bytes);
    if (count > 8 || count >= left) return 0;
    uint64_t twice = __builtin_bswap64(art_load64(at + 1)) ^ (descending ? UINT64_MAX : 0);
    twice = count ? twice >> (64 - 8 * count) : 0;
    if (twice & 1) return 0; /* a fraction follows */
    if (negative && count < 8) twice |= UINT64_MAX << (8 * count);
    out->kind = ART_DATUM_INTEGER;
    out->integer = (int64_t)(twice >> 1 | (uint64_t)negative << 63);
    return count + 1;
}

/* The same of a text in descending order, which is short, without a NUL, and not the key's end: it comes into the
 * room. */
static inline uint32_t art_ordered_turned(const uint8_t *at, uint32_t left, uint8_t room[ART_ORDERED_ROOM],
                                          struct art_datum *out) {
    const uint8_t *end = left ? memchr(at, UINT8_MAX, left) : NULL; /* the NUL, inverted */
    uint32_t len = end ? (uint32_t)(end - at) : ART_ORDERED_ROOM;
    if (len >= ART_ORDERED_ROOM || *at != (ART_ORDERED_TEXT ^ UINT8_MAX) || !at[len + 1]) return 0;
    for (uint32_t i = 0; i < len; i += 8) art_store64(room + i, ~art_load64(at + 1 + i));
    out->kind = ART_DATUM_TEXT;
    out->bytes = art_bytes(room, len - 1);
    return len + 1;
}

#endif
