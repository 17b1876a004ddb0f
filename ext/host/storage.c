/* Where a table's blobs are: in a file beside the database, or inlined in it. CREATE chooses; only a copy of the
 * database may have them elsewhere (admin/copy.c), and who has it open while a copy is put into its place follows.
 *
 * Beside a database whose pages are changed on their way to the disk (disk_pages.c) a file would have the rows in
 * clear: there is none. Where the database was given a key later, the file can be read, so that the rows get out of it,
 * and nothing is written to it any more.
 */
#include "ext/host/host.h"

#include "core/base/platform.h"
#include "core/tree/place.h"

/* What would be written instead went nowhere. */
static int refuse_any_file(const char *name, const char *schema, char **message) {
    return art_complain(message, SQLITE_CANTOPEN,
                        "art: this build of art keeps no .art files (%s): use storage=inline, or open the table with a "
                        "build for Linux, whose art_backup() with 'inline' brings all blobs into the copy",
                        *name ? name : schema);
}

int art_storage_resolve(struct art_connection *connection, const struct art_name *name, enum art_storage *storage,
                        char **message) {
    const char *database = art_database_name(connection->db, name->schema);
    /* A file stands beside a database that is a file, and whose journal is a file. */
    bool file = art_platform_has_files() && strchr(database, '/') && art_file_exists(database) &&
                !art_journal_is_hidden(connection);
    bool plain = true;
    int rc =
        file && *storage != ART_STORAGE_INLINE ? art_disk_pages_of_new(connection, name, &plain, message) : SQLITE_OK;
    if (rc) return rc;
    if (*storage == ART_STORAGE_AUTO) *storage = file && plain ? ART_STORAGE_FILE : ART_STORAGE_INLINE;
    assert(*storage == ART_STORAGE_FILE || *storage == ART_STORAGE_INLINE);
    if (*storage == ART_STORAGE_INLINE || (file && plain)) return SQLITE_OK;
    if (!art_platform_has_files()) return refuse_any_file(database, name->schema, message);
    if (!plain)
        return art_complain(message, SQLITE_ERROR,
                            "art: an .art file would not be encrypted as this database is, nor changed in another way "
                            "on its way to the disk (%s): leave storage=file out, the table then lives in the database",
                            database);
    return art_complain(
        message, SQLITE_ERROR,
        "art: no file of ours can stand beside this database (%s): leave storage=file out, the table then "
        "lives in the database",
        *database ? database : name->schema);
}

bool art_storage_is_in_clear(struct art_table *table) {
    assert(table->path);
    sqlite3 *db = table->connection->db;
    enum art_disk_pages pages = art_disk_pages(db, table->name->schema);
    bool settled = pages == ART_DISK_PAGES_PLAIN && !art_disk_pages_have_vfs(db, table->name->schema);
    table->clear = pages == ART_DISK_PAGES_CHANGED ? ART_CLEAR_YES : settled ? ART_CLEAR_NO : ART_CLEAR_UNASKED;
    return table->clear == ART_CLEAR_YES;
}

int art_storage_refuse_clear(const struct art_table *table, char **message) {
    return art_complain(message, SQLITE_READONLY,
                        "art: the .art file is not encrypted as the database is, nor changed in another way on its way "
                        "to the disk (%s): CREATE another table with storage=inline, INSERT INTO it SELECT * FROM this "
                        "one, DROP this one, and ALTER TABLE the other RENAME TO its name",
                        table->path);
}

static int refuse_beside_memory(sqlite3 *db, const char *schema, char **message) {
    if (!art_platform_has_files()) return refuse_any_file(art_database_name(db, schema), schema, message);
    sqlite3_vfs *vfs = NULL;
    int rc = sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    bool memdb = !rc && vfs && !strcmp(vfs->zName, "memdb");
    if (!memdb && strchr(art_database_name(db, schema), '/')) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR,
                        "art: no .art file can stand beside a database in memory (%s): use storage=inline; where this "
                        "is a copy, use it in the original, and copy that again",
                        schema);
}

int art_storage_may_write(struct art_table *table, char **message) {
    if (!table->path || table->clear == ART_CLEAR_NO) return SQLITE_OK;
    bool clear = table->clear == ART_CLEAR_YES || art_storage_is_in_clear(table);
    return clear ? art_storage_refuse_clear(table, message) : SQLITE_OK;
}

int art_storage_use(struct art_table *table, const struct art_medium *medium, const char *file, char **message) {
    table->clear = ART_CLEAR_UNASKED;
    if (medium->goes_with_host) return art_report(message, art_table_set_file(table, NULL));
    int rc = refuse_beside_memory(table->connection->db, table->name->schema, message);
    return rc ? rc : art_report(message, art_table_set_file(table, file));
}

static int read_medium(struct art_table *table, const struct art_medium **out, char **message) {
    struct art_buffer word = {0};
    enum art_storage storage = ART_STORAGE_AUTO;
    int rc = art_shadow_get(table, "storage", &word, message);
    (void)art_storage_parse((struct art_text){(const char *)word.data, (int)word.len}, &storage);
    art_buffer_clear(&word);
    *out = art_storage_medium(storage);
    return rc;
}

/* The first root with runs may have come with another name of the .art file, too (a copied database, see art_host). */
int art_storage_follow(struct art_table *table, char **message) {
    const struct art_medium *medium;
    char *file = NULL;
    int rc = read_medium(table, &medium, message);
    bool moved = medium != art_tree_medium(table->tree);
    /* A name of our own that T_artstate does not have yet goes there with the first root that has runs. */
    bool awaited = table->renamed && !art_tree_has_runs(table->tree);
    if (rc || (!moved && (medium->goes_with_host || awaited))) return rc;
    if (!medium->goes_with_host) rc = art_shadow_get_file(table, &file, message);
    bool lost = !medium->goes_with_host && !file;
    bool same = file && !moved && !strcmp(file, strrchr(table->path, '/') + 1);
    if (!rc && !lost && !same) {
        rc = art_storage_use(table, medium, file, message);
        if (!rc) table->renamed = false;
    }
    art_free(file);
    return rc;
}
