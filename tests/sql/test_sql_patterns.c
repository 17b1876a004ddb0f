/* Patterns that do not begin with a literal, or go on behind it, against SQLite's own like() and glob(): random texts
 * and patterns of few pieces, so that they often match. On the path and on other columns, as literals and parameters,
 * beside other conditions, orders and limits. No row may be missed, and none be given that does not match. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql.h"
#include "tests/support/sql_expect.h"
#include "tests/support/suite.h"

enum { ROWS = 300, ROUNDS = 400, TEXT_MAX = 200 };

static sqlite3 *db;
static struct random numbers;

static void set_up(void) {
    db = sql_open(":memory:");
    numbers = (struct random){random_seed()};
    printf("patterns: seed %llu\n", (unsigned long long)numbers.state);
}

static void tear_down(void) {
    sql_close(db);
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
enum { PIECES = sizeof pieces / sizeof *pieces, SOUND_PIECES = PIECES - 5, ASCII_PIECES = 12 };

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
    static const char *const sets[] = {"[ab]", "[^ab]", "[]k]", "[^]]", "[a-z]", "[", "[k"};
    bool is_glob = strchr(wild, '[') != NULL;
    struct text text = {.len = 0};
    add_piece(&text, &(struct piece){wild + random_once_in(&numbers, 4), 1});
    for (uint32_t n = random_below(&numbers, 9); n; n--) {
        uint32_t kind = random_below(&numbers, 6);
        if (kind == 0) add_piece(&text, &(struct piece){wild, 1});
        if (kind == 1) add_piece(&text, &(struct piece){wild + 1, 1});
        if (kind == 2 && is_glob) {
            const char *set = sets[random_below(&numbers, sizeof sets / sizeof *sets)];
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
    sql_run(db, "INSERT OR REPLACE INTO t(path, name, any, n) SELECT * FROM p");
}

static void make_tables(void) {
    char *create = sqlite3_mprintf("CREATE VIRTUAL TABLE t USING art(path, name TEXT, any, n INTEGER, "
                                   "summary=(max(n)))");
    sql_run(db, "%s; CREATE TABLE p(path TEXT PRIMARY KEY, name TEXT, any, n INTEGER) WITHOUT ROWID", create);
    sqlite3_free(create);
    insert_rows(ROWS);
    sql_command(db, "main", "t", "optimize");
    insert_rows(ROWS / 10);
    sql_command(db, "main", "t", "flush");
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

static char *answer(const char *sql, const char *table, const struct text *glob, const struct text *like) {
    sqlite3_stmt *ask = sql_prepare(db, sql, table);
    sqlite3_bind_text(ask, 1, glob->bytes, glob->len, SQLITE_STATIC);
    if (sqlite3_bind_parameter_count(ask) > 1) sqlite3_bind_text(ask, 2, like->bytes, like->len, SQLITE_STATIC);
    char *rows = sql_answer(ask);
    sqlite3_finalize(ask);
    return rows;
}

static int compare(const char *sql, const struct text *glob, const struct text *like) {
    char *art = answer(sql, "t", glob, like), *plain = answer(sql, "p", glob, like);
    ck_assert_msg(!strcmp(art, plain), "%s with GLOB '%s', LIKE '%s': %s instead of %s", sql, glob->bytes, like->bytes,
                  art, plain);
    int rows = art[0] != 0;
    sqlite3_free(art);
    sqlite3_free(plain);
    return rows;
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
static const char *const of_others[] = {
    "SELECT path, name FROM %s WHERE name GLOB ?1 ORDER BY path",
    "SELECT path, any FROM %s WHERE any LIKE ?2 AND ?1 NOTNULL ORDER BY path",
    "SELECT path FROM %s WHERE name LIKE ?2 AND any GLOB ?1 ORDER BY path DESC",
    "SELECT count(*) FROM %s WHERE name LIKE '%%jpg' AND any LIKE 'a%%b' AND ?1 NOTNULL",
    "SELECT path FROM %s WHERE n GLOB ?1 OR name LIKE ?2 ORDER BY path",
    "SELECT path FROM %s WHERE name LIKE '%%k%%' AND name NOT LIKE ?2 AND path GLOB '*' AND ?1 NOTNULL ORDER BY path",
};
enum { OF_PATH = sizeof of_path / sizeof *of_path, OF_OTHERS = sizeof of_others / sizeof *of_others };

TEST(test_patterns_find_what_sqlite_finds) {
    int found = 0, asked = 0;
    make_tables();
    for (uint32_t round = 0; round < ROUNDS * random_scale(); round++) {
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
static char *answer_where(const char *table, const char *where) {
    char *sql = sqlite3_mprintf("SELECT hex(path), n FROM %s WHERE %s ORDER BY path", table, where);
    sqlite3_stmt *ask = sql_prepare(db, "%s", sql);
    char *rows = sql_answer(ask);
    sqlite3_finalize(ask);
    sqlite3_free(sql);
    return rows;
}

static void compare_where(char *where) {
    char *art = answer_where("t", where), *plain = answer_where("p", where);
    ck_assert_msg(!strcmp(art, plain), "%s: %s instead of %s", where, art, plain);
    sqlite3_free(art);
    sqlite3_free(plain);
    sqlite3_free(where);
}

TEST(test_literal_patterns_find_what_sqlite_finds) {
    make_tables();
    for (uint32_t round = 0; round < ROUNDS * random_scale(); round++) {
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
enum { BROKEN = sizeof broken / sizeof *broken };

static struct text broken_text(uint32_t most) {
    struct text text = {.len = 0};
    for (uint32_t n = 1 + random_below(&numbers, most); n; n--) {
        add_piece(&text, &broken[random_below(&numbers, BROKEN)]);
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
    sql_run(db, "DELETE FROM t; INSERT INTO t(path, name, any, n) SELECT * FROM p");
}

/* SQLite makes bounds of such patterns, too, of some in one version and not in another. An ordinary table without an
 * index on a column has no use for them there. */
