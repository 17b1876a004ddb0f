/* Space under churn: rows are changed, or deleted and put again, twenty times over, and the file stays near what the
 * live rows take.
 *
 * Blobs are of 4 pages, and what is counted are slots: a file of 130 of them is to such blobs what one of 68 MB is to
 * full ones. The host makes a checkpoint where the tree says that slots wait for one, as ext/ does (test_sql_vacuum.c).
 */
#include "tests/support/small_tree.h"

/* The file swells and shrinks: after fewer rounds it is looked at in another moment, at which it was 1.72 times the
 * rows. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLOW = true };
#else
enum { SLOW = false };
#endif
enum { TIMES = 20, FEW_TIMES = 5, SWOLLEN = 20 };

static bool few_times(void) {
    return SLOW || random_stride() > 1;
}

enum { ROWS_A_COMMIT = 40 };

static struct random random_numbers = {41};

static void make(bool wal) {
    random_numbers = (struct random){41};
    small_tree_make_of(wal, (struct art_tree_options){.log_limit = 32 << 10, .blob_pages = 4});
}

static void new_epoch(void) {
    toy->salts[0]++;
}

static uint32_t slots(void) {
    return art_slots_in(info().store.file_bytes);
}

/* Looks at the file after every commit: how many left it at more than 1.6 times the rows? */
static struct { uint32_t live, commits, large; } watched;

static void look_at_the_file(void) {
    watched.commits++;
    watched.large += slots() * 10 > watched.live * 16;
}

static void commit_as_host(void) {
    struct art_commit made;
    must(art_tree_prepare(tree, &made));
    bool crowded = made.wants_checkpoint;
    toy_write(toy, &made);
    art_tree_committed(tree);
    must(toy_refresh(toy, tree));
    if (crowded) new_epoch();
    look_at_the_file();
}

static const char *key_of(uint32_t i) {
    static char key[64];
    snprintf(key, sizeof key, "bucket-%02u/path/sub/file-%06u.bin", i % 32, i);
    return key;
}

static void put_row(uint32_t i, uint64_t n) {
    char value[80];
    snprintf(value, sizeof value, "{\"size\":%08llu,\"etag\":\"%016llx\"}", (unsigned long long)n % 100000000,
             (unsigned long long)(n * 0x9e3779b97f4a7c15u));
    put(key_of(i), value);
}

static void remove_key(const char *key) {
    ck_assert(take_at(text(key)));
}

static uint64_t pages_written(void) {
    return info().store.count.pages_written;
}

/* Slots of the rows in order, and nothing else. */
static uint32_t load(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) put_row(i, i);
    optimize();
    for (int i = 0; i < 3; i++) {
        new_epoch();
        vacuum();
    }
    return slots();
}

static void change_some(uint32_t count) {
    for (uint32_t done = 0; done < count; done++) {
        put_row(random_below(&random_numbers, count), done);
        if (done % ROWS_A_COMMIT == ROWS_A_COMMIT - 1) commit_as_host();
    }
    commit_as_host();
}

static void take_half_out_and_put_it_again(uint32_t count) {
    uint64_t seed = random_next(&random_numbers);
    for (int putting = 0; putting < 2; putting++) {
        struct random random = {seed};
        for (uint32_t i = 0, n = 0; i < count; i++) {
            uint32_t row = (uint32_t)((uint64_t)i * 7919 % count);
            if (random_below(&random, 2)) continue;
            if (putting)
                put_row(row, i);
            else
                remove_key(key_of(row));
            if (++n % ROWS_A_COMMIT == 0) commit_as_host();
        }
        commit_as_host();
    }
}

static const struct {
    bool wal;
    void (*work)(uint32_t count);
} churns[] = {{false, change_some},
              {true, change_some},
              {false, take_half_out_and_put_it_again},
              {true, take_half_out_and_put_it_again}};
enum { CHURNS = sizeof churns / sizeof *churns };

static void churn(int which, uint32_t count, uint32_t percent) {
    make(churns[which].wal);
    uint32_t live = load(count), most = 0, times = few_times() ? FEW_TIMES : TIMES;
    uint64_t written = pages_written();
    memset(&watched, 0, sizeof watched);
    watched.live = live;
    for (uint32_t i = 0; i < times; i++) {
        churns[which].work(count);
        if (slots() > most) most = slots();
    }
    printf("%u rows, %s: %u slots live, %u at the end, at most %u; %.1f of live written; %u of %u commits left more "
           "than 1.6\n",
           count, churns[which].wal ? "WAL" : "rollback journal", live, slots(), most,
           (double)(pages_written() - written) / (4.0 * live * times), watched.large, watched.commits);
    ck_assert_msg(slots() * 100 <= live * percent, "%u slots for rows of %u", slots(), live);
    ck_assert_msg(watched.large * 5 <= watched.commits, "%u of %u commits left more than 1.6 times the rows",
                  watched.large, watched.commits);
    rows_are(count);
}

