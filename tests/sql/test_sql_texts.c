/* Summaries of texts: what zones of texts lead to is what an ordinary table says, in one run, in several, in memory,
 * with rows that hide others, with long rows, and with values of all types in between; and how little is read for it.
 */
#include "core/tree/state/hooks.h"
#include "tests/support/grammar.h"
#include "tests/support/sql_one.h"

enum { ROWS = 2500, QUERIES = 150 };

static void set_up(void) {
    sql_set_up();
    run("CREATE VIRTUAL TABLE t USING art(path, at TEXT, word TEXT, any, tag TEXT, size INTEGER, note, "
        "summary=(max(at), min(word), max(any), lookup(tag), sum(size)));"
        "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, at TEXT, word TEXT, any, tag TEXT, size INTEGER, note) WITHOUT "
        "ROWID; CREATE TABLE other(number INTEGER, typeless, text TEXT);"
        "INSERT INTO other VALUES(2025, '2025', '2025'), (7, '7', '7'), (NULL, NULL, NULL)");
}

/* Dates, near dates and what reads as a number; texts that are equal for longer than a code is; all types. */
static void add_rows(const char *top, unsigned rows) {
    run("INSERT OR REPLACE INTO b WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT %u) SELECT "
        "printf('%s%%02d/f%%05d', i %% 7, draw(20000)), CASE draw(60) WHEN 0 THEN NULL WHEN 1 THEN '2025' WHEN 2 THEN "
        "'' WHEN 3 THEN ' 7' WHEN 4 THEN 'unknown' WHEN 5 THEN '2025-' || char(228) ELSE strftime('%%Y-%%m-%%d "
        "%%H:%%M:%%S', 1700000000 + draw(50000) * 1000, 'unixepoch') END, CASE draw(6) WHEN 0 THEN NULL WHEN 1 THEN 'a "
        "word that begins as others do, number ' || draw(90) WHEN 2 THEN char(draw(300) + 1) || 'x' ELSE "
        "substr('usr/share/doc/', 1, draw(14)) || draw(50) END, CASE draw(12) WHEN 0 THEN NULL WHEN 1 THEN draw(3000) "
        "WHEN 2 THEN x'01' WHEN 3 THEN 1.5 ELSE '20' || draw(30) END, printf('%%08x', draw(500)), draw(1000), CASE "
        "draw(40) WHEN 0 THEN hex(zeroblob(2500)) END FROM i;"
        "UPDATE b SET any = 'text ' || draw(9) WHERE path LIKE '_03%%';"
        "UPDATE b SET any = draw(9) WHERE path LIKE '_04%%'",
        rows, top);
}

static void copy_rows(void) {
    run("DELETE FROM t WHERE path NOT IN (SELECT path FROM b);"
        "INSERT OR REPLACE INTO t(path, at, word, any, tag, size, note) SELECT * FROM b");
}

/* --- random queries ----------------------------------------------------------------------------------------------- */

static const char *const rules[] = {
    "query: $ordered | $ordered | $counted",
    "ordered: $(c:=2*at|word|any)SELECT $(x.$c$(2?, x.size)|x.$c, x.path, length(x.note)) FROM @ AS x "
    "$(|WHERE $condition|WHERE $condition AND $condition) ORDER BY x.$c$(| DESC), x.path$(2?$(| DESC)) "
    "LIMIT $(1|10|50|(SELECT 2000))",
    "counted: SELECT count(*), min(x.path), max(x.path), total(x.size) FROM @ AS x WHERE $condition$(2? AND "
    "$condition)",
    "date: 2023-11 | 2024-0$(1-9) | 2024-$(10-12)-$(10-28) | 2025-0$(1-6)-1 | 2025 | 20 | 2025-06-01 10 | 3",
    "word: usr/ | usr/share/doc/$(0-50) | a word that begins as others do, number $(0-90) | a | b | z | 5",
    "value: '$date' | '$word' | $(0-3000) | 1.5 | x'01' | '20$(0-30)' | NULL",
    "by: < | <= | > | >= | = | <> | IS",
    "right: $value | (SELECT $value)",
    "condition: 3*x.at $by '$date' | x.at $by (SELECT '$date') | x.at BETWEEN '2024-0$(1-5)' AND '2024-0$(6-9)' | x.at "
    "$by $right | 2*x.word $by '$word' | x.word $by $right | 2*x.any $by $right | x.at LIKE '2024-0$(1-9)%' | x.at "
    "GLOB '2025*' | x.at IS NOT NULL | x.word IS NULL | x.path $(> 'd03/'|< 'd02/'|GLOB 'd0[2-4]*') | "
    "x.tag = '$(00000000-00000499)' | x.tag > '00000$(100-400)' | x.size < $(0-999) | "
    "(x.at, x.path) $(<|>) ('$date', 'd03') | x.at > '$date' AND x.at < '$date' | "
    "x.at $by (SELECT $(number|typeless|text) FROM other LIMIT 1)",
    NULL};

