/* What 'vacuum' and 'optimize' leave to be done when their own transaction is over.
 *
 * A blob that moves leaves its slot only with the commit, and the slot may be written or cut off only by a later
 * transaction, in WAL mode behind a checkpoint that has let SQLite begin its WAL anew (core/tree/run/slots.c). So the
 * smallest file takes several transactions, and SQLite runs no statement in xCommit. A statement that is a transaction
 * by itself therefore makes the checkpoint there, where SQLite holds no lock any more, and lets a second connection to
 * the same database do the rest:
 *
 *     the statement      'vacuum': what its own commit can do; 'optimize': one run
 *     its connection     checkpoint: does anybody hinder it? Then nothing has become larger
 *     second connection  'optimize' and 'vacuum', checkpoint, again, until nothing changes: one run, moved down, cut
 *                        off
 *
 * All of these are ordinary transactions, by the ordinary rules. The second connection waits as long for others as the
 * first one would, and an interrupt of the first one stops it. What hindered it is said by art_info ('vacuum'), since
 * nothing that fails after a commit can make its statement fail, and the next 'vacuum' goes on with it.
 *
 * Blobs in rows need one transaction only, unless the disk is too full for all of them at once: then each transaction
 * merges as much as it has room for, and the checkpoint behind it gives the WAL's room back. What they leave are free
 * pages of the database.
 *
 * A program that has taken checkpoints over (wal_autocheckpoint=0, or a hook of his own) makes these, too.
 */
#include "ext/host/host.h"
#include "ext/txn/txn.h"

#include <stdarg.h>

enum { FINISH_ROUNDS_MAX = 1000, FINISH_FULL_MAX = 12 };

