/* Summaries: sums, least and largest values below every prefix, the best rows first, conditions on summarised columns.
 *
 * Random histories on an art table and an ordinary one (support/summed.h) in which a table keeps its summary, and the
 * same questions to both; then what is told, and what is refused.
 */
#include "tests/support/sql_one.h"
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

CASE("one connection", .seconds = SUITE_FOREVER, .set_up = sql_set_up_in_memory, .tear_down = sql_tear_down)

/* New rows and growing values for long, so that nothing is hidden; then a little is. The largest value of each prefix
 * goes, and comes back. */
LOOP_TEST(test_the_extremes_of_rows_that_nothing_hides, 4) {
    struct random random = random_announced_with("summary", random_seed() + (uint64_t)_i);
    art_test_hooks.blob_pages = _i % 2 ? 4 : 0;
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, time INTEGER, summary=(sum(size), max(time)), "
        "log_limit='8KB'); CREATE TABLE plain(path TEXT PRIMARY KEY, size, time)");
    for (unsigned round = 0; round < 60; round++) {
        if (!random_span(&random)) continue;
        unsigned seed = random_below(&random, 100000), some = random_below(&random, 8);
        fill_rows("OR IGNORE INTO plain", 1, 40,
                  "printf('d%%d/%%d/f%%d', (i * %u) %% 8, i %% 5, (i * %u) %% 100003), i * %u %% 1000 - 300, iif(i %% "
                  "11, i * %u %% 1000003, NULL)",
                  seed, seed + 7, seed, seed);
        if (round > 30 && random_once_in(&random, 3)) {
            run("UPDATE plain SET time = time - 500000 WHERE time = (SELECT max(time) FROM plain WHERE path GLOB "
                "'d%u*')",
                some);
            run("DELETE FROM plain WHERE size = (SELECT min(size) FROM plain WHERE path GLOB 'd%u*')", some);
        }
        run("BEGIN; SAVEPOINT a; INSERT OR REPLACE INTO t SELECT p.* FROM plain p LEFT JOIN t USING (path) WHERE "
            "t.path IS NULL OR t.time IS NOT p.time OR t.size IS NOT p.size;"
            "DELETE FROM t WHERE path NOT IN (SELECT path FROM plain)");
        if (random_once_in(&random, 4)) run("SAVEPOINT b; DELETE FROM t WHERE path GLOB 'd%u*'; ROLLBACK TO b", some);
        for (int committed = 0; committed < 2; committed++) {
            expect("0\n", "SELECT coalesce(group_concat(path || entries || size || coalesce(time, 0)), 0) FROM (SELECT "
                          "path, entries, size, time FROM t('', '/') EXCEPT "
                          "SELECT substr(path, 1, 3), count(*), sum(size), max(time) FROM plain GROUP BY 1)");
            expect("0\n",
                   "SELECT count(*) FROM (SELECT path, art_min('t', 'size', path), art_max('t', 'size', path), "
                   "art_min('t', 'time', path), time FROM t('d3/', '/') EXCEPT "
                   "SELECT substr(path, 1, 5), min(size), max(size), min(time), max(time) FROM plain GROUP BY 1)");
            if (!committed) run("COMMIT");
        }
        if (random_once_in(&random, 20)) run("INSERT INTO t(t) VALUES('optimize')");
    }
}

/* What was found of one prefix is not the beginning of the next where a row has come between. */
TEST(test_a_level_goes_on_when_rows_come_between) {
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
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
    for (unsigned i = 0; i < LENGTH(rows); i++) {
        ck_assert_int_eq(sqlite3_step(level), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(level, 0), rows[i].path);
        ck_assert_int_eq(sqlite3_column_int(level, 1), rows[i].entries);
        ck_assert_int_eq(sqlite3_column_int(level, 2), rows[i].size);
        run("%s", rows[i].then);
    }
    ck_assert_int_eq(sqlite3_step(level), SQLITE_DONE);
    sqlite3_finalize(level);
}

/* The table changes under an open query: nothing is given twice, and what stays is given. (Where a literal or a
 * parameter told how large the LIMIT is, SQLite would sort.) */
LOOP_TEST(test_the_best_rows_go_on_when_the_table_changes, 10) {
    struct random random = random_announced_with("summary", random_seed() + (uint64_t)_i);
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)), log_limit='2KB');"
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
        if (random_once_in(&random, 4)) run("DELETE FROM t WHERE path = 'f%04u' AND %u %% 3", other, other);
        if (random_once_in(&random, 30)) run("INSERT INTO t(t) VALUES('flush')");
    }
    sqlite3_finalize(query);
    for (unsigned i = 3; i <= 600; i += 3) kept += given[i];
    ck_assert_uint_eq(kept, 200); /* nobody deletes these */
    ck_assert_uint_lt(rows, 600);
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

