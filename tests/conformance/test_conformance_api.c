/* SQLite's conformance in C: hooks, authorizers, interrupts, backups, limits, statements that stay open; the same
 * program on an ordinary WITHOUT ROWID table and on an art table.
 *
 * Each statement is a function that works with a connection on which `t(a TEXT PRIMARY KEY, b, c INTEGER)` holds ten
 * rows, and says what it saw. Both must say the same, but where SQLite treats virtual tables otherwise: there the lines
 * that only the art table says stand beside the statement, with the reason. What SQL alone can ask is in
 * tests/conformance.
 *
 * Not here: unlock_notify, which is about the shared cache that an art table refuses (test_sql_files.c).
 */
#include <dlfcn.h>

#include "tests/support/sql.h"
#include "tests/support/suite.h"

struct place {
    sqlite3 *db;
    char *directory, *path;
    bool art, absent; /* this SQLite was built without it */
    sqlite3_str *said;
};

#define SAY(place, ...) sqlite3_str_appendf((place)->said, __VA_ARGS__)

static void create(sqlite3 *db, bool art, const char *name) {
    const char *columns = "a TEXT PRIMARY KEY, b, c INTEGER";
    if (art) {
        sql_run(db, "CREATE VIRTUAL TABLE %s USING art(%s)", name, columns);
    } else {
        sql_run(db, "CREATE TABLE %s(%s) WITHOUT ROWID", name, columns);
    }
}

static void place_open(struct place *place, bool art) {
    *place = (struct place){.art = art, .directory = sql_scratch("conformance"), .said = sqlite3_str_new(NULL)};
    place->path = sqlite3_mprintf("%s/h.db", place->directory);
    place->db = sql_open_as(place->path, place->art);
    sql_run(place->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF");
    create(place->db, art, "t");
    sql_run(place->db, "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 9) "
                       "INSERT INTO t SELECT 'k' || x, x * 1.5, x FROM n");
}

static char *place_close(struct place *place) {
    int rc = sqlite3_close(place->db);
    if (rc) SAY(place, "close: %d\n", rc);
    char *said = sqlite3_str_finish(place->said);
    sql_scratch_remove(place->directory);
    sqlite3_free(place->directory);
    sqlite3_free(place->path);
    return said ? said : sqlite3_mprintf("");
}

/* Runs a text and says how it ended. */
static int try(struct place *place, const char *sql) {
    int rc = sqlite3_exec(place->db, sql, NULL, NULL, NULL);
    SAY(place, "%s: %d%s%s%s\n", sql, rc, rc ? " " : "", rc ? sqlite3_errmsg(place->db) : "",
        sqlite3_get_autocommit(place->db) ? "" : ", in a transaction");
    return rc;
}

static void rows_of(struct place *place, sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
        SAY(place, "%s: %s\n", sql, sqlite3_errmsg(db));
        return;
    }
    char *answer = kept(sql_answer(statement));
    SAY(place, "%s:\n%s\n", sql, answer);
    sqlite3_finalize(statement);
}

