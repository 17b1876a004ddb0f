/* Lookups: route to a bucket, fetch its page, search its columns. */
#include "core/blob/search.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/cursor.h"
#include "core/blob/routing.h"

ART_READS_PAST static inline enum art_rc find(struct art_blob *blob, struct art_bytes key,
                                              struct art_blob_position *out) {
    uint32_t known;
    const uint8_t *start;
    out->exact = false;
    enum art_rc rc = art_blob_want_way(blob);
    if (ART_UNLIKELY(rc)) return rc;
    out->bucket = art_route(blob, key, &known);
    rc = art_bucket_fetch(blob, out->bucket, &start);
    if (ART_UNLIKELY(rc)) return rc;
    art_bucket_prefetch(start);
    art_bucket_view_open(&out->view, start, blob);
    out->entry = art_bucket_search(&out->view, key, known, &out->exact);
    return ART_OK;
}

enum art_rc art_blob_find(struct art_blob *blob, struct art_bytes key, struct art_blob_position *out) {
    return find(blob, key, out);
}

enum art_rc art_blob_get(struct art_blob *blob, struct art_bytes key, struct art_entry *out) {
    struct art_blob_position position;
    enum art_rc rc = find(blob, key, &position);
    if (ART_UNLIKELY(rc)) return rc;
    if (!position.exact) return ART_NOTFOUND;
    art_bucket_entry(&position.view, position.entry, out);
    __builtin_prefetch(out->value.data); /* the host asks for it after some work of its own */
    return ART_OK;
}

enum art_rc art_blob_spot(struct art_blob *blob, struct art_bytes key, struct art_spot *out) {
    enum art_rc rc = art_blob_want_way(blob);
    if (ART_UNLIKELY(rc)) return rc;
    out->bucket = art_route(blob, key, &out->known);
    out->page = art_bucket_page(blob, out->bucket);
    return ART_OK;
}

enum art_rc art_blob_get_from(const struct art_blob *blob, struct art_bytes key, const struct art_spot *spot,
                              const uint8_t *page, struct art_entry *out) {
    struct art_bucket_view view;
    assert(spot->page == art_bucket_page(blob, spot->bucket) && spot->page < blob->leaf_pages);
    art_bucket_view_open(&view, page + art_bucket_offset(blob, spot->bucket) % ART_BLOB_PAGE, blob);
    bool exact;
    uint32_t entry = art_bucket_search(&view, key, spot->known, &exact);
    if (!exact) return ART_NOTFOUND;
    art_bucket_entry(&view, entry, out);
    return ART_OK;
}

enum art_rc art_blob_rank(struct art_blob *blob, struct art_bytes key, int64_t *out) {
    assert(blob->kind == ART_BLOB_LEAF);
    struct art_blob_position position;
    enum art_rc rc = find(blob, key, &position);
    if (ART_UNLIKELY(rc)) return rc;
    *out = art_bucket_sum(blob, position.bucket) + art_bucket_weights(&position.view, position.entry, ART_BLOB_LEAF);
    return ART_OK;
}

