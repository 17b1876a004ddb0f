/* Records become a block. One pass cuts all records into a sheet, the serial type and the place of each cell; then each
 * column is given what takes the fewest bytes.
 */
#include "ext/columns/cells.h"

/* The records, cut up. */
struct sheet {
    const struct art_bytes *values;
    uint32_t rows, columns;
    struct art_row_set raw;
    uint8_t classes[ART_BLOCK_COLUMNS_MAX]; /* that are in a column */
    uint8_t columns_of[ART_BLOCK_ROWS_MAX];
    uint16_t serial[ART_BLOCK_COLUMNS_MAX][ART_BLOCK_ROWS_MAX];
    uint16_t at[ART_BLOCK_COLUMNS_MAX][ART_BLOCK_ROWS_MAX];
};

/* What may lie in one column as its slots; ANY is the cell of a raw row, of which a column says nothing. */
enum { IS_NULL = 1, IS_INTEGER = 2, IS_REAL = 4, IS_BLOB = 8, IS_TEXT = 16, IS_ANY = 32 };

static const uint8_t class_of_number[12] = {IS_NULL,    IS_INTEGER, IS_INTEGER, IS_INTEGER, IS_INTEGER, IS_INTEGER,
                                            IS_INTEGER, IS_REAL,    IS_INTEGER, IS_INTEGER, IS_ANY,     IS_ANY};

static inline uint32_t class_of(uint32_t serial) {
    return serial >= ART_SERIAL_BLOB ? (uint32_t)IS_BLOB << (serial & 1) : class_of_number[serial];
}

/* --- cutting ------------------------------------------------------------------------------------------------------ */

/* False: it is no record that its columns give back. */
static bool cut_record(struct sheet *sheet, uint32_t row) {
    struct art_bytes record = sheet->values[row];
    uint32_t column = 0, serial = ART_SERIAL_ZERO;
    sheet->columns_of[row] = 0;
    if (!record.len) return true;
    uint32_t at = record.data[0];
    if (at < 2 || at >= 0x80 || at > record.len) return false;
    const uint8_t *p = record.data + 1, *end = record.data + at;
    uint16_t *cell = &sheet->serial[0][row];
    for (; p < end; column++, cell += ART_BLOCK_ROWS_MAX) {
        if (column == ART_BLOCK_COLUMNS_MAX) return false;
        serial = *p++;
        if (serial >= 0x80) {
            if (serial == 0x80 || p == end || *p >= 0x80) return false;
            serial = (serial & 0x7f) << 7 | *p++;
        }
        cell[0] = (uint16_t)serial;
        cell[ART_BLOCK_COLUMNS_MAX * ART_BLOCK_ROWS_MAX] = (uint16_t)at;
        uint32_t class = class_of(serial);
        if (class == IS_ANY) return false;
        sheet->classes[column] |= (uint8_t) class;
        at += art_serial_bytes(serial);
    }
    sheet->columns_of[row] = (uint8_t)column;
    return at == record.len && serial != 0;
}

