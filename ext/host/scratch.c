/* Temporary files as SQLite has them: of the database's VFS, without a name, where SQLite puts its own. Few ciphers
 * encrypt these: of a database whose pages are encrypted, or changed in another way, they are memory. So are they
 * where a VFS that is not SQLite's own has written nothing yet that could be looked at, and those of temp tables where
 * main is such a database.
 *
 * Some VFS pass on what is written through a buffer of 64 KB (that of a browser's private file system), which bounds a
 * call.
 */
#include "ext/host/host.h"

#include "core/base/limits.h"
#include "core/tree/place.h"

static enum art_rc fail_temporary(int rc) {
    switch (rc == SQLITE_IOERR_GETTEMPPATH ? SQLITE_CANTOPEN : rc & 0xff) {
    case SQLITE_FULL:
        return art_fail(ART_DISKFULL,
                        "art: the folder for temporary files has no room for what open savepoints or a long "
                        "list behind IN need: make room there, or set SQLITE_TMPDIR to another folder");
    case SQLITE_CANTOPEN:
        return art_fail(ART_CANTOPEN,
                        "art: cannot open a temporary file, which open savepoints or a long list behind IN need: "
                        "set SQLITE_TMPDIR to a folder that this user may write");
    default:
        return art_fail_code(rc, "cannot use a temporary file");
    }
}

static void close_temporary(void *opened) {
    sqlite3_file *file = opened;
    if (file->pMethods) file->pMethods->xClose(file);
    art_free(file);
}

static bool is_kept_in_memory(sqlite3 *db, const char *schema) {
    const char *asked = sqlite3_stricmp(schema, "temp") ? schema : "main";
    enum art_disk_pages pages = art_disk_pages(db, asked);
    if (pages != ART_DISK_PAGES_UNWRITTEN) return pages == ART_DISK_PAGES_CHANGED;
    return art_disk_pages_have_vfs(db, asked) && art_file_exists(art_database_name(db, asked));
}

static enum art_rc open_temporary(void *context, void **out) {
    enum { FLAGS = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE };
    const struct art_table *table = context;
    sqlite3 *db = table->connection->db;
    sqlite3_vfs *vfs = NULL;
    int rc = sqlite3_file_control(db, table->name->schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (is_kept_in_memory(db, table->name->schema)) {
        vfs = sqlite3_vfs_find("memdb");
    } else if (rc || !vfs || !strcmp(vfs->zName, "memdb")) {
        vfs = sqlite3_vfs_find(NULL); /* what is written here is what memory has no room for */
    }
    if (!vfs) return fail_temporary(SQLITE_CANTOPEN);
    sqlite3_file *file = art_alloc_zeroed((size_t)vfs->szOsFile);
    if (!file) return art_nomem();
    rc = vfs->xOpen(vfs, NULL, file, FLAGS | SQLITE_OPEN_SUBJOURNAL, NULL);
    if (!rc) {
        *out = file;
        return ART_OK;
    }
    close_temporary(file);
    return fail_temporary(rc);
}

static enum art_rc write_temporary(void *opened, const void *data, uint32_t len, uint64_t offset) {
    assert(len && offset <= (uint64_t)INT64_MAX - len);
    sqlite3_file *file = opened;
    int rc = SQLITE_OK;
    for (uint32_t at = 0, n; !rc && at < len; at += n) {
        n = len - at < ART_LIMIT(call_bytes) ? len - at : ART_LIMIT(call_bytes);
        rc = file->pMethods->xWrite(file, (const uint8_t *)data + at, (int)n, (sqlite3_int64)offset + at);
    }
    return rc ? fail_temporary(rc) : ART_OK;
}

static enum art_rc read_temporary(void *opened, void *data, uint32_t len, uint64_t offset) {
    assert(len && offset <= (uint64_t)INT64_MAX - len);
    sqlite3_file *file = opened;
    int rc = SQLITE_OK;
    for (uint32_t at = 0, n; !rc && at < len; at += n) {
        n = len - at < ART_LIMIT(call_bytes) ? len - at : ART_LIMIT(call_bytes);
        rc = file->pMethods->xRead(file, (uint8_t *)data + at, (int)n, (sqlite3_int64)offset + at);
    }
    return rc ? fail_temporary(rc) : ART_OK;
}

const struct art_scratch_files art_sqlite_scratch = {open_temporary, write_temporary, read_temporary, close_temporary};
