/* Reading: whatever stands on the right of a comparison, an art table gives the rows that an ordinary one gives.
 *
 * The queries are made from parts: operators, right sides (literals, bound values, columns and expressions of every
 * type and affinity, NULL, BLOB), patterns, orders, limits. Both tables hold the same paths: numbers written in many
 * ways, blanks, NULs, brackets, case, prefixes of each other. Row counting without looking at rows has tests of its
 * own, since the module then counts instead of walking.
 */
#include "tests/support/sql_one.h"

static void due(sqlite3_context *context, int count, sqlite3_value **values);

static const char setup_text[] = "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
                                 "INSERT INTO b(path) VALUES(''), ('5'), ('05'), ('5.0'), (' 5'), ('5 '), ('+5'), "
                                 "('12'), ('12.50'), ('12.5'), ('1e3'), ('1000'), ('-1'), ('a'), ('A'), ('ab'), "
                                 "('abc'), ('a/'), ('a/1'), ('a/2'), ('a/b/c'), ('b'), ('[x]'), ('x'), ('é'),"
                                 " ('z'), (CAST(x'6100' AS TEXT)), (CAST(x'610062' AS TEXT)), ('*'), ('?'), ('a*'), "
                                 "('9223372036854775807'), ('nan'), ('0x10'), ('.5'), ('0.5');"
                                 "UPDATE b SET value = length(path);"
                                 "CREATE TABLE r(n INTEGER, f REAL, m NUMERIC, s TEXT, u, l BLOB);"
                                 "INSERT INTO r VALUES(5, 5, 5, 5, 5, x'35'), (12, 12.5, '12.5', '12.5', 12.5, 12.5),"
                                 " (1000, 1e3, 1000, '1e3', '1000', 'a'), (NULL, NULL, NULL, NULL, NULL, NULL), ('q', "
                                 "'q', 'a/1', 'a/', 'a/1', 'a/2');";

static void set_up(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
    run("%s INSERT INTO t(path, value) SELECT path, value FROM b", setup_text);
    sqlite3_create_function(db, "due", 0, SQLITE_UTF8, NULL, due, NULL, NULL);
}

TEXTS(values, "5", "12.5", "\'a/1\'", "CAST(\'a/1\' AS BLOB)", "\'a/*\'", "CAST(x\'610062\' AS TEXT)", "NULL");
enum { BINDINGS = LENGTH(values) };

/* --- comparisons -------------------------------------------------------------------------------------------------- */

TEXTS(right_sides, "5", "'5'", "12.5", "'12.5'", "1e3", "'a/1'", "x'35'", "NULL", "?1", "?1 || ''", "+?1",
      "CAST(?1 AS TEXT)", "5 + 0", "'a' || '/1'", "(SELECT s FROM r LIMIT 1)", "-1", "9223372036854775807", "''",
      "zeroblob(0)", "CAST('a/1' AS BLOB)", "CAST('12.5' AS NUMERIC)", "lower('A')", "char(233)");
TEXTS(operators, "=", "==", "IS", "<", "<=", ">", ">=", "<>", "IS NOT", "GLOB", "NOT GLOB", "LIKE");
enum { RIGHT_SIDES = LENGTH(right_sides), OPERATORS = LENGTH(operators) };

TEST(test_every_operator_takes_every_right_side) {
    for (int o = 0; o < OPERATORS; o++) {
        for (int r = 0; r < RIGHT_SIDES; r++) {
            char *format = TEXT("SELECT path FROM @ WHERE path %s %s ORDER BY path", operators[o], right_sides[r]);
            for (int i = 0; i < (strstr(right_sides[r], "?1") ? BINDINGS : 1); i++)
                alike_or_undecided(format, values[i]);
        }
    }
}

TEST(test_it_takes_them_from_the_left_too) {
    EACH(each, "=", "<", "<=", ">", ">=") {
        for (int r = 0; r < RIGHT_SIDES; r++) {
            char *format = TEXT("SELECT path FROM @ WHERE %s %s path ORDER BY path", right_sides[r], each);
            for (int i = 0; i < (strstr(right_sides[r], "?1") ? BINDINGS : 1); i++)
                alike_or_undecided(format, values[i]);
        }
    }
}

