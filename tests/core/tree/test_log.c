/* When the log is full (core/tree/txn/log_cost.c), and what its flushes write: small ones join, and the chunks of new
 * values go behind all others (core/tree/run/append.c). */
#include "tests/support/small_tree.h"

static struct random numbers;

static void make(uint32_t blob_pages, uint64_t log_limit) {
    numbers = (struct random){29};
    small_tree_make(true);
    options.blob_pages = blob_pages;
    options.log_limit = log_limit;
    small_tree_again();
}

static const char *key_of(uint32_t i) {
    static char key[64];
    snprintf(key, sizeof key, "tenant-%02u/object-%08x", i % 37, i * 2654435761u);
    return key;
}

static void put_rows(uint32_t from, uint32_t n) {
    for (uint32_t i = from; i < from + n; i++) put(key_of(i), "a value of some forty bytes, as many are....");
}

/* Rows that were committed, `each` at a time, before the log was emptied. */
static uint32_t rows_until_flush(uint32_t from, uint32_t each) {
    uint32_t n = 0;
    for (;;) {
        put_rows(from + n, each);
        commit();
        if (!info().log_rows) return n;
        n += each;
    }
}

TEST(test_a_log_of_small_commits_is_short_and_one_of_a_load_is_not) {
    make(0, ART_LOG_AUTO);
    put_rows(0, 1000);
    flush();
    ck_assert_uint_eq(rows_until_flush(1000, 1), 1365);
    uint32_t some = rows_until_flush(10000, 10), batch = rows_until_flush(20000, 100),
             load = rows_until_flush(30000, 1000);
    ck_assert_msg(some == 1360 && batch == 2100, "%u, %u", some, batch);
    ck_assert_msg(load > 10000 && load < 17000, "%u", load);
}

TEST(test_a_small_commit_behind_a_load_empties_its_log) {
    make(0, ART_LOG_AUTO);
    put_rows(0, 5000);
    commit();
    put_rows(5000, 5000);
    commit();
    ck_assert_uint_eq(info().log_rows, 2);
    put_rows(10000, 1);
    commit();
    ck_assert_uint_eq(info().log_rows, 0);
}

/* Whatever was in the log before goes with it. */
TEST(test_a_commit_of_many_rows_leaves_nothing_to_be_replayed) {
    make(0, ART_LOG_AUTO);
    put_rows(0, 8192);
    commit();
    ck_assert_uint_eq(info().log_rows, 1);
    put_rows(10000, 8193);
    commit();
    ck_assert_uint_eq(info().log_rows, 0);
    put_rows(20000, 1000);
    commit();
    put_rows(30000, 10000);
    commit();
    ck_assert_uint_eq(info().log_rows, 0);
    ck_assert_uint_eq(rows(), 8192 + 8193 + 1000 + 10000);
}

/* Rows of redo are what takes time to read, whatever keys they are of; and who has only read them counts as who has
 * written them. */
TEST(test_changes_of_one_row_fill_the_log_for_all_connections) {
    struct art_tree *other;
    make(0, ART_LOG_AUTO);
    put_rows(0, 100);
    flush();
    must(toy_open(toy, &options, &other));
    for (int i = 0; i < 1365; i++) {
        put("counter", i % 2 ? "odd" : "even");
        commit();
    }
    ck_assert_uint_eq(info().log_rows, 1365);
    struct art_tree *first = tree;
    tree = other;
    must(toy_refresh(toy, tree));
    ck_assert_uint_eq(info().memtable_keys, 1);
    put("counter", "of another connection");
    commit();
    ck_assert_uint_eq(info().log_rows, 0);
    must(toy_refresh(toy, first));
    art_tree_close(first);
}

