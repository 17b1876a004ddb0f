#include "core/base/summary.h"

#include <assert.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text_code.h"
#include "core/base/value_hash.h"

/* --- data --------------------------------------------------------------------------------------------------------- */

static int compare_wholes(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* Exact, as SQLite compares them. */
static int compare_with_real(int64_t integer, double real) {
    if (!(real < ART_TWO_63)) return -1; /* as NaN, which only a forged zone has */
    if (real < -ART_TWO_63) return 1;
    int64_t whole = (int64_t)real;
    if (integer != whole) return compare_wholes(integer, whole);
    double rest = real - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

static int class_of(enum art_datum_kind kind) {
    return kind == ART_DATUM_REAL ? ART_DATUM_INTEGER : kind;
}

/* Of a text; of hashes alone the least that it may be. */
static int64_t code_of(const struct art_datum *text) {
    assert(text->kind == ART_DATUM_TEXT);
    if (text->by == ART_BY_BYTES) return art_text_code(text->bytes);
    return text->by == ART_BY_HASHES ? art_text_code_least(text->hashes >> ART_HASH_BITS) : text->integer;
}

int art_datum_compare(const struct art_datum *a, const struct art_datum *b) {
    assert(a->kind <= ART_DATUM_BEYOND && b->kind <= ART_DATUM_BEYOND);
    if (class_of(a->kind) != class_of(b->kind)) return class_of(a->kind) < class_of(b->kind) ? -1 : 1;
    if (a->kind == ART_DATUM_NULL) return 0;
    if (a->kind == ART_DATUM_TEXT && !(art_datum_has_bytes(a) && art_datum_has_bytes(b)))
        return compare_wholes(code_of(a), code_of(b));
    if (a->kind >= ART_DATUM_TEXT) return art_bytes_compare(a->bytes, b->bytes);
    if (a->kind == ART_DATUM_INTEGER) {
        return b->kind == ART_DATUM_INTEGER ? compare_wholes(a->integer, b->integer)
                                            : compare_with_real(a->integer, b->real);
    }
    if (b->kind == ART_DATUM_INTEGER) return -compare_with_real(b->integer, a->real);
    return a->real < b->real ? -1 : a->real > b->real;
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

/* The double next to one that is not 0, above or below. A neighbour in value is a neighbour in bits, and this needs no
 * libm: who links the library statically should not have to name it. */
static double neighbour(double real, bool above) {
    assert(real != 0);
    uint64_t bits;
    memcpy(&bits, &real, sizeof(bits));
    bits += (real > 0) == above ? 1 : (uint64_t)-1;
    memcpy(&real, &bits, sizeof(bits));
    return real;
}

/* The nearest doubles around an integer. One that is not exact is far from 0. */
static double real_below(int64_t integer) {
    double real = (double)integer;
    return compare_with_real(integer, real) < 0 ? neighbour(real, false) : real;
}

static double real_above(int64_t integer) {
    double real = (double)integer;
    return compare_with_real(integer, real) > 0 ? neighbour(real, true) : real;
}

static void become_real(struct art_zone *zone) {
    if (zone->kinds & ART_ZONE_REALS) return;
    if (zone->kinds & ART_ZONE_NUMBERS) {
        zone->low.real = real_below(zone->low.integer);
        zone->high.real = real_above(zone->high.integer);
    }
    zone->kinds |= ART_ZONE_REALS;
}

static void add_integers(struct art_zone *zone, int64_t low, int64_t high) {
    bool first = !(zone->kinds & ART_ZONE_NUMBERS);
    if (first || low < zone->low.integer) zone->low.integer = low;
    if (first || high > zone->high.integer) zone->high.integer = high;
    zone->kinds |= ART_ZONE_NUMBERS;
}

static void add_reals(struct art_zone *zone, double low, double high) {
    become_real(zone);
    bool first = !(zone->kinds & ART_ZONE_NUMBERS);
    if (first || low < zone->low.real) zone->low.real = low;
    if (first || high > zone->high.real) zone->high.real = high;
    zone->kinds |= ART_ZONE_NUMBERS;
}

/* Texts come to lie beside what is none. */
static void lose_texts(struct art_zone *zone) {
    if (zone->kinds & ART_ZONE_TEXTS)
        *zone = (struct art_zone){.kinds = (zone->kinds & ART_ZONE_NULLS) | ART_ZONE_OTHERS};
}

static void widen_by_texts(struct art_zone *zone, int64_t low, int64_t high) {
    bool first = !(zone->kinds & ART_ZONE_TEXTS);
    if (first || low < zone->low.integer) zone->low.integer = low;
    if (first || high > zone->high.integer) zone->high.integer = high;
    zone->kinds |= ART_ZONE_TEXTS;
}

static void widen_by_others(struct art_zone *zone) {
    lose_texts(zone);
    zone->kinds |= ART_ZONE_OTHERS;
}

static void widen_by_text(struct art_zone *zone, const struct art_datum *datum) {
    bool known = datum->by == ART_BY_HASHES ? datum->hashes >> ART_HASH_BITS : datum->bytes.data != NULL;
    if (!known || zone->kinds & (ART_ZONE_NUMBERS | ART_ZONE_OTHERS)) {
        widen_by_others(zone);
    } else if (datum->by == ART_BY_HASHES) {
        uint64_t top = datum->hashes >> ART_HASH_BITS;
        widen_by_texts(zone, art_text_code_least(top), art_text_code_largest(top));
        zone->kinds |= ART_ZONE_NUMERALS;
    } else {
        int64_t code = art_text_code(datum->bytes);
        widen_by_texts(zone, code, code);
        if (!(zone->kinds & ART_ZONE_NUMERALS) && art_text_may_be_number(datum->bytes))
            zone->kinds |= ART_ZONE_NUMERALS;
    }
}

void art_zone_add_datum(struct art_zone *zone, const struct art_datum *datum) {
    switch (datum->kind) {
    case ART_DATUM_NULL:
        zone->kinds |= ART_ZONE_NULLS;
        return;
    case ART_DATUM_INTEGER:
        lose_texts(zone);
        if (zone->kinds & ART_ZONE_REALS) {
            add_reals(zone, real_below(datum->integer), real_above(datum->integer));
        } else {
            add_integers(zone, datum->integer, datum->integer);
        }
        return;
    case ART_DATUM_REAL:
        lose_texts(zone);
        add_reals(zone, datum->real + 0.0, datum->real + 0.0); /* -0.0 becomes 0.0: the order of adding is nothing */
        return;
    case ART_DATUM_TEXT:
        widen_by_text(zone, datum);
        return;
    default:
        widen_by_others(zone);
    }
}

void art_zone_add(struct art_zone *zone, const struct art_zone *more) {
    struct art_zone other = *more;
    if ((zone->kinds | other.kinds) & (ART_ZONE_NUMBERS | ART_ZONE_OTHERS)) {
        lose_texts(zone);
        lose_texts(&other);
    }
    if (other.kinds & ART_ZONE_TEXTS) widen_by_texts(zone, other.low.integer, other.high.integer);
    if (other.kinds & ART_ZONE_NUMBERS) {
        if (zone->kinds & ART_ZONE_REALS) become_real(&other);
        if (other.kinds & ART_ZONE_REALS) {
            add_reals(zone, other.low.real, other.high.real);
        } else {
            add_integers(zone, other.low.integer, other.high.integer);
        }
    }
    zone->kinds |= other.kinds & (ART_ZONE_NULLS | ART_ZONE_OTHERS | ART_ZONE_NUMERALS);
}

struct art_datum art_zone_end(const struct art_zone *zone, bool largest) {
    struct art_datum datum = {.kind = ART_DATUM_NULL};
    bool numbers = zone->kinds & ART_ZONE_NUMBERS, others = zone->kinds & ART_ZONE_OTHERS;
    if (!largest && zone->kinds & ART_ZONE_NULLS) return datum;
    if (zone->kinds & ART_ZONE_TEXTS) {
        datum.kind = ART_DATUM_TEXT;
        datum.by = ART_BY_CODE;
        datum.integer = largest ? zone->high.integer : zone->low.integer;
    } else if (others && (largest || !numbers)) {
        datum.kind = largest ? ART_DATUM_BEYOND : ART_DATUM_TEXT;
    } else if (numbers && zone->kinds & ART_ZONE_REALS) {
        datum.kind = ART_DATUM_REAL;
        datum.real = largest ? zone->high.real : zone->low.real;
    } else if (numbers) {
        datum.kind = ART_DATUM_INTEGER;
        datum.integer = largest ? zone->high.integer : zone->low.integer;
    }
    return datum;
}

bool art_zone_may_have(const struct art_zone *zone, const struct art_limit *limit) {
    assert(limit->column < ART_SUMMARY_MAX);
    if (limit->others) return zone->kinds & ART_ZONE_NO_INTEGERS;
    bool texts = (limit->low_set ? limit->low.kind : limit->high.kind) == ART_DATUM_TEXT;
    if (zone->kinds & (ART_ZONE_OTHERS | (texts ? ART_ZONE_NUMBERS : ART_ZONE_TEXTS))) return true;
    if (!(zone->kinds & ART_ZONE_BOUNDED)) return false;
    if (limit->numerals && zone->kinds & ART_ZONE_NUMERALS) return true;
    struct art_zone values = *zone;
    values.kinds &= (uint8_t)~ART_ZONE_NULLS;
    struct art_datum least = art_zone_end(&values, false), most = art_zone_end(&values, true);
    if (limit->low_set && art_datum_compare(&most, &limit->low) < 0) return false;
    return !(limit->high_set && art_datum_compare(&least, &limit->high) > 0);
}

bool art_zone_is_sane(const struct art_zone *zone) {
    bool texts = zone->kinds & ART_ZONE_TEXTS;
    if (zone->kinds & (texts ? ART_ZONE_NUMBERS | ART_ZONE_REALS | ART_ZONE_OTHERS : ART_ZONE_NUMERALS)) return false;
    if (zone->kinds & ~ART_ZONE_KINDS) return false;
    if (!(zone->kinds & ART_ZONE_BOUNDED))
        return !(zone->kinds & ART_ZONE_REALS) && !zone->low.integer && !zone->high.integer;
    if (zone->kinds & ART_ZONE_REALS) return zone->low.real <= zone->high.real; /* false for NaN */
    return zone->low.integer <= zone->high.integer;
}

/* --- sums and zones of many entries ------------------------------------------------------------------------------- */

void art_summed_add(struct art_measures has, struct art_summed *to, const struct art_summed *from) {
    for (unsigned i = 0; i < has.sums; i++) to->sum[i] = art_add128(to->sum[i], from->sum[i]);
    for (unsigned i = 0; i < has.columns; i++) art_zone_widen(&to->zone[i], &from->zone[i]);
}

art_int128 art_load_sum(const uint8_t *p) {
    art_int128 x;
    memcpy(&x, p, sizeof x);
    return x;
}

void art_store_sum(uint8_t *p, art_int128 x) {
    memcpy(p, &x, sizeof x);
}

void art_summed_encode(struct art_measures has, const struct art_summed *summed, uint8_t *out) {
    assert(art_measures_are_sane(has));
    for (unsigned i = 0; i < has.sums; i++, out += ART_SUM_BYTES) art_store_sum(out, summed->sum[i]);
    for (unsigned i = 0; i < has.columns; i++, out += ART_ZONE_BYTES) {
        const struct art_zone *zone = &summed->zone[i];
        out[0] = zone->kinds;
        memcpy(out + 1, &zone->low, 8);
        memcpy(out + 9, &zone->high, 8);
    }
}

bool art_summed_decode(struct art_measures has, const uint8_t *bytes, struct art_summed *out) {
    assert(has.sums <= has.columns && has.columns <= ART_SUMMARY_MAX);
    bool sane = true;
    for (unsigned i = 0; i < has.sums; i++, bytes += ART_SUM_BYTES) out->sum[i] = art_load_sum(bytes);
    for (unsigned i = 0; i < has.columns; i++, bytes += ART_ZONE_BYTES) {
        struct art_zone *zone = &out->zone[i];
        zone->kinds = bytes[0];
        memcpy(&zone->low, bytes + 1, 8);
        memcpy(&zone->high, bytes + 9, 8);
        sane &= art_zone_is_sane(zone);
    }
    return sane;
}

struct art_zone art_summed_zone(struct art_measures has, const uint8_t *bytes, unsigned column) {
    const uint8_t *at = bytes + ART_SUM_BYTES * has.sums + ART_ZONE_BYTES * column;
    assert(column < has.columns);
    struct art_zone zone = {.kinds = at[0]};
    memcpy(&zone.low, at + 1, 8);
    memcpy(&zone.high, at + 9, 8);
    return zone;
}

void art_summed_add_sums(struct art_measures has, const uint8_t *bytes, art_int128 *sum) {
    assert(has.sums <= ART_SUMMARY_MAX);
    for (unsigned i = 0; i < has.sums; i++, bytes += ART_SUM_BYTES) sum[i] = art_add128(sum[i], art_load_sum(bytes));
}

bool art_measures_are_sane(struct art_measures has) {
    if (has.columns > ART_SUMMARY_MAX || has.sums > has.columns || has.searches >= 2 * ART_SEARCH_KEY) return false;
    return !(has.lookups >> has.columns) && !((has.searches & ~ART_SEARCH_KEY) >> has.columns);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

/* Of a reference that is too short: NULLs. */
static void read_data(struct art_measures has, struct art_bytes value, struct art_datum *out) {
    uint32_t bytes = has.columns * (uint32_t)ART_DATUM_BYTES;
    bool whole = value.len >= bytes;
    for (unsigned i = 0; i < has.columns; i++) {
        out[i] = (struct art_datum){.kind = ART_DATUM_NULL};
        const uint8_t *at = whole ? value.data + value.len - bytes + i * (uint32_t)ART_DATUM_BYTES : NULL;
        if (!whole || *at > ART_DATUM_BLOB) continue;
        out[i].kind = (enum art_datum_kind) * at;
        memcpy(&out[i].integer, at + 1, 8);
        out[i].by = out[i].kind >= ART_DATUM_TEXT ? ART_BY_HASHES : ART_BY_BYTES;
        if (out[i].kind == ART_DATUM_REAL && out[i].real != out[i].real) out[i].kind = ART_DATUM_NULL;
    }
}

static uint64_t encoded_hashes(const struct art_datum *datum, bool bounded) {
    uint32_t hash[ART_VALUE_HASHES] = {0};
    if (datum->by == ART_BY_HASHES) return datum->hashes;
    bool odd = art_value_hashes(datum, hash) > 1;
    uint64_t top = datum->kind == ART_DATUM_TEXT && bounded ? art_text_code_top(art_text_code(datum->bytes)) : 0;
    return hash[0] | (uint64_t)odd << 32 | top << ART_HASH_BITS;
}

void art_data_encode(const struct art_summary *summary, const struct art_datum *data, uint8_t *out) {
    struct art_measures has = summary->has;
    assert(has.columns <= ART_SUMMARY_MAX);
    for (unsigned i = 0; i < has.columns; i++, out += ART_DATUM_BYTES) {
        uint64_t number = data[i].kind == ART_DATUM_NULL ? 0 : (uint64_t)data[i].integer;
        out[0] = (uint8_t)data[i].kind;
        art_store64(out + 1,
                    data[i].kind >= ART_DATUM_TEXT ? encoded_hashes(&data[i], summary->texts >> i & 1) : number);
    }
}

/* Of an entry that is no put of a value at hand. A reference's data are numbers: nothing is borrowed. */
static void __attribute__((noinline))
read_otherwise(const struct art_summary *summary, const struct art_entry *entry, struct art_datum *out) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    if (entry->flags & (ART_DELETE | ART_CHUNK)) {
        for (unsigned i = 0; i < summary->has.columns; i++) out[i] = (struct art_datum){.kind = ART_DATUM_NULL};
    } else {
        struct art_stored stored = art_entry_stored(entry);
        read_data(summary->has, art_stored_plain(&stored, room), out);
    }
}

uint64_t art_stored_hash(const struct art_stored *value) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    struct art_bytes plain = art_stored_plain(value, room);
    return art_hash64(plain.data, plain.len);
}

static void __attribute__((noinline))
read_with_hashes(const struct art_summary *summary, const struct art_stored *value, unsigned wanted, uint8_t *room,
                 struct art_datum *out) {
    unsigned hashes = (1u << summary->hashes) - 1, others = wanted & ((1u << summary->has.columns) - 1 - hashes);
    int64_t hash = wanted & hashes ? (int64_t)art_stored_hash(value) : 0;
    for (unsigned i = 0; i < summary->hashes; i++) {
        out[i].kind = ART_DATUM_INTEGER;
        out[i].integer = hash;
    }
    if (others) summary->read(summary->context, value, others, room, out);
}

static inline __attribute__((always_inline)) void read_stored(const struct art_summary *summary,
                                                              const struct art_stored *value, unsigned wanted,
                                                              uint8_t *room, struct art_datum *out) {
    if (__builtin_expect(summary->hashes, 0)) {
        read_with_hashes(summary, value, wanted, room, out);
    } else {
        summary->read(summary->context, value, wanted, room, out);
    }
}

void art_summary_read_stored(const struct art_summary *summary, const struct art_stored *value, unsigned wanted,
                             uint8_t *room, struct art_datum *out) {
    read_stored(summary, value, wanted, room, out);
}

inline void art_summary_read(const struct art_summary *summary, const struct art_entry *entry, unsigned wanted,
                             uint8_t *room, struct art_datum *out) {
    assert(summary->has.sums <= summary->has.columns && (room || !(entry->flags & ART_IN_BLOCK)));
    if (entry->flags & (ART_DELETE | ART_CHUNK | ART_OVERFLOW)) {
        read_otherwise(summary, entry, out);
    } else {
        struct art_stored stored = art_entry_stored(entry);
        read_stored(summary, &stored, wanted, room, out);
    }
}

/* A row by itself, or many at once. */
static void hash_rows(struct art_bytes block, uint32_t from, uint32_t to, struct art_datum *out) {
    uint8_t room[ART_BLOCK_PLAIN_MAX];
    uint32_t ends[ART_BLOCK_ROWS_MAX], rows = to - from;
    if (rows == 1) {
        ends[0] = art_codec()->value(block, from, room);
    } else {
        art_codec()->values(block, from, to, room, ends);
    }
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t begin = i ? ends[i - 1] : 0;
        int64_t hash = (int64_t)art_hash64(room + begin, ends[i] - begin);
        out[i] = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = hash};
    }
}

