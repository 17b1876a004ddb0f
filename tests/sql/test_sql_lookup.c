/* Lookups: rows found by a column's value.
 *
 * Random histories on an art table and an ordinary one, and the same questions to both: every affinity, and values that
 * are equal to others by it or only look so. Blobs are small, and statements are written once for both tables
 * (support/differential.h).
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/differential.h"
#include "tests/support/odd_values.h"
#include "tests/support/sql_expect.h"

enum { DIRECTORIES = 20, FILES = 50, VARIANTS = 8, COLUMNS = 8 };

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

/* --- values ------------------------------------------------------------------------------------------------------- */

static char *literal(struct both *both) {
    unsigned n = below(both, 1000);
    switch (below(both, 8)) {
    case 0:
        return sqlite3_mprintf("%u", n % 300);
    case 1:
        return sqlite3_mprintf("'%u'", n % 300);
    case 2:
        return sqlite3_mprintf("'e%06x'", n * 7919);
    case 3: /* so long that the row is in chunks */
        return once_in(both, 4) ? sqlite3_mprintf("'%u' || hex(zeroblob(%u))", n % 4, 1000 + n % 3 * 900)
                                : sqlite3_mprintf("%u.5", n % 30);
    default:
        return sqlite3_mprintf("%s", odd_value(below(both, ODD_VALUES)));
    }
}

static const char *some_column(struct both *both) {
    return columns[below(both, COLUMNS)];
}

static char *some_owner(struct both *both) {
    static const char *const owners[] = {"'root'", "'www'", "'backup'"};
    return once_in(both, 6) ? literal(both) : sqlite3_mprintf("%s", owners[below(both, 3)]);
}

static char *value_for(struct both *both, const char *column) {
    return *column == 'o' ? some_owner(both) : literal(both);
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static char *element_list(struct both *both, const char *column) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (unsigned n = below(both, 8) + 1; n--;) {
        char *value = value_for(both, column);
        sqlite3_str_appendf(out, "%s%s", value, n ? ", " : "");
        sqlite3_free(value);
    }
    return sqlite3_str_finish(out);
}

/* `prefix` is the table's name with a dot, or nothing. */
static char *condition(struct both *both, const char *prefix) {
    const char *column = some_column(both);
    char *value = value_for(both, column), *list = element_list(both, column), *out;
    switch (below(both, 12)) {
    case 0:
    case 1:
        out = sqlite3_mprintf("%s%s IN (%s)", prefix, column, list);
        break;
    case 2:
        out = sqlite3_mprintf("%s%s IN (SELECT %c FROM other WHERE id < %u)", prefix, column, "xyzw"[below(both, 4)],
                              below(both, 40));
        break;
    case 3:
        out = sqlite3_mprintf("%s%s IS %s", prefix, column, value);
        break;
    case 4:
        out = sqlite3_mprintf("%s%s %s (SELECT %s)", prefix, column, once_in(both, 2) ? "IS" : "==", value);
        break;
    case 8:
        out = sqlite3_mprintf("%s%s = %s COLLATE NOCASE", prefix, column, value);
        break;
    case 5:
        out = sqlite3_mprintf("%s%s = CAST(%s AS %s)", prefix, column, value, once_in(both, 2) ? "TEXT" : "INTEGER");
        break;
    case 6:
        out = sqlite3_mprintf("%s%s IS NOT NULL AND %s%s NOT IN (%s)", prefix, column, prefix, column, list);
        break;
    case 7:
        out = sqlite3_mprintf("%s%s IN (SELECT etag FROM {t|plain} WHERE size < %u UNION ALL SELECT NULL)", prefix,
                              column, below(both, 300));
        break;
    default:
        out = sqlite3_mprintf("%s%s = %s", prefix, column, value);
    }
    sqlite3_free(value);
    sqlite3_free(list);
    return out;
}

/* --- what is written ---------------------------------------------------------------------------------------------- */

#define ROW_COLUMNS "path, size, etag, owner, i, r, n, any, b"

