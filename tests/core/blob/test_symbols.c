/* core/blob/symbols: texts come back from their codes, which are those of the longest symbols, and a key is compared
 * with codes as with their text, all against a naive model (support/symbols.h). What is no table is refused. */
#include "tests/support/suite.h"
#include "tests/support/symbols.h"

static struct art_encoder encoder;

/* Of few letters, NULs and FFs among them, or of any bytes. */
static uint8_t *random_text(struct random *random, uint32_t most, uint32_t *n) {
    uint32_t few = random_below(random, 8);
    *n = random_below(random, 1 + most);
    uint8_t *text = symbols_exact(NULL, *n, SYMBOLS_PADDING);
    for (uint32_t i = 0; i < *n; i++)
        text[i] = few ? (uint8_t) "abc/\377\0-"[random_below(random, few)] : (uint8_t)random_next(random);
    return text;
}

static void random_table(struct random *random, const uint8_t *text, uint32_t n, struct art_symbols *symbols) {
    char strings[ART_ESCAPE - 1][ART_SYMBOL_MAX + 1] = {{0}};
    uint32_t count = n ? random_below(random, ART_ESCAPE) : 0, most = 1 + random_below(random, ART_SYMBOL_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = random_below(random, n);
        memcpy(strings[i], text + at, art_min32(1 + random_below(random, most), n - at));
    }
    symbols_of(strings, count, symbols);
}

/* A text is also read as codes: escapes at the end, spare codes, escaped NULs. A table with another byte is refused. */
TEST(test_texts_are_coded_read_and_compared_as_the_model_says) {
    struct random random = random_announced("texts");
    for (unsigned round = random_rounds(10000); round; round--) {
        if (!random_span(&random)) continue;
        struct art_symbols symbols;
        uint64_t coded = 0;
        uint32_t n, at = 0, most = round % 100 == 0 ? 65535 : round % 40 == 1 ? 3000 : 60, ends[300];
        uint8_t *text = random_text(&random, most, &n);
        random_table(&random, text, n, &symbols);
        ck_assert_pstr_eq(art_wrong_symbols(&symbols), NULL);
        art_encoder_use(&encoder, &symbols);
        ck_assert_pstr_eq(text_wrong(&encoder, text, n, &coded), NULL);
        if (n < 60) ck_assert_pstr_eq(codes_wrong(&symbols, text, n), NULL);
        for (uint32_t i = 0; i < 300; ends[i++] = at)
            at += random_below(&random, 1 + random_below(&random, 1 + random_below(&random, n - at + 1)));
        if (most == 3000) ck_assert_pstr_eq(trained_wrong(&encoder, text, ends, 300), NULL);
        at = random_below(&random, random_once_in(&random, 2) ? 256 : sizeof symbols);
        uint8_t *byte = (uint8_t *)&symbols + (at >= 256 ? at : random_once_in(&random, 2) ? 8 * at : 2048 + at);
        *byte = random_once_in(&random, 2) ? 0 : (uint8_t)(*byte + 1 + random_below(&random, 3));
        ck_assert_pstr_eq(judged_wrong(&symbols), NULL);
        free(text);
    }
}

/* In place of a symbol that goes stands one that can be known without it. */
TEST(test_of_symbols_that_are_not_used_nothing_stays) {
    struct random random = random_announced("forgotten");
    for (unsigned round = random_rounds(2000); round; round--) {
        if (!random_span(&random)) continue;
        struct art_symbols before, after;
        uint32_t n, few = random_below(&random, 5);
        bool used[256] = {0};
        uint8_t *text = random_text(&random, 3000, &n);
        random_table(&random, text, n, &before);
        for (uint32_t c = 0; c < 256; c++) used[c] = few && random_once_in(&random, few);
        after = before;
        art_symbols_forget(&after, used);
        ck_assert_pstr_eq(art_wrong_symbols(&after), NULL);
        for (uint32_t c = 1; c < ART_ESCAPE; c++) {
            ck_assert_int_eq(!after.len[c], !before.len[c]);
            if (used[c]) ck_assert_uint_eq(art_symbol(&after, c), art_symbol(&before, c));
            if (!few && after.len[c]) ck_assert_uint_eq(art_symbol(&after, c), c);
        }
        free(text);
    }
}

