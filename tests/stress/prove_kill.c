/* `tests/prove kill`: as test_kill.c, a hundred thousand times.
 *
 *   prove_kill [kills]     default 100000, over the eight modes in turn, each life of a database 500 kills long
 *
 * Prints what the killed were doing, and the seed of each life; ART_TEST_SEED begins with that one. Ends with an
 * abort() and a message where a promise was broken; the files stay in TMPDIR.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/kills.h"
#include "tests/support/random.h"

enum { KILLS = 100000, LIFE = 500 };

static void add(struct kill_report *sum, const struct kill_report *one) {
    sum->kills += one->kills;
    sum->opening += one->opening;
    sum->locked += one->locked;
    sum->flush += one->flush;
    sum->merge += one->merge;
    sum->spill += one->spill;
    sum->vacuum += one->vacuum;
    sum->summary += one->summary;
    sum->in_flight += one->in_flight;
    sum->by_themselves += one->by_themselves;
    sum->unheard += one->unheard;
    sum->transactions += one->transactions;
    sum->flushes += one->flushes;
    sum->merges += one->merges;
    sum->spills += one->spills;
    sum->summaries += one->summaries;
    sum->slots_written += one->slots_written;
    sum->slots_reused += one->slots_reused;
}

int main(int count, char **words) {
    unsigned kills = count > 1 ? (unsigned)atoi(words[1]) : KILLS, done = 0;
    uint64_t seed = random_seed();
    struct kill_report sum = {0};
    unsetenv("ART_TABLE_OPTIONS");
    for (; done < kills; seed++) {
        const struct kill_mode *mode = &kill_modes[seed % KILL_MODES];
        struct kill_report one;
        unsigned now = kills - done < LIFE ? kills - done : LIFE;
        printf("%s: seed %llu, %u of %u kills done\n", mode->name, (unsigned long long)seed, done, kills);
        kills_run(mode, now, seed, &one);
        add(&sum, &one);
        done += now;
    }
    kills_print("all modes", &sum);
    return 0;
}
