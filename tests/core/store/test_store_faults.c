/* The store when memory, the disk or the power fails: an error, the old state, and a usable connection; what was synced
 * stays, and nothing wrong is ever read. */
#include "core/store/cache.h"
#include "tests/support/short_memory.h"
#include "tests/support/store_world.h"

enum { MB = 1 << 20 };

/* ---- syncs and writes that fail ---------------------------------------------------------------------------------- */

TEST(test_a_failed_sync_poisons_the_store_until_it_is_opened_anew) {
    struct store_blob blobs[2], more;
    new_world(1);
    store = store_open(&place, 64 * MB);
    store_fill(store, true, blobs, 2, 20);
    EXPECT_OK(store_begin(store, false));
    EXPECT_OK(store_write_new(store, &more, 2, 5, 20));
    sim_disk_fail(place.sim, SIM_SYNC, 1, ART_IO, false);
    EXPECT_RC(ART_IO, art_store_sync(store));
    refused(art_store_sync(store), ART_POISONED, "simulated failure of sync");
    EXPECT_RC(ART_POISONED, store_write_again(store, &more));
    art_store_write_end(store);
    EXPECT_RC(ART_POISONED, store_begin(store, false));
    EXPECT_RC(ART_POISONED, store_begin(store, true));
    EXPECT_RC(ART_POISONED, art_store_adopt(store));
    store_expect(store, blobs, 2); /* reading goes on */
    struct art_store *other = store_open(&place, 64 * MB);
    EXPECT_OK(store_begin(other, false)); /* the lock was released */
    EXPECT_OK(store_write_again(other, &more));
    EXPECT_OK(art_store_sync(other));
    art_store_close(other);
    art_store_close(store);
    store = store_open(&place, 64 * MB);
    EXPECT_OK(store_begin(store, false));
    store_expect(store, blobs, 2);
    EXPECT_OK(store_read(store, &more));
}

TEST(test_a_new_file_whose_sync_fails_is_not_used) {
    static const enum sim_call calls[] = {SIM_SYNC, SIM_SYNC_DIRECTORY};
    for (unsigned i = 0; i < 2; i++) {
        new_world(1);
        struct art_store *store = store_open(&place, 64 * MB);
        sim_disk_fail(place.sim, calls[i], 1, ART_IO, false);
        EXPECT_RC(ART_IO, store_begin(store, true));
        EXPECT_RC(ART_POISONED, store_begin(store, true));
        art_store_close(store);
        store = store_open(&place, 64 * MB);
        EXPECT_OK(store_begin(store, true));
        art_store_close(store);
    }
}

TEST(test_a_failed_write_fails_the_next_sync_though_it_was_reported) {
    static const enum sim_call calls[] = {SIM_WRITE, SIM_WAIT};
    for (unsigned i = 0; i < 2; i++) {
        struct store_blob blobs[3], kept;
        new_world(i + 7);
        struct art_store *store = store_open(&place, 64 * MB);
        store_fill(store, true, blobs, 1, 20);
        EXPECT_OK(store_begin(store, false));
        sim_disk_fail(place.sim, calls[i], 2, ART_IO, false);
        int first = store_write_new(store, &blobs[1], 2, 5, 20);
        int second = store_write_new(store, &blobs[2], 2, 6, 20);
        ck_assert_int_eq(first, ART_OK);
        if (calls[i] == SIM_WRITE) {
            struct art_cache_stats cache;
            ck_assert_int_eq(second, ART_IO);
            art_cache_stats(&cache);
            ck_assert_uint_eq(cache.entries, 1);   /* blob 0's */
            int rc = store_read(store, &blobs[1]); /* came through or not, and never from the cache */
            ck_assert_msg(rc == ART_OK || rc == ART_CORRUPT || rc == ART_IO, "%s", art_error_message());
        } else {
            EXPECT_OK(store_read(store, &blobs[1])); /* the first wait */
            EXPECT_OK(store_write_again(store, &blobs[2]));
            EXPECT_RC(ART_IO, store_read(store, &blobs[2]));
        }
        EXPECT_RC(ART_IO, store_write_again(store, &blobs[2]));
        refused(art_store_sync(store), ART_IO, "simulated failure");
        EXPECT_OK(store_write_new(store, &kept, 2, 8, 20)); /* the phase may go on with other writes */
        store_end(store);
        EXPECT_OK(store_read(store, &kept));
        EXPECT_OK(store_read(store, &blobs[0]));
        art_store_close(store);
    }
}

