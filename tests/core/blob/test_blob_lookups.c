/* Lookups of leaf blobs against the array of their rows: every page that has a row with a value is named, hardly any
 * other; pages that are taken over bring theirs; and any byte that is another than it should be is found.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/value_hash.h"
#include "core/blob/bucket.h"
#include "core/blob/postings.h"
#include "tests/support/blob_model.h"
#include "tests/support/must.h"
#include "tests/support/of_core.h"
#include "tests/support/suite.h"
#include "tests/support/toy_columns.h"

/* --- a toy summary ------------------------------------------------------------------------------------------------ */

static void toy_open(struct art_summary *summary, unsigned columns, uint8_t lookups) {
    toy_columns_open(summary, (struct art_measures){(uint8_t)columns, 0, lookups, 0});
}

static struct art_datum random_datum(uint32_t values, struct random *random) {
    uint64_t number = values ? random_below(random, values) : random_next(random);
    struct art_datum datum = {.kind = random_below(random, ART_DATUM_BEYOND)};
    if (datum.kind == ART_DATUM_INTEGER) datum.integer = (int64_t)number;
    if (datum.kind == ART_DATUM_REAL) datum.real = (double)(int64_t)number / 2;
    datum.by_hash = datum.kind >= ART_DATUM_TEXT;
    if (datum.by_hash) datum.hashes = (number * 0x9e3779b9u & UINT32_MAX) | (uint64_t)random_once_in(random, 9) << 32;
    return datum;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

enum { REFERENCE = 28, BUCKET_KEY = 2 * ART_STORED_MAX };

struct table {
    struct art_summary summary;
    struct blob_rows rows;
};

static void make_entry(struct art_entry *entry, const struct art_summary *summary, uint32_t values,
                       struct random *random) {
    static const uint8_t kinds[] = {0, 0, 0, 0, ART_DELETE, ART_OVERFLOW, ART_CHUNK};
    struct art_datum data[ART_SUMMARY_MAX];
    for (unsigned i = 0; i < summary->has.columns; i++) data[i] = random_datum(values, random);
    entry->flags = kinds[random_below(random, sizeof kinds)];
    if (summary->has.searches && entry->flags == ART_CHUNK) entry->flags = 0; /* chunks do not stand among rows */
    uint32_t head = entry->flags & ART_OVERFLOW ? REFERENCE : 0, bytes = summary->has.columns * ART_DATUM_BYTES;
    uint32_t more = head ? 0 : random_below(random, 40), len = entry->flags & ART_DELETE ? 0 : head + bytes + more;
    uint8_t *copy = malloc(head + bytes + more);
    memset(copy, 0x3a, head + bytes + more);
    art_data_encode(summary->has, data, copy + head);
    free((void *)entry->value.data);
    entry->value = art_bytes(copy, len);
}

/* `values`: how many different ones there are; 0: nearly each is another. */
static void table_make(struct table *table, enum blob_family family, uint32_t wanted, uint32_t values,
                       struct random *random) {
    struct blob_rows *rows = &table->rows;
    blob_rows_make(rows, (struct blob_style){.family = family, .csns = CSNS_SHORT}, wanted, random);
    for (uint32_t at = 0; at < rows->count; at++) {
        make_entry(&rows->entries[at], &table->summary, values, random);
        rows->rank[at + 1] = rows->rank[at] + art_entry_weight(rows->entries[at].flags);
    }
}

static uint8_t random_lookups(unsigned columns, struct random *random) {
    return (uint8_t)(1 + random_below(random, (1u << columns) - 1));
}

/* --- what is found ------------------------------------------------------------------------------------------------ */

static struct art_pages pages_with(const struct art_blob *blob, unsigned column, uint32_t hash) {
    struct art_limits limits = {.sought_count = 1, .sought = {{column, 1, &hash}}};
    return art_blob_pages_sought(blob, &limits);
}

static void check_row(const struct blob_image *image, const struct table *table, uint32_t row, uint32_t page) {
    struct art_hashes hashes;
    art_summary_hashes(&table->summary, &table->rows.entries[row], &hashes);
    for (unsigned i = 0; i < table->summary.has.columns; i++) {
        for (unsigned k = 0; k < hashes.count[i]; k++) {
            struct art_pages pages = pages_with(&image->blob, i, hashes.hash[i][k]);
            HOLDS(art_pages_has(&pages, page));
        }
    }
}

static void check_image(const struct blob_image *image, const struct table *table) {
    const struct art_blob *blob = &image->blob;
    struct art_blob_expected expected = {.csn_max = UINT64_MAX, .label = &image->ref.label, .summary = &table->summary};
    for (uint32_t b = 0; b < blob->buckets; b++) {
        uint32_t page = art_bucket_offset(blob, b) / ART_BLOB_PAGE;
        for (uint32_t at = art_bucket_rank(blob, b); at < art_bucket_rank(blob, b + 1); at++)
            check_row(image, table, image->first + at, page);
    }
    must(art_blob_check_expected((struct art_blob *)blob, &expected));
    expected.summary = NULL;
    must(art_blob_check_expected((struct art_blob *)blob, &expected));
}

/* Of values that are nowhere. Returns in how many blobs a page is named. */
static uint32_t count_false_blobs(const struct blob_run *run, unsigned column, struct random *random) {
    uint32_t blobs = 0;
    for (uint32_t slot = 0; slot < run->count; slot++) {
        struct art_pages found = pages_with(&run->slots[slot].blob, column, (uint32_t)random_next(random));
        blobs += (found.bits[0] | found.bits[1]) != 0;
    }
    return blobs;
}

static unsigned first_lookup(const struct art_summary *summary) {
    return (unsigned)__builtin_ctz(summary->has.lookups);
}

LOOP_TEST(test_every_page_with_a_value_is_named_and_hardly_any_other, BLOB_FAMILIES) {
    struct random random = random_announced("pages");
    uint64_t probes = 0, found = 0;
    random.state += (unsigned)_i;
    for (unsigned round = random_rounds(8); round; round--) {
        struct table table;
        struct blob_run run;
        unsigned columns = 1 + random_below(&random, ART_SUMMARY_MAX);
        toy_open(&table.summary, columns, random_lookups(columns, &random));
        uint32_t most = _i == BLOB_LONG ? 40 : _i == BLOB_TWINS ? 100 : 6000;
        table_make(&table, (enum blob_family)_i, 1 + random_below(&random, most), round % 3 ? 0 : 5 * round, &random);
        blob_run_leaves(&run, &table.rows, &table.summary,
                        random_once_in(&random, 2) ? 0 : 3 + random_below(&random, 27), random_once_in(&random, 2));
        for (uint32_t slot = 0; slot < run.count; slot++) check_image(&run.slots[slot], &table);
        for (unsigned i = 0; i < 200; i++, probes += run.count)
            found += count_false_blobs(&run, first_lookup(&table.summary), &random);
        blob_run_clear(&run);
        blob_rows_clear(&table.rows);
    }
    printf("%llu of %llu probes found a blob\n", (unsigned long long)found, (unsigned long long)probes);
    ck_assert_uint_lt(found * 100, probes * 3 + 1000);
}

TEST(test_several_columns_are_sought_together) {
    struct random random = random_announced("together");
    struct table table;
    struct blob_run run;
    toy_open(&table.summary, 3, 5);
    table_make(&table, BLOB_DIRECTORIES, 3000, 40, &random);
    blob_run_leaves(&run, &table.rows, &table.summary, 0, random_once_in(&random, 2));
    const struct art_blob *blob = &run.slots[0].blob;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t one[2] = {(uint32_t)random_next(&random), 0}, two;
        struct art_hashes hashes = {0};
        art_summary_hashes(&table.summary, &table.rows.entries[random_below(&random, table.rows.count)], &hashes);
        one[1] = hashes.hash[0][0];
        two = hashes.hash[2][0];
        struct art_limits limits = {.sought_count = 2, .sought = {{0, 2, one}, {2, 1, &two}}};
        struct art_pages a = pages_with(blob, 0, one[0]), b = pages_with(blob, 0, one[1]), c = pages_with(blob, 2, two);
        struct art_pages pages = art_blob_pages_sought(blob, &limits);
        for (unsigned k = 0; k < 2; k++) HOLDS(pages.bits[k] == ((a.bits[k] | b.bits[k]) & c.bits[k]));
    }
    blob_run_clear(&run);
    blob_rows_clear(&table.rows);
}

