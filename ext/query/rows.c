/* What scans of all kinds do: they stay on a tree that is known, and let go of it. RANGE, LEVEL and LIST walk the
 * tree's cursor, and look at each row: whether its path matches a pattern, and whether it may meet what is asked of
 * other columns. Values are fetched only when SQLite asks for one.
 */
#include <assert.h>

#include "core/base/limits.h"
#include "ext/query/scan.h"

/* After some rows in a row that LIKE cannot match, the next spelling is sought; every so many rows that are
 * not given, an interrupt is looked for. */

/* SQLite keeps the scan of an UPDATE open until the last row is changed: it would hold the memtable that was there at
 * its beginning, beside all that the transaction spills. */
void art_scan_end(struct art_scan *scan) {
    struct art_reading *reading = (struct art_reading *)art_scan_vtab(scan)->reading;
    reading->listed = NULL;
    if (scan->begun) reading->ended_on_snapshot = scan->snapshot != NULL;
    scan->begun = false;
    art_scan_forget_value(scan);
    art_row_release(&scan->row);
    art_best_close(scan->search);
    art_batch_clear(&scan->batch);
    art_cursor_close(scan->cursor);
    if (scan->list_file) art_list_scan_close_file(scan);
    scan->search = NULL;
    scan->cursor = NULL;
    scan->record.visit = 0;
    scan->state = ART_SCAN_END;
    if (scan->snapshot) art_snapshot_tree_release(scan->snapshot);
    scan->snapshot = NULL;
}

int art_scan_read_snapshot(struct art_scan *scan, sqlite3_value *name) {
    assert(!scan->snapshot && scan->state == ART_SCAN_END);
    return art_snapshot_argument(art_scan_vtab(scan)->table, name, &scan->snapshot, &scan->open.base.pVtab->zErrMsg);
}

/* A tree may be unknown in the middle of a scan, after a ROLLBACK: then it is read anew. */
enum art_rc art_scan_ready(const struct art_scan *scan) {
    char *message = NULL;
    if (!art_tree_unknown(art_scan_tree(scan))) return ART_OK;
    assert(!scan->snapshot); /* its tree is never in a transaction */
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

/* Past all paths that LIKE cannot match, to its next spelling. */
static enum art_rc seek_spelling(struct art_scan *scan) {
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
    } else {
        bool whole = scan->match.folded.whole;
        if (whole) found = (struct art_range){.high = spelling, .high_set = true};
        if (found.high_set && (!range.high_set || art_bytes_compare(found.high, range.high) < 0)) {
            range.high = found.high;
            range.high_set = true;
            range.high_open = !whole;
        }
    }
    return art_cursor_seek(scan->cursor, &range, scan->descending);
}

/* --- from row to row ---------------------------------------------------------------------------------------------- */

uint32_t art_rows_roll_up(const struct art_scan *scan, struct art_bytes path) {
    const struct art_buffer *prefix = art_scan_prefix(scan);
    const struct art_buffer *delimiter = &scan->shown[ART_HIDDEN_DELIMITER].text;
    uint32_t from = (uint32_t)prefix->len, len = (uint32_t)delimiter->len;
    if (art_scan_vtab(scan)->columns.keys) return art_several_roll_up(scan, path, from);
    if (path.len < from + len) return 0;
    const uint8_t *found = art_find_bytes(path.data + from, path.len - from, delimiter->data, len);
    return found ? (uint32_t)(found - path.data) + len : 0;
}

/* Behind the row, and behind all that it stands for. */
static inline enum art_rc leave_row(struct art_scan *scan, const struct art_level_scan *level) {
    if (!level || !level->rolled) return art_rows_step(scan);
    enum art_rc rc = art_scan_ready(scan);
    return rc ? rc : art_cursor_skip_prefix(scan->cursor, level->rolled);
}

enum art_rc art_rows_next(struct art_scan *scan, bool leaves) {
    struct art_level_scan *level = scan->kind == ART_SCAN_LEVEL ? &scan->of.level : NULL;
    bool all_match = scan->match.by == ART_MATCH_ALL;
    unsigned passed = 0, steps = 0, mismatches = 0;
    enum art_rc rc = leaves ? leave_row(scan, level) : ART_OK;
    scan->state = ART_SCAN_ON_CURSOR;
    while (!rc && art_cursor_valid(scan->cursor)) {
        bool matches = true, seeks = false;
        if (level) level->rolled = art_rows_roll_up(scan, art_cursor_key(scan->cursor));
        if (!all_match) rc = art_match_path(&scan->match, art_scan_path(scan), &matches);
        if (rc || (matches && (!scan->filters.count || art_filters_may_want(scan)))) break;
        if (level) level->known = ART_TOTALS_NONE;
        if (!matches && scan->match.by == ART_MATCH_FOLDED && ++mismatches % ART_LIMIT(seek_after_rows) == 0) {
            /* A common prefix that is shorter than the pattern's beginning may stand for paths with all of it. */
            seeks = !level || !art_folded_matches(&scan->match.folded, art_cursor_key(scan->cursor));
        }
        if (all_match && !level) passed += art_filters_pass(scan);
        rc = seeks ? seek_spelling(scan) : leave_row(scan, level);
        passed++;
        if (++steps % ART_LIMIT(ask_rows) == 0 && !rc && art_interrupted(art_scan_vtab(scan)->connection))
            rc = art_fail(ART_INTERRUPT, "art: interrupted");
    }
    art_scan_vtab(scan)->table->filtered += passed;
    if (rc || !art_cursor_valid(scan->cursor)) scan->state = ART_SCAN_END;
    return rc;
}
