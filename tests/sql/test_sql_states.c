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
    twin = "m";
    const char *options = forms[form].options;
    sql_create(db, "t", TEXT("%s%s%s", forms[form].columns, *options ? ", " : "", options));
    run("CREATE TABLE m(snapshot TEXT, path %s, size INTEGER, owner TEXT)",
        strstr(forms[form].columns, "BLOB") ? "BLOB" : "TEXT");
    run("INSERT INTO t VALUES(%s, 1, 'ada'), (%s, 1, 'bob')", key_at(form, 0), key_at(form, 1));
    sql_snapshot(db, "monday");
    run("DELETE FROM t WHERE path = %s; INSERT INTO t VALUES(%s, 5, 'bob'), (%s, 1, 'ada')", key_at(form, 1),
        key_at(form, 1), key_at(form, 2));
    sql_snapshot(db, "tuesday");
    run("DELETE FROM t WHERE path <> %s", key_at(form, 2));
    run("INSERT INTO m SELECT 'monday', * FROM t WHERE snapshot = 'monday';"
        "INSERT INTO m SELECT 'tuesday', * FROM t WHERE snapshot = 'tuesday'; CREATE TABLE x(p, n INTEGER);"
        "INSERT INTO x VALUES(%s, 1), (%s, 1), ('none', 2)",
        key_at(form, 0), key_at(form, 2));
    expect("2|3|1\n", "SELECT count(*) FILTER (WHERE snapshot = 'monday'), count(*) FILTER (WHERE snapshot = "
                      "'tuesday'), (SELECT count(*) FROM t) FROM m");
}

static void same(const char *statement) {
    alike(TEXT("SELECT * FROM (%s) ORDER BY 1, 2, 3", statement));
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
    run("INSERT INTO t VALUES('a/b/1', 1), ('a/b/2', 2), ('a/c', 3)");
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
    twin = "m";
    sql_create(db, "t", "path, size INTEGER");
    run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT printf('%%05d', i), "
        "i FROM n; CREATE TABLE m(path TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID;"
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
        both(TEXT(change));
        same("SELECT path, size, 0 FROM @");
    }
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed", "INSERT INTO t SELECT * FROM t LIMIT 1");
    expect("ok\n", "SELECT art_check('t')");
}

/* Its comparison is registered with the connection, once, and while a statement runs, too. */
TEST(test_the_extension_is_loaded_once_more_while_a_statement_runs) {
    sql_create(db, "t", "path, size INTEGER");
    run("INSERT INTO t VALUES('a', 1), ('b', 1)");
    sqlite3_stmt *reader = sql_first_row(db, "SELECT DISTINCT path FROM t");
    sql_register(db);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_DONE);
    sqlite3_finalize(reader);
    sql_create(db, "u", "path");
    expect("1\n", "SELECT count(*) FROM pragma_collation_list WHERE name = 'art_key'");
}

/* --- outer joins -------------------------------------------------------------------------------------------------- */

static bool has_key_columns(int form) {
    return strstr(forms[form].options, "key=");
}

/* The snapshot as a function with arguments has it; and the ordinary rows of it. */
static char *state_of(int form, const char *snapshot, bool art) {
    if (!art) return TEXT("(SELECT path, size, owner FROM m WHERE snapshot = '%s')", snapshot);
    return TEXT("t(%s'', '', '', '%s')", has_key_columns(form) ? "'', " : "", snapshot);
}

/* "$1" and "$2" stand for the two states. */
static char *asked(int form, const char *statement, bool art) {
    char *first = state_of(form, "monday", art), *second = state_of(form, "tuesday", art);
    char *text = kept(sql_named(statement, first));
    const char *at = strchr(text, '$');
    if (at) text = TEXT("%.*s%s%s", (int)(at - text), text, second, at + 1);
    return TEXT("SELECT * FROM (%s) ORDER BY 1, 2, 3, 4, 5", text);
}

