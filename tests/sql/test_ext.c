/* The module's own rules, one by one: what an ordinary table has no word for, and what SQLite does behind a module's
 * back.
 *
 * Savepoints and DDL have a model test (test_ext_savepoints.c), queries too (test_ext_queries.c).
 */
#ifndef SQLITE_CORE
#define SQLITE_CORE 1 /* then sqlite3ext.h leaves the names of SQLite's functions alone */
#endif
#include <dlfcn.h>
#include <sqlite3ext.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/tree/state/root_format.h"
#include "ext/module.h"
#include "tests/support/apart.h"
#include "tests/support/sql_one.h"

static void make_table(const char *options) {
    sql_create(db, "t", options);
    run("INSERT INTO t(path, value) VALUES('a', 1), ('b', 2), ('c', 3)");
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

TEST(test_a_statement_that_changes_nothing_writes_no_log_row) {
    make_table("");
    run("DELETE FROM t WHERE path = 'nothing'; UPDATE t SET value = 1 WHERE path = 'nothing';"
        "BEGIN; SAVEPOINT s; INSERT INTO t(path) VALUES('x'); DELETE FROM t WHERE path = 'x'; COMMIT");
    int64_t rows = sql_int(db, "SELECT count(*) FROM t_artdata");
    run("DELETE FROM t WHERE path = 'nothing'");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artdata"), rows);
    ck_assert_int_le(rows, 3);
}

/* --- two connections ---------------------------------------------------------------------------------------------- */

TEST(test_commits_of_another_connection_are_seen_at_the_next_statement) {
    make_table("log_limit=1000");
    sqlite3 *other = sql_open(path);
    for (int i = 0; i < 60; i++) {
        sql_run(i % 2 ? db : other, "INSERT OR REPLACE INTO t(path, value) VALUES('k%d', zeroblob(60)), ('last', %d)",
                i % 9, i);
        ck_assert_int_eq(sql_int(i % 2 ? other : db, "SELECT value FROM t WHERE path = 'last'"), i);
        if (i % 20 == 19) sql_run(other, "CREATE TABLE z%d(x); DROP TABLE z%d", i, i);
    }
    sql_close(other);
}

TEST(test_a_busy_commit_can_be_tried_again_and_writes_once) {
    run("PRAGMA journal_mode=DELETE; CREATE TABLE many(x); INSERT INTO many VALUES(1), (2)");
    make_table("");
    int64_t rows = sql_int(db, "SELECT count(*) FROM t_artdata");
    sqlite3 *other = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(other, "SELECT * FROM many");
    run("BEGIN; INSERT INTO t(path) VALUES('x')");
    for (int i = 0; i < 3; i++) ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    run("INSERT INTO t(path) VALUES('y'); CREATE TABLE reload(x); DROP TABLE reload; SELECT * FROM t");
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    sqlite3_finalize(reader);
    run("COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artdata"), rows + 1);
    sql_expect(other, "a\nb\nc\nx\ny\n", "SELECT path FROM t");
    reader = sql_first_row(other, "SELECT * FROM many");
    run("BEGIN; INSERT INTO t(t) VALUES('flush')"); /* no row changes, and yet there is a new root */
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    run("ALTER TABLE many ADD COLUMN y");
    expect("5\n", "SELECT count(*) FROM t");
    sqlite3_finalize(reader);
    run("COMMIT");
    expect("5\n", "SELECT count(*) FROM t");
    sql_close(other);
}

/* --- schemas ------------------------------------------------------------------------------------------------------ */

/* SQLite drops every handle when DDL is rolled back; blobs in memory must not go with them. */
TEST(test_tables_in_memory_survive_a_rolled_back_ddl) {
    sqlite3 *memory = sql_open(":memory:");
    sql_create(memory, "t", "");
    sql_run(memory,
            "INSERT INTO t(path) VALUES('a'); INSERT INTO t(t) VALUES('flush'); INSERT INTO t(path) VALUES('b')");
    for (int i = 0; i < 3; i++) {
        sql_run(memory, "BEGIN; CREATE TABLE z(x); ROLLBACK");
        sql_expect(memory, "a\nb\n", "SELECT path FROM t");
        sql_run(memory, "BEGIN; DROP TABLE t; ROLLBACK");
        sql_expect(memory, "a\nb\n", "SELECT path FROM t");
    }
    sql_run(memory, "DROP TABLE t");
    sql_close(memory);
}

