/* Calls of SQLite's VFS that fail under an art table and its ordinary twin: each with each code, once and from then on.
 *
 * Whatever SQLite makes of it, a commit or none, it must make the same of both. Here a slice of what `tests/prove
 * faults` tries in full.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ext/art.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/suite.h"

enum { MOST = 1 };

LOOP_TEST(test_every_call_of_the_vfs_may_fail_and_the_twins_agree, FAULT_WAYS) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    struct fault_sweep sweep = {.source = &faulty_vfs_calls,
                                .world = {.mode = fault_mode_draw((unsigned)_i, seed),
                                          .entry = sqlite3_art_init,
                                          .vfs = "faulty",
                                          .synchronous = "FULL"},
                                .most = random_rounds(MOST),
                                .random = {seed}};
    io_fault_skip_syncs();
    printf("seed %llu\n", (unsigned long long)sweep.random.state);
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
}

int main(void) {
    faulty_vfs_register();
    return suite_run("faults of SQLite's files", .seconds = SUITE_FOREVER);
}