void art_summary_read_column(const struct art_summary *summary, struct art_bytes block, unsigned column, uint32_t from,
                             uint32_t to, const uint8_t *flags, struct art_datum *out) {
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    bool hashed = column < summary->hashes, at_once = hashed || summary->read_column;
    assert(column < summary->has.columns && from <= to && to <= ART_BLOCK_ROWS_MAX);
    if (hashed) {
        hash_rows(block, from, to, out);
    } else if (at_once) {
        summary->read_column(summary->context, block, column, from, to, out);
    }
    for (uint32_t row = from; row < to; row++) {
        uint8_t said = flags[row - from];
        if (at_once && !(said & (ART_CHUNK | ART_OVERFLOW))) continue;
        const struct art_entry entry = {.value = block, .flags = said | ART_IN_BLOCK, .row = (uint8_t)row};
        art_summary_read(summary, &entry, 1u << column, room, data);
        out[row - from] = data[column];
        out[row - from].bytes = art_bytes(NULL, 0);
    }
}

static inline unsigned sums_only(const struct art_summary *summary) {
    assert(summary->has.sums <= ART_SUMMARY_MAX);
    return (1u << summary->has.sums) - 1;
}

/* A datum that is none is damage. */
static int64_t keyed_hash(struct art_bytes key, const struct art_datum *datum) {
    uint64_t seed = datum->kind == ART_DATUM_INTEGER ? (uint64_t)datum->integer : 0;
    return (int64_t)(key.len ? art_hash64_seeded(key.data + 1, key.len - 1, seed) : art_hash64_seeded(NULL, 0, seed));
}

