/* Rows as SQLite writes them: its record format, and the affinities of columns as an ordinary table applies them.
 *
 *     record  header length | serial type per column | body per column        all three in SQLite's varints
 *     serial  0 NULL, 1..6 integer of 1, 2, 3, 4, 6, 8 bytes, 7 double, 8 and 9 the integers 0 and 1,
 *             12 + 2n BLOB, 13 + 2n TEXT (UTF-8) of n bytes; numbers big-endian
 *
 * A record that ends before a column has NULL there: NULLs at the end are not written, nor is a record of nothing else,
 * and rows need not be written anew when a column is added. Records come back from a file: every length is checked.
 */
#include "core/base/row_set.h"
#include "core/base/value_hash.h"
#include "ext/base/base.h"
#include "ext/base/nul.h"
#include "ext/columns/columns.h"

#include <assert.h>

/* How many bytes a field of each type has, of those types that are a byte; of the two unknown ones more than any. */
#define TWICE(n) n, n
#define TEXTS(n) TWICE(n), TWICE((n) + 1), TWICE((n) + 2), TWICE((n) + 3)
enum { SHORT_TYPES = 0x80, UNKNOWN_TYPE = 0x80 };
static const uint8_t short_bytes[UINT8_MAX + 1] = {0,         1,         2,         3,         4,
                                                   6,         8,         8,         TWICE(0),  TWICE(UNKNOWN_TYPE),
                                                   TEXTS(0),  TEXTS(4),  TEXTS(8),  TEXTS(12), TEXTS(16),
                                                   TEXTS(20), TEXTS(24), TEXTS(28), TEXTS(32), TEXTS(36),
                                                   TEXTS(40), TEXTS(44), TEXTS(48), TEXTS(52), TWICE(56),
                                                   TWICE(57)};

/* SQLite's varint: big-endian groups of seven bits, the ninth byte whole. No length that is written has more than
 * five. */
static uint32_t put_varint(uint8_t *p, uint64_t x) {
    if (x < 0x80) {
        p[0] = (uint8_t)x;
        return 1;
    }
    uint8_t reversed[8];
    uint32_t n = 0;
    assert(x < (uint64_t)1 << 56); /* and `reversed` has room for as many */
    for (; x; x >>= 7) reversed[n++] = (uint8_t)((x & 0x7f) | 0x80);
    reversed[0] &= 0x7f;
    for (uint32_t i = 0; i < n; i++) p[i] = reversed[n - 1 - i];
    return n;
}

static uint32_t varint_bytes(uint64_t x) {
    uint32_t n = 1;
    while (x >> (7 * n)) n++;
    return n;
}

static uint32_t get_long_varint(const uint8_t *p, const uint8_t *end, uint64_t *x) {
    uint64_t value = 0;
    for (uint32_t n = 0; n < 9 && p + n < end; n++) {
        if (n == 8) {
            *x = value << 8 | p[8];
            return 9;
        }
        value = value << 7 | (p[n] & 0x7f);
        if (p[n] & 0x80) continue;
        *x = value;
        return n + 1;
    }
    return 0;
}

static inline uint32_t get_varint(const uint8_t *p, const uint8_t *end, uint64_t *x) {
    if (p >= end || *p >= 0x80) return get_long_varint(p, end, x);
    *x = *p;
    return 1;
}

static uint64_t integer_serial(int64_t x) {
    if (x == 0 || x == 1) return 8 + (uint64_t)x;
    uint64_t magnitude = x < 0 ? ~(uint64_t)x : (uint64_t)x;
    if (magnitude < 1u << 7) return 1;
    if (magnitude < 1u << 15) return 2;
    if (magnitude < 1u << 23) return 3;
    if (magnitude < 1u << 31) return 4;
    return magnitude < (uint64_t)1 << 47 ? 5 : 6;
}

