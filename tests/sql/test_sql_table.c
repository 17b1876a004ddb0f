/* What a table promises to those who use it: types, paths, options, messages, versions, commands.
 *
 * What an ordinary table does as well is compared with one in test_model.c; here stand the things that only this module
 * has, and the edges that a random test meets rarely.
 */
#include <unistd.h>

#include "tests/support/sql_one.h"

static void set_up(void) {
    sql_set_up();
    run("PRAGMA journal_mode=WAL");
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

TEXTS(values, "NULL", "0", "1", "-1", "127", "128", "-129", "32768", "8388608", "2147483648", "140737488355328",
      "9223372036854775807", "-9223372036854775808", "0.0", "-0.0", "1.5", "3.0", "-1e-300", "1.7976931348623157e308",
      "9e999", "-9e999", "''", "x''", "' '", "x'00'", "'é漢😀'", "CAST(x'610062' AS TEXT)", "CAST(x'fffe80' AS TEXT)",
      "x'ffffffffffffffffffffffffffffffff'", "zeroblob(100)",
      /* around the limits: in an entry, in pieces, past the log */
      "printf('%.*c', 4095, 'a')", "printf('%.*c', 4096, 'b')", "printf('%.*c', 4097, 'c')", "zeroblob(4096)",
      "zeroblob(4097)", "randomblob(8192)", "randomblob(12289)", "randomblob(65535)", "randomblob(65536)",
      "randomblob(65537)", "randomblob(524288)", "randomblob(3000000)", "hex(randomblob(50000))");

static void values_agree(void) {
    sql_alike(sql_prepare(db, "SELECT path, value FROM t ORDER BY path"), sql_prepare(db, "SELECT * FROM kept"));
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), LENGTH(values));
}

TEST(test_a_value_comes_back_with_the_type_that_it_had) {
    sql_create(db, "t", "");
    run("CREATE TABLE kept(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    for (int i = 0; i < LENGTH(values); i++)
        run("INSERT INTO kept VALUES(printf('value/%%03d', %d), %s)", i, values[i]);
    run("INSERT INTO t SELECT path, value FROM kept");
    EACH(text, "clean", "flush", "optimize") {
        command(text);
        values_agree();
        sql_reopen();
        values_agree();
    }
    run("UPDATE t SET path = path || '/moved'; UPDATE t SET path = replace(path, '/moved', '')");
    values_agree();
    sql_reopen();
    values_agree();
}

/* ---- declaration ------------------------------------------------------------------------------------------------- */

TEST(test_unknown_or_malformed_options_are_refused_by_name) {
    static const char *const wrong[][2] = {
        {"nonsense=1", "nonsense"},     {"cache=", "cache"},      {"cache=many", "many"},
        {"cache='-1MB'", "-1MB"},       {"cache='64XB'", "64XB"}, {"io=pwrite", "there is no option 'io'"},
        {"log_limit='1.5MB'", "1.5MB"}, {"spill_limit=MB", "MB"}, {"cache='64MB', blobs=1", "blobs"}};
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        refuses(0, wrong[i][1], TEXT("CREATE VIRTUAL TABLE t USING art(%s)", wrong[i][0]));
        expect("0\n", "SELECT count(*) FROM sqlite_master");
    }
    char *file = sql_find_file(directory, ".art");
    ck_assert_ptr_null(file);
}

TEST(test_options_are_taken_in_any_order_and_spacing) {
    /* 64MB without quotes is no token of SQL. */
    EACH(each, "cache=64 MB, log_limit=\"1mb\"", "cache='64MB', log_limit='1MB', spill_limit='64MB'",
         "log_limit=auto,cache=auto", " cache = '8MB' , storage = auto ", "cache='1GB'", "log_limit='64KB'",
         "log_limit=1048576") {
        run("CREATE VIRTUAL TABLE t USING art(%s); INSERT INTO t VALUES('a', 1); INSERT INTO t(t) "
            "VALUES('flush')",
            each);
        sql_reopen();
        expect("a|1\n", "SELECT * FROM t");
        run("DROP TABLE t");
    }
}

