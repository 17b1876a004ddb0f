/* Reading a snapshot: by WHERE snapshot = ..., as a listing's fourth argument, by functions; and that nothing is
 * written through one.
 *
 * The model is a copy. When a snapshot is made, all rows go into another art table of its name, and their versions into
 * an ordinary one. Whatever is asked of the snapshot afterwards, the copy must answer alike; how a copy answers is what
 * all other programs are about. Histories are random, blobs small.
 *
 * Questions are written once: $T is the table, $F what its functions get behind their arguments, and $S the condition
 * by which the snapshot is read, with AND behind it. $V is the ordinary table, for what is asked of versions.
 */
#include "core/tree/state/hooks.h"
#include "tests/support/sql_one.h"

TEXTS(variants, "log_limit='2KB', summary=(sum(size), max(mtime), lookup(owner), search(note))",
      "storage=inline, log_limit='4KB', summary=(lookup(owner), min(size), search(path))",
      "log_limit='1KB', spill_limit='4KB'");
enum { VARIANTS = 3, SNAPSHOTS = 4 };
#define COLUMNS "path, size INTEGER, mtime INTEGER, owner TEXT, note TEXT"

static void set_up(void) {
    ART_IN_TESTS(sql_link();)
    sql_set_up();
}

static void create(const char *table, const char *options) {
    const char *more = getenv("ART_TABLE_OPTIONS");
    bool both = more && *more && !strstr(options, "storage");
    run("CREATE VIRTUAL TABLE %s USING art(" COLUMNS "%s%s%s%s)", table, *options ? ", " : "", options,
        both ? ", " : "", both ? more : "");
}

/* --- random histories --------------------------------------------------------------------------------------------- */

static char *some_path(struct random *random) {
    TEXTS(names, "a/", "b/", "A/", "ab/", "c", "9", "\xc3\xa9/");
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (uint32_t n = random_below(random, 3); n; n--)
        sqlite3_str_appendall(out, names[random_below(random, LENGTH(names))]);
    sqlite3_str_appendf(out, "f%u", random_below(random, 60));
    return kept(sqlite3_str_finish(out));
}

static void change(struct random *random) {
    uint32_t n = random_below(random, 1000);
    switch (random_below(random, 9)) {
    case 0:
        run("DELETE FROM t WHERE path GLOB '%c/*' AND size %% 5 = %u", "abA"[n % 3], n % 5);
        break;
    case 1:
        run("UPDATE t SET size = size + %u, note = NULL WHERE size %% 7 = %u", n, n % 7);
        break;
    case 2:
        run("UPDATE OR REPLACE t SET path = path || '%u' WHERE mtime %% 11 = %u", n % 10, n % 11);
        break;
    case 3:
        run("INSERT INTO t(t) VALUES('%s')", n % 3 ? "flush" : "optimize");
        break;
    case 4:
        if (n % 4 == 0) run("DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path = 'ab/'");
        break;
    default:
        for (uint32_t i = 0; i < 30; i++) {
            run("INSERT OR REPLACE INTO t VALUES('%s', %u, %u, 'o%u', 'word%u of %s')", some_path(random), n + i,
                n * i % 97, i % 4, i % 5, n % 2 ? "rain" : "Rain");
        }
    }
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* The question with what stands for the letters. */
static char *worded(const char *question, const char *table, const char *of_function, const char *condition,
                    const char *versions) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *p = question; *p; p++) {
        const char *word = *p != '$'     ? NULL
                           : p[1] == 'T' ? table
                           : p[1] == 'F' ? of_function
                           : p[1] == 'S' ? condition
                           : p[1] == 'V' ? versions
                                         : NULL;
        if (word) sqlite3_str_appendall(out, word);
        if (word)
            p++;
        else
            sqlite3_str_appendchar(out, 1, *p);
    }
    return kept(sqlite3_str_finish(out));
}

/* The name as SQL, which the planner may know or not. */
static char *spelled(struct random *random, const char *name) {
    TEXTS(forms, "'%s'", "(SELECT '%s')", "'%s' || ''", "CAST('%s' AS TEXT)");
    return TEXT(forms[random_below(random, LENGTH(forms))], name);
}

static void same(struct random *random, const char *question, const char *name) {
    char *text = spelled(random, name);
    char *of_snapshot = worded(question, "t", TEXT(", %s", text), TEXT("x.snapshot = %s AND", text), "t");
    char *of_copy = worded(question, name, "", "", TEXT("v%s", name));
    char *found = sql_answer_to(db, of_snapshot), *wanted = sql_answer_to(db, of_copy);
    if (!strcmp(found, wanted)) return;
    ck_abort_msg("%s\n%s\n  snapshot:\n%s\n  copy:\n%s", of_snapshot,
                 sql_rows(db, "EXPLAIN QUERY PLAN %s", of_snapshot), found, wanted);
}

