/* The newest N beside conditions: rows in the order of a column, best first while few are thrown away, then by walks.
 *
 * Random queries are run on an art table and on an ordinary one with the same rows: in one run, in several, and with
 * changes that are not committed. Small tables are given up early, so each way is taken.
 */
#include "tests/support/grammar.h"
#include "tests/support/sql_one.h"

enum { ROWS = 3000, QUERIES = 120 };

static void set_up(void) {
    sql_set_up();
    run("CREATE VIRTUAL TABLE t USING art(path, type TEXT, size INTEGER, mtime INTEGER, any, note TEXT, "
        "summary=(sum(size), max(mtime), min(any)));"
        "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, type TEXT, size INTEGER, mtime INTEGER, any, note TEXT) "
        "WITHOUT ROWID; CREATE TABLE kind(id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;"
        "INSERT INTO kind VALUES('f', 'file'), ('d', 'directory')");
}

/* Numbers, few and many of one value, NULLs, texts, and texts in chunks. */
static void add_rows(struct random *random, const char *top, unsigned rows) {
    unsigned few = random_once_in(random, 3) ? 4 : 100000;
    run("INSERT OR REPLACE INTO b WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT %u) SELECT "
        "printf('%s%%02d/f%%05d', i %% 7, draw(20000)), CASE draw(10) WHEN 0 THEN 'd' WHEN 1 THEN 'l' ELSE 'f' END, "
        "draw(1000), CASE draw(40) WHEN 0 THEN NULL WHEN 1 THEN 'unknown' WHEN 2 THEN 1.5 ELSE draw(%u) END, "
        "CASE draw(9) WHEN 0 THEN NULL WHEN 1 THEN 'text' || i WHEN 2 THEN x'01' ELSE draw(%u) END, "
        "CASE draw(3) WHEN 0 THEN NULL ELSE 'note ' || i END FROM i;"
        "UPDATE b SET any = hex(zeroblob(2500)) || size WHERE draw(50) = 3",
        rows, top, few, few);
}

static void copy_rows(void) {
    run("DELETE FROM t WHERE path NOT IN (SELECT path FROM b);"
        "INSERT OR REPLACE INTO t(path, type, size, mtime, any, note) SELECT * FROM b");
}

/* --- random queries ----------------------------------------------------------------------------------------------- */

/* Without the path in its order a query tells the values alone, which are the same in any order of equal rows. */
static const char *const rules[] = {
    "query: $(c:=2*mtime|size|any)$asked",
    "asked: SELECT x.$c $from ORDER BY x.$c$(| DESC) $limit | 3*SELECT x.$c, x.path, x.type, x.size, length(x.note) "
    "$from ORDER BY x.$c$(| DESC), x.path$(2*| DESC) $limit",
    "from: FROM @ AS x$(5? LEFT JOIN kind ON kind.id = x.type)$(2*| WHERE $rare|9* WHERE $conditions$(9? AND $rare))",
    "conditions: $condition | $condition AND $condition | $condition AND $condition AND $condition",
    "rare: (x.type, x.size) IN (SELECT type, size FROM b WHERE size < 9)",
    "limit: LIMIT $(1|2*10|50|(SELECT 100)|(SELECT 2000)|(SELECT 100000))$(4? OFFSET $(0-49))",
    "number: $(0-4) | $(0-99999)",
    "small: $(0-4) | $(0-999)",
    "by: < | <= | > | >= | = | <>",
    "condition: x.type $(=|<>|IS|IS NOT|>) 'f' | x.type = $('zz'|lower('D')|(SELECT 'l')|NULL|(SELECT NULL)) | "
    "x.note $(IS NULL|IS NOT NULL|LIKE '%7%'|LIKE 'NOTE 1%'|NOT LIKE '%1%'|GLOB '*3*'|<> 'note 5') | "
    "x.size $by $($small|(SELECT $small)|abs($small)) | 2*x.$c $by $number | "
    "(x.$c, x.path) $(<|>|<=|>=) ($number, 'e03/') | x.$c <= $(n=$number) AND (x.$c < $n OR x.path < 'd03/') | "
    "(x.$c < $(n=$number) OR (x.$c = $n AND x.path < 'd03/')) | x.path $(> 'd03/'|LIKE '%7%'|NOT LIKE '%7'|GLOB "
    "'d*1*'|LIKE 'E02/%'|< 'd01/f1'|BETWEEN 'd02' AND 'e01') | x.type $(IN ('l', 'd')|IN (SELECT id FROM kind)|IN "
    "('zz')) | x.any $by $(5|'5'|1.5|'text7'|NULL|x'01'|(SELECT 3)|(SELECT 'text5'))",
    NULL};

