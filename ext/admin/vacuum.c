/* art_vacuum('t'): leaves the smallest file, and no row in the log, so that it is what to call behind a load.
 *
 * A blob that moves leaves its slot only with the commit, and the slot may be written or cut off only by a later
 * transaction, in WAL mode behind a checkpoint that has let SQLite begin its WAL anew (core/tree/run/slots.c). So the
 * smallest file takes several transactions. A function that no transaction surrounds makes them one after the other, by
 * the ordinary rules:
 *
 *     checkpoint    does anybody hinder it? Then nothing has become larger
 *     round         'optimize' and 'vacuum', checkpoint; again, until nothing changes: one run, moved down, cut off
 *
 * What hinders it is its error. What it has done until then stays, and the next call goes on with it.
 *
 * Blobs in rows need one round only, unless the disk is too full for all of them at once: then each transaction merges
 * as much as it has room for, and the checkpoint behind it gives the WAL's room back. What they leave are free pages of
 * the database.
 */
#include "core/tree/inspect.h"
#include "ext/admin/admin.h"

enum { VACUUM_ROUNDS_MAX = 1000, VACUUM_FULL_MAX = 12, CHECKPOINT_DELAY_MS = 10 /* ms */ };

struct vacuum {
    struct art_connection *connection;
    const char *given;               /* the table's name, as it was given */
    struct art_name *name;           /* held */
    const struct art_medium *medium; /* NULL before the first look */
    struct art_tree_info info;       /* as of the last look */
};

static int measure_table(struct vacuum *vacuum, char **message) {
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(vacuum->connection, vacuum->given, &ref, message);
    if (rc) return rc;
    rc = art_vtab_check_commands(ref->vtab, message);
    if (!rc) rc = art_table_ref_ready(ref->vtab, message);
    if (!rc) rc = art_report(message, art_tree_info(ref->vtab->table->tree, &vacuum->info));
    if (!rc) {
        art_name_release(vacuum->name);
        vacuum->name = art_name_hold(ref->vtab->name);
        vacuum->medium = art_tree_medium(ref->vtab->table->tree);
    }
    art_table_ref_release(ref);
    return rc;
}

/* A blob that moves has its index blob written anew, into another slot. So where the disk has no room for all of it at
 * once, one slot may stay free; and any number where a snapshot names the last one, since that does not move. Rows of
 * the log that are there behind a round are others', who go on writing; or, for blobs in rows, a full disk had no room
 * for their flush. There may have been none for removing all that is dead, either. */
static bool is_small_enough(const struct vacuum *vacuum) {
    const struct art_tree_info *info = &vacuum->info;
    if (info->runs > 1 || (info->full && info->left_rows)) return false;
    if (!vacuum->medium->is_cut) return !(info->full && (info->log_bytes || info->retired_slots));
    return !info->retired_slots && (info->free_slots <= 1 || info->end_is_held);
}

/* Behind a round for which there was too little room, the next one may have enough for what it left in the log. */
static bool is_smallest(const struct vacuum *vacuum) {
    const struct art_tree_info *info = &vacuum->info;
    return is_small_enough(vacuum) &&
           (!vacuum->medium->is_cut || !((info->free_slots && !info->end_is_held) || (info->full && info->log_rows)));
}

/* A portion may go from one run to the next without a blob more or less. */
static bool is_same(const struct art_tree_info *a, const struct art_tree_info *b) {
    for (unsigned i = 0; i < a->runs && i < b->runs; i++) {
        if (a->run[i].entries != b->run[i].entries) return false;
    }
    return a->runs == b->runs && a->blobs == b->blobs && a->blob_bytes == b->blob_bytes &&
           a->store.file_bytes == b->store.file_bytes && a->retired_slots == b->retired_slots &&
           a->held_slots == b->held_slots && a->left_rows == b->left_rows;
}

/* Without a WAL there is nothing to be done. SQLite's busy handler does not wait for another's checkpoint, nor is it
 * asked where art itself has found a writer (`log` is -1 then): this waits, as long as busy_timeout says. */
static int checkpoint(const struct vacuum *vacuum) {
    assert(vacuum->name); /* measure_table() has found it */
    struct art_connection *connection = vacuum->connection;
    for (int waited = 0, limit = -1;; waited += CHECKPOINT_DELAY_MS) {
        int log, rc = art_checkpoint_truncate(connection, vacuum->name->schema, &log);
        if (rc != SQLITE_BUSY || log >= 0) return rc;
        if (limit < 0) limit = (int)art_ask_number(connection, "PRAGMA busy_timeout", 0);
        if (waited >= limit) return rc;
        rc = art_stopped(connection);
        if (rc) return rc;
        sqlite3_sleep(CHECKPOINT_DELAY_MS);
    }
}

/* last_insert_rowid() is the user's. */
static int run_commands(const struct vacuum *vacuum) {
    assert(vacuum->name && sqlite3_get_autocommit(vacuum->connection->db));
    sqlite3 *db = vacuum->connection->db;
    const char *table = vacuum->name->table;
    sqlite3_int64 rowid = sqlite3_last_insert_rowid(db);
    char *sql = sqlite3_mprintf("INSERT INTO \"%w\".\"%w\"(\"%w\") VALUES('optimize'), ('vacuum')",
                                vacuum->name->schema, table, table);
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    sqlite3_set_last_insert_rowid(db, rowid);
    return rc;
}

