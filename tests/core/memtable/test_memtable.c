/* The memtable against an array (support/memtable_model.h): sets, marks, rollbacks, order, counts, sums, zones,
 * lookups, redo; memory that runs out; nesting as deep as keys go. */
#include "core/base/alloc.h"
#include "core/base/hash.h"
#include "core/memtable/arena.h"
#include "core/memtable/memtable.h"
#include "tests/support/memtable_model.h"
#include "tests/support/short_memory.h"

static struct art_bytes text(const char *string) {
    return art_bytes(string, (uint32_t)strlen(string));
}

static struct art_entry put(const char *value, uint64_t csn, uint8_t flags) {
    return (struct art_entry){.value = text(value), .csn = csn, .flags = flags};
}

static void set(struct art_memtable *memtable, const char *key, const char *value, uint8_t flags) {
    struct art_entry entry = put(value, 1, flags);
    must(art_memtable_set(memtable, text(key), &entry));
}

static void check(const struct art_memtable *memtable) {
    must(art_memtable_check(memtable));
}

/* --- single facts ------------------------------------------------------------------------------------------------- */

TEST(test_a_delete_has_no_value) {
    struct art_memtable *memtable = open_memtable();
    struct art_entry entry;
    set(memtable, "a", "left over by the caller", ART_DELETE | ART_SHADOWS_OLDER);
    must(art_memtable_get(memtable, text("a"), &entry));
    ck_assert_uint_eq(entry.value.len, 0);
    ck_assert_uint_eq(art_memtable_bytes(memtable), 1);
    art_memtable_unref(memtable);
}

TEST(test_without_a_summary_there_are_no_sums) {
    struct art_memtable *memtable = open_memtable();
    art_int128 sum[ART_SUMMARY_MAX] = {7};
    set(memtable, "a", "value", 0);
    art_memtable_sums(memtable, text("b"), sum);
    ck_assert(sum[0] == 7 && !sum[1]);
    art_memtable_unref(memtable);
}

TEST(test_a_key_over_the_limit_is_refused) {
    struct art_memtable *memtable = open_memtable();
    uint8_t *key = calloc(1, ART_KEY_MAX + 1);
    struct art_entry entry = put("x", 1, 0);
    must(art_memtable_set(memtable, art_bytes(key, ART_KEY_MAX), &entry));
    ck_assert_int_eq(art_memtable_set(memtable, art_bytes(key, ART_KEY_MAX + 1), &entry), ART_TOOBIG);
    ck_assert_uint_eq(art_memtable_keys(memtable), 1);
    free(key);
    art_memtable_unref(memtable);
}

TEST(test_a_value_can_be_set_from_the_memtable_itself) {
    struct art_memtable *memtable = open_memtable();
    struct art_entry entry;
    set(memtable, "from", "carried over", 0);
    must(art_memtable_get(memtable, text("from"), &entry));
    must(art_memtable_set(memtable, text("to"), &entry));
    must(art_memtable_set(memtable, text("from"), &entry));
    must(art_memtable_get(memtable, text("to"), &entry));
    ck_assert(art_bytes_equal(entry.value, text("carried over")));
    check(memtable);
    art_memtable_unref(memtable);
}

TEST(test_a_key_is_noted_once_between_two_marks) {
    struct art_memtable *memtable = open_memtable();
    set(memtable, "a", "0", 0);
    uint64_t after_insert = art_memtable_savepoint(memtable);
    for (int i = 0; i < 100; i++) set(memtable, "a", "1", 0);
    ck_assert_uint_eq(art_memtable_savepoint(memtable), after_insert + 1);
    for (int i = 0; i < 100; i++) set(memtable, "a", "2", 0);
    ck_assert_uint_eq(art_memtable_savepoint(memtable), after_insert + 2);
    art_memtable_rollback(memtable, after_insert + 1);
    set(memtable, "a", "3", 0); /* a mark outlives a rollback to it: noted anew */
    art_memtable_rollback(memtable, after_insert + 1);
    struct art_entry entry;
    must(art_memtable_get(memtable, text("a"), &entry));
    ck_assert(art_bytes_equal(entry.value, text("1")));
    check(memtable);
    art_memtable_unref(memtable);
}

