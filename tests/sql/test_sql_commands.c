/* Commands: INSERT INTO t(t) VALUES('...'), what each does, when, and what a rollback leaves of it. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/readme.h"
#include "tests/support/sql_one.h"

static void fill(sqlite3 *on, const char *table, int rows) {
    sql_run(on,
            "INSERT INTO %s(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('path/%%05d', i), 'value ' || i FROM n",
            table, rows);
}

static void set_up(void) {
    sql_set_up();
    sql_create(db, "t", "");
    fill(db, "t", 500);
}

static void option_is(sqlite3 *on, const char *option, const char *expected) {
    char *rows = kept(sql_rows(on, "SELECT value FROM art_%s('t') WHERE property = '%s'",
                               !strcmp(option, "io") || !strcmp(option, "direct") ? "debug" : "info", option));
    ck_assert_msg(!strcmp(rows, expected), "%s is %s, not %s", option, rows, expected);
}

/* --- how a command is given --------------------------------------------------------------------------------------- */

TEST(test_an_unknown_command_is_told_the_known_ones) {
    refuses(SQLITE_ERROR, "flush, optimize, vacuum, clean, adopt, integrity-check", "INSERT INTO t(t) VALUES('x')");
    refuses(SQLITE_ERROR, "cache=, log_limit=, spill_limit=, summary=", "INSERT INTO t(t) VALUES('flushh')");
    refuses(SQLITE_ERROR, "'' (t)", "INSERT INTO t(t) VALUES('')");
    refuses(SQLITE_ERROR, "there is no command", "INSERT INTO t(t) VALUES('flush now')");
    refuses(SQLITE_ERROR, "there is no command", "INSERT INTO t(t) VALUES(printf('%.5000c', 'x'))");
    refuses(SQLITE_ERROR, "there is no command", "INSERT INTO t(t) VALUES('flush' || char(0) || 'x')");
    refuses(SQLITE_ERROR, "known are cache", "INSERT INTO t(t) VALUES('chache=1MB')");
    refuses(SQLITE_ERROR, "such as 64MB", "INSERT INTO t(t) VALUES('cache=lots')");
    refuses(SQLITE_ERROR, "such as 64MB", "INSERT INTO t(t) VALUES('cache=')");
    refuses(SQLITE_ERROR, "there is no command", "INSERT INTO t(t) VALUES('key=(path)')");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 500);
}

TEST(test_a_command_is_a_text_and_stands_alone) {
    refuses(SQLITE_ERROR, "a command is a text", "INSERT INTO t(t) VALUES(1)");
    refuses(SQLITE_ERROR, "a command is a text", "INSERT INTO t(t) VALUES(1.5)");
    refuses(SQLITE_ERROR, "a command is a text", "INSERT INTO t(t) VALUES(x'666c757368')");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "t.path", "INSERT INTO t(t) VALUES(NULL)");
    refuses(SQLITE_ERROR, "stands alone", "INSERT INTO t(path, t) VALUES('x', 'flush')");
    refuses(SQLITE_ERROR, "stands alone", "INSERT INTO t(value, t) VALUES('x', 'flush')");
    refuses(SQLITE_ERROR, "stands alone", "INSERT INTO t(row_version, t) VALUES(1, 'cache=1MB')");
    refuses(SQLITE_ERROR, "INSERT INTO t(t)", "UPDATE t SET t = 'flush'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 500);
    run("INSERT INTO t(path, value, t) VALUES('a row', 1, NULL)");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 501);
}

TEST(test_case_and_blanks_mean_nothing) {
    run("INSERT INTO t(t) VALUES('  FLUSH '), (' Integrity-Check'), ('Cache=2mb'), ('\tlog_LIMIT = 3 MB\n')");
    option_is(db, "option cache", "2097152\n");
    option_is(db, "option log_limit", "3145728\n");
    run("INSERT INTO t(t) VALUES('cache=''1MB'''), ('log_limit = \"auto\"')");
    option_is(db, "option cache", "1048576\n");
    option_is(db, "option log_limit", "auto\n");
    run("INSERT INTO t(t) VALUES(' ADD \t column  owner TEXT ')");
    option_is(db, "columns", "path, value, owner TEXT\n");
    refuses(SQLITE_ERROR, "no command", "INSERT INTO t(t) VALUES('addcolumn x')");
    refuses(SQLITE_ERROR, "no command", "INSERT INTO t(t) VALUES('add columns')");
    refuses(SQLITE_ERROR, "cut off", "INSERT INTO t(t) VALUES('add column')");
}

