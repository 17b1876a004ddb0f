/* Out of a block: a field, a column, a value, all values. The block is sane (cells.c); whatever its codes and ends
 * are, nothing outside of it is read, and nothing behind the room that was given is written.
 */
#include "core/base/alloc.h"
#include "core/base/limits.h"
#include "ext/columns/cells.h"

/* --- one cell ----------------------------------------------------------------------------------------------------- */

enum made_of { IS_BYTES, IS_NUMBER, IS_LOWER_HEX, IS_UPPER_HEX };

struct cell {
    uint32_t serial;
    enum made_of made_of;
    union {
        const uint8_t *body;
        int64_t integer;
    };
};

static inline void set_cell(struct cell *out, uint32_t serial, const uint8_t *body) {
    out->serial = serial;
    out->made_of = IS_BYTES;
    out->body = body;
    if (serial - 1 >= 9 || serial == ART_SERIAL_REAL) return;
    out->made_of = IS_NUMBER;
    out->integer = art_serial_integer(serial, body);
}

static void cell_of_entry(const struct art_cells *column, uint32_t slot, struct cell *out) {
    uint32_t number = art_min32((uint32_t)art_cells_code(column, slot), column->entries - 1), serial;
    const uint8_t *body = art_value_at(column->body, number, &serial);
    set_cell(out, serial, body);
}

static inline void set_cell_of_bytes(const struct art_cells *column, struct art_bytes bytes, struct cell *out) {
    switch (column->encoding) {
    case ART_COLUMN_REALS:
        set_cell(out, bytes.len == 8 ? ART_SERIAL_REAL : 0, bytes.data);
        return;
    case ART_COLUMN_BLOBS:
        set_cell(out, ART_SERIAL_BLOB + 2 * bytes.len, bytes.data);
        return;
    case ART_COLUMN_TEXTS:
        set_cell(out, ART_SERIAL_TEXT + 2 * bytes.len, bytes.data);
        return;
    default:
        if (bytes.len > ART_VALUE_INLINE_MAX / 2) bytes.len = 0;
        out->serial = ART_SERIAL_TEXT + 4 * bytes.len;
        out->made_of = column->encoding == ART_COLUMN_UPPER_HEX ? IS_UPPER_HEX : IS_LOWER_HEX;
        out->body = bytes.data;
    }
}

static void cell_of_bytes(const struct art_cells *column, uint32_t slot, struct cell *out) {
    set_cell_of_bytes(column, art_cells_bytes(column, slot), out);
}

static inline void set_integer_cell(struct cell *out, int64_t integer) {
    out->integer = integer;
    out->serial = art_serial_of_integer(integer);
    out->made_of = IS_NUMBER;
}

static inline void cell_of_slot(const struct art_cells *column, uint32_t slot, struct cell *out) {
    if (column->encoding == ART_COLUMN_INTEGERS) {
        set_integer_cell(out, (int64_t)((uint64_t)column->base + art_cells_code(column, slot)));
    } else if (column->encoding == ART_COLUMN_ENTRIES) {
        cell_of_entry(column, slot, out);
    } else {
        cell_of_bytes(column, slot, out);
    }
}

