/* Where a statement's conditions on the key meet: a range of keys. */
#include <assert.h>

#include "ext/query/scan.h"

#include <math.h>

void art_key_range_clear(struct art_key_range *keys) {
    art_buffer_clear(&keys->low);
    art_buffer_clear(&keys->high);
    art_buffer_clear(&keys->scratch);
}

static void keep_bound(struct art_key_range *keys, struct art_buffer *buffer, struct art_bytes from,
                       struct art_bytes *to) {
    assert(from.len <= ART_PATH_MAX);
    if (art_buffer_set(buffer, from.data, from.len)) keys->rc = SQLITE_NOMEM;
    *to = art_buffer_bytes(buffer);
}

void art_key_range_low(struct art_key_range *keys, struct art_bytes low, bool open) {
    struct art_range *range = &keys->range;
    if (low.len > ART_PATH_MAX) { /* what is above it is above its longest possible beginning */
        low.len = ART_PATH_MAX;
        open = true;
    }
    int c = range->low_set ? art_bytes_compare(low, range->low) : 1;
    if (c > 0) keep_bound(keys, &keys->low, low, &range->low);
    if (c >= 0) range->low_open = c == 0 ? range->low_open || open : open;
    range->low_set = true;
}

void art_key_range_high(struct art_key_range *keys, struct art_bytes high, bool open) {
    struct art_range *range = &keys->range;
    if (high.len > ART_PATH_MAX) {
        high.len = ART_PATH_MAX;
        open = false;
    }
    int c = range->high_set ? art_bytes_compare(high, range->high) : -1;
    if (c < 0) keep_bound(keys, &keys->high, high, &range->high);
    if (c <= 0) range->high_open = c == 0 ? range->high_open || open : open;
    range->high_set = true;
}

void art_key_range_prefix(struct art_key_range *keys, struct art_bytes prefix) {
    struct art_range range;
    if (prefix.len > ART_PATH_MAX) keys->empty = true;
    if (prefix.len > ART_PATH_MAX || prefix.len == 0) return;
    keys->scratch.len = 0;
    if (art_buffer_reserve(&keys->scratch, prefix.len)) {
        keys->rc = SQLITE_NOMEM;
        return;
    }
    art_range_of_prefix(prefix, keys->scratch.data, &range);
    art_key_range_low(keys, range.low, false);
    if (range.high_set) art_key_range_high(keys, range.high, true);
}

bool art_key_range_has(const struct art_range *range, struct art_bytes path) {
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

void art_key_range_finish(struct art_key_range *keys) {
    const struct art_range *range = &keys->range;
    if (!range->low_set || !range->high_set) return;
    int c = art_bytes_compare(range->low, range->high);
    if (c > 0 || (c == 0 && (range->low_open || range->high_open))) keys->empty = true;
}

static void compare_bytes(struct art_key_range *keys, enum art_argument comparison, sqlite3_value *value) {
    struct art_bytes bytes;
    if (!art_value_bytes(value, &bytes)) {
        keys->rc = SQLITE_NOMEM;
        return;
    }
    bool equal = comparison == ART_ARGUMENT_EQUAL;
    if (equal && bytes.len > ART_PATH_MAX) keys->empty = true;
    if (equal || comparison == ART_ARGUMENT_GREATER || comparison == ART_ARGUMENT_GREATER_EQUAL) {
        art_key_range_low(keys, bytes, comparison == ART_ARGUMENT_GREATER);
    }
    if (equal || comparison == ART_ARGUMENT_LESS || comparison == ART_ARGUMENT_LESS_EQUAL) {
        art_key_range_high(keys, bytes, comparison == ART_ARGUMENT_LESS);
    }
}

/* Numbers are below every text, and texts below every BLOB. */
void art_key_range_compare(struct art_key_range *keys, enum art_argument comparison, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    bool is_key = type == (keys->of_blobs ? SQLITE_BLOB : SQLITE_TEXT);
    if (type == SQLITE_NULL) {
        keys->empty = true;
    } else if (is_key) {
        compare_bytes(keys, comparison, value);
    } else if (keys->of_blobs) {
        if (comparison != ART_ARGUMENT_GREATER && comparison != ART_ARGUMENT_GREATER_EQUAL) keys->empty = true;
    } else if (type == SQLITE_BLOB) {
        if (comparison != ART_ARGUMENT_LESS && comparison != ART_ARGUMENT_LESS_EQUAL) keys->empty = true;
    } else if (comparison != ART_ARGUMENT_GREATER && comparison != ART_ARGUMENT_GREATER_EQUAL) {
        /* A number, which SQLite may compare as one. (The text of an infinite one is Inf.) */
        if (!isinf(sqlite3_value_double(value))) art_key_range_high(keys, art_bytes(colon, 1), true);
    }
}
