/* What a summary is for, beside what it costs: sums, levels, the largest, the newest, what changed, rows by a value.
 *
 *     bench_summaries [-r repetitions] [rows]         default: 1000000
 *
 * Files in 40 top directories of 8 directories each, six directories deep, with a size, a time and a tag. The tables
 * are filled in turn and asked in turn, all in one run:
 *
 *     plain       art without a summary                 rich        art, summary=(sum(size), max(mtime))
 *     found       art, lookup(tag) beside these         ordinary    WITHOUT ROWID, an index on size and one on tag
 *     kept        WITHOUT ROWID, and by triggers the size of every ancestor in a second table
 *     LMDB, RocksDB, where they are on this machine: by scan
 *
 * All WAL with caches of 1 GB, warm; times are medians within a transaction. What two tables answer has to be the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/engine.h"
#include "tests/bench/files.h"
#include "tests/bench/tables.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/timing.h"

enum { TOPS = 40, SUBS = 8, MOST_REPETITIONS = 99, KEY_ROOM = 100, TAG_ROOM = 40 };

#define INSERT "INSERT INTO %s(path, size, mtime, tag) VALUES(?1, ?2, ?3, ?4)"
static uint32_t rows = 1000000, *order, *sorted;
static int repetitions = 15;
static char *scratch;

enum { PLAIN, RICH, FOUND, ORDINARY, KEPT, TABLES };
static struct {
    const char *name;
    sqlite3 *db;
} tables[TABLES] = {{.name = "plain"}, {.name = "rich"}, {.name = "found"}, {.name = "ordinary"}, {.name = "kept"}};

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void key_of(uint32_t i, char *out) {
    snprintf(out, KEY_ROOM, "top-%02u/sub-%u/a%u/b%u/c%u/d%u/file-%07u.bin", i % TOPS, i / TOPS % SUBS, i % 3, i % 7,
             i % 11, i % 5, i);
}

static void tag_of(uint32_t i, char *out) {
    uint64_t a = (i + 1) * 0x9e3779b97f4a7c15u, b = a * 0xd6e8feb86659fd93u;
    snprintf(out, TAG_ROOM, "%016llx%016llx", (unsigned long long)(a ^ a >> 29), (unsigned long long)(b ^ b >> 31));
}

static int64_t size_of(uint32_t i) {
    return (int64_t)((uint64_t)i * 2654435761u % 1000003);
}

static void bind_row(sqlite3_stmt *statement, uint32_t i) {
    char key[KEY_ROOM], tag[TAG_ROOM];
    key_of(i, key);
    tag_of(i, tag);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, size_of(i));
    sqlite3_bind_int64(statement, 3, 1000000 + (int64_t)(i % 100000));
    sqlite3_bind_text(statement, 4, tag, -1, SQLITE_TRANSIENT);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

/* One execution; *sum: of what it answers. */
static double once(sqlite3_stmt *statement, uint64_t *sum) {
    double start = timing_now();
    int rc;
    *sum = 0;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            const unsigned char *text = sqlite3_column_text(statement, c);
            for (int i = 0; text && text[i]; i++) *sum = *sum * 31 + text[i];
        }
    }
    double end = timing_now();
    if (rc != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(sqlite3_db_handle(statement)));
        exit(1);
    }
    sqlite3_reset(statement);
    return end - start;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

struct question {
    int table;
    const char *sql;
    bool other; /* it is not to give the same answer as the first */
};

static void print_time(double ns) {
    printf(ns < 1e6 ? "%10.2f us" : "%10.2f ms", ns < 1e6 ? ns / 1e3 : ns / 1e6);
}

static void begin_transactions(const struct question *questions, int count) {
    for (int q = 0; q < count; q++) {
        sqlite3 *db = tables[questions[q].table].db;
        if (sqlite3_get_autocommit(db)) sql_run(db, "BEGIN");
    }
}

static void end_transactions(void) {
    for (int t = 0; t < TABLES; t++) {
        if (!sqlite3_get_autocommit(tables[t].db)) sql_run(tables[t].db, "COMMIT");
    }
}

