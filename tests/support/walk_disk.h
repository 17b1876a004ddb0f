/* A simulated disk with a database file on it, and where the .art file is to be: for random walks of tree_world.h. Its
 * seed decides how stale and how near pages are. */
#ifndef ART_TESTS_WALK_DISK_H
#define ART_TESTS_WALK_DISK_H

#include "core/tree/tree.h"
#include "tests/support/sim_disk.h"

static inline struct sim_disk *new_disk(uint64_t seed) {
    struct sim_disk *disk = sim_disk_new(seed);
    uint8_t byte = 0;
    if (seed % 2) sim_disk_let_pages_be_stale(disk, 1 + seed % 5);
    sim_disk_let_pages_be_at_hand(disk, seed % 3);
    sim_disk_put_file(disk, "a.db", &byte, 1);
    return disk;
}

static inline struct art_tree_options options_on(struct sim_disk *disk) {
    return (struct art_tree_options){.disk = sim_disk_art(disk), .path = "a.db-t-12345678.art", .host_path = "a.db"};
}

#endif
