/* Every allocation of every kind of statement fails, once, or with all after it: the statement then ends in
 * SQLITE_NOMEM, or gives what it gives with memory; never anything else, and nothing stays behind. The sweeps
 * (fault_sweep.h) try some places of long scripts with all kinds of faults; here are short statements, and all places.
 * (Of what SQLite itself needs thousands for, as ALTER TABLE, one in eleven.)
 */
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"
#include "tests/support/sql_one.h"

enum { ALLOCATIONS_MAX = 20000, EACH = 1000, STRIDE = 11, QUIET = 3 };

static const char setting_up[] =
    "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; CREATE TABLE numbers(n INTEGER); INSERT INTO numbers VALUES(5), "
    "(77), (100000);"
    "CREATE TABLE words(word TEXT); INSERT INTO words VALUES('a/5'), ('a/50'), ('late'), ('none');"
    "CREATE VIRTUAL TABLE t USING art(log_limit='8KB', cache='8MB');"
    "INSERT INTO t WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60) SELECT 'a/' || i, i FROM n;"
    "INSERT INTO t VALUES('5', 'five'), ('05', 'also five'), ('77', 77), ('A/11x', x'00'), ('5.0/x', 1), ('a/b/c', "
    "1.5), ('a/b/d', NULL);"
    "INSERT INTO t VALUES('big', zeroblob(20000)), ('u/long', hex(zeroblob(6000)));"
    "INSERT INTO t(t) VALUES('flush');"
    "INSERT INTO t VALUES('late', 1), ('U/Long/1', 2), ('u/lonh', 3);"
    "CREATE VIRTUAL TABLE s USING art(name, size INTEGER, note TEXT COLLATE NOCASE);"
    "INSERT INTO s(name, size, note) VALUES('x', 1, 'one'), ('y', 2, 'two'), ('y/z', 3, hex(zeroblob(5000)));"
    "CREATE VIRTUAL TABLE f USING art(path, size INTEGER, note TEXT, log_limit='8KB', summary=(search(path), "
    "search(note), sum(size), lookup(note)));"
    "INSERT INTO f WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 150) SELECT 'some/part-' || i, i % 3, "
    "'word ' || (i % 40) FROM n; INSERT INTO f(f) VALUES('flush'); DELETE FROM f WHERE size = 2;"
    "INSERT INTO f VALUES('some/last', 2, hex(zeroblob(4000))), ('some/part-700', 9, 'another word 7');"
    "CREATE VIRTUAL TABLE m USING art; INSERT INTO m SELECT path, value FROM t; INSERT INTO m(m) VALUES('flush')";

static void set_up(void) {
    sql_ways("pwrite", NULL);
    sql_set_up_closed();
    io_fault_skip_syncs();
    db = sql_memory_open(path, NULL);
    sql_run(db, "%s", setting_up);
}

static void tear_down(void) {
    sql_tear_down();
    io_fault_nothing();
}

/* --- one attempt -------------------------------------------------------------------------------------------------- */

/* What a statement gave, in memory that is not SQLite's. */
struct answer {
    int rc;
    char *text;
    size_t len;
};

static void add_rows(sqlite3_stmt *statement, struct answer *answer, FILE *out) {
    while ((answer->rc = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            if (!text && sqlite3_column_type(statement, i) != SQLITE_NULL) {
                answer->rc = SQLITE_NOMEM; /* the conversion is this test's own */
                return;
            }
            fprintf(out, "%s|", text ? text : "NULL");
        }
        fputc('\n', out);
    }
    if (answer->rc == SQLITE_DONE) answer->rc = SQLITE_OK;
}

/* One statement, or several; their parameters are the number 5. */
static struct answer ask(const char *sql) {
    struct answer answer = {0};
    FILE *out = open_memstream(&answer.text, &answer.len);
    while (*sql && !answer.rc) {
        sqlite3_stmt *statement = NULL;
        answer.rc = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
        for (int i = 1; !answer.rc && i <= sqlite3_bind_parameter_count(statement); i++) {
            answer.rc = sqlite3_bind_int(statement, i, 5);
        }
        if (!answer.rc && statement) add_rows(statement, &answer, out);
        int end = sqlite3_finalize(statement);
        if (!answer.rc) answer.rc = end;
    }
    fclose(out);
    return answer;
}

static void take_back(void) {
    if (!sqlite3_get_autocommit(db)) sql_run(db, "ROLLBACK");
}

