/* What the planner hands down, the cursor does, and the rows are the ones of an ordinary table: LIKE, IN, OFFSET,
 * DISTINCT, joins. Each statement runs on an art table and on an ordinary one with the same rows; '@' stands for the
 * table.
 */
#include "tests/support/sql_one.h"

static const char paths[] =
    "INSERT INTO b(path) VALUES(''), ('5'), ('05'), ('5.0'), (' 5'), ('12'), ('12.50'), ('1000'), ('1e3'), ('-1'), "
    "('a'), ('A'), ('ab'), ('aB'), ('AB'), ('abc'), ('aBc/d'), ('ABC'), ('a/'), ('A/1'), ('a/1'), ('a/2'), ('a/b/c'), "
    "('b'), ('B/x'), ('[x]'), ('`'), ('@'), ('a@b'), ('A@'), ('a[c'), ('x'), ('X%y'), ('x%'), ('x_y'), ('é'), ('É'), "
    "('éa'), ('Z'), ('z'), ('{'), (CAST(x'6100' AS TEXT)), (CAST(x'41006f' AS TEXT)), (CAST(x'61ff' AS TEXT)), ('~')";

static void set_up(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
    run("CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID; %s;"
        "UPDATE b SET value = length(path);"
        "CREATE TABLE r(n INTEGER, f REAL, s TEXT, u, l BLOB);"
        "INSERT INTO r VALUES(5, 12.5, 'a', 5, x'61'), (1000, 1e3, 'a/1', 'AB', 'a'), (NULL, NULL, NULL, NULL, NULL),"
        " ('q', 'a/2', '5', 12.5, 'abc'), (-1, -1, 'x%%', NULL, 5), (5, 5, 'a', 5, 5);"
        "INSERT INTO t(path, value) SELECT path, value FROM b WHERE length(path) %% 2",
        paths);
    command("flush");
    run("INSERT INTO t(path, value) SELECT path, value FROM b WHERE length(path) %% 2 = 0");
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

TEXTS(values, "'a'", "'A/%'", "'AB_'", "'%b'", "'aB%'", "5", "12.5", "x'612f'", "NULL");
enum { VALUES = LENGTH(values) };

/* The values of the parameters begin with this one. */
static void agree_bound(const char *sql, int first) {
    char *list = TEXT("%s", values[first]);
    for (int i = 1; i < VALUES; i++) list = TEXT("%s, %s", list, values[(first + i) % VALUES]);
    alike_or_undecided(sql, list);
}

static void agree(const char *sql) {
    agree_bound(sql, 0);
}

static void agree_always(const char *sql) {
    for (int i = 0; i < VALUES; i++) agree_bound(sql, i);
}

/* --- LIKE --------------------------------------------------------------------------------------------------------- */

TEXTS(like_forms, "SELECT path FROM @ WHERE path LIKE %Q ORDER BY path",
      "SELECT path FROM @ WHERE path LIKE %Q || '' ORDER BY path DESC",
      "SELECT path FROM @ WHERE path LIKE %Q ESCAPE '\\' ORDER BY path",
      "SELECT path FROM @ WHERE path LIKE %Q AND path > 'A' AND path < 'b' ORDER BY path DESC",
      "SELECT path FROM @ WHERE path LIKE %Q AND path GLOB '*b*' ORDER BY path",
      "SELECT path FROM @ WHERE path LIKE %Q || '' AND path IN ('a', 'AB', 'abc', 'x_y', 5) ORDER BY path",
      "SELECT path FROM @ WHERE path NOT LIKE %Q ORDER BY path",
      "SELECT path FROM @ WHERE path LIKE %Q LIMIT 2 OFFSET 1");

static void try_likes(uint64_t seed, int times) {
    TEXTS(letters, "a", "A", "b", "B", "c", "/", "%", "_", "x", "@", "[", "é", "\\", "1", "z", "%");
    struct random random = {seed};
    for (int i = 0; i < times * (int)random_scale(); i++) {
        if (!random_span(&random)) continue;
        sqlite3_str *pattern = sqlite3_str_new(NULL);
        sqlite3_str_appendall(pattern, "");
        for (uint32_t n = random_below(&random, 6); n; n--) {
            sqlite3_str_appendall(pattern, letters[random_below(&random, LENGTH(letters))]);
        }
        char *text = kept(sqlite3_str_finish(pattern));
        char *sql = TEXT(like_forms[random_below(&random, LENGTH(like_forms))], text ? text : "");
        for (char *p = strstr(sql, "LIKE"); p && *p; p++) {
            if (*p == '@') *p = 'a'; /* it stands for the table */
        }
        agree(sql);
    }
}

TEST(test_like_gives_what_it_gives) {
    uint64_t seed = random_seed();
    printf("LIKE: seed %llu\n", (unsigned long long)seed);
    try_likes(seed, 1500);
    agree("SELECT path FROM @ WHERE path LIKE 'A' || char(64) || '%'");
    run("CREATE VIEW v AS SELECT * FROM t WHERE path LIKE 'a@%%'; CREATE VIEW w AS SELECT * FROM b WHERE path LIKE "
        "'a@%%'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM v"), sql_int(db, "SELECT count(*) FROM w"));
    for (int i = 0; i < VALUES; i++) {
        agree_bound("SELECT path FROM @ WHERE path LIKE ? ORDER BY path", i);
        agree_bound("SELECT path FROM @ WHERE path LIKE ? || '%' ORDER BY path DESC", i);
        agree_bound("SELECT path FROM @ WHERE path LIKE ? ESCAPE 'b'", i);
        agree_bound("SELECT path FROM @ WHERE like(?, path)", i);
        agree_bound("SELECT path FROM @ WHERE path LIKE (SELECT ?)", i);
    }
    agree("SELECT path, s FROM r CROSS JOIN @ WHERE path LIKE s || '%' ORDER BY 1, 2");
    agree("SELECT path, u FROM r CROSS JOIN @ WHERE path LIKE u ORDER BY 1, 2");
    agree("SELECT path, l FROM r CROSS JOIN @ WHERE path LIKE l ORDER BY 1, 2");
}

/* Matches everything, whatever SQLite expects of like() and glob(). */
static void match_anything(sqlite3_context *context, int count, sqlite3_value **values) {
    sqlite3_result_int(context, 1);
}

LOOP_TEST(test_like_is_the_applications_once_it_has_replaced_it, 4) {
    static const struct {
        int arguments, encoding;
    } ways[] = {{2, SQLITE_UTF8}, {-1, SQLITE_UTF8}, {2, SQLITE_UTF16}, {3, SQLITE_UTF8}};
    sqlite3_create_function(db, "like", ways[_i].arguments, ways[_i].encoding, NULL, match_anything, NULL, NULL);
    if (ways[_i].arguments != 3) {
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path LIKE 'ab' || '%%'"),
                         sql_int(db, "SELECT count(*) FROM b"));
    }
    agree("SELECT path FROM @ WHERE path LIKE 'ab%'");
    agree("SELECT path FROM @ WHERE path LIKE 'ab' || '%'");
    agree("SELECT path FROM @ WHERE path LIKE 'ab%' ESCAPE '\\'");
    agree_always("SELECT path FROM @ WHERE path LIKE ?");
}

