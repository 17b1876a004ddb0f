/* Calls of SQLite's VFS that fail under an art table and its ordinary twin: each with each code, once and from then on.
 *
 * Whatever SQLite makes of it, a commit or none, it must make the same of both. Here a slice of what `tests/prove
 * faults` tries in full.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext/art.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/suite.h"

enum { MOST = 1 };

START_TEST(test_every_call_of_the_vfs_may_fail_and_the_twins_agree) {
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
END_TEST

int main(void) {
    faulty_vfs_register();
    Suite *suite = suite_create("faults of SQLite's files");
    TCase *tests = tcase_create("faults of SQLite's files");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test_every_call_of_the_vfs_may_fail_and_the_twins_agree, 0, FAULT_WAYS);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
