/* Hidden columns have names of this very domain. SQLite takes a column before an alias, and a subquery's column before
 * that of a table around it: a statement in which such a name stands for something else gives what an ordinary table
 * gives, or is refused. What means the hidden column goes on working. */
#include "tests/support/sql_one.h"

static sqlite3 *plain;

#define FOLDERS                                                                                                        \
    "CREATE TABLE folders(prefix TEXT, entries INTEGER, start_after TEXT);"                                            \
    "INSERT INTO folders VALUES('a/', 0, 'a/2'), ('b/', 0, ''), ('none/', 0, '')"
#define ROWS                                                                                                           \
    "INSERT INTO files VALUES('a/1', 10, 'ada'), ('a/2', 201, 'ada'), ('a/x/3', 30, 'bob'), ('b/1', 4, 'ada'), "       \
    "('b/2', 500, 'bob'), ('c', 6, 'eve')"

static void set_up(void) {
    sql_set_up_in_memory();
    plain = sql_open(":memory:");
    run("CREATE VIRTUAL TABLE files USING art(path, size INTEGER, owner TEXT);" ROWS ";" FOLDERS);
    sql_run(plain, "CREATE TABLE files(path TEXT PRIMARY KEY NOT NULL, size INTEGER, owner TEXT) WITHOUT ROWID;" ROWS
                   ";" FOLDERS);
}

static void tear_down(void) {
    sql_close(plain);
    sql_tear_down();
}

CASE("names", .seconds = 60, .set_up = set_up, .tear_down = tear_down)

enum when { ALIKE, REFUSED, AMBIGUOUS };

static const struct {
    enum when when; /* it is refused */
    const char *name, *statement;
} statements[] = {
    {REFUSED, "prefix", "SELECT substr(path, 1, 2) AS prefix, count(*) FROM files GROUP BY prefix"},
    {REFUSED, "prefix", "UPDATE folders SET entries = (SELECT count(*) FROM files WHERE path GLOB prefix || '*')"},
    {REFUSED, "prefix", "DELETE FROM folders WHERE NOT EXISTS (SELECT 1 FROM files WHERE path GLOB prefix || '*')"},
    {ALIKE, "version", "SELECT size % 2 AS version, count(*) FROM files GROUP BY version"},
    {AMBIGUOUS, "prefix", "SELECT path, prefix FROM files JOIN folders ON path GLOB prefix || '*'"},
    {REFUSED, "delimiter", "SELECT substr(path, 2, 1) AS delimiter, count(*) FROM files GROUP BY delimiter"},
    {REFUSED, "snapshot", "SELECT owner AS snapshot, max(size) FROM files GROUP BY snapshot"},
    {REFUSED, "entries", "SELECT owner, count(*) AS entries FROM files GROUP BY owner HAVING entries > 1"},
    {REFUSED, "files", "SELECT owner, count(*) AS files FROM files GROUP BY owner HAVING files > 1"},
    {REFUSED, "conflict", "SELECT size > 100 AS conflict, count(*) FROM files GROUP BY conflict"},
    {REFUSED, "start_after", "SELECT prefix, (SELECT min(path) FROM files WHERE path > start_after) FROM folders"},
    {REFUSED, "prefix", "DELETE FROM folders WHERE prefix IN (SELECT prefix FROM files WHERE size > 400)"},
    {REFUSED, "prefix", "SELECT nullif(owner, 'ada') AS prefix, path FROM files WHERE prefix IS NULL"},
    /* What to write. */
    {ALIKE, "", "SELECT substr(path, 1, 2) AS dir, count(*) FROM files GROUP BY dir"},
    {ALIKE, "", "SELECT substr(path, 1, 2) AS prefix, count(*) FROM files GROUP BY 1"},
    {ALIKE, "", "SELECT substr(path, 1, 2) AS prefix, path FROM files ORDER BY prefix DESC, path"},
    {ALIKE, "", "UPDATE folders SET entries = (SELECT count(*) FROM files WHERE path GLOB folders.prefix || '*')"},
    {ALIKE, "", "DELETE FROM folders AS x WHERE NOT EXISTS (SELECT 1 FROM files WHERE path GLOB x.prefix || '*')"},
    {ALIKE, "", "SELECT path, x.prefix FROM files JOIN folders AS x ON path GLOB x.prefix || '*'"},
    {ALIKE, "", "SELECT x.prefix, count(path) FROM folders x LEFT JOIN files ON path GLOB x.prefix || '*' GROUP BY 1"},
    {ALIKE, "", "SELECT path FROM files WHERE EXISTS (SELECT 1 FROM folders WHERE path GLOB prefix || '*')"},
    {ALIKE, "", "SELECT prefix, count(*) FROM (SELECT substr(path, 1, 2) AS prefix FROM files) GROUP BY prefix"},
    {ALIKE, "",
     "WITH f AS (SELECT path, owner AS entries FROM files) SELECT entries, max(path) FROM f GROUP BY entries"},
    {ALIKE, "", "UPDATE files SET size = folders.entries FROM folders WHERE path GLOB folders.prefix || '*'"},
};

