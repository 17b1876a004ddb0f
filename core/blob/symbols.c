/* Coding by a table of symbols, and making the table. symbols.h says what for.
 *
 * To code is to find the longest symbol that the next bytes begin with. `found` has an entry for each two bytes. It
 * says what to write if no symbol of three bytes or more begins with them. Else it leads to the longest of these in
 * `longer`, from there to the next, and at last to what to write where none of them stands. The last bytes of a text
 * are looked at with zeros behind them: no symbol but that of code 0 has a NUL, so none is found that is longer than
 * what is left.
 *
 * To train is to begin with an empty table, under which each byte is escaped, and to code the sample some times. Each
 * round counts how often each symbol or escaped byte was used, and each two of them side by side, as one. What was
 * found most often is the table of the next round. How long a string is does not count: what is put together of two
 * saves one code each time. (The paper takes count times length; by that, suffixes of real paths come out longer by a
 * twentieth.) A single byte counts twice, since its escape takes two. The first rounds look at a part of the texts, and
 * find what is frequent all the same.
 */
#include "core/blob/symbols.h"

enum {
    SYMBOLS = ART_ESCAPE - 1, /* beside NUL */
    /* What is found: code | bytes of text << 8 | bytes to write << 12; or where to look on, in `longer`. */
    FOUND_LEN_SHIFT = 8,
    FOUND_STEP_SHIFT = 12,
    FOUND_LONGER = 0x8000
};

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* Symbols as numbers, the first byte on top: these are in the order of the table. A symbol is not 0 here. */
static uint64_t number_of_symbol(uint64_t symbol) {
    uint64_t number = __builtin_bswap64(symbol);
    return number >> (__builtin_ctzll(number) & 56);
}

static uint64_t symbol_of_number(uint64_t number) {
    return __builtin_bswap64(number << (__builtin_clzll(number) & 56));
}

static uint8_t len_of_symbol(uint64_t symbol) {
    return (uint8_t)(ART_SYMBOL_MAX - (__builtin_clzll(symbol) >> 3));
}

static bool symbol_has_nul(uint64_t symbol, uint32_t len) {
    for (uint32_t i = 0; i < len; i++, symbol >>= 8) {
        if (!(symbol & 0xff)) return true;
    }
    return false;
}

const char *art_wrong_symbols(const struct art_symbols *symbols) {
    uint32_t c = 1;
    if (art_symbol(symbols, 0) || symbols->len[0] != 1) return "symbol 0 is not the byte NUL";
    for (uint64_t before = 0; c < ART_ESCAPE && symbols->len[c]; c++) {
        uint64_t symbol = art_symbol(symbols, c);
        uint32_t len = symbols->len[c];
        if (len > ART_SYMBOL_MAX) return "a symbol is longer than 8 bytes";
        if (symbol & ~art_symbol_mask[len]) return "a symbol goes on behind its length";
        if (symbol_has_nul(symbol, len)) return "a symbol has a NUL in it";
        uint64_t number = number_of_symbol(symbol);
        if (number <= before) return "symbols are out of order, or the same twice";
        before = number;
    }
    for (; c < ART_ESCAPE; c++) {
        if (art_symbol(symbols, c) || symbols->len[c]) return "a symbol stands behind the last one";
    }
    if (symbols->len[ART_ESCAPE]) return "the escape has a length";
    return art_symbol(symbols, ART_ESCAPE) > ART_RATE_MAX ? "the rate of the symbols is out of range" : NULL;
}

/* There are as many texts without a NUL up to each symbol as there are symbols, so none is passed. */
void art_symbols_forget(struct art_symbols *symbols, const bool used[256]) {
    uint64_t number = 0;
    for (uint32_t c = 1; c < ART_ESCAPE && symbols->len[c]; c++) {
        uint64_t next = number + 1, own = number_of_symbol(art_symbol(symbols, c));
        for (uint32_t shift = 0; !(next >> shift & 255); shift += 8) next |= (uint64_t)1 << shift;
        number = used[c] ? own : next;
        art_store64(&symbols->symbol[c], symbol_of_number(number));
        symbols->len[c] = len_of_symbol(symbol_of_number(number));
    }
    assert(!art_wrong_symbols(symbols));
}

/* --- coding ------------------------------------------------------------------------------------------------------- */

static uint16_t found_of(uint32_t code, uint32_t len) {
    uint32_t step = code == ART_ESCAPE ? 2 : 1;
    return (uint16_t)(code | len << FOUND_LEN_SHIFT | step << FOUND_STEP_SHIFT);
}

static uint32_t found_len(uint32_t found) {
    return found >> FOUND_LEN_SHIFT & 15;
}

