/* The command 'summary=(...)': another summary for a table that has rows.
 *
 *     1. the tree writes all rows anew, under a root of the transaction's own     core/tree/txn/resummarise.c
 *     2. T_artstate gets a column that is called like the summary                  ext/schema/shadow.c
 *
 * SQLite then reads the schema anew, in every connection, and a handle that is made knows the new summary. So it does
 * when this is taken back, and the tree goes back by itself. If the second step fails the first one is taken back here:
 * SQLite does so only for statements of more than one row.
 */
#include "ext/write/write.h"

/* SQLite may have ended the whole transaction. */
static int write_schema(struct art_vtab *vtab, uint32_t before, const char *list) {
    assert(vtab->table->owner && before != ART_SAVEPOINT_BEGIN);
    struct art_table *table = vtab->table;
    int rc = art_shadow_set_summary(vtab->connection->db, table->name, list, &vtab->base.zErrMsg);
    if (!table->owner) return rc ? rc : SQLITE_ABORT_ROLLBACK;
    if (rc) art_tree_rollback_to(table->tree, before);
    if (rc && art_tree_unknown(table->tree)) table->fresh = ART_FRESH_UNKNOWN;
    art_tree_release_savepoints(table->tree, before);
    return rc;
}

static int change(struct art_vtab *vtab, const struct art_summarised *wanted, const char *list) {
    struct art_table *table = vtab->table;
    char **message = &vtab->base.zErrMsg;
    const struct art_summary *summary;
    uint32_t before;
    assert(table->owner && !art_tree_unknown(table->tree));
    int rc = art_table_give_summary(table, wanted, &summary);
    if (!rc) rc = art_report(message, art_tree_savepoint(table->tree, &before));
    if (rc) return rc;
    rc = art_report(message, art_tree_resummarise(table->tree, summary));
    if (rc) {
        art_tree_release_savepoints(table->tree, before);
        return rc;
    }
    return write_schema(vtab, before, list);
}

int art_summary_change(struct art_vtab *vtab, const char *option) {
    char **message = &vtab->base.zErrMsg;
    struct art_columns columns;
    struct art_summarised wanted = {0};
    char *list = NULL;
    int rc = art_columns_present(vtab, &columns, message);
    if (!rc) rc = art_summary_parse(option, &columns, vtab->name->table, &wanted, message);
    bool same = !rc && art_summaries_equal(&wanted, art_table_summarised(vtab->table));
    if (!rc && !same) {
        list = art_summary_show(&wanted, &columns); /* NULL for none, too */
        rc = list || art_summary_is_empty(&wanted) ? change(vtab, &wanted, list) : SQLITE_NOMEM;
    }
    sqlite3_free(list);
    art_columns_clear(&columns);
    return rc;
}
