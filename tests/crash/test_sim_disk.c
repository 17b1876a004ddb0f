/* The simulated disk itself: if it forgave what a real disk does not, every test above it would be worth nothing. */
#include "tests/support/sim_disk.h"
#include "tests/support/suite.h"

enum { PAGES = 64 };

static _Alignas(4096) uint8_t page[PAGES][ART_PAGE];

static int write_page(struct art_io *io, uint64_t at, uint8_t value) {
    memset(page[value % PAGES], value, ART_PAGE);
    struct art_io_request request = {page[value % PAGES], ART_PAGE, at * ART_PAGE};
    enum art_rc rc = art_io_write(io, &request, 1);
    return rc ? rc : art_io_wait(io);
}

/* The value that fills the page, -1 when it is not of one value (torn) or cannot be read. */
static int page_value(struct art_io *io, uint64_t at) {
    static _Alignas(4096) uint8_t found[ART_PAGE];
    struct art_io_request request = {found, ART_PAGE, at * ART_PAGE};
    if (art_io_read(io, &request, 1)) return -1;
    for (unsigned i = 1; i < ART_PAGE; i++) {
        if (found[i] != found[0]) return -1;
    }
    return found[0];
}

static struct art_io *open_file(struct sim_disk *disk, const char *path, bool create) {
    struct art_io *io = NULL;
    ck_assert_msg(sim_disk_open(disk, path, create, &io) == ART_OK, "%s", art_error_message());
    return io;
}

static void sync_names(struct sim_disk *disk, const char *path) {
    ck_assert_int_eq(sim_disk_art(disk)->methods->sync_directory(sim_disk_art(disk), path), ART_OK);
}

/* Under a name that lasts. */
static struct art_io *new_file(struct sim_disk *disk, const char *path) {
    struct art_io *io = open_file(disk, path, true);
    sync_names(disk, path);
    return io;
}

TEST(test_synced_data_under_a_synced_name_survives_every_crash) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct sim_disk *disk = sim_disk_new(seed);
        struct art_io *io = open_file(disk, "a/x.art", true);
        ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
        ck_assert_int_eq(write_page(io, 3, 2), ART_OK);
        ck_assert_int_eq(art_io_sync(io), ART_OK);
        sync_names(disk, "a/x.art");
        ck_assert_int_eq(write_page(io, 4, 3), ART_OK);
        sim_disk_crash(disk, SIM_CRASH_RANDOM);
        ck_assert_int_eq(page_value(io, 0), -1);
        ck_assert_int_eq(write_page(io, 0, 9), ART_IO);
        art_io_close(io);
        io = open_file(disk, "a/x.art", false);
        ck_assert_int_eq(page_value(io, 0), 1);
        ck_assert_int_eq(page_value(io, 1), 0);
        ck_assert_int_eq(page_value(io, 3), 2);
        ck_assert_ptr_null(sim_disk_check(disk));
        art_io_close(io);
        sim_disk_free(disk);
    }
}

/* Over many seeds, everything that may happen does happen. */
TEST(test_an_unsynced_write_is_kept_or_dropped_or_torn_and_reordered) {
    unsigned kept = 0, dropped = 0, torn = 0, reordered = 0, in_flight_kept = 0;
    struct sim_disk *disk = sim_disk_new(1);
    struct art_io *io = open_file(disk, "x", true);
    for (unsigned i = 0; i < 4; i++) ck_assert_int_eq(write_page(io, i, 1), ART_OK);
    ck_assert_int_eq(art_io_sync(io), ART_OK);
    sync_names(disk, "x");
    ck_assert_int_eq(write_page(io, 0, 2), ART_OK);
    ck_assert_int_eq(write_page(io, 1, 2), ART_OK);
    ck_assert_int_eq(write_page(io, 1, 3), ART_OK);
    memset(page[5], 5, ART_PAGE);
    ck_assert_int_eq(art_io_write(io, &(struct art_io_request){page[5], ART_PAGE, 2 * ART_PAGE}, 1), ART_OK);
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct sim_disk *after = sim_disk_after_crash(disk, seed, SIM_CRASH_RANDOM);
        struct art_io *left = open_file(after, "x", false);
        int first = page_value(left, 0), second = page_value(left, 1);
        kept += first == 2;
        dropped += first == 1;
        torn += first == -1;
        reordered += second > 1 && first == 1;
        in_flight_kept += page_value(left, 2) == 5;
        ck_assert_int_eq(page_value(left, 3), 1);
        art_io_close(left);
        sim_disk_free(after);
    }
    ck_assert_msg(kept > 50 && dropped > 50 && torn > 20 && reordered > 5 && in_flight_kept > 50, "%u %u %u %u %u",
                  kept, dropped, torn, reordered, in_flight_kept);
    ck_assert_int_eq(art_io_wait(io), ART_OK);
    ck_assert_int_eq(page_value(io, 1), 3);
    art_io_close(io);
    sim_disk_free(disk);
}

