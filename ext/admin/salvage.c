/* What is left of a damaged table, as a table.
 *
 *     CREATE VIRTUAL TABLE temp.saved USING art_salvage('objects');
 *     CREATE VIRTUAL TABLE temp.saved USING art_salvage('objects', snapshot='monday');
 *     CREATE VIRTUAL TABLE temp.saved USING art_salvage(file='/x/app.db-objects-1a2b3c4d.art', key, size INTEGER);
 *     INSERT INTO rescued SELECT * FROM saved;
 *
 * Each scan opens what is left anew (salvage_source.c), and reads it from the first key to the last. The columns are
 * those of the table as its CREATE says, or the ones that are given; `row_version` is hidden, as in any art table. Only
 * in temp: a schema that somebody has sent could else name any file. */
#include "ext/admin/salvage.h"
#include "ext/base/token.h"

struct salvage_vtab {
    struct art_function_vtab base;
    struct art_salvage_target target;
    struct art_columns columns;
    char *name, *table; /* table: the one to be saved, as CREATE names it */
};

struct salvage_cursor {
    struct art_function_cursor base;
    struct art_remains remains;
    struct art_record_reader reader;
};

static const struct art_table_function salvage_scan;

/* --- arguments ---------------------------------------------------------------------------------------------------- */

/* An argument's text, without the quotes where it stands in some; art_free() it. */
static char *argument_text(const char *argument) {
    struct art_token token = art_token_at(argument), end = art_token_at(token.at + token.len);
    struct art_text text = art_text_trimmed(argument, argument + strlen(argument));
    if (token.kind != ART_TOKEN_QUOTED || end.kind != ART_TOKEN_END)
        token = (struct art_token){.kind = ART_TOKEN_WORD, .at = text.at, .len = (size_t)text.len};
    return art_token_text(&token);
}

/* file='...': the value; NULL: it is another argument. */
static const char *option_value(const char *argument, const char *option) {
    struct art_token name = art_token_at(argument);
    return art_definition_is_option(argument, option) ? art_token_at(name.at + name.len).at + 1 : NULL;
}

static int take_file(struct salvage_vtab *vtab, int argc, const char *const *argv, char **message) {
    const char *value = option_value(argv[0], "file");
    assert(argc && value);
    char *path = argument_text(value);
    int rc = path ? art_definition_check_options(vtab->name, argc, argv, message) : SQLITE_NOMEM;
    if (!rc) rc = art_salvage_target_file(path, &vtab->target, message);
    art_free(path);
    for (int i = 1; !rc && i < argc; i++) {
        if (art_definition_is_option(argv[i], "key"))
            rc = art_columns_begin_keys(&vtab->columns, vtab->name, argv[i], message);
    }
    for (int i = 1; !rc && i < argc; i++) {
        if (!art_definition_is_option(argv[i], "key"))
            rc = art_columns_append(&vtab->columns, vtab->name, argv[i], message);
    }
    if (!rc) rc = art_columns_end_keys(&vtab->columns, vtab->name, message);
    if (!rc && !vtab->columns.count) rc = art_columns_default(&vtab->columns);
    return rc;
}

static int take_snapshot_name(struct salvage_vtab *vtab, const char *value) {
    char *name = argument_text(value);
    vtab->target.snapshot = name ? sqlite3_mprintf("%s", name) : NULL;
    art_free(name);
    return vtab->target.snapshot ? SQLITE_OK : SQLITE_NOMEM;
}

static int take_table(struct salvage_vtab *vtab, int argc, const char *const *argv, char **message) {
    const char *snapshot = argc == 2 ? option_value(argv[1], "snapshot") : NULL;
    if (argc > 1 && !snapshot) {
        return art_complain(message, SQLITE_ERROR,
                            "art: the columns are those of the table (%s): give its name alone, or snapshot='...' "
                            "behind it",
                            vtab->name);
    }
    vtab->table = argument_text(argv[0]);
    if (!vtab->table) return SQLITE_NOMEM;
    int rc = art_salvage_target_table(vtab->base.connection, vtab->table, &vtab->target, &vtab->columns, message);
    if (!rc && !vtab->target.table) rc = art_table_ref_unknown(vtab->table, message);
    return rc || !snapshot ? rc : take_snapshot_name(vtab, snapshot);
}

static int take_target(struct salvage_vtab *vtab, int argc, const char *const *argv, char **message) {
    if (!argc || art_definition_is_blank(argv[0])) {
        return art_complain(message, SQLITE_ERROR,
                            "art: art_salvage needs a table's name, or file='...' (%s): USING art_salvage('objects')",
                            vtab->name);
    }
    if (option_value(argv[0], "file")) return take_file(vtab, argc, argv, message);
    return take_table(vtab, argc, argv, message);
}

/* --- handles ------------------------------------------------------------------------------------------------------ */

static char *salvage_declaration(const struct art_columns *columns, bool collations) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "CREATE TABLE x(");
    for (unsigned i = 0; i < columns->count; i++) {
        const struct art_column *column = &columns->items[i];
        bool is_hidden = !i && columns->keys;
        sqlite3_str_appendf(sql, "\"%w\" %s%s", column->name, art_columns_declared_type(columns, i),
                            is_hidden ? " HIDDEN" : "");
        if (column->collation && collations) sqlite3_str_appendf(sql, " COLLATE \"%w\"", column->collation);
        sqlite3_str_appendall(sql, ", ");
    }
    sqlite3_str_appendf(sql, "%s INTEGER HIDDEN)", art_columns_hidden_name(columns, ART_HIDDEN_VERSION));
    return sqlite3_str_finish(sql);
}

