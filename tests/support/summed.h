/* The rows, changes and questions of random worlds with summaries (support/differential.h): sums, extremes, the best
 * rows, what changed since, rows by a value, all of it beside conditions and bounds.
 *
 * What writes: REPLACE, moves onto other rows, UPDATE ... FROM, triggers, statements that fail, long rows. Integers may
 * be so large that sums are none. Summaries may change, and a column come. The ordinary table has all columns from the
 * beginning, and the version of each row in one, which triggers write.
 */
#ifndef ART_TESTS_SUMMED_H
#define ART_TESTS_SUMMED_H

#include "tests/support/differential.h"

/* Of both->now.summary; the first are of columns that any table has. */
enum { SUMMED_NONE, SUMMED_MAX_OF_SIZE, SUMMED_WITHOUT_EXTRA = 14, SUMMED_SUMMARIES = 16 };

/* A history of random_rounds(steps), with both->questions: the alternatives of a rule out of $listing, $function,
 * $best, $rows, $aggregates and $join. What the caller
 * leaves out is chosen here: the table's other options by `number`, that of the history. */
void summed_history(struct both *both, const char *name, unsigned number, unsigned steps);

/* For both->change: another summary, or a column. */
void summed_change(struct both *both);

#endif
