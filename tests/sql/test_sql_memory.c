/* What art takes of memory, by its one allocator: a transaction of any size stays within the spill limit, the cache and
 * a constant (rule 7), whatever its rows are changed by; and a question within the cache and a constant, however many
 * rows it has to look at. What SQLite itself takes for a statement is not counted.
 */
#include <sys/resource.h>
#include <unistd.h>

#define SQLITE_CORE 1
#include "ext/base/base.h"

#include "tests/support/sanitized.h"
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

static sqlite3 *open_counted(const char *name) {
    sqlite3 *opened;
    ck_assert_int_eq(sqlite3_open(name, &opened), SQLITE_OK);
    ck_assert_int_eq(sqlite3_art_init(opened, NULL, NULL) & 0xff, SQLITE_OK);
    art_alloc_use(&counting);
    return opened;
}

static void set_up(void) {
    sql_set_up_closed();
    db = open_counted(path);
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    now = most = 0;
}

static void run_within(const char *statement) {
    most = now;
    run("%s", statement);
    ck_assert_msg(most <= SPILL_LIMIT + CACHE + CONSTANT, "%lld KB at most, %lld KB behind: %s", (long long)most >> 10,
                  (long long)now >> 10, statement);
}

static void in_one_transaction(const char *options) {
    char *create = TEXT("spill_limit=%d, cache=%d%s", SPILL_LIMIT, CACHE, options);
    sql_create(db, "t", create);
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

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* A statement of one value: what it takes, and whether it can be stopped wherever art looks at rows for long. There it
 * runs a statement of its own within the other one, for SQLite to call the progress handler. */
static int asked, stop_at;

static int count_down(void *unused) {
    unsigned busy = 0;
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each))
        busy += sqlite3_stmt_busy(each);
    return busy > 1 && ++asked == stop_at;
}

/* At how many places it was stopped, of those that were tried. */
static int answers_within(int64_t bytes, const char *wanted, const char *query) {
    char *answer = sql_answer_to(db, wanted);
    asked = stop_at = 0;
    now = most = 0;
    sqlite3_progress_handler(db, 100, count_down, NULL);
    ck_assert_str_eq(sql_answer_to(db, query), answer);
    ck_assert_msg(most <= bytes, "%lld KB: %s", (long long)most >> 10, query);
    int heard = 0;
    for (int at = 1, rc = SQLITE_INTERRUPT; rc; at += 1 + at / 2) {
        asked = 0;
        stop_at = at;
        rc = sql_try(db, "%s", query);
        ck_assert_msg(!rc || rc == SQLITE_INTERRUPT, "%d: %s", at, query);
        heard += rc != SQLITE_OK;
    }
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return heard;
}

enum { EXTREME_BYTES = 256 << 10 };

static int looks_for_extremes(void) {
    int heard = answers_within(EXTREME_BYTES, "SELECT max(u), min(u) FROM (SELECT url || '' AS u FROM t)",
                               "SELECT art_max('t', 'url', ''), art_min('t', 'url', '')");
    answers_within(EXTREME_BYTES,
                   "SELECT max(u), min(u) FROM (SELECT url || '' AS u FROM t WHERE path BETWEEN 'd3/' AND 'd30')",
                   "SELECT art_max('t', 'url', 'd3/'), art_min('t', 'url', 'd3/')");
    return heard;
}

