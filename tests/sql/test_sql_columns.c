/* Columns of one's own: what may be declared and what is refused, what they and the key are called, and how one is
 * added. */
#include "tests/support/sql_one.h"

static void set_up(void) {
    sql_set_up();
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
}

/* ---- declaration ------------------------------------------------------------------------------------------------- */

static void declared(const char *arguments, const char *expected) {
    run("CREATE VIRTUAL TABLE t USING art(%s)", arguments);
    for (int i = 0; i < 2; i++) {
        char *rows = kept(sql_rows(db, "SELECT name, type, \"notnull\", pk FROM pragma_table_info('t')"));
        ck_assert_msg(!strcmp(rows, expected), "art(%s)\n  gave     %s\n  expected %s", arguments, rows, expected);
        sql_reopen();
    }
    run("DROP TABLE t");
}

TEST(test_columns_are_declared_as_in_an_ordinary_table) {
    declared("", "path|TEXT|1|1\nvalue||0|0\n");
    declared("cache='8MB'", "path|TEXT|1|1\nvalue||0|0\n");
    declared("key", "key|TEXT|1|1\n");
    declared("path, size INTEGER, mtime REAL, etag TEXT, meta, cache='64MB'",
             "path|TEXT|1|1\nsize|INTEGER|0|0\nmtime|REAL|0|0\netag|TEXT|0|0\nmeta||0|0\n");
    declared("cache='8MB', a VARCHAR(255), log_limit='1MB', b DECIMAL( 10,-2 ), c LONG  INT,",
             "a|VARCHAR(255)|1|1\nb|DECIMAL( 10,-2 )|0|0\nc|LONG  INT|0|0\n");
    declared(
        "\"the \"\"key\"\"\" TEXT PRIMARY KEY ASC NOT NULL COLLATE binary, [second one] type_1$, `third`, 'fourth' int",
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
        {"path, size DEFAULT 5", "t.size): write NOT NULL DEFAULT, or leave DEFAULT out"},
        {"path DEFAULT 'a'", "a key has no DEFAULT (t.path)"},
        {"path, size NOT NULL DEFAULT (5)", "'(' is not understood (t.size): write a number"},
        {"path, size NOT NULL DEFAULT -'5'", "''5'' is not understood (t.size): write a number"},
        {"path, size NOT NULL DEFAULT \"5\"", "'\"5\"' is not understood (t.size): write a number"},
        {"path, size NOT NULL DEFAULT x '00'", "'x' is not understood (t.size): write a number"},
        {"path, size NOT NULL DEFAULT CURRENT_DATE", "'CURRENT_DATE' is not understood (t.size)"},
        {"path, size NOT NULL DEFAULT", "cut off (t.size)"},
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
        {"path INTEGER", "keys are texts or BLOBs (t.path)"},
        {"path NUMERIC", "keys are texts or BLOBs (t.path)"},
        {"path Decimal(10)", "keys are texts or BLOBs (t.path)"},
        {"path COLLATE NOCASE", "byte by byte (t.path)"},
        {"path PRIMARY KEY DESC", "ascending order (t.path)"},
        {"path, a, b, A", "two columns have one name (t.A)"},
        {"path, PATH", "two columns have one name (t.PATH)"},
        {"path, Art_Prefix TEXT", "Art_Prefix is a hidden column's name (t.Art_Prefix)"},
        {"art_prefix", "art_prefix is a hidden column's name"},
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
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        refuses(SQLITE_ERROR, wrong[i][1], TEXT("CREATE VIRTUAL TABLE t USING art(%s)", wrong[i][0]));
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
}

/* As in an ordinary table, but that an INSERT of NULL gets the default, too. */
TEST(test_the_default_of_not_null_stands_where_an_insert_says_nothing) {
    sql_create(db, "t",
               "path, size INTEGER NOT NULL DEFAULT '12', kind TEXT DEFAULT 'it''s' NOT NULL, at REAL NOT NULL DEFAULT "
               "-5, bytes NOT NULL DEFAULT X'00ff', on_ NOT NULL DEFAULT TRUE, none DEFAULT NULL");
    run("CREATE TABLE o(path TEXT PRIMARY KEY NOT NULL, size INTEGER NOT NULL DEFAULT '12', kind TEXT DEFAULT 'it''s' "
        "NOT NULL, at REAL NOT NULL DEFAULT -5, bytes NOT NULL DEFAULT X'00ff', on_ NOT NULL DEFAULT TRUE, none "
        "DEFAULT NULL) WITHOUT ROWID");
    EACH(table, "t", "o") {
        run(TEXT("INSERT INTO %s(path) VALUES('a'), ('b')", table));
        run(TEXT("INSERT INTO %s(path, kind, size) VALUES('c', 'k', 1)", table));
        run(TEXT("INSERT OR REPLACE INTO %s(path, kind, size) VALUES('c', 'k', NULL)", table));
        run(TEXT("UPDATE OR REPLACE %s SET size = NULL, kind = 'l' WHERE path = 'b'", table));
        refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed",
                TEXT("UPDATE %s SET size = NULL WHERE path = 'b'", table));
        refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed",
                TEXT("UPDATE %s SET size = NULL, kind = 'm', at = 1, bytes = 2, on_ = 3, none = 4", table));
    }
    expect("0\n", "SELECT count(*) FROM (SELECT *, typeof(size), typeof(at) FROM t EXCEPT SELECT *, typeof(size), "
                  "typeof(at) FROM o)");
    expect("3\n", "SELECT count(*) FROM t");
    run("INSERT INTO t VALUES('d', NULL, NULL, NULL, NULL, NULL, NULL)");
    expect("d|12|it's|-5.0|00FF|1|\n", "SELECT path, size, kind, at, hex(bytes), on_, none FROM t WHERE path = 'd'");
    sql_reopen();
    run("INSERT INTO t(path) VALUES('e')");
    expect("12|it's\n", "SELECT size, kind FROM t WHERE path = 'e'");
    expect("path, size INTEGER NOT NULL DEFAULT '12', kind TEXT NOT NULL DEFAULT 'it''s', at REAL NOT NULL DEFAULT -5, "
           "bytes NOT NULL DEFAULT X'00ff', on_ NOT NULL DEFAULT TRUE, none\n",
           "SELECT value FROM art_info('t') WHERE property = 'columns'");
}

