/* What a connection is at, and whether it is to stop. */
#include "ext/base/base.h"

int art_prepare(sqlite3 *db, unsigned flags, sqlite3_stmt **out, char *sql) {
    *out = NULL;
    if (!sql) return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v3(db, sql, -1, flags | SQLITE_PREPARE_NO_VTAB, out, NULL);
    sqlite3_free(sql);
    return rc;
}

int art_run_once(sqlite3 *db, char *sql, const void *blob, int len) {
    sqlite3_stmt *statement;
    int rc = art_prepare(db, 0, &statement, sql);
    if (!rc && blob) rc = sqlite3_bind_blob(statement, 1, blob, len, SQLITE_STATIC);
    if (!rc) sqlite3_step(statement);
    int end = sqlite3_finalize(statement);
    return rc ? rc : end;
}

int art_shadow_step(struct art_connection *connection, sqlite3_stmt *statement) {
    connection->stepping++;
    int rc = sqlite3_step(statement);
    assert(connection->stepping);
    connection->stepping--;
    if (art_ends_transaction(rc)) connection->ended = rc;
    return rc;
}

int art_shadow_busy(const struct art_connection *connection, const char *name, char **message) {
    if (!connection->stepping) return SQLITE_OK;
    return art_complain(message, SQLITE_CORRUPT_VTAB,
                        "art: something that reads an art table has taken the place of a shadow table (%s): restore "
                        "the database from a backup",
                        name);
}

sqlite3_int64 art_ask_number(struct art_connection *connection, const char *pragma, int untold) {
    sqlite3_stmt *ask = NULL;
    sqlite3_int64 number = untold;
    if (!sqlite3_prepare_v2(connection->db, pragma, -1, &ask, NULL) && art_shadow_step(connection, ask) == SQLITE_ROW) {
        number = sqlite3_column_int64(ask, 0);
    }
    sqlite3_finalize(ask);
    return number;
}

/* Any statement looks at the flag when it is prepared or stepped, in every version of SQLite. */
int art_stopped(struct art_connection *connection) {
    sqlite3_stmt *nothing = NULL;
    int rc = sqlite3_prepare_v2(connection->db, "SELECT 1", -1, &nothing, NULL);
    if (!rc) art_shadow_step(connection, nothing);
    int end = sqlite3_finalize(nothing), primary = (rc ? rc : end) & 0xff;
    return primary == SQLITE_INTERRUPT || primary == SQLITE_NOMEM ? primary : SQLITE_OK;
}

#define TEN "?1,?1,?1,?1,?1,?1,?1,?1,?1,?1,"

/* SQLite counts the steps of a statement over all its runs, and calls the progress handler by that count. So one
 * statement is kept, which takes a step for each column and reads nothing; but none without a handle, since nobody
 * would let it go before the connection is closed. */
bool art_interrupted(struct art_connection *connection) {
    static const char steps[] = "SELECT " TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "?1";
    sqlite3_stmt *listen = connection->listen;
    connection->listen = NULL;
    if (!listen && sqlite3_prepare_v3(connection->db, steps, -1, SQLITE_PREPARE_PERSISTENT, &listen, NULL))
        return art_stopped(connection) == SQLITE_INTERRUPT;
    art_shadow_step(connection, listen);
    int rc = sqlite3_reset(listen);
    if (!rc && connection->vtabs && !connection->listen)
        connection->listen = listen;
    else
        sqlite3_finalize(listen);
    return rc == SQLITE_INTERRUPT;
}

#undef TEN

/* A statement of ours that found no memory leaves a mark in the connection until SQLite's own statement ends: where
 * that is the COMMIT, it commits, and says then that there was no memory. */
bool art_out_of_memory(struct art_connection *connection) {
    return sqlite3_errcode(connection->db) == SQLITE_NOMEM && art_stopped(connection) == SQLITE_NOMEM;
}

void art_connection_forget_join(struct art_connection *connection) {
    sqlite3_finalize(connection->join);
    connection->join = NULL;
}

void art_connection_forget_statements(struct art_connection *connection) {
    art_connection_forget_join(connection);
    sqlite3_finalize(connection->listen);
    connection->listen = NULL;
    assert(!connection->join);
}

/* To ignore it is to refuse it: then there is no call in the program. */
int art_may_open(sqlite3 *db, const char *path, char **message) {
    sqlite3_stmt *attach;
    bool calls = false;
    int rc = art_prepare(db, 0, &attach, sqlite3_mprintf("EXPLAIN ATTACH %Q AS art_copy", path));
    if (rc == SQLITE_ERROR && strstr(sqlite3_errmsg(db), "syntax error"))
        return SQLITE_OK; /* a SQLite that was built without one of the two */
    while (!rc && sqlite3_step(attach) == SQLITE_ROW) {
        const char *opcode = (const char *)sqlite3_column_text(attach, 1);
        calls |= opcode && !strcmp(opcode, "Function");
    }
    int end = sqlite3_finalize(attach);
    if (!rc) rc = end;
    if (!rc && calls) return SQLITE_OK;
    if (rc && (rc & 0xff) != SQLITE_AUTH) return art_report_host(message, db, rc, "cannot ask for the right to ATTACH");
    return art_complain(message, SQLITE_AUTH, "art: this file is not authorized (%s): allow ATTACH for it", path);
}
