/* Pages that go past a full cache (core/store/bypass.c), and those of blobs in rows, which are read one at a time
 * first. */
#include "core/blob/blob_format.h"
#include "core/store/cache.h"
#include "tests/support/own_clock.h"
#include "tests/support/store_world.h"

enum { BLOBS = 24, MB = 1 << 20, ADMITTED = 31, SINGLY = 16 };

static struct store_blob blobs[BLOBS];

static void make_world(uint64_t seed) {
    new_world(seed);
    struct art_store *store = store_open(&place, 0);
    store_fill(store, true, blobs, BLOBS, 100);
    art_store_close(store);
    sim_disk_let_pages_be_at_hand(place.sim, 1);
}

enum { CACHE = 1 * MB, FIRST = 1, OTHERS = BLOBS - 2 };

/* All footers are in the cache, and so many pages of the first blob and the last that it is full. */
static struct art_store *open_full(void) {
    struct art_store *store = store_open(&place, CACHE);
    for (unsigned i = 0; i < BLOBS; i++) EXPECT_OK(store_read_page(store, &blobs[i], 0));
    for (uint32_t page = 1; !art_cache_is_full(); page++) {
        EXPECT_OK(store_read_page(store, &blobs[0], page));
        EXPECT_OK(store_read_page(store, &blobs[BLOBS - 1], page));
    }
    return store;
}

/* NULL: not past the cache. What comes is what was written. */
static struct art_blob *search(struct art_store *store, unsigned blob, uint32_t page) {
    struct art_blob *found, *holder = NULL;
    const uint8_t *bytes;
    EXPECT_OK(art_store_blob(store, &blobs[blob].ref, &found));
    EXPECT_OK(art_store_bypass(store, found, page, &bytes, &holder));
    if (!bytes) return NULL;
    ck_assert(!memcmp(bytes, blobs[blob].image + (size_t)page * ART_PAGE, ART_PAGE));
    ck_assert_ptr_nonnull(holder);
    return holder;
}

TEST(test_a_page_goes_past_a_full_cache_and_only_past_a_full_one) {
    make_world(1);
    store = store_open(&place, 64 * MB);
    EXPECT_OK(store_read_page(store, &blobs[3], 0));
    ck_assert(!art_cache_is_full());
    art_store_close(store);
    store = open_full();
    uint64_t bytes = store_cached_bytes(), read = store_pages_read(store);
    ck_assert_uint_eq(store_stats_of(store).count.bypassed, 0);
    for (uint32_t page = 10; page < 30; page++) ck_assert_ptr_nonnull(search(store, 5, page));
    ck_assert_uint_eq(store_pages_read(store), read + 20);
    for (unsigned i = 0; i < 100; i++) ck_assert_ptr_nonnull(search(store, 5, 29)); /* still there */
    ck_assert_uint_eq(store_pages_read(store), read + 20);
    ck_assert_uint_eq(store_cached_bytes(), bytes);
    ck_assert_ptr_null(search(store, 5, 0)); /* which the cache has */
    ck_assert_uint_eq(store_pages_read(store), read + 20);
    ck_assert_uint_eq(store_stats_of(store).count.bypassed, 120);
}

TEST(test_one_in_some_pages_enters_the_cache) {
    make_world(2);
    store = open_full();
    unsigned admitted = 0;
    for (unsigned i = 0; i < 10 * ADMITTED; i++) {
        unsigned blob = FIRST + i % OTHERS;
        uint32_t page = 1 + i / OTHERS;
        if (search(store, blob, page)) continue;
        admitted++;
        EXPECT_OK(store_read_page(store, &blobs[blob], page));
        art_store_relax(store);
        ck_assert_ptr_null(search(store, blob, page));
    }
    ck_assert_uint_ge(admitted, 9);
    ck_assert_uint_le(admitted, 11);
    ck_assert_uint_le(store_cached_bytes(), CACHE);
}

