/* The rows at either end of a column's order, over the life of queues, caches and expiries: rows are taken from there,
 * change, and come back, and each question has the answer of an ordinary table.
 *
 * Both tables lie in one database, so that transactions, savepoints and other connections are the same for both. Small
 * limits make flushes, merges and spills. What the tree remembers of hidden rows (core/tree/state/front.c) must be
 * forgotten with a ROLLBACK of what hides them, and with nothing else that happens here.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/suite.h"

enum { CONNECTIONS = 2, WORLDS = 8, STEPS = 3000, SAVEPOINTS_MOST = 3, KEY_ROOM = 48, QUEUES = 5 };

enum kind { INSERT, UPDATE, REMOVE, OLDEST, NEWEST, FIRST, LAST, BELOW, ABOVE, STATE, STATEMENTS };
static const char *const change[STATEMENTS] = {
    [INSERT] = "INSERT OR REPLACE INTO %s VALUES(?1, ?2, ?3, ?4)",
    [UPDATE] = "UPDATE %s SET due = ?2, state = ?3 WHERE path = ?1",
    [REMOVE] = "DELETE FROM %s WHERE path = ?1",
    [OLDEST] = "DELETE FROM %s WHERE due < ?1 AND path >= ?2 AND path < ?3",
    [NEWEST] = "DELETE FROM %s WHERE due > ?1 AND path >= ?2 AND path < ?3",
    [FIRST] = "SELECT due, path FROM %s WHERE path >= ?2 AND path < ?3 ORDER BY due, path LIMIT ?1",
    [LAST] = "SELECT due FROM %s WHERE path >= ?2 AND path < ?3 AND due IS NOT NULL ORDER BY due DESC LIMIT ?1",
    [BELOW] = "SELECT due FROM %s WHERE path >= ?2 AND path < ?3 AND due <= ?4 ORDER BY due LIMIT ?1",
    [ABOVE] = "SELECT due FROM %s WHERE path >= ?2 AND path < ?3 AND due >= ?4 ORDER BY due DESC LIMIT ?1",
    [STATE] = "SELECT due FROM %s WHERE path >= ?2 AND path < ?3 AND state = ?5 ORDER BY due LIMIT ?1",
};

static struct side {
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS][2]; /* of the art table, and of the ordinary one */
} side[CONNECTIONS];

static char *path;
static struct random draw;
static int64_t now; /* values come in this order, more or less */
static unsigned numbered;
static bool others; /* NULLs, doubles, texts */
static bool writing;
static unsigned savepoints, at;
static uint64_t changes, questions;

static unsigned below(unsigned limit) {
    return random_below(&draw, limit);
}

static void open_side(struct side *on) {
    static const char *const table[] = {"t", "o"};
    on->db = sql_open(path);
    sql_run(on->db, "PRAGMA synchronous = OFF; PRAGMA busy_timeout = 1000");
    for (int kind = 0; kind < STATEMENTS; kind++) {
        for (int i = 0; i < 2; i++) on->statement[kind][i] = sql_prepare(on->db, change[kind], table[i]);
    }
}

static void close_side(struct side *on) {
    for (int kind = 0; kind < STATEMENTS; kind++) {
        for (int i = 0; i < 2; i++) sqlite3_finalize(on->statement[kind][i]);
    }
    sql_close(on->db);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static void bind_path(sqlite3_stmt *statement, unsigned number) {
    char key[KEY_ROOM];
    unsigned mixed = number * 2654435761u;
    int len = snprintf(key, sizeof key, "q%u/%08x", number % QUEUES, mixed);
    sqlite3_bind_text(statement, 1, key, len, SQLITE_TRANSIENT);
}

static void bind_due(sqlite3_stmt *statement, int parameter, int64_t due) {
    unsigned chance = others ? (unsigned)due % 16 : 15;
    if (chance == 0)
        sqlite3_bind_null(statement, parameter);
    else if (chance == 1)
        sqlite3_bind_double(statement, parameter, (double)due + .5);
    else if (chance == 2 && due % 11 == 0)
        sqlite3_bind_text(statement, parameter, "soon", -1, SQLITE_STATIC);
    else
        sqlite3_bind_int64(statement, parameter, due);
}

static void run(sqlite3_stmt *statement) {
    while (sqlite3_step(statement) == SQLITE_ROW) continue;
    ck_assert_msg(!sqlite3_reset(statement), "%s: %s", sqlite3_sql(statement),
                  sqlite3_errmsg(sqlite3_db_handle(statement)));
}

/* A row that there may be; due later, or soon. */
static void set_row(struct side *on, enum kind kind, unsigned number) {
    int64_t due = below(20) ? now++ : now - below(3000);
    unsigned state = below(3);
    changes++;
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *statement = on->statement[kind][i];
        bind_path(statement, number);
        if (kind != REMOVE) bind_due(statement, 2, due);
        if (kind != REMOVE) sqlite3_bind_int(statement, 3, (int)state);
        if (kind == INSERT)
            sqlite3_bind_text(statement, 4, "some words to fill the pages with, so many", -1, SQLITE_STATIC);
        run(statement);
    }
}

