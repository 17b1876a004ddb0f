/* Out of a block: a field, a column, a value, all values. The block is sane (cells.c); whatever its codes and ends
 * are, nothing outside of it is read, and nothing behind the room that was given is written.
 */
#include "ext/columns/cells.h"

/* --- one cell ----------------------------------------------------------------------------------------------------- */

enum made_of { IS_BYTES, IS_INTEGER, IS_LOWER_HEX, IS_UPPER_HEX };

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
}

static void cell_of_entry(const struct art_column *column, uint32_t slot, struct cell *out) {
    uint32_t number = art_min32((uint32_t)art_column_code(column, slot), column->entries - 1), serial;
    const uint8_t *body = column->entry_at ? art_serial_get(column->body + column->entry_at[number], &serial)
                                           : art_value_at(column->body, number, &serial);
    set_cell(out, serial, body);
}

static void cell_of_bytes(const struct art_column *column, uint32_t slot, struct cell *out) {
    struct art_bytes bytes = art_column_bytes(column, slot);
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

static inline void read_cell(const struct art_column *column, uint32_t row, struct cell *out) {
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
    if (column->encoding == ART_COLUMN_INTEGERS) {
        out->integer = (int64_t)((uint64_t)column->base + art_column_code(column, row));
        out->serial = art_serial_of_integer(out->integer);
        out->made_of = IS_INTEGER;
    } else if (column->encoding == ART_COLUMN_ENTRIES) {
        cell_of_entry(column, row, out);
    } else {
        cell_of_bytes(column, row, out);
    }
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static inline void set_datum_of_bytes(struct art_datum *out, uint32_t serial, const uint8_t *data, uint32_t len) {
    out->kind = serial & 1 ? ART_DATUM_TEXT : ART_DATUM_BLOB;
    out->by_hash = false;
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
    if (cell->made_of == IS_INTEGER) {
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

static uint32_t get_number(const uint8_t *p, const uint8_t *end, uint64_t *x) {
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
    uint32_t n = get_number(p, end, &header);
    if (!n || header > record.len || header < n) return "has no header";
    const uint8_t *types_end = p + header, *body = types_end;
    p += n;
    for (uint32_t i = 0; i <= column; i++) {
        n = get_number(p, types_end, &serial);
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

enum art_rc art_block_field(struct art_bytes block, unsigned row, unsigned column, uint8_t *room,
                            struct art_datum *out) {
    struct art_block opened;
    struct art_column cells;
    struct art_bytes raw;
    struct cell cell;
    art_block_open(block, &opened);
    assert(row < opened.rows);
    if (is_raw(&opened, row, &raw)) {
        const char *wrong = read_raw(raw, column, out);
        return wrong ? art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a row's record %s", wrong) : ART_OK;
    }
    if (column >= opened.columns) {
        out->kind = ART_DATUM_NULL;
        return ART_OK;
    }
    art_column_open(block, &opened, column, &cells);
    read_cell(&cells, row, &cell);
    set_datum_of_cell(out, &cell, room);
    return ART_OK;
}

/* --- a column ----------------------------------------------------------------------------------------------------- */

static void all_integers(const struct art_column *column, uint32_t from, uint32_t to, struct art_datum *out) {
    for (uint32_t slot = from; slot < to; slot++)
        set_datum_of_integer(out++, (int64_t)((uint64_t)column->base + art_column_code(column, slot)));
}

static void all_entries(const struct art_column *column, uint32_t from, uint32_t to, struct art_datum *out) {
    struct art_datum entry[ART_ENTRIES_MAX];
    const uint8_t *p = column->body;
    for (uint32_t i = 0; i < column->entries; i++) {
        uint32_t serial;
        p = art_serial_get(p, &serial);
        set_datum_of_body(&entry[i], serial, p);
        p += art_serial_bytes(serial);
    }
    for (uint32_t slot = from; slot < to; slot++)
        *out++ = entry[art_min32((uint32_t)art_column_code(column, slot), column->entries - 1)];
}

static void all_cells(const struct art_column *column, uint32_t from, uint32_t to, uint8_t *room,
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
static void spread(const struct art_row_set *filled, uint32_t from, uint32_t to, struct art_datum *out) {
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
    struct art_column cells;
    uint32_t serial;
    art_block_open(block, &opened);
    assert(from <= to && to <= opened.rows);
    if (from == to) return;
    if (column < opened.columns) {
        art_column_open(block, &opened, column, &cells);
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
        if (cells.sparse) spread(&cells.filled, from, to, out);
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

static inline bool is_wanted(const struct art_column_test *test, const struct art_datum *value) {
    return value->kind == ART_DATUM_NULL ? test->null : test->wants(test->context, value);
}

static inline void set_row(struct art_row_set *rows, uint32_t row, bool wanted) {
    if (wanted)
        art_row_set_add(rows, row);
    else
        art_row_set_remove(rows, row);
}

/* Between the bounds: base + code - low <= high - low, without signs, whatever overflows. */
static void choose_integers(const struct art_column *column, const struct art_column_test *test,
                            struct art_row_set *slots) {
    uint64_t above = (uint64_t)column->base - (uint64_t)test->low, span = (uint64_t)test->high - (uint64_t)test->low;
    uint64_t mask = column->mask;
    uint32_t width = column->width, slot = 0, bit = 0, whole = 0; /* slots that can be loaded where they are */
    if (!width) {
        if ((above <= span) != test->outside) *slots = art_row_set_below(column->slots);
        return;
    }
    if (column->codes <= column->last) whole = 8 * (uint32_t)(column->last - column->codes) / width + 1;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t bits = 0;
        uint32_t end = art_min32(column->slots, 64 * (i + 1)), near = art_min32(whole, end);
        for (; slot < near; slot++, bit += width) {
            uint64_t code = art_load64(column->codes + (bit >> 3)) >> (bit & 7) & mask;
            bits |= (uint64_t)(code + above <= span) << (slot & 63);
        }
        for (; slot < end; slot++) bits |= (uint64_t)(art_column_code(column, slot) + above <= span) << (slot & 63);
        slots->word[i] = test->outside ? ~bits : bits;
    }
}

static void choose_entries(const struct art_column *column, const struct art_column_test *test,
                           struct art_row_set *slots) {
    struct art_row_set wanted = {{0, 0}};
    struct art_datum entry;
    const uint8_t *p = column->body;
    for (uint32_t i = 0; i < column->entries; i++) {
        uint32_t serial;
        p = art_serial_get(p, &serial);
        set_datum_of_body(&entry, serial, p);
        if (is_wanted(test, &entry)) art_row_set_add(&wanted, i);
        p += art_serial_bytes(serial);
    }
    for (uint32_t slot = 0; slot < column->slots && art_row_set_any(&wanted); slot++) {
        uint32_t number = art_min32((uint32_t)art_column_code(column, slot), column->entries - 1);
        slots->word[slot >> 6] |= (uint64_t)art_row_set_has(&wanted, number) << (slot & 63);
    }
}

/* `asked`: those slots alone mean something. */
static void choose_cells(const struct art_column *column, const struct art_column_test *test,
                         const struct art_row_set *asked, uint8_t *room, struct art_row_set *slots) {
    struct art_datum value;
    struct cell cell;
    for (uint32_t slot = art_row_set_from(asked, 0); slot < column->slots; slot = art_row_set_from(asked, slot + 1)) {
        cell_of_bytes(column, slot, &cell);
        set_datum_of_cell(&value, &cell, room);
        if (is_wanted(test, &value)) art_row_set_add(slots, slot);
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
    struct art_column column;
    struct art_datum value;
    uint32_t serial;
    art_column_open(block, opened, number, &column);
    struct art_row_set slots = art_row_set_below(column.slots);
    if (column.encoding == ART_COLUMN_INTEGERS) {
        choose_integers(&column, test, wanted);
    } else if (column.encoding == ART_COLUMN_ENTRIES) {
        choose_entries(&column, test, wanted);
    } else {
        choose_cells(&column, test, column.sparse ? &slots : rows, room, wanted);
    }
    if (column.sparse) spread_wanted(&column.filled, test->null, wanted);
    const uint8_t *p = column.apart.values;
    for (uint32_t i = 0; i < column.apart.count; i++, p += art_serial_bytes(serial)) {
        p = art_serial_get(p, &serial);
        set_datum_of_body(&value, serial, p);
        set_row(wanted, column.apart.rows[i], is_wanted(test, &value));
    }
}

void art_block_choose(struct art_bytes block, unsigned column, const struct art_column_test *test, uint8_t *room,
                      struct art_row_set *rows) {
    struct art_row_set wanted = {{0, 0}};
    struct art_block opened;
    struct art_datum value;
    uint32_t serial;
    art_block_open(block, &opened);
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
        set_row(&wanted, opened.raw.rows[i], damaged || is_wanted(test, &value));
    }
    for (unsigned i = 0; i < 2; i++) rows->word[i] &= wanted.word[i];
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* All columns, opened. */
struct reader {
    struct art_block block;
    struct art_column column[ART_BLOCK_COLUMNS_MAX];
};

static void open_all(struct reader *reader, struct art_bytes block) {
    art_block_open(block, &reader->block);
    for (uint32_t i = 0; i < reader->block.columns; i++) art_column_open(block, &reader->block, i, &reader->column[i]);
}

static uint8_t *put_body(uint8_t *p, const uint8_t *end, const struct cell *cell) {
    uint32_t n = art_serial_bytes(cell->serial);
    switch (cell->made_of) {
    case IS_BYTES:
        memcpy(p, cell->body, n);
        break;
    case IS_INTEGER: {
        uint64_t x = n ? (uint64_t)cell->integer << (64 - 8 * n) : 0;
        if (end - p >= 8) {
            art_store64_be(p, x);
        } else {
            for (uint32_t i = 0; i < n; i++) p[i] = (uint8_t)(x >> (56 - 8 * i));
        }
        break;
    }
    default:
        art_hex_digits(cell->body, n / 2, cell->made_of == IS_UPPER_HEX, p);
    }
    return p + n;
}

/* The record of a row, in `space` bytes; of a block that nobody made it may be longer, and is then none at all. */
static uint32_t put_row(const struct reader *reader, uint32_t row, uint8_t *out, uint32_t space) {
    struct cell cell[ART_BLOCK_COLUMNS_MAX];
    struct art_bytes raw;
    if (is_raw(&reader->block, row, &raw)) {
        if (raw.len > space) return 0;
        memcpy(out, raw.data, raw.len);
        return raw.len;
    }
    uint32_t header = 1, body = 0, count = 0, header_to_here = 1;
    for (uint32_t i = 0; i < reader->block.columns; i++) {
        read_cell(&reader->column[i], row, &cell[i]);
        header_to_here += 1 + (cell[i].serial >= 0x80);
        if (!cell[i].serial) continue;
        body += art_serial_bytes(cell[i].serial);
        header = header_to_here;
        count = i + 1;
    }
    if (!count || header + body > space) return 0;
    uint8_t *types = out + 1, *p = out + header;
    out[0] = (uint8_t)header;
    for (uint32_t i = 0; i < count; i++) {
        types += art_serial_put(types, cell[i].serial);
        p = put_body(p, out + space, &cell[i]);
    }
    return header + body;
}

static uint32_t read_value(struct art_bytes block, uint32_t row, uint8_t *out) {
    struct reader reader;
    open_all(&reader, block);
    assert(row < reader.block.rows);
    return put_row(&reader, row, out, ART_VALUE_INLINE_MAX);
}

/* Where each entry begins, so that nobody steps over others. */
static void index_entries(struct art_column *column, uint16_t *at) {
    const uint8_t *p = column->body;
    for (uint32_t i = 0; i < column->entries; i++) {
        uint32_t serial;
        at[i] = (uint16_t)(p - column->body);
        p = art_serial_get(p, &serial);
        p += art_serial_bytes(serial);
    }
    column->entry_at = at;
}

static void read_values(struct art_bytes block, uint8_t *out, uint32_t *ends) {
    struct reader reader;
    uint16_t entry_at[ART_BLOCK_COLUMNS_MAX][ART_ENTRIES_MAX];
    uint32_t used = 0;
    open_all(&reader, block);
    for (uint32_t i = 0; i < reader.block.columns; i++) {
        if (reader.column[i].encoding == ART_COLUMN_ENTRIES) index_entries(&reader.column[i], entry_at[i]);
    }
    for (uint32_t row = 0; row < reader.block.rows; row++) {
        used += put_row(&reader, row, out + used, art_min32(ART_BLOCK_PLAIN_MAX - used, ART_VALUE_INLINE_MAX));
        ends[row] = used;
    }
}

const struct art_codec art_columns_codec = {art_block_encode, art_block_insane, read_value, read_values};
