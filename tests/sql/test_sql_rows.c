/* Rows of several columns, written and read at random beside an ordinary table.
 *
 * The model is a table of the same name and columns in an attached database: after each statement both have answered
 * with the same code, the same message and the same changes(), and from time to time with the same rows, types
 * included. ART_TEST_SCALE multiplies the histories.
 *
 * Left out, because SQLite itself treats virtual tables otherwise: UPSERT, RETURNING of an UPDATE, several rows whose
 * paths change in one statement.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/odd_values.h"
#include "tests/support/random.h"
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

enum { COLUMNS_MAX = 14, HISTORIES = 60, STEPS = 120 };

static struct random chance;
static unsigned statements, refusals;
static unsigned columns; /* but the key: c0, c1, ... */

static void open_both(void) {
    db = sql_open(path);
    sql_run(db, "ATTACH '%q-model' AS model; PRAGMA synchronous=OFF; PRAGMA model.synchronous=OFF", path);
    sql_run(db, "CREATE TEMP TABLE large(k INTEGER PRIMARY KEY, v); INSERT INTO large VALUES(1, 1);"
                "CREATE TEMP TABLE other(p, v); INSERT INTO other VALUES('k/1', '5'), ('k/12', 2.0), ('k/2', x'00')");
}

static void set_up(void) {
    sql_set_up_closed();
    open_both();
}

