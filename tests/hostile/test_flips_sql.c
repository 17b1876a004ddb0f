/* The bits of a small table's file and shadow tables, turned over one at a time, each followed by a full read through
 * SQL: right rows, or SQLITE_CORRUPT_VTAB.
 *
 *   the .art file      a table of two runs with deletes, a value in pieces and rows in the log: one bit in SQL_STRIDE,
 *                      which is each byte about once (ART_TEST_SCALE=9: every bit). test_flips.c turns every bit of
 *                      such a file over, below SQL.
 *   T_artstate, T_artdata every bit of every key and value; T_artstate's may also give another clean error, since it
 *                      says which format and which file
 *
 * The extension is linked in, and its files are in memory. Of the pages that no blob uses some are sampled. A bit in a
 * page that a blob uses must be noticed by somebody: at the latest by art_check(). Who notices a bit of the file names
 * file, slot and page. What was seen is printed.
 */
#include "core/blob/blob_format.h"
#include "core/io/io.h"
#include "tests/support/flips.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { SQL_STRIDE = 9, HOLE_SAMPLES = 300, PAGE_BITS = 8 * ART_PAGE };

/* --- a database, and all that it says ----------------------------------------------------------------------------- */

static const char *const readings[] = {
    "SELECT path, value, row_version FROM t ORDER BY path",
    "SELECT path, value FROM t ORDER BY path DESC",
    "SELECT count(*) FROM t",
    "SELECT count(*) FROM t WHERE path >= 'dir-1/' AND path < 'dir-2/f3'",
    "SELECT art_nth('t', 'dir-', 7), art_rank('t', 'dir-2/f1')",
    "SELECT art_count('t', 'dir-1/'), art_longest_prefix('t', 'dir-2/f1/x')",
    "SELECT path, value FROM t WHERE path MATCH 'dir-2/f1/x' AND delimiter = '/'",
    "SELECT path, entries FROM t WHERE prefix = '' AND delimiter = '/'",
    "SELECT path, value FROM t WHERE path IN ('dir-0/f3', 'dir-1/f4', 'big', 'none', 'late')",
    "SELECT path FROM t WHERE path GLOB 'dir-[12]/*' LIMIT 5 OFFSET 3",
    "SELECT 'check ' || art_check('t')",
};
enum { READINGS = sizeof readings / sizeof *readings, CHECK = READINGS - 1 };

static struct sim_disk *disk;
static char *folder, *path, *expected[READINGS];
static const char *file;

/* All rows, or NULL with the error. */
static char *read_rows(sqlite3 *db, const char *sql, int *rc) {
    sqlite3_stmt *statement = NULL;
    char *rows = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) ? NULL : sql_answer(statement);
    *rc = sqlite3_extended_errcode(db) == SQLITE_DONE ? SQLITE_OK : sqlite3_extended_errcode(db);
    sqlite3_finalize(statement);
    if (!*rc) return rows;
    sqlite3_free(rows);
    return NULL;
}

/* Two runs over each other, one row in pieces, a log behind them, free and retired slots: made anew by each worker. */
static void make_database(const char *options, const char *more) {
    disk = sim_disk_new_steady(SIM_PAGES);
    art_disk_set_default(sim_disk_art(disk));
    folder = sql_scratch("flips");
    path = sqlite3_mprintf("%s/f.db", folder);
    sqlite3 *db = sql_open(path);
    sql_run(db,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; "
            "CREATE VIRTUAL TABLE t USING art(path, value, size INTEGER, cache='1MB'%s)",
            options);
    sql_run(db, "INSERT INTO t(path, value, size) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 40) "
                "SELECT printf('dir-%%d/f%%d', i %% 3, i), 'value ' || i, i FROM n;"
                "INSERT INTO t(path, value) VALUES('big', replace(hex(zeroblob(2500)), '00', 'large'));"
                "INSERT INTO t(t) VALUES('optimize')");
    sql_run(db,
            "BEGIN; DELETE FROM t WHERE path GLOB 'dir-1/f*7'; UPDATE t SET value = 'new ' || path WHERE size %% 5 = 0;"
            "INSERT INTO t(t) VALUES('flush'); COMMIT; INSERT INTO t(path, value) VALUES('late', x'0102');"
            "DELETE FROM t WHERE path = 'dir-0/f9'; UPDATE t SET size = 1.5 WHERE path = 'dir-2/f2'; %s",
            more);
    for (int i = 0; i < READINGS; i++) {
        int rc;
        expected[i] = read_rows(db, readings[i], &rc);
        if (rc) abort();
    }
    if (!strstr(expected[CHECK], "check ok")) abort();
    sql_run(db, "PRAGMA journal_mode=DELETE"); /* closing a WAL database would sync it, a million times */
    sql_close(db);
    file = sim_disk_find(disk, ".art");
    if (!file) abort();
}

