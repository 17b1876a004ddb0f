/* Lookups: route to a bucket, fetch its page, search its columns. */
#include "core/blob/search.h"

#include <assert.h>

#include "core/base/error.h"
#include "core/blob/routing.h"

ART_READS_PAST static inline enum art_rc find(struct art_blob *blob, struct art_bytes key, struct art_place *out) {
    uint32_t known;
    const uint8_t *start;
    out->exact = false;
    out->bucket = art_route(blob, key, &known);
    enum art_rc rc = art_bucket_fetch(blob, out->bucket, &start);
    if (ART_UNLIKELY(rc)) return rc;
    art_bucket_prefetch(start);
    art_bucket_view_open(&out->view, start);
    out->entry = art_bucket_search(&out->view, key, known, &out->exact);
    return ART_OK;
}

enum art_rc art_blob_find(struct art_blob *blob, struct art_bytes key, struct art_place *out) {
    return find(blob, key, out);
}

enum art_rc art_blob_get(struct art_blob *blob, struct art_bytes key, struct art_entry *out) {
    struct art_place place;
    enum art_rc rc = find(blob, key, &place);
    if (ART_UNLIKELY(rc)) return rc;
    if (!place.exact) return ART_NOTFOUND;
    art_bucket_entry(&place.view, place.entry, out);
    __builtin_prefetch(out->value.data); /* the host asks for it after some work of its own */
    return ART_OK;
}

void art_blob_spot(const struct art_blob *blob, struct art_bytes key, struct art_spot *out) {
    out->bucket = art_route(blob, key, &out->known);
    out->page = art_bucket_page(blob, out->bucket);
}

enum art_rc art_blob_get_from(const struct art_blob *blob, struct art_bytes key, const struct art_spot *spot,
                              const uint8_t *page, struct art_entry *out) {
    struct art_bucket_view view;
    bool exact;
    art_bucket_view_open(&view, page + art_bucket_offset(blob, spot->bucket) % ART_BLOB_PAGE);
    uint32_t entry = art_bucket_search(&view, key, spot->known, &exact);
    if (!exact) return ART_NOTFOUND;
    art_bucket_entry(&view, entry, out);
    return ART_OK;
}

enum art_rc art_blob_rank(struct art_blob *blob, struct art_bytes key, int64_t *out) {
    assert(blob->kind == ART_BLOB_LEAF);
    struct art_place place;
    enum art_rc rc = find(blob, key, &place);
    if (ART_UNLIKELY(rc)) return rc;
    *out = art_bucket_sum(blob, place.bucket) + art_bucket_weights(&place.view, place.entry, ART_BLOB_LEAF);
    return ART_OK;
}

/* Where the child's reference stands in whose range the key is. */
static inline enum art_rc find_child(struct art_blob *blob, struct art_bytes key, struct art_place *out) {
    assert(blob->kind == ART_BLOB_INDEX);
    enum art_rc rc = find(blob, key, out);
    if (ART_UNLIKELY(rc) || out->exact) return rc;
    if (out->entry) {
        out->entry--;
    } else if (out->bucket) {
        rc = art_bucket_open(blob, --out->bucket, &out->view);
        if (!rc) out->entry = out->view.count - 1;
    }
    return rc;
}

static inline enum art_rc decode_child(const struct art_blob *blob, const struct art_place *place,
                                       struct art_ref *out) {
    enum art_rc rc = art_ref_decode(art_bucket_value(&place->view, place->entry), out);
    if (!rc && out->level + 1u == blob->level) return ART_OK;
    return art_corrupt(blob->file, blob->slot, (uint32_t)(place->view.start - blob->image) / ART_BLOB_PAGE,
                       "bucket %u, entry %u: not a reference to a child", place->bucket, place->entry);
}

enum art_rc art_blob_child(struct art_blob *blob, struct art_bytes key, struct art_ref *out, int64_t *before) {
    struct art_place place;
    enum art_rc rc = find_child(blob, key, &place);
    if (ART_UNLIKELY(rc)) return rc;
    if (before) {
        *before = (int64_t)((uint64_t)art_bucket_sum(blob, place.bucket) +
                            (uint64_t)art_bucket_weights(&place.view, place.entry, ART_BLOB_INDEX));
    }
    return decode_child(blob, &place, out);
}

enum art_rc art_blob_child_number(struct art_blob *blob, struct art_bytes key, struct art_ref *out, uint32_t *number) {
    struct art_place place;
    enum art_rc rc = find_child(blob, key, &place);
    if (ART_UNLIKELY(rc)) return rc;
    *number = art_bucket_rank(blob, place.bucket) + place.entry;
    return decode_child(blob, &place, out);
}

uint32_t art_blob_children(struct art_blob *blob, struct art_bytes key, struct art_ref *out, uint32_t room) {
    assert(blob->kind == ART_BLOB_INDEX && room);
    struct art_place place;
    if (find(blob, key, &place)) return 0;
    uint32_t at = place.exact || !place.entry ? place.entry : place.entry - 1, n = 0;
    for (uint32_t i = at - at % room; i < place.view.count && n < room; i++) {
        if (art_ref_decode(art_bucket_value(&place.view, i), &out[n]) || out[n].level + 1u != blob->level) break;
        n++;
    }
    return n;
}
