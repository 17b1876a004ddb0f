/* Out of memory, disk full, interrupted, at any point: an error, the old state, and a usable connection.
 *
 * Memory: the SQLite library of this process gets an allocator that fails when told to, and so does the extension,
 * which allocates through SQLite. The same little script runs again and again, each time with a later allocation
 * failing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

/* ---- an allocator that fails ------------------------------------------------------------------------------------- */

static sqlite3_mem_methods original;
static int64_t until_failure = -1; /* allocations that still succeed; -1: all */
static bool stays_out;             /* once it has failed it goes on failing */
static bool failed_once;

static bool fails_now(void) {
    if (until_failure < 0) return false;
    if (until_failure > 0) {
        until_failure--;
        return false;
    }
    failed_once = true;
    if (!stays_out) until_failure = -1;
    return true;
}

static void *failing_malloc(int bytes) {
    return fails_now() ? NULL : original.xMalloc(bytes);
}

static void *failing_realloc(void *old, int bytes) {
    return fails_now() ? NULL : original.xRealloc(old, bytes);
}

static void allocator_install(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original);
    sqlite3_mem_methods failing = original;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
}

/* ---- the script -------------------------------------------------------------------------------------------------- */

static void set_up(void) {
    sql_set_up();
    sql_run(db, "PRAGMA journal_mode=WAL");
    sql_create(db, "t", "log_limit='8KB', spill_limit='32KB', cache='1MB'");
    sql_run(db, "CREATE TABLE counter AS SELECT 0 AS n");
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 600) SELECT "
                "printf('a/%%05d', i), randomblob(60) FROM n");
    sql_command(db, "main", "t", "flush");
    sql_run(db, "INSERT INTO t VALUES('big', randomblob(20000))");
}

static void tear_down(void) {
    until_failure = -1;
    sql_tear_down();
}

static const char *const script[] = {
    "INSERT OR REPLACE INTO t VALUES('new/1', randomblob(50)), ('new/2', randomblob(9000)), ('a/00100', 'again')",
    "UPDATE t SET value = value || 'x' WHERE path GLOB 'a/001*'",
    "DELETE FROM t WHERE path BETWEEN 'a/00200' AND 'a/00210'",
    "UPDATE t SET path = 'b' || substr(path, 2) WHERE path GLOB 'a/003*'",
    "INSERT OR REPLACE INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 900) SELECT printf('c/%05d', "
    "i * 7 % 901), "
    "zeroblob(80) FROM n",
    "SELECT count(*), sum(length(value)) FROM t WHERE path GLOB '*'",
    "SELECT value FROM t WHERE path = 'big'",
    "SELECT path FROM t ORDER BY path DESC LIMIT 10",
    "CREATE TEMP TABLE x(y); DROP TABLE x; SELECT art_count('t', 'a/'), art_longest_prefix('main.t', 'a/00100/x', "
    "'/'), "
    "art_check('t')", /* what was known of the names is forgotten first */
    "SELECT count(*) FROM art_info('t')",
    "SELECT count(*) FROM art_check('main.t')",
    "INSERT INTO t(t) VALUES('cache=2MB'), ('clean'), ('log_limit=9KB')",
};
enum { SCRIPT = sizeof script / sizeof *script };

static char *content(sqlite3 *of) {
    return sql_rows(of, "SELECT path, typeof(value), length(value), hex(substr(value, 1, 40)) FROM t ORDER BY path");
}

/* Either the old content or the new one, whole, agreeing with the counter; and the connection still works. */
static void check_state(sqlite3 *of, const char *before, int64_t counted_before, const char *statement) {
    char *now = content(of);
    int64_t counted = sql_int(of, "SELECT n FROM counter");
    if (counted == counted_before)
        ck_assert_msg(!strcmp(now, before), "the statement failed and changed rows: %s", statement);
    sqlite3_free(now);
}