#define ROW "x.path, x.size, x.mtime, x.owner, x.note"
TEXTS(questions, /* point, list, range, patterns */
      "SELECT " ROW " FROM $T x WHERE $S x.path = 'a/f7'",
      "SELECT " ROW " FROM $T x WHERE $S x.path IN ('a/f7', 'b/f8', 'c', 'f9', 9, NULL) ORDER BY path DESC",
      "SELECT " ROW " FROM $T x WHERE $S x.path > 'a/f5' AND x.path <= 'b/f3' ORDER BY path",
      "SELECT " ROW " FROM $T x WHERE $S 1 ORDER BY path DESC LIMIT 9 OFFSET 3",
      "SELECT x.path FROM $T x WHERE $S x.path GLOB 'a/*[13579]' ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.path LIKE 'A/%7%' ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.path = 5 ORDER BY path",
      "SELECT count(*) FROM $T x WHERE $S x.path GLOB 'a*'",
      "SELECT count(*), min(path), max(path) FROM $T x WHERE $S 1",
      "SELECT x.path FROM $T x WHERE $S (x.path = 'a/f7' OR x.path GLOB 'b/*') ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S (x.path GLOB 'a/*' OR x.size = 40 OR x.owner = 'o1') ORDER BY path",
      /* other columns, lookups, searches */
      "SELECT " ROW " FROM $T x WHERE $S x.owner = 'o1' ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.owner IN ('o1', 'o3') AND x.size > 300 ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.note LIKE '%word3%' ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.note GLOB '*Rain*' AND x.path GLOB 'a*' ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.path LIKE '%f1%f%' ORDER BY path",
      "SELECT x.path FROM $T x WHERE $S x.note IS NULL ORDER BY path",
      "SELECT x.owner, count(*), sum(x.size) FROM $T x WHERE $S x.size <> 3 GROUP BY 1 ORDER BY 1",
      /* best first */
      "SELECT x.path, x.size FROM $T x WHERE $S 1 ORDER BY x.size DESC, x.path LIMIT 7",
      "SELECT x.path, x.mtime FROM $T x WHERE $S x.path GLOB 'a/*' ORDER BY x.mtime DESC, x.path LIMIT 20",
      "SELECT max(x.mtime), min(x.size) FROM $T x WHERE $S 1", "SELECT max(x.mtime) FROM $T x WHERE $S 1",
      /* levels */
      "SELECT " ROW ", x.entries FROM $T x WHERE $S x.prefix = '' AND x.delimiter = '/'",
      "SELECT x.path, x.entries FROM $T x WHERE $S x.prefix = 'a/' AND x.delimiter = '/' AND x.path > 'a/b' ORDER BY 1 "
      "DESC",
      "SELECT x.path, x.entries FROM $T x WHERE $S x.prefix = 'a/' AND x.delimiter = '/' AND x.start_after = 'a/f3'",
      "SELECT x.path FROM $T x WHERE $S x.prefix = 'a/b/' ORDER BY path",
      /* longest prefix */
      "SELECT " ROW " FROM $T x WHERE $S x.path MATCH 'a/f7/more'",
      "SELECT x.path FROM $T x WHERE $S x.path MATCH 'a/f7/more' AND x.delimiter = '/'",
      /* functions */
      "SELECT art_count('$T', 'a/'$F), art_count('$T', ''$F), art_nth('$T', 'a', 3$F), art_rank('$T', 'b/'$F)",
      "SELECT art_longest_prefix('$T', 'a/f7/more', ''$F), art_longest_prefix('$T', 'ab/f8/x', '/'$F)",
      /* versions */
      "SELECT x.path, x.row_version FROM $V x WHERE $S x.row_version > 9 ORDER BY path",
      "SELECT x.path FROM $V x WHERE $S x.row_version > 40 AND x.path > 'a' ORDER BY path",
      "SELECT count(*), max(x.row_version) FROM $V x WHERE $S x.row_version >= 30");
TEXTS(summed, "SELECT art_sum('$T', 'size', 'a/'$F), art_sum('$T', 'size', ''$F), art_max('$T', 'mtime', ''$F)");

/* By the table-valued function. */
static void same_listing(struct random *random, const char *name) {
    EACH(listing, "SELECT path, size, mtime, owner, entries FROM %s('', '/', 'a/f1'%s%s)",
         "SELECT path, entries FROM %s('a/', '/', 'a/'%s%s) WHERE path > 'a/f3' ORDER BY path DESC",
         "SELECT count(*), sum(entries) FROM %s('', '/', 'A'%s%s)") {
        char *found = kept(sql_rows(db, listing, "t", ", ", spelled(random, name)));
        char *wanted = kept(sql_rows(db, listing, name, "", ""));
        ck_assert_str_eq(found, wanted);
    }
}

static void compare(struct random *random, const char *name, bool has_sums) {
    for (int i = 0; i < LENGTH(questions); i++) same(random, questions[i], name);
    for (int i = 0; has_sums && i < LENGTH(summed); i++) same(random, summed[i], name);
    same_listing(random, name);
    kept_clear();
}

/* --- two states in one statement ---------------------------------------------------------------------------------- */

static void compare_two(struct random *random, const char *before, const char *after) {
    char *first = TEXT("a.snapshot = %s AND", spelled(random, before)),
         *second = TEXT("b.snapshot = %s AND", spelled(random, after));
    EACH(join, "SELECT a.path FROM $A a, $B b WHERE $1 $2 a.path = b.path AND a.size <> b.size ORDER BY 1",
         "SELECT a.path, b.path FROM $A a LEFT JOIN $B b ON $2 b.path = a.path WHERE $1 1 ORDER BY 1",
         "SELECT a.path FROM $A a WHERE $1 NOT EXISTS (SELECT 1 FROM $B b WHERE $2 b.path = a.path) ORDER BY 1",
         "SELECT a.path, (SELECT count(*) FROM $B b WHERE $2 b.path > a.path) FROM $A a WHERE $1 a.path < 'ab' ORDER "
         "BY 1",
         "SELECT path FROM $A a WHERE $1 1 EXCEPT SELECT path FROM $B b WHERE $2 1 ORDER BY 1",
         "SELECT a.path, a.size, b.size FROM $A a JOIN $B b ON $1 $2 b.owner = a.owner AND b.mtime = a.mtime ORDER BY "
         "1, 2, 3",
         "SELECT a.path FROM $A a WHERE $1 a.path IN (SELECT b.path FROM $B b WHERE $2 b.size > 200) ORDER BY 1") {
        sqlite3_str *of_snapshots = sqlite3_str_new(NULL), *of_copies = sqlite3_str_new(NULL);
        for (const char *p = join; *p; p++) {
            if (*p != '$') {
                sqlite3_str_appendchar(of_snapshots, 1, *p);
                sqlite3_str_appendchar(of_copies, 1, *p);
                continue;
            }
            p++;
            if (*p == 'A' || *p == 'B') sqlite3_str_appendall(of_snapshots, "t");
            if (*p == 'A' || *p == 'B') sqlite3_str_appendall(of_copies, *p == 'A' ? before : after);
            if (*p == '1' || *p == '2') sqlite3_str_appendall(of_snapshots, *p == '1' ? first : second);
        }
        char *text = kept(sqlite3_str_finish(of_snapshots));
        char *found = sql_answer_to(db, text), *wanted = sql_answer_to(db, kept(sqlite3_str_finish(of_copies)));
        ck_assert_msg(!strcmp(found, wanted), "%s\n%s\n  snapshots:\n%s\n  copies:\n%s", text,
                      sql_rows(db, "EXPLAIN QUERY PLAN %s", text), found, wanted);
    }
    kept_clear();
}

