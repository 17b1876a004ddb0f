/* art_lost('objects') or art_lost('/x/app.db-objects-1a2b3c4d.art') as a table: what art_salvage cannot show.
 *
 *     after   | before  | what                                                    | place | slot | page
 *     k/17    | k/31    | rows may be missing: the page's hash is not that of ... | ...   | 7    | 12
 *     NULL    | NULL    | the changes of version 31 are lost                      | the log
 *
 * Keys strictly between `after` and `before` (NULL: from the first, to the last) may be missing, or be shown in an
 * older state. It reads all that art_salvage reads; a row comes as soon as it is known. */
#include "ext/admin/salvage.h"

enum { LOST_AFTER, LOST_BEFORE, LOST_WHAT, LOST_PLACE, LOST_SLOT, LOST_PAGE, LOST_TABLE };

struct lost_vtab {
    sqlite3_vtab base;
    struct art_connection *connection;
};

struct lost_cursor {
    sqlite3_vtab_cursor base;
    struct art_salvage_target target;
    struct art_remains remains;
    struct art_lost lost;
    bool valid;
    sqlite3_int64 row;
};

static int lost_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                        char **message) {
    (void)context;
    (void)argc;
    (void)argv;
    (void)message;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(after TEXT, before TEXT, what TEXT, place TEXT, slot INTEGER, "
                                      "page INTEGER, \"table\" HIDDEN)");
    if (!rc) rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc) return rc;
    struct lost_vtab *vtab = art_alloc_zeroed(sizeof *vtab);
    if (!vtab) return SQLITE_NOMEM;
    vtab->connection = art_connection_hold(db);
    *out = &vtab->base;
    return SQLITE_OK;
}

static int lost_disconnect(sqlite3_vtab *base) {
    art_connection_release(((struct lost_vtab *)base)->connection);
    sqlite3_free(base->zErrMsg);
    art_free(base);
    return SQLITE_OK;
}

static int lost_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    (void)base;
    return art_best_index_of_name(info, LOST_TABLE);
}

static int lost_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    (void)base;
    struct lost_cursor *cursor = art_alloc_zeroed(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void clear_lost(struct lost_cursor *cursor) {
    art_remains_clear(&cursor->remains);
    art_salvage_target_clear(&cursor->target);
    cursor->valid = false;
    cursor->row = 0;
}

static int lost_close(sqlite3_vtab_cursor *base) {
    clear_lost((struct lost_cursor *)base);
    art_free(base);
    return SQLITE_OK;
}

static int find_target(struct art_connection *connection, const char *text, struct art_salvage_target *out,
                       char **message) {
    bool found;
    int rc = art_salvage_target_table(connection, text, out, NULL, &found, message);
    if (rc || found) return rc;
    return art_salvage_is_path(text) ? art_salvage_target_file(text, out, message)
                                     : art_table_ref_unknown(text, message);
}

static int lost_next(sqlite3_vtab_cursor *base) {
    struct lost_cursor *cursor = (struct lost_cursor *)base;
    struct art_salvage *salvage = cursor->remains.salvage;
    bool more = true;
    cursor->row++;
    for (;;) {
        cursor->valid = art_salvage_lost(salvage, &cursor->lost);
        if (cursor->valid || !more) return SQLITE_OK;
        int rc = art_report(&base->pVtab->zErrMsg, art_salvage_next(salvage));
        if (rc) return rc;
        more = art_salvage_valid(salvage);
    }
}

static int lost_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    (void)plan;
    (void)words;
    struct lost_cursor *cursor = (struct lost_cursor *)base;
    struct art_connection *connection = ((struct lost_vtab *)base->pVtab)->connection;
    char **message = &base->pVtab->zErrMsg;
    clear_lost(cursor);
    if (!argc) {
        return art_complain(message, SQLITE_ERROR,
                            "art: art_lost needs a table's name: SELECT * FROM art_lost('objects')");
    }
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return SQLITE_OK;
    const char *text = (const char *)sqlite3_value_text(argv[0]);
    if (!text) return SQLITE_NOMEM;
    int rc = find_target(connection, text, &cursor->target, message);
    if (!rc) rc = art_remains_open(&cursor->remains, connection, &cursor->target, true, message);
    return rc ? rc : lost_next(base);
}

static int lost_eof(sqlite3_vtab_cursor *base) {
    return !((struct lost_cursor *)base)->valid;
}

static void result_key(sqlite3_context *context, bool set, struct art_bytes key) {
    if (set) art_result_text(context, key.data, key.len);
}

static void result_place(sqlite3_context *context, uint32_t number) {
    if (number != ART_NOWHERE) sqlite3_result_int64(context, number);
}

static int lost_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    const struct art_lost *lost = &((struct lost_cursor *)base)->lost;
    if (column == LOST_AFTER) result_key(context, lost->after_set, lost->after);
    if (column == LOST_BEFORE) result_key(context, lost->before_set, lost->before);
    if (column == LOST_WHAT) sqlite3_result_text(context, lost->what, -1, SQLITE_TRANSIENT);
    if (column == LOST_PLACE && lost->place) sqlite3_result_text(context, lost->place, -1, SQLITE_TRANSIENT);
    if (column == LOST_SLOT) result_place(context, lost->slot);
    if (column == LOST_PAGE) result_place(context, lost->page);
    return SQLITE_OK;
}

static int lost_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = ((struct lost_cursor *)base)->row;
    return SQLITE_OK;
}

const sqlite3_module art_lost_module = {
    .xConnect = lost_connect,
    .xBestIndex = lost_best_index,
    .xDisconnect = lost_disconnect,
    .xDestroy = lost_disconnect,
    .xOpen = lost_open,
    .xClose = lost_close,
    .xFilter = lost_filter,
    .xNext = lost_next,
    .xEof = lost_eof,
    .xColumn = lost_column,
    .xRowid = lost_rowid,
};
