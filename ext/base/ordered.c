/* Values as bytes that sort as the values do in SQLite: the columns of a key, one behind the other.
 *
 *     NULL       05
 *     number     20 + n, n bytes       twice an integer, big-endian, without leading zeros; n = 0 to 9
 *                20 - n, n bytes       of a negative one, the low n bytes of two's complement
 *                .. , 8 bytes          twice the next lower integer, and one more: a fraction, the bits of its double;
 *                                      of a negative number those of what is missing to the next higher, inverted
 *                2F, 8 bytes           a real of 2^63 and more; 10: one below -2^63, its positive bits inverted
 *     text       30, bytes, 00         00 among them is 00 FF
 *     blob       40, bytes, 00         the same
 *
 * A value with its column in descending order has all of its bytes inverted. No value is the beginning of another
 * one, but for a text, behind whose 00 an FF may go on. So what follows a value never begins with 00 or FF, and the
 * keys in which a value stands at its place are those below value FF, or descending, behind value 01. A number is the
 * same bytes whether it is an integer or a real, as SQLite takes 5 and 5.0 for equal.
 */
#include "ext/base/ordered.h"

#include <assert.h>
#include <math.h>

/* --- writing ------------------------------------------------------------------------------------------------------ */

static enum art_rc append_bits(struct art_buffer *out, uint8_t tag, double real, bool inverted) {
    uint8_t bytes[9] = {tag};
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    art_store64_be(bytes + 1, inverted ? ~bits : bits);
    return art_buffer_append(out, bytes, sizeof bytes);
}

/* Twice an integer, and one more where a fraction follows. */
static enum art_rc append_twice(struct art_buffer *out, art_int128 twice) {
    uint8_t bytes[10];
    unsigned n = 0;
    for (art_int128 left = twice < 0 ? -twice : twice; left; left >>= 8) n++;
    assert(n <= 9);
    bytes[0] = (uint8_t)(twice < 0 ? ART_ORDERED_ZERO - (int)n : ART_ORDERED_ZERO + (int)n);
    for (unsigned i = 0; i < n; i++) bytes[n - i] = (uint8_t)(twice >> (8 * i));
    return art_buffer_append(out, bytes, n + 1);
}

static enum art_rc append_real_of(struct art_buffer *out, double real) {
    if (real >= ART_TWO_63) return append_bits(out, ART_ORDERED_MOST, real, false);
    if (real < -ART_TWO_63) return append_bits(out, ART_ORDERED_LEAST, -real, true);
    double below = floor(real);
    bool fraction = below != real;
    enum art_rc rc = append_twice(out, (art_int128)(int64_t)below * 2 + fraction);
    if (rc || !fraction) return rc;
    uint64_t bits;
    double part = real < 0 ? ceil(real) - real : real - below;
    uint8_t bytes[8];
    memcpy(&bits, &part, sizeof bits);
    art_store64_be(bytes, real < 0 ? ~bits : bits);
    return art_buffer_append(out, bytes, sizeof bytes);
}

static enum art_rc append_bytes_of(struct art_buffer *out, uint8_t tag, struct art_bytes bytes) {
    static const uint8_t escaped[2] = {0, ART_ORDERED_ESCAPED};
    enum art_rc rc = art_buffer_append(out, &tag, 1);
    if (!bytes.len) return rc; /* of no data there is none */
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.len;
    while (!rc && at < end) {
        const uint8_t *nul = memchr(at, 0, (size_t)(end - at));
        rc = art_buffer_append(out, at, (size_t)((nul ? nul : end) - at));
        if (!rc && nul) rc = art_buffer_append(out, escaped, sizeof escaped);
        at = nul ? nul + 1 : end;
    }
    return rc;
}