/* Every part of a key, or of a text, leads to its page. */
static void check_parts(const struct blob_image *image, const struct table *table, uint32_t row, uint32_t page) {
    static uint32_t features[ART_STORED_MAX];
    const struct art_entry *entry = &table->rows.entries[row];
    struct art_datum data[ART_SUMMARY_MAX];
    for (unsigned of = ART_TABLE_SEARCHES; of <= ART_TABLE_KEYS && !(entry->flags & ART_CHUNK); of++) {
        unsigned column = of - ART_TABLE_SEARCHES;
        struct art_bytes text = table->rows.keys[row];
        if (!(table->summary.has.searches >> column & 1)) continue;
        if (of < ART_TABLE_KEYS) {
            if (entry->flags & ART_DELETE) continue;
            art_summary_read(&table->summary, entry, 1u << column, data);
            if (data[column].kind < ART_DATUM_TEXT || data[column].by_hash) continue;
            text = data[column].bytes;
        }
        uint32_t count = text.len > ART_STORED_MAX ? ART_CUT_ANY : toy_cut(text, 0, features);
        for (uint32_t i = 0; i < count && count != ART_CUT_ANY; i++) {
            struct art_pages pages = pages_with(&image->blob, of, features[i]);
            HOLDS(art_pages_has(&pages, page));
        }
    }
}

