/* The differential model of summaries: sums, extremes, the best rows, what changed since, rows by a value, all of it
 * beside conditions and bounds, against plain SQL on an ordinary table.
 *
 * Random histories with all that writes: REPLACE, moves onto other rows, UPDATE ... FROM, triggers, statements that
 * fail, savepoints, ADD COLUMN, other summaries. A second connection holds a snapshot and asks the same there. Integers
 * may be so large that sums are none. Every statement has to end alike on both tables.
 *
 * The ordinary table has the version of each row in a column, which triggers write; and all columns from the beginning.
 * test_sql_summary, _lookup, _changed and _resummarise look at one of these things each, more closely.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/differential.h"
#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { DIRECTORIES = 16, FILES = 40, SAVEPOINTS = 5, WORLDS = 12, COLUMNS = 4 };

static const char *const columns[] = {"size", "score", "anything", "extra"}; /* the last may come later, or never */

/* For each column what a level shows of it: s the sum, - the least value, + the largest, a blank nothing. */
static const struct {
    const char *option, *shown;
    bool extra;
} summaries[] = {
    {"summary=(sum(size), max(score), lookup(owner))", "s+  ", false},
    {"summary=(sum(size), sum(score), sum(anything), lookup(owner), lookup(anything))", "sss ", false},
    {"summary=(max(size), lookup(size), min(anything))", "+ - ", false},
    {"summary=(sum(anything), min(score))", " -s ", false},
    {"summary=(lookup(owner), lookup(size))", "    ", false},
    {"summary=()", "    ", false},
    {"summary=(sum(extra), max(size), lookup(extra))", "+  s", true},
    {"summary=(max(extra), sum(size), sum(anything), lookup(owner))", "s s+", true},
};
enum { SUMMARIES = sizeof summaries / sizeof *summaries, WITHOUT_EXTRA = 6 };

static const char *const limits[] = {"log_limit='2KB'", "log_limit='8KB', spill_limit='1MB'",
                                     "log_limit='2KB', spill_limit='8KB'", "log_limit='1MB'"};

/* What a transaction may change beside rows. */
struct state {
    unsigned summary;
    bool extra; /* the column is there */
};

struct world {
    struct random random;
    bool memory, huge; /* huge: some integers are */
    char *directory, *path;
    sqlite3 *db, *reader;                     /* reader NULL: in memory */
    struct state now, begun, committed, read; /* read: of the transaction that the reader holds */
    struct state saved[SAVEPOINTS];
    unsigned savepoints, statements, refused, overflows;
};

static uint32_t below(struct world *world, uint32_t limit) {
    return random_below(&world->random, limit);
}

static bool once_in(struct world *world, uint32_t times) {
    return random_once_in(&world->random, times);
}

/* sum(), as art has it: of integers, exact. SQLite's own gives up where it overflows in between. */
static void sum_step(sqlite3_context *context, int count, sqlite3_value **values) {
    __extension__ typedef __int128 int128 __attribute__((aligned(8)));
    int128 *sum = sqlite3_aggregate_context(context, sizeof *sum);
    if (count && sqlite3_value_type(*values) == SQLITE_INTEGER) *sum += sqlite3_value_int64(*values);
}

static void sum_end(sqlite3_context *context) {
    __extension__ typedef __int128 int128 __attribute__((aligned(8)));
    int128 *sum = sqlite3_aggregate_context(context, 0), is = sum ? *sum : 0;
    if (is < INT64_MIN || is > INT64_MAX) return sqlite3_result_error(context, "integer overflow", -1);
    sqlite3_result_int64(context, (int64_t)is);
}

/* --- both tables -------------------------------------------------------------------------------------------------- */

/* Where a query ends with an error, only that. */
static char *answer(sqlite3 *db, const char *text, bool art) {
    char *sql = text_for(text, art), *out;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
        out = sqlite3_mprintf("error at once: %s", sqlite3_errmsg(db));
    } else {
        out = sql_answer(statement);
        char *error = strstr(out, "error 1: integer overflow");
        if (error) memmove(out, error, strlen(error) + 1);
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return out;
}

