/* Who walks from leaf to leaf has the next ones read before they are asked for; who does not, reads nothing beforehand.
 * A walk keeps no more than the cache may hold. Who searches here and there has footers of leaves read together.
 *
 * Tiny blobs, so that some thousand rows make dozens of leaves. What is on its way is looked at between two steps. By
 * core/tree/state/hooks.h looks ahead are counted, and searches led back as a forged blob would.
 */
#include <limits.h>

#include "core/store/cache.h"
#include "core/store/private.h"
#include "tests/support/small_tree.h"

enum { ROWS = 24000, SLOTS_MAX = 400 };

/* Leaves on their way: now, at most at a time, and how often each began to be. Looks for those to be asked for. */
static bool coming[SLOTS_MAX];
static unsigned most, asked[SLOTS_MAX], looks;

static void count_look(enum art_event event) {
    looks += event == ART_EVENT_AHEAD;
}

/* Between two steps of a walk. */
static void look_ahead(void) {
    const struct art_store *store = tree->store;
    bool seen[SLOTS_MAX] = {false};
    for (unsigned i = 0; store->readahead && i < ART_READAHEAD_MAX; i++) {
        const struct art_ref *ref = &store->readahead[i].ref;
        if (!store->readahead[i].cached) continue;
        ck_assert_uint_lt(ref->slot, SLOTS_MAX);
        ck_assert_uint_eq(ref->height, 0);
        seen[ref->slot] = true;
        asked[ref->slot] += !coming[ref->slot];
    }
    memcpy(coming, seen, sizeof coming);
    if (most < store->readahead_count) most = store->readahead_count;
}

static unsigned asked_in_all(void) {
    unsigned all = 0;
    for (unsigned slot = 0; slot < SLOTS_MAX; slot++) all += asked[slot];
    return all;
}

/* As a forged blob would: a search finds the walk's first row, whatever it was asked for. */
static enum art_rc lead_back(struct art_run_cursor *cursor, bool backward) {
    return backward ? art_run_last(cursor) : art_run_first(cursor);
}

static void open_tree(void) {
    small_tree_open();
    most = looks = 0;
    art_test_hooks.at = count_look;
    memset(coming, 0, sizeof coming);
    memset(asked, 0, sizeof asked);
}

static void make_key(char text[40], unsigned i, struct art_bytes *out) {
    *out = art_bytes(text, (uint32_t)sprintf(text, "dir-%02u/file-%06u", i / 1000, i));
}

static void write_rows(unsigned step, struct art_bytes value) {
    for (unsigned i = 0; i < ROWS; i += step) {
        char text[40];
        struct art_bytes key;
        make_key(text, i, &key);
        put_at(key, value);
    }
}

/* One run, and nothing of it in memory. */
static void set_up(void) {
    small_tree_make_of(false,
                       (struct art_tree_options){
                           .cache_bytes = 16 << 20, .log_limit = 16 << 20, .spill_limit = 16 << 20, .blob_pages = 3});
    write_rows(1, art_bytes("some value", 10));
    flush();
    ck_assert_uint_eq(tree->root->runs, 1);
    ck_assert_uint_eq(tree->root->run[0].top.height, 1);
    art_tree_close(tree);
    open_tree();
}

/* Rows from one end on. What was on its way is not any more when it was closed. */
static unsigned walk(unsigned rows, bool backward) {
    unsigned seen = 0;
    struct art_cursor *cursor = cursor_on(NULL, backward);
    while (art_cursor_valid(cursor) && ++seen < rows) {
        must(art_cursor_next(cursor));
        look_ahead();
    }
    art_cursor_close(cursor);
    ck_assert_uint_eq(tree->store->readahead_count, 0);
    return seen;
}

LOOP_TEST(test_a_long_walk_has_four_leaves_at_a_time_on_their_way_and_asks_for_each_once, 2) {
    uint32_t leaves = (uint32_t)tree->root->run[0].blobs - 1;
    ck_assert_uint_gt(leaves, 25);
    uint64_t reads = sim_disk_calls(disk, SIM_READ);
    ck_assert_uint_eq(walk(UINT_MAX, _i), ROWS);
    reads = sim_disk_calls(disk, SIM_READ) - reads;
    for (unsigned slot = 0; slot < SLOTS_MAX; slot++) ck_assert_uint_le(asked[slot], 1);
    ck_assert_uint_eq(most, 3);                    /* and the one that the walk has come to */
    ck_assert_uint_ge(asked_in_all() + 5, leaves); /* it began page by page, and came to the first at once */
    ck_assert_uint_le(looks, leaves);
    ck_assert_uint_le(reads, leaves + 12); /* each in one call, but for the first four; the superblock; the top */
}

/* --- walks that pass over rows ------------------------------------------------------------------------------------ */

/* Each `step`th row is written once more, and all is merged into one run with large blobs. */
static uint64_t write_again(unsigned step) {
    static const uint8_t value[70];
    art_tree_close(tree);
    options.blob_pages = 0;
    open_tree();
    uint64_t since = art_tree_csn(tree);
    write_rows(step, art_bytes(value, sizeof value));
    optimize();
    ck_assert_uint_eq(tree->root->runs, 1);
    art_tree_close(tree);
    open_tree();
    return since;
}

