/* Summaries: what a table adds up and bounds of some of its columns, beside the number of rows.
 *
 *   summary     the columns: first those with sums (`has.sums` of them), then the others; only the host can read them
 *               out of a value
 *   datum       one column's value in one row
 *   sum         of the integers in a column; all else counts nothing. 128 bits, so that no sum of a table overflows
 *   lookup      a column whose values can be looked up: hashes of them lead to pages (value_hash.h, blob/postings.h)
 *   search      a column, or the key, whose texts can be searched: parts of them lead to pages, too
 *   zone        bounds of a column over many rows, as in a zone map: never narrower than the rows, maybe wider; of
 *               numbers, or of texts by their codes (text_code.h)
 *
 * Sums follow the rule of counts (entry.h). An entry adds the values that it puts, and takes away those of the row that
 * it shadows. It keeps these, in front of its value:
 *
 *   ART_REPLACED      u8 length | a varint for each sum, zigzag, of the shadowed row's integer | the value
 *
 * Without the flag all of them are 0. So the sums of the entries of one key, over all sources, are those of its row. A
 * zone has the rows that are put, and says nothing of what they shadow.
 *
 * The value of a row in overflow chunks is not at hand. Its reference ends with the row's data, ART_DATUM_BYTES each:
 * of a text or blob, its hashes, and of a text the upper bits of its code above them. An entry with ART_CHUNK is no
 * row, and counts nothing.
 *
 * A sum of hashes adds up a hash of each row, modulo 2^64: its upper bits mean nothing. Its datum is no column's: it is
 * XXH3-64 of the value, so equal rows must have equal bytes. One without the key adds that. The keyed one adds the hash
 * of the row's key, without the first byte, which is its name space, seeded with the datum. So a row that moves takes
 * its datum along, in a reference, too, and its hash is made anew. Such a sum has no bounds: its zones are empty.
 */
#ifndef ART_BASE_SUMMARY_H
#define ART_BASE_SUMMARY_H

#include <stdbool.h>

#include "core/base/entry.h"
#include "core/base/row_set.h"

/* Memory from SQLite is aligned to 8. */
__extension__ typedef __int128 art_int128 __attribute__((aligned(8)));

enum {
    ART_SUMMARY_MAX = 8, /* columns */
    ART_DATUM_BYTES = 9, /* a datum's kind, and 8 bytes of a number */
    ART_SUM_BYTES = 16,  /* little-endian */
    ART_ZONE_BYTES = 17, /* kinds, low, high */
    ART_SUMMED_MAX = ART_SUMMARY_MAX * (ART_SUM_BYTES + ART_ZONE_BYTES),
    ART_STORED_MAX = ART_VALUE_INLINE_MAX + ART_REPLACED_MAX
};

/* In SQLite's order. ART_DATUM_BEYOND is no value, and comes behind all. */
enum art_datum_kind {
    ART_DATUM_NULL,
    ART_DATUM_INTEGER,
    ART_DATUM_REAL,
    ART_DATUM_TEXT,
    ART_DATUM_BLOB,
    ART_DATUM_BEYOND
};

/* The first REAL that is no integer; its negative is the first one. */
#define ART_TWO_63 9223372036854775808.0

/* What is known of a text or blob. */
enum { ART_HASH_BITS = 33 };
enum art_datum_by {
    ART_BY_BYTES,  /* its bytes; NULL: nothing but the kind */
    ART_BY_HASHES, /* `hashes`: the first, in bit 32 whether it is odd; above that the top of a text's code, or 0 */
    ART_BY_CODE,   /* some text with `integer` as its code */
    ART_BY_BOTH    /* the bytes, and their code */
};

struct art_datum {
    enum art_datum_kind kind;
    uint8_t by; /* enum art_datum_by */
    union {
        int64_t integer;
        double real; /* never NaN */
        uint64_t hashes;
    };
    struct art_bytes bytes; /* borrowed from the value */
};
static inline bool art_datum_has_bytes(const struct art_datum *datum) {
    return datum->by == ART_BY_BYTES || datum->by == ART_BY_BOTH;
}

/* How many there are of each. */
struct art_measures {
    uint8_t columns, sums; /* the first `sums` of the columns have one */
    uint8_t lookups;       /* a bit for each column that has one */
    uint16_t searches;     /* the same, and ART_SEARCH_KEY */
};
enum { ART_SEARCH_KEY = 1 << ART_SUMMARY_MAX };

