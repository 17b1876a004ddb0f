/* Where many rows in a row have been deleted: a cursor gets over them without looking at each, comes to the same rows
 * as without, and what the tree remembers of such a gap is forgotten when a row comes into it.
 *
 * The model is one byte a key. Deletes lie in the memtable, in level-0 runs, in older ones; small blobs make many
 * leaves. Steps, and looks at the sums, are counted (core/tree/state/hooks.h).
 */
#include "tests/support/small_tree.h"

/* Deletes that are passed one by one before a gap is known, and where it is known; looks at the sums before that. */
enum { PASSED_FIRST = 60, PASSED_AGAIN = 2, LOOKS = 20 };
enum { KEYS = 12000, MARKS = 3, PREFIX = 100, PREFIXES = KEYS / PREFIX, SWEPT = 45 };

static bool now[KEYS], committed[KEYS], marked[MARKS][KEYS];
static unsigned marks;
static bool writing;
static unsigned steps, selects, looks;

static void count_event(enum art_event event) {
    steps += event == ART_EVENT_STEP;
    selects += event == ART_EVENT_SELECT;
    looks += event == ART_EVENT_RANK;
}

static struct art_bytes name_of(unsigned i) {
    static char name[4][32];
    static unsigned turn;
    char *out = name[turn++ % 4];
    snprintf(out, sizeof name[0], "%02u/%03u/%05u", i / 3000, i / 100, i);
    return text(out);
}

static void set(unsigned i, bool live) {
    ck_assert_int_eq(live ? put_at(name_of(i), text("value")) : take_at(name_of(i)), now[i]);
    now[i] = live;
    writing = true;
}

static void set_all(unsigned from, unsigned to, bool live) {
    for (unsigned i = from; i < to; i++) set(i, live);
}

static void make(void) {
    small_tree_make_of(false, (struct art_tree_options){.blob_pages = 8});
    art_test_hooks.at = count_event;
    memset(now, 0, sizeof now);
    marks = 0;
}

static void end_transaction(void) {
    commit();
    memcpy(committed, now, sizeof now);
    marks = 0;
    writing = false;
}

static void flush_transaction(void) {
    must(art_tree_request(tree, ART_REQUEST_FLUSH));
    end_transaction();
}

static void load(void) {
    make();
    set_all(0, KEYS, true);
    flush_transaction();
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
    struct art_range range = {.low_set = low > 0, .high_set = high < KEYS, .high_open = true};
    if (range.low_set) range.low = name_of((unsigned)low);
    if (range.high_set) range.high = name_of((unsigned)high);
    int by = backward ? -1 : 1, i = model_next(backward ? high - 1 : low, by, low, high);
    struct art_cursor *cursor = cursor_on(&range, backward);
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
        if (writing && random_below(random, 2)) flush_transaction();
        break;
    case 10:
        if (random_below(random, 3)) break;
        roll_back();
        memcpy(now, committed, sizeof now);
        marks = 0;
        writing = false;
        break;
    default:
        if (writing || random_below(random, 4)) break;
        small_tree_again();
    }
}

TEST(test_whatever_is_deleted_the_cursor_comes_to_the_rows_that_are_left) {
    struct random random = random_announced("gaps");
    selects = 0;
    for (unsigned round = 0; round < 4 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        load();
        for (int i = 0; i < 150; i++) {
            change(&random);
            for (int n = 0; n < 3; n++) read_somewhere(&random);
        }
        if (writing) end_transaction();
        must(art_tree_check(tree));
    }
    ck_assert_uint_gt(selects, 100);
}

TEST(test_an_open_cursor_finds_the_row_that_comes_into_a_gap) {
    load();
    set_all(1, KEYS - 1, false);
    struct art_cursor *cursor, *other;
    cursor = cursor_on(NULL, false);
    expect_at(cursor, 0, "seek");
    other = cursor_on(NULL, false);
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
}

/* --- without looking at each -------------------------------------------------------------------------------------- */

