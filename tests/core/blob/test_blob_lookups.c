/* Lookups of leaf blobs against the array of their rows: every unit that has a row with a value is named, hardly any
 * other; and any byte that is another than it should be is found.
 */
#include <math.h>

#include "core/base/value_hash.h"
#include "core/blob/posting_code.h"
#include "core/blob/postings.h"
#include "tests/support/blob_one.h"
#include "tests/support/toy_columns.h"

enum { BUCKET_KEY = 2 * ART_STORED_MAX };

/* Leaves of a table with lookups and searches, filled to so many pages. `values`: how many different ones there are; 0:
 * nearly each is another. */
static void make(struct art_measures has, enum key_family family, uint32_t wanted, uint32_t values, uint32_t fill_pages,
                 struct random *random) {
    bool puts = random_once_in(random, 2);
    struct blob_style style = {.family = family, .flags = puts ? FLAGS_PUTS : FLAGS_ANY, .csns = CSNS_SHORT};
    tear_down();
    toy_codec_lend(random_once_in(random, 2));
    blob_rows_make_summed(&rows, has, style, 40, values, wanted, random);
    blob_run_leaves(&run, &rows, fill_pages, random_once_in(random, 2));
}

/* --- what is found ------------------------------------------------------------------------------------------------ */

static struct art_units units_within(const struct art_blob *blob, const struct art_limits *limits) {
    struct art_units units;
    must(art_blob_units_with_terms((struct art_blob *)blob, limits, &units));
    return units;
}

static struct art_units units_with(const struct art_blob *blob, unsigned column, uint32_t hash) {
    struct art_limits limits = {.query_count = 1, .queries = {{.field = column, .count = 1, .term = &hash}}};
    return units_within(blob, &limits);
}

static void check_row(const struct blob_image *image, uint32_t row, uint32_t unit) {
    struct art_hashes hashes;
    art_summary_hashes(&rows.summary, &rows.entries[row], &hashes);
    for (unsigned i = 0; i < rows.summary.has.columns; i++) {
        for (unsigned k = 0; k < hashes.count[i]; k++) {
            struct art_units units = units_with(&image->blob, i, hashes.hash[i][k]);
            HOLDS(art_units_has(&units, unit));
        }
    }
}

typedef void row_check(const struct blob_image *image, uint32_t row, uint32_t unit);

/* Every row with the unit that it lies in. */
static void check_rows(const struct blob_image *image, row_check *check) {
    for (uint32_t b = 0; b < image->blob.buckets; b++) {
        for (uint32_t at = art_bucket_rank(&image->blob, b); at < art_bucket_rank(&image->blob, b + 1); at++)
            check(image, image->first + at, art_bucket_unit(&image->blob, b));
    }
}

/* Of all blobs, which are sound. */
static void check_run(row_check *check) {
    for (uint32_t slot = 0; slot < run.count; slot++) {
        struct blob_image *image = &run.slots[slot];
        check_rows(image, check);
        must(blob_image_check(image, &rows.summary));
        must(blob_image_check(image, NULL));
    }
}

/* Of values that are nowhere. Returns in how many blobs a unit is named. */
static uint32_t count_false_blobs(unsigned column, struct random *random) {
    uint32_t blobs = 0;
    for (uint32_t slot = 0; slot < run.count; slot++) {
        struct art_units found = units_with(&run.slots[slot].blob, column, (uint32_t)random_next(random));
        blobs += !art_units_are_none(&found);
    }
    return blobs;
}

