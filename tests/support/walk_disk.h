/* A simulated disk with a database file on it, and where the .art file is to be: for random walks of tree_world.h. Its
 * seed decides how stale and how near pages are. And what power losses leave of it. */
#ifndef ART_TESTS_WALK_DISK_H
#define ART_TESTS_WALK_DISK_H

#include "tests/support/must.h"
#include "tests/support/sim_disk.h"
#include "tests/support/tree_world.h"

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

/* The first of so many seeds, one behind the other, which are said: where one is asked for, that alone. */
static inline uint64_t walk_seeds(const char *name, unsigned *count, uint64_t first) {
    const char *asked = getenv("ART_TEST_SEED");
    *count = asked ? 1 : random_rounds(*count);
    printf("%s: seeds %llu to %llu\n", name, (unsigned long long)first, (unsigned long long)(first + *count - 1));
    fflush(stdout);
    return first;
}

struct walks {
    const char *name;
    unsigned count;
    bool rows, either; /* in rows of the host's instead of on a disk; one in three, by the seed */
    bool beside;       /* with a second connection */
    void (*go)(struct walk *walk, struct sim_disk *disk); /* NULL: there is none */
};

static uint64_t walks_stale; /* pages that their disks have given as they were before */

/* Each of them goes, and is finished; how many. */
static inline unsigned walks_go(struct walks of, uint64_t first) {
    first = walk_seeds(of.name, &of.count, first);
    for (uint64_t seed = first; seed < first + of.count; seed++) {
        if (!random_span(&(struct random){seed})) continue;
        bool rows = of.rows || (of.either && seed % 3 == 0);
        struct sim_disk *disk = rows ? NULL : new_disk(seed);
        struct art_tree_options options = rows ? (struct art_tree_options){0} : options_on(disk);
        struct walk *walk = rows ? walk_new_inline(seed, &options, of.beside) : walk_new(seed, &options, of.beside);
        of.go(walk, disk);
        walk_finish(walk);
        if (rows && !walk->snapshots) walk_leaves_no_row(walk);
        walk_free(walk);
        if (disk) {
            struct sim_disk_stats stats;
            sim_disk_stats(disk, &stats);
            walks_stale += stats.stale;
            ck_assert_msg(!sim_disk_check(disk), "%s", sim_disk_check(disk));
        }
        sim_disk_free(disk);
    }
    return of.count;
}

/* Nothing fails any more: all that was committed is there. */
static inline void walk_heals(struct walk *walk, struct sim_disk *disk) {
    if (disk) sim_disk_fail_nothing(disk);
    walk_fail_row(walk, 0, 0, false, false);
    walk->faulty = false;
    walk_recover(walk);
}

/* What a power loss now may leave, opened with the log of `tables`: all of `model`, its snapshots, and nothing else. */
static inline void walk_survives(struct walk *walk, struct sim_disk *disk, struct toy *tables,
                                 const struct model *model, uint64_t seed) {
    struct sim_disk *after = sim_disk_after_crash(disk, seed, SIM_CRASH_RANDOM);
    struct art_tree_options options = walk->options;
    struct art_tree *tree;
    options.disk = sim_disk_art(after);
    must(toy_open(tables, &options, &tree));
    must(toy_refresh(tables, tree));
    must(walk_compare(walk, tree, model));
    bool all = random_once_in(&walk->random, 4);
    if (walk->snapshots)
        must(toy_snapshots_check(tables, &options, &walk->random, walk->family, all));
    else if (all)
        must(art_tree_check(tree));
    art_tree_close(tree);
    tables->disk = walk->options.disk;
    sim_disk_free(after);
}

/* A walk with power losses between its steps: how many. */
static inline unsigned walk_loses_power(uint64_t seed, bool snapshots) {
    unsigned losses = 0;
    struct sim_disk *disk = new_disk(seed);
    struct art_tree_options options = options_on(disk);
    struct walk *walk = walk_new(seed, &options, false);
    struct toy *before = toy_copy(walk->toy);
    struct model *old = calloc(1, sizeof *old);
    walk->snapshots = snapshots;
    for (unsigned i = 0; i < 250; i++) {
        unsigned commits = walk->commits;
        walk_step(walk);
        bool now = random_once_in(&walk->random, 6), committed = walk->commits != commits;
        if (committed)
            walk_survives(walk, disk, before, old, seed * 1000 + i); /* the host's commit was not durable yet */
        if (now || committed) walk_survives(walk, disk, walk_committed(walk), &walk->committed, seed * 1000 + i);
        losses += now + 2u * committed;
        if (!committed) continue;
        toy_free(before);
        before = toy_copy(walk_committed(walk));
        model_copy(&walk->committed, old);
    }
    toy_free(before);
    model_clear(old);
    free(old);
    walk_finish(walk);
    walk_free(walk);
    sim_disk_free(disk);
    return losses;
}

#endif
