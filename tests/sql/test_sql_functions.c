/* SQL functions: what they answer, which state they see, how a name is understood, who may call them. */
#include "tests/support/sql_one.h"

static void make_table(void) {
    sql_create(db, "t", "");
    run("INSERT INTO t(path, value) VALUES('a', 1), ('a/b', 2), ('a/b/c', 3), ('a/bc', 4), ('b', 5)");
}

static char *file_of(const char *name) {
    return sqlite3_mprintf("%s/%s", directory, name);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

TEST(test_a_count_is_that_of_the_rows_below_a_prefix) {
    make_table();
    expect("3|4|5|0\n", "SELECT art_count('t', 'a/'), art_count('t', 'a'), art_count('t', ''), art_count('t', 'c')");
    expect("integer\n", "SELECT typeof(art_count('t', 'a'))");
    command("flush");
    run("DELETE FROM t WHERE path = 'a/b'; INSERT INTO t(path) VALUES('a/z')");
    expect("3|2\n", "SELECT art_count('t', 'a/'), art_count('t', 'a/b')");
}

TEST(test_a_prefix_is_bytes) {
    sql_create(db, "t", "");
    run("INSERT INTO t(path) VALUES('17'), ('170'), ('1.5'), ('x'), (CAST(x'78ff' AS TEXT)), "
        "(CAST(x'78ff00' AS TEXT)), ('a*b'), ('a?'), ('a[')");
    expect("2|1|3|2\n",
           "SELECT art_count('t', 17), art_count('t', 1.5), art_count('t', x'78'), art_count('t', x'78ff')");
    expect("1|9|1|1\n",
           "SELECT art_count('t', x'78ff00'), art_count('t', x''), art_count('t', 'a*'), art_count('t', 'a[')");
    expect("0|0\n", "SELECT art_count('t', printf('%.70000c', 'x')), art_count('t', zeroblob(65534))");
    expect("170|78FF|78FF|78\n",
           "SELECT art_longest_prefix('t', 1703), hex(art_longest_prefix('t', x'78ff01')), hex(art_longest_prefix('t', "
           "x'78ff01', x'ff')), hex(art_longest_prefix('t', x'780001', x'00'))");
}

TEST(test_rows_are_found_by_their_place_and_places_by_a_path) {
    make_table();
    for (int flushed = 0; flushed < 2; flushed++) {
        expect("0|a\n1|a/b\n4|b\n", "SELECT value, art_nth('t', '', value) FROM json_each('[0, 1, 4]') ORDER BY 1");
        expect("a/b|a/bc|b\n", "SELECT art_nth('t', 'a/', 0), art_nth('t', 'a/', 2), art_nth('main.t', 'b', 0)");
        expect("NULL|NULL|NULL\n",
               "SELECT quote(art_nth('t', '', 5)), quote(art_nth('t', 'a/', 3)), quote(art_nth('t', 'c', 0))");
        expect("NULL|NULL\n", "SELECT quote(art_nth('t', '', -1)), quote(art_nth('t', '', 9223372036854775807))");
        expect("0|0|1|3|4|5\n",
               "SELECT art_rank('t', ''), art_rank('t', 'a'), art_rank('t', 'a/a'), art_rank('t', 'a/bc'),"
               " art_rank('t', 'b'), art_rank('t', 'zz')");
        expect("5|10|5\n",
               "SELECT count(*), sum(art_rank('t', path)), sum(art_nth('t', '', art_rank('t', path)) = path) FROM t");
        command("flush");
    }
    run("DELETE FROM t WHERE path = 'a/b'; INSERT INTO t(path) VALUES('a/z')");
    expect("a/b/c|a/z|3\n", "SELECT art_nth('t', 'a/', 0), art_nth('t', 'a/', 2), art_rank('t', 'a/z')");
    expect("text|integer\n", "SELECT typeof(art_nth('t', x'61', '1')), typeof(art_rank('t', x'61'))");
    expect("NULL|NULL\n", "SELECT quote(art_nth('t', printf('%.70000c', 'x'), 0)), quote(art_nth('t', x'ff', 0))");
    run("INSERT INTO t(path) VALUES(printf('%%.65534c', 'y'))");
    expect("5|6\n", "SELECT art_rank('t', printf('%.65534c', 'y')), art_rank('t', printf('%.65535c', 'y'))");
}

TEST(test_null_gives_null) {
    make_table();
    expect("NULL|NULL|NULL\n",
           "SELECT quote(art_count('t', NULL)), quote(art_count(NULL, 'a')), quote(art_count(NULL, NULL))");
    expect("NULL|NULL|NULL|NULL|NULL\n",
           "SELECT quote(art_longest_prefix('t', NULL)), quote(art_longest_prefix(NULL, 'a')), "
           "quote(art_longest_prefix('t', 'a', NULL)), quote(art_check(NULL)), quote(art_count('none', NULL))");
    expect("NULL|NULL|NULL|NULL|NULL\n",
           "SELECT quote(art_nth('t', NULL, 0)), quote(art_nth('t', '', NULL)), quote(art_nth(NULL, '', 0)),"
           " quote(art_rank('t', NULL)), quote(art_rank(NULL, ''))");
}

TEST(test_the_longest_prefix_ends_where_a_component_ends) {
    make_table();
    expect("a/b/c|a/bc|a/b|NULL\n", "SELECT art_longest_prefix('t', 'a/b/c/d'), art_longest_prefix('t', 'a/bcd'), "
                                    "art_longest_prefix('t', 'a/b'), quote(art_longest_prefix('t', 'c'))");
    expect("a|a/bc|a/b|NULL\n", "SELECT art_longest_prefix('t', 'a/bcd', '/'), art_longest_prefix('t', 'a/bc/d', '/'), "
                                "art_longest_prefix('t', 'a/b', '/'), quote(art_longest_prefix('t', 'ax', '/'))");
    run("INSERT INTO t(path) VALUES(''), ('a/x/'), ('k::'), ('k::v')");
    expect("a/x/|k::|k::v|k::v\n",
           "SELECT art_longest_prefix('t', 'a/x/y/z', '/'), art_longest_prefix('t', 'k::vv', '::'), "
           "art_longest_prefix('t', 'k::v::w', '::'), art_longest_prefix('t', 'k::vv', '')");
    expect("''|NULL|''\n", "SELECT quote(art_longest_prefix('t', 'zzz')), quote(art_longest_prefix('t', 'zzz', '/')), "
                           "quote(art_longest_prefix('t', '/zzz', '/'))");
    expect("text\n", "SELECT typeof(art_longest_prefix('t', x'61'))");
    run("INSERT INTO t(path) VALUES(printf('%%.65534c', 'y')), ('yy/')"); /* paths longer than a path can be */
    expect("65534|NULL|65534|yy/\n",
           "SELECT length(art_longest_prefix('t', printf('%.70000c', 'y'))), quote(art_longest_prefix('t', "
           "printf('%.70000c', 'y'), '/')), length(art_longest_prefix('t', printf('%.65534c/more', 'y'), '/')), "
           "art_longest_prefix('t', 'yy/' || printf('%.70000c', 'y'), '/')");
}

TEST(test_version_and_debug_tell_what_is_running) {
    ck_assert_int_eq(sql_int(db, "SELECT art_version() GLOB '[0-9]*.[0-9]*.[0-9]*'"), 1);
    char *lines = kept(sql_rows(db, "SELECT art_debug()"));
    const char *names[] = {
        "art: ",  "\ncommit: ", "\nSQLite: ", "\nSQLite's WAL-reset bug: ", "\ncompiler: ", "\nbuild: ",
        "\nio: ", "\nblobs: ",  "\nlimits: "};
    for (unsigned i = 0; i < LENGTH(names); i++) {
        ck_assert_msg(strstr(lines, names[i]) != NULL, "%s says nothing of '%s'", lines, names[i]);
    }
    ck_assert_ptr_nonnull(strstr(lines, sqlite3_libversion()));
}

/* --- which state they see ----------------------------------------------------------------------------------------- */

TEST(test_a_transaction_sees_what_it_has_changed) {
    make_table();
    run("BEGIN; INSERT INTO t(path) VALUES('a/new'); SAVEPOINT s; DELETE FROM t WHERE path GLOB 'a/b*'");
    expect("1|a\n", "SELECT art_count('t', 'a/'), art_longest_prefix('t', 'a/b/c')");
    run("ROLLBACK TO s");
    expect("4|a/b/c\n", "SELECT art_count('t', 'a/'), art_longest_prefix('t', 'a/b/c')");
    run("ROLLBACK");
    expect("3\n", "SELECT art_count('t', 'a/')");
}

TEST(test_a_snapshot_stays_while_others_commit) {
    run("PRAGMA journal_mode=WAL");
    make_table();
    run("CREATE TABLE o(x); INSERT INTO o VALUES('a/'), ('b')");
    sqlite3 *other = sql_open(path);
    run("BEGIN; SELECT * FROM o");
    sql_run(other, "INSERT INTO t(path) VALUES('a/other')");
    expect("3|ok\n", "SELECT art_count('t', 'a/'), art_check('t')");
    expect("a/|3\nb|1\n", "SELECT x, art_count('t', x) FROM o");
    run("COMMIT");
    expect("4\n", "SELECT art_count('t', 'a/')");

    /* A statement that is being stepped holds its snapshot. */
    sqlite3_stmt *rows = sql_first_row(db, "SELECT art_count('t', x) FROM o");
    ck_assert_int_eq(sqlite3_column_int(rows, 0), 4);
    sql_run(other, "INSERT INTO t(path) VALUES('a/another'), ('ba')");
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(rows, 0), 1);
    sqlite3_finalize(rows);
    expect("5|2\n", "SELECT art_count('t', 'a/'), art_count('t', 'b')");
    sql_close(other);
}