TEST(test_hidden_columns_step_aside_for_columns_of_the_same_name) {
    sql_create(db, "t", "Row_version, prefix INTEGER, entries TEXT");
    run("INSERT INTO t VALUES('a/1', 5, 'x'), ('a/2', 6, 'y'), ('b', 7, 'z'); UPDATE t SET prefix = 8 WHERE entries = "
        "'z'");
    expect("a/1|5|x|1\na/2|6|y|1\nb|8|z|2\n", "SELECT *, art_row_version FROM t");
    expect("b|8\n", "SELECT row_version, prefix FROM t WHERE art_row_version > 1 AND prefix > 7");
    expect("a/|2\nb|\n", "SELECT row_version, art_entries FROM t('', '/')");
    expect("a/1\na/2\n", "SELECT row_version FROM t WHERE art_prefix = 'a'");
    expect("a/2\n",
           "SELECT row_version FROM t WHERE art_prefix = 'a' AND start_after = 'a/1' AND prefix BETWEEN 6 AND 7");
    expect("a/2\n", "SELECT row_version FROM t WHERE row_version > 'a/1' AND entries < 'z'");
    refuses(SQLITE_ERROR, "art: art_prefix is an argument, and only = gives it (t.art_prefix)",
            "SELECT * FROM t WHERE art_prefix > 'a'");
    refuses(SQLITE_ERROR, "art: the hidden column art_row_version cannot be written (t.art_row_version): leave it out",
            "UPDATE t SET art_row_version = 5");
    run("DELETE FROM t WHERE art_prefix = '' AND delimiter = '/' AND row_version = 'a/'");
    expect("b\n", "SELECT row_version FROM t");
    run("INSERT INTO t(t) VALUES('flush'); CREATE VIRTUAL TABLE temp.s USING art_salvage('t')");
    expect("b|8|z|2\n", "SELECT *, art_row_version FROM s");
}

/* UUID, DATETIME, ...: types that SQLite does not know, and takes for numbers. */
TEST(test_a_key_may_have_any_type_that_is_not_one_of_numbers_or_blobs) {
    EACH(type, "STRING", "ANY", "NAME", "Uuid", "VARYING CHARACTER(70)", "DATETIME") {
        sql_create(db, "t", TEXT("name %s PRIMARY KEY, size", type));
        run("INSERT INTO t VALUES('007', 1), (12, 2), ('1e3', 3)");
        expect("007|text\n12|text\n1e3|text\n", "SELECT name, typeof(name) FROM t");
        expect("2\n3\n", "SELECT size FROM t WHERE name = 12 OR name = '1e3'");
        expect("", "SELECT size FROM t WHERE name = 7");
        run("DROP TABLE t");
    }
}

/* SQLite's own words, of the version that runs: what it takes as a name or as a type without quotes, art takes, too. */
TEST(test_keywords_are_names_and_types_where_they_are_in_an_ordinary_table) {
    TEXTS(forms, "path, %s INT", "path, a %s", "path, a INT %s");
    for (int i = 0; i < sqlite3_keyword_count(); i++) {
        const char *name;
        int len;
        sqlite3_keyword_name(i, &name, &len);
        for (int j = 0; j < 3; j++) {
            char *keyword = TEXT("%.*s", len, name), *columns = TEXT(forms[j], keyword);
            bool special = j > 0 && (!strcmp(keyword, "NULL") || !strcmp(keyword, "UNIQUE") ||
                                     !strcmp(keyword, "GENERATED") || !strcmp(keyword, "DEFERRABLE"));
            special |= !strcmp(keyword, "CONSTRAINT");
            int ordinary = sql_try(db, "CREATE TABLE o(%s)", columns);
            int ours = sql_try(db, "CREATE VIRTUAL TABLE t USING art(%s)", columns);
            if (!special) ck_assert_msg(!ordinary == !ours, "%s: %s", columns, sqlite3_errmsg(db));
            run("DROP TABLE IF EXISTS o; DROP TABLE IF EXISTS t");
        }
    }
}