static inline int64_t summand(const struct art_datum *datum) {
    return datum->kind == ART_DATUM_INTEGER ? datum->integer : 0;
}

/* Data become what they add: nobody wants the number of the one with the key any more. */
static void __attribute__((noinline)) put_key_in(struct art_bytes key, struct art_datum *data) {
    data->integer = keyed_hash(key, data);
    data->kind = ART_DATUM_INTEGER;
}

static inline void take_replaced(struct art_measures has, const struct art_entry *entry, art_int128 *sum) {
    const uint8_t *at = entry->value.data + 1, *end = at + entry->value.data[0];
    assert(entry->flags & ART_SHADOWS_OLDER && end <= entry->value.data + entry->value.len);
    for (unsigned i = 0; i < has.sums; i++) {
        uint64_t folded = 0;
        at += art_get_varint(at, end, &folded);
        sum[i] = art_subtract128(sum[i], (int64_t)(folded >> 1 ^ (0 - (folded & 1))));
    }
}

/* `key`: NULL without a keyed sum. */
static inline __attribute__((always_inline)) void add_all_sums(const struct art_summary *summary,
                                                               const struct art_bytes *key,
                                                               const struct art_entry *entry, art_int128 *sum) {
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    unsigned sums = summary->has.sums;
    if (entry->flags & ART_CHUNK) return;
    if (!(entry->flags & ART_DELETE)) {
        art_summary_read(summary, entry, sums_only(summary), room, data);
        if (key) put_key_in(*key, data);
        for (unsigned i = 0; i < sums; i++) sum[i] = art_add128(sum[i], summand(&data[i]));
    }
    if (entry->flags & ART_REPLACED) take_replaced(summary->has, entry, sum);
}

