/* Salvage under SQL: art_salvage and art_lost, of tables with a file and of tables in the database.
 *
 * Every page of a small table is damaged in turn, every row of T_artblob changed and removed; the shadow tables are
 * emptied and dropped; files are copied, renamed, cut, and read without their database. What comes out is compared with
 * an ordinary table that has the rows as they should be, and one with all that they ever were:
 *
 *   a row that is not as it should be, or missing     its key lies in a range of art_lost
 *   a row that shows                                  was there at some time
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/blob/blob_format.h"
#include "tests/support/sql_one.h"

enum { PAGE = 4096, SLOT = 128 * PAGE };

static char *file;
static uint8_t *saved;
static size_t saved_bytes;

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void change(const char *sql) {
    sql_run(db, "BEGIN; %s", sql);
    sql_run(db, "INSERT OR IGNORE INTO past SELECT path, value FROM truth; COMMIT");
}

/* Three runs, deletes over older rows, large values, and rows in the log. `t` and `truth` are written alike. */
static void fill(void) {
    sql_run(db,
            "CREATE TABLE truth(path TEXT PRIMARY KEY, value); CREATE TABLE past(path, value, UNIQUE(path, value))");
    for (int run = 0; run < 3; run++) {
        char *rows = TEXT("WITH n(i) AS (SELECT %d UNION ALL SELECT i + %d FROM n LIMIT %d) "
                          "SELECT printf('dir-%%02d/file-%%05d', i %% 7, i), 'run %d of ' || i FROM n",
                          run, run ? 10 : 1, run ? 150 : 1500, run);
        char *both = TEXT("INSERT OR REPLACE INTO truth %s; INSERT OR REPLACE INTO t %s;"
                          "INSERT OR REPLACE INTO truth VALUES('dir-03/large', hex(zeroblob(%d)));"
                          "INSERT OR REPLACE INTO t SELECT path, value FROM truth WHERE path GLOB '*large'",
                          rows, rows, 9000 + 3000 * run);
        change(both);
        if (run) change("DELETE FROM truth WHERE path GLOB '*3'; DELETE FROM t WHERE path GLOB '*3'");
        sql_command(db, "main", "t", run ? "flush" : "optimize");
    }
    change("INSERT INTO truth VALUES('late/1', 1); INSERT INTO t VALUES('late/1', 1)");
    change("INSERT INTO truth VALUES('late/2', 2); INSERT INTO t VALUES('late/2', 2)");
}

static void make(const char *options) {
    sql_set_up();
    sql_run(db, "PRAGMA synchronous=OFF");
    sql_create(db, "t", options);
    fill();
    file = sql_find_file(directory, ".art");
}

