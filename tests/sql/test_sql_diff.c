/* art_diff() and art_growth(): what has changed between two states of a table, and where it has grown. And what differs
 * between two tables, art_differences().
 *
 * Of each snapshot, and of the table as it is, the rows are copied into an ordinary table, with their versions. What
 * the functions say must be what joins of two such copies say. Histories are random, blobs small.
 */
#include "core/base/limits.h"
#include "core/tree/state/hooks.h"
#include "tests/support/sql_one.h"

enum { SNAPSHOTS = 4 };

static void set_up(void) {
    ART_IN_TESTS(sql_link();)
    sql_set_up();
}

static void create(const char *options) {
    run("CREATE VIRTUAL TABLE t USING art(path, size INTEGER, note TEXT%s%s)", *options ? ", " : "", options);
    run("CREATE TABLE copies(state, path, version, size)");
}

static void note(const char *state) {
    run("DELETE FROM copies WHERE state = '%s'", state);
    run("INSERT INTO copies SELECT '%s', path, row_version, size FROM t", state);
}

static void make(const char *name) {
    sql_snapshot(db, name);
    note(name);
}

/* "now" is the table. */
static void compare(const char *from, const char *to, const char *prefix) {
    char *names = TEXT("nullif('%s', 'now'), nullif('%s', 'now')", from, to);
    char *both = TEXT("(SELECT path, max(state = '%s') AS f, max(state = '%s') AS t, "
                      "max(iif(state = '%s', version, NULL)) AS o, max(iif(state = '%s', version, NULL)) AS v "
                      "FROM copies WHERE state IN ('%s', '%s') AND substr(path, 1, %d) = '%s' GROUP BY path)",
                      from, to, from, to, from, to, (int)strlen(prefix), prefix);
    char *changed =
        TEXT("SELECT path, CASE WHEN o IS NULL THEN 'added' WHEN v IS NULL THEN 'deleted' ELSE 'changed' END "
             "AS change, o, v FROM %s WHERE o IS NOT v ORDER BY path",
             both);
    alike_as(TEXT("SELECT * FROM art_diff('t', %s, '%s')", names, prefix), changed);
    char *name = TEXT("CASE instr(substr(path, %d), '/') WHEN 0 THEN path ELSE substr(path, 1, %d + instr(substr(path, "
                      "%d), '/')) END",
                      (int)strlen(prefix) + 1, (int)strlen(prefix), (int)strlen(prefix) + 1);
    char *sums =
        TEXT("SELECT %s AS name, sum(state = '%s') AS of, sum(state = '%s') AS ot, "
             "coalesce(sum(iif(state = '%s', size, 0)), 0) AS sf, coalesce(sum(iif(state = '%s', size, 0)), 0) "
             "AS st FROM copies WHERE state IN ('%s', '%s') GROUP BY 1",
             name, from, to, from, to, from, to);
    char *grown =
        TEXT("WITH c AS (SELECT %s AS name, change FROM (%s)) SELECT name, of, ot, sf, st, st - sf, sum(change = "
             "'added'), sum(change = 'changed'), sum(change = 'deleted') FROM (%s) JOIN c USING (name) GROUP BY 1",
             name, changed, sums);
    alike_as(TEXT("SELECT * FROM art_growth('t', 'size', %s, '%s', '/')", names, prefix), grown);
    char *levels = TEXT("WITH RECURSIVE l(name, path, change) AS (SELECT '%s', path, change FROM (%s) UNION ALL SELECT "
                        "substr(path, 1, length(name) + instr(substr(path, length(name) + 1), '/')), path, change FROM "
                        "l WHERE instr(substr(path, length(name) + 1), '/')) SELECT name, "
                        "sum(change = 'added'), sum(change = 'changed'), sum(change = 'deleted') FROM l GROUP BY 1",
                        prefix, changed);
    alike_as(
        TEXT("SELECT path, added, changed, deleted FROM art_growth('t', 'size', %s, '%s', '/', 'all') ORDER BY path",
             names, prefix),
        levels);
}

