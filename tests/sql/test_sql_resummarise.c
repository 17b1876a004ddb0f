/* The command 'summary=(...)': a table that has rows gets another summary, or none.
 *
 * Random histories on an art table and an ordinary one, in which the command comes anywhere: within transactions and
 * savepoints, rolled back, refused at COMMIT, before and after spills and long rows. The same questions to both tables,
 * on the connection that writes and on one that reads an older state, tell whether the summary is that of the state.
 * Blobs are small (support/differential.h).
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/differential.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { DIRECTORIES = 12, FILES = 60, SAVEPOINTS = 6, WORLDS = 12 };

static const char *const columns[] = {"size", "score", "anything"};
enum { COLUMNS = 3 };

/* For each column what a level shows of it: s the sum, - the least value, + the largest, a blank nothing. */
static const struct {
    const char *option, *shown;
} summaries[] = {
    {"summary=()", "   "},
    {"summary=(sum(size))", "s  "},
    {"summary=(sum(size), max(score))", "s+ "},
    {"summary='max(score), sum(size), min(anything)'", "s+-"},
    {"SUMMARY = (sum(score))", " s "},
    {"summary=(sum(anything), sum(score), sum(size))", "sss"},
    {"summary=(max(size))", "+  "},
    {"summary=(min(\"size\"))", "-  "},
    {"summary=(sum(anything))", "  s"},
    {"summary=(sum(size),sum(anything))", "s s"},
    {"summary=(sum(size), lookup(size))", "s  "},
    {"summary=(lookup(anything), lookup(note))", "   "},
    {"summary=(lookup(size), max(score), lookup(anything))", " + "},
};
enum { SUMMARIES = sizeof summaries / sizeof *summaries };

static const char *const options[] = {
    "log_limit='2KB'",
    "log_limit='2KB', storage=inline",
    "log_limit='1MB'",
    "log_limit='2KB', spill_limit='8KB'",
    "log_limit='4KB', spill_limit='4KB', storage=inline",
    "log_limit='16KB', spill_limit='64KB'",
};
enum { OPTIONS = sizeof options / sizeof *options };

struct world {
    struct random random;
    bool memory, wal;
    char *directory, *path;
    sqlite3 *db, *reader; /* NULL: in memory */
    unsigned summary, begun, saved[SAVEPOINTS], savepoints;
    unsigned committed, read; /* the summaries that the reader sees, at its next read and in the one under way */
    unsigned commands, refused, statements, questions;
};

/* --- what is asked ------------------------------------------------------------------------------------------------ */

static void same(struct world *world, sqlite3 *db, char *art, char *plain) {
    char *given = sql_rows(db, "%s", art), *expected = sql_rows(db, "%s", plain);
    world->questions++;
    ck_assert_msg(!strcmp(given, expected), "%s\n  gave     %.600s\n  expected %.600s", art, given, expected);
    sqlite3_free(given);
    sqlite3_free(expected);
    sqlite3_free(art);
    sqlite3_free(plain);
}

static char *shown(const char *column, char how) {
    if (how == 's') return sqlite3_mprintf("coalesce(sum(iif(typeof(%s) = 'integer', %s, 0)), 0)", column, column);
    if (how == ' ') return sqlite3_mprintf("NULL");
    return sqlite3_mprintf("%s(%s)", how == '-' ? "min" : "max", column);
}

static void ask_level(struct world *world, sqlite3 *db, const char *how) {
    char *each[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) each[i] = shown(columns[i], how[i]);
    same(world, db, sqlite3_mprintf("SELECT path, entries, size, score, anything FROM t('', '/')"),
         sqlite3_mprintf("SELECT substr(path, 1, 4) AS level, count(*), %s, %s, %s FROM plain GROUP BY level", each[0],
                         each[1], each[2]));
    for (int i = 0; i < COLUMNS; i++) sqlite3_free(each[i]);
}

