/* Where the parts of a footer lie: from the trailer on towards the front. */
#include "core/blob/blob_format.h"
#include "core/blob/postings.h"

struct footer_part {
    const char *says;
    uint8_t align, comes, chosen;
};

#define PART_KIND(name, n, says, align, comes, chosen, ...) ART_PART_ROWS_##n(says, align, comes, chosen)
static const struct footer_part footer_parts[ART_PARTS] = {ART_BLOB_PARTS(PART_KIND)};

static void measure_parts(const struct art_geometry *of, uint32_t *out) {
#define PART_BYTES(name, n, says, align, comes, chosen, bytes, ...)                                                    \
    for (unsigned i = 0; i < (n); i++) *out++ = (uint32_t)(bytes);
    ART_BLOB_PARTS(PART_BYTES)
}

/* Where the trailer says that it begins; 0: it does not. */
static uint32_t told(const struct art_geometry *geometry, unsigned part) {
    return part == ART_PART_BOUNDS     ? geometry->bounds_at
           : part == ART_PART_FILTER   ? geometry->filter_at
           : part == ART_PART_POSTINGS ? geometry->postings_at
                                       : 0;
}

void art_parts_place(const struct art_geometry *geometry, struct art_parts *out) {
    uint32_t bytes[ART_PARTS], end = ART_TRAILER_AT;
    measure_parts(geometry, bytes);
    out->begin[ART_PARTS] = end;
    for (unsigned part = ART_PARTS; part;) {
        uint32_t last = part, all = 0;
        do all += bytes[--part];
        while (!footer_parts[part].align);
        uint32_t begin = told(geometry, part);
        if (!begin) begin = all ? (end - all) & ~(footer_parts[part].align - 1u) : end;
        end = begin;
        for (unsigned each = part; each < last; begin += bytes[each++]) out->begin[each] = begin;
    }
}

uint64_t art_parts_bytes(const struct art_geometry *geometry) {
    uint32_t bytes[ART_PARTS];
    uint64_t all = sizeof(struct art_blob_trailer);
    measure_parts(geometry, bytes);
    for (unsigned part = 0; part < ART_PARTS; part++) all += bytes[part] ? bytes[part] + footer_parts[part].align : 0;
    return all;
}

bool art_parts_ascend(const struct art_parts *at, uint32_t from) {
    for (unsigned part = 0; part <= ART_PARTS; from = at->begin[part++])
        if (at->begin[part] < from) return false;
    return true;
}

bool art_part_is_in_head(unsigned part, bool index) {
    return footer_parts[part].comes == ART_COMES_ALWAYS || (index && footer_parts[part].comes == ART_COMES_IN_INDEX);
}

bool art_part_is_chosen(unsigned part) {
    return footer_parts[part].chosen == ART_CHOSEN;
}

const char *art_part_name(unsigned part) {
    return footer_parts[part].says;
}
