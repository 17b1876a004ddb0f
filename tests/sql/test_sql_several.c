/* Keys of several columns, beside an ordinary table with a unique index of the same columns: random rows of all types,
 * and random queries: equalities with the first columns, ranges, patterns, orders, joins. Then listings, and what is
 * refused.
 */
#include "tests/support/grammar.h"
#include "tests/support/sql_one.h"

enum { ROUNDS = 5, CHANGES = 40, QUERIES = 60, COLUMNS = 3, FORMS = 6 };

/* The types of a, b and c, and which of them are the key, with + and - for their order. */
static const struct form {
    const char *types[COLUMNS], *key;
} forms[FORMS] = {
    {{"TEXT", "TEXT", "INTEGER"}, "+a+b-c"},      {{"INTEGER", "REAL", "BLOB"}, "+c-a"},
    {{"NUMERIC", "", "TEXT NOT NULL"}, "-b-c+a"}, {{"REAL NOT NULL", "BLOB", "INTEGER"}, "+a"},
    {{"TEXT", "INTEGER", "TEXT"}, "+b+a"},        {{"BLOB", "TEXT", "REAL"}, "-b+a"},
};

static const char *const rules[] = {
    "letter: a | b | / | 5 | \xc3\xa9",
    "text: '' | '$letter' | '$letter$letter' | '$letter$letter$letter' | CAST(x'610062' AS TEXT)",
    "blob: x'' | x'00' | x'$(61|ff|00)$(61|ff|00)'",
    "integer: 2*$(0-2) | 5 | -1 | 255 | 256 | -256 | 9007199254740993 | 9223372036854775807 | -9223372036854775808",
    "real: 0.5 | -0.5 | 1.5 | 5.0 | -1e300 | 1e300 | 9007199254740992.0 | -0.25 | 9223372036854775808.0",
    "of_text: $text",
    "of_blob: $blob",
    "of_number: 3*$integer | $real | 'x' | '7'",
    "of_real: 3*$real | 5 | 'x' | '7'",
    "any: $text | $blob | $integer | $real | NULL | '7' | '1.5'",
    "value: 6*$any | (SELECT $any)",
    "column: a | b | c",
    "change: 8*$put | DELETE FROM @ WHERE $column IS $any | UPDATE @ SET v = v + 1 WHERE $column = $any",
    "query: $rows | $distinct | SELECT $(min|max)($column), 0, 0, 0 FROM @ WHERE $where | 2*$rows ORDER BY "
    "$(any_order=$order)$(2?, a, b, c)$(2*| LIMIT $(1-5)) | SELECT j.rowid, s.a, s.b, "
    "s.c FROM "
    "any AS j $(|LEFT) JOIN @ AS s ON s.$column $by j.$(v|i|x) | SELECT count(*), sum(v), 0, 0 FROM @ WHERE $where",
    "rows: SELECT a, b, c, v FROM @ WHERE $where",
    "distinct: SELECT DISTINCT $(a, 0, 0|b, 0, 0|c, 0, 0|a, b, 0|b, c, 0|c, a, 0|a, b, c), 0 FROM @ $(|WHERE "
    "$where)$(| ORDER BY 1| ORDER BY 1 DESC)",
    "where: $condition | 3*$condition AND $condition | $condition AND $condition AND $condition | $condition OR "
    "$condition | $(p=$column) GLOB 'a*' OR $p GLOB 'a*'",
    "by: = | < | <= | > | >= | IS",
    "condition: 5*$column $(3*=|$by|<>) $value | $column BETWEEN $value AND $value | $column IN ($any, $any, $any) | "
    "$column GLOB $('a*'|'*'|'a/?'|'5*'|'b[a/]*') | $column IS NULL | (a, b) $(<|>=) ($value, $value)",
    NULL};

/* a, b DESC, with the other way round for `turned`. */
static char *list_of(const char *key, bool turned, bool signs) {
    sqlite3_str *list = sqlite3_str_new(NULL);
    for (; *key; key += 2) {
        bool descending = (*key == '-') != turned;
        sqlite3_str_appendf(list, "%s%c%s", sqlite3_str_length(list) ? ", " : "", key[1],
                            signs && descending ? " DESC" : "");
    }
    return kept(sqlite3_str_finish(list));
}

/* The ordinary table has no index, by which SQLite would miss BLOBs (workload_rules.c): a row is taken away first. */
static char *rule_of_put(const struct form *form) {
    sqlite3_str *rule = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < COLUMNS; i++) {
        const char *type = form->types[i];
        bool is_text = !*type || !strncmp(type, "TEXT", 4), is_blob = !strcmp(type, "BLOB");
        const char *number =
            !strncmp(type, "REAL", 4) ? "of_real" : "of_number"; /* no REAL is as an integer was given */
        const char *of = is_text ? "of_text" : is_blob ? "of_blob" : number;
        sqlite3_str_appendf(rule, "$(v%c:=$(9*$%s|%s))", 'a' + i, of, strstr(type, "NOT NULL") ? "5" : "NULL");
    }
    sqlite3_str_appendall(rule, "DELETE FROM @ WHERE ");
    for (const char *key = form->key; *key; key += 2) {
        sqlite3_str_appendf(rule, "%s%c IS $v%c", key > form->key ? " AND " : "", key[1], key[1]);
    }
    sqlite3_str_appendall(rule, "; INSERT INTO @(a, b, c, v) VALUES($va, $vb, $vc, $(0-99))");
    return kept(sqlite3_str_finish(rule));
}