/* Of rows, say, of a join. */
TEST(test_pages_that_are_held_stay_as_they_are) {
    make_world(4);
    struct art_store *store = open_full();
    struct art_blob *held[12], *found, *holder;
    const uint8_t *bytes[12], *again;
    for (uint32_t i = 0; i < 12; i++) {
        EXPECT_OK(art_store_blob(store, &blobs[7].ref, &found));
        EXPECT_OK(art_store_bypass(store, found, 20 + i, &bytes[i], &held[i]));
        ck_assert_ptr_nonnull(bytes[i]);
        art_blob_pin(held[i]);
    }
    for (unsigned i = 0; i < 15; i++) ck_assert_ptr_nonnull(search(store, 8, 40 + i));
    for (uint32_t i = 0; i < 12; i++) ck_assert(!memcmp(bytes[i], blobs[7].image + (20 + i) * ART_PAGE, ART_PAGE));
    EXPECT_OK(art_store_blob(store, &blobs[7].ref, &found));
    EXPECT_OK(art_store_bypass(store, found, 20, &again, &holder));
    ck_assert(again && again != bytes[0]); /* which is no longer the store's */
    art_store_close(store);
    for (uint32_t i = 0; i < 12; i++) {
        ck_assert(!memcmp(bytes[i], blobs[7].image + (20 + i) * ART_PAGE, ART_PAGE));
        art_blob_unpin(held[i]);
    }
}

/* Into the slot that it names. */
static void put(struct store_blob *blob) {
    struct art_slot_set free_slots = {0};
    uint32_t slots, slot;
    struct art_store *writer = store_open(&place, 0);
    EXPECT_OK(art_store_write_begin(writer, false, &slots));
    EXPECT_OK(art_slot_set_add(&free_slots, blob->ref.slot));
    art_store_reuse(writer, &free_slots);
    EXPECT_OK(art_store_take_slot(writer, &slot));
    ck_assert_uint_eq(slot, blob->ref.slot);
    EXPECT_OK(store_write_again(writer, blob));
    store_end(writer);
    art_slot_set_clear(&free_slots);
    art_store_close(writer);
}

/* The same pages in the same slot under another footer, which may say of their buckets what it likes: they are verified
 * anew. */
TEST(test_a_page_is_verified_under_the_head_that_leads_there) {
    make_world(6);
    struct art_store *store = open_full();
    struct store_blob other = blobs[5];
    ck_assert_ptr_nonnull(search(store, 5, 20));
    other.image = aligned_alloc(ART_PAGE, ART_BLOB_SIZE);
    memcpy(other.image, blobs[5].image, ART_BLOB_SIZE);
    uint8_t *last = other.image + ART_LAST_PAGE_AT;
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(other.image + ART_TRAILER_AT);
    trailer->generation = other.ref.generation = 2;
    trailer->own_hash = art_blob_trailer_hash(last);
    other.ref.hash = art_hash128(last, ART_PAGE);
    put(&other);
    struct art_blob *found, *holder;
    const uint8_t *bytes;
    EXPECT_OK(art_store_blob(store, &other.ref, &found));
    uint64_t read = store_pages_read(store);
    EXPECT_OK(art_store_bypass(store, found, 20, &bytes, &holder));
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(store_pages_read(store), read + 1);
    art_store_close(store);
    free(other.image);
}

TEST(test_what_the_page_cache_lacks_or_has_wrong_is_left_to_the_cache) {
    make_world(5);
    struct store_blob *old = &blobs[6], fresh;
    sim_disk_let_pages_be_stale(place.sim, 3);
    store_blob_make(&fresh, old->ref.slot, 2, 900, 100);
    put(&fresh);
    *old = fresh;
    sim_disk_let_pages_be_at_hand(place.sim, 2);
    store = open_full();
    unsigned past = 0, not_past = 0;
    for (uint32_t page = 0; page < old->ref.leaf_pages; page++) {
        if (search(store, 6, page)) {
            past++;
        } else {
            not_past++;
            EXPECT_OK(store_read_page(store, old, page));
        }
    }
    printf("%u pages past the cache, %u not\n", past, not_past);
    ck_assert_uint_gt(past, 10);
    ck_assert_uint_gt(not_past, 40);
    ck_assert_uint_gt(store_stats_of(store).count.stale, 0);
}

