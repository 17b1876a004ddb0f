/* What art takes of memory, by its one allocator: a transaction of any size stays within the spill limit, the cache and
 * a constant (rule 7), whatever its rows are changed by. What SQLite itself takes for a statement is not counted.
 */
#define SQLITE_CORE 1
#include "ext/base/base.h"

#include "tests/support/sql_one.h"

enum { ROWS = 300000, SPILL_LIMIT = 12 << 20, CACHE = 2 << 20, CONSTANT = 4 << 20 };

static int64_t now, most;

static void *count(void *memory) {
    if (memory) now += (int64_t)sqlite3_msize(memory);
    if (now > most) most = now;
    return memory;
}

static void *counting_allocate(uint64_t bytes) {
    return count(sqlite3_malloc64(bytes));
}

static void counting_release(void *memory) {
    if (memory) now -= (int64_t)sqlite3_msize(memory);
    sqlite3_free(memory);
}

static void *counting_resize(void *old, uint64_t bytes) {
    int64_t before = old ? (int64_t)sqlite3_msize(old) : 0;
    void *memory = sqlite3_realloc64(old, bytes);
    if (memory) now -= before;
    return count(memory);
}

static const struct art_allocator counting = {counting_allocate, counting_resize, counting_release};

static sqlite3 *open_counted(void) {
    sqlite3 *opened;
    ck_assert_int_eq(sqlite3_open(path, &opened), SQLITE_OK);
    ck_assert_int_eq(sqlite3_art_init(opened, NULL, NULL) & 0xff, SQLITE_OK);
    art_alloc_use(&counting);
    return opened;
}

static void set_up(void) {
    sql_set_up_closed();
    db = open_counted();
    sql_run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    now = most = 0;
}

static void run_within(const char *statement) {
    most = now;
    sql_run(db, "%s", statement);
    ck_assert_msg(most <= SPILL_LIMIT + CACHE + CONSTANT, "%lld KB at most, %lld KB behind: %s", (long long)most >> 10,
                  (long long)now >> 10, statement);
}

static void in_one_transaction(const char *options) {
    char *create = sqlite3_mprintf("spill_limit=%d, cache=%d%s", SPILL_LIMIT, CACHE, options);
    sql_create(db, "t", create);
    sqlite3_free(create);
    run_within("BEGIN");
    run_within("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO t(path, "
               "value) SELECT printf('k/%08x', i * 40503 % 16777213), printf('%040d', i) FROM n");
    run_within("UPDATE t SET value = value || 'x'");
    run_within("SAVEPOINT s");
    for (unsigned i = 0; i < 300; i++) run_within("UPDATE t SET value = length(value) % 7 WHERE path < 'k/0000db'");
    run_within("DELETE FROM t WHERE path < 'k/008'");
    run_within("UPDATE t SET value = value || 'y'");
    run_within("ROLLBACK TO s");
    run_within("COMMIT");
    run_within("UPDATE t SET value = value || 'z'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE length(value) = 42"), ROWS);
}

TEST(test_a_transaction_takes_the_spill_limit_and_no_more) {
    in_one_transaction("");
}

TEST(test_so_does_one_of_an_inline_table) {
    in_one_transaction(", storage=inline");
}

SUITE("sql_memory", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down)
