/* The handles that were used lately. Only those keep what a use can make again: a closed scan, the record that was
 * written, the prepared statements of their tables, and what a tree holds for its next call (some 50 KB in all, and
 * more behind a walk). A connection may have thousands of tables, and mostly uses few.
 *
 * A table that is at work when its turn has come keeps it: until its transaction ends (txn/transaction.c), else until
 * it was used and its turn comes once more.
 */
#include "core/base/limits.h"
#include "ext/access/access.h"

void art_vtab_trim(struct art_vtab *vtab) {
    art_buffer_clear(&vtab->record);
    art_buffer_clear(&vtab->key);
    if (vtab->reading) vtab->reading->trim(vtab->reading);
}

static void fall_asleep(struct art_vtab *vtab) {
    assert(vtab->awake);
    struct art_table *table = vtab->table;
    vtab->awake = false;
    if (vtab->pins) return;
    art_vtab_trim(vtab);
    if (table) art_table_trim(table);
}

void art_vtab_wake(struct art_vtab *vtab) {
    assert(!vtab->awake); /* SQLite may have let go of it: a function that still goes on uses it, too */
    struct art_connection *connection = vtab->connection;
    if (connection->stepping) return;
    struct art_vtab **place = &connection->awake[connection->awake_turn++ % ART_LIMIT(awake)];
    if (*place) fall_asleep(*place);
    *place = vtab;
    vtab->awake = true;
    if (vtab->table) vtab->table->trim_later = false;
}

void art_vtab_forget_awake(struct art_vtab *vtab) {
    struct art_connection *connection = vtab->connection;
    for (unsigned i = 0; vtab->awake && i < ART_LIMIT(awake); i++) {
        if (connection->awake[i] == vtab) connection->awake[i] = NULL;
    }
}
