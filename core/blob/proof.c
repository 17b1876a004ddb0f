/* What was built is read before anything leads to it: by the reader's own code, as somebody who opens it cold would,
 * from the head alone, each other page when it is asked for.
 *
 *   head         identity, bounds of all parts, directories: sane, and what the builder has noted
 *   parts        sums, zones and bounds of each bucket are those that were noted
 *   keys         the first and the last one, and at the separators of some buckets those on both sides
 *   entries      some are what was added: an entry for each 128 KB
 *   one bucket   all entries of it once more make the bounds, weights, sums and zones that were noted, and its terms
 *   filter       some keys pass it
 *   postings     a term of each unit leads there
 *   all pages    the buckets in them are sane; of the first and the last leaf, and of the footer, the hashes right
 *
 * So what is wrong with a blob by the builder's fault fails the statement, whose transaction keeps the old blobs. A
 * check of all rows would cost as much as the building; this takes a hundredth.
 */
#include <assert.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/blob/bucket.h"
#include "core/blob/builder_internal.h"
#include "core/blob/cursor.h"

enum {
    ENTRIES_A_SEEK = 32, /* of buckets with fewer entries only some are sought */
    KEYS_ASKED = 64      /* of the filter */
};

struct proof {
    struct art_builder *builder;
    struct art_blob blob;
    struct art_blob_cursor cursor;
};

enum art_rc art_built_wrong(const char *what) {
    return art_fail(
        ART_CORRUPT,
        "art: a blob that was just built cannot be read (%s): all is as it was before; report this with the "
        "table's CREATE statement",
        what);
}

/* As a store would load them. To hash all leaves once more would cost more than all else here. */
static enum art_rc load(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    enum art_rc rc = ART_OK;
    (void)intent;
    for (uint32_t page = art_pages_from(pages, 0); !rc && page < ART_BLOB_PAGES;
         page = art_pages_from(pages, page + 1)) {
        bool inner = page && page + 1 < blob->leaf_pages;
        if (!art_page_present(blob, page)) rc = (inner ? art_blob_take_leaf : art_blob_verify_page)(blob, page);
    }
    return rc;
}

static const char *wrong_noted_directories(const struct art_blob *blob, const struct art_footer *footer) {
    bool same = blob->buckets == footer->buckets && blob->count == footer->sum[footer->buckets];
    for (uint32_t b = 0; same && b < footer->buckets; b++) {
        same = art_bucket_offset(blob, b) == footer->offset[b] && art_bucket_rank(blob, b) == footer->rank[b] &&
               art_bucket_sum(blob, b) == footer->sum[b];
    }
    return same ? NULL : "its directories are not what was noted";
}

static const char *wrong_noted_bounds(const struct art_blob *blob, const struct art_footer *footer) {
    bool same = true;
    for (uint32_t b = 0; same && b < footer->buckets; b++) {
        struct art_bounds noted = footer->bounds[b], said = art_bucket_bounds(blob, b);
        same = said.key_max == noted.key_max && said.overflows == noted.overflows && said.csn_max >= noted.csn_max;
    }
    return same ? NULL : "its bounds are not what was noted";
}

static bool is_same_zone(const struct art_zone *a, const struct art_zone *b) {
    return a->low.integer == b->low.integer && a->high.integer == b->high.integer && a->kinds == b->kinds;
}

static const char *wrong_noted_summary(const struct art_blob *blob, const struct art_footer *footer) {
    struct art_measures has = footer->has;
    bool same = true;
    for (uint32_t b = 0; same && b <= footer->buckets; b++) {
        for (unsigned i = 0; i < has.sums; i++)
            same &= art_bucket_summed(blob, i, b) == footer->summed[(size_t)b * has.sums + i];
        for (unsigned i = 0; b < footer->buckets && i < has.columns; i++) {
            struct art_zone said = art_bucket_zone(blob, i, b);
            same &= is_same_zone(&said, &footer->zones[(size_t)b * has.columns + i]);
        }
    }
    return same ? NULL : "its sums and zones are not what was noted";
}

