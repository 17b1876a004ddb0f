/* path MATCH ...: the row of the longest path that is a prefix. */
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static void make_routes(void) {
    sql_create(db, "t", "path, name, n INTEGER");
    sql_run(db, "INSERT INTO t VALUES('a', 'A', 1), ('a/b', 'AB', 2), ('a/b/c', 'ABC', 3), ('a/bc', 'ABC2', 4), "
                "('a/x/', 'AX', 5), ('b', 'B', 6), ('k::', 'K', 7), ('k::v', 'KV', 8), ('17', 'number', 9);"
                "CREATE TABLE r(url, like_path); INSERT INTO r VALUES('a/b/c/d', 'a'), ('b/1', 'b'), ('x', 'x'), "
                "('a/1', 'a'), (NULL, NULL), (173, 17), (x'612f62', 'a')");
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

TEST(test_a_match_is_the_row_of_the_longest_prefix) {
    make_routes();
    expect("a/b/c|ABC|3\n", "SELECT path, name, n FROM t WHERE path MATCH 'a/b/c/d'");
    expect("a/bc|ABC2|4\n", "SELECT * FROM t WHERE path MATCH 'a/bcd'");
    expect("b|B|6\n", "SELECT * FROM t WHERE path MATCH 'b'");
    expect("", "SELECT * FROM t WHERE path MATCH 'c'");
    expect("", "SELECT * FROM t WHERE path MATCH ''");
    sql_run(db, "INSERT INTO t(path, name) VALUES('', 'all')");
    expect("all\nall\n", "SELECT name FROM t WHERE path MATCH '' UNION ALL SELECT name FROM t WHERE path MATCH 'c'");
    expect("a/b||||1|1\n",
           "SELECT path, prefix, delimiter, start_after, entries IS NULL, version > 0 FROM t WHERE path "
           "MATCH 'a/b'");
}

TEST(test_with_a_delimiter_it_ends_where_a_component_ends) {
    make_routes();
    expect("a|/\n", "SELECT path, delimiter FROM t WHERE path MATCH 'a/bcd' AND delimiter = '/'");
    expect("a/x/\n", "SELECT path FROM t WHERE delimiter = '/' AND path MATCH 'a/x/y/z'");
    expect("a/bc\n", "SELECT path FROM t('', '/') WHERE path MATCH 'a/bc'");
    expect("k::\n", "SELECT path FROM t WHERE path MATCH 'k::vv' AND delimiter = '::'");
    expect("k::v\n", "SELECT path FROM t WHERE path MATCH 'k::v::w' AND delimiter = '::'");
    expect("k::v\n", "SELECT path FROM t WHERE path MATCH 'k::vv' AND delimiter = ''");
    expect("", "SELECT path FROM t WHERE path MATCH 'ax' AND delimiter = '/'");
    expect("", "SELECT path FROM t WHERE path MATCH 'a' AND delimiter = NULL");
    sql_run(db, "INSERT INTO t(path) VALUES(printf('%%.65534c', 'y')), ('yy/')"); /* longer than a path can be */
    expect("65534\n", "SELECT length(path) FROM t WHERE path MATCH printf('%.70000c', 'y')");
    expect("", "SELECT path FROM t WHERE path MATCH printf('%.70000c', 'y') AND delimiter = '/'");
    expect("yy/\n", "SELECT path FROM t WHERE path MATCH 'yy/' || printf('%.70000c', 'y') AND delimiter = '/'");
}

TEST(test_what_is_matched_is_bytes) {
    make_routes();
    expect("17\n", "SELECT path FROM t WHERE path MATCH 173");
    expect("17\n", "SELECT path FROM t WHERE path MATCH 17.5");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH x'612f6278ff00'");
    expect("a\n", "SELECT path FROM t WHERE path MATCH x'612f6264' AND delimiter = x'2f'");
    expect("", "SELECT path FROM t WHERE path MATCH NULL");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b' || char(0) || 'c'");
}

TEST(test_a_match_sees_what_the_transaction_has_changed) {
    make_routes();
    sql_command(db, "main", "t", "flush");
    sql_run(db, "BEGIN; INSERT INTO t VALUES('a/b/c/d', 'new', 10); DELETE FROM t WHERE path = 'a/bc'");
    expect("a/b/c/d|new\n",
           "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'"); /* the memtable's, not the run's */
    expect("a/b/c|ABC\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/e'");
    expect("a/b|AB\n", "SELECT path, name FROM t WHERE path MATCH 'a/bcd'");
    sql_run(db, "SAVEPOINT s; UPDATE t SET name = 'later' WHERE path = 'a/b/c'; DELETE FROM t WHERE path = 'a/b/c/d'");
    expect("a/b/c|later\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'");
    sql_run(db, "ROLLBACK TO s");
    expect("a/b/c/d|new\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'");
    sql_run(db, "ROLLBACK");
    expect("a/b/c|ABC\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'");
}

TEST(test_a_long_value_is_matched_whole) {
    make_routes();
    sql_run(db, "INSERT INTO t VALUES('long', printf('%%.200000c', 'l'), 1); INSERT INTO t(t) VALUES('flush')");
    expect("200000|l|1\n", "SELECT length(name), substr(name, -1), n FROM t WHERE path MATCH 'longer'");
    sql_run(db, "UPDATE t SET name = name || 'x' WHERE path MATCH 'longer'");
    expect("200001|x|1\n", "SELECT length(name), substr(name, -1), n FROM t WHERE path MATCH 'longer'");
}

/* --- in a statement ----------------------------------------------------------------------------------------------- */

TEST(test_other_conditions_are_about_the_row_that_is_found) {
    make_routes();
    expect("", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path = 'a'");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path = 'a/b'");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path IN ('a', 'a/b')");
    expect("a/b\n",
           "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path > 'a' AND path GLOB 'a*' AND path LIKE 'A%'");
    expect("", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND n > 2");
    expect("a/b\n", "SELECT path FROM t('a/') WHERE path MATCH 'a/b/zz'");
    expect("", "SELECT path FROM t('b') WHERE path MATCH 'a/b/zz'");
    expect("a/b\n", "SELECT path FROM t('a', '/', 'a/a') WHERE path MATCH 'a/b/zz'");
    expect("", "SELECT path FROM t('a', '/', 'a/b') WHERE path MATCH 'a/b/zz'");
    expect("1|a/b|2\n", "SELECT count(*), max(path), sum(n) FROM t WHERE path MATCH 'a/b/zz'");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' ORDER BY n DESC, name LIMIT 5");
    expect("", "SELECT path FROM t WHERE path MATCH 'a/b/zz' ORDER BY path LIMIT 1 OFFSET 1");
}

TEST(test_an_or_beside_a_match_does_not_go_round_it) {
    make_routes();
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND (path GLOB 'a*' OR path GLOB 'b*')");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND (n = 2 OR path = 'b')");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH (SELECT 'a/b/zz') AND delimiter = (SELECT '/') AND "
                    "(path = 'a/b' OR path = 'b')");
    expect("a/b\nb\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' OR path MATCH 'b/x' ORDER BY 1");
    expect("a/b\nk::\n", "SELECT path FROM t WHERE (path MATCH 'a/b/zz' AND delimiter = '/') OR "
                         "(path MATCH 'k::x' AND delimiter = '::') ORDER BY 1");
    expect("a/b\nb\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND delimiter = '/' OR path = 'b' ORDER BY 1");
    /* With statistics, arms that find little cost less than a search of a large table. */
    sql_run(db, "INSERT INTO t(path) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
                "SELECT 'z/' || i FROM n; ANALYZE; SELECT count(*) FROM t");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND (path GLOB 'a/b*' OR path GLOB 'b*')");
}