static void same(struct world *world, sqlite3 *db, char *text) {
    char *given = answer(db, text, true), *expected = answer(db, text, false);
    world->statements++;
    world->overflows += !strncmp(expected, "error", 5);
    ck_assert_msg(!strcmp(given, expected), "statement %u: %s\n  gave     %.600s\n  expected %.600s", world->statements,
                  text, given, expected);
    sqlite3_free(given);
    sqlite3_free(expected);
    sqlite3_free(text);
}

/* In one transaction: the version of the rows is that of both. */
static void write_both(struct world *world, char *text) {
    bool alone = sqlite3_get_autocommit(world->db);
    int rc[2], changes[2];
    if (alone) sql_run(world->db, "BEGIN");
    for (int art = 1; art >= 0; art--) {
        char *sql = text_for(text, art);
        rc[art] = sql_try(world->db, "%s", sql) & 0xff;
        changes[art] = rc[art] ? 0 : sqlite3_changes(world->db);
        sqlite3_free(sql);
    }
    world->statements++;
    world->refused += rc[0] != SQLITE_OK;
    ck_assert_msg(rc[0] == rc[1] && changes[0] == changes[1],
                  "statement %u: %s\n  %d and %d, changed %d and %d rows (%s)", world->statements, text, rc[1], rc[0],
                  changes[1], changes[0], sqlite3_errmsg(world->db));
    if (alone) sql_run(world->db, "COMMIT");
    sqlite3_free(text);
}

/* --- values and conditions ---------------------------------------------------------------------------------------- */

/* One that is written. Few are met often, so that ties are. */
static char *value(struct world *world) {
    long long n = below(world, 1000);
    if (world->huge && once_in(world, 12))
        return sqlite3_mprintf("%lld", n % 2 ? INT64_MAX - n * 1000 : -INT64_MAX + n * 900);
    switch (below(world, 12)) {
    case 0:
        return sqlite3_mprintf("NULL");
    case 1:
        return sqlite3_mprintf("'t%lld'", n % 40);
    case 2:
        return sqlite3_mprintf("x'%02llx'", (unsigned long long)n % 256);
    case 3:
        return sqlite3_mprintf("%lld.25", n - 500);
    case 4:
        return sqlite3_mprintf("%lld", 9007199254740993 + n);
    case 5:
        return sqlite3_mprintf("'%lld'", n % 50);
    case 6:
    case 7:
        return sqlite3_mprintf("%lld", n % 3);
    default:
        return sqlite3_mprintf("%lld", n - 300);
    }
}

static char *asked_value(struct world *world) {
    long long n = below(world, 1000);
    switch (below(world, 8)) {
    case 0:
        return sqlite3_mprintf("9007199254740993.0 + %lld", n);
    case 1:
        return sqlite3_mprintf("%s", n % 3 ? "1e300" : n % 2 ? "-9e999" : "9223372036854775807");
    default:
        return value(world);
    }
}

static char *owner(struct world *world) {
    static const char *const owners[] = {"'root'", "'www'", "'backup'", "'1'", "1", "NULL"};
    return sqlite3_mprintf("%s", owners[below(world, 6)]);
}

static const char *column(struct world *world, const struct state *state) {
    return columns[below(world, state->extra ? 4 : 3)];
}