TEST(test_a_limit_in_bytes_is_taken_at_its_word) {
    make(0, 100 << 10);
    put_rows(0, 100);
    flush();
    for (uint32_t i = 0; i < 100 * 1024 / 110; i++) {
        put_rows(1000 + i, 1);
        commit();
    }
    ck_assert_uint_gt(info().log_rows, 900);
    put_rows(5000, 400);
    commit();
    ck_assert_uint_eq(info().log_rows, 0);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

enum { VALUE = 20000 };

static uint8_t *value_of(uint32_t seed, uint32_t len) {
    static uint8_t bytes[8 << 20];
    struct random random = {seed};
    for (uint32_t i = 0; i < len; i += 8) {
        uint64_t x = random_next(&random);
        memcpy(bytes + i, &x, 8);
    }
    return bytes;
}

static void put_value(uint32_t i, uint32_t seed, uint32_t len) {
    put_at(text(key_of(i)), art_bytes(value_of(seed, len), len));
}

static void has_value(uint32_t i, uint32_t seed, uint32_t len) {
    value_is(text(key_of(i)), art_bytes(value_of(seed, len), len));
}

TEST(test_values_of_up_to_a_megabyte_go_through_the_log) {
    make(0, ART_LOG_AUTO);
    put_rows(0, 100);
    flush();
    put_value(1, 1, 70000);
    commit();
    put_value(2, 2, 900000);
    commit();
    ck_assert_uint_eq(info().log_rows, 2);
    uint32_t n = 0;
    for (; info().log_rows; n++) {
        put_value(10 + n, n, VALUE);
        commit();
    }
    ck_assert_msg(n * VALUE > 2 << 20 && n * VALUE < 4 << 20, "%u", n);
    for (uint32_t large = 1000000; large < 6000000; large *= 2) {
        put_value(3, 3, large);
        commit();
        ck_assert_msg(!info().log_rows, "a larger one is flushed at once");
    }
    for (uint32_t i = 0; i < n; i++) has_value(10 + i, i, VALUE);
    has_value(2, 2, 900000);
    has_value(3, 3, 4000000);
    must(art_tree_check(tree));
}

/* The last blob of the last run is written anew now and then, and nothing else. */
TEST(test_a_new_value_is_written_once_however_many_runs_there_are) {
    enum { VALUES = 1500, FLUSH = 60 };
    make(16, UINT64_C(1) << 40);
    put_rows(0, 20000);
    flush();
    uint64_t before = info().store.count.pages_written;
    for (uint32_t i = 0; i < VALUES; i++) {
        put_value(50000 + i, i, VALUE);
        if (i % FLUSH == FLUSH - 1) flush();
    }
    double written = (double)(info().store.count.pages_written - before) * ART_BLOB_PAGE / ((double)VALUES * VALUE);
    printf("log: a value is written %.2f times\n", written);
    ck_assert(written < 1.6);
    must(art_tree_check(tree));
    for (uint32_t i = 0; i < VALUES; i += 7) has_value(50000 + i, i, VALUE);
}

/* However few they were in each flush. */
TEST(test_blobs_of_values_are_full) {
    make(16, UINT64_C(1) << 40);
    put_rows(0, 1000);
    flush();
    for (uint32_t i = 0; i < 300; i++) {
        put_value(5000 + i, i, VALUE);
        if (i % 4 == 3) flush();
    }
    struct art_tree_info now = info();
    unsigned last = now.runs - 1;
    uint64_t room = now.run[last].blobs * options.blob_pages * ART_BLOB_PAGE, part = now.run[last].bytes * 100 / room;
    ck_assert_msg(part > 80, "full to %llu %%", (unsigned long long)part);
    must(art_tree_check(tree));
}

/* Values that are replaced and deleted, short and long ones, over commits, flushes, spills and rollbacks. */
LOOP_TEST(test_values_come_and_go_at_the_end_of_the_last_run, 4) {
    enum { KEYS = 120, STEPS = 1200 };
    static uint32_t seed[KEYS], len[KEYS], was_seed[KEYS], was_len[KEYS];
    make((uint32_t[]){4, 7, 16, 0}[_i], _i % 2 ? ART_LOG_AUTO : 200 << 10);
    numbers = (struct random){(uint64_t)_i + 5};
    options.spill_limit = 400 << 10;
    small_tree_again();
    memset(len, 0, sizeof len);
    memset(was_len, 0, sizeof was_len);
    for (uint32_t step = 1; step <= STEPS; step++) {
        if (!random_span(&numbers)) continue;
        uint32_t i = random_below(&numbers, KEYS), kind = random_below(&numbers, 10);
        bool existed;
        if (kind < 6) {
            seed[i] = step;
            len[i] = random_below(&numbers, kind < 2 ? 60 : kind < 4 ? 6000 : 60000) + 1;
            put_value(i, seed[i], len[i]);
        } else if (kind < 8) {
            must(art_tree_delete(tree, text(key_of(i)), &existed));
            ck_assert(existed == (len[i] > 0));
            len[i] = 0;
        }
        uint32_t end = random_below(&numbers, 12);
        if (end < 4 && art_tree_dirty(tree)) {
            if (end == 1) must(art_tree_request(tree, ART_REQUEST_FLUSH));
            commit();
            memcpy(was_len, len, sizeof len);
            memcpy(was_seed, seed, sizeof seed);
        } else if (end == 4 && art_tree_dirty(tree)) {
            roll_back();
            memcpy(len, was_len, sizeof len);
            memcpy(seed, was_seed, sizeof seed);
        }
        if (step % 100) continue;
        if (art_tree_dirty(tree)) commit();
        memcpy(was_len, len, sizeof len);
        memcpy(was_seed, seed, sizeof seed);
        must(art_tree_check(tree));
        if (step % 300 == 0) small_tree_again();
        uint64_t live = 0;
        for (uint32_t k = 0; k < KEYS; k++) {
            live += len[k] > 0;
            if (len[k]) has_value(k, seed[k], len[k]);
        }
        ck_assert_uint_eq(rows(), live);
    }
}

/* --- rows that are left ------------------------------------------------------------------------------------------- */

static uint64_t bytes_of_rows(void) {
    uint64_t bytes = 0;
    for (unsigned i = 1; i < toy->log.rows; i++) bytes += toy->log.row[i].len;
    return bytes;
}

static uint32_t values_until_flush(uint32_t from, uint32_t len) {
    uint32_t n = 0;
    do {
        put_value(from + n, from + n, len);
        commit();
        n++;
    } while (info().log_rows);
    return n;
}

static void all_read_alike(struct art_tree *other, uint64_t expected) {
    struct art_tree *mine = tree;
    must(art_tree_check(tree));
    must(toy_refresh(toy, other));
    ck_assert_uint_eq(rows(), expected);
    tree = other;
    ck_assert_uint_eq(rows(), expected);
    ck_assert_uint_eq(art_tree_csn(mine), art_tree_csn(other));
    tree = mine;
    small_tree_again();
    ck_assert_uint_eq(rows(), expected);
}

/* Where secure_delete is on, a host that deletes them writes them once more, as zeros. */
TEST(test_a_flush_leaves_long_rows_to_the_commits_that_follow) {
    struct art_tree *other;
    make(0, ART_LOG_AUTO);
    put_rows(0, 100);
    flush();
    other = another_tree();
    uint32_t n = 100 + values_until_flush(100, VALUE);
    unsigned left = toy->log.rows;
    ck_assert_uint_gt(left, 100);
    all_read_alike(other, n);
    for (unsigned i = 0; i < 20; i++, n++) {
        put_value(n, n, VALUE);
        commit();
        ck_assert_msg(toy->log.rows == left, "one goes for one that comes");
        if (i % 8 == 0) all_read_alike(other, n + 1);
    }
    put_value(n, n, 60000);
    roll_back();
    for (unsigned i = 0; i < 6; i++) {
        n += values_until_flush(n, i % 2 ? 3 * VALUE : VALUE);
        ck_assert_msg(bytes_of_rows() < 5 << 20, "%llu bytes", (unsigned long long)bytes_of_rows());
        all_read_alike(other, n);
    }
    flush();
    ck_assert_msg(toy->log.rows == 1, "a command leaves nothing");
    for (unsigned i = 0; i < 2; i++, n++) {
        put_value(n, n, VALUE);
        commit();
    }
    flush();
    ck_assert_msg(toy->log.rows == 1, "a command leaves nothing of its own");
    all_read_alike(other, n);
    art_tree_close(other);
}

TEST(test_a_flush_of_short_rows_empties_the_log) {
    make(0, ART_LOG_AUTO);
    put_rows(0, 100);
    flush();
    rows_until_flush(100, 1);
    ck_assert_uint_eq(toy->log.rows, 1);
    values_until_flush(5000, VALUE);
    ck_assert_uint_gt(toy->log.rows, 1);
    rows_until_flush(10000, 1);
    ck_assert_uint_eq(toy->log.rows, 1);
}

enum { FEW_ROWS = 80 };

static int by_csn(const void *a, const void *b) {
    const struct toy_row *one = a, *two = b;
    return one->csn < two->csn ? -1 : one->csn > two->csn;
}

/* Row `at` under another number, as a host's key would have it: in the place of a row that has this one. */
static void read_renumbered(const struct toy_row *whole, unsigned count, unsigned at, uint64_t csn) {
    struct toy_log *log = &toy->log;
    log->rows = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i == at || whole[i].csn != csn) log->row[log->rows++] = whole[i];
        if (i == at) log->row[log->rows - 1].csn = csn;
    }
    qsort(log->row, log->rows, sizeof *log->row, by_csn);
    struct art_tree *fresh;
    must(toy_open(toy, &options, &fresh));
    int rc = toy_refresh(toy, fresh);
    bool left = whole[at].csn < tree->root->csn && whole[at].csn; /* nobody reads it */
    ck_assert_msg(rc == ART_CORRUPT || (left && !rc), "row %llu as row %llu: %d", (unsigned long long)whole[at].csn,
                  (unsigned long long)csn, rc);
    if (!rc) {
        struct art_tree *mine = tree;
        uint64_t expected = rows();
        tree = fresh;
        ck_assert_uint_eq(rows(), expected);
        ck_assert_int_eq(art_tree_check(fresh), ART_CORRUPT);
        tree = mine;
    }
    art_tree_close(fresh);
}

