/* BEST: rows in the order of a summarised column's values: ORDER BY size DESC LIMIT 20, max(mtime).
 *
 * The tree finds them best first, and each is then a row as a point read gives it. Rows with one value come in the
 * order of their paths, whether that is asked for or not. So value and path of the last row say where the scan stands.
 * A search ends when its table changes. The next row is then found by another one, which passes over all that is not
 * behind the last row.
 *
 * The tree knows no order of paths from the last to the first. Where that is asked for, all rows with one value are put
 * into a batch, and given from there.
 *
 * A search takes a microsecond or more a row, and SQLite may throw away what it finds. A walk through the range takes a
 * thirtieth of that. So a search is given up after as many parts as cost half as much as sorting (PATIENCE_ROWS). From
 * there on each walk collects the next rows behind the last one in a batch (batch.c), each time more of them:
 *
 *     search   97 96 95 94      given up
 *     walk     93 .. 51         1,024 rows, or more
 *     walk     50 .. 3          eight times as many, up to 8 MB; where no LIMIT is told, at once up to 32 MB
 *
 * So a scan costs no more than the search if few rows are wanted, and twice as much as sorting if all are. Where no
 * LIMIT is told, one row is wanted, as of max(), or all are. There the search is given up after some rows, and one
 * batch takes all that there is room for. A row of a batch is shown as it was when the batch was collected, as SQLite
 * shows what it has sorted; one of which the batch has no record is left out where it has another value by now.
 */
#include <assert.h>

#include "core/base/limits.h"
#include "ext/query/scan.h"

enum {
    PATIENCE_ROWS = 64, /* to look at one part takes as long as to walk over some 30 rows, and to sort them */
    NO_LIMIT_PARTS = 4, /* the same where no LIMIT is told, and all rows may be wanted: a quarter of it */
};

static enum art_rc begin_search(struct art_scan *scan) {
    art_best_close(scan->search);
    scan->search = NULL;
    enum art_rc rc = art_scan_check_summary(scan);
    return rc ? rc : art_best_open(art_scan_tree(scan), &scan->keys.range, &scan->of.best.order, &scan->search);
}

/* --- the last row ------------------------------------------------------------------------------------------------- */

static bool is_behind_last(const struct art_scan *scan, struct art_bytes path, const struct art_datum *value) {
    const struct art_best_scan *best = &scan->of.best;
    if (!best->any) return true;
    struct art_bytes last_path = art_buffer_bytes(&scan->scratch[ART_SCRATCH_LAST_PATH]);
    return art_batch_compare(best->rows, value, path, &best->last, last_path) > 0;
}

static enum art_rc note_last(struct art_scan *scan, struct art_bytes path, const struct art_datum *value) {
    struct art_best_scan *best = &scan->of.best;
    struct art_buffer *text = &scan->scratch[ART_SCRATCH_LAST], *last_path = &scan->scratch[ART_SCRATCH_LAST_PATH];
    enum art_rc rc = ART_OK;
    text->len = last_path->len = 0;
    best->any = true;
    best->last = *value;
    if (value->kind >= ART_DATUM_TEXT) {
        rc = art_buffer_append(text, value->bytes.data, value->bytes.len);
        best->last.bytes = art_buffer_bytes(text);
    }
    return rc ? rc : art_buffer_append(last_path, path.data, path.len);
}

/* --- a row's value ------------------------------------------------------------------------------------------------ */

/* The value by which a row is sorted, borrowed from it or from `room`, which has ART_VALUE_INLINE_MAX bytes. *owned:
 * memory for it, to be freed. */
static enum art_rc value_of_row(const struct art_scan *scan, const struct art_row *of, uint8_t *room,
                                struct art_datum *value, uint8_t **owned) {
    const struct art_summary *summary = art_tree_summarised(art_scan_tree(scan));
    struct art_datum data[ART_SUMMARY_MAX];
    unsigned item = scan->of.best.order.column;
    enum art_rc rc = ART_OK;
    *owned = NULL;
    struct art_entry entry = {.value = of->stored.bytes, .row = of->stored.row};
    entry.flags = (of->overflows ? ART_OVERFLOW : 0) | (of->stored.in_block ? ART_IN_BLOCK : 0);
    art_summary_read(summary, &entry, 1u << item, room, data);
    if (of->overflows && data[item].kind >= ART_DATUM_TEXT) {
        rc = art_row_value(art_scan_tree(scan), of, &entry.value, owned);
        struct art_stored whole = art_stored_of(entry.value);
        if (!rc) summary->read(summary->context, &whole, 1u << item, NULL, data);
    }
    *value = data[item];
    return rc;
}

/* The row of a batch, if it has the value still by which it stands there: else its place is another one by now. */
static enum art_rc find_row_of_batch(struct art_scan *scan, const struct art_batch_row *row) {
    uint8_t *owned, room[ART_VALUE_INLINE_MAX];
    struct art_datum value;
    enum art_rc rc = art_scan_ready(scan);
    if (!rc) rc = art_scan_check_summary(scan);
    if (!rc) rc = art_point_scan_find(scan, row->path);
    if (rc || scan->state != ART_SCAN_ON_ROW) return rc;
    rc = value_of_row(scan, &scan->row, room, &value, &owned);
    if (rc || art_datum_compare(&value, &row->value)) scan->state = ART_SCAN_END;
    art_free(owned);
    return rc;
}