/* Searches with searches of their own between, over the blobs, against what was written. */
LOOP_TEST(test_any_order_of_searches_finds_what_was_written, 4) {
    struct random random = random_announced("searches");
    make_world(random.state);
    sim_disk_let_pages_be_at_hand(place.sim, 1 + random.state % 2);
    struct art_blob *held[8] = {0};
    store = open_full();
    for (unsigned i = 0; i < 3000; i++) {
        if (!random_span(&random)) continue;
        unsigned blob = random_below(&random, BLOBS), hold = random_below(&random, 8);
        uint32_t page = random_below(&random, random_once_in(&random, 2) ? 4 : blobs[blob].ref.leaf_pages);
        struct art_blob *holder = search(store, blob, page);
        if (!holder) EXPECT_OK(store_read_page(store, &blobs[blob], page));
        if (holder && random_once_in(&random, 5)) {
            art_blob_unpin(held[hold]);
            art_blob_pin(held[hold] = holder);
        }
        if (random_once_in(&random, 3)) art_store_relax(store);
        if (random_once_in(&random, 300)) {
            art_store_close(store);
            store = open_full();
        }
    }
    for (unsigned i = 0; i < 8; i++) art_blob_unpin(held[i]);
}

/* What its cache has the host brings at once, so that a page alone is as cheap as one among others. */
TEST(test_a_blob_in_rows_that_are_at_hand_is_read_page_by_page) {
    ck_assert(store_place_open(&place, &io_modes[STORE_MODES - 1], "test_bypass"));
    store = store_open(&place, 0);
    store_fill(store, true, blobs, 2, 100);
    art_store_close(store);
    store = store_open(&place, 64 * MB);
    uint64_t footer = blobs[1].ref.footer_pages;
    own_clock_step(19000);
    for (uint32_t i = 0; i < blobs[1].ref.leaf_pages / 2; i++) {
        EXPECT_OK(store_read_page(store, &blobs[1], 2 * i));
        ck_assert_uint_eq(store_pages_read(store), footer + i + 1);
    }
    own_clock_step(0);
}

/* Who asks for a page or two of a blob waits for no more; who keeps asking gets the rest at once. */
TEST(test_a_blob_in_rows_that_are_waited_for_is_read_page_by_page_and_then_whole) {
    own_clock_step(21000);
    ck_assert(store_place_open(&place, &io_modes[STORE_MODES - 1], "test_bypass"));
    ck_assert_int_eq(place.mode->kind, IO_ROWS);
    store = store_open(&place, 0);
    store_fill(store, true, blobs, 2, 100);
    art_store_close(store);
    store = store_open(&place, 64 * MB);
    uint64_t footer = blobs[1].ref.footer_pages;
    for (uint32_t i = 0; i < SINGLY; i++) {
        EXPECT_OK(store_read_page(store, &blobs[1], 3 * i));
        ck_assert_uint_eq(store_pages_read(store), footer + i + 1);
    }
    EXPECT_OK(store_read_page(store, &blobs[1], 1));
    ck_assert_uint_ge(store_pages_read(store), footer + blobs[1].ref.leaf_pages - 1);
    EXPECT_OK(store_read(store, &blobs[1]));
    ck_assert_uint_eq(store_pages_read(store), footer + blobs[1].ref.leaf_pages);
    own_clock_step(0);
}

SUITE("bypass", .tear_down = end_world, .seconds = SUITE_FOREVER)
