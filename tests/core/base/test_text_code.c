/* core/base/text_code: codes never turn the order of texts round, tell dates apart, and stay what they are on disk. */
#include "core/base/text_code.h"

#include "tests/support/must.h"
#include "tests/support/suite.h"

enum { TEXT_MAX = 48 };

struct text {
    uint8_t bytes[TEXT_MAX];
    uint32_t len;
};

static struct art_bytes bytes_of(const struct text *text) {
    return art_bytes(text->bytes, text->len);
}

static void put_date(struct text *text, const char *between, unsigned long long ms) {
    char date[64];
    unsigned s = (unsigned)(ms / 1000 % 60), m = (unsigned)(ms / 60000 % 60), h = (unsigned)(ms / 3600000 % 24);
    unsigned day = (unsigned)(ms / 86400000 % 28) + 1, month = (unsigned)(ms / 86400000 / 28 % 12) + 1;
    unsigned year = 1000 + (unsigned)(ms / 86400000 / 28 / 12 % 2000);
    text->len = (uint32_t)snprintf(date, sizeof date, "%04u-%02u-%02u%s%02u:%02u:%02u.%03u", year, month, day, between,
                                   h, m, s, (unsigned)(ms % 1000));
    memcpy(text->bytes, date, text->len);
}

/* Dates, what is nearly one, words, digits, UTF-8, any bytes, and NULs and 0xff. */
static void random_text(struct random *random, struct text *text) {
    static const char *const betweens[] = {" ", "T", ".", "t", "_"};
    static const uint8_t few[] = {0,   1,   ' ', '-', '0', '1',  '2',  '3',  '9',
                                  ':', '.', 'T', 'a', '~', 0x7f, 0x80, 0xc3, 0xff};
    text->len = random_below(random, TEXT_MAX + 1);
    switch (random_below(random, 6)) {
    case 0:
    case 1:
        put_date(text, betweens[random_below(random, 5)], random_next(random) >> random_below(random, 40));
        break;
    case 2:
        for (uint32_t i = 0; i < text->len; i++) text->bytes[i] = (uint8_t)(' ' + random_below(random, 95));
        break;
    case 3:
        for (uint32_t i = 0; i < text->len; i++) text->bytes[i] = (uint8_t)random_next(random);
        break;
    case 4:
        for (uint32_t i = 0; i < text->len; i++) text->bytes[i] = "0123456789abcdef"[random_below(random, 16)];
        break;
    default:
        for (uint32_t i = 0; i < text->len; i++) text->bytes[i] = few[random_below(random, sizeof few)];
    }
    if (text->len && random_once_in(random, 3)) text->len = random_below(random, text->len + 1);
}

/* Equal up to some byte, which is another one, or where one of them ends. */
static void random_neighbour(struct random *random, const struct text *text, struct text *out) {
    *out = *text;
    uint32_t at = random_below(random, text->len + 1);
    switch (random_below(random, 4)) {
    case 0:
        out->len = at;
        break;
    case 1:
        if (at == out->len && out->len < TEXT_MAX) out->len++;
        if (at < out->len) out->bytes[at] = (uint8_t)random_next(random);
        break;
    case 2:
        if (at < out->len) out->bytes[at]++;
        break;
    default:
        random_text(random, out);
        if (at <= out->len) memcpy(out->bytes, text->bytes, at);
    }
}

TEST(test_a_text_behind_another_never_has_a_smaller_code) {
    struct random random = random_announced("text codes");
    for (unsigned round = random_rounds(2000000); round; round--) {
        struct text a = {{0}, 0}, b = {{0}, 0};
        random_text(&random, &a);
        random_neighbour(&random, &a, &b);
        int c = art_bytes_compare(bytes_of(&a), bytes_of(&b));
        int64_t one = art_text_code(bytes_of(&a)), other = art_text_code(bytes_of(&b));
        if (c < 0) HOLDS(one <= other);
        if (c > 0) HOLDS(one >= other);
        if (!c) HOLDS(one == other);
    }
}

