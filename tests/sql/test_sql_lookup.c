/* Lookups: rows found by a column's value.
 *
 * Random histories on an art table and an ordinary one, and the same questions to both: every affinity, and values that
 * are equal to others by it or only look so. Blobs are small, and statements are written once for both tables
 * (support/differential.h).
 */
#include "tests/support/differential.h"
#include "tests/support/grammar.h"
#include "tests/support/odd_values.h"
#include "tests/support/sql_one.h"

enum { VARIANTS = 8, COLUMNS = 8 };

static const char *const variants[VARIANTS] = {
    "log_limit='2KB', summary=(sum(size), lookup(etag), lookup(owner), lookup(i), lookup(r), lookup(any), lookup(b))",
    "log_limit='2KB', storage=inline, summary=(lookup(etag), lookup(owner), lookup(any), lookup(n))",
    "summary='lookup(owner), sum(size), lookup(size), max(n), lookup(n)', log_limit='16KB'",
    "summary=(lookup(i), lookup(r), lookup(any), sum(any)), log_limit='2KB', spill_limit='8KB'",
    "summary=(lookup(etag), lookup(b), lookup(r), lookup(i), lookup(n), lookup(any), lookup(owner))",
    "summary=(max(size), lookup(size), lookup(etag), lookup(any)), log_limit='4KB', spill_limit='4KB', storage=inline",
    "log_limit='1KB', summary=(lookup(any), lookup(b), sum(n), lookup(n), lookup(owner))",
    "summary=(lookup(etag), lookup(owner), lookup(any)), log_limit='8KB', spill_limit='1MB'",
};
static const char *const columns[COLUMNS] = {"etag", "owner", "i", "r", "n", "any", "b", "size"};

#define ROW_COLUMNS "path, size, etag, owner, i, r, n, any, b"

/* --- what is drawn ------------------------------------------------------------------------------------------------ */

