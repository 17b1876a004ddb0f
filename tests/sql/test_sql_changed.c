/* What has changed since a version: WHERE version > ?, which passes over blobs and buckets in which nothing is newer.
 *
 * Random histories on an art table and an ordinary one, which notes the version of each row beside it
 * (support/summed.h). Then, with blobs of the usual size, how little is read.
 */
#include "tests/support/sql_expect.h"
#include "tests/support/summed.h"

LOOP_TEST(test_what_changed_since_a_version_is_what_an_ordinary_table_says, 12) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .questions = "3*$rows | $aggregates | $join",
                        .inlined = _i % 3 == 2,
                        .versions = true,
                        .first = "$newer",
                        .now.summary = _i % 2 ? SUMMED_MAX_OF_SIZE : SUMMED_NONE};
    summed_history(&both, "changed", (unsigned)_i, 1200);
}

/* --- how much is read --------------------------------------------------------------------------------------------- */

static int64_t pages_read(sqlite3 *db) {
    return sql_int(db, "SELECT value FROM art_info('t') WHERE property = 'pages read'");
}

/* By a connection with an empty cache. */
static int64_t pages_of(const char *path, const char *column, int64_t since, int64_t rows, bool descending) {
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA cache_size=0");
    int64_t before = pages_read(db);
    ck_assert_int_eq(sql_int(db,
                             "SELECT count(*) FROM (SELECT path FROM t WHERE %s > %lld ORDER BY path%s LIMIT 100000)",
                             column, since, descending ? " DESC" : ""),
                     rows);
    int64_t read = pages_read(db) - before;
    sql_close(db);
    return read;
}

LOOP_TEST(test_only_what_may_have_changed_is_read, 2) {
    static const char all[] = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
                              "INSERT INTO t SELECT printf('d%%03d/f%%06d', i / 1000, i), i FROM n";
    char *directory = sql_scratch("changed"), *path = sqlite3_mprintf("%s/c.db", directory);
    art_test_hooks.blob_pages = 0;
    sqlite3 *db = sql_open(path);
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, cache='64MB')");
    sql_run(db, all);
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    int64_t first = sql_int(db, "SELECT max(version) FROM t");
    sql_run(db, "UPDATE t SET size = 0 WHERE path GLOB 'd042/*'");
    int64_t second = sql_int(db, "SELECT max(version) FROM t");
    sql_run(db, "UPDATE t SET size = 0 WHERE path = 'd077/f077777'");
    int64_t third = sql_int(db, "SELECT max(version) FROM t");
    sql_run(db, "INSERT INTO t(t) VALUES('optimize')");
    sql_close(db);
    int64_t whole = pages_of(path, "+version", first, 1001, _i);
    int64_t changed = pages_of(path, "version", first, 1001, _i);
    int64_t one = pages_of(path, "version", second, 1, _i), none = pages_of(path, "version", third, 0, _i);
    printf("pages read: all %lld, a directory %lld, one row %lld, nothing %lld\n", (long long)whole, (long long)changed,
           (long long)one, (long long)none);
    ck_assert_int_gt(whole, 150);
    ck_assert_int_lt(changed, whole / 8);
    ck_assert_int_lt(one, changed);
    ck_assert_int_le(none, 4);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

#define WHERE "SELECT path FROM t WHERE "

TEST(test_the_plan_says_so) {
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER)");
    sql_plan_has(db, WHERE "version > 5", "all rows AND version>?");
    sql_plan_has(db, WHERE "version >= ?1 AND path GLOB 'a/*'", "AND version>=?");
    sql_plan_has(db, WHERE "version BETWEEN 3 AND 4", "version>=?");
    sql_plan_has(db, WHERE "version = 5", "version=?");
    sql_plan_has(db, WHERE "5 < version AND size > 3", "version>? AND size>?");
    sql_plan_has(db, WHERE "version < 5", "all rows");
    sql_plan_has(db, WHERE "version > 5 AND prefix = 'a/'", "prefix=? AND version>?");
    sql_plan_has(db, WHERE "path = 'a' AND version > 5", "path=?");
    sql_plan_has(db, WHERE "path >= ?1 AND path < ?2 AND version > ?3 AND size > ?4",
                 "path>=? AND path<? AND version>?");
    sql_plan_has(db, WHERE "path > ?1 AND version > ?2 AND size > ?3", "path>? AND version>? AND bound size>?");
    sql_run(db, "CREATE TABLE seen(version); INSERT INTO seen VALUES(3)");
    char *plan = sql_rows(db, "EXPLAIN QUERY PLAN SELECT * FROM seen JOIN t ON t.version > seen.version");
    ck_assert_msg(strstr(plan, "SCAN seen") && strstr(plan, "SCAN seen") < strstr(plan, "version>?"), "%s", plan);
    sqlite3_free(plan);
    sql_close(db);
}

int main(void) {
    return differential_run((struct suite_case){.name = "changed since a version", .seconds = SUITE_FOREVER});
}
