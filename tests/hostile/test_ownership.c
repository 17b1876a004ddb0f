/* Whatever is copied, moved, restored, linked, replaced or removed, no database changes or hides what another one
 * reads: random scripts of the model of tests/support/ownership.h, on this file system (whose inodes come again at
 * once, if it is ext4) and in memory (tmpfs, where they do not).
 *
 * (What sql/files.md says of single histories: test_foreign.c.)
 *
 *     ART_OWNERSHIP_SEQUENCES=n   scripts; by default what takes half a minute when nothing else runs, times
 *                                 ART_TEST_SCALE
 *     ART_TEST_SEED=n             only the script of this seed, which a failure prints
 *     ART_OWNERSHIP_TABLE=1       how often each step had each outcome
 *     ART_OWNERSHIP_ALL=1         goes on behind a failure
 */
#include <sqlite3.h>
#include <unistd.h>

#include "core/linux/io_system.h"
#include "tests/support/ownership.h"
#include "tests/support/sanitized.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { USUAL = SANITIZED ? 60 : 300 }; /* a process for each takes ten times as long there */

enum { USUAL_MEETS_ALL = 300 }; /* scripts: each answer that is common some thirty times */

static int no_sync(int fd) {
    return 0;
}

/* --- random scripts ----------------------------------------------------------------------------------------------- */

static const char *const places[] = {NULL, "/dev/shm"}; /* NULL: TMPDIR */

static char *place(unsigned i) {
    char *former = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    if (places[i]) setenv("TMPDIR", places[i], 1);
    char *folder = access(places[i] ? places[i] : ".", W_OK) ? NULL : sql_scratch("ownership");
    if (former) setenv("TMPDIR", former, 1);
    if (!former) unsetenv("TMPDIR");
    free(former);
    return folder;
}

static unsigned sequences(void) {
    const char *asked = getenv("ART_OWNERSHIP_SEQUENCES");
    return asked ? (unsigned)atoi(asked) : USUAL * random_scale();
}

static void add_counts(struct own_result *sum, const struct own_result *more) {
    sum->looks += more->looks;
    sum->claims += more->claims;
    sum->probes += more->probes;
    sum->refused += more->refused;
    for (unsigned verb = 0; verb < OWN_VERBS; verb++) {
        for (unsigned i = 0; i < OWN_ANSWERS; i++) sum->counts[verb][i] += more->counts[verb][i];
    }
}

static void print_counts(unsigned (*counts)[OWN_ANSWERS]) {
    for (unsigned verb = 0; verb < OWN_VERBS; verb++) {
        char text[OWN_LINE];
        own_step_text(&(struct own_step){.verb = (uint8_t)verb}, text);
        printf("%-80.80s", text);
        for (unsigned i = 0; i < OWN_ANSWERS; i++) {
            if (counts[verb][i]) printf(" %s %u", own_answers[i], counts[verb][i]);
        }
        printf("\n");
    }
}

static void show_progress(unsigned done, unsigned failed) {
    printf("... %u scripts, %u failed\n", done, failed);
    fflush(stdout);
}

LOOP_TEST(test_no_database_changes_or_hides_what_another_one_reads, 2) {
    static struct own_result result, sum;
    const char *only = getenv("ART_TEST_SEED");
    uint64_t seed = random_seed();
    unsigned count = only && *only ? 1 : sequences(), failed = 0, done = 0;
    char *folder = place((unsigned)_i);
    if (!folder) {
        printf("SKIPPED: there is no folder %s to write into\n", places[_i]);
        return;
    }
    for (unsigned i = 0; i < count && (!failed || getenv("ART_OWNERSHIP_ALL")); i++, done++) {
        struct random random = {seed + i};
        if (!random_span(&random)) continue;
        struct own_script script;
        own_draw(&random, &script);
        own_try(&script, folder, &result);
        add_counts(&sum, &result);
        if (count > 3000 && i % 1000 == 999) show_progress(i + 1, failed);
        if (!result.failed) continue;
        failed++;
        printf("script %u, seed %llu, in %s:\n%s  %s\n", i + 1, (unsigned long long)seed + i, folder, result.trace,
               result.why);
    }
    printf(
        "%u scripts from seed %llu in %s: %u failed (%u looks at a table, %u of them at one that must be read, and %u "
        "put together for that; %u refused for the name of a database that is there)\n",
        done, (unsigned long long)seed, folder, failed, sum.looks, sum.claims, sum.probes, sum.refused);
    if (getenv("ART_OWNERSHIP_TABLE")) print_counts(sum.counts);
    fflush(stdout);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
    ck_assert_msg(!failed, "%s", result.why);
    static const enum own_answer common[] = {OWN_MISSING, OWN_ANOTHERS, OWN_ANOTHER_NAMES, OWN_TWO_NAMES};
    for (unsigned i = 0; done >= USUAL_MEETS_ALL && i < sizeof common / sizeof *common; i++) {
        unsigned met = 0;
        for (unsigned verb = 0; verb < OWN_VERBS; verb++) met += sum.counts[verb][common[i]];
        ck_assert_msg(met > 0, "no script met the answer \"%s\"", own_answers[common[i]]);
    }
}