static inline void read_cell(const struct art_cells *column, uint32_t row, struct cell *out) {
    uint32_t serial;
    if (column->apart.count) {
        const uint8_t *body = art_apart_find(&column->apart, row, &serial);
        if (body) {
            set_cell(out, serial, body);
            return;
        }
    }
    if (column->sparse) {
        if (!art_row_set_has(&column->filled, row)) {
            set_cell(out, 0, column->body);
            return;
        }
        row = art_row_set_rank(&column->filled, row);
    }
    cell_of_slot(column, row, out);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static inline void set_datum_of_bytes(struct art_datum *out, uint32_t serial, const uint8_t *data, uint32_t len) {
    out->kind = serial & 1 ? ART_DATUM_TEXT : ART_DATUM_BLOB;
    out->by = ART_BY_BYTES;
    out->bytes = art_bytes(data, len);
}

static inline void set_datum_of_integer(struct art_datum *out, int64_t integer) {
    out->kind = ART_DATUM_INTEGER;
    out->integer = integer;
}

static void set_datum_of_body(struct art_datum *out, uint32_t serial, const uint8_t *body) {
    if (serial >= ART_SERIAL_BLOB) {
        set_datum_of_bytes(out, serial, body, art_serial_bytes(serial));
    } else if (serial == 0) {
        out->kind = ART_DATUM_NULL;
    } else if (serial != ART_SERIAL_REAL) {
        set_datum_of_integer(out, art_serial_integer(serial, body));
    } else {
        uint64_t bits = __builtin_bswap64(art_load64(body));
        out->kind = ART_DATUM_REAL;
        memcpy(&out->real, &bits, sizeof bits);
        if (out->real != out->real) out->kind = ART_DATUM_NULL; /* as SQLite reads NaN */
    }
}

/* What a cell takes of the room. */
static uint32_t set_datum_of_cell(struct art_datum *out, const struct cell *cell, uint8_t *room) {
    if (cell->made_of == IS_BYTES) {
        set_datum_of_body(out, cell->serial, cell->body);
        return 0;
    }
    if (cell->made_of == IS_NUMBER) {
        set_datum_of_integer(out, cell->integer);
        return 0;
    }
    uint32_t len = art_serial_bytes(cell->serial);
    art_hex_digits(cell->body, len / 2, cell->made_of == IS_UPPER_HEX, room);
    set_datum_of_bytes(out, ART_SERIAL_TEXT, room, len);
    return len;
}

/* --- rows that are kept as they are ------------------------------------------------------------------------------- */

static bool is_raw(const struct art_block *block, uint32_t row, struct art_bytes *value) {
    uint32_t serial;
    const uint8_t *body = block->raw.count ? art_apart_find(&block->raw, row, &serial) : NULL;
    if (body) *value = art_bytes(body, art_serial_bytes(serial));
    return body;
}

uint32_t art_record_number(const uint8_t *p, const uint8_t *end, uint64_t *x) {
    *x = 0;
    for (uint32_t n = 1; n <= 9 && p < end; n++, p++) {
        if (n == 9) {
            *x = *x << 8 | *p;
            return 9;
        }
        *x = *x << 7 | (*p & 0x7f);
        if (*p < 0x80) return n;
    }
    return 0;
}

/* Column `column` of any bytes, as art_record_reader_datum() gives it. NULL, or what is wrong with the record. */
static const char *read_raw(struct art_bytes record, uint32_t column, struct art_datum *out) {
    const uint8_t *p = record.data, *end = p + record.len;
    uint64_t header, serial = 0, len = 0;
    out->kind = ART_DATUM_NULL;
    if (!record.len) return NULL;
    uint32_t n = art_record_number(p, end, &header);
    if (!n || header > record.len || header < n) return "has no header";
    const uint8_t *types_end = p + header, *body = types_end;
    p += n;
    for (uint32_t i = 0; i <= column; i++) {
        n = art_record_number(p, types_end, &serial);
        if (!n) return NULL;
        len = serial >= ART_SERIAL_BLOB ? (serial - ART_SERIAL_BLOB) / 2 : art_serial_number_bytes[serial];
        if (serial >= ART_SERIAL_NONE && serial < ART_SERIAL_BLOB) return "has an unknown type";
        if (len > (uint64_t)(end - body)) return "is cut off";
        p += n;
        body += len;
    }
    set_datum_of_body(out,
                      serial >= ART_SERIAL_BLOB ? ART_SERIAL_BLOB + 2 * (uint32_t)len + (serial & 1) : (uint32_t)serial,
                      body - len);
    return NULL;
}

/* Of a row that no column has; false: look there. */
static bool read_elsewhere(const struct art_block *block, uint32_t row, uint32_t column, struct art_datum *out,
                           enum art_rc *rc) {
    struct art_bytes raw;
    assert(row < block->rows);
    *rc = ART_OK;
    if (is_raw(block, row, &raw)) {
        const char *wrong = read_raw(raw, column, out);
        if (wrong) *rc = art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a row's record %s", wrong);
        return true;
    }
    out->kind = ART_DATUM_NULL;
    return column >= block->columns;
}

static inline void read_field(const struct art_cells *column, uint32_t row, uint8_t *room, struct art_datum *out) {
    struct cell cell;
    read_cell(column, row, &cell);
    set_datum_of_cell(out, &cell, room);
}

enum art_rc art_block_field(struct art_bytes block, unsigned row, unsigned column, uint8_t *room,
                            struct art_datum *out) {
    struct art_block opened;
    struct art_cells cells;
    enum art_rc rc;
    art_block_open(block, &opened, false);
    if (read_elsewhere(&opened, row, column, out, &rc)) return rc;
    art_cells_open(block, &opened, column, &cells, false);
    read_field(&cells, row, room, out);
    return ART_OK;
}

/* --- a column ----------------------------------------------------------------------------------------------------- */

static void all_integers(const struct art_cells *column, uint32_t from, uint32_t to, struct art_datum *out) {
    for (uint32_t slot = from; slot < to; slot++)
        set_datum_of_integer(out++, (int64_t)((uint64_t)column->base + art_cells_code(column, slot)));
}

static void all_entries(const struct art_cells *column, uint32_t from, uint32_t to, struct art_datum *out) {
    struct art_datum entry[ART_ENTRIES_MAX];
    const uint8_t *p = column->body;
    for (uint32_t i = 0; i < column->entries; i++) {
        uint32_t serial;
        p = art_serial_get(p, &serial);
        set_datum_of_body(&entry[i], serial, p);
        p += art_serial_bytes(serial);
    }
    for (uint32_t slot = from; slot < to; slot++)
        *out++ = entry[art_min32((uint32_t)art_cells_code(column, slot), column->entries - 1)];
}

static void all_cells(const struct art_cells *column, uint32_t from, uint32_t to, uint8_t *room,
                      struct art_datum *out) {
    struct cell cell;
    uint32_t used = 0;
    for (uint32_t slot = from; slot < to; slot++) {
        cell_of_bytes(column, slot, &cell);
        if (art_serial_bytes(cell.serial) > ART_BLOCK_PLAIN_MAX - used) set_cell(&cell, 0, column->body);
        used += set_datum_of_cell(out++, &cell, room + used);
    }
}

/* The slots' data stand at the front; each goes to its row. */
static void spread_slots(const struct art_row_set *filled, uint32_t from, uint32_t to, struct art_datum *out) {
    uint32_t slot = art_row_set_rank(filled, to - 1) + art_row_set_has(filled, to - 1) - art_row_set_rank(filled, from);
    for (uint32_t row = to; row-- > from;) {
        if (art_row_set_has(filled, row)) {
            out[row - from] = out[--slot];
        } else {
            out[row - from].kind = ART_DATUM_NULL;
        }
    }
}

void art_block_column(struct art_bytes block, unsigned column, unsigned from, unsigned to, uint8_t *room,
                      struct art_datum *out) {
    struct art_block opened;
    struct art_cells cells;
    uint32_t serial;
    art_block_open(block, &opened, false);
    assert(from <= to && to <= opened.rows);
    if (from == to) return;
    if (column < opened.columns) {
        art_cells_open(block, &opened, column, &cells, false);
        uint32_t first = from, end = to;
        if (cells.sparse) {
            first = art_row_set_rank(&cells.filled, from);
            end = art_row_set_rank(&cells.filled, to - 1) + art_row_set_has(&cells.filled, to - 1);
        }
        if (cells.encoding == ART_COLUMN_INTEGERS) {
            all_integers(&cells, first, end, out);
        } else if (cells.encoding == ART_COLUMN_ENTRIES) {
            all_entries(&cells, first, end, out);
        } else {
            all_cells(&cells, first, end, room, out);
        }
        if (cells.sparse) spread_slots(&cells.filled, from, to, out);
        const uint8_t *p = cells.apart.values;
        for (uint32_t i = 0; i < cells.apart.count; i++, p += art_serial_bytes(serial)) {
            uint32_t row = cells.apart.rows[i];
            p = art_serial_get(p, &serial);
            if (row >= from && row < to) set_datum_of_body(&out[row - from], serial, p);
        }
    } else {
        for (uint32_t i = 0; i < to - from; i++) out[i].kind = ART_DATUM_NULL;
    }
    const uint8_t *p = opened.raw.values;
    for (uint32_t i = 0; i < opened.raw.count; i++, p += art_serial_bytes(serial)) {
        uint32_t row = opened.raw.rows[i];
        p = art_serial_get(p, &serial);
        if (row < from || row >= to) continue;
        if (read_raw(art_bytes(p, art_serial_bytes(serial)), column, &out[row - from]))
            out[row - from].kind = ART_DATUM_BEYOND;
    }
}

/* --- wanted rows -------------------------------------------------------------------------------------------------- */

static inline bool value_is_wanted(const struct art_column_test *test, const struct art_datum *value) {
    return value->kind == ART_DATUM_NULL ? test->null : test->wants(test->context, value);
}

static inline void set_chosen_row(struct art_row_set *rows, uint32_t row, bool wanted) {
    if (wanted)
        art_row_set_add(rows, row);
    else
        art_row_set_remove(rows, row);
}

/* The slots with code + above <= span, or with `outside`, all others. */
static inline void choose_codes(const struct art_cells *column, uint64_t above, uint64_t span, bool outside,
                                struct art_row_set *slots) {
    uint64_t mask = column->mask;
    uint32_t width = column->width, whole = 0; /* slots that can be loaded where they are */
    if (!width) {
        if ((above <= span) != outside) *slots = art_row_set_below(column->slots);
        return;
    }
    if (column->codes <= column->last) whole = 8 * (uint32_t)(column->last - column->codes) / width + 1;
    for (uint32_t begin = 0; begin < column->slots; begin += 64) {
        uint32_t slot = art_min32(column->slots, begin + 64), bit;
        uint64_t bits = 0;
        for (; slot > begin && slot > whole; slot--)
            bits = 2 * bits + (art_cells_code(column, slot - 1) + above <= span);
        for (bit = slot * width; slot > begin; slot--) {
            bit -= width;
            uint64_t code = art_load64(column->codes + (bit >> 3)) >> (bit & 7) & mask;
            bits = 2 * bits + (code + above <= span);
        }
        slots->word[begin / 64] = outside ? ~bits : bits;
    }
}

/* Between the bounds: base + code - low <= high - low, without signs, whatever overflows. */
static void choose_integers(const struct art_cells *column, const struct art_column_test *test,
                            struct art_row_set *slots) {
    uint64_t above = (uint64_t)column->base - (uint64_t)test->low, span = (uint64_t)test->high - (uint64_t)test->low;
    choose_codes(column, above, span, test->outside, slots);
}

/* `asked`: those slots alone mean something. */
static void choose_integers_singly(const struct art_cells *column, const struct art_column_test *test,
                                   const struct art_row_set *asked, struct art_row_set *slots) {
    struct art_datum value;
    for (uint32_t slot = art_row_set_from(asked, 0); slot < column->slots; slot = art_row_set_from(asked, slot + 1)) {
        set_datum_of_integer(&value, (int64_t)((uint64_t)column->base + art_cells_code(column, slot)));
        if (test->wants(test->context, &value)) art_row_set_add(slots, slot);
    }
}

static void choose_entries(const struct art_cells *column, const struct art_column_test *test,
                           struct art_row_set *slots) {
    struct art_row_set wanted = {{0, 0}};
    struct art_datum entry;
    const uint8_t *p = column->body;
    if (!column->entries) return;
    for (uint32_t i = 0; i < column->entries; i++) {
        uint32_t serial;
        p = art_serial_get(p, &serial);
        set_datum_of_body(&entry, serial, p);
        if (value_is_wanted(test, &entry)) art_row_set_add(&wanted, i);
        p += art_serial_bytes(serial);
    }
    uint32_t count = art_row_set_count(&wanted);
    if (count == 1) { /* as of integers; the last entry stands for all codes behind it, too */
        uint64_t number = art_row_set_from(&wanted, 0);
        choose_codes(column, 0 - number, number + 1 == column->entries ? UINT64_MAX - number : 0, false, slots);
        return;
    }
    for (uint32_t slot = 0; count && slot < column->slots; slot++) {
        uint32_t number = art_min32((uint32_t)art_cells_code(column, slot), column->entries - 1);
        if (art_row_set_has(&wanted, number)) art_row_set_add(slots, slot);
    }
}

/* `asked`: those slots alone mean something; each value is read. */
static void choose_cells(const struct art_cells *column, const struct art_column_test *test,
                         const struct art_row_set *asked, uint8_t *room, struct art_row_set *slots) {
    struct art_datum value;
    struct cell cell;
    for (uint32_t slot = art_row_set_from(asked, 0); slot < column->slots; slot = art_row_set_from(asked, slot + 1)) {
        cell_of_bytes(column, slot, &cell);
        set_datum_of_cell(&value, &cell, room);
        if (value_is_wanted(test, &value)) art_row_set_add(slots, slot);
    }
}

/* From slots to rows. */
static void spread_wanted(const struct art_row_set *filled, bool null, struct art_row_set *wanted) {
    struct art_row_set slots = *wanted;
    uint32_t slot = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t rows = null ? ~filled->word[i] : 0;
        for (uint64_t left = filled->word[i]; left; left &= left - 1, slot++)
            rows |= art_row_set_has(&slots, slot) ? left & -left : 0;
        wanted->word[i] = rows;
    }
}