/* `a`: the table's name with a dot, or nothing; `c`: the column that a value is for. */
static const char *const rules[] = {
    "literal: $(0-299) | '$(0-299)' | $etag | $fraction | 4*$odd",
    "fraction: 3*$(0-29).5 | '$(0-3)' || hex(zeroblob($(1000|1900|2800)))", /* so long that the row is in chunks */
    "owner: 5*$('root'|'www'|'backup') | $literal", "column: etag | owner | i | r | n | any | b | size",
    "with: x | y | z | w", "dir: $(00-19)", "file: $(000-049)", "a: ", "condition: $(c:=$column)$compared",
    "compared: 2*$a$c IN ($list) | $a$c IN (SELECT $with FROM other WHERE id < $(0-39)) | $a$c IS $suited | $a$c "
    "$(IS|==) (SELECT $suited) | $a$c = $suited COLLATE NOCASE | $a$c = CAST($suited AS $(TEXT|INTEGER)) | $a$c IS NOT "
    "NULL AND $a$c NOT IN ($list) | $a$c IN (SELECT etag FROM {t|plain} WHERE size < $(0-299) UNION ALL SELECT NULL) | "
    "3*$a$c = $suited",
    "list: $suited | 4*$suited, $list",
    "conditions: $condition AND $condition | ($condition OR $condition) | $condition AND $($a)size > $(0-39) | "
    "$condition AND {$($a)row_version > 0|1} | 5*$condition",
    /* A move may be onto another row. */
    "write: DELETE FROM {t|plain} WHERE path GLOB 'd$dir/*' | UPDATE {t|plain} SET $(c=$column) = $suited WHERE path "
    "GLOB 'd$dir/*' | UPDATE OR REPLACE {t|plain} SET path = 'd$dir/f$(f=$file)' WHERE path = 'd$dir/f$f' | UPDATE "
    "OR REPLACE {t|plain} SET path = 'd$dir/f$(f=$file)', $(c=$column) = $suited WHERE path = 'd$dir/f$f' | "
    "2*$insert_many | UPDATE {t|plain} SET $(c=$column) = $suited WHERE $condition AND path > 'd$dir' | DELETE FROM "
    "{t|plain} WHERE $condition AND path GLOB '*$(0-9)' | UPDATE {t|plain} SET any = x.value FROM (SELECT "
    "'d$dir/f$file' AS path, $literal AS value) AS x WHERE {t|plain}.path = x.path | 5*INSERT OR REPLACE INTO "
    "{t|plain}(path, $(c=etag|owner|i|r|n|b|2*size), any, note) VALUES('d$dir/f$file', $suited, $literal, "
    "zeroblob($(19*$(0-39)|6000)))",
    "insert_many: WITH RECURSIVE k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < $file) INSERT OR REPLACE "
    "INTO {t|plain}(" ROW_COLUMNS ") SELECT printf('d$dir/f%03d', j * 7 % 50), j, printf('e%06x', (j * $(0-999)) * "
    "7919), $owner, j, j / 2.0, j % 9, $literal, CAST(j AS BLOB) FROM k",
    /* A part of the table: its name with an argument, and the condition of the ordinary one. */
    "part: {t('d$(p=$dir)/')|plain} WHERE {1|path GLOB 'd$p/*'} | {t|plain} WHERE path GLOB 'd$(0-1)*' | {t|plain} "
    "WHERE path > 'd$(t=$(0-1))$(0-4)/f$file' AND path <= 'd$t$(5-9)' | {t|plain} WHERE path GLOB '*$(0-9)' | "
    "2*{t|plain} WHERE 1",
    "order: ASC | DESC",
    "rows: SELECT count(*), min(path), max(path), sum(length(size)) FROM $part AND $conditions | SELECT path, "
    "quote(any) FROM $part AND $conditions ORDER BY path $order LIMIT $(0-11) OFFSET $(0-5) | SELECT path, size FROM "
    "$part AND $conditions ORDER BY size $order, path LIMIT $(0-11) | SELECT $(min|max)(n), $(min|max)(size) FROM "
    "$part AND $conditions | 2*SELECT path, size, quote(etag), quote(owner) FROM $part AND $conditions ORDER BY path "
    "$order",
    "join: SELECT o.id, a.path FROM other o LEFT JOIN {t|plain} a ON a.$column = o.$with AND o.id < $(0-39) ORDER BY "
    "1, 2 | SELECT a.path, o.id FROM {t|plain} a LEFT JOIN other o ON a.$column = o.$with WHERE $conditions ORDER BY "
    "1, 2 | SELECT a.path, c.path FROM {t|plain} a, {t|plain} c WHERE a.$column = c.$column AND a.path GLOB "
    "'d$dir/*' AND $conditions ORDER BY 1, 2 LIMIT 500 | SELECT o.id, (SELECT count(*) FROM {t|plain} a WHERE "
    "a.$column IS o.$with) FROM other o WHERE o.id > $(0-39) AND EXISTS (SELECT 1 FROM {t|plain} a WHERE a.$column = "
    "o.$with) | SELECT o.id, a.path FROM other o CROSS JOIN {t|plain} a ON o.$with = a.$column WHERE $conditions ORDER "
    "BY 1, 2",
    NULL};

static void draw_more(struct grammar *grammar, const char *name) {
    char text[64];
    if (!strcmp(name, "etag")) {
        sqlite3_snprintf((int)sizeof text, text, "'e%06x'", random_below(grammar->random, 1000) * 7919);
    } else if (!strcmp(name, "odd")) {
        sqlite3_snprintf((int)sizeof text, text, "%s", odd_value(random_below(grammar->random, ODD_VALUES)));
    } else {
        ck_assert_str_eq(name, "suited");
        return grammar_more(grammar, !strcmp(grammar_kept(grammar, "c"), "owner") ? "$owner" : "$literal");
    }
    grammar_put(grammar, text, (int)strlen(text));
}

static char *drawn(struct both *both, const char *text) {
    return grammar_text(&(struct grammar){.random = &both->random, .rules = rules, .call = draw_more}, text);
}

