/* What the lists of deliberate defects (tests/mutants) have shown nobody to
 * look at, in files and SQL (in the tree: test_mutants_tree.c). Each
 * test here is the one that notices some of them, and each is about a promise
 * of its own.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/blob_pool.h"
#include "core/io/io.h"
#include "core/linux/io_system.h"
#include "tests/support/must.h"
#include "tests/support/sql_one.h"

/* Nothing here loses power: a busy disk need not be waited for. */
__attribute__((visibility("default"))) int fsync(int fd) {
    return fd < 0 ? -1 : 0;
}

__attribute__((visibility("default"))) int fdatasync(int fd) {
    return fd < 0 ? -1 : 0;
}

/* ---- the ring ---------------------------------------------------------------------------------------------------- */

static unsigned completions, completions_at_unlock;
static int (*system_lock)(int fd, int type);

static int count_completion(int fd, const struct art_transfer *transfer, int result) {
    completions++;
    return result;
}

static int note_unlock(int fd, int type) {
    if (type == F_UNLCK) completions_at_unlock = completions;
    return system_lock(fd, type);
}

/* Else the next writer's blob is overwritten by one that the kernel has still
 * in hand. */
TEST(test_a_file_is_unlocked_when_all_its_writes_are_done) {
    enum { WRITES = 12 };
    char *folder = sql_scratch("unlock"), *name = sqlite3_mprintf("%s/x.art", folder);
    struct art_file_options file = {.path = name, .create = true, .permissions = 0600, .engine = ART_ENGINE_URING};
    struct art_blob_pool *pool;
    struct art_blob_buf buffers[WRITES];
    struct art_io_request requests[WRITES];
    struct art_io *io;
    must(art_blob_pool_open(&pool, WRITES));
    file.pool = pool;
    must(art_disk_system()->methods->open(art_disk_system(), &file, &io));
    for (int i = 0; i < WRITES; i++) {
        must(art_blob_buf_get_zeroed(pool, &buffers[i]));
        requests[i] = (struct art_io_request){buffers[i].data, ART_BLOB_SIZE, (uint64_t)i * ART_BLOB_SIZE};
    }
    system_lock = art_system.lock;
    art_system.lock = note_unlock;
    art_system.ring_result = count_completion;
    must(io->methods->lock(io));
    must(art_io_write(io, requests, WRITES));
    io->methods->unlock(io);
    if (strcmp(io->engine, "uring"))
        printf("SKIPPED: this kernel gives us no ring\n");
    else
        ck_assert_uint_ge(completions_at_unlock, WRITES);
    art_io_close(io);
    art_system_reset();
    for (int i = 0; i < WRITES; i++) art_blob_buf_put(&buffers[i]);
    art_blob_pool_close(pool);
    sql_scratch_remove(folder);
    sqlite3_free(folder);
    sqlite3_free(name);
}

/* ---- SQL --------------------------------------------------------------------------------------------------------- */

static void fill(sqlite3 *on, const char *name, int rows, int bytes) {
    sql_run(on,
            "INSERT OR REPLACE INTO t(path, value) WITH n(i) AS (SELECT 1 UNION "
            "ALL SELECT i + 1 FROM n LIMIT %d) "
            "SELECT printf('%s/%%06d', i), hex(zeroblob(%d)) FROM n",
            rows, name, bytes / 2);
}

static void copy_over(const char *from, const char *to) {
    char bytes[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "r+b");
    if (!out) out = fopen(to, "wb");
    ck_assert(in && out);
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0) ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    ck_assert_int_eq(ftruncate(fileno(out), ftell(out)), 0);
    fclose(in);
    fclose(out);
}

CASE("SQL", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)

/* The database is taken back to what it was, with other commits of the same
 * numbers, or with fewer. The schema is the same, so that SQLite keeps its
 * handles: only the rows of the log tell. */