static void choose_in_column(struct art_bytes block, const struct art_block *opened, unsigned number,
                             const struct art_column_test *test, uint8_t *room, const struct art_row_set *rows,
                             struct art_row_set *wanted) {
    struct art_cells column;
    struct art_datum value;
    uint32_t serial;
    art_cells_open(block, opened, number, &column, false);
    struct art_row_set slots = art_row_set_below(column.slots);
    const struct art_row_set *asked = column.sparse ? &slots : rows;
    if (column.encoding == ART_COLUMN_INTEGERS && !test->singly) {
        choose_integers(&column, test, wanted);
    } else if (column.encoding == ART_COLUMN_INTEGERS) {
        choose_integers_singly(&column, test, asked, wanted);
    } else if (column.encoding == ART_COLUMN_ENTRIES) {
        choose_entries(&column, test, wanted);
    } else {
        choose_cells(&column, test, asked, room, wanted);
    }
    if (column.sparse) spread_wanted(&column.filled, test->null, wanted);
    const uint8_t *p = column.apart.values;
    for (uint32_t i = 0; i < column.apart.count; i++, p += art_serial_bytes(serial)) {
        p = art_serial_get(p, &serial);
        set_datum_of_body(&value, serial, p);
        set_chosen_row(wanted, column.apart.rows[i], value_is_wanted(test, &value));
    }
}

