/* `tests/prove snapshots`: as test_snapshots.c, for minutes.
 *
 *   prove_snapshots [minutes]     default 10, for each journal mode
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/random.h"
#include "tests/support/snapshots.h"

int main(int count, char **words) {
    double minutes = count > 1 ? atof(words[1]) : 10;
    uint64_t seed = random_seed();
    printf("%g minutes for each journal mode, seed %llu\n", minutes, (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < SNAPSHOT_SETTINGS; i++) {
        if (!snapshots_run(&snapshot_settings[i], minutes * 60, seed + (uint64_t)i)) return 1;
    }
    return 0;
}