static void drop(void) {
    sql_tear_down();
    sqlite3_free(file);
    free(saved);
    file = NULL;
    saved = NULL;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static const char within[] = "(l.after IS NULL OR %s.path > l.after) AND (l.before IS NULL OR %s.path < l.before)";

/* Into temp tables: what is read, and what is said of it. */
static void salvage(sqlite3 *on, const char *target, const char *lost) {
    sql_run(on, "DROP TABLE IF EXISTS temp.saved; DROP TABLE IF EXISTS temp.s; DROP TABLE IF EXISTS temp.lost");
    sql_run(on, "CREATE VIRTUAL TABLE temp.saved USING art_salvage(%s)", target);
    sql_run(on, "CREATE TEMP TABLE s AS SELECT *, row_version FROM saved; CREATE INDEX temp.s_path ON s(path)");
    sql_run(on, "CREATE TEMP TABLE lost AS SELECT * FROM art_lost('%q')", lost);
    ck_assert_int_eq(sql_int(on, "SELECT count(*) - count(DISTINCT path) FROM s"), 0);
}

/* Rows that differ from the truth and are in no range; shown ones that never were. Both are none. */
static void judge(const char *what) {
    salvage(db, "'t'", "t");
    char *covered = TEXT(within, "t", "t"), *shown = TEXT(within, "s", "s");
    int64_t silent = sql_int(db,
                             "SELECT count(*) FROM truth t WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.path = t.path AND "
                             "s.value = t.value) AND NOT EXISTS (SELECT 1 FROM lost l WHERE %s)",
                             covered);
    int64_t back = sql_int(db,
                           "SELECT count(*) FROM s WHERE NOT EXISTS (SELECT 1 FROM truth t WHERE t.path = s.path) AND "
                           "NOT EXISTS (SELECT 1 FROM lost l WHERE %s)",
                           shown);
    int64_t wrong =
        sql_int(db, "SELECT count(*) FROM s WHERE NOT EXISTS (SELECT 1 FROM past p WHERE p.path = s.path AND "
                    "p.value = s.value)");
    ck_assert_msg(!silent && !back && !wrong, "%s: %lld lost in silence, %lld back in silence, %lld wrong", what,
                  (long long)silent, (long long)back, (long long)wrong);
}

static int64_t missing(void) {
    return sql_int(db, "SELECT count(*) FROM truth t WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.path = t.path AND "
                       "s.value = t.value)");
}

static bool told(const char *words) {
    return sql_int(db, "SELECT count(*) FROM lost WHERE problem GLOB '*%q*'", words) > 0;
}

static void is_whole(const char *what) {
    judge(what);
    ck_assert_msg(!missing() && !sql_int(db, "SELECT count(*) FROM lost"), "%s: not all is there", what);
}

/* --- files as bytes ----------------------------------------------------------------------------------------------- */

static void keep_file(void) {
    FILE *from = fopen(file, "rb");
    struct stat attributes;
    ck_assert_int_eq(stat(file, &attributes), 0);
    saved_bytes = (size_t)attributes.st_size;
    saved = malloc(saved_bytes);
    ck_assert_uint_eq(fread(saved, 1, saved_bytes, from), saved_bytes);
    fclose(from);
}

static void put_bytes(size_t at, const void *bytes, size_t len) {
    int to = open(file, O_WRONLY);
    ck_assert_int_eq(pwrite(to, bytes, len, (off_t)at), (ssize_t)len);
    close(to);
}

static bool is_used(size_t page) {
    for (size_t i = 0; i < PAGE; i++) {
        if (saved[page * PAGE + i]) return true;
    }
    return false;
}

static uint64_t hash_of_folder(void) {
    char *command = TEXT("cat %s/* | cksum", directory);
    FILE *pipe = popen(command, "r");
    char line[100] = "";
    ck_assert_ptr_nonnull(fgets(line, sizeof line, pipe));
    pclose(pipe);
    return strtoull(line, NULL, 10);
}

/* --- a file ------------------------------------------------------------------------------------------------------- */

TEST(test_a_sound_table_is_its_own_salvage) {
    make("");
    is_whole("sound");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM s JOIN t USING (path) WHERE s.row_version = t.row_version"),
                     sql_int(db, "SELECT count(*) FROM truth"));
    sql_reopen();
    is_whole("opened anew");
    expect("dir-00/file-00000\ndir-00/file-00007\n", "SELECT path FROM saved ORDER BY path LIMIT 2");
    expect("late/2\n", "SELECT path FROM saved ORDER BY path DESC LIMIT 1");
    ck_assert_int_ne(sql_try(db, "INSERT INTO saved(path) VALUES('x')"), 0);
}

TEST(test_every_page_of_a_file_damaged_in_turn) {
    if (sql_has_no_file("pages of a file")) return;
    make("");
    keep_file();
    unsigned damaged = 0, narrow = 0;
    int64_t rows = sql_int(db, "SELECT count(*) FROM truth");
    char *covered = TEXT(within, "t", "t");
    for (size_t page = SLOT / PAGE; page < saved_bytes / PAGE; page += random_stride()) {
        char what[40];
        if (!is_used(page)) continue;
        uint8_t bytes[3] = {0xde, 0xad, (uint8_t)page};
        snprintf(what, sizeof what, "page %zu of slot %zu", page % 128, page / 128);
        put_bytes(page * PAGE + (page * 37) % (PAGE - 3), bytes, sizeof bytes);
        judge(what);
        int64_t lost =
            sql_int(db, "SELECT count(*) FROM truth t WHERE EXISTS (SELECT 1 FROM lost l WHERE %s)", covered);
        damaged++;
        narrow += lost <= rows / 5;
        put_bytes(0, saved, saved_bytes);
    }
    printf("%u pages, %u of them cost at most a fifth of %lld rows\n", damaged, narrow, (long long)rows);
    ck_assert_uint_gt(damaged * random_stride(), 12);
    ck_assert_uint_gt(narrow, damaged / 2);
    is_whole("put back");
}

TEST(test_a_file_that_is_cut_missing_or_overwritten) {
    if (sql_has_no_file("a file")) return;
    make("");
    keep_file();
    for (size_t size = 0; size < saved_bytes; size += saved_bytes / 23) {
        ck_assert_int_eq(truncate(file, (off_t)size), 0);
        judge("cut");
        put_bytes(0, saved, saved_bytes);
    }
    uint8_t nothing[3 * PAGE] = {0};
    put_bytes(0, nothing, sizeof nothing); /* whose it is, nobody knows */
    is_whole("without its first pages");
    unlink(file);
    judge("missing");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM s"), 2);
    ck_assert(told("the .art file is missing"));
}