void art_block_choose(struct art_bytes block, unsigned column, const struct art_column_test *test, uint8_t *room,
                      struct art_row_set *rows) {
    struct art_row_set wanted = {{0, 0}};
    struct art_block opened;
    struct art_datum value;
    uint32_t serial;
    art_block_open(block, &opened, false);
    assert(test->low <= test->high);
    if (column < opened.columns) {
        choose_in_column(block, &opened, column, test, room, rows, &wanted);
    } else if (test->null) {
        wanted = art_row_set_below(opened.rows);
    }
    const uint8_t *p = opened.raw.values;
    for (uint32_t i = 0; i < opened.raw.count; i++, p += art_serial_bytes(serial)) {
        p = art_serial_get(p, &serial);
        bool damaged = read_raw(art_bytes(p, art_serial_bytes(serial)), column, &value);
        set_chosen_row(&wanted, opened.raw.rows[i], damaged || value_is_wanted(test, &value));
    }
    for (unsigned i = 0; i < 2; i++) rows->word[i] &= wanted.word[i];
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* A value, and what is beside it before all types of its row are known. Rows are read some at once, column by column;
 * entries are read once, as many as there is room for. */
enum {
    ROW_ROOM = ART_VALUE_INLINE_MAX + 1 + 2 * ART_BLOCK_COLUMNS_MAX + 8 * ART_BLOCK_COLUMNS_MAX,
};

/* All columns, opened, for rows in ascending order. */
struct reader {
    struct art_block block;
    uint32_t header; /* where bodies are put before all types of a row are known */
    struct art_cells column[ART_BLOCK_COLUMNS_MAX];
    struct cell cell[ART_BLOCK_COLUMNS_MAX][ART_LIMIT_MOST(rows_at_once)];
    struct cell *entry[ART_BLOCK_COLUMNS_MAX]; /* NULL: not kept */
    struct cell kept[ART_LIMIT_MOST(entries_kept)];
};

/* How many bytes serial types of these values take at most: 1 or 2. And the cells that they are, where wanted. */
static uint32_t read_list(const uint8_t *p, uint32_t count, struct cell *out) {
    uint32_t widest = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t serial;
        p = art_serial_get(p, &serial);
        if (serial >= 0x80) widest = 2;
        if (out) set_cell(&out[i], serial, p);
        p += art_serial_bytes(serial);
    }
    return widest;
}