LOOP_TEST(test_every_page_with_a_part_of_a_text_is_named, BLOB_FAMILIES) {
    struct random random = random_announced("parts");
    random.state += (unsigned)_i;
    for (unsigned round = random_rounds(4); round; round--) {
        struct table table;
        struct blob_run run;
        uint16_t searches = round % 2 ? ART_SEARCH_KEY : (uint16_t)(ART_SEARCH_KEY | 5);
        toy_columns_open(&table.summary, (struct art_measures){round % 2 ? 0 : 3, 0, 0, searches});
        table_make(&table, (enum blob_family)_i, _i == BLOB_LONG ? 40 : 1500, round % 4 ? 50 : 0, &random);
        blob_run_leaves(&run, &table.rows, &table.summary, round % 3 ? 0 : 20, random_once_in(&random, 2));
        for (uint32_t slot = 0; slot < run.count; slot++) {
            const struct art_blob *blob = &run.slots[slot].blob;
            check_image(&run.slots[slot], &table);
            for (uint32_t b = 0; b < blob->buckets; b++) {
                for (uint32_t at = art_bucket_rank(blob, b); at < art_bucket_rank(blob, b + 1); at++)
                    check_parts(&run.slots[slot], &table, run.slots[slot].first + at,
                                art_bucket_offset(blob, b) / ART_BLOB_PAGE);
            }
        }
        blob_run_clear(&run);
        blob_rows_clear(&table.rows);
    }
}

/* Of a text's parts a page must have all, and those of the key beside them. */
TEST(test_all_parts_of_a_text_are_sought_together) {
    struct random random = random_announced("all parts");
    struct table table;
    struct blob_run run;
    uint32_t fewer = 0;
    toy_columns_open(&table.summary, (struct art_measures){1, 0, 0, ART_SEARCH_KEY | 1});
    table_make(&table, BLOB_DIRECTORIES, 3000, 0, &random);
    blob_run_leaves(&run, &table.rows, &table.summary, 0, random_once_in(&random, 2));
    const struct art_blob *blob = &run.slots[0].blob;
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t parts[ART_STORED_MAX], two[2], value = (uint32_t)random_next(&random);
        for (unsigned k = 0; k < 2; k++) {
            uint32_t row = random_below(&random, table.rows.count), n = toy_cut(table.rows.keys[row], 0, parts);
            two[k] = n && n != ART_CUT_ANY ? parts[random_below(&random, n)] : 1;
        }
        struct art_limits limits = {.sought_count = 2,
                                    .sought = {{ART_TABLE_KEYS, 2, two}, {ART_TABLE_SEARCHES, 1, &value}}};
        struct art_pages a = pages_with(blob, ART_TABLE_KEYS, two[0]), b = pages_with(blob, ART_TABLE_KEYS, two[1]);
        struct art_pages c = pages_with(blob, ART_TABLE_SEARCHES, value), pages = art_blob_pages_sought(blob, &limits);
        for (unsigned k = 0; k < 2; k++) {
            HOLDS(pages.bits[k] == (a.bits[k] & b.bits[k] & c.bits[k]));
            fewer += (a.bits[k] & b.bits[k]) != a.bits[k];
        }
    }
    ck_assert_uint_gt(fewer, 100);
    blob_run_clear(&run);
    blob_rows_clear(&table.rows);
}

