/* Killed with SIGKILL in the middle of its work, and opened again at once.
 *
 *     writer (a child)                      this process
 *     transaction 1, commit, "1"  -- pipe ->  notes 1
 *     transaction 2, commit, "2"  -- pipe ->  notes 2
 *     transaction 3, com  <----- SIGKILL ---
 *     (the kernel may still                  opens the database: the counter says 2 or 3. Often it writes at once, into
 *      write for the dead)                   the slots that the dead one was about to write. Then it opens it anew, and
 *                                            everything must be as so many transactions make it in an ordinary table
 *
 * Nobody waits for the dead process to be gone: when its pipe has ended, its locks go too, and what a ring has taken
 * for it is still under way. The database goes through all kills of its mode.
 *
 * A third of the writers dies at a random moment, a third is watched and shot while it flushes, merges, spills,
 * changes a directory, vacuums, writes all rows for another summary or holds the writer lock, and a third dies by its
 * own hand at a call of core's: a write given to the kernel, before or after a sync, when the lock is taken or about to
 * be released. What each died in is counted from shared memory.
 *
 * This process has no connection to a file while it forks: SQLite does not like to be inherited.
 */
#include "tests/support/kills.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/tree/state/hooks.h"
#include "tests/support/kill_load.h"
#include "tests/support/random.h"
#include "tests/support/spills.h"
#include "tests/support/sql.h"
#include "tests/support/watch.h"

enum { PATIENCE_MS = 150, THOROUGH_EVERY = 10, COPIED_EVERY = 8 };

const struct kill_mode kill_modes[KILL_MODES] = {
    {"io_uring where there is one, WAL", NULL, NULL, "", "WAL"},
    {"io_uring where there is one, DELETE", NULL, NULL, "", "DELETE"},
    {"pwrite, WAL", "pwrite", NULL, "", "WAL"},
    {"pwrite, DELETE", "pwrite", NULL, "", "DELETE"},
    {"buffered, WAL", "pwrite", "off", "", "WAL"},
    {"buffered, DELETE", "pwrite", "off", "", "DELETE"},
    {"in the database, WAL", NULL, NULL, ", storage=inline", "WAL"},
    {"in the database, DELETE", NULL, NULL, ", storage=inline", "DELETE"},
};

struct killing {
    const struct kill_mode *mode;
    struct random random;
    uint64_t seed;
    char *path;
    struct watch *watch;
    struct target model;
    struct kill_report *report;
};

static void fail(const struct killing *killing, const char *what, int64_t a, int64_t b) {
    fprintf(stderr, "%s, seed %llu, kill %u: %s: %lld, %lld\n", killing->mode->name, (unsigned long long)killing->seed,
            killing->report->kills, what, (long long)a, (long long)b);
    abort();
}

static sqlite3 *open_database(const struct killing *killing) {
    sqlite3 *db = watch_open(killing->path);
    sqlite3_busy_timeout(db, 20000);
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=100",
            killing->mode->journal);
    bool in_rows = strstr(killing->mode->options, "storage=inline");
    if (in_rows && !spills_well()) sql_run(db, "PRAGMA cache_spill=OFF");
    return db;
}

/* ---- the writer -------------------------------------------------------------------------------------------------- */

struct fate {
    unsigned work;          /* to be shot in it; 0: at a random moment */
    unsigned microseconds;  /* before that, or before the shot */
    enum watch_event event; /* by its own hand ... */
    unsigned nth;           /* ... at the nth; 0: not so */
    bool waits_for_first;   /* acknowledgement */
    bool syncs;
};

