/* The columns of an art table: what CREATE VIRTUAL TABLE ... USING art(path, size INTEGER, ...) declares. */
#include "ext/ext.h"

static const char *const hidden_declarations[] = {"prefix HIDDEN", "delimiter HIDDEN", "entries INTEGER HIDDEN",
                                                  "version INTEGER HIDDEN"};

static char *copy_text(const char *text) {
    size_t n = strlen(text) + 1;
    char *copy = art_alloc(n);
    if (copy) memcpy(copy, text, n);
    return copy;
}

int art_columns_default(struct art_columns *columns) {
    *columns = (struct art_columns){art_alloc_zeroed(2 * sizeof *columns->items), 2};
    if (!columns->items) return SQLITE_NOMEM;
    columns->items[0] = (struct art_column){copy_text("path"), copy_text("TEXT"), NULL, ART_AFFINITY_TEXT, true};
    columns->items[1] = (struct art_column){copy_text("value"), copy_text(""), NULL, ART_AFFINITY_BLOB, false};
    for (unsigned i = 0; i < 2; i++) {
        if (!columns->items[i].name || !columns->items[i].type) return SQLITE_NOMEM;
    }
    return SQLITE_OK;
}

void art_columns_clear(struct art_columns *columns) {
    for (unsigned i = 0; columns->items && i < columns->count; i++) {
        art_free(columns->items[i].name);
        art_free(columns->items[i].type);
        art_free(columns->items[i].collation);
    }
    art_free(columns->items);
    *columns = (struct art_columns){0};
}

static bool has_column(const struct art_columns *columns, const char *name) {
    bool found = !sqlite3_stricmp(name, "prefix") || !sqlite3_stricmp(name, "delimiter") ||
                 !sqlite3_stricmp(name, "entries") || !sqlite3_stricmp(name, "version");
    for (unsigned i = 0; i < columns->count; i++) found |= !sqlite3_stricmp(name, columns->items[i].name);
    return found;
}

/* A table that is called like one of its columns takes no commands. */
int art_columns_declare(const struct art_columns *columns, sqlite3 *db, const char *table) {
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_str_appendall(sql, "CREATE TABLE x(");
    for (unsigned i = 0; i < columns->count; i++) {
        const struct art_column *column = &columns->items[i];
        sqlite3_str_appendf(sql, "\"%w\" %s%s", column->name, column->type, column->not_null ? " NOT NULL" : "");
        if (column->collation) sqlite3_str_appendf(sql, " COLLATE \"%w\"", column->collation);
        sqlite3_str_appendall(sql, i == ART_COLUMN_KEY ? " PRIMARY KEY, " : ", ");
    }
    for (size_t i = 0; i < sizeof hidden_declarations / sizeof *hidden_declarations; i++) {
        sqlite3_str_appendf(sql, "%s%s", i ? ", " : "", hidden_declarations[i]);
    }
    if (!has_column(columns, table)) sqlite3_str_appendf(sql, ", \"%w\" HIDDEN", table);
    sqlite3_str_appendall(sql, ") WITHOUT ROWID");
    char *text = sqlite3_str_finish(sql);
    int rc = text ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;
    sqlite3_free(text);
    return rc;
}
