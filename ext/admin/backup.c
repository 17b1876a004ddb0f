/* art_backup('copy.db' [, schema [, storage | 'update']]): a whole database in one consistent copy, with the .art files
 * of its tables, while others go on writing. As a function all at once, as a table (backup_table.c) step by step.
 *
 *     hold       a SELECT stays stepped, and with it a snapshot: no slot that its roots name is written from here on.
 *                Every table with a file has it open, so that nobody who drops the table can take it away
 *     pages      SQLite's own backup copies them
 *     tables     the blobs of each, verified, go one after the other into the same slots of a new file beside the copy,
 *                and the copy's T_artstate gets that file's name. The file notes the copy as its owner: both live on
 *                side by side
 *     let go     before the copy is made durable, for writers that wait (rollback journals)
 *
 * Tables with storage=inline are pages and need nothing more. Where the copy's are to be inline, blobs of the others go
 * into rows of the copy instead; and where they are to have files, those of inline ones are read from their rows. What
 * the copy itself is, and how it is removed if it comes to nothing, is in copy.c.
 *
 * An authorizer cannot make it half a copy: which tables there are is asked of the copy, where there is none.
 */
#include <stdio.h>

#include "ext/admin/copy.h"

#include "core/base/limits.h"
#include "core/base/platform.h"

enum { SNAPSHOTS_MOST = 10 };

struct art_backup {
    struct art_connection *connection;
    char *schema, *said; /* `said`: room for what it has made, in words */
    bool publish, has_pages;
    bool has_tables; /* art's, in the snapshot that is held */
    sqlite3_stmt *snapshot;
    unsigned version; /* of the source */
    sqlite3_backup *pages;
    struct art_vtab **tables; /* pinned, and their files are open */
    unsigned count;
    char **names; /* of the copy's art tables; sqlite3_free() each */
    unsigned names_count, at;
    struct art_copy copy;
};

/* --- may it be? --------------------------------------------------------------------------------------------------- */

static int check_transaction(const struct art_backup *backup, char **message) {
    sqlite3 *db = backup->connection->db;
    int rc = art_schema_known(db, backup->schema, message);
    if (rc && !backup->publish)
        return art_complain(message, rc,
                            "art: there is no database of that name (%s): give 'main' or an attached one, then "
                            "'update', 'inline' or 'file' if need be",
                            backup->schema);
    if (rc || sqlite3_txn_state(db, backup->schema) != SQLITE_TXN_WRITE) return rc;
    return art_complain(
        message, SQLITE_LOCKED,
        "art: this transaction has the write lock, a copy would have what is not committed (%s): COMMIT first",
        backup->schema);
}

/* --- which tables ------------------------------------------------------------------------------------------------- */

/* Is there more to copy of this art table than pages of the database, or may there be? Only a T_artstate that says
 * 'inline', and still has what else a table needs, says no: any other table is opened, which tells also where
 * T_artstate is damaged. And so is each whose copy is to have a file. */
static int asks_more(const struct art_backup *backup, const struct art_state_query *query, bool *more) {
    struct art_state state;
    int rc = art_state_read(query, &state);
    bool goes_along = !rc && art_storage_medium(state.settings.storage)->goes_with_host;
    bool stays = !backup->copy.medium || backup->copy.medium->goes_with_host;
    *more = !goes_along || !stays || !state.has_id || !state.file;
    art_state_clear(&state);
    return rc == SQLITE_ERROR ? SQLITE_OK : rc; /* T_artstate was dropped */
}

/* --- hold, let go ------------------------------------------------------------------------------------------------- */

static int hold_one_table(struct art_backup *backup, const char *name, char **message) {
    struct art_vtab *vtab, **more = art_resize(backup->tables, (backup->count + 1) * sizeof *more);
    if (!more) return SQLITE_NOMEM;
    backup->tables = more;
    int rc = art_table_open(backup->connection, backup->schema, name, &vtab, message);
    if (rc) return rc;
    more[backup->count++] = vtab;
    rc = art_table_ref_ready(vtab, message);
    return rc ? rc : art_report(message, art_tree_ready(vtab->table->tree));
}

static int visit_source(void *context, const char *name, char **message) {
    struct art_backup *backup = context;
    sqlite3 *db = backup->connection->db;
    bool more;
    const struct art_state_query query = {backup->connection, db, backup->schema, .table = name};
    backup->has_tables = true;
    int rc = asks_more(backup, &query, &more);
    if (rc) return art_report_host(message, db, rc, "cannot read the tables of %s", backup->schema);
    return more ? hold_one_table(backup, name, message) : SQLITE_OK;
}

