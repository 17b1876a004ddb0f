/* Where a table's blobs are: in a file or in the database. CREATE chooses, and art_backup() can make a copy that has
 * them in the other place. And the same histories of transactions that spill in both, with what a refused COMMIT
 * leaves.
 */
#include <unistd.h>

#include "tests/support/sql_one.h"

static char *expected;
TEXTS(modes, "WAL", "DELETE");
static const char content[] = "SELECT count(*), sum(length(value)), min(path), max(path), art_check('t') FROM t";

static void set_up(void) {
    sql_set_up();
    sqlite3_free(copy_path);
    copy_path = sqlite3_mprintf("%s/copies/copy.db", directory);
}

static void tear_down(void) {
    sql_tear_down();
    sqlite3_free(expected);
    expected = NULL;
}

static void begin_with(const char *mode, const char *storage) {
    run("PRAGMA journal_mode=%s; CREATE VIRTUAL TABLE t USING art(path, value, storage=%s)", mode, storage);
    run("INSERT INTO t SELECT printf('d%%d/%%06d', i %% 50, i), 'value ' || i FROM (WITH n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n LIMIT 30000) SELECT i FROM n); INSERT INTO t(t) VALUES('flush');"
        "INSERT INTO t VALUES('in the log', 1), ('long', printf('%%.*c', 20000, 'x'))");
    expected = sql_rows(db, "%s", content);
    ck_assert_ptr_nonnull(strstr(expected, "|ok"));
}

static void has_all(sqlite3 *of, const char *where) {
    char *rows = kept(sql_rows(of, "%s", content));
    ck_assert_msg(!strcmp(rows, expected), "%s: %s not %s", where, rows, expected);
}

static void is_in(sqlite3 *of, const char *storage) {
    bool inside = !strcmp(storage, "inline");
    char *rows = kept(sql_rows(of, "SELECT property, value FROM art_info('t') WHERE property = 'option storage' UNION "
                                   "ALL SELECT property, value FROM art_debug('t') WHERE property = 'io'"));
    ck_assert_msg(strstr(rows, inside ? "io|inline" : "io|") != NULL, "%s: %s", storage, rows);
    ck_assert_msg(strstr(rows, inside ? "option storage|inline" : "option storage|file") != NULL, "%s: %s", storage,
                  rows);
    char *file = kept(sql_find_file(directory, ".art"));
    ck_assert_msg(inside == !file, "%s: %s", storage, file ? file : "no file");
}

static const char *other(const char *storage) {
    return strcmp(storage, "file") ? "file" : "inline";
}

/* A reserved area is what most ciphers have. One that comes later is noticed by the next connection that writes, and at
 * the latest by a flush; the rows can be read. */
TEST(test_a_database_that_may_be_encrypted_gets_no_file) {
    int bytes = 8;
    begin_with("DELETE", "file");
    sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
    run("INSERT INTO t VALUES('b', 1); VACUUM; SELECT * FROM t LIMIT 1");
    refuses(SQLITE_READONLY, "with storage=inline", "INSERT INTO t(t) VALUES('optimize')");
    refuses(SQLITE_READONLY, "with storage=inline", "INSERT INTO t VALUES('c', 1)");
    refuses(SQLITE_CORRUPT_VTAB, "is not encrypted", "SELECT art_verify()");
    refuses(SQLITE_ERROR, "leave storage=file out", "CREATE VIRTUAL TABLE u USING art(path, storage=file)");
    expect("30003\n", "SELECT count(*) FROM t");
    run("BEGIN; CREATE VIRTUAL TABLE n USING art; INSERT INTO n SELECT * FROM t; DROP TABLE t;"
        "ALTER TABLE n RENAME TO t; COMMIT; INSERT INTO t(t) VALUES('flush')");
    is_in(db, "inline");
}