static char *path_condition(struct world *world, const char *table) {
    unsigned d = below(world, DIRECTORIES + 1), f = below(world, FILES), e = below(world, DIRECTORIES);
    switch (below(world, 7)) {
    case 0:
        return sqlite3_mprintf("%spath GLOB 'd%02u/*'", table, d);
    case 1:
        return sqlite3_mprintf("%spath GLOB 'd%u*'", table, d / 10);
    case 2:
        return sqlite3_mprintf("%spath > 'd%02u/f%03u' AND %spath <= 'd%02u'", table, d, f, table, d + f / 6);
    case 3:
        return sqlite3_mprintf("%spath IN ('d%02u/f%03u', 'd%02u/f001', 'd%02u/f%03u')", table, d, f, e, e, f);
    case 4:
        return sqlite3_mprintf("%spath >= 'd%02u/f%03u'", table, d, f);
    case 5:
        return sqlite3_mprintf("%spath BETWEEN 'd%02u' AND 'd%02u/f%03u'", table, e, d, f);
    default:
        return sqlite3_mprintf("%spath < 'd%02u/f%03u'", table, d, f);
    }
}

static char *version_condition(struct world *world, sqlite3 *db, const char *table) {
    long long top = sql_int(db, "SELECT coalesce(max(v), 0) FROM plain"), since = below(world, (uint32_t)top + 2);
    if (once_in(world, 2)) since = top - below(world, 6);
    if (once_in(world, 6))
        return sqlite3_mprintf("{%sversion|%sv} BETWEEN %lld AND %lld", table, table, since, since + below(world, 9));
    return sqlite3_mprintf("{%sversion|%sv} > %lld", table, table, since);
}

/* `table` is its name with a dot, or nothing. */
static char *condition(struct world *world, sqlite3 *db, const struct state *state, const char *table) {
    static const char *const comparisons[] = {">", ">=", "<", "<=", "=", "IS", "<>"};
    const char *name = column(world, state), *comparison = comparisons[below(world, 7)];
    char *one = asked_value(world), *two = asked_value(world), *who = owner(world), *out;
    switch (below(world, 14)) {
    case 0:
        out = sqlite3_mprintf("%s%s IS %sNULL", table, name, once_in(world, 2) ? "NOT " : "");
        break;
    case 1:
        out = sqlite3_mprintf("%s%s BETWEEN %d AND %s", table, name, below(world, 300), one);
        break;
    case 2:
        out = sqlite3_mprintf("%s%s IN (%s, %s, '7', 1)", table, name, one, two);
        break;
    case 3:
        out = sqlite3_mprintf("(%s%s %s %s OR %s%s = %s)", table, name, comparison, one, table, column(world, state),
                              two);
        break;
    case 4:
        out = sqlite3_mprintf("%s%s %s (SELECT max(size) FROM {t|plain} WHERE path > 'd%02u')", table, name, comparison,
                              below(world, DIRECTORIES));
        break;
    case 5:
    case 6:
        out = sqlite3_mprintf("%sowner %s %s", table, once_in(world, 3) ? "IS" : "=", who);
        break;
    case 7:
        out = sqlite3_mprintf("%sowner IN (%s, 'www')", table, who);
        break;
    case 8:
        out = version_condition(world, db, table);
        break;
    case 9:
    case 10:
        out = path_condition(world, table);
        break;
    default:
        out = sqlite3_mprintf("%s%s %s %s", table, name, comparison, one);
    }
    sqlite3_free(one);
    sqlite3_free(two);
    sqlite3_free(who);
    return out;
}