static void make_tables(const struct form *form) {
    sqlite3_str *columns = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < COLUMNS; i++) {
        bool text = !*form->types[i]; /* of a key it is taken for one */
        sqlite3_str_appendf(columns, "%c %s, ", 'a' + i, text ? "TEXT" : form->types[i]);
    }
    char *text = kept(sqlite3_str_finish(columns)), *key = list_of(form->key, false, true);
    run("CREATE VIRTUAL TABLE t USING art(%sv INTEGER, key=(%s), summary=(sum(v)))", text, key);
    run("CREATE TABLE b(%sv INTEGER); CREATE TABLE any(v, i INTEGER, x TEXT)", text);
    run("INSERT INTO any VALUES('a', 5, 'a'), (x'61', 1, '5'), (5, 0, 'ab'), (NULL, NULL, NULL), (0.5, 256, "
        "'9007199254740993'), ('', -1, '')");
}

static char *drawn(struct grammar grammar, const char *rule) {
    return kept(grammar_text(&grammar, rule));
}

static void change(const struct grammar *grammar) {
    char *text = drawn(*grammar, "$change");
    for (int i = 0; i < 2; i++) {
        int rc = sql_try(db, "%s", named(text, i));
        ck_assert_msg(!rc || sql_is_undecided(db), "%s: %s", text, sqlite3_errmsg(db));
    }
}

/* Rows that no order tells apart come in any. */
static void query(const struct grammar *grammar) {
    char *text = drawn(*grammar, "$query");
    bool total = strstr(text, ", a, b, c") != NULL;
    if (!total && strstr(text, "LIMIT")) return;
    alike_or_undecided(total ? text : TEXT("SELECT * FROM (%s) ORDER BY 1, 2, 3, 4", text), "NULL");
}

LOOP_TEST(test_rows_are_those_of_an_ordinary_table, FORMS) {
    struct random random = {random_seed() + (uint64_t)_i};
    const struct form *form = &forms[_i];
    char *put = rule_of_put(form), *up = list_of(form->key, false, true), *down = list_of(form->key, true, true);
    char *order = TEXT("2*%s | 2*%s | a, b | b DESC, a", up, down);
    struct grammar grammar = {.random = &random, .rules = rules, .given = {"put", put, "order", order}};
    printf("several: seed %llu\n", (unsigned long long)random.state);
    make_tables(form);
    for (int round = 0; round < ROUNDS; round++) {
        if (!random_span(&random)) continue;
        run("BEGIN");
        for (int i = 0; i < CHANGES; i++) change(&grammar);
        run("COMMIT");
        if (random_once_in(&random, 2)) command(random_once_in(&random, 2) ? "flush" : "optimize");
        for (int i = 0; i < QUERIES; i++) query(&grammar);
        expect("ok\n", "SELECT art_check('t')");
        alike(TEXT("SELECT a, b, c, v, typeof(a), typeof(b), typeof(c) FROM @ ORDER BY %s, a, b, c", up));
    }
}

/* --- an object store ---------------------------------------------------------------------------------------------- */

static void make_objects(void) {
    run("CREATE VIRTUAL TABLE s3 USING art(bucket, key, version INTEGER, size INTEGER, key=(bucket, key, version "
        "DESC), summary=(sum(size)));"
        "INSERT INTO s3 VALUES('photos', 'a/1.jpg', 1, 10), ('photos', 'a/1.jpg', 3, 30), ('photos', 'a/2.jpg', 2, 5), "
        "('docs', 'x', 5, 7), ('photos', 'b', 1, 1), ('photos', 'a/d/e', 1, 100), ('photot', 'a/q', 1, 1)");
}

TEST(test_plans_are_ranges_of_keys_and_their_order_costs_nothing) {
    make_objects();
    plan_says("SELECT * FROM s3 WHERE bucket = ? AND key = ? ORDER BY version DESC LIMIT 1", "bucket=? AND key=?");
    plan_says("SELECT * FROM s3 WHERE bucket = ? AND key = ? AND version = ?", "bucket=? AND key=? AND version=?");
    plan_says("SELECT * FROM s3 WHERE bucket = 'x' AND key GLOB 'a/*' ORDER BY key", "key GLOB ?");
    plan_says("SELECT * FROM s3 ORDER BY bucket, key, version DESC", "all rows");
    plan_says("SELECT * FROM s3 ORDER BY bucket DESC, key DESC, version", "descending");
    plan_says("SELECT * FROM s3 WHERE bucket = 'x' AND version > 5 ORDER BY key DESC", "descending");
    plan_has("SELECT * FROM s3 ORDER BY bucket, key, version", "all rows");
    plan_has("SELECT s3.size FROM (SELECT 1 AS v, 'b' AS x UNION SELECT 2, 3) AS o JOIN s3 ON bucket = x AND key = v",
             "bucket=? AND key=?");
    expect("a/1.jpg|3|30\n", "SELECT key, version, size FROM s3 WHERE bucket = 'photos' AND key = 'a/1.jpg' LIMIT 1");
}

