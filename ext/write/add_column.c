/* The command 'add column': a column that holds NULL in the rows that are there.
 */
#include "ext/schema/schema.h"
#include "ext/write/write.h"

/* Else the table could not even be opened. */
static int check_collation(sqlite3 *db, const char *table, const struct art_column *column, char **message) {
    assert(column->collation);
    sqlite3_stmt *comparison;
    int rc = art_prepare(db, 0, &comparison, sqlite3_mprintf("SELECT '' < '' COLLATE \"%w\"", column->collation));
    sqlite3_finalize(comparison);
    if (!rc || rc == SQLITE_NOMEM) return rc;
    return art_complain(message, SQLITE_ERROR, "art: %s (%s.%s): register it, or leave COLLATE out", sqlite3_errmsg(db),
                        table, column->name);
}

static int check_added(const struct art_vtab *vtab, const struct art_columns *columns, char **message) {
    assert(columns->count > 1);
    const char *table = vtab->name->table;
    const struct art_column *added = &columns->items[columns->count - 1];
    if (added->not_null) {
        return art_complain(message, SQLITE_ERROR,
                            "art: an added column is NULL in the rows that are there (%s.%s): leave NOT NULL out",
                            table, added->name);
    }
    struct art_columns others = *columns, alone = {.items = &columns->items[columns->count - 1], .count = 1};
    others.count--;
    if (art_columns_hide(&others, added->name)) {
        return art_complain(message, SQLITE_ERROR, "art: %s is a hidden column's name (%s.%s): take another name",
                            added->name, table, added->name);
    }
    int aside = art_columns_check_names(&alone, table, message);
    if (aside) return aside;
    if (!sqlite3_stricmp(added->name, table)) {
        return art_complain(message, SQLITE_ERROR,
                            "art: the column for commands is called like the table (%s.%s): take another name", table,
                            added->name);
    }
    int rc = art_columns_check_count(columns, vtab->connection->db, table, message);
    return rc || !added->collation ? rc : check_collation(vtab->connection->db, table, added, message);
}

int art_columns_present(const struct art_vtab *vtab, struct art_columns *out, char **message) {
    assert(vtab->created && vtab->created <= vtab->columns.count);
    struct art_columns created = vtab->columns;
    created.count = vtab->created;
    bool sound; /* or the table would not be attached */
    int rc = art_columns_copy(out, vtab->name->table, &created, message);
    out->hashes = vtab->columns.hashes;
    out->called = vtab->columns.called;
    return rc ? rc : art_shadow_changes(vtab->connection->db, vtab->name, out, &sound, NULL);
}

int art_columns_add(struct art_vtab *vtab, const char *definition) {
    assert(vtab->table->owner);
    char **message = &vtab->base.zErrMsg;
    struct art_columns columns;
    int rc = art_columns_present(vtab, &columns, message);
    if (!rc) rc = art_columns_append(&columns, vtab->name->table, definition, message);
    if (!rc) rc = check_added(vtab, &columns, message);
    if (!rc) rc = art_shadow_add_column(vtab->connection->db, vtab->table->name, definition, message);
    if (!rc) vtab->table->columns = columns.count;
    art_columns_clear(&columns);
    return rc;
}
