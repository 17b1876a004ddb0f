/* The elements of an IN, which SQLite hands over all at once: one scan visits them in the order of paths, so that
 * ORDER BY costs nothing.
 *
 * A number among them is out of a column with a numeric affinity, by which it is to be compared with every path: then
 * all paths that may look like a number are a part of the scan, and SQLite asks each whether it is in the list. They all
 * lie before ':', so the order is kept:
 *
 *     ascending    [ range: paths before ':' ] [ points behind ':' ]
 *     descending   [ points behind ':', backward ] [ range, backward ]
 */
#include "ext/query/scan.h"

#include <stdlib.h>

static struct art_bytes point(const struct art_points *points, uint32_t i) {
    const uint32_t *ends = (const void *)points->ends.data;
    uint32_t from = i ? ends[i - 1] : 0;
    return art_bytes(points->bytes.data + from, ends[i] - from);
}

void art_points_clear(struct art_points *points) {
    art_buffer_clear(&points->bytes);
    art_buffer_clear(&points->ends);
}

static int add_point(struct art_points *points, struct art_bytes path) {
    if (path.len > ART_PATH_MAX) return SQLITE_OK;
    if (points->bytes.len + path.len > UINT32_MAX) return SQLITE_TOOBIG;
    if (art_buffer_append(&points->bytes, path.data, path.len)) return SQLITE_NOMEM;
    uint32_t end = (uint32_t)points->bytes.len;
    if (art_buffer_append(&points->ends, &end, sizeof end)) return SQLITE_NOMEM;
    points->count++;
    return SQLITE_OK;
}

static int take_value(struct art_points *points, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) points->numbers = true;
    if (type != SQLITE_TEXT) return SQLITE_OK;
    struct art_bytes text;
    return art_value_bytes(value, &text) ? add_point(points, text) : SQLITE_NOMEM;
}

/* SQLite goes through a sorted list without duplicates, but does not promise to. */
static bool in_order(const struct art_points *points) {
    for (uint32_t i = 1; i < points->count; i++) {
        if (art_bytes_compare(point(points, i - 1), point(points, i)) >= 0) return false;
    }
    return true;
}

static int compare(const void *a, const void *b) {
    return art_bytes_compare(*(const struct art_bytes *)a, *(const struct art_bytes *)b);
}

static int sort(struct art_points *points) {
    uint32_t count = points->count;
    struct art_bytes *sorted = art_alloc((uint64_t)count * sizeof *sorted);
    struct art_points out = {.numbers = points->numbers};
    int rc = sorted ? SQLITE_OK : SQLITE_NOMEM;
    for (uint32_t i = 0; !rc && i < count; i++) sorted[i] = point(points, i);
    if (!rc) qsort(sorted, count, sizeof *sorted, compare);
    for (uint32_t i = 0; !rc && i < count; i++) {
        if (!i || compare(&sorted[i - 1], &sorted[i])) rc = add_point(&out, sorted[i]);
    }
    art_free(sorted);
    art_points_clear(rc ? &out : points);
    if (!rc) *points = out;
    return rc;
}

int art_points_collect(struct art_points *points, sqlite3_value *list) {
    sqlite3_value *value;
    points->bytes.len = points->ends.len = 0;
    points->count = 0;
    points->numbers = false;
    int rc = sqlite3_vtab_in_first(list, &value);
    for (; !rc && value; rc = sqlite3_vtab_in_next(list, &value)) {
        int failed = take_value(points, value);
        if (failed) return failed;
    }
    if (rc && rc != SQLITE_DONE) return rc;
    rc = in_order(points) ? SQLITE_OK : sort(points);
    points->left = points->count;
    return rc;
}

/* --- walking ------------------------------------------------------------------------------------------------------ */

static bool point_is_wanted(const struct art_scan *scan, struct art_bytes path) {
    if (scan->points.numbers && (!path.len || path.data[0] < ':')) return false; /* the range has it */
    return art_wanted_has(&scan->wanted, path);
}

static int next_point(struct art_scan *scan) {
    struct art_points *points = &scan->points;
    int rc = ART_OK;
    while (!rc && scan->state == ART_SCAN_END && points->left) {
        uint32_t i = scan->descending ? points->left - 1 : points->count - points->left;
        struct art_bytes path = point(points, i);
        bool matches = point_is_wanted(scan, path);
        points->left--;
        if (matches) rc = art_rows_matches(scan, path, &matches);
        if (!rc && matches) rc = art_rows_point(scan, path);
    }
    return rc;
}

static int begin_range(struct art_scan *scan) {
    struct art_range range = art_range_of_numbers(&scan->wanted.range);
    scan->range_due = false;
    return art_rows_range(scan, &range);
}

int art_points_next(struct art_scan *scan) {
    int rc = ART_OK;
    scan->state = ART_SCAN_END;
    if (!scan->descending && scan->range_due) rc = begin_range(scan);
    if (!rc && scan->state == ART_SCAN_END) rc = next_point(scan);
    if (!rc && scan->state == ART_SCAN_END && scan->range_due) rc = begin_range(scan);
    return rc;
}
