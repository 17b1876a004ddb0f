/* sqlite3_hard_heap_limit64() as a source of faults: at its n-th "call" a step may take n - 1 times 16 KB and no
 * more. */
#ifndef ART_TESTS_SQL_HEAP_LIMIT_H
#define ART_TESTS_SQL_HEAP_LIMIT_H

#include "tests/support/fault_sweep.h"

extern const struct fault_source sql_heap_limit_faults;

#endif
