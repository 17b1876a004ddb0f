/* Numbers beside the key. Conditions of which SQLite does not tell how they compare it: what agrees with an ordinary
 * table, and what is refused, with words that help. The spellings of a number: all are found, between any other paths.
 * And numbers that are bound: as SQLite compares them, wherever it puts them. */
#include "tests/support/sql_one.h"

static void set_up(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
    run("CREATE TABLE b(path TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE o(id INTEGER, any, name TEXT); INSERT INTO o VALUES(7, 7, '7'), (12, 12.5, 'a')");
}

static void fill(const char *keys) {
    run("DELETE FROM t; DELETE FROM b; INSERT INTO b SELECT value, 1 FROM json_each('%s')", keys);
    run("INSERT INTO t(path, value) SELECT * FROM b");
}

/* What is bound to ?1. */
enum binding { NOTHING, INTEGER, REAL, TEXT, BLOB, TWELVE };
TEXTS(of_bindings, "NULL", "7", "12.5", "'7'", "x'37'", "12");

/* "?": it was refused. */
static char *ask(const char *format, const char *table, enum binding binding) {
    sqlite3_stmt *statement = bound(TEXT(format, table), of_bindings[binding]);
    char *answer = kept(sql_answer(statement));
    if (sql_is_undecided(db)) answer = "?";
    sqlite3_finalize(statement);
    return answer;
}

static void agrees(const char *format, enum binding binding, bool refused) {
    char *art = ask(format, "t", binding), *plain = ask(format, "b", binding);
    const char *wanted = refused ? "?" : plain;
    ck_assert_msg(!strcmp(art, wanted), "%s (binding %d)\n  art:\n%s\n  wanted:\n%s", format, binding, art, wanted);
}

static void agrees_if_answered(const char *format, enum binding binding) {
    agrees(format, binding, !strcmp(ask(format, "t", binding), "?"));
}

static const char *const all_keys = "[\"\", \"!\", \"/1\", \"07\", \"10\", \"12.5\", \"7\", \"7.0\", \"8\", \"700\", "
                                    "\" 7\", \":\", \"a\", \"b/c\", \"Inf\"]";

/* --- equality ----------------------------------------------------------------------------------------------------- */

/* By text, by number or not at all: SQLite has the last word on each key that may be meant. */
TEST(test_what_is_equal_to_a_number_is_what_an_ordinary_table_finds) {
    fill(all_keys);
    EACH(query, "SELECT path FROM %s WHERE path = ?1 ORDER BY path",
         "SELECT path FROM %s WHERE path = ?1 ORDER BY +path DESC LIMIT 1",
         "SELECT path FROM %s WHERE path = CAST(?1 AS INTEGER) ORDER BY path",
         "SELECT path FROM %s WHERE path IS CAST(?1 AS REAL) ORDER BY +path DESC", "SELECT path FROM %s WHERE path = 7",
         "SELECT count(*) FROM %s WHERE path = -(-7)", "SELECT path FROM %s WHERE path = 9e999", /* whose text is Inf */
         "SELECT path FROM %s WHERE path = CAST('7' AS INTEGER) ORDER BY path",
         "SELECT path FROM o CROSS JOIN %s ON path = id ORDER BY path",
         "SELECT path FROM o CROSS JOIN %s ON path = any ORDER BY path",
         "SELECT path FROM o CROSS JOIN %s ON id = ?1 AND path = id ORDER BY path",
         "SELECT path FROM o CROSS JOIN %s ON any = ?1 AND path = any ORDER BY path",
         "SELECT path FROM %s WHERE value = ?1 OR path = ?1 ORDER BY path",
         "SELECT path FROM %s WHERE path = ?1 AND path > '0' ORDER BY path") {
        for (int binding = NOTHING; binding <= BLOB; binding++) agrees(query, (enum binding)binding, false);
    }
    static const char by_union[] =
        "SELECT path FROM %s WHERE path = (SELECT ?1 UNION SELECT id FROM o WHERE 0) ORDER BY path";
    agrees(by_union, INTEGER, false); /* a text that has a numeric affinity all the same is taken for one without */
    agrees(by_union, REAL, false);
}

static void expect_same_rows(void) {
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM b)"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM b EXCEPT SELECT * FROM t)"), 0);
}

