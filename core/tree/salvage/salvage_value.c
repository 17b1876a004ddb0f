/* Large values. A chunk's id is given once, but for one of a transaction that was rolled back: any chunk that bears it
 * is taken for the right one, whichever source has it and whatever was deleted since; the hash of the whole value,
 * which the row has, says so in the end. */
#include "core/tree/salvage/private.h"

/* Down one run to the key. *astray: an index blob on the way cannot be read, so that the leaf may be one without an
 * index. */
static enum art_rc find_in_run(struct art_salvage *salvage, const struct art_run *run, struct art_bytes key,
                               struct art_entry *out, bool *astray) {
    struct art_ref ref = run->top;
    assert(key.len == ART_OVERFLOW_KEY_BYTES && ref.height < ART_HEIGHTS_MAX);
    for (unsigned height = ref.height;; height--) {
        struct art_image *image;
        bool inside = !art_label_compare(ref.label, key);
        if (!inside) return ART_NOTFOUND;
        enum art_rc rc = art_image_get(salvage, &ref, &image);
        if (!rc && !height) return art_blob_get(&image->blob, key, out);
        if (!rc) rc = art_blob_child(&image->blob, key, &ref, NULL);
        *astray |= height && (rc || ref.height != height - 1);
        if (rc || ref.height != height - 1) return rc ? rc : ART_NOTFOUND;
    }
}

/* A chunk that is not deleted, from the newest source that has one. */
static enum art_rc find_chunk(struct art_salvage *salvage, struct art_bytes key, struct art_entry *out) {
    if (!art_memtable_get(salvage->memtable, key, out) && !(out->flags & ART_DELETE)) return ART_OK;
    unsigned runs = salvage->root ? salvage->root->runs : 0;
    bool astray = false;
    for (unsigned i = 0; i < runs; i++) {
        const struct art_run *run = &salvage->root->run[i];
        if (run->top.height >= ART_HEIGHTS_MAX) continue;
        enum art_rc rc = find_in_run(salvage, run, key, out, &astray);
        if (!rc && !(out->flags & ART_DELETE)) return ART_OK;
        if (rc && rc != ART_NOTFOUND && !art_is_damage(rc)) return rc;
    }
    enum art_rc rc = astray ? art_catalog_make(salvage) : ART_OK;
    return rc ? rc : art_orphans_find(salvage, key, out);
}

enum art_rc art_salvage_large(struct art_salvage *salvage) {
    struct art_overflow_ref ref = art_overflow_decode(art_buffer_bytes(&salvage->value));
    uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING], room[ART_VALUE_INLINE_MAX];
    uint32_t number = 0;
    salvage->large.len = 0;
    if (!ref.length || ref.length > ART_VALUE_MAX) {
        return art_corrupt(salvage->place, ART_NOWHERE, ART_NOWHERE,
                           "the reference to its value has an impossible length");
    }
    for (uint64_t at = 0; at < ref.length; at += ART_OVERFLOW_CHUNK_BYTES, number++) {
        uint64_t n = ref.length - at < ART_OVERFLOW_CHUNK_BYTES ? ref.length - at : ART_OVERFLOW_CHUNK_BYTES;
        struct art_entry entry;
        enum art_rc rc = art_salvage_interrupted(salvage);
        if (!rc) rc = find_chunk(salvage, art_overflow_key(key, ref.id, number), &entry);
        struct art_bytes chunk = rc ? art_bytes(NULL, 0) : art_entry_plain(&entry, room);
        if (rc == ART_NOTFOUND || (!rc && chunk.len != n))
            return art_corrupt(salvage->place, ART_NOWHERE, ART_NOWHERE, "chunk %u of its value cannot be read",
                               number);
        if (!rc) rc = art_buffer_append(&salvage->large, chunk.data, n);
        if (rc) return rc;
    }
    assert(salvage->large.len == ref.length);
    if (art_hash64(salvage->large.data, salvage->large.len) == ref.hash) return ART_OK;
    return art_corrupt(salvage->place, ART_NOWHERE, ART_NOWHERE, "its value is not what its hash says");
}
