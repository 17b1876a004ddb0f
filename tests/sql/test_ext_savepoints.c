/* The rules of savepoints, DDL and failed commits (ext/txn/transaction.c, ext/txn/listener.c) against SQLite itself.
 *
 * One connection, one database, two tables: t is an art table, b an ordinary one. Every step does the same to both, so
 * that a ROLLBACK TO, a trigger's RAISE, a COMMIT that met a lock or a reloaded schema has to leave the same rows in
 * both. The pair is also dropped, created and renamed inside savepoints. After most steps both are read, and at the end
 * of a history once more by a new connection; no .art file may be left that no table names.
 *
 * The same histories run with a table named art_txn in temp, which keeps the module's listener from being made: then
 * DROP and RENAME of a changed table may be refused, and nothing else may differ.
 */
#include <dirent.h>
#include <stdarg.h>

#include "tests/support/grammar.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { STEPS = 220, HISTORIES = 20 };

struct world {
    struct random random;
    char *directory, *path;
    sqlite3 *db, *other;
    sqlite3_stmt *reader; /* other's: keeps COMMIT from getting its lock in rollback journal modes */
    const char *journal;
    bool renamed; /* the pair is t2, b2 */
    bool blocked; /* no listener */
    bool refused; /* a COMMIT was */
    bool triggers;
    sqlite3_str *history;
};

/* The history's last lines, where Check's own messages have no room for them. */
static const char *shown(struct world *world) {
    const char *text = sqlite3_str_value(world->history);
    size_t n = text ? strlen(text) : 0;
    printf("...%s\n", text ? text + (n > 4000 ? n - 4000 : 0) : "");
    fflush(stdout);
    return "its history stands above";
}

static int run(struct world *world, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = kept(sqlite3_vmprintf(format, arguments));
    va_end(arguments);
    int rc = sqlite3_exec(world->db, text, NULL, NULL, NULL);
    const char *message = rc ? sqlite3_errmsg(world->db) : "";
    world->refused |= (rc & 0xff) == SQLITE_BUSY;
    bool fault = strstr(message, "art:") && !(world->blocked && strstr(message, "uncommitted changes"));
    sqlite3_str_appendf(world->history, "%s; -- %d%s %s\n", text, rc, sqlite3_get_autocommit(world->db) ? "" : ", open",
                        message);
    ck_assert_msg(!fault, "%s\n%s", sqlite3_errmsg(world->db), shown(world));
    return rc;
}

