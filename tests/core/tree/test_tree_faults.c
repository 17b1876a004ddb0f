/* The tree when things fail: every call of the disk, every allocation, and the end of the world between any two steps.
 *
 * A random walk (tests/support/tree_world.h) runs over the simulated disk. A failed step must leave the state before
 * it, or a transaction that only a rollback ends; after the rollback everything committed is there. After a power
 * loss at any moment the committed state is whole, with the log as it was before the commit under way, and as it was
 * after it.
 */
#include "core/base/alloc.h"
#include "tests/support/of_core.h"
#include "tests/support/short_memory.h"
#include "tests/support/suite.h"
#include "tests/support/tree_world.h"
#include "tests/support/walk_disk.h"

/* After a failure the state is what it was before the step; where the tree says that the transaction is lost, a
 * rollback does it. */
static void unchanged_or_lost(struct walk *walk) {
    bool usable = walk->tree && walk->writing && !art_tree_unknown(walk->tree);
    if (!usable) return;
    int rc = walk_compare(walk, walk->tree, &walk->now);
    ck_assert_msg(rc == ART_OK || rc == walk->failed || rc == ART_POISONED || rc == ART_IO, "%s: %s",
                  art_error_name(rc), art_error_message());
}

/* Some errors outlast their reason: only a rollback helps, or opening the file anew. */
static bool is_for_good(int rc) {
    return rc == ART_POISONED || strstr(art_error_message(), "ROLLBACK it");
}

/* So few that chance decides what they meet. */
static bool few(unsigned walks) {
    return walks < 8;
}

static unsigned failures, ended; /* steps that failed, and transactions that ended in them */

static void go_on_a_failing_disk(struct walk *walk, struct sim_disk *disk) {
    static const int codes[] = {ART_IO, ART_DISKFULL, ART_NOMEM, ART_BUSY, ART_INTERRUPT};
    bool armed = false;
    for (unsigned i = 0; i < 300; i++) {
        if (random_once_in(&walk->random, 12)) {
            armed = true;
            sim_disk_fail_nothing(disk);
            sim_disk_fail(disk, random_below(&walk->random, SIM_CALLS + 1), 1 + random_below(&walk->random, 8),
                          codes[random_below(&walk->random, 5)], random_once_in(&walk->random, 4));
        }
        walk->faulty = true;
        walk_step(walk);
        if (!walk->failed) continue;
        failures++;
        if (!armed) ck_assert_msg(is_for_good(walk->failed), "no fault, but: %s", art_error_message());
        sim_disk_fail_nothing(disk);
        armed = false;
        unchanged_or_lost(walk);
        if (walk->tree && random_once_in(&walk->random, 2))
            walk->failed = 0; /* the disk is well again: the transaction goes on, if it is not lost */
        else
            walk_recover(walk);
    }
    walk_heals(walk, disk);
}

TEST(test_every_call_of_the_disk_may_fail) {
    unsigned count = walks_go((struct walks){"faults", 40, .go = go_on_a_failing_disk}, random_seed());
    printf("faults: %u steps failed\n", failures);
    ck_assert_uint_gt(failures, few(count) ? 0 : count);
}

static void go_over_failing_rows(struct walk *walk, struct sim_disk *disk) {
    static const int codes[] = {ART_IO, ART_DISKFULL, ART_NOMEM, ART_INTERRUPT, ART_BUSY, ART_READONLY};
    enum { ENDING = 4 };
    bool armed = false;
    for (unsigned i = 0; i < 400; i++) {
        if (random_once_in(&walk->random, 8)) {
            bool ends = random_once_in(&walk->random, 2);
            int code = codes[random_below(&walk->random, ends ? ENDING : 6)];
            walk_fail_row(walk, 1 + random_below(&walk->random, random_once_in(&walk->random, 3) ? 80 : 8), code,
                          random_once_in(&walk->random, 4), ends);
            armed = true;
        }
        unsigned before = walk->toy->fault.failures;
        bool writing = walk->writing;
        walk->faulty = true;
        walk_step(walk);
        if (!walk->failed) continue;
        failures++;
        ended += writing && !walk->writing;
        if (!armed || before == walk->toy->fault.failures) {
            ck_assert_msg(is_for_good(walk->failed), "no fault, but: %s", art_error_message());
        }
        walk_fail_row(walk, 0, 0, false, false);
        armed = false;
        unchanged_or_lost(walk);
        if (random_once_in(&walk->random, 2))
            walk->failed = 0;
        else
            walk_recover(walk);
    }
    walk_heals(walk, disk);
}

/* Blobs are the host's rows. Want of memory or disk in a statement of its own is the end of the whole transaction,
 * which the host tells in the middle of the call: all is as it was committed then, and the next transaction finds
 * nothing wrong. */