/* --- found before ------------------------------------------------------------------------------------------------- */

enum { ROWS = 100000 };

static void shell(const char *folder, const char *command) {
    char *line = TEXT("cd '%s' && %s", folder, command);
    ck_assert_msg(!system(line), "%s", line); // NOLINT(cert-env33-c)
}

static sqlite3 *open_in(const char *folder, const char *name) {
    char *path = TEXT("%s/%s", folder, name);
    sqlite3 *db = sql_open(path);
    return db;
}

static const char fill[] =
    "INSERT INTO objects(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
    "100000) SELECT printf('photos/%06d.jpg', i), 'row ' || i FROM n";

static void expect_restored(const char *folder, const char *when) {
    sqlite3 *db = open_in(folder, "app.db");
    sqlite3_stmt *ask = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT count(*), sum(length(value)) FROM objects", -1, &ask, NULL);
    if (!rc) rc = sqlite3_step(ask);
    ck_assert_msg(rc == SQLITE_ROW, "%s the restored database says: %s", when, sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_column_int(ask, 0), ROWS + 1);
    ck_assert_int_eq(sqlite3_column_int(ask, 1), 888895 + 3);
    sqlite3_finalize(ask);
    ck_assert_int_eq(sql_try(db, "INSERT OR REPLACE INTO objects(path, value) VALUES('restored', 'yes')"), 0);
    sql_close(db);
}

/* Each statement of the scratch copy works, or says what to do. */
static void try_in(sqlite3 *db, const char *sql) {
    int rc = sql_try(db, "%s", sql);
    enum own_answer answer = own_answer_of(rc, sqlite3_errmsg(db));
    ck_assert_msg(answer == OWN_WORKS || answer == OWN_ANOTHERS || answer == OWN_ANOTHER_NAMES, "%s: %s", sql,
                  sqlite3_errmsg(db));
}

CASE("found", .seconds = 120)

LOOP_TEST(test_a_scratch_copy_does_not_take_a_restored_file, 2) {
    static const char *const journals[] = {"delete", "wal"};
    char *root = sql_scratch("restored"), *now = TEXT("%s/now", root);
    shell(root, "mkdir then now");
    char *then = TEXT("%s/then", root);
    sqlite3 *db = open_in(then, "app.db");
    sql_run(db, "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE objects USING art; %s", journals[_i], fill);
    sql_close(db);
    shell(root, "cp then/app.db then/app.db-objects-*.art now && rm -r then");
    db = open_in(now, "app.db");
    sql_run(db, "INSERT INTO objects(path, value) VALUES('restored', 'yes')");
    sql_close(db);
    shell(now, "cp app.db scratch.db");
    for (int i = 0; i < 3; i++) {
        db = open_in(now, "scratch.db");
        try_in(db, "DELETE FROM objects");
        try_in(db, fill);
        sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
        sql_close(db);
        expect_restored(now, "after the scratch copy was written");
    }
    shell(root, "rm -r now");
    sql_scratch_remove(root);
    sqlite3_free(root);
}

static void begin(void) {
    setenv("ART_EXTENSION", "linked", 1);
    unsetenv("ART_TABLE_OPTIONS"); /* each table has its own */
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    art_system.fsync = art_system.fdatasync = no_sync; /* no power is lost here */
}

int main(void) {
    begin();
    return suite_run("ownership", .seconds = SUITE_FOREVER);
}
