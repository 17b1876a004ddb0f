/* A plain DELETE of all rows of a range is recognised while SQLite hands over its rows, and done as one thing
 * (ext/table/deleting.c). What it leaves is compared with an ordinary table, whatever happens between two rows, behind
 * some of them, or behind the last. All but the first case take the smallest range as one thing. */
#include "core/tree/state/hooks.h"
#include "tests/support/sql_memory.h"
#include "tests/support/sql_one.h"

/* --- both tables -------------------------------------------------------------------------------------------------- */

static void fill(int rows) {
    run("DELETE FROM t; DELETE FROM o;"
        "INSERT INTO o WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
        " SELECT printf('%%s/%%06d', substr('abcd', i %% 4 + 1, 1), i), i FROM n",
        rows);
    run("INSERT INTO t(path, value) SELECT path, value FROM o WHERE value %% 3");
    command("flush");
    run("INSERT INTO t(path, value) SELECT path, value FROM o WHERE value %% 3 = 0");
}

static void set_up(void) {
    sql_set_up();
    sql_create(db, "t", "");
    run("CREATE TABLE o(path TEXT PRIMARY KEY, value) WITHOUT ROWID");
}

static void set_up_small(void) {
    set_up();
    art_test_hooks.as_one = true;
    fill(200);
}

static void are_same(const char *when) {
    char *art = kept(sql_rows(db, "SELECT path, value FROM t ORDER BY path"));
    char *ordinary = kept(sql_rows(db, "SELECT path, value FROM o ORDER BY path"));
    char *differ = kept(sql_rows(
        db, "SELECT path, t.value, o.value FROM t FULL JOIN o USING(path) WHERE t.value IS NOT o.value LIMIT 5"));
    ck_assert_msg(!strcmp(art, ordinary), "%s: rows with their values in both\n%s", when, differ);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), sql_int(db, "SELECT count(*) FROM o"));
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_check('t')"), 0);
}

/* The statement for each of them; `@` is the table. */
static void run_both(const char *statement) {
    char *art = sql_outcome(db, "t", statement, NULL), *ordinary = sql_outcome(db, "o", statement, NULL);
    ck_assert_msg(!strcmp(kept(art), kept(ordinary)), "%s: %s with art, %s else", statement, art, ordinary);
}

/* All rows of an inline table are: art_tree_range_pays(). */
static bool is_by_rows(const char *where) {
    const char *options = getenv("ART_TABLE_OPTIONS");
    return !strcmp(where, "true") && options && strstr(options, "inline");
}

/* --- what is recognised ------------------------------------------------------------------------------------------- */

CASE("by cost", .seconds = 60, .set_up = set_up, .tear_down = sql_tear_down)

TEST(test_a_delete_of_all_rows_of_a_range_is_one_thing) {
    EACH(where, "path GLOB 'a/*'", "path >= 'a/' AND path < 'a0'", "path > 'b/' AND path < 'c/'", "true") {
        fill(160000);
        sqlite3_int64 recognised = sql_info(db, "deletes recognised"), rows = sql_info(db, "rows by directory");
        run_both(TEXT("DELETE FROM @ WHERE %s", where));
        int changes = sqlite3_changes(db);
        ck_assert_int_ge(changes, 40000);
        bool by_rows = is_by_rows(where);
        ck_assert_msg(sql_info(db, "deletes recognised") == recognised + !by_rows, "%s", where);
        ck_assert_int_eq(sql_info(db, "rows by directory"), by_rows ? rows : rows + changes);
        are_same(where);
    }
    fill(160000);
    sqlite3_int64 recognised = sql_info(db, "deletes recognised");
    run("DELETE FROM t WHERE prefix = 'a/'; DELETE FROM o WHERE path GLOB 'a/*'");
    ck_assert_int_eq(sql_info(db, "deletes recognised"), recognised + 1);
    are_same("a prefix");
}

TEST(test_a_few_rows_are_deleted_row_by_row) {
    fill(160000);
    sqlite3_int64 recognised = sql_info(db, "deletes recognised"), rows = sql_info(db, "rows by directory");
    run_both("DELETE FROM @ WHERE path GLOB 'a/00*' AND path < 'a/001000'");
    ck_assert_int_eq(sqlite3_changes(db), 250);
    ck_assert_int_eq(sql_info(db, "deletes recognised"), recognised);
    ck_assert_int_eq(sql_info(db, "rows by directory"), rows);
    are_same("a few rows");
}

