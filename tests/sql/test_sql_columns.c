/* Columns of one's own: what may be declared and what is refused, how rows of many columns are written and read.
 *
 * The model is an ordinary table of the same name and columns in an attached database: after each random statement both
 * have answered with the same code and message and hold the same rows, types included. ART_TEST_SCALE multiplies the
 * histories.
 */
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static void set_up(void) {
    sql_set_up();
    sql_run(db, "PRAGMA journal_mode=WAL");
}

/* ---- declaration ------------------------------------------------------------------------------------------------- */

static void declared(const char *arguments, const char *expected) {
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(%s)", arguments);
    for (int i = 0; i < 2; i++) {
        char *rows = sql_rows(db, "SELECT name, type, \"notnull\", pk FROM pragma_table_info('t')");
        ck_assert_msg(!strcmp(rows, expected), "art(%s)\n  gave     %s\n  expected %s", arguments, rows, expected);
        sqlite3_free(rows);
        sql_reopen();
    }
    sql_run(db, "DROP TABLE t");
}

TEST(test_columns_are_declared_as_in_an_ordinary_table) {
    declared("", "path|TEXT|1|1\nvalue||0|0\n");
    declared("cache='8MB'", "path|TEXT|1|1\nvalue||0|0\n");
    declared("key", "key|TEXT|1|1\n");
    declared("path, size INTEGER, mtime REAL, etag TEXT, meta, cache='64MB'",
             "path|TEXT|1|1\nsize|INTEGER|0|0\nmtime|REAL|0|0\netag|TEXT|0|0\nmeta||0|0\n");
    declared("cache='8MB', a VARCHAR(255), log_limit='1MB', b DECIMAL( 10,-2 ), c LONG  INT,",
             "a|VARCHAR(255)|1|1\nb|DECIMAL( 10,-2 )|0|0\nc|LONG  INT|0|0\n");
    declared("\"the \"\"key\"\"\" TEXT PRIMARY KEY ASC NOT NULL COLLATE binary, [second one] type_1$, `third`, "
             "'fourth' int",
             "the \"key\"|TEXT|1|1\nsecond one|type_1$|0|0\nthird||0|0\nfourth|INT|0|0\n");
    declared("path TEXT NOT NULL UNIQUE, n", "path|TEXT|1|1\nn||0|0\n");
    declared("path unique primary key, n", "path|TEXT|1|1\nn||0|0\n");
    declared("path NULL DEFAULT NULL, n INTEGER DEFAULT NULL NULL, o COLLATE [nocase], p TEXT COLLATE RTRIM",
             "path|TEXT|1|1\nn|INTEGER|0|0\no||0|0\np|TEXT|0|0\n");
    declared("größe TEXT, κ INT, \"select\", generated, hidden, key, \"'\", \"a, b)\"",
             "größe|TEXT|1|1\nκ|INT|0|0\nselect||0|0\ngenerated||0|0\nhidden||0|0\nkey||0|0\n'||0|0\na, b)||0|0\n");
    declared("path /* the key, */ TEXT -- of all\n, size /**/INTEGER /* bytes */ (8) /* ( */",
             "path|TEXT|1|1\nsize|INTEGER (8)|0|0\n");
    declared("cache TEXT, io, direct INT, cache = '1MB'", "cache|TEXT|1|1\nio||0|0\ndirect|INT|0|0\n");
    declared("t, u", "t|TEXT|1|1\nu||0|0\n");
}

