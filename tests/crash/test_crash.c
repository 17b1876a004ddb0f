/* Everything dies at any moment: what was acknowledged is there, whatever the disk made of the rest.
 *
 * SQLite and the extension work on one simulated machine (tests/support/world.h); a workload (crash_work.h) leaves a
 * history of all that they did to its disk; crash_check.h builds the disks that may remain at each place of it, opens
 * each and compares. This program does so for each journal mode and level of synchronous in turn, two processes at a
 * time, until enough states were checked, and prints how many.
 *
 * A run is repeated by its seed: SQLite's random numbers, art's and time come from here. ART_TEST_SEED,
 * ART_CRASH_STATES (the number of states), ART_CRASH_STEPS (of a workload), ART_CRASH_SETTING (only that one),
 * ART_CRASH_JOBS (processes).
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/tree/txn/txn.h"
#include "ext/art.h"
#include "tests/support/crash_check.h"
#include "tests/support/own_chance.h"
#include "tests/support/suite.h"

#if defined(__SANITIZE_ADDRESS__)
enum { STATES = 2000, LYING_STATES = 2000 };
#else
enum { STATES = 28000, LYING_STATES = 20000 }; /* of some 1,750 a workload: each setting has its turn */
#endif
enum { ENOUGH_STATES = 24000, STEPS = 100, STATES_A_STEP = 17, SETTINGS = 16, JOBS_MAX = 16 };

/* What SQLite promises (its documentation, and sqlite3.c): with a WAL, FULL and EXTRA sync each commit. With a rollback
 * journal the end of the journal is the commit: its removal is synced by EXTRA alone, so with FULL it lasts when the
 * next commit has synced the folder; cutting or overwriting it is synced by FULL. NORMAL does not wait for the journal
 * before it counts its pages, so a disk that reorders writes may damage the database. */
static const struct crash_setting settings[SETTINGS] = {
    {"WAL", "FULL", LASTS, false, false, false},
    {"WAL", "NORMAL", LASTS_NEVER, false, false, false},
    {"DELETE", "EXTRA", LASTS, false, false, false},
    {"WAL", "EXTRA", LASTS, false, false, false},
    {"DELETE", "FULL", LASTS_WITH_THE_NEXT, false, false, false},
    {"WAL", "NORMAL", LASTS_NEVER, false, false, true},
    {"TRUNCATE", "FULL", LASTS, false, false, false},
    {"WAL", "FULL", LASTS, false, false, true},
    {"PERSIST", "FULL", LASTS, false, false, false},
    {"DELETE", "EXTRA", LASTS, false, false, true},
    {"DELETE", "NORMAL", LASTS_NEVER, true, false, false},
    {"WAL", "FULL", LASTS, false, false, false},
    {"WAL", "FULL", LASTS, false, true, false},
    {"DELETE", "EXTRA", LASTS, false, true, true},
    {"WAL", "NORMAL", LASTS_NEVER, false, true, true},
    {"DELETE", "FULL", LASTS_WITH_THE_NEXT, false, true, false},
};

/* ---- chance and time: art's own, for the whole program ----------------------------------------------------------- */

static bool time_stands_still;

/* A merge stops when its time is up. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *out) {
    if (!time_stands_still) return (int)syscall(SYS_clock_gettime, clock, out);
    *out = (struct timespec){.tv_sec = 1000000};
    return 0;
}

/* ---- histories --------------------------------------------------------------------------------------------------- */

/* Shared by the processes. */
struct tally {
    struct crash_counts counts;
    struct crash_events of;
    uint64_t histories, operations, runs, blobs /* of one table, at most */;
    uint64_t by_setting[SETTINGS];
    int failed;
    char message[3000];
};

static void add(void *to, const void *counts, size_t bytes) {
    uint64_t *sums = to;
    const uint64_t *numbers = counts;
    for (size_t i = 0; i < bytes / sizeof *sums; i++) __atomic_fetch_add(&sums[i], numbers[i], __ATOMIC_RELAXED);
}

