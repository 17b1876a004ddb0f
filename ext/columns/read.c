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
    if (serial - 1 >= 9 || serial == ART_SERIAL_REAL) return;
    out->made_of = IS_INTEGER;
    out->integer = art_serial_integer(serial, body);
}

static void cell_of_entry(const struct art_column *column, uint32_t slot, struct cell *out) {
    uint32_t number = art_min32((uint32_t)art_column_code(column, slot), column->entries - 1), serial;
    const uint8_t *body = art_value_at(column->body, number, &serial);
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

static inline void set_integer_cell(struct cell *out, int64_t integer) {
    out->integer = integer;
    out->serial = art_serial_of_integer(integer);
    out->made_of = IS_INTEGER;
}

static inline void read_slot(const struct art_column *column, uint32_t slot, struct cell *out) {
    if (column->encoding == ART_COLUMN_INTEGERS) {
        set_integer_cell(out, (int64_t)((uint64_t)column->base + art_column_code(column, slot)));
    } else if (column->encoding == ART_COLUMN_ENTRIES) {
        cell_of_entry(column, slot, out);
    } else {
        cell_of_bytes(column, slot, out);
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
    read_slot(column, row, out);
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
    art_block_open(block, &opened, false);
    assert(row < opened.rows);
    if (is_raw(&opened, row, &raw)) {
        const char *wrong = read_raw(raw, column, out);
        return wrong ? art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a row's record %s", wrong) : ART_OK;
    }
    if (column >= opened.columns) {
        out->kind = ART_DATUM_NULL;
        return ART_OK;
    }
    art_column_open(block, &opened, column, &cells, false);
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
    art_block_open(block, &opened, false);
    assert(from <= to && to <= opened.rows);
    if (from == to) return;
    if (column < opened.columns) {
        art_column_open(block, &opened, column, &cells, false);
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

/* --- values ------------------------------------------------------------------------------------------------------- */

/* A value, and what is beside it before all types of its row are known. Rows are read some at once, column by column;
 * entries are read once, as many as there is room for. */
enum { ROW_ROOM = ART_VALUE_INLINE_MAX + 1 + 2 * ART_BLOCK_COLUMNS_MAX + 16, ROWS_AT_ONCE = 16, ENTRIES_KEPT = 256 };

/* All columns, opened, for rows in ascending order. */
struct reader {
    struct art_block block;
    uint32_t header; /* where bodies are put before all types of a row are known */
    struct art_column column[ART_BLOCK_COLUMNS_MAX];
    struct cell cell[ART_BLOCK_COLUMNS_MAX][ROWS_AT_ONCE];
    struct cell *entry[ART_BLOCK_COLUMNS_MAX]; /* NULL: not kept */
    struct cell kept[ENTRIES_KEPT];
};

static void open_all(struct reader *reader, struct art_bytes block, bool keep) {
    uint32_t kept = 0;
    art_block_open(block, &reader->block, false);
    reader->header = 1 + reader->block.columns;
    for (uint32_t i = 0; i < reader->block.columns; i++) {
        struct art_column *column = &reader->column[i];
        art_column_open(block, &reader->block, i, column, false);
        reader->header += column->encoding >= ART_COLUMN_BLOBS && column->slope > 30;
        reader->entry[i] = NULL;
        if (!keep || column->encoding != ART_COLUMN_ENTRIES || kept + column->entries > ENTRIES_KEPT) continue;
        reader->entry[i] = reader->kept + kept;
        const uint8_t *p = column->body;
        for (uint32_t j = 0; j < column->entries; j++) {
            uint32_t serial;
            p = art_serial_get(p, &serial);
            set_cell(&reader->kept[kept++], serial, p);
            p += art_serial_bytes(serial);
        }
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

/* The cells of some rows. */
static void read_cells(struct art_column *column, const struct cell *entry, uint32_t from, uint32_t to,
                       struct cell *out) {
    const struct art_column is = *column;
    if (is.sparse) {
        for (uint32_t row = from; row < to; row++) {
            set_cell(&out[row - from], 0, is.body);
            if (art_row_set_has(&is.filled, row)) read_slot(&is, art_row_set_rank(&is.filled, row), &out[row - from]);
        }
    } else if (is.encoding == ART_COLUMN_INTEGERS) {
        for (uint32_t row = from; row < to; row++)
            set_integer_cell(&out[row - from], (int64_t)((uint64_t)is.base + art_column_code(&is, row)));
    } else if (is.encoding == ART_COLUMN_ENTRIES && entry) {
        for (uint32_t row = from; row < to; row++)
            out[row - from] = entry[art_min32((uint32_t)art_column_code(&is, row), is.entries - 1)];
    } else {
        for (uint32_t row = from; row < to; row++) read_slot(&is, row, &out[row - from]);
    }
    for (uint32_t row = from, serial; column->apart.count && row < to; row++) {
        const uint8_t *body = next_apart(&column->apart, row, &serial);
        if (body) set_cell(&out[row - from], serial, body);
    }
}

/* Of a few bytes mostly: no call for them. */
static inline void copy_bytes(uint8_t *to, const uint8_t *from, uint32_t n) {
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

/* The record of a row that is not raw, in ROW_ROOM bytes; of a block that nobody made it may be too long, and is then
 * none at all. */
static uint32_t put_row(const struct reader *reader, const struct cell *cell, uint8_t *out) {
    uint8_t types[2 * ART_BLOCK_COLUMNS_MAX], *type = types;
    uint8_t *const bodies = out + reader->header, *const end = bodies + ART_VALUE_INLINE_MAX, *at = bodies;
    for (uint32_t columns = reader->block.columns; columns; columns--, cell += ROWS_AT_ONCE) {
        uint32_t serial = cell->serial;
        if (cell->made_of == IS_INTEGER) {
            if (at > end) return 0;
            *type++ = (uint8_t)serial;
            art_store64_be(at, (uint64_t)cell->integer << art_serial_unused_bits[serial]);
            at += art_serial_number_bytes[serial];
            continue;
        }
        uint32_t n = art_serial_bytes(serial);
        if (n > end - at) return 0;
        type += art_serial_put(type, serial);
        if (cell->made_of == IS_BYTES) {
            copy_bytes(at, cell->body, n);
        } else {
            art_hex_digits(cell->body, n / 2, cell->made_of == IS_UPPER_HEX, at);
        }
        at += n;
    }
    /* NULLs at the end are not written; 0 may be the second byte of another type. */
    while (type > types && !type[-1] && (type == types + 1 || type[-2] < 0x80)) type--;
    uint32_t n = (uint32_t)(type - types), body = (uint32_t)(at - bodies);
    if (!n || 1 + n + body > ART_VALUE_INLINE_MAX) return 0;
    if (out + 1 + n != bodies) memmove(out + 1 + n, bodies, body);
    out[0] = (uint8_t)(1 + n);
    copy_bytes(out + 1, types, n);
    return 1 + n + body;
}

/* Into `space` bytes. */
static inline uint32_t put_value(struct reader *reader, uint32_t row, const struct cell *cell, uint8_t *out,
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
    if (space >= ROW_ROOM) return put_row(reader, cell, out);
    uint8_t room[ROW_ROOM];
    n = put_row(reader, cell, room);
    if (n > space) return 0;
    memcpy(out, room, n);
    return n;
}

static uint32_t read_value(struct art_bytes block, uint32_t row, uint8_t *out) {
    struct reader reader;
    open_all(&reader, block, false);
    assert(row < reader.block.rows);
    for (uint32_t i = 0; i < reader.block.columns; i++)
        read_cells(&reader.column[i], NULL, row, row + 1, reader.cell[i]);
    return put_value(&reader, row, reader.cell[0], out, ART_VALUE_INLINE_MAX);
}

static void read_values(struct art_bytes block, uint8_t *out, uint32_t *ends) {
    struct reader reader;
    uint32_t used = 0;
    open_all(&reader, block, true);
    for (uint32_t from = 0, rows = reader.block.rows; from < rows; from += ROWS_AT_ONCE) {
        uint32_t to = art_min32(rows, from + ROWS_AT_ONCE);
        for (uint32_t i = 0; i < reader.block.columns; i++)
            read_cells(&reader.column[i], reader.entry[i], from, to, reader.cell[i]);
        for (uint32_t row = from; row < to; row++) {
            used += put_value(&reader, row, &reader.cell[0][row - from], out + used, ART_BLOCK_PLAIN_MAX - used);
            ends[row] = used;
        }
    }
}

const struct art_codec art_columns_codec = {art_block_encode, art_block_insane, read_value, read_values};
