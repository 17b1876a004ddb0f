/* Is a database older than its .art file? The file has copies of the last roots (core/store/root_copy.h), and each was
 * written when its commit was over. So where a copy is newer than the database's root, commits are gone that were
 * acknowledged, or the two files are of different times. All that is there verifies: no check of pages can tell.
 *
 *     begin      before a snapshot is taken
 *     look       while one is held: a copy that is newer may only be another connection's latest commit
 *     end        under a snapshot that is taken after that: a root that is older now has gone back
 *
 * A power loss with synchronous=NORMAL leaves the same, and nothing in the files tells the two apart: the finding names
 * both. With blobs in rows there is no second place that remembers a root.
 */
#include "ext/admin/admin.h"

void art_behind_begin(struct art_behind *behind, struct art_connection *connection) {
    *behind = (struct art_behind){.connection = connection};
    behind->can_tell = sqlite3_txn_state(connection->db, NULL) == SQLITE_TXN_NONE;
}

void art_behind_clear(struct art_behind *behind) {
    for (unsigned i = 0; i < behind->count; i++) sqlite3_free(behind->items[i].table);
    art_free(behind->items);
    sqlite3_free(behind->schema);
    *behind = (struct art_behind){0};
}

/* Takes the mark. */
static int add_suspect(struct art_behind *behind, const struct art_table *table, const struct art_root_mark *mark) {
    assert(behind->can_tell);
    struct art_suspect suspect = {.mark = *mark};
    if (art_grow(&behind->items, &behind->capacity, behind->count + 1, sizeof *behind->items)) return SQLITE_NOMEM;
    if (!behind->schema) behind->schema = sqlite3_mprintf("%s", table->name->schema);
    suspect.table = behind->schema ? sqlite3_mprintf("%s", table->name->table) : NULL;
    if (!suspect.table) return SQLITE_NOMEM;
    memcpy(suspect.uuid, table->uuid, sizeof suspect.uuid);
    behind->items[behind->count++] = suspect;
    return SQLITE_OK;
}

int art_behind_look(struct art_behind *behind, const struct art_vtab *vtab, char **message) {
    struct art_root_mark mark;
    if (!behind->can_tell || !vtab->table) return SQLITE_OK;
    int rc = art_report(message, art_tree_file_mark(vtab->table->tree, &mark));
    if (rc || !art_tree_is_behind(vtab->table->tree, &mark)) return rc;
    return add_suspect(behind, vtab->table, &mark);
}

/* Who was dropped or renamed meanwhile is not behind, nor is another table that has the name now. */
static int look_again(struct art_behind *behind, const struct art_suspect *suspect, art_behind_found *found,
                      void *context, char **message) {
    struct art_vtab *vtab;
    char *sentence = NULL;
    int rc = art_table_open(behind->connection, behind->schema, suspect->table, &vtab, message);
    if (rc == SQLITE_ERROR) art_forget_message(message);
    if (rc) return rc == SQLITE_ERROR ? SQLITE_OK : rc;
    rc = art_table_ref_ready(vtab, message);
    const struct art_table *table = vtab->table;
    bool other = !rc && memcmp(table->uuid, suspect->uuid, sizeof table->uuid) != 0;
    bool together = !rc && art_tree_medium(table->tree)->goes_with_host; /* by now */
    if (!rc && !other && !together && art_tree_is_behind(table->tree, &suspect->mark)) {
        uint64_t csn = art_tree_csn(table->tree), commits = suspect->mark.csn > csn ? suspect->mark.csn - csn : 1;
        art_complain(&sentence, SQLITE_CORRUPT_VTAB,
                     "art: %s.%s: the database is %llu commit%s behind its .art file (%s): nothing is damaged, but the "
                     "two are not of one backup, or SQLite has lost commits: restore both from one backup, or keep "
                     "what is there by 'adopt'",
                     table->name->schema, table->name->table, (unsigned long long)commits, commits == 1 ? "" : "s",
                     table->path);
        rc = found(context, sentence);
    }
    art_vtab_unpin(vtab);
    return rc;
}

int art_behind_end(struct art_behind *behind, art_behind_found *found, void *context, char **message) {
    sqlite3_stmt *snapshot = NULL;
    if (!behind->count) return SQLITE_OK;
    assert(behind->schema && behind->count <= behind->capacity);
    int rc = art_snapshot_hold(behind->connection->db, behind->schema, &snapshot, message);
    for (unsigned i = 0; !rc && i < behind->count; i++) {
        rc = look_again(behind, &behind->items[i], found, context, message);
    }
    sqlite3_finalize(snapshot);
    return rc;
}
