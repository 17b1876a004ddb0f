/* A summary over any values: column i is read from the 9 bytes at 9 * i, as many of them as there are. */
#ifndef TESTS_TOY_SUMMARY_H
#define TESTS_TOY_SUMMARY_H

#include <math.h>
#include <string.h>

#include "core/base/value_hash.h"
#include "tests/support/toy_cut.h"

static inline struct art_datum toy_datum(struct art_bytes value, unsigned column) {
    struct art_datum datum = {.kind = ART_DATUM_NULL};
    uint32_t at = column * (uint32_t)ART_DATUM_BYTES;
    if (at >= value.len) return datum;
    uint8_t kind = value.data[at++], number[8] = {0};
    struct art_bytes rest = art_bytes(value.data + at, art_min32(8, value.len - at));
    if (rest.len) memcpy(number, rest.data, rest.len);
    datum.kind = (enum art_datum_kind)(kind % 5);
    if (datum.kind >= ART_DATUM_TEXT) {
        datum.bytes = rest;
    } else if (datum.kind != ART_DATUM_NULL) {
        datum.integer = (int64_t)art_load64(number);
        if (datum.kind == ART_DATUM_INTEGER && kind & 32) datum.integer %= 16; /* many alike */
        if (datum.kind == ART_DATUM_REAL && isnan(datum.real)) datum.kind = ART_DATUM_NULL;
    }
    return datum;
}

/* Of 8 sums the first two are of hashes: no values of the toy's columns, and without zones. */
static inline unsigned toy_hashes(struct art_measures has) {
    return has.sums == ART_SUMMARY_MAX ? 2 : 0;
}

static inline void toy_read(void *context, const struct art_stored *stored, unsigned wanted, uint8_t *room,
                            struct art_datum *out) {
    const struct art_measures *has = context;
    struct art_bytes value = art_stored_plain(stored, room);
    for (unsigned i = toy_hashes(*has); i < has->columns; i++) {
        out[i] = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = 0x5a5a5a}; /* nobody is to look at it */
        if (wanted >> i & 1) out[i] = toy_datum(value, i);
    }
}

/* `has` must outlive it. */
static inline struct art_summary toy_summary(struct art_measures *has) {
    unsigned hashes = toy_hashes(*has);
    return (struct art_summary){.has = *has,
                                .texts = UINT8_MAX,
                                .hashes = (uint8_t)hashes,
                                .keyed = hashes > 0,
                                .read = toy_read,
                                .cut = toy_cut,
                                .context = has};
}

/* All forms: none, bounds alone, a sum, a lookup alone, a search of a column alone, of the key alone, several, many. */
enum { TOY_FORMS = 8 };
static inline struct art_measures toy_form(unsigned number) {
    static const struct art_measures forms[TOY_FORMS] = {{0, 0, 0, 0},
                                                         {1, 0, 0, 0},
                                                         {2, 1, 0, 0},
                                                         {1, 0, 1, 0},
                                                         {1, 0, 0, 1},
                                                         {0, 0, 0, ART_SEARCH_KEY},
                                                         {3, 2, 5, ART_SEARCH_KEY | 6},
                                                         {8, 8, 0x84, ART_SEARCH_KEY}};
    return forms[number % TOY_FORMS];
}

/* Of a limit: a number, or the code of a text. */
static inline struct art_datum toy_bound(const struct art_datum *datum) {
    bool number = datum->kind == ART_DATUM_INTEGER || datum->kind == ART_DATUM_REAL;
    struct art_zone own = {0};
    art_zone_add_datum(&own, datum);
    if (own.kinds & ART_ZONE_TEXTS) return art_zone_end(&own, false);
    return number ? *datum : (struct art_datum){.kind = ART_DATUM_INTEGER};
}

/* What is sought in one column with a lookup: the row's value, and a number. Good until the next call. */
static inline struct art_term_query toy_sought(struct art_measures has, const struct art_datum *data) {
    static uint32_t hash[2];
    struct art_term_query query = {.field = (unsigned)__builtin_ctz(has.lookups), .count = 2, .term = hash};
    struct art_datum other = {.kind = ART_DATUM_INTEGER, .integer = 7};
    uint32_t some[ART_VALUE_HASHES], seven[ART_VALUE_HASHES];
    art_value_hashes(&other, seven);
    if (!art_value_hashes(&data[query.field], some)) some[0] = seven[0];
    hash[0] = some[0] < seven[0] ? some[0] : seven[0];
    hash[1] = some[0] < seven[0] ? seven[0] : some[0];
    return query;
}

static inline unsigned toy_search_column(struct art_measures has) {
    return (unsigned)__builtin_ctz(has.searches);
}

/* The same in the first column with a search: the first three bytes of the row's text. */
static inline struct art_term_query toy_search(struct art_measures has, const struct art_datum *data) {
    static uint32_t term;
    const struct art_datum *datum = &data[toy_search_column(has)];
    bool text = datum->kind >= ART_DATUM_TEXT && datum->by != ART_BY_HASHES && datum->bytes.len >= 3;
    struct art_bytes begins = text ? art_bytes(datum->bytes.data, 3) : art_bytes("abc", 3);
    if (toy_cut(begins, 0, &term) == ART_CUT_ANY) term = 1;
    return (struct art_term_query){.field = ART_FIELD_SEARCHES + toy_search_column(has), .count = 1, .term = &term};
}

/* One or two limits, made of a byte and a row's data. */
static inline struct art_limits toy_limits(struct art_measures has, uint8_t how, const struct art_datum *data) {
    struct art_limits limits = {.count = 1 + (how & 1)};
    for (unsigned i = 0; i < limits.count; i++) {
        struct art_limit *limit = &limits.limit[i];
        limit->column = toy_hashes(has) + (how / 2u + i) % (has.columns - toy_hashes(has));
        limit->low_set = how >> (4 + i) & 1;
        limit->high_set = how >> (6 + i) & 1;
        limit->low = limit->high = toy_bound(&data[limit->column]);
        limit->numerals = how & 2;
    }
    if (has.lookups && how & 2) limits.queries[limits.query_count++] = toy_sought(has, data);
    if (has.searches % ART_SEARCH_KEY && how & 4) limits.queries[limits.query_count++] = toy_search(has, data);
    if (limits.query_count && how & 8) limits.count = 0;
    return limits;
}

static inline bool toy_has_part(const struct art_term_query *query, const struct art_datum *datum) {
    uint32_t terms[16], count = 0;
    bool text = datum->kind >= ART_DATUM_TEXT && datum->by != ART_BY_HASHES && datum->bytes.len <= 16;
    if (text) count = toy_cut(datum->bytes, 0, terms);
    for (uint32_t i = 0; count != ART_CUT_ANY && i < count; i++) {
        if (terms[i] == query->term[0]) return true;
    }
    return false;
}

static inline bool toy_wants(const struct art_limits *limits, const struct art_datum *data) {
    for (unsigned i = 0; i < limits->count; i++) {
        struct art_zone own = {0};
        art_zone_add_datum(&own, &data[limits->limit[i].column]);
        if (!art_zone_may_have(&own, &limits->limit[i])) return false;
    }
    for (unsigned i = 0; i < limits->query_count; i++) {
        const struct art_term_query *query = &limits->queries[i];
        bool searched = query->field >= ART_FIELD_SEARCHES;
        const struct art_datum *datum = &data[searched ? query->field - ART_FIELD_SEARCHES : query->field];
        if (searched ? !toy_has_part(query, datum) : !art_value_has_term(datum, query)) return false;
    }
    return true;
}

#endif
