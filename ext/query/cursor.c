/* SQLite's cursor, here called a scan. What the arguments mean, and how a scan of each kind goes from row to row, is
 * told in the files that scan.h lists.
 */
#include <assert.h>

#include "core/base/limits.h"
#include "ext/base/ordered.h"
#include "ext/query/scan.h"

/* --- what SQLite is told ------------------------------------------------------------------------------------------ */

/* The table may have been replaced under an open query, behind SQLite's back. */
static int check_table_stays(const struct art_scan *scan) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    if (scan->state != ART_SCAN_GONE && vtab->table) return SQLITE_OK;
    return art_complain(&scan->open.base.pVtab->zErrMsg, SQLITE_ABORT,
                        "art: the table was replaced under an open query (%s): run the query again", vtab->name->table);
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

static void catch_up_scan(struct art_open_scan *open) {
    struct art_scan *scan = (struct art_scan *)open;
    if (scan->state == ART_SCAN_COUNTING) art_range_scan_catch_up(scan);
}

static void abandon_scan(struct art_open_scan *open) {
    struct art_scan *scan = (struct art_scan *)open;
    bool on_a_row = scan->state != ART_SCAN_END;
    art_scan_end(scan);
    art_scans_leave(open);
    if (on_a_row) scan->state = ART_SCAN_GONE;
}

static bool is_swept(struct art_open_scan *open, struct art_range *range) {
    struct art_scan *scan = (struct art_scan *)open;
    if (scan->kind != ART_SCAN_RANGE || scan->state != ART_SCAN_END) return false;
    bool plain = scan->of.range.plain && !scan->keys.range.newer_than;
    scan->of.range.plain = false;
    *range = scan->keys.range;
    return plain;
}

static const struct art_scan_methods methods = {.swept = is_swept, .catch_up = catch_up_scan, .abandon = abandon_scan};

static void free_scan(struct art_scan *scan) {
    for (unsigned i = 0; i < 2; i++) art_buffer_clear(&scan->scratch[i]);
    art_buffer_clear(&scan->key);
    art_buffer_clear(&scan->match.text);
    art_buffer_clear(&scan->match.path);
    art_buffer_clear(&scan->match.pieces.bytes);
    art_buffer_clear(&scan->match.folded.lower);
    art_buffer_clear(&scan->match.folded.seek);
    art_key_range_clear(&scan->keys);
    for (unsigned i = 0; i < ART_FILTERS_MAX; i++) {
        art_buffer_clear(&scan->filters.items[i].text);
        art_buffer_clear(&scan->filters.items[i].pieces.bytes);
    }
    for (unsigned i = 0; i < ART_TERM_QUERIES_MAX; i++) art_buffer_clear(&scan->terms[i]);
    for (unsigned i = 0; i < ART_SHOWN; i++) art_buffer_clear(&scan->shown[i].text);
    art_buffer_clear(&scan->planned);
    art_buffer_clear(&scan->base);
    art_buffer_clear(&scan->below);
    art_buffer_clear(&scan->behind);
    art_buffer_clear(&scan->parting);
    art_block_reader_free(scan->record.blocks);
    art_free(scan);
}

static bool is_huge(const struct art_scan *scan) {
    const struct art_match *match = &scan->match;
    uint64_t bytes = scan->key.capacity + match->text.capacity + match->path.capacity + match->folded.lower.capacity +
                     scan->keys.low.capacity + scan->keys.high.capacity + scan->scratch[0].capacity +
                     scan->scratch[1].capacity;
    for (unsigned i = 0; i < ART_SHOWN; i++) bytes += scan->shown[i].text.capacity;
    return bytes > ART_LIMIT(buffer_kept_bytes);
}

static void let_scan_go(struct art_kept *kept) {
    struct art_reading *reading = (struct art_reading *)kept;
    if (reading->idle) free_scan(reading->idle);
    reading->idle = NULL;
}

struct art_reading *art_reading_of(struct art_vtab *vtab) {
    if (vtab->reading) return (struct art_reading *)vtab->reading;
    struct art_reading *reading = art_alloc_zeroed(sizeof *reading);
    if (!reading) return NULL;
    reading->kept.trim = let_scan_go;
    vtab->reading = &reading->kept;
    return reading;
}