/* Up to three of them. */
static char *conditions(struct world *world, sqlite3 *db, const struct state *state, const char *table) {
    char *out = condition(world, db, state, table);
    for (unsigned more = below(world, 3); more; more--) {
        out = sqlite3_mprintf("%z AND %z", out, condition(world, db, state, table));
    }
    return out;
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

static const char schema[] =
    "CREATE TABLE plain(path TEXT PRIMARY KEY, size INTEGER, score REAL, anything, owner TEXT, note, extra INTEGER, v) "
    "WITHOUT ROWID;"
    "CREATE TRIGGER came AFTER INSERT ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TRIGGER changed AFTER UPDATE OF path, size, score, anything, owner, note, extra ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;";

/* An ordinary table whose triggers write. */
static const char jobs[] =
    "CREATE TABLE {jobs_t|jobs_plain}(path, a, b);"
    "CREATE TRIGGER {work_t|work_plain} AFTER INSERT ON {jobs_t|jobs_plain} BEGIN "
    "INSERT OR REPLACE INTO {t|plain}(path, size, anything) VALUES(new.path, new.a, new.b);"
    "UPDATE {t|plain} SET score = score + 1, owner = 'www' WHERE path GLOB substr(new.path, 1, 5) || '*' AND size > 9;"
    "UPDATE OR REPLACE {t|plain} SET path = new.path || '+' WHERE path = new.path AND size < 0;"
    "DELETE FROM {t|plain} WHERE path = substr(new.path, 1, 4) || 'f001'; END;"
    "CREATE TRIGGER {undo_t|undo_plain} AFTER DELETE ON {jobs_t|jobs_plain} BEGIN "
    "DELETE FROM {t|plain} WHERE path = old.path OR path = old.path || '+'; END";

static char *some_insert(struct world *world, unsigned d, unsigned f) {
    static const char *const ways[] = {"INSERT OR REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT",
                                       "INSERT OR FAIL"};
    const char *way = ways[below(world, 5)];
    char *one = value(world), *two = value(world), *who = owner(world);
    unsigned n = below(world, 1000);
    switch (below(world, 5)) {
    case 0: /* with a value in chunks */
        return sqlite3_mprintf("%s INTO {t|plain}(path, size, score, anything, note, owner) "
                               "VALUES('d%02u/f%03u', %z, 7, %z, zeroblob(%u), %z)",
                               way, d, f, one, two, 4000 + 30 * n, who);
    case 1:
    case 2:
        return sqlite3_mprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
                               "%s INTO {t|plain}(path, size, score, anything, owner, note) "
                               "SELECT printf('d%02u/f%%03d', i * 7 %% %u), i * %u, i / 3.0, iif(i %% 5, %z, %z), "
                               "iif(i %% 4, %z, 'o' || i %% 9), substr(hex(zeroblob(40)), 1 + i %% 60) FROM n",
                               f, way, d, FILES, n, one, two, who);
    default:
        return sqlite3_mprintf("%s INTO {t|plain}(path, %s, score, owner) VALUES('d%02u/f%03u', %z, %z, %z)", way,
                               once_in(world, 2) ? "size" : "anything", d, f, one, two, who);
    }
}

/* Onto other rows, maybe; a path that is set to itself would not be written. */
static char *some_move(struct world *world, unsigned d, unsigned f) {
    static const char *const ways[] = {"OR REPLACE", "OR REPLACE", "OR IGNORE", ""};
    const char *way = ways[below(world, 4)], *name = column(world, &world->now);
    unsigned from = (d + 1 + below(world, DIRECTORIES - 1)) % DIRECTORIES;
    switch (below(world, 3)) {
    case 0:
        return sqlite3_mprintf(
            "UPDATE %s {t|plain} SET path = 'd%02u' || substr(path, 4) WHERE path GLOB 'd%02u/f0%u*'", way, d, from,
            f / 10);
    case 1:
        return sqlite3_mprintf("UPDATE %s {t|plain} SET path = 'd%02u/f%03u', %s = %z WHERE path = 'd%02u/f%03u'", way,
                               d, f, name, value(world), from, f);
    default:
        return sqlite3_mprintf("UPDATE %s {t|plain} SET path = 'd%02u/f%03u' WHERE path = 'd%02u/f%03u'", way, d, f,
                               from, below(world, FILES));
    }
}

