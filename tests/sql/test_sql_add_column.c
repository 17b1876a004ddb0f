/* 'add column': seen at once by everybody who may see it, taken back by whatever takes transactions back.
 *
 * At random it runs beside ALTER TABLE ... ADD COLUMN of an ordinary table, in one transaction with it, and a second
 * connection looks on with statements that it has prepared long ago.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

enum { HISTORIES = 15, STEPS = 60 };

static void set_up(void) {
    sql_set_up();
    sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
}

/* How many columns a statement gives that was prepared before. */
static int width(sqlite3_stmt *statement) {
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int columns = sqlite3_column_count(statement);
    ck_assert_int_eq(sqlite3_reset(statement), SQLITE_OK);
    return columns;
}

TEST(test_an_added_column_is_null_in_old_rows_and_takes_values_at_once) {
    sql_create(db, "t", "path, size INTEGER");
    sql_run(db, "INSERT INTO t VALUES('a', 1), ('b', 2); INSERT INTO t(t) VALUES('flush')");
    sql_run(db, "INSERT INTO t(t) VALUES('add column owner TEXT COLLATE NOCASE')");
    expect("a|1|\nb|2|\n", "SELECT * FROM t");
    sql_run(db, "UPDATE t SET owner = 12 WHERE path = 'a'; INSERT INTO t VALUES('c', 3, 'Me')");
    for (int i = 0; i < 3; i++) {
        expect("a|1|12|text\nb|2||null\nc|3|Me|text\n", "SELECT *, typeof(owner) FROM t");
        expect("c\n", "SELECT path FROM t WHERE owner = 'mE'");
        expect("path|TEXT|1\nsize|INTEGER|0\nowner|TEXT|0\n", "SELECT name, type, pk FROM pragma_table_info('t')");
        sql_command(db, "main", "t", i ? "optimize" : "flush");
        sql_reopen();
    }
    sql_run(db, "INSERT INTO t(t) VALUES('ADD COLUMN \"add\" DEFAULT NULL')");
    expect("a|1|12|\nb|2||\nc|3|Me|\n", "SELECT * FROM t");
}

TEST(test_prepared_statements_of_all_connections_see_it) {
    sql_create(db, "t", "path");
    sql_run(db, "INSERT INTO t VALUES('a')");
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *own = sql_prepare(db, "SELECT * FROM t"), *theirs = sql_prepare(other, "SELECT * FROM t");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 11);
    sql_run(db, "INSERT INTO t(t) VALUES('add column b')");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 22);
    sql_run(other, "INSERT INTO t(t) VALUES('add column c')");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 33);
    sql_run(db, "BEGIN; INSERT INTO t(t) VALUES('add column d')");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 34);
    sql_run(db, "INSERT INTO t VALUES('b', 2, 3, 4)");
    expect("a|||\nb|2|3|4\n", "SELECT * FROM t");
    sql_expect(other, "a||\n", "SELECT * FROM t");
    sql_run(db, "COMMIT");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 44);
    sqlite3_finalize(own);
    sqlite3_finalize(theirs);
    sql_close(other);
}