TEST(test_the_plan_tells_what_comes_best_first) {
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, n INTEGER COLLATE NOCASE, other, "
        "summary=(sum(size), max(mtime), max(n)))");
    plan_has("SELECT * FROM t ORDER BY size DESC LIMIT 5", "best first by size, descending");
    plan_has("SELECT * FROM t WHERE path > 'a/' ORDER BY mtime LIMIT ?1", "best first by mtime");
    plan_has("SELECT * FROM t('a/') WHERE size < 9 ORDER BY size DESC LIMIT 5", "size<?, best first by size");
    plan_has("SELECT max(mtime) FROM t('a/')", "best first by mtime, descending");
    plan_has("SELECT max(mtime) FROM t WHERE mtime > 5", "best first by mtime, descending");
    plan_lacks("SELECT max(mtime) FROM t WHERE mtime < 5", "best first");
    plan_lacks("SELECT min(mtime) FROM t", "best first"); /* which shows no order, since it may be NULL */
    plan_lacks("SELECT max(x.mtime) FROM t AS x JOIN t AS y ON x.path = y.other", "best first");
    plan_lacks("SELECT path, mtime FROM t ORDER BY mtime DESC, path", "best first");
    plan_lacks("SELECT max(mtime), other FROM t", "best first"); /* other may be in a condition that is not shown */
    plan_lacks("SELECT * FROM t ORDER BY size", "best first");
    plan_lacks("SELECT * FROM t ORDER BY size, mtime LIMIT 5", "best first");
    plan_has("SELECT * FROM t ORDER BY size DESC, path LIMIT 5", "best first by size and the path, descending");
    plan_has("SELECT * FROM t ORDER BY size DESC, path DESC LIMIT 5", "best first by size and the path backwards");
    plan_lacks("SELECT * FROM t ORDER BY size, path, mtime LIMIT 5", "best first");
    plan_lacks("SELECT * FROM t ORDER BY n LIMIT 5", "best first");
    plan_lacks("SELECT * FROM t('', '/') ORDER BY size DESC LIMIT 5", "best first");
    plan_lacks("SELECT size, count(*) FROM t GROUP BY size LIMIT 5", "best first");
    plan_has("SELECT * FROM t ORDER BY path LIMIT 5", "all rows");
    plan_has("SELECT * FROM t WHERE mtime > 5 AND size < ?1 ORDER BY size LIMIT 5", "best first by size");
    plan_lacks("SELECT * FROM t WHERE mtime = 'x' ORDER BY size LIMIT 5", "best first");
    fill_rows("INTO t(path, size)", 1, 9000, "i, i");
    plan_has("SELECT * FROM t ORDER BY size LIMIT 200", "best first");
    plan_has("SELECT * FROM t ORDER BY size LIMIT ?1 OFFSET ?2", "best first");
    plan_lacks("SELECT * FROM t ORDER BY size LIMIT 10 OFFSET 8000", "best first");
    plan_lacks("SELECT * FROM t ORDER BY size LIMIT 5000", "best first");
}

/* However a prefix is written, as loaded, after turnovers and in order: few rows are looked at. Then all rows in these
 * orders, beyond the batch that takes most. */