/* At each byte of a date: in all 256 continuations of each beginning codes ascend, and the beginning has the least. */
TEST(test_codes_ascend_with_each_byte_of_a_date) {
    struct text date = {{0}, 0};
    put_date(&date, "T", 1763934038123u);
    for (uint32_t at = 0; at <= 25; at++) {
        struct text begins = date;
        begins.len = at;
        int64_t before = art_text_code(bytes_of(&begins));
        for (unsigned byte = 0; byte < 256; byte++) {
            begins.bytes[at] = (uint8_t)byte;
            for (begins.len = at + 1; begins.len <= at + 3; begins.len++) {
                begins.bytes[begins.len - 1] = begins.len == at + 1 ? (uint8_t)byte : 0xff;
                int64_t code = art_text_code(bytes_of(&begins));
                HOLDS(code >= before);
                before = code;
            }
        }
    }
}

TEST(test_milliseconds_have_codes_of_their_own) {
    struct random random = random_announced("milliseconds");
    for (unsigned round = random_rounds(300000); round; round--) {
        unsigned long long ms = random_next(&random) >> 20;
        const char *between = round % 2 ? "T" : " ";
        struct text a = {{0}, 0}, b = {{0}, 0};
        put_date(&a, between, ms);
        put_date(&b, between, ms + 1);
        HOLDS(art_text_code(bytes_of(&a)) != art_text_code(bytes_of(&b)));
        a.len = b.len = 19;
        if (ms / 1000 != (ms + 1) / 1000) HOLDS(art_text_code(bytes_of(&a)) != art_text_code(bytes_of(&b)));
    }
}

TEST(test_other_texts_are_told_apart_by_some_bytes) {
    struct random random = random_announced("other texts");
    for (unsigned round = random_rounds(100000); round; round--) {
        struct text a = {{0}, 12};
        for (uint32_t i = 0; i < a.len; i++) a.bytes[i] = (uint8_t)(' ' + random_below(&random, 94));
        struct text b = a;
        b.bytes[random_below(&random, 7)]++;
        HOLDS(art_text_code(bytes_of(&a)) < art_text_code(bytes_of(&b)) || a.bytes[0] == '1' || a.bytes[0] == '2');
    }
}

/* They are stored. */
TEST(test_codes_are_what_they_have_always_been) {
    static const struct {
        const char *text;
        int64_t code;
    } known[] = {
        {"", INT64_MIN},
        {"0", -7854277750134145073},
        {"2025-11-27T21:30:38.123Z", 1023464476684560105},
        {"2025-11-27", 1023461998916792660},
        {"usr/share/doc", 8591626518611043569},
        {"d41d8cd98f00b204e9800998ecf8427e", 8512830955266322620},
        {"\xc3\xa4rger", 8943345904051923574},
    };
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        struct art_bytes text = art_bytes(known[i].text, (uint32_t)strlen(known[i].text));
        ck_assert_msg(art_text_code(text) == known[i].code, "%s: 0x%llx", known[i].text,
                      (unsigned long long)art_text_code(text));
    }
}

TEST(test_the_top_of_a_code_bounds_it) {
    struct random random = random_announced("tops");
    for (unsigned round = random_rounds(100000); round; round--) {
        struct text a = {{0}, 0};
        random_text(&random, &a);
        int64_t code = art_text_code(bytes_of(&a));
        uint64_t top = art_text_code_top(code);
        HOLDS(top >> ART_TEXT_CODE_BITS == 0);
        HOLDS(art_text_code_least(top) <= code && code <= art_text_code_largest(top));
        HOLDS(art_text_code_top(art_text_code_largest(top)) == top);
        HOLDS(art_text_code_top(art_text_code_least(top)) == top);
    }
}

TEST(test_which_texts_may_be_numbers) {
    static const char *const may[] = {"1",    "-1",  "+1.5",     ".5",         "1e5", "1E-5",
                                      " 12 ", "\t7", "20251127", "2025.11.27", "0"};
    static const char *const are_none[] = {"",   " ",  "-",     "a",   "2025-11-27", "12:30",
                                           "-a", "x1", "1234-", "12x", "\xc3\xa4"};
    for (unsigned i = 0; i < sizeof may / sizeof *may; i++)
        ck_assert_msg(art_text_may_be_number(art_bytes(may[i], (uint32_t)strlen(may[i]))), "%s", may[i]);
    for (unsigned i = 0; i < sizeof are_none / sizeof *are_none; i++)
        ck_assert_msg(!art_text_may_be_number(art_bytes(are_none[i], (uint32_t)strlen(are_none[i]))), "%s",
                      are_none[i]);
}

SUITE("text codes")