static void same_states(int form, const char *statement) {
    alike_as(asked(form, statement, true), asked(form, statement, false));
}

LOOP_TEST(test_arguments_in_parentheses_are_right_in_every_join, LENGTH(forms)) {
    fill(_i);
    EACH(join, "x FULL JOIN @ AS f", "@ AS f FULL JOIN x", "@ AS f RIGHT JOIN x", "@ AS f LEFT JOIN x",
         "x LEFT JOIN @ AS f", "x JOIN @ AS f", "x RIGHT JOIN @ AS f") {
        /* Up to 3.41.1 SQLite forgets these arguments, json_each()'s, too. */
        if (strstr(join, "x RIGHT") && sqlite3_libversion_number() < 3041002) continue;
        EACH(rest, "f.path = x.p", "f.size = x.n", "f.path = x.p AND f.size > 1", "f.path = x.p WHERE f.owner IS NULL",
             "f.path = x.p WHERE x.p IS NULL OR f.size = 5")
        same_states(_i, TEXT("SELECT f.path, f.size, f.owner, x.p, x.n FROM %s ON %s", join, rest));
    }
    EACH(join, "@ AS f FULL JOIN $ AS g", "@ AS f LEFT JOIN $ AS g", "@ AS f JOIN $ AS g")
    same_states(_i, TEXT("SELECT f.path, f.size, g.path, g.size, g.owner FROM %s ON f.path = g.path", join));
    same_states(
        _i, "SELECT path, f.size, g.size, x.n, 0 FROM @ AS f FULL JOIN $ AS g USING(path) LEFT JOIN x ON x.p = path");
}

/* Of a RIGHT or FULL JOIN SQLite reads the right table twice, once by ON and once by WHERE. */
LOOP_TEST(test_an_argument_that_only_one_scan_of_an_outer_join_has_is_refused, LENGTH(forms)) {
    fill(_i);
    EACH(join, "x RIGHT JOIN t AS f", "x FULL JOIN t AS f", "x JOIN x AS y RIGHT JOIN t AS f") {
        EACH(argument, "f.snapshot = 'monday'", "f.snapshot = (SELECT 'monday')",
             "f.snapshot = CASE x.n WHEN 9 THEN 'never' ELSE 'monday' END", "f.snapshot IN ('monday', 'tuesday')",
             "f.prefix = ''", "f.prefix = '' AND f.delimiter = '/'", "f.start_after = ''",
             "f.snapshot = 'monday' AND f.prefix = ''") {
            EACH(rest, "", "WHERE f.size > 1", "WHERE f.size > 1 AND f.owner IS NOT NULL", "WHERE x.p IS NULL",
                 "JOIN t AS other ON other.path = f.path", "JOIN t('') AS other ON other.size = f.size") {
                if (has_key_columns(_i) && strstr(rest, "t('')")) continue;
                refuses(SQLITE_ERROR, "is a hidden column of this table, and nothing gives it here (t.",
                        TEXT("SELECT f.path, x.p FROM %s ON f.path = x.p AND %s %s", join, argument, rest));
            }
        }
    }
    refuses(SQLITE_ERROR, "give it by snapshot = ... beside AND, for a RIGHT or FULL JOIN in parentheses",
            "SELECT 1 FROM x FULL JOIN t ON t.path = x.p AND t.snapshot = 'monday'");
}

/* By WHERE it would be the first of the two; by ON of a table on the left, none. Where SQLite sees that WHERE wants no
 * NULLs, it makes it another join, whose rows are right. */