TEST(test_a_rollback_takes_it_back) {
    sql_create(db, "t", "path, a");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    sqlite3_stmt *own = sql_prepare(db, "SELECT * FROM t");
    sql_run(db, "BEGIN; INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 2");
    ck_assert_int_eq(width(own), 3);
    sql_run(db, "ROLLBACK");
    ck_assert_int_eq(width(own), 2);
    sql_run(db, "BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 2; SAVEPOINT u;"
                "INSERT INTO t(t) VALUES('add column c'); UPDATE t SET c = 3");
    expect("a|1|2|3\n", "SELECT * FROM t");
    sql_run(db, "ROLLBACK TO u");
    expect("a|1|2\n", "SELECT * FROM t");
    sql_run(db, "INSERT INTO t(t) VALUES('add column d'); UPDATE t SET d = 4");
    expect("a|1|2|4\n", "SELECT * FROM t");
    sql_run(db, "ROLLBACK TO s");
    expect("a|1\n", "SELECT * FROM t");
    sql_run(db, "INSERT INTO t(t) VALUES('add column e'); RELEASE s; UPDATE t SET e = 5; COMMIT");
    expect("a|1|5\n", "SELECT * FROM t");
    ck_assert_int_eq(width(own), 3);
    refuses(SQLITE_ERROR, "two columns", "INSERT INTO t(t) VALUES('add column f'), ('add column g'), ('add column F')");
    ck_assert_int_eq(width(own), 3);
    sql_run(db, "BEGIN");
    refuses(SQLITE_ERROR, "two columns", "INSERT INTO t(t) VALUES('add column h'), ('add column H')");
    expect("a|1|5\n", "SELECT * FROM t");
    sql_run(db, "COMMIT");
    ck_assert_int_eq(width(own), 3);
    sqlite3_finalize(own);
    sql_reopen();
    expect("a|1|5\n", "SELECT * FROM t");
}

TEST(test_it_works_in_every_schema) {
    sql_run(db, "ATTACH '%q-side' AS side; ATTACH ':memory:' AS memory", path);
    EACH(schema, "temp", "side", "memory") {
        char *name = sqlite3_mprintf("%s.t", schema);
        sql_create(db, name, "path");
        sql_run(db, "INSERT INTO %s VALUES('a'); INSERT INTO %s(t) VALUES('add column b INT')", name, name);
        sql_run(db, "BEGIN; INSERT INTO %s(t) VALUES('add column c'); UPDATE %s SET c = 5; ROLLBACK", name, name);
        sql_run(db, "UPDATE %s SET b = '7'", name);
        char *rows = sql_rows(db, "SELECT *, typeof(b) FROM %s", name);
        ck_assert_str_eq(rows, "a|7|integer\n");
        sqlite3_free(rows);
        sqlite3_free(name);
    }
    expect("a|7\n", "SELECT * FROM t");
    sql_run(db, "DROP TABLE temp.t");
    expect("a|7\n", "SELECT * FROM t");
}

TEST(test_it_works_in_defensive_mode_and_beside_a_broken_view) {
    sql_create(db, "t", "path");
    sql_run(db,
            "INSERT INTO t VALUES('a'); CREATE VIEW rows AS SELECT * FROM t; CREATE VIEW broken AS SELECT * FROM no");
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sql_run(db, "INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 1");
    expect("a|1\n", "SELECT * FROM t");
    expect("a|1\n", "SELECT * FROM rows");
    expect("ok\n", "PRAGMA integrity_check");
}

TEST(test_what_cannot_be_added_is_refused_and_changes_nothing) {
    static const char *const wrong[][2] = {{"b NOT NULL", "leave NOT NULL out"},
                                           {"b INT PRIMARY KEY", "its key, alone (t.b)"},
                                           {"b DEFAULT 5", "leave DEFAULT out"},
                                           {"b, c", "',' is not understood (t.b)"},
                                           {"a", "two columns have one name (t.a)"},
                                           {"path", "two columns have one name (t.path)"},
                                           {"Version INT", "hidden column Version"},
                                           {"T", "called like the table"},
                                           {"", "cut off (t)"},
                                           {"  -- nothing", "cut off (t)"},
                                           {"b COLLATE nosuch", "no such collation"},
                                           {"b INT)", "')' is not understood (t.b)"},
                                           {"\"b", "a quote is not closed (t)"},
                                           {"b INT UNIQUE", "leave UNIQUE out"},
                                           {"b = 5", "'=' is not understood (t.b)"},
                                           {"b) WITHOUT ROWID; --", "')' is not understood (t.b)"}};
    sql_create(db, "t", "path, a");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *statement = sqlite3_mprintf("INSERT INTO t(t) VALUES('add column %q')", wrong[i][0]);
        refuses(SQLITE_ERROR, wrong[i][1], statement);
        sqlite3_free(statement);
    }
    refuses(SQLITE_ERROR, "a column's definition is cut off", "INSERT INTO t(t) VALUES('add column')");
    expect("a|1\n", "SELECT * FROM t");
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 14);
    sql_run(db, "INSERT INTO t(t) VALUES('add column b'), ('add column c'), ('add column d'), ('add column e'),"
                "('add column f')");
    refuses(SQLITE_ERROR, "art: 8 columns are too many (t): a table has at most 7 here",
            "INSERT INTO t(t) VALUES('add column g')");
    expect("a|1|||||\n", "SELECT * FROM t");
}