TEST(test_values_stay_where_they_are_until_the_last_reference_goes) {
    struct art_memtable *memtable = open_memtable();
    struct art_memtable *kept = art_memtable_ref(memtable);
    struct art_entry inserted, changed, found;
    set(memtable, "a", "first", 0);
    art_memtable_get(memtable, text("a"), &inserted);
    uint64_t mark = art_memtable_savepoint(memtable);
    set(memtable, "a", "second", 0);
    art_memtable_get(memtable, text("a"), &changed);
    set(memtable, "b", "third", 0);
    art_memtable_get(memtable, text("b"), &found);
    art_memtable_rollback(memtable, mark);
    art_memtable_rollback(memtable, 0);
    char key[16];
    for (int i = 0; i < 1000; i++) {
        sprintf(key, "%d", i);
        set(memtable, key, "something else", 0);
    }
    art_memtable_unref(memtable);
    ck_assert(art_bytes_equal(inserted.value, text("first")));
    ck_assert(art_bytes_equal(changed.value, text("second")));
    ck_assert(art_bytes_equal(found.value, text("third")));
    art_memtable_unref(kept);
}

TEST(test_behind_all_bytes_of_an_arena_there_are_more_to_read) {
    struct art_arena arena;
    art_arena_init(&arena);
    for (size_t taken = 0; taken < 20000; taken += 40) { /* large ones have a chunk of their own */
        size_t bytes = taken % 1000 ? 40 : 1000 + taken;
        uint8_t *at = art_arena_take(&arena, bytes);
        ck_assert_ptr_nonnull(at);
        memset(at, 1, bytes);
        for (int i = 0; i < ART_KEY_PADDING; i++) (void)*(volatile uint8_t *)(at + bytes + i);
    }
    art_arena_clear(&arena);
    art_arena_init(&arena);
    ck_assert_ptr_nonnull(art_arena_take(&arena, 8));
    ck_assert_uint_le(8 + arena.bytes.left + ART_KEY_PADDING, arena.allocated - 2 * sizeof(size_t));
    art_arena_clear(&arena);
}

TEST(test_garbage_is_counted_and_compact_leaves_none) {
    struct art_memtable *memtable = open_memtable(), *compact;
    char value[200];
    memset(value, 'v', sizeof value);
    struct art_entry entry = {.value = art_bytes(value, sizeof value), .csn = 5};
    for (int i = 0; i < 500; i++) {
        uint32_t key = (uint32_t)(i % 50);
        must(art_memtable_set(memtable, art_bytes(&key, sizeof key), &entry));
    }
    ck_assert_uint_ge(art_memtable_garbage(memtable), 450 * sizeof value);
    must(art_memtable_compact(memtable, &compact));
    ck_assert_uint_lt(art_memtable_garbage(compact), 50 * sizeof value / 4);
    ck_assert_uint_lt(art_memtable_memory(compact), art_memtable_memory(memtable) / 2);
    ck_assert_uint_eq(art_memtable_bytes(compact), art_memtable_bytes(memtable));
    ck_assert(!art_memtable_dirty(compact));
    check(compact);
    art_memtable_unref(memtable);
    art_memtable_unref(compact);
}

static unsigned newer(struct art_memtable *memtable, uint64_t than) {
    struct art_memtable_cursor cursor;
    unsigned seen = 0;
    art_memtable_cursor_init(&cursor, memtable);
    must(art_memtable_cursor_newer(&cursor, memtable, than));
    must(art_memtable_first(&cursor));
    for (; cursor.valid; seen++) must(art_memtable_next(&cursor));
    art_memtable_cursor_clear(&cursor);
    return seen;
}

