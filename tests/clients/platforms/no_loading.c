/* A SQLite without loading, where everything is linked in: what tests/support/sql.c calls all the same. */
#include <sqlite3.h>

int sqlite3_enable_load_extension(sqlite3 *db, int on) {
    (void)db;
    (void)on;
    return SQLITE_OK;
}

int sqlite3_load_extension(sqlite3 *db, const char *file, const char *entry, char **message) {
    (void)db;
    (void)entry;
    *message = sqlite3_mprintf("%s: there is no loading here", file);
    return SQLITE_ERROR;
}