/* --- a history ---------------------------------------------------------------------------------------------------- */

static void take(const char *name, const char *options) {
    sql_snapshot(db, name);
    create(name, options);
    run("INSERT INTO %s SELECT * FROM t; CREATE TABLE v%s AS SELECT path, row_version FROM t", name, name);
}

static void leave(const char *name) {
    sql_snapshot_drop(db, name);
    run("DROP TABLE %s; DROP TABLE v%s", name, name);
}

LOOP_TEST(test_a_snapshot_answers_as_a_copy_of_its_time, VARIANTS) {
    struct random random = random_announced("reads of snapshots");
    const char *options = variants[_i];
    const char *names[SNAPSHOTS] = {"s0", "s1", "s2", "s3"};
    bool there[SNAPSHOTS] = {false};
    ART_IN_TESTS(art_test_hooks.blob_pages = 4;)
    create("t", options);
    for (int round = 0; round < 6 * (int)random_scale(); round++) {
        if (!random_span(&random)) continue;
        uint32_t which = random_below(&random, SNAPSHOTS);
        if (there[which]) leave(names[which]);
        for (uint32_t n = 1 + random_below(&random, 4); n; n--) change(&random);
        take(names[which], options);
        there[which] = true;
        if (random_once_in(&random, 5)) sql_reopen();
        bool in_transaction = random_below(&random, 2);
        if (in_transaction) run("BEGIN");
        for (uint32_t n = random_below(&random, 4); n; n--) change(&random);
        for (uint32_t i = 0; i < SNAPSHOTS; i++) {
            if (there[i]) compare(&random, names[i], _i == 0);
            if (there[i] && there[(i + 1) % SNAPSHOTS]) compare_two(&random, names[i], names[(i + 1) % SNAPSHOTS]);
        }
        if (in_transaction) run(random_below(&random, 2) ? "COMMIT" : "ROLLBACK");
    }
    expect("ok\n", "SELECT art_check('t')");
}

/* --- copies out of a snapshot ------------------------------------------------------------------------------------- */

/* An ordinary table has the same rows, and goes through the same transaction. */
static void expect_model(void) {
    expect("0|0\n", "SELECT (SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM m)),"
                    "(SELECT count(*) FROM (SELECT * FROM m EXCEPT SELECT * FROM t))");
    expect("1\n", "SELECT art_count('t', '') = (SELECT count(*) FROM m)");
}

static void remove_from_both(const char *prefix) {
    EACH(table, "t", "m") {
        run("DELETE FROM %s WHERE substr(path, 1, %d) = '%s'", table, (int)strlen(prefix), prefix);
    }
}

/* As INSERT ... SELECT into a place where nothing is. */
static void copy_out(struct random *random, const char *name) {
    TEXTS(prefixes, "", "a/", "b/", "A/", "ab/", "a/f", "f", "none/");
    TEXTS(targets, "", "a/", "new/", "b/fork/", "f", "zz");
    const char *from = prefixes[random_below(random, LENGTH(prefixes))];
    const char *to = random_below(random, 2) ? from : targets[random_below(random, LENGTH(targets))];
    char *copy = TEXT("INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', '%s', '%s', '%s')", from, to, name);
    ART_IN_TESTS(art_test_hooks.as_one = random_below(random, 2);)
    char *taken = sql_answer_to(db, TEXT("SELECT art_count('t', '%s') AND art_count('t', '%s', '%s')", to, from, name));
    if (strcmp(taken, "0\n") && random_below(random, 2)) {
        refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed", copy);
        expect_model();
    }
    remove_from_both(to);
    run("%s", copy);
    run("INSERT INTO m SELECT '%s' || substr(path, %d), size, mtime, owner, note FROM t "
        "WHERE snapshot = '%s' AND substr(path, 1, %d) = '%s'",
        to, (int)strlen(from) + 1, name, (int)strlen(from), from);
    expect_model();
    ART_IN_TESTS(art_test_hooks.as_one = false;)
}

LOOP_TEST(test_a_copy_out_of_a_snapshot_is_an_insert_of_its_rows, VARIANTS) {
    struct random random = random_announced("copies out of snapshots");
    ART_IN_TESTS(art_test_hooks.blob_pages = 4;)
    create("t", variants[_i]);
    run("CREATE TABLE m(path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, owner TEXT, note TEXT)");
    for (int round = 0; round < 2 + (int)random_rounds(10); round++) {
        if (!random_span(&random)) continue;
        for (uint32_t n = random_below(&random, 4); n; n--) change(&random);
        run("UPDATE t SET note = printf('%%.*c', 3000 + size %% 5000, 'w') WHERE size %% 17 = %u",
            random_below(&random, 17));
        if (round % 4 == 0) sql_snapshot(db, TEXT("s%d", round));
        if (random_once_in(&random, 4)) change(&random);
        run("DELETE FROM m; INSERT INTO m SELECT * FROM t");
        char *name = TEXT("s%d", round / 4 * 4);
        bool in_transaction = random_below(&random, 2);
        run(in_transaction
                ? "BEGIN; DELETE FROM t WHERE path GLOB 'b*'; DELETE FROM m WHERE path GLOB 'b*'; SAVEPOINT s"
                : "SELECT 1");
        copy_out(&random, name);
        if (in_transaction && random_below(&random, 2)) run("ROLLBACK TO s");
        if (in_transaction) copy_out(&random, name);
        if (in_transaction) run(random_below(&random, 2) ? "COMMIT" : "ROLLBACK");
        if (random_once_in(&random, 4)) sql_reopen();
        expect_model();
        if (round % 4 == 3) sql_snapshot_drop(db, name);
        if (round % 4 == 3) run("INSERT INTO t(t) VALUES('optimize')");
        expect_model();
        kept_clear();
    }
    expect("ok\n", "SELECT art_check('t')");
}

