/* The process's cache: what is read how often, what is kept, what goes, and that nobody ever sees a wrong byte of
 * it. */
#include <pthread.h>

#include "core/store/cache.h"
#include "core/store/cached_memory.h"
#include "core/store/private.h"
#include "tests/support/store_world.h"

enum { BLOBS = 24, MB = 1 << 20, THREADS = 8 };

static struct store_blob blobs[BLOBS];

static struct art_cache_stats cache_now(void) {
    struct art_cache_stats stats;
    art_cache_stats(&stats);
    return stats;
}

static void make_world(const struct io_mode *mode, uint32_t pages) {
    end_world();
    if (mode) {
        ck_assert(store_place_open(&place, mode, "test_store_cache"));
    } else {
        store_place_simulated(&place, 1);
    }
    struct art_store *store = store_open(&place, 0);
    store_fill(store, true, blobs, BLOBS, pages);
    art_store_close(store);
}

/* ---- what is read ------------------------------------------------------------------------------------------------ */

/* Its footer, its first page, and twice as many pages with each call. */
TEST(test_a_blob_that_is_walked_is_read_in_a_few_calls_and_once) {
    make_world(NULL, 30);
    struct art_store *store = store_open(&place, 64 * MB);
    uint64_t calls = sim_disk_calls(place.sim, SIM_READ), expected = 0;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < BLOBS; i++) {
            if (!round) expected += (uint64_t)blobs[i].ref.leaf_pages + blobs[i].ref.footer_pages;
            EXPECT_OK(store_read(store, &blobs[i]));
            ck_assert_uint_eq(store_pages_read(store), round ? store_pages_read(store) : expected);
        }
    }
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 1 + 6 * BLOBS); /* the superblock */
    ck_assert_uint_eq(store_cached_bytes(), expected * ART_PAGE);
    struct art_store *other = store_open(&place, 64 * MB);
    store_expect(other, blobs, BLOBS);
    ck_assert_uint_eq(store_pages_read(other), 0); /* another connection found all of it */
    ck_assert_uint_eq(store_stats_of(other).count.misses, 0);
    art_store_close(store);
    art_store_close(other);
}

TEST(test_of_a_file_larger_than_the_cache_single_pages_are_read) {
    make_world(NULL, 128);
    store = store_open(&place, 2 * MB);
    EXPECT_OK(store_read_page(store, &blobs[3], 50));
    ck_assert_uint_eq(store_pages_read(store), blobs[3].ref.footer_pages + 1u);
    EXPECT_OK(store_read_page(store, &blobs[3], 50));
    EXPECT_OK(store_read_page(store, &blobs[3], 70));
    EXPECT_OK(store_read_page(store, &blobs[3], 10));
    ck_assert_uint_eq(store_pages_read(store), blobs[3].ref.footer_pages + 3u);
    ck_assert_uint_eq(store_cached_bytes(), (blobs[3].ref.footer_pages + 3u) * ART_PAGE);
    ck_assert_uint_eq(store_stats_of(store).count.misses, 1);
}

/* What the page cache has costs the same page by page; where it lacks some, they are asked for one by one, and soon all
 * the rest. */
TEST(test_of_a_small_file_single_pages_are_read_while_they_are_at_hand) {
    make_world(NULL, 100);
    sim_disk_let_pages_be_at_hand(place.sim, 1);
    store = store_open(&place, 64 * MB);
    uint64_t calls = sim_disk_calls(place.sim, SIM_READ), footer = blobs[3].ref.footer_pages;
    EXPECT_OK(store_read_page(store, &blobs[3], 50));
    EXPECT_OK(store_read_page(store, &blobs[3], 70));
    EXPECT_OK(store_read_page(store, &blobs[3], 10));
    ck_assert_uint_eq(store_pages_read(store), footer + 3);
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 1); /* the superblock */
    sim_disk_let_pages_be_at_hand(place.sim, 0);
    EXPECT_OK(store_read_page(store, &blobs[3], 60));
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 2);
    ck_assert_uint_eq(store_pages_read(store), footer + 4);
    ck_assert_uint_eq(store_stats_of(store).count.pages_behind, 0);
    EXPECT_OK(store_read_page(store, &blobs[3], 20));
    uint64_t behind = blobs[3].ref.leaf_pages - 21 - 3; /* 50, 60, 70 */
    ck_assert_uint_eq(store_stats_of(store).count.pages_behind, behind);
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 3);
    ck_assert_uint_eq(store_pages_read(store), footer + 1 + blobs[3].ref.leaf_pages - 20);
    EXPECT_OK(store_read_page(store, &blobs[4], 60));
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 5);
    EXPECT_OK(store_read_page(store, &blobs[4], 70));
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 6);
    ck_assert_uint_eq(store_stats_of(store).count.pages_behind, behind);
    ck_assert_uint_eq(store_stats_of(store).count.pages_ahead, 0);
}

