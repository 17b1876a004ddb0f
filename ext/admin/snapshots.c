/* art_snapshots('objects'): a table-valued function that lists a table's snapshots, one a row, in the order of their
 * names.
 *
 *     name      by which it is read
 *     version   the last one that it shows: SELECT ... WHERE version > ... gives what was written since
 *     made      when, in UTC, as datetime() writes it
 *     entries   its rows
 *     bytes     of the blobs that only this one holds: no other snapshot, nor the table. So many become free at most
 *               when it is dropped
 *
 * One that the running transaction makes has a name and no more. All rows are of one state (table_ref.c) and made at
 * once.
 *
 * What several hold is known when all sets of slots were seen: `once` is what any set has, `twice` what a second one
 * has, too. The table's own set is the first.
 */
#include "core/tree/history.h"
#include "ext/admin/admin.h"

enum { SNAPSHOTS_NAME, SNAPSHOTS_VERSION, SNAPSHOTS_MADE, SNAPSHOTS_ENTRIES, SNAPSHOTS_BYTES, SNAPSHOTS_TABLE };

struct listed {
    struct art_buffer name, slots;
    bool committed; /* all else is known */
    uint64_t version, time, entries, bytes;
};

struct snapshots_cursor {
    struct art_function_cursor base;
    struct listed *items;
    unsigned count, capacity;
    struct art_buffer once, twice; /* sets of slots */
};

static void clear_snapshots(struct art_function_cursor *base) {
    struct snapshots_cursor *cursor = (struct snapshots_cursor *)base;
    for (unsigned i = 0; i < cursor->count; i++) {
        art_buffer_clear(&cursor->items[i].name);
        art_buffer_clear(&cursor->items[i].slots);
    }
    art_free(cursor->items);
    art_buffer_clear(&cursor->once);
    art_buffer_clear(&cursor->twice);
    cursor->items = NULL;
    cursor->count = cursor->capacity = 0;
}

/* --- what only one holds ------------------------------------------------------------------------------------------ */

static enum art_rc add_set(struct snapshots_cursor *cursor, struct art_bytes set) {
    struct art_buffer first = {0}, again = {0};
    enum art_rc rc = art_slots_without(set, art_buffer_bytes(&cursor->once), &first);
    if (!rc) rc = art_slots_without(set, art_buffer_bytes(&first), &again);
    if (!rc) rc = art_slots_unite(&cursor->twice, art_buffer_bytes(&again));
    if (!rc) rc = art_slots_unite(&cursor->once, set);
    art_buffer_clear(&first);
    art_buffer_clear(&again);
    return rc;
}

static enum art_rc add_table(struct snapshots_cursor *cursor, struct art_tree *tree) {
    struct art_buffer slots = {0};
    enum art_rc rc = art_tree_slots(tree, &slots);
    if (!rc) rc = add_set(cursor, art_buffer_bytes(&slots));
    art_buffer_clear(&slots);
    return rc;
}

/* --- making the rows ---------------------------------------------------------------------------------------------- */

static int add_snapshot(void *context, struct art_bytes name, const struct art_snapshot_row *row, char **message) {
    struct snapshots_cursor *cursor = context;
    if (art_grow(&cursor->items, &cursor->capacity, cursor->count + 1, sizeof *cursor->items)) return SQLITE_NOMEM;
    struct listed *item = &cursor->items[cursor->count++];
    *item = (struct listed){.committed = row->root.len, .version = row->csn, .time = row->time};
    enum art_rc rc = art_buffer_append(&item->name, name.data, name.len);
    if (!rc) rc = art_buffer_append(&item->slots, row->slots.data, row->slots.len);
    return art_report(message, rc ? rc : add_set(cursor, row->slots));
}

/* What its tree tells. */
static int describe_snapshot(const struct snapshots_cursor *cursor, struct art_table *table, struct listed *item,
                             char **message) {
    struct art_snapshot_tree *snapshot;
    struct art_buffer own = {0};
    if (!item->committed) return SQLITE_OK;
    int rc = art_snapshot_tree_hold(table, art_buffer_bytes(&item->name), &snapshot, message);
    if (rc) return rc;
    enum art_rc art_rc = art_slots_without(art_buffer_bytes(&item->slots), art_buffer_bytes(&cursor->twice), &own);
    if (!art_rc) art_rc = art_tree_count(snapshot->tree, &(struct art_range){0}, &item->entries);
    if (!art_rc) art_rc = art_tree_bytes_of_slots(snapshot->tree, art_buffer_bytes(&own), &item->bytes);
    rc = art_report(message, art_rc);
    art_snapshot_tree_release(snapshot);
    art_buffer_clear(&own);
    return rc;
}

