/* What the folder itself wants of a cursor beyond blob.h. */
#ifndef ART_BLOB_CURSOR_H
#define ART_BLOB_CURSOR_H

#include "core/blob/blob_format.h"

/* To an entry by bucket number; ART_BUCKET_ENTRIES: the bucket's last. Invalid past the last bucket. ART_OK, or what
 * want() said, and then invalid. */
enum art_rc art_blob_cursor_set(struct art_blob_cursor *cursor, uint32_t bucket, uint32_t entry);

#endif
