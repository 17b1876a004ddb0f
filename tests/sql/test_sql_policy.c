/* What an application forbids: by an authorizer, DEFENSIVE, trusted_schema=OFF, query_only, or file permissions; and
 * the limits that SQLite advises.
 *
 * An art table does its work by SQL of its own on shadow tables, so a ban may meet that SQL in the middle of a
 * statement or of a commit. Each test forbids one thing and then sees that the error says which, that the old state is
 * whole, that nothing acknowledged is lost (a second connection looks), and that the connection works on once the ban
 * is lifted. Where SQLite itself answers, the answer is that of an ordinary table.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/apart.h"
#include "tests/support/sql_one.h"

static void set_up(void) {
    sql_set_up_for_others();
    run("PRAGMA journal_mode=WAL");
    sql_create(db, "t", "");
    run("INSERT INTO t(path, value) VALUES('a', 1), ('b', 2), ('c', 3)");
}

/* What is committed, as a connection sees it that knows nothing yet. */
static void others_see(const char *expected, const char *query) {
    sqlite3 *other = sql_open(path);
    sql_expect(other, expected, query);
    sql_expect(other, "ok\n", "PRAGMA integrity_check");
    sql_close(other);
}

/* --- authorizers -------------------------------------------------------------------------------------------------- */

static void allow_all(void) {
    sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
}

TEST(test_reading_a_table_may_be_denied) {
    sql_forbid(db, SQLITE_DENY, SQLITE_READ, "t", NULL);
    refuses(SQLITE_AUTH, "access to t.path is prohibited", "SELECT path FROM t");
    refuses(SQLITE_AUTH, "t.value is prohibited", "SELECT value FROM t");
    refuses(SQLITE_AUTH, "t.path is prohibited", "SELECT 1 FROM t WHERE path GLOB 'a*'");
    refuses(SQLITE_AUTH, "is prohibited", "UPDATE t SET value = 2 WHERE path = 'a'");
    refuses(SQLITE_AUTH, "is prohibited", "CREATE TABLE copied AS SELECT * FROM t");
    run("INSERT INTO t(path, value) VALUES('d', 4); DELETE FROM t; INSERT INTO t(path, value) VALUES('e', 5)");
    allow_all();
    expect("e|5\n", "SELECT path, value FROM t");
    others_see("e|5\n", "SELECT path, value FROM t");
}

TEST(test_a_hidden_column_reads_as_null) {
    sql_forbid(db, SQLITE_IGNORE, SQLITE_READ, "t", "value");
    expect("a||null\nb||null\nc||null\n", "SELECT path, value, typeof(value) FROM t");
    expect("0\n", "SELECT count(*) FROM t WHERE value = 2");
    run("UPDATE t SET path = 'moved/' || path WHERE path = 'b'");
    allow_all();
    expect("a|1\nc|3\nmoved/b|2\n", "SELECT path, value FROM t");
}

/* A ban on a table's shadow tables meets its own work. What is refused must be undone; what is not must be there. */
static void try_under(int answer, int action, const char *name, const char *statement, bool changes) {
    static const char content[] = "SELECT path, value FROM t";
    char *before = kept(sql_rows(db, "%s", content));
    sql_forbid(db, answer, action, name, NULL);
    int rc = sql_try(db, "%s", statement);
    char *message = TEXT("%s", sqlite3_errmsg(db));
    if (rc && !sqlite3_get_autocommit(db)) sql_try(db, "ROLLBACK");
    allow_all();
    char *after = kept(sql_rows(db, "%s", content));
    bool as_before = !strcmp(before, after);
    ck_assert_msg(!rc || as_before, "%s: failed (\"%s\") and left\n%sinstead of\n%s", statement, message, after,
                  before);
    ck_assert_msg(rc || !changes || !as_before, "%s: says that all is well, and has done nothing", statement);
    others_see(after, content);
    run("BEGIN; INSERT OR REPLACE INTO t(path, value) VALUES('again', random()); COMMIT");
    command("flush");
    others_see(kept(sql_rows(db, "%s", content)), content);
}

TEXTS(
    writers, "INSERT INTO t(path, value) VALUES('x' || random(), 1)", "UPDATE t SET value = value || 'u'",
    "DELETE FROM t WHERE path = (SELECT min(path) FROM t)",
    "BEGIN; INSERT INTO t(path, value) VALUES('y' || random(), 1); UPDATE t SET value = 3; COMMIT",
    "BEGIN; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; INSERT INTO t(path) VALUES('z' || random()); RELEASE s; COMMIT",
    "BEGIN; INSERT INTO t(path, value) VALUES('f' || random(), zeroblob(1100000)); COMMIT",
    "INSERT INTO t(path, value) VALUES('g' || random(), zeroblob(1100000))");

