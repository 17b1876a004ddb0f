/* References: how a parent names its child. blob_format.h draws the bytes. */
#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/blob_format.h"

uint32_t art_ref_encode(const struct art_ref *ref, uint8_t *out) {
    assert(ref->label.len <= ART_LABEL_MAX && (ref->label.data || !ref->label.len));
    struct art_ref_format format = {.columns = ref->has.columns,
                                    .sums = ref->has.sums,
                                    .lookups = ref->has.lookups,
                                    .searches = ref->has.searches,
                                    .hash_low = ref->hash.low,
                                    .hash_high = ref->hash.high,
#define STORED_FACT(fact, stored, ...) .stored = ref->fact,
                                    ART_BLOB_FACTS(STORED_FACT)};
    uint32_t summed = art_summed_bytes(ref->has);
    assert(!summed || ref->summed);
    memcpy(out, &format, sizeof format);
    out += sizeof format;
    if (summed) memcpy(out, ref->summed, summed);
    if (ref->label.len) memcpy(out + summed, ref->label.data, ref->label.len);
    return art_ref_bytes(ref);
}

void art_ref_read(struct art_bytes bytes, struct art_ref *out) {
    struct art_ref_format format;
    memcpy(&format, bytes.data, sizeof format);
    struct art_measures has = ART_STORED_MEASURES(&format);
    uint32_t fixed = ART_REF_FIXED_BYTES + art_summed_bytes(has);
    assert(bytes.len >= fixed && bytes.len - fixed <= ART_LABEL_MAX && art_measures_are_sane(has));
    *out = (struct art_ref){.hash = {format.hash_low, format.hash_high},
                            .has = has,
                            .summed = has.columns ? bytes.data + ART_REF_FIXED_BYTES : NULL,
                            .label = art_bytes(bytes.data + fixed, bytes.len - fixed),
#define FACT_OF_REF(fact, stored, ...) .fact = format.stored,
                            ART_BLOB_FACTS(FACT_OF_REF)};
}

bool art_ref_says_the_same(const struct art_ref *a, const struct art_ref *b) {
    bool same =
        art_hash128_equal(a->hash, b->hash) && art_measures_equal(a->has, b->has) && a->label.len == b->label.len;
#define SAME_FACT(fact, ...) same = same && a->fact == b->fact;
    ART_BLOB_FACTS(SAME_FACT)
    return same;
}

struct art_hash128 art_ref_hash(struct art_bytes bytes) {
    struct art_hash128 hash;
    assert(bytes.len >= ART_REF_FIXED_BYTES);
    memcpy(&hash, bytes.data + offsetof(struct art_ref_format, hash_low), sizeof hash);
    return hash;
}

enum art_rc art_ref_decode(struct art_bytes bytes, struct art_ref *out) {
    struct art_ref_format format;
    if (bytes.len < ART_REF_FIXED_BYTES || bytes.len > ART_REF_MAX) return ART_CORRUPT;
    memcpy(&format, bytes.data, sizeof format);
    struct art_measures has = ART_STORED_MEASURES(&format);
    if (format.height > ART_HEIGHT_MAX || format.csn_floor || !art_measures_are_sane(has)) return ART_CORRUPT;
    uint32_t fixed = ART_REF_FIXED_BYTES + art_summed_bytes(has);
    if (bytes.len < fixed || bytes.len - fixed > ART_LABEL_MAX) return ART_CORRUPT;
    if (!format.leaf_pages || !format.footer_pages || format.leaf_pages + format.footer_pages > ART_BLOB_PAGES) {
        return ART_CORRUPT;
    }
    if (!format.below || format.below > INT64_MAX) return ART_CORRUPT;
    if (format.count > (int64_t)format.below || format.count < -(int64_t)format.below) return ART_CORRUPT;
    uint8_t spare = 0;
    for (size_t i = 0; i < sizeof format.spare; i++) spare |= format.spare[i];
    if (spare || format.csn_max >> 56 || format.overflows > format.below) return ART_CORRUPT;
    art_ref_read(bytes, out);
    return ART_OK;
}

/* One allocation: the label, padded, since labels are handed to searches; then sums and zones. */
enum art_rc art_ref_own(struct art_ref *ref) {
    uint32_t summed = ref->summed ? art_summed_bytes(ref->has) : 0;
    size_t label_bytes = (size_t)ref->label.len + ART_KEY_PADDING;
    assert(ref->label.data || !ref->label.len);
    uint8_t *own = art_alloc_zeroed(label_bytes + summed);
    if (!own) {
        art_ref_leave(ref);
        return art_nomem();
    }
    if (ref->label.len) memcpy(own, ref->label.data, ref->label.len);
    if (summed) memcpy(own + label_bytes, ref->summed, summed);
    ref->label.data = own;
    ref->summed = summed ? own + label_bytes : NULL;
    return ART_OK;
}

void art_ref_release(struct art_ref *ref) {
    art_free((void *)ref->label.data);
    art_ref_leave(ref);
}
