/* The store as the tree sees it: blobs go in, come out verified, and nothing else ever comes out. In every I/O mode. */
#include "tests/support/store_world.h"

enum { BLOBS = 12, MB = 1 << 20 };

/* False: this machine does not have it. */
static bool in_mode(int i) {
    if (!store_place_open(&place, &io_modes[i], "test_store")) return false;
    store = store_open(&place, 64 * MB);
    return true;
}

/* ---- writing and reading ----------------------------------------------------------------------------------------- */

LOOP_TEST(test_what_was_written_is_read_back_by_another_connection, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob blobs[BLOBS];
    ck_assert_str_eq(store_stats_of(store).engine, "none");
    ck_assert_uint_eq(store_stats_of(store).file_bytes, 0);
    uint32_t slots;
    EXPECT_OK(art_store_write_begin(store, true, &slots));
    ck_assert_uint_eq(slots, 1);
    ck_assert(art_store_writing(store));
    for (unsigned i = 0; i < BLOBS; i++) {
        EXPECT_OK(store_write_new(store, &blobs[i], 1, i, 1 + i * 11 % 128));
        ck_assert_uint_eq(blobs[i].ref.slot, i + 1);
        if (i % 3 == 0) EXPECT_OK(store_read(store, &blobs[i])); /* while it is being written */
    }
    store_end(store);
    ck_assert(!art_store_writing(store));
    ck_assert_uint_eq(store_stats_of(store).file_bytes, (uint64_t)(BLOBS + 1) * ART_BLOB_SIZE);
    store_expect(store, blobs, BLOBS);
    struct art_store *other = store_open(&place, 64 * MB);
    store_expect(other, blobs, BLOBS);
    EXPECT_OK(art_store_check(other));
    art_store_close(other);
    art_store_close(store);
    store_nothing_cached();
    store = store_open(&place, 64 * MB); /* and after everything was closed */
    store_expect(store, blobs, BLOBS);
    ck_assert_uint_eq(store_stats_of(store).count.misses, BLOBS);
    ck_assert_uint_gt(store_stats_of(store).count.pages_read, 0);
}

LOOP_TEST(test_a_blob_that_is_held_costs_no_lock_and_no_read, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob blob;
    store_fill(store, true, &blob, 1, 20);
    struct art_blob *first, *again;
    EXPECT_OK(art_store_blob(store, &blob.ref, &first));
    struct art_store_stats before = store_stats_of(store);
    for (unsigned i = 0; i < 1000; i++) {
        EXPECT_OK(art_store_blob(store, &blob.ref, &again));
        ck_assert_ptr_eq(first, again);
        art_store_relax(store);
    }
    struct art_store_stats after = store_stats_of(store);
    ck_assert_uint_eq(after.count.hits, before.count.hits + 1000);
    ck_assert_uint_eq(after.count.misses, before.count.misses);
    ck_assert_uint_eq(after.count.pages_read, before.count.pages_read);
}

LOOP_TEST(test_peeking_reads_nothing_and_sees_only_what_is_held, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob blobs[2];
    struct art_store *other = store_open(&place, 64 * MB);
    store_fill(store, true, blobs, 2, 20);
    struct art_store_stats before = store_stats_of(other);
    ck_assert_ptr_null(art_store_peek(other, &blobs[0].ref));
    EXPECT_OK(store_read(other, &blobs[0]));
    struct art_store_stats after = store_stats_of(other);
    const struct art_blob *peeked = art_store_peek(other, &blobs[0].ref);
    ck_assert_ptr_nonnull(peeked);
    ck_assert_uint_eq(peeked->slot, blobs[0].ref.slot);
    ck_assert_ptr_null(art_store_peek(other, &blobs[1].ref));
    struct art_ref changed = blobs[0].ref;
    changed.hash.low++;
    ck_assert_ptr_null(art_store_peek(other, &changed));
    changed.slot = 100000;
    ck_assert_ptr_null(art_store_peek(other, &changed));
    ck_assert_uint_eq(store_stats_of(other).count.hits, after.count.hits);
    ck_assert_uint_eq(store_stats_of(other).count.misses, after.count.misses);
    ck_assert_uint_eq(before.count.misses, 0);
    art_store_close(other);
}