LOOP_TEST(test_a_table_keeps_the_storage_that_it_was_created_with, 2) {
    const char *storage = _i ? "inline" : "file", *way = "CREATE another one with storage=%s, INSERT INTO it SELECT";
    char *advice = TEXT(way, other(storage)), *command;
    begin_with(modes[_i], storage);
    run("INSERT INTO t(t) VALUES('storage=%s'), ('Storage = %s')", storage, storage);
    if (!_i) run("INSERT INTO t(t) VALUES('storage=auto')");
    run("BEGIN; INSERT INTO t VALUES('mine', 1)");
    command = TEXT("INSERT INTO t(t) VALUES('storage=%s')", other(storage));
    refuses(SQLITE_ERROR, advice, command);
    run("DELETE FROM t WHERE path = 'mine'; COMMIT; DELETE FROM t; INSERT INTO t(t) VALUES('vacuum')");
    refuses(SQLITE_ERROR, advice, command);
    expect(_i ? "inline\n" : "file\n", "SELECT value FROM art_info('t') WHERE property = 'option storage'");
}

/* --- a copy with the other storage -------------------------------------------------------------------------------- */

static void copy_to(const char *storage) {
    char *command = TEXT("rm -rf '%s/copies'; mkdir '%s/copies'", directory, directory);
    ck_assert_int_eq(system(command), 0);
    run("SELECT art_backup('%s', 'main', '%s')", copy_path, storage);
}

static void in_copies(const char *storage) {
    char *source = directory;
    sqlite3 *copy = sql_open(copy_path);
    directory = sqlite3_mprintf("%s/copies", source);
    is_in(copy, storage);
    has_all(copy, "the copy");
    sql_expect(copy, "ok\n", "PRAGMA integrity_check");
    sql_run(copy,
            "DELETE FROM t WHERE path < 'd3'; INSERT INTO t(t) VALUES('vacuum'); INSERT INTO t VALUES('more', 1)");
    sql_expect(copy, "ok\n", "SELECT art_check('t')");
    is_in(copy, storage);
    sqlite3_free(directory);
    directory = source;
    sql_close(copy);
}

/* With their versions. The original stays as it was, and a copy of a copy goes back. */
LOOP_TEST(test_a_copy_may_have_the_other_storage, 4) {
    static const char versions[] = "SELECT count(*), min(row_version), max(row_version), sum(row_version) FROM t";
    const char *from = _i % 2 ? "inline" : "file";
    begin_with(modes[_i / 2], from);
    run("CREATE VIRTUAL TABLE none USING art(path, storage=%s); UPDATE t SET value = 7 WHERE path < 'd2'", from);
    sqlite3_free(expected);
    expected = sql_rows(db, "%s", content);
    char *before = kept(sql_rows(db, "%s", versions));
    copy_to(other(from));
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, before, versions);
    sql_expect(copy, _i % 2 ? "file|file\n" : "inline|inline\n",
               "SELECT (SELECT value FROM art_info('t') WHERE property = 'option storage'), (SELECT value FROM "
               "art_info('none') WHERE property = 'option storage')");
    if (_i % 2) sql_expect(copy, "0\n", "SELECT count(*) FROM t_artblob");
    char *again = TEXT("%s/copies/again.db", directory);
    sql_run(copy, "SELECT art_backup('%s', 'main', '%s')", again, from);
    sql_close(copy);
    copy = sql_open(again);
    sql_expect(copy, before, versions);
    has_all(copy, "the copy's copy");
    sql_close(copy);
    copy_to(other(from));
    in_copies(other(from));
    copy_to(from);
    in_copies(from);
    is_in(db, from);
    has_all(db, "the original");
}

TEST(test_a_copy_of_a_database_without_a_name_gets_files) {
    sql_close(db);
    db = sql_open(":memory:");
    begin_with("MEMORY", "inline");
    copy_to("file");
    in_copies("file");
}

static void put_over(sqlite3 *to, sqlite3 *from) {
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    ck_assert_ptr_nonnull(backup);
    ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    sqlite3_backup_finish(backup);
}

/* Who has the database open goes on with what was put into its place. */
LOOP_TEST(test_a_copy_that_is_restored_brings_its_storage, 2) {
    begin_with(modes[_i], "file");
    sqlite3 *second = sql_open(path), *copy;
    has_all(second, "before");
    copy_to("inline");
    copy = sql_open(copy_path);
    put_over(db, copy);
    sql_close(copy);
    sqlite3 *all[] = {db, second};
    for (int i = 0; i < 2; i++) {
        sql_expect(all[i], "inline\n", "SELECT value FROM art_debug('t') WHERE property = 'io'");
        has_all(all[i], "restored");
        sql_run(all[i],
                "INSERT INTO t VALUES('more', 1); INSERT INTO t(t) VALUES('flush'); DELETE FROM t WHERE path = 'more'");
    }
    has_all(db, "written by both");
    sql_close(second);
}