/* --- conditions that art does not know ---------------------------------------------------------------------------- */

CASE("as one", .seconds = 120, .set_up = set_up_small, .tear_down = sql_tear_down)

TEXTS(wheres, "true", "path GLOB 'b/*'", "path GLOB 'b/*' AND value + 0 < 60", "path GLOB 'b/*' AND value + 0 > 60",
      "value % 7", "value % 7 = 0", "path GLOB 'a/*' OR path GLOB 'c/*'", "path GLOB 'a/*' OR value = 7",
      "path GLOB 'a/*' OR path GLOB 'a/0000*'", "path IN ('a/000000', 'b/000001', 'x')",
      "path > 'c/' AND length(path) = 8", "path IN (SELECT path FROM @ WHERE value < 50)",
      "path < (SELECT max(path) FROM @ WHERE value < 50)",
      "NOT EXISTS (SELECT 1 FROM @ AS x WHERE x.path > @.path AND x.path < 'c/')",
      "path GLOB 'd/*' AND (SELECT count(*) FROM @ AS x WHERE x.path <= @.path) % 2", "path LIKE 'A/%' AND value < 100",
      "path GLOB '*7'", "path = 'a/000000'", "path GLOB 'none*'", "random() IS NULL OR path GLOB 'a/*'");

TEST(test_it_leaves_what_an_ordinary_table_has) {
    struct random random = {0};
    for (int round = 0; round < 60; round++) {
        if (round % 4 == 0) fill(200);
        bool transaction = random_below(&random, 2);
        if (transaction) run("BEGIN; SAVEPOINT s");
        const char *where = wheres[random_below(&random, LENGTH(wheres))];
        run_both(TEXT("DELETE FROM @ WHERE %s", where));
        if (transaction && random_below(&random, 2)) are_same(where);
        run_both("UPDATE @ SET value = value + 1 WHERE path GLOB 'c/*'");
        if (transaction && random_below(&random, 2)) run("ROLLBACK TO s");
        if (transaction) run(random_below(&random, 3) ? "COMMIT" : "ROLLBACK");
        are_same(where);
    }
}

/* --- in between --------------------------------------------------------------------------------------------------- */

/* Reads the table that it is about, and does what it is told. */
static void look(sqlite3_context *context, int argc, sqlite3_value **argv) {
    const char *table = (const char *)sqlite3_value_text(argv[0]);
    if (argc > 1) sql_try(db, "%s", sqlite3_value_text(argv[1]));
    sqlite3_stmt *query = sql_prepare(db, "SELECT count(*) * 1000 + total(value) FROM %s", table);
    sqlite3_step(query);
    sqlite3_result_int64(context, sqlite3_column_int64(query, 0));
    int rc = sqlite3_finalize(query);
    if (rc) sqlite3_result_error_code(context, rc);
}

static void make_look(void) {
    sqlite3_create_function(db, "look", -1, SQLITE_UTF8, NULL, look, NULL, NULL);
}

/* A table of its own for each of the two, whose trigger does the deleting, and keeps what was seen. */
static void make_triggers(const char *between) {
    EACH(name, "t", "o") {
        char *body = kept(sqlite3_mprintf("%s", between));
        for (char *at = body; (at = strchr(at, '@'));) *at = *name;
        run("DROP TABLE IF EXISTS go_%s; DROP TABLE IF EXISTS seen_%s; CREATE TABLE go_%s(x); CREATE TABLE seen_%s(y);"
            "CREATE TRIGGER trigger_%s AFTER INSERT ON go_%s BEGIN"
            "  DELETE FROM %s WHERE path GLOB 'b/*' AND value + 0 < 60; INSERT INTO seen_%s VALUES(look('%s')); %s;"
            "  DELETE FROM %s WHERE path GLOB 'c/*'; INSERT INTO seen_%s SELECT count(*) FROM %s;"
            "  DELETE FROM %s WHERE path GLOB 'd/*' AND value + 0 < 60; END",
            name, name, name, name, name, name, name, name, name, body, name, name, name, name);
    }
}

