/* The size of the .art file under SQLite itself: what 'vacuum' leaves of it after deletes, and the checkpoint that is
 * made early where slots wait for one.
 *
 * And 'vacuum' and 'optimize' of a transaction that has spilled, when the COMMIT is refused and taken back: the file
 * must not have been cut before what the database still needs. */
#include <sys/stat.h>

#include "tests/support/sql_one.h"

enum { BLOB = 512 * 1024 };

static void fill(char first, int rows) {
    fill_rows("INTO t(path, value)", 1, rows, "printf('%c%%06d', i), randomblob(100)", first);
}

/* The committed rows lie at the file's end, behind free slots; the transaction's own lie before them. */
static void spill_before_the_committed_rows(void) {
    run("PRAGMA journal_mode=DELETE; CREATE VIRTUAL TABLE t USING art(path, value, spill_limit='100KB')");
    fill('a', 30000);
    command("flush");
    fill('b', 30000);
    command("flush");
    run("DELETE FROM t WHERE path < 'b'");
    command("flush");
    run("BEGIN; DELETE FROM t");
    fill('c', 5000);
}

LOOP_TEST(test_a_refused_commit_cuts_nothing_off_that_a_rollback_needs, 2) {
    TEXTS(commands, "vacuum", "optimize");
    run("PRAGMA cache_size = -65536"); /* SQLite locks readers out when its cache is full */
    spill_before_the_committed_rows();
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(other, "SELECT path FROM t");
    command(commands[_i]);
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    sqlite3_finalize(reader);
    sql_close(other);
    expect("ok|5000\n", "SELECT art_check('t'), count(*) FROM t");
    run("ROLLBACK");
    expect("ok|30000|b000001\n", "SELECT art_check('t'), count(*), min(path) FROM t");
}

static uint64_t file_bytes(void) {
    char *name = kept(sql_rows(db, "SELECT value FROM art_info('t') WHERE property = 'file'"));
    struct stat status;
    name[strcspn(name, "\n")] = 0;
    ck_assert_msg(!stat(name, &status), "%s", name);
    return (uint64_t)status.st_size;
}

LOOP_TEST(test_vacuum_gives_back_what_deleted_rows_took, 2) {
    if (sql_has_no_file("test_vacuum_gives_back_what_deleted_rows_took")) return;
    TEXTS(journals, "DELETE", "WAL");
    run("PRAGMA journal_mode=%s", journals[_i]);
    sql_create(db, "t", "");
    fill('a', 60000);
    command("optimize");
    uint64_t full = file_bytes();
    run("DELETE FROM t WHERE path GLOB 'a*[1-9]'");
    command("flush");
    run("SELECT art_vacuum('t')");
    ck_assert_msg(file_bytes() * 3 < full, "%llu bytes of %llu", (unsigned long long)file_bytes(),
                  (unsigned long long)full);
    expect("ok|6000\n", "SELECT art_check('t'), count(*) FROM t");
}

/* Where there is nothing left, not even a run; and a table that has no file yet gets none. */
LOOP_TEST(test_vacuum_of_an_empty_table_leaves_next_to_nothing, 2) {
    if (sql_has_no_file("test_vacuum_of_an_empty_table_leaves_next_to_nothing")) return;
    TEXTS(journals, "DELETE", "WAL");
    run("PRAGMA journal_mode=%s", journals[_i]);
    sql_create(db, "t", "");
    run("SELECT art_vacuum('t')");
    expect("0\n", "SELECT count(*) FROM art_info('t') WHERE property = 'file bytes' AND value > 0");
    fill('a', 60000);
    run("DELETE FROM t");
    command("optimize");
    for (int i = 0; i < 2; i++) {
        run("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES(%d, 1); DELETE FROM t", i);
        command("vacuum");
    }
    ck_assert_uint_le(file_bytes(), 512 << 10);
    expect("ok|0\n", "SELECT art_check('t'), count(*) FROM t");
    fill('b', 3000);
    command("flush");
    expect("ok|3000\n", "SELECT art_check('t'), count(*) FROM t");
}

/* Each 'optimize' leaves all slots of the one before, and SQLite alone would not begin its WAL anew before the last. */
static uint64_t file_after_optimizing(const char *setting) {
    enum { TIMES = 20 };
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; %s", setting);
    sql_create(db, "t", "");
    fill('a', 40000);
    for (int i = 0; i < TIMES; i++) {
        run("BEGIN; UPDATE t SET value = %d WHERE path GLOB 'a0000*'", i);
        command("optimize");
        run("COMMIT");
    }
    return file_bytes();
}

