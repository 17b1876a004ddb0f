/* Memory that is refused under SQL: every allocation of SQLite and of the extension, once and from then on.
 *
 * Here a slice of what `tests/prove faults` tries in full.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext/art.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"
#include "tests/support/suite.h"

enum { MOST = 10 };

START_TEST(test_every_allocation_may_fail_and_the_twins_agree) {
    uint64_t seed = random_seed() + (uint64_t)_i;
    const struct fault_mode *mode = _i < FAULT_WAYS ? fault_mode_draw((unsigned)_i, seed) : fault_mode_find("memory");
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
END_TEST

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    Suite *suite = suite_create("faults of memory");
    TCase *tests = tcase_create("faults of memory");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test_every_allocation_may_fail_and_the_twins_agree, 0, FAULT_WAYS + 1);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