/* SQLite was promised a single row, but where the number is a literal. */
TEST(test_a_write_finds_the_one_key_of_a_number_and_is_refused_where_there_are_several) {
    EACH(write, "UPDATE %s SET value = 2 WHERE path = ?1", "DELETE FROM %s WHERE path = ?1",
         "UPDATE %s SET value = 3 WHERE path = CAST(?1 AS INTEGER)",
         "DELETE FROM %s WHERE path = (SELECT max(id) FROM o WHERE id < 12)") {
        fill("[\"7\", \"70\", \"a\", \"/7\", \"8\"]");
        agrees(write, INTEGER, false);
        expect_same_rows();
        fill("[\"07\", \"70\", \"a\", \"7/x\", \"8\"]");
        agrees(write, INTEGER, false);
        expect_same_rows();
        fill(all_keys);
        agrees(write, INTEGER, true);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value = 1"), 15);
    }
    EACH(each, "UPDATE %s SET value = 2 WHERE path = 7", "UPDATE %s SET value = 2 WHERE path = CAST('7' AS INTEGER)",
         "DELETE FROM %s WHERE path = 12.5", "DELETE FROM %s WHERE path = 7") {
        fill(all_keys);
        agrees(each, NOTHING, false);
        expect_same_rows();
    }
}

/* --- order -------------------------------------------------------------------------------------------------------- */

TEST(test_a_number_by_order_is_refused_whatever_the_keys_are) {
    EACH(query, "SELECT path FROM %s WHERE path > ?1", "SELECT path FROM %s WHERE path BETWEEN ?1 AND 'b'",
         "SELECT path FROM %s WHERE ?1 <= path", "SELECT path FROM %s WHERE path <= CAST(?1 AS REAL)",
         "SELECT path FROM %s WHERE path > abs(?1)", "SELECT path FROM %s WHERE path < 5 + 2",
         "SELECT path FROM %s WHERE (path, value) > (?1, 0)", "SELECT path FROM o CROSS JOIN %s ON path > id",
         "SELECT count(*) FROM o CROSS JOIN %s ON path <= any ORDER BY path DESC",
         "SELECT path FROM %s WHERE path < (SELECT max(id) FROM o)",
         "SELECT path FROM o CROSS JOIN %s ON path >= id AND path IN ('7', 'x')",
         "SELECT path FROM o CROSS JOIN %s ON path < id AND path GLOB '/*'",
         "SELECT id, (SELECT path FROM %s WHERE path < id LIMIT 1) FROM o",
         "SELECT path FROM o CROSS JOIN %s ON any = ?1 AND path > any",
         "SELECT path FROM %s WHERE path = 'a' OR path > CAST(?1 AS INTEGER)",
         "DELETE FROM %s WHERE path < (SELECT max(id) FROM o)", "UPDATE %s SET value = 2 WHERE path >= ?1") {
        EACH(key, "[\"b\", \"c/d\"]", "[\"1\", \"7\"]") {
            fill(key);
            agrees(query, INTEGER, true);
            ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value = 1"), 2);
        }
    }
    refuses(SQLITE_ERROR,
            "art: SQLite does not tell whether t.path is compared with 7 as a text or as a number: write CAST(... AS "
            "TEXT) around the number, or CAST(path AS NUMERIC)",
            "SELECT path FROM t WHERE path > (SELECT min(id) FROM o)");
}

/* Literals are SQLite's to compare, as is what is no number. */
TEST(test_what_is_no_number_or_a_literal_is_compared_as_in_an_ordinary_table) {
    fill(all_keys);
    EACH(query, "SELECT path FROM %s WHERE path > 7 ORDER BY path",
         "SELECT path FROM %s WHERE path <= 12.5 AND path > -3 ORDER BY path DESC LIMIT 3",
         "SELECT path FROM %s WHERE path < CAST('12' AS INTEGER) ORDER BY path",
         "SELECT count(*) FROM %s WHERE path BETWEEN 7 AND 'b'",
         "SELECT path FROM %s WHERE path >= CAST(?1 AS TEXT) ORDER BY path LIMIT 3",
         "SELECT path FROM %s WHERE path > 'a' AND path < ?1 || 'x' ORDER BY path",
         "SELECT path FROM o CROSS JOIN %s ON path > name ORDER BY 1",
         "SELECT path FROM o CROSS JOIN %s ON path > CAST(id AS TEXT) ORDER BY 1",
         "SELECT path FROM o CROSS JOIN %s ON CAST(path AS NUMERIC) > id ORDER BY 1",
         "SELECT path FROM o CROSS JOIN %s ON path >= CAST(any AS TEXT) AND path < CAST(any AS TEXT) || 'x' ORDER BY "
         "1") {
        for (int binding = NOTHING; binding <= BLOB; binding++) agrees(query, (enum binding)binding, false);
    }
    static const enum binding others[] = {NOTHING, TEXT, BLOB};
    for (int i = 0; i < 3; i++) {
        agrees("SELECT path FROM %s WHERE path > ?1 ORDER BY path", others[i], false);
        agrees("SELECT path FROM %s WHERE path <= ?1 ORDER BY path DESC", others[i], false);
    }
}

