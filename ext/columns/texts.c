/* A column of texts, blobs or reals: their bytes, or those that hexadecimal digits stand for; or entries. */
#include "ext/columns/encode.h"

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
    bool sparse = art_sparse_choose(column, even ? 2 * column->rows + 1 : 0);
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
    uint8_t head[BYTES_HEAD] = {(uint8_t)(encoding | art_column_flags(column, sparse)), (uint8_t)width};
    art_store16(head + 2, slope);
    art_store16(head + 4, (uint16_t)low);
    if (!write_bytes(out, head, sizeof head) || (sparse && !art_bitmap_put(out, &column->absent, column->rows)) ||
        !art_codes_put(out, column->number, slots, (uint64_t)low, width) || !writer_has(out, end))
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
    return art_apart_put(out, column);
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
    return write_byte(out, ART_COLUMN_ENTRIES) && write_byte(out, 1) && art_cell_put(out, column, 0);
}

bool art_others_put(struct writer *out, struct column *column, uint32_t class) {
    if (is_constant(column)) return put_constant(out, column);
    uint32_t entries = art_entries_of_cells(column, UINT32_MAX), bytes = 0;
    bool there = false;
    if (column->entries == 1) return art_entries_put(out, column);
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row);
        if (!column->pure && class_of_serial(serial) != class) leave_out(column, row);
        bytes += art_serial_bytes(serial);
    }
    if (entries < (class == CLASS_TEXT ? bytes / 2 : bytes)) return art_entries_put(out, column);
    uint32_t encoding = class == CLASS_REAL   ? ART_COLUMN_REALS
                        : class == CLASS_BLOB ? ART_COLUMN_BLOBS
                                              : ART_COLUMN_TEXTS;
    if (class == CLASS_TEXT) {
        uint8_t letter = case_of(column);
        if (choose_hex(out, column, letter, bytes / 2, &there))
            encoding = letter == 7 ? ART_COLUMN_UPPER_HEX : ART_COLUMN_LOWER_HEX;
    }
    if (encoding >= ART_COLUMN_LOWER_HEX && there) return put_there(out, column, encoding);
    if (encoding < ART_COLUMN_LOWER_HEX && entries < bytes + 2 * column->absents) return art_entries_put(out, column);
    return put_bytes_of_slots(out, column, encoding);
}
