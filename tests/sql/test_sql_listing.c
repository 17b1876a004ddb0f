/* Hidden columns as arguments: rows under a prefix, and one level of a directory.
 *
 * The model is plain SQL on an ordinary table with the same rows: every path is cut behind the first delimiter, rows
 * with the same beginning are grouped and counted, and the conditions are put on what comes out. Prefixes, delimiters
 * and paths are random bytes of a small alphabet, so that delimiters overlap, begin and end paths, and are paths.
 */
#include "core/tree/state/hooks.h"
#include "tests/support/sql_one.h"

static void set_up(void) {
    ART_IN_TESTS(sql_link(); art_test_hooks.as_one = false;)
    sql_set_up_in_memory();
    sql_create(db, "t", "");
    run("CREATE TABLE b(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static void same(const char *art_sql, const char *plain_sql) {
    sqlite3_stmt *statements[] = {sql_prepare(db, "%s", art_sql), sql_prepare(db, "%s", plain_sql)};
    char *art = kept(sql_answer(statements[0]));
    bool undecided = sql_is_undecided(db) && strstr(art_sql, "(SELECT 6)"); /* test_sql_doubts.c */
    char *plain = kept(sql_answer(statements[1]));
    if (strcmp(art, plain) != 0 && !undecided) {
        char *plan = sql_rows(db, "EXPLAIN QUERY PLAN %s", art_sql);
        ck_abort_msg("%s\n%s\n  art:\n%s\n  plain SQL:\n%s", art_sql, plan, art, plain);
    }
    for (int i = 0; i < 2; i++) sqlite3_finalize(statements[i]);
}

/* The level as plain SQL; prefix, delimiter and start_after as BLOB literals, the last one NULL for none. As S3's
 * ListObjectsV2: what has a key behind start_after, but no common prefix that is start_after itself. */
static char *model(const char *prefix, const char *delimiter, const char *start_after) {
    char *behind =
        start_after ? TEXT(" HAVING max(x) > %s AND NOT (at > 0 AND shown = %s)", start_after, start_after) : "";
    return TEXT("(SELECT CAST(shown AS TEXT) AS path, CASE WHEN at = 0 THEN value END AS value,"
                "        CASE WHEN at > 0 THEN count(*) END AS entries FROM"
                "  (SELECT x, at, value, CASE WHEN at > 0 THEN substr(x, 1, length(%s) + at + length(%s) - 1) ELSE x "
                "END AS shown     FROM (SELECT x, value,             CASE WHEN length(%s) THEN "
                "coalesce(instr(substr(x, length(%s) + 1), %s), 0) ELSE 0 END AS at"
                "             FROM (SELECT CAST(path AS BLOB) AS x, value FROM b)"
                "             WHERE length(%s) = 0 OR substr(x, 1, length(%s)) = %s)) GROUP BY shown%s)",
                prefix, delimiter, delimiter, prefix, delimiter, prefix, prefix, prefix, behind);
}

/* --- random bytes ------------------------------------------------------------------------------------------------- */

static const uint8_t letters[] = {'a', 'b', '/', '/', 'A', '5', 0xff, 0, '-'};

static void append_bytes(sqlite3_str *out, struct random *random, uint32_t most) {
    sqlite3_str_appendall(out, "x'");
    for (uint32_t n = random_below(random, most + 1); n; n--) {
        sqlite3_str_appendf(out, "%02x", letters[random_below(random, sizeof letters)]);
    }
    sqlite3_str_appendall(out, "'");
}

static char *random_bytes(struct random *random, uint32_t most) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    append_bytes(out, random, most);
    return kept(sqlite3_str_finish(out));
}

static void fill(struct random *random, int rows) {
    run("DELETE FROM t; DELETE FROM b");
    for (int i = 0; i < rows; i++) {
        run("INSERT OR REPLACE INTO b VALUES(CAST(%s AS TEXT), %d)", random_bytes(random, 7), i);
    }
    run("INSERT INTO t(path, value) SELECT path, value FROM b WHERE value %% 2");
    if (random_below(random, 2)) command("flush");
    run("INSERT INTO t(path, value) SELECT path, value FROM b WHERE value %% 2 = 0");
}

static void append_condition(sqlite3_str *out, struct random *random) {
    TEXTS(comparisons, "=", "<", "<=", ">", ">=", "IS", "<>");
    TEXTS(others, "path GLOB 'a*'", "path GLOB '*/'", "path GLOB 'a?b*' || ''", "path LIKE 'A%'", "path LIKE 'a/%'",
          "path LIKE '%' || '/'", "path IN ('a', 'a/', 'b/', '/', 5, NULL)", "value > 3", "entries > 1",
          "entries IS NULL", "length(path) = 2", "path COLLATE NOCASE >= 'A'", "path > 5", "path < (SELECT 6)",
          "path = NULL", "path < x'61'");
    if (random_once_in(random, 4)) {
        sqlite3_str_appendall(out, others[random_below(random, LENGTH(others))]);
        return;
    }
    sqlite3_str_appendf(out, "path %s CAST(", comparisons[random_below(random, 7)]);
    append_bytes(out, random, 6);
    sqlite3_str_appendall(out, random_below(random, 2) ? " AS TEXT)" : " AS TEXT) || ''");
}

static char *random_tail(struct random *random) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, " WHERE 1");
    for (uint32_t n = random_below(random, 4); n; n--) {
        sqlite3_str_appendall(out, random_once_in(random, 8) ? " OR " : " AND ");
        append_condition(out, random);
    }
    sqlite3_str_appendall(out, random_below(random, 2) ? " ORDER BY path" : " ORDER BY path DESC");
    if (random_once_in(random, 3)) sqlite3_str_appendf(out, " LIMIT %u", random_below(random, 4));
    if (random_once_in(random, 3) && strstr(sqlite3_str_value(out), "LIMIT")) {
        sqlite3_str_appendf(out, " OFFSET %u", random_below(random, 4));
    }
    return kept(sqlite3_str_finish(out));
}

/* A literal, or a text that the planner does not know. */
static char *as_argument(struct random *random, const char *bytes) {
    if (random_below(random, 2)) return TEXT("%s", bytes);
    return TEXT("CAST(%s AS TEXT)%s", bytes, random_below(random, 2) ? " || ''" : "");
}