/* A batch has room for 16 of the gaps between pages that are there. */
TEST(test_a_blob_with_many_gaps_is_read_in_batches) {
    make_world(NULL, 100);
    sim_disk_let_pages_be_at_hand(place.sim, 1);
    store = store_open(&place, 64 * MB);
    for (uint32_t page = 1; page < 80; page += 2) EXPECT_OK(store_read_page(store, &blobs[3], page));
    sim_disk_let_pages_be_at_hand(place.sim, 0);
    uint64_t calls = sim_disk_calls(place.sim, SIM_READ);
    EXPECT_OK(store_read_page(store, &blobs[3], 0));
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 1);
    ck_assert_uint_eq(store_stats_of(store).count.stale, 0);
    EXPECT_OK(store_read(store, &blobs[3]));
    ck_assert_uint_lt(sim_disk_calls(place.sim, SIM_READ), calls + 6);
    EXPECT_OK(art_store_check(store));
    struct art_blob *found;
    EXPECT_OK(art_store_blob(store, &blobs[4].ref, &found));
    for (uint32_t page = 1; page < 80; page += 2) EXPECT_OK(store_read_page(store, &blobs[4], page));
    EXPECT_OK(store_want(found, 0, 80, ART_POINT)); /* all of them wanted */
    ck_assert(!memcmp(found->image, blobs[4].image, 80 * ART_PAGE));
}

TEST(test_a_walk_reads_ahead_and_each_page_once) {
    make_world(NULL, 128);
    store = store_open(&place, 2 * MB);
    uint64_t calls = sim_disk_calls(place.sim, SIM_READ);
    EXPECT_OK(store_read(store, &blobs[0]));
    ck_assert_uint_eq(store_pages_read(store), (uint64_t)blobs[0].ref.leaf_pages + blobs[0].ref.footer_pages);
    calls = sim_disk_calls(place.sim, SIM_READ) - calls;
    ck_assert_uint_lt(calls, 14); /* also of the superblock and the footer */
    ck_assert_uint_eq(store_stats_of(store).count.pages_ahead, blobs[0].ref.leaf_pages - (calls - 2));
    sim_disk_fail(place.sim, SIM_READ, 5, ART_IO, false); /* what nobody has asked for may fail */
    EXPECT_OK(store_read(store, &blobs[1]));
    struct sim_disk_stats stats;
    sim_disk_stats(place.sim, &stats);
    ck_assert_uint_eq(stats.faults, 1);
}

TEST(test_what_is_read_ahead_comes_whole_in_one_call_a_blob) {
    make_world(NULL, 40);
    for (unsigned small = 0; small < 2; small++) {
        struct art_store *store = store_open(&place, small ? 6 * MB : 64 * MB);
        struct art_ref refs[6];
        uint64_t expected = 0;
        for (unsigned i = 0; i < 6; i++) refs[i] = blobs[i].ref;
        EXPECT_OK(store_read_page(store, &blobs[1], 5)); /* a part of one is there already */
        EXPECT_OK(store_read(store, &blobs[2]));
        refs[5].slot = 1000; /* not there: shows when it is asked for */
        uint64_t calls = sim_disk_calls(place.sim, SIM_READ), pages = store_pages_read(store);
        ck_assert_uint_eq(art_store_readahead_start(store, &place, refs, 6), 5);
        for (unsigned i = 0; i < 5; i++) {
            if (i != 2) expected += (uint64_t)refs[i].leaf_pages + refs[i].footer_pages;
        }
        store_expect(store, blobs, 5);
        ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_READ), calls + 4);
        ck_assert_uint_eq(store_pages_read(store), pages + expected);
        struct art_blob *found;
        EXPECT_RC(ART_CORRUPT, art_store_blob(store, &refs[5], &found));
        EXPECT_OK(art_store_check(store));
        sim_disk_fail(place.sim, SIM_READ, 1, ART_IO, false);
        ck_assert_uint_eq(art_store_readahead_start(store, &place, &blobs[10].ref, 1), 1); /* fails without a word */
        EXPECT_OK(store_read(store, &blobs[10]));
        struct sim_disk_stats stats;
        sim_disk_stats(place.sim, &stats);
        ck_assert_uint_eq(stats.faults, small + 1);
        art_store_close(store);
    }
}

