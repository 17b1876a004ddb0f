/* POINT: the row of one path, by a point read and without a cursor of the tree. (LIST and BEST show such rows, too.)
 *
 * Of a number it is whatever SQLite may find equal to it: its own text, and all its spellings. These are a RANGE, since
 * all paths that look like a number stand before ':'. A literal means its text alone, and SQLite looks again. But a
 * number out of an INTEGER column, in a join or in IN (SELECT ...), is compared as a number: taken for its text, a 5
 * would lose the keys 05 and 5.0, which an ordinary table gives.
 */
#include <assert.h>
#include <math.h>

#include "ext/query/scan.h"

enum art_rc art_point_scan_find(struct art_scan *scan, struct art_bytes path) {
    art_row_release(&scan->row);
    enum art_rc rc = art_tree_get(art_scan_tree(scan), path, &scan->row);
    if (rc == ART_NOTFOUND) return ART_OK;
    if (!rc) rc = art_buffer_set(&scan->key, path.data, path.len);
    if (!rc) scan->state = ART_SCAN_ON_ROW;
    return rc;
}

/* UPDATE and DELETE look at one row only, where SQLite was told that there is no other. */
static enum art_rc refuse_second_spelling(struct art_scan *scan) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    const char *key = vtab->columns.items[ART_COLUMN_KEY].name;
    enum art_rc rc = art_range_scan_next(scan);
    if (rc || scan->state == ART_SCAN_END) return rc ? rc : art_range_scan_open(scan);
    scan->state = ART_SCAN_END;
    return art_fail(ART_MISUSE,
                    "art: SQLite does not tell whether %s.%s is equal to %s as a text or as a number, and there are "
                    "several such keys: write CAST(... AS TEXT) around the number, or CAST(%s AS NUMERIC)",
                    vtab->name->table, key, (const char *)scan->match.text.data, key);
}

int art_point_scan_number(struct art_scan *scan, sqlite3_value *number) {
    struct art_match *match = &scan->match;
    const unsigned char *text = sqlite3_value_text(number);
    match->by = ART_MATCH_NUMBER;
    match->number = sqlite3_value_double(number);
    if (!text || art_buffer_set(&match->text, text, strlen((const char *)text) + 1)) return SQLITE_NOMEM;
    return SQLITE_OK;
}

/* (Inf is the only text of a number that does not stand before ':'.) */
enum art_rc art_point_scan_open(struct art_scan *scan) {
    assert(scan->kind == ART_SCAN_POINT);
    if (scan->match.by != ART_MATCH_NUMBER) return art_point_scan_find(scan, scan->keys.range.low);
    if (!isinf(scan->match.number)) scan->keys.range = art_range_of_numbers(&scan->keys.range);
    scan->kind = ART_SCAN_RANGE;
    enum art_rc rc = art_range_scan_open(scan);
    bool may_be_one_of_several = scan->plan & ART_PLAN_UNIQUE && scan->state == ART_SCAN_ON_CURSOR;
    if (rc || !may_be_one_of_several || !art_is_writing(art_scan_vtab(scan)->connection->db)) return rc;
    return refuse_second_spelling(scan);
}

enum art_rc art_point_scan_next(struct art_scan *scan) {
    scan->state = ART_SCAN_END;
    return ART_OK;
}
