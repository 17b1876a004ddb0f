#include "core/tree/state/cuts.h"

#include "core/base/limits.h"
#include "core/tree/state/root_format.h"

_Static_assert(ART_LIMIT_MOST(cuts_bytes) <= (int)ART_CUTS_BYTES_MAX, "a root has so many");

struct cut {
    uint64_t generation;
    struct art_bytes low, high;
    uint32_t bytes; /* that it takes in the list */
};

/* The cut at `at`; false: there is none, or what stands there is none. */
static bool read_cut(struct art_bytes list, size_t at, struct cut *out) {
    struct art_root_cut fixed;
    if (at >= list.len || list.len - at < sizeof fixed) return false;
    memcpy(&fixed, list.data + at, sizeof fixed);
    const uint8_t *keys = list.data + at + sizeof fixed;
    out->bytes = (uint32_t)sizeof fixed + fixed.low_len + fixed.high_len;
    out->generation = fixed.generation;
    out->low = art_bytes(keys, fixed.low_len);
    out->high = art_bytes(keys + fixed.low_len, fixed.high_len);
    return list.len - at >= out->bytes;
}

static void take_cut_out(struct art_buffer *cuts, size_t at, size_t bytes) {
    assert(at + bytes <= cuts->len);
    memmove(cuts->data + at, cuts->data + at + bytes, cuts->len - at - bytes);
    cuts->len -= bytes;
}

static void take_cuts_within(struct art_buffer *cuts, struct art_bytes low, struct art_bytes high) {
    struct cut cut;
    for (size_t at = 0; read_cut(art_buffer_bytes(cuts), at, &cut);) {
        bool within = art_bytes_compare(low, cut.low) <= 0 && art_bytes_compare(cut.high, high) <= 0;
        if (within)
            take_cut_out(cuts, at, cut.bytes);
        else
            at += cut.bytes;
    }
}

enum art_rc art_cuts_add(struct art_buffer *cuts, struct art_bytes low, struct art_bytes high, uint64_t generation) {
    assert(art_bytes_compare(low, high) < 0);
    size_t bytes = sizeof(struct art_root_cut) + low.len + high.len;
    struct cut oldest;
    if (bytes > ART_LIMIT(cuts_bytes)) return ART_OK;
    enum art_rc rc = art_buffer_reserve(cuts, bytes);
    if (rc) return rc;
    take_cuts_within(cuts, low, high);
    while (cuts->len + bytes > ART_LIMIT(cuts_bytes) && read_cut(art_buffer_bytes(cuts), 0, &oldest)) {
        take_cut_out(cuts, 0, oldest.bytes);
    }
    struct art_root_cut fixed = {
        .generation = generation, .low_len = (uint16_t)low.len, .high_len = (uint16_t)high.len};
    uint8_t *to = cuts->data + cuts->len;
    memcpy(to, &fixed, sizeof fixed);
    memcpy(to + sizeof fixed, low.data, low.len);
    memcpy(to + sizeof fixed + low.len, high.data, high.len);
    cuts->len += bytes;
    assert(art_cuts_are_sound(art_buffer_bytes(cuts), generation));
    return ART_OK;
}

bool art_cuts_have(const struct art_buffer *cuts, struct art_bytes key, uint64_t generation) {
    struct cut cut;
    for (size_t at = 0; read_cut(art_buffer_bytes(cuts), at, &cut); at += cut.bytes) {
        bool inside = art_bytes_compare(cut.low, key) <= 0 && art_bytes_compare(key, cut.high) < 0;
        if (inside && generation <= cut.generation) return true;
    }
    return false;
}

unsigned art_cuts_count(const struct art_buffer *cuts) {
    unsigned count = 0;
    struct cut cut;
    for (size_t at = 0; read_cut(art_buffer_bytes(cuts), at, &cut); at += cut.bytes) count++;
    return count;
}

uint32_t art_cuts_len(struct art_bytes bytes) {
    struct cut cut;
    size_t at = 0;
    for (; read_cut(bytes, at, &cut); at += cut.bytes)
        if (!cut.generation) return (uint32_t)at;
    return bytes.len;
}

bool art_cuts_are_sound(struct art_bytes bytes, uint64_t generation) {
    struct cut cut;
    size_t at = 0;
    for (uint64_t before = 0; read_cut(bytes, at, &cut); at += cut.bytes, before = cut.generation) {
        bool in_turn = before <= cut.generation && cut.generation <= generation;
        if (!in_turn || !cut.low.len || art_bytes_compare(cut.low, cut.high) >= 0) return false;
    }
    return at == bytes.len && at <= ART_CUTS_BYTES_MAX;
}
