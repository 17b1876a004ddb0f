/* Keys: what the table calls them is what messages and plans call them, whatever the name; and keys whose bytes are no
 * text.
 */
#include <string.h>

#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

/* --- names -------------------------------------------------------------------------------------------------------- */

/* '@' stands for the key's name, '#' for another column's. */
static char *with_names(const char *text, const char *key, const char *other) {
    char *named = sql_named(text, key);
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *at = named; *at; at++) {
        if (*at == '#') {
            sqlite3_str_appendall(out, other);
        } else {
            sqlite3_str_appendchar(out, 1, *at);
        }
    }
    sqlite3_free(named);
    return sqlite3_str_finish(out);
}

static const struct {
    const char *key, *other;
} names[] = {{"key", "size"},
             {"k", "x"},
             {"\"the key\"", "\"a, b\""},
             {"\"what?\"", "\"?\""},
             {"\"a AND b\"", "\"AND c\""},
             {"\"x \"\"y\"\" ?\"", "\"\"\"\""},
             {"bound", "\"bound size\""},
             {"\"my limit\"", "offset"},
             {"x", "\"prefix \""},
             {"like", "glob"},
             {"\"path=?\"", "\"limit ?\""},
             {"bound", "\"1\""},
             {"entry", "\"all rows\""},
             {"\xc3\xa9", "b$"}};
enum { NAMES = sizeof names / sizeof *names };

static const struct {
    const char *condition, *words;
} plans[] = {
    {"@ = 'a/2'", ":@=?"},
    {"@ > 'a/' AND @ <= 'b/1'", ":@>? AND @<=?"},
    {"@ >= ?1", ":@>=?"},
    {"@ IN ('a/1', 'b/1')", ":@ IN (?)"},
    {"@ GLOB '*2'", ":@ GLOB ?"},
    {"@ LIKE 'A/%'", ":@ LIKE prefix ?"},
    {"@ LIKE ?1 || '%'", NULL},
    {"# > 2", " AND #>?"},
    {"@ > 'a' AND # >= ?2 AND # < 9", ":@>? AND bound #>=? AND #<?"},
    {"# IS ?2", " AND bound #=?"},
    {"prefix = 'a/' AND @ > 'a/1' AND # = 2", ":prefix=? AND @>? AND #=?"},
    {"prefix = 'a/' AND delimiter = '/' AND start_after = 'a/1'", ":prefix=? AND delimiter=? AND start_after=?"},
};

LOOP_TEST(test_a_plan_names_columns_as_the_table_does, NAMES) {
    const char *key = names[_i].key, *other = names[_i].other;
    char *create = with_names("CREATE VIRTUAL TABLE t USING art(@, #); CREATE TABLE b(@ TEXT PRIMARY KEY NOT NULL, #) "
                              "WITHOUT ROWID",
                              key, other);
    if (sql_standin()) return;
    sql_run(db, "%s", create);
    for (int i = 0; i < 2; i++) {
        sql_run(db, "INSERT INTO %s VALUES('a/1', 1), ('a/2', 2), ('a/3', 3), ('b/1', 'x'), ('A/4', 4)", i ? "b" : "t");
    }
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        char *condition = with_names(plans[i].condition, key, other);
        char *words = plans[i].words ? with_names(plans[i].words, key, other) : NULL;
        char *plan = sql_rows(db, "EXPLAIN QUERY PLAN SELECT * FROM t WHERE %s ORDER BY 1", condition);
        ck_assert_msg(!words || strstr(plan, words), "%s\n%s is not in: %s", condition, words, plan);
        bool plain = !strstr(condition, "prefix =");
        for (int k = 0; plain && k < 3; k++) {
            char *answers[2];
            for (int twin = 0; twin < 2; twin++) {
                sqlite3_stmt *statement =
                    sql_prepare(db, "SELECT * FROM %s WHERE %s ORDER BY 1", twin ? "b" : "t", condition);
                sqlite3_bind_text(statement, 1, k ? "a/2" : "a", -1, SQLITE_STATIC);
                sqlite3_bind_int(statement, 2, k);
                answers[twin] = sql_answer(statement);
                sqlite3_finalize(statement);
            }
            ck_assert_msg(!strcmp(answers[0], answers[1]), "%s\n art:\n%s\n ordinary:\n%s\n%s", condition, answers[0],
                          answers[1], plan);
            for (int twin = 0; twin < 2; twin++) sqlite3_free(answers[twin]);
        }
        sqlite3_free(condition);
        sqlite3_free(words);
        sqlite3_free(plan);
    }
    sqlite3_free(create);
}