/* `before` is done with memory each time, and taken back after the statement. It ends where nothing has failed several
 * times: a statement after one that failed late finds more in memory than one after another that failed early. */
static void sweep_with(const char *before, const char *sql, bool stays) {
    sql_run(db, "%s", before);
    struct answer expected = ask(sql);
    int expected_rc = expected.rc;
    take_back();
    unsigned quiet = 0;
    for (unsigned nth = 1; quiet < QUIET; nth += (nth < EACH ? 1 : STRIDE) * random_stride()) {
        ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
        sql_run(db, "%s", before);
        fault_arm(&sql_memory_faults, 0, 0, nth, stays);
        struct answer answer = ask(sql);
        bool struck = fault_disarm(&sql_memory_faults) > 0;
        quiet = struck ? 0 : quiet + 1;
        bool same = answer.rc == expected_rc && !strcmp(answer.text, expected.text);
        bool no_memory = (answer.rc & 0xff) == SQLITE_NOMEM || answer.rc == SQLITE_IOERR_NOMEM;
        ck_assert_msg(same || (struck && no_memory), "%s, allocation %u: code %d (%s) and\n%s\n  instead of %d and\n%s",
                      sql, nth, answer.rc, sqlite3_errmsg(db), answer.text, expected_rc, expected.text);
        free(answer.text);
        take_back();
    }
    free(expected.text);
}

static void sweep(const char *before, const char *sql) {
    sweep_with(before, sql, false);
}

/* Nobody knows yet what is on disk: SQLite has let go of the handles. */
static const char forgotten[] = "BEGIN; CREATE TABLE x(y); ROLLBACK";
static const char known[] = "SELECT count(*) FROM t; SELECT count(*) FROM s";

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const char *const queries[] = {
    "SELECT count(*), min(path), max(path) FROM t",
    "SELECT path FROM t WHERE path > ? AND path <= 'a/15' ORDER BY path",
    "SELECT value FROM t WHERE path = ?",
    "SELECT value FROM t WHERE path = 'u/long'",
    "SELECT path, value FROM t WHERE path IN (SELECT n FROM numbers) ORDER BY path",
    "SELECT path, value FROM t WHERE path = (SELECT n FROM numbers WHERE n = 5) ORDER BY path",
    "SELECT path FROM t WHERE path IN ('a/1', 'late', 'none', 'a/2', 5) ORDER BY path DESC",
    "SELECT path FROM numbers CROSS JOIN t WHERE path = n ORDER BY path",
    "SELECT path FROM t WHERE path GLOB 'a/1*' ORDER BY path DESC LIMIT 3 OFFSET 1",
    "SELECT path FROM t WHERE path GLOB 'a/*1'",
    "SELECT path FROM t WHERE path GLOB 'a/1'",
    "SELECT path FROM t WHERE path GLOB ?",
    "SELECT path FROM t WHERE path GLOB 'a/?' AND path GLOB '*5' AND path GLOB 'a*'",
    "SELECT path FROM t WHERE path LIKE 'A/1%'",
    "SELECT path FROM t WHERE path LIKE 'u/lon%'",
    "SELECT count(*), max(path) FROM t WHERE path LIKE 'A/1_'",
    "SELECT path, entries FROM t('a/', '5') WHERE path > 'a/14' AND entries > 5 LIMIT 1",
    "SELECT path FROM t WHERE path LIKE ?",
    "SELECT path FROM t WHERE path LIKE (SELECT 'U/LONG%') ORDER BY path DESC",
    "SELECT path FROM t WHERE path LIKE 'a/2%' AND path LIKE 'A/%'",
    "SELECT path, prefix, delimiter, entries, row_version > 0 FROM t('a/', '/')",
    "SELECT path, prefix, entries FROM t(?, '1')",
    "SELECT path FROM t(x'612f', 'b') WHERE path > 'a/5' ORDER BY path DESC",
    "SELECT path, delimiter, entries FROM t('a/', ?)",
    "SELECT prefix, path FROM t(5.0)",
    "SELECT length(value), row_version > 0 FROM t WHERE path GLOB '*big'",
    "SELECT name, size, note FROM s WHERE note = 'ONE' OR size > 1",
    "SELECT x.path FROM t AS x JOIN t AS y ON y.path = x.path || '1' ORDER BY x.path",
    "SELECT art_count('t', 'a/'), art_count('main.t', ?), art_count('t', hex(zeroblob(300)))",
    "SELECT art_nth('t', 'a/', 1), art_rank('t', 'a/1'), art_nth('t', '', ?)",
    "SELECT art_longest_prefix('t', 'a/1/2/3', '/'), art_longest_prefix('t', 'a/1xx'), art_longest_prefix('t', ?, ?)",
    "SELECT path, length(value) FROM t WHERE path MATCH 'a/1/2/3' AND delimiter = '/'",
    "SELECT path, value FROM t WHERE path MATCH ?",
    "SELECT word, path FROM words LEFT JOIN t ON path MATCH word || '/1'",
    "SELECT art_count(?, 'a')",
    "SELECT art_count('none', 'a')",
    "SELECT art_check('t'), art_check('s')",
    "SELECT art_check(?)",
    "SELECT * FROM art_check('t')",
    "SELECT * FROM art_check(?)",
    "SELECT property, value FROM art_info('s') WHERE property NOT GLOB 'cache*'",
    "SELECT * FROM art_debug('t') WHERE property GLOB 'run*' OR property = 'fill'",
    "SELECT * FROM art_info(?)",
    "SELECT * FROM art_info",
    "SELECT path FROM words CROSS JOIN t WHERE path = word",
    "SELECT path FROM t WHERE path IN (SELECT word FROM words) AND path GLOB '*5*'",
    "SELECT path FROM f WHERE path LIKE '%ART-1%' AND note LIKE '%word 3%' ORDER BY path DESC",
    "SELECT path FROM f WHERE path LIKE ? ORDER BY size DESC LIMIT 3",
    "SELECT path, size FROM f WHERE note GLOB '*word*7' ORDER BY size DESC, path LIMIT 3",
    "SELECT path, size FROM f('some/') ORDER BY size, path LIMIT 10",
    "SELECT path FROM f WHERE note = 'word 5' AND path GLOB 's*part*'",
    "SELECT art_version(), art_debug()",
    "SELECT * FROM temp.art_txn",
};