TEST(test_a_function_in_a_trigger_sees_what_is_left) {
    make_look();
    EACH(between, "SELECT 1", "DELETE FROM @ WHERE path GLOB 'a/*'", "UPDATE @ SET value = 5 WHERE path GLOB 'b/*'",
         "INSERT INTO @(path, value) VALUES('b/000001', 2)", "SELECT look('@', 'DELETE FROM @ WHERE path > ''c/''')",
         "SELECT RAISE(ABORT, 'no')", "SELECT RAISE(FAIL, 'no')", "SELECT RAISE(ROLLBACK, 'no')",
         "SELECT RAISE(IGNORE)") {
        for (int i = 0; i < 6; i++) {
            TEXTS(inserts, "INSERT INTO go_@ VALUES(1)", "INSERT INTO go_@ VALUES(1), (2)",
                  "INSERT OR FAIL INTO go_@ VALUES(1), (2)");
            fill(200);
            make_triggers(between);
            if (i % 2) run("BEGIN; DELETE FROM t WHERE path = 'a/000000'; DELETE FROM o WHERE path = 'a/000000'");
            EACH(name, "o", "t") {
                char *insert = kept(sqlite3_mprintf("%s", inserts[i / 2]));
                *strchr(insert, '@') = *name;
                if (i % 2) run("SAVEPOINT s");
                sql_try(db, "%s", insert);
                if (i % 2) sql_try(db, "RELEASE s");
            }
            if (i % 2) sql_try(db, i % 3 ? "COMMIT" : "ROLLBACK");
            if (strstr(between, "ROLLBACK") && i % 2) continue; /* takes the other table's changes along */
            are_same(between);
            char *seen = kept(sql_rows(db, "SELECT * FROM seen_t"));
            ck_assert_str_eq(seen, kept(sql_rows(db, "SELECT * FROM seen_o")));
        }
    }
}

TEST(test_two_tables_are_deleted_from_in_one_statement) {
    sql_create(db, "u", "");
    run("INSERT INTO u(path, value) SELECT path, value FROM t; CREATE TABLE go(x);"
        "CREATE TRIGGER both AFTER INSERT ON go BEGIN DELETE FROM t WHERE path GLOB 'a/*' AND value + 0 < 60;"
        " DELETE FROM u WHERE path GLOB 'b/*' AND value + 0 < 60; DELETE FROM t WHERE path GLOB 'b/*';"
        " DELETE FROM u WHERE path GLOB 'a/*'; END");
    run("INSERT INTO go VALUES(1)");
    expect("135\n", "SELECT count(*) FROM t");
    expect("135\n", "SELECT count(*) FROM u");
    run("BEGIN; INSERT INTO go VALUES(1); ROLLBACK");
    expect("0\n", "SELECT count(*) FROM t JOIN u USING(path) WHERE path < 'c/'");
}

/* The query's rows are those that were there at its beginning and are still there when it comes to them. */
TEST(test_a_query_goes_on_while_rows_are_deleted) {
    for (int step = 1; step < 90; step += 7) {
        fill(200);
        sqlite3_stmt *query = sql_prepare(db, "SELECT path FROM t"), *delete_some;
        for (int i = 0; i < step; i++) ck_assert_int_eq(sqlite3_step(query), SQLITE_ROW);
        delete_some = sql_prepare(db, "DELETE FROM t WHERE path GLOB 'b/*'");
        ck_assert_int_eq(sqlite3_step(delete_some), SQLITE_DONE);
        ck_assert_int_eq(sqlite3_changes(db), 50);
        sqlite3_finalize(delete_some);
        run("DELETE FROM t WHERE path GLOB 'd/*' AND value + 0 < 100; DELETE FROM o WHERE path GLOB 'b/*';"
            "DELETE FROM o WHERE path GLOB 'd/*' AND value + 0 < 100");
        int rows = step;
        while (sqlite3_step(query) == SQLITE_ROW) {
            const char *at = (const char *)sqlite3_column_text(query, 0);
            ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM o WHERE path = %Q", at), 1);
            rows++;
        }
        ck_assert_int_eq(rows, 200 - 25 - (step <= 50 ? 50 : 100 - step));
        sqlite3_finalize(query);
        are_same("behind an open query");
    }
}

TEST(test_rows_are_deleted_from_within_a_query_of_the_same_table) {
    sqlite3_stmt *query = sql_prepare(db, "SELECT DISTINCT substr(path, 1, 2) FROM t ORDER BY 1");
    int rows = 0;
    while (sqlite3_step(query) == SQLITE_ROW) {
        const char *at = (const char *)sqlite3_column_text(query, 0);
        run_both(TEXT("DELETE FROM @ WHERE path GLOB '%s*' AND path < '%s000120'", at, at));
        run_both(TEXT("DELETE FROM @ WHERE path GLOB '%s*' AND value + 0 < 160", at));
        rows++;
    }
    sqlite3_finalize(query);
    ck_assert_int_eq(rows, 4);
    are_same("within a query");
    expect("40\n", "SELECT count(*) FROM t");
}