static void rows(struct place *place, const char *sql) {
    rows_of(place, place->db, sql);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

static struct {
    struct place *place;
    int commits, rollbacks, wal, busy, veto;
} heard;

static int on_commit(void *unused) {
    heard.commits++;
    return heard.veto;
}

static void on_rollback(void *unused) {
    heard.rollbacks++;
}

static int on_wal(void *unused, sqlite3 *db, const char *schema, int pages) {
    heard.wal += !strcmp(schema, "main");
    return SQLITE_OK;
}

static void say_heard(struct place *place) {
    SAY(place, "%d commits, %d rollbacks, %d WAL\n", heard.commits, heard.rollbacks, heard.wal);
}

static void commit_hooks_hear_each_transaction(struct place *place) {
    memset(&heard, 0, sizeof heard);
    sqlite3_commit_hook(place->db, on_commit, NULL);
    sqlite3_rollback_hook(place->db, on_rollback, NULL);
    sqlite3_wal_hook(place->db, on_wal, NULL);
    try(place, "INSERT INTO t VALUES('x', 1, 1)");
    say_heard(place);
    try(place, "INSERT INTO t VALUES('x', 1, 1)");
    say_heard(place);
    try(place, "BEGIN; UPDATE t SET b = 1; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT");
    say_heard(place);
    try(place, "BEGIN; DELETE FROM t; ROLLBACK");
    say_heard(place);
    try(place, "SELECT count(*) FROM t");
    say_heard(place);
    heard.veto = 1;
    try(place, "DELETE FROM t");
    try(place, "BEGIN; DELETE FROM t");
    try(place, "COMMIT");
    say_heard(place);
    rows(place, "SELECT count(*) FROM t");
    sqlite3_commit_hook(place->db, NULL, NULL);
    try(place, "DELETE FROM t WHERE a = 'x'");
}

static void on_update(void *data, int operation, const char *schema, const char *table, sqlite3_int64 rowid) {
    struct place *place = data;
    SAY(place, "%s %s.%s\n",
        operation == SQLITE_INSERT   ? "insert"
        : operation == SQLITE_DELETE ? "delete"
                                     : "update",
        schema, table);
}

static void update_hooks_hear_no_table_without_rowid(struct place *place) {
    sqlite3_update_hook(place->db, on_update, place);
    sql_run(place->db, "BEGIN; INSERT INTO t VALUES('x', 1, 1); UPDATE t SET b = 1; DELETE FROM t WHERE a = 'x'");
    SAY(place, "commit\n");
    sql_run(place->db, "COMMIT");
    sqlite3_update_hook(place->db, NULL, NULL);
}

static void on_preupdate(void *data, sqlite3 *db, int operation, const char *schema, const char *table,
                         sqlite3_int64 before, sqlite3_int64 after) {
    on_update(data, operation, schema, table, 0);
}

typedef void *(*preupdate_hook)(
    sqlite3 *, void (*)(void *, sqlite3 *, int, const char *, const char *, sqlite3_int64, sqlite3_int64), void *);

static void preupdate_hooks_hear_the_log(struct place *place) {
    preupdate_hook hook = (preupdate_hook)dlsym(RTLD_DEFAULT, "sqlite3_preupdate_hook");
    place->absent = !hook;
    if (!hook) return;
    hook(place->db, on_preupdate, place);
    sql_run(place->db, "BEGIN; INSERT INTO t VALUES('x', 1, 1)");
    SAY(place, "commit\n");
    sql_run(place->db, "COMMIT");
    hook(place->db, NULL, NULL);
}

/* ---- authorizers, handlers, interrupts --------------------------------------------------------------------------- */

static void authorizers_are_obeyed(struct place *place) {
    sql_run(place->db, "SELECT a FROM t; UPDATE t SET b = 1");
    sql_forbid(place->db, SQLITE_DENY, SQLITE_READ, "t", "b");
    try(place, "SELECT b FROM t");
    try(place, "SELECT a FROM t WHERE b = 1");
    try(place, "SELECT a FROM t");
    try(place, "UPDATE t SET b = b + 1");
    sql_forbid(place->db, SQLITE_IGNORE, SQLITE_READ, "t", "b");
    rows(place, "SELECT a, b FROM t ORDER BY a LIMIT 2");
    rows(place, "SELECT count(*) FROM t WHERE b IS NULL");
    sql_forbid(place->db, SQLITE_DENY, SQLITE_INSERT, "t", NULL);
    try(place, "INSERT INTO t VALUES('y', 1, 1)");
    try(place, "UPDATE t SET c = 1 WHERE a = 'k1'");
    sql_forbid(place->db, SQLITE_DENY, SQLITE_DELETE, "t", NULL);
    try(place, "DELETE FROM t");
    try(place, "DELETE FROM t WHERE a = 'k1'");
    sql_forbid(place->db, SQLITE_DENY, SQLITE_UPDATE, "t", "c");
    try(place, "UPDATE t SET c = 1");
    try(place, "UPDATE t SET b = 1");
    sql_forbid(place->db, SQLITE_IGNORE, SQLITE_UPDATE, "t", "c");
    try(place, "UPDATE t SET b = 2, c = 77");
    rows(place, "SELECT sum(b), sum(c) FROM t");
    sql_forbid(place->db, SQLITE_DENY, SQLITE_TRANSACTION, "BEGIN", NULL);
    try(place, "BEGIN");
    sql_forbid(place->db, SQLITE_DENY, SQLITE_SAVEPOINT, "BEGIN", NULL);
    try(place, "SAVEPOINT s");
    sql_forbid(place->db, SQLITE_OK, 0, NULL, NULL);
    try(place, "INSERT INTO t VALUES('y', 1, 1)");
}

static int enough(void *left) {
    return --*(int *)left < 0;
}

static void a_progress_handler_ends_a_statement(struct place *place) {
    int left = 20;
    sqlite3_progress_handler(place->db, 50, enough, &left);
    try(place, "SELECT count(*) FROM t x, t y, t z, t w WHERE x.b + y.b + z.b + w.b = -1");
    left = 20;
    try(place, "INSERT INTO t SELECT x.a || y.a || z.a || w.a, 1, 1 FROM t x, t y, t z, t w WHERE w.b >= 0");
    rows(place, "SELECT 1");
    sqlite3_progress_handler(place->db, 0, NULL, NULL);
    rows(place, "SELECT count(*) FROM t");
    try(place, "BEGIN; INSERT INTO t VALUES('x', 1, 1)");
    left = 20;
    sqlite3_progress_handler(place->db, 50, enough, &left);
    try(place, "SELECT count(*) FROM t x, t y, t z, t w WHERE x.b + y.b + z.b + w.b = -1");
    left = 20;
    try(place, "UPDATE t SET b = (SELECT count(*) FROM t x, t y, t z WHERE x.b + y.b + z.b = -1)");
    sqlite3_progress_handler(place->db, 0, NULL, NULL);
    try(place, "COMMIT");
    rows(place, "SELECT count(*), sum(b) FROM t");
}

/* interrupt_at(n): interrupts the connection when it is called for the nth time. */
static int calls;

static void interrupt_at(sqlite3_context *context, int count, sqlite3_value **values) {
    if (++calls == sqlite3_value_int(values[0])) sqlite3_interrupt(sqlite3_context_db_handle(context));
    sqlite3_result_int(context, calls);
}

static void an_interrupt_ends_what_runs(struct place *place) {
    sqlite3_create_function(place->db, "interrupt_at", 1, SQLITE_UTF8, NULL, interrupt_at, NULL, NULL);
    calls = 0;
    try(place, "SELECT interrupt_at(5) FROM t");
    calls = 0;
    try(place, "INSERT INTO t SELECT a || 'x', interrupt_at(5), 1 FROM t");
    rows(place, "SELECT count(*) FROM t");
    calls = 0;
    try(place, "BEGIN; INSERT INTO t VALUES('own', 1, 1)");
    try(place, "UPDATE t SET b = interrupt_at(3)");
    rows(place, "SELECT count(*), total(b) FROM t");
    try(place, "COMMIT");
    rows(place, "SELECT count(*), total(b) FROM t");
}

static int on_busy(void *unused, int times) {
    heard.busy++;
    return times < 3;
}

static void a_busy_handler_is_asked(struct place *place) {
    sqlite3 *other = sql_open_as(place->path, place->art);
    memset(&heard, 0, sizeof heard);
    sql_run(other, "BEGIN IMMEDIATE; DELETE FROM t WHERE a = 'k0'");
    sqlite3_busy_handler(place->db, on_busy, NULL);
    try(place, "INSERT INTO t VALUES('x', 1, 1)");
    SAY(place, "%d times\n", heard.busy);
    rows(place, "SELECT count(*) FROM t");
    sql_run(other, "COMMIT");
    try(place, "INSERT INTO t VALUES('x', 1, 1)");
    SAY(place, "%d times\n", heard.busy);
    try(place, "BEGIN; SELECT * FROM t");
    sql_run(other, "UPDATE t SET c = 0");
    try(place, "UPDATE t SET c = 1");
    SAY(place, "%d times, extended %d\n", heard.busy, sqlite3_extended_errcode(place->db));
    try(place, "ROLLBACK");
    sqlite3_busy_handler(place->db, NULL, NULL);
    sql_close(other);
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

static void a_backup_onto_a_database_replaces_its_table(struct place *place) {
    char *path = TEXT("%s/copy.db", place->directory);
    sqlite3 *copy = sql_open_as(path, place->art);
    create(copy, place->art, "t");
    sql_run(copy, "INSERT INTO t VALUES('old', 1, 1)");
    rows_of(place, copy, "SELECT a FROM t");
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", place->db, "main");
    SAY(place, "%d, ", sqlite3_backup_step(backup, -1));
    SAY(place, "%d\n", sqlite3_backup_finish(backup));
    rows_of(place, copy, "SELECT count(*), min(a) FROM t");
    sql_run(copy, "UPDATE t SET b = 0");
    rows_of(place, copy, "SELECT sum(b) FROM t");
    rows(place, "SELECT sum(b) FROM t");
    sql_close(copy);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

static void a_blob_cannot_be_opened(struct place *place) {
    sqlite3_blob *blob = NULL;
    SAY(place, "%d", sqlite3_blob_open(place->db, "main", "t", "b", 1, 0, &blob));
    SAY(place, " %s\n", sqlite3_errmsg(place->db));
    sqlite3_blob_close(blob);
    sqlite3_blob_close(NULL);
    rows(place, "SELECT count(*) FROM t");
}

static void limits_hold(struct place *place) {
    sqlite3_limit(place->db, SQLITE_LIMIT_LENGTH, 5000);
    try(place, "INSERT INTO t VALUES('long', zeroblob(6000), 1)");
    try(place, "INSERT INTO t VALUES('fits', zeroblob(3000), 1)");
    try(place, "UPDATE t SET b = b || b || b WHERE a = 'fits'");
    try(place, "INSERT INTO t VALUES(printf('%.*c', 6000, 'k'), 1, 1)");
    rows(place, "SELECT count(*), max(length(b)) FROM t");
    sqlite3_limit(place->db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 5);
    try(place, "SELECT a FROM t WHERE a GLOB 'k*'");
    try(place, "SELECT a FROM t WHERE a GLOB '??????*'");
    try(place, "SELECT a FROM t WHERE a LIKE '______%'");
    sqlite3_limit(place->db, SQLITE_LIMIT_COMPOUND_SELECT, 2);
    try(place, "SELECT a FROM t UNION SELECT a FROM t");
    try(place, "SELECT a FROM t UNION SELECT a FROM t UNION SELECT b FROM t");
    sqlite3_limit(place->db, SQLITE_LIMIT_COLUMN, 10);
    try(place, "SELECT a, b, c, a, b, c, a, b, c, a, b FROM t");
    sqlite3_limit(place->db, SQLITE_LIMIT_ATTACHED, 0);
    try(place, "ATTACH ':memory:' AS x");
    sqlite3_limit(place->db, SQLITE_LIMIT_VDBE_OP, 10);
    try(place, "SELECT count(*) FROM t x, t y WHERE x.a = y.b AND x.b = y.a");
    sqlite3_limit(place->db, SQLITE_LIMIT_VDBE_OP, 250000000);
    try(place, "DELETE FROM t WHERE a = 'fits'");
}

static void parameters_of_every_type(struct place *place) {
    static const unsigned short wide[] = {'k', '5', 0};
    sqlite3_stmt *get = sql_prepare(place->db, "SELECT a, b, ?2 FROM t WHERE a = ?1");
    sqlite3_bind_text16(get, 1, wide, -1, SQLITE_STATIC);
    sqlite3_bind_zeroblob(get, 2, 3);
    for (int i = 0; i < 5; i++) {
        char *answer = kept(sql_answer(get));
        SAY(place, "%d: %s\n", i, answer);
        sqlite3_clear_bindings(get);
        if (i == 0) sqlite3_bind_text(get, 1, "k6xyz", 2, SQLITE_TRANSIENT);
        if (i == 1) sqlite3_bind_blob(get, 1, "k6", 2, SQLITE_STATIC);
        if (i == 2) sqlite3_bind_int(get, 1, 6);
        if (i == 3) sqlite3_bind_pointer(get, 1, place, "art test", NULL);
    }
    sqlite3_finalize(get);
    sqlite3_stmt *put = sql_prepare(place->db, "INSERT INTO t VALUES(?1, ?2, ?3)");
    for (int i = 0; i < 3; i++) {
        sqlite3_bind_text16(put, 1, wide + (i == 2), -1, SQLITE_STATIC);
        sqlite3_bind_zeroblob64(put, 2, 5);
        sqlite3_bind_double(put, 3, i / 2.0);
        SAY(place, "put %d: %d ", i, sqlite3_step(put));
        SAY(place, "%d\n", sqlite3_reset(put));
        if (i == 0) sql_run(place->db, "DELETE FROM t WHERE a = 'k5'");
    }
    sqlite3_finalize(put);
    rows(place, "SELECT a, b, c FROM t WHERE typeof(b) = 'blob' ORDER BY a");
}

static void statements_tell_about_themselves(struct place *place) {
    EACH(text, "SELECT a, b AS other, c + 1, t.c FROM t", "INSERT INTO t VALUES(1, 2, 3)", "UPDATE t SET b = 1",
         "DELETE FROM t", "BEGIN") {
        sqlite3_stmt *statement = sql_prepare(place->db, "%s", text);
        SAY(place, "%s: %d columns, read only %d, busy %d\n", text, sqlite3_column_count(statement),
            sqlite3_stmt_readonly(statement), sqlite3_stmt_busy(statement));
        for (int k = 0; k < sqlite3_column_count(statement); k++) {
            const char *type = sqlite3_column_decltype(statement, k);
            SAY(place, "  %s %s\n", sqlite3_column_name(statement, k), type ? type : "none");
        }
        sqlite3_finalize(statement);
    }
    const char *type = NULL, *collation = NULL;
    int not_null = 0, primary = 0, increments = 0;
    int rc =
        sqlite3_table_column_metadata(place->db, NULL, "t", "c", &type, &collation, &not_null, &primary, &increments);
    SAY(place, "c: %d %s %s %d %d %d\n", rc, type, collation, not_null, primary, increments);
    SAY(place, "z: %d\n", sqlite3_table_column_metadata(place->db, NULL, "t", "z", NULL, NULL, NULL, NULL, NULL));
}

static void a_statement_is_prepared_before_the_schema_changes(struct place *place) {
    sqlite3_stmt *get = sql_prepare(place->db, "SELECT count(*) FROM t");
    sqlite3_stmt *put = sql_prepare(place->db, "INSERT INTO t VALUES(?1, 0, 0)");
    for (int i = 0; i < 5; i++) {
        if (i == 1) sql_run(place->db, "CREATE TABLE other(x)");
        if (i == 2) sql_run(place->db, "ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME TO t");
        if (i == 3) sql_run(place->db, "DROP TABLE t");
        if (i == 4) create(place->db, place->art, "t");
        char *name = sqlite3_mprintf("new%d", i);
        sqlite3_bind_text(put, 1, name, -1, sqlite3_free);
        SAY(place, "put %d ", sqlite3_step(put));
        SAY(place, "%d, get %d ", sqlite3_reset(put), sqlite3_step(get));
        SAY(place, "%d ", sqlite3_column_int(get, 0));
        SAY(place, "%d\n", sqlite3_reset(get));
    }
    sqlite3_finalize(get);
    sqlite3_finalize(put);
}

/* run(sql): runs it on the same connection, in the middle of the statement that calls it. */
static void run_inside(sqlite3_context *context, int count, sqlite3_value **values) {
    char *message = NULL;
    if (sqlite3_exec(sqlite3_context_db_handle(context), (const char *)sqlite3_value_text(values[0]), NULL, NULL,
                     &message)) {
        sqlite3_result_error(context, message, -1);
    } else {
        sqlite3_result_int(context, sqlite3_changes(sqlite3_context_db_handle(context)));
    }
    sqlite3_free(message);
}

static void statements_run_within_statements(struct place *place) {
    sqlite3_create_function(place->db, "run", 1, SQLITE_UTF8, NULL, run_inside, NULL, NULL);
    sql_run(place->db, "CREATE TABLE o(x); INSERT INTO o VALUES('p'), ('q'), ('r')");
    rows(place, "SELECT x, run('INSERT INTO t VALUES(''' || x || ''', 1, 1)') FROM o");
    rows(place, "SELECT count(*), (SELECT run('UPDATE t SET c = c + 1')) FROM t");
    rows(place, "SELECT sum(c) FROM t");
    try(place, "SELECT x, run('INSERT INTO t VALUES(''' || x || ''', 1, 1)') FROM o");
    try(place, "INSERT INTO o SELECT run('DELETE FROM t WHERE a = ''' || x || '''') FROM o");
    rows(place, "SELECT a FROM t WHERE a > 'p' ORDER BY a");
    try(place, "BEGIN; SELECT run('SAVEPOINT s; DELETE FROM t') FROM o LIMIT 1; ROLLBACK TO s; COMMIT");
    rows(place, "SELECT count(*) FROM t");
    try(place, "SELECT run('DROP TABLE t') FROM t LIMIT 1");
    try(place, "SELECT run('COMMIT') FROM t");
    try(place, "BEGIN");
    try(place, "SELECT run('ROLLBACK') FROM o LIMIT 1");
    rows(place, "SELECT count(*) FROM t");
}

static void a_statement_is_reset_in_its_middle(struct place *place) {
    sqlite3_stmt *get = sql_prepare(place->db, "SELECT a FROM t ORDER BY a");
    sqlite3_stmt *put = sql_prepare(place->db, "INSERT INTO t VALUES('x', 1, 1), ('y', 1, 1) RETURNING a");
    SAY(place, "%d %s, ", sqlite3_step(get), sqlite3_column_text(get, 0));
    SAY(place, "transaction %d\n", sqlite3_txn_state(place->db, "main"));
    SAY(place, "%d ", sqlite3_step(put));
    SAY(place, "transaction %d, ", sqlite3_txn_state(place->db, "main"));
    SAY(place, "reset %d, ", sqlite3_reset(put));
    SAY(place, "transaction %d\n", sqlite3_txn_state(place->db, "main"));
    SAY(place, "%d %s\n", sqlite3_step(get), sqlite3_column_text(get, 0));
    SAY(place, "reset %d, ", sqlite3_reset(get));
    SAY(place, "transaction %d\n", sqlite3_txn_state(place->db, "main"));
    sqlite3_finalize(get);
    sqlite3_finalize(put);
    rows(place, "SELECT count(*) FROM t");
}

static int stop_at_three(void *count, int columns, char **values, char **names) {
    return ++*(int *)count == 3;
}

static void a_callback_stops_exec(struct place *place) {
    int count = 0;
    SAY(place, "%d, ", sqlite3_exec(place->db, "SELECT a FROM t", stop_at_three, &count, NULL));
    SAY(place, "%d rows, transaction %d\n", count, sqlite3_txn_state(place->db, NULL));
    char **table = NULL;
    int row_count = 0, columns = 0;
    SAY(place, "%d, ",
        sqlite3_get_table(place->db, "SELECT a, b FROM t ORDER BY a", &table, &row_count, &columns, NULL));
    SAY(place, "%d of %d, first %s %s\n", row_count, columns, table[2], table[3]);
    sqlite3_free_table(table);
}

static void a_connection_is_closed_with_a_statement_open(struct place *place) {
    sqlite3 *other = sql_open_as(place->path, place->art);
    sqlite3_stmt *get = sql_prepare(other, "SELECT a FROM t ORDER BY a");
    sqlite3_step(get);
    SAY(place, "close %d, ", sqlite3_close(other));
    SAY(place, "close_v2 %d\n", sqlite3_close_v2(other));
    SAY(place, "%d %s\n", sqlite3_step(get), sqlite3_column_text(get, 0));
    sql_run(place->db, "INSERT INTO t VALUES('k10', 1, 1)");
    while (sqlite3_step(get) == SQLITE_ROW) SAY(place, "%s ", sqlite3_column_text(get, 0));
    SAY(place, "finalize %d\n", sqlite3_finalize(get));
    other = sql_open_as(place->path, place->art);
    sql_run(other, "BEGIN; DELETE FROM t");
    SAY(place, "close within a transaction %d\n", sqlite3_close(other));
    rows(place, "SELECT count(*) FROM t");
    try(place, "INSERT INTO t VALUES('k11', 1, 1)");
}

/* SQLite calls xRollback of all virtual tables before it finds that it cannot close. */
static void a_close_that_fails_takes_back_virtual_tables(struct place *place) {
    sqlite3 *other = sql_open_as(place->path, place->art);
    sqlite3_stmt *get = sql_prepare(other, "SELECT a FROM t ORDER BY a");
    sql_run(other, "BEGIN; INSERT INTO t VALUES('x', 1, 1)");
    sqlite3_step(get);
    SAY(place, "close %d\n", sqlite3_close(other));
    sqlite3_finalize(get);
    rows_of(place, other, "SELECT count(*) FROM t");
    sql_run(other, "INSERT INTO t VALUES('y', 1, 1); COMMIT");
    rows_of(place, other, "SELECT count(*), max(a) FROM t");
    rows(place, "SELECT count(*), max(a) FROM t");
    sql_close(other);
}

static void a_database_is_opened_for_reading(struct place *place) {
    sqlite3 *reader = NULL;
    sql_run(place->db, "PRAGMA journal_mode=DELETE");
    if (place->art) {
        reader = sql_open_flags(place->path, SQLITE_OPEN_READONLY);
    } else if (sqlite3_open_v2(place->path, &reader, SQLITE_OPEN_READONLY, NULL)) {
        abort();
    }
    rows_of(place, reader, "SELECT count(*), max(a) FROM t");
    SAY(place, "insert %d ", sqlite3_exec(reader, "INSERT INTO t VALUES('x', 1, 1)", NULL, NULL, NULL) & 0xff);
    SAY(place, "%s\n", sqlite3_errmsg(reader));
    SAY(place, "drop %d ", sqlite3_exec(reader, "DROP TABLE t", NULL, NULL, NULL) & 0xff);
    SAY(place, "%s\n", sqlite3_errmsg(reader));
    sql_run(place->db, "INSERT INTO t VALUES('x', 1, 1)");
    rows_of(place, reader, "SELECT count(*), max(a) FROM t");
    sql_close(reader);
    char *uri = TEXT("file:%s?immutable=1", place->path);
    reader = sql_open_as(uri, place->art);
    rows_of(place, reader, "SELECT count(*) FROM t WHERE a > 'k5'");
    sql_close(reader);
}

static int compare_lengths(void *unused, int n, const void *a, int m, const void *b) {
    int order = n - m;
    return order ? order : memcmp(a, b, (size_t)n);
}

static void on_missing_collation(void *unused, sqlite3 *db, int encoding, const char *name) {
    sqlite3_create_collation(db, name, encoding, NULL, compare_lengths);
}

static void collations_of_the_application(struct place *place) {
    sql_run(place->db, "INSERT INTO t VALUES('k10', 'bb', 1), ('k11', 'a', 1)");
    try(place, "SELECT a FROM t ORDER BY a COLLATE lengths");
    sqlite3_collation_needed(place->db, NULL, on_missing_collation);
    rows(place, "SELECT a FROM t ORDER BY a COLLATE lengths");
    rows(place, "SELECT a FROM t WHERE a > 'k9' COLLATE lengths ORDER BY a");
    rows(place, "SELECT max(a COLLATE lengths), min(a) FROM t");
    rows(place, "SELECT count(DISTINCT b COLLATE lengths) FROM t");
    sqlite3_create_collation(place->db, "BINARY", SQLITE_UTF8, NULL, NULL);
    rows(place, "SELECT a FROM t WHERE a >= 'k9'");
}

static void counters_of_64_bits(struct place *place) {
    sqlite3_int64 before = sqlite3_total_changes64(place->db);
    sql_run(place->db, "BEGIN; UPDATE t SET b = 1; DELETE FROM t WHERE a < 'k3'");
    SAY(place, "%lld %lld\n", sqlite3_changes64(place->db), sqlite3_total_changes64(place->db) - before);
    sqlite3_set_last_insert_rowid(place->db, 42);
    sql_run(place->db, "INSERT INTO t VALUES('x', 1, 1); COMMIT; INSERT INTO t VALUES('y', 1, 1)");
    SAY(place, "%lld %lld\n", sqlite3_changes64(place->db), sqlite3_last_insert_rowid(place->db));
}

static void a_commit_counts_a_row_of_the_log(struct place *place) {
    sqlite3_int64 before = sqlite3_total_changes64(place->db);
    sql_run(place->db, "BEGIN; UPDATE t SET b = 1; COMMIT");
    SAY(place, "changes %lld\n", sqlite3_changes64(place->db));
    SAY(place, "total %lld\n", sqlite3_total_changes64(place->db) - before);
}

static void memory_is_given_back_in_between(struct place *place) {
    sqlite3_stmt *get = sql_prepare(place->db, "SELECT a FROM t ORDER BY a");
    SAY(place, "%d %s ", sqlite3_step(get), sqlite3_column_text(get, 0));
    SAY(place, "release %d ", sqlite3_db_release_memory(place->db));
    SAY(place, "flush %d ", sqlite3_db_cacheflush(place->db));
    SAY(place, "%d %s\n", sqlite3_step(get), sqlite3_column_text(get, 0));
    sqlite3_finalize(get);
    sql_run(place->db, "BEGIN; INSERT INTO t VALUES('x', zeroblob(9000), 1)");
    SAY(place, "flush %d, ", sqlite3_db_cacheflush(place->db));
    SAY(place, "checkpoint %d\n", sqlite3_wal_checkpoint_v2(place->db, "main", SQLITE_CHECKPOINT_FULL, NULL, NULL));
    sql_run(place->db, "SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT");
    SAY(place, "checkpoint %d\n", sqlite3_wal_checkpoint_v2(place->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
    rows(place, "SELECT count(*), max(length(b)) FROM t");
}

static void savepoints_nest_five_hundred_deep(struct place *place) {
    sql_run(place->db, "BEGIN");
    for (int i = 0; i < 500; i++) {
        sql_run(place->db, "SAVEPOINT s%d; INSERT INTO t VALUES('n%03d', %d, 0); UPDATE t SET c = c + 1 WHERE a = 'k0'",
                i, i, i);
    }
    rows(place, "SELECT count(*), max(a), sum(c) FROM t");
    try(place, "ROLLBACK TO s400");
    rows(place, "SELECT count(*), max(a), sum(c) FROM t");
    try(place, "RELEASE s300");
    try(place, "ROLLBACK TO s299");
    rows(place, "SELECT count(*), max(a), sum(c) FROM t");
    try(place, "SAVEPOINT s10; DELETE FROM t; ROLLBACK TO s10; INSERT INTO t VALUES('z', 1, 1); RELEASE s5");
    try(place, "COMMIT");
    rows(place, "SELECT count(*), max(a), sum(c) FROM t");
}

static void a_database_is_reset(struct place *place) {
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, 0);
    try(place, "VACUUM");
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, 0);
    try(place, "SELECT * FROM t");
    rows(place, "SELECT count(*) FROM sqlite_master");
    create(place->db, place->art, "t");
    try(place, "INSERT INTO t VALUES('new', 1, 1)");
    rows(place, "SELECT * FROM t");
}

static void the_main_database_has_another_name(struct place *place) {
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_MAINDBNAME, "primary_one");
    rows(place, "SELECT count(*) FROM primary_one.t");
    try(place, "BEGIN; INSERT INTO primary_one.t VALUES('x', 1, 1); SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT");
    create(place->db, place->art, "primary_one.u");
    try(place, "INSERT INTO u SELECT * FROM main.t");
    try(place, "ALTER TABLE primary_one.u RENAME TO v");
    rows(place, "SELECT count(*), (SELECT count(*) FROM main.v) FROM v");
    try(place, "DROP TABLE primary_one.t");
    rows(place, "PRAGMA primary_one.integrity_check");
}

static void a_defensive_connection_works(struct place *place) {
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    try(place, "INSERT INTO t VALUES(\"x\", 1, 1)");
    try(place, "BEGIN; INSERT INTO t VALUES('x', 1, 1); ALTER TABLE t RENAME TO u; ROLLBACK");
    create(place->db, place->art, "\"other one\"");
    try(place, "INSERT INTO \"other one\" SELECT * FROM t; DROP TABLE t; CREATE VIEW v AS SELECT a FROM \"other one\"");
    rows(place, "SELECT max(a), count(*) FROM v");
    sqlite3_db_config(place->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    try(place, "SELECT * FROM v");
    rows(place, "SELECT count(*) FROM \"other one\"");
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

/* `only_art`: what the art table says, where it is another text by SQLite's design. */
static const struct conformance_step {
    const char *name;
    void (*run)(struct place *place);
    const char *only_art, *reason;
} conformance[] = {
#define STEP(name)                                                                                                     \
    { #name, name, NULL, NULL }
    STEP(commit_hooks_hear_each_transaction),
    {"update_hooks_hear_no_table_without_rowid", update_hooks_hear_no_table_without_rowid,
     "commit\ninsert main.t_artdata\n", "the log is an ordinary table"},
    {"preupdate_hooks_hear_the_log", preupdate_hooks_hear_the_log, "commit\ninsert main.t_artdata\n",
     "SQLite calls no hook for rows of a virtual table; the log is an ordinary table"},
    STEP(authorizers_are_obeyed),
    STEP(a_progress_handler_ends_a_statement),
    STEP(an_interrupt_ends_what_runs),
    STEP(a_busy_handler_is_asked),
    STEP(a_backup_onto_a_database_replaces_its_table),
    {"a_blob_cannot_be_opened", a_blob_cannot_be_opened,
     "1 cannot open virtual table: t\nSELECT count(*) FROM t:\n10\n\n", "SQLite refuses both, each in its words"},
    STEP(limits_hold),
    STEP(parameters_of_every_type),
    STEP(statements_tell_about_themselves),
    STEP(a_statement_is_prepared_before_the_schema_changes),
    STEP(statements_run_within_statements),
    STEP(a_statement_is_reset_in_its_middle),
    STEP(a_callback_stops_exec),
    STEP(a_connection_is_closed_with_a_statement_open),
    {"a_close_that_fails_takes_back_virtual_tables", a_close_that_fails_takes_back_virtual_tables,
     "close 5\nSELECT count(*) FROM t:\n10\n\nSELECT count(*), max(a) FROM t:\n11 'y'\n\nSELECT count(*), max(a) FROM "
     "t:\n11 'y'\n\n",
     "sql/limits.md"},
    STEP(a_database_is_opened_for_reading),
    STEP(collations_of_the_application),
    STEP(counters_of_64_bits),
    {"a_commit_counts_a_row_of_the_log", a_commit_counts_a_row_of_the_log, "changes 1\ntotal 11\n",
     "the log's row is written at COMMIT: sql/limits.md"},
    STEP(memory_is_given_back_in_between),
    STEP(savepoints_nest_five_hundred_deep),
    STEP(a_database_is_reset),
    STEP(the_main_database_has_another_name),
    STEP(a_defensive_connection_works),
};

static char *said_by(const struct conformance_step *statement, bool art, bool *absent) {
    struct place place;
    place_open(&place, art);
    statement->run(&place);
    *absent = place.absent;
    return place_close(&place);
}

LOOP_TEST(test_programs_find_what_they_are_used_to, LENGTH(conformance)) {
    const struct conformance_step *statement = &conformance[_i];
    bool absent;
    char *ordinary = said_by(statement, false, &absent), *art = said_by(statement, true, &absent);
    const char *expected = statement->only_art ? statement->only_art : ordinary;
    ck_assert_msg(absent || !strcmp(art, expected), "%s\n-- art:\n%s-- expected:\n%s", statement->name, art, expected);
    if (absent) printf("SKIPPED: %s: not in this SQLite\n", statement->name);
    ck_assert_msg(expected == ordinary || absent || strcmp(art, ordinary) != 0, "%s does not differ", statement->name);
    sqlite3_free(ordinary);
    sqlite3_free(art);
}

SUITE("conformance in C", .seconds = SUITE_FOREVER)
