/* Snapshots in core: their slots are never written, retired, moved or cut off, whatever happens.
 *
 * Sets of slots as bytes against sets of numbers; then random walks (tests/support/tree_world.h) with snapshots, of which
 * each is read again and again: over memory, the simulated disk, with power loss between any two steps, and in rows of the
 * host's; then single cases.
 */
#include "core/tree/run/run.h"
#include "core/tree/state/root_format.h"
#include "tests/support/small_tree.h"
#include "tests/support/suite.h"

/* --- sets of slots as bytes --------------------------------------------------------------------------------------- */

enum { NUMBERS = 200 };

static void draw_set(struct random *random, bool set[NUMBERS], struct art_buffer *out) {
    struct art_slot_set slots = {0};
    uint32_t dense = 1 + random_below(random, 8);
    for (unsigned i = 1; i < NUMBERS; i++) {
        set[i] = random_below(random, 8) < dense ? i > 1 && set[i - 1] : random_once_in(random, 2);
        if (set[i]) must(art_slot_set_add(&slots, i));
    }
    must(art_slots_encode(&slots, out));
    art_slot_set_clear(&slots);
}

static void set_is(struct art_bytes bytes, const bool wanted[NUMBERS]) {
    struct art_slot_set slots = {0};
    uint32_t highest, last = 0;
    uint64_t number, count = 0;
    must(art_slots_decode(bytes, NUMBERS, &slots, &highest));
    for (unsigned i = 0; i < NUMBERS; i++) {
        HOLDS(art_slot_set_has(&slots, i) == wanted[i]);
        if (wanted[i]) last = i;
        count += wanted[i];
    }
    must(art_slots_number(bytes, &number));
    ck_assert_uint_eq(number, count);
    ck_assert_uint_eq(highest, last);
    art_slot_set_clear(&slots);
}

TEST(test_sets_of_slots_unite_and_part_as_sets_do) {
    struct random random = {random_seed()};
    struct art_buffer a = {0}, b = {0}, out = {0}, again = {0};
    for (unsigned round = 0; round < 4000; round++) {
        bool in_a[NUMBERS] = {false}, in_b[NUMBERS] = {false}, wanted[NUMBERS] = {false};
        draw_set(&random, in_a, &a);
        draw_set(&random, in_b, &b);
        set_is(art_buffer_bytes(&a), in_a);
        for (unsigned i = 0; i < NUMBERS; i++) wanted[i] = in_a[i] && !in_b[i];
        must(art_slots_without(art_buffer_bytes(&a), art_buffer_bytes(&b), &out));
        set_is(art_buffer_bytes(&out), wanted);
        must(art_slots_unite(&out, art_buffer_bytes(&b)));
        for (unsigned i = 0; i < NUMBERS; i++) wanted[i] = in_a[i] || in_b[i];
        set_is(art_buffer_bytes(&out), wanted);
        must(art_slots_unite(&a, art_buffer_bytes(&b))); /* one set has one way to be written */
        ck_assert(art_bytes_equal(art_buffer_bytes(&a), art_buffer_bytes(&out)));
    }
    art_buffer_clear(&a);
    art_buffer_clear(&b);
    art_buffer_clear(&out);
    art_buffer_clear(&again);
}

TEST(test_what_is_no_set_of_slots_is_refused) {
    static const struct {
        const char *bytes;
        uint32_t len;
    } bad[] = {{"\1", 1},                                      /* cut short */
               {"\0\1", 2},                                    /* slot 0 */
               {"\1\0", 2},                                    /* of no slots */
               {"\1\1\0\1", 4},                                /* two stretches that are one */
               {"\1\377\377\377\377\17", 6},                   /* beyond the largest slot */
               {"\377\377\377\377\377\377\377\377\377\1\1", 11}, /* larger than that */
               {"\1\1\377", 3}};
    struct art_buffer set = {0};
    struct art_slot_set slots = {0};
    uint64_t number;
    uint32_t highest;
    must(art_buffer_append(&set, "\3\2", 2));
    for (int i = 0; i < LENGTH(bad); i++) {
        struct art_bytes bytes = art_bytes(bad[i].bytes, bad[i].len), good = art_buffer_bytes(&set);
        struct art_buffer out = {0};
        refused(art_slots_unite(&set, bytes), ART_CORRUPT, "a set of slots cannot be decoded");
        ck_assert_uint_eq(set.len, 2);
        refused(art_slots_without(bytes, good, &out), ART_CORRUPT, "a set of slots cannot be decoded");
        refused(art_slots_number(bytes, &number), ART_CORRUPT, "a set of slots cannot be decoded");
        refused(art_slots_decode(bytes, 10, &slots, &highest), ART_CORRUPT, "a set of slots cannot be decoded");
        art_buffer_clear(&out);
    }
    art_slot_set_clear(&slots);
    art_buffer_clear(&set);
}

