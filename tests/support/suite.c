#include "tests/support/suite.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>

#include "tests/support/shrink.h"

/* A test, or the beginning of a case. */
struct entry {
    int line, (*times)(void);
    const TTest *test;
    struct suite_case begins;
    const struct suite_case *in; /* the case of a test */
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
#ifdef __linux__
    tcase_add_checked_fixture(made, random_begin_test, NULL);
#endif
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

#ifdef __linux__

/* ---- one test, or those of a name; a failure is repeated by one line, and shortened ------------------------------ */

extern char **environ;
static const char *program = "", *chosen = ""; /* "name" or "name:iteration", or a part of it */

__attribute__((constructor)) static void read_arguments(int argc, char **argv) {
    if (argc > 0) program = argv[0];
    if (argc > 1 && argv[1][0] != '-') chosen = argv[1];
}

/* How many times, from which on, a test is run. */
static int choose(const struct entry *entry, int *from) {
    int times = entry->times(), is;
    const char *colon = strrchr(chosen, ':');
    size_t len = colon ? (size_t)(colon - chosen) : strlen(chosen);
    char name[200];
    snprintf(name, sizeof name, "%.*s", (int)len, chosen);
    *from = 0;
    if (!strstr(entry->test->name, name)) return 0;
    if (!colon) return times;
    is = atoi(colon + 1);
    if (strcmp(entry->test->name, name) != 0 || is >= times) return 0;
    *from = is;
    return is + 1;
}

/* Where neither a seed nor a text of which they follow is given, there is a text from now on: one line repeats all. */
static void begin_draw(void) {
    const char *seed = getenv("ART_TEST_SEED"), *draw = getenv("ART_TEST_DRAW");
    char text[40];
    shrink_begin();
    if ((seed && *seed) || (draw && *draw)) return;
    snprintf(text, sizeof text, "%llu", (unsigned long long)random_seed_of("", 0));
    setenv("ART_TEST_DRAW", text, 1);
}

static bool says_how(const char *variable) {
    static const char *const not [] = {"ART_TEST_TALLY", "ART_TEST_JOBS",   "ART_TEST_LABEL",
                                       "ART_TEST_LIMIT", "ART_TEST_SHRINK", "ART_TEST_TAPE"};
    for (int i = 0; i < LENGTH(not ); i++) {
        if (!strncmp(variable, not [i], strlen(not [i]))) return false;
    }
    return !strncmp(variable, "ART_", 4) || !strncmp(variable, "LD_LIBRARY_PATH", 15) ||
           !strncmp(variable, "CK_FORK", 7);
}

static char *repeat_line(const struct entry *entry, int i) {
    char *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);
    if (!out) abort();
    for (char **at = environ; *at; at++) {
        if (says_how(*at)) fprintf(out, "%.*s='%s' ", (int)strcspn(*at, "="), *at, *at + strcspn(*at, "=") + 1);
    }
    fprintf(out, "%s %s:%d", program, entry->test->name, i);
    fclose(out);
    return line;
}

/* shrink_run */
static void run_one(const void *test, int i, struct shrink_end *out) {
    const struct entry *entry = test;
    Suite *suite = suite_create("");
    TCase *into = make_case(suite, *entry->in);
    tcase_add_loop_test(into, entry->test, i, i + 1);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    out->failed = srunner_ntests_failed(runner) > 0;
    if (!out->failed) return;
    TestResult **failed = srunner_failures(runner);
    out->line = tr_lno(failed[0]);
    snprintf(out->file, sizeof out->file, "%s", tr_lfile(failed[0]));
    snprintf(out->message, sizeof out->message, "%s", tr_msg(failed[0]));
}

/* What Check's log says of one that failed: "file:line:F:case:test:iteration: message"; E: it died, S: in its
 * setup. */
static bool has_failed(const char *log, const struct entry *entry, int i) {
    bool has = false;
    for (const char *how = "FES"; *how && !has; how++) {
        char line[300];
        snprintf(line, sizeof line, ":%c:%s:%s:%d: ", *how, entry->in->name, entry->test->name, i);
        has = strstr(log, line) != NULL;
    }
    return has;
}

static void tell_failures(FILE *from) {
    char *log = NULL;
    size_t room = 0;
    const char *asked = getenv("ART_TEST_SHRINK");
    rewind(from);
    if (getdelim(&log, &room, '\0', from) < 0) return;
    for (int e = 0; e < count; e++) {
        for (int i = 0, times = entries[e].test ? entries[e].times() : 0; i < times; i++) {
            if (!has_failed(log, &entries[e], i)) continue;
            char *line = repeat_line(&entries[e], i);
            printf("to repeat it: %s\n", line);
            fflush(stdout);
            struct shrink_left left;
            bool wanted = asked && *asked; /* of the first: what is behind it mostly fails by the same */
            if (wanted && shrink(run_one, &entries[e], i, line, &left)) asked = NULL;
            free(line);
        }
    }
    free(log);
}

static int run_all(SRunner *runner) {
    char name[40];
    FILE *log = tmpfile();
    if (log) snprintf(name, sizeof name, "/proc/self/fd/%d", fileno(log));
    if (log) srunner_set_log(runner, name);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    if (failed && log) tell_failures(log);
    if (log) fclose(log);
    return failed;
}

#else

static const char *const chosen = "";

static int choose(const struct entry *entry, int *from) {
    *from = 0;
    return entry->times();
}

static void begin_draw(void) {
}

static int run_all(SRunner *runner) {
    srunner_run_all(runner, CK_ENV);
    return srunner_ntests_failed(runner);
}

#endif

int suite_run_as(struct suite_case first) {
    if (first.skipped && first.skipped()) return 0;
    keep_memory();
    begin_draw();
    Suite *suite = suite_create(first.name);
    TCase *into = make_case(suite, first);
    const struct suite_case *in = &first;
    bool has_any = false;
    qsort(entries, (size_t)count, sizeof *entries, compare);
    for (int i = 0; i < count; i++) {
        if (entries[i].test) {
            int from, to = choose(&entries[i], &from);
            if (to > from) tcase_add_loop_test(into, entries[i].test, from, to);
            has_any |= to > from || !*chosen;
            entries[i].in = in;
        } else {
            in = &entries[i].begins;
            into = make_case(suite, *in);
        }
    }
    SRunner *runner = srunner_create(suite);
    int failed = run_all(runner);
    if (!has_any) printf("no test is called so\n");
    srunner_free(runner);
    return failed || !has_any ? 1 : 0;
}
