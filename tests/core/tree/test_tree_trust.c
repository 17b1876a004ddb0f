/* Reads by number and by prefix, and merges, over blobs that lie: their hashes are right, what they hold was changed.
 *
 * Hashes keep out what was not written by the database's own root. A writer of both can let sums, directories, keys
 * and references say anything; then an answer may be wrong, or an error, but no call may loop, crash, or read where
 * nothing is.
 */
#include "tests/support/blob_model.h"
#include "tests/support/small_tree.h"

enum { ROWS = 2500 };

/* Several runs, with deletes over rows of older ones, one of them with an index, and some rows in the log. */
static void make_world(uint64_t seed) {
    struct random random = {seed};
    small_tree_make_of(false,
                       (struct art_tree_options){.cache_bytes = 16 << 20, .spill_limit = 1 << 20, .blob_pages = 4});
    for (int part = 0; part < 4; part++) {
        for (int i = 0; i < (part ? ROWS / 8 : ROWS); i++) {
            char text[60];
            uint32_t n = (uint32_t)sprintf(text, "/%s/%u/%u", i % 2 ? "users" : "api", random_below(&random, 40),
                                           random_below(&random, 60));
            struct art_bytes key = art_bytes(text, n);
            if (part && random_once_in(&random, 2))
                take_at(key);
            else
                put_at(key, art_bytes(text, n));
        }
        if (part < 3) must(art_tree_request(tree, ART_REQUEST_FLUSH));
        commit();
    }
    ck_assert_uint_ge(tree->root->runs, 2);
    ck_assert_uint_ge(tree->root->run[tree->root->runs - 1].top.height, 1);
    must(art_tree_check(tree));
}

/* One of the sums between the first and the last. */
static void lie_in_sums(uint8_t *slot, struct random *random) {
    const struct art_blob_trailer *trailer = art_blob_trailer(slot);
    if (!(trailer->flags & ART_BLOB_SUMS) || trailer->buckets < 2) return;
    uint32_t bucket = 1 + random_below(random, trailer->buckets - 1);
    uint8_t *sum = slot + art_trailer_parts(trailer).begin[ART_PART_WEIGHTS] + 8 * bucket;
    uint64_t lie = random_once_in(random, 10) ? random_next(random) : (uint64_t)random_below(random, 200) - 100;
    art_store64(sum, art_load64(sum) + lie);
}

/* A byte where something stands. */
static void lie_in_page(uint8_t *page, uint32_t room, struct random *random) {
    uint32_t place = random_below(random, room);
    for (uint32_t i = 0; i < room; i++) {
        uint8_t *at = page + (place + i) % room;
        if (!*at) continue;
        *at = random_once_in(random, 2) ? (uint8_t)(*at + 1) : (uint8_t)random_next(random);
        return;
    }
}

/* Which bucket a key belongs to. */
static void lie_in_routing(uint8_t *slot, struct art_ref *top, struct random *random) {
    const struct art_blob_trailer *trailer = art_blob_trailer(slot);
    struct art_parts parts = art_trailer_parts(trailer);
    uint32_t room = art_min32(parts.begin[ART_PART_NODES + 1] - parts.begin[ART_PART_NODES], 60);
    for (int n = 2; n--;) slot[parts.begin[ART_PART_NODES] + random_below(random, room)] = (uint8_t)random_next(random);
    blob_image_rehash(slot, top);
}

/* Changes something in a run's top blob, and all hashes with it. */
static void lie(uint8_t *slot, struct art_ref *top, struct random *random) {
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(slot + ART_TRAILER_AT);
    for (uint32_t n = 1 + random_below(random, 2); n--;) {
        uint32_t footer = ART_BLOB_PAGES - 1 - random_below(random, top->footer_pages);
        uint32_t room = footer == ART_BLOB_PAGES - 1 ? ART_BLOB_PAGE - (uint32_t)sizeof *trailer : ART_BLOB_PAGE;
        uint32_t kind = random_below(random, 12);
        if (kind < 5)
            lie_in_sums(slot, random);
        else if (kind < 11)
            lie_in_page(slot + (size_t)random_below(random, top->leaf_pages) * ART_BLOB_PAGE, ART_BLOB_PAGE, random);
        else
            lie_in_page(slot + (size_t)footer * ART_BLOB_PAGE, room, random);
    }
    if (random_once_in(random, 20)) top->count = trailer->count = -(int64_t)random_below(random, 50);
    blob_image_rehash(slot, top);
}

