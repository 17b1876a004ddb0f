/* Blobs as rows of the toy host's (tree_world.h): what core/base/rows.h asks of a host, kept by the letter.
 *
 * A row that is written over another, or asked for while the host is busy
 * with the end of a transaction, ends the test. Rows are shared by copies of the table: a copy costs its list.
 */
#ifndef ART_TESTS_TOY_ROWS_H
#define ART_TESTS_TOY_ROWS_H

#include <stdint.h>

#include "core/base/rows.h"

struct toy_blob {
    uint64_t page;
    struct toy_bytes *bytes;
};

struct toy_blobs {
    struct toy_blob *row;
    unsigned rows, capacity;
};

void toy_blobs_clear(struct toy_blobs *blobs);
/* `to` is replaced. */
void toy_blobs_copy(const struct toy_blobs *from, struct toy_blobs *to);
/* As art_rows has it; corrupt() says what is missing. */
int toy_blobs_read(const struct toy_blobs *blobs, uint64_t page, void *data);
void toy_blobs_write(struct toy_blobs *blobs, uint64_t page, const void *data);
void toy_blobs_remove(struct toy_blobs *blobs, uint64_t from, uint64_t end);
uint64_t toy_blobs_end(const struct toy_blobs *blobs);
/* A table for itself, with what a store asks of its host. */
struct art_rows *toy_blobs_host(void);
void toy_blobs_host_free(struct art_rows *rows);

#endif
