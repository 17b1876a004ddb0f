/* From a table's name in an SQL text to its handle, with a snapshot of its database held.
 *
 *     'objects'         looked up as SQLite does: temp, main, then the attached databases
 *     'main.objects'    schema and name; where there is no such schema or table in it, the whole is a name
 *
 * A function may be called by a statement that reads no table at all, and has then no read transaction: two statements
 * run within it would see two states. So one SELECT on T_artdata stays stepped from art_table_ref_hold() to
 * art_table_ref_release(). Inside a transaction, or a statement that reads the database, this is the snapshot that is
 * there.
 *
 * Looking up a name costs some 20 us, too much for a function that descends a tree in 1 us. What was found is kept,
 * with its SELECT, as long as the name must mean the same:
 *
 *   - a change of the table's schema, by whomever, and every change of temp, DETACH, and a new authorizer make SQLite
 *     prepare the SELECT again, which its counter of such events tells
 *   - names without a schema that were found in an attached database are not kept: a table in a database before it
 *     could come between without a sign. Nor are names with a dot that are no schema and table
 *   - what is kept goes with the handle, so that no statement of ours stands in the way of sqlite3_close() or DETACH;
 *     it is not stepped between the calls, so that DROP TABLE finds nothing locked
 */
#include "core/base/limits.h"
#include "ext/access/access.h"

enum { ATTEMPTS = 10 }; /* tables that a program names in turn; looks while others change the schema */
enum { SEQUENCE_MAIN, SEQUENCE_TEMP };

/* --- one handle by its name --------------------------------------------------------------------------------------- */

/* The first database answers to two names if it was given one of its own. */
static bool is_called(const struct art_vtab *vtab, const char *schema, const char *table) {
    sqlite3 *db = vtab->connection->db;
    if (sqlite3_stricmp(vtab->name->table, table)) return false;
    if (!sqlite3_stricmp(vtab->name->schema, schema)) return true;
    const sqlite3_file *file = art_database_file(db, schema);
    return file && art_database_file(db, vtab->name->schema) == file;
}

static int report_listing(char **message, sqlite3 *db, int rc) {
    if (art_may_lack_wal_files(rc)) return art_report_unreadable(message, db, rc, "the database");
    return art_report_host(message, db, rc, "cannot list the databases (PRAGMA database_list)");
}

/* Has another connection changed the schema? Then SQLite reads it anew. Nobody else changes that of temp. */
static int look_at_schema(sqlite3 *db, const char *schema) {
    return art_run_once(db, sqlite3_mprintf("PRAGMA \"%w\".table_info('')", schema), NULL, 0);
}

/* The schema in which a name alone is found, and its number; *out stays NULL where there is none. Not asked of a table
 * of SQLite's that no CREATE has made, as pragma_database_list: sqlite3_deserialize() frees the schema of those that
 * the connection has used. Of a database that is locked the schema counts that the connection knows, as it does for
 * SQLite; that it is locked is only said where no other one has the table. */
static int find_schema(sqlite3 *db, const char *table, bool fresh, char **out, int *sequence, char **message) {
    sqlite3_stmt *list = NULL;
    int best = -1, locked = SQLITE_OK;
    int rc = sqlite3_prepare_v2(db, "PRAGMA database_list", -1, &list, NULL);
    while (!rc && sqlite3_step(list) == SQLITE_ROW) {
        int number = sqlite3_column_int(list, 0);
        int place = number == SEQUENCE_TEMP ? 0 : number == SEQUENCE_MAIN ? 1 : number;
        const char *schema = (const char *)sqlite3_column_text(list, 1);
        if (!schema || (best >= 0 && place > best)) continue;
        if (fresh && number != SEQUENCE_TEMP) rc = look_at_schema(db, schema);
        if ((rc & 0xff) == SQLITE_BUSY) {
            locked = report_listing(message, db, rc);
            rc = SQLITE_OK;
        }
        if (rc) break;
        int there = sqlite3_table_column_metadata(db, schema, table, NULL, NULL, NULL, NULL, NULL, NULL);
        if (there == SQLITE_ERROR) continue;
        if (there) rc = there;
        if (rc) break;
        best = place;
        *sequence = number;
        sqlite3_free(*out);
        *out = sqlite3_mprintf("%s", schema);
        if (!*out) rc = SQLITE_NOMEM;
    }
    if (rc) rc = report_listing(message, db, rc); /* before the end of the list, which takes SQLite's words away */
    int end = sqlite3_finalize(list);
    if (rc || end) return rc ? rc : report_listing(message, db, end);
    if (!*out) return locked;
    if (locked) art_forget_message(message);
    return SQLITE_OK;
}

