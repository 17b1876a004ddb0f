#include "core/base/value_hash.h"

#include <assert.h>
#include <string.h>

#include "core/base/hash.h"

static uint32_t hash_bytes(struct art_bytes bytes) {
    return bytes.len ? (uint32_t)(art_hash64(bytes.data, bytes.len) >> 32) : 0;
}

static uint32_t hash_number(uint64_t bits) {
    uint8_t bytes[8];
    art_store64(bytes, bits);
    return hash_bytes(art_bytes(bytes, sizeof bytes));
}

static uint32_t hash_real(double real) {
    uint64_t bits;
    if (real >= -ART_TWO_63 && real < ART_TWO_63 && (double)(int64_t)real == real)
        return hash_number((uint64_t)(int64_t)real);
    memcpy(&bits, &real, sizeof bits);
    return hash_number(bits);
}

/* So few that the number fits. */
enum { DIGITS_MAX = 18 };

static bool read_digits(struct art_bytes text, int64_t *out) {
    if (!text.len || text.len > DIGITS_MAX + 1) return false;
    const uint8_t *at = text.data, *end = at + text.len;
    bool negative = *at == '-';
    uint64_t number = 0;
    at += *at == '-' || *at == '+';
    if (at == end || end - at > DIGITS_MAX) return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return false;
        number = number * 10 + (*at - '0');
    }
    *out = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* As SQLite writes an infinity. It does not read these texts as numbers. */
static bool is_infinity(struct art_bytes text) {
    return (text.len == 3 && !memcmp(text.data, "Inf", 3)) || (text.len == 4 && !memcmp(text.data, "-Inf", 4));
}

/* May SQLite read the text as a number, or write a number as this text? Never, if it has any other byte. Newer versions
 * read up to a NUL. */
bool art_text_may_equal_number(struct art_bytes text) {
    if (is_infinity(text)) return true;
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!c) break;
        bool digit = c >= '0' && c <= '9', space = c == ' ' || (c >= '\t' && c <= '\r');
        if (!digit && !space && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') return false;
    }
    return text.len;
}

unsigned art_value_hashes(const struct art_datum *datum, uint32_t out[ART_VALUE_HASHES]) {
    assert(datum->kind <= ART_DATUM_BEYOND);
    int64_t number;
    if (datum->kind == ART_DATUM_NULL || datum->kind == ART_DATUM_BEYOND) return 0;
    if (datum->kind >= ART_DATUM_TEXT && datum->by == ART_BY_HASHES) {
        out[0] = (uint32_t)datum->hashes;
        out[1] = ART_HASH_ODD;
        return datum->hashes >> 32 & 1 ? 2 : 1;
    }
    out[1] = ART_HASH_ODD;
    bool text = datum->kind == ART_DATUM_TEXT;
    if (datum->kind == ART_DATUM_INTEGER) {
        out[0] = hash_number((uint64_t)datum->integer);
    } else if (datum->kind == ART_DATUM_REAL) {
        out[0] = hash_real(datum->real);
    } else if (text && read_digits(datum->bytes, &number)) {
        out[0] = hash_number((uint64_t)number);
    } else {
        out[0] = hash_bytes(datum->bytes);
        if (text && art_text_may_equal_number(datum->bytes)) return 2;
    }
    return 1;
}

static bool has_hash(const struct art_term_query *query, uint32_t hash) {
    assert(!query->count || query->term);
    uint32_t low = 0, high = query->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (query->term[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < query->count && query->term[low] == hash;
}

bool art_value_has_hash(const struct art_datum *datum, const struct art_term_query *query) {
    uint32_t hash[ART_VALUE_HASHES];
    assert(query->field < ART_FIELD_SEARCHES);
    unsigned count = art_value_hashes(datum, hash);
    assert(count <= ART_VALUE_HASHES);
    for (unsigned i = 0; i < count; i++) {
        if (has_hash(query, hash[i])) return true;
    }
    return false;
}
