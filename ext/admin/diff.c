/* What has changed between two states of a table, and where it has grown: table-valued functions.
 *
 *     art_diff(table, from [, to [, prefix]])     a row for each path whose row is another one
 *
 *         path, change       in the order of the paths; 'added', 'changed', 'deleted'
 *         old_version        of its row in `from`, or NULL
 *         version            of its row in `to`, or NULL
 *
 *     art_growth(table, column, from, to, prefix, delimiter [, depth])
 *                                                 a row for each name of a level below which such a path is; with
 *                                                 the depth 'all' for each of all levels, and for the prefix
 *
 *         path                         as a listing shows it, `depth` levels below the prefix
 *         old_entries, entries         rows that the name stands for, in the two states
 *         old_total, total             what the column adds up to in these; NULL without a column
 *         growth                       total less old_total; without a column, entries less old_entries
 *         added, changed, deleted      rows of art_diff below the name: walked through where one of these is read
 *
 * `from` and `to` are names of snapshots, or NULL, or not given: the table as it is, with what the transaction has
 * changed. Rows are made one by one (core/tree/read/diff.c, growth.c). So the handle, the two trees and a snapshot of
 * the database are held until the scan ends. That of a table_ref.c is not, since other calls take it. The table may
 * change between two rows: those that follow are right then.
 */
#include "core/tree/history.h"
#include "ext/admin/admin.h"

struct states {
    struct art_vtab *vtab; /* pinned; NULL: nothing is held */
    sqlite3_stmt *held;    /* a snapshot of the database */
    struct art_snapshot_tree *snapshot[2];
    struct art_tree *tree[2];
};

static void release_states(struct states *states) {
    for (int i = 0; i < 2; i++) {
        if (states->snapshot[i]) art_snapshot_tree_release(states->snapshot[i]);
    }
    sqlite3_finalize(states->held);
    if (states->vtab) art_vtab_unpin(states->vtab);
    *states = (struct states){0};
}

/* To be released, also after an error. */
static int hold_states(struct art_function_cursor *base, const char *text, sqlite3_value *const *names,
                       struct states *states, char **message) {
    struct art_connection *connection = ((struct art_function_vtab *)base->base.pVtab)->connection;
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(connection, text, &ref, message);
    if (rc) return rc;
    states->vtab = ref->vtab;
    art_vtab_pin(states->vtab);
    rc = art_table_ref_ready(ref->vtab, message);
    if (!rc) rc = art_snapshot_hold(connection->db, ref->vtab->name->schema, &states->held, message);
    for (int i = 0; !rc && i < 2; i++) {
        if (names[i]) rc = art_snapshot_argument(ref->vtab->table, names[i], &states->snapshot[i], message);
        states->tree[i] = states->snapshot[i] ? states->snapshot[i]->tree : ref->vtab->table->tree;
    }
    art_table_ref_release(ref);
    return rc;
}

/* Before each row: a rollback may have left the table's tree to be read anew, and a DELETE rows to be deleted. */
static int states_are_ready(const struct states *states, char **message) {
    const struct art_table *table = states->vtab->table;
    bool ready = !art_tree_unknown(table->tree) && !table->deleting;
    return ready ? SQLITE_OK : art_table_ref_ready(states->vtab, message);
}

static void result_path(const struct states *states, sqlite3_context *context, struct art_bytes key) {
    art_result_key(context, art_columns_keys_are_blobs(&states->vtab->columns), key);
}

/* Below a prefix that is NULL there is nothing, as in a listing. */
static bool is_null(sqlite3_value *value) {
    return value && sqlite3_value_type(value) == SQLITE_NULL;
}

/* The bytes of an argument; NULL, or none: no bytes. */
static int take_bytes(sqlite3_value *value, struct art_bytes *out) {
    *out = art_bytes(NULL, 0);
    if (!value || sqlite3_value_type(value) == SQLITE_NULL) return SQLITE_OK;
    return art_value_bytes(value, out) ? SQLITE_OK : SQLITE_NOMEM;
}

/* --- art_diff ----------------------------------------------------------------------------------------------------- */

enum { DIFF_PATH, DIFF_CHANGE, DIFF_OLD_VERSION, DIFF_VERSION, DIFF_TABLE };
enum { DIFF_OF_FROM = 1, DIFF_OF_TO, DIFF_OF_PREFIX, DIFF_ARGUMENTS };

struct diff_cursor {
    struct art_function_cursor base;
    struct states states;
    struct art_diff *diff;
    struct art_changed changed;
};

static void clear_diff(struct art_function_cursor *base) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    art_diff_close(cursor->diff);
    cursor->diff = NULL;
    release_states(&cursor->states);
}

static int begin_diff(struct art_function_cursor *base, const char *text,
                      sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    struct art_bytes prefix;
    struct art_buffer room = {0};
    struct art_range range;
    int rc = take_bytes(values[DIFF_OF_PREFIX], &prefix);
    if (!rc) rc = hold_states(base, text, &values[DIFF_OF_FROM], &cursor->states, message);
    if (rc || is_null(values[DIFF_OF_PREFIX])) return rc;
    enum art_rc art_rc = art_buffer_reserve(&room, prefix.len);
    if (!art_rc) {
        struct art_tree **tree = cursor->states.tree;
        art_range_of_prefix(prefix, room.data, &range);
        art_rc = art_diff_open(tree[0], tree[1], &range, &cursor->diff);
    }
    art_buffer_clear(&room);
    return art_report(message, art_rc);
}