static void bind_range(sqlite3_stmt *statement, unsigned queue) {
    char low[8] = "", high[8] = "r";
    if (queue < QUEUES) snprintf(low, sizeof low, "q%u/", queue);
    if (queue < QUEUES) snprintf(high, sizeof high, "q%u0", queue);
    sqlite3_bind_text(statement, 2, low, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, high, -1, SQLITE_TRANSIENT);
}

static void delete_end(struct side *on, bool newest) {
    unsigned queue = below(2 * QUEUES);
    int64_t least = sql_int(on->db, "SELECT min(due) FROM o WHERE typeof(due) = 'integer'");
    int64_t most = sql_int(on->db, "SELECT max(due) FROM o WHERE typeof(due) = 'integer'");
    int64_t share = (most - least) / (random_once_in(&draw, 30) ? 2 : 100);
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *statement = on->statement[newest ? NEWEST : OLDEST][i];
        sqlite3_bind_int64(statement, 1, newest ? most - share : least + share);
        bind_range(statement, queue);
        run(statement);
        changes += i ? (uint64_t)sqlite3_changes(on->db) : 0;
    }
}

/* The one that comes first, or last, by the ordinary table. */
static void take_first(struct side *on, bool again) {
    sqlite3_stmt *first = on->statement[FIRST][1];
    sqlite3_bind_int(first, 1, 1);
    bind_range(first, below(2 * QUEUES));
    changes++;
    if (sqlite3_step(first) == SQLITE_ROW) {
        sqlite3_value *key = sqlite3_value_dup(sqlite3_column_value(first, 1));
        sqlite3_reset(first);
        int64_t due = now++;
        for (int i = 0; i < 2; i++) {
            sqlite3_stmt *statement = on->statement[again ? UPDATE : REMOVE][i];
            sqlite3_bind_value(statement, 1, key);
            if (again) bind_due(statement, 2, due);
            if (again) sqlite3_bind_int(statement, 3, 1);
            run(statement);
        }
        sqlite3_value_free(key);
    }
    sqlite3_reset(first);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static void compare(struct side *on, const char *art, const char *other, const char *what) {
    questions++;
    ck_assert_msg(!strcmp(art, other), "%s: art says\n%s\nthe ordinary table\n%s\nafter %llu changes", what, art, other,
                  (unsigned long long)changes);
    (void)on;
}

static void ask_rows(struct side *on) {
    enum kind kind = FIRST + below(5);
    unsigned queue = below(2 * QUEUES), limit = below(3) ? 1 : 1 + below(30);
    int64_t bound = now - below(4000);
    char *answer[2];
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *statement = on->statement[kind][i];
        sqlite3_bind_int(statement, 1, (int)limit);
        bind_range(statement, queue);
        if (kind == BELOW || kind == ABOVE) sqlite3_bind_int64(statement, 4, bound);
        if (kind == STATE) sqlite3_bind_int(statement, 5, (int)(bound % 3));
        answer[i] = sql_answer(statement);
    }
    compare(on, answer[0], answer[1], change[kind]);
    for (int i = 0; i < 2; i++) sqlite3_free(answer[i]);
}

static void ask_extreme(struct side *on) {
    const char *end = below(2) ? "min" : "max";
    char prefix[8] = "";
    if (below(2)) snprintf(prefix, sizeof prefix, "q%u/", below(QUEUES));
    char *art = sql_rows(on->db, "SELECT quote(art_%s('t', 'due', '%s'))", end, prefix);
    char *other = sql_rows(on->db, "SELECT quote(%s(due)) FROM o WHERE path >= '%s' AND path < '%s'", end, prefix,
                           *prefix ? "" : "r");
    if (*prefix) {
        sqlite3_free(other);
        other =
            sql_rows(on->db, "SELECT quote(%s(due)) FROM o WHERE path >= '%s' AND path < '%.2s0'", end, prefix, prefix);
    }
    compare(on, art, other, end);
    sqlite3_free(art);
    sqlite3_free(other);
}

/* --- histories ---------------------------------------------------------------------------------------------------- */

static void finish(struct side *on, const char *how) {
    sql_run(on->db, "%s", how);
    writing = false;
    savepoints = 0;
}

