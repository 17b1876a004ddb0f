/* Any byte flipped in the .art file is either irrelevant (a free slot, an unused page) or SQLITE_CORRUPT_VTAB with a
 * message that names file, slot and page; never a wrong row, never a crash.
 *
 * A small database with several runs, deletes and values in pieces is made once; then one bit at a time is turned over
 * in the file, a child process reads everything it holds in several ways, and the bit is turned back. A child each,
 * since pages that were read before are kept in memory. ART_TEST_SCALE multiplies the number of flips.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { PAGE = 4096, FLIPS = 500 };

static const char *const readings[] = {
    "SELECT path, value, version FROM t ORDER BY path",
    "SELECT path, value FROM t ORDER BY path DESC",
    "SELECT count(*) FROM t",
    "SELECT path FROM t WHERE path GLOB 'dir-3/*' ORDER BY path LIMIT 20",
    "SELECT value FROM t WHERE path IN ('dir-1/file-00100', 'dir-2/file-00101', 'dir-0/big-1', 'no/such/path')",
    "SELECT count(*) FROM t WHERE path >= 'dir-2/' AND path < 'dir-4/'",
};
enum { READINGS = sizeof readings / sizeof *readings, DIFFERENT = 1, SILENT = 2, DETECTED = 3, UNCLEAR = 4 };

static char *expected[READINGS];
static char *directory, *path, *file;

/* All rows of a query; NULL, and the error in `message`, when it fails. */
static char *read_all(sqlite3 *db, const char *query, int *rc, char **message) {
    sqlite3_stmt *statement = NULL;
    sqlite3_str *out = sqlite3_str_new(NULL);
    *rc = sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    while (*rc == SQLITE_OK || *rc == SQLITE_ROW) {
        *rc = sqlite3_step(statement);
        for (int i = 0; *rc == SQLITE_ROW && i < sqlite3_column_count(statement); i++) {
            sql_append_value(out, sqlite3_column_value(statement, i));
            sqlite3_str_appendchar(out, 1, i + 1 < sqlite3_column_count(statement) ? '|' : '\n');
        }
    }
    *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    *rc = sqlite3_finalize(statement) == SQLITE_OK && *rc == SQLITE_DONE ? SQLITE_OK : sqlite3_extended_errcode(db);
    char *rows = sqlite3_str_finish(out);
    if (*rc == SQLITE_OK) return rows ? rows : sqlite3_mprintf("");
    sqlite3_free(rows);
    return NULL;
}

static void make_database(const char *options) {
    directory = sql_scratch("damage");
    path = sqlite3_mprintf("%s/d.db", directory);
    sqlite3 *db = sql_open(path);
    sql_create(db, "t", options);
    for (int round = 0; round < 3; round++) {
        sql_run(db,
                "INSERT OR REPLACE INTO t WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT 700) "
                "SELECT printf('dir-%%d/file-%%05d', i %% 5, i), 'value of ' || i || ' round %d' FROM n",
                round * 300, round);
        sql_run(db, "DELETE FROM t WHERE path GLOB 'dir-%d/file-*7'", round);
        sql_run(db, "INSERT OR REPLACE INTO t VALUES('dir-0/big-%d', randomblob(%d))", round, 30000 + 5000 * round);
        sql_command(db, "main", "t", round == 0 ? "optimize" : "flush");
    }
    for (int i = 0; i < READINGS; i++) {
        int rc;
        char *message;
        expected[i] = read_all(db, readings[i], &rc, &message);
        ck_assert_msg(rc == SQLITE_OK, "%s", message);
        sqlite3_free(message);
    }
    sql_close(db);
    file = sql_find_file(directory, ".art");
    ck_assert_ptr_nonnull(file);
}

static void drop_database(void) {
    for (int i = 0; i < READINGS; i++) sqlite3_free(expected[i]);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
    sqlite3_free(file);
}

/* The child: what did the flip do? */
static int read_damaged(void) {
    sqlite3 *db = sql_open(path);
    int verdict = SILENT;
    for (int i = 0; i < READINGS; i++) {
        int rc;
        char *message;
        char *rows = read_all(db, readings[i], &rc, &message);
        if (rows && strcmp(rows, expected[i]) != 0) {
            printf("a wrong row: %s\n", readings[i]);
            return DIFFERENT;
        }
        if (!rows) {
            bool clear = rc == SQLITE_CORRUPT_VTAB && strstr(message, strrchr(file, '/') + 1) &&
                         strstr(message, "slot") && strstr(message, "page");
            if (!clear) {
                printf("%d \"%s\" for: %s\n", rc, message, readings[i]);
                return UNCLEAR;
            }
            verdict = DETECTED;
        }
    }
    return verdict;
}

