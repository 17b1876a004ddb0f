/* A partial compaction writes what it changes: blobs of the run below that no entry falls into keep their slots, and it
 * stays small however far its keys spread.
 *
 * Tiny blobs, so that a few ten thousand rows make a run of hundreds of them. This program chooses what is merged
 * (core/tree/state/hooks.h).
 */
#include "tests/support/short_memory.h"
#include "tests/support/small_tree.h"
#include "tests/support/toy_codec.h"

enum { PAGES = 3, ROWS = 120000, SLICE_MOST = 16 };

static struct { /* of all partial compactions since the world was made */
    unsigned compactions, cut /* that left the run above where it was */;
    uint64_t most_pages; /* written by one */
    uint64_t merged;     /* pages that had to be read */
} watched;

static bool no_merges;

/* The policy of merges waits until runs are large. Here every run is given to the one below at once. */
static enum art_rc merge_at_once(struct art_tree *of, struct art_version_edit *edit) {
    enum art_rc rc = ART_OK;
    while (!rc && !no_merges && edit->root->runs > 1) {
        uint64_t before = edit->pages_written, merged = edit->pages_merged;
        unsigned runs = edit->root->runs;
        rc = art_compact_partially(of, edit, 0);
        uint64_t written = edit->pages_written - before;
        watched.compactions++;
        watched.merged += edit->pages_merged - merged;
        watched.cut += edit->root->runs == runs;
        if (watched.most_pages < written) watched.most_pages = written;
    }
    return rc;
}

static struct art_bytes key_of(unsigned i) {
    static char text[40];
    return art_bytes(text, (uint32_t)sprintf(text, "dir-%03u/file-%06u", i / 1000, i));
}

static void put_row(unsigned i, const char *value) {
    put_at(key_of(i), art_bytes(value, 20));
}

/* Even numbers are there from the beginning, in one run. */
static void make_world(void) {
    art_test_hooks.merge = merge_at_once;
    small_tree_make_of(
        false, (struct art_tree_options){
                   .cache_bytes = 64 << 20, .log_limit = 64 << 20, .spill_limit = 64 << 20, .blob_pages = PAGES});
    for (unsigned i = 0; i < ROWS; i += 2) put_row(i, "as it was made first");
    flush();
    optimize();
    ck_assert_uint_eq(tree->root->runs, 1);
    memset(&watched, 0, sizeof watched);
}

static void end_world(void) {
    must(art_tree_check(tree));
    small_tree_end();
}

static enum art_rc note_slot(void *context, const struct art_ref *ref) {
    return ref->height ? ART_OK : art_slot_set_add(context, ref->slot);
}

/* Slots of the leaf blobs of the last run. */
static struct art_slot_set leaves(void) {
    struct art_slot_set slots = {0};
    must(art_run_each_ref(tree->store, &tree->root->run[tree->root->runs - 1], note_slot, &slots));
    return slots;
}

static unsigned common(const struct art_slot_set *a, const struct art_slot_set *b) {
    unsigned n = 0;
    for (uint32_t slot = art_slot_set_next(a, 0); slot != UINT32_MAX; slot = art_slot_set_next(a, slot + 1)) {
        n += art_slot_set_has(b, slot);
    }
    return n;
}

static uint8_t room[ART_VALUE_INLINE_MAX]; /* for values out of blocks */

static void expect(unsigned i, const char *value) {
    struct art_row row;
    int rc = art_tree_get(tree, key_of(i), &row);
    if (!value) {
        ck_assert_int_eq(rc, ART_NOTFOUND);
        return;
    }
    must(rc);
    struct art_bytes stored = art_stored_plain(&row.stored, room);
    ck_assert_uint_eq(stored.len, 20);
    ck_assert_msg(!memcmp(stored.data, value, 20), "row %u: %.20s", i, (const char *)stored.data);
    art_row_release(&row);
}

static void expect_count(unsigned count) {
    ck_assert_uint_eq(rows(), count);
}