TEST(test_a_name_lasts_only_after_its_directory_was_synced) {
    unsigned gone = 0, there = 0, back = 0, other = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_disk *disk = sim_disk_new(seed);
        struct art_disk *art = sim_disk_art(disk);
        art_io_close(open_file(disk, "a/old", true));
        sync_names(disk, "a/whatever");
        struct art_io *io = open_file(disk, "a/new", true);
        ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
        ck_assert_int_eq(art_io_sync(io), ART_OK);
        sync_names(disk, "b/elsewhere");
        ck_assert_int_eq(art->methods->remove(art, "a/old"), ART_OK);
        ck_assert(!sim_disk_has_file(disk, "a/old"));
        sim_disk_crash(disk, SIM_CRASH_RANDOM);
        art_io_close(io);
        gone += !sim_disk_has_file(disk, "a/new");
        there += sim_disk_has_file(disk, "a/new");
        back += sim_disk_has_file(disk, "a/old");
        other += !sim_disk_has_file(disk, "a/old");
        if (sim_disk_has_file(disk, "a/new")) {
            io = open_file(disk, "a/new", false);
            ck_assert_int_eq(page_value(io, 0), 1);
            art_io_close(io);
        }
        sim_disk_free(disk);
    }
    ck_assert(gone > 10 && there > 10 && back > 10 && other > 10);
}

TEST(test_keep_all_and_drop_all_are_the_two_extremes) {
    struct sim_disk *disk = sim_disk_new(7);
    struct art_io *io = new_file(disk, "x");
    ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
    struct sim_disk *nothing = sim_disk_after_crash(disk, 1, SIM_CRASH_DROP_ALL);
    struct sim_disk *all = sim_disk_after_crash(disk, 1, SIM_CRASH_KEEP_ALL);
    uint64_t len;
    ck_assert_ptr_nonnull(sim_disk_file_bytes(nothing, "x", &len));
    ck_assert_uint_eq(len, 0);
    ck_assert_int_eq(sim_disk_file_bytes(all, "x", &len)[0], 1);
    ck_assert_uint_eq(len, ART_PAGE);
    sim_disk_free(nothing);
    sim_disk_free(all);
    art_io_close(io);
    sim_disk_free(disk);
}

TEST(test_a_failed_sync_poisons_and_may_lose_what_is_still_seen) {
    unsigned lost = 0, kept = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sim_disk *disk = sim_disk_new(seed);
        struct art_io *io = new_file(disk, "x"), *second = open_file(disk, "x", false);
        ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
        sim_disk_fail(disk, SIM_SYNC, 1, ART_IO, false);
        ck_assert_int_eq(art_io_sync(io), ART_IO);
        ck_assert_int_eq(art_io_sync(io), ART_POISONED);
        ck_assert_int_eq(write_page(io, 0, 2), ART_POISONED);
        ck_assert_int_eq(page_value(io, 0), 1);
        ck_assert_int_eq(art_io_sync(second), ART_OK); /* what was lost is not brought back by another's sync */
        sim_disk_crash(disk, SIM_CRASH_DROP_ALL);
        uint64_t len;
        (void)sim_disk_file_bytes(disk, "x", &len);
        lost += len == 0;
        kept += len != 0;
        art_io_close(io);
        art_io_close(second);
        sim_disk_free(disk);
    }
    ck_assert(lost > 20 && kept > 20);
}

TEST(test_the_nth_call_fails_once_or_from_then_on) {
    struct sim_disk *disk = sim_disk_new(1);
    struct art_io *io = open_file(disk, "x", true);
    sim_disk_fail(disk, SIM_WRITE, 2, ART_DISKFULL, false);
    ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
    ck_assert_int_eq(write_page(io, 0, 1), ART_DISKFULL);
    ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
    sim_disk_fail(disk, SIM_ANY, 3, ART_IO, true);
    ck_assert_int_eq(write_page(io, 0, 1), ART_OK); /* two calls: write and wait */
    uint64_t size;
    ck_assert_int_eq(io->methods->size(io, &size), ART_IO);
    ck_assert_int_eq(page_value(io, 0), -1);
    ck_assert_int_eq(io->methods->lock(io), ART_IO);
    sim_disk_fail_nothing(disk);
    ck_assert_int_eq(page_value(io, 0), 1);
    struct sim_disk_stats stats;
    sim_disk_stats(disk, &stats);
    ck_assert_uint_eq(stats.faults, 4);
    ck_assert_uint_eq(stats.calls[SIM_WRITE], 4);
    ck_assert_uint_eq(sim_disk_calls(disk, SIM_WAIT), 3);
    ck_assert_uint_eq(stats.open, 1);
    art_io_close(io);
    sim_disk_free(disk);
}

