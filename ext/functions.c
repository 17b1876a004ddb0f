/* SQL functions. */
#include "ext/ext.h"

static void version(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    (void)values;
    sqlite3_result_text(context, ART_VERSION, -1, SQLITE_STATIC);
}

int art_functions_register(sqlite3 *db) {
    return sqlite3_create_function_v2(db, "art_version", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                      version, NULL, NULL, NULL);
}
