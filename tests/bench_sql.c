/* The same prepared SQL on an art table and on an ordinary one, in turn in one run.
 *
 *     bench_sql [-s obj,fs,hex,real] [-r repetitions] [sizes...]        default: all sets, 100000 and 1000000 keys
 *
 * Two databases side by side, both WAL, synchronous=NORMAL, 1 GB of cache. Loads, updates, inserts and deletes alternate
 * in batches; reads alternate in repetitions, of which the median counts. Prefixes are literals in statements prepared
 * once (a bound GLOB pattern makes SQLite prepare anew at each change, in both). Time is wall time for one operation: one
 * key for load, read, update, insert and delete; one row for scans of a prefix; one query for LIMIT 100 and count.
 * "ratio" is ordinary / art: above 1 the art table is faster, and for bytes below 1 it is smaller.
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"

enum { BATCH = 1000, PREFIXES = 32, SHORT_PREFIXES = 1024, MOST_REPETITIONS = 25, VALUE_ROOM = 64 };

static int repetitions = 5;

/* ---- keys ---- */

struct keys {
    char **sorted;
    uint32_t *order; /* a random permutation: the order of the load */
    uint32_t count, room;
    int value_len;
    const char *name, *shape;
};

static void keys_add(struct keys *keys, const char *key) {
    if (keys->count == keys->room) {
        keys->room = keys->room ? 2 * keys->room : 1024;
        keys->sorted = realloc(keys->sorted, keys->room * sizeof *keys->sorted);
    }
    keys->sorted[keys->count++] = strdup(key);
}