TEST(test_open_queries_go_on_as_they_were) {
    sql_create(db, "t", "path, a");
    sql_run(
        db,
        "INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3); CREATE TABLE plain(x); INSERT INTO plain VALUES(1), (2)");
    sqlite3_stmt *open = sql_prepare(db, "SELECT * FROM t"), *plain = sql_prepare(db, "SELECT * FROM plain");
    ck_assert_int_eq(sqlite3_step(open), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_step(plain), SQLITE_ROW);
    sql_run(db, "INSERT INTO t(t) VALUES('add column b'); INSERT INTO t VALUES('d', 4, 5); UPDATE t SET b = 7");
    int rows = 1;
    for (; sqlite3_step(open) == SQLITE_ROW; rows++) {
        ck_assert_int_eq(sqlite3_column_count(open), 2);
        ck_assert_int_eq(sqlite3_column_int(open, 1), rows + 1);
    }
    ck_assert_int_eq(rows, 4);
    ck_assert_int_eq(sqlite3_step(plain), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_finalize(open), SQLITE_OK);
    ck_assert_int_eq(sqlite3_finalize(plain), SQLITE_OK);
    expect("a|1|7\nb|2|7\nc|3|7\nd|4|7\n", "SELECT * FROM t");
}

/* A function of the application that adds a column in the middle of an UPDATE. */
static void add_now(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    int rc = sql_try(sqlite3_context_db_handle(context), "INSERT INTO t(t) VALUES('add column late');"
                                                         "UPDATE t SET late = 'kept'");
    sqlite3_result_int(context, rc ? rc : sqlite3_value_int(argv[0]) + 1);
}

TEST(test_an_update_that_began_before_does_not_lose_what_stands_in_the_new_column) {
    sql_create(db, "t", "path, a");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    sqlite3_create_function(db, "add_now", 1, SQLITE_UTF8, NULL, add_now, NULL, NULL);
    sql_run(db, "BEGIN");
    refuses(SQLITE_ABORT, "a column was added while the statement ran (t): run it again",
            "UPDATE t SET a = add_now(a)");
    expect("a|1\n", "SELECT * FROM t");
    sql_run(db, "COMMIT; INSERT INTO t(t) VALUES('add column late'); UPDATE t SET late = 2; UPDATE t SET a = 5");
    expect("a|5|2\n", "SELECT * FROM t");
}

static int answer; /* of the authorizer, to each change of the schema and of the state */

static int judge(void *context, int action, const char *table, const char *column, const char *schema,
                 const char *trigger) {
    (void)context;
    (void)column;
    (void)schema;
    (void)trigger;
    bool alter = action == SQLITE_ALTER_TABLE;
    bool put = (action == SQLITE_INSERT || action == SQLITE_DELETE) && table && !strcmp(table, "t_artstate");
    return alter || put ? answer : SQLITE_OK;
}

TEST(test_an_authorizer_that_denies_or_ignores_a_part_of_it_gives_an_error) {
    sql_create(db, "t", "path, a");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    for (int i = 0; i < 4; i++) {
        answer = i % 2 ? SQLITE_IGNORE : SQLITE_DENY;
        sqlite3_set_authorizer(db, judge, NULL);
        sql_run(db, i < 2 ? "SELECT 1" : "BEGIN");
        refuses(SQLITE_AUTH, "not authorized", "INSERT INTO t(t) VALUES('add column b')");
        sqlite3_set_authorizer(db, NULL, NULL);
        if (i >= 2) sql_run(db, "COMMIT");
        expect("a|1\n", "SELECT * FROM t");
        sql_reopen();
        expect("a|1\n", "SELECT * FROM t");
    }
    sql_run(db, "INSERT INTO t(t) VALUES('add column b')");
    expect("a|1|\n", "SELECT * FROM t");
}

