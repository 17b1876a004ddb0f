/* What scans of all kinds do: they stay on a tree that is known, and let go of it. RANGE, LEVEL and LIST walk the
 * tree's cursor, and look at each row: whether its path matches a pattern, and whether it may meet what is asked of
 * other columns. Values are fetched only when SQLite asks for one.
 */
#include "ext/query/scan.h"

/* After SEEK_AFTER_ROWS rows in a row that LIKE cannot match, the next spelling is sought; every so many rows that are
 * not given, an interrupt is looked for. */
enum { SEEK_AFTER_ROWS = 8, ASK_EVERY_ROWS = 4096 };

/* SQLite keeps the scan of an UPDATE open until the last row is changed: it would hold the memtable that was there at
 * its beginning, beside all that the transaction spills. */
void art_scan_end(struct art_scan *scan) {
    art_scan_forget_value(scan);
    art_row_release(&scan->row);
    art_best_close(scan->search);
    art_batch_clear(&scan->batch);
    art_cursor_close(scan->cursor);
    scan->search = NULL;
    scan->cursor = NULL;
    scan->state = ART_SCAN_END;
}

/* A tree may be unknown in the middle of a scan, after a ROLLBACK: then it is read anew. */
enum art_rc art_scan_ready(const struct art_scan *scan) {
    char *message = NULL;
    if (!art_tree_unknown(art_scan_tree(scan))) return ART_OK;
    int failed = art_table_refresh(art_scan_vtab(scan)->table, &message);
    enum art_rc rc = failed ? art_fail(ART_CORRUPT, "%s", message ? message : "art: the table cannot be read") : ART_OK;
    sqlite3_free(message);
    return rc;
}

enum art_rc art_scan_check_summary(const struct art_scan *scan) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    if (art_summaries_equal(&vtab->summarised, art_table_summarised(vtab->table))) return ART_OK;
    return art_fail(ART_MISUSE, "art: the summary was changed while the query ran (%s): run it again",
                    vtab->name->table);
}

/* --- the tree's cursor -------------------------------------------------------------------------------------------- */

enum art_rc art_rows_begin(struct art_scan *scan) {
    enum art_rc rc = scan->cursor ? ART_OK : art_cursor_open(art_scan_tree(scan), &scan->cursor);
    return rc ? rc : art_cursor_seek(scan->cursor, &scan->keys.range, scan->descending);
}

struct art_range art_rows_behind(const struct art_scan *scan, struct art_bytes key) {
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

enum art_rc art_rows_step_again(struct art_scan *scan) {
    struct art_bytes key = art_cursor_key(scan->cursor);
    struct art_buffer copy = {0};
    enum art_rc rc = art_buffer_append(&copy, key.data, key.len);
    struct art_range range = art_rows_behind(scan, art_buffer_bytes(&copy));
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
