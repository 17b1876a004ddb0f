/* xUpdate: INSERT, UPDATE, DELETE.
 *
 * A row's path is text; numbers become text as in an ordinary TEXT column. Columns that an UPDATE does not set keep the
 * bytes that they have in the row's record, and where none is set the value moves along as it is, whatever its length.
 *
 * The hidden columns belong to the table: naming one in INSERT, or changing one in UPDATE, is an error. What SQLite
 * passes for columns that an UPDATE does not set differs between versions: "no change", or for UPDATE ... FROM the old
 * value. So a version that is the row's, a prefix that its path begins with, or a delimiter that does not follow it
 * there, changes nothing.
 */
#include "core/base/limits.h"
#include "core/tree/write_rows.h"
#include "ext/host/host.h"
#include "ext/query/query.h"
#include "ext/txn/txn.h"
#include "ext/write/write.h"

#include <assert.h>

/* argv of INSERT and UPDATE: old key, new key, then the columns. */
enum { ARGUMENT_OLD, ARGUMENT_NEW, ARGUMENT_COLUMNS };

static sqlite3_value *hidden(const struct art_vtab *vtab, int argc, sqlite3_value **argv, enum art_hidden which) {
    int at = ARGUMENT_COLUMNS + (int)vtab->columns.count + which;
    assert(at < argc);
    (void)argc;
    return argv[at];
}

static bool is_given(sqlite3_value *value) {
    return sqlite3_value_type(value) != SQLITE_NULL;
}

static const char *key_name(const struct art_vtab *vtab) {
    return vtab->columns.items[ART_COLUMN_KEY].name;
}

static int not_null(struct art_vtab *vtab, const char *column) {
    return art_complain(&vtab->base.zErrMsg, SQLITE_CONSTRAINT_NOTNULL, "NOT NULL constraint failed: %s.%s",
                        vtab->name->table, column);
}

static int complain_key(struct art_vtab *vtab, int rc, const char *what, const char *todo) {
    return art_complain(&vtab->base.zErrMsg, rc, "art: %s (%s.%s): %s", what, vtab->name->table, key_name(vtab), todo);
}

static int take_path(struct art_vtab *vtab, sqlite3_value *value, struct art_bytes *out) {
    bool of_blobs = art_columns_keys_are_blobs(&vtab->columns);
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) return not_null(vtab, key_name(vtab));
    if (of_blobs && type != SQLITE_BLOB)
        return complain_key(vtab, SQLITE_MISMATCH, "a key of this table is a BLOB", "CAST it AS BLOB");
    if (!of_blobs && type == SQLITE_BLOB)
        return complain_key(vtab, SQLITE_MISMATCH, "a key cannot be a BLOB",
                            "CAST it AS TEXT, or declare the key BLOB");
    if (!art_value_bytes(value, out)) return SQLITE_NOMEM;
    if (out->len <= ART_PATH_MAX) return SQLITE_OK;
    return complain_key(vtab, SQLITE_TOOBIG, "the key is too long", "it may have 65534 bytes");
}

/* t.path, or t.a, t.b; `below`: where a directory was to go, or no bytes. */
static int not_unique(struct art_vtab *vtab, struct art_bytes below) {
    const struct art_columns *columns = &vtab->columns;
    sqlite3_str *names = sqlite3_str_new(NULL);
    for (unsigned place = 1; place <= columns->keys; place++) {
        sqlite3_str_appendf(names, "%s%s.%s", place > 1 ? ", " : "", vtab->name->table,
                            columns->items[art_columns_key(columns, place)].name);
    }
    if (!columns->keys) sqlite3_str_appendf(names, "%s.%s", vtab->name->table, key_name(vtab));
    if (below.len && !columns->keys)
        sqlite3_str_appendf(names, ": there are rows below '%.*s' already", (int)below.len, (const char *)below.data);
    char *text = sqlite3_str_finish(names);
    if (!text) return SQLITE_NOMEM;
    int rc = art_complain(&vtab->base.zErrMsg, SQLITE_CONSTRAINT_PRIMARYKEY, "UNIQUE constraint failed: %s", text);
    sqlite3_free(text);
    return rc;
}