/* Half of the time near to what there is: a row's key, or a beginning of one. */
static char *random_start(struct random *random, const char *prefix) {
    uint32_t kind = random_below(random, 4);
    if (kind == 0) {
        char *key = kept(sql_rows(db, "SELECT hex(substr(CAST(path AS BLOB), 1, %u)) FROM b ORDER BY random() LIMIT 1",
                                  random_below(random, 8)));
        return TEXT("x'%.*s'", (int)strcspn(key, "\n"), key);
    }
    char *bytes = random_bytes(random, kind == 1 ? 6 : 3);
    return kind == 1 ? bytes : TEXT("%.*s%s", (int)strlen(prefix) - 1, prefix, bytes + 2); /* x'..' and x'..' */
}

/* As arguments, from another table, as conditions, and counted. */
static void compare_level(struct random *random) {
    char *prefix = random_bytes(random, random_below(random, 4)), *delimiter = "x''", *start = NULL;
    if (!random_once_in(random, 4)) delimiter = random_bytes(random, 1 + random_once_in(random, 4));
    if (random_once_in(random, 2)) start = random_start(random, prefix);
    char *level = model(prefix, delimiter, start), *tail = random_tail(random);
    char *p = as_argument(random, prefix), *d = as_argument(random, delimiter);
    bool bare = !start && strlen(delimiter) <= 3 && !strstr(tail, "entries"); /* which wants a delimiter */
    char *s = start ? as_argument(random, start) : "''", *columns = bare ? "path, value" : "path, value, entries";
    char *arguments = TEXT(start ? "%s, %s, %s" : bare ? "%s" : "%s, %s", p, d, s);
    char *plain = TEXT("SELECT %s FROM %s%s", columns, level, tail);
    same(TEXT("SELECT %s FROM t(%s)%s", columns, arguments, tail), plain);
    same(TEXT("SELECT count(*) FROM t(%s)", arguments), TEXT("SELECT count(*) FROM %s", level));
    if (!start) return;
    same(TEXT("SELECT %s FROM (SELECT %s AS s) CROSS JOIN t(%s, %s, s)%s", columns, s, p, d, tail), plain);
    same(TEXT("SELECT %s FROM (SELECT %s FROM t WHERE prefix = %s AND delimiter = %s AND start_after = %s) AS t%s",
              columns, columns, p, d, s, tail),
         plain);
}

TEST(test_a_level_is_what_plain_sql_makes_of_the_rows) {
    struct random random = random_announced("levels");
    for (int round = 0; round < 90 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        fill(&random, (int)random_below(&random, 70));
        for (int i = 0; i < 40; i++) compare_level(&random);
        kept_clear();
    }
}

/* --- what an example shows ---------------------------------------------------------------------------------------- */

static void fill_example(void) {
    run("INSERT INTO t(path, value) VALUES('usr/bin/cc', 1), ('usr/bin/ld', 2), ('usr/readme', 3),"
        " ('usr/share/[x]/a', 4), ('usr/share/[x]/b', 5), ('usr/share/[x]c', 6), ('usr/share/', 7), ('var', 8), "
        "('5/five', 9)");
}

TEST(test_a_level_shows_rows_and_common_prefixes_in_order) {
    fill_example();
    expect("usr/bin/||2|1\nusr/readme|3||0\nusr/share/||4|1\n",
           "SELECT path, value, entries, row_version IS NULL FROM t('usr/', '/')");
    expect("var|\nusr/|7\n5/|1\n", "SELECT path, entries FROM t('', '/') ORDER BY path DESC");
    expect("usr/share/[x]/a\nusr/share/[x]/b\n", "SELECT path FROM t('usr/share/[x]/')");
    expect("5/\nusr/\n", "SELECT path FROM t WHERE delimiter = '/' LIMIT 2");
    expect("usr/|7\n", "SELECT path, entries FROM t('usr', '/')");
    expect("usr/bin/c|1\nusr/bin/ld|\nusr/readme|\nusr/share/|\n"
           "usr/share/[x]/a|\nusr/share/[x]/b|\nusr/share/[x]c|\n",
           "SELECT path, entries FROM t('usr/', 'in/c')");
}

TEST(test_start_after_is_about_keys) {
    fill_example();
    expect("usr/bin/|2\nusr/readme|\nusr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', '')");
    expect("usr/readme|\nusr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'usr/bin/')"); /* it was shown */
    expect("usr/bin/|2\nusr/readme|\nusr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'usr/bin/cc')");
    expect("usr/readme|\nusr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'usr/bin/ld')");
    expect("usr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'usr/readme')");
    expect("usr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'usr/share/[x]/b') ORDER BY path DESC");
    expect("", "SELECT path, entries FROM t('usr/', '/', 'usr/share/[x]c')");
    expect("usr/readme|\nusr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'a') WHERE path > 'usr/bin/'");
    expect("usr/share/|4\n", "SELECT path, entries FROM t('usr/', '/', 'usr/share/[x]') WHERE path <= 'usr/share/'");
    expect("", "SELECT path, entries FROM t('usr/', '/', 'z')");
    expect("usr/bin/ld|usr/bin/cc\n", "SELECT path, start_after FROM t('usr/b', '', 'usr/bin/cc')");
    expect("var\n", "SELECT path FROM t WHERE start_after = 'usr/z'");
    expect("usr/bin/cc\n", "SELECT path FROM t('', '', 6) LIMIT 1");
    expect("var\n", "SELECT path FROM t('', '', x'76')");
    expect("", "SELECT path FROM t('', '/', NULL)");
    expect("", "SELECT path FROM t WHERE path = 'var' AND start_after = 'var'");
    expect("var\n", "SELECT path FROM t WHERE path = 'var' AND start_after = 'va'");
    expect("var\n", "SELECT path FROM t WHERE path IN ('var', 'usr/readme') AND start_after = 'usr/s'");
    expect("usr/share/\nusr/share/[x]/a\n", "SELECT path FROM t('', '', 'usr/bin/ld') ORDER BY path LIMIT 2 OFFSET 1");
    expect("usr/share/\n", "SELECT path FROM t('', '', 'usr/readme') ORDER BY path DESC LIMIT 1 OFFSET 4");
    refuses(SQLITE_ERROR, "art: start_after is a hidden column of this table",
            "SELECT start_after IS NULL FROM t('va')");
}