static void change(struct random *random) {
    uint32_t n = random_below(random, 1000);
    switch (random_below(random, 9)) {
    case 0:
        run("DELETE FROM t WHERE path GLOB '%c/*' AND size %% 5 = %u", "abc"[n % 3], n % 5);
        break;
    case 1:
        run("UPDATE t SET size = size + %u WHERE size %% 7 = %u", n % 2, n % 7);
        break;
    case 2:
        run("UPDATE OR REPLACE t SET path = path || '%u' WHERE size %% 11 = %u", n % 10, n % 11);
        break;
    case 3:
        run("INSERT INTO t(t) VALUES('%s')", n % 3 ? "flush" : "optimize");
        break;
    case 4:
        run("DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path = '%c/'", "abc"[n % 3]);
        break;
    default:
        for (uint32_t i = 0; i < 20; i++) {
            run("INSERT OR REPLACE INTO t VALUES('%c/%c/f%u', %u, 'of %u')", "abc"[n % 3], "xyz"[i % 3],
                random_below(random, 60), n + i, n);
        }
    }
}

LOOP_TEST(test_what_changed_and_grew_is_what_two_copies_say, 3) {
    TEXTS(variants, "log_limit='2KB', summary=(sum(size))",
          "log_limit='1KB', spill_limit='4KB', summary=(sum(size), lookup(note))",
          "storage=inline, summary=(sum(size))");
    TEXTS(prefixes, "", "a/", "b/x", "nothing");
    struct random random = random_announced_with("diff", random_seed() + (uint64_t)_i);
    bool made[SNAPSHOTS] = {false};
    ART_IN_TESTS(art_test_hooks.blob_pages = 4;)
    create(variants[_i]);
    for (unsigned step = random_rounds(60); step--;) {
        if (!random_span(&random)) continue;
        unsigned a = random_below(&random, SNAPSHOTS), b = random_below(&random, SNAPSHOTS);
        bool within = random_once_in(&random, 3);
        if (made[a] && random_once_in(&random, 3))
            sql_snapshot_drop(db, TEXT("s%u", a));
        else if (made[a])
            a = SNAPSHOTS;
        if (a < SNAPSHOTS) made[a] = false;
        if (a < SNAPSHOTS && random_once_in(&random, 2)) {
            make(TEXT("s%u", a));
            made[a] = true;
        }
        if (within) run("BEGIN");
        for (unsigned n = random_below(&random, 5); n--;) change(&random);
        note("now");
        for (unsigned i = 0; i <= SNAPSHOTS; i++) {
            const char *from = i < SNAPSHOTS ? TEXT("s%u", i) : "now", *to = made[b] ? TEXT("s%u", b) : "now";
            if (i < SNAPSHOTS && !made[i]) continue;
            compare(from, to, prefixes[random_below(&random, LENGTH(prefixes))]);
            compare(to, from, "");
        }
        if (within) run(random_once_in(&random, 2) ? "COMMIT" : "ROLLBACK");
    }
}

static void make_level(void) {
    create("summary=(sum(size))");
    run("INSERT INTO t(path, size) VALUES('a/1', 1), ('a/2', 2), ('b/c/1', 3), ('b/d/1', 4), ('top', 5)");
    make("monday");
    run("UPDATE t SET size = 10 WHERE path = 'a/2'; DELETE FROM t WHERE path = 'b/d/1'");
    run("INSERT INTO t(path, size) VALUES('b/c/2', 20), ('new', 6)");
}

TEST(test_states_are_snapshots_or_the_table) {
    make_level();
    expect("4|1\n", "SELECT count(*), max(path = 'new' AND change = 'added') FROM art_diff('t', 'monday')");
    expect("b/c/2|deleted\nb/d/1|added\n", "SELECT path, change FROM art_diff('t', NULL, 'monday', 'b/')");
    expect("", "SELECT * FROM art_diff(NULL, 'monday', NULL)");
    expect("", "SELECT * FROM art_diff('t', 'monday', NULL, NULL)"); /* as below a listing's */
    expect("4\n", "SELECT count(*) FROM art_diff('main.t', 'monday', NULL, '')");
}