TEST(test_a_file_alone_is_read_exactly) {
    if (sql_has_no_file("a file alone")) return;
    make("");
    sql_reopen();
    sql_command(db, "main", "t", "flush");
    sql_run(db, "INSERT INTO t VALUES('behind the flush', 1)");
    char *alone = TEXT("%s/alone.art", directory), *odd = TEXT("%s/alone.bin", directory);
    char *target = TEXT("file='%q', path, value", alone);
    sql_copy_file(file, alone);
    sqlite3 *other = sql_open(":memory:");
    salvage(other, target, alone);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM s"), sql_int(db, "SELECT count(*) FROM truth"));
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM lost"), 1);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM lost WHERE problem GLOB '*are not in this file*'"), 1);
    /* the usual columns, when none are given; other names */
    sql_run(other, "CREATE VIRTUAL TABLE temp.u USING art_salvage(file='%q')", alone);
    ck_assert_int_eq(sql_int(other, "SELECT length(value) FROM u WHERE path = 'dir-03/large'"), 30000);
    sql_run(other, "CREATE VIRTUAL TABLE temp.v USING art_salvage(file='%q', k, a TEXT, b)", alone);
    ck_assert_int_eq(sql_int(other, "SELECT count(a) * 10 + count(b) FROM v WHERE k GLOB '*large'"), 10);
    sql_copy_file(file, odd);
    ck_assert_int_eq(sql_try(other, "SELECT * FROM art_lost('%q')", odd), SQLITE_CANTOPEN);
    ck_assert_int_eq(sql_try(other, "CREATE VIRTUAL TABLE temp.w USING art_salvage(file='%q')", path), SQLITE_CANTOPEN);
    ck_assert_int_eq(sql_try(other, "SELECT * FROM art_lost('%q/no.art')", directory), SQLITE_CANTOPEN);
    sql_close(other);
}

/* Who lets nobody ATTACH a file lets nobody read one so, either. An authorizer that answers what is no answer is no
 * SQLite without ATTACH. */
TEST(test_an_authorizer_is_asked_before_a_file_is_opened) {
    enum { NO_ANSWER = 99 };
    if (sql_has_no_file("a file alone")) return;
    sql_set_up();
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) VALUES('a'); INSERT INTO t(t) VALUES('flush')");
    char *alone = TEXT("%s/alone.art", directory);
    sql_copy_file(kept(sql_find_file(directory, ".art")), alone);
    sql_run(db, "CREATE VIRTUAL TABLE temp.s USING art_salvage(file='%q')", alone);
    EACH(statement, "SELECT * FROM s", TEXT("SELECT * FROM art_lost(%Q)", alone),
         TEXT("SELECT art_backup(%Q)", copy_path), TEXT("SELECT art_publish(%Q)", copy_path)) {
        for (int answer = SQLITE_DENY; answer <= SQLITE_IGNORE; answer++) {
            sql_forbid(db, answer, SQLITE_ATTACH, NULL, NULL);
            refuses(SQLITE_AUTH, "allow ATTACH for it", statement);
        }
        sql_forbid(db, NO_ANSWER, SQLITE_ATTACH, NULL, NULL);
        refuses(SQLITE_ERROR, "cannot ask for the right to ATTACH: authorizer malfunction", statement);
        sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
    }
    expect("1|1\n", TEXT("SELECT (SELECT count(*) FROM s), (SELECT count(*) > 0 FROM art_lost(%Q))", alone));
    expect("0\n", "SELECT count(*) FROM art_lost('t')");
}

TEST(test_a_file_alone_with_a_key_of_several_columns_is_read_by_it) {
    if (sql_has_no_file("a file alone")) return;
    sql_set_up();
    char *alone = TEXT("%s/alone.art", directory);
    sql_create(db, "t", "a TEXT, n INTEGER, size INTEGER, key=(a, n DESC)");
    sql_run(db, "INSERT INTO t VALUES('a', 1, 10), ('a', 2, 20), ('b', NULL, 30); INSERT INTO t(t) VALUES('flush')");
    file = sql_find_file(directory, ".art");
    sql_copy_file(file, alone);
    sqlite3 *other = sql_open(":memory:");
    sql_run(other,
            "CREATE VIRTUAL TABLE temp.s USING art_salvage(file='%q', key = (a, n DESC), a, n INTEGER, size INTEGER)",
            alone);
    sql_expect(other, "a|2|20\na|1|10\nb||30\n", "SELECT * FROM s");
    sql_refused(other, SQLITE_ERROR, "a key of a column that is not there (x)",
                TEXT("CREATE VIRTUAL TABLE temp.x USING art_salvage(file='%s', a, key=(b))", alone));
    sql_close(other);
}

TEST(test_nobody_is_asked_whose_a_file_is) {
    if (sql_has_no_file("owners")) return;
    make("");
    sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sql_copy_file(path, copy_path);
    sql_close(db);
    db = sql_open(copy_path);
    ck_assert_int_ne(sql_try(db, "SELECT count(*) FROM t"), 0); /* another's */
    uint64_t before = hash_of_folder();
    is_whole("another's file");
    sql_reopen();
    sql_run(db, "PRAGMA user_version"); /* its own again */
    is_whole("its owner");
    ck_assert_uint_eq(hash_of_folder(), before);
}

