/* What looks at a whole table knows its snapshots: copies, checks, salvage, art_vacuum, and what SQLite and the system
 * copy by themselves. (What a snapshot is: test_sql_snapshots.c; secure_delete: test_sql_secure_delete.c.)
 *
 * A state is its number of rows and the sum of a column, of the table or, by art_salvage, of a snapshot.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/sql_one.h"

enum { SLOT = 512 * 1024, ROWS = 20000 };

TEXTS(storages, "file", "inline");
enum { STORAGES = LENGTH(storages) };

static const char all[] = "20001|200010000\n", later[] = "20001|200016000\n", rest[] = "8000|44003000\n";

static void optimize(sqlite3 *of) {
    sql_run(of, "INSERT INTO t(t) VALUES('optimize')");
}

/* The snapshot 'a' has `all`, 'b' has `later`, and the table has `rest`. */
static void make(const char *storage) {
    run("PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;"
        "CREATE VIRTUAL TABLE t USING art(key, size INTEGER, pad, storage=%s);"
        "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " SELECT printf('%%08d', i), i, hex(randomblob(60)) FROM n",
        storage, ROWS);
    optimize(db);
    sql_snapshot(db, "a");
    run("UPDATE t SET size = size + 1 WHERE key < '00006000'; INSERT INTO t(t) VALUES('flush')");
    sql_snapshot(db, "b");
    run("DELETE FROM t WHERE key BETWEEN '00007000' AND '00019000'");
    optimize(db);
}

/* Of a snapshot, or of the table itself where `name` is NULL. */
static void shows(sqlite3 *of, const char *name, const char *state) {
    sql_run(of, "CREATE VIRTUAL TABLE temp.seen USING art_salvage('t'%s%s%s)", name ? ", snapshot='" : "",
            name ? name : "", name ? "'" : "");
    sql_expect(of, state, "SELECT count(*), sum(size) FROM seen");
    sql_run(of, "DROP TABLE temp.seen");
}

static void shows_all(sqlite3 *of) {
    sql_expect(of, "ok: 1 art table\n", "SELECT art_verify()");
    sql_expect(of, rest, "SELECT count(*), sum(size) FROM t");
    shows(of, NULL, rest);
    shows(of, "a", all);
    shows(of, "b", later);
}

static char *in_folder(const char *name) {
    return TEXT("%s/%s", directory, name);
}

static int64_t fact(sqlite3 *of, const char *property) {
    return sql_info(of, property);
}

static char *file_of(sqlite3 *of) {
    char *name = kept(sql_rows(of, "SELECT value FROM art_info('t') WHERE property = 'file'"));
    name[strcspn(name, "\n")] = 0;
    return name;
}

static int64_t bytes_of(const char *file) {
    struct stat status;
    ck_assert_msg(!stat(file, &status), "%s", file);
    return status.st_size;
}

/* --- art_backup() ------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_copy_has_all_snapshots_in_either_storage, STORAGES *STORAGES) {
    const char *to = storages[_i / STORAGES];
    make(storages[_i % STORAGES]);
    run("SELECT art_backup(%Q, 'main', %Q)", copy_path, to);
    sqlite3 *copy = sql_open(copy_path);
    shows_all(copy);
    sql_run(copy, "UPDATE t SET pad = ''");
    optimize(copy);
    sql_snapshot_drop(copy, "b");
    shows(copy, "a", all);
    sql_snapshot_drop(copy, "a");
    sql_run(copy, "SELECT art_vacuum('t')");
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_close(copy);
    shows_all(db);
}

/* Two of three snapshots share all that they name. */
TEST(test_a_blob_that_several_snapshots_name_is_copied_once) {
    make("file");
    sql_snapshot(db, "c");
    sql_snapshot(db, "d");
    run("SELECT art_backup(%Q, 'main', 'inline')", copy_path);
    sqlite3 *copy = sql_open(copy_path);
    int64_t pages = sql_int(copy, "SELECT count(*) FROM t_artblob");
    ck_assert_int_le(pages, bytes_of(file_of(db)) / 4096);
    sql_snapshot_drop(copy, "c");
    sql_snapshot_drop(copy, "d");
    shows_all(copy);
    sql_close(copy);
}