TEST(test_growth_is_told_by_level_and_depth) {
    make_level();
    expect("a/|2|2|3|11|8|0|1|0\nb/|2|2|7|23|16|1|0|1\nnew|0|1|0|6|6|1|0|0\n",
           "SELECT * FROM art_growth('t', 'size', 'monday', NULL, '', '/')");
    expect("a/2|1|1|2|10|8|0|1|0\nb/c/|1|2|3|23|20|1|0|0\nb/d/|1|0|4|0|-4|0|0|1\nnew|0|1|0|6|6|1|0|0\n",
           "SELECT * FROM art_growth('t', 'size', 'monday', NULL, '', '/', 2)");
    expect("b/c/|-20\nb/d/|4\n", "SELECT path, growth FROM art_growth('t', 'size', NULL, 'monday', 'b/', '/', '1')");
    expect("a/|2|2|||0|0|1|0\nb/|2|2|||0|1|0|1\nnew|0|1|||1|1|0|0\n",
           "SELECT * FROM art_growth('t', NULL, 'monday', NULL, '', '/', NULL)");
    expect("a/|2|2|3|11|8|0|1|0\nb/c/|1|2|3|23|20|1|0|0\nb/d/|1|0|4|0|-4|0|0|1\nb/"
           "|2|2|7|23|16|1|0|1\n|5|6|15|45|30|2|1|1\n",
           "SELECT * FROM art_growth('t', 'size', 'monday', NULL, '', '/', 'ALL')");
    expect("", "SELECT * FROM art_growth('t', 'size', 'monday', NULL, NULL, '/')");
}

TEST(test_wrong_arguments_are_refused) {
    make_level();
    refuses(SQLITE_ERROR, "art: art_growth needs more arguments",
            "SELECT * FROM art_growth('t', 'size', 'monday', NULL)");
    refuses(SQLITE_ERROR, "too many arguments", "SELECT * FROM art_diff('t', 'monday', NULL, '', '')");
    refuses(SQLITE_ERROR, "there is no snapshot 'tuesday' (t)", "SELECT * FROM art_diff('t', 'tuesday', NULL)");
    refuses(SQLITE_MISMATCH, "a snapshot's name is a text", "SELECT * FROM art_diff('t', NULL, 7)");
    refuses(SQLITE_ERROR, "art: there is no column 'nothing' (t)",
            "SELECT * FROM art_growth('t', 'nothing', 'monday', NULL, '', '/')");
    EACH(depth, "-1", "'two'", "1.5", "''", "'2x'") {
        refuses(SQLITE_ERROR, "art: the depth of art_growth is a number of levels from 1 on",
                TEXT("SELECT * FROM art_growth('t', 'size', 'monday', NULL, '', '/', %s)", depth));
    }
}

/* A row at a time, each right when it is told; the scan holds what it reads. */
TEST(test_the_table_may_change_while_a_difference_is_read) {
    make_level();
    sqlite3_stmt *diff = sql_first_row(db, "SELECT path FROM art_diff('t', 'monday', NULL)");
    refuses(SQLITE_LOCKED, "monday", "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'monday')");
    run("INSERT INTO t(path) VALUES('a/11'), ('a/3')");
    ck_assert_int_eq(sqlite3_step(diff), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(diff, 0), "a/3");
    sqlite3_finalize(diff);
    sql_snapshot_drop(db, "monday");
    /* INSERT ... SELECT of a table's own difference, and a rollback between two rows. */
    make("tuesday");
    run("BEGIN; UPDATE t SET size = 7");
    run("INSERT INTO t(path, size) SELECT 'of/' || path, version FROM art_diff('t', 'tuesday', NULL, 'b')");
    diff = sql_first_row(db, "SELECT path FROM art_growth('t', 'size', 'tuesday', NULL, '', '/', 'all')");
    run("ROLLBACK");
    ck_assert_int_eq(sqlite3_step(diff), SQLITE_DONE);
    sqlite3_finalize(diff);
    /* A change of the schema that is rolled back takes the table's handle away from under the scan. */
    run("UPDATE t SET size = 8");
    make("wednesday");
    run("BEGIN; CREATE TABLE x(y)");
    diff = sql_first_row(db, "SELECT path FROM art_diff('t', 'tuesday', 'wednesday')");
    run("ROLLBACK");
    sqlite3_finalize(diff);
    expect("ok: 1 art table\n", "SELECT art_verify()");
}

