/* Long work that is stopped: by a progress handler, by sqlite3_interrupt() from a function or from another thread; and
 * what is stopped once, within a PRAGMA that art itself asks.
 *
 * Whatever was stopped, wherever: SQLITE_INTERRUPT, the old state (of the statement, or of the transaction, as SQLite
 * does it to an ordinary table), and a connection that works on. A COMMIT that was stopped may be tried again. The
 * progress handler is asked at every instruction of SQLite's machine, and the module's own statements are such
 * instructions, too: counting them stops a commit at each place where it can be stopped, the same in every run.
 */
#include <pthread.h>
#include <unistd.h>

#include "tests/support/sql_one.h"

static void fill(sqlite3 *on, const char *table, int from, int rows) {
    sql_run(on,
            "INSERT INTO %s(path, value) WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('d%%02d/%%06d', i %% 16, i), i FROM n",
            table, from, rows);
}

/* Two runs of blobs below, and rows in the log above them. */
static void make_table(const char *mode, int rows) {
    run("PRAGMA journal_mode=%s", mode);
    sql_create(db, "t", "log_limit='256KB'");
    fill(db, "t", 0, rows / 2);
    command("flush");
    fill(db, "t", rows / 2, rows / 3);
    command("flush");
    run("DELETE FROM t WHERE path GLOB 'd03/*'");
    fill(db, "t", rows, rows / 50);
}

/* Number of rows and a sum that depends on which value stands under which path. */
static char *summary(sqlite3 *on) {
    return sql_rows(on, "SELECT count(*), total(value), min(path), max(path), total(value * (unicode(substr(path, 3, "
                        "1)) + length(path))), count(DISTINCT path) FROM t");
}

static void is_as(sqlite3 *on, const char *expected, const char *when) {
    char *now = kept(summary(on));
    ck_assert_msg(!strcmp(now, expected), "%s: %s instead of %s", when, now, expected);
}

static void others_see(const char *expected, const char *when) {
    sqlite3 *other = sql_open(path);
    is_as(other, expected, when);
    sql_close(other);
}

/* --- by instruction ----------------------------------------------------------------------------------------------- */

static int64_t left;

static int count_down(void *unused) {
    return --left < 0;
}

/* 0, or the error when it was stopped after so many instructions. */
static int run_for(int64_t instructions, const char *statement) {
    left = instructions;
    sqlite3_progress_handler(db, 1, count_down, NULL);
    int rc = sqlite3_exec(db, statement, NULL, NULL, NULL);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return rc;
}

/* All of the first places, then fewer and fewer; with small budgets sooner. */
static int64_t next_place(int64_t place) {
    int64_t all = random_stride() > 1 ? 20 : 60;
    return place + 1 + (place > all ? place / 5 : 0);
}

TEST(test_a_stopped_query_leaves_a_connection_that_reads_on) {
    make_table("WAL", 2000);
    char *before = kept(summary(db));
    run("BEGIN; INSERT INTO t(path, value) VALUES('uncommitted', 1)");
    char *within = kept(summary(db));
    EACH(query, "SELECT path, value FROM t", "SELECT count(*) FROM t", "SELECT path FROM t ORDER BY path DESC",
         "SELECT sum(value) FROM t WHERE path GLOB 'd0*'",
         "SELECT count(*) FROM t a JOIN t b ON b.path = a.path WHERE a.path < 'd01'",
         "SELECT max(path) FROM t WHERE value % 2", "SELECT path FROM t WHERE path LIKE 'D0%'",
         "SELECT path, value FROM t('d0')", "SELECT path, entries FROM t('', '/')",
         "SELECT path, entries FROM t('d', '1') WHERE path > 'd05' ORDER BY path DESC",
         "SELECT a.path, (SELECT count(*) FROM t(a.path)) FROM t('', '/') a",
         "SELECT art_count('t', 'd0'), art_longest_prefix('main.t', 'd00/000016/x', '/')",
         "SELECT art_check('t'), (SELECT count(*) FROM art_check('main.t'))",
         "SELECT value FROM art_info('t') WHERE property = 'entries'") {
        int stopped = 0, rc;
        char *answer = kept(sql_rows(db, "%s", query));
        for (int64_t place = 0; (rc = run_for(place, query)) != SQLITE_OK; place = next_place(place)) {
            ck_assert_int_eq(rc & 0xff, SQLITE_INTERRUPT);
            ck_assert(!sqlite3_get_autocommit(db));
            if (stopped++ % 16 == 0) is_as(db, within, query);
        }
        ck_assert_int_gt(stopped, 4);
        ck_assert_str_eq(kept(sql_rows(db, "%s", query)), answer);
    }
    is_as(db, within, "in the end");
    run("ROLLBACK");
    is_as(db, before, "rolled back");
}