/* --- in the database ---------------------------------------------------------------------------------------------- */

TEST(test_every_row_of_blobs_changed_and_removed) {
    make("storage=inline");
    ck_assert_ptr_null(file);
    int64_t rows = sql_int(db, "SELECT count(*) FROM t_artblob");
    ck_assert_int_gt(rows, 6);
    for (int64_t i = 0; i < rows; i++) {
        int64_t page = sql_int(db, "SELECT page FROM t_artblob ORDER BY page LIMIT 1 OFFSET %lld", i);
        sql_run(db, "BEGIN; DELETE FROM t_artblob WHERE page = %lld", page);
        judge("removed");
        sql_run(db,
                "ROLLBACK; BEGIN; UPDATE t_artblob SET data = CAST(substr(data, 1, 999) || x'beef' || "
                "substr(data, 1002) AS BLOB) WHERE page = %lld",
                page);
        judge("changed");
        sql_run(db, "ROLLBACK; BEGIN; UPDATE t_artblob SET data = substr(data, 1, 3000) WHERE page = %lld", page);
        judge("cut");
        sql_run(db, "ROLLBACK");
    }
    is_whole("rolled back");
    sql_run(db, "DELETE FROM t_artblob");
    judge("all blobs removed");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM s"), 2);
}

/* --- directories -------------------------------------------------------------------------------------------------- */

static bool is_index(const uint8_t *last_page) {
    struct art_blob_trailer trailer;
    memcpy(&trailer, last_page + PAGE - sizeof trailer, sizeof trailer);
    return trailer.magic == ART_BLOB_MAGIC && trailer.height;
}

/* Of all that the file has, or the rows; how many there were. */
static int spoil_indexes(void) {
    int count = 0;
    if (file) keep_file();
    for (size_t slot = 1; file && slot < saved_bytes / SLOT; slot++) {
        size_t at = (slot + 1) * SLOT - PAGE;
        if (!is_index(saved + at)) continue;
        put_bytes(at + 100, "damaged", 7);
        count++;
    }
    sqlite3_stmt *rows = file ? NULL : sql_prepare(db, "SELECT page, data FROM t_artblob WHERE page %% 128 = 127");
    while (rows && sqlite3_step(rows) == SQLITE_ROW) {
        uint8_t page[PAGE] = {0}; /* the row leaves out the zeros at its end */
        memcpy(page, sqlite3_column_blob(rows, 1), (size_t)sqlite3_column_bytes(rows, 1));
        if (!is_index(page)) continue;
        sql_run(db, "UPDATE t_artblob SET data = zeroblob(4096) WHERE page = %lld", sqlite3_column_int64(rows, 0));
        count++;
    }
    sqlite3_finalize(rows);
    return count;
}

/* The root is found where a copy of it is left: in T_artstate, in the file. Three directories of 12,000 rows, which are
 * changed as one thing. */
LOOP_TEST(test_directories_that_were_deleted_and_moved_as_one_thing_do_not_come_back, 2) {
    enum { ROWS = 12000 };
    sql_set_up();
    sql_run(db, "PRAGMA synchronous=OFF; CREATE TABLE truth(path TEXT PRIMARY KEY, value); "
                "CREATE TABLE past(path, value, UNIQUE(path, value))");
    sql_create(db, "t", _i ? "storage=inline" : "");
    sql_run(db,
            "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) INSERT INTO truth "
            "SELECT printf('dir-%%d/%%06d', i %% 3, i), 'value of ' || i FROM n; INSERT INTO past SELECT * FROM truth",
            3 * ROWS);
    sql_run(db, "INSERT INTO t SELECT * FROM truth; INSERT INTO t(t) VALUES('optimize')");
    file = sql_find_file(directory, ".art");
    change("DELETE FROM truth WHERE path GLOB 'dir-0/*';"
           "DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path = 'dir-0/'");
    change("UPDATE truth SET path = 'new/' || substr(path, 7) WHERE path GLOB 'dir-1/*';"
           "UPDATE t SET path = 'new/' WHERE prefix = '' AND delimiter = '/' AND path = 'dir-1/'");
    change("INSERT INTO truth SELECT 'dir-0/again-' || path, value FROM truth WHERE path GLOB 'new/*';"
           "INSERT INTO t SELECT path, value FROM truth WHERE path GLOB 'dir-0/*'");
    sql_command(db, "main", "t", "flush");
    expect("2\n", "SELECT value FROM art_debug('t') WHERE property = 'cut ranges'");
    ck_assert_int_eq(sql_info(db, "rows by directory"), 2 * ROWS);
    sql_reopen();
    sql_run(db, "PRAGMA synchronous=OFF; PRAGMA wal_checkpoint(TRUNCATE)");
    ck_assert_int_gt(spoil_indexes(), 0);
    sql_run(db, "DELETE FROM t_artdata");
    sql_reopen();
    for (int i = 0; i < (file ? 3 : 1); i++) {
        if (i == 1) sql_run(db, "DELETE FROM t_artstate WHERE k = 'root'");
        if (i == 2) sql_run(db, "DROP TABLE t_artstate");
        judge("indexes");
        ck_assert_int_eq(missing(), 0);
        expect("0\n", "SELECT count(*) FROM s WHERE path NOT IN (SELECT path FROM truth)");
    }
}