static void release_source(struct art_backup *backup) {
    sqlite3_backup_finish(backup->pages);
    backup->pages = NULL;
    sqlite3_finalize(backup->snapshot);
    backup->snapshot = NULL;
    for (unsigned i = 0; i < backup->count; i++) art_vtab_unpin(backup->tables[i]);
    art_free(backup->tables);
    backup->tables = NULL;
    backup->count = 0;
    backup->has_tables = false;
}

/* A file that is gone already was dropped between the snapshot and its opening, so that another snapshot does
 * not name it; unless this one is a transaction's. What an authorizer hides now, the copy will show. */
static int hold_source(struct art_backup *backup, char **message) {
    sqlite3 *db = backup->connection->db;
    for (unsigned attempt = 1;; attempt++) {
        int rc = art_snapshot_hold(db, backup->schema, &backup->snapshot, message);
        if (rc) return rc;
        rc = art_tables_each(db, backup->schema, visit_source, backup, message);
        if (rc == SQLITE_AUTH) {
            art_forget_message(message);
            return SQLITE_OK;
        }
        if (rc != SQLITE_CANTOPEN || attempt == SNAPSHOTS_MOST) return rc;
        release_source(backup);
        if (sqlite3_txn_state(db, backup->schema) != SQLITE_TXN_NONE) return rc;
        art_forget_message(message);
    }
}

/* --- the copy ----------------------------------------------------------------------------------------------------- */

static bool is_of_the_disk(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_FULL;
}

/* The copy is opened without the key of an encrypted original. */
static int refuse_to_begin(struct art_backup *backup, char **message) {
    sqlite3 *from = backup->connection->db, *to = backup->copy.db;
    if (art_disk_pages(from, backup->schema) != ART_DISK_PAGES_CHANGED)
        return art_report_host(message, to, sqlite3_errcode(to), "cannot begin the copy");
    return art_complain(message, SQLITE_CANTOPEN,
                        "art: SQLite cannot copy the pages of a database that is encrypted, or changed in another way "
                        "on its way to the disk (%s): %s: use VACUUM INTO, which takes art tables with storage=inline "
                        "along",
                        art_database_name(from, backup->schema), sqlite3_errmsg(to));
}

static int begin_pages(struct art_backup *backup, char **message) {
    assert(backup->copy.db && backup->copy.path && !backup->pages);
    sqlite3 *from = backup->connection->db;
    backup->version = art_database_version(from, backup->schema);
    backup->pages = sqlite3_backup_init(backup->copy.db, "main", from, backup->schema);
    return backup->pages ? SQLITE_OK : refuse_to_begin(backup, message);
}

static int cannot_copy(const struct art_backup *backup, int rc, char **message) {
    const char *to = backup->copy.onto ? "a temporary file" : backup->copy.path;
    if (is_of_the_disk(rc)) {
        return art_complain(message, rc,
                            "art: cannot copy the database (to %s): check the disk, and the room on it: %s", to,
                            sqlite3_errstr(rc));
    }
    return art_complain(message, rc, "art: cannot copy the database (to %s): %s", to, sqlite3_errstr(rc));
}

static int copy_pages(struct art_backup *backup, struct art_copy_progress *out, char **message) {
    int rc = sqlite3_backup_step(backup->pages, ART_LIMIT(backup_pages));
    out->remaining = (uint32_t)sqlite3_backup_remaining(backup->pages);
    out->total = (uint32_t)sqlite3_backup_pagecount(backup->pages);
    if (!rc) return SQLITE_OK;
    backup->has_pages = rc == SQLITE_DONE;
    int end = sqlite3_backup_finish(backup->pages);
    backup->pages = NULL;
    if (rc == SQLITE_DONE) rc = end;
    if (rc == SQLITE_OK) return SQLITE_OK;
    return cannot_copy(backup, rc, message);
}

static struct art_vtab *find_held(const struct art_backup *backup, const char *name) {
    for (unsigned i = 0; i < backup->count; i++) {
        if (!sqlite3_stricmp(backup->tables[i]->name->table, name)) return backup->tables[i];
    }
    return NULL;
}

static int note_name(void *context, const char *name, char **message) {
    struct art_backup *backup = context;
    char **more = art_resize(backup->names, (backup->names_count + 1) * sizeof *more);
    (void)message;
    if (!more) return SQLITE_NOMEM;
    backup->names = more;
    char *copy = sqlite3_mprintf("%s", name);
    if (copy) more[backup->names_count++] = copy;
    return copy ? SQLITE_OK : SQLITE_NOMEM;
}

