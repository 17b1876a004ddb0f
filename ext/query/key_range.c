/* Where a statement's conditions on the key meet: a range of keys. */
#include "ext/query/scan.h"

#include <math.h>

void art_wanted_reset(struct art_wanted *wanted) {
    wanted->range = (struct art_range){0};
    wanted->empty = false;
    wanted->rc = SQLITE_OK;
}

void art_wanted_clear(struct art_wanted *wanted) {
    art_buffer_clear(&wanted->low);
    art_buffer_clear(&wanted->high);
    art_buffer_clear(&wanted->scratch);
}

static void keep_bound(struct art_wanted *wanted, struct art_buffer *buffer, struct art_bytes from,
                       struct art_bytes *to) {
    buffer->len = 0;
    if (art_buffer_append(buffer, from.data, from.len)) wanted->rc = SQLITE_NOMEM;
    *to = art_buffer_bytes(buffer);
}

void art_wanted_low(struct art_wanted *wanted, struct art_bytes low, bool open) {
    struct art_range *range = &wanted->range;
    if (low.len > ART_PATH_MAX) { /* what is above it is above its longest possible beginning */
        low.len = ART_PATH_MAX;
        open = true;
    }
    int c = range->low_set ? art_bytes_compare(low, range->low) : 1;
    if (c > 0) keep_bound(wanted, &wanted->low, low, &range->low);
    if (c >= 0) range->low_open = c == 0 ? range->low_open || open : open;
    range->low_set = true;
}

void art_wanted_high(struct art_wanted *wanted, struct art_bytes high, bool open) {
    struct art_range *range = &wanted->range;
    if (high.len > ART_PATH_MAX) {
        high.len = ART_PATH_MAX;
        open = false;
    }
    int c = range->high_set ? art_bytes_compare(high, range->high) : -1;
    if (c < 0) keep_bound(wanted, &wanted->high, high, &range->high);
    if (c <= 0) range->high_open = c == 0 ? range->high_open || open : open;
    range->high_set = true;
}

void art_wanted_prefix(struct art_wanted *wanted, struct art_bytes prefix) {
    struct art_range range;
    if (prefix.len > ART_PATH_MAX) wanted->empty = true;
    if (prefix.len > ART_PATH_MAX || prefix.len == 0) return;
    wanted->scratch.len = 0;
    if (art_buffer_reserve(&wanted->scratch, prefix.len)) {
        wanted->rc = SQLITE_NOMEM;
        return;
    }
    art_range_of_prefix(prefix, wanted->scratch.data, &range);
    art_wanted_low(wanted, range.low, false);
    if (range.high_set) art_wanted_high(wanted, range.high, true);
}

bool art_wanted_has(const struct art_wanted *wanted, struct art_bytes path) {
    const struct art_range *range = &wanted->range;
    int low = range->low_set ? art_bytes_compare(path, range->low) : 1;
    int high = range->high_set ? art_bytes_compare(path, range->high) : -1;
    return (low > 0 || (low == 0 && !range->low_open)) && (high < 0 || (high == 0 && !range->high_open));
}

static const uint8_t colon[] = ":"; /* behind '9', behind all signs and blanks */

struct art_range art_range_of_numbers(const struct art_range *range) {
    struct art_range out = *range;
    if (out.high_set && art_bytes_compare(out.high, art_bytes(colon, 1)) < 0) return out;
    out.high = art_bytes(colon, 1);
    out.high_set = out.high_open = true;
    return out;
}

void art_wanted_finish(struct art_wanted *wanted) {
    const struct art_range *range = &wanted->range;
    if (!range->low_set || !range->high_set) return;
    int c = art_bytes_compare(range->low, range->high);
    if (c > 0 || (c == 0 && (range->low_open || range->high_open))) wanted->empty = true;
}

static void compare_text(struct art_wanted *wanted, enum art_argument comparison, sqlite3_value *value) {
    struct art_bytes text;
    if (!art_value_bytes(value, &text)) {
        wanted->rc = SQLITE_NOMEM;
        return;
    }
    bool equal = comparison == ART_ARGUMENT_EQUAL;
    if (equal && text.len > ART_PATH_MAX) wanted->empty = true;
    if (equal || comparison == ART_ARGUMENT_GREATER || comparison == ART_ARGUMENT_GREATER_EQUAL) {
        art_wanted_low(wanted, text, comparison == ART_ARGUMENT_GREATER);
    }
    if (equal || comparison == ART_ARGUMENT_LESS || comparison == ART_ARGUMENT_LESS_EQUAL) {
        art_wanted_high(wanted, text, comparison == ART_ARGUMENT_LESS);
    }
}

/* A number that may have to be compared as a number. */
static void compare_number(struct art_wanted *wanted, enum art_argument comparison, sqlite3_value *value) {
    if (comparison == ART_ARGUMENT_GREATER || comparison == ART_ARGUMENT_GREATER_EQUAL) return;
    if (isinf(sqlite3_value_double(value))) return; /* its text is Inf */
    art_wanted_high(wanted, art_bytes(colon, 1), true);
}

void art_wanted_compare(struct art_wanted *wanted, enum art_argument comparison, sqlite3_value *value, bool as_text) {
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) {
        wanted->empty = true;
    } else if (type == SQLITE_BLOB) { /* every text is below every blob */
        if (comparison != ART_ARGUMENT_LESS && comparison != ART_ARGUMENT_LESS_EQUAL) wanted->empty = true;
    } else if (as_text) {
        compare_text(wanted, comparison, value);
    } else {
        compare_number(wanted, comparison, value);
    }
}
