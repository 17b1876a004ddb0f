/* The shadow tables, and all SQL that is run on them. SQLite protects (DEFENSIVE) only names with no other '_' behind
 * the table's own.
 *
 *     T_artstate(k TEXT PRIMARY KEY, v) WITHOUT ROWID     format, id, file, columns, the options, nonce, retired, root
 *                                                         (a copy for salvage), features (state.c), snapshots
 *                                                         (table/snapshots.c); columns without meaning may follow k and
 *                                                         v
 *     T_artdata(csn INTEGER PRIMARY KEY, ops BLOB)        row 0: the root; then one row a transaction
 *     T_artblob(page INTEGER PRIMARY KEY, data ART_BLOB)  with storage=inline: host/inline_blobs.c
 *
 * What stands in them may be anything when DEFENSIVE is off: it is checked by state.c (T_artstate) or in core
 * (T_artdata). A table's own rows are read and written by table/shadow_rows.c.
 */
#include "core/base/format.h"
#include "ext/schema/schema.h"

#include <stdio.h>

enum { FILE_NAME_BYTES_MAX = 255 }; /* as file systems have it */

/* Beginnings of the names of columns of T_artstate. Behind the second one comes a number. */
static const char added[] = "added: ", summary_option[] = "summary ";

/* --- making, dropping, renaming ----------------------------------------------------------------------------------- */

static int run(sqlite3 *db, char **message, char *sql) {
    if (!sql) return SQLITE_NOMEM;
    char *error = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &error);
    sqlite3_free(sql);
    if (rc && rc != SQLITE_NOMEM) art_report_own(message, rc, error ? error : sqlite3_errmsg(db));
    sqlite3_free(error);
    return rc;
}