TEST(test_a_failed_write_that_was_given_up_fails_no_later_one) {
    static const enum sim_call calls[] = {SIM_WRITE, SIM_WAIT};
    for (unsigned i = 0; i < 2; i++) {
        struct store_blob blobs[2], kept[2];
        new_world(i + 7);
        struct art_store *store = store_open(&place, 64 * MB);
        EXPECT_OK(store_begin(store, true));
        EXPECT_OK(store_write_new(store, &kept[0], 1, 4, 20));
        EXPECT_OK(art_store_wait(store));
        sim_disk_fail(place.sim, calls[i], calls[i] == SIM_WRITE ? 2 : 1, ART_DISKFULL, false);
        EXPECT_OK(store_write_new(store, &blobs[0], 2, 5, 20));
        int rc = store_write_new(store, &blobs[1], 2, 6, 20);
        if (calls[i] == SIM_WRITE) ck_assert_int_eq(rc, ART_DISKFULL);
        art_fail(ART_DISKFULL, "what the caller says");
        art_store_give_up(store);
        EXPECT_MESSAGE("what the caller says");
        sim_disk_fail_nothing(place.sim);
        EXPECT_OK(art_store_wait(store));
        EXPECT_OK(store_write_new(store, &kept[1], 2, 8, 20));
        store_end(store);
        store_expect(store, kept, 2);
        art_store_give_up(store); /* outside of a phase: nothing */
        art_store_close(store);
    }
}

TEST(test_a_full_disk_is_an_error_and_later_forgotten) {
    struct store_blob blobs[4];
    new_world(3);
    store = store_open(&place, 64 * MB);
    store_fill(store, true, blobs, 1, 20);
    sim_disk_set_capacity(place.sim, 3 * ART_BLOB_SIZE + 4);
    EXPECT_OK(store_begin(store, false));
    EXPECT_OK(store_write_new(store, &blobs[1], 2, 1, 20));
    int rc = store_write_new(store, &blobs[2], 2, 2, 20);
    ck_assert(rc == ART_OK || rc == ART_DISKFULL);
    EXPECT_RC(ART_DISKFULL, art_store_sync(store));
    art_store_write_end(store);
    EXPECT_OK(store_read(store, &blobs[0]));
    sim_disk_set_capacity(place.sim, UINT64_MAX);
    EXPECT_OK(store_begin(store, false));
    EXPECT_OK(store_write_new(store, &blobs[3], 2, 3, 20));
    store_end(store);
    EXPECT_OK(store_read(store, &blobs[3]));
}

/* ---- everything fails once --------------------------------------------------------------------------------------- */

enum { STORY_BLOBS = 5 };

struct story {
    struct store_blob blobs[STORY_BLOBS];
    unsigned acknowledged; /* blobs that a sync has made safe */
};

/* A table's life up to its first reopening. Returns at the first error. */
static int story_run(struct story *story, uint64_t cache_bytes) {
    struct art_store_options options = store_options(&place, cache_bytes);
    int rc = store ? ART_OK : art_store_open(&store, &options);
    if (!rc) rc = store_begin(store, !story->acknowledged);
    for (unsigned i = story->acknowledged; !rc && i < STORY_BLOBS; i++) {
        uint32_t slot;
        rc = art_store_take_slot(store, &slot);
        if (rc) break;
        struct store_blob *blob = &story->blobs[i];
        store_blob_free(blob);
        store_blob_make(blob, slot, 1, i, 30);
        rc = store_write_again(store, blob);
    }
    if (!rc) rc = art_store_sync(store);
    if (rc) return rc;
    story->acknowledged = STORY_BLOBS;
    art_store_write_end(store);
    struct art_store_stats stats;
    for (unsigned i = 0; !rc && i < STORY_BLOBS; i++) rc = store_read(store, &story->blobs[i]);
    art_store_relax(store);
    for (unsigned i = 0; !rc && i < STORY_BLOBS; i++) rc = store_read_page(store, &story->blobs[i], i * 5);
    if (!rc) rc = art_store_stats(store, &stats);
    return rc;
}

