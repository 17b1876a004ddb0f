/* Tables of which a part is of a former format, and a part of this one. The former version is this one without a codec:
 * it writes the formats of 0.2.0 (test_golden has files of that version itself). A table begun so is gone on with, so
 * that one run has blobs with blocks and others without, and snapshots hold old ones; it shows what an ordinary table
 * beside it shows, whatever reads it, until 'optimize' has turned all of it.
 *
 * Blobs are small, so that a few thousand rows are in many of them.
 */
#include "core/base/codec.h"
#include "core/tree/state/hooks.h"
#include "ext/columns/columns.h"
#include "tests/support/sql_one.h"
#include "tests/support/stored_blobs.h"

enum { ROWS = 5000, STORAGES = 2 };

static const char *const storages[STORAGES] = {"file", "inline"};

static void set_up(void) {
    sql_set_up();
    art_test_hooks.blob_pages = 4;
}

static void tear_down(void) {
    art_test_hooks.blob_pages = 0;
    art_codec_use(&art_columns_codec);
    sql_tear_down();
}

/* --- two tables --------------------------------------------------------------------------------------------------- */

static void on_both(const char *statement) {
    sql_run(db, "%s; %s", kept(sql_named(statement, "t")), kept(sql_named(statement, "twin")));
}

static void fill(const char *below, int from, int to) {
    on_both(
        TEXT("INSERT INTO @(path, size, mtime, note) WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n"
             " WHERE i < %d) SELECT printf('%s/%%02d/%%05d', i / 200, i), iif(i %% 50, i * 7 %% 1000, i * 1000003),"
             " 1700000000 + i, CASE i %% 9 WHEN 0 THEN NULL WHEN 1 THEN i ELSE 'note ' || i %% 6 END FROM n",
             from, to - 1, below));
}

/* As the former version leaves it: one run of many blobs, a second one over it, and a log. */
static void begin(const char *storage, const char *options) {
    art_codec_use(NULL);
    sql_run(db,
            "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, mtime INTEGER, note TEXT, storage=%s%s);"
            "CREATE TABLE twin(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, note TEXT) WITHOUT ROWID",
            storage, options);
    fill("usr", 0, ROWS);
    on_both("INSERT INTO @(path, size, note) VALUES('usr/long', 1, printf('%090000d', 7)), ('usr/02/long', 2, "
            "zeroblob(5000))");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    on_both("UPDATE @ SET size = 1 WHERE path GLOB 'usr/0[0-4]/*7'");
    sql_run(db, "INSERT INTO t(t) VALUES('flush')");
    on_both("DELETE FROM @ WHERE path GLOB 'usr/0[0-4]/*13'");
    ck_assert_int_lt(stored_blobs(db, directory, "t").most, 6);
    sql_reopen();
    ck_assert_ptr_eq(art_codec(), &art_columns_codec);
}

/* Some blobs of the run are made anew, and others stay. */
static void go_on(void) {
    for (int i = 0; i < 3; i++) {
        fill("usr", 2000 + i * 300 + 100000, 2300 + i * 300 + 100000);
        on_both(TEXT("UPDATE @ SET size = size + 1 WHERE path GLOB 'usr/0%d/*'", i));
        sql_run(db, "INSERT INTO t(t) VALUES('flush')");
    }
}

#define ALL "SELECT path, typeof(size), size, mtime, typeof(note), hex(note) FROM %s %s"

static void are_same(const char *art, const char *ordinary, const char *what) {
    char *ours = sql_rows(db, "%s", art), *theirs = sql_rows(db, "%s", ordinary);
    ck_assert_msg(!strcmp(ours, theirs), "%s: not what the ordinary table shows: %s", what, art);
    sqlite3_free(ours);
    sqlite3_free(theirs);
}