/* The same of a column's slots; two where it is not known without a look at them. */
static uint32_t widest_slot(const struct art_cells *column) {
    if (column->encoding == ART_COLUMN_INTEGERS || column->encoding == ART_COLUMN_REALS) return 1;
    uint32_t digits = column->encoding >= ART_COLUMN_LOWER_HEX ? 2 : 1;
    return !column->width && (column->slope + (uint64_t)column->base) * digits < 58 ? 1 : 2;
}

static void open_all(struct reader *reader, struct art_bytes block) {
    uint32_t kept = 0;
    art_block_open(block, &reader->block, false);
    assert(reader->block.columns <= ART_BLOCK_COLUMNS_MAX);
    reader->header = 1;
    for (uint32_t i = 0; i < reader->block.columns; i++) {
        struct art_cells column;
        art_cells_open(block, &reader->block, i, &column, false);
        reader->column[i] = column;
        uint32_t widest = read_list(column.apart.values, column.apart.count, NULL);
        reader->entry[i] = NULL;
        if (column.encoding != ART_COLUMN_ENTRIES) {
            widest |= widest_slot(&column);
        } else if (kept + column.entries <= ART_LIMIT(entries_kept)) {
            reader->entry[i] = reader->kept + kept;
            widest |= read_list(column.body, column.entries, reader->entry[i]);
            kept += column.entries;
        } else {
            widest = 2;
        }
        reader->header += widest == 1 ? 1 : 2;
    }
}

