/* The .art file beside its database: made, lost, copied, linked, cut, taken over, torn by a crash while it was made. */
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/store_format.h"
#include "tests/support/apart.h"
#include "tests/support/store_two.h"

/* A whole write phase that rewrites blob 0 in its place; what its beginning said. */
static int write_something(struct art_store *store) {
    int rc = store_begin(store, false);
    if (rc) return rc;
    EXPECT_OK(store_write_again(store, &blobs[0]));
    store_end(store);
    return ART_OK;
}

static int read_as(const char *path, const char *host_path) {
    struct art_store *store = store_open_as(&place, path, host_path);
    int rc = store_read(store, &blobs[0]);
    if (!rc) rc = store_read(store, &blobs[1]);
    art_store_close(store);
    return rc;
}

static int write_as(const char *path, const char *host_path) {
    struct art_store *store = store_open_as(&place, path, host_path);
    int rc = write_something(store);
    art_store_close(store);
    return rc;
}

/* ---- made -------------------------------------------------------------------------------------------------------- */

TEST(test_opening_and_reading_make_no_file) {
    new_world(1);
    struct store_blob blob;
    store_blob_make(&blob, 1, 1, 1, 3);
    struct art_store *store = store_open(&place, 64 * MB);
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_ANY), 0);
    for (unsigned i = 0; i < 2; i++) {
        refused(store_read(store, &blob), ART_MISSING, place.path);
        EXPECT_MESSAGE("copy it");
    }
    refused(store_begin(store, false), ART_MISSING, place.path);
    ck_assert(!art_store_writing(store));
    art_store_close(store);
    ck_assert(!sim_disk_has_file(place.sim, place.path));
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_WRITE), 0);
}

TEST(test_a_file_put_back_is_found_without_reopening) {
    sim_disk_rename_file(place.sim, place.path, "elsewhere");
    store = store_open(&place, 64 * MB);
    EXPECT_RC(ART_MISSING, store_read(store, &blobs[0]));
    sim_disk_rename_file(place.sim, "elsewhere", place.path);
    EXPECT_OK(store_read(store, &blobs[0]));
}

TEST(test_a_new_file_has_the_databases_permissions) {
    end_world();
    if (!store_place_open(&place, &io_modes[IO_MODES - 2], "test_store_file")) return;
    ck_assert_int_eq(chmod(place.host_path, 0640), 0);
    struct store_blob blob;
    struct art_store *store = store_open(&place, 64 * MB);
    store_fill(store, true, &blob, 1, 5);
    art_store_close(store);
    struct stat attributes;
    ck_assert_int_eq(stat(place.path, &attributes), 0);
    ck_assert_uint_eq(attributes.st_mode & 0777, 0640);
}

TEST(test_the_files_own_folder_is_synced_before_a_phase_begins) {
    new_world(1);
    store = store_open(&place, 64 * MB);
    EXPECT_OK(store_begin(store, true));
    struct sim_disk_stats stats;
    sim_disk_stats(place.sim, &stats);
    ck_assert_uint_eq(stats.unsynced, 0);
    ck_assert_uint_eq(stats.calls[SIM_SYNC_DIRECTORY], 1);
    art_store_write_end(store);
    EXPECT_OK(store_begin(store, true)); /* rolled back: who says that the folder was synced? */
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_SYNC_DIRECTORY), 2);
    art_store_write_end(store);
}

