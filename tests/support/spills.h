/* SQLite before 3.53.2 (seen in 3.40.1, with ordinary tables alone, too) loses commits at recovery in WAL mode when its
 * page cache has spilled a page twice in a transaction and a ROLLBACK TO then leads before it: frames without a
 * checksum stay in the -wal (sql/limits.md). Tests of deaths keep it from spilling there, with
 * blobs in rows by PRAGMA cache_spill=OFF: unlike cache_size it needs no look at the schema, which may be locked. */
#ifndef ART_TESTS_SPILLS_H
#define ART_TESTS_SPILLS_H

#include <sqlite3.h>
#include <stdbool.h>

static inline bool spills_well(void) {
    return sqlite3_libversion_number() >= 3053002;
}

#endif
