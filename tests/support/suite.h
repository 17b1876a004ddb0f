/* How a Check program ends. */
#ifndef ART_TESTS_SUITE_H
#define ART_TESTS_SUITE_H

#include <check.h>

/* Runs and frees the suite, printing what CK_VERBOSITY asks for: how many tests failed. */
static inline int suite_failures(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

/* What main() returns. */
static inline int suite_run(Suite *suite) {
    return suite_failures(suite) ? 1 : 0;
}

#endif
