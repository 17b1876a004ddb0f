/* Killed with SIGKILL at random moments of a load, and opened again at once.
 *
 *     writer (a child)                      this process
 *     transaction 1, commit, "1"  -- pipe ->  notes 1
 *     transaction 2, commit, "2"  -- pipe ->  notes 2
 *     transaction 3, com  <----- SIGKILL ---  at a random moment
 *                                             opens the database: the counter row says 2 or 3; the art table holds
 *                                             exactly what so many transactions make, and goes on from there
 *
 * What transaction n does follows from the seed and n alone, so that this process can do the same to an ordinary table in
 * memory and compare row by row. Limits are tiny: flushes, merges and spills happen all the time. The database goes
 * through all kills of its mode.
 *
 * ART_TEST_KILLS=n: kills a mode (default 36, six modes); ART_TEST_SEED.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"

enum { DIRECTORIES = 12, FILES = 400, LONGEST_VALUE = 120000 };

static const struct mode {
    const char *name, *options, *journal;
} modes[] = {
    {"io_uring where there is one, WAL", "io=auto", "WAL"},
    {"io_uring where there is one, DELETE", "io=auto", "DELETE"},
    {"pwrite, WAL", "io=pwrite", "WAL"},
    {"pwrite, DELETE", "io=pwrite", "DELETE"},
    {"buffered, WAL", "io=pwrite, direct=off", "WAL"},
    {"buffered, DELETE", "io=pwrite, direct=off", "DELETE"},
};

/* ---- transactions ---- */

struct target {
    sqlite3 *db;
    bool art;
    sqlite3_stmt *put, *insert, *remove, *remove_directory, *move, *count;
};

static struct target target_open(sqlite3 *db, bool art) {
    return (struct target){
        .db = db,
        .art = art,
        .put = sql_prepare(db, "INSERT OR REPLACE INTO t(path, value) VALUES(?1, ?2)"),
        .insert = sql_prepare(db, "INSERT OR IGNORE INTO t(path, value) VALUES(?1, ?2)"),
        .remove = sql_prepare(db, "DELETE FROM t WHERE path = ?1"),
        .remove_directory = sql_prepare(db, "DELETE FROM t WHERE path GLOB ?1"),
        .move = sql_prepare(db, "UPDATE OR IGNORE t SET path = ?2 WHERE path = ?1"),
        .count = sql_prepare(db, "UPDATE counter SET n = ?1, writes = writes + ?2"),
    };
}

static void target_close(struct target *target) {
    sqlite3_stmt *all[] = {target->put,  target->insert, target->remove, target->remove_directory,
                           target->move, target->count};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sqlite3_finalize(all[i]);
    sql_close(target->db);
}

static void step(struct target *target, sqlite3_stmt *statement) {
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE) {
        fprintf(stderr, "%s: %s (%d)\n", sqlite3_sql(statement), sqlite3_errmsg(target->db), rc);
        abort();
    }
    sqlite3_reset(statement);
}

static void bind_path(sqlite3_stmt *statement, int at, struct random *random) {
    char path[64];
    sqlite3_snprintf(sizeof path, path, "data/directory-%02u/file-%05u", random_below(random, DIRECTORIES),
                     random_below(random, FILES));
    sqlite3_bind_text(statement, at, path, -1, SQLITE_TRANSIENT);
}

static void bind_value(sqlite3_stmt *statement, int at, struct random *random) {
    static unsigned char data[LONGEST_VALUE];
    uint32_t kind = random_below(random, 400), len;
    if (kind == 0) {
        len = random_below(random, LONGEST_VALUE);
    } else if (kind < 12) {
        len = random_below(random, 9000);
    } else {
        len = random_below(random, 120);
    }
    uint64_t x = random_next(random);
    for (uint32_t i = 0; i < len; i++)
        data[i] = (unsigned char)((x = x * 6364136223846793005u + 1442695040888963407u) >> 56);
    sqlite3_bind_blob(statement, at, data, (int)len, SQLITE_TRANSIENT);
}

static void write_rows(struct target *target, struct random *random, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kind = random_below(random, 100);
        sqlite3_stmt *statement = kind < 60   ? target->put
                                  : kind < 75 ? target->insert
                                  : kind < 90 ? target->remove
                                              : target->move;
        bind_path(statement, 1, random);
        if (kind < 75) bind_value(statement, 2, random);
        if (kind >= 90) bind_path(statement, 2, random);
        step(target, statement);
    }
}

