/* BUSY as an ordinary table gives it: two connections, the same statements on an art table and on an ordinary one, in
 * both journal modes, with no busy timeout, with one, and with a busy handler that gives up after a few calls. Code,
 * rows and what is left of the transaction must be the same after every step, and the handler is asked or not alike.
 */
#include <stdarg.h>

#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { STEPS_MAX = 20, CONNECTIONS = 2, PATIENCE = 3 };
enum { ONCE = PATIENCE + 1, PAGES_OF_A_ROW = 8 }; /* calls of a handler that gives up; pages that a row may spill */

static const struct script {
    const char *what;
    const char *steps[STEPS_MAX]; /* "A ..." or "B ...": who, and what; '@' is the table */
} scripts[] = {
    {"a writer keeps the other out until it commits",
     {"A BEGIN IMMEDIATE", "A INSERT INTO @(path, value) VALUES('a', 1)", "B INSERT INTO @(path, value) VALUES('b', 2)",
      "B BEGIN IMMEDIATE", "B SELECT count(*) FROM @", "A COMMIT", "B INSERT INTO @(path, value) VALUES('b', 2)",
      "A SELECT count(*) FROM @"}},
    {"a write that follows a read meets a writer",
     {"B BEGIN", "B SELECT count(*) FROM @", "A BEGIN", "A INSERT INTO @(path) VALUES('a')",
      "B INSERT INTO @(path) VALUES('b')", "B UPDATE @ SET value = 3", "B DELETE FROM @ WHERE path = 'p1'", "A COMMIT",
      "B INSERT INTO @(path) VALUES('b')", "B COMMIT", "A COMMIT", "B BEGIN", "B INSERT INTO @(path) VALUES('c')",
      "B COMMIT", "A SELECT count(*) FROM @"}},
    {"a write in a snapshot that others have left behind",
     {"B BEGIN", "B SELECT count(*) FROM @", "A INSERT INTO @(path) VALUES('a')", "B INSERT INTO @(path) VALUES('b')",
      "B SELECT count(*) FROM @", "B ROLLBACK", "A INSERT INTO @(path) VALUES('a')",
      "B INSERT INTO @(path) VALUES('b')", "B SELECT count(*) FROM @"}},
    {"a reader in the way of a commit",
     {"B BEGIN", "B SELECT value FROM @ WHERE path = 'p1'", "A BEGIN", "A UPDATE @ SET value = 7", "A COMMIT",
      "A COMMIT", "A INSERT INTO @(path) VALUES('more')", "A COMMIT", "B COMMIT", "A COMMIT",
      "A SELECT total(value) FROM @", "B SELECT total(value) FROM @"}},
    {"an autocommit write and a reader",
     {"B BEGIN", "B SELECT count(*) FROM @", "A DELETE FROM @ WHERE path = 'p2'", "A SELECT count(*) FROM @",
      "B COMMIT", "A DELETE FROM @ WHERE path = 'p2'", "A SELECT count(*) FROM @"}},
    {"an exclusive transaction",
     {"A BEGIN EXCLUSIVE", "B SELECT count(*) FROM @", "B BEGIN", "B SELECT path FROM @ WHERE path = 'p1'",
      "B INSERT INTO @(path) VALUES('b')", "A INSERT INTO @(path) VALUES('a')", "A COMMIT", "B SELECT count(*) FROM @",
      "B ROLLBACK"}},
    {"a savepoint is kept where a write was refused",
     {"B BEGIN", "B SAVEPOINT s", "A BEGIN IMMEDIATE", "B INSERT INTO @(path) VALUES('b')", "A ROLLBACK",
      "B INSERT INTO @(path) VALUES('b')", "B ROLLBACK TO s", "B INSERT INTO @(path) VALUES('c')", "B RELEASE s",
      "B COMMIT", "A SELECT path FROM @ WHERE path IN ('b', 'c')"}},
    {"OR FAIL, OR IGNORE and OR ROLLBACK do not mean locks",
     {"A BEGIN IMMEDIATE", "B BEGIN", "B INSERT OR IGNORE INTO @(path) VALUES('b')",
      "B INSERT OR ROLLBACK INTO @(path) VALUES('b')", "B INSERT OR FAIL INTO @(path) VALUES('b')",
      "B REPLACE INTO @(path) VALUES('p1')", "A COMMIT", "B COMMIT", "A SELECT count(*) FROM @"}},
    {"CREATE, DROP and RENAME wait as writes do",
     {"A BEGIN IMMEDIATE", "B DROP TABLE @", "B ALTER TABLE @ RENAME TO other", "A COMMIT",
      "B ALTER TABLE @ RENAME TO other", "A SELECT count(*) FROM other", "A BEGIN", "A SELECT count(*) FROM other",
      "B DROP TABLE other", "A COMMIT", "B DROP TABLE IF EXISTS other", "A SELECT count(*) FROM other"}},
    {"locking_mode=EXCLUSIVE",
     {"A PRAGMA locking_mode=EXCLUSIVE", "A UPDATE @ SET value = 5", "B SELECT count(*) FROM @",
      "B INSERT INTO @(path) VALUES('b')", "A PRAGMA locking_mode=NORMAL", "A SELECT count(*) FROM @",
      "B SELECT total(value) FROM @"}},
    {"a large write that a lock refuses leaves nothing",
     {"B BEGIN", "B SELECT count(*) FROM @", "A BEGIN",
      "A INSERT INTO @(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
      "SELECT 'large/' || i, zeroblob(100) FROM n",
      "A SELECT count(*) FROM @", "A COMMIT", "A ROLLBACK", "A SELECT count(*) FROM @", "B COMMIT",
      "B SELECT count(*) FROM @"}},
    {"a large savepoint is taken back behind a commit that a lock refused",
     {"B BEGIN", "B SELECT count(*) FROM @", "A SAVEPOINT p", "A UPDATE @ SET value = 7", "A ROLLBACK TO p",
      "A RELEASE p", "B COMMIT", "A SAVEPOINT q",
      "A INSERT INTO @(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
      "SELECT 'large/' || i, zeroblob(100) FROM n",
      "A ROLLBACK TO q", "A INSERT INTO @(path) VALUES('small')", "A SELECT count(*), total(value) FROM @", "A COMMIT",
      "A SELECT count(*), total(value) FROM @", "B SELECT count(*), total(value) FROM @"}},
};

