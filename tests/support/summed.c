#include "tests/support/summed.h"

#include <string.h>

#include "tests/support/grammar.h"
#include "tests/support/sql_expect.h"

enum { COLUMNS = 4 };

TEXTS(columns, "size", "score", "anything", "extra"); /* the last may come later, or never */

/* For each column what a level shows of it: s the sum, - the least value, + the largest, a blank nothing. */
static const struct {
    const char *option, *shown;
} summaries[] = {
    {"summary=()", "    "},
    {"summary=(max(size))", "+   "},
    {"summary=(sum(size), max(score), search(path))", "s+  "},
    {"summary='max(score), sum(size), min(anything)'", "s+- "},
    {"SUMMARY = (sum(anything))", "  s "},
    {"summary=(sum(anything), hash(*), max(score), sum(size), search(path))", "s+s "},
    {"summary=(sum(size), min(score), lookup(size))", "s-  "},
    {"summary=(min(anything), max(score))", " +- "},
    {"summary=(min(\"size\"))", "-   "},
    {"summary=(sum(size),sum(anything), lookup(owner), search(path))", "s s "},
    {"summary=(sum(size), min(score), sum(anything), lookup(owner), lookup(anything))", "s-s "},
    {"summary=(max(size), lookup(size), min(anything))", "+ - "},
    {"summary=(lookup(size), max(score), lookup(anything))", " +  "},
    {"summary=(lookup(owner), lookup(size), lookup(note))", "    "},
    {"summary=(sum(extra), max(size), lookup(extra), hash(values), hash(*))", "+  s"},
    {"summary=(max(extra), sum(size), sum(anything), lookup(owner))", "s s+"},
};
_Static_assert(LENGTH(summaries) == SUMMED_SUMMARIES, "the enum counts them");

TEXTS(limits, "log_limit='2KB'", "log_limit='2KB', spill_limit='8KB'", "log_limit='4KB', spill_limit='4KB'",
      "log_limit='16KB', spill_limit='64KB'", "log_limit='8KB', spill_limit='1MB'", "log_limit='1MB'",
      "log_limit='1KB'");
enum { LIMITS = LENGTH(limits) };

/* --- what is drawn ------------------------------------------------------------------------------------------------ */

/* Before a column of a condition stands `a`: the table's name with a dot, or nothing. What is drawn `apart` is two
 * directories: a path that is set to itself would not be written. */