/* A name that was told is not told again; those behind it have the numbers of the state in which they are told. */
LOOP_TEST(test_the_table_may_change_while_levels_are_read, 2) {
    TEXTS(depths, "'all'", "2");
    static const char *const steps[2][7][2] = {
        {{"a/|0|1|0", "INSERT INTO t(path) VALUES('a/3'), ('b/c/3')"},
         {"b/c/|2|0|0", "UPDATE t SET size = 0"},
         {"b/d/|0|0|1", "DELETE FROM t WHERE path = 'b/c/1'; INSERT INTO t(path) VALUES('b/c/d/3')"},
         {"b/|3|0|2", "INSERT INTO t(path) VALUES('b/4')"},
         {"|6|3|2", "DELETE FROM t"}},
        {{"a/2|0|1|0", "INSERT INTO t(path) VALUES('a/11'), ('a/21')"},
         {"a/21|1|0|0", "DELETE FROM t WHERE path IN ('a/2', 'b/c/1'); INSERT INTO t(path) VALUES('b/a')"},
         {"b/a|1|0|0", "INSERT INTO t(path) VALUES('b/c/3'), ('b/c1/2')"},
         {"b/c/|2|0|1", "DELETE FROM t WHERE path = 'new'; UPDATE t SET size = 7"},
         {"b/c1/|1|0|0", "INSERT INTO t(path) VALUES('b/d/1')"},
         {"b/d/|0|1|0", "INSERT INTO t(path) VALUES('c/c')"},
         {"c/c|1|0|0", "UPDATE t SET size = 5 WHERE path = 'top'; DELETE FROM t"}}};
    make_level();
    sqlite3_stmt *levels = sql_prepare(db, TEXT("SELECT path || '|' || added || '|' || changed || '|' || deleted FROM "
                                                "art_growth('t', NULL, 'monday', NULL, '', '/', %s)",
                                                depths[_i]));
    for (int i = 0; i < LENGTH(steps[0]) && steps[_i][i][0]; run("%s", steps[_i][i++][1])) {
        ck_assert_int_eq(sqlite3_step(levels), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(levels, 0), steps[_i][i][0]);
    }
    ck_assert_int_eq(sqlite3_step(levels), _i ? SQLITE_ROW : SQLITE_DONE);
    sqlite3_finalize(levels);
}

/* Several at once, of one table's name. */
TEST(test_differences_may_be_joined) {
    make_level();
    make("tuesday");
    run("UPDATE t SET size = 11 WHERE path = 'a/2'");
    expect("a/2\n",
           "SELECT path FROM art_diff('t', 'monday', 'tuesday') JOIN art_diff('t', 'tuesday', NULL) USING (path)");
    expect("monday|4\ntuesday|1\n",
           "SELECT s.name, count(*) FROM art_snapshots('t') AS s, art_diff('t', s.name, NULL) GROUP BY 1");
}

/* --- two tables --------------------------------------------------------------------------------------------------- */

