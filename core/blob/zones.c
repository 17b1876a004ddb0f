/* Looking for values in a blob, and not for keys. */
#include <assert.h>

#include "core/blob/search.h"

struct art_zone art_ref_zone(struct art_bytes bytes, struct art_measures has, unsigned column) {
    return art_summed_zone(has, bytes.data + ART_REF_FIXED_BYTES, column);
}

static void read_column_of_records(const struct art_bucket_view *view, uint32_t from, uint32_t to,
                                   const struct art_summary *summary, unsigned column, struct art_datum *out) {
    struct art_datum data[ART_SUMMARY_MAX];
    struct art_entry entry = {0};
    for (uint32_t i = from; i < to; i++) {
        art_bucket_place(view, i, &entry);
        art_summary_read(summary, &entry, 1u << column, NULL, data);
        out[i - from] = data[column];
        out[i - from].bytes = art_bytes(NULL, 0);
    }
}

enum art_rc art_blob_column(struct art_blob *blob, uint32_t bucket, uint32_t from, uint32_t to,
                            const struct art_summary *summary, unsigned column, bool records, struct art_datum *out,
                            bool *any) {
    struct art_bucket_view view;
    uint8_t room[ART_BUCKET_ENTRIES];
    uint32_t first = art_bucket_rank(blob, bucket);
    enum art_rc rc = art_bucket_open(blob, bucket, &view);
    bool has_block = !rc && art_bucket_has_block(&view);
    *any = has_block || (!rc && records);
    if (!*any) return rc;
    assert(from >= first && from <= to && to <= first + view.count);
    from -= first;
    to -= first;
    if (has_block) {
        const uint8_t *flags = art_bucket_flags_of(&view, from, to, room);
        art_summary_read_column(summary, art_bucket_block(&view), column, from, to, flags, out);
    } else {
        read_column_of_records(&view, from, to, summary, column, out);
    }
    return ART_OK;
}

enum art_rc art_blob_each(struct art_blob *blob, uint32_t bucket, uint32_t from, uint32_t to,
                          void (*visit)(void *context, uint32_t number, const struct art_entry *entry), void *context) {
    struct art_bucket_view view;
    struct art_entry entry = {0};
    uint32_t first = art_bucket_rank(blob, bucket);
    enum art_rc rc = art_bucket_open(blob, bucket, &view);
    assert(rc || (from >= first && to <= first + view.count));
    for (uint32_t i = from; !rc && i < to; i++) {
        art_bucket_place(&view, i - first, &entry);
        visit(context, i, &entry);
    }
    return rc;
}

struct art_zone art_blob_zone(const struct art_blob *blob, unsigned column, uint32_t bucket) {
    return art_bucket_zone(blob, column, bucket);
}

/* Are all zones of these buckets integers, or all of them texts, and nothing that comes before or behind these? Which
 * of them: ART_ZONE_NUMBERS, ART_ZONE_TEXTS; or 0. */
static unsigned common_kind(const uint8_t *kinds, uint32_t from, uint32_t to, bool nulls_count) {
    uint64_t all = UINT64_MAX, any = 0;
    uint32_t b = from;
    assert(from <= to);
    for (; b + 8 <= to; b += 8) { /* eight of them side by side */
        uint64_t eight = art_load64(kinds + b);
        all &= eight;
        any |= eight;
    }
    for (unsigned shift = 32; shift >= 8; shift /= 2) {
        all &= all >> shift;
        any |= any >> shift;
    }
    for (; b < to; b++) {
        all &= kinds[b];
        any |= kinds[b];
    }
    if (any & (ART_ZONE_REALS | ART_ZONE_OTHERS) || (nulls_count && any & ART_ZONE_NULLS)) return 0;
    return all & ART_ZONE_BOUNDED; /* no zone has both */
}

bool art_blob_best_bucket(const struct art_blob *blob, const struct art_bucket_search *search, uint32_t *bucket,
                          struct art_datum *value) {
    uint32_t n = blob->buckets;
    const uint8_t *zones = art_blob_part(blob, ART_PART_ZONES + search->column);
    const uint8_t *ends = search->largest ? zones + 8 * n : zones;
    assert(search->column < blob->has.columns && search->from <= search->to && search->to <= n);
    unsigned kind = common_kind(zones + 16 * n, search->from, search->to, search->nulls_count);
    if (!kind) return false;
    /* With the order turned round for the least, the best is the largest. */
    uint64_t turn = search->largest ? 0 : UINT64_MAX;
    int64_t last = (int64_t)((uint64_t)search->last ^ turn), best = INT64_MIN;
    *bucket = search->to;
    for (uint32_t b = search->from; b < search->to; b++) {
        int64_t end = (int64_t)(art_load64(ends + 8 * b) ^ turn);
        bool due = !search->begun || end < last || (end == last && b > search->given);
        if (!due || (end <= best && *bucket < search->to)) continue;
        best = end;
        *bucket = b;
    }
    *value = (struct art_datum){.kind = kind == ART_ZONE_TEXTS ? ART_DATUM_TEXT : ART_DATUM_INTEGER,
                                .by = ART_BY_CODE,
                                .integer = (int64_t)((uint64_t)best ^ turn)};
    return true;
}