static char *insert_many(struct both *both) {
    unsigned d = below(both, DIRECTORIES), n = below(both, 1000);
    char *one = literal(both), *owner = some_owner(both);
    char *out = sqlite3_mprintf("WITH RECURSIVE k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < %u) "
                                "INSERT OR REPLACE INTO {t|plain}(" ROW_COLUMNS ") "
                                "SELECT printf('d%02u/f%%03d', j * 7 %% %u), j, printf('e%%06x', (j * %u) * 7919), %s, "
                                "j, j / 2.0, j %% 9, %s, CAST(j AS BLOB) FROM k",
                                below(both, FILES), d, FILES, n, owner, one);
    sqlite3_free(one);
    sqlite3_free(owner);
    return out;
}

static void write_something(struct both *both) {
    unsigned d = below(both, DIRECTORIES), f = below(both, FILES), n = below(both, 1000);
    const char *column = some_column(both);
    char *one = value_for(both, column), *two = literal(both), *where = condition(both, ""), *text;
    switch (below(both, 14)) {
    case 0:
        text = sqlite3_mprintf("DELETE FROM {t|plain} WHERE path GLOB 'd%02u/*'", d);
        break;
    case 1:
        text = sqlite3_mprintf("UPDATE {t|plain} SET %s = %s WHERE path GLOB 'd%02u/*'", column, one, d);
        break;
    case 2: /* a move, maybe onto another row */
        text = sqlite3_mprintf("UPDATE OR REPLACE {t|plain} SET path = 'd%02u/f%03u' WHERE path = 'd%02u/f%03u'", d, f,
                               n % DIRECTORIES, f);
        break;
    case 3:
        text =
            sqlite3_mprintf("UPDATE OR REPLACE {t|plain} SET path = 'd%02u/f%03u', %s = %s WHERE path = 'd%02u/f%03u'",
                            d, f, column, one, n % DIRECTORIES, f);
        break;
    case 4:
    case 5:
        text = insert_many(both);
        break;
    case 6:
        text = sqlite3_mprintf("UPDATE {t|plain} SET %s = %s WHERE %s AND path > 'd%02u'", column, one, where, d);
        break;
    case 7:
        text = sqlite3_mprintf("DELETE FROM {t|plain} WHERE %s AND path GLOB '*%u'", where, n % 10);
        break;
    case 8:
        text = sqlite3_mprintf("UPDATE {t|plain} SET any = x.value FROM (SELECT 'd%02u/f%03u' AS path, %s AS value) "
                               "AS x WHERE {t|plain}.path = x.path",
                               d, f, two);
        break;
    default:
        text = sqlite3_mprintf("INSERT OR REPLACE INTO {t|plain}(path, %s, any, note) "
                               "VALUES('d%02u/f%03u', %s, %s, zeroblob(%u))",
                               *column == 'a' ? "size" : column, d, f, one, two, n % 20 ? n % 40 : 6000);
    }
    both_write(both, text);
    sqlite3_free(one);
    sqlite3_free(two);
    sqlite3_free(where);
}

static void add_column(struct both *both) {
    if (!both->now.extra)
        sql_run(both->db, "INSERT INTO t(t) VALUES('add column extra'); ALTER TABLE plain ADD COLUMN extra");
    both->now.extra = true;
}

/* --- what is asked ------------------------------------------------------------------------------------------------ */

/* A part of the table: its name with an argument, and the condition of the ordinary one. */
struct part {
    char *from, *where;
};

static struct part some_part(struct both *both) {
    unsigned d = below(both, DIRECTORIES), f = below(both, FILES);
    switch (below(both, 6)) {
    case 0:
        return (struct part){sqlite3_mprintf("{t('d%02u/')|plain}", d), sqlite3_mprintf("{1|path GLOB 'd%02u/*'}", d)};
    case 1:
        return (struct part){sqlite3_mprintf("{t|plain}"), sqlite3_mprintf("path GLOB 'd%u*'", d / 10)};
    case 2:
        return (struct part){sqlite3_mprintf("{t|plain}"),
                             sqlite3_mprintf("path > 'd%02u/f%03u' AND path <= 'd%02u'", d, f, d + f / 5)};
    case 3:
        return (struct part){sqlite3_mprintf("{t|plain}"), sqlite3_mprintf("path GLOB '*%u'", f % 10)};
    default:
        return (struct part){sqlite3_mprintf("{t|plain}"), sqlite3_mprintf("1")};
    }
}

