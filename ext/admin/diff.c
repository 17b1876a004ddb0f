/* What has changed between two states of a table, and where it has grown; and what differs between two tables:
 * table-valued functions.
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
 *     art_differences(table, other [, prefix [, from [, to]]])
 *                                                 as art_diff, of paths whose row in `other` is another one: equal rows
 *                                                 are found by hash(*) (core/tree/read/differences.c)
 *
 * `from` and `to` are names of snapshots, or NULL, or not given: the table as it is, with what the transaction has
 * changed. Rows are made one by one (core/tree/read/diff.c, growth.c). So the handles, the two trees and a snapshot of
 * each database are held until the scan ends. That of a table_ref.c is not, since other calls take it. The table may
 * change between two rows: those that follow are right then.
 */
#include "core/tree/history.h"
#include "ext/admin/admin.h"

/* Zeros: nothing is held. */
struct states {
    struct held_table {
        struct art_vtab *vtab; /* pinned */
        sqlite3_stmt *held;    /* a snapshot of the database */
    } of[2];                   /* the second one: where it is another table's state */
    struct art_snapshot_tree *snapshot[2];
    struct art_tree *tree[2];
};

/* Both snapshots first: they may be of one table, which may go with its handle. */
static void release_states(struct states *states) {
    for (int i = 0; i < 2; i++)
        if (states->snapshot[i]) art_snapshot_tree_release(states->snapshot[i]);
    for (int i = 0; i < 2; i++) {
        sqlite3_finalize(states->of[i].held);
        if (states->of[i].vtab) art_vtab_unpin(states->of[i].vtab);
    }
    *states = (struct states){0};
}

static int hold_table(struct art_function_cursor *base, const char *text, struct held_table *out, char **message) {
    struct art_connection *connection = ((struct art_function_vtab *)base->base.pVtab)->connection;
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(connection, text, &ref, message);
    if (rc) return rc;
    out->vtab = ref->vtab;
    art_vtab_pin(out->vtab);
    rc = art_table_ref_ready(ref->vtab, message);
    if (!rc) rc = art_snapshot_hold(connection->db, ref->vtab->name->schema, &out->held, message);
    art_table_ref_release(ref);
    return rc;
}

/* Of one table, or of two, if `other` is not NULL. To be released, also after an error. */
static int hold_states(struct art_function_cursor *base, const char *text, const char *other,
                       sqlite3_value *const *names, struct states *states, char **message) {
    int rc = hold_table(base, text, &states->of[0], message);
    if (!rc && other) rc = hold_table(base, other, &states->of[1], message);
    for (int i = 0; !rc && i < 2; i++) {
        struct art_table *table = states->of[other && i].vtab->table;
        if (names[i]) rc = art_snapshot_argument(table, names[i], &states->snapshot[i], message);
        states->tree[i] = states->snapshot[i] ? states->snapshot[i]->tree : table->tree;
    }
    return rc;
}

/* Before each row: a rollback may have left a table's tree to be read anew, and a DELETE rows to be deleted. */
static int states_are_ready(const struct states *states, char **message) {
    int rc = SQLITE_OK;
    for (int i = 0; !rc && i < 2 && states->of[i].vtab; i++) {
        const struct art_table *table = states->of[i].vtab->table;
        bool ready = !art_tree_unknown(table->tree) && !table->deleting;
        if (!ready) rc = art_table_ref_ready(states->of[i].vtab, message);
    }
    return rc;
}

static void result_path(const struct states *states, sqlite3_context *context, struct art_bytes key) {
    art_result_key(context, art_columns_keys_are_blobs(&states->of[0].vtab->columns), key);
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

/* The bytes that keys are to begin with; NULL, or none: no bytes. */
static int take_prefix(const struct states *states, sqlite3_value *value, struct art_bytes *out, char **message) {
    *out = art_bytes(NULL, 0);
    if (!value || is_null(value)) return SQLITE_OK;
    return art_take_key(states->of[0].vtab, value, out, message);
}

/* --- art_diff ----------------------------------------------------------------------------------------------------- */

enum { DIFF_PATH, DIFF_CHANGE, DIFF_OLD_VERSION, DIFF_VERSION, DIFF_TABLE };
enum { DIFF_OF_FROM = 1, DIFF_OF_TO, DIFF_OF_PREFIX, DIFF_ARGUMENTS };

/* Of one of the two functions, or of none, where there are no rows. */
struct diff_cursor {
    struct art_function_cursor base;
    struct states states;
    struct art_diff *diff;
    struct art_differences *differences;
    struct art_changed changed;
};

static void clear_diff(struct art_function_cursor *base) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    art_diff_close(cursor->diff);
    cursor->diff = NULL;
    art_differences_close(cursor->differences);
    cursor->differences = NULL;
    release_states(&cursor->states);
}