static int put_state(sqlite3_stmt *statement, const char *key) {
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

static int fill_state(sqlite3_stmt *put, const uint8_t *uuid, const struct art_settings *settings, const char *file,
                      const struct art_columns *columns) {
    sqlite3_bind_int(put, 2, ART_FORMAT);
    int rc = put_state(put, "format");
    if (rc) return rc;
    sqlite3_bind_blob(put, 2, uuid, ART_UUID_BYTES, SQLITE_STATIC);
    rc = put_state(put, "id");
    if (rc) return rc;
    sqlite3_bind_text(put, 2, file, -1, SQLITE_STATIC);
    rc = put_state(put, "file");
    if (rc) return rc;
    char *text = art_columns_show(columns);
    rc = text ? sqlite3_bind_text(put, 2, text, -1, sqlite3_free) : SQLITE_NOMEM;
    if (!rc) rc = put_state(put, "columns");
    const char *key;
    for (unsigned i = 0; !rc && art_settings_show(settings, i, &key, &text); i++) {
        rc = text ? sqlite3_bind_text(put, 2, text, -1, sqlite3_free) : SQLITE_NOMEM;
        if (!rc) rc = put_state(put, key);
    }
    return rc;
}

static int fill_log(sqlite3_stmt *put, const uint8_t *uuid) {
    uint8_t root[ART_ROOT_INITIAL_MAX];
    uint32_t len = art_tree_initial_root(uuid, root);
    assert(len && len <= sizeof root);
    sqlite3_bind_int(put, 1, 0);
    sqlite3_bind_blob(put, 2, root, (int)len, SQLITE_STATIC);
    sqlite3_step(put);
    return sqlite3_reset(put);
}

int art_shadow_create_blobs(sqlite3 *db, const struct art_name *name, char **message) {
    return run(db, message,
               sqlite3_mprintf("CREATE TABLE \"%w\".\"%w_artblob\"(page INTEGER PRIMARY KEY, data ART_BLOB)",
                               name->schema, name->table));
}

/* A type of our own tells it from a table of the user's. */
int art_shadow_has_blobs(sqlite3 *db, const struct art_name *name, bool *has) {
    const char *type = NULL;
    *has = false;
    char *table = sqlite3_mprintf("%s_artblob", name->table);
    if (!table) return SQLITE_NOMEM;
    int rc = sqlite3_table_column_metadata(db, name->schema, table, "data", &type, NULL, NULL, NULL, NULL);
    *has = !rc && type && !strcmp(type, "ART_BLOB");
    sqlite3_free(table);
    return rc == SQLITE_ERROR ? SQLITE_OK : rc; /* SQLITE_ERROR: there is none */
}

int art_shadow_create(sqlite3 *db, const struct art_name *name, char **message) {
    const char *schema = name->schema, *table = name->table;
    return run(db, message,
               sqlite3_mprintf("CREATE TABLE \"%w\".\"%w_artstate\"(k TEXT PRIMARY KEY, v) WITHOUT ROWID;"
                               "CREATE TABLE \"%w\".\"%w_artdata\"(csn INTEGER PRIMARY KEY, ops BLOB)",
                               schema, table, schema, table));
}

int art_shadow_fill(sqlite3 *db, const struct art_name *name, const uint8_t *uuid, const struct art_settings *settings,
                    const char *file, const struct art_columns *columns, char **message) {
    assert(settings->storage != ART_STORAGE_AUTO); /* art_storage_resolve() has chosen */
    const char *schema = name->schema, *table = name->table;
    bool inlined = art_storage_medium(settings->storage)->goes_with_host;
    int rc = inlined ? art_shadow_create_blobs(db, name, message) : SQLITE_OK;
    if (rc) return rc;
    sqlite3_stmt *state = NULL, *log = NULL;
    sqlite3_int64 rowid = sqlite3_last_insert_rowid(db);
    rc = art_prepare(
        db, 0, &state,
        sqlite3_mprintf("INSERT OR REPLACE INTO \"%w\".\"%w_artstate\"(k, v) VALUES(?1, ?2)", schema, table));
    if (!rc) rc = fill_state(state, uuid, settings, file, columns);
    if (!rc)
        rc = art_prepare(
            db, 0, &log,
            sqlite3_mprintf("INSERT OR REPLACE INTO \"%w\".\"%w_artdata\"(csn, ops) VALUES(?1, ?2)", schema, table));
    if (!rc) rc = fill_log(log, uuid);
    if (rc) rc = art_report_sql(message, db, rc, "cannot fill the shadow tables of %s.%s", schema, table);
    sqlite3_finalize(state);
    sqlite3_finalize(log);
    sqlite3_set_last_insert_rowid(db, rowid);
    return rc;
}

int art_shadow_drop(sqlite3 *db, const struct art_name *name, char **message) {
    const char *schema = name->schema, *table = name->table;
    bool has_blobs;
    int rc = art_shadow_has_blobs(db, name, &has_blobs);
    if (!rc && has_blobs) rc = run(db, message, sqlite3_mprintf("DROP TABLE \"%w\".\"%w_artblob\"", schema, table));
    if (rc) return rc;
    return run(
        db, message,
        sqlite3_mprintf("DROP TABLE IF EXISTS \"%w\".\"%w_artstate\"; DROP TABLE IF EXISTS \"%w\".\"%w_artdata\"",
                        schema, table, schema, table));
}

int art_shadow_rename(sqlite3 *db, const struct art_name *name, const char *to, char **message) {
    const char *schema = name->schema, *table = name->table;
    bool has_blobs;
    int rc = art_shadow_has_blobs(db, name, &has_blobs);
    if (!rc && has_blobs)
        rc = run(db, message,
                 sqlite3_mprintf("ALTER TABLE \"%w\".\"%w_artblob\" RENAME TO \"%w_artblob\"", schema, table, to));
    if (rc) return rc;
    return run(db, message,
               sqlite3_mprintf("ALTER TABLE \"%w\".\"%w_artstate\" RENAME TO \"%w_artstate\";"
                               "ALTER TABLE \"%w\".\"%w_artdata\" RENAME TO \"%w_artdata\"",
                               schema, table, to, schema, table, to));
}

/* --- T_artstate --------------------------------------------------------------------------------------------------- */

/* A plain name in the database's own folder, with the id's first digits at its end: no name that a database, its
 * journal or anything else of the folder has by itself. Opening and closing a database's file as if it were ours would
 * already do harm, it drops the locks that SQLite has on it. */
bool art_shadow_file_name_is_sound(const char *text, const uint8_t uuid[ART_UUID_BYTES]) {
    char end[32];
    size_t len = strlen(text);
    int n = snprintf(end, sizeof end, "-%02x%02x%02x%02x.art", uuid[0], uuid[1], uuid[2], uuid[3]);
    return len > (size_t)n && len <= FILE_NAME_BYTES_MAX && !strchr(text, '/') && !strcmp(text + len - n, end);
}

/* The name of column `i` of T_artstate behind `beginning`, or NULL. */
static const char *name_behind(sqlite3_stmt *all, const char *table, int i, const char *beginning) {
    const char *text = sqlite3_column_name(all, i);
    size_t n = strlen(table), len = strlen(beginning);
    if (!text) return NULL;
    if (!strncmp(text, table, n) && !strncmp(text + n, "_artstate.", 10)) text += n + 10; /* PRAGMA full_column_names */
    return strncmp(text, beginning, len) ? NULL : text + len;
}

static int take_summary(const char *numbered, char **summary) {
    const char *list = strstr(numbered, ": ");
    if (!list || !summary) return SQLITE_OK;
    art_free(*summary);
    return art_summary_option(list + 2, summary);
}

/* Preparing reads the schema and no page: within BEGIN no snapshot is taken and no lock is held afterwards.
 * SQLITE_ERROR, SQLITE_AUTH: there is no T_artstate, or it may not be read. */
int art_shadow_changes(sqlite3 *db, const struct art_name *name, struct art_columns *columns, bool *sound,
                       char **summary) {
    sqlite3_stmt *all = NULL;
    *sound = true;
    if (summary) *summary = NULL;
    int rc =
        art_prepare(db, 0, &all, sqlite3_mprintf("SELECT * FROM \"%w\".\"%w_artstate\"", name->schema, name->table));
    if (!rc && !sqlite3_column_count(all)) rc = SQLITE_AUTH; /* an authorizer has answered "ignore" */
    for (int i = 0; !rc && i < sqlite3_column_count(all); i++) {
        const char *numbered = name_behind(all, name->table, i, summary_option);
        if (numbered) rc = take_summary(numbered, summary);
        const char *definition = rc ? NULL : name_behind(all, name->table, i, added);
        if (!definition) continue;
        char *ignored = NULL;
        int failed = art_columns_append(columns, name->table, definition, &ignored);
        sqlite3_free(ignored);
        if (failed == SQLITE_NOMEM) rc = SQLITE_NOMEM;
        if (failed) *sound = false;
    }
    sqlite3_finalize(all);
    return rc;
}

/* How many columns T_artstate has. */
static int state_width(sqlite3 *db, const struct art_name *name, int *out, char **message) {
    sqlite3_stmt *all = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w_artstate\"", name->schema, name->table);
    int rc = art_prepare(db, 0, &all, sql);
    *out = sqlite3_column_count(all);
    sqlite3_finalize(all);
    if (!rc) return SQLITE_OK;
    return art_report_sql(message, db, rc, "cannot read %s.%s_artstate", name->schema, name->table);
}

