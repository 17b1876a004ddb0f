/* How a test program is written: TEST(test_a_sentence) { ... } is a test, LOOP_TEST(test_a_sentence, n) one that is
 * called with _i from 0 to n - 1. No list names them: each runs, in the order of the file, in the CASE before it:
 *
 *     CASE("threads", .seconds = 60, .set_up = set_up, .tear_down = tear_down)
 *
 * Those before the first CASE are in the one that the end of the file says, which is its main():
 *
 *     SUITE("memtable", .seconds = SUITE_FOREVER)
 *
 * or suite_run(), with the same arguments, where main() has something else to do. Random numbers come with this header,
 * and those of C itself that nearly every program uses.
 */
#ifndef ART_TESTS_SUITE_H
#define ART_TESTS_SUITE_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"

enum { SUITE_FOREVER = -1 };

struct suite_case {
    const char *name;
    double seconds; /* a test may take; 0: as many as Check lets it */
    void (*set_up)(void), (*tear_down)(void);
    bool (*skipped)(void); /* of the first: where it says so, nothing runs */
};

#define TEST(test) LOOP_TEST(test, 1)
#define LOOP_TEST(test, times)                                                                                         \
    static void test(int _i);                                                                                          \
    static int times_of_##test(void) {                                                                                 \
        return (int)(times);                                                                                           \
    }                                                                                                                  \
    __attribute__((constructor)) static void add_##test(void) {                                                        \
        static const TTest is = {#test, test, __FILE__, __LINE__};                                                     \
        suite_add(&is, times_of_##test);                                                                               \
    }                                                                                                                  \
    static void test(int _i __attribute__((unused)))

/* EACH(query, "SELECT 1", "SELECT 2") { ... }: the block once for each text. TEXTS(queries, ...): an array of them;
 * LENGTH(queries): how many. */
#define EACH(text, ...)                                                                                                \
    for (const char *const *text##_at = (const char *const[]){__VA_ARGS__, NULL}, *text; (text = *text##_at);          \
         text##_at++)
#define TEXTS(array, ...) static const char *const array[] = {__VA_ARGS__}

#define LENGTH(array) ((int)(sizeof(array) / sizeof *(array)))

#define CASE(...)             SUITE_CASE(__LINE__, __VA_ARGS__)
#define SUITE_CASE(line, ...) SUITE_CASE_AT(line, __VA_ARGS__)
#define SUITE_CASE_AT(line, ...)                                                                                       \
    __attribute__((constructor)) static void add_case_of_line_##line(void) {                                           \
        suite_begin_case(line, (struct suite_case){.name = __VA_ARGS__});                                              \
    }

/* What the macros call, before main() and in any order; how many times is asked when the suite runs. */
void suite_add(const TTest *test, int (*times)(void));
void suite_begin_case(int line, struct suite_case of);

#define SUITE(...)                                                                                                     \
    int main(void) {                                                                                                   \
        return suite_run(__VA_ARGS__);                                                                                 \
    }

/* Runs the tests, printing what CK_VERBOSITY asks for, and gives what main() returns. */
#define suite_run(...) suite_run_as((struct suite_case){.name = __VA_ARGS__})
int suite_run_as(struct suite_case first);

#endif