/* --- as many as there may be -------------------------------------------------------------------------------------- */

/* A bucket with these features in one table. */
static void set_features(struct art_features *bucket, unsigned table, const uint32_t *feature, uint32_t count) {
    art_features_reset(bucket);
    memcpy(bucket->set[table]->feature, feature, count * sizeof *feature);
    bucket->set[table]->count = count;
}

/* A bucket with them, in the only table that there is. */
static void push_page(struct art_postings *postings, struct art_features *bucket, const uint32_t *feature,
                      uint32_t count, uint32_t rows, uint32_t page) {
    set_features(bucket, (unsigned)__builtin_ctz(postings->tables), feature, count);
    must(art_postings_reserve(postings, bucket));
    art_postings_push(postings, bucket, rows, page);
}

/* Pages of random features, and a model of it: which of them each page has. */
struct world {
    uint32_t feature[4096], count, pages;
    uint8_t has[ART_BLOB_PAGES][4096]; /* 2: the page has any */
};

static void push_world(struct art_postings *postings, unsigned table, struct world *world, uint32_t rows,
                       struct random *random) {
    struct art_features bucket = {0};
    uint32_t chosen[4096];
    must(art_features_open(&bucket, 1u << table));
    for (uint32_t page = 0; page < world->pages; page++) {
        uint32_t count = 0, most = 1 + random_below(random, world->count), one_in = 1 + random_below(random, 40);
        for (uint32_t i = 0; i < world->count && count < most; i++) {
            world->has[page][i] = random_once_in(random, one_in);
            if (world->has[page][i]) chosen[count++] = world->feature[i];
        }
        set_features(&bucket, table, chosen, count);
        bucket.set[table]->any = random_once_in(random, 20);
        if (bucket.set[table]->any) memset(world->has[page], 2, sizeof world->has[page]);
        must(art_postings_reserve(postings, &bucket));
        art_postings_push(postings, &bucket, rows, page);
    }
    art_features_clear(&bucket);
}

/* A page may have many buckets, and stands only once in each posting. */
TEST(test_a_page_with_many_buckets_is_noted_once) {
    enum { TABLE = ART_TABLE_KEYS, PAGES = 20, BUCKETS = 300, FEATURES = 40 };
    struct art_postings once = {.tables = 1u << TABLE}, often = {.tables = 1u << TABLE};
    struct art_features bucket = {0};
    must(art_features_open(&bucket, 1u << TABLE));
    for (uint32_t page = 0; page < PAGES; page++) {
        uint32_t feature[FEATURES];
        for (uint32_t i = 0; i < FEATURES; i++) feature[i] = (i * (page % 7 + 1) + 1) * 0x9e3779b1u;
        push_page(&once, &bucket, feature, FEATURES, 100, page);
        for (unsigned i = 0; i < BUCKETS; i++) push_page(&often, &bucket, feature, FEATURES, i ? 0 : 100, page);
    }
    uint32_t room = art_postings_bytes(&once, NULL, 0), bytes[2];
    ck_assert_uint_eq(art_postings_bytes(&often, NULL, 0), room);
    uint8_t *images[2] = {malloc(room), malloc(room)};
    must(art_postings_write(&once, PAGES, images[0], &bytes[0]));
    must(art_postings_write(&often, PAGES, images[1], &bytes[1]));
    ck_assert(bytes[0] == bytes[1] && !memcmp(images[0], images[1], bytes[0]));
    for (unsigned i = 0; i < 2; i++) free(images[i]);
    art_features_clear(&bucket);
    art_postings_clear(&once);
    art_postings_clear(&often);
}