/* Their first bytes are the same, and with them what zones tell of them. */
TEST(test_the_largest_text_is_found_without_all_that_begin_as_it_does) {
    sql_create(db, "t", "path, url TEXT, note, cache='2MB', summary=(max(url))");
    fill_rows("INTO t(path, url)", 1, 60000,
              "printf('d%%d/%%06d', i %% 7, i), printf('https://example.org/%%08x', i * 40503 %% 16777213)");
    command("optimize");
    ck_assert_int_gt(looks_for_extremes(), 3);
    run("UPDATE t SET url = url || 'x', note = printf('%%05000d', 1) WHERE path GLOB 'd3/*5'");
    run("DELETE FROM t WHERE url > 'https://example.org/00f' OR url < 'https://example.org/0008'");
    command("flush");
    looks_for_extremes();
    run("UPDATE t SET url = 'https://example.org/0' || url WHERE path GLOB 'd[34]/*7'");
    looks_for_extremes();
    run("DELETE FROM t WHERE path > 'd4'; UPDATE t SET url = 17 WHERE path GLOB '*99'");
    looks_for_extremes();
    run("UPDATE t SET url = NULL");
    looks_for_extremes();
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

enum { LIST_BYTES = 6 << 20, LISTED = 240000 };

/* Half of 60,000 paths, and as many others, of which some stand in the list alone: in parts of it there is no row. */
static void make_lists(void) {
    sql_create(db, "t", "path, value, cache='2MB'");
    run("CREATE TABLE named AS WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d) "
        "SELECT printf('d%%02d/a-name-of-some-length/%%07d', i / 6000, i) AS path, i AS value FROM n",
        LISTED);
    run("CREATE TABLE o(path TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "INSERT INTO o SELECT path, value FROM named WHERE value %% 2 AND value / 20000 <> 3;"
        "INSERT INTO t(path, value) SELECT path, value FROM o;"
        "CREATE TABLE wanted AS SELECT path FROM named WHERE value %% 3;"
        "INSERT INTO wanted SELECT path FROM named WHERE value < 100");
    command("flush");
}

static int list_is_right(const char *list, const char *order) {
    char *query[2];
    for (unsigned i = 0; i < 2; i++)
        query[i] = TEXT("SELECT count(*) || ' ' || sum(a * value) FROM (SELECT row_number() OVER () AS a, value FROM "
                        "(SELECT value FROM %s WHERE path IN (%s) AND path > 'd01' ORDER BY path %s))",
                        i ? "t" : "o", list, order);
    return answers_within(LIST_BYTES, query[0], query[1]);
}

TEST(test_a_long_list_is_in_memory_in_parts) {
    bool downwards = random_seed() % 2;
    make_lists();
    EACH(order, "ASC", "DESC") {
        if (random_stride() > 1 && (*order == 'D') != downwards) continue;
        ck_assert_int_gt(list_is_right("SELECT path FROM wanted", order), 3);
        list_is_right("SELECT path FROM wanted UNION ALL SELECT 17", order);
        list_is_right("SELECT path FROM wanted WHERE path < 'd02'", order);
    }
    ck_assert_int_gt(list_is_right("SELECT path || 'x' FROM wanted", "ASC"), 3);
    run("DELETE FROM t WHERE path IN (SELECT path FROM wanted)");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"),
                     sql_int(db, "SELECT count(*) FROM o WHERE path NOT IN (SELECT path FROM wanted)"));
}

static int compare_backwards(void *unused, int a, const void *left, int b, const void *right) {
    return -sql_compare_bytes(unused, a, left, b, right);
}

TEST(test_a_list_in_another_order_is_a_walk) {
    static const char asks[] = "SELECT sum(value) FROM t WHERE path IN (SELECT path FROM wanted WHERE rowid %% %d = 0)";
    make_lists();
    for (int each = 1; each < 100000; each *= 20) {
        int64_t sum = sql_int(db, asks, each);
        sqlite3_create_collation(db, "BINARY", SQLITE_UTF8, NULL, compare_backwards);
        ck_assert_int_eq(sql_int(db, asks, each), sum);
        sqlite3_create_collation(db, "BINARY", SQLITE_UTF8, NULL, sql_compare_bytes);
    }
}

/* Parts of it are in the file by then. */
TEST(test_a_list_that_loses_its_order_at_its_end_is_a_walk) {
    static const char asks[] =
        "SELECT count(*), count(DISTINCT path) FROM t WHERE %s IN (SELECT path COLLATE NOCASE FROM wanted)";
    make_lists();
    EACH(path, "yb", "yC") {
        run(TEXT("INSERT INTO t(path, value) VALUES('%s', 1)", path));
        run(TEXT("INSERT INTO wanted(path) VALUES('%s')", path));
    }
    char *rows = kept(sql_rows(db, TEXT(asks, "path"))), *right = kept(sql_rows(db, TEXT(asks, "+path")));
    ck_assert_str_eq(rows, right);
}

/* Room for some blobs, and for no slab of them: so it is in a browser, where buffers come from the heap. */
static void limit_address_space(struct rlimit *before) {
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    ck_assert(statm && fscanf(statm, "%lu", &pages) == 1 && !fclose(statm));
    ck_assert(!getrlimit(RLIMIT_AS, before));
    struct rlimit little = {pages * (unsigned long)sysconf(_SC_PAGESIZE) + (7 << 20), before->rlim_max};
    ck_assert(!setrlimit(RLIMIT_AS, &little));
}

TEST(test_without_address_space_the_cache_holds_what_it_has_room_for) {
    struct rlimit before;
    if (SANITIZED) {
        printf("skipped: address space: a sanitizer has all of it\n");
        return;
    }
    sql_create(db, "t", "cache=67108864");
    sql_run(db, "INSERT INTO t WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 40000) SELECT "
                "printf('k/%%06d', i), printf('%%0100d', i) FROM n; INSERT INTO t(t) VALUES('optimize')");
    ck_assert_int_ge(sql_int(db, "SELECT value FROM art_debug('t') WHERE property = 'blobs'"), 5);
    sql_close(db);
    limit_address_space(&before);
    db = open_counted(path);
    ck_assert_int_eq(sql_int(db, "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT "
                                 "count(value) FROM n CROSS JOIN t ON path = printf('k/%%06d', i * 7777 %% 40000)"),
                     20000);
    sqlite3_int64 misses = sql_info(db, "cache misses");
    ck_assert(!setrlimit(RLIMIT_AS, &before));
    ck_assert_int_le(misses, 100);
}

SUITE("sql_memory", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down)