TEST(test_what_an_art_table_cannot_keep_is_refused_by_name) {
    static const char *const wrong[][2] = {
        {"path, size DEFAULT 5", "t.size): leave DEFAULT out"},
        {"path, size DEFAULT (NULL)", "t.size): leave DEFAULT out"},
        {"path, size DEFAULT", "t.size): leave DEFAULT out"},
        {"path, size CHECK (size > 0)", "no CHECK (t.size)"},
        {"path, size UNIQUE", "unique (t.size): leave UNIQUE out"},
        {"path, size INTEGER PRIMARY KEY", "its key, alone (t.size)"},
        {"path, owner REFERENCES users(id)", "no foreign keys (t.owner)"},
        {"path, a AS (b)", "no generated columns (t.a)"},
        {"path, a INT GENERATED ALWAYS AS (b) STORED", "no generated columns (t.a)"},
        {"path, a NOT NULL ON CONFLICT IGNORE", "no ON CONFLICT of its own (t.a)"},
        {"path PRIMARY KEY ON CONFLICT REPLACE", "no ON CONFLICT of its own (t.path)"},
        {"path, a INTEGER HIDDEN", "cannot be HIDDEN (t.a)"},
        {"path, a HIDDEN", "cannot be HIDDEN (t.a)"},
        {"path, a CONSTRAINT n NOT NULL", "have no names (t.a)"},
        {"path TEXT PRIMARY KEY AUTOINCREMENT", "leave AUTOINCREMENT out"},
        {"a, b, PRIMARY KEY(a, b)", "its key, alone (t)"},
        {"a, b, PRIMARY KEY(a)", "its key, alone (t): leave PRIMARY KEY out, and"},
        {"a, b, UNIQUE(b)", "unique (t)"},
        {"path UNIQUE ON CONFLICT REPLACE", "no ON CONFLICT of its own (t.path)"},
        {"a, CHECK (a > 'b')", "no CHECK (t)"},
        {"a, FOREIGN KEY(a) REFERENCES b", "no foreign keys (t)"},
        {"a, CONSTRAINT c UNIQUE(a)", "have no names (t)"},
        {"path INTEGER", "keys are text (t.path)"},
        {"path BLOB", "keys are text (t.path)"},
        {"path DATE", "keys are text (t.path)"},
        {"path COLLATE NOCASE", "byte by byte (t.path)"},
        {"path PRIMARY KEY DESC", "ascending order (t.path)"},
        {"path, a, b, A", "two columns have one name (t.A)"},
        {"path, PATH", "two columns have one name (t.PATH)"},
        {"path, prefix", "hidden column prefix"},
        {"path, Delimiter TEXT", "hidden column Delimiter"},
        {"path, \"entries\"", "hidden column entries"},
        {"version", "hidden column version"},
        {"path, order", "'order' is not understood (t): a keyword"},
        {"path, not null", "'not' is not understood (t)"},
        {"path, collate nocase", "'collate' is not understood (t)"},
        {"path, a select", "'select' is not understood (t.a)"},
        {"path, a INT left", "'left' is not understood (t.a)"},
        {"path, a 'INT'", "''INT'' is not understood (t.a)"},
        {"path, a \"INT\"", "'\"INT\"' is not understood (t.a)"},
        {"path, 5", "'5' is not understood (t)"},
        {"path, a INT()", "')' is not understood (t.a): behind a type"},
        {"path, a INT(x)", "'x' is not understood (t.a): behind a type"},
        {"path, a INT(1,2,3)", "',' is not understood (t.a): behind a type"},
        {"path, a INT(1) b", "'b' is not understood (t.a)"},
        {"path, a (1)", "'(' is not understood (t.a)"},
        {"path, a NOT 5", "'5' is not understood (t.a)"},
        {"path, a NOT", "cut off (t.a)"},
        {"path, a COLLATE", "cut off (t.a)"},
        {"path, a COLLATE 5", "'5' is not understood (t.a)"},
        {"path, a COLLATE nosuch", "no such collation sequence: nosuch"},
        {"path, \"\"", "a column has no name (t)"},
        {"path, a; b", ""},
        {"path, a <b>", "'<' is not understood (t.a)"},
        {"path, a = 5", "no option 'a'"},
        {"path, \"cache\" = 5", "no option '\"cache\"'"},
        {"path, a INT = 5", "'=' is not understood (t.a)"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *statement = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(%s)", wrong[i][0]);
        refuses(SQLITE_ERROR, wrong[i][1], statement);
        sqlite3_free(statement);
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
}

/* SQLite's own words, of the version that runs: what it takes as a name or as a type without quotes, art takes, too. */
TEST(test_keywords_are_names_and_types_where_they_are_in_an_ordinary_table) {
    static const char *const forms[] = {"path, %s INT", "path, a %s", "path, a INT %s"};
    for (int i = 0; i < sqlite3_keyword_count(); i++) {
        const char *name;
        int len;
        sqlite3_keyword_name(i, &name, &len);
        for (int j = 0; j < 3; j++) {
            char *keyword = sqlite3_mprintf("%.*s", len, name), *columns = sqlite3_mprintf(forms[j], keyword);
            bool special = j > 0 && (!strcmp(keyword, "NULL") || !strcmp(keyword, "UNIQUE") ||
                                     !strcmp(keyword, "GENERATED") || !strcmp(keyword, "DEFERRABLE"));
            special |= !strcmp(keyword, "CONSTRAINT");
            int ordinary = sql_try(db, "CREATE TABLE o(%s)", columns);
            int ours = sql_try(db, "CREATE VIRTUAL TABLE t USING art(%s)", columns);
            if (!special) ck_assert_msg(!ordinary == !ours, "%s: %s", columns, sqlite3_errmsg(db));
            sql_run(db, "DROP TABLE IF EXISTS o; DROP TABLE IF EXISTS t");
            sqlite3_free(keyword);
            sqlite3_free(columns);
        }
    }
}

TEST(test_there_may_be_as_many_columns_as_sqlite_lets_a_virtual_table_have) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendall(text, "path");
    for (int i = 1; i < 1993; i++) sqlite3_str_appendf(text, ", c%d INT", i);
    char *columns = sqlite3_str_finish(text);
    char *statement = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(%s, more)", columns);
    refuses(SQLITE_ERROR, "art: 1994 columns are too many (t): a table has at most 1993 here", statement);
    sqlite3_free(statement);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(%s)", columns);
    sql_run(db, "INSERT INTO t(path, c1, c1000, c1992) VALUES('a', 1, 1000, 1992), ('b', 2, 'x', 1e300)");
    sql_run(db, "UPDATE t SET c500 = c1992 WHERE path = 'a'; INSERT INTO t(t) VALUES('flush')");
    sql_reopen();
    expect("a|1|1992|1000|1992|\nb|2||x|1.0e+300|\n", "SELECT path, c1, c500, c1000, c1992, c1991 FROM t");
    sqlite3_free(columns);
}

TEST(test_a_table_of_keys_only_has_rows) {
    sql_create(db, "t", "word");
    sql_run(db, "INSERT INTO t VALUES('b'), ('a'), ('c'); INSERT OR IGNORE INTO t VALUES('a')");
    sql_run(db, "UPDATE t SET word = 'd' WHERE word = 'b'; REPLACE INTO t VALUES('d')");
    for (int i = 0; i < 2; i++) {
        expect("a\nc\nd\n", "SELECT * FROM t");
        expect("1\n", "SELECT count(DISTINCT version) > 1 FROM t");
        sql_command(db, "main", "t", "flush");
        sql_reopen();
    }
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: t.word", "INSERT INTO t VALUES('a')");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.word", "INSERT INTO t VALUES(NULL)");
    refuses(SQLITE_MISMATCH, "(t.word)", "INSERT INTO t VALUES(x'00')");
}