TEST(test_statements_without_a_table_see_the_last_commit) {
    TEXTS(modes, "WAL", "DELETE");
    make_table();
    for (unsigned i = 0; i < 2; i++) {
        run("PRAGMA journal_mode=%s", modes[i]);
        sqlite3 *other = sql_open(path);
        sqlite3_stmt *ask = sql_prepare(db, "SELECT art_count('t', 'n/')");
        for (int n = 1; n < 20; n++) {
            sql_run(other, "INSERT INTO t(path) VALUES('n/%d/%d')", i, n);
            if (n % 5 == 0) sql_run(other, "INSERT INTO t(t) VALUES('%s')", n % 2 ? "flush" : "optimize");
            ck_assert_int_eq(sqlite3_step(ask), SQLITE_ROW);
            ck_assert_int_eq(sqlite3_column_int(ask, 0), n + 19 * (int)i);
            sqlite3_reset(ask);
        }
        sqlite3_finalize(ask);
        sql_close(other);
    }
}

TEST(test_a_call_leaves_no_read_transaction_behind) {
    run("PRAGMA journal_mode=WAL");
    make_table();
    expect("5|ok|a\n", "SELECT art_count('t', ''), art_check('t'), art_longest_prefix('t', 'a')");
    ck_assert_int_eq(sqlite3_txn_state(db, "main"), SQLITE_TXN_NONE);
    expect("1\n", "SELECT count(*) > 20 FROM art_debug('t')");
    ck_assert_int_eq(sqlite3_txn_state(db, "main"), SQLITE_TXN_NONE);
    expect("0|0|0\n", "PRAGMA wal_checkpoint(TRUNCATE)");
    run("VACUUM; DROP TABLE t");
}

