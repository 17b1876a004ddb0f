/* Rows of several columns: each value in a column of each type, as an ordinary table has it, and statements that change
 * some columns. What is random is in test_model.
 */
#include "tests/support/odd_values.h"
#include "tests/support/sql_one.h"

static void same_rows(void) {
    alike("SELECT * FROM @ ORDER BY path");
}

static void change_both(const char *statement) {
    both(statement);
    same_rows();
}

TEST(test_a_column_of_each_type_makes_of_each_value_what_an_ordinary_one_does) {
    sqlite3_str *columns = sqlite3_str_new(NULL), *values = sqlite3_str_new(NULL);
    sqlite3_str_appendall(columns, "path TEXT PRIMARY KEY");
    EACH(type, "", "INTEGER", "INT", "REAL", "TEXT", "BLOB", "NUMERIC", "VARCHAR(20)", "CHARINT", "FLOATING POINT",
         "DATE", "DECIMAL(10, 2)", "DOUBLE", "CLOB", "BOOLEAN", "STRING", "unsigned bigint", "blob real", "Real Blob",
         "realtext", "REAL TEXT", "xblob") {
        sqlite3_str_appendf(columns, ", \"%s column\" %s", type, type);
        sqlite3_str_appendall(values, ", v");
    }
    char *definitions = kept(sqlite3_str_finish(columns)), *all = kept(sqlite3_str_finish(values));
    run("CREATE VIRTUAL TABLE t USING art(%s, log_limit='8KB'); CREATE TABLE b(%s) WITHOUT ROWID", definitions,
        definitions);
    for (unsigned i = 0; i < ODD_VALUES; i++) {
        change_both(TEXT("INSERT INTO @ SELECT %u%s FROM (SELECT %s AS v)", i, all, odd_value(i)));
    }
    EACH(change, "\"INTEGER column\" = \"TEXT column\", \"TEXT column\" = \"REAL column\"",
         "\"REAL column\" = \" column\", \"NUMERIC column\" = \"BLOB column\"",
         "\"BLOB column\" = \"INTEGER column\", \" column\" = \"NUMERIC column\"",
         "\"TEXT column\" = NULL, path = path || '/'") {
        sql_reopen();
        change_both(TEXT("UPDATE @ SET %s WHERE typeof(\"TEXT column\") <> 'blob'", change));
        command("flush");
        same_rows();
    }
}

static void changed(int expected, const char *statement) {
    run("%s", statement);
    ck_assert_msg(sqlite3_changes(db) == expected, "%s: %d changes, expected %d", statement, sqlite3_changes(db),
                  expected);
}

TEST(test_hidden_columns_are_not_for_writing) {
    sql_create(db, "t", "path, a, b NOT NULL");
    run("INSERT INTO t VALUES('dir/x', 1, 1), ('dir/y', 2, 2); INSERT INTO t(path, a, b, prefix, delimiter, entries, "
        "row_version) VALUES('dir/z', 3, 3, NULL, NULL, NULL, NULL)");
    EACH(each, "prefix", "delimiter", "entries", "row_version") {
        char *message = TEXT("art: the hidden column %s cannot be written (t.%s): leave it out", each, each);
        EACH(one, "INSERT INTO t(path, b, %s) VALUES('new', 1, 5)",
             "INSERT OR REPLACE INTO t(path, b, %s) VALUES('dir/x', 1, '')",
             "UPDATE t SET %s = 'no' WHERE path = 'dir/x'", "UPDATE t SET a = 5, %s = 0",
             "UPDATE t SET path = 'dir/w', %s = 1.5 WHERE path = 'dir/x'") {
            refuses(SQLITE_ERROR, message, TEXT(one, each));
        }
    }
    refuses(SQLITE_ERROR, "t.row_version", "UPDATE t SET row_version = NULL");
    refuses(SQLITE_ERROR, "an UPDATE cannot give a command", "UPDATE t SET t = 'flush'");
    run("UPDATE t SET row_version = row_version, a = a");
    expect("dir/x|1|1\ndir/y|2|2\ndir/z|3|3\n", "SELECT * FROM t");
}