static enum art_write write_mode(const struct art_vtab *vtab) {
    return sqlite3_vtab_on_conflict(vtab->connection->db) == SQLITE_REPLACE ? ART_WRITE_REPLACE : ART_WRITE_INSERT;
}

/* --- keys of several columns -------------------------------------------------------------------------------------- */

/* A text column holds texts and a BLOB column BLOBs, or the same key might be asked for in two ways. */
static int take_key_value(struct art_vtab *vtab, const struct art_column *column, sqlite3_value *value, bool inserts) {
    int type = sqlite3_value_type(value);
    bool of_blobs = column->affinity == ART_AFFINITY_BLOB;
    if (type == SQLITE_NULL && column->not_null) {
        value = column->stand_in;
        if (!value || !(inserts || write_mode(vtab) == ART_WRITE_REPLACE)) return not_null(vtab, column->name);
        type = sqlite3_value_type(value);
    }
    if (type != SQLITE_NULL && of_blobs != (type == SQLITE_BLOB) &&
        (of_blobs || column->affinity == ART_AFFINITY_TEXT)) {
        return art_complain(
            &vtab->base.zErrMsg, SQLITE_MISMATCH, "art: this column of the key takes %s (%s.%s): CAST the value AS %s",
            of_blobs ? "BLOBs" : "no BLOB", vtab->name->table, column->name, of_blobs ? "BLOB" : "TEXT");
    }
    return art_report(&vtab->base.zErrMsg, art_key_append(&vtab->key, column, value, false));
}

static int complain_bytes(struct art_vtab *vtab) {
    return complain_key(vtab, SQLITE_ERROR, "the bytes of a key are made of its columns", "leave it out");
}

/* Does an UPDATE set them? */
static bool gives_bytes(sqlite3_value *value, struct art_bytes old) {
    struct art_bytes bytes;
    if (sqlite3_value_nochange(value)) return false;
    return !art_value_bytes(value, &bytes) || !art_bytes_equal(bytes, old);
}

/* The key of what the row is to be. `old`: the one it has, out of which columns are kept that the UPDATE does not set;
 * no data: all are given. */