static const struct {
    int action;
    const char *name;
} own_work[] = {{SQLITE_INSERT, "t_artdata"},      {SQLITE_DELETE, "t_artdata"}, {SQLITE_INSERT, "t_artstate"},
                {SQLITE_READ, "t_artdata"},        {SQLITE_READ, "t_artstate"},  {SQLITE_DELETE, "art_txn"},
                {SQLITE_CREATE_VTABLE, "art_txn"}, {SQLITE_PRAGMA, NULL},        {SQLITE_PRAGMA, "journal_mode"},
                {SQLITE_INSERT, "t_artblob"},      {SQLITE_DELETE, "t_artblob"}, {SQLITE_READ, "t_artblob"}};

static void forbid_own_work(int answer) {
    for (size_t i = 0; i < LENGTH(own_work); i++) {
        int action = own_work[i].action;
        const char *name = own_work[i].name;
        for (size_t j = 0; j < LENGTH(writers); j++) try_under(answer, action, name, writers[j], true);
        EACH(command, "flush", "vacuum", "clean", "integrity-check", "cache=8MB") {
            try_under(answer, action, name, TEXT("INSERT INTO t(t) VALUES('%s')", command), false);
        }
        try_under(answer, action, name,
                  "BEGIN; INSERT INTO t(path) VALUES('o' || random()); INSERT INTO t(t) VALUES('optimize'); COMMIT",
                  true);
    }
}

TEST(test_a_denied_part_of_a_write_fails_it_and_loses_nothing) {
    forbid_own_work(SQLITE_DENY);
}

/* To "ignore" is to do nothing and to say nothing: a write of the log that did not happen must not be believed. */
TEST(test_an_ignored_part_of_a_write_fails_it_and_loses_nothing) {
    forbid_own_work(SQLITE_IGNORE);
}

/* What a reader may stand on is a list in t_state: who may not see it writes no blobs. */
TEST(test_a_hidden_list_of_retired_slots_is_not_taken_for_an_empty_one) {
    command("flush");
    run("INSERT INTO t(path) VALUES('more')");
    command("optimize");
    sql_forbid(db, SQLITE_IGNORE, SQLITE_READ, "t_artstate", NULL);
    ck_assert_int_ne(sql_try(db, "INSERT INTO t(path, value) VALUES('lone', zeroblob(4200000))"), SQLITE_OK);
    allow_all();
    expect("0|ok\n", "SELECT count(*), art_check('t') FROM t WHERE path = 'lone'");
    run("INSERT INTO t(path, value) VALUES('lone', zeroblob(4200000))");
}

/* Another connection has written, so the log must be read: all of it, or an error. */
TEST(test_a_log_that_may_not_be_read_is_an_error_and_never_old_rows) {
    TEXTS(names, "t_artdata", "t_artstate");
    static const int answers[] = {SQLITE_DENY, SQLITE_IGNORE};
    int64_t rows = sql_int(db, "SELECT count(*) FROM t"), denied = 0;
    sqlite3 *other = sql_open(path), *fresh;
    for (int i = 0; i < 8; i++) {
        sql_run(other, "INSERT INTO t(path) VALUES('other/%d')", i);
        if (i >= 4) sql_command(other, "main", "t", "flush");
        rows++;
        fresh = sql_open(path);
        sqlite3 *readers[] = {db, fresh};
        for (int j = 0; j < 2; j++) {
            sql_forbid(readers[j], answers[i / 2 % 2], SQLITE_READ, names[i % 2], NULL);
            int rc = sql_try(readers[j], "SELECT count(*) FROM t");
            if (!rc) ck_assert_int_eq(sql_int(readers[j], "SELECT count(*) FROM t"), rows);
            denied += rc != SQLITE_OK;
            sqlite3_set_authorizer(readers[j], NULL, NULL);
            ck_assert_int_eq(sql_int(readers[j], "SELECT count(*) FROM t"), rows);
        }
        sql_close(fresh);
    }
    sql_close(other);
    ck_assert_int_ge(denied, 8);
}

/* Nothing keeps a user from that without DEFENSIVE. */
TEST(test_a_trigger_that_swallows_the_log_fails_the_commit) {
    run("CREATE TRIGGER swallow BEFORE INSERT ON t_artdata BEGIN SELECT RAISE(IGNORE); END");
    refuses(SQLITE_AUTH, "t_artdata", "INSERT INTO t(path) VALUES('x')");
    expect("a\nb\nc\n", "SELECT path FROM t");
    run("DROP TRIGGER swallow; CREATE TRIGGER again AFTER INSERT ON t_artdata BEGIN INSERT INTO t(path) "
        "VALUES('again'); END");
    refuses(SQLITE_CORRUPT_VTAB, "the shadow tables of main.t", "INSERT INTO t(path) VALUES('x')");
    run("DROP TRIGGER again; INSERT INTO t(path) VALUES('d')");
    others_see("a\nb\nc\nd\n", "SELECT path FROM t");
}

