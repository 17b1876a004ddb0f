/* T_artstate, read: what stands in it is taken as far as it is valid. Handles, the check, 'clean', art_backup
 * and art_salvage ask different things of it; all ask here. What is not valid is left out, and reported to
 * callers that ask for it.
 *
 *     format, id, file, columns    each there once
 *     the options                  as they are stored, the defaults where they are not
 *     root                         a copy for art_salvage
 *     extract                      table/extract.c
 *     copied                       of a copy: admin/onto.c
 *     nonce, retired                 host/journal.c, core/tree/run/slots.c; here only what they look like
 *     snapshot NAME                passed over: there may be thousands (table/snapshots.c)
 *     needs NAME                   an incompatible feature (core/base/format.h); there is none that this version knows
 *     writers need NAME            a read-only one
 *     other keys                   table/snapshots.c, or those of a later version: compatible ones
 *
 * A handle reads them when it meets its table. So who puts a feature into one that exists changes the schema, too, or
 * the features of its root.
 */
#include "core/base/format.h"
#include "ext/schema/schema.h"

enum state_key {
    KEY_FORMAT,
    KEY_ID,
    KEY_FILE,
    KEY_COLUMNS,
    KEYS_NEEDED,
    KEY_ROOT = KEYS_NEEDED,
    KEY_NONCE,
    KEY_RETIRED,
    KEY_EXTRACT,
    KEY_COPIED
};
static const char *const key_names[] = {"format", "id",      "file",    "columns", "root",
                                        "nonce",  "retired", "extract", "copied"};
enum { KEYS = sizeof key_names / sizeof *key_names };

static void say_wrong(const struct art_state_query *query, const char *key, const char *what) {
    if (query->wrong) query->wrong(query->context, key, what);
}

static int copy_state_text(char **to, const char *text) {
    art_free(*to);
    *to = art_string_copy(text);
    return *to ? SQLITE_OK : SQLITE_NOMEM;
}

/* 16 bytes, or a copy's stamp. */
static void take_state_bytes(const struct art_state_query *query, enum state_key key, sqlite3_stmt *row,
                             struct art_state *out) {
    static const uint8_t unfinished[sizeof(uint64_t)];
    _Static_assert((int)ART_UUID_BYTES == (int)ART_NONCE_BYTES, "both are 16 bytes");
    const uint8_t *data = sqlite3_column_blob(row, 1);
    int len = sqlite3_column_bytes(row, 1), wanted = key == KEY_COPIED ? ART_STAMP_BYTES : ART_UUID_BYTES;
    if (sqlite3_column_type(row, 1) != SQLITE_BLOB || !data || len != wanted) {
        if (key != KEY_COPIED) say_wrong(query, key_names[key], "is not 16 bytes");
    } else if (key == KEY_ID) {
        memcpy(out->uuid, data, ART_UUID_BYTES);
        out->has_id = true;
    } else if (key == KEY_COPIED) {
        memcpy(out->copied, data, ART_STAMP_BYTES);
        out->is_copy = true;
        out->is_unfinished = !memcmp(data + ART_STAMP_BYTES - sizeof unfinished, unfinished, sizeof unfinished);
    }
}

