/* An art table and an ordinary one in the same database, written alike in the same transactions: whatever snapshot is
 * read, by whichever connection, both hold the same.
 *
 * Other than the model test (tests/support/workload.h), nothing here depends on who meets which lock: what fails with
 * BUSY is taken back in both tables. So three connections may do what they like to the database that they share: switch
 * its journal while the others have it open, VACUUM it to other page sizes, checkpoint, lock it for themselves, attach
 * it once more, drop the tables, close with statements open, while a program without art comes by; and cursors on both
 * tables go on in step, also those of a connection that was closed.
 *
 * ART_TEST_SEED=<seed> repeats a history, ART_TEST_SCALE multiplies their number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { CONNECTIONS = 3, HISTORIES = 12, STEPS = 250, KEYS = 400 };

/* Two statements that read the same rows, one of each table. */
struct cursors {
    sqlite3_stmt *art, *ordinary;
};

static struct random chance;
static char *directory, *path, *options;
static struct connection {
    sqlite3 *db;
    struct cursors cursors, zombies; /* zombies: of a connection that was closed under them */
    bool twice;                      /* the database is attached once more */
} all[CONNECTIONS];
static struct { int writes, commits, refused, verified, rows, journals, vacuums, dropped, zombies, strangers; } tally;
static char *failure;
static char *last_steps[12];
static unsigned steps;

static uint32_t below(uint32_t limit) {
    return random_below(&chance, limit);
}

#define ONE_OF(...)                                                                                                    \
    ((const char *const[]){__VA_ARGS__})[below((uint32_t)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))]

/* ---- running statements ------------------------------------------------------------------------------------------ */

static void note(const struct connection *on, const char *sql, int rc) {
    char **place = &last_steps[steps++ % (sizeof last_steps / sizeof *last_steps)];
    sqlite3_free(*place);
    *place = sqlite3_mprintf("[%d] %.200s -> %d%s%s", (int)(on - all), sql, rc, rc ? " " : "",
                             rc ? sqlite3_errmsg(on->db) : "");
}

static void give_up(const struct connection *on, const char *what) {
    if (failure) return;
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendf(out, "connection %d: %s; before it:\n", (int)(on - all), what);
    unsigned count = sizeof last_steps / sizeof *last_steps;
    for (unsigned i = steps > count ? steps - count : 0; i < steps; i++) {
        sqlite3_str_appendf(out, "  %s\n", last_steps[i % count]);
    }
    failure = sqlite3_str_finish(out);
}

/* What three connections that do as they like may do to each other. */
static bool is_allowed(int rc, const char *message) {
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_ABORT: /* rolled back under a cursor */
        return true;
    case SQLITE_ERROR:
        return strstr(message, "no such table") || strstr(message, "within a transaction") ||
               strstr(message, "in progress") || strstr(message, "inside a transaction") ||
               strstr(message, "no transaction") || strstr(message, "no such savepoint") ||
               strstr(message, "start a transaction") || strstr(message, "cannot VACUUM");
    case SQLITE_CANTOPEN: /* a snapshot older than another's DROP, with the file not opened yet */
        return strstr(message, ".art file is missing") != NULL;
    default:
        return false;
    }
}

static int run(struct connection *on, const char *sql) {
    int rc = sqlite3_exec(on->db, sql, NULL, NULL, NULL);
    note(on, sql, rc);
    if (!is_allowed(rc, sqlite3_errmsg(on->db))) give_up(on, sqlite3_errmsg(on->db));
    tally.refused += rc != 0;
    return rc;
}

static bool inside(const struct connection *on) {
    return !sqlite3_get_autocommit(on->db);
}