#define ONE_OF(list) list[random_below(&chance, sizeof list / sizeof *list)]

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void make_tables(void) {
    TEXTS(types, "", "INTEGER", "INT", "REAL", "TEXT", "BLOB", "NUMERIC", "VARCHAR(20)", "CHARINT", "FLOATING POINT",
          "DATE", "DECIMAL(10, 2)", "DOUBLE", "CLOB", "BOOLEAN", "STRING", "unsigned bigint", "blob real", "Real Blob",
          "realtext", "REAL TEXT", "xblob");
    static const char *const constraints[] = {
        "", "", "", "", " NOT NULL", " COLLATE NOCASE", " NULL", " DEFAULT NULL", " COLLATE RTRIM NOT NULL"};
    static const char *const options[] = {"", ", log_limit='8KB'", ", spill_limit='64KB', log_limit='8KB'"};
    sqlite3_str *text = sqlite3_str_new(NULL);
    columns = random_once_in(&chance, 5) ? 1 : 1 + random_below(&chance, COLUMNS_MAX);
    sqlite3_str_appendall(text, "path TEXT PRIMARY KEY");
    for (unsigned i = 0; i < columns; i++) {
        sqlite3_str_appendf(text, ", c%u %s%s", i, ONE_OF(types), ONE_OF(constraints));
    }
    char *definitions = sqlite3_str_finish(text);
    sql_run(db, "DROP TABLE IF EXISTS main.t; DROP TABLE IF EXISTS model.t");
    sql_run(db, "CREATE VIRTUAL TABLE main.t USING art(%s%s)", definitions, ONE_OF(options));
    sql_run(db, "CREATE TABLE model.t(%s) WITHOUT ROWID", definitions);
    sqlite3_free(definitions);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static void put_value(sqlite3_str *out) {
    static const char *const usual[] = {"NULL", "0",   "1",    "-1",  "7",     "12",    "'12'", "'1'",
                                        "'a'",  "'B'", "'b '", "1.5", "'1.5'", "x'00'", "''",   "2.0"};
    static const char *const large[] = {
        "randomblob(4000)", "hex(randomblob(2100))", "printf('%%.*c', 4090, 'x')", "printf('%%.*c', 9000, 'y')",
        "zeroblob(5000)",   "randomblob(70000)",     "hex(randomblob(40000))",     "zeroblob(140000)"};
    uint32_t kind = random_below(&chance, 60);
    if (kind == 0) {
        /* both tables must get the same: the random one is made once */
        sql_run(db, "INSERT OR REPLACE INTO temp.large VALUES(1, %s)", ONE_OF(large));
        sqlite3_str_appendall(out, "(SELECT v FROM temp.large)");
    } else if (kind < 5) {
        sqlite3_str_appendf(out, "%lld", (int64_t)random_next(&chance) >> random_below(&chance, 64));
    } else if (kind < 8) {
        sqlite3_str_appendf(out, "%!.17g", (double)(int64_t)random_next(&chance) / (double)(1 + random_next(&chance)));
    } else if (kind < 10) {
        sqlite3_str_appendf(out, "'%lld.%u'", (int64_t)random_next(&chance) >> random_below(&chance, 64),
                            random_below(&chance, 3));
    } else {
        sqlite3_str_appendall(out, kind < 30 ? odd_value(random_below(&chance, ODD_VALUES)) : ONE_OF(usual));
    }
}

static void put_path(sqlite3_str *out) {
    sqlite3_str_appendf(out, "'k/%u'", random_below(&chance, 30));
}

static void put_row(sqlite3_str *out) {
    sqlite3_str_appendall(out, "(");
    put_path(out);
    for (unsigned i = 0; i < columns; i++) {
        sqlite3_str_appendall(out, ", ");
        put_value(out);
    }
    sqlite3_str_appendall(out, ")");
}

static const char *conflict(void) {
    static const char *const clauses[] = {"",           "",         "OR REPLACE ", "OR REPLACE ",
                                          "OR IGNORE ", "OR FAIL ", "OR ABORT ",   "OR ROLLBACK "};
    return ONE_OF(clauses);
}

static void put_assignments(sqlite3_str *out) {
    unsigned wanted = 1 + random_below(&chance, random_once_in(&chance, 3) ? columns : 2);
    for (unsigned i = 0; i < wanted; i++) {
        unsigned column = random_below(&chance, columns);
        sqlite3_str_appendf(out, "%sc%u = ", i ? ", " : "", column);
        if (random_once_in(&chance, 4)) {
            sqlite3_str_appendf(out, "c%u", random_below(&chance, columns));
        } else {
            put_value(out);
        }
    }
}

static void put_condition(sqlite3_str *out) {
    switch (random_below(&chance, 4)) {
    case 0:
        sqlite3_str_appendall(out, "path = ");
        put_path(out);
        break;
    case 1:
        sqlite3_str_appendf(out, "path GLOB 'k/%u*'", random_below(&chance, 3));
        break;
    case 2:
        sqlite3_str_appendf(out, "c%u >= ", random_below(&chance, columns));
        put_value(out);
        break;
    default:
        sqlite3_str_appendf(out, "c%u IS NOT NULL", random_below(&chance, columns));
    }
}

/* With %s where the schema stands. */
static char *random_statement(void) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    uint32_t kind = random_below(&chance, 100);
    if (kind < 40) {
        sqlite3_str_appendf(out, "INSERT %sINTO %%s.t VALUES ", conflict());
        for (unsigned i = 0, rows = 1 + random_below(&chance, 3); i < rows; i++) {
            if (i) sqlite3_str_appendall(out, ", ");
            put_row(out);
        }
    } else if (kind < 46) {
        unsigned column = random_below(&chance, columns);
        sqlite3_str_appendf(out, "INSERT %sINTO %%s.t(c%u, path) VALUES(", conflict(), column);
        put_value(out);
        sqlite3_str_appendall(out, ", ");
        put_path(out);
        sqlite3_str_appendall(out, ")");
    } else if (kind < 74) {
        sqlite3_str_appendf(out, "UPDATE %s%%s.t SET ", conflict());
        put_assignments(out);
        sqlite3_str_appendall(out, " WHERE ");
        put_condition(out);
    } else if (kind < 80) {
        sqlite3_str_appendf(out, "UPDATE %s%%s.t SET path = ", conflict());
        put_path(out);
        if (random_once_in(&chance, 2)) {
            sqlite3_str_appendall(out, ", ");
            put_assignments(out);
        }
        sqlite3_str_appendall(out, " WHERE path = ");
        put_path(out);
    } else if (kind < 85) {
        sqlite3_str_appendf(out, "UPDATE %%s.t SET c%u = f.v FROM temp.other f WHERE path = f.p",
                            random_below(&chance, columns));
    } else if (kind < 89) {
        sqlite3_str_appendf(out, "INSERT OR REPLACE INTO %%s.t SELECT 'k/' || (30 + length(path))");
        for (unsigned i = 0; i < columns; i++) sqlite3_str_appendf(out, ", c%u", random_below(&chance, columns));
        sqlite3_str_appendall(out, " FROM %s.t WHERE ");
        put_condition(out);
    } else {
        sqlite3_str_appendall(out, "DELETE FROM %s.t WHERE ");
        put_condition(out);
    }
    return sqlite3_str_finish(out);
}