LOOP_TEST(test_a_query_without_memory_says_so, sizeof queries / sizeof *queries) {
    sweep(forgotten, queries[_i]);
    sweep(known, queries[_i]);
    sweep_with(forgotten, queries[_i], true);
}

/* The same with a read of the .art file that fails. */
LOOP_TEST(test_a_query_that_cannot_read_says_so, sizeof queries / sizeof *queries) {
    const char *sql = queries[_i];
    sql_close(db);
    db = sql_memory_open(path, NULL);
    struct answer expected = ask(sql);
    bool more = true;
    for (unsigned nth = 1; more; nth++) {
        ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
        sql_close(db); /* and what was read of the file goes */
        db = sql_memory_open(path, NULL);
        io_fault("pread", nth, 1, EIO, 0);
        struct answer answer = ask(sql);
        more = io_faults_given() > 0;
        io_fault_nothing();
        bool same = answer.rc == expected.rc && !strcmp(answer.text, expected.text);
        bool said = (answer.rc & 0xff) == SQLITE_IOERR || strstr(answer.text, "Input/output error");
        ck_assert_msg(same || (more && said), "%s, read %u: code %d (%s) and\n%s", sql, nth, answer.rc,
                      sqlite3_errmsg(db), answer.text);
        free(answer.text);
    }
    free(expected.text);
}

TEST(test_a_query_on_a_table_that_is_not_known_yet_says_so) {
    static const char *const some[] = {"SELECT value FROM t WHERE path = 'a/5'", "SELECT art_count('t', 'a/')",
                                       "SELECT name, note FROM s WHERE name GLOB 'y*'", "SELECT art_check('s')"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) sweep(forgotten, some[i]);
}

/* --- a table that is damaged -------------------------------------------------------------------------------------- */

