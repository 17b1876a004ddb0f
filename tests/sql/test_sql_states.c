/* Several states, or listings, in one statement: a path then comes more than once, though it is the table's key. What
 * DISTINCT and outer joins make of it, beside an ordinary table m that has the rows of every snapshot under its name,
 * so that a statement means the same for both: '@' stands for the table. */
#include "tests/support/sql_one.h"

static const struct {
    const char *columns, *options, *keys[3]; /* the paths, as SQL */
} forms[] = {
    {"path, size INTEGER, owner TEXT", "", {"'a'", "'b'", "'c'"}},
    {"path TEXT, size INTEGER, owner TEXT", "summary=(sum(size), lookup(owner))", {"'a/1'", "'a/2'", "'7'"}},
    {"path BLOB, size INTEGER, owner TEXT", "", {"x'61'", "x'6100'", "x'ff'"}},
    {"path STRING, size INTEGER, owner TEXT", "", {"'7'", "'07'", "'a'"}},
    {"path, size INTEGER, owner TEXT", "key=(path, size)", {"'a'", "'b'", "'c'"}},
};

static const char *key_at(int form, int i) {
    return forms[form].keys[i];
}

/* monday: the first two paths; tuesday: all three, the second one changed; now: the third alone. */
static void fill(int form) {
    const char *options = forms[form].options;
    sql_create(db, "t", TEXT("%s%s%s", forms[form].columns, *options ? ", " : "", options));
    sql_run(db, "CREATE TABLE m(snapshot TEXT, path %s, size INTEGER, owner TEXT)",
            strstr(forms[form].columns, "BLOB") ? "BLOB" : "TEXT");
    sql_run(db, "INSERT INTO t VALUES(%s, 1, 'ada'), (%s, 1, 'bob')", key_at(form, 0), key_at(form, 1));
    sql_snapshot(db, "monday");
    sql_run(db, "DELETE FROM t WHERE path = %s; INSERT INTO t VALUES(%s, 5, 'bob'), (%s, 1, 'ada')", key_at(form, 1),
            key_at(form, 1), key_at(form, 2));
    sql_snapshot(db, "tuesday");
    sql_run(db, "DELETE FROM t WHERE path <> %s", key_at(form, 2));
    sql_run(db,
            "INSERT INTO m SELECT 'monday', * FROM t WHERE snapshot = 'monday';"
            "INSERT INTO m SELECT 'tuesday', * FROM t WHERE snapshot = 'tuesday'; CREATE TABLE x(p, n INTEGER);"
            "INSERT INTO x VALUES(%s, 1), (%s, 1), ('none', 2)",
            key_at(form, 0), key_at(form, 2));
    expect("2|3|1\n", "SELECT count(*) FILTER (WHERE snapshot = 'monday'), count(*) FILTER (WHERE snapshot = "
                      "'tuesday'), (SELECT count(*) FROM t) FROM m");
}

static char *rows_of(const char *statement, const char *table) {
    char *text = kept(sql_named(statement, table));
    return sql_answer_to(db, TEXT("SELECT * FROM (%s) ORDER BY 1, 2, 3", text));
}

static void same(const char *statement) {
    char *found = rows_of(statement, "t"), *wanted = rows_of(statement, "m");
    ck_assert_msg(!strcmp(found, wanted), "%s\n%s\n  art:\n%s\n  ordinary:\n%s", statement,
                  kept(sql_plan(db, "t", statement)), found, wanted);
}