/* Fields have numbers: those of lookups, by their columns; of searches; and that of the key. */
enum { ART_FIELD_SEARCHES = ART_SUMMARY_MAX, ART_FIELD_KEYS = ART_FIELD_SEARCHES + ART_SUMMARY_MAX, ART_FIELDS_MAX };
static inline uint32_t art_measures_fields(struct art_measures has) {
    return has.lookups | (uint32_t)has.searches << ART_FIELD_SEARCHES;
}
static inline bool art_measures_any(struct art_measures has) {
    return has.columns || has.searches;
}

/* Rows that have terms, in one of the fields. Of a lookup these are hashes, ascending, and a row has one of them. Of a
 * search they are trigrams, and a row has all of them; more rows than those are given, so the caller looks at each. */
struct art_term_query {
    unsigned field;
    uint32_t count;
    uint32_t *term; /* borrowed as long as somebody looks for them, and so are the bytes of `only`; in any order, which
                     * who looks for them may change */
    /* No NULL: of a lookup, the only value that is sought, as art_datum_compare() says. Of a row whose value is not at
     * hand the hashes tell. */
    struct art_datum only;
};

#define ART_CUT_ANY UINT32_MAX
enum { ART_TEXT_END = 0xff, ART_CUT_WIDTH = 3 };

struct art_summary {
    struct art_measures has;
    uint8_t texts;  /* a bit for each column in which zones of texts have bounds; in others texts count as blobs do */
    uint8_t hashes; /* so many of the first sums are of hashes */
    bool keyed;     /* the first one of these has the key in it */
    /* The values of columns in a row, in the summary's order: those that `wanted` has a bit for, which are no sums of
     * hashes. A value that is no record has NULLs. Texts and blobs lie in the value's bytes; of a value in a block they
     * may be made in `room`, which has ART_VALUE_INLINE_MAX bytes then. */
    void (*read)(void *context, const struct art_stored *value, unsigned wanted, uint8_t *room, struct art_datum *out);
    /* NULL, or faster than read() for one column of rows [from, to) of a block: out[0] is that of row `from`. Of texts
     * and blobs the kinds alone. */
    void (*read_column)(void *context, struct art_bytes block, unsigned column, uint32_t from, uint32_t to,
                        struct art_datum *out);
    /* NULL, or faster than read() for lookups: takes rows of a block that do not have what is sought from `rows`. */
    void (*choose)(void *context, struct art_bytes block, const struct art_term_query *query, struct art_row_set *rows);
    /* The same of entries[row], whose values are records by themselves. */
    void (*choose_records)(void *context, const struct art_entry *entries, const struct art_term_query *query,
                           struct art_row_set *rows);
    /* With searches: the terms of texts that follow each other, at most texts.len; the key is such a text. Each
     * comes of ART_CUT_WIDTH bytes of a text, 0 is none. `ends`: so many ART_TEXT_END stand there, one behind each
     * text, or none behind a single one. A text may have lost its beginning, but not within a character of UTF-8.
     * ART_CUT_ANY: one of them counts as having all, as each does that has an ART_TEXT_END of its own. */
    uint32_t (*cut)(struct art_bytes texts, uint32_t ends, uint32_t *terms);
    void *context;
};

/* <0, 0, >0, as SQLite sorts them: NULL, numbers by their exact values, texts, blobs, both by their bytes; a text with
 * one of which only the code is known by codes, and 0 says nothing then. */
int art_datum_compare(const struct art_datum *a, const struct art_datum *b);

/* --- zones -------------------------------------------------------------------------------------------------------- */

enum art_zone_kinds {
    ART_ZONE_NUMBERS = 1, /* low and high are bounds of them */
    ART_ZONE_REALS = 2,   /* they are doubles, rounded away from the numbers between them; else integers, exact */
    ART_ZONE_NULLS = 4,
    ART_ZONE_OTHERS = 8,    /* blobs, or texts beside anything but NULLs */
    ART_ZONE_TEXTS = 16,    /* texts, with no number and no other: low and high are codes */
    ART_ZONE_NUMERALS = 32, /* some of these may read as numbers */
    ART_ZONE_KINDS = 63,
    ART_ZONE_BOUNDED = ART_ZONE_NUMBERS | ART_ZONE_TEXTS,
    ART_ZONE_NO_INTEGERS = ART_ZONE_REALS | ART_ZONE_OTHERS | ART_ZONE_TEXTS
};

