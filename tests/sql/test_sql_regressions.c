/* Statements that found a bug, each as a test of its own: most of them came out of the differential model test.
 *
 * The same text runs on an art table t and on an ordinary table t in a second database; the rows must be the same.
 */
#include "tests/support/sql_one.h"

static sqlite3 *plain;

static void set_up(void) {
    sql_set_up();
    sql_create(db, "t", "");
    plain = sql_open_as(":memory:", false);
    sql_run(plain, "CREATE TABLE t(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
}

static void tear_down(void) {
    sql_close(plain);
    sql_tear_down();
}

static void begin_anew(void) {
    tear_down();
    set_up();
}

static void in_both(const char *statement) {
    run("%s", statement);
    sql_run(plain, "%s", statement);
}

static void same_rows(const char *query) {
    sql_alike(sql_prepare(db, "%s", query), sql_prepare(plain, "%s", query));
}

/* Two columns, none of them numeric: no affinity is applied, so 12.5 is not '12.5'. */
TEST(test_in_a_subquery_has_the_affinities_of_both_columns) {
    in_both(
        "CREATE TABLE n(y, i INTEGER, r REAL, x TEXT, c TEXT COLLATE NOCASE);"
        "INSERT INTO n VALUES(12.5, 1000, 12.0, '12', 'AB'), ('12', 12, 1000, '1000.0', 'ab'), (x'3132', 0, 0, '', '');"
        "INSERT INTO t VALUES('12.5', 1), ('12', 2), ('1000.0', 3), ('1e3', 4), ('AB', 5), ('', 6), ('0.0', 7)");
    EACH(column, "y", "i", "r", "x", "c", "i || ''", "+y") {
        char query[200];
        snprintf(query, sizeof query, "SELECT path FROM t WHERE path IN (SELECT %s FROM n) ORDER BY path", column);
        same_rows(query);
        snprintf(query, sizeof query, "SELECT path FROM t WHERE path NOT IN (SELECT %s FROM n) ORDER BY path", column);
        same_rows(query);
    }
}

/* Of a row that the statement has put into another's place, an ordinary table changes what is there by then. */
TEST(test_keys_that_are_shifted_by_or_replace_end_up_as_in_an_ordinary_table) {
    EACH(shifted, "path = path + 1", "path = path - 1", "path = 5 - path", "path = '9'",
         "path = CASE path WHEN '1' THEN 2 WHEN '2' THEN 3 ELSE path END") {
        in_both("DELETE FROM t; INSERT INTO t VALUES('1', 10), ('2', 20), ('3', 30), ('4', 40)");
        in_both(TEXT("UPDATE OR REPLACE t SET %s", shifted));
        same_rows("SELECT path, value FROM t ORDER BY path");
        in_both(TEXT("UPDATE OR REPLACE t SET %s WHERE value > 15", shifted));
        same_rows("SELECT path, value FROM t ORDER BY path");
    }
}

/* SQLite plans the arms of an OR without the terms beside it that hold a subquery or are parts of a row value, and of
 * the columns from the 64th on it tells only that one of them is read. */
TEST(test_an_argument_out_of_a_subquery_is_seen_beside_an_or) {
    static const char *const queries[][2] = {
        {"SELECT path FROM files WHERE prefix = (SELECT min(p) FROM arguments) AND (path = 'b' OR path < 'd')",
         "/a\n/ab/c\n"},
        {"SELECT path, entries FROM files AS f WHERE f.prefix = (SELECT min(p) FROM arguments) AND f.delimiter = '/' "
         "AND (f.path = 'x' OR f.path < 'd')",
         "/a|\n/ab/|1\n"},
        {"SELECT path, entries FROM files WHERE prefix = '/' AND delimiter = (SELECT 'b' FROM arguments) AND (path = "
         "'/ab' OR path GLOB '/*')",
         "/a|\n/ab|1\n"},
        {"SELECT path FROM files WHERE prefix = (SELECT '/a') AND (path = '/a' OR path = '/ab/c')", "/a\n/ab/c\n"},
        {"SELECT path FROM files WHERE (path = '/a' OR path GLOB '/ab*') AND prefix IN (SELECT p FROM arguments)",
         "/a\n/ab/c\n"},
        {"SELECT path FROM files WHERE (prefix, value) = ('/a', 2) AND (path = '/a' OR path GLOB '/ab*')", "/ab/c\n"},
        {"SELECT path FROM files((SELECT '/ab')) WHERE path = '/a' OR path GLOB '/ab*' AND value > 0", "/ab/c\n"},
        {"SELECT path FROM files WHERE prefix = (SELECT '/') AND (path = '/a' OR (value > 0 AND (path = '/x' OR path "
         "GLOB '/ab*')))",
         "/a\n/ab/c\n"},
        {"SELECT path FROM files WHERE prefix = '/a' AND delimiter = (SELECT 'b') AND (path = '/a' OR path = '/ab')",
         "/a\n/ab\n"},
        {"SELECT count(*) FROM many JOIN files AS f WHERE f.prefix = (SELECT many.p) AND (f.path = '/a' OR f.path GLOB "
         "'/ab*')",
         "200\n"},
        {"SELECT count(*) FROM many JOIN files AS f ON f.prefix = many.p AND (f.path = '/a' OR f.path GLOB '/ab*')",
         "200\n"},
        {"SELECT x.path, y.path FROM files AS x, files AS y WHERE x.prefix = (SELECT '/a') AND y.prefix = (SELECT 'b') "
         "AND (x.path = '/a' OR x.path GLOB '/ab*') AND (y.path = 'b' OR y.path > x.path)",
         "/a|b\n/ab/c|b\n"}};
    for (int further = 0; further <= 62; further += 62) {
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_str_appendall(sql, "CREATE VIRTUAL TABLE files USING art(path, value");
        for (int i = 0; i < further; i++) sqlite3_str_appendf(sql, ", c%d", i);
        char *create = kept(sqlite3_str_finish(sql));
        run("%s); INSERT INTO files(path, value) VALUES('/a', 1), ('/ab/c', 2), ('b', 3);"
            "CREATE TABLE arguments(p); INSERT INTO arguments VALUES('/a'); CREATE TABLE many(p);"
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO many SELECT '/a' FROM n",
            create);
        for (size_t i = 0; i < LENGTH(queries); i++) {
            char *rows = kept(sql_rows(db, "%s", queries[i][0]));
            ck_assert_msg(!strcmp(rows, queries[i][1]), "%s (%d columns)\n%s", queries[i][0], further, rows);
        }
        run("UPDATE files SET value = 8 WHERE prefix = (SELECT '/') AND (path = '/a' OR path = 'b');"
            "UPDATE files SET value = 9 FROM arguments WHERE prefix = p AND (path = '/ab/c' OR path = 'b');"
            "DELETE FROM files WHERE (prefix, value) = ('/a', 8) AND (path = '/a' OR path = 'b')");
        expect("/ab/c|9\nb|3\n", "SELECT path, value FROM files");
        run("DROP TABLE files; DROP TABLE arguments; DROP TABLE many");
    }
}

/* UPDATE reads all columns, also those of a listing's arguments: that must not make all plans for the table alike. */
TEST(test_an_update_from_another_table_finds_its_rows_by_their_paths) {
    run("CREATE TABLE arguments(p); INSERT INTO arguments VALUES('a'), ('b');"
        "INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3)");
    EACH(update, "UPDATE t SET value = 9 FROM arguments WHERE path = p",
         "UPDATE t SET value = 9 FROM t('b') AS x WHERE t.path = x.path",
         "SELECT x.prefix, t.value FROM t('b') AS x JOIN t WHERE t.path = x.value") {
        plan_has(update, ":path=?");
    }
}

/* The first that a connection hears of an art table may be in the middle of a statement, as schema browsers have it. */
TEST(test_a_schema_browser_meets_the_table_within_its_statement) {
    EACH(query,
         "SELECT name, (SELECT group_concat(p.name) FROM pragma_table_info(m.name, 'main') p) FROM main.sqlite_master "
         "m WHERE "
         "type = 'table' AND name = 't' UNION ALL SELECT name, 1 FROM temp.sqlite_master WHERE name = 't' ORDER BY 1",
         "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.name = 't' ORDER BY 1, 2") {
        begin_anew();
        sql_reopen();
        same_rows(query);
        in_both("BEGIN; INSERT INTO t VALUES('a', 1); ALTER TABLE t RENAME TO u; INSERT INTO u VALUES('b', 1); COMMIT");
        same_rows("SELECT * FROM u ORDER BY 1");
        in_both("BEGIN; INSERT INTO u VALUES('c', 1); DROP TABLE u; ROLLBACK");
        same_rows("SELECT * FROM u ORDER BY 1");
    }
}

/* ROLLBACK TO takes temp.art_txn back where it was made behind the savepoint, and leaves its handle. */
TEST(test_a_table_first_seen_behind_a_savepoint_can_be_renamed_after_rollback_to) {
    for (int drop = 0; drop < 2; drop++) {
        begin_anew();
        sql_reopen();
        in_both("SAVEPOINT s");
        same_rows("SELECT * FROM t ORDER BY 1");
        in_both("ROLLBACK TO s; INSERT INTO t VALUES('b', 1)");
        if (drop) {
            in_both("SAVEPOINT r; DROP TABLE t; ROLLBACK TO r");
        } else {
            in_both("ALTER TABLE t RENAME TO u; SAVEPOINT r; ALTER TABLE u RENAME TO w; INSERT INTO w VALUES('c', 1);"
                    "ROLLBACK TO r; ALTER TABLE u RENAME TO t");
        }
        same_rows("SELECT * FROM t ORDER BY 1");
        in_both("INSERT INTO t VALUES('d', 1); COMMIT");
        same_rows("SELECT * FROM t ORDER BY 1");
        sql_reopen();
        same_rows("SELECT * FROM t ORDER BY 1");
    }
}

/* It was spilled for want of memory, and committed without a root: this connection went on reading the one that nobody
 * else knew, in slots that others took. */
TEST(test_a_transaction_that_changes_nothing_beside_a_long_log_leaves_the_table_as_it_is) {
    EACH(wish, "flush", "clean", "vacuum") {
        begin_anew();
        run("DROP TABLE t");
        sql_create(db, "t", "log_limit='1MB', spill_limit=20000");
        sqlite3 *other = sql_open(sqlite3_db_filename(db, "main"));
        run("PRAGMA synchronous=OFF");
        sql_run(other, "PRAGMA synchronous=OFF");
        for (int n = 0; n < 60; n++) {
            char insert[80];
            snprintf(insert, sizeof insert, "INSERT INTO t VALUES('row%d', hex(zeroblob(400)))", n);
            in_both(insert);
            run("BEGIN; INSERT OR IGNORE INTO t VALUES('row0', 1); INSERT INTO t(t) VALUES('%s'); COMMIT", wish);
            expect("ok\n", "SELECT art_check('t')");
            if (n % 40 == 39) sql_run(other, "INSERT INTO t(t) VALUES('flush')");
        }
        same_rows("SELECT * FROM t ORDER BY 1");
        sql_close(other);
    }
}

/* SQLite 3.40.1 shows GLOB and LIKE of a LEFT JOIN's ON to a virtual table on its left. */
TEST(test_the_left_table_of_a_left_join_keeps_its_rows) {
    in_both("CREATE TABLE o(y); INSERT INTO o VALUES('b');"
            "INSERT INTO t(path) VALUES('a/1'), ('b/1'), ('b/2'), ('B/3'), ('/x'), ('2024/1');"
            "UPDATE t SET value = length(path) WHERE path > 'b'");
    EACH(condition, "value IS NOT NULL", "value <> 3", "value NOT NULL AND value <> y", "value IS NOT 3",
         "value IS NULL", "path GLOB 'b/*'", "path GLOB 'B*'", "path GLOB 'b/1'", "path LIKE 'b/%'", "path LIKE 'B%'",
         "path LIKE 'b/1'", "+(path GLOB '/*')", "+(path LIKE '20%')", "+(path GLOB y || '*')", "y GLOB path || '*'",
         "path GLOB y || '*'") {
        EACH(join, "SELECT path, y FROM t LEFT JOIN o ON %s ORDER BY 1",
             "SELECT path, y FROM o LEFT JOIN t ON %s ORDER BY 1",
             "SELECT path, y FROM t LEFT JOIN o ON y = path WHERE %s ORDER BY 1") {
            same_rows(TEXT(join, condition));
        }
    }
}

/* SQLite hands it over as an INSERT: of a key, or of none, and then it is refused. */
TEST(test_an_update_of_an_aggregate_over_nothing_makes_no_row) {
    in_both("CREATE TABLE o(x)");
    EACH(row, "", "INSERT INTO o VALUES(4), (5)", "INSERT INTO t VALUES('a', 1), ('a/b', 2)") {
        in_both(row);
        EACH(update, "UPDATE t SET path = count(x) FROM o",
             "UPDATE t SET path = count(x), value = max(x) FROM o WHERE path = 'none'",
             "UPDATE OR REPLACE t SET path = 'a', value = count(x) FROM o WHERE path = 'none'",
             "UPDATE t SET path = 'b' || count(x) FROM o WHERE path = 'a'",
             "UPDATE t SET value = 10, path = 'z' || path FROM (SELECT 4 AS z) q RIGHT JOIN o ON o.x = q.z") {
            in_both("BEGIN");
            int art = sql_try(db, "%s", update), theirs = sql_try(plain, "%s", update);
            ck_assert_msg((art & 0xff) == (theirs & 0xff), "%s: %d \"%s\" where an ordinary table says %d", update, art,
                          sqlite3_errmsg(db), theirs);
            same_rows("SELECT path, value FROM t ORDER BY path");
            if (!sqlite3_get_autocommit(db)) in_both("ROLLBACK");
        }
        EACH(keyles, "UPDATE t SET path = NULL, value = max(x) FROM o WHERE path = 'none'",
             "UPDATE t SET value = count(x) FROM o WHERE path = 'none'",
             "WITH c(x) AS (SELECT 1) UPDATE OR REPLACE main.t SET value = count(c.x) FROM c WHERE path = 'none'") {
            refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.path", keyles);
            same_rows("SELECT path, value FROM t ORDER BY path");
        }
    }
}

/* An INSERT without a key is still one, also from a trigger. */
TEST(test_an_insert_without_a_key_beside_an_update_is_refused) {
    run("CREATE TABLE o(x, y); INSERT INTO o VALUES(1, 'k');"
        "CREATE TRIGGER write AFTER UPDATE ON o BEGIN INSERT INTO t VALUES(NEW.y, 1); END;"
        "CREATE TEMP VIEW u AS SELECT * FROM o; CREATE TEMP TRIGGER u_write INSTEAD OF UPDATE ON u "
        "BEGIN INSERT INTO t VALUES(NEW.y, 2); END");
    EACH(statement, "INSERT INTO t(value) VALUES(1)", "INSERT INTO t SELECT NULL, x FROM o",
         "REPLACE INTO t(value) VALUES(1)", "WITH c AS (SELECT 1) INSERT INTO t(value) SELECT * FROM c",
         "UPDATE o SET y = NULL", "UPDATE u SET y = NULL") {
        refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.path", statement);
    }
    run("INSERT INTO t VALUES('a', 1); CREATE TABLE p(y);"
        "CREATE TRIGGER p_write AFTER INSERT ON p BEGIN INSERT INTO t VALUES(NEW.y, 3); END;"
        "CREATE TEMP VIEW t AS SELECT * FROM main.t; CREATE TEMP TRIGGER t_write INSTEAD OF UPDATE ON t "
        "BEGIN INSERT INTO p VALUES(NEW.path); END");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.path", "UPDATE t SET path = NULL");
    expect("a|1\n", "SELECT path, value FROM main.t");
}

/* Such a query read a file that was removed, and said that it was damaged; an ordinary table says ABORT, too. */
TEST(test_a_query_ends_whose_table_a_rollback_has_unmade) {
    EACH(flush, "", "flush") {
        run("BEGIN; DROP TABLE t");
        sql_create(db, "t", "path");
        fill_rows("INTO t", 1, 3000, "hex(zeroblob(50)) || i");
        if (*flush) command(flush);
        sqlite3_stmt *query = sql_first_row(db, "SELECT path FROM t");
        run("INSERT INTO t VALUES('z'); ROLLBACK");
        ck_assert_int_eq(sqlite3_step(query), SQLITE_ABORT);
        ck_assert_str_eq(sqlite3_errmsg(db),
                         "art: the table was replaced under an open query (t): run the query again");
        sqlite3_finalize(query);
        expect("ok|0\n", "SELECT art_check('t'), (SELECT count(*) FROM t)");
    }
}

/* It went on with a cursor of the scan's, and with what that had asked of blocks: a crash, or another prefix. */
TEST(test_the_longest_prefix_behind_a_scan_by_conditions_looks_at_all_rows) {
    run("CREATE TABLE o(path, prefix); INSERT INTO t WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i "
        "LIMIT 3000) SELECT 'k' || (7 * i), i FROM i; INSERT INTO t(t) VALUES('flush');"
        "WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 22000) "
        "INSERT INTO o SELECT 'k' || i, art_longest_prefix('t', 'k' || i) FROM i");
    expect("k490\n", "SELECT path FROM t WHERE value = 70");
    expect("0\n", "SELECT count(*) FROM o WHERE art_longest_prefix('t', path) IS NOT prefix");
}

/* With assertions it ended the process: the key of a search may have a byte more than any row's. */
TEST(test_a_search_best_first_takes_the_longest_bounds) {
    run("CREATE VIRTUAL TABLE s USING art(path, size INTEGER, summary=(sum(size)));"
        "INSERT INTO s VALUES('a', 1), ('b', 2), ('c', 3)");
    for (int len = 65533; len <= 65536; len++) {
        expect("c3b2\n", TEXT("SELECT group_concat(path || size, '') FROM (SELECT path, size FROM s "
                              "WHERE path > printf('%%.*c', %d, 'a') ORDER BY size DESC LIMIT 3)",
                              len));
        expect("a1\n", TEXT("SELECT group_concat(path || size, '') FROM (SELECT path, size FROM s "
                            "WHERE path < printf('%%.*c', %d, 'a') ORDER BY size LIMIT 3)",
                            len));
    }
}

SUITE("regressions", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
