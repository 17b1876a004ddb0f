/* The slot rule (core/tree/run/slots.c) where the kernel has a part in it: processes on one database that are killed
 * with SIGKILL, at random moments or by their own hand at a call of core's (support/watch.h), while a ring still
 * writes for them; readers through the page cache of what was written past it; locks and wal-indexes that the dead
 * leave.
 *
 *     writers       random transactions on t (an art table) and m (an ordinary one) alike
 *     readers       hold a snapshot while slots are freed and used again, and compare t with m in it; a new one is not
 *                   older than a commit that anybody had seen before
 *     checkpointer  PASSIVE, FULL, RESTART, TRUNCATE
 *     this process  kills and replaces them; after a while all, and opens the database at once
 *
 * No process syncs: a kill loses no write, and power loss is for simulated disks. test_actors.c does all that needs no
 * kernel, so this runs for seconds. Where SQLite itself loses commits at recovery (support/spills.h), its page cache is
 * not made to spill, and with blobs in rows it is kept from it; SQLite 3.40.1 (not 3.53.2) also loses or mixes commits
 * of killed writers with locking_mode=EXCLUSIVE, a rollback journal and synchronous=OFF, also of ordinary tables alone,
 * so OFF is left out there.
 *
 * The rule, line by line, and who tests it: H, test_actors.c, by chance and in number, where a seed repeats it and each
 * write is watched (support/machine_slots.c); W, test_slot_rule.c, by what is written, synced and removed, and in which
 * order; R, test_slot_readers.c, by what readers see, and whether the file grows.
 *
 *   beyond the file's end any time            H; R: everywhere before slots are free
 *   never what the base names                 H
 *   nor what a savepoint's root names         H (a cursor keeps none: it seeks again)
 *   1  own frame, synced, before any write    H: zombies; W: an_own_frame_and_the_database_are_synced
 *      the nonce is random                    W: who_does_the_same_to_the_same_database_writes_another_nonce
 *      no growth of CACHE_WRITE: extend       H: cache_spill=OFF; W: no_own_frame_comes, pages_of_another_database
 *      WAL and database synced at any level   W: an_own_frame_and_the_database_are_synced, a_sync_that_fails
 *      blobs durable before their root        W: blobs_are_synced_before_the_frames_that_name_them
 *      rollback journal and its folder        W: the_own_journal_and_its_folder, the_journals_folder_in_every_mode
 *   2  retired while a reader may stand there   H; W: a_reader_that_stays_keeps_its_slots; R:
 *                                             no_checkpoint_frees (each kind, by a connection with synchronous=OFF)
 *      other salts: the list is free          R: no_checkpoint_frees, at its end
 *      equal salts: it grows                  R: without_a_checkpoint_nothing_is_freed
 *      no own frame: unknown, not free        W: slots_of_an_unknown_epoch, a_flush_that_knows_no_epoch
 *      read again after ROLLBACK TO           H; W: the_epoch_is_read_again_after_rollback_to
 *      killed TRUNCATE                        H: deaths before each call
 *      another's rollback, fresh connections,
 *      reopening                              H; R: retired_slots_outlive_the_connection_that_made_them
 *      rollback journal: nothing is retired     R: with_a_rollback_journal_nothing_is_retired
 *      truncating is writing                  H: 'vacuum'; R: cutting_the_file_is_writing
 *   the lock on the file, until all is reaped test_kill.c: the_lock_outlives_the_last_write; W: under_a_lock
 *
 * The interleaving is not repeated by a seed.
 *
 * ART_TEST_SCALE=n, ART_TEST_SEED; ART_TEST_SECONDS=n: for each setting; ART_TEST_SETTING=n: this one alone, from 0.
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/features.h"
#include "tests/support/spills.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"
#include "tests/support/watch.h"

enum { DIRECTORIES = 8, FILES = 60, FILE_LIMIT = 64 << 20, PROCESSES = 5, PATIENCE = 300 };

static const struct setting {
    const char *name, *journal;
    bool exclusive;
    unsigned seconds;
    const char *storage; /* the table's option */
} settings[] = {
    {"WAL", "WAL", false, 8, ""},
    {"rollback journal", "DELETE", false, 4, ""},
    {"WAL, locking_mode=EXCLUSIVE", "WAL", true, 2, ""},
    {"rollback journal, locking_mode=EXCLUSIVE", "DELETE", true, 2, ""},
    {"WAL, blobs in the database", "WAL", false, 2, ", storage=inline"},
    {"rollback journal, blobs in the database", "DELETE", false, 2, ", storage=inline"},
};