TEST(test_glob_is_sqlites_whatever_the_application_calls_so) {
    TEXTS(forms, "GLOB 'ab' || '*' ORDER BY path DESC LIMIT 3", "GLOB '*x' AND path > 'a'", "GLOB ? AND path < 'b'");
    sqlite3_stmt *statements[3];
    char *before[3];
    for (int i = 0; i < 3; i++) {
        statements[i] = sql_prepare(db, "SELECT path FROM t WHERE path %s", forms[i]);
        sqlite3_bind_text(statements[i], 1, "/*", -1, SQLITE_STATIC);
        before[i] = kept(sql_answer(statements[i]));
        sqlite3_reset(statements[i]);
    }
    sqlite3_create_function(db, "glob", 2, SQLITE_UTF8, NULL, match_anything, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        char *after = kept(sql_answer(statements[i]));
        ck_assert_msg(!strcmp(before[i], after), "%s\n%s\n%s", forms[i], before[i], after);
        sqlite3_finalize(statements[i]);
    }
}

TEST(test_like_that_tells_capitals_from_small_letters) {
    uint64_t seed = random_seed();
    printf("case_sensitive_like: seed %llu\n", (unsigned long long)seed);
    run("PRAGMA case_sensitive_like = ON");
    try_likes(seed, 400);
    agree_always("SELECT path FROM @ WHERE path LIKE ?");
    run("PRAGMA case_sensitive_like = OFF");
    try_likes(seed, 400);
}

TEST(test_a_pattern_that_is_too_long_is_an_error_where_there_are_rows) {
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 4);
    agree("SELECT path FROM @ WHERE path LIKE 'a' || '/1/2%'");
    agree("SELECT path FROM @ WHERE path LIKE 'a/1%%%'");
    agree("SELECT path FROM @ WHERE path LIKE 'a/1%'");
    agree_always("SELECT path FROM @ WHERE path LIKE ? || '%%%'");
    agree("SELECT path FROM @ WHERE path GLOB 'a/1/*'");
    agree("SELECT path FROM @ WHERE path GLOB 'a/1/*' AND value NOTNULL ORDER BY path DESC LIMIT 2");
    agree("SELECT path FROM @ WHERE path GLOB 'a/1*1' OR path = 'a'");
    agree_always("SELECT path FROM @ WHERE path GLOB ?");
}

static void random_letters(struct random *random, char *out, uint32_t most) {
    static const char letters[] = "abABzZ/`[{";
    uint32_t n = random_below(random, most + 1);
    for (uint32_t i = 0; i < n; i++) out[i] = letters[random_below(random, sizeof letters - 1)];
    out[n] = 0;
}

/* Paths of a few letters in all spellings: the odometer turns everywhere. Among many paths it seeks, among few it
 * steps. */
TEST(test_like_finds_every_spelling) {
    struct random random = random_announced("spellings");
    for (int round = 0; round < 24 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        char path[12], low[4];
        int many = round % 4 == 0;
        run("BEGIN; DELETE FROM b; DELETE FROM t");
        sqlite3_stmt *insert = sql_prepare(db, "INSERT OR IGNORE INTO b VALUES(?1, 1)");
        for (int i = 0; i < (many ? 8000 : 300); i++) {
            random_letters(&random, path, many ? 10 : 6);
            sqlite3_bind_text(insert, 1, path, -1, SQLITE_STATIC);
            ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
            sqlite3_reset(insert);
        }
        sqlite3_finalize(insert);
        run("INSERT INTO t(path, value) SELECT path, value FROM b; COMMIT");
        if (round % 8) command("flush");
        for (int i = 0; i < 40; i++) {
            random_letters(&random, path, 5);
            random_letters(&random, low, 3);
            agree(TEXT("SELECT path FROM @ WHERE path LIKE '%s%%' AND path %s '%s' ORDER BY path%s", path,
                       random_below(&random, 2) ? ">=" : "<", low, random_below(&random, 2) ? " DESC" : ""));
        }
    }
}

TEST(test_plans_with_like) {
    plan_says("SELECT value FROM @ WHERE path LIKE 'a/%' ORDER BY path", ":path LIKE prefix ?");
    plan_says("SELECT value FROM @ WHERE path LIKE 'a/%' ESCAPE '\\' ORDER BY path", ":path LIKE prefix ?");
    plan_says("SELECT value FROM @ WHERE path LIKE 'a' || '/%' ORDER BY path", ":path LIKE ?");
    plan_says("SELECT value FROM @ WHERE path LIKE ? ORDER BY path", ":path LIKE ?");
    plan_says("SELECT value FROM @ WHERE path LIKE '2024-%' ORDER BY path", ":path LIKE ?");
    plan_says("SELECT value FROM @ WHERE path GLOB 'a' || '/*' ORDER BY path", ":path GLOB ?");
    plan_says("SELECT value FROM @ WHERE path LIKE '%a' ORDER BY path", ":all rows");
    plan_lacks("SELECT value FROM @ WHERE path LIKE 'a/%' LIMIT 3 OFFSET 2", "limit");
}

/* --- IN ----------------------------------------------------------------------------------------------------------- */

TEST(test_in_takes_every_list) {
    EACH(list, "('a', 'abc', 'zz', 'a', 'A')", "('a', 5, 12.5, x'61', NULL, '5')", "(?, ?, ?)", "(NULL)", "()",
         "(SELECT s FROM r)", "(SELECT n FROM r)", "(SELECT f FROM r)", "(SELECT u FROM r)", "(SELECT l FROM r)",
         "(SELECT n || '' FROM r)", "(SELECT path FROM b)", "(SELECT path FROM t WHERE path > 'a')", "(SELECT ?)",
         "(VALUES('a'), (5), (NULL))", "(SELECT CAST(n AS NUMERIC) FROM r UNION SELECT s FROM r)",

         "('a', value || '', 'AB')", "(SELECT path FROM b LIMIT 0)") {
        EACH(tail, "", " ORDER BY path", " ORDER BY path DESC", " ORDER BY path LIMIT 2",
             " ORDER BY path DESC LIMIT 2 OFFSET 1", " AND path > 'a' ORDER BY path",
             " AND path GLOB '*b*' ORDER BY path DESC LIMIT 1", " AND path < '6' ORDER BY path DESC",
             " AND path LIKE 'A' || '%' ORDER BY path", " AND path IN ('a', '5', '05', 5) ORDER BY path LIMIT 3",
             " AND path = 'a'", " AND value > 1 ORDER BY path LIMIT 2", " OR path = 'b' ORDER BY path") {
            const char *order = strstr(tail, "ORDER") ? "" : " ORDER BY path + 0, path";
            char *sql = TEXT("SELECT path, value FROM @ WHERE path IN %s%s%s", list, tail, order);
            for (int j = 0; j < (strchr(list, '?') ? VALUES : 1); j++) agree_bound(sql, j);
        }
    }
    agree("SELECT path FROM @ WHERE path NOT IN ('a', 5) ORDER BY path");
    agree("SELECT path FROM @ WHERE path COLLATE NOCASE IN ('AB', 'x') ORDER BY path");
    agree("SELECT path FROM @ WHERE (path, value) IN (SELECT 'a', 1 UNION SELECT 'ab', 2 UNION SELECT 'b', 2) ORDER BY "
          "path");
    agree("SELECT r.s, x.path FROM r CROSS JOIN @ AS x WHERE x.path IN (r.s, r.s || '/1', r.n) ORDER BY 1, 2");
}

