/* SQLite's cursor, here called a scan: over nothing, one row, points, or a range of rows. What the arguments mean, and
 * how it goes from row to row, is told in the files that scan.h lists.
 */
#include "ext/query/or_arms.h"
#include "ext/query/scan.h"

enum { HUGE_BUFFER = 1 << 20 };

static void settle_scan(struct art_open_scan *open);
static void abandon_scan(struct art_open_scan *open);
static void free_scan(struct art_open_scan *open);
static const struct art_scan_methods methods = {.settle = settle_scan, .abandon = abandon_scan, .free = free_scan};

/* --- opening and closing ------------------------------------------------------------------------------------------ */

int art_scan_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    struct art_scan *scan = (struct art_scan *)vtab->idle;
    vtab->idle = NULL;
    art_or_arms_forget(vtab);
    if (!scan) scan = art_alloc_zeroed(sizeof *scan);
    if (!scan) return SQLITE_NOMEM;
    scan->open.methods = &methods;
    *out = &scan->open.base;
    return SQLITE_OK;
}

static void leave_rows(struct art_scan *scan) {
    art_scan_forget_value(scan);
    art_row_release(&scan->row);
    art_best_scan_end(scan);
    art_cursor_close(scan->cursor);
    scan->cursor = NULL;
}

static void leave_table(struct art_scan *scan) {
    leave_rows(scan);
    scan->state = ART_SCAN_END;
    art_scans_leave(&scan->open);
}

/* SQLite keeps the scan of an UPDATE open until the last row is changed: it has come to its end by then, and would hold
 * the memtable that was there at its beginning, beside all that the transaction spills. */
static void settle_scan(struct art_open_scan *open) {
    struct art_scan *scan = (struct art_scan *)open;
    if (scan->state == ART_SCAN_END) {
        leave_rows(scan);
    } else {
        art_rows_settle_open(scan);
    }
}

static void abandon_scan(struct art_open_scan *open) {
    struct art_scan *scan = (struct art_scan *)open;
    bool on_a_row = scan->state != ART_SCAN_END;
    leave_table(scan);
    if (on_a_row) scan->state = ART_SCAN_GONE;
}

static void free_scan(struct art_open_scan *open) {
    struct art_scan *scan = (struct art_scan *)open;
    art_buffer_clear(&scan->key);
    art_buffer_clear(&scan->pattern);
    art_buffer_clear(&scan->pieces.bytes);
    art_buffer_clear(&scan->folded.lower);
    art_buffer_clear(&scan->folded.seek);
    art_key_range_clear(&scan->keys);
    art_buffer_clear(&scan->prefix.text);
    art_buffer_clear(&scan->delimiter.text);
    art_buffer_clear(&scan->start_after.text);
    art_buffer_clear(&scan->extreme);
    art_in_list_clear(&scan->in_list);
    art_filters_clear(scan);
    art_lookups_clear_scan(scan);
    art_free(scan);
}

static bool is_huge(const struct art_scan *scan) {
    const struct art_key_range *keys = &scan->keys;
    return scan->pattern.capacity + scan->key.capacity + scan->in_list.bytes.capacity + scan->in_list.ends.capacity +
               scan->prefix.text.capacity + scan->delimiter.text.capacity + scan->start_after.text.capacity +
               keys->low.capacity + keys->high.capacity + scan->folded.lower.capacity >
           HUGE_BUFFER;
}

int art_scan_close(sqlite3_vtab_cursor *base) {
    struct art_scan *scan = (struct art_scan *)base;
    struct art_vtab *vtab = art_scan_vtab(scan);
    leave_table(scan);
    if (vtab->idle || is_huge(scan)) {
        free_scan(&scan->open);
    } else {
        vtab->idle = &scan->open;
    }
    return SQLITE_OK;
}

/* --- going through the rows --------------------------------------------------------------------------------------- */

static void reset(struct art_scan *scan, int plan) {
    art_scan_forget_value(scan);
    art_row_release(&scan->row);
    art_best_scan_end(scan);
    art_key_range_reset(&scan->keys);
    scan->state = ART_SCAN_END;
    scan->matching = ART_MATCH_ALL;
    scan->descending = plan & ART_PLAN_DESCENDING;
    scan->bounded = plan & ART_PLAN_BOUNDED;
    scan->wanted = plan & ART_PLAN_SUMS ? ART_TOTALLED_SUMS : ART_TOTALLED_ROWS;
    scan->plain = scan->filtered = scan->listing = scan->several = scan->range_due = false;
    scan->touched = scan->counting = false;
    scan->limits.count = scan->limits.sought_count = 0;
    scan->rolled = 0;
    scan->filter_count = scan->filters_wanted = scan->filters_resting = 0;
    scan->untouched = 0;
    scan->behind = scan->left = scan->offset = 0;
    scan->limit = UINT64_MAX;
    scan->failure = ART_OK;
    scan->folded.letters = false;
    scan->folded.lower.len = 0;
    scan->prefix.type = scan->delimiter.type = scan->start_after.type = 0;
    scan->prefix.text.len = scan->delimiter.text.len = scan->start_after.text.len = 0;
}

