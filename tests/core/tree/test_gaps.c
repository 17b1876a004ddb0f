/* Where thousands of rows in a row have been deleted: a cursor gets over them without looking at each, comes to the
 * same rows as without, and what the tree remembers of such a gap is forgotten when a row comes into it.
 *
 * The model is one byte a key. Deletes lie in the memtable, in level-0 runs, in older ones; small blobs make many
 * leaves. The program's calls of art_merge_step() and art_tree_select() are counted (the linker's --wrap).
 */
#include <check.h>
#include <stdio.h>

#include "tests/support/random.h"
#include "tests/support/small_tree.h"
#include "tests/support/suite.h"

enum { KEYS = 12000, MARKS = 3 };

static bool now[KEYS], committed[KEYS], marked[MARKS][KEYS];
static unsigned marks;
static bool writing;
static unsigned steps, selects;

int __real_art_merge_step(struct art_merge *merge, bool backward);
int __wrap_art_merge_step(struct art_merge *merge, bool backward);
int __wrap_art_merge_step(struct art_merge *merge, bool backward) {
    steps++;
    return __real_art_merge_step(merge, backward);
}

int __real_art_tree_select(struct art_tree *, int64_t rank, struct art_between *, struct art_bytes *key);
int __wrap_art_tree_select(struct art_tree *, int64_t rank, struct art_between *, struct art_bytes *key);
int __wrap_art_tree_select(struct art_tree *in, int64_t rank, struct art_between *between, struct art_bytes *key) {
    selects++;
    return __real_art_tree_select(in, rank, between, key);
}

static struct art_bytes name_of(unsigned i) {
    static char name[4][32];
    static unsigned turn;
    char *out = name[turn++ % 4];
    snprintf(out, sizeof name[0], "%02u/%03u/%05u", i / 3000, i / 100, i);
    return text(out);
}

static void set(unsigned i, bool live) {
    bool existed;
    if (live)
        must(art_tree_insert(tree, ART_WRITE_REPLACE, name_of(i), text("value"), &existed));
    else
        must(art_tree_delete(tree, name_of(i), &existed));
    ck_assert_int_eq(existed, now[i]);
    now[i] = live;
    writing = true;
}

static void set_all(unsigned from, unsigned to, bool live) {
    for (unsigned i = from; i < to; i++) set(i, live);
}

static void make(void) {
    small_tree_make(false);
    options.blob_pages = 8;
    small_tree_again();
    memset(now, 0, sizeof now);
    marks = 0;
}

static void end_transaction(void) {
    commit();
    memcpy(committed, now, sizeof now);
    marks = 0;
    writing = false;
}

static void load(void) {
    make();
    set_all(0, KEYS, true);
    must(art_tree_request_flush(tree));
    end_transaction();
}

/* --- the same rows ------------------------------------------------------------------------------------------------ */

static int model_next(int i, int by, int low, int high) {
    while (i >= low && i < high && !now[i]) i += by;
    return i >= low && i < high ? i : -1;
}

static void expect_at(struct art_cursor *cursor, int i, const char *when) {
    ck_assert_msg(art_cursor_valid(cursor) == (i >= 0), "%s: %s, the model says %d", when,
                  art_cursor_valid(cursor) ? "a row" : "none", i);
    if (i < 0) return;
    struct art_bytes key = art_cursor_key(cursor);
    ck_assert_msg(art_bytes_equal(key, name_of((unsigned)i)), "%s: %.*s, the model says %d", when, (int)key.len,
                  (const char *)key.data, i);
}

/* Some rows of [low, high), and over some more of them. */
static void walk(struct random *random, int low, int high, bool backward) {
    struct art_cursor *cursor;
    struct art_range range = {.low_set = low > 0, .high_set = high < KEYS, .high_open = true};
    if (range.low_set) range.low = name_of((unsigned)low);
    if (range.high_set) range.high = name_of((unsigned)high);
    int by = backward ? -1 : 1, i = model_next(backward ? high - 1 : low, by, low, high);
    must(art_cursor_open(tree, &cursor));
    must(art_cursor_seek(cursor, &range, backward));
    expect_at(cursor, i, "seek");
    for (unsigned n = random_below(random, 40); n && i >= 0; n--) {
        must(art_cursor_next(cursor));
        i = model_next(i + by, by, low, high);
        expect_at(cursor, i, "next");
    }
    if (i >= 0 && random_below(random, 2)) {
        uint32_t count = random_below(random, 3000);
        must(art_cursor_skip(cursor, count));
        for (uint32_t n = 0; n < count && i >= 0; n++) i = model_next(i + by, by, low, high);
        expect_at(cursor, i, "skip");
    }
    for (int n = 0; n < 5 && i >= 0; n++) {
        must(art_cursor_skip_prefix(cursor, n % 2 ? 3 : 7));
        int step = n % 2 ? 3000 : 100, from = backward ? i / step * step - 1 : i / step * step + step;
        i = model_next(from, by, low, high);
        expect_at(cursor, i, "skip_prefix");
    }
    art_cursor_close(cursor);
}