static int make_key(struct art_vtab *vtab, sqlite3_value **argv, struct art_bytes old, struct art_bytes *out) {
    static const uint8_t end = ART_KEY_END;
    const struct art_columns *columns = &vtab->columns;
    int rc = SQLITE_OK;
    bool descending = false;
    vtab->key.len = 0;
    for (unsigned place = 1; !rc && place <= columns->keys; place++) {
        unsigned i = art_columns_key(columns, place);
        const struct art_column *column = &columns->items[i];
        sqlite3_value *value = argv[ARGUMENT_COLUMNS + i];
        const uint8_t *from = old.data;
        struct art_datum datum;
        bool open;
        descending = column->descending;
        if (old.data && !art_ordered_next(&old, descending, NULL, &datum, &open)) {
            rc = art_report(&vtab->base.zErrMsg, art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a key lacks columns"));
        } else if (old.data && sqlite3_value_nochange(value)) {
            if (art_buffer_append(&vtab->key, from, (size_t)(old.data - from))) rc = SQLITE_NOMEM;
        } else {
            rc = take_key_value(vtab, column, value, !old.data);
        }
    }
    if (!rc && descending && art_buffer_append(&vtab->key, &end, 1)) rc = SQLITE_NOMEM;
    *out = art_buffer_bytes(&vtab->key);
    if (rc || out->len <= ART_PATH_MAX) return rc;
    return complain_key(vtab, SQLITE_TOOBIG, "the key is too long", "it may have 65534 bytes");
}

static int complain_read_only(struct art_vtab *vtab) {
    const char *table = vtab->name->table;
    return art_complain(&vtab->base.zErrMsg, SQLITE_READONLY,
                        "art: a snapshot is read only (%s.snapshot): change the table as it is, or bring rows back by "
                        "INSERT OR REPLACE INTO %s SELECT * FROM %s WHERE snapshot = ...",
                        table, table, table);
}

/* The columns but the key as one record, in a buffer that the next row uses again. `old`: the row's record, out of
 * which columns are kept that the UPDATE does not set; NULL: all are given. For NULL stands the value of NOT NULL
 * DEFAULT where SQLite puts it into an ordinary table, and where an INSERT says NULL: art cannot tell that from a
 * column that it leaves out. */
static int encode(struct art_vtab *vtab, sqlite3_value **argv, const struct art_bytes *old, struct art_bytes *out) {
    assert(vtab->columns.count && (vtab->columns.count == 1 || vtab->fields));
    unsigned count = vtab->columns.count - 1;
    bool inserts = !is_given(argv[ARGUMENT_OLD]);
    enum art_rc art_rc = old ? art_record_fields(*old, vtab->fields, count) : ART_OK;
    for (unsigned i = 0; !art_rc && i < count; i++) {
        const struct art_column *column = &vtab->columns.items[i + 1];
        sqlite3_value *value = argv[ARGUMENT_COLUMNS + 1 + i];
        if (column->place) vtab->fields[i] = (struct art_field){0}; /* the key has it */
        if (column->place) continue;
        if (old && (inserts ? !is_given(value) : sqlite3_value_nochange(value))) continue;
        if (column->not_null && !is_given(value)) {
            value = column->stand_in;
            if (!value || !(inserts || write_mode(vtab) == ART_WRITE_REPLACE)) return not_null(vtab, column->name);
        }
        art_rc = art_field_set(&vtab->fields[i], value, column->affinity);
    }
    if (!art_rc) art_rc = art_record_encode(&vtab->record, vtab->fields, count);
    *out = art_bytes(vtab->record.data, (uint32_t)vtab->record.len);
    if (art_rc) return art_report(&vtab->base.zErrMsg, art_rc);
    int most = sqlite3_limit(vtab->connection->db, SQLITE_LIMIT_LENGTH, -1); /* as of an ordinary table's rows */
    if (vtab->record.len <= (size_t)most) return SQLITE_OK;
    return art_complain(&vtab->base.zErrMsg, SQLITE_TOOBIG, "art: a row of %llu bytes is too long (%s): it may have %d",
                        (sqlite3_uint64)vtab->record.len, vtab->name->table, most);
}

static int complain_hidden(struct art_vtab *vtab, enum art_hidden which) {
    if (which == ART_HIDDEN_COMMAND) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: an UPDATE cannot give a command (%s): write INSERT INTO %s(%s) VALUES ...",
                            vtab->name->table, vtab->name->table, vtab->name->table);
    }
    const char *name = art_columns_hidden_name(&vtab->columns, which), *table = vtab->name->table;
    if (!sqlite3_stricmp(name, table)) return art_vtab_check_commands(vtab, &vtab->base.zErrMsg);
    if (which == ART_HIDDEN_SNAPSHOT) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: the hidden column snapshot cannot be written (%s.snapshot): leave it out, or make a "
                            "snapshot by INSERT INTO %s(%s, snapshot) VALUES('snapshot', ...)",
                            table, table, table);
    }
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: the hidden column %s cannot be written (%s.%s): leave it out", name, table, name);
}

/* UPDATE ... FROM, in versions of SQLite where it passes all columns as they were and marks none as unchanged. */
static bool passes_all(const struct art_vtab *vtab, int argc, sqlite3_value **argv) {
    bool all = true;
    for (unsigned i = 0; i < ART_HIDDEN_COMMAND; i++) all &= !sqlite3_value_nochange(hidden(vtab, argc, argv, i));
    return all;
}

/* --- directories: a listing row that stands for all below a common prefix ----------------------------------------- */

