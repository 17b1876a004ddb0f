/* art_backup() of databases of every kind: encodings, page sizes, VFSs, rights, connections that may not write; what
 * the caller's own transaction and authorizer say; and names that are taken.
 */
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/sql_one.h"

static void make(const char *storage) {
    sql_run(db,
            "PRAGMA synchronous=OFF; CREATE VIRTUAL TABLE t USING art(path, value, storage=%s); INSERT INTO t SELECT "
            "printf('%%06d', i), i FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT i "
            "FROM n); INSERT INTO t(t) VALUES('flush');"
            "INSERT INTO t VALUES('log', 1)",
            storage);
}

static void is_whole(const char *name) {
    sqlite3 *copy = sql_open(name);
    sql_expect(copy, "3001|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_run(copy, "INSERT INTO t VALUES('more', 1); INSERT INTO t(t) VALUES('optimize')");
    sql_expect(copy, "3002|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_expect(copy, "ok\n", "PRAGMA integrity_check");
    sql_close(copy);
}

static void back_up(void) {
    sql_run(db, "SELECT art_backup(%Q)", copy_path);
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

LOOP_TEST(test_page_sizes_are_kept, 8) {
    static const int sizes[] = {512, 1024, 8192, 65536};
    sql_run(db, "PRAGMA page_size=%d; PRAGMA journal_mode=%s", sizes[_i / 2], _i % 2 ? "WAL" : "DELETE");
    make("file");
    back_up();
    is_whole(copy_path);
    sqlite3 *copy = sql_open(copy_path);
    ck_assert_int_eq(sql_int(copy, "PRAGMA page_size"), sizes[_i / 2]);
    sql_close(copy);
}

TEST(test_a_database_in_utf16_is_copied) {
    sql_run(db, "PRAGMA encoding='UTF-16'; CREATE TABLE x(a); INSERT INTO x VALUES('\u00fcml\u00e4ut')");
    back_up();
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "\u00fcml\u00e4ut\n", "SELECT a FROM x");
    sql_expect(copy, "ok\n", "PRAGMA integrity_check");
    sql_close(copy);
}

LOOP_TEST(test_an_exclusive_and_a_read_only_connection_copy, 4) {
    sql_run(db, "PRAGMA journal_mode=%s", _i % 2 ? "WAL" : "DELETE");
    make("file");
    if (_i / 2) {
        sql_close(db);
        db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    } else {
        sql_run(db, "PRAGMA locking_mode=EXCLUSIVE; INSERT OR REPLACE INTO t VALUES('log', 2)");
    }
    back_up();
    is_whole(copy_path);
}

static sqlite3_vfs wrapped;
static int (*open_below)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);
static int (*unlock_below)(sqlite3_file *, int);
static sqlite3_io_methods copys_methods;
static unsigned opened;
static bool had_journal; /* the copy, when its last lock was given up */

static int look_for_journal(sqlite3_file *file, int level) {
    char *journal = TEXT("%s-journal", copy_path);
    if (level == SQLITE_LOCK_NONE) had_journal = !access(journal, F_OK);
    return unlock_below(file, level);
}

static int count_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    int rc = open_below(vfs, name, file, flags, out);
    if (rc || !name || !strstr(name, "copy.db") || !(flags & SQLITE_OPEN_MAIN_DB)) return rc;
    opened++;
    copys_methods = *file->pMethods;
    unlock_below = copys_methods.xUnlock;
    copys_methods.xUnlock = look_for_journal;
    file->pMethods = &copys_methods;
    return SQLITE_OK;
}

static void wrap_vfs(void) {
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    if (open_below) return;
    wrapped = *below;
    wrapped.zName = "wrapped";
    open_below = below->xOpen;
    wrapped.xOpen = count_open;
    ck_assert_int_eq(sqlite3_vfs_register(&wrapped, 0), SQLITE_OK);
}

TEST(test_the_copy_goes_through_the_originals_vfs) {
    wrap_vfs();
    make("file");
    back_up();
    ck_assert_uint_eq(opened, 0);
    sql_run(db,
            "ATTACH 'file:%s/b.db?vfs=wrapped' AS b; CREATE VIRTUAL TABLE b.t USING art(path, value, storage=file);"
            "INSERT INTO b.t SELECT path, value FROM main.t; INSERT INTO b.t(t) VALUES('flush')",
            directory);
    char *second = TEXT("%s/copy.db.2", directory);
    sql_run(db, "SELECT art_backup(%Q, 'b')", second);
    ck_assert_uint_eq(opened, 1);
    is_whole(second);
}

/* A journal that is removed without the copy's lock may be that of a writer who has just begun. */
LOOP_TEST(test_the_copys_journal_is_removed_while_its_lock_is_held, 4) {
    wrap_vfs();
    sql_run(db, "ATTACH 'file:%s/b.db?vfs=wrapped' AS b; PRAGMA b.journal_mode=%s", directory,
            _i % 2 ? "WAL" : "DELETE");
    sql_run(db, "CREATE VIRTUAL TABLE b.t USING art(path, value, storage=file); INSERT INTO b.t VALUES('a', 1);"
                "INSERT INTO b.t(t) VALUES('flush')");
    if (_i / 2) sql_run(db, "SELECT art_backup(%Q, 'b'); INSERT INTO b.t VALUES('b', 2)", copy_path);
    had_journal = true;
    sql_run(db, "SELECT art_backup(%Q, 'b'%s)", copy_path, _i / 2 ? ", 'update'" : "");
    ck_assert(!had_journal);
    sqlite3 *copy = sql_open(copy_path);
    ck_assert_int_eq(sql_int(copy, "SELECT count(*) FROM t WHERE art_check('t') = 'ok'"), 1 + _i / 2);
    sql_close(copy);
}