TEST(test_min_and_max_are_searched) {
    enum { FEW_STEPS = 200 };
    static const char *const places[][2] = {{"t", "o"},
                                            {"t('d1/')", "o WHERE path GLOB 'd1/*'"},
                                            {"t WHERE path GLOB 'd1/*'", "o WHERE path GLOB 'd1/*'"},
                                            {"t WHERE path LIKE 'D1/%'", "o WHERE path GLOB 'd1/*'"},
                                            {"t WHERE path >= 'd1/' AND path < 'd10'", "o WHERE path GLOB 'd1/*'"},
                                            {"t WHERE path BETWEEN 'd1/' AND 'd10'", "o WHERE path GLOB 'd1/*'"},
                                            {"t WHERE snapshot = 's'", "was"},
                                            {"t('d1/') WHERE snapshot = 's'", "was WHERE path GLOB 'd1/*'"},
                                            {"t WHERE name > 'n1' AND path IS NOT NULL", "o WHERE name > 'n1'"}};
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER NOT NULL, at INTEGER, name TEXT NOT NULL, note, "
        "summary=(sum(size), max(at), min(name)), log_limit='8KB');"
        "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 4000) SELECT printf('d%%d/%%05d', "
        "i * 7 %% 3, i), i * 7919 %% 100003, iif(i %% 10, i * 31 %% 10007, NULL), printf('n%%05d', i * 17 %% "
        "10007), zeroblob(i) FROM n; INSERT INTO t(t, snapshot) VALUES('snapshot', 's');"
        "CREATE TABLE was AS SELECT * FROM t; CREATE TABLE o AS SELECT * FROM t");
    for (int state = 0; state < 3; state++) {
        for (int place = 0; place < LENGTH(places); place++) {
            EACH(what, "min(size)", "min(size), path", "max(size)", "max(size), name, path", "max(at), path", "max(at)",
                 "min(name), size", "max(name)") {
                const char *sql = TEXT("SELECT %s FROM %s", what, places[place][0]);
                int steps = sql_steps(sql_prepare(db, "%s", sql));
                ck_assert_msg(steps < FEW_STEPS, "%s: %d steps", sql, steps);
                sql_alike(sql_prepare(db, "%s", sql), sql_prepare(db, "SELECT %s FROM %s", what, places[place][1]));
            }
        }
        EACH(order, "size", "size DESC", "at DESC", "name", "name DESC") {
            const char *sql = "SELECT path, length(note) FROM %s WHERE at IS NOT NULL ORDER BY %s";
            sql_alike(sql_prepare(db, sql, "t", order), sql_prepare(db, sql, "o", order));
        }
        sql_alike(sql_prepare(db, "SELECT path FROM t WHERE at IS NOT NULL ORDER BY at LIMIT 1"),
                  sql_prepare(db, "SELECT path FROM o WHERE at IS NOT NULL ORDER BY at LIMIT 1"));
        EACH(left, "l.at IS NOT NULL ORDER BY l.at", "l.at IS NOT NULL AND l.size <> 7 ORDER BY l.at DESC",
             "l.at <> 31 ORDER BY l.at", "l.name IS NOT NULL ORDER BY l.at DESC") {
            const char *sql =
                "SELECT l.at, w.path IS NULL FROM %s l LEFT JOIN was w ON w.path = l.path AND %s LIMIT 600";
            sql_alike(sql_prepare(db, sql, "t", left), sql_prepare(db, sql, "o", left));
        }
        if (state == 1) command("optimize");
        for (int turn = 0; !state && turn < 10; turn++) {
            for (int table = 0; table < 2; table++)
                run("UPDATE %s SET size = size * 31 %% 100003, at = at * 29 %% 10007 WHERE path > 'd%d/'",
                    table ? "t" : "o", turn % 3);
        }
    }
    ck_assert_int_gt(sql_info(db, "searches given up"), 0);
}

/* Where they are more than a batch holds, and more is read than max() has. */
TEST(test_very_many_rows_in_an_order_are_sorted) {
    static const char all[] = "SELECT path, size, at FROM t ORDER BY size DESC";
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, at INTEGER, summary=(sum(size), max(at)));"
        "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100001)"
        "SELECT iif(i < 9, 'few/', 'many/') || i, i, i FROM n");
    plan_has(all, "USE TEMP B-TREE");
    EACH(one, "SELECT max(size), path FROM t", "SELECT path, size, at FROM t('few/') ORDER BY size DESC") {
        plan_has(one, "best first");
    }
    run("DELETE FROM t WHERE path = 'many/9'");
    plan_has(all, "best first");
}

