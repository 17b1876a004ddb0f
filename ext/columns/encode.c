/* Records become a block. One pass finds the shape of each record, which is its header, and few of a bucket's are
 * different: serial types and places of fields are worked out once for each. Then each column is given what takes the
 * fewest bytes.
 */
#include "ext/columns/cells.h"

/* What may lie in one column as its slots; ANY is the cell of a raw row, of which a column says nothing. */
enum { CLASS_NULL = 1, CLASS_INTEGER = 2, CLASS_REAL = 4, CLASS_BLOB = 8, CLASS_TEXT = 16, CLASS_ANY = 32 };

static const uint8_t class_of_number[12] = {CLASS_NULL,    CLASS_INTEGER, CLASS_INTEGER, CLASS_INTEGER,
                                            CLASS_INTEGER, CLASS_INTEGER, CLASS_INTEGER, CLASS_REAL,
                                            CLASS_INTEGER, CLASS_INTEGER, CLASS_ANY,     CLASS_ANY};

static inline uint32_t class_of_serial(uint32_t serial) {
    return serial >= ART_SERIAL_BLOB ? (uint32_t)CLASS_BLOB << (serial & 1) : class_of_number[serial];
}

/* --- shapes ------------------------------------------------------------------------------------------------------- */

/* A raw row is of none, and a record of no bytes has NULL everywhere. */
enum { SHAPE_RAW, SHAPE_EMPTY, FIRST_SHAPE, SHAPES_MAX = ART_BLOCK_ROWS_MAX + FIRST_SHAPE, SHAPES_HASHED = 256 };

struct shape {
    uint16_t serial[ART_BLOCK_COLUMNS_MAX], at[ART_BLOCK_COLUMNS_MAX];
};

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

/* The bytes of a record with this header; 0: none that its columns give back. */
static uint32_t work_out(const uint8_t *record, struct shape *shape, uint8_t *columns) {
    uint32_t at = record[0], column = 0, serial = 0;
    const uint8_t *p = record + 1, *end = record + at;
    for (; p < end; column++) {
        if (column == ART_BLOCK_COLUMNS_MAX) return 0;
        serial = *p++;
        if (serial >= 0x80) {
            if (serial == 0x80 || p == end || *p >= 0x80) return 0;
            serial = (serial & 0x7f) << 7 | *p++;
        }
        if (serial >= ART_SERIAL_NONE && serial < ART_SERIAL_BLOB) return 0;
        shape->serial[column] = (uint16_t)serial;
        shape->at[column] = (uint16_t)at;
        at += art_serial_bytes(serial);
        if (at > ART_VALUE_INLINE_MAX) return 0;
    }
    *columns = (uint8_t)column;
    return serial ? at : 0;
}

static uint32_t add_shape(struct sheet *sheet, uint32_t row, uint64_t start) {
    uint32_t shape = sheet->shapes++;
    sheet->start[shape] = start;
    sheet->row[shape] = (uint8_t)row;
    sheet->columns_of[shape] = 0;
    sheet->bytes[shape] = (uint16_t)work_out(sheet->values[row].data, &sheet->shape[shape], &sheet->columns_of[shape]);
    if (sheet->bytes[shape] != sheet->values[row].len) sheet->columns_of[shape] = sheet->bytes[shape] = 0;
    if (sheet->columns_of[shape] > sheet->columns) sheet->columns = sheet->columns_of[shape];
    return shape;
}

static inline uint32_t find_shape(struct sheet *sheet, uint32_t row, uint32_t before) {
    struct art_bytes record = sheet->values[row];
    if (record.len < 2) return record.len ? SHAPE_RAW : SHAPE_EMPTY;
    uint32_t header = record.data[0], shape;
    if (header - 2 >= 0x80 - 2 || header > record.len) return SHAPE_RAW;
    uint64_t start = 0;
    if (header >= 8) {
        start = art_load64(record.data);
    } else if (record.len >= 8) {
        start = art_load64(record.data) << (64 - 8 * header);
    } else {
        memcpy(&start, record.data, header);
    }
    if (start == sheet->start[before] && header <= 8) {
        shape = before;
    } else {
        for (uint32_t at = (uint32_t)(start * 0x9e3779b97f4a7c15 >> 56);; at = (at + 1) % SHAPES_HASHED) {
            shape = sheet->shape_of_hash[at];
            if (!shape) {
                sheet->shape_of_hash[at] = (uint8_t)sheet->shapes;
                shape = add_shape(sheet, row, start);
                break;
            }
            const uint8_t *known = sheet->values[sheet->row[shape]].data;
            if (sheet->start[shape] == start && (header <= 8 || !memcmp(known, record.data, header))) break;
        }
    }
    return sheet->bytes[shape] == record.len ? shape : SHAPE_RAW;
}

