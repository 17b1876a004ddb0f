/* RANGE: from row to row of a range of keys. LEVEL and LIST walk the tree's cursor by the same steps.
 *
 * A plain range gives each row as it is. Of any other each row is looked at: whether its path matches a pattern, and
 * whether it may meet what is asked of other columns. Values are fetched only when SQLite asks for one.
 *
 * Counting. `SELECT count(*) ... WHERE path GLOB 'a*'` asks for no column of any row. After a few rows of that, a plain
 * range is counted once (two descents) and from there on only numbers move:
 *
 *     rows     ....a b c d e f g h i j k l m ..    tree's cursor stands on h, claimed is k: behind = 3
 *                                ^     ^           left = rows behind k
 *
 * As soon as a column is wanted, the cursor goes to where it claims to be. It has to go there before the table changes,
 * too (art_scans_settle()): where k stood cannot be told from 3 and h any more when one of i, j and k is gone, or
 * another row has come between them. That is why no change number of the tree is enough here, as it is for the tree's
 * cursor, which has its key.
 */
#include <assert.h>

#include "ext/query/scan.h"

/* COUNT_AFTER_ROWS rows without a look at one, counting begins; after SEEK_AFTER_ROWS rows in a row that LIKE cannot
 * match, the next spelling is sought; every so many rows that are not given, an interrupt is looked for. */
enum { COUNT_AFTER_ROWS = 8, SEEK_AFTER_ROWS = 8, ASK_EVERY_ROWS = 4096 };

/* --- the tree's cursor -------------------------------------------------------------------------------------------- */

enum art_rc art_rows_begin(struct art_scan *scan) {
    enum art_rc rc = scan->cursor ? ART_OK : art_cursor_open(art_scan_tree(scan), &scan->cursor);
    return rc ? rc : art_cursor_seek(scan->cursor, &scan->keys.range, scan->descending);
}

/* What the cursor has not done yet: the rows behind `key`. */
static struct art_range behind(const struct art_scan *scan, struct art_bytes key) {
    struct art_range range = scan->keys.range;
    if (scan->descending) {
        range.high = key;
        range.high_set = range.high_open = true;
    } else {
        range.low = key;
        range.low_set = range.low_open = true;
    }
    return range;
}

/* The step has failed, since the tree is unknown: the cursor has its key still. */
enum art_rc art_rows_step_again(struct art_scan *scan) {
    struct art_bytes key = art_cursor_key(scan->cursor);
    struct art_buffer copy = {0};
    enum art_rc rc = art_buffer_append(&copy, key.data, key.len);
    struct art_range range = behind(scan, art_buffer_bytes(&copy));
    if (!rc) rc = art_scan_ready(scan);
    if (!rc) rc = art_cursor_seek(scan->cursor, &range, scan->descending);
    art_buffer_clear(&copy);
    return rc;
}

enum art_rc art_rows_seek(struct art_scan *scan) {
    struct art_range range = scan->keys.range, found, nothing = {.high_set = true, .high_open = true};
    struct art_buffer *scratch = &scan->keys.scratch;
    enum art_rc rc = art_scan_ready(scan);
    if (rc) return rc;
    if (!art_folded_next(&scan->match.folded, art_cursor_key(scan->cursor), scan->descending))
        return art_cursor_seek(scan->cursor, &nothing, scan->descending);
    struct art_bytes spelling = art_buffer_bytes(&scan->match.folded.seek);
    scratch->len = 0;
    if (art_buffer_reserve(scratch, spelling.len)) return art_nomem();
    art_range_of_prefix(spelling, scratch->data, &found);
    if (!scan->descending) {
        if (!range.low_set || art_bytes_compare(spelling, range.low) > 0) {
            range.low = spelling;
            range.low_set = true;
            range.low_open = false;
        }
    } else if (found.high_set && (!range.high_set || art_bytes_compare(found.high, range.high) < 0)) {
        range.high = found.high;
        range.high_set = range.high_open = true;
    }
    return art_cursor_seek(scan->cursor, &range, scan->descending);
}

static enum art_rc ask_for_interrupt(const struct art_scan *scan) {
    bool stopped = art_interrupted(art_scan_vtab(scan)->connection);
    return stopped ? art_fail(ART_INTERRUPT, "art: interrupted") : ART_OK;
}

