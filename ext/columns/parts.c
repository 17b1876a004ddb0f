/* What columns are written of: bitmaps, codes, lists of rows apart. */
#include "ext/columns/encode.h"

bool art_bitmap_put(struct writer *out, const struct art_row_set *absent, uint32_t rows) {
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
bool art_codes_put(struct writer *out, const int64_t *number, uint32_t count, uint64_t base, uint32_t width) {
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

uint32_t art_apart_bytes(const struct column *column) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < 2; i++) {
        for (uint64_t left = column->apart.word[i]; left; left &= left - 1)
            n += 1 + bytes_of_value(serial_of(column, 64 * i + (uint32_t)__builtin_ctzll(left)));
    }
    return n ? n + 1 : 0;
}

bool art_cell_put(struct writer *out, const struct column *column, uint32_t row) {
    uint32_t serial = serial_of(column, row);
    return art_serial_bytes(serial) ? put_value(out, serial, body_of_cell(column, row)) : write_byte(out, serial);
}

bool art_row_list_put(struct writer *out, const struct art_row_set *set, uint32_t rows) {
    uint32_t count = art_row_set_count(set);
    if (!count) return true;
    if (!writer_has(out, 1 + count)) return false;
    *out->at++ = (uint8_t)count;
    for (uint32_t row = 0; row < rows; row++) {
        if (art_row_set_has(set, row)) *out->at++ = (uint8_t)row;
    }
    return true;
}

bool art_apart_put(struct writer *out, const struct column *column) {
    if (!art_row_list_put(out, &column->apart, column->rows)) return false;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->apart, row) && !art_cell_put(out, column, row)) return false;
    }
    return true;
}

/* Are absent rows told by a bitmap? Otherwise they have slots that mean nothing, of `width` bits. */
bool art_sparse_choose(struct column *column, uint32_t width) {
    if (!column->absents) return false;
    if (16 * column->nulls + width * column->absents > 2 * column->rows) return true;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->absent, row) && serial_of(column, row) == 0) art_row_set_add(&column->apart, row);
    }
    return false;
}

uint32_t art_column_flags(const struct column *column, bool sparse) {
    bool apart = column->apart.word[0] | column->apart.word[1];
    return (sparse ? ART_COLUMN_SPARSE : 0) | (apart ? ART_COLUMN_HAS_APART : 0);
}
