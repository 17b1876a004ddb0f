/* SQLite before 3.53.2 (seen in 3.40.1, with ordinary tables alone, too; README, "Limits") loses commits at recovery in
 * WAL mode when its page cache has spilled a page twice in a transaction and a ROLLBACK TO then leads before it: frames
 * without a checksum stay in the -wal. A test of deaths keeps the cache from it there. */
#ifndef ART_TESTS_SPILLS_H
#define ART_TESTS_SPILLS_H

#include <sqlite3.h>
#include <stdbool.h>

static inline bool spills_well(void) {
    return sqlite3_libversion_number() >= 3053002;
}

/* For blobs in rows, since they go through that cache. The result code. */
static inline int keep_cache_unless_it_spills_well(sqlite3 *db) {
    return spills_well() ? SQLITE_OK : sqlite3_exec(db, "PRAGMA cache_size=-1000000", NULL, NULL, NULL);
}

#endif
