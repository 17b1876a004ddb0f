/* What a new root still names of an old one: who keeps the old one pays for each page that is written anew. */
#include "tests/support/of_core.h"
#include "tests/support/random.h"
#include "tests/support/small_tree.h"
#include "tests/support/suite.h"

static struct random random_numbers;

static void make_world(void) {
    random_numbers = (struct random){43};
    small_tree_make_of(false, (struct art_tree_options){.cache_bytes = 64 << 20, .log_limit = ART_LOG_AUTO});
}

static void put_row(uint32_t i) {
    char key[40], value[49];
    snprintf(key, sizeof key, "user-%03u/dir-%03u/file-%06u", i / 10000, i / 100, i);
    snprintf(value, sizeof value, "%048llx", (unsigned long long)random_next(&random_numbers));
    put(key, value);
}

static void load(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) put_row(i);
    optimize();
    ck_assert_uint_eq(tree->root->runs, 1);
}

static void change_anywhere(uint32_t count, uint32_t of) {
    for (uint32_t i = 0; i < count; i++) put_row((uint32_t)random_below(&random_numbers, of));
}

static enum art_rc note_slot(void *context, const struct art_ref *ref) {
    return art_slot_set_add(context, ref->slot);
}

static struct art_slot_set slots_of(const struct art_root *root) {
    struct art_slot_set slots = {0};
    for (unsigned i = 0; i < root->runs; i++) must(art_run_each_ref(tree->store, &root->run[i], note_slot, &slots));
    return slots;
}

/* How many of `slots` does the present root name? */
static unsigned still_named(const struct art_slot_set *slots) {
    struct art_slot_set now = slots_of(tree->root);
    unsigned n = 0;
    for (uint32_t slot = art_slot_set_next(slots, 0); slot != UINT32_MAX; slot = art_slot_set_next(slots, slot + 1))
        n += art_slot_set_has(&now, slot);
    art_slot_set_clear(&now);
    return n;
}

/* --- flushes ------------------------------------------------------------------------------------------------------ */

TEST(test_flushes_of_single_rows_are_one_run_as_long_as_they_fill_a_page) {
    enum { ROWS = 20000, FLUSHES = 40 };
    load(ROWS);
    for (unsigned i = 0; i < FLUSHES; i++) {
        change_anywhere(1, ROWS);
        flush();
        ck_assert_uint_eq(tree->root->runs, 2);
    }
}

/* By binary counting a page of rows is written log2(flushes) / 2 times, with a page of footer a flush. */
TEST(test_flushes_of_a_hundred_rows_join_and_leave_the_run_below_as_it_is) {
    enum { ROWS = 20000, FLUSHES = 70, PAGES_A_FLUSH = 10, RUNS = 6 };
    load(ROWS);
    struct art_slot_set before = slots_of(tree->root);
    struct art_tree_info first = info(), now;
    for (unsigned i = 0; i < FLUSHES; i++) {
        change_anywhere(100, ROWS);
        flush();
        ck_assert_uint_le(tree->root->runs, RUNS);
    }
    must(art_tree_check(tree));
    now = info();
    ck_assert_uint_eq(now.store.count.merges, first.store.count.merges);
    ck_assert_uint_eq(still_named(&before), art_slot_set_count(&before, 0, UINT32_MAX));
    ck_assert_uint_gt(now.store.count.joined, first.store.count.joined + FLUSHES / 2);
    ck_assert_uint_le(now.store.count.pages_written - first.store.count.pages_written, FLUSHES * PAGES_A_FLUSH);
    art_slot_set_clear(&before);
}

SUITE("sharing", .seconds = 60, .set_up = make_world, .tear_down = small_tree_end)