static const char *schema(const struct connection *on) {
    return on->twice && below(2) ? "again" : "main";
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void connection_open(struct connection *on) {
    on->db = sql_open(path);
    on->twice = false;
    sql_try(on->db, "PRAGMA synchronous=%s; PRAGMA cache_size=%s", ONE_OF("OFF", "OFF", "NORMAL"),
            ONE_OF("2000", "5", "50"));
    if (below(3) == 0) on->twice = !sql_try(on->db, "ATTACH '%q' AS again", path);
}

static void cursors_close(struct cursors *cursors) {
    sqlite3_finalize(cursors->art);
    sqlite3_finalize(cursors->ordinary);
    *cursors = (struct cursors){NULL, NULL};
}

static void connection_close(struct connection *on) {
    /* Within a transaction SQLite takes back what it has written to virtual tables, and to them alone:
     * test_conformance_api.c. */
    bool both = sqlite3_stmt_busy(on->cursors.art) && sqlite3_stmt_busy(on->cursors.ordinary);
    if (both && !inside(on) && !on->zombies.art && below(2)) {
        on->zombies = on->cursors;
        on->cursors = (struct cursors){NULL, NULL};
        tally.zombies++;
    }
    cursors_close(&on->cursors);
    note(on, "close", 0);
    if (sqlite3_close_v2(on->db)) give_up(on, "cannot be closed");
}

/* ---- cursors in step --------------------------------------------------------------------------------------------- */

static void cursors_open(struct connection *on) {
    const char *where = schema(on), *order = ONE_OF("ORDER BY a", "ORDER BY a DESC", "WHERE a > 'k2' ORDER BY a");
    char *art = sqlite3_mprintf("SELECT a, b FROM %s.t %s", where, order);
    char *ordinary = sqlite3_mprintf("SELECT a, b FROM %s.o %s", where, order);
    cursors_close(&on->cursors);
    int rc = sqlite3_prepare_v2(on->db, art, -1, &on->cursors.art, NULL);
    if (!rc) rc = sqlite3_prepare_v2(on->db, ordinary, -1, &on->cursors.ordinary, NULL);
    note(on, art, rc);
    if (rc && !is_allowed(rc, sqlite3_errmsg(on->db))) give_up(on, sqlite3_errmsg(on->db));
    if (rc) cursors_close(&on->cursors);
    sqlite3_free(art);
    sqlite3_free(ordinary);
}

/* False when there is nothing more to be had. */
static bool cursors_step(struct connection *on, struct cursors *cursors) {
    int art = sqlite3_step(cursors->art);
    const char *message =
        art == SQLITE_ROW || art == SQLITE_DONE ? "" : sqlite3_errmsg(sqlite3_db_handle(cursors->art));
    if (*message && !is_allowed(art, message)) give_up(on, message);
    if (*message) return false;
    int ordinary = sqlite3_step(cursors->ordinary);
    if (ordinary != SQLITE_ROW && ordinary != SQLITE_DONE) return false;
    if (art != ordinary) {
        give_up(on, art == SQLITE_ROW ? "the art table has more rows" : "the art table has fewer rows");
        return false;
    }
    for (int i = 0; art == SQLITE_ROW && i < 2; i++) {
        int n = sqlite3_column_bytes(cursors->art, i);
        const void *a = sqlite3_column_blob(cursors->art, i), *b = sqlite3_column_blob(cursors->ordinary, i);
        if (n != sqlite3_column_bytes(cursors->ordinary, i) || (n && memcmp(a, b, (size_t)n))) {
            give_up(on, "the cursors differ");
        }
    }
    tally.rows += art == SQLITE_ROW;
    return art == SQLITE_ROW;
}

static void cursors_walk(struct connection *on, struct cursors *cursors) {
    uint32_t wanted = below(4) ? below(20) : UINT32_MAX;
    for (uint32_t i = 0; cursors->art && i < wanted && !failure; i++) {
        if (!cursors_step(on, cursors)) cursors_close(cursors);
    }
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Of a table whose name replaces '@'. */
static char *random_write(void) {
    uint32_t k = below(KEYS), n = 1 + below(40);
    switch (below(7)) {
    case 0:
    case 1:
        return sqlite3_mprintf(
            "INSERT OR REPLACE INTO @ WITH RECURSIVE n(x) AS (SELECT %u UNION ALL SELECT x + 1 FROM n LIMIT %u) "
            "SELECT printf('k%%03d', x), printf('%%.*c%%d', %u, 'v', x) FROM n",
            k, n, below(3) ? below(60) : below(6000));
    case 2:
        return sqlite3_mprintf("DELETE FROM @ WHERE a BETWEEN 'k%03u' AND 'k%03u'", k, k + n);
    case 3:
        return sqlite3_mprintf("UPDATE @ SET b = b || '%u' WHERE a > 'k%03u' AND length(b) < 9000", n, k);
    case 4:
        return sqlite3_mprintf("UPDATE OR REPLACE @ SET a = 'k%03u' WHERE a = 'k%03u'", below(KEYS), k);
    case 5:
        return sqlite3_mprintf("INSERT OR IGNORE INTO @ SELECT a || '/x', b FROM @ WHERE a GLOB 'k%u*' LIMIT %u",
                               k / 100, n);
    default:
        return sqlite3_mprintf("INSERT OR REPLACE INTO @ VALUES('k%03u', '%u')", k, n);
    }
}

/* '@' becomes schema.table. */
static char *for_table(const char *sql, const char *where, const char *table) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at; (at = strchr(sql, '@')); sql = at + 1) {
        sqlite3_str_appendf(out, "%.*s%s.%s", (int)(at - sql), sql, where, table);
    }
    sqlite3_str_appendall(out, sql);
    return sqlite3_str_finish(out);
}