static void ask_function(struct world *world, sqlite3 *db, const char *column, char how) {
    unsigned d = random_below(&world->random, DIRECTORIES + 2);
    char *prefix = random_once_in(&world->random, 4) ? sqlite3_mprintf("") : sqlite3_mprintf("d%02u/", d);
    if (how == ' ') {
        ck_assert_int_eq(sql_try(db, "SELECT art_max('t', '%s', '%s')", column, prefix), SQLITE_ERROR);
        ck_assert(strstr(sqlite3_errmsg(db), "the column has no max") != NULL);
    } else {
        same(world, db,
             sqlite3_mprintf("SELECT art_min('t', '%s', '%s'), art_max('t', '%s', '%s')", column, prefix, column,
                             prefix),
             sqlite3_mprintf("SELECT min(%s), max(%s) FROM plain WHERE path GLOB '%s*'", column, column, prefix));
    }
    if (how == 's') {
        char *sum = shown(column, how);
        same(world, db, sqlite3_mprintf("SELECT art_sum('t', '%s', '%s')", column, prefix),
             sqlite3_mprintf("SELECT %s FROM plain WHERE path GLOB '%s*'", sum, prefix));
        sqlite3_free(sum);
    }
    sqlite3_free(prefix);
}

/* Only the values: rows with one value come in any order. */
static void ask_best(struct world *world, sqlite3 *db, const char *column) {
    const char *order = random_once_in(&world->random, 2) ? "DESC" : "ASC";
    unsigned limit = 1 + random_below(&world->random, 30);
    const char *text = "SELECT %s FROM %s WHERE path > 'd%02u' ORDER BY %s %s LIMIT %u";
    unsigned d = random_below(&world->random, DIRECTORIES);
    same(world, db, sqlite3_mprintf(text, column, "t", d, column, order, limit),
         sqlite3_mprintf(text, column, "plain", d, column, order, limit));
}

static void ask_condition(struct world *world, sqlite3 *db, const char *column) {
    const char *text = "SELECT path, size, score, anything, length(note) FROM %s WHERE %s %s %d ORDER BY path";
    const char *comparison = random_once_in(&world->random, 2) ? ">" : "<=";
    int value = (int)random_below(&world->random, 1200) - 200;
    same(world, db, sqlite3_mprintf(text, "t", column, comparison, value),
         sqlite3_mprintf(text, "plain", column, comparison, value));
}

/* By a value that some row has. */
static void ask_value(struct world *world, sqlite3 *db, const char *column) {
    const char *text = "SELECT path, size, score, anything FROM %s WHERE %s IN (SELECT %s FROM plain WHERE path >= "
                       "'d%02u/f%03u' ORDER BY path LIMIT %u) OR %s = 't%u' ORDER BY path";
    unsigned d = random_below(&world->random, DIRECTORIES), f = random_below(&world->random, FILES), limit = d % 3;
    same(world, db, sqlite3_mprintf(text, "t", column, column, d, f, limit, column, f),
         sqlite3_mprintf(text, "plain", column, column, d, f, limit, column, f));
    text = "SELECT path FROM plain AS p CROSS JOIN %s AS t USING(path) WHERE t.%s = p.%s AND p.path < 'd%02u/f'";
    same(world, db, sqlite3_mprintf(text, "t", column, column, d), sqlite3_mprintf(text, "plain", column, column, d));
}

static void ask(struct world *world, sqlite3 *db, unsigned summary) {
    unsigned i = random_below(&world->random, COLUMNS);
    const char *how = summaries[summary].shown;
    switch (random_below(&world->random, 6)) {
    case 0:
        return ask_level(world, db, how);
    case 1:
        return ask_best(world, db, columns[i]);
    case 2:
        return ask_condition(world, db, columns[i]);
    case 3:
        return ask_value(world, db, random_once_in(&world->random, 4) ? "note" : columns[i]);
    default:
        return ask_function(world, db, columns[i], how[i]);
    }
}

static void check_all(struct world *world, sqlite3 *db, unsigned summary) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    ask_level(world, db, summaries[summary].shown);
    for (int i = 0; i < COLUMNS; i++) ask_function(world, db, columns[i], summaries[summary].shown[i]);
    same(world, db, sqlite3_mprintf("SELECT * FROM t ORDER BY path"),
         sqlite3_mprintf("SELECT * FROM plain ORDER BY path"));
}