TEST(test_a_connection_sees_that_its_history_was_replaced) {
    static const struct {
        const char *live, *restored;
    } histories[] = {
        {"INSERT INTO t VALUES('live', 1)", "INSERT INTO t VALUES('restored', 1)"},
        {"INSERT INTO t VALUES('live', 1)", ""},
        {"INSERT INTO t VALUES('live', 1); INSERT INTO t VALUES('live, too', 1)",
         "INSERT INTO t VALUES('restored', 1)"},
        {"INSERT INTO t VALUES('live', 1); INSERT INTO t(t) VALUES('flush')", ""},
        {"INSERT INTO t VALUES('live', 1); INSERT INTO t(t) VALUES('flush')",
         "INSERT INTO t VALUES('restored', 1); INSERT INTO t(t) VALUES('flush')"},
        {"INSERT INTO t VALUES('live', 1)", "INSERT INTO t VALUES('restored', 1); INSERT INTO t(t) VALUES('flush')"},
    };
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
        char *aside = sqlite3_mprintf("%s/aside", directory), *copy = sqlite3_mprintf("%s/a.db", aside);
        sql_run(db, "PRAGMA journal_mode=DELETE; CREATE TABLE m(a)");
        sql_create(db, "t", "");
        sql_run(db, "INSERT INTO t VALUES('first', 1)");
        ck_assert_int_eq(mkdir(aside, 0755), 0);
        copy_over(path, copy);
        sqlite3 *other = sql_open(copy);
        sql_run(other, "%s", histories[i].restored);
        sql_run(other, "INSERT INTO m VALUES(1); INSERT INTO m VALUES(2); INSERT "
                       "INTO m VALUES(3)"); /* SQLite sees it */
        char *wanted = sql_rows(other, "SELECT path, row_version FROM t");
        sql_close(other);
        sql_run(db, "%s", histories[i].live);
        sqlite3_stmt *kept = sql_prepare(db, "SELECT path, row_version FROM t");
        while (sqlite3_step(kept) == SQLITE_ROW) {
        }
        sqlite3_reset(kept);
        copy_over(copy, path); /* the database alone */
        int rc = sqlite3_step(kept);
        sqlite3_finalize(kept);
        if (strstr(histories[i].restored, "flush") &&
            !sql_inline()) { /* whose blobs are still in the copy's own file */
            ck_assert_msg(rc != SQLITE_ROW && rc != SQLITE_DONE, "history %zu: old rows are shown", i);
        } else {
            char *rows = sql_rows(db, "SELECT path, row_version FROM t");
            ck_assert_msg(!strcmp(rows, wanted), "history %zu: %s instead of %s", i, rows, wanted);
            sqlite3_free(rows);
        }
        sqlite3_free(wanted);
        sql_scratch_remove(aside);
        sqlite3_free(aside);
        sqlite3_free(copy);
        sql_tear_down();
        sql_set_up();
    }
}

TEST(test_a_flush_leaves_nothing_but_the_root_in_the_log) {
    sql_create(db, "t", "log_limit='4KB'");
    for (int i = 0; i < 20; i++) {
        sql_run(db, "INSERT INTO t VALUES(%d, hex(zeroblob(800)))", i);
        ck_assert_int_le(sql_int(db, "SELECT sum(length(ops)) FROM t_artdata"), 8192);
    }
    sql_command(db, "main", "t", "flush");
    sql_expect(db, "0\n", "SELECT csn FROM t_artdata");
}