TEST(test_what_is_read_ahead_is_not_believed) {
    make_world(NULL, 60);
    for (unsigned small = 0; small < 2; small++) {
        struct art_store *store = store_open(&place, small ? 8 * MB : 64 * MB);
        struct art_ref refs[3] = {blobs[0].ref, blobs[1].ref, blobs[2].ref};
        uint64_t leaf = (uint64_t)refs[0].slot * ART_BLOB_SIZE + 7 * ART_PAGE + 99;
        uint64_t footer = (uint64_t)refs[1].slot * ART_BLOB_SIZE + ART_BLOB_SIZE - 77;
        struct art_blob *found;
        sim_disk_corrupt(place.sim, place.path, leaf, 3);
        sim_disk_corrupt(place.sim, place.path, footer, 3);
        ck_assert_uint_eq(art_store_readahead_start(store, &place, refs, 3), 3);
        EXPECT_OK(store_read_page(store, &blobs[0], 6));
        refused(store_read_page(store, &blobs[0], 7), ART_CORRUPT, "page 7");
        EXPECT_RC(ART_CORRUPT, art_store_blob(store, &refs[1], &found));
        EXPECT_OK(store_read(store, &blobs[2]));
        ck_assert_uint_eq(store->count.blobs_in_vain, 0); /* each was come to */
        sim_disk_corrupt(place.sim, place.path, leaf, 3);
        sim_disk_corrupt(place.sim, place.path, footer, 3);
        store_expect(store, blobs, 3);
        art_store_close(store);
    }
}

/* What a merge reads is soon of no use, and is not brought into the page cache; but taken from there. */
TEST(test_a_walk_that_writes_reads_past_the_page_cache_what_that_has_not) {
    make_world(NULL, 60);
    sim_disk_let_pages_be_stale(place.sim, 1);
    for (unsigned at_hand = 0; at_hand < 2; at_hand++) {
        sim_disk_let_pages_be_at_hand(place.sim, at_hand);
        struct art_store *writer = store_open(&place, 0), *store;
        struct art_slot_set free_slots = {0};
        struct store_blob fresh[4];
        struct sim_disk_stats before, after;
        EXPECT_OK(store_begin(writer, false));
        for (unsigned i = 0; i < 4; i++) EXPECT_OK(art_slot_set_add(&free_slots, blobs[i].ref.slot));
        art_store_reuse(writer, &free_slots);
        for (unsigned i = 0; i < 4; i++)
            EXPECT_OK(store_write_new(writer, &fresh[i], 2 + at_hand, 50 * at_hand + i, 60));
        store_end(writer);
        art_store_close(writer);
        art_slot_set_clear(&free_slots);
        for (unsigned writing = 0; writing < 2; writing++) {
            store = store_open(&place, 64 * MB);
            if (writing) EXPECT_OK(store_begin(store, false));
            sim_disk_stats(place.sim, &before);
            const struct store_blob *some = &fresh[2 * writing];
            struct art_ref refs[2] = {some[0].ref, some[1].ref};
            ck_assert_uint_eq(art_store_readahead_start(store, &place, refs, 2), 2);
            store_expect(store, some, 2);
            sim_disk_stats(place.sim, &after);
            bool through = after.stale > before.stale + 10; /* a look takes a page */
            ck_assert_msg(through == (!writing || at_hand), "%u %u", writing, at_hand);
            art_store_close(store);
        }
    }
}