/* A bound value, of its own, and where a number's column is meant. */
TEXTS(of_bound, "SELECT count(*), max(path) FROM @ AS x WHERE x.at > ?1",
      "SELECT count(*), max(path) FROM @ AS x WHERE x.at < ?1",
      "SELECT count(*), max(path) FROM @ AS x WHERE x.at IS ?1",
      "SELECT count(*), max(path) FROM @ AS x WHERE x.any < ?1",
      "SELECT count(*), max(path) FROM @ AS x WHERE x.word > ?1 AND x.any > ?1",
      "SELECT group_concat(path) FROM (SELECT path FROM @ WHERE at < ?1 ORDER BY at DESC, path LIMIT 9)",
      "SELECT group_concat(path) FROM (SELECT path FROM @ WHERE at = ?1 ORDER BY at, path LIMIT 9)",
      "SELECT count(*), max(path) FROM other, @ AS x WHERE other.number = ?1 AND x.at < other.number",
      "SELECT count(*), max(path) FROM other, @ AS x WHERE other.text = ?1 AND x.any < other.text",
      "SELECT count(*), max(path) FROM other, @ AS x WHERE other.number = ?1 AND x.at IS other.number");

static void compare(struct random *random) {
    TEXTS(values, "'2024-05'", "'2025-06-01 10:00:00'", "'2025'", "'7'", "''", "2025", "7", "'usr/'", "'unknown'");
    for (int i = 0; i < QUERIES; i++) {
        if (!random_span(random)) continue;
        char *text = grammar_drawn(random, rules, "$query");
        alike(text);
        const char *value = values[random_below(random, LENGTH(values))];
        alike_bound(of_bound[random_below(random, LENGTH(of_bound))], value);
    }
    EACH(prefix, "", "d03/", "d04/", "e0", "d02/f1", "nowhere") {
        char *expected =
            kept(sql_rows(db,
                          "SELECT max(at), min(at), max(word), min(word), max(any), min(any), max(tag) FROM b "
                          "WHERE substr(path, 1, length('%s')) = '%s'",
                          prefix, prefix));
        char *query = TEXT("SELECT art_max('t', 'at', %Q), art_min('t', 'at', %Q), art_max('t', 'word', %Q), "
                           "art_min('t', 'word', %Q), art_max('t', 'any', %Q), art_min('t', 'any', %Q), "
                           "(SELECT max(tag) FROM t WHERE path >= %Q AND substr(path, 1, length(%Q)) = %Q)",
                           prefix, prefix, prefix, prefix, prefix, prefix, prefix, prefix, prefix);
        expect(expected, query);
    }
    alike_as("SELECT path, entries, at, word, any FROM t('', '/')",
             "SELECT substr(path, 1, 4), count(*), max(at), min(word), max(any) FROM b GROUP BY 1");
    expect("ok\n", "SELECT art_check('t')");
}

LOOP_TEST(test_zones_of_texts_lead_to_the_rows_of_an_ordinary_table, 3) {
    struct random random = random_announced_with("texts", random_seed() + (uint64_t)_i);
    sql_lend_draw(db, &random);
    ART_IN_TESTS(if (_i == 2) art_test_hooks.blob_pages = 0;)
    add_rows("d", ROWS);
    copy_rows();
    command(_i == 1 ? "optimize" : "flush");
    compare(&random);
    add_rows("e", ROWS / 3);
    run("DELETE FROM b WHERE at > '2025-03' AND path < 'd03'; UPDATE b SET at = '2023-01-01' WHERE size %% 9 = 0");
    copy_rows();
    command("flush");
    compare(&random);
    run("BEGIN");
    add_rows("d", ROWS / 5);
    run("DELETE FROM b WHERE word > 'usr/share'; UPDATE b SET any = 'zz' || any WHERE size < 100");
    copy_rows();
    compare(&random);
    run("COMMIT");
    command("optimize");
    compare(&random);
}

/* --- what is spared ----------------------------------------------------------------------------------------------- */

static void add_dates(const char *seconds) {
    fill_rows("INTO t(path, at, size)", 1, 40000,
              "printf('%%06d', i), strftime('%%Y-%%m-%%dT%%H:%%M:%%S', 1600000000 + %s, 'unixepoch'), i", seconds);
    command("optimize");
}

