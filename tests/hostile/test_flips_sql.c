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
 * page that a blob uses must be noticed by somebody: at the latest by art_check(). What was seen is printed.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/blob/blob_format.h"
#include "core/io/io.h"
#include "ext/art.h"
#include "tests/support/flips.h"
#include "tests/support/random.h"
#include "tests/support/sim_disk.h"
#include "tests/support/suite.h"

enum { SQL_STRIDE = 9, HOLE_SAMPLES = 300, PAGE_BITS = 8 * ART_PAGE };

/* --- a database, and all that it says ----------------------------------------------------------------------------- */

static const char *const readings[] = {
    "SELECT path, value, version FROM t ORDER BY path",
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
static char folder[100], path[140], *expected[READINGS];
static const char *file;

static sqlite3 *open_database(int flags) {
    sqlite3 *db;
    char *message = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) || sqlite3_art_init(db, &message, NULL)) abort();
    sqlite3_extended_result_codes(db, 1);
    return db;
}

static void run(sqlite3 *db, const char *sql) {
    if (!sqlite3_exec(db, sql, NULL, NULL, NULL)) return;
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    abort();
}

/* All rows as bytes, or NULL with the error. */
static char *read_rows(sqlite3 *db, const char *sql, int *rc) {
    sqlite3_stmt *statement = NULL;
    sqlite3_str *out = sqlite3_str_new(NULL);
    *rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    while (!*rc || *rc == SQLITE_ROW) {
        *rc = sqlite3_step(statement);
        for (int i = 0; *rc == SQLITE_ROW && i < sqlite3_column_count(statement); i++) {
            const void *data = sqlite3_column_blob(statement, i);
            int len = sqlite3_column_bytes(statement, i);
            sqlite3_str_appendf(out, "%d:%d:", sqlite3_column_type(statement, i), len);
            if (len) sqlite3_str_append(out, data, len);
            sqlite3_str_appendchar(out, 1, '|');
        }
    }
    if (*rc == SQLITE_DONE) *rc = SQLITE_OK;
    if (*rc) *rc = sqlite3_extended_errcode(db);
    sqlite3_finalize(statement);
    char *rows = sqlite3_str_finish(out);
    if (!rows && !*rc) rows = sqlite3_mprintf("");
    if (!*rc) return rows;
    sqlite3_free(rows);
    return NULL;
}

/* Two runs over each other, one row in pieces, a log behind them, free and retired slots: made anew by each worker. */
static void make_database(const char *options, const char *more) {
    disk = sim_disk_new_steady(SIM_PAGES);
    art_disk_set_default(sim_disk_art(disk));
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/flips-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/f.db", folder);
    sqlite3 *db = open_database(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
    char *create =
        sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(path, value, size INTEGER, cache='1MB'%s)", options);
    run(db, create);
    sqlite3_free(create);
    run(db, "INSERT INTO t(path, value, size) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 40) "
            "SELECT printf('dir-%d/f%d', i % 3, i), 'value ' || i, i FROM n;"
            "INSERT INTO t(path, value) VALUES('big', replace(hex(zeroblob(2500)), '00', 'large'));"
            "INSERT INTO t(t) VALUES('optimize')");
    run(db, "BEGIN; DELETE FROM t WHERE path GLOB 'dir-1/f*7'; UPDATE t SET value = 'new ' || path WHERE size % 5 = 0;"
            "INSERT INTO t(t) VALUES('flush'); COMMIT; INSERT INTO t(path, value) VALUES('late', x'0102');"
            "DELETE FROM t WHERE path = 'dir-0/f9'; UPDATE t SET size = 1.5 WHERE path = 'dir-2/f2'");
    run(db, more);
    for (int i = 0; i < READINGS; i++) {
        int rc;
        expected[i] = read_rows(db, readings[i], &rc);
        if (rc) abort();
    }
    if (!strstr(expected[CHECK], "check ok")) abort();
    run(db, "PRAGMA journal_mode=DELETE"); /* closing a WAL database would sync it, a million times */
    sqlite3_close(db);
    file = sim_disk_find(disk, ".art");
    if (!file) abort();
}

static void remove_database(void) {
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[200];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    rmdir(folder);
    for (int i = 0; i < READINGS; i++) sqlite3_free(expected[i]);
    art_disk_set_default(NULL);
    sim_disk_free(disk);
}

/* A new connection, which has nothing in memory, reads everything. `any_error`: not only CORRUPT will do. */
static enum flip_verdict read_all(bool any_error) {
    enum flip_verdict verdict = FLIP_RIGHT;
    sqlite3 *db = open_database(SQLITE_OPEN_READWRITE);
    for (int i = 0; i < READINGS; i++) {
        int rc;
        char *rows = read_rows(db, readings[i], &rc);
        const char *message = sqlite3_errmsg(db);
        bool ours = strstr(message, "art: ") != NULL, corrupt = rc == SQLITE_CORRUPT_VTAB && ours;
        if (rc) {
            if (!corrupt && !(any_error && ours)) flip_broken("%d \"%s\" for %s", rc, message, readings[i]);
            if (verdict != FLIP_OTHER_ERROR) verdict = corrupt ? FLIP_CORRUPT : FLIP_OTHER_ERROR;
        } else if (strcmp(rows, expected[i]) != 0) {
            if (i != CHECK) flip_broken("wrong rows for %s: %s", readings[i], rows);
            if (verdict == FLIP_RIGHT) verdict = FLIP_CORRUPT;
        }
        sqlite3_free(rows);
    }
    sqlite3_close(db);
    return verdict;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static void flip_file_bit(uint32_t page, uint32_t bit, bool must_be_noticed) {
    uint8_t *byte = sim_disk_page(disk, file, page) + bit / 8;
    flip_at("slot %u, page %u, byte %u, bit %u", page / ART_BLOB_PAGES, page % ART_BLOB_PAGES, bit / 8, bit % 8);
    *byte ^= (uint8_t)(1 << bit % 8);
    sim_disk_renew(disk, file);
    enum flip_verdict verdict = read_all(false);
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
        named[slot] = read_all(false) == FLIP_CORRUPT;
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
    if (used < 4 || read_all(false) != FLIP_RIGHT) flip_broken("the store is not what it was");
    remove_database();
}

TEST(test_every_bit_of_a_small_file_gives_right_rows_or_corrupt) {
    flip_share("the .art file, through SQL", random_scale() >= SQL_STRIDE, flip_file);
}

/* --- the shadow tables -------------------------------------------------------------------------------------------- */

/* One column of one row, all its bits; `where` finds the row also while its key is another. */
static void flip_cell(sqlite3 *db, unsigned worker, const char *table, const char *column, sqlite3_int64 number,
                      bool any_error) {
    sqlite3_stmt *get, *set;
    char *sql = sqlite3_mprintf("SELECT %s FROM saved_%s WHERE rowid = %lld", column, table, number);
    char *change = sqlite3_mprintf("INSERT OR REPLACE INTO t_%s SELECT %s FROM saved_%s WHERE rowid = %lld", table,
                                   !strcmp(column, "v")     ? "k, ?1"
                                   : !strcmp(column, "k")   ? "?1, v"
                                   : !strcmp(column, "ops") ? "csn, ?1"
                                                            : "?1, ops",
                                   table, number);
    if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) || sqlite3_prepare_v2(db, change, -1, &set, NULL) ||
        sqlite3_step(get) != SQLITE_ROW) {
        abort();
    }
    int type = sqlite3_column_type(get, 0);
    sqlite3_int64 integer = sqlite3_column_int64(get, 0);
    uint8_t bytes[4000];
    int len = type == SQLITE_INTEGER ? 8 : sqlite3_column_bytes(get, 0);
    if (type != SQLITE_INTEGER && len) memcpy(bytes, sqlite3_column_blob(get, 0), (size_t)len);
    for (uint32_t bit = worker * flip_stride(); bit < 8u * (uint32_t)len; bit += FLIP_WORKERS * flip_stride()) {
        flip_at("t_%s, row %lld, %s, byte %u, bit %u", table, number, column, bit / 8, bit % 8);
        char *away = sqlite3_mprintf("DELETE FROM t_%s; INSERT INTO t_%s SELECT * FROM saved_%s WHERE rowid <> %lld",
                                     table, table, table, number);
        run(db, "BEGIN");
        run(db, away);
        sqlite3_free(away);
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
        run(db, "COMMIT");
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        flip_note(read_all(any_error));
    }
    char *restore = sqlite3_mprintf("DELETE FROM t_%s; INSERT INTO t_%s SELECT * FROM saved_%s", table, table, table);
    run(db, restore);
    sqlite3_free(restore);
    sqlite3_finalize(get);
    sqlite3_finalize(set);
    sqlite3_free(sql);
    sqlite3_free(change);
}

