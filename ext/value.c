/* Rows as SQLite writes them: its record format, so that each value comes back with the type that it had, and a table
 * of more columns needs nothing new.
 *
 *     record  header length | serial type per column | body per column        all three in SQLite's varints
 *     serial  0 NULL, 1..6 integer of 1, 2, 3, 4, 6, 8 bytes, 7 double, 8 and 9 the integers 0 and 1,
 *             12 + 2n BLOB, 13 + 2n TEXT (UTF-8) of n bytes; numbers big-endian
 *
 * Records come back from a file: every length in one is checked.
 */
#include "ext/ext.h"

static const uint8_t integer_bytes[] = {0, 1, 2, 3, 4, 6, 8};

/* SQLite's varint: big-endian groups of seven bits, the ninth byte whole. */
static uint32_t put_varint(uint8_t *p, uint64_t x) {
    if (x < 0x80) {
        p[0] = (uint8_t)x;
        return 1;
    }
    uint8_t reversed[10];
    uint32_t n = 0;
    if (x >> 56) {
        p[8] = (uint8_t)x;
        x >>= 8;
        for (int i = 7; i >= 0; i--, x >>= 7) p[i] = (uint8_t)((x & 0x7f) | 0x80);
        return 9;
    }
    for (; x; x >>= 7) reversed[n++] = (uint8_t)((x & 0x7f) | 0x80);
    reversed[0] &= 0x7f;
    for (uint32_t i = 0; i < n; i++) p[i] = reversed[n - 1 - i];
    return n;
}

static uint32_t get_varint(const uint8_t *p, const uint8_t *end, uint64_t *x) {
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

static uint64_t integer_serial(int64_t x) {
    if (x == 0 || x == 1) return 8 + (uint64_t)x;
    uint64_t magnitude = x < 0 ? ~(uint64_t)x : (uint64_t)x;
    if (magnitude < 1u << 7) return 1;
    if (magnitude < 1u << 15) return 2;
    if (magnitude < 1u << 23) return 3;
    if (magnitude < 1u << 31) return 4;
    return magnitude < (uint64_t)1 << 47 ? 5 : 6;
}

static uint64_t serial_of(sqlite3_value *value) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return integer_serial(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
        return 7;
    case SQLITE_TEXT:
        return 13 + 2 * (uint64_t)sqlite3_value_bytes(value);
    case SQLITE_BLOB:
        return 12 + 2 * (uint64_t)sqlite3_value_bytes(value);
    default:
        return 0;
    }
}

static uint64_t body_bytes(uint64_t serial) {
    if (serial >= 12) return (serial - 12) / 2;
    if (serial >= 8) return 0;
    return serial == 7 ? 8 : integer_bytes[serial];
}

static int append_body(struct art_buffer *out, sqlite3_value *value, uint64_t serial) {
    if (serial >= 12) {
        const void *data = serial & 1 ? (const void *)sqlite3_value_text(value) : sqlite3_value_blob(value);
        if (!data && serial >= 14) return art_nomem();
        return art_buffer_append(out, data, (size_t)body_bytes(serial));
    }
    uint64_t bits = 0;
    if (serial == 7) {
        double real = sqlite3_value_double(value);
        memcpy(&bits, &real, sizeof bits);
    } else {
        bits = (uint64_t)sqlite3_value_int64(value);
    }
    uint8_t bytes[8];
    art_store64_be(bytes, bits);
    uint64_t n = body_bytes(serial);
    return art_buffer_append(out, bytes + 8 - n, (size_t)n);
}

int art_record_encode(struct art_buffer *out, sqlite3_value *const *values, unsigned count) {
    uint64_t header = 0, body = 0;
    uint8_t varint[9];
    for (unsigned i = 0; i < count; i++) {
        uint64_t serial = serial_of(values[i]);
        header += put_varint(varint, serial);
        body += body_bytes(serial);
    }
    header += header + 1 < 0x80 ? 1 : 2; /* its own length; 2,000 columns stay below 16,384 */
    if (header + body > ART_VALUE_MAX) return art_fail(ART_TOOBIG, "art: a row has at most 2147483648 bytes");
    out->len = 0;
    int rc = art_buffer_reserve(out, (size_t)(header + body));
    if (!rc) rc = art_buffer_append(out, varint, put_varint(varint, header));
    for (unsigned i = 0; !rc && i < count; i++) {
        rc = art_buffer_append(out, varint, put_varint(varint, serial_of(values[i])));
    }
    for (unsigned i = 0; !rc && i < count; i++) rc = append_body(out, values[i], serial_of(values[i]));
    return rc;
}

static int damaged(const char *what) {
    return art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a row's record %s", what);
}

/* SQLite wants a text to end with a NUL as soon as somebody reads it, and copies it once more if it has to add one: so
 * it gets one. That is only possible where no other NUL is inside. */
void art_result_text(sqlite3_context *context, const uint8_t *data, uint64_t len) {
    char ended[256];
    if (len >= sizeof ended || (len && memchr(data, 0, (size_t)len))) {
        sqlite3_result_text64(context, (const char *)data, len, SQLITE_TRANSIENT, SQLITE_UTF8);
        return;
    }
    if (len) memcpy(ended, data, (size_t)len);
    ended[len] = 0;
    sqlite3_result_text(context, ended, -1, SQLITE_TRANSIENT);
}

/* Long texts and blobs of an own record are handed over: what stands before them is pushed out. */
static void hand_over(sqlite3_context *context, const uint8_t *data, uint64_t len, bool text, uint8_t **whole) {
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

static void result(sqlite3_context *context, uint64_t serial, const uint8_t *data, uint64_t len, uint8_t **whole) {
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
    } else {
        uint64_t bits = data[0] & 0x80 && serial != 7 ? UINT64_MAX : 0;
        for (uint64_t i = 0; i < len; i++) bits = bits << 8 | data[i];
        if (serial == 7) {
            double real;
            memcpy(&real, &bits, sizeof real);
            sqlite3_result_double(context, real);
        } else {
            sqlite3_result_int64(context, (sqlite3_int64)bits);
        }
    }
}

int art_record_result(sqlite3_context *context, struct art_bytes record, unsigned column, uint8_t **whole) {
    const uint8_t *p = record.data, *end = record.data + record.len;
    uint64_t header, serial = 0, len = 0;
    bool short_form = column == 0 && record.len >= 2 && p[0] == 2 && p[1] < 0x80 && p[1] != 10 && p[1] != 11;
    if (short_form && record.len == 2 + body_bytes(p[1])) { /* one column, and a short one: nearly always */
        result(context, p[1], p + 2, record.len - 2, whole);
        return ART_OK;
    }
    uint32_t n = get_varint(p, end, &header);
    if (!n || header > record.len || header < n) return damaged("has no header");
    const uint8_t *types = p + n, *body = p + header;
    for (unsigned i = 0;; i++) {
        n = get_varint(types, p + header, &serial);
        if (!n) { /* written before the column was added */
            sqlite3_result_null(context);
            return ART_OK;
        }
        if (serial == 10 || serial == 11) return damaged("has an unknown type");
        len = body_bytes(serial);
        if (len > (uint64_t)(end - body)) return damaged("is cut off");
        if (i == column) break;
        types += n;
        body += len;
    }
    result(context, serial, body, len, whole);
    return ART_OK;
}
