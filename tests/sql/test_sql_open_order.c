/* Rows in the order of a column, while the connection that steps the query changes them.
 *
 * What an ordinary table gives, an art table has to give, too: the rows come in their order, none of them twice with
 * one value, each that was not changed comes once, and none comes with a value that it never had. Whether a row that
 * was changed comes, and with which of its values, SQLite leaves open. (The last rounds are of an ordinary table with
 * an index, which shows that no more is asked of art.)
 */
#include "tests/support/sql_one.h"

enum { CHANGES_EVERY = 12, ROUNDS = 8, ORDINARY_ROUNDS = 4 };

static void set_up(void) {
    sql_set_up();
    run("CREATE VIRTUAL TABLE t USING art(path, v, note, summary=(min(v)));"
        "CREATE TABLE had(path TEXT, v, UNIQUE(path, v));"
        "CREATE TABLE still(path TEXT PRIMARY KEY, v);"
        "CREATE TABLE gave(i INTEGER PRIMARY KEY, path TEXT, v); CREATE INDEX of_path ON gave(path)");
}

/* Some in chunks, whose text stands behind a number of bytes; with few values many rows have the same one. */
static void add_rows(unsigned rows, unsigned values) {
    fill_rows("OR REPLACE INTO t(path, v, note)", 1, rows,
              "printf('%%05d', draw(%u)), CASE draw(12) WHEN 0 THEN NULL WHEN 1 THEN draw(%u) + 0.5 WHEN 2 THEN 'text "
              "' || draw(%u) ELSE draw(%u) END, CASE draw(8) WHEN 0 THEN hex(zeroblob(3000)) ELSE 'note' END",
              2 * rows, values, values, values);
    run("UPDATE t SET v = v || hex(zeroblob(2200)) WHERE draw(40) = 0 AND typeof(v) = 'text'");
}

static void note_what_there_is(const char *where) {
    run("INSERT OR IGNORE INTO had SELECT path, v FROM t WHERE %s", where);
}

/* What the statement is about to change is no longer as it was. */
static void change(struct random *random, unsigned rows, unsigned values, bool ordinary, const char *shown) {
    unsigned low = random_below(random, 2 * rows), wide = random_below(random, 20),
             value = random_below(random, values);
    char *other = TEXT("%05u", random_below(random, 2 * rows));
    const char *which = random_once_in(random, 2) ? shown : other;
    char *some = TEXT("path = %Q OR path BETWEEN '%05u' AND '%05u'", which, low, low + wide);
    switch (random_below(random, 6)) {
    case 0:
        run("DELETE FROM t WHERE path = %Q", which);
        break;
    case 1:
        run("UPDATE OR REPLACE t SET path = %Q WHERE path = %Q", other, which);
        break;
    case 2:
        run("INSERT OR REPLACE INTO t(path, v) VALUES(%Q, %u)", other, value);
        break;
    case 3:
        run("UPDATE t SET note = hex(zeroblob(%u)) WHERE path = %Q", random_below(random, 4000), which);
        break;
    default:
        run("DELETE FROM still WHERE %s; UPDATE t SET v = %u + draw(3) WHERE %s", some, value, some);
    }
    run("DELETE FROM still WHERE path IN (%Q, %Q)", which, other);
    note_what_there_is(some);
    note_what_there_is(TEXT("path IN (%Q, %Q)", which, other));
    if (!ordinary && random_once_in(random, 40)) command("flush");
}

static void look_at_what_came(const char *order, const char *why) {
    ck_assert_msg(!sql_int(db,
                           "SELECT count(*) FROM (SELECT i, row_number() OVER (ORDER BY %s) AS place FROM gave) "
                           "WHERE i <> place",
                           order),
                  "out of order: %s", why);
    ck_assert_msg(!sql_int(db, "SELECT count(*) FROM (SELECT 1 FROM gave GROUP BY path, v HAVING count(*) > 1)"),
                  "twice: %s", why);
    ck_assert_msg(!sql_int(db, "SELECT count(*) FROM gave AS g WHERE NOT EXISTS (SELECT 1 FROM had AS h WHERE "
                               "h.path = g.path AND h.v IS g.v)"),
                  "never so: %s", why);
    ck_assert_msg(!sql_int(db, "SELECT count(*) FROM still AS s WHERE 1 <> (SELECT count(*) FROM gave AS g WHERE "
                               "g.path = s.path AND g.v IS s.v)"),
                  "left out: %s", why);
}

