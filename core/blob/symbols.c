#include "core/blob/symbols.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/base/bytes.h"

static inline uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint32_t set_of(uint64_t word) {
    return (uint32_t)((word & 0xffffff) * 2654435761u) >> 20 & (ART_ENCODER_SETS - 1);
}

static void add_long(struct art_encoder *encoder, uint32_t code, uint64_t symbol, uint32_t len) {
    uint32_t set = set_of(symbol);
    for (int i = 0; i < 2; i++) {
        if (encoder->slot[set][i].len && encoder->slot[set][i].len >= len) continue;
        if (i == 0 && encoder->slot[set][0].len) encoder->slot[set][1] = encoder->slot[set][0];
        encoder->slot[set][i].symbol = symbol;
        encoder->slot[set][i].mask = UINT64_MAX >> (64 - 8 * len);
        encoder->slot[set][i].code = code;
        encoder->slot[set][i].len = len;
        return;
    }
}

void art_encoder_use(struct art_encoder *encoder, const struct art_symbols *symbols) {
    if (symbols != &encoder->symbols) encoder->symbols = *symbols;
    memset(encoder->slot, 0, sizeof encoder->slot);
    memset(encoder->single, 255, sizeof encoder->single);
    encoder->single[0] = 0;
    for (uint32_t c = 1; c < 255; c++) {
        if (symbols->len[c] == 1) encoder->single[symbols->symbol[c] & 255] = (uint8_t)c;
    }
    for (uint32_t b = 0; b < 256; b++) {
        uint16_t v = (uint16_t)(encoder->single[b] | 1 << 8);
        encoder->brief[b] = v;
    }
    for (uint32_t high = 1; high < 256; high++) memcpy(encoder->brief + 256 * high, encoder->brief, 512);
    for (uint32_t c = 1; c < 255; c++) {
        if (symbols->len[c] == 2) encoder->brief[symbols->symbol[c] & 65535] = (uint16_t)(c | 2 << 8);
        if (symbols->len[c] > 2) add_long(encoder, c, symbols->symbol[c], symbols->len[c]);
    }
}

/* The symbol that begins there: its code, or 0; *len its bytes. `left` >= 1. */
static inline uint32_t match(const struct art_encoder *encoder, uint64_t word, uint32_t left, uint32_t *len) {
    uint32_t set = set_of(word);
    for (int i = 0; i < 2; i++) {
        if (!((word ^ encoder->slot[set][i].symbol) & encoder->slot[set][i].mask) && encoder->slot[set][i].len &&
            encoder->slot[set][i].len <= left) {
            *len = encoder->slot[set][i].len;
            return encoder->slot[set][i].code;
        }
        if (!encoder->slot[set][i].len) break;
    }
    if (left == 1) {
        *len = 1;
        return encoder->single[word & 255];
    }
    uint32_t v = encoder->brief[word & 65535];
    *len = v >> 8;
    return v & 255;
}

uint32_t art_encode(const struct art_encoder *encoder, const uint8_t *from, uint32_t n, uint8_t *out) {
    const uint8_t *end = from + n;
    uint8_t *at = out;
    while (from < end) {
        uint32_t len, code = match(encoder, load64(from), (uint32_t)(end - from), &len);
        *at++ = (uint8_t)code;
        if (code == ART_ESCAPE) *at++ = *from;
        from += len;
    }
    return (uint32_t)(at - out);
}

/* --- training ----------------------------------------------------------------------------------------------------- */

enum { COUNTS = 1 << 14, ROUNDS = 5 };
struct counted {
    uint64_t symbol;
    uint32_t len, count;
};

static void bump(struct counted *counts, uint64_t symbol, uint32_t len, uint32_t by) {
    uint32_t at = (uint32_t)(((symbol ^ len) * 0x9E3779B97F4A7C15ull) >> 50);
    for (int k = 0; k < 8; k++, at = (at + 1) & (COUNTS - 1)) {
        if (!counts[at].count) {
            counts[at] = (struct counted){symbol, len, by};
            return;
        }
        if (counts[at].symbol == symbol && counts[at].len == len) {
            counts[at].count += by;
            return;
        }
    }
}

