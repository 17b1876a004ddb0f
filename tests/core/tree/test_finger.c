/* Lookups side by side begin where the last ones ended, and find what lookups from the top find: in a leaf whose slot
 * another blob has taken since, after a ROLLBACK TO, in a second tree that is brought up to date.
 *
 * The model is one number a key: its value, 0 where there is no row. All directories have the same names in them, and
 * blobs are small, so that most leaves have a directory's name for a label.
 */
#include "core/store/cache.h"
#include "core/store/private.h"
#include "tests/support/small_tree.h"

enum { DIRECTORIES = 8, NAMES = 1000, KEYS = DIRECTORIES * NAMES, MARKS = 3 };

struct state {
    unsigned value[KEYS];
};

static struct state now, committed, marked[MARKS];
static struct art_tree *trees[2]; /* two connections; `tree` is one of them */
static unsigned marks, last_value, found;
static bool writing;

static struct art_bytes name_of(unsigned i) {
    static char name[32];
    snprintf(name, sizeof name, "directory-%u/name-%03u", i / NAMES, i % NAMES);
    return text(name);
}

static void look(unsigned i) {
    struct art_row row;
    int rc = art_tree_get(tree, name_of(i), &row);
    ck_assert_msg(rc == (now.value[i] ? ART_OK : ART_NOTFOUND), "key %u: %s, the model says %u: %s", i,
                  art_error_name(rc), now.value[i], art_error_message());
    if (rc) return;
    char value[16];
    uint8_t room[ART_VALUE_INLINE_MAX];
    struct art_bytes stored = art_stored_plain(&row.stored, room);
    snprintf(value, sizeof value, "%.*s", (int)stored.len, (const char *)stored.data);
    ck_assert_uint_eq((unsigned)atoi(value), now.value[i]);
    found += !row.held_memtable;
    art_row_release(&row);
}

static void set(unsigned i, bool live) {
    bool existed;
    char value[16];
    snprintf(value, sizeof value, "%u", ++last_value);
    if (live)
        must(art_tree_insert(tree, ART_WRITE_REPLACE, name_of(i), text(value), &existed));
    else
        must(art_tree_delete(tree, name_of(i), &existed));
    ck_assert_int_eq(existed, now.value[i] != 0);
    now.value[i] = live ? last_value : 0;
    writing = true;
}

static void end_transaction(bool flushes) {
    if (flushes)
        flush();
    else
        commit();
    committed = now;
    marks = 0;
    writing = false;
}

static void take_back(void) {
    art_tree_rolled_back(tree);
    must(toy_refresh(toy, tree));
    now = committed;
    marks = 0;
    writing = false;
}

static void make(bool wal) {
    /* When the cache is full, there is no finger. */
    small_tree_make_of(wal,
                       (struct art_tree_options){.cache_bytes = 16 << 20, .spill_limit = 1 << 17, .blob_pages = 8});
    trees[0] = tree;
    must(toy_open(toy, &options, &trees[1]));
    now = committed = (struct state){0};
    marks = last_value = found = 0;
    for (unsigned i = 0; i < KEYS; i++) set(i, true);
    end_transaction(true);
}

static void end(void) {
    if (writing) end_transaction(false);
    must(art_tree_check(tree));
    art_tree_close(trees[tree == trees[0]]);
}

/* --- the same rows ------------------------------------------------------------------------------------------------ */

/* From one key on, by ones and sometimes by more; now and then to the same name elsewhere. */
static void go(struct random *random, void (*what)(struct random *random, unsigned i)) {
    unsigned at = random_below(random, KEYS);
    for (unsigned left = random_below(random, 300); left && at < KEYS; left--) {
        what(random, at);
        if (!random_below(random, 50)) look((at + NAMES * random_below(random, DIRECTORIES)) % KEYS);
        at += random_below(random, 20) ? 1 : random_below(random, 200);
    }
}

static void look_there(struct random *random, unsigned i) {
    (void)random;
    look(i);
}

static void set_there(struct random *random, unsigned i) {
    set(i, random_below(random, 4));
}

