/* A column as numbers of entries, which are its values, each there once. */
#include "ext/columns/encode.h"

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
uint32_t art_entries_of_numbers(struct column *column, uint32_t most) {
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
uint32_t art_entries_of_cells(struct column *column, uint32_t most) {
    uint32_t bytes = 2, known = 0, serial_before = ART_SERIAL_NONE;
    uint64_t first_before = 0, last_before = 0;
    int64_t code = 0;
    begin_entries(column);
    for (uint32_t row = 0; row < column->rows; row++) {
        uint32_t serial = serial_of(column, row), n = art_serial_bytes(serial);
        uint64_t first = 0, last = 0;
        const uint8_t *body = NULL;
        if (serial == ART_SERIAL_NONE) continue; /* in all columns: its number stays 0 */
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

bool art_entries_put(struct writer *out, const struct column *column) {
    bool fits = write_byte(out, ART_COLUMN_ENTRIES) && write_byte(out, column->entries) &&
                art_codes_put(out, column->code, column->rows, 0, art_bits_of(column->entries - 1));
    for (uint32_t i = 0; i < column->entries && fits; i++) {
        fits = art_cell_put(out, column, column->entry[i].row);
    }
    return fits;
}