TEST(test_blobs_between_two_far_ends_keep_their_slots) {
    struct art_slot_set before = leaves();
    uint32_t blobs = art_slot_set_count(&before, 0, UINT32_MAX);
    ck_assert_uint_gt(blobs, 100);
    for (unsigned i = 0; i < 7; i++) {
        put_row(1 + 2 * i, "new at the beginning");
        put_row(ROWS / 8 + 1 + 2 * i, "new near the begin..");
        put_row(ROWS - 1 - 2 * i, "and new at the end..");
    }
    flush();
    struct art_slot_set after = leaves();
    unsigned kept = common(&before, &after);
    printf("partial compaction: of %u blobs %u kept their slots through %u compactions; %llu pages at most for one\n",
           blobs, kept, watched.compactions, (unsigned long long)watched.most_pages);
    ck_assert_uint_eq(watched.compactions, 2); /* the end is too far away for one */
    ck_assert_uint_ge(kept + 9, blobs);        /* three, each with two neighbours at most */
    for (unsigned i = 0; i < 7; i++) {
        expect(1 + 2 * i, "new at the beginning");
        expect(ROWS / 8 + 1 + 2 * i, "new near the begin..");
        expect(ROWS - 1 - 2 * i, "and new at the end..");
    }
    expect_count(ROWS / 2 + 21);
    art_slot_set_clear(&before);
    art_slot_set_clear(&after);
}

TEST(test_rows_all_over_the_run_below_are_given_in_small_parts) {
    for (unsigned i = 1; i < ROWS; i += 300) put_row(i, "one here, one there ");
    for (unsigned i = 0; i < ROWS; i += 3000) {
        take_at(key_of(i));
    }
    flush();
    printf("partial compaction: %u compactions, %u of them a part of a run; %llu pages at most for one\n",
           watched.compactions, watched.cut, (unsigned long long)watched.most_pages);
    ck_assert_uint_gt(watched.cut, 3);
    /* its own blobs again, the groups' with a half more for splits, the index blobs over them */
    ck_assert_uint_le(watched.most_pages, 3 * SLICE_MOST * PAGES);
    for (unsigned i = 1; i < ROWS; i += 300) expect(i, "one here, one there ");
    for (unsigned i = 0; i < ROWS; i += 3000) expect(i, NULL);
    expect(2, "as it was made first");
    expect_count(ROWS / 2 + ROWS / 300 - ROWS / 3000);
}

/* Deletes of a blob's rows and of a few beside it: only the blobs at both ends are merged. */
TEST(test_blobs_whose_rows_are_all_deleted_go_unread) {
    enum { FROM = 20000, TO = 90000 };
    struct art_slot_set before = leaves();
    uint32_t blobs = art_slot_set_count(&before, 0, UINT32_MAX);
    for (unsigned i = FROM; i < TO; i += 2) take_at(key_of(i));
    flush();
    struct art_slot_set after = leaves();
    uint32_t left = art_slot_set_count(&after, 0, UINT32_MAX), own = (TO - FROM) / 2 * 24 / (PAGES * ART_BLOB_PAGE);
    printf(
        "partial compaction: %u of %u blobs left after %u compactions; %llu pages merged, %llu pages at most for one\n",
        left, blobs, watched.compactions, (unsigned long long)watched.merged, (unsigned long long)watched.most_pages);
    ck_assert_uint_le(left, blobs - (TO - FROM) / (ROWS / blobs) + 2);
    ck_assert_uint_lt(watched.merged, (own + own / 2) * PAGES);
    ck_assert_uint_lt(watched.most_pages, 10 * PAGES);
    for (unsigned i = FROM; i < TO; i += 2) expect(i, NULL);
    expect(FROM - 2, "as it was made first");
    expect(TO, "as it was made first");
    expect_count((ROWS - (TO - FROM)) / 2);
    art_slot_set_clear(&before);
    art_slot_set_clear(&after);
}

/* As many entries as it has rows fall into a blob, and not all of them are deletes. */
TEST(test_a_blob_of_which_one_row_was_only_changed_is_merged) {
    for (unsigned i = 0; i < ROWS; i += 2) {
        if (i % 600)
            take_at(key_of(i));
        else
            put_row(i, "it was only changed.");
    }
    flush();
    for (unsigned i = 0; i < ROWS; i += 2) expect(i, i % 600 ? NULL : "it was only changed.");
    expect_count(ROWS / 600);
}