static void __attribute__((noinline)) add_sums_with_key(const struct art_summary *summary, struct art_bytes key,
                                                        const struct art_entry *entry, art_int128 *sum) {
    add_all_sums(summary, &key, entry, sum);
}

void art_summary_sums(const struct art_summary *summary, struct art_bytes key, const struct art_entry *entry,
                      art_int128 *sum) {
    if (__builtin_expect(summary->keyed, 0)) {
        add_sums_with_key(summary, key, entry, sum);
    } else {
        add_all_sums(summary, NULL, entry, sum);
    }
}

void art_summary_sums_of_rows(const struct art_summary *summary, struct art_bytes block, uint32_t from, uint32_t to,
                              const uint8_t *flags, art_int128 *sum) {
    struct art_datum data[ART_BLOCK_ROWS_MAX];
    for (unsigned i = summary->keyed ? summary->hashes : 0; i < summary->has.sums; i++) {
        art_summary_read_column(summary, block, i, from, to, flags, data);
        for (uint32_t row = from; row < to; row++) sum[i] = art_add128(sum[i], summand(&data[row - from]));
    }
}

void art_summary_add_hashes(const struct art_summary *summary, struct art_bytes key, const struct art_datum *datum,
                            art_int128 *sum) {
    assert(summary->keyed && summary->hashes);
    sum[0] = art_add128(sum[0], keyed_hash(key, datum));
    for (unsigned i = 1; i < summary->hashes; i++) sum[i] = art_add128(sum[i], summand(datum));
}

