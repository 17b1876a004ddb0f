#include "tests/support/toy_rows.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

enum { PAGE = 4096 };

struct toy_bytes {
    unsigned references;
    uint8_t data[];
};

static void bytes_unref(struct toy_bytes *bytes) {
    if (!--bytes->references) free(bytes);
}

void toy_blobs_clear(struct toy_blobs *blobs) {
    for (unsigned i = 0; i < blobs->rows; i++) bytes_unref(blobs->row[i].bytes);
    free(blobs->row);
    *blobs = (struct toy_blobs){0};
}

void toy_blobs_copy(const struct toy_blobs *from, struct toy_blobs *to) {
    struct toy_blobs copy = {.rows = from->rows, .capacity = from->rows};
    if (from->rows) {
        copy.row = malloc(from->rows * sizeof *copy.row);
        memcpy(copy.row, from->row, from->rows * sizeof *copy.row);
    }
    for (unsigned i = 0; i < copy.rows; i++) copy.row[i].bytes->references++;
    toy_blobs_clear(to);
    *to = copy;
}

/* The first row whose number is over `page`. */
static unsigned behind(const struct toy_blobs *blobs, uint64_t page) {
    unsigned low = 0, high = blobs->rows;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (blobs->row[middle].page <= page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int toy_blobs_read(const struct toy_blobs *blobs, uint64_t page, void *data) {
    unsigned at = behind(blobs, page);
    const struct toy_blob *row = at ? &blobs->row[at - 1] : NULL;
    if (!row || page != row->page) {
        return art_corrupt("the toy's rows", (uint32_t)(page / 128), (uint32_t)(page % 128), "pages are missing");
    }
    memcpy(data, row->bytes->data, PAGE);
    return ART_OK;
}

void toy_blobs_write(struct toy_blobs *blobs, uint64_t page, const void *data) {
    unsigned at = behind(blobs, page);
    ck_assert_msg(!at || blobs->row[at - 1].page < page, "a row is written over another");
    if (blobs->rows == blobs->capacity) {
        blobs->capacity = blobs->capacity ? 2 * blobs->capacity : 16;
        blobs->row = realloc(blobs->row, blobs->capacity * sizeof *blobs->row);
    }
    memmove(&blobs->row[at + 1], &blobs->row[at], (blobs->rows - at) * sizeof *blobs->row);
    struct toy_bytes *bytes = malloc(sizeof *bytes + PAGE);
    bytes->references = 1;
    memcpy(bytes->data, data, PAGE);
    blobs->row[at] = (struct toy_blob){page, bytes};
    blobs->rows++;
}

void toy_blobs_remove(struct toy_blobs *blobs, uint64_t from, uint64_t end) {
    unsigned kept = 0;
    ck_assert_uint_le(from, end);
    for (unsigned i = 0; i < blobs->rows; i++) {
        if (blobs->row[i].page >= from && blobs->row[i].page < end)
            bytes_unref(blobs->row[i].bytes);
        else
            blobs->row[kept++] = blobs->row[i];
    }
    blobs->rows = kept;
}

uint64_t toy_blobs_end(const struct toy_blobs *blobs) {
    const struct toy_blob *last = blobs->rows ? &blobs->row[blobs->rows - 1] : NULL;
    return last ? last->page + 1 : 0;
}

/* --- a host ------------------------------------------------------------------------------------------------------- */

static enum art_rc host_read(void *context, uint64_t page, void *data) {
    return toy_blobs_read(context, page, data);
}

static enum art_rc host_write(void *context, uint64_t page, const void *data) {
    toy_blobs_write(context, page, data);
    return ART_OK;
}

static enum art_rc host_remove(void *context, uint64_t from, uint64_t end) {
    toy_blobs_remove(context, from, end);
    return ART_OK;
}

static enum art_rc host_end(void *context, uint64_t *pages) {
    *pages = toy_blobs_end(context);
    return ART_OK;
}

struct art_rows *toy_blobs_host(void) {
    struct art_rows *rows = malloc(sizeof *rows);
    *rows = (struct art_rows){calloc(1, sizeof(struct toy_blobs)), host_read, host_write, host_remove, host_end};
    return rows;
}

void toy_blobs_host_free(struct art_rows *rows) {
    toy_blobs_clear(rows->context);
    free(rows->context);
    free(rows);
}