TEST(test_rows_behind_a_key_are_changed) {
    fill_example();
    run("UPDATE t SET value = 0 WHERE prefix = 'usr/' AND start_after = 'usr/share/[x]/a'");
    expect("usr/share/[x]/b\nusr/share/[x]c\n", "SELECT path FROM t WHERE value = 0");
    run("UPDATE t SET value = v FROM (SELECT -1 AS v) WHERE prefix = 'usr/' AND start_after = 'usr/share/[x]/b'");
    expect("usr/share/[x]c\n", "SELECT path FROM t WHERE value = -1");
    refuses(SQLITE_ERROR, "art: the hidden column start_after cannot be written (t.start_after)",
            "UPDATE t SET start_after = 'a'");
    refuses(SQLITE_ERROR, "art: the hidden column start_after cannot be written",
            "INSERT INTO t(path, start_after) VALUES('a', 'a')");
    run("DELETE FROM t WHERE start_after = 'usr/bin/ld'");
    expect("5/five\nusr/bin/cc\nusr/bin/ld\n", "SELECT path FROM t");
}

/* As for a column of an application's own that has such a name. */
TEST(test_an_argument_that_is_compared_otherwise_is_refused) {
    TEXTS(names, "prefix", "delimiter", "start_after", "snapshot", "t");
    fill_example();
    for (unsigned i = 0; i < LENGTH(names); i++) {
        char *words = kept(
            i < 4
                ? sqlite3_mprintf("art: %s is an argument, and only = gives it (t.%s): write %s = ..., or compare path",
                                  names[i], names[i], names[i])
                : sqlite3_mprintf("fifth argument"));
        EACH(comparison, "%s > 'usr/'", "%s >= 'usr/' AND %s < 'usr0'", "%s BETWEEN 'a' AND 'z'", "%s LIKE 'usr%%'",
             "%s LIKE 'u' ESCAPE 'x'", "%s GLOB 'usr*'", "%s IS 'usr/'", "%s IS NOT 'usr/'", "%s <> 'usr/'",
             "%s IS NOT NULL", "(%s, path) > ('a', 'b')", "5 < %s", "%s > (SELECT 'a')", "path = 'a' AND %s > 'a'") {
            EACH(statement, "SELECT count(*) FROM t WHERE ", "SELECT * FROM t WHERE ", "DELETE FROM t WHERE ",
                 "UPDATE t SET value = 0 WHERE ", "SELECT * FROM (SELECT 1) LEFT JOIN t ON ",
                 "SELECT 1 FROM (SELECT 1) CROSS JOIN t WHERE ") {
                refuses(SQLITE_ERROR, words, TEXT(TEXT("%s%s", statement, comparison), names[i], names[i], names[i]));
            }
        }
        /* That of which the arms of an OR are about is not known when its clause is planned. */
        EACH(statement, "SELECT count(*) FROM t WHERE ", "DELETE FROM t WHERE ", "UPDATE t SET value = 0 WHERE ") {
            refuses(SQLITE_ERROR, TEXT(i < 4 ? "(t.%s)" : "(%s", names[i]),
                    TEXT(TEXT("%s(%%s > 'a' OR path = 'a')", statement), names[i]));
        }
    }
    expect("9\n", "SELECT count(*) FROM t");
}

TEST(test_an_argument_that_is_given_can_be_compared) {
    fill_example();
    run("CREATE TABLE x(p TEXT); INSERT INTO x VALUES('usr/bin/'), ('none/')");
    expect("2\n", "SELECT count(*) FROM t('usr/bin/') WHERE prefix > 'a'");
    expect("0\n", "SELECT count(*) FROM t('usr/bin/') WHERE prefix <> 'usr/bin/'");
    expect("2\n", "SELECT count(*) FROM t WHERE prefix IN ('usr/bin/', 'none/')");
    expect("2\n", "SELECT count(*) FROM t WHERE prefix IN (SELECT p FROM x)");
    expect("2\n", "SELECT count(*) FROM t WHERE prefix = 'usr/bin/' OR prefix = 'none/'");
    expect("9\n", "SELECT count(*) FROM t WHERE snapshot IS NULL");
    EACH(name, "prefix", "delimiter", "start_after", "entries", "conflict", "t")
    refuses(SQLITE_ERROR,
            TEXT("art: %s is a hidden column of this table, and nothing gives it here (t.%s)", name, name),
            TEXT("SELECT count(*) FROM t WHERE %s IS NULL", name));
    expect("none/|0\nusr/bin/|2\n", "SELECT x.p, count(q.path) FROM x LEFT JOIN t q ON q.prefix = x.p GROUP BY 1");
    expect("none/\n", "SELECT x.p FROM x LEFT JOIN t q ON q.prefix = x.p WHERE q.prefix IS NULL");
    expect("usr/bin/\n", "SELECT DISTINCT x.p FROM x LEFT JOIN t q ON q.prefix = x.p WHERE q.prefix IS NOT NULL");
    EACH(name, "prefix", "delimiter", "start_after", "snapshot", "entries", "conflict", "t")
    refuses(SQLITE_ERROR,
            TEXT("art: %s is a hidden column of this table, and nothing gives it here (t.%s)", name, name),
            TEXT("SELECT DISTINCT %s FROM t", name));
}