void art_summary_widen(const struct art_summary *summary, unsigned column, struct art_zone *zone,
                       const struct art_datum *datum) {
    assert(column < summary->has.columns);
    if (datum->kind == ART_DATUM_TEXT && !(summary->texts >> column & 1)) {
        widen_by_others(zone);
    } else {
        art_zone_add_datum(zone, datum);
    }
}

/* Integers among integers at once. */
static inline void add_datum(const struct art_summary *summary, unsigned column, struct art_zone *zone,
                             const struct art_datum *datum) {
    if (datum->kind != ART_DATUM_INTEGER || zone->kinds & (ART_ZONE_REALS | ART_ZONE_TEXTS)) {
        art_summary_widen(summary, column, zone, datum);
    } else {
        add_integers(zone, datum->integer, datum->integer);
    }
}

static uint64_t load_big(const uint8_t *bytes) {
    return __builtin_bswap64(art_load64(bytes));
}

/* Those that there are; behind them zeros. */
static struct art_text_begin begin_of(struct art_bytes text) {
    uint32_t len = text.len < ART_TEXT_CODED ? text.len : ART_TEXT_CODED;
    struct art_text_begin begin = {.len = (uint8_t)len};
    if (len >= 16) {
        begin.word[0] = load_big(text.data);
        begin.word[1] = load_big(text.data + 8);
        if (len > 16) begin.word[2] = load_big(text.data + len - 8) << 8 * (ART_TEXT_CODED - len);
    } else {
        uint8_t bytes[16] = {0};
        if (len) memcpy(bytes, text.data, len);
        begin.word[0] = load_big(bytes);
        begin.word[1] = load_big(bytes + 8);
    }
    return begin;
}

