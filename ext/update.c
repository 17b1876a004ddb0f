/* xUpdate: INSERT, UPDATE, DELETE.
 *
 * A row's path is text; numbers become text as in an ordinary TEXT column. The version belongs to the table: naming it
 * in INSERT, or changing it in UPDATE, is an error. What SQLite passes for columns that an UPDATE does not set differs
 * between versions (sqlite-facts, section 6): "no change", or for UPDATE ... FROM the old value.
 */
#include "ext/ext.h"

enum { HUGE_RECORD = 1 << 20 };

/* argv of INSERT and UPDATE: old key, new key, then the columns. */
enum { ARGUMENT_OLD, ARGUMENT_NEW, ARGUMENT_COLUMNS };

static sqlite3_value *hidden(const struct art_vtab *vtab, int argc, sqlite3_value **argv, enum art_hidden which) {
    int at = ARGUMENT_COLUMNS + (int)vtab->columns.count + which;
    return at < argc ? argv[at] : NULL; /* there may be no column for commands */
}

static bool is_given(sqlite3_value *value) {
    return value && sqlite3_value_type(value) != SQLITE_NULL;
}

static int complain_path(struct art_vtab *vtab, int rc, const char *what, const char *todo) {
    return art_complain(&vtab->base.zErrMsg, rc, "art: %s (%s.path): %s", what, vtab->name->table, todo);
}

static int take_path(struct art_vtab *vtab, sqlite3_value *value, struct art_bytes *out) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
        return art_complain(&vtab->base.zErrMsg, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: %s.path",
                            vtab->name->table);
    case SQLITE_BLOB:
        return complain_path(vtab, SQLITE_MISMATCH, "a BLOB cannot be a path", "CAST it AS TEXT");
    default:
        break;
    }
    const void *data = sqlite3_value_text(value);
    if (!data) return SQLITE_NOMEM;
    *out = art_bytes(data, (uint32_t)sqlite3_value_bytes(value));
    if (out->len <= ART_PATH_MAX) return SQLITE_OK;
    return complain_path(vtab, SQLITE_TOOBIG, "the path is too long", "it may have 65534 bytes");
}

static int not_unique(struct art_vtab *vtab) {
    return art_complain(&vtab->base.zErrMsg, SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: %s.path",
                        vtab->name->table);
}

/* The columns but the first as one record, in a buffer that the next row uses again. */
static int encode(struct art_vtab *vtab, sqlite3_value **argv, struct art_bytes *out) {
    int rc = art_record_encode(&vtab->record, argv + ARGUMENT_COLUMNS + 1, vtab->columns.count - 1);
    if (!rc) *out = art_bytes(vtab->record.data, (uint32_t)vtab->record.len);
    return art_report(&vtab->base.zErrMsg, rc);
}

static enum art_write write_mode(const struct art_vtab *vtab) {
    return sqlite3_vtab_on_conflict(vtab->connection->db) == SQLITE_REPLACE ? ART_WRITE_REPLACE : ART_WRITE_INSERT;
}

/* Rows that a listing has rolled up are no rows. */
static int check_listed(struct art_vtab *vtab, struct art_bytes path) {
    if (!art_listing_has_rolled_up(vtab->table, path)) return SQLITE_OK;
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: a common prefix cannot be changed (%s.path = '%.*s'): leave the delimiter out",
                        vtab->name->table, (int)path.len, (const char *)path.data);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static int insert_row(struct art_vtab *vtab, int argc, sqlite3_value **argv) {
    struct art_bytes path = {0}, value = {0};
    if (is_given(hidden(vtab, argc, argv, ART_HIDDEN_VERSION))) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: the table gives the version itself (%s.version): leave it out", vtab->name->table);
    }
    int rc = take_path(vtab, argv[ARGUMENT_COLUMNS], &path);
    if (!rc) rc = encode(vtab, argv, &value);
    if (rc) return rc;
    enum art_write mode = write_mode(vtab);
    bool existed = false;
    rc = art_report(&vtab->base.zErrMsg, art_tree_insert(vtab->table->tree, mode, path, value, &existed));
    if (rc) return rc;
    return existed && mode == ART_WRITE_INSERT ? not_unique(vtab) : SQLITE_OK;
}

