/* Read-only tables whose rows are made when they are asked for: art_info, art_debug, art_check and art_lost,
 * table-valued functions of a table's name, and art_diff, art_growth and art_differences, of more than that.
 * art_salvage and art_txn are CREATEd, and share the cursor.
 *
 *     xFilter    clear(), begin() with the argument, next()
 *     xNext      next(), which says by cursor->valid whether there is a row; without it there are cursor->rows
 *     rowid      rows are counted from 0
 */
#include "ext/table/table_function.h"

static int function_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                            char **message) {
    (void)argc;
    (void)argv;
    (void)message;
    const struct art_table_function *function = context;
    int rc = sqlite3_declare_vtab(db, function->declaration);
    if (!rc && function->only_for_people) rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc) return rc;
    struct art_function_vtab *vtab = art_alloc_zeroed(sizeof *vtab);
    if (!vtab) return SQLITE_NOMEM;
    vtab->connection = art_connection_hold(db);
    vtab->function = function;
    *out = &vtab->base;
    return SQLITE_OK;
}

static int function_disconnect(sqlite3_vtab *base) {
    art_connection_release(((struct art_function_vtab *)base)->connection);
    sqlite3_free(base->zErrMsg);
    art_free(base);
    return SQLITE_OK;
}

/* Without a name it is told when it comes to that: SQLite also asks what a part of an OR would cost alone. */
static int function_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const struct art_table_function *function = ((struct art_function_vtab *)base)->function;
    int most = function->most ? function->most : 1, taken[ART_FUNCTION_ARGUMENTS], count = 0;
    assert(most <= ART_FUNCTION_ARGUMENTS);
    memset(taken, -1, sizeof taken);
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        int number = constraint->iColumn - function->argument;
        bool none = constraint->op == SQLITE_INDEX_CONSTRAINT_ISNULL && number > 0; /* as if it were not given */
        if (number < 0 || number >= most || (constraint->op != SQLITE_INDEX_CONSTRAINT_EQ && !none)) continue;
        if (!constraint->usable) return SQLITE_CONSTRAINT;
        if (taken[number] < 0) taken[number] = i;
    }
    for (; count < most && taken[count] >= 0; count++) { /* one behind a gap is none: SQLite compares NULL with it */
        info->aConstraintUsage[taken[count]].argvIndex = count + 1;
        info->aConstraintUsage[taken[count]].omit = 1;
    }
    info->idxNum = (int)(info->colUsed & INT32_MAX);
    info->estimatedCost = count ? 1000 : 1e50;
    if (count) info->estimatedRows = 30;
    return SQLITE_OK;
}

/* --- the cursor --------------------------------------------------------------------------------------------------- */

static const struct art_table_function *function_of(const sqlite3_vtab_cursor *base) {
    return ((const struct art_function_vtab *)base->pVtab)->function;
}

int art_function_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    assert(((struct art_function_vtab *)base)->function->cursor_bytes >= sizeof(struct art_function_cursor));
    struct art_function_cursor *cursor = art_alloc_zeroed(((struct art_function_vtab *)base)->function->cursor_bytes);
    if (!cursor) return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

int art_function_close(sqlite3_vtab_cursor *base) {
    const struct art_table_function *function = function_of(base);
    if (function->clear) function->clear((struct art_function_cursor *)base);
    art_free(base);
    return SQLITE_OK;
}

int art_function_next(sqlite3_vtab_cursor *base) {
    struct art_function_cursor *cursor = (struct art_function_cursor *)base;
    const struct art_table_function *function = function_of(base);
    cursor->row++;
    cursor->valid = !function->next && cursor->row <= cursor->rows;
    return function->next ? function->next(cursor, &base->pVtab->zErrMsg) : SQLITE_OK;
}

int art_function_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    (void)words;
    struct art_function_cursor *cursor = (struct art_function_cursor *)base;
    const struct art_table_function *function = function_of(base);
    char **message = &base->pVtab->zErrMsg;
    const char *text = NULL;
    if (function->clear) function->clear(cursor);
    cursor->row = cursor->rows = 0;
    cursor->wanted = (unsigned)plan;
    cursor->valid = false;
    if (argc < function->needed) {
        return art_complain(message, SQLITE_ERROR, "art: %s needs more arguments: %s", function->name,
                            function->example);
    }
    if (function->name && !argc) {
        return art_complain(message, SQLITE_ERROR, "art: %s needs a table's name: SELECT * FROM %s('objects')",
                            function->name, function->name);
    }
    if (function->name) {
        if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return SQLITE_OK;
        text = (const char *)sqlite3_value_text(argv[0]);
        if (!text) return SQLITE_NOMEM;
    }
    int rc = function->begin ? function->begin(cursor, text, message) : SQLITE_OK;
    if (function->begin_with) {
        sqlite3_value *values[ART_FUNCTION_ARGUMENTS] = {NULL};
        for (int i = 0; i < argc; i++) values[i] = argv[i];
        rc = function->begin_with(cursor, text, values, message);
    }
    return rc ? rc : art_function_next(base);
}

int art_function_eof(sqlite3_vtab_cursor *base) {
    return !((struct art_function_cursor *)base)->valid;
}

/* SQLite reads an argument that no = gives it, or whose name is meant for an alias or for a column of a table around
 * this one. It would be NULL. */
static int refuse_to_show(const sqlite3_vtab_cursor *base) {
    const char *name = function_of(base)->name;
    return art_complain(&base->pVtab->zErrMsg, SQLITE_ERROR,
                        "art: an argument of %s is read, which has no value here (%s): write x.name for another "
                        "table's column of its name, rename an alias, or give the argument in parentheses",
                        name, name);
}

int art_function_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    assert(((struct art_function_cursor *)base)->valid && column >= 0);
    const struct art_table_function *function = function_of(base);
    if (function->name && column >= function->argument) return refuse_to_show(base);
    if (function->column) function->column((struct art_function_cursor *)base, context, column);
    return SQLITE_OK;
}

int art_function_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    assert(((struct art_function_cursor *)base)->row > 0);
    *rowid = ((struct art_function_cursor *)base)->row - 1;
    return SQLITE_OK;
}

const sqlite3_module art_function_module = {
    .xConnect = function_connect,
    .xBestIndex = function_best_index,
    .xDisconnect = function_disconnect,
    .xDestroy = function_disconnect,
    ART_FUNCTION_CURSOR,
};
