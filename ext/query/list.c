/* LIST: the elements of an IN, which SQLite hands over all at once: one scan visits them in the order of paths, so that
 * ORDER BY costs nothing.
 *
 * A number among them is out of a column with a numeric affinity, by which it is to be compared with every path: then
 * all paths that may look like a number are a part of the scan, and SQLite asks each whether it is in the list. They
 * all lie before ':', so the order is kept:
 *
 *     ascending    [ range: paths before ':' ] [ points behind ':' ]
 *     descending   [ points behind ':', backward ] [ range, backward ]
 */
#include <assert.h>
#include <stdlib.h>

#include "ext/query/scan.h"

static struct art_bytes element(const struct art_buffer scratch[2], uint32_t i) {
    const uint32_t *ends = (const void *)scratch[ART_SCRATCH_ENDS].data;
    const uint8_t *paths = scratch[ART_SCRATCH_PATHS].data; /* NULL: they are all empty */
    uint32_t from = i ? ends[i - 1] : 0;
    return art_bytes(paths ? paths + from : (const uint8_t *)"", ends[i] - from);
}

static int add_element(struct art_buffer scratch[2], struct art_bytes path) {
    struct art_buffer *paths = &scratch[ART_SCRATCH_PATHS];
    if (path.len > ART_PATH_MAX) return SQLITE_OK;
    if (paths->len + path.len > UINT32_MAX) return SQLITE_TOOBIG;
    if (art_buffer_append(paths, path.data, path.len)) return SQLITE_NOMEM;
    uint32_t end = (uint32_t)paths->len;
    return art_buffer_append(&scratch[ART_SCRATCH_ENDS], &end, sizeof end) ? SQLITE_NOMEM : SQLITE_OK;
}

static uint32_t count_elements(const struct art_buffer scratch[2]) {
    return (uint32_t)(scratch[ART_SCRATCH_ENDS].len / sizeof(uint32_t));
}

/* SQLite goes through a sorted list without duplicates, but does not promise to. */
static bool in_order(const struct art_buffer scratch[2]) {
    for (uint32_t i = 1; i < count_elements(scratch); i++) {
        if (art_bytes_compare(element(scratch, i - 1), element(scratch, i)) >= 0) return false;
    }
    return true;
}

static int compare(const void *a, const void *b) {
    return art_bytes_compare(*(const struct art_bytes *)a, *(const struct art_bytes *)b);
}

static int sort(struct art_buffer scratch[2]) {
    uint32_t count = count_elements(scratch);
    struct art_bytes *sorted = art_alloc((uint64_t)count * sizeof *sorted);
    struct art_buffer from[2] = {scratch[0], scratch[1]};
    int rc = sorted ? SQLITE_OK : SQLITE_NOMEM;
    for (uint32_t i = 0; !rc && i < count; i++) sorted[i] = element(from, i);
    if (!rc) qsort(sorted, count, sizeof *sorted, compare);
    scratch[0] = scratch[1] = (struct art_buffer){0};
    for (uint32_t i = 0; !rc && i < count; i++) {
        if (!i || compare(&sorted[i - 1], &sorted[i])) rc = add_element(scratch, sorted[i]);
    }
    art_free(sorted);
    art_buffer_clear(&from[0]);
    art_buffer_clear(&from[1]);
    return rc;
}

int art_list_scan_collect(struct art_scan *scan, sqlite3_value *given) {
    sqlite3_value *value;
    assert(scan->kind == ART_SCAN_LIST);
    scan->scratch[ART_SCRATCH_PATHS].len = scan->scratch[ART_SCRATCH_ENDS].len = 0;
    scan->of.list = (struct art_list_scan){.numbers = ART_NUMBERS_NONE};
    int rc = sqlite3_vtab_in_first(given, &value);
    for (; !rc && value; rc = sqlite3_vtab_in_next(given, &value)) {
        struct art_bytes text;
        int type = sqlite3_value_type(value);
        bool of_blobs = scan->keys.of_blobs, number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
        if (number && !of_blobs) scan->of.list.numbers = ART_NUMBERS_DUE;
        if (type != (of_blobs ? SQLITE_BLOB : SQLITE_TEXT)) continue;
        int failed = art_value_bytes(value, &text) ? add_element(scan->scratch, text) : SQLITE_NOMEM;
        if (failed) return failed;
    }
    if (rc && rc != SQLITE_DONE) return rc;
    rc = in_order(scan->scratch) ? SQLITE_OK : sort(scan->scratch);
    scan->of.list.count = scan->of.list.left = count_elements(scan->scratch);
    return rc;
}

/* --- walking ------------------------------------------------------------------------------------------------------ */

static bool is_wanted(const struct art_list_scan *list, struct art_bytes path) {
    if (list->numbers && (!path.len || path.data[0] < ':')) return false; /* the range has it */
    return art_key_range_has(&list->points, path);
}

static enum art_rc next_point(struct art_scan *scan) {
    struct art_list_scan *list = &scan->of.list;
    enum art_rc rc = ART_OK;
    while (!rc && scan->state == ART_SCAN_END && list->left) {
        uint32_t i = scan->descending ? list->left - 1 : list->count - list->left;
        struct art_bytes path = element(scan->scratch, i);
        bool matches = is_wanted(list, path);
        list->left--;
        if (matches) rc = art_match_path(&scan->match, path, &matches);
        if (!rc && matches) rc = art_point_scan_find(scan, path);
    }
    return rc;
}

static enum art_rc begin_range(struct art_scan *scan) {
    scan->of.list.numbers = ART_NUMBERS_BEGUN;
    enum art_rc rc = art_rows_begin(scan);
    return rc ? rc : art_rows_next(scan, false);
}

/* From END to the first row that is still to come. */
static enum art_rc next_of_list(struct art_scan *scan) {
    const struct art_list_scan *list = &scan->of.list;
    enum art_rc rc = ART_OK;
    scan->state = ART_SCAN_END;
    if (!scan->descending && list->numbers == ART_NUMBERS_DUE) rc = begin_range(scan);
    if (!rc && scan->state == ART_SCAN_END) rc = next_point(scan);
    if (!rc && scan->state == ART_SCAN_END && list->numbers == ART_NUMBERS_DUE) rc = begin_range(scan);
    return rc;
}

enum art_rc art_list_scan_open(struct art_scan *scan) {
    struct art_list_scan *list = &scan->of.list;
    assert(scan->kind == ART_SCAN_LIST && list->left == list->count);
    list->points = scan->keys.range;
    scan->keys.range = art_range_of_numbers(&list->points);
    return next_of_list(scan);
}

enum art_rc art_list_scan_next(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    if (scan->state == ART_SCAN_ON_CURSOR) {
        rc = art_rows_next(scan, true);
        if (rc || scan->state == ART_SCAN_ON_CURSOR) return rc;
    }
    rc = art_scan_ready(scan);
    return rc ? rc : next_of_list(scan);
}