TEST(test_a_walk_for_what_is_newer_passes_over_the_rest) {
    struct art_memtable *memtable = open_memtable();
    char name[] = "dir/00000";
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "dir/%05u", i);
        set(memtable, name, "1", 0);
    }
    ck_assert_uint_eq(newer(memtable, 0), 5000);
    ck_assert_uint_eq(newer(memtable, 1), 0);
    art_memtable_forget_undo(memtable);
    static const char *const changed[] = {"dir/00007", "dir/02000", "dir/02001", "dir/04999", "new", "dir/02001/x"};
    struct art_entry entry = put("2", 2, 0);
    for (unsigned i = 0; i < 6; i++) {
        must(art_memtable_set(memtable, text(changed[i]), &entry));
        ck_assert_uint_eq(newer(memtable, 1), i + 1);
    }
    check(memtable);
    set(memtable, "newcomer", "1", 0); /* an old entry comes late, and has the node above a new one split, */
    ck_assert_uint_eq(newer(memtable, 1), 6);
    for (char c = 'a'; c < 'e'; c++) {
        char wide[] = {'w', c, 0};
        must(art_memtable_set(memtable, text(wide), &entry));
    }
    set(memtable, "we", "1", 0); /* or grow */
    ck_assert_uint_eq(newer(memtable, 1), 10);
    check(memtable);
    art_memtable_rollback(memtable, 0); /* nodes may say more than there is, and the walk ends all the same */
    ck_assert_uint_eq(newer(memtable, 1), 0);
    ck_assert_uint_eq(newer(memtable, 0), 5000);
    check(memtable);
    art_memtable_unref(memtable);
}

/* --- against the model -------------------------------------------------------------------------------------------- */

CASE("model", .seconds = 600)

LOOP_TEST(test_a_memtable_agrees_with_an_array, KEY_FAMILIES *MODEL_KINDS) {
    struct random random = random_announced("a memtable");
    uint32_t chosen = 0, walked = 0;
    random.state += (unsigned)_i;
    for (unsigned rounds = random_rounds(6); rounds; rounds--) {
        if (!random_span(&random)) continue;
        struct memtable_model model;
        memtable_model_init(&model, _i / MODEL_KINDS, _i % MODEL_KINDS,
                            1 + random_below(&random, random_once_in(&random, 3) ? 600 : 150), &random);
        for (int steps = 1; steps <= 1200; steps++) {
            if (!random_span(&random)) continue;
            memtable_model_step(&model);
            if (steps % 4 == 0) memtable_model_look(&model);
            if (steps % 40 == 0) memtable_model_compare(&model, 20);
        }
        memtable_model_roll_back(&model, 0);
        memtable_model_compare(&model, 20);
        chosen += model.chosen;
        walked += model.walked;
        memtable_model_clear(&model);
    }
    printf("%u lookups, and %u where there were too many\n", chosen, walked);
    if (_i % MODEL_KINDS == MODEL_LOOKUPS) ck_assert_uint_gt(chosen, 20);
}

/* All that one byte can be, at two levels: every type of node, filled and emptied again. Nodes that grow take sums and
 * zones along; those that are taken apart give them back. */
LOOP_TEST(test_nodes_of_every_size_fill_and_empty, MODEL_KINDS) {
    struct random random = random_announced("nodes of every size");
    struct memtable_model model;
    memtable_model_init(&model, KEYS_WIDE, _i, _i == MODEL_PLAIN ? 6000 : 3000, &random);
    for (int times = 0; times < 3; times++) {
        for (uint32_t i = 0; i < model.set.count; i++) {
            memtable_model_set_at(&model, (uint32_t)((i * 7919ull) % model.set.count));
            if (i % 100 == 0) memtable_model_look(&model);
        }
        memtable_model_compare(&model, 100);
        memtable_model_roll_back(&model, 0);
        memtable_model_compare(&model, 10);
        ck_assert_uint_eq(art_memtable_keys(model.memtable), 0);
    }
    memtable_model_clear(&model);
}

