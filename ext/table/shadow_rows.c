/* A table's rows in T_artstate and T_artdata, read and written by statements that the table keeps.
 *
 * Statements are prepared with SQLITE_PREPARE_NO_VTAB, so that a view or a virtual table under the
 * shadow table's name is an error and not a way in. They never stay stepped, else DROP TABLE would find them locked.
 */
#include "ext/table/table.h"

static const char *const statement_texts[ART_STATEMENTS] = {
    /* By csn: else PRAGMA reverse_unordered_selects turns it round. */
    [ART_LOG_ROOT] = "SELECT csn, CASE WHEN csn <= 0 THEN ops END FROM \"%w\".\"%w_artdata\" ORDER BY csn",
    [ART_LOG_READ] = "SELECT csn, ops FROM \"%w\".\"%w_artdata\" WHERE csn >= ?1 ORDER BY csn",
    [ART_LOG_READ_ROWS] = "SELECT ops FROM \"%w\".\"%w_artdata\" WHERE csn >= ?1 AND csn < ?2 ORDER BY csn",
    [ART_LOG_CLEAR] = "DELETE FROM \"%w\".\"%w_artdata\"",
    [ART_LOG_SPEND] = "DELETE FROM \"%w\".\"%w_artdata\" WHERE csn BETWEEN 1 AND ?1",
    [ART_LOG_PUT] = "INSERT OR REPLACE INTO \"%w\".\"%w_artdata\"(csn, ops) VALUES(?1, ?2)",
    [ART_STATE_GET] = "SELECT v FROM \"%w\".\"%w_artstate\" WHERE k = ?1",
    [ART_STATE_PUT] = "INSERT OR REPLACE INTO \"%w\".\"%w_artstate\"(k, v) VALUES(?1, ?2)",
    [ART_STATE_REMOVE] = "DELETE FROM \"%w\".\"%w_artstate\" WHERE k = ?1",
    [ART_BLOB_READ] = "SELECT data FROM \"%w\".\"%w_artblob\" WHERE page = ?1",
    [ART_BLOB_READ_ROWS] = "SELECT data FROM \"%w\".\"%w_artblob\" WHERE page >= ?1 AND page < ?2 ORDER BY page",
    [ART_BLOB_WRITE] = "INSERT INTO \"%w\".\"%w_artblob\"(page, data) VALUES(?1, ?2)",
    [ART_BLOB_REMOVE] = "DELETE FROM \"%w\".\"%w_artblob\" WHERE page >= ?1 AND page < ?2",
    [ART_BLOB_LAST] = "SELECT max(page), length(data) FROM \"%w\".\"%w_artblob\"",
};

int art_shadow_statement(struct art_table *table, enum art_statement which, sqlite3_stmt **out, char **message) {
    const struct art_name *name = table->name;
    if (table->stale) art_shadow_finalize(table);
    *out = table->statements[which];
    if (*out) return SQLITE_OK;
    sqlite3 *db = table->connection->db;
    char *sql = sqlite3_mprintf(statement_texts[which], name->schema, name->table, name->schema, name->table);
    int rc = art_prepare(db, SQLITE_PREPARE_PERSISTENT, &table->statements[which], sql);
    if (rc) return art_report_sql(message, db, rc, "the shadow tables of %s.%s", name->schema, name->table);
    *out = table->statements[which];
    return SQLITE_OK;
}

/* A statement that fails may roll the whole transaction back under itself, names and tables included. It is finalized
 * when it has returned. */
void art_shadow_finalize(struct art_table *table) {
    table->stale = table->connection->stepping > 0;
    if (table->stale) return;
    for (int i = 0; i < ART_STATEMENTS; i++) {
        sqlite3_finalize(table->statements[i]);
        table->statements[i] = NULL;
    }
}

int art_shadow_find(struct art_table *table, const char *key, struct art_buffer *out, bool *there, char **message) {
    sqlite3_stmt *get;
    *there = false;
    int rc = art_shadow_statement(table, ART_STATE_GET, &get, message);
    if (rc) return rc;
    sqlite3_bind_text(get, 1, key, -1, SQLITE_STATIC);
    bool nomem = false;
    if (art_shadow_step(table->connection, get) == SQLITE_ROW) {
        *there = true;
        const void *data = sqlite3_column_blob(get, 0);
        int len = sqlite3_column_bytes(get, 0);
        if (data) nomem = art_buffer_append(out, data, (size_t)len) != ART_OK;
    }
    rc = sqlite3_reset(get);
    if (nomem) return SQLITE_NOMEM;
    if (!rc) return SQLITE_OK;
    return art_report_sql(message, table->connection->db, rc, "cannot read %s.%s_artstate", table->name->schema,
                          table->name->table);
}