TEST(test_a_name_may_be_any_name) {
    EACH(each, "with space", "it''s", "\"quoted\"", "SELECT", "a-b", "ünï", "100%", "a.b", "x;y") {
        char *name = TEXT("\"%w\"", each);
        sql_create(db, name, "log_limit='1KB'");
        run("INSERT INTO %s VALUES('a', zeroblob(3000)), ('b', 2)", name);
        sql_command(db, "main", each, "flush");
        sql_reopen();
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM %s", name), 2);
        run("ALTER TABLE %s RENAME TO \"other name\"", name);
        sql_reopen();
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM \"other name\""), 2);
        run("DROP TABLE \"other name\"");
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_master"), 0);
    }
}

TEST(test_two_connections_see_what_the_other_commits) {
    sql_create(db, "t", "log_limit='4KB'");
    sqlite3 *other = sql_open(path);
    for (int i = 0; i < 200; i++) {
        sqlite3 *writer = i & 1 ? db : other, *reader = i & 1 ? other : db;
        sql_run(writer, "INSERT INTO t VALUES(printf('k%%04d', %d), randomblob(60))", i);
        ck_assert_int_eq(sql_int(reader, "SELECT count(*) FROM t"), i + 1);
        if (i < 100) continue;
        sql_run(writer, "DELETE FROM t WHERE path = printf('k%%04d', %d)", i - 100);
        sql_run(writer, "INSERT OR IGNORE INTO t VALUES(printf('k%%04d', %d), 1)", i - 100);
    }
    sql_close(other);
}

/* The edges of what a statement may say: values that are too long or of an odd kind, broken characters, names like the
 * hidden columns'. What an ordinary table gives, an art table gives. */