TEST(test_a_summary_that_cannot_be_is_refused) {
    static const char *const refused[][2] = {
        {"path, summary=(sum(size))", "a summary of a column that is not there (t.size): name another column"},
        {"path, summary=(sum(path))", "the key can only be searched (t.path): name another column in summary="},
        {"path, a TEXT, summary=(sum(a))", "a sum is of numbers (t.a): give the column a numeric type"},
        {"path, a BLOB, summary=(sum(a))", "a sum is of numbers (t.a): give the column a numeric type"},
        {"path, a BLOB, summary=(max(a))", "a summary is of numbers or texts (t.a): give the column a numeric type"},
        {"path, a TEXT COLLATE NOCASE, summary=(min(a))", "a summary of texts is by BINARY (t.a): leave out the"},
        {"path, a, b, summary=(sum(a)), summary=(max(b))", "the option summary is given twice (t): write it once"},
        {"path, a, summary=(avg(a))",
         "a summary is sum(...), min(...), max(...), lookup(...), search(...), hash(*) or hash(values) (t): write"},
        {"path, a, summary='sum a'",
         "a summary has a column in parentheses (t): write summary=(sum(size), max(mtime))"},
        {"path, a, summary='sum(3)'", "a summary has a column in parentheses (t): write"},
        {"path, a, summary='sum(a, b)'", "a summary has one column in parentheses (t): write"},
        {"path, a, summary='(sum(a)'", "the list of a summary is not closed (t): write"},
        {"path, a, summary=(sum(a)) b", "something stands behind a summary (t): write"},
        {"path, a, summary='sum(a)' b", "something stands behind a summary (t): write"},
        {"path, a, b, c, d, e, f, g, h, i, summary=(sum(a), sum(b), sum(c), sum(d), sum(e), sum(f), sum(g), max(h), "
         "max(i))",
         "a summary has at most 8 columns (t): write"},
    };
    for (int i = 0; i < LENGTH(refused); i++) {
        refuses(SQLITE_ERROR, refused[i][1], TEXT("CREATE VIRTUAL TABLE t USING art(%s)", refused[i][0]));
    }
    run("CREATE VIRTUAL TABLE t USING art(path, a, b, c, d, e, f, g, h, "
        "summary=(sum(a), sum(b), sum(c), sum(d), sum(e), sum(f), sum(g), max(\"h\")))");
    run("INSERT INTO t(path, a, h) VALUES('x', 5, 6)");
    expect("5|0|6\n", "SELECT art_sum('t', 'A', ''), art_sum('t', 'b', ''), art_max('t', 'h', 'x')");
    refuses(SQLITE_ERROR,
            "art: the column has no sum (t.h): name it beside the others in the command "
            "'summary=(..., sum(h))', which replaces the whole list",
            "SELECT art_sum('t', 'h', '')");
    refuses(SQLITE_ERROR, "art: there is no column 'nope' (t): name one that has a summary",
            "SELECT art_max('t', 'nope', '')");
    expect("||\n", "SELECT art_sum(NULL, 'a', ''), art_min('t', NULL, ''), art_max('t', 'a', NULL)");
}

TEST(test_a_summary_changed_by_hand_is_told) {
    sql_tear_down();
    sql_set_up();
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
        "INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush'); PRAGMA writable_schema=ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, 'sum(', 'max(') WHERE name = 't'");
    sql_reopen();
    ck_assert_int_ne(sql_try(db, "SELECT * FROM t"), SQLITE_OK);
    ck_assert_msg(strstr(sqlite3_errmsg(db),
                         "the blobs were built with a summary of 1 columns, 1 of them sums, lookups 0, "
                         "searches 0, and the table has one of 1, 0 of them sums, lookups 0, searches 0"),
                  "%s", sqlite3_errmsg(db));
    run("DROP TABLE t");
}

TEST(test_what_else_is_done_with_a_table_keeps_its_summary) {
    sql_tear_down();
    sql_set_up();
    static const char sums[] = "SELECT art_sum('f', 'size', 'a/'), art_max('f', 'mtime', ''), art_check('f')";
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime, summary=(sum(size), max(mtime)));"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
        "INSERT INTO t SELECT char(97 + i %% 2) || '/' || i, i, i FROM n; INSERT INTO t(t) VALUES('flush');"
        "ALTER TABLE t RENAME TO f; INSERT INTO f(f) VALUES('add column note');"
        "UPDATE f SET note = 'x', size = size + 1 WHERE path GLOB 'a/*'");
    expect("6255000|5000|ok\n", sums);
    expect("sum(\"size\"), max(\"mtime\")\n", "SELECT value FROM art_info('f') WHERE property = 'summary'");
    run("INSERT INTO f(f) VALUES('optimize'); INSERT INTO f(f) VALUES('vacuum');"
        "SELECT art_backup('%s', 'main', 'inline')",
        copy_path);
    sql_close(db);
    db = sql_open(copy_path);
    expect("6255000|5000|ok\n", sums);
}

/* A text is above all numbers: where a directory has nothing else, there is no number to pass it over by. */
TEST(test_a_directory_of_texts_is_not_passed_over_by_its_numbers) {
    static const char *const states[] = {"flush", "optimize", NULL};
    run("CREATE VIRTUAL TABLE t USING art(path, size, summary=(max(size)));"
        "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
        " SELECT printf('d%%03d/f%%05d', i %% 100, i),"
        " CASE i %% 100 WHEN 50 THEN 'text' WHEN 51 THEN x'00' ELSE i %% 1000 END FROM n");
    for (int i = 0; i < 3; i++) {
        expect("400|d050/f00050|d051/f19951\n", "SELECT count(*), min(path), max(path) FROM t WHERE size > 20000");
        expect("d051/f05551\n", "SELECT path FROM t WHERE size > 20000 AND path GLOB 'd051/f0555*'");
        expect("0\n", "SELECT count(*) FROM t WHERE size > 20000 AND path < 'd05'");
        if (states[i]) command(states[i]);
    }
}

