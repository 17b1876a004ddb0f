/* Conditions on columns that are not the path, and patterns for the path that choose no range.
 *
 * They choose no range, and SQLite looks at each of them again. But a row that surely does not meet one never gets that
 * far: in `path > 'logs/' AND size > 1000000` most rows are passed over here, for half of what it costs to show them
 * (300,000 rows, one in a hundred meets it: 25 ns a row, 50 without this file, 52 in an ordinary table).
 *
 * Rows whose values stand in blocks are not even stepped over: a filter answers for a column of a block at once, and
 * core makes no key of a row that is left out (art_limits.choose). Of a stretch
 * of other rows, those that are surely not wanted are passed over in one loop.
 *
 * Surely: SQLite may convert either side before it compares them, as the affinities of both say, and that of the right
 * side is not known here (behind o.x = ? that of o.x is what a bound value has where o.x is meant). It leaves two
 * numbers as they are, unless the column is a TEXT one; and two texts, if neither looks like a number. Of a literal it
 * is known that it has no affinity. Nothing is ever equal to, less or greater than NULL. All other rows are left to
 * SQLite, and so are long and damaged ones.
 *
 * The right side has to be the same for all rows, which random() is not: a literal or a bound value. Best first it may
 * be anything, and counts as it was when the scan began, as in a search of an index: else the rows that it refuses
 * would be found one by one. A row value is compared by its first element alone, always by >= or <=, and SQLite then
 * tells a wrong collation: with these a text has to be a literal, which no row value is.
 *
 * SQLite also shows bounds that it has made of a literal pattern, v >= 'ab' and v < 'ac' of v GLOB 'ab*', and never
 * looks at them itself. A text that is no sound UTF-8 may meet such a pattern outside its bounds, where these have
 * characters beyond ASCII.
 */
#include "core/base/limits.h"
#include "core/base/text_code.h"
#include "ext/query/scan.h"

/* Behind wanted_rows of which none was left out, the next idle_rows go to SQLite without a look. SQLite
 * tests each row anyway: where all rows meet the condition, looking at each takes 1.3 times the instructions of a
 * count(*), 1.14 of a SELECT of the path, 1.15 with two conditions (100,000 rows, by callgrind). A text of more than
 * filter_bytes is not copied to be compared. */

static bool is_number(const struct art_datum *value) {
    return value->kind == ART_DATUM_INTEGER || value->kind == ART_DATUM_REAL;
}

static const uint8_t *skip_any(const uint8_t *at, const uint8_t *end, const char *set) {
    while (at < end && *at && strchr(set, *at)) at++;
    return at;
}

/* Or is it something near to a number? */
static bool looks_like_number(struct art_bytes text) {
    static const char spaces[] = " \t\n\v\f\r", digits[] = "0123456789";
    const uint8_t *at = text.data, *end = at + text.len;
    at = skip_any(skip_any(at, end, spaces), end, "+-");
    at = skip_any(skip_any(skip_any(at, end, digits), end, "."), end, digits);
    at = skip_any(skip_any(skip_any(at, end, "eE"), end, "+-"), end, digits);
    return skip_any(at, end, spaces) == end;
}

static bool is_ascii(struct art_bytes text) {
    uint8_t all = 0;
    for (uint32_t i = 0; i < text.len; i++) all |= text.data[i];
    return all < 0x80;
}

static bool is_certain(const struct art_filter *filter, enum art_affinity affinity, struct art_bytes text) {
    if (is_number(&filter->value)) return affinity != ART_AFFINITY_TEXT;
    if (affinity != ART_AFFINITY_TEXT && affinity != ART_AFFINITY_BLOB) return false;
    bool from_below = filter->comparison == ART_ARGUMENT_GREATER_EQUAL;
    bool may_be_pattern = from_below || filter->comparison == ART_ARGUMENT_LESS;
    if (filter->is_literal) return !may_be_pattern || is_ascii(text);
    if (filter->comparison == ART_ARGUMENT_EQUAL) return true; /* else see compare_held() */
    bool may_be_row_value = from_below || filter->comparison == ART_ARGUMENT_LESS_EQUAL;
    return !may_be_row_value && !looks_like_number(text);
}

