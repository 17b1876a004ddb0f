/* Where a key's place in a blob is: shared by lookups and cursors. */
#ifndef ART_BLOB_SEARCH_H
#define ART_BLOB_SEARCH_H

#include "core/blob/bucket.h"

struct art_place {
    uint32_t bucket,
        entry; /* the first entry >= key in the bucket that holds the key's place; view.count: behind all */
    bool exact;
    struct art_bucket_view view;
};

/* Where `key` stands, or would: its bucket is loaded, and its view open. ART_OK, or what load() said. */
enum art_rc art_blob_find(struct art_blob *blob, struct art_bytes key, struct art_place *out);

/* Opens the bucket's view, loading what is missing. */
static inline enum art_rc art_bucket_open(struct art_blob *blob, uint32_t bucket, struct art_bucket_view *view) {
    const uint8_t *start;
    enum art_rc rc = art_bucket_fetch(blob, bucket, &start);
    if (!rc) art_bucket_view_open(view, start);
    return rc;
}

/* zones.c: the largest of the bounds from above of a column in buckets [from, to), at least one, or the least of those
 * from below. False: they are not all integers. */
bool art_blob_best_bound(const struct art_blob *blob, unsigned column, bool largest, uint32_t from, uint32_t to,
                         int64_t *value);

#endif