TEST(test_statements_that_change_the_table_may_ask_about_it) {
    make_table();
    run("UPDATE t SET value = art_count('t', path)");
    expect("a|4\na/b|3\na/b/c|1\na/bc|1\nb|1\n", "SELECT path, value FROM t");
    run("INSERT INTO t(path, value) SELECT path || '/copy', art_longest_prefix('t', path || '/copy', '/') FROM t");
    expect("a/b/c/copy|a/b/c\na/b/copy|a/b\na/bc/copy|a/bc\na/copy|a\nb/copy|b\n",
           "SELECT path, value FROM t WHERE path GLOB '*copy'");
    run("DELETE FROM t WHERE art_count('t', path || '/') = 0");
    expect("a\na/b\na/b/c\na/bc\nb\n", "SELECT path FROM t");
    run("CREATE TABLE log(n); CREATE TRIGGER after_log AFTER INSERT ON log BEGIN "
        "INSERT INTO t(path, value) VALUES('log/' || new.n, art_count('t', 'log/')); END;"
        "INSERT INTO log VALUES(1), (2), (3)");
    expect("log/1|0\nlog/2|1\nlog/3|2\n", "SELECT path, value FROM t WHERE path > 'l'");
}

TEST(test_a_join_descends_for_the_longest_prefix) {
    make_table();
    run("CREATE TABLE requests(url); INSERT INTO requests VALUES('a/b/c/d'), ('b/1'), ('x'), ('a/1')");
    expect("a/b/c/d|a/b/c|3\nb/1|b|5\nx||\na/1|a|1\n",
           "SELECT url, path, value FROM requests LEFT JOIN t ON path = art_longest_prefix('t', url, '/')");
    plan_has("SELECT url, value FROM requests JOIN t ON "
             "path = art_longest_prefix('t', url, '/')",
             "path=?");
}

/* --- names -------------------------------------------------------------------------------------------------------- */

TEST(test_an_unknown_name_is_repeated_in_the_error) {
    make_table();
    run("CREATE TABLE plain(x); CREATE VIEW v AS SELECT * FROM t");
    refuses(SQLITE_ERROR, "(nothing)", "SELECT art_count('nothing', 'a')");
    refuses(SQLITE_ERROR, "(main.nothing)", "SELECT art_longest_prefix('main.nothing', 'a')");
    refuses(SQLITE_ERROR, "(none.t)", "SELECT art_check('none.t')");
    refuses(SQLITE_ERROR, "'schema.table'", "SELECT art_count('plain', 'a')");
    refuses(SQLITE_ERROR, "(v)", "SELECT art_count('v', 'a')");
    refuses(SQLITE_ERROR, "()", "SELECT art_count('', 'a')");
    refuses(SQLITE_ERROR, "(main.)", "SELECT art_count('main.', 'a')");
    refuses(SQLITE_ERROR, "(t_artdata)", "SELECT art_count('t_artdata', 'a')");
    refuses(SQLITE_ERROR, "(art_txn)", "SELECT art_count('art_txn', 'a')");
    refuses(SQLITE_ERROR, "(12)", "SELECT art_count(12, 'a')");
    refuses(SQLITE_ERROR, "(nothing)", "SELECT * FROM art_info('nothing')");
    refuses(SQLITE_ERROR, "wrong number of arguments", "SELECT art_count('t')");
    expect("4\n", "SELECT art_count('t', 'a')");
}

static int compare_lengths(void *unused, int a, const void *left, int b, const void *right) {
    return a - b;
}

TEST(test_a_table_that_cannot_be_opened_is_not_said_to_be_missing) {
    make_table();
    ck_assert_int_eq(sqlite3_create_collation(db, "own", SQLITE_UTF8, NULL, compare_lengths), SQLITE_OK);
    run("CREATE VIRTUAL TABLE c USING art(path, other COLLATE own); INSERT INTO c VALUES('a', 1)");
    run("CREATE TABLE gone(x); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone");
    sql_reopen();
    EACH(call, "SELECT art_count('c', '')", "SELECT art_longest_prefix('main.c', 'a')", "SELECT art_check('c')",
         "SELECT * FROM art_check('main.c')", "SELECT * FROM art_info('c')", "SELECT art_count('C', '')") {
        refuses(SQLITE_ERROR, "art: no such collation sequence: own (the columns of c): register", call);
    }
    refuses(SQLITE_ERROR, "no art table of that name (broken)", "SELECT art_count('broken', '')");
    refuses(SQLITE_ERROR, "no art table of that name (main.broken)", "SELECT art_count('main.broken', '')");
    ck_assert_int_eq(sqlite3_create_collation(db, "own", SQLITE_UTF8, NULL, compare_lengths), SQLITE_OK);
    expect("1|ok\n", "SELECT art_count('c', ''), art_check('c')");
}