/* Only bytes that we ourselves may have left are written over. */
TEST(test_what_stands_in_the_new_files_place_is_used_only_if_it_can_only_be_ours) {
    static uint8_t zeroes[ART_SUPERBLOCK_BYTES], text[4 * ART_PAGE];
    memset(text, 'x', sizeof text);
    uint64_t len;
    uint8_t whole[2 * ART_BLOB_SIZE];
    memcpy(whole, sim_disk_file_bytes(place.sim, place.path, &len), sizeof whole);
    static uint8_t torn[ART_SUPERBLOCK_BYTES], other_table[ART_SUPERBLOCK_BYTES], of_other_table[ART_SUPERBLOCK_BYTES];
    memcpy(torn, whole, sizeof torn);
    memset(torn, 0, 512); /* the first sector did not arrive */
    memcpy(other_table, whole, sizeof other_table);
    other_table[offsetof(struct art_superblock_page, uuid)] ^= 1;
    memcpy(of_other_table, other_table, sizeof of_other_table);
    other_table[0] ^= 1;
    const struct {
        const void *bytes;
        uint64_t len;
        int expected;
    } cases[] = {
        {zeroes, 0, ART_OK},
        {zeroes, 512, ART_OK},
        {zeroes, 4096, ART_OK},
        {zeroes, 12288, ART_OK},
        {whole, 512, ART_OK},
        {whole, 4608, ART_OK},
        {whole, 12288, ART_OK},
        {torn, 12288, ART_OK},
        {torn, 8192, ART_OK},
        {text, 5, ART_FOREIGN},
        {text, 512, ART_FOREIGN},
        {text, 4096, ART_FOREIGN},
        {text, 12288, ART_FOREIGN},
        {text, 16384, ART_FOREIGN},
        {zeroes, 100, ART_FOREIGN},
        {other_table, 12288, ART_FOREIGN},
        {of_other_table, 512, ART_FOREIGN}, /* torn, too */
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        sim_disk_put_file(place.sim, place.path, cases[i].bytes, cases[i].len);
        struct art_store *store = store_open(&place, 64 * MB);
        int rc = store_begin(store, true);
        ck_assert_msg(rc == cases[i].expected, "case %u: %s", i, art_error_message());
        if (rc) {
            const uint8_t *now = sim_disk_file_bytes(place.sim, place.path, &len);
            ck_assert_uint_eq(len, cases[i].len);
            ck_assert(!memcmp(now, cases[i].bytes, len));
            EXPECT_MESSAGE("move it away");
        } else {
            struct store_blob blob;
            EXPECT_OK(store_write_new(store, &blob, 1, i, 4));
            EXPECT_OK(art_store_sync(store));
            EXPECT_OK(store_read(store, &blob));
            art_store_write_end(store);
        }
        art_store_close(store);
    }
}

TEST(test_a_fresh_table_never_takes_the_original_databases_file) {
    sim_disk_copy_file(place.sim, place.host_path, "here/copy.db");
    struct art_store *store = store_open_as(&place, place.path, "here/copy.db");
    EXPECT_RC(ART_FOREIGN, store_begin(store, true));
    art_store_close(store);
    EXPECT_OK(read_as(place.path, place.host_path));
}

/* Power fails at each step of making the file; whatever is left, the next connection makes or finds a good one. */
TEST(test_a_crash_at_any_moment_of_making_the_file_leaves_nothing_in_the_way) {
    unsigned made = 0;
    for (uint64_t seed = 1; seed <= 25 * random_scale(); seed++) {
        for (unsigned call = 1, done = 0; !done; call++) {
            new_world(seed * 1000 + call);
            struct art_store *store = store_open(&place, 64 * MB);
            sim_disk_fail(place.sim, SIM_ANY, call, ART_IO, true);
            struct store_blob lost = {.image = NULL}, kept;
            done = !store_begin(store, true) && !store_write_new(store, &lost, 1, seed, 3) && !art_store_sync(store);
            sim_disk_crash(place.sim, SIM_CRASH_RANDOM);
            art_store_close(store);
            made += done;
            store = store_open(&place, 64 * MB);
            if (done) EXPECT_OK(store_read(store, &lost));
            EXPECT_OK(store_begin(store, true));
            EXPECT_OK(store_write_new(store, &kept, 1, seed + 1, 3));
            store_end(store);
            sim_disk_crash(place.sim, SIM_CRASH_DROP_ALL);
            art_store_close(store);
            store = store_open(&place, 64 * MB);
            EXPECT_OK(store_read(store, &kept));
            art_store_close(store);
        }
    }
    ck_assert_uint_gt(made, 0);
}

/* ---- whose it is ------------------------------------------------------------------------------------------------- */