struct art_zone {
    uint8_t kinds;
    union {
        int64_t integer;
        double real;
    } low, high;
};

/* Makes `zone` wide enough for a datum, or for another zone; zeros are a zone with nothing in it. */
void art_zone_add_datum(struct art_zone *zone, const struct art_datum *datum);
void art_zone_add(struct art_zone *zone, const struct art_zone *more);
/* The same, at once for integers among integers, and for texts among texts. */
static inline void art_zone_widen(struct art_zone *zone, const struct art_zone *more) {
    unsigned kinds = zone->kinds | more->kinds;
    bool mixed = kinds & ART_ZONE_TEXTS && kinds & (ART_ZONE_NUMBERS | ART_ZONE_OTHERS);
    if (mixed || kinds & ART_ZONE_REALS) {
        art_zone_add(zone, more);
        return;
    }
    if (more->kinds & ART_ZONE_BOUNDED) {
        bool first = !(zone->kinds & ART_ZONE_BOUNDED);
        if (first || more->low.integer < zone->low.integer) zone->low.integer = more->low.integer;
        if (first || more->high.integer > zone->high.integer) zone->high.integer = more->high.integer;
    }
    zone->kinds = (uint8_t)kinds;
}
/* No datum in it is less, or larger. Of texts their codes; of others an empty text, or ART_DATUM_BEYOND. */
struct art_datum art_zone_end(const struct art_zone *zone, bool largest);
/* Are its kinds known and its bounds in order? Of bytes from disk. */
bool art_zone_is_sane(const struct art_zone *zone);
static inline bool art_zones_equal(const struct art_zone *a, const struct art_zone *b) {
    return a->kinds == b->kinds && a->low.integer == b->low.integer && a->high.integer == b->high.integer;
}

/* Rows that are wanted: in a column numbers between two numbers, or texts between two texts by their codes, and no
 * NULL. Where it is of numbers all texts are wanted, too, and the other way round, and all blobs: somebody may read a
 * number in a text, or make a text of a number. */
struct art_limit {
    unsigned column; /* of the summary */
    bool others;     /* and no bounds: wanted is whatever is no integer, and no NULL */
    bool low_set, high_set;
    bool numerals;              /* of texts: those that may read as numbers are wanted, whatever they are */
    struct art_datum low, high; /* wanted themselves; numbers, or texts with ART_BY_CODE */
};
enum { ART_LIMITS_MAX = 4, ART_LOOKUPS_MAX = 4, ART_TERM_QUERIES_MAX = 8 };
struct art_limits {
    const struct art_summary *summary; /* whose columns are named; with another one the limits mean nothing */
    unsigned count, query_count;
    struct art_limit limit[ART_LIMITS_MAX];
    struct art_term_query queries[ART_TERM_QUERIES_MAX];
    /* NULL, or takes the rows of a block from `rows` that surely are not wanted; with any summary. Not all that the set
     * has are rows of the host's. */
    void (*choose)(void *chooser, struct art_bytes block, struct art_row_set *rows);
    /* NULL, or beside it: the same of entries[row], whose values stand in no block. Set by the cursor of a tree. */
    void (*choose_singly)(void *chooser, const struct art_entry *entries, struct art_row_set *rows);
    void *chooser;
};
/* They say nothing, of this summary: what is behind the counts stays what it was. */
static inline void art_limits_none(struct art_limits *limits, const struct art_summary *summary) {
    limits->summary = summary;
    limits->count = limits->query_count = 0;
    limits->choose = NULL;
    limits->choose_singly = NULL;
    limits->chooser = NULL;
}
/* Does it say anything? */
static inline bool art_limits_any(const struct art_limits *limits) {
    return limits->count || limits->query_count || limits->choose;
}
/* False: no row of the zone is wanted. */
bool art_zone_may_have(const struct art_zone *zone, const struct art_limit *limit);

/* A search for the least or largest integer of a column. Zones lead it: a part whose bound is not better than what was
 * found is not looked into. It is `lost` where integers do not tell the answer, and somebody else has to look. */