static void find_shapes(struct sheet *sheet) {
    uint32_t shape = SHAPE_RAW;
    sheet->columns = sheet->columns_of[SHAPE_RAW] = sheet->columns_of[SHAPE_EMPTY] = 0;
    sheet->shapes = FIRST_SHAPE;
    sheet->has_empty = false;
    sheet->start[SHAPE_RAW] = sheet->start[SHAPE_EMPTY] = 0;
    sheet->bytes[SHAPE_RAW] = sheet->bytes[SHAPE_EMPTY] = 0;
    sheet->raw = (struct art_row_set){{0, 0}};
    memset(sheet->shape_of_hash, 0, sizeof sheet->shape_of_hash);
    for (uint32_t row = 0; row < sheet->rows; row++) {
        shape = find_shape(sheet, row, shape);
        sheet->shape_of[row] = (uint8_t)shape;
        if (shape >= FIRST_SHAPE) continue;
        if (shape == SHAPE_RAW) art_row_set_add(&sheet->raw, row);
        if (shape == SHAPE_EMPTY) sheet->has_empty = true;
    }
    for (uint32_t i = 0; i < sheet->shapes; i++) {
        for (uint32_t column = sheet->columns_of[i]; column < sheet->columns; column++) {
            sheet->shape[i].serial[column] = i == SHAPE_RAW ? ART_SERIAL_NONE : 0;
            sheet->shape[i].at[column] = 0;
        }
    }
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct writer {
    uint8_t *at;
    const uint8_t *end;
};

static bool writer_has(const struct writer *out, size_t n) {
    return n <= (size_t)(out->end - out->at);
}

static bool write_byte(struct writer *out, uint32_t byte) {
    if (!writer_has(out, 1)) return false;
    *out->at++ = (uint8_t)byte;
    return true;
}

static bool write_bytes(struct writer *out, const void *bytes, uint32_t n) {
    if (!writer_has(out, n)) return false;
    memcpy(out->at, bytes, n);
    out->at += n;
    return true;
}

static bool put_value(struct writer *out, uint32_t serial, const uint8_t *body) {
    uint32_t n = art_serial_bytes(serial);
    if (!writer_has(out, n + 2) && !writer_has(out, n + 1 + (serial >= 0x80))) return false;
    out->at += art_serial_put(out->at, serial);
    memcpy(out->at, body, n);
    out->at += n;
    return true;
}

static bool put_bitmap(struct writer *out, const struct art_row_set *absent, uint32_t rows) {
    uint64_t filled[2] = {~absent->word[0], ~absent->word[1]};
    if (rows < 128) filled[rows >> 6] &= ((uint64_t)1 << (rows & 63)) - 1;
    return write_bytes(out, filled, (rows + 7) / 8);
}

/* Bits that wait for a whole word. */
struct bit_writer {
    uint8_t *at;
    uint64_t pending;
    uint32_t bits;
};

static inline void put_code(struct bit_writer *out, uint64_t code, uint32_t width) {
    out->pending |= code << out->bits;
    out->bits += width;
    if (out->bits < 64) return;
    art_store64(out->at, out->pending);
    out->at += 8;
    out->bits -= 64;
    out->pending = out->bits ? code >> (width - out->bits) : 0;
}

/* Each less `base`; small ones two at once. */
static __attribute__((noinline)) bool put_codes(struct writer *out, const int64_t *number, uint32_t count,
                                                uint64_t base, uint32_t width) {
    if (!writer_has(out, (count * width + 7) / 8)) return false;
    struct bit_writer bits = {out->at, 0, 0};
    uint32_t i = 0;
    if (!width) return true;
    if (width == ART_WIDTH_WHOLE) {
        for (; i < count; i++, bits.at += 8) art_store64(bits.at, (uint64_t)number[i] - base);
    } else if (width <= ART_WIDTH_MAX / 2) {
        for (; i + 2 <= count; i += 2)
            put_code(&bits, ((uint64_t)number[i] - base) | ((uint64_t)number[i + 1] - base) << width, 2 * width);
    }
    for (; i < count; i++) put_code(&bits, (uint64_t)number[i] - base, width);
    for (; bits.bits; bits.bits = bits.bits > 8 ? bits.bits - 8 : 0, bits.pending >>= 8)
        *bits.at++ = (uint8_t)bits.pending;
    out->at = bits.at;
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
static uint32_t bytes_of_value(uint32_t serial) {
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

static uint32_t bytes_of_apart(const struct column *column) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < 2; i++) {
        for (uint64_t left = column->apart.word[i]; left; left &= left - 1)
            n += 1 + bytes_of_value(serial_of(column, 64 * i + (uint32_t)__builtin_ctzll(left)));
    }
    return n ? n + 1 : 0;
}

static bool put_cell(struct writer *out, const struct column *column, uint32_t row) {
    uint32_t serial = serial_of(column, row);
    return art_serial_bytes(serial) ? put_value(out, serial, body_of_cell(column, row)) : write_byte(out, serial);
}

static bool put_apart(struct writer *out, const struct column *column) {
    uint32_t count = art_row_set_count(&column->apart);
    if (!count) return true;
    if (!writer_has(out, 1 + count)) return false;
    *out->at++ = (uint8_t)count;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->apart, row)) *out->at++ = (uint8_t)row;
    }
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->apart, row) && !put_cell(out, column, row)) return false;
    }
    return true;
}