TEST(test_a_sum_that_is_no_integer_is_an_error) {
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
        "INSERT INTO t VALUES('a/1', 9223372036854775807), ('a/2', 1), ('b/1', -1), ('b/2', 7)");
    ck_assert_int_ne(sql_try(db, "SELECT art_sum('t', 'size', 'a/')"), SQLITE_OK);
    ck_assert_str_eq(sqlite3_errmsg(db), "integer overflow");
    ck_assert_int_ne(sql_try(db, "SELECT size FROM t('', '/')"), SQLITE_OK);
    expect("6\n", "SELECT art_sum('t', 'size', 'b/')");
    run("DELETE FROM t WHERE path = 'a/2'");
    expect("9223372036854775807|a/|b/\n",
           "SELECT art_sum('t', 'size', 'a/'), (SELECT path FROM t('', '/') WHERE size > 7), "
           "(SELECT path FROM t('', '/') WHERE size = 6)");
}

/* What lies before a prefix is remembered from the one before it, and only while nothing changes. */
TEST(test_a_level_is_right_though_rows_come_before_it) {
    TEXTS(writes, "INSERT INTO t VALUES('a/3', 1000)", "DELETE FROM t WHERE path = 'a/1'",
          "INSERT INTO t VALUES('b/0', 5000)");
    static const int expected[][2] = {{2, 3}, {2, 30}, {1, 100}};
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=(sum(size)));"
        "INSERT INTO t VALUES('a/1', 1), ('a/2', 2), ('b/1', 10), ('b/2', 20), ('c/1', 100)");
    sqlite3_stmt *level = sql_prepare(db, "SELECT entries, size FROM t('', '/')");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(sqlite3_step(level), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(level, 0), expected[i][0]);
        ck_assert_int_eq(sqlite3_column_int(level, 1), expected[i][1]);
        run("%s", writes[i]);
    }
    sqlite3_finalize(level);
}

/* The command 'summary=(...)': a table that has rows gets another summary, or none.
 *
 * Random histories on an art table and an ordinary one (support/summed.h), in which the command comes anywhere: within
 * transactions and savepoints, rolled back, refused at COMMIT, before and after spills and long rows. One question to
 * both tables, on the connection that writes and on one that reads an older state, tells whether the summary is that of
 * the state.
 */

CASE("another summary", .seconds = SUITE_FOREVER)

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
    run("PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art(path, size INTEGER, owner TEXT);"
        "INSERT INTO t VALUES('a/1', 1, 'me'), ('a/2', 20, 'me'), ('b/1', 300, NULL)");
}

static const char level[] = "SELECT path, size FROM t('', '/')", sound[] = "SELECT art_check('t')";

CASE("one by one", .seconds = SUITE_FOREVER, .set_up = setup, .tear_down = sql_tear_down)

TEST(test_a_summary_that_cannot_be_changes_nothing) {
    TEXTS(wrong, "summary=(sum(nope))", "summary=(max(path))", "summary=(sum(owner))", "summary=(avg(size))",
          "summary=", "summary=(sum(size)", "summary=() size");
    TEXTS(said, "a summary of a column that is not there", "the key can only be searched", "a sum is of numbers",
          "a summary is sum(...), min(...), max(...), lookup(...), search(...), hash(*) or hash(values)",
          "a summary is sum(...), min(...), max(...), lookup(...), search(...), hash(*) or hash(values)",
          "the list of a summary is not closed", "something stands behind a summary");
    run("INSERT INTO t(t) VALUES('summary=(max(size))')");
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        run(i % 2 ? "BEGIN" : "SELECT 1");
        ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('%s')", wrong[i]), SQLITE_ERROR);
        ck_assert_msg(strstr(sqlite3_errmsg(db), said[i]) != NULL, "%s: %s", wrong[i], sqlite3_errmsg(db));
        expect("a/|20\nb/|300\n", level);
        if (i % 2) run("COMMIT");
    }
    ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'), ('summary=(sum(nope))')"),
                     SQLITE_ERROR);
    expect("a/|20\nb/|300\n", level);
    expect("ok\n", sound);
    expect("3\n", "SELECT count(*) FROM pragma_table_info('t_artstate')");
}

/* By CREATE, and by the command, for which it is the one that the table has: not even snapshots are in the way. In
 * T_artstate stands each column once. */