LOOP_TEST(test_every_unit_with_a_value_is_named_and_hardly_any_other, KEY_FAMILIES) {
    struct random random = random_announced("pages");
    uint64_t probes = 0, found = 0;
    random.state += (unsigned)_i;
    for (unsigned round = random_rounds(8); round; round--) {
        if (!random_span(&random)) continue;
        unsigned columns = 1 + random_below(&random, ART_SUMMARY_MAX);
        uint8_t lookups = (uint8_t)(1 + random_below(&random, (1u << columns) - 1));
        uint32_t most = _i == KEYS_LONG ? 40 : _i == KEYS_TWINS ? 100 : 6000;
        make((struct art_measures){(uint8_t)columns, 0, lookups, 0}, _i, 1 + random_below(&random, most),
             round % 3 ? 0 : 5 * round, random_once_in(&random, 2) ? 0 : 3 + random_below(&random, 27), &random);
        check_run(check_row);
        for (unsigned i = 0; i < 200; i++, probes += run.count)
            found += count_false_blobs((unsigned)__builtin_ctz(lookups), &random);
    }
    printf("%llu of %llu probes found a blob\n", (unsigned long long)found, (unsigned long long)probes);
    ck_assert_uint_lt(found * 100, probes * 3 + 1000);
}

/* Heads of postings stand in a footer twice. That the room asked for has both, core/blob/footer.c asserts. */
TEST(test_the_room_for_a_footer_has_all_of_it) {
    struct random random = random_announced("room");
    const uint8_t all = (1u << ART_SUMMARY_MAX) - 1;
    for (uint32_t pages = 1; pages < 60; pages++)
        make((struct art_measures){ART_SUMMARY_MAX, 0, all, 0}, KEYS_DIRECTORIES, 3000, pages, 30, &random);
}

TEST(test_several_columns_are_sought_together) {
    struct random random = random_announced("together");
    make((struct art_measures){3, 0, 5, 0}, KEYS_DIRECTORIES, 3000, 40, 0, &random);
    const struct art_blob *blob = &run.slots[0].blob;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t one[2] = {(uint32_t)random_next(&random), 0}, two;
        struct art_hashes hashes = {0};
        art_summary_hashes(&rows.summary, &rows.entries[random_below(&random, rows.set.count)], &hashes);
        one[1] = hashes.hash[0][0];
        two = hashes.hash[2][0];
        struct art_limits limits = {.query_count = 2,
                                    .queries = {{.count = 2, .term = one}, {.field = 2, .count = 1, .term = &two}}};
        struct art_units a = units_with(blob, 0, one[0]), b = units_with(blob, 0, one[1]), c = units_with(blob, 2, two);
        struct art_units units = units_within(blob, &limits);
        for (unsigned k = 0; k < ART_UNITS_WORDS; k++) HOLDS(units.bits[k] == ((a.bits[k] | b.bits[k]) & c.bits[k]));
    }
}

/* Every part of a key, or of a text, leads to its unit. */
static void check_parts(const struct blob_image *image, uint32_t row, uint32_t unit) {
    static uint32_t terms[ART_STORED_MAX];
    const struct art_entry *entry = &rows.entries[row];
    struct art_datum data[ART_SUMMARY_MAX];
    for (unsigned of = ART_FIELD_SEARCHES; of <= ART_FIELD_KEYS && !(entry->flags & ART_CHUNK); of++) {
        unsigned column = of - ART_FIELD_SEARCHES;
        struct art_bytes text = rows.set.keys[row];
        if (!(rows.summary.has.searches >> column & 1)) continue;
        if (of < ART_FIELD_KEYS) {
            if (entry->flags & ART_DELETE) continue;
            art_summary_read(&rows.summary, entry, 1u << column, NULL, data);
            if (data[column].kind < ART_DATUM_TEXT || data[column].by == ART_BY_HASHES) continue;
            text = data[column].bytes;
        }
        uint32_t count = text.len > ART_STORED_MAX ? ART_CUT_ANY : toy_cut(text, 0, terms);
        for (uint32_t i = 0; i < count && count != ART_CUT_ANY; i++) {
            struct art_units units = units_with(&image->blob, of, terms[i]);
            HOLDS(art_units_has(&units, unit));
        }
    }
}

