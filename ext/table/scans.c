/* The open scans of a table: told when it changes under them. */
#include "ext/table/table.h"

void art_scans_enter(struct art_open_scan *scan) {
    struct art_table *table = ((struct art_vtab *)scan->base.pVtab)->table;
    if (scan->link) return;
    scan->next = table->scans;
    scan->link = &table->scans;
    if (scan->next) scan->next->link = &scan->next;
    table->scans = scan;
}

void art_scans_leave(struct art_open_scan *scan) {
    if (!scan->link) return;
    *scan->link = scan->next;
    if (scan->next) scan->next->link = scan->link;
    scan->link = NULL;
}

void art_scans_settle(struct art_table *table) {
    for (struct art_open_scan *scan = table->scans; scan; scan = scan->next) scan->methods->settle(scan);
}

void art_scans_abandon(struct art_vtab *vtab) {
    for (struct art_open_scan *scan = vtab->table->scans, *next; scan; scan = next) {
        next = scan->next;
        if (scan->base.pVtab == &vtab->base) scan->methods->abandon(scan);
    }
}