/* One statement and the counter in a transaction, while memory runs out. Returns whether it did. */
static bool run_short_of_memory(const char *statement, int64_t allocations, bool stays) {
    char *before = content(db);
    int64_t counted = sql_int(db, "SELECT n FROM counter");
    failed_once = false;
    stays_out = stays;
    until_failure = allocations;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, statement, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "UPDATE counter SET n = n + 1", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    until_failure = -1;
    bool failed = failed_once;
    if (rc != SQLITE_OK) {
        ck_assert_msg(failed, "%s: %s (%d) without a failed allocation", statement, sqlite3_errmsg(db), rc);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    }
    check_state(db, before, counted, statement);
    sqlite3_free(before);
    return failed;
}

static void run_out_of_memory(bool stays) {
    int failures = 0;
    uint64_t seed = random_seed();
    struct random random = {seed};
    printf("seed %llu\n", (unsigned long long)seed);
    for (int s = 0; s < SCRIPT; s++) {
        int64_t allocations = 0;
        while (run_short_of_memory(script[s], allocations, stays)) {
            failures++;
            /* every one of the first, then further and further apart */
            allocations += allocations < 60 ? 1 : 1 + random_below(&random, (uint32_t)(allocations / 4));
        }
    }
    printf("%d failed allocations survived\n", failures);
    char *answer = sql_rows(db, "PRAGMA integrity_check");
    ck_assert_str_eq(answer, "ok\n");
    sqlite3_free(answer);
    char *before = content(db);
    sql_close(db);
    db = sql_open(path);
    char *after = content(db);
    ck_assert_str_eq(before, after);
    sqlite3_free(before);
    sqlite3_free(after);
}

TEST(test_one_failed_allocation_is_an_error_and_the_old_state) {
    run_out_of_memory(false);
}

TEST(test_memory_that_stays_out_is_an_error_and_the_old_state) {
    run_out_of_memory(true);
}

TEST(test_opening_a_table_without_memory_can_be_tried_again) {
    sql_command(db, "main", "t", "flush");
    sql_run(db, "INSERT INTO t VALUES('in the log', 1)");
    int64_t rows = sql_int(db, "SELECT count(*) FROM t");
    for (int64_t allocations = 0;; allocations += 1 + allocations / 50) {
        sqlite3 *other = sql_open(path);
        failed_once = false;
        stays_out = true;
        until_failure = allocations;
        int rc = sqlite3_exec(other, "SELECT count(*), max(path), sum(length(value)) FROM t", NULL, NULL, NULL);
        until_failure = -1;
        ck_assert_msg(rc == SQLITE_OK || failed_once, "%s", sqlite3_errmsg(other));
        ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t"), rows);
        sql_close(other);
        if (!failed_once) break;
    }
}

enum { ANSWER = 200 };

static int keep_first(void *out, int columns, char **values, char **names) {
    (void)names;
    snprintf(out, ANSWER, "%s|%s", values[0], columns > 1 && values[1] ? values[1] : "");
    return 0;
}

