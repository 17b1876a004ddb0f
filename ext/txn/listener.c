/* temp.art_txn: a virtual table without rows that hears of every savepoint, commit and rollback.
 *
 * SQLite tells a dropped, created or renamed table nothing about a later ROLLBACK TO. A table in temp stays: the first
 * change of a transaction joins it by a DELETE of no rows, and from then on its callbacks drive all art tables that the
 * transaction changes. It is made when a handle of an art table is made while no statement runs, also within BEGIN,
 * where it counts as begun at once. Where it can't be made (query_only, an authorizer, a user's table under its name, a
 * running statement) each table is driven by its own handle. DROP and RENAME make it then, whose statements survive
 * that, and it takes over; where that fails, too, they are refused for a changed table.
 *
 * The DELETE is run even where the table was created within the transaction and so is part of it already: it opens a
 * statement's savepoint, and only an object that was told of a savepoint is told of ROLLBACK TO an older one.
 *
 * Its handle, too, is made anew when SQLite reloads the schema; the first one to begin in a transaction stays the
 * owner, and the callbacks of any other do nothing. The prepared DELETE keeps that handle alive, and would keep
 * sqlite3_close() from closing: it goes with the connection's last handle of an art table.
 */
#include "ext/table/table_function.h"
#include "ext/txn/txn.h"

static const struct art_table_function no_rows = {.cursor_bytes = sizeof(struct art_function_cursor)};

static const char make_text[] = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.art_txn USING art_txn";
static const char join_text[] = "DELETE FROM temp.art_txn WHERE 0";

/* Making it is a change of the schema, which ends a statement that runs and opens another cursor afterwards; where it
 * fails outside of a transaction, SQLite also rolls back under the cursors of all that read. */
int art_listener_make(struct art_connection *connection) {
    sqlite3 *db = connection->db;
    if (connection->listeners) return SQLITE_OK;
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each)) {
        if (sqlite3_stmt_busy(each)) return SQLITE_OK;
    }
    return art_listener_make_now(connection);
}

int art_listener_make_now(struct art_connection *connection) {
    sqlite3_int64 rowid = sqlite3_last_insert_rowid(connection->db);
    int rc = sqlite3_exec(connection->db, make_text, NULL, NULL, NULL);
    sqlite3_set_last_insert_rowid(connection->db, rowid);
    return art_ends_transaction(rc) ? rc : SQLITE_OK; /* else see above */
}

static int run_join(struct art_connection *connection) {
    assert(!connection->joined);
    int rc = SQLITE_OK;
    sqlite3_stmt *join = connection->join;
    connection->join = NULL; /* not to be finalized by an art table's handle that preparing it disconnects */
    if (!join) {
        rc = sqlite3_prepare_v3(connection->db, join_text, -1, SQLITE_PREPARE_PERSISTENT, &join, NULL);
    }
    if (!rc) {
        sqlite3_step(join);
        rc = sqlite3_reset(join);
    }
    if (rc || connection->join) {
        sqlite3_finalize(join);
    } else {
        connection->join = join;
    }
    return rc;
}

int art_listener_join(struct art_connection *connection, char **message) {
    if (connection->joined) return SQLITE_OK;
    int rc = run_join(connection);
    connection->joined = !rc && connection->owner;
    art_savepoints_assert(&connection->savepoints);
    if (connection->joined) return SQLITE_OK;
    if (!rc) art_connection_forget_join(connection); /* somebody else's table */
    if (!art_ends_transaction(rc)) return SQLITE_OK;
    return art_report_host(message, connection->db, rc, "cannot write (temp.art_txn)");
}

/* A table that joined before the listener was there has its handle as its owner. So has one whose listener was made
 * behind a savepoint, and went with ROLLBACK TO it. From here on the listener owns them all. It is made where it is
 * missing, and gets the savepoints that the handles were told of: SQLite may ask it for any of them. */
