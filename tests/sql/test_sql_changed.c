/* What has changed since a version: WHERE version > ?, which passes over blobs and buckets in which nothing is newer.
 *
 * Random histories on an art table and an ordinary one, which notes the version of each row beside it. Blobs are small
 * (support/differential.h). Then, with blobs of the usual size, how little is read.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/differential.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { DIRECTORIES = 30, FILES = 60, SETTINGS = 6 };

struct world {
    struct random random;
    char *directory, *path;
    sqlite3 *db;
    unsigned savepoints, statements, questions, answers;
};

static void open_world(struct world *world) {
    world->db = sql_open(world->path);
    sql_run(world->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
}

/* The same on both; the twin's rows take the version that the transaction writes. */
static void write_both(struct world *world, const char *art, const char *plain) {
    bool alone = sqlite3_get_autocommit(world->db);
    world->statements++;
    if (alone) sql_run(world->db, "BEGIN");
    sql_run(world->db, "%s", art);
    sql_run(world->db, "%s", plain);
    if (alone) sql_run(world->db, "COMMIT");
}

static void write_something(struct world *world) {
    struct random *random = &world->random;
    unsigned d = random_below(random, DIRECTORIES), f = random_below(random, FILES), n = random_below(random, 1000);
    char *art, *plain;
    switch (random_below(random, 12)) {
    case 0:
        art = sqlite3_mprintf("DELETE FROM t WHERE path GLOB 'd%02u/*'", d);
        plain = sqlite3_mprintf("DELETE FROM plain WHERE path GLOB 'd%02u/*'", d);
        break;
    case 1:
        art = sqlite3_mprintf("UPDATE t SET size = size + 1 WHERE path GLOB 'd%02u/*'", d);
        plain = sqlite3_mprintf(
            "UPDATE plain SET size = size + 1, v = art_write_version('t') WHERE path GLOB 'd%02u/*'", d);
        break;
    case 2:
        art = sqlite3_mprintf("DELETE FROM t WHERE path GLOB '*%u'", n % 100);
        plain = sqlite3_mprintf("DELETE FROM plain WHERE path GLOB '*%u'", n % 100);
        break;
    case 3: /* from another directory: a path that is set to itself is not written */
        n = (d + 1 + n % (DIRECTORIES - 1)) % DIRECTORIES;
        art = sqlite3_mprintf("UPDATE OR REPLACE t SET path = 'd%02u/f%03u' WHERE path = 'd%02u/f%03u'", d, f, n, f);
        plain = sqlite3_mprintf("UPDATE OR REPLACE plain SET path = 'd%02u/f%03u', v = art_write_version('t') "
                                "WHERE path = 'd%02u/f%03u'",
                                d, f, n, f);
        break;
    case 4:
    case 5: {
        static const char rows[] = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
                                   "INSERT OR REPLACE INTO %s SELECT printf('d%02u/f%%03d', i * 7 %% %u), i, "
                                   "substr(hex(zeroblob(40)), 1 + i %% 60)%s FROM n";
        art = sqlite3_mprintf(rows, f, "t(path, size, note)", d, FILES, "");
        plain = sqlite3_mprintf(rows, f, "plain(path, size, note, v)", d, FILES, ", art_write_version('t')");
        break;
    }
    default:
        art = sqlite3_mprintf("INSERT OR REPLACE INTO t(path, size) VALUES('d%02u/f%03u', %u)", d, f, n);
        plain = sqlite3_mprintf(
            "INSERT OR REPLACE INTO plain(path, size, v) VALUES('d%02u/f%03u', %u, art_write_version('t'))", d, f, n);
    }
    write_both(world, art, plain);
    sqlite3_free(art);
    sqlite3_free(plain);
}

static void do_something(struct world *world) {
    enum next_step step = take_step(world->db, &world->random, &world->savepoints);
    if (step == STEP_WRITE) write_something(world);
    if (step == STEP_REOPEN) {
        sql_close(world->db);
        open_world(world);
    }
}