/* --- the shadow tables -------------------------------------------------------------------------------------------- */

static const struct {
    const char *sql;
    int lost;         /* rows of the log, of which there are two */
    const char *told; /* NULL: nothing */
} accidents[] = {
    {"DELETE FROM t_artdata", 2, "the log is empty"},
    {"DELETE FROM t_artdata WHERE csn = 0", 0, NULL},
    {"DELETE FROM t_artdata WHERE csn > 0", 2, "their rows were deleted"},
    {"UPDATE t_artdata SET ops = x''", 2, "the log is damaged"},
    {"UPDATE t_artdata SET ops = NULL WHERE csn > 0", 2, "the changes of versions"},
    {"UPDATE t_artdata SET ops = 'text' WHERE csn = 0", 0, NULL},
    {"UPDATE t_artdata SET ops = CAST(iif(substr(ops, 1, 1) = x'00', x'01', x'00') || substr(ops, 2) AS BLOB) "
     "WHERE csn = (SELECT max(csn) FROM t_artdata)", /* a checksum's first byte: once in 256 runs it is 0 already */
     1, "the changes of version "},
    {"DROP TABLE t_artdata", 2, "may be lost: the log is empty or cannot be read"},
    {"DELETE FROM t_artstate", 0, NULL},
    {"DELETE FROM t_artstate WHERE k = 'id'", 0, NULL},
    {"DELETE FROM t_artstate WHERE k = 'file'", 0, NULL},
    {"DELETE FROM t_artstate WHERE k = 'storage'", 0, NULL},
    {"UPDATE t_artstate SET v = zeroblob(16) WHERE k = 'root'", 0, NULL},
    {"UPDATE t_artstate SET v = '../x' WHERE k IN ('file', 'columns', 'format')", 0, NULL},
    {"DROP TABLE t_artstate", 0, NULL},
    {"DROP TABLE t_artstate; DROP TABLE t_artdata", 2, "may be"},
    {"DELETE FROM t_artstate; DELETE FROM t_artdata", 2, "may be"},
};

static void accident(unsigned i) {
    db = sql_open(path);
    sql_run(db, "%s", accidents[i].sql);
    sql_reopen();
    judge(accidents[i].sql);
    ck_assert_msg(missing() == accidents[i].lost, "%s: %lld rows are missing", accidents[i].sql, (long long)missing());
    int64_t said = sql_int(db, "SELECT count(*) FROM lost");
    ck_assert_msg(accidents[i].told ? told(accidents[i].told) : !said, "%s: told otherwise", accidents[i].sql);
    sql_close(db);
}

/* One behind the other, the database put back in its place each time. */
LOOP_TEST(test_accidents_with_shadow_tables, 2) {
    make(_i ? "storage=inline" : "");
    sql_close(db);
    sql_copy_file(path, copy_path);
    for (unsigned i = 0; i < sizeof accidents / sizeof *accidents; i++) {
        accident(i);
        sql_copy_file(copy_path, path);
    }
    db = sql_open(path);
    is_whole("put back");
}

/* They follow the first root, as those of a table would that never had another one; and the change that was flushed
 * with them is in the blobs alone. */
TEST(test_rows_that_the_first_flush_has_left_are_not_the_whole_table) {
    make("storage=inline, log_limit=20000");
    sql_run(db, "DROP TABLE t; DELETE FROM truth; DELETE FROM past");
    sql_create(db, "t", "storage=inline, log_limit=20000");
    for (int i = 0; !sql_int(db, "SELECT count(*) FROM t_artblob"); i++) {
        sql_run(db, "INSERT OR REPLACE INTO truth VALUES('dir/' || %d, hex(randomblob(2200)))", i % 2);
        change("INSERT OR REPLACE INTO t SELECT path, value FROM truth");
    }
    ck_assert_int_ge(sql_int(db, "SELECT count(*) FROM t_artdata"), 2);
    is_whole("sound");
    sql_run(db, "DELETE FROM t_artdata WHERE csn = 0; DELETE FROM t_artstate WHERE k = 'root'");
    sql_reopen();
    judge("without a root");
    ck_assert_int_eq(missing(), 0);
    ck_assert(told("found without a root"));
}

