/* The tree against a naive model (tests/support/tree_world.h), over memory, the simulated disk, the system's
 * files and rows of the host's. */
#include <unistd.h>

#include "tests/support/io_modes.h"
#include "tests/support/suite.h"
#include "tests/support/tree_world.h"
#include "tests/support/walk_disk.h"

static void run_walk(uint64_t seed, const struct art_tree_options *options, unsigned steps) {
    struct walk *walk = walk_new(seed, options, true);
    while (steps--) walk_step(walk);
    walk_finish(walk);
    walk_free(walk);
}

static void walks_in_files(const char *name, unsigned count, uint64_t first, enum art_engine engine,
                           enum art_direct direct) {
    char directory[300], path[400], host[400];
    snprintf(directory, sizeof directory, "%s/test_tree_XXXXXX", io_directory());
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a.db-t-12345678.art", directory);
    snprintf(host, sizeof host, "%s/a.db", directory);
    FILE *file = fopen(host, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    first = walk_seeds(name, &count, first);
    struct art_tree_options options = {.path = path, .host_path = host, .engine = engine, .direct = direct};
    for (uint64_t seed = first; seed < first + count; seed++) {
        run_walk(seed, &options, 600);
        unlink(path);
    }
    unlink(host);
    rmdir(directory);
}

TEST(test_a_tree_in_memory_is_what_the_model_is) {
    struct sim_disk *disk = sim_disk_new_steady(SIM_PAGES_OF_LARGE);
    struct art_tree_options options = options_on(disk);
    unsigned count = 24;
    uint64_t first = walk_seeds("memory", &count, random_seed());
    for (uint64_t seed = first; seed < first + count; seed++) {
        sim_disk_clear(disk, NULL);
        run_walk(seed, &options, 600);
    }
    sim_disk_free(disk);
}

static void go_600_steps(struct walk *walk, struct sim_disk *disk) {
    for (unsigned steps = 600; steps--;) walk_step(walk);
}

TEST(test_a_tree_on_the_simulated_disk_is_what_the_model_is) {
    unsigned count = walks_go((struct walks){"simulated", 24, .beside = true, .go = go_600_steps}, random_seed());
    printf("simulated: %llu stale pages\n", (unsigned long long)walks_stale);
    if (count > 8) ck_assert_uint_gt(walks_stale, 4 * count); /* every other disk has some, and of few maybe none */
}

TEST(test_a_tree_through_the_ring_is_what_the_model_is) {
    walks_in_files("uring", 10, random_seed(), ART_ENGINE_URING, ART_DIRECT_AUTO);
}

TEST(test_a_tree_through_pwrite_is_what_the_model_is) {
    walks_in_files("pwrite", 8, random_seed(), ART_ENGINE_PWRITE, ART_DIRECT_AUTO);
}

TEST(test_a_tree_through_buffered_files_is_what_the_model_is) {
    walks_in_files("buffered", 8, random_seed(), ART_ENGINE_PWRITE, ART_DIRECT_OFF);
}

TEST(test_a_tree_in_the_hosts_rows_is_what_the_model_is) {
    walks_go((struct walks){"rows", 30, .rows = true, .beside = true, .go = go_600_steps}, random_seed());
}

SUITE("tree", .seconds = 600)