TEST(test_every_allocation_may_fail_and_the_next_try_succeeds) {
    static const uint64_t limits[] = {64 * MB, 1 * MB};
    short_memory_use();
    for (unsigned l = 0; l < 4; l++) { /* from some allocation on, or that one alone */
        void (*strike)(int64_t n) = l < 2 ? short_memory_fail_after : short_memory_fail_once;
        int64_t failures = 1, blocks = short_memory_blocks();
        for (int64_t n = 0; failures; n++) {
            new_world(1);
            struct story story = {0};
            for (unsigned i = 0; i < STORY_BLOBS; i++) store_blob_make(&story.blobs[i], 1, 1, i, 2);
            strike(n);
            /* The builder of the tests does not want to fail: blobs are made while memory is there. */
            struct art_store_options options = store_options(&place, limits[l % 2]);
            int rc = art_store_open(&store, &options);
            if (!rc) rc = store_begin(store, true);
            for (unsigned i = 0; !rc && i < STORY_BLOBS; i++) {
                uint32_t slot;
                rc = art_store_take_slot(store, &slot);
                if (!rc) {
                    story.blobs[i].ref.slot = slot;
                    rc = store_write_again(store, &story.blobs[i]);
                }
                if (!rc && i == 1) art_store_return_slot(store, 1);
                if (!rc) art_store_readahead_start(store, &story, &story.blobs[i].ref, 1);
            }
            if (!rc) rc = art_store_sync(store);
            if (!rc) art_store_write_end(store);
            failures = short_memory_failures();
            short_memory_fail_after(-1);
            ck_assert_msg(rc == ART_OK || rc == ART_NOMEM, "allocation %lld: %s", (long long)n, art_error_message());
            if (rc && store) art_store_write_end(store);
            EXPECT_OK(story_run(&story, limits[l % 2]));
            art_store_close(store);
            store = store_open(&place, limits[l % 2]);
            strike(n); /* and reading */
            for (unsigned i = 0; !rc && i < STORY_BLOBS; i++) rc = store_read(store, &story.blobs[i]);
            failures += short_memory_failures();
            short_memory_fail_after(-1);
            ck_assert_msg(rc == ART_OK || rc == ART_NOMEM, "allocation %lld: %s", (long long)n, art_error_message());
            store_expect(store, story.blobs, STORY_BLOBS);
            EXPECT_OK(art_store_check(store));
            end_world();
            ck_assert_int_eq(short_memory_blocks(), blocks);
        }
    }
}

TEST(test_every_call_of_the_disk_may_fail_and_the_next_try_succeeds) {
    static const uint64_t limits[] = {64 * MB, 1 * MB};
    static const int codes[] = {ART_IO, ART_DISKFULL, ART_NOMEM, ART_BUSY};
    for (unsigned c = 0; c < 4; c++) {
        uint64_t faults = 1;
        for (unsigned n = 1; faults; n++) {
            new_world(n);
            struct story story = {0};
            sim_disk_fail(place.sim, SIM_ANY, n, codes[c], false);
            int rc = story_run(&story, limits[n % 2]);
            struct sim_disk_stats stats;
            sim_disk_stats(place.sim, &stats);
            faults = stats.faults;
            if (faults && codes[c] == ART_IO && rc) EXPECT_MESSAGE(":");
            bool anothers = codes[c] == ART_BUSY && rc == ART_FOREIGN; /* locked, and nobody's yet */
            ck_assert_msg(rc == ART_OK || rc == codes[c] || anothers, "call %u: %s", n, art_error_message());
            sim_disk_fail_nothing(place.sim);
            art_store_write_end(store);
            rc = story_run(&story, limits[n % 2]);
            if (rc == ART_POISONED) {
                art_store_close(store);
                store = NULL;
                rc = story_run(&story, limits[n % 2]);
            }
            ck_assert_msg(rc == ART_OK, "call %u, again: %s", n, art_error_message());
            sim_disk_crash(place.sim, SIM_CRASH_DROP_ALL);
            art_store_close(store);
            store = store_open(&place, limits[n % 2]);
            store_expect(store, story.blobs, STORY_BLOBS);
        }
    }
}

/* ---- a long life with accidents ---------------------------------------------------------------------------------- */

/* A naive model of the rule: a blob that a sync has made safe is there until its slot is written again. */
enum { SLOTS = 14, CONNECTIONS = 3 };

struct life {
    struct art_store *stores[CONNECTIONS];
    struct store_blob blobs[SLOTS];   /* the last acknowledged in each slot; image NULL: none */
    struct store_blob written[SLOTS]; /* in this phase */
    bool unsure[SLOTS];               /* written since, not acknowledged: the old one may be gone */
    bool ever_acknowledged;
    uint64_t generation;
    struct random random;
};

static void life_open(struct life *life, unsigned c) {
    static const uint64_t limits[] = {0, 1 * MB, 3 * MB, 64 * MB};
    life->stores[c] = store_open(&place, limits[random_below(&life->random, 4)]);
}

static void life_reopen_all(struct life *life) {
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        art_store_close(life->stores[c]);
        life_open(life, c);
    }
}