static const struct patience {
    const char *name;
    int timeout; /* -1: a handler */
} patiences[] = {{"no timeout", 0}, {"a timeout", 15}, {"a handler", -1}};
enum { PATIENCES = 3, JOURNALS = 2 };
static const char *const journals[JOURNALS] = {"WAL", "DELETE"};

struct pair {
    sqlite3 *db[CONNECTIONS];
    unsigned asked; /* times that handlers were asked since the last step */
};

static int give_up_soon(void *context, int calls) {
    struct pair *pair = context;
    pair->asked++;
    return calls < PATIENCE;
}

static void pair_open(struct pair *pair, const char *path, bool art, const char *journal,
                      const struct patience *patience) {
    *pair = (struct pair){.asked = 0};
    for (int i = 0; i < CONNECTIONS; i++) {
        sqlite3 *db = pair->db[i] = sql_open(path);
        if (i == 0) {
            sql_run(db, "PRAGMA journal_mode=%s", journal);
            if (art) sql_create(db, "t", "log_limit='4KB', spill_limit='32KB'");
            if (!art) sql_run(db, "CREATE TABLE t(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
            sql_run(db, "INSERT INTO t(path, value) VALUES('p1', 1), ('p2', 2), ('p3', 3)");
        }
        if (patience->timeout < 0) sqlite3_busy_handler(db, give_up_soon, pair);
        if (patience->timeout > 0) sqlite3_busy_timeout(db, patience->timeout);
        sql_run(db, "SELECT count(*) FROM t");
    }
}

/* changes() is left out: after a COMMIT it tells of the module's own rows (README). */
static char *outcome(sqlite3 *db, const char *text) {
    char *sql = kept(sql_named(text, "t")), *rows = NULL;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (!rc) rows = sql_answer(statement);
    if (!rc) rc = sqlite3_reset(statement);
    sqlite3_finalize(statement);
    char *out =
        sqlite3_mprintf("code %d, %s: %s", rc, sqlite3_get_autocommit(db) ? "no transaction" : "in a transaction",
                        rows && !rc ? rows : "");
    sqlite3_free(rows);
    return out;
}

static void run_script(const struct script *script, struct pair *art, struct pair *plain, const char *where) {
    for (int i = 0; i < STEPS_MAX && script->steps[i]; i++) {
        int who = script->steps[i][0] - 'A';
        const char *sql = script->steps[i] + 2;
        art->asked = plain->asked = 0;
        char *of_art = kept(outcome(art->db[who], sql)), *of_plain = kept(outcome(plain->db[who], sql));
        ck_assert_msg(!strcmp(of_art, of_plain), "%s, %s, step %d, %s\n  art    %s\n  plain  %s", script->what, where,
                      i + 1, script->steps[i], of_art, of_plain);
        ck_assert_msg(!art->asked == !plain->asked,
                      "%s, %s, step %d, %s: art asked the handler %u times, plain %u times", script->what, where, i + 1,
                      script->steps[i], art->asked, plain->asked);
    }
}

LOOP_TEST(test_a_lock_is_met_as_an_ordinary_table_meets_it, JOURNALS *PATIENCES) {
    const struct patience *patience = &patiences[_i / JOURNALS];
    const char *journal = journals[_i % JOURNALS];
    for (int i = 0; i < LENGTH(scripts); i++) {
        char *directory = kept(sql_scratch("busy")), *where = TEXT("%s, %s", journal, patience->name);
        char *art_path = TEXT("%s/art.db", directory), *plain_path = TEXT("%s/plain.db", directory);
        struct pair art, plain;
        pair_open(&art, art_path, true, journal, patience);
        pair_open(&plain, plain_path, false, journal, patience);
        run_script(&scripts[i], &art, &plain, where);
        for (int j = 0; j < CONNECTIONS; j++) {
            sql_close(art.db[j]);
            sql_close(plain.db[j]);
        }
        sql_scratch_remove(directory);
    }
}

/* Two connections to a database of their own, of which the first asks give_up_soon(). Returns its folder. */
static char *open_beside(struct pair *pair, const char *setup, ...) {
    char *directory = sql_scratch("busy"), *path = TEXT("%s/beside.db", directory);
    va_list arguments;
    va_start(arguments, setup);
    char *sql = kept(sqlite3_vmprintf(setup, arguments));
    va_end(arguments);
    *pair = (struct pair){.asked = 0};
    for (int i = 0; i < CONNECTIONS; i++) pair->db[i] = sql_open(path);
    sql_run(pair->db[0], "%s", sql);
    sqlite3_busy_handler(pair->db[0], give_up_soon, pair);
    return directory;
}

static void close_beside(struct pair *pair, char *directory) {
    for (int i = 0; i < CONNECTIONS; i++) sql_close(pair->db[i]);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
}

/* SQLite waits at each page that its cache has no room for. The times that the handler was asked in COMMIT. */
static unsigned waits_of_a_commit(const char *journal, const char *settings, bool reading) {
    struct pair pair;
    char *directory = open_beside(&pair,
                                  "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF; PRAGMA cache_size=20; "
                                  "CREATE VIRTUAL TABLE t USING art(path, value, storage=inline, log_limit='4KB'%s);"
                                  "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) "
                                  "SELECT 'former/' || i, randomblob(100) FROM n; INSERT INTO t(t) VALUES('flush')",
                                  journal, settings);
    sqlite3 *writer = pair.db[0], *reader = pair.db[1];
    if (reading) sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sql_run(writer, "BEGIN; UPDATE t SET value = randomblob(100);"
                    "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                    "SELECT 'more/' || i, randomblob(100) FROM n; INSERT INTO t(t) VALUES('optimize')");
    pair.asked = 0;
    bool refused = reading && strcmp(journal, "WAL") != 0;
    ck_assert_int_eq(sql_try(writer, "COMMIT"), refused ? SQLITE_BUSY : SQLITE_OK);
    unsigned waits = pair.asked;
    if (refused) ck_assert_int_eq(sqlite3_get_autocommit(writer), 0);
    if (reading) ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t"), 2000);
    if (reading) sql_run(reader, "COMMIT");
    if (refused) sql_run(writer, "COMMIT");
    for (int i = 0; i < CONNECTIONS; i++) {
        ck_assert_int_eq(sql_int(pair.db[i], "SELECT count(*) FROM t WHERE length(value) = 100"), 5000);
        ck_assert_int_eq(sql_int(pair.db[i], "SELECT count(*) FROM art_check('t')"), 0);
    }
    close_beside(&pair, directory);
    return waits;
}

TEST(test_a_commit_waits_for_a_reader_at_one_row_and_not_at_each_page) {
    unsigned waits = waits_of_a_commit("DELETE", "", true);
    ck_assert_msg(waits >= ONCE && waits <= PAGES_OF_A_ROW * ONCE, "the handler was asked %u times", waits);
    ck_assert_uint_eq(waits_of_a_commit("WAL", "", true), 0);
    ck_assert_uint_eq(waits_of_a_commit("DELETE", "", false), 0);
}

/* A flush that is merely due is given up and tried by a later commit, but not for a lock that hinders this one, too. */
TEST(test_a_commit_of_many_tables_waits_for_a_reader_as_one_of_a_single_table) {
    enum { TABLES = 12 };
    struct pair pair;
    char *directory = open_beside(&pair, "PRAGMA synchronous=OFF; PRAGMA cache_size=10; CREATE TABLE plain(x)");
    sqlite3 *writer = pair.db[0], *reader = pair.db[1];
    for (int i = 0; i < TABLES; i++)
        sql_run(writer, "CREATE VIRTUAL TABLE t%d USING art(path, value, storage=inline, log_limit='4KB')", i);
    sql_run(reader, "BEGIN; SELECT count(*) FROM plain");
    sql_run(writer, "BEGIN");
    for (int i = 0; i < TABLES; i++)
        sql_run(writer,
                "INSERT INTO t%d WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) "
                "SELECT i, randomblob(100) FROM n",
                i);
    ck_assert_int_eq(sql_try(writer, "COMMIT"), SQLITE_BUSY);
    ck_assert_msg(pair.asked <= PAGES_OF_A_ROW * ONCE, "the handler was asked %u times", pair.asked);
    sql_run(reader, "COMMIT");
    sql_run(writer, "COMMIT");
    for (int i = 0; i < TABLES; i++) ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t%d", i), 100);
    close_beside(&pair, directory);
}

/* What hinders the main database is no reason to lock one that is attached. */
TEST(test_a_refused_commit_locks_no_attached_database) {
    struct pair pair;
    char *directory =
        open_beside(&pair, "PRAGMA cache_size=10;"
                           "CREATE VIRTUAL TABLE t USING art(path, value, storage=inline, log_limit='4KB')");
    char *path = TEXT("%s/other.db", directory);
    sqlite3 *writer = pair.db[0], *reader = pair.db[1], *other = sql_open(path);
    sql_run(writer, "ATTACH '%s' AS other; CREATE TABLE other.p(x)", path);
    sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sql_run(writer, "BEGIN; INSERT INTO other.p VALUES(1);"
                    "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) "
                    "SELECT i, randomblob(100) FROM n");
    ck_assert_int_eq(sql_try(writer, "COMMIT"), SQLITE_BUSY);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM p"), 0);
    sql_run(reader, "COMMIT");
    sql_run(writer, "COMMIT");
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM p"), 1);
    sql_close(other);
    close_beside(&pair, directory);
}

/* SQLite asks a table for its message behind xSync, and not behind a DROP. */
TEST(test_a_commit_does_not_say_why_a_drop_was_refused) {
    struct pair pair;
    char *directory = open_beside(&pair, "SELECT 1");
    sqlite3 *writer = pair.db[0], *reader = pair.db[1];
    sqlite3_stmt *open;
    sql_create(writer, "t", "");
    sql_create(writer, "u", "");
    sql_run(writer, "INSERT INTO t(path) VALUES('a'), ('b')");
    sql_run(reader, "BEGIN; SELECT count(*) FROM t");
    sql_run(writer, "BEGIN; INSERT INTO u(path) VALUES('c')");
    ck_assert_int_eq(sqlite3_prepare_v2(writer, "SELECT path FROM t", -1, &open, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(open), SQLITE_ROW);
    ck_assert_int_eq(sql_try(writer, "DROP TABLE u"), SQLITE_LOCKED);
    sqlite3_finalize(open);
    ck_assert_int_eq(sql_try(writer, "COMMIT"), SQLITE_BUSY);
    ck_assert_str_eq(sqlite3_errmsg(writer), "database is locked");
    sql_run(reader, "COMMIT");
    sql_run(writer, "COMMIT");
    close_beside(&pair, directory);
}

TEST(test_a_transaction_that_goes_on_outlasts_a_reader) {
    waits_of_a_commit("DELETE", ", spill_limit='64KB'", true);
}

/* The cache spills such a page and does not write it, which looks as if a reader had hindered it. */
TEST(test_freed_pages_in_the_cache_are_no_reader) {
    static const int cache_sizes[] = {20, 50};
    for (unsigned i = 0; i < LENGTH(cache_sizes); i++) {
        char *directory = kept(sql_scratch("busy")), *path = TEXT("%s/freed.db", directory);
        sqlite3 *db = sql_open(path);
        sql_run(db,
                "PRAGMA journal_mode=PERSIST; PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF; PRAGMA cache_size=%d; "
                "CREATE TABLE plain(x);"
                "CREATE VIRTUAL TABLE t USING art(path, value, storage=inline, log_limit='4KB')",
                cache_sizes[i]);
        for (int round = 1; round < 12; round++) {
            sql_run(db,
                    "BEGIN; INSERT INTO plain WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
                    "SELECT zeroblob(9000) FROM n; DELETE FROM plain;"
                    "REPLACE INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                    "SELECT %d * i || 'x', randomblob(100) FROM n; COMMIT",
                    round);
        }
        sql_close(db);
        sql_scratch_remove(directory);
    }
}

SUITE("busy", .seconds = 120)
