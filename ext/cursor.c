/* SQLite's cursor, here called a scan: over nothing, one row, or a range of rows.
 *
 * A point read uses no cursor of the tree. A range scan moves one, and fetches values only when SQLite asks for one.
 *
 * Counting. `SELECT count(*) ... WHERE path GLOB 'a*'` asks for no column of any row. After a few rows of that, an
 * exact range is counted once (two descents) and from there on only numbers move:
 *
 *     rows     ....a b c d e f g h i j k l m ..    tree's cursor stands on h, claimed is k: behind = 3
 *                                ^     ^           left = rows behind k
 *
 * As soon as a column is wanted, or the table is about to change, the cursor is stepped to where it claims to be.
 */
#include "ext/ext.h"
#include "ext/plan.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum scan_state { SCAN_END, SCAN_POINT, SCAN_RANGE };
enum scan_match { MATCH_ALL, MATCH_GLOB, MATCH_NUMBER }; /* which rows of the range are given */
enum { COUNT_AFTER = 8, HUGE_BUFFER = 1 << 20 };

struct art_scan {
    sqlite3_vtab_cursor base;
    enum scan_state state;
    bool descending;
    enum scan_match matching;
    bool spellings; /* after this point, the other spellings of its number */
    bool touched;   /* a column of this row was asked for */
    bool counting;
    unsigned untouched; /* rows passed since one was */
    uint64_t behind, left, limit;
    int failure;        /* met while settling, told by the next step */
    struct art_row row; /* SCAN_POINT */
    struct art_cursor *cursor;
    double number;                 /* MATCH_NUMBER */
    struct art_buffer key;         /* SCAN_POINT: its key; matching: the row's path with a NUL */
    struct art_buffer pattern;     /* of GLOB, or the number's text, with a NUL */
    struct art_buffer scratch;     /* upper end of a prefix */
    struct art_buffer far;         /* the bound that the scan goes towards */
    struct art_range range;        /* near end unset, far end in `far` */
    struct art_scan *next, **link; /* table->scans */
};

static struct art_vtab *vtab_of(const struct art_scan *scan) {
    return (struct art_vtab *)scan->base.pVtab;
}

static struct art_tree *tree_of(const struct art_scan *scan) {
    return vtab_of(scan)->table->tree;
}

static int fail(const struct art_scan *scan, int art_rc) {
    if (art_rc == ART_OK) return SQLITE_OK;
    return art_report(&scan->base.pVtab->zErrMsg, art_rc);
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

int art_scan_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
    struct art_vtab *vtab = (struct art_vtab *)base;
    struct art_scan *scan = vtab->idle;
    vtab->idle = NULL;
    if (!scan) scan = art_alloc_zeroed(sizeof *scan);
    if (!scan) return SQLITE_NOMEM;
    *out = &scan->base;
    return SQLITE_OK;
}

static void leave_table(struct art_scan *scan) {
    art_row_release(&scan->row);
    art_cursor_close(scan->cursor);
    scan->cursor = NULL;
    scan->state = SCAN_END;
    if (!scan->link) return;
    *scan->link = scan->next;
    if (scan->next) scan->next->link = scan->link;
    scan->link = NULL;
}

void art_scans_abandon(struct art_vtab *vtab) {
    for (struct art_scan *scan = vtab->table->scans, *next; scan; scan = next) {
        next = scan->next;
        if (vtab_of(scan) == vtab) leave_table(scan);
    }
}

void art_scan_free(struct art_scan *scan) {
    if (!scan) return;
    art_buffer_clear(&scan->key);
    art_buffer_clear(&scan->pattern);
    art_buffer_clear(&scan->scratch);
    art_buffer_clear(&scan->far);
    art_free(scan);
}

int art_scan_close(sqlite3_vtab_cursor *base) {
    struct art_scan *scan = (struct art_scan *)base;
    struct art_vtab *vtab = vtab_of(scan);
    leave_table(scan);
    if (vtab->idle || scan->pattern.capacity + scan->key.capacity + scan->far.capacity > HUGE_BUFFER) {
        art_scan_free(scan);
    } else {
        vtab->idle = scan;
    }
    return SQLITE_OK;
}

