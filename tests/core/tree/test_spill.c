/* A transaction larger than memory: what it has given to runs of its own it still knows, row by row.
 *
 * Random inserts, replacements and deletes, with savepoints taken back over spills, against an array; in an empty
 * table, whose filter of spilled keys answers for the runs, and in one that had rows. And when there is such a filter.
 */
#include "tests/support/small_tree.h"

enum { ROWS = 20000, STEPS = 60000, SPILL_LIMIT = 512 << 10 };

static void make(void) {
    small_tree_make_of(true, (struct art_tree_options){.spill_limit = SPILL_LIMIT, .blob_pages = 8});
}

static const char *key_of(uint32_t i) {
    static char key[64];
    snprintf(key, sizeof key, "bucket-%02u/file-%06u", i % 16, i);
    return key;
}

/* Some are cut into pieces. */
static struct art_bytes value_of(uint32_t i, uint32_t version) {
    static char value[6000];
    int len = snprintf(value, sizeof value, "%u of %u", version, i);
    if (version % 50 == 0) len = 5000;
    return art_bytes(value, (uint32_t)len);
}

/* 0: not there; else the number of the step that wrote it. */
static uint32_t now[ROWS], marked[ROWS];

static void put_one(uint32_t i, uint32_t step, enum art_write mode) {
    bool existed;
    must(art_tree_insert(tree, mode, text(key_of(i)), value_of(i, step), &existed));
    ck_assert_msg(existed == (now[i] > 0), "%s: %s, but the tree says otherwise", key_of(i),
                  now[i] ? "there" : "absent");
    if (!existed || mode == ART_WRITE_REPLACE) now[i] = step;
}

static void remove_one(uint32_t i) {
    bool existed;
    must(art_tree_delete(tree, text(key_of(i)), &existed));
    ck_assert(existed == (now[i] > 0));
    now[i] = 0;
}

static void look_at_all(void) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        struct art_row row;
        int rc = art_tree_get(tree, text(key_of(i)), &row);
        ck_assert_int_eq(rc, now[i] ? ART_OK : ART_NOTFOUND);
        count += now[i] > 0;
        if (rc) continue;
        struct art_bytes value, wanted = value_of(i, now[i]);
        uint8_t *owned;
        must(art_row_value(tree, &row, &value, &owned));
        ck_assert_uint_eq(value.len, wanted.len);
        ck_assert(!memcmp(value.data, wanted.data, strlen((const char *)wanted.data)));
        art_free(owned);
        art_row_release(&row);
    }
    ck_assert_uint_eq(rows(), count);
}

static void begin_savepoint(bool *set) {
    uint32_t mark;
    if (*set) art_tree_release_savepoints(tree, 0);
    must(art_tree_savepoint(tree, &mark));
    ck_assert_uint_eq(mark, 0);
    memcpy(marked, now, sizeof now);
    *set = true;
}

static void change_at_random(struct random *random) {
    bool set = false;
    for (uint32_t step = 1; step <= STEPS; step++) {
        if (!random_span(random)) continue;
        uint32_t i = random_below(random, ROWS), what = random_below(random, 10);
        if (what < 5)
            put_one(i, step, ART_WRITE_INSERT);
        else if (what < 8)
            put_one(i, step, ART_WRITE_REPLACE);
        else
            remove_one(i);
        if (random_once_in(random, 5000)) begin_savepoint(&set);
        if (!set || !random_once_in(random, 15000)) continue;
        art_tree_rollback_to(tree, 0);
        memcpy(now, marked, sizeof now);
    }
    ck_assert(art_tree_has_spilled(tree));
}

TEST(test_rows_that_a_transaction_has_spilled_are_found_and_absent_ones_are_not) {
    for (int rounds = 0; rounds < 4; rounds++) {
        uint64_t seed = random_seed();
        struct random random = {seed};
        printf("spill: seed %llu\n", (unsigned long long)seed);
        make();
        memset(now, 0, sizeof now);
        bool empty = rounds % 2;
        for (uint32_t i = 0; !empty && i < ROWS; i += 3) put_one(i, 1, ART_WRITE_INSERT);
        if (!empty) flush();
        change_at_random(&random);
        look_at_all();
        commit();
        look_at_all();
        must(art_tree_check(tree));
    }
}

/* Puts rows until the transaction has spilled once more. */
static void spill_once(uint32_t *step) {
    const struct art_memtable *before = tree->memtable;
    for (; tree->memtable == before; ++*step) put_one(*step % ROWS, *step, ART_WRITE_REPLACE);
}

/* The saved memtable of an older savepoint outlives those of younger ones, whose places are written again. */
TEST(test_an_older_savepoint_keeps_its_memtable_while_younger_ones_come_and_go) {
    static uint32_t oldest[ROWS];
    uint32_t step = 1, first, younger;
    make();
    memset(now, 0, sizeof now);
    for (; step <= 1000; step++) put_one(step, step, ART_WRITE_REPLACE);
    must(art_tree_savepoint(tree, &first));
    memcpy(oldest, now, sizeof now);
    spill_once(&step);
    uint32_t end = tree->scratch.end;
    ck_assert_uint_gt(end, 0);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 100; k++, step++) put_one(step % ROWS, step, ART_WRITE_REPLACE);
        must(art_tree_savepoint(tree, &younger));
        memcpy(marked, now, sizeof now);
        spill_once(&step);
        ck_assert_uint_gt(tree->scratch.end, end);
        if (i % 2) {
            art_tree_rollback_to(tree, younger);
            memcpy(now, marked, sizeof now);
            look_at_all();
        }
        art_tree_release_savepoints(tree, younger);
        ck_assert_uint_eq(tree->scratch.end, end);
    }
    art_tree_rollback_to(tree, first);
    memcpy(now, oldest, sizeof now);
    look_at_all();
    commit();
    look_at_all();
}

LOOP_TEST(test_a_small_limit_leaves_room_for_rows_between_two_spills, 8) {
    uint64_t limit = (uint64_t)(_i + 1) << 19;
    unsigned spills = 0;
    if (!random_takes(_i, 3)) return;
    make();
    options.spill_limit = limit;
    small_tree_again();
    for (uint32_t i = 0; i < 60000; i++) {
        struct art_memtable *before = tree->memtable;
        uint64_t keys = art_memtable_keys(before);
        char key[60];
        snprintf(key, sizeof key, "%08x and a rest of some thirty bytes", i * 2654435761u);
        put(key, "a value, as long as most values of most tables are");
        if (tree->memtable == before) continue;
        ck_assert_uint_ge(keys, limit / 400);
        spills++;
    }
    ck_assert_uint_ge(spills, 1);
    commit();
    ck_assert_uint_eq(rows(), 60000);
}

SUITE("spill", .seconds = 120, .tear_down = small_tree_end)