LOOP_TEST(test_every_unit_with_a_part_of_a_text_is_named, KEY_FAMILIES) {
    struct random random = random_announced("parts");
    random.state += (unsigned)_i;
    for (unsigned round = random_rounds(4); round; round--) {
        if (!random_span(&random)) continue;
        uint16_t searches = round % 2 ? ART_SEARCH_KEY : (uint16_t)(ART_SEARCH_KEY | 5);
        make((struct art_measures){round % 2 ? 0 : 3, 0, 0, searches}, _i, _i == KEYS_LONG ? 40 : 1500,
             round % 4 ? 50 : 0, round % 3 ? 0 : 20, &random);
        check_run(check_parts);
    }
}

/* Of a text's parts a page must have all, and those of the key beside them. */
TEST(test_all_parts_of_a_text_are_sought_together) {
    struct random random = random_announced("all parts");
    uint32_t fewer = 0;
    make((struct art_measures){1, 0, 0, ART_SEARCH_KEY | 1}, KEYS_DIRECTORIES, 3000, 0, 0, &random);
    const struct art_blob *blob = &run.slots[0].blob;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t parts[ART_STORED_MAX], two[2], value = (uint32_t)random_next(&random);
        for (unsigned k = 0; k < 2; k++) {
            uint32_t row = random_below(&random, rows.set.count), n = toy_cut(rows.set.keys[row], 0, parts);
            two[k] = n && n != ART_CUT_ANY ? parts[random_below(&random, n)] : 1;
        }
        struct art_limits limits = {.query_count = 2,
                                    .queries = {{.field = ART_FIELD_KEYS, .count = 2, .term = two},
                                                {.field = ART_FIELD_SEARCHES, .count = 1, .term = &value}}};
        struct art_units a = units_with(blob, ART_FIELD_KEYS, two[0]), b = units_with(blob, ART_FIELD_KEYS, two[1]);
        struct art_units c = units_with(blob, ART_FIELD_SEARCHES, value), units = units_within(blob, &limits);
        for (unsigned k = 0; k < ART_UNITS_WORDS; k++) {
            HOLDS(units.bits[k] == (a.bits[k] & b.bits[k] & c.bits[k]));
            fewer += (a.bits[k] & b.bits[k]) != a.bits[k];
        }
    }
    ck_assert_uint_gt(fewer, 100);
}

/* --- as many as there may be -------------------------------------------------------------------------------------- */

/* Postings of one table, as buckets give them, and as a blob then has them. */
static struct art_postings postings;
static struct art_terms bucket;
static struct art_blob posted;
static uint8_t *posted_image; /* NULL: not written */
static uint32_t posted_bytes;
static uint32_t foretold; /* before the last bucket came */

/* In the place of those before. */
static void begin_postings(unsigned table) {
    free(posted_image);
    posted_image = NULL;
    art_terms_clear(&bucket);
    art_postings_clear(&postings);
    postings = (struct art_postings){.fields = 1u << table};
    bucket = (struct art_terms){0};
    must(art_terms_open(&bucket, 1u << table));
}

/* Of the next bucket. */
static void push_terms(const uint32_t *term, uint32_t count, bool any, uint32_t rows_of) {
    struct art_term_set *set = bucket.set[__builtin_ctz(postings.fields)];
    art_terms_reset(&bucket);
    memcpy(set->term, term, count * sizeof *term);
    set->count = count;
    set->any = any;
    must(art_postings_reserve(&postings, &bucket));
    foretold = art_postings_bytes(&postings, &bucket, rows_of);
    art_postings_push(&postings, &bucket, rows_of);
}

