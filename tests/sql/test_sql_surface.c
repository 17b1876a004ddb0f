/* What users of art may write and read, printed by the library and by the sources of its packages, and compared with
 * the kept list tests/sql/surface.txt: nothing is added, renamed or taken away unnoticed (sql/promised.md). Where a
 * change is meant, this writes the list anew, with SQLite 3.53 or later:
 *
 *     ART_TEST_SURFACE=tests/sql/surface.txt ART_EXTENSION=build/release/art.so build/release/tests/test_sql_surface
 *
 * The codes of errors are kept in sql/messages.md (test_sql_errors).
 */
#include "ext/query/plan.h"
#include "tests/support/sql_one.h"

static sqlite3_str *list;

static void add_rows(const char *query) {
    char *rows = kept(sql_rows(db, "%s", query));
    sqlite3_str_appendall(list, rows);
}

/* What follows `behind` in the error, up to a parenthesis: a line each, behind `word`. */
static void add_told(const char *statement, const char *behind, const char *word) {
    ck_assert(sql_try(db, "%s", statement));
    char *told = TEXT("%s", sqlite3_errmsg(db)), *parts = strstr(told, behind), *where = strstr(told, " (x");
    ck_assert_msg(parts != NULL, "%s", told);
    if (where > parts) *where = 0;
    for (char *part = strtok(parts + strlen(behind), ","); part; part = strtok(NULL, ","))
        sqlite3_str_appendf(list, "%s %s\n", word, part + strspn(part, " "));
}

static void add_functions(void) {
    add_rows("SELECT 'function ' || name || '/' || narg || iif(flags & 0x80000, ', not in views', '') || "
             "iif(flags & 0x200000, ', innocuous', '') FROM pragma_function_list WHERE name GLOB 'art*' "
             "ORDER BY name, narg");
    add_rows("SELECT 'module ' || name FROM pragma_module_list WHERE name GLOB 'art*' ORDER BY name");
    add_rows("SELECT 'collation ' || name FROM pragma_collation_list WHERE name GLOB 'art*' ORDER BY name");
    add_rows("SELECT DISTINCT 'column ' || m.name || '.' || c.name || iif(c.type > '', ' ' || c.type, '') || "
             "iif(c.hidden, ', hidden', '') FROM pragma_module_list AS m JOIN pragma_table_xinfo(m.name) AS c WHERE "
             "m.name GLOB 'art_*' ORDER BY m.name, c.cid");
}

static void add_columns(void) {
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, note TEXT, summary=(sum(size), max(note), lookup(note), "
        "search(path), search(note), hash(*), hash(values)));"
        "CREATE VIRTUAL TABLE u USING art; CREATE VIRTUAL TABLE x USING art; CREATE VIRTUAL TABLE aside USING "
        "art(path, prefix, delimiter, "
        "start_after, snapshot, entries, row_version, conflict, hash, hash_values, summary=(hash(*)));"
        "CREATE VIRTUAL TABLE k USING art(a, b INTEGER, c, key=(a, b DESC), storage=inline);"
        "CREATE VIRTUAL TABLE temp.saved USING art_salvage('k')");
    add_rows(
        "SELECT 'column of a table ' || t.name || ': ' || iif(c.name = t.name, '(as the table)', c.name) || iif(c.type "
        "> '', ' ' || c.type, '') || iif(c.hidden, ', hidden', '') FROM (SELECT 'u' AS name UNION ALL SELECT 't' UNION "
        "ALL SELECT 'k' UNION ALL SELECT 'aside' UNION ALL SELECT 'saved') AS t JOIN pragma_table_xinfo(t.name) AS c");
    add_rows(
        "SELECT 'shadow table ' || name FROM sqlite_schema WHERE name GLOB 'k_*' AND type = 'table' ORDER BY name");
}