static int compare_strings(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct keys *walking;
static uint32_t walking_limit;

static int visit_file(const char *path, const struct stat *status, int type, struct FTW *at) {
    (void)status;
    (void)at;
    if (type == FTW_F && strlen(path) < 1000) keys_add(walking, path);
    return walking->count >= walking_limit;
}

static void keys_finish(struct keys *keys, uint64_t seed) {
    qsort(keys->sorted, keys->count, sizeof *keys->sorted, compare_strings);
    struct random random = {seed};
    keys->order = malloc(keys->count * sizeof *keys->order);
    for (uint32_t i = 0; i < keys->count; i++) keys->order[i] = i;
    for (uint32_t i = keys->count; i > 1; i--) {
        uint32_t j = random_below(&random, i), k = keys->order[i - 1];
        keys->order[i - 1] = keys->order[j];
        keys->order[j] = k;
    }
}

static struct keys keys_make(const char *set, uint32_t count) {
    struct keys keys = {.name = set, .value_len = 24};
    struct random random = {7};
    char key[128];
    for (uint32_t i = 0; i < count && strcmp(set, "real") != 0; i++) {
        if (!strcmp(set, "obj")) {
            snprintf(key, sizeof key, "bucket-%02u/path/sub/file-%06u.bin", i % 32, i);
        } else if (!strcmp(set, "fs")) {
            snprintf(key, sizeof key, "/usr/local/share/category-%u/file-%06u", i % 100, i);
        } else {
            for (int k = 0; k < 4; k++) snprintf(key + 16 * k, 17, "%016llx", (unsigned long long)random_next(&random));
        }
        keys_add(&keys, key);
    }
    if (!strcmp(set, "obj")) {
        keys.value_len = 49;
        keys.shape = "bucket-%02d/path/sub/file-%06d.bin, 49-byte values";
    } else if (!strcmp(set, "fs")) {
        keys.shape = "/usr/local/share/category-%d/file-%06d, 24-byte values";
    } else if (!strcmp(set, "hex")) {
        keys.shape = "32 random bytes in hex, 24-byte values";
    } else {
        keys.shape = "the files of this machine below /usr, 24-byte values";
        walking = &keys;
        walking_limit = count;
        nftw("/usr", visit_file, 64, FTW_PHYS);
    }
    keys_finish(&keys, 42);
    return keys;
}

static void keys_clear(struct keys *keys) {
    for (uint32_t i = 0; i < keys->count; i++) free(keys->sorted[i]);
    free(keys->sorted);
    free(keys->order);
}

static void make_value(char *out, int len, uint64_t x) {
    char text[VALUE_ROOM + 40];
    snprintf(text, sizeof text, "{\"size\":%08llu,\"etag\":\"%016llx\",\"storage\":1}      ",
             (unsigned long long)(x % 100000000), (unsigned long long)(x * 0x9e3779b97f4a7c15u));
    memcpy(out, text, (size_t)len);
}

/* ---- the two tables ---- */

struct table {
    bool art;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *put, *insert, *get, *update, *remove, *begin, *commit;
    sqlite3_stmt *first[SHORT_PREFIXES], *last[SHORT_PREFIXES], *scan[PREFIXES], *count[PREFIXES];
    sqlite3_stmt *level, *names, *total, *page; /* of the set "obj" */
};

static void table_open(struct table *table) {
    table->db = sql_open(table->path);
    sql_run(table->db, "PRAGMA journal_mode=WAL");
    sql_run(table->db, "PRAGMA synchronous=NORMAL");
    sql_run(table->db, "PRAGMA cache_size=-1048576");
}

static void table_prepare(struct table *table) {
    sqlite3 *db = table->db;
    table->put = sql_prepare(db, "INSERT OR REPLACE INTO t(path, value) VALUES(?1, ?2)");
    table->insert = sql_prepare(db, "INSERT INTO t(path, value) VALUES(?1, ?2)");
    table->get = sql_prepare(db, "SELECT value FROM t WHERE path = ?1");
    table->update = sql_prepare(db, "UPDATE t SET value = ?2 WHERE path = ?1");
    table->remove = sql_prepare(db, "DELETE FROM t WHERE path = ?1");
    table->begin = sql_prepare(db, "BEGIN");
    table->commit = sql_prepare(db, "COMMIT");
}

static void table_prepare_prefixes(struct table *table, char *const *few, char *const *many) {
    for (int i = 0; i < SHORT_PREFIXES; i++) {
        table->first[i] =
            sql_prepare(table->db, "SELECT path, value FROM t WHERE path GLOB '%q*' ORDER BY path LIMIT 100", few[i]);
        table->last[i] = sql_prepare(
            table->db, "SELECT path, value FROM t WHERE path GLOB '%q*' ORDER BY path DESC LIMIT 100", few[i]);
    }
    for (int i = 0; i < PREFIXES; i++) {
        table->scan[i] =
            sql_prepare(table->db, "SELECT path, value FROM t WHERE path GLOB '%q*' ORDER BY path", many[i]);
        table->count[i] = sql_prepare(table->db, "SELECT count(*) FROM t WHERE path GLOB '%q*'", many[i]);
    }
}

/* The top directories, with and without the number of rows below; the number of all rows below a prefix that they share;
 * a page from far behind. The ordinary table gets the best SQL that there is for each: seek and skip. */
static void table_prepare_listings(struct table *table, uint32_t rows) {
    bool art = table->art && !sql_standin();
    sqlite3 *db = table->db;
    static const char top[] = "SELECT substr(path, 1, instr(path, '/')) FROM t", end[] = "rtrim(shown, '/') || '0'";
    char *level = sqlite3_mprintf(
        "WITH RECURSIVE level(shown) AS (SELECT (%s ORDER BY path LIMIT 1) UNION ALL SELECT (%s WHERE path >= %s ORDER "
        "BY path LIMIT 1) FROM level WHERE shown IS NOT NULL)",
        top, top, end);
    table->names = art ? sql_prepare(db, "SELECT path FROM t('', '/') ORDER BY path")
                       : sql_prepare(db, "%s SELECT shown FROM level WHERE shown IS NOT NULL", level);
    table->level = art ? sql_prepare(db, "SELECT path, entries FROM t('', '/') ORDER BY path")
                       : sql_prepare(db,
                                     "%s SELECT shown, (SELECT count(*) FROM t WHERE path >= shown AND path < %s) FROM "
                                     "level WHERE shown IS NOT NULL",
                                     level, end);
    table->total = art ? sql_prepare(db, "SELECT art_count('t', 'bucket-')")
                       : sql_prepare(db, "SELECT count(*) FROM t WHERE path >= 'bucket-' AND path < 'bucket.'");
    table->page = sql_prepare(db, "SELECT path, value FROM t ORDER BY path LIMIT 50 OFFSET %u", rows / 10 * 9);
    sqlite3_free(level);
}

static void table_close(struct table *table) {
    sqlite3_stmt *few[] = {table->put,    table->insert, table->get,   table->update, table->remove, table->begin,
                           table->commit, table->level,  table->names, table->total,  table->page};
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) sqlite3_finalize(few[i]);
    for (int i = 0; i < SHORT_PREFIXES; i++) {
        sqlite3_finalize(table->first[i]);
        sqlite3_finalize(table->last[i]);
    }
    for (int i = 0; i < PREFIXES; i++) {
        sqlite3_finalize(table->scan[i]);
        sqlite3_finalize(table->count[i]);
    }
    sql_close(table->db);
}

