/* Fence pointers: the separators of an index blob in a sorted array, for blobs that are asked for a child again and
 * again. */
#ifndef ART_BLOB_FENCES_H
#define ART_BLOB_FENCES_H

#include "core/blob/blob_format.h"

/* Are there any? Makes them when the blob has been asked so often that they pay. */
bool art_fences_ready_slow(struct art_blob *blob);
static inline bool art_fences_ready(struct art_blob *blob) {
    return blob->fences || (blob->keeps_fences && art_fences_ready_slow(blob));
}

/* Number of the child whose range holds `key`. */
uint32_t art_fences_find(const struct art_blob *blob, struct art_bytes key);
/* Its reference, and the sum of the counts of the children before it. */
void art_fences_child(const struct art_blob *blob, uint32_t child, struct art_ref *out, int64_t *before);

#endif