LOOP_TEST(test_a_held_blob_outlives_relaxing_forgetting_and_closing, STORE_MODES) {
    if (!store_place_open(&place, &io_modes[_i], "test_store")) return;
    struct store_blob blobs[3];
    struct art_store *store = store_open(&place, 64 * MB);
    store_fill(store, true, blobs, 3, 30);
    struct art_blob *held;
    store_expect(store, blobs, 3);
    EXPECT_OK(art_store_blob(store, &blobs[1].ref, &held));
    art_blob_pin(held);
    art_store_forget(store, blobs[1].ref.slot);
    art_store_forget(store, blobs[2].ref.slot);
    art_store_forget(store, 1000);
    EXPECT_OK(art_store_check(store));
    EXPECT_OK(store_read(store, &blobs[1]));
    EXPECT_OK(store_read(store, &blobs[2]));
    art_store_close(store);
    ck_assert(!memcmp(held->image, blobs[1].image, (size_t)held->leaf_pages * ART_PAGE));
    art_blob_unpin(held);
}

TEST(test_after_closing_a_held_blob_has_the_pages_it_had_and_no_others) {
    new_world(1);
    struct store_blob blobs[4];
    struct art_store *store = store_open(&place, 64 * MB);
    store_fill(store, true, blobs, 4, 100);
    art_store_close(store);
    store = store_open(&place, 1 * MB); /* smaller than the file: single pages */
    struct art_blob *held;
    EXPECT_OK(store_read_page(store, &blobs[0], 3));
    EXPECT_OK(art_store_blob(store, &blobs[0].ref, &held));
    art_blob_pin(held);
    art_store_close(store);
    ck_assert(!memcmp(held->image + 3 * ART_PAGE, blobs[0].image + 3 * ART_PAGE, ART_PAGE));
    EXPECT_RC(ART_MISUSE, store_want(held, 50, 1, ART_POINT));
    EXPECT_OK(store_want(held, 3, 1, ART_POINT));
    art_blob_unpin(held);
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_slots_are_taken_lowest_first_and_the_file_grows_only_by_writing, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob blobs[4];
    store_fill(store, true, blobs, 4, 10);
    struct art_slot_set reusable = {NULL, 0};
    EXPECT_OK(art_slot_set_add(&reusable, 2));
    EXPECT_OK(art_slot_set_add(&reusable, 4));
    EXPECT_OK(art_slot_set_add(&reusable, 90)); /* beyond the end: comes by extending */
    uint32_t slots, slot;
    EXPECT_OK(art_store_write_begin(store, false, &slots));
    ck_assert_uint_eq(slots, 5);
    static const uint32_t expected[] = {2, 4, 5, 6};
    art_store_reuse(store, &reusable);
    ck_assert_uint_eq(art_store_free_slots(store, 100), 2);
    ck_assert_uint_eq(art_store_free_slots(store, 4), 1);
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_OK(art_store_take_slot(store, &slot));
        ck_assert_uint_eq(slot, expected[i]);
    }
    ck_assert(!art_slot_set_has(&reusable, 2));
    art_store_return_slot(store, 4);
    art_store_return_slot(store, 6);
    ck_assert_uint_eq(art_store_free_slots(store, 6), 1);
    ck_assert_uint_eq(art_store_free_slots(store, 7), 2);
    EXPECT_OK(art_store_take_slot(store, &slot));
    ck_assert_uint_eq(slot, 4);
    EXPECT_OK(art_store_take_slot(store, &slot));
    ck_assert_uint_eq(slot, 6);
    EXPECT_OK(art_store_write_begin(store, false, &slots)); /* within the phase: only asks */
    ck_assert_uint_eq(slots, 7);
    art_store_write_end(store);
    ck_assert_uint_eq(store_stats_of(store).file_bytes, (uint64_t)5 * ART_BLOB_SIZE);
    art_slot_set_clear(&reusable);
}