TEST(test_conditions_are_ranges) {
    run("CREATE VIRTUAL TABLE r USING art(a INTEGER, b TEXT, c BLOB, n INTEGER, key=(a, b DESC, c));"
        "INSERT INTO r WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i LIMIT 3000) SELECT i / 100, "
        "printf('%%03d', i %% 100), CAST(i AS BLOB), i FROM i; INSERT INTO r VALUES(7, 'zz', x'6161', 9999);"
        "CREATE TABLE o AS SELECT * FROM r");
    EACH(where, "a = 29", "29 = a", "a IS 29", "a IS NULL", "a ISNULL", "a = NULL", "a > NULL", "a > 28", "a >= 29",
         "a < 1", "a <= 0", "a BETWEEN 29 AND 40", "n > 2950 AND a > 28", "a > 28 AND n > 2950", "a > 28.5",
         "a = 7 AND b > '096'", "b > '096' AND 7 = a", "a = 7 AND b < '003'", "a = 7 AND b >= '097'",
         "a = 7 AND b <= '002'", "a = 7 AND b GLOB '09*'", "a = 7 AND b GLOB '00*' AND b < '003'",
         "a = 7 AND b > '003' AND b GLOB '00*'", "n > 0 AND a = 7 AND b GLOB '00?'", "a = 7 AND b GLOB '09*' AND n > 0",
         "a = 7 AND b = '050' AND c > x'00'", "a = 7 AND b = '050' AND c < 'a'",
         "a = 7 AND b = '050' AND c > x'00' AND c < x'ff'", "a = 7 AND b > '10' AND b < x'00'",
         "a = (SELECT 7) AND b = (SELECT '001')", "a = 7 AND b = '001' AND c IS NULL", "a = 7 AND b = x'00'") {
        char *statement = TEXT("SELECT * FROM r WHERE %s", where);
        int steps = steps_of(statement, "'x'");
        ck_assert_msg(steps < 2000, "%s: %d steps", statement, steps);
        sql_alike(sql_prepare(db, "SELECT * FROM r WHERE %s ORDER BY n", where),
                  sql_prepare(db, "SELECT * FROM o WHERE %s ORDER BY n", where));
    }
    EACH(where, "a = 7 AND b = '05A' COLLATE NOCASE", "a = 7 AND b COLLATE NOCASE >= '05a'", "c GLOB '7*'",
         "a = 7 AND b = 'zz' AND c GLOB 'a*'", "a = 7 AND b = 'zz' AND c LIKE 'a%'", "a = 7 AND b LIKE '05_'",
         "a = 7 AND b >= 50", "c > 'a'", "a <= '0'", "a >= 'x'") {
        sql_alike(sql_prepare(db, "SELECT * FROM r WHERE %s ORDER BY n LIMIT 3", where),
                  sql_prepare(db, "SELECT * FROM o WHERE %s ORDER BY n LIMIT 3", where));
    }
    expect("78\n77\n", "SELECT n FROM r WHERE a = 0 AND b GLOB '?7?' ORDER BY b DESC LIMIT 2 OFFSET 1");
}

/* One row of each value is looked at, and some behind it. The NUL is a part of the second text. */
TEST(test_distinct_goes_from_value_to_value) {
    enum { VALUES = 9, FEW_STEPS = 60 * VALUES };
    EACH(key, "a, b, c", "a DESC, b, c", "a, b DESC, c DESC", "a DESC, b DESC, c") {
        run("CREATE VIRTUAL TABLE k USING art(a TEXT NOT NULL, b INTEGER, c INTEGER, n, key=(%s), log_limit='4KB');"
            "CREATE TABLE o(a TEXT NOT NULL, b INTEGER, c INTEGER, n);"
            "INSERT INTO o WITH i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i LIMIT 3000) SELECT CAST(CASE i %% 3 "
            "WHEN 0 THEN x'61' WHEN 1 THEN x'610062' ELSE x'6162' END AS TEXT), i / 3 %% 3, i, i FROM i;"
            "INSERT INTO k SELECT * FROM o; DELETE FROM k WHERE n %% 7 = 3; DELETE FROM o WHERE n %% 7 = 3",
            key);
        EACH(sql, "SELECT DISTINCT a, 0 FROM @", "SELECT DISTINCT a, b FROM @",
             "SELECT DISTINCT a, 0 FROM @ WHERE a > 'a'", "SELECT DISTINCT b, 0 FROM @ WHERE a = 'ab'",
             "SELECT DISTINCT a, b FROM @ WHERE a GLOB 'ab*' AND b > 0",
             "SELECT count(*), 0 FROM (SELECT DISTINCT a FROM @)", "SELECT DISTINCT a, 0 FROM @ WHERE a LIKE 'A%'",
             "SELECT a, 0 FROM @ WHERE a IN (SELECT DISTINCT a FROM @ WHERE b = 9)") {
            int steps = sql_steps(sql_prepare(db, "%s", kept(sql_named(sql, "k"))));
            ck_assert_msg(steps < FEW_STEPS || strstr(sql, "b = 9"), "%s, key=(%s): %d steps", sql, key, steps);
            sql_alike(sql_prepare(db, "SELECT * FROM (%s) ORDER BY 1, 2", kept(sql_named(sql, "k"))),
                      sql_prepare(db, "SELECT * FROM (%s) ORDER BY 1, 2", kept(sql_named(sql, "o"))));
        }
        EACH(sql, "SELECT DISTINCT a FROM @ WHERE n > 2000 ORDER BY a",
             "SELECT DISTINCT a FROM @ WHERE c %% 100 = 99 ORDER BY a", "SELECT DISTINCT a FROM @ ORDER BY a",
             "SELECT DISTINCT a FROM @ ORDER BY a DESC", "SELECT DISTINCT a, b FROM @ ORDER BY a DESC, b DESC",
             "SELECT DISTINCT a, b FROM @ ORDER BY a, b DESC",
             "SELECT a, count(*), sum(n) FROM @ GROUP BY a ORDER BY a", "SELECT DISTINCT b FROM @ ORDER BY b",
             "SELECT a, b FROM @ GROUP BY a, b HAVING count(*) > 100 ORDER BY a, b", "SELECT DISTINCT a FROM @ LIMIT 0",
             "SELECT DISTINCT a, count(*) FROM @ GROUP BY a, b ORDER BY a", "SELECT count(DISTINCT a) FROM @") {
            sql_alike(sql_prepare(db, kept(sql_named(sql, "k"))), sql_prepare(db, kept(sql_named(sql, "o"))));
        }
        expect("1\n", "SELECT count(DISTINCT a) = 3 FROM (SELECT DISTINCT a FROM k WHERE length(art_key) > 0)");
        expect("0\n", "SELECT count(*) FROM (SELECT a FROM o WHERE n > 2990 EXCEPT "
                      "SELECT DISTINCT a FROM k WHERE art_key IN (SELECT art_key FROM k WHERE n > 2990))");
        run("DROP TABLE k; DROP TABLE o");
    }
}

