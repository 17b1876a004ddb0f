/* The numbers of the savepoints that a handle was told of, ascending. txn/transaction.c says how SQLite numbers them.
 */
#include "ext/table/table.h"

int art_savepoints_push(struct art_savepoints *savepoints, int number) {
    unsigned at = savepoints->count;
    assert(number != ART_SAVEPOINT_NONE && number != ART_SAVEPOINTS_ALL);
    if (number >= savepoints->cut) savepoints->cut = number + 1;
    while (at && savepoints->items[at - 1] > number) at--;
    if (at && savepoints->items[at - 1] == number) return SQLITE_OK;
    if (art_grow(&savepoints->items, &savepoints->capacity, savepoints->count + 1, sizeof *savepoints->items))
        return SQLITE_NOMEM;
    memmove(savepoints->items + at + 1, savepoints->items + at, (savepoints->count - at) * sizeof *savepoints->items);
    savepoints->items[at] = number;
    savepoints->count++;
    art_savepoints_assert(savepoints);
    return SQLITE_OK;
}

void art_savepoints_drop(struct art_savepoints *savepoints, int from) {
    while (savepoints->count && savepoints->items[savepoints->count - 1] >= from) savepoints->count--;
    savepoints->cut = from;
    art_savepoints_assert(savepoints);
}

void art_savepoints_begin(struct art_savepoints *savepoints) {
    savepoints->count = 0;
    savepoints->missed = ART_SAVEPOINT_NONE;
    savepoints->cut = ART_SAVEPOINTS_ALL;
}

void art_savepoints_free(struct art_savepoints *savepoints) {
    art_free(savepoints->items);
    *savepoints = (struct art_savepoints){0};
}
