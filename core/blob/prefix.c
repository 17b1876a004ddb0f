/* The longest key that is a prefix of a given one, for lookups of mounts, routes and the like.
 *
 * A search for a key in a bucket passes every entry that is a prefix of it: each stands in front of the subtree that
 * the search goes into next. And in key order all that are longer stand between such an entry and the key, in this
 * bucket. So a prefix that is found here is the longest; and if there is none, the others are before the bucket and
 * hence no longer than what its first key and the wanted one share.
 */
#include "core/blob/bucket.h"

#include <assert.h>

#include "core/base/error.h"
#include "core/blob/routing.h"

enum { NONE = -1 };

/* What `key`, which agrees with the bucket's prefix, shares with the first entry; NONE: the key stands before it. The
 * first entry is no prefix of the key. */
ART_READS_PAST static int64_t shared_with_first(const struct art_bucket_view *view, struct art_bytes key) {
    const uint8_t *rest = key.data + view->prefix_len;
    uint32_t rest_len = key.len - view->prefix_len;
    if (!rest_len || rest[0] < view->first_bytes[0]) return NONE;
    if (rest[0] > view->first_bytes[0]) return view->prefix_len;
    int order;
    uint32_t x = art_bucket_match(view, 0, rest + 1, rest_len - 1, &order);
    return order < 0 || x == rest_len - 1 ? NONE : (int64_t)view->prefix_len + 1 + x;
}

/* The last entry that is a prefix of `key`, or NONE. *len: its length, or what the key shares with the bucket's first
 * key, NONE if it stands before it. The first `known` bytes of both are equal. */
ART_READS_PAST static int last_prefix(const struct art_bucket_view *view, struct art_bytes key, uint32_t known,
                                      int64_t *len) {
    uint32_t prefix_len = view->prefix_len, common = art_min32(key.len, prefix_len), x = art_min32(known, common);
    x += art_common_prefix_padded(key.data + x, view->prefix + x, common - x);
    if (x < prefix_len) {
        *len = x < key.len && key.data[x] > view->prefix[x] ? (int64_t)x : NONE;
        return NONE;
    }
    const uint8_t *rest = key.data + prefix_len;
    uint32_t rest_len = key.len - prefix_len, n = view->count, depth = 0;
    bool prefix_entry = view->form & ART_BUCKET_PREFIX_ENTRY;
    int found = prefix_entry ? 0 : NONE;
    if (prefix_entry) *len = prefix_len;
    for (uint32_t entry = prefix_entry; entry < n && depth < rest_len; entry++) { /* as art_bucket_search() does */
        uint8_t c = rest[depth];
        entry = art_bucket_step(view, entry, depth, c);
        if (entry >= n || art_bucket_shared(view, entry) < depth || view->first_bytes[entry] != c) break;
        int order;
        x = art_bucket_match(view, entry, rest + depth + 1, rest_len - depth - 1, &order);
        if (order < 0) break;
        if (!order) {
            found = (int)entry;
            *len = (int64_t)prefix_len + depth + 1 + x;
        }
        depth += 1 + x;
    }
    if (found == NONE) *len = shared_with_first(view, key);
    return found;
}

enum art_rc art_blob_prefix(struct art_blob *blob, struct art_bytes key, int64_t *len, struct art_entry *out) {
    assert(blob->kind == ART_BLOB_LEAF);
    struct art_bucket_view view;
    enum art_rc rc = art_blob_want_way(blob);
    if (ART_UNLIKELY(rc)) return rc;
    uint32_t known, bucket = art_route(blob, key, &known);
    rc = art_bucket_open(blob, bucket, &view);
    if (ART_UNLIKELY(rc)) return rc;
    int entry = last_prefix(&view, key, known, len);
    if (entry == NONE) return ART_NOTFOUND;
    art_bucket_entry(&view, (uint32_t)entry, out);
    return ART_OK;
}