TEST(test_the_file_of_a_renamed_database_is_found_by_the_tables_name) {
    if (sql_has_no_file("a renamed database")) return;
    make("");
    sql_reopen();
    sql_run(db, "DELETE FROM t_artstate");
    sql_close(db);
    char *renamed = sqlite3_mprintf("%s/renamed.db", directory);
    ck_assert_int_eq(rename(path, renamed), 0);
    sqlite3_free(path);
    path = renamed;
    db = sql_open(path);
    is_whole("renamed");
}

/* --- as a table --------------------------------------------------------------------------------------------------- */

TEST(test_columns_are_those_of_the_table) {
    make("");
    sql_run(db, "CREATE VIRTUAL TABLE cs USING art(name, size INTEGER, owner TEXT COLLATE NOCASE NOT NULL)");
    sql_run(db, "INSERT INTO cs VALUES('a', '12', 'Ada'); INSERT INTO cs(cs) VALUES('add column note')");
    sql_run(db, "INSERT INTO cs VALUES('b', 13, 'Bob', 'new')");
    sql_run(db, "CREATE VIRTUAL TABLE temp.x USING art_salvage(\"main.cs\")");
    expect("a|integer|Ada|\nb|integer|Bob|new\n",
           "SELECT name, typeof(size), owner, note FROM x WHERE owner IN ('ADA', 'bob')");
    expect("name TEXT,size INTEGER,owner TEXT,note \n",
           "SELECT group_concat(name || ' ' || type) FROM pragma_table_info('x')");
}

/* Each page in turn is lost; `of` is the type of `after` and `before`. */
static void judge_types(const char *columns, const char *key, const char *of) {
    sql_run(db, "CREATE VIRTUAL TABLE b USING art(%s, storage=inline)", columns);
    sql_run(db,
            "INSERT INTO b SELECT %s, randomblob(6000) FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "LIMIT 300) SELECT i FROM n)",
            key);
    sql_run(db, "INSERT INTO b(b) VALUES('optimize'); CREATE TEMP TABLE pages AS SELECT * FROM b_artblob;"
                "CREATE TEMP TABLE lost(after, before, problem)");
    int64_t pages = sql_int(db, "SELECT max(page) FROM pages");
    for (int64_t page = 0; page <= pages; page += 3) {
        sql_run(db, "UPDATE b_artblob SET data = zeroblob(100) WHERE page = %lld", (long long)page);
        sql_run(db, "INSERT INTO lost SELECT after, before, problem FROM art_lost('b')");
        sql_run(db, "REPLACE INTO b_artblob SELECT * FROM pages WHERE page = %lld", (long long)page);
    }
    ck_assert_int_gt(
        sql_int(db, "SELECT count(*) FROM lost WHERE typeof(after) = '%s' AND typeof(before) = '%s'", of, of), 10);
    ck_assert_int_eq(sql_int(db,
                             "SELECT count(*) FROM lost WHERE typeof(after) NOT IN ('%s', 'null') OR "
                             "typeof(before) NOT IN ('%s', 'null')",
                             of, of),
                     0);
    sql_run(db, "DROP TABLE pages; DROP TABLE b");
}

TEST(test_what_may_be_lost_has_the_type_of_the_key) {
    sql_set_up();
    judge_types("k BLOB, v", "CAST(printf('%04d', i) AS BLOB)", "blob");
    sql_run(db, "DROP TABLE lost");
    judge_types("a TEXT, b INTEGER, v, key=(a, b)", "printf('%04d', i), i", "blob");
    sql_run(db, "DROP TABLE lost");
    judge_types("k, v", "printf('%04d/a', i) || replace(hex(zeroblob(150)), '00', char(233))", "text");
    /* A message has room for a part of a key; it ends with a whole character. */
    ck_assert_int_gt(sql_int(db, "SELECT count(*) FROM lost WHERE problem GLOB '*' || char(233) || '*...*'"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM lost WHERE instr(CAST(problem AS BLOB), x'C32E')"), 0);
}

static int below(const uint8_t *page, int from, int bytes) {
    int number = 0;
    for (int i = 0; i < bytes; i++) number = number << 8 | page[from + i];
    return number;
}

/* A page of SQLite's is written over: what stands behind it in the log is not lost with it. */
TEST(test_rows_of_the_log_behind_a_damaged_page_are_read) {
    enum { PAGE = 4096, COMMITS = 300 };
    uint8_t page[PAGE];
    sql_set_up();
    sql_run(db, "PRAGMA page_size=%d; PRAGMA synchronous=OFF; CREATE VIRTUAL TABLE t USING art(path, v)", PAGE);
    for (int i = 0; i < COMMITS; i++) sql_run(db, "INSERT INTO t VALUES('%04d', hex(zeroblob(50)))", i);
    int root = (int)sql_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 't_artdata'");
    sql_close(db);
    int bytes = open(path, O_RDWR);
    ck_assert_int_eq(pread(bytes, page, PAGE, (off_t)(root - 1) * PAGE), PAGE);
    ck_assert_int_eq(page[0], 5);           /* an inner page of a table */
    ck_assert_int_gt(below(page, 3, 2), 5); /* its cells: a child's number first */
    int child = below(page, below(page, 12 + 2 * 2, 2), 4), rows;
    ck_assert_int_eq(pread(bytes, page, PAGE, (off_t)(child - 1) * PAGE), PAGE);
    ck_assert_int_eq(page[0], 13);
    rows = below(page, 3, 2);
    memset(page, 0x5a, PAGE);
    ck_assert_int_eq(pwrite(bytes, page, PAGE, (off_t)(child - 1) * PAGE), PAGE);
    close(bytes);
    db = sql_open(path);
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')");
    ck_assert_int_ge(sql_int(db, "SELECT count(*) FROM saved"), COMMITS - rows - 1);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM saved WHERE path = '%04d'", COMMITS - 1), 1);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_lost('t') WHERE problem GLOB 'the changes of versions *'"),
                     1);
}