static unsigned steps_of_seek(int low, int high, bool backward, int expected) {
    struct art_cursor *cursor;
    struct art_range range = {.low_set = true, .high_set = true, .high_open = true};
    range.low = name_of((unsigned)low);
    range.high = name_of((unsigned)high);
    must(art_cursor_open(tree, &cursor));
    steps = selects = looks = 0;
    must(art_cursor_seek(cursor, &range, backward));
    expect_at(cursor, expected, "seek");
    art_cursor_close(cursor);
    return steps;
}

TEST(test_deletes_are_passed_by_the_sums_and_then_from_memory) {
    load();
    set_all(2000, 10000, false);
    end_transaction();
    for (int flushed = 0; flushed < 2; flushed++) {
        art_tree_forget(tree); /* what is remembered, too */
        must(toy_refresh(toy, tree));
        ck_assert_uint_lt(steps_of_seek(2000, KEYS, false, 10000), PASSED_FIRST);
        ck_assert_uint_eq(selects, 1);
        ck_assert_uint_lt(looks, LOOKS);
        ck_assert_uint_eq(steps_of_seek(2000, KEYS, false, 10000), 0);
        ck_assert_uint_lt(steps_of_seek(0, 10000, true, 1999), PASSED_AGAIN);
        ck_assert_uint_eq(steps_of_seek(2500, 9500, false, -1), 0);
        ck_assert_uint_lt(steps_of_seek(2500, 9500, true, -1), PASSED_AGAIN);
        flush_transaction();
        ck_assert_uint_eq(steps_of_seek(2500, KEYS, false, 10000), 0); /* a commit leaves the rows as they are */
        ck_assert_uint_eq(selects, 0);
        art_tree_forget(tree);
        must(toy_refresh(toy, tree));
        ck_assert_uint_lt(steps_of_seek(0, 10000, true, 1999), PASSED_FIRST);
        ck_assert_uint_eq(selects, 1);
        ck_assert_uint_lt(looks, LOOKS);
        ck_assert_uint_lt(steps_of_seek(0, 10000, true, 1999), PASSED_AGAIN);
    }
}

/* The first row of each prefix, or the last one: none of these searches passes more than so many deletes. */
static void expect_edges(bool backward, unsigned first, unsigned most) {
    for (unsigned prefix = 0; prefix < PREFIXES; prefix++) {
        int low = (int)(prefix * PREFIX), high = low + PREFIX;
        int row = backward ? high - 1 - (int)first : low + (int)first;
        if (!now[row]) row = model_next(row, backward ? -1 : 1, low, high);
        unsigned passed = steps_of_seek(low, high, backward, row);
        ck_assert_msg(passed < most, "prefix %u: %u deletes were passed", prefix, passed);
    }
}

/* The oldest, or newest, rows of each prefix go, a few at a time, and into several sources. */
static void sweep(bool newest) {
    for (unsigned done = 0; done < SWEPT; done += 5) {
        for (unsigned prefix = 0; prefix < PREFIXES; prefix++) {
            unsigned at = newest ? (prefix + 1) * PREFIX - done - 5 : prefix * PREFIX + done;
            set_all(at, at + 5, false);
        }
        if (done == 10 || done == 20) must(art_tree_request(tree, ART_REQUEST_FLUSH));
        if (done < 30) end_transaction();
    }
}

LOOP_TEST(test_expired_rows_of_many_prefixes_are_passed_each_once, 2) {
    bool newest = _i;
    load();
    sweep(newest);
    ck_assert_uint_gt(tree->root->runs, 2);
    expect_edges(newest, SWEPT, PASSED_FIRST); /* in the transaction that has deleted the last of them */
    expect_edges(newest, SWEPT, PASSED_AGAIN);
    end_transaction();
    expect_edges(newest, SWEPT, PASSED_AGAIN);
    flush_transaction();
    expect_edges(newest, SWEPT, PASSED_AGAIN);
    ck_assert_uint_ge(tree->count.gaps, 3 * PREFIXES);
    set(PREFIX / 2 - 10, true); /* ends one of them, if any */
    expect_edges(newest, 0, PASSED_FIRST);
    ck_assert_uint_lt(steps_of_seek(PREFIX, 2 * PREFIX, newest, newest ? 2 * PREFIX - SWEPT - 1 : PREFIX + SWEPT),
                      PASSED_AGAIN);
    must(art_tree_check(tree));
}

