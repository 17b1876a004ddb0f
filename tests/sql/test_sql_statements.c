/* Statements that change an art table and what SQLite says about them: the same as for an ordinary table.
 *
 * Each test runs one text on an art table and on an ordinary WITHOUT ROWID table ('@' stands for the name) and compares
 * code, changes(), the state of the transaction and all rows. Where a virtual table cannot be like an ordinary one
 * (changes() after COMMIT, total_changes(), RETURNING, UPSERT), FTS5 is the measure, or the figures stand here.
 */
#include "tests/support/sql_one.h"

TEXTS(tables, "t", "theirs");
static const char all_rows[] = "SELECT path, quote(value) FROM @ ORDER BY path";

static void make_tables(const char *options) {
    sql_create(db, "t", options);
    run("CREATE TABLE theirs(path TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID");
}

static void set_up(void) {
    sql_set_up();
    twin = "theirs";
    run("PRAGMA journal_mode=WAL");
}

static void same_rows(void) {
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT path, value FROM t EXCEPT SELECT * FROM theirs)"), 0);
    ck_assert_int_eq(sql_int(db, "SELECT count(*) FROM (SELECT * FROM theirs EXCEPT SELECT path, value FROM t)"), 0);
}

/* Both tables answer alike, and hold the same rows afterwards. */
static void same(const char *statement) {
    char *ours = kept(sql_outcome(db, tables[0], statement, "SELECT count(*) FROM @"));
    char *theirs = kept(sql_outcome(db, tables[1], statement, "SELECT count(*) FROM @"));
    ck_assert_msg(!strcmp(ours, theirs), "%s\n  gave     %s\n  ordinary %s", statement, ours, theirs);
    same_rows();
}

/* --- conflict clauses --------------------------------------------------------------------------------------------- */

TEXTS(words, "", " OR ABORT", " OR FAIL", " OR IGNORE", " OR REPLACE", " OR ROLLBACK");

/* ~ is the conflict clause. */
TEXTS(conflicting, "INSERT~ INTO @(path, value) VALUES('b', 'again')",
      "INSERT~ INTO @(path, value) VALUES('n1', 1), ('b', 2), ('n2', 3), ('c', 4), ('n1', 5)",
      "INSERT~ INTO @(path, value) VALUES('n1', 1), (NULL, 2), ('n2', 3)", "INSERT~ INTO @(value) VALUES('no path')",
      "INSERT~ INTO @(path, value) SELECT path, value || '+' FROM @",
      "INSERT~ INTO @(path, value) SELECT 'b' || substr('cbd', value, 1), value FROM @",
      "INSERT~ INTO @(path, value) SELECT substr(path, 1, 1) || 'b', value FROM @ WHERE path > 'a'",
      "UPDATE~ @ SET path = 'c' WHERE path = 'b'", "UPDATE~ @ SET path = 'b'",
      "UPDATE~ @ SET path = 'b' WHERE path > 'b'", "UPDATE~ @ SET path = NULL WHERE path = 'b'",
      "UPDATE~ @ SET path = iif(path = 'c', NULL, path || 'x')",
      "UPDATE~ @ SET path = iif(path = 'c', 'a', path || 'x'), value = value * 10",
      "UPDATE~ @ SET path = char(unicode(path) + 1)", "UPDATE~ @ SET path = char(unicode(path) - 1)",
      "UPDATE~ @ SET path = char(unicode(path) + 1) WHERE path IN (SELECT path FROM @ ORDER BY path DESC)",
      "UPDATE~ @ SET path = n.p, value = n.v FROM (SELECT 'a' AS p, 7 AS v, 'b' AS o) AS n WHERE @.path = n.o",
      "REPLACE INTO @(path, value) VALUES('b', 1), ('b', 2), ('z', 3)", "INSERT INTO o@ SELECT 'b', 1",
      "INSERT~ INTO o@ VALUES('n3', 1), ('c', 2), ('n4', 3)");