static int count_call(void *calls) {
    ++*(int *)calls;
    return 0;
}

static int stop_at_once(void *calls) {
    ++*(int *)calls;
    return 1;
}

/* The machine takes a few steps, the module passes over all rows: each time that it asks counts as some steps, so that
 * a handler that was made for every thousandth is heard. */
TEST(test_a_search_that_finds_nothing_hears_a_progress_handler) {
    sql_create(db, "t", "log_limit='256KB'");
    fill(db, "t", 0, 100000);
    EACH(search, "SELECT path FROM t WHERE path GLOB 'd*none'",
         "SELECT path FROM t WHERE path GLOB '*none' ORDER BY path DESC") {
        int calls = 0;
        sqlite3_progress_handler(db, 1000, stop_at_once, &calls);
        int rc = sqlite3_exec(db, search, NULL, NULL, NULL);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        ck_assert_msg(rc == SQLITE_INTERRUPT && calls == 1, "%d, %d calls: %s", rc, calls, search);
    }
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 100000);
}

TEXTS(
    changing, "INSERT INTO t(path, value) SELECT 'copy/' || path, value FROM t",
    "UPDATE t SET path = 'moved/' || path WHERE path GLOB 'd0[2-9]/*'", "DELETE FROM t WHERE path > 'd05'",
    "INSERT OR REPLACE INTO t(path, value) SELECT path, value + 1 FROM t WHERE value % 3 = 0",
    "INSERT OR REPLACE INTO t(path, value) VALUES('new', zeroblob(50)), ('large', zeroblob(9000)), ('d09/again', 'x')");

/* Commands end in the commit of their statement. */
TEXTS(commands, "INSERT INTO t(t) VALUES('flush')", "INSERT INTO t(t) VALUES('optimize')",
      "INSERT INTO t(t) VALUES('cache=2MB'), ('clean'), ('log_limit=9KB')");

static char *foretell(const char *statement) {
    run("BEGIN; %s", statement);
    char *after = summary(db);
    run("ROLLBACK");
    return after;
}

/* Behind the last instruction SQLite asks the handler once more, and says "interrupted" of what is committed. */
static bool came_too_late(const char *after) {
    bool done = !strcmp(kept(summary(db)), after);
    return done;
}

static void stop_statement(const char *statement, const char *before, const char *after, int *stopped) {
    for (int64_t place = 0;; place = next_place(place)) {
        int rc = run_for(place, statement);
        ck_assert_msg(sqlite3_get_autocommit(db), "%s left a transaction open", statement);
        if (rc == SQLITE_OK || (strcmp(before, after) && came_too_late(after))) break;
        ck_assert_msg((rc & 0xff) == SQLITE_INTERRUPT, "%s: %d %s", statement, rc, sqlite3_errmsg(db));
        is_as(db, before, statement);
        if (++*stopped % 20 == 0) others_see(before, statement);
    }
    is_as(db, after, statement);
    others_see(after, statement);
}

static void stop_all(const char *mode) {
    int stopped = 0;
    make_table(mode, 1200);
    for (size_t i = 0; i < LENGTH(changing); i++) {
        char *before = kept(summary(db)), *after = kept(foretell(changing[i]));
        stop_statement(changing[i], before, after, &stopped);
    }
    for (size_t i = 0; i < LENGTH(commands); i++) {
        run("INSERT INTO t(path, value) VALUES('new/%d', 1)", (int)i);
        char *before = kept(summary(db));
        stop_statement(commands[i], before, before, &stopped);
    }
    ck_assert_int_gt(stopped, 100);
    expect("ok\n", "PRAGMA integrity_check");
}