/* Of a key NOT NULL is declared as far as no listing shows a NULL: else SQLite would make `key IS NULL` false. */
TEST(test_what_a_listing_leaves_null_may_be_null) {
    static const char *const keys[][3] = {{"tenant TEXT", "tenant, key", "art_key tenant v"},
                                          {"tenant INTEGER", "tenant, key", "art_key tenant key v"},
                                          {"tenant TEXT", "tenant DESC, key", "art_key tenant key v"},
                                          {"tenant TEXT", "key, tenant", "art_key key v"}};
    for (int i = 0; i < LENGTH(keys); i++) {
        run("CREATE VIRTUAL TABLE m USING art(%s NOT NULL, key TEXT NOT NULL, v INTEGER NOT NULL, w INTEGER NOT NULL, "
            "key=(%s), summary=(sum(v), lookup(w)));"
            "INSERT INTO m VALUES(1, 'a/1', 1, 5), (1, 'a/2', 2, 6), (2, 'b', 3, 7)",
            keys[i][0], keys[i][1]);
        expect(TEXT("%s\n", keys[i][2]), "SELECT group_concat(name, ' ') FROM pragma_table_xinfo('m') WHERE [notnull]");
        expect("1|b|2\n", "SELECT min(tenant), max(key), (SELECT min(v) FROM m WHERE v > 1) FROM m");
        expect("|1\n", "SELECT m.key, count(*) FROM (SELECT '9' AS x) LEFT JOIN m ON tenant = x WHERE tenant IS NULL");
        expect("1\n", "SELECT v IS NULL FROM (SELECT '2' AS x) LEFT JOIN m ON tenant = x AND v > 3");
        run("DROP TABLE m");
    }
    run("CREATE VIRTUAL TABLE m USING art(a TEXT NOT NULL, b TEXT NOT NULL, v INTEGER NOT NULL, w INTEGER NOT NULL, "
        "key=(a, b), summary=(min(v))); INSERT INTO m VALUES('x/1', 'k', 4, 1), ('x/2', 'k', 5, 1)");
    for (int i = 0; i < 2; i++) {
        EACH(where, "b IS NULL", "w IS NULL", "b IS NULL AND a IS NOT NULL") {
            expect(i ? "x/||\n" : "x/|4|\n",
                   TEXT("SELECT a, v, b FROM m WHERE prefix = '' AND delimiter = '/' AND %s", where));
        }
        expect(i ? "x/\n" : "", "SELECT a FROM m WHERE prefix = '' AND delimiter = '/' AND v IS NULL");
        run("INSERT INTO m(m) VALUES('summary=()'), ('add column z%d INTEGER')", i);
    }
    expect("2\n", "SELECT count(*) FROM m WHERE z0 IS NULL AND v IS NOT NULL");
}

TEST(test_listings_are_below_the_first_columns) {
    make_objects();
    expect("a/||4|145\nb|1||1\n",
           "SELECT key, version, entries, size FROM s3 WHERE bucket = 'photos' AND delimiter = '/'");
    expect("photos|a/1.jpg||30\nphotos|a/1.jpg||10\nphotos|a/2.jpg||5\nphotos|a/d/|1|100\n",
           "SELECT bucket, key, entries, size FROM s3 WHERE bucket = 'photos' AND prefix = 'a/' AND delimiter = '/'");
    expect("b\na/\n", "SELECT key FROM s3 WHERE bucket = 'photos' AND delimiter = '/' ORDER BY key DESC");
    expect("a/2.jpg\na/d/e\nb\n", "SELECT key FROM s3 WHERE bucket = 'photos' AND start_after = 'a/1.jpg'");
    expect("b\n", "SELECT key FROM s3 WHERE bucket = 'photos' AND delimiter = '/' AND start_after = 'a/'");
    expect("a/|4\nb|\n",
           "SELECT key, entries FROM s3 WHERE bucket = 'photos' AND delimiter = '/' AND start_after = 'a/1.jpg'");
    expect("5|4|145|1\n",
           "SELECT art_count('s3', art_key('s3', 'photos')), art_count('s3', art_key('s3', 'photos', 'a/')), "
           "art_sum('s3', 'size', art_key('s3', 'photos', 'a/')), art_count('s3', art_key('s3', 'docs', 'x', 5))");
    expect("5\n", "SELECT art_count('s3', art_key('s3', 'photos', ''))");
    run("INSERT INTO s3(s3, prefix, art_key) VALUES('copy', art_key('s3', 'photos', 'a/'), art_key('s3', 'backup', "
        "'old/'))");
    expect("backup|old/1.jpg|3|30\nbackup|old/1.jpg|1|10\nbackup|old/2.jpg|2|5\nbackup|old/d/e|1|100\n",
           "SELECT * FROM s3 WHERE bucket < 'c'");
    run("DELETE FROM s3 WHERE bucket = 'photos' AND prefix = '' AND delimiter = '/' AND key = 'a/'");
    expect("photos|b\nphotot|a/q\n", "SELECT bucket, key FROM s3 WHERE bucket > 'e'");
}

