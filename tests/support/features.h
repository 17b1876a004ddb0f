/* Features that every world of failures has: tables that live beside a world's own, in the same transactions.
 *
 *     fk         keys of several columns, one of them descending, one of bytes; sums, a lookup, a search and hashes; it
 *                gets columns and keeps snapshots
 *                (features: keys that go down)
 *     fb         keys of bytes, a search and the largest value
 *     plain_...  ordinary tables with the same rows; kept_fk has those of fk's snapshots
 *
 * What the n-th transaction does follows from n alone, and so do the rows after it, in each process: a world calls
 * features_change() in each, with a number that it keeps among its rows, and compares features_answers() of both sorts.
 */
#ifndef ART_TESTS_FEATURES_H
#define ART_TESTS_FEATURES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* `options` of the art tables, as ", log_limit='2KB'"; NULL: makes the ordinary ones. */
void features_create(sqlite3 *db, const char *options);
/* The n-th transaction's part, of the art tables or of the ordinary ones. SQLite's code, where it fails. */
int features_change(sqlite3 *db, bool art, int64_t n);
/* For a database that has both sorts: what comes next, of both, within a transaction. */
int features_turn(sqlite3 *db);
/* Of a transaction's part, what changes rows, as statements; sqlite3_free() it. */
char *features_text(bool art, int64_t n);
/* Questions that use all of it, with their answers; sqlite3_free() it. Equal of both sorts after the same n. */
char *features_answers(sqlite3 *db, bool art);
/* Of a database that has both sorts: NULL, or where they differ, as below. */
const char *features_complaint(sqlite3 *db);
/* Where two such texts differ, in a sentence that is kept(). */
const char *features_differ(const char *given, const char *expected);

#endif