static void add_counts(struct tally *tally, const struct crash_work *work, const struct crash_check *check,
                       unsigned setting) {
    uint64_t seen[] = {1, work->world->op_count};
    add(&tally->counts, &check->counts, sizeof check->counts);
    add(&tally->of, &work->counts, sizeof work->counts);
    add(&tally->histories, seen, sizeof seen);
    add(&tally->by_setting[setting], &check->counts.states, sizeof check->counts.states);
    if (tally->runs < work->runs) tally->runs = work->runs;
    if (tally->blobs < work->blobs) tally->blobs = work->blobs;
}

/* Only the first one is told. */
static void note_failure(struct tally *tally, unsigned setting, uint64_t seed, const char *why) {
    if (__atomic_exchange_n(&tally->failed, 1, __ATOMIC_SEQ_CST)) return;
    snprintf(tally->message, sizeof tally->message, "ART_CRASH_SETTING=%u ART_CRASH_HISTORY=%llu: %s", setting,
             (unsigned long long)seed, why);
}

static unsigned number(const char *name, unsigned otherwise) {
    const char *given = getenv(name);
    return given && *given ? (unsigned)strtoul(given, NULL, 0) : otherwise;
}

/* One workload and its crashes. False: something was found. */
static bool history(struct tally *tally, unsigned setting, uint64_t seed, enum world_lies lies) {
    /* Mostly small blobs, and with them many, of a few rows each. */
    static const uint32_t blob_pages[] = {3, 4, 3, 8, 0};
    struct crash_work work;
    struct crash_check check = {.failure = NULL};
    unsigned steps = number("ART_CRASH_STEPS", STEPS);
    own_chance(seed);
    time_stands_still = true;
    art_test_hooks.blob_pages = blob_pages[seed % (sizeof blob_pages / sizeof *blob_pages)];
    sqlite3_randomness(0, NULL); /* begins anew, with what the world gives */
    crash_work_run(&work, &settings[setting], seed, steps, lies);
    const char *why = work.failure;
    if (!why) {
        crash_check_run(&check, &work, (uint64_t)steps * STATES_A_STEP);
        why = check.failure;
    }
    add_counts(tally, &work, &check, setting);
    if (why) note_failure(tally, setting, seed, why);
    bool good = !why;
    unsigned shown = number("ART_CRASH_SHOW", 0),
             at = work.failure ? work.world ? work.world->op_count : 0 : check.failed_at;
    if (!good && shown) world_dump(work.world, at < shown ? 0 : at - shown, at + 3);
    sqlite3_free(check.failure);
    crash_work_clear(&work);
    time_stands_still = false;
    art_test_hooks.blob_pages = 0;
    return good;
}

static void work_through(struct tally *tally, uint64_t seed, unsigned job, unsigned jobs, uint64_t states,
                         enum world_lies lies) {
    unsigned only = number("ART_CRASH_SETTING", SETTINGS);
    sqlite3 *keep = NULL; /* an art table that is never closed: what all share is made once */
    world_enter(NULL, NULL);
    bool good = !sqlite3_open(":memory:", &keep) && !sqlite3_art_init(keep, NULL, NULL);
    if (!good ||
        sqlite3_exec(keep, "CREATE VIRTUAL TABLE k USING art; INSERT INTO k(k) VALUES('flush')", NULL, NULL, NULL)) {
        abort();
    }
    for (unsigned i = job; tally->counts.states < states && !tally->failed; i += jobs) {
        struct random random = {seed + i};
        if (!random_span(&random)) continue;
        history(tally, only < SETTINGS ? only : (i + seed) % SETTINGS, random_next(&random) >> 24, lies);
    }
    sqlite3_close(keep);
}

static struct tally *run(uint64_t seed, uint64_t states, enum world_lies lies) {
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned jobs = number("ART_CRASH_JOBS", 2);
    ck_assert(tally != MAP_FAILED);
    fflush(NULL);
    for (unsigned job = 0; job < jobs; job++) {
        pid_t pid = fork();
        ck_assert(pid >= 0);
        if (pid) continue;
        work_through(tally, seed, job, jobs, states, lies);
        _exit(0);
    }
    int status;
    while (wait(&status) > 0) {
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            note_failure(tally, SETTINGS, seed, "a process of this test crashed");
    }
    return tally;
}

