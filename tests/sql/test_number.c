/* The spellings of a number: all are found, between any other paths. And numbers that are bound: as SQLite compares
 * them, wherever it puts them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static void set_up(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
    sql_run(db, "CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
                "CREATE TABLE numbers(id INTEGER PRIMARY KEY, n NUMERIC, f REAL)");
}

/* --- random numbers, in random spellings -------------------------------------------------------------------------- */

static const char *one_of(struct random *random, const char *const *texts, uint32_t count) {
    return texts[random_below(random, count)];
}
#define ONE_OF(random, ...)                                                                                            \
    one_of(random, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* So many significant digits, none more or less than a double has. */
static char *random_digits(struct random *random) {
    static const char *const special[] = {"1",
                                          "7",
                                          "1005",
                                          "999999999999999",
                                          "9999999999999999",
                                          "9007199254740993",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "1",
                                          "5",
                                          "125"};
    if (random_once_in(random, 3)) {
        return sqlite3_mprintf("%s", one_of(random, special, sizeof special / sizeof *special));
    }
    sqlite3_uint64 limit = 10;
    for (uint32_t n = random_below(random, 18); n; n--) limit *= 10;
    return sqlite3_mprintf("%llu", 1 + random_next(random) % limit);
}

/* digits * 10^exponent, with zeros, a point and an exponent anywhere, and now and then rounded in one way or
 * another. */
static char *random_spelling(struct random *random, const char *digits, int exponent, const char *sign) {
    sqlite3_str *all = sqlite3_str_new(NULL);
    uint32_t rounds = random_below(random, 8);
    sqlite3_str_appendall(all, ONE_OF(random, "", "", "0", "00000"));
    if (rounds == 0) {
        sqlite3_str_appendf(all, "%llu", strtoull(digits, NULL, 10) - 1);
        uint32_t nines = random_below(random, 24);
        sqlite3_str_appendf(all, "%.*s", (int)nines, "999999999999999999999999");
        exponent -= (int)nines;
    } else {
        uint32_t zeros = random_below(random, 2) * random_below(random, 24);
        sqlite3_str_appendf(all, "%s%.*s", digits, (int)zeros, "000000000000000000000000");
        if (zeros && rounds == 1) sqlite3_str_appendchar(all, 1, '1');
        exponent -= (int)zeros + (zeros && rounds == 1);
    }
    char *text = sqlite3_str_finish(all);
    int len = (int)strlen(text), point = random_once_in(random, 2) ? (int)random_below(random, (uint32_t)len + 1) : len;
    bool pointed = point < len || random_once_in(random, 8);
    exponent += len - point;
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendf(out, "%s%s%.*s%s%s", ONE_OF(random, "", "", "", " ", "\t\n"), sign, point, text,
                        pointed ? "." : "", text + point);
    if (exponent > 0 && exponent < 25 && !pointed && random_once_in(random, 2)) {
        sqlite3_str_appendf(out, "%.*s", exponent, "0000000000000000000000000");
    } else if (exponent || random_once_in(random, 4)) {
        sqlite3_str_appendf(out, "%s%s%s%d", ONE_OF(random, "e", "E"), exponent < 0 ? "-" : ONE_OF(random, "", "+"),
                            ONE_OF(random, "", "", "0", "000"), abs(exponent));
    }
    sqlite3_str_appendall(out, ONE_OF(random, "", "", "", " ", "\r\n", "x", "/x"));
    sqlite3_free(text);
    return sqlite3_str_finish(out);
}

static void add_path(const char *path) {
    sql_run(db, "INSERT OR IGNORE INTO b VALUES(%Q, 1)", path);
}

static void add_random_number(struct random *random) {
    char *digits = random_digits(random);
    bool small = !random_once_in(random, 4);
    int exponent = small ? (int)random_below(random, 8) - 5 : (int)random_below(random, 700) - 360;
    const char *sign = ONE_OF(random, "", "", "", "-");
    sql_run(db, "INSERT INTO numbers(n, f) VALUES(%s%se%d, %s%se%d)", sign, digits, exponent, sign, digits, exponent);
    for (int i = 0; i < 40; i++) {
        bool plus = !*sign && random_once_in(random, 6);
        char *spelling = random_spelling(random, digits, exponent, plus ? "+" : sign);
        add_path(spelling);
        sqlite3_free(spelling);
    }
    sqlite3_free(digits);
}

static void add_others(struct random *random) {
    static const char *const others[] = {"",
                                         "0",
                                         "-0",
                                         "+0",
                                         ".0",
                                         "0.",
                                         "0e5",
                                         "1e-400",
                                         "-5e-999",
                                         ".",
                                         "+",
                                         "-",
                                         "e5",
                                         "1e",
                                         "1e+",
                                         "1.e",
                                         "0x10",
                                         "inf",
                                         "nan",
                                         "Inf",
                                         "-Inf",
                                         "1e999",
                                         "-1e999",
                                         "1 2",
                                         " ",
                                         "9.99999999999999999999",
                                         "0.99999999999999999999",
                                         "!",
                                         "/",
                                         ":"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) add_path(others[i]);
    sql_run(db, "INSERT INTO numbers(n, f) VALUES(0, 0), (1, 1), (10, 10), (16, 16), (9e999, 9e999), (-9e999, -9e999),"
                " (1e30, 1e30), (1e29, 1e29), (1e-29, 1e-29), (1e-30, 1e-30), (9.99999999999999e29, 5e-324)");
    sql_run(db, "INSERT OR IGNORE INTO b VALUES(CAST(x'313200' AS TEXT), 1), (CAST(x'31320033' AS TEXT), 1)");
    for (int i = 0; i < 400; i++) {
        char *path = sqlite3_mprintf("%u%s", random_below(random, 20000), ONE_OF(random, "", "/x", ".5", " x"));
        add_path(path);
        sqlite3_free(path);
    }
}

/* SQLite takes a path that is equal to something for a constant, which has no order: an ordinary table has to sort. */
static void agree(const char *sql, const char *order) {
    char *answers[2];
    size_t same = 0;
    for (int i = 0; i < 2; i++) answers[i] = sql_rows(db, sql, i ? "b" : "t", i ? "+" : "", order);
    while (answers[0][same] && answers[0][same] == answers[1][same]) same++;
    size_t from = same < 200 ? 0 : same - 200;
    ck_assert_msg(!answers[0][same] && !answers[1][same], "%s (%s)\n  art:\n%.400s\n  ordinary:\n%.400s", sql, order,
                  answers[0] + from, answers[1] + from);
    for (int i = 0; i < 2; i++) sqlite3_free(answers[i]);
}

TEST(test_every_spelling_of_a_number_is_found) {
    struct random random = {random_seed()};
    printf("numbers: seed %llu\n", (unsigned long long)random.state);
    for (int round = 0; round < 4 * (int)random_scale(); round++) {
        sql_run(db, "BEGIN; DELETE FROM b; DELETE FROM t; DELETE FROM numbers");
        for (int i = 0; i < 30; i++) add_random_number(&random);
        add_others(&random);
        sql_run(db, "INSERT INTO t(path, value) SELECT path, value FROM b WHERE length(path) %% 2; COMMIT");
        sql_command(db, "main", "t", "flush");
        sql_run(db, "INSERT INTO t(path, value) SELECT path, value FROM b WHERE NOT length(path) %% 2");
        for (int i = 0; i < 2; i++) {
            const char *order = i ? "DESC" : "ASC";
            agree("SELECT id, path FROM numbers CROSS JOIN %s ON path = n ORDER BY id, %spath %s", order);
            agree("SELECT id, path FROM numbers CROSS JOIN %s ON path = f ORDER BY id, %spath %s", order);
            agree("SELECT id, path FROM numbers CROSS JOIN %s ON path = n AND path >= '+1' AND path < '15' "
                  "ORDER BY id, %spath %s",
                  order);
            agree("SELECT id, (SELECT path FROM %s WHERE path = n ORDER BY %spath %s LIMIT 1) FROM numbers", order);
        }
    }
}

/* --- numbers that are bound --------------------------------------------------------------------------------------- */

/* The rows, and SQLite's steps. */
static char *answer_bound(const char *sql, int64_t bound, int *steps) {
    sqlite3_stmt *statement = sql_prepare(db, "%s", sql);
    sqlite3_bind_int64(statement, 1, bound);
    char *answer = sql_answer(statement);
    if (sql_is_undecided(db)) strcpy(answer, "?");
    *steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(statement);
    return answer;
}

static void agree_bound(const char *sql, int64_t bound) {
    char *answers[2];
    for (int i = 0, steps; i < 2; i++) {
        char *text = sqlite3_mprintf(sql, i ? "b" : "t");
        answers[i] = answer_bound(text, bound, &steps);
        sqlite3_free(text);
    }
    bool undecided = !strcmp(answers[0], "?"); /* by order: test_sql_doubts.c */
    bool same = undecided || !strcmp(answers[0], answers[1]);
    ck_assert_msg(same, "%s (bound %d)\n  art:\n%s\n  ordinary:\n%s", sql, (int)bound, answers[0], answers[1]);
    for (int i = 0; i < 2; i++) sqlite3_free(answers[i]);
}

/* SQLite puts it there, and a number is below every text then. */
TEST(test_a_bound_number_in_the_place_of_a_column_is_no_text) {
    static const char *const operators[] = {"<", "<=", ">", ">=", "=", "IS"};
    static const char *const forms[] = {
        "SELECT path FROM %%s WHERE value = ?1 AND value %s path ORDER BY +path",
        "SELECT path FROM %%s WHERE path %s value AND ?1 IS value ORDER BY +path",
        "SELECT path FROM %%s WHERE value IN (?1) AND path %s value AND path > '/3' ORDER BY +path",
        "SELECT path FROM %%s JOIN o WHERE x = ?1 AND x %s path ORDER BY +path",
        "SELECT path FROM o, %%s WHERE n = ?1 AND path %s n ORDER BY +path",
        "SELECT path FROM (SELECT * FROM o) CROSS JOIN %%s ON x == ?1 AND x %s path ORDER BY +path",
        "SELECT (SELECT min(path) || count(*) || sum(length(path)) FROM %%s WHERE path %s x) FROM o WHERE x = ?1",
        "SELECT path FROM view_of_%%s WHERE x = ?1 AND path %s x ORDER BY +path",
        "SELECT path FROM view_of_%%s WHERE x = ?1 AND x %s path ORDER BY +path",
        "SELECT t.path FROM view_of_%%s AS t WHERE x = ?1 AND path %s x ORDER BY +path",
        "SELECT t.path FROM view_of_%%s AS t WHERE x = ?1 AND x %s path ORDER BY +path",
        "SELECT path FROM %%s WHERE path %s ?1 ORDER BY +path",
        "SELECT path FROM %%s WHERE path %s ?1 AND value = 7 ORDER BY +path",
    };
    sql_run(db,
            "CREATE TABLE o(x, n INTEGER); INSERT INTO o VALUES(7, 7), (12, 12), ('7', 3);"
            "INSERT INTO b VALUES('', 7), ('!', 7), ('/1', 7), ('/2', 12), ('/3', 7), ('/4', 7), ('12', 12), ('7', 7),"
            " ('07', 7), ('8', 7), ('700', 7), (':', 7), ('a', 7); INSERT INTO t(path, value) SELECT * FROM b;"
            "CREATE VIEW view_of_t AS SELECT * FROM o JOIN t; CREATE VIEW view_of_b AS SELECT * FROM o JOIN b");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (size_t j = 0; j < sizeof operators / sizeof *operators; j++) {
            char *sql = sqlite3_mprintf(forms[i], operators[j]);
            agree_bound(sql, 7);
            agree_bound(sql, 12);
            sqlite3_free(sql);
        }
    }
}

