/* Table-valued functions that say what an art table is like, a property a row.
 *
 *     SELECT * FROM art_info('objects');                                        property | value
 *     SELECT value FROM art_info('main.objects') WHERE property = 'entries';
 *     SELECT * FROM art_debug('objects');                                       the same of what is no interface
 *
 * art_info has what users made, chose or may have to act on, in words that need no knowledge of how art works: it stays
 * as it is from version to version. All counts, and what is inside, are in art_debug. All rows are of one snapshot
 * (table_ref.c) and made at once.
 */
#include "core/tree/inspect.h"
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

struct info_cursor {
    struct art_function_cursor base;
    struct fact *facts;
    unsigned count, capacity;
    bool nomem;
    struct fact lost; /* what there was no memory for */
};

static void clear_facts(struct art_function_cursor *base) {
    struct info_cursor *cursor = (struct info_cursor *)base;
    for (unsigned i = 0; i < cursor->count; i++) {
        sqlite3_free(cursor->facts[i].property);
        sqlite3_free(cursor->facts[i].text);
    }
    art_free(cursor->facts);
    cursor->facts = NULL;
    cursor->count = cursor->capacity = 0;
    cursor->nomem = false;
}

static struct fact *add_fact(struct info_cursor *cursor, enum fact_kind kind, char *property) {
    cursor->nomem |= !property || art_grow(&cursor->facts, &cursor->capacity, cursor->count + 1, sizeof *cursor->facts);
    if (cursor->nomem) {
        sqlite3_free(property);
        return &cursor->lost;
    }
    cursor->facts[cursor->count] = (struct fact){.property = property, .kind = kind};
    assert(cursor->count < cursor->capacity);
    return &cursor->facts[cursor->count++];
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

static void add_integer(struct info_cursor *cursor, const char *property, uint64_t value) {
    add_fact(cursor, FACT_INTEGER, sqlite3_mprintf("%s", property))->integer = (sqlite3_int64)value;
}

static void add_text(struct info_cursor *cursor, const char *property, const char *value) {
    char *name = sqlite3_mprintf("%s", property);
    if (value) {
        add_owned(cursor, name, sqlite3_mprintf("%s", value));
    } else {
        add_fact(cursor, FACT_TEXT, name);
    }
}

static void add_figures(struct info_cursor *cursor, const struct art_table *table, const struct art_tree_info *info,
                        uint64_t snapshots) {
    add_integer(cursor, "entries", info->keys);
    add_integer(cursor, "version", info->csn);
    add_integer(cursor, "snapshots", snapshots);
    add_integer(cursor, "bytes", info->blob_bytes);
    add_text(cursor, "file", table->path);
    add_integer(cursor, "file bytes", table->path ? info->store.file_bytes : 0);
    add_integer(cursor, "cache bytes", info->store.cache_bytes);
    add_integer(cursor, "cache limit", info->store.cache_limit);
}

static void add_insides(struct info_cursor *cursor, const struct art_table *table, const struct art_tree_info *info) {
    const struct art_store_stats *store = &info->store;
    add_integer(cursor, "blobs", info->blobs);
    add_fact(cursor, FACT_REAL, sqlite3_mprintf("fill"))->real = info->fill;
    add_integer(cursor, "runs", info->runs);
    for (unsigned i = 0; i < info->runs; i++) {
        add_owned(cursor, sqlite3_mprintf("run %u", i + 1),
                  sqlite3_mprintf("level %u: %llu entries in %llu blobs, %llu bytes", info->run[i].level,
                                  info->run[i].entries, info->run[i].blobs, info->run[i].bytes));
    }
    add_integer(cursor, "memtable keys", info->memtable_keys);
    add_integer(cursor, "memtable bytes", info->memtable_bytes);
    add_integer(cursor, "front bytes", info->front_bytes);
    add_integer(cursor, "log rows", info->log_rows);
    add_integer(cursor, "log bytes", info->log_bytes);
    add_integer(cursor, "redo bytes since merge", info->redo_since_merge);
    add_integer(cursor, "generation", info->generation);
    add_integer(cursor, "retired slots", info->retired_slots);
    add_integer(cursor, "free slots", info->free_slots);
    add_integer(cursor, "held slots", info->held_slots);
    add_integer(cursor, "cut ranges", info->cuts);
    add_text(cursor, "io", store->engine);
    add_text(cursor, "direct", !store->direct ? "no" : store->cached ? "writes" : "yes");
#define ADD_COUNTER(member, property) add_integer(cursor, property, store->count.member);
    ART_COUNTER_LIST(ADD_COUNTER)
#undef ADD_COUNTER
    add_integer(cursor, "rows filtered", table->filtered);
    add_integer(cursor, "scans counted", table->counted);
    add_integer(cursor, "searches given up", table->given_up);
    add_integer(cursor, "deletes recognised", table->recognised);
    add_integer(cursor, "snapshots found open", table->found_open);
    add_integer(cursor, "pages of the extract", table->extracted);
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
                    {ART_REQUEST_SNAPSHOT, "snapshot"},
                    {ART_REQUEST_CLEAN, "clean"}};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        if (table->requested & requests[i].request) add_text(cursor, "at commit", requests[i].name);
    }
}