/* A collation that nobody has registered is no reason to keep the rows back. */
static int declare_salvage(const struct salvage_vtab *vtab, sqlite3 *db) {
    assert(vtab->columns.count);
    int rc = SQLITE_ERROR;
    for (int collations = 1; rc && rc != SQLITE_NOMEM && collations >= 0; collations--) {
        char *sql = salvage_declaration(&vtab->columns, collations);
        rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
        sqlite3_free(sql);
    }
    return rc ? rc : sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
}

static void salvage_free(struct salvage_vtab *vtab) {
    if (vtab->base.connection) art_connection_release(vtab->base.connection);
    art_salvage_target_clear(&vtab->target);
    art_columns_clear(&vtab->columns);
    sqlite3_free(vtab->base.base.zErrMsg);
    sqlite3_free(vtab->name);
    art_free(vtab->table);
    art_free(vtab);
}

static int connect_as(sqlite3 *db, bool created, int argc, const char *const *argv, sqlite3_vtab **out,
                      char **message) {
    struct salvage_vtab *vtab = art_alloc_zeroed(sizeof *vtab);
    if (!vtab) return SQLITE_NOMEM;
    vtab->base.connection = art_connection_hold(db);
    vtab->name = sqlite3_mprintf("%s", argv[2]);
    int rc = vtab->base.connection && vtab->name ? SQLITE_OK : SQLITE_NOMEM;
    if (!rc && sqlite3_stricmp(argv[1], "temp")) {
        rc = art_complain(message, SQLITE_ERROR,
                          "art: a table of art_salvage is made in temp (%s.%s): CREATE VIRTUAL TABLE temp.%s ...",
                          argv[1], argv[2], argv[2]);
    }
    if (!rc) rc = take_target(vtab, argc - 3, argv + 3, message);
    if (rc == SQLITE_ERROR && !created && vtab->table &&
        !vtab->target.table) { /* no such table: this one must be there to be dropped */
        art_forget_message(message);
        rc = art_columns_default(&vtab->columns);
    }
    if (!rc) rc = declare_salvage(vtab, db);
    if (rc) {
        salvage_free(vtab);
        return rc;
    }
    vtab->base.function = &salvage_scan;
    *out = &vtab->base.base;
    return SQLITE_OK;
}

static int salvage_create(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                          char **message) {
    (void)context;
    return connect_as(db, true, argc, argv, out, message);
}

static int salvage_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                           char **message) {
    (void)context;
    return connect_as(db, false, argc, argv, out, message);
}

static int salvage_disconnect(sqlite3_vtab *base) {
    salvage_free((struct salvage_vtab *)base);
    return SQLITE_OK;
}

/* --- scans -------------------------------------------------------------------------------------------------------- */

static int salvage_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    (void)base;
    info->estimatedCost = 1e6;
    info->estimatedRows = 1000000;
    info->orderByConsumed =
        info->nOrderBy == 1 && info->aOrderBy[0].iColumn == ART_COLUMN_KEY && !info->aOrderBy[0].desc;
    return SQLITE_OK;
}

static void clear_remains(struct art_function_cursor *base) {
    art_remains_clear(&((struct salvage_cursor *)base)->remains);
}

static int next_remaining(struct art_function_cursor *base, char **message) {
    assert(((struct salvage_cursor *)base)->remains.salvage);
    struct salvage_cursor *cursor = (struct salvage_cursor *)base;
    struct art_salvage *salvage = cursor->remains.salvage;
    int rc = art_report(message, art_salvage_next(salvage));
    base->valid = !rc && art_salvage_valid(salvage);
    if (base->valid) art_record_reader_set(&cursor->reader, art_stored_of(art_salvage_value(salvage)));
    return rc;
}

static int begin_remaining(struct art_function_cursor *base, const char *text, char **message) {
    (void)text;
    struct salvage_vtab *vtab = (struct salvage_vtab *)base->base.pVtab;
    if (vtab->table && !vtab->target.table) return art_table_ref_unknown(vtab->table, message);
    return art_remains_open(&((struct salvage_cursor *)base)->remains, vtab->base.connection, &vtab->target, false,
                            message);
}

/* A record that nobody of ours has made has no value to show. */
static void show_remaining(struct art_function_cursor *base, sqlite3_context *context, int column) {
    assert(column >= 0 && column <= (int)((struct salvage_vtab *)base->base.pVtab)->columns.count);
    struct salvage_cursor *cursor = (struct salvage_cursor *)base;
    const struct salvage_vtab *vtab = (struct salvage_vtab *)base->base.pVtab;
    const struct art_salvage *salvage = cursor->remains.salvage;
    if (column == ART_COLUMN_KEY) {
        art_result_key(context, art_columns_keys_are_blobs(&vtab->columns), art_salvage_key(salvage));
    } else if (column < (int)vtab->columns.count && vtab->columns.items[column].place) {
        struct art_bytes key = art_salvage_key(salvage);
        struct art_key_passed none = {0};
        if (!art_result_of_key(context, &vtab->columns, vtab->columns.items[column].place, key, &none))
            sqlite3_result_null(context);
    } else if (column == (int)vtab->columns.count) {
        sqlite3_result_int64(context, (sqlite3_int64)art_salvage_version(salvage));
    } else if (art_record_reader_result(&cursor->reader, context, (unsigned)column - 1, NULL)) {
        sqlite3_result_null(context);
    }
}

static const struct art_table_function salvage_scan = {
    .cursor_bytes = sizeof(struct salvage_cursor),
    .clear = clear_remains,
    .begin = begin_remaining,
    .next = next_remaining,
    .column = show_remaining,
};

const sqlite3_module art_salvage_module = {
    .xCreate = salvage_create,
    .xConnect = salvage_connect,
    .xBestIndex = salvage_best_index,
    .xDisconnect = salvage_disconnect,
    .xDestroy = salvage_disconnect,
    ART_FUNCTION_CURSOR,
};