/* For tables whose value must not be NULL. */
TEXTS(not_null, "INSERT~ INTO @(path, value) VALUES('n', NULL)", "INSERT~ INTO @(path) VALUES('n')",
      "INSERT~ INTO @(path, value) VALUES('n1', 1), ('n2', NULL), ('n3', 3)",
      "INSERT~ INTO @(path, value) VALUES('n1', 1), (NULL, NULL), ('b', NULL)",
      "INSERT~ INTO @(path, value) VALUES('n1', 1), ('b', NULL), ('b', 3), ('n2', 2)", "UPDATE~ @ SET value = NULL",
      "UPDATE~ @ SET value = iif(path = 'c', NULL, value + 1)",
      "UPDATE~ @ SET path = path || '+', value = iif(path = 'c', NULL, value)",
      "UPDATE~ @ SET path = 'd', value = NULL WHERE path = 'b'", "INSERT~ INTO o@ VALUES('n4', NULL)");

static char *with_word(const char *statement, const char *word) {
    const char *at = strchr(statement, '~');
    if (!at) return sqlite3_mprintf("%s", statement);
    return sqlite3_mprintf("%.*s%s%s", (int)(at - statement), statement, word, at + 1);
}

static void start_again(void) {
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    both("DELETE FROM @; INSERT INTO @(path, value) VALUES('a', 1), ('b', 2), ('c', 3), ('d', 4)");
    both("DELETE FROM o@");
}

/* In one transaction after another for the two tables: a ROLLBACK must not take the other's rows along. */
static char *outcome_within(const char *table, const char *before, const char *statement, const char *after) {
    run("%s", before);
    char *first = kept(sql_outcome(db, table, statement, all_rows));
    if (!sqlite3_get_autocommit(db)) run("%s", after);
    if (!sqlite3_get_autocommit(db)) run("ROLLBACK");
    return TEXT("%s, then\n%s", first, strchr(kept(sql_outcome(db, table, "SELECT 1", all_rows)), '\n') + 1);
}

static void try_list(const char *const *list, size_t count, const char *before, const char *after) {
    for (size_t i = 0; i < count; i++) {
        for (int w = 0; w < LENGTH(words); w++) {
            start_again();
            char *statement = kept(with_word(list[i], words[w])), *results[2];
            for (int t = 0; t < 2; t++) {
                results[t] = outcome_within(tables[t], named(before, t), statement, after);
            }
            ck_assert_msg(!strcmp(results[0], results[1]), "%s; %s; %s\n  gave     %s\n  ordinary %s", before,
                          statement, after, results[0], results[1]);
        }
    }
}

static void try_conflicts(const char *before, const char *after) {
    try_list(conflicting, LENGTH(conflicting), before, after);
}

static void make_triggers(void) {
    both("CREATE TABLE o@(path, value); CREATE TRIGGER w@ AFTER INSERT ON o@ BEGIN "
         "INSERT INTO @(path, value) VALUES(new.path, new.value); END");
}

static void make_conflicts(const char *options) {
    make_tables(options);
    make_triggers();
}

TEST(test_conflict_clauses_do_what_they_do_to_an_ordinary_table) {
    make_conflicts("");
    try_conflicts("SELECT 1", "SELECT 1");
}

TEST(test_conflict_clauses_within_a_transaction) {
    make_conflicts("");
    try_conflicts("BEGIN; UPDATE @ SET value = value + 10; INSERT INTO @(path) VALUES('in')", "COMMIT");
    try_conflicts("BEGIN; UPDATE @ SET value = value + 10; INSERT INTO @(path) VALUES('in')", "ROLLBACK");
}

TEST(test_conflict_clauses_within_savepoints) {
    make_conflicts("");
    try_conflicts("BEGIN; SAVEPOINT s; DELETE FROM @ WHERE path = 'd'; SAVEPOINT s",
                  "ROLLBACK TO s; RELEASE s; COMMIT");
    try_conflicts("SAVEPOINT s; UPDATE @ SET path = 'e' WHERE path = 'a'", "RELEASE s");
}

TEST(test_conflict_clauses_over_blobs_and_spilled_transactions) {
    make_conflicts("log_limit=0, spill_limit='1KB'");
    try_conflicts("SELECT 1", "SELECT 1");
    try_conflicts("BEGIN; UPDATE @ SET value = zeroblob(3000) WHERE path > 'b'; SAVEPOINT s", "RELEASE s; COMMIT");
}