/* --- walks -------------------------------------------------------------------------------------------------------- */

static struct sim_disk *new_disk(uint64_t seed) {
    struct sim_disk *made = sim_disk_new(seed);
    uint8_t byte = 0;
    if (seed % 2) sim_disk_let_pages_be_stale(made, 1 + seed % 5);
    sim_disk_let_pages_be_at_hand(made, seed % 3);
    sim_disk_put_file(made, "a.db", &byte, 1);
    return made;
}

static struct art_tree_options options_on(struct sim_disk *on) {
    return (struct art_tree_options){.disk = sim_disk_art(on), .path = "a.db-t-12345678.art", .host_path = "a.db"};
}

static uint64_t seeds(const char *name, unsigned *count, uint64_t first) {
    *count *= random_scale();
    if (getenv("ART_TEST_SEED")) {
        first = random_seed();
        *count = 1;
    }
    printf("%s: seeds %llu to %llu\n", name, (unsigned long long)first, (unsigned long long)(first + *count - 1));
    fflush(stdout);
    return first;
}

TEST(test_snapshots_of_a_tree_in_a_file_stay_what_they_were) {
    unsigned count = 30;
    uint64_t first = seeds("file", &count, 100);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct sim_disk *on = new_disk(seed);
        struct art_tree_options at = options_on(on);
        struct walk *walk = walk_new(seed, &at, true);
        walk->snapshots = true;
        for (unsigned steps = 500; steps--;) walk_step(walk);
        walk_finish(walk);
        walk_free(walk);
        sim_disk_free(on);
    }
}

TEST(test_snapshots_of_a_tree_in_the_hosts_rows_stay_what_they_were) {
    unsigned count = 30;
    uint64_t first = seeds("rows", &count, 200);
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct art_tree_options none = {0};
        struct walk *walk = walk_new_inline(seed, &none, true);
        walk->snapshots = true;
        for (unsigned steps = 500; steps--;) walk_step(walk);
        walk_finish(walk);
        walk_free(walk);
    }
}

/* What a power loss now may leave, opened with `tables`. */
static void survives(struct walk *walk, struct sim_disk *on, struct toy *tables, const struct model *model,
                     uint64_t seed) {
    struct sim_disk *after = sim_disk_after_crash(on, seed, SIM_CRASH_RANDOM);
    struct art_tree_options at = walk->options;
    struct art_tree *opened;
    at.disk = sim_disk_art(after);
    must(toy_open(tables, &at, &opened));
    must(toy_refresh(tables, opened));
    must(walk_compare(walk, opened, model));
    must(toy_snapshots_check(tables, &at, &walk->random, walk->family, random_once_in(&walk->random, 4)));
    art_tree_close(opened);
    tables->disk = walk->options.disk;
    sim_disk_free(after);
}

TEST(test_a_power_loss_between_any_two_steps_loses_no_snapshot) {
    unsigned count = 16;
    uint64_t first = seeds("power loss", &count, random_seed());
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct sim_disk *on = new_disk(seed);
        struct art_tree_options at = options_on(on);
        struct walk *walk = walk_new(seed, &at, false);
        struct toy *before = toy_copy(walk->toy);
        struct model *old = calloc(1, sizeof *old);
        walk->snapshots = true;
        for (unsigned i = 0; i < 250; i++) {
            unsigned commits = walk->commits;
            walk_step(walk);
            if (random_once_in(&walk->random, 6))
                survives(walk, on, walk_committed(walk), &walk->committed, seed * 1000 + i);
            if (walk->commits == commits) continue;
            survives(walk, on, before, old, seed * 1000 + i); /* the host's commit was not durable yet */
            survives(walk, on, walk_committed(walk), &walk->committed, seed * 1000 + i);
            toy_free(before);
            before = toy_copy(walk_committed(walk));
            model_copy(&walk->committed, old);
        }
        toy_free(before);
        model_clear(old);
        free(old);
        walk_finish(walk);
        walk_free(walk);
        sim_disk_free(on);
    }
}

SUITE("snapshots", .seconds = 600)
