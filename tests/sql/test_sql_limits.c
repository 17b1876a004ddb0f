/* The limits that SQLite advises for databases of strangers (https://sqlite.org/security.html): no statement of art's
 * own is deeper, longer or wider, and whatever art can do works under them. And an error of a statement of art's own is
 * no damage.
 */
#include "tests/support/sql_one.h"
#include "tests/support/suite.h"

static const struct {
    int limit, value;
} advised[] = {
    {SQLITE_LIMIT_LENGTH, 1000000},     {SQLITE_LIMIT_SQL_LENGTH, 100000}, {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 10},      {SQLITE_LIMIT_COMPOUND_SELECT, 3}, {SQLITE_LIMIT_VDBE_OP, 25000},
    {SQLITE_LIMIT_FUNCTION_ARG, 8},     {SQLITE_LIMIT_ATTACHED, 0},        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 10}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10}};
enum { ADVISED = sizeof advised / sizeof *advised };

static sqlite3 *open_limited(void) {
    sqlite3 *opened = sql_open(path);
    for (unsigned i = 0; i < ADVISED; i++) sqlite3_limit(opened, advised[i].limit, advised[i].value);
    return opened;
}

static void set_up(void) {
    sql_set_up_closed();
    db = open_limited();
    sql_run(db, "PRAGMA journal_mode = WAL");
}

static void reopen(void) {
    sql_close(db);
    db = open_limited();
}

static void fill(const char *size) {
    sql_run(db,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t "
            "SELECT printf('d%%d/f%%05d', i %% 30, i), printf('%%0200d', i)%s FROM n",
            size);
}

static void use_table(const char *options) {
    if (sql_standin()) return;
    sql_run(db, "CREATE VIRTUAL TABLE t USING art(path TEXT PRIMARY KEY, value, size INTEGER, %s)", options);
    fill(", i");
    sql_run(db, "INSERT INTO t(t) VALUES('flush')");
    sql_run(db, "BEGIN; UPDATE t SET size = size + 1 WHERE path LIKE 'd7/%%'; SAVEPOINT s; DELETE FROM t WHERE path > "
                "'d8'; ROLLBACK TO s; COMMIT");
    reopen();
    sql_expect(db, "3000\n", "SELECT count(*) FROM t");
    sql_expect(db, "30\n", "SELECT count(*) FROM t('', '/')");
    sql_expect(db, "100\n", "SELECT count(*) FROM t WHERE path GLOB 'd7/*'");
    sql_expect(
        db, "0\n",
        "SELECT count(*) FROM t WHERE path GLOB 'a/beginning/of/more/than/fifty/bytes/for/which/there/are/bounds/*'");
    sql_expect(db, "2\n", "SELECT count(*) FROM t WHERE path IN ('d1/f00001', 'd2/f00002', 'd2/f00003')");
    sql_expect(db, "100|4501500\n", "SELECT art_count('t', 'd3/'), art_sum('t', 'size', '') - 100");
    sql_expect(db, "d3/f00003|3\n", "SELECT path, size FROM t WHERE path >= 'd3/' ORDER BY path LIMIT 1");
    sql_expect(db, "", "SELECT * FROM art_check('t')");
    sql_expect(db, "ok\n", "SELECT art_check('t')");
    sql_expect(db, "ok: 1 art table\n", "SELECT substr(art_verify(), 1, 15)");
    sql_expect(db, "1\n", "SELECT count(*) > 20 FROM art_info('t')");
    sql_run(db, "CREATE VIRTUAL TABLE temp.rest USING art_salvage('t')");
    sql_expect(db, "3000\n", "SELECT count(*) FROM rest");
    sql_expect(db, "0\n", "SELECT count(*) FROM art_lost('t')");
    sql_run(db, "DROP TABLE rest");
    sql_run(db, "SELECT art_backup('%q-copy.db')", path);
    sql_run(db, "INSERT INTO t(t) VALUES('optimize'), ('vacuum')");
    sql_run(db, "INSERT INTO t(t) VALUES('clean')");
    sql_run(db, "INSERT INTO t(t) VALUES('add column note TEXT')");
    sql_run(db, "INSERT INTO t(t) VALUES('cache=1MB')");
    sql_run(db, "ALTER TABLE t RENAME TO other; INSERT INTO other(path, note) VALUES('x', 'y')");
    sql_expect(db, "ok: 1 art table\n", "SELECT substr(art_verify(), 1, 15)");
    sql_run(db, "DROP TABLE other");
    sql_expect(db, "0\n", "SELECT count(*) FROM sqlite_master");
}

TEST(test_all_works_under_the_advised_limits) {
    use_table("summary=(sum(size), lookup(value))");
}

TEST(test_so_it_does_with_the_blobs_inline) {
    use_table("storage=inline, summary=(sum(size), lookup(value))");
}

/* Under which art cannot work at all. */
TEST(test_a_limit_that_is_too_small_is_no_damage) {
    if (sql_standin()) return;
    sql_create(db, "t", "");
    fill("");
    reopen();
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 2);
    sql_refused(db, SQLITE_TOOBIG, "sqlite3_limit()", "SELECT art_check('t')");
    sql_refused(db, SQLITE_TOOBIG, "sqlite3_limit()", "SELECT * FROM t");
    sql_refused(db, SQLITE_TOOBIG, "sqlite3_limit()", "SELECT art_verify()");
    sql_refused(db, SQLITE_TOOBIG, "sqlite3_limit()", "SELECT art_backup('copy.db')");
    reopen();
    sql_expect(db, "ok\n", "SELECT art_check('t')");
}

int main(void) {
    return suite_run("sql_limits", .seconds = SUITE_FOREVER, .set_up = set_up, .tear_down = sql_tear_down);
}