static char *some_update(struct world *world, unsigned d, unsigned f) {
    const char *name = column(world, &world->now);
    switch (below(world, 4)) {
    case 0:
        return sqlite3_mprintf("UPDATE {t|plain} SET size = size %% 1000 + 1 WHERE path GLOB 'd%02u/*' "
                               "AND typeof(size) = 'integer'",
                               d);
    case 1:
        return sqlite3_mprintf("UPDATE {t|plain} SET %s = other.value, owner = 'from' FROM (SELECT 'd%02u/f%03u' AS "
                               "path, %z AS value UNION ALL SELECT 'd%02u/f%03u', %u) AS other "
                               "WHERE {t|plain}.path = other.path",
                               name, d, f, value(world), d, f + 1, f);
    case 2:
        return sqlite3_mprintf("UPDATE {t|plain} SET %s = %z, owner = %z WHERE %z AND path > 'd%02u'", name,
                               value(world), owner(world), condition(world, world->db, &world->now, ""), d);
    default:
        return sqlite3_mprintf("UPDATE {t|plain} SET %s = %z WHERE path > 'd%02u/f%03u' AND path < 'd%02u/f%03u'", name,
                               value(world), d, f, d, f + 5);
    }
}

static char *some_job(struct world *world, unsigned d, unsigned f) {
    if (once_in(world, 5)) return sqlite3_mprintf("DELETE FROM {jobs_t|jobs_plain} WHERE path GLOB 'd%02u/*'", d);
    return sqlite3_mprintf("INSERT INTO {jobs_t|jobs_plain} VALUES('d%02u/f%03u', %z, %z), ('d%02u/f%03u', %d, 'job')",
                           d, f, value(world), value(world), below(world, DIRECTORIES), f, (int)below(world, 40) - 9);
}

