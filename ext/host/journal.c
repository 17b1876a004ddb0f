/* What a flush asks of the database's journal before it uses a slot again (core/tree/run/slots.c), through SQLite's
 * file handles and a row of T_artstate.
 *
 * secure(): no other root than the base may come back. In WAL mode an own frame is brought into the file over whatever
 * a killed writer has left there: the cache is flushed, 16 random bytes go into T_artstate, the cache is flushed again,
 * and the count of pages written must grow over that second flush (it does not under cache_spill=off). A page is
 * counted before it is written, so a flush that fails is the transaction's error. Then the WAL and the database are
 * synced. With a rollback journal the random bytes make sure that there is a journal of this transaction, which
 * replaces the one before; it and its directory are synced.
 *
 * Where that sync fails, the system may take the pages that it could not write for written: SQLite's own sync of the
 * commit would then succeed, and the commit would be gone after a power loss. So the transaction is not committed.
 *
 * SQLite before 3.53.2 (and we do not know how long before) forgets a commit at recovery when a page was written to the
 * WAL twice in a transaction, and a ROLLBACK TO then led before it: the frames that follow get no checksums. To flush
 * the cache twice is to write pages twice. So there it is done only when no savepoint is open that a ROLLBACK TO could
 * lead to: at the commit, or in a statement that is a transaction by itself; a transaction that spills earlier extends
 * the file, and asks again at its commit. A COMMIT may be refused after that, and a ROLLBACK TO lead before it all the
 * same: such a transaction is not committed either.
 *
 * art_journal_harden(): after a commit, before a file goes that the state before it needs. In WAL mode with
 * synchronous=NORMAL SQLite has synced nothing by then. The system tells each open file once of a sync that failed; if
 * this one took that error from SQLite's file, SQLite's next sync, in a checkpoint, would succeed, and take for safe
 * what is lost. So this sync has a file of its own. What failed before that was opened, and was told to another
 * process, only SQLite's still knows: it is synced before the commit, where an error is the transaction's. (With a
 * rollback journal all that a commit needs was synced before it; what is synced here is its end, and the next
 * transaction writes the journal anew.)
 *
 * art_journal_end_epoch(): retired slots are free once SQLite begins its WAL anew, which by itself it does only after a
 * thousand pages; a merge leaves that many bytes several times over in the meantime. So when the tree waits for many of
 * them, xCommit, where SQLite holds no lock any more, makes the checkpoint that SQLite's own hook would make later
 * (checkpoint.c): a passive one, whose failure is nobody's, as there. Not where the program has taken checkpoints over
 * (wal_autocheckpoint=0, or a hook of its own, which the PRAGMA tells as 0), nor while a statement of this connection
 * still reads.
 *
 * epoch(): the salts of the WAL's header, read while an own frame of this transaction is in the file.
 *
 * A database without a file has no other process and no power loss: everything may be reused at once.
 */
#include "ext/host/host.h"

#include "core/base/platform.h"
#include "core/tree/place.h"

#include <stdlib.h>

/* sqlite.org/walformat.html. Before 3.53.2 a ROLLBACK TO behind pages that were flushed could lose commits. */
enum { WAL_HEADER_BYTES = 32, FLUSHES_WELL = 3053002 };
static const uint32_t wal_magic = 0x377f0682; /* and the next number: big-endian checksums */

static const char lost_message[] = "art: the database's journal may have lost a part of this transaction: roll back, "
                                   "and check the disk if it comes again";

/* What the journal was asked in the running transaction. */
struct art_journal {
    enum {
        JOURNAL_UNASKED,
        JOURNAL_EXTENDS, /* only slots behind the end of the file may be written */
        JOURNAL_REUSES   /* free slots below the end, too */
    } slots;
    enum {
        WAL_UNTOUCHED, /* this transaction has not made SQLite write its pages */
        WAL_FLUSHED,   /* it has, but whether a page came into the WAL is not known */
        WAL_OWN_FRAME  /* a frame of this transaction is in the WAL */
    } wal;
    enum {
        JOURNAL_SOUND,
        JOURNAL_MAY_HARDEN, /* and how: own_wal, or SQLite's own files */
        JOURNAL_LOST        /* the journal may not hold all of the transaction */
    } trust;
    uint32_t autocheckpoint;  /* of SQLite, where the .art file grows until the WAL begins anew; else 0 */
    enum art_wal_users users; /* of that WAL */
    int waited;               /* ms waited for the writer lock */
    sqlite3_file *own_wal;    /* to sync it after the commit */
};

