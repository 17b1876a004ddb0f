/* Conditions by order between the key and a number of which SQLite does not tell how it is compared: what agrees with
 * an ordinary table, what is prepared anew, and what is refused, with words that help. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

static sqlite3 *db;

static void set_up(void) {
    db = sql_open(":memory:");
    sql_create(db, "t", "");
    sql_run(db, "CREATE TABLE b(path TEXT PRIMARY KEY, value) WITHOUT ROWID;"
                "CREATE TABLE o(id INTEGER, any, name TEXT); INSERT INTO o VALUES(7, 7, '7'), (12, 12.5, 'a')");
}

static void tear_down(void) {
    sql_close(db);
}

static void fill(const char *keys) {
    sql_run(db, "DELETE FROM t; DELETE FROM b; INSERT INTO b SELECT value, 1 FROM json_each('%s')", keys);
    sql_run(db, "INSERT INTO t(path, value) SELECT * FROM b");
}

/* What is bound to ?1. */
enum binding { NOTHING, INTEGER, REAL, TEXT, BLOB };

static void bind(sqlite3_stmt *statement, enum binding binding) {
    if (binding == INTEGER) sqlite3_bind_int(statement, 1, 7);
    if (binding == REAL) sqlite3_bind_double(statement, 1, 12.5);
    if (binding == TEXT) sqlite3_bind_text(statement, 1, "7", -1, SQLITE_STATIC);
    if (binding == BLOB) sqlite3_bind_blob(statement, 1, "7", 1, SQLITE_STATIC);
}

/* "?": it was refused. sqlite3_free() it. */
static char *ask(const char *format, const char *table, enum binding binding) {
    char *sql = sqlite3_mprintf(format, table);
    sqlite3_stmt *statement = sql_prepare(db, "%s", sql);
    bind(statement, binding);
    char *answer = sql_answer(statement);
    if (sql_is_undecided(db)) {
        sqlite3_free(answer);
        answer = sqlite3_mprintf("?");
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return answer;
}

static void expect(const char *format, enum binding binding, bool refused) {
    char *art = ask(format, "t", binding), *plain = ask(format, "b", binding);
    const char *wanted = refused && !sql_standin() ? "?" : plain;
    ck_assert_msg(!strcmp(art, wanted), "%s (binding %d)\n  art:\n%s\n  wanted:\n%s", format, binding, art, wanted);
    sqlite3_free(art);
    sqlite3_free(plain);
}

static const char *const all_keys =
    "[\"\", \"!\", \"/1\", \"07\", \"10\", \"12.5\", \"7\", \"7.0\", \"8\", \"700\", \" 7\", \":\", \"a\", \"b/c\"]";

/* --- what agrees with an ordinary table --------------------------------------------------------------------------- */

/* A statement about one table is prepared anew if it has to be, and SQLite then checks each key. */
START_TEST(test_one_table_answers_as_an_ordinary_one) {
    static const char *const conditions[] = {
        "path > ?1",
        "path >= ?1 AND path < ?1 || 'x'",
        "path < ?1",
        "?1 <= path",
        "path BETWEEN ?1 AND 'b'",
        "path > CAST(?1 AS INTEGER)",
        "path <= CAST(?1 AS REAL)",
        "path >= CAST(?1 AS TEXT)",
        "path > abs(?1)",
        "path < 5 + 2",
        "path >= +?1",
        "path > 'a' AND path > CAST(?1 AS INTEGER)",
        "(path, value) > (?1, 0)",
        "(path, value) <= (CAST(?1 AS INTEGER), 1)",
        "path > ?1 AND value = ?1",
        "value = ?1 OR path < ?1",
        "path >= CAST(?1 AS INTEGER) AND path GLOB 'a' || '*'",
        "path BETWEEN CAST(?1 AS INTEGER) AND 'b' AND path GLOB '7' || '*'", /* the pattern is shown first */
        "path > -?1 AND path > ?1 - 1 AND path > ?1 - 2 AND path >= ?1 - 3 AND path >= ?1 - 4 AND path < 'b'",
    };
    static const char *const ends[] = {"ORDER BY path", "ORDER BY path DESC LIMIT 3", "ORDER BY path LIMIT 2 OFFSET 1",
                                       ""};
    fill(all_keys);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        for (size_t j = 0; j < sizeof ends / sizeof *ends; j++) {
            const char *columns = *ends[j] ? "path, value" : "count(*)";
            char *format = sqlite3_mprintf("SELECT %s FROM %%s WHERE %s %s", columns, conditions[i], ends[j]);
            for (int binding = NOTHING; binding <= BLOB; binding++) expect(format, (enum binding)binding, false);
            sqlite3_free(format);
        }
    }
}
END_TEST