/* --- a table without a row ---------------------------------------------------------------------------------------- */

/* Rows in blobs, rows in the log, and a large value, in every storage and journal mode. */
static void make_full(int mode) {
    run("PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(path, value, storage=%s)",
        mode % 2 ? "WAL" : "DELETE", mode / 2 ? "inline" : "file");
    fill('a', 30000);
    run("INSERT INTO t VALUES('large', zeroblob(300000))");
    command("flush");
    fill('b', 10);
}

static void is_emptied(int times) {
    ck_assert_int_eq(sql_info(db, "times emptied"), times);
    ck_assert_int_eq(sql_info(db, "runs") + sql_info(db, "blobs") + sql_info(db, "log rows"), 0);
    expect("0|0|ok\n", "SELECT count(*), art_count('t', ''), art_check('t') FROM t");
}

LOOP_TEST(test_a_commit_that_leaves_no_row_leaves_no_blob, 4) {
    if (_i < 2 && sql_has_no_file("test_a_commit_that_leaves_no_row_leaves_no_blob")) return;
    make_full(_i);
    run("DELETE FROM t WHERE path <> 'large'");
    ck_assert_int_eq(sql_info(db, "times emptied"), 0);
    expect("1|300000\n", "SELECT count(*), length(value) FROM t");
    run("BEGIN; DELETE FROM t; ROLLBACK; BEGIN; DELETE FROM t; INSERT INTO t VALUES('new', 1); COMMIT");
    ck_assert_int_eq(sql_info(db, "times emptied"), 0);
    run("BEGIN; SAVEPOINT s; DELETE FROM t; SAVEPOINT u; INSERT INTO t VALUES('y', 1); ROLLBACK TO u; COMMIT");
    is_emptied(1);
    fill('c', 60000);
    command("flush");
    run("DELETE FROM t");
    is_emptied(2);
    run("INSERT INTO t VALUES('x', 1)");
    if (_i < 2) ck_assert_uint_le(file_bytes(), 3 * BLOB);
    sql_reopen();
    expect("1|ok|ok\n", "SELECT count(*), art_check('t'), substr(art_verify(), 1, 2) FROM t");
    if (_i < 2) return;
    run("VACUUM");
    ck_assert_int_lt(sql_int(db, "PRAGMA page_count") * sql_int(db, "PRAGMA page_size"), BLOB);
}

LOOP_TEST(test_a_refused_commit_that_left_no_row_may_go_on, 2) {
    if (!_i && sql_has_no_file("test_a_refused_commit_that_left_no_row_may_go_on")) return;
    make_full(2 * _i);
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(other, "SELECT path FROM t");
    run("BEGIN; DELETE FROM t");
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    run("INSERT INTO t VALUES('x', 1)");
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    expect("1|ok\n", "SELECT count(*), art_check('t') FROM t");
    ck_assert_int_eq(sql_try(db, "ROLLBACK; DELETE FROM t"), SQLITE_BUSY);
    int rows = 1;
    while (sqlite3_step(reader) == SQLITE_ROW) rows++;
    ck_assert_int_eq(rows, 30011);
    sqlite3_finalize(reader);
    expect("30011|ok\n", "SELECT count(*), art_check('t') FROM t");
    run("DELETE FROM t");
    is_emptied(sql_info(db, "times emptied"));
    sql_close(other);
}

/* On an older snapshot, while the emptied file is filled again. */
LOOP_TEST(test_a_reader_keeps_the_rows_of_a_table_that_was_emptied, 2) {
    if (!_i && sql_has_no_file("test_a_reader_keeps_the_rows_of_a_table_that_was_emptied")) return;
    make_full(1 + 2 * _i);
    sqlite3 *other = sql_open(path);
    sql_run(other, "BEGIN; SELECT count(*) FROM sqlite_schema");
    run("DELETE FROM t");
    is_emptied(1);
    for (int i = 0; i < 3; i++) {
        fill('c', 30000);
        command("flush");
        run("DELETE FROM t");
    }
    sql_expect(other, "30011|ok\n", "SELECT count(*), art_check('t') FROM t WHERE length(value) > 0");
    sql_run(other, "COMMIT");
    sql_expect(other, "0|ok\n", "SELECT count(*), art_check('t') FROM t");
    sql_close(other);
    is_emptied(4);
}

