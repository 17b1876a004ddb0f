/* Whole pages from one blob to another: nothing in a bucket depends on the blob or page around it, so only the
 * separators have to be found again, from the first and last keys of the buckets, and the filter's hashes from all
 * keys.
 */
#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/blob/builder_internal.h"
#include "core/blob/cursor.h"
#include "core/blob/search.h"

enum { LOOK_MAX = 16 }; /* pages, in which copying must begin to pay */

/* Buckets first .. end-1 are what lies in a run of whole pages: no bucket crosses its borders. */
struct art_page_run {
    uint32_t first, end;
};

static uint32_t page_of(const struct art_blob *blob, uint32_t bucket) {
    return art_bucket_offset(blob, bucket) / ART_BLOB_PAGE;
}

/* Does a page begin with this bucket (or the leaf pages end before it)? */
static bool begins_page(const struct art_blob *blob, uint32_t bucket) {
    return bucket == blob->buckets || art_bucket_offset(blob, bucket) % ART_BLOB_PAGE == 0;
}

static struct art_page_run shortest_run(const struct art_blob *source, uint32_t from, uint32_t to) {
    struct art_page_run run = {from, from};
    for (uint32_t b = from + 1; b <= to && begins_page(source, from); b++) {
        if (begins_page(source, b)) {
            run.end = b;
            break;
        }
    }
    return run;
}

static uint32_t run_pages(const struct art_blob *source, struct art_page_run run) {
    uint32_t end = run.end == source->buckets ? source->leaf_pages : page_of(source, run.end);
    return end - page_of(source, run.first);
}

/* Bytes behind the run's last bucket into which more of its entries would have gone. */
static enum art_rc slack_of_pages(struct art_blob *source, struct art_page_run run, uint32_t *out) {
    struct art_bucket_view view;
    enum art_rc rc = art_bucket_open(source, run.end - 1, &view);
    if (rc) return rc;
    struct art_bytes last = art_bucket_value(&view, view.count - 1);
    uint32_t used = (uint32_t)(last.data + last.len - source->image) - page_of(source, run.first) * ART_BLOB_PAGE;
    uint32_t rest = run_pages(source, run) * ART_BLOB_PAGE - used;
    uint32_t entry = used / (art_bucket_rank(source, run.end) - art_bucket_rank(source, run.first));
    *out = rest > entry ? rest - entry : 0;
    return ART_OK;
}

/* So many of the buckets that no more than a tenth of their pages is lost, behind the pending bucket and in the pages
 * themselves. What was lost when they were copied before counts again, or it would add up from merge to merge. */
static enum art_rc worth_copying(const struct art_builder *builder, struct art_blob *source, uint32_t from, uint32_t to,
                                 uint32_t *end) {
    uint32_t at = builder->at + (builder->pending.count ? art_pending_size(&builder->pending) : 0);
    uint32_t lost = (ART_BLOB_PAGE - at % ART_BLOB_PAGE) % ART_BLOB_PAGE, pages = 0;
    struct art_page_run run = shortest_run(source, from, to);
    *end = from;
    while (run.end > run.first && (*end > from || pages < LOOK_MAX)) {
        uint32_t more;
        enum art_rc rc = slack_of_pages(source, run, &more);
        if (rc) return rc;
        lost += more;
        pages += run_pages(source, run);
        bool well = lost * 10 <= pages * ART_BLOB_PAGE;
        if (!well && *end > from) break;
        if (well) *end = run.end;
        run = shortest_run(source, run.end, to);
    }
    return ART_OK;
}

/* The directory does not tell the newest entry of a bucket whose versions are far apart. */
static struct art_bounds exact_bounds(const struct art_blob *source, uint32_t bucket,
                                      const struct art_bucket_view *view) {
    struct art_bounds bounds = art_bucket_bounds(source, bucket);
    return bounds.csn_max == UINT64_MAX ? art_bucket_measure(view) : bounds;
}