static uint32_t below(struct world *world, uint32_t limit) {
    return random_below(&world->random, limit);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const char *content(sqlite3 *db, const char *table) {
    sqlite3_stmt *rows = NULL;
    char *sql = TEXT("SELECT path, value FROM %s ORDER BY path", table);
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc = sqlite3_prepare_v2(db, sql, -1, &rows, NULL);
    while (rows && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        sqlite3_str_appendf(out, "%s=%s ", sqlite3_column_text(rows, 0), sqlite3_column_text(rows, 1));
    }
    if (rc != SQLITE_DONE) {
        const char *message = sqlite3_errmsg(db);
        sqlite3_str_appendall(out, !strncmp(message, "no such table", 13) ? "absent" : message);
    }
    sqlite3_finalize(rows);
    char *text = kept(sqlite3_str_finish(out));
    return text ? text : "";
}

static void compare(struct world *world, sqlite3 *db, uint64_t seed, int step) {
    TEXTS(names, "t", "b", "t2", "b2");
    for (int i = 0; i < 4; i += 2) {
        const char *art = content(db, names[i]), *ordinary = content(db, names[i + 1]);
        if (strcmp(art, ordinary)) {
            ck_abort_msg("seed %llu, step %d (%s):\n%s: %.400s\n%s: %.400s\n%s", (unsigned long long)seed, step,
                         world->journal, names[i], art, names[i + 1], ordinary, shown(world));
        }
    }
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* '@' stands for one of the pair. Each trigger writes both tables, and may then raise. */
static const char *const rules[] = {
    "key: 'k$(0-39)'",
    "conflict: | OR ABORT | OR FAIL | OR IGNORE | OR REPLACE",
    "write: 2*INSERT $conflict INTO @(path, value) VALUES($key, $(0-39)) | 2*INSERT $conflict INTO @(path, value) "
    "VALUES($key, 1), ($key, 2), ($key, 3) | DELETE FROM @ WHERE path GLOB 'k$(0-39)*' | UPDATE $conflict @ SET path = "
    "$key WHERE path = $key | UPDATE @ SET value = $(0-39) WHERE path > $key | DELETE FROM @ WHERE path = $key",
    "fire: INSERT INTO temporary VALUES($key), ($key) | INSERT INTO fires VALUES($key, $(0-4)) | "
    "INSERT INTO fires VALUES($key, 0), ($key, $(0-4))",
    "other_schema: CREATE TABLE IF NOT EXISTS z$(0-2)(x) | DROP TABLE IF EXISTS z$(0-2) | "
    "ALTER TABLE plain ADD COLUMN c$(0-999) | ALTER TABLE z0 RENAME TO z9; ALTER TABLE z9 RENAME TO z0",
    "transaction: 2*BEGIN | 2*COMMIT | ROLLBACK | SELECT 1 | 6*SAVEPOINT s$(0-3) | 2*RELEASE s$(0-3) | "
    "4*ROLLBACK TO s$(0-3)",
    NULL};

static void run_drawn(struct world *world, const char *text) {
    run(world, "%s", grammar_drawn(&world->random, rules, text));
}

/* The same statement on both; both must end alike. */
static void write_something(struct world *world) {
    char *text = grammar_drawn(&world->random, rules, "$write");
    char *art = kept(sql_named(text, world->renamed ? "t2" : "t")),
         *ordinary = kept(sql_named(text, world->renamed ? "b2" : "b"));
    int first = run(world, "%s", art), second = run(world, "%s", ordinary);
    ck_assert_msg((first & 0xff) == (second & 0xff), "%s: %d, ordinary: %d\n%s", art, first, second, shown(world));
}

static bool exists(struct world *world, const char *table) {
    return sql_int(world->db, "SELECT count(*) FROM sqlite_schema WHERE name = %Q", table) > 0;
}

/* What the schema says after each step, since a ROLLBACK TO may have renamed the pair back. */
static void look(struct world *world) {
    world->renamed = exists(world, "t2");
}

/* May one of the pair fail, the other does not follow. */
static void change_own_schema(struct world *world) {
    bool there = exists(world, "t") || exists(world, "t2");
    const char *tail = world->renamed ? "2" : "", *to = world->renamed ? "" : "2";
    int rc = SQLITE_OK;
    if (!there) {
        rc = run(world, "%s", kept(sql_create_text("t", below(world, 2) ? "log_limit=300" : "")));
        if (!rc) run(world, "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
    } else if (random_once_in(&world->random, 3)) {
        rc = run(world, "DROP TABLE t%s", tail);
        if (!rc) run(world, "DROP TABLE b%s", tail);
    } else {
        rc = run(world, "ALTER TABLE t%s RENAME TO t%s", tail, to);
        if (!rc) run(world, "ALTER TABLE b%s RENAME TO b%s", tail, to);
    }
    int primary = rc & 0xff;
    ck_assert_msg(!rc || primary == SQLITE_BUSY || (world->blocked && primary == SQLITE_LOCKED), "DDL: %d %s\n%s", rc,
                  sqlite3_errmsg(world->db), shown(world));
}

static void let_other_read(struct world *world) {
    if (!world->other) return;
    if (world->reader) {
        sqlite3_finalize(world->reader);
        world->reader = NULL;
        sqlite3_str_appendall(world->history, "-- the other reader ends\n");
    } else if (sqlite3_prepare_v2(world->other, "SELECT * FROM many", -1, &world->reader, NULL) == SQLITE_OK) {
        sqlite3_step(world->reader);
        sqlite3_str_appendall(world->history, "-- another connection reads\n");
    }
}

static void change_schema_elsewhere(struct world *world) {
    if (!world->other || world->reader || !sqlite3_get_autocommit(world->db)) return;
    sqlite3_exec(world->other, "CREATE TABLE IF NOT EXISTS y(x)", NULL, NULL, NULL);
    sqlite3_exec(world->other, "INSERT OR REPLACE INTO t VALUES('k7', 'other')", NULL, NULL, NULL);
    sqlite3_exec(world->other, "INSERT OR REPLACE INTO b VALUES('k7', 'other')", NULL, NULL, NULL);
    sqlite3_exec(world->other, "DROP TABLE y", NULL, NULL, NULL);
    sqlite3_str_appendall(world->history, "-- another connection changes the schema, and k7\n");
}

static void step(struct world *world) {
    uint32_t kind = below(world, 24);
    if (kind < 9) {
        run_drawn(world, "$transaction");
    } else if (kind == 9) {
        run_drawn(world, "$other_schema");
    } else if (kind == 10) {
        change_own_schema(world);
    } else if (kind < 14) {
        if (!world->renamed && world->triggers) run_drawn(world, "$fire");
    } else if (kind == 14) {
        let_other_read(world);
    } else if (kind == 15) {
        change_schema_elsewhere(world);
    } else if (kind == 16) {
        if (exists(world, "t")) run(world, "INSERT INTO t(t) VALUES('flush')");
    } else {
        write_something(world);
    }
}

/* --- histories ---------------------------------------------------------------------------------------------------- */

static const char setup_text[] =
    "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
    "CREATE TABLE plain(x); CREATE TABLE fires(x, f); CREATE TABLE many(x); CREATE TEMP TABLE temporary(x);"
    "INSERT INTO many VALUES(1), (2), (3), (4), (5);";

/* RENAME would follow the tables' names into the triggers, and fail where the pair was dropped meanwhile. */
static const char trigger_text[] =
    "PRAGMA legacy_alter_table=ON;"
    "CREATE TEMP TRIGGER on_temporary AFTER INSERT ON temporary BEGIN"
    "  INSERT INTO t VALUES(new.x, 'temp'); INSERT INTO b VALUES(new.x, 'temp'); END;"
    "CREATE TRIGGER on_fires AFTER INSERT ON fires BEGIN"
    "  INSERT INTO t(path, value) VALUES(new.x, 'f'); INSERT INTO b(path, value) VALUES(new.x, 'f');"
    "  INSERT OR REPLACE INTO t(path, value) VALUES(new.x || 'q', 'g');"
    "  INSERT OR REPLACE INTO b(path, value) VALUES(new.x || 'q', 'g');"
    "  SELECT CASE new.f WHEN 1 THEN RAISE(ABORT, 'a') WHEN 2 THEN RAISE(FAIL, 'f') WHEN 3 THEN RAISE(ROLLBACK, 'r')"
    "    WHEN 4 THEN RAISE(IGNORE) END; END;";

static void world_open(struct world *world, const char *journal, bool blocked, uint64_t seed) {
    *world = (struct world){.random = {seed}, .journal = journal, .blocked = blocked};
    world->history = sqlite3_str_new(NULL);
    world->directory = sql_scratch("savepoints");
    world->path = sqlite3_mprintf("%s/a.db", world->directory);
    world->db = sql_open(world->path);
    sql_run(world->db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", journal);
    if (blocked) sql_run(world->db, "CREATE TEMP TABLE art_txn(x)");
    sql_create(world->db, "t", "log_limit=500");
    sql_run(world->db, "%s", setup_text);
    world->triggers = seed & 1;
    if (world->triggers) sql_run(world->db, "%s", trigger_text);
    world->other = sql_open(world->path);
}

/* A file that was made in a transaction whose COMMIT was refused is left to 'clean'; all others are gone by
 * themselves. */
static void check_files(struct world *world, uint64_t seed) {
    if (world->refused) {
        sql_create(world->db, "sweeper", "");
        sql_command(world->db, "main", "sweeper", "clean");
        sql_run(world->db, "DROP TABLE sweeper");
    }
    DIR *list = opendir(world->directory);
    for (struct dirent *entry; (entry = readdir(list));) {
        if (!strstr(entry->d_name, ".art")) continue;
        bool named = false;
        if (exists(world, "t"))
            named |= sql_int(world->db, "SELECT count(*) FROM t_artstate WHERE v = %Q", entry->d_name) > 0;
        if (exists(world, "t2")) {
            named |= sql_int(world->db, "SELECT count(*) FROM t2_artstate WHERE v = %Q", entry->d_name) > 0;
        }
        ck_assert_msg(named, "seed %llu: %s is left behind\n%s", (unsigned long long)seed, entry->d_name, shown(world));
    }
    closedir(list);
}

static void run_history(const char *journal, bool blocked, uint64_t seed) {
    struct world world;
    world_open(&world, journal, blocked, seed);
    for (int i = 0; i < STEPS; i++) {
        if (!random_span(&world.random)) continue;
        step(&world);
        look(&world);
        if (below(&world, 3) || sqlite3_get_autocommit(world.db)) compare(&world, world.db, seed, i);
    }
    sqlite3_finalize(world.reader);
    world.reader = NULL;
    run(&world, "COMMIT");
    run(&world, "ROLLBACK");
    compare(&world, world.db, seed, STEPS);
    compare(&world, world.other, seed, STEPS + 1);
    sql_close(world.other);
    sql_close(world.db);
    world.db = sql_open(world.path);
    compare(&world, world.db, seed, STEPS + 2);
    char *answer = kept(sql_rows(world.db, "PRAGMA integrity_check"));
    ck_assert_msg(!strcmp(answer, "ok\n"), "seed %llu: %s", (unsigned long long)seed, answer);
    if (!blocked) check_files(&world, seed);
    sql_close(world.db);
    sql_scratch_remove(world.directory);
    sqlite3_free(world.directory);
    sqlite3_free(world.path);
    sqlite3_free(sqlite3_str_finish(world.history));
    kept_clear();
}

TEXTS(journals, "WAL", "DELETE", "TRUNCATE", "MEMORY");

static void run_histories(int which, bool blocked) {
    uint64_t seed = random_seed();
    int histories = HISTORIES * (int)random_scale();
    printf("%s%s: %d histories of %d steps, seeds from %llu\n", journals[which], blocked ? ", no listener" : "",
           histories, STEPS, (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < histories; i++) run_history(journals[which], blocked, seed + (uint64_t)i);
}

LOOP_TEST(test_an_art_table_follows_every_savepoint_and_failed_commit, 4) {
    run_histories(_i, false);
}

LOOP_TEST(test_without_the_listener_it_follows_them_too, 2) {
    run_histories(_i, true);
}

SUITE("savepoints", .seconds = 600)