/* --- by hand ------------------------------------------------------------------------------------------------------ */

/* monday: a/1 .. a/9 and b/1, sizes 1 to 9 and 100. Now: sizes 11 to 19, b/1 is gone, c/1 is new. */
static void fill_example(void) {
    create("t", "summary=(sum(size), max(mtime))");
    run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) "
        "INSERT INTO t SELECT 'a/' || i, i, i, 'me', NULL FROM n;"
        "INSERT INTO t VALUES('b/1', 100, 0, 'you', NULL)");
    sql_snapshot(db, "monday");
    run("UPDATE t SET size = size + 10; DELETE FROM t WHERE path = 'b/1'; INSERT INTO t(path) VALUES('c/1')");
}

static const char *const now = "a/1|11\na/2|12\na/3|13\na/4|14\na/5|15\na/6|16\na/7|17\na/8|18\na/9|19\nc/1|\n";
static const char *const monday = "a/1|1\na/2|2\na/3|3\na/4|4\na/5|5\na/6|6\na/7|7\na/8|8\na/9|9\nb/1|100\n";

static void expect_now(void) {
    expect(now, "SELECT path, size FROM t ORDER BY path");
    expect(monday, "SELECT path, size FROM t WHERE snapshot = 'monday' ORDER BY path");
}

TEST(test_null_is_the_table_as_it_is_now) {
    fill_example();
    expect(now, "SELECT path, size FROM t WHERE snapshot IS NULL");
    expect(now, "SELECT path, size FROM t WHERE snapshot = NULL");
    expect(now, "SELECT path, size FROM t WHERE snapshot = (SELECT NULL)");
    expect(now, "SELECT path, size FROM t WHERE snapshot = (SELECT NULL) AND snapshot IS NULL");
    expect("", "SELECT path, size FROM t WHERE snapshot = 'monday' AND snapshot IS NULL");
    expect("a/|9|135\nc/|1|0\n", "SELECT path, entries, size FROM t('', '/', '', NULL)");
    expect("9|135|11|a/3\n", "SELECT art_count('t', 'a/', NULL), art_sum('t', 'size', 'a/', NULL),"
                             "art_min('t', 'size', 'a/', NULL), art_nth('t', 'a/', 2, NULL)");
    sqlite3_stmt *bound = sql_prepare(db, "SELECT count(*), sum(size) FROM t WHERE snapshot = ?1");
    ck_assert_str_eq(kept(sql_answer(bound)), sql_answer_to(db, "SELECT 10, 135"));
    sqlite3_bind_text(bound, 1, "monday", -1, SQLITE_STATIC);
    ck_assert_str_eq(kept(sql_answer(bound)), sql_answer_to(db, "SELECT 10, 145"));
    sqlite3_finalize(bound);
}

TEST(test_a_name_that_is_none_is_refused) {
    fill_example();
    EACH(name, "'tuesday'", "''", "'Monday'", "'monday '", "'monday' || char(0)", "(SELECT 'x')") {
        EACH(statement, "SELECT * FROM t WHERE snapshot = %s", "SELECT * FROM t WHERE path = 'a/1' AND snapshot = %s",
             "SELECT * FROM t('', '/', '', %s)", "SELECT art_count('t', '', %s)",
             "SELECT art_longest_prefix('t', 'a', '', %s)", "DELETE FROM t WHERE snapshot = %s") {
            refuses(SQLITE_ERROR, "art: there is no snapshot '", TEXT(statement, name));
        }
    }
    refuses(SQLITE_ERROR, "(t): see art_snapshots('main.t')", "SELECT * FROM t WHERE snapshot = 'tuesday'");
    EACH(value, "5", "1.5", "x'6d6f6e646179'", "(SELECT 5)") {
        EACH(statement, "SELECT * FROM t WHERE snapshot = %s", "SELECT * FROM t WHERE path = 'a/1' AND snapshot = %s",
             "SELECT art_rank('t', '', %s)") {
            refuses(SQLITE_MISMATCH, "art: a snapshot's name is a text, no number and no BLOB (t)",
                    TEXT(statement, value));
        }
    }
    run("ATTACH ':memory:' AS other; CREATE VIRTUAL TABLE other.t USING art(path)");
    refuses(SQLITE_ERROR, "see art_snapshots('other.t')", "SELECT * FROM other.t WHERE snapshot = 'monday'");
    refuses(SQLITE_MISMATCH, "see art_snapshots('other.t')", "SELECT * FROM other.t WHERE snapshot = 5");
    run("BEGIN");
    sql_snapshot(db, "tuesday");
    refuses(SQLITE_ERROR, "art: the snapshot 'tuesday' is not committed yet (t): read it after the COMMIT",
            "SELECT * FROM t WHERE snapshot = 'tuesday'");
    run("COMMIT");
    expect("10\n", "SELECT count(*) FROM t WHERE snapshot = 'tuesday'");
    expect_now();
}

TEST(test_the_column_shows_the_name) {
    fill_example();
    sql_snapshot(db, "tuesday");
    expect("monday|10|145\ntuesday|10|135\n",
           "SELECT snapshot, count(*), sum(size) FROM t WHERE snapshot IN ('monday', 'tuesday', NULL) GROUP BY 1");
    expect("monday|text|9\n", "SELECT snapshot, typeof(snapshot), entries FROM t('', '/', '', 'monday') LIMIT 1");
    expect("null\n", "SELECT DISTINCT typeof(snapshot) FROM t WHERE snapshot IS NULL");
    refuses(SQLITE_ERROR, "art: snapshot is a hidden column of this table", "SELECT DISTINCT typeof(snapshot) FROM t");
    expect("", "SELECT path FROM t WHERE snapshot = 'monday' AND snapshot = 'tuesday'");
    expect("10\n", "SELECT count(*) FROM t WHERE snapshot = 'monday' AND snapshot = 'mon' || 'day'");
    run("CREATE VIEW v AS SELECT path, size, snapshot FROM t");
    expect("a/1|1|monday\n", "SELECT * FROM v WHERE snapshot = 'monday' LIMIT 1");
    expect("10\n", "SELECT count(*) FROM v");
}

