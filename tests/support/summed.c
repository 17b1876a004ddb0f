#include "tests/support/summed.h"

#include <string.h>

#include "tests/support/sql_expect.h"

enum { DIRECTORIES = 24, FILES = 50, COLUMNS = 4 };

static const char *const columns[] = {"size", "score", "anything", "extra"}; /* the last may come later, or never */

/* For each column what a level shows of it: s the sum, - the least value, + the largest, a blank nothing. */
static const struct {
    const char *option, *shown;
} summaries[] = {
    {"summary=()", "    "},
    {"summary=(max(size))", "+   "},
    {"summary=(sum(size), max(score))", "s+  "},
    {"summary='max(score), sum(size), min(anything)'", "s+- "},
    {"SUMMARY = (sum(anything))", "  s "},
    {"summary=(sum(anything), sum(score), sum(size))", "sss "},
    {"summary=(sum(size), min(score), lookup(size))", "s-  "},
    {"summary=(min(anything), sum(score))", " s- "},
    {"summary=(min(\"size\"))", "-   "},
    {"summary=(sum(size),sum(anything), lookup(owner))", "s s "},
    {"summary=(sum(size), sum(score), sum(anything), lookup(owner), lookup(anything))", "sss "},
    {"summary=(max(size), lookup(size), min(anything))", "+ - "},
    {"summary=(lookup(size), max(score), lookup(anything))", " +  "},
    {"summary=(lookup(owner), lookup(size), lookup(note))", "    "},
    {"summary=(sum(extra), max(size), lookup(extra))", "+  s"},
    {"summary=(max(extra), sum(size), sum(anything), lookup(owner))", "s s+"},
};
_Static_assert(sizeof summaries / sizeof *summaries == SUMMED_SUMMARIES, "the enum counts them");

static const char *const limits[] = {"log_limit='2KB'",
                                     "log_limit='2KB', spill_limit='8KB'",
                                     "log_limit='4KB', spill_limit='4KB'",
                                     "log_limit='16KB', spill_limit='64KB'",
                                     "log_limit='8KB', spill_limit='1MB'",
                                     "log_limit='1MB'",
                                     "log_limit='1KB'"};
enum { LIMITS = sizeof limits / sizeof *limits };

/* --- values and conditions ---------------------------------------------------------------------------------------- */

/* One that is written. Few are met often, so that ties are. */
static char *value(struct both *both) {
    long long n = below(both, 1000);
    unsigned kind = below(both, 15);
    if (both->huge && once_in(both, 12))
        return sqlite3_mprintf("%lld", n % 2 ? INT64_MAX - n * 1000 : -INT64_MAX + n * 900);
    if (both->integers && kind) kind = kind % 2 ? 4 : 9;
    switch (kind) {
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
        return sqlite3_mprintf("9007199254740993.0 + %lld", n);
    case 7:
        return sqlite3_mprintf(n % 3 ? "1e300" : "-1e300");
    case 8:
        return sqlite3_mprintf("%lld", -9000000000000000 - n);
    case 9:
    case 10:
        return sqlite3_mprintf("%lld", n % 3);
    default:
        return sqlite3_mprintf("%lld", n - 300);
    }
}

static char *asked_value(struct both *both) {
    static const char *const limits_of_numbers[] = {"-9e999", "9223372036854775807", "9e999"};
    return once_in(both, 8) ? sqlite3_mprintf("%s", limits_of_numbers[below(both, 3)]) : value(both);
}

static char *owner(struct both *both) {
    static const char *const owners[] = {"'root'", "'www'", "'backup'", "'1'", "1", "NULL"};
    return sqlite3_mprintf("%s", owners[below(both, 6)]);
}

static const char *column(struct both *both, const struct both_state *state) {
    return columns[below(both, state->extra ? 4 : 3)];
}

static const char *direction(struct both *both) {
    return once_in(both, 2) ? "DESC" : "ASC";
}

/* `table` is its name with a dot, or nothing; so below. */
static char *path_condition(struct both *both, const char *table) {
    unsigned d = below(both, DIRECTORIES + 1), f = below(both, FILES), e = below(both, DIRECTORIES);
    switch (below(both, 8)) {
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
    case 6:
        return sqlite3_mprintf("1");
    default:
        return sqlite3_mprintf("%spath < 'd%02u/f%03u'", table, d, f);
    }
}