TEST(test_there_may_be_as_many_columns_as_sqlite_lets_a_virtual_table_have) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendall(text, "path");
    for (int i = 1; i < 1992; i++) sqlite3_str_appendf(text, ", c%d INT", i);
    char *columns = kept(sqlite3_str_finish(text));
    refuses(SQLITE_ERROR, "art: 1993 columns are too many (t): a table has at most 1992 here",
            TEXT("CREATE VIRTUAL TABLE t USING art(%s, more)", columns));
    run("CREATE VIRTUAL TABLE t USING art(%s)", columns);
    run("INSERT INTO t(path, c1, c1000, c1991) VALUES('a', 1, 1000, 1992), ('b', 2, 'x', 1e300)");
    run("UPDATE t SET c500 = c1991 WHERE path = 'a'; INSERT INTO t(t) VALUES('flush')");
    sql_reopen();
    expect("a|1|1992|1000|1992|\nb|2||x|1.0e+300|\n", "SELECT path, c1, c500, c1000, c1991, c1990 FROM t");
}

TEST(test_a_table_of_keys_only_has_rows) {
    sql_create(db, "t", "word");
    run("INSERT INTO t VALUES('b'), ('a'), ('c'); INSERT OR IGNORE INTO t VALUES('a')");
    run("UPDATE t SET word = 'd' WHERE word = 'b'; REPLACE INTO t VALUES('d')");
    for (int i = 0; i < 2; i++) {
        expect("a\nc\nd\n", "SELECT * FROM t");
        expect("1\n", "SELECT count(DISTINCT row_version) > 1 FROM t");
        command("flush");
        sql_reopen();
    }
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: t.word", "INSERT INTO t VALUES('a')");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.word", "INSERT INTO t VALUES(NULL)");
    refuses(SQLITE_MISMATCH, "(t.word)", "INSERT INTO t VALUES(x'00')");
}

static int compare_bytes(void *context, int a_len, const void *a, int b_len, const void *b) {
    int c = memcmp(a, b, (size_t)(a_len < b_len ? a_len : b_len));
    return c ? c : a_len - b_len;
}

TEST(test_a_collation_must_be_there_when_the_table_is_first_used) {
    sqlite3_create_collation(db, "own", SQLITE_UTF8, NULL, compare_bytes);
    sql_create(db, "t", "path, name COLLATE NOCASE, other COLLATE own");
    run("INSERT INTO t VALUES('a', 'Name', 1)");
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
        run("INSERT INTO t VALUES('a', 1); UPDATE t_artstate SET v = %s WHERE k = 'columns'", text);
        sql_reopen();
        int rc = sql_try(db, "SELECT * FROM t");
        ck_assert_msg(rc == SQLITE_CORRUPT_VTAB || rc == SQLITE_OK, "%s: %d %s", text, rc, sqlite3_errmsg(db));
        if (rc) ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "art: the columns are damaged (main.t_artstate)"));
        if (rc == SQLITE_OK) expect("a|1\n", "SELECT * FROM t");
        run("DROP TABLE t");
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
}

TEST(test_columns_that_are_not_those_of_create_are_damage) {
    sql_create(db, "t", "path, size INTEGER, note");
    run("INSERT INTO t VALUES('a', '5', 'n'); DELETE FROM t_artstate WHERE k = 'columns'");
    sql_reopen();
    expect("a|5|n|integer\n", "SELECT *, typeof(size) FROM t");
    sql_reopen();
    expect("3\n", "SELECT count(*) FROM pragma_table_info('t')");
    run("INSERT INTO t_artstate VALUES('columns', 'path, other')");
    refuses(SQLITE_CORRUPT_VTAB, "the columns are damaged (main.t_artstate)", "INSERT INTO t VALUES('b', 1, 1)");
    run("UPDATE t_artstate SET v = 'path, size INTEGER, note' WHERE k = 'columns'");
    expect("a|5|n\n", "SELECT * FROM t");
}

