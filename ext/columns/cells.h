/* What the files of this room share: serial types, and a column of a block, opened. Private. */
#ifndef ART_EXT_CELLS_H
#define ART_EXT_CELLS_H

#include "core/base/row_set.h"
#include "ext/columns/block_format.h"
#include "ext/columns/columns.h"

#include <stddef.h>

/* --- serial types (ext/base/value.c) ------------------------------------------------------------------------------ */

enum { ART_SERIAL_REAL = 7, ART_SERIAL_ZERO = 8, ART_SERIAL_NONE = 10, ART_SERIAL_BLOB = 12, ART_SERIAL_TEXT = 13 };

extern const uint8_t art_serial_number_bytes[16];
/* Bits that an integer of this type has not; of those without a body any number will do. */
extern const uint8_t art_serial_unused_bits[16];
/* By the highest bit that an integer has, without its sign. */
extern const uint8_t art_serial_of_bits[64];

static inline uint32_t art_serial_bytes(uint32_t serial) {
    return serial >= ART_SERIAL_BLOB ? (serial - ART_SERIAL_BLOB) / 2 : art_serial_number_bytes[serial];
}

static inline uint32_t art_bits_of(uint64_t x) {
    return x ? 64 - (uint32_t)__builtin_clzll(x) : 0;
}