static enum art_rc prove_parts(struct proof *proof) {
    struct art_blob *blob = &proof->blob;
    const struct art_footer *footer = &proof->builder->footer;
    const char *wrong = wrong_noted_directories(blob, footer);
    enum art_rc rc = wrong ? ART_OK : art_blob_want_part(blob, ART_PART_BOUNDS);
    if (!rc && !wrong) wrong = wrong_noted_bounds(blob, footer);
    if (!rc && !wrong) rc = art_blob_want_part(blob, ART_PART_SUMS);
    for (unsigned i = 0; !rc && !wrong && i < footer->has.columns; i++)
        rc = art_blob_want_part(blob, ART_PART_ZONES + i);
    if (!rc && !wrong) wrong = wrong_noted_summary(blob, footer);
    return wrong ? art_built_wrong(wrong) : rc;
}

/* The cursor is at an entry of this key, or (`prefix`) of one that begins with it. */
static bool is_at_key(const struct art_blob_cursor *cursor, struct art_bytes key, bool prefix) {
    return cursor->valid && (prefix ? cursor->key_len >= key.len : cursor->key_len == key.len) &&
           (!key.len || memcmp(cursor->key, key.data, key.len) == 0);
}

/* A separator is the first key behind it, cut one byte behind what that shares with the key before. */
static enum art_rc prove_separator(struct proof *proof, uint32_t bucket) {
    struct art_blob_cursor *cursor = &proof->cursor;
    struct art_bytes separator = art_footer_separator(&proof->builder->footer, bucket);
    struct art_ref child;
    enum art_rc rc = art_blob_seek_ge(cursor, separator);
    if (rc) return rc;
    uint32_t first = proof->builder->footer.rank[bucket];
    if (!is_at_key(cursor, separator, true) || art_blob_cursor_index(cursor) != first)
        return art_built_wrong("a separator does not lead to its bucket");
    if (proof->blob.kind == ART_BLOB_INDEX) rc = art_blob_cursor_ref(cursor, &child);
    if (!rc) rc = art_blob_prev(cursor);
    if (rc) return rc;
    if (!is_at_key(cursor, art_bytes(separator.data, separator.len - 1), true) ||
        art_blob_cursor_index(cursor) + 1 != first) {
        return art_built_wrong("a separator does not divide its buckets");
    }
    return ART_OK;
}