/* A trigger's statement is refused, and with it the one that has set it off. */
TEST(test_a_trigger_that_asks_so_is_refused) {
    fill("[\"10\", \"5\", \"a\"]");
    run("CREATE TABLE c(n, x INTEGER); INSERT INTO c VALUES(0, 7), (0, 8); CREATE TABLE found(p);"
        "CREATE TRIGGER tu AFTER UPDATE ON c BEGIN INSERT INTO found SELECT path FROM t WHERE path > new.x; END");
    ck_assert_int_eq(sql_try(db, "UPDATE c SET n = n + 1"), SQLITE_ERROR);
    ck_assert(sql_is_undecided(db));
    expect("0|0\n", "SELECT max(n), (SELECT count(*) FROM found) FROM c");
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

/* SQLite does not look at the keys again: a row of a range costs as many of its steps as one of a listing. */
TEST(test_one_prefix_has_one_price) {
    fill_rows("INTO t(path, value)", 1, 1000, "printf('f/%%05d', i), i");
    int listed = steps_of("SELECT path, value FROM t(?1)", "'f', 'g'");
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path >= ?1 AND path < ?2", "'f', 'g'"), listed + 10);
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path BETWEEN ?1 AND ?2", "'f', 'g'"), listed + 10);
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path > ?1", "'f', 'g'"), listed + 10);
    ck_assert_int_lt(steps_of("SELECT path, value FROM t WHERE path GLOB ?1 || '*'", "'f', 'g'"), listed + 20);
}

/* --- at random ---------------------------------------------------------------------------------------------------- */

/* What SQLite gives out is UTF-8, and a binding may fail where it is not. */
TEST(test_a_message_that_quotes_any_bytes_is_utf8) {
    run("INSERT INTO t(path, value) VALUES(CAST(x'61ff80c3' AS TEXT), 1)");
    refuses(SQLITE_ERROR,
            "art: 'a?"
            "?"
            "?' and 'a?"
            "?"
            "?b' lie in each other (t)",
            "UPDATE t SET path = path || 'b' WHERE prefix = 'a' AND delimiter = x'c3'");
}

static void set_up_spellings(void) {
    sql_set_up_in_memory();
    sql_create(db, "t", "");
    run("CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;"
        "CREATE TABLE numbers(id INTEGER PRIMARY KEY, n NUMERIC, f REAL)");
}

CASE("spellings", .seconds = 300, .set_up = set_up_spellings, .tear_down = sql_tear_down)

/* --- random numbers, in random spellings -------------------------------------------------------------------------- */

static const char *one_of(struct random *random, const char *const *texts, uint32_t count) {
    return texts[random_below(random, count)];
}
#define ONE_OF(random, ...)                                                                                            \
    one_of(random, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* So many significant digits, none more or less than a double has. */
static char *random_digits(struct random *random) {
    TEXTS(special, "1", "7", "1005", "999999999999999", "9999999999999999", "9007199254740993", "9223372036854775807",
          "9223372036854775808", "1", "5", "125");
    if (random_once_in(random, 3)) {
        return sqlite3_mprintf("%s", one_of(random, special, LENGTH(special)));
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
    char *text = kept(sqlite3_str_finish(all));
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
    return sqlite3_str_finish(out);
}

static void add_path(const char *path) {
    run("INSERT OR IGNORE INTO b VALUES(%Q, 1)", path);
}

static void add_random_number(struct random *random) {
    char *digits = kept(random_digits(random));
    bool small = !random_once_in(random, 4);
    int exponent = small ? (int)random_below(random, 8) - 5 : (int)random_below(random, 700) - 360;
    const char *sign = ONE_OF(random, "", "", "", "-");
    run("INSERT INTO numbers(n, f) VALUES(%s%se%d, %s%se%d)", sign, digits, exponent, sign, digits, exponent);
    for (int i = 0; i < 40; i++) {
        bool plus = !*sign && random_once_in(random, 6);
        add_path(kept(random_spelling(random, digits, exponent, plus ? "+" : sign)));
    }
}

static void add_others(struct random *random) {
    EACH(other, "", "0", "-0", "+0", ".0", "0.", "0e5", "1e-400", "-5e-999", ".", "+", "-", "e5", "1e", "1e+", "1.e",
         "0x10", "inf", "nan", "Inf", "-Inf", "1e999", "-1e999", "1 2", " ", "9.99999999999999999999",
         "0.99999999999999999999", "!", "/", ":") {
        add_path(other);
    }
    run("INSERT INTO numbers(n, f) VALUES(0, 0), (1, 1), (10, 10), (16, 16), (9e999, 9e999), (-9e999, -9e999), (1e30, "
        "1e30), (1e29, 1e29), (1e-29, 1e-29), (1e-30, 1e-30), (9.99999999999999e29, 5e-324)");
    run("INSERT OR IGNORE INTO b VALUES(CAST(x'313200' AS TEXT), 1), (CAST(x'31320033' AS TEXT), 1)");
    for (int i = 0; i < 400; i++) {
        char *path = TEXT("%u%s", random_below(random, 20000), ONE_OF(random, "", "/x", ".5", " x"));
        add_path(path);
    }
}

/* SQLite takes a path that is equal to something for a constant, which has no order: an ordinary table has to sort. */
static void agree(const char *sql, const char *order) {
    sql_alike(sql_prepare(db, sql, "t", "", order), sql_prepare(db, sql, "b", "+", order));
}

TEST(test_every_spelling_of_a_number_is_found) {
    struct random random = random_announced("numbers");
    for (int round = 0; round < 4 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        run("BEGIN; DELETE FROM b; DELETE FROM t; DELETE FROM numbers");
        for (int i = 0; i < 30; i++) add_random_number(&random);
        add_others(&random);
        run("INSERT INTO t(path, value) SELECT path, value FROM b WHERE length(path) %% 2; COMMIT");
        command("flush");
        run("INSERT INTO t(path, value) SELECT path, value FROM b WHERE NOT length(path) %% 2");
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

/* SQLite puts it there, and a number is below every text then. */
TEST(test_a_bound_number_in_the_place_of_a_column_is_no_text) {
    run("CREATE TABLE o(x, n INTEGER); INSERT INTO o VALUES(7, 7), (12, 12), ('7', 3);"
        "INSERT INTO b VALUES('', 7), ('!', 7), ('/1', 7), ('/2', 12), ('/3', 7), ('/4', 7), ('12', 12), ('7', 7), "
        "('07', 7), ('8', 7), ('700', 7), (':', 7), ('a', 7); INSERT INTO t(path, value) SELECT * FROM b;"
        "CREATE VIEW view_of_t AS SELECT * FROM o JOIN t; CREATE VIEW view_of_b AS SELECT * FROM o JOIN b");
    EACH(form, "SELECT path FROM %%s WHERE value = ?1 AND value %s path ORDER BY +path",
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
         "SELECT path FROM %%s WHERE path %s ?1 AND value = 7 ORDER BY +path") {
        EACH(operator, "<", "<=", ">", ">=", "=", "IS") {
            char *sql = TEXT(form, operator);
            agrees_if_answered(sql, INTEGER);
            agrees_if_answered(sql, TWELVE);
        }
    }
}

TEST(test_a_number_that_a_trigger_casts_is_none_that_is_bound) {
    run("CREATE TABLE o(y INTEGER); INSERT INTO o VALUES(0); CREATE TABLE found(path);"
        "INSERT INTO b VALUES('07', 1), ('600', 1), ('10', 1), ('a', 1), ('!', 1);"
        "INSERT INTO t(path, value) SELECT path, value FROM b");
    EACH(condition, "path = CAST(NEW.y AS INTEGER)", "path < CAST(NEW.y AS INTEGER)", "path >= CAST(NEW.y AS INTEGER)",
         "path = (SELECT y FROM o WHERE 0 UNION SELECT NEW.y)") {
        char *answers[2];
        bool undecided = false;
        for (int j = 0; j < 2; j++) {
            run("DELETE FROM found; CREATE TRIGGER looks AFTER UPDATE ON o BEGIN"
                " INSERT INTO found SELECT path FROM %s WHERE %s; END",
                j ? "b" : "t", condition);
            undecided |= !strcmp(ask("UPDATE o SET y = ?", "", INTEGER), "?");
            ck_assert(!undecided || strncmp(condition, "path = ", 7) != 0);
            answers[j] = kept(sql_rows(db, "SELECT path FROM found ORDER BY 1"));
            run("DROP TRIGGER looks");
        }
        bool same = undecided || !strcmp(answers[0], answers[1]);
        ck_assert_msg(same, "%s\n  art:\n%s\n  ordinary:\n%s", condition, answers[0], answers[1]);
    }
}

SUITE("doubts", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