static void life_read(struct life *life, struct art_store *store) {
    for (unsigned i = 0; i < 6; i++) {
        uint32_t slot = random_below(&life->random, SLOTS);
        const struct store_blob *blob = &life->blobs[slot];
        if (!blob->image) continue;
        int rc = store_read(store, blob); /* fails the test when a byte differs */
        bool allowed = rc == ART_OK || (life->unsure[slot] && rc == ART_CORRUPT);
        ck_assert_msg(allowed, "slot %u: %s", slot, art_error_message());
        if (random_once_in(&life->random, 3)) art_store_relax(store);
    }
    EXPECT_OK(art_store_check(store));
}

static void life_keep(struct life *life, bool acknowledged) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (!life->written[slot].image) continue;
        if (acknowledged) {
            store_blob_free(&life->blobs[slot]);
            life->blobs[slot] = life->written[slot];
        } else {
            store_blob_free(&life->written[slot]);
        }
        life->unsure[slot] = !acknowledged;
        life->written[slot] = (struct store_blob){.image = NULL};
    }
    life->ever_acknowledged |= acknowledged;
}

static void life_write(struct life *life, struct art_store *store) {
    struct art_slot_set reusable = {NULL, 0};
    uint32_t slot;
    int rc = store_begin(store, !life->ever_acknowledged);
    for (slot = 1; !rc && slot < SLOTS; slot++) {
        if (random_once_in(&life->random, 4)) EXPECT_OK(art_slot_set_add(&reusable, slot));
    }
    if (!rc) art_store_reuse(store, &reusable);
    life->generation++;
    for (unsigned n = random_below(&life->random, 12); !rc && n; n--) {
        rc = art_store_take_slot(store, &slot);
        if (rc || slot >= SLOTS) break;
        struct store_blob *blob = &life->written[slot];
        store_blob_free(blob);
        store_blob_make(blob, slot, life->generation, random_next(&life->random), 1 + random_below(&life->random, 128));
        rc = store_write_again(store, blob);
        if (!rc && random_once_in(&life->random, 4)) rc = store_read(store, blob);
    }
    bool synced = !rc && !random_once_in(&life->random, 4) && !art_store_sync(store);
    if (!random_once_in(&life->random, 5)) art_store_write_end(store);
    life_keep(life, synced);
    art_slot_set_clear(&reusable);
    sim_disk_fail_nothing(place.sim);
    /* The phase's end may be left to close(); and a poisoned store is of no more use. */
    if (art_store_writing(store) || rc || !synced) {
        for (unsigned c = 0; c < CONNECTIONS; c++) {
            if (life->stores[c] != store) continue;
            art_store_close(store);
            life_open(life, c);
        }
    }
}

static void life_accident(struct life *life) {
    static const enum sim_call calls[] = {SIM_ANY, SIM_ANY, SIM_WRITE, SIM_WAIT, SIM_SYNC, SIM_READ, SIM_LOCK};
    switch (random_below(&life->random, 4)) {
    case 0:
        sim_disk_crash(place.sim, SIM_CRASH_RANDOM);
        life_reopen_all(life);
        break;
    case 1:
        sim_disk_kill(place.sim);
        life_reopen_all(life);
        break;
    default:
        sim_disk_fail(place.sim, calls[random_below(&life->random, 7)], 1 + random_below(&life->random, 8), ART_IO,
                      random_once_in(&life->random, 3));
        life_write(life, life->stores[random_below(&life->random, CONNECTIONS)]);
    }
}

TEST(test_what_was_synced_survives_a_long_life_with_accidents) {
    uint64_t seed = random_announced("accidents").state;
    for (unsigned round = 0; round < 12 * random_scale(); round++) {
        if (!random_span(&(struct random){seed + round})) continue;
        struct life life = {.random = {seed + round}};
        new_world(seed + round);
        for (unsigned c = 0; c < CONNECTIONS; c++) life_open(&life, c);
        for (unsigned step = 0; step < 40; step++) {
            if (!random_span(&life.random)) continue;
            struct art_store *store = life.stores[random_below(&life.random, CONNECTIONS)];
            if (random_once_in(&life.random, 5)) {
                life_accident(&life);
            } else if (random_once_in(&life.random, 2)) {
                life_write(&life, store);
            } else {
                life_read(&life, store);
            }
        }
        for (unsigned c = 0; c < CONNECTIONS; c++) {
            life_read(&life, life.stores[c]);
            art_store_close(life.stores[c]);
        }
    }
}

SUITE("store faults", .tear_down = end_world, .seconds = SUITE_FOREVER)