/* A statement that reads to its end and deletes row by row in a function: nothing is left over behind it. */
TEST(test_a_function_that_deletes_one_row_after_the_other) {
    make_look();
    run("SELECT look('t', printf('DELETE FROM t WHERE path = %%Q', path)) FROM (SELECT path FROM t ORDER BY +path) "
        "WHERE path < 'c/'");
    run("DELETE FROM o WHERE path < 'c/'");
    are_same("by a function");
    run("SAVEPOINT s; DELETE FROM t WHERE path GLOB 'd/*' AND (value < 100 OR look('t', 'ROLLBACK TO s')); RELEASE s");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_check('t')"), 0);
}

/* --- stopped ------------------------------------------------------------------------------------------------------ */

static bool interrupts;
static int64_t left;

static void interrupt_directory(enum art_event event) {
    if (interrupts && event == ART_EVENT_DIRECTORY) sqlite3_interrupt(db);
}

static int count_down(void *unused) {
    return left-- == 0;
}

/* The rows are deleted by xUpdate itself; or by what releases the statement's savepoint, or commits it. */
TEST(test_an_error_is_the_statements_own) {
    art_test_hooks.at = interrupt_directory;
    EACH(where, "path GLOB 'b/*'", "path GLOB 'b/*' AND value + 0 < 60", "true") {
        if (is_by_rows(where)) continue; /* no event would interrupt it */
        for (int in_transaction = 0; in_transaction < 2; in_transaction++) {
            if (in_transaction) run("BEGIN; UPDATE t SET value = -1 WHERE path = 'a/000000'");
            interrupts = true;
            int rc = sql_try(db, "DELETE FROM t WHERE %s", where);
            ck_assert_msg((rc & 0xff) == SQLITE_INTERRUPT, "%s: %d", where, rc);
            interrupts = false;
            if (in_transaction) { /* SQLite's choice, as for an ordinary table */
                ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
            }
            are_same(where);
        }
    }
    run_both("DELETE FROM @ WHERE path GLOB 'b/*' AND value + 0 < 60");
    are_same("afterwards");
    art_test_hooks.at = NULL;
}

/* Noted rows stay noted when the query that comes first behind them fails. */
TEST(test_rows_that_could_not_be_deleted_for_a_query_are_deleted_later) {
    make_look();
    make_triggers("SELECT 1");
    art_test_hooks.at = interrupt_directory;
    interrupts = true;
    ck_assert_int_ne(sql_try(db, "INSERT INTO go_t VALUES(1)"), SQLITE_OK);
    interrupts = false;
    are_same("nothing was done");
    run("INSERT INTO go_t VALUES(1); INSERT INTO go_o VALUES(1)");
    are_same("all was done");
    art_test_hooks.at = NULL;
}

LOOP_TEST(test_it_is_stopped_at_any_instruction, 2) {
    EACH(where, "path GLOB 'b/*'", "path GLOB 'b/*' AND value + 0 < 60") {
        int rc = SQLITE_INTERRUPT;
        for (int at = 0; rc; at += 1 + at / 16) {
            if (_i) run("BEGIN; UPDATE t SET value = -1 WHERE path = 'a/000000'");
            left = at;
            sqlite3_progress_handler(db, 1, count_down, NULL);
            rc = sql_try(db, "DELETE FROM t WHERE %s", where);
            sqlite3_progress_handler(db, 0, NULL, NULL);
            ck_assert(!rc || (rc & 0xff) == SQLITE_INTERRUPT);
            if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
            if (!_i && !sql_int(db, "SELECT count(*) FROM t WHERE %s", where)) rc = SQLITE_OK; /* behind its commit */
            if (rc || _i) are_same(where);
        }
        if (!_i) run("DELETE FROM o WHERE %s", where);
        are_same(where);
        fill(200);
    }
}

/* Is the table as before a DELETE of some of its 200 rows? Or the transaction may be one that only ROLLBACK ends, and
 * says so. */
static void is_as_before(const char *when) {
    bool within = !sqlite3_get_autocommit(db);
    if (within && sql_try(db, "SELECT count(*) FROM t") == SQLITE_NOMEM) return;
    ck_assert_msg(sql_int(db, "SELECT count(*) FROM t") == 200, "%s: rows are gone", when);
    ck_assert_msg(sql_int(db, "SELECT value FROM t WHERE path = 'a/000000'") == (within ? -1 : 0), "%s: %d", when,
                  within);
}

