/* What a commit pays for merging: in pages, and how often; never in time.
 *
 * The clock of core's merges is this program's (own_clock.h): it stands still, or each look at it finds a pause over,
 * as on a disk that is slow. And merges can be left out (core/tree/state/hooks.h).
 */
#include "tests/support/own_clock.h"
#include "tests/support/small_tree.h"

enum { SLICE_MOST = 16, BATCH = 20000, ROWS = 400000 };

static struct random keys;

static struct {                /* of the commits since the last reset */
    unsigned commits, writing; /* a root */
    unsigned since, shortest;  /* commits since the last root; the fewest before a merge beside the log */
    uint64_t most_pages, pages, most_read;
} seen;

static enum art_rc no_merge(struct art_tree *of, struct art_version_edit *edit) {
    return ART_OK;
}

static enum art_rc failing_merge(struct art_tree *of, struct art_version_edit *edit) {
    return art_fail(ART_DISKFULL, "art: no room for a merge");
}

static void make_world(uint32_t blob_pages, uint64_t log_limit) {
    keys = (struct random){59};
    memset(&seen, 0, sizeof seen);
    small_tree_make_on(
        sim_disk_new_steady(SIM_PAGES_OF_LARGE), false,
        (struct art_tree_options){
            .cache_bytes = 256 << 20, .log_limit = log_limit, .spill_limit = 64 << 20, .blob_pages = blob_pages});
}

static void end_world(void) {
    must(art_tree_check(tree));
    small_tree_end();
}

static uint64_t pages_written(void) {
    struct art_store_stats stats;
    must(art_store_stats(tree->store, &stats));
    return stats.count.pages_written;
}

static struct art_bytes next_path(void) {
    static char key[64];
    unsigned n = random_below(&keys, 100000000);
    return art_bytes(key, (uint32_t)snprintf(key, sizeof key, "bucket-%02u/path/sub/file-%08u.bin", n % 32, n));
}

static void insert_next(void) {
    char value[49];
    memset(value, 'v', sizeof value);
    put_at(next_path(), art_bytes(value, sizeof value));
}

static void commit_rows(unsigned rows) {
    for (unsigned i = 0; i < rows; i++) insert_next();
    uint64_t before = pages_written();
    struct art_commit done;
    must(art_tree_prepare(tree, &done));
    uint64_t read = tree->pending.edit.pages_merged;
    if (seen.most_read < read) seen.most_read = read;
    toy_write(toy, &done);
    art_tree_committed(tree);
    uint64_t pages = pages_written() - before;
    seen.commits++;
    seen.writing += done.write_root;
    if (done.write_root && !done.clear_log && (!seen.shortest || seen.since < seen.shortest))
        seen.shortest = seen.since;
    seen.since = done.write_root ? 0 : seen.since + 1;
    seen.pages += pages;
    if (seen.most_pages < pages) seen.most_pages = pages;
    ck_assert(art_test_hooks.merge || !done.write_root || tree->root->runs <= ART_RUNS_MAX);
}

static unsigned runs_of_level(unsigned level) {
    unsigned n = 0;
    for (unsigned i = 0; i < tree->root->runs; i++) n += tree->root->run[i].level == level;
    return n;
}

/* Level-0 runs wait until there are three of them. */
static void load(unsigned rows) {
    for (unsigned i = 0; i < rows; i += BATCH) {
        commit_rows(BATCH);
        ck_assert_uint_le(runs_of_level(0), 3);
    }
    memset(&seen, 0, sizeof seen);
}

static void say(const char *what) {
    printf("pauses: %s: %u commits, %u of them with a new root, %llu at most, %llu in all; %u runs\n", what,
           seen.commits, seen.writing, (unsigned long long)seen.most_pages, (unsigned long long)seen.pages,
           tree->root->runs);
}

/* So that the 99.9th percentile is that of commits which write a row of the log. And the load has left
 * nothing behind that the next commit must do at once. */