TEST(test_conflict_clauses_for_a_column_that_must_not_be_null) {
    enum { COUNT = LENGTH(not_null) };
    sql_create(db, "t", "path, value INTEGER NOT NULL");
    run("CREATE TABLE theirs(path TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID");
    make_triggers();
    try_list(not_null, COUNT, "SELECT 1", "SELECT 1");
    try_list(not_null, COUNT, "BEGIN; UPDATE @ SET value = value + 10; INSERT INTO @ VALUES('in', 0)", "COMMIT");
    try_list(not_null, COUNT, "SAVEPOINT s; DELETE FROM @ WHERE path = 'd'; SAVEPOINT s", "ROLLBACK TO s; RELEASE s");
    try_conflicts("SELECT 1", "SELECT 1");
}

/* --- changing a table while it is read ---------------------------------------------------------------------------- */

enum { MANY = 1200 };

static void fill_many(void) {
    both("DELETE FROM @");
    fill_rows("INTO theirs", 0, MANY,
              "char(97 + i %% 5) || '/' || (i * 7919 %% 3001), iif(i %% 50, i, zeroblob(5000))");
    run("INSERT INTO t(path, value) SELECT path, value FROM theirs");
}

TEXTS(
    self_changing, "UPDATE @ SET path = 'old/' || path WHERE path GLOB 'a*'",
    "UPDATE @ SET path = path || '!' WHERE path GLOB 'b*'",           /* into the range that is being read */
    "UPDATE @ SET path = 'z' || path, value = path",                  /* all to the end of it */
    "UPDATE @ SET path = char(unicode(path) - 1) || substr(path, 2)", /* each to the place of another, just gone */
    "UPDATE OR REPLACE @ SET path = 'zz/' || (value % 100) WHERE typeof(value) = 'integer'",
    "UPDATE OR IGNORE @ SET path = 'a/' || (rtrim(path, '0123456789') > 'c')",
    "UPDATE @ SET value = (SELECT count(*) FROM @ AS x WHERE x.path < @.path AND x.path GLOB 'c/1*') WHERE path < 'b'",
    "INSERT INTO @(path, value) SELECT 'copy/' || path, value FROM @",
    "INSERT INTO @(path, value) SELECT path || '/', value FROM @", /* each right behind the row that is being read */
    "INSERT OR REPLACE INTO @(path, value) SELECT path, path FROM @ WHERE path > 'b' ORDER BY path DESC",
    "INSERT OR IGNORE INTO @(path, value) SELECT substr(path, 1, 4), value FROM @",
    "INSERT INTO @(path, value) SELECT x.path || y.path, 1 FROM @ x JOIN @ y ON y.path = 'a/' || substr(x.path, 3)",
    "DELETE FROM @ WHERE path IN (SELECT path || '!' FROM @) OR path IN (SELECT 'b' || substr(path, 2) FROM @)",
    "DELETE FROM @ WHERE path > (SELECT avg(path) || 'm' FROM @)",
    "UPDATE @ SET path = 'old/' || path WHERE path LIKE 'A/1%' OR path LIKE 'b/_2%'",
    "DELETE FROM @ WHERE path LIKE 'C%' ESCAPE '!' AND path IN (SELECT path FROM @ WHERE path LIKE 'c/1%')",
    "UPDATE @ SET path = y.path || 'y', value = y.value FROM @ y WHERE y.path = 'c' || substr(@.path, 2)");

static void change_while_reading(const char *begin, const char *end) {
    for (size_t i = 0; i < LENGTH(self_changing); i++) {
        fill_many();
        both("UPDATE @ SET value = 'in the log' WHERE path GLOB '?/2*'");
        run("%s", begin);
        same(self_changing[i]);
        same("UPDATE @ SET path = 'again/' || path WHERE path > 'c'");
        run("%s", end);
        same_rows();
    }
}

TEST(test_a_statement_may_change_the_table_that_it_reads) {
    make_tables("");
    change_while_reading("SELECT 1", "SELECT 1");
}

