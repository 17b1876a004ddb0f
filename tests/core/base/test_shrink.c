/* A failure becomes short by itself (tests/support/shrink.h): made-up histories that fail, and what is left of them. */
#include <signal.h>

#include "tests/support/shrink.h"
#include "tests/support/suite.h"

static void fails(struct shrink_end *out, bool failed, const char *message) {
    out->failed = failed;
    out->line = 1;
    snprintf(out->file, sizeof out->file, "made-up");
    snprintf(out->message, sizeof out->message, "%s", message);
}

/* Some of the rounds fail, by two of their hundred steps: one puts at least 40, and one behind it deletes. */
static void two_steps_of_rounds(const void *test, int i, struct shrink_end *out) {
    struct random random = {(uint64_t)i};
    const int *noise = test;
    for (int round = 0; round < 20; round++) {
        if (!random_span(&random)) continue;
        bool put = false, deleted = false;
        for (int step = 0; step < 100; step++) {
            if (!random_span(&random)) continue;
            uint32_t verb = random_below(&random, 4), value = random_below(&random, 1000);
            for (uint32_t n = random_below(&random, (uint32_t)*noise + 1); n; n--) random_next(&random);
            if (verb == 2 && value >= 40) put = true;
            if (verb == 3 && put) deleted = true;
        }
        if (deleted) return fails(out, true, "deleted");
    }
    fails(out, false, "");
}

/* No marks of steps: a number of values, of which one is large, and another one behind it. */
static void no_steps(const void *test, int i, struct shrink_end *out) {
    struct random random = {(uint64_t)i};
    int large = 0;
    for (uint32_t n = random_below(&random, 200); n; n--) large += random_below(&random, 1000) >= 700;
    fails(out, large >= 2, "two are large: 17");
}

static void dies(const void *test, int i, struct shrink_end *out) {
    struct random random = {(uint64_t)i};
    for (int step = 0; step < 50; step++) {
        if (random_span(&random) && random_below(&random, 10) == 7) raise(SIGKILL);
    }
}

static void hangs(const void *test, int i, struct shrink_end *out) {
    struct random random = {(uint64_t)i};
    for (int step = 0; step < 50; step++) {
        if (!random_span(&random)) continue;
        uint32_t drawn = random_below(&random, 10);
        while (drawn == 0) pause(); /* what is left must not be this */
        if (drawn == 7) return fails(out, true, "7");
    }
}

/* The other one fails wherever a draw is low: that is another failure. */
static void fails_otherwise(const void *test, int i, struct shrink_end *out) {
    struct random random = {(uint64_t)i};
    uint32_t drawn = random_below(&random, 1000);
    fails(out, true, drawn < 10 ? "low" : "high");
}

static void set_up(void) {
    setenv("ART_TEST_SHRINK", "300", 1);
    setenv("ART_TEST_SHRINK_TRIES", "3000", 1);
}

static void tear_down(void) {
    unsetenv("ART_TEST_SHRINK");
    unsetenv("ART_TEST_SHRINK_TRIES");
    random_forget_all();
}

static void expect(shrink_run *run, const int *test, int i, uint64_t steps, uint64_t draws) {
    struct shrink_left left;
    ck_assert(shrink(run, test, i, "", &left));
    ck_assert_uint_eq(left.steps, steps);
    ck_assert_uint_eq(left.draws, draws);
}

TEST(test_the_two_steps_of_the_round_that_fails_are_left) {
    for (int seed = 1; seed < 4; seed++) expect(two_steps_of_rounds, (int[]){0}, seed, 3, 3);
}

TEST(test_steps_may_draw_as_much_as_they_like) {
    expect(two_steps_of_rounds, (int[]){50}, 5, 3, 3);
}

TEST(test_without_marks_draws_are_left_out) {
    struct shrink_left left;
    ck_assert(shrink(no_steps, NULL, 3, "", &left));
    ck_assert_uint_le(left.draws, 3);
}

TEST(test_a_signal_is_a_failure) {
    expect(dies, NULL, 1, 1, 1);
}

TEST(test_what_hangs_is_another_failure) {
    expect(hangs, NULL, 8, 1, 1);
}

TEST(test_another_message_is_another_failure) {
    expect(fails_otherwise, NULL, 1, 0, 1);
}

TEST(test_no_more_is_tried_than_is_allowed) {
    struct shrink_left left;
    setenv("ART_TEST_SHRINK_TRIES", "20", 1);
    ck_assert(shrink(two_steps_of_rounds, (int[]){50}, 5, "", &left));
    ck_assert_uint_le(left.tries, 22);
}

TEST(test_a_tape_is_read_as_it_was_written) {
    struct random_log log = {0}, *noted = malloc(sizeof log + 10 * sizeof *log.marks);
    struct random random = {77}, again = {77}, plain = {77};
    ck_assert(random_read_edits("z4d,v3=4,t9=3,j7=2,s5*3"));
    ck_assert(!random_read_edits("what") && !random_read_edits("z") && !random_read_edits("z4d;"));
    ck_assert_uint_eq(random_below(&random, 100), 0); /* 77 is 4d */
    ck_assert_uint_eq(random_next(&again), 0);
    ck_assert_uint_eq(random_below(&(struct random){3}, 100), 4);
    ck_assert_uint_eq(random_below(&(struct random){3}, 3), 2);
    ck_assert_uint_eq(random_below(&random, 1000), (random_mixed(plain.state + 2 * RANDOM_STEP) >> 32) * 1000 >> 32);
    ck_assert(noted != NULL);
    *noted = (struct random_log){.room = 10};
    random_log = noted;
    random_below(&(struct random){3}, 100);
    random_below(&(struct random){77}, 100);
    random_log = NULL;
    char *text = random_edits_text(noted, false);
    ck_assert_str_eq(text, "v3=4,z4d");
    free(text);
    text = random_edits_text(noted, true);
    ck_assert_str_eq(text, "0,v3=4");
    random_forget_all();
    ck_assert(random_read_edits(text));
    ck_assert_uint_eq(random_below(&(struct random){3}, 100), 4);
    ck_assert_uint_eq(random_next(&(struct random){5}), 0);
    free(text);
    free(noted);
}

SUITE("shrink", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