/* Forbidding from the n-th question on, or only then, finds the moments that no list would name. */
struct late_ban {
    int left, answer;
    bool once, given;
};

static int forbid_late(void *context, int action, const char *a, const char *b, const char *schema, const char *by) {
    struct late_ban *ban = context;
    if (ban->left-- > 0 || (ban->once && ban->given)) return SQLITE_OK;
    ban->given = true;
    return ban->answer;
}

TEXTS(schema_changes, "CREATE VIRTUAL TABLE u USING art", "DROP TABLE t", "ALTER TABLE t RENAME TO u",
      "BEGIN; INSERT INTO t(path) VALUES('n'); DROP TABLE t; COMMIT",
      "BEGIN; CREATE VIRTUAL TABLE u USING art; INSERT INTO u(path) VALUES(1);"
      "INSERT INTO t(path) VALUES('m'); COMMIT",
      "INSERT INTO t(t) VALUES('add column owner TEXT')",
      "BEGIN; INSERT INTO t(path) VALUES('n'); INSERT INTO t(t) VALUES('add column "
      "owner TEXT'); INSERT INTO t(path, owner) VALUES('o', 1); COMMIT");

TEST(test_schema_changes_that_are_denied_halfway_leave_everything) {
    static const char content[] = "SELECT path, value FROM t";
    const char *tables = sql_inline() ? "t\nt_artblob\nt_artdata\nt_artstate\n" : "t\nt_artdata\nt_artstate\n";
    command("flush");
    for (size_t i = 0; i < LENGTH(schema_changes); i++) {
        int rc = SQLITE_AUTH;
        for (int questions = 0; rc; questions++) {
            struct late_ban ban = {.left = questions, .answer = SQLITE_DENY};
            sqlite3_set_authorizer(db, forbid_late, &ban);
            rc = sql_try(db, "%s", schema_changes[i]);
            char *message = TEXT("%s", sqlite3_errmsg(db));
            allow_all();
            if (!rc) break;
            if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
            expect("a|1\nb|2\nc|3\n", content);
            expect("path\nvalue\n", "SELECT name FROM pragma_table_info('t')");
            expect(tables, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1");
            ck_assert_msg(questions < 2000, "%s: %s", schema_changes[i], message);
        }
        run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS u");
        expect("0\n", "SELECT count(*) FROM sqlite_master");
        sql_create(db, "t", "");
        run("INSERT INTO t(path, value) VALUES('a', 1), ('b', 2), ('c', 3)");
    }
    others_see("a|1\nb|2\nc|3\n", content);
}

/* --- what an authorizer that only looks on sees ------------------------------------------------------------------- */

static sqlite3_str *journal;

static int write_down(void *context, int action, const char *first, const char *second, const char *schema,
                      const char *inside) {
    const char *verb = action == SQLITE_READ     ? "read"
                       : action == SQLITE_INSERT ? "insert"
                       : action == SQLITE_UPDATE ? "update"
                       : action == SQLITE_DELETE ? "delete"
                                                 : NULL;
    if (verb && (!second || *second)) {
        sqlite3_str_appendf(journal, "%s %s%s%s; ", verb, first, second ? "." : "", second ? second : "");
    }
    return SQLITE_OK;
}

static void sees(const char *expected, const char *statement) {
    journal = sqlite3_str_new(NULL);
    sqlite3_str_appendall(journal, "");
    sqlite3_set_authorizer(db, write_down, NULL);
    run("%s", statement);
    allow_all();
    char *got = kept(sqlite3_str_finish(journal));
    ck_assert_msg(strstr(got, expected) == got, "%s\n  shows    %s\n  expected %s", statement, got, expected);
}

/* Questions come when a statement is prepared. A statement of the application names the art table; the module's own
 * name its shadow tables and temp.art_txn, and are prepared once, and again after each sqlite3_set_authorizer(). */
TEST(test_an_authorizer_sees_the_statement_first_and_then_the_shadow_tables) {
    sees("read t.path; read t.value; ", "SELECT path, value FROM t");
    sees("read t.value; read t.path; ", "SELECT value FROM t WHERE path = 'a'");
    sees("insert t; ", "INSERT INTO t(path) VALUES('d')");
    sees("update t.value; ", "UPDATE t SET value = 4 WHERE path = 'd'");
    sees("delete t; ", "DELETE FROM t WHERE path = 'd'");
    sees("insert t; ", "INSERT INTO t(t) VALUES('flush')");
    sees("insert t; delete art_txn; ",
         "BEGIN; INSERT INTO t(path) VALUES('f'); DELETE FROM t WHERE path = 'f'; COMMIT");

    journal = sqlite3_str_new(NULL);
    sqlite3_set_authorizer(db, write_down, NULL);
    for (int i = 0; i < 3; i++) run("INSERT INTO t(path) VALUES('e%d'); DELETE FROM t WHERE path = 'e%d'", i, i);
    allow_all();
    char *got = kept(sqlite3_str_finish(journal));
    const char *first = strstr(got, "insert t_artdata; ");
    ck_assert_msg(first != NULL && strstr(first + 1, "insert t_artdata; ") == NULL, "asked once for what is kept: %s",
                  got);
    ck_assert_msg(strstr(got, "art_txn") == NULL, "a statement that is a transaction by itself: %s", got);
}

/* --- a denial does not stick -------------------------------------------------------------------------------------- */

/* Whatever came of the statement, the next one does as if nothing had been denied. */
static void deny_once(const char *statement, int answer, int call, bool *more) {
    struct late_ban ban = {.left = call, .answer = answer, .once = true};
    sqlite3 *fresh = sql_open(path);
    sqlite3_set_authorizer(fresh, forbid_late, &ban);
    (void)sql_try(fresh, "%s", statement);
    sqlite3_set_authorizer(fresh, NULL, NULL);
    if (!sqlite3_get_autocommit(fresh)) sql_run(fresh, "ROLLBACK");
    *more = ban.given;
    sql_run(fresh, "INSERT OR REPLACE INTO t(path, value, size) VALUES('a', 'after', 7)");
    sql_expect(fresh, "after|7\n", "SELECT value, size FROM t WHERE path = 'a'");
    sql_expect(fresh, "3\n", "SELECT art_count('t', '')");
    sql_run(fresh, "BEGIN; UPDATE t SET size = 1 WHERE path = 'a'; COMMIT");
    sql_close(fresh);
}

TEST(test_one_denial_does_not_stick) {
    static const char *const statements[4] = {"SELECT value, size FROM t WHERE path = 'a'", "SELECT art_count('t', '')",
                                              "INSERT OR REPLACE INTO t(path, value, size) VALUES('a', 1, 1)",
                                              "BEGIN; UPDATE t SET value = 5; COMMIT"};
    static const int answers[] = {SQLITE_DENY, SQLITE_IGNORE};
    run("INSERT INTO t(t) VALUES('add column size INTEGER'), ('summary=(sum(size))')");
    run("INSERT OR REPLACE INTO t(path, value, size) VALUES('a', 1, 1), ('b', 2, 2), ('c', 3, 7)");
    for (int i = 0; i < 8; i++) {
        if (i == 4) run("INSERT INTO t(t) VALUES('log_limit=1')"); /* each commit flushes from here on */
        for (int answer = 0; answer < 2; answer++) {
            bool more = true;
            int call = 0;
            for (; more; call++) deny_once(statements[i % 4], answers[answer], call, &more);
            ck_assert_int_gt(call, 10);
        }
    }
}

/* --- SQLITE_DBCONFIG_DEFENSIVE ------------------------------------------------------------------------------------ */

static void protected_and_working(const char *schema) {
    static const char *const refused[][2] = {
        {"may not be modified", "INSERT INTO @_artdata(csn, ops) VALUES(9, x'00')"},
        {"may not be modified", "UPDATE @_artdata SET ops = x''"},
        {"may not be modified", "DELETE FROM @_artdata"},
        {"may not be modified", "REPLACE INTO @_artstate(k, v) VALUES('id', 1)"},
        {"may not be modified", "DELETE FROM @_artstate WHERE k = 'id'"},
        {"may not be dropped", "DROP TABLE @_artdata"},
        {"may not be dropped", "DROP TABLE @_artstate"},
        {"may not be altered", "ALTER TABLE @_artstate RENAME TO mine"},
        {"may not be altered", "ALTER TABLE @_artstate ADD COLUMN more"}};
    char *name = TEXT("%s.d", schema);
    sql_create(db, name, "log_limit='2KB'");
    for (size_t i = 0; i < LENGTH(refused); i++) {
        char *statement = kept(sql_named(refused[i][1], name));
        refuses(0, refused[i][0], statement);
    }
    run("CREATE INDEX %s_more ON d_artdata(ops)", name); /* SQLite lets that pass: it must do no harm */
    run("INSERT INTO %s(path, value) SELECT 'k' || value, randomblob(100) FROM numbers", name);
    run("BEGIN; UPDATE %s SET path = 'moved/' || path; SAVEPOINT s; DELETE FROM %s; ROLLBACK TO s; COMMIT", name, name);
    sql_command(db, schema, "d", "flush");
    run("DELETE FROM %s WHERE path GLOB 'moved/k1*'", name);
    sql_command(db, schema, "d", "optimize");
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM %s", name), 100 - 12);
    run("INSERT INTO %s(d) VALUES('add column owner TEXT')", name);
    run("UPDATE %s SET owner = path; ALTER TABLE %s RENAME TO e", name, name);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM %s.e", schema), 100 - 12);
    run("BEGIN; DROP TABLE %s.e; ROLLBACK; DROP TABLE %s.e", schema, schema);
}

TEST(test_defensive_mode_protects_the_shadow_tables_and_hinders_nothing) {
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    run("CREATE TEMP TABLE numbers AS WITH n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 100) SELECT "
        "value FROM n");
    run("ATTACH '%q' AS second", TEXT("%s/second.db", directory));
    run("ATTACH ':memory:' AS third");
    protected_and_working("main");
    protected_and_working("temp");
    protected_and_working("second");
    protected_and_working("third");
    expect("a|1\nb|2\nc|3\n", "SELECT path, value FROM t");
    /* A table with such a name that belongs to nobody is an ordinary one. */
    run("CREATE TABLE nobodys_log(x); INSERT INTO nobodys_log VALUES(1); DROP TABLE nobodys_log");
}

/* --- trusted_schema ----------------------------------------------------------------------------------------------- */

TEST(test_views_and_triggers_over_art_tables_work_in_an_untrusted_schema) {
    run("CREATE VIEW seen AS SELECT path, value * 2 AS double FROM t WHERE path GLOB '[ab]*'");
    run("CREATE VIEW level AS SELECT path, entries FROM t('', '/')");
    run("CREATE TABLE ordinary(path TEXT PRIMARY KEY, value)");
    run("CREATE TRIGGER written AFTER INSERT ON ordinary BEGIN "
        "INSERT OR REPLACE INTO t(path, value) VALUES('from/' || new.path, (SELECT count(*) FROM t)); "
        "UPDATE t SET value = value + 1 WHERE path = 'a'; DELETE FROM t WHERE path = 'c'; END");
    run("CREATE TRIGGER through INSTEAD OF INSERT ON seen BEGIN "
        "INSERT INTO t(path, value) VALUES(new.path, new.double / 2); END; PRAGMA trusted_schema=OFF");
    expect("a|2\nb|4\n", "SELECT * FROM seen");
    expect("3\n", "SELECT count(*) FROM level");
    run("INSERT INTO ordinary VALUES('x', 0), ('y', 0); INSERT INTO seen VALUES('b2', 10)");
    expect("a|3\nb|2\nb2|5\nfrom/x|3\nfrom/y|3\n", "SELECT path, value FROM t");
    expect("0\n", "PRAGMA trusted_schema");
}

/* A schema that came from a stranger may ask for the version, and for nothing that reaches past its own tables. */
TEST(test_an_untrusted_schema_calls_only_the_innocent_functions) {
    run("CREATE VIEW versions AS SELECT art_version() AS v; CREATE VIEW inside AS SELECT * FROM art_info('t')");
    run("CREATE TEMP VIEW mine AS SELECT * FROM art_info('t'); PRAGMA trusted_schema=OFF");
    ck_assert_int_eq(sql_int(db, "SELECT length(v) > 0 FROM versions"), 1);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) > 0 FROM art_info('t')"), 1);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) > 0 FROM mine"), 1);
    int rc = sql_try(db, "SELECT * FROM inside");
    ck_assert_msg(rc == SQLITE_OK || strstr(sqlite3_errmsg(db), "unsafe use"), "%s", sqlite3_errmsg(db));
}

