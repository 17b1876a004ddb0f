/* Orphan .art files: found for art_info, removed by the command 'clean'.
 *
 * A file is left behind when a process dies between the commit of a DROP and the file's removal, when a transaction
 * that made a table dies, or when the removal fails. One is taken for an orphan of a schema's database only if
 *
 *   - it lies in the database's folder and is called <database>-<table>-<first 8 hex digits of its id>.art
 *   - it is a regular file with a superblock, whose owner page names this database by its inode
 *   - no table x_artstate of the schema, even one that another program made, holds its id or its name; or the one with
 *     its id says that the blobs are in the database, or in a file of another name
 *
 * What is called so and cannot be read, or names another file that had this database's path, is shown, with the reason,
 * and never removed. So is each of them while the file of a table with blobs is missing, cannot be read, or belongs to
 * another database: then the table's shadow tables may be those of another database, as sqldiff writes them, and one of
 * the orphans may be the file that the table had. A reader (art_info) has no lock: what
 * it shows may be the file of a table that another connection is creating in this moment.
 *
 * 'clean' must remove no file that some state of the database needs which may come back, so it takes three steps:
 *
 *   the command   looks, under the write lock that its INSERT holds
 *   xSync         looks again, at what will be committed: what is in use by then is spared. Writes random bytes into
 *                 T_artstate, so that the commit has a page of its own: in a WAL it lies over whatever a killed writer
 *                 left there, and no CREATE that nobody has seen can come back
 *   xCommit       makes the database durable (a DROP that was committed earlier, but not synced, could else come back
 *                 after a power loss), looks at each file once more, and removes it. A ROLLBACK removes nothing.
 */
#include "core/tree/place.h"
#include "ext/host/host.h"
#include "ext/txn/txn.h"

#include <stdio.h>

enum { ID_DIGITS = 8 }; /* of T-<id>.art */

/* --- lists -------------------------------------------------------------------------------------------------------- */

void art_orphan_files_clear(struct art_orphan_files *orphans) {
    for (unsigned i = 0; i < orphans->count; i++) {
        sqlite3_free(orphans->items[i].path);
        sqlite3_free(orphans->items[i].reason);
    }
    art_free(orphans->items);
    *orphans = (struct art_orphan_files){0};
}

