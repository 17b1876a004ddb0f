/* Long work of core stays within the cache's limit and a constant (rule 7), and hears an interrupt wherever it is.
 *
 * The tree's host is asked whether somebody interrupts, at each place where the work lets go of the blobs that it has
 * passed: so that question is where the pages are counted that the store still holds. Each test fails where the work
 * asks too seldom, holds too much, or does not end with the first yes.
 */
#include "core/store/private.h"
#include "core/tree/run/run.h"
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_columns.h"

enum { CACHE_PAGES = 64 };

static uint64_t asked, stop_at, most_pages;

/* The cache's, and a few blobs. */
static uint64_t pages_allowed(void) {
    return CACHE_PAGES + 4 * options.blob_pages;
}

static uint64_t pages_held(void) {
    return tree->store->pinned_pages;
}

static bool watch(void *context) {
    if (pages_held() > most_pages) most_pages = pages_held();
    return ++asked == stop_at;
}

static void begin_to_watch(uint64_t at) {
    asked = most_pages = 0;
    stop_at = at;
    tree->host.interrupted = watch;
}

static bool overwrites(void *context) {
    return true;
}

static void make(uint32_t blob_pages) {
    small_tree_make_of(false,
                       (struct art_tree_options){.cache_bytes = CACHE_PAGES * ART_PAGE, .blob_pages = blob_pages});
}

static void put_row(unsigned i, struct art_bytes value) {
    char path[40];
    uint32_t len = (uint32_t)snprintf(path, sizeof path, "files/%06u/with a name", i);
    put_at(art_bytes(path, len), value);
}

static void put_rows(unsigned rows, uint32_t bytes) {
    static uint8_t value[4000];
    for (unsigned i = 0; i < rows; i++) {
        for (uint32_t at = 0; at < bytes; at++) value[at] = (uint8_t)(i * 31 + at * 7 + (at ^ i));
        put_row(i, art_bytes(value, bytes));
        if (i % 500 == 499) flush();
    }
}

/* Done once without a break, within its pages and with so many questions at least; and stopped at some of them. */
static void keeps_within(int (*work)(void), uint64_t questions) {
    art_store_trim(tree->store);
    begin_to_watch(0);
    must(work());
    if (pages_held() > most_pages) most_pages = pages_held();
    ck_assert_msg(most_pages <= pages_allowed(), "%llu pages were held", (unsigned long long)most_pages);
    ck_assert_msg(asked >= questions, "asked %llu times", (unsigned long long)asked);
    uint64_t all = asked;
    for (uint64_t at = 1; at <= all; at += 1 + all / 10) {
        begin_to_watch(at);
        ck_assert_int_eq(work(), ART_INTERRUPT);
        ck_assert_uint_eq(asked, at);
    }
    begin_to_watch(0);
}

/* --- 'optimize' of a table in good order -------------------------------------------------------------------------- */

static int optimize_again(void) {
    struct art_commit unused;
    int rc = art_tree_request(tree, ART_REQUEST_OPTIMIZE);
    if (!rc) rc = art_tree_prepare(tree, &unused);
    roll_back();
    return rc;
}

TEST(test_optimize_of_what_is_in_order_lets_go_of_what_it_has_looked_at) {
    make(8);
    put_rows(6000, 1000);
    tree->host.secure_delete = overwrites;
    optimize();
    uint64_t written = tree->root->generation;
    keeps_within(optimize_again, 2 * (tree->root->run[0].blobs - 1));
    ck_assert_uint_gt(tree->root->run[0].pages, 4 * pages_allowed());
    ck_assert_uint_eq(tree->root->generation, written);
}

/* --- a directory with large values -------------------------------------------------------------------------------- */

static int delete_directory(void) {
    uint64_t rows;
    struct art_bytes low = text("files/"), high = text("files0");
    struct art_range range = {.low = low, .high = high, .low_set = true, .high_set = true};
    int rc = art_tree_delete_range(tree, &range, &rows);
    roll_back();
    return rc;
}

TEST(test_a_directory_of_rows_with_large_values_among_them_goes_leaf_by_leaf) {
    static const uint8_t large[ART_VALUE_INLINE_MAX + 1000];
    make(8);
    put_rows(6000, 700);
    for (unsigned i = 0; i < 6000; i += 25) put_row(i, art_bytes(large, sizeof large));
    optimize();
    keeps_within(delete_directory, tree->root->run[0].blobs / 2);
    ck_assert_uint_gt(tree->root->run[0].pages, 4 * pages_allowed());
}

/* --- one large value ---------------------------------------------------------------------------------------------- */

enum { LARGE = 8 << 20 };
static uint8_t large[LARGE];

static int read_large(void) {
    struct art_row row;
    struct art_bytes value;
    uint8_t *owned;
    must(art_tree_get(tree, text("large"), &row));
    int rc = art_row_value(tree, &row, &value, &owned);
    if (!rc) ck_assert(art_bytes_equal(value, art_bytes(large, LARGE)));
    ck_assert(!rc == (owned != NULL));
    art_free(owned);
    art_row_release(&row);
    return rc;
}