static void are_alike(const char *query) {
    char *expected = sql_rows(plain, "%s", query);
    expect(kept(expected), query);
}

/* By another connection's ordinary table; where it is refused, nothing has changed. */
LOOP_TEST(test_a_name_means_what_it_means_beside_an_ordinary_table_or_is_refused, LENGTH(statements)) {
    const char *statement = statements[_i].statement, *name = statements[_i].name;
    bool ambiguous = statements[_i].when == AMBIGUOUS;
    if (statements[_i].when == ALIKE) {
        are_alike(statement);
    } else {
        const char *words =
            TEXT("art: %s is a hidden column of this table, and nothing gives it here (files.%s)", name, name);
        refuses(SQLITE_ERROR, ambiguous ? "ambiguous column name: prefix" : words, statement);
        if (ambiguous || !strncmp(statement, "SELECT", 6)) sql_run(plain, "%s", ambiguous ? "SELECT 1" : statement);
    }
    are_alike("SELECT * FROM files");
    are_alike("SELECT * FROM folders");
}

/* Nearly always at once; where SQLite shows no condition, by the scan, which it does not ask for if no row can meet
 * them. */
TEST(test_what_is_refused_is_refused_before_it_is_run) {
    sqlite3_stmt *prepared = NULL;
    EACH(statement, "SELECT prefix FROM files WHERE size > 3", "SELECT snapshot FROM files WHERE path = 'a/1'")
    ck_assert_int_eq(sqlite3_prepare_v2(db, statement, -1, &prepared, NULL), SQLITE_ERROR);
    EACH(condition, "path IN ()", "0", "prefix = 'a/' AND delimiter = '/' AND path IN ()")
    expect("", TEXT("SELECT path, prefix, delimiter, entries FROM files WHERE %s", condition));
}

/* --- what means it ------------------------------------------------------------------------------------------------ */

TEST(test_an_argument_that_is_given_is_read) {
    expect("a/|3\n", "SELECT prefix, count(*) FROM files('a/') GROUP BY prefix");
    expect("a/|3\nb/|2\n", "SELECT prefix, count(*) FROM files WHERE prefix IN ('a/', 'b/') GROUP BY prefix");
    expect("a/|3\nb/|2\n", "SELECT prefix, count(*) FROM files WHERE prefix = 'a/' OR prefix = 'b/' GROUP BY prefix");
    expect("a/x/|1|/\n", "SELECT path, entries, delimiter FROM files('a/', '/') WHERE entries IS NOT NULL");
    expect("a/|3\nb/|2\nnone/|0\n",
           "SELECT x.prefix, (SELECT count(*) FROM files WHERE prefix = x.prefix) FROM folders x");
    expect("3\n", "SELECT count(*) FROM folders JOIN files USING(prefix) WHERE prefix = 'a/'");
    expect("6\n", "SELECT count(*) FROM files WHERE snapshot IS NULL");
    expect("6|1\n", "SELECT count(*), max(row_version) FROM files");
    run("CREATE VIEW listed AS SELECT path, prefix, delimiter, entries, snapshot FROM files");
    expect("a/|3\nb/|2\n", "SELECT path, entries FROM listed WHERE prefix = '' AND delimiter = '/' AND entries");
    expect("6\n", "SELECT count(*) FROM listed");
    refuses(SQLITE_ERROR, "art: prefix is a hidden column of this table", "SELECT * FROM listed");
}

