/* Databases that somebody has forged who makes all hashes right again: tests/support/forged.h. tests/fuzz/fuzz_forged.c
 * looks for more of them.
 *
 *     ART_FORGED_DATABASES=n   by default what takes half a minute; make check-all has 2,500 */
#include "tests/support/forged.h"

#include "tests/support/second_opinion.h"
#include "tests/support/suite.h"

enum { DATABASES = 4000, BYTES_MAX = 8 + 6 * 5 };

/* What was found in a former version: what it was, and the acts (tests/support/forged.h). */
static const char *const found[][9] = {
    {"a level of a listing that does not end", "database 2, 0", "in page 13 1242 +70", "columns of bucket 1 0 =1",
     "column of bucket 3 4 =56", "slot of reference as another 8 7 +100"},
    {"a scan backward that does not end", "database 3, 1", "in columns of bucket 6 66 +213", "in page 20 1535 =127",
     "in columns of bucket 7 4 +155"},
    {"a count that does not end", "database 3, 1", "in page 21 4086 +142", "in trailer of blob 1 44 =255"},
    {"a text in a bucket whose zone has none", "database 3, 0", "in block 8 0 +79", "in page 13 2151 +161",
     "column of bucket 3 4 =53", "in page 9 24 =128", "in page 7 2311 =128", "in page 1 2832 +194"},
    {"levels that are raised and lowered without an end", "database 0, 1", "in row 0 186 +128", "in block 12 38 =6",
     "column of bucket 8 30 =89", "in page 14 1076 =217", "in trailer of blob 5 9 =2"},
    {"NULs in keys whose names have none", "database 8, 1", "in block 3 0 +75"},
    {"a path that is a BLOB, behind texts", "database 10, 3", "columns of bucket 7 0 =0", "in row 4 21 +16",
     "in row 3 1957 =13"},
};

TEST(test_what_was_found_once_is_not_found_again) {
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        printf("forged: %s\n", *found[i]);
        fflush(stdout);
        forged_run_acts(found[i] + 1);
    }
}

TEST(test_a_forged_database_gives_answers_or_errors_and_every_statement_ends) {
    struct random random = random_announced("forged");
    const char *asked = getenv("ART_FORGED_DATABASES");
    unsigned long databases = (asked ? strtoul(asked, NULL, 10) : DATABASES) * random_scale();
    for (unsigned long i = 0; i < databases; i++) {
        if (!random_span(&random)) continue;
        uint8_t bytes[BYTES_MAX];
        uint32_t len = 8 + 6 * random_below(&random, 6); /* one change or more */
        for (uint32_t k = 0; k < len; k++) bytes[k] = (uint8_t)random_next(&random);
        forged_run(bytes, len);
    }
    printf("forged: %lu databases, %lu answers, %lu errors, %lu of these for a hash\n", forged_tally.runs,
           forged_tally.answers, forged_tally.errors, forged_tally.mismatches);
    second_opinion_tell("forged", second_opinion_count());
    ck_assert_uint_gt(forged_tally.answers, databases);
    ck_assert_uint_gt(forged_tally.errors, databases);
    ck_assert_uint_lt(4 * forged_tally.mismatches, forged_tally.errors); /* else it is no forger any more */
}

SUITE("forged", .seconds = SUITE_FOREVER)
