/* The store at its edges: owner pages that lie with a right sum, references and slots that cannot be, calls at the
 * wrong moment, a store whose memory ends; and what art_store_check() is for.
 */
#include "core/base/alloc.h"
#include "core/store/private.h"
#include "tests/support/short_memory.h"
#include "tests/support/store_two.h"

static struct art_superblock *superblock(void) {
    uint64_t len;
    return (struct art_superblock *)(void *)sim_disk_file_bytes(place.sim, place.path, &len);
}

/* --- owner pages -------------------------------------------------------------------------------------------------- */

static void change(size_t offset, const void *bytes, size_t n, unsigned page) {
    uint8_t *at = (uint8_t *)superblock() + page * ART_STORE_PAGE;
    memcpy(at + offset, bytes, n);
    uint64_t sum = art_hash64(at, ART_STORE_PAGE - sizeof sum);
    memcpy(at + ART_STORE_PAGE - sizeof sum, &sum, sizeof sum);
}

static int read_it(void) {
    struct art_store *store = store_open(&place, 64 * MB);
    int rc = store_read(store, &blobs[0]);
    art_store_close(store);
    return rc;
}

static int write_it(void) {
    struct art_store *store = store_open(&place, 64 * MB);
    int rc = store_begin(store, false);
    if (!rc) art_store_write_end(store);
    art_store_close(store);
    return rc;
}

#define OWNER(field) offsetof(struct art_owner_page, field)

TEST(test_an_owner_page_that_lies_with_a_right_sum_names_nobody) {
    static const uint32_t one = 1, huge = ART_OWNER_PATH_MAX + 1, nothing = 0;
    static const struct {
        size_t at;
        const void *bytes;
        size_t n;
    } lies[] = {
        {OWNER(magic), "ArtOther", 8},
        {OWNER(uuid), "another table   ", 16},
        {OWNER(sequence), "\2\0\0\0\0\0\0\0", 8}, /* stands in the other page's place */
        {OWNER(path_kept), &huge, 4},
        {OWNER(path_len), &one, 4},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof *lies; i++) {
        make_world();
        change(lies[i].at, lies[i].bytes, lies[i].n, 2);
        EXPECT_OK(read_it());
        refused(write_it(), ART_CORRUPT, "both owner pages are damaged");
    }
    /* a path that differs in its hash, or its length, is another path: with the inode ours, it is noted anew */
    for (unsigned i = 0; i < 3; i++) {
        make_world();
        struct art_owner_page *owner = &superblock()->owner[1];
        size_t at = i == 0 ? OWNER(path_hash_low) : i == 1 ? OWNER(path_hash_high) : OWNER(path_len);
        uint8_t byte = (uint8_t)(((uint8_t *)owner)[at] + 1);
        change(at, &byte, 1, 2);
        EXPECT_OK(write_it());
        change(at, &byte, 1, 1); /* the page that counts now */
        uint64_t none = 0;
        change(OWNER(host_inode), &none, 8, 1);
        EXPECT_RC(ART_FOREIGN, write_it());
    }
    make_world();
    change(offsetof(struct art_superblock_page, slot_bytes), &nothing, 4, 0);
    refused(read_it(), ART_CORRUPT, "slots of another size");
}

TEST(test_a_file_with_an_incompatible_feature_is_refused_and_a_compatible_one_ignored) {
    const uint32_t features = 0xc0000000;
    make_world();
    change(offsetof(struct art_superblock_page, compatible), &features, 4, 0);
    EXPECT_OK(read_it());
    EXPECT_OK(write_it());
    change(offsetof(struct art_superblock_page, incompatible), &features, 4, 0);
    refused(read_it(), ART_CANTOPEN, "the file has feature 31, which this version cannot read");
    refused(write_it(), ART_CANTOPEN, "feature 31");
}