/* The comparison takes the affinity of a column on its other side: '05' = 5 when that is an INTEGER column. */
TEST(test_joins_compare_by_the_other_columns_affinity) {
    TEXTS(columns, "n", "f", "m", "s", "u", "l");
    TEXTS(joined, "=", "IS", "<", ">=", "GLOB");
    for (int c = 0; c < 6; c++) {
        for (int o = 0; o < 5; o++) {
            /* A text out of a numeric column, compared by order, is the one thing taken as plain text: plan.h. */
            const char *only = c < 3 && o >= 2 && o <= 3 ? "typeof(r.n) <> 'text'" : "1";
            alike_or_undecided(TEXT("SELECT r.rowid, x.path FROM r CROSS JOIN @ AS x WHERE x.path %s r.%s AND %s"
                                    " ORDER BY 1, 2",
                                    joined[o], columns[c], only),
                               "5");
        }
    }
    alike_or_undecided("SELECT x.path, y.path FROM @ AS x JOIN b AS y ON x.path = y.path ORDER BY 1", "5");
    alike_or_undecided("SELECT x.path, y.path FROM b AS x CROSS JOIN @ AS y ON y.path GLOB x.path || '*' ORDER BY 1, 2",
                       "5");
    alike_or_undecided("SELECT x.path FROM b AS x WHERE EXISTS (SELECT 1 FROM @ AS y WHERE y.path > x.path AND y.path "
                       "< x.path || 'b')",
                       "5");
}

/* The table holds other spellings of the numbers, too. */
TEST(test_updates_and_deletes_by_a_number_find_its_text) {
    EACH(change, "UPDATE @ SET value = 'changed' WHERE path = 5", "UPDATE @ SET value = 'changed' WHERE path = 12.5",
         "UPDATE @ SET value = 'changed' WHERE path = ?1 || ''", "UPDATE @ SET value = 'changed' WHERE path = 5.5",
         "UPDATE @ SET path = 'five' WHERE path = 5", "DELETE FROM @ WHERE path = 1000",
         "DELETE FROM @ WHERE path IN (1000, -1)", "DELETE FROM @ WHERE path <= 5 AND path > -7") {
        for (int binding = 0; binding < (strstr(change, "?1") ? BINDINGS : 1); binding++) {
            alike_or_undecided(change, values[binding]);
            alike_or_undecided("SELECT path, value FROM @ ORDER BY path", "5");
        }
    }
}

