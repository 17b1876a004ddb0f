/* The command 'summary=(...)': a table that has rows gets another summary, or none.
 *
 * Random histories on an art table and an ordinary one (support/summed.h), in which the command comes anywhere: within
 * transactions and savepoints, rolled back, refused at COMMIT, before and after spills and long rows. One question to
 * both tables, on the connection that writes and on one that reads an older state, tells whether the summary is that of
 * the state.
 */
#include "tests/support/sql_one.h"
#include "tests/support/summed.h"

LOOP_TEST(test_a_summary_that_comes_later_is_what_an_ordinary_table_says, 12) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .questions = "$listing | 2*$function | $best | $rows | $join",
                        .memory = _i % 6 == 5,
                        .rollback = _i % 2 == 0,
                        .inlined = _i % 3 == 1,
                        .change = summed_change,
                        .changes = 12};
    summed_history(&both, "resummarise", (unsigned)_i, 1200);
}

/* --- one by one --------------------------------------------------------------------------------------------------- */

static void setup(void) {
    art_test_hooks.blob_pages = 0;
    sql_set_up();
    sql_run(db, "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art(path, size INTEGER, owner TEXT);"
                "INSERT INTO t VALUES('a/1', 1, 'me'), ('a/2', 20, 'me'), ('b/1', 300, NULL)");
}

static const char level[] = "SELECT path, size FROM t('', '/')", sound[] = "SELECT art_check('t')";

CASE("one by one", .seconds = SUITE_FOREVER, .set_up = setup, .tear_down = sql_tear_down)

TEST(test_a_summary_that_cannot_be_changes_nothing) {
    TEXTS(wrong, "summary=(sum(nope))", "summary=(max(path))", "summary=(sum(owner))", "summary=(sum(size), max(size))",
          "summary=(avg(size))", "summary=", "summary=(sum(size)", "summary=() size");
    TEXTS(said, "a summary of a column that is not there", "the key can only be searched", "a summary is of numbers",
          "two summaries of one column", "a summary is sum(...), min(...), max(...), lookup(...) or search(...)",
          "a summary is sum(...), min(...), max(...), lookup(...) or search(...)",
          "the list of a summary is not closed", "something stands behind a summary");
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(max(size))')");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sql_run(db, i % 2 ? "BEGIN" : "SELECT 1");
        ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('%s')", wrong[i]), SQLITE_ERROR);
        ck_assert_msg(strstr(sqlite3_errmsg(db), said[i]) != NULL, "%s: %s", wrong[i], sqlite3_errmsg(db));
        sql_expect(db, "a/|20\nb/|300\n", level);
        if (i % 2) sql_run(db, "COMMIT");
    }
    ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'), ('summary=(sum(nope))')"),
                     SQLITE_ERROR);
    sql_expect(db, "a/|20\nb/|300\n", level);
    sql_expect(db, "ok\n", sound);
    sql_expect(db, "3\n", "SELECT count(*) FROM pragma_table_info('t_artstate')");
}

TEST(test_prepared_statements_and_other_connections_follow) {
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *own = sql_prepare(db, level), *theirs = sql_prepare(other, level), *idle;
    static const char *const changes[] = {"summary=(sum(size))", "summary=(min(size))", "summary=()"};
    static const char *const shows[] = {"a/|21\nb/|300\n", "a/|1\nb/|300\n", "a/|\nb/|\n"};
    for (int i = 0; i < 3; i++) {
        sqlite3_prepare_v2(other, level, -1, &idle, NULL);
        sqlite3_step(idle);
        sqlite3_reset(idle); /* keeps the handle that it was prepared with */
        sql_command(i % 2 ? other : db, "main", "t", changes[i]);
        char *one = sql_answer(own), *two = sql_answer(theirs);
        sql_expect(db, shows[i], level);
        sql_expect(other, shows[i], level);
        ck_assert_str_eq(one, two);
        sqlite3_finalize(idle);
        sqlite3_free(one);
        sqlite3_free(two);
    }
    sqlite3_finalize(own);
    sqlite3_finalize(theirs);
    sql_close(other);
}

/* A listing, and the best rows. */
TEST(test_an_open_query_is_told_or_gives_the_rows) {
    sql_command(db, "main", "t", "summary=(sum(size))");
    sqlite3_stmt *listing = sql_prepare(db, level), *rows = sql_prepare(db, "SELECT path FROM t WHERE size > 1");
    sqlite3_stmt *best = sql_prepare(db, "SELECT path FROM t ORDER BY size DESC LIMIT (SELECT 9)");
    ck_assert_int_eq(sqlite3_step(listing), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(listing, 1), 21);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_step(best), SQLITE_ROW);
    sql_command(db, "main", "t", "summary=()");
    ck_assert_int_ne(sqlite3_step(listing), SQLITE_ROW);
    ck_assert_str_eq(sqlite3_errmsg(db), "art: the summary was changed while the query ran (t): run it again");
    ck_assert_int_ne(sqlite3_step(best), SQLITE_ROW);
    ck_assert_str_eq(sqlite3_errmsg(db), "art: the summary was changed while the query ran (t): run it again");
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(rows, 0), "b/1");
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_DONE);
    sqlite3_finalize(listing);
    sqlite3_finalize(rows);
    sqlite3_finalize(best);
}

static void fill_many(void) {
    sql_run(db,
            "CREATE VIRTUAL TABLE many USING art(path, size INTEGER, mtime INTEGER, owner TEXT, log_limit='8KB');"
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO many SELECT "
            "printf('%%s%%06d', substr('ABab', 1 + i %% 4, 1), i), 1000, 1, 'o' || (i %% 10) FROM n;"
            "INSERT INTO many(many) VALUES('summary=(max(size), lookup(owner))')");
}

