/* A table's way through a transaction of SQLite: joining, savepoints, sync, commit, rollback.
 *
 * The owner. A table joins before its first change. From then on the callbacks of one handle count for it, those of all
 * others are ignored: the listener's (listener.c), or where there is none, the art handle's that SQLite had begun. A
 * statement that is a transaction by itself needs no listener: within it nothing is created, renamed or dropped; and
 * where the transaction goes on after it all the same (a BEGIN while another statement still writes), who does that
 * makes it take over.
 *
 * Savepoints. SQLite numbers them; a number is repeated, and some are never told:
 *
 *     xSavepoint(n)   a saved state n that exists stays, else the present state becomes it
 *     xRelease(n)     saved states >= n go
 *     xRollbackTo(n)  back to exactly state n; where there is none, to the transaction's beginning (the table had not
 *                     changed by then); saved states > n go
 *     both            what is above is no more: a function within a statement that writes may have taken the
 *                     statement's own savepoint away, and then SQLite wants it back all the same. As in a b-tree,
 *                     nothing is done
 *
 * A table that joins gets all numbers that its owner knows, standing for the beginning, so that a repeated number is
 * recognised. A saved state also holds the table's name and whether it exists: SQLite tells neither of a RENAME, CREATE
 * or DROP that is taken back.
 *
 * Commit. xSync writes all that is to be written, each time anew (it is called again after SQLITE_BUSY). A table that
 * is gone by then, or whose T_artstate carries another id, writes nothing. xCommit only says so, and reads the data
 * version, so that the own commit is not taken for somebody else's. Neither xCommit nor xRollback runs SQL: a SELECT
 * would leave its read lock behind, an INSERT would be lost.
 */
#include "core/tree/place.h"
#include "ext/host/host.h"
#include "ext/table/table_function.h"
#include "ext/txn/txn.h"

#include <assert.h>

/* --- saved states ------------------------------------------------------------------------------------------------- */

static struct art_saved_table saved_now(struct art_table *table, int number, uint32_t savepoint) {
    return (struct art_saved_table){number,          savepoint,        art_name_hold(table->name),
                                    table->settings, table->requested, table->made_count,
                                    table->exists};
}

static int push_saved(struct art_table *table, int number, uint32_t savepoint) {
    assert(table->owner && number != ART_SAVEPOINT_NONE);
    if (art_grow(&table->saved, &table->saved_capacity, table->saved_count + 1, sizeof *table->saved)) {
        return SQLITE_NOMEM;
    }
    table->saved[table->saved_count++] = saved_now(table, number, savepoint);
    return SQLITE_OK;
}

void art_table_set_owner(struct art_table *table, sqlite3_vtab *owner) {
    struct art_connection *connection = table->connection;
    const sqlite3_vtab *listener = connection->owner;
    assert(!table->owner || !owner || owner == listener); /* who takes over is the listener */
    if (table->owner && table->owner != listener) ((struct art_vtab *)table->owner)->owned--;
    if (owner && owner != listener) ((struct art_vtab *)owner)->owned++;
    if (owner && !table->owner) { /* into connection->changing */
        table->changing_next = connection->changing;
        table->changing_link = &connection->changing;
        if (connection->changing) connection->changing->changing_link = &table->changing_next;
        connection->changing = table;
    } else if (table->owner && !owner) {
        assert(*table->changing_link == table);
        *table->changing_link = table->changing_next;
        if (table->changing_next) table->changing_next->changing_link = table->changing_link;
    }
    table->owner = owner;
}

/* Forgets the saved states from number `keep` on, without the tree's savepoints. */
static void drop_saved(struct art_table *table, unsigned keep) {
    assert(keep <= table->saved_count);
    while (table->saved_count > keep) art_name_release(table->saved[--table->saved_count].name);
}

bool art_table_is_heard(const struct art_table *table) {
    return table->owner && table->owner == table->connection->owner;
}