static void compare(struct random *random) {
    for (int i = 0; i < QUERIES; i++) {
        if (!random_span(random)) continue;
        alike(grammar_drawn(random, rules, "$query"));
    }
}

LOOP_TEST(test_the_best_rows_beside_conditions_are_those_of_an_ordinary_table, 4) {
    struct random random = random_announced_with("newest", random_seed() + (uint64_t)_i);
    sql_lend_draw(db, &random);
    add_rows(&random, "d", ROWS);
    copy_rows();
    command("flush");
    compare(&random);
    add_rows(&random, "e", ROWS / 3);
    run("DELETE FROM b WHERE mtime %% 9 = 0 AND path < 'd02'");
    copy_rows();
    command("flush");
    compare(&random);
    run("BEGIN");
    add_rows(&random, "d", ROWS / 5);
    run("DELETE FROM b WHERE mtime %% 7 = 0; UPDATE b SET mtime = mtime + 1 WHERE size < 100");
    copy_rows();
    compare(&random);
    run("COMMIT");
    ck_assert_int_gt(sql_info(db, "searches given up"), 20);
    expect("0|1\n", "SELECT count(*) FILTER (WHERE a.row_version <> t.row_version), count(*) > 2000 FROM (SELECT path, "
                    "row_version FROM t ORDER BY mtime DESC LIMIT (SELECT 100000)) AS a JOIN t USING(path)");
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* More than the 8 MB of one batch: the better half stays, and another walk finds the rest. */
TEST(test_rows_that_no_batch_has_room_for_are_all_given) {
    fill_rows("INTO b", 1, 6000,
              "printf('%%05d', i), 'f', i * 7919 %% 6007, i * 104729 %% 6011, NULL, hex(zeroblob(1900))");
    copy_rows();
    command("flush");
    alike_as("SELECT path, mtime, length(note) FROM t ORDER BY mtime DESC LIMIT (SELECT 100000)",
             "SELECT path, mtime, length(note) FROM b ORDER BY mtime DESC");
    ck_assert_int_eq(sql_info(db, "searches given up"), 1);
    ck_assert_int_lt(sqlite3_memory_highwater(1) - sqlite3_memory_used(), 128 << 20);
}

/* --- writes under an open query ----------------------------------------------------------------------------------- */

/* Many rows with one value, too: where the scan stands is known by the path. */
TEST(test_a_given_up_search_goes_on_when_the_table_changes) {
    enum { MANY = 9000, SEEN = 5000 };
    fill_rows("INTO t(path, size, mtime)", 1, MANY, "printf('%%05d', i), i, i / 8000");
    sqlite3_stmt *open = sql_prepare(db, "SELECT path FROM t ORDER BY mtime LIMIT (SELECT 100000)");
    int rows = 0, rc;
    while ((rc = sqlite3_step(open)) == SQLITE_ROW) {
        ck_assert_int_eq(sqlite3_column_int(open, 0), ++rows);
        if (rows % 500 == 3) run("INSERT INTO t(path, size, mtime) VALUES('0000-%d', 1, 0)", rows);
        if (rows == SEEN) command("flush");
    }
    ck_assert_msg(rc == SQLITE_DONE && rows == MANY, "%d of %d: %s", rows, MANY, sqlite3_errmsg(db));
    sqlite3_finalize(open);
    ck_assert_int_eq(sql_info(db, "searches given up"), 1);
}

TEST(test_a_given_up_search_is_over_when_its_table_is_dropped) {
    fill_rows("INTO t(path, size, mtime)", 1, 4000, "printf('%%05d', i), i, i * 7919 %% 6007");
    sqlite3_stmt *open = sql_prepare(db, "SELECT path FROM t ORDER BY mtime LIMIT (SELECT 100000)");
    for (int i = 0; i < 2000; i++) ck_assert_int_eq(sqlite3_step(open), SQLITE_ROW);
    run("DELETE FROM t");
    for (int i = 0; i < 100; i++) sqlite3_step(open);
    sqlite3_reset(open);
    ck_assert_int_eq(sqlite3_step(open), SQLITE_DONE);
    sqlite3_finalize(open);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

TEST(test_the_plan_tells_beside_which_conditions_rows_come_best_first) {
    TEXTS(first, "type = 'f'", "type = ?1", "type = lower(?1)", "note IS NULL", "any = 'x' AND type = 'd' AND size < 7",
          "mtime > 0", "mtime < unixepoch()", "(mtime, path) < (?1, ?2)", "path > 'a' AND type = 'f'");
    TEXTS(newer, "type <> 'd'", "note IS NOT NULL", "note LIKE '%7%'", "path LIKE '%.txt'",
          "path GLOB '*.txt' AND type <> ?1", "note LIKE 'x%'", "note LIKE 'x7_y%' AND type = 'f'", "any LIKE 'Note%'",
          "note LIKE '\u043f%'", "note LIKE 'x%' AND note COLLATE NOCASE >= 'X'");
    TEXTS(never, "note >= ?1", "type IN ('f', 'l')", "type IS NOT 'f'", "length(note) > 5", "note NOT LIKE '%7%'",
          "mtime = 'x'", "type = 5", "type = 'f' AND note = 'x' AND any = 5 AND size = 5 AND mtime = 5",
          "type = 'f' COLLATE NOCASE", "(type, size) IN (SELECT 'f', 5)",
          "note COLLATE NOCASE >= 'X' AND note COLLATE NOCASE < 'y'", "note LIKE '%x%' AND note COLLATE NOCASE >= 'X'",
          "note LIKE 'x%' AND note COLLATE NOCASE >= 'XY'", "note LIKE 'x%' AND type COLLATE NOCASE >= 'X'",
          "note LIKE 'x%' AND note COLLATE NOCASE > 'X'", "note LIKE 'x%' AND note COLLATE NOCASE < 'x'",
          "row_version < 9", "mtime < 5 OR (mtime = 5 AND path < 'x')");
    for (size_t i = 0; i < LENGTH(first); i++) {
        char *text = TEXT("SELECT * FROM t WHERE %s ORDER BY mtime DESC LIMIT 10", first[i]);
        plan_has(text, "best first");
    }
    for (size_t i = 0; i < LENGTH(newer); i++) {
        char *text = TEXT("SELECT * FROM t WHERE %s ORDER BY mtime DESC LIMIT 10", newer[i]);
        if (sqlite3_libversion_number() >= 3046001) plan_has(text, "best first");
    }
    for (size_t i = 0; i < LENGTH(never); i++) {
        char *text = TEXT("SELECT * FROM t WHERE %s ORDER BY mtime DESC LIMIT 10", never[i]);
        plan_lacks(text, "best first");
    }
}

/* --- what is spared ----------------------------------------------------------------------------------------------- */

/* What a search finds out of the children of an index blob is noted of all of them, and not of those alone that its
 * own condition leaves. */
TEST(test_a_search_with_a_condition_notes_nothing_that_is_untrue_without_it) {
    fill_rows("INTO t(path, size, mtime, note)", 1, 24000,
              "printf('%%06d', i), CASE WHEN i > 16000 THEN 9 ELSE 1 END, i, '-' || hex(randomblob(40))");
    command("optimize");
    ck_assert_int_gt(sql_info(db, "blobs"), 4);
    run("DELETE FROM t WHERE mtime <= 300; INSERT INTO t(path, size, mtime) VALUES('z', 1, 500)");
    expect("301\n", "SELECT mtime FROM t ORDER BY mtime LIMIT 1");
    expect("16001\n", "SELECT mtime FROM t WHERE size > 5 ORDER BY mtime LIMIT 1");
    expect("301\n302\n303\n", "SELECT mtime FROM t ORDER BY mtime LIMIT 3");
    expect("500\n500\n501\n", "SELECT mtime FROM t WHERE mtime >= 500 ORDER BY mtime LIMIT 3");
}

/* A filter that most rows meet costs no walk, and a bound at the near end, with NULLs in every page, neither. */
TEST(test_a_search_that_finds_its_rows_is_not_given_up) {
    fill_rows("INTO t(path, type, size, mtime)", 1, 40000,
              "printf('%%06d', i), CASE i %% 10 WHEN 0 THEN 'd' ELSE 'f' END, i, CASE i %% 50 WHEN 0 THEN NULL ELSE i "
              "* 7919 %% 40009 END");
    command("optimize");
    expect("1\n2\n3\n", "SELECT mtime FROM t WHERE mtime > 0 ORDER BY mtime LIMIT 3");
    expect("40008\n40007\n", "SELECT mtime FROM t WHERE type >= 'd' ORDER BY mtime DESC LIMIT 2");
    alike_as("SELECT mtime FROM t WHERE type = 'd' ORDER BY mtime DESC LIMIT 5",
             "SELECT mtime FROM t WHERE type = 'd' ORDER BY +mtime DESC LIMIT 5");
    expect("", "SELECT mtime FROM t WHERE type = 'x' ORDER BY mtime DESC LIMIT 5");
    expect("20001\n", "SELECT mtime FROM t WHERE mtime > 20000 ORDER BY mtime LIMIT 1");
    ck_assert_int_eq(sql_info(db, "searches given up"), 0);
    expect("3000\n", "SELECT count(*) FROM (SELECT path FROM t ORDER BY mtime DESC LIMIT (SELECT 3000))");
    ck_assert_int_eq(sql_info(db, "searches given up"), 1);
}

/* The poll of an idle queue: no row is due. What was due has left pages whose zones reach below the bound; but once a
 * search has found out where their rows begin, the next one ends where the best of them lies behind it. */
TEST(test_a_bound_ends_a_search_behind_rows_that_were_taken) {
    static const char poll[] = "SELECT size FROM t WHERE type = 'f' AND mtime <= 290 ORDER BY mtime LIMIT 2";
    fill_rows("INTO t(path, type, size, mtime)", 1, 20000, "printf('%%06d', i), 'f', i, i * 7919 %% 20011");
    command("optimize");
    for (int i = 0; i < 300; i++)
        run("UPDATE t SET mtime = mtime + 50000 WHERE path = (SELECT path FROM t ORDER BY mtime LIMIT 1)");
    for (int i = 0; i < 10; i++) expect("", poll); /* whatever was left to be found out */
    sqlite3_int64 given_up = sql_info(db, "searches given up"), passed = sql_info(db, "fronts passed");
    expect("", poll);
    ck_assert_int_eq(sql_info(db, "searches given up"), given_up);
    ck_assert_int_eq(sql_info(db, "fronts passed"), passed); /* no page was looked at */
    run("INSERT INTO t(path, type, size, mtime) VALUES('new', 'f', 7, 290), ('newer', 'f', 8, 291)");
    expect("7\n", poll);
}

/* A text that reads as a number may be within a bound that has a numeric affinity, though it is sorted behind all
 * numbers. */
TEST(test_a_bound_ends_no_search_before_texts) {
    static const char found[] = "SELECT any, path FROM t WHERE any <= CAST(30 AS INTEGER) ORDER BY any, path LIMIT 50";
    fill_rows("INTO t(path, any)", 1, 2000, "printf('%%06d', i), CASE i WHEN 1950 THEN '5' ELSE i END");
    command("optimize");
    for (int i = 0; i < 40; i++) run("DELETE FROM t WHERE path = (SELECT path FROM t ORDER BY any LIMIT 1)");
    plan_has(found, "best first");
    expect("5|001950\n", "SELECT any, path FROM t WHERE +any <= CAST(30 AS INTEGER)");
    for (int i = 0; i < 3; i++) expect("5|001950\n", found);
}

SUITE("newest", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