int art_scan_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    struct art_reading *reading = art_reading_of((struct art_vtab *)base);
    if (!reading) return SQLITE_NOMEM;
    struct art_scan *scan = reading->idle;
    reading->idle = NULL;
    reading->planned.statement = NULL; /* what is planned from here on is another one */
    if (!scan) scan = art_alloc_zeroed(sizeof *scan);
    if (!scan) return SQLITE_NOMEM;
    assert(scan->state == ART_SCAN_END && !scan->cursor && !scan->open.link);
    scan->open.methods = &methods;
    scan->listed = scan->several = scan->has_rolled = false;
    *out = &scan->open.base;
    return SQLITE_OK;
}

int art_scan_close(sqlite3_vtab_cursor *base) {
    struct art_scan *scan = (struct art_scan *)base;
    struct art_reading *reading = (struct art_reading *)art_scan_vtab(scan)->reading;
    art_scan_end(scan);
    art_scans_leave(&scan->open);
    if (reading->idle || is_huge(scan)) {
        free_scan(scan);
    } else {
        reading->idle = scan;
    }
    return SQLITE_OK;
}

/* --- going through the rows --------------------------------------------------------------------------------------- */

static void reset(struct art_scan *scan, int plan) {
    art_scan_end(scan);
    art_scans_leave(&scan->open);
    scan->begun = true;
    scan->kind = (enum art_scan_kind)(plan & ART_PLAN_KIND);
    scan->keys.range = (struct art_range){0};
    scan->keys.of_blobs = art_columns_keys_are_blobs(&art_scan_vtab(scan)->columns);
    scan->keys.empty = false;
    scan->keys.rc = SQLITE_OK;
    scan->plan = plan;
    scan->descending = plan & ART_PLAN_DESCENDING;
    scan->offset = 0;
    scan->passed = (struct art_key_passed){0};
    scan->match.by = ART_MATCH_ALL;
    scan->match.folded.lower.len = 0;
    scan->filters.count = scan->filters.wanted = 0;
    scan->filters.of_path = scan->filters.of_record = false;
    scan->limits.count = scan->limits.query_count = 0;
    for (unsigned i = 0; i < ART_SHOWN; i++) {
        scan->shown[i].type = 0;
        scan->shown[i].text.len = 0;
    }
}

static const struct {
    enum art_rc (*open)(struct art_scan *scan), (*next)(struct art_scan *scan);
} kinds[] = {
    [ART_SCAN_RANGE] = {art_range_scan_open, art_range_scan_next},
    [ART_SCAN_POINT] = {art_point_scan_open, art_point_scan_next},
    [ART_SCAN_LEVEL] = {art_level_scan_open, art_level_scan_next},
    [ART_SCAN_LIST] = {art_list_scan_open, art_list_scan_next},
    [ART_SCAN_BEST] = {art_best_scan_open, art_best_scan_next},
    [ART_SCAN_LONGEST] = {art_longest_scan_open, art_point_scan_next},
};

/* A LEVEL without rows, too: it may be an arm of an OR, of which another one has shown some. */
static void end(struct art_scan *scan) {
    struct art_reading *reading = (struct art_reading *)art_scan_vtab(scan)->reading;
    art_scan_end(scan);
    if (scan->kind == ART_SCAN_LEVEL && scan->shown[ART_HIDDEN_DELIMITER].text.len) reading->listed = scan;
}

