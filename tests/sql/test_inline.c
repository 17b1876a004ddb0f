/* storage=inline under SQL: what is SQLite's there and a file's elsewhere, against an ordinary table in the same
 * database.
 *
 * Blobs are rows of T_artblob, so a flush, a merge and a spill are statements that can be refused, run out of room, be
 * interrupted, or take the whole transaction with them; a savepoint takes them back; and a program that may write the
 * table may spoil them.
 */
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/sql_one.h"

TEXTS(modes, "WAL", "DELETE");

/* Database and tables anew: `t`, and the ordinary `o`. */
static void make(const char *journal, const char *options) {
    sql_tear_down();
    sql_set_up();
    twin = "o";
    run("PRAGMA synchronous=OFF; PRAGMA journal_mode=%s; CREATE TABLE o(path TEXT PRIMARY KEY, value) WITHOUT ROWID",
        journal);
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=inline%s%s)", *options ? ", " : "", options);
}

static void same(sqlite3 *on, const char *when) {
    char *art = kept(sql_rows(on, "SELECT path, hex(value) FROM t ORDER BY path"));
    char *ordinary = kept(sql_rows(on, "SELECT path, hex(value) FROM o ORDER BY path"));
    ck_assert_msg(!strcmp(art, ordinary), "%s: differs from the ordinary table", when);
}

static void all_is_well(const char *when) {
    same(db, when);
    sqlite3 *other = sql_open(path);
    same(other, when);
    char *check = kept(sql_rows(other, "SELECT art_check('t')"));
    ck_assert_msg(!strcmp(check, "ok\n"), "%s: %s", when, check);
    sql_close(other);
}

/* Rows [from, from + count) into both. */
static int try_fill(const char *name, int from, int count, int bytes) {
    int rc = SQLITE_OK;
    TEXTS(tables, "o", "t");
    for (int i = 0; i < 2 && !rc; i++) {
        rc = sql_try(db,
                     "INSERT OR REPLACE INTO %s WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) SELECT "
                     "printf('%s/%%06d', i), CAST(printf('%%0*d', %d, i) AS BLOB) FROM n",
                     tables[i], from, count, name, bytes);
    }
    return rc;
}

static void fill(const char *name, int from, int count, int bytes) {
    ck_assert_int_eq(try_fill(name, from, count, bytes), SQLITE_OK);
}

static int64_t pages_of_rows(void) {
    return sql_int(db, "SELECT count(*) FROM t_artblob");
}

/* --- no room ------------------------------------------------------------------------------------------------------ */

static void work_one_row(void) {
    if (!sql_try(db, "BEGIN") && !try_fill("row", 0, 1, 2000)) sql_try(db, "COMMIT");
}

static void work_a_lone_statement(void) {
    sql_try(db, "INSERT INTO t VALUES('lone', zeroblob(3000))");
}

static void work_a_spill(void) {
    if (!sql_try(db, "BEGIN") && !try_fill("spill", 0, 300, 500) && !sql_try(db, "SAVEPOINT s") &&
        !try_fill("again", 0, 300, 500)) {
        sql_try(db, "COMMIT");
    }
}

static void work_a_spill_row_by_row(void) {
    int rc = sql_try(db, "BEGIN");
    for (int i = 0; i < 250 && !rc; i++) rc = try_fill("step", i, 1, 900);
    if (!rc) sql_try(db, "COMMIT");
}

static void work_a_merge(void) {
    if (!sql_try(db, "BEGIN") && !try_fill("merge", 0, 20, 300) && !sql_try(db, "INSERT INTO t(t) VALUES('optimize')"))
        sql_try(db, "COMMIT");
}

static void (*const works[])(void) = {work_one_row, work_a_lone_statement, work_a_spill, work_a_spill_row_by_row,
                                      work_a_merge};

/* A log that is nearly full, over two runs. */
static void prepare_work(const char *journal) {
    make(journal, "log_limit='16KB', spill_limit='64KB', cache='256KB'");
    fill("base", 0, 200, 500);
    run("INSERT INTO t(t) VALUES('flush')");
    fill("other", 0, 200, 500);
    run("INSERT INTO t(t) VALUES('flush')");
    fill("log", 0, 15, 950);
}