/* A join's side that gives the name stands first, whatever else would be cheaper. */
TEST(test_the_name_comes_from_another_table) {
    fill_example();
    run("CREATE TABLE names(name TEXT); INSERT INTO names VALUES('monday'), (NULL)");
    expect("|135\nmonday|145\n",
           "SELECT name, sum(size) FROM names JOIN t ON t.snapshot = names.name GROUP BY name ORDER BY name");
    expect("monday|1\n|11\n", "SELECT name, size FROM names LEFT JOIN t ON t.snapshot = name AND path = 'a/1'");
    expect("monday|1\n|11\n", "SELECT name, (SELECT size FROM t WHERE snapshot = name AND path = 'a/1') FROM names");
    expect("monday|145|10\n", "SELECT name, art_sum('t', 'size', '', name), entries FROM art_snapshots('t')");
    run("INSERT INTO names VALUES('no')");
    refuses(SQLITE_ERROR, "art: there is no snapshot 'no'", "SELECT count(*) FROM names JOIN t ON t.snapshot = name");
}

/* In any order of the tables: the planner must not begin with one whose snapshot is not known yet, though it may. */
TEST(test_a_join_reads_the_snapshot_of_whichever_side_knows_it) {
    fill_example();
    sql_snapshot(db, "tuesday");
    run("INSERT INTO t VALUES('a/0', 1000, 0, NULL, NULL); CREATE TABLE names(name TEXT);"
        "INSERT INTO names VALUES('monday'), ('tuesday')");
    TEXTS(sources, "names s", "art_snapshots('t') s", "t a", "t b", "t c");
    static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned source = 0; source < 2; source++) {
        for (unsigned i = 0; i < LENGTH(orders); i++) {
            const char *from[3];
            for (unsigned k = 0; k < 3; k++) from[k] = sources[orders[i][k] ? orders[i][k] + 1U : source];
            char *tables = TEXT("%s, %s, %s", from[0], from[1], from[2]);
            expect("monday|10|145|145\ntuesday|10|135|135\n",
                   TEXT("SELECT s.name, count(*), sum(a.size), sum(b.size) FROM %s WHERE a.snapshot = s.name "
                        "AND b.snapshot = a.snapshot AND b.path = a.path GROUP BY 1",
                        tables));
            expect("monday|tuesday|1|11\n",
                   TEXT("SELECT a.snapshot, b.snapshot, a.size, b.size FROM %s WHERE a.snapshot = s.name "
                        "AND b.snapshot = 'tuesday' AND b.path = a.path AND a.size <> b.size ORDER BY a.path LIMIT 1",
                        tables));
        }
    }
    EACH(given, "a.snapshot = 'monday'", "b.snapshot = 'monday'", "snapshot = (SELECT 'monday')",
         "b.snapshot IN ('monday')", "b.snapshot IN (SELECT name FROM names WHERE name < 'n')") {
        expect("10|145|145\n", TEXT("SELECT count(*), sum(a.size), sum(b.size) FROM t a JOIN t b "
                                    "USING(path, snapshot) WHERE %s",
                                    given));
    }
    expect("10\n", "SELECT count(*) FROM t a JOIN t b USING(path, snapshot) JOIN t c USING(path, snapshot) "
                   "WHERE c.snapshot = 'monday'");
    expect("10|145\n", "SELECT count(*), sum(b.size) FROM t a LEFT JOIN t b USING(path, snapshot) "
                       "WHERE a.snapshot = 'monday'");
    expect("11|45\n",
           "SELECT count(*), sum(b.size) FROM t a LEFT JOIN t b ON b.path = a.path AND b.snapshot = 'monday'");
    expect("100|1|11\n", "SELECT a.size, b.size, t.size FROM t a, t b, t WHERE a.path = 'b/1' AND b.path = 'a/1' "
                         "AND t.path = b.path AND b.snapshot = 'monday' AND a.snapshot = b.snapshot");
}

/* There NULL is its name, as elsewhere. */
TEST(test_a_join_of_which_no_side_knows_a_snapshot_reads_the_table_as_it_is_now) {
    fill_example();
    expect("10|135|135\n", "SELECT count(*), sum(a.size), sum(b.size) FROM t a JOIN t b USING(path, snapshot)");
    expect("10|135|135\n", "SELECT count(*), sum(a.size), sum(b.size) FROM t a LEFT JOIN t b USING(path, snapshot) "
                           "WHERE a.snapshot IS NULL");
    expect("10\n", "SELECT count(*) FROM t a JOIN t b USING(path, snapshot) JOIN t c USING(path, snapshot)");
    expect("10|135\n", "SELECT count(*), sum(size) FROM t a WHERE snapshot IS NULL AND EXISTS"
                       "(SELECT 1 FROM t b WHERE b.path = a.path AND b.snapshot = a.snapshot)");
    expect("10|135\n", "SELECT count(*), sum(a.size) FROM t a JOIN t b USING(path, snapshot) WHERE snapshot = NULL");
    /* Newer versions of SQLite make a join of EXISTS. */
    static const char unknown[] = "art: snapshot is a hidden column of this table";
    refuses(SQLITE_ERROR, unknown, "SELECT count(*) FROM t a LEFT JOIN t b USING(path, snapshot)");
    if (sqlite3_libversion_number() < 3051000) {
        refuses(SQLITE_ERROR, unknown,
                "SELECT 1 FROM t a WHERE EXISTS(SELECT 1 FROM t b WHERE b.path = a.path AND b.snapshot = a.snapshot)");
    }
}