TEST(test_a_column_that_a_summary_names_twice_is_summed_up_once) {
    static const char *const lists[][3] = {
        /* also what a listing shows of a */
        {"sum(a), max(a)", "sum(\"a\")", "12"},
        {"MIN(A), sum(\"a\"), max(b)", "sum(\"a\"), max(\"b\")", "12"},
        {"min(a), max([A])", "max(\"a\")", "7"},
        {"max(a), min(''a'')", "max(\"a\")", "7"},
        {"min(a), min(a)", "min(\"a\")", "5"},
        {"max(b), sum(a), min(b), sum(a)", "sum(\"a\"), max(\"b\")", "12"},
        {"lookup(a), search(b), lookup(a), search(b)", "lookup(\"a\"), search(\"b\")", ""},
        {"search(p), search(P), max(a), lookup(a), min(a)", "max(\"a\"), lookup(\"a\"), search(\"p\")", "7"},
        {"sum(a), sum(c), sum(d), sum(e), sum(f), sum(g), sum(h), max(h), max(a), max(b)",
         "sum(\"a\"), sum(\"c\"), sum(\"d\"), sum(\"e\"), sum(\"f\"), sum(\"g\"), sum(\"h\"), max(\"b\")", "12"},
    };
    for (int i = 0; i < LENGTH(lists); i++) {
        run("DROP TABLE t");
        const char *list = lists[i][0], *shown = lists[i][1], *listed = lists[i][2];
        run("CREATE VIRTUAL TABLE t USING art(p, a INTEGER, b, c, d, e, f, g, h, summary='(%s)')", list);
        run("INSERT INTO t(p, a, b) VALUES('x/1', 5, 6), ('x/2', 7, 8); INSERT INTO t(t) VALUES('flush');"
            "INSERT INTO t(t, snapshot) VALUES('snapshot', 's'); INSERT INTO t(t) VALUES('add column z')");
        for (int again = 0; again < 2; again++) {
            expect(TEXT("%s\n", shown), "SELECT value FROM art_info('t') WHERE property = 'summary'");
            expect(TEXT("x/|%s|ok\n", listed), "SELECT p, a, art_check('t') FROM t('', '/')");
            if (*listed) expect("5|7\n", "SELECT art_min('t', 'a', ''), art_max('t', 'a', '')");
            run("INSERT INTO t(t) VALUES('summary=(%s)'), ('summary=(%s)')", list, shown);
            sql_reopen();
        }
    }
    run("DROP TABLE t; CREATE VIRTUAL TABLE t USING art(p, a, b, summary=(max(a), lookup(b)));"
        "INSERT INTO t(t, snapshot) VALUES('snapshot', 's');"
        "INSERT INTO t(t) VALUES('summary=(lookup(b), max(a))')");
    refuses(SQLITE_ERROR, "snapshots keep the summary",
            "INSERT INTO t(t) VALUES('summary=(lookup(b), max(a), sum(a))')");
}

TEST(test_prepared_statements_and_other_connections_follow) {
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *own = sql_prepare(db, level), *theirs = sql_prepare(other, level), *idle;
    TEXTS(changes, "summary=(sum(size))", "summary=(min(size))", "summary=()");
    TEXTS(shows, "a/|21\nb/|300\n", "a/|1\nb/|300\n", "a/|\nb/|\n");
    for (int i = 0; i < 3; i++) {
        sqlite3_prepare_v2(other, level, -1, &idle, NULL);
        sqlite3_step(idle);
        sqlite3_reset(idle); /* keeps the handle that it was prepared with */
        sql_command(i % 2 ? other : db, "main", "t", changes[i]);
        char *one = kept(sql_answer(own)), *two = kept(sql_answer(theirs));
        expect(shows[i], level);
        sql_expect(other, shows[i], level);
        ck_assert_str_eq(one, two);
        sqlite3_finalize(idle);
    }
    sqlite3_finalize(own);
    sqlite3_finalize(theirs);
    sql_close(other);
}