LOOP_TEST(test_a_walk_that_rests_keeps_nobody_waiting, IO_MODES) {
    if (!store_place_open(&place, &io_modes[_i], "test_store_cache")) return;
    end_world();
    make_world(&io_modes[_i], 100);
    struct art_store *resting = store_open(&place, 8 * MB), *busy = store_open(&place, 8 * MB);
    struct art_ref refs[3] = {blobs[0].ref, blobs[1].ref, blobs[2].ref};
    EXPECT_OK(store_read_page(resting, &blobs[0], 3)); /* a part that both have */
    EXPECT_OK(store_read_page(busy, &blobs[0], 3));
    ck_assert_uint_eq(art_store_readahead_start(resting, &place, refs, 3), 3);
    store_expect(busy, blobs, 2); /* in the same thread */
    store_expect(resting, blobs, 3);
    uint64_t pages = store_pages_read(busy);
    EXPECT_OK(store_read(busy, &blobs[2]));
    ck_assert_uint_eq(store_pages_read(busy), pages); /* what has come is everybody's */
    ck_assert_uint_eq(art_store_readahead_start(busy, &place, &blobs[3].ref, 2), 1);
    art_store_close(resting);
    art_store_close(busy); /* with a blob on its way */
}

TEST(test_what_is_on_its_way_has_its_bounds_and_goes_with_its_walk) {
    static const uint64_t limits[] = {0, 1 * MB, 4 * MB, 64 * MB};
    static const unsigned own[] = {0, 0, 2, 4}, all[] = {0, 0, 2, 8};
    make_world(NULL, 126);
    for (unsigned l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct art_store *store = store_open(&place, limits[l]);
        struct art_ref refs[BLOBS];
        unsigned started = 0;
        int walks[4];
        for (unsigned i = 0; i < BLOBS; i++) refs[i] = blobs[i].ref;
        EXPECT_OK(store_read_page(store, &blobs[BLOBS - 1], 0));
        art_store_relax(store);
        for (unsigned w = 0; w < 4; w++) {
            unsigned now = art_store_readahead_start(store, &walks[w], refs + started, 6);
            ck_assert_uint_le(now, own[l]);
            if (!w) ck_assert_uint_eq(now, own[l]);
            started += now;
        }
        ck_assert_uint_eq(started, all[l]);
        ck_assert_uint_le(cache_now().bytes, limits[l]);
        for (unsigned w = 1; w < 4; w++) art_store_readahead_end(store, &walks[w]);
        store_expect(store, blobs, own[l]); /* the first walk's are still there */
        art_store_readahead_end(store, &walks[0]);
        ck_assert_uint_le(cache_now().entries, own[l] + 1); /* and nothing else */
        art_store_close(store);
    }
}

TEST(test_what_was_written_is_cached_where_there_is_room) {
    store_place_simulated(&place, 1);
    store = store_open(&place, 4 * MB);
    store_fill(store, true, blobs, BLOBS, 100);
    ck_assert_uint_le(store_cached_bytes(), 4 * MB);
    ck_assert_uint_gt(store_cached_bytes(), 3 * MB);
    EXPECT_OK(store_read(store, &blobs[0]));
    EXPECT_OK(store_read(store, &blobs[1]));
    ck_assert_uint_eq(store_pages_read(store), 0);
    EXPECT_OK(store_read(store, &blobs[BLOBS - 1]));
    ck_assert_uint_gt(store_pages_read(store), 0);
}

TEST(test_of_what_was_written_cold_footers_alone_are_kept) {
    store_place_simulated(&place, 1);
    store = store_open(&place, 2 * MB);
    store_writes_cold = true;
    store_fill(store, true, blobs, BLOBS, 100);
    store_writes_cold = false;
    struct art_blob *blob;
    for (unsigned i = 0; i < BLOBS; i++) EXPECT_OK(art_store_blob(store, &blobs[i].ref, &blob));
    ck_assert_uint_eq(store_pages_read(store), 0);
    EXPECT_OK(store_read_page(store, &blobs[BLOBS - 1], 7));
    ck_assert_uint_eq(store_pages_read(store), 1);
}

TEST(test_a_superseded_blob_makes_room) {
    make_world(NULL, 100);
    store = store_open(&place, 64 * MB);
    store_expect(store, blobs, BLOBS);
    ck_assert_uint_eq(cache_now().entries, BLOBS);
    for (unsigned i = 0; i < BLOBS; i++) art_store_forget(store, blobs[i].ref.slot);
    ck_assert_uint_eq(cache_now().entries, 0);
    store_cached_bytes();
    store_expect(store, blobs, BLOBS);
}