static void cut_records(struct sheet *sheet) {
    uint32_t least = ART_BLOCK_COLUMNS_MAX;
    for (uint32_t row = 0; row < sheet->rows; row++) {
        if (!cut_record(sheet, row)) {
            art_row_set_add(&sheet->raw, row);
            sheet->columns_of[row] = 0;
        }
        uint32_t columns = sheet->columns_of[row];
        if (columns > sheet->columns) sheet->columns = columns;
        if (columns < least) least = columns;
    }
    if (least == sheet->columns) return;
    for (uint32_t row = 0; row < sheet->rows; row++) {
        bool raw = art_row_set_has(&sheet->raw, row);
        for (uint32_t column = sheet->columns_of[row]; column < sheet->columns; column++) {
            sheet->serial[column][row] = raw ? ART_SERIAL_NONE : 0;
            sheet->at[column][row] = 0;
            sheet->classes[column] |= raw ? IS_ANY : IS_NULL;
        }
    }
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct writer {
    uint8_t *at;
    const uint8_t *end;
};

static bool has_room(const struct writer *out, size_t n) {
    return n <= (size_t)(out->end - out->at);
}

static bool put_byte(struct writer *out, uint32_t byte) {
    if (!has_room(out, 1)) return false;
    *out->at++ = (uint8_t)byte;
    return true;
}

static bool put_bytes(struct writer *out, const void *bytes, uint32_t n) {
    if (!has_room(out, n)) return false;
    memcpy(out->at, bytes, n);
    out->at += n;
    return true;
}

static bool put_value(struct writer *out, uint32_t serial, const uint8_t *body) {
    uint32_t n = art_serial_bytes(serial);
    if (!has_room(out, n + 2) && !has_room(out, n + 1 + (serial >= 0x80))) return false;
    out->at += art_serial_put(out->at, serial);
    memcpy(out->at, body, n);
    out->at += n;
    return true;
}

static bool put_bitmap(struct writer *out, const struct art_row_set *absent, uint32_t rows) {
    uint64_t filled[2] = {~absent->word[0], ~absent->word[1]};
    if (rows < 128) filled[rows >> 6] &= ((uint64_t)1 << (rows & 63)) - 1;
    return put_bytes(out, filled, (rows + 7) / 8);
}

/* Each less `base`. */
static bool put_codes(struct writer *out, const int64_t *number, uint32_t count, uint64_t base, uint32_t width) {
    if (!has_room(out, (count * width + 7) / 8)) return false;
    uint64_t pending = 0;
    uint32_t bits = 0;
    uint8_t *p = out->at;
    if (width == ART_WIDTH_WHOLE) {
        for (uint32_t i = 0; i < count; i++, p += 8) art_store64(p, (uint64_t)number[i] - base);
    } else if (width) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t code = (uint64_t)number[i] - base;
            pending |= code << bits;
            bits += width;
            if (bits < 64) continue;
            art_store64(p, pending);
            p += 8;
            bits -= 64;
            pending = bits ? code >> (width - bits) : 0;
        }
        for (; bits; bits = bits > 8 ? bits - 8 : 0, pending >>= 8) *p++ = (uint8_t)pending;
    }
    out->at = p;
    return true;
}

/* --- a column ----------------------------------------------------------------------------------------------------- */

struct entry {
    uint64_t first, last; /* eight bytes of the body, all of it if it is short, or an integer */
    uint32_t serial, row;
};

struct column {
    const struct art_bytes *values;
    const uint16_t *serial, *at;
    uint32_t rows, nulls, absents;
    struct art_row_set absent, apart; /* without a slot of their own; of these, the ones that are not NULL */
    int64_t number[ART_BLOCK_ROWS_MAX];
    int64_t code[ART_BLOCK_ROWS_MAX]; /* of entries */
    struct entry entry[ART_ENTRIES_MAX];
    uint32_t entries;
    uint8_t slot_of_hash[2 * ART_ENTRIES_MAX];
};

static inline const uint8_t *body_of(const struct column *column, uint32_t row) {
    return column->values[row].data + column->at[row];
}

/* Of an apart list as well. */
static uint32_t bytes_of_value(uint32_t serial) {
    return 1 + (serial >= 0x80) + art_serial_bytes(serial);
}

static inline void leave_out(struct column *column, uint32_t row) {
    uint32_t serial = column->serial[row];
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
            n += 1 + bytes_of_value(column->serial[64 * i + (uint32_t)__builtin_ctzll(left)]);
    }
    return n ? n + 1 : 0;
}

static bool put_cell(struct writer *out, const struct column *column, uint32_t row) {
    uint32_t serial = column->serial[row];
    return art_serial_bytes(serial) ? put_value(out, serial, body_of(column, row)) : put_byte(out, serial);
}

static bool put_apart(struct writer *out, const struct column *column) {
    uint32_t count = art_row_set_count(&column->apart);
    if (!count) return true;
    if (!has_room(out, 1 + count)) return false;
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
    if (16 * column->nulls + width * column->absents > column->rows) return true;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->absent, row) && column->serial[row] == 0) art_row_set_add(&column->apart, row);
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
    for (uint32_t at = (uint32_t)(hash >> 57);; at = (at + 1) % sizeof column->slot_of_hash) {
        uint32_t number = column->slot_of_hash[at];
        if (!number) {
            number = column->entries++;
            if (number == ART_ENTRIES_MAX) return number;
            column->slot_of_hash[at] = (uint8_t)(number + 1);
            column->entry[number] = wanted;
            return number;
        }
        const struct entry *entry = &column->entry[number - 1];
        if (entry->first == wanted.first && entry->last == wanted.last && entry->serial == wanted.serial &&
            (n <= 16 || !memcmp(body_of(column, entry->row) + 8, body + 8, n - 16)))
            return number - 1;
    }
}