TEST(test_commands_work_wherever_a_table_is) {
    run("ATTACH '%q' AS x; ATTACH ':memory:' AS m", TEXT("%s/b.db", directory));
    TEXTS(all, "flush", "optimize", "vacuum", "clean", "integrity-check", "cache=1MB");
    EACH(schema, "main", "temp", "x", "m") {
        run("CREATE VIRTUAL TABLE %s.\"a \"\"b\" USING art", schema);
        for (unsigned k = 0; k < LENGTH(all); k++) {
            run("INSERT INTO %s.\"a \"\"b\"(path) VALUES('%s')", schema, all[k]);
            sql_command(db, schema, "a \"b", all[k]);
        }
        ck_assert_int_eq(sql_int(db, "SELECT art_count('%s.a \"b', '')", schema), LENGTH(all));
        ck_assert_int_eq(sql_int(db, "SELECT value FROM art_info('%s.a \"b') WHERE property = 'option cache'", schema),
                         1 << 20);
    }
    run("ALTER TABLE x.\"a \"\"b\" RENAME TO c; INSERT INTO x.c(c) VALUES('optimize')");
    run("CREATE TABLE log(what); CREATE TRIGGER run AFTER INSERT ON log BEGIN "
        "INSERT INTO \"a \"\"b\"(\"a \"\"b\") VALUES(new.what); END; INSERT INTO log VALUES('flush'), ('vacuum')");
}

/* Its column would take the command for a row. Such a table is made by that name, and by ALTER TABLE. */
TEST(test_what_art_does_by_commands_of_its_own_is_refused_where_a_column_has_the_tables_name) {
    static const char *const tables[][2] = {{"path", "path, size"},
                                            {"PATH", "path, size, storage=inline"},
                                            {"word", "Word, n"},
                                            {"n", "word, n, storage=inline"},
                                            {"key", "bucket, key, v, key=(bucket, key)"},
                                            {"v", "bucket, key, v, key=(bucket, key), storage=inline"},
                                            {"entries", "path, size"}};
    for (int i = 0; i < 2 * LENGTH(tables); i++) {
        const char *name = tables[i / 2][0], *first = i % 2 ? "was" : name;
        const char *all = TEXT("SELECT count(*), art_check('%s') FROM \"%s\"", name, name);
        const char *says =
            TEXT("art: a table that is called like one of its columns takes no commands (%s): rename it", name);
        run("DROP TABLE t; CREATE VIRTUAL TABLE \"%s\" USING art(%s)", first, tables[i / 2][1]);
        run("INSERT INTO \"%s\" WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
            "SELECT i, i%s FROM n",
            first, strstr(tables[i / 2][1], "key=") ? ", i" : "");
        if (i % 2) run("ALTER TABLE was RENAME TO \"%s\"", name);
        refuses(SQLITE_ERROR, says, TEXT("SELECT art_vacuum('%s')", name));
        refuses(SQLITE_ERROR, says, TEXT("SELECT art_publish('%q')", copy_path));
        ck_assert_int_ne(access(copy_path, F_OK), 0);
        expect("3000|ok\n", all);
        run("ALTER TABLE \"%s\" RENAME TO t", name);
        ck_assert_int_eq(sql_try(db, "SELECT art_vacuum('t'), art_publish('%q')", copy_path), SQLITE_OK);
        expect("3000|ok\n", "SELECT count(*), art_check('t') FROM t");
        ck_assert_int_eq(remove(copy_path), 0);
    }
}

TEST(test_a_read_only_database_takes_no_commands) {
    command("flush");
    sql_close(db);
    db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('flush')");
    refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('cache=1MB')");
    refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('clean')");
    expect("ok|500\n", "SELECT art_check('t'), art_count('t', '')");
}

/* --- at commit ---------------------------------------------------------------------------------------------------- */

TEST(test_flush_optimize_and_vacuum_are_done_by_the_commit) {
    run("BEGIN");
    command("flush");
    expect("at commit|flush\n", "SELECT property, value FROM art_info('t') WHERE property = 'at commit'");
    ck_assert_int_eq(sql_info(db, "runs"), 0);
    run("COMMIT");
    expect("", "SELECT property, value FROM art_info('t') WHERE property = 'at commit'");
    ck_assert_int_eq(sql_info(db, "runs"), 1);
    ck_assert_int_eq(sql_info(db, "log rows"), 0);
    run("INSERT INTO t(path) VALUES('another')");
    command("flush");
    ck_assert_int_eq(sql_info(db, "runs"), 2);
    command("optimize");
    ck_assert_int_eq(sql_info(db, "runs"), 1);
    run("DELETE FROM t WHERE path > 'path/00100'");
    command("vacuum");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 101);
    expect("ok\n", "SELECT art_check('t')");
}

