/* Databases that somebody has forged who makes all hashes right again: tests/support/forged.h. tests/fuzz/fuzz_forged.c
 * looks for more of them.
 *
 *     ART_FORGED_DATABASES=n   by default what takes half a minute; make check-all has 2,500 */
#include "tests/support/forged.h"

#include "tests/support/second_opinion.h"
#include "tests/support/suite.h"

enum { DATABASES = 4000, BYTES_MAX = 8 + 6 * 5 };

/* What was found in a former version. */
static const struct {
    const char *what;
    uint8_t len, bytes[48];
} found[] = {
    {"a level of a listing that does not end", 26, {0x02, 0x00, 0xb7, 0x98, 0x74, 0xda, 0x54, 0x46, 0x30,
                                                    0x78, 0xd9, 0x80, 0x81, 0x81, 0xb9, 0x24, 0xb0, 0xcd,
                                                    0x4a, 0x38, 0xec, 0x9a, 0xb8, 0xb3, 0x3a, 0x64}},
    {"a scan backward that does not end", 20, {0x03, 0x01, 0x92, 0x92, 0x38, 0x8a, 0xd5, 0xd5, 0x76, 0xf9,
                                               0xee, 0xff, 0xd5, 0x1f, 0x8a, 0x69, 0x46, 0xb1, 0x20, 0x9b}},
    {"a count that does not end",
     14,
     {0x03, 0x01, 0xc6, 0x5e, 0x53, 0xf6, 0x4f, 0x8e, 0x53, 0x49, 0x21, 0x5e, 0x43, 0x4c}},
    {"a text in a bucket whose zone has none", 38, {0x03, 0x00, 0xc2, 0xe0, 0xae, 0xf0, 0x24, 0x4f, 0xcf, 0xd9,
                                                    0xa2, 0x67, 0xb8, 0xa1, 0x61, 0xb8, 0xff, 0x32, 0xae, 0x35,
                                                    0x4e, 0xb1, 0x69, 0x18, 0x70, 0xf2, 0x7f, 0x68, 0xbe, 0x07,
                                                    0x09, 0xcf, 0x86, 0x90, 0xd5, 0x10, 0xcb, 0xc2}},
    {"levels that are raised and lowered without an end",
     32,
     {0x00, 0x01, 0xa5, 0xd3, 0x8c, 0x4a, 0xa9, 0x80, 0x22, 0xed, 0xd1, 0x96, 0x32, 0x06, 0xd1, 0x8a,
      0xb9, 0xb5, 0x70, 0x59, 0x26, 0x66, 0x5c, 0x34, 0x94, 0xd9, 0x73, 0x71, 0xca, 0xfd, 0xb7, 0xd4}},
    {"NULs in keys whose names have none", 8, {0x68, 0xc5, 0xf2, 0xd9, 0xca, 0xb0, 0xf7, 0x4b}},
    {"a path that is a BLOB, behind texts", 20, {0x0a, 0xbb, 0xa0, 0x35, 0x49, 0x03, 0xe9, 0x3d, 0xed, 0x90,
                                                 0x61, 0x85, 0x62, 0x10, 0x2d, 0x8d, 0xa8, 0x02, 0xf9, 0x0d}},
};

TEST(test_what_was_found_once_is_not_found_again) {
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        printf("forged: %s\n", found[i].what);
        fflush(stdout);
        forged_run(found[i].bytes, found[i].len);
    }
}

TEST(test_a_forged_database_gives_answers_or_errors_and_every_statement_ends) {
    struct random random = random_announced("forged");
    const char *asked = getenv("ART_FORGED_DATABASES");
    unsigned long databases = (asked ? strtoul(asked, NULL, 10) : DATABASES) * random_scale();
    for (unsigned long i = 0; i < databases; i++) {
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