TEST(test_a_copied_database_neither_reads_nor_writes_the_originals_file) {
    sim_disk_copy_file(place.sim, place.host_path, "here/copy.db"); /* VACUUM INTO keeps the .art file's name */
    refused(read_as(place.path, "here/copy.db"), ART_FOREIGN, place.path);
    EXPECT_MESSAGE(place.host_path);
    EXPECT_MESSAGE("adopt");
    EXPECT_RC(ART_FOREIGN, write_as(place.path, "here/copy.db"));
    EXPECT_OK(read_as(place.path, place.host_path));
    EXPECT_OK(write_as(place.path, place.host_path));
}

/* The database's name in another folder. */
static void beside(char *out, size_t size) {
    const char *slash = strrchr(place.host_path, '/');
    snprintf(out, size, "there/%s", slash ? slash + 1 : place.host_path);
}

TEST(test_a_database_copied_with_its_file_is_a_database_of_its_own) {
    char database[600];
    beside(database, sizeof database);
    sim_disk_copy_file(place.sim, place.host_path, database);
    sim_disk_copy_file(place.sim, place.path, "there/b.art");
    EXPECT_OK(read_as("there/b.art", database));
    EXPECT_OK(write_as("there/b.art", database));
    /* And its file is now as much its own as the original's is. */
    sim_disk_copy_file(place.sim, database, "there/c.db");
    refused(read_as("there/b.art", "there/c.db"), ART_FOREIGN, database);
    EXPECT_RC(ART_FOREIGN, write_as("there/b.art", place.host_path));
    EXPECT_OK(read_as("there/b.art", database));
}

TEST(test_a_database_may_move_with_its_file) {
    sim_disk_rename_file(place.sim, place.host_path, "moved.db"); /* the inode stays */
    EXPECT_OK(write_as(place.path, "moved.db"));
    sim_disk_rename_file(place.sim, place.path, "moved.art");
    sim_disk_rename_file(place.sim, "moved.db", place.host_path);
    EXPECT_OK(write_as("moved.art", place.host_path));
}

/* An old copy is put into the place of the owner, which lies aside and comes back. */
TEST(test_a_copy_in_the_owners_place_is_refused_until_it_adopts) {
    sim_disk_rename_file(place.sim, place.host_path, "aside.db");
    sim_disk_copy_file(place.sim, "aside.db", place.host_path);
    refused(read_as(place.path, place.host_path), ART_FOREIGN, "stood here before");
    refused(write_as(place.path, place.host_path), ART_FOREIGN, "adopt");
    struct art_store *other = store_open(&place, 64 * MB);
    EXPECT_OK(art_store_adopt(other));
    art_store_close(other);
    EXPECT_OK(write_as(place.path, place.host_path));
    EXPECT_RC(ART_FOREIGN, read_as(place.path, "aside.db"));
}

TEST(test_an_owner_that_was_put_aside_finds_its_file_unchanged_when_it_is_back) {
    sim_disk_rename_file(place.sim, place.host_path, "aside.db");
    sim_disk_copy_file(place.sim, "aside.db", place.host_path);
    EXPECT_RC(ART_FOREIGN, write_as(place.path, place.host_path));
    EXPECT_OK(read_as(place.path, "aside.db"));
    EXPECT_OK(write_as(place.path, "aside.db"));
    EXPECT_RC(ART_FOREIGN, read_as(place.path, place.host_path)); /* the owner has noted where it is */
    sim_disk_rename_file(place.sim, "aside.db", place.host_path);
    EXPECT_OK(write_as(place.path, place.host_path));
}

/* Both were copied, and the database once more: two databases look at one file, whose owner page names neither. */
TEST(test_a_copy_that_nobody_has_claimed_is_for_the_database_of_its_name) {
    sim_disk_copy_file(place.sim, place.path, "there/t.art");
    char same[600];
    beside(same, sizeof same);
    sim_disk_copy_file(place.sim, place.host_path, same);
    sim_disk_copy_file(place.sim, place.host_path, "there/scratch.db");
    for (int i = 0; i < 2; i++) { /* either comes first */
        refused(read_as("there/t.art", "there/scratch.db"), ART_FOREIGN, "no database has claimed");
        EXPECT_RC(ART_FOREIGN, write_as("there/t.art", "there/scratch.db"));
        EXPECT_OK(read_as("there/t.art", same));
    }
    EXPECT_OK(write_as("there/t.art", same));
    sim_disk_rename_file(place.sim, same, "there/prod.db"); /* claimed: known by its file from now on */
    EXPECT_OK(write_as("there/t.art", "there/prod.db"));
    sim_disk_copy_file(place.sim, "there/scratch.db", same);
    EXPECT_RC(ART_FOREIGN, read_as("there/t.art", same));
}

