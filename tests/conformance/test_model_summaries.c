/* The differential model of summaries: sums, extremes, the best rows, what changed since, rows by a value, all of it
 * beside conditions and bounds, against plain SQL on an ordinary table (support/summed.h), while summaries and columns
 * change. A second connection holds a snapshot and asks the same there.
 *
 * test_sql_summary and _lookup look at one of these things each, more closely.
 */
#include "tests/support/summed.h"

enum { WORLDS = 12 };

LOOP_TEST(test_what_is_summed_up_and_looked_up_is_what_an_ordinary_table_says, WORLDS) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .questions = "$listing | $function | 2*$rows | 2*$aggregates | 2*$join | 2*$best",
                        .memory = _i % 6 == 5,
                        .huge = _i % 4 == 1,
                        .versions = true,
                        .first = "5*$condition | $newer",
                        .change = summed_change,
                        .changes = 70};
    both.now.summary = below(&both, SUMMED_WITHOUT_EXTRA);
    summed_history(&both, "summaries", (unsigned)_i, 1200);
}

int main(void) {
    return differential_run((struct suite_case){.name = "the model of summaries", .seconds = SUITE_FOREVER});
}
