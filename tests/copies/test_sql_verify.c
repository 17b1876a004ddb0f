/* art_verify(): fails where a copy is not whole and sound, with each table's first problem and what to do, and says
 * 'ok' and what is still to come where it is. (What each way to copy leaves: test_copies.c. What a check finds:
 * test_sql_check.c.)
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/sql_one.h"

/* f has a file, i is inline. */
static void set_up(void) {
    sql_set_up();
    sql_run(db,
            "PRAGMA synchronous=OFF; CREATE TABLE plain(x); INSERT INTO plain VALUES(1), (2);"
            "CREATE VIRTUAL TABLE f USING art(path, value, storage=file);"
            "CREATE VIRTUAL TABLE i USING art(path, value, storage=inline);"
            "INSERT INTO f SELECT printf('d%%d/%%06d', i %% 50, i), 'value ' || i FROM (WITH n(i) AS (SELECT 1 UNION "
            "ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i FROM n); INSERT INTO i SELECT path, value FROM f;"
            "INSERT INTO f(f) VALUES('flush'); INSERT INTO i(i) VALUES('flush')");
}

static void is_refused(const char *words) {
    sql_refused(db, SQLITE_CORRUPT_VTAB, words, "SELECT art_verify()");
}

static void damage_file(void) {
    char *file = kept(sql_find_file(directory, ".art"));
    int fd = open(file, O_RDWR);
    ck_assert_int_eq(pwrite(fd, "damage", 6, (512 << 10) + 100), 6);
    close(fd);
}

/* --- ok ----------------------------------------------------------------------------------------------------------- */

TEST(test_a_sound_database_is_ok_and_its_tables_are_counted) {
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify('main')");
    sql_run(db, "DROP TABLE i");
    sql_expect(db, "ok: 1 art table\n", "SELECT art_verify()");
    sql_run(db, "DROP TABLE f");
    sql_expect(db, "ok: 0 art tables\n", "SELECT art_verify()");
    sql_expect(db, "\n", "SELECT art_verify(NULL)");
}

TEST(test_an_attached_database_and_temp_are_verified_by_their_names) {
    sql_run(db,
            "ATTACH '%q/other.db' AS other; CREATE VIRTUAL TABLE other.o USING art(path, value, storage=inline);"
            "CREATE VIRTUAL TABLE temp.m USING art; INSERT INTO m VALUES('a', 1);"
            "ATTACH ':memory:' AS \"a \"\"b\"; CREATE VIRTUAL TABLE \"a \"\"b\".m USING art",
            directory);
    sql_expect(db, "ok: 1 art table|ok: 1 art table|ok: 1 art table\n",
               "SELECT art_verify('other'), art_verify('temp'), art_verify('a \"b')");
    sql_run(db, "DELETE FROM other.o_artstate");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_refused(db, SQLITE_CORRUPT_VTAB, "art: other.o: 'format' is missing", "SELECT art_verify('other')");
    sql_refused(db, SQLITE_ERROR, "there is no database of that name (nowhere)", "SELECT art_verify('nowhere')");
}

TEST(test_a_file_that_more_may_read_than_the_database_is_named) {
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(chmod(file, 0640), 0);
    char *answer = TEXT("ok: 2 art tables; users who may not read the database may read %s: write to the "
                        "table, or chmod it\n",
                        file);
    sql_expect(db, answer, "SELECT art_verify()");
    ck_assert_int_eq(chmod(path, 0640), 0);
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    ck_assert_int_eq(chmod(path, 0600), 0);
    sql_run(db, "INSERT INTO f VALUES('new', 1); INSERT INTO f(f) VALUES('flush')");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    if (!geteuid() && !chown(file, 12345, 0)) {
        sql_expect(db, "1\n", "SELECT art_verify() GLOB 'ok: 2 art tables; users who may not read *'");
    }
}