static enum art_rc note_rows(void *context, const struct art_ref *ref) {
    unsigned **rows = context; /* of the next leaf blob */
    if (!ref->height) *(*rows)++ = (unsigned)ref->entries;
    return ART_OK;
}

/* What a run hides counts as its size (core/tree/run/hidden.c). */
TEST(test_new_rows_hide_nothing_and_deletes_hide_what_they_delete) {
    uint32_t hidden;
    no_merges = true;
    for (unsigned i = 1; i < ROWS; i += 2) put_row(i, "it is a new row here");
    flush();
    struct art_root *root = tree->root;
    must(art_runs_hide_much(tree, root, &hidden));
    ck_assert_uint_eq(root->runs, 2);
    ck_assert_uint_eq(root->run[0].shadowed, 0);
    for (unsigned i = 0; i < ROWS; i += 4) take_at(key_of(i));
    flush();
    root = tree->root;
    must(art_runs_hide_much(tree, root, &hidden));
    ck_assert_uint_eq(root->runs, 3);
    uint64_t half = root->run[2].pages / 2;
    ck_assert_uint_ge(root->run[0].shadowed, half - half / 4);
    ck_assert_uint_le(root->run[0].shadowed, half + half / 10);
    ck_assert_uint_ge(hidden, (half - half / 4) / PAGES);
    no_merges = false;
}

/* The deletes of a blob's rows may be the last entries of their own blob, and what was added behind these rows begins
 * another one: with so large rows, here and there it does. */
TEST(test_rows_added_behind_blobs_whose_rows_are_deleted_stay) {
    enum { LARGE = 4000, BLOBS = 2000 };
    static char large[LARGE];
    static unsigned rows[BLOBS], *end = rows;
    struct art_row row;
    unsigned first = 0, deleted = 0, added = 0;
    must(art_run_each_ref(tree->store, &tree->root->run[0], note_rows, &end));
    memset(large, 'x', sizeof large);
    for (unsigned *blob = rows; blob < end; first += 2 * *blob++) {
        if ((blob - rows) % 2 == 0) continue;
        for (unsigned i = 0; i < *blob; i++) take_at(key_of(first + 2 * i));
        unsigned behind = first + 2 * *blob - 1;
        put_at(key_of(behind), art_bytes(large, LARGE));
        deleted += *blob;
        added++;
    }
    flush();
    expect_count(ROWS / 2 - deleted + added);
    first = 0;
    for (unsigned *blob = rows; blob < end; first += 2 * *blob++) {
        expect(first, (blob - rows) % 2 ? NULL : "as it was made first");
        if ((blob - rows) % 2 == 0) continue;
        must(art_tree_get(tree, key_of(first + 2 * *blob - 1), &row));
        ck_assert_uint_eq(art_stored_plain(&row.stored, room).len, LARGE);
        art_row_release(&row);
    }
    end = rows;
}

/* The run between has as many entries as deletes fall into it, and hides rows of the last run by itself. */
TEST(test_deletes_over_a_run_between_hide_the_rows_of_the_last_one) {
    no_merges = true;
    for (unsigned i = 0; i < ROWS / 2; i += 2) put_row(i, "it was changed once.");
    flush();
    for (unsigned i = 0; i < ROWS / 2; i += 2) take_at(key_of(i));
    no_merges = false;
    flush();
    ck_assert_uint_eq(tree->root->runs, 1);
    expect_count(ROWS / 4);
    for (unsigned i = 0; i < ROWS; i += 2) expect(i, i < ROWS / 2 ? NULL : "as it was made first");
}

