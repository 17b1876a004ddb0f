/* SQLite's handles of a table: made by xCreate and xConnect, freed by xDisconnect and xDestroy, and pinned by functions
 * of ours, of which SQLite knows nothing. What table_ref.c keeps for a name ends with its handle, so it is freed here.
 */
#include "ext/access/access.h"

void art_table_ref_free(struct art_table_ref *ref) {
    struct art_table_ref **link = &ref->connection->table_refs;
    assert(!ref->held && !ref->pins);
    while (*link != ref) link = &(*link)->next;
    *link = ref->next;
    sqlite3_finalize(ref->snapshot);
    art_free(ref);
}

/* The names that were found to be the handle's. What is being stepped is left to who steps it. */
static void forget_refs(const struct art_vtab *vtab) {
    for (struct art_table_ref *ref = vtab->connection->table_refs, *next; ref; ref = next) {
        next = ref->next;
        if (ref->vtab != vtab) continue;
        ref->once = true;
        if (ref->pins) continue;
        ref->vtab = NULL;
        if (!ref->held) art_table_ref_free(ref);
    }
}

void art_vtab_free(struct art_vtab *vtab) {
    assert(!vtab->owned && !vtab->pins);
    forget_refs(vtab);
    art_vtab_forget_awake(vtab);
    art_vtab_detach(vtab);
    art_tables_free_unused(vtab->connection);
    *vtab->link = vtab->next;
    if (vtab->next) vtab->next->link = vtab->link;
    if (!vtab->connection->vtabs) art_connection_forget_statements(vtab->connection);
    art_vtab_trim(vtab);
    art_free(vtab->reading);
    art_savepoints_free(&vtab->savepoints);
    art_free(vtab->fields);
    art_free(vtab->summary);
    art_free(vtab->changed_summary);
    art_columns_clear(&vtab->columns);
    art_name_release(vtab->name);
    art_connection_release(vtab->connection);
    sqlite3_free(vtab->base.zErrMsg); /* of a callback whose message SQLite does not fetch */
    art_free(vtab);
}

int art_vtab_new(sqlite3 *db, const char *const *argv, struct art_vtab **out) {
    struct art_vtab *vtab = art_alloc_zeroed(sizeof *vtab);
    if (!vtab) return SQLITE_NOMEM;
    vtab->connection = art_connection_hold(db); /* the module holds it, too: no memory is needed */
    vtab->next = vtab->connection->vtabs;
    vtab->link = &vtab->connection->vtabs;
    if (vtab->next) vtab->next->link = &vtab->next;
    vtab->connection->vtabs = vtab;
    art_savepoints_begin(&vtab->savepoints);
    art_settings_default(&vtab->settings);
    vtab->name = art_name_new(argv[1], argv[2]);
    if (!vtab->name) {
        art_vtab_free(vtab);
        return SQLITE_NOMEM;
    }
    *out = vtab;
    return SQLITE_OK;
}

int art_vtab_disconnect(sqlite3_vtab *base) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    assert(!vtab->disconnected && !vtab->begun);
    vtab->disconnected = true;
    if (vtab->pins) {
        forget_refs(vtab);
    } else {
        art_vtab_free(vtab);
    }
    return SQLITE_OK;
}

void art_vtab_pin(struct art_vtab *vtab) {
    assert(!vtab->disconnected);
    vtab->pins++;
}

void art_vtab_unpin(struct art_vtab *vtab) {
    assert(vtab->pins);
    vtab->pins--;
    if (vtab->disconnected && !vtab->pins) art_vtab_free(vtab);
}