TEST(test_copy_takes_the_rows_of_a_snapshot_or_of_the_table) {
    fill_example();
    run("INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', 'a/', 'fork/', 'monday')");
    expect("9|45|9|135\n", "SELECT art_count('t', 'fork/'), art_sum('t', 'size', 'fork/'), art_count('t', "
                           "'a/'),art_sum('t', 'size', 'a/')");
    run("INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', 'a/', 'as it is/', NULL)");
    expect("135\n", "SELECT art_sum('t', 'size', 'as it is/')");
    run("DELETE FROM t; INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', '', '', 'monday')");
    expect(monday, "SELECT path, size FROM t ORDER BY path");
    expect("0\n", "SELECT count(*) FROM t WHERE row_version <= (SELECT version FROM art_snapshots('t'))");
    static const char copy[] = "INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', 'a/', 'c/', %s)";
    refuses(SQLITE_ERROR, "art: there is no snapshot 'x' (t)", TEXT(copy, "'x'"));
    refuses(SQLITE_MISMATCH, "art: a snapshot's name is a text", TEXT(copy, "5"));
    refuses(SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: t.path: there are rows below 'b/'",
            "INSERT INTO t(t, prefix, path, snapshot) VALUES('copy', 'a/', 'b/', 'monday')");
    refuses(SQLITE_ERROR, "art: 'move' takes no other column",
            "INSERT INTO t(t, prefix, path, snapshot) VALUES('move', 'a/', 'c/', 'monday')");
    refuses(SQLITE_ERROR, "art: 'delete' takes no other column",
            "INSERT INTO t(t, prefix, snapshot) VALUES('delete', 'a/', 'monday')");
    run("BEGIN");
    sql_snapshot(db, "tuesday");
    refuses(SQLITE_ERROR, "art: the snapshot 'tuesday' is not committed yet", TEXT(copy, "'tuesday'"));
    run("COMMIT");
    expect(monday, "SELECT path, size FROM t ORDER BY path");
}

/* SQLite tells a DELETE's own scan from those of its subqueries by nothing but their order. */
TEST(test_nothing_is_written_through_a_snapshot) {
    fill_example();
    sql_snapshot(db, "tuesday");
    run("CREATE TABLE log(name TEXT); CREATE TABLE names(name TEXT); INSERT INTO names VALUES('a/1'), ('a/2');"
        "CREATE TRIGGER deletes AFTER INSERT ON log BEGIN DELETE FROM t WHERE snapshot = NEW.name; END;"
        "CREATE TRIGGER updates AFTER DELETE ON names BEGIN UPDATE t SET size = 0 WHERE snapshot = 'monday';"
        "END");
    EACH(which, "", " AND path = 'a/1'", " AND path IN ('a/1', 'a/2')", " AND path GLOB 'a/*'", " AND size > 3",
         " AND (path = 'a/1' OR path = 'a/2')", " AND path IN (SELECT name FROM names)", " AND path LIKE 'A/%'",
         " AND path = (SELECT max(path) FROM t AS n WHERE path GLOB 'a/*')", " AND path MATCH 'a/1/x'",
         " AND EXISTS (SELECT 1 FROM t AS n WHERE n.path = t.path)", " AND row_version > 0",
         " AND size < (SELECT n.size FROM t AS n WHERE n.path = t.path)",
         " AND NOT EXISTS (SELECT 1 FROM t AS n WHERE n.path = t.path || 'x')",
         " AND prefix = '' AND delimiter = '/' AND path = 'a/'", " AND prefix = '' AND delimiter = '/'",
         " AND prefix = 'a/' AND delimiter = '/' AND path = 'a/3'", " AND prefix IN ('a/', 'x', 'b/')",
         " AND path = 'b/1'") {
        EACH(name, "snapshot = 'monday'", "snapshot = (SELECT 'monday')", "snapshot IN ('monday')",
             "snapshot IN ('monday', 'tuesday')") {
            refuses(SQLITE_READONLY, "art: a snapshot is read only (t.snapshot)",
                    TEXT("DELETE FROM t WHERE %s%s", name, which));
            char *update =
                TEXT("UPDATE t SET %s WHERE %s%s", strstr(which, "= '/'") ? "path = 'x/'" : "size = 0", name, which);
            refuses(SQLITE_READONLY, "art: a snapshot is read only (t.snapshot)", update);
        }
        kept_clear();
    }
    refuses(SQLITE_READONLY, "a snapshot is read only", "INSERT INTO log VALUES('monday')");
    refuses(SQLITE_READONLY, "a snapshot is read only", "DELETE FROM names");
    refuses(SQLITE_READONLY, "a snapshot is read only",
            "UPDATE t SET size = n.size FROM t AS n WHERE n.path = t.path AND t.snapshot = 'monday'");
    refuses(SQLITE_READONLY, "a snapshot is read only", "UPDATE t SET snapshot = 'monday' WHERE path = 'a/1'");
    refuses(SQLITE_ERROR,
            "art: the hidden column snapshot cannot be written (t.snapshot): leave it out, or make a "
            "snapshot by INSERT INTO t(t, snapshot) VALUES('snapshot', ...)",
            "INSERT INTO t(path, snapshot) VALUES('x', 'monday')");
    run("DELETE FROM t WHERE snapshot = 'monday' AND path = 'x'");
    expect_now();
    expect("0|2\n", "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM names)");
}