/* Hints of what was overwritten are dropped at some time, and made again. */
TEST(test_one_key_that_is_written_very_often_is_looked_up) {
    struct random random = random_announced("often");
    struct memtable_model model;
    memtable_model_init(&model, KEYS_DENSE, MODEL_LOOKUPS, 300, &random);
    for (unsigned i = 0; i < 60000; i++) {
        memtable_model_set(&model);
        if (i % 500 == 0) memtable_model_compare(&model, 4);
    }
    ck_assert_uint_lt(art_memtable_keys(model.memtable), 400);
    memtable_model_clear(&model);
}

static enum art_rc stop_at_once(void *context, const struct art_memtable_part *part) {
    int *calls = context;
    return ++*calls == 2 ? ART_NOTFOUND : ART_OK;
}

TEST(test_a_visit_ends_where_the_visitor_says_so) {
    struct random random = {1};
    struct memtable_model model;
    struct art_bytes low = art_bytes(NULL, 0), high = text("z");
    int calls = 0;
    memtable_model_init(&model, KEYS_WIDE, MODEL_SUMMED, 200, &random);
    must(art_memtable_visit(model.memtable, 0, 0, false, low, high, stop_at_once, &calls));
    ck_assert_int_eq(calls, 0);
    for (int i = 0; i < 300; i++) memtable_model_set(&model);
    calls = 1;
    ck_assert_int_eq(art_memtable_visit(model.memtable, 0, 0, false, low, high, stop_at_once, &calls), ART_NOTFOUND);
    ck_assert_int_eq(calls, 2);
    memtable_model_clear(&model);
}

/* --- nesting ------------------------------------------------------------------------------------------------------ */

/* Every prefix of one key, from the longest down or from the shortest up. */
static void nest(bool downward) {
    const uint32_t levels = 3000 * random_scale() < ART_KEY_MAX ? 3000 * random_scale() : ART_KEY_MAX;
    struct art_memtable *memtable = open_memtable();
    uint8_t *key = malloc(levels);
    memset(key, 'a', levels);
    struct art_entry entry = put("v", 1, 0);
    for (uint32_t i = 0; i <= levels; i++) {
        uint32_t len = downward ? levels - i : i;
        HOLDS(art_memtable_set(memtable, art_bytes(key, len), &entry) == ART_OK);
    }
    check(memtable);
    ck_assert_int_eq(art_memtable_rank(memtable, art_bytes(key, levels)), levels);
    struct art_memtable_cursor cursor;
    art_memtable_cursor_init(&cursor, memtable);
    uint32_t seen = 0;
    must(art_memtable_first(&cursor));
    for (; cursor.valid; seen++) {
        HOLDS(cursor.key.len == seen);
        HOLDS(art_memtable_next(&cursor) == ART_OK);
    }
    ck_assert_uint_eq(seen, levels + 1);
    must(art_memtable_last(&cursor));
    art_memtable_cursor_clear(&cursor);
    art_memtable_rollback(memtable, 0);
    ck_assert_uint_eq(art_memtable_keys(memtable), 0);
    check(memtable);
    art_memtable_unref(memtable);
    free(key);
}

TEST(test_keys_nest_as_deep_as_they_are_long) {
    nest(true);
    nest(false);
}