struct cost {
    unsigned seen;
    uint64_t reads, pages;
};

static struct cost walk_newer(uint64_t since, unsigned rows, bool backward) {
    struct cost cost = {0};
    uint64_t reads = sim_disk_calls(disk, SIM_READ), pages = tree->store->count.pages_read;
    struct art_cursor *cursor = cursor_on(&(struct art_range){.newer_than = since}, backward);
    for (; art_cursor_valid(cursor) && cost.seen < rows; cost.seen++) must(art_cursor_next(cursor));
    art_cursor_close(cursor);
    cost.reads = sim_disk_calls(disk, SIM_READ) - reads;
    cost.pages = tree->store->count.pages_read - pages;
    printf("%u rows in %llu pages by %llu reads\n", cost.seen, (unsigned long long)cost.pages,
           (unsigned long long)cost.reads);
    return cost;
}

LOOP_TEST(test_a_walk_that_passes_over_rows_reads_pages_together_and_no_others, 2) {
    uint64_t since = write_again(1), leaves = tree->root->run[0].blobs;
    struct cost all = walk_newer(since, UINT_MAX, _i);
    ck_assert_uint_eq(all.seen, ROWS);
    ck_assert_uint_gt(all.pages, 100);
    ck_assert_uint_le(all.reads, 6 * leaves + 8); /* 1, 2, 4, 8, 16, 32, and then 32 at a time; the footers */
    since = write_again(2000);
    struct cost some = walk_newer(since, UINT_MAX, _i);
    ck_assert_uint_eq(some.seen, ROWS / 2000);
    ck_assert_uint_le(some.pages, ROWS / 2000 + 4 * leaves + 8); /* footers, the index, the superblock */
    ck_assert_uint_le(some.reads, 3 * leaves + 8);
    since = write_again(1);
    struct cost few = walk_newer(since, 5, _i);
    ck_assert_uint_le(few.pages, 10 + 4 * leaves);
}

static uint64_t walked_bytes(uint64_t cache_bytes, bool backward, uint64_t *most_cached) {
    struct sim_disk_stats before, after;
    struct art_cache_stats cache;
    unsigned seen = 0;
    art_tree_close(tree);
    options.cache_bytes = cache_bytes;
    open_tree();
    sim_disk_stats(disk, &before);
    struct art_cursor *cursor = cursor_on(NULL, backward);
    for (*most_cached = 0; art_cursor_valid(cursor); seen++) {
        art_cache_stats(&cache);
        if (*most_cached < cache.bytes) *most_cached = cache.bytes;
        must(art_cursor_next(cursor));
    }
    art_cursor_close(cursor);
    ck_assert_uint_eq(seen, ROWS);
    sim_disk_stats(disk, &after);
    return after.bytes_read - before.bytes_read;
}

LOOP_TEST(test_a_walk_through_more_than_the_cache_keeps_to_it_and_reads_each_page_once, 2) {
    uint64_t cached, all = walked_bytes(16 << 20, _i, &cached);
    ck_assert_uint_gt(cached, 300 << 10);
    for (uint64_t limit = 60 << 10; limit < 200 << 10; limit += 20 << 10) {
        uint64_t bytes = walked_bytes(limit, _i, &cached);
        ck_assert_uint_le(cached, limit + (40 << 10));
        ck_assert_uint_le(bytes, all + all / 20);
    }
}

TEST(test_a_walk_through_rows_that_hide_others_keeps_to_the_cache) {
    enum { CACHE_PAGES = 32, LEAF_PAGES = 3 };
    struct art_cursor *cursor;
    uint64_t most = 0;
    art_tree_close(tree);
    options.cache_bytes = CACHE_PAGES * ART_PAGE;
    open_tree();
    ck_assert_uint_gt(tree->root->run[0].pages, 3 * CACHE_PAGES);
    write_rows(1, art_bytes("new", 3));
    art_store_relax(tree->store);
    must(art_cursor_open(tree, &cursor));
    unsigned rows = 0;
    for (must(art_cursor_seek(cursor, &(struct art_range){0}, false)); art_cursor_valid(cursor); rows++) {
        must(art_cursor_next(cursor));
        if (most < tree->store->pinned_pages) most = tree->store->pinned_pages;
    }
    ck_assert_uint_eq(rows, ROWS);
    ck_assert_uint_le(most, CACHE_PAGES + 2 * LEAF_PAGES);
    art_cursor_close(cursor);
}

TEST(test_a_walk_that_ends_early_leaves_nothing_on_its_way) {
    struct art_cache_stats cache;
    walk(ROWS / 2, false);
    ck_assert_uint_eq(most, 3);
    art_cache_stats(&cache);
    uint64_t entries = cache.entries;
    ck_assert_uint_eq(walk(ROWS / 2, false), ROWS / 2); /* finds all that the first has passed, and nothing more */
    art_cache_stats(&cache);
    ck_assert_uint_eq(cache.entries, entries);
}

