/* art_lost('objects'), art_lost('objects', 'monday') of a snapshot, or art_lost('/x/app.db-objects-1a2b3c4d.art') as a
 * table: what art_salvage cannot show.
 *
 *     after   | before  | problem                                                 | place | slot | page
 *     k/17    | k/31    | rows may be missing: the page's hash is not that of ... | ...   | 7    | 12
 *     NULL    | NULL    | the changes of version 31 are lost                      | the log
 *
 * Keys strictly between `after` and `before` (NULL: from the first, to the last) may be missing, or be shown in an
 * older state. They have the type of the table's key; of a file alone, that of the bytes. It reads all that art_salvage
 * reads; a row comes as soon as it is known. */
#include "ext/admin/salvage.h"

enum { LOST_AFTER, LOST_BEFORE, LOST_PROBLEM, LOST_PLACE, LOST_SLOT, LOST_PAGE, LOST_TABLE };
enum { LOST_ARGUMENTS = 2 };

struct lost_cursor {
    struct art_function_cursor base;
    struct art_salvage_target target;
    struct art_remains remains;
    struct art_lost lost;
};

static void clear_lost(struct art_function_cursor *base) {
    struct lost_cursor *cursor = (struct lost_cursor *)base;
    art_remains_clear(&cursor->remains);
    art_salvage_target_clear(&cursor->target);
}

static int next_lost(struct art_function_cursor *base, char **message) {
    assert(((struct lost_cursor *)base)->remains.salvage);
    struct lost_cursor *cursor = (struct lost_cursor *)base;
    struct art_salvage *salvage = cursor->remains.salvage;
    bool more = true;
    for (;;) {
        base->valid = art_salvage_lost(salvage, &cursor->lost);
        if (base->valid || !more) return SQLITE_OK;
        int rc = art_report(message, art_salvage_next(salvage));
        if (rc) return rc;
        more = art_salvage_valid(salvage);
    }
}

static int begin_lost(struct art_function_cursor *base, const char *text,
                      sqlite3_value *const values[ART_FUNCTION_ARGUMENTS], char **message) {
    struct lost_cursor *cursor = (struct lost_cursor *)base;
    struct art_connection *connection = ((struct art_function_vtab *)base->base.pVtab)->connection;
    const char *snapshot = values[1] ? (const char *)sqlite3_value_text(values[1]) : NULL;
    int rc = art_salvage_target_table(connection, text, &cursor->target, NULL, message);
    if (!rc && !cursor->target.table) { /* a file alone knows no snapshots */
        rc = art_salvage_is_path(text) && !snapshot ? art_salvage_target_file(text, &cursor->target, message)
                                                    : art_table_ref_unknown(text, message);
    }
    if (!rc && snapshot) {
        cursor->target.snapshot = sqlite3_mprintf("%s", snapshot);
        if (!cursor->target.snapshot) return SQLITE_NOMEM;
    }
    return rc ? rc : art_remains_open(&cursor->remains, connection, &cursor->target, true, message);
}

static void result_key(sqlite3_context *context, const struct lost_cursor *cursor, struct art_bytes key) {
    bool is_text = art_text_is_sound(key) && (!key.len || !memchr(key.data, 0, key.len));
    art_result_key(context, cursor->target.table ? cursor->target.has_blob_keys : !is_text, key);
}

static void result_problem(sqlite3_context *context, const char *what) {
    char *sound = sqlite3_mprintf("%s", what);
    art_make_sound(sound);
    if (sound)
        sqlite3_result_text(context, sound, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

static void show_lost(struct art_function_cursor *base, sqlite3_context *context, int column) {
    const struct lost_cursor *cursor = (struct lost_cursor *)base;
    const struct art_lost *lost = &cursor->lost;
    if (column == LOST_AFTER && lost->after_set) result_key(context, cursor, lost->after);
    if (column == LOST_BEFORE && lost->before_set) result_key(context, cursor, lost->before);
    if (column == LOST_PROBLEM) result_problem(context, lost->what);
    if (column == LOST_PLACE && lost->place) sqlite3_result_text(context, lost->place, -1, SQLITE_TRANSIENT);
    if (column == LOST_SLOT) art_result_number(context, lost->slot);
    if (column == LOST_PAGE) art_result_number(context, lost->page);
}

const struct art_table_function art_lost_function = {
    .name = "art_lost",
    .declaration = "CREATE TABLE x(after TEXT, before TEXT, problem TEXT, place TEXT, slot INTEGER, page INTEGER, "
                   "\"table\" HIDDEN, snapshot HIDDEN)",
    .argument = LOST_TABLE,
    .most = LOST_ARGUMENTS,
    .only_for_people = true,
    .cursor_bytes = sizeof(struct lost_cursor),
    .clear = clear_lost,
    .begin_with = begin_lost,
    .next = next_lost,
    .column = show_lost,
};
