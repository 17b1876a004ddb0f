/* How the extension comes into a connection.
 *
 *     sqlite3_art_init   called by load_extension(), or linked in (-DSQLITE_CORE) as an automatic extension
 *
 * It stays loaded: the cache of blobs belongs to the process. All memory comes from SQLite.
 */
#include "ext/admin/admin.h"
#include "ext/columns/columns.h"
#include "ext/module.h"

#include <pthread.h>
#include <string.h>

enum { OLDEST_SQLITE = 3040000 }; /* the oldest that is tested; sqlite3_vtab_in(), and LIMIT for us, came with 3.38 */

static pthread_mutex_t process_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *allocate(uint64_t bytes) {
    return sqlite3_malloc64(bytes);
}

static void *resize(void *old, uint64_t bytes) {
    return sqlite3_realloc64(old, bytes);
}

static void release(void *memory) {
    sqlite3_free(memory);
}

static int register_module(sqlite3 *db, const char *name, const sqlite3_module *module) {
    struct art_connection *connection = art_connection_hold(db);
    if (!connection) return SQLITE_NOMEM;
    return sqlite3_create_module_v2(db, name, module, connection, art_connection_release); /* releases on failure too */
}

static int register_table_function(sqlite3 *db, const struct art_table_function *function) {
    return sqlite3_create_module_v2(db, function->name, &art_function_module, (void *)function, NULL);
}

static const char *const module_names[] = {"art",           "art_info", "art_debug",   "art_check",
                                           "art_backup",    "art_txn",  "art_salvage", "art_lost",
                                           "art_snapshots", "art_diff", "art_growth",  "art_differences"};

/* Else the first instruction that it does not know ends the process, in the middle of a statement. */
static bool processor_is_new_enough(void) {
#if defined(__x86_64__) && defined(__SSE4_2__) && defined(__POPCNT__)
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#else
    return true;
#endif
}

/* What this copy of the code has noted; art_connection_hold() makes none that stays. */
static bool has_loaded(sqlite3 *db) {
    struct art_connection *connection = art_connection_hold(db);
    bool loaded = connection && connection->loaded;
    if (connection) art_connection_release(connection);
    return loaded;
}

static void note_loaded(sqlite3 *db) {
    struct art_connection *connection = art_connection_hold(db);
    assert(connection && connection->references > 1); /* the modules hold it */
    connection->loaded = true;
    art_connection_release(connection);
}

/* A second load, also of another copy of this code (one linked in, one loaded), finds all there. To register it again
 * would fail while a statement runs, and SELECT load_extension() is one. An authorizer may hide the list. */
static bool is_registered(sqlite3 *db) {
    sqlite3_stmt *modules = NULL;
    size_t found = 0, rows = 0;
    (void)sqlite3_prepare_v2(db, "PRAGMA module_list", -1, &modules, NULL);
    for (; modules && sqlite3_step(modules) == SQLITE_ROW; rows++) {
        const char *name = (const char *)sqlite3_column_text(modules, 0);
        for (size_t i = 0; name && i < sizeof module_names / sizeof *module_names; i++) {
            found += !strcmp(name, module_names[i]);
        }
    }
    sqlite3_finalize(modules);
    if (!rows) return has_loaded(db);
    return found == sizeof module_names / sizeof *module_names;
}

static int load_into(sqlite3 *db) {
    if (is_registered(db)) return SQLITE_OK;
    int rc = art_functions_register(db); /* where this fails midway, the modules do not say that all is there */
    if (!rc) rc = art_columns_register(db);
    if (!rc) rc = register_module(db, "art_txn", &art_listener_module);
    if (!rc) rc = register_table_function(db, &art_info_function);
    if (!rc) rc = register_table_function(db, &art_debug_function);
    if (!rc) rc = register_table_function(db, &art_check_function);
    if (!rc) rc = register_table_function(db, &art_backup_function);
    if (!rc) rc = register_module(db, "art_salvage", &art_salvage_module);
    if (!rc) rc = register_table_function(db, &art_lost_function);
    if (!rc) rc = register_table_function(db, &art_snapshots_function);
    if (!rc) rc = register_table_function(db, &art_diff_function);
    if (!rc) rc = register_table_function(db, &art_growth_function);
    if (!rc) rc = register_table_function(db, &art_differences_function);
    if (!rc) rc = register_module(db, "art", art_module());
    if (!rc) note_loaded(db);
    return rc;
}

/* Other threads may be at work with connections of theirs: what all share is written only where it is not so
 * already. False: they are of another SQLite, as a package of another host may have one of its own. */
static bool begin_process(const sqlite3_api_routines *api) {
    static const struct art_allocator allocator = {allocate, resize, release};
    static bool chosen;
    pthread_mutex_lock(&process_mutex);
    bool ours = true;
#ifndef SQLITE_CORE
    ours = sqlite3_api == api || !art_connections_any();
    if (ours && sqlite3_api != api) sqlite3_api = api;
#endif
    (void)api;
    if (!chosen) {
        art_alloc_use(&allocator);
        art_codec_use(&art_columns_codec);
        art_result_init();
        art_load_into = load_into;
    }
    chosen = true;
    pthread_mutex_unlock(&process_mutex);
    return ours;
}

#ifdef _WIN32
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif
EXPORTED int sqlite3_art_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

int sqlite3_art_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    if (!begin_process(api)) {
        *message = api->mprintf("art: another SQLite of this process uses art: load a copy of the file of art here");
        return SQLITE_ERROR;
    }
    if (sqlite3_libversion_number() < OLDEST_SQLITE) {
        *message =
            sqlite3_mprintf("art: this SQLite is too old (%s): load art into 3.40 or newer", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    if (!processor_is_new_enough()) {
        *message = sqlite3_mprintf(
            "art: this processor has no SSE4.2, which this build of art wants: give the virtual machine "
            "its host's processor, or build art by 'make ARCH='");
        return SQLITE_ERROR;
    }
    int rc = load_into(db);
    if (rc) return rc;
#ifdef SQLITE_CORE
    return SQLITE_OK;
#else
    return SQLITE_OK_LOAD_PERMANENTLY;
#endif
}