TEST(test_what_is_rolled_back_was_never_asked_for) {
    run("BEGIN");
    command("flush");
    run("ROLLBACK; INSERT INTO t(path) VALUES('1')");
    ck_assert_int_eq(sql_info(db, "runs"), 0);
    run("BEGIN; INSERT INTO t(path) VALUES('2'); SAVEPOINT s");
    command("optimize");
    run("INSERT INTO t(path) VALUES('3'); ROLLBACK TO s; COMMIT");
    ck_assert_int_eq(sql_info(db, "runs"), 0);
    run("SAVEPOINT s");
    command("flush");
    run("ROLLBACK TO s; RELEASE s");
    ck_assert_int_eq(sql_info(db, "runs"), 0);
    run("BEGIN");
    command("flush");
    run("SAVEPOINT s; INSERT INTO t(path) VALUES('3'); ROLLBACK TO s; RELEASE s; COMMIT");
    ck_assert_int_eq(sql_info(db, "runs"), 1);
    run("BEGIN; SAVEPOINT s; INSERT INTO t(path) VALUES('4')");
    command("flush");
    run("RELEASE s; COMMIT");
    ck_assert_int_eq(sql_info(db, "runs"), 2);
    expect("1\n2\n4\n", "SELECT path FROM t WHERE path < 'p'");
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

TEST(test_a_setting_is_kept_and_counts_at_once) {
    command("log_limit=1KB");
    run("INSERT INTO t(path, value) VALUES('long', zeroblob(2000))");
    ck_assert_int_eq(sql_info(db, "runs"), 1);
    int64_t share = sql_info(db, "cache limit");
    sqlite3 *other = sql_open(path);
    ck_assert_int_eq(sql_info(other, "cache limit"), share); /* of all together */
    command("cache=5MB");
    ck_assert_int_eq(sql_info(db, "cache limit"), share + (5 << 20));
    sql_close(other);
    ck_assert_int_eq(sql_info(db, "cache limit"), 5 << 20);
    command("cache=AUTO");
    ck_assert_int_eq(sql_info(db, "cache limit"), share);
    command("cache=5MB");
    sql_reopen();
    option_is(db, "option cache", "5242880\n");
    option_is(db, "option log_limit", "1024\n");
    ck_assert_int_eq(sql_info(db, "cache limit"), 5 << 20);
    run("INSERT INTO t(path, value) VALUES('longer', zeroblob(2000))");
    ck_assert_int_eq(sql_info(db, "log rows"), 0);
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property GLOB 'option * here'");
}

TEST(test_a_setting_belongs_to_its_transaction) {
    int64_t share = sql_info(db, "cache limit");
    ck_assert_int_ge(share, 8 << 20);
    run("BEGIN");
    command("cache=1MB");
    option_is(db, "option cache", "1048576\n");
    ck_assert_int_eq(sql_info(db, "cache limit"), 1 << 20);
    run("SAVEPOINT s");
    command("cache=2MB");
    command("log_limit=0");
    option_is(db, "option cache", "2097152\n");
    ck_assert_int_eq(sql_info(db, "cache limit"), 2 << 20);
    run("ROLLBACK TO s");
    option_is(db, "option cache", "1048576\n");
    option_is(db, "option log_limit", "auto\n");
    ck_assert_int_eq(sql_info(db, "cache limit"), 1 << 20);
    run("ROLLBACK");
    option_is(db, "option cache", "auto\n");
    ck_assert_int_eq(sql_info(db, "cache limit"), share);
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property GLOB 'option * here'");
    run("BEGIN");
    command("cache=3MB");
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE", "INSERT OR ROLLBACK INTO t(path) VALUES('path/00001')");
    ck_assert_int_eq(sql_info(db, "cache limit"), share);
}

TEST(test_another_connection_goes_by_a_setting_when_it_opens_the_table) {
    sqlite3 *other = sql_open(path);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t"), 500);
    command("spill_limit=8MB");
    option_is(other, "option spill_limit", "8388608\n");
    option_is(other, "option spill_limit here", "67108864\n");
    sql_run(other, "INSERT INTO t(t) VALUES('cache=7MB')"); /* changes no other setting back */
    option_is(db, "option spill_limit", "8388608\n");
    option_is(db, "option cache", "7340032\n");
    option_is(db, "option cache here", "auto\n");
    sql_close(other);
    other = sql_open(path);
    option_is(other, "option cache", "7340032\n");
    sql_expect(other, "0\n", "SELECT count(*) FROM art_info('t') WHERE property GLOB 'option * here'");
    sql_close(other);
}

/* A table that was made before 1.0 may have been given `io` and `direct`: they say nothing any more. */
TEST(test_the_environment_says_how_blobs_are_read_and_written) {
    if (sql_has_no_file("test_the_environment_says_how_blobs_are_read_and_written")) return;
    sql_ways(NULL, NULL);
    sql_reopen();
    command("flush");
    char *before = kept(sql_rows(db, "SELECT value FROM art_debug('t') WHERE property = 'io'"));
    run("PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE t USING "
        "art(path, value, io=pwrite, direct=off)' WHERE name = 't'; PRAGMA writable_schema=OFF");
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    run("INSERT INTO t_artstate VALUES('io', 'pwrite'), ('direct', 'sideways')");
    sql_reopen();
    option_is(db, "io", before);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_check('t')"), 0);
    sql_ways("pwrite", "off");
    sql_reopen();
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 500);
    option_is(db, "io", "pwrite\n");
    option_is(db, "direct", "no\n");
    sql_ways(NULL, NULL);
}