/* Rows of the table, chosen by a snapshot. */
TEST(test_a_snapshot_chooses_the_rows_that_are_written) {
    fill_example();
    run("CREATE TABLE log(name TEXT);"
        "CREATE TRIGGER deletes AFTER INSERT ON log BEGIN "
        "DELETE FROM t WHERE path IN (SELECT path FROM t WHERE snapshot = 'monday' AND size = NEW.name); END;"
        "BEGIN");
    EACH(statement, "DELETE FROM t WHERE path IN (SELECT path FROM t WHERE snapshot = 'monday')",
         "DELETE FROM t WHERE path IN (SELECT path FROM t('a/', '/', '', 'monday'))",
         "DELETE FROM t WHERE path GLOB 'a/*' AND EXISTS (SELECT 1 FROM t s WHERE s.snapshot = 'monday' AND s.path = "
         "t.path)",
         "DELETE FROM t WHERE snapshot IS NULL AND path IN (SELECT path FROM t WHERE snapshot = 'monday')",
         "DELETE FROM t WHERE size - 10 = (SELECT s.size FROM t s WHERE s.snapshot = 'monday' AND s.path = t.path)",
         "DELETE FROM t WHERE snapshot = (SELECT NULL) AND prefix = '' AND delimiter = '/' AND path = 'a/'",
         "INSERT INTO log VALUES(1), (2), (3), (4), (5), (6), (7), (8), (9)") {
        run("SAVEPOINT s; %s", statement);
        expect("c/1|\n", "SELECT path, size FROM t");
        run("ROLLBACK TO s");
    }
    run("UPDATE t SET size = s.size FROM t AS s WHERE s.snapshot = 'monday' AND s.path = t.path");
    expect("45\n", "SELECT sum(size) FROM t");
    run("ROLLBACK TO s;"
        "UPDATE t SET size = (SELECT s.size FROM t s WHERE s.snapshot = 'monday' AND s.path = t.path)");
    expect("45\n", "SELECT sum(size) FROM t");
    run("ROLLBACK TO s; INSERT OR REPLACE INTO t SELECT * FROM t WHERE snapshot = 'monday' AND path GLOB '[ab]*'");
    expect("11|145\n", "SELECT count(*), sum(size) FROM t");
    run("ROLLBACK TO s; DELETE FROM t; INSERT INTO t SELECT * FROM t WHERE snapshot = 'monday'");
    expect(monday, "SELECT path, size FROM t");
    run("ROLLBACK");
    expect_now();
}

TEST(test_a_scan_of_a_snapshot_goes_on_whatever_becomes_of_the_table) {
    fill_example();
    EACH(question, "SELECT path, size FROM t WHERE snapshot = 'monday' ORDER BY path",
         "SELECT path, size FROM t WHERE snapshot = 'monday' AND path IN ('a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6', "
         "'a/7', 'a/8', 'a/9', 'b/1') ORDER BY path",
         "SELECT path, size FROM t WHERE snapshot = 'monday' AND size < 1000 ORDER BY path",
         "SELECT path, size FROM t WHERE snapshot = 'monday' AND (path < 'a/5' OR path >= 'a/5') ORDER BY path",
         "SELECT path, size FROM t('', '/', '', 'monday') WHERE entries = 0 UNION ALL "
         "SELECT path, size FROM t('a/', '/', '', 'monday') UNION ALL SELECT path, size FROM t('b/', '/', '', "
         "'monday')") {
        sqlite3_stmt *scan = sql_prepare(db, "%s", question);
        sqlite3_str *rows = sqlite3_str_new(NULL);
        int row = 0;
        TEXTS(between, "INSERT INTO t(t) VALUES('flush')", "BEGIN; DELETE FROM t", "INSERT INTO t(path) VALUES('a/55')",
              "SAVEPOINT s; DELETE FROM t", "ROLLBACK TO s", "ROLLBACK", "BEGIN; DELETE FROM t",
              "COMMIT; INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t SELECT * FROM t WHERE snapshot = 'monday'");
        for (; sqlite3_step(scan) == SQLITE_ROW; row++) {
            sqlite3_str_appendf(rows, "%s|%s\n", sqlite3_column_text(scan, 0), sqlite3_column_text(scan, 1));
            run("%s", between[row % LENGTH(between)]);
        }
        char *text = kept(sqlite3_str_finish(rows));
        ck_assert_msg(!strcmp(text, monday), "%s\n%s", question, text);
        sqlite3_finalize(scan);
        if (!sqlite3_get_autocommit(db)) run("COMMIT");
    }
    expect(monday, "SELECT path, size FROM t WHERE snapshot = 'monday' ORDER BY path");
}

/* A counting scan is asked for nothing but the number of rows, and catches up when it is asked for more. */
TEST(test_a_scan_of_a_snapshot_counts) {
    create("t", "");
    fill_rows("INTO t(path, size)", 1, 500, "printf('%%04d', i), i");
    sql_snapshot(db, "all");
    run("DELETE FROM t WHERE size > 20");
    expect("500\n", "SELECT count(*) FROM t WHERE snapshot = 'all'");
    expect("20\n", "SELECT count(*) FROM t");
    sqlite3_stmt *scan = sql_prepare(db, "SELECT CASE WHEN ?1 THEN path END FROM t WHERE snapshot = 'all'");
    for (int i = 1; i <= 500; i++) {
        sqlite3_bind_int(scan, 1, 1);
        ck_assert_int_eq(sqlite3_step(scan), SQLITE_ROW);
        if (i == 300) run("DELETE FROM t; INSERT INTO t(t) VALUES('flush')");
    }
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_DONE);
    sqlite3_finalize(scan);
}

