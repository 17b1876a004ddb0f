/* Files that were copied, moved, restored, damaged, exchanged: what a database then finds, through SQL.
 *
 * One table (tests/support/foreign_table.h) has a line for each thing that may befall a database or its .art file, and
 * what reading, writing, 'flush', 'adopt' and DROP say then; README shows it. Each word of it is tried here, with
 * rollback journals and with a WAL. Whatever is tried, no file is touched that is not the database's own.
 *
 *     test_foreign --readme     prints README's table
 */
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/foreign_world.h"
#include "tests/support/readme.h"
#include "tests/support/suite.h"

#include "tests/support/foreign_table.h"

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const char *word_for(const struct fate *fate, enum foreign_try what) {
    switch (what) {
    case TRY_READ:
        return fate->read;
    case TRY_WRITE:
        return fate->write;
    case TRY_FLUSH:
        return fate->flush;
    case TRY_ADOPT:
        return fate->adopt;
    case TRY_DROP:
        return fate->drop;
    default: /* 'clean' needs no .art file */
        return strcmp(fate->drop, "read-only") ? "works" : "read-only";
    }
}

static const struct answer *answer_called(const char *word) {
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t n = strlen(answers[i].word);
        if (!strncmp(word, answers[i].word, n) && (!word[n] || word[n] == ';')) return &answers[i];
    }
    ck_abort_msg("no answer is called %s", word);
}

static void arrange(struct foreign_world *world, const struct fate *fate, const char *journal) {
    foreign_make(world, journal);
    befall(world, fate);
}

/* Adopting is what lets a database write a file that was not its own. */
static void allow(struct foreign_world *world, const struct fate *fate, enum foreign_try what, const char *named) {
    bool adopts = !strcmp(fate->adopt, "works") || !strcmp(fate->adopt, "newer");
    if (what == TRY_ADOPT && adopts) foreign_set(&world->file, sqlite3_mprintf("%s", named));
}

static void check_outcome(const struct fate *fate, const char *journal, enum foreign_try what,
                          const struct foreign_outcome *outcome) {
    static const char *const names[FOREIGN_TRIES] = {"reading", "writing", "'flush'", "'clean'", "'adopt'", "DROP"};
    const char *word = word_for(fate, what);
    const struct answer *answer = answer_called(word);
    ck_assert_msg(!outcome->wrong, "%s (%s): %s: %s", fate->what, journal, names[what], outcome->text);
    ck_assert_msg(outcome->code == answer->code || (outcome->code & 0xff) == answer->code,
                  "%s (%s): %s: should be \"%s\", code %d, and is %d (%s)", fate->what, journal, names[what], word,
                  answer->code, outcome->code, outcome->text);
    ck_assert_msg(strstr(outcome->text, answer->says) != NULL, "%s (%s): %s: \"%s\" should say \"%s\"", fate->what,
                  journal, names[what], outcome->text, answer->says);
}

static bool is_there(const char *path) {
    struct stat status;
    return !lstat(path, &status);
}

static const char *const journals[] = {"delete", "wal", "persist", "truncate", "memory", NULL};
enum { FIRST_JOURNALS = 2, JOURNALS = sizeof journals / sizeof *journals - 1 };

/* One line of the table with one kind of journal. A world in which a try changed nothing serves the next one, too. */
static bool suffer(const struct fate *fate, const char *journal) {
    struct foreign_world world = {0};
    for (enum foreign_try what = 0; what < FOREIGN_TRIES; what++) {
        struct foreign_outcome outcome;
        if (!world.root) arrange(&world, fate, journal);
        if (world.skipped) {
            printf("SKIPPED %s: %s cannot be had here\n", fate->what, world.skipped);
            foreign_free(&world);
            return false;
        }
        char *named = kept(foreign_named_file(&world));
        bool there = is_there(named);
        allow(&world, fate, what, named);
        bool changed = foreign_try_harmlessly(&world, what, fate->what, &outcome);
        check_outcome(fate, journal, what, &outcome);
        if (what == TRY_DROP && there && !outcome.code) {
            ck_assert_msg(is_there(named) == !strcmp(fate->drop, LEFT), "%s (%s): DROP and %s", fate->what, journal,
                          named);
        }
        if (changed || what == TRY_ADOPT) foreign_free(&world);
    }
    if (world.root) foreign_free(&world);
    return true;
}

LOOP_TEST(test_what_befalls_a_file_has_the_outcome_that_readme_says, FATES) {
    const struct fate *fate = &fates[_i];
    for (unsigned i = 0; i < FIRST_JOURNALS; i++) {
        if (!suffer(fate, journals[i])) return;
    }
    if (random_scale() > 1) suffer(fate, journals[FIRST_JOURNALS + (unsigned)_i % (JOURNALS - FIRST_JOURNALS)]);
}

/* --- README ------------------------------------------------------------------------------------------------------- */

static char *readme_row(unsigned i) {
    const struct fate *fate = &fates[i];
    return sqlite3_mprintf("| %s | %s | %s | %s | %s | %s |\n", fate->what, fate->read, fate->write, fate->flush,
                           fate->adopt, fate->drop);
}

TEST(test_readme_has_the_table) {
    readme_expect("test_foreign", readme_row, FATES);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--readme")) {
        readme_print("| what happened | reading | writing | 'flush' | 'adopt' | DROP |\n|---|---|---|---|---|---|\n",
                     readme_row, FATES);
        return 0;
    }
    foreign_begin(journals);
    int failed = suite_run("foreign", .seconds = 120);
    foreign_end();
    return failed;
}
