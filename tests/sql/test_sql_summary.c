/* Summaries: sums, least and largest values below every prefix, the best rows first, conditions on summarised columns.
 *
 * Random histories on an art table and an ordinary one (support/summed.h) in which a table keeps its summary, and the
 * same questions to both; then what is told, and what is refused.
 */
#include "tests/support/sql_expect.h"
#include "tests/support/summed.h"

/* With integers alone, each has its summary once more: what a zone says of them is told without a look at the rows. */
enum { SUMMARIES = SUMMED_WITHOUT_EXTRA - SUMMED_MAX_OF_SIZE };

LOOP_TEST(test_summaries_are_what_an_ordinary_table_says, 2 * SUMMARIES) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .questions = "2*$listing | $function | 2*$best | $rows | $aggregates",
                        .integers = _i >= SUMMARIES,
                        .inlined = _i % 3 == 2,
                        .now.summary = SUMMED_MAX_OF_SIZE + (unsigned)_i % SUMMARIES};
    summed_history(&both, "summary", (unsigned)_i, 1500);
}

/* New rows and growing values for long, so that nothing is hidden; then a little is. The largest value of each prefix
 * goes, and comes back. */
LOOP_TEST(test_the_extremes_of_rows_that_nothing_hides, 4) {
    struct random random = {random_seed() + (uint64_t)_i};
    printf("summary: seed %llu\n", (unsigned long long)random.state);
    art_test_hooks.blob_pages = _i % 2 ? 4 : 0;
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, time INTEGER, summary=(sum(size), max(time)), "
                "log_limit='8KB'); CREATE TABLE plain(path TEXT PRIMARY KEY, size, time)");
    for (unsigned round = 0; round < 60; round++) {
        unsigned seed = random_below(&random, 100000), some = random_below(&random, 8);
        sql_run(
            db,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT OR IGNORE INTO plain "
            "SELECT printf('d%%d/%%d/f%%d', (i * %u) %% 8, i %% 5, (i * %u) %% 100003), i * %u %% 1000 - 300, "
            "iif(i %% 11, i * %u %% 1000003, NULL) FROM n",
            seed, seed + 7, seed, seed);
        if (round > 30 && random_once_in(&random, 3)) {
            sql_run(db,
                    "UPDATE plain SET time = time - 500000 WHERE time = (SELECT max(time) FROM plain WHERE path GLOB "
                    "'d%u*')",
                    some);
            sql_run(db, "DELETE FROM plain WHERE size = (SELECT min(size) FROM plain WHERE path GLOB 'd%u*')", some);
        }
        sql_run(db, "BEGIN; SAVEPOINT a; INSERT OR REPLACE INTO t SELECT p.* FROM plain p LEFT JOIN t USING (path) "
                    "WHERE t.path IS NULL OR t.time IS NOT p.time OR t.size IS NOT p.size;"
                    "DELETE FROM t WHERE path NOT IN (SELECT path FROM plain)");
        if (random_once_in(&random, 4))
            sql_run(db, "SAVEPOINT b; DELETE FROM t WHERE path GLOB 'd%u*'; ROLLBACK TO b", some);
        for (int committed = 0; committed < 2; committed++) {
            sql_expect(db, "0\n",
                       "SELECT coalesce(group_concat(path || entries || size || coalesce(time, 0)), 0) FROM (SELECT "
                       "path, entries, size, time FROM t('', '/') EXCEPT "
                       "SELECT substr(path, 1, 3), count(*), sum(size), max(time) FROM plain GROUP BY 1)");
            sql_expect(db, "0\n",
                       "SELECT count(*) FROM (SELECT path, art_min('t', 'size', path), art_max('t', 'size', path), "
                       "art_min('t', 'time', path), time FROM t('d3/', '/') EXCEPT "
                       "SELECT substr(path, 1, 5), min(size), max(size), min(time), max(time) FROM plain GROUP BY 1)");
            if (!committed) sql_run(db, "COMMIT");
        }
        if (random_once_in(&random, 20)) sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    }
    sql_close(db);
}

/* What was found of one prefix is not the beginning of the next where a row has come between. */
TEST(test_a_level_goes_on_when_rows_come_between) {
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
                "INSERT INTO t VALUES('a/1', 1), ('c/1', 2), ('e', 4), ('g/1', 8), ('h/1', 16)");
    sqlite3_stmt *level = sql_prepare(db, "SELECT path, entries, size FROM t('', '/')");
    static const struct {
        const char *path, *then;
        int entries, size;
    } rows[] = {{"a/", "INSERT INTO t VALUES('b', 100), ('c/0', 200)", 1, 1},
                {"b", "DELETE FROM t WHERE path = 'b'", 0, 100},
                {"c/", "INSERT INTO t VALUES('c/9', 1000); DELETE FROM t WHERE path = 'a/1'", 2, 202},
                {"e", "SELECT 1", 0, 4},
                {"g/", "SAVEPOINT a; INSERT INTO t VALUES('g0', 5); ROLLBACK TO a; RELEASE a", 1, 8},
                {"h/", "SELECT 1", 1, 16}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(sqlite3_step(level), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(level, 0), rows[i].path);
        ck_assert_int_eq(sqlite3_column_int(level, 1), rows[i].entries);
        ck_assert_int_eq(sqlite3_column_int(level, 2), rows[i].size);
        sql_run(db, "%s", rows[i].then);
    }
    ck_assert_int_eq(sqlite3_step(level), SQLITE_DONE);
    sqlite3_finalize(level);
    sql_close(db);
}