TEST(test_an_update_with_the_version_it_read_is_a_compare_and_set) {
    sql_create(db, "t", "path, etag TEXT");
    run("INSERT INTO t VALUES('x', 'one'), ('y', 'two')");
    sqlite3 *other = sql_open(path);
    static const char update[] = "UPDATE t SET etag = '%s' WHERE path = 'x' AND row_version = %lld";
    int64_t mine = sql_int(db, "SELECT row_version FROM t WHERE path = 'x'");
    sql_run(other, update, "theirs", mine);
    ck_assert_int_eq(sqlite3_changes(other), 1);
    run(update, "mine", mine);
    ck_assert_int_eq(sqlite3_changes(db), 0);
    mine = sql_int(db, "SELECT row_version FROM t WHERE path = 'x'");
    run(update, "mine", mine);
    ck_assert_int_eq(sqlite3_changes(db), 1);
    run("DELETE FROM t WHERE path = 'y' AND row_version = %lld", mine);
    ck_assert_int_eq(sqlite3_changes(db), 0);
    expect("x|mine\ny|two\n", "SELECT * FROM t");
    sql_close(other);
}

TEST(test_an_insert_with_conflict_sets_what_it_gives_of_the_row_that_is_there) {
    run("CREATE VIRTUAL TABLE u USING art(path, size INTEGER NOT NULL DEFAULT 7, etag, note, summary=(sum(size)))");
    run("INSERT INTO u(path, etag, conflict) VALUES('a', 'e', 'update'), ('b', 'f', NULL)");
    run("INSERT INTO u(path, size, note, conflict) VALUES('a', '12', zeroblob(5000), 'update'), ('a', NULL, NULL, "
        "'update'), ('c', NULL, 'n', 'update')");
    expect("a|12|e|5000\nb|7|f|\nc|7||1\n", "SELECT path, size, etag, length(note) FROM u");
    refuses(SQLITE_ERROR, "art: conflict is a hidden column of this table", "SELECT path, conflict FROM u");
    run("INSERT INTO u(path, etag, conflict) SELECT path, upper(etag), 'update' FROM u WHERE etag IS NOT NULL");
    run("INSERT OR REPLACE INTO u(path, note, conflict) VALUES('b', 'kept', 'update')");
    run("INSERT OR IGNORE INTO u(path, size, conflict) VALUES('c', 1, 'update')");
    expect("a|12|E|5000\nb|7|F|4\nc|1||1\n", "SELECT path, size, etag, length(note) FROM u");
    expect("20|ok\n", "SELECT art_sum('u', 'size', ''), art_check('u')");
    run("SAVEPOINT s; INSERT INTO u(path, size, conflict) VALUES('c', 100, 'update'); ROLLBACK TO s; RELEASE s");
    expect("1\n", "SELECT size FROM u WHERE path = 'c'");
    refuses(SQLITE_ERROR, "art: the hidden column conflict takes 'update' alone (u.conflict)",
            "INSERT INTO u(path, conflict) VALUES('a', 'Update')");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: u.path",
            "INSERT INTO u(path, conflict) VALUES(NULL, 'update')");
    refuses(SQLITE_ERROR, "art: the hidden column conflict cannot be written (u.conflict): leave it out",
            "UPDATE u SET conflict = 'update'");
    run("CREATE VIRTUAL TABLE s USING art(path, conflict)");
    run("INSERT INTO s VALUES('a', 'mine'); INSERT INTO s(path, conflict, art_conflict) VALUES('a', 'his', 'update')");
    expect("a|his\n", "SELECT * FROM s");
    refuses(SQLITE_ERROR, "art: art_conflict is a hidden column of this table", "SELECT art_conflict FROM s");
}

