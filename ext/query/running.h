/* What the running statements' texts say: the one place where art reads SQL of the user's.
 *
 * SQLite tells a virtual table neither which statement a call belongs to nor where a value comes from. Three questions
 * cannot be answered otherwise. Each answer errs to one side: a text that is not understood costs time or a chance, and
 * never a row.
 */
#ifndef ART_EXT_RUNNING_H
#define ART_EXT_RUNNING_H

#include "ext/query/query.h"

/* statements.c: may a number that is bound have come to its comparison with a path, by order or for equality, in a way
 * that makes it be compared as a number? True where it is not known. */
bool art_running_may_convert(const struct art_vtab *vtab, bool range);

/* running.c: a plan that SQLite before 3.46.1 refuses to a table may be had by preparing the statement anew.
 * For xFilter: should it return SQLITE_SCHEMA, since what runs is a SELECT from a single table, and nothing else? */
bool art_restart_ask(struct art_vtab *vtab);
/* For xBestIndex: is it that SELECT that is being prepared? */
bool art_restart_is_on(struct art_vtab *vtab);
void art_restart_end(struct art_vtab *vtab); /* what is prepared from here on is another statement */
void art_restart_was_worth_it(struct art_vtab *vtab);

/* art_running_updates_only() is in query.h, for ext/write. */

#endif