/* Is row `row` apart? Those before it are passed over. */
static inline const uint8_t *next_apart(struct art_apart *apart, uint32_t row, uint32_t *serial) {
    while (apart->count && *apart->rows <= row) {
        const uint8_t *body = art_serial_get(apart->values, serial);
        apart->values = body + art_serial_bytes(*serial);
        apart->count--;
        if (*apart->rows++ == row) return body;
    }
    return NULL;
}

/* Where the least and the largest that the codes can say are of one serial type, and of one sign, so are all. */
static inline void read_integers(const struct art_cells *column, uint32_t from, uint32_t to, struct cell *out) {
    int64_t low = column->base, high = (int64_t)((uint64_t)low + column->mask);
    uint32_t serial = art_serial_of_integer(low);
    bool alike = low <= high && (low ^ high) >= 0 && serial == art_serial_of_integer(high);
    for (uint32_t row = from; row < to && alike; row++, out++) {
        out->integer = (int64_t)((uint64_t)low + art_cells_code(column, row));
        out->serial = serial;
        out->made_of = IS_NUMBER;
    }
    for (uint32_t row = from; row < to && !alike; row++)
        set_integer_cell(out++, (int64_t)((uint64_t)low + art_cells_code(column, row)));
}

static void read_bytes(const struct art_cells *column, uint32_t from, uint32_t to, struct cell *out) {
    const struct art_cells is = *column;
    uint64_t end = from ? art_cells_end(&is, from - 1) : 0;
    for (uint32_t row = from; row < to; row++) {
        uint64_t start = end;
        end = art_cells_end(&is, row);
        set_cell_of_bytes(&is, art_cells_between(&is, start, end), out++);
    }
}

/* The cells of some rows. */
static void read_cells(struct art_cells *column, const struct cell *entry, uint32_t from, uint32_t to,
                       struct cell *out) {
    const struct art_cells is = *column;
    if (!is.width && !is.sparse && is.encoding <= ART_COLUMN_ENTRIES) {
        cell_of_slot(&is, from, out);
        for (uint32_t row = from + 1; row < to; row++) out[row - from] = out[0];
    } else if (is.sparse) {
        for (uint32_t row = from; row < to; row++) {
            set_cell(&out[row - from], 0, is.body);
            if (art_row_set_has(&is.filled, row))
                cell_of_slot(&is, art_row_set_rank(&is.filled, row), &out[row - from]);
        }
    } else if (is.encoding == ART_COLUMN_INTEGERS) {
        read_integers(&is, from, to, out);
    } else if (is.encoding == ART_COLUMN_ENTRIES && entry) {
        for (uint32_t row = from; row < to; row++)
            out[row - from] = entry[art_min32((uint32_t)art_cells_code(&is, row), is.entries - 1)];
    } else if (is.encoding > ART_COLUMN_ENTRIES) {
        read_bytes(&is, from, to, out);
    } else {
        for (uint32_t row = from; row < to; row++) cell_of_slot(&is, row, &out[row - from]);
    }
    for (uint32_t row = from, serial; column->apart.count && row < to; row++) {
        const uint8_t *body = next_apart(&column->apart, row, &serial);
        if (body) set_cell(&out[row - from], serial, body);
    }
}