static void write_something(struct both *both) {
    both_write(both, drawn(both, "$write"));
}

static void add_column(struct both *both) {
    if (!both->now.extra)
        sql_run(both->db, "INSERT INTO t(t) VALUES('add column extra'); ALTER TABLE plain ADD COLUMN extra");
    both->now.extra = true;
}

static void write_while_asking(struct both *both) {
    char *where = drawn(both, "$condition");
    while (strchr(where, '{')) { /* what is asked for shall not change */
        sqlite3_free(where);
        where = drawn(both, "$condition");
    }
    both_write_while_asking(both, 30, "size", where);
}

static void ask(struct both *both, sqlite3 *db, const struct both_state *state) {
    unsigned what = below(both, 10);
    if (what == 3 && db == both->db) return write_while_asking(both);
    both_same(both, db, drawn(both, what < 3 ? "$(a:=a.)$join" : "$rows"));
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void make_tables(struct both *both, const char *options) {
    static const char list[] =
        "path%s, size INTEGER, etag TEXT, owner TEXT, i INTEGER, r REAL, n NUMERIC, any, b BLOB, note";
    char *art = TEXT(list, ""), *plain = TEXT(list, " TEXT PRIMARY KEY");
    sql_run(both->db,
            "CREATE VIRTUAL TABLE t USING art(%s, %s); CREATE TABLE plain(%s) WITHOUT ROWID;"
            "CREATE TABLE other(id INTEGER PRIMARY KEY, x TEXT, y INTEGER, z, w NUMERIC)",
            art, options, plain);
    for (unsigned n = 0; n < 40; n++) {
        char *insert = drawn(both, "INSERT INTO other(x, y, z, w) VALUES($literal, $literal, $owner, $literal)");
        sql_run(both->db, "%s", insert);
        sqlite3_free(insert);
    }
}

static void check_all(struct both *both, sqlite3 *db, const struct both_state *state) {
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    both_asks(both, db,
              "SELECT path, quote(size), quote(etag), quote(owner), quote(i), quote(r), quote(n), quote(any), "
              "quote(b), quote(note) FROM {t|plain} ORDER BY path");
}

LOOP_TEST(test_rows_with_a_value_are_those_of_an_ordinary_table, 2 * VARIANTS) {
    struct both both = {.random = {random_seed() + (uint64_t)_i},
                        .write = write_something,
                        .ask = ask,
                        .check = check_all,
                        .change = add_column,
                        .changes = 200};
    both_open(&both, "lookup");
    make_tables(&both, variants[_i % VARIANTS]);
    both_go(&both, random_rounds(1200));
    both_close(&both);
}

/* In memory, with the first variant. */
static struct both in_memory(uint64_t seed, uint32_t pages) {
    struct both both = {.random = {seed}, .memory = true};
    both_open(&both, "lookup");
    art_test_hooks.blob_pages = pages;
    make_tables(&both, variants[0]);
    return both;
}

/* Each value that SQLite may call equal to another, in columns of each affinity, sought in each way. */
TEST(test_what_any_affinity_calls_equal_is_found) {
    struct both both = in_memory(1, 0);
    sql_run(both.db, "DELETE FROM other");
    for (unsigned v = 0; v < ODD_VALUES; v++) {
        const char *value = odd_value(v);
        both_writes(&both,
                    "INSERT INTO {t|plain}(" ROW_COLUMNS ") VALUES('%u', 0, %s, %s, %s, %s, %s, %s, "
                    "%s)",
                    v, value, value, value, value, value, value, value);
        sql_run(both.db, "INSERT INTO other VALUES(%u, %s, %s, %s, %s)", v, value, value, value, value);
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ODD_VALUES * COLUMNS; i++) {
            const char *column = columns[i % COLUMNS], *value = odd_value(i / COLUMNS);
            both_asks(&both, both.db, "SELECT path FROM {t|plain} WHERE %s = %s ORDER BY path", column, value);
            both_asks(&both, both.db, "SELECT path FROM {t|plain} WHERE %s IS %s ORDER BY path", column, value);
            both_asks(&both, both.db, "SELECT path FROM {t|plain} WHERE %s IN (%s, 'q') ORDER BY path", column, value);
        }
        for (unsigned i = 0; i < 4 * COLUMNS; i++)
            both_asks(&both, both.db,
                      "SELECT o.id, a.path FROM other o CROSS JOIN {t|plain} a ON a.%s = o.%c "
                      "ORDER BY 1, 2",
                      columns[i % COLUMNS], "xyzw"[i / COLUMNS]);
        sql_command(both.db, "main", "t", "flush");
    }
    both_close(&both);
}