/* A listing, and the best rows. */
TEST(test_an_open_query_is_told_or_gives_the_rows) {
    command("summary=(sum(size))");
    sqlite3_stmt *listing = sql_prepare(db, level), *rows = sql_prepare(db, "SELECT path FROM t WHERE size > 1");
    sqlite3_stmt *best = sql_prepare(db, "SELECT path FROM t ORDER BY size DESC LIMIT (SELECT 9)");
    ck_assert_int_eq(sqlite3_step(listing), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(listing, 1), 21);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_step(best), SQLITE_ROW);
    command("summary=()");
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
    run("CREATE VIRTUAL TABLE many USING art(path, size INTEGER, mtime INTEGER, owner TEXT, log_limit='8KB');"
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
    for (size_t i = 0; i < LENGTH(walks); i++) {
        run("BEGIN; SAVEPOINT before; INSERT INTO many(many) VALUES('summary=(max(size), lookup(owner), min(mtime))')");
        sqlite3_stmt *walk = sql_prepare(db, "SELECT path FROM many WHERE %s", walks[i].query);
        int64_t rows = 0;
        for (; sqlite3_step(walk) == SQLITE_ROW; rows++) {
            if (rows == 100) sql_try(db, "%s", walks[i].change);
        }
        ck_assert_msg(sqlite3_errcode(db) == SQLITE_DONE || sqlite3_errcode(db) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        ck_assert_msg(rows == walks[i].rows, "%s, %s: %lld rows", walks[i].query, walks[i].change, (long long)rows);
        sqlite3_finalize(walk);
        if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    }
}

TEST(test_it_goes_with_other_changes_of_the_table) {
    run("BEGIN; INSERT INTO t(t) VALUES('summary=(max(size))'); INSERT INTO t(t) VALUES('add column n INTEGER');"
        "UPDATE t SET n = 5; INSERT INTO t(t) VALUES('summary=(sum(n), sum(size))'), ('optimize');"
        "ALTER TABLE t RENAME TO u; INSERT INTO u(u) VALUES('summary=(sum(n), min(size))')");
    expect("15|ok\n", "SELECT art_sum('u', 'n', ''), art_check('u')");
    run("ROLLBACK");
    expect("a/|\nb/|\n", level);
    run("BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('summary=(sum(size))'); DROP TABLE t; ROLLBACK TO s");
    expect("a/|\nb/|\n", level);
    run("INSERT INTO t(t) VALUES('summary=(sum(size))'); DROP TABLE t; COMMIT");
    expect("0\n", "SELECT count(*) FROM sqlite_schema");
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=()); "
        "INSERT INTO t(t) VALUES('summary=(sum(size))')"); /* no rows */
    expect("0|ok\n", "SELECT art_sum('t', 'size', ''), art_check('t')");
    run("INSERT INTO t VALUES('a/b', 7)");
    expect("a/|7\n", level);
}

TEST(test_a_schema_that_cannot_be_changed_leaves_all_as_it_was) {
    run("INSERT INTO t(t) VALUES('summary=(max(size))')");
    for (int i = 0; i < 4; i++) {
        run(i < 2 ? "SELECT 1" : "BEGIN; INSERT INTO t VALUES('c/%d', 4, 0)", i);
        sql_forbid(db, i % 2 ? SQLITE_IGNORE : SQLITE_DENY, SQLITE_ALTER_TABLE, NULL, NULL);
        refuses(SQLITE_AUTH, "not authorized", "INSERT INTO t(t) VALUES('summary=(sum(size))')");
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
        expect(i < 2 ? "a/|20\nb/|300\n" : "a/|20\nb/|300\nc/|4\n", level);
        if (i >= 2) run("INSERT INTO t VALUES('a/3', 5, 0); COMMIT");
        expect("ok\n", sound);
        if (i >= 2) run("DELETE FROM t WHERE path = 'a/3' OR path GLOB 'c/*'");
    }
    sqlite3 *other = sql_open(path);
    sql_expect(other, "a/|20\nb/|300\n", level);
    sql_close(other);
    sql_close(db);
    db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('summary=(sum(size))')");
    expect("a/|20\nb/|300\n", level);
}

TEST(test_copies_have_it_and_damage_is_told) {
    char *copy = TEXT("%s/copy.db", directory);
    run("INSERT INTO t(t) VALUES('summary=(sum(size))'); SELECT art_backup('%s'); VACUUM", copy);
    sqlite3 *other = sql_open(copy);
    sql_expect(other, "a/|21\nb/|300\n", level);
    sql_run(other, "INSERT INTO t(t) VALUES('summary=(min(size))')");
    sql_expect(other, "a/|1\nb/|300\n", level);
    sql_close(other);
    expect("a/|21\nb/|300\n", level);
    run("ALTER TABLE t_artstate ADD COLUMN \"summary 9: sum(nothing)\"");
    refuses(SQLITE_ERROR, "a summary of a column that is not there", level);
    run("ALTER TABLE t_artstate DROP COLUMN \"summary 9: sum(nothing)\"");
    expect("a/|21\nb/|300\n", level);
}

