/* SQLite's functions, as it gave them to the extension when it was loaded. */
#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT1