/* Both or neither. */
static void write_both(struct connection *on) {
    const char *where = schema(on);
    char *sql = random_write();
    cursors_close(&on->cursors); /* what they see of their own connection's writes is not laid down */
    if (run(on, "SAVEPOINT both")) {
        sqlite3_free(sql);
        return;
    }
    int rc = 0;
    for (int i = 0; i < 2 && !rc; i++) {
        char *text = for_table(sql, where, i ? "o" : "t");
        rc = run(on, text);
        sqlite3_free(text);
    }
    if (rc && inside(on)) run(on, "ROLLBACK TO both");
    if (inside(on) && run(on, "RELEASE both")) run(on, "ROLLBACK");
    tally.writes += !rc;
    sqlite3_free(sql);
}

static void drop_both(struct connection *on) {
    if (inside(on)) return;
    cursors_close(&on->cursors);
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(a, b%s)", options);
    bool done = !run(on, "BEGIN IMMEDIATE");
    done = done && !run(on, "DROP TABLE main.t") && !run(on, "DROP TABLE main.o") && !run(on, create) &&
           !run(on, "CREATE TABLE o(a TEXT PRIMARY KEY, b) WITHOUT ROWID") && !run(on, "COMMIT");
    if (!done && inside(on)) run(on, "ROLLBACK");
    tally.dropped += done;
    sqlite3_free(create);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void verify(struct connection *on) {
    const char *where = schema(on);
    sqlite3_stmt *ask = NULL;
    char *sql = sqlite3_mprintf("SELECT (SELECT count(*) FROM (SELECT * FROM %s.t EXCEPT SELECT * FROM %s.o)) + "
                                "(SELECT count(*) FROM (SELECT * FROM %s.o EXCEPT SELECT * FROM %s.t)), "
                                "(SELECT count(*) FROM %s.t WHERE a GLOB 'k1*') = "
                                "(SELECT count(*) FROM %s.o WHERE a GLOB 'k1*')",
                                where, where, where, where, where, where);
    int rc = sqlite3_prepare_v2(on->db, sql, -1, &ask, NULL);
    if (!rc) rc = sqlite3_step(ask);
    note(on, "verify", rc == SQLITE_ROW ? 0 : rc);
    if (rc == SQLITE_ROW) {
        tally.verified++;
        if (sqlite3_column_int(ask, 0) || !sqlite3_column_int(ask, 1)) give_up(on, "the tables differ");
    } else if (!is_allowed(rc, sqlite3_errmsg(on->db))) {
        give_up(on, sqlite3_errmsg(on->db));
    }
    sqlite3_finalize(ask);
    sqlite3_free(sql);
}

/* ---- the database's life ----------------------------------------------------------------------------------------- */

static void put_life(struct connection *on) {
    char *sql = NULL;
    const char *where = schema(on);
    switch (below(9)) {
    case 0:
    case 1:
        sql =
            sqlite3_mprintf("PRAGMA %s.journal_mode=%s", where, ONE_OF("WAL", "WAL", "DELETE", "TRUNCATE", "PERSIST"));
        tally.journals++;
        break;
    case 2:
        sql = sqlite3_mprintf("PRAGMA wal_checkpoint(%s)", ONE_OF("PASSIVE", "FULL", "RESTART", "TRUNCATE"));
        break;
    case 3:
        sql = sqlite3_mprintf("PRAGMA page_size=%s; VACUUM", ONE_OF("512", "1024", "4096", "8192"));
        tally.vacuums++;
        break;
    case 4:
        sql = sqlite3_mprintf("PRAGMA %s.locking_mode=%s", where, below(6) ? "NORMAL" : "EXCLUSIVE");
        break;
    case 5:
        sql = sqlite3_mprintf("PRAGMA auto_vacuum=%u; PRAGMA incremental_vacuum(5)", below(3));
        break;
    case 6:
        sql = sqlite3_mprintf("PRAGMA wal_autocheckpoint=%s", ONE_OF("1", "5", "1000"));
        break;
    case 7:
        sql = sqlite3_mprintf("PRAGMA synchronous=%s", ONE_OF("OFF", "NORMAL", "FULL", "EXTRA"));
        break;
    default:
        sql = sqlite3_mprintf("CREATE TABLE IF NOT EXISTS extra(x); DROP TABLE extra");
        break;
    }
    run(on, sql);
    sqlite3_free(sql);
}

/* A program that knows nothing of art tables. */
static void stranger(void) {
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db)) abort();
    int rc = sql_try(db, "%s",
                     ONE_OF("CREATE TABLE IF NOT EXISTS strange(x); INSERT INTO strange SELECT count(*) FROM o",
                            "DROP TABLE IF EXISTS strange", "PRAGMA page_size=2048; VACUUM",
                            "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode=DELETE", "PRAGMA journal_mode=WAL",
                            "BEGIN; CREATE TABLE gone(x); ROLLBACK", "PRAGMA integrity_check; ANALYZE o"));
    if (!is_allowed(rc, sqlite3_errmsg(db))) {
        give_up(&all[0], sqlite3_errmsg(db));
    }
    tally.strangers += !rc;
    sqlite3_close(db);
}