/* A disk that is too full for so much may have room for less, which the next try takes. *full: refused in a row. */
static int run_round(struct vacuum *vacuum, unsigned *full, char **message) {
    int rc = art_stopped(vacuum->connection);
    if (!rc) rc = run_commands(vacuum);
    if (!rc) rc = checkpoint(vacuum);
    *full = (rc & 0xff) == SQLITE_FULL ? *full + 1 : 0;
    if (*full && *full < VACUUM_FULL_MAX) rc = SQLITE_OK;
    return rc ? rc : measure_table(vacuum, message);
}

static int run_rounds(struct vacuum *vacuum, char **message) {
    unsigned full = 0, same = 0;
    uint64_t no_room = vacuum->info.store.count.no_room;
    int rc = SQLITE_OK;
    for (unsigned i = 0; !rc && i < VACUUM_ROUNDS_MAX && same < 2; i++) {
        struct art_tree_info before = vacuum->info;
        rc = run_round(vacuum, &full, message);
        if (!rc && !full && is_smallest(vacuum)) return SQLITE_OK;
        if (!full) same = is_same(&before, &vacuum->info) ? same + 1 : 0;
    }
    if (rc || is_small_enough(vacuum)) return rc;
    return vacuum->info.full || vacuum->info.store.count.no_room > no_room ? SQLITE_FULL : SQLITE_BUSY;
}

static int refuse_inside(const char *table, char **message) {
    return art_complain(message, SQLITE_LOCKED,
                        "art: art_vacuum() makes transactions of its own (%s): COMMIT, and reset the statements that "
                        "are open, first",
                        table);
}

static int tell_what_hinders(const struct vacuum *vacuum, int rc, char **message) {
    assert(rc);
    switch (rc & 0xff) {
    case SQLITE_LOCKED: /* a statement around it, as VACUUM INTO art_vacuum('t') */
        art_forget_message(message);
        return refuse_inside(vacuum->given, message);
    case SQLITE_BUSY:
        art_forget_message(message);
        return art_complain(message, SQLITE_BUSY,
                            "art: another connection reads or writes (%s): call art_vacuum() again when it has ended",
                            vacuum->given);
    case SQLITE_FULL:
        art_forget_message(message);
        return art_complain(message, SQLITE_FULL,
                            "art: the disk is too full to vacuum all of the table (%s): make room on its file system, "
                            "or drop snapshots, DELETE rows, and call art_vacuum() again",
                            vacuum->given);
    default:
        if (!*message && rc != SQLITE_NOMEM) *message = sqlite3_mprintf("%s", sqlite3_errmsg(vacuum->connection->db));
        return rc;
    }
}

/* A table without a row has nothing to be vacuumed, and gets no file by this. On a full disk there may be something to
 * be cut off even where the checkpoint finds no room. */
static int vacuum_table(struct vacuum *vacuum, char **message) {
    int rc = measure_table(vacuum, message);
    if (rc) return rc;
    rc = checkpoint(vacuum);
    if ((rc & 0xff) == SQLITE_FULL && vacuum->medium->is_cut) rc = SQLITE_OK;
    bool any = vacuum->medium->discards || vacuum->info.store.file_bytes || vacuum->info.log_rows;
    if (!rc && any) rc = run_rounds(vacuum, message);
    return rc ? tell_what_hinders(vacuum, rc, message) : SQLITE_OK;
}

/* Without it no transaction may write over what others have freed (host/journal.c). These have no savepoints. SQLite
 * looks for an interrupt at each blank and at the text's end: without them the user's setting comes back all the same.
 */
static int let_spill(sqlite3 *db, bool yes, char **message) {
    int rc = sqlite3_exec(db, yes ? "PRAGMA\"cache_spill\"=ON;" : "PRAGMA\"cache_spill\"=OFF;", NULL, NULL, NULL);
    if (rc && !*message && rc != SQLITE_NOMEM) *message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return rc;
}

int art_vacuum_table(struct art_connection *connection, const char *name, const char **outcome, char **message) {
    struct vacuum vacuum = {.connection = connection, .given = name};
    if (!sqlite3_get_autocommit(connection->db) || sqlite3_txn_state(connection->db, NULL) != SQLITE_TXN_NONE) {
        return refuse_inside(name, message);
    }
    int rc = art_shadow_busy(connection, name, message);
    bool spills = art_ask_number(connection, "PRAGMA cache_spill", 1) != 0;
    if (!rc && !spills) rc = let_spill(connection->db, true, message);
    if (!rc) rc = vacuum_table(&vacuum, message);
    int end = spills ? SQLITE_OK : let_spill(connection->db, false, message);
    if (!rc) rc = end;
    bool frees_pages = vacuum.medium && vacuum.medium->discards;
    *outcome = frees_pages ? "done: what it has freed are free pages of the database, which VACUUM gives back" : "done";
    art_name_release(vacuum.name);
    return rc;
}
