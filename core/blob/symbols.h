/* Prototype: suffixes coded by a table of symbols (FSST). Code 0 escapes a byte; 1..255 are symbols of up to 8 bytes. */
#ifndef ART_BLOB_SYMBOLS_H
#define ART_BLOB_SYMBOLS_H

#include <string.h>

#include "core/base/bytes.h"

struct art_symbols {
    uint64_t symbol[256]; /* [0]: what the table brought when it was new, coded a 4096 plain */
    uint8_t len[256];     /* [0]: some symbol has a NUL */
};

enum { ART_ENCODER_SETS = 4096 };
struct art_encoder {
    struct art_symbols symbols;
    struct {
        uint64_t symbol, mask;
        uint32_t code, len;
    } slot[ART_ENCODER_SETS][2]; /* symbols of 3 bytes and more, the longer first */
    uint16_t brief[65536];       /* by two bytes: code | len << 8; len 0: escape */
    uint8_t single[256];         /* by one byte, for the last: code or 0 */
};

void art_encoder_use(struct art_encoder *encoder, const struct art_symbols *symbols);
/* `from` is readable 8 bytes past its end. At most 2 * n bytes. */
uint32_t art_encode(const struct art_encoder *encoder, const uint8_t *from, uint32_t n, uint8_t *out);
/* Texts one behind the other, ends[i]: where text i ends; readable 8 bytes past the end. */
void art_encoder_train(struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends, uint32_t count);

static inline uint32_t art_decode(const struct art_symbols *symbols, const uint8_t *code, uint32_t n, uint8_t *to) {
    uint8_t *at = to;
    const uint8_t *end = code + n;
    while (code < end) {
        uint32_t c = *code++;
        if (__builtin_expect(c != 0, 1)) {
            memcpy(at, &symbols->symbol[c], 8);
            at += symbols->len[c];
        } else {
            *at++ = *code++;
        }
    }
    return (uint32_t)(at - to);
}

static inline uint32_t art_decoded_len(const struct art_symbols *symbols, const uint8_t *code, uint32_t n) {
    uint32_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (code[i]) {
            len += symbols->len[code[i]];
        } else {
            len++;
            i++;
        }
    }
    return len;
}

/* What the coded suffix and the `left` bytes at `rest` (readable 8 more) have in common. *rel: 0 the suffix ends there,
 * < 0 the rest is less than it, > 0 greater. */
static inline uint32_t art_coded_prefix(const struct art_symbols *symbols, const uint8_t *code, uint32_t n,
                                        const uint8_t *rest, uint32_t left, int *rel) {
    const uint8_t *end = code + n;
    uint32_t x = 0;
    while (code < end) {
        uint32_t c = *code++, len = 1;
        uint64_t symbol;
        if (__builtin_expect(c != 0, 1)) {
            symbol = symbols->symbol[c];
            len = symbols->len[c];
        } else {
            symbol = *code++;
        }
        uint64_t there;
        memcpy(&there, rest + x, 8);
        uint64_t differ = symbol ^ there;
        uint32_t same = differ ? (uint32_t)__builtin_ctzll(differ) >> 3 : 8;
        if (same >= len) {
            x += len;
            if (x <= left) continue;
            *rel = -1;
            return left;
        }
        x += same;
        if (x >= left) {
            *rel = -1;
            return left;
        }
        *rel = rest[x] < (uint8_t)(symbol >> 8 * same) ? -1 : 1;
        return x;
    }
    *rel = 0;
    return x;
}

/* What a merge has seen last. */
struct art_symbols_seen {
    const void *store;
    uint64_t seq;
    struct art_symbols symbols;
};
extern _Thread_local struct art_symbols_seen art_symbols_seen;

#endif