static int next_diff(struct art_function_cursor *base, char **message) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    if (!cursor->diff) return SQLITE_OK;
    int rc = states_are_ready(&cursor->states, message);
    if (rc) return rc;
    enum art_rc art_rc = art_diff_next(cursor->diff, &cursor->changed);
    base->valid = !art_rc;
    return art_rc == ART_NOTFOUND ? SQLITE_OK : art_report(message, art_rc);
}

static void show_version(sqlite3_context *context, uint64_t version) {
    if (version) sqlite3_result_int64(context, (sqlite3_int64)version);
}

static void show_diff(struct art_function_cursor *base, sqlite3_context *context, int column) {
    const struct art_changed *changed = &((struct diff_cursor *)base)->changed;
    switch (column) {
    case DIFF_PATH:
        result_path(&((struct diff_cursor *)base)->states, context, changed->path);
        break;
    case DIFF_CHANGE: {
        const char *word = !changed->old_version ? "added" : changed->version ? "changed" : "deleted";
        sqlite3_result_text(context, word, -1, SQLITE_STATIC);
        break;
    }
    case DIFF_OLD_VERSION:
        show_version(context, changed->old_version);
        break;
    case DIFF_VERSION:
        show_version(context, changed->version);
    }
}

const struct art_table_function art_diff_function = {
    .name = "art_diff",
    .declaration = "CREATE TABLE x(path TEXT, change TEXT, old_version INTEGER, version INTEGER, "
                   "\"table\" HIDDEN, \"from\" HIDDEN, \"to\" HIDDEN, prefix HIDDEN)",
    .argument = DIFF_TABLE,
    .needed = DIFF_OF_TO,
    .most = DIFF_ARGUMENTS,
    .example = "SELECT * FROM art_diff('objects', 'monday')",
    .cursor_bytes = sizeof(struct diff_cursor),
    .clear = clear_diff,
    .begin_with = begin_diff,
    .next = next_diff,
    .column = show_diff,
};

/* --- art_growth --------------------------------------------------------------------------------------------------- */

enum {
    GROWTH_PATH,
    GROWTH_OLD_ENTRIES,
    GROWTH_ENTRIES,
    GROWTH_OLD_TOTAL,
    GROWTH_TOTAL,
    GROWTH_GROWTH,
    GROWTH_ADDED,
    GROWTH_CHANGED,
    GROWTH_DELETED,
    GROWTH_TABLE
};
enum {
    GROWTH_OF_COLUMN = 1,
    GROWTH_OF_FROM,
    GROWTH_OF_PREFIX = 4,
    GROWTH_OF_DELIMITER,
    GROWTH_OF_DEPTH,
    GROWTH_ARGUMENTS
};

struct growth_cursor {
    struct art_function_cursor base;
    struct states states;
    bool sums, hashes; /* of a column; of one of hashes */
    struct art_growth *growth;
    struct art_grown grown;
};

static void clear_growth(struct art_function_cursor *base) {
    struct growth_cursor *cursor = (struct growth_cursor *)base;
    art_growth_close(cursor->growth);
    cursor->growth = NULL;
    release_states(&cursor->states);
}

/* The level that the arguments name. */
static int read_level(sqlite3_value *const *values, struct art_growing *what, char **message) {
    sqlite3_value *depth = values[GROWTH_OF_DEPTH];
    int rc = take_bytes(values[GROWTH_OF_PREFIX], &what->prefix);
    if (!rc) rc = take_bytes(values[GROWTH_OF_DELIMITER], &what->delimiter);
    if (rc) return rc;
    if (!what->delimiter.len) {
        return art_complain(message, SQLITE_ERROR,
                            "art: art_growth needs a delimiter (of no bytes here): name what ends a level, as '/'");
    }
    what->depth = 1;
    if (!depth || sqlite3_value_type(depth) == SQLITE_NULL) return SQLITE_OK;
    sqlite3_int64 levels = sqlite3_value_type(depth) == SQLITE_INTEGER ? sqlite3_value_int64(depth) : 0;
    const char *text = (const char *)sqlite3_value_text(depth);
    if (!text) return SQLITE_NOMEM;
    if (levels < 1 && strcmp(text, "all")) {
        return art_complain(message, SQLITE_ERROR,
                            "art: the depth of art_growth is a number of levels from 1 on, or 'all' (%s here): 1 is "
                            "the level below the prefix",
                            text);
    }
    what->depth = (uint64_t)levels; /* of all 0 */
    return SQLITE_OK;
}

/* One of the hidden columns with sums of hashes, by its name. */
static bool names_hashes(const struct art_vtab *vtab, const char *column, enum art_measure *out) {
    for (unsigned i = ART_HIDDEN_HASH; i <= ART_HIDDEN_HASH_VALUES; i++) {
        *out = art_hidden_measure(i);
        if (!sqlite3_stricmp(column, art_columns_hidden_name(&vtab->columns, i))) return true;
    }
    return false;
}