/* A symbol goes before those that are there, which are shorter. */
static void put_longer(struct art_encoder *encoder, uint32_t *count, uint32_t code) {
    uint64_t symbol = art_symbol(&encoder->symbols, code);
    uint32_t len = encoder->symbols.len[code];
    uint16_t *found = &encoder->found[symbol & 0xffff];
    if (!(*found & FOUND_LONGER)) {
        encoder->longer[*count].mask = encoder->longer[*count].symbol = 0; /* is always there */
        encoder->longer[*count].found = *found;
        *found = (uint16_t)(FOUND_LONGER | (*count)++);
    }
    _Static_assert((int)ART_ENCODER_LONGER >= 2 * (int)SYMBOLS, "each takes one place, and what it is longer than one");
    assert(*count < ART_ENCODER_LONGER);
    encoder->longer[*count].symbol = symbol;
    encoder->longer[*count].mask = art_symbol_mask[len];
    encoder->longer[*count].found = found_of(code, len);
    encoder->longer[*count].next = (uint16_t)(*found & ~FOUND_LONGER);
    *found = (uint16_t)(FOUND_LONGER | (*count)++);
}

void art_encoder_use(struct art_encoder *encoder, const struct art_symbols *symbols) {
    const uint8_t *len = encoder->symbols.len;
    uint16_t *found = encoder->found;
    uint32_t c = 1, longer = 0;
    if (symbols != &encoder->symbols) encoder->symbols = *symbols;
    assert(!art_wrong_symbols(&encoder->symbols)); /* those of a blob were looked at when they came (blob_open.c) */
    for (uint32_t byte = 1; byte < 256; byte++) found[byte] = found_of(ART_ESCAPE, 1);
    found[0] = found_of(0, 1);
    for (; len[c] == 1; c++) found[art_symbol(&encoder->symbols, c)] = found_of(c, 1);
    for (uint32_t second = 1; second < 256; second++) memcpy(found + 256 * second, found, 256 * sizeof *found);
    for (; len[c] == 2; c++) found[art_symbol(&encoder->symbols, c)] = found_of(c, 2);
    for (; len[c]; c++) put_longer(encoder, &longer, c);
}

/* What a text goes on with, of which the next 8 bytes are these, zeros behind its end. */
static inline uint32_t find_symbol(const struct art_encoder *encoder, uint64_t word) {
    uint32_t found = encoder->found[word & 0xffff];
    if (found & FOUND_LONGER) {
        uint32_t i = found & ~(uint32_t)FOUND_LONGER;
        while ((word ^ encoder->longer[i].symbol) & encoder->longer[i].mask) i = encoder->longer[i].next;
        found = encoder->longer[i].found;
    }
    return found;
}

static inline uint8_t *write_found(uint8_t *at, uint32_t found, uint64_t word) {
    at[0] = (uint8_t)found;
    at[1] = (uint8_t)word; /* counts behind an escape */
    return at + (found >> FOUND_STEP_SHIFT);
}