TEST(test_a_statement_within_a_transaction_may_change_the_table_that_it_reads) {
    make_tables("log_limit='8KB', spill_limit='16KB'");
    change_while_reading("BEGIN", "COMMIT");
    change_while_reading("BEGIN; SAVEPOINT s; DELETE FROM t; DELETE FROM theirs; ROLLBACK TO s", "ROLLBACK");
    expect("ok\n", "PRAGMA integrity_check");
}

/* By the hidden column, and on an ordinary table by what it means. */
TEST(test_rows_below_a_prefix_are_changed_as_by_a_pattern) {
    make_tables("log_limit='16KB'");
    EACH(change, "UPDATE @ SET path = 'moved/' || path WHERE %s",
         "UPDATE @ SET path = path || '/', value = path WHERE %s",
         "INSERT INTO @(path, value) SELECT 'copy/' || path, value FROM @ WHERE %s",
         "INSERT OR REPLACE INTO @(path, value) SELECT path || 'x', 1 FROM @ WHERE %s",
         "DELETE FROM @ WHERE %s AND value > 100") {
        fill_many();
        for (int t = 0; t < 2; t++) {
            run("%s", named(TEXT(change, t ? "path GLOB 'b/1*'" : "prefix = 'b/1'"), t));
            ck_assert_int_gt(sqlite3_changes(db), 10);
        }
        same_rows();
    }
    run("BEGIN; INSERT INTO t(path) SELECT path || 'sub' FROM t('a/', '/') WHERE entries IS NULL");
    ck_assert_int_eq(sqlite3_changes(db), (int)sql_int(db, "SELECT count(*) FROM theirs WHERE path GLOB 'a/*'"));
    run("ROLLBACK");
    same_rows();
}

/* For a virtual table SQLite computes all new values before the first write; for an ordinary one it looks again at each
 * row. That shows only where OR REPLACE moves a row to a path that the same statement is still to change: here, 'a' is
 * moved over 'b', and then 'b' to where the old 'b' was to go. */
TEST(test_update_or_replace_over_rows_still_to_come_computes_from_the_old_ones) {
    make_tables("");
    both("INSERT INTO @(path, value) VALUES('a', 'b'), ('b', 'c')");
    both("UPDATE OR REPLACE @ SET path = value");
    expect("b|b\n", "SELECT * FROM theirs");
    expect("c|b\n", "SELECT * FROM t");
    /* as it is, the statement that fails without REPLACE */
    both("DELETE FROM @; INSERT INTO @(path, value) VALUES('a', 'b'), ('b', 'c')");
    same("UPDATE @ SET path = value");
    same("UPDATE OR IGNORE @ SET path = value");
}

/* SQLite opens no savepoint for UPDATE ... FROM on a virtual table within a transaction: README says what to do. */
TEST(test_an_update_from_that_is_refused_within_a_transaction_wants_a_savepoint_or_a_subquery) {
    static const char from[] = "UPDATE t SET n = s.b FROM side AS s WHERE s.a = t.path";
    static const char subquery[] = "UPDATE t SET n = (SELECT b FROM side WHERE a = t.path)";
    sql_create(db, "t", "path, n INTEGER NOT NULL");
    run("INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3); CREATE TABLE side(a, b);"
        "INSERT INTO side VALUES('a', 10), ('b', NULL), ('c', 30)");
    ck_assert_int_eq(sql_try(db, from), SQLITE_CONSTRAINT_NOTNULL);
    ck_assert_int_eq(sql_int(db, "SELECT sum(n) FROM t"), 6); /* outside of one all goes back */
    run("BEGIN");
    ck_assert_int_eq(sql_try(db, subquery), SQLITE_CONSTRAINT_NOTNULL);
    ck_assert_int_eq(sql_int(db, "SELECT sum(n) FROM t"), 6);
    run("SAVEPOINT s");
    ck_assert_int_eq(sql_try(db, from), SQLITE_CONSTRAINT_NOTNULL);
    ck_assert_int_eq(sql_int(db, "SELECT sum(n) FROM t"), 15);
    run("ROLLBACK TO s; COMMIT");
    ck_assert_int_eq(sql_int(db, "SELECT sum(n) FROM t"), 6);
}

/* --- savepoints --------------------------------------------------------------------------------------------------- */