LOOP_TEST(test_an_argument_that_no_scan_of_an_outer_join_gets_is_refused, LENGTH(forms)) {
    static const char words[] = "is a hidden column of this table, and nothing gives it here (t.";
    fill(_i);
    EACH(rows, "x RIGHT JOIN @ AS f ON f.path = x.p WHERE %s", "x FULL JOIN @ AS f ON f.path = x.p WHERE %s",
         "@ AS f RIGHT JOIN x ON f.path = x.p WHERE %s", "@ AS f FULL JOIN x ON f.path = x.p WHERE %s",
         "x LEFT JOIN @ AS f ON f.path = x.p WHERE %s") {
        EACH(argument, "f.snapshot = 'monday'", "f.snapshot IN ('monday', 'tuesday')",
             "f.snapshot = (SELECT 'tuesday')") {
            char *statement = TEXT(TEXT("SELECT f.path, x.p, 0 FROM %s", rows), argument);
            if (!sql_try(db, "%s", named(statement, 0))) {
                same(statement);
            } else {
                refuses(SQLITE_ERROR, words, named(statement, 0));
            }
        }
    }
    EACH(rows, "x RIGHT JOIN t AS f ON f.path = x.p WHERE f.prefix = ''",
         "t AS f RIGHT JOIN x ON f.path = x.p AND f.prefix = ''",
         "t AS f RIGHT JOIN x ON f.path = x.p AND f.snapshot = 'monday'",
         "t AS f FULL JOIN x ON f.path = x.p AND f.snapshot = 'monday'") {
        refuses(SQLITE_ERROR, words, TEXT("SELECT f.path, x.p FROM %s", rows));
    }
    if (sqlite3_libversion_number() >= 3041002) return;
    refuses(SQLITE_ERROR, words,
            TEXT("SELECT f.path, x.p FROM x RIGHT JOIN %s AS f ON f.path = x.p", state_of(_i, "monday", true)));
}

/* The same rows by other words: the table on the left, or a subquery of it. */
LOOP_TEST(test_what_an_outer_join_of_a_state_may_be_written_as, LENGTH(forms)) {
    fill(_i);
    EACH(where, "snapshot = 'monday'", "snapshot = 'tuesday'", "snapshot IN ('monday', 'tuesday')") {
        EACH(on, "f.path = x.p", "f.size = x.n", "f.path = x.p AND f.size > 1") {
            same(TEXT("SELECT f.path, f.size, x.p, x.n, f.snapshot FROM @ AS f LEFT JOIN x ON %s WHERE f.%s", on,
                      where));
            EACH(join, "f FULL JOIN x", "f LEFT JOIN x", "f RIGHT JOIN x")
            same(TEXT(
                "SELECT f.path, f.size, x.p, x.n, f.snapshot FROM (SELECT *, snapshot FROM @ WHERE %s) AS %s ON %s",
                where, join, on));
            EACH(join, "FULL", "LEFT", "RIGHT")
            same(TEXT("SELECT f.path, f.size, x.p, x.n, f.snapshot FROM x %s JOIN (SELECT *, snapshot FROM @ WHERE %s) "
                      "AS f ON %s",
                      join, where, on));
            if (strstr(where, "IN (")) continue;
            same(TEXT("SELECT f.path, f.size, x.p, x.n, 0 FROM x RIGHT JOIN @ AS f ON %s AND f.%s WHERE f.%s", on,
                      where, where));
        }
    }
}

TEST(test_two_uses_of_a_table_are_no_outer_join) {
    fill(0);
    EACH(query,
         "SELECT a.path, b.path, 0 FROM @ AS a JOIN @ AS b ON a.path = b.path WHERE a.snapshot = 'monday' AND "
         "b.snapshot = 'tuesday'",
         "SELECT a.path, a.snapshot, b.snapshot FROM @ AS a LEFT JOIN @ AS b ON b.snapshot = 'tuesday' AND a.path = "
         "b.path WHERE a.snapshot = 'monday'",
         "SELECT a.path, (SELECT count(*) FROM @ AS b WHERE b.snapshot = 'monday' AND b.path <= a.path), 0 FROM @ AS a "
         "WHERE a.snapshot = 'tuesday'",
         "SELECT path, snapshot, 0 FROM @ WHERE snapshot = 'monday' UNION SELECT path, snapshot, 1 FROM @ WHERE "
         "snapshot = 'tuesday' AND (path = 'a' OR path > 'b')") {
        same(query);
    }
    expect("0\n", "SELECT count(*) FROM t AS a JOIN t AS b ON a.path = b.path WHERE a.snapshot = 'monday'");
    expect("1\n", "SELECT count(*) FROM t AS a JOIN t AS b ON a.path = b.path WHERE a.snapshot = 'tuesday' AND "
                  "b.snapshot IS NULL");
    run("UPDATE t SET size = o.size FROM (SELECT path, size FROM t WHERE snapshot = 'monday') AS o WHERE 0");
}

