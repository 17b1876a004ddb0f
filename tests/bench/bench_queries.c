/* Queries that an ordinary table answers by walking, on both kinds of table, in turn in one run.
 *
 *     bench_queries [-r repetitions] [rows]         default: 1000000
 *
 * Object keys in 32 top directories, and the files below /usr, repeated under as many roots as are needed. Each query
 * has the form that is best for its table: a level of a directory is files('', '/') here and a skip scan by a recursive
 * CTE there; a count is art_count() here and a range there. Both databases are WAL with 1 GB of cache and warm; times
 * are medians of single queries within a transaction. "ratio" is ordinary / art. Both must give the same rows.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { MOST_REPETITIONS = 99, SLOW = 100000000 };

static int repetitions = 15;
static sqlite3 *art, *ordinary;

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static sqlite3_stmt *inserts[2];
static uint32_t wanted, written;
static const char *root;

static void insert(const char *path) {
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_text(inserts[i], 1, path, -1, SQLITE_STATIC);
        sqlite3_bind_int64(inserts[i], 2, written);
        sqlite3_step(inserts[i]);
        sqlite3_reset(inserts[i]);
    }
    written++;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status;
    (void)at;
    char *text = sqlite3_mprintf("%s%s", root, path);
    if (type == FTW_F) insert(text);
    sqlite3_free(text);
    return written >= wanted;
}

static void insert_files(void) {
    uint32_t before = UINT32_MAX;
    for (int i = 0; written < wanted && written != before; i++) {
        char name[32];
        snprintf(name, sizeof name, "/Host-%02d", i);
        root = name;
        before = written;
        nftw("/usr", visit, 64, FTW_PHYS);
    }
}

static void insert_objects(void) {
    char path[100];
    for (uint32_t i = 0; i < wanted; i++) {
        snprintf(path, sizeof path, "bucket-%02u/path/sub-%u/file-%07u.bin", i % 32, i / 32 % 10, i);
        insert(path);
    }
}

static void fill(void (*write)(void)) {
    sqlite3 *both[] = {art, ordinary};
    written = 0;
    for (int i = 0; i < 2; i++) {
        sql_run(both[i], "BEGIN; DELETE FROM t");
        inserts[i] = sql_prepare(both[i], "INSERT INTO t(path, value) VALUES(?1, ?2)");
    }
    write();
    for (int i = 0; i < 2; i++) {
        sqlite3_finalize(inserts[i]);
        sql_run(both[i], "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    }
    sql_run(art, "INSERT INTO t(t) VALUES('optimize')");
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

static double once(sqlite3_stmt *statement, uint64_t *sum, uint64_t *rows) {
    double start = timing_now();
    int rc;
    *sum = *rows = 0;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        for (int i = 0; text && text[i]; i++) *sum = *sum * 31 + text[i];
        ++*rows;
    }
    double end = timing_now();
    if (rc != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
        exit(1);
    }
    sqlite3_reset(statement);
    return end - start;
}

static void print_time(double ns) {
    if (ns < 1e6) {
        printf("%10.2f us", ns / 1e3);
    } else {
        printf("%10.2f ms", ns / 1e6);
    }
}

/* `most`: what it may take, in microseconds; 0: nothing is asked for. */
static void measure(const char *name, const char *art_sql, const char *plain_sql, double most) {
    sqlite3_stmt *statements[] = {sql_prepare(art, "%s", art_sql), sql_prepare(ordinary, "%s", plain_sql)};
    double times[2][MOST_REPETITIONS];
    uint64_t sums[2], rows[2];
    int done[2] = {0, 0};
    sql_run(art, "BEGIN");
    sql_run(ordinary, "BEGIN");
    for (int r = 0; r < repetitions; r++) {
        for (int i = 0; i < 2; i++) {
            if (r && times[i][0] > SLOW && done[i] >= 3) continue;
            double first =
                once(statements[i], &sums[i], &rows[i]); /* what the other one has pushed out of the caches */
            times[i][done[i]++] = first > SLOW ? first : once(statements[i], &sums[i], &rows[i]);
        }
    }
    sql_run(art, "COMMIT");
    sql_run(ordinary, "COMMIT");
    for (int i = 0; i < 2; i++) sqlite3_finalize(statements[i]);
    double a = timing_median(times[0], done[0]), b = timing_median(times[1], done[1]);
    printf("  %-48s%8llu", name, (unsigned long long)rows[0]);
    print_time(a);
    print_time(b);
    printf("  %8.1f", b / a);
    if (most > 0) printf("   %4.0f us%s", most, a > most * 1e3 ? "  missed" : "");
    printf("\n");
    fflush(stdout);
    if (sums[0] != sums[1] || rows[0] != rows[1]) {
        fprintf(stderr, "%s: the two tables returned different rows (%llu and %llu)\n", name,
                (unsigned long long)rows[0], (unsigned long long)rows[1]);
        exit(1);
    }
}

static void headline(const char *what) {
    printf("\n%u %s\n  %-48s%8s%13s%13s  %8s   %s\n", written, what, "", "rows", "art", "ordinary", "ratio", "wanted");
}

