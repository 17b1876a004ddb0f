/* Eight threads on one database, each with a connection of its own, or taking turns with eight of them.
 *
 * t is an art table and m an ordinary one; both hold the same amounts, which every transaction moves about: their sums
 * are constant and equal in every snapshot. At times the directory of all of them is moved away, copied, and moved
 * back. In between a thread creates, fills, renames and drops a table of its own,
 * attaches another database that all threads write to, closes its connection and opens another, and asks for what many
 * may ask at once: the process's cache, counts, listings, art_info(). Limits are tiny: flushes, merges and spills
 * happen in all threads. The extension is linked in, so that they can be counted (but for one setting, where it is
 * loaded). Under ThreadSanitizer SQLite is as the system has it: its mutexes are seen, its own memory is not.
 *
 * ART_TEST_ROUNDS=n a thread (default 30, times ART_TEST_SCALE), ART_TEST_SEED.
 */
#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>

#include "tests/support/sql.h"
#include "tests/support/suite.h"
#include "tests/support/watch.h"

enum { THREADS = 8, ACCOUNTS = 400, FORTUNE = 100, ROUNDS = 30, PATIENCE = 400 };

static const struct setting {
    const char *name, *journal, *io;
    bool shared; /* connections go from thread to thread */
    bool loaded; /* the extension is loaded, by every connection */
} settings[] = {
    {"WAL, a connection each", "WAL", NULL, false, false},
    {"rollback journal, a connection each", "DELETE", NULL, false, false},
    {"WAL, connections in turn", "WAL", NULL, true, false},
    {"WAL, pwrite", "WAL", "pwrite", false, false},
    {"WAL, art.so loaded", "WAL", NULL, false, true},
};

static struct world {
    const struct setting *setting;
    char *path, *other_path;
    pthread_mutex_t mutex;
    sqlite3 *free[THREADS];
    int free_count;
    _Atomic uint64_t commits, busy, looks, tables, connections, attached;
} world;

struct worker {
    int number;
    struct random random;
    sqlite3 *db;
    unsigned rounds;
};

/* Locks, and a schema that another thread has just changed: try later. */
static bool may_pass(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_SCHEMA;
}

static bool run(struct worker *worker, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = sqlite3_vmprintf(format, args);
    va_end(args);
    int rc = sqlite3_exec(worker->db, text, NULL, NULL, NULL);
    if (rc && !may_pass(rc)) {
        fprintf(stderr, "thread %d: %s: %s (%d)\n", worker->number, text, sqlite3_errmsg(worker->db), rc);
        abort();
    }
    if (rc) world.busy++;
    sqlite3_free(text);
    return !rc;
}