uint32_t art_encode(const struct art_encoder *encoder, const uint8_t *from, uint32_t n, uint8_t *out) {
    uint8_t *at = out;
    if (n >= 8) {
        const uint8_t *end = from + n;
        do {
            uint64_t word = art_load64(from);
            uint32_t found = find_symbol(encoder, word);
            at = write_found(at, found, word);
            from += found_len(found);
        } while (from <= end - 8);
        n = (uint32_t)(end - from);
    }
    if (!n) return (uint32_t)(at - out);
    for (uint64_t word = art_load64(from) & art_symbol_mask[n];;) {
        uint32_t found = find_symbol(encoder, word), len = found_len(found);
        at = write_found(at, found, word);
        if (len >= n) return (uint32_t)(at - out);
        n -= len;
        word >>= 8 * len;
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

ART_READS_PAST uint32_t art_decode_any(const struct art_symbols *symbols, const uint8_t *code, uint32_t n,
                                       uint8_t *to) {
    const uint8_t *end = code + n;
    uint8_t *at = to;
    while (code < end) {
        uint32_t few = art_min32((uint32_t)(end - code), 8);
        const uint8_t *stop = code + few;
        if (art_decode_few(symbols, code, few, &at)) code = stop;
        while (code < stop) {
            uint32_t c = *code++;
            art_store64(at, art_symbol(symbols, c));
            at += symbols->len[c];
            if (c == ART_ESCAPE && code < end) *at++ = *code++;
        }
    }
    return (uint32_t)(at - to);
}

/* --- training ----------------------------------------------------------------------------------------------------- */

enum { TEXT_PARTS = 16, COUNT_PROBES = 8 };
static const uint8_t text_parts[] = {2, 5, 8, 12, TEXT_PARTS}; /* texts of 16 */
enum { TRAINING_ROUNDS = sizeof text_parts };

static inline void count_symbol(struct art_encoder *encoder, uint64_t symbol, uint32_t round) {
    uint32_t at = (uint32_t)(symbol * 0x9e3779b97f4a7c15u >> 52);
    _Static_assert(1 << (64 - 52) == ART_ENCODER_COUNTS, "the hash has as many values");
    for (int probe = 0; probe < COUNT_PROBES; probe++, at = (at + 1) & (ART_ENCODER_COUNTS - 1)) {
        struct art_symbol_count *counted = &encoder->counts[at];
        if (counted->round != round) {
            *counted = (struct art_symbol_count){symbol, round, 1};
            return;
        }
        if (counted->symbol == symbol) {
            counted->count++;
            return;
        }
    }
}

static inline uint64_t next_word(const uint8_t *text, uint32_t left) {
    return art_load64(text) & art_symbol_mask[art_min32(left, 8)];
}

/* Counts what a text is coded by, and what stands side by side; two that are longer than a symbol, up to its length. */
static void count_in_text(struct art_encoder *encoder, const uint8_t *text, uint32_t n, uint32_t round) {
    uint64_t before = 0;
    uint32_t before_len = ART_SYMBOL_MAX;
    for (uint32_t at = 0, len; at < n; at += len) {
        uint64_t word = next_word(text + at, n - at);
        len = found_len(find_symbol(encoder, word));
        if (!(word & 0xff)) { /* a NUL goes into no symbol */
            before_len = ART_SYMBOL_MAX;
            continue;
        }
        count_symbol(encoder, word & art_symbol_mask[len], round);
        if (before_len < ART_SYMBOL_MAX) {
            uint32_t both = art_min32(before_len + len, ART_SYMBOL_MAX);
            count_symbol(encoder, before & art_symbol_mask[both], round);
        }
        before = word;
        before_len = len;
    }
}

static uint32_t coded_length(const struct art_encoder *encoder, const uint8_t *text, uint32_t n) {
    uint32_t coded = 0;
    for (uint32_t at = 0; at < n;) {
        uint32_t found = find_symbol(encoder, next_word(text + at, n - at));
        coded += found >> FOUND_STEP_SHIFT;
        at += found_len(found);
    }
    return coded;
}

uint64_t art_encoder_measure(const struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends,
                             uint32_t count) {
    uint64_t coded = 0;
    for (uint32_t i = 0, from = 0; i < count; from = ends[i++])
        coded += coded_length(encoder, texts + from, ends[i] - from);
    return coded;
}

/* A strict order: where two are worth the same, the one that stands first in a table. */
static bool is_worth_more(const struct art_symbol_count *a, const struct art_symbol_count *b) {
    uint64_t x = (uint64_t)a->count << (a->symbol < 256), y = (uint64_t)b->count << (b->symbol < 256);
    return x != y ? x > y : number_of_symbol(a->symbol) < number_of_symbol(b->symbol);
}

/* Brings those that are worth most to the front. (Quickselect.) */
static void bring_best_to_front(struct art_symbol_count *counts, int count, int best) {
    for (int low = 0, high = count - 1; low < high;) {
        struct art_symbol_count pivot = counts[low + (high - low) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (is_worth_more(&counts[i], &pivot)) i++;
            while (is_worth_more(&pivot, &counts[j])) j--;
            if (i > j) break;
            struct art_symbol_count one = counts[i];
            counts[i++] = counts[j];
            counts[j--] = one;
        }
        if (best <= j)
            high = j;
        else if (best >= i)
            low = i;
        else
            return;
    }
}

/* (Shell's.) */
static void sort_numbers(uint64_t *numbers, uint32_t count) {
    for (uint32_t gap = 121; gap; gap /= 3) {
        for (uint32_t i = gap; i < count; i++) {
            uint64_t number = numbers[i];
            uint32_t at = i;
            for (; at >= gap && numbers[at - gap] > number; at -= gap) numbers[at] = numbers[at - gap];
            numbers[at] = number;
        }
    }
}

/* The table of what was counted most often in this round, and more than once. */
static void choose_symbols(struct art_encoder *encoder, uint32_t round, struct art_symbols *symbols) {
    uint64_t numbers[SYMBOLS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < ART_ENCODER_COUNTS; i++) {
        struct art_symbol_count counted = encoder->counts[i];
        if (counted.round == round && counted.count > 1) encoder->counts[count++] = counted;
    }
    bring_best_to_front(encoder->counts, (int)count, SYMBOLS);
    count = art_min32(count, SYMBOLS);
    for (uint32_t i = 0; i < count; i++) numbers[i] = number_of_symbol(encoder->counts[i].symbol);
    sort_numbers(numbers, count);
    *symbols = (struct art_symbols){.len = {1}};
    for (uint32_t i = 0; i < count; i++) {
        symbols->symbol[i + 1] = symbol_of_number(numbers[i]);
        symbols->len[i + 1] = len_of_symbol(symbols->symbol[i + 1]);
    }
}

void art_encoder_train(struct art_encoder *encoder, const uint8_t *texts, const uint32_t *ends, uint32_t count) {
    struct art_symbols symbols = {.len = {1}};
    memset(encoder->counts, 0, sizeof encoder->counts);
    for (uint32_t round = 1; round <= TRAINING_ROUNDS; round++) {
        art_encoder_use(encoder, &symbols);
        for (uint32_t i = 0, from = 0; i < count; from = ends[i++]) {
            if (i % TEXT_PARTS < text_parts[round - 1]) count_in_text(encoder, texts + from, ends[i] - from, round);
        }
        choose_symbols(encoder, round, &symbols);
    }
    art_encoder_use(encoder, &symbols);
    uint64_t coded = art_encoder_measure(encoder, texts, ends, count);
    bool any = count && ends[count - 1];
    encoder->symbols.symbol[ART_ESCAPE] = any ? coded * ART_RATE_ONE / ends[count - 1] : ART_RATE_ONE;
}