TEST(test_a_join_matches_each_row_of_another_table) {
    make_routes();
    expect("a/b/c/d|a/b/c|ABC\nb/1|b|B\na/1|a|A\n173|17|number\na/b|a/b|AB\n",
           "SELECT CAST(url AS TEXT), path, name FROM r JOIN t ON path MATCH url");
    expect("a/b/c/d|a/b/c\nb/1|b\nx|\na/1|a\n|\n173|\na/b|a/b\n",
           "SELECT CAST(url AS TEXT), path FROM r LEFT JOIN t ON path MATCH url AND delimiter = '/'");
    expect("b/1|b\n", "SELECT url, path FROM t, r WHERE t.path MATCH r.url AND t.path = r.like_path AND n > 1");
    expect("ABC\nB\n\nA\n\nnumber\nAB\n", "SELECT (SELECT name FROM t WHERE path MATCH url) FROM r");
    expect("a/b/c/d\nb/1\n",
           "SELECT url FROM r WHERE typeof(url) = 'text' AND EXISTS (SELECT 1 FROM t WHERE path MATCH "
           "url AND delimiter = '/' AND n > 1)");
    expect("a/b/c/d\n", "SELECT url FROM t, r WHERE path MATCH url AND path = (SELECT 'a/b/c')");
    sql_run(db, "CREATE VIEW v AS SELECT path, name FROM t");
    expect("AB\n", "SELECT name FROM v WHERE path MATCH 'a/b/zz'");
    sql_plan_has(db, "SELECT url, name FROM t, r WHERE path MATCH url AND delimiter = '/'",
                 "delimiter=? AND path MATCH ?, longest prefix");
}

