/* What the planner remembers between two calls of xBestIndex for one statement, and why (or_arms.c). */
#ifndef ART_EXT_OR_ARMS_H
#define ART_EXT_OR_ARMS_H

#include "ext/query/query.h"

/* Once a plan has its price: raises it where the plan may be an arm of an OR that loses the listing's arguments. */
void art_or_arms_price(struct art_vtab *vtab, sqlite3_index_info *info);
/* What is planned from here on is another statement. */
void art_or_arms_forget(struct art_vtab *vtab);

#endif