bool art_datum_of(sqlite3_value *value, struct art_datum *out) {
    int type = sqlite3_value_type(value);
    *out = (struct art_datum){.kind = ART_DATUM_NULL};
    if (type == SQLITE_INTEGER)
        *out = (struct art_datum){.kind = ART_DATUM_INTEGER, .integer = sqlite3_value_int64(value)};
    if (type == SQLITE_FLOAT) *out = (struct art_datum){.kind = ART_DATUM_REAL, .real = sqlite3_value_double(value)};
    if (type != SQLITE_TEXT && type != SQLITE_BLOB) return true;
    out->kind = type == SQLITE_TEXT ? ART_DATUM_TEXT : ART_DATUM_BLOB;
    return art_value_bytes(value, &out->bytes);
}

int art_filters_add(struct art_scan *scan, unsigned column, enum art_argument comparison, sqlite3_value *value,
                    bool is_literal) {
    if (scan->filters.count == ART_FILTERS_MAX) return SQLITE_OK; /* a plan names no more */
    struct art_filter *filter = &scan->filters.items[scan->filters.count];
    const struct art_columns *columns = &art_scan_vtab(scan)->columns;
    bool about_nulls = comparison == ART_ARGUMENT_NULL || comparison == ART_ARGUMENT_NOT_NULL;
    bool stays = is_literal || scan->kind == ART_SCAN_BEST || sqlite3_value_frombind(value);
    if (about_nulls) {
        filter->column = column;
        filter->comparison = comparison;
        filter->value = (struct art_datum){.kind = ART_DATUM_NULL};
        scan->filters.count++;
        scan->filters.of_record = true;
    } else if (stays && comparison != ART_ARGUMENT_EQUAL && sqlite3_value_type(value) == SQLITE_NULL) {
        scan->keys.empty = true; /* an EQUAL may be IS */
    }
    if (about_nulls || !stays) return SQLITE_OK;
    if (!art_datum_of(value, &filter->value)) return SQLITE_NOMEM;
    bool has_value = is_number(&filter->value) || filter->value.kind == ART_DATUM_TEXT;
    struct art_bytes text = filter->value.kind == ART_DATUM_TEXT ? filter->value.bytes : (struct art_bytes){0};
    filter->column = column;
    filter->comparison = comparison;
    filter->is_literal = is_literal;
    if (!has_value || text.len > ART_LIMIT(filter_bytes) || !is_certain(filter, columns->items[column].affinity, text))
        return SQLITE_OK;
    if (art_buffer_set(&filter->text, text.data, text.len)) return SQLITE_NOMEM;
    filter->value.bytes = art_buffer_bytes(&filter->text);
    scan->filters.count++;
    scan->filters.of_record = true;
    return SQLITE_OK;
}