static void count(int low, int high) {
    uint64_t counted, expected = 0;
    struct art_range range = {
        .low_set = true, .high_set = high < KEYS, .high_open = true, .low = name_of((unsigned)low)};
    if (range.high_set) range.high = name_of((unsigned)high);
    must(art_tree_count(tree, &range, &counted));
    for (int i = low; i < high; i++) expected += now[i];
    ck_assert_uint_eq(counted, expected);
}

static void read_somewhere(struct random *random) {
    int low = random_below(random, 2) ? 0 : (int)random_below(random, KEYS), high = KEYS;
    if (random_below(random, 2)) high = low + 1 + (int)random_below(random, (uint32_t)(KEYS - low));
    walk(random, low, high, random_below(random, 2));
    count(low, high);
}

static void change(struct random *random) {
    unsigned from = random_below(random, 3) ? random_below(random, KEYS) : 0, to = from;
    switch (random_below(random, 12)) {
    case 0:
    case 1:
    case 2:
        to = from + random_below(random, 6000);
        set_all(from, to < KEYS ? to : KEYS, false);
        break;
    case 3:
        set_all(from, from + 200 < KEYS ? from + 200 : KEYS, true);
        break;
    case 4: /* here and there */
        for (unsigned i = 0; i < 5; i++) set(random_below(random, KEYS), random_below(random, 4));
        break;
    case 5: { /* the first row goes, as in a queue */
        for (int n = 0; n < 20; n++) {
            int first = model_next(0, 1, 0, KEYS);
            if (first < 0) break;
            walk(random, 0, KEYS, false);
            set((unsigned)first, false);
        }
        break;
    }
    case 6: {
        bool existed;
        int source = model_next((int)from, 1, 0, KEYS);
        to = random_below(random, KEYS);
        if (source < 0 || now[to]) break;
        must(art_tree_move(tree, ART_WRITE_INSERT, name_of((unsigned)source), name_of(to), NULL, &existed));
        now[source] = false;
        now[to] = writing = true;
        break;
    }
    case 7:
        if (!writing || marks == MARKS) break;
        must(art_tree_savepoint(tree, &to));
        ck_assert_uint_eq(to, marks);
        memcpy(marked[marks++], now, sizeof now);
        break;
    case 8:
        if (!marks) break;
        to = random_below(random, marks);
        art_tree_rollback_to(tree, to);
        memcpy(now, marked[to], sizeof now);
        marks = to + 1;
        break;
    case 9:
        if (writing && random_below(random, 2)) must(art_tree_request_flush(tree));
        end_transaction();
        break;
    case 10:
        if (random_below(random, 3)) break;
        art_tree_rolled_back(tree);
        must(toy_refresh(toy, tree));
        memcpy(now, committed, sizeof now);
        marks = 0;
        writing = false;
        break;
    default:
        if (writing || random_below(random, 4)) break;
        small_tree_again();
    }
}

START_TEST(test_whatever_is_deleted_the_cursor_comes_to_the_rows_that_are_left) {
    struct random random = {random_seed()};
    printf("gaps: seed %llu\n", (unsigned long long)random.state);
    selects = 0;
    for (unsigned round = 0; round < 4 * random_scale(); round++) {
        load();
        for (int i = 0; i < 150; i++) {
            change(&random);
            for (int n = 0; n < 3; n++) read_somewhere(&random);
        }
        if (writing) end_transaction();
        must(art_tree_check(tree));
        small_tree_end();
    }
    ck_assert_uint_gt(selects, 100);
}
END_TEST