TEST(test_an_added_column_that_is_not_understood_is_damage) {
    EACH(each, "value", "a,", ",", "a, b", "\"a", "a DEFAULT 5", " ", "5", "a /* ' */ ''", "a INT (",
         "a) WITHOUT ROWID; --", "a [b", "\x01", "", "a PRIMARY KEY", "PATH") {
        sql_create(db, "t", "");
        run("INSERT INTO t VALUES('a', 1); ALTER TABLE t_artstate ADD COLUMN \"added: %w\"", each);
        sql_reopen();
        refuses(SQLITE_CORRUPT_VTAB, "the columns are damaged (main.t_artstate)", "SELECT * FROM t");
        refuses(SQLITE_CORRUPT_VTAB, "the columns are damaged (main.t_artstate)", "DELETE FROM t");
        run("DROP TABLE t");
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
}

TEST(test_columns_of_t_state_that_art_has_not_made_mean_nothing) {
    sql_create(db, "t", "path, size INTEGER");
    run("INSERT INTO t VALUES('a', '5'); ALTER TABLE t_artstate ADD COLUMN other; INSERT INTO t(t) VALUES('add column "
        "k');"
        "ALTER TABLE t_artstate ADD COLUMN \"Added: x\"; INSERT INTO t(t) VALUES('add column \"v w\"')");
    for (int i = 0; i < 4; i++) {
        sql_reopen();
        run("PRAGMA full_column_names=%d; PRAGMA short_column_names=%d", i / 2, i % 2);
        expect("path\nsize\nk\nv w\n", "SELECT name FROM pragma_table_info('t')");
    }
    run("UPDATE t SET k = 7");
    expect("a|5|7|\n", "SELECT * FROM t");
}

TEST(test_an_authorizer_that_hides_the_state_gives_an_error_and_no_wrong_row) {
    for (int i = 0; i < 2; i++) {
        int answer = i ? SQLITE_IGNORE : SQLITE_DENY;
        run("DROP TABLE IF EXISTS t");
        sql_create(db, "t", "path, a");
        run("INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('add column b')");
        sql_reopen();
        sql_forbid(db, answer, SQLITE_READ, "t_artstate", NULL);
        refuses(i ? SQLITE_CORRUPT_VTAB : SQLITE_AUTH, "t_artstate", "SELECT * FROM t");
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
        expect("a|1|\n", "SELECT * FROM t"); /* one denial is not for good */
        sql_reopen();
        expect("a|1|\n", "SELECT * FROM t");
    }
}

/* Another connection's schema changes between this connection's reading of it and the first use of the table. */
TEST(test_a_schema_that_changed_meanwhile_is_noticed_when_the_table_is_first_used) {
    sql_create(db, "t", "path, a");
    run("INSERT INTO t VALUES('a', 1)");
    sqlite3 *other = sql_open(path);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM sqlite_master"), 3 + sql_inline());
    run("CREATE TABLE more(x); INSERT INTO t(t) VALUES('add column b')");
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM pragma_table_info('t')"), 3);
    sql_expect(other, "a|1|\n", "SELECT * FROM t");
    sql_close(other);
}

/* Keys: what the table calls them is what messages and plans call them, whatever the name; and keys whose bytes are no
 * text.
 */

/* --- names -------------------------------------------------------------------------------------------------------- */

/* '@' stands for the key's name, '#' for another column's. */
static char *with_names(const char *text, const char *key, const char *other) {
    char *named = kept(sql_named(text, key));
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at = named; *at; at++) {
        if (*at == '#') {
            sqlite3_str_appendall(out, other);
        } else {
            sqlite3_str_appendchar(out, 1, *at);
        }
    }
    return sqlite3_str_finish(out);
}

static const struct {
    const char *key, *other;
} names[] = {{"key", "size"},
             {"k", "x"},
             {"\"the key\"", "\"a, b\""},
             {"\"what?\"", "\"?\""},
             {"\"a AND b\"", "\"AND c\""},
             {"\"x \"\"y\"\" ?\"", "\"\"\"\""},
             {"bound", "\"bound size\""},
             {"\"my limit\"", "offset"},
             {"x", "\"prefix \""},
             {"like", "glob"},
             {"\"path=?\"", "\"limit ?\""},
             {"bound", "\"1\""},
             {"entry", "\"all rows\""},
             {"\xc3\xa9", "b$"}};

static const struct {
    const char *condition, *words;
} plans[] = {
    {"@ = 'a/2'", ":@=?"},
    {"@ > 'a/' AND @ <= 'b/1'", ":@>? AND @<=?"},
    {"@ >= ?1", ":@>=?"},
    {"@ IN ('a/1', 'b/1')", ":@ IN (?)"},
    {"@ GLOB '*2'", ":@ GLOB ?"},
    {"@ LIKE 'A/%'", ":@ LIKE prefix ?"},
    {"@ LIKE ?1 || '%'", NULL},
    {"# > 2", " AND #>?"},
    {"@ > 'a' AND # >= ?2 AND # < 9", ":@>? AND bound #>=? AND #<?"},
    {"# IS ?2", " AND bound #=?"},
    {"prefix = 'a/' AND @ > 'a/1' AND # = 2", ":prefix=? AND @>? AND #=?"},
    {"prefix = 'a/' AND delimiter = '/' AND start_after = 'a/1'", ":prefix=? AND delimiter=? AND start_after=?"},
};

CASE("keys", .set_up = sql_set_up_in_memory, .tear_down = sql_tear_down)