/* The listener of transactions is nobody's table: a trigger of a stranger must not drive it. */
TEST(test_a_stranger_cannot_write_into_the_listener) {
    run("PRAGMA trusted_schema=OFF");
    run("CREATE TEMP TABLE o(x); CREATE TEMP TRIGGER g AFTER INSERT ON o BEGIN DELETE FROM art_txn; END");
    sql_try(db, "INSERT INTO o VALUES(1)");
    sql_try(db, "BEGIN; INSERT INTO t(path) VALUES('d'); DELETE FROM temp.art_txn; INSERT INTO temp.art_txn VALUES(1)");
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    expect("a|1\nb|2\nc|3\n", "SELECT path, value FROM t");
    run("INSERT INTO t(path, value) VALUES('d', 4)");
    others_see("a|1\nb|2\nc|3\nd|4\n", "SELECT path, value FROM t");
}

/* --- query_only --------------------------------------------------------------------------------------------------- */

TEST(test_query_only_refuses_every_way_of_writing) {
    run("PRAGMA query_only=ON");
    EACH(write, "INSERT INTO t(path) VALUES('x')", "UPDATE t SET value = 9", "DELETE FROM t",
         "INSERT OR IGNORE INTO t(path) VALUES('a')", "DROP TABLE t", "ALTER TABLE t RENAME TO u") {
        refuses(SQLITE_READONLY, "readonly", write);
    }
    {
        refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('flush')");
        refuses(SQLITE_READONLY, "readonly", "CREATE VIRTUAL TABLE u USING art");
        refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('add column owner TEXT')");
        refuses(SQLITE_READONLY, "readonly", "INSERT INTO t(t) VALUES('cache=8MB')");
    }
    expect("b|2\nc|3\n", "SELECT path, value FROM t WHERE path > 'a'");
    sqlite3 *other = sql_open(path);
    sql_run(other, "INSERT INTO t(path, value) VALUES('d', 4)");
    sql_command(other, "main", "t", "flush");
    sql_close(other);
    expect("d|4\n", "SELECT path, value FROM t WHERE path > 'c'");
    run("PRAGMA query_only=OFF; INSERT INTO t(path, value) VALUES('e', 5)");
    others_see("d|4\ne|5\n", "SELECT path, value FROM t WHERE path > 'c'");
}