TEST(test_of_a_thousand_commits_of_a_row_at_most_one_writes_pages) {
    make_world(0, 1 << 20);
    load(ROWS);
    own_clock_step(OWN_CLOCK_SLOW); /* so that there is always something left to do */
    for (unsigned i = 0; i < 30000; i++) commit_rows(1);
    say("rows one by one behind a load");
    ck_assert_uint_gt(seen.writing, 4);
    ck_assert_uint_le(seen.writing, seen.commits / 1000);
    ck_assert_uint_ge(seen.shortest, 2000);
    ck_assert_uint_le(seen.most_pages, SLICE_MOST * ART_BLOB_PAGES);
}

/* What a slow disk leaves to be done is done in small steps, too: it never becomes one commit's. */
TEST(test_a_commit_is_bounded_where_each_step_takes_a_whole_pause) {
    enum { PAGES = 4, LOG = 32 << 10 };
    make_world(PAGES, LOG);
    own_clock_step(OWN_CLOCK_SLOW);
    for (unsigned i = 0; i < 30000; i++) commit_rows(1);
    say("rows one by one on a slow disk");
    ck_assert_uint_gt(seen.writing, 100);
    ck_assert_uint_le(seen.most_pages, SLICE_MOST * PAGES + 10);
}

static void flush_without_merges(unsigned runs) {
    art_test_hooks.merge = no_merge;
    while (tree->root->runs < runs) commit_rows(100);
    art_test_hooks.merge = NULL;
}

/* Of rows of which one in twenty is left, merges read much and write little. */
TEST(test_a_commit_that_merges_deleted_rows_reads_no_more_than_it_may_write_twice) {
    enum { LEFT = 20, READ_MOST = 4000 };
    make_world(0, 1 << 20);
    load(ROWS);
    must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
    commit_rows(0);
    uint64_t all = tree->root->run[0].pages;
    ck_assert_uint_gt(all, READ_MOST + READ_MOST / 2);
    art_test_hooks.merge = no_merge;
    keys = (struct random){59};
    for (unsigned i = 0; i < ROWS; i++) {
        if (i % LEFT)
            take_at(next_path());
        else
            random_below(&keys, 100000000);
    }
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    commit_rows(0);
    art_test_hooks.merge = NULL;
    memset(&seen, 0, sizeof seen);
    for (unsigned i = 0; i < 600 && tree->root->run[tree->root->runs - 1].pages > all / 2; i++) commit_rows(BATCH / 40);
    say("a batch behind many deletes");
    printf("pauses: %llu pages read at most of %llu\n", (unsigned long long)seen.most_read, (unsigned long long)all);
    ck_assert_uint_lt(tree->root->run[tree->root->runs - 1].pages, all / 2);
    ck_assert_uint_le(seen.most_read, READ_MOST);
}

/* However they came about, and although the run that drains is in the way. */
TEST(test_too_many_runs_are_fewer_after_one_commit) {
    enum { PAGES = 4, LOG = 32 << 10 };
    make_world(PAGES, LOG);
    own_clock_step(OWN_CLOCK_SLOW);
    commit_rows(2000);
    ck_assert_uint_eq(tree->root->runs, 1);
    flush_without_merges(ART_RUNS_MAX);
    while (!runs_of_level(1)) commit_rows(1); /* they become one that drains: more than a slice */
    flush_without_merges(ART_RUNS_MAX + 1);
    memset(&seen, 0, sizeof seen);
    while (!seen.writing) commit_rows(1);
    say("after too many flushes");
    ck_assert_uint_le(tree->root->runs, ART_RUNS_MAX);
    ck_assert_uint_eq(runs_of_level(1), 1);
    ck_assert_uint_eq(runs_of_level(0), 1);
}

/* Rows that most tests begin with. They are loaded once, before Check forks: each test has the disk as it was then. */
static void make_loaded_world(void) {
    if (toy) {
        small_tree_open();
    } else {
        make_world(0, 1 << 20);
        load(ROWS);
    }
}