/* It needs nothing of the file, and would write over what another state of the database needs. */
TEST(test_a_table_without_a_file_takes_no_copied_one_that_has_content) {
    char database[600];
    beside(database, sizeof database);
    sim_disk_copy_file(place.sim, place.host_path, database);
    sim_disk_copy_file(place.sim, place.path, "there/t.art");
    store = store_open_as(&place, "there/t.art", database);
    refused(store_begin(store, true), ART_FOREIGN, "move it away");
    art_store_close(store);
    EXPECT_OK(read_as("there/t.art", database));
    sim_disk_put_file(place.sim, "there/t.art", sim_disk_file_bytes(place.sim, place.path, &(uint64_t){0}),
                      ART_SUPERBLOCK_BYTES);
    store = store_open_as(&place, "there/t.art", database);
    EXPECT_OK(store_begin(store, true)); /* nothing is in it */
}

TEST(test_a_store_says_whether_its_file_is_claimed) {
    store = store_open(&place, 64 * MB);
    ck_assert(!art_store_unclaimed(store)); /* nobody has looked yet */
    EXPECT_OK(store_read(store, &blobs[0]));
    ck_assert(!art_store_unclaimed(store));
    art_store_close(store);
    sim_disk_rename_file(place.sim, place.host_path, "moved.db");
    store = store_open_as(&place, place.path, "moved.db");
    EXPECT_OK(store_read(store, &blobs[0]));
    ck_assert(art_store_unclaimed(store));
    EXPECT_OK(store_begin(store, false));
    art_store_write_end(store);
    ck_assert(!art_store_unclaimed(store));
    art_store_close(store);
    store = store_open_as(&place, place.path, "moved.db");
    EXPECT_OK(store_read(store, &blobs[0]));
    ck_assert(!art_store_unclaimed(store));
}

TEST(test_a_database_without_an_inode_is_known_by_its_path) {
    sim_disk_remove_file(place.sim, place.host_path);
    EXPECT_OK(write_as(place.path, place.host_path));
    EXPECT_RC(ART_FOREIGN, read_as(place.path, "here/other.db"));
}

TEST(test_the_owner_is_noted_durably_before_anything_is_written) {
    sim_disk_rename_file(place.sim, place.host_path, "moved.db");
    store = store_open_as(&place, place.path, "moved.db");
    uint64_t before = sim_disk_calls(place.sim, SIM_WRITE), synced = sim_disk_calls(place.sim, SIM_SYNC);
    EXPECT_OK(store_begin(store, false));
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_WRITE), before + 1);
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_SYNC), synced + 1);
    art_store_write_end(store);
    EXPECT_OK(write_something(store)); /* nothing is left to note */
    ck_assert_uint_eq(sim_disk_calls(place.sim, SIM_WRITE), before + 2);
}

TEST(test_a_crash_while_the_owner_is_noted_leaves_an_owner) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        make_world();
        sim_disk_rename_file(place.sim, place.host_path, "moved.db");
        struct art_store *store = store_open_as(&place, place.path, "moved.db");
        sim_disk_fail(place.sim, SIM_SYNC, 1, ART_IO, true);
        EXPECT_RC(ART_IO, store_begin(store, false));
        struct sim_disk *after = sim_disk_after_crash(place.sim, seed, SIM_CRASH_RANDOM);
        art_store_close(store);
        sim_disk_free(place.sim);
        place.sim = after;
        place.disk = sim_disk_art(after);
        EXPECT_OK(write_as(place.path, "moved.db"));
        sim_disk_copy_file(place.sim, "moved.db", "third.db");
        EXPECT_RC(ART_FOREIGN, read_as(place.path, "third.db"));
    }
}