LOOP_TEST(test_it_ends_without_memory_at_any_allocation, 2) {
    EACH(where, "path GLOB 'b/*'", "path GLOB 'b/*' AND value + 0 < 60", "true") {
        bool struck = true;
        for (unsigned nth = 1; struck; nth += 1 + nth / 16) {
            if (_i) run("BEGIN; UPDATE t SET value = -1 WHERE path = 'a/000000'");
            char *text = kept(sqlite3_mprintf("DELETE FROM t WHERE %s", where));
            int rc = sql_memory_try(db, text, nth, false, &struck);
            if (rc) is_as_before(where);
            if (!rc) ck_assert_int_le(sql_int(db, "SELECT count(*) FROM t WHERE %s", where), 0);
            if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
            if (!rc && !_i) fill(200);
            are_same(where);
        }
    }
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

/* SQLite then takes no savepoint for the statement, and releases none at its end. */
TEST(test_a_transaction_that_begins_within_the_statement_goes_on) {
    make_look();
    EACH(end, "COMMIT", "ROLLBACK", "SELECT * FROM @; ROLLBACK", "SAVEPOINT s; DELETE FROM @; ROLLBACK TO s; COMMIT",
         "SAVEPOINT s; ROLLBACK TO s; COMMIT", "UPDATE @ SET value = 1 WHERE path GLOB 'b/*'; COMMIT",
         "INSERT INTO @(path, value) VALUES('b/000001', 3); COMMIT", "ALTER TABLE @ RENAME TO x; ROLLBACK",
         "ALTER TABLE @ RENAME TO x; ALTER TABLE x RENAME TO @; COMMIT",
         "SAVEPOINT s; DROP TABLE @; ROLLBACK TO s; COMMIT", "DROP TABLE @; ROLLBACK",
         "DELETE FROM @ WHERE path GLOB 'c/*'; COMMIT", "CREATE TABLE y(z); ROLLBACK") {
        EACH(less, "60", "1000") {
            fill(200);
            run_both(TEXT("DELETE FROM @ WHERE path GLOB 'b/*' AND value + 0 < %s + 0 * "
                          "(SELECT look('@', 'BEGIN'))",
                          less));
            ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
            sql_try(db, "ROLLBACK"); /* both would be in one transaction: each by itself */
            fill(200);
            EACH(name, "o", "t") {
                char *text = kept(sqlite3_mprintf(
                    "DELETE FROM @ WHERE path GLOB 'b/*' AND value + 0 < %s + 0 * (SELECT look('@', 'BEGIN'));%s", less,
                    end));
                for (char *at = text; (at = strchr(at, '@'));) *at = *name;
                run("%s", text);
                ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
            }
            are_same(end);
        }
    }
}

TEST(test_rows_of_the_same_transaction_go_with_those_before) {
    for (int i = 0; i < 8; i++) {
        fill(200);
        EACH(name, "o", "t") {
            run("BEGIN; INSERT INTO %s(path, value) SELECT path || '+', value FROM o WHERE path GLOB '*3';", name);
            if (i & 1) run("SAVEPOINT s");
            run("DELETE FROM %s WHERE path GLOB 'b/*' AND value + 0 < %d", name, i & 2 ? 60 : 1000);
            run("INSERT INTO %s(path, value) VALUES('b/000001', 'new')", name);
            if (i & 1) run("%s", i & 4 ? "ROLLBACK TO s" : "RELEASE s");
            run("COMMIT");
        }
        are_same("in one transaction");
    }
}

static int refuse(void *unused) {
    return 1;
}

TEST(test_a_commit_that_is_refused_leaves_all_rows) {
    sqlite3 *other = sql_open(path);
    run("PRAGMA journal_mode = DELETE");
    EACH(where, "path GLOB 'b/*'", "path GLOB 'b/*' AND value + 0 < 60", "true") {
        sqlite3_commit_hook(db, refuse, NULL);
        ck_assert_int_eq(sql_try(db, "DELETE FROM t WHERE %s", where) & 0xff, SQLITE_CONSTRAINT);
        sqlite3_commit_hook(db, NULL, NULL);
        are_same("the hook");
        sqlite3_stmt *reader = sql_first_row(other, "SELECT path FROM o");
        ck_assert_int_eq(sql_try(db, "DELETE FROM t WHERE %s", where) & 0xff, SQLITE_BUSY);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 200);
        run("BEGIN; DELETE FROM t WHERE %s", where);
        ck_assert_int_eq(sql_try(db, "COMMIT") & 0xff, SQLITE_BUSY);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE %s", where), 0);
        sqlite3_finalize(reader);
        run("COMMIT; DELETE FROM o WHERE %s", where);
        are_same("the reader has gone");
        fill(200);
    }
    sql_close(other);
}

