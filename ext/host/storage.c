/* Where a table's blobs are: in a file beside the database, or inlined in it; and from the one to the other.
 *
 *     INSERT INTO t(t) VALUES('storage=inline')       at commit, as a part of the transaction
 *     INSERT INTO t(t) VALUES('storage=file')
 *
 * xSync copies every blob of the table's root, byte for byte and verified, one after the other, into the same slot of
 * the other place, and the tree goes on there; T_artstate says where, and the root gets a new number, by which other
 * connections notice. What was before stays as it is until the commit: a ROLLBACK, or one TO a savepoint before, goes
 * back.
 *
 *     to inline    T_artblob is made in xSync, which SQLite takes back; the .art file goes after the commit, as a
 *                  dropped table's does
 *     to a file    the file is a new one, of a name that no file has; T_artblob is emptied in xSync, where nothing can
 *                  be dropped. A ROLLBACK removes the file, unless a COMMIT was tried, of which nobody knows what came
 */
#include "ext/host/host.h"

/* A file stands beside a database that is a file, and whose journal is a file. */
static bool may_have_file(struct art_connection *connection, const char *name) {
    return strchr(name, '/') && art_file_exists(name) && !art_journal_is_hidden(connection);
}

/* A database without a name may have its blobs in memory, if that is asked for; but copies of it would not have
 * them. */
int art_storage_resolve(struct art_connection *connection, const char *schema, enum art_storage *storage,
                        char **message) {
    const char *name = art_database_name(connection->db, schema);
    bool file = may_have_file(connection, name);
    if (*storage == ART_STORAGE_AUTO) *storage = file ? ART_STORAGE_FILE : ART_STORAGE_INLINE;
    if (*storage == ART_STORAGE_INLINE || file || !*name) return SQLITE_OK;
    return art_complain(
        message, SQLITE_ERROR,
        "art: no file of ours can stand beside this database (%s): leave storage=file out, the table then "
        "lives in the database",
        name);
}

/* --- moving ------------------------------------------------------------------------------------------------------- */

/* Only a file that names this database and this table. */
static void remove_own_file(const struct art_table *table, const char *path) {
    if (path && art_file_belongs(path, table->database, table->uuid)) art_file_remove(path);
}

static int change_place(struct art_table *table, bool inlined, char *path, char **message) {
    struct art_tree_place place = {inlined, path, path ? table->database : NULL};
    bool was_inlined = table->inlined;
    char *old_path = table->path;
    table->inlined = inlined; /* by which the journal is asked */
    table->path = path;
    art_journal_note_place(table);
    int rc = art_report(message, art_tree_change_place(table->tree, &place));
    if (rc) {
        table->inlined = was_inlined;
        table->path = old_path;
        remove_own_file(table, path);
        return rc;
    }
    table->before.moved = true;
    table->before.inlined = was_inlined;
    table->before.path = old_path;
    return SQLITE_OK;
}

static int move_inside(struct art_table *table, char **message) {
    sqlite3 *db = table->connection->db;
    bool has_blobs;
    int rc = art_shadow_has_blobs(db, table->name, &has_blobs);
    if (!rc) {
        rc = has_blobs ? art_shadow_empty_blobs(db, table->name, message)
                       : art_shadow_create_blobs(db, table->name, message);
    }
    if (!rc) rc = change_place(table, true, NULL, message);
    if (!rc) rc = art_shadow_put_storage(table, true, message);
    if (rc || !table->before.path) return rc;
    table->remove_allowed = true;
    rc = art_journal_prepare_to_harden(table, message);
    if (rc && !art_journal_must_abort(table) && !art_ends_transaction(rc)) { /* the file stays */
        art_forget_message(message);
        rc = SQLITE_OK;
    }
    return rc;
}

