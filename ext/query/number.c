/* Which texts may be equal to a number, and where the next one is.
 *
 * By numeric affinity a path is equal to 1000 if it is one of "1000", "+1000", "01000", "1e3", "1E+03", ".1e4",
 * " 1000.0 ", ... They lie far apart, among paths that begin with other digits. A scan goes through them as LIKE goes
 * through its spellings (pattern.c): a path is read as long as it may become a spelling. At the first byte that makes
 * it impossible the next possible beginning is sought:
 *
 *     number 100500     blanks  +  .  0...  1 10 100 1005 10050 100500      by bytes; behind each 'E', 'e'
 *     at  "100234/a"    '2' after "100" is none of ". 5 E e": '5' is the next, and a path may begin with "1005"
 *     at  "100500/a"    '/' after "100500": '0', since zeros may follow if an exponent follows these: "1005000"
 *     at  "1005017"     '1' after "10050 0": 'E': "100500E"
 *
 * What is told from a beginning: the sign; the significant digits, whatever zeros, point and exponent make of them;
 * and, as far as it goes, the exponent. All this only up to a rounding (TOLERANCE), for SQLite has the last word on
 * each row. Of zero, and of very large or small numbers, any digits may be a spelling (1e-999 is 0), which is a walk
 * through all.
 */
#include "ext/query/scan.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static const char bytes_in_order[] = "\0\t\n\v\f\r +-.0123456789Ee";
enum { BYTES = sizeof bytes_in_order - 1, DIGITS_FREELY = 30 };
static const double TOLERANCE = 2e-14; /* more than art_numbers_are_near() allows */

void art_number_set(struct art_number *number, double value) {
    double digits = value < 0 ? -value : value;
    *number = (struct art_number){.value = value, .negative = value < 0};
    for (; digits >= 10 && number->exponent < DIGITS_FREELY; number->exponent++) digits /= 10;
    for (; digits < 1 && number->exponent > -DIGITS_FREELY; number->exponent--) digits *= 10;
    number->any_digits = !(digits >= 1 && digits < 10);
    number->low = digits * (1 - TOLERANCE);
    number->high = digits * (1 + TOLERANCE);
}

/* --- reading a whole text ----------------------------------------------------------------------------------------- */

static locale_t numbers_with_points;

static void make_locale(void) {
    numbers_with_points = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
}

/* strtod() knows hexadecimal numbers, infinities and NaN, too; SQLite takes these for texts. */
bool art_number_read(const char *text, double *out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    char *end;
    if (strpbrk(text, "xXnN")) return false;
    *out = numbers_with_points ? strtod_l(text, &end, numbers_with_points) : strtod(text, &end);
    return end != text && end[strspn(end, " \t\n\v\f\r")] == 0;
}

bool art_numbers_are_near(double a, double b) {
    return fabs(a - b) <= fabs(b) * 1e-14 + DBL_MIN;
}

/* --- reading a path byte by byte ---------------------------------------------------------------------------------- */

enum part {
    BLANKS,
    SIGN,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
    BLANKS_BEHIND,
    BEHIND_NUL
};

struct reading {
    enum part part;
    bool significant;    /* a digit other than 0 was there: */
    double digits, unit; /* from it on, the first before the point; what the next digit counts */
    int64_t shift;       /* digits * 10^shift is the number so far */
    bool exponent_negative;
    int64_t exponent;
};

/* The digits from `low` to `high`; 9.99999999999999999 may be a 1 that is ten times as large. */
static bool digits_may(const struct art_number *number, double low, double high) {
    return number->any_digits || (low <= number->high && high >= number->low) ||
           (low <= number->high * 10 && high >= number->low * 10) ||
           (low <= number->high / 10 && high >= number->low / 10);
}

/* Does the exponent that is wanted, give or take one for the rounding, begin with these digits? All of it, if
 * `whole`. */
static bool exponent_may(const struct art_number *number, const struct reading *reading, bool whole) {
    for (int64_t rounding = -1; rounding <= 1; rounding++) {
        int64_t wanted = number->exponent - reading->shift + rounding;
        if (wanted && reading->exponent_negative != (wanted < 0)) continue;
        if (wanted < 0) wanted = -wanted;
        while (!whole && wanted > reading->exponent) wanted /= 10;
        if (wanted == reading->exponent) return true;
    }
    return number->any_digits;
}

static bool is_complete(const struct art_number *number, const struct reading *reading) {
    enum part part = reading->part;
    if (part != DIGITS && part != FRACTION && part != EXPONENT_DIGITS) return part == BLANKS_BEHIND;
    if (number->any_digits) return true;
    return reading->significant && digits_may(number, reading->digits, reading->digits) &&
           exponent_may(number, reading, true);
}