/* Each scan opens it, and the program may have changed its folder since. */
TEST(test_a_file_of_a_relative_name_stays_the_same) {
    if (sql_has_no_file("a relative name")) return;
    make("");
    sqlite3 *other = sql_open(":memory:");
    ck_assert_int_eq(chdir(directory), 0);
    sql_run(other, "CREATE VIRTUAL TABLE temp.u USING art_salvage(file='%q')", strrchr(file, '/') + 1);
    int64_t rows = sql_int(other, "SELECT count(*) FROM u");
    ck_assert_int_gt(rows, 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(sql_int(other, "SELECT count(*) FROM u"), rows);
    ck_assert_int_eq(sql_try(other, "SELECT * FROM art_lost('%q', 'monday')", file), SQLITE_ERROR);
    sql_close(other);
}

/* A key of a type that SQLite takes for a number's would else be one with others in what is made of it. */
TEST(test_columns_have_the_types_of_the_tables_own) {
    static const char of_types[] = "SELECT group_concat(name || ' ' || type, ', ') FROM (SELECT name, type FROM "
                                   "pragma_table_xinfo('%s') WHERE name IN ('path', 'a', 'b', 'c', 'v') ORDER BY cid)";
    sql_set_up();
    EACH(columns, "path STRING, v", "path UUID, v DATETIME", "path, v", "path ANY, v NAME", "path BLOB, v STRING",
         "path VARCHAR(9), v", "a, b STRING, c INTEGER, v, key=(a, b, c DESC)", "b DATETIME, a, v NAME, key=(a)") {
        sql_run(db, "CREATE VIRTUAL TABLE t USING art(%s); CREATE VIRTUAL TABLE temp.s USING art_salvage('t')",
                columns);
        char *expected = kept(sql_rows(db, of_types, "t")), *found = kept(sql_rows(db, of_types, "s"));
        ck_assert_msg(*expected && !strcmp(found, expected), "%s: %s, not %s", columns, found, expected);
        sql_run(db, "DROP TABLE s; DROP TABLE t");
    }
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path STRING, v); INSERT INTO t VALUES('7', 1), ('007', 2), "
                "('1e1', 3), ('10', 4); CREATE VIRTUAL TABLE temp.s USING art_salvage('t');"
                "CREATE TABLE rescued AS SELECT * FROM s");
    expect("1|1\n", "SELECT (SELECT count(*) FROM s WHERE path = '7'), (SELECT count(*) FROM t WHERE path = '7')");
    expect("007,10,1e1,7\n", "SELECT group_concat(path) FROM (SELECT path FROM rescued ORDER BY path)");
}

