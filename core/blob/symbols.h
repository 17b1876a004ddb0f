/* Suffixes of keys, coded by a table of symbols. A symbol is a string of 1 to 8 bytes that is frequent in a blob's
 * suffixes; its number, the code, is written in its place, one byte for several. Each suffix is coded by itself, so
 * that one can be read, and compared with a key, without the others. The scheme is published: P. Boncz, T. Neumann, V.
 * Leis, "FSST: Fast Random Access String Compression", VLDB 2020. symbols_format.h has the bytes of the table.
 *
 *     symbols   ..  11 "c" ..  24 "o" ..  141 "/usr" ..  200 "/share/d" ..
 *
 *     "/usr/share/doc"  ->  141 200 24 11            "/usr/share/do+"  ->  141 200 24 255 '+'
 *
 * The codes are a function of text and table: at each place the longest symbol that the text goes on with, else an
 * escape and the byte. Codes have another order than their texts, and are never compared with one another. They have a
 * byte 0 where the text has one, and nowhere else.
 *
 * A table is trained by a sample of texts. Any table is right for any text, which then takes at most two bytes a byte.
 */
#ifndef ART_BLOB_SYMBOLS_H
#define ART_BLOB_SYMBOLS_H

#include "core/base/bytes.h"
#include "core/blob/simd.h"
#include "core/blob/symbols_format.h"

/* What is wrong with a table of a blob, or NULL. Until that was asked nothing is decoded by it. */
const char *art_wrong_symbols(const struct art_symbols *symbols);

/* --- writing ------------------------------------------------------------------------------------------------------ */

enum {
    ART_ENCODER_LONGER = 2 * 254, /* symbols of three bytes and more, and what is there where none of them is */
    ART_ENCODER_COUNTS = 4096     /* strings that a round of training counts, the others are left out */
};

/* 206 KB, without a pointer: its user takes them from art_alloc(). Nothing has to be set before art_encoder_use() or
 * art_encoder_train(). */
struct art_encoder {
    struct art_symbols symbols; /* in use */
    /* By the next two bytes: what is found there, or which of `longer` to look at first (symbols.c). */
    uint16_t found[65536];
    struct {
        uint64_t symbol, mask;
        uint16_t found, next;
    } longer[ART_ENCODER_LONGER];
    /* Of training alone. */
    struct art_symbol_count {
        uint64_t symbol;
        uint32_t round, count; /* of an earlier round: there is nothing */
    } counts[ART_ENCODER_COUNTS];
};

/* From now on this table, which is copied; art_wrong_symbols() finds nothing wrong with it. */
void art_encoder_use(struct art_encoder *encoder, const struct art_symbols *symbols);

/* Codes `n` bytes, which are readable 8 bytes past their end, into `out`. All 2 * n bytes there may be written; how
 * many count is returned. */
uint32_t art_encode(const struct art_encoder *encoder, const uint8_t *from, uint32_t n, uint8_t *out);

/* Makes a table for texts like these, and uses it. They stand one behind the other, text i ends before ends[i], and are
 * readable 8 bytes past the end of the last; some 16 KB are enough. The same texts give the same table. */
void art_encoder_train(struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends, uint32_t count);

/* In place of each symbol that is not used stands the next text in the table's order, which says nothing. */
void art_symbols_forget(struct art_symbols *symbols, const bool used[256]);

/* Bytes that such texts take coded. */
uint64_t art_encoder_measure(const struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends,
                             uint32_t count);

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Of a word, the first 0 to 8 bytes. */
static const uint64_t art_symbol_mask[ART_SYMBOL_MAX + 1] = {
    0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, UINT64_MAX};

static inline uint64_t art_symbol(const struct art_symbols *symbols, uint32_t code) {
    return art_load64(&symbols->symbol[code]);
}

/* (private) As art_decode(), of any number of codes, with escapes. */
uint32_t art_decode_any(const struct art_symbols *symbols, const uint8_t *code, uint32_t n, uint8_t *to);

/* (private) What four codes bring, none of them an escape before a byte. */
static inline uint8_t *art_decode_four(const struct art_symbols *symbols, uint32_t codes, uint8_t *to) {
    art_store64(to, art_symbol(symbols, codes & 255));
    to += symbols->len[codes & 255];
    art_store64(to, art_symbol(symbols, codes >> 8 & 255));
    to += symbols->len[codes >> 8 & 255];
    art_store64(to, art_symbol(symbols, codes >> 16 & 255));
    to += symbols->len[codes >> 16 & 255];
    art_store64(to, art_symbol(symbols, codes >> 24));
    return to + symbols->len[codes >> 24];
}

/* (private) What up to eight codes bring; false: there is an escape among them. How many there are is hard to predict,
 * so there is no step for each: those behind the end become escapes, whose length is 0. */
ART_READS_PAST static inline bool art_decode_few(const struct art_symbols *symbols, const uint8_t *code, uint32_t n,
                                                 uint8_t **to) {
    const uint64_t ones = 0x0101010101010101;
    uint64_t there = art_symbol_mask[n], codes = art_load64(code) & there;
    if (ART_UNLIKELY((~codes - ones) & codes & ones << 7)) return false;
    codes |= ~there;
    *to = art_decode_four(symbols, (uint32_t)codes, *to);
    if (n > 4) *to = art_decode_four(symbols, (uint32_t)(codes >> 32), *to);
    return true;
}

/* The text of `n` codes, at most 8 * n bytes; returns its length. Codes are readable and `to` is writable 8 bytes past
 * their ends. An escape at the end, which only a forged suffix has, brings nothing, and neither does a spare code. */
ART_READS_PAST static inline uint32_t art_decode(const struct art_symbols *symbols, const uint8_t *code, uint32_t n,
                                                 uint8_t *to) {
    uint8_t *end = to;
    if (ART_LIKELY(n <= 8) && ART_LIKELY(art_decode_few(symbols, code, n, &end))) return (uint32_t)(end - to);
    return art_decode_any(symbols, code, n, to);
}

/* Compares the text of `n` codes with the `left` bytes at `rest`, which are readable 8 bytes past their end, and
 * returns how many bytes they have in common. *rel: 0 if all of the text is there, < 0 if the rest sorts before the
 * text, > 0 behind it. Nothing is written, and no code is looked at behind the one that tells. */
ART_READS_PAST static inline uint32_t art_coded_prefix(const struct art_symbols *symbols, const uint8_t *code,
                                                       uint32_t n, const uint8_t *rest, uint32_t left, int *rel) {
    const uint8_t *codes_end = code + n, *end = rest + left;
    int64_t at = -(int64_t)left; /* from the end, as is `i`: a step then tells by its sign whether that is reached */
    for (int64_t i = -(int64_t)n; i < 0; i++) {
        uint32_t c = codes_end[i], len = symbols->len[c];
        uint64_t symbol = art_symbol(symbols, c);
        if (ART_UNLIKELY(c == ART_ESCAPE) && ++i < 0) {
            symbol = codes_end[i];
            len = 1;
        }
        uint64_t differ = (symbol ^ art_load64(end + at)) & art_symbol_mask[len];
        if (differ) {
            uint32_t same = (uint32_t)__builtin_ctzll(differ) >> 3;
            at += same;
            if (at >= 0) goto cut;
            *rel = end[at] < (uint8_t)(symbol >> 8 * same) ? -1 : 1;
            return (uint32_t)(left + at);
        }
        at += len;
        if (at > 0) goto cut;
    }
    *rel = 0;
    return (uint32_t)(left + at);
cut:
    *rel = -1;
    return left;
}

#endif