TEST(test_there_are_four_arguments) {
    fill_example();
    expect("3\n", "SELECT count(*) FROM t('', '/', '', NULL)");
    refuses(SQLITE_MISMATCH, "art: a snapshot's name is a text, no number and no BLOB (t)",
            "SELECT * FROM t('', '/', '', 1)");
    refuses(SQLITE_MISMATCH, "art: a snapshot's name is a text", "DELETE FROM t WHERE snapshot = 1");
    refuses(SQLITE_ERROR, "art: the column that takes commands cannot be compared, nor be a fifth argument",
            "SELECT * FROM t('', '/', '', 1, 100)");
    refuses(SQLITE_ERROR, "art: the column that takes commands cannot be compared, nor be a fifth argument",
            "SELECT * FROM (SELECT 1 AS a) x LEFT JOIN t('', '/', '', 1, x.a)");
    refuses(SQLITE_ERROR, "art: the column that takes commands cannot be compared, nor be a fifth argument",
            "SELECT * FROM t WHERE t = 'flush'");
    refuses(SQLITE_ERROR, "art: the column that takes commands cannot be compared, nor be a fifth argument",
            "SELECT * FROM t('', '', '', 1, 2, 3)");
    refuses(SQLITE_ERROR, "too many arguments on t()", "SELECT * FROM t('', '', '', 1, 2, 3, 4, 5, 6)");
    expect("usr/bin/\n", "SELECT path FROM t('usr/', '/') WHERE entries = 2");
    expect("9\n", "SELECT count(*) FROM t WHERE row_version = 1");
    expect("0\n", "SELECT count(*) FROM t WHERE row_version = 5");
    run("CREATE VIRTUAL TABLE entries USING art; INSERT INTO entries(path) VALUES('a')");
    refuses(SQLITE_ERROR, "art: the column that takes commands cannot be compared, nor be a fifth argument",
            "SELECT * FROM entries('', '', '', 1, 1)");
    refuses(SQLITE_ERROR, "art: \"\" is a hidden column of this table, and nothing gives it here (entries.\"\")",
            "SELECT path FROM entries WHERE path > \"\" || 'a'");
    refuses(SQLITE_ERROR, "takes no commands (entries)", "INSERT INTO entries(\"\") VALUES('flush')");
    expect("a\n", "SELECT path FROM entries('', '', '')");
}

/* ListObjectsV2: prefix, delimiter, start-after, max-keys. */
TEST(test_a_level_is_read_page_by_page) {
    fill_example();
    sqlite3_stmt *page = sql_prepare(db, "SELECT path FROM t(?1, ?2) WHERE path > ?3 ORDER BY path LIMIT 1");
    sqlite3_str *all = sqlite3_str_new(NULL);
    char *last = TEXT("");
    for (;;) {
        sqlite3_bind_text(page, 1, "usr/", -1, SQLITE_STATIC);
        sqlite3_bind_text(page, 2, "/", -1, SQLITE_STATIC);
        sqlite3_bind_text(page, 3, last, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(page) != SQLITE_ROW) break;
        last = TEXT("%s", sqlite3_column_text(page, 0));
        sqlite3_str_appendf(all, "%s\n", last);
        sqlite3_reset(page);
    }
    sqlite3_finalize(page);
    char *text = kept(sqlite3_str_finish(all));
    ck_assert_str_eq(text, "usr/bin/\nusr/readme\nusr/share/\n");
}

TEST(test_entries_count_all_rows_below_whatever_is_asked) {
    fill_example();
    expect("usr/|7\n", "SELECT path, entries FROM t('', '/') WHERE value IS NULL AND path > '6'");
    expect("usr/share/|4\n", "SELECT path, entries FROM t('usr/', '/') WHERE path >= 'usr/share/' LIMIT 1");
    expect("8|3\n", "SELECT sum(entries), count(*) FROM t('', '/')");
    expect("usr/|7\n", "SELECT path, entries FROM t('', '/') WHERE path = 'usr/'");
    expect("", "SELECT path, entries FROM t('', '/') WHERE path = 'usr/bin/cc'");
    expect("usr/|7\nvar|\n", "SELECT path, entries FROM t('', '/') WHERE path IN ('var', 'usr/', 'x')");
}

TEST(test_arguments_are_shown) {
    fill_example();
    expect("usr/|text|/|text\n",
           "SELECT DISTINCT prefix, typeof(prefix), delimiter, typeof(delimiter) FROM t('usr/', '/')");
    expect("5|text\n", "SELECT DISTINCT prefix, typeof(prefix) FROM t(5)");
    expect("blob|blob\n", "SELECT DISTINCT typeof(prefix), typeof(delimiter) FROM t(x'35', x'2f')");
    expect("var|va|\n", "SELECT path, prefix, delimiter FROM t('va', '') WHERE path = 'var'");
    expect("", "SELECT path, prefix, delimiter FROM t('x', '') WHERE path = 'var'");
    expect("var|1\n", "SELECT path, row_version FROM t WHERE path = 'var' AND prefix = 'v'");
    expect("7\n", "SELECT count(*) FROM t('usr/', '')");
}

/* '007' is not 7, nor is '1e2' 100, though IN compares by the column's affinity. */
TEST(test_arguments_out_of_a_list_are_texts) {
    run("INSERT INTO t(path) VALUES('007/a'), ('7/b'), ('1e2/x'), ('100/y');"
        "CREATE TABLE p(p TEXT, i INTEGER); INSERT INTO p VALUES('007', 7), ('1e2', 100)");
    expect("007/a|007\n1e2/x|1e2\n", "SELECT path, prefix FROM t WHERE prefix IN ('007', '1e2') ORDER BY path");
    expect("007/a|007\n1e2/x|1e2\n", "SELECT path, prefix FROM t WHERE prefix IN (SELECT p FROM p) ORDER BY path");
    expect("100/y\n7/b\n", "SELECT path FROM t WHERE prefix IN (SELECT i FROM p) ORDER BY path");
    expect("100/y\n7/b\n", "SELECT path FROM t WHERE prefix IN (7, '7', 100)");
    expect("7/b\n", "SELECT path FROM t WHERE prefix = 7 AND prefix = '7'");
    expect("100/y\n7/b\n", "SELECT path FROM p JOIN t(p.i) ON t.path > t.prefix ORDER BY path");
    expect("7/b\n", "SELECT path FROM t WHERE prefix IN (SELECT i FROM p) AND prefix = '7'");
    expect("7/b\n", "SELECT path FROM t WHERE prefix = CAST(7 AS INTEGER) AND path > prefix");
    expect("00|1\n100|1\n1e2/x|\n7/b|\n",
           "SELECT path, entries FROM t WHERE prefix = '' AND delimiter IN ('00', NULL)");
    expect("prefix|TEXT\ndelimiter|TEXT\nstart_after|TEXT\nsnapshot|\nentries|INTEGER\nrow_version|INTEGER\nconflict|"
           "TEXT\n",
           "SELECT name, type FROM pragma_table_xinfo('t') WHERE hidden AND name <> 't'");
}

