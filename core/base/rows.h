/* Blobs as rows of the host's own database (storage=inline): what the host does for it.
 *
 * A row holds a page of 4 KB and is numbered by it; no number is taken twice. The host need not store the zeros at a
 * page's end: with ART_ROW_SPARE of them and the row's header, a page of ours fits into one of SQLite's of the same
 * size, so that reading it is reading one. All return enum art_rc, with a message noted. The host calls nothing of the
 * tree that asks meanwhile, but that the transaction was rolled back.
 */
#ifndef ART_BASE_ROWS_H
#define ART_BASE_ROWS_H

#include "core/base/error.h"

#include <stdint.h>

/* SQLite needs 35 bytes of a table's leaf page, and 4 for the record's header; a multiple of 8. */
enum { ART_ROW_SPARE = 40 };

struct art_rows {
    void *context;
    enum art_rc (*read)(void *context, uint64_t page, void *data); /* ART_CORRUPT where there is none */
    enum art_rc (*write)(void *context, uint64_t page, const void *data);
    /* All rows with numbers in [from, end). */
    enum art_rc (*remove)(void *context, uint64_t from, uint64_t end);
    /* The number behind the last page that there is, 0 when there is none. */
    enum art_rc (*end)(void *context, uint64_t *pages);
};

#endif