int art_delete_prefix(struct art_vtab *vtab, struct art_bytes prefix) {
    struct art_range range;
    uint64_t rows;
    uint8_t *end = art_alloc(prefix.len + 1);
    if (!end) return SQLITE_NOMEM;
    art_range_of_prefix(prefix, end, &range);
    enum art_rc rc = art_tree_delete_range(vtab->table->tree, &range, &rows);
    art_free(end);
    return art_report(&vtab->base.zErrMsg, rc);
}

int art_move_prefix(struct art_vtab *vtab, struct art_bytes from, struct art_bytes to, bool copies) {
    uint64_t rows;
    bool taken = false;
    if (art_bytes_starts_with(from, to) || art_bytes_starts_with(to, from)) {
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: '%.*s' and '%.*s' lie in each other (%s): choose a prefix beside the other",
                            (int)from.len, (const char *)from.data, (int)to.len, (const char *)to.data,
                            vtab->name->table);
    }
    enum art_rc rc = art_tree_move_prefix(vtab->table->tree, from, to, copies, &rows, &taken);
    return !rc && taken ? not_unique(vtab, to) : art_report(&vtab->base.zErrMsg, rc);
}

int art_copy_from_snapshot(struct art_vtab *vtab, sqlite3_value *name, struct art_bytes from, struct art_bytes to) {
    struct art_snapshot_tree *snapshot;
    uint64_t rows;
    bool taken = false;
    int rc = art_snapshot_argument(vtab->table, name, &snapshot, &vtab->base.zErrMsg);
    if (rc) return rc;
    assert(snapshot);
    enum art_rc art_rc = art_tree_copy_from(vtab->table->tree, snapshot->tree, from, to, &rows, &taken);
    art_snapshot_tree_release(snapshot);
    return !art_rc && taken ? not_unique(vtab, to) : art_report(&vtab->base.zErrMsg, art_rc);
}

static int complain_unclear(struct art_vtab *vtab, struct art_bytes path) {
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: is '%.*s' a row, or all that one of several listings has below it (%s.%s): delete what "
                        "each of them shows by a statement of its own",
                        (int)path.len, (const char *)path.data, vtab->name->table, key_name(vtab));
}

static int complain_directory(struct art_vtab *vtab) {
    return art_complain(
        &vtab->base.zErrMsg, SQLITE_ERROR,
        "art: a directory below several columns is moved by a command (%s): write INSERT INTO %s(%s, prefix, art_key) "
        "VALUES('move', art_key(...), art_key(...))",
        vtab->name->table, vtab->name->table, vtab->name->table);
}

/* It has a path and nothing else of its own. */
static int update_prefix(struct art_vtab *vtab, int argc, sqlite3_value **argv, struct art_bytes from,
                         struct art_bytes to) {
    bool all = passes_all(vtab, argc, argv);
    for (unsigned i = 1; i < vtab->columns.count; i++) {
        sqlite3_value *value = argv[ARGUMENT_COLUMNS + i];
        if (sqlite3_value_nochange(value) || (all && !is_given(value))) continue;
        return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                            "art: of a common prefix only the path can be changed (%s.%s): leave the delimiter out",
                            vtab->name->table, vtab->columns.items[i].name);
    }
    for (unsigned i = 0; !all && i < art_columns_hidden(&vtab->columns); i++) {
        bool kept = i == ART_HIDDEN_ENTRIES || sqlite3_value_nochange(hidden(vtab, argc, argv, i));
        if (!kept) return complain_hidden(vtab, i);
    }
    return art_bytes_equal(from, to) ? SQLITE_OK : art_move_prefix(vtab, from, to, false);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Over the row as it is. */
static int encode_over(struct art_vtab *vtab, sqlite3_value **argv, const struct art_row *row, struct art_bytes *out) {
    struct art_bytes old;
    uint8_t *owned = NULL;
    assert(row->version);
    int rc = art_report(&vtab->base.zErrMsg, art_row_value(vtab->table->tree, row, &old, &owned));
    if (!rc) rc = encode(vtab, argv, &old, out);
    art_free(owned);
    return rc;
}