TEST(test_one_bad_owner_page_is_survived_and_two_forbid_writing_until_adopted) {
    for (unsigned page = 1; page <= 2; page++) { /* page 2 is the one in use; page 1 was never written */
        sim_disk_corrupt(place.sim, place.path, page * ART_PAGE + 40, 3);
        if (page == 1) EXPECT_OK(write_as(place.path, place.host_path));
    }
    EXPECT_OK(read_as(place.path, place.host_path));
    refused(write_as(place.path, place.host_path), ART_CORRUPT, "adopt");
    struct art_store *store = store_open(&place, 64 * MB);
    EXPECT_OK(art_store_adopt(store));
    art_store_write_end(store);
    EXPECT_OK(write_something(store));
    art_store_close(store);
    EXPECT_OK(write_as(place.path, place.host_path));
}

TEST(test_adopt_takes_a_file_over_and_its_old_owner_writes_no_more) {
    sim_disk_copy_file(place.sim, place.host_path, "here/copy.db");
    struct art_store *original = store_open(&place, 64 * MB);
    EXPECT_OK(write_something(original));
    struct art_store *store = store_open_as(&place, place.path, "here/copy.db");
    EXPECT_RC(ART_FOREIGN, store_read(store, &blobs[0]));
    EXPECT_OK(art_store_adopt(store));
    EXPECT_RC(ART_MISUSE, art_store_adopt(store));
    EXPECT_RC(ART_BUSY, store_begin(original, false));
    EXPECT_OK(store_read(store, &blobs[0]));
    art_store_write_end(store);
    EXPECT_OK(write_something(store));
    refused(store_begin(original, false), ART_FOREIGN, "here/copy.db");
    art_store_close(store);
    art_store_close(original);
    EXPECT_OK(read_as(place.path, "here/copy.db"));
    EXPECT_RC(ART_FOREIGN, read_as(place.path, place.host_path));
}

/* What the page cache has of the owner pages may be older than what the device has: it opens the owner's file, and
 * never refuses it; and it lets nobody write. */
TEST(test_an_owner_that_the_page_cache_has_from_before_writes_no_more_either) {
    sim_disk_copy_file(place.sim, place.host_path, "here/copy.db");
    sim_disk_let_pages_be_stale(place.sim, 1);
    for (unsigned i = 0; i < 5; i++) {
        EXPECT_OK(read_as(place.path, place.host_path));
        EXPECT_OK(write_as(place.path, place.host_path));
        EXPECT_RC(ART_FOREIGN, read_as(place.path, "here/copy.db"));
        struct art_store *store = store_open_as(&place, place.path, "here/copy.db");
        EXPECT_OK(art_store_adopt(store));
        art_store_write_end(store);
        art_store_close(store);
        EXPECT_OK(write_as(place.path, "here/copy.db"));
        EXPECT_RC(ART_FOREIGN, write_as(place.path, place.host_path));
        store = store_open(&place, 64 * MB);
        EXPECT_OK(art_store_adopt(store));
        art_store_write_end(store);
        art_store_close(store);
    }
}

TEST(test_a_file_of_another_table_is_never_ours_not_even_by_adopt) {
    uint64_t len;
    uint8_t *bytes = sim_disk_file_bytes(place.sim, place.path, &len);
    struct art_superblock *block = (struct art_superblock *)bytes;
    block->identity.uuid[7] ^= 1;
    block->identity.sum = art_hash64(&block->identity, ART_STORE_PAGE - 8);
    refused(read_as(place.path, place.host_path), ART_FOREIGN, "another table");
    store = store_open(&place, 64 * MB);
    EXPECT_RC(ART_FOREIGN, art_store_adopt(store));
    EXPECT_RC(ART_FOREIGN, store_begin(store, false));
    EXPECT_RC(ART_FOREIGN, store_begin(store, true));
    block->identity.uuid[7] ^= 1;
    block->identity.format = 99;
    block->identity.sum = art_hash64(&block->identity, ART_STORE_PAGE - 8);
    refused(store_read(store, &blobs[0]), ART_CANTOPEN, "format 99");
}