TEST(test_a_name_may_have_any_characters_and_either_case) {
    run("CREATE VIRTUAL TABLE \"a.b\" USING art; CREATE VIRTUAL TABLE \"q\"\"uote's\" USING art;"
        "CREATE VIRTUAL TABLE \"main.x\" USING art; CREATE VIRTUAL TABLE Objects USING art;"
        "INSERT INTO \"a.b\"(path) VALUES('1'); INSERT INTO \"q\"\"uote's\"(path) VALUES('1'), ('2');"
        "INSERT INTO \"main.x\"(path) VALUES('1'), ('2'), ('3');"
        "INSERT INTO Objects(path) VALUES('1'), ('2'), ('3'), ('4')");
    for (int i = 0; i < 3; i++) {
        expect("1|1|2\n", "SELECT art_count('a.b', ''), art_count('main.a.b', ''), art_count('q\"uote''s', '')");
        expect("3|3|4\n",
               "SELECT art_count('main.x', ''), art_count('main.main.x', ''), art_count('MAIN.oBJECTS', '')");
        expect("4|4\n", "SELECT art_count('objects', ''), art_count('OBJECTS', '')");
    }
    run("CREATE VIRTUAL TABLE x USING art");
    expect("0|3\n", "SELECT art_count('main.x', ''), art_count('main.main.x', '')");
}

TEST(test_an_attached_database_that_comes_first_may_get_the_name_later) {
    char *first = TEXT("%s/first.db", directory), *second = TEXT("%s/second.db", directory);
    run("ATTACH %Q AS first; ATTACH %Q AS second", first, second);
    run("CREATE VIRTUAL TABLE second.late USING art; INSERT INTO second.late(path) VALUES('a'), ('b')");
    expect("2\n", "SELECT art_count('late', '')");
    run("CREATE VIRTUAL TABLE first.late USING art");
    expect("0\n", "SELECT art_count('late', '')");
    run("DROP TABLE first.late");
    expect("2\n", "SELECT art_count('late', '')");
    run("CREATE TABLE first.late(x)");
    refuses(SQLITE_ERROR, "(late)", "SELECT art_count('late', '')");
    run("DROP TABLE first.late");
    expect("2\n", "SELECT art_count('late', '')");
}

