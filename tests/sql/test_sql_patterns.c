/* Patterns that do not begin with a literal, or go on behind it, against SQLite's own like() and glob(): random texts
 * and patterns of few pieces, so that they often match. On the path and on other columns, as literals and parameters,
 * beside other conditions, orders and limits. No row may be missed, and none be given that does not match. */
#include "tests/support/sql_one.h"

enum { ROWS = 300, ROUNDS = 400, TEXT_MAX = 200 };

static struct random numbers;

static void set_up(void) {
    sql_set_up_in_memory();
    numbers = (struct random){random_seed()};
    printf("patterns: seed %llu\n", (unsigned long long)numbers.state);
}

/* --- random texts ------------------------------------------------------------------------------------------------- */

struct text {
    char bytes[TEXT_MAX];
    int len;
};

/* The last ones are no sound UTF-8: a byte that goes on without a beginning, a beginning alone, 'a' and an e with an
 * accent in too many bytes, and a NUL, behind which like() and glob() see nothing. */
static const struct piece {
    const char *bytes;
    int len;
} pieces[] = {{"a", 1},        {"A", 1},        {"b", 1},
              {"/", 1},        {".", 1},        {"jpg", 3},
              {"JPG", 3},      {"k", 1},        {"Z", 1},
              {"9", 1},        {"mario", 5},    {"IMG_", 4},
              {"\xc3\xa9", 2}, {"\xc3\x89", 2}, {"\xe2\x84\xaa", 3},
              {"]", 1},        {"^", 1},        {"\x80", 1},
              {"\xc3", 1},     {"\xc1\xa1", 2}, {"\xe0\x83\xa9", 3},
              {"\0", 1}};
enum { PIECES = LENGTH(pieces), SOUND_PIECES = PIECES - 5, ASCII_PIECES = 12 };

static void add_piece(struct text *text, const struct piece *piece) {
    if (text->len + piece->len >= TEXT_MAX) return;
    memcpy(text->bytes + text->len, piece->bytes, (size_t)piece->len);
    text->len += piece->len;
    text->bytes[text->len] = 0;
}

static struct text random_text(void) {
    struct text text = {.len = 0};
    uint32_t which = random_once_in(&numbers, 3) ? PIECES : random_once_in(&numbers, 2) ? SOUND_PIECES : ASCII_PIECES;
    for (uint32_t n = random_below(&numbers, 14); n; n--) add_piece(&text, &pieces[random_below(&numbers, which)]);
    return text;
}

/* With any character at the beginning, from which SQLite makes no bounds; and no NUL, which ends a pattern. */
static struct text random_pattern(const char *wild) {
    TEXTS(sets, "[ab]", "[^ab]", "[]k]", "[^]]", "[a-z]", "[", "[k");
    bool is_glob = strchr(wild, '[') != NULL;
    struct text text = {.len = 0};
    add_piece(&text, &(struct piece){wild + random_once_in(&numbers, 4), 1});
    for (uint32_t n = random_below(&numbers, 9); n; n--) {
        uint32_t kind = random_below(&numbers, 6);
        if (kind == 0) add_piece(&text, &(struct piece){wild, 1});
        if (kind == 1) add_piece(&text, &(struct piece){wild + 1, 1});
        if (kind == 2 && is_glob) {
            const char *set = sets[random_below(&numbers, LENGTH(sets))];
            add_piece(&text, &(struct piece){set, (int)strlen(set)});
        }
        if (kind > 2) {
            uint32_t which = random_once_in(&numbers, 4) ? PIECES - 1 : SOUND_PIECES;
            add_piece(&text, &pieces[random_below(&numbers, which)]);
        }
    }
    return text;
}

/* --- two tables --------------------------------------------------------------------------------------------------- */