/* Of so many buckets. Returns the bytes. */
static uint8_t *write_postings(uint32_t buckets) {
    struct art_measures has = {ART_SUMMARY_MAX, 0, (uint8_t)postings.fields,
                               (uint16_t)(postings.fields >> ART_FIELD_SEARCHES)};
    uint32_t room = art_postings_bytes(&postings, NULL, 0);
    uint8_t *image = posted_image = malloc(room + art_postings_heads_bytes(has, buckets));
    must(art_postings_write(&postings, image, room, &posted_bytes));
    art_postings_copy_heads(art_bytes(image, posted_bytes), has, buckets, image + room);
    ck_assert_uint_le(posted_bytes, room);
    memset(&posted, 0, sizeof posted);
    posted.image = image;
    posted.postings = posted.postings_there = true;
    posted.at.begin[ART_PART_HEADS] = room;
    posted.unit_shift = (uint8_t)art_unit_shift(buckets);
    posted.units = ((buckets - 1) >> posted.unit_shift) + 1;
    posted.present[0] = posted.present[1] = UINT64_MAX;
    posted.has = has;
    posted.at.begin[ART_PART_POSTINGS + 1] = posted_bytes - 1;
    ck_assert_uint_eq(art_blob_postings(&posted).len, 0);
    posted.at.begin[ART_PART_POSTINGS + 1] = posted_bytes;
    ck_assert_uint_eq(art_blob_postings(&posted).len, posted_bytes);
    return image;
}

static bool posted_in(unsigned table, uint32_t term, uint32_t page) {
    struct art_units units = units_with(&posted, table, term);
    return art_units_has(&units, page >> posted.unit_shift);
}

static void random_features(uint32_t *term, uint32_t count, struct random *random) {
    for (uint32_t i = 0; i < count; i++) term[i] = (uint32_t)random_next(random) | 1;
}

/* Pages or buckets of random terms, and a model of it: which of them each has. */
struct world {
    uint32_t term[4096], count, pages;
    uint8_t has[3000][4096]; /* 2: the page has any */
};

static void push_world(struct world *world, uint32_t rows_of, struct random *random) {
    uint32_t chosen[4096];
    for (uint32_t page = 0; page < world->pages; page++) {
        uint32_t count = 0, most = 1 + random_below(random, world->count), one_in = 1 + random_below(random, 40);
        for (uint32_t i = 0; i < world->count && count < most; i++) {
            world->has[page][i] = random_once_in(random, one_in);
            if (world->has[page][i]) chosen[count++] = world->term[i];
        }
        bool any = random_once_in(random, 20);
        if (any) memset(world->has[page], 2, sizeof world->has[page]);
        push_terms(chosen, count, any, rows_of);
    }
}

/* No page is missing; of all others few are named, but where there was no room for the table. */
LOOP_TEST(test_pages_of_features_are_those_that_were_pushed, 40) {
    struct random random = random_announced("postings");
    static const uint32_t counts[] = {100, 1, 4000};
    random.state += (unsigned)_i;
    struct world *world = calloc(1, sizeof *world);
    unsigned table = random_below(&random, ART_FIELDS_MAX);
    world->count = 1 + random_below(&random, table < ART_FIELD_SEARCHES ? 2 * ART_BUCKET_ENTRIES : 4096);
    static const uint32_t most[] = {127, 400, 3000};
    world->pages = 1 + random_below(&random, most[_i % 7 % 3]);
    random_features(world->term, world->count, &random);
    begin_postings(table);
    push_world(world, counts[_i % 3], &random);
    write_postings(world->pages);
    ck_assert_uint_le(posted_bytes, 2 * ART_POSTING_BYTES_MAX);
    for (uint32_t i = 0; i < world->count; i++) {
        struct art_units units = units_with(&posted, table, world->term[i]);
        for (uint32_t page = 0; page < world->pages; page++)
            HOLDS(!world->has[page][i] || art_units_has(&units, page >> posted.unit_shift));
    }
    free(world);
}

/* Buckets on both sides of where a term becomes frequent, where a unit takes one more bit, and where two units become
 * one; with so many terms that it is a near thing whether they are more than they are worth. */