TEST(test_update_and_delete_change_the_row_that_is_matched) {
    make_routes();
    sql_run(db, "UPDATE t SET name = 'changed' WHERE path MATCH 'a/b/zz'; DELETE FROM t WHERE path MATCH 'a/bcd'");
    expect("a/b|changed\n", "SELECT path, name FROM t WHERE path MATCH 'a/bcd'");
    sql_run(db, "DELETE FROM t WHERE path MATCH 'a/b/zz' AND delimiter = '/'");
    expect("a\na/b/c\na/x/\n", "SELECT path FROM t WHERE path GLOB 'a*'");
    sql_run(db, "UPDATE t SET path = path || '/moved' WHERE path MATCH 'b/x'");
    expect("b/moved|B|6\n", "SELECT * FROM t WHERE path GLOB 'b*'");
    sql_run(db, "UPDATE t SET n = n + 100 FROM r WHERE path MATCH url");
    expect("a|101\na/b/c|103\n17|109\n", "SELECT path, n FROM t WHERE n > 99 ORDER BY n % 100");
}

TEST(test_a_delimiter_is_of_one_arm_of_an_or) {
    make_routes();
    sql_run(db, "DELETE FROM t; INSERT INTO t(path) VALUES('a'), ('a/b'), ('ab'), ('b'), ('b/c')");
    expect("a\nb\n", "SELECT path FROM t WHERE path MATCH 'a/bx' AND delimiter = '/' OR path = 'b' ORDER BY path");
    expect("a\nb/c\n",
           "SELECT path FROM t WHERE path MATCH 'a/bx' AND delimiter = '/' OR path MATCH 'b/cc' ORDER BY path");
    expect("a/b\nb\n",
           "SELECT path FROM t WHERE path MATCH 'a/bx' OR path MATCH 'b/cc' AND delimiter = '/' ORDER BY path");
}

TEST(test_a_match_that_no_search_answers_is_an_error) {
    make_routes();
    EACH(statement, "SELECT path FROM t WHERE NOT path MATCH 'a'", "SELECT path FROM t WHERE name MATCH 'a'",
         "SELECT path FROM t WHERE path MATCH 'a' AND path MATCH 'b'", "SELECT path MATCH 'a' FROM t",
         "SELECT path FROM t WHERE path MATCH name", "SELECT path FROM t WHERE 'a' MATCH path",
         "SELECT path FROM t WHERE path MATCH 'a' OR length(path) = 3",
         /* a listing's argument that is no literal, in an OR */
         "SELECT path FROM t WHERE path MATCH 'a' AND delimiter = (SELECT '/') OR path = 'b'") {
        refuses(SQLITE_ERROR, "unable to use function MATCH", statement);
    }
    refuses(SQLITE_ERROR, "the column that takes commands", "SELECT path FROM t WHERE t MATCH 'a'");
}

/* --- beside an ordinary table ------------------------------------------------------------------------------------- */

/* substr() of an empty BLOB is NULL. */
#define IS_PREFIX "(length(p) = 0 OR substr(?1, 1, length(p)) = p)"
#define ENDS_AT                                                                                                        \
    "(length(?2) = 0 OR p = ?1 OR substr(?1, length(p) + 1, length(?2)) = ?2 OR (length(p) >= length(?2) AND "         \
    "substr(p, length(p) - length(?2) + 1) = ?2))"