/* An ordinary table has written its pages by then. The log of an art table is written by the COMMIT itself. */
static void end_under_query_only(const char *begin, const char *end) {
    run("%s; INSERT INTO t(path, value) VALUES('new', 4); DELETE FROM t WHERE path = 'a'", begin);
    run("CREATE TABLE IF NOT EXISTS beside(x); INSERT INTO beside VALUES(1); PRAGMA query_only=ON");
    expect("b\nc\nnew\n", "SELECT path FROM t");
    refuses(SQLITE_READONLY, "", end);
    run("PRAGMA query_only=OFF");
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    expect("a\nb\nc\n", "SELECT path FROM t");
    expect("0\n", "SELECT count(*) FROM sqlite_master WHERE name = 'beside'");
    others_see("a\nb\nc\n", "SELECT path FROM t");
}

TEST(test_a_commit_under_query_only_fails_and_leaves_the_old_state) {
    end_under_query_only("BEGIN", "COMMIT");
    end_under_query_only("SAVEPOINT s", "RELEASE s");
    command("flush");
    end_under_query_only(
        "BEGIN; INSERT INTO t(path, value) VALUES('zz', zeroblob(4200000)); DELETE FROM t WHERE path = "
        "'zz'; INSERT INTO t(t) VALUES('flush')",
        "COMMIT");
    run("BEGIN; DELETE FROM t; PRAGMA query_only=ON; ROLLBACK; PRAGMA query_only=OFF");
    run("INSERT INTO t(path) VALUES('d')");
    others_see("a\nb\nc\nd\n", "SELECT path FROM t");
}