static struct fate choose_fate(struct random *random) {
    static const unsigned works[] = {WATCH_FLUSH,  WATCH_MERGE,   WATCH_SPILL,    WATCH_VACUUM,
                                     WATCH_LOCKED, WATCH_SUMMARY, WATCH_DIRECTORY};
    struct fate fate = {.syncs = random_once_in(random, 4)};
    uint32_t kind = random_below(random, 3);
    if (kind == 0) {
        /* Some die while they open and recover, most in the middle of their work. */
        fate.microseconds = random_below(random, random_once_in(random, 4) ? 3000 : 20000);
        fate.waits_for_first = !random_once_in(random, 8);
    } else if (kind == 1) {
        fate.work = works[random_below(random, sizeof works / sizeof *works)];
        fate.microseconds = random_below(random, 300);
    } else {
        fate.event = (enum watch_event)random_below(random, WATCH_EVENTS);
        fate.nth = 1 + random_below(random, fate.event == WATCH_AT_WRITE ? 25 : 5);
    }
    return fate;
}

static void write_for_ever(const struct killing *killing, int pipe_end) {
    struct target target = target_open(open_database(killing), true);
    for (int64_t n = load_counter(target.db) + 1;; n++) {
        load_transaction(&target, killing->seed, n);
        if (n % COPIED_EVERY == 0) sql_run(target.db, "SELECT art_backup('%s.copy', 'main', 'update')", killing->path);
        if (write(pipe_end, &n, sizeof n) != sizeof n) _exit(1);
    }
}

static pid_t start_writer(const struct killing *killing, const struct fate *fate, int *pipe_end) {
    int ends[2];
    if (pipe(ends)) fail(killing, "pipe", errno, 0);
    fflush(NULL);
    pid_t parent = getpid(), child = fork();
    if (child < 0) fail(killing, "fork", errno, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(4);
        close(ends[0]);
        watch_begin(killing->watch);
        watch_skip_syncs(!fate->syncs);
        watch_die_at(fate->event, fate->nth);
        write_for_ever(killing, ends[1]);
    }
    close(ends[1]);
    *pipe_end = ends[0];
    return child;
}

/* ---- shooting ---------------------------------------------------------------------------------------------------- */

static int64_t microseconds_since(const struct timespec *from) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - from->tv_sec) * 1000000 + (now.tv_nsec - from->tv_nsec) / 1000;
}

/* False: the pipe has ended. */
static bool hear(int pipe_end, int timeout_ms, int64_t *acknowledged) {
    struct pollfd end = {.fd = pipe_end, .events = POLLIN};
    int64_t n;
    if (poll(&end, 1, timeout_ms) <= 0) return true;
    if (read(pipe_end, &n, sizeof n) != sizeof n) return false;
    *acknowledged = n;
    return true;
}

/* Until the moment has come, or the writer has died by itself. */
static void lie_in_wait(const struct killing *killing, const struct fate *fate, int pipe_end, int64_t *acknowledged) {
    struct timespec from;
    clock_gettime(CLOCK_MONOTONIC, &from);
    bool waits = fate->waits_for_first, seen = !fate->work;
    while (microseconds_since(&from) < PATIENCE_MS * 1000) {
        int64_t before = *acknowledged;
        bool patient = fate->nth || waits;
        if (!hear(pipe_end, patient ? 5 : 0, acknowledged)) return;
        if (fate->nth) continue;
        bool now = waits ? *acknowledged != before : !seen && (killing->watch->doing & fate->work);
        if (now) {
            waits = false;
            seen = true;
            clock_gettime(CLOCK_MONOTONIC, &from);
        }
        if (!waits && seen && microseconds_since(&from) >= fate->microseconds) return;
        if (!patient) sched_yield();
    }
}

static void note_death(const struct killing *killing, const struct fate *fate, int64_t acknowledged) {
    struct kill_report *report = killing->report;
    unsigned doing = killing->watch->doing;
    report->kills++;
    report->opening += acknowledged < 0;
    report->locked += (doing & WATCH_LOCKED) != 0;
    report->flush += (doing & WATCH_FLUSH) != 0;
    report->merge += (doing & WATCH_MERGE) != 0;
    report->spill += (doing & WATCH_SPILL) != 0;
    report->directory += (doing & WATCH_DIRECTORY) != 0;
    report->vacuum += (doing & WATCH_VACUUM) != 0;
    report->summary += (doing & WATCH_SUMMARY) != 0;
    report->in_flight += killing->watch->in_flight > 0;
    report->by_themselves += fate->nth > 0;
}