/* Of two equalities the one with a literal is taken: SQLite gives up where the table would wait for itself. */
TEST(test_a_list_of_arguments_stands_beside_a_comparison_of_two_columns) {
    run("INSERT INTO t VALUES('usr/x', 'usr/x'), ('usr/y', 'usr/x'), ('var/x', 'usr/x')");
    expect("usr/x\n", "SELECT path FROM t WHERE prefix IN ('usr/', 'var/') AND path = value AND path = 'usr/x'");
    expect("usr/x\n", "SELECT path FROM t WHERE prefix IN ('usr/', 'var/') AND path = value");
    expect("", "SELECT path FROM t WHERE prefix IN ('var/', 'z') AND path = value AND path = 'usr/x'");
}

TEST(test_numbers_are_text_and_null_gives_nothing) {
    fill_example();
    expect("5/five\n", "SELECT path FROM t(5)");
    expect("5/f\n", "SELECT path FROM t(5, 'f')");
    expect("", "SELECT path FROM t(5.5)");
    expect("", "SELECT path FROM t(NULL)");
    expect("", "SELECT path FROM t('', NULL)");
    expect("", "SELECT path FROM t(NULL, '/')");
    expect("", "SELECT path FROM t WHERE delimiter = NULL");
    expect("", "SELECT path FROM t WHERE path = 5 AND prefix = 5");
    run("INSERT INTO t(path) VALUES('05'), ('5'); CREATE TABLE n(i INTEGER); INSERT INTO n VALUES(5)");
    expect("05\n", "SELECT path FROM n CROSS JOIN t('0') WHERE path = i");
    expect("5\n", "SELECT path FROM n CROSS JOIN t('5') WHERE path = i");
    expect("05\n5\n", "SELECT path FROM n CROSS JOIN t('', 'x') WHERE path = i");
    expect("5\n5/\n", "SELECT path FROM n CROSS JOIN t(i, '/')");
    expect("5\n05\n", "SELECT path FROM t('', '/') WHERE path IN (SELECT i FROM n) ORDER BY path DESC LIMIT 3");
}

TEST(test_several_prefixes_must_all_be_equal) {
    fill_example();
    expect("var\n", "SELECT path FROM t WHERE prefix = 'va' AND prefix = 'va'");
    expect("", "SELECT path FROM t WHERE prefix = 'va' AND prefix = 'v'");
    expect("", "SELECT path FROM t WHERE prefix = 'v' AND prefix = 'va'");
    expect("", "SELECT path FROM t('va') WHERE prefix = 'usr/'");
    expect("va|var\nusr/b|usr/bin/ld\nusr/b|usr/bin/cc\n",
           "SELECT prefix, path FROM t WHERE prefix IN ('va', 'usr/b') ORDER BY path DESC");
    expect("usr/b|usr/bin/ld\n",
           "SELECT prefix, path FROM t WHERE prefix IN ('va', 'usr/b') ORDER BY path LIMIT 1 OFFSET 1");
    expect("7\n", "SELECT count(*) FROM t('usr/') WHERE prefix > 'a' AND prefix LIKE 'USR%'");
}

/* More constraints than SQLite remembers to leave out: it compares the column then. */
/* The path that a name stands for is longer than what LIKE is asked of, and may begin as the pattern does. */
TEST(test_names_that_like_does_not_match_are_passed_over_with_all_below_them) {
    static const int lengths[] = {1, 252};
    for (unsigned n = 0; n < 2; n++) {
        run("INSERT INTO t(path) VALUES('a/b%.*c1'), ('a/b%.*c2'), ('z')", lengths[n], 'x', lengths[n], 'x');
        /* So many names before or behind, as whether a spelling is sought goes by how many were in vain. */
        for (const char *name = "BCDEFGHIstuvwxy"; *name; name++) {
            run("INSERT INTO t(path) VALUES('%c/x')", *name);
            for (int descending = 0; descending < 2; descending++) {
                expect("", TEXT("SELECT path FROM t('', '/') WHERE path LIKE 'a/b%.*c%%' ORDER BY path %s", lengths[n],
                                'x', descending ? "DESC" : ""));
            }
        }
        run("DELETE FROM t");
    }
}

TEST(test_many_conditions_beside_an_argument) {
    fill_example();
    for (int kind = 0; kind < 4; kind++) {
        TEXTS(arguments, "prefix = 'usr/' AND delimiter = '/'", "prefix = 5 AND delimiter = '/'",
              "prefix = x'35' AND delimiter = x'2f'", "prefix = 'usr/b'");
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_str_appendall(sql, "SELECT count(*) FROM t WHERE 1");
        for (int i = 0; i < 40; i++) sqlite3_str_appendf(sql, " AND path >= '%d'", i % 5);
        sqlite3_str_appendf(sql, " AND %s", arguments[kind]);
        for (int i = 0; i < 40; i++) sqlite3_str_appendf(sql, " AND path < 'z%d'", i);
        expect(kind == 0 ? "3\n" : kind == 3 ? "2\n" : "1\n", kept(sqlite3_str_finish(sql)));
    }
}

/* --- joins -------------------------------------------------------------------------------------------------------- */