TEST(test_every_flipped_bit_of_the_superblock_is_found) {
    struct random random = random_announced("superblock");
    for (unsigned i = 0; i < 200; i++) {
        uint32_t byte = i < 40 ? i : random_below(&random, ART_PAGE);
        unsigned bit = random_below(&random, 8);
        sim_disk_corrupt(place.sim, place.path, byte, bit);
        refused(read_as(place.path, place.host_path), ART_CORRUPT, "slot 0, page 0");
        EXPECT_RC(ART_CORRUPT, write_as(place.path, place.host_path));
        sim_disk_corrupt(place.sim, place.path, byte, bit);
    }
    EXPECT_OK(read_as(place.path, place.host_path));
}

/* ---- links, lengths, replacement --------------------------------------------------------------------------------- */

TEST(test_a_file_with_two_names_is_read_and_not_written) {
    sim_disk_link_file(place.sim, place.path, "second.art");
    EXPECT_OK(read_as(place.path, place.host_path));
    refused(write_as(place.path, place.host_path), ART_READONLY, "hard link");
    sim_disk_remove_file(place.sim, "second.art");
    EXPECT_OK(write_as(place.path, place.host_path));
}

/* Of the system's, with one blob; false: not here. */
static bool make_real_file(struct store_blob *blob) {
    end_world();
    if (!store_place_open(&place, &io_modes[IO_MODES - 2], "test_store_file")) return false;
    struct art_store *store = store_open(&place, 64 * MB);
    store_fill(store, true, blob, 1, 5);
    art_store_close(store);
    return true;
}

TEST(test_a_symbolic_link_is_not_followed) {
    struct store_blob blob;
    struct art_store *store;
    if (!make_real_file(&blob)) return;
    char away[600];
    snprintf(away, sizeof away, "%s.away", place.path);
    ck_assert_int_eq(rename(place.path, away), 0);
    ck_assert_int_eq(symlink(away, place.path), 0);
    store = store_open(&place, 64 * MB);
    refused(store_read(store, &blob), ART_CANTOPEN, "symbolic link");
    EXPECT_RC(ART_CANTOPEN, store_begin(store, false));
    EXPECT_RC(ART_CANTOPEN, store_begin(store, true));
    art_store_close(store);
    unlink(away);
}

TEST(test_a_file_cut_short_says_so_and_keeps_what_it_has) {
    uint64_t len;
    uint8_t *bytes = sim_disk_file_bytes(place.sim, place.path, &len);
    uint8_t *whole = malloc(len);
    memcpy(whole, bytes, len);
    ck_assert_uint_eq(len, 3 * ART_BLOB_SIZE);
    struct art_store *store = store_open(&place, 64 * MB);
    sim_disk_put_file(place.sim, place.path, whole, len - 4096);
    EXPECT_OK(store_read(store, &blobs[0]));
    refused(store_read(store, &blobs[1]), ART_CORRUPT, "slot 2");
    EXPECT_MESSAGE("end of the file");
    art_store_close(store);
    static const uint64_t lengths[] = {0, 1, 4096, 12287};
    for (unsigned i = 0; i < 4; i++) {
        sim_disk_put_file(place.sim, place.path, whole, lengths[i]);
        EXPECT_RC(ART_CORRUPT, read_as(place.path, place.host_path));
        refused(write_as(place.path, place.host_path), ART_CORRUPT, "cut short");
    }
    sim_disk_put_file(place.sim, place.path, whole, len);
    EXPECT_OK(read_as(place.path, place.host_path));
    free(whole);
}

TEST(test_rubbish_behind_the_last_slot_is_not_taken_for_free) {
    uint64_t len;
    uint8_t *bytes = sim_disk_file_bytes(place.sim, place.path, &len);
    uint8_t *longer = calloc(1, len + 5000);
    memcpy(longer, bytes, len);
    sim_disk_put_file(place.sim, place.path, longer, len + 5000);
    struct art_store *store = store_open(&place, 64 * MB);
    store_expect(store, blobs, 2);
    uint32_t slots, slot;
    EXPECT_OK(art_store_write_begin(store, false, &slots));
    ck_assert_uint_eq(slots, 4); /* a part of slot 3 is there */
    EXPECT_OK(art_store_take_slot(store, &slot));
    ck_assert_uint_eq(slot, 4);
    art_store_write_end(store);
    art_store_close(store);
    free(longer);
}