TEST(test_a_long_list_keeps_its_order) {
    run("DELETE FROM t; DELETE FROM b;"
        "INSERT INTO b WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000) SELECT printf('k%%d', i), i "
        "FROM n;"
        "INSERT INTO t(path, value) SELECT path, value FROM b WHERE value %% 3");
    run("DELETE FROM b WHERE value %% 3 = 0");
    agree("SELECT path FROM @ WHERE path IN (SELECT 'k' || (value * 7) FROM b) ORDER BY path");
    agree("SELECT path FROM @ WHERE path IN (SELECT 'k' || (value * 7) FROM b) ORDER BY path DESC LIMIT 100");
    agree("SELECT count(*), sum(value) FROM @ WHERE path IN (SELECT path FROM b)");
    plan_says("SELECT path FROM @ WHERE path IN ('a', 'b') ORDER BY path DESC", ":path IN (?), descending, keys only");
    plan_says("SELECT path FROM @ WHERE path IN ('a', ?) AND path > 'a' ORDER BY path LIMIT 4",
              ":path IN (?) AND path>?, keys only");
}

TEST(test_rows_in_a_list_are_changed) {
    EACH(change, "UPDATE @ SET value = 'u' WHERE path IN ('a', 'ab', 'nothing', 'x')",
         "UPDATE @ SET path = path || '!' WHERE path IN (SELECT s FROM r)",
         "DELETE FROM @ WHERE path IN (SELECT n FROM r)",
         "DELETE FROM @ WHERE path IN ('a!', 'z', 'Z') AND path < 'b'") {
        agree(change);
        agree("SELECT path, value FROM @ ORDER BY path");
    }
}

/* --- LIMIT and OFFSET --------------------------------------------------------------------------------------------- */

TEST(test_limits_and_offsets) {
    TEXTS(orders, "", "ORDER BY path", "ORDER BY path DESC", "ORDER BY path DESC, value", "ORDER BY value, path",
          "ORDER BY path COLLATE NOCASE, path");
    EACH(condition, "", "WHERE path > 'a'", "WHERE path >= 'a' AND path < 'b'", "WHERE path > ?1",
         "WHERE path GLOB 'a*'", "WHERE path GLOB '*/*'", "WHERE path GLOB 'a*' || '[bc]'",
         "WHERE path BETWEEN '5' AND 'abc'", "WHERE value > 1", "WHERE path > value", "WHERE path = value",
         "WHERE path IS path", "WHERE path = lower(path)", "WHERE lower(path) = path AND path > 'A'",
         "WHERE path IN (path, 'x')", "WHERE likely(path <> '')", "WHERE path IS NOT NULL",
         "WHERE path >= (SELECT min(s) FROM r)", "WHERE path > 'a' AND path COLLATE NOCASE < 'C'",
         "WHERE path > 'a' OR path < '5'", "WHERE (path, value) > ('a', 1)", "WHERE (path, 1) >= (?1, 2)",
         "WHERE (path, 2) <= (?1, 1)", "WHERE (path, 1) >= ('a', 2) AND path <= 'x'",
         "WHERE (path, value) IN (SELECT ?1, 2)", "WHERE (path, value) > (?1, 1)",
         "WHERE (path, value) <= (?1, 0) AND path < 'x'", "WHERE path >= ?1 AND (path, value) < ('b', ?1)",
         "WHERE path > 5", "WHERE path < (SELECT max(n) FROM r)") {
        for (size_t o = 0; o < LENGTH(orders); o++) {
            EACH(limit, "LIMIT 3", "LIMIT 3 OFFSET 2", "LIMIT 100 OFFSET 40", "LIMIT -1 OFFSET 3", "LIMIT 2 OFFSET -5",
                 "LIMIT 0 OFFSET 1", "LIMIT ?2 OFFSET ?3", "LIMIT 4 OFFSET 1 + 1", "LIMIT 2, 3",
                 "LIMIT 5 OFFSET 1000000000000") {
                if (!o && strstr(condition, " OR ")) continue; /* in any order */
                char *sql = TEXT("SELECT path, value FROM @ %s %s %s", condition, orders[o], limit);
                sqlite3_stmt *twins[2];
                for (int i = 0; i < 2; i++) {
                    twins[i] = sql_prepare(db, "%s", kept(sql_named(sql, i ? "b" : "t")));
                    sqlite3_bind_text(twins[i], 1, "a", 1, SQLITE_STATIC);
                    sqlite3_bind_int(twins[i], 2, 3);
                    sqlite3_bind_int(twins[i], 3, 4);
                }
                sql_alike(twins[0], twins[1]);
            }
        }
    }
}

TEST(test_limits_of_more_than_one_select) {
    EACH(select, "SELECT path FROM @ UNION ALL SELECT path FROM @ LIMIT 3 OFFSET 40",
         "SELECT path FROM @ UNION ALL SELECT path FROM @ LIMIT 3 OFFSET 50",
         "SELECT path FROM @ WHERE path > 'z' UNION ALL SELECT path FROM @ WHERE path > 'a' LIMIT 4 OFFSET 6",
         "SELECT path FROM @ WHERE path > 'z' UNION ALL SELECT path FROM @ WHERE path > 'a' ORDER BY path LIMIT 4 "
         "OFFSET 6",
         "SELECT path FROM @ UNION SELECT path FROM @ LIMIT 3 OFFSET 2",
         "SELECT * FROM (SELECT path FROM @ WHERE path > 'z' UNION ALL SELECT path FROM @) LIMIT 3 OFFSET 7",
         "SELECT * FROM (SELECT path FROM @ WHERE path > 'z' UNION ALL SELECT path FROM @) ORDER BY path LIMIT 3 "
         "OFFSET 7",
         "SELECT path FROM (SELECT path FROM @ ORDER BY path LIMIT 5 OFFSET 2) UNION ALL SELECT path FROM @ LIMIT 9 "
         "OFFSET 3",
         "SELECT path FROM (SELECT path FROM @ ORDER BY path LIMIT 5 OFFSET 2) ORDER BY path DESC LIMIT 2 OFFSET 1",
         "SELECT DISTINCT value FROM @ ORDER BY value LIMIT 2 OFFSET 1",
         "SELECT value, count(*) FROM @ GROUP BY value ORDER BY value LIMIT 2 OFFSET 1",
         "SELECT count(*) FROM (SELECT 1 FROM @ LIMIT 10 OFFSET 20)",
         "SELECT count(*) FROM (SELECT 1 FROM @ ORDER BY path DESC LIMIT 10 OFFSET 40)",
         "SELECT (SELECT x.path FROM @ AS x WHERE x.path > r.s ORDER BY x.path LIMIT 1 OFFSET 2) FROM r",
         "SELECT (SELECT x.path FROM @ AS x WHERE x.path > r.n ORDER BY x.path LIMIT 1 OFFSET 1) FROM r",
         "SELECT (SELECT x.path FROM @ AS x WHERE x.path < r.n ORDER BY x.path DESC LIMIT 1) FROM r",
         "SELECT x.path, y.path FROM @ AS x, @ AS y ORDER BY x.path, y.path LIMIT 5 OFFSET 100",
         "SELECT path FROM @ WHERE path > 'a' EXCEPT SELECT path FROM @ WHERE path > 'b' LIMIT 3 OFFSET 1",
         "SELECT sum(value) OVER (ORDER BY path) FROM @ ORDER BY path LIMIT 3 OFFSET 2",
         "WITH RECURSIVE c(p) AS (SELECT min(path) FROM @ UNION ALL SELECT (SELECT path FROM @ WHERE path > p ORDER BY "
         "path LIMIT 1) FROM c WHERE p IS NOT NULL LIMIT 30) SELECT * FROM c LIMIT 5 OFFSET 10") {
        agree(select);
    }
}