static bool read_digit(const struct art_number *number, struct reading *reading, unsigned digit) {
    bool fraction = reading->part == POINT || reading->part == FRACTION;
    bool unsigned_negative = reading->part == BLANKS && number->negative;
    reading->part = fraction ? FRACTION : DIGITS;
    if (!reading->significant && !digit) {
        reading->shift -= fraction;
        return !unsigned_negative;
    }
    if (!reading->significant) {
        reading->significant = true;
        reading->unit = 1;
        reading->shift -= fraction;
    } else {
        reading->shift += !fraction;
    }
    double low = reading->digits += digit * reading->unit, high = low + reading->unit;
    reading->unit /= 10;
    return !unsigned_negative && digits_may(number, low, high);
}

static bool read_exponent_digit(const struct art_number *number, struct reading *reading, unsigned digit) {
    reading->part = EXPONENT_DIGITS;
    if (reading->exponent < 100000) reading->exponent = reading->exponent * 10 + digit;
    return exponent_may(number, reading, false);
}

static bool read_mark(const struct art_number *number, struct reading *reading, char mark) {
    enum part part = reading->part;
    switch (mark) {
    case '+':
    case '-':
        reading->part = part == EXPONENT ? EXPONENT_SIGN : SIGN;
        if (part == EXPONENT) reading->exponent_negative = mark == '-';
        if (part == EXPONENT) return exponent_may(number, reading, false);
        return part == BLANKS && (number->negative == (mark == '-') || number->value == 0);
    case '.':
        reading->part = part == DIGITS ? FRACTION : POINT;
        return part == DIGITS || part == SIGN || (part == BLANKS && !number->negative);
    default: /* 'e' */
        reading->part = EXPONENT;
        if (part != DIGITS && part != FRACTION) return false;
        return number->any_digits || (reading->significant && digits_may(number, reading->digits, reading->digits));
    }
}

/* False: what begins so far is equal to the number in no case. */
static bool read_byte(const struct art_number *number, struct reading *reading, uint8_t byte) {
    enum part part = reading->part;
    if (part == BEHIND_NUL) return true;
    if (byte >= '0' && byte <= '9') {
        if (part <= FRACTION) return read_digit(number, reading, byte - '0');
        return part <= EXPONENT_DIGITS && read_exponent_digit(number, reading, byte - '0');
    }
    switch (byte) {
    case 0: /* SQLite may see an end here */
    case '\t':
    case '\n':
    case '\v':
    case '\f':
    case '\r':
    case ' ':
        if (byte && part == BLANKS) return true;
        if (!is_complete(number, reading)) return false;
        reading->part = byte ? BLANKS_BEHIND : BEHIND_NUL;
        return true;
    case '+':
    case '-':
    case '.':
    case 'e':
    case 'E':
        return read_mark(number, reading, (char)byte);
    default:
        return false;
    }
}

/* --- the next beginning ------------------------------------------------------------------------------------------- */

/* The nearest byte behind (before) this one that may stand in its place, or -1. */
static int other_byte(const struct art_number *number, const struct reading *reading, uint8_t byte, bool descending) {
    for (int i = 0; i < BYTES; i++) {
        uint8_t other = (uint8_t)bytes_in_order[descending ? BYTES - 1 - i : i];
        struct reading with_it = *reading;
        if (descending ? other >= byte : other <= byte) continue;
        if (read_byte(number, &with_it, other)) return other;
    }
    return -1;
}

enum art_number_way art_number_next(const struct art_number *number, struct art_bytes path, bool descending,
                                    struct art_buffer *seek) {
    struct reading reading = {0};
    uint32_t turn = 0;
    int turned = -1;
    bool possible = true;
    for (uint32_t i = 0; i < path.len && possible; i++) {
        int other = other_byte(number, &reading, path.data[i], descending);
        if (other >= 0) {
            turn = i;
            turned = other;
        }
        possible = read_byte(number, &reading, path.data[i]);
    }
    if (possible) return ART_NUMBER_STEP;
    if (turned < 0) return ART_NUMBER_NONE;
    uint8_t last = (uint8_t)(descending ? turned + 1 : turned);
    seek->len = 0;
    bool failed = art_buffer_append(seek, path.data, turn) || art_buffer_append(seek, &last, 1);
    return failed ? ART_NUMBER_NOMEM : ART_NUMBER_SEEK;
}