/* Are absent rows told by a bitmap? Otherwise they have slots that mean nothing, of `width` bits. */
static bool choose_sparse(struct column *column, uint32_t width) {
    if (!column->absents) return false;
    if (16 * column->nulls + width * column->absents > 2 * column->rows) return true;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->absent, row) && serial_of(column, row) == 0) art_row_set_add(&column->apart, row);
    }
    return false;
}

static uint32_t flags_of(const struct column *column, bool sparse) {
    bool apart = column->apart.word[0] | column->apart.word[1];
    return (sparse ? ART_COLUMN_SPARSE : 0) | (apart ? ART_COLUMN_HAS_APART : 0);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static inline uint64_t load_short(const uint8_t *p, uint32_t n) {
    if (n >= 4) return art_load32(p) | (uint64_t)art_load32(p + n - 4) << 32;
    return n ? p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16 : 0;
}

/* The number of the entry; it may be a new one, of which there may be one too many. */
static inline uint32_t find_entry(struct column *column, struct entry wanted, const uint8_t *body, uint32_t n) {
    uint64_t hash = (wanted.first ^ (wanted.last + wanted.serial) * 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;
    for (uint32_t at = (uint32_t)(hash >> 57);; at = (at + 1) % sizeof column->entry_of_hash) {
        uint32_t number = column->entry_of_hash[at];
        if (!number) {
            number = column->entries++;
            if (number == ART_ENTRIES_MAX) return number;
            column->entry_of_hash[at] = (uint8_t)(number + 1);
            column->entry[number] = wanted;
            return number;
        }
        const struct entry *entry = &column->entry[number - 1];
        if (entry->first == wanted.first && entry->last == wanted.last && entry->serial == wanted.serial &&
            (n <= 16 || !memcmp(body_of_cell(column, entry->row) + 8, body + 8, n - 16)))
            return number - 1;
    }
}

/* The bytes of what was found, if they are less than `most`; UINT32_MAX: they are not. */
static uint32_t bytes_of_entries(const struct column *column, uint32_t of_values, uint32_t most) {
    uint32_t bytes = 2 + of_values + (column->rows * art_bits_of(column->entries - 1) + 7) / 8;
    return bytes < most ? bytes : UINT32_MAX;
}

static void begin_entries(struct column *column) {
    column->entries = 0;
    memset(column->entry_of_hash, 0, sizeof column->entry_of_hash);
}

/* Of so many rows each had another value? */
static inline bool is_hopeless(uint32_t known, uint32_t row) {
    return known == ART_ENTRIES_MAX / 2 && row < ART_ENTRIES_MAX / 2;
}

/* All rows by few values, in less than `most` bytes? How many; UINT32_MAX: no. Here of numbers that are all there. */
static uint32_t find_numbers(struct column *column, uint32_t most) {
    uint32_t bytes = 2, known = 0;
    int64_t before = 0, code = -1;
    begin_entries(column);
    for (uint32_t row = 0; row < column->rows; row++) {
        int64_t number = column->number[row];
        if (number != before || code < 0) {
            code = find_entry(column, (struct entry){.first = (uint64_t)number, .row = row}, NULL, 0);
            before = number;
            if (column->entries != known) {
                known = column->entries;
                bytes += bytes_of_value(serial_of(column, row));
                if (known > ART_ENTRIES_MAX || bytes >= most || is_hopeless(known, row)) return UINT32_MAX;
            }
        }
        column->code[row] = code;
    }
    return bytes_of_entries(column, bytes - 2, most);
}

/* The same of any cells. */
static uint32_t find_entries(struct column *column, uint32_t most) {
    uint32_t bytes = 2, known = 0, serial_before = ART_SERIAL_NONE;
    uint64_t first_before = 0, last_before = 0;
    int64_t code = 0;
    begin_entries(column);
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row), n = art_serial_bytes(serial);
        uint64_t first = 0, last = 0;
        const uint8_t *body = NULL;
        if (serial == ART_SERIAL_NONE) {
            column->code[row] = 0;
            continue;
        }
        if (n) {
            body = body_of_cell(column, row);
            first = n >= 8 ? art_load64(body) : load_short(body, n);
            if (n > 8) last = art_load64(body + n - 8);
        }
        if (first != first_before || last != last_before || serial != serial_before || n > 16) {
            code = find_entry(column, (struct entry){first, last, serial, row}, body, n);
            first_before = first;
            last_before = last;
            serial_before = serial;
            if (column->entries != known) {
                known = column->entries;
                bytes += bytes_of_value(serial);
                if (known > ART_ENTRIES_MAX || bytes >= most || is_hopeless(known, row)) return UINT32_MAX;
            }
        }
        column->code[row] = code;
    }
    return bytes_of_entries(column, bytes - 2, most);
}