int art_filters_add_pattern(struct art_scan *scan, unsigned column, enum art_argument comparison,
                            sqlite3_value *value) {
    if (scan->filters.count == ART_FILTERS_MAX) return SQLITE_OK;
    struct art_filter *filter = &scan->filters.items[scan->filters.count];
    const char *pattern = (const char *)sqlite3_value_text(value);
    if (!pattern || art_pieces_set(&filter->pieces, pattern, comparison == ART_ARGUMENT_LIKE)) return SQLITE_NOMEM;
    filter->column = column;
    filter->comparison = comparison;
    filter->value = (struct art_datum){.kind = ART_DATUM_NULL};
    if (!filter->pieces.count) return SQLITE_OK;
    scan->filters.count++;
    scan->filters.of_path |= !column;
    scan->filters.of_record |= column;
    return SQLITE_OK;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* False: SQLite has to say. */
static bool compare_held(const struct art_datum *held, const struct art_filter *filter, int *order) {
    const struct art_datum *value = &filter->value;
    bool texts = held->kind == ART_DATUM_TEXT && value->kind == ART_DATUM_TEXT;
    if (texts ? !filter->is_literal && looks_like_number(held->bytes) : !is_number(held) || !is_number(value)) {
        return false;
    }
    *order = art_datum_compare(held, value);
    return true;
}

static bool meets(enum art_argument comparison, int order) {
    if (comparison == ART_ARGUMENT_GREATER) return order > 0;
    if (comparison == ART_ARGUMENT_GREATER_EQUAL) return order >= 0;
    if (comparison == ART_ARGUMENT_LESS) return order < 0;
    if (comparison == ART_ARGUMENT_LESS_EQUAL) return order <= 0;
    return comparison == ART_ARGUMENT_NOT_EQUAL ? order != 0 : order == 0;
}

/* Whatever is no text SQLite makes one of. */
static bool value_may_be_wanted(const struct art_filter *filter, const struct art_datum *held) {
    int order;
    if (held->kind == ART_DATUM_NULL) return filter->comparison == ART_ARGUMENT_NULL;
    if (filter->comparison == ART_ARGUMENT_NULL) return false;
    if (filter->comparison == ART_ARGUMENT_NOT_NULL) return true;
    if (art_filter_is_pattern(filter))
        return held->kind != ART_DATUM_TEXT || art_pieces_look(&filter->pieces, held->bytes) != ART_PIECES_NO;
    return !compare_held(held, filter, &order) || meets(filter->comparison, order);
}

static bool path_may_be_wanted(const struct art_filters *filters, struct art_bytes path) {
    for (unsigned i = 0; i < filters->count; i++) {
        const struct art_filter *filter = &filters->items[i];
        if (!filter->column && art_pieces_look(&filter->pieces, path) == ART_PIECES_NO) return false;
    }
    return true;
}

static bool record_may_be_wanted(struct art_scan *scan, struct art_stored record) {
    uint8_t room[ART_VALUE_INLINE_MAX];
    int64_t integer;
    scan->record.fetched = false;
    for (unsigned i = 0; i < scan->filters.count; i++) {
        const struct art_filter *filter = &scan->filters.items[i];
        struct art_datum held;
        if (!filter->column) continue;
        if (!record.in_block && art_record_integer(record.bytes, filter->column - 1, &integer)) {
            if (!art_column_test_integer(&filter->column_test, integer)) return false;
            continue;
        }
        if (!scan->record.fetched) art_scan_read(scan, record);
        if (art_record_reader_datum(&scan->record.reader, filter->column - 1, room, &held)) return true;
        if (!value_may_be_wanted(filter, &held)) return false;
    }
    return true;
}

bool art_filters_may_want_entry(struct art_scan *scan, struct art_bytes path, const struct art_entry *entry) {
    if (scan->filters.of_path && !path_may_be_wanted(&scan->filters, path)) return false;
    if (!scan->filters.of_record || entry->flags & ART_OVERFLOW) return true;
    bool wanted = record_may_be_wanted(scan, art_entry_stored(entry));
    scan->record.fetched = false;
    return wanted;
}

static bool value_under_cursor_may_be_wanted(void *scan, struct art_bytes value) {
    return record_may_be_wanted(scan, art_stored_of(value));
}

static bool passes_unseen(const struct art_filters *filters) {
    return filters->wanted >= ART_LIMIT(wanted_rows);
}

unsigned art_filters_pass(struct art_scan *scan) {
    if (scan->filters.of_path || passes_unseen(&scan->filters)) return 0;
    unsigned passed = art_cursor_pass_unwanted(scan->cursor, value_under_cursor_may_be_wanted, scan);
    scan->record.fetched = false;
    return passed;
}

bool art_filters_may_want(struct art_scan *scan) {
    struct art_filters *filters = &scan->filters;
    struct art_stored record;
    scan->record.fetched = false;
    if (passes_unseen(filters)) {
        filters->wanted = (filters->wanted + 1) % (ART_LIMIT(wanted_rows) + ART_LIMIT(idle_rows));
        return true;
    }
    bool wanted = !filters->of_path || path_may_be_wanted(filters, art_scan_path(scan));
    if (wanted && filters->of_record && art_scan_short_record(scan, &record))
        wanted = record_may_be_wanted(scan, record);
    filters->wanted = wanted ? filters->wanted + 1 : 0;
    return wanted;
}

/* --- all rows of a block ------------------------------------------------------------------------------------------ */

static bool filter_wants(const void *filter, const struct art_datum *held) {
    return value_may_be_wanted(filter, held);
}

/* The least integer that is not below a number, or with `behind`, above it. False: there is none. */
static bool least_integer(const struct art_datum *number, bool behind, int64_t *out) {
    if (number->kind == ART_DATUM_INTEGER) {
        bool any = !behind || number->integer < INT64_MAX;
        *out = number->integer + (behind && any);
        return any;
    }
    double real = number->real;
    *out = INT64_MIN;
    if (real < -ART_TWO_63 || real >= ART_TWO_63) return real < 0;
    int64_t whole = (int64_t)real;
    *out = whole + ((double)whole < real || (behind && (double)whole == real));
    return true;
}

static void set_test(struct art_filter *filter) {
    static const struct art_datum null = {.kind = ART_DATUM_NULL};
    enum art_argument comparison = filter->comparison;
    struct art_column_test *test = &filter->column_test;
    *test = (struct art_column_test){.low = INT64_MIN, .high = INT64_MAX, .wants = filter_wants, .context = filter};
    test->null = value_may_be_wanted(filter, &null);
    test->outside = comparison == ART_ARGUMENT_NULL;
    if (!is_number(&filter->value)) return; /* all integers, or none */
    bool only_low = comparison == ART_ARGUMENT_GREATER || comparison == ART_ARGUMENT_GREATER_EQUAL;
    bool only_high = comparison == ART_ARGUMENT_LESS || comparison == ART_ARGUMENT_LESS_EQUAL, any = true;
    int64_t low = INT64_MIN, high = INT64_MAX, behind;
    if (!only_high) any = least_integer(&filter->value, comparison == ART_ARGUMENT_GREATER, &low);
    if (!only_low && least_integer(&filter->value, comparison != ART_ARGUMENT_LESS, &behind)) {
        any = any && behind > INT64_MIN;
        high = behind - any;
    }
    any = any && low <= high;
    test->outside = any == (comparison == ART_ARGUMENT_NOT_EQUAL);
    if (!any) return;
    test->low = low;
    test->high = high;
}

static void choose_by_filters(void *chooser, struct art_bytes block, struct art_row_set *rows) {
    struct art_scan *scan = chooser;
    uint8_t room[ART_VALUE_INLINE_MAX];
    uint32_t before = art_row_set_count(rows);
    for (unsigned i = 0; i < scan->filters.count && art_row_set_any(rows); i++) {
        const struct art_filter *filter = &scan->filters.items[i];
        if (filter->column) art_block_choose(block, filter->column - 1, &filter->column_test, room, rows);
    }
    art_scan_vtab(scan)->table->filtered += before - art_row_set_count(rows);
}

/* By the number, or by the code of the text. Behind a bound value may be a column of numbers: then texts that read as
 * numbers become numbers, which are less than any text. */
static void limit_by(struct art_limit *limit, const struct art_filter *filter) {
    enum art_argument comparison = filter->comparison;
    struct art_datum bound = filter->value;
    if (bound.kind == ART_DATUM_TEXT) {
        bound = (struct art_datum){
            .kind = ART_DATUM_TEXT, .by = ART_BY_CODE, .integer = art_text_code(filter->value.bytes)};
        limit->numerals = !filter->is_literal && comparison != ART_ARGUMENT_GREATER;
    }
    limit->low_set = comparison != ART_ARGUMENT_LESS && comparison != ART_ARGUMENT_LESS_EQUAL;
    limit->high_set = comparison != ART_ARGUMENT_GREATER && comparison != ART_ARGUMENT_GREATER_EQUAL;
    limit->low = limit->high = bound;
}

/* SQLite compares numbers exactly, and so do limits; what it might read out of a text is left to it. */
void art_filters_limits(struct art_scan *scan, struct art_limits *out) {
    const struct art_summarised *summarised = art_table_summarised(art_scan_vtab(scan)->table);
    out->count = 0;
    out->choose = scan->filters.of_record ? choose_by_filters : NULL;
    out->chooser = scan;
    for (unsigned i = 0; i < scan->filters.count; i++) {
        struct art_filter *filter = &scan->filters.items[i];
        set_test(filter);
        int item = art_summary_find(summarised, filter->column);
        enum art_argument comparison = filter->comparison;
        bool has_value = is_number(&filter->value) || filter->value.kind == ART_DATUM_TEXT;
        if (item < 0 || !has_value || comparison == ART_ARGUMENT_NOT_EQUAL) continue;
        struct art_limit *limit = &out->limit[out->count++];
        *limit = (struct art_limit){.column = (unsigned)item};
        limit_by(limit, filter);
    }
}