/* No page is missing; of all others few are named, but where there was no room for the table. */
LOOP_TEST(test_pages_of_features_are_those_that_were_pushed, 40) {
    struct random random = random_announced("postings");
    static const uint32_t rows[] = {100, 1, 4000};
    random.state += (unsigned)_i;
    struct world *world = calloc(1, sizeof *world);
    unsigned table = random_below(&random, ART_TABLES_MAX);
    struct art_measures has = {.columns = ART_SUMMARY_MAX};
    if (table < ART_TABLE_SEARCHES) has.lookups = (uint8_t)(1u << table);
    if (table >= ART_TABLE_SEARCHES) has.searches = (uint16_t)(1u << (table - ART_TABLE_SEARCHES));
    world->count = 1 + random_below(&random, table < ART_TABLE_SEARCHES ? 2 * ART_BUCKET_ENTRIES : 4096);
    world->pages = 1 + random_below(&random, ART_BLOB_PAGES - 1);
    for (uint32_t i = 0; i < world->count; i++) world->feature[i] = (uint32_t)random_next(&random) | 1;
    struct art_postings postings = {.tables = 1u << table};
    push_world(&postings, table, world, rows[_i % 3], &random);
    uint32_t bytes, room = art_postings_bytes(&postings, NULL, 0);
    uint8_t *image = malloc(room);
    must(art_postings_write(&postings, world->pages, image, &bytes));
    ck_assert_uint_le(bytes, room);
    ck_assert_uint_le(bytes, ART_POSTING_BYTES_MAX + ART_POSTING_BYTES_MAX);
    ck_assert_uint_eq(art_postings_measure(image, bytes, 1), bytes);
    ck_assert_uint_eq(art_postings_measure(image, bytes - 1, 1), 0);
    /* 1: what has postings has them behind the image's beginning */
    struct art_blob blob = {.image = image - 1, .postings = 1, .has = has};
    for (uint32_t i = 0; i < world->count; i++) {
        struct art_pages pages = pages_with(&blob, table, world->feature[i]);
        for (uint32_t page = 0; page < world->pages; page++) HOLDS(!world->has[page][i] || art_pages_has(&pages, page));
    }
    free(image);
    free(world);
    art_postings_clear(&postings);
}

/* Random letters would take more bytes than they are worth: their pages have any, and only theirs. */
TEST(test_pages_with_too_many_features_are_marked) {
    struct random random = random_announced("marked");
    enum { TABLE = ART_TABLE_KEYS, PAGES = 100, ROWS = 100 };
    struct art_postings postings = {.tables = 1u << TABLE};
    struct art_features bucket = {0};
    must(art_features_open(&bucket, 1u << TABLE));
    uint32_t own[PAGES], feature[4000], bytes;
    for (uint32_t page = 0; page < PAGES; page++) {
        uint32_t count = page % 4 ? 50 : 4000;
        for (uint32_t i = 0; i < count; i++) feature[i] = (uint32_t)random_next(&random) | 1;
        own[page] = feature[0];
        push_page(&postings, &bucket, feature, count, ROWS, page);
    }
    uint8_t *image = malloc(art_postings_bytes(&postings, NULL, 0));
    must(art_postings_write(&postings, PAGES, image, &bytes));
    struct art_blob blob = {.image = image - 1, .postings = 1, .has = {.searches = ART_SEARCH_KEY}};
    uint32_t others = 0;
    for (uint32_t page = 0; page < PAGES; page++) {
        struct art_pages pages = pages_with(&blob, TABLE, own[page]);
        HOLDS(art_pages_has(&pages, page));
        for (uint32_t other = 0; other < PAGES; other++) {
            HOLDS(other % 4 || art_pages_has(&pages, other));
            others += other % 4 && other != page && art_pages_has(&pages, other);
        }
    }
    ck_assert_uint_lt(others, PAGES);
    ck_assert_uint_lt(bytes, 75 * 50 * 3 + 1000);
    free(image);
    art_features_clear(&bucket);
    art_postings_clear(&postings);
}