TEST(test_savepoints_with_the_same_name_twice_are_two) {
    make_tables("");
    both("INSERT INTO @(path) VALUES('0')");
    char *found[2];
    for (int outer = 0; outer < 2; outer++) {
        for (int t = 0; t < 2; t++) {
            sqlite3_str *story = sqlite3_str_new(NULL);
            if (outer) run("BEGIN IMMEDIATE");
            EACH(step, "SAVEPOINT s", "INSERT INTO @(path) VALUES('1')", "SAVEPOINT s",
                 "INSERT INTO @(path) VALUES('2')", "SAVEPOINT s", "DELETE FROM @",
                 "ROLLBACK TO s", /* the innermost, which stays */
                 "INSERT INTO @(path) VALUES('3')", "ROLLBACK TO S", "RELEASE s", "INSERT INTO @(path) VALUES('4')",
                 "ROLLBACK TO s", /* the second */
                 "INSERT INTO @(path) VALUES('5')", "SAVEPOINT t", "SAVEPOINT s", "UPDATE @ SET path = path || '.'",
                 "RELEASE t", "ROLLBACK TO t", /* is not there any more */
                 "INSERT INTO @(path) VALUES('5')", "ROLLBACK TO s", "RELEASE s", "INSERT INTO @(path) VALUES('6')",
                 "ROLLBACK TO s", /* the first */
                 "INSERT INTO @(path) VALUES('7')", "RELEASE s", "RELEASE s") {
                sqlite3_str_appendf(story, "%s: %s", step, kept(sql_outcome(db, tables[t], step, all_rows)));
            }
            if (outer) run("COMMIT");
            found[t] = kept(sqlite3_str_finish(story));
        }
        /* changes() after the outermost RELEASE is another matter, below */
        char *ends[2] = {strstr(found[0], "RELEASE s: code 1"), strstr(found[1], "RELEASE s: code 1")};
        if (!outer) ck_assert(ends[0] && ends[1]);
        ck_assert_msg(!strcmp(found[0], found[1]), "gave\n%s\nordinary\n%s", found[0], found[1]);
        both("DELETE FROM @ WHERE path > '0'");
    }
    same_rows();
}

/* --- the first statement of a transaction ------------------------------------------------------------------------- */

static int times_asked;

static int ask_thrice(void *unused, int times) {
    times_asked++;
    return times < 3;
}

/* In a connection that has not met the table yet. Were anything read when the statement is prepared, the transaction
 * would stand in that snapshot, and SQLite would call the lock a deadlock instead of waiting for it. */
static void write_first(const char *statement, const char *schema) {
    char *text = kept(sql_named(statement, schema)), *elsewhere = TEXT("%s/elsewhere.db", directory);
    sqlite3 *fresh = sql_open(path);
    sql_run(fresh, "ATTACH %Q AS elsewhere; BEGIN", elsewhere);
    sqlite3_stmt *prepared = sql_prepare(fresh, "%s", text);
    bool holds = sqlite3_txn_state(fresh, "main") || sqlite3_txn_state(fresh, "elsewhere"); /* in temp it may */
    ck_assert_msg(!holds, "%s holds a lock when it is prepared", text);
    sqlite3_finalize(prepared);
    sqlite3_busy_handler(fresh, ask_thrice, NULL);
    times_asked = 0;
    ck_assert_int_eq(sql_try(fresh, "%s", text) & 0xff, SQLITE_BUSY);
    ck_assert_msg(times_asked > 1, "%s does not wait for the lock", text);
    sql_run(fresh, "ROLLBACK");
    sql_close(fresh);
}