static int steps_left;

static int stop(void *unused) {
    return --steps_left <= 0;
}

/* The progress handler is asked all the way; wherever it stops, nothing of the copy is there. Or all of it: newer
 * versions of SQLite ask once more behind the function. */
LOOP_TEST(test_an_interrupt_anywhere_leaves_no_copy, 2) {
    begin_with("WAL", _i ? "inline" : "file");
    int rc = SQLITE_INTERRUPT;
    for (int steps = 1; rc; steps += 1 + steps / 4) {
        char *command = TEXT("rm -rf '%s/copies'; mkdir '%s/copies'", directory, directory);
        ck_assert_int_eq(system(command), 0);
        steps_left = steps;
        sqlite3_progress_handler(db, 1, stop, NULL);
        rc = sql_try(db, "SELECT art_backup('%s', 'main', '%s')", copy_path, _i ? "file" : "inline");
        sqlite3_progress_handler(db, 0, NULL, NULL);
        ck_assert_msg(rc == SQLITE_OK || rc == SQLITE_INTERRUPT, "%d: %s", rc, sqlite3_errmsg(db));
        command = TEXT("rmdir '%s/copies'", directory);
        bool whole = rc && !access(copy_path, F_OK);
        if (whole) in_copies(_i ? "file" : "inline");
        if (rc && !whole) ck_assert_int_eq(system(command), 0);
        has_all(db, "interrupted");
    }
    in_copies(_i ? "file" : "inline");
}

/* A user's table of that name is not taken for ours. */
TEST(test_a_table_in_the_way_is_left_alone) {
    run("CREATE TABLE t_artblob(page INTEGER PRIMARY KEY, data BLOB); INSERT INTO t_artblob VALUES(1, 'mine')");
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=file); INSERT INTO t VALUES('a', 1)");
    refuses(SQLITE_ERROR, "t_artblob", TEXT("SELECT art_backup('%s/copy.db', 'main', 'inline')", directory));
    ck_assert_ptr_null(sql_find_file(directory, "copy.db"));
    run("INSERT INTO t VALUES('b', 1)");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t"), 2);
    run("ALTER TABLE t RENAME TO u; DROP TABLE u");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t_artblob"), 1);
}

/* Databases whose names lead to no folder, and those without one. */
LOOP_TEST(test_a_database_that_is_no_file_keeps_its_blobs_in_itself, 3) {
    TEXTS(names, ":memory:", "file:/shared?vfs=memdb", "");
    sqlite3 *source = sql_open(names[_i]), *copy = sql_open(path);
    sql_run(source, "CREATE VIRTUAL TABLE t USING art; INSERT INTO t SELECT printf('%%06d', i), i FROM (WITH n(i) AS "
                    "(SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000) SELECT i FROM n)");
    ck_assert_int_gt(sql_int(source, "SELECT count(*) FROM t_artblob"), 0);
    put_over(copy, source);
    sql_close(source);
    ck_assert_int_eq(sql_int(copy, "SELECT count(*) FROM t"), 50000);
    sql_expect(copy, "ok\n", "SELECT art_check('t')");
    sql_close(copy);
}

/* --- databases without a name ------------------------------------------------------------------------------------- */

TEST(test_no_table_with_a_file_is_made_in_a_database_without_a_name) {
    sql_close(db);
    db = sql_open(":memory:");
    run("ATTACH '' AS nameless");
    EACH(schema, "main", "temp", "nameless") {
        refuses(SQLITE_ERROR, "leave storage=file out",
                TEXT("CREATE VIRTUAL TABLE %s.t USING art(path, storage=file)", schema));
        ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
        for (int given = 0; given < 2; given++) {
            run("CREATE VIRTUAL TABLE %s.t USING art(path, value%s)", schema, given ? ", storage=auto" : "");
            run("INSERT INTO %s.t VALUES('a', 1); INSERT INTO %s.t(t) VALUES('flush')", schema, schema);
            char *blobs =
                kept(sql_rows(db, "SELECT count(*) > 0, (SELECT value FROM %s.t) FROM %s.t_artblob", schema, schema));
            ck_assert_str_eq(blobs, "1|1\n");
            refuses(SQLITE_ERROR, "leave storage=file out", TEXT("INSERT INTO %s.t(t) VALUES('storage=file')", schema));
            run("DROP TABLE %s.t", schema);
        }
    }
}