struct counter {
    const char *name;
    uint64_t count;
};

/* "label: 3 of this, 5 of that" */
static void show_counters(const char *label, const struct counter *counters, size_t count) {
    printf("  %s", label);
    for (size_t i = 0; i < count; i++) {
        printf("%s %s %llu", i ? "," : ":", counters[i].name, (unsigned long long)counters[i].count);
    }
    puts("");
}

/* What a workload met, and what a crash met: none of these may be 0. */
static unsigned show_events(const struct tally *tally) {
    const struct crash_events *of = &tally->of;
    const struct crash_counts *counts = &tally->counts;
    const struct crash_answers *asked = &counts->asked;
    const struct counter met[] = {
        {"deaths", of->deaths},
        {"zombies", of->zombies},
        {"failed syncs", of->failed_syncs},
        {"drops", of->drops},
        {"named snapshots", of->named},
        {"added columns", of->columns},
        {"commits to both databases", of->of_both},
        {"copies", of->copies},
        {"copies broken off", of->broken_copies},
    };
    const struct counter seen[] = {
        {"sums", asked->sums},
        {"hashes", asked->hashes},
        {"lookups", asked->lookups},
        {"searches", asked->searches},
        {"tables with keys of one text", asked->form[CRASH_TEXT]},
        {"of several columns", asked->form[CRASH_SEVERAL]},
        {"of bytes", asked->form[CRASH_BYTES]},
        {"that go down", asked->form[CRASH_DOWN]},
        {"with added columns", asked->notes},
        {"databases with snapshots", asked->of_snapshots},
        {"two databases", asked->attached},
        {"of these not of one state", counts->halves},
        {"copies", counts->copies},
        {"brought up to date", counts->updates},
        {"published", counts->published},
        {"salvaged", counts->salvaged},
        {"with damage", counts->damaged},
    };
    unsigned none = 0;
    show_counters("met by workloads", met, sizeof met / sizeof *met);
    show_counters("asked after a crash", seen, sizeof seen / sizeof *seen);
    struct counter faults[CRASH_FAULTS];
    for (size_t i = 0; i < CRASH_FAULTS; i++) {
        faults[i] = (struct counter){crash_fault_names[i], counts->faults[i]};
        none += !faults[i].count;
    }
    show_counters("faults while recovering", faults, CRASH_FAULTS);
    for (size_t i = 0; i < sizeof met / sizeof *met; i++) none += !met[i].count;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) none += !seen[i].count;
    return none;
}

/* How many of the counters that may not be 0 are. */
static unsigned show(const struct tally *tally, uint64_t seed) {
#define U(value) ((unsigned long long)(value))
    const struct crash_events *of = &tally->of;
    const struct crash_counts *counts = &tally->counts;
    printf("crash: %llu states after a crash checked (seed %llu, SQLite %s): %llu workloads, %llu operations on the "
           "disk; at most %llu runs, %llu blobs\n",
           U(counts->states), U(seed), sqlite3_libversion(), U(tally->histories), U(tally->operations), U(tally->runs),
           U(tally->blobs));
    const struct counter usual[] = {
        {"commits", of->commits},
        {"rollbacks", of->rollbacks},
        {"busy", of->busy},
        {"failed and committed", of->survived},
        {"in one database alone", of->halves},
        {"revived", of->revived},
        {"ended above a gap", of->gaps},
        {"checkpoints", of->checkpoints},
        {"renames", of->renames},
        {"tables emptied", of->emptied},
        {"folders changed", of->folders},
        {"other summaries", of->summaries},
        {"readers", of->snapshots},
        {"spills", of->spills},
    };
    const struct counter after[] = {
        {"crashed again while being opened", counts->again},
        {"written on", counts->written},
        {"cleaned", counts->cleaned},
        {"older than the file", counts->back},
        {"left out as seen before", counts->twice},
    };
    show_counters("workloads", usual, sizeof usual / sizeof *usual);
    show_counters("crashes", after, sizeof after / sizeof *after);
    unsigned none = show_events(tally);
    for (unsigned i = 0; i < WORLD_CRASHES; i++) {
        printf("  %s: %llu%s", world_crash_names[i], U(counts->by_kind[i]), i + 1 < WORLD_CRASHES ? "," : "\n");
    }
    for (unsigned i = 0; i < SETTINGS; i++) {
        if (tally->by_setting[i]) {
            printf("  %s %s: %llu\n", settings[i].journal, settings[i].synchronous, U(tally->by_setting[i]));
        }
    }
    fflush(stdout);
    return none;
#undef U
}