static void set_up_twins(void) {
    twin = "plain";
    sql_set_up();
    sql_create(db, "t", "");
    run("CREATE TABLE plain(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

#define LONG "(SELECT hex(zeroblob(40000)))"

CASE("edges", .seconds = 120, .set_up = set_up_twins, .tear_down = sql_tear_down)

TEST(test_paths_that_are_too_long_are_nowhere) {
    both("INSERT INTO @ VALUES('a', 1), ('b', 2), ('0', 3), ('', 4)");
    EACH(each, "SELECT count(*) FROM @ WHERE path = " LONG,
         "SELECT count(*) FROM @ WHERE path = " LONG " AND path > ''", "SELECT count(*) FROM @ WHERE path < " LONG,
         "SELECT count(*) FROM @ WHERE path >= " LONG,
         "SELECT path FROM @ WHERE path IN ('a', " LONG ", 'b') ORDER BY path",
         "SELECT path FROM @ WHERE path IN (SELECT hex(zeroblob(40000)) UNION SELECT 'b')") {
        alike(each);
    }
    expect("0\n", "SELECT count(*) FROM t('', '/') WHERE path = " LONG);
    expect("0\n", "SELECT count(*) FROM t(" LONG ", '/')");
    expect("0|\n", "SELECT art_count('t', " LONG "), art_longest_prefix('t', 'x' || " LONG ", '/')");
    expect("0\n", TEXT("SELECT count(*) FROM t WHERE path LIKE '%s%%'", TEXT("%.*c", 66000, 'x')));
}

/* What is no sound UTF-8, or more than one way to write a character, matches as SQLite's own functions have it. */
TEST(test_patterns_with_broken_characters) {
    TEXTS(characters, "e0808a", "f08080af", "edA080", "efbfbe", "efbfbf", "efbfbd", "c3a9", "c380af", "f09f9880",
          "f8808080", "c3", "80", "c080", "e2828280", "f0908080");
    enum { COUNT = LENGTH(characters) };
    for (unsigned i = 0; i < COUNT; i++) {
        both(TEXT("INSERT OR REPLACE INTO @ VALUES(CAST(x'61%s62' AS TEXT), 1), (CAST(x'61%s' AS TEXT), 2)",
                  characters[i], characters[i]));
    }
    for (unsigned i = 0; i < COUNT; i++) {
        EACH(each, "GLOB CAST(x'61%s' AS TEXT) || '*'", "GLOB CAST(x'61%s' AS TEXT) || 'b'",
             "LIKE CAST(x'61%s' AS TEXT) || '%%'", "LIKE CAST(x'41%s' AS TEXT) || 'B'") {
            alike(TEXT("SELECT hex(path) FROM @ WHERE path %s ORDER BY 1", TEXT(each, characters[i])));
        }
    }
}

/* Bounds by NOCASE that are none of a LIKE's are SQLite's to compare. */
TEST(test_bounds_that_no_like_has_made) {
    static const char *const bounds[][2] = {{"'A'", "'bc'"},
                                            {"'Ax'", "'bx'"},
                                            {"'ab'", "'ad'"},
                                            {"''", "''"},
                                            {"'a'", "'B'"},
                                            {"'AB'", "'AC'"},
                                            {"CAST(x'610062' AS TEXT)", "CAST(x'610063' AS TEXT)"}};
    both("INSERT INTO @ VALUES('a', 1), ('AB', 2), ('ac', 3), ('Ax', 4), ('b', 5), ('bbb', 6), ('aB/c', 7), "
         "('', 8)");
    for (size_t i = 0; i < LENGTH(bounds); i++) {
        alike(TEXT("SELECT path FROM @ WHERE path COLLATE NOCASE >= %s AND path COLLATE NOCASE < %s "
                   "ORDER BY path",
                   bounds[i][0], bounds[i][1]));
    }
    alike("SELECT path FROM @ WHERE path GLOB 'a*' AND path >= 'a' AND path < 'c' ORDER BY path");
    alike("SELECT path FROM @ WHERE path >= 'a' AND path < 'ab' AND path GLOB 'A*'");
    alike("SELECT path FROM @ WHERE path >= 'aa' AND path < 'bb' AND path GLOB '?*'");
}

/* --- listings ----------------------------------------------------------------------------------------------------- */

TEST(test_the_empty_path_is_a_row_like_any_other) {
    run("INSERT INTO t VALUES('', 'empty'), ('a', 1), ('b/c', 2)");
    expect("|empty\na|1\nb/|\n", "SELECT path, value FROM t('', '/')");
    run("DELETE FROM t WHERE path IN (SELECT path FROM t('', '/') WHERE path = '')");
    expect("a\nb/c\n", "SELECT path FROM t");
    run("INSERT INTO t VALUES('', 1); DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path = ''");
    expect("a\nb/c\n", "SELECT path FROM t");
}

TEST(test_a_delimiter_that_is_only_compared_is_refused) {
    run("INSERT INTO t VALUES('a/b', 1)");
    refuses(SQLITE_ERROR, "art: delimiter is a hidden column of this table",
            "SELECT path FROM t WHERE path = 'a/b' AND delimiter IS NULL");
    refuses(SQLITE_ERROR, "art: delimiter is an argument", "SELECT path FROM t WHERE path = 'a/b' AND delimiter > ''");
}

/* --- memory that is given back ------------------------------------------------------------------------------------ */

TEST(test_a_statement_with_a_huge_argument_leaves_nothing_behind) {
    run("INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('cache=100KB'), ('log_limit=1KB')");
    EACH(statement, "SELECT count(*) FROM t(zeroblob(3000000), '/')", "SELECT count(*) FROM t('', zeroblob(3000000))",
         "INSERT OR REPLACE INTO t VALUES('huge', zeroblob(3000000))") {
        kept(sql_rows(db, "SELECT count(*) FROM t('', '/')"));
        sqlite3_int64 before = sqlite3_memory_used();
        run("%s", statement);
        sqlite3_int64 after = sqlite3_memory_used();
        ck_assert_msg(after - before < 2500000, "%s leaves %lld bytes", statement, (long long)(after - before));
    }
}

/* --- absurd sizes, and a database that is gone -------------------------------------------------------------------- */

TEST(test_absurd_sizes_add_up) {
    enum { CONNECTIONS = 4 };
    sqlite3 *all[CONNECTIONS];
    run("CREATE VIRTUAL TABLE u USING art(cache=9223372036854775807, log_limit=9223372036854775807, "
        "spill_limit='8388607TB')");
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        all[i] = sql_open(path);
        sql_run(all[i], "INSERT INTO u VALUES('k%u', zeroblob(100000)); INSERT INTO u(u) VALUES('flush')", i);
    }
    int64_t limit = sql_int(db, "SELECT value FROM art_info('u') WHERE property = 'cache limit'");
    ck_assert_int_ge(limit, (int64_t)CONNECTIONS << 50);
    ck_assert_int_lt(limit, (int64_t)1 << 54);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM u"), CONNECTIONS);
    for (unsigned i = 0; i < CONNECTIONS; i++) sql_close(all[i]);
}

CASE("files", .seconds = 120, .set_up = set_up_twins, .tear_down = sql_tear_down)

static void lose_database(const char *journal, const char *write) {
    run("PRAGMA journal_mode = %s", journal);
    run("INSERT OR REPLACE INTO t VALUES('a', 1)");
    ck_assert_int_eq(unlink(path), 0);
    sqlite3_extended_result_codes(db, 0); /* as applications have it that have not asked */
    refuses(SQLITE_READONLY, "moved, replaced or removed", write);
}

TEST(test_a_database_that_was_removed_says_so) {
    lose_database("DELETE", "INSERT INTO t VALUES('b', 2)");
}

TEST(test_a_flush_without_a_database_says_so) {
    if (sql_has_no_file("a flush that finds no database")) return;
    lose_database("WAL", "INSERT INTO t(t) VALUES('flush')");
}

CASE("others", .seconds = 120, .set_up = set_up_twins, .tear_down = sql_tear_down)

/* --- names and definitions ---------------------------------------------------------------------------------------- */

TEST(test_a_table_named_like_a_hidden_column_takes_rows) {
    EACH(name, "prefix", "delimiter", "entries", "row_version", "path", "value") {
        sql_create(db, name, "");
        run("INSERT INTO \"%w\"(path, value) VALUES('a', 1)", name);
        sql_reopen();
        char *rows = kept(sql_rows(db, "SELECT path, value, row_version FROM \"%w\"", name));
        ck_assert_str_eq(rows, "a|1|1\n");
        run("UPDATE \"%w\" SET value = 2; DELETE FROM \"%w\" WHERE value = 2; DROP TABLE \"%w\"", name, name, name);
    }
}

TEST(test_odd_definitions) {
    static const struct {
        const char *arguments, *type, *words; /* words: why it is refused, or NULL */
    } cases[] = {
        {"path, size DECIMAL(+10, -2)", "DECIMAL(+10, -2)", NULL},
        {"path, size DECIMAL(1.5)", "DECIMAL(1.5)", NULL},
        {"path, [a[b] INTEGER", "INTEGER", NULL},
        {"path, \" x\" INT", "INT", NULL},
        {"path, size INT /* a comment */", "INT", NULL},
        {"path, , size INT", "INT", NULL},
        {" path , size INT , ", "INT", NULL},
        {"path, size/x INT", NULL, "'/' is not understood"},
        {"path, size DECIMAL(1.5.2)", NULL, "behind a type stand one or two numbers"},
        {"path, size DECIMAL(1, x)", NULL, "behind a type stand one or two numbers"},
        {"path, size DECIMAL(x)", NULL, "behind a type stand one or two numbers"},
        {"path, size COLLATE select", NULL, "behind COLLATE stands the name of a collation"},
        {"path PRIMARY x, size", NULL, "'x' is not understood"},
        {"path, +size", NULL, "'+' is not understood"},
        {"path, a_name_of_more_than_forty_letters_that_nobody_can_read_at_once ; DROP", NULL, "';' is not understood"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int rc = sql_try(db, "CREATE VIRTUAL TABLE u USING art(%s)", cases[i].arguments);
        if (cases[i].words) {
            ck_assert_msg(rc == SQLITE_ERROR && strstr(sqlite3_errmsg(db), cases[i].words), "%s: %d %s",
                          cases[i].arguments, rc, sqlite3_errmsg(db));
            continue;
        }
        ck_assert_msg(!rc, "%s: %s", cases[i].arguments, sqlite3_errmsg(db));
        char *before = kept(sql_rows(db, "SELECT name, type FROM pragma_table_info('u') WHERE cid = 1"));
        ck_assert_msg(strstr(before, cases[i].type) != NULL, "%s: %s", cases[i].arguments, before);
        sql_reopen();
        run("INSERT INTO u(path) VALUES('a')");
        char *after = kept(sql_rows(db, "SELECT name, type FROM pragma_table_info('u') WHERE cid = 1"));
        ck_assert_str_eq(before, after);
        expect("ok\n", "SELECT art_check('u')");
        run("DROP TABLE u");
    }
    refuses(SQLITE_ERROR, "is no value for cache", "CREATE VIRTUAL TABLE u USING art(cache=99999999999999999999999)");
    refuses(SQLITE_ERROR, "is not understood", "INSERT INTO t(t) VALUES('add column x' || char(11) || 'INT')");
    refuses(SQLITE_ERROR, "is no value for cache", "CREATE VIRTUAL TABLE u USING art(cache='9999999999GB')");
    run("CREATE VIRTUAL TABLE u USING art(cache='1 TB')");
    expect("1\n", "SELECT value / 1099511627776 FROM art_info('u') WHERE property = 'cache limit'");
}

/* Somebody has been at the schema: nothing is understood, and the table can be dropped. */
TEST(test_a_schema_that_is_not_understood_can_be_dropped) {
    EACH(each, "art(path BLOB)", "art(path, a CHECK (a > 1))", "art(path, path)", "art(',')") {
        sql_create(db, "u", "");
        run("INSERT INTO u VALUES('a', 1)");
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
        run("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE u USING ' || %Q WHERE "
            "name = 'u'; PRAGMA writable_schema=OFF",
            each);
        sql_reopen();
        sql_try(db, "SELECT * FROM u");
        ck_assert_int_ne(sqlite3_errcode(db), SQLITE_NOMEM);
        run("DROP TABLE u");
        expect("0\n", "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'u*'");
    }
}

/* The rows are only counted: no column is asked for. */
TEST(test_a_query_that_counts_goes_on_after_a_rollback) {
    fill_rows("INTO t", 1, 100, "i, i");
    for (int rows = 1; rows < 40; rows += 19) {
        sqlite3_stmt *count = sql_prepare(db, "SELECT 1 FROM t");
        for (int i = 0; i < rows; i++) ck_assert_int_eq(sqlite3_step(count), SQLITE_ROW);
        run("BEGIN; DELETE FROM t; ROLLBACK");
        for (int i = rows; i < 100; i++) ck_assert_int_eq(sqlite3_step(count), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_step(count), SQLITE_DONE);
        sqlite3_finalize(count);
    }
}

TEST(test_more_columns_than_this_connection_may_have) {
    sqlite3_stmt *add = sql_prepare(db, "INSERT INTO t(t) VALUES('add column more')");
    sqlite3_limit(db, SQLITE_LIMIT_COLUMN, 3);
    ck_assert_int_eq(sqlite3_step(add), SQLITE_ERROR);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "a table has at most 0 here"));
    sqlite3_finalize(add);
}

