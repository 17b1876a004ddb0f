/* Memory that is refused under SQL: every allocation of SQLite and of the extension, once and from then on.
 *
 * Here a slice of what `tests/prove faults` tries in full.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ext/art.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"
#include "tests/support/suite.h"

enum { MOST = 10 };

LOOP_TEST(test_every_allocation_may_fail_and_the_twins_agree, FAULT_WAYS + 2) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    const struct fault_mode *mode = _i < FAULT_WAYS ? fault_mode_draw((unsigned)_i, seed)
                                                    : fault_mode_find(_i == FAULT_WAYS ? "memory" : "rows-wal");
    struct fault_sweep sweep = {
        .source = &sql_memory_faults,
        .world = {.mode = mode, .entry = sqlite3_art_init, .vfs = "faulty", .synchronous = "OFF"},
        .most = random_rounds(MOST),
        .random = {seed}};
    io_fault_skip_syncs();
    printf("seed %llu\n", (unsigned long long)sweep.random.state);
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
}

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    return suite_run("faults of memory", .seconds = SUITE_FOREVER);
}
