/* What a transaction of a crash test changes: each is done by a statement, and to the numbers that a state is made of.
 * Without a connection it is only said, and not done, by the same dice. */
#ifndef TESTS_CRASH_CHANGE_H
#define TESTS_CRASH_CHANGE_H

#include "tests/support/crash_work.h"

/* A statement; without a connection nothing is done, and that is a success. */
int crash_run(sqlite3 *db, const char *format, ...);
int crash_put(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table, unsigned key);
/* Rows next to each other, many: more than the log holds, sometimes more than memory may. */
int crash_put_many(struct crash_work *work, sqlite3 *db, struct crash_rows *rows);
int crash_create(struct crash_work *work, sqlite3 *db, struct crash_rows *rows, enum crash_table table);
/* The second table comes, goes or is renamed. */
int crash_change_schema(struct crash_work *work, sqlite3 *db, struct crash_rows *rows);
int crash_command(sqlite3 *db, const struct crash_rows *rows, enum crash_table table, const char *word);
/* One statement, of any kind. */
int crash_change(struct crash_work *work, sqlite3 *db, struct crash_rows *rows);
/* Snapshots that the transaction has made are of what it commits: now that is known. */
void crash_settle_snapshots(struct crash_rows *rows);

#endif