static const char *const rules[] = {
    /* values: few are met often, so that ties are */
    "any: NULL | 't$(0-39)' | x'$hex$hex' | $(|-)$(0-499).25 | 900719925474$(0993-1992) | '$(0-49)' | "
    "9007199254740993.0 + $(0-999) | $(2*1e300|-1e300) | -900000000000$(0000-0999) | 2*$(0-2) | 4*$small",
    "hex: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | a | b | c | d | e | f", "small: 7*$(0-699) | 3*-$(1-300)",
    "huge: 922337203685$(3775807-4775807) | -922337203685$(3876707-4775807)",
    "integer: NULL | 7*900719925474$(0993-1992) | 7*$(0-2)",
    "asked: 21*$value | -9e999 | 9223372036854775807 | 9e999 | 2*$edge",
    /* what is no double lies between two of them, where a part of a table has nothing that is larger */
    "edge: $(|-)900719925474099$(0-5)", "owner: 'root' | 'www' | 'backup' | '1' | 1 | NULL", "key: d$dir/f$file",
    "dir: $(00-23)", "file: $(000-049)", "apart: $(to:=$(00-11))$(from:=$(12-23)) | $(to:=$(12-23))$(from:=$(00-11))",
    /* conditions */
    "a: ", "path: $($a)path",
    "path_is: $path GLOB 'd$(00-24)/*' | $path GLOB 'd$(0-2)*' | "
    "$path > 'd$(t=$(0-1))$(0-4)/f$file' AND $path <= 'd$t$(5-9)' | $path IN ('$key', 'd$(e=$dir)/f001', 'd$e/f$file') "
    "| $path >= '$key' | $path BETWEEN 'd$dir' AND '$key' | 1 | $path < '$key'",
    "newer: 11*$version_of_it $newer_than | ($version_of_it $newer_than OR $($a)size > 900)",
    "version_of_it: {$($a)row_version|$($a)v}",
    "newer_than: 4*> $since | >= $since | = $since | IS $since | > $since.5 | >= $since.5 | BETWEEN $since AND $since "
    "| > '$since' | IN ($since, $since) | > (SELECT max(v) - $(0-4) FROM plain)",
    "compared: > | >= | < | <= | = | IS | <>",
    "condition: $a$column IS $(|NOT )NULL | $a$column BETWEEN $(0-299) AND $asked | "
    "$a$column IN ($asked, $asked, '7', 1) | ($a$column $compared $asked OR $a$column = $asked) | "
    "$a$column $compared (SELECT max(size) FROM {t|plain} WHERE path > 'd$dir') | 2*$($a)owner $(2*=|IS) $owner | "
    "$($a)owner IN ($owner, 'www') | $maybe_newer | 2*$path_is | 3*$a$column $compared $asked",
    "conditions: $first | $first AND $condition | $first AND $condition AND $condition",
    /* what is written */
    "write: $apart$directory; UPDATE none SET x = 0 | DELETE FROM {t|plain} WHERE path GLOB 'd$dir/*' | DELETE FROM "
    "{t|plain} WHERE $condition AND path GLOB '*$(0-9)' | 2*$apart$move | 3*$update | $job | 5*$insert | $apart INSERT "
    "OR REPLACE INTO {t|plain}(path, size, anything, owner) SELECT 'd$to' || substr(path, 4), score, size, owner FROM "
    "{t|plain} WHERE path GLOB 'd$from/*'",
    /* A directory as one thing, of which the listing, or a command, counts one row: here both tables have one change.
     * Whatever stands at the target refuses it. */
    "directory: $(|INSERT INTO t(t) VALUES('flush'); ){INSERT INTO t(t, prefix) VALUES('delete', "
    "'d$from/$(d=|f0$(0-4))')|DELETE FROM plain WHERE path GLOB 'd$from/$d*'} | {DELETE FROM t WHERE prefix = "
    "'d$(d=$(0-2))' AND delimiter = '/' AND entries $(e=< 40|> 30)|DELETE FROM plain WHERE substr(path, 1, 4) IN "
    "(SELECT substr(path, 1, 4) FROM plain WHERE path GLOB 'd$d*/*' GROUP BY 1 HAVING count(*) $e)} | {UPDATE t SET "
    "path = 'd$to/' WHERE prefix = '' AND delimiter = '/' AND path = 'd$from/'|$taken UPDATE plain SET path = 'd$to' "
    "|| substr(path, 4) WHERE path GLOB 'd$from/*'} | {INSERT INTO t(t, prefix, path) VALUES('move', 'd$from/', "
    "'d$to/')|$taken UPDATE plain SET path = 'd$to' || substr(path, 4) WHERE path GLOB 'd$from/*'} | {INSERT INTO t(t, "
    "prefix, path) VALUES('copy', 'd$from/', 'd$to/')|$taken INSERT INTO plain(path, size, score, anything, owner, "
    "note$more) SELECT 'd$to' || substr(path, 4), size, score, anything, owner, note$more FROM plain WHERE path GLOB "
    "'d$from/*'}",
    "taken: INSERT INTO none SELECT 9 FROM plain WHERE path GLOB 'd$to/*' AND EXISTS (SELECT 1 FROM plain WHERE path "
    "GLOB 'd$from/*') LIMIT 1;",
    "way: 2*INSERT OR REPLACE | INSERT OR IGNORE | INSERT | INSERT OR FAIL",
    "insert: $way INTO {t|plain}(path, size, score, anything, note, owner) " /* with a value in chunks */
    "VALUES('$key', $value, 7, $value, zeroblob($(8*$(4000-34000)|70000)), $owner) | "
    "2*WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $(0-49)) $way INTO {t|plain}(path, "
    "size, score, anything, owner, note) SELECT printf('d$dir/f%03d', i * 7 % 50), i * $(0-999), i / 3.0, iif(i % 5, "
    "$value, $value), iif(i % 4, $owner, 'o' || i % 9), substr(hex(zeroblob(40)), 1 + i % 60) FROM n | "
    "2*$way INTO {t|plain}(path, $(size|anything), score, owner) VALUES('$key', $value, $value, $owner)",
    "move: UPDATE $conflict {t|plain} SET path = 'd$to' || substr(path, 4) WHERE path GLOB 'd$from/f0$(0-4)*' | UPDATE "
    "$conflict {t|plain} SET path = 'd$to/f$file', $column = $value WHERE path = 'd$from/f$file' | "
    "UPDATE $conflict {t|plain} SET path = 'd$to/f$file' WHERE path = 'd$from/f$file'", /* onto another row, maybe */
    "conflict: 2*OR REPLACE | OR IGNORE | ",
    "update: UPDATE {t|plain} SET size = size % 1000 + 1 WHERE path GLOB 'd$dir/*' AND typeof(size) = 'integer' | "
    "UPDATE {t|plain} SET $column = iif(path GLOB '*$(0-9)', .5, $edge) WHERE path GLOB 'd$(0-2)$(|$(0-9)/)*' | "
    "UPDATE {t|plain} SET $column = other.value, owner = 'from' FROM (SELECT 'd$dir/f$(000-024)' AS path, $value AS "
    "value UNION ALL SELECT 'd$dir/f$(025-050)', $(0-49)) AS other WHERE {t|plain}.path = other.path | "
    "UPDATE {t|plain} SET $column = $value, owner = $owner WHERE $condition AND path > 'd$dir' | "
    "UPDATE {t|plain} SET anything = size, size = NULL WHERE path GLOB 'd$dir/f0$(0-4)*' | UPDATE {t|plain} SET "
    "$column = $value WHERE path > 'd$(d=$dir)/f0$(t=$(0-4))$(0-4)' AND path < 'd$d/f0$t$(5-9)'",
    "job: 4*INSERT INTO {jobs_t|jobs_plain} VALUES('$key', $value, $value), ('$key', $(3*$(0-30)|-$(1-9)), 'job') | "
    "DELETE FROM {jobs_t|jobs_plain} WHERE path GLOB 'd$dir/*'",
    /* what is asked: a table, or its part below a prefix, by its argument */
    "part: {t|plain} WHERE | {t('$(p=$prefix)')|plain} WHERE {1|path GLOB '$p*'} AND",
    "prefix: | d$(0-2) | d$(00-25)/ | d$(00-25)/f$(00-04) | d$(00-25)/f$file", "order: ASC | DESC",
    "offset: OFFSET $(2*0|$(0-8))", "some: 3*$conditions | 1",
    /* The values; with the path as the second order the rows, too. Else rows with one value come in any order: all of
     * them are rows, and none comes twice. */
    "best: $(c:=$column)$best_of_it",
    "best_of_it: 2*SELECT path, alike($c) FROM $sorted, path $limit | SELECT alike($c) FROM $sorted $(|$limit) | "
    "SELECT count(*), count(DISTINCT a.path), alike(max(a.$c)) FROM (SELECT *, $version AS w FROM $sorted $limit) a, "
    "plain b WHERE a.path = b.path AND a.size IS b.size AND a.score IS b.score AND a.anything IS b.anything AND "
    "a.owner IS b.owner AND a.note IS b.note AND a.w = $version_beside",
    "sorted: $part $($conditions|$path_is) ORDER BY $c $order", "limit: LIMIT $(0-39) $offset",
    "rows: SELECT path, size, score, anything, owner, length(note), $extra, $version FROM {t|plain} WHERE $conditions "
    "ORDER BY path $order LIMIT $(9999|$(0-19)) $offset",
    "aggregates: 2*SELECT alike(best) FROM (SELECT $(max|min)($column) AS best FROM $part $some) | "
    "SELECT owner, count(*), exact_sum($column), alike(min($column)) FROM {t|plain} WHERE $some GROUP BY owner ORDER "
    "BY owner | SELECT substr(path, 1, 4) AS level, count(*), exact_sum($column) FROM {t|plain} WHERE $some GROUP BY "
    "level | SELECT count(*), exact_sum($column), alike(min($column)), alike(max($column)), count(DISTINCT owner), "
    "max($version) FROM {t|plain} WHERE $some",
    /* Rows that others name, or with a value that others have. */
    "join: SELECT count(*), exact_sum(a.size), max(a.path) FROM (SELECT DISTINCT $(c=$joined) AS x FROM plain WHERE "
    "$path_is LIMIT 9) AS b CROSS JOIN {t|plain} AS a ON a.$c = b.x WHERE $(a:=a.)$conditions | "
    "SELECT a.path, a.$(c=$joined) FROM {t|plain} AS a WHERE a.$c IN (SELECT $c FROM plain WHERE $path_is) AND "
    "$(a:=a.)$conditions ORDER BY a.path | SELECT a.path, a.$joined FROM {t|plain} AS a, kept WHERE kept.path = a.path "
    "AND $(a:=a.)$conditions ORDER BY 1 | SELECT k.path, a.$joined FROM kept AS k LEFT JOIN {t|plain} AS a ON a.path = "
    "k.path AND $(a:=a.)$conditions ORDER BY 1",
    "joined: 6*owner | note | 5*$column", NULL};

