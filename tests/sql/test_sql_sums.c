/* Sums are SQLite's own, or are refused: in a column that may hold anything, art_sum(), a listing and art_growth give
 * what sum() gives of the same rows of an ordinary table, and are an error if and only if one of these rows has neither
 * an integer nor NULL. The error names such a row.
 */
#include "tests/support/sql_one.h"

enum { STEPS = 150, QUESTIONS = 6 };

static const char create[] = "CREATE VIRTUAL TABLE t USING art(path, n DECIMAL, u, i INTEGER, note, "
                             "summary=(sum(n), sum(u), sum(i), max(note)))";
TEXTS(columns, "n", "u", "i");
static const char refused[] = "art: a sum is of integers, and this row has none (t.%s where path = '";

static void set_up(void) {
    sql_set_up();
    run("%s; CREATE TABLE b(path TEXT PRIMARY KEY, n DECIMAL, u, i INTEGER, note)", create);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static int64_t others_below(const char *table, const char *column, const char *prefix) {
    return sql_int(db, "SELECT count(*) FROM %s WHERE path GLOB '%s*' AND typeof(%s) NOT IN ('integer', 'null')", table,
                   prefix, column);
}

/* Of a statement that has failed: names it a row of `table` below the prefix that has something else? */
static void check_refusal(const char *table, const char *column, const char *prefix, const char *statement) {
    char *begin = TEXT(refused, column);
    const char *message = sqlite3_errmsg(db);
    ck_assert_msg(!strncmp(message, begin, strlen(begin)), "%s: %s", statement, message);
    const char *row = message + strlen(begin);
    char *named = TEXT("%.*s", (int)strcspn(row, "'"), row);
    ck_assert_msg(
        !strncmp(named, prefix, strlen(prefix)) &&
            sql_int(db, "SELECT typeof(%s) NOT IN ('integer', 'null') FROM %s WHERE path = '%s'", column, table, named),
        "%s: %s is no such row", statement, named);
}

static void compare_sum(const char *column, const char *prefix, const char *table, const char *snapshot) {
    char *asks = TEXT("SELECT art_sum('t', '%s', '%s', %Q)", column, prefix, snapshot);
    bool others = others_below(table, column, prefix);
    if (sql_try(db, "%s", asks)) {
        check_refusal(table, column, prefix, asks);
        ck_assert_msg(others, "%s: refused, and all are integers", asks);
    } else {
        ck_assert_msg(!others, "%s: given, and not all are integers", asks);
        alike_as(asks, TEXT("SELECT coalesce(sum(%s), 0) FROM %s WHERE path GLOB '%s*'", column, table, prefix));
    }
}

static void compare_listing(const char *column, const char *prefix, const char *table, const char *snapshot) {
    char *asks = TEXT("SELECT path, %s FROM t('%s', '/', '', %Q) WHERE entries", column, prefix, snapshot);
    char *below = TEXT("%s*/", prefix);
    bool others = others_below(table, column, below);
    if (sql_try(db, "%s", asks)) {
        check_refusal(table, column, prefix, asks);
        ck_assert_msg(others, "%s: refused, and all are integers", asks);
    } else {
        ck_assert_msg(!others, "%s: given, and not all are integers", asks);
        alike_as(asks, TEXT("SELECT substr(path, 1, %d + instr(substr(path, %d + 1), '/')) AS name, "
                            "coalesce(sum(%s), 0) FROM %s WHERE path GLOB '%s*' GROUP BY 1 ORDER BY 1",
                            (int)strlen(prefix), (int)strlen(prefix), column, table, below));
    }
}

/* From the snapshot to the table, a level at a time and name by name, since a whole answer nearly always fails. */
static void compare_growth(const char *column, const char *prefix) {
    static const struct {
        const char *shows, *table, *sum;
    } sides[] = {{"old_total", "s", "SELECT sum(%s) FROM s WHERE path %s"},
                 {"total", "b", "SELECT sum(%s) FROM b WHERE path %s"}};
    char *names = TEXT("SELECT path FROM art_growth('t', NULL, 's', NULL, '%s', '/')", prefix);
    sqlite3_stmt *each = sql_prepare(db, "%s", names);
    while (sqlite3_step(each) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(each, 0);
        bool row = name[strlen(name) - 1] != '/';
        char *which = TEXT(row ? "= '%s'" : "GLOB '%s*'", name);
        for (int i = 0; i < 2; i++) {
            char *asks = TEXT("SELECT %s FROM art_growth('t', '%s', 's', NULL, '%s', '/') WHERE path = '%s'",
                              sides[i].shows, column, prefix, name);
            char *counts = TEXT("SELECT count(*) FROM %s WHERE path %s AND typeof(%s) NOT IN ('integer', 'null')",
                                sides[i].table, which, column);
            bool others = sql_int(db, "%s", counts);
            ck_assert_msg(!sql_try(db, "%s", asks) == !others, "%s: %lld others, %s", asks, (long long)others,
                          sqlite3_errmsg(db));
            if (!others) {
                char *sum = TEXT(sides[i].sum, column, which);
                alike_as(asks, TEXT("SELECT coalesce((%s), 0)", sum));
            }
        }
    }
    sqlite3_finalize(each);
}

static void ask(struct random *random, bool has_snapshot) {
    for (int i = 0; i < QUESTIONS; i++) {
        const char *column = columns[random_below(random, 3)];
        const char *prefix = random_once_in(random, 3) ? ""
                             : random_once_in(random, 2)
                                 ? TEXT("d%u/", random_below(random, 12))
                                 : TEXT("d%u/f%u", random_below(random, 12), random_below(random, 10));
        bool old = has_snapshot && random_once_in(random, 3);
        compare_sum(column, prefix, old ? "s" : "b", old ? "s" : NULL);
        if (!prefix[0] || prefix[strlen(prefix) - 1] == '/') {
            compare_listing(column, prefix, old ? "s" : "b", old ? "s" : NULL);
            if (has_snapshot && random_once_in(random, 4)) compare_growth(column, prefix);
        }
    }
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static char *draw_value(struct random *random) {
    switch (random_below(random, 40)) {
    case 0:
        return TEXT("%u.5", random_below(random, 100));
    case 1:
        return TEXT("%s", random_once_in(random, 2) ? "1.0" : "9.99");
    case 2:
        return TEXT("%s", random_once_in(random, 2) ? "'12'" : "'twelve'");
    case 3:
        return TEXT("%s", random_once_in(random, 2) ? "x'3132'" : "x''");
    case 4:
    case 5:
        return TEXT("NULL");
    }
    return TEXT("%d", (int)random_below(random, 2000) - 1000);
}

static void change(struct random *random) {
    char *n = draw_value(random), *u = draw_value(random), *i = draw_value(random);
    const char *note = random_once_in(random, 12) ? "hex(zeroblob(3000))" : "'note'";
    char *one = TEXT("path = 'd%u/f%02u'", random_below(random, 12), random_below(random, 100));
    char *some = TEXT("path GLOB 'd%u/f%u*'", random_below(random, 12), random_below(random, 10));
    char *set = TEXT("n = %s, u = %s, i = %s, note = %s", n, u, i, note);
    switch (random_below(random, 8)) {
    case 0:
        both(TEXT("DELETE FROM @ WHERE %s", random_once_in(random, 3) ? some : one));
        break;
    case 1:
        both(TEXT("UPDATE @ SET %s WHERE %s", set, random_once_in(random, 4) ? some : one));
        break;
    case 2: /* all are integers there again */
        both(TEXT("UPDATE @ SET n = 1, u = 2, i = 3 WHERE %s", some));
        break;
    case 3:
        both("DELETE FROM @ WHERE typeof(n) NOT IN ('integer', 'null') OR typeof(u) IN ('text', 'real')");
        break;
    default:
        for (int k = random_below(random, 12); k >= 0; k--) {
            char *row = TEXT("'d%u/f%02u', %s, %s, %s, %s", random_below(random, 12), random_below(random, 100),
                             k ? "4" : n, k ? "5" : u, k ? "6" : i, note);
            both(TEXT("INSERT OR REPLACE INTO @ VALUES(%s)", row));
        }
    }
}

LOOP_TEST(test_sums_are_those_of_an_ordinary_table_or_are_refused, 6) {
    struct random random = random_announced_with("sums", random_seed() + (uint64_t)_i);
    bool within = false, has_snapshot = false;
    for (unsigned step = 0; step < random_rounds(STEPS); step++) {
        if (!random_span(&random)) continue;
        if (!within && random_once_in(&random, 6)) {
            run("BEGIN; SAVEPOINT inner");
            within = true;
        }
        change(&random);
        if (within && random_once_in(&random, 10)) run("ROLLBACK TO inner");
        if (within && random_once_in(&random, 6)) {
            run(random_once_in(&random, 4) ? "ROLLBACK" : "COMMIT");
            within = false;
        }
        if (!within && random_once_in(&random, 6)) command(random_once_in(&random, 4) ? "optimize" : "flush");
        if (!within && random_once_in(&random, 20)) {
            if (has_snapshot) sql_snapshot_drop(db, "s");
            sql_snapshot(db, "s");
            run("DROP TABLE IF EXISTS s; CREATE TABLE s AS SELECT * FROM b");
            has_snapshot = true;
        }
        if (random_once_in(&random, 3)) ask(&random, has_snapshot);
    }
    if (within) run("COMMIT");
    ask(&random, has_snapshot);
}

/* --- what is far away, and what is hidden ------------------------------------------------------------------------- */

/* Several blobs, and a zone of the oldest run that is too wide: no row has it any more, until the next merge. */
TEST(test_a_sum_is_refused_for_no_row_that_is_gone) {
    fill_rows("INTO t(path, n, u, i, note)", 1, 24000,
              "printf('%%06d', i), i, iif(i %% 8000 = 1, 0.5, i), i, '-' || hex(randomblob(40))");
    command("optimize");
    ck_assert_int_gt(sql_info(db, "blobs"), 4);
    refuses(SQLITE_ERROR, TEXT("art: a sum is of integers, and this row has none (t.u where path = '%06d')", 1),
            "SELECT art_sum('t', 'u', '')");
    refuses(SQLITE_ERROR, "(t.u where path = '008001')", "SELECT art_sum('t', 'u', '008')");
    expect("894950\n", "SELECT art_sum('t', 'u', '0089')");
    char *expected = kept(sql_rows(db, "SELECT sum(iif(typeof(u) = 'real', 1, u)) FROM t"));
    run("UPDATE t SET u = 1 WHERE typeof(u) = 'real'");
    for (int i = 0; i < 3; i++) {
        expect(expected, "SELECT art_sum('t', 'u', '')");
        expect(expected, "SELECT sum(u) FROM (SELECT u, entries FROM t('', '0'))");
        if (i < 2) command(i ? "optimize" : "flush");
    }
    run("UPDATE t SET u = 'text' WHERE path = '020000'; DELETE FROM t WHERE path < '019999'");
    command("flush");
    refuses(SQLITE_ERROR, "(t.u where path = '020000')", "SELECT art_sum('t', 'u', '')");
    run("DELETE FROM t WHERE path < '024000'");
    expect("24000\n", "SELECT art_sum('t', 'u', '')");
}

/* Below so many nodes of a memtable, one under the other, the search by zones gives up. */
TEST(test_a_row_is_found_however_deep_it_lies) {
    fill_rows("INTO t(path, u)", 1, 300, "printf('%%.*c', i, 'x'), i");
    expect("45150\n", "SELECT art_sum('t', 'u', '')");
    run("UPDATE t SET u = 0.5 WHERE length(path) = 250");
    refuses(SQLITE_ERROR, "art: a sum is of integers, and this row has none (t.u where path = 'xxx",
            "SELECT art_sum('t', 'u', 'x')");
    run("UPDATE t SET u = 250 WHERE length(path) = 250");
    expect("45150\n", "SELECT art_sum('t', 'u', '')");
}

/* A key of several columns, and one of BLOBs, stand in the message as an SQL text has them. */
TEST(test_the_row_is_named_as_it_can_be_looked_for) {
    run("CREATE VIRTUAL TABLE h USING art(user, path, v, key=(user, path), summary=(sum(v)));"
        "INSERT INTO h VALUES('ada', 'it''s', '12'), ('bob', 'x', 1);"
        "CREATE VIRTUAL TABLE k USING art(k BLOB, v, summary=(sum(v))); INSERT INTO k VALUES(x'61', 1.0);"
        "INSERT INTO t(path, u) VALUES('it''s', 1.0)");
    refuses(SQLITE_ERROR, "(h.v where art_key = x'3061646100306974", "SELECT art_sum('h', 'v', '')");
    expect("1\n", "SELECT art_sum('h', 'v', art_key('h', 'bob', ''))");
    refuses(SQLITE_ERROR, "(k.v where k = x'61'): store integers", "SELECT art_sum('k', 'v', x'')");
    refuses(SQLITE_ERROR, "(t.u where path = 'it''s'): store integers", "SELECT art_sum('t', 'u', 'it')");
}

/* --- a column of which no sum can be ------------------------------------------------------------------------------ */

TEST(test_a_sum_of_reals_is_refused_where_it_is_declared) {
    static const char none[] = "art: a sum is of integers, and a column of type";
    EACH(type, "REAL", "DOUBLE PRECISION", "FLOAT") {
        refuses(SQLITE_ERROR, none,
                TEXT("CREATE VIRTUAL TABLE r USING art(path, v %s, summary=(max(v), sum(v)))", type));
    }
    run("CREATE VIRTUAL TABLE r USING art(path, v REAL, w, summary=(max(v)))");
    refuses(SQLITE_ERROR, none, "INSERT INTO r(r) VALUES('summary=(sum(w), sum(v))')");
    run("INSERT INTO r(r) VALUES('add column x DOUBLE'); INSERT INTO r(r) VALUES('summary=(sum(w), max(x))')");
    refuses(SQLITE_ERROR, none, "INSERT INTO r(r) VALUES('summary=sum(x)')");
    run("INSERT INTO r VALUES('a', 1, 2, 3)");
    expect("2|3.0\n", "SELECT art_sum('r', 'w', ''), art_max('r', 'x', '')");
}

/* 1.0.0 took it. Such a table is read as ever; what is no sum is refused. */
TEST(test_a_table_that_was_made_with_a_sum_of_reals_is_still_read) {
    run("CREATE VIRTUAL TABLE r USING art(path, v TINY, summary=(sum(v))); INSERT INTO r VALUES('a', 1);"
        "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(sql, 'TINY', 'REAL') WHERE name = 'r';"
        "UPDATE r_artstate SET v = CAST(replace(CAST(v AS TEXT), 'TINY', 'REAL') AS BLOB) WHERE k = 'columns'");
    sql_reopen();
    expect("a|1\n", "SELECT path, v FROM r");
    run("INSERT INTO r VALUES('b', 2)");
    refuses(SQLITE_ERROR, "art: a sum is of integers, and this row has none (r.v where path = 'b')",
            "SELECT art_sum('r', 'v', '')");
    run("INSERT INTO r(r) VALUES('summary=max(v)')");
    expect("2.0\n", "SELECT art_max('r', 'v', '')");
}

SUITE("sums", .seconds = 240, .set_up = set_up, .tear_down = sql_tear_down)