/* The first of `count` questions is compared with each of the others. */
static void ask(const char *name, const struct question *questions, int count) {
    enum { MOST = 4, SLOW = 50000000 };
    sqlite3_stmt *statements[MOST];
    static double times[MOST][MOST_REPETITIONS];
    uint64_t sums[MOST];
    int done[MOST] = {0};
    begin_transactions(questions, count);
    for (int q = 0; q < count; q++) statements[q] = sql_prepare(tables[questions[q].table].db, "%s", questions[q].sql);
    for (int r = 0; r < repetitions; r++) {
        for (int q = 0; q < count; q++) {
            if (done[q] >= 3 && times[q][0] > SLOW) continue;
            double first = once(statements[q], &sums[q]); /* what the others have pushed out of the caches */
            times[q][done[q]++] = first > SLOW ? first : once(statements[q], &sums[q]);
        }
    }
    double art = timing_median(times[0], done[0]);
    printf("%-50s %-6s", name, tables[questions[0].table].name);
    print_time(art);
    for (int q = 1; q < count; q++) {
        double other = timing_median(times[q], done[q]);
        printf("  %s", tables[questions[q].table].name);
        print_time(other);
        printf(" (%.4g x)", other / art);
        if (!questions[q].other && sums[q] != sums[0]) {
            fprintf(stderr, "%s and %s give other rows\n", questions[0].sql, questions[q].sql);
            exit(1);
        }
    }
    printf("\n");
    fflush(stdout);
    for (int q = 0; q < count; q++) sqlite3_finalize(statements[q]);
    end_transactions();
}
#define SAME(table, sql)                                                                                               \
    { table, sql, false }
#define OTHER(table, sql)                                                                                              \
    { table, sql, true }
#define ASK(name, ...)                                                                                                 \
    ask(name, (const struct question[]){__VA_ARGS__},                                                                  \
        sizeof((const struct question[]){__VA_ARGS__}) / sizeof(struct question))

/* --- loading ------------------------------------------------------------------------------------------------------ */

static void open_table(int t) {
    const char *folder = TEXT("%s/%s", scratch, tables[t].name);
    files_make(folder);
    tables[t].db = tables_open(folder);
}

static void make_table(int t, const char *name) {
    static const char columns[] = "path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, tag TEXT";
    static const char *const summaries[] = {"", ", summary=(sum(size), max(mtime))",
                                            ", summary=(sum(size), max(mtime), lookup(tag))"};
    sqlite3 *db = tables[t].db;
    if (t <= FOUND) {
        sql_run(db, "CREATE VIRTUAL TABLE %s USING art(path, size INTEGER, mtime INTEGER, tag TEXT, cache='1GB'%s)",
                name, summaries[t]);
        return;
    }
    sql_run(db, "CREATE TABLE %s(%s) WITHOUT ROWID", name, columns);
    if (t == ORDINARY)
        sql_run(db, "CREATE INDEX %s_size ON %s(size); CREATE INDEX %s_tag ON %s(tag)", name, name, name, name);
    if (t != KEPT) return;
    sql_run(db, "CREATE TABLE ancestors(path TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID");
    sqlite3_str *trigger = sqlite3_str_new(db);
    sqlite3_str_appendf(trigger, "CREATE TRIGGER keep AFTER INSERT ON %s BEGIN ", name);
    sqlite3_str_appendall(
        trigger,
        "INSERT INTO ancestors WITH RECURSIVE up(p) AS (VALUES(rtrim(NEW.path, replace(NEW.path, '/', ''))) "
        "UNION ALL SELECT rtrim(rtrim(p, '/'), replace(NEW.path, '/', '')) FROM up WHERE p <> '') "
        "SELECT p, NEW.size FROM up WHERE true ON CONFLICT(path) DO UPDATE SET size = size + excluded.size; END");
    char *sql = sqlite3_str_finish(trigger);
    sql_run(db, "%s", sql);
    sqlite3_free(sql);
}

static void bind_random(sqlite3_stmt *statement, uint32_t i) {
    bind_row(statement, order[i]);
}

static void bind_sorted(sqlite3_stmt *statement, uint32_t i) {
    bind_row(statement, sorted[i]);
}

static void bind_change(sqlite3_stmt *statement, uint32_t i) {
    struct random random = {i};
    bind_row(statement, random_below(&random, rows));
    sqlite3_bind_int64(statement, 2, size_of(i));
}

/* On the tables [first, last]; the processor's time of each. */
static void write_in_turn(int first, int last, const char *sql, void (*bind)(sqlite3_stmt *, uint32_t), uint32_t count,
                          double spent[TABLES]) {
    sqlite3 *db[TABLES];
    for (int t = first; t <= last; t++) {
        db[t] = tables[t].db;
        spent[t] = 0;
    }
    tables_write(db + first, last + 1 - first, sql, bind, count, BATCH_ROWS, spent + first);
}

