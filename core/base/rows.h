/* Blobs as rows of the host's own database (storage=inline): what the host does for it.
 *
 * A row holds some pages of 4 KB, one after the other, and is numbered by the first of them; no number is taken twice.
 * All return enum art_rc, with a message noted. The host calls nothing of the tree that asks meanwhile, but that the
 * transaction was rolled back.
 */
#ifndef ART_BASE_ROWS_H
#define ART_BASE_ROWS_H

#include <stdint.h>

enum { ART_ROW_PAGES = 8 }; /* at most: 32 KB. A row of a whole blob would be a chain of 129 of the host's pages. */

struct art_rows {
    void *context;
    /* Pages [page, page + count), all from the row with the largest number <= page: ART_CORRUPT where it has not got them. */
    int (*read)(void *context, uint64_t page, uint32_t count, void *data);
    /* A new row. */
    int (*write)(void *context, uint64_t page, uint32_t count, const void *data);
    /* All rows with numbers in [from, end). */
    int (*remove)(void *context, uint64_t from, uint64_t end);
    /* The number behind the last page that there is, 0 when there is none. */
    int (*end)(void *context, uint64_t *pages);
};

#endif
