/* What the running statements' texts say: the one place where art reads SQL of the user's.
 *
 * SQLite tells a virtual table neither which statement a call belongs to nor where a value comes from. Three questions
 * cannot be answered otherwise. Each answer errs to one side: for a text that is not understood a query takes longer,
 * or is refused (doubts.c), but no row is wrong.
 */
#ifndef ART_EXT_RUNNING_H
#define ART_EXT_RUNNING_H

#include "ext/query/query.h"

/* art_running_updates_only() is in query.h, for ext/write. */

#endif
