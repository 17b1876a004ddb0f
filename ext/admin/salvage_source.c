/* From a name to what core/tree/salvage.h reads: the rows of the shadow tables as far as they are there, and the place
 * of the blobs. Whatever of it is damaged or gone is left out; nothing of the table itself is used, and nothing is
 * written.
 *
 *   id      T_artstate's, or what the file says of itself
 *   blobs   where T_artstate says; else the rows of T_artblob if it has any; else the one file of the folder whose name
 *           fits
 *   root    row 0 of T_artdata; the copy in T_artstate; the copy in the file; or that of a snapshot, in T_artstate
 *
 * A file that is read alone must be called *.art: opening and closing a database's own file would drop the locks that
 * SQLite has on it. */
#include "ext/admin/salvage.h"
#include <stdlib.h>

#include "core/base/platform.h"
#include "ext/host/host.h"

enum { ID_END_BYTES = 13 /* -<8 hex>.art */ };

static const char ending[] = ".art";

/* --- targets ------------------------------------------------------------------------------------------------------ */

void art_salvage_target_clear(struct art_salvage_target *target) {
    sqlite3_free(target->schema);
    sqlite3_free(target->table);
    sqlite3_free(target->file);
    sqlite3_free(target->snapshot);
    *target = (struct art_salvage_target){0};
}

int art_salvage_target_table(struct art_connection *connection, const char *text, struct art_salvage_target *out,
                             struct art_columns *columns, char **message) {
    struct art_vtab *vtab;
    assert(!out->schema && !out->table && !out->file);
    int rc = art_table_ref_look(connection, text, !columns || sqlite3_libversion_number() >= 3053000, &vtab, message);
    if (rc || !vtab) return rc;
    out->schema = sqlite3_mprintf("%s", vtab->name->schema);
    out->table = sqlite3_mprintf("%s", vtab->name->table);
    out->has_blob_keys = art_columns_keys_are_blobs(&vtab->columns);
    rc = out->schema && out->table ? SQLITE_OK : SQLITE_NOMEM;
    if (!rc && columns) rc = art_columns_copy(columns, out->table, &vtab->columns, message);
    if (rc) art_salvage_target_clear(out);
    return rc;
}

static bool ends_in_art(const char *path) {
    size_t len = strlen(path);
    return len > strlen(ending) && !strcmp(path + len - strlen(ending), ending);
}

bool art_salvage_is_path(const char *text) {
    return strchr(text, '/') || ends_in_art(text);
}

int art_salvage_target_file(const char *path, struct art_salvage_target *out, char **message) {
    assert(!out->schema && !out->table && !out->file);
    char *real = art_platform_real_path(path); /* each scan opens it, in whatever folder the program is by then */
    out->file = sqlite3_mprintf("%s", real ? real : path);
    free(real);
    if (!out->file || ends_in_art(out->file)) return out->file ? SQLITE_OK : SQLITE_NOMEM;
    return art_complain(message, SQLITE_CANTOPEN,
                        "art: the name of an .art file ends in .art (%s): give the path of one, or of a copy that "
                        "is called so",
                        out->file);
}

/* --- T_artstate --------------------------------------------------------------------------------------------------- */

static int prepare_on(const struct art_remains *remains, const char *format, sqlite3_stmt **out) {
    assert(remains->target->schema && remains->target->table);
    const struct art_salvage_target *target = remains->target;
    return art_prepare(remains->connection->db, 0, out, sqlite3_mprintf(format, target->schema, target->table));
}

static int report(const struct art_remains *remains, int rc, char **message) {
    return art_report_sql(message, remains->connection->db, rc, "cannot read the shadow tables of %s.%s",
                          remains->target->schema, remains->target->table);
}

/* --- T_artdata ---------------------------------------------------------------------------------------------------- */

/* The row behind the last one that cannot be read, from the end; INT64_MAX: that is none. */
static int64_t row_behind_damage(const struct art_remains *remains) {
    sqlite3_stmt *rows = NULL;
    int64_t csn = INT64_MAX;
    int rc = prepare_on(remains, "SELECT csn, ops FROM \"%w\".\"%w_artdata\" ORDER BY csn DESC", &rows);
    while (!rc && art_shadow_step(remains->connection, rows) == SQLITE_ROW) csn = sqlite3_column_int64(rows, 0);
    rc = sqlite3_finalize(rows);
    return rc ? csn : INT64_MAX;
}