int art_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    struct art_scan *scan = (struct art_scan *)base;
    struct art_bytes key;
    /* Nearly always: a key, and nothing beside it, or only a snapshot. */
    bool is_point = (plan & ART_PLAN_KIND) == ART_SCAN_POINT && argc == 1 + !!(plan & ART_PLAN_SNAPSHOT);
    bool of_blobs = art_columns_keys_are_blobs(&art_scan_vtab(scan)->columns);
    bool by_key = is_point && sqlite3_value_type(argv[0]) == (of_blobs ? SQLITE_BLOB : SQLITE_TEXT);
    if (by_key) __builtin_prefetch(sqlite3_value_blob(argv[0])); /* the application's, who knows from where */
    int rc = art_vtab_ready(art_scan_vtab(scan));
    if (rc) return rc;
    reset(scan, plan);
    if (scan->kind == ART_SCAN_REFUSED) return art_outer_join_refuse(scan);
    if (by_key && argc > 1) rc = art_scan_read_snapshot(scan, argv[1]);
    if (rc) return rc;
    if (by_key && !art_value_bytes(argv[0], &key)) return SQLITE_NOMEM;
    if (by_key) return art_scan_fail(scan, art_point_scan_find(scan, key));
    rc = art_scan_arguments(scan, words, argc, argv);
    if (rc) {
        art_scan_end(scan);
        return rc;
    }
    if (scan->keys.empty) {
        scan->several = scan->listed;
        end(scan);
        return SQLITE_OK;
    }
    art_scans_enter(&scan->open);
    rc = art_scan_fail(scan, kinds[scan->kind].open(scan));
    if (scan->state == ART_SCAN_END) end(scan);
    return rc;
}

static int __attribute__((noinline)) next_of_kind(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    int gone = check_table_stays(scan);
    if (gone) return gone;
    art_scan_forget_value(scan);
    if (scan->state != ART_SCAN_END) rc = kinds[scan->kind].next(scan);
    if (scan->state == ART_SCAN_END) end(scan);
    return art_scan_fail(scan, rc);
}

/* The commonest steps by far: in a range, from a row that SQLite has looked at, or while it counts. */
int art_scan_next(sqlite3_vtab_cursor *base) {
    struct art_scan *scan = (struct art_scan *)base;
    struct art_range_scan *range = &scan->of.range;
    scan->passed = (struct art_key_passed){0};
    if (scan->kind != ART_SCAN_RANGE || scan->record.value) return next_of_kind(scan);
    if (scan->state != ART_SCAN_ON_CURSOR || range->unseen)
        return scan->state == ART_SCAN_COUNTING ? art_range_scan_next_quickly(scan) : next_of_kind(scan);
    if (!range->straight || !art_cursor_pass(scan->cursor)) return art_range_scan_next_quickly(scan);
    scan->record.fetched = false;
    range->unseen = range->plain;
    return SQLITE_OK;
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
    uint8_t room[ART_VALUE_INLINE_MAX], other_room[ART_VALUE_INLINE_MAX];
    bool changed = rc == ART_NOTFOUND || (!rc && !art_bytes_equal(art_stored_plain(&now.stored, room),
                                                                  art_stored_plain(&row->stored, other_room)));
    art_row_release(&now);
    return changed;
}

/* The whole record: what lies in overflow chunks is put together once for all columns of a row. */
static enum art_rc fetch(struct art_scan *scan, const struct art_row *row) {
    struct art_stored record = row->stored;
    enum art_rc rc = row->overflows ? art_scan_ready(scan) : ART_OK;
    assert(!scan->record.value);
    if (!rc && row->overflows) {
        rc = art_row_value(art_scan_tree(scan), row, &record.bytes, &scan->record.value);
        record.in_block = false;
    }
    if (rc) return rc;
    art_record_reader_set(&scan->record.reader, record);
    scan->record.fetched = true;
    return ART_OK;
}

/* The only column of its row takes over the memory that the chunks were put together in. */
static int show_long_value(struct art_scan *scan, unsigned column, sqlite3_context *context) {
    const struct art_row *row = art_scan_row(scan);
    bool alone = art_scan_vtab(scan)->columns.count == 2;
    enum art_rc rc = scan->record.fetched ? ART_OK : fetch(scan, row);
    if (rc == ART_CORRUPT && changed_since(scan, row)) {
        sqlite3_result_null(context);
        return SQLITE_OK;
    }
    uint8_t **value = &scan->record.value;
    if (!rc) rc = art_record_reader_result(&scan->record.reader, context, column, alone && *value ? value : NULL);
    if (alone) art_scan_forget_value(scan);
    return art_scan_fail(scan, rc);
}