TEST(test_a_private_cache_may_be_asked_for) {
    char *uri = TEXT("file:%s?cache=private", path), *shared = TEXT("file:%s?cache=shared", path);
    run("INSERT INTO t VALUES('a', 1)");
    sqlite3 *other = sql_open_flags(uri, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI);
    sql_expect(other, "a|1\n", "SELECT path, value FROM t");
    sql_close(other);
    other = sql_open_flags(shared, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI);
    sql_refused(other, SQLITE_ERROR, "cannot be in a shared cache", "SELECT path, value FROM t");
    sql_close(other);
}

/* --- rows that a statement meets again ---------------------------------------------------------------------------- */

TEST(test_a_row_that_was_moved_is_not_met_again) {
    sql_create(db, "s", "path, size, note");
    run("CREATE TABLE numbers(n); INSERT INTO numbers VALUES(1), (2), (3)");
    both("INSERT INTO @ VALUES('a', 1), ('b', 2)");
    run("INSERT INTO s(path, size, note) VALUES('a', 1, 'one'), ('b', 2, 'two')");
    both("UPDATE @ SET path = path || '!' FROM numbers");
    both("UPDATE @ SET path = path || '?', value = 5 FROM numbers");
    alike("SELECT path, value FROM @ ORDER BY path");
    run("UPDATE s SET path = path || '!', size = 9 FROM numbers");
    expect("a!|9|one\nb!|9|two\n", "SELECT path, size, note FROM s");
    refuses(SQLITE_ERROR, "the hidden column delimiter cannot be written",
            "UPDATE t SET value = n, delimiter = '/' FROM numbers");
    refuses(SQLITE_ERROR, "the hidden column prefix cannot be written",
            "UPDATE t SET value = n, prefix = 'x' FROM numbers");
}