/* SQLite 3.40.1 passes the old values of columns that are not set, those of hidden columns too. */
TEST(test_update_from_sets_columns_and_only_these) {
    sql_create(db, "t", "path, a NOT NULL, b COLLATE NOCASE, c REAL");
    run("INSERT INTO t VALUES('d/1', 1, 'one', 1), ('d/2', 2, 'two', 2), ('e', 3, 'three', 3);"
        "CREATE TABLE new(p, v, version); INSERT INTO new SELECT path, a || '!', row_version FROM t WHERE path > "
        "'d/1'");
    changed(2, "UPDATE t SET b = new.v FROM new WHERE path = new.p");
    changed(0, "UPDATE t SET b = 'stale' FROM new WHERE path = new.p AND t.row_version = new.version");
    run("DELETE FROM new; INSERT INTO new SELECT path, a * 10, row_version FROM t WHERE path GLOB 'd/*'");
    changed(2, "UPDATE t SET a = new.v FROM new WHERE path = new.p AND t.row_version = new.version");
    changed(2, "UPDATE t SET path = path || 'x', c = new.v FROM new WHERE path = new.p");
    refuses(SQLITE_ERROR, "t.row_version", "UPDATE t SET row_version = 1 FROM new WHERE path = new.p || 'x'");
    refuses(SQLITE_ERROR, "t.entries", "UPDATE t SET entries = 1 FROM new WHERE path = new.p || 'x'");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.a",
            "UPDATE t SET a = NULL FROM new WHERE path = new.p || 'x'");
    expect("d/1x|10|one|10.0\nd/2x|20|2!|20.0\ne|3|3!|3.0\n", "SELECT * FROM t");
    /* two rows for one: the second meets a row of another version than it was told */
    run("DELETE FROM new; INSERT INTO new VALUES('e', 'once', 0), ('e', 'once', 0), ('d/1x', 'once', 0)");
    changed(3, "UPDATE t SET b = new.v FROM new WHERE path = new.p");
    expect("d/1x|10|once|10.0\nd/2x|20|2!|20.0\ne|3|once|3.0\n", "SELECT * FROM t");
    refuses(SQLITE_ERROR, "t.row_version", "UPDATE t SET row_version = 99 FROM new WHERE path = new.p");
}

TEST(test_a_row_that_changed_earlier_in_the_statement_keeps_what_it_has_now) {
    sql_create(db, "t", "path, a, b");
    run("INSERT INTO t VALUES('1', 'a1', 'b1'), ('2', 'a2', 'b2'), ('3', 'a3', 'b3')");
    /* 1 replaces 2; then there is a 2 again, which was 1 */
    run("UPDATE OR REPLACE t SET path = path + 1, a = a || '+' WHERE path < '3'");
    expect("3|a2+|b1\n", "SELECT * FROM t");
    run("DELETE FROM t; INSERT INTO t VALUES('1', 'a1', zeroblob(9000)), ('2', 'a2', 'b2')");
    run("UPDATE OR REPLACE t SET path = path + 1, a = a || '+' WHERE path = '1'; UPDATE t SET a = a || '!'");
    expect("2|a1+!|9000\n", "SELECT path, a, length(b) FROM t");
}

TEST(test_columns_that_are_not_set_keep_their_bytes_whatever_their_length) {
    static const int lengths[] = {0, 1, 100, 4000, 4096, 5000, 65000, 70000, 600000};
    sql_create(db, "t", "path, before, a INT, after TEXT, z");
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        run("INSERT INTO t VALUES('%d', zeroblob(%d), %d, printf('%%.*c', %d, 'x'), 'end')", lengths[i], lengths[i],
            lengths[i], lengths[i] / 2);
    }
    TEXTS(updates, "a = a + 1", "z = z || '.'", "a = '7', z = 2.5", "path = path || '/moved'",
          "path = replace(path, '/moved', ''), a = NULL");
    for (int i = 0; i < 5; i++) {
        for (size_t j = 0; j < LENGTH(lengths); j++) {
            run("UPDATE t SET %s WHERE path >= '%d' AND path < '%d0' AND length(before) = %d", updates[i], lengths[j],
                lengths[j], lengths[j]);
        }
        if (i % 2) command("flush");
        expect("9\n", "SELECT count(*) FROM t WHERE length(before) = CAST(path AS INTEGER) "
                      "AND after = printf('%.*c', CAST(path AS INTEGER) / 2, 'x')");
    }
    expect("|2.5\n", "SELECT DISTINCT a, z FROM t");
}

