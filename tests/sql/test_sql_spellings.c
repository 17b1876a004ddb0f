/* The plan follows from what a condition means, and not from how it is spelled: LIKE as GLOB, an OR as its arms, a
 * condition behind several lookups as behind one. By EXPLAIN QUERY PLAN, without ANALYZE and after it.
 *
 * What a wrong plan would cost is in `make bench-spellings`.
 */
#include <string.h>

#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

enum { ROWS = 20000, WIDE = 18000 };

/* Nearly all rows are below usr/, 20 in each directory; two words in a few of them. ANALYZE is asked for by each test
 * that is run twice. */
static void fill(bool analyzed) {
    char *create = sql_create_text("t", "path TEXT, n INTEGER, hash TEXT, owner INTEGER, note TEXT,"
                                        " summary='search(path), search(note), lookup(hash), lookup(owner)'");
    sql_run(
        db,
        "%s; CREATE TABLE n(i INTEGER PRIMARY KEY);"
        "INSERT INTO n WITH c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c LIMIT %d) SELECT i FROM c;"
        "INSERT INTO t SELECT printf('%%s/d%%04d/%%s%%05d', iif(i < %d, 'usr', 'var'), i / 20,"
        " iif(i %% 3000 = 7, 'needle', iif(i %% 3000 = 8, 'haystack', 'f')), i), i, 'h' || i, i %% 3, 'note' FROM n;"
        "INSERT INTO t SELECT printf('2024/%%05d', i), -i, 'x', 9, '' FROM n WHERE i < 50;"
        "CREATE TABLE big(id INTEGER PRIMARY KEY, path TEXT, hash TEXT);"
        "CREATE INDEX big_path ON big(path); INSERT INTO big SELECT i, 'usr/x' || i, 'h' || i FROM n;"
        "CREATE TABLE known(hash TEXT PRIMARY KEY, name TEXT UNIQUE);"
        "INSERT INTO known SELECT 'h' || i, 'name' || i FROM n WHERE i %% 100 = 0",
        create, ROWS, WIDE);
    sqlite3_free(create);
    sql_command(db, "main", "t", "flush");
    if (analyzed) sql_run(db, "ANALYZE");
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static void plan_says_twice(const char *sql, const char *words) {
    char *plan = sql_plan(db, "t", sql), *first = strstr(plan, words);
    ck_assert_msg(first && strstr(first + 1, words), "%s\nnot twice %s:\n%s", sql, words, plan);
    sqlite3_free(plan);
}

/* --- LIKE --------------------------------------------------------------------------------------------------------- */

LOOP_TEST(test_a_literal_like_leaves_what_lies_below_its_beginning, 2) {
    fill(_i);
    plan_has("SELECT * FROM t WHERE path = 'usr/d0007' OR path LIKE 'usr/d0007/%'", "path LIKE prefix ?");
    plan_has("SELECT * FROM t WHERE path LIKE 'usr/d0007/%' OR path LIKE 'usr/d0009/%'", "path LIKE prefix ?");
    plan_has("SELECT * FROM t WHERE path = 'x' OR path LIKE '2024/%'", "path LIKE ?");
    plan_has("SELECT * FROM t WHERE path = 'x' OR path LIKE 'USR/D0007/%'", "path LIKE prefix ?");
    plan_has("SELECT EXISTS (SELECT 1 FROM t WHERE path = 'usr/d0007' OR path LIKE 'usr/d0007/%')",
             "path LIKE prefix ?");
    plan_has("SELECT * FROM big JOIN t ON t.path = big.path WHERE t.path LIKE 'usr/d0007/%'",
             "t VIRTUAL TABLE INDEX 0:path LIKE prefix ?");
    plan_has("SELECT * FROM big JOIN t ON t.n = big.id WHERE t.path = 'x' OR t.path LIKE 'usr/d0007/%'",
             "path LIKE prefix ?");
    plan_has("SELECT * FROM t WHERE path = 'x' OR path LIKE '%e%'", "all rows");
    expect("20\n", "SELECT count(*) FROM t WHERE path = 'usr/d0007' OR path LIKE 'USR/d0007/%'");
    expect("51\n", "SELECT count(*) FROM t WHERE path = 'var/d0900/f18000' OR path LIKE '2024/%'");
}

/* --- OR and the order of the path --------------------------------------------------------------------------------- */

LOOP_TEST(test_a_walk_in_order_is_not_forgotten_for_arms_that_are_open, 2) {
    fill(_i);
    EACH(each, "path > ?1 OR path = ?2", "path < ?1 OR path > ?2", "path >= ?1 OR path GLOB ?2",
         "path > 'usr/d0001' OR path = 'a'", "path < 'usr/d0005/' OR path > 'usr/d0009/'") {
        EACH(statement, "SELECT path FROM t WHERE %s ORDER BY path LIMIT 10",
             "SELECT path FROM t WHERE %s ORDER BY path DESC LIMIT 10", "SELECT min(t.path) FROM t WHERE %s",
             "SELECT max(path) FROM t WHERE %s") {
            char *sql = sqlite3_mprintf(statement, each);
            plan_lacks(sql, "MULTI-INDEX OR");
            plan_has(sql, ":all rows");
            sqlite3_free(sql);
        }
    }
}

LOOP_TEST(test_arms_that_leave_few_rows_are_sorted, 2) {
    fill(_i);
    plan_has("SELECT path FROM t WHERE path = ?1 OR path GLOB ?2 ORDER BY path LIMIT 10", "MULTI-INDEX OR");
    plan_has("SELECT path FROM t WHERE path = ?1 OR path BETWEEN ?2 AND ?3 ORDER BY path LIMIT 10", "MULTI-INDEX OR");
    plan_has("SELECT path FROM t WHERE path LIKE '%needle%' OR note LIKE '%needle%' ORDER BY path", "MULTI-INDEX OR");
    plan_has("SELECT path FROM t WHERE path > ?1 OR path = ?2", "MULTI-INDEX OR");
}

/* --- words below a prefix ----------------------------------------------------------------------------------------- */

static const char words[] = "(t.path LIKE '%needle%' OR t.path LIKE '%haystack%')";

LOOP_TEST(test_each_word_is_searched_below_a_wide_prefix, 2) {
    fill(_i);
    char *sql = sqlite3_mprintf("SELECT path FROM t('usr/') WHERE %s", words);
    plan_says_twice(sql, "prefix=? AND path LIKE ? (search)");
    sqlite3_free(sql);
    sql = sqlite3_mprintf("SELECT path FROM t WHERE prefix = 'usr/' AND %s", words);
    plan_says_twice(sql, "prefix=? AND path LIKE ? (search)");
    sqlite3_free(sql);
    sql = sqlite3_mprintf("SELECT path FROM t('usr/') WHERE n > 10 AND %s", words);
    plan_says_twice(sql, "prefix=? AND n>? AND path LIKE ? (search)");
    sqlite3_free(sql);
    sql = sqlite3_mprintf("SELECT path FROM t WHERE path GLOB 'usr/*' AND %s", words);
    plan_says_twice(sql, "path LIKE ? (search)");
    sqlite3_free(sql);
}

/* An arm that does not get the prefix would find nothing. */
LOOP_TEST(test_no_row_below_a_prefix_is_lost_to_an_or, 2) {
    fill(_i);
    EACH(each, "SELECT count(*), min(t.path) FROM t('usr/') WHERE %s",
         "SELECT count(*), min(t.path) FROM t WHERE prefix = 'usr/' AND %s",
         "SELECT count(*), min(t.path) FROM t WHERE %s AND prefix = 'usr/'",
         "SELECT count(*), min(t.path) FROM t WHERE 'usr/' = prefix AND %s",
         "SELECT count(*), min(t.path) FROM t WHERE prefix = (SELECT 'usr/') AND %s",
         "SELECT count(*), min(t.path) FROM t WHERE (prefix, note) = ('usr/', 'note') AND %s",
         "SELECT count(*), min(t.path) FROM t WHERE %s AND (prefix, note) = ('usr/', 'note')",
         "SELECT count(*), min(t.path) FROM t WHERE (note, prefix) = ('note', 'usr/') AND %s",
         "SELECT count(*), min(t.path) FROM t WHERE n >= 0 AND %s AND (note, prefix) = ('note', 'usr/')",
         "SELECT count(*), min(t.path) FROM t('usr/') WHERE (n >= 0 OR n < 0) AND %s",
         "SELECT count(*), min(t.path) FROM (SELECT * FROM t('usr/')) AS t WHERE %s",
         "SELECT count(*), min(t.path) FROM big JOIN t('usr/') ON t.n >= big.id WHERE big.id = 0 AND %s",
         "SELECT count(*), min(t.path) FROM big LEFT JOIN t('usr/') ON %s WHERE big.id = 7",
         ("SELECT count(*), min(path) FROM (SELECT path FROM t WHERE (prefix, note) = ('usr/', 'note') AND %s"
          " UNION SELECT 'usr/d0000/haystack00008')")) {
        char *sql = sqlite3_mprintf(each, words);
        char *rows = sql_rows(db, "%s", sql);
        ck_assert_msg(!strcmp(rows, "12|usr/d0000/haystack00008\n"), "%s\n%s", sql, rows);
        sqlite3_free(rows);
        sqlite3_free(sql);
    }
}

/* --- lookups ------------------------------------------------------------------------------------------------------ */

/* A value that many rows have beside one that another table knows. */
LOOP_TEST(test_each_lookup_counts_in_a_join, 2) {
    fill(_i);
    EACH(join, "SELECT t.path FROM t JOIN known k ON t.hash = k.hash WHERE t.owner = 1 AND k.name = ?1",
         "SELECT t.path FROM known k JOIN t ON t.hash = k.hash WHERE t.owner = ?2 AND k.name = ?1",
         "SELECT t.path FROM t JOIN known k ON t.hash = k.hash JOIN big ON big.id = t.n WHERE owner = 1 AND k.name = "
         "?1") {
        plan_has(join, "hash=? (lookup)");
        plan_has(join, "owner=? (lookup)");
    }
    /* The range that is beside one of them counts, too. */
    const char *itself = "SELECT a.path, b.path FROM t a JOIN t b ON b.hash = a.hash"
                         " WHERE a.owner = 1 AND b.owner = 2 AND a.path GLOB 'usr/d0007/*'";
    plan_has(itself, "SCAN a VIRTUAL TABLE INDEX 0:path>=? AND path<? AND path GLOB ? AND owner=? (lookup)\n");
    plan_has(itself, "SCAN b VIRTUAL TABLE INDEX 0:all rows AND owner=? (lookup) AND hash=? (lookup)");
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("spellings", .seconds = 120, .set_up = sql_set_up_in_memory, .tear_down = sql_tear_down);
}