/* The file is not begun anew under the snapshots. */
LOOP_TEST(test_a_copy_of_an_emptied_table_has_its_snapshots, STORAGES *STORAGES) {
    make(storages[_i % STORAGES]);
    run("DELETE FROM t");
    optimize(db);
    expect("0|0\n", "SELECT count(*), (SELECT value FROM art_debug('t') WHERE property = 'blobs') FROM t");
    run("SELECT art_backup(%Q, 'main', %Q)", copy_path, storages[_i / STORAGES]);
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_run(copy, "INSERT INTO t(key, size) VALUES('new', 1); INSERT INTO t(t) VALUES('flush')");
    shows(copy, "a", all);
    shows(copy, "b", later);
    sql_expect(copy, "1|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(copy);
}

/* What was let go is not copied; its slots lie behind the copy's end. */
LOOP_TEST(test_a_copy_without_what_was_let_go_is_written_to, STORAGES) {
    make(storages[_i]);
    sql_snapshot_drop(db, "a");
    sql_snapshot_drop(db, "b");
    run("SELECT art_vacuum('t')");
    for (int i = 0; i < 3; i++) {
        run("UPDATE t SET pad = hex(randomblob(100 + %d))", i);
        optimize(db);
        run("PRAGMA wal_checkpoint(TRUNCATE)");
        if (i == 1) sql_snapshot(db, "c");
    }
    sql_snapshot_drop(db, "c");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artstate WHERE k = 'let go'"), 1);
    run("SELECT art_backup(%Q)", copy_path);
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_run(copy, "UPDATE t SET pad = hex(randomblob(90)); INSERT INTO t(t) VALUES('flush')");
    sql_expect(copy, "ok: 1 art table|0\n",
               "SELECT art_verify(), (SELECT count(*) FROM t_artstate WHERE k IN ('held', 'let go'))");
    sql_expect(copy, rest, "SELECT count(*), sum(size) FROM t");
    sql_close(copy);
}

/* --- art_verify(), art_check() ------------------------------------------------------------------------------------ */

/* The copy loses what a copy of the table without its snapshots does not have, as one by somebody who does not know of
 * them. */
static void take_away_what_snapshots_name(const char *storage) {
    const char *alone = in_folder("alone.db");
    sqlite3 *copy = sql_open(copy_path);
    sql_snapshot_drop(copy, "a");
    sql_snapshot_drop(copy, "b");
    if (!strcmp(storage, "inline")) sql_run(copy, "SELECT art_vacuum('t')"); /* its rows would be copied, too */
    sql_run(copy, "SELECT art_backup(%Q)", alone);
    sql_close(copy);
    ck_assert_int_eq(sql_shell("rm copy.db*"), 0);
    run("SELECT art_backup(%Q)", copy_path);
    sqlite3 *whole = sql_open(copy_path);
    if (!strcmp(storage, "inline")) {
        sql_run(whole, "ATTACH %Q AS alone; DELETE FROM t_artblob WHERE page NOT IN (SELECT page FROM alone.t_artblob)",
                alone);
        sql_close(whole);
        return;
    }
    sqlite3 *lesser = sql_open(alone);
    int from = open(file_of(lesser), O_RDONLY), to = open(file_of(whole), O_RDWR);
    uint8_t *slot = malloc(SLOT), *zeros = calloc(1, SLOT);
    for (int64_t at = SLOT; at < bytes_of(file_of(whole)); at += SLOT) {
        ssize_t n = pread(from, slot, SLOT, at);
        bool nothing = n <= 0 || !memcmp(slot, zeros, (size_t)n);
        if (nothing) ck_assert_int_eq(pwrite(to, zeros, SLOT, at), SLOT);
    }
    free(slot);
    free(zeros);
    close(from);
    close(to);
    sql_close(lesser);
    sql_close(whole);
}

LOOP_TEST(test_a_copy_without_the_blobs_of_a_snapshot_is_no_copy, STORAGES) {
    make(storages[_i]);
    run("SELECT art_backup(%Q)", copy_path);
    take_away_what_snapshots_name(storages[_i]);
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, rest, "SELECT count(*), sum(size) FROM t");
    sql_refused(copy, SQLITE_CORRUPT_VTAB, "art: main.t: snapshot '", "SELECT art_verify()");
    /* Where all of a table's rows lie in blobs that art_vacuum() has moved, those of 'a' may be in their place. */
    const char *problems = _i ? "SELECT count(*) > 0 FROM art_check('t') WHERE problem GLOB 'snapshot ''[ab]''*'"
                              : "SELECT count(*) > 0 FROM art_check('t') WHERE problem GLOB 'snapshot ''a''*'";
    sql_expect(copy, "1\n", problems);
    sql_expect(copy, "0\n", "SELECT count(*) FROM art_check('t') WHERE problem NOT GLOB '*snapshot*'");
    if (!_i) sql_refused(copy, 0, "art: ", TEXT("SELECT art_backup(%Q)", in_folder("another.db")));
    sql_snapshot_drop(copy, "a");
    sql_snapshot_drop(copy, "b");
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_close(copy);
}

