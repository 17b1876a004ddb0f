/* Sums, extremes and the best rows, by a walk over all rows of the range. */
#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "tests/naive/naive.h"

/* Calls visit() with the data of each row; texts are borrowed until it returns. */
static enum art_rc each_row(struct art_tree *tree, const struct art_range *range,
                            enum art_rc (*visit)(void *context, struct art_bytes path, const struct art_datum *data),
                            void *context) {
    const struct art_summary *summary = naive_summary(tree);
    struct art_cursor *cursor;
    enum art_rc rc = art_cursor_open(tree, &cursor);
    if (rc) return rc;
    for (rc = art_cursor_seek(cursor, range, false); !rc && art_cursor_valid(cursor);) {
        struct art_datum data[ART_SUMMARY_MAX];
        struct art_bytes value;
        uint8_t *owned;
        rc = art_row_value(tree, art_cursor_row(cursor), &value, &owned);
        if (rc) break;
        summary->read(summary->context, value, ART_ALL_COLUMNS, data);
        rc = visit(context, art_cursor_key(cursor), data);
        art_free(owned);
        if (!rc) rc = art_cursor_next(cursor);
    }
    art_cursor_close(cursor);
    return rc;
}

struct adding {
    struct art_measures has;
    art_int128 *sum;
};

static enum art_rc add_row(void *context, struct art_bytes path, const struct art_datum *data) {
    const struct adding *adding = context;
    (void)path;
    for (unsigned i = 0; i < adding->has.sums; i++) {
        if (data[i].kind == ART_DATUM_INTEGER) adding->sum[i] += data[i].integer;
    }
    return ART_OK;
}

enum art_rc art_tree_sums(struct art_tree *tree, const struct art_range *range, art_int128 sum[ART_SUMMARY_MAX]) {
    struct adding adding = {naive_summary(tree)->has, sum};
    memset(sum, 0, ART_SUMMARY_MAX * sizeof *sum);
    return each_row(tree, range, add_row, &adding);
}

enum art_rc art_tree_totals(struct art_tree *tree, const struct art_range *range, enum art_totalled wanted,
                            struct art_span *span, struct art_totals *out) {
    (void)span;
    *out = (struct art_totals){0};
    enum art_rc rc = art_tree_count(tree, range, &out->rows);
    return rc || wanted < ART_TOTALLED_SUMS ? rc : art_tree_sums(tree, range, out->sum);
}

/* --- best first --------------------------------------------------------------------------------------------------- */

struct found {
    struct art_datum value;
    struct art_bytes path; /* both owned */
};

struct art_best {
    struct art_best_order order;
    struct found *rows;
    uint32_t count, next;
};

static uint8_t *copy_of(struct art_bytes bytes) {
    uint8_t *copy = art_alloc((size_t)bytes.len + 1);
    if (copy && bytes.len) memcpy(copy, bytes.data, bytes.len);
    return copy;
}

static enum art_rc find_row(void *context, struct art_bytes path, const struct art_datum *data) {
    struct art_best *best = context;
    struct found found = {data[best->order.column], art_bytes(copy_of(path), path.len)};
    struct found *more = art_resize(best->rows, (best->count + 1) * sizeof *more);
    bool text = found.value.kind >= ART_DATUM_TEXT;
    if (text) found.value.bytes.data = copy_of(found.value.bytes);
    if (more) best->rows = more;
    if (!more || !found.path.data || (text && !found.value.bytes.data)) {
        art_free((void *)found.path.data);
        if (text) art_free((void *)found.value.bytes.data);
        return art_nomem();
    }
    best->rows[best->count++] = found;
    return ART_OK;
}

static int compare_rising(const void *a, const void *b) {
    return art_datum_compare(&((const struct found *)a)->value, &((const struct found *)b)->value);
}

static int compare_falling(const void *a, const void *b) {
    return compare_rising(b, a);
}

enum art_rc art_best_open(struct art_tree *tree, const struct art_range *range, const struct art_best_order *order,
                          struct art_best **out) {
    struct art_range all = *range;
    all.limits = NULL;
    *out = NULL;
    struct art_best *best = art_alloc_zeroed(sizeof *best);
    if (!best) return art_nomem();
    best->order = *order;
    enum art_rc rc = each_row(tree, &all, find_row, best);
    if (rc) {
        art_best_close(best);
        return rc;
    }
    if (best->count)
        qsort(best->rows, best->count, sizeof *best->rows, order->descending ? compare_falling : compare_rising);
    *out = best;
    return ART_OK;
}

void art_best_close(struct art_best *best) {
    if (!best) return;
    for (uint32_t i = 0; i < best->count; i++) {
        art_free((void *)best->rows[i].path.data);
        if (best->rows[i].value.kind >= ART_DATUM_TEXT) art_free((void *)best->rows[i].value.bytes.data);
    }
    art_free(best->rows);
    art_free(best);
}

enum art_rc art_best_next(struct art_best *best, struct art_bytes *path, struct art_datum *value) {
    while (best->next < best->count && best->order.skip_nulls && best->rows[best->next].value.kind == ART_DATUM_NULL)
        best->next++;
    if (best->next == best->count) return ART_NOTFOUND;
    *path = best->rows[best->next].path;
    *value = best->rows[best->next++].value;
    return ART_OK;
}

enum art_rc art_tree_extreme(struct art_tree *tree, const struct art_range *range, const struct art_span *span,
                             unsigned column, bool largest, struct art_buffer *room, struct art_datum *out) {
    (void)span;
    struct art_best_order order = {.column = column, .descending = largest, .skip_nulls = true};
    struct art_best *best;
    struct art_bytes path;
    *out = (struct art_datum){.kind = ART_DATUM_NULL};
    enum art_rc rc = art_best_open(tree, range, &order, &best);
    if (rc) return rc;
    rc = art_best_next(best, &path, out);
    if (!rc && out->kind >= ART_DATUM_TEXT) {
        room->len = 0;
        rc = art_buffer_append(room, out->bytes.data, out->bytes.len);
        out->bytes = art_buffer_bytes(room);
    }
    art_best_close(best);
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

const struct art_summary *art_tree_summarised(const struct art_tree *tree) {
    const struct art_summary *summary = naive_summary(tree);
    return summary->has.columns ? summary : NULL;
}