/* ---- the limit --------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_the_limit_is_kept_whatever_is_read, 2) {
    static const uint64_t limits[] = {0, 100000, 1 * MB, 4 * MB, 11 * MB};
    if (_i && !store_place_open(&place, &io_modes[3], "test_store_cache")) return;
    if (_i) store_place_close(&place);
    make_world(_i ? &io_modes[3] : NULL, 128);
    struct random random = random_announced("limit");
    for (unsigned l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct art_store *store = store_open(&place, limits[l]);
        for (unsigned i = 0; i < 400 * random_scale(); i++) {
            if (!random_span(&random)) continue;
            const struct store_blob *blob = &blobs[random_below(&random, BLOBS)];
            if (random_once_in(&random, 20)) {
                EXPECT_OK(store_read(store, blob));
            } else {
                EXPECT_OK(store_read_page(store, blob, random_below(&random, blob->ref.leaf_pages)));
            }
            ck_assert_uint_le(store_cached_bytes(), limits[l] + ART_BLOB_SIZE); /* and what one operation needs */
            art_store_relax(store);
            ck_assert_uint_le(store_cached_bytes(), limits[l]);
            EXPECT_OK(art_store_check(store));
        }
        ck_assert_uint_eq(store_stats_of(store).cache_limit, limits[l]);
        art_store_close(store);
    }
}

TEST(test_heads_stay_longer_than_leaf_pages) {
    make_world(NULL, 128);
    store = store_open(&place, 3 * MB);
    struct random random = {5};
    for (unsigned i = 0; i < 3000; i++) {
        const struct store_blob *blob = &blobs[random_below(&random, BLOBS)];
        EXPECT_OK(store_read_page(store, blob, random_below(&random, blob->ref.leaf_pages)));
        art_store_relax(store);
    }
    ck_assert_uint_lt(store_stats_of(store).count.misses, 600); /* of 3000 that each miss three pages in four */
    uint64_t kept = store_stats_of(store).count.footers_kept;
    ck_assert_uint_gt(kept, 30);
    art_store_close(store);
    store = store_open(&place, 64 * MB);
    for (unsigned i = 0; i < 3 * BLOBS; i++) EXPECT_OK(store_read_page(store, &blobs[i % BLOBS], i));
    ck_assert_uint_eq(store_stats_of(store).count.footers_kept, kept);
}

TEST(test_only_what_goes_leaves_a_buffer_that_is_used_again) {
    make_world(NULL, 100);
    for (unsigned small = 0; small < 2; small++) {
        struct art_store *store = store_open(&place, small ? 4 * MB : 64 * MB);
        uint64_t before = store_stats_of(store).count.spares;
        for (unsigned i = 0; i < BLOBS; i++) {
            art_store_readahead_start(store, &place, &blobs[i].ref, 1);
            EXPECT_OK(store_read(store, &blobs[i]));
            art_store_relax(store);
        }
        uint64_t again = store_stats_of(store).count.spares - before;
        ck_assert_msg(small ? again > 5 : !again, "%u: %llu", small, (unsigned long long)again);
        art_store_close(store);
    }
}

TEST(test_held_blobs_stay_whatever_the_limit) {
    make_world(NULL, 128);
    store = store_open(&place, 1 * MB);
    struct art_blob *held[BLOBS];
    for (unsigned i = 0; i < BLOBS; i++) {
        EXPECT_OK(store_read(store, &blobs[i]));
        EXPECT_OK(art_store_blob(store, &blobs[i].ref, &held[i]));
        art_blob_pin(held[i]);
        art_store_relax(store);
    }
    for (unsigned i = 0; i < BLOBS; i++) {
        ck_assert(!memcmp(held[i]->image, blobs[i].image, (size_t)held[i]->leaf_pages * ART_PAGE));
    }
    ck_assert_uint_gt(store_cached_bytes(), 10 * MB);
    for (unsigned i = 0; i < BLOBS; i++) art_blob_unpin(held[i]);
    art_store_relax(store);
    EXPECT_OK(store_read_page(store, &blobs[0], 0));
    art_store_relax(store);
    ck_assert_uint_le(store_cached_bytes(), 1 * MB);
}