struct asked {
    struct both *both;
    sqlite3 *db;
    const struct both_state *state;
};

/* What depends on the state. */
static void draw_more(struct grammar *grammar, const char *name);

static char *drawn(struct both *both, sqlite3 *db, const struct both_state *state, const char *text) {
    struct asked asked = {both, db, state};
    struct grammar grammar = {
        .random = &both->random,
        .rules = rules,
        .given = {"column", state->extra ? "size | score | anything | extra" : "size | score | anything", "value",
                  both->integers ? both->huge ? "11*$integer | $huge" : "$integer"
                  : both->huge   ? "11*$any | $huge"
                                 : "$any",
                  "first", both->first ? both->first : "$condition", "maybe_newer",
                  both->first ? "$newer" : "$a$column > -9e18", "extra", state->extra ? "extra" : "NULL", "more",
                  state->extra ? ", extra" : "", "version", both->versions ? "{row_version|v}" : "0", "version_beside",
                  both->versions ? "b.v" : "0", "question", both->questions},
        .call = draw_more,
        .context = &asked};
    return grammar_text(&grammar, text);
}

/* A version that is, or was. */
static void draw_since(struct grammar *grammar, sqlite3 *db) {
    char digits[24];
    long long top = sql_int(db, "SELECT coalesce(max(v), 0) FROM plain"), since = top;
    if (random_once_in(grammar->random, 2)) since = random_below(grammar->random, (uint32_t)top + 3);
    if (random_once_in(grammar->random, 3)) since = top - random_below(grammar->random, 6);
    sqlite3_snprintf((int)sizeof digits, digits, "%lld", since);
    grammar_put(grammar, digits, (int)strlen(digits));
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

static const char schema[] =
    "CREATE TABLE plain(path TEXT PRIMARY KEY, size INTEGER, score REAL, anything, owner TEXT, note, extra INTEGER, v "
    "INTEGER) WITHOUT ROWID;"
    "CREATE TRIGGER came AFTER INSERT ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TRIGGER changed AFTER UPDATE OF path, size, score, anything, owner, note, extra ON plain BEGIN "
    "UPDATE plain SET v = art_write_version('t') WHERE path = new.path; END;"
    "CREATE TABLE none(x CHECK(x = 0)); INSERT INTO none VALUES(0);"
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

static void write_something(struct both *both) {
    art_test_hooks.as_one = !once_in(both, 3);
    both_write(both, drawn(both, both->db, &both->now, "$write"));
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

/* What a level shows of a column; of a row by itself, its own value. SQLite sums up groups of which none is asked, too:
 * there it is kept from failing. */
static char *shown(const char *name, char how, unsigned asked) {
    const char *of_all = how == 's' ? "art_sums" : how == '-' ? "min" : how == '+' ? "max" : "NULL + max";
    return sqlite3_mprintf(
        "alike({%s|iif(max(rolled), %s(iif(NOT rolled OR unicode(substr(path, 3)) %% %u, NULL, %s)), max(%s))})", name,
        of_all, asked, name, name);
}

/* Where values are no integers most sums fail, and nothing else would be seen. */
static bool leaves_out(struct both *both, const struct both_state *state, int i) {
    if (i == 3 && !state->extra) return true;
    return !both->integers && summaries[state->summary].shown[i] == 's' && !once_in(both, 4);
}

/* Some of its columns are asked of some rows only: 1 means of all. */
static char *listing(struct both *both, const struct both_state *state, const char *prefix, const char *delimiter,
                     unsigned some, unsigned others, const char *where) {
    const char *how = summaries[state->summary].shown;
    int at = (int)strlen(prefix), len = (int)strlen(delimiter);
    char *each[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        each[i] = leaves_out(both, state, i) ? sqlite3_mprintf("NULL") : shown(columns[i], how[i], i ? 1 : others);
    return sqlite3_mprintf(
        "SELECT path, iif(unicode(substr(path, 3)) %% %u, 1, {entries|iif(max(rolled), count(*), NULL)}), "
        "iif(unicode(substr(path, 3)) %% %u, 2, %z), %z, %z, %z FROM {t('%s', '%s')|"
        "(SELECT iif(rolled, substr(path, 1, rolled + %d), path) AS path, rolled, size, score, anything, extra FROM "
        "(SELECT *, instr(substr(path, %d), '%s') AS rolled FROM plain WHERE path GLOB '%s*'))} "
        "WHERE %s {|GROUP BY path} ORDER BY path %s",
        some, others, each[0], each[1], each[2], each[3], prefix, delimiter, at + len - 1, at + 1, delimiter, prefix,
        where, once_in(both, 2) ? "DESC" : "ASC");
}

static char *some_listing(struct both *both, const struct both_state *state) {
    TEXTS(prefixes, "", "d", "d0", "d1", "d03/", "d07/f", "d2");
    TEXTS(delimiters, "/", "/f", "1", "0", "f0");
    TEXTS(conditions, "1", "1", "path GLOB 'd*[%u-9]*'", "path GLOB '*%u/f*'",
          "path LIKE (SELECT '%%%u/F%%')"); /* the last ones may be searched for */
    char where[40];
    if (once_in(both, 3)) return listing(both, state, prefixes[below(both, 2)], "/", 1, 1, "1");
    sqlite3_snprintf(sizeof where, where, conditions[below(both, LENGTH(conditions))], below(both, 7));
    return listing(both, state, prefixes[below(both, 7)], delimiters[below(both, 5)], 1 + below(both, 3),
                   1 + below(both, 3), where);
}

static char *function(struct both *both, sqlite3 *db, const struct both_state *state, unsigned i) {
    const char *name = columns[i];
    char how = summaries[state->summary].shown[i], *prefix = drawn(both, db, state, "$prefix"), *text = NULL;
    if (how == ' ') {
        ck_assert_int_eq(sql_try(db, "SELECT art_max('t', '%s', '%s')", name, prefix), SQLITE_ERROR);
        ck_assert(strstr(sqlite3_errmsg(db), "the column has no max") != NULL);
    } else if (how == 's' && once_in(both, 2)) {
        text = sqlite3_mprintf("SELECT {art_sum('t', '%s', '%s')|art_sums(%s) FROM plain WHERE path GLOB '%s*'}", name,
                               prefix, name, prefix);
    } else {
        text = sqlite3_mprintf("SELECT alike({art_min('t', '%s', '%s')|min(%s)}), alike({art_max('t', '%s', "
                               "'%s')|max(%s)}) {|FROM plain WHERE path GLOB '%s*'}",
                               name, prefix, name, name, prefix, name, prefix);
    }
    sqlite3_free(prefix);
    return text;
}

static void draw_more(struct grammar *grammar, const char *name) {
    const struct asked *asked = grammar->context;
    if (!strcmp(name, "since")) return draw_since(grammar, asked->db);
    ck_assert_msg(!strcmp(name, "listing") || !strcmp(name, "function"), "no rule says what '%s' is", name);
    char *text = *name == 'l'
                     ? some_listing(asked->both, asked->state)
                     : function(asked->both, asked->db, asked->state, below(asked->both, asked->state->extra ? 4 : 3));
    if (text) grammar_put(grammar, text, (int)strlen(text));
    sqlite3_free(text);
}

static void ask(struct both *both, sqlite3 *db, const struct both_state *state) {
    char *text = drawn(both, db, state, "$question");
    if (*text) {
        both_same(both, db, text);
    } else {
        sqlite3_free(text);
    }
}

static void check_all(struct both *both, sqlite3 *db, const struct both_state *state) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    both_same(both, db, listing(both, state, "", "/", 1, 1, "1"));
    for (unsigned i = 0; i < (state->extra ? 4 : 3); i++) {
        char *text = function(both, db, state, i);
        if (text) both_same(both, db, text);
    }
    both_same(both, db,
              drawn(both, db, state,
                    "SELECT path, size, score, anything, owner, note, $extra, $version FROM {t|plain} ORDER BY path"));
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