static char *version_condition(struct both *both, sqlite3 *db, const char *table) {
    static const char *const forms[] = {"> %lld",
                                        "> %lld",
                                        "> %lld",
                                        "> %lld",
                                        ">= %lld",
                                        "= %lld",
                                        "IS %lld",
                                        "> %lld.5",
                                        ">= %lld.5",
                                        "BETWEEN %lld AND %lld",
                                        "> '%lld'",
                                        "IN (%lld, %lld)",
                                        "> (SELECT max(v) - %lld FROM plain)"};
    enum { FORMS = sizeof forms / sizeof *forms };
    long long top = sql_int(db, "SELECT coalesce(max(v), 0) FROM plain"), since = top;
    unsigned form = below(both, FORMS);
    if (once_in(both, 2)) since = below(both, (uint32_t)top + 3);
    if (once_in(both, 3)) since = top - below(both, 6);
    char *is =
        sqlite3_mprintf(forms[form], form == FORMS - 1 ? (long long)below(both, 5) : since, since + below(both, 5));
    if (once_in(both, 12)) return sqlite3_mprintf("({%sversion|%sv} %z OR %ssize > 900)", table, table, is, table);
    return sqlite3_mprintf("{%sversion|%sv} %z", table, table, is);
}

static char *condition(struct both *both, sqlite3 *db, const struct both_state *state, const char *table) {
    static const char *const comparisons[] = {">", ">=", "<", "<=", "=", "IS", "<>"};
    const char *name = column(both, state), *comparison = comparisons[below(both, 7)];
    char *one = asked_value(both), *two = asked_value(both), *who = owner(both), *out;
    switch (below(both, 14)) {
    case 0:
        out = sqlite3_mprintf("%s%s IS %sNULL", table, name, once_in(both, 2) ? "NOT " : "");
        break;
    case 1:
        out = sqlite3_mprintf("%s%s BETWEEN %d AND %s", table, name, below(both, 300), one);
        break;
    case 2:
        out = sqlite3_mprintf("%s%s IN (%s, %s, '7', 1)", table, name, one, two);
        break;
    case 3:
        out =
            sqlite3_mprintf("(%s%s %s %s OR %s%s = %s)", table, name, comparison, one, table, column(both, state), two);
        break;
    case 4:
        out = sqlite3_mprintf("%s%s %s (SELECT max(size) FROM {t|plain} WHERE path > 'd%02u')", table, name, comparison,
                              below(both, DIRECTORIES));
        break;
    case 5:
    case 6:
        out = sqlite3_mprintf("%sowner %s %s", table, once_in(both, 3) ? "IS" : "=", who);
        break;
    case 7:
        out = sqlite3_mprintf("%sowner IN (%s, 'www')", table, who);
        break;
    case 8:
        out = both->newer ? version_condition(both, db, table) : sqlite3_mprintf("%s%s > -9e18", table, name);
        break;
    case 9:
    case 10:
        out = path_condition(both, table);
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
static char *conditions(struct both *both, sqlite3 *db, const struct both_state *state, const char *table) {
    bool newer = both->newer && once_in(both, both->newer);
    char *out = newer ? version_condition(both, db, table) : condition(both, db, state, table);
    for (unsigned more = below(both, 3); more; more--) {
        out = sqlite3_mprintf("%z AND %z", out, condition(both, db, state, table));
    }
    return out;
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

static const char schema[] =
    "CREATE TABLE plain(path TEXT PRIMARY KEY, size INTEGER, score REAL, anything, owner TEXT, note, extra INTEGER, v "
    "INTEGER) "
    "WITHOUT ROWID;"
    "CREATE TRIGGER came AFTER INSERT ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TRIGGER changed AFTER UPDATE OF path, size, score, anything, owner, note, extra ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TABLE kept(path TEXT PRIMARY KEY);"
    "INSERT INTO kept VALUES('d03/f001'), ('d11/f030'), ('d23/f049'), ('d24/f000'), ('d07/f008')";

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

static void create(struct both *both, const char *limit) {
    char *options = sqlite3_mprintf("path, size INTEGER, score REAL, anything, owner TEXT, note, %s, %s",
                                    summaries[both->now.summary].option, limit);
    if (both->inlined) {
        sql_run(both->db, "CREATE VIRTUAL TABLE t USING art(%s, storage=inline)", options);
    } else {
        sql_create(both->db, "t", options);
    }
    sql_run(both->db, schema);
    for (int art = 0; art < 2; art++) {
        char *text = text_for(jobs, art);
        sql_run(both->db, "%s", text);
        sqlite3_free(text);
    }
    sqlite3_free(options);
}

void summed_change(struct both *both) {
    if (!both->now.extra && once_in(both, 4)) {
        sql_command(both->db, "main", "t", "add column extra INTEGER");
        both->now.extra = true;
    } else {
        both->now.summary = below(both, both->now.extra ? SUMMED_SUMMARIES : SUMMED_WITHOUT_EXTRA);
        sql_command(both->db, "main", "t", summaries[both->now.summary].option);
    }
}

static char *some_insert(struct both *both, unsigned d, unsigned f) {
    static const char *const ways[] = {"INSERT OR REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT",
                                       "INSERT OR FAIL"};
    const char *way = ways[below(both, 5)];
    char *one = value(both), *two = value(both), *who = owner(both);
    unsigned n = below(both, 1000);
    switch (below(both, 5)) {
    case 0: /* with a value in chunks */
        return sqlite3_mprintf("%s INTO {t|plain}(path, size, score, anything, note, owner) "
                               "VALUES('d%02u/f%03u', %z, 7, %z, zeroblob(%u), %z)",
                               way, d, f, one, two, n % 9 ? 4000 + 30 * n : 70000, who);
    case 1:
    case 2:
        return sqlite3_mprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
                               "%s INTO {t|plain}(path, size, score, anything, owner, note) "
                               "SELECT printf('d%02u/f%%03d', i * 7 %% %u), i * %u, i / 3.0, iif(i %% 5, %z, %z), "
                               "iif(i %% 4, %z, 'o' || i %% 9), substr(hex(zeroblob(40)), 1 + i %% 60) FROM n",
                               f, way, d, FILES, n, one, two, who);
    default:
        return sqlite3_mprintf("%s INTO {t|plain}(path, %s, score, owner) VALUES('d%02u/f%03u', %z, %z, %z)", way,
                               once_in(both, 2) ? "size" : "anything", d, f, one, two, who);
    }
}

/* Onto other rows, maybe; a path that is set to itself would not be written. */
static char *some_move(struct both *both, unsigned d, unsigned f) {
    static const char *const ways[] = {"OR REPLACE", "OR REPLACE", "OR IGNORE", ""};
    const char *way = ways[below(both, 4)], *name = column(both, &both->now);
    unsigned from = (d + 1 + below(both, DIRECTORIES - 1)) % DIRECTORIES;
    switch (below(both, 3)) {
    case 0:
        return sqlite3_mprintf(
            "UPDATE %s {t|plain} SET path = 'd%02u' || substr(path, 4) WHERE path GLOB 'd%02u/f0%u*'", way, d, from,
            f / 10);
    case 1:
        return sqlite3_mprintf("UPDATE %s {t|plain} SET path = 'd%02u/f%03u', %s = %z WHERE path = 'd%02u/f%03u'", way,
                               d, f, name, value(both), from, f);
    default:
        return sqlite3_mprintf("UPDATE %s {t|plain} SET path = 'd%02u/f%03u' WHERE path = 'd%02u/f%03u'", way, d, f,
                               from, below(both, FILES));
    }
}

static char *some_update(struct both *both, unsigned d, unsigned f) {
    const char *name = column(both, &both->now);
    switch (below(both, 5)) {
    case 0:
        return sqlite3_mprintf("UPDATE {t|plain} SET size = size %% 1000 + 1 WHERE path GLOB 'd%02u/*' "
                               "AND typeof(size) = 'integer'",
                               d);
    case 1:
        return sqlite3_mprintf("UPDATE {t|plain} SET %s = other.value, owner = 'from' FROM (SELECT 'd%02u/f%03u' AS "
                               "path, %z AS value UNION ALL SELECT 'd%02u/f%03u', %u) AS other "
                               "WHERE {t|plain}.path = other.path",
                               name, d, f, value(both), d, f + 1, f);
    case 2:
        return sqlite3_mprintf("UPDATE {t|plain} SET %s = %z, owner = %z WHERE %z AND path > 'd%02u'", name,
                               value(both), owner(both), condition(both, both->db, &both->now, ""), d);
    case 3:
        return sqlite3_mprintf("UPDATE {t|plain} SET anything = size, size = NULL WHERE path GLOB 'd%02u/f0%u*'", d,
                               f / 10);
    default:
        return sqlite3_mprintf("UPDATE {t|plain} SET %s = %z WHERE path > 'd%02u/f%03u' AND path < 'd%02u/f%03u'", name,
                               value(both), d, f, d, f + 5);
    }
}

static char *some_job(struct both *both, unsigned d, unsigned f) {
    if (once_in(both, 5)) return sqlite3_mprintf("DELETE FROM {jobs_t|jobs_plain} WHERE path GLOB 'd%02u/*'", d);
    return sqlite3_mprintf("INSERT INTO {jobs_t|jobs_plain} VALUES('d%02u/f%03u', %z, %z), ('d%02u/f%03u', %d, 'job')",
                           d, f, value(both), value(both), below(both, DIRECTORIES), f, (int)below(both, 40) - 9);
}

static void write_something(struct both *both) {
    unsigned d = below(both, DIRECTORIES), f = below(both, FILES);
    unsigned from = (d + 1 + f % (DIRECTORIES - 1)) % DIRECTORIES;
    switch (below(both, 14)) {
    case 0:
        return both_write(both, sqlite3_mprintf("DELETE FROM {t|plain} WHERE path GLOB 'd%02u/*'", d));
    case 1:
        return both_write(both, sqlite3_mprintf("DELETE FROM {t|plain} WHERE %z AND path GLOB '*%u'",
                                                condition(both, both->db, &both->now, ""), f % 10));
    case 2:
    case 3:
        return both_write(both, some_move(both, d, f));
    case 4:
    case 5:
    case 6:
        return both_write(both, some_update(both, d, f));
    case 7:
        return both_write(both, some_job(both, d, f));
    case 8:
        return both_write(both, sqlite3_mprintf("INSERT OR REPLACE INTO {t|plain}(path, size, anything, owner) SELECT "
                                                "'d%02u' || substr(path, 4), score, size, owner FROM {t|plain} "
                                                "WHERE path GLOB 'd%02u/*'",
                                                d, from));
    default:
        return both_write(both, some_insert(both, d, f));
    }
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

static const char *version(const struct both *both) {
    return both->versions ? "{version|v}" : "0";
}

/* What a level shows of a column; of a row by itself, its own value. SQLite sums up groups of which none is asked, too:
 * there it is kept from overflowing. */
static char *shown(const char *name, char how, unsigned asked) {
    const char *of_all = how == 's' ? "exact_sum" : how == '-' ? "min" : how == '+' ? "max" : "NULL + max";
    return sqlite3_mprintf("alike({%s|iif(max(rolled), %s(iif(unicode(substr(path, 3)) %% %u, NULL, %s)), max(%s))})",
                           name, of_all, asked, name, name);
}

/* Some of its columns are asked of some rows only: 1 means of all. */
static char *listing(struct both *both, const struct both_state *state, const char *prefix, const char *delimiter,
                     unsigned some, unsigned others, const char *where) {
    const char *how = summaries[state->summary].shown;
    int at = (int)strlen(prefix), len = (int)strlen(delimiter);
    char *each[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        each[i] = i == 3 && !state->extra ? sqlite3_mprintf("NULL") : shown(columns[i], how[i], i ? 1 : others);
    return sqlite3_mprintf(
        "SELECT path, iif(unicode(substr(path, 3)) %% %u, 1, {entries|iif(max(rolled), count(*), NULL)}), "
        "iif(unicode(substr(path, 3)) %% %u, 2, %z), %z, %z, %z FROM {t('%s', '%s')|"
        "(SELECT iif(rolled, substr(path, 1, rolled + %d), path) AS path, rolled, size, score, anything, extra FROM "
        "(SELECT *, instr(substr(path, %d), '%s') AS rolled FROM plain WHERE path GLOB '%s*'))} "
        "WHERE %s {|GROUP BY path} ORDER BY path %s",
        some, others, each[0], each[1], each[2], each[3], prefix, delimiter, at + len - 1, at + 1, delimiter, prefix,
        where, direction(both));
}

char *summed_listing(struct both *both, sqlite3 *db, const struct both_state *state) {
    static const char *const prefixes[] = {"", "d", "d0", "d1", "d03/", "d07/f", "d2"};
    static const char *const delimiters[] = {"/", "/f", "1", "0", "f0"};
    char where[32];
    (void)db;
    if (once_in(both, 3)) return listing(both, state, prefixes[below(both, 2)], "/", 1, 1, "1");
    sqlite3_snprintf(sizeof where, where, "path GLOB 'd*[%u-9]*'", below(both, 7));
    return listing(both, state, prefixes[below(both, 7)], delimiters[below(both, 5)], 1 + below(both, 3),
                   1 + below(both, 3), once_in(both, 2) ? where : "1");
}

static char *some_prefix(struct both *both) {
    static const char *const forms[] = {"", "d%u", "d%02u/", "d%02u/f%02u", "d%02u/f%03u"};
    unsigned form = below(both, 5), d = below(both, DIRECTORIES + 2), f = below(both, FILES);
    return sqlite3_mprintf(forms[form], form == 1 ? d / 10 : d, form == 3 ? f / 10 : f);
}

static char *function(struct both *both, sqlite3 *db, const struct both_state *state, unsigned i) {
    const char *name = columns[i];
    char how = summaries[state->summary].shown[i], *prefix = some_prefix(both), *text = NULL;
    if (how == ' ') {
        ck_assert_int_eq(sql_try(db, "SELECT art_max('t', '%s', '%s')", name, prefix), SQLITE_ERROR);
        ck_assert(strstr(sqlite3_errmsg(db), "the column has no max") != NULL);
    } else if (how == 's' && once_in(both, 2)) {
        text = sqlite3_mprintf("SELECT {art_sum('t', '%s', '%s')|exact_sum(%s) FROM plain WHERE path GLOB '%s*'}", name,
                               prefix, name, prefix);
    } else {
        text = sqlite3_mprintf("SELECT alike({art_min('t', '%s', '%s')|min(%s)}), alike({art_max('t', '%s', '%s')|"
                               "max(%s)}) {|FROM plain WHERE path GLOB '%s*'}",
                               name, prefix, name, name, prefix, name, prefix);
    }
    sqlite3_free(prefix);
    return text;
}

char *summed_function(struct both *both, sqlite3 *db, const struct both_state *state) {
    return function(both, db, state, below(both, state->extra ? 4 : 3));
}

/* A table, or its part below a prefix, by its argument. */
static char *some_part(struct both *both) {
    if (once_in(both, 2)) return sqlite3_mprintf("{t|plain} WHERE");
    char *prefix = some_prefix(both),
         *text = sqlite3_mprintf("{t('%s')|plain} WHERE {1|path GLOB '%s*'} AND", prefix, prefix);
    sqlite3_free(prefix);
    return text;
}

/* The values; with the path as the second order the rows, too. Else rows with one value come in any order: all of them
 * are rows, and none comes twice. */
char *summed_best(struct both *both, sqlite3 *db, const struct both_state *state) {
    const char *name = column(both, state), *order = direction(both);
    char *where = once_in(both, 2) ? conditions(both, db, state, "") : path_condition(both, "");
    unsigned limit = below(both, 40), offset = once_in(both, 3) ? below(both, 9) : 0;
    bool by_path = once_in(both, 2);
    char *from = sqlite3_mprintf("%z %z ORDER BY %s %s%s LIMIT %u OFFSET %u", some_part(both), where, name, order,
                                 by_path ? ", path" : "", limit, offset);
    if (by_path) return sqlite3_mprintf("SELECT path, alike(%s) FROM %z", name, from);
    if (once_in(both, 2)) return sqlite3_mprintf("SELECT alike(%s) FROM %z", name, from);
    return sqlite3_mprintf(
        "SELECT count(*), count(DISTINCT a.path), alike(max(a.%s)) FROM (SELECT *, %s AS w FROM %z) a, "
        "plain b WHERE a.path = b.path AND a.size IS b.size AND a.score IS b.score AND a.anything IS "
        "b.anything AND a.owner IS b.owner AND a.note IS b.note AND a.w = %s",
        name, version(both), from, both->versions ? "b.v" : "0");
}

char *summed_rows(struct both *both, sqlite3 *db, const struct both_state *state) {
    return sqlite3_mprintf("SELECT path, size, score, anything, owner, length(note), %s, %s FROM {t|plain} WHERE %z "
                           "ORDER BY path %s LIMIT %u OFFSET %u",
                           state->extra ? "extra" : "NULL", version(both), conditions(both, db, state, ""),
                           direction(both), once_in(both, 2) ? 9999 : below(both, 20),
                           once_in(both, 3) ? below(both, 9) : 0);
}

char *summed_aggregates(struct both *both, sqlite3 *db, const struct both_state *state) {
    const char *name = column(both, state), *other = column(both, state);
    char *where = once_in(both, 4) ? sqlite3_mprintf("1") : conditions(both, db, state, "");
    switch (below(both, 5)) {
    case 0:
    case 1:
        return sqlite3_mprintf("SELECT alike(best) FROM (SELECT %s(%s) AS best FROM %z %z)",
                               once_in(both, 2) ? "max" : "min", name, some_part(both), where);
    case 2:
        return sqlite3_mprintf("SELECT owner, count(*), exact_sum(%s), alike(min(%s)) FROM {t|plain} WHERE %z "
                               "GROUP BY owner ORDER BY owner",
                               name, other, where);
    case 3:
        return sqlite3_mprintf("SELECT substr(path, 1, 4) AS level, count(*), exact_sum(%s) FROM {t|plain} WHERE %z "
                               "GROUP BY level",
                               name, where);
    default:
        return sqlite3_mprintf("SELECT count(*), exact_sum(%s), alike(min(%s)), alike(max(%s)), count(DISTINCT owner), "
                               "max(%s) FROM {t|plain} WHERE %z",
                               name, other, name, version(both), where);
    }
}

/* Rows that others name, or with a value that others have. */
char *summed_join(struct both *both, sqlite3 *db, const struct both_state *state) {
    const char *name = once_in(both, 2) ? "owner" : once_in(both, 6) ? "note" : column(both, state);
    char *where = conditions(both, db, state, "a."), *of = path_condition(both, "");
    switch (below(both, 4)) {
    case 0:
        return sqlite3_mprintf(
            "SELECT count(*), exact_sum(a.size), max(a.path) FROM (SELECT DISTINCT %s AS x FROM plain "
            "WHERE %z LIMIT 9) AS b CROSS JOIN {t|plain} AS a ON a.%s = b.x WHERE %z",
            name, of, name, where);
    case 1:
        return sqlite3_mprintf("SELECT a.path, a.%s FROM {t|plain} AS a WHERE a.%s IN (SELECT %s FROM plain WHERE %z) "
                               "AND %z ORDER BY a.path",
                               name, name, name, of, where);
    case 2:
        sqlite3_free(of);
        return sqlite3_mprintf(
            "SELECT a.path, a.%s FROM {t|plain} AS a, kept WHERE kept.path = a.path AND %z ORDER BY 1", name, where);
    default:
        sqlite3_free(of);
        return sqlite3_mprintf("SELECT k.path, a.%s FROM kept AS k LEFT JOIN {t|plain} AS a ON a.path = k.path AND %z "
                               "ORDER BY 1",
                               name, where);
    }
}

/* --- a history ---------------------------------------------------------------------------------------------------- */

static void ask(struct both *both, sqlite3 *db, const struct both_state *state) {
    unsigned count = 0;
    while (both->questions[count]) count++;
    char *text = both->questions[below(both, count)](both, db, state);
    if (text) both_same(both, db, text);
}

static void check_all(struct both *both, sqlite3 *db, const struct both_state *state) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    both_same(both, db, listing(both, state, "", "/", 1, 1, "1"));
    for (unsigned i = 0; i < (state->extra ? 4 : 3); i++) {
        char *text = function(both, db, state, i);
        if (text) both_same(both, db, text);
    }
    both_same(both, db,
              sqlite3_mprintf("SELECT path, size, score, anything, owner, note, %s, %s FROM {t|plain} ORDER BY "
                              "path",
                              state->extra ? "extra" : "NULL", version(both)));
}

void summed_history(struct both *both, const char *name, unsigned number, unsigned steps) {
    both->write = write_something;
    both->ask = ask;
    both->check = check_all;
    both_open(both, name);
    create(both, limits[number % LIMITS]);
    both_go(both, random_rounds(steps));
    both_close(both);
}