TEST(test_a_stopped_statement_has_done_nothing) {
    stop_all("WAL");
}

TEST(test_a_stopped_statement_has_done_nothing_under_a_rollback_journal) {
    stop_all("DELETE");
}

/* As one thing, which asks for room before anything has changed: SQLite may end the transaction of what is stopped
 * then. */
static void stop_directories(void) {
    int stopped = 0;
    fill(db, "t", 0, 4000);
    command("flush");
    EACH(statement, "INSERT INTO t(t, prefix, path) VALUES('copy', 'd0', 'x')",
         "INSERT INTO t(t, prefix, path) VALUES('move', 'd0', 'y')",
         "DELETE FROM t WHERE prefix = '' AND delimiter = '0' AND path = 'y0'",
         "INSERT INTO t(t, prefix) VALUES('delete', 'x')") {
        char *before = kept(summary(db)), *after = kept(foretell(statement));
        stop_statement(statement, before, after, &stopped);
        expect("ok\n", "SELECT art_check('t')");
    }
    ck_assert_int_gt(sql_info(db, "rows by directory"), 2000);
    ck_assert_int_gt(stopped, 100);
}

/* Few rows go by themselves, and SQLite takes no steps then. */
TEST(test_a_small_directory_hears_a_progress_handler) {
    int calls[2] = {0};
    sql_create(db, "t", "");
    fill(db, "t", 0, 2000);
    for (int i = 0; i < 2; i++) {
        run("BEGIN");
        sqlite3_progress_handler(db, 1, count_call, &calls[i]);
        run("INSERT INTO t(t, prefix) VALUES('delete', '%s')", i ? "d0" : "d00/000000");
        sqlite3_progress_handler(db, 0, NULL, NULL);
        run("ROLLBACK");
    }
    ck_assert_int_eq(sql_info(db, "rows by directory"), 0);
    ck_assert_int_ge(calls[1], calls[0] + 4);
}

TEST(test_a_stopped_directory_is_as_it_was) {
    sql_create(db, "t", "");
    stop_directories();
}

TEST(test_a_stopped_directory_of_an_inline_table_is_as_it_was) {
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=inline)");
    stop_directories();
}

/* A COMMIT that was stopped has left its transaction open, to be tried again, or taken it back, or it was too late. */
static int stop_commits(const char *inner, const char *what) {
    int stopped = 0, kept_open = 0;
    for (int64_t place = 0;; place = random_stride() > 1 ? next_place(place) : place + 1) {
        char *before = kept(summary(db));
        run("BEGIN; %s; INSERT INTO t(path, value) VALUES('%q/%d', %d)", inner, what, (int)place, (int)place);
        char *within = kept(summary(db));
        int rc = run_for(place, "COMMIT");
        ck_assert_msg(rc == SQLITE_OK || (rc & 0xff) == SQLITE_INTERRUPT, "%s: %d %s", what, rc, sqlite3_errmsg(db));
        bool open = !sqlite3_get_autocommit(db), again = open && place % 2;
        if (open) {
            is_as(db, within, what);
            run(again ? "COMMIT" : "ROLLBACK");
        }
        bool committed = !rc || again || (!open && came_too_late(within));
        const char *expected = committed ? within : before;
        is_as(db, expected, what);
        if (place % 8 < 2) others_see(expected, what);
        kept_open += open;
        stopped += !committed || open;
        if (committed && !open) break;
    }
    ck_assert_int_gt(kept_open, 0);
    return stopped;
}

