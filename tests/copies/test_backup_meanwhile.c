/* art_backup() while others drop, make and rename tables, and cut their files: whatever happens to a table, and
 * at which moment, the copy has all of it or nothing.
 */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/features.h"
#include "tests/support/sql_one.h"

static sqlite3 *open_waiting(void) {
    sqlite3 *db = sql_open(path);
    sqlite3_busy_timeout(db, 60000);
    sql_run(db, "PRAGMA synchronous=OFF");
    return db;
}

static void remove_copy(void) {
    ck_assert_int_eq(sql_shell("rm -f copy.db copy.db-*"), 0);
}

/* --- at random ---------------------------------------------------------------------------------------------------- */

enum { TABLES = 6 };

struct load {
    _Atomic unsigned changes;
    atomic_bool stop;
};

static bool is_there(sqlite3 *db, unsigned k) {
    return sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 't%u'", k) != 0;
}

/* Table t<k> has a mirror, the ordinary m<k>; both change in one transaction. */
static void make(sqlite3 *db, struct random *random, unsigned k) {
    sql_run(db,
            "BEGIN IMMEDIATE; CREATE VIRTUAL TABLE t%u USING art(path, value, storage=%s, log_limit='20KB'); CREATE "
            "TABLE m%u(path PRIMARY KEY, value)",
            k, random_below(random, 3) ? "file" : "inline", k);
    sql_run(
        db,
        "INSERT INTO m%u SELECT printf('d%%d/%%06d', i %% 20, i), 'value ' || i FROM (WITH n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n LIMIT %u) SELECT i FROM n); INSERT INTO t%u SELECT * FROM m%u; INSERT INTO t%u(t%u) "
        "VALUES('flush'); COMMIT",
        k, 500 + random_below(random, 3000), k, k, k, k);
}

static void write_some(sqlite3 *db, struct random *random, unsigned k) {
    unsigned rest = random_below(random, 7);
    sql_run(db,
            "BEGIN IMMEDIATE; DELETE FROM t%u WHERE path IN (SELECT path FROM m%u WHERE rowid %% 7 = %u);"
            "DELETE FROM m%u WHERE rowid %% 7 = %u",
            k, k, rest, k, rest);
    sql_run(db, "INSERT OR REPLACE INTO m%u VALUES('new/%u', %u); INSERT OR REPLACE INTO t%u SELECT * FROM m%u; COMMIT",
            k, random_below(random, 1000), rest, k, k);
}

static void change(sqlite3 *db, struct random *random) {
    unsigned k = random_below(random, TABLES), other = random_below(random, TABLES);
    sql_run(db, "BEGIN IMMEDIATE");
    ck_assert_msg(!features_turn(db), "%s", sqlite3_errmsg(db));
    sql_run(db, "COMMIT");
    if (!is_there(db, k)) {
        make(db, random, k);
        return;
    }
    switch (random_below(random, 5)) {
    case 0:
        sql_run(db, "BEGIN IMMEDIATE; DROP TABLE t%u; DROP TABLE m%u; COMMIT", k, k);
        break;
    case 1:
        if (is_there(db, other)) break;
        sql_run(db, "BEGIN IMMEDIATE; ALTER TABLE t%u RENAME TO t%u; ALTER TABLE m%u RENAME TO m%u; COMMIT", k, other,
                k, other);
        break;
    case 2:
        sql_run(db,
                "INSERT INTO t%u(t%u) VALUES('optimize'); PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t%u(t%u) "
                "VALUES('vacuum')",
                k, k, k, k);
        break;
    default:
        write_some(db, random, k);
    }
}

static pid_t start_load(struct load *load, struct random random) {
    pid_t writer = fork();
    ck_assert_int_ge(writer, 0);
    if (writer) return writer;
    sqlite3 *db = open_waiting();
    while (!atomic_load(&load->stop)) {
        change(db, &random);
        atomic_fetch_add(&load->changes, 1);
    }
    sql_close(db);
    _exit(0);
}

/* Every table that is there is its mirror, and sound. */
static unsigned look_at_copy(void) {
    unsigned tables = 0;
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "ok\n", "PRAGMA integrity_check");
    const char *complaint = features_complaint(copy);
    ck_assert_msg(!complaint, "%s", complaint);
    for (unsigned k = 0; k < TABLES; k++) {
        if (!is_there(copy, k)) continue;
        ck_assert_int_eq(sql_int(copy, "SELECT art_check('t%u') = 'ok'", k), 1);
        ck_assert_int_eq(sql_int(copy, "SELECT (SELECT count(*) FROM t%u) = count(*) FROM m%u", k, k), 1);
        ck_assert_int_eq(
            sql_int(copy, "SELECT count(*) FROM (SELECT path, value FROM t%u EXCEPT SELECT * FROM m%u)", k, k), 0);
        sql_run(copy, "INSERT INTO t%u VALUES('more', 1); INSERT INTO t%u(t%u) VALUES('optimize')", k, k, k);
        tables++;
    }
    sql_close(copy);
    return tables;
}