/* So is a write. */
START_TEST(test_a_write_changes_the_rows_of_an_ordinary_one) {
    static const char *const writes[] = {
        "UPDATE %s SET value = CAST(?1 AS TEXT) WHERE path BETWEEN ?1 AND 'b'",
        "UPDATE OR IGNORE %s SET path = path || CAST(?1 AS INTEGER), value = 3 WHERE path > CAST(?1 AS INTEGER)",
        "UPDATE main.%s SET value = CAST(?1 AS TEXT) WHERE path > CAST(?1 AS INTEGER) OR path <= CAST(?1 AS REAL)",
        "DELETE FROM %s WHERE path < abs(?1)",
        "UPDATE %s SET value = ?1 WHERE path >= ?1 AND path < (SELECT max(name) FROM o)",
        "DELETE FROM %s AS x WHERE x.path >= CAST(?1 AS INTEGER) AND x.path < 'b' OR x.path < CAST(?1 AS REAL)",
    };
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        for (int binding = NOTHING; binding <= BLOB; binding++) {
            fill(all_keys);
            for (int run = 0; run < 3; run++) {
                if (run == 1)
                    sql_run(db, "BEGIN; SAVEPOINT s; INSERT INTO t VALUES('zz', 1); INSERT INTO b VALUES('zz', 1)");
                expect(writes[i], (enum binding)binding, false);
                ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM b)"), 0);
                ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM b EXCEPT SELECT * FROM t)"), 0);
            }
            sql_run(db, "COMMIT");
        }
    }
}
END_TEST

/* Where all meanings agree on every key in the range, nothing is refused. */
START_TEST(test_what_means_the_same_in_all_ways_is_answered) {
    static const char *const queries[] = {
        "SELECT path, id FROM o CROSS JOIN %s ON path > id ORDER BY 1, 2",
        "SELECT path, id FROM o CROSS JOIN %s ON path < any AND path > '' ORDER BY 1, 2",
        "SELECT path, (SELECT max(id) FROM o) FROM %s WHERE path >= (SELECT min(id) FROM o) ORDER BY path DESC",
        "SELECT count(*) FROM o CROSS JOIN %s ON path >= id",
        "SELECT path FROM o CROSS JOIN %s ON path >= id AND path IN ('7', '8', 'x') ORDER BY 1",
        "SELECT path FROM o CROSS JOIN %s ON path >= id AND path GLOB '?' ORDER BY 1",
        "SELECT path FROM o CROSS JOIN %s ON path >= id AND path LIKE 'A%%' ORDER BY 1",
    };
    sql_run(db, "DELETE FROM o; INSERT INTO o VALUES(7, 7.5, 'x')");
    fill("[\"8\", \"9\", \":\", \"a\", \"b/c\"]");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) expect(queries[i], NOTHING, false);
    fill("[\"6\", \"8\", \"9\"]");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        bool passes_by = strstr(queries[i], "path IN") || strstr(queries[i], "LIKE");
        expect(queries[i], NOTHING, !passes_by);
    }
}
END_TEST

/* A statement whose trigger asks the table is refused: it has changed rows by then. */
START_TEST(test_a_write_of_another_table_is_not_begun_again) {
    static const char *const writes[] = {"UPDATE c SET n = n + 1", "DELETE FROM c", "UPDATE main.c SET n = n + 1"};
    fill("[\"10\", \"5\", \"a\"]");
    if (sql_standin()) return;
    sql_run(db, "CREATE TABLE c(n, x INTEGER); INSERT INTO c VALUES(0, 7), (0, 8), (0, 9); CREATE TABLE found(p);"
                "CREATE TRIGGER tu AFTER UPDATE ON c BEGIN INSERT INTO found SELECT path FROM t WHERE path > new.x; "
                "END;"
                "CREATE TRIGGER td AFTER DELETE ON c BEGIN INSERT INTO found SELECT path FROM t WHERE path > old.x; "
                "END");
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        sql_run(db, "BEGIN");
        ck_assert_int_eq(sql_try(db, writes[i]), SQLITE_ERROR);
        ck_assert(sql_is_undecided(db));
        ck_assert_int_le(sql_int(db, "SELECT max(n) FROM c"), 1); /* SQLite takes back nothing here in a transaction */
        sql_run(db, "ROLLBACK");
    }
}
END_TEST