/* As SQLite does it, which knows the schema of a locked database and asks no more of it for another one's table. */
TEST(test_a_locked_database_does_not_keep_another_ones_table_from_being_found) {
    char *first = kept(file_of("first.db")), *second = kept(file_of("second.db"));
    run("ATTACH %Q AS first; ATTACH %Q AS second", first, second);
    run("CREATE TABLE first.plain(a); CREATE VIRTUAL TABLE second.s USING art; INSERT INTO second.s VALUES('a', 1)");
    sqlite3 *locker = sql_open(first);
    sql_run(locker, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO plain VALUES(1); COMMIT");
    expect("1|1\n", "SELECT count(*), art_count('s', '') FROM s");
    refuses(SQLITE_BUSY, "locked", "SELECT art_count('nobodys', '')");
    sql_close(locker);
    refuses(SQLITE_ERROR, "there is no art table of that name (nobodys)", "SELECT art_count('nobodys', '')");
    expect("1\n", "SELECT art_count('s', '')");
}

TEST(test_temp_comes_before_main_and_main_before_attached) {
    char *second = kept(file_of("b.db"));
    make_table();
    run("ATTACH '%q' AS aux; CREATE VIRTUAL TABLE aux.t USING art; CREATE VIRTUAL TABLE aux.u USING art;"
        "INSERT INTO aux.t(path) VALUES('1'), ('2'); INSERT INTO aux.u(path) VALUES('1')",
        second);
    for (int i = 0; i < 3; i++) {
        expect("5|2|1|1\n",
               "SELECT art_count('t', ''), art_count('aux.t', ''), art_count('u', ''), art_count('aux.u', '')");
    }
    run("CREATE VIRTUAL TABLE u USING art");
    expect("0|0|1\n", "SELECT art_count('u', ''), art_count('main.u', ''), art_count('aux.u', '')");
    run("CREATE VIRTUAL TABLE temp.t USING art; INSERT INTO temp.t(path) VALUES('x')");
    expect("1|5|1\n", "SELECT art_count('t', ''), art_count('main.t', ''), art_count('temp.t', '')");
    run("DROP TABLE temp.t");
    expect("5\n", "SELECT art_count('t', '')");
    run("CREATE TEMP TABLE t(x)");
    refuses(SQLITE_ERROR, "(t)", "SELECT art_count('t', '')");
    expect("5\n", "SELECT art_count('main.t', '')");
    run("DROP TABLE temp.t; DROP TABLE main.t; DROP TABLE main.u");
    expect("2|1\n", "SELECT art_count('t', ''), art_count('u', '')");
}

TEST(test_a_name_follows_drop_create_and_rename) {
    make_table();
    run("CREATE VIRTUAL TABLE u USING art; INSERT INTO u(path) VALUES('only')");
    sqlite3_stmt *ask = sql_prepare(db, "SELECT art_count('t', '')");
    const struct {
        const char *sql;
        int rows; /* negative: no such table */
    } steps[] = {{"SELECT 1", 5},
                 {"DROP TABLE t", -1},
                 {"ALTER TABLE u RENAME TO t", 1},
                 {"BEGIN; ALTER TABLE t RENAME TO v", -1},
                 {"CREATE VIRTUAL TABLE t USING art", 0},
                 {"ROLLBACK", 1},
                 {"BEGIN; DROP TABLE t", -1},
                 {"ROLLBACK", 1},
                 {"BEGIN; SAVEPOINT s; DROP TABLE t; CREATE VIRTUAL TABLE t USING art; "
                  "INSERT INTO t(path) VALUES(1), (2)",
                  2},
                 {"ROLLBACK TO s", 1},
                 {"COMMIT", 1},
                 {"DROP TABLE t; CREATE VIRTUAL TABLE t USING art", 0},
                 {"INSERT INTO t(t) VALUES('add column more')", 0},
                 {"BEGIN; INSERT INTO t(t) VALUES('add column yet_more'); INSERT INTO t(path) VALUES('y')", 1},
                 {"ROLLBACK", 0},
                 {"CREATE TABLE something(x); INSERT INTO t(path) VALUES('x'); ALTER TABLE something ADD COLUMN y", 1}};
    for (unsigned i = 0; i < LENGTH(steps); i++) {
        run("%s", steps[i].sql);
        for (int again = 0; again < 2; again++) {
            int rc = sqlite3_step(ask);
            ck_assert_msg(rc == (steps[i].rows < 0 ? SQLITE_ERROR : SQLITE_ROW), "%s: %d %s", steps[i].sql, rc,
                          sqlite3_errmsg(db));
            if (rc == SQLITE_ROW) ck_assert_int_eq(sqlite3_column_int(ask, 0), steps[i].rows);
            sqlite3_reset(ask);
        }
    }
    sqlite3_finalize(ask);
}

TEST(test_a_name_follows_what_other_connections_do_to_it) {
    TEXTS(modes, "WAL", "DELETE");
    make_table();
    for (unsigned i = 0; i < 2; i++) {
        run("PRAGMA journal_mode=%s", modes[i]);
        sqlite3 *other = sql_open(path);
        for (int n = 1; n < 12; n++) {
            expect("1|1\n", "SELECT art_count('t', '') > 0, art_count('main.t', '') > 0");
            sql_run(other, "DROP TABLE t");
            if (n % 2) refuses(SQLITE_ERROR, "(t)", "SELECT art_count('t', '')");
            sql_run(other, "CREATE VIRTUAL TABLE t USING art; CREATE TABLE p%d_%d(x)", i, n);
            for (int k = 0; k < n; k++) sql_run(other, "INSERT INTO t(path) VALUES('row %d')", k);
            if (n % 3) sql_run(other, "ALTER TABLE t RENAME TO s; ALTER TABLE s RENAME TO t");
            ck_assert_int_eq(sql_int(db, "SELECT art_count('t', '')"), n);
        }
        sql_close(other);
    }
}

TEST(test_a_name_follows_attach_and_detach) {
    char *second = kept(file_of("b.db")), *third = kept(file_of("c.db"));
    sqlite3 *other = sql_open(second);
    sql_run(other, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) VALUES('1'), ('2')");
    sql_close(other);
    other = sql_open(third);
    sql_run(other, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) VALUES('1'), ('2'), ('3')");
    sql_close(other);
    for (int i = 0; i < 3; i++) {
        refuses(SQLITE_ERROR, "(x.t)", "SELECT art_count('x.t', '')");
        refuses(SQLITE_ERROR, "(t)", "SELECT art_count('t', '')");
        run("ATTACH '%q' AS x", second);
        expect("2|2\n", "SELECT art_count('x.t', ''), art_count('t', '')");
        run("ATTACH '%q' AS y", third);
        expect("2|2|3\n", "SELECT art_count('x.t', ''), art_count('t', ''), art_count('y.t', '')");
        run("DETACH x");
        expect("3|3\n", "SELECT art_count('t', ''), art_count('y.t', '')");
        run("ATTACH '%q' AS x", third);
        expect("3|3\n", "SELECT art_count('x.t', ''), art_count('t', '')");
        run("DETACH x; DETACH y");
    }
}

static sqlite3_stmt *kept_statement(const char *sql) {
    sqlite3_stmt *statement = sql_first_row(db, "%s", sql);
    ck_assert_int_eq(sqlite3_reset(statement), SQLITE_OK);
    return statement;
}

/* Drivers keep statements, and these keep handles and what is open for them, under the name from before. SQLite has the
 * new database's files where that one had them. */
TEST(test_a_database_comes_back_under_another_name_while_statements_are_kept) {
    char *second = kept(file_of("b.db"));
    sqlite3 *other = sql_open(second);
    sql_create(other, "t", "");
    sql_run(other, "INSERT INTO t(path) VALUES('1'), ('2'); INSERT INTO t(t) VALUES('flush')");
    sql_snapshot(other, "monday");
    sql_close(other);
    EACH(again, "x", "p") {
        EACH(mode, "ro", "rw") {
            run("ATTACH 'file:%s?mode=%s' AS x", second, mode);
            sqlite3_stmt *rows = kept_statement("SELECT path FROM x.t"),
                         *count = kept_statement("SELECT art_count('x.t', '')"),
                         *monday = kept_statement("SELECT path FROM x.t WHERE snapshot = 'monday'");
            run("DETACH x; ATTACH 'file:%s?mode=rw' AS %s", second, again);
            expect("2|2\n", TEXT("SELECT (SELECT count(*) FROM %s.t), art_count('%s.t', '')", again, again));
            run("INSERT INTO %s.t(path) VALUES('3'); INSERT INTO %s.t(t) VALUES('flush')", again, again);
            run("INSERT INTO %s.t(t, snapshot) VALUES('drop snapshot', 'monday');"
                "INSERT INTO %s.t(t, snapshot) VALUES('snapshot', 'monday')",
                again, again);
            expect("3\n", TEXT("SELECT count(*) FROM %s.t WHERE snapshot = 'monday'", again));
            run("DELETE FROM %s.t WHERE path = '3'", again);
            expect("2|ok\n", TEXT("SELECT count(*), art_check('%s.t') FROM %s.t", again, again));
            run("DETACH %s", again);
            ck_assert_int_eq(sqlite3_step(rows), SQLITE_ERROR);
            sqlite3_finalize(rows);
            sqlite3_finalize(count);
            sqlite3_finalize(monday);
        }
    }
}

TEST(test_an_ordinary_table_that_took_the_name_is_none_of_ours) {
    char *second = kept(file_of("b.db")), *third = kept(file_of("c.db"));
    run("ATTACH '%q' AS x; CREATE VIRTUAL TABLE x.t USING art; INSERT INTO x.t(path) VALUES('1')", second);
    sqlite3_stmt *statement = kept_statement("SELECT path FROM x.t");
    run("DETACH x; ATTACH '%q' AS x; CREATE TABLE x.t(path)", third);
    refuses(SQLITE_ERROR, "there is no art table of that name (x.t)", "SELECT art_count('x.t', '')");
    refuses(SQLITE_ERROR, "there is no art table of that name (x.t)", "SELECT * FROM art_info('x.t')");
    sqlite3_finalize(statement);
    run("CREATE VIRTUAL TABLE u USING art; INSERT INTO u(path) VALUES('1')");
    statement = kept_statement("SELECT path FROM u");
    sqlite3 *other = sql_open(path);
    sql_run(other, "DROP TABLE u; CREATE TABLE u(path)");
    sql_close(other);
    refuses(SQLITE_ERROR, "there is no art table of that name (main.u)", "SELECT art_count('main.u', '')");
    sqlite3_finalize(statement);
}

TEST(test_the_first_database_may_have_a_name_of_its_own) {
    make_table();
    ck_assert_int_eq(sqlite3_db_config(db, SQLITE_DBCONFIG_MAINDBNAME, "store"), SQLITE_OK);
    expect("5|5|5\n", "SELECT art_count('t', ''), art_count('main.t', ''), art_count('store.t', '')");
    expect("5|5|5\n", "SELECT art_count('t', ''), art_count('main.t', ''), art_count('store.t', '')");
}

TEST(test_many_names_are_one_after_the_other_forgotten) {
    for (int i = 0; i < 40; i++) {
        run("CREATE VIRTUAL TABLE t%d USING art; INSERT INTO t%d(path) VALUES('x'), ('%d')", i, i, i);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40; i++) {
            ck_assert_int_eq(sql_int(db, "SELECT art_count('t%d', '%d') + art_count('main.t%d', '')", i, i, i), 3);
        }
    }
    for (int i = 0; i < 40; i += 2) run("DROP TABLE t%d", i);
    ck_assert_int_eq(sql_int(db, "SELECT art_count('t1', '') + art_count('main.t39', '')"), 4);
}