static const struct {
    const char *art, *plain;
} questions[] = {
    {"SELECT hex(path), v FROM t WHERE path MATCH ?1 AND delimiter = ?2",
     "SELECT hex(p), v FROM m WHERE " IS_PREFIX " AND " ENDS_AT " ORDER BY length(p) DESC LIMIT 1"},
    {"SELECT hex(path), v FROM t WHERE path MATCH ?1 AND ?2 IS NOT NULL",
     "SELECT hex(p), v FROM m WHERE " IS_PREFIX " AND ?2 IS NOT NULL ORDER BY length(p) DESC LIMIT 1"},
    {"SELECT v FROM t WHERE path MATCH ?1 AND path GLOB 'a*' AND v % 2 AND ?2 IS NOT NULL",
     "SELECT v FROM (SELECT p, v FROM m WHERE " IS_PREFIX " ORDER BY length(p) DESC LIMIT 1) WHERE substr(p, 1, 1) = "
     "x'61' AND v % 2 AND ?2 IS NOT NULL"},
    {"SELECT v FROM t WHERE path MATCH ?1 AND prefix = ?2",
     "SELECT v FROM (SELECT p, v FROM m WHERE " IS_PREFIX " ORDER BY length(p) DESC LIMIT 1) WHERE length(?2) = 0 OR "
     "substr(p, 1, length(?2)) = ?2"},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static void bind_bytes(sqlite3_stmt *statement, int at, struct random *random, uint32_t longest) {
    static const char alphabet[] = "aab/:";
    uint8_t bytes[16];
    uint32_t length = random_below(random, longest + 1);
    for (uint32_t i = 0; i < length; i++) bytes[i] = (uint8_t)alphabet[random_below(random, sizeof alphabet)];
    sqlite3_bind_blob(statement, at, length ? bytes : (const uint8_t *)"", (int)length, SQLITE_TRANSIENT);
}

static void run_beside(sqlite3_stmt *const both[2], struct random *random, int number) {
    struct random same = *random;
    bind_bytes(both[0], 1, random, 7);
    bind_bytes(both[1], 1, &same, 7);
    for (unsigned i = 0; i < 2; i++) {
        if (number >= 0) sqlite3_bind_int(both[i], 2, number);
        ck_assert_int_eq(sqlite3_step(both[i]), SQLITE_DONE);
        sqlite3_reset(both[i]);
    }
}

static void ask_beside(sqlite3_stmt *const both[2], struct random *random, uint64_t seed) {
    struct random same = *random;
    bind_bytes(both[0], 1, random, 10);
    bind_bytes(both[0], 2, random, 2);
    bind_bytes(both[1], 1, &same, 10);
    bind_bytes(both[1], 2, &same, 2);
    char *given = sql_answer(both[0]), *expected = sql_answer(both[1]);
    ck_assert_msg(!strcmp(given, expected), "seed %llu: %s gives %s, not %s", (unsigned long long)seed,
                  sqlite3_expanded_sql(both[0]), given, expected);
    sqlite3_free(given);
    sqlite3_free(expected);
}

TEST(test_matches_agree_with_plain_sql_on_an_ordinary_table) {
    static const char *const ends[] = {"COMMIT", "ROLLBACK TO s; COMMIT", "ROLLBACK"};
    struct random random = {random_seed()};
    uint64_t seed = random.state;
    printf("matches: seed %llu\n", (unsigned long long)seed);
    sql_create(db, "t", "path, v, log_limit='2KB'");
    sql_run(db, "CREATE TABLE m(p BLOB PRIMARY KEY, v) WITHOUT ROWID");
    sqlite3_stmt *put[] = {sql_prepare(db, "INSERT OR REPLACE INTO t VALUES(CAST(?1 AS TEXT), ?2)"),
                           sql_prepare(db, "INSERT OR REPLACE INTO m VALUES(?1, ?2)")};
    sqlite3_stmt *cut[] = {sql_prepare(db, "DELETE FROM t WHERE path = CAST(?1 AS TEXT)"),
                           sql_prepare(db, "DELETE FROM m WHERE p = ?1")};
    sqlite3_stmt *ask[QUESTIONS][2];
    for (unsigned i = 0; i < QUESTIONS; i++) {
        ask[i][0] = sql_prepare(db, "%s", questions[i].art);
        ask[i][1] = sql_prepare(db, "%s", questions[i].plain);
    }
    int number = 0;
    for (unsigned round = 0; round < 40 * random_scale(); round++) {
        sql_run(db, "BEGIN");
        for (unsigned i = 0; i < 12; i++) {
            if (i == 8) sql_run(db, "SAVEPOINT s");
            if (random_below(&random, 3)) {
                run_beside(put, &random, ++number);
            } else {
                run_beside(cut, &random, -1);
            }
        }
        for (unsigned i = 0; i < 25 * QUESTIONS; i++) ask_beside(ask[i % QUESTIONS], &random, seed);
        sql_run(db, "%s", ends[random_below(&random, 3)]);
        for (unsigned i = 0; i < 25 * QUESTIONS; i++) ask_beside(ask[i % QUESTIONS], &random, seed);
    }
    for (unsigned i = 0; i < 2; i++) {
        sqlite3_finalize(put[i]);
        sqlite3_finalize(cut[i]);
        for (unsigned j = 0; j < QUESTIONS; j++) sqlite3_finalize(ask[j][i]);
    }
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("sql_match", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down);
}
