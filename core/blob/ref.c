/* References: how a parent names its child. blob_format.h draws the bytes. */
#include <assert.h>

#include "core/base/error.h"
#include "core/blob/blob_format.h"

uint32_t art_ref_encode(const struct art_ref *ref, uint8_t *out) {
    assert(ref->label.len <= ART_LABEL_MAX);
    struct art_ref_format format = {
        .slot = ref->slot,
        .level = ref->level,
        .leaf_pages = ref->leaf_pages,
        .footer_pages = ref->footer_pages,
        .generation = ref->generation,
        .hash_low = ref->hash.low,
        .hash_high = ref->hash.high,
        .entries = ref->entries,
        .count = ref->count,
        .csn_max = ref->csn_max,
        .overflows = ref->overflows,
        .key_max = ref->key_max,
    };
    memcpy(out, &format, sizeof format);
    if (ref->label.len) memcpy(out + sizeof format, ref->label.data, ref->label.len);
    return (uint32_t)sizeof format + ref->label.len;
}

enum art_rc art_ref_decode(struct art_bytes bytes, struct art_ref *out) {
    struct art_ref_format format;
    if (bytes.len < ART_REF_FIXED || bytes.len > ART_REF_MAX) return ART_CORRUPT;
    memcpy(&format, bytes.data, sizeof format);
    if (format.level > ART_LEVEL_MAX || format.columns || format.csn_floor) return ART_CORRUPT;
    if (!format.leaf_pages || !format.footer_pages || format.leaf_pages + format.footer_pages > ART_BLOB_PAGES) {
        return ART_CORRUPT;
    }
    if (!format.entries || format.entries > INT64_MAX) return ART_CORRUPT;
    if (format.count > (int64_t)format.entries || format.count < -(int64_t)format.entries) return ART_CORRUPT;
    uint8_t spare = 0;
    for (size_t i = 0; i < sizeof format.spare; i++) spare |= format.spare[i];
    if (spare || format.csn_max >> 56 || format.overflows > format.entries) return ART_CORRUPT;
    *out = (struct art_ref){
        .slot = format.slot,
        .level = format.level,
        .leaf_pages = format.leaf_pages,
        .footer_pages = format.footer_pages,
        .generation = format.generation,
        .hash = {format.hash_low, format.hash_high},
        .entries = format.entries,
        .count = format.count,
        .csn_max = format.csn_max,
        .overflows = format.overflows,
        .key_max = format.key_max,
        .label = art_bytes(bytes.data + ART_REF_FIXED, bytes.len - ART_REF_FIXED),
    };
    return ART_OK;
}
