/* Joins: which table comes first, and what of another table's columns bounds the scan. By the steps that SQLite takes,
 * and by the words of EXPLAIN QUERY PLAN; '@' stands for the table.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static void set_up(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
}

static int steps_of(const char *sql) {
    static const char *const values[] = {"d/*", "d", "e"};
    char *text = sql_named(sql, "t");
    sqlite3_stmt *statement = sql_prepare(db, "%s", text);
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        sqlite3_bind_text(statement, i, values[i - 1], -1, SQLITE_STATIC);
    }
    while (sqlite3_step(statement) == SQLITE_ROW) continue;
    int steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(statement);
    sqlite3_free(text);
    return steps;
}

/* The paths d/000/00000, d/001/00001, ..., of so many directories, and two ordinary tables that know these. */
static void fill_directories(int paths, int directories, int others) {
    sql_run(db,
            "DELETE FROM t; INSERT INTO t(path, value) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
            " SELECT printf('d/%%03d/%%05d', i %% %d, i), i FROM n;"
            "CREATE TABLE o(id INTEGER PRIMARY KEY, d TEXT, p TEXT);"
            "INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
            " SELECT i, printf('d/%%03d', i %% %d), printf('d/%%03d/%%05d', i %% %d, i) FROM n;"
            "CREATE TABLE x(id INTEGER PRIMARY KEY, w); INSERT INTO x SELECT id, d FROM o",
            paths, directories, others, directories, directories);
}

TEXTS(bounds_of_others, "q.path >= o.d AND q.path < o.d || '0'", "q.path BETWEEN o.d AND o.p",
      "q.path GLOB o.d || '/*'", "q.prefix = o.d || '/'", "q.path LIKE o.d || '/%'", "q.path IN (o.d, o.p)");
TEXTS(bounds_for_all, "q.path > 'd/'", "q.path >= 'd'", "q.path < 'e'", "q.path > 'd' AND q.path < 'e'",
      "q.path GLOB 'd/*'", "q.path > ''", "q.path LIKE 'd/%'", "q.path GLOB ?1", "q.path >= ?2 AND q.path < ?3",
      "q.value >= 0", "q.path IN ('d/000/00000', 'd/001/00001', 'd/002/00002')");
enum {
    BOUNDS_OF_OTHERS = sizeof bounds_of_others / sizeof *bounds_of_others,
    BOUNDS_FOR_ALL = sizeof bounds_for_all / sizeof *bounds_for_all
};

/* What is true of all rows must not cost another table's bounds, without which each row of that is compared with
 * all. */
LOOP_TEST(test_bounds_of_another_table_count_beside_any_others, 16) {
    static const struct {
        int paths, directories, others;
    } sizes[] = {{3000, 300, 300}, {3000, 300, 20}, {300, 300, 300}, {12000, 3, 2}};
    fill_directories(sizes[_i / 4].paths, sizes[_i / 4].directories, sizes[_i / 4].others);
    if (_i % 2) sql_run(db, "ANALYZE");
    if (_i % 4 / 2) sql_command(db, "main", "t", "flush");
    EACH(join, "o JOIN @ q ON ", "@ q JOIN o ON ", "o LEFT JOIN @ q ON ", "o JOIN x USING(id) JOIN @ q ON ",
         "@ q JOIN x JOIN o ON x.id = o.id AND ") {
        for (int j = 0; j < BOUNDS_OF_OTHERS; j++) {
            char *alone = sqlite3_mprintf("SELECT count(*) FROM %s%s", join, bounds_of_others[j]);
            int most = 4 * steps_of(alone) + 2000; /* SQLite checks some rows again */
            for (int k = 0; k < BOUNDS_FOR_ALL; k++) {
                if (strstr(bounds_of_others[j], "LIKE") && strstr(bounds_for_all[k], "LIKE"))
                    continue; /* one is taken */
                char *sql = sqlite3_mprintf("%s AND %s", alone, bounds_for_all[k]);
                int steps = steps_of(sql);
                if (steps > most) {
                    char *plan = sql_plan(db, "t", sql);
                    ck_abort_msg("%s takes %d steps, more than %d:\n%s", sql, steps, most, plan);
                }
                sqlite3_free(sql);
            }
            sqlite3_free(alone);
        }
    }
}