static bool put_entries(struct writer *out, const struct column *column) {
    bool fits = write_byte(out, ART_COLUMN_ENTRIES) && write_byte(out, column->entries) &&
                put_codes(out, column->code, column->rows, 0, art_bits_of(column->entries - 1));
    for (uint32_t i = 0; i < column->entries && fits; i++) {
        fits = put_cell(out, column, column->entry[i].row);
    }
    return fits;
}

/* --- integers ----------------------------------------------------------------------------------------------------- */

/* An integer of a type is none of a shorter one: it is not among `many` from -less on. */
static const uint64_t less_of_type[8] = {0, 0, 1u << 7, 1u << 15, 1u << 23, 1u << 31, (uint64_t)1 << 47};
static const uint64_t many_of_type[8] = {0, 2, 1u << 8, 1u << 16, 1u << 24, (uint64_t)1 << 32, (uint64_t)1 << 48};

/* The eight bytes from `at` on, or as many of them as there are, as one big-endian number. */
static inline uint64_t load_from(struct art_bytes record, uint32_t at) {
    if (at + 8 <= record.len) return __builtin_bswap64(art_load64(record.data + at));
    if (record.len >= 8)
        return __builtin_bswap64(art_load64(record.data + record.len - 8)) << 8 * (at + 8 - record.len);
    uint64_t x = 0;
    for (uint32_t i = 0; i < record.len - at; i++) x |= (uint64_t)record.data[at + i] << (56 - 8 * i);
    return x;
}

struct number_span {
    int64_t low, high;
};

static inline void number_span_add(struct number_span *span, int64_t x) {
    span->low = x < span->low ? x : span->low;
    span->high = x > span->high ? x : span->high;
}