TEST(test_the_first_write_of_a_transaction_waits_for_the_lock) {
    TEXTS(writes, "INSERT INTO @.t(path) VALUES('b')", "UPDATE @.t SET size = 2", "DELETE FROM @.t",
          "INSERT OR REPLACE INTO @.t SELECT * FROM @.t", "INSERT INTO @.t(t) VALUES('flush')",
          "INSERT INTO @.t(path, owner) VALUES('b', 1)");
    run("ATTACH '%q/elsewhere.db' AS elsewhere; PRAGMA elsewhere.journal_mode=WAL", directory);
    sql_create(db, "t", "path, size INTEGER");
    sql_create(db, "elsewhere.t", "path, size INTEGER");
    for (int round = 0; round < 2; round++) {
        run("BEGIN IMMEDIATE; INSERT OR REPLACE INTO t(path) VALUES('a'); DELETE FROM elsewhere.t");
        for (int i = 0; i < 5 + round; i++) {
            write_first(writes[i], "main");
            write_first(writes[i], "elsewhere");
        }
        run("COMMIT");
        if (round) break;
        run("INSERT INTO t(t) VALUES('add column owner TEXT')");
        run("INSERT INTO elsewhere.t(t) VALUES('add column owner TEXT')");
        run("PRAGMA journal_mode=DELETE; PRAGMA elsewhere.journal_mode=DELETE");
    }
}

/* --- changes(), total_changes(), last_insert_rowid() -------------------------------------------------------------- */

TEXTS(counted, "INSERT INTO @(path, value) VALUES('p', 1), ('q', 2), ('r', 3)",
      "UPDATE @ SET value = value + 1 WHERE path > 'p'", "UPDATE @ SET value = 1 WHERE path = 'nothing'",
      "DELETE FROM @ WHERE path = 'q'", "INSERT INTO @(path, value) SELECT path || '2', value FROM @",
      "SELECT * FROM @", "UPDATE @ SET path = path || '/', value = NULL", "DELETE FROM @ WHERE value IS NULL",
      "DELETE FROM @");

TEST(test_changes_counts_the_statements_rows_as_for_ordinary_and_fts5_tables) {
    make_tables("");
    run("CREATE VIRTUAL TABLE words USING fts5(path, value)");
    for (int round = 0; round < 2; round++) {
        if (round) run("BEGIN");
        for (size_t i = 0; i < LENGTH(counted); i++) {
            int expected = -1;
            EACH(each, "theirs", "t", "words") {
                run("%s", kept(sql_named(counted[i], each)));
                int changes = sqlite3_changes(db);
                if (expected < 0) expected = changes;
                ck_assert_msg(changes == expected, "%s: %s says %d", counted[i], each, changes);
            }
        }
        if (round) run("COMMIT");
    }
}

/* A COMMIT writes the log row by an INSERT of the module's own, and SQLite counts that, too. FTS5's rows are counted in
 * the same way where it writes them as late as that, which depends on SQLite's version. */
TEST(test_changes_after_a_commit_is_the_log_row) {
    make_tables("");
    run("BEGIN; INSERT INTO t(path) VALUES('a'), ('b'), ('c')");
    ck_assert_int_eq(sqlite3_changes(db), 3);
    run("COMMIT");
    ck_assert_int_eq(sqlite3_changes(db), 1);
    run("SAVEPOINT s; INSERT INTO t(path) VALUES('d'), ('e'), ('f')");
    ck_assert_int_eq(sqlite3_changes(db), 3);
    run("RELEASE s");
    ck_assert_int_eq(sqlite3_changes(db), 1);
    run("BEGIN; DELETE FROM t; ROLLBACK");
    ck_assert_int_eq(sqlite3_changes(db), 6);
    run("BEGIN; DELETE FROM t WHERE path = 'nothing'; COMMIT");
    ck_assert_int_eq(sqlite3_changes(db), 0);
    run("DELETE FROM t");
    ck_assert_int_eq(sqlite3_changes(db), 6);
}

static int64_t counted_by(const char *statement) {
    int64_t before = sqlite3_total_changes64(db);
    run("%s", statement);
    return sqlite3_total_changes64(db) - before;
}