static void write_something(struct world *world) {
    unsigned d = below(world, DIRECTORIES), f = below(world, FILES),
             from = (d + 1 + f % (DIRECTORIES - 1)) % DIRECTORIES;
    switch (below(world, 14)) {
    case 0:
        return write_both(world, sqlite3_mprintf("DELETE FROM {t|plain} WHERE path GLOB 'd%02u/*'", d));
    case 1:
        return write_both(world, sqlite3_mprintf("DELETE FROM {t|plain} WHERE %z AND path GLOB '*%u'",
                                                 condition(world, world->db, &world->now, ""), f % 10));
    case 2:
    case 3:
        return write_both(world, some_move(world, d, f));
    case 4:
    case 5:
    case 6:
        return write_both(world, some_update(world, d, f));
    case 7:
        return write_both(world, some_job(world, d, f));
    case 8:
        return write_both(world, sqlite3_mprintf("INSERT OR REPLACE INTO {t|plain}(path, size, anything, owner) SELECT "
                                                 "'d%02u' || substr(path, 4), score, size, owner FROM {t|plain} "
                                                 "WHERE path GLOB 'd%02u/*'",
                                                 d, from));
    default:
        return write_both(world, some_insert(world, d, f));
    }
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

static const char sums_asked[] = "exact_sum(%s)";

static char *shown(const char *name, char how) {
    if (how == 's') return sqlite3_mprintf(sums_asked, name);
    if (how == ' ') return sqlite3_mprintf("NULL");
    return sqlite3_mprintf("%s(%s)", how == '-' ? "min" : "max", name);
}

static char *ask_level(struct world *world, const struct state *state) {
    const char *how = summaries[state->summary].shown, *order = once_in(world, 2) ? "DESC" : "ASC";
    char *each[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) each[i] = shown(columns[i], how[i]);
    char *text =
        sqlite3_mprintf("SELECT {path|substr(path, 1, 4) AS level}, {entries|count(*)}, {size|%z}, {score|%z}, "
                        "{anything|%z}, {%s|%z} FROM {t('d', '/')|plain GROUP BY level} "
                        "ORDER BY {path|level} %s",
                        each[0], each[1], each[2], state->extra ? "extra" : "NULL", each[3], order);
    return text;
}

static char *ask_function(struct world *world, sqlite3 *db, const struct state *state) {
    unsigned i = below(world, state->extra ? 4 : 3), d = below(world, DIRECTORIES + 1);
    const char *name = columns[i];
    char how = summaries[state->summary].shown[i], prefix[16];
    const char *forms[] = {"", "d%u", "d%02u/", "d%02u/f%02u", "d%02u/f00%u"};
    unsigned form = below(world, 5);
    sqlite3_snprintf(sizeof prefix, prefix, forms[form], form == 1 ? d / 10 : d, below(world, 10));
    if (how == ' ') {
        ck_assert_int_eq(sql_try(db, "SELECT art_max('t', '%s', '%s')", name, prefix), SQLITE_ERROR);
        return NULL;
    }
    if (how == 's')
        return sqlite3_mprintf("SELECT {art_sum('t', '%s', '%s')|exact_sum(%s) FROM plain WHERE path GLOB '%s*'}", name,
                               prefix, name, prefix);
    return sqlite3_mprintf("SELECT {art_min('t', '%s', '%s'), art_max('t', '%s', '%s')|min(%s), max(%s) FROM plain "
                           "WHERE path GLOB '%s*'}",
                           name, prefix, name, prefix, name, name, prefix);
}

/* Only the values: rows with one value come in any order. All of them are rows, and none comes twice. */
static char *ask_best(struct world *world, sqlite3 *db, const struct state *state) {
    const char *name = column(world, state);
    char *where = once_in(world, 2) ? conditions(world, db, state, "") : path_condition(world, "");
    const char *order = once_in(world, 2) ? "DESC" : "ASC";
    unsigned limit = below(world, 40), offset = once_in(world, 3) ? below(world, 9) : 0, d = below(world, DIRECTORIES);
    char *from = sqlite3_mprintf(
        once_in(world, 2) ? "{t('d%02u/')|plain} WHERE {1|path GLOB 'd%02u/*'} AND" : "{t|plain} WHERE", d, d);
    if (once_in(world, 2))
        return sqlite3_mprintf("SELECT %s FROM %z %z ORDER BY %s %s LIMIT %u OFFSET %u", name, from, where, name, order,
                               limit, offset);
    return sqlite3_mprintf(
        "SELECT count(*), count(DISTINCT a.path), max(a.%s) FROM (SELECT *, {version|v} AS w FROM %z %z ORDER BY %s %s "
        "LIMIT %u OFFSET "
        "%u) "
        "a, plain b WHERE a.path = b.path AND a.size IS b.size AND a.score IS b.score AND a.anything IS b.anything AND "
        "a.owner IS b.owner AND a.note IS b.note AND a.w = b.v",
        name, from, where, name, order, limit, offset);
}

static char *ask_rows(struct world *world, sqlite3 *db, const struct state *state) {
    char *where = conditions(world, db, state, "");
    if (once_in(world, 3)) where = sqlite3_mprintf("%z AND %z", version_condition(world, db, ""), where);
    return sqlite3_mprintf(
        "SELECT path, size, score, anything, owner, length(note), %s, {version|v} FROM {t|plain} WHERE "
        "%z ORDER BY path %s LIMIT %u OFFSET %u",
        state->extra ? "extra" : "NULL", where, once_in(world, 2) ? "DESC" : "ASC",
        once_in(world, 2) ? 9999 : below(world, 20), once_in(world, 3) ? below(world, 9) : 0);
}

static char *ask_aggregates(struct world *world, sqlite3 *db, const struct state *state) {
    const char *name = column(world, state), *other = column(world, state);
    char *where = conditions(world, db, state, "");
    switch (below(world, 4)) {
    case 0:
        return sqlite3_mprintf("SELECT %s(%s) FROM {t|plain} WHERE %z", once_in(world, 2) ? "max" : "min", name, where);
    case 1:
        return sqlite3_mprintf("SELECT owner, count(*), exact_sum(%s), min(%s) FROM {t|plain} WHERE %z GROUP BY owner "
                               "ORDER BY owner",
                               name, other, where);
    case 2:
        return sqlite3_mprintf("SELECT substr(path, 1, 4) AS level, count(*), exact_sum(%s) FROM {t|plain} WHERE %z "
                               "GROUP BY level",
                               name, where);
    default:
        return sqlite3_mprintf(
            "SELECT count(*), exact_sum(%s), min(%s), max(%s), count(DISTINCT owner), max({version|v}) "
            "FROM {t|plain} WHERE %z",
            name, other, name, where);
    }
}

/* Rows with a value that others have. */
static char *ask_join(struct world *world, sqlite3 *db, const struct state *state) {
    const char *name = once_in(world, 2) ? "owner" : column(world, state);
    char *where = conditions(world, db, state, "a."), *of = path_condition(world, "");
    if (once_in(world, 2))
        return sqlite3_mprintf(
            "SELECT count(*), exact_sum(a.size), max(a.path) FROM (SELECT DISTINCT %s AS x FROM plain "
            "WHERE %z LIMIT 9) AS b CROSS JOIN {t|plain} AS a ON a.%s = b.x WHERE %z",
            name, of, name, where);
    return sqlite3_mprintf(
        "SELECT a.path, a.%s FROM {t|plain} AS a WHERE a.%s IN (SELECT %s FROM plain WHERE %z) AND %z "
        "ORDER BY a.path",
        name, name, name, of, where);
}

static void ask(struct world *world, sqlite3 *db, const struct state *state) {
    char *text;
    switch (below(world, 10)) {
    case 0:
        text = ask_level(world, state);
        break;
    case 1:
        text = ask_function(world, db, state);
        break;
    case 2:
    case 3:
        text = ask_rows(world, db, state);
        break;
    case 4:
    case 5:
        text = ask_aggregates(world, db, state);
        break;
    case 6:
    case 7:
        text = ask_join(world, db, state);
        break;
    default:
        text = ask_best(world, db, state);
    }
    if (text) same(world, db, text);
}

static void check_all(struct world *world, sqlite3 *db, const struct state *state) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    same(world, db, ask_level(world, state));
    same(world, db,
         sqlite3_mprintf("SELECT path, size, score, anything, owner, note, %s, {version|v} FROM {t|plain} "
                         "ORDER BY path",
                         state->extra ? "extra" : "NULL"));
}

