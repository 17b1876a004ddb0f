/* Where a table's blobs are: in a file beside the database, or inlined in it. CREATE chooses; only a copy of the
 * database may have them elsewhere (admin/copy.c), and who has it open while a copy is put into its place follows.
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
    bool inlined = art_text_is((struct art_text){(const char *)storage.data, (int)storage.len}, "inline");
    art_buffer_clear(&storage);
    if (rc) return rc;
    if (inlined) return table->inlined ? SQLITE_OK : follow_inside(table, message);
    /* A name of our own that T_artstate does not have yet goes there with the first root that has runs. */
    bool named = table->path && (!table->renamed || art_tree_has_runs(table->tree));
    return named || table->inlined ? follow_outside(table, message) : SQLITE_OK;
}