static inline uint32_t art_serial_of_integer(int64_t x) {
    if ((uint64_t)x <= 1) return ART_SERIAL_ZERO + (uint32_t)x;
    return art_serial_of_bits[63 - __builtin_clzll((uint64_t)(x < 0 ? ~x : x) | 1)];
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

struct art_cells {
    uint32_t encoding, width, slots;
    bool sparse;
    struct art_row_set filled; /* of a sparse one */
    uint64_t mask;
    int64_t base;
    uint32_t slope;
    uint32_t bytes; /* of the body */
    uint32_t entries;
    const uint8_t *codes, *body;
    const uint8_t *last; /* where the last 8 bytes of the block begin */
    struct art_apart apart;
};

struct art_block {
    uint32_t rows, columns;
    struct art_apart raw;
};

static inline uint64_t art_mask_of(uint32_t width) {
    return (((uint64_t)1 << (width & 63)) - 1) | -(uint64_t)(width >> 6);
}

/* Within the block, whatever is loaded. */
static inline uint64_t art_cells_code(const struct art_cells *column, uint32_t slot) {
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
static inline uint64_t art_cells_end(const struct art_cells *column, uint32_t slot) {
    return (slot + 1) * column->slope + (uint64_t)column->base + art_cells_code(column, slot);
}

/* Bytes of the body, in any case: wherever the ends are no ends, none. */
static inline struct art_bytes art_cells_between(const struct art_cells *column, uint64_t start, uint64_t end) {
    if (end > column->bytes || start > end || end - start > ART_VALUE_INLINE_MAX) return art_bytes(column->body, 0);
    return art_bytes(column->body + start, (uint32_t)(end - start));
}

static inline struct art_bytes art_cells_bytes(const struct art_cells *column, uint32_t slot) {
    uint64_t end = (slot + 1) * column->slope + (uint64_t)column->base, start = end - column->slope;
    if (column->width) { /* else all are of one length */
        end += art_cells_code(column, slot);
        if (slot) start += art_cells_code(column, slot - 1);
    }
    return art_cells_between(column, slot ? start : 0, end);
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

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Each is compiled twice: with `check` for art_block_insane(), which is told what is wrong, and without for all who
 * read a sane block. */
#define ART_OPENS static inline __attribute__((always_inline))

/* Behind `count` values that end before `end` does; NULL: they do not, or are none. */
const uint8_t *art_list_end(const uint8_t *p, uint32_t count, const uint8_t *end);

ART_OPENS const char *art_apart_open(struct art_apart *out, const uint8_t *p, const uint8_t *end, bool check) {
    if (check && (p == end || *p > end - p - 1)) return "a list of rows ends too early";
    out->count = *p;
    out->rows = p + 1;
    out->values = p + 1 + *p;
    return NULL;
}

/* NULL, or what is wrong with the columns' number and the rows that are kept as they are. */
ART_OPENS const char *art_block_open(struct art_bytes block, struct art_block *out, bool check) {
    out->rows = block.data[0];
    out->columns = block.data[1] & ~ART_BLOCK_KEEPS_RAW;
    out->raw = (struct art_apart){0, NULL, NULL};
    uint32_t ends = ART_BLOCK_ENDS_AT + 2 * out->columns;
    if (check && (out->columns > ART_BLOCK_COLUMNS_MAX || ends > block.len)) return "a block has no such columns";
    if (!(block.data[1] & ART_BLOCK_KEEPS_RAW)) return NULL;
    uint32_t from = out->columns ? art_load16(block.data + ends - 2) : ends;
    if (check && (from < ends || from > block.len)) return "a block's columns end behind it";
    return art_apart_open(&out->raw, block.data + from, block.data + block.len, check);
}

/* The bits that say which rows have slots. */
ART_OPENS void art_filled_open(struct art_cells *out, const uint8_t *p, uint32_t rows) {
    out->filled = (struct art_row_set){{0, 0}};
    memcpy(out->filled.word, p, (rows + 7) / 8);
    if (rows < 128) out->filled.word[rows >> 6] &= ((uint64_t)1 << (rows & 63)) - 1;
    out->slots = art_row_set_count(&out->filled);
}

/* An integer of this serial type, of a block whose last 8 bytes begin there. */
static inline int64_t art_base_of(uint32_t serial, const uint8_t *p, const uint8_t *last) {
    if (serial >= ART_SERIAL_ZERO) return serial - ART_SERIAL_ZERO;
    uint32_t beyond = p > last ? (uint32_t)(p - last) : 0;
    uint64_t x = __builtin_bswap64(art_load64(p - beyond)) << 8 * beyond;
    return (int64_t)x >> art_serial_unused_bits[serial];
}

/* What the encoding has of a column's head, from *p on, which then is behind it. `given` is the byte that says of which
 * width, or how many entries. */
ART_OPENS const char *art_encoding_open(struct art_cells *out, uint32_t given, const uint8_t **p, const uint8_t *end,
                                        bool check) {
    const uint8_t *at = *p;
    out->width = given;
    if (out->encoding == ART_COLUMN_INTEGERS) {
        uint32_t serial = *at++;
        if (check && (serial == 0 || serial > 9 || serial == ART_SERIAL_REAL)) return "a column has no base";
        if (check && art_serial_number_bytes[serial] > end - at) return "a column's base ends behind it";
        out->base = art_base_of(serial, at, out->last);
        at += art_serial_number_bytes[serial];
    } else if (out->encoding == ART_COLUMN_ENTRIES) {
        if (check && (given == 0 || given > ART_ENTRIES_MAX)) return "a column has no entries";
        out->entries = given;
        out->width = 64 - (uint32_t)__builtin_clzll(2 * (given - 1) | 1) - 1;
    } else {
        if (check && (out->encoding >= ART_COLUMN_ENCODINGS || end - at < 4)) return "a column has no encoding";
        out->slope = art_load16(at);
        out->base = (int16_t)art_load16(at + 2);
        at += 4;
    }
    *p = at;
    return check && out->width > ART_WIDTH_MAX && out->width != ART_WIDTH_WHOLE ? "a column's codes have no width"
                                                                                : NULL;
}

/* The values that stand apart, behind entries or bytes of the column's body. */
ART_OPENS const char *art_body_open(struct art_cells *out, const uint8_t *end, bool check) {
    const uint8_t *p = out->body;
    if (out->encoding == ART_COLUMN_ENTRIES) {
        p = art_list_end(p, out->entries, end);
        if (check && !p) return "a column's entries end behind it";
    } else if (out->encoding != ART_COLUMN_INTEGERS) {
        uint64_t used = out->slots ? art_cells_end(out, out->slots - 1) : 0;
        if (check && used > out->bytes) return "a column's bytes end behind it";
        p += used;
    }
    out->bytes = (uint32_t)(p - out->body);
    return art_apart_open(&out->apart, p, end, check);
}

/* Column `number`, below `columns`. NULL, or what is wrong with its place and lengths, never with lists of values. */
ART_OPENS const char *art_cells_open(struct art_bytes block, const struct art_block *opened, uint32_t number,
                                     struct art_cells *out, bool check) {
    uint32_t ends = ART_BLOCK_ENDS_AT + 2 * opened->columns;
    const uint8_t *place = block.data + ART_BLOCK_ENDS_AT + 2 * (size_t)number;
    uint32_t from = number ? art_load16(place - 2) : ends, to = art_load16(place);
    if (check && (from < ends || to < from + 3 || to > block.len)) return "a block's columns have no order";
    const uint8_t *p = block.data + from, *end = block.data + to;
    uint32_t kind = p[0], given = p[1];
    p += 2;
    if (check && kind >= 2 * ART_COLUMN_HAS_APART) return "a column has no encoding";
    out->encoding = kind & 7;
    out->slots = opened->rows;
    out->last = block.data + block.len - 8;
    out->apart = (struct art_apart){0, NULL, NULL};
    const char *wrong = art_encoding_open(out, given, &p, end, check);
    if (check && wrong) return wrong;
    out->sparse = kind & ART_COLUMN_SPARSE;
    if (out->sparse) {
        if (check && end - p < (int)(opened->rows + 7) / 8) return "a column has no bitmap";
        art_filled_open(out, p, opened->rows);
        p += (opened->rows + 7) / 8;
    }
    out->mask = art_mask_of(out->width);
    out->codes = p;
    p += (out->slots * out->width + 7) / 8;
    if (check && (out->slots * out->width + 7) / 8 > (uint32_t)(end - out->codes))
        return "a column's codes end behind it";
    out->body = p;
    out->bytes = (uint32_t)(end - p);
    return kind & ART_COLUMN_HAS_APART ? art_body_open(out, end, check) : NULL;
}

/* A number of a record, up to `end`. Its bytes, or 0. */
uint32_t art_record_number(const uint8_t *p, const uint8_t *end, uint64_t *x);

uint32_t art_block_encode(const struct art_bytes *values, uint32_t count, uint8_t *out, uint32_t space);
const char *art_block_insane(struct art_bytes block, uint32_t count);

/* Two digits from each byte; room for them. */
void art_hex_digits(const uint8_t *from, uint32_t n, bool upper, uint8_t *out);
/* Two digits to each byte. False: they are not such digits, with letters `letter` behind the digits: 39, or 7. */
bool art_hex_bytes(const uint8_t *digits, uint32_t n, uint8_t letter, uint8_t *out);

#endif
