/* For systems that load no extensions: every connection of the program has art. */
#include <sqlite3.h>

#include "ext/art.h"

__attribute__((constructor)) static void link_art(void) {
    sqlite3_auto_extension((void (*)(void))sqlite3_art_init);
}

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