static int __attribute__((noinline)) show_value(struct art_scan *scan, unsigned column, sqlite3_context *context) {
    if (!scan->record.fetched) {
        struct art_stored record;
        if (!art_scan_short_record(scan, &record)) return show_long_value(scan, column, context);
        art_scan_read(scan, record);
    }
    if (scan->record.value) return show_long_value(scan, column, context);
    return art_scan_fail(scan, art_record_reader_result(&scan->record.reader, context, column, NULL));
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

/* Also to an UPDATE that does not change it, and is refused for it. */
static void show_snapshot(const struct art_scan *scan, sqlite3_context *context) {
    const struct art_snapshot_tree *snapshot = scan->snapshot;
    if (snapshot) art_result_text(context, snapshot->name, snapshot->name_len);
}

/* SQLite's code. The scan is where it claims to be. */
static int __attribute__((noinline)) arrive(struct art_scan *scan) {
    int gone = check_table_stays(scan);
    if (scan->state == ART_SCAN_COUNTING) art_range_scan_catch_up(scan);
    return scan->state == ART_SCAN_FAILED ? art_scan_fail(scan, scan->of.range.failure) : gone;
}

/* Of one row, by the summary's rule. */
static int show_hash(struct art_scan *scan, enum art_hidden hidden, sqlite3_context *context) {
    enum art_measure measure = art_hidden_measure(hidden);
    if (art_summary_find_hash(&art_scan_vtab(scan)->summarised, measure) < 0) return SQLITE_OK;
    const struct art_row *row = art_scan_row(scan);
    int64_t hash;
    enum art_rc rc = row->overflows ? art_scan_ready(scan) : ART_OK;
    if (!rc) rc = art_row_hash(art_scan_tree(scan), art_scan_path(scan), row, measure, &hash);
    if (rc == ART_CORRUPT && changed_since(scan, row)) return SQLITE_OK;
    if (!rc) sqlite3_result_int64(context, hash);
    return art_scan_fail(scan, rc);
}

static int __attribute__((noinline)) show_other(struct art_scan *scan, int column, sqlite3_context *context) {
    int hidden = art_hidden_column(art_scan_vtab(scan), column);
    if (hidden < 0) return art_level_scan_column(scan, column, context);
    /* An UPDATE reads all columns, also behind a ROLLBACK within it. */
    if (art_scan_lacks(scan, (unsigned)hidden) && !sqlite3_vtab_nochange(context))
        return art_not_given_refuse(art_scan_vtab(scan), (enum art_hidden)hidden);
    if (hidden < ART_SHOWN) {
        show_argument(&scan->shown[hidden], context);
        return SQLITE_OK;
    }
    if (hidden == ART_HIDDEN_SNAPSHOT) {
        show_snapshot(scan, context);
        return SQLITE_OK;
    }
    if (art_scan_rolled(scan)) return art_level_scan_column(scan, column, context);
    if (hidden >= ART_HIDDEN_HASH) return show_hash(scan, (enum art_hidden)hidden, context);
    if (hidden == ART_HIDDEN_VERSION) sqlite3_result_int64(context, (sqlite3_int64)art_scan_row(scan)->version);
    return SQLITE_OK;
}

/* An UPDATE, which does not change the column. It has begun a transaction. */
static int __attribute__((noinline)) show_unchanged(struct art_scan *scan, int column, sqlite3_context *context) {
    int hidden = art_hidden_column(art_scan_vtab(scan), column);
    if (hidden == ART_HIDDEN_ENTRIES && art_scan_rolled(scan)) sqlite3_result_int(context, 1);
    if (hidden == ART_HIDDEN_SNAPSHOT) show_snapshot(scan, context);
    return SQLITE_OK;
}

static inline int arrive_looking(struct art_scan *scan) {
    bool is_there = scan->state == ART_SCAN_ON_CURSOR || (scan->state == ART_SCAN_ON_ROW && art_scan_vtab(scan)->table);
    int rc = is_there ? SQLITE_OK : arrive(scan);
    if (!rc && scan->kind == ART_SCAN_RANGE) scan->of.range.unseen = 0;
    return rc;
}

/* Of a key of several columns, too: a DISTINCT is then by more than some of these. */
static void __attribute__((noinline))
show_key_bytes(struct art_scan *scan, struct art_bytes key, sqlite3_context *context) {
    if (scan->kind == ART_SCAN_RANGE) scan->of.range.places = 0;
    art_result_key(context, true, key);
}

static int __attribute__((noinline)) show_path(struct art_scan *scan, sqlite3_context *context) {
    int rc = arrive_looking(scan);
    if (rc) return rc;
    struct art_bytes path;
    if (scan->state == ART_SCAN_ON_ROW || art_scan_rolled(scan)) {
        path = art_scan_path(scan);
        art_result_key(context, scan->keys.of_blobs, path);
    } else {
        bool has_no_nul;
        enum art_rc wrong = art_cursor_text(scan->cursor, &path, &has_no_nul);
        if (wrong) return art_scan_fail(scan, wrong);
        if (scan->keys.of_blobs) {
            show_key_bytes(scan, path, context);
        } else {
            art_result_ended_text(context, (const char *)path.data, path.len, has_no_nul);
        }
    }
    return SQLITE_OK;
}

/* Has a key of several columns this one? */
static inline bool is_of_key(const struct art_scan *scan, int column) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    return columns->keys && column < (int)columns->count && columns->items[column].place;
}