/* --- tables that tell about tables -------------------------------------------------------------------------------- */

TEST(test_what_is_asked_by_a_table_s_name) {
    run("INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush')");
    expect("", "SELECT * FROM art_info(NULL)");
    expect("", "SELECT * FROM art_check(NULL)");
    expect("1|real\n", "SELECT value > 0, typeof(value) FROM art_debug('t') WHERE property = 'fill'");
    refuses(SQLITE_ERROR, "art: an argument of art_debug is read", "SELECT \"table\" FROM art_debug('t')");
    expect("1\n", "SELECT max(rowid) = count(*) - 1 FROM art_debug('t')");
    refuses(SQLITE_ERROR, "art_info needs a table's name", "SELECT * FROM art_info WHERE \"table\" > 's'");
    refuses(SQLITE_ERROR, "art_debug needs a table's name", "SELECT * FROM art_debug WHERE property = 'fill'");
    refuses(SQLITE_ERROR, "art_check needs a table's name", "SELECT * FROM art_check WHERE \"table\" GLOB 't'");
}

/* --- a row that changes under its statement ----------------------------------------------------------------------- */

static const char *change;

static void run_change(sqlite3_context *context, int count, sqlite3_value **values) {
    int rc = sqlite3_exec(sqlite3_context_db_handle(context), change, NULL, NULL, NULL);
    sqlite3_result_int(context, rc);
}

