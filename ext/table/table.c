/* Tables that this process has open: counted objects of a connection, told apart by the database's sqlite3_file, its
 * file name and the id in T_artstate (a copied database has the same id, and one file may be attached twice).
 */
#include "ext/table/table.h"

#include "core/base/hash.h"
#include "core/tree/place.h"
#include "ext/columns/columns.h"

#include <assert.h>

/* A summary that the tree was given, and may go back to as long as it is there. */
struct art_given_summary {
    struct art_given_summary *next;
    struct art_summarised summarised;
    struct art_summary core;
};

void art_table_set_name(struct art_table *table, struct art_name *name) {
    assert(name && name->references);
    if (table->name == name) return;
    art_shadow_finalize(table);
    art_name_hold(name);
    art_name_release(table->name);
    table->name = name;
}

/* Those that are read are closed when they are not any more. */
static void close_snapshot_trees(struct art_table *table) {
    if (table->snapshot_trees) table->snapshot_trees->trim(table->snapshot_trees);
}

void art_table_free(struct art_table *table) {
    assert(!table->vtabs && !table->scans && !table->owner);
    close_snapshot_trees(table);
    art_free(table->snapshot_trees);
    art_shadow_finalize(table);
    for (unsigned i = 0; i < table->saved_count; i++) art_name_release(table->saved[i].name);
    art_snapshots_forget_made(table, 0);
    art_free(table->made);
    art_free(table->saved);
    art_name_release(table->begin.name);
    art_name_release(table->name);
    art_tree_close(table->tree);
    art_extract_free(table);
    for (struct art_given_summary *given = table->summaries, *next; given; given = next) {
        next = given->next;
        art_free(given);
    }
    art_free(table->database);
    art_free(table->path);
    art_free(table->writers_need);
    art_free(table->journal);
    art_free(table);
}

/* Not under a statement that runs: it may be at work on this table. The next handle that goes asks
 * again. */
void art_table_free_if_unused(struct art_table *table) {
    struct art_connection *connection = table->connection;
    if (table->vtabs) return;
    assert(!table->scans);                                 /* they are of handles */
    if (!connection->stepping) art_shadow_finalize(table); /* else sqlite3_close() would find them */
    /* A failed sync is remembered as long as the connection lives: SQLite lets go of a handle whenever it reads the
     * schema anew, which is no reopening. */
    bool remembers = table->sync_failed || art_tree_poisoned(table->tree);
    bool stays = connection->stepping || table->owner || (remembers && table->exists && connection->references);
    connection->left_over |= stays;
    if (stays) return;
    art_connection_remove_table(table);
    art_table_free(table);
}

/* What one without a handle remembers goes with its database. */
void art_tables_free_unused(struct art_connection *connection) {
    if (!connection->left_over) return;
    connection->left_over = false;
    for (unsigned chain = 0; chain < ART_TABLE_CHAINS; chain++) {
        for (struct art_table *table = connection->tables[chain], *next; table; table = next) {
            next = table->next;
            bool held = table->vtabs || table->owner;
            if (!held && art_database_file(connection->db, table->name->schema) != table->file) table->exists = false;
            art_table_free_if_unused(table);
        }
    }
}

void art_table_trim(struct art_table *table) {
    table->trim_later = table->owner != NULL;
    if (table->owner || table->connection->stepping) return;
    assert(!art_tree_dirty(table->tree));
    art_shadow_finalize(table);
    close_snapshot_trees(table);
    art_extract_forget(table);
    art_tree_trim(table->tree);
}

enum art_rc art_table_set_file(struct art_table *table, const char *file) {
    char *path = NULL;
    enum art_rc rc = file ? art_path_beside(table->database, file, &path) : ART_OK;
    if (rc) return rc;
    assert(!path == !file); /* art_storage_use() has seen a folder */
    struct art_tree_location location = {.path = path, .host_path = table->database};
    rc = table->tree ? art_tree_use_location(table->tree, &location) : ART_OK;
    art_free(rc ? path : table->path);
    if (rc) return rc;
    table->path = path;
    close_snapshot_trees(table);
    return ART_OK;
}

enum art_rc art_file_rename(struct art_table *table, unsigned attempt) {
    char *file = art_file_name(table->database, table->name->table, table->uuid, attempt);
    enum art_rc rc = file ? art_table_set_file(table, file) : art_nomem();
    sqlite3_free(file);
    return rc;
}

void art_settings_use(struct art_table *table, const struct art_settings *settings) {
    table->settings = *settings;
    art_tree_set_limits(table->tree, settings->cache_bytes, settings->log_limit, settings->spill_limit);
}

/* --- open scans, which are told when the table changes under them ------------------------------------------------- */

void art_scans_enter(struct art_open_scan *scan) {
    struct art_table *table = ((struct art_vtab *)scan->base.pVtab)->table;
    assert(table && scan->methods);
    if (scan->link) return;
    scan->next = table->scans;
    scan->link = &table->scans;
    if (scan->next) scan->next->link = &scan->next;
    table->scans = scan;
}

void art_scans_leave(struct art_open_scan *scan) {
    if (!scan->link) return;
    assert(*scan->link == scan);
    *scan->link = scan->next;
    if (scan->next) scan->next->link = scan->link;
    scan->link = NULL;
}

void art_scans_catch_up(struct art_table *table) {
    for (struct art_open_scan *scan = table->scans; scan; scan = scan->next) scan->methods->catch_up(scan);
}

void art_scans_abandon(struct art_table *table, const struct art_vtab *of) {
    for (struct art_open_scan *scan = table->scans, *next; scan; scan = next) {
        bool is_of = !of || scan->base.pVtab == &of->base;
        next = scan->next;
        if (is_of) scan->methods->abandon(scan);
        assert(!is_of || !scan->link);
    }
}

/* --- summaries ---------------------------------------------------------------------------------------------------- */

const struct art_summarised *art_table_summarised(const struct art_table *table) {
    static const struct art_summarised none;
    const struct art_summary *summary = art_tree_summarised(table->tree);
    return summary ? summary->context : &none;
}

enum art_rc art_row_hash(struct art_tree *tree, struct art_bytes path, const struct art_row *row,
                         enum art_measure measure, int64_t *out) {
    struct art_stored record = row->stored;
    struct art_bytes whole;
    uint8_t *owned = NULL;
    if (row->overflows) {
        enum art_rc rc = art_row_value(tree, row, &whole, &owned);
        if (rc) return rc;
        record = art_stored_of(whole);
    }
    uint64_t hash = art_stored_hash(&record);
    art_free(owned);
    if (measure == ART_MEASURE_HASH) hash = art_hash64_seeded(path.data, path.len, hash);
    *out = (int64_t)hash;
    return ART_OK;
}

int art_table_give_summary(struct art_table *table, const struct art_summarised *summarised,
                           const struct art_summary **out) {
    assert(summarised->count <= ART_SUMMARY_MAX && summarised->sums <= summarised->count);
    struct art_given_summary *given = table->summaries;
    *out = NULL;
    if (art_summary_is_empty(summarised)) return SQLITE_OK;
    while (given && !art_summaries_equal(&given->summarised, summarised)) given = given->next;
    if (!given) {
        given = art_alloc_zeroed(sizeof *given);
        if (!given) return SQLITE_NOMEM;
        given->summarised = *summarised;
        given->core = art_summary_for_core(&given->summarised);
        given->next = table->summaries;
        table->summaries = given;
    }
    *out = &given->core;
    return SQLITE_OK;
}