static void add_words(void) {
    add_told("INSERT INTO x(x) VALUES('none')", "known are ", "command");
    add_told("CREATE VIRTUAL TABLE y USING art(none=1)", "known are ", "option");
    EACH(option, "cache", "log_limit", "spill_limit", "storage")
    add_told(TEXT("CREATE VIRTUAL TABLE y USING art(%s=none)", option), ": give ", TEXT("option %s=", option));
    add_told("INSERT INTO x(x) VALUES('summary=(none(path))')", "a summary is ", "summary");
    add_told("CREATE VIRTUAL TABLE temp.x USING art_salvage", "art_salvage needs ", "art_salvage of");
    add_told("CREATE VIRTUAL TABLE temp.y USING art_salvage('x', a)", "give its name alone, ",
             "art_salvage of a name,");
    add_told("INSERT INTO x(path, conflict) VALUES('x', 'none')", "hidden column ", "column");
    add_told("SELECT art_backup('x.db', 'main', 'none')", ": give ", "art_backup with");
}

/* In every state that shows one more. */
static void add_properties(void) {
    sqlite3 *other = sql_open(path);
    run("INSERT INTO u VALUES('a', 1); INSERT INTO u(u) VALUES('flush')");
    char *file = kept(sql_find_file(directory, ".art")), *aside = TEXT("%s.aside", file);
    ck_assert(!rename(file, aside));
    run("DROP TABLE u");
    ck_assert(!rename(aside, file)); /* an orphan */
    fclose(fopen(TEXT("%s-t-01234567.art", path), "w"));
    run("SELECT count(*) FROM t"); /* what has the table open goes on with its options */
    sql_run(other, "INSERT INTO t(t) VALUES('cache=9MB'), ('log_limit=8MB'), ('spill_limit=7MB')");
    run("BEGIN; INSERT INTO t(t) VALUES('flush'), ('optimize'), ('vacuum'), ('clean')");
    sql_snapshot(db, "s");
    add_rows("SELECT DISTINCT 'property ' || property || ' ' || typeof(value) || iif(property = 'at commit', ': ' || "
             "value, '') FROM art_info('t') ORDER BY 1");
    run("ROLLBACK");
    sql_close(other);
}

/* A page of a blob is damaged, in a copy of the file since pages in memory are not read again; then commits are to
 * merge what it has. */
static void add_damage(void) {
    enum { SLOT = 512 * 1024, PAGE = 10 * 4096 };
    run("CREATE VIRTUAL TABLE d USING art(path, value, log_limit='16KB');"
        "INSERT INTO d WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
        "SELECT printf('old/%%05d', i), printf('value %%064d', i) FROM n; INSERT INTO d(d) VALUES('flush')");
    char *file = TEXT("%s/%s", directory, kept(sql_rows(db, "SELECT v FROM d_artstate WHERE k = 'file'")));
    file[strlen(file) - 1] = 0; /* the line's end */
    sql_close(db);
    ck_assert_int_eq(sql_shell("cp %s d && printf damage | dd of=d bs=1 seek=%d conv=notrunc status=none && mv d %s",
                               file, SLOT + PAGE, file),
                     0);
    db = sql_open(path);
    for (int i = 0; i < 300; i++) run("INSERT INTO d VALUES('old/1/%d', randomblob(1000))", i);
    add_rows("SELECT 'property ' || property || ' ' || typeof(value) FROM art_info('d') WHERE property = 'damage'");
    run("DROP TABLE d");
}

static void add_answers(void) {
    run("INSERT INTO t VALUES('b', 1, 'x'), ('c', 2, 'y')");
    sql_snapshot(db, "s");
    run("UPDATE t SET size = 3 WHERE path = 'b'; DELETE FROM t WHERE path = 'c'; INSERT INTO t(path) VALUES('d')");
    add_rows("SELECT 'answer of art_diff: ' || change FROM art_diff('t', 's') UNION ALL SELECT 'answer of art_check: ' "
             "|| art_check('t') UNION ALL SELECT 'answer of art_verify: ' || substr(art_verify(), 1, 3)");
    add_rows("SELECT 'art_growth with ' || quote('all') FROM art_growth('t', NULL, 's', NULL, '', '/', 'all') LIMIT 1");
    add_rows(
        TEXT("SELECT 'answer of art_backup: ' || step FROM art_backup('%s/copy.db') WHERE step = 'pages'", directory));
    sql_snapshot_drop(db, "s");
    add_rows("SELECT 'answer of art_vacuum: ' || art_vacuum('t')");
}

/* Before this version SQLite looks at <> and IS NOT NULL itself. */
#define STRICT_PLAN "plan from 3.53 on of"