/* The table at the head of superblock.c, and what stands in for what cannot be asked. */
TEST(test_whose_a_file_is_follows_from_identities_and_the_last_part_of_the_path) {
    static const struct art_owner noted = {.own_inode = 7,
                                           .own_birth = 70,
                                           .host_inode = 8,
                                           .host_birth = 80,
                                           .host_path = "/here/a.db"},
                                  without_host = {.own_inode = 7, .own_birth = 70, .host_path = "/here/a.db"};
    static const struct {
        const struct art_owner *noted;
        struct art_owner me;
        enum art_ownership whose;
    } cases[] = {
        {&noted, {7, 70, 8, 80, "/here/a.db", 1}, ART_OWNED},
        {&noted, {7, 70, 8, 80, "/there/b.db", 1}, ART_OWNED_NOTE},
        {&noted, {7, 70, 9, 80, "/here/a.db", 1}, ART_OWNED_BEFORE},
        {&noted, {7, 70, 8, 81, "/here/a.db", 1}, ART_OWNED_BY_COPIED_UP}, /* or the inode is used again */
        {&noted, {7, 70, 8, 81, "/there/b.db", 1}, ART_OWNED_BY_COPIED_UP},
        {&noted, {7, 71, 8, 81, "/here/a.db", 1}, ART_OWNED_UNCLAIMED}, /* both were copied up */
        {&noted, {7, 70, 9, 90, "/here/b.db", 1}, ART_OWNED_BY_OTHER},
        {&noted, {7, 70, 9, 90, "/there/a.db", 1}, ART_OWNED_BY_OTHER},
        {&noted, {5, 50, 9, 90, "/there/a.db", 1}, ART_OWNED_UNCLAIMED},
        {&noted, {5, 50, 8, 80, "/here/a.db", 1}, ART_OWNED_UNCLAIMED},
        {&noted, {7, 71, 9, 90, "/there/a.db", 1}, ART_OWNED_UNCLAIMED}, /* the inode is used again */
        {&noted, {7, 71, 8, 80, "/here/b.db", 1}, ART_OWNED_BY_COPY},
        {&noted, {5, 50, 9, 90, "/there/aa.db", 1}, ART_OWNED_BY_COPY},
        {&noted, {5, 50, 9, 90, "/there/a.d", 1}, ART_OWNED_BY_COPY},
        /* no time of birth, then or now */
        {&noted, {7, 0, 8, 0, "/here/a.db", 1}, ART_OWNED},
        {&noted, {7, 0, 9, 0, "/here/a.db", 1}, ART_OWNED_BEFORE},
        /* no inode of the database, then or now: the path decides */
        {&noted, {7, 70, 0, 0, "/here/a.db", 0}, ART_OWNED},
        {&noted, {7, 70, 0, 0, "/here/b.db", 0}, ART_OWNED_BY_OTHER},
        {&without_host, {7, 70, 8, 80, "/here/a.db", 1}, ART_OWNED_NOTE},
        {&without_host, {7, 70, 8, 80, "/there/a.db", 1}, ART_OWNED_BY_OTHER},
    };
    static struct art_superblock block;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct art_owner_page *page;
        art_superblock_make(&block, store_uuid, cases[i].noted);
        enum art_ownership whose = art_superblock_owner(&block, store_uuid, &cases[i].me, &page);
        ck_assert_msg(whose == cases[i].whose, "case %u: %d, wanted %d", i, whose, cases[i].whose);
        ck_assert_ptr_nonnull(page);
    }
}

/* Of a path that is longer than its room the end is kept: it has the name. */
TEST(test_a_long_path_keeps_its_last_part) {
    static char path[ART_OWNER_PATH_MAX + 500], other[sizeof path];
    static struct art_superblock block;
    memset(path, 'd', sizeof path);
    memset(other, 'e', sizeof other);
    strcpy(path + sizeof path - 6, "/a.db");
    strcpy(other + sizeof other - 6, "/a.db");
    const struct art_owner_page *page;
    struct art_owner noted = {.own_inode = 7, .host_inode = 8, .host_path = path};
    art_superblock_make(&block, store_uuid, &noted);
    ck_assert_int_eq(art_superblock_owner(&block, store_uuid, &noted, &page), ART_OWNED);
    struct art_owner copy = {.own_inode = 5, .host_inode = 9, .host_path = other};
    ck_assert_int_eq(art_superblock_owner(&block, store_uuid, &copy, &page), ART_OWNED_UNCLAIMED);
    other[sizeof other - 2] = 'x';
    ck_assert_int_eq(art_superblock_owner(&block, store_uuid, &copy, &page), ART_OWNED_BY_COPY);
}

