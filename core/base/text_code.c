#include "core/base/text_code.h"

#include <assert.h>

/* How a range is divided:
 *
 *     1/16          the text ends
 *     1/4096 each   bytes before the expected ones
 *     share/256     each of the expected ones; all of them together at most 224/256
 *     1/4096 each   bytes behind them
 *
 * RANGE_n is left behind n expected bytes of a date, whatever they are. So its codes are sums, without a range that
 * would have to be carried along. */
#define PART(range, share) (((range) >> 8) * (uint64_t)(share))
#define RANGE_0            UINT64_MAX
#define RANGE_1            PART(RANGE_0, 112)
#define RANGE_2            PART(RANGE_1, 22)
#define RANGE_3            PART(RANGE_2, 22)
#define RANGE_4            PART(RANGE_3, 22)
#define RANGE_5            PART(RANGE_4, 224)
#define RANGE_6            PART(RANGE_5, 112)
#define RANGE_7            PART(RANGE_6, 22)
#define RANGE_8            PART(RANGE_7, 224)
#define RANGE_9            PART(RANGE_8, 56)
#define RANGE_10           PART(RANGE_9, 22)
#define RANGE_11           PART(RANGE_10, 4)
#define RANGE_12           PART(RANGE_11, 74)
#define RANGE_13           PART(RANGE_12, 22)
#define RANGE_14           PART(RANGE_13, 224)
#define RANGE_15           PART(RANGE_14, 37)
#define RANGE_16           PART(RANGE_15, 22)
#define RANGE_17           PART(RANGE_16, 224)
#define RANGE_18           PART(RANGE_17, 37)
#define RANGE_19           PART(RANGE_18, 22)
#define RANGE_20           PART(RANGE_19, 224)
#define RANGE_21           PART(RANGE_20, 22)
#define RANGE_22           PART(RANGE_21, 22)
#define RANGE_23           PART(RANGE_22, 22)

/* Of a range smaller than this nothing more is told apart. */
enum { RANGE_LEAST = 256, SECONDS_BYTES = 19, DATE_BYTES = 23 };
_Static_assert(RANGE_22 >= RANGE_LEAST && RANGE_23 < RANGE_LEAST, "a date has no more bytes");

/* The expected bytes of a date: the first and the last one, and the ranges before and behind it. */
#define DATE_OF_SECONDS(X)                                                                                             \
    X('1', '2', RANGE_0, RANGE_1)                                                                                      \
    X('0', '9', RANGE_1, RANGE_2)                                                                                      \
    X('0', '9', RANGE_2, RANGE_3)                                                                                      \
    X('0', '9', RANGE_3, RANGE_4)                                                                                      \
    X('-', '-', RANGE_4, RANGE_5)                                                                                      \
    X('0', '1', RANGE_5, RANGE_6)                                                                                      \
    X('0', '9', RANGE_6, RANGE_7)                                                                                      \
    X('-', '-', RANGE_7, RANGE_8)                                                                                      \
    X('0', '3', RANGE_8, RANGE_9)                                                                                      \
    X('0', '9', RANGE_9, RANGE_10)                                                                                     \
    X(' ', 'T', RANGE_10, RANGE_11)                                                                                    \
    X('0', '2', RANGE_11, RANGE_12)                                                                                    \
    X('0', '9', RANGE_12, RANGE_13)                                                                                    \
    X(':', ':', RANGE_13, RANGE_14)                                                                                    \
    X('0', '5', RANGE_14, RANGE_15)                                                                                    \
    X('0', '9', RANGE_15, RANGE_16)                                                                                    \
    X(':', ':', RANGE_16, RANGE_17)                                                                                    \
    X('0', '5', RANGE_17, RANGE_18)                                                                                    \
    X('0', '9', RANGE_18, RANGE_19)
#define DATE_FRACTION(X)                                                                                               \
    X('.', '.', RANGE_19, RANGE_20)                                                                                    \
    X('0', '9', RANGE_20, RANGE_21)                                                                                    \
    X('0', '9', RANGE_21, RANGE_22)                                                                                    \
    X('0', '9', RANGE_22, RANGE_23)

/* Behind a first byte that begins no date. */
#define PLAIN_0 (RANGE_0 >> 12)
#define PLAIN_1 PART(PLAIN_0, 2)
#define PLAIN_2 PART(PLAIN_1, 2)
#define PLAIN_3 PART(PLAIN_2, 2)
#define PLAIN_4 PART(PLAIN_3, 2)
#define PLAIN_5 PART(PLAIN_4, 2)
#define PLAIN_6 PART(PLAIN_5, 2)
#define PLAIN_7 PART(PLAIN_6, 2)
#define PLAIN(X)                                                                                                       \
    X(' ', '~', PLAIN_0, PLAIN_1)                                                                                      \
    X(' ', '~', PLAIN_1, PLAIN_2)                                                                                      \
    X(' ', '~', PLAIN_2, PLAIN_3)                                                                                      \
    X(' ', '~', PLAIN_3, PLAIN_4)                                                                                      \
    X(' ', '~', PLAIN_4, PLAIN_5)                                                                                      \
    X(' ', '~', PLAIN_5, PLAIN_6)                                                                                      \
    X(' ', '~', PLAIN_6, PLAIN_7)
enum { PLAIN_BYTES = 7 };
_Static_assert(PLAIN_6 >= RANGE_LEAST && PLAIN_7 < RANGE_LEAST, "no further byte is told apart");

/* Where the range of a byte begins: CODE_AT() + byte * part. */
#define CODE_AT(first, last, range, part)                                                                              \
    (((range) >> 4) + (uint64_t)(first) * ((range) >> 12) - (uint64_t)(first) * (part))
