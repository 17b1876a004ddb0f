/* art_backup(file, schema, 'update'): an earlier copy is brought to the state of its original. Of an .art file only
 * the slots are written whose blobs have changed (core/store/location.c).
 *
 *     open      the copy is locked, and stays so
 *     pages     SQLite's backup copies the original's into a temporary database, the stage. It commits by itself: in
 *               the copy, T_artstate would name the original's files until it is told its own
 *     check     it is a copy of these tables, and nobody has written to it since
 *     mark      in one commit: from here on its art tables are unfinished, and nobody opens them
 *     tables    as in backup.c, with the stage in place of the copy
 *     bring     the stage's pages, in one commit: still unfinished
 *     stamp     in one commit: finished, with a hash of the pages that are there now
 *
 * A run that is killed leaves a copy that is as it was, or unfinished, or the new one. The next run goes on from there.
 *
 * Between its pages and its marks a new copy is known by the version of its schema: SQLite's backup makes that one more
 * than it was in the empty database, in the commit that brings the pages.
 *
 * The stamp is row 'copied' of every T_artstate: 16 random bytes, by which it is found in its page, and the hash; 0 is
 * unfinished. Hashed is what SQLite's users can change: not the stamps themselves, nor those bytes of the first page
 * that say how SQLite wrote (versions of the format, change counter, and who wrote it), nor those that a VFS has at the
 * end of each page for itself. New copies get a stamp in the same way.
 */
#include "core/base/limits.h"
#include "ext/admin/copy.h"

enum { SCHEMA_OF_BEGUN = 0x61727462 }; /* of a new copy, before it has pages */
enum { FIRST_PAGE_HEADER = 100, FIRST_PAGE_RESERVED = 20 };

struct onto_look {
    struct art_connection *connection;
    struct art_copy *copy;
    uint8_t stamp[ART_STAMP_BYTES];
    bool stamped, unfinished, common;
};

static int no_copy_of_ours(const struct art_copy *copy, const char *why, char **message) {
    return art_complain(message, SQLITE_CANTOPEN,
                        "art: this is no copy that can be brought up to date (%s): %s: give another name, or move this "
                        "file and those beside it away for a new copy",
                        copy->path, why);
}

static int cannot_update(sqlite3 *db, int rc, char **message) {
    return rc ? art_report_host(message, db, rc, "cannot bring the copy up to date") : SQLITE_OK;
}

static int ask_number(sqlite3 *db, const char *sql, int *out, char **message) {
    sqlite3_stmt *ask = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &ask, NULL);
    if (!rc && sqlite3_step(ask) == SQLITE_ROW) *out = sqlite3_column_int(ask, 0);
    int end = sqlite3_finalize(ask);
    return cannot_update(db, rc ? rc : end, message);
}

static int run_in_copy(sqlite3 *db, char **message, char *sql) {
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return cannot_update(db, rc, message);
}

/* --- what its pages say ------------------------------------------------------------------------------------------- */

static void blank_stamps(uint8_t *page, size_t bytes, const uint8_t token[ART_COPY_TOKEN_BYTES]) {
    uint8_t *at = page, *end = page + bytes;
    while (end - at >= ART_STAMP_BYTES && (at = memchr(at, *token, (size_t)(end - at) - ART_STAMP_BYTES + 1))) {
        if (!memcmp(at, token, ART_COPY_TOKEN_BYTES)) memset(at, 0, ART_STAMP_BYTES);
        at++;
    }
}

struct pages_look {
    struct art_connection *connection;
    sqlite3_file *file;
    int page_size;
    const uint8_t *token;
    struct art_hash_stream *stream;
    uint8_t *page;
};

static int hash_pages_of(struct pages_look *look) {
    sqlite3_int64 size = 0;
    size_t used = 0;
    int rc = look->file->pMethods->xFileSize(look->file, &size);
    for (sqlite3_int64 at = 0; !rc && at + look->page_size <= size; at += look->page_size) {
        uint8_t *page = look->page;
        if (at / look->page_size % ART_LIMIT(ask_onto) == 0) rc = art_stopped(look->connection);
        if (!rc) rc = look->file->pMethods->xRead(look->file, page, look->page_size, at);
        if (rc) break;
        if (!at) {
            used = (size_t)look->page_size - page[FIRST_PAGE_RESERVED];
            memset(page + 18, 0, 2);
            memset(page + 24, 0, 4);
            memset(page + 92, 0, FIRST_PAGE_HEADER - 92);
        }
        blank_stamps(page, used, look->token);
        art_hash_stream_add(look->stream, page, used);
    }
    return rc;
}