LOOP_TEST(test_a_plan_names_columns_as_the_table_does, LENGTH(names)) {
    const char *key = names[_i].key, *other = names[_i].other;
    run("%s",
        kept(with_names(
            "CREATE VIRTUAL TABLE t USING art(@, #); CREATE TABLE b(@ TEXT PRIMARY KEY NOT NULL, #) WITHOUT ROWID", key,
            other)));
    for (int i = 0; i < 2; i++) {
        run("INSERT INTO %s VALUES('a/1', 1), ('a/2', 2), ('a/3', 3), ('b/1', 'x'), ('A/4', 4)", i ? "b" : "t");
    }
    for (size_t i = 0; i < LENGTH(plans); i++) {
        char *condition = kept(with_names(plans[i].condition, key, other));
        char *words = kept(plans[i].words ? with_names(plans[i].words, key, other) : NULL);
        char *plan = kept(sql_rows(db, "EXPLAIN QUERY PLAN SELECT * FROM t WHERE %s ORDER BY 1", condition));
        ck_assert_msg(!words || strstr(plan, words), "%s\n%s is not in: %s", condition, words, plan);
        bool plain = !strstr(condition, "prefix =");
        for (int k = 0; plain && k < 3; k++) {
            sqlite3_stmt *twins[2];
            for (int i = 0; i < 2; i++) {
                twins[i] = sql_prepare(db, "SELECT * FROM %s WHERE %s ORDER BY 1", i ? "b" : "t", condition);
                sqlite3_bind_text(twins[i], 1, k ? "a/2" : "a", -1, SQLITE_STATIC);
                sqlite3_bind_int(twins[i], 2, k);
            }
            sql_alike(twins[0], twins[1]);
        }
    }
}

TEST(test_a_message_names_the_key_as_the_table_does) {
    run("CREATE VIRTUAL TABLE o USING art(key, size INTEGER NOT NULL); INSERT INTO o VALUES('a/b', 1)");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: o.key", "INSERT INTO o(size) VALUES(1)");
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: o.key", "INSERT INTO o VALUES('a/b', 1)");
    refuses(SQLITE_MISMATCH, "art: a key cannot be a BLOB (o.key): CAST it AS TEXT", "INSERT INTO o VALUES(x'61', 1)");
    refuses(SQLITE_MISMATCH, "art: a key cannot be a BLOB (o.key)", "UPDATE o SET key = x'62'");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: o.key", "UPDATE o SET key = NULL");
    refuses(SQLITE_TOOBIG, "art: the key is too long (o.key)", "UPDATE o SET key = printf('%65535c', 'x')");
    refuses(SQLITE_TOOBIG, "art: the key is too long (o.key)", "INSERT INTO o VALUES(printf('%65535c', 'x'), 1)");
    refuses(SQLITE_ERROR, "art: of a common prefix only the path can be changed (o.size)",
            "UPDATE o SET size = 1 WHERE prefix = '' AND delimiter = '/'");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: o.size", "UPDATE o SET size = NULL");
}

/* --- the name that no table can have ------------------------------------------------------------------------------ */