/* --- a history ---------------------------------------------------------------------------------------------------- */

static sqlite3 *open_one(struct world *world) {
    sqlite3 *db = sql_open(world->memory ? ":memory:" : world->path);
    sql_run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA busy_timeout=0");
    sqlite3_create_function(db, "exact_sum", 1, SQLITE_UTF8, NULL, NULL, sum_step, sum_end);
    return db;
}

static void open_world(struct world *world) {
    world->db = open_one(world);
    if (!world->memory) world->reader = open_one(world);
}

static void end_read(struct world *world) {
    if (world->reader && !sqlite3_get_autocommit(world->reader)) sql_run(world->reader, "COMMIT");
}

static void close_world(struct world *world) {
    end_read(world);
    if (world->reader) sql_close(world->reader);
    sql_close(world->db);
}

static void begin(struct world *world) {
    if (!sqlite3_get_autocommit(world->db)) return;
    sql_run(world->db, "BEGIN");
    world->begun = world->now;
}

static void end(struct world *world) {
    if (sqlite3_get_autocommit(world->db)) return;
    bool back = once_in(world, 4);
    sql_run(world->db, back ? "ROLLBACK" : "COMMIT");
    if (back) world->now = world->begun;
    world->committed = world->now;
    world->savepoints = 0;
}

static void set_savepoint(struct world *world) {
    if (world->savepoints == SAVEPOINTS) return;
    if (sqlite3_get_autocommit(world->db)) world->begun = world->now;
    sql_run(world->db, "SAVEPOINT s%u", world->savepoints);
    world->saved[world->savepoints++] = world->now;
}

/* The first one may be the transaction. */
static void leave_savepoint(struct world *world) {
    if (!world->savepoints) return;
    if (world->savepoints > 1 && once_in(world, 3)) {
        sql_run(world->db, "RELEASE s%u", --world->savepoints);
        return;
    }
    unsigned to = below(world, world->savepoints);
    sql_run(world->db, "ROLLBACK TO s%u", to);
    world->now = world->saved[to];
    world->savepoints = to + 1;
}