static char *for_schema(const char *statement, const char *schema) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (const char *hole; (hole = strstr(statement, "%s")); statement = hole + 2) {
        sqlite3_str_append(out, statement, (int)(hole - statement));
        sqlite3_str_appendall(out, schema);
    }
    sqlite3_str_appendall(out, statement);
    return sqlite3_str_finish(out);
}

static void agree(uint64_t seed, const char *statement) {
    char *ours = for_schema(statement, "main"), *theirs = for_schema(statement, "model");
    int changes[2], code[2] = {0, 0};
    char *message[2];
    for (int i = 0; i < 2; i++) {
        sql_run(db, "SAVEPOINT whole");
        code[i] = sql_try(db, "%s", i ? theirs : ours);
        message[i] = sqlite3_mprintf("%s", sqlite3_errmsg(db));
        changes[i] = code[i] ? 0 : sqlite3_changes(db);
        sql_try(db, "RELEASE whole");
    }
    ck_assert_msg(code[0] == code[1] && changes[0] == changes[1] && (!code[0] || !strcmp(message[0], message[1])),
                  "seed %llu: %.1000s\n  art      %d, %d changes, %s\n  ordinary %d, %d changes, %s",
                  (unsigned long long)seed, ours, code[0], changes[0], message[0], code[1], changes[1], message[1]);
    statements++;
    refusals += code[0] != SQLITE_OK;
    for (int i = 0; i < 2; i++) sqlite3_free(message[i]);
    sqlite3_free(ours);
    sqlite3_free(theirs);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* To the last bit: -0.0 is not 0.0. */
static void append_value(sqlite3_str *out, sqlite3_value *value) {
    if (sqlite3_value_type(value) == SQLITE_FLOAT) {
        double real = sqlite3_value_double(value);
        uint64_t bits;
        memcpy(&bits, &real, sizeof bits);
        sqlite3_str_appendf(out, "%016llx = ", bits);
    }
    sql_append_value(out, value);
}

static char *read_all(const char *query, const char *schema) {
    char *text = for_schema(query, schema);
    sqlite3_stmt *rows = sql_prepare(db, "%s", text);
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, "");
    while (sqlite3_step(rows) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            append_value(out, sqlite3_column_value(rows, i));
            sqlite3_str_appendall(out, i + 1 < sqlite3_column_count(rows) ? " | " : "\n");
        }
    }
    ck_assert_msg(sqlite3_finalize(rows) == SQLITE_OK, "%s: %s", text, sqlite3_errmsg(db));
    sqlite3_free(text);
    char *all = sqlite3_str_finish(out);
    return all ? all : sqlite3_mprintf("");
}

static void same_rows(uint64_t seed, const char *query) {
    char *ours = read_all(query, "main"), *theirs = read_all(query, "model");
    ck_assert_msg(!strcmp(ours, theirs), "seed %llu: %.300s\n-- art\n%.1500s\n-- ordinary\n%.1500s",
                  (unsigned long long)seed, query, ours, theirs);
    sqlite3_free(ours);
    sqlite3_free(theirs);
}