/* The art table is in another schema than the one that the statement names, or might. */
START_TEST(test_a_table_of_the_same_name_elsewhere_is_another_one) {
    static const char *const schemas[] = {"main", "temp", "x"};
    if (sql_standin()) return;
    for (int art = 0; art < 3; art++) {
        for (int other = 0; other < 2; other++) {
            if (art == other) continue;
            sqlite3 *own = sql_open(":memory:");
            sql_run(own,
                    "ATTACH ':memory:' AS x; CREATE VIRTUAL TABLE %s.t USING art(path, value);"
                    "INSERT INTO %s.t VALUES('10', 1), ('5', 2), ('a', 3); CREATE TABLE %s.t(n, x INTEGER);"
                    "INSERT INTO %s.t VALUES(0, 7), (0, 8), (0, 9); CREATE TEMP TABLE found(p);"
                    "CREATE TEMP TRIGGER tu AFTER UPDATE ON %s.t BEGIN INSERT INTO found SELECT path FROM %s.t "
                    "WHERE path > new.x; END; BEGIN",
                    schemas[art], schemas[art], schemas[other], schemas[other], schemas[other], schemas[art]);
            ck_assert_int_eq(sql_try(own, "UPDATE %s.t SET n = n + 1", schemas[other]), SQLITE_ERROR);
            ck_assert_int_le(sql_int(own, "SELECT max(n) FROM %s.t", schemas[other]), 1);
            bool first = other == 1 || art == 2; /* it is the one that is meant without a schema, too */
            sql_run(own, "ROLLBACK; BEGIN");
            if (first) ck_assert_int_eq(sql_try(own, "UPDATE t SET n = n + 1"), SQLITE_ERROR);
            ck_assert_int_le(sql_int(own, "SELECT max(n) FROM %s.t", schemas[other]), 1);
            sql_close(own);
        }
    }
}
END_TEST

START_TEST(test_a_write_that_asks_for_changes_is_refused) {
    fill(all_keys);
    expect("UPDATE %s SET value = changes() WHERE path > CAST(?1 AS INTEGER)", INTEGER, true);
    fill(all_keys);
    expect("UPDATE %s SET value = 5 WHERE path > CAST(?1 AS INTEGER)", INTEGER, false);
}
END_TEST

/* A CAST of a literal makes nobody doubt a bound number. */
START_TEST(test_a_bound_number_beside_a_literal_that_is_cast_is_a_text) {
    static const char *const queries[] = {
        "SELECT path, id FROM o CROSS JOIN %s ON path > ?1 AND CAST('7' AS INTEGER) > 6 ORDER BY 1, 2",
        "SELECT path, CAST(X'37' AS TEXT), CAST( 3.5 AS INT) FROM o CROSS JOIN %s ON path <= ?1 ORDER BY 1",
        "SELECT path, cast (x'37' AS TEXT) FROM o CROSS JOIN %s ON path BETWEEN ?1 AND 'b' ORDER BY path DESC",
    };
    fill(all_keys);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        for (int binding = NOTHING; binding <= BLOB; binding++) expect(queries[i], (enum binding)binding, false);
    }
}
END_TEST

/* --- what is refused ---------------------------------------------------------------------------------------------- */

START_TEST(test_joins_are_refused_where_it_matters) {
    static const char *const queries[] = {
        "SELECT path FROM o CROSS JOIN %s ON path > id",
        "SELECT path FROM o CROSS JOIN %s ON path > id ORDER BY path DESC",
        "SELECT path FROM o CROSS JOIN %s ON path <= any",
        "SELECT count(*) FROM o CROSS JOIN %s ON path < id",
        "SELECT path FROM %s WHERE path < (SELECT max(id) FROM o)",
        "SELECT path FROM o CROSS JOIN %s ON path < id AND path IN ('/1', 'x')",
        "SELECT path FROM o CROSS JOIN %s ON path >= id AND path IN ('7', 'x')",
        "SELECT path FROM o CROSS JOIN %s ON path < id AND path GLOB '/*'",
        "SELECT id, (SELECT path FROM %s WHERE path < id LIMIT 1) FROM o",
        "SELECT path FROM o CROSS JOIN %s ON any = ?1 AND path > any",
        "SELECT path FROM o, (SELECT ?1 AS y FROM o) AS x, %s WHERE o.id = x.y AND path > o.id",
        "SELECT path FROM o NATURAL JOIN (SELECT ?1 AS id FROM o) AS x CROSS JOIN %s ON path > o.id",
        "SELECT path FROM o JOIN (SELECT ?1 AS id FROM o) AS x USING(id) CROSS JOIN %s ON path > o.id",
        "SELECT path FROM o CROSS JOIN %s ON ?1 -- .x\n = o.id AND path > o.id",
        "SELECT path FROM %s WHERE path = 'a' OR path > CAST(?1 AS INTEGER)", /* after a row */
        "SELECT path FROM (SELECT ?1 AS n) AS x CROSS JOIN %s ON path > CAST('x'.n AS INTEGER)",
        "SELECT path FROM (SELECT ?1 AS n) AS x CROSS JOIN %s ON path > CAST( 'x' . n AS INTEGER)",
    };
    fill(all_keys);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) expect(queries[i], INTEGER, true);
}
END_TEST