/* Where all keys of a range have the values of the equalities, SQLite looks at none of them again. In a listing whose
 * names are those of a column with a value, they no more than begin with it. */
TEST(test_columns_with_a_value_are_not_looked_at_again) {
    run("CREATE VIRTUAL TABLE w USING art(b, k, v INTEGER, size, key=(b, k, v DESC));"
        "INSERT INTO w WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 300) SELECT 'x', 'k', i, 1 FROM n;"
        "INSERT INTO w VALUES('x', 'k/1', 1, 2), ('x', 'kk', 1, 3), ('xx', 'k', 1, 4)");
    EACH(sql, "SELECT size FROM w WHERE b = 'x'", "SELECT size FROM w WHERE b = ?1", "SELECT size FROM w WHERE b IS ?1",
         "SELECT size FROM w WHERE b = ?1 AND k = 'k'", "SELECT size FROM w WHERE b = ?1 AND delimiter = '/'",
         "SELECT size FROM w WHERE b = ?1 AND prefix = 'k' AND delimiter = '' AND start_after = 'a'") {
        int steps = steps_of(sql, "'x'");
        ck_assert_msg(steps < 3 * 302 + 40, "%s: %d steps", sql, steps);
    }
    EACH(listing, "prefix = ''", "prefix = '' AND delimiter = '/'", "delimiter = '/' AND start_after = 'a'") {
        expect("300\n", TEXT("SELECT sum(size) FROM w WHERE b = 'x' AND k = 'k' AND %s", listing));
        expect("1|7\n", TEXT("SELECT size, v FROM w WHERE b = 'x' AND k = 'k' AND v = 7 AND %s", listing));
    }
    expect("k/|1\n", "SELECT k, entries FROM w WHERE b = 'x' AND k = 'k/' AND delimiter = '/'");
    run("UPDATE w SET size = 5 WHERE b = 'x' AND k = 'k' AND v = 7; DELETE FROM w WHERE b = 'x' AND k = 'k' AND v < 7");
    expect("297|5\n4|4\n", "SELECT sum(size), max(size) FROM w WHERE k = 'k' GROUP BY b ORDER BY b");
}

TEST(test_keys_are_made_of_their_columns) {
    make_objects();
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: s3.bucket, s3.key, s3.version",
            "INSERT INTO s3 VALUES('docs', 'x', 5, 8)");
    run("UPDATE s3 SET version = 6 WHERE bucket = 'docs'; UPDATE s3 SET bucket = 'papers', size = 9 WHERE version = 6");
    run("INSERT INTO s3(bucket, key, version, size, conflict) VALUES('papers', 'x', 6, 10, 'update')");
    expect("papers|x|6|10\n", "SELECT * FROM s3 WHERE key = 'x'");
    run("UPDATE s3 SET size = o.size FROM (SELECT 'papers' AS bucket, 11 AS size) AS o WHERE s3.bucket = o.bucket");
    expect("5|1|3\n",
           "SELECT (SELECT count(*) FROM s3 WHERE bucket = 'Photos' COLLATE NOCASE), (SELECT count(*) FROM s3 "
           "WHERE bucket COLLATE NOCASE > 'PHOTOS'), (SELECT count(*) FROM s3 WHERE bucket = 'photos' AND key "
           "COLLATE NOCASE BETWEEN 'A/1' AND 'A/3')");
    run("INSERT INTO s3(s3) VALUES('add column etag'); UPDATE s3 SET etag = 'e' WHERE size > 9; INSERT INTO s3(s3) "
        "VALUES('optimize')");
    sql_reopen();
    expect("papers|x|6|11|e\n", "SELECT * FROM s3 WHERE bucket = 'papers'");
    expect("photos|3\n", "SELECT bucket, version FROM s3 WHERE key = 'a/1.jpg' AND etag = 'e' AND size = 30");
    run("CREATE VIRTUAL TABLE temp.saved USING art_salvage('s3')");
    expect("7|photos|a/1.jpg|3|30|e\n", "SELECT (SELECT count(*) FROM saved), * FROM saved WHERE version = 3");
    expect("key=(bucket, \"key\", version DESC), bucket, \"key\", version INTEGER, size INTEGER, etag\n",
           "SELECT value FROM art_info('s3') WHERE property = 'columns'");
    refuses(SQLITE_MISMATCH, "art: this column of the key takes no BLOB (s3.key)",
            "INSERT INTO s3(bucket, key) VALUES('a', x'00')");
    refuses(SQLITE_ERROR, "art: the bytes of a key are made of its columns (s3.art_key): leave it out",
            "UPDATE s3 SET art_key = x'05'");
    EACH(call, "s3('a/', '/')", "s3('photos')", "s3 WHERE art_key = 'a'", "s3 WHERE art_key > ''",
         "s3('') WHERE art_key < 'a'") {
        refuses(SQLITE_ERROR,
                "art: with a key of several columns the first argument is '' (s3): write s3('', prefix, "
                "delimiter), or WHERE prefix = ... AND delimiter = ...",
                TEXT("SELECT * FROM %s", call));
    }
    refuses(SQLITE_ERROR, "art: a prefix, a delimiter and start_after are of a text of the key in ascending order (n)",
            "CREATE VIRTUAL TABLE n USING art(i INTEGER, path, key=(i, path)); SELECT * FROM n WHERE prefix = 'a'");
    refuses(SQLITE_TOOBIG, "the key is too long (s3.art_key)",
            "INSERT INTO s3(bucket, key) VALUES('a', printf('%.65535c', 'x'))");
}