/* Paths and values of every length up to some, without a NUL and with one at each of several places. */
static unsigned put_texts_with_nuls(void) {
    static const int places[] = {-1, 0, 1, 7, 14, 15, 16, 17, 31, 32, 47, 63, 64, 200, 254, 255, 256};
    char text[300];
    unsigned rows = 0;
    for (int len = 0; len < 290; len = len == 90 ? 240 : len + 1) {
        for (size_t i = 0; i < LENGTH(places) && places[i] < len; i++) {
            memset(text, 'x', sizeof text);
            if (places[i] >= 0) text[places[i]] = 0;
            for (int model = 0; model < 2; model++) {
                sqlite3_stmt *insert = sql_prepare(db, "INSERT INTO %s VALUES(?1 || '%d', ?1)", model ? "m" : "t", len);
                sqlite3_bind_text(insert, 1, text, len, SQLITE_STATIC);
                ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
                sqlite3_finalize(insert);
            }
            rows++;
        }
    }
    return rows;
}

static void same_texts(sqlite3_stmt *one, sqlite3_stmt *other, unsigned rows) {
    for (unsigned row = 0; row < rows; row++) {
        ck_assert_int_eq(sqlite3_step(one), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_step(other), SQLITE_ROW);
        for (int i = 0; i < 2; i++) {
            const unsigned char *text = sqlite3_column_text(one, i), *expected = sqlite3_column_text(other, i);
            int bytes = sqlite3_column_bytes(one, i);
            ck_assert_int_eq(bytes, sqlite3_column_bytes(other, i));
            ck_assert_int_eq(memcmp(text, expected, (size_t)bytes), 0);
            ck_assert_int_eq(text[bytes], 0);
        }
    }
    ck_assert_int_eq(sqlite3_step(one), SQLITE_DONE);
    sqlite3_finalize(one);
    sqlite3_finalize(other);
}

TEST(test_texts_are_shown_to_their_end_whatever_nuls_are_in_them) {
    sql_create(db, "t", "path, a");
    run("CREATE TEMP TABLE m(path TEXT PRIMARY KEY, a) WITHOUT ROWID; BEGIN");
    unsigned rows = put_texts_with_nuls();
    run("COMMIT");
    for (int flushed = 0; flushed < 2; flushed++) {
        if (flushed) command("flush");
        for (int back = 0; back < 2; back++) {
            const char *order = back ? "DESC" : "ASC";
            same_texts(sql_prepare(db, "SELECT path, a FROM t ORDER BY path %s", order),
                       sql_prepare(db, "SELECT path, a FROM m ORDER BY path %s", order), rows);
        }
        same_texts(sql_prepare(db, "SELECT t.path, t.a FROM m CROSS JOIN t ON t.path = m.path ORDER BY m.path"),
                   sql_prepare(db, "SELECT path, a FROM m ORDER BY path"), rows);
    }
}

TEST(test_a_row_moves_without_its_value_being_written_anew) {
    sql_create(db, "t", "path, a, big");
    run("INSERT INTO t VALUES('from', 1, randomblob(60000)); INSERT INTO t(t) VALUES('flush')");
    int64_t before = sql_int(db, "SELECT sum(length(ops)) FROM t_artdata");
    run("UPDATE t SET path = 'to'");
    ck_assert_int_lt(sql_int(db, "SELECT sum(length(ops)) FROM t_artdata"), before + 400);
    expect("to|1|60000\n", "SELECT path, a, length(big) FROM t");
    run("UPDATE t SET a = 2");
    ck_assert_int_gt(sql_int(db, "SELECT sum(length(ops)) FROM t_artdata"), before + 60000);
}

TEST(test_a_row_may_be_as_long_as_an_ordinary_one_and_not_longer) {
    sql_create(db, "t", "path, a, b");
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 200000);
    run("INSERT INTO t VALUES('fits', zeroblob(100000), zeroblob(99993))");
    refuses(SQLITE_TOOBIG, "art: a row of 200001 bytes is too long (t): it may have 200000",
            "INSERT INTO t VALUES('not', zeroblob(100000), zeroblob(99994))");
    refuses(SQLITE_TOOBIG, "is too long (t)", "UPDATE t SET b = zeroblob(100000)");
    refuses(SQLITE_TOOBIG, "", "INSERT INTO t VALUES('not', zeroblob(200001), 1)");
    expect("fits|100000|99993\n", "SELECT path, length(a), length(b) FROM t");
}

SUITE("sql_rows", .seconds = SUITE_FOREVER, .set_up = sql_set_up, .tear_down = sql_tear_down)
