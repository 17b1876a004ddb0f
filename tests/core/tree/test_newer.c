/* Rows newer than a version: what a cursor gives that passes over blobs and buckets by their bounds.
 *
 * Random histories over small blobs against one number a key, the version of its row. The rows have to be exactly
 * those, in both directions and in any range, wherever entries lie, and though an entry that is passed over hides an
 * older one. Then, that a walk which passes over rows teaches the tree nothing wrong of where there are none.
 */
#include "core/store/private.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_codec.h"

enum { KEYS = 4000 };

static uint64_t version[KEYS]; /* 0: no row */
static uint64_t last;
static uint32_t value_len; /* long ones: so many leaves that index blobs have brothers */

static struct art_bytes name_of(unsigned i) {
    static char name[4][32];
    static unsigned turn;
    char *out = name[turn++ % 4];
    snprintf(out, sizeof name[0], "%02u/%03u/%05u", i / 1000, i / 50, i);
    return text(out);
}

static void make(uint32_t blob_pages) {
    small_tree_make_of(false, (struct art_tree_options){.log_limit = 20000, .blob_pages = blob_pages});
    memset(version, 0, sizeof version);
    last = 0;
}

/* Puts, or deletes, each `step`th key from `from` on, in one transaction. */
static void write_rows(unsigned from, unsigned count, unsigned step, bool put_them) {
    static uint8_t value[600];
    for (unsigned i = from; i < KEYS && count; i += step, count--) {
        if (put_them) {
            put_at(name_of(i), art_bytes(value, value_len));
        } else {
            take_at(name_of(i));
        }
        version[i] = put_them ? tree->txn.csn : 0;
    }
    commit();
    last = art_tree_csn(tree);
}

static struct art_cursor *cursor;

static void expect_rows(const struct art_range *range, unsigned low, unsigned high, bool descending) {
    must(art_cursor_seek(cursor, range, descending));
    for (unsigned n = 0; n < high - low; n++) {
        unsigned i = descending ? high - 1 - n : low + n;
        if (version[i] <= range->newer_than) continue;
        ck_assert_msg(art_cursor_valid(cursor), "newer than %llu: row %u of version %llu is missing",
                      (unsigned long long)range->newer_than, i, (unsigned long long)version[i]);
        ck_assert(art_bytes_equal(art_cursor_key(cursor), name_of(i)));
        ck_assert_uint_eq(art_cursor_row(cursor)->version, version[i]);
        must(art_cursor_next(cursor));
    }
    ck_assert_msg(!art_cursor_valid(cursor), "newer than %llu: a row too many", (unsigned long long)range->newer_than);
}

static void look(struct random *random) {
    unsigned low = random_below(random, KEYS), high = low + 1 + random_below(random, KEYS - low);
    uint64_t since =
        random_once_in(random, 2) ? last - random_below(random, 4) : random_below(random, (uint32_t)last + 2);
    struct art_range range = {.newer_than = since > last + 1 ? 0 : since};
    if (random_once_in(random, 2)) {
        range.low_set = range.high_set = range.high_open = true;
        range.low = name_of(low);
        range.high = name_of(high);
    } else {
        low = 0;
        high = KEYS;
    }
    expect_rows(&range, low, high, random_once_in(random, 2));
}

LOOP_TEST(test_rows_newer_than_a_version, 6) {
    struct random random = {random_seed() + (uint64_t)_i};
    printf("newer: seed %llu\n", (unsigned long long)random.state);
    value_len = _i % 2 ? 600 : 20;
    toy_codec_lend(_i / 2 % 2);
    make(_i % 2 ? 3 : 3 + random_below(&random, 5));
    unsigned levels = 0;
    must(art_cursor_open(tree, &cursor));
    write_rows(0, KEYS, 1, true);
    for (unsigned round = random_rounds(150); round--;) {
        if (!random_span(&random)) continue;
        unsigned from = random_below(&random, KEYS), count = 1 + random_below(&random, 200);
        write_rows(from, count, 1 + random_below(&random, 30), !random_once_in(&random, 3));
        if (random_once_in(&random, 6)) flush();
        if (random_once_in(&random, 25)) {
            optimize();
            last = art_tree_csn(tree);
        }
        for (int i = 0; i < 4; i++) look(&random);
        const struct art_root *root = tree->root;
        if (root->runs && root->run[root->runs - 1].top.height > levels) levels = root->run[root->runs - 1].top.height;
    }
    printf("%u levels of index blobs\n", levels);
    art_cursor_close(cursor);
    must(art_tree_check(tree));
}