LOOP_TEST(test_a_replaced_slot_gives_the_new_blob_and_refuses_the_old_one, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob old[2], replaced;
    store_fill(store, true, old, 2, 40);
    struct art_store *other = store_open(&place, 64 * MB);
    store_expect(other, old, 2);
    uint32_t slots, slot;
    struct art_slot_set reusable = {NULL, 0};
    EXPECT_OK(art_slot_set_add(&reusable, 1));
    EXPECT_OK(art_store_write_begin(store, false, &slots));
    art_store_reuse(store, &reusable);
    EXPECT_OK(art_store_take_slot(store, &slot));
    store_blob_make(&replaced, slot, 2, 77, 40);
    EXPECT_OK(store_write_again(store, &replaced));
    EXPECT_RC(ART_CORRUPT, store_read(store, &old[0])); /* not even from what was held */
    EXPECT_OK(store_read(store, &replaced));
    store_end(store);
    EXPECT_OK(store_read(other, &replaced));
    EXPECT_OK(store_read(other, &old[1]));
    refused(store_read(other, &old[0]), ART_CORRUPT, "slot 1");
    EXPECT_MESSAGE("newer");
    EXPECT_OK(store_read(other, &replaced));
    art_slot_set_clear(&reusable);
    art_store_close(other);
}

/* A flush that was rolled back and the next one may use the same slot and generation with other rows. */
LOOP_TEST(test_a_rolled_back_blob_is_never_served_for_its_successor, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob rolled_back, kept;
    EXPECT_OK(store_begin(store, true));
    EXPECT_OK(store_write_new(store, &rolled_back, 5, 1, 50));
    EXPECT_OK(art_store_sync(store));
    EXPECT_OK(store_read(store, &rolled_back));
    struct art_blob *held;
    EXPECT_OK(art_store_blob(store, &rolled_back.ref, &held));
    art_blob_pin(held);
    art_store_write_end(store);
    EXPECT_OK(store_begin(store, true));
    struct art_slot_set reusable = {NULL, 0};
    EXPECT_OK(art_slot_set_add(&reusable, 1));
    art_store_reuse(store, &reusable);
    EXPECT_OK(store_write_new(store, &kept, 5, 2, 50));
    ck_assert_uint_eq(kept.ref.slot, rolled_back.ref.slot);
    EXPECT_OK(store_read(store, &kept));
    store_end(store);
    struct art_store *other = store_open(&place, 64 * MB);
    EXPECT_OK(store_read(other, &kept));
    EXPECT_RC(ART_CORRUPT, store_read(other, &rolled_back));
    EXPECT_OK(store_read(other, &kept));
    ck_assert(!memcmp(held->image, rolled_back.image, (size_t)held->leaf_pages * ART_PAGE));
    art_blob_unpin(held);
    art_slot_set_clear(&reusable);
    art_store_close(other);
}

LOOP_TEST(test_a_truncated_file_ends_where_it_was_cut_and_grows_from_there, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob blobs[5], more;
    store_fill(store, true, blobs, 5, 10);
    store_expect(store, blobs, 5);
    EXPECT_OK(store_begin(store, false));
    EXPECT_OK(art_store_truncate(store, 3));
    EXPECT_OK(art_store_truncate(store, 100)); /* never makes it longer */
    ck_assert_uint_eq(store_stats_of(store).file_bytes, (uint64_t)3 * ART_BLOB_SIZE);
    EXPECT_OK(store_write_new(store, &more, 2, 9, 10));
    ck_assert_uint_eq(more.ref.slot, 3);
    store_end(store);
    store_expect(store, blobs, 2);
    EXPECT_OK(store_read(store, &more));
    EXPECT_RC(ART_CORRUPT, store_read(store, &blobs[2]));
}