TEST(test_total_changes_counts_the_rows_of_the_log_too) {
    make_tables("");
    ck_assert_int_eq(counted_by("INSERT INTO t(path) VALUES('a'), ('b'), ('c')"), 3 + 2); /* and the root is marked */
    ck_assert_int_eq(counted_by("UPDATE t SET value = 1 WHERE path > 'a'"), 2 + 1);
    ck_assert_int_eq(counted_by("BEGIN; UPDATE t SET value = 2; DELETE FROM t; ROLLBACK"), 3 + 3);
    ck_assert_int_eq(counted_by("BEGIN; UPDATE t SET value = 2; DELETE FROM t WHERE path = 'a'; COMMIT"), 4 + 1);
    ck_assert_int_eq(counted_by("DELETE FROM t WHERE path = 'nothing'"), 0);
    ck_assert_int_eq(counted_by("INSERT OR IGNORE INTO t(path) VALUES('b')"), 0);
    ck_assert_int_eq(counted_by("SELECT * FROM t"), 0);
    /* FTS5 counts its own rows, too: more than one for each */
    run("CREATE VIRTUAL TABLE words USING fts5(path, value)");
    ck_assert_int_gt(counted_by("INSERT INTO words(path) VALUES('a'), ('b'), ('c')"), 3 + 1);
}

/* FTS5 has rowids; a WITHOUT ROWID table and an art table have none and leave the last one alone. */
TEST(test_last_insert_rowid_is_that_of_the_last_table_with_rowids) {
    make_conflicts("log_limit='2KB'");
    run("CREATE TABLE rows(id INTEGER PRIMARY KEY, x); INSERT INTO rows VALUES(77, 1)");
    for (size_t i = 0; i < LENGTH(counted); i++) {
        both(counted[i]);
        ck_assert_int_eq(sqlite3_last_insert_rowid(db), 77);
    }
    both("BEGIN; INSERT INTO @(path, value) VALUES('big', zeroblob(100000)); COMMIT; INSERT INTO @(path) "
         "VALUES('commit')");
    ck_assert_int_eq(sqlite3_last_insert_rowid(db), 77);
    sql_command(db, "main", "t", "flush");
    sql_command(db, "main", "t", "optimize");
    ck_assert_int_eq(sqlite3_last_insert_rowid(db), 77);
    run("CREATE VIRTUAL TABLE u USING art; ALTER TABLE u RENAME TO v; DROP TABLE v");
    ck_assert_int_eq(sqlite3_last_insert_rowid(db), 77);
    /* in triggers, where SQLite keeps a last rowid of its own */
    for (int t = 0; t < 2; t++) {
        run("INSERT INTO o%s(rowid, path) VALUES(%d, 'through/%d')", tables[t], 500 + t, t);
        ck_assert_int_eq(sqlite3_last_insert_rowid(db), 500 + t);
    }
    run("CREATE TRIGGER deep AFTER INSERT ON rows BEGIN INSERT INTO t(path, value) VALUES(new.id, "
        "last_insert_rowid()); INSERT INTO theirs(path, value) VALUES(new.id, last_insert_rowid()); END");
    run("INSERT INTO rows VALUES(900, 1)");
    ck_assert_int_eq(sqlite3_last_insert_rowid(db), 900);
    expect("1\n", "SELECT count(*) FROM t o JOIN theirs t USING (path) WHERE o.path = '900' AND "
                  "o.value IS t.value");
}

/* --- RETURNING and UPSERT ----------------------------------------------------------------------------------------- */

TEST(test_insert_returning_gives_the_rows_as_they_were_sent) {
    make_tables("");
    EACH(insert, "INSERT INTO @(path, value) VALUES('a', 1), ('b', NULL) RETURNING path, value",
         "INSERT INTO @ VALUES('c', x'00') RETURNING *",
         "INSERT OR IGNORE INTO @(path, value) VALUES('d', 3) RETURNING path, value",
         "INSERT OR REPLACE INTO @(path, value) VALUES('a', 'new') RETURNING path || '=' || value, typeof(value)",
         "INSERT INTO @(path, value) SELECT path || '/copy', value FROM @ WHERE path < 'c' RETURNING upper(path)",
         "REPLACE INTO @(path) VALUES('e') RETURNING (SELECT 1), value IS NULL") {
        alike(insert);
        same_rows();
    }
}