/* Batches pay for what they write, whatever the clock says: the runs are those of a fast disk. */
TEST(test_large_commits_pay_what_they_owe_on_a_slow_disk) {
    uint64_t pages[ART_RUNS_MAX];
    make_loaded_world();
    unsigned runs = tree->root->runs;
    ck_assert_uint_gt(runs, 2);
    for (unsigned i = 0; i < runs; i++) pages[i] = tree->root->run[i].pages;
    end_world();
    make_world(0, 1 << 20);
    own_clock_step(OWN_CLOCK_SLOW);
    load(ROWS);
    ck_assert_uint_eq(tree->root->runs, runs);
    for (unsigned i = 0; i < runs; i++) ck_assert_uint_eq(tree->root->run[i].pages, pages[i]);
}

static int commit_value(uint32_t len, bool flush) {
    static uint8_t value[100000];
    static unsigned n;
    char key[32];
    struct art_commit done;
    struct art_bytes path = art_bytes(key, (uint32_t)snprintf(key, sizeof key, "value-%u", n++));
    put_at(path, art_bytes(value, len));
    if (flush) must(art_tree_request(tree, ART_REQUEST_FLUSH));
    int rc = art_tree_prepare(tree, &done);
    if (rc) {
        art_tree_rolled_back(tree);
        return rc;
    }
    toy_write(toy, &done);
    art_tree_committed(tree);
    return ART_OK;
}

/* What must be flushed at once need not be merged at once: that waits for the next commit, until the runs are too
 * many. */
TEST(test_a_merge_that_fails_refuses_no_commit_before_there_are_too_many_runs) {
    make_world(4, 1 << 20);
    art_test_hooks.merge = failing_merge;
    for (unsigned i = 1; i <= ART_RUNS_MAX; i++) {
        must(commit_value(100000, true));
        ck_assert_uint_eq(tree->root->runs, i);
    }
    ck_assert_int_eq(commit_value(100000, true), ART_DISKFULL);
    ck_assert_str_eq(art_error_message(), "art: no room for a merge");
    must(commit_value(100, false));
    must(art_tree_check(tree));
    art_test_hooks.merge = NULL;
    must(commit_value(100000, true));
    ck_assert_uint_lt(tree->root->runs, ART_RUNS_MAX);
}

/* --- transactions with a root of their own ------------------------------------------------------------------------ */

enum { SMALL_PAGES = 40 /* of the rows of one that spills once */, OWED_FOR_A_PAGE = 16 };

/* Much is left to be merged, and the clock says that all pauses are over. `loose`: half of the file is free. */
static void make_world_in_debt(bool loose) {
    make_loaded_world();
    if (loose) {
        must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
        commit_rows(0);
    }
    art_test_hooks.merge = no_merge;
    while (tree->root->runs < ART_RUNS_MAX - 1) commit_rows(BATCH);
    art_test_hooks.merge = NULL;
    memset(&seen, 0, sizeof seen);
    own_clock_step(OWN_CLOCK_SLOW);
}

/* Pages that it wrote. */
static uint64_t insert_and_see(void) {
    uint64_t before = pages_written();
    insert_next();
    return pages_written() - before;
}

static uint64_t delete_directory(unsigned number) {
    char prefix[32];
    struct art_range range;
    uint64_t rows, before = pages_written();
    uint8_t end[ART_KEY_BUFFER];
    int len = snprintf(prefix, sizeof prefix, "bucket-%02u/", number);
    art_range_of_prefix(art_bytes(prefix, (uint32_t)len), end, &range);
    must(art_tree_delete_range(tree, &range, &rows));
    ck_assert_uint_gt(rows, 0);
    return pages_written() - before;
}

/* Neither the INSERT that spills nor the COMMIT. */
TEST(test_a_small_transaction_that_spills_does_not_merge_what_others_have_left) {
    make_world_in_debt(false);
    uint64_t most = 0;
    for (tree->options.spill_limit = 64 << 10; !art_tree_has_spilled(tree);) {
        uint64_t pages = insert_and_see();
        if (most < pages) most = pages;
    }
    commit_rows(10);
    printf("pauses: a small spill: %llu pages\n", (unsigned long long)most);
    say("the commit behind it");
    ck_assert_uint_gt(tree->root->runs, 1);
    uint64_t owed = OWED_FOR_A_PAGE * SMALL_PAGES, step = (uint64_t)SLICE_MOST * ART_BLOB_PAGES;
    ck_assert_uint_le(most, SMALL_PAGES + owed + step);
    ck_assert_uint_le(seen.most_pages, SMALL_PAGES + owed + step);
}