/* The server of libSQL, which puts a log of its own into the place of SQLite's WAL, dies when it is asked for that
 * log's file. It is known by a function that it gives to all its connections; an ordinary build of libSQL has a WAL as
 * SQLite. */
bool art_journal_is_hidden(struct art_connection *connection) {
    if (!connection->journal_asked) {
        sqlite3_stmt *ask = NULL;
        int rc = strstr(sqlite3_sourceid(), "alt1")
                     ? sqlite3_prepare_v2(connection->db, "SELECT libsql_server_database_name()", -1, &ask, NULL)
                     : SQLITE_ERROR;
        sqlite3_finalize(ask);
        if (rc == SQLITE_NOMEM) return true; /* and to be asked again */
        connection->journal_hidden = rc == SQLITE_OK;
        connection->journal_asked = true;
    }
    return connection->journal_hidden;
}

/* NULL where SQLite has no such file open now, or shows none. */
static sqlite3_file *journal_file(const struct art_table *table) {
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema;
    sqlite3_file *file = NULL;
    if (art_journal_is_hidden(table->connection)) return NULL;
    if (sqlite3_file_control(db, schema, SQLITE_FCNTL_JOURNAL_POINTER, &file)) return NULL;
    return file && file->pMethods ? file : NULL;
}

static int sync_file(sqlite3_file *file) {
    return file && file->pMethods ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : SQLITE_OK;
}

static int sync_folder(sqlite3 *db, const char *schema) {
    char *folder;
    int rc = art_database_folder(db, schema, &folder);
    if (rc || !folder) return rc;
    enum art_rc synced = art_file_sync_folder(folder);
    if (synced) rc = synced == ART_CANTOPEN ? SQLITE_CANTOPEN : SQLITE_IOERR; /* not tried, or failed */
    art_free(folder);
    return rc;
}

int art_pragma_ask(struct art_connection *connection, const char *schema, const char *pragma, const char *word,
                   bool *told, bool *says) {
    sqlite3_stmt *ask;
    *told = *says = false;
    int rc = art_prepare(connection->db, 0, &ask, sqlite3_mprintf("PRAGMA \"%w\".%s", schema, pragma));
    if (!rc && art_shadow_step(connection, ask) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(ask, 0);
        *told = text != NULL;
        *says = text && !sqlite3_stricmp(text, word);
    }
    int end = sqlite3_finalize(ask);
    return rc ? rc : end;
}

enum art_rc art_journal_is_wal(struct art_table *table, bool *wal) {
    sqlite3 *db = table->connection->db;
    bool told;
    int rc = art_pragma_ask(table->connection, table->name->schema, "journal_mode", "wal", &told, wal);
    if (!rc && !told)
        return art_fail(ART_IO, "art: an authorizer hides the journal mode (PRAGMA journal_mode): let art ask for it");
    return rc ? art_fail_host(db, rc, "cannot ask for the journal mode (PRAGMA journal_mode)") : ART_OK;
}

static void close_file(sqlite3_file *file) {
    if (file && file->pMethods) file->pMethods->xClose(file);
    sqlite3_free(file);
}

/* The database's WAL or journal, which must be there, opened once more: close_file(). SQLite's code. */
static int open_file(struct art_table *table, bool wal, int flags, sqlite3_file **out) {
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema, *database = sqlite3_db_filename(db, schema);
    sqlite3_vfs *vfs = NULL;
    int given;
    int rc = sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    if (rc || !vfs || !database) return rc ? rc : SQLITE_CANTOPEN;
    const char *name = wal ? sqlite3_filename_wal(database) : sqlite3_filename_journal(database);
    *out = sqlite3_malloc(vfs->szOsFile);
    if (!*out) return SQLITE_NOMEM;
    memset(*out, 0, (size_t)vfs->szOsFile);
    rc = vfs->xOpen(vfs, name, *out, flags | (wal ? SQLITE_OPEN_WAL : SQLITE_OPEN_MAIN_JOURNAL), &given);
    if (!rc) return SQLITE_OK;
    close_file(*out);
    *out = NULL;
    return rc;
}