/* Nearly always: a text, and nothing beside it. */
static int filter_text(struct art_scan *scan, sqlite3_value *path) {
    struct art_bytes text;
    if (!art_value_bytes(path, &text)) return SQLITE_NOMEM;
    return art_scan_fail(scan, art_rows_point(scan, text));
}

/* The first argument is the path. */
static int filter_point(struct art_scan *scan, sqlite3_value *path, bool unique) {
    if (sqlite3_value_type(path) == SQLITE_TEXT) return art_scan_fail(scan, art_rows_point(scan, scan->keys.range.low));
    art_scans_enter(&scan->open);
    return art_scan_fail(scan, art_rows_number(scan, path, unique));
}

int art_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    struct art_scan *scan = (struct art_scan *)base;
    bool by_text = plan & ART_PLAN_POINT && argc == 1 && sqlite3_value_type(argv[0]) == SQLITE_TEXT;
    if (by_text) __builtin_prefetch(sqlite3_value_blob(argv[0])); /* the application's, who knows from where */
    int rc = art_vtab_ready(art_scan_vtab(scan));
    if (rc) return rc;
    reset(scan, plan);
    if (by_text) return filter_text(scan, argv[0]);
    rc = art_scan_arguments(scan, words, argc, argv);
    if (rc || scan->keys.empty) return rc;
    if (plan & ART_PLAN_POINT) return filter_point(scan, argv[0], plan & ART_PLAN_UNIQUE);
    art_scans_enter(&scan->open);
    if (plan & ART_PLAN_BEST) {
        unsigned item = (unsigned)plan >> ART_PLAN_ITEM_SHIFT;
        return art_scan_fail(scan, art_best_scan_begin(scan, &scan->keys.range, item, plan & ART_PLAN_TIES));
    }
    if (!scan->several) return art_scan_fail(scan, art_rows_range(scan, &scan->keys.range));
    scan->range_due = scan->in_list.numbers;
    return art_scan_fail(scan, art_in_list_next(scan));
}

int art_scan_eof(sqlite3_vtab_cursor *base) {
    return ((struct art_scan *)base)->state == ART_SCAN_END;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

/* The row under the scan was deleted or changed since, by this connection, and the chunks of its long value are gone
 * with it. */
static bool changed_since(struct art_scan *scan, const struct art_row *row) {
    struct art_row now = {0};
    enum art_rc rc = art_tree_get(art_scan_tree(scan), art_scan_path(scan), &now);
    bool changed =
        rc == ART_NOTFOUND ||
        (!rc && (now.stored.len != row->stored.len || memcmp(now.stored.data, row->stored.data, row->stored.len) != 0));
    art_row_release(&now);
    return changed;
}

/* The whole record: what lies in overflow chunks is put together once for all columns of a row. */
static enum art_rc fetch(struct art_scan *scan, const struct art_row *row) {
    struct art_bytes record = row->stored;
    enum art_rc rc = row->overflows ? art_rows_ready(scan) : ART_OK;
    if (!rc && row->overflows) rc = art_row_value(art_scan_tree(scan), row, &record, &scan->value);
    if (rc) return rc;
    art_record_reader_set(&scan->reader, record);
    scan->fetched = true;
    return ART_OK;
}

/* The only column of its row takes over the memory that the chunks were put together in. */
static int show_long_value(struct art_scan *scan, unsigned column, sqlite3_context *context) {
    const struct art_row *row = art_scan_row(scan);
    bool alone = art_scan_vtab(scan)->columns.count == 2;
    enum art_rc rc = scan->fetched ? ART_OK : fetch(scan, row);
    if (rc == ART_CORRUPT && changed_since(scan, row)) {
        sqlite3_result_null(context);
        return SQLITE_OK;
    }
    if (!rc) rc = art_record_reader_result(&scan->reader, context, column, alone && scan->value ? &scan->value : NULL);
    if (alone) art_scan_forget_value(scan);
    return art_scan_fail(scan, rc);
}

static int show_value(struct art_scan *scan, unsigned column, sqlite3_context *context) {
    if (!scan->fetched) {
        if (!art_scan_short_record(scan, &scan->reader.record)) return show_long_value(scan, column, context);
        scan->reader.types = NULL;
        scan->fetched = true;
    }
    if (scan->value) return show_long_value(scan, column, context);
    return art_scan_fail(scan, art_record_reader_result(&scan->reader, context, column, NULL));
}

static void show_path(const struct art_scan *scan, sqlite3_context *context) {
    bool point = scan->state == ART_SCAN_POINT;
    struct art_bytes key = point ? art_buffer_bytes(&scan->key) : art_cursor_key(scan->cursor);
    if (scan->rolled) key.len = scan->rolled;
    if (point || scan->rolled) {
        art_result_text(context, key.data, key.len);
    } else {
        art_result_ended_text(context, (const char *)key.data, key.len);
    }
}

/* Nearly all values: the only one of a short row. False: it is another one. */
static inline bool show_single_value(const struct art_scan *scan, sqlite3_context *context) {
    struct art_bytes record;
    return art_scan_short_record(scan, &record) && art_record_single_result(context, record);
}

/* An argument. SQLite relies on the column's type: a number is shown as its text. */
static void show_argument(const struct art_shown *shown, sqlite3_context *context) {
    const struct art_buffer *text = &shown->text;
    if (!shown->type) return; /* nor is a row shown where it is NULL */
    if (shown->type == SQLITE_BLOB) {
        sqlite3_result_blob64(context, text->data ? (const void *)text->data : "", text->len, SQLITE_TRANSIENT);
    } else {
        art_result_text(context, text->data, text->len);
    }
}

static int show_entries(struct art_scan *scan, sqlite3_context *context) {
    uint64_t entries = 0;
    enum art_rc rc = art_listing_entries(scan, &entries);
    if (!rc) sqlite3_result_int64(context, (sqlite3_int64)entries);
    return art_scan_fail(scan, rc);
}

enum art_rc art_scan_check_summary(const struct art_scan *scan) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    if (art_summaries_equal(&vtab->summarised, art_table_summarised(vtab->table))) return ART_OK;
    return art_fail(ART_MISUSE, "art: the summary was changed while the query ran (%s): run it again",
                    vtab->name->table);
}

