/* Blobs are written past the system's page cache and read through it: processes that read and one that writes, on slots
 * that are used again all the while, with a cache of art's own that holds a fraction of the table. Whatever is read is
 * what an ordinary table in the same database has, in the same transaction. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { KEYS = 3000, VALUE = 900, READERS = 3, AT_ONCE = 60, TRANSACTIONS = 50 };

static char *directory, *path;

struct tally {
    int64_t transactions, stale;
};

static void same(sqlite3 *db, const char *where) {
    char *wrong =
        sql_rows(db,
                 "SELECT count(*), min(path) FROM (SELECT path, value FROM t%s EXCEPT SELECT path, value FROM o%s)"
                 " UNION ALL SELECT (SELECT count(*) FROM t%s) - (SELECT count(*) FROM o%s), NULL",
                 where, where, where, where);
    if (strcmp(wrong, "0|\n0|\n")) {
        printf("differs%s: %s", where, wrong);
        fflush(stdout);
        _exit(1);
    }
    sqlite3_free(wrong);
}

/* A range of keys, or three anywhere. */
static void look_at_some(sqlite3 *db, struct random *random) {
    char where[200];
    unsigned first = random_below(random, KEYS);
    if (random_once_in(random, 2)) {
        snprintf(where, sizeof where, " WHERE path >= 'dir/%05u' AND path < 'dir/%05u'", first, first + 100);
    } else {
        snprintf(where, sizeof where, " WHERE path IN ('dir/%05u', 'dir/%05u', 'dir/%05u')", first,
                 random_below(random, KEYS), random_below(random, KEYS));
    }
    same(db, where);
}

static int64_t stale_of(sqlite3 *db) {
    return sql_info(db, "stale pages");
}

/* Until the other end of `stop` is closed. A connection that is opened anew has nothing in its cache. */
static struct tally read_on(int stop, uint64_t seed) {
    struct random random = {seed};
    struct tally tally = {0};
    char byte;
    while (read(stop, &byte, 1) < 0) {
        sqlite3 *db = sql_open(path);
        sqlite3_busy_timeout(db, 60000);
        for (unsigned i = 0; i < 20; i++) {
            sql_run(db, "BEGIN");
            for (unsigned n = 0; n < 8; n++) look_at_some(db, &random);
            if (random_once_in(&random, 12)) same(db, "");
            sql_run(db, "COMMIT");
            tally.transactions++;
        }
        tally.stale += stale_of(db);
        sql_close(db);
    }
    return tally;
}

static void write_some(sqlite3 *db, struct random *random, unsigned round) {
    sql_run(db, "BEGIN IMMEDIATE");
    unsigned first = random_below(random, KEYS);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        unsigned key = random_once_in(random, 2) ? first + i : random_below(random, KEYS);
        for (int t = 0; t < 2; t++) {
            const char *table = t ? "t" : "o";
            if (key % 11 == round % 11) {
                sql_run(db, "DELETE FROM %s WHERE path = 'dir/%05u'", table, key);
            } else {
                sql_run(db, "INSERT OR REPLACE INTO %s VALUES('dir/%05u', printf('%%0*d.%u', %d, %u))", table, key, key,
                        VALUE, round);
            }
        }
    }
    if (random_once_in(random, 25)) sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    sql_run(db, "COMMIT");
    if (random_once_in(random, 40)) sql_run(db, "INSERT INTO t(t) VALUES('vacuum')");
}

static struct tally write_on(uint64_t seed) {
    struct random random = {seed};
    sqlite3 *db = sql_open(path);
    struct tally tally = {.transactions = TRANSACTIONS * random_scale()};
    sqlite3_busy_timeout(db, 60000);
    for (unsigned i = 1; i <= tally.transactions; i++) {
        write_some(db, &random, i);
        if (i % 10 == 0) same(db, "");
    }
    tally.stale = stale_of(db);
    sql_close(db);
    return tally;
}

static void make(const char *journal) {
    sql_ways(strcmp(journal, "WAL") ? "pwrite" : NULL, NULL);
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF; CREATE TABLE o(path TEXT PRIMARY KEY, value)",
            journal);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, value, cache='512KB', log_limit='64KB')");
    for (int t = 0; t < 2; t++) {
        sql_run(db,
                "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
                "INSERT INTO %s SELECT printf('dir/%%05d', i), printf('%%0*d', %d, i) FROM n",
                KEYS, t ? "t" : "o", VALUE);
    }
    sql_close(db);
}

LOOP_TEST(test_readers_of_the_page_cache_see_what_was_written_past_it, 2) {
    static const char *const journals[] = {"WAL", "DELETE"};
    uint64_t seed = random_announced(journals[_i]).state;
    directory = sql_scratch("page_cache");
    path = sqlite3_mprintf("%s/a.db", directory);
    make(journals[_i]);
    int stop[2], told[2];
    ck_assert_int_eq(pipe2(stop, O_NONBLOCK), 0);
    ck_assert_int_eq(pipe(told), 0);
    fflush(stdout);
    for (unsigned i = 0; i < READERS; i++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child) continue;
        close(stop[1]);
        struct tally tally = read_on(stop[0], seed + i);
        _exit(write(told[1], &tally, sizeof tally) == sizeof tally ? 0 : 1);
    }
    struct tally written = write_on(seed ^ 1), seen = {0};
    close(stop[1]);
    for (unsigned i = 0; i < READERS; i++) {
        int status;
        struct tally tally;
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a reader: status %x", (unsigned)status);
        ck_assert_int_eq(read(told[0], &tally, sizeof tally), sizeof tally);
        seen.transactions += tally.transactions;
        seen.stale += tally.stale;
    }
    printf("%s: %lld transactions written, %lld read; %lld stale pages\n", journals[_i],
           (long long)written.transactions, (long long)seen.transactions, (long long)(written.stale + seen.stale));
    close(stop[0]);
    close(told[0]);
    close(told[1]);
    sql_scratch_remove(directory);
    sqlite3_free(path);
    sqlite3_free(directory);
}

SUITE("page_cache", .seconds = 240)