/* --- permissions -------------------------------------------------------------------------------------------------- */

/* Runs in a child that has given up root's rights, since root may write anywhere. 0: well; 77: it cannot be tried here;
 * anything else is the test's own. The extension is loaded while it can still be reached. */
static int as_nobody(int (*what)(sqlite3 *own)) {
    pid_t child = apart_begin();
    if (child == 0) {
        sqlite3 *own = sql_open(":memory:");
        if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) _exit(77);
        int fd = open(path, O_RDONLY);
        if (fd < 0) _exit(77); /* a folder above is closed to others */
        close(fd);
        int verdict = what(own);
        fflush(stdout);
        if (verdict == 0) sql_close(own);
        _exit(verdict);
    }
    return apart_end(child);
}

static int attach(sqlite3 *own, const char *options) {
    return sql_try(own, "ATTACH 'file:%s%s' AS shut", path, options);
}

static int only_reads(sqlite3 *own) {
    if (attach(own, "")) return 77;
    if (sql_int(own, "SELECT count(*) FROM shut.t WHERE path < 'k2'") != 112) return 1;
    if ((sql_try(own, "INSERT INTO shut.t(path) VALUES('x')") & 0xff) != SQLITE_READONLY) return 2;
    if ((sql_try(own, "UPDATE shut.t SET path = 'x' || path") & 0xff) != SQLITE_READONLY) return 3;
    if ((sql_try(own, "DROP TABLE shut.t") & 0xff) != SQLITE_READONLY) return 4;
    if ((sql_try(own, "INSERT INTO shut.t(t) VALUES('optimize')") & 0xff) != SQLITE_READONLY) return 5;
    if (sql_int(own, "SELECT count(*) FROM shut.t WHERE path GLOB 'k*'") != 1000) return 6;
    return 0;
}

/* In the log, and in a file. A rollback journal, as a WAL database can't be opened where its -shm can't be made. */
static void make_rows(void) {
    run("PRAGMA journal_mode=DELETE; DELETE FROM t");
    run("INSERT INTO t(path, value) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000) "
        "SELECT 'k' || i, randomblob(100) FROM n WHERE i <= 990");
    command("flush");
    fill_rows("INTO t(path, value)", 991, 10, "'k' || i, randomblob(100)");
    sql_close(db);
    db = NULL;
}

