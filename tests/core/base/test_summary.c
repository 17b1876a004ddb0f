/* core/base/summary: data in SQLite's order, zones that never leave out what was added, and sums that an entry takes
 * along; and bytes of all three that somebody made up. */
#include <math.h>
#include <sqlite3.h>

#include "core/base/text_code.h"
#include "core/base/value_hash.h"
#include "tests/support/memtable_model.h"
#include "tests/support/toy_columns.h"

/* --- random data -------------------------------------------------------------------------------------------------- */

enum mix { INTEGERS = 1, REALS = 2, NULLS = 4, BLOBS = 8, TEXTS = 16, ALL = 31 };

/* Where a double ceases to tell integers apart, and where integers end. */
static int64_t random_integer(struct random *random) {
    static const int64_t around[] = {0, 1ll << 53, -(1ll << 53), 1ll << 62, INT64_MAX, INT64_MIN};
    int64_t near = (int64_t)random_below(random, 9) - 4;
    if (random_once_in(random, 5)) return (int64_t)random_next(random) >> random_below(random, 64);
    return (int64_t)((uint64_t)around[random_below(random, 6)] + (uint64_t)near);
}

/* Without -0.0: it is equal to 0.0, and which of the two a zone has depends on which came first. */
static double random_real(struct random *random) {
    static const double around[] = {1, 9007199254740992.0, 4611686018427387904.0, 9223372036854775808.0, 1e300};
    double real = around[random_below(random, 5)];
    switch (random_below(random, 8)) {
    case 0:
        return (random_once_in(random, 2) ? 1 : -1) * INFINITY;
    case 1:
        return (double)random_below(random, 9) / 2 - 2;
    case 2:
        return (double)random_integer(random);
    default:
        for (uint32_t steps = random_below(random, 3); steps; steps--) real = nextafter(real, INFINITY);
        for (uint32_t steps = random_below(random, 3); steps; steps--) real = nextafter(real, 0);
        return random_once_in(random, 2) ? real : -real;
    }
}