static void has_no_file(sqlite3 *copy) {
    EACH(statement, "SELECT * FROM t", "SELECT art_count('t', '')", "INSERT INTO t(path) VALUES('x')",
         "UPDATE t SET value = 2", "DELETE FROM t", "INSERT INTO t(t) VALUES('flush')",
         "INSERT INTO t(t) VALUES('adopt')", "SELECT * FROM art_info('t')") {
        sql_refused(copy, SQLITE_ERROR, "no .art file can stand beside a database in memory (main)", statement);
    }
}

/* In blobs, or with all rows still in its log. What else is in the copy can be used. */
LOOP_TEST(test_a_copy_without_a_name_refuses_a_table_with_a_file, 4) {
    run("CREATE VIRTUAL TABLE t USING art(path, value, storage=file); INSERT INTO t VALUES('a', 1);"
        "CREATE VIRTUAL TABLE u USING art(path, value, storage=inline); INSERT INTO u VALUES('b', 2)");
    if (_i % 2) run("INSERT INTO t(t) VALUES('flush'); INSERT INTO u(u) VALUES('flush')");
    sqlite3 *copy = sql_open(_i / 2 ? "" : ":memory:");
    put_over(copy, db);
    has_no_file(copy);
    sql_expect(copy, "b|2\n", "SELECT * FROM u");
    sql_run(copy, "DROP TABLE t; CREATE VIRTUAL TABLE t USING art(path, value); INSERT INTO t VALUES('c', 3)");
    sql_expect(copy, "c|3|ok\n", "SELECT *, art_check('t') FROM t");
    sql_close(copy);
    expect("a|1|ok\n", "SELECT *, art_check('t') FROM t");
}

/* It was in use here while it was inline, in two connections where they may have one database in memory. */
LOOP_TEST(test_a_copy_without_a_name_refuses_what_became_a_table_with_a_file, 3) {
    begin_with(_i ? "DELETE" : "WAL", "inline");
    const char *name = _i == 2 ? "file:/of-two?vfs=memdb" : ":memory:";
    sqlite3 *memory = sql_open(name), *second = _i == 2 ? sql_open(name) : memory;
    put_over(memory, db);
    has_all(memory, "inline");
    has_all(second, "inline");
    copy_to("file");
    sqlite3 *copy = sql_open(copy_path);
    put_over(memory, copy);
    has_no_file(second);
    has_no_file(memory);
    put_over(memory, db);
    has_all(second, "inline again");
    has_all(memory, "inline again");
    sql_close(copy);
    if (second != memory) sql_close(second);
    sql_close(memory);
}

/* --- in a transaction that spills --------------------------------------------------------------------------------- */

/* With a cache of SQLite's that holds it all: else a large transaction shuts readers out before its commit. */
static void begin_small(const char *mode, const char *storage) {
    twin = "o";
    run("PRAGMA journal_mode=%s; PRAGMA cache_size=-100000; CREATE VIRTUAL TABLE t USING art(path, value, n INTEGER, "
        "storage=%s, spill_limit='16KB', log_limit='4KB'); CREATE TABLE o(path TEXT PRIMARY KEY, value, n INTEGER)",
        mode, storage);
}

static void insert(int from, int count) {
    both(TEXT("REPLACE INTO @ WITH n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d) "
              "SELECT printf('d%%d/%%05d', i %% 7, i), 'value ' || %d || hex(zeroblob(%d)), i "
              "FROM n",
              from, count, count, from % 5 ? 40 : 400));
}