/* What the rows of snapshots should not be, and what is said of it. */
static const struct {
    const char *change, *words;
} lies[] = {
    {"DELETE FROM t_artstate WHERE k = 'snapshot b'", "held for snapshots that are not there (the state table"},
    {"UPDATE t_artstate SET v = substr(v, 1, length(v) - 1) || iif(substr(v, -1) = x'00', x'01', x'00') WHERE k = "
     "'snapshot a'",
     "the snapshot 'a' is damaged (main.t_artstate): drop it, or restore the database from a backup"},
    {"UPDATE t_artstate SET v = (SELECT v FROM t_artstate WHERE k = 'snapshot b') WHERE k = 'snapshot a'",
     "the snapshot 'a' is damaged (main.t_artstate): drop it, or restore the database from a backup"},
    {"UPDATE t_artstate SET v = zeroblob(30) WHERE k = 'held'",
     "'held' is damaged (main.t_artstate): make or drop a snapshot, and it is worked out anew"},
    {"DELETE FROM t_artstate WHERE k = 'held'",
     "'held' is missing (main.t_artstate): make or drop a snapshot, and it is worked out anew"},
    {"UPDATE t_artstate SET v = (SELECT v FROM was) WHERE k = 'held'",
     "of snapshots not held for them, so that the next commit may write there (the state table"},
};

LOOP_TEST(test_rows_of_snapshots_that_are_not_what_they_were_are_found, STORAGES *LENGTH(lies)) {
    const char *change = lies[_i / STORAGES].change, *words = lies[_i / STORAGES].words;
    run("CREATE TABLE was(v)");
    make(storages[_i % STORAGES]);
    sql_snapshot_drop(db, "b");
    run("UPDATE t SET size = size + 1; INSERT INTO t(t) VALUES('flush')"); /* what was let go is retired */
    run("INSERT INTO was SELECT v FROM t_artstate WHERE k = 'held'");
    sql_snapshot(db, "b");
    run("UPDATE t SET pad = ''");
    optimize(db);
    expect("ok\n", "SELECT art_check('t')");
    run("BEGIN");
    sql_snapshot_drop(db, "b");
    sql_snapshot(db, "b"); /* what was let go is held again */
    run("COMMIT");
    expect("ok\n", "SELECT art_check('t')");
    run("UPDATE t SET pad = 'b'; INSERT INTO t(t) VALUES('flush')"); /* and goes with the next root */
    expect("ok\n", "SELECT art_check('t')");
    run("%s", change);
    sql_reopen();
    char *said = kept(sql_rows(db, "SELECT art_check('t')"));
    ck_assert_msg(strstr(said, words), "%s: %s", change, said);
    refuses(SQLITE_CORRUPT_VTAB, words, "SELECT art_verify()");
    expect("8000\n", "SELECT count(*) FROM t"); /* readers go on */
}

/* --- art_salvage() ------------------------------------------------------------------------------------------------ */

TEST(test_salvage_of_a_snapshot_is_refused_where_nothing_is_left_of_it) {
    make("inline");
    run("CREATE VIRTUAL TABLE temp.s USING art_salvage('t', snapshot='none')");
    refuses(SQLITE_ERROR, "nothing is left of a snapshot 'none' (main.t): give the name of another", "SELECT * FROM s");
    refuses(SQLITE_ERROR, "give its name alone, or snapshot='...' behind it",
            "CREATE VIRTUAL TABLE temp.u USING art_salvage('t', size)");
    run("UPDATE t_artstate SET v = substr(v, 1, 40) || zeroblob(100) WHERE k = 'snapshot a'");
    run("CREATE VIRTUAL TABLE temp.a USING art_salvage('t', snapshot='a')");
    refuses(0, "art: ", "SELECT * FROM a");
    refuses(SQLITE_ERROR, "nothing is left of a snapshot 'none' (main.t)", "SELECT * FROM art_lost('t', 'none')");
    refuses(0, "art: ", "SELECT * FROM art_lost('t', 'a')");
    /* The root has a checksum of its own. */
    run("UPDATE t_artstate SET v = substr(v, 1, length(v) - 8) || zeroblob(8) WHERE k = 'snapshot b'");
    shows(db, "b", later);
}

/* With everything that says what the table is, but for a snapshot. */
LOOP_TEST(test_a_snapshot_is_read_where_the_table_has_lost_its_root, STORAGES) {
    make(storages[_i]);
    run("DELETE FROM t_artdata; DELETE FROM t_artstate WHERE k = 'root'");
    sql_reopen();
    shows(db, "a", all);
    shows(db, "b", later);
    expect("1|0|0\n", "SELECT (SELECT count(*) FROM art_lost('t')) > 0, (SELECT count(*) FROM art_lost('t', 'a')),"
                      " (SELECT count(*) FROM art_lost('t', 'b'))");
    expect("1|1\n", "SELECT (SELECT count(*) FROM art_lost('t', NULL)) > 0, count(*) > 0 FROM art_lost('t') WHERE "
                    "snapshot IS NULL");
}

/* --- art_vacuum() ------------------------------------------------------------------------------------------------- */