LOOP_TEST(test_what_is_written_is_never_more_than_was_foretold, 48) {
    static const uint32_t edges[] = {2, ART_LISTED_UNITS, 1 << ART_UNIT_BITS, ART_UNITS_MAX, 2 * ART_UNITS_MAX, 40};
    static const uint32_t rows_of[] = {1, 3, ART_BUCKET_ENTRIES};
    struct random random = random_announced("foretold");
    static uint32_t shared[300], term[4096];
    random.state += (unsigned)_i;
    uint32_t edge = edges[_i % 6], per = rows_of[_i / 6 % 3], table = random_below(&random, ART_FIELDS_MAX);
    uint32_t often = random_below(&random, 300), near = 85 + random_below(&random, 30), terms = 0;
    random_features(shared, often, &random);
    begin_postings(table);
    for (uint32_t page = 1; page <= edge + 3; page++) {
        uint64_t allowed = (uint64_t)ART_POSTING_BYTES_A_ROW * per * page + ART_LIMIT(posting_bytes_anyway);
        if (allowed > ART_POSTING_BYTES_MAX) allowed = ART_POSTING_BYTES_MAX;
        uint32_t count = random_once_in(&random, 3) ? 0 : often, most = table < ART_FIELD_SEARCHES ? 256 : 4096;
        if (count > most) count = most;
        memcpy(term, shared, count * sizeof *term);
        /* some 19 bits a term */
        uint32_t more = (uint32_t)(allowed * near / 100 * 8 / 19), left = edge > page ? edge - page : 0;
        more = more > terms ? (more - terms) / (left / 2 + 1) : 0;
        if (more > most - count) more = most - count;
        random_features(term + count, more, &random);
        terms += more;
        push_terms(term, count + more, random_once_in(&random, 50), per);
        if (page + 3 < edge) continue;
        uint8_t *out = malloc(foretold); /* not a byte more */
        must(art_postings_write(&postings, out, foretold, &posted_bytes));
        ck_assert_uint_le(posted_bytes, foretold);
        ck_assert_uint_le(art_postings_bytes(&postings, NULL, 0), foretold);
        free(out);
        must(art_postings_reserve(&postings, &bucket));
    }
}

/* Random letters would take more bytes than they are worth: their pages have any, and only theirs. */
TEST(test_units_with_too_many_features_are_marked) {
    struct random random = random_announced("marked");
    enum { TABLE = ART_FIELD_KEYS, PAGES = 100, ROWS = 100 };
    uint32_t own[PAGES], term[4000], others = 0;
    begin_postings(TABLE);
    for (uint32_t page = 0; page < PAGES; page++) {
        uint32_t count = page % 4 ? 50 : 4000;
        random_features(term, count, &random);
        own[page] = term[0];
        push_terms(term, count, false, ROWS);
    }
    write_postings(PAGES);
    for (uint32_t page = 0; page < PAGES; page++) {
        struct art_units units = units_with(&posted, TABLE, own[page]);
        HOLDS(art_units_has(&units, page));
        for (uint32_t other = 0; other < PAGES; other++) {
            HOLDS(other % 4 || art_units_has(&units, other));
            others += other % 4 && other != page && art_units_has(&units, other);
        }
    }
    ck_assert_uint_lt(others, PAGES);
    ck_assert_uint_lt(posted_bytes, 75 * 50 * 3 + 1000);
}

/* Or a key that is too long to be cut: whatever is in it, the bucket has it. */
TEST(test_a_bucket_has_what_it_has_no_room_for) {
    struct random random = random_announced("bucket");
    static uint8_t bytes[BUCKET_KEY + ART_KEY_PADDING];
    static uint32_t parts[BUCKET_KEY];
    struct art_entry entry = {.flags = ART_DELETE};
    struct art_summary summary;
    toy_columns_open(&summary, (struct art_measures){.searches = ART_SEARCH_KEY});
    begin_postings(ART_FIELD_KEYS);
    const struct art_term_set *set = bucket.set[ART_FIELD_KEYS];
    for (uint32_t len = 500; len <= BUCKET_KEY; len += 500) {
        art_terms_reset(&bucket);
        for (uint32_t row = 0; row < 20; row++) {
            for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)random_below(&random, ART_TEXT_END);
            art_terms_add(&bucket, &summary, art_bytes(bytes, len), 0, &entry, NULL);
            if (row < 19 && random_once_in(&random, 2)) continue; /* many texts are cut together, or each by itself */
            art_terms_end(&bucket, &summary);
            uint32_t count = toy_cut(art_bytes(bytes, len), 0, parts), met = 0;
            for (uint32_t i = 0; i < set->count && !set->any; i++) met += set->term[i] == parts[count - 1];
            HOLDS(set->any || met == 1);
            HOLDS(set->count <= ART_BUCKET_TERMS);
        }
        ck_assert(set->any == (20 * len > ART_BUCKET_TERMS));
    }
}