/* The number of the column's sum; of NULL -1. */
static int read_column(const struct art_vtab *vtab, sqlite3_value *value, int *out, bool *hashes, char **message) {
    unsigned item;
    enum art_measure measure;
    *out = -1;
    if (sqlite3_value_type(value) == SQLITE_NULL) return SQLITE_OK;
    const char *column = (const char *)sqlite3_value_text(value);
    if (!column) return SQLITE_NOMEM;
    *hashes = names_hashes(vtab, column, &measure);
    int rc = *hashes ? art_find_hash(vtab, measure, &item, message) : art_find_sum(vtab, column, &item, message);
    if (!rc) *out = (int)item;
    return rc;
}

static int begin_growth(struct art_function_cursor *base, const char *text,
                        sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message) {
    struct growth_cursor *cursor = (struct growth_cursor *)base;
    struct states *states = &cursor->states;
    struct art_growing what;
    int rc = read_level(values, &what, message);
    if (!rc) rc = hold_states(base, text, &values[GROWTH_OF_FROM], states, message);
    if (!rc) rc = read_column(states->vtab, values[GROWTH_OF_COLUMN], &what.sum, &cursor->hashes, message);
    if (rc || is_null(values[GROWTH_OF_PREFIX])) return rc;
    cursor->sums = what.sum >= 0;
    what.totals = base->wanted & ((1u << GROWTH_ADDED) - (1u << GROWTH_OLD_ENTRIES));
    what.counts = base->wanted & (1u << GROWTH_ADDED | 1u << GROWTH_CHANGED | 1u << GROWTH_DELETED);
    return art_report(message, art_growth_open(states->tree[0], states->tree[1], &what, &cursor->growth));
}

static int next_growth(struct art_function_cursor *base, char **message) {
    struct growth_cursor *cursor = (struct growth_cursor *)base;
    if (!cursor->growth) return SQLITE_OK;
    int rc = states_are_ready(&cursor->states, message);
    if (rc) return rc;
    enum art_rc art_rc = art_growth_next(cursor->growth, &cursor->grown);
    base->valid = !art_rc;
    return art_rc == ART_NOTFOUND ? SQLITE_OK : art_report(message, art_rc);
}

/* Of hashes modulo 2^64. */
static void show_sum(const struct growth_cursor *cursor, sqlite3_context *context, art_int128 sum) {
    if (cursor->hashes) {
        sqlite3_result_int64(context, (sqlite3_int64)sum);
    } else {
        art_result_sum(context, sum);
    }
}

static void show_growth(struct art_function_cursor *base, sqlite3_context *context, int column) {
    const struct growth_cursor *cursor = (const struct growth_cursor *)base;
    const struct art_grown *grown = &cursor->grown;
    assert(base->wanted >> column & 1); /* else it is not made */
    switch (column) {
    case GROWTH_PATH:
        result_path(&cursor->states, context, grown->path);
        break;
    case GROWTH_OLD_ENTRIES:
        sqlite3_result_int64(context, (sqlite3_int64)grown->old_rows);
        break;
    case GROWTH_ENTRIES:
        sqlite3_result_int64(context, (sqlite3_int64)grown->rows);
        break;
    case GROWTH_OLD_TOTAL:
        if (cursor->sums) show_sum(cursor, context, grown->old_sum);
        break;
    case GROWTH_TOTAL:
        if (cursor->sums) show_sum(cursor, context, grown->sum);
        break;
    case GROWTH_GROWTH:
        show_sum(cursor, context,
                 cursor->sums ? art_subtract128(grown->sum, grown->old_sum)
                              : (art_int128)grown->rows - (art_int128)grown->old_rows);
        break;
    case GROWTH_ADDED:
        sqlite3_result_int64(context, (sqlite3_int64)grown->added);
        break;
    case GROWTH_CHANGED:
        sqlite3_result_int64(context, (sqlite3_int64)grown->changed);
        break;
    case GROWTH_DELETED:
        sqlite3_result_int64(context, (sqlite3_int64)grown->deleted);
    }
}

const struct art_table_function art_growth_function = {
    .name = "art_growth",
    .declaration = "CREATE TABLE x(path TEXT, old_entries INTEGER, entries INTEGER, old_total INTEGER, total INTEGER, "
                   "growth INTEGER, added INTEGER, changed INTEGER, deleted INTEGER, "
                   "\"table\" HIDDEN, \"column\" HIDDEN, \"from\" HIDDEN, \"to\" HIDDEN, "
                   "prefix HIDDEN, delimiter HIDDEN, depth HIDDEN)",
    .argument = GROWTH_TABLE,
    .needed = GROWTH_OF_DEPTH,
    .most = GROWTH_ARGUMENTS,
    .example = "SELECT * FROM art_growth('objects', 'size', 'monday', NULL, '', '/')",
    .cursor_bytes = sizeof(struct growth_cursor),
    .clear = clear_growth,
    .begin_with = begin_growth,
    .next = next_growth,
    .column = show_growth,
};