TEST(test_a_table_called_sqlite_is_refused_in_words_of_our_own) {
    static const char *const says = "art: an art table cannot be called ";
    refuses(SQLITE_ERROR, says, "CREATE VIRTUAL TABLE sqlite USING art");
    refuses(SQLITE_ERROR, says, "CREATE VIRTUAL TABLE temp.\"SQLite\" USING art(key)");
    run("CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) VALUES('a'); BEGIN; INSERT INTO t(path) VALUES('b')");
    refuses(SQLITE_ERROR, says, "ALTER TABLE t RENAME TO Sqlite");
    expect("2\n", "SELECT count(*) FROM t");
    run("ROLLBACK; CREATE VIRTUAL TABLE sqlites USING art; ALTER TABLE t RENAME TO sqlit");
    expect("1\n", "SELECT count(*) FROM sqlit");
    expect("0\n", "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite!_art%' ESCAPE '!'");
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

/* As README says: a CAST in both directions. */
TEST(test_keys_may_be_any_bytes) {
    run("CREATE VIRTUAL TABLE k USING art(key, n);"
        "INSERT INTO k VALUES(CAST(x'00' AS TEXT), 0), (CAST(x'0001' AS TEXT), 1), (CAST(x'00ff' AS TEXT), 2), "
        "(CAST(x'61006200' AS TEXT), 3), (CAST(x'610062' AS TEXT), 4), (CAST(x'ff' AS TEXT), 5),"
        " (CAST(x'ff00' AS TEXT), 6), (CAST(x'ffff' AS TEXT), 7), ('', 8), ('a', 9)");
    for (int i = 0; i < 2; i++) {
        expect("|8\n00|0\n0001|1\n00FF|2\n61|9\n610062|4\n61006200|3\nFF|5\nFF00|6\nFFFF|7\n",
               "SELECT hex(CAST(key AS BLOB)), n FROM k");
        expect("4\n", "SELECT n FROM k WHERE key = CAST(x'610062' AS TEXT)");
        expect("0\n5\n", "SELECT n FROM k WHERE key IN (CAST(x'ff' AS TEXT), CAST(x'00' AS TEXT)) ORDER BY key");
        expect("6\n7\n", "SELECT n FROM k WHERE key > CAST(x'ff' AS TEXT)");
        expect("9\n4\n", "SELECT n FROM k WHERE key BETWEEN CAST(x'61' AS TEXT) AND CAST(x'610062' AS TEXT)");
        expect("", "SELECT n FROM k WHERE key = x'ff'"); /* a BLOB is no text, as in an ordinary table */
        expect("10\n", "SELECT count(*) FROM k WHERE key < x'ff'");
        expect("0\n1\n2\n", "SELECT n FROM k(x'00')");
        expect("5\n6\n7\n", "SELECT n FROM k(x'ff')");
        expect("4\n3\n", "SELECT n FROM k(x'6100')");
        expect("|\n00|3\n61|\n6100|2\nFF|\nFF00|1\nFFFF|\n",
               "SELECT hex(CAST(key AS BLOB)), entries FROM k('', x'00')");
        expect("FF\nFF00\nFFFF\n", "SELECT hex(CAST(key AS BLOB)) FROM k('', '', x'6100ff')");
        expect("61\n6100\nFF\nFF00\nFFFF\n", "SELECT hex(CAST(key AS BLOB)) FROM k('', x'00', x'00')");
        expect("3|3|61006200\n", "SELECT art_count('k', x'ff'), art_count('k', x'61'), "
                                 "hex(CAST(art_longest_prefix('k', x'6100620001') AS BLOB))");
        expect("|FFFF\n", "SELECT hex(CAST(min(key) AS BLOB)), hex(CAST(max(key) AS BLOB)) FROM k");
        expect("9\n", "SELECT n FROM k WHERE key = CAST(CAST('a' AS BLOB) AS TEXT)");
        expect("3\n6\n",
               "SELECT a.n FROM k a JOIN k b ON a.key = CAST(CAST(b.key AS BLOB) AS TEXT) WHERE b.n IN (3, 6)");
        sql_command(db, "main", "k", "flush");
    }
    run("UPDATE k SET key = CAST(x'fe' || CAST(key AS BLOB) AS TEXT) WHERE prefix = x'ff'");
    expect("FEFF\nFEFF00\nFEFFFF\n", "SELECT hex(CAST(key AS BLOB)) FROM k(x'fe')");
    run("DELETE FROM k WHERE key = CAST(x'610062' AS TEXT)");
    expect("3\n", "SELECT n FROM k(x'6100')");
    /* What SQLite does with a NUL in any text: GLOB, LIKE, length() end there, and a number or literal is what it
     * shows. */
    expect("9\n3\n", "SELECT n FROM k WHERE key GLOB 'a*'");
    expect("1|4\n", "SELECT length(key), length(CAST(key AS BLOB)) FROM k WHERE n = 3");
}

/* 'add column': seen at once by everybody who may see it, taken back by whatever takes transactions back. At random it
 * runs beside ALTER TABLE ... ADD COLUMN of an ordinary table in test_model. */

/* How many columns a statement gives that was prepared before. */
static int width(sqlite3_stmt *statement) {
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int columns = sqlite3_column_count(statement);
    ck_assert_int_eq(sqlite3_reset(statement), SQLITE_OK);
    return columns;
}

CASE("add column", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down)

TEST(test_an_added_column_is_null_in_old_rows_and_takes_values_at_once) {
    sql_create(db, "t", "path, size INTEGER");
    run("INSERT INTO t VALUES('a', 1), ('b', 2); INSERT INTO t(t) VALUES('flush')");
    run("INSERT INTO t(t) VALUES('add column owner TEXT COLLATE NOCASE')");
    expect("a|1|\nb|2|\n", "SELECT * FROM t");
    run("UPDATE t SET owner = 12 WHERE path = 'a'; INSERT INTO t VALUES('c', 3, 'Me')");
    for (int i = 0; i < 3; i++) {
        expect("a|1|12|text\nb|2||null\nc|3|Me|text\n", "SELECT *, typeof(owner) FROM t");
        expect("c\n", "SELECT path FROM t WHERE owner = 'mE'");
        expect("path|TEXT|1\nsize|INTEGER|0\nowner|TEXT|0\n", "SELECT name, type, pk FROM pragma_table_info('t')");
        command(i ? "optimize" : "flush");
        sql_reopen();
    }
    run("INSERT INTO t(t) VALUES('ADD COLUMN \"add\" DEFAULT NULL')");
    expect("a|1|12|\nb|2||\nc|3|Me|\n", "SELECT * FROM t");
}

TEST(test_prepared_statements_of_all_connections_see_it) {
    sql_create(db, "t", "path");
    run("INSERT INTO t VALUES('a')");
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *own = sql_prepare(db, "SELECT * FROM t"), *theirs = sql_prepare(other, "SELECT * FROM t");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 11);
    run("INSERT INTO t(t) VALUES('add column b')");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 22);
    sql_run(other, "INSERT INTO t(t) VALUES('add column c')");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 33);
    run("BEGIN; INSERT INTO t(t) VALUES('add column d')");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 34);
    run("INSERT INTO t VALUES('b', 2, 3, 4)");
    expect("a|||\nb|2|3|4\n", "SELECT * FROM t");
    sql_expect(other, "a||\n", "SELECT * FROM t");
    run("COMMIT");
    ck_assert_int_eq(width(own) + 10 * width(theirs), 44);
    sqlite3_finalize(own);
    sqlite3_finalize(theirs);
    sql_close(other);
}