static void note_outcome(struct art_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note_outcome(struct art_table *table, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    sqlite3_free(table->finish.said);
    table->finish.said = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
}

/* --- before the commit -------------------------------------------------------------------------------------------- */

/* One row, or none where it cannot be had. */
static int ask_setting(struct art_table *table, const char *pragma, sqlite3_stmt **out, bool *told) {
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".%s", table->name->schema, pragma);
    *out = NULL;
    *told = false;
    if (!sql) return SQLITE_NOMEM;
    int rc = sqlite3_prepare_v2(table->connection->db, sql, -1, out, NULL);
    sqlite3_free(sql);
    if (!rc) *told = art_shadow_step(table->connection, *out) == SQLITE_ROW;
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

static int ask_pragma(struct art_table *table, const char *pragma, int untold, int *out) {
    sqlite3_stmt *statement;
    bool told;
    int rc = ask_setting(table, pragma, &statement, &told);
    *out = told ? sqlite3_column_int(statement, 0) : untold;
    sqlite3_finalize(statement);
    return rc;
}

static int ask_locking(struct art_table *table, bool *exclusive) {
    sqlite3_stmt *statement;
    bool told;
    int rc = ask_setting(table, "locking_mode", &statement, &told);
    const char *text = told ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    *exclusive = text && !sqlite3_stricmp(text, "exclusive");
    sqlite3_finalize(statement);
    return rc;
}

/* A statement that is a transaction by itself, as far as anybody can know. */
static bool stands_alone(const struct art_table *table) {
    return table->alone && !art_table_is_heard(table) && sqlite3_get_autocommit(table->connection->db);
}

int art_finish_prepare(struct art_table *table, char **message) {
    struct art_finish *finish = &table->finish;
    finish->wanted = table->requested & (ART_REQUEST_VACUUM | ART_REQUEST_OPTIMIZE);
    finish->alone = finish->wanted && stands_alone(table);
    finish->shuts_out = false;
    if (!finish->alone || table->connection->finishes) return SQLITE_OK;
    int rc = ask_locking(table, &finish->shuts_out);
    if (!rc) rc = ask_pragma(table, "wal_autocheckpoint", 0, &finish->checkpoint_every);
    if (!rc) rc = ask_pragma(table, "busy_timeout", 0, &finish->busy_timeout);
    if (!rc) rc = ask_pragma(table, "synchronous", 0, &finish->synchronous);
    if (!rc) rc = ask_pragma(table, "secure_delete", 1, &finish->secure_delete);
    return rc ? rc : art_report(message, art_journal_is_wal(table, &finish->wal));
}

unsigned art_finish_requests(const struct art_table *table) {
    const struct art_finish *finish = &table->finish;
    bool packs = finish->alone && (table->inlined || finish->shuts_out) && !table->connection->finishes;
    return packs && table->requested & ART_REQUEST_VACUUM ? ART_REQUEST_OPTIMIZE : 0;
}

/* --- the second connection ---------------------------------------------------------------------------------------- */

struct second {
    struct art_table *table; /* the first one's */
    sqlite3 *db;
    struct art_connection *connection;
    char *name; /* main.T */
    char *message;
    struct art_tree_info info; /* as of the last look */
};

static const char *reason(const struct second *second, int rc) {
    if (second->message) return second->message;
    bool known = second->db && (sqlite3_errcode(second->db) & 0xff) == (rc & 0xff);
    return known ? sqlite3_errmsg(second->db) : sqlite3_errstr(rc);
}

static int open_second(struct second *second) {
    struct art_table *table = second->table;
    sqlite3 *first = table->connection->db;
    const char *schema = table->name->schema;
    sqlite3_vfs *vfs = NULL;
    int moved = 0;
    sqlite3_file_control(first, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    sqlite3_file_control(first, schema, SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved) return SQLITE_READONLY_DBMOVED;
    second->name = sqlite3_mprintf("main.%s", table->name->table);
    static const char *const secure_delete[] = {"off", "on", "fast"};
    char *pragmas = sqlite3_mprintf("PRAGMA synchronous=%d; PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=%s",
                                    table->finish.synchronous, secure_delete[table->finish.secure_delete % 3]);
    int rc = second->name && pragmas ? sqlite3_open_v2(art_database_name(first, schema), &second->db,
                                                       SQLITE_OPEN_READWRITE, vfs ? vfs->zName : NULL)
                                     : SQLITE_NOMEM;
    if (!rc) rc = table->connection->load(second->db, &second->message);
    if (!rc) second->connection = art_connection_hold(second->db);
    if (!rc && !second->connection) rc = SQLITE_NOMEM;
    if (!rc) {
        second->connection->finishes = table->connection;
        sqlite3_busy_timeout(second->db, table->finish.wanted & ART_REQUEST_VACUUM ? table->finish.busy_timeout : 0);
        rc = sqlite3_exec(second->db, pragmas, NULL, NULL, NULL);
    }
    sqlite3_free(pragmas);
    return rc;
}

static void close_second(struct second *second) {
    sqlite3_close(second->db);
    if (second->connection) art_connection_release(second->connection);
    sqlite3_free(second->name);
    sqlite3_free(second->message);
}

static int run_sql(struct second *second, const char *format) {
    const char *table = second->table->name->table;
    char *sql = sqlite3_mprintf(format, table, table);
    int rc = sql ? sqlite3_exec(second->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

/* How large is it now? And is it the table that we mean: somebody may have replaced the database in between. */
static int measure_table(struct second *second) {
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(second->connection, second->name, &ref, &second->message);
    if (rc) return rc;
    rc = art_table_ref_ready(ref->vtab, &second->message);
    const struct art_table *table = ref->vtab->table;
    if (!rc && memcmp(table->uuid, second->table->uuid, ART_UUID_BYTES) != 0) rc = SQLITE_SCHEMA;
    if (!rc) rc = art_report(&second->message, art_tree_info(table->tree, &second->info));
    art_table_ref_release(ref);
    return rc;
}

/* A blob that moves has its index blob written anew, into another slot. So where the disk has no room for all of it at
 * once, one slot may stay free. */
static bool is_small_enough(const struct second *second) {
    const struct art_tree_info *info = &second->info;
    bool merged = info->runs <= 1 && !info->log_rows;
    return merged && (second->table->inlined || (!info->retired_slots && info->free_slots <= 1));
}

static bool is_smallest(const struct second *second) {
    return is_small_enough(second) && (second->table->inlined || !second->info.free_slots);
}

/* A portion may go from one run to the next without a blob more or less. */
static bool is_same(const struct art_tree_info *a, const struct art_tree_info *b) {
    for (unsigned i = 0; i < a->runs && i < b->runs; i++) {
        if (a->run[i].entries != b->run[i].entries) return false;
    }
    return a->runs == b->runs && a->blobs == b->blobs && a->blob_bytes == b->blob_bytes &&
           a->file_bytes == b->file_bytes && a->retired_slots == b->retired_slots;
}

static int checkpoint(struct second *second) {
    if (!second->table->finish.wal) return SQLITE_OK;
    return sqlite3_wal_checkpoint_v2(second->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

/* A disk that is too full for one way may have room for another, which the next try takes. */
static int run_round(struct second *second, unsigned *full) {
    int rc = art_stopped(second->connection);
    if (!rc) rc = run_sql(second, "INSERT INTO main.\"%w\"(\"%w\") VALUES('optimize'), ('vacuum')");
    if (!rc) rc = checkpoint(second);
    if ((rc & 0xff) == SQLITE_FULL && ++*full < FINISH_FULL_MAX) rc = SQLITE_OK;
    return rc ? rc : measure_table(second);
}

static int run_rounds(struct second *second) {
    unsigned full = 0, same = 0;
    int rc = measure_table(second);
    for (unsigned i = 0; !rc && i < FINISH_ROUNDS_MAX && same < 2; i++) {
        struct art_tree_info before = second->info;
        unsigned full_before = full;
        rc = run_round(second, &full);
        if (!rc && full == full_before && is_smallest(second)) return SQLITE_OK;
        bool moved = full > full_before || !is_same(&before, &second->info);
        same = moved ? 0 : same + 1;
        if (second->info.full) full++;
    }
    return !rc && full && !is_small_enough(second) ? SQLITE_FULL : rc;
}

/* --- after the commit --------------------------------------------------------------------------------------------- */

static void say_what_hindered(struct art_table *table, int rc, const char *why) {
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        note_outcome(table, "not finished: another connection reads or writes (%s): 'vacuum' again when it has ended",
                     why);
        break;
    case SQLITE_FULL:
        note_outcome(
            table,
            "not finished: the disk is full (%s): make room on its file system, or DELETE rows, and 'vacuum' again",
            why);
        break;
    default:
        note_outcome(table, "not finished: %s: 'vacuum' again", why);
        break;
    }
}

static void note_done(struct art_table *table) {
    note_outcome(table, table->inlined
                            ? "done: what it has freed are free pages of the database, which VACUUM gives back"
                            : "done");
}

static void run_second(struct art_table *table) {
    struct second second = {.table = table};
    int rc = open_second(&second);
    if (!rc) rc = run_rounds(&second);
    if (rc)
        say_what_hindered(table, rc, reason(&second, rc));
    else
        note_done(table);
    close_second(&second);
}

/* Is there something in the way of which this connection knows? */
static bool is_hindered(struct art_table *table) {
    const struct art_finish *finish = &table->finish;
    sqlite3 *db = table->connection->db;
    const char *schema = table->name->schema;
    if (!finish->alone) {
        note_outcome(table, "not finished: it was part of a transaction: 'vacuum' again, outside of one");
    } else if (sqlite3_txn_state(db, schema) != SQLITE_TXN_NONE) {
        note_outcome(table, "not finished: a statement of this connection is still open: reset it and 'vacuum' again");
    } else if (finish->wal && finish->checkpoint_every <= 0) {
        note_outcome(
            table,
            "not finished: wal_autocheckpoint is 0, or a hook is set: make a checkpoint and 'vacuum' again, until "
            "the file stays as it is");
    } else {
        return false;
    }
    return true;
}

void art_finish_run(struct art_table *table) {
    const struct art_finish *finish = &table->finish;
    sqlite3 *db = table->connection->db;
    if (!finish->wanted || table->connection->finishes || is_hindered(table)) return;
    bool checks = finish->wal && finish->wanted & ART_REQUEST_VACUUM; /* 'optimize' alone waits for nobody */
    int rc =
        checks ? sqlite3_wal_checkpoint_v2(db, table->name->schema, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) : SQLITE_OK;
    bool full =
        (rc & 0xff) == SQLITE_FULL && !table->inlined && !finish->shuts_out; /* there may be something to cut off */
    if (rc && !full) {
        say_what_hindered(table, rc, sqlite3_errmsg(db));
    } else if (table->inlined ? art_tree_is_merged(table->tree) : !table->path || !art_file_exists(table->path)) {
        note_done(table);
    } else if (finish->shuts_out) {
        note_outcome(
            table,
            "not finished: locking_mode=EXCLUSIVE lets no second connection in: 'vacuum' again, until the file stays "
            "as it is");
    } else {
        run_second(table);
    }
}