static inline uint64_t body_bytes(uint64_t serial) {
    return serial >= 12 ? (serial - 12) / 2 : short_bytes[serial];
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static void set_number(struct art_field *field, uint64_t serial, uint64_t bits) {
    assert(serial >= 1 && serial <= 9);
    art_store64_be(field->number, bits);
    field->serial = serial;
    field->body = field->number + 8 - body_bytes(serial);
}

static void set_integer(struct art_field *field, int64_t integer) {
    set_number(field, integer_serial(integer), (uint64_t)integer);
}

static void set_real(struct art_field *field, double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    set_number(field, 7, bits);
}

/* Is it an integer, and none of the two at the ends? SQLite asks the same. */
static bool is_integral(double real) {
    if (!(real > -ART_TWO_63 && real < ART_TWO_63)) return false;
    return (double)(int64_t)real == real;
}

/* SQLite's own text is a copy, made to end it with a NUL, where the text came with its length; our databases are all in
 * UTF-8, so that the bytes of a text are the text. */
bool art_value_bytes(sqlite3_value *value, struct art_bytes *out) {
    static const uint8_t none;
    int type = sqlite3_value_type(value);
    bool as_it_is = type == SQLITE_TEXT || type == SQLITE_BLOB;
    const void *data = as_it_is ? sqlite3_value_blob(value) : (const void *)sqlite3_value_text(value);
    *out = art_bytes(data, (uint32_t)sqlite3_value_bytes(value));
    if (!data && as_it_is && !out->len) out->data = &none;
    return out->data;
}

static enum art_rc set_bytes(struct art_field *field, sqlite3_value *value, bool text) {
    struct art_bytes bytes;
    if (!art_value_bytes(value, &bytes)) return art_nomem();
    field->body = bytes.data;
    field->serial = 12 + text + 2 * (uint64_t)bytes.len;
    return ART_OK;
}

/* An ordinary table's columns of these affinities hold numbers and what does not look like one. A REAL column holds
 * 0.0 for -0.0, as it keeps what is integral as an integer on its pages. */
static enum art_rc set_numeric(struct art_field *field, sqlite3_value *value, bool real) {
    int type = sqlite3_value_numeric_type(value);
    if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return set_bytes(field, value, true);
    if (type == SQLITE_FLOAT && !is_integral(sqlite3_value_double(value))) {
        set_real(field, sqlite3_value_double(value));
    } else if (real) {
        set_real(field, (double)sqlite3_value_int64(value));
    } else {
        set_integer(field, sqlite3_value_int64(value));
    }
    return ART_OK;
}

enum art_rc art_field_set(struct art_field *field, sqlite3_value *value, enum art_affinity affinity) {
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) {
        *field = (struct art_field){0};
        return ART_OK;
    }
    if (type == SQLITE_BLOB) return set_bytes(field, value, false);
    if (affinity == ART_AFFINITY_TEXT || (affinity == ART_AFFINITY_BLOB && type == SQLITE_TEXT)) {
        return set_bytes(field, value, true);
    }
    if (affinity != ART_AFFINITY_BLOB) return set_numeric(field, value, affinity == ART_AFFINITY_REAL);
    if (type == SQLITE_INTEGER) {
        set_integer(field, sqlite3_value_int64(value));
    } else {
        set_real(field, sqlite3_value_double(value));
    }
    return ART_OK;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

enum art_rc art_record_encode(struct art_buffer *out, const struct art_field *fields, unsigned count) {
    uint64_t header = 0, body = 0;
    out->len = 0;
    while (count && fields[count - 1].serial == 0) count--; /* a record that ends early reads as NULL */
    if (!count) return ART_OK;
    for (unsigned i = 0; i < count; i++) {
        header += varint_bytes(fields[i].serial);
        body += body_bytes(fields[i].serial);
    }
    header += header + 1 < 0x80 ? 1 : header + 2 < 0x4000 ? 2 : 3; /* its own length */
    if (header + body > ART_VALUE_MAX) return art_fail(ART_TOOBIG, "art: a row has at most 2147483648 bytes");
    enum art_rc rc = art_buffer_reserve(out, (size_t)(header + body));
    if (rc) return rc;
    uint8_t *p = out->data + put_varint(out->data, header);
    for (unsigned i = 0; i < count; i++) p += put_varint(p, fields[i].serial);
    for (unsigned i = 0; i < count; i++) {
        size_t n = (size_t)body_bytes(fields[i].serial);
        if (n) memcpy(p, fields[i].body, n);
        p += n;
    }
    out->len = (size_t)(p - out->data);
    assert(out->len == header + body && out->len <= out->capacity);
    return ART_OK;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum art_rc __attribute__((cold)) damaged(const char *what) {
    return art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a row's record %s", what);
}

/* SQLite wants a text to end with a NUL as soon as somebody reads it. Its newer versions put one behind every text that
 * they copy; the older ones copy it once more if they have to add one. So these get one, which is only possible where
 * no other NUL is inside. */
enum { ENDS_TEXTS = 3053000 };

static bool ends_texts; /* the SQLite that is running */

void art_result_init(void) {
    ends_texts = sqlite3_libversion_number() >= ENDS_TEXTS;
}

static inline void result_with_length(sqlite3_context *context, const uint8_t *data, uint64_t len) {
    assert(data || !len);
    sqlite3_result_text64(context, (const char *)data, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void art_result_text(sqlite3_context *context, const uint8_t *data, uint64_t len) {
    char ended[256];
    if (len && (len >= sizeof ended || ends_texts || !art_copy_text(ended, data, len))) {
        result_with_length(context, data, len);
        return;
    }
    ended[len] = 0;
    sqlite3_result_text(context, ended, -1, SQLITE_TRANSIENT);
}

void art_result_key(sqlite3_context *context, bool blob, struct art_bytes key) {
    if (blob) {
        sqlite3_result_blob64(context, key.data ? (const void *)key.data : "", key.len, SQLITE_TRANSIENT);
    } else {
        art_result_text(context, key.data, key.len);
    }
}

void art_result_ended_text(sqlite3_context *context, const char *data, uint64_t len, bool has_no_nul) {
    if (!ends_texts && (has_no_nul || art_first_nul(data) == len)) {
        sqlite3_result_text(context, data, -1, SQLITE_TRANSIENT);
    } else {
        result_with_length(context, (const uint8_t *)data, len);
    }
}

/* Long texts and blobs of an own record are handed over: what stands before them is pushed out. */
static void hand_over(sqlite3_context *context, const uint8_t *data, uint64_t len, bool text, uint8_t **whole) {
    assert(data && len);
    void (*destroy)(void *) = SQLITE_TRANSIENT;
    if (whole && *whole) {
        memmove(*whole, data, (size_t)len);
        data = *whole;
        *whole = NULL;
        destroy = art_free;
    }
    if (text && destroy == SQLITE_TRANSIENT) {
        art_result_text(context, data, len);
    } else if (text) {
        sqlite3_result_text64(context, (const char *)data, len, destroy, SQLITE_UTF8);
    } else {
        sqlite3_result_blob64(context, data, len, destroy);
    }
}

/* Of a serial type from 1 to 7. */
static inline uint64_t number_bits(uint64_t serial, const uint8_t *p) {
    assert(serial >= 1 && serial <= 7);
    switch (serial) {
    case 1:
        return (uint64_t)(int8_t)p[0];
    case 2:
        return (uint64_t)(int16_t)(p[0] << 8 | p[1]);
    case 3:
        return (uint64_t)(int8_t)p[0] << 16 | (uint64_t)(p[1] << 8 | p[2]);
    case 4:
        return (uint64_t)(int32_t)__builtin_bswap32(art_load32(p));
    case 5:
        return (uint64_t)(int16_t)(p[0] << 8 | p[1]) << 32 | __builtin_bswap32(art_load32(p + 2));
    default:
        return __builtin_bswap64(art_load64(p));
    }
}

static inline double real_of(uint64_t bits) {
    double real;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static void result(sqlite3_context *context, uint64_t serial, const uint8_t *data, uint64_t len, uint8_t **whole) {
    assert(serial < 10 || (serial >= 12 && len == body_bytes(serial)));
    static const uint8_t nothing;
    if (serial >= 12) {
        if (len) {
            hand_over(context, data, len, serial & 1, whole);
        } else if (serial & 1) {
            sqlite3_result_text(context, "", 0, SQLITE_STATIC);
        } else {
            sqlite3_result_blob(context, &nothing, 0, SQLITE_STATIC);
        }
    } else if (serial >= 8) {
        sqlite3_result_int(context, (int)serial - 8);
    } else if (serial == 0) {
        sqlite3_result_null(context);
    } else if (serial == 7) {
        sqlite3_result_double(context, real_of(number_bits(serial, data)));
    } else {
        sqlite3_result_int64(context, (sqlite3_int64)number_bits(serial, data));
    }
}

static inline bool open_record(struct art_record_reader *reader) {
    static const uint8_t nothing;
    if (!reader->record.len) reader->record.data = &nothing;
    reader->column = 0;
    const uint8_t *p = reader->record.data, *end = p + reader->record.len;
    uint64_t header = 0;
    uint32_t n = reader->record.len ? get_varint(p, end, &header) : 0;
    if (reader->record.len && (!n || header > reader->record.len || header < n)) return false;
    reader->types = p + n;
    reader->body = reader->end_of_types = p + header;
    assert(reader->types <= reader->end_of_types && reader->end_of_types <= end);
    return true;
}

/* The field that the reader stands at, which is then behind it. At the record's end: NULL, for ever. */
static inline __attribute__((always_inline)) enum art_rc next_field(struct art_record_reader *reader, uint64_t *serial,
                                                                    uint64_t *len) {
    uint32_t n = get_varint(reader->types, reader->end_of_types, serial);
    *len = 0;
    reader->column++;
    if (!n) { /* written before the column was added, or a NULL */
        reader->types = reader->end_of_types;
        *serial = 0;
        return ART_OK;
    }
    *len = body_bytes(*serial);
    if (*serial == 10 || *serial == 11) return damaged("has an unknown type");
    if (*len > (uint64_t)(reader->record.data + reader->record.len - reader->body)) return damaged("is cut off");
    reader->types += n;
    reader->body += *len;
    return ART_OK;
}

/* One column, and a short one: nearly all tables' rows. */
static inline bool is_single(struct art_bytes record) {
    const uint8_t *p = record.data;
    return record.len >= 2 && p[0] == 2 && p[1] < 0x80 && p[1] != 10 && p[1] != 11 &&
           record.len == 2 + body_bytes(p[1]);
}

bool art_record_single_result(sqlite3_context *context, struct art_bytes record) {
    if (!is_single(record)) return false;
    uint64_t serial = record.data[1], len = record.len - 2;
    if (serial >= 12 && serial & 1) {
        art_result_text(context, record.data + 2, len);
    } else {
        result(context, serial, record.data + 2, len, NULL);
    }
    return true;
}

/* The field is what the reader has just passed. */
static inline __attribute__((always_inline)) enum art_rc find_field(struct art_record_reader *reader, unsigned column,
                                                                    uint64_t *serial, uint64_t *len) {
    if ((!reader->types || column < reader->column) && !open_record(reader)) return damaged("has no header");
    do {
        enum art_rc rc = next_field(reader, serial, len);
        if (rc) {
            reader->types = NULL;
            return rc;
        }
    } while (reader->column <= column);
    assert(reader->column == column + 1 && reader->types <= reader->end_of_types);
    return ART_OK;
}

static inline enum art_rc block_datum(const struct art_record_reader *reader, unsigned column, uint8_t *room,
                                      struct art_datum *out) {
    return reader->blocks ? art_block_reader_field(reader->blocks, reader->row, column, room, out)
                          : art_block_field(reader->record, reader->row, column, room, out);
}

static enum art_rc block_result(const struct art_record_reader *reader, sqlite3_context *context, unsigned column) {
    uint8_t room[ART_VALUE_INLINE_MAX + ART_KEY_PADDING];
    struct art_datum datum;
    enum art_rc rc = block_datum(reader, column, room, &datum);
    if (!rc) art_result_field(context, &datum, room);
    return rc;
}

enum art_rc art_record_reader_result(struct art_record_reader *reader, sqlite3_context *context, unsigned column,
                                     uint8_t **whole) {
    uint64_t serial = 0, len = 0;
    if (reader->in_block) return block_result(reader, context, column);
    enum art_rc rc = find_field(reader, column, &serial, &len);
    if (!rc) result(context, serial, reader->body - len, len, whole);
    return rc;
}

static inline void set_datum(struct art_datum *out, uint64_t serial, const uint8_t *data, uint64_t len) {
    assert(serial < 10 || (serial >= 12 && len == body_bytes(serial)));
    if (serial >= 1 && serial <= 6) {
        out->kind = ART_DATUM_INTEGER;
        out->integer = (int64_t)number_bits(serial, data);
    } else if (serial == 0) {
        out->kind = ART_DATUM_NULL;
    } else if (serial == 7) {
        out->kind = ART_DATUM_REAL;
        out->real = real_of(number_bits(serial, data));
        if (out->real != out->real) out->kind = ART_DATUM_NULL; /* as SQLite reads NaN */
    } else if (serial < 10) {
        out->kind = ART_DATUM_INTEGER;
        out->integer = (int64_t)serial - 8;
    } else {
        out->kind = serial & 1 ? ART_DATUM_TEXT : ART_DATUM_BLOB;
        out->by = ART_BY_BYTES;
        out->bytes = art_bytes(data, (uint32_t)len);
    }
}

void art_field_datum(const struct art_field *field, struct art_datum *out) {
    set_datum(out, field->serial, field->body, body_bytes(field->serial));
}

enum art_rc art_record_reader_datum(struct art_record_reader *reader, unsigned column, uint8_t *room,
                                    struct art_datum *out) {
    uint64_t serial = 0, len = 0;
    if (reader->in_block) return block_datum(reader, column, room, out);
    enum art_rc rc = find_field(reader, column, &serial, &len);
    if (!rc) set_datum(out, serial, reader->body - len, len);
    return rc;
}

/* Where a field begins, if the head's length and the types before this one are a byte each: so nearly all are. False:
 * it is another record, or lacks the field. */
static inline bool pass_short_fields(struct art_bytes record, unsigned column, uint32_t *at) {
    uint32_t from = record.len ? record.data[0] : 0, seen = 0;
    if (from >= SHORT_TYPES || from > record.len || column + 1 >= from) return false;
    for (const uint8_t *type = record.data + 1, *end = type + column; type < end; type++) {
        seen |= *type | short_bytes[*type];
        from += short_bytes[*type];
    }
    *at = from;
    return seen < SHORT_TYPES;
}

/* And of which type it is, if that is a byte, too. */
static inline bool find_short_field(struct art_bytes record, unsigned column, uint32_t *serial, uint32_t *at) {
    if (!pass_short_fields(record, column, at)) return false;
    *serial = record.data[1 + column];
    return (*serial | short_bytes[*serial]) < SHORT_TYPES && *at + short_bytes[*serial] <= record.len;
}

bool art_record_integer(struct art_bytes record, unsigned column, int64_t *out) {
    uint32_t at;
    if (!pass_short_fields(record, column, &at)) return false;
    uint32_t serial = record.data[1 + column];
    if (!serial || serial == 7 || serial > 9 || at + short_bytes[serial] > record.len) return false;
    uint32_t n = short_bytes[serial];
    *out = (int64_t)serial - 8;
    if (!n) return true;
    uint64_t x = 0;
    if (at + 8 <= record.len) {
        *out = (int64_t)__builtin_bswap64(art_load64(record.data + at)) >> (64 - 8 * n);
        return true;
    }
    for (uint32_t i = 0; i < n; i++) x = x << 8 | record.data[at + i];
    *out = (int64_t)(x << (64 - 8 * n)) >> (64 - 8 * n);
    return true;
}

static void block_data(const struct art_record_columns *in_record, const struct art_stored *record, unsigned wanted,
                       uint8_t *room, struct art_datum *out) {
    uint8_t made[ART_VALUE_INLINE_MAX];
    uint32_t left = ART_VALUE_INLINE_MAX; /* of the room: more than a value has come of lies */
    bool sound = true;
    for (unsigned i = 0; i < in_record->count; i++) {
        const struct art_record_column *where = &in_record->column[i];
        if (!(wanted >> where->item & 1)) continue;
        struct art_datum *datum = &out[where->item];
        sound = sound && !art_block_field(record->bytes, record->row, where->column, made, datum);
        bool is_made = sound && datum->kind >= ART_DATUM_TEXT && datum->bytes.data == made;
        sound = sound && !(is_made && datum->bytes.len > left);
        if (!sound) datum->kind = ART_DATUM_NULL;
        if (!sound || !is_made) continue;
        memcpy(room, made, datum->bytes.len);
        datum->bytes.data = room;
        room += datum->bytes.len;
        left -= datum->bytes.len;
    }
}

/* Of any record. Behind what is damaged all is NULL. */
static inline void passed_datum(struct art_record_reader *reader, unsigned column, struct art_datum *out) {
    uint64_t serial = 0, len = 0;
    while (reader->column <= column) {
        if (!next_field(reader, &serial, &len)) continue;
        reader->types = reader->end_of_types;
        serial = len = 0;
    }
    set_datum(out, serial, reader->body - len, len);
}

static inline struct art_record_reader reader_of(struct art_bytes record) {
    struct art_record_reader reader;
    art_record_reader_set(&reader, art_stored_of(record));
    if (!open_record(&reader)) reader.types = reader.end_of_types = reader.body = reader.record.data;
    return reader;
}

static void __attribute__((noinline)) any_datum(struct art_bytes record, unsigned column, struct art_datum *out) {
    struct art_record_reader reader = reader_of(record);
    passed_datum(&reader, column, out);
}

static inline void record_datum(struct art_bytes record, unsigned column, struct art_datum *out) {
    uint32_t serial, at;
    if (find_short_field(record, column, &serial, &at)) {
        set_datum(out, serial, record.data + at, short_bytes[serial]);
    } else {
        any_datum(record, column, out);
    }
}

/* Where a text is sought, the field's type mostly tells at once: it has the text's length. */
static inline bool record_has_term(struct art_bytes record, unsigned column, const struct art_term_query *query) {
    const struct art_datum *only = &query->only;
    struct art_datum value;
    uint32_t serial, at;
    if (only->kind == ART_DATUM_TEXT && find_short_field(record, column, &serial, &at))
        return serial == 13 + 2 * (uint64_t)only->bytes.len &&
               art_bytes_equal(art_bytes(record.data + at, only->bytes.len), only->bytes);
    record_datum(record, column, &value);
    return art_value_has_term(&value, query);
}

void art_records_choose(const struct art_entry *entries, unsigned column, const struct art_term_query *query,
                        struct art_row_set *rows) {
    for (uint32_t from = 0; from < ART_BLOCK_ROWS_MAX; from += 64) {
        uint64_t *word = &rows->word[from / 64], none = 0;
        for (uint64_t left = *word; left; left &= left - 1) {
            const struct art_entry *entry = &entries[from + (uint32_t)__builtin_ctzll(left)];
            struct art_bytes record = art_entry_value(entry->flags, entry->value);
            if (!record_has_term(record, column, query)) none |= left & -left;
        }
        *word &= ~none;
    }
}

static void __attribute__((noinline)) several_data(const struct art_record_columns *in_record, struct art_bytes record,
                                                   unsigned wanted, struct art_datum *out) {
    struct art_record_reader reader = reader_of(record);
    const struct art_record_column *end = in_record->column + in_record->count;
    assert(in_record->count <= ART_SUMMARY_MAX);
    for (const struct art_record_column *where = in_record->column; where < end; where++) {
        assert(where->item < ART_SUMMARY_MAX && (where == in_record->column || where[-1].column < where->column));
        if (wanted >> where->item & 1) passed_datum(&reader, where->column, &out[where->item]);
    }
}

/* Mostly all are wanted, or one. */
void art_record_data(const struct art_record_columns *in_record, const struct art_stored *record, unsigned wanted,
                     uint8_t *room, struct art_datum *out) {
    const struct art_record_column *where = in_record->column, *end = where + in_record->count;
    bool is_one = wanted && !(wanted & (wanted - 1));
    if (record->in_block) {
        block_data(in_record, record, wanted, room, out);
    } else if (!is_one) {
        several_data(in_record, record->bytes, wanted, out);
    } else {
        while (where < end && !(wanted >> where->item & 1)) where++;
        if (where < end) record_datum(record->bytes, where->column, &out[where->item]);
    }
}

void art_result_datum(sqlite3_context *context, const struct art_datum *datum) {
    bool text = datum->kind == ART_DATUM_TEXT, bytes = text || datum->kind == ART_DATUM_BLOB;
    if (datum->kind == ART_DATUM_INTEGER) {
        sqlite3_result_int64(context, datum->integer);
    } else if (datum->kind == ART_DATUM_REAL) {
        sqlite3_result_double(context, datum->real);
    } else if (bytes && datum->bytes.len) {
        hand_over(context, datum->bytes.data, datum->bytes.len, text, NULL);
    } else {
        result(context, bytes ? 12 + text : 0, NULL, 0, NULL);
    }
}

int art_result_sum(sqlite3_context *context, art_int128 sum) {
    if (sum == (int64_t)sum) {
        sqlite3_result_int64(context, (int64_t)sum);
        return SQLITE_OK;
    }
    sqlite3_result_error(context, "integer overflow", -1);
    return SQLITE_ERROR;
}

enum art_rc art_record_fields(struct art_bytes record, struct art_field *fields, unsigned count) {
    assert(fields || !count);
    struct art_record_reader reader;
    art_record_reader_set(&reader, art_stored_of(record));
    if (!open_record(&reader)) return damaged("has no header");
    for (unsigned i = 0; i < count; i++) {
        uint64_t len;
        enum art_rc rc = next_field(&reader, &fields[i].serial, &len);
        if (rc) return rc;
        fields[i].body = reader.body - len;
    }
    return ART_OK;
}

bool art_record_is_sound(struct art_bytes record) {
    struct art_record_reader reader;
    uint64_t serial, len;
    art_record_reader_set(&reader, art_stored_of(record));
    bool sound = open_record(&reader);
    while (sound && reader.types < reader.end_of_types)
        sound = get_varint(reader.types, reader.end_of_types, &serial) && !next_field(&reader, &serial, &len);
    return sound;
}

uint32_t art_sound_character(const uint8_t *p) {
    uint32_t n = p[0] >= 0xf0 && p[0] < 0xf8   ? 4
                 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                                               : 0;
    uint32_t c = n ? p[0] & (0x7fu >> n) : 0;
    for (uint32_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    bool no_character = (n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff));
    bool replaced = c == 0xfffd || (c & 0xfffff800) == 0xd800 || (c & 0xfffffffe) == 0xfffe;
    return no_character || replaced || (n && (p[n] & 0xc0) == 0x80) ? 0 : n;
}

bool art_text_is_sound(struct art_bytes text) {
    static const uint64_t high_bits = 0x8080808080808080;
    for (uint32_t i = 0, n; i < text.len; i += n) {
        uint8_t character[6] = {0};
        n = text.len - i >= 8 && !(art_load64(text.data + i) & high_bits) ? 8 : 1;
        if (text.data[i] < 0x80) continue;
        memcpy(character, text.data + i, art_min32(5, text.len - i));
        n = art_sound_character(character);
        if (!n) return false;
    }
    return true;
}