static void same(sqlite3 *of, const char *where) {
    char *rows = kept(sql_rows(of, "SELECT count(*), (SELECT count(*) FROM o), "
                                   "(SELECT count(*) FROM (SELECT * FROM o EXCEPT SELECT * FROM t)) FROM t"));
    long long art = -1, plain = -2, missing = -3;
    ck_assert_msg(sscanf(rows, "%lld|%lld|%lld", &art, &plain, &missing) == 3 && art == plain && !missing, "%s: %s",
                  where, rows);
}

static void sound(sqlite3 *of, const char *where) {
    char *said = kept(sql_rows(of, "SELECT art_check('t')"));
    ck_assert_msg(!strcmp(said, "ok\n"), "%s: %s", where, said);
    same(of, where);
}

LOOP_TEST(test_a_transaction_that_spills_goes_back, 4) {
    begin_small(modes[_i / 2], _i % 2 ? "inline" : "file");
    insert(1, 200);
    run("BEGIN");
    insert(1000, 300);
    run("ROLLBACK");
    sound(db, "rolled back");
    run("BEGIN");
    insert(1000, 300);
    run("SAVEPOINT s");
    insert(2000, 300);
    run("ROLLBACK TO s");
    same(db, "led back");
    insert(4000, 300);
    run("COMMIT");
    sound(db, "committed");
}

/* The COMMIT of a spilled transaction meets a reader. */
static sqlite3_stmt *refuse_commit(sqlite3 *second) {
    sqlite3_stmt *reader = sql_first_row(second, "SELECT name FROM sqlite_schema");
    ck_assert_int_eq(sql_try(db, "COMMIT"), SQLITE_BUSY);
    same(db, "refused");
    return reader;
}

/* Savepoints before the first spill, behind it, and with changes in the memtable. */
static void spill(void) {
    run("BEGIN");
    both("INSERT INTO @ VALUES('x', 1, 1)");
    run("SAVEPOINT a");
    insert(1000, 300);
    run("SAVEPOINT b");
    insert(3000, 300);
    both("UPDATE @ SET value = 'short' WHERE path = 'x'");
    run("SAVEPOINT c");
    both("INSERT INTO @ VALUES('y', 2, 2)");
}

/* Twice to one savepoint: what it needs is still there. The base is, too, when nothing comes of all this. */
LOOP_TEST(test_a_spilled_commit_that_was_refused_goes_back_to_any_savepoint, 48) {
    TEXTS(savepoints, "a", "b", "c");
    const char *from = _i % 2 ? "inline" : "file", *to = savepoints[_i / 16];
    bool spills_again = _i / 2 % 2, base = _i / 4 % 2, commits = _i / 8 % 2;
    if (random_stride() > 1 && (_i + spills_again + base + commits) % 2) return; /* a half has each three together */
    begin_small("DELETE", from);
    if (base) insert(1, 200);
    sqlite3 *second = sql_open(path);
    spill();
    sqlite3_stmt *reader = refuse_commit(second);
    if (spills_again) insert(500, 400);
    same(db, "goes on");
    for (int i = 0; i < 2; i++) {
        run("ROLLBACK TO %s", to);
        same(db, i ? "led back once more" : "led back");
        insert(6000, 300);
        same(db, "goes on behind it");
    }
    sqlite3_finalize(reader);
    run(commits ? "COMMIT" : "ROLLBACK");
    sound(db, "in the end");
    sound(second, "elsewhere");
    insert(9000, 200);
    sound(second, "later");
    sql_close(second);
}

LOOP_TEST(test_a_spilled_commit_that_was_refused_is_tried_again, 4) {
    const char *from = _i % 2 ? "inline" : "file";
    begin_small("DELETE", from);
    insert(1, 200);
    sqlite3 *second = sql_open(path);
    spill();
    sqlite3_finalize(refuse_commit(second));
    run("RELEASE a");
    if (_i / 2) insert(500, 400);
    both("DELETE FROM @ WHERE n % 5 = 0");
    same(db, "goes on");
    run("COMMIT");
    sound(db, "in the end");
    sound(second, "elsewhere");
    sql_close(second);
}