/* Takes both texts. */
static int add_orphan(struct art_orphan_files *orphans, const struct art_orphan_file *file) {
    assert(file->path && !(file->known && file->reason));
    struct art_orphan_file *items = NULL;
    if (file->known || file->reason) {
        items = art_resize(orphans->items, (orphans->count + 1) * sizeof *items);
    }
    if (!items) {
        sqlite3_free(file->path);
        sqlite3_free(file->reason);
        return SQLITE_NOMEM;
    }
    orphans->items = items;
    items[orphans->count++] = *file;
    return SQLITE_OK;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* <beginning>...-<8 hex>.art */
static bool is_called_so(const char *name, const char *beginning) {
    size_t len = strlen(name), first = strlen(beginning);
    enum { END = 1 + ID_DIGITS + 4 };
    if (len < first + END || strncmp(name, beginning, first) || name[len - END] != '-') return false;
    return strspn(name + len - END + 1, "0123456789abcdef") == ID_DIGITS && !strcmp(name + len - 4, ".art");
}

static bool digits_are(const char *name, const uint8_t *uuid) {
    assert(strlen(name) > ID_DIGITS + 4); /* is_called_so() has looked */
    char digits[ID_DIGITS + 1];
    snprintf(digits, sizeof digits, "%02x%02x%02x%02x", uuid[0], uuid[1], uuid[2], uuid[3]);
    return !strncmp(name + strlen(name) - ID_DIGITS - 4, digits, ID_DIGITS);
}

/* A file with the right name: ours, somebody else's (left out), or not to be told. */
static enum art_rc look_at_file(const char *host, char *path, struct art_orphan_files *out) {
    struct art_orphan_file file = {.path = path};
    bool ours = false;
    enum art_rc rc = path ? art_file_identify(path, host, file.uuid, &ours) : ART_NOMEM;
    if (rc == ART_NOMEM || rc == ART_MISSING || (!rc && (!ours || !digits_are(path, file.uuid)))) {
        sqlite3_free(path);
        return rc == ART_NOMEM ? rc : ART_OK;
    }
    file.known = !rc;
    if (rc) file.reason = sqlite3_mprintf("%s", rc == ART_NOTFOUND ? "no whole .art file" : art_error_message());
    return add_orphan(out, &file) ? art_nomem() : ART_OK;
}

struct look {
    const char *database, *folder;
    char *beginning;
    struct art_orphan_files *out;
};

static enum art_rc look_at_name(void *context, const char *name) {
    const struct look *look = context;
    if (!is_called_so(name, look->beginning)) return ART_OK;
    return look_at_file(look->database, sqlite3_mprintf("%s%s", look->folder, name), look->out);
}

/* --- what is in use ----------------------------------------------------------------------------------------------- */

/* One of a table's own files is left over when its blobs are in the database, or in a file of another name: a copy with
 * the other storage was put into the database's place. */
static void spare(struct art_orphan_files *orphans, const struct art_state *state) {
    bool inside = art_storage_medium(state->settings.storage)->goes_with_host;
    for (unsigned i = orphans->count; i-- > 0;) {
        assert(strchr(orphans->items[i].path, '/'));
        const char *name = strrchr(orphans->items[i].path, '/') + 1;
        bool own = state->has_id && !memcmp(state->uuid, orphans->items[i].uuid, ART_UUID_BYTES);
        bool named = state->file && !strcmp(state->file, name);
        bool used = own ? !inside && (!state->file_is_sound || named) : named;
        if (!used) continue;
        sqlite3_free(orphans->items[i].path);
        sqlite3_free(orphans->items[i].reason);
        memmove(orphans->items + i, orphans->items + i + 1, (--orphans->count - i) * sizeof *orphans->items);
    }
}

/* Whether a table's file is not there, cannot be read, or belongs to another database. One that is a copy and that no
 * database has claimed, or that had this database's path, is the table's own: the first write or 'adopt' claims it. */
static int look_for_file(const char *path, const char *database, bool *astray, bool *is_anothers) {
    uint8_t uuid[ART_UUID_BYTES];
    bool ours = false;
    enum art_rc rc = path ? art_file_identify(path, database, uuid, &ours) : ART_NOMEM;
    *is_anothers = !rc && !ours;
    *astray = *is_anothers || (rc && rc != ART_FOREIGN);
    return rc == ART_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
}

/* All that are left may be the file that this table had. */
static int keep_for(struct art_orphan_files *orphans, const struct art_state *state) {
    for (unsigned i = 0; i < orphans->count; i++) {
        struct art_orphan_file *file = &orphans->items[i];
        if (!file->known) continue;
        file->reason = sqlite3_mprintf("it stays while a table has the file %s, which is not there, cannot be read, or "
                                       "belongs to another database: this one may be that table's",
                                       state->file);
        if (!file->reason) return SQLITE_NOMEM;
        file->known = false;
        file->kept = true;
    }
    return SQLITE_OK;
}

/* Is the table with this state without its file? A table that has never been flushed has none. */
static int keep_if_astray(const char *database, struct art_orphan_files *orphans, const struct art_state *state) {
    bool astray, is_anothers;
    bool inside = art_storage_medium(state->settings.storage)->goes_with_host;
    bool has_file = !inside && state->file_is_sound && state->root.len;
    if (!has_file || !orphans->count) return SQLITE_OK;
    const char *beside = orphans->items[0].path;
    int folder = (int)(strrchr(beside, '/') + 1 - beside);
    char *path = sqlite3_mprintf("%.*s%s", folder, beside, state->file);
    int rc = look_for_file(path, database, &astray, &is_anothers);
    sqlite3_free(path);
    return rc || !astray ? rc : keep_for(orphans, state);
}

/* To an authorizer that answers "ignore", values are NULL, or there are no rows at all, and no error says so. What
 * removes unused files must know that it has seen all tables: at least the one that is being cleaned. */
static int complain_of_hidden_tables(const char *schema, char **message) {
    return art_complain(message, SQLITE_AUTH, "art: an authorizer hides the tables (%s): let art read them", schema);
}

/* Any table may be called x_artstate: what is none of ours has no such columns. *hidden: nothing but NULLs, which no
 * table of ours holds. */
static int spare_by_state(struct art_connection *connection, const char *schema, const char *table,
                          struct art_orphan_files *orphans, bool *hidden, bool *seen) {
    struct art_state state;
    int rc = art_state_read(&(struct art_state_query){connection, connection->db, schema, .table = table}, &state);
    bool shown = state.keys_shown && state.values_shown;
    *hidden |= state.any && !shown;
    *seen |= shown;
    if (!rc) {
        spare(orphans, &state);
        rc = keep_if_astray(sqlite3_db_filename(connection->db, schema), orphans, &state);
        assert(rc != SQLITE_ERROR);
    }
    art_state_clear(&state);
    return rc == SQLITE_ERROR ? SQLITE_OK : rc;
}

static int spare_used(struct art_connection *connection, const char *schema, struct art_orphan_files *orphans,
                      char **message) {
    sqlite3 *db = connection->db;
    sqlite3_stmt *tables = NULL;
    bool hidden = false, seen = false;
    char *sql =
        sqlite3_mprintf("SELECT substr(name, 1, length(name) - 9) FROM \"%w\".sqlite_schema WHERE type = 'table' "
                        "AND lower(substr(name, -9)) = '_artstate'",
                        schema);
    if (!sql) return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(db, sql, -1, &tables, NULL);
    sqlite3_free(sql);
    while (!rc && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        if (name) rc = spare_by_state(connection, schema, name, orphans, &hidden, &seen);
    }
    if (rc) rc = art_report_host(message, db, rc, "cannot read the tables (%s)", schema);
    int end = sqlite3_finalize(tables);
    if (!rc && end) rc = art_report_host(message, db, end, "cannot read the tables (%s)", schema);
    return rc || (seen && !hidden) ? rc : complain_of_hidden_tables(schema, message);
}

int art_orphan_files_find(struct art_connection *connection, const char *schema, struct art_orphan_files *out,
                          char **message) {
    sqlite3 *db = connection->db;
    char *folder;
    int rc = art_database_folder(db, schema, &folder);
    if (rc || !folder) return rc;
    struct look look = {sqlite3_db_filename(db, schema), folder, art_file_beginning(db, schema), out};
    rc = art_report(message, look.beginning ? art_folder_list(folder, look_at_name, &look) : art_nomem());
    sqlite3_free(look.beginning);
    if (!rc && out->count) rc = spare_used(connection, schema, out, message);
    art_free(folder);
    if (rc) art_orphan_files_clear(out);
    return rc;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* A table whose id is lost may need any of the files. */
static int check_table(struct art_connection *connection, const char *schema, const char *table, char **message) {
    struct art_vtab *vtab;
    struct art_state state;
    int rc = art_find_vtab(connection, schema, table, &vtab, message);
    int primary = rc & 0xff;
    if (primary == SQLITE_NOMEM || primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY) return rc;
    art_forget_message(message);
    if (!vtab) return SQLITE_OK;                       /* of another module, which may have its own troubles */
    struct art_name *name = art_name_hold(vtab->name); /* the handle may go while SQLite prepares */
    rc = art_shadow_read_state(connection, name, NULL, &state, message);
    if (!rc) art_state_clear(&state);
    art_name_release(name);
    return rc;
}

static int check_tables(struct art_connection *connection, const char *schema, char **message) {
    sqlite3_stmt *tables = NULL;
    sqlite3 *db = connection->db;
    char *sql = sqlite3_mprintf("SELECT name FROM \"%w\".sqlite_schema WHERE type = 'table' AND rootpage = 0", schema);
    if (!sql) return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(db, sql, -1, &tables, NULL);
    sqlite3_free(sql);
    if (rc) return art_report_host(message, db, rc, "cannot read the tables (%s)", schema);
    bool seen = false;
    while (!rc && sqlite3_step(tables) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(tables, 0);
        seen |= name != NULL;
        if (name) rc = check_table(connection, schema, name, message);
    }
    int end = sqlite3_finalize(tables);
    if (!rc && end) rc = art_report_host(message, db, end, "cannot read the tables (%s)", schema);
    return rc || seen ? rc : complain_of_hidden_tables(schema, message);
}

int art_clean_look(struct art_table *table, char **message) {
    assert(table->owner);
    struct art_connection *connection = table->connection;
    struct art_name *name = art_name_hold(table->name); /* a statement that fails may bring another one back */
    art_orphan_files_clear(&table->orphans);
    int rc = check_tables(connection, name->schema, message);
    if (!rc) rc = art_orphan_files_find(connection, name->schema, &table->orphans, message);
    art_name_release(name);
    return rc;
}

int art_clean_prepare(struct art_table *table, char **message) {
    assert(table->owner && table->requested & ART_REQUEST_CLEAN);
    if (!table->orphans.count) return SQLITE_OK;
    int rc = spare_used(table->connection, table->name->schema, &table->orphans, message);
    if (rc || !table->orphans.count) return rc;
    rc = art_report(message, art_journal_write_nonce(table));
    return rc ? rc : art_journal_prepare_to_harden(table, message);
}

/* Also under a name that came into T_artstate with this very commit. */
static bool is_in_use(const struct art_connection *connection, const char *path) {
    for (unsigned chain = 0; chain < ART_TABLE_CHAINS; chain++) {
        for (const struct art_table *table = connection->tables[chain]; table; table = table->next) {
            if (table->path && !strcmp(table->path, path)) return true;
        }
    }
    return false;
}

void art_clean_finish(struct art_table *table) {
    assert(table->owner && table->stage == ART_STAGE_PREPARED);
    struct art_orphan_files *orphans = &table->orphans;
    if (!orphans->count || art_journal_harden(table)) return;
    for (unsigned i = 0; i < orphans->count; i++) {
        const struct art_orphan_file *file = &orphans->items[i];
        if (!file->known || is_in_use(table->connection, file->path)) continue;
        if (art_file_belongs(file->path, table->database, file->uuid)) art_file_remove(file->path);
    }
}

int art_clean_allow_adoption(struct art_table *table, char **message) {
    struct art_orphan_files orphans = {0};
    bool astray, is_anothers;
    if (art_tree_medium(table->tree)->goes_with_host) return SQLITE_OK;
    int rc = look_for_file(table->path, table->database, &astray, &is_anothers);
    if (rc || !is_anothers) return rc;
    struct art_name *name = art_name_hold(table->name);
    rc = art_orphan_files_find(table->connection, name->schema, &orphans, message);
    for (unsigned i = 0; !rc && i < orphans.count; i++) {
        if (!orphans.items[i].kept) continue;
        rc = art_complain(
            message, SQLITE_ERROR,
            "art: the .art file is that of another database, and one that is this database's own lies there unused "
            "(%s, %s): the table may have got the other one's shadow tables, as sqldiff writes them: copy the rows of "
            "its own file out by art_salvage and DROP the table, or move that file away, then 'adopt'",
            table->path, orphans.items[i].path);
    }
    art_name_release(name);
    art_orphan_files_clear(&orphans);
    return rc;
}
