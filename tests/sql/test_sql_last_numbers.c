/* Numbers that grow with every commit begin near their ends here (art_tests_leave_commits()): those of transactions,
 * which are also the versions of rows, and those of roots. Up to the last one a table does what every table does.
 * Behind it, it is read, copied and dropped, and who writes is told what to do. Nothing turns over, and nothing is
 * lost.
 */
#include "core/base/hash.h"
#include "core/store/store_format.h"
#include "core/tree/state/hooks.h"
#include "core/tree/state/root_format.h"
#include "tests/support/features.h"
#include "tests/support/sql_one.h"

#ifdef ART_TEST_HOOKS
static const char used_up[] =
    "art: the numbers of this table's transactions are used up (the log): INSERT its rows INTO another table";

static void set_up(void) {
    sql_link();
    sql_set_up();
    run("PRAGMA synchronous=OFF");
}

static void tear_down(void) {
    art_test_hooks = (struct art_test_hooks){0};
    sql_tear_down();
}

/* 0, or refused since there are no numbers left. */
static int try(const char *sql) {
    int rc = sql_try(db, "%s", sql);
    if (rc) {
        ck_assert_int_eq(rc, SQLITE_READONLY);
        ck_assert_str_eq(sqlite3_errmsg(db), used_up);
    }
    return rc;
}

/* What still works, and must give the ordinary table's rows. */
static void expect_all_there(void) {
    static const char same[] = "SELECT (SELECT count(*) FROM t) = (SELECT count(*) FROM plain), count(*) FROM (SELECT "
                               "path, value, size FROM t EXCEPT SELECT * FROM plain)";
    EACH(opened, "", "again") {
        if (*opened) sql_reopen();
        expect("1|0\n", same);
        expect("1\n", "SELECT art_sum('t', 'size', '') IS (SELECT total(size) FROM plain)");
        expect("0\n", "SELECT count(*) FROM t WHERE row_version >= 36028797018963968");
        expect("ok\n", "SELECT art_check('t')");
        run("CREATE VIRTUAL TABLE temp.saved USING art_salvage('t')");
        expect("0\n", "SELECT count(*) FROM (SELECT * FROM plain EXCEPT SELECT * FROM saved)");
        run("DROP TABLE saved");
    }
}

/* A copy is as used up as its original is; a fresh table is not. */
static void expect_way_out(void) {
    run("SELECT art_backup(%Q)", copy_path);
    sqlite3 *copy = sql_open(copy_path);
    sql_expect(copy, "ok\n", "SELECT substr(art_verify(), 1, 2)");
    sql_expect(copy, "0\n", "SELECT count(*) FROM (SELECT * FROM plain EXCEPT SELECT path, value, size FROM t)");
    ck_assert_int_eq(sql_try(copy, "INSERT INTO t VALUES('z', 1, 1)"), SQLITE_READONLY);
    sql_close(copy);
    art_test_hooks = (struct art_test_hooks){0};
    run("BEGIN; ALTER TABLE t RENAME TO used");
    sql_create(db, "t", "path, value, size INTEGER, summary=(sum(size), search(value))");
    run("INSERT INTO t SELECT path, value, size FROM used; DROP TABLE used; COMMIT");
    run("INSERT INTO t VALUES('z', 1, 1); INSERT INTO plain VALUES('z', 1, 1)");
    expect_all_there();
}

CASE("numbers", .seconds = 120, .set_up = set_up, .tear_down = tear_down)

enum { LEFT = 16 };

/* Each statement is refused or done, and done on the ordinary table alike. */
LOOP_TEST(test_the_last_number_is_the_end_and_nothing_is_lost, LEFT * 2) {
    TEXTS(statements,
          "INSERT OR REPLACE INTO @ WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60) SELECT 'k/' || i % "
          "50, 'row ' || i, i FROM n",
          "UPDATE @ SET size = size + 1 WHERE path GLOB 'k/1*'", "*INSERT INTO t(t) VALUES('flush')",
          "DELETE FROM @ WHERE path = 'k/7'", "*INSERT INTO t(t, snapshot) VALUES('snapshot', 'one')",
          "INSERT OR REPLACE INTO @ VALUES('large', zeroblob(20000), 1)", "*INSERT INTO t(t) VALUES('optimize')",
          "DELETE FROM @ WHERE path GLOB 'k/2*'", "*INSERT INTO t(t, snapshot) VALUES('drop snapshot', 'one')",
          "*INSERT INTO t(t) VALUES('vacuum')", "*SELECT art_vacuum('t')");
    unsigned left = (unsigned)_i / 2, done = 0, refused = 0;
    (_i % 2 ? &art_test_hooks.first_csn : &art_test_hooks.first_generation)[0] = ART_WRITABLE_CSN_MAX - left;
    sql_create(db, "t", "path, value, size INTEGER, summary=(sum(size), search(value)), log_limit='2KB'");
    run("CREATE TABLE plain(path TEXT PRIMARY KEY, value, size) WITHOUT ROWID");
    for (unsigned i = 0; !refused || i % LENGTH(statements); i++) {
        const char *sql = statements[i % LENGTH(statements)], *at = strchr(sql, '@');
        ck_assert_uint_lt(i, 40 * LEFT);
        bool both = *sql != '*';
        if (both) run("BEGIN");
        int rc = try(both ? TEXT("%.*st%s", (int)(at - sql), sql, at + 1) : sql + 1);
        if (!rc && both) run("%.*splain%s", (int)(at - sql), sql, at + 1);
        if (both) run("COMMIT");
        *(rc ? &refused : &done) += 1;
    }
    printf("%u: %u statements, then %u refused\n", left, done, refused);
    expect_all_there();
    expect_way_out();
}

