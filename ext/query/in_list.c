/* The elements of an IN, which SQLite hands over all at once: one scan visits them in the order of paths, so that
 * ORDER BY costs nothing.
 *
 * A number among them is out of a column with a numeric affinity, by which it is to be compared with every path: then
 * all paths that may look like a number are a part of the scan, and SQLite asks each whether it is in the list. They
 * all lie before ':', so the order is kept:
 *
 *     ascending    [ range: paths before ':' ] [ points behind ':' ]
 *     descending   [ points behind ':', backward ] [ range, backward ]
 */
#include "ext/query/scan.h"

#include <stdlib.h>

static struct art_bytes point(const struct art_in_list *list, uint32_t i) {
    const uint32_t *ends = (const void *)list->ends.data;
    uint32_t from = i ? ends[i - 1] : 0;
    return art_bytes(list->bytes.data + from, ends[i] - from);
}

void art_in_list_clear(struct art_in_list *list) {
    art_buffer_clear(&list->bytes);
    art_buffer_clear(&list->ends);
}

static int add_point(struct art_in_list *list, struct art_bytes path) {
    if (path.len > ART_PATH_MAX) return SQLITE_OK;
    if (list->bytes.len + path.len > UINT32_MAX) return SQLITE_TOOBIG;
    if (art_buffer_append(&list->bytes, path.data, path.len)) return SQLITE_NOMEM;
    uint32_t end = (uint32_t)list->bytes.len;
    if (art_buffer_append(&list->ends, &end, sizeof end)) return SQLITE_NOMEM;
    list->count++;
    return SQLITE_OK;
}

static int take_value(struct art_in_list *list, sqlite3_value *value) {
    int type = sqlite3_value_type(value);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) list->numbers = true;
    if (type != SQLITE_TEXT) return SQLITE_OK;
    struct art_bytes text;
    return art_value_bytes(value, &text) ? add_point(list, text) : SQLITE_NOMEM;
}

/* SQLite goes through a sorted list without duplicates, but does not promise to. */
static bool in_order(const struct art_in_list *list) {
    for (uint32_t i = 1; i < list->count; i++) {
        if (art_bytes_compare(point(list, i - 1), point(list, i)) >= 0) return false;
    }
    return true;
}

static int compare(const void *a, const void *b) {
    return art_bytes_compare(*(const struct art_bytes *)a, *(const struct art_bytes *)b);
}

static int sort(struct art_in_list *list) {
    uint32_t count = list->count;
    struct art_bytes *sorted = art_alloc((uint64_t)count * sizeof *sorted);
    struct art_in_list out = {.numbers = list->numbers};
    int rc = sorted ? SQLITE_OK : SQLITE_NOMEM;
    for (uint32_t i = 0; !rc && i < count; i++) sorted[i] = point(list, i);
    if (!rc) qsort(sorted, count, sizeof *sorted, compare);
    for (uint32_t i = 0; !rc && i < count; i++) {
        if (!i || compare(&sorted[i - 1], &sorted[i])) rc = add_point(&out, sorted[i]);
    }
    art_free(sorted);
    art_in_list_clear(rc ? &out : list);
    if (!rc) *list = out;
    return rc;
}

int art_in_list_collect(struct art_in_list *list, sqlite3_value *given) {
    sqlite3_value *value;
    list->bytes.len = list->ends.len = 0;
    list->count = 0;
    list->numbers = false;
    int rc = sqlite3_vtab_in_first(given, &value);
    for (; !rc && value; rc = sqlite3_vtab_in_next(given, &value)) {
        int failed = take_value(list, value);
        if (failed) return failed;
    }
    if (rc && rc != SQLITE_DONE) return rc;
    rc = in_order(list) ? SQLITE_OK : sort(list);
    list->left = list->count;
    return rc;
}

/* --- walking ------------------------------------------------------------------------------------------------------ */

static bool point_is_wanted(const struct art_scan *scan, struct art_bytes path) {
    if (scan->in_list.numbers && (!path.len || path.data[0] < ':')) return false; /* the range has it */
    return art_key_range_has(&scan->keys, path);
}

static enum art_rc next_point(struct art_scan *scan) {
    struct art_in_list *list = &scan->in_list;
    enum art_rc rc = ART_OK;
    while (!rc && scan->state == ART_SCAN_END && list->left) {
        uint32_t i = scan->descending ? list->left - 1 : list->count - list->left;
        struct art_bytes path = point(list, i);
        bool matches = point_is_wanted(scan, path);
        list->left--;
        if (!rc && matches) rc = art_rows_point(scan, path);
        if (rc || scan->state != ART_SCAN_POINT) continue;
        rc = art_rows_matches(scan, path, &matches);
        scan->key.len = path.len; /* whose memory that has used */
        if (!matches) scan->state = ART_SCAN_END;
    }
    return rc;
}

static enum art_rc begin_range(struct art_scan *scan) {
    struct art_range range = art_range_of_numbers(&scan->keys.range);
    scan->range_due = false;
    return art_rows_range(scan, &range);
}

enum art_rc art_in_list_next(struct art_scan *scan) {
    enum art_rc rc = ART_OK;
    scan->state = ART_SCAN_END;
    if (!scan->descending && scan->range_due) rc = begin_range(scan);
    if (!rc && scan->state == ART_SCAN_END) rc = next_point(scan);
    if (!rc && scan->state == ART_SCAN_END && scan->range_due) rc = begin_range(scan);
    return rc;
}
