/* A column of a block, opened; and what is wrong with a block. What is checked takes no more steps than there are
 * columns, entries and rows apart: a bucket's block is checked each time its page is loaded. So codes and ends of slots
 * are not looked at here, and who reads them expects anything (art_column_bytes() in cells.h).
 */
#include "ext/columns/cells.h"

const uint8_t art_serial_number_bytes[16] = {0, 1, 2, 3, 4, 6, 8, 8};
const uint8_t art_serial_of_bits[65] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3,
                                        3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
                                        5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6};

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Behind `count` values that end before `end` does; NULL: they do not, or are none. */
static const uint8_t *end_of_values(const uint8_t *p, uint32_t count, const uint8_t *end) {
    for (; count; count--) {
        if (end - p < 2 && (p == end || *p >= 0x80)) return NULL;
        uint32_t serial;
        p = art_serial_get(p, &serial);
        uint32_t n = serial < 16 ? art_serial_number_bytes[serial] : 0;
        if (serial >= ART_SERIAL_NONE && serial < ART_SERIAL_BLOB) return NULL;
        if (serial >= ART_SERIAL_BLOB) n = (serial - ART_SERIAL_BLOB) / 2;
        if (n > ART_VALUE_INLINE_MAX || n > (uint64_t)(end - p)) return NULL;
        p += n;
    }
    return p;
}

static const char *open_apart(struct art_apart *apart, const uint8_t *p, const uint8_t *end) {
    if (p == end || *p > end - p - 1) return "a list of rows ends too early";
    apart->count = *p;
    apart->rows = p + 1;
    apart->values = p + 1 + *p;
    return NULL;
}

const char *art_block_open(struct art_bytes block, struct art_block *out) {
    out->rows = block.data[0];
    out->columns = block.data[1] & ~ART_BLOCK_KEEPS_RAW;
    out->raw.count = 0;
    uint32_t ends = ART_BLOCK_ENDS_AT + 2 * out->columns;
    if (out->columns > ART_BLOCK_COLUMNS_MAX || ends > block.len) return "a block has no such columns";
    if (!(block.data[1] & ART_BLOCK_KEEPS_RAW)) return NULL;
    uint32_t from = out->columns ? art_load16(block.data + ends - 2) : ends;
    if (from < ends || from > block.len) return "a block's columns end behind it";
    return open_apart(&out->raw, block.data + from, block.data + block.len);
}

/* The bits that say which rows have slots; behind them. */
static const uint8_t *open_sparse(struct art_column *out, uint32_t rows, const uint8_t *p, const uint8_t *end) {
    uint32_t n = (rows + 7) / 8;
    if ((uint32_t)(end - p) < n) return NULL;
    out->filled = (struct art_row_set){{0, 0}};
    memcpy(out->filled.word, p, n);
    uint64_t in_last = ((uint64_t)1 << (rows & 63)) - 1;
    if (rows < 64) {
        out->filled.word[0] &= in_last;
    } else if (rows < 128) {
        out->filled.word[1] &= in_last;
    }
    out->slots = art_row_set_count(&out->filled);
    return p + n;
}

/* What comes before the bitmap. NULL: there is no such thing. */
static const uint8_t *open_head(struct art_column *out, const uint8_t *p, const uint8_t *end) {
    if (end - p < 2) return NULL;
    uint32_t given = *p++;
    switch (out->encoding) {
    case ART_COLUMN_INTEGERS: {
        uint32_t serial = *p;
        if (serial == 0 || serial > 9 || serial == ART_SERIAL_REAL) return NULL;
        uint32_t n = art_serial_number_bytes[serial];
        if ((uint32_t)(end - ++p) < n) return NULL;
        out->width = given;
        out->base = art_serial_integer(serial, p);
        p += n;
        break;
    }
    case ART_COLUMN_ENTRIES:
        if (given == 0 || given > ART_ENTRIES_MAX) return NULL;
        out->entries = given;
        out->width = art_bits_of(given - 1);
        break;
    default:
        if (end - p < 4) return NULL;
        out->width = given;
        out->slope = art_load16(p);
        out->base = (int16_t)art_load16(p + 2);
        p += 4;
    }
    return out->width <= ART_WIDTH_MAX || out->width == ART_WIDTH_WHOLE ? p : NULL;
}