/* Deletes wait beside the rows that they hide: with blobs as small as these a little longer. */
LOOP_TEST(test_a_churn_of_twenty_times_the_data_ends_near_it, CHURNS) {
    churn(_i, 20000, (churns[_i].work == change_some ? 160 : 170) + (few_times() ? SWOLLEN : 0));
}

/* What a merge has just left, and one or two level-0 runs, are as much as the rows: for a few commits, not for a third
 * of them. */
LOOP_TEST(test_a_churn_of_few_rows_ends_within_two_and_a_half_times_and_is_seldom_beyond_1_6, CHURNS) {
    churn(_i, 3200, 250);
}

TEST(test_a_table_that_has_become_small_is_one_run_and_what_hides_it_again) {
    enum { BEFORE = 20000, LEFT = 1000 };
    make(false);
    load(BEFORE);
    for (uint32_t i = LEFT; i < BEFORE; i++) {
        remove_key(key_of(i));
        if (i % ROWS_A_COMMIT == 0) commit_as_host();
    }
    int changes = 0, least = few_times() ? FEW_TIMES : TIMES;
    do change_some(LEFT);
    while (++changes < least || (info().run[info().runs - 1].level > 2 && changes < 4 * least));
    ck_assert_uint_eq(info().run[info().runs - 1].level, 2);
    ck_assert_msg(slots() < 40, "%u slots for %u rows", slots(), LEFT);
    rows_are(LEFT);
}

/* --- rows that expire --------------------------------------------------------------------------------------------- */

/* Numbers that rise go in at the end and are taken out at the front, with values of these bytes; small rows before them
 * stay. Of 32 MB, which a table may take beside twice its rows, blobs of 16 pages make 64 slots. */
static const struct {
    bool wal;
    uint32_t live, bytes, small;
} logs[] = {{true, 4000, 900, 0}, {false, 4000, 900, 0}, {true, 800, 5000, 0}, {true, 200, 20000, 20000}};
enum { LOGS = sizeof logs / sizeof *logs, TURNOVERS = 6, LOG_ROWS_A_COMMIT = 10, LOG_BLOB_PAGES = 16, BESIDE = 64 };

static const char *number(uint32_t n) {
    static char key[32];
    snprintf(key, sizeof key, "log/%08u", n);
    return key;
}

static void put_number(uint32_t n, uint32_t bytes) {
    bool existed;
    char *value = calloc(1, bytes);
    for (uint32_t i = 0; i < bytes; i++) value[i] = (char)random_next(&random_numbers);
    must(art_tree_insert(tree, ART_WRITE_INSERT, text(number(n)), art_bytes(value, bytes), &existed));
    free(value);
}

static void load_log(bool wal, uint32_t live, uint32_t bytes, uint32_t small) {
    make(wal);
    options.blob_pages = LOG_BLOB_PAGES;
    options.log_limit = 64 << 10;
    small_tree_again();
    for (uint32_t i = 0; i < small; i++) put_row(i, i);
    for (uint32_t n = 0; n < live; n++) {
        put_number(n, bytes);
        if (n % LOG_ROWS_A_COMMIT == 0) commit_as_host();
    }
    commit_as_host();
}

LOOP_TEST(test_rows_that_expire_at_the_front_do_not_outlive_a_few_commits, LOGS) {
    uint32_t live = logs[_i].live, bytes = logs[_i].bytes, small = logs[_i].small, most = 0;
    load_log(logs[_i].wal, live, bytes, small);
    uint32_t size = (live * bytes + small * 80) / (LOG_BLOB_PAGES * ART_BLOB_PAGE);
    for (uint32_t n = live; n < (TURNOVERS + 1) * live; n++) {
        put_number(n, bytes);
        remove_key(number(n - live));
        if (n % LOG_ROWS_A_COMMIT) continue;
        commit_as_host();
        if (slots() > most) most = slots();
    }
    printf("%u rows of %u bytes, %u small ones: as much as %u slots, at most %u\n", live, bytes, small, size, most);
    ck_assert_msg(most <= 2 * size + BESIDE, "%u slots for rows of %u", most, size);
    rows_are(live + small);
}

/* Nothing comes, and all goes. */
LOOP_TEST(test_rows_that_are_deleted_in_order_leave_a_small_file, 2) {
    enum { LIVE = 20000, BYTES = 900 };
    uint32_t most = 0;
    load_log(_i, LIVE, BYTES, 0);
    for (uint32_t n = 0; n < LIVE; n++) {
        remove_key(number(n));
        if (n % ROWS_A_COMMIT) continue;
        commit_as_host();
        uint32_t size = (LIVE - n) * BYTES / (LOG_BLOB_PAGES * ART_BLOB_PAGE);
        if (slots() > 2 * size && slots() - 2 * size > most) most = slots() - 2 * size;
    }
    printf("%u rows go: at most %u slots more than twice what is left\n", LIVE, most);
    ck_assert_uint_le(most, BESIDE);
}

SUITE("churn", .seconds = 300, .tear_down = small_tree_end)
