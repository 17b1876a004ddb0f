/* A summary over values that begin with their data, ART_DATUM_BYTES each: a kind and 8 bytes, which are those of a text
 * or a blob, or its hashes in a table with lookups. */
#ifndef ART_TESTS_TOY_COLUMNS_H
#define ART_TESTS_TOY_COLUMNS_H

#include <math.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/toy_cut.h"

static inline void toy_columns_read(void *context, const struct art_stored *stored, unsigned wanted, uint8_t *room,
                                    struct art_datum *out) {
    const struct art_summary *summary = context;
    struct art_bytes value = art_stored_plain(stored, room);
    const uint8_t *at = value.data;
    for (unsigned i = 0; i < summary->has.columns; i++, at += ART_DATUM_BYTES) {
        out[i] = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = 0x5a5a5a}; /* nobody is to look at it */
        if (!(wanted >> i & 1)) continue;
        out[i] = (struct art_datum){.kind = ART_DATUM_NULL};
        if (value.len < summary->has.columns * ART_DATUM_BYTES || *at > ART_DATUM_BLOB) continue;
        out[i].kind = (enum art_datum_kind) * at;
        if (summary->has.lookups && out[i].kind >= ART_DATUM_TEXT) out[i].by = ART_BY_HASHES;
        if (out[i].kind >= ART_DATUM_TEXT && out[i].by != ART_BY_HASHES) {
            out[i].bytes = art_bytes(at + 1, 8);
        } else {
            memcpy(&out[i].integer, at + 1, 8);
        }
        if (out[i].kind == ART_DATUM_REAL && isnan(out[i].real)) out[i].kind = ART_DATUM_NULL;
    }
}

static inline void toy_columns_open(struct art_summary *summary, struct art_measures has) {
    *summary = (struct art_summary){
        .has = has, .texts = UINT8_MAX, .read = toy_columns_read, .cut = toy_cut, .context = summary};
}

enum { TOY_TEXT = 8 }; /* bytes of each */

/* One in so many may be no integer, and one in so many integers is one of those at which numbers end or begin. */
static inline struct art_datum toy_random_datum(struct random *random, unsigned odd) {
    static const int64_t integers[] = {0, 1, -1, 1000, (1ll << 53) + 1, INT64_MAX, INT64_MIN};
    static const double reals[] = {0.5, -1e300, INFINITY, 9007199254740992.0};
    static const char texts[][TOY_TEXT + 1] = {"2025-11-",       "2025-12-", "2024-02-", "1999-01-",
                                               "20251127",       "       7", "usr/bin/", "usr/lib/",
                                               "\0\0\0\0\0\0\0", "\xff\xff", "2025-1a-", "~~~~~~~~"};
    struct art_datum datum = {.kind = ART_DATUM_INTEGER};
    if (random_once_in(random, odd)) datum.kind = random_below(random, ART_DATUM_BEYOND);
    if (datum.kind == ART_DATUM_INTEGER) {
        datum.integer = random_once_in(random, odd) ? integers[random_below(random, 7)]
                                                    : (int64_t)random_next(random) >> random_below(random, 64);
    }
    if (datum.kind == ART_DATUM_REAL) datum.real = reals[random_below(random, 4)];
    if (datum.kind >= ART_DATUM_TEXT) datum.bytes = art_bytes(texts[random_below(random, 12)], TOY_TEXT);
    return datum;
}

/* One of so many different values (0: nearly any), a text as its hashes. */
static inline struct art_datum toy_hashed_datum(struct random *random, uint32_t different) {
    uint64_t number = different ? random_below(random, different) : random_next(random);
    struct art_datum datum = {.kind = random_below(random, ART_DATUM_BEYOND)};
    if (datum.kind == ART_DATUM_INTEGER) datum.integer = (int64_t)number;
    if (datum.kind == ART_DATUM_REAL) datum.real = (double)(int64_t)number / 2;
    if (datum.kind < ART_DATUM_TEXT) return datum;
    datum.by = ART_BY_HASHES;
    datum.hashes = (number * 0x9e3779b9u & UINT32_MAX) | (uint64_t)random_once_in(random, 9) << 32;
    if (random_below(random, 4)) datum.hashes |= number * 0x5851f42d4c957f2du >> ART_HASH_BITS << ART_HASH_BITS;
    return datum;
}

enum { TOY_REFERENCE = 28 }; /* bytes of an overflow reference, before its data */

/* The value of an entry with these flags: the data, behind a reference, or in front of `more` bytes; its length. Of a
 * text behind a reference no more than its hashes is known from then on. */
static inline uint32_t toy_value_put(const struct art_summary *summary, struct art_datum *data, uint8_t flags,
                                     uint32_t more, uint8_t *out) {
    uint32_t head = flags & ART_OVERFLOW ? TOY_REFERENCE : 0, len = head + summary->has.columns * ART_DATUM_BYTES;
    if (head) memset(out, 0xc5, head);
    if (head) more = 0;
    art_data_encode(summary, data, out + head);
    for (unsigned i = 0; i < summary->has.columns; i++) {
        if (data[i].kind < ART_DATUM_TEXT || data[i].by == ART_BY_HASHES) continue;
        uint8_t *at = out + head + i * ART_DATUM_BYTES + 1;
        if (head) {
            data[i] = (struct art_datum){.kind = data[i].kind, .by = ART_BY_HASHES, .hashes = art_load64(at)};
        } else {
            memcpy(at, data[i].bytes.data, TOY_TEXT);
        }
    }
    memset(out + len, 0x3a, more);
    return len + more;
}

/* Nothing is in a zone without kinds. */
static inline bool toy_zone_has(const struct art_zone *zone, const struct art_datum *datum) {
    struct art_datum least = art_zone_end(zone, false), most = art_zone_end(zone, true);
    return zone->kinds && art_datum_compare(&least, datum) <= 0 && art_datum_compare(datum, &most) <= 0;
}

static inline bool toy_zones_equal(const struct art_zone *a, const struct art_zone *b) {
    return a->kinds == b->kinds && a->low.integer == b->low.integer && a->high.integer == b->high.integer;
}

#endif
