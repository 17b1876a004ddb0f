/* The first rows of an order, out of all that are offered: as many as there is memory for.
 *
 *     offered     5 3 9 7 1 8 2 ...     what is behind the last row that is kept is not taken any more
 *     kept        1 2 3 5               `full`: others were left out, and are behind these
 *
 * Rows are offered in any order. Where they are too many the better half stays. A batch that was begun again takes more
 * than the one before it, so that few of them are needed whatever is asked for.
 */
#include <assert.h>
#include <stdlib.h>

#include "ext/query/scan.h"

/* Of the first batch, more than a LIMIT mostly wants; of each further one, so that a few walks give them all. */
enum { ROWS_FIRST = 1024, ROWS_GROW = 8, BATCH_BYTES_MAX = 8 << 20 };

static void drop_rows(struct art_batch *batch, uint32_t from) {
    for (uint32_t i = from; i < batch->count; i++) {
        batch->bytes -= batch->rows[i]->bytes;
        art_free(batch->rows[i]);
    }
    batch->count = from;
}

void art_batch_begin(struct art_batch *batch, struct art_batch_order order) {
    drop_rows(batch, 0);
    assert(!batch->bytes);
    batch->most = batch->most ? batch->most * ROWS_GROW : ROWS_FIRST;
    if (batch->most > BATCH_BYTES_MAX / sizeof(struct art_batch_row)) batch->most /= ROWS_GROW;
    batch->given = 0;
    batch->full = false;
    batch->order = order;
}

void art_batch_keep_last(struct art_batch *batch) {
    assert(batch->count && !batch->full);
    struct art_batch_row *last = batch->rows[batch->count - 1];
    batch->rows[batch->count - 1] = batch->rows[0];
    batch->rows[0] = last;
    drop_rows(batch, 1);
    batch->given = 0;
}

void art_batch_clear(struct art_batch *batch) {
    drop_rows(batch, 0);
    art_free(batch->rows);
    *batch = (struct art_batch){0};
}

int art_batch_compare(struct art_batch_order order, const struct art_datum *value, struct art_bytes path,
                      const struct art_datum *other, struct art_bytes other_path) {
    int c = art_datum_compare(value, other);
    if (c) return order.descending ? -c : c;
    c = art_bytes_compare(path, other_path);
    return order.back ? -c : c;
}

/* qsort() hands on nothing but the rows. */
static int compare_rows(const void *a, const void *b) {
    const struct art_batch_row *row = *(struct art_batch_row *const *)a, *other = *(struct art_batch_row *const *)b;
    return art_batch_compare(row->order, &row->value, row->path, &other->value, other->path);
}

void art_batch_sort(struct art_batch *batch) {
    if (batch->count > 1) qsort(batch->rows, batch->count, sizeof *batch->rows, compare_rows);
}

bool art_batch_wants(const struct art_batch *batch, const struct art_datum *value, struct art_bytes path) {
    return !batch->full || art_batch_compare(batch->order, value, path, &batch->worst->value, batch->worst->path) < 0;
}

static uint8_t *put_copy(uint8_t *to, struct art_bytes from, struct art_bytes *copy) {
    if (from.len) memcpy(to, from.data, from.len);
    *copy = art_bytes(to, from.len);
    return to + from.len;
}

enum art_rc art_batch_take(struct art_batch *batch, const struct art_batch_row *offered) {
    bool has_bytes = offered->value.kind >= ART_DATUM_TEXT;
    size_t bytes = sizeof *offered + offered->path.len + offered->record.len;
    if (has_bytes) bytes += offered->value.bytes.len;
    enum art_rc rc = art_grow(&batch->rows, &batch->capacity, batch->count + 1, sizeof *batch->rows);
    struct art_batch_row *row = rc ? NULL : art_alloc(bytes);
    if (rc || !row) return rc ? rc : art_nomem();
    *row = *offered;
    row->bytes = bytes;
    row->order = batch->order;
    uint8_t *end = put_copy(put_copy((uint8_t *)(row + 1), offered->path, &row->path), offered->record, &row->record);
    if (has_bytes) put_copy(end, offered->value.bytes, &row->value.bytes);
    batch->rows[batch->count++] = row;
    batch->bytes += bytes;
    if (batch->count < 2 || (batch->count < 2 * batch->most && batch->bytes < BATCH_BYTES_MAX)) return ART_OK;
    art_batch_sort(batch);
    drop_rows(batch, batch->count / 2);
    batch->full = true;
    batch->worst = batch->rows[batch->count - 1];
    return ART_OK;
}

const struct art_batch_row *art_batch_next(struct art_batch *batch) {
    return batch->given < batch->count ? batch->rows[batch->given++] : NULL;
}