TEST(test_rows_of_an_attached_database_and_of_temp) {
    EACH(schema, "temp", "side") {
        if (*schema == 's') run("ATTACH %Q AS side", copy_path);
        run("CREATE VIRTUAL TABLE %s.u USING art(path, value)", schema);
        run("INSERT INTO u(path, value) SELECT path, value FROM o; DELETE FROM u WHERE path GLOB 'b/*';"
            "BEGIN; DELETE FROM u WHERE path GLOB 'c/*' AND value + 0 < 60; DELETE FROM t WHERE path GLOB 'c/*' AND "
            "value + 0 < 60; SAVEPOINT s; DELETE FROM u; DELETE FROM t; ROLLBACK TO s; COMMIT");
        run("DELETE FROM o WHERE path GLOB 'c/*' AND value + 0 < 60");
        are_same(schema);
        run("DELETE FROM o WHERE path GLOB 'b/*'; DELETE FROM t WHERE path GLOB 'b/*'");
        expect("0\n", "SELECT count(*) FROM u FULL JOIN t USING(path) WHERE t.value IS NOT u.value");
        run("DROP TABLE u");
        fill(200);
    }
}

TEST(test_a_newer_row_and_a_listing_are_deleted_as_they_were) {
    sqlite3_int64 version = sql_int(db, "SELECT max(row_version) FROM t");
    run("UPDATE t SET value = -1 WHERE path GLOB 'b/*'; UPDATE o SET value = -1 WHERE path GLOB 'b/*';"
        "DELETE FROM t WHERE row_version > %lld; DELETE FROM o WHERE value = -1",
        version);
    are_same("newer");
    run("INSERT INTO t(path, value) VALUES('c/', 1), ('c', 2); INSERT INTO o VALUES('c/', 1), ('c', 2);"
        "DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path < 'd'; DELETE FROM o WHERE path < 'd'");
    are_same("a listing");
}

/* --- snapshots, and other readers --------------------------------------------------------------------------------- */

CASE("readers", .seconds = 120, .set_up = set_up_small, .tear_down = sql_tear_down)

static void snapshot(const char *command, const char *name) {
    run("INSERT INTO t(t, snapshot) VALUES(%Q, %Q)", command, name);
}

static void snapshot_has(const char *name, const char *rows, const char *when) {
    char *has = kept(sql_rows(db, "SELECT path, value FROM t WHERE snapshot = %Q ORDER BY path", name));
    ck_assert_msg(!strcmp(has, rows), "%s: snapshot '%s' has other rows", when, name);
}

TEST(test_a_snapshot_keeps_the_rows_that_are_deleted) {
    for (int i = 0; i < 6; i++) {
        TEXTS(what, "path GLOB 'b/*'", "path GLOB 'b/*' AND value + 0 < 60", "true");
        const char *where = what[i / 2];
        fill(200);
        snapshot("snapshot", "before");
        char *before = kept(sql_rows(db, "SELECT path, value FROM o ORDER BY path"));
        if (i % 2) run("BEGIN");
        if (i % 2) snapshot("snapshot", "behind 1");
        run_both(TEXT("DELETE FROM @ WHERE %s", where));
        are_same(where);
        snapshot_has("before", before, where);
        snapshot("snapshot", "behind 2");
        if (i % 2) run("COMMIT");
        char *behind = kept(sql_rows(db, "SELECT path, value FROM o ORDER BY path"));
        int deleted = 200 - (int)sql_int(db, "SELECT count(*) FROM o");
        for (int again = 0; again < 2; again++) {
            snapshot_has("before", before, where);
            if (i % 2) snapshot_has("behind 1", behind, where);
            snapshot_has("behind 2", behind, where);
            ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_diff('t', 'before', NULL) WHERE change = 'deleted'"),
                             again ? 200 : deleted);
            if (!again) run_both("DELETE FROM @");
            are_same("all");
        }
        if (i % 2) snapshot("drop snapshot", "behind 1");
        snapshot("drop snapshot", "before");
        snapshot_has("behind 2", behind, where);
        snapshot("drop snapshot", "behind 2");
        are_same("no snapshot is left");
    }
}

