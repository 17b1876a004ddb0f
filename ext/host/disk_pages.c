/* Do the database's pages lie on the disk as SQLite has them? Ciphers, sums and compression change them on their way:
 * codecs within SQLite (SEE, SQLCipher), and VFSes (SQLite3 Multiple Ciphers, cksumvfs, zstd). An .art file goes
 * around all of them.
 *
 *     reserved area    of each page: a cipher keeps its nonce there, or a sum is kept
 *     header           the first bytes of the file, read past the VFS, are not SQLite's, or not what the VFS shows
 *     first table      of a file that has no page yet, and gets some early: is it a page of SQLite's?
 *
 * Past the VFS is SQLite's own, "unix", of this same library, on which VFSes stand: it knows who else has the database
 * open. To close a file that it does not know of would take away all locks on the database.
 */
#include "ext/host/host.h"

enum { LOOKED_AT = 18, MAGIC_BYTES = 16 }; /* with the size of a page: what nothing changes but VACUUM */

static const uint8_t nothing[LOOKED_AT]; /* of page 1, where others are written before it */

/* An empty table without rowid: no free block, no cell. */
static const uint8_t empty_leaf[] = {10, 0, 0, 0, 0};

/* What is read through SQLite's own VFS is what lies on the disk. */
bool art_disk_pages_have_vfs(sqlite3 *db, const char *schema) {
    const sqlite3_vfs *own = sqlite3_vfs_find("unix");
    sqlite3_vfs *vfs = NULL;
    return !sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs) && vfs && own && vfs->xOpen != own->xOpen;
}

static bool read_past_vfs(sqlite3 *db, const char *schema, void *data, int len, sqlite3_int64 offset) {
    const char *path = art_database_name(db, schema);
    sqlite3_vfs *own = sqlite3_vfs_find("unix");
    sqlite3_file *file = own ? art_alloc_zeroed((size_t)own->szOsFile) : NULL;
    bool read = file && !own->xOpen(own, path, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, NULL) &&
                !file->pMethods->xRead(file, data, len, offset);
    if (file && file->pMethods) file->pMethods->xClose(file);
    art_free(file);
    return read;
}

static bool read_through_vfs(sqlite3 *db, const char *schema, void *data, int len, sqlite3_int64 offset) {
    sqlite3_file *file = art_database_file(db, schema);
    return file && file->pMethods && !file->pMethods->xRead(file, data, len, offset);
}

static bool has_reserved_area(sqlite3 *db, const char *schema) {
    int bytes = -1; /* asks */
    return !sqlite3_file_control(db, schema, SQLITE_FCNTL_RESERVE_BYTES, &bytes) && bytes > 0;
}

enum art_disk_pages art_disk_pages(sqlite3 *db, const char *schema) {
    uint8_t disk[LOOKED_AT] = {0}, shown[LOOKED_AT];
    if (has_reserved_area(db, schema)) return ART_DISK_PAGES_CHANGED;
    bool shows = read_through_vfs(db, schema, shown, sizeof shown, 0), reads = shows;
    if (art_disk_pages_have_vfs(db, schema)) {
        reads = read_past_vfs(db, schema, disk, sizeof disk, 0);
    } else if (shows) {
        memcpy(disk, shown, sizeof disk);
    }
    if (!reads || !memcmp(disk, nothing, sizeof disk)) return ART_DISK_PAGES_UNWRITTEN;
    bool differs = shows && memcmp(disk, shown, sizeof disk) != 0;
    return differs || memcmp(disk, "SQLite format 3", MAGIC_BYTES) ? ART_DISK_PAGES_CHANGED : ART_DISK_PAGES_PLAIN;
}

/* Other databases' pages would be written, too, and before 3.53.2 a ROLLBACK TO could then lose commits of theirs. */
static bool others_are_written(sqlite3 *db, const char *schema) {
    const char *name;
    for (int i = 0; (name = sqlite3_db_name(db, i)) != NULL; i++) {
        bool other = sqlite3_stricmp(name, schema) && sqlite3_stricmp(name, "temp");
        if (other && sqlite3_txn_state(db, name) == SQLITE_TXN_WRITE) return true;
    }
    return false;
}

/* Page 1 stays in SQLite's cache as long as the transaction goes on; others can be written, but for cache_spill=off. */
static int write_and_look(struct art_connection *connection, const struct art_name *name, bool *plain, char **message) {
    uint8_t page[sizeof empty_leaf];
    char *root = sqlite3_mprintf("SELECT rootpage FROM \"%w\".sqlite_schema WHERE name = '%q_artstate'", name->schema,
                                 name->table);
    char *size = sqlite3_mprintf("PRAGMA \"%w\".page_size", name->schema);
    sqlite3_int64 number = root ? art_ask_number(connection, root, 0) : 0;
    sqlite3_int64 bytes = size ? art_ask_number(connection, size, 0) : 0;
    sqlite3_free(root);
    sqlite3_free(size);
    int rc = sqlite3_db_cacheflush(connection->db);
    if (rc) return art_report_host(message, connection->db, rc, "cannot write the first pages of %s", name->schema);
    *plain = number > 1 && bytes &&
             read_past_vfs(connection->db, name->schema, page, sizeof page, (number - 1) * bytes) &&
             !memcmp(page, empty_leaf, sizeof page);
    return SQLITE_OK;
}

int art_disk_pages_of_new(struct art_connection *connection, const struct art_name *name, bool *plain, char **message) {
    enum art_disk_pages pages = art_disk_pages(connection->db, name->schema);
    *plain = pages == ART_DISK_PAGES_PLAIN;
    if (pages != ART_DISK_PAGES_UNWRITTEN) return SQLITE_OK;
    *plain = !art_disk_pages_have_vfs(connection->db, name->schema);
    bool looks = !*plain && !others_are_written(connection->db, name->schema);
    return looks ? write_and_look(connection, name, plain, message) : SQLITE_OK;
}