TEST(test_a_file_replaced_while_it_is_open_is_the_one_that_is_written) {
    store = store_open(&place, 64 * MB);
    EXPECT_OK(write_something(store));
    sim_disk_copy_file(place.sim, place.path, "backup");
    sim_disk_rename_file(place.sim, "backup", place.path); /* restored: another inode */
    struct store_blob more;
    EXPECT_OK(store_begin(store, false));
    EXPECT_OK(store_write_new(store, &more, 2, 7, 4));
    store_end(store);
    store_expect(store, blobs, 2);
    art_store_close(store);
    store = store_open(&place, 64 * MB);
    EXPECT_OK(store_read(store, &more));
    sim_disk_remove_file(place.sim, place.path);
    EXPECT_RC(ART_MISSING, store_begin(store, false));
}

TEST(test_a_file_that_may_only_be_read_is_read) {
    struct store_blob blob;
    struct art_store *store;
    if (!make_real_file(&blob)) return;
    struct art_store_options options = store_options(&place, 64 * MB);
    options.read_only = true;
    EXPECT_OK(art_store_open(&store, &options));
    EXPECT_OK(store_read(store, &blob));
    refused(store_begin(store, false), ART_READONLY, place.path);
    EXPECT_RC(ART_READONLY, art_store_adopt(store));
    art_store_close(store);
    ck_assert_int_eq(chmod(place.path, 0400), 0);
    if (geteuid()) { /* root may write whatever the permissions */
        store = store_open(&place, 64 * MB);
        EXPECT_OK(store_read(store, &blob));
        EXPECT_RC(ART_CANTOPEN, store_begin(store, false));
        EXPECT_OK(store_read(store, &blob));
        art_store_close(store);
    } else {
        io_skip("test_store_file", "permissions do not stop root");
    }
}

/* ---- the lock ---------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_one_connection_writes_at_a_time, IO_MODES) {
    end_world();
    if (!store_place_open(&place, &io_modes[_i], "test_store_file")) return;
    struct art_store *one = store_open(&place, 64 * MB), *two = store_open(&place, 64 * MB);
    struct store_blob first[2], more;
    store_fill(one, true, first, 2, 5);
    store_expect(two, first, 2);
    EXPECT_OK(store_begin(one, false));
    EXPECT_RC(ART_BUSY, store_begin(two, false));
    EXPECT_RC(ART_BUSY, art_store_adopt(two));
    ck_assert(!art_store_writing(two));
    store_expect(two, first, 2); /* readers take no lock */
    EXPECT_OK(store_write_new(one, &more, 1, 50, 5));
    store_end(one);
    uint32_t slots;
    EXPECT_OK(art_store_write_begin(two, false, &slots));
    ck_assert_uint_eq(slots, 4); /* the size as it is under the lock */
    EXPECT_RC(ART_BUSY, store_begin(one, false));
    art_store_close(two); /* ends its phase */
    EXPECT_OK(store_begin(one, false));
    art_store_close(one);
}

/* Of a fresh table: only who waits for a lock of its own database's will get the file. */
TEST(test_a_file_that_is_locked_is_busy_for_its_own_database_and_foreign_to_others) {
    sim_disk_copy_file(place.sim, place.host_path, "here/copy.db");
    struct art_store *one = store_open(&place, 64 * MB), *two = store_open(&place, 64 * MB);
    struct art_store *copy = store_open_as(&place, place.path, "here/copy.db");
    EXPECT_OK(store_begin(one, true));
    EXPECT_RC(ART_BUSY, store_begin(two, true));
    EXPECT_RC(ART_FOREIGN, store_begin(copy, true));
    EXPECT_MESSAGE("another database");
    EXPECT_RC(ART_BUSY, store_begin(copy, false));
    art_store_close(one);
    EXPECT_OK(store_begin(two, true));
    art_store_close(two);
    EXPECT_RC(ART_FOREIGN, store_begin(copy, true));
    art_store_close(copy);
}

