/* The bucket that is being filled: columns in memory, and their way into a page. */
#include <assert.h>

#include "core/blob/bucket.h"
#include "core/blob/builder_internal.h"

static uint32_t csn_code(uint64_t spread) {
    if (!spread) return 0;
    return spread < 1u << 8 ? 1 : spread < 1u << 16 ? 2 : spread < 1ull << 32 ? 3 : 4;
}

/* The first key's bytes are counted whole, which is one too many when it goes beyond the prefix. */
static uint32_t size_of(const struct art_bucket_shape *shape, uint32_t n, uint32_t bytes) {
    uint32_t row = (shape->wide ? 5 : 3) + !shape->same_flags +
                   art_csn_bytes(csn_code(shape->csn_most - shape->csn_least)) + (shape->same_length ? 0 : 2);
    return ((uint32_t)sizeof(struct art_bucket_header) + n * row + bytes + ART_BUCKET_ALIGN - 1) &
           ~(uint32_t)(ART_BUCKET_ALIGN - 1);
}

uint32_t art_pending_size(const struct art_pending *pending) {
    return size_of(&pending->shape, pending->count, pending->first_len + pending->suffix_bytes + pending->value_bytes);
}

static void note_arrival_summed(struct art_pending *pending, const struct art_arrival *arrival, uint32_t known) {
    struct art_summed *summed = &pending->summed;
    const struct art_summary *summary = arrival->summary;
    struct art_datum data[ART_SUMMARY_MAX];
    if (arrival->summed) {
        art_summed_add(summary->has, summed, arrival->summed);
        return;
    }
    art_summary_add(summary, arrival->entry, summed->sum, summed->zone, data);
    if (art_measures_fields(summary->has))
        art_terms_add(&pending->terms, summary, arrival->key, known, arrival->entry, data);
}

/* What of an entry the first one of a bucket has, too. `known`: bytes of its key that another one of the bucket has. */
static void append_entry(struct art_pending *pending, const struct art_arrival *arrival, uint32_t known) {
    const struct art_entry *entry = arrival->entry;
    uint32_t n = pending->count++, label = art_min32(arrival->label.len, pending->label_shared);
    assert(n < ART_BUCKET_ENTRIES && entry->value.len <= sizeof pending->values - pending->value_bytes);
    pending->flags[n] = entry->flags;
    pending->csn[n] = entry->csn;
    if (entry->value.len) memcpy(pending->values + pending->value_bytes, entry->value.data, entry->value.len);
    pending->value_bytes += entry->value.len;
    pending->value_end[n] = (uint16_t)pending->value_bytes;
    pending->sum += arrival->weight;
    pending->odd_weight |= arrival->weight != 1;
    pending->below += arrival->below;
    struct art_bounds *bounds = &pending->bounds;
    if (arrival->csn_max > bounds->csn_max) bounds->csn_max = arrival->csn_max;
    if (arrival->key_max > bounds->key_max) bounds->key_max = (uint16_t)arrival->key_max;
    bounds->overflows += arrival->overflows > 0;
    pending->overflows += arrival->overflows;
    if (arrival->summary) note_arrival_summed(pending, arrival, known);
    pending->label_shared = art_common_prefix(arrival->label.data, pending->first_key, label);
}

void art_pending_begin(struct art_pending *pending, const struct art_arrival *arrival) {
    struct art_bytes key = arrival->key;
    assert(!pending->count && key.len <= ART_KEY_MAX);
    pending->shape = (struct art_bucket_shape){.same_length = true,
                                               .same_flags = true,
                                               .least_shared = UINT32_MAX,
                                               .csn_least = arrival->entry->csn,
                                               .csn_most = arrival->entry->csn};
    pending->alone = pending->odd_weight = false;
    pending->first_len = pending->label_shared = key.len;
    if (key.len) memcpy(pending->first_key, key.data, key.len);
    pending->suffix_bytes = pending->value_bytes = 0;
    pending->sum = 0;
    pending->below = pending->overflows = 0;
    pending->bounds = (struct art_bounds){0};
    if (arrival->summary) {
        pending->summed = (struct art_summed){0};
        art_terms_reset(&pending->terms);
    }
    append_entry(pending, arrival, 0);
}