TEST(test_a_message_names_the_key_as_the_table_does) {
    if (sql_standin()) return;
    sql_run(db, "CREATE VIRTUAL TABLE o USING art(key, size INTEGER NOT NULL); INSERT INTO o VALUES('a/b', 1)");
    sql_refused(db, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: o.key", "INSERT INTO o(size) VALUES(1)");
    sql_refused(db, SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: o.key", "INSERT INTO o VALUES('a/b', 1)");
    sql_refused(db, SQLITE_MISMATCH, "art: a key cannot be a BLOB (o.key): CAST it AS TEXT",
                "INSERT INTO o VALUES(x'61', 1)");
    sql_refused(db, SQLITE_TOOBIG, "art: the key is too long (o.key)",
                "INSERT INTO o VALUES(printf('%65535c', 'x'), 1)");
    sql_refused(db, SQLITE_ERROR, "art: a common prefix cannot be changed (o.key = 'a/')",
                "DELETE FROM o WHERE prefix = '' AND delimiter = '/'");
    sql_refused(db, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: o.size", "UPDATE o SET size = NULL");
}

/* --- the name that no table can have ------------------------------------------------------------------------------ */

TEST(test_a_table_called_sqlite_is_refused_in_words_of_our_own) {
    static const char *const says = "art: an art table cannot be called ";
    if (sql_standin()) return;
    sql_refused(db, SQLITE_ERROR, says, "CREATE VIRTUAL TABLE sqlite USING art");
    sql_refused(db, SQLITE_ERROR, says, "CREATE VIRTUAL TABLE temp.\"SQLite\" USING art(key)");
    sql_run(
        db,
        "CREATE VIRTUAL TABLE t USING art; INSERT INTO t(path) VALUES('a'); BEGIN; INSERT INTO t(path) VALUES('b')");
    sql_refused(db, SQLITE_ERROR, says, "ALTER TABLE t RENAME TO Sqlite");
    expect("2\n", "SELECT count(*) FROM t");
    sql_run(db, "ROLLBACK; CREATE VIRTUAL TABLE sqlites USING art; ALTER TABLE t RENAME TO sqlit");
    expect("1\n", "SELECT count(*) FROM sqlit");
    expect("0\n", "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite!_art%' ESCAPE '!'");
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

/* As README says: a CAST in both directions. */
TEST(test_keys_may_be_any_bytes) {
    if (sql_standin()) return;
    sql_run(db, "CREATE VIRTUAL TABLE k USING art(key, n);"
                "INSERT INTO k VALUES(CAST(x'00' AS TEXT), 0), (CAST(x'0001' AS TEXT), 1), (CAST(x'00ff' AS TEXT), 2),"
                " (CAST(x'61006200' AS TEXT), 3), (CAST(x'610062' AS TEXT), 4), (CAST(x'ff' AS TEXT), 5),"
                " (CAST(x'ff00' AS TEXT), 6), (CAST(x'ffff' AS TEXT), 7), ('', 8), ('a', 9)");
    for (int i = 0; i < 2; i++) {
        expect("|8\n00|0\n0001|1\n00FF|2\n61|9\n610062|4\n61006200|3\nFF|5\nFF00|6\nFFFF|7\n",
               "SELECT hex(CAST(key AS BLOB)), n FROM k");
        expect("4\n", "SELECT n FROM k WHERE key = CAST(x'610062' AS TEXT)");
        expect("0\n5\n", "SELECT n FROM k WHERE key IN (CAST(x'ff' AS TEXT), CAST(x'00' AS TEXT)) ORDER BY key");
        expect("6\n7\n", "SELECT n FROM k WHERE key > CAST(x'ff' AS TEXT)");
        expect("9\n4\n", "SELECT n FROM k WHERE key BETWEEN CAST(x'61' AS TEXT) AND CAST(x'610062' AS TEXT)");
        expect("", "SELECT n FROM k WHERE key = x'ff'"); /* a BLOB is no text, as in an ordinary table */
        expect("10\n", "SELECT count(*) FROM k WHERE key < x'ff'");
        expect("0\n1\n2\n", "SELECT n FROM k(x'00')");
        expect("5\n6\n7\n", "SELECT n FROM k(x'ff')");
        expect("4\n3\n", "SELECT n FROM k(x'6100')");
        expect("|\n00|3\n61|\n6100|2\nFF|\nFF00|1\nFFFF|\n",
               "SELECT hex(CAST(key AS BLOB)), entries FROM k('', x'00')");
        expect("FF\nFF00\nFFFF\n", "SELECT hex(CAST(key AS BLOB)) FROM k('', '', x'6100ff')");
        expect("61\n6100\nFF\nFF00\nFFFF\n", "SELECT hex(CAST(key AS BLOB)) FROM k('', x'00', x'00')");
        expect(
            "3|3|61006200\n",
            "SELECT art_count('k', x'ff'), art_count('k', x'61'), hex(CAST(art_longest_prefix('k', x'6100620001') AS "
            "BLOB))");
        expect("|FFFF\n", "SELECT hex(CAST(min(key) AS BLOB)), hex(CAST(max(key) AS BLOB)) FROM k");
        expect("9\n", "SELECT n FROM k WHERE key = CAST(CAST('a' AS BLOB) AS TEXT)");
        expect("3\n6\n",
               "SELECT a.n FROM k a JOIN k b ON a.key = CAST(CAST(b.key AS BLOB) AS TEXT) WHERE b.n IN (3, 6)");
        sql_command(db, "main", "k", "flush");
    }
    sql_run(db, "UPDATE k SET key = CAST(x'fe' || CAST(key AS BLOB) AS TEXT) WHERE prefix = x'ff'");
    expect("FEFF\nFEFF00\nFEFFFF\n", "SELECT hex(CAST(key AS BLOB)) FROM k(x'fe')");
    sql_run(db, "DELETE FROM k WHERE key = CAST(x'610062' AS TEXT)");
    expect("3\n", "SELECT n FROM k(x'6100')");
    /* What SQLite does with a NUL in any text: GLOB, LIKE, length() end there, and a number or literal is what it
     * shows. */
    expect("9\n3\n", "SELECT n FROM k WHERE key GLOB 'a*'");
    expect("1|4\n", "SELECT length(key), length(CAST(key AS BLOB)) FROM k WHERE n = 3");
}

int main(void) {
    return suite_run("keys", .set_up = sql_set_up_in_memory, .tear_down = sql_tear_down);
}