/* Of a database that is locked, once nothing is in its WAL. What is hashed lasts before a stamp does, which may lie in
 * a WAL: a new copy was not synced yet. A stamp that lies across two pages, as it may in a table of
 * so many columns that T_artstate's rows are longer than a page, is not found: such a copy is refused later. */
static int hash_copy(struct art_connection *connection, sqlite3 *db, const uint8_t *token, uint64_t *out,
                     char **message) {
    struct pages_look look = {.connection = connection, .token = token};
    int rc = sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (!rc) rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &look.file);
    if (!rc) rc = look.file->pMethods->xSync(look.file, SQLITE_SYNC_NORMAL);
    if (rc) return cannot_update(db, rc, message);
    /* Behind a backup of pages of another size the PRAGMA tells the former one until something is read. */
    rc = ask_number(db, "SELECT count(*) FROM main.sqlite_schema", &look.page_size, message);
    if (!rc) rc = ask_number(db, "PRAGMA main.page_size", &look.page_size, message);
    if (rc) return rc;
    assert(look.page_size);
    look.stream = art_hash_stream_new();
    look.page = art_alloc((size_t)look.page_size);
    if (look.stream) art_hash_stream_begin(look.stream);
    rc = look.stream && look.page ? hash_pages_of(&look) : SQLITE_NOMEM;
    if (!rc) *out = art_hash_stream_end(look.stream) | 1;
    art_free(look.page);
    art_hash_stream_free(look.stream);
    return cannot_update(db, rc, message);
}

struct stamping {
    sqlite3 *db;
    uint8_t stamp[ART_STAMP_BYTES];
};

static int stamp_one(void *context, const char *table, char **message) {
    const struct stamping *to = context;
    char *sql = sqlite3_mprintf(
        "INSERT INTO main.\"%w_artstate\"(k, v) VALUES('copied', ?1) ON CONFLICT(k) DO UPDATE SET v = ?1", table);
    return cannot_update(to->db, art_run_once(to->db, sql, to->stamp, sizeof to->stamp), message);
}

static int stamp_all(const struct art_copy *copy, sqlite3 *db, char **message) {
    struct stamping stamping = {.db = db};
    memcpy(stamping.stamp, copy->token, ART_COPY_TOKEN_BYTES);
    memcpy(stamping.stamp + ART_COPY_TOKEN_BYTES, &copy->pages_hash, sizeof copy->pages_hash);
    return art_tables_each(db, "main", stamp_one, &stamping, message);
}

