/* What a new root still names of an old one: who keeps the old one pays for each page that is written anew. */
#include "tests/support/small_tree.h"

static struct random random_numbers;
static struct art_buffer held, let_go; /* what the host says of snapshots */

static void make_world_of(struct art_tree_options of) {
    random_numbers = (struct random){43};
    of.cache_bytes = 64 << 20;
    small_tree_make_of(false, of);
}

static void make_world(void) {
    make_world_of((struct art_tree_options){.log_limit = ART_LOG_AUTO});
}

static void end_world(void) {
    small_tree_end();
    art_buffer_clear(&held);
    art_buffer_clear(&let_go);
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

/* --- 'optimize' under a snapshot ---------------------------------------------------------------------------------- */

enum { TINY_PAGES = 4, TINY_ROWS = 40000, TINY_LEAVES_LEAST = 150 };

static enum art_rc load_held(void *context, struct art_buffer *of_snapshots, struct art_buffer *of_dropped) {
    enum art_rc rc = art_buffer_append(of_snapshots, held.data, held.len);
    return rc ? rc : art_buffer_append(of_dropped, let_go.data, let_go.len);
}

/* Blobs of 4 pages, so that a few rows are a run of many. */
static void make_world_of_tiny_blobs(void) {
    make_world_of((struct art_tree_options){.blob_pages = TINY_PAGES});
    tree->host.load_held = load_held;
    tree->host.each_snapshot = NULL; /* the world knows none of these, and the check would miss them */
    load(TINY_ROWS);
    ck_assert_uint_gt(tree->root->run[0].blobs, TINY_LEAVES_LEAST);
}

static void take_snapshot(void) {
    struct art_commit made;
    struct art_buffer root = {0}, slots = {0};
    uint64_t csn;
    must(art_tree_request(tree, ART_REQUEST_SNAPSHOT));
    must(art_tree_prepare(tree, &made));
    must(art_tree_snapshot(tree, &root, &slots, &csn));
    must(art_slots_unite(&held, art_buffer_bytes(&slots)));
    toy_write(toy, &made);
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
    art_buffer_clear(&root);
    art_buffer_clear(&slots);
}

static void drop_snapshots(void) {
    art_buffer_clear(&let_go);
    let_go = held;
    held = (struct art_buffer){0};
}

static void change(uint32_t from, uint32_t count) {
    for (uint32_t i = from; i < from + count; i++) put_row(i);
}

static void is_in_good_order(void) {
    must(art_tree_check(tree));
    ck_assert_uint_eq(tree->root->runs, 1);
    const struct art_run *run = &tree->root->run[0];
    ck_assert_uint_ge(10 * run->pages, 9 * (run->blobs - 1 - run->top.height) * options.blob_pages);
}

/* Percent of the blobs that the snapshot holds. */
static unsigned shared_after(void (*some_changes)(void)) {
    struct art_slot_set slots = slots_of(tree->root);
    some_changes();
    optimize();
    is_in_good_order();
    ck_assert_uint_eq(rows(), TINY_ROWS);
    unsigned percent = 100 * still_named(&slots) / art_slot_set_count(&slots, 0, UINT32_MAX);
    art_slot_set_clear(&slots);
    printf("sharing: %u %% of the blobs\n", percent);
    return percent;
}

static void change_a_directory(void) {
    change(TINY_ROWS / 2, 1000);
}

static void change_a_directory_in_two_runs(void) {
    change(TINY_ROWS / 2, 700);
    flush();
    change(TINY_ROWS / 2 + 300, 700);
}

static void change_all(void) {
    change(0, TINY_ROWS);
}

TEST(test_optimize_keeps_blobs_that_a_snapshot_holds) {
    make_world_of_tiny_blobs();
    take_snapshot();
    ck_assert_uint_ge(shared_after(change_a_directory), 90);
}

TEST(test_optimize_keeps_them_below_several_runs) {
    make_world_of_tiny_blobs();
    take_snapshot();
    ck_assert_uint_ge(shared_after(change_a_directory_in_two_runs), 90);
}

TEST(test_optimize_keeps_nothing_where_all_has_changed) {
    make_world_of_tiny_blobs();
    take_snapshot();
    ck_assert_uint_eq(shared_after(change_all), 0);
}

TEST(test_optimize_writes_all_anew_without_a_snapshot) {
    make_world_of_tiny_blobs();
    ck_assert_uint_eq(shared_after(change_a_directory), 0);
    take_snapshot();
    drop_snapshots();
    ck_assert_uint_eq(shared_after(change_a_directory), 0);
}

/* Blobs may have twice as many pages as when they were written. */
TEST(test_optimize_keeps_no_blobs_that_are_half_full) {
    make_world_of_tiny_blobs();
    options.blob_pages = 2 * TINY_PAGES;
    small_tree_again();
    tree->host.load_held = load_held;
    tree->host.each_snapshot = NULL; /* the world knows none of these, and the check would miss them */
    take_snapshot();
    ck_assert_uint_eq(shared_after(change_a_directory), 0);
}

/* Salvage would pass over live rows in kept blobs. */
TEST(test_the_list_of_cuts_goes_on_where_blobs_are_kept) {
    uint64_t gone;
    make_world_of_tiny_blobs();
    struct art_range range = {.low = text("user-001/"), .high = text("user-0010"), .low_set = true, .high_set = true};
    range.high_open = true;
    must(art_tree_delete_range(tree, &range, &gone));
    commit();
    ck_assert_uint_eq(gone, 10000);
    ck_assert_uint_eq(art_cuts_count(&tree->root->cuts), 1);
    uint64_t generation = tree->root->generation - 1;
    take_snapshot();
    change(TINY_ROWS / 2, 1000);
    optimize();
    ck_assert(!art_cuts_have(&tree->root->cuts, text("\1user-003/dir-300/file-030000"), generation));
    ck_assert(art_cuts_have(&tree->root->cuts, text("\1user-001/dir-100/file-010000"), generation));
    drop_snapshots();
    change(TINY_ROWS / 2, 1000);
    optimize();
    ck_assert(art_cuts_have(&tree->root->cuts, text("\1user-003/dir-300/file-030000"), generation));
}

/* --- the room of free slots below a snapshot's ------------------------------------------------------------------- */

/* Slots with the last page of a blob that neither the present root nor a snapshot names. */
static unsigned dead_blobs(void) {
    struct art_slot_set named = slots_of(tree->root);
    uint64_t len;
    uint32_t highest;
    const uint8_t *bytes = sim_disk_file_bytes(disk, options.path, &len);
    unsigned n = 0;
    must(art_slots_decode(art_buffer_bytes(&held), UINT32_MAX, &named, &highest));
    for (uint32_t slot = 1; slot < art_slots_in(len); slot++) {
        const uint8_t *last = bytes + (uint64_t)(slot + 1) * ART_BLOB_BYTES - ART_BLOB_PAGE;
        bool zeros = !last[0] && !memcmp(last, last + 1, ART_BLOB_PAGE - 1);
        n += !zeros && !art_slot_set_has(&named, slot);
    }
    art_slot_set_clear(&named);
    return n;
}

static void flush_a_row(void) {
    change_anywhere(1, 100);
    flush();
}

TEST(test_free_slots_below_what_a_snapshot_holds_give_their_room_back) {
    enum { ROWS = 400000, TURNS = 6 };
    make_world();
    tree->host.load_held = load_held;
    tree->host.each_snapshot = NULL; /* the world knows none of these, and the check would miss them */
    load(ROWS);
    uint32_t blobs = art_slot_set_count(&tree->slots.used, 0, UINT32_MAX);
    take_snapshot();
    change(0, ROWS);
    optimize();
    drop_snapshots();
    take_snapshot(); /* of what lies behind the first one's blobs */
    ck_assert_uint_ge(dead_blobs(), blobs);
    uint64_t bytes = info().store.file_bytes;
    for (unsigned i = 0, dead = dead_blobs(); i < TURNS; i++) {
        flush_a_row();
        let_go.len = 0;
        toy->salts[0]++;
        ck_assert_uint_le(dead - dead_blobs(), blobs / 2); /* some a commit */
        dead = dead_blobs();
    }
    rows_are(ROWS);
    ck_assert_uint_eq(info().store.file_bytes, bytes);
    ck_assert_uint_gt(info().store.count.punched, 0);
    printf("sharing: %u of %u dead blobs are left for what comes next\n", dead_blobs(), blobs);
    ck_assert_uint_ge(dead_blobs(), art_slots_slack(blobs));     /* for the next merges */
    ck_assert_uint_le(dead_blobs(), art_slots_slack(blobs) + 2); /* of what is in use now */
}

/* A file that can be cut is cut; and holes in it would be filled again by the next merges. */
TEST(test_free_slots_keep_their_room_where_no_snapshot_holds_the_end) {
    make_world_of_tiny_blobs();
    for (unsigned i = 0; i < 3; i++) {
        change(0, TINY_ROWS);
        optimize();
        toy->salts[0]++;
    }
    flush_a_row();
    ck_assert_uint_gt(info().free_slots, 0);
    ck_assert_uint_eq(info().store.count.punched, 0);
}

SUITE("sharing", .seconds = 60, .set_up = make_world, .tear_down = end_world)
