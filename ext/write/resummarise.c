/* The command 'summary=(...)': another summary for a table that has rows.
 *
 *     1. the tree writes all rows anew, under a root of the transaction's own     core/tree/txn/resummarise.c
 *     2. T_artstate gets a column that is called like the summary                  ext/schema/shadow.c
 *
 * Snapshots keep the summary that they were made with, and a tree knows one: so there may be none.
 *
 * SQLite then reads the schema anew, in every connection, and a handle that is made knows the new summary. So it does
 * when this is taken back, and the tree goes back by itself. If the second step fails the first one is taken back here:
 * SQLite does so only for statements of more than one row.
 */
#include "core/tree/write_rows.h"
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

enum { SHOWN_SNAPSHOTS = 10 };

/* What was seen of the snapshots. */
struct named_snapshots {
    sqlite3_str *names;
    unsigned count;
};

static int add_name(void *context, struct art_bytes name, const struct art_snapshot_row *row, char **message) {
    struct named_snapshots *named = context;
    (void)row, (void)message;
    if (named->count++ < SHOWN_SNAPSHOTS)
        sqlite3_str_appendf(named->names, "%s'%.*s'", named->count > 1 ? ", " : "", (int)name.len,
                            (const char *)name.data);
    return SQLITE_OK;
}

static int refuse_for_snapshots(struct art_vtab *vtab) {
    char **message = &vtab->base.zErrMsg;
    struct named_snapshots named = {sqlite3_str_new(vtab->connection->db), 0};
    int rc = art_snapshots_each(vtab->table, add_name, &named, message);
    if (named.count > SHOWN_SNAPSHOTS) sqlite3_str_appendf(named.names, " and %u more", named.count - SHOWN_SNAPSHOTS);
    char *names = sqlite3_str_finish(named.names);
    if (!rc && named.count && !names) rc = SQLITE_NOMEM;
    if (!rc && named.count) {
        rc = art_complain(message, SQLITE_ERROR,
                          "art: snapshots keep the summary that they were made with (%s): drop %s first, and "
                          "snapshot anew",
                          vtab->name->table, names);
    }
    sqlite3_free(names);
    return rc;
}

int art_summary_change(struct art_vtab *vtab, const char *option) {
    char **message = &vtab->base.zErrMsg;
    struct art_columns columns;
    struct art_summarised wanted = {0};
    char *list = NULL;
    int rc = art_columns_present(vtab, &columns, message);
    if (!rc) rc = art_summary_parse(option, &columns, vtab->name->table, &wanted, message);
    if (!rc) rc = art_summary_check_sums(&wanted, &columns, vtab->name->table, message);
    columns.hashes = wanted.hashes;
    if (!rc) rc = art_columns_check_count(&columns, vtab->connection->db, vtab->name->table, message);
    bool same = !rc && art_summaries_mean_the_same(&wanted, art_table_summarised(vtab->table));
    if (!rc && !same) rc = refuse_for_snapshots(vtab);
    if (!rc && !same) {
        list = art_summary_show(&wanted, &columns); /* NULL for none, too */
        rc = list || art_summary_is_empty(&wanted) ? change(vtab, &wanted, list) : SQLITE_NOMEM;
    }
    sqlite3_free(list);
    art_columns_clear(&columns);
    return rc;
}
