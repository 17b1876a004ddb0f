/* The differential model test: whatever an ordinary WITHOUT ROWID table returns, an art table returns.
 *
 * A history is a list of random steps (tests/support/workload.h says of what), which runs on an art table and on an
 * ordinary one (tests/support/history.h says what has to agree), in each of a dozen settings: journals, schemas,
 * connections.
 *
 * ART_TEST_SEED=<seed> runs the history of that seed in every setting; ART_TEST_SCALE multiplies the number of
 * histories. What was met is printed at the end, and a part of the SQL surface that never worked is a failure.
 * `tests/prove model` does the same for as long as one likes.
 */
#include "tests/support/history.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { HISTORIES = 8, NEVER_BY_CHANCE = 4 };

LOOP_TEST(test_an_art_table_answers_as_an_ordinary_table_does, history_setting_count) {
    const struct workload_setting *setting = &history_settings[_i];
    const char *given = getenv("ART_TEST_SEED");
    bool asked = given && *given;
    if (!asked && random_rounds(100) < 5 && _i % 3) return; /* an emulated processor is asked for a few */
    uint64_t seed = random_seed() + (asked ? 0 : (uint64_t)_i * 1000);
    int histories = asked ? 1 : (int)random_rounds(HISTORIES);
    printf("%s: seeds from %llu\n", setting->name, (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < histories; i++) {
        if (!random_span(&(struct random){seed + (uint64_t)i})) continue;
        char *differs = history_run(setting, seed + (uint64_t)i);
        ck_assert_msg(!differs, "seed %llu in %s: %s", (unsigned long long)seed + (unsigned)i, setting->name, differs);
    }
}

int main(void) {
    struct history_tally *tally = history_tally();
    int failed = suite_run("model", .seconds = SUITE_FOREVER);
    int never = history_print_tally(tally);
    if (tally->ended * 20 > tally->histories + 40) {
        printf("FAILED: so many histories ended early (above) that little is compared\n");
        failed++;
    }
    /* Of a part of the histories chance may leave out what hardly ever succeeds, as ATTACH. */
    int allowed = getenv("ART_TEST_SEED") || random_rounds(100) < 40 ? never
                  : random_rounds(100) < 100                         ? NEVER_BY_CHANCE
                                                                     : 0;
    if (!failed && never > allowed) printf("FAILED: %d parts of the SQL surface were never reached\n", never);
    return failed || never > allowed;
}