static inline bool begins_before(const struct art_text_begin *a, const struct art_text_begin *b) {
    for (int i = 0; i < 3; i++) {
        if (a->word[i] != b->word[i]) return a->word[i] < b->word[i];
    }
    return a->len < b->len;
}

static int64_t code_of_begin(const struct art_text_begin *begin) {
    uint8_t bytes[ART_TEXT_CODED];
    for (int i = 0; i < 3; i++) art_store64(bytes + 8 * i, __builtin_bswap64(begin->word[i]));
    return art_text_code(art_bytes(bytes, begin->len));
}

static inline void note_text(struct art_text_bounds *bounds, struct art_bytes text) {
    struct art_text_begin begin = begin_of(text);
    bounds->numerals = bounds->numerals || art_text_may_be_number(text);
    if (!bounds->any || begins_before(&begin, &bounds->low)) bounds->low = begin;
    if (!bounds->any || begins_before(&bounds->high, &begin)) bounds->high = begin;
    bounds->any = true;
}

void art_text_bounds_settle(struct art_text_bounds *bounds, struct art_zone *zone) {
    if (!bounds->any) return;
    struct art_zone own = {.kinds = ART_ZONE_TEXTS | (bounds->numerals ? ART_ZONE_NUMERALS : 0)};
    own.low.integer = code_of_begin(&bounds->low);
    own.high.integer = code_of_begin(&bounds->high);
    art_zone_add(zone, &own);
    *bounds = (struct art_text_bounds){0};
}