int art_shadow_get(struct art_table *table, const char *key, struct art_buffer *out, char **message) {
    bool there;
    return art_shadow_find(table, key, out, &there, message);
}

int art_shadow_get_file(struct art_table *table, char **out, char **message) {
    struct art_buffer name = {0};
    *out = NULL;
    int rc = art_shadow_get(table, "file", &name, message);
    if (!rc && art_buffer_append(&name, "", 1)) rc = SQLITE_NOMEM;
    char *file = (char *)name.data;
    if (!rc && strlen(file) + 1 == name.len && art_shadow_file_name_is_sound(file, table->uuid)) {
        *out = file;
        return SQLITE_OK;
    }
    art_buffer_clear(&name);
    return rc;
}

/* An authorizer may answer "ignore": the statement then does nothing, says that all is well, and stays so when the
 * authorizer is gone. Where this fails, all statements are prepared anew. */
static int put_shadow_row(struct art_table *table, sqlite3_stmt *put, char **message, const char *which) {
    sqlite3 *db = table->connection->db;
    sqlite3_int64 before = sqlite3_total_changes64(db);
    art_shadow_step(table->connection, put);
    int rc = sqlite3_reset(put);
    const struct art_name *name = table->name; /* perhaps not the one before */
    if (rc) {
        rc = art_report_sql(message, db, rc, "cannot write %s.%s_%s", name->schema, name->table, which);
    } else if (sqlite3_total_changes64(db) == before) {
        rc = art_complain(message, SQLITE_AUTH, "art: cannot write %s.%s_%s: not authorized", name->schema, name->table,
                          which);
    }
    if (rc) art_shadow_finalize(table);
    return rc;
}

int art_shadow_put(struct art_table *table, const char *key, const void *data, uint64_t len, char **message) {
    sqlite3_stmt *put;
    int rc = art_shadow_statement(table, ART_STATE_PUT, &put, message);
    if (rc) return rc;
    sqlite3_bind_text(put, 1, key, -1, SQLITE_STATIC);
    rc = sqlite3_bind_blob64(put, 2, len ? data : "", len, SQLITE_STATIC);
    if (!rc) rc = put_shadow_row(table, put, message, "artstate");
    if (!rc) sqlite3_bind_null(put, 2);
    return rc;
}

int art_shadow_put_text(struct art_table *table, const char *key, const char *text, char **message) {
    sqlite3_stmt *put;
    int rc = art_shadow_statement(table, ART_STATE_PUT, &put, message);
    if (rc) return rc;
    sqlite3_bind_text(put, 1, key, -1, SQLITE_STATIC);
    rc = sqlite3_bind_text(put, 2, text, -1, SQLITE_STATIC);
    if (!rc) rc = put_shadow_row(table, put, message, "artstate");
    if (!rc) sqlite3_bind_null(put, 2);
    return rc;
}

int art_shadow_remove(struct art_table *table, const char *key, char **message) {
    sqlite3_stmt *remove_row;
    int rc = art_shadow_statement(table, ART_STATE_REMOVE, &remove_row, message);
    if (rc) return rc;
    sqlite3_bind_text(remove_row, 1, key, -1, SQLITE_STATIC);
    return put_shadow_row(table, remove_row, message, "artstate");
}