/* The n-th transaction, whole. */
static void transaction(struct target *target, uint64_t seed, int64_t n) {
    struct random random = {seed * 1000003 + (uint64_t)n};
    random_next(&random);
    sql_run(target->db, "BEGIN IMMEDIATE");
    uint32_t rows = random_once_in(&random, 10) ? random_below(&random, 1500) : 1 + random_below(&random, 60);
    write_rows(target, &random, rows);
    if (random_once_in(&random, 4)) {
        sql_run(target->db, "SAVEPOINT s");
        write_rows(target, &random, random_below(&random, 200));
        sql_run(target->db, random_once_in(&random, 2) ? "ROLLBACK TO s" : "RELEASE s");
        write_rows(target, &random, random_below(&random, 5));
    }
    if (random_once_in(&random, 30)) {
        char pattern[64];
        sqlite3_snprintf(sizeof pattern, pattern, "data/directory-%02u/*", random_below(&random, DIRECTORIES));
        sqlite3_bind_text(target->remove_directory, 1, pattern, -1, SQLITE_TRANSIENT);
        step(target, target->remove_directory);
    }
    bool flush = random_once_in(&random, 40), optimize = random_once_in(&random, 60);
    bool vacuum = random_once_in(&random, 40);
    if (target->art && flush) sql_command(target->db, "main", "t", "flush");
    if (target->art && optimize) sql_command(target->db, "main", "t", "optimize");
    if (target->art && vacuum) sql_command(target->db, "main", "t", "vacuum");
    sqlite3_bind_int64(target->count, 1, n);
    sqlite3_bind_int64(target->count, 2, rows);
    step(target, target->count);
    sql_run(target->db, "COMMIT");
}

static sqlite3 *open_database(const char *path, const struct mode *mode) {
    sqlite3 *db = sql_open(path);
    sqlite3_busy_timeout(db, 20000);
    sql_run(db, "PRAGMA journal_mode=%s", mode->journal);
    sql_run(db, "PRAGMA synchronous=NORMAL");
    sql_run(db, "PRAGMA wal_autocheckpoint=100");
    return db;
}

static int64_t counter(sqlite3 *db) {
    return sql_int(db, "SELECT n FROM counter");
}

/* The child: writes until it is killed. */
static void write_for_ever(const char *path, const struct mode *mode, uint64_t seed, int pipe_end) {
    struct target target = target_open(open_database(path, mode), true);
    for (int64_t n = counter(target.db) + 1;; n++) {
        transaction(&target, seed, n);
        if (write(pipe_end, &n, sizeof n) != sizeof n) _exit(1);
    }
}

/* ---- kills and checks ---- */

/* Starts a writer, kills it after a random while; the last transaction that it acknowledged, -1 for none. */
static int64_t load_until_killed(const char *path, const struct mode *mode, uint64_t seed, struct random *random) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(ends[0]);
        write_for_ever(path, mode, seed, ends[1]);
    }
    close(ends[1]);
    int64_t acknowledged = -1;
    /* Some die while they open and recover, most in the middle of their work. */
    int microseconds = (int)random_below(random, random_once_in(random, 8) ? 4000 : 60000);
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    bool waits_for_first = !random_once_in(random, 8);
    for (;;) {
        struct pollfd poll_end = {.fd = ends[0], .events = POLLIN};
        int64_t n;
        if (poll(&poll_end, 1, 1) > 0) {
            ck_assert_msg(read(ends[0], &n, sizeof n) == sizeof n, "the writer died by itself");
            if (waits_for_first) clock_gettime(CLOCK_MONOTONIC, &from);
            waits_for_first = false;
            acknowledged = n;
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!waits_for_first &&
            (now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 > microseconds)
            break;
    }
    kill(child, SIGKILL);
    int64_t n;
    while (read(ends[0], &n, sizeof n) == sizeof n) acknowledged = n;
    close(ends[0]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer ended by itself, status %d", status);
    return acknowledged;
}

static char *show_row(sqlite3_stmt *statement, int rc) {
    if (rc != SQLITE_ROW) return sqlite3_mprintf("(%d)", rc);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sql_append_value(out, sqlite3_column_value(statement, 0));
    sqlite3_str_appendall(out, " | ");
    sql_append_value(out, sqlite3_column_value(statement, 1));
    return sqlite3_str_finish(out);
}

static bool same_column(sqlite3_stmt *a, sqlite3_stmt *b, int i) {
    int len = sqlite3_column_bytes(a, i);
    if (sqlite3_column_type(a, i) != sqlite3_column_type(b, i) || len != sqlite3_column_bytes(b, i)) return false;
    return !len || !memcmp(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i), (size_t)len);
}