/* The rate of a table for such texts; all bytes are the same, or behind each `steps` of them one less. */
static uint32_t rate_of(uint8_t byte, uint32_t steps, uint32_t count, uint32_t each) {
    uint8_t texts[6000 + SYMBOLS_PADDING];
    uint32_t ends[512];
    for (uint32_t i = 0; i < sizeof texts; i++) texts[i] = (uint8_t)(byte - (steps ? i / steps : 0));
    for (uint32_t i = 0; i < count; i++) ends[i] = (i + 1) * each;
    ck_assert_pstr_eq(trained_wrong(&encoder, texts, ends, count), NULL);
    return (uint32_t)encoder.symbols.symbol[ART_ESCAPE];
}

TEST(test_odd_samples_and_the_rates_of_what_they_teach) {
    ck_assert(rate_of('x', 0, 0, 1) == ART_RATE_ONE && rate_of('x', 0, 3, 0) == ART_RATE_ONE);
    ck_assert(rate_of(0, 0, 1, 1) == ART_RATE_ONE && rate_of(0, 0, 2, 3000) == ART_RATE_ONE);
    ck_assert(rate_of('x', 0, 1, 1) == ART_RATE_MAX && !encoder.symbols.len[1]); /* what is there once is no symbol */
    ck_assert(rate_of('x', 0, 2, 1) == ART_RATE_ONE && rate_of(0xff, 0, 2, 3000) == ART_RATE_ONE / 8);
    /* Of more strings than codes, as frequent as each other, those are symbols that come first in a table. */
    ck_assert(rate_of(255, 2, 510, 1) == (254 + 2) * ART_RATE_ONE / 255);
    for (uint32_t c = 1; c < ART_ESCAPE; c++) ck_assert(encoder.symbols.symbol[c] == c && encoder.symbols.len[c] == 1);
}

TEST(test_what_is_frequent_becomes_short) {
    struct random random = {7};
    uint32_t ends[800], n = 0;
    uint8_t texts[16000 + SYMBOLS_PADDING];
    for (uint32_t i = 0; i < 800; ends[i++] = n)
        n += (uint32_t)sprintf((char *)texts + n, "%u/file-%06u.bin", i % 10, random_below(&random, 1000000));
    art_encoder_train(&encoder, texts, ends, 800);
    ck_assert_uint_le(encoder.symbols.symbol[ART_ESCAPE], ART_RATE_ONE * 6 / 17); /* of 17 bytes some 6 are left */
}

TEST(test_a_wrong_table_is_refused_by_its_kind) {
    static const struct {
        uint64_t code, len, symbol;
        const char *says;
    } wrong[] = {
        {0, 0, 0, "0 is not"}, {0, 1, 'a', "0 is not"}, {5, 9, 'x', "longer"},    {5, 7, 1ull << 56, "goes on"},
        {2, 1, 0, "a NUL in"}, {2, 1, 'a', "the same"}, {4, 1, 'z', "of order"},  {3, 0, 0, "behind the last"},
        {6, 0, 'z', "behind"}, {254, 3, 0, "behind"},   {255, 1, 0, "has a len"}, {255, 0, 8193, "the rate"},
    };
    char strings[][ART_SYMBOL_MAX + 1] = {"a", "b", "aa", "abc", "abcdefgh"};
    for (int i = 0; i < LENGTH(wrong); i++) {
        struct art_symbols symbols;
        symbols_of(strings, LENGTH(strings), &symbols);
        symbols.symbol[wrong[i].code] = wrong[i].symbol;
        symbols.len[wrong[i].code] = (uint8_t)wrong[i].len;
        const char *says = art_wrong_symbols(&symbols);
        ck_assert_msg(says && strstr(says, wrong[i].says), "%d: %s", i, says ? says : "taken");
        ck_assert_pstr_eq(judged_wrong(&symbols), NULL);
    }
}

SUITE("symbols", .seconds = 60)