TEST(test_a_query_without_memory_says_so_or_answers_right) {
    static const struct {
        const char *sql, *answer;
    } calls[] = {{"SELECT art_count('t', 'a/'), art_longest_prefix('main.t', 'a/00100/x', '/')", "600|a/00100"},
                 {"SELECT art_check('t'), art_count('main.t', 'b')", "ok|1"},
                 {"SELECT value, property FROM art_info('t') WHERE property = 'keys'", "601|keys"},
                 {"SELECT count(*), count(problem) FROM art_check('t')", "0|0"},
                 {"SELECT group_concat(path), sum(entries) FROM t('', '/')", "a/,big|600"},
                 {"SELECT path, entries FROM t('a/', '5') WHERE path > 'a/0014' AND entries > 5 LIMIT 1", "a/0015|10"},
                 {"SELECT count(*), max(path) FROM t WHERE path LIKE 'A' || '/0010%'", "10|a/00109"},
                 {"SELECT count(*), max(path) FROM t WHERE path LIKE 'A/0010_'", "10|a/00109"},
                 {"SELECT count(*), max(path) FROM t WHERE path IN ('x', 'big', 5, 'a/00300')", "2|big"},
                 {"SELECT count(*), max(path) FROM t WHERE path IN ('big', 'a/00300')", "2|big"},
                 {"SELECT path, 1 FROM t WHERE path GLOB '*' || '7' ORDER BY path DESC LIMIT 1 OFFSET 3", "a/00567|1"},
                 {"SELECT path, 1 FROM t WHERE path < 'a/003' ORDER BY path DESC LIMIT 1 OFFSET 99", "a/00200|1"}};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int64_t try = 0;; try++) { /* each allocation alone, and with all that follow */
            int64_t allocations = try / 2;
            sqlite3 *other = sql_open(path);
            char answer[ANSWER] = "";
            failed_once = false;
            stays_out = try % 2;
            until_failure = allocations;
            int rc = sqlite3_exec(other, calls[i].sql, keep_first, answer, NULL);
            until_failure = -1;
            bool out = (rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM;
            ck_assert_msg(out || !strcmp(answer, calls[i].answer), "%lld: %d %s, '%s'", (long long)allocations, rc,
                          sqlite3_errmsg(other), answer);
            sql_close(other);
            if (!failed_once) break;
        }
    }
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static const char *const column_script[] = {
    "CREATE VIRTUAL TABLE c USING art(path, size INTEGER NOT NULL, note TEXT COLLATE NOCASE, 'the rest' DECIMAL)",
    "INSERT INTO c VALUES('a', '5', 'note', 1.5), ('b', 6, hex(zeroblob(10000)), 'text'), ('c', 7, 8, 9)",
    "INSERT INTO c(c) VALUES('add column \"x y\" REAL')",
    "UPDATE c SET note = note || '!', \"x y\" = size WHERE size > 1",
    "INSERT INTO c(c) VALUES('add column z'), ('add column zz INT')",
    "INSERT INTO c(c) VALUES('summary=(sum(size), lookup(\"the rest\"))')",
    "ALTER TABLE c RENAME TO d",
    "UPDATE d SET zz = '7', path = path || '/moved' WHERE path = 'b'",
};
enum { COLUMN_SCRIPT = sizeof column_script / sizeof *column_script };

/* The schema, and all rows of whatever there is. */
static char *columns_and_rows(void) {
    char *schema = sql_rows(db, "SELECT type, name, sql FROM sqlite_master ORDER BY name");
    char *table = strstr(schema, "table|d|") ? "d" : strstr(schema, "table|c|") ? "c" : "counter";
    char *columns = sql_rows(db, "SELECT name, type FROM pragma_table_info('%s')", table);
    char *rows = sql_rows(db, "SELECT * FROM %s", table);
    char *all = sqlite3_mprintf("%s%s%s", schema, columns, rows);
    sqlite3_free(schema);
    sqlite3_free(columns);
    sqlite3_free(rows);
    return all;
}

static bool change_columns_short_of_memory(const char *statement, int64_t allocations) {
    char *before = columns_and_rows();
    failed_once = false;
    until_failure = allocations;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, statement, NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    until_failure = -1;
    ck_assert_msg(rc == SQLITE_OK || failed_once, "%s: %s", statement, sqlite3_errmsg(db));
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    char *after = columns_and_rows();
    ck_assert_msg(rc == SQLITE_OK || !strcmp(before, after), "%s failed\n-- before\n%s\n-- and then\n%s", statement,
                  before, after);
    sqlite3_free(before);
    sqlite3_free(after);
    return rc != SQLITE_OK;
}

