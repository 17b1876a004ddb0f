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
enum { RANGE_LEAST = 256, DATE_BYTES = 23 };
_Static_assert(RANGE_22 >= RANGE_LEAST && RANGE_23 < RANGE_LEAST, "a date has no more bytes");

/* The expected bytes: the first, and how many; what is left of the range behind one; where the first one's begins. */
struct expected {
    uint8_t first, count;
    uint64_t range, part, at;
};
#define EXPECTED(first, last, range, part)                                                                             \
    { (first), (last) - (first) + 1, (range), (part), ((range) >> 4) + (uint64_t)(first) * ((range) >> 12) }

static const struct expected date[DATE_BYTES] = {
    EXPECTED('1', '2', RANGE_0, RANGE_1),   EXPECTED('0', '9', RANGE_1, RANGE_2),
    EXPECTED('0', '9', RANGE_2, RANGE_3),   EXPECTED('0', '9', RANGE_3, RANGE_4),
    EXPECTED('-', '-', RANGE_4, RANGE_5),   EXPECTED('0', '1', RANGE_5, RANGE_6),
    EXPECTED('0', '9', RANGE_6, RANGE_7),   EXPECTED('-', '-', RANGE_7, RANGE_8),
    EXPECTED('0', '3', RANGE_8, RANGE_9),   EXPECTED('0', '9', RANGE_9, RANGE_10),
    EXPECTED(' ', 'T', RANGE_10, RANGE_11), EXPECTED('0', '2', RANGE_11, RANGE_12),
    EXPECTED('0', '9', RANGE_12, RANGE_13), EXPECTED(':', ':', RANGE_13, RANGE_14),
    EXPECTED('0', '5', RANGE_14, RANGE_15), EXPECTED('0', '9', RANGE_15, RANGE_16),
    EXPECTED(':', ':', RANGE_16, RANGE_17), EXPECTED('0', '5', RANGE_17, RANGE_18),
    EXPECTED('0', '9', RANGE_18, RANGE_19), EXPECTED('.', '.', RANGE_19, RANGE_20),
    EXPECTED('0', '9', RANGE_20, RANGE_21), EXPECTED('0', '9', RANGE_21, RANGE_22),
    EXPECTED('0', '9', RANGE_22, RANGE_23),
};

enum { PRINTABLE_FIRST = ' ', PRINTABLE_COUNT = '~' - ' ' + 1, PRINTABLE_SHARE = 2 };

/* Where the range of a byte begins that is not among these. */
static uint64_t at_unexpected(const struct expected *expected, uint8_t byte) {
    uint64_t small = expected->range >> 12;
    if (byte < expected->first) return (expected->range >> 4) + byte * small;
    assert(byte - expected->first >= expected->count);
    return expected->at + expected->count * expected->part + (byte - expected->first - expected->count) * small;
}

static uint64_t code_on(uint64_t low, uint64_t range, const uint8_t *at, const uint8_t *end) {
    for (; at < end && range >= RANGE_LEAST; at++) {
        uint64_t part = (range >> 8) * PRINTABLE_SHARE;
        uint8_t number = (uint8_t)(*at - PRINTABLE_FIRST);
        if (number < PRINTABLE_COUNT) {
            low += (range >> 4) + PRINTABLE_FIRST * (range >> 12) + number * part;
            range = part;
            continue;
        }
        const struct expected printable = {PRINTABLE_FIRST, PRINTABLE_COUNT, range, part,
                                           (range >> 4) + PRINTABLE_FIRST * (range >> 12)};
        low += at_unexpected(&printable, *at);
        range >>= 12;
    }
    return low;
}

int64_t art_text_code(struct art_bytes text) {
    const uint8_t *data = text.data;
    uint32_t i = 0, most = text.len < DATE_BYTES ? text.len : DATE_BYTES;
    uint64_t low = 0;
    for (; i < most; i++) {
        uint8_t number = (uint8_t)(data[i] - date[i].first);
        if (number >= date[i].count) break;
        low += date[i].at + number * date[i].part;
    }
    if (i < most) {
        low += at_unexpected(&date[i], data[i]);
        low = code_on(low, date[i].range >> 12, data + i + 1, data + text.len);
    }
    return (int64_t)(low ^ (uint64_t)1 << 63);
}

static bool is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool art_text_may_be_number(struct art_bytes text) {
    const uint8_t *at = text.data, *end = at + text.len;
    if (text.len > 4 && at[4] == '-' && is_digit(at[3])) return false; /* a date */
    while (at < end && is_space(*at)) at++;
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end || (!is_digit(*at) && *at != '.')) return false;
    while (at < end && is_digit(*at)) at++;
    return at == end || !*at || *at == '.' || *at == 'e' || *at == 'E' || is_space(*at);
}