static void bind_value(sqlite3_stmt *insert, int at, const struct text *text) {
    switch (random_below(&numbers, 12)) {
    case 0:
        sqlite3_bind_null(insert, at);
        break;
    case 1:
        sqlite3_bind_int(insert, at, (int)random_below(&numbers, 1000));
        break;
    case 2:
        sqlite3_bind_blob(insert, at, text->bytes, text->len, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_bind_text(insert, at, text->bytes, text->len, SQLITE_TRANSIENT);
    }
}

static void insert_rows(int count) {
    sqlite3_stmt *insert = sql_prepare(db, "INSERT OR REPLACE INTO p VALUES(?1, ?2, ?3, ?4)");
    for (int i = 0; i < count; i++) {
        struct text path = random_text(), name = random_text(), any = random_text();
        sqlite3_bind_text(insert, 1, path.bytes, path.len, SQLITE_TRANSIENT);
        bind_value(insert, 2, &name);
        bind_value(insert, 3, &any);
        sqlite3_bind_int(insert, 4, i);
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run("INSERT OR REPLACE INTO t(path, name, any, n) SELECT * FROM p");
}

static void make_tables(void) {
    run("%s; CREATE TABLE p(path TEXT PRIMARY KEY, name TEXT, any, n INTEGER) WITHOUT ROWID",
        TEXT("CREATE VIRTUAL TABLE t USING art(path, name TEXT, any, n INTEGER, "
             "summary=(max(n)))"));
    insert_rows(ROWS);
    command("optimize");
    insert_rows(ROWS / 10);
    command("flush");
    insert_rows(ROWS / 10);
}

/* Out of a path that is there, with wildcards for some of its characters; with more pieces than are looked for. */
static struct text pattern_of_a_path(const char *wild) {
    sqlite3_stmt *ask = sql_prepare(db, "SELECT path FROM p LIMIT 1 OFFSET %d", (int)random_below(&numbers, ROWS / 2));
    struct text text = {.len = 0};
    if (sqlite3_step(ask) != SQLITE_ROW) abort();
    const char *path = (const char *)sqlite3_column_text(ask, 0);
    add_piece(&text, &(struct piece){wild, 1});
    for (int n = sqlite3_column_bytes(ask, 0), i = 0; i < n; i++) {
        uint32_t kind = random_below(&numbers, 8);
        bool is_ascii = path[i] > 0, stays = is_ascii && !strchr("%_*?[", path[i]);
        if (kind < 2 || !stays) add_piece(&text, &(struct piece){wild, 1});
        if (kind == 2 && stays) add_piece(&text, &(struct piece){wild + 1, 1});
        if (kind > 2 && stays) add_piece(&text, &(struct piece){path + i, 1});
    }
    sqlite3_finalize(ask);
    return text;
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static bool compare(const char *sql, const struct text *glob, const struct text *like) {
    sqlite3_stmt *twins[2] = {sql_prepare(db, sql, "t"), sql_prepare(db, sql, "p")};
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_text(twins[i], 1, glob->bytes, glob->len, SQLITE_STATIC);
        sqlite3_bind_text(twins[i], 2, like->bytes, like->len, SQLITE_STATIC);
    }
    return sql_alike(twins[0], twins[1]);
}

/* ?1 is for GLOB, ?2 for LIKE. */
TEXTS(of_path, "SELECT path FROM %s WHERE path GLOB ?1 ORDER BY path",
      "SELECT path, n FROM %s WHERE path LIKE ?2 AND ?1 NOTNULL ORDER BY path DESC",
      "SELECT path FROM %s WHERE path GLOB ?1 AND path LIKE ?2 ORDER BY path",
      "SELECT path FROM %s WHERE path GLOB ?1 AND path GLOB '*[0-9a]*' AND n > 20 ORDER BY path",
      "SELECT count(*) FROM %s WHERE path LIKE ?2 AND ?1 NOTNULL AND path LIKE '%%mario%%'",
      "SELECT path FROM %s WHERE path LIKE ?2 AND ?1 NOTNULL ORDER BY n DESC, path LIMIT 3",
      "SELECT n FROM %s WHERE path GLOB ?1 ORDER BY n LIMIT 2 OFFSET 1",
      "SELECT count(*) FROM %s x JOIN (SELECT ?1 AS g, ?2 AS l) y ON x.path LIKE y.l AND x.path NOT GLOB y.g",
      "SELECT path FROM %s WHERE path BETWEEN 'a' AND 'm' AND path LIKE '%%.jpg' AND path GLOB ?1 ORDER BY path");
TEXTS(
    of_others, "SELECT path, name FROM %s WHERE name GLOB ?1 ORDER BY path",
    "SELECT path, any FROM %s WHERE any LIKE ?2 AND ?1 NOTNULL ORDER BY path",
    "SELECT path FROM %s WHERE name LIKE ?2 AND any GLOB ?1 ORDER BY path DESC",
    "SELECT count(*) FROM %s WHERE name LIKE '%%jpg' AND any LIKE 'a%%b' AND ?1 NOTNULL",
    "SELECT path FROM %s WHERE n GLOB ?1 OR name LIKE ?2 ORDER BY path",
    "SELECT path FROM %s WHERE name LIKE '%%k%%' AND name NOT LIKE ?2 AND path GLOB '*' AND ?1 NOTNULL ORDER BY path");
enum { OF_PATH = LENGTH(of_path), OF_OTHERS = LENGTH(of_others) };

TEST(test_patterns_find_what_sqlite_finds) {
    int found = 0, asked = 0;
    make_tables();
    for (uint32_t round = 0; round < ROUNDS * random_scale(); round++) {
        if (!random_span(&numbers)) continue;
        bool path = random_below(&numbers, 2);
        struct text glob = random_pattern("*?["), like = random_pattern("%_");
        if (random_once_in(&numbers, 4)) glob = pattern_of_a_path("*?[");
        if (random_once_in(&numbers, 4)) like = pattern_of_a_path("%_");
        for (int i = 0; i < (path ? OF_PATH : OF_OTHERS); i++, asked++) {
            found += compare(path ? of_path[i] : of_others[i], &glob, &like);
        }
    }
    ck_assert_msg(found > asked / 4, "%d of %d questions found something", found, asked);
}

/* A literal is known when the plan is made, and SQLite makes bounds of one that begins with letters. */
static void compare_where(char *where) {
    static const char form[] = "SELECT hex(path), n FROM %s WHERE %s ORDER BY path";
    sql_alike(sql_prepare(db, form, "t", where), sql_prepare(db, form, "p", where));
    sqlite3_free(where);
}

TEST(test_literal_patterns_find_what_sqlite_finds) {
    make_tables();
    for (uint32_t round = 0; round < ROUNDS * random_scale(); round++) {
        if (!random_span(&numbers)) continue;
        struct text glob = random_pattern("*?["), like = random_pattern("%_");
        const struct piece *first = &pieces[random_below(&numbers, ASCII_PIECES)];
        compare_where(sqlite3_mprintf("path GLOB %Q AND path LIKE %Q", glob.bytes, like.bytes));
        compare_where(sqlite3_mprintf("path GLOB '%s%s' AND name LIKE %Q", first->bytes, glob.bytes, like.bytes));
        compare_where(sqlite3_mprintf("path LIKE '%s%s' AND n > 9", first->bytes, like.bytes));
        compare_where(sqlite3_mprintf("name GLOB '%s%s' AND any LIKE %Q", first->bytes, glob.bytes, like.bytes));
        compare_where(sqlite3_mprintf("any GLOB %Q OR (path LIKE %Q AND name LIKE '%%jpg')", glob.bytes, like.bytes));
    }
}

/* What SQLite reads as U+FFFD, or as the character of another spelling, and what ends where another one begins. */
static const struct piece broken[] = {{"\xef\xbf\xbd", 3},
                                      {"\xef\xbf\xbe", 3},
                                      {"\xef\xbf\xbf", 3},
                                      {"\xed\xa0\x80", 3},
                                      {"\xc1\xa1", 2},
                                      {"\xc3", 1},
                                      {"\x80", 1},
                                      {"\xff", 1},
                                      {"\xf8\x88", 2},
                                      {"\xe2\x82", 2},
                                      {"\xc3\xa9", 2},
                                      {"\xc3\xaa", 2},
                                      {"\xe0\x83\xa9", 3},
                                      {"\xf0\x80\x83\xa9", 4},
                                      {"\xc3\xa9\x80", 3},
                                      {"\xe2\x84\xaa", 3},
                                      {"\xf4\x8f\xbf\xbf", 4},
                                      {"\xf0\x9f\x98\x80", 4},
                                      {"a", 1},
                                      {"B", 1}};

static struct text broken_text(uint32_t most) {
    struct text text = {.len = 0};
    for (uint32_t n = 1 + random_below(&numbers, most); n; n--) {
        add_piece(&text, &broken[random_below(&numbers, LENGTH(broken))]);
    }
    return text;
}

static void insert_broken_texts(int count) {
    sqlite3_stmt *insert = sql_prepare(db, "INSERT OR REPLACE INTO p VALUES(?1, ?2, ?3, ?4)");
    for (int i = 0; i < count; i++) {
        for (int at = 1; at < 4; at++) {
            struct text text = broken_text(4);
            sqlite3_bind_text(insert, at, text.bytes, text.len, SQLITE_TRANSIENT);
        }
        sqlite3_bind_int(insert, 4, i);
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run("DELETE FROM t; INSERT INTO t(path, name, any, n) SELECT * FROM p");
}

/* SQLite makes bounds of such patterns, too, of some in one version and not in another. An ordinary table without an
 * index on a column has no use for them there. */
TEST(test_patterns_that_begin_with_any_bytes_find_what_sqlite_finds) {
    TEXTS(forms, "path GLOB '%s'", "name GLOB '%s'", "any GLOB '%s'", "any GLOB '%s' AND name > 'a'",
          "path GLOB '%s' AND n > 9", "name LIKE '%s'", "any LIKE '%s'", "name GLOB '%s' AND any NOT LIKE '%%a%%'");
    enum { FORMS = LENGTH(forms) };
    make_tables();
    insert_broken_texts(ROWS);
    command("flush");
    for (uint32_t round = 0; round < 2 * ROUNDS * random_scale(); round++) {
        if (!random_span(&numbers)) continue;
        struct text pattern = broken_text(3);
        uint32_t form = random_below(&numbers, FORMS);
        bool like = strstr(forms[form], " LIKE '") != NULL;
        run("PRAGMA case_sensitive_like = %d", (int)random_below(&numbers, 2));
        if (!random_once_in(&numbers, 4)) add_piece(&pattern, &(struct piece){like ? "%" : "*", 1});
        if (random_once_in(&numbers, 3)) add_piece(&pattern, &broken[random_below(&numbers, LENGTH(broken))]);
        compare_where(sqlite3_mprintf(forms[form], pattern.bytes));
        compare("SELECT path FROM %s WHERE name GLOB ?1 AND ?2 NOTNULL ORDER BY path", &pattern, &pattern);
        compare("SELECT path FROM %s WHERE any LIKE ?2 AND ?1 NOTNULL ORDER BY path", &pattern, &pattern);
    }
}

TEST(test_pieces_stand_behind_each_other) {
    make_tables();
    for (int table = 0; table < 2; table++) {
        run("DELETE FROM %s; INSERT INTO %s(path, name) VALUES('x/ab', CAST(x'806162' AS TEXT)), ('x/aba', 'ab'), "
            "('x/abab', 'a'), ('x/abba', 'b'), ('x/aa', CAST(x'c2806162' AS TEXT)), ('x/aaa', NULL), ('x/aaaa', NULL), "
            "('x/b', NULL)",
            table ? "p" : "t", table ? "p" : "t");
    }
    EACH(pattern, "*ab*ba*", "*ab*ba", "x/ab*ba", "*a*a*a*", "*ab*ab*ab", "x/*b*b", "*aa*aa*") {
        compare_where(sqlite3_mprintf("path GLOB %Q", pattern));
    }
    struct text broken = {"\x80"
                          "a%",
                          3};
    compare("SELECT path FROM %s WHERE name LIKE ?2 AND ?1 NOTNULL ORDER BY path", &broken, &broken);
}

TEST(test_long_pieces_are_compared_to_their_end) {
    make_tables();
    for (int table = 0; table < 2; table++) {
        run("WITH long(x) AS (SELECT replace(printf('%%090d', 0), '0', 'x')) INSERT INTO %s(path, name) SELECT 'a' || "
            "x || y, x || y FROM long, (SELECT 'jpg' AS y UNION SELECT 'png' UNION SELECT 'j')",
            table ? "p" : "t");
    }
    for (int n = 60; n < 95; n++) {
        char *x = TEXT("%0*d", n, 0);
        for (int i = 0; i < n; i++) x[i] = 'x';
        compare_where(sqlite3_mprintf("path GLOB '*%sj*' AND path GLOB '*%sjp*'", x, x));
        compare_where(sqlite3_mprintf("path GLOB '*%sj*'", x));
        compare_where(sqlite3_mprintf("path GLOB '*a%s*jpg' OR name LIKE '%sJ%%g'", x, x));
        compare_where(sqlite3_mprintf("name LIKE '%%%sP%%g' OR name GLOB '*%s'", x, x));
    }
}

/* Where like() is another one, each row is its own to look at. */
static void matches_all(sqlite3_context *context, int argc, sqlite3_value **argv) {
    sqlite3_result_int(context, 1);
}

TEST(test_another_like_sees_all_rows) {
    make_tables();
    ck_assert_int_eq(sqlite3_create_function(db, "like", 2, SQLITE_UTF8, NULL, matches_all, NULL, NULL), SQLITE_OK);
    expect("1\n", "SELECT count(*) = (SELECT count(*) FROM p) FROM t WHERE path LIKE '%%nowhere%%'");
    expect("1\n", "SELECT count(*) = (SELECT count(*) FROM p) FROM t WHERE name LIKE '%%nowhere%%'");
    compare_where(sqlite3_mprintf("path LIKE 'a%%' ESCAPE '!' AND name LIKE '%%nowhere%%'"));
    compare_where(
        sqlite3_mprintf("path COLLATE NOCASE >= 'A' AND path COLLATE NOCASE < 'b' AND path LIKE '%%nowhere%%'"));
}

/* A scan looks at a few of them. */
TEST(test_many_conditions_stand_beside_patterns) {
    make_tables();
    for (int i = 0; i < 10; i++) {
        compare_where(sqlite3_mprintf("path LIKE '1%%a%%' AND n > 1 AND n < 300 AND name > '' AND name < 'z'"));
        compare_where(
            sqlite3_mprintf("path GLOB '*a*' AND path GLOB '*/*' AND path GLOB '?*k*' AND path GLOB '*?b*' AND "
                            "path LIKE '%%m%%' AND n > 1 AND n < 300 AND name > '' AND name < 'z'"));
    }
}

static void never(sqlite3_context *context, int count, sqlite3_value **arguments) {
    sqlite3_result_int(context, 0);
}

/* Few rows may match, and then a walk finds them, when the search is given up (test_sql_newest). */
TEST(test_a_pattern_that_may_be_rare_is_searched_as_long_as_that_pays) {
    make_tables();
    EACH(each, "path LIKE '%mario%'", "path GLOB '*mario*'", "path LIKE 'a%b'", "path GLOB 'a*b'") {
        plan_has(TEXT("SELECT path FROM t WHERE %s ORDER BY n DESC LIMIT 3", each), "best first");
    }
}

/* Nor is anything known of what another function says of a path. */
TEST(test_a_function_of_the_application_is_walked_for) {
    make_tables();
    sqlite3_create_function(db, "regexp", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, never, NULL, NULL);
    plan_has("SELECT path FROM t WHERE path REGEXP 'x' ORDER BY n DESC LIMIT 3", "USE TEMP B-TREE");
    sqlite3_create_function(db, "like", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, never, NULL, NULL);
    plan_has("SELECT path FROM t WHERE path LIKE ? ORDER BY n DESC LIMIT 3", "USE TEMP B-TREE");
}

TEST(test_the_plan_says_which_patterns_are_searched) {
    static const struct {
        const char *where, *plan;
    } searched[] = {
        {"path LIKE '%mario%'", "all rows AND path LIKE ? (search)"},
        {"path LIKE ?", "path LIKE ? (search)"},
        {"path GLOB '*mario.j*'", "path GLOB ? (search)"},
        {"path GLOB 'a/[0-9]*xyz'", "AND path GLOB ? (search)"},
        {"note LIKE '%_ab%cde'", "note LIKE ? (search)"},
        {"path LIKE '%abc%' AND path LIKE '%de%' AND path LIKE ?",
         "path LIKE ? (search) AND path LIKE ? AND path LIKE ? (search)"},
        {"prefix = 'a' AND note GLOB '*abc*' ORDER BY size DESC, path LIMIT 5",
         "note GLOB ? (search), best first by size and the path, descending"},
        {"path LIKE '%abc%' AND note LIKE '%def%' AND size > 3 ORDER BY size LIMIT 5", "best first by size"},
    };
    run("CREATE VIRTUAL TABLE f USING art(path, note, size INTEGER, other, summary=(search(path), search(note), "
        "sum(size)))");
    char statement[200];
    for (size_t i = 0; i < LENGTH(searched); i++) {
        sqlite3_snprintf(sizeof statement, statement, "SELECT * FROM f WHERE %s", searched[i].where);
        plan_has(statement, searched[i].plan);
    }
    EACH(each, "path LIKE '%ab%'", "path GLOB '*[abc]*'", "path GLOB 'abc/def*'", "path LIKE '%ab_cd%'",
         "note GLOB '*ab?cd*'", "other LIKE '%abc%'", "note NOT LIKE '%abc%def%'", "note LIKE 12345") {
        sqlite3_snprintf(sizeof statement, statement, "SELECT * FROM f WHERE %s", each);
        plan_lacks(statement, "search");
    }
    run("CREATE TABLE q(path PRIMARY KEY, word); ANALYZE");
    plan_has("SELECT f.path FROM q JOIN f ON f.path LIKE q.word", "path LIKE ? (search)");
    plan_has("SELECT f.path FROM f JOIN q ON q.path = f.path WHERE f.path LIKE '%abc%'", "LIKE ? (search)");
}

/* path MATCH ...: the row of the longest path that is a prefix. */

static void set_up_routes(void) {
    sql_set_up();
    sql_create(db, "t", "path, name, n INTEGER");
    run("INSERT INTO t VALUES('a', 'A', 1), ('a/b', 'AB', 2), ('a/b/c', 'ABC', 3), ('a/bc', 'ABC2', 4), ('a/x/', 'AX', "
        "5), ('b', 'B', 6), ('k::', 'K', 7), ('k::v', 'KV', 8), ('17', 'number', 9);"
        "CREATE TABLE r(url, like_path); INSERT INTO r VALUES('a/b/c/d', 'a'), ('b/1', 'b'), ('x', 'x'), ('a/1', 'a'), "
        "(NULL, NULL), (173, 17), (x'612f62', 'a')");
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

CASE("match", .seconds = 120, .set_up = set_up_routes, .tear_down = sql_tear_down)

TEST(test_a_match_is_the_row_of_the_longest_prefix) {
    expect("a/b/c|ABC|3\n", "SELECT path, name, n FROM t WHERE path MATCH 'a/b/c/d'");
    expect("a/bc|ABC2|4\n", "SELECT * FROM t WHERE path MATCH 'a/bcd'");
    expect("b|B|6\n", "SELECT * FROM t WHERE path MATCH 'b'");
    expect("", "SELECT * FROM t WHERE path MATCH 'c'");
    expect("", "SELECT * FROM t WHERE path MATCH ''");
    run("INSERT INTO t(path, name) VALUES('', 'all')");
    expect("all\nall\n", "SELECT name FROM t WHERE path MATCH '' UNION ALL SELECT name FROM t WHERE path MATCH 'c'");
    expect("a/b|1\n", "SELECT path, row_version > 0 FROM t WHERE path MATCH 'a/b'");
    expect("a/b|/|1\n", "SELECT path, delimiter, entries IS NULL FROM t WHERE path MATCH 'a/b' AND delimiter = '/'");
}

TEST(test_with_a_delimiter_it_ends_where_a_component_ends) {
    expect("a|/\n", "SELECT path, delimiter FROM t WHERE path MATCH 'a/bcd' AND delimiter = '/'");
    expect("a/x/\n", "SELECT path FROM t WHERE delimiter = '/' AND path MATCH 'a/x/y/z'");
    expect("a/bc\n", "SELECT path FROM t('', '/') WHERE path MATCH 'a/bc'");
    expect("k::\n", "SELECT path FROM t WHERE path MATCH 'k::vv' AND delimiter = '::'");
    expect("k::v\n", "SELECT path FROM t WHERE path MATCH 'k::v::w' AND delimiter = '::'");
    expect("k::v\n", "SELECT path FROM t WHERE path MATCH 'k::vv' AND delimiter = ''");
    expect("", "SELECT path FROM t WHERE path MATCH 'ax' AND delimiter = '/'");
    expect("", "SELECT path FROM t WHERE path MATCH 'a' AND delimiter = NULL");
    run("INSERT INTO t(path) VALUES(printf('%%.65534c', 'y')), ('yy/')"); /* longer than a path can be */
    expect("65534\n", "SELECT length(path) FROM t WHERE path MATCH printf('%.70000c', 'y')");
    expect("", "SELECT path FROM t WHERE path MATCH printf('%.70000c', 'y') AND delimiter = '/'");
    expect("yy/\n", "SELECT path FROM t WHERE path MATCH 'yy/' || printf('%.70000c', 'y') AND delimiter = '/'");
}

TEST(test_what_is_matched_is_bytes) {
    expect("17\n", "SELECT path FROM t WHERE path MATCH 173");
    expect("17\n", "SELECT path FROM t WHERE path MATCH 17.5");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH x'612f6278ff00'");
    expect("a\n", "SELECT path FROM t WHERE path MATCH x'612f6264' AND delimiter = x'2f'");
    expect("", "SELECT path FROM t WHERE path MATCH NULL");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b' || char(0) || 'c'");
}

TEST(test_a_match_sees_what_the_transaction_has_changed) {
    command("flush");
    run("BEGIN; INSERT INTO t VALUES('a/b/c/d', 'new', 10); DELETE FROM t WHERE path = 'a/bc'");
    expect("a/b/c/d|new\n",
           "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'"); /* the memtable's, not the run's */
    expect("a/b/c|ABC\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/e'");
    expect("a/b|AB\n", "SELECT path, name FROM t WHERE path MATCH 'a/bcd'");
    run("SAVEPOINT s; UPDATE t SET name = 'later' WHERE path = 'a/b/c'; DELETE FROM t WHERE path = 'a/b/c/d'");
    expect("a/b/c|later\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'");
    run("ROLLBACK TO s");
    expect("a/b/c/d|new\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'");
    run("ROLLBACK");
    expect("a/b/c|ABC\n", "SELECT path, name FROM t WHERE path MATCH 'a/b/c/d/e'");
}

TEST(test_a_long_value_is_matched_whole) {
    run("INSERT INTO t VALUES('long', printf('%%.200000c', 'l'), 1); INSERT INTO t(t) VALUES('flush')");
    expect("200000|l|1\n", "SELECT length(name), substr(name, -1), n FROM t WHERE path MATCH 'longer'");
    run("UPDATE t SET name = name || 'x' WHERE path MATCH 'longer'");
    expect("200001|x|1\n", "SELECT length(name), substr(name, -1), n FROM t WHERE path MATCH 'longer'");
}

/* --- in a statement ----------------------------------------------------------------------------------------------- */

TEST(test_other_conditions_are_about_the_row_that_is_found) {
    expect("", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path = 'a'");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path = 'a/b'");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path IN ('a', 'a/b')");
    expect("a/b\n",
           "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND path > 'a' AND path GLOB 'a*' AND path LIKE 'A%'");
    expect("", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND n > 2");
    expect("a/b\n", "SELECT path FROM t('a/') WHERE path MATCH 'a/b/zz'");
    expect("", "SELECT path FROM t('b') WHERE path MATCH 'a/b/zz'");
    expect("a/b\n", "SELECT path FROM t('a', '/', 'a/a') WHERE path MATCH 'a/b/zz'");
    expect("", "SELECT path FROM t('a', '/', 'a/b') WHERE path MATCH 'a/b/zz'");
    expect("1|a/b|2\n", "SELECT count(*), max(path), sum(n) FROM t WHERE path MATCH 'a/b/zz'");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' ORDER BY n DESC, name LIMIT 5");
    expect("", "SELECT path FROM t WHERE path MATCH 'a/b/zz' ORDER BY path LIMIT 1 OFFSET 1");
}

TEST(test_an_or_beside_a_match_does_not_go_round_it) {
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND (path GLOB 'a*' OR path GLOB 'b*')");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND (n = 2 OR path = 'b')");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH (SELECT 'a/b/zz') AND delimiter = (SELECT '/') AND "
                    "(path = 'a/b' OR path = 'b')");
    expect("a/b\nb\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' OR path MATCH 'b/x' ORDER BY 1");
    expect("a/b\nk::\n", "SELECT path FROM t WHERE (path MATCH 'a/b/zz' AND delimiter = '/') OR "
                         "(path MATCH 'k::x' AND delimiter = '::') ORDER BY 1");
    expect("a/b\nb\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND delimiter = '/' OR path = 'b' ORDER BY 1");
    /* With statistics, arms that find little cost less than a search of a large table. */
    run("INSERT INTO t(path) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) "
        "SELECT 'z/' || i FROM n; ANALYZE; SELECT count(*) FROM t");
    expect("a/b\n", "SELECT path FROM t WHERE path MATCH 'a/b/zz' AND (path GLOB 'a/b*' OR path GLOB 'b*')");
}

TEST(test_a_join_matches_each_row_of_another_table) {
    expect("a/b/c/d|a/b/c|ABC\nb/1|b|B\na/1|a|A\n173|17|number\na/b|a/b|AB\n",
           "SELECT CAST(url AS TEXT), path, name FROM r JOIN t ON path MATCH url");
    expect("a/b/c/d|a/b/c\nb/1|b\nx|\na/1|a\n|\n173|\na/b|a/b\n",
           "SELECT CAST(url AS TEXT), path FROM r LEFT JOIN t ON path MATCH url AND delimiter = '/'");
    expect("b/1|b\n", "SELECT url, path FROM t, r WHERE t.path MATCH r.url AND t.path = r.like_path AND n > 1");
    expect("ABC\nB\n\nA\n\nnumber\nAB\n", "SELECT (SELECT name FROM t WHERE path MATCH url) FROM r");
    expect("a/b/c/d\nb/1\n",
           "SELECT url FROM r WHERE typeof(url) = 'text' AND EXISTS (SELECT 1 FROM t WHERE path MATCH "
           "url AND delimiter = '/' AND n > 1)");
    expect("a/b/c/d\n", "SELECT url FROM t, r WHERE path MATCH url AND path = (SELECT 'a/b/c')");
    run("CREATE VIEW v AS SELECT path, name FROM t");
    expect("AB\n", "SELECT name FROM v WHERE path MATCH 'a/b/zz'");
    plan_has("SELECT url, name FROM t, r WHERE path MATCH url AND delimiter = '/'",
             "delimiter=? AND path MATCH ?, longest prefix");
}

TEST(test_update_and_delete_change_the_row_that_is_matched) {
    run("UPDATE t SET name = 'changed' WHERE path MATCH 'a/b/zz'; DELETE FROM t WHERE path MATCH 'a/bcd'");
    expect("a/b|changed\n", "SELECT path, name FROM t WHERE path MATCH 'a/bcd'");
    run("DELETE FROM t WHERE path MATCH 'a/b/zz' AND delimiter = '/'");
    expect("a\na/b/c\na/x/\n", "SELECT path FROM t WHERE path GLOB 'a*'");
    run("UPDATE t SET path = path || '/moved' WHERE path MATCH 'b/x'");
    expect("b/moved|B|6\n", "SELECT * FROM t WHERE path GLOB 'b*'");
    run("UPDATE t SET n = n + 100 FROM r WHERE path MATCH url");
    expect("a|101\na/b/c|103\n17|109\n", "SELECT path, n FROM t WHERE n > 99 ORDER BY n % 100");
}

TEST(test_a_delimiter_is_of_one_arm_of_an_or) {
    run("DELETE FROM t; INSERT INTO t(path) VALUES('a'), ('a/b'), ('ab'), ('b'), ('b/c')");
    expect("a\nb\n", "SELECT path FROM t WHERE path MATCH 'a/bx' AND delimiter = '/' OR path = 'b' ORDER BY path");
    expect("a\nb/c\n",
           "SELECT path FROM t WHERE path MATCH 'a/bx' AND delimiter = '/' OR path MATCH 'b/cc' ORDER BY path");
    expect("a/b\nb\n",
           "SELECT path FROM t WHERE path MATCH 'a/bx' OR path MATCH 'b/cc' AND delimiter = '/' ORDER BY path");
}

TEST(test_a_match_that_no_search_answers_is_an_error) {
    EACH(statement, "SELECT path FROM t WHERE NOT path MATCH 'a'", "SELECT path FROM t WHERE name MATCH 'a'",
         "SELECT path FROM t WHERE path MATCH 'a' AND path MATCH 'b'", "SELECT path MATCH 'a' FROM t",
         "SELECT path FROM t WHERE path MATCH name", "SELECT path FROM t WHERE 'a' MATCH path",
         "SELECT path FROM t WHERE path MATCH 'a' OR length(path) = 3") {
        refuses(SQLITE_ERROR, "unable to use function MATCH", statement);
    }
    /* A listing's argument that is no literal, in an OR. */
    refuses(SQLITE_ERROR, "art: delimiter is a hidden column of this table, and nothing gives it here",
            "SELECT path FROM t WHERE path MATCH 'a' AND delimiter = (SELECT '/') OR path = 'b'");
    refuses(SQLITE_ERROR, "the column that takes commands", "SELECT path FROM t WHERE t MATCH 'a'");
}

/* --- beside an ordinary table ------------------------------------------------------------------------------------- */

/* substr() of an empty BLOB is NULL. */
#define IS_PREFIX "(length(p) = 0 OR substr(?1, 1, length(p)) = p)"
#define IS_BELOW  "(length(?2) = 0 OR substr(p, 1, length(?2)) = ?2)"
#define ENDS_AT                                                                                                        \
    "(length(?2) = 0 OR p = ?1 OR substr(?1, length(p) + 1, length(?2)) = ?2 OR (length(p) >= length(?2) AND "         \
    "substr(p, length(p) - length(?2) + 1) = ?2))"

static const struct {
    const char *art, *plain;
} questions[] = {
    {"SELECT hex(path), v FROM t WHERE path MATCH ?1 AND delimiter = ?2",
     "SELECT hex(p), v FROM m WHERE " IS_PREFIX " AND " ENDS_AT " ORDER BY length(p) DESC LIMIT 1"},
    {"SELECT hex(path), v FROM t WHERE path MATCH ?1 AND ?2 IS NOT NULL",
     "SELECT hex(p), v FROM m WHERE " IS_PREFIX " AND ?2 IS NOT NULL ORDER BY length(p) DESC LIMIT 1"},
    {"SELECT v FROM t WHERE path MATCH ?1 AND path GLOB 'a*' AND v % 2 AND ?2 IS NOT NULL",
     "SELECT v FROM (SELECT p, v FROM m WHERE " IS_PREFIX
     " ORDER BY length(p) DESC LIMIT 1) WHERE substr(p, 1, 1) = x'61' AND v % 2 AND ?2 IS NOT NULL"},
    {"SELECT v FROM t WHERE path MATCH ?1 AND prefix = ?2",
     "SELECT v FROM (SELECT p, v FROM m WHERE " IS_PREFIX
     " ORDER BY length(p) DESC LIMIT 1) WHERE length(?2) = 0 OR substr(p, 1, length(?2)) = ?2"},
    {"SELECT hex(p) FROM (SELECT art_longest_prefix('t', ?1, ?2) AS p) WHERE p NOTNULL",
     "SELECT hex(p) FROM m WHERE " IS_PREFIX " AND " ENDS_AT " ORDER BY length(p) DESC LIMIT 1"},
    {"SELECT art_count('t', ?2), ?1 NOTNULL", "SELECT count(*), ?1 NOTNULL FROM m WHERE " IS_BELOW},
    {"SELECT hex(p) FROM (SELECT art_nth('t', ?2, length(?1)) AS p) WHERE p NOTNULL",
     "SELECT hex(p) FROM m WHERE " IS_BELOW " ORDER BY p LIMIT 1 OFFSET length(?1)"},
    {"SELECT art_rank('t', ?1), ?2 NOTNULL", "SELECT count(*), ?2 NOTNULL FROM m WHERE p < ?1"},
};

static void bind_bytes(sqlite3_stmt *statement, int at, struct random *random, uint32_t longest) {
    static const char alphabet[] = "aab/:";
    uint8_t bytes[16];
    uint32_t length = random_below(random, longest + 1);
    for (uint32_t i = 0; i < length; i++) bytes[i] = (uint8_t)alphabet[random_below(random, sizeof alphabet)];
    sqlite3_bind_blob(statement, at, length ? bytes : (const uint8_t *)"", (int)length, SQLITE_TRANSIENT);
}

static void run_beside(sqlite3_stmt *const both[2], struct random *random, int number) {
    struct random same = *random;
    bind_bytes(both[0], 1, random, 7);
    bind_bytes(both[1], 1, &same, 7);
    for (unsigned i = 0; i < 2; i++) {
        if (number >= 0) sqlite3_bind_int(both[i], 2, number);
        ck_assert_int_eq(sqlite3_step(both[i]), SQLITE_DONE);
        sqlite3_reset(both[i]);
    }
}

static void ask_beside(sqlite3_stmt *const both[2], struct random *random, uint64_t seed) {
    struct random same = *random;
    bind_bytes(both[0], 1, random, 10);
    bind_bytes(both[0], 2, random, 2);
    bind_bytes(both[1], 1, &same, 10);
    bind_bytes(both[1], 2, &same, 2);
    char *given = kept(sql_answer(both[0])), *expected = kept(sql_answer(both[1]));
    ck_assert_msg(!strcmp(given, expected), "seed %llu: %s gives %s, not %s", (unsigned long long)seed,
                  sqlite3_expanded_sql(both[0]), given, expected);
}

/* And functions, which count and find rows by the beginnings of their paths. */
TEST(test_matches_agree_with_plain_sql_on_an_ordinary_table) {
    TEXTS(ends, "COMMIT", "ROLLBACK TO s; COMMIT", "ROLLBACK");
    struct random random = {random_seed()};
    uint64_t seed = random.state;
    printf("matches: seed %llu\n", (unsigned long long)seed);
    run("DROP TABLE t");
    sql_create(db, "t", "path, v, log_limit='2KB'");
    run("CREATE TABLE m(p BLOB PRIMARY KEY, v) WITHOUT ROWID");
    sqlite3_stmt *put[] = {sql_prepare(db, "INSERT OR REPLACE INTO t VALUES(CAST(?1 AS TEXT), ?2)"),
                           sql_prepare(db, "INSERT OR REPLACE INTO m VALUES(?1, ?2)")};
    sqlite3_stmt *cut[] = {sql_prepare(db, "DELETE FROM t WHERE path = CAST(?1 AS TEXT)"),
                           sql_prepare(db, "DELETE FROM m WHERE p = ?1")};
    sqlite3_stmt *ask[LENGTH(questions)][2];
    for (unsigned i = 0; i < LENGTH(questions); i++) {
        ask[i][0] = sql_prepare(db, "%s", questions[i].art);
        ask[i][1] = sql_prepare(db, "%s", questions[i].plain);
    }
    int number = 0;
    for (unsigned round = 0; round < 40 * random_scale(); round++) {
        if (!random_span(&random)) continue;
        run("BEGIN");
        for (unsigned i = 0; i < 12; i++) {
            if (i == 8) run("SAVEPOINT s");
            if (random_below(&random, 3)) {
                run_beside(put, &random, ++number);
            } else {
                run_beside(cut, &random, -1);
            }
        }
        for (unsigned i = 0; i < 25 * LENGTH(questions); i++) ask_beside(ask[i % LENGTH(questions)], &random, seed);
        run("%s", ends[random_below(&random, 3)]);
        for (unsigned i = 0; i < 25 * LENGTH(questions); i++) ask_beside(ask[i % LENGTH(questions)], &random, seed);
    }
    for (unsigned i = 0; i < 2; i++) {
        sqlite3_finalize(put[i]);
        sqlite3_finalize(cut[i]);
        for (unsigned j = 0; j < LENGTH(questions); j++) sqlite3_finalize(ask[j][i]);
    }
}

SUITE("sql_patterns", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down)