static void enter_table(struct art_scan *scan) {
    struct art_table *table = vtab_of(scan)->table;
    if (scan->link) return;
    scan->next = table->scans;
    scan->link = &table->scans;
    if (scan->next) scan->next->link = &scan->next;
    table->scans = scan;
}

/* --- arguments ---------------------------------------------------------------------------------------------------- */

/* Where a statement's arguments meet. Bytes are borrowed from them. */
struct meeting {
    struct art_range range;
    bool empty;
    int rc; /* SQLite's */
};

static void raise_low(struct meeting *meeting, struct art_bytes low, bool open) {
    struct art_range *range = &meeting->range;
    if (low.len > ART_PATH_MAX) { /* what is above it is above its longest possible beginning */
        low.len = ART_PATH_MAX;
        open = true;
    }
    int c = range->low_set ? art_bytes_compare(low, range->low) : 1;
    if (c < 0) return;
    range->low_open = c == 0 ? range->low_open || open : open;
    range->low = low;
    range->low_set = true;
}

static void lower_high(struct meeting *meeting, struct art_bytes high, bool open) {
    struct art_range *range = &meeting->range;
    if (high.len > ART_PATH_MAX) {
        high.len = ART_PATH_MAX;
        open = false;
    }
    int c = range->high_set ? art_bytes_compare(high, range->high) : -1;
    if (c > 0) return;
    range->high_open = c == 0 ? range->high_open || open : open;
    range->high = high;
    range->high_set = true;
}

static void meet_text(struct meeting *meeting, unsigned comparison, sqlite3_value *value) {
    const void *data = sqlite3_value_text(value);
    if (!data) {
        meeting->rc = SQLITE_NOMEM;
        return;
    }
    struct art_bytes text = art_bytes(data, (uint32_t)sqlite3_value_bytes(value));
    bool equal = comparison == ART_ARGUMENT_EQUAL;
    if (equal && text.len > ART_PATH_MAX) meeting->empty = true;
    if (equal || comparison == ART_ARGUMENT_GREATER || comparison == ART_ARGUMENT_GREATER_EQUAL) {
        raise_low(meeting, text, comparison == ART_ARGUMENT_GREATER);
    }
    if (equal || comparison == ART_ARGUMENT_LESS || comparison == ART_ARGUMENT_LESS_EQUAL) {
        lower_high(meeting, text, comparison == ART_ARGUMENT_LESS);
    }
}

/* A number that may have to be compared as a number. */
static void meet_number(struct meeting *meeting, unsigned comparison, sqlite3_value *value) {
    static const uint8_t colon[] = ":"; /* behind '9', behind all signs and blanks */
    if (comparison != ART_ARGUMENT_LESS && comparison != ART_ARGUMENT_LESS_EQUAL) return;
    if (isinf(sqlite3_value_double(value))) return; /* its text is Inf */
    lower_high(meeting, art_bytes(colon, 1), true);
}

/* plan.h's table. */
static void meet_comparison(struct meeting *meeting, unsigned comparison, sqlite3_value *value) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
        meeting->empty = true;
        break;
    case SQLITE_BLOB: /* every text is below every blob */
        if (comparison != ART_ARGUMENT_LESS && comparison != ART_ARGUMENT_LESS_EQUAL) meeting->empty = true;
        break;
    case SQLITE_TEXT:
        meet_text(meeting, comparison, value);
        break;
    default:
        if (sqlite3_value_frombind(value)) {
            meet_text(meeting, comparison, value);
        } else {
            meet_number(meeting, comparison, value);
        }
    }
}