/* The numbers of all rows, of which some are absent. */
static __attribute__((noinline)) struct number_span load_integers(struct column *column) {
    struct number_span span = {INT64_MAX, INT64_MIN};
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row);
        int64_t x = serial - ART_SERIAL_ZERO;
        if (serial - 1 < 6) {
            x = (int64_t)load_from(column->values[row], at_of(column, row)) >> art_serial_unused_bits[serial];
            if ((uint64_t)x + less_of_type[serial] < many_of_type[serial]) {
                leave_out(column, row);
                continue;
            }
        } else if (serial - ART_SERIAL_ZERO > 1) {
            leave_out(column, row);
            continue;
        }
        column->number[row] = x;
        number_span_add(&span, x);
    }
    return span;
}

/* The same, where all are of one serial type, and none must be absent for the bytes that it has. */
static __attribute__((noinline)) struct number_span load_alike(struct column *column, uint32_t serial) {
    struct number_span span = {INT64_MAX, INT64_MIN};
    const uint16_t *at = column->serials + TO_AT;
    const uint8_t *shape_of = column->shape_of;
    const struct art_bytes *value = column->values, *end = value + column->rows;
    const uint32_t unused = art_serial_unused_bits[serial];
    for (int64_t *number = column->number; value < end; value++) {
        int64_t x = (int64_t)load_from(*value, at[*shape_of++ * NEXT_SHAPE]) >> unused;
        *number++ = x;
        number_span_add(&span, x);
    }
    return span;
}

/* From 1 to 6, if it is that of all cells; 0: it is not. */
static uint32_t one_type(const struct column *column) {
    uint32_t serial = serial_of(column, 0), other = 0;
    for (uint32_t i = FIRST_SHAPE; i < column->sheet->shapes; i++) other |= column->serials[i * NEXT_SHAPE] ^ serial;
    return column->pure && !other && serial < ART_SERIAL_REAL ? serial : 0;
}

static uint32_t width_of(uint64_t most) {
    uint32_t bits = art_bits_of(most);
    return bits > ART_WIDTH_MAX ? ART_WIDTH_WHOLE : bits;
}

/* How many numbers have how many zeros before what they are above `low`, less one; absent ones have any. */
static __attribute__((noinline)) void count_zeros(const int64_t *number, uint32_t rows, uint64_t low, uint32_t *zeros) {
    for (const int64_t *end = number + rows; number < end; number++)
        zeros[__builtin_clzll(((uint64_t)*number - low) << 1 | 1)]++;
}

/* The fewest bytes for codes, where some large ones are apart: of which width. */
static uint32_t choose_width(const struct column *column, struct number_span span, uint32_t width, uint32_t slots,
                             uint32_t *bytes) {
    uint32_t zeros[64] = {0}, apart = 0, best = width,
             bytes_of_one = 1 + bytes_of_value(art_serial_of_integer(span.high));
    if (width > ART_WIDTH_MAX) return best;
    count_zeros(column->number, column->rows, (uint64_t)span.low, zeros);
    for (uint32_t bits = width; bits > 0 && apart < *bytes; bits--) {
        apart += zeros[63 - bits] * bytes_of_one;
        uint32_t with = (slots * (bits - 1) + 7) / 8 + apart;
        if (with >= *bytes) continue;
        *bytes = with;
        best = bits - 1;
    }
    return best;
}

/* Those that are in the way of a smaller width stand apart. */
static void leave_out_wide(struct column *column, int64_t low, uint32_t width) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (!(((uint64_t)column->number[row] - (uint64_t)low) >> width)) continue;
        leave_out(column, row);
        column->number[row] = low;
    }
}

/* Numbers that are nobody's are not in the way. */
static void fill_absent(struct column *column, int64_t number) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->absent, row)) column->number[row] = number;
    }
}

/* Do all numbers of a span need this serial type? At least if they have one sign. */
static bool none_shorter(struct number_span span, uint32_t serial) {
    int64_t less = (int64_t)less_of_type[serial];
    return span.low >= (serial == 1 ? 2 : less) || span.high < -less;
}