/* How a row of number n is written: its key's columns, and what they are; their declaration, and the key's bytes. */
static const struct kind {
    const char *declared, *columns, *made, *key, *prefix;
} kinds[] = {
    {"path", "path", "char(97 + n % 3) || '/' || (n % 7) || '/' || n", "path", "'b/'"},
    {"path", "path", "printf('f%06d', n * 7919 % 1000)", "path", "'f0001'"},
    {"path BLOB", "path", "CAST(char(97 + n % 5) || n || substr('xyz', n % 4) AS BLOB)", "path", "x'6362'"},
    {"a INTEGER, b TEXT, key=(b DESC, a)", "a, b", "n, 'in ' || (n % 4)", "art_key", "art_key('t', 'in 2')"},
};
TEXTS(two, "t", "other.u");

static void create_both(const struct kind *kind, const char *const options[2]) {
    run("ATTACH %Q AS other; PRAGMA other.page_size = 1024", copy_path);
    for (int i = 0; i < 2; i++) {
        run("CREATE VIRTUAL TABLE %s USING art(%s, size, note, %s)", two[i], kind->declared, options[i]);
    }
}

/* Rows of one number are mostly the same in both. */
static void put_rows(const char *table, const struct kind *kind, uint32_t from, uint32_t step, uint32_t shift) {
    run("INSERT OR REPLACE INTO %s(%s, size, note) WITH c(n) AS (VALUES(%u) UNION ALL SELECT (n + %u) %% 1000 FROM c "
        "LIMIT 60) SELECT %s, CASE n %% 5 WHEN 0 THEN n + %u WHEN 1 THEN 1.0 * n WHEN 2 THEN '' || n WHEN 3 THEN "
        "CAST(n AS BLOB) END, iif(n %% 50, 'of ' || n, zeroblob(5000 + %u)) FROM c",
        table, kind->columns, from, step, kind->made, shift, shift);
}

static void change_one(struct random *random, const char *table, const struct kind *kind) {
    const char *name = strchr(table, '.') ? "u" : "t";
    uint32_t n = random_below(random, 1000);
    switch (random_below(random, 8)) {
    case 0:
        run("INSERT INTO %s(%s) VALUES('%s')", table, name, n % 3 ? "flush" : "optimize");
        break;
    case 1:
        run("DELETE FROM %s WHERE note LIKE '%%%u'", table, n);
        break;
    case 2:
        run("UPDATE %s SET size = CASE typeof(size) WHEN 'integer' THEN 1.0 * size WHEN 'text' THEN CAST(size "
            "AS BLOB) ELSE 0 END WHERE note GLOB '* %u?'",
            table, n % 100);
        break;
    case 3:
        run("INSERT INTO %s(%s, prefix) SELECT 'delete', %s WHERE %u", table, name, kind->prefix, n % 4 == 0);
        break;
    default:
        put_rows(table, kind, n, 1 + n % 3, n % 20 == 0);
    }
}

static void compare_both(const struct kind *kind, const char *prefix) {
    for (int i = 0; i < 2; i++) {
        run("DELETE FROM temp.side%d; INSERT INTO side%d SELECT %s, size, note, row_version FROM %s", i, i, kind->key,
            two[i]);
    }
    const char *joined = TEXT("SELECT coalesce(f.key, o.key) AS k, CASE WHEN f.key IS NULL THEN 'added' WHEN o.key IS "
                              "NULL THEN 'deleted' ELSE 'changed' END AS change, f.version, o.version AS now FROM "
                              "side0 AS f FULL JOIN side1 AS o ON f.key = o.key "
                              "WHERE f.size IS NOT o.size OR typeof(f.size) <> typeof(o.size) OR f.note IS NOT o.note "
                              "OR f.key IS NULL OR o.key IS NULL");
    alike_as(TEXT("SELECT hex(path), change, old_version, version FROM art_differences('t', 'other.u', %s)", prefix),
             TEXT("SELECT hex(k), change, version, now FROM (%s) WHERE substr(CAST(k AS BLOB), 1, length(CAST(%s AS "
                  "BLOB))) = CAST(%s AS BLOB) ORDER BY k",
                  joined, prefix, prefix));
}