/* In all the ways in which rows are read. */
static void expect_twin(const char *what) {
    are_same(TEXT(ALL, "t", "ORDER BY path"), TEXT(ALL, "twin", "ORDER BY path"), what);
    are_same(TEXT(ALL, "t", "ORDER BY path DESC LIMIT 3000"), TEXT(ALL, "twin", "ORDER BY path DESC LIMIT 3000"), what);
    EACH(query, "SELECT count(*), sum(size), max(mtime), count(note) FROM @",
         "SELECT path, size FROM @ WHERE size > 1000 ORDER BY path",
         "SELECT path FROM @ WHERE size BETWEEN 3 AND 20 ORDER BY path DESC",
         "SELECT count(*), sum(mtime) FROM @ WHERE note = 'note 3'", "SELECT count(*) FROM @ WHERE note IS NULL",
         "SELECT path, mtime FROM @ ORDER BY mtime DESC, path LIMIT 50",
         "SELECT path, mtime FROM @ WHERE mtime IS NOT NULL ORDER BY mtime, path LIMIT 50",
         "SELECT path FROM @ WHERE note LIKE 'note 4%' AND path GLOB 'usr/1*' ORDER BY path",
         "SELECT a.path, b.size, b.note FROM twin a JOIN @ b ON b.path = a.path WHERE a.path GLOB '*50'"
         " ORDER BY a.path")
    are_same(kept(sql_named(query, "t")), kept(sql_named(query, "twin")), what);
    are_same("SELECT art_count('t', 'usr/1'), coalesce(art_sum('t', 'size', 'usr/1'), 0)",
             "SELECT count(*), coalesce(sum(size), 0) FROM twin WHERE path GLOB 'usr/1*'", what);
    expect("ok|ok: 1 art table\n", "SELECT art_check('t'), art_verify()");
}

/* Of the blobs that are in use, which a copy has. */
static struct stored_blobs used_blobs(void) {
    char *copied = TEXT("%s/used.db", directory);
    sql_shell("rm -f used.db*");
    sql_run(db, "SELECT art_backup(%Q, 'main', 'file')", copied);
    sqlite3 *copy = sql_open(copied);
    struct stored_blobs blobs = stored_blobs(copy, directory, "t");
    sql_close(copy);
    return blobs;
}

static struct stored_blobs is_mixed(void) {
    struct stored_blobs blobs = used_blobs();
    ck_assert_int_lt(blobs.least, 6);
    ck_assert_int_eq(blobs.most, 6);
    ck_assert_int_gt(blobs.in_blocks, 200);
    ck_assert_int_gt(blobs.plain, 200);
    return blobs;
}

static void is_turned(void) {
    sql_run(db, "SELECT art_vacuum('t')"); /* rows of former blobs go, too */
    struct stored_blobs blobs = used_blobs();
    ck_assert_int_gt(blobs.in_blocks, 20 * blobs.plain);
}

/* Does the root say that there may be blocks? */
static int root_has_blocks(void) {
    return sql_int(db, "SELECT substr(hex(substr(ops, 5, 1)), 2) >= '6' AND substr(hex(substr(ops, 45, 1)), 2) IN"
                       " ('4', '5', '6', '7', 'C', 'D', 'E', 'F') FROM t_artdata WHERE csn = 0");
}

static const char summary[] = ", summary=(sum(size), max(mtime), lookup(note), search(note), search(path))";