/* A condition on the version, as the twin has it, too: %s is the column. */
static char *condition(struct world *world) {
    struct random *random = &world->random;
    long long top = sql_int(world->db, "SELECT coalesce(max(v), 0) FROM plain"), since = top;
    if (random_once_in(random, 2)) since = random_below(random, (uint32_t)top + 3);
    if (random_once_in(random, 3)) since = top - random_below(random, 6);
    switch (random_below(random, 14)) {
    case 0:
        return sqlite3_mprintf("%%s >= %lld", since);
    case 1:
        return sqlite3_mprintf("%%s = %lld", since);
    case 2:
        return sqlite3_mprintf("%%s BETWEEN %lld AND %lld", since, since + random_below(random, 4));
    case 3:
        return sqlite3_mprintf("%%s > %lld.5", since);
    case 4:
        return sqlite3_mprintf("%%s >= %lld.5", since);
    case 5:
        return sqlite3_mprintf("%%s IS %lld", since);
    case 6:
        return sqlite3_mprintf("%%s > (SELECT max(v) - %u FROM plain)", random_below(random, 5));
    case 7:
        return sqlite3_mprintf("%%s > '%lld'", since);
    case 8:
        return sqlite3_mprintf("%%s IN (%lld, %lld)", since, since + 1);
    case 9:
        return sqlite3_mprintf("(%%s > %lld OR size > 900)", since);
    case 10:
        return sqlite3_mprintf("%%s > %lld AND size < %u", since, random_below(random, 60));
    case 11:
        return sqlite3_mprintf("size BETWEEN 5 AND %u AND %%s >= %lld", random_below(random, 900), since);
    default:
        return sqlite3_mprintf("%%s > %lld", since);
    }
}

static char *question(struct world *world, const char *from, const char *column, const char *condition, unsigned kind,
                      unsigned d) {
    char *where = sqlite3_mprintf(condition, column), *sql;
    switch (kind) {
    case 0:
        sql = sqlite3_mprintf("SELECT path, size, %s FROM %s WHERE %s AND path GLOB 'd%02u/*' ORDER BY path", column,
                              from, where, d);
        break;
    case 1:
        sql = sqlite3_mprintf("SELECT path, size FROM %s WHERE %s ORDER BY path DESC LIMIT %u OFFSET %u", from, where,
                              d, d / 3);
        break;
    case 2:
        sql = sqlite3_mprintf("SELECT count(*), max(%s) FROM %s WHERE %s AND path > 'd%02u'", column, from, where, d);
        break;
    case 3:
        sql = sqlite3_mprintf("SELECT a.path FROM %s a, kept WHERE kept.path = a.path AND %s ORDER BY 1", from, where);
        break;
    case 4:
        sql = sqlite3_mprintf("SELECT k.path, a.size FROM kept k LEFT JOIN %s a ON a.path = k.path AND %s ORDER BY 1",
                              from, where);
        break;
    default:
        sql = sqlite3_mprintf("SELECT path, size, note, %s FROM %s WHERE %s ORDER BY path", column, from, where);
    }
    sqlite3_free(where);
    world->questions++;
    return sql;
}

static void ask(struct world *world) {
    unsigned kind = random_below(&world->random, 9), d = random_below(&world->random, DIRECTORIES);
    char *asked = condition(world);
    char *art = question(world, "t", "version", asked, kind, d), *plain = question(world, "plain", "v", asked, kind, d);
    char *given = sql_rows(world->db, "%s", art), *expected = sql_rows(world->db, "%s", plain);
    size_t same = 0;
    while (given[same] && given[same] == expected[same]) same++;
    while (same && given[same - 1] != '\n') same--;
    ck_assert_msg(!strcmp(given, expected), "%s\n  gave     %.300s\n  expected %.300s\n  at byte %zu", art,
                  given + same, expected + same, same);
    world->answers += *given != 0;
    sqlite3_free(given);
    sqlite3_free(expected);
    sqlite3_free(art);
    sqlite3_free(plain);
    sqlite3_free(asked);
}