TEST(test_every_disk_that_a_crash_leaves_holds_what_was_acknowledged_and_no_half_transaction) {
    uint64_t seed = random_seed();
    uint64_t states = number("ART_CRASH_STATES", STATES * random_scale());
    struct tally *tally = run(seed, states, WORLD_HONEST);
    unsigned none = show(tally, seed);
    ck_assert_msg(!tally->failed, "ART_TEST_SEED=%llu %s", (unsigned long long)seed, tally->message);
    ck_assert_uint_ge(tally->counts.states, states);
    if (states < ENOUGH_STATES) return;
    ck_assert_msg(!none, "%u of what a crash should meet, it did not", none);
    munmap(tally, sizeof *tally);
}

TEST(test_a_disk_that_does_not_sync_is_noticed) {
    uint64_t seed = random_seed();
    struct tally *tally = run(seed, LYING_STATES, WORLD_LIES);
    printf("crash: a disk that does not sync was noticed after %llu states: %s\n",
           (unsigned long long)tally->counts.states, tally->message);
    ck_assert(tally->failed);
    munmap(tally, sizeof *tally);
}

/* What is found then is sound, and older than what was acknowledged: no hash and no check of SQLite's would notice. */
TEST(test_commits_that_are_lost_whole_are_noticed) {
    uint64_t seed = random_seed();
    bool noticed = false;
    for (unsigned i = 0; i < 10 && !noticed; i++) {
        struct tally *tally = run(seed + i, LYING_STATES, WORLD_LIES_OF_WAL);
        noticed = tally->failed && strstr(tally->message, "it is state ");
        printf("crash: a WAL that is not synced: %s\n", tally->failed ? tally->message : "nothing noticed");
        munmap(tally, sizeof *tally);
    }
    ck_assert(noticed);
}

/* ---- one case ---------------------------------------------------------------------------------------------------- */

static void must(sqlite3 *db, const char *sql) {
    ck_assert_msg(!sqlite3_exec(db, sql, NULL, NULL, NULL), "%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *arrive(struct world *world) {
    char *why = NULL;
    world_enter(world, world_process_new(world));
    sqlite3 *db = crash_open(&settings[0], &why);
    ck_assert_msg(db != NULL, "%s", why);
    return db;
}

static void leave(struct world *world, unsigned process, sqlite3 *db) {
    world_enter(world, world->processes[process]);
    sqlite3_close(db);
    if (world->current->dead) world_bury(world, world->current);
}

/* The sum that `sql` asks for, of the disk that is left when all processes die; or the power goes. */
static int64_t sum_after(struct world *world, enum world_crash how, const char *sql) {
    struct world_replay *replay = world_replay_new(world);
    struct world_image image;
    while (world_replay_step(replay)) {
    }
    world_replay_crash(replay, how, 0, &image);
    world_replay_free(replay);
    struct world *after = world_new(&image, &world->options);
    sqlite3 *db = arrive(after);
    sqlite3_stmt *ask = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &ask, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(ask), SQLITE_ROW);
    int64_t rows = sqlite3_column_int64(ask, 0);
    sqlite3_finalize(ask);
    sqlite3_close(db);
    world_free(after);
    world_image_clear(&image);
    return rows;
}

/* SQLite before 3.53.2 at the latest: what was written twice to the WAL in a transaction and then taken back by
 * ROLLBACK TO leaves the commit's frames without checksums, and recovery throws them away. A transaction that spills
 * brings pages into the WAL early. */