TEST(test_patterns_that_begin_with_any_bytes_find_what_sqlite_finds) {
    static const char *const forms[] = {
        "path GLOB '%s'",           "name GLOB '%s'", "any GLOB '%s'", "any GLOB '%s' AND name > 'a'",
        "path GLOB '%s' AND n > 9", "name LIKE '%s'", "any LIKE '%s'", "name GLOB '%s' AND any NOT LIKE '%%a%%'"};
    enum { FORMS = sizeof forms / sizeof *forms };
    make_tables();
    insert_broken_texts(ROWS);
    sql_command(db, "main", "t", "flush");
    for (uint32_t round = 0; round < 2 * ROUNDS * random_scale(); round++) {
        struct text pattern = broken_text(3);
        uint32_t form = random_below(&numbers, FORMS);
        bool like = strstr(forms[form], " LIKE '") != NULL;
        sql_run(db, "PRAGMA case_sensitive_like = %d", (int)random_below(&numbers, 2));
        if (!random_once_in(&numbers, 4)) add_piece(&pattern, &(struct piece){like ? "%" : "*", 1});
        if (random_once_in(&numbers, 3)) add_piece(&pattern, &broken[random_below(&numbers, BROKEN)]);
        compare_where(sqlite3_mprintf(forms[form], pattern.bytes));
        compare("SELECT path FROM %s WHERE name GLOB ?1 AND ?2 NOTNULL ORDER BY path", &pattern, &pattern);
        compare("SELECT path FROM %s WHERE any LIKE ?2 AND ?1 NOTNULL ORDER BY path", &pattern, &pattern);
    }
}