static enum art_rc each_row_left(void *context, enum art_rc (*row)(void *to, int64_t csn, struct art_bytes ops),
                                 void *to) {
    const struct art_remains *remains = context;
    const char *schema = remains->target->schema, *table = remains->target->table;
    enum art_rc rc = art_shadow_each_log_row(remains->connection, schema, table, INT64_MIN, row, to);
    int64_t from = rc == ART_CORRUPT || rc == ART_IO ? row_behind_damage(remains) : INT64_MAX;
    if (from == INT64_MAX) return rc;
    enum art_rc behind = art_shadow_each_log_row(remains->connection, schema, table, from, row, to);
    return behind ? behind : rc;
}

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

static enum art_rc
each_snapshot_left(void *context, enum art_rc (*root)(void *to, const char *name, struct art_bytes root), void *to) {
    struct art_remains *remains = context;
    sqlite3_stmt *rows = NULL;
    int rc = prepare_on(remains,
                        "SELECT k, v FROM \"%w\".\"%w_artstate\" WHERE k >= '" ART_SNAPSHOT_KEY
                        "' AND k < '" ART_SNAPSHOT_KEYS_END "'",
                        &rows);
    enum art_rc art_rc = ART_OK;
    while (!rc && !art_rc && (rc = art_shadow_step(remains->connection, rows)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(rows, 0);
        struct art_bytes value = art_bytes(sqlite3_column_blob(rows, 1), (uint32_t)sqlite3_column_bytes(rows, 1)), left;
        if (key && value.data && art_snapshot_root_left(value, &left))
            art_rc = root(to, key + strlen(ART_SNAPSHOT_KEY), left);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    if (art_rc || rc == SQLITE_DONE || !art_check_hindered(rc)) return art_rc; /* what cannot be read is not there */
    return art_fail_sql(remains->connection->db, rc, "cannot read the snapshots");
}

static int find_snapshot(struct art_remains *remains, char **message) {
    const struct art_salvage_target *target = remains->target;
    sqlite3_stmt *row = NULL;
    bool found = false, nomem = false;
    int rc = prepare_on(remains, "SELECT v FROM \"%w\".\"%w_artstate\" WHERE k = ?1", &row);
    char *key = sqlite3_mprintf(ART_SNAPSHOT_KEY "%s", target->snapshot);
    if (!rc) rc = key ? sqlite3_bind_text(row, 1, key, -1, SQLITE_STATIC) : SQLITE_NOMEM;
    if (!rc && art_shadow_step(remains->connection, row) == SQLITE_ROW) {
        struct art_bytes value = art_bytes(sqlite3_column_blob(row, 0), (uint32_t)sqlite3_column_bytes(row, 0)), left;
        found = value.data && art_snapshot_root_left(value, &left);
        nomem = found && art_buffer_append(&remains->root, left.data, left.len);
    }
    int end = sqlite3_finalize(row);
    sqlite3_free(key);
    if (nomem) return SQLITE_NOMEM;
    if (rc || end) return report(remains, rc ? rc : end, message);
    if (found) return SQLITE_OK;
    return art_complain(message, SQLITE_ERROR,
                        "art: nothing is left of a snapshot '%s' (%s.%s): give the name of another, as the keys of "
                        "%s_artstate have them, or none",
                        target->snapshot, target->schema, target->table, target->table);
}

/* --- T_artblob ---------------------------------------------------------------------------------------------------- */

static const char blobs[] = "the table of blobs";

static enum art_rc read_page_left(void *context, uint64_t page, void *data) {
    struct art_remains *remains = context;
    sqlite3 *db = remains->connection->db;
    bool found = false;
    enum art_rc art_rc = ART_OK;
    sqlite3_bind_int64(remains->pages, 1, (sqlite3_int64)page);
    if (art_shadow_step(remains->connection, remains->pages) == SQLITE_ROW) {
        found = art_blobs_take(remains->pages, data, &art_rc);
    }
    int rc = sqlite3_reset(remains->pages);
    if (rc) return art_fail_sql(db, rc, "cannot read the table of blobs");
    if (found) return art_rc;
    return art_corrupt(blobs, (uint32_t)(page / 128), (uint32_t)(page % 128), "a row is missing or empty");
}

static enum art_rc last_page_left(void *context, uint64_t *pages) {
    struct art_remains *remains = context;
    sqlite3_stmt *last = NULL;
    *pages = 0;
    int rc = prepare_on(remains, "SELECT max(page) FROM \"%w\".\"%w_artblob\"", &last);
    if (!rc && art_shadow_step(remains->connection, last) == SQLITE_ROW) {
        sqlite3_int64 page = sqlite3_column_int64(last, 0);
        bool possible = page >= 0 && page < (sqlite3_int64)UINT32_MAX * 128;
        *pages = sqlite3_column_type(last, 0) == SQLITE_NULL ? 0 : possible ? (uint64_t)page + 1 : UINT32_MAX;
    }
    int end = sqlite3_finalize(last);
    if (!rc) rc = end;
    return rc ? art_fail_sql(remains->connection->db, rc, "cannot read the table of blobs") : ART_OK;
}

/* --- the file's name ---------------------------------------------------------------------------------------------- */

struct file_search {
    char *wanted;  /* of which the digits of the id are not known, unless has_id */
    size_t before; /* bytes before them */
    bool has_id;
    bool loose; /* the database had another name */
    char *found, *other;
};

/* -<8 hex>.art at its end. */
static bool has_digits(const char *name, size_t len) {
    return len > ID_END_BYTES && name[len - ID_END_BYTES] == '-' &&
           strspn(name + len - ID_END_BYTES + 1, "0123456789abcdef") == 8 && !strcmp(name + len - 4, ending);
}

static bool name_fits(const struct file_search *search, const char *name) {
    size_t len = strlen(name);
    if (!has_digits(name, len)) return false;
    if (search->has_id) return !strcmp(name + len - ID_END_BYTES, search->wanted + search->before);
    if (!search->loose) return len == search->before + ID_END_BYTES && !strncmp(name, search->wanted, search->before);
    const char *table = search->wanted;
    size_t table_len = search->before;
    return len > table_len + ID_END_BYTES && !strncmp(name + len - ID_END_BYTES - table_len, table, table_len);
}

static enum art_rc visit_name(void *context, const char *name) {
    struct file_search *search = context;
    if (!name_fits(search, name)) return ART_OK;
    char **to = search->found ? &search->other : &search->found;
    if (*to) return ART_OK;
    *to = sqlite3_mprintf("%s", name);
    return *to ? ART_OK : art_nomem();
}

/* First by the whole name, then by the table's. *found stays NULL where none fits. */
static int find_file(struct art_remains *remains, const struct art_state *state, const char *database, char **found,
                     char **message) {
    static const uint8_t nothing[ART_UUID_BYTES];
    struct file_search search = {.has_id = state->has_id};
    char *folder = NULL;
    int rc = art_database_folder(remains->connection->db, remains->target->schema, &folder);
    char *name = art_file_name(database, remains->target->table, state->has_id ? state->uuid : nothing, 0);
    char *own = art_file_name("/", remains->target->table, nothing, 0); /* -<table>-<digits>.art */
    if (!rc && (!name || !own)) rc = SQLITE_NOMEM;
    for (unsigned attempt = 0; !rc && folder && attempt < 2 && !search.found; attempt++) {
        search.loose = attempt;
        search.wanted = search.loose ? own : name;
        search.before = strlen(search.wanted) - ID_END_BYTES;
        rc = art_report(message, art_folder_list(folder, visit_name, &search));
    }
    if (!rc && search.other) {
        rc = art_complain(message, SQLITE_ERROR,
                          "art: several .art files may be that of the table (%s%s, %s): read one alone, by "
                          "art_salvage(file='...')",
                          folder, search.found, search.other);
    } else if (!rc) {
        *found = search.found;
        search.found = NULL;
    }
    sqlite3_free(search.found);
    sqlite3_free(search.other);
    sqlite3_free(name);
    sqlite3_free(own);
    art_free(folder);
    return rc;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int use_rows(struct art_remains *remains, struct art_salvage_options *options) {
    int rc = prepare_on(remains, "SELECT data FROM \"%w\".\"%w_artblob\" WHERE page = ?1", &remains->pages);
    if (rc) return art_check_hindered(rc) ? rc : SQLITE_OK;
    remains->rows = (struct art_rows){.context = remains, .read = read_page_left, .end = last_page_left};
    options->rows = &remains->rows;
    options->path = blobs;
    return SQLITE_OK;
}

static int use_file(struct art_remains *remains, const struct art_state *state, struct art_salvage_options *options,
                    char **message) {
    const char *database = art_database_name(remains->connection->db, remains->target->schema);
    char *found = NULL;
    int rc = state->file_is_sound ? SQLITE_OK : find_file(remains, state, database, &found, message);
    const char *name = state->file_is_sound ? state->file : found;
    if (!rc && name) rc = art_report(message, art_path_beside(database, name, &remains->path));
    sqlite3_free(found);
    options->path = remains->path;
    return rc;
}

static int find_blobs(struct art_remains *remains, const struct art_state *state, struct art_salvage_options *options,
                      char **message) {
    bool inlined = state->settings.storage == ART_STORAGE_INLINE;
    if (state->settings.storage == ART_STORAGE_AUTO) {
        uint64_t pages;
        enum art_rc rc = last_page_left(remains, &pages);
        if (rc && rc != ART_CORRUPT && rc != ART_IO) return art_report(message, rc);
        inlined = !rc && pages;
    }
    return inlined ? use_rows(remains, options) : use_file(remains, state, options, message);
}

/* So that the log and the blobs are of one moment. Where the table is gone, or its database, there is no such row. */
static int hold_moment(struct art_remains *remains, char **message) {
    static const char entry[] =
        "SELECT sql FROM \"%w\".sqlite_schema WHERE type = 'table' AND name = %Q COLLATE NOCASE";
    int rc = prepare_on(remains, entry, &remains->snapshot);
    if (!rc) rc = art_shadow_step(remains->connection, remains->snapshot);
    const char *sql = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(remains->snapshot, 0) : NULL;
    if (sql && art_definition_is_ours(sql)) return SQLITE_OK;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE && rc != SQLITE_ERROR) return report(remains, rc, message);
    return art_complain(message, SQLITE_ERROR,
                        "art: the table is gone (%s.%s): its .art file, if left, is read USING art_salvage(file='...')",
                        remains->target->schema, remains->target->table);
}

static int gather_remains(struct art_remains *remains, struct art_salvage_options *options, char **message) {
    const struct art_salvage_target *target = remains->target;
    struct art_connection *connection = remains->connection;
    const struct art_state_query query = {connection, connection->db, target->schema, .table = target->table};
    struct art_state state = {0};
    int rc = hold_moment(remains, message);
    if (!rc) {
        int read = art_state_read(&query, &state); /* what cannot be read is not there */
        if (art_check_hindered(read)) rc = report(remains, read, message);
    }
    if (!rc) rc = find_blobs(remains, &state, options, message);
    options->uuid_known = state.has_id;
    memcpy(options->uuid, state.uuid, ART_UUID_BYTES);
    options->feature = remains->feature = state.needs;
    state.needs = NULL;
    if (!target->snapshot) {
        remains->root = state.root;
        state.root = (struct art_buffer){0};
    }
    art_state_clear(&state);
    if (!rc && target->snapshot) rc = find_snapshot(remains, message);
    options->root = art_buffer_bytes(&remains->root);
    options->snapshot = target->snapshot;
    options->each_log_row = each_row_left;
    options->each_snapshot = each_snapshot_left;
    return rc;
}

static bool is_interrupted(void *context) {
    return art_interrupted(((struct art_remains *)context)->connection);
}

int art_remains_open(struct art_remains *remains, struct art_connection *connection,
                     const struct art_salvage_target *target, bool report, char **message) {
    *remains = (struct art_remains){.connection = connection, .target = target};
    struct art_salvage_options options = {.context = remains, .interrupted = is_interrupted, .report = report};
    int rc = art_shadow_busy(connection, target->file ? target->file : target->table, message);
    if (rc) return rc;
    if (target->file) {
        rc = art_may_open(connection->db, target->file, message);
        options.path = target->file;
        options.alone = true;
    } else {
        rc = gather_remains(remains, &options, message);
    }
    return rc ? rc : art_report(message, art_salvage_open(&remains->salvage, &options));
}

void art_remains_clear(struct art_remains *remains) {
    art_salvage_close(remains->salvage);
    sqlite3_finalize(remains->pages);
    sqlite3_finalize(remains->snapshot);
    art_buffer_clear(&remains->root);
    art_free(remains->path);
    art_free(remains->feature);
    *remains = (struct art_remains){0};
}