static inline uint64_t bytes_of(uint64_t word, uint32_t len) {
    return word & UINT64_MAX >> (64 - 8 * len);
}

static inline uint64_t gain(const struct counted *c) {
    return (uint64_t)c->count * c->len;
}

/* The `n` of the largest gain to the front. */
static void choose(struct counted *all, uint32_t count, uint32_t n) {
    int64_t low = 0, high = (int64_t)count - 1, last = (int64_t)n - 1;
    while (low < high) {
        uint64_t pivot = gain(&all[low + (high - low) / 2]);
        int64_t i = low, j = high;
        while (i <= j) {
            while (gain(&all[i]) > pivot) i++;
            while (gain(&all[j]) < pivot) j--;
            if (i > j) break;
            struct counted t = all[i];
            all[i++] = all[j];
            all[j--] = t;
        }
        if (last <= j) high = j;
        else if (last >= i) low = i;
        else break;
    }
}

static int most_codes(void) {
    static int n;
    if (!n) n = getenv("ART_CODES") ? atoi(getenv("ART_CODES")) : 254;
    return n;
}
static uint32_t longest_symbol(void) {
    static int n;
    if (!n) n = getenv("ART_SYMBOL") ? atoi(getenv("ART_SYMBOL")) : 8;
    return (uint32_t)n;
}

static bool has_nul(uint64_t word, uint32_t len) {
    for (uint32_t i = 0; i < len; i++) {
        if (!(word >> 8 * i & 255)) return true;
    }
    return false;
}

void art_encoder_train(struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends, uint32_t count) {
    static _Thread_local struct counted counts[COUNTS], chosen[COUNTS];
    struct art_symbols *symbols = &encoder->symbols;
    uint32_t most = (uint32_t)most_codes(), longest = longest_symbol();
    memset(symbols, 0, sizeof *symbols);
    symbols->len[0] = 1;
    art_encoder_use(encoder, symbols);
    for (int round = 0; round < ROUNDS; round++) {
        memset(counts, 0, sizeof counts);
        uint32_t from = 0;
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *p = texts + from, *end = texts + ends[i];
            uint64_t before = 0;
            uint32_t before_len = 0;
            from = ends[i];
            while (p < end) {
                uint64_t word = load64(p);
                uint32_t len;
                match(encoder, word, (uint32_t)(end - p), &len);
                if (*p) bump(counts, bytes_of(word, len), len, 1);
                if (before_len) {
                    uint32_t all = art_min32(before_len + len, longest);
                    if (all > before_len && !has_nul(bytes_of(before, all), all)) bump(counts, bytes_of(before, all), all, 1);
                }
                before = word;
                before_len = len;
                p += len;
            }
        }
        uint32_t n = 0;
        for (uint32_t i = 0; i < COUNTS; i++) {
            if (counts[i].count > 1) chosen[n++] = counts[i];
        }
        if (n > most) choose(chosen, n, most);
        n = art_min32(n, most);
        memset(symbols, 0, sizeof *symbols);
        for (uint32_t i = 0; i < n; i++) {
            symbols->symbol[i + 1] = chosen[i].symbol;
            symbols->len[i + 1] = (uint8_t)chosen[i].len;
        }
        symbols->len[0] = 1;
        art_encoder_use(encoder, symbols);
    }
    uint32_t from = 0, coded = 0;
    uint8_t out[2048];
    for (uint32_t i = 0; i < count; i++) {
        coded += art_encode(encoder, texts + from, art_min32(ends[i] - from, 1024), out);
        from = ends[i];
    }
    symbols->symbol[255] = from ? (uint64_t)coded * 4096 / from : 4096;
}