/* --- what is done ------------------------------------------------------------------------------------------------- */

static void open_world(struct world *world) {
    world->db = sql_open(world->memory ? ":memory:" : world->path);
    if (!world->memory) {
        sql_run(world->db, "PRAGMA journal_mode=%s; PRAGMA synchronous=OFF", world->wal ? "WAL" : "DELETE");
        world->reader = sql_open(world->path);
        sql_run(world->reader, "PRAGMA synchronous=OFF; PRAGMA busy_timeout=0");
        sql_run(world->db, "PRAGMA busy_timeout=0");
    }
}

static void end_read(struct world *world) {
    if (world->reader && !sqlite3_get_autocommit(world->reader)) sql_run(world->reader, "COMMIT");
}

static void close_world(struct world *world) {
    end_read(world);
    if (world->reader) sql_close(world->reader);
    sql_close(world->db);
}

static void write_both(struct world *world, const char *format, unsigned a, unsigned b, unsigned c) {
    static const char *const tables[] = {"t", "plain"};
    world->statements++;
    for (int i = 0; i < 2; i++) {
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_str_appendf(sql, format, tables[i], a, b, c);
        char *made = sqlite3_str_finish(sql);
        sql_run(world->db, "%s", made);
        sqlite3_free(made);
    }
}

static void write_something(struct world *world) {
    static const char *const writes[] = {
        "DELETE FROM %s WHERE path GLOB 'd%02u/f%01u*' AND %u",
        "UPDATE %s SET size = size %% 1000 + 1 WHERE path GLOB 'd%02u/*' AND typeof(size) = 'integer' AND %u AND %u",
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT OR REPLACE INTO %s "
        "SELECT printf('d%02u/f%%03d', i * 7 %% 60), substr(hex(zeroblob(60)), 1 + i), i * %u - 90, i / 3.0, i - %u "
        "FROM n",
        "INSERT OR REPLACE INTO %s VALUES(printf('d%02u/f%%03u', %u), zeroblob(3000 + 9 * %u), 77, 7.5, 11)",
        "INSERT OR REPLACE INTO %s(path, note, size) VALUES(printf('d%02u/f%%03u', %u), zeroblob(70000), %u)",
        "INSERT OR REPLACE INTO %s(path, anything) VALUES(printf('d%02u/f%%03u', %u), 't%u')",
        "UPDATE %s SET anything = size, size = NULL WHERE path = printf('d%02u/f%%03u', %u) AND %u",
        "UPDATE OR REPLACE %s SET path = printf('d%02u/f%%03u', %u) WHERE path = (SELECT min(path) FROM plain) AND %u",
        "INSERT OR REPLACE INTO %s(path, size, score) VALUES(printf('d%02u/f%%03u', %u), %u, -9)",
        "INSERT OR IGNORE INTO %s(path, size) VALUES(printf('d%02u/f%%03u', %u), %u)",
    };
    struct random *random = &world->random;
    write_both(world, writes[random_below(random, sizeof writes / sizeof *writes)], random_below(random, DIRECTORIES),
               random_below(random, FILES), 1 + random_below(random, 900));
}

static void change_summary(struct world *world) {
    unsigned to = random_below(&world->random, SUMMARIES);
    if (sqlite3_get_autocommit(world->db)) end_read(world); /* whose lock would refuse it, with a rollback journal */
    sql_command(world->db, "main", "t", summaries[to].option);
    world->summary = to;
    world->commands++;
    if (sqlite3_get_autocommit(world->db)) world->committed = to;
}

