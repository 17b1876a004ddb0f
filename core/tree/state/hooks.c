#include "core/tree/state/hooks.h"

#ifdef ART_TEST_HOOKS
#include <stdlib.h>

#include "core/tree/state/root_format.h"

struct art_test_hooks art_test_hooks;

/* ART_TEST_COMMITS_LEFT=n: tables that are made have n commits before their numbers are used up. */
__attribute__((constructor)) static void begin_old(void) {
    const char *left = getenv("ART_TEST_COMMITS_LEFT");
    if (left && *left) art_tests_leave_commits(strtoull(left, NULL, 0));
}

void art_tests_leave_commits(uint64_t count) {
    art_test_hooks.first_csn = art_test_hooks.first_generation = ART_WRITABLE_CSN_MAX - count;
}
#endif