static enum art_rc prove_keys(struct proof *proof) {
    const struct art_builder *builder = proof->builder;
    struct art_blob_cursor *cursor = &proof->cursor;
    const struct art_key_copy *first = &builder->first, *last = &builder->emitted_last;
    uint32_t buckets = builder->footer.buckets, seeks = builder->entries / ENTRIES_A_SEEK + 1;
    enum art_rc rc = art_blob_first(cursor);
    if (!rc && !is_at_key(cursor, art_bytes(first->bytes, first->len), false))
        rc = art_built_wrong("its first key is another");
    if (!rc) rc = art_blob_last(cursor);
    if (!rc && !is_at_key(cursor, art_bytes(last->bytes, last->len), false))
        rc = art_built_wrong("its last key is another");
    if (seeks > buckets - 1) seeks = buckets - 1;
    for (uint32_t i = 1; !rc && i <= seeks; i++)
        rc = prove_separator(proof, (uint32_t)((uint64_t)i * (buckets - 1) / seeks));
    return rc;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static uint64_t hash_of_entry(const struct art_entry *entry) {
    return art_hash64_seeded(entry->value.data, entry->value.len, entry->csn << 8 | entry->flags);
}

enum art_rc art_proof_open(struct art_builder *builder) {
    struct art_proving *proving = &builder->proving;
    proving->samples = 0;
    proving->since = ART_LIMIT(sample_bytes); /* the first one, too */
    proving->taken = proving->finished = 0;
    proving->terms = (struct art_terms){0};
    return art_terms_open(&proving->terms, builder->footer.postings.fields);
}

void art_proof_close(struct art_builder *builder) {
    art_terms_clear(&builder->proving.terms);
}

void art_proof_sample(struct art_builder *builder, struct art_bytes key, const struct art_entry *entry) {
    struct art_proving *proving = &builder->proving;
    proving->since = 0;
    if (proving->samples == ART_SAMPLES_MAX) return;
    unsigned at = proving->samples++;
    proving->sample[at].number = proving->taken;
    proving->sample[at].key = art_hash64(key.data, key.len);
    proving->sample[at].entry = hash_of_entry(entry);
}

void art_proof_next(struct art_builder *builder) {
    struct art_proving *proving = &builder->proving;
    unsigned done = 0;
    proving->finished += builder->entries;
    while (done < proving->samples && proving->sample[done].number < proving->finished) done++;
    proving->samples -= done;
    memmove(proving->sample, proving->sample + done, proving->samples * sizeof *proving->sample);
}

static enum art_rc prove_samples(struct proof *proof) {
    const struct art_builder *builder = proof->builder;
    const struct art_proving *proving = &builder->proving;
    struct art_blob_cursor *cursor = &proof->cursor;
    enum art_rc rc = ART_OK;
    for (uint32_t i = 0; !rc && i < proving->samples; i++) {
        uint64_t number = proving->sample[i].number - proving->finished;
        struct art_entry entry;
        if (number >= builder->entries) break;
        rc = art_blob_seek_entry(cursor, (uint32_t)number);
        if (rc) break;
        if (!cursor->valid || art_hash64(cursor->key, cursor->key_len) != proving->sample[i].key)
            return art_built_wrong("an entry has another key than it was added with");
        art_blob_cursor_entry(cursor, &entry);
        if (hash_of_entry(&entry) != proving->sample[i].entry) return art_built_wrong("an entry is not what was added");
    }
    return rc;
}

/* What the entries of a bucket add up to. */
struct bucket_sum {
    struct art_summed summed;
    struct art_bounds bounds;
    uint64_t weight;
};

static enum art_rc sum_up_bucket(struct proof *proof, uint32_t bucket, struct bucket_sum *sum) {
    const struct art_summary *summary = proof->builder->options.summary;
    struct art_blob_cursor *cursor = &proof->cursor;
    uint32_t entries = art_blob_entries_in(&proof->blob, bucket, bucket + 1);
    enum art_rc rc = art_blob_cursor_set(cursor, bucket, 0);
    for (uint32_t i = 0; !rc && i < entries; i++) {
        struct art_bytes key = art_bytes(cursor->key, cursor->key_len);
        struct art_datum data[ART_SUMMARY_MAX];
        struct art_entry entry;
        if (!cursor->valid) return art_built_wrong("a bucket has fewer entries than were noted");
        art_blob_cursor_entry(cursor, &entry);
        if (summary) art_summary_add(summary, key, &entry, sum->summed.sum, sum->summed.zone, NULL, data);
        if (summary) art_terms_add(&proof->builder->proving.terms, summary, key, 0, &entry, data);
        if (entry.csn > sum->bounds.csn_max) sum->bounds.csn_max = entry.csn;
        if (key.len > sum->bounds.key_max) sum->bounds.key_max = (uint16_t)key.len;
        sum->bounds.overflows += entry.flags & ART_OVERFLOW ? 1 : 0;
        sum->weight += (uint64_t)art_entry_weight(entry.flags);
        rc = art_blob_next(cursor);
    }
    return rc;
}

static bool is_as_noted(const struct art_footer *footer, uint32_t bucket, const struct bucket_sum *sum) {
    const struct art_bounds *bounds = &footer->bounds[bucket];
    struct art_measures has = footer->has;
    bool same = bounds->csn_max == sum->bounds.csn_max && bounds->key_max == sum->bounds.key_max &&
                bounds->overflows == sum->bounds.overflows &&
                (uint64_t)footer->sum[bucket + 1] - (uint64_t)footer->sum[bucket] == sum->weight;
    for (unsigned i = 0; i < has.sums; i++) {
        const art_int128 *summed = footer->summed + (size_t)bucket * has.sums + i;
        same &= art_subtract128(summed[has.sums], summed[0]) == sum->summed.sum[i];
    }
    for (unsigned i = 0; i < has.columns; i++)
        same &= is_same_zone(&footer->zones[(size_t)bucket * has.columns + i], &sum->summed.zone[i]);
    return same;
}

/* Another one in each blob. Entries of an index blob are references, whose parent is not here. */
static enum art_rc prove_bucket(struct proof *proof) {
    struct art_builder *builder = proof->builder;
    struct art_terms *terms = &builder->proving.terms;
    uint32_t bucket = (uint32_t)(builder->proving.taken * 2654435761u >> 16) % builder->footer.buckets;
    struct bucket_sum sum = {.weight = 0};
    bool lead = true;
    if (builder->options.kind == ART_BLOB_INDEX) return ART_OK;
    art_terms_reset(terms);
    enum art_rc rc = sum_up_bucket(proof, bucket, &sum);
    if (!rc && !is_as_noted(&builder->footer, bucket, &sum))
        return art_built_wrong("the entries of a bucket are not what was noted of them");
    if (builder->footer.postings.fields) art_terms_end(terms, builder->options.summary);
    if (!rc) rc = art_postings_prove(&builder->footer.postings, &proof->blob, bucket, terms, &lead);
    return lead ? rc : art_built_wrong("a term does not lead to a bucket that has it");
}

static enum art_rc prove_filter(struct proof *proof) {
    const struct art_builder *builder = proof->builder;
    uint32_t step = builder->entries / KEYS_ASKED + 1;
    enum art_rc rc = ART_OK;
    if (builder->options.filter && !proof->blob.filter_blocks) return art_built_wrong("it has no filter");
    for (uint32_t i = 0; !rc && builder->options.filter && i < builder->entries; i += step)
        rc = art_blob_ask_filter(&proof->blob, builder->footer.hashes[i]);
    return rc == ART_NOTFOUND ? art_built_wrong("a key does not pass the filter") : rc;
}

static enum art_rc prove(struct proof *proof, const struct art_ref *ref, uint8_t *key) {
    const struct art_builder *builder = proof->builder;
    struct art_blob *blob = &proof->blob;
    enum art_rc rc = art_blob_open_head(blob, builder->buffer, ref, builder->options.uuid, NULL);
    if (rc) return rc;
    blob->want = load;
    if (blob->entries != builder->entries || blob->leaf_pages * ART_BLOB_PAGE < builder->at)
        return art_built_wrong("its counts are not what was noted");
    if (blob->label_len) memcpy(key, ref->label.data, blob->label_len);
    art_blob_cursor_init(&proof->cursor, blob, key);
    rc = prove_parts(proof);
    if (!rc) rc = prove_keys(proof);
    if (!rc) rc = prove_filter(proof);
    art_blob_cursor_plain(&proof->cursor, &proof->builder->proving.plain);
    if (!rc) rc = prove_samples(proof);
    if (!rc) rc = prove_bucket(proof);
    struct art_pages all = art_blob_pages_on_demand(blob);
    return rc ? rc : load(blob, &all, ART_POINT);
}

enum art_rc art_builder_prove(struct art_builder *builder, const struct art_ref *ref) {
    struct proof proof = {.builder = builder};
    char what[ART_WHAT_SIZE];
    enum art_rc rc = prove(&proof, ref, builder->proving.key);
    const struct art_fault fault = art_error_fault();
    if (rc != ART_CORRUPT || !fault.place) return rc;
    memcpy(what, fault.what, sizeof what); /* the reader's sentence would have the table restored, which is sound */
    return art_built_wrong(what);
}