/* Deleted rows lie between rows that are passed over: a later walk must not take these for deleted, too. */
LOOP_TEST(test_a_walk_that_passes_over_rows_learns_no_gap, 2) {
    value_len = 20;
    make(8);
    write_rows(0, KEYS, 1, true);
    flush();
    optimize();
    uint64_t since = art_tree_csn(tree);
    write_rows(0, KEYS / 4, 4, false);
    flush();
    must(art_cursor_open(tree, &cursor));
    expect_rows(&(struct art_range){.newer_than = since}, 0, KEYS, _i);
    expect_rows(&(struct art_range){0}, 0, KEYS, _i);
    write_rows(1, 100, 4, true);
    expect_rows(&(struct art_range){.newer_than = since}, 0, KEYS, _i);
    expect_rows(&(struct art_range){0}, 0, KEYS, !_i);
    art_cursor_close(cursor);
}

/* The jump leads behind the last entry of a bucket, and nothing behind that is newer. */
TEST(test_a_jump_over_a_prefix_goes_on_where_buckets_are_passed_over) {
    for (unsigned n = 0; n < 300; n++) {
        unsigned x = 10 + n % 60 * 10;
        value_len = 20 + n / 60 * 5;
        make(0);
        write_rows(0, KEYS, 1, true);
        uint64_t since = last;
        write_rows(0, x, 1, true);
        flush();
        optimize();
        must(art_cursor_open(tree, &cursor));
        struct art_range range = {.newer_than = since, .low_set = true, .low = name_of(x - 1)};
        must(art_cursor_seek(cursor, &range, false));
        ck_assert(art_cursor_valid(cursor));
        must(art_cursor_skip_prefix(cursor, 12));
        ck_assert(!art_cursor_valid(cursor));
        art_cursor_close(cursor);
    }
}

/* Pages that the walk reads, of which nothing is in memory. */
static uint64_t pages_read(uint64_t since, bool descending) {
    small_tree_again();
    must(art_cursor_open(tree, &cursor));
    uint64_t before = tree->store->count.pages_read;
    expect_rows(&(struct art_range){.newer_than = since}, 0, KEYS, descending);
    art_cursor_close(cursor);
    return tree->store->count.pages_read - before;
}

/* Two runs of deletes over the rows: nothing older is newer than the bound, so they hide nothing. */
LOOP_TEST(test_pages_with_deletes_alone_are_not_read, 2) {
    value_len = 100;
    make(8);
    write_rows(0, KEYS, 1, true);
    flush();
    optimize();
    uint64_t since = art_tree_csn(tree);
    write_rows(500, 1000, 1, false); /* of more the commits would merge them */
    flush();
    write_rows(2000, 1000, 1, false);
    flush();
#ifndef ART_SMALL_LIMITS /* there the commits merge them all the same */
    ck_assert_uint_eq(tree->root->runs, 3);
    ck_assert_uint_eq(pages_read(since, _i), 0);
#endif
    /* The older of the two gets a row, and the newer one a delete that hides a row which is newer than the bound. */
    write_rows(0, 600, 1, true);
    write_rows(1000, 1, 1, true);
    write_rows(2000, 1000, 1, false);
    flush();
    write_rows(500, 90, 1, false);
    flush();
    pages_read(since, _i);
    optimize();
    pages_read(since, !_i);
}

/* Cursors are used again. */
TEST(test_the_next_user_of_a_cursor_gets_all_rows) {
    struct art_buffer found = {0};
    value_len = 20;
    make(0);
    write_rows(0, KEYS, 1, true);
    flush();
    must(art_cursor_open(tree, &cursor));
    expect_rows(&(struct art_range){.newer_than = last}, 0, KEYS, false);
    art_cursor_close(cursor);
    must(art_tree_longest_prefix(tree, text("00/001/00077/and/more"), art_bytes(NULL, 0), &found, NULL));
    ck_assert(art_bytes_equal(art_buffer_bytes(&found), text("00/001/00077")));
    for (unsigned i = 0; i < KEYS; i++) { /* some of these stand at the beginning of a bucket, before its first key */
        struct art_bytes path = name_of(i);
        path.len -= 1 + i % 3;
        ck_assert_int_eq(art_tree_longest_prefix(tree, path, art_bytes(NULL, 0), &found, NULL), ART_NOTFOUND);
    }
    art_buffer_clear(&found);
}

SUITE("newer than a version", .seconds = SUITE_FOREVER, .tear_down = small_tree_end)