/* Without the listener nobody knows which names belong to the saved state: the next handle brings the right one. */
static void restore(struct art_table *table, const struct art_saved_table *saved) {
    assert(saved->name && table->owner);
    if (art_table_is_heard(table)) art_table_set_name(table, saved->name);
    table->exists = saved->exists;
    table->requested = saved->requested;
    art_snapshots_forget_made(table, saved->made_count);
    if (!art_settings_equal(&table->settings, &saved->settings)) art_settings_use(table, &saved->settings);
}

/* SQLite goes on after a COMMIT that it has tried, so what xSync has written is no longer all. */
static void reopen_commit(struct art_table *table) {
    if (table->stage == ART_STAGE_PREPARED) art_table_set_stage(table, ART_STAGE_REFUSED);
}

static void leave_transaction(struct art_table *table) {
    art_journal_leave(table);
    art_deleting_forget(table);
    drop_saved(table, 0);
    art_name_release(table->begin.name);
    table->begin.name = NULL;
    art_table_set_owner(table, NULL);
    if (table->fresh == ART_FRESH_LOCKED) table->fresh = ART_FRESH_AT_VERSION;
    art_table_set_stage(table, ART_STAGE_OUT);
    table->requested = 0;
    if (table->made_count) art_snapshots_forget_made(table, 0);
    art_orphan_files_clear(&table->orphans);
    if (art_tree_unknown(table->tree)) table->fresh = ART_FRESH_UNKNOWN;
    if (table->trim_later) art_table_trim(table);
}

int art_table_join(struct art_table *table, struct art_vtab *vtab, char **message) {
    /* There is something to change. */
    vtab->savepoints.missed = vtab->connection->savepoints.missed = ART_SAVEPOINT_NONE;
    if (table->owner) return SQLITE_OK;
    assert(vtab->table == table && (vtab->begun || vtab->connection->joined || !table->exists));
    struct art_connection *connection = table->connection;
    bool alone = table->exists && sqlite3_get_autocommit(connection->db);
    int rc = alone ? SQLITE_OK : art_listener_join(connection, message);
    if (rc) return rc;
    const struct art_savepoints *savepoints = connection->joined ? &connection->savepoints : &vtab->savepoints;
    table->begin = saved_now(table, ART_SAVEPOINT_NONE, ART_SAVEPOINT_BEGIN);
    art_table_set_owner(table, connection->joined ? connection->owner : &vtab->base);
    art_table_set_stage(table, alone && !connection->joined ? ART_STAGE_ALONE : ART_STAGE_CHANGING);
    for (unsigned i = 0; !rc && i < savepoints->count; i++)
        rc = push_saved(table, savepoints->items[i], ART_SAVEPOINT_BEGIN);
    if (rc) leave_transaction(table);
    art_table_assert(table);
    return rc;
}

/* --- savepoints --------------------------------------------------------------------------------------------------- */

int art_table_savepoint(struct art_table *table, int number) {
    assert(table->stage != ART_STAGE_OUT);
    table->noted = false;
    for (unsigned i = 0; i < table->saved_count; i++) {
        if (table->saved[i].number == number) return SQLITE_OK;
    }
    uint32_t savepoint = ART_SAVEPOINT_BEGIN;
    if (!art_tree_unknown(table->tree) && art_tree_dirty(table->tree)) {
        enum art_rc art_rc = art_tree_savepoint(table->tree, &savepoint);
        if (art_rc) return art_sqlite_code(art_rc);
    }
    int rc = push_saved(table, number, savepoint);
    if (rc && savepoint != ART_SAVEPOINT_BEGIN) art_tree_release_savepoints(table->tree, savepoint);
    table->noted = !rc;
    return rc;
}

void art_table_release(struct art_table *table, int number) {
    assert(table->stage != ART_STAGE_OUT);
    unsigned keep = table->saved_count;
    while (keep && table->saved[keep - 1].number >= number) keep--;
    for (unsigned i = keep; i < table->saved_count; i++) {
        if (table->saved[i].savepoint == ART_SAVEPOINT_BEGIN) continue;
        art_tree_release_savepoints(table->tree, table->saved[i].savepoint);
        break;
    }
    drop_saved(table, keep);
}