TEST(test_rows_that_a_snapshot_has_are_no_reason_to_delete_more) {
    snapshot("snapshot", "before");
    run_both("DELETE FROM @ WHERE path = 'b/000001'");
    EACH(where, "path IN (SELECT path FROM t WHERE snapshot = 'before' AND path GLOB 'b/*' AND value + 0 < 30)",
         "path = (SELECT min(path) FROM t WHERE snapshot = 'before' AND path > 'b/000005')",
         "(SELECT count(*) FROM t AS x WHERE x.path <= t.path AND snapshot = 'before') BETWEEN 60 AND 90",
         "path < 'b/' AND snapshot IS NULL") {
        char *by_paths = kept(sqlite3_mprintf("%s", where));
        run("DELETE FROM o WHERE path IN (SELECT path FROM t WHERE %s)", by_paths);
        run("DELETE FROM t WHERE %s", where);
        are_same(where);
    }
    run("BEGIN");
    ck_assert_int_eq(sql_try(db, "DELETE FROM t WHERE snapshot = 'before' AND path GLOB 'd/*'"), SQLITE_READONLY);
    run("COMMIT");
    are_same("a snapshot is read only");
}

/* Begins a transaction, deletes the first rows of b/, and leaves them noted. */
static void leave_noted(void) {
    run("DELETE FROM t WHERE path GLOB 'b/*' AND value + 0 < 60 + 0 * (SELECT look('t', 'BEGIN'))");
    ck_assert_int_eq(sqlite3_get_autocommit(db), 0);
}

/* What follows a DELETE with noted rows: what it says, and what it leaves. */
TEXTS(followers, "SELECT count(*), total(value) FROM t", "SELECT path FROM t WHERE path >= 'b/' LIMIT 1",
      "SELECT path FROM t WHERE path = 'b/000001'", "SELECT * FROM t('b/', '/')", "SELECT * FROM t('', '/')",
      "SELECT art_count('t', 'b/')", "SELECT art_nth('t', '', 50)", "SELECT art_rank('t', 'c/')",
      "SELECT path, change FROM art_diff('t', 'before', NULL)",
      "SELECT path, change FROM art_diff('t', NULL, 'before')",
      "SELECT path, growth FROM art_growth('t', NULL, 'before', NULL, '', '/')", "SELECT * FROM art_check('t')",
      "SELECT name FROM art_snapshots('t')", "SELECT value FROM art_info('t') WHERE property = 'entries'",
      "SELECT count(*) FROM t WHERE snapshot = 'before'", "INSERT INTO t(t, snapshot) VALUES('snapshot', 'behind')",
      "INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'before')", "INSERT INTO t(t) VALUES('flush')",
      "INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t(t, prefix) VALUES('delete', 'b/0')",
      "INSERT INTO t(t, prefix, path) VALUES('move', 'b/', 'e/')",
      "INSERT INTO t(t, prefix, path) VALUES('copy', 'b/', 'e/')",
      "DELETE FROM t WHERE prefix = '' AND delimiter = '/' AND path = 'b/'",
      "UPDATE t SET path = 'e/' WHERE prefix = '' AND delimiter = '/' AND path = 'b/'",
      "DELETE FROM t WHERE path = 'b/000061'", "INSERT INTO t(path, value) VALUES('b/000001', 'new')",
      "REPLACE INTO t(path, value) VALUES('b/000005', 'new')", "UPDATE t SET value = 'new' WHERE path = 'b/000001'",
      "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t", "SAVEPOINT s; DELETE FROM t; ROLLBACK TO s",
      "SAVEPOINT s; RELEASE s", "INSERT INTO t(t) VALUES('add column x')", "PRAGMA integrity_check(t)",
      "SELECT count(*) FROM t_artdata");

static int say(void *out, int count, char **columns, char **names) {
    for (int i = 0; i < count; i++) sqlite3_str_appendf(out, "%s|", columns[i]);
    sqlite3_str_appendall(out, "\n");
    return 0;
}

static char *follow(const char *statements, bool as_one) {
    sqlite3_str *out = sqlite3_str_new(db);
    sql_create(db, "t", "");
    art_test_hooks.as_one = as_one;
    fill(200);
    snapshot("snapshot", "before");
    leave_noted();
    int rc = sqlite3_exec(db, statements, say, out, NULL);
    char *says = kept(sqlite3_str_finish(out));
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", statements, sqlite3_errmsg(db));
    run("COMMIT");
    char *leaves = kept(sql_rows(db, "SELECT * FROM t ORDER BY path"));
    char *names =
        kept(sql_rows(db, "SELECT name, (SELECT count(*) FROM t WHERE snapshot = name) FROM art_snapshots('t')"));
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM art_check('t')"), 0);
    run("DROP TABLE t");
    return TEXT("%s%s%s", says ? says : "", leaves, names);
}

