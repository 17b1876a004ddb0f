#include "tests/support/suite.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>

/* A test, or the beginning of a case. */
struct entry {
    int line, (*times)(void);
    const TTest *test;
    struct suite_case begins;
};

enum { ENTRIES_MAX = 200 };
static struct entry entries[ENTRIES_MAX];
static int count;

static struct entry *add(int line) {
    if (count == ENTRIES_MAX) abort();
    entries[count].line = line;
    return &entries[count++];
}

void suite_add(const TTest *test, int (*times)(void)) {
    struct entry *entry = add(test->line);
    entry->test = test;
    entry->times = times;
}

void suite_begin_case(int line, struct suite_case of) {
    add(line)->begins = of;
}

static int compare(const void *a, const void *b) {
    return ((const struct entry *)a)->line - ((const struct entry *)b)->line;
}

/* Check writes a line to a file for each assertion that holds, and reads them all afterwards: up to two thirds of
 * what a program took. The linker leads these calls here. Where a test dies, Check still says which. */
void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file __attribute__((unused)), int line __attribute__((unused))) {
}

static TCase *make_case(Suite *suite, struct suite_case of) {
    TCase *made = tcase_create(of.name);
    if (of.seconds) tcase_set_timeout(made, of.seconds == SUITE_FOREVER ? 0 : of.seconds);
    if (of.set_up || of.tear_down) tcase_add_checked_fixture(made, of.set_up, of.tear_down);
    tcase_set_tags(made, of.name); /* CK_EXCLUDE_TAGS="files", say */
    suite_add_tcase(suite, made);
    return made;
}

/* Stores that come and go by thousands would ask the system for each large block anew, and fault each page in again. */
static void keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

int suite_run_as(struct suite_case first) {
    if (first.skipped && first.skipped()) return 0;
    keep_memory();
    Suite *suite = suite_create(first.name);
    TCase *into = make_case(suite, first);
    qsort(entries, (size_t)count, sizeof *entries, compare);
    for (int i = 0; i < count; i++) {
        if (entries[i].test) {
            tcase_add_loop_test(into, entries[i].test, 0, entries[i].times());
        } else {
            into = make_case(suite, entries[i].begins);
        }
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