/* Modes of the folder and of all files in it; the owner becomes nobody where that can be. */
static void set_modes(mode_t folder, mode_t database, mode_t blobs) {
    char *file = kept(sql_find_file(directory, ".art"));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(directory, 65534, 65534), 0);
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        if (file) ck_assert_int_eq(chown(file, 65534, 65534), 0);
    }
    ck_assert_int_eq(chmod(path, database), 0);
    if (file) ck_assert_int_eq(chmod(file, blobs), 0);
    ck_assert_int_eq(chmod(directory, folder), 0);
}

static void check_verdict(int verdict, const char *what) {
    set_modes(0755, 0644, 0644);
    db = sql_open(path);
    if (verdict == 77) {
        printf("skipped: %s: %s cannot be reached by another user\n", what, path);
    } else {
        ck_assert_msg(verdict == 0, "%s: check %d failed", what, verdict);
    }
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM t WHERE path GLOB 'k*'"), 1000);
    run("INSERT INTO t(path) VALUES('writable again')");
    expect("ok\n", "PRAGMA integrity_check");
}

TEST(test_a_read_only_file_is_read_and_not_written) {
    make_rows();
    set_modes(0755, 0444, 0444);
    check_verdict(as_nobody(only_reads), "read-only files");
}

TEST(test_a_read_only_folder_is_read_and_not_written) {
    make_rows();
    set_modes(0555, 0444, 0444);
    check_verdict(as_nobody(only_reads), "a read-only folder");
}

/* Commits go to the log; a flush says what is in its way. */
static int writes_the_log_alone(sqlite3 *own) {
    if (sql_try(own, "INSERT INTO shut.t(path, value) VALUES('x', 1)")) return 1;
    if (sql_int(own, "SELECT count(*) FROM shut.t") != 1001) return 2;
    if (!sql_try(own, "INSERT INTO shut.t(t) VALUES('flush')")) return 3;
    if (!strstr(sqlite3_errmsg(own), ".art")) return printf("says only: %s\n", sqlite3_errmsg(own)), 4;
    if (sql_int(own, "SELECT count(*) FROM shut.t") != 1001) return 5;
    return sql_try(own, "DELETE FROM shut.t WHERE path = 'x'") ? 6 : 0;
}

static int only_the_log(sqlite3 *own) {
    return attach(own, "") ? 77 : writes_the_log_alone(own);
}

TEST(test_a_read_only_art_file_fails_the_flush_and_not_the_commit) {
    if (sql_has_no_file("test_a_read_only_art_file_fails_the_flush_and_not_the_commit")) return;
    make_rows();
    set_modes(0755, 0644, 0444);
    check_verdict(as_nobody(only_the_log), "a read-only .art file");
}

/* A folder in which no file can be made: the table's first flush has nowhere to go. */
static int no_place_for_a_file(sqlite3 *own) {
    bool reached = !attach(own, "") && !sql_try(own, "PRAGMA shut.journal_mode=MEMORY");
    return reached ? writes_the_log_alone(own) : 77;
}

TEST(test_a_folder_that_takes_no_file_fails_the_flush_and_not_the_commit) {
    if (sql_has_no_file("test_a_folder_that_takes_no_file_fails_the_flush_and_not_the_commit")) return;
    run("PRAGMA journal_mode=DELETE; DELETE FROM t");
    fill_rows("INTO t(path)", 1, 1000, "'k' || i");
    sql_close(db);
    set_modes(0555, 0644, 0644);
    check_verdict(as_nobody(no_place_for_a_file), "a folder that takes no file");
}

/* The limits that SQLite advises for databases of strangers (https://sqlite.org/security.html): no statement of art's
 * own is deeper, longer or wider, and whatever art can do works under them. And an error of a statement of art's own is
 * no damage.
 */

static const struct {
    int limit, value;
} advised[] = {
    {SQLITE_LIMIT_LENGTH, 1000000},     {SQLITE_LIMIT_SQL_LENGTH, 100000}, {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 10},      {SQLITE_LIMIT_COMPOUND_SELECT, 3}, {SQLITE_LIMIT_VDBE_OP, 25000},
    {SQLITE_LIMIT_FUNCTION_ARG, 8},     {SQLITE_LIMIT_ATTACHED, 0},        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 10}, {SQLITE_LIMIT_TRIGGER_DEPTH, 10}};

static sqlite3 *open_limited(void) {
    sqlite3 *opened = sql_open(path);
    for (unsigned i = 0; i < LENGTH(advised); i++) sqlite3_limit(opened, advised[i].limit, advised[i].value);
    return opened;
}

static void set_up_limited(void) {
    sql_set_up_closed();
    db = open_limited();
    run("PRAGMA journal_mode = WAL");
}

static void reopen(void) {
    sql_close(db);
    db = open_limited();
}

static void fill(const char *size) {
    fill_rows("INTO t", 1, 3000, "printf('d%%d/f%%05d', i %% 30, i), printf('%%0200d', i)%s", size);
}