LOOP_TEST(test_a_spill_does_not_make_sqlite_forget_a_commit_after_rollback_to, 2) {
    struct world_options options = {.seed = 1, .sector = 512, .characteristics = SQLITE_IOCAP_POWERSAFE_OVERWRITE};
    struct world *world = world_new(NULL, &options);
    sqlite3 *db = arrive(world);
    must(db,
         "PRAGMA journal_mode=WAL; CREATE TABLE p(x); CREATE TABLE o(x);"
         "CREATE VIRTUAL TABLE a USING art(spill_limit=100000); CREATE VIRTUAL TABLE b USING art(spill_limit=100000);"
         "INSERT INTO a VALUES('first', 1); INSERT INTO b VALUES('first', 1);"
         "INSERT INTO a(a) VALUES('flush'); INSERT INTO b(b) VALUES('flush'); INSERT INTO o VALUES(1)");
    static const char *const before[] = {"BEGIN; SAVEPOINT s", "SAVEPOINT s"};
    static const char *const after[] = {"COMMIT", "RELEASE s"};
    must(db, before[_i]);
    must(db, "INSERT INTO p VALUES(2); INSERT INTO o VALUES(2)");
    must(db, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO a SELECT 'x' || i, "
             "zeroblob(200) FROM n");
    must(db, "INSERT INTO a VALUES('y', 1); INSERT INTO o VALUES(3)");
    for (unsigned i = 0; i < 1000; i++) {
        char sql[80];
        sqlite3_snprintf(sizeof sql, sql, "INSERT INTO b VALUES('z%u', zeroblob(200))", i);
        must(db, sql);
    }
    must(db, "INSERT INTO o VALUES(4); ROLLBACK TO s; INSERT INTO o VALUES(5); INSERT INTO a VALUES('last', 1)");
    must(db, after[_i]);
    must(db, "INSERT INTO o VALUES(6)");
    ck_assert_int_eq(sum_after(world, WORLD_POWER_STAYS, "SELECT sum(x) FROM o"), 1 + 5 + 6);
    ck_assert_int_eq(sum_after(world, WORLD_POWER_STAYS, "SELECT count(*) FROM a"), 2);
    leave(world, 0, db);
    world_free(world);
}

/* A model's limit: SQLite counts on the next sync that succeeds for what recovery has found and nobody has synced. The
 * first process dies in its commit, the second is told that its sync has failed, the third that its commit lasts. */
LOOP_TEST(test_a_failed_sync_loses_nothing_that_recovery_has_found, 20) {
    struct world_options options = {.seed = (uint64_t)_i, .sector = 512};
    static const enum world_fault faults[] = {WORLD_DIE_AS_ZOMBIE, WORLD_FAIL_SYNC, WORLD_NO_FAULT};
    static const char *const inserts[] = {"INSERT INTO o VALUES(2)", "INSERT INTO o VALUES(4)",
                                          "INSERT INTO o VALUES(8)"};
    struct world *world = world_new(NULL, &options);
    sqlite3 *db[3];
    for (unsigned i = 0; i < 3; i++) {
        db[i] = arrive(world);
        if (!i) must(db[i], "PRAGMA journal_mode=WAL; CREATE TABLE o(x); INSERT INTO o VALUES(1)");
        world_arm(world, faults[i], 0, "-wal");
        int rc = sqlite3_exec(db[i], inserts[i], NULL, NULL, NULL);
        ck_assert(world_disarm(world) == (i < 2) && !rc == (i == 2));
        if (!i) leave(world, 0, db[0]);
    }
    ck_assert_int_eq(sum_after(world, WORLD_DROP_ALL, "SELECT sum(x) FROM o"), 1 + 2 + 8);
    leave(world, 1, db[1]);
    leave(world, 2, db[2]);
    world_free(world);
}

int main(void) {
    if (getenv("ART_CRASH_HISTORY")) {
        static struct tally tally;
        history(&tally, number("ART_CRASH_SETTING", 0), strtoull(getenv("ART_CRASH_HISTORY"), NULL, 0), false);
        show(&tally, 0);
        puts(tally.message);
        return tally.failed;
    }
    return suite_run("crash", .seconds = SUITE_FOREVER);
}