TEST(test_a_transaction_whose_row_would_be_too_long_for_sqlite_is_flushed) {
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100000);
    sql_create(db, "t", "");
    sql_run(db, "BEGIN");
    fill(db, "a", 300, 1000);
    sql_run(db, "COMMIT");
    sql_expect(db, "300|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* More than a root can have runs; and it is not all in memory. */
TEST(test_a_transaction_may_spill_any_number_of_times) {
    sql_ways("pwrite", "off");
    sql_create(db, "t", "spill_limit='64KB'");
    sql_run(db, "BEGIN");
    for (int i = 0; i < 40; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d", (i * 7) % 40);
        fill(db, name, 100, 1000);
    }
    sql_expect(db, "4000|ok\n", "SELECT count(*), art_check('t') FROM t");
    char *file = sql_find_file(directory, ".art");
    bool there = file || (sql_inline() && sql_int(db, "SELECT count(*) FROM t_artblob") > 50);
    ck_assert_msg(there, "4 MB of rows, and none of them in the file");
    sqlite3_free(file);
    sql_run(db, "COMMIT");
    sql_expect(db, "4000|ok\n", "SELECT count(*), art_check('t') FROM t");
}

/* ---- forged tables ----------------------------------------------------------------------------------------------- */

/* What is behind a NUL is no part of a file's name, nor is what is before a
 * name's beginning. */
TEST(test_a_forged_name_of_the_file_is_none) {
    static const char *const names[] = {"'a' || char(0) || '.art'",
                                        "''",
                                        "'art'",
                                        "'.art/'",
                                        "'a' || char(0) || '/../x.art'",
                                        "'../x.art'",
                                        "printf('%.*c', 300, 'x') || '.art'",
                                        "'../x-' || ID",
                                        "'x/y-' || ID",
                                        "'/x-' || ID",
                                        "'x-00000000.art'",
                                        "'another-long-enough-name.art'"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        sql_run(db, "DROP TABLE IF EXISTS t; CREATE VIRTUAL TABLE t USING art; "
                    "INSERT INTO t VALUES('a', 1)");
        char *end = sql_rows(db, "SELECT lower(hex(substr(v, 1, 4))) FROM t_artstate WHERE k = 'id'");
        end[8] = 0;
        const char *id = strstr(names[i], "ID");
        int before = id ? (int)(id - names[i]) : (int)strlen(names[i]);
        sql_run(db, "UPDATE t_artstate SET v = %.*s%s%s%s WHERE k = 'file'", before, names[i], id ? "'" : "",
                id ? end : "", id ? ".art'" : "");
        sqlite3_free(end);
        sql_close(db);
        db = sql_open(path);
        sql_refused(db, SQLITE_CORRUPT_VTAB, "the name of the .art file is lost", "SELECT * FROM t");
    }
}

/* ---- objects that SQLite tells nothing --------------------------------------------------------------------------- */

/* Somebody's table has the listener's name: then SQLite's callbacks for a table
 * that ROLLBACK TO has undone still come. */
TEST(test_a_table_that_was_taken_back_writes_nothing_without_a_listener) {
    sql_run(db, "CREATE TEMP TABLE art_txn(x)");
    sql_run(db, "BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE t USING art; INSERT "
                "INTO t VALUES('old', 1)");
    sql_run(db, "ROLLBACK TO s; COMMIT");
    sql_run(db, "BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE t USING art; INSERT "
                "INTO t VALUES('old', 1)");
    sql_run(db, "ROLLBACK TO s; CREATE VIRTUAL TABLE t USING art; INSERT INTO t "
                "VALUES('new', 1); COMMIT");
    sql_expect(db, "new|1|ok\n", "SELECT path, row_version, art_check('t') FROM t");
    sqlite3 *other = sql_open(path);
    sql_expect(other, "new|1|ok\n", "SELECT path, row_version, art_check('t') FROM t");
    sql_close(other);
}

/* --- lists, as SQLite may hand them over -------------------------------------------------------------------------- */

static bool shuffled;
static sqlite3_value *elements[64];
static int element_count, element_next;

/* In place of SQLite's: backward, and each element twice. */
__attribute__((visibility("default"))) int sqlite3_vtab_in_first(sqlite3_value *list, sqlite3_value **out) {
    static int (*first)(sqlite3_value *, sqlite3_value **), (*next)(sqlite3_value *, sqlite3_value **);
    if (!first) first = (int (*)(sqlite3_value *, sqlite3_value **))dlsym(RTLD_NEXT, "sqlite3_vtab_in_first");
    if (!next) next = (int (*)(sqlite3_value *, sqlite3_value **))dlsym(RTLD_NEXT, "sqlite3_vtab_in_next");
    if (!shuffled) return first(list, out);
    sqlite3_value *value;
    element_count = element_next = 0;
    int rc = first(list, &value);
    for (; rc == SQLITE_OK && value && element_count < 62; rc = next(list, &value)) {
        elements[element_count++] = sqlite3_value_dup(value);
        elements[element_count++] = sqlite3_value_dup(value);
    }
    *out = element_count ? elements[element_count - 1] : NULL;
    return element_count ? SQLITE_OK : rc;
}

__attribute__((visibility("default"))) int sqlite3_vtab_in_next(sqlite3_value *list, sqlite3_value **out) {
    static int (*next)(sqlite3_value *, sqlite3_value **);
    if (!next) next = (int (*)(sqlite3_value *, sqlite3_value **))dlsym(RTLD_NEXT, "sqlite3_vtab_in_next");
    if (!shuffled) return next(list, out);
    *out = ++element_next < element_count ? elements[element_count - 1 - element_next] : NULL;
    return *out ? SQLITE_OK : SQLITE_DONE;
}

/* SQLite's lists are sorted and without duplicates, and it promises neither. */
TEST(test_an_in_gives_each_row_once_and_in_order_however_it_is_handed_over) {
    sqlite3 *own;
    char *error = NULL;
    ck_assert_int_eq(sqlite3_open(":memory:", &own), SQLITE_OK);
    ck_assert_int_eq(sqlite3_art_init(own, &error, NULL) & 0xff, SQLITE_OK); /* the one in this program */
    sql_run(own, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) "
                 "VALUES('a'), ('b'), ('c'), ('d')");
    shuffled = true;
    sql_expect(own, "a\nb\nd\n", "SELECT path FROM t WHERE path IN ('d', 'a', 'x', 'b') ORDER BY path");
    for (int i = 0; i < element_count; i++) sqlite3_value_free(elements[i]);
    sql_expect(own, "d\nb\na\n",
               "SELECT path FROM t WHERE path IN ('d', 'a', 'x', 'b') ORDER BY "
               "path DESC");
    for (int i = 0; i < element_count; i++) sqlite3_value_free(elements[i]);
    ck_assert_int_gt(element_count, 0);
    shuffled = false;
    sqlite3_close(own);
}

SUITE("mutants")