TEST(test_a_number_that_a_trigger_casts_is_none_that_is_bound) {
    static const char *const conditions[] = {"path = CAST(NEW.y AS INTEGER)", "path < CAST(NEW.y AS INTEGER)",
                                             "path >= CAST(NEW.y AS INTEGER)",
                                             "path = (SELECT y FROM o WHERE 0 UNION SELECT NEW.y)"};
    sql_run(db, "CREATE TABLE o(y INTEGER); INSERT INTO o VALUES(0); CREATE TABLE found(path);"
                "INSERT INTO b VALUES('07', 1), ('600', 1), ('10', 1), ('a', 1), ('!', 1);"
                "INSERT INTO t(path, value) SELECT path, value FROM b");
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        char *answers[2];
        bool undecided = false; /* by order: test_sql_doubts.c */
        for (int j = 0, steps; j < 2; j++) {
            sql_run(db,
                    "DELETE FROM found; CREATE TRIGGER looks AFTER UPDATE ON o BEGIN"
                    " INSERT INTO found SELECT path FROM %s WHERE %s; END",
                    j ? "b" : "t", conditions[i]);
            char *changed = answer_bound("UPDATE o SET y = ?", 7, &steps);
            undecided |= !strcmp(changed, "?");
            ck_assert(!undecided || strncmp(conditions[i], "path = ", 7) != 0);
            sqlite3_free(changed);
            answers[j] = sql_rows(db, "SELECT path FROM found ORDER BY 1");
            sql_run(db, "DROP TRIGGER looks");
        }
        bool same = undecided || !strcmp(answers[0], answers[1]);
        ck_assert_msg(same, "%s\n  art:\n%s\n  ordinary:\n%s", conditions[i], answers[0], answers[1]);
        for (int j = 0; j < 2; j++) sqlite3_free(answers[j]);
    }
}

int main(void) {
    int failed = suite_run("number", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down);
    return failed != 0;
}