/* A column of the key. A common prefix has the columns before its end, and a part of the last one. */
static int __attribute__((noinline)) show_of_key(struct art_scan *scan, unsigned place, sqlite3_context *context) {
    struct art_bytes key;
    bool has_no_nul, rolled = art_scan_rolled(scan);
    enum art_rc rc = ART_OK;
    if (scan->state == ART_SCAN_ON_ROW || rolled) {
        key = art_scan_path(scan);
    } else {
        rc = art_cursor_text(scan->cursor, &key, &has_no_nul);
    }
    scan->passed_key = key;
    bool shown = !rc && art_result_of_key(context, &art_scan_vtab(scan)->columns, place, key, &scan->passed);
    if (!rc && !shown && !rolled) rc = art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a key lacks columns");
    return art_scan_fail(scan, rc);
}

/* The first of a row with one value, which nearly always is a short one; else any. */
static int __attribute__((noinline)) show_single(struct art_scan *scan, sqlite3_context *context) {
    struct art_stored record;
    bool shown = art_scan_short_record(scan, &record) && !record.in_block;
    if (shown) shown = art_record_single_result(context, record.bytes);
    return shown ? SQLITE_OK : show_value(scan, 0, context);
}

static int __attribute__((noinline)) show_column(struct art_scan *scan, int column, sqlite3_context *context) {
    if (art_scan_vtab(scan)->begun && sqlite3_vtab_nochange(context)) return show_unchanged(scan, column, context);
    int rc = arrive_looking(scan);
    if (rc) return rc;
    if (is_of_key(scan, column)) return show_of_key(scan, art_scan_vtab(scan)->columns.items[column].place, context);
    if (art_hidden_column(art_scan_vtab(scan), column) >= 0 || art_scan_rolled(scan))
        return show_other(scan, column, context);
    if (art_scan_vtab(scan)->columns.count == 2) return show_single(scan, context);
    return show_value(scan, (unsigned)column - 1, context);
}

/* False: the scan does not stand in the block that the reader has. */
static inline bool stands_in_block(struct art_scan *scan) {
    struct art_record_reader *reader = &scan->record.reader;
    if (scan->record.fetched) return reader->blocks;
    if (!scan->record.visit) return false;
    int row = art_cursor_row_of_visit(scan->cursor, scan->record.visit);
    if (row < 0) return false;
    reader->blocks = scan->record.blocks;
    reader->in_block = scan->record.fetched = true;
    reader->row = (uint8_t)row;
    return true;
}

/* The commonest: a value of the row under the tree's cursor, and of no UPDATE, which would have begun a transaction. */
static int __attribute__((noinline)) show_under_cursor(struct art_scan *scan, int column, sqlite3_context *context) {
    const struct art_vtab *vtab = art_scan_vtab(scan);
    uint8_t room[ART_VALUE_INLINE_MAX + ART_KEY_PADDING];
    struct art_datum datum;
    if (art_hidden_column(vtab, column) >= 0 || art_scan_rolled(scan)) return show_column(scan, column, context);
    if (scan->kind == ART_SCAN_RANGE) scan->of.range.unseen = 0;
    if (!stands_in_block(scan)) {
        if (vtab->columns.count == 2) return show_single(scan, context);
        if (!scan->record.fetched || scan->record.value) return show_value(scan, (unsigned)column - 1, context);
        struct art_record_reader *reader = &scan->record.reader;
        return art_scan_fail(scan, art_record_reader_result(reader, context, (unsigned)column - 1, NULL));
    }
    unsigned row = scan->record.reader.row;
    enum art_rc rc = art_block_reader_field(scan->record.blocks, row, (unsigned)column - 1, room, &datum);
    if (rc) return art_scan_fail(scan, rc);
    art_result_field(context, &datum, room);
    return SQLITE_OK;
}