START_TEST(test_the_casts_that_are_named_help) {
    static const char *const queries[] = {
        "SELECT path FROM o CROSS JOIN %s ON path > CAST(id AS TEXT) ORDER BY 1",
        "SELECT path FROM o CROSS JOIN %s ON CAST(path AS NUMERIC) > id ORDER BY 1",
        "SELECT path FROM o CROSS JOIN %s ON path >= CAST(any AS TEXT) AND path < CAST(any AS TEXT) || 'x' ORDER BY 1",
    };
    fill(all_keys);
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) expect(queries[i], NOTHING, false);
}
END_TEST

/* Nothing of a statement that is refused is done. */
START_TEST(test_a_write_that_is_refused_changes_nothing) {
    static const char *const writes[] = {
        "DELETE FROM %s WHERE path < (SELECT max(id) FROM o)",
        "UPDATE %s SET value = 2 WHERE path >= (SELECT max(id) FROM o)",
        "INSERT INTO %s(path, value) SELECT 'x', 1 FROM o WHERE EXISTS (SELECT 1 FROM t WHERE path < id)",
    };
    fill(all_keys);
    if (sql_standin()) return;
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        ck_assert_int_eq(sql_try(db, writes[i], "t"), SQLITE_ERROR);
        ck_assert(sql_is_undecided(db));
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM b)"), 0);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM b EXCEPT SELECT * FROM t)"), 0);
    }
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 14);
}
END_TEST

/* Two doubles next to each other, integers beyond 2^53, what differs less than SQLite rounds: nobody can tell. */
START_TEST(test_what_is_too_near_is_refused) {
    if (sql_standin()) return;
    sql_run(db, "DELETE FROM o; INSERT INTO o VALUES(9007199254740993, 0.1, 'x')");
    fill("[\"9007199254740994\", \"a\"]");
    expect("SELECT path FROM o CROSS JOIN %s ON path >= id", NOTHING, true);
    fill("[\"9007199255740994\", \"a\"]");
    expect("SELECT path FROM o CROSS JOIN %s ON path >= id ORDER BY 1", NOTHING, false);
    fill("[\"0.10000000000000001\", \"a\"]");
    expect("SELECT path FROM o CROSS JOIN %s ON path > any", NOTHING, true);
    fill("[\"0.1000001\", \"a\"]");
    expect("SELECT path FROM o CROSS JOIN %s ON path > any ORDER BY 1", NOTHING, false);
    sql_run(db, "DELETE FROM b; INSERT INTO b VALUES(CAST(x'3700' AS TEXT), 1);"
                "DELETE FROM t; INSERT INTO t(path, value) SELECT * FROM b; DELETE FROM o;"
                "INSERT INTO o VALUES(6, 6, 'x')");
    expect("SELECT path FROM o CROSS JOIN %s ON path < id", NOTHING, false);
}
END_TEST

/* --- texts -------------------------------------------------------------------------------------------------------- */

static int steps_of(const char *sql) {
    sqlite3_stmt *statement = sql_prepare(db, "%s", sql);
    sqlite3_bind_text(statement, 1, "f", -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, "g", -1, SQLITE_STATIC);
    sqlite3_free(sql_answer(statement));
    int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(statement);
    return steps;
}

/* SQLite does not look at the keys again: a row of a range costs as many of its steps as one of a listing. */
START_TEST(test_one_prefix_has_one_price) {
    if (sql_standin()) return;
    sql_run(db, "WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 1000)"
                "INSERT INTO t(path, value) SELECT printf('f/%%05d', i), i FROM i");
    int listed = steps_of("SELECT path, value FROM t(?1)");
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path >= ?1 AND path < ?2"), listed + 10);
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path BETWEEN ?1 AND ?2"), listed + 10);
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path > ?1"), listed + 10);
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path GLOB ?1 || '*'"), listed + 20);
}
END_TEST

/* --- at random ---------------------------------------------------------------------------------------------------- */

static void append_number(sqlite3_str *out, struct random *random) {
    static const char *const forms[] = {"%d", "%d.0", "%d.5", "-%d", " %d", "%de1", "0%d", "+%d", "%d/x", ".%d"};
    char text[40];
    snprintf(text, sizeof text, forms[random_below(random, 10)], (int)random_below(random, 30));
    sqlite3_str_appendall(out, text);
}