static int add_orphans(struct info_cursor *cursor, struct art_connection *connection, const char *schema,
                       char **message) {
    struct art_orphan_files orphans = {0};
    int rc = art_orphan_files_find(connection, schema, &orphans, message);
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

static int gather_interface(struct info_cursor *cursor, struct art_table_ref *ref, const struct art_tree_info *info,
                            char **message) {
    const struct art_vtab *vtab = ref->vtab;
    const struct art_table *table = vtab->table;
    uint64_t snapshots;
    int rc = art_snapshots_count(vtab->table, &snapshots, message);
    if (rc) return rc;
    struct art_state state;
    rc = art_shadow_read_state(ref->connection, vtab->name, &vtab->settings, &state, message);
    if (rc) return rc;
    art_state_clear(&state);
    add_figures(cursor, table, info, snapshots);
    add_owned(cursor, sqlite3_mprintf("columns"), art_columns_show(&vtab->columns));
    const struct art_summarised *summarised = art_table_summarised(table);
    if (!art_summary_is_empty(summarised))
        add_owned(cursor, sqlite3_mprintf("summary"), art_summary_show(summarised, &vtab->columns));
    add_options(cursor, &state.settings, &table->settings);
    add_requests(cursor, table);
    if (info->damage) add_text(cursor, "damage", info->damage);
    return add_orphans(cursor, ref->connection, vtab->name->schema, message);
}

static int gather_facts(struct info_cursor *cursor, struct art_table_ref *ref, bool insides, char **message) {
    struct art_tree_info info = {0};
    int rc = art_table_ref_ready(ref->vtab, message);
    if (!rc) rc = art_report(message, art_tree_info(ref->vtab->table->tree, &info));
    if (rc) return rc;
    if (insides) {
        add_insides(cursor, ref->vtab->table, &info);
    } else {
        rc = gather_interface(cursor, ref, &info, message);
    }
    return !rc && cursor->nomem ? SQLITE_NOMEM : rc;
}

/* --- the functions ------------------------------------------------------------------------------------------------ */

static int begin_facts(struct art_function_cursor *base, const char *text, char **message) {
    const struct art_function_vtab *vtab = (struct art_function_vtab *)base->base.pVtab;
    struct art_table_ref *ref;
    int rc = art_table_ref_hold(vtab->connection, text, &ref, message);
    if (rc) return rc;
    rc = gather_facts((struct info_cursor *)base, ref, vtab->function == &art_debug_function, message);
    art_table_ref_release(ref);
    base->rows = ((struct info_cursor *)base)->count;
    return rc;
}

static void show_fact(struct art_function_cursor *base, sqlite3_context *context, int column) {
    assert(base->row >= 1 && base->row <= ((struct info_cursor *)base)->count);
    const struct fact *fact = &((struct info_cursor *)base)->facts[base->row - 1];
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
}

#define FACTS_OF(function)                                                                                             \
    {                                                                                                                  \
        .name = function, .declaration = "CREATE TABLE x(property TEXT, value, \"table\" HIDDEN)",                     \
        .argument = INFO_TABLE, .cursor_bytes = sizeof(struct info_cursor), .clear = clear_facts,                      \
        .begin = begin_facts, .column = show_fact,                                                                     \
    }
const struct art_table_function art_info_function = FACTS_OF("art_info");
const struct art_table_function art_debug_function = FACTS_OF("art_debug");
