/* storage=inline: blobs as rows of T_artblob, in the database itself and in the caller's transaction.
 *
 *     T_artblob(page INTEGER PRIMARY KEY, data ART_BLOB)   a page of 4 KB without the zeros at its end; slot s has the
 *                                                          pages from 128 s on, and none where a blob has none
 *
 * So whatever copies or replicates the database takes the table along, and all that a file needs of us is SQLite's: who
 * may write, what a reader sees, what a ROLLBACK takes back, what is durable when. What stands in the rows is verified
 * as what comes from a file is.
 *
 * No statement stays stepped. They take no savepoint of their own (one row, or rows that cannot be refused), so SQLite
 * calls nothing of ours while they run but xRollback, when one fails for want of memory or disk.
 */
#include "ext/host/host.h"

enum { BLOB_PAGES = 128, PAGE_BYTES = 4096 }; /* core's, which no header of core/base tells */

static const char place[] = "the table of blobs";

/* The tree must not go on with a transaction that SQLite has ended. */
static enum art_rc note_end(struct art_table *table, enum art_rc art_rc) {
    if (table->owner && !art_journal_alive(table)) art_tree_rolled_back(table->tree);
    return art_rc;
}

static enum art_rc fail_to_read(struct art_table *table, int rc) {
    return note_end(table, art_fail_sql(table->connection->db, rc, "cannot read the table of blobs"));
}

static int statement(struct art_table *table, enum art_statement which, sqlite3_stmt **out) {
    char *message = NULL;
    int rc = art_shadow_statement(table, which, out, &message);
    sqlite3_free(message);
    return rc;
}

/* An authorizer's "ignore" stays in a statement that was prepared under it. */
static enum art_rc lost(struct art_table *table, uint64_t page) {
    art_shadow_finalize(table);
    return art_corrupt(place, (uint32_t)(page / BLOB_PAGES), (uint32_t)(page % BLOB_PAGES),
                       "a row is missing or empty");
}

bool art_blobs_take(sqlite3_stmt *row, void *data, enum art_rc *art_rc) {
    const uint8_t *bytes = sqlite3_column_blob(row, 0);
    uint32_t len = (uint32_t)sqlite3_column_bytes(row, 0), there = len < PAGE_BYTES ? len : PAGE_BYTES;
    if (len && !bytes) *art_rc = art_nomem();
    if (*art_rc) return true;
    if (!bytes) return false;
    memcpy(data, bytes, there);
    memset((uint8_t *)data + there, 0, PAGE_BYTES - there);
    return true;
}

static enum art_rc read_blob_row(struct art_table *table, uint64_t page, void *data) {
    sqlite3_stmt *read;
    int rc = statement(table, ART_BLOB_READ, &read);
    enum art_rc art_rc = ART_OK;
    bool found = false;
    if (!rc) {
        sqlite3_bind_int64(read, 1, (sqlite3_int64)page);
        if (art_shadow_step(table->connection, read) == SQLITE_ROW) found = art_blobs_take(read, data, &art_rc);
        rc = sqlite3_reset(read);
    }
    if (rc) return fail_to_read(table, rc);
    return found ? art_rc : lost(table, page);
}

static enum art_rc read_page(void *context, uint64_t page, void *data) {
    struct art_table *table = context;
    struct art_recorder *recorder = table->connection->recorder;
    bool found = false;
    int rc = table->extract && !recorder ? art_extract_find(table, page, data, &found) : SQLITE_OK;
    if (rc) return fail_to_read(table, rc);
    enum art_rc art_rc = found ? ART_OK : read_blob_row(table, page, data);
    return art_rc || !recorder ? art_rc : recorder->page(recorder, page, data);
}

/* dqlite (1.11) reads back nothing that SQLite's cache has spilled, while its WAL holds no commit:
 * SQLITE_IOERR_SHORT_READ, for any table's rows. There the cache stays whole. (A number, since "off" is not heard
 * within a transaction.) */
static void keep_cache(struct art_table *table) {
    static const char dqlite[] = "dqlite";
    sqlite3 *db = table->connection->db;
    sqlite3_vfs *vfs = NULL;
    if (table->keeps_cache) return;
    table->keeps_cache = true;
    int rc = sqlite3_file_control(db, table->name->schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (rc || !vfs || strncmp(vfs->zName, dqlite, sizeof dqlite - 1) != 0) return;
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".cache_spill=1000000000", table->name->schema);
    if (sql) sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
}

int art_blobs_bind(sqlite3_stmt *write, uint64_t page, const uint8_t *data) {
    uint64_t len = PAGE_BYTES;
    while (len > 1 && !data[len - 1]) len--;
    assert(len && len <= PAGE_BYTES);
    sqlite3_bind_int64(write, 1, (sqlite3_int64)page);
    return sqlite3_bind_blob64(write, 2, data, len, SQLITE_STATIC);
}