static void put_transaction(struct connection *on) {
    if (!inside(on)) {
        run(on, ONE_OF("BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT s"));
        return;
    }
    uint32_t kind = below(20);
    if (kind < 3) {
        run(on, "SAVEPOINT s");
    } else if (kind < 6) {
        run(on, ONE_OF("ROLLBACK TO s", "RELEASE s"));
    } else if (kind < 18) {
        tally.commits += !run(on, "COMMIT");
    } else {
        run(on, "ROLLBACK");
    }
}

static void step(void) {
    struct connection *on = &all[below(CONNECTIONS)];
    uint32_t kind = below(100);
    if (kind < 30) {
        write_both(on);
    } else if (kind < (inside(on) ? 50 : 38)) {
        put_transaction(on);
    } else if (kind < 62) {
        verify(on);
    } else if (kind < 68) {
        cursors_open(on);
        cursors_walk(on, &on->cursors);
    } else if (kind < 80) {
        cursors_walk(on, &on->cursors);
        cursors_walk(on, &on->zombies);
    } else if (kind < 87) {
        char *sql = sqlite3_mprintf("INSERT INTO %s.t(t) VALUES('%s')", schema(on),
                                    ONE_OF("flush", "flush", "optimize", "vacuum", "clean", "log_limit=4KB"));
        cursors_close(&on->cursors);
        run(on, sql);
        sqlite3_free(sql);
    } else if (kind < 89) {
        stranger();
    } else if (kind < 95) {
        put_life(on);
    } else if (kind < 98) {
        connection_close(on);
        connection_open(on);
    } else {
        drop_both(on);
    }
}

/* ---- histories --------------------------------------------------------------------------------------------------- */

static void history(uint64_t seed) {
    chance = (struct random){seed};
    directory = sql_scratch("mirror");
    path = sqlite3_mprintf("%s/m.db", directory);
    options =
        sqlite3_mprintf("%s", ONE_OF("", ", log_limit='1KB', spill_limit='16KB'", ", log_limit='8KB', cache='1MB'"));
    memset(all, 0, sizeof all);
    sqlite3 *db = sql_open(path);
    sql_run(db,
            "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(a, b%s);"
            "CREATE TABLE o(a TEXT PRIMARY KEY, b) WITHOUT ROWID",
            ONE_OF("WAL", "WAL", "DELETE"), options);
    sql_close(db);
    for (int i = 0; i < CONNECTIONS; i++) connection_open(&all[i]);
    for (int i = 0; i < STEPS && !failure; i++) step();
    for (int i = 0; i < CONNECTIONS; i++) {
        if (!failure && inside(&all[i])) run(&all[i], "ROLLBACK");
        cursors_close(&all[i].cursors);
        cursors_close(&all[i].zombies);
        sqlite3_close_v2(all[i].db);
    }
    if (!failure) {
        all[0].db = sql_open(path);
        all[0].twice = false;
        verify(&all[0]);
        char *check = sql_rows(all[0].db, "SELECT art_check('t')"),
             *whole = sql_rows(all[0].db, "PRAGMA integrity_check");
        if (strcmp(check, "ok\n") != 0) give_up(&all[0], check);
        if (strcmp(whole, "ok\n") != 0) give_up(&all[0], whole);
        sqlite3_free(check);
        sqlite3_free(whole);
        sql_close(all[0].db);
    }
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
    sqlite3_free(options);
}

TEST(test_every_snapshot_holds_the_same_in_both_tables) {
    if (sql_standin()) return;
    const char *given = getenv("ART_TEST_SEED");
    int histories = given && *given ? 1 : HISTORIES * (int)random_scale();
    uint64_t seed = random_seed();
    printf("seeds from %llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < histories && !failure; i++) {
        history(seed + (uint64_t)i);
        ck_assert_msg(!failure, "seed %llu: %s", (unsigned long long)seed + (unsigned)i, failure);
    }
    for (unsigned i = 0; i < sizeof last_steps / sizeof *last_steps; i++) sqlite3_free(last_steps[i]);
    printf("%d histories: %d writes of both tables, %d commits, %d statements refused, %d times verified, %d rows by "
           "cursors "
           "in step, %d journals switched, %d VACUUM, %d times dropped, %d cursors that outlived their connection, %d "
           "times a stranger\n",
           histories, tally.writes, tally.commits, tally.refused, tally.verified, tally.rows, tally.journals,
           tally.vacuums, tally.dropped, tally.zombies, tally.strangers);
    ck_assert_int_gt(tally.writes, 0);
    ck_assert_int_gt(tally.verified, 0);
    ck_assert_int_gt(tally.rows, 0);
}

int main(void) {
    return suite_run("mirror", .seconds = SUITE_FOREVER);
}