static void renumber_each(void) {
    struct toy_row whole[FEW_ROWS];
    unsigned rows = toy->log.rows;
    ck_assert_uint_le(rows, FEW_ROWS);
    memcpy(whole, toy->log.row, rows * sizeof *whole);
    for (unsigned at = 0; at < rows; at++) {
        for (unsigned bit = 0; bit < 63; bit++) read_renumbered(whole, rows, at, whole[at].csn ^ (uint64_t)1 << bit);
    }
    memcpy(toy->log.row, whole, rows * sizeof *whole);
    toy->log.rows = rows;
}

/* Readers look at no more of them than their numbers, and a damaged number must not make a row one of them. */
TEST(test_a_row_under_another_number_is_none_that_was_left) {
    enum { LEN = 4100 };
    static const uint32_t in_a_log[] = {2, 3, 4, 5, 8, 9, 17};
    for (size_t i = 0; i < sizeof in_a_log / sizeof *in_a_log; i++) {
        make(0, in_a_log[i] * (uint64_t)(LEN + 100));
        uint32_t n = values_until_flush(0, LEN), left = toy->log.rows - 1;
        ck_assert_uint_eq(left, (n - 1) & n ? n - 1 : n - 2);
        for (uint32_t j = 0; j < n - 1; j++) {
            if (j < 3 || j > n - 4) renumber_each();
            put_value(n + j, n + j, LEN);
            commit();
            ck_assert_uint_eq(toy->log.rows, 1 + (left > j + 1 ? left : j + 1));
        }
    }
}