TEST(test_tables_in_memory_are_counted_too) {
    sqlite3 *memory = sql_open(":memory:");
    sql_run(memory, "CREATE VIRTUAL TABLE t USING art; CREATE VIRTUAL TABLE temp.u USING art;"
                    "INSERT INTO t(path) VALUES('a'), ('ab'); INSERT INTO u(path) VALUES('z');"
                    "INSERT INTO t(t) VALUES('flush')");
    sql_expect(memory, "2|1|ok|ab\n",
               "SELECT art_count('t', 'a'), art_count('u', ''), art_check('t'), art_longest_prefix('t', 'abc')");
    sql_close(memory);
}

/* sqlite3_deserialize() frees the schema that tables without a CREATE hang on, as pragma_database_list, and SQLite
 * still has them. */
TEST(test_names_are_looked_up_in_an_image_that_takes_the_place_of_another) {
    sqlite3 *from = sql_open(":memory:"), *to = sql_open(":memory:");
    sql_create(from, "t", "");
    for (int rows = 1; rows < 6; rows++) {
        sql_run(from, "INSERT INTO t(path) VALUES('a/%d'); INSERT INTO t(t) VALUES('flush')", rows);
        sqlite3_int64 size;
        unsigned char *image = sqlite3_serialize(from, "main", &size, 0);
        ck_assert_ptr_nonnull(image);
        ck_assert_int_eq(sqlite3_deserialize(to, "main", image, size, size,
                                             SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE),
                         SQLITE_OK);
        ck_assert_int_eq(sql_int(to, "SELECT art_count('t', 'a/')"), rows);
        sql_expect(to, "a/1|ok|ok: 1 art table\n", "SELECT art_nth('t', '', 0), art_check('t'), art_verify()");
        sql_run(to, "CREATE VIRTUAL TABLE temp.u USING art; INSERT INTO u(path) VALUES('z'), ('a/0')");
        sql_run(to, "SELECT art_vacuum('t'); BEGIN; INSERT INTO t(path) SELECT path FROM u; COMMIT");
        ck_assert_int_eq(sql_int(to, "SELECT art_count('t', 'a/') + art_count('u', '')"), rows + 3);
        sql_run(to, "DROP TABLE u");
    }
    sql_close(to);
    sql_close(from);
}