/* All rows by few values, in less than `most` bytes? How many; UINT32_MAX: no. */
static uint32_t find_entries(struct column *column, bool integers, uint32_t most) {
    uint32_t bytes = 2, known = 0;
    column->entries = 0;
    memset(column->slot_of_hash, 0, sizeof column->slot_of_hash);
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = column->serial[row], n = 0;
        const uint8_t *body = NULL;
        struct entry wanted = {.row = row};
        if (integers) {
            wanted.first = (uint64_t)column->number[row];
        } else if (serial == ART_SERIAL_NONE) {
            column->code[row] = 0;
            continue;
        } else {
            n = art_serial_bytes(serial);
            if (n) body = body_of(column, row);
            wanted.serial = serial;
            wanted.first = n >= 8 ? art_load64(body) : load_short(body, n);
            wanted.last = n > 8 ? art_load64(body + n - 8) : 0;
        }
        column->code[row] = find_entry(column, wanted, body, n);
        if (column->entries == known) continue;
        known = column->entries;
        bytes += bytes_of_value(serial);
        if (known > ART_ENTRIES_MAX || bytes >= most) return UINT32_MAX;
    }
    bytes += (column->rows * art_bits_of(known - 1) + 7) / 8;
    return bytes < most ? bytes : UINT32_MAX;
}

static bool put_entries(struct writer *out, const struct column *column) {
    bool fits = put_byte(out, ART_COLUMN_ENTRIES) && put_byte(out, column->entries) &&
                put_codes(out, column->code, column->rows, 0, art_bits_of(column->entries - 1));
    for (uint32_t i = 0; i < column->entries && fits; i++) {
        fits = put_cell(out, column, column->entry[i].row);
    }
    return fits;
}

/* --- integers ----------------------------------------------------------------------------------------------------- */

/* An integer of this type is none of a shorter one: it is not among `many` from -less on. */
static const struct {
    uint64_t less, many;
    uint32_t unused_bits;
} integer_types[7] = {{0, 0, 0},
                      {0, 2, 56},
                      {1u << 7, 1u << 8, 48},
                      {1u << 15, 1u << 16, 40},
                      {1u << 23, 1u << 24, 32},
                      {1u << 31, (uint64_t)1 << 32, 16},
                      {(uint64_t)1 << 47, (uint64_t)1 << 48, 0}};

/* The eight bytes from `at` on, or as many of them as there are, as one big-endian number. */
static inline uint64_t load_from(struct art_bytes record, uint32_t at) {
    if (at + 8 <= record.len) return __builtin_bswap64(art_load64(record.data + at));
    uint64_t x = 0;
    memcpy(&x, record.data + at, record.len - at);
    return __builtin_bswap64(x);
}

struct span {
    int64_t low, high;
};

/* The numbers of all rows, of which some are absent. */
static struct span load_integers(struct column *column) {
    struct span span = {INT64_MAX, INT64_MIN};
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = column->serial[row];
        int64_t x;
        if (serial - 1 < 6) {
            x = (int64_t)load_from(column->values[row], column->at[row]) >> integer_types[serial].unused_bits;
            if ((uint64_t)x + integer_types[serial].less < integer_types[serial].many) {
                leave_out(column, row);
                continue;
            }
        } else if (serial - ART_SERIAL_ZERO < 2) {
            x = serial - ART_SERIAL_ZERO;
        } else {
            leave_out(column, row);
            continue;
        }
        column->number[row] = x;
        if (x < span.low) span.low = x;
        if (x > span.high) span.high = x;
    }
    return span;
}

static uint32_t width_of(uint64_t most) {
    uint32_t bits = art_bits_of(most);
    return bits > ART_WIDTH_MAX ? ART_WIDTH_WHOLE : bits;
}

/* The fewest bytes for codes, where some large ones are apart: of which width. */
static uint32_t choose_width(const struct column *column, int64_t low, uint32_t width, uint32_t *bytes) {
    uint32_t of_bits[65] = {0}, apart = 0, best = width;
    uint32_t slots = column->rows - (16 * column->nulls > column->rows ? column->absents : 0);
    *bytes = (slots * width + 7) / 8;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (column->absents && art_row_set_has(&column->absent, row)) continue;
        of_bits[art_bits_of((uint64_t)column->number[row] - (uint64_t)low)] +=
            2 + art_serial_number_bytes[column->serial[row]];
    }
    for (uint32_t bits = 64; bits > 0 && apart < *bytes; bits--) {
        apart += of_bits[bits];
        uint32_t with = (slots * (bits - 1) + 7) / 8 + apart;
        if (bits - 1 > ART_WIDTH_MAX || with >= *bytes) continue;
        *bytes = with;
        best = bits - 1;
    }
    return best;
}