/* Of the cursor's bucket. The stored lookups tell of too few bits. */
static enum art_rc take_hashes(struct art_builder *builder, struct art_blob_cursor *cursor, uint32_t page) {
    struct art_bucket_hashes *bucket = &builder->pending.hashes; /* nothing is pending */
    const struct art_bucket_view *view = &cursor->view;
    uint8_t columns = builder->footer.has.lookups;
    art_bucket_hashes_clear(bucket, columns);
    for (uint32_t i = 0; i < view->count; i++) {
        struct art_entry entry;
        struct art_hashes hashes;
        art_bucket_entry(view, i, &entry);
        art_summary_hashes(builder->options.summary, &entry, &hashes);
        art_bucket_hashes_add(bucket, columns, &hashes);
    }
    enum art_rc rc = art_lookups_reserve(&builder->footer.lookups, bucket);
    if (!rc) art_lookups_push(&builder->footer.lookups, bucket, page);
    return rc;
}

/* Adds a row of the directory for the bucket that the cursor's bucket is, at its place in this blob. */
static enum art_rc add_bucket(struct art_builder *builder, struct art_blob_cursor *cursor, uint32_t bucket,
                              uint32_t offset) {
    struct art_footer *footer = &builder->footer;
    struct art_blob *source = cursor->blob;
    uint32_t entries = art_bucket_rank(source, bucket + 1) - art_bucket_rank(source, bucket);
    int64_t sum = art_bucket_sum(source, bucket + 1) - art_bucket_sum(source, bucket);
    enum art_rc rc = art_blob_cursor_place(cursor, bucket, 0);
    if (rc) return rc;
    struct art_bytes key = art_bytes(cursor->key, cursor->key_len);
    if (builder->any_emitted &&
        art_bytes_compare(key, art_bytes(builder->emitted_last.bytes, builder->emitted_last.len)) <= 0) {
        return art_fail(ART_MISUSE, "art: buckets handed to a blob builder must ascend");
    }
    struct art_bytes separator = art_builder_separator(builder, &builder->emitted_last, key);
    rc = art_footer_reserve(footer, 1, separator.len, builder->options.filter ? entries : 0);
    if (!rc && footer->lookups.columns) rc = take_hashes(builder, cursor, offset / ART_BLOB_PAGE);
    if (rc) return rc;
    if (!footer->buckets) art_builder_note_first(builder, key);
    struct art_bounds bounds = exact_bounds(source, bucket, &cursor->view);
    struct art_summed summed;
    for (unsigned i = 0; i < footer->has.sums; i++)
        summed.sum[i] = art_subtract128(art_bucket_summed(source, i, bucket + 1), art_bucket_summed(source, i, bucket));
    for (unsigned i = 0; i < footer->has.columns; i++) summed.zone[i] = art_bucket_zone(source, i, bucket);
    art_footer_push(footer, separator, offset, entries, sum, &bounds, &summed);
    for (uint32_t i = 0; builder->options.filter && i < entries; i++) {
        footer->hashes[footer->hash_count++] = art_blob_key_hash(art_bytes(cursor->key, cursor->key_len));
        if (i + 1 < entries) art_blob_next(cursor); /* within the bucket: cannot fail */
    }
    if (!builder->options.filter) {
        rc = art_blob_cursor_place(cursor, bucket, ART_BUCKET_MAX);
        if (rc) return rc;
    }
    art_key_copy_set(&builder->emitted_last, cursor->key, cursor->key_len);
    builder->any_emitted = true;
    return ART_OK;
}

/* The run's rows were added; take them off again. `last` is still the last key before them. */
static void forget_run(struct art_builder *builder, const struct art_footer *before, bool emitted) {
    struct art_footer *footer = &builder->footer;
    art_footer_truncate(footer, before->buckets, before->nodes_bound);
    footer->hash_count = before->hash_count;
    memcpy(footer->lookups.count, before->lookups.count, sizeof footer->lookups.count);
    art_key_copy_set(&builder->emitted_last, builder->last.bytes, builder->last.len);
    builder->any_emitted = emitted;
}

static void copy_pages(struct art_builder *builder, const struct art_blob *source, struct art_page_run run) {
    uint32_t pages = run_pages(source, run), from = page_of(source, run.first), to = builder->at / ART_BLOB_PAGE;
    memcpy(builder->buffer + builder->at, source->image + from * ART_BLOB_PAGE, pages * ART_BLOB_PAGE);
    for (uint32_t i = 0; i < pages; i++) {
        builder->hash_known[to + i] = true;
        builder->hash[to + i] = art_blob_trailer(source->image)->page_hash[from + i];
    }
    builder->at += pages * ART_BLOB_PAGE;
}