/* A crash tore the making of the file: the first page is whole, no owner page is. Only who may have made it, and only
 * while nothing else is in it, makes it again. */
TEST(test_a_new_file_without_an_owner_is_made_again_only_while_it_is_empty) {
    for (unsigned larger = 0; larger < 2; larger++) {
        make_world();
        static uint8_t bytes[ART_SUPERBLOCK_BYTES + ART_STORE_PAGE];
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, superblock(), ART_STORE_PAGE);
        sim_disk_put_file(place.sim, place.path, bytes, ART_SUPERBLOCK_BYTES + larger * ART_STORE_PAGE);
        EXPECT_RC(ART_CORRUPT, write_it());
        struct art_store *store = store_open(&place, 64 * MB);
        if (larger) {
            refused(store_begin(store, true), ART_CORRUPT, "both owner pages are damaged");
        } else {
            EXPECT_OK(store_begin(store, true));
            art_store_write_end(store);
            EXPECT_OK(write_it());
        }
        art_store_close(store);
    }
}

TEST(test_a_fresh_table_does_not_take_the_file_of_a_database_that_stood_here_before) {
    sim_disk_rename_file(place.sim, place.host_path, "here/aside.db");
    sim_disk_put_file(place.sim, place.host_path, "host", 4);
    store = store_open(&place, 64 * MB);
    EXPECT_RC(ART_FOREIGN, store_begin(store, true));
    refused(store_begin(store, false), ART_FOREIGN, "stood here before");
}

/* --- what cannot be ----------------------------------------------------------------------------------------------- */

TEST(test_slots_given_back_at_the_wrong_moment_are_not_given_out) {
    store = store_open(&place, 64 * MB);
    uint32_t end, slot;
    art_store_return_slot(store, 1); /* no phase */
    ck_assert_uint_eq(art_store_free_slots(store, 100), 0);
    EXPECT_RC(ART_MISUSE, art_store_wait(store));
    art_store_give_up(store);
    EXPECT_OK(art_store_write_begin(store, false, &end));
    ck_assert_uint_eq(art_store_free_slots(store, 100), 0);
    art_store_return_slot(store, 0);
    art_store_return_slot(store, end);
    ck_assert_uint_eq(art_store_free_slots(store, 100), 0);
    EXPECT_OK(art_store_take_slot(store, &slot));
    ck_assert_uint_eq(slot, end);
    art_store_return_slot(store, slot);
    ck_assert_uint_eq(art_store_free_slots(store, 100), 1);
    ck_assert_uint_eq(art_store_free_slots(store, slot), 0);
    sim_disk_fail(place.sim, SIM_SYNC, 1, ART_IO, false);
    EXPECT_RC(ART_IO, art_store_sync(store));
    EXPECT_RC(ART_POISONED, art_store_take_slot(store, &slot));
    art_store_return_slot(store, 1);
    ck_assert_uint_eq(art_store_free_slots(store, 100), 1);
}