/* --- DISTINCT ----------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_value_that_several_snapshots_have_is_one_value, LENGTH(forms)) {
    fill(_i);
    EACH(where, "snapshot IN ('monday', 'tuesday')", "snapshot IN (SELECT DISTINCT snapshot FROM m)",
         "snapshot IN ('monday', 'monday')", "(snapshot = 'monday' OR snapshot = 'tuesday')", "snapshot = 'tuesday'") {
        EACH(more, "1", "path = %s", "path IN (%s, x'00')", "path = %s AND size = 1", "path >= %s", "owner = 'ada'") {
            char *condition = TEXT("%s AND %s", where, TEXT(more, key_at(_i, 0)));
            EACH(what, "SELECT DISTINCT size, 0, 0", "SELECT DISTINCT path, 0, 0", "SELECT DISTINCT path, size, 0",
                 "SELECT DISTINCT owner, path, 0", "SELECT DISTINCT path, snapshot, 0", "SELECT DISTINCT +path, 0, 0",
                 "SELECT count(DISTINCT path), count(DISTINCT size), 0", "SELECT count(DISTINCT path), 0, 0",
                 "SELECT path, group_concat(DISTINCT size), 0", "SELECT path, count(*), 0") {
                bool grouped = strstr(what, "SELECT path");
                same(TEXT("%s FROM @ WHERE %s%s", what, condition, grouped ? " GROUP BY path" : ""));
            }
        }
    }
}

TEST(test_a_path_that_several_listings_have_is_one_path) {
    sql_create(db, "t", "path, size INTEGER");
    sql_run(db, "INSERT INTO t VALUES('a/b/1', 1), ('a/b/2', 2), ('a/c', 3)");
    EACH(query, "SELECT DISTINCT path FROM t WHERE prefix IN ('a/', 'a/b/')",
         "SELECT DISTINCT path FROM t WHERE prefix IN ('a/', 'a/b/') ORDER BY path",
         "SELECT path FROM t WHERE prefix IN ('a/', 'a/b/') GROUP BY path",
         "SELECT DISTINCT path FROM t WHERE start_after IN ('', 'a/b/1') ORDER BY path") {
        expect("a/b/1\na/b/2\na/c\n", query);
    }
    expect("2\n", "SELECT DISTINCT size FROM t WHERE prefix IN ('a/', 'a/b/') AND path = 'a/b/2'");
    expect("a/b/\na/c\n",
           "SELECT DISTINCT path FROM t WHERE prefix IN ('a/', 'a') AND delimiter = '/' AND path <> 'a/'");
}

/* SQLite tells rows apart by the key, and finds one by it, as before. */
TEST(test_the_key_is_unique_where_one_state_is_read) {
    sql_create(db, "t", "path, size INTEGER");
    sql_run(db, "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT "
                "printf('%%05d', i), i FROM n; CREATE TABLE m(path TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID;"
                "INSERT INTO t VALUES('A', 0), ('a', 0), ('a' || char(0), 0); INSERT INTO m SELECT * FROM t");
    EACH(query,
         "SELECT path, size, 0 FROM @ WHERE path = '00007' OR path < '00003' OR path GLOB '0000[1-9]' OR size = 9",
         "SELECT m.path, a.path, a.size FROM m RIGHT JOIN @ a ON a.path = m.path AND m.size > 290",
         "SELECT DISTINCT path, size, 0 FROM @ WHERE path COLLATE NOCASE = 'a'",
         "SELECT count(DISTINCT path), count(*), 0 FROM @") {
        same(query);
    }
    expect("path|1\n", "SELECT name, pk FROM pragma_table_info('t') WHERE pk");
    EACH(change, "UPDATE @ SET size = -size WHERE path = '00007' OR path GLOB '001*' OR size = 9",
         "DELETE FROM @ WHERE path = '00009' OR path < '00005' OR size %% 7 = 3",
         "UPDATE OR REPLACE @ SET path = '00100' WHERE path GLOB '0010*'",
         "INSERT OR REPLACE INTO @ SELECT path, size + 1 FROM m WHERE size %% 2",
         "DELETE FROM @ WHERE path >= '00200'") {
        sql_run(db, "%s", kept(sql_named(kept(sqlite3_mprintf(change)), "t")));
        sql_run(db, "%s", kept(sql_named(kept(sqlite3_mprintf(change)), "m")));
        same("SELECT path, size, 0 FROM @");
    }
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed", "INSERT INTO t SELECT * FROM t LIMIT 1");
    expect("ok\n", "SELECT art_check('t')");
}

/* Its comparison is registered with the connection, once, and while a statement runs, too. */
TEST(test_the_extension_is_loaded_once_more_while_a_statement_runs) {
    sql_create(db, "t", "path, size INTEGER");
    sql_run(db, "INSERT INTO t VALUES('a', 1), ('b', 1)");
    sqlite3_stmt *reader = sql_prepare(db, "SELECT DISTINCT path FROM t");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    sql_register(db);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_DONE);
    sqlite3_finalize(reader);
    sql_create(db, "u", "path");
    expect("1\n", "SELECT count(*) FROM pragma_collation_list WHERE name = 'art_key'");
}

SUITE("states", .skipped = sql_standin, .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down)