/* Which handle SQLite uses, xBestIndex tells: statements that are kept may keep others of that name. And a view is
 * called otherwise than the table that it asks. */
int art_find_vtab(struct art_connection *connection, const char *schema, const char *table, struct art_vtab **out,
                  char **message) {
    sqlite3 *db = connection->db;
    sqlite3_stmt *touch = NULL;
    *out = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\"", schema, table);
    connection->planned = NULL;
    int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &touch, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (!rc && connection->planned && is_called(connection->planned, schema, table)) *out = connection->planned;
    sqlite3_finalize(touch);
    if (!rc || rc == SQLITE_ERROR) return SQLITE_OK;
    return art_report_sql(message, db, rc, "cannot open the table (%s.%s)", schema, table);
}

int art_table_open(struct art_connection *connection, const char *schema, const char *name, struct art_vtab **out,
                   char **message) {
    sqlite3 *db = connection->db;
    int rc = art_find_vtab(connection, schema, name, out, message);
    if (rc) return rc;
    if (!*out) {
        return art_complain(message, SQLITE_ERROR, "art: cannot open the table (%s.%s): %s", schema, name,
                            sqlite3_errcode(db) ? sqlite3_errmsg(db) : "another module has it");
    }
    art_vtab_pin(*out);
    return SQLITE_OK;
}

int art_table_ref_unknown(const char *text, char **message) {
    return art_complain(message, SQLITE_ERROR,
                        "art: there is no art table of that name (%s): give 'table' or "
                        "'schema.table' of one that is there",
                        text);
}

/* *out stays NULL where there is no such table. One that is there and cannot be opened, as for want of a collation,
 * says why in its own words. */
static int open_named(struct art_connection *connection, const char *schema, const char *table, struct art_vtab **out,
                      char **message) {
    sqlite3 *db = connection->db;
    int rc = art_find_vtab(connection, schema, table, out, message);
    if (rc || *out || sqlite3_errcode(db) != SQLITE_ERROR) return rc;
    char *why = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    if (!why) return SQLITE_NOMEM;
    bool there = !sqlite3_table_column_metadata(db, schema, table, NULL, NULL, NULL, NULL, NULL, NULL);
    if (there) rc = art_complain(message, SQLITE_ERROR, "%s", why);
    sqlite3_free(why);
    return rc;
}

static int find_qualified(struct art_connection *connection, const char *text, const char *dot, struct art_vtab **out,
                          char **message) {
    char *schema = sqlite3_mprintf("%.*s", (int)(dot - text), text);
    if (!schema) return SQLITE_NOMEM;
    int rc = SQLITE_OK;
    if (sqlite3_db_readonly(connection->db, schema) >= 0) {
        rc = open_named(connection, schema, dot + 1, out, message);
    }
    sqlite3_free(schema);
    return rc;
}

/* *out stays NULL where there is no such table. *keep: will SQLite's own signs tell when the name means something
 * else? */
static int find_named(struct art_connection *connection, const char *text, bool fresh, struct art_vtab **out,
                      bool *keep, char **message) {
    const char *dot = strchr(text, '.');
    char *schema = NULL;
    int sequence = -1;
    *out = NULL;
    *keep = true;
    int rc = dot ? find_qualified(connection, text, dot, out, message) : SQLITE_OK;
    if (rc || *out) return rc;
    rc = find_schema(connection->db, text, fresh, &schema, &sequence, message);
    if (!rc && schema) rc = open_named(connection, schema, text, out, message);
    *keep = !dot && (sequence == SEQUENCE_MAIN || sequence == SEQUENCE_TEMP);
    sqlite3_free(schema);
    return rc;
}

int art_table_ref_look(struct art_connection *connection, const char *text, bool fresh, struct art_vtab **out,
                       char **message) {
    bool keep;
    int rc = art_shadow_busy(connection, text, message);
    *out = NULL;
    return rc ? rc : find_named(connection, text, fresh, out, &keep, message);
}

/* --- what is kept ------------------------------------------------------------------------------------------------- */

/* In front of the list, from which the oldest falls out: one at a time is held, and that is the newest. */
static void keep_ref(struct art_connection *connection, struct art_table_ref *ref) {
    assert(ref->held && ref->connection == connection);
    ref->next = connection->table_refs;
    connection->table_refs = ref;
    unsigned count = 1;
    for (; ref->next; ref = ref->next) count++;
    if (count > ART_LIMIT(tables_kept)) art_table_ref_free(ref);
}