/* Memory is bounded, whatever the names are. */
TEST(test_features_beyond_a_number_mark_their_units) {
    struct random random = random_announced("too many");
    enum { TABLE = ART_FIELD_KEYS, PAGES = 60, COUNT = 4000 };
    uint32_t own[PAGES], term[COUNT];
    begin_postings(TABLE);
    for (uint32_t page = 0; page < PAGES; page++) {
        random_features(term, COUNT, &random);
        own[page] = term[COUNT / 2];
        push_terms(term, COUNT, false, 100);
    }
    ck_assert_uint_le(postings.field[TABLE]->count, ART_POSTING_TERMS_MAX);
    ck_assert_uint_le(postings.field[TABLE]->mask, 4 * ART_POSTING_TERMS_MAX);
    write_postings(PAGES);
    for (uint32_t page = 0; page < PAGES; page++) HOLDS(posted_in(TABLE, own[page], page));
}

/* Terms of one page, every third of two: zeros stand behind all groups of four, and the last one begins as far
 * behind the first as one can. */
TEST(test_the_last_group_of_the_largest_table_is_reached) {
    enum { TABLE = 3, A_PAGE = 3000, ROWS = 1000, BITS_OF_THREE = 3 * ART_POSTING_BITS + 4 };
    uint32_t groups = ART_POSTING_BYTES_MAX * 8 * 3 / BITS_OF_THREE / 4;
    uint32_t terms = ART_GROUP_TERMS * groups, pages = (terms + A_PAGE - 1) / A_PAGE, term[ART_BUCKET_TERMS];
    begin_postings(TABLE);
#define FEATURE(i) ((uint32_t)(((uint64_t)(i) << 32) / terms) + 1)
    for (uint32_t page = 0; page <= pages; page++) {
        uint32_t count = 0, from = page * A_PAGE;
        for (uint32_t i = page ? from - A_PAGE : 0; i < from + A_PAGE && i < terms; i++)
            if (i >= from || i % 3 == 0) term[count++] = FEATURE(i);
        push_terms(term, count, false, ROWS);
    }
    uint8_t *image = write_postings(pages + 1);
    ck_assert_uint_gt(posted_bytes, 10 * groups);
    ck_assert_uint_gt(art_load16(image + 4 + 2 * (groups - 1)), UINT16_MAX / 10 * 8);
    for (uint32_t i = 0; i < terms; i++) {
        HOLDS(posted_in(TABLE, FEATURE(i), i / A_PAGE));
        HOLDS(i % 3 || posted_in(TABLE, FEATURE(i), i / A_PAGE + 1));
    }
#undef FEATURE
}

/* A term is listed up to a number of units, and then tells nothing, whatever becomes of them. */
TEST(test_a_term_in_many_units_tells_nothing) {
    enum { LISTED = 2, BUCKETS = 1300, TERMS = 40 };
    begin_postings(0);
    for (uint32_t at = 0; at < BUCKETS; at++) {
        uint32_t term[TERMS], count = 0;
        for (uint32_t i = 0; i < TERMS; i++) { /* each third bucket has a term, up to some number, then the last one */
            bool has = at % 3 == 0 && at / 3 < ART_LISTED_UNITS - TERMS / 2 + i;
            if (has || at == BUCKETS - 1) term[count++] = (i + 1) * 0x9e3779b1u;
        }
        push_terms(term, count, false, 100);
    }
    write_postings(BUCKETS);
    uint32_t all = 0;
    for (uint32_t i = 0; i < TERMS; i++) {
        struct art_units units = units_with(&posted, 0, (i + 1) * 0x9e3779b1u);
        uint32_t count = art_units_count(&units), n = ART_LISTED_UNITS - TERMS / 2 + i;
        all += count == ART_UNITS_MAX;
        HOLDS(count == ART_UNITS_MAX || (count >= n / LISTED && count <= n + 1));
        for (uint32_t at = 0; at < n; at++) HOLDS(art_units_has(&units, 3 * at >> posted.unit_shift));
        HOLDS(art_units_has(&units, (BUCKETS - 1) >> posted.unit_shift));
    }
    ck_assert(posted.unit_shift == 2 && all > 10 && all < 30);
}

