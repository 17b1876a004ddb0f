/* The fault loops of SQLite's own test programs, with the extension loaded: memory that runs out (but for sections that
 * SQLite calls benign), files that fail, the heap limit, and the places that its tests make fail.
 *
 * What the programs beside this one try with the extension linked in holds for the art.so that is delivered.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/faulty_vfs.h"
#include "tests/support/sql_fault_points.h"
#include "tests/support/sql_heap_limit.h"
#include "tests/support/sql_memory.h"
#include "tests/support/suite.h"

static void sweep(const struct fault_source *source, const char *mode, const char *synchronous, unsigned most) {
    struct fault_sweep sweep = {.source = source,
                                .world = {.mode = fault_mode_find(mode), .vfs = "faulty", .synchronous = synchronous},
                                .most = random_rounds(most),
                                .random = {random_seed()}};
    printf("seed %llu\n", (unsigned long long)sweep.random.state);
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
}

TEST(test_the_loaded_extension_stands_memory_that_runs_out) {
    sweep(&sql_memory_faults, "uring-wal", "OFF", 6);
    sweep(&sql_memory_faults, "pwrite-truncate", "OFF", 6);
}

TEST(test_the_loaded_extension_stands_files_that_fail) {
    sweep(&faulty_vfs_calls, "uring-wal", "FULL", 1);
    sweep(&faulty_vfs_calls, "buffered-persist", "FULL", 1);
}

TEST(test_a_hard_heap_limit_is_out_of_memory_and_the_old_state) {
    sweep(&sql_heap_limit_faults, "pwrite-wal", "OFF", 4);
    sweep(&sql_heap_limit_faults, "memory", "OFF", 4);
}

TEST(test_the_loaded_extension_stands_what_sqlite_lets_fail_in_itself) {
    if (!sql_fault_points_there()) {
        printf("SKIPPED: this SQLite was built without points that fail\n");
        return;
    }
    sweep(&sql_fault_points, "uring-wal", "FULL", 6);
}

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    return suite_run("faults, loaded", .seconds = SUITE_FOREVER);
}