static void fill_many(int rows) {
    run("DELETE FROM t; DELETE FROM b;"
        "INSERT INTO b WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d) SELECT printf('d%%d/%%05d', i %% "
        "7, i), i FROM n;"
        "INSERT INTO t(path, value) SELECT path, value FROM b WHERE value %% 2",
        rows);
    command("flush");
    run("INSERT INTO t(path, value) SELECT path, value FROM b WHERE value %% 2 = 0;"
        "DELETE FROM t WHERE value %% 5 = 0; DELETE FROM b WHERE value %% 5 = 0");
}

TEST(test_offsets_skip_over_many_rows) {
    struct random random = random_announced("offsets");
    fill_many(3000);
    TEXTS(conditions, "", "WHERE path > 'd2'", "WHERE path < 'd5/00100'", "WHERE path > 'd1' AND path <= 'd6/02000'",
          "WHERE path GLOB 'd3/*'");
    for (int i = 0; i < 150 * (int)random_scale(); i++) {
        if (!random_span(&random)) continue;
        agree(TEXT("SELECT path FROM @ %s ORDER BY path %s LIMIT %u OFFSET %u", conditions[random_below(&random, 5)],
                   random_below(&random, 2) ? "DESC" : "", random_below(&random, 40), random_below(&random, 2600)));
    }
    bool skips = sqlite3_libversion_number() >= 3046001; /* before, nobody knows whose OFFSET it is */
    void (*says)(const char *, const char *) = skips ? plan_says : plan_lacks;
    says("SELECT path FROM @ WHERE path > 'd2' ORDER BY path LIMIT 5 OFFSET 500", ", keys only, limit ?, offset ?");
    says("SELECT value FROM @ ORDER BY path DESC LIMIT 5 OFFSET 500", ", descending, limit ?, offset ?");
    plan_lacks("SELECT path FROM @ WHERE path > 'd2' AND value > 5 ORDER BY path LIMIT 5 OFFSET 500", "limit");
    says("SELECT path FROM @ WHERE path > ? ORDER BY path LIMIT 5 OFFSET 500", ", keys only, limit ?, offset ?");
    plan_says("SELECT path FROM @ WHERE path > ? ORDER BY path LIMIT 5", ":path>?, keys only");
    plan_lacks("SELECT path FROM @ WHERE path >= ? ORDER BY path LIMIT 5 OFFSET 500", "limit"); /* a row value? */
}

/* --- order, DISTINCT, shapes -------------------------------------------------------------------------------------- */

/* Each bound is a row, in the range or just outside of it. */
TEST(test_offsets_end_at_the_last_row) {
    fill_many(3000);
    EACH(each, "> 'd1/00001' AND path < 'd6/01826'", "> 'd1/00001' AND path <= 'd6/01826'",
         ">= 'd1/00001' AND path < 'd6/01826'", ">= 'd1/00001' AND path <= 'd6/01826'") {
        char *rows = kept(sql_rows(db, "SELECT count(*) FROM b WHERE path %s", each));
        for (int skipped = atoi(rows) - 2; skipped <= atoi(rows) + 1; skipped++) {
            for (int descending = 0; descending < 2; descending++) {
                agree(TEXT("SELECT path FROM @ WHERE path %s ORDER BY path %s LIMIT 9 OFFSET %d", each,
                           descending ? "DESC" : "", skipped));
            }
        }
    }
}

TEST(test_paths_are_distinct) {
    EACH(select, "SELECT DISTINCT path FROM @", "SELECT DISTINCT path, value FROM @ ORDER BY path DESC",
         "SELECT DISTINCT value, path FROM @ ORDER BY value, path", "SELECT DISTINCT value FROM @ ORDER BY value",
         "SELECT path, count(*) FROM @ GROUP BY path ORDER BY path DESC",
         "SELECT value, path, count(*) FROM @ GROUP BY value, path ORDER BY path",
         "SELECT value, path, count(*) FROM @ GROUP BY value, path ORDER BY value, path",
         "SELECT value, path FROM @ GROUP BY value, path ORDER BY value DESC, path",
         "SELECT DISTINCT path FROM @ WHERE path IN ('b', 'a', 5) ORDER BY path DESC",
         "SELECT DISTINCT x.path FROM @ AS x, r ORDER BY x.path DESC",
         "SELECT DISTINCT x.path FROM r CROSS JOIN @ AS x ORDER BY 1",
         "SELECT x.path, count(*) FROM r CROSS JOIN @ AS x GROUP BY x.path ORDER BY 1",
         "SELECT min(path), max(path) FROM @", "SELECT min(path) FROM @ WHERE path > 'a'",
         "SELECT max(path) FROM @ WHERE path GLOB 'a*'", "SELECT max(path) FROM @ WHERE path IN ('a', 'b', 'q')") {
        bool ordered = strstr(select, "ORDER BY") || strstr(select, "m");
        agree(ordered ? select : TEXT("SELECT * FROM (%s) ORDER BY 1", select));
    }
    if (sqlite3_libversion_number() >= 3053000) { /* which asks for the groups' order only where it is wanted */
        plan_says("SELECT DISTINCT path FROM @", ":all rows, keys only");
        plan_says("SELECT DISTINCT value, path FROM @", ":all rows");
        plan_says("SELECT value, path, count(*) FROM @ GROUP BY value, path", ":all rows");
    }
    plan_says("SELECT path, count(*) FROM @ GROUP BY path ORDER BY path DESC", ":all rows, descending, keys only");
    plan_says("SELECT min(path) FROM @", ":all rows, keys only");
    plan_says("SELECT max(path) FROM @", ":all rows, descending, keys only");
}

/* Of a letter whose last byte is the last one that goes on in UTF-8 the next letter begins with another byte. */
TEST(test_a_beginning_may_end_in_any_letter) {
    EACH(form, "GLOB '%s*'", "LIKE '%s%%'") {
        char *plain = TEXT(form, "стор"), *last = TEXT(form, "стоп");
        char *say = TEXT("EXPLAIN QUERY PLAN SELECT value FROM t WHERE path %s", plain);
        char *expected = kept(sql_rows(db, "%s", say));
        say = TEXT("EXPLAIN QUERY PLAN SELECT value FROM t WHERE path %s", last);
        expect(expected, say);
    }
}

/* SQLite compares with bounds where it can, and by characters elsewhere. */
TEST(test_broken_characters_begin_like_any_bytes) {
    run("INSERT INTO b(path) VALUES(CAST(x'c3a9a9' AS TEXT)), (CAST(x'c3a9ff' AS TEXT)), (CAST(x'c3' AS TEXT));"
        "INSERT INTO t(path) SELECT path FROM b WHERE path >= CAST(x'c3' AS TEXT) AND path <> 'é' AND length(path) < 9 "
        "AND path NOT IN (SELECT path FROM t)");
    agree("SELECT path FROM @ WHERE path GLOB 'é*'");
    agree("SELECT path FROM @ WHERE path GLOB 'é**'");
    agree("SELECT path FROM @ WHERE path GLOB 'é' || '*'");
    agree("SELECT path FROM @ WHERE path GLOB 'é?'");
    agree("SELECT path FROM @ WHERE path GLOB 'é*' AND path GLOB 'é' || '*'");
    agree("SELECT count(*) FROM @ WHERE path GLOB 'é*'");
}