/* No page of the database is free, and so many more may come. */
static void limit_pages(int room) {
    run("CREATE TABLE IF NOT EXISTS other(x)");
    while (sql_int(db, "PRAGMA freelist_count")) run("INSERT INTO other VALUES(zeroblob(3500))");
    run("PRAGMA max_page_count=%d", (int)sql_int(db, "PRAGMA page_count") + room);
}

/* What a failed statement has left of its transaction is taken back; then both tables are one. */
static void after_work(const char *what, int n) {
    char *when = TEXT("%s, %d", what, n);
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    run("DELETE FROM t WHERE path = 'lone'");
    all_is_well(when);
    fill("then", 0, 20, 900);
    all_is_well(when);
}

/* What a sweep skips grows with where it is: by so much of that, or more where a part is asked for. */
static int grain(int usual) {
    return random_stride() > 1 ? usual / 3 : usual;
}

/* Where a part is asked for, a work in a mode meets a full database or interrupts. */
static bool left_out(int i, bool interrupts) {
    return random_stride() > 1 && (i % 2 + i / 2 + interrupts) % 2;
}

LOOP_TEST(test_a_full_database_fails_the_transaction_as_a_whole, 2 * LENGTH(works)) {
    if (left_out(_i, false)) return;
    int failures = 0, room = 0;
    for (bool failed = true; failed; room += 1 + room / grain(12)) {
        prepare_work(modes[_i % 2]);
        limit_pages(room);
        works[_i / 2]();
        int rc = sqlite3_errcode(db);
        failed = rc == SQLITE_FULL;
        bool open = !sqlite3_get_autocommit(db);
        if (failed && open) run("ROLLBACK");
        failures += failed;
        run("PRAGMA max_page_count=1000000");
        after_work("full", room);
        ck_assert_msg(room < 4000, "it never ends");
    }
    ck_assert_int_gt(failures, 0);
}

/* Nobody tells art of this limit. Dead blobs have the pages that a portion needs: they go first. */
LOOP_TEST(test_a_database_that_may_not_grow_is_vacuumed, LENGTH(modes)) {
    make(modes[_i], "");
    run("CREATE VIRTUAL TABLE v USING art(path, value, storage=inline);"
        "INSERT INTO v WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) "
        "SELECT printf('d%%02d/%%06d', i %% 7, i * 7919 %% 60013), printf('v%%0300d', i) FROM n");
    for (int i = 0; i < 3; i++) run("UPDATE v SET value = substr(value, 2) || %d WHERE substr(path, 5) %% 5 = 0", i);
    run("PRAGMA max_page_count=%d", (int)sql_int(db, "PRAGMA page_count"));
    run("SELECT art_vacuum('v')");
    expect("1|0|60000|ok\n", "SELECT max(value) FILTER (WHERE property = 'runs'), max(value) FILTER (WHERE property = "
                             "'retired slots'), (SELECT count(*) FROM v), art_check('v') FROM art_debug('v')");
}

/* No page is free, and the log is to be flushed: a transaction that only deletes would go on without the flush, but
 * SQLite has ended the transaction with the statement that found no room, and says so nowhere. */
static void prepare_deletes(const char *journal, int room) {
    prepare_work(journal);
    run("INSERT INTO t(t) VALUES('flush'); CREATE TABLE other(x); INSERT INTO other VALUES(0)");
    run("INSERT INTO t(t) VALUES('vacuum')"); /* no blob is left to be overwritten */
    limit_pages(room);
}

LOOP_TEST(test_deletes_in_a_full_database_are_committed_with_all_else_or_not_at_all, 2) {
    int failures = 0;
    bool failed = true;
    for (int room = 0; failed; room++) {
        prepare_deletes(modes[_i], room);
        run("BEGIN; UPDATE other SET x = 1 WHERE x = 0; DELETE FROM t WHERE path < 'log/' OR path > 'log0'");
        failed = sql_try(db, "COMMIT") != SQLITE_OK;
        failures += failed;
        if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
        char *expected = TEXT("%d|%d|ok\n", !failed, failed ? 415 : 15);
        static const char *const all =
            "SELECT (SELECT count(*) FROM other WHERE x = 1), (SELECT count(*) FROM t), art_check('t')";
        expect(expected, all);
        sqlite3 *stranger = sql_open(path);
        sql_expect(stranger, expected, all);
        sql_close(stranger);
        ck_assert_int_lt(room, 100);
    }
    ck_assert_int_gt(failures, 0);
}