/* Or a key that is too long to be cut: whatever is in it, the bucket has it. */
TEST(test_a_bucket_has_what_it_has_no_room_for) {
    struct random random = random_announced("bucket");
    static uint8_t bytes[BUCKET_KEY + ART_KEY_PADDING];
    static uint32_t parts[BUCKET_KEY];
    struct art_entry entry = {.flags = ART_DELETE};
    struct art_summary summary;
    struct art_features bucket = {0};
    toy_columns_open(&summary, (struct art_measures){.searches = ART_SEARCH_KEY});
    must(art_features_open(&bucket, art_measures_tables(summary.has)));
    const struct art_feature_set *set = bucket.set[ART_TABLE_KEYS];
    for (uint32_t len = 500; len <= BUCKET_KEY; len += 500) {
        art_features_reset(&bucket);
        for (uint32_t row = 0; row < 20; row++) {
            for (uint32_t i = 0; i < len; i++) bytes[i] = (uint8_t)random_below(&random, ART_TEXT_END);
            art_features_add(&bucket, &summary, art_bytes(bytes, len), 0, &entry, NULL);
            if (row < 19 && random_once_in(&random, 2)) continue; /* many texts are cut together, or each by itself */
            art_features_end(&bucket, &summary);
            uint32_t count = toy_cut(art_bytes(bytes, len), 0, parts), met = 0;
            for (uint32_t i = 0; i < set->count && !set->any; i++) met += set->feature[i] == parts[count - 1];
            HOLDS(set->any || met == 1);
            HOLDS(set->count <= ART_BUCKET_FEATURES);
        }
        ck_assert(set->any == (20 * len > ART_BUCKET_FEATURES));
    }
    art_features_clear(&bucket);
}

/* Memory is bounded, whatever the names are. */
TEST(test_features_beyond_a_number_mark_their_pages) {
    struct random random = random_announced("too many");
    enum { TABLE = ART_TABLE_KEYS, PAGES = 60, COUNT = 4000 };
    struct art_postings postings = {.tables = 1u << TABLE};
    struct art_features bucket = {0};
    uint32_t own[PAGES], feature[COUNT], bytes;
    must(art_features_open(&bucket, 1u << TABLE));
    for (uint32_t page = 0; page < PAGES; page++) {
        for (uint32_t i = 0; i < COUNT; i++) feature[i] = (uint32_t)random_next(&random) | 1;
        own[page] = feature[COUNT / 2];
        push_page(&postings, &bucket, feature, COUNT, 100, page);
    }
    ck_assert_uint_le(postings.table[TABLE]->count, ART_POSTING_FEATURES_MAX);
    ck_assert_uint_le(postings.table[TABLE]->mask, 4 * ART_POSTING_FEATURES_MAX);
    uint8_t *image = malloc(art_postings_bytes(&postings, NULL, 0));
    must(art_postings_write(&postings, PAGES, image, &bytes));
    struct art_blob blob = {.image = image - 1, .postings = 1, .has = {.searches = ART_SEARCH_KEY}};
    for (uint32_t page = 0; page < PAGES; page++) {
        struct art_pages pages = pages_with(&blob, TABLE, own[page]);
        HOLDS(art_pages_has(&pages, page));
    }
    free(image);
    art_features_clear(&bucket);
    art_postings_clear(&postings);
}

/* Two features of one page and one of two pages in each group: a byte of zero stands behind all of them, and the last
 * group begins as far behind the first as one can. */