/* Of a few bytes mostly: no call for them. */
static inline void copy_few(uint8_t *to, const uint8_t *from, uint32_t n) {
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        uint64_t last = art_load64(from + n - 8);
        art_store64(to, art_load64(from));
        art_store64(to + n - 8, last);
    } else if (n >= 4) {
        uint32_t last = art_load32(from + n - 4);
        art_store32(to, art_load32(from));
        art_store32(to + n - 4, last);
    } else if (n) {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

/* The record of a row that is not raw, in ROW_ROOM bytes; bodies are put behind a header of `header` bytes first. Of a
 * block that nobody made it may be too long, and is then none at all. */
static uint32_t assemble_row(struct reader *reader, const struct cell *cell, uint8_t *out) {
    uint8_t *type = out + 1, *const bodies = out + reader->header, *const end = bodies + ART_VALUE_INLINE_MAX;
    uint8_t *at = bodies;
    for (uint32_t columns = reader->block.columns; columns; columns--, cell += ART_LIMIT_MOST(rows_at_once)) {
        uint32_t serial = cell->serial;
        if (cell->made_of == IS_NUMBER) {
            *type++ = (uint8_t)serial;
            art_store64_be(at, (uint64_t)cell->integer << art_serial_unused_bits[serial]);
            at += art_serial_number_bytes[serial];
            continue;
        }
        uint32_t n = art_serial_bytes(serial);
        if (n > end - at) return 0;
        type += art_serial_put(type, serial);
        if (cell->made_of == IS_BYTES) {
            copy_few(at, cell->body, n);
        } else {
            art_hex_digits(cell->body, n / 2, cell->made_of == IS_UPPER_HEX, at);
        }
        at += n;
    }
    /* NULLs at the end are not written; 0 may be the second byte of another type. */
    *out = 0;
    while (type > out + 1 && !type[-1] && type[-2] < 0x80) type--;
    uint32_t n = (uint32_t)(type - out), body = (uint32_t)(at - bodies);
    if (n - 2 >= 0x80 - 2 || n + body > ART_VALUE_INLINE_MAX) return 0;
    if (type != bodies) memmove(type, bodies, body);
    out[0] = (uint8_t)n;
    return n + body;
}

/* Into `space` bytes. */
static inline uint32_t assemble_value(struct reader *reader, uint32_t row, const struct cell *cell, uint8_t *out,
                                      uint32_t space) {
    uint32_t serial, n;
    if (reader->block.raw.count) {
        const uint8_t *raw = next_apart(&reader->block.raw, row, &serial);
        if (raw) {
            n = art_serial_bytes(serial);
            if (n > space) return 0;
            memcpy(out, raw, n);
            return n;
        }
    }
    if (space >= ROW_ROOM) return assemble_row(reader, cell, out);
    uint8_t room[ROW_ROOM];
    n = assemble_row(reader, cell, room);
    if (n > space) return 0;
    memcpy(out, room, n);
    return n;
}

static uint32_t value_of_block(struct art_bytes block, uint32_t row, uint8_t *out) {
    struct reader reader;
    art_block_open(block, &reader.block, false);
    assert(row < reader.block.rows && reader.block.columns <= ART_BLOCK_COLUMNS_MAX);
    reader.header = 1 + 2 * reader.block.columns;
    for (uint32_t i = 0; i < reader.block.columns; i++) {
        struct art_cells column;
        art_cells_open(block, &reader.block, i, &column, false);
        read_cell(&column, row, reader.cell[i]);
    }
    return assemble_value(&reader, row, reader.cell[0], out, ART_VALUE_INLINE_MAX);
}

static void values_of_block(struct art_bytes block, uint32_t from, uint32_t to, uint8_t *out, uint32_t *ends) {
    struct reader reader;
    uint32_t used = 0;
    open_all(&reader, block);
    assert(from <= to && to <= reader.block.rows);
    for (uint32_t begin = from; begin < to; begin += ART_LIMIT(rows_at_once)) {
        uint32_t end = art_min32(to, begin + ART_LIMIT(rows_at_once));
        for (uint32_t i = 0; i < reader.block.columns; i++)
            read_cells(&reader.column[i], reader.entry[i], begin, end, reader.cell[i]);
        for (uint32_t row = begin; row < end; row++) {
            used += assemble_value(&reader, row, &reader.cell[0][row - begin], out + used, ART_BLOCK_PLAIN_MAX - used);
            *ends++ = used;
        }
    }
}

/* --- fields of many rows ------------------------------------------------------------------------------------------ */

/* Of a column that has more than an integer in each row. Where two of its fields are so near to each other, more of
 * them will be wanted, and the cells of all rows are worked out together. */
enum { NEAR_ROWS = 8, FAR_FROM_ALL = ART_BLOCK_ROWS_MAX + 64 };

struct art_block_reader {
    struct art_bytes bytes;
    struct art_block block;
    uint64_t opened, lists;              /* a bit for each column: `column`; `listed` */
    uint64_t integers, texts;            /* it has one in each row, which is read as fast as out of a list */
    uint8_t last[ART_BLOCK_COLUMNS_MAX]; /* row that was read singly, or FAR_FROM_ALL */
    struct art_cells column[ART_BLOCK_COLUMNS_MAX];
    struct cell *listed[ART_BLOCK_COLUMNS_MAX]; /* memory for all rows, or NULL */
};
_Static_assert(ART_BLOCK_COLUMNS_MAX <= 64, "a bit for each column");

struct art_block_reader *art_block_reader_new(void) {
    return art_alloc_zeroed(sizeof(struct art_block_reader));
}

void art_block_reader_free(struct art_block_reader *reader) {
    for (unsigned i = 0; reader && i < ART_BLOCK_COLUMNS_MAX; i++) art_free(reader->listed[i]);
    art_free(reader);
}

void art_block_reader_begin(struct art_block_reader *reader, struct art_bytes block) {
    reader->bytes = block;
    reader->opened = reader->lists = reader->integers = reader->texts = 0;
    art_block_open(block, &reader->block, false);
}

/* Of a column that is open. Without memory its fields are read singly on and on. */
static void list_cells(struct art_block_reader *reader, uint32_t number) {
    struct art_cells column = reader->column[number];
    struct cell entry[ART_ENTRIES_MAX];
    if (!reader->listed[number]) reader->listed[number] = art_alloc(ART_BLOCK_ROWS_MAX * sizeof(struct cell));
    if (!reader->listed[number]) return;
    if (column.encoding == ART_COLUMN_ENTRIES) read_list(column.body, column.entries, entry);
    read_cells(&column, entry, 0, reader->block.rows, reader->listed[number]);
    reader->lists |= (uint64_t)1 << number;
}

static void open_column(struct art_block_reader *reader, uint32_t number) {
    struct art_cells *column = &reader->column[number];
    art_cells_open(reader->bytes, &reader->block, number, column, false);
    reader->opened |= (uint64_t)1 << number;
    reader->last[number] = FAR_FROM_ALL;
    if (column->sparse || column->apart.count) return;
    reader->integers |= (uint64_t)(column->encoding == ART_COLUMN_INTEGERS) << number;
    reader->texts |= (uint64_t)(column->encoding == ART_COLUMN_TEXTS) << number;
}

static inline void read_integer_in_place(const struct art_cells *column, uint32_t row, struct art_datum *out) {
    set_datum_of_integer(out, (int64_t)((uint64_t)column->base + art_cells_code(column, row)));
}

static enum art_rc __attribute__((noinline))
read_text_in_place(const struct art_cells *column, uint32_t row, struct art_datum *out) {
    struct art_bytes text = art_cells_bytes(column, row);
    set_datum_of_bytes(out, ART_SERIAL_TEXT, text.data, text.len);
    return ART_OK;
}

static enum art_rc __attribute__((noinline))
read_other_field(struct art_block_reader *reader, uint32_t row, uint32_t number, uint8_t *room, struct art_datum *out) {
    enum art_rc rc = ART_OK;
    if (read_elsewhere(&reader->block, row, number, out, &rc)) return rc;
    const struct art_cells *column = &reader->column[number];
    if (!(reader->opened >> number & 1)) open_column(reader, number);
    if (reader->lists >> number & 1) {
        set_datum_of_cell(out, &reader->listed[number][row], room);
    } else if (reader->integers >> number & 1) {
        read_integer_in_place(column, row, out);
    } else if (reader->texts >> number & 1) {
        return read_text_in_place(column, row, out);
    } else {
        read_field(column, row, room, out);
        bool is_near = (uint8_t)(row + NEAR_ROWS - reader->last[number]) <= 2 * NEAR_ROWS;
        if (is_near) list_cells(reader, number);
        reader->last[number] = (uint8_t)row;
    }
    return rc;
}

enum art_rc art_block_reader_field(struct art_block_reader *reader, unsigned row, unsigned column, uint8_t *room,
                                   struct art_datum *out) {
    if (column >= reader->block.columns || reader->block.raw.count)
        return read_other_field(reader, row, column, room, out);
    assert(row < reader->block.rows);
    if (reader->integers >> column & 1) {
        read_integer_in_place(&reader->column[column], row, out);
    } else if (reader->lists >> column & 1) {
        set_datum_of_cell(out, &reader->listed[column][row], room);
    } else if (reader->texts >> column & 1) {
        return read_text_in_place(&reader->column[column], row, out);
    } else {
        return read_other_field(reader, row, column, room, out);
    }
    return ART_OK;
}

const struct art_codec art_columns_codec = {art_block_encode, art_block_insane, value_of_block, values_of_block};
