/* Databases that somebody has forged who makes all hashes right again: tests/support/forged.h. tests/fuzz/fuzz_forged.c
 * looks for more of them. */
#include "tests/support/forged.h"

#include "tests/support/random.h"
#include "tests/support/suite.h"

enum { DATABASES = 150, BYTES_MAX = 2 + 6 * 6 };

TEST(test_a_forged_database_gives_answers_or_errors_and_every_statement_ends) {
    struct random random = random_announced("forged");
    for (unsigned i = 0; i < DATABASES * random_scale(); i++) {
        uint8_t bytes[BYTES_MAX];
        uint32_t len = 8 + 6 * random_below(&random, 6);
        for (uint32_t k = 0; k < len; k++) bytes[k] = (uint8_t)random_next(&random);
        forged_run(bytes, len);
    }
    printf("forged: %lu databases, %lu answers, %lu errors\n", forged_tally.runs, forged_tally.answers,
           forged_tally.errors);
    ck_assert_uint_gt(forged_tally.answers, 1000);
    ck_assert_uint_gt(forged_tally.errors, 100);
}

int main(void) {
    return suite_run("forged", .seconds = 120);
}
