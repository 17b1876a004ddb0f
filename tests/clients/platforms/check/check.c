#include "check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum { CASES_MAX = 40, TESTS_MAX = 200 };

struct TCase {
    const char *tags;
    void (*set_up)(void), (*tear_down)(void);
    struct {
        const TTest *test;
        int from, to;
    } tests[TESTS_MAX];
    int count;
};

struct Suite {
    const char *name;
    TCase *cases[CASES_MAX];
    int count;
};

struct SRunner {
    Suite *suite;
    int run, failed;
};

static jmp_buf behind_the_test;
static const char *current;

static void *zeroed(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (!memory) abort();
    return memory;
}

Suite *suite_create(const char *name) {
    Suite *suite = zeroed(sizeof *suite);
    suite->name = name;
    return suite;
}

TCase *tcase_create(const char *name) {
    (void)name;
    return zeroed(sizeof(TCase));
}

void tcase_set_timeout(TCase *into, double seconds) {
    (void)into, (void)seconds;
}

void tcase_set_tags(TCase *into, const char *tags) {
    into->tags = tags;
}

void tcase_add_checked_fixture(TCase *into, void (*set_up)(void), void (*tear_down)(void)) {
    into->set_up = set_up;
    into->tear_down = tear_down;
}

void tcase_add_loop_test(TCase *into, const TTest *test, int from, int to) {
    if (into->count == TESTS_MAX) abort();
    into->tests[into->count].test = test;
    into->tests[into->count].from = from;
    into->tests[into->count++].to = to;
}

void suite_add_tcase(Suite *suite, TCase *added) {
    if (suite->count == CASES_MAX) abort();
    suite->cases[suite->count++] = added;
}

SRunner *srunner_create(Suite *suite) {
    SRunner *runner = zeroed(sizeof *runner);
    runner->suite = suite;
    return runner;
}

void check_failed(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    printf("%s:%d:F:%s: ", file, line, current);
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
    longjmp(behind_the_test, 1);
}

static bool run_test(const TCase *of, const TTest *test, int i) {
    bool failed = false;
    current = test->name;
    if (setjmp(behind_the_test)) return true;
    if (of->set_up) of->set_up();
    if (setjmp(behind_the_test)) {
        failed = true;
    } else {
        test->run(i);
    }
    if (setjmp(behind_the_test)) return true;
    if (of->tear_down && !failed) of->tear_down();
    return failed;
}

void srunner_run_all(SRunner *runner, enum print_output mode) {
    const char *left_out = getenv("CK_EXCLUDE_TAGS");
    (void)mode;
    printf("Running suite(s): %s\n", runner->suite->name);
    for (int i = 0; i < runner->suite->count; i++) {
        const TCase *of = runner->suite->cases[i];
        if (left_out && of->tags && !strcmp(left_out, of->tags)) continue;
        for (int j = 0; j < of->count; j++) {
            for (int k = of->tests[j].from; k < of->tests[j].to; k++) {
                runner->run++;
                runner->failed += run_test(of, of->tests[j].test, k);
            }
        }
    }
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n",
           runner->run ? 100 * (runner->run - runner->failed) / runner->run : 100, runner->run, runner->failed);
    fflush(stdout);
}

int srunner_ntests_failed(SRunner *runner) {
    return runner->failed;
}

void srunner_free(SRunner *runner) {
    for (int i = 0; i < runner->suite->count; i++) free(runner->suite->cases[i]);
    free(runner->suite);
    free(runner);
}