static bool put_integers(struct writer *out, struct column *column) {
    uint32_t type = one_type(column);
    struct number_span span = {0, 0};
    if (type) span = load_alike(column, type);
    if (!type || !none_shorter(span, type)) span = load_integers(column);
    if (column->absents == column->rows) span = (struct number_span){0, 0};
    uint32_t width = width_of((uint64_t)span.high - (uint64_t)span.low), best = width;
    uint32_t slots = column->rows - (16 * column->nulls > column->rows ? column->absents : 0);
    uint32_t base_serial = art_serial_of_integer(span.low), bytes = (slots * width + 7) / 8;
    uint32_t others = 2 + bytes_of_value(base_serial);
    if (column->absents) others += bytes_of_apart(column) + art_min32(2 * column->nulls, column->rows / 8);
    uint32_t entries = UINT32_MAX;
    if (column->absents) entries = find_entries(column, others + bytes);
    if (!column->absents && width) entries = find_numbers(column, others + bytes);
    if (column->absents) fill_absent(column, span.low);
    if (width && entries > column->rows / 2) best = choose_width(column, span, width, slots, &bytes);
    if (entries <= others + bytes) return put_entries(out, column);
    if (best < width) leave_out_wide(column, span.low, best);
    bool sparse = choose_sparse(column, best);
    uint8_t base[8];
    uint32_t base_bytes = art_serial_number_bytes[base_serial];
    art_store64_be(base, base_bytes ? (uint64_t)span.low << (64 - 8 * base_bytes) : 0);
    slots = sparse ? 0 : column->rows;
    for (uint32_t row = 0; sparse && row < column->rows; row++) {
        if (!art_row_set_has(&column->absent, row)) column->number[slots++] = column->number[row];
    }
    return write_byte(out, ART_COLUMN_INTEGERS | flags_of(column, sparse)) && write_byte(out, best) &&
           put_value(out, base_serial, base) && (!sparse || put_bitmap(out, &column->absent, column->rows)) &&
           put_codes(out, column->number, slots, (uint64_t)span.low, best) && put_apart(out, column);
}

/* --- texts, blobs and reals --------------------------------------------------------------------------------------- */

/* Which case the first letter has: how far its letters are behind the digits. */
static uint8_t case_of(const struct column *column) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (class_of_serial(serial_of(column, row)) != CLASS_TEXT) continue;
        const uint8_t *p = body_of_cell(column, row);
        for (uint32_t n = art_serial_bytes(serial_of(column, row)); n; n--, p++) {
            if (*p > '9') return *p & 0x20 ? 39 : 7;
        }
    }
    return 39;
}

enum { BYTES_HEAD = 6 };

/* Are nearly all texts of such digits, an even number of them? The others are left out. The bytes that digits make come
 * behind the head that a column has if all texts are of one length; *there: that is so. */
static bool choose_hex(const struct writer *out, struct column *column, uint8_t letter, uint32_t most, bool *there) {
    struct art_row_set others = {{0, 0}};
    uint32_t few = column->rows / 8, strange = 0, first = UINT32_MAX;
    if (!writer_has(out, BYTES_HEAD + most)) return false;
    uint8_t *at = out->at + BYTES_HEAD;
    *there = column->pure;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row), n = art_serial_bytes(serial);
        if (class_of_serial(serial) != CLASS_TEXT) continue;
        if (first == UINT32_MAX) first = n;
        *there &= n == first;
        if (n % 2 == 0 && art_hex_bytes(body_of_cell(column, row), n / 2, letter, at)) {
            at += n / 2;
            continue;
        }
        if (++strange > few) return false;
        art_row_set_add(&others, row);
    }
    *there &= !strange;
    for (uint32_t row = 0; strange && row < column->rows; row++) {
        if (art_row_set_has(&others, row)) leave_out(column, row);
    }
    return true;
}

/* The bytes are in their place. */
static bool put_there(struct writer *out, const struct column *column, uint32_t encoding) {
    uint32_t n = art_serial_bytes(serial_of(column, 0)) / 2;
    uint8_t head[BYTES_HEAD] = {(uint8_t)encoding};
    art_store16(head + 2, n);
    write_bytes(out, head, sizeof head);
    out->at += (size_t)n * column->rows;
    return true;
}

