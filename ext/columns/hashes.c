/* A number made of all values of a row, of which the sums of hashes are made (core/base/summary.h): what hash(*) and
 * hash(values) say of a table goes by it, so it is part of the format, and sql/sums.md says how it is made.
 *
 *     of a row      the sum, modulo 2^64, of its values' numbers
 *     of a value    XXH3-64 of two numbers, 8 bytes each, little-endian: 8 * column + kind, and
 *                       an integer itself; a real's bits; XXH3-64 of the bytes of a text or blob
 *
 * The first column of a record has number 1. A NULL has the number 0, as what a record that ends early lacks. Which
 * serial types, or which block, a value stands in is nothing. Where a record is damaged it ends.
 */
#include "core/base/hash.h"
#include "ext/columns/cells.h"

static inline uint64_t number_value(unsigned column, enum art_datum_kind kind, uint64_t number) {
    return art_hash64_pair(8 * (uint64_t)(column + 1) + kind, number);
}

static inline uint64_t number_real(unsigned column, double real) {
    uint64_t bits;
    real += 0.0; /* -0.0 is 0.0 */
    memcpy(&bits, &real, sizeof bits);
    return real == real ? number_value(column, ART_DATUM_REAL, bits) : 0;
}

static inline uint64_t number_bytes(unsigned column, enum art_datum_kind kind, const uint8_t *data, size_t len) {
    return number_value(column, kind, art_hash64(data, len));
}

static inline uint64_t number_datum(unsigned column, const struct art_datum *value) {
    switch (value->kind) {
    case ART_DATUM_INTEGER:
        return number_value(column, ART_DATUM_INTEGER, (uint64_t)value->integer);
    case ART_DATUM_REAL:
        return number_real(column, value->real);
    case ART_DATUM_TEXT:
    case ART_DATUM_BLOB:
        return number_bytes(column, value->kind, value->bytes.data, value->bytes.len);
    default:
        return 0;
    }
}

/* A value of the record that begins there. */
static inline uint64_t number_field(unsigned column, uint64_t serial, const uint8_t *body, uint64_t len,
                                    const uint8_t *record) {
    if (serial >= ART_SERIAL_BLOB)
        return number_bytes(column, serial & 1 ? ART_DATUM_TEXT : ART_DATUM_BLOB, body, (size_t)len);
    if (serial == ART_SERIAL_REAL) {
        uint64_t bits = __builtin_bswap64(art_load64(body));
        double real;
        memcpy(&real, &bits, sizeof real);
        return number_real(column, real);
    }
    int64_t integer;
    if (len && body + len - record >= 8) { /* its bytes are the last of eight */
        integer = (int64_t)(__builtin_bswap64(art_load64(body + len - 8)) << (64 - 8 * len)) >> (64 - 8 * len);
    } else {
        integer = art_serial_integer((uint32_t)serial, body);
    }
    return serial ? number_value(column, ART_DATUM_INTEGER, (uint64_t)integer) : 0;
}

uint64_t art_record_hash(struct art_bytes record) {
    const uint8_t *p = record.data, *end = p + record.len;
    uint64_t header, serial, hash = 0;
    uint32_t n = record.len ? art_record_number(p, end, &header) : 0;
    if (!n || header > record.len || header < n) return 0;
    const uint8_t *types_end = p + header, *body = types_end;
    p += n;
    for (unsigned column = 0; p < types_end; column++) {
        serial = *p;
        n = serial < 0x80 ? 1 : art_record_number(p, types_end, &serial);
        if (!n || serial == ART_SERIAL_NONE || serial == ART_SERIAL_NONE + 1) break;
        uint64_t len = serial >= ART_SERIAL_BLOB ? (serial - ART_SERIAL_BLOB) / 2 : art_serial_number_bytes[serial];
        if (len > (uint64_t)(end - body)) break;
        hash += number_field(column, serial, body, len, record.data);
        p += n;
        body += len;
    }
    return hash;
}

static bool is_the_same(const struct art_datum *a, const struct art_datum *b) {
    return a->kind == b->kind && a->kind >= ART_DATUM_TEXT && a->bytes.data == b->bytes.data &&
           a->bytes.len == b->bytes.len;
}

/* Rows that have a text from a dictionary point to the same place. */
static void add_column(unsigned column, const struct art_datum *values, unsigned count, uint64_t *hashes) {
    uint64_t last = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!i || !is_the_same(&values[i], &values[i - 1])) last = number_datum(column, &values[i]);
        hashes[i] += last;
    }
}

static void hash_rows(struct art_bytes block, unsigned columns, unsigned from, unsigned to, uint64_t *out) {
    uint8_t room[ART_BLOCK_PLAIN_MAX];
    struct art_datum values[ART_BLOCK_ROWS_MAX];
    for (unsigned column = 0; column < columns; column++) {
        art_block_column(block, column, from, to, room, values);
        add_column(column, values, to - from, out);
    }
}

static uint64_t hash_row(struct art_bytes block, unsigned columns, unsigned row) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    struct art_datum value;
    uint64_t hash = 0;
    for (unsigned column = 0; column < columns; column++) {
        if (!art_block_field(block, row, column, room, &value)) hash += number_datum(column, &value);
    }
    return hash;
}

void art_block_hashes(struct art_bytes block, unsigned from, unsigned to, uint64_t *out) {
    struct art_block opened;
    uint32_t serial;
    art_block_open(block, &opened, false);
    assert(from <= to && to <= opened.rows);
    memset(out, 0, (to - from) * sizeof *out);
    if (from + 1 == to) {
        out[0] = hash_row(block, opened.columns, from);
    } else if (from < to) {
        hash_rows(block, opened.columns, from, to, out);
    }
    const uint8_t *p = opened.raw.values;
    for (uint32_t i = 0; i < opened.raw.count; i++, p += art_serial_bytes(serial)) {
        uint32_t row = opened.raw.rows[i];
        p = art_serial_get(p, &serial);
        if (row >= from && row < to) out[row - from] = art_record_hash(art_bytes(p, art_serial_bytes(serial)));
    }
}