/* What they pass over is told by columns of the former summary; and each of them searches anew for its next row. */
TEST(test_open_walks_that_pass_over_rows_forget_the_former_summary) {
    static const struct {
        const char *query, *change;
        int64_t rows;
    } walks[] = {
        {"path LIKE 'a%' AND size > 500", "INSERT INTO many(many) VALUES('summary=(max(mtime))')", 10001},
        {"path LIKE 'a%' AND size > 500", "INSERT INTO many(many) VALUES('summary=()')", 10001},
        {"owner = 'o3'", "ROLLBACK TO before", 2000},
        {"owner = 'o3'", "ROLLBACK", 2000},
        {"owner = 'o3'", "INSERT INTO many(many) VALUES('summary=(lookup(path))')", 2000},
        {"owner = 'o3'", "INSERT INTO many(many) VALUES('summary=(max(size), lookup(mtime))')", 2000},
    };
    fill_many();
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        sql_run(db, "BEGIN; SAVEPOINT before; INSERT INTO many(many) VALUES('summary=(max(size), lookup(owner), "
                    "min(mtime))')");
        sqlite3_stmt *walk = sql_prepare(db, "SELECT path FROM many WHERE %s", walks[i].query);
        int64_t rows = 0;
        for (; sqlite3_step(walk) == SQLITE_ROW; rows++) {
            if (rows == 100) sql_try(db, "%s", walks[i].change);
        }
        ck_assert_msg(sqlite3_errcode(db) == SQLITE_DONE || sqlite3_errcode(db) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        ck_assert_msg(rows == walks[i].rows, "%s, %s: %lld rows", walks[i].query, walks[i].change, (long long)rows);
        sqlite3_finalize(walk);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    }
}

TEST(test_it_goes_with_other_changes_of_the_table) {
    sql_run(db,
            "BEGIN; INSERT INTO t(t) VALUES('summary=(max(size))'); INSERT INTO t(t) VALUES('add column n INTEGER');"
            "UPDATE t SET n = 5; INSERT INTO t(t) VALUES('summary=(sum(n), sum(size))'), ('optimize');"
            "ALTER TABLE t RENAME TO u; INSERT INTO u(u) VALUES('summary=(sum(n), min(size))')");
    sql_expect(db, "15|ok\n", "SELECT art_sum('u', 'n', ''), art_check('u')");
    sql_run(db, "ROLLBACK");
    sql_expect(db, "a/|\nb/|\n", level);
    sql_run(db, "BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('summary=(sum(size))'); DROP TABLE t; ROLLBACK TO s");
    sql_expect(db, "a/|\nb/|\n", level);
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'); DROP TABLE t; COMMIT");
    sql_expect(db, "0\n", "SELECT count(*) FROM sqlite_schema");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=()); "
                "INSERT INTO t(t) VALUES('summary=(sum(size))')"); /* no rows */
    sql_expect(db, "0|ok\n", "SELECT art_sum('t', 'size', ''), art_check('t')");
    sql_run(db, "INSERT INTO t VALUES('a/b', 7)");
    sql_expect(db, "a/|7\n", level);
}

TEST(test_a_schema_that_cannot_be_changed_leaves_all_as_it_was) {
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(max(size))')");
    for (int i = 0; i < 4; i++) {
        sql_run(db, i < 2 ? "SELECT 1" : "BEGIN; INSERT INTO t VALUES('c/%d', 4, 0)", i);
        sql_forbid(db, i % 2 ? SQLITE_IGNORE : SQLITE_DENY, SQLITE_ALTER_TABLE, NULL, NULL);
        sql_refused(db, SQLITE_AUTH, "not authorized", "INSERT INTO t(t) VALUES('summary=(sum(size))')");
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
        sql_expect(db, i < 2 ? "a/|20\nb/|300\n" : "a/|20\nb/|300\nc/|4\n", level);
        if (i >= 2) sql_run(db, "INSERT INTO t VALUES('a/3', 5, 0); COMMIT");
        sql_expect(db, "ok\n", sound);
        if (i >= 2) sql_run(db, "DELETE FROM t WHERE path = 'a/3' OR path GLOB 'c/*'");
    }
    sqlite3 *other = sql_open(path);
    sql_expect(other, "a/|20\nb/|300\n", level);
    sql_close(other);
    sql_close(db);
    db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    sql_refused(db, SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('summary=(sum(size))')");
    sql_expect(db, "a/|20\nb/|300\n", level);
}

TEST(test_copies_have_it_and_damage_is_told) {
    char *copy = sqlite3_mprintf("%s/copy.db", directory);
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'); SELECT art_backup('%s'); VACUUM", copy);
    sqlite3 *other = sql_open(copy);
    sql_expect(other, "a/|21\nb/|300\n", level);
    sql_run(other, "INSERT INTO t(t) VALUES('summary=(min(size))')");
    sql_expect(other, "a/|1\nb/|300\n", level);
    sql_close(other);
    sqlite3_free(copy);
    sql_expect(db, "a/|21\nb/|300\n", level);
    sql_run(db, "ALTER TABLE t_artstate ADD COLUMN \"summary 9: sum(nothing)\"");
    sql_refused(db, SQLITE_ERROR, "a summary of a column that is not there", level);
    sql_run(db, "ALTER TABLE t_artstate DROP COLUMN \"summary 9: sum(nothing)\"");
    sql_expect(db, "a/|21\nb/|300\n", level);
}

int main(void) {
    return differential_run((struct suite_case){.name = "another summary", .seconds = SUITE_FOREVER});
}