/* A literal is compared as a text, a CAST as a number: SQLite shows both alike. */
TEST(test_a_number_beside_a_column_of_texts_loses_no_row) {
    run("CREATE VIRTUAL TABLE t USING art(a TEXT, b TEXT, key=(a, b DESC)); CREATE TABLE o(a TEXT, b TEXT);"
        "INSERT INTO o VALUES('10', '5'), ('010', '5.0'), ('9', '10'), ('A', '+5'), ('', ''), ('10.0', ' 5'), ('1e1', "
        "'x'),('9223372036854775807', '9223372036854775807'), ('9e999', 'Inf'); INSERT INTO t SELECT * FROM o");
    EACH(number, "10", "CAST('10' AS REAL)", "CAST('10' AS INTEGER)", "CAST(10 AS NUMERIC)", "10.0", "1e1", "-10",
         "9223372036854775807", "CAST('9223372036854775807' AS NUMERIC)", "9e999", "CAST(9e999 AS REAL)") {
        EACH(where, "a = %s", "a IS %s", "a < %s", "a <= %s", "a > %s", "a >= %s", "a = %s OR a = 'A'",
             "a = '10' AND b <= %s", "a IN ('10', '010') AND b = %s", "a BETWEEN %s AND '9'", "NOT a = %s") {
            char *condition = TEXT(where, number);
            sql_alike(sql_prepare(db, "SELECT * FROM t WHERE %s ORDER BY +a, +b", condition),
                      sql_prepare(db, "SELECT * FROM o WHERE %s ORDER BY +a, +b", condition));
        }
    }
    refuses(SQLITE_ERROR, "art: SQLite does not tell whether t.a is compared with 10 as a text or as a number",
            "SELECT * FROM t WHERE a = 10 AND prefix = '' AND delimiter = '/'");
    run("DELETE FROM t WHERE a = CAST('10' AS REAL); DELETE FROM o WHERE a = CAST('10' AS REAL)");
    sql_alike(sql_prepare(db, "SELECT * FROM t ORDER BY 1, 2"), sql_prepare(db, "SELECT * FROM o ORDER BY 1, 2"));
}

/* SQLite puts the parameter where the column is compared with a text, which is then one of numbers. */
TEST(test_a_parameter_may_stand_for_a_column_of_numbers) {
    run("CREATE VIRTUAL TABLE n USING art(a INTEGER, b, v REAL, key=(a, b)); CREATE TABLE o(a INTEGER, b TEXT, v "
        "REAL); INSERT INTO o VALUES(2, '/b', 2), (2, '2', 2), (2, '2.0', 2), (2, 'x', 2), (2, '10', 10), (10, '2', "
        "2); INSERT INTO n SELECT * FROM o");
    EACH(where, "a = ?1 AND a < b", "a = ?1 AND b <= a", "a = ?1 AND a = b", "v = ?1 AND b = v AND a = 2",
         "v = ?1 AND v < b", "b > ?1", "a = 2 AND b BETWEEN ?1 AND 'z'", "a = 10 AND b = ?1", "b IS ?1") {
        for (int i = 0; i < 2; i++) {
            sqlite3_stmt *ours = sql_prepare(db, "SELECT * FROM n WHERE %s ORDER BY a, b", where);
            sqlite3_stmt *theirs = sql_prepare(db, "SELECT * FROM o WHERE %s ORDER BY a, b", where);
            i ? sqlite3_bind_int(ours, 1, 2) : sqlite3_bind_double(ours, 1, 2.0);
            i ? sqlite3_bind_int(theirs, 1, 2) : sqlite3_bind_double(theirs, 1, 2.0);
            sql_alike(ours, theirs);
        }
    }
    refuses(SQLITE_ERROR, "art: SQLite does not tell whether n.b is compared with 2 as a text or as a number",
            "SELECT * FROM n WHERE a = 2 AND a = b");
    expect("2.0\n", "SELECT v FROM n WHERE a = 10 AND b = (SELECT 2) AND b = '2'"); /* goes by the literal */
    sqlite3_stmt *bound = sql_prepare(db, "SELECT v FROM n WHERE a = 10 AND b = ?1");
    sqlite3_bind_int(bound, 1, 2);
    char *rows = kept(sql_answer(bound));
    ck_assert_str_eq(rows, "2.0\n");
    sqlite3_finalize(bound);
}

/* Found by an attack. */
TEST(test_a_listing_waits_for_the_columns_before_it) {
    run("CREATE VIRTUAL TABLE l USING art(b, k, v INTEGER, key=(b, k)); INSERT INTO l VALUES('a', 'x/1', 1), ('a', "
        "'x/2', 1), ('c', 'y', 2); CREATE TABLE x(b TEXT PRIMARY KEY); INSERT INTO x VALUES('a'), ('c')");
    EACH(join, "x JOIN l ON l.b = x.b", "x CROSS JOIN l ON l.b = x.b", "l JOIN x ON x.b = l.b",
         "x LEFT JOIN l ON l.b = x.b", "(SELECT DISTINCT b FROM x) AS x JOIN l ON l.b = x.b") {
        expect("x/|2\ny|\n", TEXT("SELECT l.k, l.entries FROM %s AND l.delimiter = '/' ORDER BY l.k", join));
        expect("x/2\ny\n", TEXT("SELECT l.k FROM %s AND l.start_after = 'x/1' WHERE l.k > '' ORDER BY l.k", join));
        expect("x/1\nx/2\n", TEXT("SELECT l.k FROM %s AND l.prefix = 'x' WHERE l.k > '' ORDER BY l.k", join));
    }
    expect("3\n", "SELECT count(*) FROM l CROSS JOIN x ON x.b = l.b"); /* where there is none, nothing waits */
    run("UPDATE l SET v = 9 FROM x WHERE l.b = x.b AND l.prefix = 'x'");
    expect("18\n", "SELECT sum(v) FROM l WHERE b = 'a'");
}