static void step_transaction(struct side *on) {
    switch (below(9)) {
    case 0:
    case 1:
        if (writing && savepoints < SAVEPOINTS_MOST) sql_run(on->db, "SAVEPOINT s%u", savepoints++);
        break;
    case 2:
    case 3:
        if (savepoints) savepoints = below(savepoints) + 1, sql_run(on->db, "ROLLBACK TO s%u", savepoints - 1);
        break;
    case 4:
        if (savepoints) sql_run(on->db, "RELEASE s%u", --savepoints);
        break;
    case 5:
        if (writing) finish(on, "ROLLBACK");
        break;
    case 6:
        if (!writing) sql_command(on->db, "main", "t", below(8) ? "flush" : "optimize");
        break;
    case 7:
        if (writing || below(4)) break;
        close_side(on);
        open_side(on);
        break;
    default:
        if (writing)
            finish(on, "COMMIT");
        else
            sql_run(on->db, "BEGIN IMMEDIATE");
        writing = !sqlite3_get_autocommit(on->db);
    }
}

static void step_rows(struct side *on) {
    unsigned chance = below(100);
    if (chance < 35)
        take_first(on, true);
    else if (chance < 50)
        take_first(on, false);
    else if (chance < 70)
        set_row(on, UPDATE, numbered - below(numbered < 4000 ? numbered : 4000));
    else if (chance < 90)
        set_row(on, INSERT, numbered += 1);
    else if (chance < 95)
        set_row(on, REMOVE, below(numbered));
    else if (random_once_in(&draw, 8))
        delete_end(on, chance < 98);
}

static void load(unsigned rows) {
    sqlite3 *db = side[0].db;
    sql_run(db, "BEGIN");
    for (unsigned i = 0; i < rows; i++) set_row(&side[0], INSERT, numbered += 1);
    sql_run(db, "COMMIT");
}

static void begin(unsigned world) {
    static const char *const limits[] = {"log_limit='20KB', spill_limit='64KB'", "log_limit='200KB'",
                                         "spill_limit='16KB'", ""};
    char *folder = sql_scratch("extremes");
    path = sqlite3_mprintf("%s/t.db", folder);
    sqlite3_free(folder);
    now = 100000;
    numbered = changes = questions = savepoints = at = 0;
    writing = false;
    others = world % 3 == 2;
    sqlite3 *db = sql_open(path);
    sql_run(db, "PRAGMA synchronous = OFF");
    if (world % 2) sql_run(db, "PRAGMA journal_mode = WAL");
    const char *more = limits[world % 4];
    char *create = sqlite3_mprintf(
        "CREATE VIRTUAL TABLE t USING art(path, due, state, note, summary=(max(due), max(state))%s%s%s%s)",
        *more ? ", " : "", more, getenv("ART_TABLE_OPTIONS") ? ", " : "",
        getenv("ART_TABLE_OPTIONS") ? getenv("ART_TABLE_OPTIONS") : "");
    sql_run(db, "%s", create);
    sqlite3_free(create);
    sql_run(db, "CREATE TABLE o(path TEXT PRIMARY KEY, due, state, note) WITHOUT ROWID; CREATE INDEX o_due ON o(due)");
    sql_close(db);
    for (int i = 0; i < CONNECTIONS; i++) open_side(&side[i]);
    load(world % 4 ? 6000 : 20000);
}

static void end(void) {
    for (int i = 0; i < CONNECTIONS; i++) close_side(&side[i]);
    sql_scratch_remove(path);
    sqlite3_free(path);
}

LOOP_TEST(test_the_least_and_the_largest_are_those_of_an_ordinary_table_whatever_was_taken_before, WORLDS) {
    draw = random_announced("extremes");
    draw.state += (uint64_t)_i;
    begin((unsigned)_i);
    unsigned steps = random_rounds(STEPS);
    for (unsigned i = 0; i < steps; i++) {
        struct side *on = &side[at];
        if (random_once_in(&draw, 12)) step_transaction(on);
        if (!writing && random_once_in(&draw, 25)) at = below(CONNECTIONS);
        for (unsigned n = below(6); n; n--) step_rows(&side[at]);
        if (below(2)) ask_rows(&side[at]);
        if (below(2)) ask_extreme(&side[at]);
    }
    if (writing) finish(&side[at], "COMMIT");
    sqlite3_int64 passed = sql_int(side[at].db, "SELECT value FROM art_info('t') WHERE property = 'fronts passed'");
    printf("extremes: world %d, %llu changes, %llu questions, fronts passed %lld\n", _i, (unsigned long long)changes,
           (unsigned long long)questions, (long long)passed);
    fflush(stdout);
    ck_assert_int_eq(sql_int(side[at].db, "SELECT count(*) FROM art_check('t')"), 0);
    end();
}

int main(void) {
    return suite_run("extremes", .seconds = SUITE_FOREVER);
}
