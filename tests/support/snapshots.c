/* One snapshot at a time: writers in turn, readers that hold theirs for seconds, and a state that a number tells.
 *
 * a and b are art tables, p and clock ordinary ones. The n-th transaction of any process leaves
 *
 *     clock            n
 *     stamp/00..       n in every row of a, b and p
 *     account/00..     money, moved between an account of a and one of b: its sum over both stays; p has both balances
 *     event/<n%7>/<n>  a row in a (with a value that follows from n), in b and in p; the one of n - WINDOW goes
 *
 * so a reader that knows n knows all but the balances, and a reader's snapshot is right or wrong by itself. A reader
 *
 *     holds       BEGIN, looks at everything, waits up to seconds, looks again, and again; n must not move
 *     scans       steps a SELECT so slowly that many commits pass, forward or backward
 *     dies        with SIGKILL in the middle of a scan, and is replaced; nobody may notice
 *
 * and a new snapshot may not be older than a commit that somebody had seen before it began. One reader holds long, the
 * others shortly, so that the -wal can begin anew and slots can be used again. Writers wait for each other with busy
 * timeouts, short and long, and begin IMMEDIATE or by reading first; they roll back, are interrupted, use savepoints,
 * flush, optimize, vacuum and spill. A checkpointer with synchronous=OFF uses every mode. A process that only lists
 * and counts stands in for users of art_count() and t(prefix, delimiter).
 */
#include "tests/support/snapshots.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/watch.h"

enum { STAMPS = 12, ACCOUNTS = 60, FORTUNE = 1000, WINDOW = 700, DIRECTORIES = 7, VALUE_MAX = 70000 };
enum { TOTAL = 2 * ACCOUNTS * FORTUNE };

const struct snapshot_setting snapshot_settings[SNAPSHOT_SETTINGS] = {
    {"WAL", "WAL", "log_limit='32KB', spill_limit='256KB', cache='2MB'", 3000},
    {"rollback journal", "DELETE", "log_limit='32KB', spill_limit='256KB', cache='2MB'", 150},
    {"WAL, in the database", "WAL", "log_limit='32KB', spill_limit='256KB', cache='2MB', storage=inline", 1000},
    {"rollback journal, in the database", "DELETE",
     "log_limit='32KB', spill_limit='256KB', cache='2MB', storage=inline", 150},
};

struct world {
    _Atomic int64_t committed; /* as high as any process has seen it */
    _Atomic uint64_t transactions, rollbacks, interrupted, stale, busy, snapshots, held, scans, listings, died,
        checkpoints;
    _Atomic int64_t widest; /* commits that passed while a snapshot was held */
    _Atomic int failed;
    char message[1000];
};
static struct world *world;

struct session {
    sqlite3 *db;
    const struct snapshot_setting *setting;
    struct random *random;
    const char *who;
    bool patient;   /* holds long */
    int *countdown; /* a writer's that is interrupted when it comes to 0 */
};

static void violation(const struct session *session, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

static void violation(const struct session *session, const char *format, ...) {
    if (!atomic_exchange(&world->failed, 1)) {
        int len = snprintf(world->message, sizeof world->message, "%s: ", session->who);
        va_list args;
        va_start(args, format);
        vsnprintf(world->message + len, sizeof world->message - (size_t)len, format, args);
        va_end(args);
    }
    _exit(3);
}

static void see(int64_t n) {
    int64_t known = world->committed;
    while (known < n && !atomic_compare_exchange_weak(&world->committed, &known, n)) {
    }
}

/* ---- SQL --------------------------------------------------------------------------------------------------------- */

/* Anything but a lock, or an interrupt that was asked for, is a violation. False: one of these. */
static bool fine(const struct session *session, int rc, const char *what) {
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE) return true;
    if (rc == SQLITE_INTERRUPT && session->countdown && *session->countdown <= 0) {
        world->interrupted++;
        return false;
    }
    if ((rc & 0xff) != SQLITE_BUSY) violation(session, "%s: %s (%d)", what, sqlite3_errmsg(session->db), rc);
    if (rc == SQLITE_BUSY_SNAPSHOT) {
        world->stale++;
    } else {
        world->busy++;
    }
    return false;
}