static void same_selection(uint64_t seed) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    sqlite3_str_appendall(out, "SELECT path");
    for (unsigned i = 0; i < 4; i++) sqlite3_str_appendf(out, ", c%u", random_below(&chance, columns));
    sqlite3_str_appendall(out, " FROM %s.t WHERE ");
    put_condition(out);
    sqlite3_str_appendf(out, " ORDER BY c%u, path", random_below(&chance, columns));
    char *query = sqlite3_str_finish(out);
    same_rows(seed, query);
    sqlite3_free(query);
}

static void one_history(uint64_t seed) {
    chance = (struct random){seed};
    make_tables();
    for (int i = 0; i < STEPS; i++) {
        char *statement = random_statement();
        agree(seed, statement);
        sqlite3_free(statement);
        if (random_once_in(&chance, 4)) same_selection(seed);
        if (random_once_in(&chance, 10)) same_rows(seed, "SELECT * FROM %s.t ORDER BY path");
        if (random_once_in(&chance, 20)) sql_run(db, "INSERT INTO main.t(t) VALUES('flush')");
        if (!random_once_in(&chance, 40)) continue;
        sql_close(db);
        open_both();
        sql_run(db, "SELECT count(*) FROM main.t"); /* meets the table outside of a transaction */
    }
    same_rows(seed, "SELECT * FROM %s.t ORDER BY path");
    sql_run(db, "INSERT INTO main.t(t) VALUES('optimize')");
    same_rows(seed, "SELECT * FROM %s.t ORDER BY path");
}