static void commit(struct world *world) {
    while (sql_try(world->db, "COMMIT")) {
        ck_assert_int_eq(sqlite3_errcode(world->db), SQLITE_BUSY);
        world->refused++;
        if (random_once_in(&world->random, 3)) write_something(world);
        if (random_once_in(&world->random, 3)) change_summary(world);
        if (random_once_in(&world->random, 3)) ask(world, world->db, world->summary);
        if (world->savepoints && random_once_in(&world->random, 3)) {
            sql_run(world->db, "ROLLBACK TO s0");
            world->summary = world->saved[0];
            world->savepoints = 1;
        }
        if (random_once_in(&world->random, 2)) end_read(world);
        if (random_once_in(&world->random, 6)) {
            sql_run(world->db, "ROLLBACK");
            world->summary = world->begun;
            break;
        }
    }
    world->committed = world->summary;
    world->savepoints = 0;
}

static void set_savepoint(struct world *world) {
    if (world->savepoints == SAVEPOINTS) return;
    if (sqlite3_get_autocommit(world->db)) world->begun = world->summary;
    sql_run(world->db, "SAVEPOINT s%u", world->savepoints);
    world->saved[world->savepoints++] = world->summary;
}

static void go_back(struct world *world) {
    if (!world->savepoints) return;
    unsigned to = random_below(&world->random, world->savepoints);
    sql_run(world->db, "ROLLBACK TO s%u", to);
    world->summary = world->saved[to];
    world->savepoints = to + 1;
}

static void use_reader(struct world *world) {
    if (!world->reader) return;
    bool locked = !world->wal && !sqlite3_get_autocommit(world->db); /* maybe, with a rollback journal */
    if (sqlite3_get_autocommit(world->reader) && locked) return;
    if (sqlite3_get_autocommit(world->reader)) {
        if (random_once_in(&world->random, 2)) {
            sql_run(world->reader, "BEGIN; SELECT 1 FROM plain LIMIT 1");
            world->read = world->committed;
        } else {
            ask(world, world->reader, world->committed);
        }
    } else if (random_once_in(&world->random, 4)) {
        end_read(world);
    } else {
        ask(world, world->reader, world->read);
    }
}

static void do_something(struct world *world) {
    enum { BEGIN_IT, SET_SAVEPOINT, READ };
    struct random *random = &world->random;
    bool inside = !sqlite3_get_autocommit(world->db);
    unsigned what = random_below(random, 20);
    /* Else its lock would refuse a statement that commits by itself. */
    if (!inside && !world->wal && what > SET_SAVEPOINT && what != READ) end_read(world);
    switch (what) {
    case BEGIN_IT:
        if (inside) break;
        sql_run(world->db, "BEGIN");
        world->begun = world->summary;
        break;
    case SET_SAVEPOINT:
        set_savepoint(world);
        break;
    case READ:
        use_reader(world);
        break;
    case 3:
    case 4:
        go_back(world);
        break;
    case 5:
        if (inside) commit(world);
        break;
    case 6:
        if (!inside) break;
        sql_run(world->db, "ROLLBACK");
        world->summary = world->begun;
        world->savepoints = 0;
        break;
    case 7: {
        static const char *const commands[] = {"flush", "flush", "optimize", "vacuum"};
        sql_command(world->db, "main", "t", commands[random_below(random, 4)]);
        break;
    }
    case 8:
        if (inside || world->memory || !random_once_in(random, 3)) break;
        close_world(world);
        open_world(world);
        break;
    case 9:
    case 10:
        change_summary(world);
        break;
    default:
        write_something(world);
    }
}

LOOP_TEST(test_a_summary_that_comes_later_is_what_an_ordinary_table_says, WORLDS) {
    struct world world = {.random = {random_seed() + (uint64_t)_i}, .memory = _i % 6 == 5, .wal = _i % 2};
    pages_of_blobs = _i % 4 == 3 ? 0 : 3 + random_below(&world.random, 4);
    printf("resummarise: seed %llu\n", (unsigned long long)world.random.state);
    world.directory = sql_scratch("resummarise");
    world.path = sqlite3_mprintf("%s/s.db", world.directory);
    open_world(&world);
    sql_run(world.db,
            "CREATE VIRTUAL TABLE t USING art(path, note, size INTEGER, score REAL, anything, %s%s);"
            "CREATE TABLE plain(path TEXT PRIMARY KEY, note, size INTEGER, score REAL, anything) WITHOUT ROWID",
            options[_i % OPTIONS], _i % 3 ? "" : ", summary=()");
    for (unsigned step = random_rounds(1200); step--;) {
        do_something(&world);
        if (random_once_in(&world.random, 2)) ask(&world, world.db, world.summary);
        if (step % 40 == 0) check_all(&world, world.db, world.summary);
        bool reading = world.reader && !sqlite3_get_autocommit(world.reader);
        if (reading && step % 40 == 1) check_all(&world, world.reader, world.read);
    }
    printf("%u changes of the summary, %u refused commits, %u questions\n", world.commands, world.refused,
           world.questions);
    note_compared(world.statements + world.questions);
    close_world(&world);
    sql_scratch_remove(world.directory);
    sqlite3_free(world.directory);
    sqlite3_free(world.path);
}