static unsigned answers, errors;

static void note(int rc) {
    ck_assert_msg(rc == ART_OK || rc == ART_NOTFOUND || rc == ART_CORRUPT, "%s: %s", art_error_name(rc),
                  art_error_message());
    if (rc == ART_CORRUPT)
        errors++;
    else
        answers++;
}

static void ask(struct art_tree *tree, struct random *random) {
    static const char *const paths[] = {"/api/7/12/x/y", "/users/33", "", "/zzz", "/", "/users/1/1"};
    for (int i = 0; i < 6; i++) {
        struct art_buffer out = {0};
        struct art_bytes path = art_bytes(paths[i], (uint32_t)strlen(paths[i]));
        note(art_tree_longest_prefix(tree, path, art_bytes("/", random_below(random, 2)), &out, NULL));
        art_buffer_clear(&out);
        struct art_range range = {.low = path, .low_set = true};
        uint64_t rows;
        art_tree_estimate(tree, &range, &rows);
        note(art_tree_count(tree, &range, &rows));
        struct art_cursor *cursor;
        must(art_cursor_open(tree, &cursor));
        int rc = art_cursor_seek(cursor, &range, random_below(random, 2));
        for (int steps = 0; !rc && steps < 6 && art_cursor_valid(cursor); steps++) {
            rc = art_cursor_skip(cursor, model_random_count(random, ROWS / 3));
        }
        note(rc);
        art_cursor_close(cursor);
    }
}

/* Slices from run to run, or all runs into one. Nothing of it is kept. */
static int merge(struct art_tree *tree, unsigned how) {
    struct art_version_edit edit = {0};
    int rc = art_tree_begin(tree);
    if (!rc) rc = art_edit_begin(tree, &edit);
    if (!rc && how == 2) rc = art_compact_all(tree, &edit, tree->memtable);
    while (!rc && edit.root->runs > 1) rc = art_compact_partially(tree, &edit, how ? 0 : edit.root->runs - 2);
    art_edit_discard(tree, &edit);
    art_tree_rolled_back(tree);
    return rc;
}

/* Many times: a tree is opened, the top blob of one of its runs changed, the tree asked, and the blob as it was. */
static void over_lies(const char *name, unsigned rounds,
                      void (*round)(uint8_t *slot, struct art_ref *top, struct random *random)) {
    static uint8_t saved[ART_BLOB_BYTES];
    struct random random = random_announced_with(name, random_seed());
    answers = errors = 0;
    make_world(random.state);
    for (; rounds; rounds--) {
        if (!random_span(&random)) continue;
        small_tree_again();
        uint64_t len;
        struct art_ref *top = &tree->root->run[random_below(&random, tree->root->runs)].top;
        uint64_t at = (uint64_t)top->slot * ART_BLOB_BYTES;
        uint8_t *slot = sim_disk_file_bytes(disk, options.path, &len) + at;
        memcpy(saved, slot, sizeof saved);
        round(slot, top, &random);
        memcpy(sim_disk_file_bytes(disk, options.path, &len) + at, saved, sizeof saved);
    }
    printf("%s: %u answers, %u errors\n", name, answers, errors);
}

static void lie_and_ask(uint8_t *slot, struct art_ref *top, struct random *random) {
    lie(slot, top, random);
    ask(tree, random);
}

TEST(test_lies_about_sums_keys_and_places_end_in_an_answer_or_an_error) {
    over_lies("lies", 1500 * random_scale(), lie_and_ask);
    ck_assert_uint_gt(answers, 100);
    ck_assert_uint_gt(errors, 100);
}

static void lie_and_merge(uint8_t *slot, struct art_ref *top, struct random *random) {
    if (random_once_in(random, 2))
        lie(slot, top, random);
    else
        lie_in_routing(slot, top, random);
    note(merge(tree, random_below(random, 3)));
}

TEST(test_a_merge_of_runs_that_lie_ends) {
    over_lies("merges", 600 * random_scale(), lie_and_merge);
    ck_assert_uint_gt(answers, 20);
    ck_assert_uint_gt(errors, 20);
}

SUITE("tree, trust", .seconds = 120, .tear_down = small_tree_end)