/* Those that are in the way of a smaller width stand apart. */
static void leave_out_wide(struct column *column, int64_t low, uint32_t width) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&column->absent, row)) continue;
        if (((uint64_t)column->number[row] - (uint64_t)low) >> width) leave_out(column, row);
    }
}

static bool put_integers(struct writer *out, struct column *column) {
    struct span span = load_integers(column);
    if (column->absents == column->rows) span = (struct span){0, 0};
    uint32_t width = width_of((uint64_t)span.high - (uint64_t)span.low), bytes;
    uint32_t base_serial = art_serial_of_integer(span.low), head = 2 + bytes_of_value(base_serial);
    uint32_t best = width ? choose_width(column, span.low, width, &bytes) : (bytes = 0, 0);
    bool pure = !column->absents;
    uint32_t apart = pure ? 0 : bytes_of_apart(column) + art_min32(2 * column->nulls, column->rows / 8);
    uint32_t entries = find_entries(column, pure, head + bytes + apart);
    if (entries != UINT32_MAX) return put_entries(out, column);
    if (best < width) leave_out_wide(column, span.low, best);
    bool sparse = choose_sparse(column, best);
    uint8_t base[8];
    uint32_t slots = 0, base_bytes = art_serial_number_bytes[base_serial];
    art_store64_be(base, base_bytes ? (uint64_t)span.low << (64 - 8 * base_bytes) : 0);
    for (uint32_t row = 0; column->absents && row < column->rows; row++) {
        bool absent = art_row_set_has(&column->absent, row);
        if (!absent || !sparse) column->number[slots++] = absent ? span.low : column->number[row];
    }
    if (!column->absents) slots = column->rows;
    return put_byte(out, ART_COLUMN_INTEGERS | flags_of(column, sparse)) && put_byte(out, best) &&
           put_value(out, base_serial, base) && (!sparse || put_bitmap(out, &column->absent, column->rows)) &&
           put_codes(out, column->number, slots, (uint64_t)span.low, best) && put_apart(out, column);
}

/* --- texts, blobs and reals --------------------------------------------------------------------------------------- */

/* Eight digits, of letters as in the case that `letter` says (what they are above the digits)? */
static inline bool are_digits(uint64_t x, uint64_t letter) {
    const uint64_t low = 0x0f0f0f0f0f0f0f0f, one = 0x0101010101010101;
    uint64_t digit = (x & low) + (x >> 6 & one) * 9;
    return !((digit & ~low) | (x ^ (digit + 0x30 * one + ((digit + 6 * one) >> 4 & one) * letter)));
}

static bool is_hex(const uint8_t *p, uint32_t n, uint64_t letter) {
    if (n % 2) return false;
    for (; n >= 8; n -= 8, p += 8) {
        if (!are_digits(art_load64(p), letter)) return false;
    }
    uint8_t rest[8] = "00000000";
    memcpy(rest, p, n);
    return !n || are_digits(art_load64(rest), letter);
}

/* Which case the first letter has: what letters are above the digits. */
static uint64_t case_of(const struct column *column) {
    for (uint32_t row = 0; row < column->rows; row++) {
        if (class_of(column->serial[row]) != IS_TEXT) continue;
        const uint8_t *p = body_of(column, row);
        for (uint32_t n = art_serial_bytes(column->serial[row]); n; n--, p++) {
            if (*p > '9') return *p & 0x20 ? 39 : 7;
        }
    }
    return 39;
}

/* Most rows hexadecimal? Then the others are left out. */
static bool choose_hex(struct column *column, uint64_t letter) {
    struct art_row_set others = {{0, 0}};
    uint32_t few = column->rows / 8, strange = 0;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = column->serial[row];
        if (class_of(serial) != IS_TEXT || is_hex(body_of(column, row), art_serial_bytes(serial), letter)) continue;
        if (++strange > few) return false;
        art_row_set_add(&others, row);
    }
    for (uint32_t row = 0; row < column->rows; row++) {
        if (art_row_set_has(&others, row)) leave_out(column, row);
    }
    return true;
}