/* --- who may call them -------------------------------------------------------------------------------------------- */

TEST(test_a_schema_calls_them_only_while_it_is_trusted) {
    make_table();
    run("CREATE VIEW sizes AS SELECT path, art_count('t', path) AS n FROM t;"
        "CREATE VIEW version AS SELECT art_version() GLOB '*.*' AS v, length(art_debug()) > 9 AS d;"
        "CREATE TABLE o(x); CREATE TRIGGER o_in AFTER INSERT ON o BEGIN "
        "UPDATE o SET x = art_longest_prefix('t', x); END");
    expect("4\n3\n1\n1\n1\n", "SELECT n FROM sizes");
    run("INSERT INTO o VALUES('a/b/x'); PRAGMA trusted_schema=OFF");
    refuses(SQLITE_ERROR, "unsafe use of art_count()", "SELECT n FROM sizes");
    run("CREATE VIEW places AS SELECT art_nth('t', '', 0); CREATE VIEW ranks AS SELECT art_rank('t', 'a')");
    refuses(SQLITE_ERROR, "unsafe use of art_nth()", "SELECT * FROM places");
    refuses(SQLITE_ERROR, "unsafe use of art_rank()", "SELECT * FROM ranks");
    refuses(SQLITE_ERROR, "unsafe use of art_longest_prefix()", "INSERT INTO o VALUES('a/b/x')");
    expect("1|1\n", "SELECT v, d FROM version");
    expect("4\n", "SELECT art_count('t', 'a')");
}

TEST(test_a_check_of_everything_is_never_begun_by_a_schema) {
    make_table();
    run("PRAGMA trusted_schema=ON; CREATE VIEW v AS SELECT art_check('t') AS c");
    refuses(SQLITE_ERROR, "unsafe use of art_check()", "SELECT c FROM v");
    expect("ok\n", "SELECT art_check('t')");
}

TEST(test_nothing_that_must_not_change_can_rest_on_them) {
    make_table();
    run("CREATE TABLE o(x)");
    refuses(SQLITE_ERROR, "non-deterministic", "CREATE INDEX i ON o(art_count('t', x))");
    refuses(SQLITE_ERROR, "non-deterministic", "CREATE INDEX i ON o(x) WHERE art_longest_prefix('t', x) = 'a'");
    refuses(SQLITE_ERROR, "non-deterministic", "CREATE INDEX i ON o(x || art_version())");
    refuses(SQLITE_ERROR, "non-deterministic", "CREATE TABLE p(x, y AS (art_count('t', x)))");
}

/* A loop over rows, with constant arguments, sees what the loop has changed; the next execution does, too. */
TEST(test_no_answer_is_kept_from_one_call_to_the_next) {
    make_table();
    run("CREATE TABLE o(x); INSERT INTO o VALUES(1), (2), (3);"
        "CREATE TRIGGER grow AFTER UPDATE ON o BEGIN INSERT INTO t(path) VALUES('grown/' || new.rowid); END;"
        "UPDATE o SET x = art_count('t', 'grown/')");
    expect("0\n1\n2\n", "SELECT x FROM o");
    sqlite3_stmt *ask = sql_prepare(db, "SELECT count(*) FROM o WHERE art_count('t', 'more/') = ?1");
    for (int i = 0; i < 4; i++) {
        sqlite3_bind_int(ask, 1, i);
        ck_assert_int_eq(sqlite3_step(ask), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(ask, 0), 3);
        sqlite3_reset(ask);
        run("INSERT INTO t(path) VALUES('more/%d')", i);
    }
    sqlite3_finalize(ask);
}

static int deny_t(void *forbidden, int action, const char *first, const char *second, const char *schema,
                  const char *trigger) {
    bool t = first && (!strcmp(first, "t") || !strcmp(first, "t_artdata"));
    return *(bool *)forbidden && action == SQLITE_READ && t ? SQLITE_DENY : SQLITE_OK;
}