TEST(test_a_stopped_commit_can_be_tried_again_or_is_undone) {
    int stopped = 0;
    make_table("WAL", 1200);
    stopped += stop_commits("UPDATE t SET value = value + 1 WHERE path < 'd01'", "a log row");
    ck_assert_int_gt(stopped, 5);
    stopped = stop_commits("INSERT INTO t(t) VALUES('flush')", "a flush");
    ck_assert_int_gt(stopped, 10);
    stopped = stop_commits("UPDATE t SET value = value + 1 WHERE path < 'd02'; INSERT INTO t(t) VALUES('optimize')",
                           "an optimize");
    ck_assert_int_gt(stopped, 10);
    stopped = stop_commits("INSERT OR REPLACE INTO t(path, value) VALUES('big', zeroblob(300000))", "a large value");
    ck_assert_int_gt(stopped, 10);
    expect("ok\n", "PRAGMA integrity_check");
}

/* --- by sqlite3_interrupt() --------------------------------------------------------------------------------------- */

static int calls_left;

static void stop_me(sqlite3_context *context, int count, sqlite3_value **values) {
    if (--calls_left == 0) sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_value(context, values[0]);
}

/* '@' is the table. What is rolled back, the statement or its whole transaction, is SQLite's to say. */
TEXTS(stopping, "SELECT stop(path) FROM @", "INSERT INTO @(path, value) SELECT stop(path) || '/', 1 FROM @",
      "UPDATE @ SET value = stop(value) + 1", "UPDATE @ SET path = stop(path) || '.'",
      "DELETE FROM @ WHERE stop(value) % 2 = 0", "INSERT OR IGNORE INTO @(path, value) SELECT stop(path), 1 FROM @",
      "BEGIN; DELETE FROM @ WHERE path < 'd02'; SAVEPOINT s; UPDATE @ SET value = stop(0)",
      "BEGIN; DELETE FROM @ WHERE path < 'd02'; SELECT stop(path) FROM @");

TEST(test_an_interrupt_undoes_as_much_as_for_an_ordinary_table) {
    static const char rows[] = "SELECT count(*), total(value), group_concat(path) FROM (SELECT * FROM @ ORDER BY path)";
    sqlite3_create_function_v2(db, "stop", 1, SQLITE_UTF8, NULL, stop_me, NULL, NULL, NULL);
    sql_create(db, "ours", "log_limit='4KB', spill_limit='8KB'");
    run("CREATE TABLE theirs(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
    static const int places[] = {1, 2, 50, 99, 150, 199, 1000};
    for (size_t i = 0; i < LENGTH(stopping); i++) {
        for (size_t j = 0; j < LENGTH(places); j++) {
            char *results[2];
            if (!random_takes(j, 2)) continue;
            for (int t = 0; t < 2; t++) {
                const char *name = t ? "theirs" : "ours";
                run("DELETE FROM %s", name);
                fill(db, name, 0, 200);
                calls_left = places[j];
                char *first = kept(sql_outcome(db, name, stopping[i], rows));
                if (!sqlite3_get_autocommit(db)) run("COMMIT");
                results[t] = TEXT("%s, then\n%s", first,
                                  kept(sql_outcome(db, name, "INSERT INTO @(path) VALUES('works on')", rows)));
            }
            ck_assert_msg(!strcmp(results[0], results[1]), "%s, stopped at %d:\n  gave     %.600s\n  ordinary %.600s",
                          stopping[i], places[j], results[0], results[1]);
        }
    }
    expect("ok\n", "PRAGMA integrity_check");
}

/* The number of the work that may be stopped, 0 for none, -1 at the end. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int watched;

static void watch(int number) {
    pthread_mutex_lock(&mutex);
    watched = number;
    pthread_mutex_unlock(&mutex);
}

static int watched_now(void) {
    pthread_mutex_lock(&mutex);
    int number = watched;
    pthread_mutex_unlock(&mutex);
    return number;
}

static void *interrupt_now_and_then(void *random) {
    for (int last = 0, number; (number = watched_now()) >= 0;) {
        if (number != last) usleep(random_below(random, 1u << random_below(random, 15)));
        pthread_mutex_lock(&mutex);
        if (number != last && watched == number && number) sqlite3_interrupt(db);
        pthread_mutex_unlock(&mutex);
        last = number;
        usleep(20);
    }
    return NULL;
}

/* Each with what holds once it is done. */
static const char *const works[][2] = {
    {"INSERT INTO t(t) VALUES('optimize')", "SELECT 1"},
    {"BEGIN; INSERT OR IGNORE INTO t(path, value) SELECT 'x/' || path, value FROM t WHERE path < 'e';"
     "INSERT INTO t(t) VALUES('flush'); COMMIT",
     "SELECT count(*) = 2 * sum(path < 'x') FROM t"},
    {"INSERT INTO t(t) VALUES('optimize')", "SELECT 1"},
    {"DELETE FROM t WHERE path GLOB 'x/*'", "SELECT count(*) = 0 FROM t WHERE path > 'x'"},
    {"INSERT INTO t(t) VALUES('flush')", "SELECT 1"}};

CASE("threads", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* When it comes is chance; whatever it meets is stopped entirely or has happened entirely. */
TEST(test_an_interrupt_from_another_thread_stops_a_long_commit_or_comes_too_late) {
    struct random random = random_announced("interrupts");
    pthread_t thread;
    make_table("WAL", 20000);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_now_and_then, &random), 0);
    int stopped = 0;
    int rounds = 10 + (int)random_rounds(30);
    for (int i = 1; i <= rounds; i++) {
        const char *work = works[i % 5][0];
        char *before = kept(summary(db));
        watch(i);
        int rc = sql_try(db, "%s", work);
        watch(0);
        if (rc) {
            ck_assert_msg((rc & 0xff) == SQLITE_INTERRUPT, "%s: %d %s", work, rc, sqlite3_errmsg(db));
            if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
            is_as(db, before, work);
        } else {
            ck_assert_int_eq(sql_int(db, "%s", works[i % 5][1]), 1);
        }
        stopped += rc != 0;
        others_see(kept(summary(db)), work);
    }
    watch(-1);
    pthread_join(thread, NULL);
    printf("%d of %d were stopped\n", stopped, rounds);
    expect("ok\n", "PRAGMA integrity_check");
}

