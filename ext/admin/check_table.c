/* art_check('objects') as a table: a row for each thing that is wrong, none when all is well.
 *
 *     SELECT * FROM art_check('objects');      problem                                 | place         | slot | page
 *                                              the page's hash is not that of ...      | /x/d.db-...   | 7    | 12
 *                                              row 31 does not follow the row before   | the log       |      |
 *
 * All rows are of one snapshot (table_ref.c) and made at once; there are at most ART_FINDINGS_MAX, the last of which
 * says so when there are more.
 */
#include "ext/admin/admin.h"

enum { COLUMN_PROBLEM, COLUMN_PLACE, COLUMN_SLOT, COLUMN_PAGE, COLUMN_TABLE };

struct check_cursor {
    struct art_function_cursor base;
    struct art_findings findings;
};

static void clear_check(struct art_function_cursor *base) {
    art_findings_clear(&((struct check_cursor *)base)->findings);
}

static int begin_check(struct art_function_cursor *base, const char *text, char **message) {
    struct check_cursor *cursor = (struct check_cursor *)base;
    cursor->findings = (struct art_findings){.most = ART_FINDINGS_MAX};
    struct art_connection *connection = ((struct art_function_vtab *)base->base.pVtab)->connection;
    int rc = art_check_named(connection, text, &cursor->findings, message);
    base->rows = cursor->findings.count;
    return rc;
}

void art_result_number(sqlite3_context *context, uint32_t number) {
    if (number != ART_NOWHERE) sqlite3_result_int64(context, number);
}

static void show_finding(struct art_function_cursor *base, sqlite3_context *context, int column) {
    assert(base->row >= 1 && base->row <= ((struct check_cursor *)base)->findings.count);
    const struct art_finding *finding = &((struct check_cursor *)base)->findings.items[base->row - 1];
    if (column == COLUMN_PROBLEM) sqlite3_result_text(context, finding->what, -1, SQLITE_TRANSIENT);
    if (column == COLUMN_PLACE) sqlite3_result_text(context, finding->place, -1, SQLITE_TRANSIENT);
    if (column == COLUMN_SLOT) art_result_number(context, finding->slot);
    if (column == COLUMN_PAGE) art_result_number(context, finding->page);
}

/* It reads for minutes: only for people, as the function. */
const struct art_table_function art_check_function = {
    .name = "art_check",
    .declaration = "CREATE TABLE x(problem TEXT, place TEXT, slot INTEGER, page INTEGER, \"table\" HIDDEN)",
    .argument = COLUMN_TABLE,
    .only_for_people = true,
    .cursor_bytes = sizeof(struct check_cursor),
    .clear = clear_check,
    .begin = begin_check,
    .column = show_finding,
};