TEST(test_any_number_of_conditions_is_intersected) {
    for (int conditions = 1; conditions < 60; conditions += 7) {
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_str_appendall(sql, "SELECT path FROM @ WHERE 1");
        for (int i = 0; i < conditions; i++) {
            sqlite3_str_appendf(sql, " AND path %s '%c'", i % 2 ? ">=" : "<", i % 2 ? 'A' + i / 4 : 'z' - i / 4);
        }
        sqlite3_str_appendall(sql,
                              " AND path GLOB '*' || '[abx]*' AND path GLOB '*a*' || '' ORDER BY path DESC LIMIT 3");
        agree(kept(sqlite3_str_finish(sql)));
    }
}

/* The cursor tries one pattern on a row, and SQLite the others. */
TEST(test_each_of_several_patterns_counts) {
    agree("SELECT path FROM @ WHERE path GLOB '*[bx]*' AND path GLOB '*b' ORDER BY path");
    agree("SELECT path FROM @ WHERE path GLOB '*b' AND path GLOB '*[ax]*' ORDER BY path LIMIT 2 OFFSET 1");
    agree("SELECT path FROM @ WHERE path GLOB ? || '*' AND path GLOB '*' || ? AND path GLOB '?*' ORDER BY path DESC");
    agree("SELECT path FROM @ WHERE path GLOB 'a*' AND path GLOB '*b*' AND path GLOB '*c' ORDER BY path LIMIT 1");
    agree("SELECT path FROM @ WHERE path GLOB '[*' AND path >= 'a' AND path < 'b'"); /* bounds of somebody else */
}

/* Broken UTF-8 behind a prefix makes its last character another one for glob(), wherever the pattern comes from. */
TEST(test_a_stray_byte_behind_a_prefix) {
    run("INSERT INTO b VALUES(CAST(x'c3a980' AS TEXT), 3), (CAST(x'efbfbe80' AS TEXT), 4); INSERT INTO t(path, value) "
        "SELECT path, value FROM b WHERE path IN (CAST(x'c3a980' AS TEXT), CAST(x'efbfbe80' AS TEXT))");
    agree(
        "SELECT hex(path) FROM @ WHERE path GLOB '\uFFFE*' ORDER BY path"); /* begins nothing that art takes for sound */
    agree("SELECT hex(path) FROM @ WHERE path GLOB 'é' || '*' ORDER BY path");
    agree("SELECT hex(path) FROM @ WHERE path GLOB 'é' || '**' ORDER BY path DESC LIMIT 9 OFFSET 1");
    agree("SELECT hex(y.path) FROM @ x JOIN @ y ON y.path GLOB x.path || '*' WHERE x.path = 'é' ORDER BY 1");
    static const char *const patterns[] = {"é*", "é**", "é", "a*", "\uFFFE*", "é*"}, *const columns[] = {"hex(path)",
                                                                                                         "count(*)"};
    for (int column = 0; column < 2; column++) { /* what is bound is known when SQLite prepares the statement anew */
        sqlite3_stmt *twins[2];
        for (int i = 0; i < 2; i++)
            twins[i] = sql_prepare(db, "SELECT %s FROM %s WHERE path GLOB ?", columns[column], i ? "b" : "t");
        for (int p = 0; p < LENGTH(patterns); p++) {
            for (int i = 0; i < 2; i++) sqlite3_reset(twins[i]);
            for (int i = 0; i < 2; i++) sqlite3_bind_text(twins[i], 1, patterns[p], -1, SQLITE_STATIC);
            int rc;
            do {
                rc = sqlite3_step(twins[0]);
                ck_assert_int_eq(sqlite3_step(twins[1]), rc);
                const char *art = (const char *)sqlite3_column_text(twins[0], 0);
                if (rc == SQLITE_ROW) ck_assert_str_eq(art, (const char *)sqlite3_column_text(twins[1], 0));
            } while (rc == SQLITE_ROW);
        }
        for (int i = 0; i < 2; i++) sqlite3_finalize(twins[i]);
    }
}

/* A bound may be longer than any path is. */
TEST(test_bounds_longer_than_a_path) {
    TEXTS(operators, "<", "<=", ">", ">=", "=");
    run("INSERT INTO b VALUES(printf('%%.65534c', 'a'), 1); INSERT INTO t(path, value) SELECT path, value FROM b"
        " WHERE length(path) > 100");
    for (int i = 0; i < 10; i++) {
        char *sql = TEXT("SELECT length(path), path < 'aab' FROM @ WHERE path %s printf('%%.%dc', 'a')"
                         " ORDER BY path %s LIMIT 2",
                         operators[i / 2], 65533 + i % 4, i % 2 ? "DESC" : "");
        agree(sql);
    }
    for (int i = 0; i < 10; i++) { /* a literal's rows are not checked again */
        char *sql = TEXT("SELECT length(path), path < 'aab' FROM @ WHERE path %s '%.*c' ORDER BY path %s LIMIT 2",
                         operators[i / 2], 65535, 'a', i % 2 ? "DESC" : "");
        agree(sql);
    }
}

/* SQLite tells only of the first 32 conditions whether they are an IN. */
TEST(test_a_list_behind_many_conditions) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "SELECT path FROM @ WHERE 1");
    for (int i = 0; i < 40; i++) sqlite3_str_appendf(sql, " AND path > '%c'", '!' + i % 3);
    sqlite3_str_appendall(sql, " AND path IN (SELECT n FROM r) ORDER BY path DESC");
    agree(kept(sqlite3_str_finish(sql)));
}