/* With what the ordinary table m does. A reader is in the way of each commit that says so, with a rollback journal. */
TEXTS(ways_to_empty, "DELETE FROM t; DELETE FROM m", "BEGIN; DELETE FROM m; DELETE FROM t; COMMIT",
      "BEGIN; DELETE FROM m; DELETE FROM t; ROLLBACK",
      "BEGIN; SAVEPOINT s; DELETE FROM m; DELETE FROM t; ROLLBACK TO s; COMMIT",
      "BEGIN; DELETE FROM m; DELETE FROM t; SAVEPOINT s; INSERT INTO t VALUES('in s', 1); ROLLBACK TO s; COMMIT",
      ("BEGIN; INSERT INTO t SELECT 'spilt/' || value, randomblob(200) FROM json_each(hundreds(3)); DELETE FROM m; "
       "DELETE FROM t; SAVEPOINT s; INSERT INTO t SELECT 'spilt/' || value, 1 FROM json_each(hundreds(9)); ROLLBACK TO "
       "s; COMMIT"),
      ("BEGIN; DELETE FROM m; DELETE FROM t; INSERT INTO t SELECT 'spilt/' || value, randomblob(200) FROM "
       "json_each(hundreds(9)); DELETE FROM t; INSERT INTO t(t) VALUES('optimize'); COMMIT"));

/* [0,0,...]: hundreds(n) has n times a hundred numbers. */
static void add_hundreds(sqlite3_context *context, int count, sqlite3_value **values) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    for (int i = 0, end = 100 * sqlite3_value_int(values[0]); i < end; i++) {
        sqlite3_str_appendf(text, "%c%d", i ? ',' : '[', i);
    }
    sqlite3_str_appendall(text, "]");
    sqlite3_result_text(context, sqlite3_str_finish(text), -1, sqlite3_free);
}

static void write_rows(struct random *random, int round) {
    int rows = 1 + (int)random_below(random, random_once_in(random, 2) ? 5 : 900);
    run("BEGIN; INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) SELECT printf('%%d/%%d', "
        "%d, i), zeroblob(i %% 90) FROM n; INSERT INTO m SELECT path FROM t WHERE path GLOB '%d/*'; COMMIT",
        rows, round, round);
    if (random_once_in(random, 3)) command(random_once_in(random, 2) ? "flush" : "optimize");
}

/* A version is never given twice, and who follows by versions misses nothing. */
LOOP_TEST(test_versions_go_on_however_often_a_table_is_emptied, 4) {
    if (_i < 2 && sql_has_no_file("test_versions_go_on_however_often_a_table_is_emptied")) return;
    struct random random = random_announced("emptied");
    sqlite3_create_function(db, "hundreds", 1, SQLITE_UTF8, NULL, add_hundreds, NULL, NULL);
    run("PRAGMA journal_mode=%s; CREATE TABLE m(path PRIMARY KEY)", _i % 2 ? "WAL" : "DELETE");
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=%s, log_limit='8KB', spill_limit='64KB')",
        _i / 2 ? "inline" : "file");
    sqlite3 *other = sql_open(path);
    int64_t seen = 0;
    int rounds = random_stride() > 1 ? 24 : 60;
    for (int round = 0; round < rounds; round++) {
        if (!random_span(&random)) continue;
        bool hinders = random_once_in(&random, 5);
        sqlite3_stmt *reader = sql_prepare(other, "SELECT path FROM m, t USING(path)");
        if (hinders) sqlite3_step(reader);
        if (sql_try(db, "%s", ways_to_empty[random_below(&random, LENGTH(ways_to_empty))]))
            ck_assert(hinders && _i % 2 == 0);
        if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
        sqlite3_finalize(reader);
        write_rows(&random, round);
        int64_t version = sql_int(db, "SELECT min(row_version) FROM t WHERE path GLOB '%d/*'", round);
        ck_assert_int_gt(version, seen);
        int64_t newer = sql_int(other, "SELECT count(*) FROM t WHERE row_version > %lld", (long long)seen);
        ck_assert_int_eq(newer, sql_int(other, "SELECT count(*) FROM t WHERE +row_version > %lld", (long long)seen));
        ck_assert_int_eq(newer, sql_int(db, "SELECT count(*) FROM t WHERE path GLOB '%d/*'", round));
        seen = version;
        sql_expect(other, "0|0|ok\n",
                   "SELECT count(*) - (SELECT count(*) FROM m), (SELECT count(*) FROM m WHERE path "
                   "NOT IN (SELECT path FROM t)), art_check('t') FROM t");
    }
    ck_assert_int_gt(sql_info(db, "times emptied"), rounds / 6);
    sql_close(other);
    expect("ok\n", "SELECT art_check('t')");
}