/* The last transaction that was acknowledged, -1 for none. The dead process is still to be waited for. */
static int64_t load_until_killed(struct killing *killing, pid_t *dead) {
    struct fate fate = choose_fate(&killing->random);
    int pipe_end;
    int64_t acknowledged = -1;
    killing->watch->doing = 0;
    killing->watch->in_flight = 0;
    *dead = start_writer(killing, &fate, &pipe_end);
    lie_in_wait(killing, &fate, pipe_end, &acknowledged);
    kill(*dead, SIGKILL);
    while (hear(pipe_end, -1, &acknowledged)) {
    }
    close(pipe_end);
    note_death(killing, &fate, acknowledged);
    return acknowledged;
}

/* ---- what is left ------------------------------------------------------------------------------------------------ */

static void expect_ok(struct killing *killing, sqlite3 *db, const char *query) {
    char *answer = sql_rows(db, "%s", query);
    if (strcmp(answer, "ok\n")) {
        fprintf(stderr, "%s: %s\n", query, answer);
        fail(killing, "not ok", load_counter(db), 0);
    }
    sqlite3_free(answer);
}

static void expect_acknowledged(const struct killing *killing, int64_t acknowledged, int64_t found) {
    int64_t lowest = acknowledged < 0 ? load_counter(killing->model.db) : acknowledged;
    if (found < lowest || found > lowest + 1) fail(killing, "acknowledged, and found", lowest, found);
    killing->report->unheard += found > lowest;
}

/* The first to come takes what the dead one has left, while the kernel may still write for it. */
static int64_t write_at_once(struct killing *killing, int64_t acknowledged) {
    struct target target = target_open(open_database(killing), true);
    int64_t n = load_counter(target.db);
    expect_acknowledged(killing, acknowledged, n);
    for (uint32_t i = 1 + random_below(&killing->random, 2); i > 0; i--) {
        load_transaction(&target, killing->seed, ++n);
        sql_command(target.db, "main", "t", random_once_in(&killing->random, 4) ? "optimize" : "flush");
    }
    target_close(&target);
    return n;
}

/* What salvage shows of a table that is whole. */
static void expect_salvaged(struct killing *killing, sqlite3 *db, const char *table) {
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage(%Q)", table);
    if (sql_int(db, "SELECT count(*) FROM art_lost(%Q)", table) ||
        sql_int(db, "SELECT (SELECT count(*) FROM saved) - (SELECT count(*) FROM %s)", table) ||
        sql_int(db, "SELECT count(*) FROM (SELECT * FROM %s EXCEPT SELECT * FROM saved)", table))
        fail(killing, "salvaged is another table", load_counter(db), 0);
    sql_run(db, "DROP TABLE saved");
}

/* The copy goes on from what the dead have left of it. */
static void check_copy(struct killing *killing, sqlite3 *db) {
    sql_run(db, "SELECT art_backup('%s.copy', 'main', 'update')", killing->path);
    char *path = sqlite3_mprintf("%s.copy", killing->path);
    sqlite3 *copy = watch_open(path);
    load_compare(copy, killing->model.db, killing->seed);
    expect_ok(killing, copy, "SELECT substr(art_verify(), 1, 2)");
    sql_close(copy);
    sqlite3_free(path);
}