/* (path, 1) < (?, 0) comes as path <= ?, and SQLite drops a row of it. */
TEST(test_a_row_value_and_a_limit) {
    TEXTS(operators, "<", "<=", ">", ">=");
    for (int i = 0; i < 16; i++) {
        agree_always(TEXT("SELECT path FROM @ WHERE (path, %d) %s (?, 5) ORDER BY path %s LIMIT 3", i / 8 ? 9 : 0,
                          operators[i % 4], i / 4 % 2 ? "DESC" : ""));
    }
    agree_always("SELECT path FROM @ WHERE (path, value) > (?, 0) ORDER BY path LIMIT 1 OFFSET 2");
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

/* CAST(? AS INTEGER) looks like a parameter, and compares as a number. */
TEST(test_a_parameter_that_is_cast_is_a_number) {
    run("INSERT INTO b VALUES('0.0', 1), ('0', 2), ('-0', 3), ('/', 4); INSERT INTO t(path, value) SELECT path, value "
        "FROM b WHERE path IN ('0.0', '0', '-0', '/')");
    EACH(type, "INTEGER", "REAL", "NUMERIC", "TEXT", "BLOB") {
        EACH(operator, "=", "IS", "<", "<=", ">", ">=") {
            agree_always(TEXT("SELECT path FROM @ WHERE path %s CAST(?1 AS %s) ORDER BY path LIMIT 9", operator, type));
        }
    }
    agree_always(
        "WITH c(n) AS MATERIALIZED (SELECT cast(? AS NUMERIC)) SELECT path FROM c, @ WHERE path = n ORDER BY 1");
    agree_always("SELECT path FROM @ WHERE path = ? ORDER BY path");
    agree_always("SELECT path FROM @ WHERE path > ? ORDER BY path LIMIT 3");
}

static void agree_bound_numbers(const char *sql) {
    for (int i = 5; i < 7; i++) agree_bound(sql, i);
}

/* A compound may have the affinity of one of its columns. */
TEST(test_a_parameter_in_a_compound_may_be_a_number) {
    EACH(each, "VALUES((SELECT n FROM r)), (?)", "SELECT n FROM r UNION ALL SELECT ?",
         "SELECT ? UNION SELECT n FROM r WHERE 0", "SELECT ? EXCEPT SELECT n FROM r",
         "SELECT n FROM r INTERSECT SELECT ?") {
        EACH(operator, "=", "IS", "<", "<=", ">", ">=") {
            char *sql =
                TEXT("WITH c(n) AS (%s) SELECT n, path FROM c CROSS JOIN @ ON path %s n ORDER BY 1, 2", each, operator);
            agree_bound_numbers(sql);
            sql = TEXT("WITH c(n) AS (%s) SELECT path FROM @ WHERE path %s (SELECT n FROM c LIMIT 1) ORDER BY 1",
                       each, operator);
            agree_bound_numbers(sql);
        }
    }
}

/* --- joins -------------------------------------------------------------------------------------------------------- */

/* Which table is the outer loop, the first line of the plan. */
static void outer_is(const char *sql, const char *table) {
    char *plan = kept(sql_plan(db, "t", sql));
    char *end = strchr(plan, '\n'), *wanted = TEXT(" %s ", table);
    ck_assert_ptr_nonnull(end);
    *end = 0;
    char *first = TEXT("%s ", plan);
    ck_assert_msg(strstr(first, wanted) != NULL, "%s\nthe outer loop is not %s: %s, then %s", sql, table, plan,
                  end + 1);
}

TEST(test_joins_begin_where_there_are_few_rows) {
    run("DELETE FROM t; INSERT INTO t(path, value) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
        " SELECT printf('d%%02d/%%05d', i %% 50, i), i FROM n;"
        "CREATE TABLE small(p TEXT, x); INSERT INTO small SELECT path, value FROM t WHERE value %% 2000 = 0;"
        "CREATE TABLE large(p TEXT PRIMARY KEY, x); INSERT INTO large SELECT path, value FROM t; ANALYZE");
    command("flush");
    outer_is("SELECT * FROM @ JOIN small ON path = p", "small");
    outer_is("SELECT * FROM small JOIN @ ON path = p", "small");
    outer_is("SELECT * FROM @ JOIN small ON path GLOB p || '/*'", "small");
    outer_is("SELECT * FROM @ JOIN small ON path >= p AND path < p || '0'", "small");
    outer_is("SELECT * FROM small JOIN @ ON prefix = p", "small");
    outer_is("SELECT * FROM @ JOIN large ON path = p WHERE path GLOB 'd07/000*'", "t");
    outer_is("SELECT * FROM large JOIN @ ON path = p WHERE path >= 'd07/0000' AND path < 'd07/0020'", "t");
    outer_is("SELECT * FROM large JOIN @ ON path = p WHERE prefix = 'd07/0000'", "t");
    outer_is("SELECT * FROM @ JOIN large ON path = p WHERE large.x = 5 AND large.p GLOB 'd05/0000*'", "large");
    outer_is("SELECT * FROM @ AS x JOIN @ AS y ON y.path = x.value WHERE x.path GLOB 'd07/0000*'", "x");
    outer_is("SELECT * FROM @ AS y JOIN @ AS x ON y.path = x.value WHERE x.path GLOB 'd07/0000*'", "x");
}

/* --- under writes ------------------------------------------------------------------------------------------------- */

/* A transaction that has spilled leaves memory behind that does not know the rows: open scans go on from the log. */
TEST(test_scans_go_on_after_a_rollback_that_memory_cannot_undo) {
    sql_tear_down();
    sql_set_up();
    sql_create(db, "t", "spill_limit='64KB'");
    run("CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
        "INSERT INTO b WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 500) SELECT printf('d%%05d', i), i "
        "FROM n;"
        "INSERT INTO t(path, value) SELECT path, value FROM b; CREATE TABLE copy(path, number INTEGER); INSERT INTO "
        "copy SELECT path, path FROM b");
    EACH(scan, "SELECT path FROM @ ORDER BY path", "SELECT path FROM @ ORDER BY path DESC",
         "SELECT path FROM @ WHERE path GLOB '*5*' || ''",
         "SELECT path FROM @ WHERE path LIKE 'D' || '%' ORDER BY path DESC",
         "SELECT path FROM @ WHERE path IN (SELECT path FROM copy) ORDER BY path",
         "SELECT path FROM @ WHERE path IN (SELECT number FROM copy) ORDER BY path",
         "SELECT path, value FROM @ ORDER BY path", "SELECT 1 FROM @") {
        sqlite3_stmt *twins[2];
        run("BEGIN");
        for (int j = 0; j < 2; j++) {
            twins[j] = sql_prepare(db, "%s", kept(sql_named(scan, j ? "b" : "t")));
            for (int k = 0; k < 20; k++) ck_assert_int_eq(sqlite3_step(twins[j]), SQLITE_ROW);
        }
        run("INSERT INTO t(path, value) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 3000)"
            " SELECT printf('e%%05d', i), hex(zeroblob(50)) FROM n; ROLLBACK");
        sql_alike(twins[0], twins[1]);
    }
}

/* The scan looks for an interrupt by a statement of its own, which is where this one comes from. */
static int interrupt_it(unsigned kind, void *context, void *statement, void *text) {
    static const char listens[] = "-- SELECT ?1,?1,"; /* as SQLite writes nested ones */
    if (!strncmp(text, listens, sizeof listens - 1)) sqlite3_interrupt(db);
    return 0;
}

TEST(test_a_long_search_in_vain_is_interrupted) {
    fill_many(20000);
    EACH(search, "SELECT path FROM t WHERE path GLOB '*nothing'",
         "SELECT path FROM t WHERE path GLOB '*' || 'nothing' ORDER BY path DESC") {
        ck_assert_int_eq(sql_try(db, "%s", search), SQLITE_OK);
        sqlite3_trace_v2(db, SQLITE_TRACE_STMT, interrupt_it, NULL);
        ck_assert_int_eq(sql_try(db, "%s", search), SQLITE_INTERRUPT);
        sqlite3_trace_v2(db, 0, NULL, NULL);
        agree("SELECT count(*) FROM @ WHERE path GLOB '*5'");
    }
}

/* Longer than what a plan's words have at hand. */
TEST(test_a_long_plan_is_shown_whole) {
    char key[300] = {0};
    memset(key, 'k', sizeof key - 1);
    char *columns = TEXT("%s, \"a %s\" INTEGER", key, key), *create = kept(sql_create_text("long", columns));
    run("%s", create);
    char *plan = kept(sql_rows(db, "EXPLAIN QUERY PLAN SELECT 1 FROM long WHERE %s > 'a' AND \"a %s\" > 5", key, key));
    char *words = TEXT(":%s>? AND \"a %s\">?", key, key);
    ck_assert_msg(strstr(plan, words) != NULL, "%s", plan);
}

/* What is no word stands in quotes, as one would write it. */
TEST(test_names_in_a_plan_are_those_of_the_statement) {
    run("CREATE VIRTUAL TABLE n USING art(\"a \"\"b\"\"\", \"1\" INTEGER, _$2 INTEGER, \"c\" INTEGER)");
    const char *words = "\"a \"\"b\"\"\">? AND \"1\">? AND _$2<? AND c<?";
    char *plan = kept(sql_rows(
        db, "EXPLAIN QUERY PLAN SELECT 1 FROM n WHERE \"a \"\"b\"\"\" > 'a' AND \"1\" > 1 AND _$2 < 2 AND c < 3"));
    ck_assert_msg(strstr(plan, words) != NULL, "%s", plan);
}

/* Joins: which table comes first, and what of another table's columns bounds the scan. By the steps that SQLite takes,
 * and by the words of EXPLAIN QUERY PLAN; '@' stands for the table.
 */

static void set_up_joins(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
}

/* The paths d/000/00000, d/001/00001, ..., of so many directories, and two ordinary tables that know these. */
static void fill_directories(int paths, int directories, int others) {
    run("DELETE FROM t; INSERT INTO t(path, value) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
        " SELECT printf('d/%%03d/%%05d', i %% %d, i), i FROM n;"
        "CREATE TABLE o(id INTEGER PRIMARY KEY, d TEXT, p TEXT);"
        "INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
        " SELECT i, printf('d/%%03d', i %% %d), printf('d/%%03d/%%05d', i %% %d, i) FROM n;"
        "CREATE TABLE x(id INTEGER PRIMARY KEY, w); INSERT INTO x SELECT id, d FROM o",
        paths, directories, others, directories, directories);
}

TEXTS(bounds_of_others, "q.path >= o.d AND q.path < o.d || '0'", "q.path BETWEEN o.d AND o.p",
      "q.path GLOB o.d || '/*'", "q.prefix = o.d || '/'", "q.path LIKE o.d || '/%'", "q.path IN (o.d, o.p)");
TEXTS(bounds_for_all, "q.path > 'd/'", "q.path >= 'd'", "q.path < 'e'", "q.path > 'd' AND q.path < 'e'",
      "q.path GLOB 'd/*'", "q.path > ''", "q.path LIKE 'd/%'", "q.path GLOB ?1", "q.path >= ?2 AND q.path < ?3",
      "q.value >= 0", "q.path IN ('d/000/00000', 'd/001/00001', 'd/002/00002')");
enum { BOUNDS_OF_OTHERS = LENGTH(bounds_of_others), BOUNDS_FOR_ALL = LENGTH(bounds_for_all) };

CASE("joins", .seconds = 120, .set_up = set_up_joins, .tear_down = sql_tear_down)

/* What is true of all rows must not cost another table's bounds, without which each row of that is compared with
 * all. */
LOOP_TEST(test_bounds_of_another_table_count_beside_any_others, 16) {
    static const struct {
        int paths, directories, others;
    } sizes[] = {{3000, 300, 300}, {3000, 300, 20}, {300, 300, 300}, {12000, 3, 2}};
    fill_directories(sizes[_i / 4].paths, sizes[_i / 4].directories, sizes[_i / 4].others);
    if (_i % 2) run("ANALYZE");
    if (_i % 4 / 2) command("flush");
    EACH(join, "o JOIN @ q ON ", "@ q JOIN o ON ", "o LEFT JOIN @ q ON ", "o JOIN x USING(id) JOIN @ q ON ",
         "@ q JOIN x JOIN o ON x.id = o.id AND ") {
        for (int j = 0; j < BOUNDS_OF_OTHERS; j++) {
            char *alone = TEXT("SELECT count(*) FROM %s%s", join, bounds_of_others[j]);
            int most = 4 * steps_of(alone, "'d/*', 'd', 'e'") + 2000; /* SQLite checks some rows again */
            for (int k = 0; k < BOUNDS_FOR_ALL; k++) {
                if (strstr(bounds_of_others[j], "LIKE") && strstr(bounds_for_all[k], "LIKE"))
                    continue; /* one is taken */
                char *sql = TEXT("%s AND %s", alone, bounds_for_all[k]);
                int steps = steps_of(sql, "'d/*', 'd', 'e'");
                if (steps > most) {
                    char *plan = sql_plan(db, "t", sql);
                    ck_abort_msg("%s takes %d steps, more than %d:\n%s", sql, steps, most, plan);
                }
            }
        }
    }
}

/* Before anything is read, and where there is nothing yet that a plan could be made for. */
TEST(test_bounds_of_another_table_are_taken_from_the_first_plan_on) {
    static const char sql[] =
        "SELECT count(*) FROM o JOIN @ q ON q.path >= o.d AND q.path < o.d || '0' AND q.path GLOB 'd/*' WHERE o.id = 1";
    static const char words[] = ":path>=? AND path<? AND path>=? AND path<? AND path GLOB ?";
    sql_tear_down();
    sql_set_up();
    sql_create(db, "t", "");
    fill_directories(0, 1, 2);
    run("DELETE FROM t");
    plan_has(sql, words);
    run("DROP TABLE o; DROP TABLE x");
    fill_directories(3000, 300, 300);
    sql_reopen();
    plan_has(sql, words);
}

/* A listing has other columns' bits than what is planned behind it, or beside it in the same statement, however wide
 * the table is: its own plans' prices are nobody else's. */
LOOP_TEST(test_a_listing_changes_no_other_plan, 2) {
    static const char update[] = "UPDATE @ SET c0 = 1 FROM o JOIN x ON x.w = o.d || 'x' WHERE @.path = x.p";
    static const char beside[] = "SELECT o.d, x.p, q.* FROM @('d/') l JOIN o ON o.d = l.path JOIN x ON x.w = o.d || "
                                 "'x' JOIN @ q ON q.path = x.p";
    sqlite3_str *columns = sqlite3_str_new(NULL);
    sqlite3_str_appendall(columns, "path");
    for (int i = 0; i < (_i ? 70 : 1); i++) sqlite3_str_appendf(columns, ", c%d", i);
    char *names = kept(sqlite3_str_finish(columns)), *create = kept(sql_create_text("wide", names));
    run("DROP TABLE t; %s; ALTER TABLE wide RENAME TO t;", create);
    run("CREATE TABLE o(d TEXT); CREATE TABLE x(w TEXT, p TEXT);"
        "INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT 'd/' || i FROM n;"
        "INSERT INTO x SELECT d || 'x', 'e' || d FROM o; CREATE INDEX w ON x(w); ANALYZE;"
        "INSERT INTO t(path) SELECT p FROM x UNION ALL SELECT d FROM o");
    int before = steps_of(update, "'d/*', 'd', 'e'");
    run("EXPLAIN SELECT count(*) FROM t('d/')");
    expect("300\n", "SELECT count(*) FROM t('d/')");
    int behind = steps_of(update, "'d/*', 'd', 'e'"), all = steps_of(beside, "'d/*', 'd', 'e'");
    sqlite3_free(sql_rows(db, "SELECT * FROM t('d/')"));
    int behind_all_columns = steps_of(update, "'d/*', 'd', 'e'");
    ck_assert_msg(before < 100000 && behind < 100000, "UPDATE takes %d steps, behind a listing %d", before, behind);
    ck_assert_msg(behind_all_columns < 100000, "behind a listing with all columns %d steps", behind_all_columns);
    ck_assert_msg(all < 60000 + 300 * 150, "a listing beside the table: %d steps", all);
}

/* A join begins with the table that a condition on another column leaves few rows of, in whatever order they stand. */
TEST(test_a_join_begins_with_the_table_that_a_condition_narrows) {
    fill_directories(3000, 3, 1);
    run("%s; UPDATE t SET value = value %% 1000; INSERT INTO t2 SELECT path, value FROM t",
        kept(sql_create_text("t2", "path, value")));
    EACH(text_of, "SELECT count(*) FROM t2 p, @ q WHERE p.path = q.path AND %s",
         "SELECT count(*) FROM @ q, t2 p WHERE p.path = q.path AND %s",
         "SELECT count(*) FROM t2 p JOIN @ q USING(path) WHERE %s") {
        EACH(one, "q.value = 5", "q.value IS 5", "5 = q.value", "q.value = ?1", "q.value = 5 AND q.path > 'd'") {
            char *sql = TEXT(text_of, one);
            int steps = steps_of(sql, "'d/*', 'd', 'e'");
            ck_assert_msg(steps < 3 * 3000 + 5000, "%s: %d steps", sql, steps); /* 8 steps each row of a join */
        }
    }
}

/* What the reference advises where SQLite joins nothing to the condition. */
TEST(test_a_left_join_that_needs_a_row_is_looked_up_if_it_says_so) {
    fill_directories(3000, 3, 300);
    static const char sql[] =
        "SELECT count(*) FROM o LEFT JOIN @ q ON q.value = o.id WHERE q.path IS NOT NULL AND q.path = 'd/001/00001'";
    int steps = steps_of(sql, "'d/*', 'd', 'e'");
    ck_assert_msg(steps < 5000, "%d steps", steps);
    expect("1\n", "SELECT count(*) FROM o LEFT JOIN t q ON q.value = o.id WHERE q.path IS NOT NULL AND "
                  "q.path = 'd/001/00001'");
}

/* The plan follows from what a condition means, and not from how it is spelled: LIKE as GLOB, an OR as its arms, a
 * condition behind several lookups as behind one. By EXPLAIN QUERY PLAN, without ANALYZE and after it.
 *
 * What a wrong plan would cost is in `make bench-spellings`.
 */

enum { ROWS = 20000, WIDE = 18000 };

/* Nearly all rows are below usr/, 20 in each directory; two words in a few of them. ANALYZE is asked for by each test
 * that is run twice. */
static void fill(bool analyzed) {
    run("%s; CREATE TABLE n(i INTEGER PRIMARY KEY);"
        "INSERT INTO n WITH c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c LIMIT %d) SELECT i FROM c;"
        "INSERT INTO t SELECT printf('%%s/d%%04d/%%s%%05d', iif(i < %d, 'usr', 'var'), i / 20,"
        " iif(i %% 3000 = 7, 'needle', iif(i %% 3000 = 8, 'haystack', 'f')), i), i, 'h' || i, i %% 3, 'note' FROM n;"
        "INSERT INTO t SELECT printf('2024/%%05d', i), -i, 'x', 9, '' FROM n WHERE i < 50;"
        "CREATE TABLE big(id INTEGER PRIMARY KEY, path TEXT, hash TEXT);"
        "CREATE INDEX big_path ON big(path); INSERT INTO big SELECT i, 'usr/x' || i, 'h' || i FROM n;"
        "CREATE TABLE known(hash TEXT PRIMARY KEY, name TEXT UNIQUE);"
        "INSERT INTO known SELECT 'h' || i, 'name' || i FROM n WHERE i %% 100 = 0",
        kept(sql_create_text("t", "path TEXT, n INTEGER, hash TEXT, owner INTEGER, note TEXT,"
                                  " summary='search(path), search(note), lookup(hash), lookup(owner)'")),
        ROWS, WIDE);
    command("flush");
    if (analyzed) run("ANALYZE");
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static void plan_says_twice(const char *sql, const char *words) {
    char *plan = kept(sql_plan(db, "t", sql)), *first = strstr(plan, words);
    ck_assert_msg(first && strstr(first + 1, words), "%s\nnot twice %s:\n%s", sql, words, plan);
}

/* --- LIKE --------------------------------------------------------------------------------------------------------- */

CASE("spellings", .seconds = 120, .set_up = sql_set_up_in_memory, .tear_down = sql_tear_down)

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
            char *sql = TEXT(statement, each);
            plan_lacks(sql, "MULTI-INDEX OR");
            plan_has(sql, ":all rows");
        }
    }
}

