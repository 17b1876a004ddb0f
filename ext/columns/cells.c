/* A column of a block, opened; and what is wrong with a block. What is checked takes no more steps than there are
 * columns, entries and rows apart: a bucket's block is checked each time its page is loaded. So codes and ends of slots
 * are not looked at here, and who reads them expects anything (art_column_bytes() in cells.h).
 */
#include "ext/columns/cells.h"

const uint8_t art_serial_number_bytes[16] = {0, 1, 2, 3, 4, 6, 8, 8};
const uint8_t art_serial_unused_bits[16] = {0, 56, 48, 40, 32, 16};
const uint8_t art_serial_of_bits[64] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3,
                                        3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
                                        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6};

/* --- checking ----------------------------------------------------------------------------------------------------- */

const uint8_t *art_value_list_end(const uint8_t *p, uint32_t count, const uint8_t *end) {
    for (; count; count--) {
        if (end - p < 2 && (p == end || *p >= 0x80)) return NULL;
        uint32_t serial;
        p = art_serial_get(p, &serial);
        if (serial >= ART_SERIAL_NONE && serial < ART_SERIAL_BLOB) return NULL;
        uint32_t n = art_serial_bytes(serial);
        if (n > ART_VALUE_INLINE_MAX || n > (uint64_t)(end - p)) return NULL;
        p += n;
    }
    return p;
}

static const char *insane_apart(const struct art_apart *apart, uint32_t rows, const uint8_t *end) {
    for (uint32_t i = 0; i < apart->count; i++) {
        if (apart->rows[i] >= rows || (i && apart->rows[i - 1] >= apart->rows[i])) return "a list of rows has no order";
    }
    const uint8_t *p = art_value_list_end(apart->values, apart->count, end);
    return p ? NULL : "a list of values ends too early";
}

const char *art_block_insane(struct art_bytes block, uint32_t count) {
    struct art_block opened;
    struct art_column column;
    if (block.len < ART_BLOCK_BYTES_MIN) return "a block is too short";
    const char *wrong = art_block_open(block, &opened, true);
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
        wrong = art_column_open(block, &opened, i, &column, true);
        if (wrong) break;
        const uint8_t *end = block.data + art_load16(block.data + ART_BLOCK_ENDS_AT + 2 * (size_t)i);
        if (column.encoding == ART_COLUMN_ENTRIES && !art_value_list_end(column.body, column.entries, end))
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