/* Anew, so that nothing that was written at once is only remembered. */
static void check_after_kill(struct killing *killing, int64_t acknowledged) {
    int64_t written = random_once_in(&killing->random, 2) ? write_at_once(killing, acknowledged) : -1;
    sqlite3 *db = open_database(killing);
    int64_t n = load_counter(db);
    if (written < 0) expect_acknowledged(killing, acknowledged, n);
    if (written >= 0 && n != written) fail(killing, "the counter as it was left, and as it is", written, n);
    for (int64_t i = load_counter(killing->model.db) + 1; i <= n; i++) {
        load_transaction(&killing->model, killing->seed, i);
    }
    load_compare(db, killing->model.db, killing->seed);
    if (killing->report->kills % THOROUGH_EVERY == 0) {
        expect_ok(killing, db, "PRAGMA integrity_check");
        expect_ok(killing, db, "SELECT art_check('t')");
        expect_ok(killing, db, "SELECT art_check('u')");
        expect_ok(killing, db, "SELECT art_check('fk')");
        expect_ok(killing, db, "SELECT art_check('fb')");
        expect_salvaged(killing, db, "t");
        expect_salvaged(killing, db, "fk");
        check_copy(killing, db);
    }
    sql_close(db);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static void create(struct killing *killing) {
    sqlite3 *db = open_database(killing), *memory;
    char *options = sqlite3_mprintf("log_limit='16KB', spill_limit='128KB', cache='4MB'%s", killing->mode->options);
    load_create(db, options);
    sqlite3_free(options);
    sql_close(db);
    if (sqlite3_open(":memory:", &memory)) fail(killing, "no memory", 0, 0);
    load_create(memory, NULL);
    killing->model = target_open(memory, false);
}

static void reap(const struct killing *killing, pid_t dead) {
    int status;
    if (waitpid(dead, &status, 0) != dead) fail(killing, "waitpid", errno, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) fail(killing, "the writer ended by itself", status, 0);
}

void kills_run(const struct kill_mode *mode, unsigned kills, uint64_t seed, struct kill_report *report) {
    struct killing killing = {.mode = mode, .random = {seed}, .seed = seed, .report = report, .watch = watch_new()};
    char *directory = sql_scratch("kill");
    killing.path = sqlite3_mprintf("%s/kill.db", directory);
    *report = (struct kill_report){0};
    watch_skip_syncs(1);
    art_test_hooks.blob_pages = seed % 3 ? 4 * (seed % 3) : 0; /* small ones: a few thousand rows have index blobs */
    sql_ways(mode->io, mode->direct);
    create(&killing);
    while (report->kills < kills) {
        pid_t dead;
        int64_t acknowledged = load_until_killed(&killing, &dead);
        check_after_kill(&killing, acknowledged);
        reap(&killing, dead);
    }
    report->transactions = load_counter(killing.model.db);
    report->flushes = killing.watch->flushes;
    report->merges = killing.watch->merges;
    report->spills = killing.watch->spills;
    report->summaries = killing.watch->summaries;
    report->slots_written = killing.watch->slots_written;
    report->slots_reused = killing.watch->slots_reused;
    if (killing.watch->early) fail(&killing, "the lock was released before all writes were done", 0, 0);
    target_close(&killing.model);
    watch_free(killing.watch);
    sql_scratch_remove(directory);
    sqlite3_free(killing.path);
    sqlite3_free(directory);
}

void kills_print(const char *name, const struct kill_report *report) {
#define COUNT(name) (unsigned long long)report->name
    printf("%s: killed %u times; in a flush %u, a merge %u, a spill %u, a directory %u, a vacuum %u, another summary "
           "%u, with the "
           "writer lock "
           "%u, with requests under way in the kernel %u, before the first commit %u, by their own hand %u; %u commits "
           "were found that nobody had heard of; %lld transactions, %llu flushes, %llu merges, %llu spills, %llu "
           "summaries, "
           "%llu slots written, %llu of them again\n",
           name, report->kills, report->flush, report->merge, report->spill, report->directory, report->vacuum,
           report->summary, report->locked, report->in_flight, report->opening, report->by_themselves, report->unheard,
           (long long)report->transactions, COUNT(flushes), COUNT(merges), COUNT(spills), COUNT(summaries),
           COUNT(slots_written), COUNT(slots_reused));
#undef COUNT
    fflush(stdout);
}