/* Before anything is read, and where there is nothing yet that a plan could be made for. */
TEST(test_bounds_of_another_table_are_taken_from_the_first_plan_on) {
    static const char sql[] = "SELECT count(*) FROM o JOIN @ q ON q.path >= o.d AND q.path < o.d || '0' AND q.path GLOB"
                              " 'd/*' WHERE o.id = 1";
    static const char words[] = ":path>=? AND path<? AND path>=? AND path<? AND path GLOB ?";
    char *directory = sql_scratch("planner"), *path = sqlite3_mprintf("%s/t.db", directory);
    sqlite3 *memory = db;
    db = sql_open(path);
    sql_create(db, "t", "");
    fill_directories(0, 1, 2);
    sql_run(db, "DELETE FROM t");
    plan_has(sql, words);
    sql_run(db, "DROP TABLE o; DROP TABLE x");
    fill_directories(3000, 300, 300);
    sql_close(db);
    db = sql_open(path);
    plan_has(sql, words);
    sql_close(db);
    db = memory;
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

/* A listing has other columns' bits than what is planned behind it, or beside it in the same statement, however wide
 * the table is: its own plans' prices are nobody else's. */
LOOP_TEST(test_a_listing_changes_no_other_plan, 2) {
    static const char update[] = "UPDATE @ SET c0 = 1 FROM o JOIN x ON x.w = o.d || 'x' WHERE @.path = x.p";
    static const char beside[] = "SELECT o.d, x.p, q.* FROM @('d/') l JOIN o ON o.d = l.path JOIN x ON x.w = o.d || 'x'"
                                 " JOIN @ q ON q.path = x.p";
    sqlite3_str *columns = sqlite3_str_new(NULL);
    sqlite3_str_appendall(columns, "path");
    for (int i = 0; i < (_i ? 70 : 1); i++) sqlite3_str_appendf(columns, ", c%d", i);
    char *names = sqlite3_str_finish(columns), *create = sql_create_text("wide", names);
    sql_run(db, "DROP TABLE t; %s; ALTER TABLE wide RENAME TO t;", create);
    sql_run(db, "CREATE TABLE o(d TEXT); CREATE TABLE x(w TEXT, p TEXT);"
                "INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT 'd/' || i FROM n;"
                "INSERT INTO x SELECT d || 'x', 'e' || d FROM o; CREATE INDEX w ON x(w); ANALYZE;"
                "INSERT INTO t(path) SELECT p FROM x UNION ALL SELECT d FROM o");
    int before = steps_of(update);
    sql_run(db, "EXPLAIN SELECT count(*) FROM t('d/')");
    sql_expect(db, "300\n", "SELECT count(*) FROM t('d/')");
    int behind = steps_of(update), all = steps_of(beside);
    sqlite3_free(sql_rows(db, "SELECT * FROM t('d/')"));
    int behind_all_columns = steps_of(update);
    ck_assert_msg(before < 100000 && behind < 100000, "UPDATE takes %d steps, behind a listing %d", before, behind);
    ck_assert_msg(behind_all_columns < 100000, "behind a listing with all columns %d steps", behind_all_columns);
    ck_assert_msg(all < 60000 + 300 * 150, "a listing beside the table: %d steps", all);
    sqlite3_free(create);
    sqlite3_free(names);
}

/* A join begins with the table that a condition on another column leaves few rows of, in whatever order they stand. */
TEST(test_a_join_begins_with_the_table_that_a_condition_narrows) {
    fill_directories(3000, 3, 1);
    char *create = sql_create_text("t2", "path, value");
    sql_run(db, "%s; UPDATE t SET value = value %% 1000; INSERT INTO t2 SELECT path, value FROM t", create);
    EACH(text_of, "SELECT count(*) FROM t2 p, @ q WHERE p.path = q.path AND %s",
         "SELECT count(*) FROM @ q, t2 p WHERE p.path = q.path AND %s",
         "SELECT count(*) FROM t2 p JOIN @ q USING(path) WHERE %s") {
        EACH(one, "q.value = 5", "q.value IS 5", "5 = q.value", "q.value = ?1", "q.value = 5 AND q.path > 'd'") {
            char *sql = sqlite3_mprintf(text_of, one);
            int steps = steps_of(sql);
            ck_assert_msg(steps < 3 * 3000 + 5000, "%s: %d steps", sql, steps); /* 8 steps each row of a join */
            sqlite3_free(sql);
        }
    }
    sqlite3_free(create);
}

/* What the reference advises where SQLite joins nothing to the condition. */
TEST(test_a_left_join_that_needs_a_row_is_looked_up_if_it_says_so) {
    fill_directories(3000, 3, 300);
    static const char sql[] = "SELECT count(*) FROM o LEFT JOIN @ q ON q.value = o.id WHERE q.path IS NOT NULL AND "
                              "q.path = 'd/001/00001'";
    int steps = steps_of(sql);
    ck_assert_msg(steps < 5000, "%d steps", steps);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM o LEFT JOIN t q ON q.value = o.id WHERE q.path IS NOT NULL AND "
                                 "q.path = 'd/001/00001'"),
                     1);
}

int main(void) {
    return suite_run("joins", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down);
}