/* What has changed since a version: row_version > ?, which passes over blobs and buckets in which nothing is newer.
 *
 * Random histories on an art table and an ordinary one, which notes the version of each row beside it
 * (support/summed.h). Then, with blobs of the usual size, how little is read.
 */

CASE("changed since a version", .seconds = SUITE_FOREVER)

LOOP_TEST(test_what_changed_since_a_version_is_what_an_ordinary_table_says, 12) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .questions = "3*$rows | $aggregates | $join",
                        .inlined = _i % 3 == 2,
                        .versions = true,
                        .first = "$newer",
                        .now.summary = _i % 2 ? SUMMED_MAX_OF_SIZE : SUMMED_NONE};
    summed_history(&both, "changed", (unsigned)_i, 1200);
}

/* --- how much is read --------------------------------------------------------------------------------------------- */

static int64_t pages_read(sqlite3 *db) {
    return sql_info(db, "pages read");
}

/* By a connection with an empty cache. */
static int64_t pages_of(const char *path, const char *column, int64_t since, int64_t rows, bool descending) {
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA cache_size=0");
    int64_t before = pages_read(db);
    ck_assert_int_eq(sql_int(db,
                             "SELECT count(*) FROM (SELECT path FROM t WHERE %s > %lld ORDER BY path%s LIMIT 100000)",
                             column, since, descending ? " DESC" : ""),
                     rows);
    int64_t read = pages_read(db) - before;
    sql_close(db);
    return read;
}

CASE("how much is read", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)

LOOP_TEST(test_only_what_may_have_changed_is_read, 2) {
    static const char all[] = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
                              "INSERT INTO t SELECT printf('d%%03d/f%%06d', i / 1000, i), i FROM n";
    art_test_hooks.blob_pages = 0;
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, cache='64MB')");
    run(all);
    run("INSERT INTO t(t) VALUES('optimize')");
    int64_t first = sql_int(db, "SELECT max(row_version) FROM t");
    run("UPDATE t SET size = 0 WHERE path GLOB 'd042/*'");
    int64_t second = sql_int(db, "SELECT max(row_version) FROM t");
    run("UPDATE t SET size = 0 WHERE path = 'd077/f077777'");
    int64_t third = sql_int(db, "SELECT max(row_version) FROM t");
    run("INSERT INTO t(t) VALUES('optimize')");
    sql_close(db);
    db = NULL;
    int64_t whole = pages_of(path, "+row_version", first, 1001, _i);
    int64_t changed = pages_of(path, "row_version", first, 1001, _i);
    int64_t one = pages_of(path, "row_version", second, 1, _i), none = pages_of(path, "row_version", third, 0, _i);
    printf("pages read: all %lld, a directory %lld, one row %lld, nothing %lld\n", (long long)whole, (long long)changed,
           (long long)one, (long long)none);
    ck_assert_int_gt(whole, 80);
    ck_assert_int_lt(changed, whole / 8);
    ck_assert_int_lt(one, changed);
    ck_assert_int_le(none, 4);
}

#define WHERE "SELECT path FROM t WHERE "

TEST(test_the_plan_says_so) {
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER)");
    plan_has(WHERE "row_version > 5", "all rows AND row_version>?");
    plan_has(WHERE "row_version >= ?1 AND path GLOB 'a/*'", "AND row_version>=?");
    plan_has(WHERE "row_version BETWEEN 3 AND 4", "row_version>=?");
    plan_has(WHERE "row_version = 5", "row_version=?");
    plan_has(WHERE "5 < row_version AND size > 3", "row_version>? AND size>?");
    plan_has(WHERE "row_version < 5", "all rows");
    plan_has(WHERE "row_version > 5 AND prefix = 'a/'", "prefix=? AND row_version>?");
    plan_has(WHERE "path = 'a' AND row_version > 5", "path=?");
    plan_has(WHERE "path >= ?1 AND path < ?2 AND row_version > ?3 AND size > ?4",
             "path>=? AND path<? AND row_version>?");
    plan_has(WHERE "path > ?1 AND row_version > ?2 AND size > ?3", "path>? AND row_version>? AND bound size>?");
    run("CREATE TABLE seen(version); INSERT INTO seen VALUES(3)");
    char *plan = kept(sql_rows(db, "EXPLAIN QUERY PLAN SELECT * FROM seen JOIN t ON t.row_version > seen.version"));
    ck_assert_msg(strstr(plan, "SCAN seen") && strstr(plan, "SCAN seen") < strstr(plan, "row_version>?"), "%s", plan);
}

int main(void) {
    return differential_run((struct suite_case){.name = "summaries", .seconds = SUITE_FOREVER});
}
