/* Prototype: suffixes coded by a table of symbols (FSST). Code 255 escapes a byte; 0 is a NUL; 1..254 are symbols of up to 8 bytes. */
#ifndef ART_BLOB_SYMBOLS_H
#define ART_BLOB_SYMBOLS_H

#include <string.h>

#include "core/base/bytes.h"

struct art_symbols {
    uint64_t symbol[256]; /* [255]: what the table brought when it was new, coded a 4096 plain */
    uint8_t len[256]; /* code 0: NUL, which no other has; 255: escapes a byte */
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

/* What is wrong with a table of a blob, or NULL. */
static inline const char *art_wrong_symbols(const struct art_symbols *symbols) {
    for (unsigned c = 0; c < 255; c++) {
        if (symbols->len[c] > 8) return "a symbol is too long";
    }
    return NULL;
}
void art_encoder_use(struct art_encoder *encoder, const struct art_symbols *symbols);
/* `from` is readable 8 bytes past its end. At most 2 * n bytes. */
uint32_t art_encode(const struct art_encoder *encoder, const uint8_t *from, uint32_t n, uint8_t *out);
/* Texts one behind the other, ends[i]: where text i ends; readable 8 bytes past the end. */
void art_encoder_train(struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends, uint32_t count);

enum { ART_ESCAPE = 255 };
static const uint64_t art_symbol_mask[9] = {0,
                                            0xff,
                                            0xffff,
                                            0xffffff,
                                            0xffffffff,
                                            0xffffffffff,
                                            0xffffffffffff,
                                            0xffffffffffffff,
                                            UINT64_MAX};

static inline uint32_t art_decode(const struct art_symbols *symbols, const uint8_t *code, uint32_t n, uint8_t *to) {
    uint8_t *at = to;
    const uint8_t *end = code + n;
    while (code < end) {
        uint32_t c = *code++;
        if (__builtin_expect(c != ART_ESCAPE, 1)) {
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
        if (code[i] != ART_ESCAPE) {
            len += symbols->len[code[i]];
        } else {
            len++;
            i++;
        }
    }
    return len;
}

/* What the coded suffix and the `left` bytes at `rest` (readable 16 more) have in common. *rel: 0 the suffix ends
 * there, < 0 the rest is less than it, > 0 greater. */
static inline uint32_t art_coded_prefix(const struct art_symbols *symbols, const uint8_t *code, uint32_t n,
                                        const uint8_t *rest, uint32_t left, int *rel) {
    const uint8_t *end = code + n, *at = rest, *stop = rest + left;
    while (code < end) {
        uint32_t c = *code++, len;
        uint64_t symbol, there;
        memcpy(&there, at, 8);
        if (__builtin_expect(c != ART_ESCAPE, 1)) {
            len = symbols->len[c];
            symbol = symbols->symbol[c];
        } else {
            len = 1;
            symbol = *code++;
        }
        uint64_t differ = (symbol ^ there) & art_symbol_mask[len];
        if (differ) {
            uint32_t same = (uint32_t)__builtin_ctzll(differ) >> 3;
            at += same;
            if (at >= stop) {
                *rel = -1;
                return left;
            }
            *rel = *at < (uint8_t)(symbol >> 8 * same) ? -1 : 1;
            return (uint32_t)(at - rest);
        }
        at += len;
        if (at > stop) {
            *rel = -1;
            return left;
        }
    }
    *rel = 0;
    return (uint32_t)(at - rest);
}

#endif