/* The first argument of a table with several key columns keeps a place. */
TEST(test_arguments_have_places_where_the_key_has_several_columns) {
    sql_create(db, "k", "tenant, path, size INTEGER, key=(tenant, path)");
    run("INSERT INTO k VALUES('ada', 'a/1', 1), ('ada', 'a/2', 2), ('ada', 'b', 3), ('bob', 'a/1', 4)");
    EACH(call, "k('', 'a/', '/') WHERE tenant = 'ada'", "k WHERE tenant = 'ada' AND prefix = 'a/' AND delimiter = '/'",
         "k('', 'a/') WHERE tenant = 'ada'", "k('', 'a/', '', '') WHERE tenant = 'ada' AND size < 3") {
        expect("a/1\na/2\n", TEXT("SELECT path FROM %s", call));
    }
    expect("a/|2\nb|\n", "SELECT path, entries FROM k('', '', '/') WHERE tenant = 'ada'");
    expect("ada|a/|2\nada|b|\nbob|a/|1\n",
           "SELECT t.tenant, l.path, l.entries FROM (SELECT DISTINCT tenant FROM k) AS t "
           "JOIN k('', '', '/') AS l ON l.tenant = t.tenant ORDER BY 1, 2");
    expect("4\n", "SELECT count(*) FROM k('')");
    expect("2\n", "SELECT count(*) FROM k('') WHERE tenant IN ('bob', 'eve') OR size = 3");
    expect("3\n", "SELECT size FROM k('') WHERE art_key = (SELECT art_key FROM k WHERE path = 'b')");
    expect("ada|b\n",
           "SELECT tenant, path FROM k('', '', '', 'a/2') WHERE tenant = 'ada' ORDER BY art_key LIMIT 1 OFFSET 0");
    plan_has("SELECT * FROM k('', 'a/', '/') WHERE tenant = ?", ":prefix=? AND delimiter=? AND tenant=?");
    plan_has("SELECT * FROM k('')", ":all rows [");
    run("CREATE VIRTUAL TABLE n USING art(i INTEGER, path, size, key=(i DESC, path)); INSERT INTO n VALUES(1, NULL, "
        "1), (1, 'a', 2), (NULL, 'b', 3)");
    run("INSERT INTO n(n, snapshot) VALUES('snapshot', 'monday')");
    run("DELETE FROM n WHERE size = 2");
    expect("3|1\n2|0\n1|1\n",
           "SELECT m.size, count(n.size) FROM n('', '', '', '', 'monday') AS m LEFT JOIN n ON n.size "
           "= m.size GROUP BY 1 ORDER BY 1 DESC");
    expect("3|1\n2|0\n1|1\n", "SELECT m.size, count(n.size) FROM n('', '', '', '', 'monday') AS m FULL JOIN n('', '', "
                              "'', '', NULL) AS n ON n.size = m.size GROUP BY 1 ORDER BY 1 DESC");
    char *conditions = TEXT("1");
    for (int i = 0; i < 20; i++) conditions = TEXT("%s AND size > %d", conditions, -i);
    const char *many = TEXT("SELECT count(*) FROM k('') WHERE %s", conditions);
    int rc = sql_try(db, "%s", many); /* SQLite compares behind the sixteenth */
    if (!rc) expect("4\n", many);
    if (rc) refuses(SQLITE_ERROR, "art: with a key of several columns the first argument is ''", many);
}

SUITE("states", .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down)