/* A skip goes elsewhere in the middle of a walk: what lay ahead before it is not what lies ahead now. */
LOOP_TEST(test_a_walk_that_skips_rows_has_the_next_leaves_read_and_leaves_nothing_on_its_way, 2) {
    struct art_cursor *cursor = cursor_on(NULL, _i);
    for (unsigned i = 0; i < ROWS / 4; i++) must(art_cursor_next(cursor));
    ck_assert_uint_gt(tree->store->readahead_count, 0);
    must(art_cursor_skip(cursor, ROWS / 4));
    ck_assert_uint_eq(tree->store->readahead_count, 0);
    /* The simulated disk does nothing ahead. */
    ck_assert_uint_eq(tree->store->count.blobs_ahead, 0);
    ck_assert_uint_eq(tree->store->count.blobs_in_vain, 0);
    while (art_cursor_valid(cursor)) must(art_cursor_next(cursor));
    art_cursor_close(cursor);
    ck_assert_uint_eq(tree->store->readahead_count, 0);
}

LOOP_TEST(test_a_short_walk_and_a_search_ask_for_nothing, 2) {
    walk(100, _i);
    for (unsigned i = 0; i < ROWS; i += 400) {
        char text[40];
        struct art_bytes key;
        make_key(text, i, &key);
        is_there(key);
    }
    ck_assert_uint_eq(looks, 0);
}

/* ---- searches --------------------------------------------------------------- */

static int get(unsigned i) {
    char text[40];
    struct art_bytes key;
    struct art_row row;
    make_key(text, i, &key);
    int rc = art_tree_get(tree, key, &row);
    if (!rc) art_row_release(&row);
    return rc;
}

static void open_with_cache(uint64_t bytes) {
    art_tree_close(tree);
    options.cache_bytes = bytes;
    open_tree();
}

static unsigned some_row(unsigned n) {
    return (unsigned)(n * 7919ull % ROWS);
}

TEST(test_many_searches_read_each_page_once) {
    uint32_t leaves = (uint32_t)tree->root->run[0].blobs - 1;
    struct sim_disk_stats before, after;
    open_with_cache(8 << 20); /* the file is larger, all that is used of it is not */
    sim_disk_stats(disk, &before);
    for (unsigned n = 0; n < 4000; n++) must(get(some_row(n)));
    sim_disk_stats(disk, &after);
    uint64_t pages = (after.bytes_read - before.bytes_read) / ART_PAGE;
    ck_assert_uint_ge(pages, 3 * leaves - 3);
    ck_assert_uint_le(pages, 3 * leaves + 8); /* none twice */
}

TEST(test_a_few_searches_read_what_they_need) {
    struct sim_disk_stats before, after;
    open_with_cache(8 << 20);
    must(get(0));
    sim_disk_stats(disk, &before);
    for (unsigned n = 1; n < 6; n++) must(get(n * 3000));
    sim_disk_stats(disk, &after);
    ck_assert_uint_eq(after.bytes_read - before.bytes_read, 5 * 2 * ART_PAGE);
}

TEST(test_searches_keep_to_a_small_cache) {
    struct art_cache_stats cache;
    struct sim_disk_stats before, after;
    open_with_cache(15 * ART_PAGE);
    sim_disk_stats(disk, &before);
    for (unsigned n = 0; n < 500; n++) {
        must(get(some_row(n)));
        art_cache_stats(&cache);
        ck_assert_uint_le(cache.bytes, 17 * ART_PAGE);
    }
    sim_disk_stats(disk, &after);
    ck_assert_uint_le(after.bytes_read - before.bytes_read, 500 * 3 * ART_PAGE); /* about two for each */
}

LOOP_TEST(test_a_jump_that_leads_back_is_damage_and_no_endless_walk, 2) {
    struct art_cursor *cursor = cursor_on(NULL, _i);
    for (unsigned i = 0; i < 3; i++) must(art_cursor_skip_prefix(cursor, 6));
    ck_assert(art_cursor_valid(cursor));
    art_test_hooks.seek = lead_back;
    ck_assert_int_eq(art_cursor_skip_prefix(cursor, 6), ART_CORRUPT);
    ck_assert(!art_cursor_valid(cursor));
    ck_assert_ptr_nonnull(strstr(art_error_message(), "a search for a later key leads back"));
    art_test_hooks.seek = NULL;
    must(art_cursor_seek(cursor, &(struct art_range){0}, _i));
    for (unsigned i = 0; i < 3; i++)
        must(art_cursor_next(cursor)); /* and a walk through a tree that changes under it goes on by searches */
    put_at(art_bytes("new", 3), art_bytes("", 0));
    must(art_cursor_next(cursor));
    put_at(art_bytes("new, too", 8), art_bytes("", 0));
    art_test_hooks.seek = lead_back;
    ck_assert_int_eq(art_cursor_next(cursor), ART_CORRUPT);
    art_test_hooks.seek = NULL;
    art_cursor_close(cursor);
}

SUITE("walk", .set_up = set_up, .tear_down = small_tree_end)