struct art_extreme {
    const struct art_summary *summary;
    unsigned column;
    bool largest;
    bool hidden; /* some rows of this source may be: its bounds are not those of rows */
    bool any, lost;
    int64_t best; /* `any`: a row's, as good as all that was looked at */
    /* The search is for something else: a row that has no integer, and no NULL. It is `lost` where there may be one. */
    bool others;
    struct art_bytes other; /* no data, or the key of such a row, in the memtable's arena */
};
/* Is anything in it better, or nobody knows what? */
static inline bool art_extreme_beats(const struct art_extreme *search, const struct art_zone *zone) {
    if (zone->kinds & ART_ZONE_NO_INTEGERS) return true;
    if (search->others || !(zone->kinds & ART_ZONE_NUMBERS)) return false;
    if (!search->any) return true;
    return search->largest ? zone->high.integer > search->best : zone->low.integer < search->best;
}
/* A whole part, whose zone is as narrow as it can be. */
static inline void art_extreme_take(struct art_extreme *search, const struct art_zone *zone) {
    if (!art_extreme_beats(search, zone)) return;
    search->lost |= search->hidden || zone->kinds & ART_ZONE_NO_INTEGERS;
    search->any = true;
    search->best = search->largest ? zone->high.integer : zone->low.integer;
}
/* An entry of a leaf; one that puts no row counts nothing. */
void art_extreme_take_entry(struct art_extreme *search, const struct art_entry *entry);
/* The entries of rows [from, to) of a block, as of art_summary_read_column(). */
void art_extreme_take_rows(struct art_extreme *search, struct art_bytes block, uint32_t from, uint32_t to,
                           const uint8_t *flags);

/* --- sums and zones of many entries ------------------------------------------------------------------------------- */

struct art_summed {
    art_int128 sum[ART_SUMMARY_MAX];
    struct art_zone zone[ART_SUMMARY_MAX];
};

/* Bytes of sums and zones as they are encoded. */
static inline uint32_t art_summed_bytes(struct art_measures has) {
    return (uint32_t)ART_SUM_BYTES * has.sums + (uint32_t)ART_ZONE_BYTES * has.columns;
}

/* Adds sums to sums, and widens zones by zones. */
void art_summed_add(struct art_measures has, struct art_summed *to, const struct art_summed *from);
/* The sums, then the zones: art_summed_bytes() bytes. Of bytes from disk any sum may be anything; false: a zone is
 * impossible, and *out has it all the same. */
void art_summed_encode(struct art_measures has, const struct art_summed *summed, uint8_t *out);
bool art_summed_decode(struct art_measures has, const uint8_t *bytes, struct art_summed *out);
/* The zone of one column of these bytes. */
struct art_zone art_summed_zone(struct art_measures has, const uint8_t *bytes, unsigned column);
/* The encoded sums alone, added to `sum`. */
void art_summed_add_sums(struct art_measures has, const uint8_t *bytes, art_int128 *sum);
/* Are there no more columns than there may be, and no sum, lookup or search without its column? Of bytes from disk. */
bool art_measures_are_sane(struct art_measures has);
static inline bool art_measures_equal(struct art_measures a, struct art_measures b) {
    return a.columns == b.columns && a.sums == b.sums && a.lookups == b.lookups && a.searches == b.searches;
}