TEST(test_a_full_disk_refuses_growth_only) {
    struct sim_disk *disk = sim_disk_new(1);
    struct art_io *io = open_file(disk, "x", true);
    ck_assert_int_eq(write_page(io, 0, 1), ART_OK);
    sim_disk_set_capacity(disk, 2 * ART_PAGE);
    ck_assert_int_eq(write_page(io, 2, 1), ART_DISKFULL);
    ck_assert_int_eq(io->methods->truncate(io, 0), ART_OK);
    ck_assert_int_eq(write_page(io, 0, 2), ART_OK);
    ck_assert_int_eq(io->methods->truncate(io, 3 * ART_PAGE), ART_DISKFULL);
    ck_assert_int_eq(write_page(io, 1, 3), ART_OK);
    ck_assert_int_eq(page_value(io, 0), 2);
    art_io_close(io);
    sim_disk_free(disk);
}

TEST(test_a_killed_process_leaves_its_waited_writes_and_no_lock) {
    unsigned whole = 0, none = 0, part = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim_disk *disk = sim_disk_new(seed);
        struct art_io *victim = open_file(disk, "x", true), *other = open_file(disk, "x", false);
        ck_assert_int_eq(victim->methods->lock(victim), ART_OK);
        ck_assert_int_eq(victim->methods->lock(victim), ART_OK);
        ck_assert_int_eq(other->methods->lock(other), ART_BUSY);
        ck_assert_int_eq(write_page(victim, 0, 1), ART_OK);
        ck_assert_int_eq(write_page(victim, 1, 1), ART_OK);
        memset(page[3], 3, ART_PAGE);
        ck_assert_int_eq(art_io_write(victim, &(struct art_io_request){page[3], ART_PAGE, ART_PAGE}, 1), ART_OK);
        ck_assert_int_eq(page_value(other, 1), 1);
        sim_disk_kill_handle(victim);
        ck_assert_int_eq(other->methods->lock(other), ART_OK);
        ck_assert_int_eq(page_value(other, 0), 1);
        int value = page_value(other, 1);
        whole += value == 3;
        none += value == 1;
        part += value == -1;
        ck_assert_int_eq(art_io_wait(victim), ART_IO);
        art_io_close(victim);
        ck_assert_ptr_null(sim_disk_check(disk));
        sim_disk_kill(disk);
        art_io_close(other);
        sim_disk_free(disk);
    }
    ck_assert(whole > 10 && none > 10 && part > 10);
}

TEST(test_two_handles_see_each_others_writes) {
    struct sim_disk *disk = sim_disk_new(1);
    struct art_io *a = open_file(disk, "x", true), *b = open_file(disk, "x", false);
    ck_assert_int_eq(write_page(a, 0, 4), ART_OK);
    ck_assert_int_eq(page_value(b, 0), 4);
    ck_assert_int_eq(write_page(b, 0, 5), ART_OK);
    ck_assert_int_eq(page_value(a, 0), 5);
    art_io_close(a);
    art_io_close(b);
    sim_disk_free(disk);
}