TEST(test_shared_cache_is_refused) {
    sqlite3 *shared = sql_open(TEXT("file:%s/s.db?cache=shared", directory));
    sql_refused(shared, SQLITE_ERROR, "shared cache", "CREATE VIRTUAL TABLE t USING art");
    sql_close(shared);
    sqlite3 *first = sql_open("file:both?mode=memory&cache=shared"),
            *second = sql_open("file:both?mode=memory&cache=shared");
    sql_run(second, "CREATE TABLE x(y)");
    sql_refused(first, SQLITE_ERROR, "shared cache", "CREATE VIRTUAL TABLE t USING art");
    sql_close(first);
    sql_close(second);
}

/* --- the listener ------------------------------------------------------------------------------------------------- */

TEST(test_the_listener_cannot_be_dropped_while_it_is_needed) {
    make_table("");
    run("BEGIN; INSERT INTO t(path) VALUES('x')");
    ck_assert_int_eq(sql_try(db, "DROP TABLE temp.art_txn"), SQLITE_LOCKED);
    run("COMMIT; DROP TABLE temp.art_txn; INSERT INTO t(path) VALUES('y'); SAVEPOINT s; INSERT INTO t(path) "
        "VALUES('z');"
        "ROLLBACK TO s; RELEASE s");
    expect("a\nb\nc\nx\ny\n", "SELECT path FROM t");
    refuses(SQLITE_ERROR, "art_txn", "CREATE VIRTUAL TABLE main.other USING art_txn");
}

/* Made in the transaction that uses it: SQLite never calls xBegin then, and tells it of no older savepoint. */
TEST(test_a_listener_made_inside_a_savepoint_hears_its_rollback) {
    make_table("");
    sqlite3 *fresh = sql_open(path);
    sql_run(fresh, "SAVEPOINT a; SELECT count(*) FROM t; INSERT INTO t(path) VALUES('w'); ROLLBACK TO a; RELEASE a");
    sql_expect(fresh, "a\nb\nc\n", "SELECT path FROM t");
    sql_close(fresh);
    fresh = sql_open(path);
    sql_run(fresh,
            "SAVEPOINT a; SAVEPOINT b; INSERT INTO t(path) VALUES('x'); ROLLBACK TO a; INSERT INTO t(path) VALUES('y');"
            "SAVEPOINT c; INSERT INTO t(path) VALUES('z'); ROLLBACK TO c; RELEASE a");
    sql_expect(fresh, "a\nb\nc\ny\n", "SELECT path FROM t");
    expect("a\nb\nc\ny\n", "SELECT path FROM t");
    sql_close(fresh);
}

/* A transaction may have two listeners, of which the first is the owner. The second one's handle is no art table's:
 * AddressSanitizer sees code that takes it for one. */
TEST(test_a_second_listener_in_a_transaction_does_nothing) {
    char *directory = kept(sql_scratch("listeners")), *file = TEXT("%s/t.db", directory);
    for (int i = 0; i < 2; i++) {
        sqlite3 *own = sql_open(i ? file : ":memory:");
        sql_run(own, "BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE u USING art(path, value); ROLLBACK TO s;"
                     "CREATE VIRTUAL TABLE u USING art(path, value); INSERT INTO u VALUES('b', 1); COMMIT");
        ck_assert_int_eq(sql_int(own, "SELECT count(*) FROM u"), 1);
        sql_run(own, "BEGIN; INSERT INTO u VALUES('c', 1); SAVEPOINT s; CREATE TABLE x(a); ROLLBACK TO s");
        (void)sql_try(own, "DELETE FROM temp.art_txn");
        sql_run(own, "INSERT INTO u VALUES('d', 1); ROLLBACK TO s; COMMIT");
        ck_assert_int_eq(sql_int(own, "SELECT count(*) FROM u"), 2);
        sql_close(own);
    }
    sql_scratch_remove(directory);
}