static int take_field(const struct art_state_query *query, enum state_key key, sqlite3_stmt *row,
                      struct art_state *out) {
    int type = sqlite3_column_type(row, 1);
    assert((unsigned)key < KEYS);
    if (key == KEY_FORMAT) {
        out->has_format = true;
        out->format = sqlite3_column_int64(row, 1);
        if (type != SQLITE_INTEGER) say_wrong(query, "format", "is no number");
        return SQLITE_OK;
    }
    if (key == KEY_FILE || key == KEY_COLUMNS) {
        const char *text = (const char *)sqlite3_column_text(row, 1);
        bool whole = text && (int)strlen(text) == sqlite3_column_bytes(row, 1);
        if (key == KEY_FILE) return whole ? copy_state_text(&out->file, text) : SQLITE_OK;
        if (type == SQLITE_TEXT) return text ? copy_state_text(&out->columns, text) : SQLITE_NOMEM;
        say_wrong(query, "columns", "is no text");
        return SQLITE_OK;
    }
    const void *data = sqlite3_column_blob(row, 1);
    int len = sqlite3_column_bytes(row, 1);
    if (key == KEY_RETIRED && type != SQLITE_BLOB) say_wrong(query, "retired", "is no list of slots");
    if (key == KEY_ID || key == KEY_NONCE || key == KEY_COPIED) take_state_bytes(query, key, row, out);
    if ((key != KEY_ROOT && key != KEY_EXTRACT) || !data) return SQLITE_OK;
    struct art_buffer *to = key == KEY_ROOT ? &out->root : &out->extract;
    return art_buffer_set(to, data, (size_t)len) ? SQLITE_NOMEM : SQLITE_OK;
}