/* A sum of ART_SUM_BYTES bytes, at any address. */
art_int128 art_load_sum(const uint8_t *p);
void art_store_sum(uint8_t *p, art_int128 x);
/* Sums come from the disk: a lie may overflow, and is only a lie then. */
static inline art_int128 art_add128(art_int128 a, art_int128 b) {
    __extension__ typedef unsigned __int128 uint128;
    return (art_int128)((uint128)a + (uint128)b);
}
static inline art_int128 art_subtract128(art_int128 a, art_int128 b) {
    __extension__ typedef unsigned __int128 uint128;
    return (art_int128)((uint128)a - (uint128)b);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

#define ART_ALL_COLUMNS UINT8_MAX
/* The datum of sums of hashes. */
uint64_t art_stored_hash(const struct art_stored *value);
/* The data of a row's whole value in the wanted columns (a bit each). `out` has room for all columns, and `room` is
 * summary->read()'s. */
void art_summary_read_stored(const struct art_summary *summary, const struct art_stored *value, unsigned wanted,
                             uint8_t *room, struct art_datum *out);
/* What an entry puts: its data in the wanted columns (a bit each), or NULLs where it puts no row. `out` has room for
 * all columns, and borrows from the entry, or from `room` of ART_VALUE_INLINE_MAX bytes, where its value stands in a
 * block; else that may be NULL. Others than the wanted mean nothing. */
void art_summary_read(const struct art_summary *summary, const struct art_entry *entry, unsigned wanted, uint8_t *room,
                      struct art_datum *out);
/* One column of rows [from, to) of a block, all of them puts, as summary->read_column() gives it. `flags`: of the entry
 * of row `from`, and so on. */
void art_summary_read_column(const struct art_summary *summary, struct art_bytes block, unsigned column, uint32_t from,
                             uint32_t to, const uint8_t *flags, struct art_datum *out);
/* Hashes of the values that an entry puts. */
struct art_hashes {
    uint8_t count[ART_SUMMARY_MAX]; /* 0 in a column without a lookup */
    uint32_t hash[ART_SUMMARY_MAX][2];
};
/* The least and the largest of the texts that zones are still to be widened by: of many, only their codes are made. */
struct art_text_begin { /* as much of a text as its code says anything of, big-endian */
    uint64_t word[3];
    uint8_t len;
};
struct art_text_bounds {
    bool any, numerals;
    struct art_text_begin low, high;
};
/* Widens the zone by them, and forgets them. */
void art_text_bounds_settle(struct art_text_bounds *bounds, struct art_zone *zone);
/* What a row's value makes of the zone of its column. */
void art_summary_widen(const struct art_summary *summary, unsigned column, struct art_zone *zone,
                       const struct art_datum *datum);
/* What an entry, whose value is in no block, adds to the sums, and its row to zones; added to them. `texts`: NULL, or
 * takes texts in place of each zone. `data`: of a put, what art_summary_read() gives, but of the keyed sum; else left
 * as it is. Here and below `key` is the entry's, and is looked at only with a `keyed` sum. */
void art_summary_add(const struct art_summary *summary, struct art_bytes key, const struct art_entry *entry,
                     art_int128 *sum, struct art_zone *zone, struct art_text_bounds *texts, struct art_datum *data);
/* The same, added to nothing. */
void art_summary_weigh(const struct art_summary *summary, struct art_bytes key, const struct art_entry *entry,
                       struct art_summed *out);
/* Hashes of its data, for lookups. */
void art_summary_hashes(const struct art_summary *summary, const struct art_entry *entry, struct art_hashes *out);
/* Does an entry put a row with what is looked up in each of the columns? */
bool art_summary_seeks(const struct art_summary *summary, const struct art_entry *entry,
                       const struct art_limits *limits);
/* The same of a block, and of entries[row]: takes the rows from `rows` that do not. */
void art_summary_choose(const struct art_summary *summary, struct art_bytes block, const struct art_limits *limits,
                        struct art_row_set *rows);
void art_summary_choose_singly(const struct art_summary *summary, const struct art_entry *entries,
                               const struct art_limits *limits, struct art_row_set *rows);
/* Only the sums, added to `sum`: of an entry; and of all that puts rows [from, to) of a block, with a keyed
 * sum but for hashes: these art_summary_add_hashes() adds, of the datum that the keyed column has in each row. */
void art_summary_sums(const struct art_summary *summary, struct art_bytes key, const struct art_entry *entry,
                      art_int128 *sum);
void art_summary_sums_of_rows(const struct art_summary *summary, struct art_bytes block, uint32_t from, uint32_t to,
                              const uint8_t *flags, art_int128 *sum);
void art_summary_add_hashes(const struct art_summary *summary, struct art_bytes key, const struct art_datum *datum,
                            art_int128 *sum);

/* The bytes of ART_REPLACED for the row that an entry puts, into `out`; returns how many. 0: all sums are 0, and the
 * flag is not set. */
uint32_t art_replaced_encode(const struct art_summary *summary, struct art_bytes key, const struct art_entry *row,
                             uint8_t out[ART_REPLACED_MAX]);
/* What an overflow reference ends with: has.columns * ART_DATUM_BYTES bytes. */
void art_data_encode(const struct art_summary *summary, const struct art_datum *data, uint8_t *out);

#endif