TEST(test_every_row_may_fail_and_take_the_transaction_with_it) {
    struct walks walks = {"rows", 60, .rows = true, .beside = true, .go = go_over_failing_rows};
    unsigned count = walks_go(walks, random_seed());
    printf("rows: %u steps failed, %u transactions ended in them\n", failures, ended);
    ck_assert_uint_gt(failures, few(count) ? 0 : 4 * count);
    ck_assert_uint_gt(ended, few(count) ? 0 : count);
}

static void transaction_is_over(void *context) {
    art_tree_rolled_back(context);
}

/* Neighbours' footers are read before they are wanted, and their reader keeps an error to itself: not this one. */
TEST(test_a_row_that_fails_while_footers_are_read_ahead_fails_the_call) {
    enum { KEYS = 8000, LIVES = 12, CALLS = 60 };
    struct art_tree_options options = {
        .cache_bytes = 32 << 20, .log_limit = 1 << 20, .spill_limit = 1 << 30, .blob_pages = 3};
    struct toy *toy = toy_new_inline(false);
    struct random random = {random_seed()};
    struct art_tree *tree = NULL;
    struct art_commit commit;
    unsigned struck = 0;
    bool existed;
    for (unsigned life = 0; life < LIVES; life++) {
        ck_assert_int_eq(toy_open(toy, &options, &tree), ART_OK);
        toy->writer = tree;
        ck_assert_int_eq(toy_refresh(toy, tree), ART_OK);
        for (unsigned i = 0; i < (life ? CALLS : KEYS); i++) {
            static const uint8_t value[100];
            char text[60 + ART_KEY_PADDING] = {0};
            uint32_t n = life ? random_below(&random, KEYS) : i;
            struct art_bytes key = art_bytes(text, (uint32_t)sprintf(text, "a directory/file-%06u", n));
            unsigned before = toy->fault.failures;
            toy->fault.left = life && random_once_in(&random, 3) ? 1 : 0;
            toy->fault.code = ART_IO;
            toy->fault.ended = transaction_is_over;
            toy->fault.context = tree;
            int rc = art_tree_insert(tree, ART_WRITE_REPLACE, key, art_bytes(value, sizeof value), &existed);
            toy->fault.left = 0;
            bool failed = toy->fault.failures != before;
            ck_assert_msg(!rc == !failed, "the transaction is %s, and the call says: %s", failed ? "over" : "under way",
                          rc ? art_error_message() : "done");
            struck += failed;
            if (failed) ck_assert_int_eq(toy_refresh(toy, tree), ART_OK);
        }
        if (!life) {
            ck_assert_int_eq(art_tree_request(tree, ART_REQUEST_OPTIMIZE), ART_OK);
            ck_assert_int_eq(art_tree_prepare(tree, &commit), ART_OK);
            toy_write(toy, &commit);
            art_tree_committed(tree);
        }
        art_tree_close(tree);
    }
    printf("reading ahead: %u calls failed\n", struck);
    ck_assert_uint_gt(struck, LIVES / 3);
    toy_free(toy);
}

static void go_without_memory(struct walk *walk, struct sim_disk *disk) {
    for (unsigned i = 0; i < 400; i++) {
        short_memory_fail_after(-1);
        if (random_once_in(&walk->random, 3)) {
            int64_t n = random_below(&walk->random, random_once_in(&walk->random, 3) ? 1000 : 60);
            if (random_once_in(&walk->random, 2))
                short_memory_fail_once(n);
            else
                short_memory_fail_after(n);
        }
        walk->faulty = true;
        walk_step(walk);
        short_memory_fail_after(-1);
        if (!walk->failed) continue;
        failures++;
        unchanged_or_lost(walk);
        walk_recover(walk);
    }
    short_memory_fail_after(-1);
    walk_heals(walk, disk);
}

TEST(test_every_allocation_may_fail) {
    short_memory_use();
    unsigned count = walks_go((struct walks){"memory", 12, .either = true, .go = go_without_memory}, random_seed());
    printf("memory: %u steps failed\n", failures);
    if (!few(count)) ck_assert_uint_gt(failures, count);
}

TEST(test_a_power_loss_between_any_two_steps_loses_nothing_committed) {
    unsigned losses = 0, walks = 30;
    uint64_t first = walk_seeds("power loss", &walks, random_seed());
    for (uint64_t seed = first; seed < first + walks; seed++) losses += walk_loses_power(seed, false);
    printf("power loss: %u states\n", losses);
    ck_assert_uint_gt(losses, 10 * walks);
}

SUITE("tree, faults", .seconds = 900)
