/* Statements that found a bug, each as a test of its own: most of them came out of the differential model test.
 *
 * The same text runs on an art table t and on an ordinary table t in a second database; the rows must be the same.
 */
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

struct twins {
    char *directory;
    sqlite3 *art, *plain;
};

static void twins_open(struct twins *twins) {
    twins->directory = sql_scratch("regressions");
    twins->art = sql_open(TEXT("%s/art.db", twins->directory));
    ck_assert_int_eq(sqlite3_open(":memory:", &twins->plain), SQLITE_OK);
    sql_create(twins->art, "t", "");
    sql_run(twins->plain, "CREATE TABLE t(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
}

static void twins_close(struct twins *twins) {
    sql_close(twins->art);
    sql_close(twins->plain);
    sql_scratch_remove(twins->directory);
    sqlite3_free(twins->directory);
}

static void both(const struct twins *twins, const char *statement) {
    sql_run(twins->art, "%s", statement);
    sql_run(twins->plain, "%s", statement);
}

static void same_rows(const struct twins *twins, const char *query) {
    sql_alike(sql_prepare(twins->art, "%s", query), sql_prepare(twins->plain, "%s", query));
}

/* Two columns, none of them numeric: no affinity is applied, so 12.5 is not '12.5'. */
TEST(test_in_a_subquery_has_the_affinities_of_both_columns) {
    struct twins twins;
    twins_open(&twins);
    both(
        &twins,
        "CREATE TABLE n(y, i INTEGER, r REAL, x TEXT, c TEXT COLLATE NOCASE);"
        "INSERT INTO n VALUES(12.5, 1000, 12.0, '12', 'AB'), ('12', 12, 1000, '1000.0', 'ab'), (x'3132', 0, 0, '', '');"
        "INSERT INTO t VALUES('12.5', 1), ('12', 2), ('1000.0', 3), ('1e3', 4), ('AB', 5), ('', 6), ('0.0', 7)");
    EACH(column, "y", "i", "r", "x", "c", "i || ''", "+y") {
        char query[200];
        snprintf(query, sizeof query, "SELECT path FROM t WHERE path IN (SELECT %s FROM n) ORDER BY path", column);
        same_rows(&twins, query);
        snprintf(query, sizeof query, "SELECT path FROM t WHERE path NOT IN (SELECT %s FROM n) ORDER BY path", column);
        same_rows(&twins, query);
    }
    twins_close(&twins);
}

/* Of a row that the statement has put into another's place, an ordinary table changes what is there by then. */
TEST(test_keys_that_are_shifted_by_or_replace_end_up_as_in_an_ordinary_table) {
    struct twins twins;
    twins_open(&twins);
    EACH(shifted, "path = path + 1", "path = path - 1", "path = 5 - path", "path = '9'",
         "path = CASE path WHEN '1' THEN 2 WHEN '2' THEN 3 ELSE path END") {
        both(&twins, "DELETE FROM t; INSERT INTO t VALUES('1', 10), ('2', 20), ('3', 30), ('4', 40)");
        both(&twins, TEXT("UPDATE OR REPLACE t SET %s", shifted));
        same_rows(&twins, "SELECT path, value FROM t ORDER BY path");
        both(&twins, TEXT("UPDATE OR REPLACE t SET %s WHERE value > 15", shifted));
        same_rows(&twins, "SELECT path, value FROM t ORDER BY path");
    }
    twins_close(&twins);
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
    struct twins twins;
    twins_open(&twins);
    for (int further = 0; further <= 62; further += 62) {
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_str_appendall(sql, "CREATE VIRTUAL TABLE files USING art(path, value");
        for (int i = 0; i < further; i++) sqlite3_str_appendf(sql, ", c%d", i);
        char *create = kept(sqlite3_str_finish(sql));
        sql_run(
            twins.art,
            "%s); INSERT INTO files(path, value) VALUES('/a', 1), ('/ab/c', 2), ('b', 3);"
            "CREATE TABLE arguments(p); INSERT INTO arguments VALUES('/a'); CREATE TABLE many(p);"
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO many SELECT '/a' FROM n",
            create);
        for (size_t i = 0; i < LENGTH(queries); i++) {
            char *rows = kept(sql_rows(twins.art, "%s", queries[i][0]));
            ck_assert_msg(!strcmp(rows, queries[i][1]), "%s (%d columns)\n%s", queries[i][0], further, rows);
        }
        sql_run(twins.art,
                "UPDATE files SET value = 8 WHERE prefix = (SELECT '/') AND (path = '/a' OR path = 'b');"
                "UPDATE files SET value = 9 FROM arguments WHERE prefix = p AND (path = '/ab/c' OR path = 'b');"
                "DELETE FROM files WHERE (prefix, value) = ('/a', 8) AND (path = '/a' OR path = 'b')");
        sql_expect(twins.art, "/ab/c|9\nb|3\n", "SELECT path, value FROM files");
        sql_run(twins.art, "DROP TABLE files; DROP TABLE arguments; DROP TABLE many");
    }
    twins_close(&twins);
}

/* UPDATE reads all columns, also those of a listing's arguments: that must not make all plans for the table alike. */
TEST(test_an_update_from_another_table_finds_its_rows_by_their_paths) {
    struct twins twins;
    twins_open(&twins);
    sql_run(twins.art, "CREATE TABLE arguments(p); INSERT INTO arguments VALUES('a'), ('b');"
                       "INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3)");
    EACH(update, "UPDATE t SET value = 9 FROM arguments WHERE path = p",
         "UPDATE t SET value = 9 FROM t('b') AS x WHERE t.path = x.path",
         "SELECT x.prefix, t.value FROM t('b') AS x JOIN t WHERE t.path = x.value") {
        sql_plan_has(twins.art, update, ":path=?");
    }
    twins_close(&twins);
}

static void reopen_art(struct twins *twins) {
    char *path = TEXT("%s", sqlite3_db_filename(twins->art, "main"));
    sql_close(twins->art);
    twins->art = sql_open(path);
}

/* The first that a connection hears of an art table may be in the middle of a statement, as schema browsers have it. */
TEST(test_a_schema_browser_meets_the_table_within_its_statement) {
    EACH(query,
         "SELECT name, (SELECT group_concat(p.name) FROM pragma_table_info(m.name, 'main') p) FROM main.sqlite_master "
         "m WHERE "
         "type = 'table' AND name = 't' UNION ALL SELECT name, 1 FROM temp.sqlite_master WHERE name = 't' ORDER BY 1",
         "SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.name = 't' ORDER BY 1, 2") {
        struct twins twins;
        twins_open(&twins);
        reopen_art(&twins);
        same_rows(&twins, query);
        both(&twins,
             "BEGIN; INSERT INTO t VALUES('a', 1); ALTER TABLE t RENAME TO u; INSERT INTO u VALUES('b', 1); COMMIT");
        same_rows(&twins, "SELECT * FROM u ORDER BY 1");
        both(&twins, "BEGIN; INSERT INTO u VALUES('c', 1); DROP TABLE u; ROLLBACK");
        same_rows(&twins, "SELECT * FROM u ORDER BY 1");
        twins_close(&twins);
    }
}

/* ROLLBACK TO takes temp.art_txn back where it was made behind the savepoint, and leaves its handle. */
TEST(test_a_table_first_seen_behind_a_savepoint_can_be_renamed_after_rollback_to) {
    for (int drop = 0; drop < 2; drop++) {
        struct twins twins;
        twins_open(&twins);
        reopen_art(&twins);
        both(&twins, "SAVEPOINT s");
        same_rows(&twins, "SELECT * FROM t ORDER BY 1");
        both(&twins, "ROLLBACK TO s; INSERT INTO t VALUES('b', 1)");
        if (drop) {
            both(&twins, "SAVEPOINT r; DROP TABLE t; ROLLBACK TO r");
        } else {
            both(&twins,
                 "ALTER TABLE t RENAME TO u; SAVEPOINT r; ALTER TABLE u RENAME TO w; INSERT INTO w VALUES('c', 1);"
                 "ROLLBACK TO r; ALTER TABLE u RENAME TO t");
        }
        same_rows(&twins, "SELECT * FROM t ORDER BY 1");
        both(&twins, "INSERT INTO t VALUES('d', 1); COMMIT");
        same_rows(&twins, "SELECT * FROM t ORDER BY 1");
        reopen_art(&twins);
        same_rows(&twins, "SELECT * FROM t ORDER BY 1");
        twins_close(&twins);
    }
}

/* It was spilled for want of memory, and committed without a root: this connection went on reading the one that nobody
 * else knew, in slots that others took. */
TEST(test_a_transaction_that_changes_nothing_beside_a_long_log_leaves_the_table_as_it_is) {
    EACH(wish, "flush", "clean", "vacuum") {
        struct twins twins;
        twins_open(&twins);
        sql_run(twins.art, "DROP TABLE t");
        sql_create(twins.art, "t", "log_limit='1MB', spill_limit=20000");
        sqlite3 *other = sql_open(sqlite3_db_filename(twins.art, "main"));
        sql_run(twins.art, "PRAGMA synchronous=OFF");
        sql_run(other, "PRAGMA synchronous=OFF");
        for (int n = 0; n < 60; n++) {
            char insert[80];
            snprintf(insert, sizeof insert, "INSERT INTO t VALUES('row%d', hex(zeroblob(400)))", n);
            both(&twins, insert);
            sql_run(twins.art,
                    "BEGIN; INSERT OR IGNORE INTO t VALUES('row0', 1); INSERT INTO t(t) VALUES('%s'); COMMIT", wish);
            sql_expect(twins.art, "ok\n", "SELECT art_check('t')");
            if (n % 40 == 39) sql_run(other, "INSERT INTO t(t) VALUES('flush')");
        }
        same_rows(&twins, "SELECT * FROM t ORDER BY 1");
        sql_close(other);
        twins_close(&twins);
    }
}

/* SQLite 3.40.1 shows GLOB and LIKE of a LEFT JOIN's ON to a virtual table on its left. */
TEST(test_the_left_table_of_a_left_join_keeps_its_rows) {
    struct twins twins;
    twins_open(&twins);
    both(&twins, "CREATE TABLE o(y); INSERT INTO o VALUES('b');"
                 "INSERT INTO t(path) VALUES('a/1'), ('b/1'), ('b/2'), ('B/3'), ('/x'), ('2024/1');"
                 "UPDATE t SET value = length(path) WHERE path > 'b'");
    EACH(condition, "value IS NOT NULL", "value <> 3", "value NOT NULL AND value <> y", "value IS NOT 3",
         "value IS NULL", "path GLOB 'b/*'", "path GLOB 'B*'", "path GLOB 'b/1'", "path LIKE 'b/%'", "path LIKE 'B%'",
         "path LIKE 'b/1'", "+(path GLOB '/*')", "+(path LIKE '20%')", "+(path GLOB y || '*')", "y GLOB path || '*'",
         "path GLOB y || '*'") {
        EACH(join, "SELECT path, y FROM t LEFT JOIN o ON %s ORDER BY 1",
             "SELECT path, y FROM o LEFT JOIN t ON %s ORDER BY 1",
             "SELECT path, y FROM t LEFT JOIN o ON y = path WHERE %s ORDER BY 1") {
            same_rows(&twins, TEXT(join, condition));
        }
    }
    twins_close(&twins);
}

/* SQLite hands it over as an INSERT: of a key, or of none, and then it is refused. */
TEST(test_an_update_of_an_aggregate_over_nothing_makes_no_row) {
    TEXTS(keyless, "UPDATE t SET path = NULL, value = max(x) FROM o WHERE path = 'none'",
          "UPDATE t SET value = count(x) FROM o WHERE path = 'none'",
          "WITH c(x) AS (SELECT 1) UPDATE OR REPLACE main.t SET value = count(c.x) FROM c WHERE path = 'none'");
    struct twins twins;
    twins_open(&twins);
    both(&twins, "CREATE TABLE o(x)");
    EACH(row, "", "INSERT INTO o VALUES(4), (5)", "INSERT INTO t VALUES('a', 1), ('a/b', 2)") {
        both(&twins, row);
        EACH(update, "UPDATE t SET path = count(x) FROM o",
             "UPDATE t SET path = count(x), value = max(x) FROM o WHERE path = 'none'",
             "UPDATE OR REPLACE t SET path = 'a', value = count(x) FROM o WHERE path = 'none'",
             "UPDATE t SET path = 'b' || count(x) FROM o WHERE path = 'a'",
             "UPDATE t SET value = 10, path = 'z' || path FROM (SELECT 4 AS z) q RIGHT JOIN o ON o.x = q.z") {
            both(&twins, "BEGIN");
            int art = sql_try(twins.art, "%s", update), plain = sql_try(twins.plain, "%s", update);
            ck_assert_msg((art & 0xff) == (plain & 0xff), "%s: %d \"%s\" where an ordinary table says %d", update, art,
                          sqlite3_errmsg(twins.art), plain);
            same_rows(&twins, "SELECT path, value FROM t ORDER BY path");
            if (!sqlite3_get_autocommit(twins.art)) both(&twins, "ROLLBACK");
        }
        for (size_t j = 0; j < LENGTH(keyless); j++) {
            sql_refused(twins.art, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.path", keyless[j]);
            same_rows(&twins, "SELECT path, value FROM t ORDER BY path");
        }
    }
    twins_close(&twins);
}

/* An INSERT without a key is still one, also from a trigger. */
TEST(test_an_insert_without_a_key_beside_an_update_is_refused) {
    struct twins twins;
    twins_open(&twins);
    sqlite3 *db = twins.art;
    sql_run(db, "CREATE TABLE o(x, y); INSERT INTO o VALUES(1, 'k');"
                "CREATE TRIGGER write AFTER UPDATE ON o BEGIN INSERT INTO t VALUES(NEW.y, 1); END;"
                "CREATE TEMP VIEW u AS SELECT * FROM o; CREATE TEMP TRIGGER u_write INSTEAD OF UPDATE ON u "
                "BEGIN INSERT INTO t VALUES(NEW.y, 2); END");
    EACH(statement, "INSERT INTO t(value) VALUES(1)", "INSERT INTO t SELECT NULL, x FROM o",
         "REPLACE INTO t(value) VALUES(1)", "WITH c AS (SELECT 1) INSERT INTO t(value) SELECT * FROM c",
         "UPDATE o SET y = NULL", "UPDATE u SET y = NULL") {
        sql_refused(db, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.path", statement);
    }
    sql_run(db, "INSERT INTO t VALUES('a', 1); CREATE TABLE p(y);"
                "CREATE TRIGGER p_write AFTER INSERT ON p BEGIN INSERT INTO t VALUES(NEW.y, 3); END;"
                "CREATE TEMP VIEW t AS SELECT * FROM main.t; CREATE TEMP TRIGGER t_write INSTEAD OF UPDATE ON t "
                "BEGIN INSERT INTO p VALUES(NEW.path); END");
    sql_refused(db, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.path", "UPDATE t SET path = NULL");
    sql_expect(db, "a|1\n", "SELECT path, value FROM main.t");
    twins_close(&twins);
}

/* Such a query read a file that was removed, and said that it was damaged; an ordinary table says ABORT, too. */
TEST(test_a_query_ends_whose_table_a_rollback_has_unmade) {
    struct twins twins;
    twins_open(&twins);
    EACH(flush, "", "flush") {
        sql_run(twins.art, "BEGIN; DROP TABLE t");
        sql_create(twins.art, "t", "path");
        sql_run(twins.art, "INSERT INTO t WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 3000) SELECT "
                           "hex(zeroblob(50)) || i FROM i");
        if (*flush) sql_command(twins.art, "main", "t", flush);
        sqlite3_stmt *query = sql_prepare(twins.art, "SELECT path FROM t");
        ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
        sql_run(twins.art, "INSERT INTO t VALUES('z'); ROLLBACK");
        ck_assert_int_eq(sqlite3_step(query), SQLITE_ABORT);
        ck_assert_str_eq(sqlite3_errmsg(twins.art),
                         "art: the table was replaced under an open query (t): run the query again");
        sqlite3_finalize(query);
        sql_expect(twins.art, "ok|0\n", "SELECT art_check('t'), (SELECT count(*) FROM t)");
    }
    twins_close(&twins);
}

/* It went on with a cursor of the scan's, and with what that had asked of blocks: a crash, or another prefix. */
TEST(test_the_longest_prefix_behind_a_scan_by_conditions_looks_at_all_rows) {
    struct twins twins;
    twins_open(&twins);
    sql_run(twins.art,
            "CREATE TABLE o(path, prefix); INSERT INTO t WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i "
            "LIMIT 3000) SELECT 'k' || (7 * i), i FROM i; INSERT INTO t(t) VALUES('flush');"
            "WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 22000) "
            "INSERT INTO o SELECT 'k' || i, art_longest_prefix('t', 'k' || i) FROM i");
    sql_expect(twins.art, "k490\n", "SELECT path FROM t WHERE value = 70");
    sql_expect(twins.art, "0\n", "SELECT count(*) FROM o WHERE art_longest_prefix('t', path) IS NOT prefix");
    twins_close(&twins);
}

/* With assertions it ended the process: the key of a search may have a byte more than any row's. */
TEST(test_a_search_best_first_takes_the_longest_bounds) {
    struct twins twins;
    twins_open(&twins);
    sql_run(twins.art, "CREATE VIRTUAL TABLE s USING art(path, size INTEGER, summary=(sum(size)));"
                       "INSERT INTO s VALUES('a', 1), ('b', 2), ('c', 3)");
    for (int len = 65533; len <= 65536; len++) {
        sql_expect(twins.art, "c3b2\n",
                   TEXT("SELECT group_concat(path || size, '') FROM (SELECT path, size FROM s "
                        "WHERE path > printf('%%.*c', %d, 'a') ORDER BY size DESC LIMIT 3)",
                        len));
        sql_expect(twins.art, "a1\n",
                   TEXT("SELECT group_concat(path || size, '') FROM (SELECT path, size FROM s "
                        "WHERE path < printf('%%.*c', %d, 'a') ORDER BY size LIMIT 3)",
                        len));
    }
    twins_close(&twins);
}

SUITE("regressions", .seconds = 120)