/* A refused COMMIT has done it already, and would do it again. */
TEST(test_what_is_taken_back_after_a_refused_commit_is_not_done) {
    for (int wanted = 0; wanted < 2; wanted++) {
        command("optimize");
        run("INSERT INTO t(path) VALUES('b%d')", wanted);
        command("flush");
        sqlite3 *other = sql_open(path);
        sqlite3_stmt *reader = sql_first_row(other, "SELECT path FROM t");
        run("BEGIN; INSERT INTO t(path) VALUES('c%d'); SAVEPOINT s", wanted);
        command("optimize");
        refuses(SQLITE_BUSY, "locked", "COMMIT");
        run("ROLLBACK TO s");
        if (wanted) command("optimize");
        sqlite3_finalize(reader);
        sql_close(other);
        run("COMMIT");
        expect(wanted ? "0\n" : "1\n", "SELECT value > 1 FROM art_debug('t') WHERE property = 'runs'");
        expect("ok\n", "SELECT art_check('t')");
    }
}

/* --- clean -------------------------------------------------------------------------------------------------------- */

static bool is_there(const char *file) {
    return access(file, F_OK) == 0;
}

static char *file_of(sqlite3 *on, const char *table) {
    char *file = kept(sql_rows(on, "SELECT value FROM art_info('%s') WHERE property = 'file'", table));
    file[strlen(file) - 1] = 0;
    return file;
}

/* A table with a file. */
static char *make_with_file(sqlite3 *on, const char *table) {
    sql_run(on, "CREATE VIRTUAL TABLE %s USING art", table);
    fill(on, table, 300);
    sql_run(on, "INSERT INTO %s(%s) VALUES('flush')", table, table);
    char *file = file_of(on, table);
    ck_assert_msg(is_there(file), "%s", file);
    return file;
}

/* The file of a table that is no more. */
static char *make_orphan(sqlite3 *on, const char *table) {
    char *file = make_with_file(on, table), *aside = TEXT("%s.aside", file);
    ck_assert_int_eq(link(file, aside), 0); /* a copy would be nobody's */
    sql_run(on, "DROP TABLE %s", table);
    ck_assert(!is_there(file));
    ck_assert_int_eq(rename(aside, file), 0);
    return file;
}

