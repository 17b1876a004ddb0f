/* Whose is a file that looks like an .art file? Asked by who may remove it, so that a doubt is a no. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/store/store_format.h"
#include "core/tree/place.h"
#include "tests/support/store_world.h"

enum { MB = 1 << 20 };

static struct store_blob blob; /* in the file of the simulated place */

static void make_world(void) {
    new_world(1);
    struct art_store *store = store_open(&place, 64 * MB);
    store_fill(store, true, &blob, 1, 12);
    art_store_close(store);
}

/* 1: ours, 0: somebody else's; else the error. */
static int ours(const char *path, const char *host_path) {
    uint8_t uuid[16] = {0};
    bool yes = true;
    int rc = art_store_identify(place.disk, path, host_path, uuid, &yes);
    if (rc) {
        ck_assert(!yes);
        return -rc;
    }
    ck_assert_mem_eq(uuid, store_uuid, sizeof uuid);
    return yes;
}

TEST(test_a_file_is_ours_by_the_inode_of_the_database) {
    ck_assert_int_eq(ours(place.path, place.host_path), 1);
    sim_disk_rename_file(place.sim, place.host_path, "moved.db");
    ck_assert_int_eq(ours(place.path, "moved.db"), 1);
    ck_assert_int_eq(ours(place.path, place.host_path), -ART_FOREIGN); /* nobody knows what will come to that path */
    sim_disk_copy_file(place.sim, "moved.db", place.host_path);
    ck_assert_int_eq(ours(place.path, place.host_path), -ART_FOREIGN);
    sim_disk_copy_file(place.sim, "moved.db", "copy.db");
    ck_assert_int_eq(ours(place.path, "copy.db"), 0);
    ck_assert_int_eq(ours(place.path, "nowhere.db"), 0);
}

/* Who opens a database and its file that were copied together takes the file; who cleans up leaves it. */
TEST(test_a_copy_is_not_ours_until_its_own_database_has_written_it) {
    sim_disk_copy_file(place.sim, place.host_path, "there/a.db");
    sim_disk_copy_file(place.sim, place.path, "there/b.art");
    ck_assert_int_eq(ours("there/b.art", "there/a.db"), -ART_FOREIGN);
    ck_assert_int_eq(ours("there/b.art", place.host_path), -ART_FOREIGN); /* somebody may want to keep it */
    struct art_store *store = store_open_as(&place, "there/b.art", "there/a.db");
    EXPECT_OK(store_begin(store, false));
    EXPECT_OK(store_write_again(store, &blob));
    store_end(store);
    art_store_close(store);
    ck_assert_int_eq(ours("there/b.art", "there/a.db"), 1);
    ck_assert_int_eq(ours("there/b.art", place.host_path), 0);
    ck_assert_int_eq(ours(place.path, place.host_path), 1);
}

TEST(test_what_is_no_art_file_is_not_found) {
    static uint8_t text[4 * ART_PAGE];
    memset(text, 'x', sizeof text);
    sim_disk_put_file(place.sim, "text", text, sizeof text);
    ck_assert_int_eq(ours("text", place.host_path), -ART_NOTFOUND);
    memset(text, 0, sizeof text);
    sim_disk_put_file(place.sim, "zeroes", text, sizeof text);
    ck_assert_int_eq(ours("zeroes", place.host_path), -ART_NOTFOUND);
    for (uint64_t len = 0; len < ART_SUPERBLOCK_BYTES; len += 1500) {
        uint64_t whole;
        sim_disk_put_file(place.sim, "short", sim_disk_file_bytes(place.sim, place.path, &whole), len);
        ck_assert_int_eq(ours("short", place.host_path), -ART_NOTFOUND);
    }
    ck_assert_int_eq(ours("nowhere.art", place.host_path), -ART_MISSING);
}

TEST(test_a_damaged_owner_is_nobody_and_a_damaged_superblock_says_so) {
    for (unsigned page = 1; page <= 2; page++) sim_disk_corrupt(place.sim, place.path, page * ART_PAGE + 40, 3);
    ck_assert_int_eq(ours(place.path, place.host_path), 0);
    sim_disk_corrupt(place.sim, place.path, 20, 1); /* in the id */
    ck_assert_int_eq(ours(place.path, place.host_path), -ART_CORRUPT);
}

/* The hash of the database's path, beside another path. */
TEST(test_an_owner_page_that_contradicts_itself_is_no_other_answer) {
    struct art_superblock block;
    uint64_t len;
    memcpy(&block, sim_disk_file_bytes(place.sim, place.path, &len), sizeof block);
    for (unsigned i = 0; i < ART_OWNER_PAGES; i++) {
        if (block.owner[i].path_kept) block.owner[i].path[block.owner[i].path_kept - 1] ^= 1;
        block.owner[i].sum = art_hash64(&block.owner[i], ART_STORE_PAGE - sizeof block.owner[i].sum);
    }
    sim_disk_put_file(place.sim, "forged", &block, sizeof block);
    ck_assert_int_eq(ours("forged", place.host_path), 0);
}

TEST(test_a_disk_that_fails_is_an_error_and_no_answer) {
    static const enum sim_call calls[] = {SIM_OPEN, SIM_STAT, SIM_IDENTITY, SIM_READ};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        sim_disk_fail(place.sim, calls[i], 1, ART_IO, false);
        ck_assert_int_eq(ours(place.path, place.host_path), -ART_IO);
    }
    struct sim_disk_stats stats;
    sim_disk_stats(place.sim, &stats);
    ck_assert_uint_eq(stats.open, 0);
}

/* On the system's disk: links, folders and pipes are no .art files, and nobody waits for a pipe's other end. */
TEST(test_only_regular_files_are_looked_at) {
    struct store_place real;
    if (!store_place_open(&real, &io_modes[IO_MODES - 2], "test_store_identify")) return;
    struct art_store *store = store_open(&real, 64 * MB);
    store_fill(store, true, &blob, 1, 5);
    art_store_close(store);
    uint8_t uuid[16];
    bool yes = false;
    EXPECT_OK(art_file_identify(real.path, real.host_path, uuid, &yes));
    ck_assert(yes);
    ck_assert_mem_eq(uuid, store_uuid, sizeof uuid);
    char other[600];
    snprintf(other, sizeof other, "%s.other", real.path);
    ck_assert_int_eq(symlink(real.path, other), 0);
    EXPECT_RC(ART_NOTFOUND, art_file_identify(other, real.host_path, uuid, &yes));
    unlink(other);
    ck_assert_int_eq(mkdir(other, 0755), 0);
    EXPECT_RC(ART_NOTFOUND, art_file_identify(other, real.host_path, uuid, &yes));
    rmdir(other);
    ck_assert_int_eq(mkfifo(other, 0644), 0);
    EXPECT_RC(ART_NOTFOUND, art_file_identify(other, real.host_path, uuid, &yes));
    unlink(other);
    EXPECT_RC(ART_MISSING, art_file_identify(other, real.host_path, uuid, &yes));
    if (geteuid()) { /* root may read all */
        ck_assert_int_eq(chmod(real.path, 0), 0);
        EXPECT_RC(ART_CANTOPEN, art_file_identify(real.path, real.host_path, uuid, &yes));
    } else {
        printf("identify: skipped as root: a file that may not be read\n");
    }
    store_place_close(&real);
}

SUITE("store, identify", .set_up = make_world, .tear_down = end_world)