/* --- one by one --------------------------------------------------------------------------------------------------- */

static char *directory, *path;
static sqlite3 *db;

static void setup(void) {
    pages_of_blobs = 0;
    directory = sql_scratch("resummarise");
    path = sqlite3_mprintf("%s/s.db", directory);
    db = sql_open(path);
    sql_run(db, "PRAGMA journal_mode=WAL; CREATE VIRTUAL TABLE t USING art(path, size INTEGER, owner TEXT);"
                "INSERT INTO t VALUES('a/1', 1, 'me'), ('a/2', 20, 'me'), ('b/1', 300, NULL)");
}

static void teardown(void) {
    sql_close(db);
    sql_scratch_remove(directory);
    sqlite3_free(directory);
    sqlite3_free(path);
}

static const char level[] = "SELECT path, size FROM t('', '/')", sound[] = "SELECT art_check('t')";

CASE("one by one", .seconds = SUITE_FOREVER, .set_up = setup, .tear_down = teardown)

TEST(test_a_summary_that_cannot_be_changes_nothing) {
    static const char *const wrong[] = {"summary=(sum(nope))",  "summary=(max(path))",
                                        "summary=(sum(owner))", "summary=(sum(size), max(size))",
                                        "summary=(avg(size))",  "summary=",
                                        "summary=(sum(size)",   "summary=() size"};
    static const char *const said[] = {"a summary of a column that is not there",
                                       "the key cannot be summarised",
                                       "a summary is of numbers",
                                       "two summaries of one column",
                                       "a summary is sum(...), min(...), max(...) or lookup(...)",
                                       "a summary is sum(...), min(...), max(...) or lookup(...)",
                                       "the list of a summary is not closed",
                                       "something stands behind a summary"};
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(max(size))')");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sql_run(db, i % 2 ? "BEGIN" : "SELECT 1");
        ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('%s')", wrong[i]), SQLITE_ERROR);
        ck_assert_msg(strstr(sqlite3_errmsg(db), said[i]) != NULL, "%s: %s", wrong[i], sqlite3_errmsg(db));
        sql_expect(db, "a/|20\nb/|300\n", level);
        if (i % 2) sql_run(db, "COMMIT");
    }
    ck_assert_int_eq(sql_try(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'), ('summary=(sum(nope))')"),
                     SQLITE_ERROR);
    sql_expect(db, "a/|20\nb/|300\n", level);
    sql_expect(db, "ok\n", sound);
    sql_expect(db, "3\n", "SELECT count(*) FROM pragma_table_info('t_artstate')");
}

TEST(test_prepared_statements_and_other_connections_follow) {
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *own = sql_prepare(db, level), *theirs = sql_prepare(other, level), *idle;
    static const char *const changes[] = {"summary=(sum(size))", "summary=(min(size))", "summary=()"};
    static const char *const shows[] = {"a/|21\nb/|300\n", "a/|1\nb/|300\n", "a/|\nb/|\n"};
    for (int i = 0; i < 3; i++) {
        sqlite3_prepare_v2(other, level, -1, &idle, NULL);
        sqlite3_step(idle);
        sqlite3_reset(idle); /* keeps the handle that it was prepared with */
        sql_command(i % 2 ? other : db, "main", "t", changes[i]);
        char *one = sql_answer(own), *two = sql_answer(theirs);
        sql_expect(db, shows[i], level);
        sql_expect(other, shows[i], level);
        ck_assert_str_eq(one, two);
        sqlite3_finalize(idle);
        sqlite3_free(one);
        sqlite3_free(two);
    }
    sqlite3_finalize(own);
    sqlite3_finalize(theirs);
    sql_close(other);
}