/* The table changes under an open query: nothing is given twice, and what stays is given. (Where a literal or a
 * parameter told how large the LIMIT is, SQLite would sort.) */
LOOP_TEST(test_the_best_rows_go_on_when_the_table_changes, 10) {
    struct random random = {random_seed() + (uint64_t)_i};
    printf("summary: seed %llu\n", (unsigned long long)random.state);
    sqlite3 *db = sql_open(":memory:");
    sql_run(db,
            "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)), log_limit='2KB');"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
            "INSERT INTO t SELECT printf('f%%04d', i), i / %u FROM n",
            1 + random_below(&random, 9));
    sqlite3_stmt *query = sql_prepare(db, "SELECT path, size FROM t ORDER BY size %s LIMIT (SELECT 99999)",
                                      random_once_in(&random, 2) ? "DESC" : "ASC");
    bool given[601] = {false};
    unsigned rows = 0, kept = 0;
    while (sqlite3_step(query) == SQLITE_ROW) {
        unsigned number = (unsigned)atoi((const char *)sqlite3_column_text(query, 0) + 1);
        ck_assert_msg(!given[number], "seed %llu: f%04u twice", (unsigned long long)random.state, number);
        given[number] = true;
        rows++;
        unsigned other = 1 + random_below(&random, 600);
        if (random_once_in(&random, 4)) sql_run(db, "DELETE FROM t WHERE path = 'f%04u' AND %u %% 3", other, other);
        if (random_once_in(&random, 30)) sql_run(db, "INSERT INTO t(t) VALUES('flush')");
    }
    sqlite3_finalize(query);
    for (unsigned i = 3; i <= 600; i += 3) kept += given[i];
    ck_assert_uint_eq(kept, 200); /* nobody deletes these */
    ck_assert_uint_lt(rows, 600);
    sql_close(db);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

TEST(test_the_plan_tells_what_comes_best_first) {
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, n INTEGER COLLATE NOCASE, other, "
                "summary=(sum(size), max(mtime), max(n)))");
    sql_plan_has(db, "SELECT * FROM t ORDER BY size DESC LIMIT 5", "best first by size, descending");
    sql_plan_has(db, "SELECT * FROM t WHERE path > 'a/' ORDER BY mtime LIMIT ?1", "best first by mtime");
    sql_plan_has(db, "SELECT * FROM t('a/') WHERE size < 9 ORDER BY size DESC LIMIT 5", "size<?, best first by size");
    if (sqlite3_libversion_number() < 3041000)
        sql_plan_has(db, "SELECT max(mtime) FROM t('a/')", "best first by mtime, descending");
    sql_plan_lacks(db, "SELECT path, mtime FROM t ORDER BY mtime DESC", "best first");
    sql_plan_lacks(db, "SELECT * FROM t ORDER BY size", "best first");
    sql_plan_lacks(db, "SELECT * FROM t ORDER BY size, mtime LIMIT 5", "best first");
    sql_plan_has(db, "SELECT * FROM t ORDER BY size DESC, path LIMIT 5", "best first by size and the path, descending");
    sql_plan_has(db, "SELECT * FROM t ORDER BY size DESC, path DESC LIMIT 5",
                 "best first by size and the path backwards");
    sql_plan_lacks(db, "SELECT * FROM t ORDER BY size, path, mtime LIMIT 5", "best first");
    sql_plan_lacks(db, "SELECT * FROM t ORDER BY n LIMIT 5", "best first");
    sql_plan_lacks(db, "SELECT * FROM t('', '/') ORDER BY size DESC LIMIT 5", "best first");
    sql_plan_lacks(db, "SELECT size, count(*) FROM t GROUP BY size LIMIT 5", "best first");
    sql_plan_has(db, "SELECT * FROM t ORDER BY path LIMIT 5", "all rows");
    sql_plan_has(db, "SELECT * FROM t WHERE mtime > 5 AND size < ?1 ORDER BY size LIMIT 5", "best first by size");
    sql_plan_lacks(db, "SELECT * FROM t WHERE mtime = 'x' ORDER BY size LIMIT 5", "best first");
    sql_run(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) "
                "INSERT INTO t(path, size) SELECT i, i FROM n");
    sql_plan_has(db, "SELECT * FROM t ORDER BY size LIMIT 200", "best first");
    sql_plan_has(db, "SELECT * FROM t ORDER BY size LIMIT ?1 OFFSET ?2", "best first");
    sql_plan_lacks(db, "SELECT * FROM t ORDER BY size LIMIT 10 OFFSET 8000", "best first");
    sql_plan_lacks(db, "SELECT * FROM t ORDER BY size LIMIT 5000", "best first");
    sql_close(db);
}