void art_table_rollback_to(struct art_table *table, int number) {
    assert(table->stage != ART_STAGE_OUT);
    const struct art_saved_table *target = &table->begin;
    for (unsigned i = 0; i < table->saved_count; i++) {
        if (table->saved[i].number == number) target = &table->saved[i];
    }
    art_deleting_forget(table);
    art_scans_catch_up(table);
    restore(table, target);
    uint32_t savepoint = target->savepoint;
    art_tree_rollback_to(table->tree, savepoint);
    reopen_commit(table);
    art_journal_rolled_back_to(table, target == &table->begin);
    if (art_tree_unknown(table->tree)) table->fresh = ART_FRESH_UNKNOWN;
    unsigned keep = table->saved_count;
    while (keep && table->saved[keep - 1].number > number) keep--;
    drop_saved(table, keep);
    if (savepoint != ART_SAVEPOINT_BEGIN) return;
    for (unsigned i = 0; i < keep; i++)
        table->saved[i].savepoint = ART_SAVEPOINT_BEGIN; /* the tree has dropped its savepoints */
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

/* Does SQLite commit a statement that writes, and no COMMIT? That counts as one that reads, and commits while no other
 * one writes. sqlite3_get_autocommit() is true within both. */
static bool a_writer_runs(sqlite3 *db) {
    for (sqlite3_stmt *each = sqlite3_next_stmt(db, NULL); each; each = sqlite3_next_stmt(db, each)) {
        if (sqlite3_stmt_busy(each) && !sqlite3_stmt_readonly(each)) return true;
    }
    return false;
}

/* A statement that is a transaction by itself. Behind the last row that it has changed a function may have begun one
 * that goes on. */
static bool stands_alone(const struct art_table *table) {
    return table->stage == ART_STAGE_ALONE && a_writer_runs(table->connection->db);
}

/* What commands have left for now. */
static int ask_tree(struct art_table *table, char **message) {
    assert(table->exists && table->owner);
    bool packs = table->requested & (ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM),
         empties = art_tree_empties(table->tree);
    if (!table->requested && !empties) return SQLITE_OK;
    unsigned alone = (packs || empties) && stands_alone(table) ? ART_REQUEST_ALONE : 0;
    return art_report(message, art_tree_request(table->tree, table->requested | alone));
}

/* May the table's .art file go when the table does? T_artstate, which anybody may have written, can name another
 * database's file. */
static bool is_files_end(const struct art_table *table) {
    return table->remove_allowed && !art_tree_medium(table->tree)->goes_with_host &&
           art_file_belongs(table->path, table->database, table->uuid);
}

/* Its .art file goes with this commit. */
static bool is_dropped(const struct art_table *table) {
    assert(table->owner && table->begin.name);
    return !table->exists && table->begin.exists && is_files_end(table);
}

/* An authorizer that does not let us ask for the journal mode only keeps the file, not the table. */
static int prepare_to_remove_file(struct art_table *table, char **message) {
    int rc = art_journal_prepare_to_harden(table, message), primary = rc & 0xff;
    if (!rc || art_journal_must_abort(table) || primary == SQLITE_NOMEM || primary == SQLITE_INTERRUPT) return rc;
    art_forget_message(message);
    return SQLITE_OK;
}

static int check_alive(const struct art_table *table, char **message) {
    if (art_journal_alive(table)) return SQLITE_OK;
    return art_complain(message, SQLITE_ABORT_ROLLBACK,
                        "art: an error within the commit has ended the transaction (%s): begin it again",
                        table->name->table);
}

static int prepare_and_write(struct art_table *table, char **message) {
    assert(table->exists && !art_tree_unknown(table->tree));
    struct art_commit commit = {0};
    int rc = art_snapshots_before_commit(table, message);
    if (!rc) rc = ask_tree(table, message);
    if (!rc && table->requested & ART_REQUEST_CLEAN) rc = art_clean_prepare(table, message);
    /* A program may lower it at any time. */
    art_tree_set_row_limit(table->tree, (uint64_t)sqlite3_limit(table->connection->db, SQLITE_LIMIT_LENGTH, -1) / 4);
    if (!rc) rc = art_report(message, art_tree_prepare(table->tree, &commit));
    if (!rc) rc = check_alive(table, message);
    if (!rc) rc = art_shadow_write(table, &commit, message);
    if (!rc) rc = art_snapshots_commit(table, &commit, message);
    if ((rc & 0xff) == SQLITE_FULL) art_tree_note_full(table->tree);
    if (!rc) art_journal_note_checkpoint(table, commit.wants_checkpoint);
    if (!rc) art_table_set_stage(table, ART_STAGE_PREPARED);
    return rc;
}

int art_table_sync(struct art_table *table, char **message) {
    bool ours = false;
    assert(table->owner && table->stage != ART_STAGE_OUT);
    reopen_commit(table);
    int rc = art_journal_sound(table, message);
    if (!rc) rc = art_deleting_settle(table, message);
    if (!rc && is_dropped(table)) return prepare_to_remove_file(table, message);
    bool nothing = !table->requested && !art_tree_dirty(table->tree);
    if (rc || !table->exists || nothing) return rc;
    /* The log was read, or has not changed, under the lock that is held: only another statement of this connection
     * could have changed T_artstate since, or put another table into its place. */
    ours = table->stage == ART_STAGE_ALONE && table->fresh == ART_FRESH_LOCKED;
    if (!ours) rc = art_shadow_is_ours(table, &ours, message);
    if (rc || !ours) return rc;
    if (art_tree_unknown(table->tree)) {
        rc = art_table_refresh(table, message);
        if (rc) return rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT_VTAB : rc;
        table->fresh = ART_FRESH_LOCKED;
    }
    rc = prepare_and_write(table, message);
    assert(rc || table->stage == ART_STAGE_PREPARED);
    return rc ? rc : art_journal_sound(table, message);
}

/* The .art file of a table that is no more. A dropped one's only when its DROP can't be lost any more. One that was
 * made in this transaction only while no COMMIT was attempted: one that ended in an error may have been made durable
 * all the same (its frames are in the WAL, its journal is gone), and 'clean' will tell. */
static void remove_file(struct art_table *table) {
    assert(!table->exists && table->owner);
    bool born = !table->begin.exists;
    if ((born && art_commit_attempted(table)) || !is_files_end(table)) return;
    if (!born && art_journal_harden(table)) return;
    art_file_remove(table->path); /* not there: no flush has made it yet */
}

/* A query may be open on a table that a ROLLBACK has unmade. */
static void close_if_gone(struct art_table *table) {
    bool gone = !table->exists;
    if (gone) {
        art_scans_abandon(table, NULL);
        remove_file(table);
    }
    leave_transaction(table);
    art_table_assert(table);
    if (gone) {
        art_table_trim(table); /* a statement that is kept may keep the handle */
        art_tree_leave_cache(table->tree);
    }
    art_table_free_if_unused(table);
}

void art_table_committed(struct art_table *table) {
    bool prepared = table->stage == ART_STAGE_PREPARED;
    assert(table->owner && !table->deleting);
    if (prepared) {
        art_tree_committed(table->tree);
    } else {
        bool lost = art_tree_dirty(table->tree);
        art_scans_catch_up(table);
        art_tree_rolled_back(table->tree);
        if (lost) art_tree_forget(table->tree);
    }
    if (table->fresh == ART_FRESH_LOCKED)
        table->data_version = art_database_version(table->connection->db, table->name->schema);
    else
        table->fresh = ART_FRESH_UNKNOWN;
    if (prepared && table->requested & ART_REQUEST_CLEAN) art_clean_finish(table);
    if (prepared) art_journal_end_epoch(table);
    close_if_gone(table);
}

/* A COMMIT that ended in an error may be there all the same, for this connection, too: the log is asked at the next
 * read. */
void art_table_rolled_back(struct art_table *table) {
    assert(table->owner);
    art_scans_catch_up(table);
    art_tree_rolled_back(table->tree);
    restore(table, &table->begin);
    if (art_commit_attempted(table)) table->fresh = ART_FRESH_UNKNOWN;
    close_if_gone(table);
}

/* --- all tables of an owner --------------------------------------------------------------------------------------- */

static struct art_connection *connection_of(const sqlite3_vtab *owner) {
    return owner->pModule == &art_listener_module ? ((const struct art_function_vtab *)owner)->connection
                                                  : ((const struct art_vtab *)owner)->connection;
}

/* The savepoints that an owner was told of. NULL: it is a listener that is not the owner, and hears of nothing. */
static struct art_savepoints *savepoints_of(sqlite3_vtab *owner) {
    struct art_connection *connection = connection_of(owner);
    if (owner->pModule != &art_listener_module) return &((struct art_vtab *)owner)->savepoints;
    return connection->owner == owner ? &connection->savepoints : NULL;
}

/* Where to begin to look for the tables of an owner: the listener, or else an art table's handle. A transaction of many
 * tables has as many handles, which own nothing, and each hears of each statement. */
static struct art_table *tables_of(const sqlite3_vtab *owner) {
    const struct art_connection *connection = connection_of(owner);
    if (!connection->changing) return NULL; /* nor may the listener still be the owner: settle_tables() */
    bool any = owner == connection->owner || ((const struct art_vtab *)owner)->owned;
    return any ? connection->changing : NULL;
}

/* Behind each callback of an owner: what holds of its tables and savepoints. Its tables have been told of no other
 * savepoint than it was. */
#ifdef NDEBUG
#define assert_owner(owner, savepoints) ((void)(owner), (void)(savepoints))
#else
static bool is_known(const struct art_savepoints *savepoints, int number) {
    for (unsigned i = 0; i < savepoints->count; i++) {
        if (savepoints->items[i] == number) return true;
    }
    return false;
}

static void assert_owner(const sqlite3_vtab *owner, const struct art_savepoints *savepoints) {
    art_savepoints_assert(savepoints);
    assert(!connection_of(owner)->joined || connection_of(owner)->owner);
    for (const struct art_table *table = tables_of(owner); table; table = table->changing_next) {
        if (table->owner != owner) continue;
        art_table_assert(table);
        for (unsigned i = 0; i < table->saved_count; i++) assert(is_known(savepoints, table->saved[i].number));
    }
}
#endif

/* All tables note it, or none. SQLite then ends the statement that wanted it, and may want back the state at a
 * savepoint that nobody has noted: it is the present one. */
static int note_savepoint(sqlite3_vtab *owner, struct art_savepoints *savepoints, int number) {
    int rc = art_savepoints_push(savepoints, number);
    struct art_table *first = tables_of(owner), *table = first;
    for (; table && !rc; table = table->changing_next) {
        if (table->owner == owner) rc = art_table_savepoint(table, number);
    }
    savepoints->missed = rc ? number : ART_SAVEPOINT_NONE;
    if (!rc) return rc;
    for (struct art_table *each = first; each != table; each = each->changing_next) {
        if (each->owner == owner && each->noted) art_table_release(each, number);
    }
    art_savepoints_drop(savepoints, number);
    return rc;
}

/* Rows that a DELETE has handed over (deleting.c). SQLite shows no words of ours for what savepoints return. An error
 * may have ended the transaction, and then there are no more tables. */
static int settle_tables(const sqlite3_vtab *owner) {
    char *message = NULL;
    int rc = SQLITE_OK;
    for (struct art_table *table = tables_of(owner); table && !rc; table = table->changing_next) {
        if (table->owner == owner) rc = art_deleting_settle(table, &message);
    }
    sqlite3_free(message);
    return rc;
}

/* A statement may go on although its savepoint was rolled away (savepoints->cut). The next savepoint then brings back
 * those that are missing below it, each with the present state: SQLite does so for a b-tree. */
int art_owner_savepoint(sqlite3_vtab *owner, int number) {
    struct art_savepoints *savepoints = savepoints_of(owner);
    if (!savepoints) return SQLITE_OK;
    int rc = settle_tables(owner);
    if (rc) savepoints->missed = number;
    int each = savepoints->cut < number ? savepoints->cut : number;
    for (; !rc && each <= number; each++) rc = note_savepoint(owner, savepoints, each);
    assert_owner(owner, savepoints);
    return rc;
}

int art_owner_release(sqlite3_vtab *owner, int number) {
    struct art_savepoints *savepoints = savepoints_of(owner);
    if (!savepoints) return SQLITE_OK;
    int rc = settle_tables(owner);
    art_savepoints_drop(savepoints, number);
    for (struct art_table *table = tables_of(owner); table; table = table->changing_next) {
        if (table->owner == owner) art_table_release(table, number);
    }
    assert_owner(owner, savepoints);
    return rc;
}

int art_owner_rollback_to(sqlite3_vtab *owner, int number) {
    struct art_savepoints *savepoints = savepoints_of(owner);
    if (!savepoints) return SQLITE_OK;
    bool present = savepoints->missed == number;
    savepoints->missed = ART_SAVEPOINT_NONE;
    assert(savepoints->cut != ART_SAVEPOINT_NONE);
    if (number >= savepoints->cut) return SQLITE_OK;
    art_savepoints_drop(savepoints, number + 1);
    if (present) return SQLITE_OK;
    for (struct art_table *table = tables_of(owner); table; table = table->changing_next) {
        if (table->owner == owner) art_table_rollback_to(table, number);
    }
    assert_owner(owner, savepoints);
    return SQLITE_OK;
}

int art_owner_sync(sqlite3_vtab *owner) {
    struct art_connection *connection = connection_of(owner);
    int rc = connection->ended = SQLITE_OK;
    if (!savepoints_of(owner)) return rc;
    assert(owner == connection->owner || ((struct art_vtab *)owner)->begun);
    art_forget_message(&owner->zErrMsg); /* of a DROP that failed, say: SQLite would show it as the COMMIT's */
    for (struct art_table *table = tables_of(owner); table && !rc; table = table->changing_next) {
        if (table->owner != owner) continue;
        rc = art_table_sync(table, &owner->zErrMsg);
        art_table_assert(table);
    }
    if (!rc) rc = connection->ended; /* what was written since is in a transaction of its own */
    return !rc && art_out_of_memory(connection) ? SQLITE_NOMEM : rc;
}

/* The tables may go with it. SQLite tells a handle nothing more until the next xBegin. */
static int end_tables(sqlite3_vtab *owner, void (*end)(struct art_table *)) {
    struct art_connection *connection = connection_of(owner);
    struct art_savepoints *savepoints = savepoints_of(owner);
    if (!savepoints) return SQLITE_OK;
    bool listens = connection->owner == owner;
    if (!listens) {
        assert(((struct art_vtab *)owner)->begun);
        ((struct art_vtab *)owner)->begun = false;
    }
    art_savepoints_begin(savepoints);
    for (struct art_table *table = tables_of(owner), *next; table; table = next) {
        next = table->changing_next;
        if (table->owner == owner) end(table);
    }
    assert(listens || !((const struct art_vtab *)owner)->owned);
    if (!listens) return SQLITE_OK;
    connection->owner = NULL;
    connection->joined = false;
    return SQLITE_OK;
}

int art_owner_commit(sqlite3_vtab *owner) {
    return end_tables(owner, art_table_committed);
}

int art_owner_rollback(sqlite3_vtab *owner) {
    return end_tables(owner, art_table_rolled_back);
}

int art_vtab_begin(sqlite3_vtab *base) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    assert(!vtab->begun && !vtab->owned && !vtab->disconnected);
    art_savepoints_begin(&vtab->savepoints);
    vtab->begun = true;
    /* Joining waits for the first change. SQLite has made room for one more table in its list of those in the
     * transaction: a statement here that begins another one, temp.art_txn, would write past the end of that list. */
    return SQLITE_OK;
}