/* The states are held; `what`: NULL, or of art_differences. */
static int open_diff(struct diff_cursor *cursor, sqlite3_value *value, const struct art_differing *what,
                     char **message) {
    struct art_bytes prefix;
    struct art_buffer room = {0};
    struct art_range range;
    if (is_null(value)) return SQLITE_OK;
    int rc = take_prefix(&cursor->states, value, &prefix, message);
    if (rc) return rc;
    enum art_rc art_rc = art_buffer_reserve(&room, prefix.len);
    if (!art_rc) {
        struct art_tree **tree = cursor->states.tree;
        art_range_of_prefix(prefix, room.data, &range);
        art_rc = what ? art_differences_open(what, &range, &cursor->differences)
                      : art_diff_open(tree[0], tree[1], &range, &cursor->diff);
    }
    art_buffer_clear(&room);
    return art_report(message, art_rc);
}

static int begin_diff(struct art_function_cursor *base, const char *text,
                      sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    int rc = hold_states(base, text, NULL, &values[DIFF_OF_FROM], &cursor->states, message);
    return rc ? rc : open_diff(cursor, values[DIFF_OF_PREFIX], NULL, message);
}

/* hash(*) is a summary's first sum: a query goes on while each table has it. */
static int find_hashes(const struct states *states, struct art_differing *what, char **message) {
    int rc = art_find_hash(states->of[0].vtab, ART_MEASURE_HASH, &what->from_hash, message);
    return rc ? rc : art_find_hash(states->of[1].vtab, ART_MEASURE_HASH, &what->to_hash, message);
}

static int next_diff(struct art_function_cursor *base, char **message) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    struct art_differing again;
    if (!cursor->diff && !cursor->differences) return SQLITE_OK;
    int rc = states_are_ready(&cursor->states, message);
    if (!rc && cursor->differences) rc = find_hashes(&cursor->states, &again, message);
    if (rc) return rc;
    enum art_rc art_rc = cursor->diff ? art_diff_next(cursor->diff, &cursor->changed)
                                      : art_differences_next(cursor->differences, &cursor->changed);
    base->valid = !art_rc;
    return art_rc == ART_NOTFOUND ? SQLITE_OK : art_report(message, art_rc);
}

static void show_version(sqlite3_context *context, uint64_t version) {
    if (version) sqlite3_result_int64(context, (sqlite3_int64)version);
}