/* Rows are as an ordinary table's, or the query is refused. */
START_TEST(test_random_numbers_are_compared_exactly_or_not_at_all) {
    static const char *const operators[] = {"<", "<=", ">", ">="};
    static const char *const columns[] = {"id", "any", "CAST(id AS TEXT)", "any + 1", "name"};
    struct random random = {random_seed()};
    int answered = 0, refused = 0;
    printf("numbers: seed %llu\n", (unsigned long long)random.state);
    for (int i = 0; i < 300 * (int)random_scale(); i++) {
        sqlite3_str *keys = sqlite3_str_new(db);
        sqlite3_str_appendall(keys, "[\"a\"");
        for (uint32_t n = random_below(&random, 4); n; n--) {
            sqlite3_str_appendall(keys, ", \"");
            append_number(keys, &random);
            sqlite3_str_appendall(keys, "\"");
        }
        sqlite3_str_appendall(keys, "]");
        char *list = sqlite3_str_finish(keys);
        sql_run(db,
                "DELETE FROM t; DELETE FROM b; INSERT OR IGNORE INTO b SELECT value, 1 FROM json_each('%s');"
                "INSERT INTO t(path, value) SELECT * FROM b",
                list);
        sqlite3_free(list);
        sql_run(db, "DELETE FROM o; INSERT INTO o VALUES(%d, %d.5, 'a')", (int)random_below(&random, 30),
                (int)random_below(&random, 30));
        char *format = sqlite3_mprintf("SELECT path FROM o CROSS JOIN %%s ON path %s %s ORDER BY path",
                                       operators[random_below(&random, 4)], columns[random_below(&random, 5)]);
        char *art = ask(format, "t", NOTHING), *plain = ask(format, "b", NOTHING);
        bool is_refused = !strcmp(art, "?");
        ck_assert_msg(is_refused || !strcmp(art, plain), "%s\n  art:\n%s\n  ordinary:\n%s", format, art, plain);
        refused += is_refused;
        answered += !is_refused;
        sqlite3_free(art);
        sqlite3_free(plain);
        sqlite3_free(format);
    }
    printf("%d queries answered, %d refused\n", answered, refused);
    ck_assert_int_gt(answered, refused / 4);
}
END_TEST

/* What SQLite gives out is UTF-8, and a binding may fail where it is not. */
START_TEST(test_a_message_that_quotes_any_bytes_is_utf8) {
    sql_run(db, "INSERT INTO t(path, value) VALUES(CAST(x'61ff80c3' AS TEXT), 1), (printf('!%%.58c\u00e9', 'a'), 1)");
    sql_refused(db, SQLITE_ERROR,
                "art: a common prefix cannot be changed (t.path = 'a?"
                "?"
                "?'): leave the delimiter",
                "UPDATE t SET value = 1 WHERE prefix = 'a' AND delimiter = x'c3'");
    sql_run(db, "DELETE FROM t WHERE path = CAST(x'61ff80c3' AS TEXT); UPDATE o SET id = -165");
    char *said = sqlite3_mprintf("'!%.58c?'", 'a');
    sql_refused(db, SQLITE_ERROR, said, "SELECT o.id, t.value FROM o JOIN t ON t.path > o.id");
    sqlite3_free(said);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("doubts");
    TCase *cases = tcase_create("doubts");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, test_one_table_answers_as_an_ordinary_one);
    tcase_add_test(cases, test_a_write_changes_the_rows_of_an_ordinary_one);
    tcase_add_test(cases, test_a_write_of_another_table_is_not_begun_again);
    tcase_add_test(cases, test_a_table_of_the_same_name_elsewhere_is_another_one);
    tcase_add_test(cases, test_a_write_that_asks_for_changes_is_refused);
    tcase_add_test(cases, test_a_bound_number_beside_a_literal_that_is_cast_is_a_text);
    tcase_add_test(cases, test_what_means_the_same_in_all_ways_is_answered);
    tcase_add_test(cases, test_joins_are_refused_where_it_matters);
    tcase_add_test(cases, test_the_casts_that_are_named_help);
    tcase_add_test(cases, test_a_write_that_is_refused_changes_nothing);
    tcase_add_test(cases, test_what_is_too_near_is_refused);
    tcase_add_test(cases, test_one_prefix_has_one_price);
    tcase_add_test(cases, test_random_numbers_are_compared_exactly_or_not_at_all);
    tcase_add_test(cases, test_a_message_that_quotes_any_bytes_is_utf8);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