/* Far apart, so that inputs are cut and rests are built: each allocation fails in turn. */
TEST(test_a_partial_compaction_without_memory_leaves_all_as_it_was) {
    unsigned tried = 0;
    short_memory_use();
    make_world();
    for (int64_t n = 0; watched.cut < 2; n += 1 + n / 16) {
        struct art_commit done;
        for (unsigned i = 1; i < ROWS; i += 3000) put_row(i, "one here, one there ");
        must(art_tree_request(tree, ART_REQUEST_FLUSH));
        memset(&watched, 0, sizeof watched);
        short_memory_fail_once(n);
        int rc = art_tree_prepare(tree, &done);
        bool failed = short_memory_failures() > 0;
        short_memory_fail_after(-1);
        if (!failed) {
            must(rc);
            ck_assert_uint_ge(watched.cut, 2);
            toy_write(toy, &done);
            art_tree_committed(tree);
            break;
        }
        tried++;
        if (rc) {
            ck_assert_int_eq(rc, ART_NOMEM);
            roll_back();
            expect_count(ROWS / 2);
            watched.cut = 0;
        } else { /* what could wait was left for later */
            toy_write(toy, &done);
            art_tree_committed(tree);
            must(toy_refresh(toy, tree));
            for (unsigned i = 1; i < ROWS; i += 3000) {
                expect(i, "one here, one there ");
                take_at(key_of(i));
            }
            flush();
            expect_count(ROWS / 2);
            watched.cut = 0;
        }
        must(art_tree_check(tree));
    }
    printf("partial compaction: %u allocations failed\n", tried);
    ck_assert_uint_gt(tried, 50);
    must(toy_refresh(toy, tree));
    expect_count(ROWS / 2 + ROWS / 3000);
}

/* Blobs die whole, or all but a row, or with a new row among theirs. */
static void delete_stretch(struct random *random, char *rows) {
    unsigned from = random_below(random, ROWS), end = from + random_below(random, 12000);
    if (end > ROWS) end = ROWS;
    for (unsigned i = from; i < end; i++) {
        unsigned chance = random_below(random, 4000);
        if (chance == 1) continue;
        if (!rows[i] && chance) continue;
        rows[i] = chance ? 0 : 'n';
        if (chance) take_at(key_of(i));
        if (!chance) put_row(i, "new among deleted ..");
    }
}

/* Keys of some neighbourhoods, or from everywhere; the rows as they should be are one character each. */
LOOP_TEST(test_random_rows_given_down_are_what_was_written, 2) {
    static const char kinds[] = "abcdefgh";
    uint64_t seed = random_seed();
    struct random random = {seed};
    char *rows = calloc(1, ROWS), value[] = "which was written by";
    toy_codec_lend(_i);
    make_world();
    for (unsigned i = 0; i < ROWS; i += 2) rows[i] = 'a';
    printf("partial compaction: seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 12 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        unsigned places = 1 + random_below(&random, 5), wide = 1u << random_below(&random, 17);
        for (unsigned place = 0; place < places; place++) {
            unsigned from = random_below(&random, ROWS), n = random_below(&random, 600);
            bool deletes = random_once_in(&random, 3);
            for (; n; n--) {
                unsigned i = (from + random_below(&random, wide)) % ROWS;
                rows[i] = deletes ? 0 : kinds[random_below(&random, 8)];
                value[0] = rows[i];
                if (deletes) take_at(key_of(i));
                if (!deletes) put_row(i, value);
            }
        }
        if (random_once_in(&random, 3)) delete_stretch(&random, rows);
        flush();
        must(art_tree_check(tree));
    }
    unsigned count = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        struct art_row row;
        int rc = art_tree_get(tree, key_of(i), &row);
        ck_assert_msg(rc == (rows[i] ? ART_OK : ART_NOTFOUND), "ART_TEST_SEED=%llu: row %u", (unsigned long long)seed,
                      i);
        if (!rows[i]) continue;
        struct art_bytes stored = art_stored_plain(&row.stored, room);
        ck_assert_msg(stored.data[0] == rows[i], "ART_TEST_SEED=%llu: row %u", (unsigned long long)seed, i);
        art_row_release(&row);
        count++;
    }
    expect_count(count);
    printf("partial compaction: %u compactions, %u of them a part of a run; %llu pages at most for one; %u rows\n",
           watched.compactions, watched.cut, (unsigned long long)watched.most_pages, count);
    ck_assert_uint_le(watched.most_pages, 3 * SLICE_MOST * PAGES);
    free(rows);
}

SUITE("partial compaction", .seconds = 120, .set_up = make_world, .tear_down = end_world)