/* Of a level's listing: from each prefix to the next. */
static unsigned most_steps_of_skips(void) {
    unsigned most = 0;
    struct art_cursor *cursor = cursor_on(NULL, false);
    for (int prefix = 0; prefix < PREFIXES; prefix++) {
        expect_at(cursor, prefix * PREFIX + SWEPT, "listing");
        steps = 0;
        must(art_cursor_skip_prefix(cursor, 7));
        if (steps > most) most = steps;
    }
    expect_at(cursor, -1, "listing");
    art_cursor_close(cursor);
    return most;
}

TEST(test_a_listing_passes_expired_rows_once) {
    load();
    sweep(false);
    end_transaction();
    ck_assert_uint_lt(most_steps_of_skips(), PASSED_FIRST);
    ck_assert_uint_lt(most_steps_of_skips(), PASSED_AGAIN);
}

TEST(test_a_rollback_to_a_savepoint_forgets_what_was_deleted_since) {
    uint32_t mark;
    load();
    set(KEYS - 1, false);
    must(art_tree_savepoint(tree, &mark));
    memcpy(marked[0], now, sizeof now);
    for (unsigned prefix = 0; prefix < PREFIXES; prefix++) set_all(prefix * PREFIX, prefix * PREFIX + 50, false);
    expect_edges(false, 0, PASSED_FIRST);
    art_tree_rollback_to(tree, mark);
    memcpy(now, marked[0], sizeof now);
    for (unsigned prefix = 0; prefix + 1 < PREFIXES; prefix++) {
        int low = (int)(prefix * PREFIX);
        steps_of_seek(low, low + PREFIX, false, low);
        steps_of_seek(low, low + 60, true, low + 59);
    }
    roll_back();
    now[KEYS - 1] = true;
    steps_of_seek(0, KEYS - 1, false, 0);
}

TEST(test_another_connection_finds_the_rows_that_come_into_a_gap) {
    struct art_tree *own, *other;
    load();
    sweep(false);
    end_transaction();
    own = tree;
    other = another_tree();
    tree = other;
    expect_edges(false, SWEPT, PASSED_FIRST);
    expect_edges(false, SWEPT, PASSED_AGAIN);
    tree = own;
    for (unsigned prefix = 0; prefix < PREFIXES; prefix += 7) set(prefix * PREFIX + 20, true);
    end_transaction();
    tree = other;
    must(toy_refresh(toy, other));
    expect_edges(false, 0, PASSED_FIRST);
    expect_edges(false, 0, PASSED_FIRST);
    art_tree_close(other);
    tree = own;
}

LOOP_TEST(test_a_row_far_on_is_found_by_a_few_looks, 2) {
    bool backward = _i;
    int by = backward ? -1 : 1;
    load();
    set_all(2000, 4000, false);
    end_transaction();
    for (unsigned i = 5000; i < 9000; i += 7) set(i, false);
    for (int count = 500; count < 9000; count += 500) {
        int i = backward ? KEYS - 1 : 0;
        struct art_cursor *cursor = cursor_on(NULL, backward);
        expect_at(cursor, i, "seek");
        looks = 0;
        must(art_cursor_skip(cursor, (uint64_t)count));
        for (int n = 0; n < count && i >= 0; n++) i = model_next(i + by, by, 0, KEYS);
        expect_at(cursor, i, "skip");
        ck_assert_uint_lt(looks, LOOKS);
        art_cursor_close(cursor);
    }
}

TEST(test_a_queue_is_read_from_its_head) {
    load();
    for (int i = 0; i < KEYS - 1; i++) {
        set((unsigned)i, false);
        if (i % 500 == 499) end_transaction();
        ck_assert_uint_lt(steps_of_seek(0, KEYS, false, i + 1), PASSED_FIRST);
    }
}

