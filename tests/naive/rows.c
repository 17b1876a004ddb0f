/* The sorted array. */
#include "core/base/alloc.h"
#include "core/base/error.h"
#include "tests/naive/naive.h"

enum { GAP = 1 + ART_KEY_PADDING }; /* zeros between a row's key and its value */

struct art_bytes row_key(const struct row *row) {
    return art_bytes(row->bytes, row->key_len);
}

struct art_bytes row_value(const struct row *row) {
    return art_bytes(row->bytes + row->key_len + GAP, row->value_len);
}

void row_release(struct row *row) {
    if (row && --row->references == 0) art_free(row);
}

static struct row *row_new(struct art_bytes key, struct art_bytes value, uint64_t version) {
    struct row *row = art_alloc_zeroed(sizeof *row + key.len + GAP + value.len);
    if (!row) return NULL;
    row->references = 1;
    row->key_len = key.len;
    row->value_len = value.len;
    row->version = version;
    if (key.len) memcpy(row->bytes, key.data, key.len);
    if (value.len) memcpy(row->bytes + key.len + GAP, value.data, value.len);
    return row;
}

void rows_clear(struct rows *rows) {
    for (uint32_t i = 0; i < rows->count; i++) row_release(rows->items[i]);
    art_free(rows->items);
    *rows = (struct rows){0};
}

static int rows_reserve(struct rows *rows, uint32_t capacity) {
    if (rows->capacity >= capacity) return ART_OK;
    capacity += capacity / 2 + 8;
    struct row **items = art_resize(rows->items, capacity * sizeof *items);
    if (!items) return art_nomem();
    rows->items = items;
    rows->capacity = capacity;
    return ART_OK;
}

int rows_copy(struct rows *to, const struct rows *from) {
    *to = (struct rows){0};
    int rc = rows_reserve(to, from->count);
    if (rc) return rc;
    for (uint32_t i = 0; i < from->count; i++) {
        to->items[i] = from->items[i];
        to->items[i]->references++;
    }
    to->count = from->count;
    return ART_OK;
}

uint32_t rows_below(const struct rows *rows, struct art_bytes key, bool through) {
    uint32_t low = 0, high = rows->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int c = art_bytes_compare(row_key(rows->items[middle]), key);
        if (c < 0 || (through && c == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct row *rows_find(const struct rows *rows, struct art_bytes key, uint32_t *at) {
    *at = rows_below(rows, key, false);
    if (*at == rows->count || !art_bytes_equal(row_key(rows->items[*at]), key)) return NULL;
    return rows->items[*at];
}

int rows_put(struct rows *rows, struct art_bytes key, struct art_bytes value, uint64_t version) {
    uint32_t at;
    struct row *old = rows_find(rows, key, &at), *row = row_new(key, value, version);
    if (!row || rows_reserve(rows, rows->count + 1)) {
        row_release(row);
        return art_nomem();
    }
    if (!old) {
        memmove(rows->items + at + 1, rows->items + at, (rows->count - at) * sizeof *rows->items);
        rows->count++;
    }
    row_release(old);
    rows->items[at] = row;
    return ART_OK;
}

bool rows_remove(struct rows *rows, struct art_bytes key) {
    uint32_t at;
    struct row *row = rows_find(rows, key, &at);
    if (!row) return false;
    rows->count--;
    memmove(rows->items + at, rows->items + at + 1, (rows->count - at) * sizeof *rows->items);
    row_release(row);
    return true;
}
