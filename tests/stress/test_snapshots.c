/* Every transaction sees one snapshot, of two art tables and an ordinary one, through flushes, merges and the reuse of
 * slots, while others write: tests/support/snapshots.c says how. `tests/prove snapshots` does it for longer.
 *
 * ART_TEST_SECONDS=n for each journal mode (default 15, times ART_TEST_SCALE), ART_TEST_SEED. The seed repeats what the
 * processes do, not how they are interleaved.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/random.h"
#include "tests/support/snapshots.h"
#include "tests/support/suite.h"

enum { SECONDS = 15 };

LOOP_TEST(test_every_transaction_sees_one_snapshot, SNAPSHOT_SETTINGS) {
    const struct snapshot_setting *setting = &snapshot_settings[_i];
    const char *asked = getenv("ART_TEST_SECONDS");
    uint64_t seed = random_seed();
    printf("%s: seed %llu\n", setting->name, (unsigned long long)seed);
    ck_assert(snapshots_run(setting, asked ? atof(asked) : SECONDS * random_scale(), seed));
}

int main(void) {
    return suite_run("snapshots", .seconds = SUITE_FOREVER);
}