static void remove_database(void) {
    sql_scratch_remove(folder);
    for (int i = 0; i < READINGS; i++) sqlite3_free(expected[i]);
    sqlite3_free(folder);
    sqlite3_free(path);
    art_disk_set_default(NULL);
    sim_disk_free(disk);
}

/* What was turned over: what may be said of it. */
enum flipped { A_FILE, A_LOG, A_STATE };

static bool is_corrupt(int rc, const char *message, enum flipped what) {
    bool placed = what != A_FILE ||
                  (strstr(message, strrchr(file, '/') + 1) && strstr(message, "slot") && strstr(message, "page"));
    return rc == SQLITE_CORRUPT_VTAB && strstr(message, "art: ") && placed;
}

/* A new connection, which has nothing in memory, reads everything. */
static enum flip_verdict read_all(enum flipped what) {
    enum flip_verdict verdict = FLIP_RIGHT;
    sqlite3 *db = sql_open(path);
    for (int i = 0; i < READINGS; i++) {
        int rc;
        char *rows = read_rows(db, readings[i], &rc);
        const char *message = sqlite3_errmsg(db);
        if (rc) {
            bool corrupt = is_corrupt(rc, message, what), other = what == A_STATE && strstr(message, "art: ");
            if (!corrupt && !other) flip_broken("%d \"%s\" for %s", rc, message, readings[i]);
            if (verdict != FLIP_OTHER_ERROR) verdict = corrupt ? FLIP_CORRUPT : FLIP_OTHER_ERROR;
        } else if (strcmp(rows, expected[i]) != 0) {
            if (i != CHECK) flip_broken("wrong rows for %s: %s", readings[i], rows);
            if (verdict == FLIP_RIGHT) verdict = FLIP_CORRUPT;
        }
        sqlite3_free(rows);
    }
    sql_close(db);
    return verdict;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static void flip_file_bit(uint32_t page, uint32_t bit, bool must_be_noticed) {
    uint8_t *byte = sim_disk_page(disk, file, page) + bit / 8;
    flip_at("slot %u, page %u, byte %u, bit %u", page / ART_BLOB_PAGES, page % ART_BLOB_PAGES, bit / 8, bit % 8);
    *byte ^= (uint8_t)(1 << bit % 8);
    sim_disk_renew(disk, file);
    enum flip_verdict verdict = read_all(A_FILE);
    *byte ^= (uint8_t)(1 << bit % 8);
    if (verdict == FLIP_RIGHT && must_be_noticed) flip_broken("nobody noticed");
    flip_note(verdict);
}

/* Is this a page of a blob that the table's root names? The others of the file are free, or holes. */
static bool is_used(uint32_t page, const bool *named) {
    uint32_t slot = page / ART_BLOB_PAGES, in = page % ART_BLOB_PAGES, last = (slot + 1) * ART_BLOB_PAGES - 1;
    if (!named[slot]) return false;
    const struct art_blob_trailer *trailer =
        (const struct art_blob_trailer *)(const void *)(sim_disk_page(disk, file, last) +
                                                        ART_TRAILER_AT % ART_BLOB_PAGE);
    return in < trailer->leaf_pages || in >= ART_BLOB_PAGES - (uint32_t)trailer->footer_pages;
}

/* The slots that a read needs: spoil the trailer of each, and see. */
static void find_named(bool *named) {
    for (uint32_t slot = 1; slot < SIM_PAGES / ART_BLOB_PAGES; slot++) {
        uint32_t last = slot * ART_BLOB_PAGES + ART_BLOB_PAGES - 1;
        named[slot] = false;
        if (!sim_disk_page_used(disk, file, last)) continue;
        uint8_t *byte = sim_disk_page(disk, file, last) + 4000;
        *byte ^= 1;
        sim_disk_renew(disk, file);
        named[slot] = read_all(A_FILE) == FLIP_CORRUPT;
        *byte ^= 1;
    }
}

static void flip_file(unsigned worker) {
    bool named[SIM_PAGES / ART_BLOB_PAGES] = {false};
    struct random random = {17 + worker};
    uint32_t scale = random_scale(), stride = scale < SQL_STRIDE ? SQL_STRIDE / scale * flip_stride() : flip_stride();
    make_database("", "");
    uint32_t pages = (uint32_t)(sim_disk_size(disk, file) / ART_PAGE), used = 0;
    find_named(named);
    for (uint32_t page = 0; page < pages; page++) {
        bool of_blob = is_used(page, named), of_store = page < 3;
        used += of_blob;
        if (!of_blob && !of_store) continue;
        for (uint32_t bit = worker * stride; bit < PAGE_BITS; bit += FLIP_WORKERS * stride) {
            flip_file_bit(page, bit, of_blob || page == 0);
        }
    }
    for (int i = 0; i < HOLE_SAMPLES; i++) {
        uint32_t page = 3 + random_below(&random, pages - 3);
        if (!is_used(page, named)) flip_file_bit(page, random_below(&random, PAGE_BITS), false);
    }
    sim_disk_renew(disk, file);
    if (used < 4 || read_all(A_FILE) != FLIP_RIGHT) flip_broken("the store is not what it was");
    remove_database();
}

TEST(test_every_bit_of_a_small_file_gives_right_rows_or_corrupt) {
    flip_share("the .art file, through SQL", random_scale() >= SQL_STRIDE, flip_file);
}

/* --- the shadow tables -------------------------------------------------------------------------------------------- */

/* Columns of T_artdata and T_artstate, and what a row is while one of them is ?1. */
static const struct column {
    const char *table, *name, *row;
} columns[] = {{"artdata", "csn", "?1, ops"},
               {"artdata", "ops", "csn, ?1"},
               {"artstate", "k", "?1, v"},
               {"artstate", "v", "k, ?1"}};

/* All bits of one column of one row. */
static void flip_cell(sqlite3 *db, unsigned worker, const struct column *column, int64_t number, enum flipped what) {
    const char *table = column->table;
    sqlite3_stmt *get = sql_prepare(db, "SELECT %s FROM saved WHERE rowid = %lld", column->name, number);
    sqlite3_stmt *set = sql_prepare(db, "INSERT OR REPLACE INTO t_%s SELECT %s FROM saved WHERE rowid = %lld", table,
                                    column->row, number);
    if (sqlite3_step(get) != SQLITE_ROW) abort();
    int type = sqlite3_column_type(get, 0);
    sqlite3_int64 integer = sqlite3_column_int64(get, 0);
    uint8_t bytes[4000];
    int len = type == SQLITE_INTEGER ? 8 : sqlite3_column_bytes(get, 0);
    if (type != SQLITE_INTEGER && len) memcpy(bytes, sqlite3_column_blob(get, 0), (size_t)len);
    for (uint32_t bit = worker * flip_stride(); bit < 8u * (uint32_t)len; bit += FLIP_WORKERS * flip_stride()) {
        flip_at("t_%s, row %lld, %s, byte %u, bit %u", table, (long long)number, column->name, bit / 8, bit % 8);
        sql_run(db, "BEGIN; DELETE FROM t_%s; INSERT INTO t_%s SELECT * FROM saved WHERE rowid <> %lld", table, table,
                number);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (type == SQLITE_INTEGER) {
            sqlite3_bind_int64(set, 1, (sqlite3_int64)((sqlite3_uint64)integer ^ (sqlite3_uint64)1 << bit));
        } else if (type == SQLITE_TEXT) {
            sqlite3_bind_text(set, 1, (char *)bytes, len, SQLITE_TRANSIENT);
        } else {
            sqlite3_bind_blob(set, 1, bytes, len, SQLITE_TRANSIENT);
        }
        if (sqlite3_step(set) != SQLITE_DONE) abort();
        sqlite3_reset(set);
        sql_run(db, "COMMIT");
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        flip_note(read_all(what));
    }
    sql_run(db, "DELETE FROM t_%s; INSERT INTO t_%s SELECT * FROM saved", table, table);
    sqlite3_finalize(get);
    sqlite3_finalize(set);
}

static void flip_columns(unsigned worker, const char *options, const char *more, unsigned first, unsigned count) {
    enum flipped what = first < 2 ? A_LOG : A_STATE;
    make_database(options, more);
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; CREATE TEMP TABLE saved AS SELECT * FROM t_%s",
            columns[first].table);
    int64_t rows = sql_int(db, "SELECT count(*) FROM saved");
    for (int64_t row = 1; row <= rows; row++) {
        for (unsigned i = first; i < first + count; i++) flip_cell(db, worker, &columns[i], row, what);
    }
    sql_close(db);
    if (rows < 4 || read_all(A_FILE) != FLIP_RIGHT) flip_broken("the table is not what it was");
    remove_database();
}

static void flip_log(unsigned worker) {
    flip_columns(worker, "", "", 0, 2);
}

#define LARGE(path) "INSERT INTO t(path, value) VALUES('" path "', replace(hex(zeroblob(2500)), '00', 'ab'));"

/* A flush by itself has left four rows, and two have come: two of the four are still there. */
static void flip_numbers(unsigned worker) {
    static const char *const more = "INSERT INTO t(t) VALUES('flush');" LARGE("large/1") LARGE("large/2")
        LARGE("large/3") LARGE("large/4") LARGE("large/5") LARGE("large/6") LARGE("large/7");
    flip_columns(worker, ", log_limit=23000", more, 0, 1);
}

static void flip_state(unsigned worker) {
    flip_columns(worker, "", "", 2, 2);
}

TEST(test_every_bit_of_the_log_gives_right_rows_or_corrupt) {
    flip_share("T_artdata", true, flip_log);
    flip_share("T_artdata with rows before the root, csn", true, flip_numbers);
}

TEST(test_every_bit_of_the_state_gives_right_rows_or_a_clean_error) {
    flip_share("T_artstate", true, flip_state);
}

int main(void) {
    sql_link();
    return suite_run("flips", .seconds = SUITE_FOREVER);
}
