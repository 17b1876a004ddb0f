/* What most programs of SQL work on: a folder of their own, and one database in it. */
#ifndef ART_TESTS_SQL_ONE_H
#define ART_TESTS_SQL_ONE_H

#include "tests/support/sql.h"

extern char *directory, *path;
extern sqlite3 *db;

/* For CASE and suite_run(). */
void sql_set_up(void);
void sql_tear_down(void);

#endif