void art_summary_hashes(const struct art_summary *summary, const struct art_entry *entry, struct art_hashes *out) {
    assert(!(summary->has.lookups >> summary->has.columns));
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    art_summary_read(summary, entry, summary->has.lookups, room, data);
    memset(out->count, 0, sizeof out->count);
    for (unsigned i = 0; i < summary->has.columns; i++) {
        if (summary->has.lookups >> i & 1) out->count[i] = (uint8_t)art_value_hashes(&data[i], out->hash[i]);
    }
}

bool art_summary_seeks(const struct art_summary *summary, const struct art_entry *entry,
                       const struct art_limits *limits) {
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    unsigned wanted = 0;
    assert(limits->query_count <= ART_TERM_QUERIES_MAX);
    for (unsigned i = 0; i < limits->query_count; i++) {
        if (limits->queries[i].field < ART_FIELD_SEARCHES) wanted |= 1u << limits->queries[i].field;
    }
    art_summary_read(summary, entry, wanted, room, data);
    for (unsigned i = 0; i < limits->query_count; i++) {
        const struct art_term_query *query = &limits->queries[i];
        if (query->field < ART_FIELD_SEARCHES && !art_value_has_term(&data[query->field], query)) return false;
    }
    return true;
}

void art_summary_choose(const struct art_summary *summary, struct art_bytes block, const struct art_limits *limits,
                        struct art_row_set *rows) {
    for (unsigned i = 0; i < limits->query_count && summary->choose && art_row_set_any(rows); i++) {
        const struct art_term_query *query = &limits->queries[i];
        if (query->field < ART_FIELD_SEARCHES) summary->choose(summary->context, block, query, rows);
    }
    struct art_entry entry = {.value = block, .flags = ART_IN_BLOCK};
    uint32_t row = summary->choose ? ART_BLOCK_ROWS_MAX : art_row_set_from(rows, 0);
    for (; row < ART_BLOCK_ROWS_MAX; row = art_row_set_from(rows, row + 1)) {
        entry.row = (uint8_t)row;
        if (!art_summary_seeks(summary, &entry, limits)) art_row_set_remove(rows, row);
    }
}

void art_summary_choose_singly(const struct art_summary *summary, const struct art_entry *entries,
                               const struct art_limits *limits, struct art_row_set *rows) {
    enum { NO_RECORD = ART_DELETE | ART_CHUNK | ART_OVERFLOW | ART_IN_BLOCK };
    struct art_row_set records = *rows, chosen;
    for (uint32_t from = 0; from < ART_BLOCK_ROWS_MAX; from += 64) {
        for (uint64_t left = rows->word[from / 64]; left; left &= left - 1) {
            uint32_t row = from + (uint32_t)__builtin_ctzll(left);
            if (summary->choose_records && !(entries[row].flags & NO_RECORD)) continue;
            art_row_set_remove(&records, row);
            if (!art_summary_seeks(summary, &entries[row], limits)) art_row_set_remove(rows, row);
        }
    }
    chosen = records;
    for (unsigned i = 0; i < limits->query_count && art_row_set_any(&chosen); i++) {
        const struct art_term_query *query = &limits->queries[i];
        if (query->field < ART_FIELD_SEARCHES) summary->choose_records(summary->context, entries, query, &chosen);
    }
    art_row_set_replace(rows, &records, &chosen);
}