/* --- once, within a PRAGMA that art itself asks ------------------------------------------------------------------- */

CASE("files", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* SQLite may then roll back under a callback of art's, and what art asks behind it is let through. */
static struct {
    int left; /* PRAGMAs up to the one that is interrupted */
    bool within, struck;
} pragma;

static int find_pragma(unsigned kind, void *context, void *statement, void *text) {
    static const char begins[] = "-- PRAGMA "; /* as SQLite writes nested ones */
    pragma.within = !strncmp(text, begins, sizeof begins - 1) && --pragma.left == 0;
    pragma.struck |= pragma.within;
    return 0;
}

static int stop_within(void *unused) {
    bool stops = pragma.within;
    pragma.within = false;
    return stops;
}

static void listen_for_pragma(int number) {
    pragma.left = number;
    pragma.within = false;
    pragma.struck = false;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, find_pragma, NULL);
    sqlite3_progress_handler(db, 1, stop_within, NULL);
}

static void listen_no_more(void) {
    sqlite3_trace_v2(db, 0, NULL, NULL);
    sqlite3_progress_handler(db, 0, NULL, NULL);
}

static const char *const storages[] = {"file", "inline"}, *const journals[] = {"WAL", "DELETE"};

static void create(const char *table, const char *storage, const char *options) {
    run("CREATE VIRTUAL TABLE %s USING art(path, value, storage=%s, %s)", table, storage, options);
}

static void all_see(int rows_of_plain, const char *expected, const char *when) {
    sqlite3 *other = sql_open(path), *both[] = {db, other};
    for (int i = 0; i < 2; i++) {
        int plain = (int)sql_int(both[i], "SELECT count(*) FROM plain");
        ck_assert_msg(plain == rows_of_plain, "%s: %d rows of plain", when, plain);
        is_as(both[i], expected, when);
        sql_expect(both[i], "ok\n", "SELECT art_check('t')");
    }
    sql_close(other);
}