TEST(test_a_resting_connection_lets_go_of_what_is_above_its_share) {
    make_world(NULL, 128);
    struct art_store *resting = store_open(&place, 2 * MB), *working = store_open(&place, 10 * MB);
    for (unsigned i = 0; i < BLOBS; i++) {
        EXPECT_OK(store_read(resting, &blobs[i])); /* it may use all 12 MB while nobody else does */
        art_store_relax(resting);
    }
    EXPECT_OK(art_store_check(resting));
    ck_assert_uint_eq(cache_now().limit, 12 * MB);
    ck_assert_uint_le(store_cached_bytes(), 12 * MB);
    ck_assert_uint_ge(cache_now().idle + 5, cache_now().entries); /* but holds little of it */
    for (unsigned i = 0; i < BLOBS; i++) {
        EXPECT_OK(store_read(working, &blobs[i]));
        art_store_relax(working);
        ck_assert_uint_le(store_cached_bytes(), 12 * MB);
    }
    art_store_close(working);
    ck_assert_uint_le(store_cached_bytes(), 2 * MB + ART_BLOB_SIZE * 5); /* what the other still holds */
    art_store_relax(resting);
    ck_assert_uint_le(store_cached_bytes(), 2 * MB);
    art_store_close(resting);
}

TEST(test_the_limit_may_be_changed) {
    make_world(NULL, 100);
    store = store_open(&place, 64 * MB);
    store_expect(store, blobs, BLOBS);
    uint64_t all = store_cached_bytes();
    ck_assert_uint_gt(all, 8 * MB);
    art_store_set_cache(store, 2 * MB);
    art_store_relax(store);
    ck_assert_uint_le(store_cached_bytes(), 2 * MB);
    ck_assert_uint_eq(store_stats_of(store).cache_limit, 2 * MB);
    art_store_set_cache(store, 64 * MB);
    store_expect(store, blobs, BLOBS);
    store_expect(store, blobs, BLOBS);
    ck_assert_uint_eq(store_cached_bytes(), all);
}

TEST(test_the_share_of_the_machines_memory) {
    static const uint64_t sizes[][2] = {{24576, 1536}, {1024, 64}, {1008, 64}, {300, 64},
                                        {256, 64},     {128, 32},  {16, 4}};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_uint_eq(art_cached_memory_share(sizes[i][0] * MB), sizes[i][1] * MB);
    }
}

TEST(test_a_store_may_keep_its_part_of_the_share) {
    struct art_store *stores[3];
    make_world(NULL, 30);
    for (unsigned n = 0; n < 3; n++) {
        stores[n] = store_open(&place, ART_CACHE_AUTO);
        ck_assert_uint_eq(art_cache_part(ART_CACHE_AUTO), cache_now().limit / (n + 1));
        ck_assert_uint_eq(art_cache_part(5 * MB), 5 * MB);
    }
    for (unsigned n = 0; n < 3; n++) art_store_close(stores[n]);
}