TEST(test_arguments_come_from_other_tables) {
    fill_example();
    run("CREATE TABLE dirs(d); INSERT INTO dirs VALUES('usr'), ('var'), ('usr/share'), (NULL)");
    EACH(join, "SELECT d, path, entries FROM dirs, t(d || '/', '/') ORDER BY 1, 2",
         "SELECT d, path, entries FROM t(d || '/', '/'), dirs ORDER BY 1, 2",
         "SELECT d, path, entries FROM dirs JOIN t ON prefix = d || '/' AND delimiter = '/' ORDER BY 1, 2",
         "SELECT d, path, entries FROM t JOIN dirs ON prefix = d || '/' WHERE delimiter = '/' ORDER BY 1, 2") {
        expect("usr|usr/bin/|2\nusr|usr/readme|\nusr|usr/share/|4\nusr/share|usr/share/|\nusr/share|usr/share/[x]/"
               "|2\nusr/share|usr/share/[x]c|\n",
               join);
    }
    expect("|0\nusr|7\nusr/share|4\nvar|0\n",
           "SELECT d, count(path) FROM dirs LEFT JOIN t(d || '/') GROUP BY d ORDER BY d");
    expect("5/|5/five\nusr/|usr/bin/\nusr/|usr/readme\nusr/|usr/share/\n",
           "SELECT a.path, b.path FROM t('', '/') AS a JOIN t(a.path, '/') AS b WHERE a.entries ORDER BY 1, 2");
    expect("\n5/\nusr/\nusr/bin/\nusr/share/\nusr/share/[x]/\n",
           "WITH RECURSIVE tree(path) AS (VALUES('') UNION ALL SELECT l.path FROM tree JOIN t(tree.path, '/') AS l"
           " WHERE l.entries IS NOT NULL AND l.path <> tree.path) SELECT * FROM tree ORDER BY 1");
    expect("7\n1\n4\n0\n", "SELECT (SELECT count(*) FROM t(d)) FROM dirs");
    ck_assert_int_ne(sql_try(db, "SELECT * FROM t(u.path) AS v, t(v.path) AS u"), SQLITE_OK);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

TEST(test_plans_say_what_is_listed) {
    plan_says("SELECT path FROM t(?)", ":prefix=?, keys only");
    plan_says("SELECT value FROM t(?) WHERE path = 'a'", ":path=? AND prefix=?");
    plan_says("SELECT path, entries FROM t(?, '/') WHERE path > ? ORDER BY path DESC LIMIT 10",
              ":prefix=? AND delimiter=? AND path>?, level listing, descending");
    plan_says("SELECT path FROM t(?, ?) ORDER BY path LIMIT 10", ":prefix=? AND delimiter=?, level listing, keys only");
    if (sqlite3_libversion_number() >= 3053000) /* which believes in the order of DISTINCT */
        plan_says("SELECT DISTINCT path FROM t('a', '/')", ":prefix=? AND delimiter=?, level listing, keys only");
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

TEST(test_rows_under_a_prefix_are_changed) {
    fill_example();
    run("UPDATE t SET value = value * 10 WHERE prefix = 'usr/b'");
    expect("usr/bin/cc|10\nusr/bin/ld|20\n", "SELECT path, value FROM t('usr/b')");
    run("UPDATE t SET path = 'old/' || path WHERE prefix = 'usr/b'");
    expect("old/usr/bin/cc|10\nold/usr/bin/ld|20\n", "SELECT path, value FROM t('old/')");
    run("CREATE TABLE f(v); INSERT INTO f VALUES(7);"
        "UPDATE t SET value = v FROM f WHERE prefix = 'old/'");
    expect("old/usr/bin/cc|7\nold/usr/bin/ld|7\n", "SELECT path, value FROM t('old/')");
    run("UPDATE t SET value = v + 1 FROM f WHERE prefix = 'old/usr/bin/' AND delimiter = '/' AND path > "
        "'old/usr/bin/d';"
        "UPDATE t SET value = v - 1 FROM f WHERE prefix = 'old/' AND delimiter = '' AND path < 'old/usr/bin/d'");
    expect("old/usr/bin/cc|6\nold/usr/bin/ld|8\n", "SELECT path, value FROM t('old/')");
    refuses(SQLITE_ERROR, "t.delimiter", "UPDATE t SET delimiter = 'd' FROM f WHERE prefix = 'old/'");
    run("DELETE FROM t WHERE prefix = 'usr/' AND path >= 'usr/s'");
    expect("5/five\nold/usr/bin/cc\nold/usr/bin/ld\nusr/readme\nvar\n", "SELECT path FROM t");
}

/* --- directories -------------------------------------------------------------------------------------------------- */

TEST(test_a_common_prefix_is_deleted_with_all_below_it) {
    fill_example();
    run("DELETE FROM t WHERE prefix = 'usr/' AND delimiter = '/' AND path = 'usr/bin/'");
    ck_assert_int_eq(sqlite3_changes(db), 1);
    expect("0\n", "SELECT count(*) FROM t('usr/bin/')");
    run("BEGIN; DELETE FROM t WHERE prefix = 'usr/' AND delimiter = '/' AND entries > 3");
    expect("usr/readme\n", "SELECT path FROM t('usr/')");
    run("ROLLBACK; DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND start_after = 'usr/s'");
    expect("5/five\n", "SELECT path FROM t");
    run("DELETE FROM t WHERE prefix = '' AND delimiter = '/'");
    expect("0\n", "SELECT count(*) FROM t");
}

TEST(test_a_common_prefix_is_moved_with_all_below_it) {
    fill_example();
    run("UPDATE t SET path = 'opt/' WHERE prefix = 'usr/' AND delimiter = '/' AND path = 'usr/bin/'");
    expect("opt/cc|1\nopt/ld|2\n", "SELECT path, value FROM t('opt/')");
    EACH(wrong, "UPDATE t SET value = 0 WHERE prefix = 'usr/' AND delimiter = '/'",
         "UPDATE t SET value = v FROM (SELECT 1 AS v) WHERE prefix = 'usr/' AND delimiter = '/'") {
        refuses(SQLITE_ERROR, "art: of a common prefix only the path can be changed (t.value)", wrong);
    }
    refuses(SQLITE_ERROR, "lie in each other",
            "UPDATE t SET path = path || 'x' WHERE prefix = 'usr/' AND delimiter = '/' AND entries > 0");
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: t.path: there are rows below 'opt/' already",
            "UPDATE t SET path = 'opt/' WHERE prefix = 'usr/' AND delimiter = '/' AND path = 'usr/share/'");
}

/* What a SELECT with the same conditions shows is deleted: a row by itself, a common prefix with all below it. */
TEST(test_a_delete_of_a_level_deletes_what_a_select_shows) {
    struct random random = random_announced("deletes of levels");
    for (int round = 0; round < 60 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        fill(&random, (int)random_below(&random, 70));
        for (int i = 0; i < 20; i++) {
            sqlite3_str *out = sqlite3_str_new(NULL);
            sqlite3_str_appendf(out, "prefix = %s AND delimiter = %s", random_bytes(&random, random_below(&random, 4)),
                                random_bytes(&random, 1 + random_once_in(&random, 4)));
            for (uint32_t n = random_below(&random, 3); n; n--) {
                sqlite3_str_appendall(out, " AND ");
                append_condition(out, &random);
            }
            char *where = kept(sqlite3_str_finish(out));
            if (strstr(where, "(SELECT 6)")) continue; /* test_sql_doubts.c */
            ART_IN_TESTS(art_test_hooks.as_one = random_below(&random, 2);)
            run("BEGIN; CREATE TEMP TABLE shown AS SELECT CAST(path AS BLOB) AS p, entries FROM t WHERE %s", where);
            run("DELETE FROM t WHERE %s", where);
            ck_assert_int_eq(sqlite3_changes(db), atoi(kept(sql_rows(db, "SELECT count(*) FROM shown"))));
            same("SELECT path, value FROM t",
                 "SELECT path, value FROM b WHERE NOT EXISTS (SELECT 1 FROM shown WHERE CASE WHEN entries IS NULL"
                 "  THEN CAST(path AS BLOB) = p ELSE substr(CAST(path AS BLOB), 1, length(p)) = p END) ORDER BY path");
            run("ROLLBACK");
        }
        kept_clear();
    }
}

/* A statement that has its paths from a listing, but does not list itself, is about rows with these paths. */
TEST(test_a_path_out_of_a_listing_is_a_rows) {
    static const char *const kept_all = "usr/bin/|2\nusr/readme|\nusr/share/|3\n";
    EACH(change, "DELETE FROM t WHERE path IN (SELECT path FROM t('usr/', '/') WHERE entries > 0)",
         "DELETE FROM t WHERE EXISTS (SELECT 1 FROM t('usr/', '/') AS l WHERE l.path = t.path AND l.entries > 0)",
         "DELETE FROM t WHERE path = 'usr/share/' AND (SELECT count(*) FROM t('usr/', '/')) = 3",
         "UPDATE t SET path = 'x/' WHERE path IN (SELECT path FROM t('usr/', '/') WHERE entries > 0)",
         "UPDATE t SET path = 'x/', value = l.entries FROM t('usr/', '/') AS l WHERE t.path = l.path AND l.entries",
         "INSERT INTO away SELECT path FROM t('usr/', '/') ORDER BY entries DESC",
         "INSERT INTO below SELECT path FROM t('usr/', '/') WHERE entries > 2 ORDER BY entries DESC",
         "DELETE FROM shown WHERE entries > 0") {
        run("DELETE FROM t");
        fill_example();
        run("CREATE TABLE IF NOT EXISTS away(p); CREATE TABLE IF NOT EXISTS below(p);"
            "CREATE VIEW IF NOT EXISTS shown AS SELECT path, entries FROM t('usr/', '/');"
            "CREATE TRIGGER IF NOT EXISTS a AFTER INSERT ON away BEGIN"
            "  DELETE FROM t WHERE path = new.p AND new.p GLOB '*/'; END;"
            "CREATE TRIGGER IF NOT EXISTS b AFTER INSERT ON below BEGIN"
            "  DELETE FROM t WHERE path GLOB new.p || '*' AND path = new.p; END;"
            "CREATE TRIGGER IF NOT EXISTS s INSTEAD OF DELETE ON shown BEGIN"
            "  DELETE FROM t WHERE path = old.path; END");
        run("%s", change);
        expect(kept_all, "SELECT path, entries FROM t('usr/', '/')");
    }
}

TEST(test_a_trigger_changes_a_directory_while_a_listing_is_read) {
    fill_example();
    run("CREATE TABLE away(p); CREATE TRIGGER a AFTER INSERT ON away BEGIN"
        "  DELETE FROM t WHERE prefix = 'usr/' AND delimiter = '/' AND path = new.p; END;"
        "INSERT INTO away SELECT path FROM t('usr/', '/') WHERE entries < 3 ORDER BY entries");
    expect("usr/readme|\nusr/share/|4\n", "SELECT path, entries FROM t('usr/', '/')");
    run("DELETE FROM t WHERE prefix = 'usr/' AND delimiter = '/' AND entries >= (SELECT count(*) FROM t('va'))  AND "
        "EXISTS (SELECT 1 FROM t WHERE path = 'var')");
    expect("usr/readme\n", "SELECT path FROM t('usr/')");
}

/* Before SQLite 3.41 an UPDATE ... FROM passes all columns as they were. */
TEST(test_directories_go_where_another_table_says) {
    fill_example();
    run("CREATE TABLE moves(old, new); INSERT INTO moves VALUES('usr/bin/', 'b/'), ('usr/share/', 's/');"
        "UPDATE t SET path = new FROM moves WHERE prefix = 'usr/' AND delimiter = '/' AND path = old");
    expect("5/|1\nb/|2\ns/|4\nusr/|1\nvar|\n", "SELECT path, entries FROM t('', '/')");
}

/* One scan, one listing behind the other: the arguments of the last one are left when rows are changed. */
TEST(test_directories_of_several_listings) {
    fill_example();
    EACH(several, "prefix IN ('', 'usr/') AND delimiter = '/' AND entries > 1",
         "prefix = '' AND delimiter IN ('/', 'r')", "prefix IN (SELECT path FROM t('', '/')) AND delimiter = '/'") {
        refuses(SQLITE_ERROR, "a row, or all that one of several listings has below it (t.path)",
                TEXT("DELETE FROM t WHERE %s", several));
    }
    run("DELETE FROM t WHERE prefix IN ('v', 'usr/r') AND delimiter = '/'");
    expect("5/|1\nusr/|6\n", "SELECT path, entries FROM t('', '/')");
    run("UPDATE t SET path = 'x' || path WHERE prefix IN ('', 'usr/') AND delimiter = '/' AND path <> 'usr/'");
    expect("x5/five\nxusr/bin/cc\nxusr/bin/ld\nxusr/share/\nxusr/share/[x]/a\nxusr/share/[x]/b\nxusr/share/[x]c\n",
           "SELECT path FROM t");
    run("CREATE TABLE moves(folder, old, new); INSERT INTO moves VALUES('xusr/', 'xusr/bin/', 'b/'), "
        "('', 'x5/', 'f/'); UPDATE t SET path = new FROM moves"
        "  WHERE prefix = folder AND delimiter = '/' AND path = old");
    expect("b/|2\nf/|1\nxusr/|4\n", "SELECT path, entries FROM t('', '/')");
}

/* Found by the model test: what the first arm of an OR has shown was left, where the last one has no rows. Newer
 * versions of SQLite use one scan for both. */
TEST(test_a_directory_goes_where_another_arm_has_no_rows) {
    EACH(none, "path = ' x'", "path = NULL", "path < x'00' AND path > 'x'", "path GLOB NULL") {
        run("DROP TABLE IF EXISTS d; CREATE VIRTUAL TABLE d USING art(b, path, key=(b, path));"
            "DELETE FROM t");
        fill_example();
        run("INSERT INTO d SELECT 'b', path FROM t");
        EACH(table, "t", "d") {
            char *statement = TEXT("DELETE FROM %s WHERE prefix = 'usr/' AND delimiter = '/' AND start_after = "
                                   "'usr/a'%s AND (path IS 'usr/bin/' OR (%s))",
                                   table, *table == 'd' ? " AND b = 'b'" : "", none);
            int rc = sql_try(db, "%s", statement);
            ck_assert_msg(!rc || strstr(sqlite3_errmsg(db), "one of several listings"), "%s: %s", statement,
                          sqlite3_errmsg(db));
            expect(rc ? "2\n" : "0\n", TEXT("SELECT count(*) FROM %s WHERE path GLOB 'usr/bin/*'", table));
        }
    }
}

TEST(test_hidden_columns_of_a_common_prefix_are_not_written) {
    fill_example();
    EACH(column, "prefix", "delimiter", "start_after", "row_version", "t") {
        refuses(
            SQLITE_ERROR,
            *column == 't' ? "art: an UPDATE cannot give a command (t)"
                           : TEXT("art: the hidden column %s cannot be written", column),
            TEXT("UPDATE t SET path = 'x/', %s = 'b' WHERE prefix = 'usr/' AND delimiter = '/' AND path = 'usr/bin/'",
                 column));
    }
    refuses(SQLITE_ERROR, "art: the hidden column entries cannot be written",
            "UPDATE t SET path = 'x/', entries = 5 WHERE path = 'usr/share/'");
}

/* The outer listing says what a path is: 'usr/readme' is a row to it, and 'usr/share/', a row to the inner, is not. */
TEST(test_a_row_of_one_listing_that_another_rolls_up_is_a_row) {
    fill_example();
    run("INSERT INTO t(path) VALUES('usr/readme.old'); DELETE FROM t WHERE prefix = 'usr/' AND delimiter = '/'  AND "
        "path IN (SELECT path FROM t('usr/', 'readme'))");
    expect("usr/bin/|2\nusr/readme.old|\n", "SELECT path, entries FROM t('usr/', '/')");
}

TEST(test_commands_move_copy_and_delete_what_is_below_a_prefix) {
    fill_example();
    run("INSERT INTO t(t, prefix, path) VALUES('copy', 'usr/bin/', 'a/'), ('move', 'a/', 'b/')");
    run("INSERT INTO t(t, prefix) VALUES('delete', 'usr/bin/')");
    expect("b/cc|1\nb/ld|2\n", "SELECT path, value FROM t WHERE path GLOB '[ab]*' OR path GLOB 'usr/bin/*'");
    EACH(wrong, "'move', 'b/', NULL", "'move', NULL, 'b/'", "'copy', 1, 'b/'", "'move', 'b/', x'61'") {
        refuses(SQLITE_ERROR, "wants two texts (t): write INSERT INTO t(t, prefix, path)",
                TEXT("INSERT INTO t(t, prefix, path) VALUES(%s)", wrong));
    }
    refuses(SQLITE_ERROR, "art: 'delete' wants a text (t)", "INSERT INTO t(t) VALUES('delete')");
    refuses(SQLITE_ERROR, "art: 'delete' takes no other column (t)",
            "INSERT INTO t(t, prefix, path) VALUES('delete', 'b/', 'x')");
    refuses(SQLITE_ERROR, "lie in each other", "INSERT INTO t(t, prefix, path) VALUES('move', 'b/', 'b/c/')");
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE", "INSERT INTO t(t, prefix, path) VALUES('move', 'b/', 'usr/')");
    run("INSERT INTO t(t, prefix, path) VALUES('move', 'nothing/', 'usr/')");
    run("INSERT INTO t(t, prefix) VALUES('delete', '')");
    expect("0\n", "SELECT count(*) FROM t");
}

/* 'usr/share/' is a row, too; a SELECT that has listed it, and is still open, does not protect it. */
TEST(test_a_row_named_like_a_common_prefix_is_changed_by_its_path) {
    fill_example();
    sqlite3_stmt *sorted = sql_first_row(db, "SELECT path, entries FROM t('usr/', '/') ORDER BY entries DESC");
    ck_assert_str_eq((const char *)sqlite3_column_text(sorted, 0), "usr/share/");
    run("DELETE FROM t WHERE path = 'usr/share/'; INSERT INTO t(path, value) VALUES('usr/share/', 1)");
    run("DELETE FROM t WHERE path GLOB 'usr/sh*/'");
    expect("usr/share/|3\n", "SELECT path, entries FROM t('usr/', '/') WHERE entries > 2");
    ck_assert_int_eq(sqlite3_step(sorted), SQLITE_ROW);
    sqlite3_finalize(sorted);
}

TEST(test_a_listing_goes_on_while_its_rows_are_written) {
    struct random random = random_announced("listings under writes");
    for (int round = 0; round < 60 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        bool descending = random_below(&random, 2);
        sql_try(db, "ROLLBACK");
        fill(&random, 60);
        sqlite3_stmt *listing =
            sql_prepare(db, "SELECT path, entries, value FROM t(x'', '/') ORDER BY path %s", descending ? "DESC" : "");
        char *last = NULL;
        while (sqlite3_step(listing) == SQLITE_ROW) {
            sqlite3_stmt *hex = sql_prepare(db, "SELECT hex(?1)");
            sqlite3_bind_value(hex, 1, sqlite3_column_value(listing, 0));
            ck_assert_int_eq(sqlite3_step(hex), SQLITE_ROW);
            const char *now = (const char *)sqlite3_column_text(hex, 0);
            ck_assert_msg(!last || (descending ? strcmp(now, last) < 0 : strcmp(now, last) > 0), "%s after %s", now,
                          last);
            last = TEXT("%s", now);
            sqlite3_finalize(hex);
            char *some = random_bytes(&random, 4);
            TEXTS(changes, "DELETE FROM t WHERE path >= CAST(%s AS TEXT) AND value %% 3",
                  "INSERT OR REPLACE INTO t(path, value) VALUES(CAST(%s AS TEXT), 1)", "BEGIN", "ROLLBACK",
                  "INSERT INTO t(t) VALUES('flush')");
            sql_try(db, changes[random_below(&random, 5)], some);
        }
        sqlite3_finalize(listing);
    }
}

SUITE("listing", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
