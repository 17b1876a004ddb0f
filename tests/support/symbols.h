/* Coding by a table of symbols (core/blob/symbols.h) against a naive model. What is called ..._wrong says what is, or
 * gives NULL. Buffers are exact: AddressSanitizer sees what is read or written behind the padding that is allowed. */
#ifndef ART_TESTS_SYMBOLS_H
#define ART_TESTS_SYMBOLS_H

#include "core/blob/symbols.h"

enum { SYMBOLS_PADDING = 8 };

/* Room of just so many bytes, and padding that looks like text, with a copy of what is given. */
static inline uint8_t *symbols_exact(const void *from, size_t n, size_t padding) {
    uint8_t *bytes = malloc(n + padding + !(n + padding));
    memset(bytes, 'a', n + padding);
    if (n && from) memcpy(bytes, from, n);
    return bytes;
}

static inline uint32_t naive_encode(const struct art_symbols *by, const uint8_t *text, uint32_t n, uint8_t *out) {
    uint32_t len = 0;
    for (uint32_t at = 0, longest; at < n; at += longest + !longest) {
        uint32_t code = text[at] ? ART_ESCAPE : 0;
        longest = 0;
        for (uint32_t c = 1, l; c < ART_ESCAPE; c++) {
            l = by->len[c];
            if (l > longest && l <= n - at && !memcmp(&by->symbol[c], text + at, l)) longest = by->len[code = c];
        }
        out[len++] = (uint8_t)code;
        if (code == ART_ESCAPE) out[len++] = text[at];
    }
    return len;
}

static inline uint32_t naive_decode(const struct art_symbols *symbols, const uint8_t *codes, uint32_t n, uint8_t *out) {
    uint32_t len = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = codes[i], l = c == ART_ESCAPE ? 0 : symbols->len[c];
        memcpy(out + len, &symbols->symbol[c], l);
        len += l;
        if (c == ART_ESCAPE && ++i < n) out[len++] = codes[i];
    }
    return len;
}

static inline int by_length_and_bytes(const void *a, const void *b) {
    size_t m = strlen(a), n = strlen(b);
    return m != n ? m < n ? -1 : 1 : memcmp(a, b, n);
}

/* A table of these strings. */
static inline void symbols_of(char strings[][ART_SYMBOL_MAX + 1], uint32_t count, struct art_symbols *symbols) {
    qsort(strings, count, sizeof *strings, by_length_and_bytes);
    *symbols = (struct art_symbols){.len = {1}};
    for (uint32_t i = 0, c = 1; i < count; i++) {
        if (!*strings[i] || (i && !strcmp(strings[i], strings[i - 1]))) continue;
        memcpy(&symbols->symbol[c], strings[i], strlen(strings[i]));
        symbols->len[c++] = (uint8_t)strlen(strings[i]);
    }
}

/* A table is right if it is just what its own strings make, and art_wrong_symbols() must say the same. */
static inline const char *judged_wrong(const struct art_symbols *symbols) {
    char strings[ART_ESCAPE - 1][ART_SYMBOL_MAX + 1] = {{0}};
    struct art_symbols made;
    for (uint32_t i = 0; i < ART_ESCAPE - 1; i++) memcpy(strings[i], &symbols->symbol[i + 1], ART_SYMBOL_MAX);
    symbols_of(strings, ART_ESCAPE - 1, &made);
    made.symbol[ART_ESCAPE] = art_min32((uint32_t)symbols->symbol[ART_ESCAPE], 8192);
    const char *wrong = art_wrong_symbols(symbols);
    return !memcmp(&made, symbols, sizeof made) == !wrong ? NULL : wrong ? wrong : "a wrong table is taken";
}

static inline bool tells(const struct art_symbols *by, struct art_bytes codes, struct art_bytes text,
                         struct art_bytes key) {
    uint32_t same = art_common_prefix(text.data, key.data, art_min32(text.len, key.len));
    int rel, to_be = same == text.len ? 0 : same == key.len || key.data[same] < text.data[same] ? -1 : 1;
    return art_coded_prefix(by, codes.data, codes.len, key.data, key.len, &rel) == same && rel == to_be;
}

/* Any codes, decoded and compared with keys that are their text, cut, longer, or another at one byte. */
static inline const char *codes_wrong(const struct art_symbols *by, const uint8_t *given, uint32_t n) {
    uint8_t *model = malloc(8 * (size_t)n + 1), *own = symbols_exact(given, n, SYMBOLS_PADDING);
    uint32_t len = naive_decode(by, own, n, model);
    uint8_t *to = symbols_exact(NULL, len, SYMBOLS_PADDING), *key = symbols_exact(model, len, 3 + SYMBOLS_PADDING);
    struct art_bytes codes = art_bytes(own, n), text = art_bytes(model, len);
    bool right = art_decode(by, own, n, to) == len && !memcmp(to, model, len);
    for (uint32_t at = 0; at <= len && right; at += 1 + len / 50) {
        uint8_t *cut = symbols_exact(model, at, SYMBOLS_PADDING), was = key[at];
        right = tells(by, codes, text, art_bytes(cut, at));
        memcpy(cut + at, model + at, art_min32(len - at, SYMBOLS_PADDING)); /* as if it went on */
        right &= tells(by, codes, text, art_bytes(cut, at));
        key[at] ^= (uint8_t)(1 + at * 37 % 255);
        right &= tells(by, codes, text, art_bytes(key, len + 3 * (at % 2)));
        key[at] = was;
        free(cut);
    }
    free(model), free(own), free(to), free(key);
    return right ? NULL : "codes are decoded or compared wrongly";
}

/* A text, coded and read; *coded grows by its codes. */
static inline const char *text_wrong(const struct art_encoder *by, const uint8_t *text, uint32_t n, uint64_t *coded) {
    uint8_t *own = symbols_exact(text, n, SYMBOLS_PADDING), *out = symbols_exact(NULL, 2 * (size_t)n, 0);
    uint8_t *model = malloc(16 * (size_t)n + 1);
    uint32_t len = art_encode(by, own, n, out);
    bool right = len == naive_encode(&by->symbols, text, n, model) && !memcmp(out, model, len);
    right = right && naive_decode(&by->symbols, out, len, model) == n && !memcmp(model, text, n);
    right &= !memchr(out, 0, len) == !memchr(own, 0, n);
    const char *wrong = right ? codes_wrong(&by->symbols, out, len) : "a text is coded wrongly";
    *coded += len;
    free(own), free(out), free(model);
    return wrong;
}

/* Training, in memory that was zero and in what was used before, and what comes of each text. */
static inline const char *trained_wrong(struct art_encoder *in, const uint8_t *text, const uint32_t *ends, uint32_t n) {
    uint64_t sum = 0, all = n ? ends[n - 1] : 0;
    uint8_t *own = symbols_exact(text, all, SYMBOLS_PADDING);
    struct art_encoder *other = calloc(1, sizeof *other);
    art_encoder_train(in, own, ends, n);
    art_encoder_train(other, own, ends, n);
    const char *wrong = judged_wrong(&in->symbols);
    if (memcmp(&other->symbols, &in->symbols, sizeof in->symbols)) wrong = "the same texts give two tables";
    for (uint32_t i = 0, at = 0; i < n && !wrong; at = ends[i++]) wrong = text_wrong(in, own + at, ends[i] - at, &sum);
    bool kept = in->symbols.symbol[ART_ESCAPE] == (all ? sum * ART_RATE_ONE / all : ART_RATE_ONE);
    free(own), free(other);
    return wrong || kept ? wrong : "the rate is not what the texts come to";
}

#endif