/* Each PRAGMA within the COMMIT in turn, and behind each a transaction that goes through. How many there were. */
static int stop_in_pragmas(const char *first, void (*undone)(void)) {
    for (int number = 1;; number++) {
        char *before = kept(summary(db)), *when = TEXT("COMMIT, PRAGMA %d", number);
        run("BEGIN; INSERT INTO plain VALUES(1); %s", first);
        fill(db, "t", 1000, 500);
        char *within = kept(summary(db));
        listen_for_pragma(number);
        int rc = sql_try(db, "COMMIT");
        listen_no_more();
        ck_assert_msg(sqlite3_get_autocommit(db), "%s is still open", when);
        all_see(!rc, rc ? before : within, when);
        ck_assert_msg(pragma.struck == (rc != SQLITE_OK), "%s: %d", when, rc);
        if (!rc) return number - 1;
        undone();
        run("INSERT INTO t(path, value) VALUES('behind %02d', 1); INSERT INTO t(t) VALUES('flush')", number);
        all_see(0, kept(summary(db)), when);
    }
}

static void make_one_of(int kind) {
    run("PRAGMA journal_mode=%s; PRAGMA synchronous=OFF; CREATE TABLE plain(x)", journals[kind / 2]);
    create("t", storages[kind % 2], "log_limit='4KB'");
    fill(db, "t", 0, 300);
}

static void nothing_else(void) {
}

LOOP_TEST(test_a_commit_that_is_interrupted_within_itself_is_undone_and_says_so, 4) {
    if (!random_takes(_i, 2)) return;
    make_one_of(_i);
    ck_assert_int_ge(stop_in_pragmas("", nothing_else), 8);
}

static void dropped_is_there(void) {
    expect("300|ok\n", "SELECT count(*), art_check('u') FROM u WHERE value >= 0");
}

LOOP_TEST(test_a_drop_of_a_commit_that_is_interrupted_within_itself_takes_no_file, 4) {
    if (!random_takes(_i, 2)) return;
    make_one_of(_i);
    create("u", storages[_i % 2], "log_limit='4KB'");
    fill(db, "u", 0, 300);
    dropped_is_there();
    ck_assert_int_ge(stop_in_pragmas("DROP TABLE u", dropped_is_there), 8);
    refuses(SQLITE_ERROR, "no such table", "SELECT * FROM u");
}

/* True: there was such a PRAGMA. */
static bool spill_up_to_pragma(int number, int *rc, int *rows) {
    run("BEGIN; INSERT INTO plain VALUES(1)");
    sqlite3_stmt *insert = sql_prepare(db, "INSERT INTO t(path, value) VALUES(printf('k%%05d', ?), zeroblob(1000))");
    listen_for_pragma(number);
    for (*rows = 0; *rows < 190 && !pragma.struck; ++*rows) {
        sqlite3_bind_int(insert, 1, *rows * 7919 % 100000);
        sqlite3_step(insert);
        *rc = sqlite3_reset(insert);
    }
    listen_no_more();
    sqlite3_finalize(insert);
    return pragma.struck;
}

/* In WAL mode, with SQLite before 3.53.2, each spill asks. Where art can do without the answer, the transaction may go
 * on. */
LOOP_TEST(test_an_insert_whose_transaction_an_interrupted_spill_has_ended_is_refused, 2) {
    int rc, rows, refused = 0;
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE plain(x)");
    for (int number = 1;; number++) {
        create("t", storages[_i], "spill_limit='100KB'");
        if (!spill_up_to_pragma(number, &rc, &rows)) break;
        bool open = !sqlite3_get_autocommit(db);
        ck_assert_msg(open == !rc, "PRAGMA %d: %d", number, rc);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), open ? rows : 0);
        if (open) run("ROLLBACK");
        refused += !open;
        run("BEGIN");
        fill(db, "t", 0, 2500);
        run("COMMIT");
        all_see(0, kept(summary(db)), "behind a spill");
        run("DROP TABLE t");
    }
    ck_assert_int_eq(rc, SQLITE_OK);
    ck_assert_int_ge(refused, 1);
}

SUITE("sql_interrupt", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)