/* %z, each. */
static char *conditions(struct both *both, const char *prefix) {
    char *one = condition(both, prefix), *two = condition(both, prefix);
    unsigned n = below(both, 300);
    switch (below(both, 9)) {
    case 0:
        return sqlite3_mprintf("%z AND %z", one, two);
    case 1:
        return sqlite3_mprintf("(%z OR %z)", one, two);
    case 2:
        sqlite3_free(two);
        return sqlite3_mprintf("%z AND %ssize > %u", one, prefix, n % 40);
    case 3:
        sqlite3_free(two);
        return sqlite3_mprintf("%z AND {%sversion > 0|1}", one, prefix);
    default:
        sqlite3_free(two);
        return one;
    }
}

static void ask_rows(struct both *both, sqlite3 *db) {
    struct part part = some_part(both);
    char *where = conditions(both, "");
    const char *order = once_in(both, 2) ? "DESC" : "ASC";
    unsigned limit = below(both, 12), offset = below(both, 6);
    switch (below(both, 6)) {
    case 0:
        both_same(both, db,
                  sqlite3_mprintf("SELECT count(*), min(path), max(path), sum(length(size)) FROM %s WHERE %s AND %s",
                                  part.from, part.where, where));
        break;
    case 1:
        both_same(both, db,
                  sqlite3_mprintf("SELECT path, quote(any) FROM %s WHERE %s AND %s ORDER BY path %s LIMIT %u OFFSET %u",
                                  part.from, part.where, where, order, limit, offset));
        break;
    case 2:
        both_same(both, db,
                  sqlite3_mprintf("SELECT path, size FROM %s WHERE %s AND %s ORDER BY size %s, path LIMIT %u",
                                  part.from, part.where, where, order, limit));
        break;
    case 3:
        both_same(both, db,
                  sqlite3_mprintf("SELECT %s(n), %s(size) FROM %s WHERE %s AND %s", limit % 2 ? "min" : "max",
                                  offset % 2 ? "min" : "max", part.from, part.where, where));
        break;
    default:
        both_same(both, db,
                  sqlite3_mprintf("SELECT path, size, quote(etag), quote(owner) FROM %s WHERE %s AND %s "
                                  "ORDER BY path %s",
                                  part.from, part.where, where, order));
    }
    sqlite3_free(where);
    sqlite3_free(part.from);
    sqlite3_free(part.where);
}

static void ask_join(struct both *both, sqlite3 *db) {
    char with = "xyzw"[below(both, 4)], *where = conditions(both, "a.");
    const char *column = some_column(both);
    unsigned id = below(both, 40);
    switch (below(both, 5)) {
    case 0:
        both_same(both, db,
                  sqlite3_mprintf("SELECT o.id, a.path FROM other o LEFT JOIN {t|plain} a ON a.%s = o.%c AND o.id < %u "
                                  "ORDER BY 1, 2",
                                  column, with, id));
        break;
    case 1:
        both_same(both, db,
                  sqlite3_mprintf("SELECT a.path, o.id FROM {t|plain} a LEFT JOIN other o ON a.%s = o.%c WHERE %s "
                                  "ORDER BY 1, 2",
                                  column, with, where));
        break;
    case 2:
        both_same(both, db,
                  sqlite3_mprintf("SELECT a.path, c.path FROM {t|plain} a, {t|plain} c WHERE a.%s = c.%s AND "
                                  "a.path GLOB 'd%02u/*' AND %s ORDER BY 1, 2 LIMIT 500",
                                  column, some_column(both), id % DIRECTORIES, where));
        break;
    case 3:
        both_same(both, db,
                  sqlite3_mprintf("SELECT o.id, (SELECT count(*) FROM {t|plain} a WHERE a.%s IS o.%c) FROM other o "
                                  "WHERE o.id > %u AND EXISTS (SELECT 1 FROM {t|plain} a WHERE a.%s = o.%c)",
                                  column, with, id, some_column(both), "xyzw"[below(both, 4)]));
        break;
    default:
        both_same(both, db,
                  sqlite3_mprintf("SELECT o.id, a.path FROM other o CROSS JOIN {t|plain} a ON o.%c = a.%s WHERE %s "
                                  "ORDER BY 1, 2",
                                  with, column, where));
    }
    sqlite3_free(where);
}