TEST(test_what_writes_reads_no_argument) {
    run("UPDATE files SET size = size + 1");
    run("UPDATE files SET size = 0 FROM folders WHERE path GLOB folders.prefix || '1'");
    run("UPDATE files SET path = 'd/' WHERE prefix = '' AND delimiter = '/' AND path = 'a/'");
    run("INSERT INTO files(path, size, conflict) VALUES('c', 8, 'update')");
    run("DELETE FROM files WHERE prefix = '' AND delimiter = '/' AND entries = 2 AND path = 'b/'");
    expect("c|8|eve\nd/1|0|ada\nd/2|202|ada\nd/x/3|31|bob\n", "SELECT * FROM files");
    expect("prefix\ndelimiter\nstart_after\nsnapshot\nfiles\nentries\nrow_version\nconflict\n",
           "SELECT name FROM pragma_table_xinfo('files') WHERE hidden");
}

/* SQLite sets all bits of what an UPDATE of a virtual table reads. Before 3.53 its FROM may read all columns, too. */
TEST(test_an_update_of_the_table_itself_reads_what_it_is_given) {
    bool tells = sqlite3_libversion_number() >= 3053000;
    EACH(update, "UPDATE files SET size = length(prefix)", "UPDATE files SET size = 0 WHERE path GLOB prefix || '*'",
         "UPDATE files SET owner = entries WHERE path = 'c'") {
        if (tells) refuses(SQLITE_ERROR, "is a hidden column of this table", update);
    }
    run("UPDATE files SET size = length(prefix) WHERE prefix = 'a/'");
    expect("2|2|2|4|500|6\n", "SELECT group_concat(size, '|') FROM files");
}

/* The clause of an OR shows no arm's condition. */
TEST(test_an_argument_in_an_arm_of_an_or_alone) {
    expect("c\na/x/\n", "SELECT path FROM files WHERE path MATCH 'c/z' AND delimiter = '/' OR path = 'a/x/' UNION ALL "
                        "SELECT path FROM files('a/', '/') WHERE entries");
    EACH(statement, "SELECT count(*) FROM files WHERE prefix = 'a/' OR size = 6",
         "SELECT count(*) FROM files WHERE snapshot = 'x' AND path = 'a' OR path = 'c'",
         "SELECT count(*) FROM files WHERE delimiter = '/' OR size > 400") {
        refuses(SQLITE_ERROR, "is a hidden column of this table, and nothing gives it here", statement);
    }
    expect("4\n",
           "SELECT count(*) FROM (SELECT path FROM files('a/') UNION ALL SELECT path FROM files WHERE size = 6)");
    expect("a/|2\n",
           "SELECT prefix, count(*) FROM files WHERE prefix = (SELECT 'a/') AND (path = 'a/1' OR path = 'a/2')");
}

/* SQLite 3.40 asks for such an arm by a plan without any condition. */
TEST(test_an_argument_beside_an_or_that_compares_columns_of_a_row) {
    run("INSERT INTO files VALUES('a/same', 1, 'a/same')");
    EACH(given, "prefix = 'a/'", "prefix = (SELECT 'a/')", "prefix = 'a/' AND snapshot IS NULL") {
        expect("a/1\na/same\n",
               TEXT("SELECT path FROM files WHERE %s AND (path = owner OR path = 'a/1') ORDER BY path", given));
        expect("4|a/\n",
               TEXT("SELECT count(*), min(prefix) FROM files WHERE %s AND (size = size OR owner = path)", given));
    }
    expect("4\n", "SELECT count(*) FROM files('a/') WHERE path = path || '' OR path LIKE 'c%'");
}