TEST(test_files_from_outside_can_be_damaged_copied_linked_and_renamed) {
    struct sim_disk *disk = sim_disk_new(1);
    struct art_disk *art = sim_disk_art(disk);
    struct art_file_identity first, second;
    sim_disk_put_file(disk, "d/host.db", "0123456789", 10);
    ck_assert_int_eq(art->methods->stat(art, "d/host.db", &first), ART_OK);
    ck_assert_uint_eq(first.size, 10);
    ck_assert_uint_eq(first.links, 1);
    sim_disk_copy_file(disk, "d/host.db", "d/copy.db");
    ck_assert_int_eq(art->methods->stat(art, "d/copy.db", &second), ART_OK);
    ck_assert_uint_ne(first.inode, second.inode);
    sim_disk_link_file(disk, "d/host.db", "d/link.db");
    sim_disk_rename_file(disk, "d/host.db", "d/moved.db");
    ck_assert_int_eq(art->methods->stat(art, "d/host.db", &second), ART_MISSING);
    ck_assert_int_eq(art->methods->stat(art, "d/moved.db", &second), ART_OK);
    ck_assert_uint_eq(first.inode, second.inode);
    ck_assert_uint_eq(second.links, 2);
    sim_disk_corrupt(disk, "d/copy.db", 3, 0);
    sim_disk_crash(disk, SIM_CRASH_DROP_ALL);
    uint64_t len;
    ck_assert_int_eq(memcmp(sim_disk_file_bytes(disk, "d/copy.db", &len), "0122456789", 10), 0);
    ck_assert_int_eq(memcmp(sim_disk_file_bytes(disk, "d/link.db", &len), "0123456789", 10), 0);
    ck_assert_ptr_null(sim_disk_file_bytes(disk, "d/host.db", &len));
    struct art_io *io;
    ck_assert_int_eq(sim_disk_open(disk, "d/link.db", true, &io), ART_CANTOPEN);
    ck_assert_int_eq(sim_disk_open(disk, "nowhere", false, &io), ART_MISSING);
    sim_disk_free(disk);
}

static enum art_rc note_name(void *context, const char *name) {
    char *names = context;
    strcat(strcat(names, name), " ");
    return strcmp(name, "stop") ? ART_OK : ART_INTERRUPT;
}

TEST(test_a_folder_lists_its_own_files_only) {
    struct sim_disk *disk = sim_disk_new(1);
    struct art_disk *art = sim_disk_art(disk);
    static const char *const paths[] = {"/a/x", "/a/y", "/a/b/z", "/aa", "/ab/w", "/a/gone"};
    char names[64] = "";
    for (int i = 0; i < 6; i++) sim_disk_put_file(disk, paths[i], "1", 1);
    sim_disk_remove_file(disk, "/a/gone");
    ck_assert_int_eq(art->methods->list(art, "/a/", note_name, names), ART_OK);
    ck_assert_str_eq(names, "x y ");
    sim_disk_put_file(disk, "/a/b/stop", "1", 1);
    sim_disk_put_file(disk, "/a/b/zz", "1", 1);
    names[0] = 0;
    ck_assert_int_eq(art->methods->list(art, "/a/b", note_name, names), ART_INTERRUPT);
    ck_assert_str_eq(names, "z stop ");
    sim_disk_free(disk);
}

/* Random life: what a model says is durable is there after each crash, and the live image is the model's. */
TEST(test_random_work_never_loses_what_was_synced) {
    uint64_t seed = random_seed();
    printf("test_sim_disk: seed %llu\n", (unsigned long long)seed);
    struct random random = {seed};
    for (unsigned round = 0; round < 60 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        struct sim_disk *disk = sim_disk_new(random_next(&random));
        struct art_io *io = new_file(disk, "x");
        uint8_t live[PAGES] = {0};
        bool dirty[PAGES] = {false};
        uint8_t top = 1;
        for (unsigned i = 0; i < PAGES; i++) ck_assert_int_eq(write_page(io, i, 1), ART_OK);
        memset(live, 1, sizeof live);
        ck_assert_int_eq(art_io_sync(io), ART_OK);
        for (unsigned step = 0; step < 200; step++) {
            if (!random_span(&random)) continue;
            unsigned at = random_below(&random, PAGES);
            if (random_once_in(&random, 20)) {
                ck_assert_int_eq(art_io_sync(io), ART_OK);
                memset(dirty, 0, sizeof dirty);
            } else if (random_once_in(&random, 20)) {
                ck_assert_ptr_null(sim_disk_check(disk));
                struct sim_disk *after = sim_disk_after_crash(disk, random_next(&random), SIM_CRASH_RANDOM);
                struct art_io *left = open_file(after, "x", false);
                for (unsigned i = 0; i < PAGES; i++) {
                    if (!dirty[i]) ck_assert_int_eq(page_value(left, i), live[i]);
                }
                art_io_close(left);
                sim_disk_free(after);
            } else {
                top = (uint8_t)(top % 250 + 1);
                ck_assert_int_eq(write_page(io, at, top), ART_OK);
                live[at] = top;
                dirty[at] = true;
            }
            ck_assert_int_eq(page_value(io, at), live[at]);
        }
        art_io_close(io);
        sim_disk_free(disk);
    }
}

SUITE("sim_disk", .seconds = 120)
