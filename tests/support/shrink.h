/* A failure becomes short by itself, as in Hypothesis: what a test has drawn is taped (random.h), and its steps are
 * left out, its draws left out, zeroed and lowered, while it still fails in the same way: at the same check, with the
 * same beginning of the message, or by the same signal. Each try is a process.
 *
 *     ART_TEST_SHRINK=<seconds>           behind a failure, in so many seconds at most (1: 60) and...
 *     ART_TEST_SHRINK_TRIES=<n>           ...so many tries (5,000)
 *     ART_TEST_TAPE=<text>, or @<file>    runs with what is left, as the line that is printed says
 *
 * What is left is run once more, with all SQL that it gives to SQLite, and what tests say by random_tell(). */
#ifndef ART_TESTS_SHRINK_H
#define ART_TESTS_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

/* How a test ended. */
struct shrink_end {
    bool failed, returned;
    int line;
    char file[120], message[4000];
};

/* Runs the test in this process. */
typedef void shrink_run(const void *test, int i, struct shrink_end *out);

struct shrink_left {
    uint64_t steps, draws; /* of these those that are not 0 */
    unsigned tries;
};

/* False: there is nothing to leave out, for the test draws nothing; or it does not fail again. `repeat` is the line
 * that repeats the test. */
bool shrink(shrink_run *run, const void *test, int i, const char *repeat, struct shrink_left *out);
/* ART_TEST_TAPE is heeded from now on. */
void shrink_begin(void);

#endif