static bool has_strict_plans(void) {
    return sqlite3_libversion_number() >= 3053000;
}

static void add_plan(const char *word, const char *query) {
    sqlite3_stmt *statement = sql_prepare(db, "EXPLAIN QUERY PLAN %s", query);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *words = strstr((const char *)sqlite3_column_text(statement, 3), " VIRTUAL TABLE INDEX ");
        if (words) sqlite3_str_appendf(list, "%s %s: %s\n", word, query, strchr(words, ':') + 1);
    }
    sqlite3_finalize(statement);
}

static void add_plans(void) {
    EACH(query, "SELECT * FROM t WHERE path = ?", "SELECT path FROM t WHERE path IN (?, 'b')",
         "SELECT * FROM t(?, '/')",
         "SELECT * FROM t WHERE prefix = ? AND start_after = ? AND snapshot = ? ORDER BY path DESC",
         "SELECT * FROM t WHERE path > ? AND path <= ? AND row_version > ?", "SELECT * FROM t WHERE path GLOB 'a*b'",
         "SELECT path FROM t WHERE path LIKE '%word%' ESCAPE '\\' LIMIT 5",
         "SELECT * FROM t WHERE path = ? COLLATE NOCASE", "SELECT * FROM t WHERE path MATCH ? AND delimiter = '/'",
         "SELECT * FROM t WHERE note = ?", "SELECT * FROM t WHERE note IS ?", "SELECT * FROM t WHERE note IN (?, 'b')",
         "SELECT * FROM t WHERE size >= 1 AND size < ?", "SELECT * FROM t WHERE size IS NULL",
         "SELECT * FROM t WHERE note LIKE '%a%'", "SELECT size FROM t", "SELECT * FROM t WHERE path LIKE 'a%'",
         "SELECT path FROM t ORDER BY size DESC LIMIT 3", "SELECT path FROM t ORDER BY size, path LIMIT 3",
         "SELECT path FROM t ORDER BY size, path DESC LIMIT 3", "SELECT * FROM k WHERE a = ? AND b < ?",
         "SELECT DISTINCT a FROM k") {
        add_plan("plan of", query);
    }
    EACH(query, "SELECT * FROM t WHERE note <> ''", "SELECT * FROM t WHERE size IS NOT NULL") {
        if (has_strict_plans()) add_plan(STRICT_PLAN, query);
    }
    static const char *const words[] = ART_ARGUMENT_WORDS;
    for (int i = 0; i < ART_ARGUMENT_LIMIT; i++) { /* which newer SQLites alone hand over, with OFFSET */
        bool strict = i == ART_ARGUMENT_NOT_EQUAL || i == ART_ARGUMENT_NOT_NULL,
             offered = !strict || has_strict_plans();
        bool shown = strstr(sqlite3_str_value(list), words[i]);
        ck_assert_msg(shown || !offered, "no plan has '%s'", words[i]);
    }
}

/* Of C, of the process, of packages. */
static void add_sources(void) {
    char line[999];
    FILE *lines = popen("tests/sql/surface", "r");
    while (fgets(line, sizeof line, lines)) sqlite3_str_appendall(list, line);
    ck_assert_int_eq(pclose(lines), 0);
}

static char *print_list(void) {
    list = sqlite3_str_new(NULL);
    add_functions();
    add_columns();
    add_words();
    add_properties();
    add_damage();
    add_answers();
    add_plans();
    add_sources();
    return kept(sqlite3_str_finish(list));
}

TEST(test_the_surface_is_the_one_that_is_kept) {
    char *printed = print_list(), *told = getenv("ART_TEST_SURFACE"), *file = told ? told : TEXT("%s/list", directory);
    FILE *to = fopen(file, "w");
    ck_assert(to && fputs(printed, to) >= 0 && !fclose(to));
    const char *newer = has_strict_plans() ? "none" : STRICT_PLAN;
    ck_assert_msg(
        !system(TEXT("grep -v '^%s ' tests/sql/surface.txt | diff - '%s'", newer, file)), // NOLINT(cert-env33-c)
        "the surface is not the one that tests/sql/surface.txt has");
}

SUITE("surface", .seconds = 60, .set_up = sql_set_up, .tear_down = sql_tear_down)