TEST(test_pieces_stand_behind_each_other) {
    make_tables();
    for (int table = 0; table < 2; table++) {
        sql_run(db,
                "DELETE FROM %s; INSERT INTO %s(path, name) VALUES('x/ab', CAST(x'806162' AS TEXT)), ('x/aba', 'ab'), "
                "('x/abab', 'a'), ('x/abba', 'b'), ('x/aa', CAST(x'c2806162' AS TEXT)), ('x/aaa', NULL), ('x/aaaa', "
                "NULL), ('x/b', NULL)",
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
        sql_run(db,
                "WITH long(x) AS (SELECT replace(printf('%%090d', 0), '0', 'x')) INSERT INTO %s(path, name) SELECT 'a' "
                "|| x || y, x || y FROM long, (SELECT 'jpg' AS y UNION SELECT 'png' UNION SELECT 'j')",
                table ? "p" : "t");
    }
    for (int n = 60; n < 95; n++) {
        char *x = sqlite3_mprintf("%0*d", n, 0);
        for (int i = 0; i < n; i++) x[i] = 'x';
        compare_where(sqlite3_mprintf("path GLOB '*%sj*' AND path GLOB '*%sjp*'", x, x));
        compare_where(sqlite3_mprintf("path GLOB '*%sj*'", x));
        compare_where(sqlite3_mprintf("path GLOB '*a%s*jpg' OR name LIKE '%sJ%%g'", x, x));
        compare_where(sqlite3_mprintf("name LIKE '%%%sP%%g' OR name GLOB '*%s'", x, x));
        sqlite3_free(x);
    }
}

/* Where like() is another one, each row is its own to look at. */
static void matches_all(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    (void)argv;
    sqlite3_result_int(context, 1);
}

TEST(test_another_like_sees_all_rows) {
    make_tables();
    ck_assert_int_eq(sqlite3_create_function(db, "like", 2, SQLITE_UTF8, NULL, matches_all, NULL, NULL), SQLITE_OK);
    sql_expect(db, "1\n", "SELECT count(*) = (SELECT count(*) FROM p) FROM t WHERE path LIKE '%%nowhere%%'");
    sql_expect(db, "1\n", "SELECT count(*) = (SELECT count(*) FROM p) FROM t WHERE name LIKE '%%nowhere%%'");
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
    (void)count;
    (void)arguments;
    sqlite3_result_int(context, 0);
}

/* Few rows may match, and then a walk finds them: at once where SQLite does not tell of the LIMIT, else when the search
 * is given up (test_sql_newest). */
TEST(test_a_pattern_that_may_be_rare_may_be_walked_for) {
    const char *way = sqlite3_libversion_number() >= 3046001 ? "best first" : "USE TEMP B-TREE";
    make_tables();
    EACH(each, "path LIKE '%mario%'", "path GLOB '*mario*'", "path LIKE 'a%b'", "path GLOB 'a*b'") {
        char *query = sqlite3_mprintf("SELECT path FROM t WHERE %s ORDER BY n DESC LIMIT 3", each);
        sql_plan_has(db, query, way);
        sqlite3_free(query);
    }
}

/* Nor is anything known of what another function says of a path. */
TEST(test_a_function_of_the_application_is_walked_for) {
    make_tables();
    sqlite3_create_function(db, "regexp", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, never, NULL, NULL);
    sql_plan_has(db, "SELECT path FROM t WHERE path REGEXP 'x' ORDER BY n DESC LIMIT 3", "USE TEMP B-TREE");
    sqlite3_create_function(db, "like", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, never, NULL, NULL);
    sql_plan_has(db, "SELECT path FROM t WHERE path LIKE ? ORDER BY n DESC LIMIT 3", "USE TEMP B-TREE");
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
    sql_run(db,
            "CREATE VIRTUAL TABLE f USING art(path, note, size INTEGER, other, summary=(search(path), search(note), "
            "sum(size)))");
    char statement[200];
    for (size_t i = 0; i < sizeof searched / sizeof *searched; i++) {
        sqlite3_snprintf(sizeof statement, statement, "SELECT * FROM f WHERE %s", searched[i].where);
        sql_plan_has(db, statement, searched[i].plan);
    }
    EACH(each, "path LIKE '%ab%'", "path GLOB '*[abc]*'", "path GLOB 'abc/def*'", "path LIKE '%ab_cd%'",
         "note GLOB '*ab?cd*'", "other LIKE '%abc%'", "note NOT LIKE '%abc%def%'", "note LIKE 12345") {
        sqlite3_snprintf(sizeof statement, statement, "SELECT * FROM f WHERE %s", each);
        sql_plan_lacks(db, statement, "search");
    }
    sql_run(db, "CREATE TABLE q(path PRIMARY KEY, word); ANALYZE");
    sql_plan_has(db, "SELECT f.path FROM q JOIN f ON f.path LIKE q.word", "path LIKE ? (search)");
    sql_plan_has(db, "SELECT f.path FROM f JOIN q ON q.path = f.path WHERE f.path LIKE '%abc%'", "LIKE ? (search)");
}

int main(void) {
    return suite_run("sql_patterns", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = tear_down);
}