/* Its value lay in pieces, which are gone: what is read then is NULL, or what was there, and never an error. */
TEST(test_a_long_value_that_is_replaced_under_its_statement) {
    TEXTS(changes, "DELETE FROM t WHERE path = 'big'", "UPDATE t SET value = hex(zeroblob(10001)) WHERE path = 'big'",
          "UPDATE t SET value = hex(randomblob(10000)) WHERE path = 'big'",
          "UPDATE t SET value = 'short' WHERE path = 'big'", "UPDATE t SET path = 'other' WHERE path = 'big'");
    sqlite3_create_function_v2(db, "change", 0, SQLITE_UTF8, NULL, run_change, NULL, NULL, NULL);
    char *value = sql_rows(db, "SELECT 'big', 0, hex(zeroblob(10000))");
    for (size_t i = 0; i < LENGTH(changes); i++) {
        EACH(query, "SELECT path, change(), value FROM t WHERE path = 'big'",
             "SELECT path, change(), value FROM t WHERE path GLOB 'b*'") {
            change = changes[i];
            run("DELETE FROM t; INSERT INTO t VALUES('big', hex(zeroblob(10000)))");
            if (i % 2) run("INSERT INTO t(t) VALUES('flush')");
            char *rows = kept(sql_rows(db, "%s", query));
            ck_assert_msg(!strcmp(rows, value) || !strcmp(rows, "big|0|\n"), "%s, %s: %.200s", change, query, rows);
        }
    }
    sqlite3_free(value);
}

SUITE("sql_table", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