/* A listing, and the best rows. */
TEST(test_an_open_query_is_told_or_gives_the_rows) {
    sql_command(db, "main", "t", "summary=(sum(size))");
    sqlite3_stmt *listing = sql_prepare(db, level), *rows = sql_prepare(db, "SELECT path FROM t WHERE size > 1");
    sqlite3_stmt *best = sql_prepare(db, "SELECT path FROM t ORDER BY size DESC LIMIT (SELECT 9)");
    ck_assert_int_eq(sqlite3_step(listing), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(listing, 1), 21);
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_step(best), SQLITE_ROW);
    sql_command(db, "main", "t", "summary=()");
    ck_assert_int_ne(sqlite3_step(listing), SQLITE_ROW);
    ck_assert_str_eq(sqlite3_errmsg(db), "art: the summary was changed while the query ran (t): run it again");
    ck_assert_int_ne(sqlite3_step(best), SQLITE_ROW);
    ck_assert_str_eq(sqlite3_errmsg(db), "art: the summary was changed while the query ran (t): run it again");
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(rows, 0), "b/1");
    ck_assert_int_eq(sqlite3_step(rows), SQLITE_DONE);
    sqlite3_finalize(listing);
    sqlite3_finalize(rows);
    sqlite3_finalize(best);
}

static void fill_many(void) {
    sql_run(db,
            "CREATE VIRTUAL TABLE many USING art(path, size INTEGER, mtime INTEGER, owner TEXT, log_limit='8KB');"
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO many SELECT "
            "printf('%%s%%06d', substr('ABab', 1 + i %% 4, 1), i), 1000, 1, 'o' || (i %% 10) FROM n;"
            "INSERT INTO many(many) VALUES('summary=(max(size), lookup(owner))')");
}

/* What they pass over is told by columns of the former summary; and each of them searches anew for its next row. */
TEST(test_open_walks_that_pass_over_rows_forget_the_former_summary) {
    static const struct {
        const char *query, *change;
        int64_t rows;
    } walks[] = {
        {"path LIKE 'a%' AND size > 500", "INSERT INTO many(many) VALUES('summary=(max(mtime))')", 10001},
        {"path LIKE 'a%' AND size > 500", "INSERT INTO many(many) VALUES('summary=()')", 10001},
        {"owner = 'o3'", "ROLLBACK TO before", 2000},
        {"owner = 'o3'", "ROLLBACK", 2000},
        {"owner = 'o3'", "INSERT INTO many(many) VALUES('summary=(lookup(path))')", 2000},
        {"owner = 'o3'", "INSERT INTO many(many) VALUES('summary=(max(size), lookup(mtime))')", 2000},
    };
    fill_many();
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        sql_run(db, "BEGIN; SAVEPOINT before; INSERT INTO many(many) VALUES('summary=(max(size), lookup(owner), "
                    "min(mtime))')");
        sqlite3_stmt *walk = sql_prepare(db, "SELECT path FROM many WHERE %s", walks[i].query);
        int64_t rows = 0;
        for (; sqlite3_step(walk) == SQLITE_ROW; rows++) {
            if (rows == 100) sql_try(db, "%s", walks[i].change);
        }
        ck_assert_msg(sqlite3_errcode(db) == SQLITE_DONE || sqlite3_errcode(db) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        ck_assert_msg(rows == walks[i].rows, "%s, %s: %lld rows", walks[i].query, walks[i].change, (long long)rows);
        sqlite3_finalize(walk);
        if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
    }
}