/* --- the caller --------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_who_may_not_attach_may_not_copy, 2) {
    char *sql = TEXT("SELECT art_backup(%Q)", copy_path);
    make("file");
    sql_forbid(db, _i ? SQLITE_IGNORE : SQLITE_DENY, SQLITE_ATTACH, NULL, NULL);
    sql_refused(db, SQLITE_AUTH, "allow ATTACH", sql);
    ck_assert_int_ne(access(copy_path, F_OK), 0);
    sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
    back_up();
    is_whole(copy_path);
}

/* A destination without room is no reason to roll back what the transaction has done elsewhere. */
TEST(test_a_copy_that_fails_leaves_the_transaction) {
    struct rlimit unlimited;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    make("file");
    sql_run(db, "ATTACH '%s/b.db' AS b; CREATE TABLE b.x(a); BEGIN; INSERT INTO b.x VALUES(1)", directory);
    sql_refused(db, SQLITE_CANTOPEN, "cannot create the file", "SELECT art_backup('/dev/full/copy.db') FROM t LIMIT 1");
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){20000, unlimited.rlim_max}), 0);
    sql_refused(db, SQLITE_CANTOPEN, "cannot", TEXT("SELECT art_backup(%Q) FROM t LIMIT 1", copy_path));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
    sql_run(db, "COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM b.x"), 1);
    back_up();
    is_whole(copy_path);
}

/* --- names that are taken ----------------------------------------------------------------------------------------- */

/* sqlite3_free() it. */
static char *find_copys_file(void) {
    char *pattern = TEXT("%s/copy.db-t-*.art", directory);
    glob_t found;
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    char *file = sqlite3_mprintf("%s", found.gl_pathv[0]);
    globfree(&found);
    return file;
}

/* By a link that leads nowhere, by somebody's file, by the .art file of a copy that is gone: all stay as they are. */
LOOP_TEST(test_an_art_file_of_the_copys_name_is_left_alone, 3) {
    make("file");
    back_up();
    char *art = find_copys_file();
    unlink(copy_path);
    if (_i < 2) unlink(art);
    if (_i == 0) ck_assert_int_eq(symlink("nowhere", art), 0);
    if (_i == 1) {
        FILE *file = fopen(art, "w");
        fputs("somebody's", file);
        fclose(file);
    }
    ck_assert_int_eq(sql_shell("cp -P '%s' before", art), 0);
    back_up();
    is_whole(copy_path);
    ck_assert_int_eq(sql_shell(_i ? "cmp '%s' before" : "test -h '%s'", art), 0);
    sqlite3_free(art);
}

/* Somebody else's database has the copy's name in the folder that the program goes to between two steps. */
LOOP_TEST(test_a_program_may_change_its_folder_while_it_copies, 2) {
    sqlite3_stmt *steps;
    int rc;
    make("file");
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(sql_shell("mkdir other; echo theirs >other/copy.db; echo theirs >other/copy.db-journal"), 0);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT * FROM art_backup('copy.db')", -1, &steps, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(steps), SQLITE_ROW);
    ck_assert_int_eq(chdir("other"), 0);
    do rc = _i ? SQLITE_DONE : sqlite3_step(steps);
    while (rc == SQLITE_ROW);
    ck_assert_int_eq(rc, SQLITE_DONE);
    ck_assert_int_eq(sqlite3_finalize(steps), SQLITE_OK);
    ck_assert_int_eq(sql_shell("grep -q theirs other/copy.db && grep -q theirs other/copy.db-journal"), 0);
    ck_assert_int_eq(sql_shell("test ! -e copy.db-journal"), 0);
    if (_i) {
        ck_assert_int_eq(sql_shell("test ! -e copy.db"), 0);
    } else {
        is_whole(copy_path);
    }
}

/* --- copies that are attached, one after the other ---------------------------------------------------------------- */

LOOP_TEST(test_a_new_copy_is_read_where_a_statement_still_holds_the_one_before, 2) {
    static const char *const storages[] = {"file", "inline"};
    make(storages[_i]);
    sqlite3 *reader = sql_open(":memory:");
    sqlite3_stmt *held[3];
    for (int turn = 0; turn < 3; turn++) {
        sql_run(db, "UPDATE t SET value = %d; INSERT INTO t(t) VALUES('optimize')", turn);
        ck_assert_int_eq(sql_shell("rm -f '%s'*", copy_path), 0);
        back_up();
        sql_run(reader, "ATTACH %Q AS copy", copy_path);
        ck_assert_int_eq(sqlite3_prepare_v2(reader, "SELECT * FROM copy.t", -1, &held[turn], NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(held[turn]), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_reset(held[turn]), SQLITE_OK);
        sql_expect(reader, "3001|ok\n", "SELECT count(*), art_check('copy.t') FROM copy.t");
        ck_assert_int_eq(sql_int(reader, "SELECT max(value) FROM copy.t"), turn);
        sql_run(reader, "DETACH copy");
    }
    for (int turn = 0; turn < 3; turn++) sqlite3_finalize(held[turn]);
    sql_close(reader);
}

int main(void) {
    sqlite3_config(SQLITE_CONFIG_URI, 1);
    return suite_run("what art_backup() copies", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down);
}