/* Free slots stay below those that a snapshot holds at the end: that is no matter of other connections. */
TEST(test_art_vacuum_ends_below_the_slots_of_a_snapshot) {
    make("file");
    sql_snapshot_drop(db, "a");
    sql_snapshot_drop(db, "b");
    run("UPDATE t SET pad = hex(randomblob(2000))");
    optimize(db);
    sql_snapshot(db, "end");
    run("DELETE FROM t WHERE key > '00000100'");
    optimize(db);
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    expect("done\n", "SELECT art_vacuum('t')");
    int64_t held = bytes_of(file_of(db));
    ck_assert_int_gt(held, 30 * SLOT);
    ck_assert_int_gt(fact(db, "free slots"), 1);
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(other, "SELECT key FROM t");
    run("UPDATE t SET size = 0; INSERT INTO t(t) VALUES('flush')");
    refuses(SQLITE_BUSY, "another connection reads or writes (t)", "SELECT art_vacuum('t')");
    sqlite3_finalize(reader);
    sql_close(other);
    sql_snapshot_drop(db, "end");
    expect("done\n", "SELECT art_vacuum('t')");
    ck_assert_int_le(bytes_of(file_of(db)), 4 * SLOT);
    expect("ok: 1 art table\n", "SELECT art_verify()");
}

LOOP_TEST(test_art_vacuum_behind_the_last_drop_leaves_what_the_table_has, STORAGES) {
    make(storages[_i]);
    run("SELECT art_vacuum('t')");
    shows_all(db);
    sql_snapshot_drop(db, "a");
    sql_snapshot_drop(db, "b");
    run("SELECT art_vacuum('t')");
    expect(rest, "SELECT count(*), sum(size) FROM t");
    run("CREATE VIRTUAL TABLE u USING art(key, size INTEGER, pad, storage=%s); INSERT INTO u SELECT * FROM t",
        storages[_i]);
    run("SELECT art_vacuum('u')");
    ck_assert_int_eq(fact(db, "blobs"), sql_int(db, "SELECT value FROM art_debug('u') WHERE property = 'blobs'"));
    ck_assert_int_eq(fact(db, "held slots") + fact(db, "retired slots"), 0);
    int64_t pages = sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 't_artblob'") &&
                    sql_int(db, "SELECT count(*) FROM t_artblob") == sql_int(db, "SELECT count(*) FROM u_artblob");
    ck_assert_int_eq(pages, _i);
}

/* --- what others do ----------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_copy_of_both_files_has_the_snapshots, STORAGES) {
    make(storages[_i]);
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    sql_close(db);
    db = NULL;
    ck_assert_int_eq(sql_shell("mkdir other && cp *.db* other/"), 0);
    sqlite3 *copy = sql_open(in_folder(TEXT("other/%s", strrchr(path, '/') + 1)));
    shows_all(copy);
    sql_run(copy, "UPDATE t SET pad = ''; INSERT INTO t(t) VALUES('flush')");
    shows(copy, "a", all);
    sql_snapshot_drop(copy, "a");
    sql_expect(copy, "ok: 1 art table\n", "SELECT art_verify()");
    sql_close(copy);
    db = sql_open(path);
    shows_all(db);
}

/* SQLite's copies have all of an inline table, and of another one all but the blobs: as without snapshots. */
LOOP_TEST(test_sqlites_own_copies_have_the_snapshots_of_inline_tables, 2 * STORAGES) {
    bool is_inline = _i % STORAGES;
    make(storages[_i % STORAGES]);
    if (_i / STORAGES) {
        run("VACUUM INTO %Q", copy_path);
    } else {
        sqlite3 *to = sql_open(copy_path);
        sqlite3_backup *pages = sqlite3_backup_init(to, "main", db, "main");
        ck_assert_int_eq(sqlite3_backup_step(pages, -1), SQLITE_DONE);
        sqlite3_backup_finish(pages);
        sql_close(to);
    }
    sqlite3 *copy = sql_open(copy_path);
    if (is_inline) shows_all(copy);
    if (!is_inline) sql_refused(copy, SQLITE_CORRUPT_VTAB, "a copy of the database alone lacks", "SELECT art_verify()");
    sql_close(copy);
}

LOOP_TEST(test_vacuum_rename_and_clean_leave_snapshots_alone, STORAGES) {
    make(storages[_i]);
    run("VACUUM");
    shows_all(db);
    run("INSERT INTO t(t) VALUES('clean')");
    shows_all(db);
    run("ALTER TABLE t RENAME TO u");
    run("ALTER TABLE u RENAME TO t");
    run("UPDATE t SET pad = ''; INSERT INTO t(t) VALUES('flush'); INSERT INTO t(t) VALUES('clean')");
    shows(db, "a", all);
    shows(db, "b", later);
    expect("ok: 1 art table\n", "SELECT art_verify()");
}

SUITE("sql_snapshots_kept", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)