TEST(test_it_goes_with_other_changes_of_the_table) {
    sql_run(db,
            "BEGIN; INSERT INTO t(t) VALUES('summary=(max(size))'); INSERT INTO t(t) VALUES('add column n INTEGER');"
            "UPDATE t SET n = 5; INSERT INTO t(t) VALUES('summary=(sum(n), sum(size))'), ('optimize');"
            "ALTER TABLE t RENAME TO u; INSERT INTO u(u) VALUES('summary=(sum(n), min(size))')");
    sql_expect(db, "15|ok\n", "SELECT art_sum('u', 'n', ''), art_check('u')");
    sql_run(db, "ROLLBACK");
    sql_expect(db, "a/|\nb/|\n", level);
    sql_run(db, "BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('summary=(sum(size))'); DROP TABLE t; ROLLBACK TO s");
    sql_expect(db, "a/|\nb/|\n", level);
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'); DROP TABLE t; COMMIT");
    sql_expect(db, "0\n", "SELECT count(*) FROM sqlite_schema");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, summary=()); "
                "INSERT INTO t(t) VALUES('summary=(sum(size))')"); /* no rows */
    sql_expect(db, "0|ok\n", "SELECT art_sum('t', 'size', ''), art_check('t')");
    sql_run(db, "INSERT INTO t VALUES('a/b', 7)");
    sql_expect(db, "a/|7\n", level);
}

static int deny_alter(void *context, int action, const char *a, const char *b, const char *c, const char *d) {
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return action == SQLITE_ALTER_TABLE ? *(int *)context : SQLITE_OK;
}

TEST(test_a_schema_that_cannot_be_changed_leaves_all_as_it_was) {
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(max(size))')");
    for (int i = 0; i < 4; i++) {
        int answer = i % 2 ? SQLITE_IGNORE : SQLITE_DENY;
        sql_run(db, i < 2 ? "SELECT 1" : "BEGIN; INSERT INTO t VALUES('c/%d', 4, 0)", i);
        sqlite3_set_authorizer(db, deny_alter, &answer);
        sql_refused(db, SQLITE_AUTH, "not authorized", "INSERT INTO t(t) VALUES('summary=(sum(size))')");
        sqlite3_set_authorizer(db, NULL, NULL);
        sql_expect(db, i < 2 ? "a/|20\nb/|300\n" : "a/|20\nb/|300\nc/|4\n", level);
        if (i >= 2) sql_run(db, "INSERT INTO t VALUES('a/3', 5, 0); COMMIT");
        sql_expect(db, "ok\n", sound);
        if (i >= 2) sql_run(db, "DELETE FROM t WHERE path = 'a/3' OR path GLOB 'c/*'");
    }
    sqlite3 *other = sql_open(path);
    sql_expect(other, "a/|20\nb/|300\n", level);
    sql_close(other);
    sql_close(db);
    db = sql_open_flags(path, SQLITE_OPEN_READONLY);
    sql_refused(db, SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('summary=(sum(size))')");
    sql_expect(db, "a/|20\nb/|300\n", level);
}

TEST(test_copies_have_it_and_damage_is_told) {
    char *copy = sqlite3_mprintf("%s/copy.db", directory);
    sql_run(db, "INSERT INTO t(t) VALUES('summary=(sum(size))'); SELECT art_backup('%s'); VACUUM", copy);
    sqlite3 *other = sql_open(copy);
    sql_expect(other, "a/|21\nb/|300\n", level);
    sql_run(other, "INSERT INTO t(t) VALUES('summary=(min(size))')");
    sql_expect(other, "a/|1\nb/|300\n", level);
    sql_close(other);
    sqlite3_free(copy);
    sql_expect(db, "a/|21\nb/|300\n", level);
    sql_run(db, "ALTER TABLE t_artstate ADD COLUMN \"summary 9: sum(nothing)\"");
    sql_refused(db, SQLITE_ERROR, "a summary of a column that is not there", level);
    sql_run(db, "ALTER TABLE t_artstate DROP COLUMN \"summary 9: sum(nothing)\"");
    sql_expect(db, "a/|21\nb/|300\n", level);
}

int main(void) {
    return differential_run((struct suite_case){.name = "another summary", .seconds = SUITE_FOREVER});
}