static void use_reader(struct world *world) {
    if (!world->reader) return;
    if (sqlite3_get_autocommit(world->reader)) {
        if (once_in(world, 3)) return ask(world, world->reader, &world->committed);
        sql_run(world->reader, "BEGIN; SELECT 1 FROM plain LIMIT 1");
        world->read = world->committed;
    } else if (once_in(world, 12)) {
        sql_run(world->reader, "COMMIT");
    } else {
        ask(world, world->reader, &world->read);
    }
}

static void change_table(struct world *world) {
    bool alone = sqlite3_get_autocommit(world->db);
    if (!world->now.extra && once_in(world, 4)) {
        sql_command(world->db, "main", "t", "add column extra INTEGER");
        world->now.extra = true;
    } else {
        world->now.summary = below(world, world->now.extra ? SUMMARIES : WITHOUT_EXTRA);
        sql_command(world->db, "main", "t", summaries[world->now.summary].option);
    }
    if (alone) world->committed = world->now;
}

static void do_something(struct world *world) {
    static const char *const commands[] = {"flush", "flush", "optimize", "vacuum"};
    switch (below(world, 24)) {
    case 0:
        return begin(world);
    case 1:
    case 2:
        return set_savepoint(world);
    case 3:
    case 4:
        return leave_savepoint(world);
    case 5:
    case 6:
        return end(world);
    case 7:
        return sql_command(world->db, "main", "t", commands[below(world, 4)]);
    case 8:
        if (world->memory || !sqlite3_get_autocommit(world->db) || !once_in(world, 3)) return;
        close_world(world);
        return open_world(world);
    case 9:
        if (once_in(world, 3)) change_table(world);
        return;
    default:
        if (once_in(world, 3)) begin(world);
        write_something(world);
    }
}

static void create(struct world *world) {
    char *options = sqlite3_mprintf("path, size INTEGER, score REAL, anything, owner TEXT, note, %s, %s",
                                    summaries[world->now.summary].option, limits[below(world, 4)]);
    sql_create(world->db, "t", options);
    sql_run(world->db, schema);
    for (int art = 0; art < 2; art++) {
        char *text = text_for(jobs, art);
        sql_run(world->db, "%s", text);
        sqlite3_free(text);
    }
    sqlite3_free(options);
}

LOOP_TEST(test_what_is_summed_up_and_looked_up_is_what_an_ordinary_table_says, WORLDS) {
    struct world world = {.random = {random_seed() + (uint64_t)_i}, .memory = _i % 6 == 5, .huge = _i % 4 == 1};
    printf("summaries: seed %llu\n", (unsigned long long)world.random.state);
    pages_of_blobs = _i % 4 == 3 ? 0 : 3 + below(&world, 4);
    world.now.summary = below(&world, WITHOUT_EXTRA);
    world.committed = world.now;
    world.directory = sql_scratch("summaries");
    world.path = sqlite3_mprintf("%s/s.db", world.directory);
    open_world(&world);
    create(&world);
    for (unsigned step = random_rounds(1200); step--;) {
        do_something(&world);
        if (once_in(&world, 2)) ask(&world, world.db, &world.now);
        if (once_in(&world, 3)) use_reader(&world);
        if (step % 50 == 0) check_all(&world, world.db, &world.now);
        bool reading = world.reader && !sqlite3_get_autocommit(world.reader);
        if (reading && step % 50 == 1) check_all(&world, world.reader, &world.read);
    }
    printf("%u statements, %u of them refused, %u sums that overflow\n", world.statements, world.refused,
           world.overflows);
    note_compared(world.statements);
    close_world(&world);
    sql_scratch_remove(world.directory);
    sqlite3_free(world.directory);
    sqlite3_free(world.path);
}

int main(void) {
    return differential_run((struct suite_case){.name = "the model of summaries", .seconds = SUITE_FOREVER});
}