static int hide_added(void *context, int action, const char *table, const char *column, const char *schema,
                      const char *trigger) {
    (void)context;
    (void)schema;
    (void)trigger;
    bool added = action == SQLITE_READ && !strcmp(table, "t_artstate") && !strncmp(column, "added", 5);
    return added ? answer : SQLITE_OK;
}

/* An authorizer that knows of T_artstate's own columns only. */
TEST(test_a_connection_that_may_not_see_the_column_does_not_write_rows_without_it) {
    sql_create(db, "t", "path, a");
    sql_run(db, "INSERT INTO t(t) VALUES('add column b'); INSERT INTO t VALUES('a', 1, 2)");
    sql_reopen();
    answer = SQLITE_DENY;
    sqlite3_set_authorizer(db, hide_added, NULL);
    refuses(SQLITE_AUTH, "not authorized", "UPDATE t SET a = 5");
    refuses(SQLITE_AUTH, "not authorized", "SELECT * FROM t");
    answer = SQLITE_IGNORE;
    sql_reopen();
    sqlite3_set_authorizer(db, hide_added, NULL);
    sql_run(db, "UPDATE t SET a = 6");
    sql_reopen();
    expect("a|6|2\n", "SELECT * FROM t");
}

TEST(test_it_stays_with_a_table_that_is_renamed_vacuumed_and_copied) {
    sql_create(db, "t", "path");
    sql_run(db, "INSERT INTO t VALUES('a'); INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 1");
    sql_run(db, "ALTER TABLE t RENAME TO u; INSERT INTO u(u) VALUES('add column t'); UPDATE u SET t = 2");
    expect("a|1|2\n", "SELECT * FROM u");
    sql_run(db, "BEGIN; INSERT INTO u(u) VALUES('add column c'); ALTER TABLE u RENAME TO w; UPDATE w SET c = 3;"
                "INSERT INTO w(w) VALUES('add column d')");
    expect("a|1|2|3|\n", "SELECT * FROM w");
    sql_run(db, "ROLLBACK; VACUUM; VACUUM INTO '%q-copy'", path);
    expect("a|1|2\n", "SELECT * FROM u");
    char *name = sqlite3_mprintf("%s-copy", path);
    sqlite3 *copy = sql_open(name);
    sql_expect(copy, "a|1|2\n", "SELECT * FROM u");
    sql_run(copy, "INSERT INTO u(u) VALUES('add column e')");
    sql_expect(copy, "a|1|2|\n", "SELECT * FROM u");
    sql_close(copy);
    sqlite3_free(name);
    sql_reopen();
    expect("a|1|2\n", "SELECT * FROM u");
    sql_run(db, "DROP TABLE u");
    expect("0\n", "SELECT count(*) FROM sqlite_master");
}

/* ---- at random, beside ALTER TABLE ------------------------------------------------------------------------------- */

static struct random chance;

static char *rows_of(sqlite3 *connection, const char *table) {
    char *names = sql_rows(connection, "SELECT group_concat(name) FROM pragma_table_info('%s')", table);
    char *rows = sql_rows(connection, "SELECT * FROM %s ORDER BY path", table),
         *both = sqlite3_mprintf("%s%s", names, rows);
    sqlite3_free(names);
    sqlite3_free(rows);
    return both;
}

static void compare(sqlite3 *connection, uint64_t seed, int step) {
    char *ours = rows_of(connection, "t"), *theirs = rows_of(connection, "plain");
    ck_assert_msg(!strcmp(ours, theirs), "seed %llu, step %d:\n-- art\n%s\n-- ordinary\n%s", (unsigned long long)seed,
                  step, ours, theirs);
    sqlite3_free(ours);
    sqlite3_free(theirs);
}