static void write_while_asking(struct both *both) {
    char *where = condition(both, "");
    while (strchr(where, '{')) { /* what is asked for shall not change */
        sqlite3_free(where);
        where = condition(both, "");
    }
    both_write_while_asking(both, 30, "size", where);
}

static void ask(struct both *both, sqlite3 *db, const struct both_state *state) {
    unsigned what = below(both, 10);
    (void)state;
    if (what < 3) return ask_join(both, db);
    if (what == 3 && db == both->db) return write_while_asking(both);
    ask_rows(both, db);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void make_tables(struct both *both, const char *options) {
    static const char list[] =
        "path%s, size INTEGER, etag TEXT, owner TEXT, i INTEGER, r REAL, n NUMERIC, any, b BLOB, note";
    char *art = sqlite3_mprintf(list, ""), *plain = sqlite3_mprintf(list, " TEXT PRIMARY KEY");
    sql_run(both->db,
            "CREATE VIRTUAL TABLE t USING art(%s, %s); CREATE TABLE plain(%s) WITHOUT ROWID;"
            "CREATE TABLE other(id INTEGER PRIMARY KEY, x TEXT, y INTEGER, z, w NUMERIC)",
            art, options, plain);
    for (unsigned n = 0; n < 40; n++) {
        char *one = literal(both), *two = literal(both), *three = some_owner(both), *four = literal(both);
        sql_run(both->db, "INSERT INTO other VALUES(%u, %s, %s, %s, %s)", n, one, two, three, four);
        sqlite3_free(one);
        sqlite3_free(two);
        sqlite3_free(three);
        sqlite3_free(four);
    }
    sqlite3_free(art);
    sqlite3_free(plain);
}

static void check_all(struct both *both, sqlite3 *db, const struct both_state *state) {
    (void)state;
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    both_same(both, db,
              sqlite3_mprintf("SELECT path, quote(size), quote(etag), quote(owner), quote(i), quote(r), quote(n), "
                              "quote(any), quote(b), quote(note) FROM {t|plain} ORDER BY path"));
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
        both_write(&both,
                   sqlite3_mprintf("INSERT INTO {t|plain}(" ROW_COLUMNS ") VALUES('%u', 0, %s, %s, %s, %s, %s, %s, "
                                   "%s)",
                                   v, value, value, value, value, value, value, value));
        sql_run(both.db, "INSERT INTO other VALUES(%u, %s, %s, %s, %s)", v, value, value, value, value);
    }
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ODD_VALUES * COLUMNS; i++) {
            const char *column = columns[i % COLUMNS], *value = odd_value(i / COLUMNS);
            both_same(&both, both.db,
                      sqlite3_mprintf("SELECT path FROM {t|plain} WHERE %s = %s ORDER BY path", column, value));
            both_same(&both, both.db,
                      sqlite3_mprintf("SELECT path FROM {t|plain} WHERE %s IS %s ORDER BY path", column, value));
            both_same(&both, both.db,
                      sqlite3_mprintf("SELECT path FROM {t|plain} WHERE %s IN (%s, 'q') ORDER BY path", column, value));
        }
        for (unsigned i = 0; i < 4 * COLUMNS; i++)
            both_same(&both, both.db,
                      sqlite3_mprintf("SELECT o.id, a.path FROM other o CROSS JOIN {t|plain} a ON a.%s = o.%c "
                                      "ORDER BY 1, 2",
                                      columns[i % COLUMNS], "xyzw"[i / COLUMNS]));
        sql_command(both.db, "main", "t", "flush");
    }
    both_close(&both);
}

/* Whole index blobs have nothing of what is sought, at either end of the run and between. */
TEST(test_a_rare_value_is_found_in_a_run_of_several_levels) {
    enum { ROWS = 40000 };
    struct both both = in_memory(random_seed(), 3);
    sql_run(both.db, "CREATE INDEX by_etag ON plain(etag)");
    both_write(&both,
               sqlite3_mprintf("WITH RECURSIVE k(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM k WHERE j < %d) "
                               "INSERT INTO {t|plain}(path, note, etag) SELECT printf('f%%06d', j), zeroblob(150), "
                               "CASE j %% 19000 WHEN 0 THEN 'rare' ELSE 'e' || (j / 2) END FROM k",
                               ROWS));
    sql_command(both.db, "main", "t", "optimize");
    for (unsigned n = 0; n < 400; n++) {
        unsigned at = below(&both, ROWS), from = below(&both, ROWS);
        char *etag = n % 3 ? sqlite3_mprintf("e%u", at / 2) : sqlite3_mprintf("rare");
        both_same(&both, both.db,
                  sqlite3_mprintf("SELECT path FROM {t|plain} WHERE etag = %Q AND path %s 'f%06u' ORDER BY path %s",
                                  etag, n & 1 ? ">" : "<=",
                                  n % 5   ? from
                                  : n & 1 ? 0
                                          : ROWS,
                                  n & 2 ? "DESC" : "ASC"));
        sqlite3_free(etag);
    }
    sql_expect(both.db, "ok\n", "SELECT art_check('t')");
    both_close(&both);
}

