/* The art tables of a database, one after the other, while a snapshot of it is held: for what goes through all of them
 * (art_backup(), art_verify()).
 */
#include "ext/access/access.h"

int art_schema_known(sqlite3 *db, const char *schema, char **message) {
    if (sqlite3_txn_state(db, schema) >= 0) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR,
                        "art: there is no database of that name (%s): give 'main' or an attached one", schema);
}

bool art_may_lack_wal_files(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN;
}

int art_report_unreadable(char **message, sqlite3 *db, int rc, const char *what) {
    return art_complain(
        message, rc,
        "art: cannot read %s (%s): in WAL mode, and where a crash has left a journal, a reader writes beside the "
        "database: give this user the right to, or, while nobody writes and there is neither -wal nor "
        "-journal, open it with immutable=1",
        what, sqlite3_errmsg(db));
}

int art_snapshot_hold(sqlite3 *db, const char *schema, sqlite3_stmt **out, char **message) {
    int rc = art_prepare(db, 0, out, sqlite3_mprintf("SELECT count(*) FROM \"%w\".sqlite_master", schema));
    if (!rc) rc = sqlite3_step(*out);
    if (rc == SQLITE_ROW) return SQLITE_OK; /* in an empty database, too */
    if (rc == SQLITE_DONE) {
        return art_complain(message, SQLITE_AUTH, "art: an authorizer hides the tables (%s): let art read them",
                            schema);
    }
    if (art_may_lack_wal_files(rc)) return art_report_unreadable(message, db, rc, schema);
    return art_report_host(message, db, rc, "cannot read %s", schema);
}

int art_tables_each(sqlite3 *db, const char *schema, art_table_visit *visit, void *context, char **message) {
    sqlite3_stmt *tables;
    int visited = SQLITE_OK;
    int rc = art_prepare(
        db, 0, &tables,
        sqlite3_mprintf(
            "SELECT name, sql FROM \"%w\".sqlite_master WHERE type = 'table' AND rootpage = 0 AND sql IS NOT NULL",
            schema));
    while (!rc && !visited && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        const char *sql = (const char *)sqlite3_column_text(tables, 1);
        if (!name || !sql) {
            visited = SQLITE_NOMEM;
        } else if (art_definition_is_ours(sql)) {
            visited = visit(context, name, message);
        }
    }
    int end = sqlite3_finalize(tables);
    if (visited) return visited;
    if (!rc) rc = end;
    return rc ? art_report_host(message, db, rc, "cannot read the tables of %s", schema) : SQLITE_OK;
}
