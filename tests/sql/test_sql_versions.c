/* The hidden column `version` between two connections: compare-and-set, and versions that are never given twice; and
 * art_write_version(), which tells the one that is being given.
 *
 * Two connections add to counters, each by what it read before: UPDATE ... SET value = value + 1 WHERE path = ? AND
 * version = ?. changes() tells who won; in the end the counters must be what the winners counted. Between the steps are
 * transactions, savepoints, rollbacks, flushes, deletions and reopening. Each version that a committed transaction gave
 * is above all committed before it. (Histories of one connection watch the version of every row:
 * tests/support/versions.c.)
 */
#include <stdio.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { KEYS = 12, STEPS = 900 };

struct world {
    struct random random;
    char *directory;
    sqlite3 *db[2];
    int64_t held[2][KEYS]; /* version that a connection has read, 0: none */
    int64_t counted[KEYS]; /* value that the committed winners make, -1: no row */
    int64_t running[KEYS]; /* the same with what the open transaction has done */
    int64_t top;           /* highest committed version */
    int writer;            /* whose transaction is open, -1: nobody's */
    int64_t won, lost, busy;
};

static void open_both(struct world *world) {
    for (int c = 0; c < 2; c++) {
        char *path = sqlite3_mprintf("%s/v.db", world->directory);
        world->db[c] = sql_open(path);
        sql_run(world->db[c], "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
        sqlite3_free(path);
    }
}

static int64_t version_of(sqlite3 *db, int key) {
    return sql_int(db, "SELECT version FROM t WHERE path = 'k%d'", key);
}

/* A commit: its version is new, and the highest. */
static void commit_happened(struct world *world, int c) {
    int64_t now = sql_int(world->db[c], "SELECT max(version) FROM t");
    bool wrote = false;
    for (int i = 0; i < KEYS; i++) {
        wrote |= world->running[i] != world->counted[i] && world->running[i] >= 0;
        world->counted[i] = world->running[i];
    }
    ck_assert_msg(!wrote || now > world->top, "version %lld was given before: the highest was %lld", (long long)now,
                  (long long)world->top);
    if (now > world->top) world->top = now;
    world->writer = -1;
}

static void undo(struct world *world) {
    for (int i = 0; i < KEYS; i++) world->running[i] = world->counted[i];
    world->writer = -1;
}

/* True: it was written; BUSY leaves everything as it was. */
static bool write_one(struct world *world, int c, const char *format, int key, int64_t argument) {
    int rc = sql_try(world->db[c], format, key, argument);
    world->busy += (rc & 0xff) == SQLITE_BUSY;
    ck_assert_msg(!rc || (rc & 0xff) == SQLITE_BUSY, "%s: %s", format, sqlite3_errmsg(world->db[c]));
    return !rc && sqlite3_changes(world->db[c]) == 1;
}

static void compare_and_set(struct world *world, int c, int key) {
    bool inside = !sqlite3_get_autocommit(world->db[c]);
    int64_t now = version_of(world->db[c], key);
    if (random_once_in(&world->random, 2)) world->held[c][key] = now;
    int64_t held = world->held[c][key];
    bool won = write_one(world, c, "UPDATE t SET value = value + 1 WHERE path = 'k%d' AND version = %lld", key, held);
    ck_assert_msg(!won || held == now, "version %lld was stale and won, now is %lld", (long long)held, (long long)now);
    world->won += won;
    world->lost += !won;
    if (!won) return;
    world->running[key]++;
    if (!inside) commit_happened(world, c);
    int64_t after = version_of(world->db[c], key);
    ck_assert_msg(after >= held && (inside || after > held), "version went from %lld to %lld", (long long)held,
                  (long long)after);
}

static void insert_or_delete(struct world *world, int c, int key) {
    bool inside = !sqlite3_get_autocommit(world->db[c]), there = version_of(world->db[c], key) != 0;
    const char *insert = "INSERT INTO t VALUES('k%d', %lld)", *delete = "DELETE FROM t WHERE path = 'k%d' AND %lld = 0";
    if (!write_one(world, c, there ? delete : insert, key, 0)) return;
    world->running[key] = there ? -1 : 0;
    if (!inside) commit_happened(world, c);
}

static void transact(struct world *world, int c) {
    sqlite3 *db = world->db[c];
    if (sqlite3_get_autocommit(db)) {
        if (world->writer < 0 && !sql_try(db, "BEGIN IMMEDIATE")) world->writer = c;
    } else if (random_once_in(&world->random, 3)) {
        sql_run(db, "ROLLBACK");
        undo(world);
    } else {
        sql_run(db, "COMMIT");
        commit_happened(world, c);
    }
}

static void run_step(struct world *world) {
    struct random *random = &world->random;
    int c = (int)random_below(random, 2), key = (int)random_below(random, KEYS);
    sqlite3 *db = world->db[c];
    uint32_t kind = random_below(random, 100);
    if (kind < 35) {
        world->held[c][key] = version_of(db, key);
    } else if (kind < 75) {
        compare_and_set(world, c, key);
    } else if (kind < 82) {
        insert_or_delete(world, c, key);
    } else if (kind < 94) {
        transact(world, c);
    } else if (kind < 97 && world->writer == c) {
        sql_run(db, "SAVEPOINT s; UPDATE t SET value = value + 100; ROLLBACK TO s; RELEASE s");
    } else if (kind < 99) {
        if (world->writer < 0) sql_command(db, "main", "t", random_once_in(random, 2) ? "flush" : "optimize");
    } else if (world->writer < 0) {
        sql_close(world->db[0]);
        sql_close(world->db[1]);
        open_both(world);
    }
}

static void check_counters(struct world *world) {
    if (world->writer >= 0) {
        sql_run(world->db[world->writer], "COMMIT");
        commit_happened(world, world->writer);
    }
    for (int i = 0; i < KEYS; i++) {
        int64_t value = sql_int(world->db[1], "SELECT coalesce((SELECT value FROM t WHERE path = 'k%d'), -1)", i);
        ck_assert_msg(value == world->counted[i], "k%d is %lld, the winners counted %lld", i, (long long)value,
                      (long long)world->counted[i]);
    }
}

TEST(test_compare_and_set_loses_nothing_between_two_connections) {
    static const char *const options[] = {"", "log_limit='1KB'", "log_limit='4KB', spill_limit='4KB'"};
    if (sql_standin()) return; /* an ordinary table has no versions */
    uint64_t seed = random_seed();
    int rounds = 4 * (int)random_scale();
    for (int round = 0; round < rounds; round++) {
        struct world world = {.random = {seed + (uint64_t)round}, .writer = -1};
        world.directory = sql_scratch("versions");
        open_both(&world);
        sql_create(world.db[0], "t", options[random_below(&world.random, 3)]);
        for (int i = 0; i < KEYS; i++) world.counted[i] = world.running[i] = -1;
        for (int i = 0; i < STEPS; i++) run_step(&world);
        check_counters(&world);
        printf("seed %llu: %lld won, %lld were stale, %lld met a lock, highest version %lld\n",
               (unsigned long long)seed + (unsigned)round, (long long)world.won, (long long)world.lost,
               (long long)world.busy, (long long)world.top);
        sql_close(world.db[0]);
        sql_close(world.db[1]);
        sql_scratch_remove(world.directory);
        sqlite3_free(world.directory);
    }
}

/* --- art_write_version() ------------------------------------------------------------------------------------------ */

static void same_as_written(sqlite3 *db, const char *schema, const char *what) {
    int64_t said = sql_int(db, "SELECT art_write_version('%s.t')", schema);
    sql_run(db, "INSERT OR REPLACE INTO %s.t(path, value) VALUES('asked', 1)", schema);
    int64_t got = sql_int(db, "SELECT version FROM %s.t WHERE path = 'asked'", schema);
    ck_assert_msg(said == got, "%s: %lld was said, the row has %lld", what, (long long)said, (long long)got);
}

static void transactions_in(sqlite3 *db, const char *schema) {
    same_as_written(db, schema, "autocommit");
    int64_t before = sql_int(db, "SELECT art_write_version('%s.t')", schema);
    sql_run(db, "BEGIN");
    same_as_written(db, schema, "the first write of a transaction");
    ck_assert_int_eq(sql_int(db, "SELECT art_write_version('%s.t')", schema), before); /* it is theirs */
    sql_run(db, "SAVEPOINT a; DELETE FROM %s.t", schema);
    same_as_written(db, schema, "within a savepoint");
    sql_run(db, "ROLLBACK TO a");
    same_as_written(db, schema, "behind ROLLBACK TO");
    sql_run(db, "RELEASE a");
    sql_command(db, schema, "t", "flush");
    same_as_written(db, schema, "behind a command");
    ck_assert_int_eq(sql_int(db, "SELECT art_write_version('%s.t')", schema), before);
    sql_run(db, "COMMIT");
    ck_assert_int_gt(sql_int(db, "SELECT art_write_version('%s.t')", schema), before);
    before = sql_int(db, "SELECT art_write_version('%s.t')", schema);
    sql_run(db, "BEGIN; DELETE FROM %s.t; ROLLBACK", schema);
    ck_assert_int_eq(sql_int(db, "SELECT art_write_version('%s.t')", schema), before); /* it was not used */
    sql_run(db,
            "BEGIN; WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 3000) INSERT INTO %s.t(path, value) "
            "SELECT 'many' || i, printf('%%0100d', i) FROM i",
            schema);
    same_as_written(db, schema, "behind a spill");
    sql_run(db, "ROLLBACK");
    same_as_written(db, schema, "behind the rollback of a spill");
}

TEST(test_a_transaction_knows_the_version_that_it_writes) {
    static const char *const options[] = {"", "storage=inline", "log_limit='4KB', spill_limit='4KB'"};
    if (sql_standin()) return;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char *directory = sql_scratch("write_version"), *path = sqlite3_mprintf("%s/v.db", directory);
        sqlite3 *db = sql_open(path);
        sql_run(db, "ATTACH '%q/other.db' AS other", directory);
        static const char *const schemas[] = {"main", "other", "temp"};
        for (size_t k = 0; k < 3; k++) {
            if (k == 2 && i == 2) continue;
            sql_run(db, "CREATE VIRTUAL TABLE %s.t USING art(path, value%s%s)", schemas[k], *options[i] ? ", " : "",
                    options[i]);
            transactions_in(db, schemas[k]);
        }
        ck_assert_int_eq(sql_int(db, "SELECT art_write_version(NULL) IS NULL"), 1);
        ck_assert_int_ne(sql_try(db, "SELECT art_write_version('nobody')"), SQLITE_OK);
        sql_close(db);
        sql_scratch_remove(directory);
        sqlite3_free(directory);
        sqlite3_free(path);
    }
}