static int take_conflict(struct art_vtab *vtab, sqlite3_value *value, bool *updates) {
    if (!is_given(value)) return SQLITE_OK;
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text) return SQLITE_NOMEM;
    *updates = !strcmp(text, "update");
    if (*updates) return SQLITE_OK;
    const char *name = art_columns_hidden_name(&vtab->columns, ART_HIDDEN_CONFLICT), *table = vtab->name->table;
    if (!sqlite3_stricmp(name, table)) return art_vtab_check_commands(vtab, &vtab->base.zErrMsg);
    return art_complain(&vtab->base.zErrMsg, SQLITE_ERROR,
                        "art: the hidden column %s takes 'update' alone (%s.%s): write INSERT OR REPLACE, OR IGNORE, "
                        "... for the others",
                        name, table, name);
}

/* Its values would be taken for all that the row has. */
static int check_no_column_came(struct art_vtab *vtab) {
    if (vtab->columns.count == vtab->table->columns) return SQLITE_OK;
    return art_complain(&vtab->base.zErrMsg, SQLITE_ABORT,
                        "art: a column was added while the statement ran (%s): run it again", vtab->name->table);
}

/* An INSERT with conflict = 'update': the columns that it gives, of the row that is there. */
static int update_with_given(struct art_vtab *vtab, sqlite3_value **argv, struct art_bytes path, bool *found) {
    struct art_tree *tree = vtab->table->tree;
    struct art_row row = {0};
    struct art_bytes value = {0};
    enum art_rc art_rc = art_tree_get(tree, path, &row);
    if (art_rc == ART_NOTFOUND) return SQLITE_OK;
    if (art_rc) return art_report(&vtab->base.zErrMsg, art_rc);
    *found = true;
    int rc = check_no_column_came(vtab);
    if (!rc) rc = encode_over(vtab, argv, &row, &value);
    if (!rc) rc = art_report(&vtab->base.zErrMsg, art_tree_update(tree, path, &row, value));
    art_row_release(&row);
    return rc;
}

static int insert_row(struct art_vtab *vtab, int argc, sqlite3_value **argv) {
    struct art_bytes path = {0}, value = {0};
    bool updates = false, found = false, existed = false;
    for (unsigned i = 0; i < ART_HIDDEN_CONFLICT; i++) {
        if (i != ART_HIDDEN_COMMAND && is_given(hidden(vtab, argc, argv, i))) return complain_hidden(vtab, i);
    }
    for (unsigned i = ART_HIDDEN_HASH; i < art_columns_hidden(&vtab->columns); i++) {
        if (is_given(hidden(vtab, argc, argv, i))) return complain_hidden(vtab, i);
    }
    int rc = take_conflict(vtab, hidden(vtab, argc, argv, ART_HIDDEN_CONFLICT), &updates);
    if (vtab->columns.keys) {
        if (!rc && is_given(argv[ARGUMENT_COLUMNS])) rc = complain_bytes(vtab);
        if (!rc) rc = make_key(vtab, argv, (struct art_bytes){0}, &path);
    } else if (!rc) {
        rc = take_path(vtab, argv[ARGUMENT_COLUMNS], &path);
    }
    if (!rc && updates) rc = update_with_given(vtab, argv, path, &found);
    if (rc || found) return rc;
    rc = encode(vtab, argv, NULL, &value);
    if (rc) return rc;
    enum art_write mode = write_mode(vtab);
    rc = art_report(&vtab->base.zErrMsg, art_tree_insert(vtab->table->tree, mode, path, value, &existed));
    if (rc) return rc;
    return existed && mode == ART_WRITE_INSERT ? not_unique(vtab, art_bytes(NULL, 0)) : SQLITE_OK;
}

