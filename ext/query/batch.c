/* The first rows of an order, out of all that are offered: as many as there is memory for.
 *
 *     offered     5 3 9 7 1 8 2 ...     what is behind the last row that is kept is not taken any more
 *     kept        1 2 3 5               `full`: others were left out, and are behind these
 *
 * Rows are offered in any order. Where they are too many the better half stays. A batch that was begun again takes more
 * than the one before it, so that few of them are needed whatever is asked for. Rows lie in chunks of memory, and are
 * sorted by codes of their values: so a batch of all rows takes about as long as SQLite's sort of them.
 */
#include <assert.h>
#include <stdlib.h>

#include "core/base/limits.h"
#include "ext/query/scan.h"

enum {
    CHUNK_LEAST = 1 << 10,
    CHUNK_MOST = 1 << 16,
    ALIGNMENT = sizeof(uint64_t),
    ROWS_PREFETCHED = 8, /* they lie anywhere */
    ROW_LINES = 3,
    CACHE_LINE = 64
};

struct art_batch_chunk {
    struct art_batch_chunk *next;
    size_t size, used;
    uint64_t bytes[];
};

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void free_batch_chunks(struct art_batch_chunk *chunk) {
    while (chunk) {
        struct art_batch_chunk *next = chunk->next;
        art_free(chunk);
        chunk = next;
    }
}

/* NULL: no memory. */
static void *allocate_in_batch(struct art_batch *batch, size_t bytes) {
    struct art_batch_chunk *chunk = batch->chunks;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!chunk || chunk->size - chunk->used < bytes) {
        size_t size = chunk && 2 * chunk->size < CHUNK_MOST ? 2 * chunk->size : chunk ? CHUNK_MOST : CHUNK_LEAST;
        if (size < bytes) size = bytes;
        chunk = art_alloc(sizeof *chunk + size);
        if (!chunk) return NULL;
        *chunk = (struct art_batch_chunk){.next = batch->chunks, .size = size};
        batch->chunks = chunk;
    }
    void *at = (uint8_t *)chunk->bytes + chunk->used;
    chunk->used += bytes;
    batch->bytes += bytes;
    return at;
}