static bool put_bytes_of_slots(struct writer *out, struct column *column, uint32_t encoding) {
    bool hex = encoding >= ART_COLUMN_LOWER_HEX, even = true;
    uint32_t end = 0, slots = 0, first = UINT32_MAX;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row);
        if (column->absents && art_row_set_has(&column->absent, row)) continue;
        uint32_t n = art_serial_bytes(serial) >> hex;
        if (first == UINT32_MAX) first = n;
        even &= n == first;
        end += n;
        column->number[slots++] = end;
    }
    bool sparse = choose_sparse(column, even ? 2 * column->rows + 1 : 0);
    if (column->absents && !sparse) { /* they have slots without bytes */
        uint32_t slot = slots;
        slots = column->rows;
        for (uint32_t row = column->rows; row-- > 0;) {
            column->number[row] = slot ? column->number[slot - 1] : 0;
            slot -= !art_row_set_has(&column->absent, row);
        }
    }
    uint32_t slope = slots ? end / slots : 0;
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint32_t slot = 0; slot < slots; slot++) {
        int64_t off = column->number[slot] - (int64_t)(slot + 1) * slope;
        column->number[slot] = off;
        if (off < low) low = off;
        if (off > high) high = off;
    }
    if (!slots) low = high = 0;
    uint32_t width = art_bits_of((uint64_t)(high - low));
    uint8_t head[BYTES_HEAD] = {(uint8_t)(encoding | flags_of(column, sparse)), (uint8_t)width};
    art_store16(head + 2, slope);
    art_store16(head + 4, (uint16_t)low);
    if (!write_bytes(out, head, sizeof head) || (sparse && !put_bitmap(out, &column->absent, column->rows)) ||
        !put_codes(out, column->number, slots, (uint64_t)low, width) || !writer_has(out, end))
        return false;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (column->absents && art_row_set_has(&column->absent, row)) continue;
        uint32_t n = art_serial_bytes(serial_of(column, row));
        if (hex) {
            art_hex_bytes(body_of_cell(column, row), n / 2, encoding == ART_COLUMN_UPPER_HEX ? 7 : 39, out->at);
        } else {
            memcpy(out->at, body_of_cell(column, row), n);
        }
        out->at += n >> hex;
    }
    return put_apart(out, column);
}

/* Do all rows have one short value? */
static bool is_constant(const struct column *column) {
    uint32_t serial = serial_of(column, 0), n = art_serial_bytes(serial);
    if (!column->pure || !n || n > 16) return false;
    const uint8_t *body = body_of_cell(column, 0);
    uint64_t first = n >= 8 ? art_load64(body) : load_short(body, n), last = n > 8 ? art_load64(body + n - 8) : 0;
    for (uint32_t row = 1; row < column->rows; row++) {
        if (serial_of(column, row) != serial) return false;
        body = body_of_cell(column, row);
        if (first != (n >= 8 ? art_load64(body) : load_short(body, n))) return false;
        if (n > 8 && last != art_load64(body + n - 8)) return false;
    }
    return true;
}

static bool put_constant(struct writer *out, const struct column *column) {
    return write_byte(out, ART_COLUMN_ENTRIES) && write_byte(out, 1) && put_cell(out, column, 0);
}

static bool put_others(struct writer *out, struct column *column, uint32_t class) {
    if (is_constant(column)) return put_constant(out, column);
    uint32_t entries = find_entries(column, UINT32_MAX), bytes = 0;
    bool there = false;
    if (column->entries == 1) return put_entries(out, column);
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row);
        if (!column->pure && class_of_serial(serial) != class) leave_out(column, row);
        bytes += art_serial_bytes(serial);
    }
    if (entries < (class == CLASS_TEXT ? bytes / 2 : bytes)) return put_entries(out, column);
    uint32_t encoding = class == CLASS_REAL   ? ART_COLUMN_REALS
                        : class == CLASS_BLOB ? ART_COLUMN_BLOBS
                                              : ART_COLUMN_TEXTS;
    if (class == CLASS_TEXT) {
        uint8_t letter = case_of(column);
        if (choose_hex(out, column, letter, bytes / 2, &there))
            encoding = letter == 7 ? ART_COLUMN_UPPER_HEX : ART_COLUMN_LOWER_HEX;
    }
    if (encoding >= ART_COLUMN_LOWER_HEX && there) return put_there(out, column, encoding);
    if (encoding < ART_COLUMN_LOWER_HEX && entries < bytes + 2 * column->absents) return put_entries(out, column);
    return put_bytes_of_slots(out, column, encoding);
}