int art_journal_prepare_to_harden(struct art_table *table, char **message) {
    assert(table->owner);
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema;
    bool wal;
    if (table->journal->trust == JOURNAL_MAY_HARDEN) return SQLITE_OK;
    int rc = art_report(message, art_journal_is_wal(table, &wal));
    if (rc) return rc;
    art_journal_is_hidden(table->connection); /* asked for now: after the commit no statement may be prepared */
    assert(!table->journal->own_wal);
    /* Without it the files stay. */
    if (wal && open_file(table, true, SQLITE_OPEN_READWRITE, &table->journal->own_wal)) return SQLITE_OK;
    bool lost = wal && (sync_file(journal_file(table)) || sync_file(art_database_file(db, schema)));
    if (table->journal->trust != JOURNAL_LOST) table->journal->trust = lost ? JOURNAL_LOST : JOURNAL_MAY_HARDEN;
    return art_journal_sound(table, message);
}

int art_journal_harden(struct art_table *table) {
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema;
    int rc = table->journal->trust == JOURNAL_MAY_HARDEN ? SQLITE_OK : SQLITE_CANTOPEN;
    if (!rc) rc = sync_file(table->journal->own_wal ? table->journal->own_wal : journal_file(table));
    if (!rc && !table->journal->own_wal) rc = sync_file(art_database_file(db, schema));
    return rc ? rc : sync_folder(db, schema);
}

void art_journal_leave(struct art_table *table) {
    assert(table->journal);
    close_file(table->journal->own_wal);
    *table->journal = (struct art_journal){0};
}

enum art_rc art_journal_write_nonce(struct art_table *table) {
    assert(table->owner);
    uint8_t nonce[ART_NONCE_BYTES];
    char *message = NULL;
    enum art_rc art_rc = art_random(nonce, sizeof nonce);
    if (art_rc) return art_rc;
    int rc = art_shadow_put(table, "nonce", nonce, sizeof nonce, &message);
    sqlite3_free(message);
    return rc ? art_fail_sql(table->connection->db, rc, "cannot write the nonce") : ART_OK;
}

/* A savepoint that was made without BEGIN is none that we hear of; but then SQLite is not in autocommit. */
static bool may_flush(const struct art_table *table) {
    if (sqlite3_libversion_number() >= FLUSHES_WELL) return true;
    return !table->saved_count && sqlite3_get_autocommit(table->connection->db);
}

void art_journal_rolled_back_to(struct art_table *table, bool all) {
    if (table->journal->wal == WAL_UNTOUCHED) return;
    if (all && sqlite3_libversion_number() < FLUSHES_WELL) table->journal->trust = JOURNAL_LOST;
    table->journal->wal = WAL_FLUSHED;
}

/* An attached database may be locked: its pages stay, and the next flush may write and count them. */
static enum art_rc flush_cache(sqlite3 *db, bool *all) {
    int rc = sqlite3_db_cacheflush(db);
    *all &= rc == SQLITE_OK;
    return rc && rc != SQLITE_BUSY ? art_fail_code(rc, "cannot write the cache to the database's journal") : ART_OK;
}

/* WAL mode: sees to it that a frame of this transaction is in the file. */
static enum art_rc write_own_frame(struct art_table *table) {
    sqlite3 *db = table->connection->db;
    if (table->journal->wal == WAL_OWN_FRAME || !may_flush(table)) return ART_OK;
    table->journal->wal = WAL_FLUSHED;
    bool all = true;
    enum art_rc rc = flush_cache(db, &all);
    if (!rc) rc = art_journal_write_nonce(table);
    if (rc) return rc;
    int before = art_cache_count(db, SQLITE_DBSTATUS_CACHE_WRITE);
    rc = flush_cache(db, &all);
    if (all && art_cache_count(db, SQLITE_DBSTATUS_CACHE_WRITE) > before) table->journal->wal = WAL_OWN_FRAME;
    return rc;
}