/* `passed`: up to the column before that place, if all these values are read at once. */
static bool __attribute__((noinline)) pass_key(struct art_scan *scan, unsigned place) {
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    struct art_key_passed passed = scan->passed;
    struct art_bytes key = scan->passed_key;
    struct art_datum datum;
    if (passed.columns >= place) passed = (struct art_key_passed){0};
    while (passed.columns + 1 < place) {
        bool descending = columns->items[columns->key[passed.columns++]].descending;
        uint32_t bytes = art_ordered_quick(key.data + passed.bytes, key.len - passed.bytes, descending, &datum);
        if (!bytes) return false;
        passed.bytes += bytes;
    }
    scan->passed = passed;
    return true;
}

/* Under the tree's cursor, the columns before it are passed. */
static int __attribute__((noinline)) show_turned(struct art_scan *scan, unsigned place, sqlite3_context *context) {
    uint8_t room[ART_ORDERED_ROOM];
    struct art_datum datum;
    uint32_t from = scan->passed.bytes;
    uint32_t bytes = art_ordered_turned(scan->passed_key.data + from, scan->passed_key.len - from, room, &datum);
    if (!bytes) return show_of_key(scan, place, context);
    scan->passed = (struct art_key_passed){place, from + bytes};
    art_result_ended_text(context, (const char *)room, datum.bytes.len, true);
    return SQLITE_OK;
}

/* The same under the tree's cursor: nearly always the value is read at once. */
static int __attribute__((noinline))
show_of_key_under_cursor(struct art_scan *scan, const struct art_column *column, sqlite3_context *context) {
    struct art_datum datum;
    bool has_no_nul;
    if (art_scan_rolled(scan)) return show_column(scan, (int)(column - art_scan_vtab(scan)->columns.items), context);
    if (scan->kind == ART_SCAN_RANGE) scan->of.range.unseen = 0;
    bool known = scan->passed.columns || !art_cursor_text(scan->cursor, &scan->passed_key, &has_no_nul);
    if (!known || (scan->passed.columns + 1 != column->place && !pass_key(scan, column->place)))
        return show_of_key(scan, column->place, context);
    uint32_t from = scan->passed.bytes;
    const uint8_t *at = scan->passed_key.data + from;
    uint32_t bytes = art_ordered_quick(at, scan->passed_key.len - from, column->descending, &datum);
    if (!bytes)
        return column->descending ? show_turned(scan, column->place, context)
                                  : show_of_key(scan, column->place, context);
    scan->passed = (struct art_key_passed){column->place, from + bytes};
    if (datum.kind == ART_DATUM_TEXT) {
        art_result_ended_text(context, (const char *)datum.bytes.data, datum.bytes.len, true);
    } else if (column->affinity == ART_AFFINITY_REAL) {
        sqlite3_result_double(context, (double)datum.integer);
    } else {
        sqlite3_result_int64(context, datum.integer);
    }
    return SQLITE_OK;
}

int art_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    struct art_scan *scan = (struct art_scan *)base;
    const struct art_vtab *vtab = art_scan_vtab(scan);
    if (column == ART_COLUMN_KEY) return show_path(scan, context);
    if (scan->state != ART_SCAN_ON_CURSOR || vtab->begun) return show_column(scan, column, context);
    return is_of_key(scan, column) ? show_of_key_under_cursor(scan, &vtab->columns.items[column], context)
                                   : show_under_cursor(scan, column, context);
}

/* Not asked of a WITHOUT ROWID table. */
int art_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    (void)base;
    *rowid = 0;
    return SQLITE_OK;
}