static void print_ratio(const char *what, const double spent[TABLES]) {
    double plain = spent[PLAIN], rich = spent[RICH], found = spent[FOUND];
    printf("%-50s plain %9.2f s, rich %9.2f s (%.3f x), found %9.2f s (%.3f x)\n", what, plain / 1e9, rich / 1e9,
           rich / plain, found / 1e9, found / plain);
    fflush(stdout);
}

static void measure_sorted_load(void) {
    double spent[TABLES];
    for (int t = PLAIN; t <= FOUND; t++) make_table(t, "again");
    write_in_turn(PLAIN, FOUND, TEXT(INSERT, "again"), bind_sorted, rows, spent);
    print_ratio("sorted load, 1,000 a transaction, processor", spent);
    for (int t = PLAIN; t <= FOUND; t++) sql_run(tables[t].db, "DROP TABLE again");
}

static double bytes_a_key(int t) {
    return (double)sql_int(tables[t].db, "SELECT value FROM art_info('t') WHERE property = 'bytes'") / rows;
}

/* The largest beside conditions: PLAIN sorts, ORDINARY has an index. */
static void measure_largest(void) {
#define LARGEST(name, rest)                                                                                            \
    ASK(name, SAME(RICH, "SELECT size FROM t " rest), SAME(ORDINARY, "SELECT size FROM t " rest),                      \
        SAME(PLAIN, "SELECT size FROM t " rest))
    LARGEST("the 20 largest of all", "ORDER BY size DESC LIMIT 20");
    LARGEST("of fifteen sixteenths by another column", "WHERE tag >= '1' ORDER BY size DESC LIMIT 20");
    LARGEST("of a 256th", "WHERE tag < '01' ORDER BY size DESC LIMIT 20");
    LARGEST("of none", "WHERE tag = 'x' ORDER BY size DESC LIMIT 20");
    LARGEST("the 20 smallest above a bound at the end", "WHERE size > 10 ORDER BY size LIMIT 20");
    LARGEST("above a bound in the middle", "WHERE size > 500000 ORDER BY size LIMIT 20");
    LARGEST("a page of the largest, the fifth",
            "WHERE (size, path) < (999900, 'top-2') ORDER BY size DESC, path DESC LIMIT 20");
    LARGEST("a page of the largest, far behind",
            "WHERE (size, path) < (500000, 'top-2') ORDER BY size DESC, path DESC LIMIT 20");
#undef LARGEST
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

#define BELOW "path >= 'top-07/' AND path < 'top-070'"

static void measure_reads(void) {
    ASK("sum below a fortieth", SAME(RICH, "SELECT art_sum('t', 'size', 'top-07/')"),
        SAME(ORDINARY, "SELECT sum(size) FROM t WHERE " BELOW),
        OTHER(KEPT, "SELECT size FROM ancestors WHERE path = 'top-07/'"));
    ASK("a level of 8: entries, sum, max", SAME(RICH, "SELECT path, entries, size, mtime FROM t('top-07/', '/')"),
        OTHER(RICH, "SELECT path, entries FROM t('top-07/', '/')"),
        SAME(ORDINARY,
             "SELECT substr(path, 1, 13), count(*), sum(size), max(mtime) FROM t WHERE " BELOW " GROUP BY 1"));
    ASK("the 20 largest below a fortieth", SAME(RICH, "SELECT size FROM t('top-07/') ORDER BY size DESC LIMIT 20"),
        SAME(ORDINARY, "SELECT size FROM t WHERE " BELOW " ORDER BY size DESC LIMIT 20"));
    measure_largest();
    char tag[TAG_ROOM];
    tag_of(rows / 3, tag);
    char *by_tag = sqlite3_mprintf("SELECT path FROM t WHERE tag = %Q", tag);
    char *by_scan = sqlite3_mprintf("SELECT path FROM t WHERE +tag = %Q", tag);
    ASK("one row by a tag", SAME(FOUND, by_tag), SAME(FOUND, by_scan), SAME(PLAIN, by_tag), SAME(ORDINARY, by_tag));
    sqlite3_free(by_tag);
    sqlite3_free(by_scan);
}

/* Without a lookup each of the rows takes a scan: ten of them are asked for, and counted a hundredfold. */
static void measure_join(void) {
    double join[3];
    int asked[] = {FOUND, PLAIN, ORDINARY};
    for (int k = 0; k < 3; k++) {
        sqlite3 *db = tables[asked[k]].db;
        int wanted = asked[k] == PLAIN ? 10 : 1000;
        char tag[TAG_ROOM];
        sql_run(db, "CREATE TEMP TABLE some(tag TEXT)");
        for (int i = 0; i < wanted; i++) {
            tag_of((uint32_t)i * (rows / 1000), tag);
            sql_run(db, "INSERT INTO some VALUES(%Q)", tag);
        }
        sqlite3_stmt *statement = sql_prepare(db, "SELECT path FROM some CROSS JOIN t ON t.tag = some.tag");
        uint64_t sum;
        double first = once(statement, &sum), second = asked[k] == PLAIN ? first : once(statement, &sum);
        join[k] = second * 1000 / wanted;
        sqlite3_finalize(statement);
        sql_run(db, "DROP TABLE some");
    }
    printf("%-50s found ", "a join of 1,000 rows by a tag");
    print_time(join[0]);
    printf("  plain");
    print_time(join[1]);
    printf(" (%.4g x)  ordinary", join[1] / join[0]);
    print_time(join[2]);
    printf(" (%.4g x)\n", join[2] / join[0]);
}

/* What is changed is changed in both. */
static void change(const char *sql) {
    static const int changed[] = {RICH, ORDINARY};
    for (int i = 0; i < 2; i++) sql_run(tables[changed[i]].db, "%s", sql);
}

static void measure_newest(void) {
    char *sql = sqlite3_mprintf("UPDATE t SET mtime = 9000000 + size WHERE path IN (SELECT path FROM (SELECT path, "
                                "row_number() OVER () AS n FROM t WHERE path GLOB 'top-0[0-9]/sub-3/a1/b2/*') "
                                "WHERE n <= %u)",
                                rows / 1000);
    change(sql);
    sqlite3_free(sql);
    ASK("mtime > ?, some thousandth in ten directories",
        SAME(RICH, "SELECT count(*), sum(size) FROM t WHERE mtime > 9000000"),
        SAME(RICH, "SELECT count(*), sum(size) FROM t WHERE +mtime > 9000000"),
        SAME(ORDINARY, "SELECT count(*), sum(size) FROM t WHERE mtime > 9000000"));
}

static void measure_changed(const char *name, const char *some) {
    int64_t version = sql_int(tables[RICH].db, "SELECT max(row_version) FROM t");
    char *update = sqlite3_mprintf("UPDATE t SET size = size + 1 WHERE path IN (%s)", some);
    change(update);
    char *newer = sqlite3_mprintf("SELECT count(*), sum(size) FROM t WHERE row_version > %lld", version);
    char *scan = sqlite3_mprintf("SELECT count(*), sum(size) FROM t WHERE +row_version > %lld", version);
    ASK(name, SAME(RICH, newer), SAME(RICH, scan));
    sqlite3_free(update);
    sqlite3_free(newer);
    sqlite3_free(scan);
}

static void measure_puts(void) {
    enum { PUTS = 2000 };
    double each[TABLES] = {0};
    int asked[] = {RICH, ORDINARY, KEPT};
    for (int k = 0; k < 3; k++) sql_run(tables[asked[k]].db, "PRAGMA synchronous = OFF");
    for (int round = 0; round < 5; round++) {
        for (int k = 0; k < 3; k++) {
            sqlite3_stmt *put = sql_prepare(tables[asked[k]].db, INSERT, "t");
            double begun = timing_now();
            for (uint32_t i = 0; i < PUTS; i++) {
                bind_row(put, rows + (uint32_t)round * PUTS + i);
                tables_step(put);
            }
            double spent = (timing_now() - begun) / PUTS;
            if (!round || spent < each[asked[k]]) each[asked[k]] = spent;
            sqlite3_finalize(put);
        }
    }
    printf("%-50s rich  ", "a row six directories deep, autocommit");
    print_time(each[RICH]);
    printf("  ordinary");
    print_time(each[ORDINARY]);
    printf(" (%.4g x)  kept", each[ORDINARY] / each[RICH]);
    print_time(each[KEPT]);
    printf(" (%.4g x)\n", each[KEPT] / each[RICH]);
}

/* Engines without SQL: what a sum takes is a scan of the rows. */
static void measure_scans(void) {
    for (int e = 0; engines[e]; e++) {
        const struct engine *engine = engines[e];
        if (strcmp(engine->name, "lmdb") && strcmp(engine->name, "rocksdb")) continue;
        char *directory = sqlite3_mprintf("%s/%s", scratch, engine->name);
        files_make(directory);
        struct engine_settings settings = {.directory = directory, .cache_bytes = (uint64_t)1 << 30, .create = true};
        void *store = engine->open(&settings);
        engine->set_sync(store, false);
        for (uint32_t i = 0; i < rows; i++) {
            char key[KEY_ROOM + ART_KEY_PADDING] = {0}, value[64];
            key_of(order[i], key);
            int len = snprintf(value, sizeof value, "%lld", (long long)size_of(order[i]));
            if (i % BATCH_ROWS == 0) engine->begin(store, true, false);
            engine->put(store, art_bytes(key, (uint32_t)strlen(key)), art_bytes(value, (uint32_t)len));
            if (i % BATCH_ROWS == BATCH_ROWS - 1 || i == rows - 1) engine->commit(store);
        }
        engine->settle(store);
        double times[MOST_REPETITIONS];
        for (int r = 0; r < repetitions; r++) {
            uint64_t digest = 0;
            double begun = timing_now();
            engine->list(store, art_bytes("top-07/", 7), false, 0, UINT64_MAX, &digest);
            times[r] = timing_now() - begun;
        }
        printf("%-50s %-6s", "sum below a fortieth, by a scan", engine->name);
        print_time(timing_median(times, repetitions));
        printf("\n");
        engine->close(store);
        sqlite3_free(directory);
    }
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b) {
    char key[2][KEY_ROOM];
    key_of(*(const uint32_t *)a, key[0]);
    key_of(*(const uint32_t *)b, key[1]);
    return strcmp(key[0], key[1]);
}

static void make_orders(void) {
    order = tables_order(rows, &(struct random){1});
    sorted = malloc(rows * sizeof *sorted);
    if (!sorted) abort();
    for (uint32_t i = 0; i < rows; i++) sorted[i] = i;
    qsort(sorted, rows, sizeof *sorted, by_key);
}

static bool read_arguments(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
            if (repetitions < 1 || repetitions > MOST_REPETITIONS) repetitions = MOST_REPETITIONS;
        } else if (atoi(argv[i]) >= TOPS * SUBS) {
            rows = (uint32_t)atoi(argv[i]);
        } else {
            fprintf(stderr, "usage: bench_summaries [-r repetitions] [rows]\n");
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    if (!read_arguments(argc, argv)) return 2;
    scratch = sql_scratch("summaries");
    make_orders();
    printf("SQLite %s, %u rows; warm, WAL, synchronous=NORMAL, caches of 1 GB; medians of %d\n", sqlite3_libversion(),
           rows, repetitions);
    for (int t = 0; t < TABLES; t++) {
        open_table(t);
        make_table(t, "t");
    }
    double spent[TABLES];
    write_in_turn(PLAIN, FOUND, TEXT(INSERT, "t"), bind_random, rows, spent);
    write_in_turn(ORDINARY, KEPT, TEXT(INSERT, "t"), bind_random, rows, spent);
    print_ratio("random load, 1,000 a transaction, processor", spent);
    printf("%-50s ordinary %.2f x, kept %.2f x of rich\n", "random load, processor", spent[ORDINARY] / spent[RICH],
           spent[KEPT] / spent[RICH]);
    measure_sorted_load();
    printf("\nas loaded:\n");
    measure_reads();
    printf("\n");
    write_in_turn(PLAIN, ORDINARY, "UPDATE t SET size = ?2, mtime = ?3 WHERE path = ?1", bind_change, rows / 5, spent);
    print_ratio("update of a fifth, 1,000 a transaction, processor", spent);
    for (int t = PLAIN; t <= FOUND; t++) sql_run(tables[t].db, "INSERT INTO t(t) VALUES('optimize')");
    printf("%-50s plain %.2f, rich %.2f (%+.2f %%), found %.2f (%+.2f)\n", "bytes a key", bytes_a_key(PLAIN),
           bytes_a_key(RICH), (bytes_a_key(RICH) / bytes_a_key(PLAIN) - 1) * 100, bytes_a_key(FOUND),
           bytes_a_key(FOUND) - bytes_a_key(RICH));
    printf("\nafter 'optimize':\n");
    measure_reads();
    measure_join();
    measure_newest();
    measure_changed("row_version > ?, 1,000 in one directory",
                    "SELECT path FROM t WHERE path GLOB 'top-11/*' LIMIT 1000");
    measure_changed("row_version > ?, 1,000 anywhere",
                    "SELECT path FROM (SELECT path, row_number() OVER (ORDER BY tag) AS n FROM t) WHERE n <= 1000");
    measure_puts();
    measure_scans();
    for (int t = 0; t < TABLES; t++) sql_close(tables[t].db);
    sql_scratch_remove(scratch);
    sqlite3_free(scratch);
    free(order);
    free(sorted);
    return 0;
}