TEST(test_one_large_value_is_in_memory_once) {
    make(64);
    for (uint32_t i = 0; i < LARGE; i++) large[i] = (uint8_t)(i * 31 + (i >> 12));
    put_at(text("large"), art_bytes(large, LARGE));
    flush();
    keeps_within(read_large, LARGE / ART_OVERFLOW_CHUNK_BYTES / 100);
    ck_assert_uint_gt(tree->root->run[0].pages, 4 * pages_allowed());
}

/* --- savepoints --------------------------------------------------------------------------------------------------- */

enum { SAVEPOINTS = 60 };

static unsigned sets_of_savepoints(void) {
    unsigned sets = 0;
    for (uint32_t i = 0; i < tree->txn.savepoint_count; i++) sets += tree->txn.savepoints[i].used.capacity > 0;
    return sets;
}

static void set_savepoints(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        uint32_t number;
        put_row(i, text("a row behind so many savepoints"));
        must(art_tree_savepoint(tree, &number));
        ck_assert_uint_eq(number, i);
    }
}

/* A ROLLBACK TO each of them finds its own rows, and the slots that its root names. */
TEST(test_savepoints_of_one_spill_have_one_set_of_slots) {
    for (unsigned left = 0; left < 2 * SAVEPOINTS; left += 7) {
        make(4);
        put("before", "1");
        flush();
        must(art_tree_begin(tree));
        set_savepoints(0, SAVEPOINTS);
        must(art_tree_spill(tree));
        ck_assert_uint_eq(sets_of_savepoints(), 1);
        set_savepoints(SAVEPOINTS, 2 * SAVEPOINTS);
        must(art_tree_spill(tree));
        ck_assert_uint_eq(sets_of_savepoints(), 2);
        art_tree_rollback_to(tree, left);
        ck_assert_uint_eq(sets_of_savepoints(), left < SAVEPOINTS ? 1 : 2);
        ck_assert_uint_eq(rows(), left + 2);
        put("behind", "1");
        must(art_tree_spill(tree));
        art_tree_release_savepoints(tree, left / 2);
        commit();
        rows_are(left + 3);
    }
}

/* --- a set of slots out of a row ---------------------------------------------------------------------------------- */

TEST(test_a_set_of_slots_takes_what_its_row_does) {
    struct art_buffer all = {0}, own = {0};
    uint64_t bytes = 0, own_bytes = 0;
    make(4);
    put_rows(2000, 100);
    optimize();
    must(art_slots_all(&all));
    must(art_tree_slots(tree, &own));
    must(art_tree_bytes_of_slots(tree, art_buffer_bytes(&own), &own_bytes));
    short_memory_measure();
    must(art_tree_bytes_of_slots(tree, art_buffer_bytes(&all), &bytes));
    ck_assert_int_lt(short_memory_most(), 1 << 20);
    ck_assert_uint_eq(bytes, own_bytes);
    ck_assert_uint_eq(bytes, tree->root->run[0].pages * ART_BLOB_PAGE);
    art_buffer_clear(&all);
    art_buffer_clear(&own);
}

/* --- rows that a sum leaves out ----------------------------------------------------------------------------------- */

static int find_other(void) {
    struct art_buffer path = {0};
    int rc = art_tree_find_other(tree, &(struct art_range){0}, 0, &path);
    art_buffer_clear(&path);
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

/* All rows of the run had something else than an integer, and the memtable has changed all: each leaf is looked at. */
TEST(test_rows_that_a_sum_left_out_once_are_passed_leaf_by_leaf) {
    enum { ROWS = 20000, TAIL = 300 };
    static struct art_summary summary;
    static uint8_t value[ART_DATUM_BYTES + TAIL];
    toy_columns_open(&summary, (struct art_measures){.columns = 1, .sums = 1});
    small_tree_make_of(
        false, (struct art_tree_options){.summary = summary, .cache_bytes = CACHE_PAGES * ART_PAGE, .blob_pages = 8});
    struct art_datum other = {.kind = ART_DATUM_REAL, .real = 0.5}, integer = {.kind = ART_DATUM_INTEGER};
    for (unsigned i = 0; i < ROWS; i++) put_row(i, art_bytes(value, toy_value_put(&summary, &other, 0, TAIL, value)));
    optimize();
    for (unsigned i = 0; i < ROWS; i++) put_row(i, art_bytes(value, toy_value_put(&summary, &integer, 0, 0, value)));
    ck_assert_uint_gt(tree->root->run[tree->root->runs - 1].pages, 4 * pages_allowed());
    keeps_within(find_other, ROWS / 4096);
}

static void set_up(void) {
    short_memory_use();
}

SUITE("tree limits", .set_up = set_up, .tear_down = small_tree_end)