static void must_be_done(struct table *table, sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(table->db));
        exit(1);
    }
    sqlite3_reset(statement);
}

/* Rows of a query, with a sum over their bytes so that each one is really read. */
static uint64_t read_rows(struct table *table, sqlite3_stmt *statement, uint64_t *rows) {
    uint64_t sum = 0;
    int rc, columns = sqlite3_column_count(statement);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++) {
            const unsigned char *data = sqlite3_column_blob(statement, i);
            int len = sqlite3_column_bytes(statement, i);
            sum = sum * 31 + (uint64_t)len + (len ? data[len - 1] : 0);
        }
        ++*rows;
    }
    if (rc != SQLITE_DONE) {
        fprintf(stderr, "%s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(table->db));
        exit(1);
    }
    sqlite3_reset(statement);
    return sum;
}

/* ---- operations: each does `count` of its kind from `from` on, and returns a checksum that both tables must share ---- */

struct run {
    const struct keys *keys;
    uint64_t units; /* what one time is divided by */
    uint32_t existing;
};

static void put_one(struct table *table, const struct run *run, sqlite3_stmt *statement, const char *key, uint64_t x) {
    char value[VALUE_ROOM];
    make_value(value, run->keys->value_len, x);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, run->keys->value_len, SQLITE_STATIC);
    must_be_done(table, statement);
}

static uint64_t op_load(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    must_be_done(table, table->begin);
    for (uint32_t i = from; i < from + count; i++) {
        put_one(table, run, table->put, run->keys->sorted[run->keys->order[i]], run->keys->order[i]);
    }
    must_be_done(table, table->commit);
    run->units = count;
    return 0;
}

static uint64_t op_update(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    struct random random = {from};
    must_be_done(table, table->begin);
    for (uint32_t i = 0; i < count; i++) {
        put_one(table, run, table->update, run->keys->sorted[random_below(&random, run->keys->count)], from + i);
    }
    must_be_done(table, table->commit);
    run->units = count;
    return (uint64_t)sqlite3_changes(table->db);
}

static uint64_t op_insert_autocommit(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    struct random random = {from + 5};
    char key[1100];
    for (uint32_t i = from; i < from + count; i++) {
        snprintf(key, sizeof key, "%s-new-%u", run->keys->sorted[random_below(&random, run->keys->count)], i);
        put_one(table, run, table->insert, key, i);
    }
    run->units = count;
    return 0;
}