/* The first handle was made while a statement ran: the listener comes with DROP and RENAME, and drives from there
 * on. */
TEST(test_a_drop_and_a_rename_bring_the_listener_that_could_not_be_made_before) {
    TEXTS(changes, "ALTER TABLE t RENAME TO u", "DROP TABLE t");
    make_table("");
    run("CREATE TABLE ordinary(v); INSERT INTO ordinary VALUES(1), (2)");
    for (int i = 0; i < 4; i++) {
        sqlite3 *fresh = sql_open(path);
        sqlite3_stmt *reader = sql_first_row(fresh, "SELECT v FROM ordinary");
        sql_run(fresh,
                "BEGIN; INSERT INTO t(path) VALUES('x'); SAVEPOINT s; INSERT INTO t(path) VALUES('y'); SAVEPOINT r");
        sqlite3_finalize(reader);
        sql_expect(fresh, "0\n", "SELECT count(*) FROM temp.sqlite_schema");
        sql_run(fresh, "%s", changes[i & 1]);
        sql_run(fresh, i < 2 ? "ROLLBACK TO r; RELEASE r" : "ROLLBACK TO s");
        sql_expect(fresh, i < 2 ? "a\nb\nc\nx\ny\n" : "a\nb\nc\nx\n", "SELECT path FROM t");
        sql_run(fresh, "INSERT INTO t(path) VALUES('z'); COMMIT");
        expect(i < 2 ? "x\ny\nz\n" : "x\nz\n", "SELECT path FROM t WHERE path > 'c'");
        sql_run(fresh, "DELETE FROM t WHERE path > 'c'");
        sql_close(fresh);
    }
}

/* Making it while a statement runs would end that with "abort due to ROLLBACK" as soon as it opens another cursor. */
TEST(test_the_listener_is_made_within_a_transaction_but_under_no_statement) {
    make_table("");
    run("CREATE TABLE ordinary(v); INSERT INTO ordinary VALUES(1), (2)");
    sqlite3 *fresh = sql_open(path);
    sql_run(fresh, "BEGIN; INSERT INTO t VALUES('x', 1), ('y', (SELECT max(v) FROM ordinary))");
    sql_expect(fresh, "art_txn\n", "SELECT name FROM temp.sqlite_schema");
    sql_run(fresh, "ALTER TABLE t RENAME TO u; ROLLBACK");
    sql_expect(fresh, "0\n", "SELECT count(*) FROM temp.sqlite_schema");
    sql_run(fresh,
            "BEGIN; SELECT * FROM t; ROLLBACK; INSERT INTO t VALUES('x', 1), ('y', (SELECT max(v) FROM ordinary))");
    sql_close(fresh);
    fresh = sql_open(path);
    sqlite3_stmt *reader = sql_first_row(fresh, "SELECT v, (SELECT count(*) FROM temp.sqlite_schema) FROM ordinary");
    sql_run(fresh, "INSERT INTO t VALUES('z', 1), ('zz', (SELECT max(v) FROM ordinary))");
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(reader, 1), 0);
    sqlite3_finalize(reader);
    sql_expect(fresh, "x|1\ny|2\nz|1\nzz|2\n", "SELECT path, value FROM t WHERE path > 'c'");
    sql_close(fresh);
}

/* --- damaged and forged shadow tables ----------------------------------------------------------------------------- */