/* Bytes of a sound UTF-8 character beyond ASCII, 0 for anything else: SQLite reads every unsound one as U+FFFD. */
static uint32_t sound_character(const uint8_t *p) {
    uint32_t n = p[0] >= 0xf0 && p[0] < 0xf8   ? 4
                 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                                               : 0;
    uint32_t c = n ? p[0] & (0x7fu >> n) : 0;
    for (uint32_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    bool overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
    bool replaced = c == 0xfffd || (c & 0xfffff800) == 0xd800 || (c & 0xfffffffe) == 0xfffe;
    return overlong || replaced || (n && (p[n] & 0xc0) == 0x80) ? 0 : n;
}

/* Bytes of a pattern that can only match themselves: before its first wildcard, and before broken UTF-8. */
static uint32_t literal_prefix(const char *pattern) {
    const uint8_t *p = (const uint8_t *)pattern;
    for (uint32_t n = 1; n; p += n) {
        if (*p == 0 || *p == '*' || *p == '?' || *p == '[') break;
        n = *p < 0x80 ? 1 : sound_character(p);
    }
    return (uint32_t)(p - (const uint8_t *)pattern);
}

static void meet_prefix(struct art_scan *scan, struct meeting *meeting, const char *pattern, uint32_t prefix) {
    const char *rest = pattern + prefix;
    struct art_range range;
    if (*rest == 0) { /* no wildcard: the path itself, and whatever a NUL hides from SQLite's comparison behind it */
        range =
            (struct art_range){.low = art_bytes(pattern, prefix), .low_set = true, .high_set = true, .high_open = true};
        memcpy(scan->scratch.data, pattern, prefix);
        scan->scratch.data[prefix] = 1;
        range.high = art_bytes(scan->scratch.data, prefix + 1);
    } else {
        art_range_of_prefix(art_bytes(pattern, prefix), scan->scratch.data, &range);
        /* A path may go on with a stray continuation byte, which makes the prefix's last character another one. */
        bool only_stars = rest[strspn(rest, "*")] == 0;
        if (!only_stars || (prefix && (uint8_t)rest[-1] >= 0x80)) scan->matching = MATCH_GLOB;
    }
    if (range.low_set) raise_low(meeting, range.low, range.low_open);
    if (range.high_set) lower_high(meeting, range.high, range.high_open);
}

static void meet_glob(struct art_scan *scan, struct meeting *meeting, sqlite3_value *value) {
    sqlite3 *db = vtab_of(scan)->connection->db;
    int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL || (type == SQLITE_BLOB && vtab_of(scan)->connection->blobs_never_match)) {
        meeting->empty = true;
        return;
    }
    const char *pattern = (const char *)sqlite3_value_text(value);
    int len = sqlite3_value_bytes(value);
    if (pattern && len > sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, -1)) {
        meeting->rc = art_complain(&scan->base.pVtab->zErrMsg, SQLITE_ERROR, "LIKE or GLOB pattern too complex");
        return;
    }
    uint32_t prefix = pattern ? literal_prefix(pattern) : 0;
    scan->pattern.len = scan->scratch.len = 0;
    if (!pattern || art_buffer_append(&scan->pattern, pattern, strlen(pattern) + 1) ||
        art_buffer_reserve(&scan->scratch, prefix + 2)) {
        meeting->rc = SQLITE_NOMEM;
        return;
    }
    if (prefix > ART_PATH_MAX) {
        meeting->empty = true;
        return;
    }
    meet_prefix(scan, meeting, (const char *)scan->pattern.data, prefix);
}

static void meet_all(struct art_scan *scan, struct meeting *meeting, int plan, int argc, sqlite3_value **argv) {
    for (int i = 0; i < argc && !meeting->rc; i++) {
        unsigned meaning = art_plan_argument(plan, (unsigned)i);
        if (meaning == ART_ARGUMENT_GLOB) {
            meet_glob(scan, meeting, argv[i]);
        } else if (meaning == ART_ARGUMENT_LIMIT) {
            sqlite3_int64 limit = sqlite3_value_int64(argv[i]);
            if (limit >= 0) scan->limit = (uint64_t)limit;
        } else {
            meet_comparison(meeting, meaning, argv[i]);
        }
    }
    const struct art_range *range = &meeting->range;
    if (!range->low_set || !range->high_set) return;
    int c = art_bytes_compare(range->low, range->high);
    if (c > 0 || (c == 0 && (range->low_open || range->high_open))) meeting->empty = true;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static locale_t numbers_with_points;

static void make_locale(void) {
    numbers_with_points = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
}

/* Another spelling of the number, or something so near to it that SQLite has to say. */
static bool spells_number(const char *path, double number) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    char *end;
    double value = numbers_with_points ? strtod_l(path, &end, numbers_with_points) : strtod(path, &end);
    if (end == path) return false;
    end += strspn(end, " \t\n\v\f\r");
    return *end == 0 && value == number;
}