static uint64_t op_delete(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    must_be_done(table, table->begin);
    for (uint32_t i = from; i < from + count; i++) {
        sqlite3_bind_text(table->remove, 1, run->keys->sorted[run->keys->order[i]], -1, SQLITE_STATIC);
        must_be_done(table, table->remove);
    }
    must_be_done(table, table->commit);
    run->units = count;
    return 0;
}

static uint64_t read_keys(struct table *table, struct run *run, uint32_t from, uint32_t count, bool miss) {
    struct random random = {from + 11};
    uint64_t sum = 0, rows = 0;
    char key[1100];
    for (uint32_t i = 0; i < count; i++) {
        const char *wanted = run->keys->sorted[random_below(&random, run->keys->count)];
        if (miss) {
            size_t len = strlen(wanted);
            memcpy(key, wanted, len + 1);
            key[len - 1] ^= 1;
            key[len] = '~';
            key[len + 1] = 0;
            wanted = key;
        }
        sqlite3_bind_text(table->get, 1, wanted, -1, SQLITE_STATIC);
        sum += read_rows(table, table->get, &rows);
    }
    run->units = count;
    return sum + rows;
}

static uint64_t op_hit_autocommit(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    return read_keys(table, run, from, count, false);
}

static uint64_t op_hit(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    must_be_done(table, table->begin);
    uint64_t sum = read_keys(table, run, from, count, false);
    must_be_done(table, table->commit);
    return sum;
}

static uint64_t op_miss(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    must_be_done(table, table->begin);
    uint64_t sum = read_keys(table, run, from, count, true);
    must_be_done(table, table->commit);
    return sum;
}

static uint64_t query_prefixes(struct table *table, sqlite3_stmt **statements, uint32_t prepared, uint32_t count,
                               uint64_t *rows) {
    uint64_t sum = 0;
    must_be_done(table, table->begin);
    for (uint32_t i = 0; i < count; i++) sum += read_rows(table, statements[i % prepared], rows);
    must_be_done(table, table->commit);
    return sum;
}

static uint64_t op_first(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    uint64_t rows = 0, sum = query_prefixes(table, table->first, SHORT_PREFIXES, count, &rows);
    run->units = count;
    return sum;
}

static uint64_t op_last(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    uint64_t rows = 0, sum = query_prefixes(table, table->last, SHORT_PREFIXES, count, &rows);
    run->units = count;
    return sum;
}

static uint64_t op_scan(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    uint64_t rows = 0, sum = query_prefixes(table, table->scan, PREFIXES, count, &rows);
    run->units = rows;
    return sum;
}

static uint64_t op_count(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    uint64_t rows = 0, sum = query_prefixes(table, table->count, PREFIXES, count, &rows);
    run->units = count;
    return sum;
}

static uint64_t repeat(struct table *table, struct run *run, sqlite3_stmt *statement, uint32_t count) {
    uint64_t sum = 0, rows = 0;
    for (uint32_t i = 0; i < count; i++) sum += read_rows(table, statement, &rows);
    run->units = count;
    return sum;
}

static uint64_t op_level(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    return repeat(table, run, table->level, count);
}

static uint64_t op_names(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    return repeat(table, run, table->names, count);
}

static uint64_t op_total(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    return repeat(table, run, table->total, count);
}

static uint64_t op_page(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    return repeat(table, run, table->page, count);
}

/* A connection of its own: opened, one row read, closed. The extension's loading is not counted. */
static uint64_t op_reopen(struct table *table, struct run *run, uint32_t from, uint32_t count) {
    (void)from;
    (void)count;
    struct table other = {.art = table->art, .path = table->path};
    table_open(&other);
    uint64_t rows = 0;
    sqlite3_stmt *get = sql_prepare(other.db, "SELECT value FROM t WHERE path = ?1");
    sqlite3_bind_text(get, 1, run->keys->sorted[run->keys->order[run->keys->count - 1]], -1, SQLITE_STATIC);
    uint64_t sum = read_rows(&other, get, &rows);
    sqlite3_finalize(get);
    table_close(&other);
    run->units = 1;
    return sum + rows;
}

