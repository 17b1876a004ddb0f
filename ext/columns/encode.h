/* What the files share that make blocks (encode.c). Private. */
#ifndef ART_EXT_COLUMNS_ENCODE_H
#define ART_EXT_COLUMNS_ENCODE_H

#include "ext/columns/cells.h"

/* --- shapes ------------------------------------------------------------------------------------------------------- */

/* What may lie in one column as its slots; ANY is the cell of a raw row, of which a column says nothing. */
enum { CLASS_NULL = 1, CLASS_INTEGER = 2, CLASS_REAL = 4, CLASS_BLOB = 8, CLASS_TEXT = 16, CLASS_ANY = 32 };
extern const uint8_t art_class_of_number[12];

static inline uint32_t class_of_serial(uint32_t serial) {
    return serial >= ART_SERIAL_BLOB ? (uint32_t)CLASS_BLOB << (serial & 1) : art_class_of_number[serial];
}

/* A raw row is of none, and a record of no bytes has NULL everywhere. */
enum { SHAPE_RAW, SHAPE_EMPTY, FIRST_SHAPE, SHAPES_MAX = ART_BLOCK_ROWS_MAX + FIRST_SHAPE, SHAPES_HASHED = 256 };

struct shape {
    uint16_t serial[ART_BLOCK_COLUMNS_MAX], at[ART_BLOCK_COLUMNS_MAX];
};

/* The records, each of a shape. */
struct sheet {
    const struct art_bytes *values;
    uint32_t rows, columns, shapes;
    bool has_empty;
    struct art_row_set raw;
    uint8_t shape_of[ART_BLOCK_ROWS_MAX];
    struct shape shape[SHAPES_MAX];
    uint64_t start[SHAPES_MAX]; /* the first bytes of a record, of its header alone */
    uint16_t bytes[SHAPES_MAX]; /* of a record; 0: there is none of this shape */
    uint8_t row[SHAPES_MAX];    /* one that has it */
    uint8_t columns_of[SHAPES_MAX];
    uint8_t shape_of_hash[SHAPES_HASHED];
};

/* Of `values` and `rows`, which are given, all else. */
void art_shapes_find(struct sheet *sheet);

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* What returns a bool is false where there is no room. */
struct writer {
    uint8_t *at;
    const uint8_t *end;
};

static inline bool writer_has(const struct writer *out, size_t n) {
    return n <= (size_t)(out->end - out->at);
}

static inline bool write_byte(struct writer *out, uint32_t byte) {
    if (!writer_has(out, 1)) return false;
    *out->at++ = (uint8_t)byte;
    return true;
}

static inline bool write_bytes(struct writer *out, const void *bytes, uint32_t n) {
    if (!writer_has(out, n)) return false;
    memcpy(out->at, bytes, n);
    out->at += n;
    return true;
}

static inline bool put_value(struct writer *out, uint32_t serial, const uint8_t *body) {
    uint32_t n = art_serial_bytes(serial);
    if (!writer_has(out, n + 2) && !writer_has(out, n + 1 + (serial >= 0x80))) return false;
    out->at += art_serial_put(out->at, serial);
    memcpy(out->at, body, n);
    out->at += n;
    return true;
}

/* --- a column ----------------------------------------------------------------------------------------------------- */

struct entry {
    uint64_t first, last; /* eight bytes of the body, all of it if it is short, or an integer */
    uint32_t serial, row;
};

struct column {
    const struct sheet *sheet;
    const struct art_bytes *values;
    const uint8_t *shape_of;
    const uint16_t *serials; /* of the first shape; the others follow */
    uint32_t rows, nulls, absents;
    bool pure;                        /* of one class of cells */
    struct art_row_set absent, apart; /* without a slot of their own; of these, the ones that are not NULL */
    int64_t number[ART_BLOCK_ROWS_MAX];
    int64_t code[ART_BLOCK_ROWS_MAX]; /* of entries */
    struct entry entry[ART_ENTRIES_MAX];
    uint32_t entries;
    uint8_t entry_of_hash[2 * ART_ENTRIES_MAX];
};

enum { NEXT_SHAPE = sizeof(struct shape) / sizeof(uint16_t), TO_AT = offsetof(struct shape, at) / sizeof(uint16_t) };

static inline uint32_t serial_of(const struct column *column, uint32_t row) {
    return column->serials[column->shape_of[row] * NEXT_SHAPE];
}

static inline uint32_t at_of(const struct column *column, uint32_t row) {
    return column->serials[column->shape_of[row] * NEXT_SHAPE + TO_AT];
}

static inline const uint8_t *body_of_cell(const struct column *column, uint32_t row) {
    return column->values[row].data + at_of(column, row);
}

/* Of an apart list as well. */
static inline uint32_t bytes_of_value(uint32_t serial) {
    return 1 + (serial >= 0x80) + art_serial_bytes(serial);
}

static inline void leave_out(struct column *column, uint32_t row) {
    uint32_t serial = serial_of(column, row);
    art_row_set_add(&column->absent, row);
    column->absents++;
    if (serial == 0) {
        column->nulls++;
    } else if (serial != ART_SERIAL_NONE) {
        art_row_set_add(&column->apart, row);
    }
}

static inline uint64_t load_short(const uint8_t *p, uint32_t n) {
    if (n >= 4) return art_load32(p) | (uint64_t)art_load32(p + n - 4) << 32;
    return n ? p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16 : 0;
}

/* --- parts of a column (parts.c) ---------------------------------------------------------------------------------- */

bool art_bitmap_put(struct writer *out, const struct art_row_set *absent, uint32_t rows);
/* Each less `base`. */
bool art_codes_put(struct writer *out, const int64_t *number, uint32_t count, uint64_t base, uint32_t width);
bool art_cell_put(struct writer *out, const struct column *column, uint32_t row);
/* How many rows there are, and which: what stands in front of their values; of no rows nothing. */
bool art_row_list_put(struct writer *out, const struct art_row_set *set, uint32_t rows);
uint32_t art_apart_bytes(const struct column *column);
bool art_apart_put(struct writer *out, const struct column *column);
/* Are absent rows told by a bitmap? Otherwise they have slots that mean nothing, of `width` bits. */
bool art_sparse_choose(struct column *column, uint32_t width);
uint32_t art_column_flags(const struct column *column, bool sparse);

/* --- encodings ---------------------------------------------------------------------------------------------------- */

/* All rows by few values, in less than `most` bytes? How many; UINT32_MAX: no. Of numbers that are all there, or of any
 * cells. */
uint32_t art_entries_of_numbers(struct column *column, uint32_t most);
uint32_t art_entries_of_cells(struct column *column, uint32_t most);
bool art_entries_put(struct writer *out, const struct column *column);
/* A column whose cells are of this class for the most part. */
bool art_integers_put(struct writer *out, struct column *column);
bool art_others_put(struct writer *out, struct column *column, uint32_t class);

#endif
