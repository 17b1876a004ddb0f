/* art_check() as a table and as a function, PRAGMA integrity_check and quick_check, and the command: a clean table has
 * no row, a damaged one a row for each thing that is wrong. What core finds is test_check_rows.c's and
 * test_check_blobs.c's. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/sql_one.h"

enum { SLOT = 512 * 1024 };

static char *file;

static void set_up(void) {
    sql_set_up();
    sql_create(db, "t", "cache='8MB'");
    run("INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
        "SELECT printf('dir-%%02d/file-%%05d', i / 100, i), printf('value %%064d', i) FROM n;"
        "INSERT INTO t VALUES('big', zeroblob(20000)); INSERT INTO t(t) VALUES('flush');"
        "DELETE FROM t WHERE path GLOB '*7'; INSERT INTO t(t) VALUES('flush');"
        "INSERT INTO t VALUES('late', 1); INSERT INTO t VALUES('later', 2)");
    file = sql_find_file(directory, ".art");
    expect("0\n", "SELECT count(*) FROM art_check('t')");
    expect("ok\n", "SELECT art_check('t')");
}

static void tear_down(void) {
    sql_tear_down();
    sqlite3_free(file);
}

/* Turns a byte over in the file; another copy of it takes its place, since pages in memory are not read again. */
static void turn_byte(uint64_t at) {
    sql_close(db);
    char *copy = TEXT("%s.copy", file);
    static unsigned char bytes[64 * SLOT];
    int fd = open(file, O_RDONLY);
    ssize_t len = read(fd, bytes, sizeof bytes);
    close(fd);
    ck_assert_int_gt(len, (ssize_t)at);
    bytes[at] ^= 1;
    fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ck_assert_int_eq(write(fd, bytes, (size_t)len), len);
    close(fd);
    ck_assert_int_eq(rename(copy, file), 0);
    db = sql_open(path);
}

static void has(const char *query, const char *words) {
    char *rows = kept(sql_rows(db, "%s", query));
    ck_assert_msg(strstr(rows, words) != NULL, "%s\n  gave %s  which does not have: %s", query, rows, words);
}