/* Another one may get the name, here or elsewhere. */
TEST(test_a_name_is_that_of_the_snapshot_that_has_it_now) {
    fill_example();
    expect("145\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    sql_snapshot_drop(db, "monday");
    sql_snapshot(db, "monday");
    expect("135\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    sqlite3 *other = sql_open(path);
    sql_expect(other, "135\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    run("UPDATE t SET size = 1");
    sql_snapshot_drop(db, "monday");
    sql_refused(other, SQLITE_ERROR, "art: there is no snapshot 'monday'", "SELECT * FROM t WHERE snapshot = 'monday'");
    sql_snapshot(db, "monday");
    sql_expect(other, "10\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    expect("10\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    run("BEGIN");
    sql_snapshot_drop(db, "monday");
    refuses(SQLITE_ERROR, "art: there is no snapshot 'monday'", "SELECT * FROM t WHERE snapshot = 'monday'");
    sql_expect(other, "10\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    sql_snapshot(db, "monday");
    refuses(SQLITE_ERROR, "is not committed yet", "SELECT * FROM t WHERE snapshot = 'monday'");
    run("ROLLBACK");
    expect("10\n", "SELECT sum(size) FROM t WHERE snapshot = 'monday'");
    sql_close(other);
}

/* More than are kept open, and in between so many tables that this one's are closed. */
TEST(test_any_number_of_snapshots_is_read_in_turn) {
    create("t", "");
    for (int i = 0; i < 30; i++) {
        run("INSERT INTO t(path, size) VALUES('%d', %d)", i, i);
        sql_snapshot(db, TEXT("s%d", i));
    }
    expect("30|435\n", "SELECT count(*), sum(entries - 1) FROM art_snapshots('t')");
    expect("465\n", "SELECT sum(art_count('t', '', name)) FROM art_snapshots('t')");
    expect("465\n", "SELECT count(*) FROM art_snapshots('t') s JOIN t ON t.snapshot = s.name");
    sqlite3_stmt *open[12];
    for (int i = 0; i < LENGTH(open); i++) {
        open[i] = sql_prepare(db, "SELECT path FROM t WHERE snapshot = 's%d' ORDER BY path", i);
        ck_assert_int_eq(sqlite3_step(open[i]), SQLITE_ROW);
    }
    for (int i = 0; i < 20; i++) {
        run("CREATE VIRTUAL TABLE u%d USING art(path); INSERT INTO u%d VALUES('a')", i, i);
        run("SELECT * FROM u%d", i);
    }
    for (int i = 0; i < LENGTH(open); i++) {
        int rows = 1;
        while (sqlite3_step(open[i]) == SQLITE_ROW) rows++;
        ck_assert_int_eq(rows, i + 1);
        ck_assert_int_eq(sqlite3_finalize(open[i]), SQLITE_OK);
    }
    expect("465\n", "SELECT count(*) FROM art_snapshots('t') s JOIN t ON t.snapshot = s.name");
    run("DROP TABLE t");
}

TEST(test_columns_that_were_added_later_are_null) {
    fill_example();
    run("INSERT INTO t(t) VALUES('add column kind TEXT')");
    sql_reopen();
    run("UPDATE t SET kind = 'k'");
    expect("a/1||1\n", "SELECT path, kind, size FROM t WHERE snapshot = 'monday' AND path = 'a/1'");
    expect("10\n", "SELECT count(*) FROM t WHERE snapshot = 'monday' AND kind IS NULL");
    expect("0\n", "SELECT count(*) FROM t WHERE snapshot = 'monday' AND kind = 'k'");
    expect("10\n", "SELECT count(*) FROM t WHERE kind = 'k'");
}

TEST(test_plans_say_that_a_snapshot_is_read) {
    create("t", "summary=(sum(size))");
    plan_has("SELECT * FROM t WHERE path = 'a' AND snapshot = 'x'", "path=? AND snapshot=?");
    plan_has("SELECT path FROM t('a/', '/', '', 'x')", "start_after=? AND snapshot=?, level listing, keys only");
    plan_has("SELECT path FROM t WHERE snapshot = 'x' ORDER BY size DESC LIMIT 3", "snapshot=?, best first by size");
    plan_has("SELECT size FROM t WHERE snapshot = 'x' AND size > 5", "snapshot=? AND size>?");
    plan_has("SELECT path FROM t WHERE snapshot = ? AND path MATCH ?", "snapshot=? AND path MATCH ?, longest prefix");
}

/* --- art_snapshots() ---------------------------------------------------------------------------------------------- */

TEST(test_snapshots_are_listed_in_the_order_of_their_names) {
    create("t", "");
    expect("", "SELECT * FROM art_snapshots('t')");
    char *before = kept(sql_rows(db, "SELECT datetime('now')"));
    run("INSERT INTO t(path) VALUES('a'), ('b'), ('c')");
    sql_snapshot(db, "wednesday");
    sql_snapshot(db, "Zoe's");
    run("DELETE FROM t WHERE path = 'a'");
    sql_snapshot(db, "friday");
    expect("Zoe's|2|3\nfriday|4|2\nwednesday|2|3\n", "SELECT name, version, entries FROM art_snapshots('t')");
    expect("3\n", TEXT("SELECT count(*) FROM art_snapshots('main.t') WHERE made BETWEEN trim('%s', char(10)) AND "
                       "datetime('now') AND made = datetime(made)",
                       before));
    expect("integer|text|integer\n",
           "SELECT DISTINCT typeof(version), typeof(made), typeof(bytes) FROM art_snapshots('t')");
    run("BEGIN");
    sql_snapshot(db, "later");
    expect("later|1|1|1|1\n", "SELECT name, version IS NULL, made IS NULL, entries IS NULL, bytes IS NULL "
                              "FROM art_snapshots('t') WHERE name = 'later'");
    run("ROLLBACK");
    refuses(SQLITE_ERROR, "art: there is no art table of that name (nothing)",
            "SELECT * FROM art_snapshots('nothing')");
    refuses(SQLITE_ERROR, "art: art_snapshots needs a table's name", "SELECT * FROM art_snapshots");
    expect("", "SELECT * FROM art_snapshots(NULL)");
}

TEST(test_bytes_are_those_that_only_one_snapshot_holds) {
    create("t", "");
    run("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t(path, size, note) SELECT "
        "printf('%%05d', i), i, '-' || hex(randomblob(10)) FROM n; INSERT INTO t(t) VALUES('optimize')");
    sql_snapshot(db, "a");
    sql_snapshot(db, "b");
    expect("0\n0\n", "SELECT bytes FROM art_snapshots('t')"); /* the table has it, too */
    run("UPDATE t SET size = 0; INSERT INTO t(t) VALUES('optimize')");
    expect("0\n0\n", "SELECT bytes FROM art_snapshots('t')"); /* each has what the other one has */
    sql_snapshot_drop(db, "a");
    expect("1\n", "SELECT bytes > 100000 FROM art_snapshots('t')");
    sql_snapshot(db, "c");
    expect("b|1\nc|0\n", "SELECT name, bytes > 100000 FROM art_snapshots('t')");
}

SUITE("snapshot_reads", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
