/* A second opinion in random tests: reader.py, which was written by the format's page alone (core/FORMAT.md), reads a
 * database that one of them has made. It gives the rows that art gives and the model knows, or one of them is wrong.
 *
 * One process of Python a test process reads all of them (tests/golden/second.py). Where there is none, nothing is
 * asked. */
#ifndef TESTS_SECOND_OPINION_H
#define TESTS_SECOND_OPINION_H

#include <sqlite3.h>
#include <stdbool.h>

/* The rows of a table are those that `sql` gives, in any order; `snapshot`: NULL, or of that one. The database is
 * quiet, or nobody has it open. False: *why (sqlite3_free() it). */
bool second_opinion(sqlite3 *db, const char *sql, const char *database, const char *table, const char *snapshot,
                    char **why);

/* Is the n-th of what a test makes to be asked about? Every tenth is; with ART_TEST_PERCENT=40 one in 60. */
bool second_opinion_is_due(unsigned long long n);

/* How many tables this process has been told of. What tests print of it: where it is 0, nobody was asked. */
unsigned second_opinion_count(void);
void second_opinion_tell(const char *test, unsigned long long count);

#endif