/* Of a small one they would use little, but hold all. */
LOOP_TEST(test_only_what_is_read_ahead_and_large_has_large_pages, 2) {
    make_world(NULL, _i ? 100 : 30);
    store = store_open(&place, 64 * MB);
    struct art_blob_pool *pool;
    EXPECT_OK(art_blob_pool_open(&pool, 16));
    uint64_t many = _i && art_blob_pool_use_huge_pages(pool) ? BLOBS / 2 : 0,
             before = store_stats_of(store).count.large;
    art_blob_pool_close(pool);
    for (unsigned i = 0; i < BLOBS; i++) {
        bool ahead = i % 2;
        if (ahead) ck_assert_uint_eq(art_store_readahead_start(store, &place, &blobs[i].ref, 1), 1);
        EXPECT_OK(store_read(store, &blobs[i]));
        ck_assert_int_eq(store->pinned->cached->large, ahead && _i);
    }
    ck_assert_uint_eq(store_stats_of(store).count.large - before, many);
    art_store_close(store);
    store = store_open(&place, 16 * MB); /* 2 MB at a time are too much for it */
    ck_assert_uint_eq(art_store_readahead_start(store, &place, &blobs[0].ref, 1), 1);
    EXPECT_OK(store_read(store, &blobs[0]));
    ck_assert_uint_eq(store_stats_of(store).count.large - before, many);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static pthread_mutex_t gift_lock = PTHREAD_MUTEX_INITIALIZER;
static struct art_blob *gift; /* a held blob, to be released by the test that takes it */
static const char *failure;

static struct art_blob *swap_gift(struct art_blob *mine) {
    pthread_mutex_lock(&gift_lock);
    struct art_blob *other = gift;
    gift = mine;
    pthread_mutex_unlock(&gift_lock);
    return other;
}

static void note_wrong(const char *what) {
    pthread_mutex_lock(&gift_lock);
    if (!failure) failure = what;
    pthread_mutex_unlock(&gift_lock);
}

/* Without Check's functions, which belong to the main thread. */
static bool read_page(struct art_store *store, const struct store_blob *blob, uint32_t page) {
    struct art_blob *found;
    if (art_store_blob(store, &blob->ref, &found)) return false;
    if (store_want(found, page, 1, ART_POINT)) return false;
    if (memcmp(found->image + page * ART_PAGE, blob->image + page * ART_PAGE, ART_PAGE)) return false;
    return !memcmp(found->image + ART_BLOB_SIZE - ART_PAGE, blob->image + ART_BLOB_SIZE - ART_PAGE, ART_PAGE);
}

static void *reader(void *argument) {
    struct random random = {(uint64_t)(uintptr_t)argument};
    for (unsigned life = 0; life < 4; life++) {
        static const uint64_t limits[] = {0, 300000, 2 * MB, 64 * MB};
        struct art_store *store = store_open(&place, limits[random_below(&random, 4)]);
        for (unsigned i = 0; i < 150 * random_scale(); i++) {
            const struct store_blob *blob = &blobs[random_below(&random, BLOBS - 2)];
            if (!read_page(store, blob, random_below(&random, blob->ref.leaf_pages)))
                note_wrong("a page was not what it should be");
            struct art_blob *found;
            if (random_once_in(&random, 4) && !art_store_blob(store, &blob->ref, &found)) {
                art_blob_pin(found);
                art_blob_unpin(swap_gift(found));
            }
            if (random_once_in(&random, 3)) art_store_relax(store);
            if (random_once_in(&random, 30)) art_store_forget(store, blob->ref.slot);
            if (random_once_in(&random, 30)) art_store_readahead_start(store, &random, &blob->ref, 1);
            if (random_once_in(&random, 50)) art_store_readahead_end(store, &random);
        }
        if (art_store_check(store)) note_wrong("a store does not agree with itself");
        art_store_close(store);
    }
    return NULL;
}

/* Rewrites the last two blobs, which nobody reads, so that the cache's entries are replaced meanwhile. */
static void *writer(void *argument) {
    struct art_store *store = store_open(&place, 2 * MB);
    for (unsigned i = 0; i < 40; i++) {
        struct store_blob *blob = &blobs[BLOBS - 1 - i % 2];
        if (store_begin(store, false) || store_write_again(store, blob)) note_wrong("a write failed");
        if (i % 3 == 0 && art_store_sync(store)) note_wrong("a sync failed");
        art_store_write_end(store);
        if (!read_page(store, blob, 3)) note_wrong("what was written did not come back");
        art_store_relax(store);
    }
    art_store_close(store);
    return NULL;
}

CASE("threads", .tear_down = end_world, .seconds = SUITE_FOREVER)

LOOP_TEST(test_many_threads_read_one_file_while_one_writes, 3) {
    static const unsigned modes[] = {7, 3, 0}; /* simulated, pwrite, uring */
    if (_i && !store_place_open(&place, &io_modes[modes[_i]], "test_store_cache")) return;
    if (_i) store_place_close(&place);
    make_world(_i ? &io_modes[modes[_i]] : NULL, 60);
    uint64_t seed = random_announced("threads").state;
    pthread_t threads[THREADS + 1];
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, (void *)(uintptr_t)(seed + i)), 0);
    }
    ck_assert_int_eq(pthread_create(&threads[THREADS], NULL, writer, NULL), 0);
    for (unsigned i = 0; i <= THREADS; i++) pthread_join(threads[i], NULL);
    art_blob_unpin(swap_gift(NULL));
    ck_assert_msg(!failure, "%s", failure);
}

SUITE("store cache", .tear_down = end_world, .seconds = SUITE_FOREVER)