/* Any order of changes, commands, savepoints and commits, some of them refused, beside an ordinary table. */
LOOP_TEST(test_any_history_of_spills_has_the_rows_of_an_ordinary_table, 4) {
    TEXTS(summaries, "summary=(sum(n))", "summary=(max(n), lookup(value))", "summary=()");
    uint64_t seed = random_seed() + (uint64_t)_i;
    struct random random = {seed};
    printf("storage: seed %llu\n", (unsigned long long)seed);
    unsigned refused = 0, lost = 0, depth = 0;
    bool open = false, was_refused = false;
    begin_small(modes[_i % 2], _i / 2 % 2 ? "inline" : "file");
    sqlite3 *second = sql_open(path);
    sqlite3_stmt *reader = sql_prepare(second, "SELECT name FROM sqlite_schema");
    for (unsigned step = random_rounds(300); step--;) {
        if (!random_span(&random)) continue;
        int rc = SQLITE_OK;
        unsigned what = random_below(&random, 18);
        if (!open) {
            run("BEGIN");
            open = true;
            was_refused = false;
            depth = 0;
        }
        if (what < 5) {
            insert((int)random_below(&random, 3000), 1 + (int)random_below(&random, random_below(&random, 600) + 1));
        } else if (what == 5) {
            both(TEXT("DELETE FROM @ WHERE n %% 7 = %u", random_below(&random, 7)));
        } else if (what == 6) {
            run("INSERT INTO t(t) VALUES('%s')", summaries[random_below(&random, 3)]);
        } else if (what < 10) {
            run("SAVEPOINT s%u", depth++);
        } else if (what < 12 && depth) {
            depth = random_below(&random, depth);
            run("RELEASE s%u", depth);
        } else if (what < 15 && depth) {
            depth = 1 + random_below(&random, depth);
            run("ROLLBACK TO s%u", depth - 1);
        } else if (what == 15 && _i % 2) {
            bool reads = sqlite3_step(reader) == SQLITE_ROW; /* not behind another COMMIT that was refused */
            rc = sql_try(db, "COMMIT");
            ck_assert(rc == SQLITE_OK || (rc == SQLITE_BUSY && reads));
            sqlite3_reset(reader);
            refused += rc == SQLITE_BUSY;
            was_refused |= rc == SQLITE_BUSY;
            open = rc == SQLITE_BUSY;
        } else if (what >= 16) {
            run(what == 16 ? "COMMIT" : "ROLLBACK");
            open = false;
        }
        if (was_refused && sql_try(db, "SELECT count(*) FROM t") == SQLITE_MISUSE) {
            run("ROLLBACK");
            open = false;
            lost++;
        }
        same(db, "the writer");
        if (!open && random_once_in(&random, 3)) sound(second, "the other connection");
    }
    if (open) run("COMMIT");
    sound(db, "in the end");
    sound(second, "in the end, elsewhere");
    printf("%u refused commits, %u transactions only rolled back\n", refused, lost);
    sqlite3_finalize(reader);
    sql_close(second);
}

/* A process that makes tables, reads them and drops them would else have its cache full of what nobody can ask for. */
TEST(test_the_cache_lets_a_dropped_table_go) {
    enum { MB = 1 << 20 };
    EACH(storage, "inline", "file") {
        if (sql_inline() && *storage == 'f') continue;
        run("CREATE VIRTUAL TABLE other USING art(path, v, storage=%s, cache='64MB')", storage);
        run("CREATE VIRTUAL TABLE t USING art(path, v, storage=%s, cache='64MB')", storage);
        int64_t before = sql_int(db, "SELECT value FROM art_info('other') WHERE property = 'cache bytes'");
        run("INSERT INTO other(path) VALUES('a'); INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "LIMIT 20000) SELECT printf('%%06d', i), hex(randomblob(150)) FROM n; INSERT INTO t(t) VALUES('flush')");
        sql_snapshot(db, "monday");
        run("SELECT count(v) FROM t; SELECT count(v) FROM t WHERE snapshot = 'monday'");
        int64_t read = sql_int(db, "SELECT value FROM art_info('other') WHERE property = 'cache bytes'");
        ck_assert_int_gt(read, before + 2 * MB);
        run("DROP TABLE t");
        int64_t after = sql_int(db, "SELECT value FROM art_info('other') WHERE property = 'cache bytes'");
        ck_assert_int_lt(after, before + MB / 4);
        run("DROP TABLE other");
    }
}

SUITE("storage", .seconds = 120, .set_up = set_up, .tear_down = tear_down)