/* With secure_delete SQLite would write the pages of each row of the log once more, as zeros. Flushes of every second
 * queue come with an INSERT, which leaves a run. */
LOOP_TEST(test_a_queue_leaves_its_log_to_be_written_over, 4) {
    if (!random_takes(_i, 3)) return;
    run("PRAGMA secure_delete=ON");
    sql_create(db, "t", _i / 2 ? "storage=inline" : "");
    for (int i = 0; sql_info(db, "flushes") < 4; i++) {
        run("INSERT INTO t VALUES(%d, randomblob(%d)); DELETE FROM t", i, _i % 2 ? 100000 : 300000);
        if (sql_info(db, "flushes") > 1) ck_assert_int_gt(sql_int(db, "SELECT count(*) FROM t_artdata"), 3);
    }
    run("SELECT art_vacuum('t')");
    expect("0|1|ok\n", "SELECT count(*), (SELECT count(*) FROM t_artdata), art_check('t') FROM t");
}

TEST(test_slots_that_wait_for_a_checkpoint_get_one) {
    if (sql_has_no_file("test_slots_that_wait_for_a_checkpoint_get_one")) return;
    uint64_t bytes = file_after_optimizing("");
    ck_assert_msg(bytes < 30 * BLOB, "%llu bytes", (unsigned long long)bytes);
    expect("ok|40000\n", "SELECT art_check('t'), count(*) FROM t");
}

TEST(test_without_automatic_checkpoints_there_are_none) {
    if (sql_has_no_file("test_without_automatic_checkpoints_there_are_none")) return;
    uint64_t bytes = file_after_optimizing("PRAGMA wal_autocheckpoint=0");
    ck_assert_msg(bytes > 100 * BLOB, "%llu bytes", (unsigned long long)bytes);
}

TEST(test_the_early_checkpoint_takes_nothing_from_a_reader) {
    run("PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art");
    fill('a', 40000);
    command("flush");
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_prepare(other, "SELECT count(*), max(value) FROM t WHERE value IS NOT 7");
    sql_run(other, "BEGIN; SELECT count(*) FROM t");
    for (int i = 0; i < 6; i++) {
        run("BEGIN; UPDATE t SET value = 7");
        command("optimize");
        run("COMMIT");
    }
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(reader, 0), 40000);
    sqlite3_finalize(reader);
    sql_run(other, "COMMIT");
    sql_close(other);
}

/* --- art_vacuum() ------------------------------------------------------------------------------------------------- */

static uint64_t size_of(const char *name) {
    struct stat status;
    return stat(name, &status) ? 0 : (uint64_t)status.st_size;
}

/* The table, the database and its WAL. */
static uint64_t all_bytes(void) {
    uint64_t bytes = file_bytes() + size_of(path) + size_of(TEXT("%s-wal", path));
    return bytes;
}

static void hindered(int rc, const char *why) {
    refuses(rc, why, "SELECT art_vacuum('t')");
}

/* Several runs, some of whose rows hide others. */
static void make_loose(void) {
    sql_create(db, "t", "");
    fill('a', 30000);
    fill('b', 20000);
    run("UPDATE t SET value = randomblob(90) WHERE path GLOB 'a*[02468]'; DELETE FROM t WHERE path GLOB 'b*[123]'");
    fill('c', 15000);
}

static void expect_rows_after_vacuum(void) {
    expect("ok|59000\n", "SELECT art_check('t'), count(*) FROM t");
}

TEXTS(settings, "PRAGMA journal_mode=WAL", "PRAGMA journal_mode=DELETE",
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF",
      "PRAGMA journal_mode=WAL; PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");