/* A group that cannot be may be anywhere: any unit is named, and nothing is read behind the postings. */
TEST(test_a_group_that_lies_outside_names_all_units) {
    struct random random = {5};
    uint32_t term[16];
    random_features(term, 16, &random);
    begin_postings(0);
    push_terms(term, 16, false, 100);
    uint8_t *image = write_postings(1), *begins = image + 4;
    uint32_t groups = art_load16(image), words = art_load16(image + 2);
    const uint32_t ends[] = {words + 1, words + 1000, UINT16_MAX, 0};
    for (unsigned i = 0; i < 4; i++) {
        art_store16(begins + 2 * groups, ends[i]);
        struct art_units units = units_with(&posted, 0, UINT32_MAX);
        ck_assert_uint_eq(art_units_count(&units), ART_UNITS_MAX);
    }
    art_store16(begins + 2 * groups, words);
    for (unsigned round = random_rounds(20000); round; round--) { /* ASan looks at what is read */
        begins[2 * groups + 2 + random_below(&random, posted_bytes - 6 - 2 * groups)] = (uint8_t)random_next(&random);
        units_with(&posted, 0, term[round % 16] ^ random_below(&random, 2));
    }
}

/* --- bytes that lie ----------------------------------------------------------------------------------------------- */

/* Opens, is asked whatever it says, and is checked: the first error. */
static int first_error(struct blob_image *image, struct random *random) {
    int rc = art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test");
    if (!rc) rc = art_blob_verify_all(&image->blob);
    if (rc) return rc;
    for (unsigned i = 0; i < rows.summary.has.columns; i++) {
        for (unsigned k = 0; rows.summary.has.lookups >> i & 1 && k < 64; k++)
            units_with(&image->blob, i, k * 0x04000000u + random_below(random, 0x04000000u));
    }
    rc = blob_image_check(image, &rows.summary);
    if (!rc) check_rows(image, check_row); /* what the check lets pass leads to every row */
    return rc;
}

LOOP_TEST(test_each_byte_of_the_lookups_is_checked_or_leads_to_every_row, 2) {
    struct random random = random_announced("bytes");
    uint32_t by_check = 0, passed = 0;
    make((struct art_measures){3, 0, _i ? 6 : 5, 0}, KEYS_DIRECTORIES, _i ? 60 : 300, 0, 0, &random);
    struct blob_image liar = blob_image_copy(&run.slots[0]);
    struct art_blob_trailer *trailer = blob_image_trailer(liar.image);
    uint32_t begin = liar.blob.at.begin[ART_PART_POSTINGS], end = liar.blob.at.begin[ART_PART_POSTINGS + 1];
    for (uint32_t at = begin; at < end; at++) {
        uint8_t was = liar.image[at];
        liar.image[at] ^= (uint8_t)(1 + random_below(&random, 255));
        blob_image_rehash_all(liar.image, &liar.ref);
        int rc = first_error(&liar, &random);
        ck_assert_msg(!rc || rc == ART_CORRUPT, "byte %u of %u: %s", at - begin, end - begin, art_error_name(rc));
        passed += !rc;
        by_check += rc && strstr(art_error_message(), "a term of a row does not lead to it");
        liar.image[at] = was;
    }
    printf("%u bytes: %u told by the check, %u lead to every row all the same\n", end - begin, by_check, passed);
    ck_assert_uint_gt(by_check, (end - begin) / 4);
    for (unsigned round = random_rounds(500); round; round--) { /* wherever they are said to be */
        if (!random_span(&random)) continue;
        uint16_t was = trailer->postings_at;
        trailer->postings_at = (uint16_t)(round % 2 ? was + random_below(&random, 64) - 32 : random_next(&random));
        blob_image_rehash_all(liar.image, &liar.ref);
        int rc = first_error(&liar, &random);
        HOLDS(!rc || rc == ART_CORRUPT);
        trailer->postings_at = was;
    }
    for (unsigned round = random_rounds(2000); round; round--) { /* several at once */
        uint8_t kept[4];
        uint32_t at = begin + random_below(&random, round % 2 ? 64 : end - begin - 4);
        memcpy(kept, liar.image + at, sizeof kept);
        for (unsigned i = 0; i < sizeof kept; i++) liar.image[at + i] = (uint8_t)random_next(&random);
        blob_image_rehash_all(liar.image, &liar.ref);
        int rc = first_error(&liar, &random);
        HOLDS(!rc || rc == ART_CORRUPT);
        memcpy(liar.image + at, kept, sizeof kept);
    }
    free(liar.image);
}