int art_onto_stamp(struct art_connection *connection, struct art_copy *copy, char **message) {
    assert(copy->stamps && !copy->onto && !copy->pages_hash);
    int rc = hash_copy(connection, copy->db, copy->token, &copy->pages_hash, message);
    if (!rc) rc = art_copy_run(copy, "PRAGMA synchronous = EXTRA", message);
    if (!rc) rc = art_copy_begin(copy, message);
    if (!rc) rc = stamp_all(copy, copy->db, message);
    return rc ? rc : art_copy_commit(copy, message);
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

/* It is written in place: an older copy of hard links, which others make so, would change with it. */
static int refuse_links(const struct art_copy *copy, const char *path, char **message) {
    uint64_t bytes, names;
    if (art_file_look(path, &bytes, &names) || names < 2) return SQLITE_OK;
    return no_copy_of_ours(copy, "a file of it is a hard link, whose other names would change with it", message);
}

/* Only what art_backup() wrote for this very database is written over. */
static int look_at_earlier_file(const struct onto_look *look, struct art_earlier *table, char **message) {
    const struct art_copy *copy = look->copy;
    char *path;
    uint8_t uuid[ART_UUID_BYTES];
    bool ours = false;
    enum art_rc rc = art_path_beside(copy->path, table->file, &path);
    if (rc) return art_report(message, rc);
    rc = art_file_identify(path, copy->path, uuid, &ours);
    bool nobodys = (!rc && !ours) || rc == ART_NOTFOUND || rc == ART_CORRUPT;
    table->begun = nobodys && look->unfinished && art_file_is_begun(path);
    int linked = ours ? refuse_links(copy, path, message) : SQLITE_OK;
    art_free(path);
    if (linked) return linked;
    bool missing = rc == ART_MISSING, own = ours && !memcmp(uuid, table->uuid, sizeof uuid);
    if (own || table->begun || (missing && !look->unfinished)) return SQLITE_OK; /* no file is made anew */
    if (rc && !missing && rc != ART_NOTFOUND) return art_report(message, rc);
    if (look->unfinished) { /* a new copy that was killed names the original's */
        art_free(table->file);
        table->file = NULL;
        return SQLITE_OK;
    }
    return no_copy_of_ours(copy, "an .art file beside it is not its own", message);
}

static int keep_earlier(struct onto_look *look, struct art_state *state, char **message) {
    struct art_copy *copy = look->copy;
    struct art_earlier *more = art_resize(copy->earlier, (copy->earlier_count + 1) * sizeof *more);
    if (!more) return SQLITE_NOMEM;
    copy->earlier = more;
    struct art_earlier *table = &more[copy->earlier_count++];
    *table = (struct art_earlier){.medium = art_storage_medium(state->settings.storage)};
    memcpy(table->uuid, state->uuid, sizeof table->uuid);
    if (table->medium->goes_with_host || !state->file_is_sound) return SQLITE_OK;
    table->file = state->file;
    state->file = NULL;
    return look_at_earlier_file(look, table, message);
}

static int visit_earlier(void *context, const char *name, char **message) {
    struct onto_look *look = context;
    const struct art_state_query query = {look->connection, look->copy->onto, "main", .table = name};
    struct art_state state;
    int rc = art_state_read(&query, &state);
    if (rc) rc = rc == SQLITE_ERROR ? SQLITE_OK : cannot_update(look->copy->onto, rc, message);
    look->unfinished |= state.is_unfinished;
    look->stamped |= state.is_copy;
    if (state.is_copy) memcpy(look->stamp, state.copied, sizeof look->stamp);
    if (!rc && state.has_id) rc = keep_earlier(look, &state, message);
    art_state_clear(&state);
    return rc;
}

struct art_earlier *art_onto_find(const struct art_copy *copy, const uint8_t *uuid) {
    for (unsigned i = 0; i < copy->earlier_count; i++) {
        if (!memcmp(copy->earlier[i].uuid, uuid, ART_UUID_BYTES)) return &copy->earlier[i];
    }
    return NULL;
}

static int visit_stage(void *context, const char *name, char **message) {
    struct onto_look *look = context;
    const struct art_state_query query = {look->connection, look->copy->db, "main", .table = name};
    struct art_state state;
    int rc = art_state_read(&query, &state);
    if (rc) rc = rc == SQLITE_ERROR ? SQLITE_OK : cannot_update(look->copy->db, rc, message);
    const struct art_earlier *table = state.has_id ? art_onto_find(look->copy, state.uuid) : NULL;
    look->common |= table != NULL;
    if (!rc && table && table->medium != art_storage_medium(state.settings.storage))
        rc = no_copy_of_ours(look->copy, "its tables have another storage than the original's", message);
    art_state_clear(&state);
    return rc;
}

static int compare_stamp(struct onto_look *look, char **message) {
    uint64_t then, now = 0;
    if (look->unfinished) return SQLITE_OK;
    memcpy(&then, look->stamp + ART_COPY_TOKEN_BYTES, sizeof then);
    int rc = hash_copy(look->connection, look->copy->onto, look->stamp, &now, message);
    if (rc || then == now) return rc;
    return no_copy_of_ours(look->copy, "somebody has written to it since, which would be lost", message);
}

int art_onto_check(struct art_connection *connection, struct art_copy *copy, char **message) {
    struct onto_look look = {.connection = connection, .copy = copy};
    int version = 0, rc = refuse_links(copy, copy->path, message);
    if (!rc) rc = ask_number(copy->onto, "PRAGMA main.schema_version", &version, message);
    look.unfinished = look.stamped = version == SCHEMA_OF_BEGUN + 1;
    if (!rc) rc = art_tables_each(copy->onto, "main", visit_earlier, &look, message);
    if (!rc) rc = art_tables_each(copy->db, "main", visit_stage, &look, message);
    int tables = 1;
    if (!rc) rc = ask_number(copy->onto, "SELECT count(*) FROM main.sqlite_schema", &tables, message);
    if (rc || !tables) return rc; /* one that was killed early has nothing yet */
    if (!look.common) return no_copy_of_ours(copy, "it is of another database, or older than these tables", message);
    if (!look.stamped)
        return no_copy_of_ours(copy, "it was not made by art_backup(), or by one that left no mark", message);
    return compare_stamp(&look, message);
}

/* --- mark, bring -------------------------------------------------------------------------------------------------- */

int art_onto_begin(struct art_copy *copy, int page_size) {
    char *sql = sqlite3_mprintf("PRAGMA synchronous = OFF; PRAGMA main.page_size = %d; PRAGMA main.schema_version = %d",
                                page_size, SCHEMA_OF_BEGUN);
    int rc = sql ? sqlite3_exec(copy->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

/* A new copy, and the stage: until the tables are told their own files, they name the original's. Who has an earlier
 * copy open reads the schema anew. Its pages may come to have another size, so there is no WAL. */
int art_onto_mark(struct art_copy *copy, char **message) {
    int version = 0;
    int rc = run_in_copy(copy->db, message, sqlite3_mprintf("BEGIN IMMEDIATE"));
    if (!rc) rc = stamp_all(copy, copy->db, message);
    if (!rc) rc = run_in_copy(copy->db, message, sqlite3_mprintf("PRAGMA main.schema_version = 1; COMMIT"));
    if (rc || !copy->onto) return rc;
    rc = run_in_copy(copy->onto, message, sqlite3_mprintf("BEGIN IMMEDIATE"));
    if (!rc) rc = stamp_all(copy, copy->onto, message);
    if (!rc) rc = ask_number(copy->onto, "PRAGMA main.schema_version", &version, message);
    unsigned next = (unsigned)version + 1;
    return rc ? rc
              : run_in_copy(copy->onto, message,
                            sqlite3_mprintf("PRAGMA main.schema_version = %d; COMMIT; PRAGMA journal_mode = DELETE",
                                            (int)next));
}

/* Of tables that the original has not any more. While the unfinished copy names them still: a run that dies here leaves
 * them to the next one. */
static void remove_unneeded(const struct art_copy *copy) {
    char *path;
    for (unsigned i = 0; i < copy->earlier_count; i++) {
        const struct art_earlier *table = &copy->earlier[i];
        if (table->needed || !table->file || art_path_beside(copy->path, table->file, &path)) continue;
        art_file_remove(path);
        art_free(path);
    }
}

int art_onto_bring(struct art_copy *copy, char **message) {
    remove_unneeded(copy);
    sqlite3_backup *pages = sqlite3_backup_init(copy->onto, "main", copy->db, "main");
    if (!pages) return cannot_update(copy->onto, sqlite3_errcode(copy->onto), message);
    int rc = sqlite3_backup_step(pages, -1);
    int end = sqlite3_backup_finish(pages);
    if (rc == SQLITE_DONE) rc = end;
    if (rc) return cannot_update(copy->onto, rc, message);
    sqlite3_close(copy->db);
    copy->db = copy->onto;
    copy->onto = NULL;
    return SQLITE_OK;
}

/* --- open --------------------------------------------------------------------------------------------------------- */

int art_onto_open(struct art_copy *copy, char **message) {
    assert(copy->updates && copy->db && !copy->onto);
    copy->onto = copy->db;
    copy->db = NULL;
    int rc = sqlite3_exec(copy->onto, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL);
    if (rc) return cannot_update(copy->onto, rc, message);
    rc = sqlite3_open_v2("", &copy->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, copy->vfs);
    if (!rc) rc = sqlite3_db_config(copy->db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    return cannot_update(copy->db, rc, message);
}

void art_onto_clear(struct art_copy *copy) {
    for (unsigned i = 0; i < copy->earlier_count; i++) art_free(copy->earlier[i].file);
    art_free(copy->earlier);
    copy->earlier = NULL;
    copy->earlier_count = 0;
}