TEST(test_a_summary_that_cannot_be_is_refused) {
    static const struct {
        const char *columns, *message;
    } refused[] = {
        {"path, summary=(sum(size))",
         "art: a summary of a column that is not there (t.size): name another column in summary="},
        {"path, summary=(sum(path))", "art: the key can only be searched (t.path): name another column in summary="},
        {"path, a TEXT, summary=(max(a))", "art: a summary is of numbers (t.a): give the column a numeric type"},
        {"path, a BLOB, summary=(sum(a))", "art: a summary is of numbers (t.a): give the column a numeric type"},
        {"path, a, b, summary=(sum(a)), summary=(max(b))",
         "art: two lists of summaries (t): write one, as summary=(sum(size), max(mtime))"},
        {"path, a, summary=(sum(a), max(a))", "art: two summaries of one column (t.a): leave one of them out"},
        {"path, a, summary=(avg(a))",
         "art: a summary is sum(...), min(...), max(...), lookup(...) or search(...) (t): write "
         "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, summary='sum a'", "art: a summary has a column in parentheses (t): write "
                                     "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, summary='sum(3)'", "art: a summary has a column in parentheses (t): write "
                                      "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, summary='sum(a, b)'", "art: a summary has one column in parentheses (t): write "
                                         "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, summary='(sum(a)'", "art: the list of a summary is not closed (t): write "
                                       "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, summary=(sum(a)) b", "art: something stands behind a summary (t): write "
                                        "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, summary='sum(a)' b", "art: something stands behind a summary (t): write "
                                        "summary=(sum(size), max(mtime)), with the names of columns"},
        {"path, a, b, c, d, e, f, g, h, i, summary=(sum(a), sum(b), sum(c), sum(d), sum(e), sum(f), sum(g), max(h), "
         "max(i))",
         "art: a summary has at most 8 columns (t): write summary=(sum(size), max(mtime)), with the names of columns"},
    };
    sqlite3 *db = sql_open(":memory:");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ck_assert_int_ne(sql_try(db, "CREATE VIRTUAL TABLE t USING art(%s)", refused[i].columns), SQLITE_OK);
        ck_assert_str_eq(sqlite3_errmsg(db), refused[i].message);
    }
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, a, b, c, d, e, f, g, h, "
                "summary=(sum(a), sum(b), sum(c), sum(d), sum(e), sum(f), sum(g), max(\"h\")))");
    sql_run(db, "INSERT INTO t(path, a, h) VALUES('x', 5, 6)");
    sql_expect(db, "5|0|6\n", "SELECT art_sum('t', 'A', ''), art_sum('t', 'b', ''), art_max('t', 'h', 'x')");
    ck_assert_int_ne(sql_try(db, "SELECT art_sum('t', 'h', '')"), SQLITE_OK);
    ck_assert_str_eq(sqlite3_errmsg(db), "art: the column has no sum (t.h): name it beside the others in the command "
                                         "'summary=(..., sum(h))', which replaces the whole list");
    ck_assert_int_ne(sql_try(db, "SELECT art_max('t', 'nope', '')"), SQLITE_OK);
    ck_assert_str_eq(sqlite3_errmsg(db), "art: there is no column 'nope' (t): name one that has a summary");
    sql_expect(db, "||\n", "SELECT art_sum(NULL, 'a', ''), art_min('t', NULL, ''), art_max('t', 'a', NULL)");
    sql_close(db);
}

TEST(test_a_summary_changed_by_hand_is_told) {
    char *directory = sql_scratch("summary"), *path = sqlite3_mprintf("%s/s.db", directory);
    sqlite3 *db = sql_open(path);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
                "INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush'); PRAGMA writable_schema=ON;"
                "UPDATE sqlite_schema SET sql = replace(sql, 'sum(', 'max(') WHERE name = 't'");
    sql_close(db);
    db = sql_open(path);
    ck_assert_int_ne(sql_try(db, "SELECT * FROM t"), SQLITE_OK);
    ck_assert_msg(
        strstr(sqlite3_errmsg(db),
               "the blobs were built with a summary of 1 columns, 1 of them sums, lookups 0, searches 0, and the "
               "table has one of 1, 0 of them sums, lookups 0, searches 0"),
        "%s", sqlite3_errmsg(db));
    sql_run(db, "DROP TABLE t");
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