TEST(test_a_directory_that_comes_into_a_gap_is_found) {
    enum { MOVED = 100 };
    uint64_t moved;
    bool taken;
    load();
    set_all(2000, 10000, false);
    steps_of_seek(2000, KEYS, false, 10000);
    art_test_hooks.as_one = true;
    must(art_tree_move_prefix(tree, text("00/000/000"), text("00/020/020"), false, &moved, &taken));
    ck_assert_uint_eq(moved, MOVED);
    for (unsigned i = 0; i < MOVED; i++) now[i] = !(now[2000 + i] = true);
    steps_of_seek(2000, KEYS, false, 2000);
}

TEST(test_what_is_remembered_ends_with_the_row_that_comes_there) {
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
}

/* --- what is remembered ------------------------------------------------------------------------------------------- */

enum { PLACES = 5000 };

static bool empty[PLACES];

static struct art_bytes place(unsigned i) {
    static char room[4][512];
    static unsigned turn;
    char *out = room[turn++ % 4];
    int len = snprintf(out, sizeof room[0] - ART_KEY_PADDING, "%05u%*s", i, (int)(i % 400), "");
    return art_bytes(out, (uint32_t)len);
}

static unsigned number(struct art_bytes key) {
    unsigned n = 0;
    for (int i = 0; i < 5; i++) n = 10 * n + key.data[i] - '0';
    return n;
}

static void expect_no_row(unsigned i) {
    struct art_bytes low, high;
    for (int below = 0; below < 2; below++) {
        if (!art_gap_find(tree, place(i), below, &low, &high)) continue;
        unsigned from = number(low), to = number(high);
        ck_assert(below ? from < i && i <= to : from <= i && i < to);
        for (unsigned k = from; k < to; k++) ck_assert_msg(empty[k], "a row at %u, in [%u, %u)", k, from, to);
    }
}

TEST(test_what_is_remembered_has_no_rows_and_has_a_limit) {
    struct random random = {random_seed()};
    struct art_bytes low, high;
    make();
    memset(empty, 0, sizeof empty);
    for (int i = 0; i < 40000; i++) {
        unsigned from = random_below(&random, PLACES), to = from, len = 1 + random_below(&random, 6);
        if (random_below(&random, 3)) {
            for (; to < PLACES && to < from + len; to++) empty[to] = true;
            if (to == PLACES) to--;
            art_gap_learn(tree, place(from), place(to));
            ck_assert(from == to || art_gap_find(tree, place(from), false, &low, &high));
            ck_assert(from == to || (number(low) <= from && to <= number(high)));
        } else if (random_below(&random, 100)) {
            empty[from] = false;
            art_gap_end(tree, place(from));
            ck_assert(!art_gap_find(tree, place(from), false, &low, &high));
            art_tree_changed(tree, true);
        } else if (!random_below(&random, 40)) {
            memset(empty, 0, sizeof empty);
            art_tree_changed(tree, false);
            ck_assert(!art_gap_find(tree, place(from), false, &low, &high));
        }
        expect_no_row(random_below(&random, PLACES));
        ck_assert_uint_le(tree->gaps.count, 512);
        ck_assert_uint_le(tree->gaps.bytes, 128 << 10);
    }
    ck_assert_uint_gt(tree->gaps.count, 0);
}

static unsigned met_of(unsigned from, unsigned to) {
    struct art_bytes low, high;
    unsigned met = 0;
    for (unsigned i = from; i < to; i += 5) {
        met += art_gap_find(tree, place(i), false, &low, &high);
        art_gap_learn(tree, place(i), place(i + 3));
    }
    return met;
}

TEST(test_of_more_gaps_than_are_remembered_some_are_met_again) {
    make();
    ck_assert_uint_eq(met_of(300, PLACES), 0);
    met_of(300, PLACES);
    ck_assert_uint_gt(met_of(300, PLACES), 100);
    for (int round = 0; round < 20; round++) met_of(0, 300);
    ck_assert_uint_gt(met_of(0, 300), 50); /* out of 60: others have made room */
}

SUITE("gaps", .seconds = 600, .tear_down = small_tree_end)