TEST(test_a_file_whose_size_cannot_be_asked_is_an_error_once) {
    store = store_open(&place, 64 * MB);
    EXPECT_OK(store_read(store, &blobs[0]));
    struct art_ref ref = blobs[0].ref;
    struct art_blob *blob;
    ref.slot = 50;
    sim_disk_fail(place.sim, SIM_SIZE, 1, ART_IO, false);
    EXPECT_RC(ART_IO, art_store_blob(store, &ref, &blob));
    refused(art_store_blob(store, &ref, &blob), ART_CORRUPT, "behind the end of the file");
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

TEST(test_a_store_ends_at_the_last_slot) {
    short_memory_use();
    make_world();
    store = store_open(&place, 1 * MB);
    uint32_t slot;
    EXPECT_OK(store_begin(store, false));
    store->phase.end = UINT32_MAX - 100;
    int rc = ART_OK;
    for (unsigned i = 0; !rc && i < 100; i++) {
        struct art_slot_set set = {NULL, 0};
        rc = art_store_take_slot(store, &slot);
        short_memory_fail_once(0);                          /* half a gigabyte */
        EXPECT_RC(ART_NOMEM, art_slot_set_add(&set, slot)); /* there is room for its number */
        short_memory_fail_after(-1);
    }
    refused(art_store_take_slot(store, &slot), ART_TOOBIG, place.path);
    art_store_write_end(store);
}

/* --- pins --------------------------------------------------------------------------------------------------------- */

enum { PINS_MOST = 600, PIN_ROUNDS = 20000, PINS_BYTES = 256 << 10 };
static struct art_pinned *made[PINS_MOST];
static unsigned made_count;

static uint32_t some_slot(struct random *random, unsigned family) {
    if (family == 0) return 1 + random_below(random, 1000);
    if (family == 1) return 1 + random_below(random, 4000) * (1u << 20);
    if (family == 2) return ART_SLOTS_MAX - 1 - random_below(random, 1000);
    return 1 + random_below(random, ART_SLOTS_MAX - 1);
}

static struct art_hash128 hash_of_slot(uint32_t slot) {
    return (struct art_hash128){slot, ~(uint64_t)slot};
}

static void pin_slot(uint32_t slot) {
    static struct art_cached nothing = {.ready = true};
    struct art_pinned *pinned = art_alloc_zeroed(sizeof *pinned);
    *pinned = (struct art_pinned){.blob.slot = slot, .store = store, .cached = &nothing, .references = 1, .pages = 1};
    atomic_fetch_add(&store->references, 1);
    EXPECT_OK(art_store_pin(store, pinned, hash_of_slot(slot)));
    made[made_count++] = pinned;
}

static void unpin_made(unsigned i) {
    art_store_drop_pin(store, made[i]->blob.slot);
    made[i] = made[--made_count];
}

/* A forged reference, or a file of many terabytes, gives slots of any number. */
LOOP_TEST(test_pins_take_as_much_as_is_pinned_wherever_it_lies, 5) {
    struct random random = random_announced("pins");
    short_memory_use();
    make_world();
    store = store_open(&place, 64 * MB);
    store->fork_generation++; /* what is pinned is not the cache's */
    short_memory_measure();
    for (unsigned i = 0; i < PIN_ROUNDS; i++) {
        uint32_t slot = some_slot(&random, _i < 4 ? (unsigned)_i : i % 4);
        struct art_pin *at = art_store_find_pin(store, slot);
        bool more = random_below(&random, PINS_MOST) >= made_count;
        if (at->pinned) ck_assert(at->hash.low == slot && at->pinned->blob.slot == slot);
        if (!at->pinned && more && made_count < PINS_MOST) pin_slot(slot);
        if (!more && made_count) unpin_made(random_below(&random, made_count));
        if (i % 500) continue;
        EXPECT_OK(art_store_check(store));
        for (unsigned j = 0; j < made_count; j++) ck_assert(art_store_has_pinned(made[j]));
    }
    ck_assert_uint_eq(store->pin_count, made_count);
    ck_assert_int_lt(short_memory_most(), PINS_BYTES + (int64_t)PINS_MOST * (int64_t)sizeof **made);
    art_store_drop_pins(store);
    EXPECT_OK(art_store_check(store));
    made_count = 0;
    store->fork_generation--;
    art_store_close(store);
    store = NULL;
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

TEST(test_what_a_store_holds_is_checked) {
    store = store_open(&place, 64 * MB);
    EXPECT_OK(store_read(store, &blobs[0]));
    EXPECT_OK(store_read(store, &blobs[1]));
    EXPECT_OK(art_store_check(store));
    struct art_pinned *first = store->pinned, *second = first->next;
    ck_assert_ptr_nonnull(second);

    struct art_pin *at = art_store_find_pin(store, first->blob.slot);
    at->pinned = second;
    refused(art_store_check(store), ART_MISUSE, "not where its slot says");
    at->pinned = first;
    second->previous = NULL;
    refused(art_store_check(store), ART_MISUSE, "the list of pinned blobs is broken");
    second->previous = first;
    first->next = NULL;
    EXPECT_RC(ART_MISUSE, art_store_check(store));
    first->next = second;
    atomic_store(&second->cached->ready, false);
    refused(art_store_check(store), ART_MISUSE, "is not ready");
    atomic_store(&second->cached->ready, true);
    store->pinned_pages++;
    EXPECT_RC(ART_MISUSE, art_store_check(store));
    store->pinned_pages--;
    EXPECT_OK(art_store_check(store));
}

SUITE("store, edges", .set_up = make_world, .tear_down = end_world, .seconds = 60)
