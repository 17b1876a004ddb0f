/* storage=inline: blobs as rows of T_blob, in the database itself and in the caller's transaction.
 *
 *     T_blob(page INTEGER PRIMARY KEY, data BLOB)      pages of 4 KB from `page` on, up to eight; slot s has the pages
 *                                                      from 128 s on, and none where a blob has none
 *
 * So whatever copies or replicates the database takes the table along, and all that a file needs of us is SQLite's: who may
 * write, what a reader sees, what a ROLLBACK takes back, what is durable when. What stands in the rows is verified as what
 * comes from a file is.
 *
 * No statement stays stepped. They take no savepoint of their own (one row, or rows that cannot be refused), so SQLite
 * calls nothing of ours while they run but xRollback, when one fails for want of memory or disk.
 */
#include "ext/ext.h"

enum { BLOB_PAGES = 128, PAGE_BYTES = 4096 };

static const char place[] = "the table of blobs";

/* Want of memory or disk ends the whole transaction, and within xSync SQLite calls no xRollback for it: the tree must not go
 * on as if there were one. */
static int fail(struct art_table *table, int rc, const char *what) {
    sqlite3 *db = table->connection->db;
    int art_rc = art_fail_sql(db, rc, what);
    bool gone = table->driver && sqlite3_txn_state(db, table->name->schema) != SQLITE_TXN_WRITE;
    if (gone) art_tree_rolled_back(table->tree);
    return art_rc;
}

static int statement(struct art_table *table, enum art_statement which, sqlite3_stmt **out, const char *what) {
    char *message = NULL;
    int rc = art_shadow_statement(table, which, out, &message);
    sqlite3_free(message);
    return rc ? fail(table, rc, what) : ART_OK;
}

static int lost(uint64_t page) {
    return art_corrupt(place, (uint32_t)(page / BLOB_PAGES), (uint32_t)(page % BLOB_PAGES), "a row is missing or too short");
}

static int take_pages(sqlite3_stmt *row, uint64_t page, uint32_t count, void *data) {
    uint64_t first = (uint64_t)sqlite3_column_int64(row, 0);
    const uint8_t *bytes = sqlite3_column_blob(row, 1);
    uint64_t len = (uint64_t)sqlite3_column_bytes(row, 1), from = (page - first) * PAGE_BYTES;
    uint64_t wanted = (uint64_t)count * PAGE_BYTES;
    if (len && !bytes) return art_nomem();
    if (first / ART_ROW_PAGES != page / ART_ROW_PAGES || from + wanted > len) return lost(page);
    memcpy(data, bytes + from, wanted);
    return ART_OK;
}

static int read_pages(void *context, uint64_t page, uint32_t count, void *data) {
    static const char what[] = "cannot read the table of blobs";
    struct art_table *table = context;
    sqlite3_stmt *read;
    int art_rc = statement(table, ART_BLOB_READ, &read, what);
    if (art_rc) return art_rc;
    sqlite3_bind_int64(read, 1, (sqlite3_int64)page);
    int step = art_shadow_step(table->connection, read);
    if (step == SQLITE_ROW) art_rc = take_pages(read, page, count, data);
    int rc = sqlite3_reset(read);
    if (rc) return fail(table, rc, what);
    return step == SQLITE_DONE ? lost(page) : art_rc;
}

/* dqlite (1.11) reads back nothing that SQLite's cache has spilled, while its WAL holds no commit: SQLITE_IOERR_SHORT_READ,
 * for any table's rows. There the cache stays whole. */
static void keep_cache(struct art_table *table) {
    static const char dqlite[] = "dqlite";
    sqlite3 *db = table->connection->db;
    sqlite3_vfs *vfs = NULL;
    if (table->keeps_cache) return;
    table->keeps_cache = true;
    int rc = sqlite3_file_control(db, table->name->schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (rc || !vfs || strncmp(vfs->zName, dqlite, sizeof dqlite - 1) != 0) return;
    sqlite3_exec(db, "PRAGMA cache_spill=off", NULL, NULL, NULL);
}

/* last_insert_rowid() is the user's. */
static int write_pages(void *context, uint64_t page, uint32_t count, const void *data) {
    static const char what[] = "cannot write the table of blobs";
    struct art_table *table = context;
    sqlite3 *db = table->connection->db;
    sqlite3_stmt *write;
    keep_cache(table);
    int art_rc = statement(table, ART_BLOB_WRITE, &write, what);
    if (art_rc) return art_rc;
    sqlite3_int64 rowid = sqlite3_last_insert_rowid(db), before = sqlite3_total_changes64(db);
    sqlite3_bind_int64(write, 1, (sqlite3_int64)page);
    int rc = sqlite3_bind_blob64(write, 2, data, (sqlite3_uint64)count * PAGE_BYTES, SQLITE_STATIC);
    if (!rc) art_shadow_step(table->connection, write);
    int end = sqlite3_reset(write);
    if (!rc) rc = end;
    if (rc) art_rc = fail(table, rc, what); /* before the next call puts another message in the place of this one */
    sqlite3_bind_null(write, 2);
    sqlite3_set_last_insert_rowid(db, rowid);
    if (rc) return art_rc;
    if (sqlite3_total_changes64(db) != before) return ART_OK;
    art_shadow_finalize(table); /* an authorizer's "ignore" stays in a statement that was prepared under it */
    return art_fail(ART_READONLY, "art: cannot write the table of blobs: not authorized");
}

static int remove_pages(void *context, uint64_t from, uint64_t end) {
    static const char what[] = "cannot delete from the table of blobs";
    struct art_table *table = context;
    sqlite3_stmt *remove;
    int art_rc = statement(table, ART_BLOB_REMOVE, &remove, what);
    if (art_rc) return art_rc;
    sqlite3_bind_int64(remove, 1, (sqlite3_int64)from);
    sqlite3_bind_int64(remove, 2, (sqlite3_int64)end);
    art_shadow_step(table->connection, remove);
    int rc = sqlite3_reset(remove);
    return rc ? fail(table, rc, what) : ART_OK;
}

static int last_page(void *context, uint64_t *pages) {
    static const char what[] = "cannot read the table of blobs";
    struct art_table *table = context;
    sqlite3_stmt *last;
    *pages = 0;
    int art_rc = statement(table, ART_BLOB_LAST, &last, what);
    if (art_rc) return art_rc;
    if (art_shadow_step(table->connection, last) == SQLITE_ROW) {
        sqlite3_int64 first = sqlite3_column_int64(last, 0), bytes = sqlite3_column_int64(last, 1);
        if (first >= 0 && bytes > 0) *pages = (uint64_t)first + (uint64_t)bytes / PAGE_BYTES;
    }
    int rc = sqlite3_reset(last);
    return rc ? fail(table, rc, what) : ART_OK;
}

void art_blobs_host(struct art_table *table, struct art_rows *out) {
    *out = (struct art_rows){table, read_pages, write_pages, remove_pages, last_page};
}