/* SQLite gives the row of a virtual table before it asks whether it was ignored: an R*Tree's, too. */
TEST(test_insert_or_ignore_returning_gives_ignored_rows_as_for_every_virtual_table) {
    make_tables("");
    run("CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)");
    run("INSERT INTO boxes VALUES(1, 1, 2); INSERT INTO t VALUES('1', 'kept')");
    expect("1\n2\n", "INSERT OR IGNORE INTO boxes VALUES(1, 5, 6), (2, 5, 6) RETURNING id");
    expect("1\n2\n", "INSERT OR IGNORE INTO t(path, value) VALUES('1', 'ignored'), ('2', 'new') RETURNING path");
    ck_assert_int_eq(sqlite3_changes(db), 1);
    expect("1|kept\n2|new\n", "SELECT * FROM t");
}

/* The version is given at the write, behind SQLite's back. */
TEST(test_insert_returning_does_not_know_the_version) {
    make_tables("");
    expect("a|null\n", "INSERT INTO t(path) VALUES('a') RETURNING path, typeof(row_version)");
    expect("a|integer\n", "SELECT path, typeof(row_version) FROM t");
    run("BEGIN");
    expect("b|\n", "INSERT INTO t(path) VALUES('b') RETURNING *");
    run("ROLLBACK");
}

TEST(test_what_sqlite_has_not_for_virtual_tables_is_refused_and_changes_nothing) {
    make_tables("");
    run("INSERT INTO t(path, value) VALUES('a', 1); BEGIN");
    refuses(SQLITE_ERROR, "UPDATE RETURNING is not available", "UPDATE t SET value = 2 RETURNING path");
    refuses(SQLITE_ERROR, "DELETE RETURNING is not available", "DELETE FROM t RETURNING path");
    refuses(SQLITE_ERROR, "UPSERT not implemented",
            "INSERT INTO t(path) VALUES('a') ON CONFLICT(path) DO UPDATE SET value = 3");
    refuses(SQLITE_ERROR, "UPSERT not implemented", "INSERT INTO t(path) VALUES('a') ON CONFLICT DO NOTHING");
    refuses(SQLITE_ERROR, "virtual table", "CREATE INDEX i ON t(value)");
    refuses(SQLITE_ERROR, "virtual table", "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END");
    refuses(SQLITE_ERROR, "virtual table", "ALTER TABLE t ADD COLUMN more");
    refuses(SQLITE_ERROR, "virtual table", "ALTER TABLE t RENAME COLUMN value TO content");
    refuses(SQLITE_ERROR, "virtual table", "ALTER TABLE t DROP COLUMN value");
    run("COMMIT");
    expect("a|1\n", "SELECT * FROM t");
}

/* The declared key is no index that SQLite takes for the column's, by its collation; without the column's name it is
 * one whose b-tree SQLite cannot find ("malformed"). Nothing is harmed. */
TEST(test_a_foreign_key_to_an_art_table_refuses_its_childs_rows_and_harms_nothing) {
    make_tables("");
    run("INSERT INTO t VALUES('a', 1); PRAGMA foreign_keys=ON");
    run("CREATE TABLE child(id INTEGER PRIMARY KEY, file TEXT REFERENCES t(path))");
    EACH(value, "'a'", "'nothing'", "NULL")
    refuses(SQLITE_ERROR, "foreign key mismatch - \"child\" referencing \"t\"",
            TEXT("INSERT INTO child VALUES(1, %s)", value));
    run("CREATE TABLE unnamed(id INTEGER PRIMARY KEY, file TEXT REFERENCES t)");
    refuses(0, "", "INSERT INTO unnamed VALUES(1, 'a')");
    run("INSERT INTO unnamed VALUES(2, NULL); DELETE FROM unnamed; DROP TABLE unnamed");
    run("PRAGMA foreign_keys=OFF; INSERT INTO child VALUES(2, NULL); PRAGMA foreign_keys=ON");
    run("INSERT INTO t VALUES('b', 2); DELETE FROM t WHERE path = 'a'");
    expect("b|2\n", "SELECT path, value FROM t");
    expect("2|\n", "SELECT id, file FROM child");
    expect("ok\n", "PRAGMA integrity_check");
    run("PRAGMA foreign_keys=OFF; INSERT INTO child VALUES(3, 'b')");
    expect("3|2\n", "SELECT child.id, t.value FROM child JOIN t ON t.path = child.file");
    run("DROP TABLE child");
}

SUITE("sql_statements", .seconds = 120, .set_up = set_up, .tear_down = sql_tear_down)