TEST(test_a_slot_set_is_what_a_plain_array_says) {
    enum { LIMIT = 3000 };
    struct random random = random_announced("slot set");
    static bool model[LIMIT];
    memset(model, 0, sizeof model);
    struct art_slot_set set = {NULL, 0}, sevenths = {NULL, 0};
    for (uint32_t i = 0; i < LIMIT / 2; i += 7) EXPECT_OK(art_slot_set_add(&sevenths, i));
    for (unsigned step = 0; step < 20000 * random_scale(); step++) {
        if (!random_span(&random)) continue;
        uint32_t slot = random_below(&random, LIMIT);
        switch (random_below(&random, 5)) {
        case 4: {
            uint32_t end = random_below(&random, LIMIT + 200), count = 0, others = 0, highest = 0;
            for (uint32_t i = slot; i < LIMIT; i++) others += model[i] && (i % 7 || i >= LIMIT / 2);
            for (uint32_t i = slot; i < end && i < LIMIT; i++) count += model[i];
            for (uint32_t i = 0; i < LIMIT; i++) highest = model[i] ? i : highest;
            ck_assert_uint_eq(art_slot_set_count(&set, slot, end), count);
            ck_assert_uint_eq(art_slot_set_count_others(&set, &sevenths, slot), others);
            ck_assert_uint_eq(art_slot_set_highest(&set), highest);
            break;
        }
        case 0:
            EXPECT_OK(art_slot_set_add(&set, slot));
            model[slot] = true;
            break;
        case 1:
            art_slot_set_remove(&set, slot);
            model[slot] = false;
            break;
        case 2:
            ck_assert_int_eq(art_slot_set_has(&set, slot), model[slot]);
            break;
        default: {
            uint32_t expected = slot;
            while (expected < LIMIT && !model[expected]) expected++;
            ck_assert_uint_eq(art_slot_set_next(&set, slot), expected == LIMIT ? UINT32_MAX : expected);
        }
        }
    }
    EXPECT_RC(ART_TOOBIG, art_slot_set_add(&set, UINT32_MAX));
    art_slot_set_clear(&set);
    ck_assert_uint_eq(art_slot_set_next(&set, 0), UINT32_MAX);
    ck_assert_uint_eq(art_slot_set_count(&set, 0, UINT32_MAX), 0);
    ck_assert_uint_eq(art_slot_set_count_others(&set, &sevenths, 0), 0);
    ck_assert_uint_eq(art_slot_set_highest(&set), 0);
    art_slot_set_clear(&sevenths);
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

LOOP_TEST(test_calls_outside_of_a_phase_and_impossible_references_are_refused, STORE_MODES) {
    if (!in_mode(_i)) return;
    struct store_blob blob;
    store_fill(store, true, &blob, 1, 10);
    struct art_blob_buf buffer;
    struct art_blob *found;
    uint32_t slot;
    EXPECT_RC(ART_MISUSE, art_store_take_slot(store, &slot));
    EXPECT_RC(ART_MISUSE, art_store_buffer(store, &buffer));
    EXPECT_RC(ART_MISUSE, art_store_sync(store));
    EXPECT_RC(ART_MISUSE, art_store_truncate(store, 1));
    for (unsigned i = 0; i < 10; i++) {
        struct art_ref ref = blob.ref;
        if (i == 0) ref.slot = 0;
        if (i == 1) ref.footer_pages = 0;
        if (i == 2) ref.footer_pages = 100;
        if (i == 3) ref.slot = 4000000000u;
        if (i == 4) ref.hash.low ^= 1;
        if (i == 5) ref.generation++;
        if (i == 6) ref.label.len++;
        if (i == 7) ref.slot = UINT32_MAX;
        if (i == 8) ref.leaf_pages = 0;
        if (i == 9) ref.leaf_pages = ART_BLOB_PAGES;
        art_store_forget(store, blob.ref.slot);
        EXPECT_RC(ART_CORRUPT, art_store_blob(store, &ref, &found));
        if (i > 6) EXPECT_MESSAGE("a reference leads to no possible blob");
    }
    EXPECT_OK(store_begin(store, false));
    art_store_write_end(store);
    art_store_write_end(store);
    EXPECT_OK(store_read(store, &blob));
    art_store_close(NULL);
    art_blob_unpin(NULL);
}

/* ---- verification ------------------------------------------------------------------------------------------------ */

static void flip(uint64_t offset, unsigned bit) {
    if (place.sim) {
        sim_disk_corrupt(place.sim, place.path, offset, bit);
        return;
    }
    FILE *file = fopen(place.path, "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    int byte = fgetc(file);
    ck_assert_int_eq(fseek(file, (long)offset, SEEK_SET), 0);
    fputc(byte ^ 1 << bit, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* A flip in a used page is found and says where; one in the hole disturbs nobody. `small`: single pages are read. */
static void flip_everywhere(bool small, unsigned rounds, struct random *random) {
    struct store_blob blobs[3];
    struct art_store *store = store_open(&place, 64 * MB);
    store_fill(store, true, blobs, 3, 60);
    art_store_close(store);
    const struct art_ref *ref = &blobs[1].ref;
    for (unsigned i = 0; i < rounds; i++) {
        uint32_t page = random_below(random, ART_BLOB_PAGES);
        if (i < 4) page = i % 2 ? ART_BLOB_PAGES - 1 : i / 2; /* the header's page often enough */
        uint32_t byte = page * ART_PAGE + random_below(random, ART_PAGE);
        unsigned bit = random_below(random, 8);
        bool used = page < ref->leaf_pages || page >= ART_BLOB_PAGES - (uint32_t)ref->footer_pages;
        flip((uint64_t)ref->slot * ART_BLOB_SIZE + byte, bit);
        store = store_open(&place, small ? 1 * MB : 64 * MB);
        EXPECT_OK(store_read(store, &blobs[0]));
        int rc = store_read(store, &blobs[1]);
        if (used) {
            ck_assert_msg(rc == ART_CORRUPT, "byte %u, bit %u: %s", byte, bit, art_error_name(rc));
            EXPECT_MESSAGE("slot 2");
            EXPECT_MESSAGE(place.path);
            char where[32];
            snprintf(where, sizeof where, "page %u", page);
            EXPECT_MESSAGE(where);
            for (uint32_t other = 0; other < ref->leaf_pages; other += 7) { /* a leaf page lost is only itself lost */
                if (other != page && page < ref->leaf_pages) EXPECT_OK(store_read_page(store, &blobs[1], other));
            }
        } else {
            ck_assert_msg(rc == ART_OK, "byte %u of the hole: %s", byte, art_error_message());
        }
        EXPECT_OK(store_read(store, &blobs[2]));
        EXPECT_OK(art_store_check(store));
        flip((uint64_t)ref->slot * ART_BLOB_SIZE + byte, bit);
        if (used) { /* mended, it is read again: nothing bad was remembered */
            EXPECT_OK(store_read(store, &blobs[1]));
        }
        art_store_close(store);
        store_nothing_cached();
    }
}

LOOP_TEST(test_every_flipped_bit_of_a_used_page_is_found_and_named, IO_MODES) {
    if (!store_place_open(&place, &io_modes[_i], "test_store")) return;
    struct random random = random_announced("flips");
    unsigned rounds = (place.sim ? 100 : 12) * random_scale();
    flip_everywhere(false, rounds, &random);
    end_world();
    ck_assert(store_place_open(&place, &io_modes[_i], "test_store"));
    flip_everywhere(true, rounds, &random);
}

SUITE("store", .tear_down = end_world, .seconds = SUITE_FOREVER)