const char *art_column_open(struct art_bytes block, const struct art_block *opened, uint32_t number,
                            struct art_column *out) {
    uint32_t ends = ART_BLOCK_ENDS_AT + 2 * opened->columns;
    const uint8_t *place = block.data + ART_BLOCK_ENDS_AT + 2 * (size_t)number;
    uint32_t from = number ? art_load16(place - 2) : ends, to = art_load16(place);
    if (from < ends || to <= from || to > block.len) return "a block's columns have no order";
    const uint8_t *p = block.data + from, *end = block.data + to;
    uint32_t kind = *p++;
    out->encoding = kind & 7;
    out->slots = opened->rows;
    out->last = block.data + block.len - 8;
    out->entry_at = NULL;
    out->apart.count = 0;
    if (out->encoding >= ART_COLUMN_ENCODINGS || kind >= 2 * ART_COLUMN_HAS_APART) return "a column has no encoding";
    if (!(p = open_head(out, p, end))) return "a column has no head";
    out->sparse = kind & ART_COLUMN_SPARSE;
    if (out->sparse && !(p = open_sparse(out, opened->rows, p, end))) return "a column has no bitmap";
    out->mask = art_mask_of(out->width);
    out->codes = p;
    uint32_t n = (out->slots * out->width + 7) / 8;
    if ((uint32_t)(end - p) < n) return "a column's codes end behind it";
    out->body = p += n;
    out->bytes = (uint32_t)(end - p);
    if (!(kind & ART_COLUMN_HAS_APART)) return NULL;
    if (out->encoding == ART_COLUMN_ENTRIES) {
        if (!(p = end_of_values(p, out->entries, end))) return "a column's entries end behind it";
    } else if (out->encoding != ART_COLUMN_INTEGERS) {
        uint64_t used = out->slots ? art_column_end(out, out->slots - 1) : 0;
        if (used > out->bytes) return "a column's bytes end behind it";
        p += used;
    }
    out->bytes = (uint32_t)(p - out->body);
    return open_apart(&out->apart, p, end);
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

/* Up to `end`, or up to zeros before it. */
static const char *insane_apart(const struct art_apart *apart, uint32_t rows, const uint8_t *end) {
    for (uint32_t i = 0; i < apart->count; i++) {
        if (apart->rows[i] >= rows || (i && apart->rows[i - 1] >= apart->rows[i])) return "a list of rows has no order";
    }
    const uint8_t *p = end_of_values(apart->values, apart->count, end);
    return p ? NULL : "a list of values ends too early";
}

const char *art_block_insane(struct art_bytes block, uint32_t count) {
    struct art_block opened;
    struct art_column column;
    if (block.len < ART_BLOCK_BYTES_MIN) return "a block is too short";
    const char *wrong = art_block_open(block, &opened);
    if (wrong) return wrong;
    if (opened.rows != count || !count || count > ART_BLOCK_ROWS_MAX) return "a block has another number of rows";
    if (opened.raw.count) wrong = insane_apart(&opened.raw, count, block.data + block.len);
    const uint8_t *p = opened.raw.values;
    for (uint32_t i = 0; i < opened.raw.count && !wrong; i++) {
        uint32_t serial;
        p = art_serial_get(p, &serial);
        if (serial < ART_SERIAL_BLOB || serial & 1) wrong = "a raw row is no BLOB";
        p += art_serial_bytes(serial);
    }
    for (uint32_t i = 0; i < opened.columns && !wrong; i++) {
        wrong = art_column_open(block, &opened, i, &column);
        if (wrong) break;
        const uint8_t *end = block.data + art_load16(block.data + ART_BLOCK_ENDS_AT + 2 * (size_t)i);
        if (column.encoding == ART_COLUMN_ENTRIES && !end_of_values(column.body, column.entries, end))
            wrong = "a column's entries end behind it";
        if (!wrong && column.apart.count) wrong = insane_apart(&column.apart, count, end);
    }
    return wrong;
}

/* --- hexadecimal digits ------------------------------------------------------------------------------------------- */

void art_hex_digits(const uint8_t *from, uint32_t n, bool upper, uint8_t *out) {
    const uint64_t low = 0x0f0f0f0f0f0f0f0f, one = 0x0101010101010101, to_letter = upper ? 7 : 39;
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint64_t x = art_load32(from + i);
        x = (x | x << 16) & 0x0000ffff0000ffff;
        x = (x | x << 8) & 0x00ff00ff00ff00ff;
        x = (x >> 4 | x << 8) & low;
        art_store64(out + 2 * (size_t)i, x + 0x30 * one + ((x + 6 * one) >> 4 & one) * to_letter);
    }
    for (; i < n; i++) {
        for (int j = 0; j < 2; j++) {
            uint32_t digit = j ? from[i] & 15 : from[i] >> 4;
            out[2 * (size_t)i + (size_t)j] = (uint8_t)(digit < 10 ? '0' + digit : digit - 10 + (upper ? 'A' : 'a'));
        }
    }
}

void art_hex_bytes(const uint8_t *digits, uint32_t n, uint8_t *out) {
    const uint64_t low = 0x0f0f0f0f0f0f0f0f, one = 0x0101010101010101;
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint64_t x = art_load64(digits + 2 * (size_t)i);
        x = (x & low) + (x >> 6 & one) * 9;
        x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ff;
        x = (x | x >> 8) & 0x0000ffff0000ffff;
        art_store32(out + i, (uint32_t)(x | x >> 16));
    }
    for (; i < n; i++) {
        uint32_t high = digits[2 * (size_t)i], next = digits[2 * (size_t)i + 1];
        out[i] = (uint8_t)((((high & 15) + (high >> 6) * 9) << 4) | ((next & 15) + (next >> 6) * 9));
    }
}
