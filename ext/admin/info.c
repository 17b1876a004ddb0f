/* art_info('objects'): a table-valued function that says what an art table is like, a property a row.
 *
 *     SELECT * FROM art_info('objects');                                    property | value
 *     SELECT value FROM art_info('main.objects') WHERE property = 'keys';
 *
 * All rows are of one snapshot (table_ref.c) and made at once.
 */
#include "ext/admin/admin.h"

enum { INFO_PROPERTY, INFO_VALUE, INFO_TABLE };
enum fact_kind { FACT_INTEGER, FACT_REAL, FACT_TEXT };

struct fact {
    char *property; /* sqlite3_free() */
    enum fact_kind kind;
    sqlite3_int64 integer;
    double real;
    char *text; /* sqlite3_free() */
};

struct info_vtab {
    sqlite3_vtab base;
    struct art_connection *connection;
};

struct info_cursor {
    sqlite3_vtab_cursor base;
    struct fact *facts;
    unsigned count, capacity, at;
    bool nomem;
    struct fact lost; /* what there was no memory for */
};

static void clear(struct info_cursor *cursor) {
    for (unsigned i = 0; i < cursor->count; i++) {
        sqlite3_free(cursor->facts[i].property);
        sqlite3_free(cursor->facts[i].text);
    }
    art_free(cursor->facts);
    cursor->facts = NULL;
    cursor->count = cursor->capacity = cursor->at = 0;
    cursor->nomem = false;
}

static struct fact *add_fact(struct info_cursor *cursor, enum fact_kind kind, char *property) {
    if (cursor->count == cursor->capacity) {
        unsigned capacity = cursor->capacity * 2 + 40;
        struct fact *facts = art_resize(cursor->facts, capacity * sizeof *facts);
        cursor->nomem |= !facts;
        if (facts) {
            cursor->facts = facts;
            cursor->capacity = capacity;
        }
    }
    if (!property || cursor->count == cursor->capacity) {
        cursor->nomem = true;
        sqlite3_free(property);
        return &cursor->lost;
    }
    cursor->facts[cursor->count] = (struct fact){.property = property, .kind = kind};
    return &cursor->facts[cursor->count++];
}

static void add_integer(struct info_cursor *cursor, const char *property, uint64_t value) {
    add_fact(cursor, FACT_INTEGER, sqlite3_mprintf("%s", property))->integer = (sqlite3_int64)value;
}

static void add_text(struct info_cursor *cursor, const char *property, const char *value) {
    struct fact *fact = add_fact(cursor, FACT_TEXT, sqlite3_mprintf("%s", property));
    if (cursor->nomem || !value) return;
    fact->text = sqlite3_mprintf("%s", value);
    cursor->nomem = !fact->text;
}

static void add_run(struct info_cursor *cursor, const struct art_tree_info *info, unsigned i) {
    struct fact *fact = add_fact(cursor, FACT_TEXT, sqlite3_mprintf("run %u", i + 1));
    if (cursor->nomem) return;
    fact->text = sqlite3_mprintf("level %u: %llu entries in %llu blobs, %llu bytes", info->run[i].level,
                                 info->run[i].entries, info->run[i].blobs, info->run[i].bytes);
    cursor->nomem = !fact->text;
}

static void add_all(struct info_cursor *cursor, const struct art_table *table, const struct art_tree_info *info) {
    add_integer(cursor, "keys", info->keys);
    add_integer(cursor, "version", info->csn);
    add_integer(cursor, "bytes", info->blob_bytes);
    add_integer(cursor, "blobs", info->blobs);
    add_fact(cursor, FACT_REAL, sqlite3_mprintf("fill"))->real = info->fill;
    add_integer(cursor, "runs", info->runs);
    for (unsigned i = 0; i < info->runs; i++) add_run(cursor, info, i);
    add_integer(cursor, "memtable keys", info->memtable_keys);
    add_integer(cursor, "memtable bytes", info->memtable_bytes);
    add_integer(cursor, "log rows", info->log_rows);
    add_integer(cursor, "log bytes", info->log_bytes);
    add_integer(cursor, "generation", info->generation);
    add_integer(cursor, "retired slots", info->retired_slots);
    add_integer(cursor, "free slots", info->free_slots);
    add_integer(cursor, "cache bytes", info->cache_bytes);
    add_integer(cursor, "cache limit", info->cache_limit);
    add_integer(cursor, "cache hits", info->cache_hits);
    add_integer(cursor, "cache misses", info->cache_misses);
    add_integer(cursor, "pages read", info->pages_read);
    add_integer(cursor, "pages written", info->pages_written);
    add_integer(cursor, "syncs", info->syncs);
    add_integer(cursor, "stale pages", info->stale);
    add_integer(cursor, "ring failures", info->ring_failures);
    add_integer(cursor, "gaps passed", info->gaps);
    add_text(cursor, "io", info->engine);
    add_text(cursor, "direct", !info->direct ? "no" : info->cached ? "writes" : "yes");
    add_text(cursor, "file", table->path);
    add_integer(cursor, "file bytes", info->file_bytes);
}