static bool put_slots(struct writer *out, struct column *column, uint32_t encoding) {
    bool hex = encoding >= ART_COLUMN_LOWER_HEX, even = true;
    uint32_t end = 0, slots = 0, first = UINT32_MAX;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = column->serial[row];
        if (column->absents && art_row_set_has(&column->absent, row)) continue;
        uint32_t n = art_serial_bytes(serial) >> hex;
        if (first == UINT32_MAX) first = n;
        even &= n == first;
        end += n;
        column->number[slots++] = end;
    }
    bool sparse = choose_sparse(column, even ? column->rows + 1 : 0);
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
    uint8_t head[6] = {(uint8_t)(encoding | flags_of(column, sparse)), (uint8_t)width};
    art_store16(head + 2, slope);
    art_store16(head + 4, (uint16_t)low);
    if (!put_bytes(out, head, sizeof head) || (sparse && !put_bitmap(out, &column->absent, column->rows)) ||
        !put_codes(out, column->number, slots, (uint64_t)low, width) || !has_room(out, end))
        return false;
    for (uint32_t row = 0; row < column->rows; row++) {
        if (column->absents && art_row_set_has(&column->absent, row)) continue;
        uint32_t n = art_serial_bytes(column->serial[row]);
        if (hex) {
            art_hex_bytes(body_of(column, row), n / 2, out->at);
        } else {
            memcpy(out->at, body_of(column, row), n);
        }
        out->at += n >> hex;
    }
    return put_apart(out, column);
}

static bool put_others(struct writer *out, struct column *column, uint32_t class) {
    uint32_t bytes = 6;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = column->serial[row];
        if (class_of(serial) != class) leave_out(column, row);
        bytes += serial == ART_SERIAL_NONE ? 0 : art_serial_bytes(serial);
    }
    uint32_t entries = find_entries(column, false, bytes + 2 * column->absents);
    if (entries != UINT32_MAX && (class != IS_TEXT || entries < bytes / 2)) return put_entries(out, column);
    uint32_t encoding = class == IS_REAL ? ART_COLUMN_REALS : class == IS_BLOB ? ART_COLUMN_BLOBS : ART_COLUMN_TEXTS;
    if (class == IS_TEXT) {
        uint64_t letter = case_of(column);
        if (choose_hex(column, letter)) encoding = letter == 7 ? ART_COLUMN_UPPER_HEX : ART_COLUMN_LOWER_HEX;
    }
    if (encoding < ART_COLUMN_LOWER_HEX && entries != UINT32_MAX) return put_entries(out, column);
    return put_slots(out, column, encoding);
}

/* Of which class most cells are; IS_NULL: there is nothing else. */
static uint32_t main_class(const struct column *column, uint32_t classes) {
    uint32_t count[IS_TEXT + 1] = {0}, best = IS_NULL;
    classes &= IS_INTEGER | IS_REAL | IS_TEXT | IS_BLOB;
    if (!(classes & (classes - 1))) return classes ? classes : IS_NULL;
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t class = class_of(column->serial[row]);
        if (class < IS_ANY) count[class]++;
    }
    for (uint32_t class = IS_INTEGER; class <= IS_TEXT; class <<= 1) {
        if (best == IS_NULL || count[class] > count[best]) best = class;
    }
    return best;
}

static bool put_column(struct writer *out, const struct sheet *sheet, uint32_t number, struct column *column) {
    column->serial = sheet->serial[number];
    column->at = sheet->at[number];
    column->nulls = column->absents = 0;
    column->absent = column->apart = (struct art_row_set){{0, 0}};
    uint32_t class = main_class(column, sheet->classes[number]);
    return class == IS_INTEGER ? put_integers(out, column) : put_others(out, column, class);
}

/* --- the block ---------------------------------------------------------------------------------------------------- */

static bool put_raw(struct writer *out, const struct sheet *sheet) {
    uint32_t count = art_row_set_count(&sheet->raw);
    if (!count) return true;
    if (!has_room(out, 1 + count)) return false;
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
    sheet.columns = 0;
    sheet.raw = (struct art_row_set){{0, 0}};
    memset(sheet.classes, 0, sizeof sheet.classes);
    cut_records(&sheet);
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