/* --- what is done with them --------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_run_with_old_blobs_and_new_ones_shows_all_rows_until_optimize_has_turned_them, 2 * STORAGES) {
    begin(storages[_i % STORAGES], _i / STORAGES ? summary : ", summary=(sum(size))");
    expect_twin("old");
    ck_assert(!root_has_blocks());
    go_on();
    struct stored_blobs blobs = is_mixed();
    ck_assert(root_has_blocks());
    expect_twin("mixed");
    sql_reopen();
    expect_twin("mixed, opened again");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    is_turned();
    expect_twin("turned");
    ck_assert_int_lt(used_blobs().plain, blobs.plain);
}

LOOP_TEST(test_what_nobody_writes_to_stays_as_it_is, STORAGES) {
    begin(storages[_i], ", summary=(sum(size))");
    sql_run(db,
            "INSERT INTO t(t) VALUES('flush'); INSERT INTO twin(path) VALUES('x'); INSERT INTO t(path) VALUES('x')");
    int before = root_has_blocks();
    sql_reopen();
    sql_int(db, "SELECT count(*) FROM t WHERE size > 3");
    sql_run(db, "UPDATE t SET size = 3 WHERE path = 'x'; UPDATE twin SET size = 3 WHERE path = 'x'");
    ck_assert_int_eq(root_has_blocks(), before);
    expect_twin("log");
}

LOOP_TEST(test_art_vacuum_alone_keeps_a_mixed_table_whole, STORAGES) {
    begin(storages[_i], summary);
    go_on();
    on_both("DELETE FROM @ WHERE path GLOB 'usr/1[0-9]/*'");
    for (int i = 0; i < 3; i++) {
        sql_run(db, "SELECT art_vacuum('t')");
        expect_twin("vacuumed");
        sql_reopen();
    }
}

LOOP_TEST(test_a_backup_of_a_mixed_table_shows_the_same, 2 * STORAGES) {
    begin(storages[_i % STORAGES], summary);
    go_on();
    is_mixed();
    if (_i < STORAGES) {
        sql_run(db, "SELECT art_backup(%Q)", copy_path);
    } else { /* into the other storage */
        sql_run(db, "SELECT art_backup(%Q, 'main', %Q)", copy_path, storages[1 - _i % STORAGES]);
    }
    sql_close(db);
    sqlite3_free(path);
    path = sqlite3_mprintf("%s", copy_path);
    db = sql_open(path);
    expect_twin("copy");
    is_mixed();
    on_both("UPDATE @ SET mtime = mtime + 1 WHERE path GLOB 'usr/2*'");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    is_turned();
    expect_twin("copy, turned");
}

LOOP_TEST(test_salvage_of_a_mixed_table_shows_all_rows, 2 * STORAGES) {
    begin(storages[_i % STORAGES], summary);
    go_on();
    is_mixed();
    sql_run(db, "INSERT INTO t(t) VALUES('flush')");
    if (_i / STORAGES) { /* without any root, by its blobs alone */
        sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
        sql_run(db, "SELECT art_vacuum('t')");
        sql_run(db, "UPDATE t_artdata SET ops = x'00' WHERE csn = 0; DELETE FROM t_artstate WHERE k = 'root'");
        sql_reopen();
    }
    sql_run(db, "CREATE VIRTUAL TABLE temp.seen USING art_salvage('t')");
    are_same(TEXT(ALL, "temp.seen", "ORDER BY path"), TEXT(ALL, "twin", "ORDER BY path"), "salvaged");
}

LOOP_TEST(test_snapshots_hold_old_blobs_while_the_table_is_turned, STORAGES) {
    begin(storages[_i], summary);
    sql_run(db, "CREATE TABLE old AS SELECT * FROM twin; INSERT INTO t(t, snapshot) VALUES('snapshot', 'old')");
    go_on();
    is_mixed();
    sql_run(db, "CREATE TABLE mixed AS SELECT * FROM twin; INSERT INTO t(t, snapshot) VALUES('snapshot', 'mixed')");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    is_mixed();
    sql_reopen();
    expect_twin("turned");
    EACH(state, "old", "mixed")
    are_same(TEXT(ALL, "t", TEXT("WHERE snapshot = '%s' ORDER BY path", state)), TEXT(ALL, state, "ORDER BY path"),
             state);
    are_same(
        "SELECT path FROM art_diff('t', 'old', 'mixed') ORDER BY path",
        "SELECT path FROM (SELECT * FROM (SELECT * FROM old EXCEPT SELECT * FROM mixed) UNION SELECT * FROM (SELECT *"
        " FROM mixed EXCEPT SELECT * FROM old)) GROUP BY path ORDER BY path",
        "difference");
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'old'), ('drop snapshot', 'mixed')");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    is_turned();
    expect_twin("without snapshots");
}

/* Else a former version would open a table whose snapshots it cannot read, and could drop them. */
LOOP_TEST(test_the_root_says_so_while_only_a_snapshot_has_blocks, STORAGES) {
    begin(storages[_i], "");
    go_on();
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('snapshot', 'full')");
    on_both("DELETE FROM @");
    ck_assert(root_has_blocks());
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    ck_assert(root_has_blocks());
    sql_run(db, "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'full')");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize'); INSERT INTO t(t) VALUES('flush')");
    ck_assert(!root_has_blocks());
    expect("0|ok\n", "SELECT count(*), art_check('t') FROM t");
}

int main(void) {
    sql_link();
    return suite_run("mixed", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = tear_down) != 0;
}