static int compare_bytes(void *context, int a_len, const void *a, int b_len, const void *b) {
    (void)context;
    int c = memcmp(a, b, (size_t)(a_len < b_len ? a_len : b_len));
    return c ? c : a_len - b_len;
}

TEST(test_a_collation_must_be_there_when_the_table_is_first_used) {
    sqlite3_create_collation(db, "own", SQLITE_UTF8, NULL, compare_bytes);
    sql_create(db, "t", "path, name COLLATE NOCASE, other COLLATE own");
    sql_run(db, "INSERT INTO t VALUES('a', 'Name', 1)");
    expect("a\n", "SELECT path FROM t WHERE name = 'nAME'");
    expect("a\n", "SELECT path FROM t WHERE name IN ('nAME')");
    sql_reopen();
    refuses(SQLITE_ERROR, "art: no such collation sequence: own", "SELECT * FROM t");
    refuses(SQLITE_ERROR, "art: no such collation sequence: own", "DROP TABLE t");
    sqlite3_create_collation(db, "own", SQLITE_UTF8, NULL, compare_bytes);
    expect("a\n", "SELECT path FROM t WHERE name = 'nAME'");
}

/* ---- what T_artstate says of the columns ------------------------------------------------------------------------- */

TEST(test_a_table_whose_columns_cannot_be_read_can_be_dropped_and_says_so) {
    EACH(text, "''", "'path,'", "','", "'path, value, '", "'path, \"value'", "'path INTEGER'",
         "'path, value DEFAULT 5'", "'path, version'", "'path, value) WITHOUT ROWID; --'", "'path, value /*'",
         "'path, value /* */ '' '", "char(1, 2, 3)", "x'0001'", "5", "printf('%.*c', 100000, '(')",
         "'p' || replace(printf('%.*c', 40000, ','), ',', ',p')", "CAST(x'fffefd80' AS TEXT)") {
        sql_create(db, "t", "");
        sql_run(db, "INSERT INTO t VALUES('a', 1); UPDATE t_artstate SET v = %s WHERE k = 'columns'", text);
        sql_reopen();
        int rc = sql_try(db, "SELECT * FROM t");
        ck_assert_msg(rc == SQLITE_CORRUPT_VTAB || rc == SQLITE_OK, "%s: %d %s", text, rc, sqlite3_errmsg(db));
        if (rc) ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "art: the columns are damaged (main.t_artstate)"));
        if (rc == SQLITE_OK) expect("a|1\n", "SELECT * FROM t");
        sql_run(db, "DROP TABLE t");
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
}