LOOP_TEST(test_arms_that_leave_few_rows_are_sorted, 2) {
    fill(_i);
    plan_has("SELECT path FROM t WHERE path = ?1 OR path GLOB ?2 ORDER BY path LIMIT 10", "MULTI-INDEX OR");
    plan_has("SELECT path FROM t WHERE path = ?1 OR path BETWEEN ?2 AND ?3 ORDER BY path LIMIT 10", "MULTI-INDEX OR");
    plan_has("SELECT path FROM t WHERE path LIKE '%needle%' OR note LIKE '%needle%' ORDER BY path", "MULTI-INDEX OR");
    plan_has("SELECT path FROM t WHERE path > ?1 OR path = ?2", "MULTI-INDEX OR");
    plan_has("SELECT n FROM t WHERE path GLOB 'usr/d0007/*' OR path GLOB 'usr/d0009/*'", "MULTI-INDEX OR");
}

/* --- words below a prefix ----------------------------------------------------------------------------------------- */

static const char words[] = "(t.path LIKE '%needle%' OR t.path LIKE '%haystack%')";

LOOP_TEST(test_each_word_is_searched_below_a_wide_prefix, 2) {
    fill(_i);
    char *sql = TEXT("SELECT path FROM t('usr/') WHERE %s", words);
    plan_says_twice(sql, "prefix=? AND path LIKE ? (search)");
    sql = TEXT("SELECT path FROM t WHERE prefix = 'usr/' AND %s", words);
    plan_says_twice(sql, "prefix=? AND path LIKE ? (search)");
    sql = TEXT("SELECT path FROM t('usr/') WHERE n > 10 AND %s", words);
    plan_says_twice(sql, "prefix=? AND n>? AND path LIKE ? (search)");
    sql = TEXT("SELECT path FROM t WHERE path GLOB 'usr/*' AND %s", words);
    plan_says_twice(sql, "path LIKE ? (search)");
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
        char *sql = TEXT(each, words);
        char *rows = kept(sql_rows(db, "%s", sql));
        ck_assert_msg(!strcmp(rows, "12|usr/d0000/haystack00008\n"), "%s\n%s", sql, rows);
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
    plan_has(itself, "SCAN a VIRTUAL TABLE INDEX 0:path>=? AND path<? AND path GLOB ? AND owner=? (lookup) [");
    plan_has(itself, "SCAN b VIRTUAL TABLE INDEX 0:all rows AND owner=? (lookup) AND hash=? (lookup)");
}

SUITE("planner", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