static bool is_prefix(sqlite3_value *value, struct art_bytes path) {
    const void *data = sqlite3_value_blob(value);
    return art_bytes_starts_with(path, art_bytes(data, (uint32_t)sqlite3_value_bytes(value)));
}

/* Could a listing with these arguments have shown the path as it is? It begins with the prefix, if one is given. */
static bool is_listed(sqlite3_value *prefix, sqlite3_value *delimiter, struct art_bytes path) {
    if (!is_given(prefix)) return false;
    const uint8_t *end = sqlite3_value_blob(delimiter);
    size_t before = (size_t)sqlite3_value_bytes(prefix), len = (size_t)sqlite3_value_bytes(delimiter);
    assert(before <= path.len); /* is_prefix() has seen it */
    return !len || !art_find_bytes(path.data + before, path.len - before, end, len);
}

static bool lies_behind(sqlite3_value *start_after, struct art_bytes path) {
    if (!is_given(start_after)) return false;
    const void *data = sqlite3_value_blob(start_after);
    return art_bytes_compare(art_bytes(data, (uint32_t)sqlite3_value_bytes(start_after)), path) < 0;
}

/* The version that the row has; or in an UPDATE ... FROM that meets a row again, the one that it had before. */
static bool is_its_version(const struct art_vtab *vtab, int argc, sqlite3_value **argv, const struct art_row *row) {
    assert(row && vtab->table);
    sqlite3_value *value = hidden(vtab, argc, argv, ART_HIDDEN_VERSION);
    if (sqlite3_value_type(value) != SQLITE_INTEGER) return false;
    uint64_t version = (uint64_t)sqlite3_value_int64(value);
    bool again = passes_all(vtab, argc, argv) && row->version > art_tree_csn(vtab->table->tree);
    return version == row->version || (again && version < row->version);
}

/* The same of its hash. */
static bool is_its_hash(const struct art_vtab *vtab, sqlite3_value *value, enum art_hidden which, struct art_bytes path,
                        const struct art_row *row) {
    struct art_tree *tree = vtab->table->tree;
    int64_t hash;
    if (!is_given(value) || row->version > art_tree_csn(tree)) return true;
    return !art_row_hash(tree, path, row, art_hidden_measure(which), &hash) && hash == sqlite3_value_int64(value);
}

/* Is it as it was? `row`: where the UPDATE has to know it, else NULL. */
static bool is_kept(const struct art_vtab *vtab, int argc, sqlite3_value **argv, enum art_hidden which,
                    struct art_bytes path, const struct art_row *row) {
    sqlite3_value *value = hidden(vtab, argc, argv, which);
    if (sqlite3_value_nochange(value)) return true;
    if (which == ART_HIDDEN_VERSION) return row && is_its_version(vtab, argc, argv, row);
    if (which >= ART_HIDDEN_HASH)
        return row && passes_all(vtab, argc, argv) && is_its_hash(vtab, value, which, path, row);
    if (!is_given(value)) return true;
    if (vtab->columns.keys) return passes_all(vtab, argc, argv) && which < ART_HIDDEN_COMMAND; /* of one of its texts */
    if (which == ART_HIDDEN_PREFIX) return is_prefix(value, path);
    if (!passes_all(vtab, argc, argv)) return false;
    if (which == ART_HIDDEN_START_AFTER) return lies_behind(value, path);
    return which == ART_HIDDEN_DELIMITER && is_listed(hidden(vtab, argc, argv, ART_HIDDEN_PREFIX), value, path);
}

static int check_hidden(struct art_vtab *vtab, int argc, sqlite3_value **argv, struct art_bytes path,
                        const struct art_row *row) {
    for (unsigned i = 0, n = art_columns_hidden(&vtab->columns); i < n; i++) {
        if (i == ART_HIDDEN_COMMAND || is_kept(vtab, argc, argv, i, path, row)) continue;
        return complain_hidden(vtab, i);
    }
    bool commands = is_given(hidden(vtab, argc, argv, ART_HIDDEN_COMMAND));
    return commands ? complain_hidden(vtab, ART_HIDDEN_COMMAND) : SQLITE_OK;
}