static void compare_widths(sqlite3_stmt *const *statements, uint64_t seed, int step) {
    int ours = width(statements[0]), theirs = width(statements[1]);
    ck_assert_msg(ours == theirs, "seed %llu, step %d: %d columns, and %d", (unsigned long long)seed, step, ours,
                  theirs);
}

static void step_of_history(sqlite3 *writer) {
    static int number;
    int value = (int)random_below(&chance, 100);
    char *last = sql_rows(writer, "SELECT max(name) FROM pragma_table_info('plain') WHERE name <> 'path'");
    last[strlen(last) - 1] = 0;
    switch (random_below(&chance, 9)) {
    case 0:
    case 1:
        number++;
        sql_run(writer, "ALTER TABLE plain ADD COLUMN c%d; INSERT INTO t(t) VALUES('add column c%d')", number, number);
        break;
    case 2:
        sql_run(writer, "INSERT OR REPLACE INTO t(path, %s) VALUES('p%d', %d)", last, value % 10, value);
        sql_run(writer, "INSERT OR REPLACE INTO plain(path, %s) VALUES('p%d', %d)", last, value % 10, value);
        break;
    case 3:
        sql_run(writer, "UPDATE t SET %s = %d WHERE path > 'p5'", last, value);
        sql_run(writer, "UPDATE plain SET %s = %d WHERE path > 'p5'", last, value);
        break;
    case 4:
        sql_run(writer, "SAVEPOINT s%d", value % 3);
        break;
    case 5:
        sql_try(writer, "ROLLBACK TO s%d", value % 3);
        break;
    case 6:
        sql_try(writer, "RELEASE s%d", value % 3);
        break;
    case 7:
        sql_try(writer, value % 2 ? "ROLLBACK" : "COMMIT");
        break;
    default:
        sql_try(writer, "BEGIN");
    }
    sqlite3_free(last);
}

/* The second time with a table in temp that keeps the module from making its own there (listener.c). */
LOOP_TEST(test_random_histories_agree_with_those_of_alter_table, 2) {
    uint64_t seed = random_seed();
    printf("add column%s: seeds from %llu\n", _i ? ", no listener" : "", (unsigned long long)seed);
    if (_i) sql_run(db, "CREATE TEMP TABLE art_txn(x)");
    for (uint64_t last = seed + (uint64_t)HISTORIES * random_scale(); seed < last; seed++) {
        chance = (struct random){seed};
        sql_run(db, "DROP TABLE IF EXISTS plain; DROP TABLE IF EXISTS t");
        sql_create(db, "t", "path, a");
        sql_run(db, "CREATE TABLE plain(path TEXT PRIMARY KEY, a) WITHOUT ROWID;"
                    "INSERT INTO t VALUES('p0', 1), ('p9', 2); INSERT INTO plain SELECT * FROM t");
        sqlite3 *other = sql_open(path);
        if (_i) sql_run(other, "CREATE TEMP TABLE art_txn(x)");
        sqlite3 *both[] = {db, other};
        sqlite3_stmt *statements[2][2];
        for (int i = 0; i < 2; i++) {
            statements[i][0] = sql_prepare(both[i], "SELECT * FROM t");
            statements[i][1] = sql_prepare(both[i], "SELECT * FROM plain");
        }
        int writer = 0;
        for (int i = 0; i < STEPS; i++) {
            if (sqlite3_get_autocommit(both[writer])) writer = (int)random_below(&chance, 2);
            step_of_history(both[writer]);
            for (int j = 0; j < 2; j++) {
                compare(both[j], seed, i);
                if (random_once_in(&chance, 2)) compare_widths(statements[j], seed, i);
            }
        }
        for (int i = 0; i < 4; i++) sqlite3_finalize(statements[i / 2][i % 2]);
        sql_try(db, "ROLLBACK");
        sql_close(other);
        compare(db, seed, STEPS);
    }
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("sql_add_column", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down);
}