TEST(test_forged_shadow_tables_are_errors_and_the_table_can_be_dropped) {
    static const struct {
        const char *damage, *words;
        int code;
    } cases[] = {
        {"UPDATE t_artstate SET v = '../evil.art' WHERE k = 'file'", "name of the .art file", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artstate SET v = 'plain.db' WHERE k = 'file'", "name of the .art file", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artstate SET v = '' WHERE k = 'file'", "name of the .art file", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artstate SET v = CAST(x'2f00612e617274' AS TEXT) WHERE k = 'file'", "name of the .art file",
         SQLITE_CORRUPT_VTAB},
        {"DELETE FROM t_artstate WHERE k = 'id'", "no id", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artstate SET v = 'short' WHERE k = 'id'", "no id", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artstate SET v = 9 WHERE k = 'format'", "format 9, of a version before 1.0", SQLITE_CANTOPEN},
        {"UPDATE t_artstate SET v = 11 WHERE k = 'format'", "use a newer version", SQLITE_CANTOPEN},
        {"INSERT INTO t_artstate VALUES('needs maps', 1)", "the feature 'maps', which this version", SQLITE_CANTOPEN},
        {"DELETE FROM t_artdata", "log", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artdata SET ops = x'00' WHERE csn = 0", "log", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artdata SET ops = NULL", "log", SQLITE_CORRUPT_VTAB},
        {"UPDATE t_artdata SET ops = randomblob(50) WHERE csn > 0", "log", SQLITE_CORRUPT_VTAB},
        {"DROP TABLE t_artdata", "t_artdata", SQLITE_CORRUPT_VTAB},
        {"DROP TABLE t_artstate", "t_artstate", SQLITE_CORRUPT_VTAB},
        {"DROP TABLE t_artstate; DROP TABLE t_artdata; CREATE VIEW t_artdata AS SELECT 0 AS csn, 1 AS ops",
         "t_artstate", SQLITE_CORRUPT_VTAB},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        make_table("");
        run("%s", cases[i].damage);
        sqlite3 *fresh = sql_open(path);
        sql_refused(fresh, cases[i].code, cases[i].words, "SELECT count(*) FROM t");
        sql_refused(fresh, cases[i].code, cases[i].words, "INSERT INTO t(path) VALUES('new')");
        if (!strstr(cases[i].damage, "VIEW")) sql_run(fresh, "DROP TABLE t");
        sql_try(fresh, "DROP VIEW t_artdata; DROP TABLE t");
        sql_close(fresh);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name GLOB 't*'"), 0);
    }
}

/* The root says something else, with the right hash. */
static void forge_root(size_t at, uint8_t bits) {
    sqlite3_stmt *get = sql_prepare(db, "SELECT ops FROM t_artdata WHERE csn = 0"), *put;
    uint8_t root[4096];
    ck_assert_int_eq(sqlite3_step(get), SQLITE_ROW);
    int len = sqlite3_column_bytes(get, 0);
    ck_assert(len > (int)at && len <= (int)sizeof root);
    memcpy(root, sqlite3_column_blob(get, 0), (size_t)len);
    sqlite3_finalize(get);
    root[at] |= bits;
    art_store64(root + len - 8, art_hash64(root, (size_t)len - 8));
    put = sql_prepare(db, "UPDATE t_artdata SET ops = ? WHERE csn = 0");
    sqlite3_bind_blob(put, 1, root, len, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(put), SQLITE_DONE);
    sqlite3_finalize(put);
}

static char *all_shadow_rows(void) {
    return kept(sql_rows(db, "SELECT k, quote(v) FROM t_artstate UNION ALL SELECT csn, hex(ops) FROM t_artdata"));
}

