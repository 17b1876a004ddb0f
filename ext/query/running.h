/* What the running statements' texts say: the one place where art reads SQL of the user's.
 *
 * SQLite tells a virtual table neither which statement a call belongs to nor where a value comes from. Three questions
 * cannot be answered otherwise. Each answer errs to one side: for a text that is not understood a query takes longer,
 * or is refused (doubts.c), but no row is wrong.
 */
#ifndef ART_EXT_RUNNING_H
#define ART_EXT_RUNNING_H

#include "ext/query/query.h"

/* statements.c: may a number that is bound have come to its comparison with a path, by order (`range`) or for equality,
 * in a way that makes it be compared as a number? True where it is not known. `equated`: a column of this table is
 * equal to what is no literal. */
bool art_running_may_convert(const struct art_vtab *vtab, bool range, bool equated);

/* running.c: another plan may be had by preparing the statement anew: one that SQLite before 3.46.1 refuses to a table,
 * or one in which SQLite checks numbers that nobody else knows how to compare.
 * For xFilter: should it return SQLITE_SCHEMA, since what runs is a SELECT from a single table, or an UPDATE or
 * DELETE of this one, and nothing else? */
bool art_restart_ask(struct art_vtab *vtab, enum art_restart_reason reason);
/* For xBestIndex: is it that statement that is being prepared? */
enum art_restart_reason art_restart_is_on(struct art_vtab *vtab);
void art_restart_end(struct art_vtab *vtab); /* what is prepared from here on is another statement */
void art_restart_was_worth_it(struct art_vtab *vtab);

/* art_running_updates_only() is in query.h, for ext/write. */

#endif