/* A transaction that has ended within a statement of ours is over. What else is being read goes on with what is
 * committed, and a transaction that was begun since is not rolled back with it. */
TEST(test_a_query_goes_on_when_the_transaction_ended_in_another_statement) {
    sqlite3_stmt *open;
    int rows = 1;
    prepare_work("WAL");
    run("CREATE TABLE plain(x)");
    limit_pages(2);
    run("BEGIN; INSERT INTO t VALUES('zzz', 'uncommitted')");
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT path, value FROM t ORDER BY path", -1, &open, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(open), SQLITE_ROW);
    int rc = SQLITE_OK;
    for (int i = 0; i < 1000 && !rc; i++) rc = sql_try(db, "INSERT INTO t VALUES('full/%06d', zeroblob(900))", i);
    ck_assert_int_eq(rc, SQLITE_FULL);
    ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
    run("PRAGMA max_page_count=1000000; BEGIN; INSERT INTO plain VALUES(1)");
    while ((rc = sqlite3_step(open)) == SQLITE_ROW) rows++;
    ck_assert_msg(rc == SQLITE_DONE, "%d: %s", rc, sqlite3_errmsg(db));
    ck_assert_int_eq(rows, 415);
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
    sqlite3_finalize(open);
    run("COMMIT");
    expect("1\n", "SELECT x FROM plain");
    expect("415|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* --- interrupted -------------------------------------------------------------------------------------------------- */

static int questions_left;

static int stop(void *context) {
    return questions_left-- <= 0;
}

LOOP_TEST(test_an_interrupt_anywhere_leaves_all_or_nothing, 2 * LENGTH(works)) {
    if (left_out(_i, true)) return;
    int interrupts = 0;
    bool interrupted = true;
    for (int n = 0; interrupted; n += 1 + n / grain(6)) {
        prepare_work(modes[_i % 2]);
        questions_left = n;
        sqlite3_progress_handler(db, 5, stop, NULL);
        works[_i / 2]();
        interrupted = questions_left < 0;
        sqlite3_progress_handler(db, 0, NULL, NULL);
        interrupts += interrupted;
        after_work("interrupted", n);
    }
    ck_assert_int_gt(interrupts, 5);
}

/* Stops the n-th time that a page of a blob is on its way into the table of blobs. */
static int stop_at_a_page(void *context) {
    int *pages = context;
    for (sqlite3_stmt *each = NULL; (each = sqlite3_next_stmt(db, each));) {
        const char *sql = sqlite3_sql(each);
        if (sql && sqlite3_stmt_busy(each) && strstr(sql, "_artblob") && !sqlite3_stmt_readonly(each)) {
            return (*pages)-- <= 0;
        }
    }
    return 0;
}

static int spill_behind_another_table(sqlite3_stmt *insert, int from) {
    int rc = sql_try(db, "BEGIN; CREATE TABLE made_within(x)");
    sqlite3_bind_int(insert, 1, from);
    if (!rc) rc = sqlite3_step(insert);
    int end = sqlite3_reset(insert);
    return end ? end : rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* With the transaction SQLite takes back its own change of the schema, so the next statement connects the table anew
 * and asks where its blobs are. The statement that failed is kept, as drivers keep theirs, and so the tree is. */
LOOP_TEST(test_a_table_goes_on_when_a_spill_failed_behind_a_change_of_the_schema, 2 * LENGTH(modes)) {
    bool full = _i % 2;
    sqlite3_stmt *insert;
    for (int n = 0; n < 40; n += 3) {
        prepare_work(modes[_i / 2]);
        char *before = kept(sql_rows(db, "SELECT path, hex(value) FROM t"));
        if (full) limit_pages(2 + n);
        insert = sql_prepare(db, "INSERT INTO t WITH n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
                                 "SELECT printf('behind/%%06d', i), zeroblob(500) FROM n");
        int pages = n;
        if (!full) sqlite3_progress_handler(db, 1, stop_at_a_page, &pages);
        ck_assert_int_eq(spill_behind_another_table(insert, 0), full ? SQLITE_FULL : SQLITE_INTERRUPT);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
        expect(before, "SELECT path, hex(value) FROM t");
        run("PRAGMA max_page_count=1000000");
        ck_assert_int_eq(spill_behind_another_table(insert, 1000), SQLITE_OK);
        run("COMMIT; DELETE FROM t WHERE path GLOB 'behind/*'");
        sqlite3_finalize(insert);
        all_is_well("behind a change of the schema");
    }
}

/* --- spoilt rows -------------------------------------------------------------------------------------------------- */

enum { SILENT = 50, NAMED, WRONG, UNCLEAR };

static char *rows_or_error(sqlite3 *on, const char *sql, int *rc) {
    sqlite3_stmt *statement = NULL;
    sqlite3_str *rows = sqlite3_str_new(NULL);
    sqlite3_str_appendall(rows, "");
    *rc = sqlite3_prepare_v2(on, sql, -1, &statement, NULL);
    if (!*rc) {
        while ((*rc = sqlite3_step(statement)) == SQLITE_ROW) {
            sqlite3_str_appendf(rows, "%s|%d\n", sqlite3_column_text(statement, 0), sqlite3_column_bytes(statement, 1));
        }
        if (*rc == SQLITE_DONE) *rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return sqlite3_str_finish(rows);
}

TEXTS(readings, "SELECT path, value FROM t", "SELECT path, value FROM t ORDER BY path DESC",
      "SELECT path, value FROM t WHERE path = 'base/000150'", "SELECT count(*), '' FROM t WHERE path GLOB 'base/0*'");
static char *expected[LENGTH(readings)];

/* In a child: nobody has verified anything there yet. */
static int read_spoilt(void) {
    sqlite3 *own = sql_open(path);
    int verdict = SILENT, rc;
    for (int i = 0; i < LENGTH(readings); i++) {
        char *rows = rows_or_error(own, readings[i], &rc);
        const char *message = sqlite3_errmsg(own);
        if (!rc && strcmp(rows, expected[i]) != 0) {
            printf("a wrong row: %s\n", readings[i]);
            return WRONG;
        }
        if (!rc) continue;
        verdict = NAMED;
        bool clear =
            strstr(message, "(the table of blobs, slot") || strstr(message, "cannot read the table of blobs: no such");
        if (rc != SQLITE_CORRUPT_VTAB || !clear) {
            printf("%d \"%s\" for: %s\n", rc, message, readings[i]);
            return UNCLEAR;
        }
    }
    char *check = kept(sql_rows(own, "SELECT count(*) FROM art_check('t')"));
    if (verdict == NAMED && !strcmp(check, "0\n")) {
        printf("the check finds nothing\n");
        return UNCLEAR;
    }
    char *sound = kept(sql_rows(own, "SELECT art_check('t')"));
    if (verdict == NAMED && !strcmp(sound, "ok\n")) return UNCLEAR;
    rc = sql_try(own, "INSERT INTO t(t) VALUES('integrity-check')");
    if (verdict == NAMED && rc != SQLITE_CORRUPT_VTAB) return UNCLEAR;
    sql_try(own, "INSERT INTO t VALUES('new', 1)");
    sql_try(own, "INSERT INTO t(t) VALUES('optimize')");
    sql_try(own, "DROP VIEW t_artblob"); /* SQLite's DROP TABLE takes none */
    sql_run(own, "DROP TABLE t");
    sql_close(own);
    return verdict;
}

TEST(test_spoilt_rows_are_named_and_never_a_wrong_row) {
    int named = 0, silent = 0;
    unsigned turn = 0;
    make("DELETE", "");
    fill("base", 0, 300, 700);
    fill("other", 0, 200, 20000);
    run("INSERT INTO t(t) VALUES('flush')");
    fill("base", 100, 100, 300);
    run("INSERT INTO t(t) VALUES('flush')");
    for (int i = 0, rc; i < LENGTH(readings); i++) expected[i] = rows_or_error(db, readings[i], &rc);
    char *aside = TEXT("%s/aside.db", directory);
    sql_close(db);
    sql_copy_file(path, aside);
    EACH(
        spoil, "DELETE FROM t_artblob WHERE page = %lld", "UPDATE t_artblob SET data = NULL WHERE page = %lld",
        "UPDATE t_artblob SET data = x'' WHERE page = %lld",
        "UPDATE t_artblob SET data = substr(data, 1, length(data) - 4096) WHERE page = %lld",
        "UPDATE t_artblob SET data = substr(data, 1, length(data) - 1) WHERE page = %lld",
        "UPDATE t_artblob SET data = substr(data, 2) || x'00' WHERE page = %lld",
        "UPDATE t_artblob SET data = CAST(data AS TEXT) || 'x' WHERE page = %lld",
        "UPDATE t_artblob SET data = hex(data) WHERE page = %lld", "UPDATE t_artblob SET data = 17 WHERE page = %lld",
        "UPDATE t_artblob SET data = zeroblob(length(data)) WHERE page = %lld",
        "UPDATE t_artblob SET data = zeroblob(40000000) WHERE page = %lld",
        "UPDATE t_artblob SET data = randomblob(length(data)) WHERE page = %lld",
        "UPDATE t_artblob SET page = page + 1 WHERE page = %lld", "UPDATE t_artblob SET page = -page WHERE page = %lld",
        "UPDATE t_artblob SET page = 9223372036854775807 WHERE page = %lld",
        "UPDATE t_artblob SET page = page + 1152921504606846976 WHERE page = %lld",
        "UPDATE t_artblob SET data = (SELECT o.data FROM t_artblob o WHERE o.page <> t_artblob.page) WHERE page = %lld",
        "INSERT OR IGNORE INTO t_artblob VALUES(%lld + 1, zeroblob(32768))",
        "INSERT OR REPLACE INTO t_artblob VALUES(%lld * 0 + 9223372036854775000, zeroblob(32768))",
        "DELETE FROM t_artblob WHERE page >= %lld", "DROP TABLE t_artblob -- %lld",
        "ALTER TABLE t_artblob RENAME COLUMN data TO other -- %lld",
        "DROP TABLE t_artblob; CREATE TABLE t_artblob(page, data); -- %lld",
        "DROP TABLE t_artblob; CREATE VIEW t_artblob AS SELECT 1 AS page, zeroblob(9) AS data -- %lld") {
        for (int row = 0; row < 6; row++) {
            if (turn++ % random_stride()) continue;
            unlink(path);
            sql_copy_file(aside, path);
            db = sql_open(path);
            sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
            int64_t all = sql_int(db, "SELECT count(*) FROM t_artblob");
            int64_t page =
                sql_int(db, "SELECT page FROM t_artblob ORDER BY page LIMIT 1 OFFSET %lld", row * (all - 1) / 5);
            char *sql = TEXT(spoil, page);
            sql_try(db, "%s", sql);
            sql_close(db);
            int verdict = apart(read_spoilt);
            ck_assert_msg(verdict == SILENT || verdict == NAMED, "%s: verdict %d", sql, verdict);
            named += verdict == NAMED;
            silent += verdict == SILENT;
        }
    }
    printf("spoilt rows: %d named, %d of no account\n", named, silent);
    ck_assert_int_gt(named, 60 / (int)random_stride());
    db = sql_open(path);
    for (int i = 0; i < LENGTH(readings); i++) sqlite3_free(expected[i]);
}

/* --- the rows themselves ------------------------------------------------------------------------------------------ */

/* The zeros at a page's end are not stored, so that a page of leaves is a page of the database's. They are there again
 * when it is read into memory that was used before. */
TEST(test_a_page_of_leaves_takes_one_page_of_the_database) {
    make("WAL", "cache='4MB'");
    /* Short; no page is as full as the one before. */
    both("INSERT INTO @ WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 120000) SELECT "
         "printf('small/%06d', i), CAST(printf('%0*d', 6 + i * 7919 % 97, i) AS BLOB) FROM n");
    run("INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t) VALUES('vacuum')");
    int64_t leaves = sql_int(db, "SELECT count(*) FROM t_artblob WHERE page %% 128 < 100");
    ck_assert_int_gt(leaves, 200);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artblob WHERE page %% 128 < 100 AND length(data) > 4057"), 0);
    ck_assert_int_gt(sql_int(db, "SELECT count(*) FROM t_artblob WHERE length(data) > 3900"), leaves * 9 / 10);
    all_is_well("pages of leaves");
    /* With the cache full, single pages are read past it, each into the memory of another. */
    expect("5000\n",
           "SELECT count(t.value = a.value) FROM (SELECT * FROM o ORDER BY random() LIMIT 5000) a CROSS JOIN t "
           "ON t.path = a.path");
}

/* --- errors that come once ---------------------------------------------------------------------------------------- */

static int interrupt_in, interrupted;

static int interrupt_once(void *context) {
    if (--interrupt_in) return 0;
    interrupted++;
    return 1;
}

/* A read that failed is not tried again: SQLite may have ended the transaction, and a handler that says "stop" says it
 * once. */
LOOP_TEST(test_an_interrupt_of_a_read_is_not_lost, 2) {
    make("WAL", _i ? "cache='64KB'" : "");
    fill("k", 0, 20000, 60);
    run("INSERT INTO t(t) VALUES('optimize')");
    int fired = 0;
    for (int n = 1; n < 200; n++) {
        sql_reopen();
        if (n % 3) sqlite3_free(sql_rows(db, "SELECT value FROM t WHERE path = 'k/000001'"));
        interrupt_in = n;
        interrupted = 0;
        sqlite3_progress_handler(db, 1, interrupt_once, NULL);
        int rc = sqlite3_exec(
            db, n % 2 ? "SELECT value FROM t WHERE path = 'k/015000'" : "SELECT value FROM t WHERE path > 'k/015'",
            NULL, NULL, NULL);
        sqlite3_progress_handler(db, 0, NULL, NULL);
        ck_assert_msg(!interrupted || (rc == SQLITE_INTERRUPT && !strcmp(sqlite3_errmsg(db), "interrupted")),
                      "instruction %d: %d %s", n, rc, sqlite3_errmsg(db));
        fired += interrupted;
    }
    ck_assert_int_gt(fired, 40);
}

/* --- room --------------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_nothing_is_left_but_the_blobs_that_are_named, 2) {
    int64_t most = 0;
    make(modes[_i], "log_limit='16KB', spill_limit='128KB', cache='1MB'");
    struct random random = {random_seed()};
    for (int i = 0; i < 300; i++) {
        if (!random_span(&random)) continue;
        int from = (int)random_below(&random, 20);
        bool transaction = random_once_in(&random, 3);
        if (transaction) run("BEGIN; SAVEPOINT s");
        fill("churn", from * 100, 100, 200);
        if (transaction && random_once_in(&random, 3)) {
            run("ROLLBACK TO s");
            fill("churn", from * 50, 30, 100);
        }
        if (transaction) run(random_once_in(&random, 4) ? "ROLLBACK" : "COMMIT");
        int64_t bytes = pages_of_rows() * 4096, named = sql_info(db, "bytes");
        ck_assert_int_ge(bytes, named);
        if (bytes > most) most = bytes;
    }
    int64_t rows = sql_int(db, "SELECT sum(length(path) + length(value)) FROM t");
    printf("churn: %lld bytes of rows, at most %lld of blobs\n", (long long)rows, (long long)most);
    ck_assert_int_lt(most, 6 * rows + (4 << 20));
    run("INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t) VALUES('vacuum')");
    ck_assert_int_eq(pages_of_rows() * 4096, sql_info(db, "bytes"));
    all_is_well("after churn");
    both("DELETE FROM @");
    run("INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t) VALUES('vacuum')");
    ck_assert_int_eq(sql_info(db, "bytes"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artblob"), 0);
}

/* Commits leave rows of a few dead blobs to the next blobs, which overwrite them; also where hardly any come. */
TEST(test_a_table_that_shrinks_leaves_the_rows_of_few_dead_blobs) {
    enum { ROWS = 20000, STEP = 60, LEFT_MOST = 3 };
    struct random random = {3};
    make("WAL", "log_limit='16KB'");
    fill_rows("INTO t", 0, ROWS, "printf('k/%%06d', i), randomblob(600)");
    for (int i = 0; i < 400 + ROWS / (5 * STEP); i++) {
        int from = i < 400 ? (int)random_below(&random, ROWS) : (i - 400) * 5 * STEP;
        run("DELETE FROM t WHERE path >= 'k/%06d' AND path < 'k/%06d'", from, from + (i < 400 ? STEP : 5 * STEP - 10));
        if (i % 4 == 0 || i >= 400) run("INSERT INTO t(t) VALUES('flush')");
    }
    int64_t slots = sql_int(db, "SELECT count(DISTINCT page / 128) FROM t_artblob"), blobs = sql_info(db, "blobs");
    printf("shrunk: %lld blobs, and rows of %lld\n", (long long)blobs, (long long)slots);
    ck_assert_int_le(slots, blobs + LEFT_MOST);
}

/* README: no commit writes more than 16 MB of blobs unless its own rows need it. */
TEST(test_no_commit_pays_for_the_whole_table) {
    enum { MOST_PAGES = (16 << 20) / 4096 };
    int64_t before = 0, most = 0, keys = 0;
    unsigned rounds = random_rounds(160);
    make("WAL", "");
    run("PRAGMA wal_autocheckpoint=10000");
    struct random random = {random_seed()};
    for (unsigned i = 0; i < rounds; i++) {
        unsigned start = random_below(&random, 1u << 30);
        int rows = i % 8 ? 2000 : 10;
        fill_rows(
            "OR REPLACE INTO t", 1, rows,
            "printf('bucket-%%03d/object-%%010d', (i * 7919 + %u) %% 1000, (i * 2654435761 + %u) %% 10000000000), i",
            start, start);
        int64_t now = sql_info(db, "pages written");
        if (now - before > most) most = now - before;
        before = now;
        keys += rows;
    }
    printf("%lld keys; at most %lld pages in a commit\n", (long long)keys, (long long)most);
    ck_assert_int_le(most, MOST_PAGES);
    expect("ok\n", "SELECT art_check('t')");
}

/* --- an INSERT that is still being stepped ------------------------------------------------------------------------ */

/* A statement that is a transaction by itself, as far as it knows, within one that goes on as another's. */
static char *with_a_statement_under_way(const char *create) {
    TEXTS(steps, "BEGIN", "INSERT INTO t VALUES('b', 3)", NULL, "SAVEPOINT s", "INSERT INTO t VALUES('c', 4)",
          "ROLLBACK TO s", "DROP TABLE t", "ROLLBACK TO s", "INSERT INTO t VALUES('d', 5)", "COMMIT");
    sqlite3_str *out = sqlite3_str_new(NULL);
    sql_tear_down();
    sql_set_up();
    run("PRAGMA journal_mode=WAL; CREATE TABLE plain(x)");
    run("%s", create);
    run("INSERT INTO t VALUES('old', 1)");
    sqlite3_stmt *writer = sql_first_row(db, "INSERT INTO plain VALUES(1),(2),(3) RETURNING x");
    sqlite3_str_appendf(out, "%d\n", sql_try(db, "INSERT INTO t VALUES('a', 2)"));
    for (size_t i = 0; i < LENGTH(steps); i++) {
        if (!steps[i]) {
            while (sqlite3_step(writer) == SQLITE_ROW) continue;
            sqlite3_finalize(writer);
            continue;
        }
        int rc = sql_try(db, "%s", steps[i]);
        sqlite3_stmt *look = NULL;
        sqlite3_prepare_v2(db, "SELECT group_concat(path) FROM (SELECT path FROM t ORDER BY path)", -1, &look, NULL);
        bool row = look && sqlite3_step(look) == SQLITE_ROW;
        sqlite3_str_appendf(out, "%s: %d %s\n", steps[i], rc,
                            row ? (const char *)sqlite3_column_text(look, 0) : "no table");
        sqlite3_finalize(look);
    }
    sqlite3 *other = sql_open(path);
    sqlite3_str_appendall(out, kept(sql_rows(other, "SELECT path, value FROM t ORDER BY path")));
    sql_close(other);
    return sqlite3_str_finish(out);
}

LOOP_TEST(test_a_transaction_that_begins_under_a_statement_is_one_of_its_own, 3) {
    char *ordinary = kept(with_a_statement_under_way("CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID"));
    TEXTS(tables, "CREATE VIRTUAL TABLE t USING art(path, value, storage=inline)",
          "CREATE VIRTUAL TABLE t USING art(path, value, storage=inline, log_limit=1)",
          "CREATE VIRTUAL TABLE t USING art(path, value, storage=file)");
    char *art = kept(with_a_statement_under_way(tables[_i]));
    ck_assert_msg(!strcmp(art, ordinary), "%s:\n%s\nordinary:\n%s", tables[_i], art, ordinary);
}

SUITE("inline", .seconds = 600, .set_up = sql_set_up, .tear_down = sql_tear_down)