/* Where they have one delimiter SQLite shows it for the whole, but not the prefixes. */
TEST(test_an_or_of_listings) {
    EACH(delimiter, "/", "x") {
        const char *either =
            TEXT("(prefix = 'a/' AND delimiter = '/') OR (prefix = 'b/' AND delimiter = '%s')", delimiter);
        expect("a/1\na/2\na/x/\nb/1\nb/2\n", TEXT("SELECT path FROM files WHERE %s", either));
        expect("a/1\na/2\na/x/\nb/1\nb/2\n", TEXT("SELECT path FROM files WHERE %s ORDER BY path", either));
    }
}

/* The next statement gets its address. */
TEST(test_a_statement_that_was_refused_is_not_taken_for_the_next_one) {
    run("INSERT INTO files(files, snapshot) VALUES('snapshot', 's')");
    for (int i = 0; i < 3; i++) {
        EACH(clause, "WHERE f.snapshot = 's'", "AND f.snapshot = 's'") {
            refuses(SQLITE_ERROR, "art: snapshot is a hidden column of this table",
                    TEXT("SELECT f.path FROM folders x RIGHT JOIN files f ON f.path = x.prefix %s", clause));
            refuses(SQLITE_ERROR, "art: snapshot is a hidden column of this table", "SELECT path, snapshot FROM files");
        }
    }
}

TEST(test_a_use_of_the_table_without_an_argument_beside_one_that_has_it) {
    EACH(statement, "SELECT count(*) FROM files('a/') WHERE path IN (SELECT prefix FROM files)",
         "SELECT prefix FROM files('a/') UNION ALL SELECT prefix FROM files",
         "SELECT path, prefix FROM files('a/') UNION ALL SELECT path, prefix FROM files",
         "SELECT f.path FROM files f JOIN files('a/') g ON g.path = f.path AND f.prefix") {
        refuses(SQLITE_ERROR, "art: prefix is a hidden column of this table", statement);
    }
}

/* SQLite scans the table twice, and hands a condition of WHERE to the second scan alone. */
TEST(test_an_argument_in_the_where_of_a_right_join) {
    run("INSERT INTO files(files, snapshot) VALUES('snapshot', 's')");
    EACH(condition, "prefix = 'a/'", "snapshot = 's'", "prefix = 'a/' AND f.path = 'a/1'") {
        refuses(
            SQLITE_ERROR, "is a hidden column of this table, and nothing gives it here",
            TEXT("SELECT f.path FROM folders x RIGHT JOIN files f ON f.path = x.start_after WHERE f.%s", condition));
    }
    EACH(join, "RIGHT", "FULL") {
        const char *query =
            TEXT("SELECT x.prefix, f.path FROM folders x %s JOIN files('a/x/') f ON f.path = x.prefix || 'x/3'", join);
        if (sqlite3_libversion_number() >= 3053000)
            expect(*join == 'R' ? "a/|a/x/3\n" : "a/|a/x/3\nb/|\nnone/|\n", query);
        if (sqlite3_libversion_number() < 3041002 && *join == 'R')
            refuses(SQLITE_ERROR, "in parentheses (before SQLite 3.41.2 write a RIGHT JOIN as a LEFT JOIN)", query);
    }
}