int art_shadow_is_ours(struct art_table *table, bool *ours, char **message) {
    const struct art_name *name = table->name;
    sqlite3 *db = table->connection->db;
    struct art_buffer id = {0};
    int rc = art_shadow_get(table, "id", &id, message);
    if (!rc && id.len != ART_UUID_BYTES) { /* prepared under an authorizer that is gone? */
        art_shadow_finalize(table);
        id.len = 0;
        rc = art_shadow_get(table, "id", &id, message);
    }
    bool there = true;
    if (rc == SQLITE_CORRUPT_VTAB) { /* perhaps there is no table at all: then it is not ours, which is an answer */
        char *state = sqlite3_mprintf("%s_artstate", name->table);
        if (!state) return SQLITE_NOMEM;
        there =
            sqlite3_table_column_metadata(db, name->schema, state, "v", NULL, NULL, NULL, NULL, NULL) != SQLITE_ERROR;
        sqlite3_free(state);
        if (!there) rc = SQLITE_OK;
    }
    if (!rc) art_forget_message(message);
    if (!rc && there && id.len != ART_UUID_BYTES) { /* or an authorizer hides it */
        rc = art_complain(message, SQLITE_CORRUPT_VTAB, "art: the table's id cannot be read (%s.%s_artstate)",
                          name->schema, name->table);
        art_shadow_finalize(table);
    }
    *ours = !rc && there && id.len == ART_UUID_BYTES && memcmp(id.data, table->uuid, ART_UUID_BYTES) == 0;
    art_buffer_clear(&id);
    return rc;
}