static int verdict_of_child(void) {
    fflush(stdout);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int verdict = read_damaged();
        fflush(stdout);
        _exit(verdict);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void turn_bit(int fd, uint64_t at, int bit) {
    unsigned char byte;
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= (unsigned char)(1 << bit);
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
    ck_assert_int_eq(fsync(fd), 0);
}

/* Pages with anything in them; the others were never written. */
static uint32_t find_pages(int fd, uint64_t size, uint64_t *pages) {
    static const unsigned char zero[PAGE];
    unsigned char page[PAGE];
    uint32_t count = 0;
    for (uint64_t at = 0; at < size; at += PAGE) {
        if (pread(fd, page, PAGE, (off_t)at) == PAGE && memcmp(page, zero, PAGE) != 0) pages[count++] = at;
    }
    return count;
}

static void flip_bits(uint64_t seed) {
    struct random random = {seed};
    int fd = open(file, O_RDWR);
    struct stat status;
    ck_assert(fd >= 0 && fstat(fd, &status) == 0);
    uint64_t *pages = sqlite3_malloc64((sqlite3_uint64)status.st_size / PAGE * sizeof *pages);
    uint32_t page_count = find_pages(fd, (uint64_t)status.st_size, pages);
    int seen[5] = {0}, flips = FLIPS * (int)random_scale();
    ck_assert_int_eq(verdict_of_child(), SILENT);
    for (int i = 0; i < flips; i++) {
        /* Every page in turn, its ends more often than its middle; now and then a place that was never written. */
        uint64_t at = pages[(uint32_t)i % page_count];
        uint32_t kind = random_below(&random, 10);
        at += kind < 2    ? random_below(&random, 64)
              : kind == 2 ? PAGE - 1 - random_below(&random, 64)
                          : random_below(&random, PAGE);
        if (random_once_in(&random, 25)) at = random_next(&random) % (uint64_t)status.st_size;
        int bit = (int)random_below(&random, 8);
        turn_bit(fd, at, bit);
        int verdict = verdict_of_child();
        turn_bit(fd, at, bit);
        ck_assert_msg(verdict == SILENT || verdict == DETECTED,
                      "seed %llu: byte %llu (slot %llu, page %llu), bit %d: %s", (unsigned long long)seed,
                      (unsigned long long)at, (unsigned long long)at / 524288, (unsigned long long)at % 524288 / PAGE,
                      bit,
                      verdict == DIFFERENT ? "a wrong row"
                      : verdict == UNCLEAR ? "an error that is not SQLITE_CORRUPT_VTAB with file, slot and page"
                                           : "a crash");
        seen[verdict]++;
    }
    printf("%d bits turned in %u pages: %d noticed, %d of no consequence\n", flips, page_count, seen[DETECTED],
           seen[SILENT]);
    ck_assert_msg(seen[DETECTED] > flips / 10, "hardly any flip was noticed: is the file read at all?");
    ck_assert_int_eq(verdict_of_child(), SILENT);
    close(fd);
    sqlite3_free(pages);
}

TEST(test_a_flipped_bit_is_irrelevant_or_named_and_never_a_wrong_row) {
    uint64_t seed = random_seed();
    printf("seed %llu\n", (unsigned long long)seed);
    make_database("");
    flip_bits(seed);
    drop_database();
}

TEST(test_a_file_cut_short_is_named) {
    make_database("");
    struct stat status;
    ck_assert_int_eq(stat(file, &status), 0);
    for (uint64_t size = (uint64_t)status.st_size; size > 0;) {
        size = size > 524288 ? size - 524288 : size / 2;
        ck_assert_int_eq(truncate(file, (off_t)size), 0);
        sqlite3 *db = sql_open(path);
        int rc = sql_try(db, "SELECT sum(length(value)) FROM t");
        ck_assert_msg(rc != SQLITE_OK && strstr(sqlite3_errmsg(db), strrchr(file, '/') + 1), "%llu bytes: %d \"%s\"",
                      (unsigned long long)size, rc, sqlite3_errmsg(db));
        sql_close(db);
        if (size < 1000) break;
    }
    drop_database();
}

/* Turns a bit of a row of the log over, through SQLite. */
static void turn_log_bit(int64_t csn, int at, int bit) {
    sqlite3 *db = sql_open(path);
    sqlite3_blob *blob;
    ck_assert_int_eq(sqlite3_blob_open(db, "main", "t_artdata", "ops", csn, 1, &blob), SQLITE_OK);
    unsigned char byte;
    sqlite3_blob_read(blob, &byte, 1, at);
    byte ^= (unsigned char)(1 << bit);
    ck_assert_int_eq(sqlite3_blob_write(blob, &byte, 1, at), SQLITE_OK);
    ck_assert_int_eq(sqlite3_blob_close(blob), SQLITE_OK);
    sql_close(db);
}

/* The root and the redo in the database itself: damaged by hand, they must be refused, too. */
TEST(test_a_damaged_log_is_refused) {
    const char *query = "SELECT path, value FROM t ORDER BY path";
    make_database("");
    sqlite3 *db = sql_open(path);
    sql_run(db, "INSERT INTO t VALUES('late/1', 'x'); INSERT INTO t VALUES('late/2', 'y'); DELETE FROM t WHERE path = "
                "'late/1'");
    char *rows = sql_rows(db, "SELECT csn || ' ' || length(ops) FROM t_artdata ORDER BY csn");
    sql_close(db);
    int row_count = 0;
    for (char *row = rows, *next; *row; row = next, row_count++) {
        next = strchr(row, '\n') + 1;
        long long csn, len;
        ck_assert_int_eq(sscanf(row, "%lld %lld", &csn, &len), 2);
        for (int i = 0; i < 24; i++) {
            int at = (int)(i < 12 ? i * (len - 1) / 11 : i * 7919 % len), rc;
            turn_log_bit(csn, at, i % 8);
            char *message;
            db = sql_open(path);
            char *now = read_all(db, query, &rc, &message);
            sql_close(db);
            turn_log_bit(csn, at, i % 8);
            ck_assert_msg(rc == SQLITE_CORRUPT_VTAB, "row %lld, byte %d of %lld, bit %d: %d %s", csn, at, len, i % 8,
                          rc, message);
            sqlite3_free(now);
            sqlite3_free(message);
        }
    }
    ck_assert_int_eq(row_count, 4);
    sqlite3_free(rows);
    drop_database();
}

/* A page behind the first of a long row of the log, and one that leads to another. */
static bool leads_on(const char page[PAGE]) {
    int marks = 0;
    for (int i = 4; i < PAGE; i++) marks += page[i] == 'x';
    return marks > PAGE / 2 && !page[0] && memcmp(page, "\0\0\0\0", 4) != 0;
}

/* Where SQLite cannot read a row of the log, its reason is told, although a statement was reset behind the one that
 * failed. */
TEST(test_the_reason_is_told_why_the_log_cannot_be_read) {
    char *folder = sql_scratch("log"), *name = sqlite3_mprintf("%s/l.db", folder), page[PAGE];
    sqlite3 *db = sql_open(name);
    sql_create(db, "t", "");
    for (int i = 0; i < 4; i++) sql_run(db, "INSERT INTO t VALUES('k%d', printf('%%.*c', 20000, 'x'))", i);
    sql_close(db);
    int fd = open(name, O_RDWR), turned = 0;
    for (off_t at = 0; pread(fd, page, PAGE, at) == PAGE; at += PAGE) {
        if (leads_on(page)) turned += pwrite(fd, "\x7f\xff\xff\xff", 4, at) == 4;
    }
    close(fd);
    ck_assert_int_gt(turned, 0);
    db = sql_open(name);
    int rc = sql_try(db, "SELECT * FROM t");
    const char *reason = "art: cannot read main.t_artdata: database disk image is malformed";
    ck_assert_msg(rc == SQLITE_CORRUPT && !strcmp(sqlite3_errmsg(db), reason), "%d: %s", rc, sqlite3_errmsg(db));
    sql_close(db);
    sql_scratch_remove(folder);
    sqlite3_free(name);
    sqlite3_free(folder);
}

/* The scan has counted rows without going to them. A write has it go there, where nothing can be read: the write may be
 * done, and the scan has to say so, also behind its last row. */
LOOP_TEST(test_a_counting_scan_that_cannot_go_to_its_row_says_so, 2) {
    char *folder = sql_scratch("counting"), *name = sqlite3_mprintf("%s/c.db", folder);
    sqlite3 *db = sql_open(name);
    sql_create(db, "t", "cache='256KB'");
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                "SELECT printf('k%%05d', i), printf('%%0300d', i) FROM n");
    sql_command(db, "main", "t", "flush");
    sql_close(db);
    db = sql_open(name);
    sqlite3_stmt *scan = sql_prepare(db, "SELECT 1 FROM t");
    for (int i = 0; i < (_i ? 3000 : 2000); i++) ck_assert_int_eq(sqlite3_step(scan), SQLITE_ROW);
    char *art = sql_find_file(folder, ".art"), lies[PAGE];
    int fd = open(art, O_RDWR);
    struct stat found;
    ck_assert(!fstat(fd, &found));
    memset(lies, 'x', sizeof lies);
    for (off_t at = (512 << 10) + 4 * PAGE; at + PAGE <= found.st_size; at += PAGE)
        ck_assert_int_eq(pwrite(fd, lies, PAGE, at), PAGE);
    close(fd);
    sql_run(db, "INSERT INTO t VALUES('a', 1)");
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_CORRUPT_VTAB);
    sqlite3_finalize(scan);
    sql_close(db);
    sqlite3_free(art);
    sql_scratch_remove(folder);
    sqlite3_free(name);
    sqlite3_free(folder);
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("sql_damage", .seconds = SUITE_FOREVER);
}