/* Takes the column's name over. An authorizer may see to it that nothing happens, without an error. */
static int widen_state(sqlite3 *db, const struct art_name *name, int width, char *column, char **message) {
    int now = 0;
    if (!column) return SQLITE_NOMEM;
    int rc =
        run(db, message,
            sqlite3_mprintf("ALTER TABLE \"%w\".\"%w_artstate\" ADD COLUMN \"%w\"", name->schema, name->table, column));
    sqlite3_free(column);
    if (!rc) rc = state_width(db, name, &now, message);
    if (rc || now != width) return rc;
    return art_complain(message, SQLITE_AUTH, "art: cannot alter %s.%s_artstate: not authorized", name->schema,
                        name->table);
}

/* All handles, of this connection and of others, must come to declare the new column: SQLite has to read the schema
 * anew, and again when this is taken back. ALTER TABLE does that, ADD COLUMN also while other statements run and where
 * a view elsewhere in the schema is broken. So T_artstate gets a column that holds nothing with each one that T gets,
 * and its name is the definition. */
int art_shadow_add_column(sqlite3 *db, const struct art_name *name, const char *definition, char **message) {
    int width;
    int rc = state_width(db, name, &width, message);
    return rc ? rc : widen_state(db, name, width, sqlite3_mprintf("%s%s", added, definition), message);
}

/* Handles must come to know it as they come to know a column. The last one counts; by its number the same one may come
 * again. */
int art_shadow_set_summary(sqlite3 *db, const struct art_name *name, const char *list, char **message) {
    int width;
    int rc = state_width(db, name, &width, message);
    return rc ? rc
              : widen_state(db, name, width, sqlite3_mprintf("%s%d: %s", summary_option, width, list ? list : ""),
                            message);
}
