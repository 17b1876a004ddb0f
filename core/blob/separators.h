/* The separators of an index blob in memory, for blobs that are asked for a child again and again. */
#ifndef ART_BLOB_SEPARATORS_H
#define ART_BLOB_SEPARATORS_H

#include "core/blob/blob_format.h"

/* Are they there? Decodes them, once at most, when the blob has been asked so often that it pays. Index blobs. */
bool art_separators_ready_slow(struct art_blob *blob);
static inline bool art_separators_ready(struct art_blob *blob) {
    return blob->separators || (blob->may_keep_separators && art_separators_ready_slow(blob));
}

/* Number of the child whose range holds `key`. They are there. */
uint32_t art_separators_find(const struct art_blob *blob, struct art_bytes key);
/* Its reference, which lies in the image, and, if `before` is not NULL, the sum of the counts of the children before
 * it. */
void art_separators_child(const struct art_blob *blob, uint32_t child, struct art_ref *out, int64_t *before);

#endif