static int check_version(struct art_vtab *vtab, struct art_bytes path, sqlite3_value *version) {
    if (sqlite3_value_nochange(version)) return SQLITE_OK;
    struct art_row row = {0};
    int art_rc = art_tree_get(vtab->table->tree, path, &row);
    uint64_t old = row.version;
    art_row_release(&row);
    if (art_rc == ART_NOTFOUND) return SQLITE_OK;
    if (art_rc) return art_report(&vtab->base.zErrMsg, art_rc);
    if (sqlite3_value_type(version) == SQLITE_INTEGER && (uint64_t)sqlite3_value_int64(version) == old)
        return SQLITE_OK;
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR, "art: the version cannot be set (%s.version): leave it out",
                        vtab->name->table);
}

static int update_row(struct art_vtab *vtab, int argc, sqlite3_value **argv) {
    struct art_bytes from = {0}, to = {0}, value = {0};
    struct art_tree *tree = vtab->table->tree;
    int rc = take_path(vtab, argv[ARGUMENT_OLD], &from);
    if (!rc) rc = take_path(vtab, argv[ARGUMENT_COLUMNS], &to);
    if (!rc) rc = check_listed(vtab, from);
    if (!rc) rc = check_version(vtab, from, hidden(vtab, argc, argv, ART_HIDDEN_VERSION));
    if (rc) return rc;
    if (is_given(hidden(vtab, argc, argv, ART_HIDDEN_COMMAND))) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: a command is given by INSERT INTO %s(%s) VALUES(...)", vtab->name->table,
                            vtab->name->table);
    }
    bool keeps_value = true, existed = false;
    for (unsigned i = 1; i < vtab->columns.count; i++)
        keeps_value &= sqlite3_value_nochange(argv[ARGUMENT_COLUMNS + i]);
    if (!keeps_value) rc = encode(vtab, argv, &value);
    if (rc) return rc;
    enum art_write mode = write_mode(vtab);
    int art_rc = art_tree_move(tree, mode, from, to, keeps_value ? NULL : &value, &existed);
    if (art_rc == ART_NOTFOUND) return SQLITE_OK; /* an earlier row of this statement has replaced it */
    if (art_rc) return art_report(&vtab->base.zErrMsg, art_rc);
    return existed && mode == ART_WRITE_INSERT ? not_unique(vtab) : SQLITE_OK;
}

static int delete_row(struct art_vtab *vtab, sqlite3_value **argv) {
    struct art_bytes path = {0};
    bool existed;
    int rc = take_path(vtab, argv[ARGUMENT_OLD], &path);
    if (!rc) rc = check_listed(vtab, path);
    if (rc) return rc;
    return art_report(&vtab->base.zErrMsg, art_tree_delete(vtab->table->tree, path, &existed));
}

/* --- the transaction's part --------------------------------------------------------------------------------------- */

static int begin(struct art_vtab *vtab) {
    struct art_table *table = vtab->table;
    if (!table || !table->driver || !table->refreshed) {
        int rc = art_vtab_ready(vtab);
        if (rc) return rc;
        table = vtab->table;
        rc = art_table_join(table, vtab, &vtab->base.zErrMsg);
        if (rc) return rc;
        table->refreshed = true;
    }
    art_scans_settle(table);
    return SQLITE_OK;
}

int art_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    int rc = begin(vtab);
    if (rc) return rc;
    if (argc == 1) {
        rc = delete_row(vtab, argv);
    } else if (sqlite3_value_type(argv[ARGUMENT_OLD]) != SQLITE_NULL) {
        rc = update_row(vtab, argc, argv);
    } else if (is_given(hidden(vtab, argc, argv, ART_HIDDEN_COMMAND))) {
        rc = art_command_run(vtab, hidden(vtab, argc, argv, ART_HIDDEN_COMMAND));
    } else {
        rc = insert_row(vtab, argc, argv);
    }
    *rowid = sqlite3_last_insert_rowid(vtab->connection->db);
    if (vtab->record.capacity > HUGE_RECORD) art_buffer_clear(&vtab->record);
    return rc;
}