static int begin_table(struct art_backup *backup, const char *name, char **message) {
    const struct art_state_query query = {backup->connection, backup->copy.db, "main", .table = name};
    bool more;
    int rc = asks_more(backup, &query, &more);
    if (rc) return art_report_host(message, backup->copy.db, rc, "cannot read the tables of the copy");
    if (more) {
        struct art_vtab *vtab = find_held(backup, name);
        rc = vtab ? art_table_ref_ready(vtab, message) : hold_one_table(backup, name, message);
        if (!rc && !vtab) vtab = backup->tables[backup->count - 1];
        if (!rc) rc = art_copy_table(&backup->copy, vtab->table, name, message);
    }
    return rc;
}

/* Our own table in temp is none of the copy's, where it could not be. */
static int forget_listener(struct art_backup *backup, char **message) {
    if (sqlite3_stricmp(backup->schema, "temp") != 0) return SQLITE_OK;
    int rc = sqlite3_exec(backup->copy.db,
                          "PRAGMA writable_schema = ON; DELETE FROM main.sqlite_schema WHERE name = 'art_txn' AND "
                          "rootpage = 0; PRAGMA writable_schema = RESET",
                          NULL, NULL, NULL);
    return rc ? art_report_host(message, backup->copy.db, rc, "cannot write the copy's tables") : SQLITE_OK;
}

static int make_or_open(struct art_backup *backup, const char *path, char **message) {
    struct art_copy *copy = &backup->copy;
    sqlite3 *db = backup->connection->db;
    if (!copy->updates || !art_file_exists(path)) return art_copy_make(copy, path, db, backup->schema, message);
    int rc = art_copy_open(copy, path, db, backup->schema, message);
    if (rc) return rc;
    sqlite3_busy_timeout(copy->db, (int)art_ask_number(backup->connection, "PRAGMA busy_timeout", 0));
    return art_onto_open(copy, message);
}

static int begin_new(struct art_backup *backup, char **message) {
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".page_size", backup->schema);
    int page_size = sql ? (int)art_ask_number(backup->connection, sql, 0) : 0;
    sqlite3_free(sql);
    int rc = art_onto_begin(&backup->copy, page_size);
    return rc ? cannot_copy(backup, rc, message) : SQLITE_OK;
}

static int begin_tables(struct art_backup *backup, char **message) {
    struct art_copy *copy = &backup->copy;
    assert(copy->db);
    int rc = copy->onto ? art_onto_check(backup->connection, copy, message) : SQLITE_OK;
    if (!rc && copy->stamps) rc = art_onto_mark(copy, message);
    if (!rc) rc = art_tables_each(copy->db, "main", note_name, backup, message);
    return rc ? rc : art_copy_begin(copy, message);
}

static int complete_backup(struct art_backup *backup, char **message) {
    struct art_copy *copy = &backup->copy;
    int rc = forget_listener(backup, message);
    release_source(backup);
    if (!rc) rc = art_copy_commit(copy, message);
    if (!rc && copy->stamps && backup->names_count) rc = art_onto_stamp(backup->connection, copy, message);
    return !rc && backup->publish ? art_publish_copy(backup->connection, copy, message) : rc;
}

static int read_storage(const char *word, const struct art_medium **out, char **message) {
    enum art_storage storage;
    bool known = art_storage_parse((struct art_text){word, (int)strlen(word)}, &storage);
    if (known && storage != ART_STORAGE_AUTO) {
        *out = art_storage_medium(storage);
        return SQLITE_OK;
    }
    return art_complain(message, SQLITE_ERROR,
                        "art: there is no storage of that name (%s): give 'inline' or 'file' for all art tables of the "
                        "copy, 'update' for a copy that may be there, or nothing",
                        word);
}

/* --- step by step ------------------------------------------------------------------------------------------------- */

static int prepare_backup(struct art_backup *backup, const char *path, const char *storage, char **message) {
    struct art_connection *connection = backup->connection;
    if (!backup->publish && !art_platform_has_files()) {
        return art_complain(message, SQLITE_CANTOPEN,
                            "art: this build of art makes no files (%s): use VACUUM INTO or SQLite's own backup, which "
                            "copy its tables with all others",
                            path);
    }
    backup->copy.updates = storage && !sqlite3_stricmp(storage, "update");
    backup->copy.stamps = !backup->publish;
    sqlite3_randomness(sizeof backup->copy.token, backup->copy.token);
    int rc = storage && !backup->copy.updates ? read_storage(storage, &backup->copy.medium, message) : SQLITE_OK;
    if (!rc) rc = art_shadow_busy(connection, backup->schema, message);
    if (!rc) rc = art_may_open(connection->db, path, message);
    if (!rc) rc = check_transaction(backup, message);
    if (!rc) rc = hold_source(backup, message);
    if (!rc) rc = make_or_open(backup, path, message);
    if (!rc && backup->copy.stamps && backup->has_tables && !backup->copy.is_there) rc = begin_new(backup, message);
    return rc ? rc : begin_pages(backup, message);
}

