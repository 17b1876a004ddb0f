/* Five million keys in one transaction: how much memory does that take? (`tests/prove memory`)
 *
 *     prove_memory [keys]
 *
 * The promise: at most 256 MB of resident memory above the cache limit (64 MB here). Keys come in random order, which
 * is the hard case. Afterwards the rows are counted and read, in a savepoint that is rolled back as well. Exit 1:
 * promise broken.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"

enum { CACHE_MB = 64, PROMISED_MB = 256 };

static long status_kb(const char *name) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[200];
    long kb = -1;
    while (status && fgets(line, sizeof line, status)) {
        if (!strncmp(line, name, strlen(name))) sscanf(line + strlen(name), ": %ld", &kb);
    }
    if (status) fclose(status);
    return kb;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void load(sqlite3 *db, uint32_t from, uint32_t count, uint32_t all) {
    sqlite3_stmt *insert = sql_prepare(db, "INSERT OR REPLACE INTO t(path, value) VALUES(?1, ?2)");
    char path[80], value[49];
    memset(value, 'v', sizeof value);
    double start = seconds();
    for (uint32_t i = from; i < from + count; i++) {
        uint64_t x = (uint64_t)i * 2654435761u % 4294967291u; /* no two alike */
        snprintf(path, sizeof path, "bucket-%02u/path/sub/file-%010llu.bin", (unsigned)(x % 32), (unsigned long long)x);
        sqlite3_bind_text(insert, 1, path, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, value, sizeof value, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE) {
            fprintf(stderr, "%s\n", sqlite3_errmsg(db));
            exit(1);
        }
        sqlite3_reset(insert);
        if ((i + 1) % (all / 10 ? all / 10 : 1) == 0) {
            printf("  %9u keys, %6.1f s, %5ld MB resident\n", i + 1, seconds() - start, status_kb("VmRSS") / 1024);
            fflush(stdout);
        }
    }
    sqlite3_finalize(insert);
}

int main(int argc, char **argv) {
    uint32_t keys = argc > 1 ? (uint32_t)atoi(argv[1]) : 5000000;
    char *directory = sql_scratch("memory");
    char *path = sqlite3_mprintf("%s/m.db", directory), *options = sqlite3_mprintf("cache='%dMB'", CACHE_MB);
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL");
    sql_create(db, "t", options);
    long before = status_kb("VmRSS");
    printf("%u keys in one transaction; %ld MB resident before\n", keys, before / 1024);
    sql_run(db, "BEGIN");
    load(db, 0, keys, keys);
    sql_run(db, "SAVEPOINT s");
    load(db, keys, keys / 10, keys);
    sql_run(db, "ROLLBACK TO s");
    double start = seconds();
    sql_run(db, "COMMIT");
    printf("  COMMIT: %.2f s\n", seconds() - start);
    long loaded = status_kb("VmHWM");
    int64_t counted = sql_int(db, "SELECT count(*) FROM t");
    int64_t bytes = sql_int(db, "SELECT sum(length(path) + length(value)) FROM t");
    sql_command(db, "main", "t", "optimize");
    long peak = status_kb("VmHWM");
    printf("  %lld rows, %lld bytes of keys and values\n", (long long)counted, (long long)bytes);
    printf("  peak of the load: %ld MB, %ld MB above the cache limit of %d MB (promised: %d)\n", loaded / 1024,
           loaded / 1024 - CACHE_MB, CACHE_MB, PROMISED_MB);
    printf("  with a whole scan and 'optimize' after it: %ld MB\n", peak / 1024);
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
    sqlite3_free(options);
    return counted != keys || loaded / 1024 - CACHE_MB > PROMISED_MB;
}