TEST(test_orphan_files_are_shown_and_removed) {
    char *mine = make_with_file(db, "u"), *first = make_orphan(db, "v"), *second = make_orphan(db, "w");
    char *expected = TEXT("%s\n%s\n", first, second);
    char *shown = kept(sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'orphan file' ORDER BY value"));
    ck_assert_str_eq(shown, expected);
    command("clean");
    ck_assert(is_there(mine) && !is_there(first) && !is_there(second));
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property GLOB '* file'");
    expect("ok|300|500\n", "SELECT art_check('u'), art_count('u', ''), art_count('t', '')");
    command("clean");
}

TEST(test_files_are_removed_only_by_a_commit) {
    char *file = make_orphan(db, "u");
    run("BEGIN");
    command("clean");
    ck_assert(is_there(file));
    run("ROLLBACK");
    ck_assert(is_there(file));
    run("BEGIN; SAVEPOINT s");
    command("clean");
    run("ROLLBACK TO s; COMMIT");
    ck_assert(is_there(file));
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(other, "SELECT path FROM t");
    run("BEGIN");
    command("clean");
    refuses(SQLITE_BUSY, "locked", "COMMIT");
    ck_assert(is_there(file));
    sqlite3_finalize(reader);
    run("COMMIT");
    ck_assert(!is_there(file));
    sql_close(other);
}

TEST(test_what_this_transaction_makes_or_drops_is_not_cleaned_away) {
    char *used = make_with_file(db, "u");
    run("BEGIN; DROP TABLE u");
    command("clean");
    run("ROLLBACK");
    ck_assert(is_there(used));
    expect("ok|300\n", "SELECT art_check('u'), art_count('u', '')");
    run("BEGIN; SAVEPOINT s; DROP TABLE u");
    command("clean");
    run("ROLLBACK TO s");
    command("clean");
    run("COMMIT");
    expect("ok|300\n", "SELECT art_check('u'), art_count('u', '')");

    run("BEGIN; CREATE VIRTUAL TABLE v USING art(spill_limit='8KB', log_limit='1KB', storage=file)");
    fill(db, "v", 2000);
    char *made = file_of(db, "v");
    ck_assert(is_there(made)); /* it has spilled */
    command("clean");
    run("COMMIT");
    expect("ok|2000\n", "SELECT art_check('v'), art_count('v', '')");

    run("BEGIN; DROP TABLE u");
    command("clean");
    run("COMMIT");
    ck_assert(!is_there(used) && is_there(made));
}

TEST(test_a_rolled_back_create_is_cleaned_up_after) {
    run("BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE v USING art(spill_limit='8KB', log_limit='1KB', storage=file)");
    fill(db, "v", 2000);
    char *made = file_of(db, "v");
    ck_assert(is_there(made));
    command("clean");
    run("ROLLBACK TO s");
    command("clean");
    run("COMMIT");
    ck_assert(!is_there(made));
}

/* b.db's name begins the names of its files, as does "a.db-x", which is what a table "x-..." of a.db would look
 * like. */
TEST(test_files_of_other_databases_stay) {
    char *names[] = {TEXT("%s/b.db", directory), TEXT("%s/a.db-x", directory)};
    char *live[2], *left[2];
    for (int i = 0; i < 2; i++) {
        sqlite3 *other = sql_open(names[i]);
        live[i] = make_with_file(other, "live");
        left[i] = make_orphan(other, "dropped");
        sql_close(other);
    }
    expect("", "SELECT * FROM art_info('t') WHERE property GLOB '* file'");
    command("clean");
    for (int i = 0; i < 2; i++) {
        ck_assert(is_there(live[i]) && is_there(left[i]));
        sqlite3 *other = sql_open(names[i]);
        sql_expect(other, "ok\n", "SELECT art_check('live')");
        sql_run(other, "INSERT INTO live(live) VALUES('clean')");
        ck_assert(is_there(live[i]) && !is_there(left[i]));
        sql_close(other);
    }
}

TEST(test_a_copied_database_cleans_nothing_of_the_originals) {
    char *copy = TEXT("%s/copy.db", directory), *folder = TEXT("%s/copies", directory);
    char *twin = TEXT("%s/a.db", folder);
    char *live = make_with_file(db, "u"), *left = make_orphan(db, "v");
    char *live_twin = TEXT("%s/%s", folder, strrchr(live, '/') + 1);
    char *left_twin = TEXT("%s/%s", folder, strrchr(left, '/') + 1);
    sql_close(db);
    sql_copy_file(path, copy);
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    sql_copy_file(path, twin);
    sql_copy_file(live, live_twin);
    sql_copy_file(left, left_twin);
    sqlite3 *other = sql_open(copy);
    sql_run(other, "DROP TABLE u; INSERT INTO t(t) VALUES('clean')");
    sql_close(other);
    other = sql_open(twin); /* what was copied with it names the original */
    sql_run(other, "INSERT INTO t(t) VALUES('clean')");
    sql_expect(other, "ok\n", "SELECT art_check('u')");
    sql_close(other);
    ck_assert(is_there(live) && is_there(left) && is_there(live_twin) && is_there(left_twin));
    db = sql_open(path);
    command("clean");
    ck_assert(is_there(live) && !is_there(left) && is_there(live_twin) && is_there(left_twin));
    expect("ok\n", "SELECT art_check('u')");
    sql_scratch_remove(folder);
}

TEST(test_what_only_has_such_a_name_is_shown_and_left) {
    char *real = make_orphan(db, "v");
    char *names[5];
    for (int i = 0; i < 5; i++) names[i] = TEXT("%s-%d-%08x.art", path, i, i);
    char *elsewhere = TEXT("%s/elsewhere", directory);
    ck_assert_int_eq(rename(real, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, real), 0);     /* a link to one of ours */
    ck_assert_int_eq(mkdir(names[0], 0755), 0);        /* a folder */
    ck_assert_int_eq(symlink(names[0], names[1]), 0);  /* a link to a folder */
    ck_assert_int_eq(close(creat(names[2], 0644)), 0); /* empty */
    sql_copy_file(elsewhere, names[3]);                /* one of ours under the digits of another id */
    sql_copy_file(elsewhere, names[4]);
    ck_assert_int_eq(truncate(names[4], 5000), 0); /* cut */
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'");
    expect("6\n", "SELECT count(*) FROM art_info('t') WHERE property = 'unknown file'");
    command("clean");
    ck_assert(is_there(elsewhere));
    struct stat status;
    ck_assert(lstat(real, &status) == 0 && S_ISLNK(status.st_mode));
    for (int i = 0; i < 5; i++) ck_assert_msg(lstat(names[i], &status) == 0, "%s", names[i]);
    ck_assert_int_eq(unlink(real), 0);
    ck_assert_int_eq(rename(elsewhere, real), 0);
    if (geteuid() != 0) {
        ck_assert_int_eq(chmod(real, 0), 0);
        command("clean");
        ck_assert(is_there(real));
        expect("1\n",
               "SELECT count(*) FROM art_info('t') WHERE property = 'unknown file' AND value GLOB '*right to read*'");
        ck_assert_int_eq(chmod(real, 0644), 0);
    }
    command("clean");
    ck_assert(!is_there(real));
    rmdir(names[0]);
}

TEST(test_a_table_that_has_lost_its_id_stops_the_cleaning) {
    char *used = make_with_file(db, "u"), *left = make_orphan(db, "v");
    run("CREATE TABLE plain_artstate(k, v); INSERT INTO plain_artstate VALUES('id', 5); CREATE TABLE x_artstate(y);"
        "CREATE TABLE keep AS SELECT * FROM u_artstate WHERE k = 'id'; DELETE FROM u_artstate WHERE k = 'id'");
    refuses(SQLITE_CORRUPT_VTAB, "main.u_artstate", "INSERT INTO t(t) VALUES('clean')");
    ck_assert(is_there(used) && is_there(left));
    run("INSERT INTO u_artstate SELECT * FROM keep");
    command("clean");
    ck_assert(is_there(used) && !is_there(left));
    expect("ok\n", "SELECT art_check('u')");
}

/* From now on the process dies, or the call fails, where a file is removed. */
static bool forbid_unlink(unsigned action) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __NR_unlink
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_unlink, 1, 0),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_unlinkat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LENGTH(code), code};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