TEST(test_noted_rows_are_gone_for_all_that_comes_next) {
    make_look();
    run("DROP TABLE t");
    for (unsigned i = 0; i < LENGTH(followers); i++) {
        char *by_rows = follow(followers[i], false), *as_one = follow(followers[i], true);
        ck_assert_msg(!strcmp(by_rows, as_one), "%s:\n%.300s\nrow by row:\n%.300s", followers[i], as_one, by_rows);
    }
}

/* Each of them stands before the rows that are deleted. */
TEST(test_a_reader_that_goes_on_passes_over_noted_rows) {
    make_look();
    snapshot("snapshot", "before");
    run_both("UPDATE @ SET value = -1 WHERE path < 'a/000010' OR path > 'd/000180'");
    EACH(query, "SELECT path FROM t WHERE path > 'a/000020'", "SELECT path FROM t ORDER BY path DESC",
         "SELECT path FROM art_diff('t', 'before', NULL)", "SELECT path FROM art_diff('t', NULL, 'before')",
         "SELECT path, growth FROM art_growth('t', NULL, 'before', NULL, '', '/', 2)") {
        char *of[2];
        for (int as_one = 0; as_one < 2; as_one++) {
            art_test_hooks.as_one = as_one;
            sqlite3_stmt *reader = sql_prepare(db, query);
            sqlite3_str *paths = sqlite3_str_new(db);
            if (sqlite3_step(reader) != SQLITE_ROW) ck_assert(strstr(query, "growth"));
            leave_noted();
            while (sqlite3_step(reader) == SQLITE_ROW)
                sqlite3_str_appendf(paths, "%s\n", sqlite3_column_text(reader, 0));
            sqlite3_finalize(reader);
            of[as_one] = kept(sqlite3_str_finish(paths));
            run("ROLLBACK");
        }
        ck_assert_str_eq(of[0], of[1]);
        are_same(query);
    }
}

TEST(test_a_row_that_is_deleted_is_gone_for_a_query_that_comes_to_it_last) {
    EACH(query, "SELECT path FROM t ORDER BY path DESC", "SELECT path FROM t WHERE path < 'b/' ORDER BY path DESC") {
        sqlite3_stmt *reader = sql_first_row(db, query);
        run("BEGIN; DELETE FROM t WHERE path = 'a/000000'");
        while (sqlite3_step(reader) == SQLITE_ROW)
            ck_assert_str_ne((const char *)sqlite3_column_text(reader, 0), "a/000000");
        sqlite3_finalize(reader);
        run("ROLLBACK");
        are_same(query);
    }
}

/* The savepoint of a statement that follows cannot be taken, since the noted rows cannot be deleted before it: that
 * statement ends, and what the transaction had changed before stays. */
TEST(test_a_savepoint_that_fails_takes_nothing_back) {
    make_look();
    bool struck = true;
    for (unsigned nth = 1; struck; nth += 1 + nth / 16) {
        run("DELETE FROM t WHERE path GLOB 'b/*' AND value + 0 < 60 + 0 * (SELECT look('t',"
            " 'BEGIN; UPDATE t SET value = -1 WHERE path = ''a/000000'''))");
        char *text = kept(sqlite3_mprintf("UPDATE t SET value = 7 WHERE path GLOB 'c/*'"));
        int rc = sql_memory_try(db, text, nth, false, &struck);
        bool within = !sqlite3_get_autocommit(db);
        bool doomed = rc && within && sql_try(db, "SELECT count(*) FROM t") == SQLITE_NOMEM;
        if (!doomed) {
            ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), within ? 185 : 200);
            ck_assert_int_eq(sql_int(db, "SELECT value FROM t WHERE path = 'a/000000'"), within ? -1 : 0);
            ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE value = 7 AND path GLOB 'c/*'"), rc ? 0 : 50);
        }
        if (within) run("ROLLBACK");
        are_same("rolled back");
    }
}

int main(void) {
    sql_memory_install();
    setenv("ART_EXTENSION", "linked", 1);
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
    return suite_run("sql_deleting", .set_up = set_up);
}
