/* RANGE: from row to row of a range of keys. A plain range gives each row as it is, one with lookups each that the tree
 * finds; of any other all are looked at (rows.c).
 *
 * Counting. `SELECT count(*) ... WHERE path GLOB 'a*'` asks for no column of any row. After a few rows of that, a plain
 * range is counted once (two descents) and from there on only numbers move:
 *
 *     rows     ....a b c d e f g h i j k l m ..    tree's cursor stands on h, claimed is k: behind = 3
 *                                ^     ^           left = rows behind k
 *
 * As soon as a column is wanted, the cursor goes to where it claims to be. It has to go there before the table changes,
 * too (art_scans_catch_up()): where k stood cannot be told from 3 and h any more when one of i, j and k is gone, or
 * another row has come between them. That is why no change number of the tree is enough here, as it is for the tree's
 * cursor, which has its key.
 *
 * SELECT DISTINCT of the first columns of a key wants one row of each value. The others are stepped over, and from a
 * few on the cursor goes where another value begins.
 */
#include <assert.h>

#include "core/base/limits.h"
#include "ext/query/scan.h"

/* --- from row to row ---------------------------------------------------------------------------------------------- */

/* Does the cursor stand on a key that has these values first? Behind the last one stands no NUL that is part of it. */
static bool has_values(const struct art_scan *scan, struct art_bytes values, bool turned) {
    if (!art_cursor_valid(scan->cursor)) return false;
    struct art_bytes key = art_cursor_key(scan->cursor);
    if (!art_bytes_starts_with(key, values)) return false;
    return key.len == values.len || key.data[values.len] != (turned ? (uint8_t)~ART_KEY_BEHIND : ART_KEY_BEHIND);
}

/* From `values`, which have room for a byte more. */
static enum art_rc seek_other_values(struct art_scan *scan, struct art_buffer *values, bool turned) {
    struct art_range range = scan->keys.range;
    bool back = scan->descending, byte = !back || turned;
    enum art_rc rc = art_scan_ready(scan);
    if (rc) return rc;
    if (byte) values->data[values->len] = back ? ART_KEY_BEFORE : ART_KEY_BEHIND;
    struct art_bytes bound = art_bytes(values->data, (uint32_t)values->len + byte);
    if (back) {
        range.high = bound;
        range.high_set = range.high_open = true;
    } else {
        range.low = bound;
        range.low_set = true;
        range.low_open = false;
    }
    return art_cursor_seek(scan->cursor, &range, back);
}

static enum art_rc next_value(struct art_scan *scan, unsigned places) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    bool turned = columns->items[art_columns_key(columns, places)].descending, same = true;
    struct art_buffer *values = &scan->scratch[0];
    struct art_bytes key = art_cursor_key(scan->cursor);
    uint32_t len = art_several_bytes(scan, key, places);
    values->len = 0;
    enum art_rc rc = art_buffer_reserve(values, (size_t)len + 1);
    if (!rc) rc = art_buffer_append(values, key.data, len);
    for (unsigned rows = 0; !rc && same && rows < ART_LIMIT(value_after_rows); rows++) {
        rc = art_rows_step(scan);
        same = !rc && len && has_values(scan, art_buffer_bytes(values), turned);
    }
    if (!rc && same) rc = seek_other_values(scan, values, turned);
    if (!rc) rc = art_rows_next(scan, false);
    if (rc) scan->state = ART_SCAN_END;
    return rc;
}

static inline enum art_rc step_in_range(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    range->unseen += range->plain;
    if (!range->straight) return range->places ? next_value(scan, range->places) : art_rows_next(scan, true);
    enum art_rc rc = art_rows_step(scan);
    if (rc || !art_cursor_valid(scan->cursor)) scan->state = ART_SCAN_END;
    return rc;
}

enum art_rc art_range_scan_open(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    assert(scan->kind == ART_SCAN_RANGE);
    *range = (struct art_range_scan){.places = art_scan_item(scan)};
    range->straight = scan->match.by == ART_MATCH_ALL && !scan->filters.count && !range->places;
    range->plain = range->straight && !scan->limits.query_count;
    range->unseen = range->plain;
    enum art_rc rc = art_rows_begin(scan);
    if (!rc && range->plain && scan->offset) rc = art_cursor_skip(scan->cursor, scan->offset);
    if (!rc) rc = art_rows_next(scan, false);
    for (; !rc && !range->plain && scan->offset && scan->state == ART_SCAN_ON_CURSOR; scan->offset--)
        rc = step_in_range(scan);
    return rc;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

/* The row that the cursor stands on may have been deleted meanwhile: it is not counted. */
static enum art_rc begin_counting(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    assert(range->plain && !range->behind);
    struct art_range rows = art_rows_behind(scan, art_cursor_key(scan->cursor));
    range->unseen = 0;
    if (art_tree_unknown(art_scan_tree(scan))) return ART_OK;
    enum art_rc rc = art_tree_count(art_scan_tree(scan), &rows, &range->left);
    if (rc) return rc;
    scan->state = ART_SCAN_COUNTING;
    return ART_OK;
}

void art_range_scan_catch_up(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    assert(scan->kind == ART_SCAN_RANGE && scan->state == ART_SCAN_COUNTING);
    enum art_rc rc = range->behind ? art_scan_ready(scan) : ART_OK;
    if (!rc && range->behind) rc = art_cursor_skip(scan->cursor, range->behind);
    if (!rc && !art_cursor_valid(scan->cursor)) {
        rc = art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a range holds fewer rows than were counted");
    }
    range->behind = 0;
    range->unseen = 1;
    range->failure = rc;
    scan->state = rc ? ART_SCAN_FAILED : ART_SCAN_ON_CURSOR;
}

static inline enum art_rc count_on(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    range->behind++;
    if (range->left--) return ART_OK;
    scan->state = ART_SCAN_END;
    art_scan_vtab(scan)->table->counted++;
    return ART_OK;
}

enum art_rc art_range_scan_next(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    enum art_rc rc = ART_OK;
    assert(scan->state != ART_SCAN_COUNTING);
    if (scan->state == ART_SCAN_FAILED) return range->failure;
    if (range->unseen >= ART_LIMIT(count_after_rows) && !scan->keys.range.newer_than) rc = begin_counting(scan);
    if (scan->state == ART_SCAN_COUNTING) return count_on(scan);
    if (!rc) return step_in_range(scan);
    scan->state = ART_SCAN_END;
    return rc;
}

int art_range_scan_next_quickly(struct art_scan *scan) {
    scan->record.fetched = false;
    enum art_rc rc = scan->state == ART_SCAN_COUNTING ? count_on(scan) : step_in_range(scan);
    if (scan->state == ART_SCAN_END) art_scan_end(scan);
    return rc ? art_scan_fail(scan, rc) : SQLITE_OK;
}