/* A scan by ON that meets no row reads no argument: the rows of WHERE's scan, or none, would be the answer. */
TEST(test_a_listing_in_the_where_of_an_outer_join_that_meets_no_row) {
    EACH(join, "LEFT", "RIGHT", "FULL") {
        EACH(condition, "f.prefix = '' AND f.delimiter = '/'", "f.delimiter = '/'") {
            refuses(SQLITE_ERROR, "is a hidden column of this table, and nothing gives it here",
                    TEXT("SELECT x.prefix, f.path FROM folders x %s JOIN files f ON f.path = x.prefix WHERE %s", join,
                         condition));
        }
    }
    run("DELETE FROM files");
    refuses(SQLITE_ERROR, "art: delimiter is a hidden column of this table", "SELECT max(delimiter) FROM files");
    expect("", "SELECT path FROM files WHERE prefix = 'a/' AND delimiter = '/' OR path = 'c'");
}

/* A statement that is refused is gone. The next one has its address, and mostly reads the same columns. */
TEST(test_a_refused_statement_is_no_plan_of_the_next_one) {
    run("INSERT INTO files(files, snapshot) VALUES('snapshot', 's'); UPDATE files SET size = 7");
    EACH(join, "RIGHT", "FULL") {
        for (int times = 0; times < 4; times++) {
            EACH(condition, "WHERE f.snapshot = 's'", "AND f.snapshot = 's'") {
                refuses(
                    SQLITE_ERROR, "art: snapshot is a hidden column of this table",
                    TEXT("SELECT x.prefix, f.path, f.size FROM folders x %s JOIN files f ON f.path = x.start_after %s",
                         join, condition));
            }
        }
    }
}

/* SQLite tells of the 64th column and all behind it by one bit. */
TEST(test_hidden_columns_behind_many_others) {
    sqlite3_str *columns = sqlite3_str_new(NULL);
    for (int i = 1; i < 70; i++) sqlite3_str_appendf(columns, ", c%d", i);
    run("CREATE VIRTUAL TABLE wide USING art(path%s)", kept(sqlite3_str_finish(columns)));
    run("INSERT INTO wide(path, c1, c69) VALUES('a/1', 1, 1), ('a/2', 2, 2), ('b', 1, 3)");
    EACH(statement, "SELECT c1 AS prefix, count(*) FROM wide GROUP BY prefix", "SELECT conflict FROM wide",
         "SELECT prefix, (SELECT count(*) FROM wide WHERE path GLOB prefix || '*') FROM folders") {
        refuses(SQLITE_ERROR, "is a hidden column of this table", statement);
    }
    expect("1|4\n2|2\n", "SELECT c1, sum(c69) FROM wide GROUP BY c1");
    run("UPDATE wide SET c69 = c69 + 1; UPDATE wide SET c69 = 9 FROM folders WHERE c68 IS NULL AND path GLOB "
        "folders.prefix || '*'");
    expect("a/1|9|a/\na/2|9|a/\n", "SELECT path, c69, prefix FROM wide('a/')");
}

/* Their arguments are hidden columns as well. */
TEST(test_arguments_of_functions_that_are_tables) {
    run("INSERT INTO files(files, snapshot) VALUES('snapshot', 's')");
    run("DELETE FROM files WHERE path GLOB 'a/*'");
    EACH(statement, "SELECT substr(path, 1, 2) AS prefix, count(*) FROM art_diff('files', 's') GROUP BY prefix",
         "SELECT (SELECT count(*) FROM art_diff('files', 's') WHERE path GLOB prefix || '*') FROM folders") {
        refuses(SQLITE_ERROR, "art: an argument of art_diff is read, which has no value here (art_diff)", statement);
    }
    expect("3\n0\n0\n",
           "SELECT (SELECT count(*) FROM art_diff('files', 's') WHERE path GLOB x.prefix || '*') FROM folders x");
    expect("1\n", "SELECT count(*) FROM art_info WHERE \"table\" IN ('files') AND property = 'entries'");
    expect("3\n0\n0\n", "SELECT (SELECT count(*) FROM art_diff('files', 's', NULL, x.prefix)) FROM folders x");
}

SUITE("sql_hidden")