/* --- rows of the search ------------------------------------------------------------------------------------------- */

/* The search's next row behind the last one; *anew: the table has changed, and it is another search. */
static enum art_rc find_next(struct art_scan *scan, struct art_bytes *path, struct art_datum *value, bool *anew) {
    struct art_best_scan *best = &scan->of.best;
    bool behind = false;
    enum art_rc rc = ART_OK;
    *anew = false;
    while (!rc && !behind) {
        rc = art_scan_ready(scan);
        if (!rc) rc = art_best_next(scan->search, path, value);
        if (rc == ART_REBUILD) {
            *anew = true;
            best->again = best->any;
            rc = begin_search(scan);
            continue;
        }
        if (!rc) behind = !best->again || is_behind_last(scan, *path, value);
    }
    return rc;
}

static enum art_rc find_row(struct art_scan *scan) {
    struct art_bytes path;
    struct art_datum value;
    bool anew;
    enum art_rc rc = find_next(scan, &path, &value, &anew);
    if (!rc) rc = note_last(scan, path, &value);
    return rc ? rc : art_point_scan_find(scan, path);
}

/* All rows with the next value, into the batch, and the one behind them, if there is one. */
static enum art_rc find_group(struct art_scan *scan) {
    struct art_best_scan *best = &scan->of.best;
    struct art_batch *batch = &scan->batch;
    enum art_rc rc = ART_OK;
    if (best->ahead) {
        rc = art_batch_keep_last(batch);
    } else {
        art_batch_begin(batch, best->rows);
    }
    best->ahead = false;
    while (!rc && !best->ahead && !batch->full) {
        struct art_batch_row row = {0};
        bool anew;
        rc = find_next(scan, &row.path, &row.value, &anew);
        if (anew) art_batch_begin(batch, best->rows);
        if (!rc) best->ahead = batch->count && art_datum_compare(&row.value, &batch->rows[0].row->value);
        if (!rc) rc = art_batch_take(batch, &row);
    }
    art_batch_sort(batch);
    return rc == ART_NOTFOUND && batch->count && !art_best_is_given_up(scan->search) ? ART_OK : rc;
}

/* The same from the last path to the first, of those with one value. */
static enum art_rc find_row_backwards(struct art_scan *scan) {
    const struct art_batch *batch = &scan->batch;
    enum art_rc rc = batch->given + scan->of.best.ahead < batch->count ? ART_OK : find_group(scan);
    if (!rc && batch->full) return ART_NOTFOUND; /* there is no room for them */
    if (rc) return rc;
    const struct art_batch_row *row = art_batch_next(&scan->batch);
    rc = note_last(scan, row->path, &row->value);
    return rc ? rc : find_row_of_batch(scan, row);
}

/* --- rows of a batch ---------------------------------------------------------------------------------------------- */

static enum art_rc take_row_under_cursor(struct art_scan *scan) {
    const struct art_row *under = art_cursor_row(scan->cursor);
    struct art_batch_row row = {.path = art_cursor_key(scan->cursor), .has_record = !under->overflows};
    uint8_t *owned, room[ART_VALUE_INLINE_MAX], record[ART_VALUE_INLINE_MAX];
    enum art_rc rc = value_of_row(scan, under, room, &row.value, &owned);
    bool wanted =
        !rc && is_behind_last(scan, row.path, &row.value) && art_batch_wants(&scan->batch, &row.value, row.path);
    if (wanted) {
        row.version = under->version;
        row.record = row.has_record ? art_stored_plain(&under->stored, record) : art_bytes(NULL, 0);
        rc = art_batch_take(&scan->batch, &row);
    }
    art_free(owned);
    return rc;
}

/* The next rows behind the last one, by a walk through the range. */
static enum art_rc collect(struct art_scan *scan) {
    unsigned rows = 0;
    art_batch_begin(&scan->batch, scan->of.best.rows);
    enum art_rc rc = art_scan_ready(scan);
    if (!rc) rc = art_scan_check_summary(scan);
    if (!rc) rc = art_rows_begin(scan);
    if (!rc) rc = art_rows_next(scan, false);
    while (!rc && scan->state == ART_SCAN_ON_CURSOR) {
        rc = take_row_under_cursor(scan);
        if (!rc && ++rows % ART_LIMIT(ask_collected) == 0 && art_interrupted(art_scan_vtab(scan)->connection))
            rc = art_fail(ART_INTERRUPT, "art: interrupted");
        if (!rc) rc = art_rows_next(scan, true);
    }
    scan->state = ART_SCAN_END;
    scan->record.fetched = false;
    art_cursor_close(scan->cursor);
    scan->cursor = NULL;
    scan->record.visit = 0;
    if (!rc) art_batch_sort(&scan->batch);
    return rc;
}