static void compare(sqlite3 *db, sqlite3 *model, uint64_t seed, int64_t n) {
    const char *query = "SELECT path, value FROM t ORDER BY path";
    sqlite3_stmt *a = sql_prepare(db, "%s", query), *b = sql_prepare(model, "%s", query);
    for (;;) {
        int rc = sqlite3_step(a), model_rc = sqlite3_step(b);
        bool same = rc == model_rc && (rc != SQLITE_ROW || (same_column(a, b, 0) && same_column(a, b, 1)));
        if (!same) {
            ck_abort_msg("seed %llu, after transaction %lld: art %s, ordinary table %s (%s)", (unsigned long long)seed,
                         (long long)n, show_row(a, rc), show_row(b, model_rc), sqlite3_errmsg(db));
        }
        if (rc != SQLITE_ROW) break;
    }
    sqlite3_finalize(a);
    sqlite3_finalize(b);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), sql_int(model, "SELECT count(*) FROM t"));
    ck_assert_int_eq(sql_int(db, "SELECT writes FROM counter"), sql_int(model, "SELECT writes FROM counter"));
}

static void check_after_kill(const char *path, const struct mode *mode, struct target *model, uint64_t seed,
                             int64_t acknowledged) {
    sqlite3 *db = open_database(path, mode);
    int64_t n = counter(db), before = counter(model->db);
    int64_t lowest = acknowledged < 0 ? before : acknowledged;
    ck_assert_msg(n >= lowest && n <= lowest + 1, "seed %llu: transaction %lld was acknowledged, the counter says %lld",
                  (unsigned long long)seed, (long long)lowest, (long long)n);
    for (int64_t i = before + 1; i <= n; i++) transaction(model, seed, i);
    compare(db, model->db, seed, n);
    char *answer = sql_rows(db, "PRAGMA integrity_check");
    ck_assert_str_eq(answer, "ok\n");
    sqlite3_free(answer);
    sql_close(db);
}

START_TEST(test_a_killed_load_leaves_whole_transactions) {
    const struct mode *mode = &modes[_i];
    const char *asked = getenv("ART_TEST_KILLS");
    int kills = asked ? atoi(asked) : 36 * (int)random_scale();
    uint64_t seed = random_seed();
    struct random random = {seed};
    unsetenv("ART_TABLE_OPTIONS"); /* each mode has its own */
    printf("%s: seed %llu\n", mode->name, (unsigned long long)seed);
    char *directory = sql_scratch("kill");
    char *path = sqlite3_mprintf("%s/kill.db", directory);

    sqlite3 *db = open_database(path, mode);
    char *options = sqlite3_mprintf("log_limit='16KB', spill_limit='256KB', cache='4MB', %s", mode->options);
    sql_create(db, "t", options);
    sql_run(db, "CREATE TABLE counter(n INTEGER, writes INTEGER)");
    sql_run(db, "INSERT INTO counter VALUES(0, 0)");
    sql_close(db);
    sqlite3 *memory;
    ck_assert_int_eq(sqlite3_open(":memory:", &memory), SQLITE_OK);
    sql_run(memory, "CREATE TABLE t(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
    sql_run(memory, "CREATE TABLE counter(n INTEGER, writes INTEGER); INSERT INTO counter VALUES(0, 0)");
    struct target model = target_open(memory, false);

    for (int i = 0; i < kills; i++) {
        int64_t acknowledged = load_until_killed(path, mode, seed, &random);
        check_after_kill(path, mode, &model, seed, acknowledged);
    }
    printf("%s: killed %d times, %lld transactions, %lld rows\n", mode->name, kills, (long long)counter(memory),
           (long long)sql_int(memory, "SELECT count(*) FROM t"));
    target_close(&model);
    sql_scratch_remove(directory);
    sqlite3_free(options);
    sqlite3_free(path);
    sqlite3_free(directory);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kill");
    TCase *tcase = tcase_create("SIGKILL");
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, test_a_killed_load_leaves_whole_transactions, 0, (int)(sizeof modes / sizeof *modes));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