/* The bytes of a text or a blob go to `room`, 8 of them. */
static struct art_datum random_datum(struct random *random, unsigned mix, uint8_t *room) {
    static const uint8_t alphabet[] = {1, 'a', 'b', 0x7f};
    struct art_datum datum = {.kind = ART_DATUM_NULL};
    do {
        datum.kind = random_below(random, ART_DATUM_BLOB + 1);
    } while (!(mix & (datum.kind == ART_DATUM_NULL      ? NULLS
                      : datum.kind == ART_DATUM_INTEGER ? INTEGERS
                      : datum.kind == ART_DATUM_REAL    ? REALS
                      : datum.kind == ART_DATUM_TEXT    ? TEXTS
                                                        : BLOBS)));
    if (datum.kind == ART_DATUM_INTEGER) datum.integer = random_integer(random);
    if (datum.kind == ART_DATUM_REAL) datum.real = random_real(random);
    if (datum.kind < ART_DATUM_TEXT) return datum;
    for (int i = 0; i < 8; i++) {
        room[i] = datum.kind == ART_DATUM_TEXT ? alphabet[random_below(random, 4)] : (uint8_t)random_next(random);
    }
    datum.bytes = art_bytes(room, random_below(random, random_once_in(random, 3) ? 9 : 3));
    return datum;
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static void bind_datum(sqlite3_stmt *statement, int at, const struct art_datum *datum) {
    const void *bytes = datum->bytes.len ? (const void *)datum->bytes.data : "";
    switch (datum->kind) {
    case ART_DATUM_INTEGER:
        sqlite3_bind_int64(statement, at, datum->integer);
        break;
    case ART_DATUM_REAL:
        sqlite3_bind_double(statement, at, datum->real);
        break;
    case ART_DATUM_TEXT:
        sqlite3_bind_text(statement, at, bytes, (int)datum->bytes.len, SQLITE_TRANSIENT);
        break;
    case ART_DATUM_BLOB:
        sqlite3_bind_blob(statement, at, bytes, (int)datum->bytes.len, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_bind_null(statement, at);
    }
}

enum { SORTED = 60 };

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    return statement;
}

/* Which of the data SQLite takes for equal, and how it sorts the others: a rank for each. */
static void ranks_of(sqlite3 *db, const struct art_datum *data, int *rank) {
    ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM data", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *insert = prepare(db, "INSERT INTO data VALUES(?1, ?2)");
    for (int i = 0; i < SORTED; i++) {
        sqlite3_bind_int(insert, 1, i);
        bind_datum(insert, 2, &data[i]);
        HOLDS(sqlite3_step(insert) == SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    sqlite3_stmt *select = prepare(db, "SELECT id, dense_rank() OVER (ORDER BY value) FROM data");
    while (sqlite3_step(select) == SQLITE_ROW) rank[sqlite3_column_int(select, 0)] = sqlite3_column_int(select, 1);
    sqlite3_finalize(select);
}

TEST(test_data_sort_as_sqlite_sorts_them) {
    struct random random = random_announced("order");
    sqlite3 *db;
    uint8_t room[SORTED][8];
    struct art_datum data[SORTED];
    int rank[SORTED];
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE data(id INTEGER PRIMARY KEY, value)", NULL, NULL, NULL), SQLITE_OK);
    for (unsigned round = random_rounds(200); round; round--) {
        if (!random_span(&random)) continue;
        unsigned mix = round % 2 ? ALL : INTEGERS | REALS;
        for (int i = 0; i < SORTED; i++) data[i] = random_datum(&random, mix, room[i]);
        if (round % 5 == 0) data[0] = (struct art_datum){.kind = ART_DATUM_REAL, .real = -0.0};
        ranks_of(db, data, rank);
        for (int i = 0; i < SORTED; i++) {
            for (int j = 0; j < SORTED; j++) {
                HOLDS(sign(art_datum_compare(&data[i], &data[j])) == sign(rank[i] - rank[j]));
            }
        }
    }
    sqlite3_close(db);
}

TEST(test_what_is_no_value_comes_behind_all_that_are) {
    struct random random = random_announced("beyond");
    struct art_datum beyond = {.kind = ART_DATUM_BEYOND};
    uint8_t room[8];
    ck_assert_int_eq(art_datum_compare(&beyond, &beyond), 0);
    for (int i = 0; i < 1000; i++) {
        struct art_datum datum = random_datum(&random, ALL, room);
        HOLDS(art_datum_compare(&datum, &beyond) < 0);
        HOLDS(art_datum_compare(&beyond, &datum) > 0);
    }
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

static const struct art_measures one_zone = {1, 0, 0, 0};

static void zone_bytes(const struct art_zone *zone, uint8_t out[ART_ZONE_BYTES]) {
    struct art_summed summed = {.zone = {*zone}};
    art_summed_encode(one_zone, &summed, out);
}

static bool is_number(const struct art_datum *datum) {
    return datum->kind == ART_DATUM_INTEGER || datum->kind == ART_DATUM_REAL;
}

static struct art_datum real_datum(double real) {
    return (struct art_datum){.kind = ART_DATUM_REAL, .real = real};
}

/* As near to the numbers as its form allows: exact, or the nearest doubles around them. */
static void check_is_tight(const struct art_zone *zone, const struct art_datum *least, const struct art_datum *most) {
    if (zone->kinds & ART_ZONE_TEXTS) {
        HOLDS(zone->low.integer == art_text_code(least->bytes));
        HOLDS(zone->high.integer == art_text_code(most->bytes));
    } else if (zone->kinds & ART_ZONE_REALS) {
        struct art_datum above = real_datum(nextafter(zone->low.real, INFINITY));
        struct art_datum below = real_datum(nextafter(zone->high.real, -INFINITY));
        struct art_datum low = real_datum(zone->low.real), high = real_datum(zone->high.real);
        HOLDS(!art_datum_compare(&low, least) || art_datum_compare(&above, least) > 0);
        HOLDS(!art_datum_compare(&high, most) || art_datum_compare(&below, most) < 0);
    } else {
        HOLDS(zone->low.integer == least->integer);
        HOLDS(zone->high.integer == most->integer);
    }
}

static void check_zone(const struct art_zone *zone, const struct art_datum *data, uint32_t count) {
    const struct art_datum *least = NULL, *most = NULL;
    uint8_t kinds = 0;
    bool only_texts = true;
    HOLDS(art_zone_is_sane(zone));
    for (uint32_t i = 0; i < count; i++) only_texts &= data[i].kind == ART_DATUM_TEXT || data[i].kind == ART_DATUM_NULL;
    for (uint32_t i = 0; i < count; i++) {
        bool numeral = data[i].kind == ART_DATUM_TEXT && art_text_may_be_number(data[i].bytes);
        HOLDS(toy_zone_has(zone, &data[i]));
        if (data[i].kind == ART_DATUM_NULL) kinds |= ART_ZONE_NULLS;
        if (data[i].kind >= ART_DATUM_TEXT) kinds |= only_texts ? ART_ZONE_TEXTS : ART_ZONE_OTHERS;
        if (only_texts && numeral) kinds |= ART_ZONE_NUMERALS;
        if (data[i].kind == ART_DATUM_REAL) kinds |= ART_ZONE_REALS;
        if (is_number(&data[i])) kinds |= ART_ZONE_NUMBERS;
        if (!is_number(&data[i]) && !(only_texts && data[i].kind == ART_DATUM_TEXT)) continue;
        if (!least || art_datum_compare(&data[i], least) < 0) least = &data[i];
        if (!most || art_datum_compare(&data[i], most) > 0) most = &data[i];
    }
    HOLDS(zone->kinds == kinds);
    if (least) check_is_tight(zone, least, most);
}

static void shuffle(struct art_datum *data, uint32_t count, struct random *random) {
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = random_below(random, i);
        struct art_datum datum = data[i - 1];
        data[i - 1] = data[j];
        data[j] = datum;
    }
}

/* The data in some groups, a zone each, and these added to each other in any order. */
static struct art_zone merged(const struct art_datum *data, uint32_t count, struct random *random) {
    enum { GROUPS = 5 };
    struct art_zone groups[GROUPS] = {{0}}, all = {0};
    for (uint32_t i = 0; i < count; i++) art_zone_add_datum(&groups[random_below(random, GROUPS)], &data[i]);
    uint32_t first = random_below(random, GROUPS);
    for (uint32_t i = 0; i < GROUPS; i++) art_zone_add(&all, &groups[(first + 2 * i) % GROUPS]);
    return all;
}

TEST(test_a_zone_bounds_all_that_was_added_in_any_order) {
    struct random random = random_announced("zones");
    enum { MOST = 12 };
    struct art_datum data[MOST];
    uint8_t room[MOST][8];
    for (unsigned round = random_rounds(200000); round; round--) {
        uint32_t count = random_below(&random, MOST + 1), mix = 1 + random_below(&random, ALL);
        struct art_zone zone = {0}, again = {0};
        for (uint32_t i = 0; i < count; i++) {
            data[i] = random_datum(&random, mix, room[i]);
            art_zone_add_datum(&zone, &data[i]);
        }
        check_zone(&zone, data, count);
        shuffle(data, count, &random);
        for (uint32_t i = 0; i < count; i++) art_zone_add_datum(&again, &data[i]);
        HOLDS(toy_zones_equal(&zone, &again));
        again = merged(data, count, &random);
        HOLDS(toy_zones_equal(&zone, &again));
        art_zone_add(&again, &zone);
        HOLDS(toy_zones_equal(&zone, &again));
    }
}

TEST(test_a_zone_of_both_zeros_has_both) {
    struct art_datum zero = real_datum(0.0), less = real_datum(-0.0);
    for (int first = 0; first < 2; first++) {
        struct art_zone zone = {0};
        art_zone_add_datum(&zone, first ? &zero : &less);
        art_zone_add_datum(&zone, first ? &less : &zero);
        ck_assert(art_zone_is_sane(&zone));
        ck_assert(toy_zone_has(&zone, &zero) && toy_zone_has(&zone, &less));
    }
}

TEST(test_integers_among_reals_are_rounded_away_from_the_numbers_between) {
    struct art_datum integer = {.kind = ART_DATUM_INTEGER, .integer = INT64_MAX}, real = real_datum(1.5);
    struct art_zone zone = {0};
    art_zone_add_datum(&zone, &integer);
    art_zone_add_datum(&zone, &real);
    ck_assert(zone.low.real == 1.5 && zone.high.real == 9223372036854775808.0);
    zone = (struct art_zone){0};
    integer.integer = (1ll << 53) + 1;
    art_zone_add_datum(&zone, &integer);
    real.real = INFINITY;
    art_zone_add_datum(&zone, &real);
    ck_assert(zone.low.real == 9007199254740992.0 && zone.high.real == INFINITY);
    zone = (struct art_zone){0};
    real.real = -INFINITY;
    art_zone_add_datum(&zone, &real);
    art_zone_add_datum(&zone, &integer);
    ck_assert(zone.low.real == -INFINITY && zone.high.real == 9007199254740994.0);
}

TEST(test_the_ends_of_a_zone_without_numbers_are_those_of_its_kinds) {
    struct art_zone nulls = {.kinds = ART_ZONE_NULLS}, others = {.kinds = ART_ZONE_OTHERS}, nothing = {0};
    struct art_zone both = {.kinds = ART_ZONE_NULLS | ART_ZONE_OTHERS};
    ck_assert_int_eq(art_zone_end(&nothing, false).kind, ART_DATUM_NULL);
    ck_assert_int_eq(art_zone_end(&nothing, true).kind, ART_DATUM_NULL);
    ck_assert_int_eq(art_zone_end(&nulls, false).kind, ART_DATUM_NULL);
    ck_assert_int_eq(art_zone_end(&nulls, true).kind, ART_DATUM_NULL);
    ck_assert_int_eq(art_zone_end(&others, false).kind, ART_DATUM_TEXT);
    ck_assert_uint_eq(art_zone_end(&others, false).bytes.len, 0);
    ck_assert_int_eq(art_zone_end(&others, true).kind, ART_DATUM_BEYOND);
    ck_assert_int_eq(art_zone_end(&both, false).kind, ART_DATUM_NULL);
    ck_assert_int_eq(art_zone_end(&both, true).kind, ART_DATUM_BEYOND);
}

static const double not_a_number = NAN;

static struct art_zone zone_of_integers(uint8_t kinds, int64_t low, int64_t high) {
    return (struct art_zone){.kinds = kinds, .low = {.integer = low}, .high = {.integer = high}};
}

static struct art_zone zone_of_reals(uint8_t kinds, double low, double high) {
    return (struct art_zone){.kinds = kinds, .low = {.real = low}, .high = {.real = high}};
}

static struct art_datum text_datum(const char *text) {
    return (struct art_datum){.kind = ART_DATUM_TEXT, .bytes = art_bytes(text, (uint32_t)strlen(text))};
}

static struct art_datum code_datum(const char *text) {
    struct art_datum datum = text_datum(text);
    return (struct art_datum){.kind = ART_DATUM_TEXT, .by = ART_BY_CODE, .integer = art_text_code(datum.bytes)};
}

TEST(test_texts_have_bounds_until_something_else_is_among_them) {
    struct art_datum texts[] = {text_datum("2025-11-27"), text_datum("2024-01-01"), text_datum("20"), text_datum("")};
    struct art_datum blob = {.kind = ART_DATUM_BLOB}, number = {.kind = ART_DATUM_INTEGER, .integer = 5};
    struct art_datum unknown = {.kind = ART_DATUM_TEXT}, null = {.kind = ART_DATUM_NULL};
    struct art_zone zone = {0}, other;
    for (int i = 0; i < 2; i++) art_zone_add_datum(&zone, &texts[i]);
    ck_assert_uint_eq(zone.kinds, ART_ZONE_TEXTS);
    ck_assert_int_eq(zone.low.integer, art_text_code(texts[1].bytes));
    ck_assert_int_eq(zone.high.integer, art_text_code(texts[0].bytes));
    art_zone_add_datum(&zone, &texts[2]);
    art_zone_add_datum(&zone, &null);
    ck_assert_uint_eq(zone.kinds, ART_ZONE_TEXTS | ART_ZONE_NULLS | ART_ZONE_NUMERALS);
    other = zone;
    art_zone_add_datum(&other, &blob);
    ck_assert(art_zones_equal(&other, &(struct art_zone){.kinds = ART_ZONE_OTHERS | ART_ZONE_NULLS}));
    other = zone;
    art_zone_add_datum(&other, &unknown);
    ck_assert(art_zones_equal(&other, &(struct art_zone){.kinds = ART_ZONE_OTHERS | ART_ZONE_NULLS}));
    other = zone;
    art_zone_add_datum(&other, &number);
    ck_assert_uint_eq(other.kinds, ART_ZONE_OTHERS | ART_ZONE_NULLS | ART_ZONE_NUMBERS);
    ck_assert(other.low.integer == 5 && other.high.integer == 5);
    art_zone_add_datum(&other, &texts[3]);
    ck_assert_uint_eq(other.kinds, ART_ZONE_OTHERS | ART_ZONE_NULLS | ART_ZONE_NUMBERS);
    ck_assert(other.low.integer == 5 && other.high.integer == 5);
    art_zone_add_datum(&zone, &texts[3]);
    ck_assert_int_eq(zone.low.integer, INT64_MIN);
}

static bool may_have(const struct art_zone *zone, const char *low, const char *high, bool numerals) {
    struct art_limit limit = {.low_set = low, .high_set = high, .numerals = numerals};
    if (low) limit.low = code_datum(low);
    if (high) limit.high = code_datum(high);
    return art_zone_may_have(zone, &limit);
}

TEST(test_limits_of_texts_pass_over_zones_of_texts_alone) {
    struct art_datum first = text_datum("2025-03-01"), last = text_datum("2025-05-31"), year = text_datum("2025");
    struct art_zone zone = {0}, nulls = {.kinds = ART_ZONE_NULLS}, numbers = zone_of_integers(ART_ZONE_NUMBERS, 1, 9);
    struct art_zone others = {.kinds = ART_ZONE_OTHERS}, numerals;
    struct art_limit number = {.low_set = true, .low = {.kind = ART_DATUM_INTEGER, .integer = 7}};
    art_zone_add_datum(&zone, &first);
    art_zone_add_datum(&zone, &last);
    numerals = zone;
    art_zone_add_datum(&numerals, &year);
    ck_assert(may_have(&zone, "2025-04", NULL, false) && may_have(&zone, NULL, "2025-04", false));
    ck_assert(may_have(&zone, "2025-05-31", NULL, false) && may_have(&zone, NULL, "2025-03-01", false));
    ck_assert(!may_have(&zone, "2025-06", NULL, false) && !may_have(&zone, NULL, "2025-02-28", false));
    ck_assert(!may_have(&zone, "2025-06", NULL, true) && may_have(&numerals, "2025-06", NULL, true));
    ck_assert(!may_have(&numerals, "2025-06", NULL, false));
    ck_assert(!may_have(&nulls, "2025-06", NULL, false));
    ck_assert(may_have(&numbers, "2025-06", NULL, false) && may_have(&others, "2025-06", NULL, false));
    ck_assert(art_zone_may_have(&zone, &number) && !art_zone_may_have(&nulls, &number));
}

/* As a reference to chunks keeps them. */
TEST(test_the_hashes_of_a_text_bound_it) {
    struct random random = random_announced("hashed texts");
    const struct art_summary one = {.has = one_zone, .texts = 1}, none = {.has = one_zone};
    for (unsigned round = random_rounds(20000); round; round--) {
        uint8_t room[8], bytes[ART_DATUM_BYTES];
        struct art_datum datum = random_datum(&random, TEXTS, room);
        struct art_zone zone = {0}, own = {0};
        art_data_encode(&one, &datum, bytes);
        struct art_datum stored = {.kind = ART_DATUM_TEXT, .by = ART_BY_HASHES, .hashes = art_load64(bytes + 1)};
        art_zone_add_datum(&zone, &stored);
        art_zone_add_datum(&own, &datum);
        if (!art_text_code_top(art_text_code(datum.bytes))) {
            HOLDS(zone.kinds == ART_ZONE_OTHERS);
        } else {
            HOLDS(zone.kinds == (ART_ZONE_TEXTS | ART_ZONE_NUMERALS));
            HOLDS(zone.low.integer <= own.low.integer && own.high.integer <= zone.high.integer);
        }
        uint8_t unbounded[ART_DATUM_BYTES];
        art_data_encode(&none, &datum, unbounded);
        HOLDS(art_load64(unbounded + 1) == (stored.hashes & (((uint64_t)1 << ART_HASH_BITS) - 1)));
        own = (struct art_zone){0};
        art_summary_widen(&none, 0, &own, &datum);
        HOLDS(own.kinds == ART_ZONE_OTHERS);
    }
}

/* --- bytes of sums and zones -------------------------------------------------------------------------------------- */

TEST(test_a_zone_that_nobody_can_have_made_is_impossible) {
    enum { WHOLE = ART_ZONE_NUMBERS, REAL = ART_ZONE_NUMBERS | ART_ZONE_REALS };
    const struct art_zone impossible[] = {
        zone_of_integers(64, 0, 0),
        zone_of_integers(ART_ZONE_TEXTS, 1, 0),
        zone_of_integers(ART_ZONE_TEXTS | ART_ZONE_OTHERS, 0, 0),
        zone_of_integers(ART_ZONE_TEXTS | ART_ZONE_NUMBERS, 0, 0),
        zone_of_integers(ART_ZONE_TEXTS | ART_ZONE_REALS, 0, 0),
        zone_of_integers(ART_ZONE_NUMERALS, 0, 0),
        zone_of_integers(ART_ZONE_NUMERALS | ART_ZONE_OTHERS, 0, 0),
        zone_of_integers(WHOLE | ART_ZONE_NUMERALS, 0, 0),
        zone_of_integers(0xff, 0, 0),
        zone_of_integers(0, 0, 1),
        zone_of_integers(0, 1, 0),
        zone_of_integers(ART_ZONE_NULLS, -1, 0),
        zone_of_integers(ART_ZONE_REALS, 0, 0),
        zone_of_integers(ART_ZONE_REALS | ART_ZONE_NULLS | ART_ZONE_OTHERS, 0, 0),
        zone_of_integers(WHOLE, 1, 0),
        zone_of_integers(WHOLE, INT64_MAX, INT64_MIN),
        zone_of_reals(REAL, 1.5, 1),
        zone_of_reals(REAL, INFINITY, -INFINITY),
        zone_of_reals(REAL, not_a_number, 1),
        zone_of_reals(REAL, 1, not_a_number),
        zone_of_reals(REAL, not_a_number, not_a_number),
    };
    const struct art_zone sane[] = {
        zone_of_integers(0, 0, 0),
        zone_of_integers(ART_ZONE_NULLS | ART_ZONE_OTHERS, 0, 0),
        zone_of_integers(WHOLE, INT64_MIN, INT64_MAX),
        zone_of_integers(WHOLE | ART_ZONE_NULLS, 7, 7),
        zone_of_integers(ART_ZONE_TEXTS, INT64_MIN, INT64_MAX),
        zone_of_integers(ART_ZONE_TEXTS | ART_ZONE_NULLS | ART_ZONE_NUMERALS, 7, 7),
        zone_of_reals(REAL, -INFINITY, INFINITY),
        zone_of_reals(REAL | ART_ZONE_OTHERS, 0.0, -0.0),
    };
    uint8_t bytes[ART_ZONE_BYTES];
    struct art_summed summed;
    for (unsigned i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        ck_assert_msg(!art_zone_is_sane(&impossible[i]), "number %u", i);
        zone_bytes(&impossible[i], bytes);
        ck_assert_msg(!art_summed_decode(one_zone, bytes, &summed), "number %u", i);
    }
    for (unsigned i = 0; i < sizeof sane / sizeof *sane; i++) {
        ck_assert_msg(art_zone_is_sane(&sane[i]), "number %u", i);
        zone_bytes(&sane[i], bytes);
        ck_assert_msg(art_summed_decode(one_zone, bytes, &summed), "number %u", i);
        ck_assert(toy_zones_equal(&summed.zone[0], &sane[i]));
    }
}

static struct art_measures random_measures(struct random *random) {
    struct art_measures has = {.columns = (uint8_t)random_below(random, ART_SUMMARY_MAX + 1)};
    has.sums = (uint8_t)random_below(random, has.columns + 1u);
    return has;
}

TEST(test_of_any_bytes_the_sums_are_taken_and_the_zones_are_looked_at) {
    struct random random = random_announced("any bytes");
    uint8_t again[ART_SUMMED_MAX + 1];
    uint32_t sane = 0, impossible = 0;
    for (unsigned round = random_rounds(100000); round; round--) {
        struct art_measures has = random_measures(&random);
        uint32_t len = art_summed_bytes(has);
        uint8_t *bytes = malloc(len ? len : 1); /* exactly: a sanitizer then sees every access past it */
        struct art_summed summed;
        bool expected = true;
        for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)random_next(&random);
        for (unsigned i = 0; i < has.columns; i++) { /* mostly kinds that there are */
            uint8_t *kinds = bytes + ART_SUM_BYTES * has.sums + ART_ZONE_BYTES * i;
            if (random_below(&random, 8)) *kinds &= 15;
            if (!(*kinds & ART_ZONE_NUMBERS) && random_below(&random, 4)) {
                *kinds &= ART_ZONE_NULLS | ART_ZONE_OTHERS;
                memset(kinds + 1, 0, 16);
            }
        }
        bool taken = art_summed_decode(has, bytes, &summed);
        for (unsigned i = 0; i < has.columns; i++) expected &= art_zone_is_sane(&summed.zone[i]);
        HOLDS(taken == expected);
        sane += taken;
        impossible += !taken;
        again[len] = 0x5a;
        art_summed_encode(has, &summed, again);
        HOLDS(!memcmp(again, bytes, len) && again[len] == 0x5a);
        struct art_summed all = {0};
        art_summed_add(has, &all, &summed); /* a lie may overflow */
        art_summed_add(has, &all, &summed);
        for (unsigned i = 0; i < has.sums; i++) {
            HOLDS(art_subtract128(all.sum[i], summed.sum[i]) == summed.sum[i]);
        }
        free(bytes);
    }
    ck_assert_uint_gt(sane, 0);
    ck_assert_uint_gt(impossible, 0);
}

TEST(test_no_summary_has_more_columns_than_there_is_room_for_or_more_sums_than_columns) {
    for (unsigned columns = 0; columns < 256; columns++) {
        for (unsigned sums = 0; sums < 256; sums++) {
            struct art_measures has = {(uint8_t)columns, (uint8_t)sums, 0, 0};
            HOLDS(art_measures_are_sane(has) == (columns <= ART_SUMMARY_MAX && sums <= columns));
        }
    }
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static int64_t integer_of(const struct art_datum *datum) {
    return datum->kind == ART_DATUM_INTEGER ? datum->integer : 0;
}

/* The data of the row are what its entry puts. */
static void check_data(const struct art_summary *summary, const struct memtable_cell *cell) {
    struct art_datum data[ART_SUMMARY_MAX];
    struct art_entry entry = memtable_cell_entry(cell);
    HOLDS(art_entry_is_sane(entry.flags, entry.value));
    art_summary_read(summary, &entry, ART_ALL_COLUMNS, NULL, data);
    for (unsigned i = 0; i < summary->has.columns; i++) {
        HOLDS(data[i].kind == cell->data[i].kind);
        if (is_number(&data[i])) HOLDS(data[i].integer == cell->data[i].integer);
        if (data[i].kind < ART_DATUM_TEXT) continue;
        bool by_reference = entry.flags & ART_OVERFLOW; /* it has a kind alone */
        HOLDS((data[i].bytes.data == NULL) == by_reference);
    }
}

static void check_share(const struct art_summary *summary, const struct memtable_cell *cell,
                        const struct memtable_cell *before) {
    struct art_summed summed;
    struct art_entry entry = memtable_cell_entry(cell);
    art_int128 sum[ART_SUMMARY_MAX] = {0};
    bool counts = !(entry.flags & ART_CHUNK), any = false;
    memset(&summed, 0x77, sizeof summed);
    art_summary_weigh(summary, (struct art_bytes){0}, &entry, &summed);
    art_summary_sums(summary, (struct art_bytes){0}, &entry, sum);
    for (unsigned i = 0; i < summary->has.sums; i++) {
        int64_t taken = before->present ? integer_of(&before->data[i]) : 0;
        HOLDS(summed.sum[i] == (counts ? (art_int128)integer_of(&cell->data[i]) - taken : 0));
        HOLDS(sum[i] == summed.sum[i]);
        any |= taken != 0;
    }
    HOLDS(!!(entry.flags & ART_REPLACED) == any && (art_entry_head(entry.flags, entry.value) != 0) == any);
    for (unsigned i = 0; i < summary->has.columns; i++) {
        struct art_zone zone = {0};
        if (counts && !(entry.flags & ART_DELETE)) art_zone_add_datum(&zone, &cell->data[i]);
        HOLDS(toy_zones_equal(&zone, &summed.zone[i]));
    }
}

/* One over the other. What one replaces does not go on to who replaces it; and the sums of a key over all sources are
 * those of its row. */
TEST(test_an_entry_adds_what_it_puts_and_takes_away_what_it_replaces) {
    enum { KEYS = 40 };
    struct random random = random_announced("entries");
    for (unsigned round = random_rounds(500); round; round--) {
        if (!random_span(&random)) continue;
        struct memtable_model model;
        memtable_model_init(&model, KEYS_DENSE, MODEL_SUMMED, KEYS, &random);
        memset(model.below, 0, model.set.count * sizeof *model.below);
        for (uint32_t at = 0; at < model.set.count; at++) {
            art_int128 sum[ART_SUMMARY_MAX] = {0};
            for (unsigned source = 0; source < 6; source++) {
                struct memtable_cell cell = memtable_model_random_cell(&model, at);
                struct art_entry entry = memtable_cell_entry(&cell);
                check_data(&model.summary, &cell);
                check_share(&model.summary, &cell, &model.below[at]);
                art_summary_sums(&model.summary, (struct art_bytes){0}, &entry, sum);
                for (unsigned s = 0; s < model.summary.has.sums; s++) HOLDS(sum[s] == integer_of(&cell.data[s]));
                model.below[at] = cell;
                model.below[at].present = !(cell.flags & ART_DELETE);
            }
        }
        memtable_model_clear(&model);
    }
}

/* As many as there are, of the largest integers; and sums of them beyond 64 bits. */
LOOP_TEST(test_the_largest_integers_of_all_columns_are_replaced_and_come_back, 2) {
    struct art_summary summary;
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t value[ART_SUMMARY_MAX * ART_DATUM_BYTES], head[ART_REPLACED_MAX];
    art_int128 sum[ART_SUMMARY_MAX] = {0}, gone[ART_SUMMARY_MAX] = {0};
    toy_columns_open(&summary, (struct art_measures){ART_SUMMARY_MAX, ART_SUMMARY_MAX, 0, 0});
    for (unsigned i = 0; i < ART_SUMMARY_MAX; i++)
        data[i] = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = _i ? INT64_MIN : INT64_MAX - (int64_t)i};
    struct art_entry row = {.value = art_bytes(value, toy_value_put(&summary, data, 0, 0, value))};
    struct art_entry taken = {.flags = ART_SHADOWS_OLDER | ART_REPLACED | ART_DELETE};
    taken.value = art_bytes(head, art_replaced_encode(&summary, (struct art_bytes){0}, &row, head));
    ck_assert_uint_eq(taken.value.len, 1 + 10 * ART_SUMMARY_MAX);
    for (int i = 0; i < 1000; i++) art_summary_sums(&summary, (struct art_bytes){0}, &row, sum);
    art_summary_sums(&summary, (struct art_bytes){0}, &taken, gone);
    for (unsigned i = 0; i < ART_SUMMARY_MAX; i++) {
        ck_assert(sum[i] == (art_int128)data[i].integer * 1000 && sum[i] != (int64_t)sum[i]);
        ck_assert(gone[i] == -(art_int128)data[i].integer);
    }
}

/* --- entries that somebody made up -------------------------------------------------------------------------------- */

/* What entry.h says of flags and values, word by word. */
static bool should_be_sane(uint8_t flags, struct art_bytes stored) {
    uint32_t head = 0;
    if (flags & ART_REPLACED) {
        if (!(flags & ART_SHADOWS_OLDER)) return false;
        if (stored.len < 2) return false;
        head = 1u + stored.data[0];
        if (head < 2 || head > ART_REPLACED_MAX || head > stored.len) return false;
    }
    return flags & ART_DELETE ? stored.len == head : true;
}

TEST(test_made_up_entries_are_refused_or_read_within_their_bytes) {
    struct random random = random_announced("made up");
    uint32_t sane = 0, impossible = 0;
    for (unsigned round = random_rounds(300000); round; round--) {
        static const uint32_t lengths[] = {3, 12, 40, 100, 140};
        uint32_t len = random_below(&random, lengths[random_below(&random, 5)]);
        uint8_t flags = (uint8_t)random_below(&random, ART_ENTRY_FLAGS + 1), *bytes = malloc(len ? len : 1);
        struct art_bytes stored = art_bytes(len ? bytes : NULL, len);
        for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)random_next(&random) >> random_below(&random, 8);
        if (len && random_once_in(&random, 2))
            bytes[0] = (uint8_t)(len - 1 - random_below(&random, art_min32(len, 30)));
        bool good = art_entry_is_sane(flags, stored);
        HOLDS(good == should_be_sane(flags, stored));
        sane += good;
        impossible += !good;
        if (good) {
            struct art_summary summary;
            struct art_entry entry = {.value = stored, .flags = flags};
            struct art_summed summed;
            struct art_datum data[ART_SUMMARY_MAX];
            uint8_t head[ART_REPLACED_MAX];
            art_int128 sum[ART_SUMMARY_MAX] = {0};
            toy_columns_open(&summary, random_measures(&random));
            HOLDS(art_entry_value(flags, stored).len <= len);
            art_summary_read(&summary, &entry, ART_ALL_COLUMNS, NULL, data);
            for (unsigned i = 0; i < summary.has.columns; i++) {
                HOLDS(data[i].kind <= ART_DATUM_BLOB);
                HOLDS(data[i].kind != ART_DATUM_REAL || !isnan(data[i].real));
            }
            art_summary_weigh(&summary, (struct art_bytes){0}, &entry, &summed);
            art_summary_sums(&summary, (struct art_bytes){0}, &entry, sum);
            for (unsigned i = 0; i < summary.has.sums; i++) HOLDS(summed.sum[i] == sum[i]);
            for (unsigned i = 0; i < summary.has.columns; i++) HOLDS(art_zone_is_sane(&summed.zone[i]));
            HOLDS(art_replaced_encode(&summary, (struct art_bytes){0}, &entry, head) <= ART_REPLACED_MAX);
        }
        free(bytes);
    }
    ck_assert_uint_gt(sane, 0);
    ck_assert_uint_gt(impossible, 0);
}

/* A head that ends in the middle of a number, or early, has nothing for the columns behind. */
TEST(test_a_cut_head_replaces_what_it_still_says) {
    static const uint8_t cut[] = {3, 14, 0xff, 0xff}; /* 7, and half of a number */
    static const uint8_t early[] = {1, 13, 0xff};     /* -7, and no more; then the value */
    struct art_summary summary;
    struct art_summed summed;
    struct art_entry entry = {.flags = ART_SHADOWS_OLDER | ART_REPLACED, .value = art_bytes(cut, sizeof cut)};
    toy_columns_open(&summary, (struct art_measures){3, 3, 0, 0});
    art_summary_weigh(&summary, (struct art_bytes){0}, &entry, &summed);
    ck_assert(summed.sum[0] == -7 && !summed.sum[1] && !summed.sum[2]);
    entry.value = art_bytes(early, sizeof early);
    art_summary_weigh(&summary, (struct art_bytes){0}, &entry, &summed);
    ck_assert(summed.sum[0] == 7 && !summed.sum[1] && !summed.sum[2]);
}

SUITE("summary", .seconds = 300)