/* Whole index blobs have nothing of what is sought, at either end of the run and between. */
TEST(test_a_rare_value_is_found_in_a_run_of_several_levels) {
    enum { ROWS = 40000 };
    struct both both = in_memory(random_seed(), 3);
    sql_run(both.db, "CREATE INDEX by_etag ON plain(etag)");
    both_writes(&both,
                "WITH RECURSIVE k(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM k WHERE j < %d) "
                "INSERT INTO {t|plain}(path, note, etag) SELECT printf('f%%06d', j), zeroblob(150), CASE j %% 19000 "
                "WHEN 0 THEN 'rare' ELSE 'e' || (j / 2) END FROM k",
                ROWS);
    sql_command(both.db, "main", "t", "optimize");
    for (unsigned n = 0; n < 400; n++) {
        unsigned at = below(&both, ROWS), from = below(&both, ROWS);
        char *etag = n % 3 ? sqlite3_mprintf("e%u", at / 2) : sqlite3_mprintf("rare");
        both_asks(&both, both.db, "SELECT path FROM {t|plain} WHERE etag = %Q AND path %s 'f%06u' ORDER BY path %s",
                  etag, n & 1 ? ">" : "<=",
                  n % 5   ? from
                  : n & 1 ? 0
                          : ROWS,
                  n & 2 ? "DESC" : "ASC");
        sqlite3_free(etag);
    }
    sql_expect(both.db, "ok\n", "SELECT art_check('t')");
    both_close(&both);
}

/* The lookup then walks through newer runs, which have such rows, and hide some. */
TEST(test_a_value_that_most_rows_have_is_found) {
    TEXTS(writes, "UPDATE {t|plain} SET owner = 'www', i = i + 1 WHERE path GLOB '*$(00-99)'",
          "DELETE FROM {t|plain} WHERE path GLOB '*$(00-99)'",
          "UPDATE {t|plain} SET owner = 'root' WHERE path GLOB '*$(0-9)' AND owner = 'www'");
    struct both both = in_memory(random_seed(), 4);
    both_writes(&both, "WITH RECURSIVE k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < 6000) "
                       "INSERT INTO {t|plain}(path, i, owner) SELECT printf('f%%05d', j * 7919 %% 9973), "
                       "j, iif(j %% 9, 'root', 'www') FROM k");
    sql_command(both.db, "main", "t", "optimize");
    sql_command(both.db, "main", "t", "log_limit=16KB");
    for (unsigned n = 0; n < 24; n++) {
        both_write(&both, drawn(&both, writes[n % 3]));
        both_asks(
            &both, both.db,
            "SELECT path, i FROM {t|plain} WHERE owner = 'root' AND path > 'f%05u' ORDER BY path %s LIMIT -1 OFFSET %u",
            n * 100, n & 1 ? "DESC" : "ASC", n & 2 ? 1500 : 0);
        both_asks(&both, both.db, "SELECT count(*) FROM {t|plain} WHERE owner = 'www' AND i > %u", n);
    }
    ck_assert_int_ge(sql_info(both.db, "lookups walked"), 12);
    both_close(&both);
}