LOOP_TEST(test_two_tables_differ_as_a_join_of_them_says, 8) {
    static const char *const options[2][2] = {
        {"log_limit='2KB', summary=(hash(*))", "storage=inline, spill_limit='4KB', summary=(sum(size), hash(*))"},
        {"storage=inline, summary=(lookup(note), hash(*))", "log_limit='1KB', summary=(hash(values), hash(*))"}};
    struct random random = random_announced_with("differences", random_seed() + (uint64_t)_i);
    const struct kind *kind = &kinds[_i / 2];
    ART_IN_TESTS(art_test_hooks.blob_pages = 4;)
    create_both(kind, options[_i % 2]);
    run("CREATE TEMP TABLE side0(key, size, note, version); CREATE TEMP TABLE side1(key, size, note, version)");
    for (int i = 0; i < 2; i++) put_rows(two[i], kind, 0, 1, 0);
    for (unsigned step = random_rounds(30); step--;) {
        if (!random_span(&random)) continue;
        bool within = random_once_in(&random, 3);
        if (within) run("BEGIN");
        for (unsigned n = 1 + random_below(&random, 3); n--;) { /* one change in both, or in one of them */
            unsigned of = random_below(&random, 4), seed = random_below(&random, 1 << 30);
            for (unsigned i = 0; i < 2; i++)
                if (of > 1 || of == i) change_one(&(struct random){seed}, two[i], kind);
        }
        compare_both(kind, random_once_in(&random, 3) ? kind->prefix : "''");
        if (within) run(random_once_in(&random, 2) ? "COMMIT" : "ROLLBACK");
        compare_both(kind, "''");
    }
}

static void make_pair(void) {
    TEXTS(options, "summary=(hash(*))", "summary=(hash(*))");
    create_both(&kinds[1], options);
    for (int i = 0; i < 2; i++) {
        for (uint32_t n = 0; n < 1000; n += 50) put_rows(two[i], &kinds[1], n, 1, 0);
    }
}

/* So many that t is none of those that were used lately (ext/access/awake.c). */
static void use_others(void) {
    for (int i = 0; i <= ART_LIMIT(awake); i++) expect("0\n", TEXT("SELECT count(*) FROM other%d", i));
}

/* The summaries without hash(*), which was the query's: of one table, of both, and by a ROLLBACK, after which other
 * tables are used. */
LOOP_TEST(test_differences_end_with_an_error_where_a_table_has_lost_its_hashes, 3) {
    sqlite3_stmt *open;
    make_pair();
    for (int i = 0; i <= ART_LIMIT(awake); i++) run("CREATE VIRTUAL TABLE other%d USING art(path)", i);
    run("UPDATE other.u SET note = 'another'");
    if (_i == 2)
        run("INSERT INTO t(t) VALUES('summary=()'); BEGIN; SAVEPOINT s; INSERT INTO t(t) VALUES('summary=(hash(*))')");
    open = sql_first_row(db, "SELECT path FROM art_differences('t', 'other.u')");
    if (_i < 2) run("INSERT INTO t(t) VALUES('summary=(max(size))')");
    if (_i == 1) run("INSERT INTO other.u(u) VALUES('summary=(max(size))')");
    if (_i == 2) run("ROLLBACK TO s");
    if (_i == 2) use_others();
    ck_assert_int_eq(sqlite3_step(open), SQLITE_ERROR);
    ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "has no hash(*) (main.t)"));
    sqlite3_finalize(open);
    if (_i == 2) run("ROLLBACK");
}

#define HALVED "SELECT value FROM art_debug('other.u') WHERE property = 'ranges halved'"