/* One that began before the last number may be large, with savepoints, and is refused and made again. */
TEST(test_the_last_transaction_may_be_large) {
    art_tests_leave_commits(1);
    sql_create(db, "t",
               "path, value, size INTEGER, summary=(sum(size), search(value)), log_limit='2KB', spill_limit='64KB'");
    run("CREATE TABLE plain(path TEXT PRIMARY KEY, value, size) WITHOUT ROWID; BEGIN");
    EACH(table, "t", "plain") {
        for (int i = 0; i < 20; i++) {
            run("SAVEPOINT s; INSERT OR REPLACE INTO %s WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
                "500) SELECT 'k/' || (i * %d), 'the row ' || i, i FROM n; %s s",
                table, i + 1, i % 3 ? "RELEASE" : "ROLLBACK TO");
        }
    }
    run("COMMIT");
    ck_assert_int_eq(try("DELETE FROM t WHERE path = 'k/8'"), SQLITE_READONLY);
    expect_all_there();
    expect_way_out();
}

/* Of the pages that say whose a file is. */
static void write_sequences(const char *file, uint64_t sequence) {
    FILE *art = fopen(file, "r+b");
    uint8_t *slot = calloc(1, ART_ROOT_COPY_FIRST_PAGE * ART_STORE_PAGE);
    ck_assert(art && fread(slot, ART_ROOT_COPY_FIRST_PAGE * ART_STORE_PAGE, 1, art) == 1);
    struct art_superblock *block = (struct art_superblock *)(void *)slot;
    struct art_owner_page *first = &block->owner[0], *second = &block->owner[1];
    *first = first->sequence > second->sequence ? *first : *second;
    for (unsigned i = 0; i < ART_OWNER_PAGES; i++, sequence--) {
        struct art_owner_page *page = &block->owner[sequence % 2];
        if (page != first) *page = *first;
        page->sequence = sequence;
        page->sum = art_hash64(page, offsetof(struct art_owner_page, sum));
    }
    rewind(art);
    ck_assert(fwrite(slot, ART_ROOT_COPY_FIRST_PAGE * ART_STORE_PAGE, 1, art) == 1 && !fclose(art));
    free(slot);
}

/* Each replacement of the database makes 'adopt' write the next page. */
LOOP_TEST(test_who_adopts_has_the_file_also_behind_the_last_number, 4) {
    if (sql_has_no_file("owner pages")) return;
    sql_create(db, "t", "path, value, size INTEGER, summary=(sum(size))");
    run("CREATE TABLE plain(path TEXT PRIMARY KEY, value, size) WITHOUT ROWID;"
        "INSERT INTO plain VALUES('a', 1, 1), ('b', 2, 2); INSERT INTO t SELECT * FROM plain;"
        "INSERT INTO t(t) VALUES('flush')");
    char *file = kept(sql_find_file(directory, ".art")), *other = TEXT("%s/other.db", directory);
    sql_close(db);
    write_sequences(file, UINT64_MAX - (uint64_t)_i);
    for (int i = 0; i < 6; i++) {
        sql_copy_file(path, other);
        ck_assert(!rename(other, path));
        db = sql_open(path);
        ck_assert_int_ne(sql_try(db, "INSERT INTO t VALUES('c', 3, 3)"), 0);
        run("INSERT INTO t(t) VALUES('adopt')");
        sql_reopen();
        run("INSERT INTO t VALUES('c%d', 3, 3); INSERT INTO t(t) VALUES('flush')", i);
        run("INSERT INTO plain VALUES('c%d', 3, 3)", i);
        expect_all_there();
        sql_close(db);
    }
    db = sql_open(path);
}

/* Versions that no REAL can tell apart. */
TEST(test_features_work_with_numbers_of_55_bits) {
    enum { CHANGES = 60 };
    art_tests_leave_commits(1 << 20);
    features_create(db, ", log_limit='2KB'");
    features_create(db, NULL);
    for (int64_t n = 1; n <= CHANGES; n++) {
        for (int art = 0; art < 2; art++) {
            run("BEGIN");
            ck_assert_msg(!features_change(db, art, n), "%s", sqlite3_errmsg(db));
            run("COMMIT");
        }
        if (n % 10) continue;
        char *given = kept(features_answers(db, true)), *expected = kept(features_answers(db, false));
        ck_assert_msg(!strcmp(given, expected), "%s", features_differ(given, expected));
        sql_reopen();
    }
    expect("ok\n", "SELECT art_check('fk')");
    expect("ok\n", "SELECT art_check('fb')");
}
#endif

SUITE("last numbers")