static void measure_objects(void) {
    fill(insert_objects);
    headline("object keys in 32 top directories");
    bool goals = written >= 1000000;
    measure("one level: files('', '/')", "SELECT path, entries FROM t('', '/')",
            "WITH RECURSIVE l(p) AS (SELECT substr(path, 1, instr(path, '/')) FROM (SELECT min(path) AS path FROM t)"
            " UNION ALL SELECT (SELECT substr(path, 1, instr(path, '/')) FROM t WHERE path > p || '~' LIMIT 1) FROM l"
            " WHERE p IS NOT NULL) SELECT p, (SELECT count(*) FROM t WHERE path >= p AND path < rtrim(p, '/') || '0') "
            "FROM l WHERE p IS NOT NULL",
            goals * 100);
    measure("... without entries", "SELECT path FROM t('', '/')",
            "WITH RECURSIVE l(p) AS (SELECT substr(path, 1, instr(path, '/')) FROM (SELECT min(path) AS path FROM t)"
            " UNION ALL SELECT (SELECT substr(path, 1, instr(path, '/')) FROM t WHERE path > p || '~' LIMIT 1) FROM l"
            " WHERE p IS NOT NULL) SELECT p FROM l WHERE p IS NOT NULL",
            goals * 100);
    measure("a page of 1000 rows of a large level",
            "SELECT path FROM t('bucket-07/path/sub-3/', '/') WHERE path > 'bucket-07/path/sub-3/file-0050' ORDER BY "
            "path LIMIT 1000",
            "SELECT path FROM t WHERE path > 'bucket-07/path/sub-3/file-0050' AND path < 'bucket-07/path/sub-30' ORDER "
            "BY path LIMIT 1000",
            0);
    measure("rows below a prefix: art_count('t', 'bucket')", "SELECT art_count('t', 'bucket')",
            "SELECT count(*) FROM t WHERE path >= 'bucket' AND path < 'buckeu'", goals * 20);
    measure("... count(*) FROM files('bucket')", "SELECT count(*) FROM t('bucket')",
            "SELECT count(*) FROM t WHERE path >= 'bucket' AND path < 'buckeu'", 0);
    char *offset = sqlite3_mprintf("SELECT path FROM t ORDER BY path LIMIT 50 OFFSET %u", written / 10 * 9);
    char *backward = sqlite3_mprintf("SELECT path FROM t ORDER BY path DESC LIMIT 50 OFFSET %u", written / 10 * 9);
    measure("LIMIT 50 OFFSET 90 %", offset, offset, goals * 200);
    measure("LIMIT 50 OFFSET 90 %, DESC", backward, backward, goals * 200);
    measure("min(path)", "SELECT min(path) FROM t", "SELECT min(path) FROM t", 0);
    measure("max(path)", "SELECT max(path) FROM t", "SELECT max(path) FROM t", 0);
    measure("path IN (100 paths) ORDER BY path DESC",
            "SELECT path FROM t WHERE path IN (SELECT printf('bucket-%02d/path/sub-%d/file-%07d.bin', value % 32, "
            "value / 32 % 10, value)"
            " FROM generate) ORDER BY path DESC",
            "SELECT path FROM t WHERE path IN (SELECT printf('bucket-%02d/path/sub-%d/file-%07d.bin', value % 32, "
            "value / 32 % 10, value)"
            " FROM generate) ORDER BY path DESC",
            0);
    sqlite3_free(offset);
    sqlite3_free(backward);
}

static void measure_files(void) {
    fill(insert_files);
    headline("files of this machine below /usr, under roots");
    static const char *const patterns[] = {"/Host-00/usr/share/doc/%",
                                           "/host-00/USR/lib/python3/%.py",
                                           "/HOST-01/usr/b%",
                                           "/host-02/usr/share/man/man1/g%",
                                           "/host-0%",
                                           "/nowhere/%"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char *name = sqlite3_mprintf("LIKE '%s'", patterns[i]);
        char *sql = sqlite3_mprintf("SELECT path FROM t WHERE path LIKE %Q ORDER BY path", patterns[i]);
        measure(name, sql, sql, 0);
        sqlite3_free(name);
        sqlite3_free(sql);
    }
    measure("one level: files('/Host-00/usr/share/', '/')", "SELECT path FROM t('/Host-00/usr/share/', '/')",
            "WITH RECURSIVE l(p) AS (VALUES('') UNION ALL SELECT (SELECT CASE WHEN instr(substr(path, 20), '/') THEN "
            "substr(path, 1, 19 +"
            " instr(substr(path, 20), '/')) ELSE path END FROM t WHERE path > CASE WHEN p GLOB '*/' THEN substr(p, 1, "
            "length(p) - 1) || '0'"
            " WHEN p = '' THEN '/Host-00/usr/share/' ELSE p END AND path < '/Host-00/usr/share0' LIMIT 1) FROM l WHERE "
            "p IS NOT NULL)"
            " SELECT p FROM l WHERE p <> ''",
            0);
}

int main(int argc, char **argv) {
    wanted = 1000000;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
            if (repetitions < 1 || repetitions > MOST_REPETITIONS) repetitions = MOST_REPETITIONS;
        } else if (atoi(argv[i]) > 0) {
            wanted = (uint32_t)atoi(argv[i]);
        } else {
            fprintf(stderr, "usage: bench_queries [-r repetitions] [rows]\n");
            return 2;
        }
    }
    char *directory = sql_scratch("queries"),
         *paths[] = {sqlite3_mprintf("%s/art.db", directory), sqlite3_mprintf("%s/ordinary.db", directory)};
    art = sql_open(paths[0]);
    ordinary = sql_open(paths[1]);
    sqlite3 *both[] = {art, ordinary};
    for (int i = 0; i < 2; i++) {
        sql_run(both[i],
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1048576;"
                "CREATE TABLE generate(value INTEGER);"
                "INSERT INTO generate WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 100) SELECT i * 997 "
                "%% %u FROM n",
                wanted);
    }
    sql_create(art, "t", "cache='1GB'");
    sql_run(ordinary, "CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    printf("SQLite %s, both WAL, synchronous=NORMAL, 1 GB of cache, warm; median of %d\n", sqlite3_libversion(),
           repetitions);
    measure_objects();
    measure_files();
    for (int i = 0; i < 2; i++) {
        sql_close(both[i]);
        sqlite3_free(paths[i]);
    }
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    return 0;
}
