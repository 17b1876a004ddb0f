/* The numbers of the savepoints that a handle was told of, ascending. txn/transaction.c says how SQLite numbers them.
 */
#include "ext/table/table.h"

int art_levels_push(struct art_levels *levels, int level) {
    unsigned at = levels->count;
    if (level >= levels->cut) levels->cut = level + 1;
    while (at && levels->items[at - 1] > level) at--;
    if (at && levels->items[at - 1] == level) return SQLITE_OK;
    if (art_grow(&levels->items, &levels->capacity, levels->count + 1, sizeof *levels->items)) return SQLITE_NOMEM;
    memmove(levels->items + at + 1, levels->items + at, (levels->count - at) * sizeof *levels->items);
    levels->items[at] = level;
    levels->count++;
    return SQLITE_OK;
}

void art_levels_drop(struct art_levels *levels, int from) {
    while (levels->count && levels->items[levels->count - 1] >= from) levels->count--;
    levels->cut = from;
}

void art_levels_begin(struct art_levels *levels) {
    levels->count = 0;
    levels->missed = ART_LEVEL_NONE;
    levels->cut = ART_LEVELS_ALL;
}

void art_levels_clear(struct art_levels *levels) {
    art_free(levels->items);
    *levels = (struct art_levels){0};
}