static enum art_rc show_row_of_batch(struct art_scan *scan, const struct art_batch_row *row) {
    if (!row->has_record) return find_row_of_batch(scan, row);
    art_row_release(&scan->row);
    scan->row = (struct art_row){.stored = art_stored_of(row->record), .version = row->version};
    enum art_rc rc = art_buffer_set(&scan->key, row->path.data, row->path.len);
    if (!rc) scan->state = ART_SCAN_ON_ROW;
    return rc;
}

/* END: there is no row any more. */
static enum art_rc next_of_batches(struct art_scan *scan) {
    while (scan->state == ART_SCAN_END) {
        const struct art_batch_row *row = art_batch_next(&scan->batch);
        enum art_rc rc;
        if (row) {
            rc = show_row_of_batch(scan, row);
        } else if (scan->batch.full) {
            row = scan->batch.rows[scan->batch.count - 1].row;
            rc = note_last(scan, row->path, &row->value);
            if (!rc) rc = collect(scan);
        } else {
            return ART_OK;
        }
        if (rc) return rc;
    }
    return ART_OK;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static enum art_rc give_up_search(struct art_scan *scan) {
    art_best_close(scan->search);
    scan->search = NULL;
    art_batch_clear(&scan->batch);
    if (scan->plan & ART_PLAN_NO_LIMIT) art_batch_take_most(&scan->batch);
    scan->of.best.collects = true;
    art_scan_vtab(scan)->table->given_up++;
    enum art_rc rc = collect(scan);
    return rc ? rc : next_of_batches(scan);
}

static enum art_rc next_of_search(struct art_scan *scan) {
    if (!scan->of.best.sought) return give_up_search(scan);
    scan->of.best.sought--;
    while (scan->state == ART_SCAN_END) {
        enum art_rc rc = scan->of.best.rows.back ? find_row_backwards(scan) : find_row(scan);
        if (rc == ART_NOTFOUND && (scan->batch.full || art_best_is_given_up(scan->search))) return give_up_search(scan);
        if (rc) return rc == ART_NOTFOUND ? ART_OK : rc;
        bool wanted = scan->state != ART_SCAN_ON_ROW || !scan->filters.count || art_filters_may_want(scan);
        if (!wanted) scan->state = ART_SCAN_END;
    }
    return ART_OK;
}

enum art_rc art_best_scan_next(struct art_scan *scan) {
    scan->state = ART_SCAN_END;
    assert(scan->of.best.collects || scan->search);
    return scan->of.best.collects ? next_of_batches(scan) : next_of_search(scan);
}

static enum art_rc entry_matches(void *context, struct art_bytes path, const struct art_entry *entry, bool *wanted) {
    struct art_scan *scan = context;
    *wanted = art_filters_may_want_entry(scan, path, entry);
    return *wanted && path.data ? art_match_path(&scan->match, path, wanted) : ART_OK;
}

static bool looks_at_paths(const struct art_scan *scan) {
    bool any = scan->match.by != ART_MATCH_ALL;
    for (unsigned i = 0; i < scan->filters.count; i++) any |= !scan->filters.items[i].column;
    return any;
}

static void set_patience(struct art_best_scan *best, uint64_t rows, bool no_limit) {
    uint64_t per_row = no_limit ? (uint64_t)PATIENCE_ROWS * NO_LIMIT_PARTS : PATIENCE_ROWS, sought = rows / per_row;
    best->order.patience = ART_LIMIT(patience_least) + sought;
    if (sought < ART_LIMIT(no_limit_least)) sought = ART_LIMIT(no_limit_least);
    if (sought > ART_LIMIT(no_limit_most)) sought = ART_LIMIT(no_limit_most);
    best->sought = no_limit ? sought : UINT64_MAX;
}

enum art_rc art_best_scan_open(struct art_scan *scan) {
    struct art_best_scan *best = &scan->of.best;
    assert(scan->kind == ART_SCAN_BEST);
    *best = (struct art_best_scan){
        .order = {.column = art_scan_item(scan), .descending = scan->descending, .by_key = true}};
    best->rows = (struct art_batch_order){.descending = scan->descending, .back = scan->plan & ART_PLAN_BACK};
    best->order.limits = scan->limits;
    best->order.matches_paths = looks_at_paths(scan);
    if (best->order.matches_paths || scan->filters.count) {
        best->order.matches = entry_matches;
        best->order.context = scan;
    }
    uint64_t rows = 0;
    bool known = art_tree_estimate(art_scan_tree(scan), &scan->keys.range, &rows);
    if (!known) rows = 0;
    set_patience(best, rows, scan->plan & ART_PLAN_NO_LIMIT);
    scan->descending = false; /* that is of values; walks go in the order of the paths */
    enum art_rc rc = begin_search(scan);
    if (!rc) rc = art_best_scan_next(scan);
    for (; !rc && scan->offset && scan->state == ART_SCAN_ON_ROW; scan->offset--) rc = art_best_scan_next(scan);
    return rc;
}
