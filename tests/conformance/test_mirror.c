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
#include "core/tree/state/hooks.h"
#include "tests/support/grammar.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { CONNECTIONS = 3, HISTORIES = 12, STEPS = 250 };

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

/* '@' stands for a table with its schema, '#' for a schema. */
static const char *const rules[] = {
    "key: k$(000-399)",
    "write: 2*INSERT OR REPLACE INTO @ WITH RECURSIVE n(x) AS (SELECT $(0-399) UNION ALL SELECT x + 1 FROM n LIMIT "
    "$(1-40)) SELECT printf('k%03d', x), printf('%.*c%d', $(2*$(0-59)|$(0-5999)), 'v', x) FROM n | "
    "DELETE FROM @ WHERE a BETWEEN 'k$(n=$(0-3))$(0-4)$(0-9)' AND 'k$n$(5-6)$(0-9)' | "
    "UPDATE @ SET b = b || '$(1-40)' WHERE a > '$key' AND length(b) < 9000 | "
    "UPDATE OR REPLACE @ SET a = '$key' WHERE a = '$key' | "
    "INSERT OR IGNORE INTO @ SELECT a || '/x', b FROM @ WHERE a GLOB 'k$(0-3)*' LIMIT $(1-40) | "
    "INSERT OR REPLACE INTO @ VALUES('$key', '$(1-40)') | "
    "DELETE FROM @ WHERE {prefix = 'k' AND delimiter = '$(d=$(0-3))' AND a = 'k$d'|a GLOB 'k$d*'} | "
    "$(k:=k$(0-3))$(m:=m$(0-1))$(2?$(to:=$k)$(k:=$m)$(m:=$to))DELETE FROM @ WHERE a GLOB '$m*'; {INSERT INTO @(t, "
    "prefix, a) VALUES('move', '$k', '$m')|UPDATE @ SET a = '$m' || substr(a, 3) WHERE a GLOB '$k*'}",
    "command: 2*flush | optimize | vacuum | clean | log_limit=4KB",
    "vacuum: PRAGMA page_size=$(512|1024|4096|8192); VACUUM",
    "journal: PRAGMA #.journal_mode=$(2*WAL|DELETE|TRUNCATE|PERSIST)",
    "life: PRAGMA wal_checkpoint($(PASSIVE|FULL|RESTART|TRUNCATE)) | PRAGMA #.locking_mode=$(5*NORMAL|EXCLUSIVE) | "
    "PRAGMA auto_vacuum=$(0-2); PRAGMA incremental_vacuum(5) | PRAGMA wal_autocheckpoint=$(1|5|1000) | "
    "PRAGMA synchronous=$(OFF|NORMAL|FULL|EXTRA) | CREATE TABLE IF NOT EXISTS extra(x); DROP TABLE extra",
    "stranger: CREATE TABLE IF NOT EXISTS strange(x); INSERT INTO strange SELECT count(*) FROM o | "
    "DROP TABLE IF EXISTS strange | PRAGMA page_size=2048; VACUUM | PRAGMA wal_checkpoint(TRUNCATE) | "
    "PRAGMA journal_mode=DELETE | PRAGMA journal_mode=WAL | BEGIN; CREATE TABLE gone(x); ROLLBACK | "
    "PRAGMA integrity_check; ANALYZE o",
    "begin: BEGIN | BEGIN IMMEDIATE | SAVEPOINT s",
    "end: 3*SAVEPOINT s | 3*$(ROLLBACK TO s|RELEASE s) | 2*ROLLBACK",
    "options: | , log_limit='1KB', spill_limit='16KB' | , log_limit='8KB', cache='1MB'",
    "order: ORDER BY a | ORDER BY a DESC | WHERE a > 'k2' ORDER BY a",
    NULL};

static char *drawn(const char *text) {
    return grammar_text(&(struct grammar){.random = &chance, .rules = rules}, text);
}

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

static const char *schema(const struct connection *on) {
    return on->twice && below(2) ? "again" : "main";
}

/* What is drawn, in one of the schemas that the database has here. */
static int run_drawn(struct connection *on, const char *text) {
    char *sql = drawn(text), *at = strchr(sql, '#'), *whole = NULL;
    if (at) whole = sqlite3_mprintf("%.*s%s%s", (int)(at - sql), sql, schema(on), at + 1);
    int rc = run(on, at ? whole : sql);
    sqlite3_free(sql);
    sqlite3_free(whole);
    return rc;
}