/* ART_BACKUP_COPIES of them, ART_BACKUP_EVERY seconds apart. */
static unsigned setting(const char *name, unsigned otherwise) {
    const char *given = getenv(name);
    return given ? (unsigned)strtoul(given, NULL, 10) : otherwise;
}

LOOP_TEST(test_tables_that_come_and_go_are_copied_whole_or_not_at_all, 2) {
    unsigned rounds = setting("ART_BACKUP_COPIES", random_rounds(20)), every = setting("ART_BACKUP_EVERY", 0),
             tables = 0;
    struct random random = {random_seed() + (uint64_t)_i};
    int status;
    printf("seed %llu\n", (unsigned long long)random.state);
    sqlite3 *db = open_waiting();
    sql_run(db, "PRAGMA journal_mode=%s", _i ? "DELETE" : "WAL");
    for (unsigned k = 0; k < TABLES; k++) make(db, &random, k);
    features_create(db, ", log_limit='20KB'");
    features_create(db, NULL);
    sql_close(db);
    struct load *load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t writer = start_load(load, (struct random){random_next(&random)});
    for (unsigned round = 0; round < rounds; round++) {
        if (!random_span(&random)) continue;
        time_t begun = time(NULL);
        db = open_waiting(); /* which has none of the files open */
        sql_run(db, "SELECT art_backup(%Q)", copy_path);
        sql_close(db);
        tables += look_at_copy();
        remove_copy();
        while (time(NULL) < begun + (time_t)every) usleep(10000);
    }
    atomic_store(&load->stop, true);
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert_int_eq(status, 0);
    printf("%u changes, %u copies of %u tables\n", atomic_load(&load->changes), rounds, tables);
    ck_assert_uint_ge(atomic_load(&load->changes), rounds / 2);
    ck_assert_uint_ge(tables, rounds);
    munmap(load, sizeof *load);
}

/* --- at each moment ----------------------------------------------------------------------------------------------- */

CASE("moments", .seconds = 120, .set_up = sql_set_up_closed, .tear_down = sql_tear_down)

static const char *const happenings[] = {"DROP TABLE t", "ALTER TABLE t RENAME TO u",
                                         "PRAGMA busy_timeout=0; DELETE FROM t; INSERT INTO t(t) VALUES('vacuum')"};
enum { HAPPENINGS = sizeof happenings / sizeof *happenings };

static struct {
    sqlite3 *other;
    const char *happens;
    int left;
} moment;

/* SQLite asks it about each statement that art_backup() makes: the moments at which another connection may act. */
static int act(void *unused, int action, const char *a, const char *b, const char *c, const char *d) {
    if (--moment.left == 0) sql_run(moment.other, "%s", moment.happens);
    return SQLITE_OK;
}

LOOP_TEST(test_what_happens_to_a_table_at_any_moment_leaves_it_whole_or_away, HAPPENINGS) {
    unsigned whole = 0, gone = 0;
    moment.happens = happenings[_i];
    for (int nth = 1;; nth += random_stride() > 1 ? 3 : 1) {
        moment.other = open_waiting();
        sql_run(moment.other,
                "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art(path, value, storage=file);"
                "INSERT INTO t SELECT printf('%%06d', i), i FROM (WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "LIMIT 300) SELECT i FROM n); INSERT INTO t(t) VALUES('flush')");
        sqlite3 *db = open_waiting();
        sql_run(db, "SELECT * FROM sqlite_schema");
        moment.left = nth;
        sqlite3_set_authorizer(db, act, NULL);
        sql_run(db, "SELECT art_backup(%Q)", copy_path);
        sqlite3_set_authorizer(db, NULL, NULL);
        sql_close(db);
        sqlite3 *copy = sql_open(copy_path);
        char *name = kept(sql_rows(copy, "SELECT name FROM sqlite_schema WHERE rootpage = 0"));
        if (*name) {
            name[1] = 0;
            int rows = (int)sql_int(copy, "SELECT count(*) FROM %s WHERE art_check('%s') = 'ok'", name, name);
            ck_assert_msg(rows == 300 || (rows == 0 && _i == 2), "%d: %d rows", nth, rows);
            whole += rows == 300 && *name == 't';
            gone += rows == 0 || *name != 't';
        } else {
            gone++;
        }
        sql_close(copy);
        sql_run(moment.other, "DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS u");
        sql_close(moment.other);
        remove_copy();
        if (moment.left > 0) break;
    }
    ck_assert_uint_gt(whole, 1);
    ck_assert_uint_gt(gone, 0);
    printf("%s: before the snapshot %u times, after it %u\n", moment.happens, gone, whole);
}

SUITE("load", .seconds = 120 * random_scale() + 20 * setting("ART_BACKUP_COPIES", 0), .set_up = sql_set_up_closed,
      .tear_down = sql_tear_down)