/* --- hashes of values --------------------------------------------------------------------------------------------- */

static struct art_datum text(const char *bytes) {
    return (struct art_datum){.kind = ART_DATUM_TEXT, .bytes = art_bytes(bytes, (uint32_t)strlen(bytes))};
}

/* As one who looks for the number in a column of texts. */
static bool finds(double number, const char *in) {
    struct art_datum sought = {.kind = ART_DATUM_REAL, .real = number}, there = text(in);
    uint32_t hash[2], other[2];
    ck_assert_uint_eq(art_value_hashes(&sought, hash), 1);
    hash[1] = ART_HASH_ODD;
    if (hash[0] > hash[1]) {
        other[0] = hash[1];
        other[1] = hash[0];
    } else {
        memcpy(other, hash, sizeof other);
    }
    return art_value_has_term(&there, &(struct art_term_query){.count = 2, .term = other});
}

TEST(test_a_number_meets_the_texts_that_read_as_it) {
    static const char *const sevens[] = {
        "7", "+7", "007", "7.0", " 7", "7 ", "7e0", "70E-1", "\t7\n", "7.", "0000000000000000000000007"};
    for (unsigned i = 0; i < sizeof sevens / sizeof *sevens; i++) ck_assert_msg(finds(7, sevens[i]), "%s", sevens[i]);
    ck_assert(finds(-7, "-7") && finds(-0.0, "-0") && finds(0, "-0") && finds(.5, ".5") && finds(1e300, "1e300"));
    ck_assert(finds(9223372036854775808.0, "9223372036854775808") && finds(1e17, "100000000000000000"));
    ck_assert(finds((double)INFINITY, "Inf") && finds((double)-INFINITY, "-Inf"));
    ck_assert(!finds(7, "8") && !finds(7, "seven") && !finds(7, "") && !finds(7, "0x7") && !finds(7, "-7"));
}

TEST(test_integers_and_reals_that_are_equal_have_one_hash) {
    static const int64_t integers[] = {0, 1, -1, 1ll << 53, -(1ll << 53), 1ll << 62, INT64_MIN, 1000000};
    for (unsigned i = 0; i < sizeof integers / sizeof *integers; i++) {
        struct art_datum integer = {.kind = ART_DATUM_INTEGER, .integer = integers[i]};
        struct art_datum real = {.kind = ART_DATUM_REAL, .real = (double)integers[i]};
        uint32_t a[ART_VALUE_HASHES], b[ART_VALUE_HASHES];
        ck_assert_uint_eq(art_value_hashes(&integer, a), 1);
        ck_assert_uint_eq(art_value_hashes(&real, b), 1);
        ck_assert_uint_eq(a[0], b[0]);
    }
}

SUITE("lookups of blobs", .seconds = SUITE_FOREVER, .tear_down = tear_down)