START_TEST(test_an_open_cursor_finds_the_row_that_comes_into_a_gap) {
    load();
    set_all(1, KEYS - 1, false);
    struct art_cursor *cursor, *other;
    must(art_cursor_open(tree, &cursor));
    must(art_cursor_seek(cursor, &(struct art_range){0}, false));
    expect_at(cursor, 0, "seek");
    must(art_cursor_open(tree, &other));
    must(art_cursor_seek(other, &(struct art_range){0}, false));
    must(art_cursor_next(other));
    expect_at(other, KEYS - 1, "over the gap");
    set(5000, true);
    must(art_cursor_next(cursor));
    expect_at(cursor, 5000, "into the gap");
    must(art_cursor_next(cursor));
    expect_at(cursor, KEYS - 1, "out of it");
    set(5000, false);
    must(art_cursor_seek(cursor, &(struct art_range){0}, true));
    must(art_cursor_next(cursor));
    expect_at(cursor, 0, "back over it");
    art_cursor_close(cursor);
    art_cursor_close(other);
    small_tree_end();
}
END_TEST

/* --- without looking at each -------------------------------------------------------------------------------------- */

static unsigned steps_of_seek(int low, int high, bool backward, int expected) {
    struct art_cursor *cursor;
    struct art_range range = {.low_set = true, .high_set = true, .high_open = true};
    range.low = name_of((unsigned)low);
    range.high = name_of((unsigned)high);
    must(art_cursor_open(tree, &cursor));
    steps = selects = 0;
    must(art_cursor_seek(cursor, &range, backward));
    expect_at(cursor, expected, "seek");
    art_cursor_close(cursor);
    return steps;
}

START_TEST(test_deletes_are_passed_by_the_sums_and_then_from_memory) {
    load();
    set_all(2000, 10000, false);
    end_transaction();
    for (int flushed = 0; flushed < 2; flushed++) {
        art_tree_forget(tree); /* what is remembered, too */
        must(toy_refresh(toy, tree));
        ck_assert_uint_lt(steps_of_seek(2000, KEYS, false, 10000), 1000);
        ck_assert_uint_eq(selects, 1);
        ck_assert_uint_lt(steps_of_seek(2000, KEYS, false, 10000), 40);
        ck_assert_uint_lt(steps_of_seek(0, 10000, true, 1999), 1000);
        ck_assert_uint_lt(steps_of_seek(0, 10000, true, 1999), 40);
        ck_assert_uint_lt(steps_of_seek(2500, 9500, false, -1), 40);
        ck_assert_uint_lt(steps_of_seek(2500, 9500, true, -1), 40);
        must(art_tree_request_flush(tree));
        end_transaction();
        ck_assert_uint_lt(steps_of_seek(2500, KEYS, false, 10000), 40); /* a commit leaves the rows as they are */
        ck_assert_uint_eq(selects, 0);
    }
    small_tree_end();
}
END_TEST

START_TEST(test_a_queue_is_read_from_its_head) {
    load();
    for (int i = 0; i < KEYS - 1; i++) {
        set((unsigned)i, false);
        if (i % 500 == 499) end_transaction();
        ck_assert_uint_lt(steps_of_seek(0, KEYS, false, i + 1), 80);
    }
    small_tree_end();
}
END_TEST

START_TEST(test_what_is_remembered_ends_with_the_row_that_comes_there) {
    load();
    set_all(2000, 10000, false);
    steps_of_seek(2000, KEYS, false, 10000);
    for (unsigned i = 2100; i < 9000; i += 700) {
        set(i, true);
        steps_of_seek(2000, KEYS, false, (int)i);
        steps_of_seek(0, 10000, true, (int)i);
        set(i, false);
        steps_of_seek(2000, KEYS, false, 10000);
    }
    uint32_t mark;
    set(2500, true);
    must(art_tree_savepoint(tree, &mark));
    set(2500, false);
    steps_of_seek(2000, KEYS, false, 10000);
    art_tree_rollback_to(tree, mark);
    now[2500] = true;
    steps_of_seek(2000, KEYS, false, 2500);
    small_tree_end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gaps");
    TCase *tcase = tcase_create("gaps");
    tcase_set_timeout(tcase, 600);
    tcase_add_test(tcase, test_whatever_is_deleted_the_cursor_comes_to_the_rows_that_are_left);
    tcase_add_test(tcase, test_an_open_cursor_finds_the_row_that_comes_into_a_gap);
    tcase_add_test(tcase, test_deletes_are_passed_by_the_sums_and_then_from_memory);
    tcase_add_test(tcase, test_a_queue_is_read_from_its_head);
    tcase_add_test(tcase, test_what_is_remembered_ends_with_the_row_that_comes_there);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