LOOP_TEST(test_rows_that_change_while_they_are_shown_keep_their_order, ROUNDS + ORDINARY_ROUNDS) {
    TEXTS(orders, "v, path DESC", "v DESC, path DESC", "v, path", "v DESC, path");
    struct random random = {random_seed() + (uint64_t)_i};
    uint64_t seed = random.state;
    unsigned rows = random_once_in(&random, 2) ? 150 : 900, values = random_once_in(&random, 2) ? 8 : 100000;
    const char *order = orders[_i % 4];
    bool ordinary = _i >= ROUNDS;
    if (ordinary) run("DROP TABLE t; CREATE TABLE t(path TEXT PRIMARY KEY, v, note); CREATE INDEX by ON t(v, path)");
    sql_lend_draw(db, &random);
    add_rows(rows, values);
    if (!ordinary && random_once_in(&random, 2)) command("optimize");
    if (random_once_in(&random, 2)) add_rows(rows / 4, values);
    note_what_there_is("1");
    run("INSERT INTO still SELECT path, v FROM t; BEGIN");
    char *why = TEXT("%s, %u rows, %u values, seed %llu", order, rows, values, (unsigned long long)seed);
    char *query = TEXT("SELECT path, v FROM t ORDER BY %s LIMIT (SELECT 100000)", order);
    if (!ordinary) plan_has(query, "best first");
    sqlite3_stmt *open = sql_prepare(db, "%s", query),
                 *keep = sql_prepare(db, "INSERT INTO gave(path, v) VALUES(?, ?)");
    int rc;
    while ((rc = sqlite3_step(open)) == SQLITE_ROW) {
        char *shown = TEXT("%s", sqlite3_column_text(open, 0));
        sqlite3_bind_value(keep, 1, sqlite3_column_value(open, 0));
        sqlite3_bind_value(keep, 2, sqlite3_column_value(open, 1));
        ck_assert_int_eq(sqlite3_step(keep), SQLITE_DONE);
        sqlite3_reset(keep);
        if (random_once_in(&random, CHANGES_EVERY)) change(&random, rows, values, ordinary, shown);
    }
    ck_assert_msg(rc == SQLITE_DONE, "%s: %s", sqlite3_errmsg(db), why);
    sqlite3_finalize(open);
    sqlite3_finalize(keep);
    look_at_what_came(order, why);
}

/* Two rows with one value, from the last path to the first: the second one has another value when its turn comes. */
TEST(test_a_row_that_was_changed_before_its_turn_comes_where_it_is_now) {
    static const char query[] = "SELECT path, v FROM t ORDER BY v, path DESC LIMIT 10";
    run("INSERT INTO t(path, v) VALUES('a', 1), ('b', 1), ('c', 2), ('d', 2)");
    plan_has(query, "best first");
    sqlite3_stmt *open = sql_prepare(db, "%s", query);
    char *came = NULL;
    for (int row = 0; sqlite3_step(open) == SQLITE_ROW; row++) {
        came = sqlite3_mprintf("%z%s|%s ", came, sqlite3_column_text(open, 0), sqlite3_column_text(open, 1));
        if (!row) run("UPDATE t SET v = 5 WHERE path = 'a'");
    }
    sqlite3_finalize(open);
    ck_assert_str_eq(came, "b|1 d|2 c|2 a|5 ");
    sqlite3_free(came);
}

/* All rows of the first value are known at its first row, and the ROLLBACK of what was spilled makes the tree unknown.
 * */
TEST(test_rows_from_the_last_path_to_the_first_survive_a_rollback) {
    run("CREATE VIRTUAL TABLE s USING art(path, v, note, summary=(min(v)), log_limit='2KB', spill_limit='8KB');"
        "INSERT INTO s(path, v) VALUES('a', 1), ('b', 1), ('c', 1), ('d', 2); BEGIN;"
        "INSERT INTO s WITH i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i LIMIT 2000) "
        "SELECT 'e' || i, 3, hex(randomblob(40)) FROM i");
    sqlite3_stmt *open = sql_prepare(db, "SELECT path FROM s ORDER BY v, path DESC LIMIT 10");
    char *came = NULL;
    int rc;
    for (int row = 0; (rc = sqlite3_step(open)) == SQLITE_ROW; row++) {
        came = sqlite3_mprintf("%z%s ", came, sqlite3_column_text(open, 0));
        if (!row) run("ROLLBACK");
    }
    ck_assert_msg(rc == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(open);
    ck_assert_str_eq(came, "c b a d ");
    sqlite3_free(came);
}

SUITE("open order", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