/* How much of a row an UPDATE sets, and whether the row as it is has to be looked at for that. */
struct change {
    bool sets, keeps, needs_row;
};

static struct change change_of(const struct art_vtab *vtab, int argc, sqlite3_value **argv) {
    struct change change = {0};
    for (unsigned i = 1; i < vtab->columns.count; i++) {
        if (vtab->columns.items[i].place) continue;
        bool kept = sqlite3_value_nochange(argv[ARGUMENT_COLUMNS + i]);
        change.sets |= !kept;
        change.keeps |= kept;
    }
    bool version_given = !sqlite3_value_nochange(hidden(vtab, argc, argv, ART_HIDDEN_VERSION));
    change.needs_row = (change.sets && change.keeps) || version_given;
    return change;
}

static int encode_change(struct art_vtab *vtab, sqlite3_value **argv, struct change change, const struct art_row *row,
                         struct art_bytes *out) {
    if (!change.sets) return SQLITE_OK;
    if (!change.keeps) return encode(vtab, argv, NULL, out);
    assert(change.needs_row);
    return encode_over(vtab, argv, row, out);
}

/* The row at `from` gets the path `to`, and the values that the UPDATE gives. */
static int update_one_row(struct art_vtab *vtab, int argc, sqlite3_value **argv, struct art_bytes from,
                          struct art_bytes to) {
    struct art_tree *tree = vtab->table->tree;
    struct change change = change_of(vtab, argc, argv);
    assert(change.sets || change.keeps || vtab->columns.count == 1 + vtab->columns.keys);
    struct art_row row = {0};
    struct art_bytes value = {0};
    enum art_rc art_rc = change.needs_row ? art_tree_get(tree, from, &row) : ART_OK;
    if (art_rc == ART_NOTFOUND) return SQLITE_OK; /* an earlier row of this statement has replaced it */
    if (art_rc) return art_report(&vtab->base.zErrMsg, art_rc);
    int rc = check_hidden(vtab, argc, argv, from, change.needs_row ? &row : NULL);
    if (!rc) rc = encode_change(vtab, argv, change, &row, &value);
    enum art_write mode = write_mode(vtab);
    bool existed = false;
    if (!rc && change.needs_row && change.sets && art_bytes_equal(from, to)) {
        art_rc = art_tree_update(tree, from, &row, value);
    } else if (!rc) {
        art_rc = art_tree_move(tree, mode, from, to, change.sets ? &value : NULL, &existed);
    }
    art_row_release(&row);
    if (rc) return rc;
    if (art_rc == ART_NOTFOUND) return SQLITE_OK; /* as above */
    if (art_rc) return art_report(&vtab->base.zErrMsg, art_rc);
    return existed && mode == ART_WRITE_INSERT ? not_unique(vtab, art_bytes(NULL, 0)) : SQLITE_OK;
}

static int update_row(struct art_vtab *vtab, int argc, sqlite3_value **argv) {
    struct art_bytes from = {0}, to = {0};
    if (is_given(hidden(vtab, argc, argv, ART_HIDDEN_SNAPSHOT))) return complain_read_only(vtab);
    int rc = check_no_column_came(vtab);
    if (!rc) rc = take_path(vtab, argv[ARGUMENT_OLD], &from);
    if (rc) return rc;
    bool is_rolled = is_given(hidden(vtab, argc, argv, ART_HIDDEN_ENTRIES)) && art_listing_has_ended(vtab, from);
    if (vtab->columns.keys) {
        rc = is_rolled                                   ? complain_directory(vtab)
             : gives_bytes(argv[ARGUMENT_COLUMNS], from) ? complain_bytes(vtab)
                                                         : make_key(vtab, argv, from, &to);
    } else {
        rc = take_path(vtab, argv[ARGUMENT_COLUMNS], &to);
    }
    if (rc) return rc;
    return is_rolled ? update_prefix(vtab, argc, argv, from, to) : update_one_row(vtab, argc, argv, from, to);
}