/* COMMIT, or all is rolled back. */
static bool end(struct worker *worker, bool good) {
    for (int i = 0; good && i < PATIENCE; i++) {
        if (run(worker, "COMMIT")) {
            world.commits++;
            return true;
        }
        usleep(2000);
    }
    sqlite3_exec(worker->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

static sqlite3 *open_connection(void) {
    sqlite3 *db = world.setting->loaded ? sql_open(world.path) : watch_open(world.path);
    sqlite3_busy_timeout(db, 5000);
    sqlite3_exec(db, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=50", NULL, NULL, NULL);
    world.connections++;
    return db;
}

/* ---- what a thread does ------------------------------------------------------------------------------------------ */

static void move_amounts(struct worker *worker) {
    struct random *random = &worker->random;
    if (!run(worker, "BEGIN IMMEDIATE")) return;
    bool good = true;
    for (uint32_t i = 1 + random_below(random, 12); good && i > 0; i--) {
        uint32_t from = random_below(random, ACCOUNTS), to = random_below(random, ACCOUNTS),
                 amount = random_below(random, 50);
        static const char *const tables[] = {"t", "m"};
        for (int j = 0; good && j < 2; j++) {
            good = run(worker,
                       "UPDATE %s SET value = value - %u WHERE path = 'account/%03u';"
                       "UPDATE %s SET value = value + %u WHERE path = 'account/%03u'",
                       tables[j], amount, from, tables[j], amount, to);
        }
    }
    if (good && random_once_in(random, 4)) {
        good =
            run(worker, "SAVEPOINT s; INSERT OR REPLACE INTO t(path, value) WITH i(i) AS (SELECT 1 UNION ALL "
                        "SELECT i + 1 FROM i LIMIT 150) SELECT 'account/' || i, randomblob(900) FROM i; ROLLBACK TO s");
    }
    if (good && random_once_in(random, 3)) {
        good = run(worker, "INSERT OR REPLACE INTO t(path, value) VALUES('large/%d', randomblob(%u))", worker->number,
                   random_below(random, 30000));
    }
    if (good && random_once_in(random, 4)) {
        good = run(worker, "INSERT INTO t(t, prefix, path) VALUES('move', 'account/', 'moved/'), ('delete', 'copy/', "
                           "NULL), ('copy', 'moved/', 'copy/'), ('move', 'moved/', 'account/')");
    }
    static const char *const commands[] = {"flush", "optimize", "vacuum"};
    if (good && random_once_in(random, 6)) {
        good = run(worker, "INSERT INTO t(t) VALUES('%s')", commands[random_below(random, 3)]);
    }
    end(worker, good);
}

static void look(struct worker *worker) {
    static const char query[] = "SELECT (SELECT sum(value) FROM t WHERE path GLOB 'account/*') ="
                                " (SELECT sum(value) FROM m) AND"
                                " (SELECT count(*) FROM t JOIN m USING(path) WHERE t.value = m.value) = art_count('t', "
                                "'account/') AND (SELECT entries FROM t('', '/') LIMIT 1) = (SELECT count(*) FROM m)";
    sqlite3_stmt *statement = NULL;
    if (!run(worker, "BEGIN; SELECT count(*) FROM m")) {
        sqlite3_exec(worker->db, "ROLLBACK", NULL, NULL, NULL);
        return;
    }
    int rc = sqlite3_prepare_v2(worker->db, query, -1, &statement, NULL);
    if (!rc) rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_int(statement, 0) != 1) {
        fprintf(stderr, "thread %d: a snapshot does not agree with itself\n", worker->number);
        abort();
    }
    if (rc != SQLITE_ROW && !may_pass(rc)) {
        fprintf(stderr, "thread %d: %s (%d)\n", worker->number, sqlite3_errmsg(worker->db), rc);
        abort();
    }
    sqlite3_finalize(statement);
    run(worker, "SELECT (SELECT count(*) FROM art_info('t')), count(*) FROM art_debug('t')");
    sqlite3_exec(worker->db, "ROLLBACK", NULL, NULL, NULL);
    world.looks++;
}

static void make_and_drop_a_table(struct worker *worker) {
    int i = worker->number;
    if (!run(worker, "BEGIN IMMEDIATE")) return;
    bool good = run(worker,
                    "DROP TABLE IF EXISTS own_%d; DROP TABLE IF EXISTS own_%d_renamed;"
                    "CREATE VIRTUAL TABLE own_%d USING art(log_limit='4KB');"
                    "INSERT INTO own_%d(path, value) WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 100) "
                    "SELECT i, randomblob(100) FROM i; INSERT INTO own_%d(own_%d) VALUES('flush')",
                    i, i, i, i, i, i);
    if (!end(worker, good)) return;
    if (random_once_in(&worker->random, 2)) run(worker, "ALTER TABLE own_%d RENAME TO own_%d_renamed", i, i);
    if (random_once_in(&worker->random, 2)) run(worker, "DROP TABLE IF EXISTS own_%d", i);
    world.tables++;
}

static void use_the_other_database(struct worker *worker) {
    if (!run(worker, "ATTACH '%q' AS other", world.other_path)) return;
    bool good = run(worker, "BEGIN IMMEDIATE") &&
                run(worker, "INSERT OR REPLACE INTO other.o(path, value) VALUES('%d/%u', randomblob(3000))",
                    worker->number, random_below(&worker->random, 50)) &&
                run(worker, "UPDATE t SET value = value WHERE path = 'account/000'");
    end(worker, good);
    run(worker, "SELECT count(*), sum(length(value)) FROM other.o");
    run(worker, "DETACH other");
    world.attached++;
}

static void open_anew(struct worker *worker) {
    sql_close(worker->db);
    worker->db = open_connection();
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static sqlite3 *take_connection(void) {
    pthread_mutex_lock(&world.mutex);
    sqlite3 *db = world.free[--world.free_count];
    pthread_mutex_unlock(&world.mutex);
    return db;
}

/* To the front, so that others come to use it. */
static void give_connection(sqlite3 *db) {
    pthread_mutex_lock(&world.mutex);
    memmove(&world.free[1], &world.free[0], (size_t)world.free_count++ * sizeof world.free[0]);
    world.free[0] = db;
    pthread_mutex_unlock(&world.mutex);
}

static void *work(void *argument) {
    struct worker *worker = argument;
    for (unsigned i = 0; i < worker->rounds; i++) {
        uint32_t kind = random_below(&worker->random, 20);
        if (world.setting->shared || i == 0) worker->db = take_connection();
        if (kind < 9) {
            move_amounts(worker);
        } else if (kind < 14) {
            look(worker);
        } else if (kind < 16) {
            make_and_drop_a_table(worker);
        } else if (kind < 18) {
            use_the_other_database(worker);
        } else {
            open_anew(worker);
        }
        if (world.setting->shared || i + 1 == worker->rounds) give_connection(worker->db);
    }
    return NULL;
}

static void create(void) {
    sql_ways(world.setting->io, NULL);
    sqlite3 *db = watch_open(world.path);
    sql_run(db, "PRAGMA journal_mode=%s; ATTACH '%q' AS other; PRAGMA other.journal_mode=%s", world.setting->journal,
            world.other_path, world.setting->journal);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(log_limit='8KB', spill_limit='64KB', cache='256KB')");
    sql_run(db, "CREATE VIRTUAL TABLE other.o USING art(log_limit='8KB', cache='256KB')");
    sql_run(db, "CREATE TABLE m(path TEXT PRIMARY KEY, value)");
    sql_run(db,
            "INSERT INTO m WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i LIMIT %d) "
            "SELECT printf('account/%%03d', i), %d FROM i; INSERT INTO t(path, value) SELECT * FROM m",
            ACCOUNTS, FORTUNE);
    sql_close(db);
}

static void check_the_end(void) {
    sqlite3 *db = open_connection();
    ck_assert_int_eq(sql_int(db, "SELECT sum(value) FROM t WHERE path GLOB 'account/*'"), ACCOUNTS * FORTUNE);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM m WHERE value <> (SELECT value FROM t WHERE t.path = m.path)"),
                     0);
    char *answer = kept(sql_rows(db, "SELECT art_check('t')"));
    ck_assert_str_eq(answer, "ok\n");
    answer = kept(sql_rows(db, "PRAGMA integrity_check"));
    ck_assert_str_eq(answer, "ok\n");
    sql_close(db);
}

LOOP_TEST(test_threads_do_not_meet, (int)(sizeof settings / sizeof *settings)) {
    const char *asked = getenv("ART_TEST_ROUNDS");
    unsigned rounds = asked ? (unsigned)atoi(asked) : ROUNDS * random_scale();
    uint64_t seed = random_seed() + (uint64_t)_i * THREADS;
    struct watch *watch = watch_new();
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    char *directory = sql_scratch("threads");
    memset(&world, 0, sizeof world);
    world.setting = &settings[_i];
    world.path = sqlite3_mprintf("%s/t.db", directory);
    world.other_path = sqlite3_mprintf("%s/other.db", directory);
    pthread_mutex_init(&world.mutex, NULL);
    printf("%s: seed %llu\n", world.setting->name, (unsigned long long)seed);
    watch_begin(watch);
    art_test_hooks.as_one = true;
    create();
    while (world.free_count < THREADS) world.free[world.free_count++] = open_connection();
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i, .random = {seed + (uint64_t)i}, .rounds = rounds};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    while (world.free_count > 0) sql_close(world.free[--world.free_count]);
    check_the_end();
    printf(
        "%s: %llu commits, %llu looks, %llu times busy, %llu tables made, %llu times attached, %llu connections; %llu "
        "flushes, %llu merges, %llu spills, %llu slots written, %llu of them again\n",
        world.setting->name, (unsigned long long)world.commits, (unsigned long long)world.looks,
        (unsigned long long)world.busy, (unsigned long long)world.tables, (unsigned long long)world.attached,
        (unsigned long long)world.connections, (unsigned long long)watch->flushes, (unsigned long long)watch->merges,
        (unsigned long long)watch->spills, (unsigned long long)watch->slots_written,
        (unsigned long long)watch->slots_reused);
    ck_assert_uint_eq(watch->early, 0);
    if (rounds >= ROUNDS) { /* so many that each kind of work has its turn, and all that was to happen has happened */
        ck_assert(world.commits > rounds && world.looks && world.tables && world.attached);
        ck_assert_uint_gt(world.connections, THREADS);
        if (!world.setting->loaded) ck_assert(watch->flushes && watch->merges && watch->spills && watch->slots_reused);
    }
    watch_free(watch);
    sql_scratch_remove(directory);
    sqlite3_free(world.path);
    sqlite3_free(world.other_path);
    sqlite3_free(directory);
    pthread_mutex_destroy(&world.mutex);
}

SUITE("threads", .seconds = SUITE_FOREVER)
