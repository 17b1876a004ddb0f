/* SQLite's memory as a source of faults: each source has one kind, with one error.
 *
 * Its allocator, and with it the extension's, stands behind a watcher that counts and fails when told to. The watcher
 * overwrites what is freed, so that who still uses it is noticed without a sanitizer, too.
 */
#ifndef ART_TESTS_SQL_MEMORY_H
#define ART_TESTS_SQL_MEMORY_H

#include "tests/support/fault_sweep.h"

/* Before anything else is asked of SQLite in this process. */
void sql_memory_install(void);
extern const struct fault_source sql_memory_faults;

/* A connection with the extension linked in, through this VFS (NULL: the default); all its memory is watched. */
sqlite3 *sql_memory_open(const char *path, const char *vfs);

/* Runs SQL whose nth allocation fails, and all from it on if it `stays`. *struck: did it come to that? */
int sql_memory_try(sqlite3 *db, const char *sql, unsigned nth, bool stays, bool *struck);

/* sqlite3_hard_heap_limit64(): at its n-th "call" a step may take n - 1 times 16 KB and no more. */
extern const struct fault_source sql_heap_limit_faults;

/* The places in SQLite's own code that its test programs can make fail (SQLITE_TESTCTRL_FAULT_INSTALL). Was this SQLite
 * built with them? */
extern const struct fault_source sql_fault_points;
bool sql_fault_points_there(void);

#endif