/* What is found is found, or there was no memory to say it. */
LOOP_TEST(test_the_check_of_a_damaged_table_finds_all_or_says_that_it_cannot, 8) {
    static const char *const damages[] = {
        "UPDATE s_artstate SET v = 'x' WHERE k IN ('cache', 'columns', 'id', 'file', 'log_limit', 'nonce', 'retired')",
        "UPDATE s_artstate SET v = 'x(' WHERE k = 'columns'; DELETE FROM s_artstate WHERE k = 'format'",
        "UPDATE s_artstate SET v = '../x.art' WHERE k = 'file'; UPDATE s_artstate SET v = 99 WHERE k = 'format'",
        "INSERT INTO s_artdata WITH n(i) AS (VALUES(9001) UNION SELECT i + 1 FROM n LIMIT 110) SELECT i, 'x' FROM n",
        "UPDATE s_artstate SET v = iif(k = 'file', CAST(x'73002e617274' AS TEXT), x'00') WHERE k IN ('file', 'id')",
        "DROP TABLE s_artstate",
        "DROP TABLE s_artdata",
        "DELETE FROM s_artdata",
    };
    sql_run(db, "%s", damages[_i]);
    sweep(forgotten, "SELECT problem, place FROM art_check('s')");
    sweep(forgotten, "SELECT art_check('s')");
    sweep(forgotten, "INSERT INTO s(s) VALUES('integrity-check')");
    sweep(forgotten, "SELECT * FROM s");
    if (sqlite3_libversion_number() >= 3044000) sweep(forgotten, "PRAGMA integrity_check(s); PRAGMA quick_check(s)");
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

#define THEN_ALL "; SELECT name, size, length(note) FROM s; SELECT count(*), sum(length(value)), max(path) FROM t"

static const char *const changes[] = {
    "INSERT INTO s(name, size, note) VALUES(?, '12', 5), (6.5, 1.0, x'00')" THEN_ALL,
    "INSERT OR REPLACE INTO t SELECT path || 'x', value FROM t WHERE path GLOB 'a/1*'" THEN_ALL,
    "UPDATE s SET size = size + 1 WHERE name GLOB 'y*'" THEN_ALL,
    "UPDATE t SET path = path || '/', value = 'moved' WHERE path IN ('u/long', 'late')" THEN_ALL,
    "UPDATE t SET value = value || 'x' WHERE path > 'late'" THEN_ALL,
    "UPDATE s SET note = numbers.n FROM numbers WHERE size + 4 = numbers.n" THEN_ALL,
    "DELETE FROM t WHERE path BETWEEN 'a/2' AND 'a/3'" THEN_ALL,
    "DELETE FROM t WHERE path IN (SELECT path FROM t('', '/'))",
    "SAVEPOINT one; INSERT INTO s(name) VALUES('1'); SAVEPOINT two; INSERT INTO t(path) VALUES('2'); ROLLBACK TO two;"
    "INSERT INTO m(path) VALUES('3'); ROLLBACK TO one; DELETE FROM s WHERE name = 'x'; RELEASE one" THEN_ALL,
    "INSERT INTO s(s) VALUES('cache=3MB'), ('direct = off'); SELECT value FROM art_info('s') WHERE property GLOB "
    "'option*'",
    "INSERT INTO s(s) VALUES('none')",
    "INSERT INTO s(s) VALUES(?)",
    "INSERT INTO s(s) VALUES('cache=none')",
    "INSERT INTO s(s) VALUES('add column more DECIMAL(10, 2) COLLATE NOCASE'); UPDATE s SET more = '5' || "
    "size" THEN_ALL,
    "INSERT INTO s(s) VALUES('summary=(sum(size), lookup(name))')",
    "INSERT INTO s(s) VALUES('summary=(sum(size), lookup(note))'); SELECT name FROM s WHERE note IS 'x'; "
    "INSERT INTO s(s) VALUES('summary=()')" THEN_ALL,
    "INSERT INTO s(s) VALUES('summary=(search(note), search(name))'); SELECT name FROM s WHERE note LIKE '%wo%'; "
    "INSERT INTO s(s) VALUES('summary=()')" THEN_ALL,
    "INSERT INTO f VALUES('some/more', 1, 'of all words'); INSERT INTO f(f) VALUES('optimize'); SELECT count(*) FROM f",
    "INSERT INTO s(s) VALUES('add column more COLLATE nobodys')",
    "INSERT INTO s(s) VALUES('add column size')",
    "INSERT INTO s(s) VALUES('clean'), ('flush'), ('optimize'), ('vacuum')",
    "INSERT INTO s(s) VALUES('integrity-check'), ('adopt')",
    "ALTER TABLE s RENAME TO r; INSERT INTO r(name) VALUES('new'); SELECT count(*) FROM r",
    "DROP TABLE s; SELECT count(*) FROM sqlite_master WHERE name GLOB 's*'",
    "CREATE VIRTUAL TABLE n USING art(a, \"b c\" INT NOT NULL, `d` TEXT COLLATE \"NOCASE\", cache = '1MB', "
    "summary=(max(\"b c\"), sum(\"b c\")));"
    "INSERT INTO n(a, \"b c\") VALUES(1, 2); SELECT * FROM n",
    "CREATE VIRTUAL TABLE n USING art(path, size INTEGER NOT NULL, note TEXT COLLATE NOCASE, 'the rest' DECIMAL);"
    "INSERT INTO n VALUES('a', '5', 'note', 1.5), ('b', 6, hex(zeroblob(10000)), 'text');"
    "INSERT INTO n(n) VALUES('add column \"x y\" REAL'), ('add column z'), ('add column zz INT');"
    "UPDATE n SET note = note || '!', \"x y\" = size, zz = '7', path = path || '/moved' WHERE size > 5;"
    "INSERT INTO n(n) VALUES('summary=(sum(size), lookup(\"the rest\"))'); ALTER TABLE n RENAME TO d; SELECT * FROM d",
    "CREATE VIRTUAL TABLE n USING art(a, prefix)",
    "CREATE VIRTUAL TABLE n USING art(cache=none)",
};

LOOP_TEST(test_a_change_without_memory_is_made_as_a_whole_or_not_at_all, sizeof changes / sizeof *changes) {
    sweep("BEGIN", changes[_i]);
    sweep("BEGIN; INSERT INTO m(path) VALUES('0'); SAVEPOINT zero; INSERT INTO t(path) VALUES('0'), ('00')",
          changes[_i]);
    sql_expect(db, "ok|ok|ok\n", "SELECT art_check('t'), art_check('s'), art_check('m')");
}

/* Each by itself. Blobs that are rows of SQLite's go before the commit does, so that one which fails must take them
 * back. */
LOOP_TEST(test_a_table_is_emptied_without_memory_as_a_whole_or_not_at_all, 2) {
    static const char fill[] =
        "INSERT OR REPLACE INTO e WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500) "
        "SELECT 'e/' || i, hex(zeroblob(40)) FROM n; INSERT INTO e(e) VALUES('flush')";
    sql_run(db, "CREATE VIRTUAL TABLE e USING art(storage=%s)", _i ? "inline" : "file");
    bool more = true;
    int64_t went = 0, emptied = 0;
    for (unsigned nth = 1; more; nth++) {
        ck_assert_uint_lt(nth, ALLOCATIONS_MAX);
        sql_run(db, "%s", fill);
        sqlite3 *fresh = sql_memory_open(path, NULL); /* which has no buffers yet */
        ck_assert_int_eq(sql_int(fresh, "SELECT count(*) FROM e"), 500);
        int rc = sql_memory_try(fresh, "DELETE FROM e", nth, false, &more);
        ck_assert_msg(rc == SQLITE_OK || (more && (rc & 0xff) == SQLITE_NOMEM), "allocation %u: %d", nth, rc);
        went += !rc;
        emptied += sql_int(fresh, "SELECT value FROM art_debug('e') WHERE property = 'times emptied'");
        const char *left = rc ? "500|500|ok\n" : "0|0|ok\n";
        sql_expect(db, left, "SELECT count(*), count(length(value)), art_check('e') FROM e");
        sql_expect(fresh, left, "SELECT count(*), count(length(value)), art_check('e') FROM e");
        sql_close(fresh);
    }
    ck_assert(emptied > 0 && emptied <= went); /* without memory for that, rows are deleted all the same */
}

/* --- the extension itself ----------------------------------------------------------------------------------------- */

TEST(test_the_extension_that_could_not_come_in_for_want_of_memory_can_later) {
    bool more = true;
    for (unsigned nth = 1; more; nth++) {
        sqlite3 *fresh;
        char *message = NULL;
        ck_assert_int_eq(sqlite3_open(path, &fresh), SQLITE_OK);
        sqlite3_db_config(fresh, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
        fault_arm(&sql_memory_faults, 0, 0, nth, false);
        int rc = sqlite3_art_init(fresh, &message, NULL);
        more = fault_disarm(&sql_memory_faults) > 0;
        ck_assert_msg(rc == SQLITE_OK || (more && rc == SQLITE_NOMEM), "allocation %u: %d", nth, rc);
        sqlite3_free(message);
        ck_assert_int_eq(sqlite3_art_init(fresh, &message, NULL), SQLITE_OK);
        sql_expect(fresh, "60|4\n", "SELECT art_count('t', 'a/') - 2, art_count('s', '') + 1");
        sql_close(fresh);
    }
}

int main(void) {
    sql_memory_install();
    return suite_run("statements without memory", .seconds = 120, .set_up = set_up, .tear_down = tear_down);
}