static enum art_rc make_secure(struct art_table *table) {
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema;
    bool wal;
    enum art_rc rc = art_journal_is_wal(table, &wal);
    if (!rc) rc = wal ? write_own_frame(table) : art_journal_write_nonce(table);
    if (rc || (wal && table->journal->wal != WAL_OWN_FRAME)) return rc;
    sqlite3_file *journal = journal_file(table);
    if (wal && !journal) return ART_OK;
    if (sync_file(journal) || (wal && sync_file(art_database_file(db, schema)))) table->journal->trust = JOURNAL_LOST;
    bool lost = table->journal->trust == JOURNAL_LOST;
    int folder = wal || lost ? SQLITE_OK : sync_folder(db, schema);
    if (lost || folder == SQLITE_IOERR) table->sync_failed = true;
    if (!table->sync_failed && !folder) table->journal->slots = JOURNAL_REUSES;
    return lost ? art_fail(ART_IO, "%s", lost_message) : ART_OK;
}

bool art_journal_must_abort(const struct art_table *table) {
    return table->journal->trust == JOURNAL_LOST;
}

int art_journal_sound(const struct art_table *table, char **message) {
    return art_journal_must_abort(table) ? art_complain(message, SQLITE_IOERR, "%s", lost_message) : SQLITE_OK;
}

static enum art_rc unmoved(void *context) {
    struct art_table *table = context;
    char *message = NULL;
    int moved = 0;
    if (art_tree_medium(table->tree)->in_hosts_journal) return ART_OK; /* nothing goes elsewhere than the commit */
    if (art_storage_is_in_clear(table)) {
        int refused = art_storage_refuse_clear(table, &message);
        return art_fail_reported(refused, message, "cannot write the .art file");
    }
    int rc = sqlite3_file_control(table->connection->db, table->name->schema, SQLITE_FCNTL_HAS_MOVED, &moved);
    if (rc || !moved) return ART_OK; /* a VFS that cannot tell */
    return art_fail(
        ART_READONLY,
        "art: the database file was moved, replaced or removed while it was open (%s): open the database anew",
        table->database);
}

static enum art_rc another_file(void *context, unsigned attempt) {
    struct art_table *table = context;
    enum art_rc rc = art_file_rename(table, attempt);
    if (!rc) table->renamed = true;
    return rc;
}

static enum art_rc secure(void *context, bool *reuse) {
    struct art_table *table = context;
    struct art_journal *journal = table->journal;
    enum art_rc rc = ART_OK;
    if (art_tree_medium(table->tree)->in_hosts_snapshots) journal->slots = JOURNAL_REUSES;
    if (journal->slots == JOURNAL_UNASKED) rc = make_secure(table);
    *reuse = journal->slots == JOURNAL_REUSES;
    if (!rc && !*reuse && may_flush(table)) journal->slots = JOURNAL_EXTENDS;
    return rc;
}

static enum art_rc epoch(void *context, struct art_epoch *out) {
    struct art_table *table = context;
    bool wal = false;
    *out = (struct art_epoch){.kind = ART_EPOCH_ROLLBACK};
    enum art_rc rc = art_tree_medium(table->tree)->in_hosts_snapshots ? ART_OK : art_journal_is_wal(table, &wal);
    if (rc || !wal) return rc;
    out->kind = ART_EPOCH_UNKNOWN;
    rc = write_own_frame(table);
    if (rc || table->journal->wal != WAL_OWN_FRAME) return rc;
    uint8_t header[WAL_HEADER_BYTES];
    sqlite3_file *file = journal_file(table);
    if (!file || file->pMethods->xRead(file, header, WAL_HEADER_BYTES, 0)) return ART_OK;
    uint32_t magic = __builtin_bswap32(art_load32(header));
    if (magic != wal_magic && magic != wal_magic + 1) return ART_OK;
    out->kind = ART_EPOCH_WAL;
    memcpy(out->salts, header + 16, sizeof out->salts);
    return ART_OK;
}