/* Of which class most cells are; CLASS_NULL: there is nothing else. */
static uint32_t main_class(struct column *column) {
    uint32_t count[CLASS_TEXT + 1] = {0}, best = CLASS_NULL, classes = 0;
    for (uint32_t i = FIRST_SHAPE; i < column->sheet->shapes; i++)
        classes |= class_of_serial(column->serials[i * NEXT_SHAPE]);
    column->pure = !(classes & (classes - 1)) && !column->sheet->has_empty &&
                   !(column->sheet->raw.word[0] | column->sheet->raw.word[1]);
    classes &= CLASS_INTEGER | CLASS_REAL | CLASS_TEXT | CLASS_BLOB;
    if (!(classes & (classes - 1))) return classes ? classes : CLASS_NULL;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t class = class_of_serial(serial_of(column, row));
        if (class <= CLASS_TEXT) count[class]++;
    }
    for (uint32_t class = CLASS_INTEGER; class <= CLASS_TEXT; class <<= 1) {
        if (best == CLASS_NULL || count[class] > count[best]) best = class;
    }
    return best;
}

static bool put_column(struct writer *out, const struct sheet *sheet, uint32_t number, struct column *column) {
    column->serials = &sheet->shape[0].serial[number];
    column->nulls = column->absents = column->entries = 0;
    column->absent = column->apart = (struct art_row_set){{0, 0}};
    uint32_t class = main_class(column);
    return class == CLASS_INTEGER ? put_integers(out, column) : put_others(out, column, class);
}

/* --- the block ---------------------------------------------------------------------------------------------------- */

static bool put_raw(struct writer *out, const struct sheet *sheet) {
    uint32_t count = art_row_set_count(&sheet->raw);
    if (!count) return true;
    if (!writer_has(out, 1 + count)) return false;
    *out->at++ = (uint8_t)count;
    for (uint32_t row = 0; row < sheet->rows; row++) {
        if (art_row_set_has(&sheet->raw, row)) *out->at++ = (uint8_t)row;
    }
    for (uint32_t row = 0; row < sheet->rows; row++) {
        const struct art_bytes *value = &sheet->values[row];
        if (art_row_set_has(&sheet->raw, row) && !put_value(out, ART_SERIAL_BLOB + 2 * value->len, value->data))
            return false;
    }
    return true;
}

uint32_t art_block_encode(const struct art_bytes *values, uint32_t count, uint8_t *out, uint32_t space) {
    struct sheet sheet;
    struct column column;
    struct writer writer = {out, out + space};
    assert(count && count <= ART_BLOCK_ROWS_MAX);
    sheet.values = column.values = values;
    sheet.rows = column.rows = count;
    memset(column.number, 0, sizeof column.number);
    memset(column.code, 0, sizeof column.code);
    find_shapes(&sheet);
    column.sheet = &sheet;
    column.shape_of = sheet.shape_of;
    uint32_t ends = ART_BLOCK_ENDS_AT + 2 * sheet.columns;
    if (space < ends || space < ART_BLOCK_BYTES_MIN) return 0;
    out[0] = (uint8_t)count;
    out[1] = (uint8_t)(sheet.columns | (sheet.raw.word[0] | sheet.raw.word[1] ? ART_BLOCK_KEEPS_RAW : 0));
    writer.at += ends;
    for (uint32_t i = 0; i < sheet.columns; i++) {
        if (!put_column(&writer, &sheet, i, &column)) return 0;
        art_store16(out + ART_BLOCK_ENDS_AT + 2 * (size_t)i, (uint32_t)(writer.at - out));
    }
    if (!put_raw(&writer, &sheet)) return 0;
    while (writer.at - out < ART_BLOCK_BYTES_MIN) *writer.at++ = 0;
    return (uint32_t)(writer.at - out);
}