TEST(test_several_conditions_are_intersected) {
    TEXTS(conditions, "path > '5'", "path >= 'a'", "path < 'b'", "path <= 'a/2'", "path BETWEEN '1' AND 'a/'",
          "path GLOB 'a*'", "path GLOB 'a/?'", "path = 'a/1'", "path IN ('a', 'a/1', 5, NULL)", "path IN ('', NULL)",
          "value > 2", "path LIKE 'A%'", "path > ?1", "path < ?1", "path IN (SELECT s FROM r)", "length(path) = 3",
          "path COLLATE NOCASE = 'A'", "path > 'a' COLLATE NOCASE");
    enum { CONDITIONS = LENGTH(conditions) };
    struct random random = random_announced("conditions");
    for (int i = 0; i < 600 * (int)random_scale(); i++) {
        if (!random_span(&random)) continue;
        sqlite3_str *text = sqlite3_str_new(NULL);
        sqlite3_str_appendall(text, "SELECT path, value FROM @ WHERE 1");
        for (uint32_t n = 1 + random_below(&random, 4); n; n--) {
            const char *glue = random_once_in(&random, 6) ? " OR " : " AND ";
            sqlite3_str_appendf(text, "%s%s", glue, conditions[random_below(&random, CONDITIONS)]);
        }
        sqlite3_str_appendall(text, random_below(&random, 2) ? " ORDER BY path" : " ORDER BY path DESC");
        if (random_once_in(&random, 3)) sqlite3_str_appendf(text, " LIMIT %u", random_below(&random, 4));
        if (random_once_in(&random, 9) && !strstr(sqlite3_str_value(text), "LIMIT")) {
            sqlite3_str_appendf(text, " LIMIT 3 OFFSET %u", random_below(&random, 4));
        }
        alike_or_undecided(kept(sqlite3_str_finish(text)), values[random_below(&random, BINDINGS)]);
    }
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

static void fill_numbers(int rows) {
    run("DELETE FROM t; DELETE FROM b;"
        "INSERT INTO b WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
        " SELECT printf('d%%d/%%05d', i %% 7, i), i FROM n;"
        "INSERT INTO t(path, value) SELECT path, value FROM b",
        rows);
}

TEST(test_counts_without_columns_are_right) {
    for (int rows = 0; rows < 60; rows += 7) {
        fill_numbers(rows);
        alike_or_undecided("SELECT count(*) FROM @", "5");
        alike_or_undecided("SELECT count(*) FROM @ WHERE path GLOB 'd3/*'", "5");
        alike_or_undecided("SELECT count(*) FROM @ WHERE path GLOB 'd3/*1'", "5");
        alike_or_undecided("SELECT count(*) FROM @ WHERE path > 'd2' AND path <= 'd5/00005'", "5");
        alike_or_undecided("SELECT count(*) FROM @ WHERE path < 'd2/00009'", "5");
        alike_or_undecided("SELECT count(*) FROM (SELECT 1 FROM @ ORDER BY path DESC LIMIT 20)", "5");
        alike_or_undecided("SELECT count(*) FROM (SELECT 1 FROM @ WHERE path >= 'd1' LIMIT 13 OFFSET 4)", "5");
    }
}

/* due(): true once in so many calls, so that a statement asks for a column of some rows only. */
static int due_every, due_calls;

static void due(sqlite3_context *context, int count, sqlite3_value **values) {
    sqlite3_result_int(context, ++due_calls % due_every == 0);
}

static sqlite3_stmt *some_rows(const char *table, const char *order) {
    return sql_prepare(db, "SELECT CASE WHEN due() THEN path || value END FROM %s ORDER BY path %s", table, order);
}

static bool step_alike(sqlite3_stmt *art, sqlite3_stmt *plain, int row) {
    int calls = due_calls, rc = sqlite3_step(art);
    due_calls = calls;
    int wanted = sqlite3_step(plain);
    ck_assert_msg(rc == wanted, "row %d: %d, ordinary: %d (%s)", row, rc, wanted, sqlite3_errmsg(db));
    if (rc != SQLITE_ROW) return false;
    const char *got = (const char *)sqlite3_column_text(art, 0),
               *expected = (const char *)sqlite3_column_text(plain, 0);
    ck_assert_msg(!got == !expected && (!got || !strcmp(got, expected)), "row %d: %s, ordinary: %s", row, got,
                  expected);
    return true;
}

LOOP_TEST(test_a_column_after_many_rows_without_one_is_the_right_rows, 2) {
    fill_numbers(500);
    for (due_every = 1; due_every < 300; due_every = due_every * 2 + 1) {
        sqlite3_stmt *art = some_rows("t", _i ? "DESC" : ""), *plain = some_rows("b", _i ? "DESC" : "");
        for (int row = 0; step_alike(art, plain, row);) row++;
        sqlite3_finalize(art);
        sqlite3_finalize(plain);
    }
}

static void change_both(struct random *random) {
    TEXTS(changes, "INSERT OR REPLACE INTO %s(path, value) VALUES('d%u/%05ux', 'new')",
          "DELETE FROM %s WHERE path > 'd%u' AND path < 'd%u/00100' AND value %% 2",
          "UPDATE OR REPLACE %s SET path = 'd%u/moved%u' WHERE path GLOB 'd[25]/0010?'");
    TEXTS(ends, "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "COMMIT", "ROLLBACK", "BEGIN",
          "INSERT INTO t(t) VALUES('flush')");
    if (random_once_in(random, 2)) {
        sql_try(db, "%s", ends[random_below(random, 7)]);
        return;
    }
    uint32_t a = random_below(random, 7), b = random_below(random, 500);
    const char *change = changes[random_below(random, 3)];
    int on_plain = sql_try(db, change, "b", a, strstr(change, "DELETE") ? a : b);
    int on_art = sql_try(db, change, "t", a, strstr(change, "DELETE") ? a : b);
    ck_assert_msg(on_art == on_plain, "%s: %d, ordinary: %d", change, on_art, on_plain);
}

TEST(test_an_open_scan_goes_on_through_every_change_of_its_table) {
    struct random random = random_announced("open scans");
    for (int round = 0; round < 40 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        sql_try(db, "ROLLBACK");
        fill_numbers(300);
        due_every = 1 + (int)random_below(&random, 60);
        const char *order = random_below(&random, 2) ? "DESC" : "";
        sqlite3_stmt *art = some_rows("t", order), *plain = some_rows("b", order);
        for (int row = 0; step_alike(art, plain, row); row++) {
            if (random_once_in(&random, 12)) change_both(&random);
        }
        sqlite3_finalize(art);
        sqlite3_finalize(plain);
    }
}

SUITE("queries", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