/* One run, if there is room. *taken is raised by its buckets. */
static enum art_rc take_run(struct art_builder *builder, struct art_blob_cursor *cursor, struct art_page_run run,
                            uint32_t *taken) {
    struct art_footer *footer = &builder->footer;
    struct art_blob *source = cursor->blob;
    const struct art_footer before = *footer; /* its numbers */
    uint32_t base = page_of(source, run.first) * ART_BLOB_PAGE, entries = 0;
    uint64_t csn_min = builder->csn_min, csn_max = builder->csn_max, overflows = 0;
    uint32_t key_max = builder->key_max;
    bool emitted = builder->any_emitted;
    bool sums = footer->sums || !art_blob_only_puts(source, run.first, run.end);
    for (uint32_t b = run.first; b < run.end; b++) {
        enum art_rc rc = add_bucket(builder, cursor, b, builder->at + art_bucket_offset(source, b) - base);
        if (rc) {
            forget_run(builder, &before, emitted);
            return rc;
        }
        if (art_load64(cursor->view.start + 8) >> 8 < csn_min) csn_min = art_load64(cursor->view.start + 8) >> 8;
        const struct art_bounds *bounds = &footer->bounds[footer->buckets - 1];
        if (bounds->csn_max > csn_max) csn_max = bounds->csn_max;
        if (bounds->key_max > key_max) key_max = bounds->key_max;
        overflows += bounds->overflows;
        entries += cursor->view.count;
    }
    uint32_t end = builder->at + run_pages(source, run) * ART_BLOB_PAGE;
    if (!art_builder_has_room(builder, end, footer->buckets, footer->nodes_bound, builder->entries + entries, sums)) {
        forget_run(builder, &before, emitted);
        return ART_OK;
    }
    copy_pages(builder, source, run);
    footer->sums = sums;
    builder->entries += entries;
    builder->below += entries;
    builder->csn_min = csn_min;
    builder->csn_max = csn_max;
    builder->key_max = key_max;
    builder->overflows += overflows;
    art_key_copy_set(&builder->last, builder->emitted_last.bytes, builder->emitted_last.len);
    builder->any_added = true;
    *taken += run.end - run.first;
    return ART_OK;
}

enum art_rc art_builder_add_buckets(struct art_builder *builder, struct art_blob *source, uint32_t from, uint32_t to,
                                    uint32_t *taken) {
    *taken = 0;
    if (!builder->buffer || builder->options.kind != ART_BLOB_LEAF || source->kind != ART_BLOB_LEAF || from > to ||
        to > source->buckets) {
        return art_fail(ART_MISUSE, "art: these buckets cannot go into this blob");
    }
    struct art_page_run run = shortest_run(source, from, to);
    bool full = false;
    if (!art_measures_equal(source->has, builder->footer.has)) return ART_OK;
    if (run.end == run.first || builder->refused) return ART_OK;
    enum art_rc rc = worth_copying(builder, source, from, to, &to);
    if (rc || to == from) return rc;
    rc = art_builder_emit(builder, &full);
    if (rc || full) return rc;
    uint32_t lost = (ART_BLOB_PAGE - builder->at % ART_BLOB_PAGE) % ART_BLOB_PAGE;
    uint8_t *key = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    if (!key) return art_nomem();
    memset(builder->buffer + builder->at, 0, lost);
    builder->at += lost;
    struct art_blob_cursor cursor;
    art_blob_cursor_init(&cursor, source, key);
    rc = art_blob_cursor_place(&cursor, from, 0);
    if (!rc) memcpy(key, cursor.view.prefix, source->label_len); /* the label, as it was when the blob was built */
    while (!rc && run.end > run.first) {
        uint32_t before = *taken;
        rc = take_run(builder, &cursor, run, taken);
        if (*taken == before) break;
        run = shortest_run(source, run.end, to);
    }
    art_free(key);
    return rc;
}