/* ---- measuring ---- */

typedef uint64_t (*operation)(struct table *, struct run *, uint32_t from, uint32_t count);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(operation op, struct table *table, struct run *run, uint32_t from, uint32_t count,
                      uint64_t *sum) {
    double start = now();
    *sum = op(table, run, from, count);
    return now() - start;
}

static void print_time(double ns) {
    if (ns < 1000) {
        printf("%10.0f ns", ns);
    } else if (ns < 1e6) {
        printf("%10.2f us", ns / 1e3);
    } else {
        printf("%10.2f ms", ns / 1e6);
    }
}

static void print_result(const char *name, double art, double ordinary, double wanted) {
    printf("  %-36s", name);
    print_time(art);
    print_time(ordinary);
    printf("  %7.2f", ordinary / art);
    if (wanted > 0) printf("   %5.2f%s", wanted, ordinary / art < wanted ? "  missed" : "");
    printf("\n");
    fflush(stdout);
}

static void check_sums(const char *name, uint64_t art, uint64_t ordinary) {
    if (art == ordinary) return;
    fprintf(stderr, "%s: the two tables returned different rows\n", name);
    exit(1);
}

/* Work that changes the tables: in batches, each first on one and then on the other, `total` operations in all. */
static void measure_writes(const char *name, operation op, struct table *tables, struct run *run, uint32_t total,
                           uint32_t batch, double wanted) {
    double spent[2] = {0, 0}, units = 0;
    uint64_t sums[2];
    uint32_t turn = 0;
    for (uint32_t from = 0; from < total; from += batch, turn++) {
        uint32_t count = total - from < batch ? total - from : batch;
        for (int i = 0; i < 2; i++) {
            int which = (i + (int)turn) & 1;
            spent[which] += measure(op, &tables[which], run, from, count, &sums[which]);
        }
        check_sums(name, sums[0], sums[1]);
        units += (double)run->units;
    }
    print_result(name, spent[0] / units, spent[1] / units, wanted);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure_reads(const char *name, operation op, struct table *tables, struct run *run, uint32_t count,
                          double wanted) {
    double times[2][MOST_REPETITIONS];
    uint64_t sums[2];
    for (int warm = 0; warm < 2; warm++) measure(op, &tables[warm], run, 0, count, &sums[warm]);
    check_sums(name, sums[0], sums[1]);
    for (int r = 0; r < repetitions; r++) {
        for (int i = 0; i < 2; i++) {
            int which = (i + r) & 1;
            times[which][r] = measure(op, &tables[which], run, (uint32_t)r, count, &sums[which]) / (double)run->units;
        }
        check_sums(name, sums[0], sums[1]);
    }
    for (int i = 0; i < 2; i++) qsort(times[i], (size_t)repetitions, sizeof(double), compare_doubles);
    print_result(name, times[0][repetitions / 2], times[1][repetitions / 2], wanted);
}

/* ---- prefixes ---- */

static uint32_t below_prefix(const struct keys *keys, const char *prefix, size_t len) {
    uint32_t low = 0, high = keys->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strncmp(keys->sorted[middle], prefix, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t first = low;
    high = keys->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (strncmp(keys->sorted[middle], prefix, len) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low - first;
}

/* The longest prefix of a random key that `least` keys share. */
static char *make_prefix(const struct keys *keys, struct random *random, uint32_t least) {
    for (;;) {
        char *key = strdup(keys->sorted[random_below(random, keys->count)]);
        if (!strpbrk(key, "*?[]")) {
            size_t len = strlen(key);
            while (len > 0 && below_prefix(keys, key, len) < least) len--;
            key[len] = 0;
            return key;
        }
        free(key);
    }
}

static void prepare_prefixes(struct table *tables, const struct keys *keys) {
    char *few[SHORT_PREFIXES], *many[PREFIXES];
    struct random random = {3};
    for (int i = 0; i < SHORT_PREFIXES; i++) few[i] = make_prefix(keys, &random, 150);
    for (int i = 0; i < PREFIXES; i++) {
        many[i] = make_prefix(keys, &random, keys->count / 40 + 1);
    }
    for (int i = 0; i < 2; i++) table_prepare_prefixes(&tables[i], few, many);
    for (int i = 0; i < SHORT_PREFIXES; i++) free(few[i]);
    for (int i = 0; i < PREFIXES; i++) free(many[i]);
}

/* ---- sizes on disk ---- */

static double allocated(const char *path) {
    struct stat status;
    return path && stat(path, &status) == 0 ? (double)status.st_blocks * 512 : 0;
}

static void measure_bytes(struct table *tables, const struct keys *keys, const char *directory, double wanted) {
    char *blobs = sql_find_file(directory, ".art");
    /* What one 'optimize' frees a reader may still stand on; the next ones, each in a new WAL, move into it and cut the end off. */
    for (int round = 0; round < 4; round++) {
        sql_command(tables[0].db, "main", "t", "optimize");
        for (int i = 0; i < 2; i++) sql_run(tables[i].db, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
    double n = keys->count, art = (allocated(tables[0].path) + allocated(blobs)) / n,
           ordinary = allocated(tables[1].path) / n;
    char *packed = sqlite3_mprintf("%s/packed.db", directory);
    sql_run(tables[1].db, "VACUUM INTO %Q", packed);
    double vacuumed = allocated(packed) / n;
    double used = sql_standin()
                      ? 0
                      : (double)sql_int(tables[0].db, "SELECT value FROM art_info('t') WHERE property = 'bytes'") / n;
    printf("  %-36s%10.1f B %10.1f B   %7.2f", "bytes per key on disk, 'optimize'd", art, ordinary, art / ordinary);
    if (wanted > 0) printf("   %5.2f%s", wanted, art / ordinary > wanted ? "  missed" : "");
    printf("\n  %-36s%10.1f B %10.1f B   %7.2f\n", "... against the VACUUMed table", art, vacuumed, art / vacuumed);
    printf("  %-36s%10.1f B\n", "... of it in blobs that are in use", used);
    remove(packed);
    sqlite3_free(packed);
    sqlite3_free(blobs);
}

/* ---- a run over one set of keys ---- */

static void show_info(struct table *table) {
    if (sql_standin()) return;
    sqlite3_stmt *info = sql_prepare(table->db, "SELECT property, value FROM art_info('t')");
    printf("  art_info:");
    while (sqlite3_step(info) == SQLITE_ROW)
        printf(" %s=%s;", sqlite3_column_text(info, 0), sqlite3_column_text(info, 1));
    printf("\n");
    sqlite3_finalize(info);
}

/* One execution each for the ordinary table where that takes long. */
static void measure_listings(struct table *tables, struct run *run) {
    for (int i = 0; i < 2 && !tables[i].level; i++) table_prepare_listings(&tables[i], run->keys->count);
    measure_reads("t('', '/'): 32 names", op_names, tables, run, 200, 0);
    measure_reads("t('', '/'): 32 names and entries", op_level, tables, run, 5, 0);
    measure_reads("art_count of a prefix of all rows", op_total, tables, run, 5, 0);
    measure_reads("LIMIT 50 OFFSET 90 % of all rows", op_page, tables, run, 5, 0);
}

static void bench(const char *set, uint32_t size) {
    struct keys keys = keys_make(set, size);
    struct run run = {.keys = &keys};
    char *directory = sql_scratch("bench");
    struct table tables[2] = {{.art = true, .path = sqlite3_mprintf("%s/art.db", directory)},
                              {.art = false, .path = sqlite3_mprintf("%s/ordinary.db", directory)}};
    for (int i = 0; i < 2; i++) table_open(&tables[i]);
    sql_create(tables[0].db, "t", "cache='1GB'");
    sql_run(tables[1].db, "CREATE TABLE t(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
    for (int i = 0; i < 2; i++) table_prepare(&tables[i]);
    prepare_prefixes(tables, &keys);

    bool goals = !strcmp(set, "obj") && keys.count >= 1000000;
    double k = goals; /* 0: nothing is asked for */
    uint32_t n = keys.count, some = n < 200000 ? n : 200000;
    printf("\n%s: %u keys (%s)\n  %-36s%13s%13s  %7s   %s\n", set, n, keys.shape, "", "art", "ordinary", "ratio",
           goals ? "wanted" : "");
    measure_writes("random load, 1,000 a transaction", op_load, tables, &run, n, BATCH, k * 5);
    measure_bytes(tables, &keys, directory, goals ? 0.65 : !strcmp(set, "real") ? 0.45 : 0);
    measure_reads("point read, in a transaction", op_hit, tables, &run, some, k * 2);
    measure_reads("point read, autocommit", op_hit_autocommit, tables, &run, some / 2, k * 1.25);
    measure_reads("miss, in a transaction", op_miss, tables, &run, some, k * 2);
    measure_reads("prefix LIMIT 100", op_first, tables, &run, 2000, k * 1.5);
    measure_reads("prefix ORDER BY path DESC LIMIT 100", op_last, tables, &run, 2000, k * 1.5);
    measure_reads("whole prefix, a row", op_scan, tables, &run, PREFIXES, k);
    measure_reads("count under a prefix", op_count, tables, &run, PREFIXES, k * 2);
    if (!strcmp(set, "obj")) measure_listings(tables, &run);
    measure_writes("random update, 1,000 a transaction", op_update, tables, &run, some, BATCH, k * 3);
    measure_writes("insert, autocommit", op_insert_autocommit, tables, &run, 10000, 500, k * 1.5);
    measure_writes("delete, 1,000 a transaction", op_delete, tables, &run, some / 2, BATCH, 0);
    measure_reads("point read after these writes", op_hit, tables, &run, some, 0);
    if (!strcmp(set, "obj")) {
        printf("  after these writes, with several runs:\n");
        measure_listings(tables, &run);
    }
    measure_reads("reopen and read a row", op_reopen, tables, &run, 1, 0);
    show_info(&tables[0]);

    for (int i = 0; i < 2; i++) {
        table_close(&tables[i]);
        sqlite3_free(tables[i].path);
    }
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    keys_clear(&keys);
}

int main(int argc, char **argv) {
    char sets[100] = "obj,fs,hex,real";
    uint32_t sizes[16], size_count = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-s") && i + 1 < argc) {
            snprintf(sets, sizeof sets, "%s", argv[++i]);
        } else if (!strcmp(argv[i], "-r") && i + 1 < argc) {
            repetitions = atoi(argv[++i]);
            if (repetitions < 1 || repetitions > MOST_REPETITIONS) repetitions = MOST_REPETITIONS;
        } else if (size_count < 16 && atoi(argv[i]) > 0) {
            sizes[size_count++] = (uint32_t)atoi(argv[i]);
        } else {
            fprintf(stderr, "usage: bench_sql [-s obj,fs,hex,real] [-r repetitions] [sizes...]\n");
            return 2;
        }
    }
    if (!size_count) {
        sizes[size_count++] = 100000;
        sizes[size_count++] = 1000000;
    }
    printf("SQLite %s, both WAL, synchronous=NORMAL, 1 GB of cache; median of %d\n", sqlite3_libversion(), repetitions);
    char *rest = sets;
    for (char *set; (set = strsep(&rest, ","));) {
        /* There is one set of real paths, of whatever size; it is run once, at the largest. */
        uint32_t first = strcmp(set, "real") ? 0 : size_count - 1;
        for (uint32_t i = first; i < size_count; i++) bench(set, sizes[i]);
    }
    return 0;
}