TEST(test_the_commit_behind_a_directory_does_not_merge_what_others_have_left) {
    make_world_in_debt(false);
    uint64_t pages = delete_directory(7);
    commit_rows(0);
    printf("pauses: a directory: %llu pages\n", (unsigned long long)pages);
    say("the commit behind it");
    ck_assert_uint_le(seen.most_pages, pages + pages / 4 + SLICE_MOST * ART_BLOB_PAGES); /* its blobs move once more */
}

TEST(test_rows_of_the_log_owe_no_merging_to_the_directory_that_flushes_them) {
    make_world_in_debt(false);
    commit_rows(2000);
    ck_assert_uint_gt(art_memtable_keys(tree->memtable), 1000);
    uint64_t pages = delete_directory(7);
    ck_assert_uint_le(tree->root->owed, pages / 4);
    commit_rows(0);
}

/* Beyond what is owed, all of which merges take here. Else the file would grow with each such transaction. */
TEST(test_what_a_spill_has_put_behind_the_files_end_moves_before_it) {
    make_world_in_debt(true);
    toy->extends = true;
    for (tree->options.spill_limit = 64 << 10; !art_tree_has_spilled(tree);) insert_next();
    uint32_t end = tree->slots.end, behind = art_slot_set_count(&tree->slots.used, end, UINT32_MAX);
    ck_assert_uint_gt(behind, 2);
    toy->extends = false;
    commit_rows(10);
    uint32_t used = art_slot_set_count(&tree->slots.used, 0, UINT32_MAX);
    printf("pauses: %u blobs behind the end; %u of %u slots are used\n", behind, used, end);
    ck_assert_uint_lt(art_slot_set_highest(&tree->slots.used), end);
}

/* As if the work had not been done for which it was owed. */
TEST(test_a_rollback_to_over_a_spill_brings_back_what_was_owed) {
    uint32_t mark;
    make_world_in_debt(false);
    delete_directory(7);
    uint64_t owed = tree->root->owed;
    ck_assert_uint_gt(owed, 0);
    must(art_tree_savepoint(tree, &mark));
    delete_directory(8);
    ck_assert_uint_gt(tree->root->owed, owed);
    art_tree_rollback_to(tree, mark);
    ck_assert_uint_eq(tree->root->owed, owed);
    art_tree_rollback_to(tree, ART_SAVEPOINT_BEGIN);
    ck_assert_uint_eq(tree->root->owed, 0);
    must(toy_refresh(toy, tree));
    delete_directory(9);
    commit_rows(0);
    ck_assert_uint_eq(tree->root->owed, 0);
}

/* Each of them flushes what came before it. */
TEST(test_many_directories_in_one_transaction_never_leave_too_many_runs) {
    uint64_t most = 0;
    make_world_in_debt(false);
    art_test_hooks.as_one = true;
    for (unsigned i = 0; i < 2 * ART_RUNS_MAX; i++) {
        for (unsigned row = 0; row < 100; row++) insert_next();
        uint64_t pages = delete_directory(i);
        ck_assert_uint_le(tree->root->runs, ART_RUNS_MAX);
        if (most < pages) most = pages;
        ck_assert_uint_le(pages, 2 * SLICE_MOST * ART_BLOB_PAGES);
    }
    art_test_hooks.as_one = false;
    commit_rows(0);
    printf("pauses: one of many directories: %llu pages at most\n", (unsigned long long)most);
    say("the commit behind them");
    ck_assert_uint_le(seen.most_pages, 2 * SLICE_MOST * ART_BLOB_PAGES);
}

int main(void) {
    make_loaded_world();
    art_tree_close(tree);
    tree = NULL;
    int failed = suite_run("pauses", .seconds = 300, .tear_down = end_world);
    small_tree_end();
    return failed;
}