/* Any copy has its rows today, and none of the database alone will. */
TEST(test_a_table_that_has_no_file_yet_is_announced) {
    sql_run(db,
            "DROP TABLE f; DROP TABLE i; CREATE VIRTUAL TABLE little USING art(path, value, storage=file); INSERT INTO "
            "little VALUES('a', 1);"
            "CREATE VIRTUAL TABLE inside USING art(path, value, storage=inline); INSERT INTO inside VALUES('a', 1)");
    sql_expect(
        db,
        "ok: 2 art tables; little will have an .art file beside the database when it outgrows the log: until then "
        "a copy of the database alone is whole, from then on it is not\n",
        "SELECT art_verify()");
    sql_run(db, "CREATE VIRTUAL TABLE more USING art(path, value, storage=file)");
    sql_expect(
        db, "1\n",
        "SELECT art_verify() GLOB 'ok: 3 art tables; little, more will have their .art files beside the database "
        "when they outgrow the log: *'");
    sql_run(db, "INSERT INTO little(little) VALUES('flush'); DROP TABLE more");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    for (int i = 0; i < 12; i++) sql_run(db, "CREATE VIRTUAL TABLE t%d USING art(path, storage=file)", i);
    sql_expect(db, "1\n", "SELECT art_verify() GLOB 'ok: 14 art tables; t0, *, t9, ... will have *'");
}

