/* What may fail under an art table and its ordinary twin, everywhere, once and from then on: system calls of core/io,
 * each with each errno; allocations of SQLite and of the extension; calls of SQLite's VFS, each with each code.
 * Whatever SQLite makes of it, a commit or none, it must make the same of both.
 *
 * Where the extension is linked in, core's table of system calls is this program's own. The fault loops of SQLite's own
 * test programs are gone through with the art.so that is delivered: memory that runs out, files that fail, the heap
 * limit, and the places that its tests make fail.
 *
 * Here a slice of what `tests/prove faults` tries in full.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ext/art.h"
#include "tests/support/fault_calls.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"
#include "tests/support/suite.h"

/* `entry`: of the extension; NULL loads it. */
static void sweep(const struct fault_source *source, const struct fault_mode *mode, fault_entry *entry,
                  const char *synchronous, unsigned most, uint64_t seed) {
    struct fault_sweep sweep = {.source = source,
                                .world = {.mode = mode, .entry = entry, .vfs = "faulty", .synchronous = synchronous},
                                .most = random_rounds(most),
                                .random = {seed}};
    if (entry) io_fault_skip_syncs();
    printf("seed %llu\n", (unsigned long long)seed);
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
}

LOOP_TEST(test_every_system_call_may_fail_and_the_twins_agree, FAULT_WAYS) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    sweep(&fault_calls, fault_mode_draw((unsigned)_i, seed), sqlite3_art_init, "OFF", 2, seed);
}

LOOP_TEST(test_every_call_of_the_vfs_may_fail_and_the_twins_agree, FAULT_WAYS) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    sweep(&faulty_vfs_calls, fault_mode_draw((unsigned)_i, seed), sqlite3_art_init, "FULL", 1, seed);
}

LOOP_TEST(test_every_allocation_may_fail_and_the_twins_agree, FAULT_WAYS + 2) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    const struct fault_mode *mode = _i < FAULT_WAYS ? fault_mode_draw((unsigned)_i, seed)
                                                    : fault_mode_find(_i == FAULT_WAYS ? "memory" : "rows-wal");
    sweep(&sql_memory_faults, mode, sqlite3_art_init, "OFF", 10, seed);
}

/* --- loaded ------------------------------------------------------------------------------------------------------- */

static void sweep_loaded(const struct fault_source *source, const char *mode, const char *synchronous, unsigned most) {
    sweep(source, fault_mode_find(mode), NULL, synchronous, most, random_seed());
}

TEST(test_the_loaded_extension_stands_memory_that_runs_out) {
    sweep_loaded(&sql_memory_faults, "uring-wal", "OFF", 6);
    sweep_loaded(&sql_memory_faults, "pwrite-truncate", "OFF", 6);
}

TEST(test_the_loaded_extension_stands_files_that_fail) {
    sweep_loaded(&faulty_vfs_calls, "buffered-persist", "FULL", 1);
}

TEST(test_a_hard_heap_limit_is_out_of_memory_and_the_old_state) {
    sweep_loaded(&sql_heap_limit_faults, "pwrite-wal", "OFF", 4);
    sweep_loaded(&sql_heap_limit_faults, "memory", "OFF", 4);
}

TEST(test_the_loaded_extension_stands_what_sqlite_lets_fail_in_itself) {
    if (!sql_fault_points_there()) {
        printf("SKIPPED: this SQLite was built without points that fail\n");
        return;
    }
    sweep_loaded(&sql_fault_points, "uring-wal", "FULL", 6);
}

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    return suite_run("faults", .seconds = SUITE_FOREVER);
}