static uint8_t *put_copy(uint8_t *to, struct art_bytes from, struct art_bytes *copy) {
    if (from.len) memcpy(to, from.data, from.len);
    *copy = art_bytes(to, from.len);
    return to + from.len;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

int art_batch_compare(struct art_batch_order order, const struct art_datum *value, struct art_bytes path,
                      const struct art_datum *other, struct art_bytes other_path) {
    int c = art_datum_compare(value, other);
    if (c) return order.descending ? -c : c;
    c = art_bytes_compare(path, other_path);
    return order.back ? -c : c;
}

/* What is before another value in the order has no larger code. */
static uint64_t code_in_batch(struct art_batch_order order, const struct art_datum *value) {
    enum { CLASS_BITS = 2 };
    uint64_t bits = 0, class = 0;
    if (value->kind >= ART_DATUM_TEXT) {
        class = value->kind == ART_DATUM_TEXT ? 2 : 3;
        for (uint32_t i = 0; i < sizeof bits; i++) bits = bits << 8 | (i < value->bytes.len ? value->bytes.data[i] : 0);
    } else if (value->kind != ART_DATUM_NULL) {
        double real = value->kind == ART_DATUM_INTEGER ? (double)value->integer : value->real;
        if (real == 0) real = 0; /* and not -0.0 */
        memcpy(&bits, &real, sizeof bits);
        bits ^= bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63;
        class = 1;
    }
    uint64_t code = class << (64 - CLASS_BITS) | bits >> CLASS_BITS;
    return order.descending ? ~code : code;
}

/* qsort() hands on nothing but the rows. */
static int compare_batch_rows(const void *a, const void *b) {
    const struct art_batch_entry *entry = a, *other = b;
    if (entry->code != other->code) return entry->code < other->code ? -1 : 1;
    const struct art_batch_row *row = entry->row, *to = other->row;
    return art_batch_compare(row->order, &row->value, row->path, &to->value, to->path);
}

void art_batch_sort(struct art_batch *batch) {
    if (batch->count > 1) qsort(batch->rows, batch->count, sizeof *batch->rows, compare_batch_rows);
}

bool art_batch_wants(const struct art_batch *batch, const struct art_datum *value, struct art_bytes path) {
    if (!batch->full) return true;
    uint64_t code = code_in_batch(batch->order, value);
    const struct art_batch_row *worst = batch->worst.row;
    if (code != batch->worst.code) return code < batch->worst.code;
    return art_batch_compare(batch->order, value, path, &worst->value, worst->path) < 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static enum art_rc keep_copy(struct art_batch *batch, const struct art_batch_row *row, struct art_batch_entry *out) {
    bool has_bytes = row->value.kind >= ART_DATUM_TEXT;
    size_t bytes = sizeof *row + row->path.len + row->record.len + (has_bytes ? row->value.bytes.len : 0);
    struct art_batch_row *copy = allocate_in_batch(batch, bytes);
    if (!copy) return art_nomem();
    *copy = *row;
    copy->order = batch->order;
    uint8_t *end = put_copy(put_copy((uint8_t *)(copy + 1), row->path, &copy->path), row->record, &copy->record);
    if (has_bytes) put_copy(end, row->value.bytes, &copy->value.bytes);
    *out = (struct art_batch_entry){.code = code_in_batch(batch->order, &copy->value), .row = copy};
    return ART_OK;
}

/* Without memory none is left. */
static enum art_rc keep_first(struct art_batch *batch, uint32_t count) {
    struct art_batch_chunk *old = batch->chunks;
    enum art_rc rc = ART_OK;
    batch->chunks = NULL;
    batch->bytes = 0;
    for (uint32_t i = 0; !rc && i < count; i++) rc = keep_copy(batch, batch->rows[i].row, &batch->rows[i]);
    batch->count = rc ? 0 : count;
    free_batch_chunks(old);
    return rc;
}

void art_batch_take_most(struct art_batch *batch) {
    batch->bytes_max = ART_LIMIT(batch_bytes_all);
    batch->most = ART_LIMIT(batch_bytes_all) / sizeof(struct art_batch_row);
}

void art_batch_begin(struct art_batch *batch, struct art_batch_order order) {
    if (!batch->bytes_max) batch->bytes_max = ART_LIMIT(batch_bytes);
    (void)keep_first(batch, 0);
    assert(!batch->bytes);
    batch->most = batch->most ? batch->most * ART_LIMIT(batch_grow) : ART_LIMIT(batch_first);
    if (batch->most > batch->bytes_max / sizeof(struct art_batch_row)) batch->most /= ART_LIMIT(batch_grow);
    batch->given = 0;
    batch->full = false;
    batch->order = order;
}

enum art_rc art_batch_keep_last(struct art_batch *batch) {
    assert(batch->count && !batch->full);
    batch->rows[0] = batch->rows[batch->count - 1];
    batch->given = 0;
    return keep_first(batch, 1);
}

void art_batch_clear(struct art_batch *batch) {
    free_batch_chunks(batch->chunks);
    art_free(batch->rows);
    *batch = (struct art_batch){0};
}

enum art_rc art_batch_take(struct art_batch *batch, const struct art_batch_row *offered) {
    enum art_rc rc = art_grow(&batch->rows, &batch->capacity, batch->count + 1, sizeof *batch->rows);
    if (!rc) rc = keep_copy(batch, offered, &batch->rows[batch->count]);
    if (rc) return rc;
    batch->count++;
    if (batch->count < 2 || (batch->count < 2 * batch->most && batch->bytes < batch->bytes_max)) return ART_OK;
    art_batch_sort(batch);
    rc = keep_first(batch, batch->count / 2);
    if (rc) return rc;
    batch->full = true;
    batch->worst = batch->rows[batch->count - 1];
    return ART_OK;
}

const struct art_batch_row *art_batch_next(struct art_batch *batch) {
    uint32_t soon = batch->given + ROWS_PREFETCHED;
    for (int line = 0; soon < batch->count && line < ROW_LINES; line++)
        __builtin_prefetch((const uint8_t *)batch->rows[soon].row + (size_t)line * CACHE_LINE);
    return batch->given < batch->count ? batch->rows[batch->given++].row : NULL;
}