TEST(test_the_last_group_of_the_largest_table_is_reached) {
    enum { TABLE = 3, GROUPS = ART_POSTING_BYTES_MAX / 7, FEATURES = 3 * GROUPS, A_PAGE = 3000, ROWS = 1000 };
    enum { PAGES = (FEATURES + A_PAGE - 1) / A_PAGE };
    struct art_postings postings = {.tables = 1u << TABLE};
    struct art_features bucket = {0};
    uint32_t feature[ART_BUCKET_FEATURES], bytes;
    must(art_features_open(&bucket, 1u << TABLE));
#define FEATURE(i) ((uint32_t)(((uint64_t)(i) << 32) / FEATURES) + 1)
    for (uint32_t page = 0; page <= PAGES; page++) {
        uint32_t count = 0, from = page * A_PAGE;
        for (uint32_t i = page ? from - A_PAGE : 0; i < from + A_PAGE && i < FEATURES; i++)
            if (i >= from || i % 3 == 0) feature[count++] = FEATURE(i);
        push_page(&postings, &bucket, feature, count, ROWS, page);
    }
    uint8_t *image = malloc(art_postings_bytes(&postings, NULL, 0));
    must(art_postings_write(&postings, PAGES + 1, image, &bytes));
    ck_assert_uint_gt(bytes, 8 * GROUPS + 2 * GROUPS);
    ck_assert_uint_eq(art_postings_measure(image, bytes, 1), bytes);
    struct art_blob blob = {.image = image - 1, .postings = 1, .has = {.lookups = 1u << TABLE}};
    for (uint32_t i = 0; i < FEATURES; i++) {
        struct art_pages pages = pages_with(&blob, TABLE, FEATURE(i));
        HOLDS(art_pages_has(&pages, i / A_PAGE));
        HOLDS(i % 3 || art_pages_has(&pages, i / A_PAGE + 1));
    }
#undef FEATURE
    free(image);
    art_features_clear(&bucket);
    art_postings_clear(&postings);
}

/* A group that cannot be may be anywhere: any page is named, and nothing is read behind the postings. */
TEST(test_a_group_that_lies_outside_names_all_pages) {
    struct random random = {5};
    struct art_postings made = {.tables = 1};
    struct art_features bucket = {0};
    uint32_t feature[16], bytes, last = UINT32_MAX;
    for (uint32_t i = 0; i < 16; i++) feature[i] = (uint32_t)random_next(&random) | 1;
    must(art_features_open(&bucket, 1));
    set_features(&bucket, 0, feature, 16);
    must(art_postings_reserve(&made, &bucket));
    art_postings_push(&made, &bucket, 100, 3);
    uint8_t *image = malloc(art_postings_bytes(&made, NULL, 0));
    must(art_postings_write(&made, 40, image, &bytes));
    uint8_t *begins = image + 4;
    uint32_t groups = art_load16(image), units = art_load16(image + 2);
    struct art_blob blob = {.image = image - 1, .postings = 1, .has = {1, 0, 1, 0}};
    const uint32_t ends[] = {units + 1, units + 1000, UINT16_MAX, 0};
    for (unsigned i = 0; i < 4; i++) {
        art_store16(begins + 2 * groups, ends[i]);
        struct art_pages pages = pages_with(&blob, 0, last);
        ck_assert(pages.bits[0] == UINT64_MAX && pages.bits[1] == UINT64_MAX);
    }
    free(image);
    art_features_clear(&bucket);
    art_postings_clear(&made);
}

/* --- bytes that lie ----------------------------------------------------------------------------------------------- */

static void make_plausible(struct blob_image *image) {
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image->image + ART_TRAILER_AT);
    blob_image_rehash(image->image, &image->ref);
    trailer->own_hash = art_blob_trailer_hash(image->image + ART_LAST_PAGE_AT);
    blob_image_rehash(image->image, &image->ref);
}