/* Kept beside the rows, in the same transaction, it tells them apart from all others. */
TEST(test_the_version_of_another_connections_commit_is_counted) {
    static const char *const modes[] = {"WAL", "DELETE"};
    if (sql_standin()) return;
    for (int i = 0; i < 2; i++) {
        char *directory = sql_scratch("write_version"), *path = sqlite3_mprintf("%s/v.db", directory);
        sqlite3 *db[2] = {sql_open(path), sql_open(path)};
        sql_run(db[0], "PRAGMA journal_mode=%s; CREATE TABLE kept(v)", modes[i]);
        sql_create(db[0], "t", "");
        for (int n = 0; n < 40; n++) {
            int c = n * 7 / 3 % 2;
            sql_run(db[c],
                    "BEGIN; INSERT INTO t(path) VALUES('r%d'); INSERT INTO kept SELECT art_write_version('t'); "
                    "COMMIT",
                    n);
            if (n % 9 == 0) sql_command(db[c], "main", "t", "flush");
            ck_assert_int_eq(sql_int(db[!c], "SELECT version = (SELECT max(v) FROM kept) FROM t WHERE path = 'r%d'", n),
                             1);
        }
        ck_assert_int_eq(sql_int(db[0], "SELECT count(*) FROM t WHERE version IN (SELECT v FROM kept)"), 40);
        ck_assert_int_eq(sql_int(db[0], "SELECT count(DISTINCT v) FROM kept"), 40);
        /* A reader's snapshot: a write now would be refused, or have that number. */
        sql_run(db[0], "BEGIN");
        int64_t said = sql_int(db[0], "SELECT art_write_version('t')");
        if (!i) {
            sql_run(db[1], "INSERT INTO t(path) VALUES('meanwhile')");
            ck_assert_int_eq(sql_int(db[0], "SELECT art_write_version('t')"), said);
            ck_assert_int_eq(sql_try(db[0], "INSERT INTO t(path) VALUES('late')") & 0xff, SQLITE_BUSY);
        }
        sql_run(db[0], "ROLLBACK");
        ck_assert_int_eq(sql_int(db[0], "SELECT art_write_version('t')"), said + !i);
        sql_close(db[0]);
        sql_close(db[1]);
        sql_scratch_remove(directory);
        sqlite3_free(directory);
        sqlite3_free(path);
    }
}

int main(void) {
    return suite_run("versions", .seconds = SUITE_FOREVER);
}