static int take_setting(const struct art_state_query *query, const char *key, sqlite3_stmt *row,
                        struct art_state *out) {
    const char *text = NULL;
    char *reason = NULL;
    if (sqlite3_column_type(row, 1) != SQLITE_BLOB) text = (const char *)sqlite3_column_text(row, 1);
    int rc = art_settings_take(&out->settings, key, text ? text : "", &reason);
    if (rc && rc != SQLITE_NOTFOUND) {
        char *what = reason ? sqlite3_mprintf("is not valid: %s", reason + strlen("art: ")) : NULL;
        if (what) say_wrong(query, key, what);
        rc = what ? SQLITE_OK : SQLITE_NOMEM;
        sqlite3_free(what);
    }
    sqlite3_free(reason);
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

static int take_state_row(const struct art_state_query *query, sqlite3_stmt *row, struct art_state *out,
                          unsigned *seen) {
    const char *name = (const char *)sqlite3_column_text(row, 0);
    out->any = true;
    out->keys_shown |= name != NULL;
    out->values_shown |= sqlite3_column_type(row, 1) != SQLITE_NULL;
    if (!name) return SQLITE_OK;
    for (unsigned i = 0; i < KEYS; i++) {
        if (strcmp(name, key_names[i]) != 0) continue;
        if (*seen >> i & 1) say_wrong(query, name, "is there twice");
        *seen |= 1u << i;
        return take_field(query, (enum state_key)i, row, out);
    }
    static const char needs[] = "needs ", writers_need[] = "writers need ";
    if (!strncmp(name, needs, sizeof needs - 1)) return copy_state_text(&out->needs, name + sizeof needs - 1);
    if (!strncmp(name, writers_need, sizeof writers_need - 1))
        return copy_state_text(&out->writers_need, name + sizeof writers_need - 1);
    return take_setting(query, name, row, out);
}

/* Up to the snapshots, if there are any. Takes the statement over. */
static int take_some(const struct art_state_query *query, sqlite3_stmt *rows, struct art_state *out, unsigned *seen,
                     bool *snapshots) {
    static const char snapshot[] = ART_SNAPSHOT_KEY;
    int rc = SQLITE_OK;
    *snapshots = false;
    while (!rc && !*snapshots && art_shadow_step(query->connection, rows) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(rows, 0);
        *snapshots = key && !strncmp(key, snapshot, sizeof snapshot - 1);
        if (!*snapshots) rc = take_state_row(query, rows, out, seen);
    }
    int end = sqlite3_finalize(rows);
    return rc ? rc : end;
}

/* Nothing is compared before a snapshot was seen: where an authorizer answers "ignore", a key is NULL, and so is each
 * comparison with it. And any table may have such a name, and numbers for keys. */
static int take_state_rows(const struct art_state_query *query, struct art_state *out, unsigned *seen) {
    static const char all[] = "SELECT k, v FROM \"%w\".\"%w_artstate\" ORDER BY k",
                      rest[] = "SELECT k, v FROM \"%w\".\"%w_artstate\" WHERE k >= %Q ORDER BY k";
    sqlite3_stmt *rows = NULL;
    bool snapshots = false;
    int rc = art_prepare(query->db, 0, &rows, sqlite3_mprintf(all, query->schema, query->table));
    if (!rc) rc = take_some(query, rows, out, seen, &snapshots);
    if (rc || !snapshots) return rc;
    rc = art_prepare(query->db, 0, &rows, sqlite3_mprintf(rest, query->schema, query->table, ART_SNAPSHOT_KEYS_END));
    return rc ? rc : take_some(query, rows, out, seen, &snapshots);
}

int art_state_read(const struct art_state_query *query, struct art_state *out) {
    unsigned seen = 0;
    *out = (struct art_state){0};
    art_settings_default(&out->settings);
    if (query->defaults) out->settings = *query->defaults;
    int rc = take_state_rows(query, out, &seen);
    bool named = out->has_id && out->file;
    out->file_is_sound = named && art_shadow_file_name_is_sound(out->file, out->uuid);
    if (rc) return rc;
    if (seen >> KEY_FILE & 1 && out->has_id && !out->file_is_sound) {
        say_wrong(query, "file", "is no name of this table's .art file");
    }
    for (unsigned i = 0; i < KEYS_NEEDED; i++) {
        if (!(seen >> i & 1)) say_wrong(query, key_names[i], "is missing");
    }
    return SQLITE_OK;
}

void art_state_clear(struct art_state *state) {
    art_free(state->file);
    art_free(state->columns);
    art_free(state->needs);
    art_free(state->writers_need);
    art_buffer_clear(&state->root);
    art_buffer_clear(&state->extract);
    state->file = state->columns = state->needs = state->writers_need = NULL;
}

static int refuse_unknown(const struct art_state *state, const struct art_name *name, char **message) {
    long long format = (long long)state->format;
    if (state->has_format && format < ART_FORMAT)
        return art_complain(
            message, SQLITE_CANTOPEN,
            "art: this table has format %lld, of a version before 1.0 (%s): copy its rows with sqlite-art "
            "0.3.0 into an ordinary table, and with this version into a new one",
            format, name->table);
    if (state->has_format && format > ART_FORMAT)
        return art_complain(message, SQLITE_CANTOPEN,
                            "art: this table has format %lld, this version of art knows format %d: use a newer version",
                            format, ART_FORMAT);
    if (!state->needs) return SQLITE_OK;
    return art_complain(message, SQLITE_CANTOPEN,
                        "art: this table has the feature '%s', which this version of art cannot read "
                        "(%s.%s_artstate): use a newer version",
                        state->needs, name->schema, name->table);
}

int art_shadow_read_state(struct art_connection *connection, const struct art_name *name,
                          const struct art_settings *defaults, struct art_state *out, char **message) {
    const struct art_state_query query = {connection, connection->db, name->schema, name->table, .defaults = defaults};
    int rc = art_state_read(&query, out);
    if (rc) {
        rc = art_report_sql(message, connection->db, rc, "cannot read %s.%s_artstate", name->schema, name->table);
        art_state_clear(out);
        return rc;
    }
    rc = refuse_unknown(out, name, message);
    if (!rc && out->is_unfinished) {
        rc = art_complain(message, SQLITE_ERROR,
                          "art: this copy is unfinished, art_backup() was interrupted: call it in the original with "
                          "'update', or copy out what is here by art_salvage");
    } else if (!rc && !out->has_id) {
        rc = art_complain(message, SQLITE_CORRUPT_VTAB,
                          "art: the table has no id (%s.%s_artstate): restore the database from a backup, or copy out "
                          "what is left by art_salvage and DROP the table",
                          name->schema, name->table);
    }
    assert(rc || out->has_id);
    if (rc) art_state_clear(out);
    return rc;
}