TEST(test_random_rows_are_those_of_an_ordinary_table) {
    uint64_t seed = random_seed();
    printf("rows: seeds from %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < (uint64_t)HISTORIES * random_scale(); i++) one_history(seed + i);
    printf("%u statements agree, %u of them were refused\n", statements, refusals);
}

/* ---- single statements ------------------------------------------------------------------------------------------- */

static void changed(int expected, const char *statement) {
    sql_run(db, "%s", statement);
    ck_assert_msg(sqlite3_changes(db) == expected, "%s: %d changes, expected %d", statement, sqlite3_changes(db),
                  expected);
}

TEST(test_hidden_columns_are_not_for_writing) {
    sql_create(db, "t", "path, a, b NOT NULL");
    sql_run(db, "INSERT INTO t VALUES('dir/x', 1, 1), ('dir/y', 2, 2)");
    sql_run(
        db,
        "INSERT INTO t(path, a, b, prefix, delimiter, entries, version) VALUES('dir/z', 3, 3, NULL, NULL, NULL, NULL)");
    EACH(each, "prefix", "delimiter", "entries", "version") {
        char *message = sqlite3_mprintf("art: the hidden column %s cannot be written (t.%s): leave it out", each, each);
        EACH(one, "INSERT INTO t(path, b, %s) VALUES('new', 1, 5)",
             "INSERT OR REPLACE INTO t(path, b, %s) VALUES('dir/x', 1, '')",
             "UPDATE t SET %s = 'no' WHERE path = 'dir/x'", "UPDATE t SET a = 5, %s = 0",
             "UPDATE t SET path = 'dir/w', %s = 1.5 WHERE path = 'dir/x'") {
            char *statement = sqlite3_mprintf(one, each);
            refuses(SQLITE_ERROR, message, statement);
            sqlite3_free(statement);
        }
        sqlite3_free(message);
    }
    refuses(SQLITE_ERROR, "t.version", "UPDATE t SET version = NULL");
    refuses(SQLITE_ERROR, "an UPDATE cannot give a command", "UPDATE t SET t = 'flush'");
    expect("dir/x|1|1\ndir/y|2|2\ndir/z|3|3\n", "SELECT * FROM t");
}

TEST(test_an_update_with_the_version_it_read_is_a_compare_and_set) {
    sql_create(db, "t", "path, a, etag TEXT");
    sql_run(db, "INSERT INTO t VALUES('x', 1, 'one'), ('y', 2, 'two')");
    sqlite3 *other = sql_open(path);
    int64_t mine = sql_int(db, "SELECT version FROM t WHERE path = 'x'");
    sql_run(other, "UPDATE t SET etag = 'theirs' WHERE path = 'x' AND version = %lld", mine);
    ck_assert_int_eq(sqlite3_changes(other), 1);
    sql_run(db, "UPDATE t SET etag = 'mine' WHERE path = 'x' AND version = %lld", mine);
    ck_assert_int_eq(sqlite3_changes(db), 0);
    mine = sql_int(db, "SELECT version FROM t WHERE path = 'x'");
    sql_run(db, "UPDATE t SET etag = 'mine' WHERE path = 'x' AND version = %lld", mine);
    ck_assert_int_eq(sqlite3_changes(db), 1);
    sql_run(db, "DELETE FROM t WHERE path = 'y' AND version = %lld", mine);
    ck_assert_int_eq(sqlite3_changes(db), 0);
    expect("x|1|mine\ny|2|two\n", "SELECT * FROM t");
    sql_close(other);
}

/* SQLite 3.40.1 passes the old values of columns that are not set, those of hidden columns too. */
TEST(test_update_from_sets_columns_and_only_these) {
    sql_create(db, "t", "path, a NOT NULL, b COLLATE NOCASE, c REAL");
    sql_run(
        db,
        "INSERT INTO t VALUES('d/1', 1, 'one', 1), ('d/2', 2, 'two', 2), ('e', 3, 'three', 3);"
        "CREATE TABLE new(p, v, version); INSERT INTO new SELECT path, a || '!', version FROM t WHERE path > 'd/1'");
    changed(2, "UPDATE t SET b = new.v FROM new WHERE path = new.p");
    changed(0, "UPDATE t SET b = 'stale' FROM new WHERE path = new.p AND t.version = new.version");
    sql_run(db, "DELETE FROM new; INSERT INTO new SELECT path, a * 10, version FROM t WHERE path GLOB 'd/*'");
    changed(2, "UPDATE t SET a = new.v FROM new WHERE path = new.p AND t.version = new.version");
    changed(2, "UPDATE t SET path = path || 'x', c = new.v FROM new WHERE path = new.p");
    refuses(SQLITE_ERROR, "t.version", "UPDATE t SET version = 1 FROM new WHERE path = new.p || 'x'");
    refuses(SQLITE_ERROR, "t.entries", "UPDATE t SET entries = 1 FROM new WHERE path = new.p || 'x'");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: t.a",
            "UPDATE t SET a = NULL FROM new WHERE path = new.p || 'x'");
    expect("d/1x|10|one|10.0\nd/2x|20|2!|20.0\ne|3|3!|3.0\n", "SELECT * FROM t");
    /* two rows for one: the second meets a row of another version than it was told */
    sql_run(db, "DELETE FROM new; INSERT INTO new VALUES('e', 'once', 0), ('e', 'once', 0), ('d/1x', 'once', 0)");
    changed(3, "UPDATE t SET b = new.v FROM new WHERE path = new.p");
    expect("d/1x|10|once|10.0\nd/2x|20|2!|20.0\ne|3|once|3.0\n", "SELECT * FROM t");
    refuses(SQLITE_ERROR, "t.version", "UPDATE t SET version = 99 FROM new WHERE path = new.p");
}

TEST(test_a_row_that_changed_earlier_in_the_statement_keeps_what_it_has_now) {
    sql_create(db, "t", "path, a, b");
    sql_run(db, "INSERT INTO t VALUES('1', 'a1', 'b1'), ('2', 'a2', 'b2'), ('3', 'a3', 'b3')");
    /* 1 replaces 2; then there is a 2 again, which was 1 */
    sql_run(db, "UPDATE OR REPLACE t SET path = path + 1, a = a || '+' WHERE path < '3'");
    expect("3|a2+|b1\n", "SELECT * FROM t");
    sql_run(db, "DELETE FROM t; INSERT INTO t VALUES('1', 'a1', zeroblob(9000)), ('2', 'a2', 'b2')");
    sql_run(db, "UPDATE OR REPLACE t SET path = path + 1, a = a || '+' WHERE path = '1'; UPDATE t SET a = a || '!'");
    expect("2|a1+!|9000\n", "SELECT path, a, length(b) FROM t");
}