static int begin_snapshots(struct art_function_cursor *base, const char *text, char **message) {
    struct snapshots_cursor *cursor = (struct snapshots_cursor *)base;
    struct art_connection *connection = ((struct art_function_vtab *)base->base.pVtab)->connection;
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(connection, text, &ref, message);
    if (rc) return rc;
    rc = art_table_ref_ready(ref->vtab, message);
    struct art_table *table = ref->vtab->table;
    if (!rc) rc = art_report(message, add_table(cursor, table->tree));
    if (!rc) rc = art_snapshots_each(table, add_snapshot, cursor, message);
    for (unsigned i = 0; !rc && i < cursor->count; i++) {
        rc = describe_snapshot(cursor, table, &cursor->items[i], message);
        if (!rc && art_interrupted(connection)) rc = art_report_interrupt(message);
    }
    art_table_ref_release(ref);
    base->rows = cursor->count;
    return rc;
}

/* --- showing them ------------------------------------------------------------------------------------------------- */

/* As datetime() of a time behind 1970. Years are counted from a March, so that a leap day is the last one; 400 of them
 * have as many days each time. (Hinnant, chrono-Compatible Low-Level Date Algorithms: civil_from_days) */
static void show_time(sqlite3_context *context, uint64_t milliseconds) {
    enum { DAYS_OF_400_YEARS = 146097, DAYS_BEFORE_1970 = 719468 }; /* since March of the year 0 */
    uint64_t seconds = milliseconds / 1000, days = seconds / 86400 + DAYS_BEFORE_1970;
    unsigned of_day = (unsigned)(seconds % 86400), day = (unsigned)(days % DAYS_OF_400_YEARS);
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    unsigned month = (5 * day + 2) / 153; /* March is 0 */
    day -= (153 * month + 2) / 5;
    uint64_t shown_year = days / DAYS_OF_400_YEARS * 400 + year + (month >= 10);
    unsigned shown_month = month < 10 ? month + 3 : month - 9;
    char *text = sqlite3_mprintf("%04llu-%02u-%02u %02u:%02u:%02u", (unsigned long long)shown_year, shown_month,
                                 day + 1, of_day / 3600, of_day / 60 % 60, of_day % 60);
    if (text) {
        sqlite3_result_text(context, text, -1, sqlite3_free);
    } else {
        sqlite3_result_error_nomem(context);
    }
}

static void show_listed_snapshot(struct art_function_cursor *base, sqlite3_context *context, int column) {
    assert(base->row >= 1 && base->row <= ((struct snapshots_cursor *)base)->count);
    const struct listed *item = &((struct snapshots_cursor *)base)->items[base->row - 1];
    if (column == SNAPSHOTS_NAME) art_result_text(context, item->name.data, item->name.len);
    if (!item->committed) return;
    if (column == SNAPSHOTS_VERSION) sqlite3_result_int64(context, (sqlite3_int64)item->version);
    if (column == SNAPSHOTS_MADE) show_time(context, item->time);
    if (column == SNAPSHOTS_ENTRIES) sqlite3_result_int64(context, (sqlite3_int64)item->entries);
    if (column == SNAPSHOTS_BYTES) sqlite3_result_int64(context, (sqlite3_int64)item->bytes);
}

const struct art_table_function art_snapshots_function = {
    .name = "art_snapshots",
    .declaration = "CREATE TABLE x(name TEXT, version INTEGER, made TEXT, entries INTEGER, bytes INTEGER, "
                   "\"table\" HIDDEN)",
    .argument = SNAPSHOTS_TABLE,
    .cursor_bytes = sizeof(struct snapshots_cursor),
    .clear = clear_snapshots,
    .begin = begin_snapshots,
    .column = show_listed_snapshot,
};