/* By the commands and checkpoints of which it consists. */
static uint64_t bytes_after_commands(const char *setting) {
    run("%s; PRAGMA wal_autocheckpoint=0", setting);
    make_loose();
    TEXTS(commands, "optimize", "vacuum", "vacuum");
    for (int i = 0; i < 3; i++) {
        command(commands[i]);
        if (i) command("vacuum"); /* with a rollback journal, one more round */
        run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    return all_bytes();
}

LOOP_TEST(test_one_call_leaves_what_five_commands_did, LENGTH(settings)) {
    if (sql_has_no_file("test_one_call_leaves_what_five_commands_did") || !random_takes(_i, 3)) return;
    uint64_t five = bytes_after_commands(settings[_i]);
    bool shuts_out = strstr(settings[_i], "EXCLUSIVE") != NULL;
    sql_tear_down();
    sql_set_up();
    run("%s", settings[_i]);
    make_loose();
    sqlite3 *other = sql_open(path); /* which rests */
    if (!shuts_out) sql_int(other, "SELECT count(*) FROM t");
    expect("done\n", "SELECT art_vacuum('t')");
    ck_assert_msg(all_bytes() * 100 <= five * 103, "%llu bytes, and %llu", (unsigned long long)all_bytes(),
                  (unsigned long long)five);
    expect("0\n", "SELECT value FROM art_debug('t') WHERE property = 'free slots'");
    if (!shuts_out) ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t"), 59000);
    sql_close(other);
    expect_rows_after_vacuum();
    uint64_t least = file_bytes();
    expect("done\n", "SELECT art_vacuum('main.T')");
    ck_assert_uint_eq(file_bytes(), least);
}

TEST(test_a_reader_hinders_it_and_the_next_call_goes_on) {
    if (sql_has_no_file("test_a_reader_hinders_it_and_the_next_call_goes_on")) return;
    run("PRAGMA journal_mode=WAL");
    make_loose();
    sqlite3 *other = sql_open(path);
    sql_run(other, "BEGIN; SELECT count(*) FROM t");
    run("DELETE FROM t WHERE path = 'c000001'");
    uint64_t before = file_bytes();
    run("PRAGMA busy_timeout=50");
    hindered(SQLITE_BUSY, "another connection reads or writes (t): call art_vacuum() again");
    ck_assert_uint_le(file_bytes(), before);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM t WHERE value IS NOT 1"), 59000);
    sql_run(other, "COMMIT");
    expect("done\n", "SELECT art_vacuum('t')");
    expect("ok|58999\n", "SELECT art_check('t'), count(*) FROM t");
    expect("0\n", "SELECT value FROM art_debug('t') WHERE property = 'free slots'");
    sql_close(other);
}

TEST(test_it_makes_no_transactions_within_one) {
    if (sql_has_no_file("test_it_makes_no_transactions_within_one")) return;
    run("PRAGMA journal_mode=WAL; PRAGMA busy_timeout=60000"); /* nobody waits for himself */
    make_loose();
    sqlite3_stmt *open = sql_first_row(db, "SELECT path FROM t");
    hindered(SQLITE_LOCKED, "reset the statements that are open");
    ck_assert_int_eq(sqlite3_step(open), SQLITE_ROW);
    sqlite3_finalize(open);
    run("BEGIN");
    hindered(SQLITE_LOCKED, "COMMIT");
    run("COMMIT; CREATE TABLE said(x)");
    refuses(SQLITE_LOCKED, "COMMIT", "INSERT INTO said SELECT art_vacuum('t')");
    refuses(SQLITE_LOCKED, "COMMIT", "SELECT art_vacuum('t') FROM t");
    refuses(SQLITE_ERROR, "there is no art table of that name", "SELECT art_vacuum('nowhere')");
    run("INSERT INTO said VALUES(7)");
    sqlite3_set_last_insert_rowid(db, 77);
    expect("done\n", "SELECT art_vacuum('t')");
    ck_assert_int_eq(sqlite3_last_insert_rowid(db), 77);
    expect("\n", "SELECT art_vacuum(NULL)");
    expect_rows_after_vacuum();
}

/* Its transactions may write pages early, whatever the connection's may. */
TEST(test_it_writes_over_what_is_free_with_cache_spill_off_too) {
    if (sql_has_no_file("test_it_writes_over_what_is_free_with_cache_spill_off_too")) return;
    run("PRAGMA journal_mode=WAL; PRAGMA cache_spill=OFF");
    make_loose();
    uint64_t before = file_bytes();
    expect("done\n", "SELECT art_vacuum('t')");
    ck_assert_uint_lt(file_bytes(), before);
    expect("0\n", "SELECT sum(value) FROM art_debug('t') WHERE property IN ('free slots', 'retired slots')");
    expect("0\n", "PRAGMA cache_spill");
    expect_rows_after_vacuum();
}

TEST(test_a_statement_around_it_is_named) {
    if (sql_has_no_file("test_a_statement_around_it_is_named")) return;
    run("PRAGMA journal_mode=%s", "WAL");
    make_loose();
    refuses(SQLITE_LOCKED, "reset the statements that are open", "VACUUM INTO art_vacuum('t')");
    expect("done\n", "SELECT art_vacuum('t')");
    expect_rows_after_vacuum();
}

/* What is inline has no second transaction: no blob is left that no root names. */
LOOP_TEST(test_vacuum_of_an_inlined_table_leaves_its_rows_to_the_database, 2) {
    TEXTS(journals, "DELETE", "WAL");
    run("PRAGMA journal_mode=%s", journals[_i]);
    sql_create(db, "t", "storage=inline");
    fill('a', 30000);
    fill('b', 20000);
    run("DELETE FROM t WHERE path GLOB '?*[1-5]'");
    expect("done: what it has freed are free pages of the database, which VACUUM gives back\n",
           "SELECT art_vacuum('t')");
    expect("1\n", "SELECT count(*) * 4096 = (SELECT value FROM art_info('t') WHERE property = 'bytes') FROM t_artblob");
    expect("ok|25000\n", "SELECT art_check('t'), count(*) FROM t");
}

/* --- behind a load ------------------------------------------------------------------------------------------------ */

/* In commits of 1,000 rows in random order; or so few rows that they are in the log alone. */
static void load(int rows) {
    enum { STEP = 7919, COMMIT = 1000 };
    for (int from = 0; from < rows; from += COMMIT) {
        run("INSERT INTO t(path, value) WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('usr/%%02d/lib%%07d/%%d.txt', i * %d %% 97, i * %d %% 1000003, i), randomblob(120) FROM n",
            from, rows - from < COMMIT ? rows - from : COMMIT, STEP, STEP);
    }
}

/* A tenth more than the blobs, at most: the file, but for the slots of its own, of an index blob and of the last leaf,
 * which are nearly empty; or the pages of the database that are not free. */
static void is_small(bool inlined) {
    enum { FEW_PAGES = 12 };
    int64_t blobs = sql_int(db, "SELECT value FROM art_info('t') WHERE property = 'bytes'");
    int64_t page = sql_int(db, "PRAGMA page_size"), pages = sql_int(db, "PRAGMA page_count");
    int64_t used = inlined ? (pages - sql_int(db, "PRAGMA freelist_count") - FEW_PAGES) * page : (int64_t)file_bytes();
    int64_t more = inlined ? 0 : 3 * BLOB;
    ck_assert_msg(used <= blobs + blobs / 10 + more, "%lld bytes of %lld", (long long)used, (long long)blobs);
}

/* One call: as small as it gets, and no row in the log for those who come to read. Whatever was done before it. */
LOOP_TEST(test_one_call_behind_a_load_leaves_a_small_table_without_a_log, 16) {
    TEXTS(befores, NULL, NULL, "flush", "optimize");
    bool inlined = _i / 2 % 2, few = _i / 4 == 0;
    if (!inlined && sql_has_no_file("test_one_call_behind_a_load_leaves_a_small_table_without_a_log")) return;
    if (!random_takes(_i, 3)) return;
    run("PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(path, value, storage=%s)", _i % 2 ? "WAL" : "DELETE",
        inlined ? "inline" : "file");
    sqlite3 *other = sql_open(path); /* which has read, and rests */
    load(few ? 900 : 30000);
    sql_expect(other, few ? "900\n" : "30000\n", "SELECT count(*) FROM t WHERE length(value) = 120");
    if (befores[_i / 4]) command(befores[_i / 4]);
    ck_assert(!strncmp(kept(sql_rows(db, "SELECT art_vacuum('t')")), "done", 4));
    expect("0\n", "SELECT count(*) FROM t_artdata WHERE csn > 0");
    is_small(inlined);
    ck_assert_uint_eq(size_of(TEXT("%s-wal", path)), 0);
    run("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    is_small(inlined);
    sql_expect(other, few ? "900\n" : "30000\n", "SELECT count(*) FROM t WHERE length(value) = 120");
    sql_close(other);
    sql_reopen();
    ck_assert_int_eq(sql_info(db, "log rows"), 0);
    expect(few ? "ok|900\n" : "ok|30000\n", "SELECT art_check('t'), count(*) FROM t WHERE length(value) = 120");
}

SUITE("sql_vacuum", .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down)