TEST(test_it_is_for_people_and_in_temp) {
    make("");
    ck_assert_int_ne(sql_try(db, "CREATE VIRTUAL TABLE saved USING art_salvage('t')"), 0);
    ck_assert_int_ne(sql_try(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('nobody')"), 0);
    ck_assert_int_ne(sql_try(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('truth')"), 0);
    ck_assert_int_ne(sql_try(db, "SELECT * FROM art_lost('truth')"), 0);
    sql_run(db, "CREATE VIEW v AS SELECT * FROM art_lost('t')");
    ck_assert_int_ne(sql_try(db, "SELECT * FROM v"), 0);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "unsafe use"));
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_lost(NULL)"), 0);
}

static void is_refused(const char *sql, const char *says) {
    ck_assert_int_eq(sql_try(db, "%s", sql), SQLITE_ERROR);
    ck_assert_msg(strstr(sqlite3_errmsg(db), says), "%s: %s", sql, sqlite3_errmsg(db));
}

/* What was made of it says so, and can still be dropped. */
TEST(test_a_table_that_is_gone) {
    make("");
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('t'); DROP TABLE t");
    is_refused("SELECT * FROM saved", "the table is gone (main.t)");
    sql_run(db, "CREATE TABLE t(a)");
    is_refused("SELECT * FROM saved", "the table is gone (main.t)");
    sql_run(db, "DROP TABLE saved; DROP TABLE t");
    /* When its columns are asked for anew there is none, and later another one. */
    sql_run(db, "CREATE VIRTUAL TABLE t USING art; CREATE VIRTUAL TABLE temp.saved USING art_salvage('t');"
                "ALTER TABLE t RENAME TO u");
    is_refused("SELECT * FROM saved", "there is no art table of that name (t)");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art");
    is_refused("SELECT * FROM saved", "there is no art table of that name (t)");
    sql_run(db, "DROP TABLE saved");
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('t', snapshot /* = */ = 'monday')");
    is_refused("SELECT * FROM saved", "nothing is left of a snapshot 'monday'");
}

/* SQLite 3.40 would read the schema anew that another connection has changed, and free the table that is being made. */
TEST(test_it_is_made_when_the_schema_has_changed) {
    make("");
    sql_reopen();
    sqlite3 *other = sql_open(path);
    int64_t rows = sql_int(db, "SELECT count(*) FROM t");
    sql_run(other, "CREATE TABLE another(a)");
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM saved"), rows);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), rows);
    sql_close(other);
}

TEST(test_a_read_only_database_is_read_and_nothing_is_written) {
    make("");
    sql_run(db, "PRAGMA journal_mode=DELETE");
    sql_close(db);
    uint64_t before = hash_of_folder();
    char *uri = TEXT("file:%s?mode=ro", path);
    ck_assert_int_eq(chmod(directory, 0500), 0);
    db = sql_open_flags(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    is_whole("read-only");
    ck_assert_int_eq(chmod(directory, 0700), 0);
    ck_assert_uint_eq(hash_of_folder(), before);
}

/* A scan that has begun stays with its snapshot, whatever others write. */
TEST(test_a_writer_beside_a_scan) {
    make("");
    sql_reopen();
    sql_run(db, "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')");
    int64_t rows = sql_int(db, "SELECT count(*) FROM truth"), seen = 0;
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *scan = sql_prepare(db, "SELECT path FROM saved");
    while (sqlite3_step(scan) == SQLITE_ROW) {
        seen++;
        if (seen % 300) continue;
        sql_run(other, "UPDATE t SET value = value || 'x'; INSERT INTO t(t) VALUES('optimize')");
    }
    ck_assert_int_eq(sqlite3_finalize(scan), SQLITE_OK);
    ck_assert_int_eq(seen, rows);
    sql_close(other);
}

/* The first step reads pages in vain for a long time; SQLite's own loop never gets its turn. */
static int stop(void *unused) {
    return 1;
}

TEST(test_it_can_be_interrupted) {
    make("");
    sql_run(db, "CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')");
    sqlite3_progress_handler(db, 20, stop, NULL);
    ck_assert_int_eq(sql_try(db, "SELECT count(*) FROM saved"), SQLITE_INTERRUPT);
    ck_assert_int_eq(sql_try(db, "SELECT count(*) FROM art_lost('t')"), SQLITE_INTERRUPT);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    is_whole("afterwards");
}

TEST(test_a_table_of_an_attached_database) {
    make("");
    sql_close(db);
    db = sql_open(":memory:");
    sql_run(db, "ATTACH '%q' AS a; CREATE VIRTUAL TABLE temp.saved USING art_salvage('a.t')", path);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM saved"), sql_int(db, "SELECT count(*) FROM a.truth"));
    /* It stays the one that was found: beside a copy of that name, and where only another is left. */
    sql_run(db, "CREATE TABLE main.t AS SELECT * FROM saved");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM saved"), sql_int(db, "SELECT count(*) FROM a.truth"));
    sql_run(db, "DROP TABLE main.t; DROP TABLE saved; CREATE VIRTUAL TABLE main.t USING art;"
                "CREATE VIRTUAL TABLE temp.saved USING art_salvage('t'); DROP TABLE main.t");
    is_refused("SELECT * FROM saved", "the table is gone (main.t)");
    sql_run(db, "DROP TABLE saved; CREATE VIRTUAL TABLE temp.saved USING art_salvage('a.t'); DETACH a");
    is_refused("SELECT * FROM saved", "the table is gone (a.t)");
}

SUITE("salvage under SQL", .seconds = 600, .tear_down = drop)