/* A name that no file has, nor has had: the number of the table's last commit is in it. */
static int choose_path(struct art_table *table, char **file, char **path, char **message) {
    enum { ATTEMPTS = 1000 };
    unsigned csn = (unsigned)art_tree_csn(table->tree);
    *path = *file = NULL;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        *file = art_file_name(table->database, table->name->table, table->uuid, csn + i);
        if (!*file || art_path_beside(table->database, *file, path)) break;
        if (!art_file_exists(*path)) return SQLITE_OK;
        sqlite3_free(*file);
        art_free(*path);
        *path = *file = NULL;
    }
    if (!*file) return SQLITE_NOMEM;
    return art_complain(message, SQLITE_CANTOPEN, "art: no free name for the .art file");
}

static int move_outside(struct art_table *table, char **message) {
    char *file, *path;
    enum art_storage storage = ART_STORAGE_FILE;
    int rc = art_storage_resolve(table->connection, table->name->schema, &storage, message);
    if (rc) return rc;
    rc = choose_path(table, &file, &path, message);
    if (!rc) rc = change_place(table, false, path, message);
    if (rc) art_free(path);
    if (!rc) rc = art_shadow_put_storage(table, false, message);
    if (!rc) rc = art_shadow_put_text(table, "file", file, message);
    if (!rc) rc = art_shadow_empty_blobs(table->connection->db, table->name, message);
    sqlite3_free(file);
    return rc;
}

int art_storage_move(struct art_table *table, char **message) {
    if (table->before.moved) return SQLITE_OK;
    return table->inlined ? move_outside(table, message) : move_inside(table, message);
}

void art_storage_go_back(struct art_table *table) {
    if (!table->before.moved || art_tree_has_changed_place(table->tree)) return;
    char *made = table->path;
    table->inlined = table->before.inlined;
    table->path = table->before.path;
    table->before.moved = false;
    art_journal_note_place(table);
    if (!art_commit_attempted(table)) remove_own_file(table, made);
    art_free(made);
    art_shadow_finalize(table);
}

void art_storage_finish(struct art_table *table) {
    if (!table->before.moved) return;
    char *left = table->before.path;
    table->before.moved = false;
    table->settings.storage = table->inlined ? ART_STORAGE_INLINE : ART_STORAGE_FILE;
    if (left && !art_journal_harden(table)) remove_own_file(table, left);
    art_free(left);
}

/* --- following ---------------------------------------------------------------------------------------------------- */

static int follow_inside(struct art_table *table, char **message) {
    struct art_tree_place place = {.inlined = true};
    int rc = art_report(message, art_tree_use_place(table->tree, &place));
    if (rc) return rc;
    art_free(table->path);
    table->path = NULL;
    table->inlined = true;
    return SQLITE_OK;
}

/* The first root with runs may have come with another name of the .art file, too (a copied database, see art_host). */
static int follow_outside(struct art_table *table, char **message) {
    char *file = NULL;
    int rc = art_shadow_get_file(table, &file, message);
    const char *now = table->path ? strrchr(table->path, '/') + 1 : "";
    bool inlined = table->inlined;
    if (!rc && file && strchr(table->database, '/') && strcmp(file, now) != 0) {
        table->inlined = false;
        rc = art_report(message, art_table_set_file(table, file));
        if (rc) table->inlined = inlined;
        if (!rc) table->renamed = false;
    }
    art_free(file);
    return rc;
}

int art_storage_follow(struct art_table *table, char **message) {
    struct art_buffer storage = {0};
    int rc = art_shadow_get(table, "storage", &storage, message);
    bool inlined = storage.len == 6 && !memcmp(storage.data, "inline", 6);
    art_buffer_clear(&storage);
    if (rc || table->before.moved) return rc;
    if (inlined) return table->inlined ? SQLITE_OK : follow_inside(table, message);
    /* A name of our own that T_artstate does not have yet goes there with the first root that has runs. */
    bool named = table->path && (!table->renamed || art_tree_has_runs(table->tree));
    return named || table->inlined ? follow_outside(table, message) : SQLITE_OK;
}
