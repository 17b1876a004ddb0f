/* Where a key's position in a blob is: shared by lookups, cursors and separators. */
#ifndef ART_BLOB_SEARCH_H
#define ART_BLOB_SEARCH_H

#include "core/blob/bucket.h"

struct art_blob_position {
    uint32_t bucket,
        entry; /* the first entry >= key in the bucket that holds the key's position; view.count: behind all */
    bool exact;
    struct art_bucket_view view;
};

/* Where `key` stands, or would: its bucket is loaded, and its view open. ART_OK, or what want() said. */
enum art_rc art_blob_find(struct art_blob *blob, struct art_bytes key, struct art_blob_position *out);

/* Index blobs: where the reference of the child stands in whose range the key is. ART_OK, or what want() said. */
enum art_rc art_blob_find_child(struct art_blob *blob, struct art_bytes key, struct art_blob_position *out);

#endif