LOOP_TEST(test_columns_without_memory_are_an_error_and_the_old_columns, 2) {
    stays_out = _i;
    for (int i = 0; i < COLUMN_SCRIPT; i++) {
        for (int64_t allocations = 0; change_columns_short_of_memory(column_script[i], allocations); allocations++) {
            if (_i) allocations += allocations / 20;
        }
    }
    char *rows = sql_rows(db, "SELECT path, size, \"x y\", zz, typeof(zz), length(note) FROM d");
    ck_assert_str_eq(rows, "a|5|5.0||null|5\nb/moved|6|6.0|7|integer|20001\nc|7|7.0||null|2\n");
    sqlite3_free(rows);
}

/* ---- interrupts -------------------------------------------------------------------------------------------------- */

static int steps_left;

static int stop_here(void *unused) {
    (void)unused;
    return --steps_left <= 0;
}

TEST(test_an_interrupted_statement_leaves_the_old_state) {
    int interrupted = 0;
    for (int s = 0; s < SCRIPT; s++) {
        for (int steps = 1; steps < 400; steps += 1 + steps / 3) {
            char *before = content(db);
            int64_t counted = sql_int(db, "SELECT n FROM counter");
            sql_run(db, "BEGIN IMMEDIATE");
            steps_left = steps;
            sqlite3_progress_handler(db, 20, stop_here, NULL);
            int rc = sqlite3_exec(db, script[s], NULL, NULL, NULL);
            sqlite3_progress_handler(db, 0, NULL, NULL);
            if (rc != SQLITE_OK) {
                ck_assert_int_eq(rc & 0xff, SQLITE_INTERRUPT);
                interrupted++;
                if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
            } else {
                sql_run(db, "UPDATE counter SET n = n + 1; COMMIT");
            }
            check_state(db, before, counted, script[s]);
            sqlite3_free(before);
        }
    }
    ck_assert_int_gt(interrupted, 20);
}

/* ---- a full disk ------------------------------------------------------------------------------------------------- */

/* In a child whose files may not grow past a limit. */
static int write_into_a_full_disk(uint64_t limit) {
    signal(SIGXFSZ, SIG_IGN);
    sqlite3 *own = sql_open(path);
    char *before = content(own);
    struct rlimit size = {limit, limit};
    if (setrlimit(RLIMIT_FSIZE, &size) != 0) return 77;
    int rc = SQLITE_OK;
    for (int i = 0; i < 2000 && rc == SQLITE_OK; i++) {
        sqlite3_free(before);
        before = content(own);
        rc = sql_try(own,
                     "INSERT OR REPLACE INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) "
                     "SELECT printf('full/%%d/%%d', %d, i), randomblob(300) FROM n",
                     i);
        if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_FULL && (rc & 0xff) != SQLITE_IOERR) {
            printf("limit %llu: %d %s\n", (unsigned long long)limit, rc, sqlite3_errmsg(own));
            return 1;
        }
    }
    if (rc == SQLITE_OK) return 2;
    if (!sqlite3_get_autocommit(own)) sql_try(own, "ROLLBACK");
    char *after = content(own);
    if (strcmp(before, after) != 0) return 3;
    return 0;
}

TEST(test_a_full_disk_is_an_error_and_the_old_state) {
    for (uint64_t limit = 1200000; limit < 3500000; limit += 370000) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            int verdict = write_into_a_full_disk(limit);
            fflush(stdout);
            _exit(verdict);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "limit %llu: status %x", (unsigned long long)limit,
                      status);
        /* The limit is gone: everything is there, and it can be written to. */
        sqlite3 *again = sql_open(path);
        sql_run(again, "INSERT OR REPLACE INTO t VALUES('again', %lld)", (long long)limit);
        ck_assert_int_eq(sql_int(again, "SELECT value FROM t WHERE path = 'again'"), (int64_t)limit);
        char *answer = sql_rows(again, "PRAGMA integrity_check");
        ck_assert_str_eq(answer, "ok\n");
        sqlite3_free(answer);
        sql_close(again);
    }
}

int main(void) {
    allocator_install();
    return suite_run("sql_faults", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = tear_down);
}
