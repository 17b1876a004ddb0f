/* System calls of core/io that fail under SQL: each of them, with each errno, once and from then on.
 *
 * The extension is linked in, so that core's table of system calls is this program's own. Here a slice of what
 * `tests/prove faults` tries in full.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ext/art.h"
#include "tests/support/fault_calls.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/suite.h"

enum { MOST = 2 };

LOOP_TEST(test_every_system_call_may_fail_and_the_twins_agree, FAULT_WAYS) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    struct fault_sweep sweep = {.source = &fault_calls,
                                .world = {.mode = fault_mode_draw((unsigned)_i, seed),
                                          .entry = sqlite3_art_init,
                                          .vfs = "faulty",
                                          .synchronous = "OFF"},
                                .most = random_rounds(MOST),
                                .random = {seed}};
    faulty_vfs_register();
    io_fault_skip_syncs();
    printf("seed %llu\n", (unsigned long long)sweep.random.state);
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
}

int main(void) {
    return suite_run("faults of system calls", .seconds = SUITE_FOREVER);
}
