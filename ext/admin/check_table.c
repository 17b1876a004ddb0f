/* art_check('objects') as a table: a row for each thing that is wrong, none when all is well.
 *
 *     SELECT * FROM art_check('objects');      problem                                 | place         | slot | page
 *                                              the page's hash is not that of ...      | /x/d.db-...   | 7    | 12
 *                                              row 31 does not follow the row before   | the log       |      |
 *
 * All rows are of one snapshot (table_ref.c) and made at once; there are at most ART_FINDINGS_MAX, the last of which
 * says so when there are more.
 */
#include "ext/admin/admin.h"

enum { COLUMN_PROBLEM, COLUMN_PLACE, COLUMN_SLOT, COLUMN_PAGE, COLUMN_TABLE };

struct check_vtab {
    sqlite3_vtab base;
    struct art_connection *connection;
};

struct check_cursor {
    sqlite3_vtab_cursor base;
    struct art_findings findings;
    unsigned at;
};

/* It reads for minutes: only for people, as the function. */
static int check_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                         char **message) {
    (void)context;
    (void)argc;
    (void)argv;
    (void)message;
    int rc = sqlite3_declare_vtab(
        db, "CREATE TABLE x(problem TEXT, place TEXT, slot INTEGER, page INTEGER, \"table\" HIDDEN)");
    if (!rc) rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc) return rc;
    struct check_vtab *vtab = art_alloc_zeroed(sizeof *vtab);
    if (!vtab) return SQLITE_NOMEM;
    vtab->connection = art_connection_hold(db);
    *out = &vtab->base;
    return SQLITE_OK;
}

static int check_disconnect(sqlite3_vtab *base) {
    art_connection_release(((struct check_vtab *)base)->connection);
    sqlite3_free(base->zErrMsg);
    art_free(base);
    return SQLITE_OK;
}

static int check_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    (void)base;
    return art_best_index_of_name(info, COLUMN_TABLE);
}

static int check_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    (void)base;
    struct check_cursor *cursor = art_alloc_zeroed(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int check_close(sqlite3_vtab_cursor *base) {
    art_findings_clear(&((struct check_cursor *)base)->findings);
    art_free(base);
    return SQLITE_OK;
}

static int check_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    (void)plan;
    (void)words;
    struct check_cursor *cursor = (struct check_cursor *)base;
    char **message = &base->pVtab->zErrMsg;
    art_findings_clear(&cursor->findings);
    cursor->findings = (struct art_findings){.most = ART_FINDINGS_MAX};
    cursor->at = 0;
    if (!argc) {
        return art_complain(message, SQLITE_ERROR,
                            "art: art_check needs a table's name: SELECT * FROM art_check('objects')");
    }
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return SQLITE_OK;
    const char *name = (const char *)sqlite3_value_text(argv[0]);
    if (!name) return SQLITE_NOMEM;
    return art_check_named(((struct check_vtab *)base->pVtab)->connection, name, &cursor->findings, message);
}

static int check_next(sqlite3_vtab_cursor *base) {
    ((struct check_cursor *)base)->at++;
    return SQLITE_OK;
}

static int check_eof(sqlite3_vtab_cursor *base) {
    return ((struct check_cursor *)base)->at >= ((struct check_cursor *)base)->findings.count;
}

static void result_number(sqlite3_context *context, uint32_t number) {
    if (number != ART_NOWHERE) sqlite3_result_int64(context, number);
}

static int check_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    const struct check_cursor *cursor = (struct check_cursor *)base;
    const struct art_finding *finding = &cursor->findings.items[cursor->at];
    if (column == COLUMN_PROBLEM) sqlite3_result_text(context, finding->what, -1, SQLITE_TRANSIENT);
    if (column == COLUMN_PLACE) sqlite3_result_text(context, finding->place, -1, SQLITE_TRANSIENT);
    if (column == COLUMN_SLOT) result_number(context, finding->slot);
    if (column == COLUMN_PAGE) result_number(context, finding->page);
    return SQLITE_OK;
}

static int check_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = ((struct check_cursor *)base)->at;
    return SQLITE_OK;
}

const sqlite3_module art_check_module = {
    .xConnect = check_connect,
    .xBestIndex = check_best_index,
    .xDisconnect = check_disconnect,
    .xDestroy = check_disconnect,
    .xOpen = check_open,
    .xClose = check_close,
    .xFilter = check_filter,
    .xNext = check_next,
    .xEof = check_eof,
    .xColumn = check_column,
    .xRowid = check_rowid,
};