/* Takes the text. */
static void add_owned(struct info_cursor *cursor, char *property, char *text) {
    struct fact *fact = add_fact(cursor, FACT_TEXT, property);
    cursor->nomem |= !text;
    if (cursor->nomem) {
        sqlite3_free(text);
    } else {
        fact->text = text;
    }
}

/* As they are stored; another connection may have changed them since this one has opened the table. */
static void add_options(struct info_cursor *cursor, const struct art_settings *stored,
                        const struct art_settings *used) {
    const char *key;
    char *text, *here;
    for (unsigned i = 0; art_settings_show(stored, i, &key, &text); i++) {
        art_settings_show(used, i, &key, &here);
        bool differs = text && here && strcmp(text, here) != 0;
        add_owned(cursor, sqlite3_mprintf("option %s", key), text);
        if (differs) {
            add_owned(cursor, sqlite3_mprintf("option %s here", key), here);
        } else {
            sqlite3_free(here);
        }
    }
}

static void add_requests(struct info_cursor *cursor, const struct art_table *table) {
    static const struct {
        unsigned request;
        const char *name;
    } requests[] = {{ART_REQUEST_FLUSH, "flush"},
                    {ART_REQUEST_OPTIMIZE, "optimize"},
                    {ART_REQUEST_VACUUM, "vacuum"},
                    {ART_REQUEST_CLEAN, "clean"}};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (table->requested & requests[i].request) add_text(cursor, "at commit", requests[i].name);
    }
}

static int add_orphans(struct info_cursor *cursor, struct art_connection *connection, const char *schema,
                       char **message) {
    struct art_orphan_files orphans = {0};
    int rc = art_orphan_files_find(connection->db, schema, &orphans, message);
    for (unsigned i = 0; !rc && i < orphans.count; i++) {
        const struct art_orphan_file *file = &orphans.items[i];
        if (file->known) {
            add_text(cursor, "orphan file", file->path);
        } else {
            add_owned(cursor, sqlite3_mprintf("unknown file"), sqlite3_mprintf("%s (%s)", file->path, file->reason));
        }
    }
    art_orphan_files_clear(&orphans);
    return rc;
}

static int gather_facts(struct info_cursor *cursor, struct art_table_ref *ref, char **message) {
    struct art_tree_info info = {0};
    int rc = art_table_ref_ready(ref->vtab, message);
    if (!rc) rc = art_report(message, art_tree_info(ref->vtab->table->tree, &info));
    if (rc) return rc;
    const struct art_vtab *vtab = ref->vtab;
    const struct art_table *table = vtab->table;
    struct art_state state;
    rc = art_shadow_read_state(ref->connection, vtab->name, &vtab->settings, &state, message);
    if (rc) return rc;
    art_state_clear(&state);
    add_all(cursor, table, &info);
    add_owned(cursor, sqlite3_mprintf("columns"), art_columns_show(&vtab->columns));
    const struct art_summarised *summarised = art_table_summarised(table);
    if (summarised->count) add_owned(cursor, sqlite3_mprintf("summary"), art_summary_show(summarised, &vtab->columns));
    add_options(cursor, &state.settings, &table->settings);
    add_requests(cursor, table);
    rc = add_orphans(cursor, ref->connection, vtab->name->schema, message);
    return !rc && cursor->nomem ? SQLITE_NOMEM : rc;
}