static bool inside(const struct connection *on) {
    return !sqlite3_get_autocommit(on->db);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void connection_open(struct connection *on) {
    on->db = sql_open(path);
    on->twice = false;
    run_drawn(on, "PRAGMA synchronous=$(2*OFF|NORMAL); PRAGMA cache_size=$(2000|5|50)");
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
    const char *where = schema(on);
    char *order = drawn("$order");
    char *art = sqlite3_mprintf("SELECT a, b FROM %s.t %s", where, order);
    char *ordinary = sqlite3_mprintf("SELECT a, b FROM %s.o %s", where, order);
    cursors_close(&on->cursors);
    int rc = sqlite3_prepare_v2(on->db, art, -1, &on->cursors.art, NULL);
    if (!rc) rc = sqlite3_prepare_v2(on->db, ordinary, -1, &on->cursors.ordinary, NULL);
    note(on, art, rc);
    if (rc && !is_allowed(rc, sqlite3_errmsg(on->db))) give_up(on, sqlite3_errmsg(on->db));
    if (rc) cursors_close(&on->cursors);
    sqlite3_free(order);
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

/* Both or neither. */
static void write_both(struct connection *on) {
    const char *where = schema(on);
    struct grammar grammar = {.random = &chance, .rules = rules, .twin = sqlite3_str_new(NULL)};
    char *sql = grammar_text(&grammar, "$write"), *plain = sqlite3_str_finish(grammar.twin);
    cursors_close(&on->cursors); /* what they see of their own connection's writes is not laid down */
    int rc = run(on, "SAVEPOINT both");
    bool set = !rc;
    for (int i = 0; i < 2 && !rc; i++) {
        char *table = sqlite3_mprintf("%s.%s", where, i ? "o" : "t"), *text = sql_named(i ? plain : sql, table);
        rc = run(on, text);
        sqlite3_free(table);
        sqlite3_free(text);
    }
    if (set && rc && inside(on)) run(on, "ROLLBACK TO both");
    if (set && inside(on) && run(on, "RELEASE both")) run(on, "ROLLBACK");
    tally.writes += !rc;
    sqlite3_free(sql);
    sqlite3_free(plain);
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
    uint32_t kind = below(9);
    tally.journals += kind < 2;
    tally.vacuums += kind == 2;
    run_drawn(on, kind < 2 ? "$journal" : kind == 2 ? "$vacuum" : "$life");
}

/* A program that knows nothing of art tables. */
static void stranger(void) {
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db)) abort();
    char *sql = drawn("$stranger");
    int rc = sql_try(db, "%s", sql);
    sqlite3_free(sql);
    if (!is_allowed(rc, sqlite3_errmsg(db))) {
        give_up(&all[0], sqlite3_errmsg(db));
    }
    tally.strangers += !rc;
    sqlite3_close(db);
}

static void put_transaction(struct connection *on) {
    if (!inside(on)) {
        run_drawn(on, "$begin");
    } else if (below(20) < 12) {
        tally.commits += !run(on, "COMMIT");
    } else {
        run_drawn(on, "$end");
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
        cursors_close(&on->cursors);
        run_drawn(on, "INSERT INTO #.t(t) VALUES('$command')");
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
    ART_IN_TESTS(sql_link(); art_test_hooks.as_one = seed % 3 > 0; art_test_hooks.few_names = seed % 2;)
    directory = sql_scratch("mirror");
    path = sqlite3_mprintf("%s/m.db", directory);
    options = drawn("$options");
    memset(all, 0, sizeof all);
    sqlite3 *db = sql_open(path);
    sql_run(db,
            "PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(a, b%s);"
            "CREATE TABLE o(a TEXT PRIMARY KEY, b) WITHOUT ROWID",
            below(3) ? "WAL" : "DELETE", options);
    sql_close(db);
    for (int i = 0; i < CONNECTIONS; i++) connection_open(&all[i]);
    for (int i = 0; i < STEPS && !failure; i++) {
        if (random_span(&chance)) step();
    }
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
    const char *given = getenv("ART_TEST_SEED");
    int histories = given && *given ? 1 : HISTORIES * (int)random_scale();
    uint64_t seed = random_seed();
    printf("seeds from %llu\n", (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < histories && !failure; i++) {
        if (!random_span(&(struct random){seed + (uint64_t)i})) continue;
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
    if (histories < HISTORIES) return;
    ck_assert_int_gt(tally.writes, 20 * histories); /* two fifths of what is usual, or less */
    ck_assert_int_gt(tally.commits, 2 * histories);
    ck_assert_int_gt(tally.verified, 20 * histories);
    ck_assert_int_gt(tally.rows, 40 * histories);
    ck_assert(tally.journals && tally.vacuums && tally.dropped && tally.strangers);
}

SUITE("mirror", .seconds = SUITE_FOREVER)
