/* Many art tables in one connection: a table that was not used lately takes little memory, a commit asks the changed
 * ones alone, and nobody notices that a table has rested: neither an open scan, nor a transaction, nor a savepoint.
 */
#define SQLITE_CORE 1
#include "ext/table/table.h"

#include "tests/support/sql_one.h"

enum { TABLES = 40, MEASURED_FROM = 100, MEASURED = 300, BYTES_A_TABLE = 10000, STATEMENTS = 3000, OPEN_SCANS = 24 };

static void set_up(void) {
    sql_set_up();
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
}

static void create_tables(unsigned count) {
    run("BEGIN");
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        sql_create(db, name, "");
        run("INSERT INTO %s(path, value) VALUES('a', 1), ('b', 2), ('c', 'x')", name);
    }
    run("COMMIT");
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void use_each(unsigned from, unsigned until, const char *statement) {
    for (unsigned i = from; i < until; i++) run(statement, i);
}

/* Of the tables from MEASURED_FROM on, the first ones having taken what a connection takes once. */
static void expect_little_memory(const char *statement) {
    use_each(0, MEASURED_FROM, statement);
    sqlite3_int64 before = sqlite3_memory_used();
    use_each(MEASURED_FROM, MEASURED, statement);
    sqlite3_int64 each = (sqlite3_memory_used() - before) / (MEASURED - MEASURED_FROM);
    ck_assert_msg(each < BYTES_A_TABLE, "%lld bytes a table after: %s", (long long)each, statement);
}

TEST(test_a_table_that_was_not_used_lately_takes_little_memory) {
    create_tables(MEASURED);
    sql_reopen();
    run("PRAGMA cache_size = -200; SELECT count(*) FROM sqlite_master");
    expect_little_memory("SELECT value FROM t%u WHERE path = 'b'");
    expect_little_memory("SELECT count(*), max(value) FROM t%u WHERE path > 'a'");
    expect_little_memory("SELECT art_count('t%u', '')");
    expect_little_memory("UPDATE t%u SET value = 7 WHERE path = 'a'");
    run("BEGIN");
    use_each(0, MEASURED, "UPDATE t%u SET value = 8 WHERE path >= 'b'");
    sqlite3_int64 within = sqlite3_memory_used();
    run("COMMIT");
    ck_assert_int_lt(sqlite3_memory_used(), within - (sqlite3_int64)MEASURED * BYTES_A_TABLE);
}

TEST(test_a_table_in_memory_goes_with_its_database) {
    sqlite3_int64 used[2];
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned turn = 0; turn < 20; turn++) {
            run("ATTACH ':memory:' AS x; CREATE VIRTUAL TABLE x.t USING art");
            run("INSERT INTO x.t VALUES('a', zeroblob(20000)); DETACH x");
        }
        used[i] = sqlite3_memory_used();
    }
    ck_assert_int_lt(used[1], used[0] + 20000);
}

/* --- what a commit asks ------------------------------------------------------------------------------------------- */

static sqlite3 *open_linked(void) {
    sqlite3 *opened;
    ck_assert_int_eq(sqlite3_open(path, &opened), SQLITE_OK);
    ck_assert_int_eq(sqlite3_art_init(opened, NULL, NULL) & 0xff, SQLITE_OK);
    return opened;
}

static unsigned changing(const struct art_connection *connection) {
    unsigned count = 0;
    for (const struct art_table *table = connection->changing; table; table = table->changing_next) count++;
    return count;
}

TEST(test_a_commit_asks_only_tables_that_were_changed) {
    create_tables(TABLES);
    sqlite3 *linked = open_linked();
    struct art_connection *connection = art_connection_hold(linked);
    for (unsigned i = 0; i < TABLES; i++) sql_run(linked, "SELECT * FROM t%u", i);
    ck_assert_uint_eq(changing(connection), 0);
    sql_run(linked, "BEGIN; UPDATE t5 SET value = 2");
    ck_assert_uint_eq(changing(connection), 1);
    sql_run(linked, "SAVEPOINT s; UPDATE t7 SET value = 2; UPDATE t5 SET value = 3; SELECT * FROM t8");
    ck_assert_uint_eq(changing(connection), 2);
    sql_run(linked, "ROLLBACK TO s; COMMIT");
    ck_assert_uint_eq(changing(connection), 0);
    expect("2|2|2\n", "SELECT group_concat(value, '|') FROM t5");
    expect("1|2|x\n", "SELECT group_concat(value, '|') FROM t7");
    sql_run(linked, "BEGIN; DELETE FROM t9; ROLLBACK; UPDATE t1 SET value = 0; DROP TABLE t2");
    ck_assert_uint_eq(changing(connection), 0);
    art_connection_release(connection);
    ck_assert_int_eq(sqlite3_close(linked), SQLITE_OK);
}

static unsigned awake(const struct art_connection *connection) {
    unsigned count = 0;
    for (const struct art_vtab *vtab = connection->vtabs; vtab; vtab = vtab->next) count += vtab->awake;
    return count;
}

static unsigned listed_awake(const struct art_connection *connection) {
    unsigned count = 0;
    for (unsigned i = 0; i < ART_LIMIT(awake); i++) count += connection->awake[i] != NULL;
    return count;
}

