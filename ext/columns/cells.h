/* What the files of this room share: serial types, and a column of a block, opened. Private. */
#ifndef ART_EXT_CELLS_H
#define ART_EXT_CELLS_H

#include "core/base/row_set.h"
#include "ext/columns/block_format.h"
#include "ext/columns/columns.h"

/* --- serial types (ext/base/value.c) ------------------------------------------------------------------------------ */

enum { ART_SERIAL_REAL = 7, ART_SERIAL_ZERO = 8, ART_SERIAL_NONE = 10, ART_SERIAL_BLOB = 12, ART_SERIAL_TEXT = 13 };

extern const uint8_t art_serial_number_bytes[16];
/* By how many bits an integer has, without its sign. */
extern const uint8_t art_serial_of_bits[65];

static inline uint32_t art_serial_bytes(uint32_t serial) {
    return serial >= ART_SERIAL_BLOB ? (serial - ART_SERIAL_BLOB) / 2 : art_serial_number_bytes[serial];
}

static inline uint32_t art_bits_of(uint64_t x) {
    return x ? 64 - (uint32_t)__builtin_clzll(x) : 0;
}

static inline uint32_t art_serial_of_integer(int64_t x) {
    if ((uint64_t)x <= 1) return ART_SERIAL_ZERO + (uint32_t)x;
    return art_serial_of_bits[art_bits_of((uint64_t)(x ^ (x >> 63)))];
}

/* Of a serial type up to 9, but not of a real. */
static inline int64_t art_serial_integer(uint32_t serial, const uint8_t *body) {
    if (serial >= ART_SERIAL_ZERO) return serial - ART_SERIAL_ZERO;
    uint64_t x = 0;
    uint32_t n = art_serial_number_bytes[serial];
    for (uint32_t i = 0; i < n; i++) x = x << 8 | body[i];
    return n ? (int64_t)(x << (64 - 8 * n)) >> (64 - 8 * n) : 0;
}

/* One of those that a block has, of one or two bytes; behind it. */
static inline const uint8_t *art_serial_get(const uint8_t *p, uint32_t *serial) {
    *serial = *p++;
    if (*serial >= 0x80) *serial = (*serial & 0x7f) << 7 | *p++;
    return p;
}

static inline uint32_t art_serial_put(uint8_t *p, uint32_t serial) {
    if (serial < 0x80) {
        p[0] = (uint8_t)serial;
        return 1;
    }
    p[0] = (uint8_t)(0x80 | serial >> 7);
    p[1] = serial & 0x7f;
    return 2;
}

/* --- a column ----------------------------------------------------------------------------------------------------- */

/* Rows that are told apart, and their values. */
struct art_apart {
    uint32_t count;
    const uint8_t *rows, *values;
};

struct art_column {
    uint32_t encoding, width, slots;
    bool sparse;
    struct art_row_set filled; /* of a sparse one */
    uint64_t mask;
    int64_t base;
    uint32_t slope;
    uint32_t bytes; /* of the body: of slots' bytes */
    uint32_t entries;
    const uint8_t *codes, *body;
    const uint8_t *last; /* where the last 8 bytes of the block begin */
    struct art_apart apart;
    const uint16_t *entry_at; /* (read.c) from the body; NULL: they are stepped over */
};

struct art_block {
    uint32_t rows, columns;
    struct art_apart raw;
};

/* The rows that are kept as they are. NULL, or what is wrong. */
const char *art_block_open(struct art_bytes block, struct art_block *out);
/* Column `number`, below `columns`. NULL, or what is wrong with its place and lengths, never with lists of values. */
const char *art_column_open(struct art_bytes block, const struct art_block *opened, uint32_t number,
                            struct art_column *out);

static inline uint64_t art_mask_of(uint32_t width) {
    return (((uint64_t)1 << (width & 63)) - 1) | -(uint64_t)(width >> 6);
}

/* Within the block, whatever is loaded. */
static inline uint64_t art_column_code(const struct art_column *column, uint32_t slot) {
    uint32_t bit = slot * column->width;
    const uint8_t *p = column->codes + (bit >> 3);
    bit &= 7;
    if (p > column->last) {
        bit += 8 * (uint32_t)(p - column->last);
        p = column->last;
    }
    return art_load64(p) >> (bit & 63) & column->mask;
}

/* Where a slot's bytes end; it may be anything. */
static inline uint64_t art_column_end(const struct art_column *column, uint32_t slot) {
    return (slot + 1) * column->slope + (uint64_t)column->base + art_column_code(column, slot);
}

/* The slot's bytes, in the body in any case: wherever the ends are no ends, none. */
static inline struct art_bytes art_column_bytes(const struct art_column *column, uint32_t slot) {
    uint64_t start = slot ? art_column_end(column, slot - 1) : 0, end = art_column_end(column, slot);
    if (end > column->bytes || start > end || end - start > ART_VALUE_INLINE_MAX) return art_bytes(column->body, 0);
    return art_bytes(column->body + start, (uint32_t)(end - start));
}

/* Behind value `number` of a list, and its serial type. */
static inline const uint8_t *art_value_at(const uint8_t *values, uint32_t number, uint32_t *serial) {
    const uint8_t *p = art_serial_get(values, serial);
    while (number--) p = art_serial_get(p + art_serial_bytes(*serial), serial);
    return p;
}

/* NULL: the row is not apart. Otherwise the body of its value. */
static inline const uint8_t *art_apart_find(const struct art_apart *apart, uint32_t row, uint32_t *serial) {
    uint32_t i = 0;
    while (i < apart->count && apart->rows[i] < row) i++;
    if (i == apart->count || apart->rows[i] != row) return NULL;
    return art_value_at(apart->values, i, serial);
}

uint32_t art_block_encode(const struct art_bytes *values, uint32_t count, uint8_t *out, uint32_t space);
const char *art_block_insane(struct art_bytes block, uint32_t count);

/* Two digits from each byte; room for them. */
void art_hex_digits(const uint8_t *from, uint32_t n, bool upper, uint8_t *out);
/* Two digits to each byte, which are digits. */
void art_hex_bytes(const uint8_t *digits, uint32_t n, uint8_t *out);

#endif