/* A COMMIT that was refused has left its rows in the host's tables. It is tried again, alone, with more or with less,
 * or taken back. */
static void commit_by_random(uint32_t n) {
    struct art_commit commit;
    struct toy *before = toy_copy(toy);
    unsigned refused = 0;
    bool back = !random_below(&numbers, 6);
    for (bool again = true; again; refused++) {
        bool shrinks = refused && !random_below(&numbers, 3);
        if (shrinks) take_at(text(key_of(n)));
        if (refused < 2 || random_below(&numbers, 2)) {
            put_value(n + refused, n, shrinks ? 10 : 3000 + random_below(&numbers, 4000));
        }
        must(art_tree_prepare(tree, &commit));
        toy_write(toy, &commit);
        again = !random_below(&numbers, 3);
    }
    if (back) {
        toy_restore(toy, before);
        art_tree_rolled_back(tree);
    } else {
        art_tree_committed(tree);
    }
    toy_free(before);
    must(toy_refresh(toy, tree));
}

LOOP_TEST(test_rows_are_left_by_commits_that_are_refused_and_tried_again, 8) {
    unsigned most = 0;
    if (!random_takes(_i, 3)) return;
    make(0, 25000u << _i % 3);
    numbers.state += (uint64_t)_i * 1000;
    for (uint32_t step = 0; step < 250; step++) {
        if (!random_span(&numbers)) continue;
        commit_by_random(step * 20);
        if (toy->log.rows > most) most = toy->log.rows;
        uint64_t expected = rows();
        must(art_tree_check(tree));
        small_tree_again();
        ck_assert_uint_eq(rows(), expected);
    }
    ck_assert_msg(most > 3, "%u rows", most);
}

/* --- small flushes ------------------------------------------------------------------------------------------------ */

/* The same rows, flushed by a short log and by the whole of a long one: the levels below pay alike. */
TEST(test_small_flushes_write_little_more_than_large_ones) {
    enum { ROWS = 40000, MANY = 20000, BLOB = 32 };
    uint64_t written[2], most = 0;
    for (int many = 0; many < 2; many++) {
        make(BLOB, many ? ART_LOG_AUTO : BLOB << 13);
        put_rows(0, ROWS);
        flush();
        uint64_t before = info().store.count.pages_written;
        for (uint32_t i = 0; i < MANY; i++) {
            put_rows(random_below(&numbers, 2 * ROWS), 1);
            commit();
            if (many && info().runs > most) most = info().runs;
        }
        written[many] = info().store.count.pages_written - before;
        must(art_tree_check(tree));
    }
    printf("log: %llu pages by large flushes, %llu by small ones, %llu runs at most\n", (unsigned long long)written[0],
           (unsigned long long)written[1], (unsigned long long)most);
    ck_assert_uint_le(written[1], written[0] * 3 / 2);
    ck_assert_uint_le(most, ART_RUNS_MAX);
}

SUITE("log", .seconds = 300, .tear_down = small_tree_end)