TEST(test_an_authorizer_that_forbids_reading_forbids_counting) {
    bool forbidden = true;
    make_table();
    expect("5\n", "SELECT art_count('t', '')");
    sqlite3_set_authorizer(db, deny_t, &forbidden);
    refuses(SQLITE_AUTH, "", "SELECT art_count('t', '')");
    refuses(SQLITE_AUTH, "", "SELECT art_longest_prefix('main.t', 'a')");
    refuses(SQLITE_AUTH, "", "SELECT * FROM art_info('t')");
    sqlite3_set_authorizer(db, NULL, NULL);
    expect("5\n", "SELECT art_count('t', '')");
}

TEST(test_a_database_that_is_locked_is_busy) {
    make_table();
    expect("5\n", "SELECT art_count('t', '')");
    sqlite3 *other = sql_open(path);
    sql_run(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
    refuses(SQLITE_BUSY, "locked", "SELECT art_count('t', '')");
    refuses(SQLITE_BUSY, "locked", "SELECT art_check('t')");
    sql_run(other, "INSERT INTO t(path) VALUES('x'); COMMIT");
    sql_close(other);
    expect("6\n", "SELECT art_count('t', '')");
}

/* --- art_write_version() ------------------------------------------------------------------------------------------ */

static int64_t write_version(const char *schema) {
    return sql_int(db, "SELECT art_write_version('%s.t')", schema);
}

static void same_as_written(const char *schema, const char *what) {
    int64_t said = write_version(schema);
    run("INSERT OR REPLACE INTO %s.t(path, value) VALUES('asked', 1)", schema);
    int64_t got = sql_int(db, "SELECT row_version FROM %s.t WHERE path = 'asked'", schema);
    ck_assert_msg(said == got, "%s: %lld was said, the row has %lld", what, (long long)said, (long long)got);
}

static void transactions_in(const char *schema) {
    same_as_written(schema, "autocommit");
    int64_t before = write_version(schema);
    run("BEGIN");
    same_as_written(schema, "the first write of a transaction");
    ck_assert_int_eq(write_version(schema), before); /* it is theirs */
    run("SAVEPOINT a; DELETE FROM %s.t", schema);
    same_as_written(schema, "within a savepoint");
    run("ROLLBACK TO a");
    same_as_written(schema, "behind ROLLBACK TO");
    run("RELEASE a");
    sql_command(db, schema, "t", "flush");
    same_as_written(schema, "behind a command");
    ck_assert_int_eq(write_version(schema), before);
    run("COMMIT");
    ck_assert_int_gt(write_version(schema), before);
    before = write_version(schema);
    run("BEGIN; DELETE FROM %s.t; ROLLBACK", schema);
    ck_assert_int_eq(write_version(schema), before); /* it was not used */
    run("BEGIN; WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 3000) INSERT INTO %s.t(path, value) SELECT "
        "'many' || i, printf('%%0100d', i) FROM i",
        schema);
    same_as_written(schema, "behind a spill");
    run("ROLLBACK");
    same_as_written(schema, "behind the rollback of a spill");
}

LOOP_TEST(test_a_transaction_knows_the_version_that_it_writes, 3) {
    TEXTS(options, "", ", storage=inline", ", log_limit='4KB', spill_limit='4KB'");
    run("ATTACH '%q/other.db' AS other", directory);
    EACH(schema, "main", "other", "temp") {
        if (_i == 2 && !strcmp(schema, "temp")) continue;
        run("CREATE VIRTUAL TABLE %s.t USING art(path, value%s)", schema, options[_i]);
        transactions_in(schema);
    }
    expect("1\n", "SELECT art_write_version(NULL) IS NULL");
    refuses(SQLITE_ERROR, "nobody", "SELECT art_write_version('nobody')");
}

/* Kept beside the rows, in the same transaction, it tells them apart from all others. */
LOOP_TEST(test_the_version_of_another_connections_commit_is_counted, 2) {
    TEXTS(modes, "WAL", "DELETE");
    sqlite3 *both[2] = {db, sql_open(path)};
    run("PRAGMA journal_mode=%s; CREATE TABLE kept(v)", modes[_i]);
    sql_create(db, "t", "");
    for (int n = 0; n < 40; n++) {
        int c = n * 7 / 3 % 2;
        sql_run(both[c],
                "BEGIN; INSERT INTO t(path) VALUES('r%d'); INSERT INTO kept SELECT art_write_version('t'); "
                "COMMIT",
                n);
        if (n % 9 == 0) sql_command(both[c], "main", "t", "flush");
        ck_assert_int_eq(
            sql_int(both[!c], "SELECT row_version = (SELECT max(v) FROM kept) FROM t WHERE path = 'r%d'", n), 1);
    }
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE row_version IN (SELECT v FROM kept)"), 40);
    ck_assert_int_eq(sql_int(db, "SELECT count(DISTINCT v) FROM kept"), 40);
    /* A reader's snapshot: a write now would be refused, or have that number. */
    run("BEGIN");
    int64_t said = sql_int(db, "SELECT art_write_version('t')");
    if (!_i) {
        sql_run(both[1], "INSERT INTO t(path) VALUES('meanwhile')");
        ck_assert_int_eq(sql_int(db, "SELECT art_write_version('t')"), said);
        ck_assert_int_eq(sql_try(db, "INSERT INTO t(path) VALUES('late')") & 0xff, SQLITE_BUSY);
    }
    run("ROLLBACK");
    ck_assert_int_eq(sql_int(db, "SELECT art_write_version('t')"), said + !_i);
    sql_close(both[1]);
}

SUITE("sql_functions", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)