static bool asks_virtual_tables(void) {
    return sqlite3_libversion_number() >= 3044000;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

TEST(test_a_damaged_page_is_a_row_with_place_slot_and_page) {
    if (sql_has_no_file("test_a_damaged_page_is_a_row_with_place_slot_and_page")) return;
    turn_byte(SLOT + 100);
    expect(TEXT("the page's hash is not that of the blob's trailer|%s|1|0\n", file),
           "SELECT problem, place, slot, page FROM art_check('t')");
    expect("1|1\n", "SELECT slot, count(*) FROM art_check('main.t') WHERE slot IS NOT NULL");
    has("SELECT art_check('t')", "from a backup");
    run("SELECT 1"); /* what the check found is nobody else's error */
    ck_assert_str_eq(sqlite3_errmsg(db), "not an error");
}

TEST(test_several_problems_are_several_rows) {
    if (sql_has_no_file("test_several_problems_are_several_rows")) return;
    turn_byte(SLOT + 100);
    turn_byte(SLOT + 4096 + 100);
    run("DELETE FROM t_artstate WHERE k = 'format'; UPDATE t_artstate SET v = 'much' WHERE k = 'cache';"
        "UPDATE t_artdata SET ops = x'00' WHERE csn = (SELECT max(csn) FROM t_artdata)");
    sql_reopen();
    expect("'cache' is not valid: 'much' is no value for cache: give auto, or a size such as "
           "64MB|main.t_artstate||\n'format' is missing|main.t_artstate||\n"
           "a row of 16 bytes or less|redo log||\n",
           "SELECT problem, place, slot, page FROM art_check('t') WHERE slot IS NULL");
    expect("0\n1\n", "SELECT page FROM art_check('t') WHERE slot = 1");
    char *lines = kept(sql_rows(db, "SELECT art_check('t')"));
    int count = 0;
    for (char *at = lines; (at = strstr(at, "art: ")); at++) count++;
    ck_assert_int_eq(count, 5);
}

TEST(test_there_are_at_most_a_hundred_rows) {
    fill_rows("INTO t_artdata", 1, 150, "(SELECT max(csn) FROM t_artdata) + i, randomblob(50)");
    sql_reopen();
    expect("100|99\n", "SELECT count(*), sum(problem GLOB 'row * does not follow*') FROM art_check('t')");
    has("SELECT problem FROM art_check('t')", "\nthere are more problems than these\n");
    run("DELETE FROM t_artdata WHERE csn > (SELECT max(csn) FROM t_artdata) - 50");
    sql_reopen();
    expect("100|100\n", "SELECT count(*), sum(problem GLOB 'row * does not follow*') FROM art_check('t')");
}

TEST(test_a_table_is_named_as_functions_name_it) {
    expect("0\n", "SELECT count(*) FROM art_check(NULL)");
    refuses(SQLITE_ERROR, "there is no art table of that name (none)", "SELECT * FROM art_check('none')");
    refuses(SQLITE_ERROR, "art_check needs a table's name", "SELECT * FROM art_check");
    sql_create(db, "\"other one\"", "");
    expect("t|0\nother one|0\n",
           "SELECT name, (SELECT count(*) FROM art_check(name)) FROM sqlite_schema WHERE sql LIKE '%USING art%'");
    expect("0\n", "SELECT count(*) FROM sqlite_schema JOIN art_check(name) WHERE sql LIKE '%USING art%'");
    expect("0\n", "SELECT count(*) FROM art_check WHERE \"table\" = 't' OR \"table\" = 'other one'");
}

TEST(test_no_schema_begins_it) {
    run("PRAGMA trusted_schema=ON; CREATE VIEW v AS SELECT * FROM art_check('t')");
    refuses(SQLITE_ERROR, "unsafe use of virtual table", "SELECT * FROM v");
}

static int interrupted(void *left) {
    return --*(int *)left < 0;
}

TEST(test_it_can_be_interrupted) {
    int left = 3;
    sqlite3_progress_handler(db, 1, interrupted, &left);
    ck_assert_int_eq(sql_try(db, "SELECT count(*) FROM art_check('t')"), SQLITE_INTERRUPT);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    expect("0\n", "SELECT count(*) FROM art_check('t')");
}

TEST(test_a_locked_database_is_busy_and_not_damaged) {
    sqlite3 *other = sql_open(path);
    sql_run(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
    refuses(SQLITE_BUSY, "locked", "SELECT * FROM art_check('t')");
    sql_run(other, "COMMIT");
    sql_close(other);
    expect("0\n", "SELECT count(*) FROM art_check('t')");
}

TEST(test_a_read_only_database_is_checked) {
    if (sql_has_no_file("test_a_read_only_database_is_checked")) return;
    sql_close(db);
    db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    expect("0\n", "SELECT count(*) FROM art_check('t')");
    expect("ok\n", "SELECT art_check('t')");
    ck_assert_int_eq(chmod(file, 0400), 0);
    expect("ok\n", "PRAGMA integrity_check");
    ck_assert_int_eq(chmod(file, 0600), 0);
}

/* As in a folder that this user may not write. */
TEST(test_a_database_that_needs_files_of_its_wal_says_so) {
    char *name = TEXT("file:%s?mode=ro&readonly_shm=1", path);
    run("PRAGMA journal_mode=WAL");
    sql_close(db);
    db = sql_open_flags(name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    bool art_is_asked = sql_try(db, "SELECT 1") == SQLITE_OK; /* a newer SQLite fails before */
    ck_assert_int_ne(sql_try(db, "SELECT art_check('t')"), SQLITE_OK);
    const char *said = sqlite3_errmsg(db);
    ck_assert_msg(!art_is_asked || strstr(said, "open it with immutable=1"), "%s", said);
}

TEST(test_a_transaction_is_checked_with_what_it_has_done) {
    sqlite3 *other = sql_open(path);
    run("PRAGMA journal_mode=WAL; BEGIN; SELECT count(*) FROM t");
    sql_run(other, "INSERT INTO t(path) VALUES('another'); INSERT INTO t(t) VALUES('optimize')");
    expect("ok\n", "SELECT art_check('t')"); /* an older snapshot than the other's commit */
    run("COMMIT; BEGIN; DELETE FROM t WHERE path GLOB 'dir-0*'; SAVEPOINT s; INSERT INTO t VALUES('x', "
        "zeroblob(9999))");
    expect("ok\n", "SELECT art_check('t')");
    run("ROLLBACK TO s");
    expect("ok\n", "SELECT art_check('t')");
    run("INSERT INTO t(t) VALUES('flush'); COMMIT");
    expect("ok\n", "SELECT art_check('t')");
    sql_close(other);
}

TEST(test_a_table_in_memory_is_checked) {
    sqlite3 *memory = sql_open(":memory:");
    sql_create(memory, "t", "");
    sql_run(memory, "INSERT INTO t VALUES('a', zeroblob(10000)), ('b', 2); INSERT INTO t(t) VALUES('flush')");
    sql_expect(memory, "0\n", "SELECT count(*) FROM art_check('t')");
    sql_close(memory);
}

/* --- T_artstate and T_artdata ------------------------------------------------------------------------------------- */

static void state_finds(const char *change, const char *expected) {
    run("SAVEPOINT s; %s", change);
    run("RELEASE s");
    sql_reopen();
    expect(expected, "SELECT problem, place FROM art_check('t')");
    if (asks_virtual_tables()) {
        has("PRAGMA integrity_check", "main.t: art: ");
        has("PRAGMA quick_check", "main.t: art: ");
    }
    run("DELETE FROM t_artstate; INSERT INTO t_artstate SELECT * FROM kept");
    sql_reopen();
    expect("0\n", "SELECT count(*) FROM art_check('t')");
}

TEST(test_every_field_of_the_state_is_looked_at) {
    if (sql_has_no_file("test_every_field_of_the_state_is_looked_at")) return;
    static const struct {
        const char *change, *expected;
    } fields[] = {
        {"UPDATE t_artstate SET v = '1' WHERE k = 'format'", "'format' is no number"},
        {"DELETE FROM t_artstate WHERE k = 'format'", "'format' is missing"},
        {"UPDATE t_artstate SET v = x'00' WHERE k = 'id'", "'id' is not 16 bytes"},
        {"DELETE FROM t_artstate WHERE k = 'id'", "'id' is missing"},
        {"UPDATE t_artstate SET v = '../x.art' WHERE k = 'file'", "'file' is no name of this table's .art file"},
        {"UPDATE t_artstate SET v = NULL WHERE k = 'file'", "'file' is no name of this table's .art file"},
        {"DELETE FROM t_artstate WHERE k = 'file'", "'file' is missing"},
        {"DELETE FROM t_artstate WHERE k = 'columns'", "'columns' is missing"},
        {"UPDATE t_artstate SET v = 'path, a CHECK(1)' WHERE k = 'columns'",
         "'columns' is not valid: an art table has no CHECK (t.a): leave it out and check values before they are "
         "written"},
        {"UPDATE t_artstate SET v = 'sideways' WHERE k = 'storage'",
         "'storage' is not valid: 'sideways' is no value for storage: give auto, file or inline"},
        {"UPDATE t_artstate SET v = x'31' WHERE k = 'log_limit'",
         "'log_limit' is not valid: '' is no value for log_limit: give auto, or a size such as 1MB"},
        {"UPDATE t_artstate SET v = x'3131' WHERE k = 'nonce'", "'nonce' is not 16 bytes"},
        {"UPDATE t_artstate SET v = '0123456789abcdef' WHERE k = 'nonce'", "'nonce' is not 16 bytes"},
        {"INSERT OR REPLACE INTO t_artstate VALUES('retired', 'none')", "'retired' is no list of slots"},
    };
    run("CREATE TABLE kept AS SELECT * FROM t_artstate");
    for (unsigned i = 0; i < LENGTH(fields); i++) {
        bool retired = strstr(fields[i].change, "retired");
        char *expected = TEXT("%s|main.t_artstate\n%s", fields[i].expected,
                              retired ? "the list of retired slots cannot be decoded|the state table\n" : "");
        state_finds(fields[i].change, expected);
    }
    run("INSERT INTO t_artstate VALUES('from a later version', 1)");
    expect("0\n", "SELECT count(*) FROM art_check('t')");
}

/* Nothing is damaged: a backup would be older. */
TEST(test_a_table_of_another_version_is_none_to_be_restored) {
    run("CREATE TABLE kept AS SELECT * FROM t_artstate");
    state_finds("INSERT INTO t_artstate VALUES('needs maps', 1)",
                "this table has the feature 'maps', which this version of art cannot read (main.t_artstate): use a "
                "newer version|\n");
    state_finds("UPDATE t_artstate SET v = 11 WHERE k = 'format'",
                "this table has format 11, this version of art knows format 10: use a newer version|\n");
    expect("0\n", "SELECT count(*) FROM art_lost('t')");
    run("INSERT INTO t_artstate VALUES('needs maps', 1)");
    expect("the table has the feature 'maps', which this version cannot read|the state table\n",
           "SELECT problem, place FROM art_lost('t')");
}

TEST(test_columns_that_are_not_those_of_the_table_are_found) {
    run("UPDATE t_artstate SET v = 'path, another' WHERE k = 'columns'");
    sql_reopen();
    has("SELECT problem FROM art_check('t')", "the columns are damaged");
    expect("1\n", "SELECT count(*) FROM art_check('t')");
}

/* Rows of a table with one column in its key come to be those of a table with two. `whole`: the key of (1, 'one'). */
static void forge_keys(const char *columns, const char *whole, bool in_blocks) {
    sql_run(db,
            "CREATE VIRTUAL TABLE k USING art(path BLOB, v); CREATE VIRTUAL TABLE o USING art(a INTEGER, b TEXT, v, "
            "key=(%s)); INSERT INTO k SELECT x'%s', 1 UNION ALL SELECT x'%s00', 2 UNION ALL SELECT substr(x'%s', 1, "
            "length(x'%s') - 1), 3 UNION ALL SELECT x'2102', 4 UNION ALL SELECT x'616263', 5 UNION ALL SELECT x'', 6",
            columns, whole, whole, whole, whole);
    if (in_blocks) sql_run(db, "INSERT INTO k(k) VALUES('optimize')");
    sql_run(db, "PRAGMA writable_schema = ON; UPDATE k_artstate SET v = (SELECT v FROM o_artstate WHERE k = 'columns') "
                "WHERE k = 'columns'; UPDATE sqlite_schema SET sql = (SELECT replace(sql, 'TABLE o', 'TABLE k') FROM "
                "sqlite_schema WHERE name = 'o') WHERE name = 'k'; PRAGMA writable_schema = OFF");
    sql_reopen();
}

LOOP_TEST(test_keys_that_lack_columns_are_found, 4) {
    forge_keys(_i % 2 ? "a, b DESC" : "a, b", _i % 2 ? "2102cf90919aff80" : "2102306f6e6500", _i / 2);
    expect("1|one\n", "SELECT a, b FROM k WHERE a = 1 AND b = 'one'");
    expect("5\n", "SELECT count(*) FROM art_check('k') WHERE problem LIKE 'row %%: its key lacks columns'");
    expect("5\n", "SELECT count(*) FROM art_check('k')");
    refuses(SQLITE_CORRUPT_VTAB, "a key lacks columns", "SELECT a, b FROM k");
}

TEST(test_a_field_that_is_there_twice_is_found) {
    run("CREATE TABLE kept AS SELECT * FROM t_artstate; DROP TABLE t_artstate; CREATE TABLE t_artstate(k, v);"
        "INSERT INTO t_artstate SELECT * FROM kept; INSERT INTO t_artstate SELECT * FROM kept WHERE k = 'file'");
    sql_reopen();
    expect("'file' is there twice|main.t_artstate\n", "SELECT problem, place FROM art_check('t')");
}

TEST(test_shadow_tables_that_are_gone_are_found) {
    run("DROP TABLE t_artdata");
    sql_reopen();
    has("SELECT problem FROM art_check('t')", "no such table: main.t_artdata");
    has("SELECT art_check('t')", "no such table: main.t_artdata: restore the database from a backup, or copy out");
    if (asks_virtual_tables()) has("PRAGMA integrity_check", "no such table: main.t_artdata");
    run("CREATE TABLE t_artdata(csn INTEGER PRIMARY KEY, ops BLOB); DROP TABLE t_artstate");
    sql_reopen();
    has("SELECT problem FROM art_check('t')", "no such table: main.t_artstate");
    run("CREATE TABLE t_artstate(k TEXT PRIMARY KEY, v) WITHOUT ROWID");
    sql_reopen();
    expect("'format' is missing\n'id' is missing\n'file' is missing\n'columns' is missing\n",
           "SELECT problem FROM art_check('t')");
}

TEST(test_a_log_that_is_damaged_does_not_hide_the_file) {
    if (sql_has_no_file("test_a_log_that_is_damaged_does_not_hide_the_file")) return;
    turn_byte(SLOT + 100);
    run("DELETE FROM t_artdata WHERE csn = (SELECT max(csn) - 1 FROM t_artdata)");
    sql_reopen();
    expect("the log\n1\n", "SELECT coalesce(slot, place) FROM art_check('t')");
    run("UPDATE t_artdata SET ops = x'00' WHERE csn = 0");
    sql_reopen();
    has("SELECT problem FROM art_check('t')", "root is cut short");
}

TEST(test_a_log_whose_rows_were_deleted_is_noticed) {
    run("INSERT INTO t(t) VALUES('optimize')");
    sql_reopen();
    expect("0\n", "SELECT csn FROM t_artdata");
    expect("ok\n", "SELECT art_check('t')");
    run("INSERT INTO t(path) VALUES('behind'); DELETE FROM t_artdata WHERE csn > 0");
    sql_reopen();
    expect("the rows behind the root were deleted\n", "SELECT problem FROM art_check('t')");
    refuses(SQLITE_CORRUPT_VTAB, "the rows behind the root were deleted", "SELECT * FROM t");
    refuses(SQLITE_CORRUPT_VTAB, "the rows behind the root were deleted", "INSERT INTO t(path) VALUES('more')");
}

TEST(test_a_missing_file_is_one_row) {
    if (sql_has_no_file("test_a_missing_file_is_one_row")) return;
    unlink(file);
    sql_reopen();
    expect("1\n", "SELECT count(*) FROM art_check('t')");
    has("SELECT problem FROM art_check('t')", "the .art file is missing");
    has("SELECT art_check('t')", "the .art file is missing");
}

TEST(test_pages_of_sqlite_that_are_damaged_are_found) {
    int64_t page = sql_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 't_artstate'");
    int64_t size = sql_int(db, "PRAGMA page_size");
    run("PRAGMA journal_mode=DELETE");
    sql_close(db);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(fd, "damage!!", 8, (page - 1) * size), 8);
    close(fd);
    db = sql_open(path);
    has("SELECT problem FROM art_check('t')", "malformed");
}

/* --- integrity_check and the command ------------------------------------------------------------------------------ */

TEST(test_integrity_check_tells_all_and_quick_check_what_is_cheap) {
    if (sql_has_no_file("test_integrity_check_tells_all_and_quick_check_what_is_cheap")) return;
    expect("ok\n", "PRAGMA integrity_check");
    expect("ok\n", "PRAGMA quick_check");
    turn_byte(SLOT + 100);
    expect("ok\n", "PRAGMA quick_check");
    if (!asks_virtual_tables()) {
        expect("ok\n", "PRAGMA integrity_check");
        return;
    }
    has("PRAGMA integrity_check", "main.t: art: the page's hash is not that of the blob's trailer (");
    run("UPDATE t_artdata SET ops = x'00' WHERE csn = (SELECT max(csn) FROM t_artdata)");
    sql_reopen();
    has("PRAGMA quick_check", "main.t: art: a row of 16 bytes or less (");
    has("PRAGMA integrity_check(t)", "main.t: art: a row of 16 bytes or less (");
    has("PRAGMA integrity_check", "\nmain.t: art: the page's hash");
    int left = 3;
    sqlite3_progress_handler(db, 1, interrupted, &left);
    ck_assert_int_eq(sql_try(db, "PRAGMA integrity_check"), SQLITE_INTERRUPT);
    sqlite3_progress_handler(db, 0, NULL, NULL);
}

TEST(test_the_command_fails_with_the_first_problem) {
    if (sql_has_no_file("test_the_command_fails_with_the_first_problem")) return;
    command("integrity-check");
    turn_byte(SLOT + 100);
    turn_byte(SLOT + 4096 + 100);
    refuses(SQLITE_CORRUPT_VTAB, "slot 1, page 0", "INSERT INTO t(t) VALUES('integrity-check')");
    run("UPDATE t_artstate SET v = 'x' WHERE k = 'nonce'");
    refuses(SQLITE_CORRUPT_VTAB, "'nonce' is not 16 bytes (main.t_artstate): restore the database from a backup",
            "INSERT INTO t(t) VALUES('integrity-check')");
}

/* --- commits beside damage ---------------------------------------------------------------------------------------- */

static int64_t fact(const char *property) {
    return sql_int(db, "SELECT value FROM art_debug('t') WHERE property = '%s'", property);
}

/* A page in the middle of a blob that the table has, and not of that in slot `but`: its slot. */
static int damage_a_page(int but) {
    enum { MIDDLE = 10 * 4096 };
    int slots = (int)(sql_file_size(directory, ".art") / SLOT);
    for (int slot = 1; slot < slots; slot++) {
        turn_byte((uint64_t)slot * SLOT + MIDDLE);
        if (slot != but && sql_int(db, "SELECT count(*) FROM art_check('t')")) return slot;
        turn_byte((uint64_t)slot * SLOT + MIDDLE);
    }
    ck_abort_msg("no blob is that large");
    return 0;
}

/* Of the oldest run, or of one over it. What is merely due is given up, however much is written; the log and the runs
 * stay few. */
LOOP_TEST(test_commits_that_owe_a_merge_pass_over_damage, 4) {
    enum { COMMITS = 700, ROW = 1000, LOG = 16 << 10 };
    if (sql_has_no_file("test_commits_that_owe_a_merge_pass_over_damage")) return;
    bool young = _i % 2, one = _i / 2;
    run("INSERT INTO t(t) VALUES('log_limit=%d'), ('spill_limit=64KB'), ('optimize')", LOG);
    int64_t rows = sql_int(db, "SELECT count(*) FROM t");
    int slot = damage_a_page(0);
    if (young) {
        turn_byte((uint64_t)slot * SLOT + 10 * 4096);
        run("UPDATE t SET value = value || 'x' WHERE path < 'dir-20'; INSERT INTO t(t) VALUES('flush')");
        slot = damage_a_page(slot);
    }
    if (one) run("BEGIN");
    for (int i = 0; i < COMMITS; i++) {
        run("INSERT INTO t VALUES('dir-29/new-%05d', randomblob(%d))", i * 7919 % COMMITS, ROW);
        if (one) continue;
        ck_assert_int_le(fact("log bytes"), 4 * LOG);
        ck_assert_int_le(fact("runs"), 8);
    }
    if (one) run("COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), rows + COMMITS);
    expect("700\n", "SELECT count(length(value)) FROM t WHERE path GLOB 'dir-29/new-*'");
    has("SELECT value FROM art_info('t') WHERE property = 'damage'", TEXT("slot %d, page 10): restore", slot));
    has("SELECT slot || ',' || page FROM art_check('t')", TEXT("%d,10\n", slot));
    ck_assert_int_gt(fact("merges given up"), 0);
    refuses(SQLITE_CORRUPT_VTAB, TEXT("slot %d, page 10", slot), "INSERT INTO t(t) VALUES('optimize')");
    sqlite3 *other = sql_open(path);
    ck_assert_int_eq(sql_int(other, "SELECT count(length(value)) FROM t WHERE path GLOB 'dir-29/new-*'"), COMMITS);
    sql_close(other);
}

/* A small run is damaged, and the later ones grow beyond it: where the root has no place for another run, as many of
 * these become one as are sound. */
TEST(test_runs_that_make_place_for_another_leave_out_the_one_that_is_damaged) {
    enum { COMMITS = 400, ROW = 1000, LOG = 16 << 10 };
    if (sql_has_no_file("test_runs_that_make_place_for_another_leave_out_the_one_that_is_damaged")) return;
    run("INSERT INTO t(t) VALUES('log_limit=%d'), ('optimize')", LOG);
    int slot = damage_a_page(0);
    turn_byte((uint64_t)slot * SLOT + 10 * 4096);
    run("BEGIN");
    for (int i = 0; i < 60; i++) run("INSERT INTO t VALUES('dir-%02d/old', randomblob(%d))", i, ROW);
    run("COMMIT; INSERT INTO t(t) VALUES('flush')");
    int64_t rows = sql_int(db, "SELECT count(*) FROM t");
    damage_a_page(slot);
    for (int i = 0; i < COMMITS; i++) {
        run("INSERT INTO t VALUES('dir-29/new-%05d', randomblob(%d))", i * 7919 % COMMITS, ROW);
        ck_assert_int_le(fact("log bytes"), 4 * LOG);
        ck_assert_int_le(fact("runs"), 8);
    }
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), rows + COMMITS);
    expect(TEXT("%d\n", COMMITS), "SELECT count(length(value)) FROM t WHERE path GLOB 'dir-29/new-*'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_info('t') WHERE property = 'damage'"), 1);
    run("DELETE FROM t WHERE prefix = '' AND delimiter = '-' AND path = 'dir-'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_check('t')"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_info('t') WHERE property = 'damage'"), 0);
}

SUITE("sql_check", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