static int match(struct art_scan *scan, bool *matches) {
    struct art_bytes key = art_cursor_key(scan->cursor);
    scan->key.len = 0;
    if (art_buffer_reserve(&scan->key, key.len + 1)) return art_nomem();
    if (key.len) memcpy(scan->key.data, key.data, key.len);
    scan->key.data[key.len] = 0;
    const char *path = (const char *)scan->key.data, *pattern = (const char *)scan->pattern.data;
    if (scan->matching == MATCH_GLOB) {
        *matches = sqlite3_strglob(pattern, path) == 0;
    } else {
        *matches = strcmp(path, pattern) != 0 && spells_number(path, scan->number);
    }
    return ART_OK;
}

/* From where the cursor stands to the first row that matches. */
static int settle_on_match(struct art_scan *scan) {
    if (scan->matching == MATCH_ALL) {
        scan->state = art_cursor_valid(scan->cursor) ? SCAN_RANGE : SCAN_END;
        return ART_OK;
    }
    int rc = ART_OK;
    bool matches = false;
    while (!rc && art_cursor_valid(scan->cursor)) {
        if (!matches) rc = match(scan, &matches);
        if (rc || matches) break;
        rc = art_cursor_next(scan->cursor);
    }
    scan->state = !rc && art_cursor_valid(scan->cursor) ? SCAN_RANGE : SCAN_END;
    return rc;
}

/* The far bound is kept, to count from wherever the scan stands. */
static int keep_far(struct art_scan *scan, const struct art_range *range) {
    struct art_bytes far = scan->descending ? range->low : range->high;
    bool set = scan->descending ? range->low_set : range->high_set;
    scan->range = (struct art_range){0};
    scan->far.len = 0;
    if (!set) return ART_OK;
    int rc = art_buffer_append(&scan->far, far.data, far.len);
    struct art_bytes copy = art_bytes(scan->far.data, far.len);
    if (scan->descending) {
        scan->range = (struct art_range){.low = copy, .low_set = true, .low_open = range->low_open};
    } else {
        scan->range = (struct art_range){.high = copy, .high_set = true, .high_open = range->high_open};
    }
    return rc;
}

static int filter_point(struct art_scan *scan, struct art_bytes key) {
    int rc = art_tree_get(tree_of(scan), key, &scan->row);
    if (rc == ART_NOTFOUND) return ART_OK;
    scan->key.len = 0;
    if (!rc) rc = art_buffer_append(&scan->key, key.data, key.len);
    if (!rc) scan->state = SCAN_POINT;
    return rc;
}

static int filter_range(struct art_scan *scan, const struct art_range *range) {
    int rc = scan->cursor ? ART_OK : art_cursor_open(tree_of(scan), &scan->cursor);
    if (!rc) rc = keep_far(scan, range);
    if (!rc) rc = art_cursor_seek(scan->cursor, range, scan->descending);
    return rc ? rc : settle_on_match(scan);
}

/* A number that may have to be compared as a number: its own text first, which is the only row that UPDATE and DELETE
 * look at, then all its other spellings. */
static int filter_spellings(struct art_scan *scan) {
    static const uint8_t colon[] = ":"; /* behind '9', behind all signs and blanks */
    struct art_range range = {.high = art_bytes(colon, 1), .high_set = true, .high_open = true};
    scan->matching = MATCH_NUMBER;
    return filter_range(scan, &range);
}

static int filter_number(struct art_scan *scan, sqlite3_value *value) {
    const unsigned char *text = sqlite3_value_text(value);
    scan->number = sqlite3_value_double(value);
    scan->pattern.len = 0;
    if (!text || art_buffer_append(&scan->pattern, text, strlen((const char *)text) + 1)) return art_nomem();
    int rc = filter_point(scan, art_bytes(scan->pattern.data, (uint32_t)scan->pattern.len - 1));
    if (rc) return rc;
    scan->spellings = scan->state == SCAN_POINT;
    return scan->spellings ? ART_OK : filter_spellings(scan);
}