enum art_rc art_ordered_append(struct art_buffer *out, const struct art_datum *datum, bool descending, bool open) {
    static const uint8_t null = ART_ORDERED_NULL, end = 0;
    size_t from = out->len;
    bool text = datum->kind == ART_DATUM_TEXT;
    enum art_rc rc;
    if (datum->kind == ART_DATUM_INTEGER) {
        rc = append_twice(out, (art_int128)datum->integer * 2);
    } else if (datum->kind == ART_DATUM_REAL) {
        rc = append_real_of(out, datum->real);
    } else if (text || datum->kind == ART_DATUM_BLOB) {
        rc = append_bytes_of(out, text ? ART_ORDERED_TEXT : ART_ORDERED_BLOB, datum->bytes);
        if (!rc && !open) rc = art_buffer_append(out, &end, 1);
    } else {
        rc = art_buffer_append(out, &null, 1);
    }
    for (size_t i = from; !rc && descending && i < out->len; i++) out->data[i] = (uint8_t)~out->data[i];
    return rc;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct ordered {
    const uint8_t *at, *end;
    uint8_t turn; /* ff: all bytes are inverted */
};

static bool has_left(const struct ordered *from, size_t bytes) {
    return (size_t)(from->end - from->at) >= bytes;
}

static uint64_t next_bits(struct ordered *from, unsigned n) {
    uint64_t bits = 0;
    assert(has_left(from, n));
    for (unsigned i = 0; i < n; i++) bits = bits << 8 | (uint8_t)(*from->at++ ^ from->turn);
    return bits;
}

static double next_real(struct ordered *from, bool inverted) {
    uint64_t bits = next_bits(from, 8);
    double real;
    if (inverted) bits = ~bits;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static bool next_number_of(struct ordered *from, uint8_t tag, struct art_datum *out) {
    bool negative = tag < ART_ORDERED_ZERO;
    unsigned n = negative ? ART_ORDERED_ZERO - tag : tag - ART_ORDERED_ZERO;
    art_int128 twice = negative ? -1 : 0;
    if (n > 9 || !has_left(from, n)) return false;
    for (unsigned i = 0; i < n; i++) twice = twice * 256 + (uint8_t)(*from->at++ ^ from->turn);
    art_int128 below = twice >> 1;
    if (below < INT64_MIN || below > INT64_MAX) return false;
    *out = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = (int64_t)below};
    if (!(twice & 1)) return true;
    if (!has_left(from, 8)) return false;
    double part = next_real(from, negative);
    out->kind = ART_DATUM_REAL;
    out->real = negative ? (double)below + 1 - part : (double)below + part;
    return out->real == out->real;
}

/* What has no end goes on to the end of the bytes: a common prefix. `room`: NULL, the bytes are passed over. Nearly all
 * have no NUL, and lie in the key as they are. */
static bool next_bytes_of(struct ordered *from, struct art_buffer *room, struct art_bytes *out, bool *open) {
    size_t begin = room ? room->len : 0;
    const uint8_t *all = from->at;
    for (;;) {
        const uint8_t *nul = from->at < from->end ? memchr(from->at, from->turn, (size_t)(from->end - from->at)) : NULL;
        const uint8_t *to = nul ? nul : from->end;
        bool escaped = nul && nul + 1 < from->end && (uint8_t)(nul[1] ^ from->turn) == ART_ORDERED_ESCAPED;
        bool as_it_is = from->at == all && !escaped && !from->turn;
        if (as_it_is) {
            *out = art_bytes(all, (uint32_t)(to - all));
        } else if (room && art_buffer_append(room, from->at, (size_t)(to - from->at) + escaped)) {
            return false;
        }
        from->at = nul ? nul + 1 + escaped : from->end;
        *open = !nul;
        if (as_it_is) return true;
        if (!escaped) break;
    }
    if (!room) return true;
    for (size_t i = begin; from->turn && i < room->len; i++) room->data[i] ^= from->turn;
    if (room->len > begin) *out = art_bytes(room->data + begin, (uint32_t)(room->len - begin));
    return true;
}

bool art_ordered_next(struct art_bytes *bytes, bool descending, struct art_buffer *room, struct art_datum *out,
                      bool *open) {
    *out = (struct art_datum){.kind = ART_DATUM_NULL};
    *open = false;
    if (!bytes->len) return false;
    struct ordered from = {bytes->data, bytes->data + bytes->len, descending ? UINT8_MAX : 0};
    uint8_t tag = (uint8_t)(*from.at++ ^ from.turn);
    bool sound = true;
    if (tag == ART_ORDERED_TEXT || tag == ART_ORDERED_BLOB) {
        out->kind = tag == ART_ORDERED_TEXT ? ART_DATUM_TEXT : ART_DATUM_BLOB;
        sound = next_bytes_of(&from, room, &out->bytes, open);
    } else if (tag == ART_ORDERED_LEAST || tag == ART_ORDERED_MOST) {
        out->kind = ART_DATUM_REAL;
        sound = has_left(&from, 8);
        if (sound) out->real = tag == ART_ORDERED_MOST ? next_real(&from, false) : -next_real(&from, true);
        sound = sound && out->real == out->real;
    } else if (tag != ART_ORDERED_NULL) {
        sound = next_number_of(&from, tag, out);
    }
    *bytes = art_bytes(from.at, (uint32_t)(from.end - from.at));
    return sound;
}