static void step(struct random *random) {
    unsigned to;
    switch (random_below(random, 12)) {
    case 0:
    case 1:
        go(random, set_there);
        break;
    case 2:
        if (!writing || marks == MARKS) break;
        must(art_tree_savepoint(tree, &to));
        marked[marks++] = now;
        break;
    case 3:
        if (!marks) break;
        to = random_below(random, marks);
        art_tree_rollback_to(tree, to);
        if (art_tree_unknown(tree)) must(toy_refresh(toy, tree)); /* the transaction had spilled */
        now = marked[to];
        marks = to + 1;
        break;
    case 4:
        end_transaction(random_below(random, 2));
        break;
    case 5:
        take_back();
        break;
    case 6: /* the other connection's turn */
        if (writing) break;
        tree = trees[tree == trees[0]];
        must(toy_refresh(toy, tree));
        break;
    case 7:
        must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
        writing = true;
        break;
    default:
        go(random, look_there);
    }
}

TEST(test_lookups_side_by_side_find_what_others_find) {
    struct random random = random_announced("finger");
    for (unsigned round = 0; round < 2 * random_scale(); round++) {
        make(round % 2);
        for (int i = 0; i < 600; i++) step(&random);
        ck_assert_uint_gt(found, 1000);
        end();
    }
}

TEST(test_a_new_root_is_looked_at_anew) {
    make(false);
    for (int other = 0; other < 2; other++) {
        for (unsigned i = 5000; i < 5100; i++) look(i);
        ck_assert_uint_ge(tree->finger.near, ART_FINGER_NEAR);
        if (other) tree = trees[1];
        must(toy_refresh(toy, tree));
        for (unsigned i = 5000; i < 5100; i++) set(i, true);
        must(art_tree_request(tree, ART_REQUEST_OPTIMIZE));
        end_transaction(true);
        if (other) tree = trees[0];
        must(toy_refresh(toy, tree));
        ck_assert_uint_eq(tree->root->runs, 1);
        for (unsigned i = 5099; i >= 5090; i--) look(i); /* where the finger was */
    }
    end();
}

/* --- without a descent for each ----------------------------------------------------------------------------------- */

TEST(test_lookups_in_the_order_of_keys_seldom_descend) {
    make(false);
    uint64_t before = tree->count.finger;
    for (unsigned i = 0; i < KEYS; i++) look(i);
    ck_assert_uint_gt(tree->count.finger, before + KEYS / 10 * 9);
    before = tree->count.finger;
    for (unsigned i = 0; i < KEYS; i++) set(i, i % 2);
    ck_assert_uint_gt(tree->count.finger, before + KEYS / 10 * 9);
    take_back();
    before = tree->count.finger;
    for (unsigned i = 0; i < KEYS; i++) look(i * 3001 % KEYS); /* each elsewhere */
    ck_assert_uint_eq(tree->count.finger, before);
    end();
}

/* --- damage ------------------------------------------------------------------------------------------------------- */

/* Of all keys, each `step` keys from the one before. */
static unsigned unreadable(unsigned step) {
    unsigned count = 0;
    for (unsigned n = 0, i = 0; n < KEYS; n++, i = (i + step) % KEYS) {
        struct art_row row;
        int rc = art_tree_get(tree, name_of(i), &row);
        ck_assert_msg(rc == ART_OK || rc == ART_CORRUPT, "key %u: %s", i, art_error_name(rc));
        if (!rc) art_row_release(&row);
        count += rc != ART_OK;
    }
    return count;
}

/* The cache forgets all, and the leaf that the finger points at can no longer be read. */
static void damage_leaf(void) {
    ck_assert_uint_ge(tree->finger.near, ART_FINGER_NEAR);
    uint64_t at = (uint64_t)tree->finger.slot * ART_BLOB_SIZE;
    art_store_drop_pins(tree->store);
    art_tree_set_limits(tree, 1, options.log_limit, options.spill_limit);
    art_cache_trim();
    art_tree_set_limits(tree, options.cache_bytes, options.log_limit, options.spill_limit);
    for (unsigned page = 0; page + 1 < options.blob_pages; page++)
        sim_disk_corrupt(disk, options.path, at + page * ART_PAGE + 100, 3);
}

TEST(test_keys_of_other_leaves_do_not_share_the_fate_of_a_damaged_one) {
    make(false);
    art_tree_close(trees[1]);                       /* with its part of the cache */
    for (unsigned i = 2990; i < 3010; i++) look(i); /* a leaf of two directories: a short label */
    damage_leaf();
    unsigned lost = unreadable(1);
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_lt(lost, KEYS / 2);
    ck_assert_uint_eq(unreadable(3001), lost); /* without a finger */
}

SUITE("finger", .seconds = 600, .tear_down = small_tree_end)