TEST(test_a_list_of_any_length_is_found) {
    struct both both = in_memory(1, 0);
    both_write(&both,
               sqlite3_mprintf("WITH RECURSIVE k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < 9000) "
                               "INSERT INTO {t|plain}(path, i, etag) SELECT printf('f%%05d', j), j, 'e' || j FROM k"));
    sql_run(both.db, "CREATE TABLE many(x, y); INSERT INTO many SELECT i, etag FROM plain ORDER BY path DESC");
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned n = 4094; n < 4099; n++) {
            both_same(&both, both.db,
                      sqlite3_mprintf("SELECT count(*), min(path), max(path) FROM {t|plain} WHERE i IN (SELECT x FROM "
                                      "many LIMIT %u)",
                                      n));
            both_same(&both, both.db,
                      sqlite3_mprintf("SELECT count(*), min(path), max(path) FROM {t|plain} WHERE etag IN (SELECT y "
                                      "FROM many LIMIT %u) AND i > 5000",
                                      n));
        }
        sql_command(both.db, "main", "t", "flush");
    }
    both_close(&both);
}

#define WHERE "SELECT * FROM t WHERE "

TEST(test_the_plan_tells_what_is_looked_up) {
    sqlite3 *db = sql_open(":memory:");
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path, size INTEGER, etag TEXT, owner TEXT, other TEXT, "
                "summary=(sum(size), lookup(etag), lookup(owner)));"
                "CREATE TABLE o(x TEXT, y); INSERT INTO o VALUES('a', 1)");
    sql_plan_has(db, WHERE "etag = 'a'", "all rows AND etag=? (lookup)");
    sql_plan_has(db, WHERE "etag = ?1 AND owner IN ('a', 'b')", "etag=? (lookup) AND owner IN (?) (lookup)");
    sql_plan_has(db, WHERE "etag IS ?1", "etag IS ? (lookup)");
    sql_plan_has(db, WHERE "etag IN (SELECT x FROM o)", "etag IN (?) (lookup)");
    sql_plan_has(db, WHERE "prefix = 'a/' AND owner = 'b'", "prefix=? AND owner=? (lookup)");
    sql_plan_has(db, WHERE "path > 'a' AND path < 'b' AND etag = 'x' ORDER BY path DESC",
                 "etag=? (lookup), descending");
    sql_plan_has(db, WHERE "etag = 'x' AND size > 5", "etag=? (lookup) AND size>?");
    sql_plan_has(db, WHERE "etag IS ?1 ORDER BY size DESC LIMIT 5", "USE TEMP B-TREE"); /* not best first */
    sql_plan_lacks(db, WHERE "path = 'a' AND etag = 'x'", "(lookup)");
    sql_plan_lacks(db, WHERE "path IN ('a', 'b') AND etag = 'x'", "(lookup)");
    sql_plan_lacks(db, WHERE "etag = 'x' COLLATE NOCASE", "(lookup)");
    sql_plan_lacks(db, WHERE "other = 'x'", "(lookup)");
    sql_plan_lacks(db, WHERE "size = 5", "(lookup)");
    sql_plan_lacks(db, WHERE "etag > 'x'", "(lookup)");
    sql_plan_lacks(db, WHERE "etag IS NULL AND version > 7", "(lookup)");
    sql_plan_has(db, "SELECT * FROM o CROSS JOIN t ON o.x = t.etag", "etag=? (lookup)");
    sql_close(db);
}

int main(void) {
    return differential_run((struct suite_case){.name = "lookups", .seconds = SUITE_FOREVER});
}