/* The names that a listing shows are bounded as SQLite does it, which sees +k as no column. */
static const char *const listing_rules[] = {
    "byte: 61 | 61 | 62 | 2f | 2f | 00 | ff | c3a9",
    "bytes: x'' | x'$byte' | 2*x'$byte$byte' | 2*x'$byte$byte$byte' | x'$byte$byte$byte$byte'",
    "name: CAST($bytes AS $type)",
    "bound: 8*@ $(<|<=|>|>=) $name | @ BETWEEN $name AND $name | @ GLOB $('a*'|'*'|'a/?'|'b[a/]*') | @ > NULL | @ < "
    "x'61' | @ >= 'a'",
    "level: delimiter = $(x'2f'|x'2f'|x'612f'|x'00'|x'') | prefix = $bytes AND delimiter = x'2f' | delimiter = x'2f' "
    "AND start_after = $bytes | prefix = $bytes AND delimiter = $(x'2f'|x'61') AND start_after = $bytes",
    "query: SELECT hex(k), entries, hex(v) FROM l WHERE b = 'x' AND $level AND $bound$(| AND $bound) ORDER BY k "
    "$(|DESC)$(2?, v)$(2*| LIMIT 2)",
    NULL};

LOOP_TEST(test_names_of_a_listing_have_bounds, 2) {
    struct random random = random_announced_with("several", random_seed() + (uint64_t)_i);
    struct grammar grammar = {
        .random = &random, .rules = listing_rules, .given = {"type", _i ? "BLOB" : "TEXT", NULL, NULL}};
    run("CREATE VIRTUAL TABLE l USING art(b, k %s, v INTEGER, key=(b, k, v))", _i ? "BLOB" : "TEXT");
    for (int i = 0; i < 60; i++) {
        char *name = drawn(grammar, "$name");
        run("INSERT OR IGNORE INTO l VALUES('x', %s, %d), ('y', %s, 0)", name, i % 2, name);
        if (i == 30) sql_command(db, "main", "l", "flush");
    }
    for (int i = 0; i < 500; i++) {
        char *text = drawn(grammar, "$query");
        alike_as(kept(sql_named(text, "k")), kept(sql_named(text, "+k")));
    }
    run("CREATE VIRTUAL TABLE t USING art(b, k, n INTEGER, key=(b, k, n))");
    plan_has("SELECT k FROM @ WHERE b = 'x' AND delimiter = '/' AND k >= 'a' AND k < 'b'",
             "delimiter=? AND b=? AND k>=? AND k<?, level listing");
    plan_lacks("SELECT k FROM @ WHERE b = 'x' AND k = 'a' AND delimiter = '/' AND n > 1", "n>?");
}

/* SQLite 3.40 shows it to the left table, too. */
TEST(test_the_glob_of_a_left_join_loses_no_row) {
    run("CREATE VIRTUAL TABLE l USING art(b, k, v INTEGER, key=(b, k)); INSERT INTO l VALUES('x', 'a/1', 1), ('x', "
        "'b/2', 2), ('x', 'c', 3); CREATE TABLE y(i); INSERT INTO y VALUES(1)");
    EACH(level, "", " AND l.delimiter = '/'") {
        expect("a/\nb/\nc\n",
               TEXT("SELECT rtrim(k, '12') FROM l LEFT JOIN y ON l.k GLOB 'a*' WHERE l.b = 'x'%s", level));
        expect("1\n", TEXT("SELECT count(*) FROM l WHERE b = 'x' AND k GLOB 'a*'%s", level));
    }
}

TEST(test_a_directory_goes_where_its_keys_are_sound) {
    make_objects();
    run("CREATE VIRTUAL TABLE n USING art(a TEXT NOT NULL, b BLOB, r REAL, key=(a, r, b)); INSERT INTO n VALUES('x', "
        "x'61', 5), ('x', x'62', 5.5)");
    static const char one_part[] = "art: the prefixes are not of one part of a key";
    refuses(
        SQLITE_ERROR, one_part,
        "INSERT INTO s3(s3, prefix, art_key) VALUES('copy', art_key('s3', 'photos', 'a/'), art_key('s3', 'backup'))");
    refuses(SQLITE_ERROR, one_part,
            "INSERT INTO s3(s3, prefix, art_key) VALUES('copy', art_key('s3', 'photos', ''), x'ffff')");
    refuses(SQLITE_ERROR, one_part,
            "INSERT INTO n(n, prefix, art_key) VALUES('move', art_key('n', 'x', 5), art_key('n', NULL, 5))");
    refuses(SQLITE_ERROR, one_part,
            "INSERT INTO n(n, prefix, art_key) VALUES('move', art_key('n', 'x', 5, x'61'), art_key('n', 'x', 5, 'b'))");
    refuses(SQLITE_ERROR, one_part, "INSERT INTO n(n, prefix) VALUES('delete', x'31')");
    expect("1|1\n", "SELECT art_count('n', art_key('n', 'x', 5)), art_count('n', art_key('n', 'x', 5.5))");
    run("INSERT INTO n(n, prefix, art_key) VALUES('move', art_key('n', 'x', 5), art_key('n', 'y', 7))");
    expect("x|5.5|62\ny|7.0|61\n", "SELECT a, r, hex(b) FROM n");
    /* 2^53 + 1 is no double: a row of reals has 2^53, which a condition by that integer does not find. */
    run("INSERT INTO n VALUES('z', x'', 9007199254740993)");
    expect("1|0|1\n",
           "SELECT art_count('n', art_key('n', 'z', 9007199254740993)), (SELECT count(*) FROM n WHERE a = 'z' AND "
           "r = 9007199254740993), (SELECT count(*) FROM n WHERE a = 'z' AND r = 9007199254740993.0)");
    expect("7\n", "SELECT count(*) FROM s3");
}

