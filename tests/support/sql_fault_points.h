/* The places in SQLite's own code that its test programs can make fail (SQLITE_TESTCTRL_FAULT_INSTALL), as a source. */
#ifndef ART_TESTS_SQL_FAULT_POINTS_H
#define ART_TESTS_SQL_FAULT_POINTS_H

#include "tests/support/fault_sweep.h"

extern const struct fault_source sql_fault_points;

/* Was this SQLite built with them? */
bool sql_fault_points_there(void);

#endif