struct expected {
    uint8_t first, count;
    uint64_t range, part, at;
};
#define EXPECTED(first, last, range, part)                                                                             \
    {(first), (last) - (first) + 1, (range), (part), CODE_AT(first, last, range, part)},

static const struct expected date[] = {DATE_OF_SECONDS(EXPECTED) DATE_FRACTION(EXPECTED)};
static const struct expected plain[] = {PLAIN(EXPECTED)};
_Static_assert(sizeof date == DATE_BYTES * sizeof *date && sizeof plain == PLAIN_BYTES * sizeof *plain, "bytes");

/* Where the range of a byte begins that is not among these. */
static uint64_t at_unexpected(const struct expected *expected, uint8_t byte) {
    uint64_t small = expected->range >> 12;
    if (byte < expected->first) return (expected->range >> 4) + byte * small;
    uint8_t above = (uint8_t)(byte - expected->first - expected->count);
    return expected->at + (uint64_t)(expected->first + expected->count) * expected->part + above * small;
}

/* The sum of those bytes that are as expected; *n: how many. */
static uint64_t along(const struct expected *expected, const uint8_t *data, uint32_t most, uint32_t *n) {
    uint64_t low = 0;
    uint32_t i = *n;
    for (; i < most && (uint8_t)(data[i] - expected[i].first) < expected[i].count; i++)
        low += expected[i].at + data[i] * expected[i].part;
    *n = i;
    return low;
}

static uint64_t code_on(uint64_t range, const uint8_t *at, const uint8_t *end) {
    uint64_t low = 0;
    for (; at < end && range >= RANGE_LEAST; at++) {
        uint64_t part = PART(range, 2);
        const struct expected printable = {' ', '~' - ' ' + 1, range, part, CODE_AT(' ', '~', range, part)};
        uint32_t n = 0;
        low += along(&printable, at, 1, &n);
        if (!n) low += at_unexpected(&printable, *at);
        range = n ? part : range >> 12;
    }
    return low;
}

/* Of a text whose first byte begins no date, the bytes behind that. */
static uint64_t code_plain(const uint8_t *data, uint32_t len) {
    uint32_t n = 0, most = len < PLAIN_BYTES ? len : PLAIN_BYTES;
    uint64_t low = along(plain, data, most, &n);
    if (n == most) return low;
    return low + at_unexpected(&plain[n], data[n]) + code_on(plain[n].range >> 12, data + n + 1, data + len);
}

/* Eight bytes in memory. */
#define EIGHT_BYTES(a, b, c, d, e, f, g, h)                                                                            \
    ((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 | (uint64_t)(d) << 24 | (uint64_t)(e) << 32 |            \
     (uint64_t)(f) << 40 | (uint64_t)(g) << 48 | (uint64_t)(h) << 56)

/* Has one of these bytes other bits than `bits`, and is more than `most` with these? Of each byte its highest bit. */
static inline uint64_t are_beyond(const uint8_t *data, uint64_t bits, uint64_t most) {
    uint64_t rest = art_load64(data) ^ bits;
    return ((rest + (EIGHT_BYTES(127, 127, 127, 127, 127, 127, 127, 127) - most)) | rest) &
           EIGHT_BYTES(128, 128, 128, 128, 128, 128, 128, 128);
}

/* Are all bytes of a date with its time as expected? Most texts of dates are such ones. */
static inline bool is_whole(const uint8_t *data) {
    uint64_t beyond =
        are_beyond(data, EIGHT_BYTES('0', '0', '0', '0', '-', '0', '0', '-'), EIGHT_BYTES(2, 9, 9, 9, 0, 1, 9, 0)) |
        are_beyond(data + 8, EIGHT_BYTES('0', '0', 0, '0', '0', ':', '0', '0'), EIGHT_BYTES(3, 9, 127, 2, 9, 0, 5, 9)) |
        are_beyond(data + 11, EIGHT_BYTES('0', '0', ':', '0', '0', ':', '0', '0'), EIGHT_BYTES(2, 9, 0, 5, 9, 0, 5, 9));
    return !beyond && data[0] != '0' && (uint8_t)(data[10] - ' ') <= 'T' - ' ';
}

static inline uint64_t code_of_whole(const uint8_t *data) {
#define PLUS_AT(first, last, range, part)  +CODE_AT(first, last, range, part)
#define ADD_BYTE(first, last, range, part) low += *data++ * (part);
    uint64_t low = DATE_OF_SECONDS(PLUS_AT);
    DATE_OF_SECONDS(ADD_BYTE)
    return low;
}

int64_t art_text_code(struct art_bytes text) {
    const uint8_t *data = text.data;
    uint32_t i = 0, most = text.len < DATE_BYTES ? text.len : DATE_BYTES;
    uint64_t low = 0;
    if (text.len >= SECONDS_BYTES && is_whole(data)) {
        low = code_of_whole(data);
        i = SECONDS_BYTES;
    }
    low += along(date, data, most, &i);
    if (i < most) {
        low += at_unexpected(&date[i], data[i]);
        low += i ? code_on(date[i].range >> 12, data + i + 1, data + text.len) : code_plain(data + 1, text.len - 1);
    }
    return (int64_t)(low ^ (uint64_t)1 << 63);
}

static bool is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool art_text_looks_like_number(struct art_bytes text) {
    const uint8_t *at = text.data, *end = at + text.len;
    while (at < end && is_space(*at)) at++;
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end || (!is_digit(*at) && *at != '.')) return false;
    while (at < end && is_digit(*at)) at++;
    return at == end || !*at || *at == '.' || *at == 'e' || *at == 'E' || is_space(*at);
}
