/* Rows in the order of a summarised column's values: ORDER BY size DESC LIMIT 20, max(mtime).
 *
 * The tree finds them best first, and each is then a row as a point read gives it. A search ends when its table
 * changes. The next row is found by another one, which passes over all that has been given: what is better than the
 * last row's value, and of the rows with that value those that are remembered.
 */
#include "ext/query/scan.h"

enum { TIES_MAX = 1 << 20 }; /* bytes of paths with one value that are remembered */

struct art_best_scan {
    struct art_best *search;
    struct art_best_order order;
    bool again;            /* it is not the first search */
    bool any;              /* `last` means something */
    struct art_datum last; /* the last row's value, its bytes in `text` */
    struct art_buffer text;
    struct art_buffer ties; /* paths of the rows given with it, each behind its length (uint32_t) */
    bool ties_lost;         /* there were too many */
};

static enum art_rc begin_search(struct art_scan *scan) {
    struct art_best_scan *best = scan->best;
    art_best_close(best->search);
    best->search = NULL;
    enum art_rc rc = art_scan_check_summary(scan);
    return rc ? rc : art_best_open(art_scan_tree(scan), &scan->range, &best->order, &best->search);
}

void art_best_scan_end(struct art_scan *scan) {
    struct art_best_scan *best = scan->best;
    if (!best) return;
    art_best_close(best->search);
    art_buffer_clear(&best->text);
    art_buffer_clear(&best->ties);
    art_free(best);
    scan->best = NULL;
}

/* --- what has been given ------------------------------------------------------------------------------------------ */

static bool is_a_tie(const struct art_best_scan *best, struct art_bytes path) {
    const uint8_t *at = best->ties.data, *end = at + best->ties.len;
    for (; at < end; at += sizeof(uint32_t) + art_load32(at)) {
        if (art_bytes_equal(path, art_bytes(at + sizeof(uint32_t), art_load32(at)))) return true;
    }
    return false;
}

/* Only of a search that is not the first. */
static enum art_rc was_given(const struct art_scan *scan, struct art_bytes path, const struct art_datum *value,
                             bool *given) {
    const struct art_best_scan *best = scan->best;
    *given = false;
    if (!best->again || !best->any) return ART_OK;
    int c = art_datum_compare(value, &best->last);
    *given = best->order.descending ? c > 0 : c < 0;
    if (c) return ART_OK;
    *given = is_a_tie(best, path);
    if (*given || !best->ties_lost) return ART_OK;
    return art_fail(ART_MISUSE,
                    "art: the table changed while a query gave very many rows with one value (%s): "
                    "run the query again",
                    art_scan_vtab(scan)->name->table);
}

static enum art_rc note_best(struct art_best_scan *best, struct art_bytes path, const struct art_datum *value) {
    bool same = best->any && !art_datum_compare(value, &best->last);
    if (!same) {
        best->text.len = best->ties.len = 0;
        best->ties_lost = false;
        best->last = *value;
        if (value->kind >= ART_DATUM_TEXT) {
            enum art_rc rc = art_buffer_append(&best->text, value->bytes.data, value->bytes.len);
            if (rc) return rc;
            best->last.bytes = art_buffer_bytes(&best->text);
        }
        best->any = true;
    }
    best->ties_lost |= best->ties.len + path.len > TIES_MAX;
    if (best->ties_lost) return ART_OK;
    uint8_t len[sizeof(uint32_t)];
    art_store32(len, path.len);
    enum art_rc rc = art_buffer_append(&best->ties, len, sizeof len);
    return rc ? rc : art_buffer_append(&best->ties, path.data, path.len);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* The search's next row. */
static enum art_rc find_next(struct art_scan *scan, struct art_bytes *path) {
    struct art_best_scan *best = scan->best;
    struct art_datum value;
    bool given = true;
    enum art_rc rc = ART_OK;
    while (!rc && given) {
        rc = art_rows_ready(scan);
        if (!rc) rc = art_best_next(best->search, path, &value);
        if (rc == ART_REBUILD) {
            best->again = true;
            rc = begin_search(scan);
            continue;
        }
        if (!rc) rc = was_given(scan, *path, &value, &given);
    }
    return rc ? rc : note_best(best, *path, &value);
}

enum art_rc art_best_scan_next(struct art_scan *scan) {
    for (;;) {
        struct art_bytes path;
        enum art_rc rc = find_next(scan, &path);
        if (!rc) rc = art_rows_point(scan, path);
        if (rc == ART_NOTFOUND) return ART_OK;
        if (rc) return rc;
        if (scan->state != ART_SCAN_POINT) continue;
        if (!scan->filter_count || art_filters_may_want(scan)) return ART_OK;
        scan->state = ART_SCAN_END;
    }
}

static enum art_rc entry_matches(void *context, struct art_bytes path, const struct art_entry *entry, bool *wanted) {
    struct art_scan *scan = context;
    *wanted = art_filters_may_want_entry(scan, path, entry);
    return *wanted ? art_rows_matches(scan, path, wanted) : ART_OK;
}

static bool has_pattern(const struct art_scan *scan) {
    bool any = scan->matching != ART_MATCH_ALL;
    for (unsigned i = 0; i < scan->filter_count; i++) any |= art_filter_is_pattern(&scan->filters[i]);
    return any;
}

enum art_rc art_best_scan_begin(struct art_scan *scan, const struct art_range *range, unsigned item, bool by_key) {
    scan->best = art_alloc_zeroed(sizeof *scan->best);
    if (!scan->best) return art_nomem();
    scan->range = *range;
    scan->best->order = (struct art_best_order){.column = item, .descending = scan->descending, .by_key = by_key};
    scan->best->order.limits = scan->limits;
    if (has_pattern(scan)) {
        scan->best->order.matches = entry_matches;
        scan->best->order.context = scan;
    }
    enum art_rc rc = begin_search(scan);
    if (!rc) rc = art_best_scan_next(scan);
    for (; !rc && scan->offset && scan->state == ART_SCAN_POINT; scan->offset--) {
        scan->state = ART_SCAN_END;
        rc = art_best_scan_next(scan);
    }
    return rc;
}