/* The second time with a table in temp that keeps the module from making its own there (listener.c). */
LOOP_TEST(test_a_rollback_takes_it_back, 2) {
    if (_i) run("CREATE TEMP TABLE art_txn(x)");
    sql_create(db, "t", "path, a");
    run("INSERT INTO t VALUES('a', 1)");
    sqlite3_stmt *own = sql_prepare(db, "SELECT * FROM t");
    run("BEGIN; INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 2");
    ck_assert_int_eq(width(own), 3);
    run("ROLLBACK");
    ck_assert_int_eq(width(own), 2);
    run("BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 2; SAVEPOINT u;"
        "INSERT INTO t(t) VALUES('add column c'); UPDATE t SET c = 3");
    expect("a|1|2|3\n", "SELECT * FROM t");
    run("ROLLBACK TO u");
    expect("a|1|2\n", "SELECT * FROM t");
    run("INSERT INTO t(t) VALUES('add column d'); UPDATE t SET d = 4");
    expect("a|1|2|4\n", "SELECT * FROM t");
    run("ROLLBACK TO s");
    expect("a|1\n", "SELECT * FROM t");
    run("INSERT INTO t(t) VALUES('add column e'); RELEASE s; UPDATE t SET e = 5; COMMIT");
    expect("a|1|5\n", "SELECT * FROM t");
    ck_assert_int_eq(width(own), 3);
    refuses(SQLITE_ERROR, "two columns", "INSERT INTO t(t) VALUES('add column f'), ('add column g'), ('add column F')");
    ck_assert_int_eq(width(own), 3);
    run("BEGIN");
    refuses(SQLITE_ERROR, "two columns", "INSERT INTO t(t) VALUES('add column h'), ('add column H')");
    expect("a|1|5\n", "SELECT * FROM t");
    run("COMMIT");
    ck_assert_int_eq(width(own), 3);
    sqlite3_finalize(own);
    sql_reopen();
    expect("a|1|5\n", "SELECT * FROM t");
}

TEST(test_it_works_in_every_schema) {
    run("ATTACH '%q-side' AS side; ATTACH ':memory:' AS memory", path);
    EACH(schema, "temp", "side", "memory") {
        char *name = TEXT("%s.t", schema);
        sql_create(db, name, "path");
        run("INSERT INTO %s VALUES('a'); INSERT INTO %s(t) VALUES('add column b INT')", name, name);
        run("BEGIN; INSERT INTO %s(t) VALUES('add column c'); UPDATE %s SET c = 5; ROLLBACK", name, name);
        run("UPDATE %s SET b = '7'", name);
        char *rows = kept(sql_rows(db, "SELECT *, typeof(b) FROM %s", name));
        ck_assert_str_eq(rows, "a|7|integer\n");
    }
    expect("a|7\n", "SELECT * FROM t");
    run("DROP TABLE temp.t");
    expect("a|7\n", "SELECT * FROM t");
}

TEST(test_it_works_in_defensive_mode_and_beside_a_broken_view) {
    sql_create(db, "t", "path");
    run("INSERT INTO t VALUES('a'); CREATE VIEW rows AS SELECT * FROM t; CREATE VIEW broken AS SELECT * FROM no");
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    run("INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 1");
    expect("a|1\n", "SELECT * FROM t");
    expect("a|1\n", "SELECT * FROM rows");
    expect("ok\n", "PRAGMA integrity_check");
}

TEST(test_what_cannot_be_added_is_refused_and_changes_nothing) {
    static const char *const wrong[][2] = {{"b NOT NULL", "leave NOT NULL out"},
                                           {"b INT PRIMARY KEY", "its key, alone (t.b)"},
                                           {"b DEFAULT 5", "leave DEFAULT out"},
                                           {"b NOT NULL DEFAULT 5", "leave NOT NULL out"},
                                           {"b, c", "',' is not understood (t.b)"},
                                           {"a", "two columns have one name (t.a)"},
                                           {"path", "two columns have one name (t.path)"},
                                           {"Row_version INT", "Row_version is a hidden column's name"},
                                           {"art_row_version INT", "art_row_version is a hidden column's name"},
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
    run("INSERT INTO t VALUES('a', 1)");
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        refuses(SQLITE_ERROR, wrong[i][1], TEXT("INSERT INTO t(t) VALUES('add column %q')", wrong[i][0]));
    }
    refuses(SQLITE_ERROR, "a column's definition is cut off", "INSERT INTO t(t) VALUES('add column')");
    expect("a|1\n", "SELECT * FROM t");
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 15);
    run("INSERT INTO t(t) VALUES('add column b'), ('add column c'), ('add column d'), ('add column e'),"
        "('add column f')");
    refuses(SQLITE_ERROR, "art: 8 columns are too many (t): a table has at most 7 here",
            "INSERT INTO t(t) VALUES('add column g')");
    expect("a|1|||||\n", "SELECT * FROM t");
}

TEST(test_open_queries_go_on_as_they_were) {
    sql_create(db, "t", "path, a");
    run("INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3); CREATE TABLE plain(x); INSERT INTO plain VALUES(1), (2)");
    sqlite3_stmt *open = sql_first_row(db, "SELECT * FROM t"), *plain = sql_prepare(db, "SELECT * FROM plain");
    ck_assert_int_eq(sqlite3_step(plain), SQLITE_ROW);
    run("INSERT INTO t(t) VALUES('add column b'); INSERT INTO t VALUES('d', 4, 5); UPDATE t SET b = 7");
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
    int rc = sql_try(sqlite3_context_db_handle(context), "INSERT INTO t(t) VALUES('add column late');"
                                                         "UPDATE t SET late = 'kept'");
    sqlite3_result_int(context, rc ? rc : sqlite3_value_int(argv[0]) + 1);
}