enum art_rc art_blob_find_child(struct art_blob *blob, struct art_bytes key, struct art_blob_position *out) {
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

static inline enum art_rc child_at(const struct art_blob *blob, const struct art_blob_position *position,
                                   struct art_ref *out) {
    return art_bucket_child(blob, &position->view, position->bucket, position->entry, out);
}

/* Of a block's rows the hashes, and of other entries all sums, with their keys. */
static enum art_rc add_sums_with_keys(struct art_blob_cursor *at, uint32_t to, const struct art_summary *summary,
                                      art_int128 *sum) {
    const struct art_bucket_view *view = &at->view;
    uint8_t room[ART_BUCKET_ENTRIES];
    struct art_datum data[ART_BUCKET_ENTRIES];
    struct art_entry entry;
    uint32_t from = at->entry;
    enum art_rc rc = ART_OK;
    bool block = art_bucket_has_block(view);
    if (block) {
        const uint8_t *flags = art_bucket_flags_of(view, from, to, room);
        art_summary_read_column(summary, art_bucket_block(view), 0, from, to, flags, data);
    }
    for (uint32_t i = from; !rc && at->valid && i < to; i++) {
        struct art_bytes key = art_bytes(at->key, at->key_len);
        if (block) {
            art_summary_add_hashes(summary, key, &data[i - from], sum);
        } else {
            art_bucket_place(view, i, &entry);
            art_summary_sums(summary, key, &entry, sum);
        }
        if (i + 1 < to) rc = art_blob_next(at); /* keys may be in no order */
    }
    return rc;
}

/* A bucket of one entry never comes here, so its keys are shorter than a page; those of a forged one may have
 * ART_KEY_MAX bytes. */
static enum art_rc add_keyed_sums(struct art_blob *blob, uint32_t bucket, uint32_t from, uint32_t to,
                                  const struct art_summary *summary, art_int128 *sum) {
    struct art_blob_cursor at;
    uint8_t *key = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    if (!key) return art_nomem();
    art_blob_cursor_init(&at, blob, key);
    enum art_rc rc = art_bucket_open(blob, bucket, &at.view);
    if (!rc && blob->label_len) memcpy(key, at.view.prefix, blob->label_len);
    if (!rc) rc = art_blob_cursor_set(&at, bucket, from);
    if (!rc) rc = add_sums_with_keys(&at, to, summary, sum);
    art_free(key);
    return rc;
}

/* The sums of a bucket's entries [from, to). */
static inline void add_sums(const struct art_blob *blob, const struct art_bucket_view *view, uint32_t from, uint32_t to,
                            const struct art_summary *summary, art_int128 *sum) {
    assert(from <= to && to <= view->count);
    struct art_entry entry = {0};
    if (art_bucket_has_block(view)) {
        uint8_t room[ART_BUCKET_ENTRIES];
        const uint8_t *flags = art_bucket_flags_of(view, from, to, room);
        art_summary_sums_of_rows(summary, art_bucket_block(view), from, to, flags, sum);
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        art_bucket_place(view, i, &entry);
        if (blob->kind == ART_BLOB_LEAF)
            art_summary_sums(summary, (struct art_bytes){0}, &entry, sum);
        else
            art_summed_add_sums(blob->has, entry.value.data + ART_REF_FIXED_BYTES, sum);
    }
}

enum art_rc art_blob_sums(struct art_blob *blob, struct art_bytes key, const struct art_summary *summary,
                          struct art_ref *child, int64_t *before, art_int128 *sum) {
    struct art_blob_position position;
    bool index = blob->kind == ART_BLOB_INDEX;
    enum art_rc rc = index ? art_blob_find_child(blob, key, &position) : find(blob, key, &position);
    if (ART_LIKELY(!rc)) rc = art_blob_want_part(blob, ART_PART_SUMS);
    if (ART_UNLIKELY(rc)) return rc;
    assert(blob->has.sums == summary->has.sums);
    *before = (int64_t)((uint64_t)art_bucket_sum(blob, position.bucket) +
                        (uint64_t)art_bucket_weights(&position.view, position.entry, blob->kind));
    bool from_behind = position.entry > position.view.count / 2; /* fewer entries lie behind the position */
    art_int128 part[ART_SUMMARY_MAX];
    const unsigned sums = summary->has.sums;
    for (unsigned i = 0; i < sums; i++) part[i] = 0;
    uint32_t from = from_behind ? position.entry : 0, to = from_behind ? position.view.count : position.entry;
    bool with_keys = ART_UNLIKELY(summary->keyed) && !index && from < to;
    if (!with_keys || art_bucket_has_block(&position.view)) add_sums(blob, &position.view, from, to, summary, part);
    if (with_keys) rc = add_keyed_sums(blob, position.bucket, from, to, summary, part);
    if (ART_UNLIKELY(rc)) return rc;
    for (unsigned i = 0; i < sums; i++) {
        sum[i] = art_add128(sum[i], art_bucket_summed(blob, i, position.bucket + from_behind));
        sum[i] = from_behind ? art_subtract128(sum[i], part[i]) : art_add128(sum[i], part[i]);
    }
    return index ? child_at(blob, &position, child) : ART_OK;
}

/* --- without loading anything ------------------------------------------------------------------------------------- */

/* The bucket, when it lies in one page that is here (a larger one would have to be checked first). */
static bool bucket_at_hand(const struct art_blob *blob, uint32_t bucket, struct art_bucket_view *view) {
    uint32_t page = art_bucket_page(blob, bucket);
    struct art_pages symbols = art_part_pages(&blob->at, ART_PART_SYMBOLS);
    if (page == ART_BLOB_PAGES || !art_page_present(blob, page) || !art_pages_are_present(blob, &symbols)) return false;
    art_bucket_view_open(view, blob->image + art_bucket_offset(blob, bucket), blob);
    return true;
}

enum art_estimate art_blob_estimate(const struct art_blob *blob, struct art_bytes key, int64_t *before,
                                    struct art_ref *child) {
    struct art_bucket_view view;
    struct art_pages nodes = art_part_pages(&blob->at, ART_PART_NODES);
    if (!art_pages_are_present(blob, &nodes)) return ART_ESTIMATE_NONE;
    uint32_t known, bucket = art_route(blob, key, &known);
    *before = art_bucket_sum(blob, bucket);
    if (!bucket_at_hand(blob, bucket, &view)) {
        *before = *before / 2 + art_bucket_sum(blob, bucket + 1) / 2; /* between: lies may be large */
        return ART_ESTIMATE_ROUGH;
    }
    bool exact, leaf = blob->kind == ART_BLOB_LEAF;
    uint32_t entry = art_bucket_search(&view, key, known, &exact);
    if (!leaf && !exact) {
        if (!entry) return ART_ESTIMATE_ROUGH; /* in the last child of the bucket before */
        entry--;
    }
    *before = (int64_t)((uint64_t)*before + (uint64_t)art_bucket_weights(&view, entry, blob->kind));
    if (leaf) return ART_ESTIMATE_EXACT;
    enum art_rc rc = art_ref_decode(art_bucket_value(&view, entry), child);
    return rc || !art_ref_is_child(blob, child) ? ART_ESTIMATE_ROUGH : ART_ESTIMATE_CHILD;
}

enum art_rc art_blob_before(struct art_blob *blob, struct art_bytes key, uint32_t *entries, int64_t *weights) {
    enum art_rc rc = art_blob_want_part(blob, ART_PART_NODES);
    if (rc) return rc;
    uint32_t known, bucket = art_route(blob, key, &known);
    *entries = art_bucket_rank(blob, bucket);
    *weights = art_bucket_sum(blob, bucket);
    return ART_OK;
}

/* --- the best of a range ------------------------------------------------------------------------------------------ */

/* Of one bucket, entries [from, to). */
static void look_at_entries(const struct art_blob *blob, const struct art_blob_position *position, uint32_t from,
                            uint32_t to, struct art_extreme *search) {
    if (from >= to) return;
    assert(to <= position->view.count);
    struct art_zone zone = art_bucket_zone(blob, search->column, position->bucket);
    if (!art_extreme_beats(search, &zone)) return;
    if (art_bucket_has_block(&position->view)) {
        uint8_t room[ART_BUCKET_ENTRIES];
        const uint8_t *flags = art_bucket_flags_of(&position->view, from, to, room);
        art_extreme_take_rows(search, art_bucket_block(&position->view), from, to, flags);
        return;
    }
    for (uint32_t i = from; i < to && !search->lost; i++) {
        if (blob->kind == ART_BLOB_INDEX) {
            zone = art_ref_zone(art_bucket_value(&position->view, i), blob->has, search->column);
            art_extreme_take(search, &zone);
            continue;
        }
        struct art_entry entry = {0};
        art_bucket_place(&position->view, i, &entry);
        art_extreme_take_entry(search, &entry);
    }
}

/* Whole buckets. */
static void look_at_buckets(const struct art_blob *blob, uint32_t from, uint32_t to, struct art_extreme *search) {
    struct art_bucket_search all = {.column = search->column, .largest = search->largest, .from = from, .to = to};
    struct art_zone best = {.kinds = ART_ZONE_NUMBERS};
    struct art_datum end;
    uint32_t bucket;
    if (from >= to) return;
    for (uint32_t b = from; search->others && !search->lost && b < to; b++) {
        struct art_zone zone = art_bucket_zone(blob, search->column, b);
        art_extreme_take(search, &zone);
    }
    if (search->others) return;
    search->lost |= !art_blob_best_bucket(blob, &all, &bucket, &end) || end.kind != ART_DATUM_INTEGER;
    best.low.integer = best.high.integer = end.integer;
    if (!search->lost) art_extreme_take(search, &best);
}

/* From the one position to the other. Without a cut there is none, and its bucket is not open. */
static void look_between(const struct art_blob *blob, const struct art_blob_position *low,
                         const struct art_blob_position *high, struct art_extreme *search) {
    if (low->bucket == high->bucket) {
        look_at_entries(blob, high, low->entry, high->entry, search);
        return;
    }
    bool whole = !low->entry;
    look_at_buckets(blob, low->bucket + !whole, high->bucket, search);
    if (!whole) look_at_entries(blob, low, low->entry, low->view.count, search);
    look_at_entries(blob, high, 0, high->entry, search);
}

/* The places of both bounds, in an index blob those of the children that they lead into; behind the last bucket where
 * there is none. */
static enum art_rc find_both(struct art_blob *blob, struct art_bytes low, struct art_bytes high,
                             struct art_blob_position position[2]) {
    bool index = blob->kind == ART_BLOB_INDEX;
    enum art_rc rc = ART_OK;
    position[0].bucket = position[0].entry = position[0].view.count = 0;
    position[1].bucket = blob->buckets;
    position[1].entry = position[1].view.count = 0;
    if (low.data) rc = index ? art_blob_find_child(blob, low, &position[0]) : find(blob, low, &position[0]);
    if (!rc && high.data) rc = index ? art_blob_find_child(blob, high, &position[1]) : find(blob, high, &position[1]);
    return rc;
}

enum art_rc art_blob_extreme(struct art_blob *blob, struct art_bytes low, struct art_bytes high,
                             struct art_extreme *search, struct art_ref edge[2]) {
    struct art_blob_position position[2];
    enum art_rc rc = find_both(blob, low, high, position);
    edge[0].summed = edge[1].summed = NULL;
    if (!rc) rc = art_blob_want_part(blob, ART_PART_ZONES + search->column);
    if (rc) return rc;
    if (blob->kind == ART_BLOB_INDEX) {
        bool cuts = low.data, ends = high.data;
        bool same = cuts && ends && position[0].bucket == position[1].bucket && position[0].entry == position[1].entry;
        if (cuts) rc = child_at(blob, &position[0], &edge[0]);
        if (!rc && ends && !same) rc = child_at(blob, &position[1], &edge[1]);
        if (rc || same) return rc;
        position[0].entry += cuts;
    }
    if (position[0].bucket > position[1].bucket) return ART_OK;
    look_between(blob, &position[0], &position[1], search);
    return ART_OK;
}