/* Pages that a statement reads which gives what another one gives, on a connection that knows nothing yet. */
static sqlite3_int64 pages_of(const char *statement, const char *plain) {
    char *expected = kept(sql_rows(db, "%s", plain));
    sql_reopen();
    sqlite3_int64 before = sql_info(db, "pages read");
    expect(expected, statement);
    return sql_info(db, "pages read") - before;
}

TEST(test_the_newest_by_a_date_are_found_without_a_walk) {
    add_dates("i * 7919 % 40009 * 1000");
    plan_has("SELECT path FROM t ORDER BY at DESC LIMIT 3", "best first");
    sqlite3_int64 all = pages_of("SELECT count(*) FROM t WHERE +at > ''", "SELECT 40000");
    ck_assert_int_gt(all, 80);
    ck_assert_int_lt(
        pages_of("SELECT at FROM t ORDER BY at DESC LIMIT 2", "SELECT at FROM t ORDER BY +at DESC LIMIT 2"), all / 4);
    ck_assert_int_lt(pages_of("SELECT at, path FROM t WHERE at > '2021-06' ORDER BY at DESC, path LIMIT 2",
                              "SELECT at, path FROM t WHERE +at > '2021-06' ORDER BY +at DESC, path LIMIT 2"),
                     all / 4);
    ck_assert_int_lt(pages_of("SELECT art_max('t', 'at', ''), art_min('t', 'at', '03')",
                              "SELECT max(+at), min(iif(path LIKE '03%', at, NULL)) FROM t"),
                     all / 4);
    ck_assert_int_eq(sql_info(db, "searches given up"), 0);
}

TEST(test_conditions_pass_over_pages_of_dates) {
    add_dates("i * 600");
    sqlite3_int64 all = pages_of("SELECT count(*) FROM t WHERE +at > ''", "SELECT 40000");
    EACH(condition, "at > '2021-06-17'", "at < '2020-09-14'", "at BETWEEN '2021-01-01' AND '2021-01-02'",
         "at = '2020-09-13T12:36:40'") {
        char *statement = TEXT("SELECT count(*), sum(size) FROM t WHERE %s", condition);
        char *plain = TEXT("SELECT count(*), sum(size) FROM t WHERE +%s", condition);
        ck_assert_int_lt(pages_of(statement, plain), all / 4);
    }
}

/* Beside what is no text a zone says nothing of texts, but the rows are found. */
TEST(test_other_values_among_dates_cost_only_their_neighbours) {
    add_dates("i * 600");
    run("UPDATE t SET at = x'00' WHERE path = '020000'; UPDATE t SET at = NULL WHERE path > '039990'");
    command("optimize");
    expect("1|00\n", "SELECT count(*), hex(max(at)) FROM t WHERE at >= x''");
    expect("00\n", "SELECT hex(at) FROM t ORDER BY at DESC LIMIT 1");
    expect("2021-06-18T05:26:40\n", "SELECT at FROM t WHERE typeof(at) = 'text' ORDER BY at DESC LIMIT 1");
    expect("\n\n", "SELECT at FROM t ORDER BY at LIMIT 2");
    expect("00\n", "SELECT hex(art_max('t', 'at', ''))");
    expect("ok\n", "SELECT art_check('t')");
}

static int64_t count_bound(const char *sql, const char *bound) {
    sqlite3_stmt *query = sql_prepare(db, "%s", sql);
    sqlite3_bind_text(query, 1, bound, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return count;
}

/* Where a bound value stands for a column of numbers, a text that reads as a number is one, and less than any text. */
TEST(test_no_page_is_passed_over_that_has_a_text_which_reads_as_a_number) {
    static const char from[] = " AS x WHERE other.number = ?1 AND x.at < other.number";
    add_dates("i * 600");
    run("UPDATE t SET at = '2021' WHERE path = '030000'; INSERT INTO other(number) VALUES('2020-09-14');"
        "INSERT INTO t(t) VALUES('optimize'); INSERT INTO b(path, at) SELECT path, at FROM t");
    int64_t expected = count_bound(TEXT("SELECT count(*) FROM other, b%s", from), "2020-09-14");
    ck_assert_int_eq(count_bound(TEXT("SELECT count(*) FROM other, t%s", from), "2020-09-14"), expected);
    printf("%lld rows\n", (long long)expected);
    ck_assert_int_gt(expected, sql_int(db, "SELECT count(*) FROM t WHERE at < '2020-09-14'"));
}

SUITE("texts", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
