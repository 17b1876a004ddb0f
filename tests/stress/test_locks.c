/* Readers scale with the cores: what is read again takes no lock of art's, asks for no memory (but once, for an index
 * blob's separators) and leaves the process's cache alone, whose every use takes its lock; so nothing that another
 * connection's thread writes to, either.
 *
 * Core's and ext's calls are counted on their way (of locks, by the linker's --wrap); SQLite's own, which are in its
 * library, are not.
 */
#include <pthread.h>

#include "core/base/alloc.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { ROWS = 30000, THREADS = 2, TIMES = 8 };

static _Thread_local struct { unsigned locks, allocations; } calls;

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    calls.locks++;
    return __real_pthread_mutex_lock(mutex);
}

int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex) {
    calls.locks++;
    return __real_pthread_mutex_trylock(mutex);
}

static void *allocate(uint64_t bytes) {
    calls.allocations++;
    return sqlite3_malloc64(bytes);
}

static void *resize(void *old, uint64_t bytes) {
    calls.allocations++;
    return sqlite3_realloc64(old, bytes);
}

static const struct art_allocator counting = {allocate, resize, sqlite3_free};

/* Each with a path that it may or may not look at. */
static const char *const queries[] = {
    "SELECT value FROM t WHERE path = ?1",
    "SELECT value FROM t WHERE path = ?1 || 'x'",
    "SELECT path, value, row_version FROM t WHERE path >= ?1 ORDER BY path LIMIT 100",
    "SELECT path FROM t WHERE path <= ?1 ORDER BY path DESC LIMIT 100",
    "SELECT path FROM t(substr(?1, 1, 10), '/')",
    "SELECT art_count('t', substr(?1, 1, 10))",
    "SELECT count(*) FROM t(substr(?1, 1, 10))",
    "SELECT path FROM t ORDER BY path LIMIT 10 OFFSET 20000",
    "SELECT path, value FROM t",
};
enum { QUERIES = sizeof queries / sizeof *queries };

static const char *path_of(unsigned i) {
    static _Thread_local char text[64];
    snprintf(text, sizeof text, "bucket-%02u/path/file-%06u.bin", i % 32, i);
    return text;
}

/* Runs of several levels, and rows in the log. */
static char *make_store(void) {
    char *directory = sql_scratch("locks"), *path = TEXT("%s/a.db", directory);
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
    sql_create(db, "t", "log_limit='64KB'");
    sqlite3_stmt *put = sql_prepare(db, "INSERT OR REPLACE INTO t(path, value) VALUES(?1, 'a value that is not long')");
    sql_run(db, "BEGIN");
    for (unsigned i = 0; i < ROWS + 500; i++) {
        sqlite3_bind_text(put, 1, path_of(i * 7919 % ROWS), -1, SQLITE_STATIC);
        ck_assert_int_eq(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
        if (i % 1000 == 999) sql_run(db, "COMMIT; BEGIN");
    }
    sql_run(db, "COMMIT");
    ck_assert_int_gt(sql_info(db, "runs"), 1);
    ck_assert_int_gt(sql_info(db, "log rows"), 0);
    sqlite3_finalize(put);
    sql_close(db);
    return directory;
}

struct reader {
    pthread_t thread;
    pthread_barrier_t *together;
    sqlite3 *db;
    unsigned first[2], again[QUERIES][2]; /* calls, the first time and later */
};

static void note(unsigned out[2]) {
    out[0] += calls.locks;
    out[1] += calls.allocations;
    memset(&calls, 0, sizeof calls);
}

/* Check's own assertions take locks. */
static void ask(sqlite3_stmt *query, unsigned i) {
    int rc;
    if (sqlite3_bind_parameter_count(query)) sqlite3_bind_text(query, 1, path_of(i), -1, SQLITE_TRANSIENT);
    while ((rc = sqlite3_step(query)) == SQLITE_ROW) sqlite3_column_text(query, 0);
    if (rc != SQLITE_DONE) abort();
    sqlite3_reset(query);
}

static void *read_on(void *context) {
    struct reader *reader = context;
    sqlite3_stmt *all[QUERIES];
    memset(&calls, 0, sizeof calls);
    for (int k = 0; k < QUERIES; k++) {
        all[k] = sql_prepare(reader->db, "%s", queries[k]);
        for (unsigned i = 0; i < TIMES; i++) ask(all[k], i * 1009);
    }
    note(reader->first);
    pthread_barrier_wait(reader->together);
    for (int k = 0; k < QUERIES; k++) {
        for (unsigned i = 0; i < TIMES; i++) ask(all[k], i * 1009);
        note(reader->again[k]);
    }
    for (int k = 0; k < QUERIES; k++) sqlite3_finalize(all[k]);
    return NULL;
}

static void read_by(unsigned threads, const char *before) {
    char *directory = make_store(), *path = TEXT("%s/a.db", directory);
    struct reader readers[THREADS] = {0};
    pthread_barrier_t together;
    pthread_barrier_init(&together, NULL, threads);
    art_alloc_use(&counting); /* the extension has chosen its own by now */
    for (unsigned i = 0; i < threads; i++) {
        readers[i].db = sql_open(path);
        sqlite3_busy_timeout(readers[i].db, 10000); /* the first one makes the wal-index */
        readers[i].together = &together;
        sql_run(readers[i].db, "%s", before);
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
    }
    for (unsigned i = 0; i < threads; i++) pthread_join(readers[i].thread, NULL);
    for (unsigned i = 0; i < threads; i++) {
        const struct reader *reader = &readers[i];
        printf("locks: reader %u of %u%s%s: at first %u locks, %u allocations\n", i + 1, threads, *before ? ", " : "",
               before, reader->first[0], reader->first[1]);
        ck_assert_uint_gt(reader->first[0], 0);
        ck_assert_uint_gt(reader->first[1], 0);
        for (int k = 0; k < QUERIES; k++) {
            const unsigned *again = reader->again[k];
            ck_assert_msg(!again[0] && !again[1], "%u locks, %u allocations: %s", again[0], again[1], queries[k]);
        }
        sql_close(reader->db);
    }
    pthread_barrier_destroy(&together);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
}

LOOP_TEST(test_what_is_read_again_takes_no_lock, 2) {
    read_by(1, _i ? "BEGIN" : "");
}

CASE("threads", .seconds = 120)

LOOP_TEST(test_two_threads_that_read_again_take_no_lock, 2) {
    read_by(2, _i ? "BEGIN" : "");
}

int main(void) {
    sql_link();
    return suite_run("locks", .seconds = 120);
}