bool art_pending_add(struct art_pending *pending, const struct art_arrival *arrival, uint32_t limit) {
    const struct art_entry *entry = arrival->entry;
    uint32_t n = pending->count, shared = arrival->shared, suffix_len = arrival->key.len - shared - 1;
    struct art_bucket_shape shape = pending->shape;
    assert(n && shared < arrival->key.len);
    if (n == ART_BUCKET_ENTRIES) return false;
    shape.same_length &= entry->value.len == pending->value_end[0];
    shape.same_flags &= entry->flags == pending->flags[0];
    if (entry->csn < shape.csn_least) shape.csn_least = entry->csn;
    if (entry->csn > shape.csn_most) shape.csn_most = entry->csn;
    if (shared < shape.least_shared) shape.least_shared = shared;
    if (shared > shape.most_shared) shape.most_shared = shared;
    shape.wide |= suffix_len > 255 || shape.most_shared - shape.least_shared > 255 ||
                  pending->first_len > shape.least_shared + 256;
    uint64_t bytes =
        (uint64_t)pending->first_len + pending->suffix_bytes + suffix_len + pending->value_bytes + entry->value.len;
    if (bytes > limit || size_of(&shape, n + 1, (uint32_t)bytes) > limit) return false;
    pending->shape = shape;
    pending->shared[n] = (uint16_t)shared;
    pending->suffix_len[n] = (uint16_t)suffix_len;
    pending->first_byte[n] = arrival->key.data[shared];
    memcpy(pending->suffixes + pending->suffix_bytes, arrival->key.data + shared + 1, suffix_len);
    pending->suffix_bytes += suffix_len;
    append_entry(pending, arrival, shared);
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static uint8_t *put_key_columns(const struct art_pending *pending, uint8_t *out, uint32_t prefix_len,
                                uint32_t first_suffix) {
    uint32_t n = pending->count;
    bool prefix_entry = pending->first_len == prefix_len;
    memcpy(out, pending->first_byte, n);
    out[0] = prefix_entry ? 0 : pending->first_key[prefix_len];
    out += n;
    if (!pending->shape.wide) {
        out[0] = 0;
        for (uint32_t i = 1; i < n; i++) out[i] = (uint8_t)(pending->shared[i] - prefix_len);
        out += n;
        out[0] = (uint8_t)first_suffix;
        for (uint32_t i = 1; i < n; i++) out[i] = (uint8_t)pending->suffix_len[i];
        return out + n;
    }
    art_store16(out, 0);
    for (uint32_t i = 1; i < n; i++) art_store16(out + 2 * i, pending->shared[i] - prefix_len);
    out += 2 * n;
    art_store16(out, first_suffix);
    for (uint32_t i = 1; i < n; i++) art_store16(out + 2 * i, pending->suffix_len[i]);
    return out + 2 * n;
}

static uint8_t *put_csns(const struct art_pending *pending, uint8_t *out, uint32_t code) {
    const uint64_t *csn = pending->csn;
    uint64_t base = pending->shape.csn_least;
    uint32_t n = pending->count;
    assert(n && csn[0] >= base);
    switch (code) {
    case 0:
        break;
    case 1:
        for (uint32_t i = 0; i < n; i++) out[i] = (uint8_t)(csn[i] - base);
        break;
    case 2:
        for (uint32_t i = 0; i < n; i++) art_store16(out + 2 * i, (uint32_t)(csn[i] - base));
        break;
    case 3:
        for (uint32_t i = 0; i < n; i++) art_store32(out + 4 * i, (uint32_t)(csn[i] - base));
        break;
    default:
        for (uint32_t i = 0; i < n; i++) art_store64(out + 8 * i, csn[i] - base);
    }
    return out + n * art_csn_bytes(code);
}

uint32_t art_pending_write(const struct art_pending *pending, uint8_t *out) {
    const struct art_bucket_shape *shape = &pending->shape;
    uint32_t n = pending->count, code = csn_code(shape->csn_most - shape->csn_least);
    uint32_t prefix_len = art_min32(pending->first_len, shape->least_shared);
    bool prefix_entry = pending->first_len == prefix_len;
    uint32_t first_suffix = prefix_entry ? 0 : pending->first_len - prefix_len - 1;
    struct art_bucket_header header = {
        .count = (uint8_t)n,
        .form = (uint8_t)((shape->wide ? ART_BUCKET_WIDE : 0) | (shape->same_length ? 0 : ART_BUCKET_LENGTHS) |
                          (shape->same_flags ? 0 : ART_BUCKET_FLAGS) | (prefix_entry ? ART_BUCKET_PREFIX_ENTRY : 0) |
                          (code << ART_BUCKET_CSN_SHIFT)),
        .prefix_len = (uint16_t)prefix_len,
        .value_len = shape->same_length ? pending->value_end[0] : 0,
        .suffix_size = (uint16_t)(first_suffix + pending->suffix_bytes),
        .base = shape->csn_least << 8 | pending->flags[0],
    };
    if (!shape->same_flags) header.base = shape->csn_least << 8;
    memcpy(out, &header, sizeof header);
    uint8_t *at = put_key_columns(pending, out + sizeof header, prefix_len, first_suffix);
    if (!shape->same_flags) {
        memcpy(at, pending->flags, n);
        at += n;
    }
    at = put_csns(pending, at, code);
    if (!shape->same_length) {
        memcpy(at, pending->value_end, 2 * n);
        at += 2 * n;
    }
    memcpy(at, pending->first_key, prefix_len);
    at += prefix_len;
    memcpy(at, pending->first_key + pending->first_len - first_suffix, first_suffix);
    at += first_suffix;
    memcpy(at, pending->suffixes, pending->suffix_bytes);
    at += pending->suffix_bytes;
    memcpy(at, pending->values, pending->value_bytes);
    at += pending->value_bytes;
    uint32_t used = (uint32_t)(at - out), size = (used + ART_BUCKET_ALIGN - 1) & ~(uint32_t)(ART_BUCKET_ALIGN - 1);
    assert(size <= art_pending_size(pending));
    memset(at, 0, size - used);
    return size;
}