TEST(test_an_update_that_began_before_does_not_lose_what_stands_in_the_new_column) {
    sql_create(db, "t", "path, a");
    run("INSERT INTO t VALUES('a', 1)");
    sqlite3_create_function(db, "add_now", 1, SQLITE_UTF8, NULL, add_now, NULL, NULL);
    run("BEGIN");
    refuses(SQLITE_ABORT, "a column was added while the statement ran (t): run it again",
            "UPDATE t SET a = add_now(a)");
    expect("a|1\n", "SELECT * FROM t");
    refuses(SQLITE_ABORT, "a column was added while the statement ran (t): run it again",
            "INSERT INTO t(path, a, conflict) SELECT 'a', add_now(1), 'update'");
    expect("a|1\n", "SELECT * FROM t");
    run("COMMIT; INSERT INTO t(t) VALUES('add column late'); UPDATE t SET late = 2; UPDATE t SET a = 5");
    expect("a|5|2\n", "SELECT * FROM t");
}

static int
    answer; /* of the authorizer, to each change of the schema and of the state, and to a look at added columns */

static int judge(void *context, int action, const char *table, const char *column, const char *schema,
                 const char *trigger) {
    bool alter = action == SQLITE_ALTER_TABLE, state = table && !strcmp(table, "t_artstate");
    bool put = (action == SQLITE_INSERT || action == SQLITE_DELETE) && state;
    bool added = action == SQLITE_READ && state && !strncmp(column, "added", 5);
    return alter || put || added ? answer : SQLITE_OK;
}

TEST(test_an_authorizer_that_denies_or_ignores_a_part_of_it_gives_an_error) {
    sql_create(db, "t", "path, a");
    run("INSERT INTO t VALUES('a', 1)");
    for (int i = 0; i < 4; i++) {
        answer = i % 2 ? SQLITE_IGNORE : SQLITE_DENY;
        sqlite3_set_authorizer(db, judge, NULL);
        run(i < 2 ? "SELECT 1" : "BEGIN");
        refuses(SQLITE_AUTH, "not authorized", "INSERT INTO t(t) VALUES('add column b')");
        sqlite3_set_authorizer(db, NULL, NULL);
        if (i >= 2) run("COMMIT");
        expect("a|1\n", "SELECT * FROM t");
        sql_reopen();
        expect("a|1\n", "SELECT * FROM t");
    }
    run("INSERT INTO t(t) VALUES('add column b')");
    expect("a|1|\n", "SELECT * FROM t");
}

/* An authorizer that knows of T_artstate's own columns only. */
TEST(test_a_connection_that_may_not_see_the_column_does_not_write_rows_without_it) {
    sql_create(db, "t", "path, a");
    run("INSERT INTO t(t) VALUES('add column b'); INSERT INTO t VALUES('a', 1, 2)");
    sql_reopen();
    answer = SQLITE_DENY;
    sqlite3_set_authorizer(db, judge, NULL);
    refuses(SQLITE_AUTH, "not authorized", "UPDATE t SET a = 5");
    refuses(SQLITE_AUTH, "not authorized", "SELECT * FROM t");
    sql_reopen();
    answer = SQLITE_IGNORE;
    sqlite3_set_authorizer(db, judge, NULL);
    run("UPDATE t SET a = 6");
    sql_reopen();
    expect("a|6|2\n", "SELECT * FROM t");
}

TEST(test_it_stays_with_a_table_that_is_renamed_vacuumed_and_copied) {
    sql_create(db, "t", "path");
    run("INSERT INTO t VALUES('a'); INSERT INTO t(t) VALUES('add column b'); UPDATE t SET b = 1");
    run("ALTER TABLE t RENAME TO u; INSERT INTO u(u) VALUES('add column t'); UPDATE u SET t = 2");
    expect("a|1|2\n", "SELECT * FROM u");
    run("BEGIN; INSERT INTO u(u) VALUES('add column c'); ALTER TABLE u RENAME TO w; UPDATE w SET c = 3;"
        "INSERT INTO w(w) VALUES('add column d')");
    expect("a|1|2|3|\n", "SELECT * FROM w");
    run("ROLLBACK; VACUUM; VACUUM INTO '%q-copy'", path);
    expect("a|1|2\n", "SELECT * FROM u");
    sqlite3 *copy = sql_open(TEXT("%s-copy", path));
    sql_expect(copy, "a|1|2\n", "SELECT * FROM u");
    sql_run(copy, "INSERT INTO u(u) VALUES('add column e')");
    sql_expect(copy, "a|1|2|\n", "SELECT * FROM u");
    sql_close(copy);
    sql_reopen();
    expect("a|1|2\n", "SELECT * FROM u");
    run("DROP TABLE u");
    expect("0\n", "SELECT count(*) FROM sqlite_master");
}

SUITE("sql_columns", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