int art_listener_take_over(struct art_connection *connection, char **message) {
    int rc = connection->joined ? SQLITE_OK : art_listener_make_now(connection);
    if (rc) return art_report_host(message, connection->db, rc, "cannot write (temp.art_txn)");
    rc = art_listener_join(connection, message);
    if (!connection->joined) return rc;
    for (struct art_table *table = connection->changing; table && !rc; table = table->changing_next) {
        if (table->owner == connection->owner) continue;
        assert(((struct art_vtab *)table->owner)->owned);
        const struct art_savepoints *savepoints = &((struct art_vtab *)table->owner)->savepoints;
        for (unsigned i = 0; i < savepoints->count && !rc; i++)
            rc = art_savepoints_push(&connection->savepoints, savepoints->items[i]);
        if (rc) break;
        art_table_set_owner(table, connection->owner);
        if (table->stage == ART_STAGE_ALONE) art_table_set_stage(table, ART_STAGE_CHANGING);
    }
    return rc;
}

/* --- the module --------------------------------------------------------------------------------------------------- */

static int listener_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                            char **message) {
    struct art_connection *connection = context;
    if (argc < 3 || sqlite3_stricmp(argv[1], "temp") || sqlite3_stricmp(argv[2], "art_txn")) {
        return art_complain(message, SQLITE_ERROR,
                            "art: art makes this table itself, in temp (art_txn): do without it");
    }
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(unused)");
    if (rc) return rc;
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    struct art_function_vtab *listener = art_alloc_zeroed(sizeof *listener);
    if (!listener) return SQLITE_NOMEM;
    listener->connection = art_connection_hold(db);
    listener->function = &no_rows;
    connection->listeners++;
    *out = &listener->base;
    return SQLITE_OK;
}

static int listener_begin(sqlite3_vtab *base) {
    struct art_connection *connection = ((struct art_function_vtab *)base)->connection;
    if (connection->owner) return SQLITE_OK;
    assert(!connection->joined);
    connection->owner = base;
    art_savepoints_begin(&connection->savepoints);
    return SQLITE_OK;
}

/* Also begins: SQLite takes what is created within a transaction as part of it, and never calls xBegin. */
static int listener_create(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                           char **message) {
    int rc = listener_connect(db, context, argc, argv, out, message);
    return rc ? rc : listener_begin(*out);
}

static int listener_disconnect(sqlite3_vtab *base) {
    struct art_connection *connection = ((struct art_function_vtab *)base)->connection;
    art_owner_rollback(base);
    assert(connection->owner != base && connection->listeners);
    connection->listeners--;
    sqlite3_free(base->zErrMsg);
    art_free(base);
    art_connection_release(connection);
    return SQLITE_OK;
}

/* DROP TABLE temp.art_txn by somebody. */
static int listener_destroy(sqlite3_vtab *base) {
    if (((struct art_function_vtab *)base)->connection->owner == base) {
        return art_complain(&base->zErrMsg, SQLITE_LOCKED,
                            "art: the transaction needs this table (temp.art_txn): COMMIT it first");
    }
    return listener_disconnect(base);
}

static int listener_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    (void)base;
    info->estimatedCost = 1;
    info->estimatedRows = 1;
    return SQLITE_OK;
}

static int listener_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    (void)argc;
    (void)argv;
    (void)rowid;
    return art_complain(&base->zErrMsg, SQLITE_READONLY,
                        "art: this table never holds anything (temp.art_txn): leave it alone");
}

const sqlite3_module art_listener_module = {
    .iVersion = 2,
    .xCreate = listener_create,
    .xConnect = listener_connect,
    .xBestIndex = listener_best_index,
    .xDisconnect = listener_disconnect,
    .xDestroy = listener_destroy,
    ART_FUNCTION_CURSOR,
    .xUpdate = listener_update,
    .xBegin = listener_begin,
    .xSync = art_owner_sync,
    .xCommit = art_owner_commit,
    .xRollback = art_owner_rollback,
    .xSavepoint = art_owner_savepoint,
    .xRelease = art_owner_release,
    .xRollbackTo = art_owner_rollback_to,
};