TEST(test_columns_that_are_not_set_keep_their_bytes_whatever_their_length) {
    static const int lengths[] = {0, 1, 100, 4000, 4096, 5000, 65000, 70000, 600000};
    sql_create(db, "t", "path, before, a INT, after TEXT, z");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        sql_run(db, "INSERT INTO t VALUES('%d', zeroblob(%d), %d, printf('%%.*c', %d, 'x'), 'end')", lengths[i],
                lengths[i], lengths[i], lengths[i] / 2);
    }
    static const char *const updates[] = {"a = a + 1", "z = z || '.'", "a = '7', z = 2.5", "path = path || '/moved'",
                                          "path = replace(path, '/moved', ''), a = NULL"};
    for (int i = 0; i < 5; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            sql_run(db, "UPDATE t SET %s WHERE path >= '%d' AND path < '%d0' AND length(before) = %d", updates[i],
                    lengths[j], lengths[j], lengths[j]);
        }
        if (i % 2) sql_command(db, "main", "t", "flush");
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE length(before) = CAST(path AS INTEGER) "
                                     "AND after = printf('%%.*c', CAST(path AS INTEGER) / 2, 'x')"),
                         9);
    }
    expect("|2.5\n", "SELECT DISTINCT a, z FROM t");
}

/* Paths and values of every length up to some, without a NUL and with one at each of several places. */
static unsigned put_texts_with_nuls(void) {
    static const int places[] = {-1, 0, 1, 7, 14, 15, 16, 17, 31, 32, 47, 63, 64, 200, 254, 255, 256};
    char text[300];
    unsigned rows = 0;
    for (int len = 0; len < 290; len = len == 90 ? 240 : len + 1) {
        for (size_t i = 0; i < sizeof places / sizeof *places && places[i] < len; i++) {
            memset(text, 'x', sizeof text);
            if (places[i] >= 0) text[places[i]] = 0;
            for (int model = 0; model < 2; model++) {
                sqlite3_stmt *insert = sql_prepare(db, "INSERT INTO %s VALUES(?1 || '%d', ?1)", model ? "m" : "t", len);
                sqlite3_bind_text(insert, 1, text, len, SQLITE_STATIC);
                ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
                sqlite3_finalize(insert);
            }
            rows++;
        }
    }
    return rows;
}

static void same_texts(sqlite3_stmt *one, sqlite3_stmt *other, unsigned rows) {
    for (unsigned row = 0; row < rows; row++) {
        ck_assert_int_eq(sqlite3_step(one), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_step(other), SQLITE_ROW);
        for (int i = 0; i < 2; i++) {
            const unsigned char *text = sqlite3_column_text(one, i), *expected = sqlite3_column_text(other, i);
            int bytes = sqlite3_column_bytes(one, i);
            ck_assert_int_eq(bytes, sqlite3_column_bytes(other, i));
            ck_assert_int_eq(memcmp(text, expected, (size_t)bytes), 0);
            ck_assert_int_eq(text[bytes], 0);
        }
    }
    ck_assert_int_eq(sqlite3_step(one), SQLITE_DONE);
    sqlite3_finalize(one);
    sqlite3_finalize(other);
}

TEST(test_texts_are_shown_to_their_end_whatever_nuls_are_in_them) {
    sql_create(db, "t", "path, a");
    sql_run(db, "CREATE TEMP TABLE m(path TEXT PRIMARY KEY, a) WITHOUT ROWID; BEGIN");
    unsigned rows = put_texts_with_nuls();
    sql_run(db, "COMMIT");
    for (int flushed = 0; flushed < 2; flushed++) {
        if (flushed) sql_command(db, "main", "t", "flush");
        for (int back = 0; back < 2; back++) {
            const char *order = back ? "DESC" : "ASC";
            same_texts(sql_prepare(db, "SELECT path, a FROM t ORDER BY path %s", order),
                       sql_prepare(db, "SELECT path, a FROM m ORDER BY path %s", order), rows);
        }
        same_texts(sql_prepare(db, "SELECT t.path, t.a FROM m CROSS JOIN t ON t.path = m.path ORDER BY m.path"),
                   sql_prepare(db, "SELECT path, a FROM m ORDER BY path"), rows);
    }
}