static bool run(const struct session *session, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = sqlite3_vmprintf(format, args);
    va_end(args);
    bool done = fine(session, sqlite3_exec(session->db, text, NULL, NULL, NULL), text);
    sqlite3_free(text);
    return done;
}

/* Within a transaction that has its snapshot: no lock is in the way. */
static int64_t ask(const struct session *session, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = sqlite3_vmprintf(format, args);
    va_end(args);
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(session->db, text, -1, &statement, NULL);
    if (!rc) rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW) violation(session, "%s: %s (%d)", text, sqlite3_errmsg(session->db), rc);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(text);
    return answer;
}

static void expect(const struct session *session, int64_t n, const char *what, int64_t wanted, int64_t got) {
    if (wanted != got) {
        violation(session, "at transaction %lld: %s: %lld, not %lld", (long long)n, what, (long long)got,
                  (long long)wanted);
    }
}

static struct session session_open(const char *path, const struct snapshot_setting *setting, struct random *random,
                                   const char *who) {
    struct session session = {.db = watch_open(path), .setting = setting, .random = random, .who = who};
    static const int timeouts[] = {0, 30, 500, 10000};
    sqlite3_busy_timeout(session.db, timeouts[random_below(random, 4)]);
    sqlite3_exec(session.db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=400", NULL, NULL, NULL);
    return session;
}

/* ---- what n says ------------------------------------------------------------------------------------------------- */

static int64_t value_length(int64_t n) {
    uint64_t x = random_next(&(struct random){(uint64_t)n});
    if (x % 500 == 0) return VALUE_MAX - (int64_t)(x >> 40) % 4000;
    if (x % 40 == 0) return 4000 + (int64_t)(x >> 40) % 20000;
    return 300 + (int64_t)(x >> 40) % 3500;
}

static const uint8_t *value_of(int64_t n) {
    static uint64_t words[VALUE_MAX / 8 + 1];
    uint64_t x = (uint64_t)n * 2 + 1;
    for (int64_t i = 0; i <= value_length(n) / 8; i++) words[i] = x = x * 6364136223846793005u + 1442695040888963407u;
    return (const uint8_t *)words;
}

/* The first event of a directory within the window that ends with n. */
static int64_t first_event(int64_t n, int directory) {
    int64_t first = n - WINDOW + 1;
    while (first % DIRECTORIES != directory) first++;
    return first;
}

static int64_t events_in(int64_t n, int directory) {
    return (n - first_event(n, directory)) / DIRECTORIES + 1;
}

static bool event_is_right(sqlite3_stmt *row, int column, int64_t event) {
    char path[40];
    snprintf(path, sizeof path, "event/%d/%09lld", (int)(event % DIRECTORIES), (long long)event);
    const char *found = (const char *)sqlite3_column_text(row, column);
    if (!found || strcmp(found, path)) return false;
    int64_t len = sqlite3_column_bytes(row, column + 1);
    const void *value = sqlite3_column_blob(row, column + 1);
    return len == value_length(event) && value && !memcmp(value, value_of(event), (size_t)len);
}

/* ---- looking at a snapshot --------------------------------------------------------------------------------------- */

static void look_at_stamps(const struct session *session, int64_t n) {
    static const char *const tables[] = {"a", "b", "p"};
    for (int i = 0; i < 3; i++) {
        const char *column = i == 2 ? "a" : "value", *where = "path GLOB 'stamp/*'";
        expect(session, n, "stamps", STAMPS, ask(session, "SELECT count(*) FROM %s WHERE %s", tables[i], where));
        expect(session, n, "the lowest stamp", n,
               ask(session, "SELECT min(%s) FROM %s WHERE %s", column, tables[i], where));
        expect(session, n, "the highest stamp", n,
               ask(session, "SELECT max(%s) FROM %s WHERE %s", column, tables[i], where));
    }
}

static void look_at_accounts(const struct session *session, int64_t n) {
    int64_t sum = ask(session, "SELECT sum(value) FROM a WHERE path GLOB 'account/*'");
    sum += ask(session, "SELECT sum(value) FROM b WHERE path GLOB 'account/*'");
    expect(session, n, "money in a and b", TOTAL, sum);
    expect(session, n, "balances of a that p does not know", 0,
           ask(session, "SELECT count(*) FROM a JOIN p USING(path) WHERE path GLOB 'account/*' AND value IS NOT p.a"));
    expect(session, n, "balances of b that p does not know", 0,
           ask(session, "SELECT count(*) FROM p JOIN b USING(path) WHERE path GLOB 'account/*' AND value IS NOT p.b"));
}

/* Counted, listed, and row by row, in either direction. `pause`: microseconds after some of the rows. */
static void look_at_events(const struct session *session, int64_t n, unsigned pause) {
    bool backward = random_once_in(session->random, 3);
    sqlite3_stmt *rows = NULL;
    const char *text = backward ? "SELECT (SELECT n FROM clock), path, value FROM a WHERE path GLOB 'event/*' "
                                  "ORDER BY path DESC"
                                : "SELECT (SELECT n FROM clock), path, value FROM a WHERE path GLOB 'event/*' "
                                  "ORDER BY path";
    if (!fine(session, sqlite3_prepare_v2(session->db, text, -1, &rows, NULL), text)) return;
    for (int i = 0; i < DIRECTORIES; i++) {
        int directory = backward ? DIRECTORIES - 1 - i : i;
        int64_t first = n < 0 ? 0 : first_event(n, directory), count = n < 0 ? 1 : events_in(n, directory);
        for (int64_t j = 0; j < count; j++) {
            int rc = sqlite3_step(rows);
            if (n < 0 && (rc & 0xff) == SQLITE_BUSY) goto done; /* the statement's own snapshot */
            if (rc != SQLITE_ROW) {
                violation(session, "a scan ends early at transaction %lld: %s (%d)", (long long)n,
                          sqlite3_errmsg(session->db), rc);
            }
            if (n < 0) {
                n = sqlite3_column_int64(rows, 0);
                first = first_event(n, directory);
                count = events_in(n, directory);
            }
            int64_t event = first + DIRECTORIES * (backward ? count - 1 - j : j);
            expect(session, n, "the clock within a scan", n, sqlite3_column_int64(rows, 0));
            if (!event_is_right(rows, 1, event)) {
                violation(session, "at transaction %lld: event %lld is %s with %d bytes", (long long)n,
                          (long long)event, (const char *)sqlite3_column_text(rows, 1), sqlite3_column_bytes(rows, 2));
            }
            if (pause && random_once_in(session->random, 8)) usleep(pause);
        }
    }
    if (sqlite3_step(rows) != SQLITE_DONE) violation(session, "at transaction %lld: an event too much", (long long)n);
    world->scans++;
done:
    sqlite3_finalize(rows);
}

static void look_at_listing(const struct session *session, int64_t n) {
    expect(session, n, "art_count of events", WINDOW, ask(session, "SELECT art_count('a', 'event/')"));
    expect(session, n, "count(*) of a", WINDOW + STAMPS + ACCOUNTS, ask(session, "SELECT count(*) FROM a"));
    expect(session, n, "count(*) of p", WINDOW + STAMPS + ACCOUNTS, ask(session, "SELECT count(*) FROM p"));
    expect(session, n, "rows of b that are not rows of p", 0,
           ask(session, "SELECT count(*) FROM b WHERE NOT EXISTS (SELECT 1 FROM p WHERE p.path = b.path)"));
    int i = 0;
    sqlite3_stmt *rows = sql_prepare(session->db, "SELECT path, entries FROM a('event/', '/')");
    for (; sqlite3_step(rows) == SQLITE_ROW; i++) {
        char name[20];
        snprintf(name, sizeof name, "event/%d/", i);
        if (i >= DIRECTORIES || strcmp(name, (const char *)sqlite3_column_text(rows, 0))) {
            violation(session, "at transaction %lld: listed %s", (long long)n, sqlite3_column_text(rows, 0));
        }
        expect(session, n, name, events_in(n, i), sqlite3_column_int64(rows, 1));
        expect(session, n, "art_count", events_in(n, i), ask(session, "SELECT art_count('a', '%s')", name));
    }
    sqlite3_finalize(rows);
    expect(session, n, "directories listed", DIRECTORIES, i);
    world->listings++;
}

/* Everything, in the snapshot of the open transaction, in some order: which look comes first makes a difference. */
static int64_t look(const struct session *session) {
    uint32_t first = random_below(session->random, 5);
    int64_t n =
        first ? ask(session, "SELECT n FROM clock") : ask(session, "SELECT value FROM b WHERE path = 'stamp/00'");
    for (uint32_t i = 0; i < 4; i++) {
        switch ((first + i) % 4) {
        case 0:
            look_at_stamps(session, n);
            break;
        case 1:
            look_at_accounts(session, n);
            break;
        case 2:
            look_at_events(session, n, 0);
            break;
        default:
            look_at_listing(session, n);
        }
    }
    expect(session, n, "the clock", n, ask(session, "SELECT n FROM clock"));
    world->snapshots++;
    return n;
}

/* ---- readers ----------------------------------------------------------------------------------------------------- */

static void wait_a_while(const struct session *session) {
    unsigned most = session->setting->hold_ms * 1000;
    if (!session->patient) most /= 30;
    usleep(random_once_in(session->random, 4) ? random_below(session->random, most)
                                              : random_below(session->random, most / 6));
}

static void hold(const struct session *session) {
    int64_t committed = world->committed;
    static const char *const firsts[] = {"BEGIN; SELECT n FROM clock", "BEGIN; SELECT value FROM a LIMIT 1",
                                         "BEGIN; SELECT count(*) FROM sqlite_schema"};
    if (!run(session, "%s", firsts[random_below(session->random, 3)])) {
        sqlite3_exec(session->db, "ROLLBACK", NULL, NULL, NULL);
        return;
    }
    if (random_once_in(session->random, 2)) wait_a_while(session); /* the art tables see their snapshot late */
    int64_t n = look(session);
    if (n < committed) violation(session, "commit %lld was seen, then %lld", (long long)committed, (long long)n);
    for (uint32_t i = random_below(session->random, 3); i > 0; i--) {
        wait_a_while(session);
        expect(session, n, "n of the held snapshot", n, look(session));
    }
    int64_t passed = world->committed - n, widest = world->widest;
    if (passed > 0) world->held++;
    while (passed > widest && !atomic_compare_exchange_weak(&world->widest, &widest, passed)) {
    }
    see(n);
    run(session, "COMMIT");
}

static void read_for_ever(const char *path, const struct snapshot_setting *setting, struct random *random,
                          bool patient) {
    for (;;) {
        struct session session = session_open(path, setting, random, patient ? "a patient reader" : "a reader");
        session.patient = patient;
        for (uint32_t i = 1 + random_below(random, 12); i > 0; i--) {
            uint32_t kind = random_below(random, 20);
            if (kind < 14) {
                hold(&session);
            } else {
                look_at_events(&session, -1, patient ? setting->hold_ms : setting->hold_ms / 5);
            }
            usleep(random_below(random, patient ? 300000 : 20000));
        }
        sql_close(session.db);
    }
}

static void read_patiently(const char *path, const struct snapshot_setting *setting, struct random *random) {
    read_for_ever(path, setting, random, true);
}

static void read_shortly(const char *path, const struct snapshot_setting *setting, struct random *random) {
    read_for_ever(path, setting, random, false);
}

/* Dies inside a read, with a snapshot, a cursor and blobs in its hands. */
static void die_reading(const char *path, const struct snapshot_setting *setting, struct random *random) {
    struct session session = session_open(path, setting, random, "a reader that dies");
    sqlite3_stmt *rows = NULL;
    sqlite3_prepare_v2(session.db, "SELECT path, value FROM a ORDER BY path", -1, &rows, NULL);
    for (uint32_t i = 1 + random_below(random, WINDOW / 2); i > 0 && sqlite3_step(rows) == SQLITE_ROW; i--) {
    }
    usleep(random_below(random, setting->hold_ms * 100));
    world->died++;
    raise(SIGKILL);
}

/* ---- writers ----------------------------------------------------------------------------------------------------- */

static bool put_stamps(const struct session *session, int64_t n) {
    return run(session,
               "UPDATE a SET value = %lld WHERE path GLOB 'stamp/*'; UPDATE p SET a = %lld WHERE path GLOB 'stamp/*'",
               n, n) &&
           run(session, "UPDATE b SET value = %lld WHERE path GLOB 'stamp/*'", n);
}

static bool move_money(const struct session *session) {
    for (uint32_t i = 1 + random_below(session->random, 4); i > 0; i--) {
        uint32_t from = random_below(session->random, ACCOUNTS), to = random_below(session->random, ACCOUNTS);
        int amount = (int)random_below(session->random, 200) - 100;
        if (!run(session,
                 "UPDATE a SET value = value - %d WHERE path = 'account/%02u';"
                 "UPDATE p SET a = a - %d WHERE path = 'account/%02u';"
                 "UPDATE b SET value = value + %d WHERE path = 'account/%02u';"
                 "UPDATE p SET b = b + %d WHERE path = 'account/%02u'",
                 amount, from, amount, from, amount, to, amount, to)) {
            return false;
        }
    }
    return true;
}

static bool put_event(const struct session *session, int64_t n) {
    char path[40];
    snprintf(path, sizeof path, "event/%d/%09lld", (int)(n % DIRECTORIES), (long long)n);
    sqlite3_stmt *put = sql_prepare(session->db, "INSERT INTO a(path, value) VALUES(?1, ?2)");
    sqlite3_bind_text(put, 1, path, -1, SQLITE_STATIC);
    sqlite3_bind_blob(put, 2, value_of(n), (int)value_length(n), SQLITE_STATIC);
    bool done = fine(session, sqlite3_step(put), "an event");
    sqlite3_finalize(put);
    return done && run(session, "INSERT INTO b(path, value) VALUES('%s', %lld); INSERT INTO p VALUES('%s', %lld, %lld)",
                       path, n, path, n, n);
}

static bool drop_event(const struct session *session, int64_t n) {
    return run(session,
               "DELETE FROM a WHERE path = 'event/%d/%09lld'; DELETE FROM b WHERE path = 'event/%d/%09lld';"
               "DELETE FROM p WHERE path = 'event/%d/%09lld'",
               (int)(n % DIRECTORIES), n, (int)(n % DIRECTORIES), n, (int)(n % DIRECTORIES), n);
}

/* What a ROLLBACK TO takes back must be seen by nobody. Large ones spill. */
static bool err_for_a_while(const struct session *session, int64_t n) {
    if (!run(session, "SAVEPOINT s") || !put_stamps(session, -n)) return false;
    if (random_once_in(session->random, 4)) {
        if (!run(session, "INSERT INTO a(path, value) WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 400) "
                          "SELECT 'event/0/' || i, randomblob(1000) FROM i")) {
            return false;
        }
    }
    return run(session, "UPDATE a SET value = 0 WHERE path GLOB 'account/*'; ROLLBACK TO s; RELEASE s");
}

static bool fill(const struct session *session, int64_t n) {
    struct random *random = session->random;
    if (random_once_in(random, 8) && !err_for_a_while(session, n)) return false;
    if (!put_stamps(session, n) || !move_money(session) || !drop_event(session, n - WINDOW)) return false;
    if (random_once_in(random, 12) && !err_for_a_while(session, n)) return false;
    if (!put_event(session, n)) return false;
    static const char *const commands[] = {"flush", "optimize", "vacuum"};
    if (random_once_in(random, 12)) {
        const char *table = random_once_in(random, 2) ? "a" : "b";
        if (!run(session, "INSERT INTO %s(%s) VALUES('%s')", table, table, commands[random_below(random, 3)]))
            return false;
    }
    return run(session, "UPDATE clock SET n = %lld", n);
}

static int count_down(void *countdown) {
    return --*(int *)countdown == 0;
}

static void write_once(struct session *session) {
    int countdown = 1 + (int)random_below(session->random, random_once_in(session->random, 2) ? 40 : 400);
    bool immediate = !random_once_in(session->random, 4);
    int64_t committed = world->committed;
    bool open = run(session, immediate ? "BEGIN IMMEDIATE" : "BEGIN; SELECT value FROM a LIMIT 1");
    if (open) {
        int64_t n = ask(session, "SELECT n FROM clock") + 1;
        if (n <= committed)
            violation(session, "commit %lld was seen, then %lld", (long long)committed, (long long)n - 1);
        if (random_once_in(session->random, 30)) look(session);
        if (random_once_in(session->random, 6)) {
            session->countdown = &countdown;
            sqlite3_progress_handler(session->db, 50, count_down, &countdown);
        }
        open = fill(session, n);
        if (open && random_once_in(session->random, 15)) {
            open = false;
            world->rollbacks++;
        }
        if (open && !session->countdown && random_once_in(session->random, 30)) look(session);
        for (int i = 0; open && i < 200 && !sqlite3_get_autocommit(session->db); i++) {
            if (run(session, "COMMIT")) {
                see(n);
                world->transactions++;
                break;
            }
            usleep(5000);
        }
    }
    sqlite3_progress_handler(session->db, 0, NULL, NULL);
    session->countdown = NULL;
    sqlite3_exec(session->db, "ROLLBACK", NULL, NULL, NULL); /* if it is still open */
}

static void write_for_ever(const char *path, const struct snapshot_setting *setting, struct random *random) {
    for (;;) {
        struct session session = session_open(path, setting, random, "a writer");
        for (uint32_t i = 1 + random_below(random, 80); i > 0; i--) {
            write_once(&session);
            if (random_once_in(random, 3)) usleep(random_below(random, 3000));
        }
        sql_close(session.db);
    }
}

static void checkpoint_for_ever(const char *path, const struct snapshot_setting *setting, struct random *random) {
    struct session session = session_open(path, setting, random, "the checkpointer");
    sqlite3_busy_timeout(session.db, 100);
    sqlite3_exec(session.db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    for (;;) {
        int rc = sqlite3_wal_checkpoint_v2(session.db, "main", (int)random_below(random, 4), NULL, NULL);
        if (rc != SQLITE_LOCKED && fine(&session, rc, "a checkpoint")) world->checkpoints++;
        usleep(random_below(random, 60000));
    }
}

/* ---- this process ------------------------------------------------------------------------------------------------ */

typedef void task(const char *path, const struct snapshot_setting *setting, struct random *random);

static task *const tasks[] = {write_for_ever, write_for_ever, read_patiently,     read_shortly,
                              read_shortly,   die_reading,    checkpoint_for_ever};
enum { PROCESSES = sizeof tasks / sizeof *tasks };

static void create(const char *path, const struct snapshot_setting *setting, struct random *random) {
    struct session session = session_open(path, setting, random, "the creator");
    sql_run(session.db, "PRAGMA journal_mode=%s", setting->journal);
    sql_create(session.db, "a", setting->options);
    sql_create(session.db, "b", setting->options);
    sql_run(session.db,
            "CREATE TABLE p(path TEXT PRIMARY KEY NOT NULL, a, b) WITHOUT ROWID; CREATE TABLE clock(n INTEGER);"
            "INSERT INTO clock VALUES(%d); BEGIN;"
            "WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i LIMIT %d) "
            "INSERT INTO p SELECT printf('stamp/%%02d', i), %d, %d FROM i;"
            "WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i LIMIT %d) "
            "INSERT INTO p SELECT printf('account/%%02d', i), %d, %d FROM i;"
            "INSERT INTO a(path, value) SELECT path, a FROM p; INSERT INTO b(path, value) SELECT path, b FROM p",
            WINDOW, STAMPS, WINDOW, WINDOW, ACCOUNTS, FORTUNE, FORTUNE);
    for (int n = 1; n <= WINDOW; n++) put_event(&session, n);
    sql_run(session.db, "COMMIT");
    look(&session);
    sql_close(session.db);
}

static pid_t start(task *work, const char *path, const struct snapshot_setting *setting, struct random *random,
                   struct watch *watch) {
    struct random own = {random_next(random)};
    fflush(NULL);
    pid_t parent = getpid(), child = fork();
    if (child < 0) {
        perror("snapshots: fork");
        abort();
    }
    if (child) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(4);
    watch_begin(watch);
    watch_skip_syncs(random_once_in(random, 2)); /* for speed: nobody loses power here */
    work(path, setting, &own);
    _exit(0);
}

static double seconds_since(const struct timespec *from) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void note_end(int status, task *work) {
    if (work == die_reading && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return;
    if (atomic_exchange(&world->failed, 1)) return;
    snprintf(world->message, sizeof world->message, "a process ended by itself, status %x", (unsigned)status);
}

static void run_all(const char *path, const struct snapshot_setting *setting, double seconds, struct random *random,
                    struct watch *watch) {
    pid_t process[PROCESSES] = {0};
    struct timespec from;
    int status;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while (!world->failed && seconds_since(&from) < seconds) {
        for (int i = 0; i < PROCESSES; i++) {
            if (process[i] && waitpid(process[i], &status, WNOHANG) > 0) {
                note_end(status, tasks[i]);
                process[i] = 0;
            }
            if (!process[i] && (tasks[i] != die_reading || random_once_in(random, 20))) {
                process[i] = start(tasks[i], path, setting, random, watch);
            }
        }
        usleep(20000);
    }
    for (int i = 0; i < PROCESSES; i++) {
        if (!process[i]) continue;
        kill(process[i], SIGKILL);
        waitpid(process[i], &status, 0);
    }
}

static void report(const struct snapshot_setting *setting, const struct watch *watch) {
#define COUNT(of, name) (unsigned long long)of->name
    printf("%s: %llu transactions, %llu rollbacks, %llu interrupted, %llu stale, %llu times busy; %llu snapshots "
           "checked, %llu of them held "
           "while others committed (up to %lld commits), %llu scans, %llu listings, %llu readers died; %llu flushes, "
           "%llu merges, %llu spills, %llu vacuums, %llu checkpoints; %llu slots written, %llu of them again\n",
           setting->name, COUNT(world, transactions), COUNT(world, rollbacks), COUNT(world, interrupted),
           COUNT(world, stale), COUNT(world, busy), COUNT(world, snapshots), COUNT(world, held),
           (long long)world->widest, COUNT(world, scans), COUNT(world, listings), COUNT(world, died),
           COUNT(watch, flushes), COUNT(watch, merges), COUNT(watch, spills), COUNT(watch, vacuums),
           COUNT(world, checkpoints), COUNT(watch, slots_written), COUNT(watch, slots_reused));
#undef COUNT
    if (world->failed) printf("%s: FAILED: %s\n", setting->name, world->message);
    fflush(stdout);
}

bool snapshots_run(const struct snapshot_setting *setting, double seconds, uint64_t seed) {
    struct random random = {seed};
    struct watch *watch = watch_new();
    int status;
    world = mmap(NULL, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (world == MAP_FAILED) abort();
    char *directory = sql_scratch("snapshots"), *path = sqlite3_mprintf("%s/s.db", directory);
    world->committed = WINDOW;
    waitpid(start(create, path, setting, &random, watch), &status, 0);
    if (status) note_end(status, create);
    if (!world->failed) run_all(path, setting, seconds, &random, watch);
    report(setting, watch);
    if (watch->early) printf("%s: FAILED: the writer lock was released before all writes were done\n", setting->name);
    bool good = !world->failed && !watch->early && world->snapshots && world->transactions;
    if (good) sql_scratch_remove(directory);
    sqlite3_free(path);
    sqlite3_free(directory);
    watch_free(watch);
    munmap(world, sizeof *world);
    return good;
}
