/* What Check programs ask of a connection again and again: these rows, this refusal, the same on two tables.
 *
 * For use in the process that Check watches (a failure ends the test there); sql.h is for forked children, too.
 */
#ifndef ART_TESTS_SQL_EXPECT_H
#define ART_TESTS_SQL_EXPECT_H

#include "tests/support/sql.h"

/* The query gives exactly these rows, as sql_rows() writes them. */
void sql_expect(sqlite3 *db, const char *expected, const char *query);

/* Both statements give the same rows and the same end (sql_answer()), or the first one is refused (sql_is_undecided()):
 * from where they stand. Finalizes them. Were there rows? */
bool sql_alike(sqlite3_stmt *ours, sqlite3_stmt *theirs);
/* The same rows, to their end. */
bool sql_same(sqlite3_stmt *ours, sqlite3_stmt *theirs);

/* The statement fails with this extended code (0: any), and the message has these words in it. */
void sql_refused(sqlite3 *db, int code, const char *words, const char *statement);

/* The text with each '@' replaced by the name. sqlite3_free() it. */
char *sql_named(const char *text, const char *name);

/* EXPLAIN QUERY PLAN of a statement, '@' in it is the table's name. sqlite3_free() it. */
char *sql_plan(sqlite3 *db, const char *table, const char *statement);

/* The plan has these words in it, or has them not. '@' in the statement is t. */
void sql_plan_has(sqlite3 *db, const char *statement, const char *words);
void sql_plan_lacks(sqlite3 *db, const char *statement, const char *words);

/* What a statement did to a connection, for comparison: code, changes(), open transaction or not, and, where `rows` is
 * given, its rows. '@' in both texts is the table's name. sqlite3_free() it. */
char *sql_outcome(sqlite3 *db, const char *table, const char *statement, const char *rows);

#endif