TEST(test_columns_that_are_not_those_of_create_are_damage) {
    sql_create(db, "t", "path, size INTEGER, note");
    sql_run(db, "INSERT INTO t VALUES('a', '5', 'n'); DELETE FROM t_artstate WHERE k = 'columns'");
    sql_reopen();
    expect("a|5|n|integer\n", "SELECT *, typeof(size) FROM t");
    sql_reopen();
    expect("3\n", "SELECT count(*) FROM pragma_table_info('t')");
    sql_run(db, "INSERT INTO t_artstate VALUES('columns', 'path, other')");
    refuses(SQLITE_CORRUPT_VTAB, "the columns are damaged (main.t_artstate)", "INSERT INTO t VALUES('b', 1, 1)");
    sql_run(db, "UPDATE t_artstate SET v = 'path, size INTEGER, note' WHERE k = 'columns'");
    expect("a|5|n\n", "SELECT * FROM t");
}

TEST(test_an_added_column_that_is_not_understood_is_damage) {
    EACH(each, "value", "a,", ",", "a, b", "\"a", "a DEFAULT 5", "prefix INT", " ", "5", "a /* ' */ ''", "a INT (",
         "a) WITHOUT ROWID; --", "a [b", "\x01", "", "a PRIMARY KEY", "PATH") {
        sql_create(db, "t", "");
        sql_run(db, "INSERT INTO t VALUES('a', 1); ALTER TABLE t_artstate ADD COLUMN \"added: %w\"", each);
        sql_reopen();
        refuses(SQLITE_CORRUPT_VTAB, "the columns are damaged (main.t_artstate)", "SELECT * FROM t");
        refuses(SQLITE_CORRUPT_VTAB, "the columns are damaged (main.t_artstate)", "DELETE FROM t");
        sql_run(db, "DROP TABLE t");
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
}

TEST(test_columns_of_t_state_that_art_has_not_made_mean_nothing) {
    sql_create(db, "t", "path, size INTEGER");
    sql_run(db, "INSERT INTO t VALUES('a', '5'); ALTER TABLE t_artstate ADD COLUMN other; INSERT INTO t(t) VALUES('add "
                "column k');"
                "ALTER TABLE t_artstate ADD COLUMN \"Added: x\"; INSERT INTO t(t) VALUES('add column \"v w\"')");
    for (int i = 0; i < 4; i++) {
        sql_reopen();
        sql_run(db, "PRAGMA full_column_names=%d; PRAGMA short_column_names=%d", i / 2, i % 2);
        expect("path\nsize\nk\nv w\n", "SELECT name FROM pragma_table_info('t')");
    }
    sql_run(db, "UPDATE t SET k = 7");
    expect("a|5|7|\n", "SELECT * FROM t");
}

static int deny_state(void *context, int action, const char *table, const char *column, const char *schema,
                      const char *trigger) {
    (void)column;
    (void)schema;
    (void)trigger;
    bool hidden = table && (action == SQLITE_READ || action == SQLITE_SELECT) && !strcmp(table, "t_artstate");
    return hidden ? *(int *)context : SQLITE_OK;
}

TEST(test_an_authorizer_that_hides_the_state_gives_an_error_and_no_wrong_row) {
    for (int i = 0; i < 2; i++) {
        int answer = i ? SQLITE_IGNORE : SQLITE_DENY;
        sql_run(db, "DROP TABLE IF EXISTS t");
        sql_create(db, "t", "path, a");
        sql_run(db, "INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('add column b')");
        sql_reopen();
        sqlite3_set_authorizer(db, deny_state, &answer);
        refuses(i ? SQLITE_CORRUPT_VTAB : SQLITE_AUTH, "t_artstate", "SELECT * FROM t");
        answer = SQLITE_OK;
        expect("a|1|\n", "SELECT * FROM t"); /* one denial is not for good */
        sql_reopen();
        expect("a|1|\n", "SELECT * FROM t");
    }
}

/* Another connection's schema changes between this connection's reading of it and the first use of the table. */
TEST(test_a_schema_that_changed_meanwhile_is_noticed_when_the_table_is_first_used) {
    sql_create(db, "t", "path, a");
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    sqlite3 *other = sql_open(path);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM sqlite_master"), 3 + sql_inline());
    sql_run(db, "CREATE TABLE more(x); INSERT INTO t(t) VALUES('add column b')");
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM pragma_table_info('t')"), 3);
    sql_expect(other, "a|1|\n", "SELECT * FROM t");
    sql_close(other);
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("sql_columns", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down);
}