static void flip_table(unsigned worker, const char *options, const char *more, const char *table,
                       const char *const *columns, bool any_error) {
    make_database(options, more);
    sqlite3 *db;
    if (sqlite3_open(path, &db)) abort();
    char *save = sqlite3_mprintf(
        "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; CREATE TEMP TABLE saved_%s AS SELECT * FROM t_%s", table,
        table);
    run(db, save);
    sqlite3_free(save);
    sqlite3_stmt *count;
    char *ask = sqlite3_mprintf("SELECT count(*) FROM saved_%s", table);
    if (sqlite3_prepare_v2(db, ask, -1, &count, NULL) || sqlite3_step(count) != SQLITE_ROW) abort();
    sqlite3_int64 rows = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    sqlite3_free(ask);
    for (sqlite3_int64 row = 1; row <= rows; row++) {
        for (int i = 0; i < 2 && columns[i]; i++) flip_cell(db, worker, table, columns[i], row, any_error);
    }
    sqlite3_close(db);
    if (rows < 4 || read_all(false) != FLIP_RIGHT) flip_broken("the table is not what it was");
    remove_database();
}

static void flip_log(unsigned worker) {
    static const char *const columns[] = {"csn", "ops"};
    flip_table(worker, "", "", "artdata", columns, false);
}

#define LARGE(path) "INSERT INTO t(path, value) VALUES('" path "', replace(hex(zeroblob(2500)), '00', 'ab'));"

/* A flush by itself has left four rows, and two have come: two of the four are still there. */
static void flip_numbers(unsigned worker) {
    static const char *const columns[] = {"csn", NULL};
    static const char *const more = "INSERT INTO t(t) VALUES('flush');" LARGE("large/1") LARGE("large/2")
        LARGE("large/3") LARGE("large/4") LARGE("large/5") LARGE("large/6") LARGE("large/7");
    flip_table(worker, ", log_limit=23000", more, "artdata", columns, false);
}

static void flip_state(unsigned worker) {
    static const char *const columns[] = {"k", "v"};
    flip_table(worker, "", "", "artstate", columns, true);
}

TEST(test_every_bit_of_the_log_gives_right_rows_or_corrupt) {
    flip_share("T_artdata", true, flip_log);
    flip_share("T_artdata with rows before the root, csn", true, flip_numbers);
}

TEST(test_every_bit_of_the_state_gives_right_rows_or_a_clean_error) {
    flip_share("T_artstate", true, flip_state);
}

int main(void) {
    return suite_run("flips", .seconds = SUITE_FOREVER);
}