TEST(test_what_else_is_done_with_a_table_keeps_its_summary) {
    char *directory = sql_scratch("summary"), *path = sqlite3_mprintf("%s/s.db", directory);
    char *copy = sqlite3_mprintf("%s/copy.db", directory);
    static const char sums[] = "SELECT art_sum('f', 'size', 'a/'), art_max('f', 'mtime', ''), art_check('f')";
    sqlite3 *db = sql_open(path);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime, summary=(sum(size), max(mtime)));"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                "INSERT INTO t SELECT char(97 + i %% 2) || '/' || i, i, i FROM n; INSERT INTO t(t) VALUES('flush');"
                "ALTER TABLE t RENAME TO f; INSERT INTO f(f) VALUES('add column note');"
                "UPDATE f SET note = 'x', size = size + 1 WHERE path GLOB 'a/*'");
    sql_expect(db, "6255000|5000|ok\n", sums);
    sql_expect(db, "sum(\"size\"), max(\"mtime\")\n", "SELECT value FROM art_info('f') WHERE property = 'summary'");
    sql_run(db,
            "INSERT INTO f(f) VALUES('optimize'); INSERT INTO f(f) VALUES('vacuum');"
            "SELECT art_backup('%s', 'main', 'inline')",
            copy);
    sql_close(db);
    db = sql_open(copy);
    sql_expect(db, "6255000|5000|ok\n", sums);
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
    sqlite3_free(copy);
}

/* A text is above all numbers: where a directory has nothing else, there is no number to pass it over by. */
TEST(test_a_directory_of_texts_is_not_passed_over_by_its_numbers) {
    static const char *const states[] = {"flush", "optimize", NULL};
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size, summary=(max(size)));"
                "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
                " SELECT printf('d%%03d/f%%05d', i %% 100, i),"
                " CASE i %% 100 WHEN 50 THEN 'text' WHEN 51 THEN x'00' ELSE i %% 1000 END FROM n");
    for (int i = 0; i < 3; i++) {
        sql_expect(db, "400|d050/f00050|d051/f19951\n",
                   "SELECT count(*), min(path), max(path) FROM t WHERE size > 20000");
        sql_expect(db, "d051/f05551\n", "SELECT path FROM t WHERE size > 20000 AND path GLOB 'd051/f0555*'");
        sql_expect(db, "0\n", "SELECT count(*) FROM t WHERE size > 20000 AND path < 'd05'");
        if (states[i]) sql_command(db, "main", "t", states[i]);
    }
    sql_close(db);
}

TEST(test_a_sum_that_is_no_integer_is_an_error) {
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
                "INSERT INTO t VALUES('a/1', 9223372036854775807), ('a/2', 1), ('b/1', -1), ('b/2', 7)");
    ck_assert_int_ne(sql_try(db, "SELECT art_sum('t', 'size', 'a/')"), SQLITE_OK);
    ck_assert_str_eq(sqlite3_errmsg(db), "integer overflow");
    ck_assert_int_ne(sql_try(db, "SELECT size FROM t('', '/')"), SQLITE_OK);
    sql_expect(db, "6\n", "SELECT art_sum('t', 'size', 'b/')");
    sql_run(db, "DELETE FROM t WHERE path = 'a/2'");
    sql_expect(db, "9223372036854775807|a/|b/\n",
               "SELECT art_sum('t', 'size', 'a/'), (SELECT path FROM t('', '/') WHERE size > 7), "
               "(SELECT path FROM t('', '/') WHERE size = 6)");
    sql_close(db);
}

/* What lies before a prefix is remembered from the one before it, and only while nothing changes. */
TEST(test_a_level_is_right_though_rows_come_before_it) {
    static const char *const writes[] = {"INSERT INTO t VALUES('a/3', 1000)", "DELETE FROM t WHERE path = 'a/1'",
                                         "INSERT INTO t VALUES('b/0', 5000)"};
    static const int expected[][2] = {{2, 3}, {2, 30}, {1, 100}};
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
                "INSERT INTO t VALUES('a/1', 1), ('a/2', 2), ('b/1', 10), ('b/2', 20), ('c/1', 100)");
    sqlite3_stmt *level = sql_prepare(db, "SELECT entries, size FROM t('', '/')");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sqlite3_step(level), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(level, 0), expected[i][0]);
        ck_assert_int_eq(sqlite3_column_int(level, 1), expected[i][1]);
        sql_run(db, "%s", writes[i]);
    }
    sqlite3_finalize(level);
    sql_close(db);
}

int main(void) {
    return differential_run((struct suite_case){.name = "summaries", .seconds = SUITE_FOREVER});
}