TEST(test_a_list_of_any_length_is_found) {
    struct both both = in_memory(1, 0);
    both_writes(&both, "WITH RECURSIVE k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < 9000) "
                       "INSERT INTO {t|plain}(path, i, etag) SELECT printf('f%%05d', j), j, 'e' || j FROM k");
    sql_run(both.db, "CREATE TABLE many(x, y); INSERT INTO many SELECT i, etag FROM plain ORDER BY path DESC");
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned n = 4094; n < 4099; n++) {
            both_asks(&both, both.db,

                      "SELECT count(*), min(path), max(path) FROM {t|plain} WHERE i IN (SELECT x FROM many LIMIT %u)",
                      n);
            both_asks(&both, both.db,
                      "SELECT count(*), min(path), max(path) FROM {t|plain} WHERE etag IN (SELECT y FROM many LIMIT "
                      "%u) AND i > 5000",
                      n);
        }
        sql_command(both.db, "main", "t", "flush");
    }
    both_close(&both);
}

/* SQLite hands over a list as one of the first 32 arguments alone, and each GLOB takes three. */
TEST(test_a_list_behind_many_conditions_is_found) {
    static const char glob[] = " AND path GLOB 'f*'";
    struct both both = in_memory(1, 0);
    both_writes(&both, "INSERT INTO {t|plain}(path, i, etag) VALUES('f1', 1, 'a'), ('f2', 2, 'b')");
    sqlite3_str *many = sqlite3_str_new(NULL);
    for (unsigned globs = 0; globs < 14; globs++) {
        both_asks(&both, both.db, "SELECT path FROM {t|plain} WHERE etag IN ('b', 'c')%s", sqlite3_str_value(many));
        sqlite3_str_appendall(many, glob);
    }
    sqlite3_free(sqlite3_str_finish(many));
    both_close(&both);
}

#define WHERE "SELECT * FROM t WHERE "

TEST(test_the_plan_tells_what_is_looked_up) {
    sql_set_up_in_memory();
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, etag TEXT, owner TEXT, other TEXT, summary=(sum(size), "
        "lookup(etag), lookup(owner)));"
        "CREATE TABLE o(x TEXT, y); INSERT INTO o VALUES('a', 1)");
    plan_has(WHERE "etag = 'a'", "all rows AND etag=? (lookup)");
    plan_has(WHERE "etag = ?1 AND owner IN ('a', 'b')", "etag=? (lookup) AND owner IN (?) (lookup)");
    plan_has(WHERE "etag IS ?1", "etag IS ? (lookup)");
    plan_has(WHERE "etag IN (SELECT x FROM o)", "etag IN (?) (lookup)");
    plan_has(WHERE "prefix = 'a/' AND owner = 'b'", "prefix=? AND owner=? (lookup)");
    plan_has(WHERE "path > 'a' AND path < 'b' AND etag = 'x' ORDER BY path DESC", "etag=? (lookup), descending");
    plan_has(WHERE "etag = 'x' AND size > 5", "etag=? (lookup) AND size>?");
    plan_has(WHERE "etag IS ?1 ORDER BY size DESC LIMIT 5", "USE TEMP B-TREE"); /* not best first */
    plan_lacks(WHERE "path = 'a' AND etag = 'x'", "(lookup)");
    plan_lacks(WHERE "path IN ('a', 'b') AND etag = 'x'", "(lookup)");
    plan_lacks(WHERE "etag = 'x' COLLATE NOCASE", "(lookup)");
    plan_lacks(WHERE "other = 'x'", "(lookup)");
    plan_lacks(WHERE "size = 5", "(lookup)");
    plan_lacks(WHERE "etag > 'x'", "(lookup)");
    plan_lacks(WHERE "etag IS NULL AND row_version > 7", "(lookup)");
    plan_has("SELECT * FROM o CROSS JOIN t ON o.x = t.etag", "etag=? (lookup)");
    sql_tear_down();
}

int main(void) {
    return differential_run((struct suite_case){.name = "lookups", .seconds = SUITE_FOREVER});
}