/* Shared by all processes. */
static struct world {
    _Atomic uint64_t seen; /* the counter, as high as any process has seen it committed */
    _Atomic uint64_t commits, rollbacks, savepoints, busy, checks, held, checkpoints, kills, reopened;
    _Atomic int failed;
    char message[2000];
} * world;

static const struct setting *setting;
static struct watch *watch;
static struct random chance; /* each process has its own */
static char *directory, *path;

static uint32_t below(uint32_t limit) {
    return random_below(&chance, limit);
}

static bool once_in(uint32_t times) {
    return random_once_in(&chance, times);
}

/* Notes the first message for all, and ends this process. */
static void violation(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void violation(const char *format, ...) {
    if (!atomic_exchange(&world->failed, 1)) {
        va_list args;
        va_start(args, format);
        vsnprintf(world->message, sizeof world->message, format, args);
        va_end(args);
    }
    _exit(3);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* Anything but BUSY is a violation. False: busy. */
static bool fine(sqlite3 *db, int rc, const char *what) {
    int code = rc & 0xff;
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return true;
    if (code != SQLITE_BUSY && code != SQLITE_PROTOCOL && code != SQLITE_LOCKED)
        violation("%s: %s (%d)", what, sqlite3_errmsg(db), rc);
    world->busy++;
    return false;
}

static bool run(sqlite3 *db, const char *sql) {
    return fine(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

/* The same statement on both tables; '@' is the table. */
static bool both(sqlite3 *db, char *sql) {
    char *art = sql_named(sql, "t"), *ordinary = sql_named(sql, "m");
    bool good = run(db, art) && run(db, ordinary);
    sqlite3_free(art);
    sqlite3_free(ordinary);
    sqlite3_free(sql);
    return good;
}

static uint64_t ask(sqlite3 *db, const char *who, const char *query) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    if (!rc) rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) violation("%s: %s: %s (%d)", who, query, sqlite3_errmsg(db), rc);
    uint64_t answer = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return answer;
}

static sqlite3 *open_session(void) {
    static const char *const levels[] = {"NORMAL", "FULL", "OFF"};
    bool shaky = setting->exclusive && *setting->journal == 'D' && !spills_well(); /* see above */
    sqlite3 *db = watch_open(path);
    sqlite3_busy_timeout(db, once_in(2) ? 3000 : 60);
    /* Before anything is read, or the wal-index is shared all the same. */
    if (setting->exclusive) sql_run(db, "PRAGMA locking_mode=EXCLUSIVE");
    sql_try(db, "PRAGMA synchronous=%s", levels[below(shaky ? 2 : 3)]);
    sql_try(db, "PRAGMA wal_autocheckpoint=%u", once_in(2) ? 0 : below(300));
    if (once_in(6) || (*setting->storage && !spills_well())) sql_run(db, "PRAGMA cache_spill=OFF");
    if (spills_well() && once_in(6)) sql_try(db, "PRAGMA cache_size=10");
    return db;
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static void see(uint64_t counter) {
    uint64_t seen = world->seen;
    while (seen < counter && !atomic_compare_exchange_weak(&world->seen, &seen, counter)) {
    }
}

static void not_older_than(uint64_t counter, uint64_t seen, const char *who) {
    if (counter >= seen) return;
    violation("%s: commit %llu was seen, now the counter says %llu", who, (unsigned long long)seen,
              (unsigned long long)counter);
}

/* Within a transaction: t against m. Returns the counter. */
static uint64_t compare(sqlite3 *db, const char *who) {
    uint64_t counter = ask(db, who, "SELECT n FROM counter");
    if (ask(db, who,
            "SELECT (SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM m)) + "
            "abs((SELECT count(*) FROM t) - (SELECT count(*) FROM m)) + "
            "(art_count('t', 'directory-1/') <> (SELECT count(*) FROM m WHERE path GLOB 'directory-1/*'))"))
        violation("%s: t is not what m is, at counter %llu", who, (unsigned long long)counter);
    world->checks++;
    return counter;
}

static void check_all(sqlite3 *db, const char *who) {
    sql_run(db, "BEGIN");
    uint64_t counter = compare(db, who);
    not_older_than(counter, world->seen, who);
    const char *complaint = features_complaint(db);
    if (complaint) violation("%s: %s", who, complaint);
    sql_run(db, "COMMIT");
    char *answer = sql_rows(db, "PRAGMA integrity_check");
    if (strcmp(answer, "ok\n")) violation("%s: integrity_check: %.500s", who, answer);
    sqlite3_free(answer);
    see(counter);
}

/* ---- writers ----------------------------------------------------------------------------------------------------- */

/* Most rows are wide, so that few of them make many blobs; some are cut into pieces; a few make their commit flush. */
static uint32_t length(void) {
    uint32_t kind = below(300);
    if (kind == 0) return 70000 - below(4000);
    return kind < 10 ? 4000 + below(6000) : kind < 200 ? 800 + below(2800) : below(60);
}

static bool change_row(sqlite3 *db) {
    uint32_t kind = below(600), d = below(DIRECTORIES), f = below(FILES);
    if (kind < 370)
        return both(db, sqlite3_mprintf("REPLACE INTO @ VALUES('directory-%u/file-%04u', printf('%%0*d', %u, %u))", d,
                                        f, length(), below(1u << 30)));
    if (kind == 599) return both(db, sqlite3_mprintf("DELETE FROM @ WHERE path GLOB 'directory-%u/*'", d));
    if (kind < 540) return both(db, sqlite3_mprintf("DELETE FROM @ WHERE path = 'directory-%u/file-%04u'", d, f));
    return both(db, sqlite3_mprintf("UPDATE OR IGNORE @ SET path = 'directory-%u/file-%04u' WHERE path = "
                                    "'directory-%u/file-%04u'",
                                    below(DIRECTORIES), below(FILES), d, f));
}

static bool change_rows(sqlite3 *db, uint32_t count) {
    bool good = true;
    while (good && count--) good = change_row(db);
    return good;
}

static bool mark_and_come_back(sqlite3 *db, uint32_t rows) {
    world->savepoints++;
    return run(db, "SAVEPOINT s") && change_rows(db, rows) && (!once_in(2) || run(db, "ROLLBACK TO s")) &&
           (once_in(2) || run(db, "RELEASE s")) && change_rows(db, below(5));
}

/* Large ones spill: blobs are written long before the commit, and ROLLBACK TO takes own frames out of the -wal. */
static bool fill_transaction(sqlite3 *db) {
    static const uint32_t sizes[] = {3, 8, 15, 15, 40, 150};
    static const char *const commands[] = {"flush", "flush", "optimize", "vacuum"};
    uint32_t size = sizes[below(6)];
    if (!change_rows(db, 1 + below(size)) || (once_in(3) && !mark_and_come_back(db, below(2 * size)))) return false;
    if (once_in(3) && !fine(db, features_turn(db), "features")) return false;
    return !once_in(5) || run(db, TEXT("INSERT INTO t(t) VALUES('%s')", commands[below(4)]));
}

static void commit(sqlite3 *db, uint64_t counter) {
    for (int i = 0; i < 50; i++) {
        if (!run(db, "COMMIT")) continue;
        world->commits++;
        return see(counter);
    }
}

static void transaction(sqlite3 *db) {
    uint64_t seen = world->seen;
    if (!run(db, once_in(6) ? "BEGIN; SELECT count(*) FROM t WHERE path < 'a'" : "BEGIN IMMEDIATE")) return;
    uint64_t counter = ask(db, "a writer", "SELECT n FROM counter");
    not_older_than(counter, seen, "a writer");
    see(counter);
    bool good = fill_transaction(db);
    if (good && sqlite3_get_autocommit(db)) violation("a writer: rolled back, and no statement says so");
    if (good && once_in(7)) {
        world->rollbacks++;
    } else if (good && run(db, "UPDATE counter SET n = n + 1")) {
        if (once_in(20)) compare(db, "a writer");
        commit(db, counter + 1);
    }
    if (!sqlite3_get_autocommit(db)) sql_try(db, "ROLLBACK");
    kept_clear();
}

static void checkpoint(sqlite3 *db) {
    int rc = sqlite3_wal_checkpoint_v2(db, "main", (int)below(4), NULL, NULL);
    if (fine(db, rc, "a checkpoint")) world->checkpoints++;
}

static void write_once(void) {
    sqlite3 *db = open_session();
    for (uint32_t i = 1 + below(once_in(2) ? 6 : 60); i > 0; i--) {
        if (once_in(8)) checkpoint(db);
        transaction(db);
        if (once_in(4)) usleep(below(1500));
    }
    sql_close(db); /* the last one to close checkpoints and removes the -wal */
}

/* ---- readers and the checkpointer -------------------------------------------------------------------------------- */

/* The first read makes the snapshot; t itself may see it only later. */
static void hold_a_snapshot(sqlite3 *db) {
    static const char *const firsts[] = {"BEGIN; SELECT path FROM t LIMIT 1", "BEGIN; SELECT n FROM counter"};
    uint64_t committed = world->seen;
    if (!run(db, firsts[below(2)])) {
        sql_try(db, "ROLLBACK");
        return;
    }
    uint64_t seen = world->seen, counter = once_in(2) ? compare(db, "a reader's new snapshot") : 0;
    usleep(once_in(6) ? below(250000) : below(25000));
    uint64_t again = compare(db, "a reader's old snapshot");
    if (counter && again != counter) violation("a reader's snapshot moved");
    not_older_than(again, committed, "a reader's snapshot");
    world->held += world->seen > seen;
    see(again);
    sql_try(db, "COMMIT");
}

static void read_once(void) {
    sqlite3 *db = open_session();
    for (uint32_t i = 1 + below(20); i > 0; i--) hold_a_snapshot(db);
    sql_close(db);
}

static void checkpoint_once(void) {
    sqlite3 *db = open_session();
    sql_try(db, "SELECT n FROM counter");
    for (uint32_t i = 1 + below(30); i > 0; i--) {
        usleep(below(4000));
        checkpoint(db);
    }
    sql_close(db);
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

typedef void task(void);

static void create(void) {
    sqlite3 *db = open_session();
    char *options = sqlite3_mprintf("log_limit='4KB', cache='256KB', spill_limit='%s'%s", once_in(2) ? "128KB" : "32KB",
                                    setting->storage);
    sql_run(db, "PRAGMA page_size=%d; PRAGMA journal_mode=%s", once_in(2) ? 4096 : 1024, setting->journal);
    sql_create(db, "t", options);
    features_create(db, TEXT(", %s", options));
    features_create(db, NULL);
    sql_run(db, "CREATE TABLE m(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
                "CREATE TABLE counter(n INTEGER); INSERT INTO counter VALUES(0); BEGIN");
    change_rows(db, 600);
    sql_run(db, "COMMIT");
    world->seen = 0;
    check_all(db, "a new database");
    sql_close(db);
    sqlite3_free(options);
}

static void recover(void) {
    sqlite3 *db = open_session();
    check_all(db, "everything died");
    for (uint32_t i = below(3); i > 0; i--) transaction(db);
    check_all(db, "after transactions without company");
    if (once_in(8)) sql_run(db, "VACUUM");
    world->reopened++;
    if (once_in(2)) sql_close(db);
}

static pid_t start(task *work, bool goes_on) {
    uint64_t seed = random_next(&chance);
    pid_t parent = getpid();
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(4);
    chance = (struct random){seed};
    watch_begin(watch);
    watch_skip_syncs(1);
    if (goes_on && once_in(2)) watch_die_at((enum watch_event)below(WATCH_EVENTS), 1 + below(60));
    do work();
    while (goes_on);
    _exit(0);
}

static void note_end(int status, bool killed) {
    bool as_it_should = killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : !status;
    if (!as_it_should && !atomic_exchange(&world->failed, 1))
        snprintf(world->message, sizeof world->message, "a process ended by itself, status %x", (unsigned)status);
}

static void run_alone(task *work) {
    int status;
    pid_t child = start(work, false);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    note_end(status, false);
}

static double seconds_since(const struct timespec *from) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

/* The processes of the setting run for a while and are killed, one here and there, at last all. */
static void run_round(void) {
    static task *const roles[PROCESSES] = {write_once, write_once, read_once, read_once, checkpoint_once};
    pid_t process[PROCESSES] = {0};
    struct timespec from;
    int status, all = setting->exclusive ? 2 : PROCESSES;
    clock_gettime(CLOCK_MONOTONIC, &from);
    double span = 0.2 + below(1000) / 1000.0;
    while (!world->failed && seconds_since(&from) < span) {
        for (int i = 0; i < all; i++) {
            if (process[i] && waitpid(process[i], &status, WNOHANG) > 0) {
                note_end(status, true);
                process[i] = 0;
            }
            if (!process[i]) process[i] = start(roles[i], true);
        }
        uint32_t victim = below(60);
        if (victim < (uint32_t)all && !kill(process[victim], SIGKILL)) world->kills++;
        usleep(500 + below(1500));
    }
    for (int i = 0; i < all; i++) kill(process[i], SIGKILL);
    for (int i = 0; i < all; i++) {
        waitpid(process[i], &status, 0);
        note_end(status, true);
    }
}

static void renew(void) {
    struct stat there;
    char *file = sql_find_file(directory, ".art");
    bool keeps = !stat(file ? file : path, &there) && there.st_size < FILE_LIMIT && !once_in(12);
    sqlite3_free(file);
    if (keeps) return;
    sql_ways(once_in(3) ? "pwrite" : NULL, once_in(4) ? "off" : NULL); /* of all processes from here on */
    sql_scratch_remove(directory);
    ck_assert_int_eq(mkdir(directory, 0755), 0);
    run_alone(create);
}

static void report(void) {
#define COUNT(name) (unsigned long long)world->name
    printf(
        "%s: %llu commits, %llu rollbacks, %llu savepoints, %llu BUSY, %llu checkpoints, %llu slots written, %llu used "
        "again; %llu snapshots compared, %llu old ones; killed %llu; everything died %llu times\n",
        setting->name, COUNT(commits), COUNT(rollbacks), COUNT(savepoints), COUNT(busy), COUNT(checkpoints),
        (unsigned long long)watch->slots_written, (unsigned long long)watch->slots_reused, COUNT(checks), COUNT(held),
        COUNT(kills), COUNT(reopened));
#undef COUNT
    fflush(stdout);
}

/* Something of all that it is for has happened: it goes on for so long, however busy the machine is. */
static bool has_happened(void) {
    bool wal = *setting->journal == 'W';
    return world->commits >= 10 && world->rollbacks && world->savepoints && world->checks >= 10 && world->checkpoints &&
           world->kills && world->reopened && (world->held || setting->exclusive || !wal) && watch->slots_reused;
}

LOOP_TEST(test_no_slot_is_written_that_a_reader_or_a_recovery_may_need, LENGTH(settings)) {
    const char *asked = getenv("ART_TEST_SECONDS"), *only = getenv("ART_TEST_SETTING");
    if (only && atoi(only) != _i) return;
    setting = &settings[_i];
    double seconds = asked ? atof(asked) : setting->seconds * random_scale();
    uint64_t seed = random_announced(setting->name).state;
    unsetenv("ART_TABLE_OPTIONS");
    chance = (struct random){seed};
    world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(world, MAP_FAILED);
    watch = watch_new();
    directory = sql_scratch("slots");
    path = sqlite3_mprintf("%s/slots.db", directory);
    struct timespec from;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while (!world->failed && (seconds_since(&from) < seconds || (!has_happened() && seconds_since(&from) < PATIENCE))) {
        renew();
        if (!world->failed) run_round();
        if (!world->failed) run_alone(recover);
    }
    report();
    ck_assert_msg(!world->failed, "seed %llu, after %.1f s, files in %s: %s", (unsigned long long)seed,
                  seconds_since(&from), directory, world->message);
    ck_assert_msg(has_happened(), "little of it has happened in %.1f s", seconds_since(&from));
    ck_assert_uint_eq(watch->early, 0);
    sql_scratch_remove(directory);
    sqlite3_free(path);
    sqlite3_free(directory);
    watch_free(watch);
    munmap(world, sizeof *world);
}

SUITE("slots", .seconds = SUITE_FOREVER)
