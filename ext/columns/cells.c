/* A column of a block, opened; and what is wrong with a block. What is checked takes no more steps than there are
 * columns, entries and rows apart: a bucket's block is checked each time its page is loaded. So codes and ends of slots
 * are not looked at here, and who reads them expects anything (art_cells_bytes() in cells.h).
 */
#include "ext/columns/cells.h"

const uint8_t art_serial_number_bytes[16] = {0, 1, 2, 3, 4, 6, 8, 8};
const uint8_t art_serial_unused_bits[16] = {0, 56, 48, 40, 32, 16};
const uint8_t art_serial_of_bits[64] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3,
                                        3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
                                        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6};

/* --- checking ----------------------------------------------------------------------------------------------------- */

const uint8_t *art_list_end(const uint8_t *p, uint32_t count, const uint8_t *end) {
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
    const uint8_t *p = art_list_end(apart->values, apart->count, end);
    return p ? NULL : "a list of values ends too early";
}

const char *art_block_insane(struct art_bytes block, uint32_t count) {
    struct art_block opened;
    struct art_cells column;
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
        wrong = art_cells_open(block, &opened, i, &column, true);
        if (wrong) break;
        const uint8_t *end = block.data + art_load16(block.data + ART_BLOCK_ENDS_AT + 2 * (size_t)i);
        if (column.encoding == ART_COLUMN_ENTRIES && !art_list_end(column.body, column.entries, end))
            wrong = "a column's entries end behind it";
        if (!wrong && column.apart.count) wrong = insane_apart(&column.apart, count, end);
    }
    return wrong;
}

/* --- hexadecimal digits ------------------------------------------------------------------------------------------- */

/* Sixteen digits, eight bytes. */
typedef uint8_t digits16 __attribute__((vector_size(16)));
typedef int8_t signed16 __attribute__((vector_size(16)));
typedef uint16_t pairs8 __attribute__((vector_size(16)));
typedef uint8_t bytes8 __attribute__((vector_size(8)));

static inline void make_digits(const uint8_t *from, uint8_t letter, uint8_t *out) {
    bytes8 bytes;
    memcpy(&bytes, from, sizeof bytes);
    pairs8 pair = __builtin_convertvector(bytes, pairs8);
    pair = pair >> 4 | (pair & 15) << 8;
    digits16 x = (digits16)pair;
    x += 48 + ((digits16)((signed16)x > 9) & letter);
    memcpy(out, &x, sizeof x);
}

void art_hex_digits(const uint8_t *from, uint32_t n, bool upper, uint8_t *out) {
    uint8_t letter = upper ? 7 : 39, rest[8] = {0}, last[16];
    for (; n >= 8; n -= 8, from += 8, out += 16) make_digits(from, letter, out);
    if (!n) return;
    memcpy(rest, from, n);
    make_digits(rest, letter, last);
    memcpy(out, last, 2 * (size_t)n);
}

/* Whether they were digits shows when they are made of the bytes again. */
static inline digits16 make_bytes(const uint8_t *from, uint8_t letter, uint8_t *out) {
    digits16 digit;
    memcpy(&digit, from, sizeof digit);
    digits16 letters = (digits16)((signed16)digit > 57), x = (digit & 15) + (letters & 9);
    digits16 wrong = (digit ^ (x + 48 + (letters & letter))) | (letters & (digits16)((signed16)x < 10)) | (x & 0xf0);
    pairs8 pair = (pairs8)x;
    pair = (pair << 4 | pair >> 8) & 0xff;
    bytes8 bytes = __builtin_convertvector(pair, bytes8);
    memcpy(out, &bytes, sizeof bytes);
    return wrong;
}

static inline bool has_any(digits16 set) {
    uint64_t half[2];
    memcpy(half, &set, sizeof half);
    return half[0] | half[1];
}

bool art_hex_bytes(const uint8_t *digits, uint32_t n, uint8_t letter, uint8_t *out) {
    digits16 wrong = {0};
    for (; n >= 8; n -= 8, digits += 16, out += 8) wrong |= make_bytes(digits, letter, out);
    if (!n || has_any(wrong)) return !has_any(wrong);
    uint8_t rest[16] = "000000000000000", last[8];
    rest[15] = '0';
    memcpy(rest, digits, 2 * (size_t)n);
    wrong = make_bytes(rest, letter, last);
    memcpy(out, last, n);
    return !has_any(wrong);
}