static void use_table(const char *options) {
    run("CREATE VIRTUAL TABLE t USING art(path TEXT PRIMARY KEY, value, size INTEGER, %s)", options);
    fill(", i");
    run("INSERT INTO t(t) VALUES('flush')");
    run("BEGIN; UPDATE t SET size = size + 1 WHERE path LIKE 'd7/%%'; SAVEPOINT s; DELETE FROM t WHERE path > 'd8'; "
        "ROLLBACK TO s; COMMIT");
    reopen();
    expect("3000\n", "SELECT count(*) FROM t");
    expect("30\n", "SELECT count(*) FROM t('', '/')");
    expect("100\n", "SELECT count(*) FROM t WHERE path GLOB 'd7/*'");
    expect(
        "0\n",
        "SELECT count(*) FROM t WHERE path GLOB 'a/beginning/of/more/than/fifty/bytes/for/which/there/are/bounds/*'");
    expect("2\n", "SELECT count(*) FROM t WHERE path IN ('d1/f00001', 'd2/f00002', 'd2/f00003')");
    expect("100|4501500\n", "SELECT art_count('t', 'd3/'), art_sum('t', 'size', '') - 100");
    expect("d3/f00003|3\n", "SELECT path, size FROM t WHERE path >= 'd3/' ORDER BY path LIMIT 1");
    expect("", "SELECT * FROM art_check('t')");
    expect("ok\n", "SELECT art_check('t')");
    expect("ok: 1 art table\n", "SELECT substr(art_verify(), 1, 15)");
    expect("1\n", "SELECT count(*) > 20 FROM art_debug('t')");
    run("CREATE VIRTUAL TABLE temp.rest USING art_salvage('t')");
    expect("3000\n", "SELECT count(*) FROM rest");
    expect("0\n", "SELECT count(*) FROM art_lost('t')");
    run("DROP TABLE rest");
    run("SELECT art_backup('%q-copy.db')", path);
    run("INSERT INTO t(t) VALUES('optimize'), ('vacuum'); INSERT INTO t(t) VALUES('clean')");
    run("INSERT INTO t(t) VALUES('add column note TEXT'); INSERT INTO t(t) VALUES('cache=1MB')");
    run("ALTER TABLE t RENAME TO other; INSERT INTO other(path, note) VALUES('x', 'y')");
    expect("ok: 1 art table\n", "SELECT substr(art_verify(), 1, 15)");
    run("DROP TABLE other");
    expect("0\n", "SELECT count(*) FROM sqlite_master");
}

CASE("limits", .seconds = SUITE_FOREVER, .set_up = set_up_limited, .tear_down = sql_tear_down)

TEST(test_all_works_under_the_advised_limits) {
    use_table("summary=(sum(size), lookup(value))");
}

TEST(test_so_it_does_with_the_blobs_inline) {
    use_table("storage=inline, summary=(sum(size), lookup(value))");
}

/* Under which art cannot work at all. */
TEST(test_a_limit_that_is_too_small_is_no_damage) {
    sql_create(db, "t", "");
    fill("");
    reopen();
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 2);
    refuses(SQLITE_TOOBIG, "sqlite3_limit()", "SELECT art_check('t')");
    refuses(SQLITE_TOOBIG, "sqlite3_limit()", "SELECT * FROM t");
    refuses(SQLITE_TOOBIG, "sqlite3_limit()", "SELECT art_verify()");
    refuses(SQLITE_TOOBIG, "sqlite3_limit()", "SELECT art_backup('copy.db')");
    reopen();
    expect("ok\n", "SELECT art_check('t')");
}

/* sql/limits.md says so. */
TEST(test_a_schema_that_is_not_trusted_and_an_authorizer_without_pragmas) {
    run("CREATE VIRTUAL TABLE u USING art(path, size INTEGER); CREATE TABLE seen(path); CREATE VIEW v AS SELECT path, "
        "size FROM u; CREATE VIEW level AS SELECT path, entries FROM u('', '/'); CREATE TRIGGER into_u AFTER INSERT ON "
        "seen BEGIN INSERT OR REPLACE INTO u VALUES(new.path, 5); END");
    reopen();
    run("PRAGMA trusted_schema = OFF; INSERT INTO seen VALUES('d/a'), ('d/b')");
    expect("2|d/|2\n", "SELECT (SELECT count(*) FROM v WHERE size = 5), path, entries FROM level");
    sql_forbid(db, SQLITE_DENY, SQLITE_PRAGMA, NULL, NULL);
    run("INSERT INTO u VALUES('d/c', 6); UPDATE u SET size = 7 WHERE path = 'd/a'; DELETE FROM u WHERE path = 'd/b'");
    expect("d/a|7\nd/c|6\n", "SELECT path, size FROM u");
    sql_forbid(db, SQLITE_OK, 0, NULL, NULL);
}

SUITE("sql_policy", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