/* An authorizer that hides T_artstate hides the list, too, and none is a list of nothing: who has not asked yet whose
 * T_artstate it is (transaction.c) asks now. */
static enum art_rc load_retired(void *context, struct art_buffer *out) {
    struct art_table *table = context;
    char *message = NULL;
    bool ours = true;
    out->len = 0;
    int rc = table->stage == ART_STAGE_ALONE ? art_shadow_is_ours(table, &ours, &message) : SQLITE_OK;
    if (!rc && !ours) rc = SQLITE_CORRUPT_VTAB;
    if (!rc) rc = art_shadow_get(table, "retired", out, &message);
    sqlite3_free(message);
    return rc ? art_fail_sql(table->connection->db, rc, "cannot read the retired list") : ART_OK;
}

static enum art_rc load_held(void *context, struct art_buffer *held, struct art_buffer *let_go) {
    struct art_table *table = context;
    char *message = NULL;
    int rc = art_snapshots_held(table, held, let_go, &message);
    return art_fail_reported(rc, message, "cannot read which slots snapshots hold");
}

struct snapshot_visit {
    enum art_rc (*root)(void *to, const char *name, struct art_bytes root);
    void *to;
    enum art_rc rc;
};

/* One that the transaction is to make names nothing yet. */
static int show_root(void *context, struct art_bytes name, const struct art_snapshot_row *row, char **message) {
    struct snapshot_visit *visit = context;
    char text[ART_SNAPSHOT_NAME_MAX + 1];
    (void)message;
    if (!row->root.len) return SQLITE_OK;
    assert(name.len <= ART_SNAPSHOT_NAME_MAX); /* art_snapshots_each() complains of other names */
    memcpy(text, name.data, name.len);
    text[name.len] = 0;
    visit->rc = visit->root(visit->to, text, row->root);
    return visit->rc ? SQLITE_ABORT : SQLITE_OK;
}

static enum art_rc each_snapshot(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root),
                                 void *to) {
    struct snapshot_visit visit = {root, to, ART_OK};
    char *message = NULL;
    int rc = art_snapshots_each(context, show_root, &visit, &message);
    return visit.rc ? visit.rc : art_fail_reported(rc, message, "cannot read the snapshots");
}

/* What is asked of the table's schema: page_size, say. */
static sqlite3_int64 ask_schema(struct art_table *table, const char *pragma, int untold) {
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", table->name->schema, pragma);
    sqlite3_int64 number = sql ? art_ask_number(table->connection, sql, untold) : untold;
    sqlite3_free(sql);
    return number;
}

/* Pages that the database has, and its file does not have yet: until the next checkpoint, or commit. */
static uint64_t pages_to_come(struct art_table *table) {
    sqlite3_int64 bytes = ask_schema(table, "page_count", 0) * ask_schema(table, "page_size", 0), have = bytes;
    sqlite3_file *file = art_database_file(table->connection->db, table->name->schema);
    if (!file || !file->pMethods || file->pMethods->xFileSize(file, &have)) return 0;
    return bytes > have ? (uint64_t)(bytes - have) : 0;
}

static uint64_t room(void *context) {
    struct art_table *table = context;
    uint64_t left = *table->database ? art_platform_room(table->database) : UINT64_MAX;
    bool shares = left != UINT64_MAX && art_tree_medium(table->tree)->in_hosts_journal;
    uint64_t taken = shares ? pages_to_come(table) : 0;
    return left > taken ? left - taken : 0;
}

/* Of a journal that stays (journal_mode=PERSIST): what was written to it before is room for what comes. SQLite opens it
 * with the first page that changes. */
static uint64_t journal_to_write_over(struct art_table *table) {
    sqlite3_int64 bytes = 0;
    sqlite3_file *file = NULL;
    if (open_file(table, false, SQLITE_OPEN_READONLY, &file)) return 0;
    if (file->pMethods->xFileSize(file, &bytes)) bytes = 0;
    close_file(file);
    return (uint64_t)bytes;
}

