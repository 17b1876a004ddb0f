/* SQLite's allocator, and with it the extension's, behind a watcher that counts and fails when told to. It overwrites
 * what is freed, so that who still uses it is noticed without a sanitizer, too. */
#ifndef ART_TESTS_SQL_MEMORY_H
#define ART_TESTS_SQL_MEMORY_H

#include "tests/support/fault_sweep.h"

/* Before anything else is asked of SQLite in this process. */
void sql_memory_install(void);

/* Allocations as a source of faults: one kind, "an allocation". An error within a section that SQLite calls benign is
 * none for the statement. */
extern const struct fault_source sql_memory_faults;

/* Since arm(): those that failed where SQLite does not expect to go on without. */
unsigned sql_memory_serious(void);

#endif