/* Where hashes are equal nothing is looked at, and one row is found by halves. */
TEST(test_what_is_equal_ends_the_search_for_differences) {
    make_pair();
    expect("", "SELECT * FROM art_differences('t', 'other.u')");
    expect("0\n", HALVED);
    run("UPDATE other.u SET note = 'another' WHERE path = 'f000500'");
    expect("f000500|changed\n", "SELECT path, change FROM art_differences('t', 'other.u')");
    expect("1\n", "SELECT value BETWEEN 4 AND 6 FROM (" HALVED ")");
    expect("", "SELECT * FROM art_differences('t', 'other.u', 'f0006')");
    expect("", "SELECT * FROM art_differences('t', 'other.u', NULL)");
    expect("", "SELECT * FROM art_differences('t', NULL)");
    /* Also one table with its own snapshots. */
    sql_snapshot(db, "s");
    run("DELETE FROM t WHERE path = 'f000001'");
    expect("f000001|deleted\n", "SELECT path, change FROM art_differences('t', 't', '', 's')");
    expect("f000001|added\n", "SELECT path, change FROM art_differences('t', 't', '', NULL, 's')");
}

TEST(test_tables_may_change_while_their_differences_are_read) {
    make_pair();
    run("BEGIN; DELETE FROM t WHERE path < 'f000004'; SAVEPOINT s; DELETE FROM other.u WHERE path > 'f000995'");
    sqlite3_stmt *rows = sql_prepare(db, "SELECT path || ' ' || change FROM art_differences('t', 'other.u')");
    static const char *const steps[][2] = {
        {"f000000 added",
         "INSERT INTO t(path) VALUES('f000000'), ('f000001'); DELETE FROM other.u WHERE path = 'f000002'"},
        {"f000001 changed", "ROLLBACK TO s"},
        {"f000002 added", "DELETE FROM t WHERE path GLOB 'f00050?' AND path > 'f000507'"},
        {"f000003 added", "UPDATE other.u SET size = 7 WHERE path = 'f000500'"},
        {"f000500 changed", "DROP TABLE other.u"}};
    for (int i = 0; i < LENGTH(steps); i++) {
        ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(rows, 0), steps[i][0]);
        if (i + 1 < LENGTH(steps)) run("%s", steps[i][1]);
    }
    refuses(SQLITE_LOCKED, "", steps[LENGTH(steps) - 1][1]);
    sqlite3_finalize(rows);
    expect("3\n", "SELECT count(*) FROM art_differences('t', 'other.u', 'f00050')");
    run("ROLLBACK");
}

TEST(test_tables_that_cannot_be_compared_are_refused) {
    static const char *const others[][2] = {
        {"path, size, note", "no hash(*) (main.o)"},
        {"path, size, notes, summary=(hash(*))", "column 3 is not the same"},
        {"path, size, summary=(hash(*))", "(main.t: note, main.o: none)"},
        {"path, size, note, more, summary=(hash(*))", "(main.t: none, main.o: more)"},
        {"path BLOB, size, note, summary=(hash(*))", "(main.t: path TEXT, main.o: path BLOB)"},
        {"path, size, note, key=(size, path), summary=(hash(*))", "column 1 is not"}};
    make_pair();
    for (int i = 0; i < LENGTH(others); i++) {
        run("CREATE VIRTUAL TABLE o USING art(%s)", others[i][0]);
        refuses(SQLITE_ERROR, others[i][1], "SELECT * FROM art_differences('t', 'o')");
        run("DROP TABLE o");
    }
    refuses(SQLITE_ERROR, "there is no art table of that name (side0)", "SELECT * FROM art_differences('t', 'side0')");
    refuses(SQLITE_ERROR, "art: art_differences needs more arguments", "SELECT * FROM art_differences('t')");
    run("CREATE VIRTUAL TABLE o USING art(PATH TEXT, \"Size\" INT, note, summary=(sum(size), hash(*)))");
    expect("1000\n", "SELECT count(*) FROM art_differences('t', 'main.o') WHERE change = 'deleted'");
}

SUITE("sql_diff", .seconds = 300, .set_up = set_up, .tear_down = sql_tear_down)