enum art_rc art_rows_look(struct art_scan *scan, struct art_rows_passed *passed, enum art_rows_answer *out) {
    bool matches;
    enum art_rc rc = art_match_path(&scan->match, art_scan_path(scan), &matches);
    *out = ART_ROWS_STAY;
    if (rc || (matches && (!scan->filters.count || art_filters_may_want(scan)))) return rc;
    *out = ART_ROWS_STEP;
    if (!matches && scan->match.by == ART_MATCH_FOLDED && ++passed->mismatches % SEEK_AFTER_ROWS == 0)
        *out = ART_ROWS_SEEK;
    return ++passed->rows % ASK_EVERY_ROWS ? ART_OK : ask_for_interrupt(scan);
}

/* The same where all paths match. */
static inline enum art_rc pass_unwanted(struct art_scan *scan, struct art_rows_passed *passed) {
    enum art_rc rc = ART_OK;
    while (!rc && art_cursor_valid(scan->cursor) && !art_filters_may_want(scan)) {
        rc = art_rows_step(scan);
        if (!rc && ++passed->rows % ASK_EVERY_ROWS == 0) rc = ask_for_interrupt(scan);
    }
    return rc;
}

enum art_rc art_rows_settle(struct art_scan *scan) {
    struct art_rows_passed passed = {0};
    enum art_rows_answer answer = scan->match.by == ART_MATCH_ALL ? ART_ROWS_STAY : ART_ROWS_STEP;
    enum art_rc rc = ART_OK;
    scan->state = ART_SCAN_ON_CURSOR;
    if (answer == ART_ROWS_STAY && scan->filters.count) rc = pass_unwanted(scan, &passed);
    while (!rc && answer != ART_ROWS_STAY && art_cursor_valid(scan->cursor)) {
        rc = art_rows_look(scan, &passed, &answer);
        if (!rc && answer == ART_ROWS_STEP) rc = art_rows_step(scan);
        if (!rc && answer == ART_ROWS_SEEK) rc = art_rows_seek(scan);
    }
    art_scan_vtab(scan)->table->filtered += passed.rows;
    if (rc || !art_cursor_valid(scan->cursor)) scan->state = ART_SCAN_END;
    return rc;
}

/* --- from row to row ---------------------------------------------------------------------------------------------- */

static inline enum art_rc step_in_range(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    range->unseen += range->plain;
    enum art_rc rc = art_rows_step(scan);
    if (!rc && !range->plain) return art_rows_settle(scan);
    if (rc || !art_cursor_valid(scan->cursor)) scan->state = ART_SCAN_END;
    return rc;
}

enum art_rc art_range_scan_open(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    assert(scan->kind == ART_SCAN_RANGE);
    *range = (struct art_range_scan){.plain = scan->match.by == ART_MATCH_ALL && !scan->filters.count &&
                                              !scan->limits.sought_count};
    range->unseen = range->plain;
    enum art_rc rc = art_rows_begin(scan);
    if (!rc && range->plain && scan->offset) rc = art_cursor_skip(scan->cursor, scan->offset);
    if (!rc) rc = art_rows_settle(scan);
    for (; !rc && !range->plain && scan->offset && scan->state == ART_SCAN_ON_CURSOR; scan->offset--)
        rc = step_in_range(scan);
    return rc;
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

/* The row that the cursor stands on may have been deleted meanwhile: it is not counted. */
static enum art_rc begin_counting(struct art_scan *scan) {
    struct art_range_scan *range = &scan->of.range;
    assert(range->plain && !range->behind);
    struct art_range rows = behind(scan, art_cursor_key(scan->cursor));
    range->unseen = 0;
    if (art_tree_unknown(art_scan_tree(scan))) return ART_OK;
    enum art_rc rc = art_tree_count(art_scan_tree(scan), &rows, &range->left);
    if (rc) return rc;
    scan->state = ART_SCAN_COUNTING;
    return ART_OK;
}

void art_range_scan_settle(struct art_scan *scan) {
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
    if (range->unseen >= COUNT_AFTER_ROWS && !scan->keys.range.newer_than) rc = begin_counting(scan);
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