static const char *const settings[SETTINGS] = {"log_limit='2KB'",
                                               "log_limit='2KB', storage=inline",
                                               "log_limit='16KB'",
                                               "log_limit='2KB', spill_limit='8KB'",
                                               "",
                                               "log_limit='4KB', spill_limit='4KB', storage=inline"};

LOOP_TEST(test_what_changed_since_a_version_is_what_an_ordinary_table_says, 2 * SETTINGS) {
    struct world world = {.random = {random_seed() + (uint64_t)_i}};
    pages_of_blobs = _i % 3 == 2 ? 0 : 3 + random_below(&world.random, 4);
    printf("changed: seed %llu\n", (unsigned long long)world.random.state);
    world.directory = sql_scratch("changed");
    world.path = sqlite3_mprintf("%s/c.db", world.directory);
    open_world(&world);
    sql_run(world.db,
            "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, note, %s%s);"
            "CREATE TABLE plain(path TEXT PRIMARY KEY, size INTEGER, note, v INTEGER) WITHOUT ROWID;"
            "CREATE TABLE kept(path TEXT PRIMARY KEY);"
            "INSERT INTO kept VALUES('d03/f001'), ('d11/f030'), ('d29/f059'), ('d30/f000'), ('d07/f008')",
            *settings[_i % SETTINGS] ? settings[_i % SETTINGS] : "log_limit='1MB'",
            _i < SETTINGS ? "" : ", summary=(max(size))");
    for (unsigned step = random_rounds(1200); step--;) {
        do_something(&world);
        if (random_once_in(&world.random, 2)) ask(&world);
        if (step % 100 == 0 && sqlite3_get_autocommit(world.db)) sql_expect(world.db, "ok\n", "SELECT art_check('t')");
    }
    printf("%u statements, %u questions, %u answers with rows\n", world.statements, world.questions / 2, world.answers);
    note_compared(world.statements + world.questions / 2);
    if (world.questions > 50) ck_assert_uint_gt(world.answers, 0); /* with a small budget all may be about nothing */
    sql_close(world.db);
    sql_scratch_remove(world.directory);
    sqlite3_free(world.directory);
    sqlite3_free(world.path);
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
    pages_of_blobs = 0;
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

static void plan_is(sqlite3 *db, const char *where, const char *expected) {
    char *plan = sql_rows(db, "EXPLAIN QUERY PLAN SELECT path FROM t WHERE %s", where);
    ck_assert_msg(strstr(plan, expected) != NULL, "%s: %s, without %s", where, plan, expected);
    sqlite3_free(plan);
}

TEST(test_the_plan_says_so) {
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER)");
    plan_is(db, "version > 5", "all rows AND version>?");
    plan_is(db, "version >= ?1 AND path GLOB 'a/*'", "AND version>=?");
    plan_is(db, "version BETWEEN 3 AND 4", "version>=?");
    plan_is(db, "version = 5", "version=?");
    plan_is(db, "5 < version AND size > 3", "version>? AND size>?");
    plan_is(db, "version < 5", "all rows");
    plan_is(db, "version > 5 AND prefix = 'a/'", "prefix=? AND version>?");
    plan_is(db, "path = 'a' AND version > 5", "path=?");
    plan_is(db, "path >= ?1 AND path < ?2 AND version > ?3 AND size > ?4", "path>=? AND path<? AND version>?");
    plan_is(db, "path > ?1 AND version > ?2 AND size > ?3", "path>? AND version>? AND bound size>?");
    sql_run(db, "CREATE TABLE seen(version); INSERT INTO seen VALUES(3)");
    char *plan = sql_rows(db, "EXPLAIN QUERY PLAN SELECT * FROM seen JOIN t ON t.version > seen.version");
    ck_assert_msg(strstr(plan, "SCAN seen") && strstr(plan, "SCAN seen") < strstr(plan, "version>?"), "%s", plan);
    sqlite3_free(plan);
    sql_close(db);
}

int main(void) {
    return differential_run((struct suite_case){.name = "changed since a version", .seconds = SUITE_FOREVER});
}