/* Our own database has no second writer that could begin a file. */
TEST(test_a_file_that_somebody_has_just_begun_is_foreign) {
    struct art_io *other;
    static const char text[] = "not ours";
    for (int i = 0; i < 2; i++) {
        sim_disk_put_file(place.sim, place.path, text, i ? sizeof text : 0);
        must(sim_disk_open(place.sim, place.path, false, &other));
        must(other->methods->lock(other));
        store = store_open(&place, 64 * MB);
        EXPECT_RC(ART_FOREIGN, store_begin(store, true));
        EXPECT_MESSAGE("move it away");
        ck_assert(sim_disk_has_file(place.sim, place.path));
        art_store_close(store);
        store = NULL;
        art_io_close(other);
    }
}

/* ---- fork -------------------------------------------------------------------------------------------------------- */

enum { CHILD_GOOD = 77 };

/* No Check in the child: it would end the parent's test. */
static int child(struct art_store *store, struct art_blob *held, const struct store_blob *blob) {
    struct art_blob *found;
    struct art_blob_buf buffer;
    uint32_t slots;
    struct art_store_stats stats;
    if (!art_store_forked(store)) return 1;
    if (art_store_blob(store, &blob->ref, &found) != ART_FORKED) return 2;
    if (art_store_write_begin(store, false, &slots) != ART_FORKED) return 3;
    if (art_store_buffer(store, &buffer) != ART_FORKED) return 4;
    if (art_store_sync(store) != ART_FORKED || art_store_adopt(store) != ART_FORKED) return 5;
    if (art_store_stats(store, &stats) != ART_FORKED || art_store_take_slot(store, &slots) != ART_FORKED) return 6;
    art_store_relax(store);
    art_store_forget(store, 1);
    art_store_write_end(store);
    art_store_readahead_start(store, store, &blob->ref, 1);
    art_store_close(store);
    if (memcmp(held->image, blob->image, ART_PAGE)) return 7;
    art_blob_unpin(held);
    struct art_store *own = NULL; /* one of its own works */
    struct art_store_options options = store_options(&place, 64 * MB);
    if (art_store_open(&own, &options)) return 8;
    if (art_store_forked(own) || art_store_blob(own, &blob->ref, &found)) return 9;
    if (store_read_page(own, blob, 0)) return 10;
    if (art_store_write_begin(own, false, &slots) != ART_BUSY) return 11; /* the parent's lock is the parent's */
    art_store_close(own);
    return CHILD_GOOD;
}

LOOP_TEST(test_after_fork_the_child_is_refused_and_the_parent_is_unharmed, IO_MODES) {
    end_world();
    if (!store_place_open(&place, &io_modes[_i], "test_store_file")) return;
    if (place.sim) return; /* its handles live in one process */
    store = store_open(&place, 64 * MB);
    struct store_blob pair[2], more;
    struct art_blob *held;
    store_fill(store, true, pair, 2, 30);
    EXPECT_OK(art_store_blob(store, &pair[0].ref, &held));
    art_blob_pin(held);
    EXPECT_OK(store_begin(store, false));
    art_store_forget(store, pair[1].ref.slot);
    ck_assert_uint_eq(art_store_readahead_start(store, store, &pair[1].ref, 1), 1);
    EXPECT_OK(store_write_new(store, &more, 2, 3, 100)); /* both under way while we fork */
    pid_t pid = apart_begin();
    if (!pid) _exit(child(store, held, &pair[0]));
    ck_assert_int_eq(apart_end(pid), CHILD_GOOD);
    ck_assert(!art_store_forked(store));
    struct art_store *other = store_open(&place, 64 * MB);
    EXPECT_RC(ART_BUSY, store_begin(other, false)); /* the child took no lock away */
    art_store_close(other);
    store_end(store);
    store_expect(store, pair, 2);
    EXPECT_OK(store_read(store, &more));
    art_blob_unpin(held);
}

SUITE("store file", .set_up = make_world, .tear_down = end_world, .seconds = SUITE_FOREVER)