TEST(test_handles_that_go_are_not_listed) {
    create_tables(TABLES);
    sqlite3 *linked = open_linked();
    struct art_connection *connection = art_connection_hold(linked);
    for (unsigned i = 0; i < TABLES; i++) {
        sql_run(linked, "SELECT * FROM t%u", i);
        ck_assert_uint_eq(awake(connection), i < ART_LIMIT(awake) ? i + 1 : ART_LIMIT(awake));
        ck_assert_uint_eq(listed_awake(connection), awake(connection));
    }
    sql_run(linked, "DROP TABLE t%u", TABLES - 1);
    ck_assert_uint_eq(awake(connection), ART_LIMIT(awake) - 1);
    ck_assert_uint_eq(listed_awake(connection), ART_LIMIT(awake) - 1);
    sql_run(linked, "SELECT * FROM t0; SELECT * FROM t1");
    ck_assert_uint_eq(listed_awake(connection), awake(connection));
    art_connection_release(connection);
    ck_assert_int_eq(sqlite3_close(linked), SQLITE_OK);
}

/* --- nobody notices ----------------------------------------------------------------------------------------------- */

static void create_twins(void) {
    create_tables(TABLES);
    for (unsigned i = 0; i < TABLES; i++) {
        run("CREATE TABLE u%u(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID; INSERT INTO u%u SELECT * FROM t%u",
            i, i, i);
    }
}

/* A scan of both tables that is stepped now and then. */
struct twin_scan {
    sqlite3_stmt *art, *ordinary;
};

static void scan_end(struct twin_scan *scan) {
    sqlite3_finalize(scan->art);
    sqlite3_finalize(scan->ordinary);
    *scan = (struct twin_scan){NULL, NULL};
}

static void scan_step(struct twin_scan *scan) {
    int rc = sqlite3_step(scan->art);
    ck_assert_int_eq(rc, sqlite3_step(scan->ordinary));
    if (rc != SQLITE_ROW) {
        scan_end(scan);
        return;
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq((const char *)sqlite3_column_text(scan->art, i),
                         (const char *)sqlite3_column_text(scan->ordinary, i));
    }
}

static void scan_begin(struct twin_scan *scan, struct random *chance) {
    TEXTS(wheres, "path >= 'b'", "path < 'c'", "path = 'b'", "1");
    unsigned table = random_below(chance, TABLES);
    const char *where = wheres[random_below(chance, LENGTH(wheres))];
    const char *order = random_once_in(chance, 2) ? "DESC" : "";
    scan->art = sql_prepare(db, "SELECT path, value FROM t%u WHERE %s ORDER BY path %s", table, where, order);
    scan->ordinary = sql_prepare(db, "SELECT path, value FROM u%u WHERE %s ORDER BY path %s", table, where, order);
}

static void end_scans(struct twin_scan *scans) {
    for (unsigned i = 0; i < OPEN_SCANS; i++) scan_end(&scans[i]);
}

static void change_both(struct random *chance) {
    TEXTS(changes, "INSERT OR REPLACE INTO %c%u(path, value) VALUES('%c', %u)", "UPDATE %c%u SET value = '%c' || %u",
          "DELETE FROM %c%u WHERE path = '%c' OR value = %u");
    const char *change = changes[random_below(chance, LENGTH(changes))];
    unsigned table = random_below(chance, TABLES), value = random_below(chance, 1000);
    char letter = (char)('a' + random_below(chance, 8));
    run(change, 't', table, letter, value);
    run(change, 'u', table, letter, value);
}

static void make_anew(unsigned table) {
    char name[16];
    snprintf(name, sizeof name, "t%u", table);
    run("DROP TABLE %s", name);
    sql_create(db, name, "");
    run("INSERT INTO %s SELECT * FROM u%u", name, table);
}

static void compare_all(void) {
    for (unsigned i = 0; i < TABLES; i++) {
        sql_alike(sql_prepare(db, "SELECT path, value FROM t%u ORDER BY path", i),
                  sql_prepare(db, "SELECT path, value FROM u%u ORDER BY path", i));
        ck_assert_int_eq(sql_int(db, "SELECT art_count('t%u', '')", i), sql_int(db, "SELECT count(*) FROM u%u", i));
    }
}

/* What scans show of rows that change under them is told nowhere: they end first, or only walk on. */
TEST(test_tables_in_turn_are_what_ordinary_ones_are) {
    struct random chance = random_announced("many tables in turn");
    struct twin_scan scans[OPEN_SCANS] = {{NULL, NULL}};
    create_twins();
    for (unsigned i = 0; i < random_rounds(STATEMENTS); i++) {
        if (!random_span(&chance)) continue;
        unsigned what = random_below(&chance, 100);
        struct twin_scan *scan = &scans[random_below(&chance, OPEN_SCANS)];
        bool inside = !sqlite3_get_autocommit(db);
        if (what < 60) {
            if (!scan->art) scan_begin(scan, &chance);
            scan_step(scan);
        } else if (what < 85) {
            end_scans(scans);
            change_both(&chance);
        } else if (what < 88) {
            end_scans(scans);
            run("INSERT INTO t%u(t%u) VALUES('flush')", what % TABLES, what % TABLES);
        } else if (what == 99 && !inside) {
            end_scans(scans);
            make_anew(random_below(&chance, TABLES));
        } else {
            end_scans(scans);
            run(!inside     ? what < 96 ? "BEGIN" : "SELECT 1"
                : what < 91 ? "SAVEPOINT s"
                : what < 94 ? "SAVEPOINT s; ROLLBACK TO s"
                : what < 98 ? "COMMIT"
                            : "ROLLBACK");
        }
    }
    end_scans(scans);
    compare_all();
    if (!sqlite3_get_autocommit(db)) run("COMMIT");
    compare_all();
    sql_reopen();
    compare_all();
}

SUITE("sql_many", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down)