TEST(test_a_row_moves_without_its_value_being_written_anew) {
    sql_create(db, "t", "path, a, big");
    sql_run(db, "INSERT INTO t VALUES('from', 1, randomblob(60000)); INSERT INTO t(t) VALUES('flush')");
    int64_t before = sql_int(db, "SELECT sum(length(ops)) FROM t_artdata");
    sql_run(db, "UPDATE t SET path = 'to'");
    ck_assert_int_lt(sql_int(db, "SELECT sum(length(ops)) FROM t_artdata"), before + 400);
    expect("to|1|60000\n", "SELECT path, a, length(big) FROM t");
    sql_run(db, "UPDATE t SET a = 2");
    ck_assert_int_gt(sql_int(db, "SELECT sum(length(ops)) FROM t_artdata"), before + 60000);
}

TEST(test_a_row_may_be_as_long_as_an_ordinary_one_and_not_longer) {
    sql_create(db, "t", "path, a, b");
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 200000);
    sql_run(db, "INSERT INTO t VALUES('fits', zeroblob(100000), zeroblob(99993))");
    refuses(SQLITE_TOOBIG, "art: a row of 200001 bytes is too long (t): it may have 200000",
            "INSERT INTO t VALUES('not', zeroblob(100000), zeroblob(99994))");
    refuses(SQLITE_TOOBIG, "is too long (t)", "UPDATE t SET b = zeroblob(100000)");
    refuses(SQLITE_TOOBIG, "", "INSERT INTO t VALUES('not', zeroblob(200001), 1)");
    expect("fits|100000|99993\n", "SELECT path, length(a), length(b) FROM t");
}

TEST(test_not_null_stops_a_statement_as_in_an_ordinary_table) {
    static const char *const clauses[][2] = {
        {"", "a\n"}, {"OR ABORT ", "a\n"}, {"OR REPLACE ", "a\n"}, {"OR FAIL ", "a\nb\n"}, {"OR IGNORE ", "a\nb\nd\n"}};
    for (int i = 0; i < 5; i++) {
        sql_run(db, "DROP TABLE IF EXISTS t");
        sql_create(db, "t", "path, size INTEGER NOT NULL");
        sql_run(db, "BEGIN; INSERT INTO t VALUES('a', 1)");
        int rc = sql_try(db, "INSERT %sINTO t VALUES('b', 1), ('c', NULL), ('d', 1)", clauses[i][0]);
        ck_assert_int_eq(rc, i == 4 ? SQLITE_OK : SQLITE_CONSTRAINT_NOTNULL);
        if (rc) ck_assert_str_eq(sqlite3_errmsg(db), "NOT NULL constraint failed: t.size");
        sql_run(db, "COMMIT");
        expect(clauses[i][1], "SELECT path FROM t");
    }
    sql_run(db, "BEGIN; INSERT INTO t VALUES('z', 1)");
    refuses(SQLITE_CONSTRAINT_NOTNULL, "t.size", "INSERT OR ROLLBACK INTO t VALUES('y', 1), ('x', NULL)");
    ck_assert_int_eq(sqlite3_get_autocommit(db), 1);
    expect("a\nb\nd\n", "SELECT path FROM t");
    changed(0, "UPDATE OR IGNORE t SET size = NULL");
    changed(3, "UPDATE t SET size = size + 1, path = path || '/'");
    expect("a/|2\nb/|2\nd/|2\n", "SELECT * FROM t");
}

int main(void) {
    if (sql_standin()) return 0;
    return suite_run("sql_rows", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down);
}
