/* BEST: rows in the order of a summarised column's values: ORDER BY size DESC LIMIT 20, max(mtime).
 *
 * The tree finds them best first, and each is then a row as a point read gives it. A search ends when its table
 * changes. The next row is found by another one, which passes over all that has been given: what is better than the
 * last row's value, and of the rows with that value those that are remembered.
 */
#include <assert.h>

#include "ext/query/scan.h"

enum { TIES_BYTES_MAX = 1 << 20 }; /* bytes of paths with one value that are remembered */

static enum art_rc begin_search(struct art_scan *scan) {
    art_best_close(scan->search);
    scan->search = NULL;
    enum art_rc rc = art_scan_check_summary(scan);
    return rc ? rc : art_best_open(art_scan_tree(scan), &scan->keys.range, &scan->of.best.order, &scan->search);
}

/* --- what has been given ------------------------------------------------------------------------------------------ */

static bool is_a_tie(const struct art_buffer *ties, struct art_bytes path) {
    const uint8_t *at = ties->data, *end = at + ties->len;
    for (; at < end; at += sizeof(uint32_t) + art_load32(at)) {
        if (art_bytes_equal(path, art_bytes(at + sizeof(uint32_t), art_load32(at)))) return true;
    }
    return false;
}

/* Only of a search that is not the first. */
static enum art_rc was_given(const struct art_scan *scan, struct art_bytes path, const struct art_datum *value,
                             bool *given) {
    const struct art_best_scan *best = &scan->of.best;
    *given = false;
    if (!best->again) return ART_OK;
    int c = art_datum_compare(value, &best->last);
    *given = best->order.descending ? c > 0 : c < 0;
    if (c) return ART_OK;
    *given = is_a_tie(&scan->room[ART_ROOM_TIES], path);
    if (*given || !best->ties_lost) return ART_OK;
    return art_fail(ART_MISUSE,
                    "art: the table changed while a query gave very many rows with one value (%s): "
                    "run the query again",
                    art_scan_vtab(scan)->name->table);
}

static enum art_rc note_best(struct art_scan *scan, struct art_bytes path, const struct art_datum *value) {
    struct art_best_scan *best = &scan->of.best;
    struct art_buffer *text = &scan->room[ART_ROOM_LAST], *ties = &scan->room[ART_ROOM_TIES];
    bool same = best->any && !art_datum_compare(value, &best->last);
    if (!same) {
        text->len = ties->len = 0;
        best->ties_lost = false;
        best->last = *value;
        if (value->kind >= ART_DATUM_TEXT) {
            enum art_rc rc = art_buffer_append(text, value->bytes.data, value->bytes.len);
            if (rc) return rc;
            best->last.bytes = art_buffer_bytes(text);
        }
        best->any = true;
    }
    best->ties_lost |= ties->len + path.len > TIES_BYTES_MAX;
    if (best->ties_lost) return ART_OK;
    uint8_t len[sizeof(uint32_t)];
    art_store32(len, path.len);
    enum art_rc rc = art_buffer_append(ties, len, sizeof len);
    return rc ? rc : art_buffer_append(ties, path.data, path.len);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* The search's next row. */
static enum art_rc find_next(struct art_scan *scan, struct art_bytes *path) {
    struct art_datum value;
    bool given = true;
    enum art_rc rc = ART_OK;
    while (!rc && given) {
        rc = art_scan_ready(scan);
        if (!rc) rc = art_best_next(scan->search, path, &value);
        if (rc == ART_REBUILD) {
            scan->of.best.again = scan->of.best.any;
            rc = begin_search(scan);
            continue;
        }
        if (!rc) rc = was_given(scan, *path, &value, &given);
    }
    return rc ? rc : note_best(scan, *path, &value);
}

enum art_rc art_best_scan_next(struct art_scan *scan) {
    assert(scan->search);
    scan->state = ART_SCAN_END;
    for (;;) {
        struct art_bytes path;
        enum art_rc rc = find_next(scan, &path);
        if (!rc) rc = art_point_scan_find(scan, path);
        if (rc == ART_NOTFOUND) return ART_OK;
        if (rc) return rc;
        if (scan->state != ART_SCAN_ON_ROW) continue;
        if (!scan->filters.count || art_filters_may_want(scan)) return ART_OK;
        scan->state = ART_SCAN_END;
    }
}

static enum art_rc entry_matches(void *context, struct art_bytes path, const struct art_entry *entry, bool *wanted) {
    struct art_scan *scan = context;
    *wanted = art_filters_may_want_entry(scan, path, entry);
    return *wanted ? art_match_path(&scan->match, path, wanted) : ART_OK;
}

static bool has_pattern(const struct art_scan *scan) {
    bool any = scan->match.by != ART_MATCH_ALL;
    for (unsigned i = 0; i < scan->filters.count; i++) any |= art_filter_is_pattern(&scan->filters.items[i]);
    return any;
}

enum art_rc art_best_scan_open(struct art_scan *scan) {
    struct art_best_scan *best = &scan->of.best;
    assert(scan->kind == ART_SCAN_BEST);
    *best = (struct art_best_scan){.order = {.column = (unsigned)scan->plan >> ART_PLAN_ITEM_SHIFT,
                                             .descending = scan->descending,
                                             .by_key = scan->plan & ART_PLAN_TIES}};
    best->order.limits = scan->limits;
    if (has_pattern(scan)) {
        best->order.matches = entry_matches;
        best->order.context = scan;
    }
    enum art_rc rc = begin_search(scan);
    if (!rc) rc = art_best_scan_next(scan);
    for (; !rc && scan->offset && scan->state == ART_SCAN_ON_ROW; scan->offset--) rc = art_best_scan_next(scan);
    return rc;
}