/* SQLite has spilled pages and written none. Then a reader's lock may have hindered it: it has waited for that lock as
 * long as the busy handler says, passes over it, and would wait again at each of thousands of pages. A page that was
 * freed is spilled without being written, too, but only once the database is locked. With a VFS that does not tell its
 * lock, SQLite goes on waiting. */
static enum art_rc check_spill(struct art_table *table, int pages_written) {
    enum { PENDING = 3 }; /* SQLite's PENDING_LOCK: it wants the database for itself, and waits for readers to go */
    sqlite3 *db = table->connection->db;
    int lock = 0;
    if (art_cache_count(db, SQLITE_DBSTATUS_CACHE_WRITE) != pages_written) return ART_OK;
    if (sqlite3_file_control(db, table->name->schema, SQLITE_FCNTL_LOCKSTATE, &lock) || lock != PENDING) return ART_OK;
    return art_fail_code(SQLITE_BUSY, "cannot write the table of blobs");
}

static int put_blob_row(struct art_table *table, uint64_t page, const uint8_t *data) {
    sqlite3_stmt *write;
    int rc = statement(table, ART_BLOB_WRITE, &write);
    if (rc) return rc;
    rc = art_blobs_bind(write, page, data);
    if (!rc) art_shadow_step(table->connection, write);
    int end = sqlite3_reset(write);
    if (!rc && !end) sqlite3_bind_null(write, 2); /* else it would take SQLite's message away */
    return rc ? rc : end;
}

/* last_insert_rowid() is the user's. Within a transaction that goes on, an error would end it: it waits instead. */
static enum art_rc write_page(void *context, uint64_t page, const void *data) {
    struct art_table *table = context;
    sqlite3 *db = table->connection->db;
    sqlite3_int64 rowid = sqlite3_last_insert_rowid(db), before;
    keep_cache(table);
    art_extract_note_write(table);
    before = sqlite3_total_changes64(db);
    int spilled = art_cache_count(db, SQLITE_DBSTATUS_CACHE_SPILL),
        written = art_cache_count(db, SQLITE_DBSTATUS_CACHE_WRITE);
    int rc = put_blob_row(table, page, data);
    sqlite3_set_last_insert_rowid(db, rowid);
    if (rc) {
        enum art_rc art_rc = note_end(table, art_fail_sql(db, rc, "cannot write the table of blobs"));
        art_shadow_finalize(table); /* where a row of a blob that had been removed is there: as in lost() */
        return art_rc;
    }
    bool asks = sqlite3_get_autocommit(db) && art_cache_count(db, SQLITE_DBSTATUS_CACHE_SPILL) != spilled;
    if (sqlite3_total_changes64(db) != before) return asks ? check_spill(table, written) : ART_OK;
    art_shadow_finalize(table); /* as in lost() */
    return art_fail(ART_READONLY, "art: cannot write the table of blobs: not authorized");
}

static enum art_rc remove_pages(void *context, uint64_t from, uint64_t end) {
    assert(from <= end);
    struct art_table *table = context;
    art_extract_note_write(table);
    sqlite3_stmt *remove;
    int rc = statement(table, ART_BLOB_REMOVE, &remove);
    if (!rc) {
        sqlite3_bind_int64(remove, 1, (sqlite3_int64)from);
        sqlite3_bind_int64(remove, 2, (sqlite3_int64)end);
        art_shadow_step(table->connection, remove);
        rc = sqlite3_reset(remove);
    }
    if (!rc) return ART_OK;
    return note_end(table, art_fail_sql(table->connection->db, rc, "cannot delete from the table of blobs"));
}

/* Without rows both columns are NULL, and to an authorizer that answers "ignore", too: that statement is not kept. */
static enum art_rc last_page(void *context, uint64_t *pages) {
    struct art_table *table = context;
    sqlite3_stmt *last;
    sqlite3_int64 page = -1, bytes = 0;
    bool found = false;
    int rc = table->extract ? art_extract_end(table, pages, &found) : SQLITE_OK;
    if (rc) return fail_to_read(table, rc);
    if (found) return ART_OK;
    rc = statement(table, ART_BLOB_LAST, &last);
    if (!rc) {
        if (art_shadow_step(table->connection, last) == SQLITE_ROW) {
            if (sqlite3_column_type(last, 0) == SQLITE_INTEGER) page = sqlite3_column_int64(last, 0);
            bytes = sqlite3_column_int64(last, 1);
        }
        rc = sqlite3_reset(last);
    }
    if (rc) return fail_to_read(table, rc);
    if ((page < 0) != (bytes <= 0)) return lost(table, page < 0 ? 0 : (uint64_t)page);
    if (page < 0) art_shadow_finalize(table);
    *pages = (uint64_t)page + 1;
    return ART_OK;
}

void art_blobs_host(struct art_table *table, struct art_rows *out) {
    *out = (struct art_rows){table, read_page, write_page, remove_pages, last_page};
}