/* Format 2 had lookups of another form at the same place. */
TEST(test_lookups_of_a_former_format_pass_over_nothing) {
    struct random random = random_announced("former");
    struct table table;
    struct blob_run run;
    toy_open(&table.summary, 2, 1);
    table_make(&table, BLOB_DIRECTORIES, 500, 0, &random);
    blob_run_leaves(&run, &table.rows, &table.summary, 0, random_once_in(&random, 2));
    struct blob_image *image = &run.slots[0];
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image->image + ART_TRAILER_AT);
    struct art_blob_expected expected = {.csn_max = UINT64_MAX, .label = &image->ref.label, .summary = &table.summary};
    ck_assert_uint_eq(trailer->format, ART_BLOB_FORMAT_POSTINGS);
    memset(image->image + image->blob.postings, 0xa5, image->blob.routing - image->blob.postings);
    trailer->format = ART_BLOB_FORMAT;
    make_plausible(image);
    must(art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test"));
    must(art_blob_verify_all(&image->blob));
    must(art_blob_check_expected(&image->blob, &expected));
    struct art_pages pages = pages_with(&image->blob, 0, 1);
    ck_assert(pages.bits[0] == UINT64_MAX && pages.bits[1] == UINT64_MAX);
    trailer->format = ART_BLOB_FORMAT_POSTINGS;
    make_plausible(image);
    ck_assert_int_eq(art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test"), ART_CORRUPT);
    blob_run_clear(&run);
    blob_rows_clear(&table.rows);
}

/* Opens, is asked whatever it says, and is checked: the first error. */
static int first_error(struct blob_image *image, const struct table *table, struct random *random) {
    struct art_blob_expected expected = {.csn_max = UINT64_MAX, .label = &image->ref.label, .summary = &table->summary};
    int rc = art_blob_open(&image->blob, image->image, &image->ref, blob_uuid, "test");
    if (!rc) rc = art_blob_verify_all(&image->blob);
    if (rc) return rc;
    for (unsigned i = 0; i < table->summary.has.columns; i++) {
        for (unsigned k = 0; table->summary.has.lookups >> i & 1 && k < 64; k++)
            pages_with(&image->blob, i, k * 0x04000000u + random_below(random, 0x04000000u));
    }
    return art_blob_check_expected(&image->blob, &expected);
}

LOOP_TEST(test_each_byte_of_the_lookups_is_checked, 2) {
    struct random random = random_announced("bytes");
    struct table table;
    struct blob_run run;
    uint32_t by_check = 0;
    toy_open(&table.summary, 3, _i ? 6 : 5);
    table_make(&table, BLOB_DIRECTORIES, _i ? 60 : 300, 0, &random);
    blob_run_leaves(&run, &table.rows, &table.summary, 0, random_once_in(&random, 2));
    struct blob_image liar = run.slots[0];
    liar.image = blob_image_new();
    memcpy(liar.image, run.slots[0].image, ART_BLOB_BYTES);
    uint32_t begin = liar.blob.postings, end = liar.blob.routing;
    for (uint32_t at = begin; at < end; at++) {
        uint8_t was = liar.image[at];
        liar.image[at] ^= (uint8_t)(1 + random_below(&random, 255));
        make_plausible(&liar);
        int rc = first_error(&liar, &table, &random);
        ck_assert_msg(rc == ART_CORRUPT, "byte %u of %u: %s", at - begin, end - begin, art_error_name(rc));
        by_check += strstr(art_error_message(), "table of postings") != NULL;
        liar.image[at] = was;
    }
    printf("%u bytes, %u told by the check\n", end - begin, by_check);
    ck_assert_uint_gt(by_check, (end - begin) / 2);
    for (unsigned round = random_rounds(500); round; round--) { /* wherever they are said to be */
        struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(liar.image + ART_TRAILER_AT);
        uint16_t was = trailer->postings_at;
        trailer->postings_at = (uint16_t)(round % 2 ? was + random_below(&random, 64) - 32 : random_next(&random));
        make_plausible(&liar);
        int rc = first_error(&liar, &table, &random);
        HOLDS(trailer->postings_at == was || rc == ART_CORRUPT);
        trailer->postings_at = was;
    }
    for (unsigned round = random_rounds(2000); round; round--) { /* several at once */
        uint8_t kept[4];
        uint32_t at = begin + random_below(&random, round % 2 ? 64 : end - begin - 4);
        memcpy(kept, liar.image + at, sizeof kept);
        for (unsigned i = 0; i < sizeof kept; i++) liar.image[at + i] = (uint8_t)random_next(&random);
        make_plausible(&liar);
        int rc = first_error(&liar, &table, &random);
        HOLDS(rc == ART_CORRUPT || !memcmp(kept, liar.image + at, sizeof kept));
        memcpy(liar.image + at, kept, sizeof kept);
    }
    free(liar.image);
    blob_run_clear(&run);
    blob_rows_clear(&table.rows);
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
    return art_is_sought(&there, &(struct art_sought){0, 2, other});
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

int main(void) {
    return suite_run("lookups of blobs", .seconds = SUITE_FOREVER);
}