static struct art_table_ref *find_kept(struct art_connection *connection, const char *text) {
    for (struct art_table_ref **link = &connection->table_refs, *ref; (ref = *link); link = &ref->next) {
        if (strcmp(ref->text, text)) continue;
        *link = ref->next;
        ref->next = connection->table_refs;
        connection->table_refs = ref;
        return ref;
    }
    return NULL;
}

/* The handle, and its name with it, may go while SQLite prepares. */
static int prepare_snapshot(struct art_table_ref *ref, struct art_name *name, char **message) {
    sqlite3 *db = ref->connection->db;
    art_name_hold(name);
    int rc = art_prepare(db, SQLITE_PREPARE_PERSISTENT, &ref->snapshot,
                         sqlite3_mprintf("SELECT csn FROM \"%w\".\"%w_artdata\"", name->schema, name->table));
    if (rc) rc = art_report_sql(message, db, rc, "cannot read %s.%s_artdata", name->schema, name->table);
    art_name_release(name);
    return rc;
}

static int look_up(struct art_connection *connection, const char *text, struct art_table_ref **out, char **message) {
    size_t bytes = strlen(text) + 1;
    struct art_table_ref *ref = art_alloc_zeroed(sizeof *ref + bytes);
    if (!ref) return SQLITE_NOMEM;
    bool keep;
    memcpy(ref->text, text, bytes);
    ref->connection = connection;
    ref->held = true; /* the handle may go while the SELECT is prepared */
    struct art_vtab *vtab;
    int rc = find_named(connection, text, true, &vtab, &keep, message);
    ref->vtab = vtab;
    ref->once = !keep;
    keep_ref(connection, ref);
    if (!rc) rc = vtab ? prepare_snapshot(ref, vtab->name, message) : art_table_ref_unknown(text, message);
    ref->held = false;
    if (rc) art_table_ref_free(ref);
    *out = rc ? NULL : ref;
    return rc;
}

/* --- holding ------------------------------------------------------------------------------------------------------ */

void art_table_ref_release(struct art_table_ref *ref) {
    assert(ref->held);
    struct art_vtab *pinned = ref->pins ? ref->vtab : NULL;
    sqlite3_reset(ref->snapshot);
    ref->held = ref->pins = false;
    if (ref->once || !ref->vtab) art_table_ref_free(ref);
    if (pinned) art_vtab_unpin(pinned);
}

/* Steps the SELECT; *same: the name still means this handle. */
static int hold_ref(struct art_table_ref *ref, bool *same) {
    ref->held = true;
    int rc = art_shadow_step(ref->connection, ref->snapshot);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        rc = SQLITE_OK; /* without a row, the refresh will say what is wrong */
    } else {
        rc = sqlite3_reset(ref->snapshot);
    }
    *same = ref->vtab && !sqlite3_stmt_status(ref->snapshot, SQLITE_STMTSTATUS_REPREPARE, 0);
    return rc;
}

int art_table_ref_hold(struct art_connection *connection, const char *text, struct art_table_ref **out,
                       char **message) {
    sqlite3 *db = connection->db;
    int rc = art_shadow_busy(connection, text, message);
    if (rc) return rc;
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct art_table_ref *ref = find_kept(connection, text);
        bool fresh = !ref, same;
        rc = fresh ? look_up(connection, text, &ref, message) : SQLITE_OK;
        if (rc) return rc;
        rc = hold_ref(ref, &same);
        if (!rc && same) {
            assert(ref->held && !ref->pins);
            art_vtab_pin(ref->vtab);
            ref->pins = true;
            *out = ref;
            return SQLITE_OK;
        }
        ref->once = true;
        bool outdated = rc == SQLITE_ERROR || rc == SQLITE_SCHEMA; /* found by the schema that SQLite has had */
        if (rc && !(outdated && (!fresh || !attempt))) {
            rc = art_report_sql(message, db, rc, "cannot read the log (%s)", text);
            art_table_ref_release(ref);
            return rc;
        }
        art_table_ref_release(ref);
    }
    return art_complain(message, SQLITE_BUSY, "art: the schema changes again and again (%s): try again", text);
}

int art_table_ref_ready(struct art_vtab *vtab, char **message) {
    char **said = &vtab->base.zErrMsg;
    int rc = art_vtab_ready(vtab);
    if (!rc) return SQLITE_OK;
    sqlite3_free(*message);
    *message = *said; /* else SQLite would show it with its own next error */
    *said = NULL;
    return rc;
}

int art_vtab_check_commands(const struct art_vtab *vtab, char **message) {
    const char *table = vtab->name->table;
    if (!art_columns_have(&vtab->columns, table) && !art_columns_hide(&vtab->columns, table)) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR,
                        "art: a table that is called like one of its columns takes no commands (%s): rename it", table);
}
