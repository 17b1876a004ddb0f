/* Killed writers leave whole transactions behind, all that they have acknowledged, and slots that can be written at
 * once: tests/support/kills.c kills them; late_writes.c looks at what the kernel still writes for one of them.
 *
 * ART_TEST_KILLS=n: kills in each of the eight modes. By default 150, and 60 on a SQLite newer than the system's is
 * expected to be, which CI runs beside it: together 1,680. ART_TEST_SCALE, ART_TEST_SEED.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/kills.h"
#include "tests/support/late_writes.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { NEWER = 3053000, KILLS = 150, KILLS_ON_THE_NEWER = 60, DEATHS = 20 };

LOOP_TEST(test_a_killed_load_leaves_whole_transactions, KILL_MODES) {
    const struct kill_mode *mode = &kill_modes[_i];
    const char *asked = getenv("ART_TEST_KILLS");
    unsigned usual = sqlite3_libversion_number() < NEWER ? KILLS : KILLS_ON_THE_NEWER;
    unsigned kills = asked ? (unsigned)atoi(asked) : usual * random_scale();
    uint64_t seed = random_seed();
    struct kill_report report;
    unsetenv("ART_TABLE_OPTIONS"); /* each mode has its own */
    printf("%s: seed %llu\n", mode->name, (unsigned long long)seed);
    kills_run(mode, kills, seed, &report);
    kills_print(mode->name, &report);
    bool locks = !strstr(mode->options, "storage=inline"); /* there only SQLite does */
    ck_assert_msg(kills < KILLS || (report.flush && report.merge && report.spill && (report.locked || !locks)),
                  "no death in a flush, a merge or a spill: the harness does not aim any more");
}

TEST(test_the_lock_outlives_the_last_write_of_the_dead) {
    uint64_t seed = random_seed();
    struct late_report report;
    late_writes_run(random_rounds(DEATHS), seed, &report);
    printf("late writes: seed %llu: %u deaths in a spill, %u with requests under way in the kernel, %u times the lock "
           "outlived its owner, %u times the file changed afterwards\n",
           (unsigned long long)seed, report.deaths, report.in_flight, report.outlived, report.late);
    ck_assert_uint_eq(report.late, 0);
}

int main(void) {
    return suite_run("kill", .seconds = SUITE_FOREVER);
}
