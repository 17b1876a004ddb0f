/* Where a key stands, as far as it can be told without loading anything. The routing part, which is always there, leads
 * to a bucket and knows the sums before and behind it; only what stands in the bucket may be out of reach. */
#include "core/base/error.h"
#include "core/blob/routing.h"
#include "core/blob/search.h"

/* The bucket, when it lies in one page that is here (a larger one would have to be checked first). */
static bool bucket_at_hand(const struct art_blob *blob, uint32_t bucket, struct art_bucket_view *view) {
    uint32_t page = art_bucket_page(blob, bucket);
    if (page == ART_BLOB_PAGES || !art_page_present(blob, page)) return false;
    art_bucket_view_open(view, blob->image + art_bucket_offset(blob, bucket));
    return true;
}

static int64_t between(int64_t a, int64_t b) {
    return a / 2 + b / 2;
}

enum art_guess art_blob_guess(const struct art_blob *blob, struct art_bytes key, int64_t *before,
                              struct art_ref *child) {
    struct art_bucket_view view;
    uint32_t known, bucket = art_route(blob, key, &known);
    *before = art_bucket_sum(blob, bucket);
    if (!bucket_at_hand(blob, bucket, &view)) {
        *before = between(*before, art_bucket_sum(blob, bucket + 1));
        return ART_GUESS_ROUGH;
    }
    bool exact, leaf = blob->kind == ART_BLOB_LEAF;
    uint32_t entry = art_bucket_search(&view, key, known, &exact);
    if (!leaf && !exact) {
        if (!entry) return ART_GUESS_ROUGH; /* in the last child of the bucket before */
        entry--;
    }
    *before = (int64_t)((uint64_t)*before + (uint64_t)art_bucket_weights(&view, entry, blob->kind));
    if (leaf) return ART_GUESS_EXACT;
    enum art_rc rc = art_ref_decode(art_bucket_value(&view, entry), child);
    return rc || !art_ref_is_child(blob, child) ? ART_GUESS_ROUGH : ART_GUESS_CHILD;
}

void art_blob_before(const struct art_blob *blob, struct art_bytes key, uint32_t *entries, int64_t *weights) {
    uint32_t known, bucket = art_route(blob, key, &known);
    *entries = art_bucket_rank(blob, bucket);
    *weights = art_bucket_sum(blob, bucket);
}