/* --- the module --------------------------------------------------------------------------------------------------- */

static int info_connect(sqlite3 *db, void *context, int argc, const char *const *argv, sqlite3_vtab **out,
                        char **message) {
    (void)context;
    (void)argc;
    (void)argv;
    (void)message;
    int rc = sqlite3_declare_vtab(db, "CREATE TABLE x(property TEXT, value, \"table\" HIDDEN)");
    if (rc) return rc;
    struct info_vtab *vtab = art_alloc_zeroed(sizeof *vtab);
    if (!vtab) return SQLITE_NOMEM;
    vtab->connection = art_connection_hold(db);
    *out = &vtab->base;
    return SQLITE_OK;
}

static int info_disconnect(sqlite3_vtab *base) {
    art_connection_release(((struct info_vtab *)base)->connection);
    sqlite3_free(base->zErrMsg);
    art_free(base);
    return SQLITE_OK;
}

/* Without a name it is told when it comes to that: SQLite also asks what a part of an OR would cost alone. */
int art_best_index_of_name(sqlite3_index_info *info, int column) {
    for (int i = 0; i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *constraint = &info->aConstraint[i];
        if (constraint->iColumn != column || constraint->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (!constraint->usable) return SQLITE_CONSTRAINT;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->estimatedCost = 1000;
        info->estimatedRows = 30;
        return SQLITE_OK;
    }
    info->estimatedCost = 1e50;
    return SQLITE_OK;
}

static int info_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    (void)base;
    return art_best_index_of_name(info, INFO_TABLE);
}

static int info_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    (void)base;
    struct info_cursor *cursor = art_alloc_zeroed(sizeof *cursor);
    if (!cursor) return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int info_close(sqlite3_vtab_cursor *base) {
    clear((struct info_cursor *)base);
    art_free(base);
    return SQLITE_OK;
}

static int info_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    (void)plan;
    (void)words;
    struct info_cursor *cursor = (struct info_cursor *)base;
    struct info_vtab *info = (struct info_vtab *)base->pVtab;
    clear(cursor);
    if (!argc) {
        return art_complain(&base->pVtab->zErrMsg, SQLITE_ERROR,
                            "art: art_info needs a table's name: SELECT * FROM art_info('objects')");
    }
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return SQLITE_OK;
    const char *name = (const char *)sqlite3_value_text(argv[0]);
    struct art_table_ref *ref;
    int rc = name ? art_table_ref_hold(info->connection, name, &ref, &base->pVtab->zErrMsg) : SQLITE_NOMEM;
    if (rc) return rc;
    rc = gather_facts(cursor, ref, &base->pVtab->zErrMsg);
    art_table_ref_release(ref);
    return rc;
}

static int info_next(sqlite3_vtab_cursor *base) {
    ((struct info_cursor *)base)->at++;
    return SQLITE_OK;
}

static int info_eof(sqlite3_vtab_cursor *base) {
    return ((struct info_cursor *)base)->at >= ((struct info_cursor *)base)->count;
}

static int info_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    const struct info_cursor *cursor = (struct info_cursor *)base;
    const struct fact *fact = &cursor->facts[cursor->at];
    if (column == INFO_PROPERTY) {
        sqlite3_result_text(context, fact->property, -1, SQLITE_TRANSIENT);
    } else if (column != INFO_VALUE) {
        sqlite3_result_null(context);
    } else if (fact->kind == FACT_INTEGER) {
        sqlite3_result_int64(context, fact->integer);
    } else if (fact->kind == FACT_REAL) {
        sqlite3_result_double(context, fact->real);
    } else {
        sqlite3_result_text(context, fact->text, -1, SQLITE_TRANSIENT);
    }
    return SQLITE_OK;
}

static int info_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    *rowid = ((struct info_cursor *)base)->at;
    return SQLITE_OK;
}

const sqlite3_module art_info_module = {
    .xConnect = info_connect,
    .xBestIndex = info_best_index,
    .xDisconnect = info_disconnect,
    .xDestroy = info_disconnect,
    .xOpen = info_open,
    .xClose = info_close,
    .xFilter = info_filter,
    .xNext = info_next,
    .xEof = info_eof,
    .xColumn = info_column,
    .xRowid = info_rowid,
};