/* --- memory that runs out ----------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_set_without_memory_changes_nothing, KEY_FAMILIES) {
    struct random random = random_announced("set without memory");
    struct memtable_model model;
    int64_t failures = 0;
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    memtable_model_init(&model, _i, _i % MODEL_KINDS, 100, &random); /* one filter */
    for (int i = 0; i < 300; i++) {
        uint32_t at = random_below(&random, model.set.count);
        struct memtable_cell cell = memtable_model_random_cell(&model, at);
        if (cell.more && random_once_in(&random, 3)) cell.more = random_below(&random, 5000);
        int rc = ART_NOMEM;
        for (int good = 0; rc; good++) {
            struct art_entry entry = memtable_cell_entry(&cell);
            short_memory_fail_after(good);
            rc = art_memtable_set(model.memtable, model.set.keys[at], &entry);
            failures += short_memory_failures();
            ck_assert_int_eq(rc, short_memory_failures() ? ART_NOMEM : ART_OK);
            short_memory_fail_after(-1);
            if (rc) memtable_model_compare(&model, 0);
            ck_assert_int_lt(good, 10);
        }
        model.cells[at] = cell;
        if (random_once_in(&random, 20)) art_memtable_savepoint(model.memtable);
    }
    ck_assert_int_gt(failures, 0);
    memtable_model_compare(&model, 20);
    short_memory_fail_after(0);
    memtable_model_roll_back(&model, 0); /* needs none */
    art_memtable_forget_undo(model.memtable);
    short_memory_fail_after(-1);
    memtable_model_compare(&model, 0);
    memtable_model_clear(&model);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

TEST(test_a_lookup_without_memory_loses_no_key) {
    struct random random = random_announced("lookup without memory");
    struct memtable_model model;
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    memtable_model_init(&model, KEYS_DIRECTORIES, MODEL_LOOKUPS, 300, &random);
    for (unsigned i = 0; i < 200; i++) memtable_model_set(&model);
    for (int allowed = 0; allowed < 12; allowed++) {
        struct art_limits limits;
        struct art_memtable_cursor cursor;
        memtable_model_random_limits(&model, &limits);
        art_memtable_cursor_init(&cursor, model.memtable);
        short_memory_fail_after(allowed);
        int rc = art_memtable_cursor_choose(&cursor, model.memtable, &limits);
        short_memory_fail_after(-1);
        ck_assert(rc == ART_OK || rc == ART_NOMEM);
        art_memtable_cursor_clear(&cursor);
        memtable_model_compare(&model, 4);
        for (unsigned i = 0; i < 40; i++) memtable_model_set(&model);
        memtable_model_compare(&model, 4);
    }
    memtable_model_clear(&model);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

TEST(test_reading_and_copying_without_memory_fail_cleanly) {
    short_memory_use();
    int64_t blocks = short_memory_blocks();
    struct art_memtable *memtable, *copy;
    short_memory_fail_after(0);
    ck_assert_int_eq(art_memtable_open(&memtable), ART_NOMEM);
    short_memory_fail_after(-1);
    memtable = open_memtable();
    char key[300];
    memset(key, 'n', sizeof key);
    struct art_entry entry = put("v", 1, 0);
    for (uint32_t len = 0; len < sizeof key; len++) {
        must(art_memtable_set(memtable, art_bytes(key, len), &entry));
    }
    int rc = ART_NOMEM;
    int good = 0;
    for (; rc; good++) {
        short_memory_fail_after(good);
        rc = art_memtable_compact(memtable, &copy);
        ck_assert(rc == ART_OK || (rc == ART_NOMEM && !copy));
    }
    ck_assert_int_gt(good, 3);
    art_memtable_unref(copy);
    struct art_memtable_cursor cursor;
    for (good = 0, rc = ART_NOMEM; rc; good++) {
        art_memtable_cursor_init(&cursor, memtable);
        short_memory_fail_after(good);
        rc = art_memtable_last(&cursor);
        ck_assert_int_eq(cursor.valid, !rc);
        art_memtable_cursor_clear(&cursor);
        short_memory_fail_after(good);
        ck_assert_int_eq(art_memtable_seek_ge(&cursor, art_bytes(key, 299)), rc);
        art_memtable_cursor_clear(&cursor);
    }
    ck_assert_int_gt(good, 2);
    short_memory_fail_after(-1);
    art_memtable_unref(memtable);
    ck_assert_int_eq(short_memory_blocks(), blocks);
    art_alloc_use(NULL);
}

SUITE("memtable")