LOOP_TEST(test_what_may_only_be_read_is_verified, 2) {
    sql_close(db);
    char *name = TEXT("file:%s?%s", path, _i ? "immutable=1" : "mode=ro");
    ck_assert_int_eq(chmod(path, 0444), 0);
    ck_assert_int_eq(chmod(directory, 0500), 0);
    db = sql_open_flags(name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_close(db);
    ck_assert_int_eq(chmod(directory, 0700), 0);
    damage_file();
    db = sql_open_flags(name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    is_refused("main.f: ");
}

TEST(test_it_sees_one_snapshot_and_what_the_transaction_has_changed) {
    sqlite3 *other = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL; BEGIN; SELECT count(*) FROM f");
    sql_run(other, "DELETE FROM f WHERE path GLOB 'd1*'; INSERT INTO f(f) VALUES('optimize')");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_run(db, "COMMIT; BEGIN; INSERT INTO f VALUES('x', zeroblob(20000)); SAVEPOINT s; DELETE FROM i");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_run(db, "ROLLBACK TO s");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_run(db, "COMMIT");
    sql_close(other);
}

/* --- not ok ------------------------------------------------------------------------------------------------------- */

TEST(test_each_table_has_its_first_problem_in_a_line_of_its_own) {
    sql_run(
        db,
        "CREATE VIRTUAL TABLE g USING art(path, storage=file); CREATE VIRTUAL TABLE h USING art(path, storage=file);"
        "DELETE FROM g_artdata; DROP TABLE h_artstate; UPDATE i_artstate SET v = 'much' WHERE k = 'cache';"
        "UPDATE i_artstate SET v = 'all' WHERE k = 'storage'");
    sql_close(db);
    damage_file();
    db = sql_open(path);
    ck_assert_int_eq(sql_try(db, "SELECT art_verify()"), SQLITE_CORRUPT_VTAB);
    char *said = TEXT("%s\n", sqlite3_errmsg(db)), *line = said;
    static const char *const lines[] = {
        "art: main.f: the page's hash is not that of the blob's trailer (*.art*): restore *",
        "art: main.i: 'cache' is not valid: *", "art: main.g: *not even row 0*: restore *",
        "art: main.h: cannot read *: restore *"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *end = strchr(line, '\n');
        ck_assert_ptr_nonnull(end);
        *end = 0;
        ck_assert_msg(!sqlite3_strglob(lines[i], line), "%s\nis not %s", line, lines[i]);
        line = end + 1;
    }
    ck_assert_str_eq(line, "");
    ck_assert_int_eq(sql_try(db, "SELECT 1"), 0); /* what it found is nobody else's error */
}

TEST(test_many_problems_are_cut_short) {
    for (int i = 0; i < 13; i++) {
        sql_run(db, "CREATE VIRTUAL TABLE t%d USING art(path, storage=file); DELETE FROM t%d_artstate", i, i);
    }
    is_refused("main.t9: ");
    is_refused("\nart: and 3 more");
}

TEST(test_a_copy_without_its_file_says_how_to_copy) {
    sql_close(db);
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_int_eq(unlink(file), 0);
    db = sql_open(path);
    is_refused("art: main.f: the .art file is missing");
    is_refused("\nart: a copy of the database alone lacks the .art files: copy by art_backup()");
}

TEST(test_shadow_tables_without_their_table_are_found) {
    sql_run(db, "CREATE TABLE mine_artstate(a)");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()"); /* somebody's own */
    sql_run(db, "CREATE TABLE mine_artdata(a)");
    is_refused("main.mine: the table is not there, its shadow tables are (mine_artstate)");
    sql_run(db, "DROP TABLE mine_artdata");
    sql_run(db, "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name = 'i'");
    sql_reopen();
    is_refused("main.i: the table is not there");
}

/* --- the ordinary tables ------------------------------------------------------------------------------------------ */

/* As a copy that was made while somebody wrote may have it. quick_check says ok. */
TEST(test_an_index_that_is_not_its_tables_is_found) {
    sql_run(db,
            "CREATE TABLE pair(a, b); CREATE INDEX pair_a ON pair(a); INSERT INTO pair VALUES(1, 2);"
            "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX pair_a ON pair(b)' WHERE name = "
            "'pair_a'");
    sql_reopen();
    sql_expect(db, "ok\n", "PRAGMA quick_check");
    is_refused("art: main: SQLite's own pages are damaged (PRAGMA integrity_check: row 1 missing from index pair_a)");
}

/* A shell that verifies has not what the application registers. */
TEST(test_a_collation_that_is_not_there_keeps_no_art_table_from_being_verified) {
    sqlite3_create_collation(db, "mine", SQLITE_UTF8, NULL, sql_compare_bytes);
    sql_run(db, "CREATE TABLE more(a TEXT COLLATE mine CHECK(a > 'b')); INSERT INTO more VALUES('c');"
                "CREATE INDEX more_a ON more(a)");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
    sql_reopen();
    char *said = kept(sql_rows(db, "SELECT art_verify()"));
    ck_assert_msg(!strcmp(said, "ok: 2 art tables\n") ||
                      !sqlite3_strglob("ok: 2 art tables; the database's own pages were not checked: *mine\n", said),
                  "%s", said);
    sqlite3_create_collation(db, "mine", SQLITE_UTF8, NULL, sql_compare_bytes);
    sql_run(db, "CREATE VIRTUAL TABLE c USING art(path, a COLLATE mine, storage=inline)");
    sql_reopen();
    is_refused("cannot open the table (main.c): "); /* its rows cannot be looked at */
}

LOOP_TEST(test_a_check_that_is_not_authorized_is_said_to_be_left_out, 2) {
    sql_forbid(db, _i ? SQLITE_IGNORE : SQLITE_DENY, SQLITE_PRAGMA, "integrity_check", NULL);
    sql_expect(db, "ok: 2 art tables; the database's own pages were not checked: not authorized\n",
               "SELECT art_verify()");
}

/* --- who may, and what is in the way ------------------------------------------------------------------------------ */

TEST(test_pages_of_the_original_in_memory_do_not_stand_for_those_of_a_copy) {
    sql_run(db, "SELECT art_backup('%q/copy.db'); SELECT * FROM i; SELECT * FROM f; ATTACH '%q/copy.db' AS copy",
            directory, directory);
    sql_run(db, "UPDATE copy.i_artblob SET data = zeroblob(length(data))");
    sql_refused(db, SQLITE_CORRUPT_VTAB, "the table of blobs", "SELECT art_verify('copy')");
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
}

TEST(test_no_schema_begins_it) {
    sql_run(db, "PRAGMA trusted_schema=ON; CREATE VIEW v AS SELECT art_verify()");
    sql_refused(db, SQLITE_ERROR, "unsafe use of art_verify", "SELECT * FROM v");
}

TEST(test_a_locked_database_is_busy_and_not_damaged) {
    sqlite3 *other = sql_open(path);
    sql_run(other, "BEGIN EXCLUSIVE");
    sql_refused(db, SQLITE_BUSY, "locked", "SELECT art_verify()");
    sql_run(other, "COMMIT");
    sql_close(other);
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
}

static int interrupted(void *left) {
    return --*(int *)left < 0;
}

TEST(test_an_interrupt_anywhere_is_an_interrupt) {
    int rc = SQLITE_INTERRUPT, count = 0;
    for (int steps = 1; rc; steps += 1 + steps / 8, count++) {
        int left = steps;
        sqlite3_progress_handler(db, 1, interrupted, &left);
        rc = sql_try(db, "SELECT art_verify()");
        ck_assert_msg(rc == 0 || rc == SQLITE_INTERRUPT, "%d after %d steps: %s", rc, steps, sqlite3_errmsg(db));
    }
    sqlite3_progress_handler(db, 0, NULL, NULL);
    ck_assert_int_gt(count, 20);
    sql_expect(db, "ok: 2 art tables\n", "SELECT art_verify()");
}

/* An SQLITE_IOERR would. */
TEST(test_a_transaction_outlives_what_it_finds) {
    sql_close(db);
    damage_file();
    db = sql_open(path);
    sql_run(db, "BEGIN; INSERT INTO plain VALUES(3)");
    is_refused("main.f: ");
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
    sql_run(db, "COMMIT");
    sql_expect(db, "3\n", "SELECT count(*) FROM plain");
}

/* --- in a script -------------------------------------------------------------------------------------------------- */

TEST(test_a_script_goes_by_the_exit_code) {
    const char *extension = sql_extension_elsewhere();
    if (!extension || sql_shell("sqlite3 :memory: 'SELECT 1' >/dev/null 2>&1")) {
        puts("SKIPPED test_a_script_goes_by_the_exit_code: the shell sqlite3 cannot be had here");
        return;
    }
    static const char *const good = "test \"$(sqlite3 %s '.load \"%s\"' 'SELECT art_verify()')\" = 'ok: 2 art tables'";
    static const char *const bad = "! sqlite3 %s '.load \"%s\"' 'SELECT art_verify()' >out 2>&1 && grep -q '%s' out";
    ck_assert_int_eq(sql_shell(good, "a.db", extension), 0);
    ck_assert_int_eq(sql_shell("sqlite3 a.db '.load \"%s\"' \"SELECT art_backup('copy.db')\" >out", extension), 0);
    ck_assert_int_eq(sql_shell("grep -Eq '^copy.db: 2 art tables, [0-9]+ bytes in 2 files$' out"), 0);
    ck_assert_int_eq(sql_shell(good, "copy.db", extension), 0);
    ck_assert_int_eq(sql_shell("! sqlite3 a.db '.load \"%s\"' \"SELECT art_backup('copy.db')\" 2>out", extension), 0);
    ck_assert_int_eq(sql_shell("grep -q 'must be a new file' out"), 0);
    ck_assert_int_eq(sql_shell("sqlite3 a.db \".backup 'b.db'\" && sqlite3 a.db \"VACUUM INTO 'c.db'\""), 0);
    ck_assert_int_eq(sql_shell(bad, "b.db", extension, "main.f: the .art file is that of another database"), 0);
    ck_assert_int_eq(sql_shell(bad, "c.db", extension, "main.f: the .art file is that of another database"), 0);
    ck_assert_int_eq(sql_shell(bad, "misspelt.db", extension, "nothing in this database"), 0);
}

/* --- a database that is older than its file ----------------------------------------------------------------------- */

static void flush_another(sqlite3 *writer) {
    sql_run(writer, "BEGIN; INSERT INTO f(path) VALUES(hex(randomblob(8))); INSERT INTO f(f) VALUES('flush'); COMMIT");
}

TEST(test_a_database_that_was_restored_alone_is_told_until_it_is_adopted) {
    char *before = TEXT("%s/before", directory);
    sql_close(db);
    sql_copy_file(path, before);
    db = sql_open(path);
    for (int i = 0; i < 3; i++) flush_another(db);
    sql_close(db);
    sql_copy_file(before, path);
    db = sql_open(path);
    for (int i = 0; i < 2; i++) {
        is_refused("main.f: the database is 3 commits behind its .art file");
        expect("1\n", "SELECT art_check('f') LIKE '%the database is 3 commits behind its .art file%'");
        expect("ok\n", "SELECT art_check('i')");
        sql_reopen();
    }
    expect("ok\n", "PRAGMA integrity_check"); /* it is no damage */
    sql_run(db, "INSERT INTO f(f) VALUES('adopt')");
    expect("ok|ok: 2 art tables\n", "SELECT art_check('f'), art_verify()");
    flush_another(db);
    expect("ok|ok: 2 art tables|3001\n", "SELECT art_check('f'), art_verify(), (SELECT count(*) FROM f)");
}

static int commits_left;

static int commit_now(void *other) {
    if (commits_left > 0 && commits_left--) flush_another(other);
    return 0;
}

/* The copies of the root are always of the latest commit, and a snapshot is not. */
LOOP_TEST(test_commits_of_others_are_not_taken_for_lost_ones, 2) {
    sql_run(db, "PRAGMA journal_mode=WAL");
    sqlite3 *other = sql_open(path);
    sql_run(db, "BEGIN; SELECT count(*) FROM f");
    flush_another(other);
    expect("ok|ok: 2 art tables\n", "SELECT art_check('f'), art_verify()");
    sql_run(db, "COMMIT");
    commits_left = 40;
    sqlite3_progress_handler(db, 1, commit_now, other);
    char *said = kept(sql_rows(db, _i ? "SELECT art_verify()" : "SELECT art_check('f')"));
    sqlite3_progress_handler(db, 0, NULL, NULL);
    ck_assert_int_lt(commits_left, 40);
    ck_assert_str_eq(said, _i ? "ok: 2 art tables\n" : "ok\n");
    sql_close(other);
}

static struct {
    sqlite3 *other;
    const char *happens;
    int step;
} meanwhile;

/* Another connection flushes when the table is first looked at, and drops or renames it before the second look. */
static int act_meanwhile(unsigned what, void *unused, void *statement, void *text) {
    if (meanwhile.step == 0 && strstr(text, "artstate")) {
        meanwhile.step++;
        flush_another(meanwhile.other);
    } else if (meanwhile.step == 1 && strstr(text, "integrity_check")) {
        meanwhile.step++;
        sql_run(meanwhile.other, "%s", meanwhile.happens);
    }
    return 0;
}

LOOP_TEST(test_a_table_that_is_dropped_or_renamed_meanwhile_is_not_behind, 3) {
    static const char again[] = "DROP TABLE f; CREATE VIRTUAL TABLE f USING art(path, storage=file);"
                                "INSERT INTO f VALUES('a'); INSERT INTO f(f) VALUES('flush')";
    static const char *const happenings[] = {again, "DROP TABLE f", "ALTER TABLE f RENAME TO g"};
    sql_run(db, "PRAGMA journal_mode=WAL");
    for (int i = 0; i < 10; i++) flush_another(db);
    meanwhile.other = sql_open(path);
    meanwhile.happens = happenings[_i];
    meanwhile.step = 0;
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, act_meanwhile, NULL);
    expect("ok: 2 art tables\n", "SELECT art_verify()");
    sqlite3_trace_v2(db, 0, NULL, NULL);
    ck_assert_int_eq(meanwhile.step, 2);
    sql_close(meanwhile.other);
}

/* The file's copy is written when the commit is over. */
TEST(test_a_transaction_that_was_not_committed_leaves_no_newer_root) {
    sqlite3 *other = sql_open(path);
    sql_run(db, "BEGIN; INSERT INTO f(path) VALUES('gone'); INSERT INTO f(f) VALUES('optimize'); ROLLBACK");
    expect("ok|ok: 2 art tables\n", "SELECT art_check('f'), art_verify()");
    sql_run(other, "BEGIN; SELECT count(*) FROM plain");
    sql_run(db, "BEGIN; INSERT INTO f(path) VALUES('gone'); INSERT INTO f(f) VALUES('optimize')");
    refuses(SQLITE_BUSY, "", "COMMIT");
    sql_run(db, "ROLLBACK");
    sql_close(other);
    expect("ok|ok: 2 art tables\n", "SELECT art_check('f'), art_verify()");
}

SUITE("verify", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