/* To SQLite PRAGMA journal_mode may be a write: where it is interrupted, the transaction is over. */
static enum art_rc budget(void *context, struct art_budget *out) {
    struct art_table *table = context;
    bool told, stays;
    *out = (struct art_budget){.left = room(table)};
    if (out->left == UINT64_MAX) return ART_OK;
    enum art_rc rc = art_journal_is_wal(table, &out->twice);
    int asked = art_pragma_ask(table->connection, table->name->schema, "journal_mode", "persist", &told, &stays);
    if (asked && !rc)
        rc = art_fail_host(table->connection->db, asked, "cannot ask for the journal mode (PRAGMA journal_mode)");
    out->unused = (uint64_t)(ask_schema(table, "freelist_count", 0) * ask_schema(table, "page_size", 0));
    if (stays) out->journal = journal_to_write_over(table);
    return rc;
}

/* FAST overwrites where that takes no I/O: here it always does. Where it is not told (an authorizer), it may be on. */
static bool secure_delete(void *context) {
    enum { ON = 1 };
    struct art_table *table = context;
    return ask_schema(table, "secure_delete", ON) == ON;
}

bool art_journal_alive(const struct art_table *table) {
    return sqlite3_txn_state(table->connection->db, table->name->schema) == SQLITE_TXN_WRITE;
}

static bool alive(void *context) {
    return art_journal_alive(context);
}

static enum art_rc each_log_row(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                void *to) {
    const struct art_table *table = context;
    return art_shadow_each_log_row(table->connection, table->name->schema, table->name->table, INT64_MIN, row, to);
}

void art_journal_note_checkpoint(struct art_table *table, bool wanted) {
    assert(table->owner);
    struct art_journal *journal = table->journal;
    sqlite3_int64 pages = wanted ? art_ask_number(table->connection, "PRAGMA wal_autocheckpoint", 0) : 0;
    journal->autocheckpoint = pages > 0 ? (uint32_t)pages : 0;
    if (journal->autocheckpoint) journal->users = art_wal_users(table->connection, table->name->schema);
}

void art_journal_end_epoch(struct art_table *table) {
    assert(table->stage == ART_STAGE_PREPARED);
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema;
    const struct art_journal *journal = table->journal;
    if (!journal->autocheckpoint || sqlite3_txn_state(db, schema) != SQLITE_TXN_NONE) return;
    if (art_checkpoint_early(db, schema, journal->users, journal->autocheckpoint))
        art_tree_count_checkpoint(table->tree);
}

static bool wait_for_writer(void *context, unsigned attempt) {
    static const uint8_t delays[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
    enum { DELAYS = sizeof delays };
    struct art_table *table = context;
    int left = (int)art_ask_number(table->connection, "PRAGMA busy_timeout", 0) - table->journal->waited;
    if (left <= 0) return false;
    int delay = delays[attempt < DELAYS ? attempt : DELAYS - 1];
    if (delay > left) delay = left;
    assert(delay > 0);
    sqlite3_sleep(delay);
    table->journal->waited += delay;
    return true;
}

static bool interrupted(void *context) {
    const struct art_table *table = context;
    return art_interrupted(table->connection);
}

enum art_rc art_journal_host(struct art_table *table, struct art_host *out) {
    if (!table->journal) {
        table->journal = art_alloc_zeroed(sizeof *table->journal);
        if (!table->journal) return art_nomem();
        art_blobs_host(table, &table->rows);
    }
    *out = (struct art_host){.context = table,
                             .rows = &table->rows,
                             .scratch = &art_sqlite_scratch,
                             .unmoved = unmoved,
                             .another_file = another_file,
                             .secure = secure,
                             .epoch = epoch,
                             .load_retired = load_retired,
                             .load_held = load_held,
                             .each_snapshot = each_snapshot,
                             .wait = wait_for_writer,
                             .interrupted = interrupted,
                             .room = room,
                             .budget = budget,
                             .secure_delete = secure_delete,
                             .alive = alive,
                             .each_log_row = each_log_row};
    return ART_OK;
}