static void show_diff(struct art_function_cursor *base, sqlite3_context *context, int column) {
    const struct art_changed *changed = &((struct diff_cursor *)base)->changed;
    const char *word = !changed->old_version ? "added" : changed->version ? "changed" : "deleted";
    if (column == DIFF_PATH) result_path(&((struct diff_cursor *)base)->states, context, changed->path);
    if (column == DIFF_CHANGE) sqlite3_result_text(context, word, -1, SQLITE_STATIC);
    if (column == DIFF_OLD_VERSION) show_version(context, changed->old_version);
    if (column == DIFF_VERSION) show_version(context, changed->version);
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

/* --- art_differences ---------------------------------------------------------------------------------------------- */

enum {
    DIFFERENCES_OF_OTHER = 1,
    DIFFERENCES_OF_PREFIX,
    DIFFERENCES_OF_FROM,
    DIFFERENCES_ARGUMENTS = DIFFERENCES_OF_FROM + 2
};

/* Do columns with this number hold the same of a row? What is in no key keeps the type of each value. */
static bool columns_fit(const struct art_column *a, const struct art_column *b, bool key) {
    if (sqlite3_stricmp(a->name, b->name) || a->place != b->place) return false;
    return !key || (a->affinity == b->affinity && a->descending == b->descending);
}

/* "path TEXT DESC", as it is declared. */
static char *column_as_declared(const struct art_column *column) {
    if (!column) return sqlite3_mprintf("none");
    return sqlite3_mprintf("%s%s%s%s", column->name, *column->type ? " " : "", column->type,
                           column->descending ? " DESC" : "");
}

static int compare_columns(const struct art_vtab *from, const struct art_vtab *to, char **message) {
    const struct art_columns *a = &from->columns, *b = &to->columns;
    for (unsigned i = 0; i < a->count || i < b->count; i++) {
        const struct art_column *one = i < a->count ? &a->items[i] : NULL, *other = i < b->count ? &b->items[i] : NULL;
        bool key = i == ART_COLUMN_KEY || (one && one->place);
        if (one && other && columns_fit(one, other, key)) continue;
        char *mine = column_as_declared(one), *theirs = column_as_declared(other);
        int rc = SQLITE_NOMEM;
        if (mine && theirs)
            rc = art_complain(message, SQLITE_ERROR,
                              "art: column %u is not the same in both tables (%s.%s: %s, %s.%s: %s): art_differences "
                              "needs columns of the same names in the same order, and keys of the same types",
                              i + 1, from->name->schema, from->name->table, mine, to->name->schema, to->name->table,
                              theirs);
        sqlite3_free(mine);
        sqlite3_free(theirs);
        return rc;
    }
    return SQLITE_OK;
}

static int begin_differences(struct art_function_cursor *base, const char *text,
                             sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message) {
    struct diff_cursor *cursor = (struct diff_cursor *)base;
    struct states *states = &cursor->states;
    struct art_differing what;
    if (is_null(values[DIFFERENCES_OF_OTHER])) return SQLITE_OK;
    const char *other = (const char *)sqlite3_value_text(values[DIFFERENCES_OF_OTHER]);
    if (!other) return SQLITE_NOMEM;
    int rc = hold_states(base, text, other, &values[DIFFERENCES_OF_FROM], states, message);
    if (rc) return rc;
    rc = compare_columns(states->of[0].vtab, states->of[1].vtab, message);
    if (!rc) rc = find_hashes(states, &what, message);
    what.from = states->tree[0];
    what.to = states->tree[1];
    return rc ? rc : open_diff(cursor, values[DIFFERENCES_OF_PREFIX], &what, message);
}

const struct art_table_function art_differences_function = {
    .name = "art_differences",
    .declaration = "CREATE TABLE x(path TEXT, change TEXT, old_version INTEGER, version INTEGER, "
                   "\"table\" HIDDEN, other HIDDEN, prefix HIDDEN, \"from\" HIDDEN, \"to\" HIDDEN)",
    .argument = DIFF_TABLE,
    .needed = DIFFERENCES_OF_PREFIX,
    .most = DIFFERENCES_ARGUMENTS,
    .example = "SELECT * FROM art_differences('main.objects', 'other.objects')",
    .cursor_bytes = sizeof(struct diff_cursor),
    .clear = clear_diff,
    .begin_with = begin_differences,
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
    unsigned item;     /* `sums`: of the summary */
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
    int rc = take_bytes(values[GROWTH_OF_DELIMITER], &what->delimiter);
    if (rc) return rc;
    if (!what->delimiter.len) {
        return art_complain(message, SQLITE_ERROR,
                            "art: art_growth needs a delimiter (of no bytes here): name what ends a level, as '/'");
    }
    what->depth = 1;
    if (!depth || sqlite3_value_type(depth) == SQLITE_NULL) return SQLITE_OK;
    sqlite3_int64 levels = sqlite3_value_numeric_type(depth) == SQLITE_INTEGER ? sqlite3_value_int64(depth) : 0;
    const char *text = (const char *)sqlite3_value_text(depth);
    if (!text) return SQLITE_NOMEM;
    if (levels < 1 && sqlite3_stricmp(text, "all")) {
        return art_complain(message, SQLITE_ERROR,
                            "art: the depth of art_growth is a number of levels from 1 on, or 'all' ('%s' here): 1 is "
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
    if (!rc) rc = hold_states(base, text, NULL, &values[GROWTH_OF_FROM], states, message);
    if (!rc) rc = take_prefix(states, values[GROWTH_OF_PREFIX], &what.prefix, message);
    if (!rc) rc = read_column(states->of[0].vtab, values[GROWTH_OF_COLUMN], &what.sum, &cursor->hashes, message);
    if (rc || is_null(values[GROWTH_OF_PREFIX])) return rc;
    cursor->sums = what.sum >= 0;
    cursor->item = cursor->sums ? (unsigned)what.sum : 0;
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

/* Are the name's sums those that SQLite would give, in the states that `which` has a bit for? */
static int check_growth_sums(const struct growth_cursor *cursor, unsigned which, char **message) {
    const struct states *states = &cursor->states;
    const struct art_bytes path = cursor->grown.path;
    struct art_range range = {.low = path, .high = path, .low_set = true, .high_set = true};
    struct art_buffer room = {0};
    int rc = art_buffer_reserve(&room, path.len) ? SQLITE_NOMEM : SQLITE_OK;
    if (!rc && !cursor->grown.whole) art_range_of_prefix(path, room.data, &range);
    for (int i = 0; !rc && i < 2; i++) {
        if (which >> i & 1) rc = art_sum_check(states->of[0].vtab, states->tree[i], &range, cursor->item, message);
    }
    art_buffer_clear(&room);
    return rc;
}

/* Of hashes modulo 2^64. `which`: as of check_growth_sums(). */
static void show_sum(const struct growth_cursor *cursor, sqlite3_context *context, art_int128 sum, unsigned which) {
    char *message = NULL;
    int rc = cursor->hashes ? SQLITE_OK : check_growth_sums(cursor, which, &message);
    if (rc) {
        if (message) sqlite3_result_error(context, message, -1);
        sqlite3_result_error_code(context, rc);
        sqlite3_free(message);
    } else if (cursor->hashes) {
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
        if (cursor->sums) show_sum(cursor, context, grown->old_sum, 1);
        break;
    case GROWTH_TOTAL:
        if (cursor->sums) show_sum(cursor, context, grown->sum, 2);
        break;
    case GROWTH_GROWTH:
        show_sum(cursor, context,
                 cursor->sums ? art_subtract128(grown->sum, grown->old_sum)
                              : (art_int128)grown->rows - (art_int128)grown->old_rows,
                 cursor->sums ? 3 : 0);
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