/* A bit of the root, or a row of T_artstate. And what everybody may ignore is ignored. */
LOOP_TEST(test_a_table_with_a_feature_for_writers_is_read_and_not_written, 2) {
    make_table("");
    run("INSERT INTO t(t) VALUES('flush'); INSERT INTO t_artstate VALUES('much later', 1)");
    const char *says = _i ? "the root has feature 32" : "this table has the feature 'maps'";
    if (!_i) run("INSERT INTO t_artstate VALUES('writers need maps', 1)");
    if (_i) forge_root(offsetof(struct art_root_header, read_only) + 3, 0x80);
    sql_reopen();
    char *before = all_shadow_rows(), *rows = kept(sql_rows(db, "SELECT * FROM t"));
    EACH(statement, "INSERT INTO t(path) VALUES('new')", "UPDATE t SET value = 1", "DELETE FROM t",
         "INSERT INTO t(t) VALUES('flush')", "INSERT INTO t(t) VALUES('optimize')", "INSERT INTO t(t) VALUES('clean')",
         "INSERT INTO t(t) VALUES('adopt')", "INSERT INTO t(t) VALUES('add column more')",
         "INSERT INTO t(t) VALUES('log_limit=2MB')", "INSERT INTO t(t, snapshot) VALUES('snapshot', 'a')",
         "SELECT art_vacuum('t')")
    refuses(SQLITE_READONLY, says, statement);
    if (!_i) refuses(SQLITE_READONLY, says, "ALTER TABLE t RENAME TO u");
    refuses(SQLITE_READONLY, TEXT("art: cannot write the copy's tables: %s", says),
            TEXT("SELECT art_publish('%s/published.db')", directory));
    ck_assert_ptr_eq(strstr(sqlite3_errmsg(db), "let this user write"), NULL);
    ck_assert_str_eq(all_shadow_rows(), before);
    expect("ok|ok: 1 art table\n", "SELECT art_check('t'), substr(art_verify(), 1, 15)");
    ck_assert_str_eq(kept(sql_rows(db, "SELECT * FROM t")), rows);
    run("SELECT art_backup('%s/copy.db')", directory);
    sql_close(db);
    db = sql_open(TEXT("%s/copy.db", directory));
    refuses(SQLITE_READONLY, says, "DELETE FROM t");
    ck_assert_str_eq(kept(sql_rows(db, "SELECT * FROM t")), rows);
    run("DROP TABLE t");
}

/* To drop a file that was copied with its database is to claim it first, which writes its owner pages. */
LOOP_TEST(test_a_drop_that_is_rolled_back_writes_no_file_that_asks_more_of_writers, 2) {
    make_table("");
    run("INSERT INTO t(t) VALUES('flush')");
    if (!_i) run("INSERT INTO t_artstate VALUES('writers need maps', 1)");
    if (_i) forge_root(offsetof(struct art_root_header, read_only) + 3, 0x80);
    sql_close(db);
    ck_assert_int_eq(sql_shell("mkdir kept copied; cp *.db *.art kept; cp kept/* copied"), 0);
    db = sql_open(TEXT("%s/copied/%s", directory, strrchr(path, '/') + 1));
    run("BEGIN; DROP TABLE t; ROLLBACK");
    ck_assert_int_eq(sql_shell("for f in kept/*.art; do [ ! -e $f ] || cmp $f copied/${f#kept/} || exit 1; done"), 0);
    run("DROP TABLE t");
}

TEST(test_what_is_left_of_a_table_with_a_root_of_a_later_version_is_said_to_be_so) {
    make_table("");
    run("INSERT INTO t(t) VALUES('flush')");
    forge_root(offsetof(struct art_root_header, incompatible) + 3, 0x80);
    sql_reopen();
    refuses(SQLITE_CANTOPEN, "the root has feature 32", "SELECT count(*) FROM t");
    expect("1\n", "SELECT count(*) FROM art_lost('t') WHERE problem LIKE 'the root has feature 32, which %'");
}

/* The same rows under the same number, but by another root: its slots are not those that the transaction keeps. */
TEST(test_a_log_of_another_history_under_a_transaction_is_refused) {
    make_table("spill_limit='1MB'");
    run("INSERT INTO t(t) VALUES('flush'); INSERT INTO t(path) VALUES('d');"
        "ATTACH '%q/x.db' AS x; CREATE TABLE x.first AS SELECT * FROM t_artdata;"
        "INSERT INTO t(path) VALUES('e'); CREATE TABLE x.second AS SELECT * FROM t_artdata;"
        "DELETE FROM t_artdata; INSERT INTO t_artdata SELECT * FROM x.first",
        directory);
    sqlite3 *fresh = sql_open(path);
    sql_run(fresh,
            "INSERT INTO t(t) VALUES('flush'); ATTACH '%q/x.db' AS x;"
            "BEGIN; DELETE FROM t_artdata; INSERT INTO t_artdata SELECT * FROM x.second; SAVEPOINT s;"
            "INSERT INTO t(path, value) WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 30000)"
            "  SELECT printf('k/%%06d', i), printf('%%0100d', i) FROM n;"
            "ROLLBACK TO s",
            directory);
    sql_refused(fresh, SQLITE_ERROR, "the log changed under a running transaction", "SELECT count(*) FROM t");
    sql_run(fresh, "ROLLBACK");
    sql_expect(fresh, "a\nb\nc\nd\n", "SELECT path FROM t");
    sql_close(fresh);
}