enum { CHILD_DONE = 0, CHILD_NO_FILTER = 77 };

static int drop_in_child(const char *statement, unsigned action) {
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *own = sql_open(path);
        sql_run(own, "SELECT count(*) FROM u");
        if (!forbid_unlink(action)) _exit(CHILD_NO_FILTER);
        int rc = sql_try(own, "%s", statement);
        _exit(rc == SQLITE_OK ? CHILD_DONE : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

TEST(test_a_drop_that_died_before_its_file_was_removed_leaves_work_for_clean) {
    run("PRAGMA journal_mode=WAL"); /* where a commit removes no file itself */
    char *file = make_with_file(db, "u");
    sql_close(db); /* no connection of the parent's goes into the child */
    int status = drop_in_child("DROP TABLE u", SECCOMP_RET_KILL_PROCESS);
    db = sql_open(path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NO_FILTER) {
        printf("skipped: this kernel has no seccomp filters\n");
    } else {
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %x", (unsigned)status);
        expect("0\n", "SELECT count(*) FROM sqlite_schema WHERE name = 'u'");
        ck_assert(is_there(file));
        expect("1\n", "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'");
        command("clean");
        ck_assert(!is_there(file));
    }
}

TEST(test_a_file_that_cannot_be_removed_stays_for_later) {
    run("PRAGMA journal_mode=WAL");
    char *file = make_with_file(db, "u");
    sql_close(db);
    int status = drop_in_child("DROP TABLE u; INSERT INTO t(t) VALUES('clean'); SELECT * FROM t",
                               SECCOMP_RET_ERRNO | 1 /* EPERM */);
    db = sql_open(path);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_NO_FILTER) {
        printf("skipped: this kernel has no seccomp filters\n");
    } else {
        ck_assert_int_eq(WEXITSTATUS(status), CHILD_DONE);
        ck_assert(is_there(file));
        command("clean");
        ck_assert(!is_there(file));
    }
}

TEST(test_cleaning_disturbs_no_other_connection) {
    run("PRAGMA journal_mode=WAL");
    make_with_file(db, "u");
    char *left = make_orphan(db, "v");
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(other, "SELECT path FROM u");
    command("clean");
    ck_assert(!is_there(left));
    int rows = 1;
    while (sqlite3_step(reader) == SQLITE_ROW) rows++;
    ck_assert_int_eq(rows, 300);
    sqlite3_finalize(reader);
    sql_run(other, "BEGIN IMMEDIATE");
    refuses(SQLITE_BUSY, "locked", "INSERT INTO t(t) VALUES('clean')");
    sql_run(other, "COMMIT");
    sql_close(other);
}

/* --- what is said of them ----------------------------------------------------------------------------------------- */

TEST(test_readme_describes_every_command) {
    ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('?')"), SQLITE_ERROR);
    const char *known = strstr(sqlite3_errmsg(db), "known are ");
    ck_assert_ptr_nonnull(known);
    char *list = TEXT("%s", known + strlen("known are "));
    const char *readme = readme_text();
    for (char *rest = list, *name; (name = strtok_r(rest, ",", &rest));) {
        name += strspn(name, " ");
        int len = (int)strcspn(name, "="); /* settings stand in the table of options */
        char *row = TEXT("| `%.*s", len, name);
        ck_assert_msg(strstr(readme, row) != NULL, "the documents' tables have no row for %s", name);
    }
}

/* 'clean' must never remove a file that a table needs: databases that change places, authorizers that hide tables. */

static void move_database(const char *from, const char *to) {
    sql_close(db);
    ck_assert_int_eq(rename(from, to), 0);
}

CASE("clean", .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* Someone puts a database aside, tries another one in its place, cleans up there, and takes the first one back. */
TEST(test_a_database_that_was_put_aside_keeps_its_file) {
    char *aside = TEXT("%s/aside.db", directory), *other = TEXT("%s/other.db", directory);
    make_with_file(db, "t");
    move_database(path, aside);
    db = sql_open(path);
    make_with_file(db, "n");
    expect("0\n", "SELECT count(*) FROM art_info('n') WHERE property = 'orphan file'");
    expect("1\n",
           "SELECT count(*) FROM art_info('n') WHERE property = 'unknown file' AND value GLOB '*stood in this place*'");
    run("INSERT INTO n(n) VALUES('clean')");
    expect("ok|300\n", "SELECT art_check('n'), art_count('n', '')");
    move_database(path, other);
    ck_assert_int_eq(rename(aside, path), 0);
    db = sql_open(path);
    expect("ok|300\n", "SELECT art_check('t'), art_count('t', '')");
}

/* What the first 'clean' asked for lasts, what the second one saw does not. */
TEST(test_a_drop_that_is_taken_back_keeps_its_file) {
    make_with_file(db, "t");
    make_with_file(db, "u");
    run("BEGIN; INSERT INTO t(t) VALUES('clean'); SAVEPOINT s; DROP TABLE u; INSERT INTO t(t) VALUES('clean');"
        "ROLLBACK TO s; COMMIT");
    expect("ok|300\n", "SELECT art_check('u'), art_count('u', '')");
    run("BEGIN; INSERT INTO t(t) VALUES('clean'); SAVEPOINT s; DROP TABLE u; INSERT INTO t(t) VALUES('clean');"
        "ROLLBACK TO s; DROP TABLE t; COMMIT");
    expect("ok|300\n", "SELECT art_check('u'), art_count('u', '')");
}

/* A copy without its file finds another name; what it wrote there and took back is left over, until it takes that
 * name. */
TEST(test_a_name_that_is_taken_with_the_same_commit_is_in_use) {
    if (sql_has_no_file("clean")) return;
    char *copy = TEXT("%s/a.db2", directory);
    static const char some[] = "INSERT INTO t(path) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) "
                               "SELECT printf('path/%05d', i) FROM n";
    run("CREATE VIRTUAL TABLE t USING art; INSERT INTO t(t) VALUES('spill_limit=1MB')");
    sql_copy_file(path, copy);
    run("INSERT INTO t VALUES('a', 1); INSERT INTO t(t) VALUES('flush')");
    sql_close(db);
    db = sql_open(copy);
    run("BEGIN");
    run("%s", some);
    run("ROLLBACK");
    sql_close(db);
    db = sql_open(copy);
    expect("1\n", "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'");
    run("BEGIN; INSERT INTO t(t) VALUES('clean'); INSERT INTO t VALUES('a', 1);"
        "INSERT INTO t(t) VALUES('flush'); COMMIT");
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property = 'orphan file'");
    sql_close(db);
    db = sql_open(copy);
    expect("ok|1\n", "SELECT art_check('t'), art_count('t', '')");
}

/* --- authorizers that hide without an error ----------------------------------------------------------------------- */

struct veil {
    int action;
    const char *table, *column; /* NULL: any */
    const char *denied;         /* a table that may not even be read */
};

static int authorize(void *context, int action, const char *one, const char *two, const char *schema, const char *by) {
    const struct veil *veil = context;
    if (veil->denied && action == SQLITE_READ && one && !strcmp(one, veil->denied)) return SQLITE_DENY;
    if (action != veil->action) return SQLITE_OK;
    if (veil->table && (!one || strcmp(one, veil->table) != 0)) return SQLITE_OK;
    return veil->column && (!two || strcmp(two, veil->column) != 0) ? SQLITE_OK : SQLITE_IGNORE;
}

TEST(test_tables_that_an_authorizer_hides_keep_their_files) {
    static const struct veil veils[] = {{SQLITE_READ, "sqlite_master", NULL, NULL},
                                        {SQLITE_READ, "sqlite_master", "name", NULL},
                                        {SQLITE_READ, "sqlite_master", "type", NULL},
                                        {SQLITE_READ, "sqlite_master", "rootpage", NULL},
                                        {SQLITE_READ, "u_artstate", NULL, NULL},
                                        {SQLITE_READ, "u_artstate", "k", NULL},
                                        {SQLITE_READ, "u_artstate", "v", NULL},
                                        {SQLITE_READ, "u_artstate", NULL, "u"},
                                        {SQLITE_READ, "u_artstate", "k", "u"},
                                        {SQLITE_READ, "u_artstate", "v", "u"},
                                        {SQLITE_SELECT, NULL, NULL, NULL}};
    make_with_file(db, "t");
    make_with_file(db, "u");
    for (size_t i = 0; i < LENGTH(veils); i++) {
        sql_reopen();
        sqlite3_set_authorizer(db, authorize, (void *)&veils[i]);
        int rc = sqlite3_exec(db, "INSERT INTO t(t) VALUES('clean')", NULL, NULL, NULL);
        ck_assert_msg(rc != SQLITE_OK, "veil %zu: 'clean' saw nothing wrong", i);
        sqlite3_set_authorizer(db, NULL, NULL);
        expect("ok|ok\n", "SELECT art_check('t'), art_check('u')");
    }
    run("CREATE TABLE any_artstate(k, v); CREATE TABLE none_artstate(x); INSERT INTO any_artstate VALUES('a', NULL), "
        "(1, 2); INSERT INTO t(t) VALUES('clean')");
    expect("ok|ok\n", "SELECT art_check('t'), art_check('u')");
}

static void put_file(const char *end) {
    FILE *file = fopen(TEXT("%s-%s", path, end), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
}

TEST(test_files_that_are_only_nearly_called_so_are_nobodys) {
    TEXTS(names, "t+01234567.art", "t-0123456g.art", "t-0123456.art", "t-ABCDEF01.art", "t-01234567.arx",
          "t-01234567.art.old");
    make_with_file(db, "t");
    for (size_t i = 0; i < LENGTH(names); i++) put_file(names[i]);
    expect("", "SELECT property FROM art_info('t') WHERE property GLOB '* file'");
    put_file("t-01234567.art");
    expect("unknown file\n", "SELECT property FROM art_info('t') WHERE property GLOB '* file'");
    run("INSERT INTO t(t) VALUES('clean')");
    expect("unknown file\n", "SELECT property FROM art_info('t') WHERE property GLOB '* file'");
    for (size_t i = 0; i < LENGTH(names); i++) {
        char *name = TEXT("%s-%s", path, names[i]);
        ck_assert_msg(!access(name, F_OK), "%s is gone", name);
    }
}

SUITE("sql_commands", .seconds = 60, .set_up = set_up, .tear_down = sql_tear_down)