/* The root; and where all is read, the number of the row behind it. */
static int hand_over_root(struct art_table *table, sqlite3_stmt *root, bool all, enum art_rc *art_rc) {
    int rc = SQLITE_ROW, count = all ? 2 : 1;
    for (int i = 0; i < count && !*art_rc && (rc = art_shadow_step(table->connection, root)) == SQLITE_ROW; i++) {
        sqlite3_int64 csn = sqlite3_column_int64(root, 0);
        if (i && csn >= (sqlite3_int64)art_tree_refresh_from(table->tree)) break;
        struct art_bytes ops = art_bytes(sqlite3_column_blob(root, 1), (uint32_t)sqlite3_column_bytes(root, 1));
        *art_rc = art_tree_refresh_row(table->tree, (uint64_t)csn, ops);
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int hand_over_rows(struct art_table *table, sqlite3_stmt *rows, enum art_rc *art_rc) {
    sqlite3_int64 last = -1;
    sqlite3_bind_int64(rows, 1, (sqlite3_int64)art_tree_refresh_from(table->tree));
    while (!*art_rc && art_shadow_step(table->connection, rows) == SQLITE_ROW) {
        sqlite3_int64 csn = sqlite3_column_int64(rows, 0);
        struct art_bytes ops = art_bytes(sqlite3_column_blob(rows, 1), (uint32_t)sqlite3_column_bytes(rows, 1));
        if (csn <= last) *art_rc = art_corrupt("the log", ART_NOWHERE, ART_NOWHERE, "rows come out of order");
        last = csn;
        if (!*art_rc) *art_rc = art_tree_refresh_row(table->tree, (uint64_t)csn, ops);
    }
    return sqlite3_reset(rows);
}

/* One attempt of a refresh. *rebuild: what is in memory is not continued; try once more. */
int art_shadow_read_log(struct art_table *table, char **message, bool *rebuild) {
    sqlite3_stmt *root, *rows;
    uint64_t from;
    *rebuild = false;
    enum art_rc art_rc = art_tree_refresh_begin(table->tree, &from);
    if (art_rc) return art_report(message, art_rc);
    int rc = art_shadow_statement(table, ART_LOG_ROOT, &root, message);
    if (!rc) rc = art_shadow_statement(table, ART_LOG_READ, &rows, message);
    if (rc) {
        art_tree_refresh_abort(table->tree);
        return rc;
    }
    rc = hand_over_root(table, root, !from, &art_rc); /* stays stepped: so both see one snapshot */
    if (!rc && !art_rc) rc = hand_over_rows(table, rows, &art_rc);
    int root_rc = sqlite3_reset(root);
    if (!rc) rc = root_rc;
    if (!rc && !art_rc) art_rc = art_tree_refresh_end(table->tree);
    if (!rc && !art_rc) return SQLITE_OK;
    *rebuild = art_rc == ART_REBUILD;
    if (art_rc) {
        rc = art_report(message, art_rc);
    } else {
        rc = art_report_sql(message, table->connection->db, rc, "cannot read %s.%s_artdata", table->name->schema,
                            table->name->table);
    }
    art_tree_refresh_abort(table->tree);
    art_shadow_finalize(table);
    return rc;
}

/* A statement of its own: the kept one begins with the root and leaves out what nobody reads. */
enum art_rc art_shadow_each_log_row(struct art_connection *connection, const char *schema, const char *table,
                                    int64_t from, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                    void *to) {
    sqlite3_stmt *rows = NULL;
    int rc = art_prepare(connection->db, 0, &rows,
                         sqlite3_mprintf("SELECT csn, ops FROM \"%w\".\"%w_artdata\" WHERE csn >= %lld ORDER BY csn",
                                         schema, table, from));
    enum art_rc art_rc = ART_OK;
    while (!rc && !art_rc && (rc = art_shadow_step(connection, rows)) == SQLITE_ROW) {
        struct art_bytes ops = art_bytes(sqlite3_column_blob(rows, 1), (uint32_t)sqlite3_column_bytes(rows, 1));
        art_rc = ops.len && !ops.data ? art_nomem() : row(to, sqlite3_column_int64(rows, 0), ops);
        rc = SQLITE_OK;
    }
    if (rc && rc != SQLITE_DONE && !art_rc) art_rc = art_fail_sql(connection->db, rc, "cannot read the log");
    sqlite3_finalize(rows);
    return art_rc;
}

static int put_log(struct art_table *table, uint64_t csn, struct art_bytes ops, char **message) {
    assert(table->owner && ops.data && ops.len);
    sqlite3_stmt *put;
    int rc = art_shadow_statement(table, ART_LOG_PUT, &put, message);
    if (rc) return rc;
    sqlite3_bind_int64(put, 1, (sqlite3_int64)csn);
    rc = sqlite3_bind_blob64(put, 2, ops.data, ops.len, SQLITE_STATIC);
    if (!rc) rc = put_shadow_row(table, put, message, "artdata");
    if (!rc) sqlite3_bind_null(put, 2);
    return rc;
}

/* There is something to be deleted, unless a COMMIT that was refused has done it. */
static int clear_log(struct art_table *table, const struct art_commit *commit, char **message) {
    assert(commit->clear_log || commit->spent);
    sqlite3_stmt *clear;
    int rc = art_shadow_statement(table, commit->clear_log ? ART_LOG_CLEAR : ART_LOG_SPEND, &clear, message);
    if (rc) return rc;
    sqlite3 *db = table->connection->db;
    sqlite3_int64 before = sqlite3_total_changes64(db);
    if (!commit->clear_log) sqlite3_bind_int64(clear, 1, (sqlite3_int64)commit->spent);
    art_shadow_step(table->connection, clear);
    rc = sqlite3_reset(clear);
    if (!rc && (sqlite3_total_changes64(db) != before || art_commit_attempted(table))) return SQLITE_OK;
    if (rc) {
        rc = art_report_sql(message, db, rc, "cannot clear %s.%s_artdata", table->name->schema, table->name->table);
    } else {
        rc = art_complain(message, SQLITE_AUTH, "art: cannot clear %s.%s_artdata: not authorized", table->name->schema,
                          table->name->table);
    }
    art_shadow_finalize(table); /* an authorizer's answers are compiled in */
    return rc;
}

int art_shadow_write(struct art_table *table, const struct art_commit *commit, char **message) {
    assert(table->owner && (!commit->write_redo || commit->csn));
    sqlite3 *db = table->connection->db;
    sqlite3_int64 rowid = sqlite3_last_insert_rowid(db);
    int rc = SQLITE_OK;
    if (commit->clear_log || commit->spent) rc = clear_log(table, commit, message);
    if (!rc && (commit->write_root || commit->mark_root)) rc = put_log(table, 0, commit->root, message);
    if (!rc && commit->write_redo) rc = put_log(table, commit->csn, commit->redo, message);
    if (!rc && commit->write_root && table->renamed) {
        assert(table->path);
        rc = art_shadow_put_text(table, "file", strrchr(table->path, '/') + 1, message);
    }
    if (!rc && commit->write_root) rc = art_shadow_put(table, "root", commit->root.data, commit->root.len, message);
    if (!rc && commit->write_root && table->extract) rc = art_extract_remove(table, message);
    if (!rc && commit->write_retired)
        rc = art_shadow_put(table, "retired", commit->retired.data, commit->retired.len, message);
    sqlite3_set_last_insert_rowid(db, rowid);
    return rc;
}