enum { WORDS_BYTES = 200 }; /* five counts with their words */

int art_backup_begin(struct art_connection *connection, const char *path, const char *schema, const char *storage,
                     bool publish, struct art_backup **out, char **message) {
    struct art_backup *backup = *out = art_alloc_zeroed(sizeof *backup);
    if (!backup) return SQLITE_NOMEM;
    backup->connection = connection;
    backup->publish = publish;
    backup->schema = sqlite3_mprintf("%s", schema);
    backup->said = sqlite3_mprintf("%s%*s", path, WORDS_BYTES, ""); /* now: a copy that is there has not failed */
    return backup->schema && backup->said ? prepare_backup(backup, path, storage, message) : SQLITE_NOMEM;
}

/* Who holds a snapshot sees what the connection itself commits, and so would the copy, in a part. */
static int check_source(const struct art_backup *backup, char **message) {
    sqlite3 *db = backup->connection->db;
    if (!backup->snapshot || (sqlite3_txn_state(db, backup->schema) == SQLITE_TXN_READ &&
                              art_database_version(db, backup->schema) == backup->version)) {
        return art_stopped(backup->connection);
    }
    return art_complain(
        message, SQLITE_LOCKED,
        "art: this connection has written while its copy was made (%s): begin the copy again, and write "
        "by another connection meanwhile",
        backup->schema);
}

int art_backup_step(struct art_backup *backup, struct art_backup_progress *out, char **message) {
    struct art_copy *copy = &backup->copy;
    int rc = check_source(backup, message);
    *out = (struct art_backup_progress){0};
    if (rc) return rc;
    if (!backup->has_pages) {
        rc = copy_pages(backup, &out->of, message);
        return !rc && backup->has_pages ? begin_tables(backup, message) : rc;
    }
    if (!copy->copier && backup->at < backup->names_count)
        rc = begin_table(backup, backup->names[backup->at++], message);
    if (rc) return rc;
    out->table = backup->at ? backup->names[backup->at - 1] : NULL;
    if (copy->copier) return art_copy_step(copy, &out->of, message);
    if (backup->at < backup->names_count) return SQLITE_OK;
    out->done = true;
    return complete_backup(backup, message);
}

static const char *plural(unsigned count) {
    return count == 1 ? "" : "s";
}

static void say_what_was_made(const struct art_backup *backup, const struct art_made *made) {
    const struct art_copy *copy = &backup->copy;
    size_t length = strlen(backup->said) - WORDS_BYTES;
    char *end = backup->said + length;
    int n = snprintf(end, WORDS_BYTES, ": %u art table%s, %llu bytes in %u file%s", made->tables, plural(made->tables),
                     (unsigned long long)made->bytes, made->files, plural(made->files));
    if (!copy->is_there) return;
    snprintf(end + n, WORDS_BYTES - (size_t)n, "; %llu of %llu blobs written", (unsigned long long)copy->written,
             (unsigned long long)copy->blobs);
}

/* That leaves room in a table, and none where its copy is to be. */
static void forget_to_make_less(char *message) {
    char *at = message ? strstr(message, ART_MAKE_LESS) : NULL;
    if (at) memmove(at, at + strlen(ART_MAKE_LESS), strlen(at + strlen(ART_MAKE_LESS)) + 1);
}

int art_backup_end(struct art_backup *backup, int rc, char **said, char **message) {
    *said = NULL;
    if (!backup) return rc;
    struct art_made made = {.tables = backup->names_count};
    release_source(backup);
    if (!rc) rc = art_stopped(backup->connection); /* what is there in the end has not failed */
    rc = art_copy_finish(&backup->copy, rc, &made, message);
    forget_to_make_less(*message);
    if (!rc) {
        say_what_was_made(backup, &made);
        *said = backup->said;
        backup->said = NULL;
    }
    for (unsigned i = 0; i < backup->names_count; i++) sqlite3_free(backup->names[i]);
    art_free(backup->names);
    sqlite3_free(backup->said);
    sqlite3_free(backup->schema);
    art_free(backup);
    /* SQLite takes back the caller's transaction when a function fails by SQLITE_FULL or SQLITE_IOERR. That a copy has
     * no room is no reason for that. */
    return is_of_the_disk(rc) ? SQLITE_CANTOPEN : rc;
}

int art_backup(struct art_connection *connection, const char *path, const char *schema, const char *storage,
               bool publish, char **said, char **message) {
    struct art_backup *backup;
    struct art_backup_progress progress = {0};
    int rc = art_backup_begin(connection, path, schema, storage, publish, &backup, message);
    while (!rc && !progress.done) rc = art_backup_step(backup, &progress, message);
    return art_backup_end(backup, rc, said, message);
}
