/* SQLite's conformance: what programs rely on without thinking, asked of an ordinary table and of an art table alike.
 *
 * The cases stand in the files of tests/conformance, one theme each; tests/support/conformance.h says how they are
 * written and what is compared. Each case runs in several settings, so that the rows are once in the memtable and once
 * in blobs. What differs because SQLite treats virtual tables otherwise stands beside its statement, with the reason,
 * and is checked to be just that.
 *
 * ART_TEST_CONFORMANCE=<theme> runs the cases of one file.
 */
#include <glob.h>

#include "tests/support/conformance.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

static const struct conformance_setting settings[] = {
    {"in the memtable, DELETE journal", "DELETE", ""},
    {"partly in blobs, WAL", "WAL", "log_limit=400, spill_limit=2000"},
    {"in memory, in blobs", NULL, "log_limit=1, spill_limit=1"},
};
enum { SETTINGS = LENGTH(settings) };

static glob_t themes;

/* All its differences at once: it is read by people who mend them. */
LOOP_TEST(test_an_art_table_does_what_an_ordinary_one_does, (int)themes.gl_pathc) {
    const char *file = themes.gl_pathv[_i];
    struct conformance_script script;
    struct conformance_tally tally = {0};
    char *wrong = conformance_read(&script, file);
    ck_assert_msg(!wrong, "%s: %s", file, wrong);
    int failed = 0;
    for (int i = 0; i < script.case_count; i++) {
        for (int k = 0; k < SETTINGS; k++) {
            char *differs = conformance_run(&script, i, &settings[k], &tally);
            if (!differs) continue;
            printf("%s: %s\n", file, differs);
            sqlite3_free(differs);
            failed++;
            break;
        }
    }
    printf("%s: %d statements in %d cases, each in up to %d settings; %d runs of what differs by design\n", file,
           script.step_count, script.case_count, (int)SETTINGS, tally.differences);
    fflush(stdout);
    conformance_clear(&script);
    ck_assert_msg(!failed, "%s: %d cases differ", file, failed);
}

int main(void) {
    const char *only = getenv("ART_TEST_CONFORMANCE");
    char *pattern = TEXT("tests/conformance/%s.txt", only && *only ? only : "*");
    if (glob(pattern, 0, NULL, &themes)) {
        printf("FAILED: there is no %s here\n", pattern);
        return 1;
    }
    int failed = suite_run("conformance", .seconds = SUITE_FOREVER);
    globfree(&themes);
    return failed != 0;
}