static int run_delete(struct art_vtab *vtab, sqlite3_value **argv) {
    struct art_bytes path = {0};
    bool existed, noted = false;
    if (art_delete_reads_snapshot(vtab)) return complain_read_only(vtab);
    int rc = take_path(vtab, argv[ARGUMENT_OLD], &path);
    if (rc) return rc;
    enum art_listed listed = art_listed_last(vtab, path);
    if (listed == ART_LISTED_UNCLEAR) return complain_unclear(vtab, path);
    assert(listed == ART_LISTED_ROW || !vtab->table->deleting); /* the listing's scan has begun since */
    if (listed == ART_LISTED_PREFIX) return art_delete_prefix(vtab, path);
    rc = art_deleting_note(vtab->table, path, &noted, &vtab->base.zErrMsg);
    if (rc || noted) return rc;
    return art_report(&vtab->base.zErrMsg, art_tree_delete(vtab->table->tree, path, &existed));
}

/* --- the transaction's part --------------------------------------------------------------------------------------- */

/* A function within the statement, or what it ran, may have ended the transaction. Nobody would tell of the end of
 * another. */
static int begin_write(struct art_vtab *vtab) {
    struct art_table *table = vtab->table;
    if (!vtab->begun) return SQLITE_ABORT_ROLLBACK;
    vtab->savepoints.missed = vtab->connection->savepoints.missed = ART_SAVEPOINT_NONE;
    if (!table || !table->owner || table->fresh != ART_FRESH_LOCKED) {
        int rc = art_vtab_ready(vtab);
        if (rc) return rc;
        table = vtab->table;
        rc = art_table_may_write(table, &vtab->base.zErrMsg);
        if (!rc) rc = art_table_join(table, vtab, &vtab->base.zErrMsg);
        if (rc) return rc;
        table->fresh = ART_FRESH_LOCKED;
    }
    bool goes_on = table->stage == ART_STAGE_ALONE && !sqlite3_get_autocommit(vtab->connection->db);
    if (goes_on) art_table_set_stage(table, ART_STAGE_CHANGING);
    art_scans_catch_up(table);
    return SQLITE_OK;
}

/* UPDATE ... FROM where no row of this table was met (of an aggregate over no rows, or from the other side of a RIGHT
 * JOIN) comes as an INSERT. An INSERT has no new key, as the table has no rowid; an UPDATE has one if it sets the key.
 * If it sets none, it is refused as an INSERT without a key. */
int art_update(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    int rc = begin_write(vtab);
    if (rc) return rc;
    assert(argc == 1 || argc == ARGUMENT_COLUMNS + (int)(vtab->columns.count + art_columns_hidden(&vtab->columns)));
    assert(vtab->table->owner && vtab->table->fresh == ART_FRESH_LOCKED);
    if (argc != 1) rc = art_deleting_settle(vtab->table, &vtab->base.zErrMsg);
    if (rc) return rc;
    if (argc == 1) {
        rc = run_delete(vtab, argv);
    } else if (sqlite3_value_type(argv[ARGUMENT_OLD]) != SQLITE_NULL) {
        rc = update_row(vtab, argc, argv);
    } else if (is_given(argv[ARGUMENT_NEW])) {
        rc = SQLITE_OK;
    } else if (is_given(hidden(vtab, argc, argv, ART_HIDDEN_COMMAND))) {
        rc = art_command_run(vtab, argv + ARGUMENT_COLUMNS);
    } else {
        rc = insert_row(vtab, argc, argv);
    }
    *rowid = sqlite3_last_insert_rowid(vtab->connection->db);
    if (vtab->record.capacity > ART_LIMIT(buffer_kept_bytes)) art_buffer_clear(&vtab->record);
    art_table_assert(vtab->table);
    return rc;
}
