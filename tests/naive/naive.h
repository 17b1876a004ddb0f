/* What the files of the naive tree share beside core/tree/tree.h. */
#ifndef ART_TESTS_NAIVE_H
#define ART_TESTS_NAIVE_H

#include "core/tree/tree.h"

const struct art_summary *naive_summary(const struct art_tree *tree);

/* ---- rows.c ------------------------------------------------------------------------------------------------------ */

struct row {
    unsigned references;
    uint32_t key_len, value_len;
    uint64_t version;
    uint8_t bytes[];
};

struct rows {
    struct row **items;
    uint32_t count, capacity;
};

struct art_bytes row_key(const struct row *row);
struct art_bytes row_value(const struct row *row);
void row_release(struct row *row);

void rows_clear(struct rows *rows);
/* `to` is overwritten without being cleared. */
int rows_copy(struct rows *to, const struct rows *from);
/* Number of rows below `key`, or with `through`, not above it. */
uint32_t rows_below(const struct rows *rows, struct art_bytes key, bool through);
struct row *rows_find(const struct rows *rows, struct art_bytes key, uint32_t *at);
int rows_put(struct rows *rows, struct art_bytes key, struct art_bytes value, uint64_t version);
bool rows_remove(struct rows *rows, struct art_bytes key);

#endif