/* What keys begin with is a BLOB. A text gave 0, and so a quota let all in; '0' gave all, since a text's tag is that.
 * */
TEST(test_a_text_is_no_prefix_of_keys_of_several_columns) {
    make_objects();
    run("INSERT INTO s3(s3) VALUES('summary=(sum(size), hash(*), hash(values))');"
        "INSERT INTO s3(s3, snapshot) VALUES('snapshot', 's')");
    static const char none[] = "art: no key of several columns begins with this (main.s3): write art_key('s3', ...)";
    EACH(ask, "art_count('s3', %s)", "art_count('s3', %s, 's')", "art_sum('s3', 'size', %s)",
         "art_min('s3', 'size', %s)", "art_max('s3', 'size', %s, 's')", "art_hash('s3', %s)",
         "art_hash_values('s3', %s)", "art_nth('s3', %s, 0)", "art_rank('s3', %s)", "art_longest_prefix('s3', %s)",
         "(SELECT count(*) FROM art_diff('s3', NULL, 's', %s))",
         "(SELECT count(*) FROM art_differences('s3', 's3', %s, NULL, 's'))",
         "(SELECT count(*) FROM art_growth('s3', 'size', NULL, 's', %s, '/'))") {
        EACH(given, "'photos'", "'0'", "5", "CAST('photos' AS BLOB)", "x'3161'")
        refuses(SQLITE_ERROR, none, TEXT("SELECT %z", sqlite3_mprintf(ask, given)));
        EACH(given, "''", "x''", "NULL", "art_key('s3', 'photos')", "art_key('s3', 'nobody', '')",
             "art_key('s3', NULL, 'a')", "art_key('s3', x'61')",
             "(SELECT art_key FROM s3 ORDER BY art_key DESC LIMIT 1)")
        run("SELECT %z", sqlite3_mprintf(ask, given));
    }
    EACH(given, "'photos'", "'0'")
    refuses(SQLITE_ERROR, "art: the prefixes are not of one part of a key",
            TEXT("INSERT INTO s3(s3, prefix) VALUES('delete', %s)", given));
    expect("7|7\n", "SELECT art_count('s3', ''), count(*) FROM s3");
}

TEST(test_texts_in_descending_order_and_odd_delimiters) {
    run("CREATE VIRTUAL TABLE d USING art(b, k, key=(b, k DESC)); INSERT INTO d VALUES('a', 'x/1')");
    refuses(SQLITE_ERROR, "art: a prefix, a delimiter and start_after are of a text of the key in ascending order (d)",
            "SELECT * FROM d WHERE b = 'a' AND prefix = 'x'");
    run("CREATE VIRTUAL TABLE o USING art(b, k, s INTEGER, key=(b, k)); INSERT INTO o VALUES('a', CAST(x'610031' AS "
        "TEXT), 1), ('a', CAST(x'610032' AS TEXT), 2), ('a', 'b', 3)");
    expect("6100|2\n62|\n", "SELECT hex(k), entries FROM o WHERE b = 'a' AND delimiter = x'00'");
    expect("6100|2\n",
           "SELECT hex(k), entries FROM o WHERE b = 'a' AND delimiter = x'6100' AND k = CAST(x'6100' AS TEXT)");
    expect("62\n", "SELECT hex(k) FROM o WHERE b = 'a' AND delimiter = x'00' AND start_after = x'6100'");
    expect("3\n", "SELECT count(*) FROM o WHERE b = 'a' AND delimiter = x'ff'");
    run("CREATE VIRTUAL TABLE e USING art(a, k, c, key=(a, k, c)); INSERT INTO e VALUES('a', 'x/', ''), ('a', 'y', "
        "'z/'), ('a', CAST(x'61ff' AS TEXT), ''), ('a', CAST(x'620063' AS TEXT), '')");
    expect("61FF|\n620063|\n782F|1\n79|\n", "SELECT hex(k), entries FROM e WHERE a = 'a' AND delimiter = '/'");
    expect("61FF|1\n620063|\n782F|\n79|\n", "SELECT hex(k), entries FROM e WHERE a = 'a' AND delimiter = x'ff'");
    run("DELETE FROM o WHERE b = 'a' AND delimiter = x'00' AND entries > 1");
    expect("b\n", "SELECT k FROM o");
    run("CREATE VIRTUAL TABLE z USING art(a TEXT, v INTEGER NOT NULL DEFAULT 7, key=(a, v)); INSERT INTO z(a) "
        "VALUES('a')");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: z.v", "UPDATE z SET v = NULL");
    run("UPDATE OR REPLACE z SET v = NULL");
    expect("a|7\n", "SELECT * FROM z");
}

static void set_up(void) {
    sql_set_up();
}

SUITE("several", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