TEST(test_a_name_that_shadow_tables_need_is_refused) {
    run("CREATE TABLE u_artdata(x)");
    refuses(SQLITE_ERROR, "u_artdata", "CREATE VIRTUAL TABLE u USING art");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_schema"), 1);
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

TEST(test_a_connection_closes_whatever_was_going_on) {
    make_table("");
    sqlite3 *other = sql_open(path);
    sql_run(other, "BEGIN; INSERT INTO t(path) VALUES('gone'); SAVEPOINT s; INSERT INTO t(path) VALUES('gone, too')");
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
    other = sql_open(path);
    sqlite3_stmt *scan = sql_prepare(other, "SELECT path FROM t");
    sqlite3_step(scan);
    sql_run(other, "INSERT INTO t(path) VALUES('stays')");
    ck_assert_int_eq(sqlite3_close_v2(other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(scan), SQLITE_ROW);
    sqlite3_finalize(scan);
    expect("a\nb\nc\nstays\n", "SELECT path FROM t");
}

/* A host that brings a SQLite of its own, in a process where another one uses art. */
TEST(test_a_second_sqlite_of_the_process_is_refused_and_changes_nothing) {
    static const sqlite3_api_routines other = {.mprintf = sqlite3_mprintf};
    int (*init)(sqlite3 *, char **, const sqlite3_api_routines *) = NULL;
    const char *extension = getenv("ART_EXTENSION");
    void *library = dlopen(extension ? extension : "./art.so", RTLD_NOW | RTLD_NOLOAD);
    if (!library) return; /* linked */
    *(void **)&init = dlsym(library, "sqlite3_art_init");
    make_table("");
    char *message = NULL;
    sqlite3 *none = NULL;
    ck_assert_int_eq(init(none, &message, &other), SQLITE_ERROR);
    ck_assert_pstr_eq(message, "art: another SQLite of this process uses art: load a copy of the file of art here");
    sqlite3_free(message);
    expect("a\nb\nc\nok\n", "SELECT path FROM t UNION ALL SELECT art_check('t')");
    dlclose(library);
}

TEST(test_loading_twice_is_loading_once) {
    make_table("");
    const char *extension = getenv("ART_EXTENSION");
    ck_assert_int_eq(sqlite3_load_extension(db, extension ? extension : "./art.so", NULL, NULL), SQLITE_OK);
    run("BEGIN; INSERT INTO t(path) VALUES('x'); SAVEPOINT s; INSERT INTO t(path) VALUES('y'); ROLLBACK TO s; COMMIT");
    expect("a\nb\nc\nx\n", "SELECT path FROM t");
    expect("1\n", "SELECT art_version() GLOB '[0-9]*.[0-9]*.[0-9]*'");
    /* Also from a statement, within a transaction. */
    sqlite3_enable_load_extension(db, 1);
    char *again = TEXT("SELECT load_extension('%q') IS NULL", extension ? extension : "./art.so");
    run("BEGIN; INSERT INTO t(path) VALUES('z')");
    expect("1\n", again);
    for (int answer = SQLITE_DENY; answer <= SQLITE_IGNORE; answer++) { /* and where the list of modules is hidden */
        sql_forbid(db, answer, SQLITE_PRAGMA, NULL, NULL);
        expect("1\n", again);
    }
    sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
    run("ROLLBACK");
    expect("a\nb\nc\nx\n", "SELECT path FROM t");
}

static int kept_bytes; /* of the plan's text, by a module that stands before art; -1: all */

/* As a module that wraps another one may do: idxStr is a text. Behind it lies something else. */
static int copy_plan(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    int rc = art_module()->xBestIndex(vtab, info);
    if (rc || !info->idxStr) return rc;
    int len = (int)strlen(info->idxStr), room = len + 100;
    char *copy = sqlite3_malloc(room);
    memset(copy, 0xff, (size_t)room);
    strcpy(copy, info->idxStr);
    if (kept_bytes >= 0 && kept_bytes < len) copy[kept_bytes] = 0;
    if (info->needToFreeIdxStr) sqlite3_free(info->idxStr);
    info->idxStr = copy;
    info->needToFreeIdxStr = 1;
    return rc;
}

TEST(test_the_plan_is_the_text_that_is_shown_and_nothing_else) {
    sql_link();
    sqlite3 *wrapped = sql_open(copy_path);
    sqlite3_module module = *art_module();
    module.xBestIndex = copy_plan;
    ck_assert_int_eq(sqlite3_create_module(wrapped, "wrapper", &module, NULL), SQLITE_OK);
    sql_run(wrapped,
            "CREATE VIRTUAL TABLE t USING wrapper(path, \"a [b]\", c TEXT, summary=(lookup(c)));"
            "CREATE VIRTUAL TABLE k USING wrapper(h, d, v, key=(h, d DESC));"
            "INSERT INTO t VALUES('a', 1, 'x'), ('b', 2, 'y'), ('b/c', 3, 'x'); INSERT INTO k SELECT * FROM t");
    EACH(query, "SELECT path FROM t WHERE path > 'a' AND \"a [b]\" >= 3", "SELECT path FROM t WHERE c IN ('x', 'z')",
         "SELECT path FROM t('b', '', 'b') WHERE snapshot IS NULL AND row_version > 0",
         "SELECT path FROM t WHERE path GLOB 'b*' AND c LIKE '%x%'",
         "SELECT path FROM t WHERE \"a [b]\" > 2 AND c = 'x'", "SELECT h FROM k WHERE h = 'b/c' AND d <= 4") {
        kept_bytes = -1;
        sqlite3_stmt *whole = sql_first_row(wrapped, "%s", query);
        ck_assert_str_eq((const char *)sqlite3_column_text(whole, 0), strstr(query, "c IN") ? "a" : "b/c");
        sqlite3_finalize(whole);
        int len = (int)strlen(strchr(strstr(kept(sql_plan(wrapped, "t", query)), "INDEX "), ':'));
        for (kept_bytes = 0; kept_bytes < len - 2; kept_bytes++) { /* without the ':' and the line's end */
            ck_assert_int_eq(sql_try(wrapped, "%s", query), SQLITE_ERROR);
            ck_assert(strstr(sqlite3_errmsg(wrapped), "art: the plan is not the one that art made ("));
        }
    }
    sql_close(wrapped);
}

TEST(test_a_forked_child_is_refused_the_inherited_connection) {
    make_table("");
    pid_t child = apart_begin();
    if (child == 0) {
        EACH(query, "SELECT * FROM t", "SELECT art_check('t')", "SELECT art_count('t', '')") {
            int rc = sql_try(db, "%s", query);
            if (rc != SQLITE_MISUSE || !strstr(sqlite3_errmsg(db), "fork")) _exit(1);
        }
        _exit(0);
    }
    ck_assert_int_eq(apart_end(child), 0);
    expect("3\n", "SELECT count(*) FROM t");
}

TEST(test_flushes_work_in_every_journal_mode) {
    make_table("log_limit=0");
    EACH(mode, "WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF") {
        run("PRAGMA journal_mode=%s", mode);
        for (int j = 0; j < 3; j++) run("INSERT OR REPLACE INTO t(path, value) VALUES('mode', '%s %d')", mode, j);
        run("BEGIN EXCLUSIVE; DELETE FROM t WHERE path = 'c'; INSERT INTO t(path) VALUES('c'); COMMIT");
        ck_assert_int_eq(sql_int(db, "SELECT length(v) FROM t_artstate WHERE k = 'nonce'"), sql_inline() ? 0 : 16);
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artdata"), 1);
        expect("4\n", "SELECT count(*) FROM t");
    }
    run("PRAGMA journal_mode=DELETE; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA cache_spill=OFF;"
        "INSERT INTO t(path) VALUES('d'); INSERT INTO t(path) VALUES('e')");
    expect("a\nb\nc\nd\ne\nmode\n", "SELECT path FROM t");
}

SUITE("ext", .seconds = 120, .set_up = sql_set_up, .tear_down = sql_tear_down)