/* A guess for the planner, made anew when the table has changed much. */
static int guess_rows(struct art_table *table) {
    uint64_t csn = art_tree_csn(table->tree);
    if (table->rows_guess && csn - table->guessed_at < 256) return ART_OK;
    struct art_range everything = {0};
    uint64_t rows;
    int rc = art_tree_count(table->tree, &everything, &rows);
    table->rows_guess = rows + 1;
    table->guessed_at = csn;
    return rc;
}

int art_scan_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc, sqlite3_value **argv) {
    (void)words;
    struct art_scan *scan = (struct art_scan *)base;
    struct art_vtab *vtab = vtab_of(scan);
    int rc = art_vtab_ready(vtab);
    if (rc) return rc;
    art_row_release(&scan->row);
    scan->state = SCAN_END;
    scan->descending = plan & ART_PLAN_DESCENDING;
    scan->matching = MATCH_ALL;
    scan->touched = scan->counting = scan->spellings = false;
    scan->untouched = 0;
    scan->behind = scan->left = 0;
    scan->failure = ART_OK;
    scan->limit = UINT64_MAX;
    struct meeting meeting = {0};
    meet_all(scan, &meeting, plan, argc, argv);
    if (meeting.rc) return meeting.rc;
    if (meeting.empty || scan->limit == 0) return SQLITE_OK;
    if (plan & ART_PLAN_POINT && meeting.range.low_set) return fail(scan, filter_point(scan, meeting.range.low));
    enter_table(scan);
    if (plan & ART_PLAN_POINT) return fail(scan, filter_number(scan, argv[0]));
    rc = guess_rows(vtab->table);
    if (!rc) rc = filter_range(scan, &meeting.range);
    return fail(scan, rc);
}

/* The table was replaced under an open query, behind SQLite's back. */
static bool is_gone(const struct art_scan *scan) {
    return !vtab_of(scan)->table || (scan->state == SCAN_RANGE && !scan->cursor);
}

static int gone(const struct art_scan *scan) {
    return art_complain(&scan->base.pVtab->zErrMsg, SQLITE_ABORT,
                        "art: the table was replaced under an open query (%s): run the query again",
                        vtab_of(scan)->name->table);
}

/* --- going on ----------------------------------------------------------------------------------------------------- */

/* The tree can be unknown in the middle of a scan, after a ROLLBACK: then it is read anew. */
static int step(struct art_scan *scan) {
    int rc = art_cursor_next(scan->cursor);
    if (rc != ART_MISUSE || !art_tree_unknown(tree_of(scan))) return rc;
    char *message = NULL;
    int failed = art_table_refresh(vtab_of(scan)->table, &message);
    if (failed) rc = art_fail(ART_CORRUPT, "%s", message ? message : "art: the table cannot be read");
    sqlite3_free(message);
    return failed ? rc : art_cursor_next(scan->cursor);
}

/* The row that the cursor stands on may have been deleted meanwhile: it is not counted. */
static int begin_counting(struct art_scan *scan) {
    struct art_bytes key = art_cursor_key(scan->cursor);
    struct art_range range = scan->range;
    scan->untouched = 0;
    if (art_tree_unknown(tree_of(scan))) return ART_OK;
    if (scan->descending) {
        range.high = key;
        range.high_set = range.high_open = true;
    } else {
        range.low = key;
        range.low_set = range.low_open = true;
    }
    int rc = art_tree_count(tree_of(scan), &range, &scan->left);
    scan->counting = !rc;
    return rc;
}

/* The cursor goes where the scan claims to be. */
static int settle(struct art_scan *scan) {
    int rc = ART_OK;
    while (!rc && scan->behind) {
        rc = step(scan);
        scan->behind--;
    }
    scan->counting = false;
    scan->untouched = 0;
    scan->behind = 0;
    if (!rc && scan->state == SCAN_RANGE && !art_cursor_valid(scan->cursor)) {
        rc = art_corrupt(NULL, ART_NOWHERE, ART_NOWHERE, "a range holds fewer rows than were counted");
    }
    return rc;
}