void art_summary_add(const struct art_summary *summary, struct art_bytes key, const struct art_entry *entry,
                     art_int128 *sum, struct art_zone *zone, struct art_text_bounds *texts, struct art_datum *data) {
    struct art_measures has = summary->has;
    assert(art_measures_are_sane(has) && !(entry->flags & ART_IN_BLOCK));
    if (entry->flags & ART_CHUNK) return;
    if (!(entry->flags & ART_DELETE)) {
        art_summary_read(summary, entry, ART_ALL_COLUMNS, NULL, data);
        for (unsigned i = summary->hashes; i < has.columns; i++) {
            bool waits = texts && data[i].kind == ART_DATUM_TEXT && summary->texts >> i & 1;
            if (waits && data[i].by == ART_BY_BYTES && data[i].bytes.data) {
                note_text(&texts[i], data[i].bytes);
            } else {
                add_datum(summary, i, &zone[i], &data[i]);
            }
        }
        if (__builtin_expect(summary->keyed, 0)) put_key_in(key, data);
        for (unsigned i = 0; i < has.sums; i++) sum[i] = art_add128(sum[i], summand(&data[i]));
    }
    if (entry->flags & ART_REPLACED) take_replaced(has, entry, sum);
}

void art_summary_weigh(const struct art_summary *summary, struct art_bytes key, const struct art_entry *entry,
                       struct art_summed *out) {
    struct art_datum data[ART_SUMMARY_MAX];
    for (unsigned i = 0; i < summary->has.sums; i++) out->sum[i] = 0;
    for (unsigned i = 0; i < summary->has.columns; i++) out->zone[i] = (struct art_zone){0};
    art_summary_add(summary, key, entry, out->sum, out->zone, NULL, data);
}

uint32_t art_replaced_encode(const struct art_summary *summary, struct art_bytes key, const struct art_entry *row,
                             uint8_t out[ART_REPLACED_MAX]) {
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX], *at = out + 1;
    bool any = false;
    if (!summary->has.sums) return 0;
    art_summary_read(summary, row, sums_only(summary), room, data);
    if (summary->keyed) put_key_in(key, data);
    for (unsigned i = 0; i < summary->has.sums; i++) {
        uint64_t value = (uint64_t)summand(&data[i]);
        any |= value != 0;
        at += art_put_varint(at, value << 1 ^ (0 - (value >> 63)));
    }
    _Static_assert(1 + ART_SUMMARY_MAX * ART_VARINT_MAX <= ART_REPLACED_MAX, "all sums, each as long as it can be");
    _Static_assert(ART_REPLACED_MAX <= UINT8_MAX, "and a byte tells how long they are");
    out[0] = (uint8_t)(at - out - 1);
    return any ? (uint32_t)(at - out) : 0;
}

static inline void take_datum(struct art_extreme *search, const struct art_datum *datum) {
    struct art_zone own = {0};
    add_datum(search->summary, search->column, &own, datum);
    art_extreme_take(search, &own);
}

void art_extreme_take_entry(struct art_extreme *search, const struct art_entry *entry) {
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    if (entry->flags & (ART_DELETE | ART_CHUNK)) return;
    assert(search->column < search->summary->has.columns);
    art_summary_read(search->summary, entry, 1u << search->column, room, data);
    take_datum(search, &data[search->column]);
}

void art_extreme_take_rows(struct art_extreme *search, struct art_bytes block, uint32_t from, uint32_t to,
                           const uint8_t *flags) {
    struct art_datum data[ART_BLOCK_ROWS_MAX];
    art_summary_read_column(search->summary, block, search->column, from, to, flags, data);
    for (uint32_t row = from; row < to && !search->lost; row++) {
        if (!(flags[row - from] & ART_CHUNK)) take_datum(search, &data[row - from]);
    }
}