/* Of a common prefix. */
static int show_summary(struct art_scan *scan, unsigned column, sqlite3_context *context) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    int item = art_summary_find_measured(&vtab->summarised, column);
    if (item < 0) return SQLITE_OK;
    enum art_measure measure = vtab->summarised.items[item].measure;
    enum art_rc rc = art_scan_check_summary(scan);
    if (rc) return art_scan_fail(scan, rc);
    if (measure == ART_MEASURE_SUM) {
        art_int128 sum = 0;
        rc = art_listing_sum(scan, (unsigned)item, &sum);
        return rc ? art_scan_fail(scan, rc) : art_result_sum(context, sum);
    }
    struct art_datum datum;
    rc = art_listing_extreme(scan, (unsigned)item, measure == ART_MEASURE_MAX, &datum);
    if (!rc) art_result_datum(context, &datum);
    return art_scan_fail(scan, rc);
}

static int show_hidden(struct art_scan *scan, enum art_hidden hidden, sqlite3_context *context) {
    if (hidden == ART_HIDDEN_PREFIX) show_argument(&scan->prefix, context);
    if (hidden == ART_HIDDEN_DELIMITER) show_argument(&scan->delimiter, context);
    if (hidden == ART_HIDDEN_START_AFTER) show_argument(&scan->start_after, context);
    if (hidden == ART_HIDDEN_ENTRIES && scan->rolled) return show_entries(scan, context);
    if (hidden == ART_HIDDEN_VERSION && !scan->rolled) {
        sqlite3_result_int64(context, (sqlite3_int64)art_scan_row(scan)->version);
    }
    return SQLITE_OK;
}

/* SQLite's code. The scan is where it claims to be. */
static int arrive(struct art_scan *scan) {
    if (art_scan_is_gone(scan)) return art_scan_gone(scan);
    if (scan->counting && !scan->failure) scan->failure = art_rows_settle(scan);
    return art_scan_fail(scan, scan->failure);
}

static int __attribute__((noinline)) show_other(struct art_scan *scan, int column, sqlite3_context *context) {
    int hidden = art_hidden_column(art_scan_vtab(scan), column);
    if (hidden >= 0) return show_hidden(scan, hidden, context);
    return scan->rolled ? show_summary(scan, (unsigned)column, context)
                        : show_value(scan, (unsigned)column - 1, context);
}

int art_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    struct art_scan *scan = (struct art_scan *)base;
    if (column != ART_COLUMN_KEY && sqlite3_vtab_nochange(context)) return SQLITE_OK;
    scan->touched = true;
    if (!art_scan_has_arrived(scan)) {
        int rc = arrive(scan);
        if (rc) return rc;
    }
    if (column == ART_COLUMN_KEY) {
        show_path(scan, context);
        return SQLITE_OK;
    }
    bool first = column == 1 && !scan->rolled && art_hidden_column(art_scan_vtab(scan), column) < 0;
    if (first && show_single_value(scan, context)) return SQLITE_OK;
    return show_other(scan, column, context);
}

/* Not asked of a WITHOUT ROWID table. */
int art_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    (void)base;
    *rowid = 0;
    return SQLITE_OK;
}