void art_scans_settle(struct art_table *table) {
    for (struct art_scan *scan = table->scans; scan; scan = scan->next) {
        if (scan->counting && scan->state == SCAN_RANGE) scan->failure = settle(scan);
    }
}

int art_scan_next(sqlite3_vtab_cursor *base) {
    struct art_scan *scan = (struct art_scan *)base;
    int rc = scan->failure;
    if (rc) return fail(scan, rc);
    if (is_gone(scan)) return gone(scan);
    if (scan->state == SCAN_POINT && scan->spellings) {
        scan->spellings = false;
        art_row_release(&scan->row);
        return fail(scan, filter_spellings(scan));
    }
    if (scan->state != SCAN_RANGE || --scan->limit == 0) {
        scan->state = SCAN_END;
        return SQLITE_OK;
    }
    scan->untouched = scan->touched ? 0 : scan->untouched + 1;
    scan->touched = false;
    bool exact = scan->matching == MATCH_ALL;
    if (!scan->counting && scan->untouched >= COUNT_AFTER && exact) rc = begin_counting(scan);
    if (scan->counting) {
        if (!scan->left) scan->state = SCAN_END;
        scan->left--;
        scan->behind++;
        return SQLITE_OK;
    }
    if (!rc) rc = step(scan);
    return fail(scan, rc ? rc : settle_on_match(scan));
}

int art_scan_eof(sqlite3_vtab_cursor *base) {
    return ((struct art_scan *)base)->state == SCAN_END;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static struct art_bytes path_of(const struct art_scan *scan) {
    if (scan->state == SCAN_POINT) return art_bytes(scan->key.data, (uint32_t)scan->key.len);
    return art_cursor_key(scan->cursor);
}

/* The row under the scan was deleted or changed since, by this connection, and the pieces of its long value are gone with it. */
static bool changed_since(struct art_scan *scan, const struct art_row *row) {
    struct art_row now = {0};
    int rc = art_tree_get(tree_of(scan), path_of(scan), &now);
    bool changed =
        rc == ART_NOTFOUND ||
        (!rc && (now.stored.len != row->stored.len || memcmp(now.stored.data, row->stored.data, row->stored.len) != 0));
    art_row_release(&now);
    return changed;
}

static int show_value(struct art_scan *scan, const struct art_row *row, unsigned column, sqlite3_context *context) {
    struct art_bytes value = row->stored;
    uint8_t *owned = NULL;
    int rc = row->pieces ? art_row_value(tree_of(scan), row, &value, &owned) : ART_OK;
    if (rc == ART_CORRUPT && changed_since(scan, row)) {
        sqlite3_result_null(context);
        return SQLITE_OK;
    }
    if (!rc) rc = art_record_result(context, value, column, owned ? &owned : NULL);
    art_free(owned);
    return fail(scan, rc);
}

static void show_path(struct art_scan *scan, sqlite3_context *context) {
    struct art_bytes key = path_of(scan);
    art_result_text(context, key.data, key.len);
}

int art_scan_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
    struct art_scan *scan = (struct art_scan *)base;
    if (column != ART_COLUMN_KEY && sqlite3_vtab_nochange(context)) return SQLITE_OK;
    scan->touched = true;
    if (is_gone(scan)) return gone(scan);
    if (scan->counting && !scan->failure) scan->failure = settle(scan);
    if (scan->failure) return fail(scan, scan->failure);
    if (column == ART_COLUMN_KEY) {
        show_path(scan, context);
        return SQLITE_OK;
    }
    int hidden = art_hidden_column(vtab_of(scan), column);
    if (hidden >= 0 && hidden != ART_HIDDEN_VERSION) return SQLITE_OK;
    const struct art_row *row = scan->state == SCAN_POINT ? &scan->row : art_cursor_row(scan->cursor);
    if (hidden < 0) return show_value(scan, row, (unsigned)column - 1, context);
    sqlite3_result_int64(context, (sqlite3_int64)row->version);
    return SQLITE_OK;
}

/* Not asked of a WITHOUT ROWID table. */
int art_scan_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
    (void)base;
    *rowid = 0;
    return SQLITE_OK;
}
