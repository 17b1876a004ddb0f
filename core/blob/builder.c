/* One sorted stream in, blobs out. builder.h has the protocol, builder_internal.h the parts.
 *
 * A bucket is closed when the next entry does not fit into its page, and goes into the blob if the footer, as it would
 * then be, still fits behind the leaf pages. The nodes' size is kept as a cheap upper bound and measured only when
 * that bound is what stands in the way; so a blob is filled to its last page and closing it cannot fail for want of
 * room.
 */
#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/format.h"
#include "core/base/hash.h"
#include "core/blob/builder_internal.h"
#include "core/blob/filter.h"

enum art_rc art_builder_open(struct art_builder **out, const struct art_builder_options *options) {
    *out = NULL;
    bool index = options->kind == ART_BLOB_INDEX;
    assert(index || options->kind == ART_BLOB_LEAF);
    assert(index == (options->height > 0) && options->height <= ART_HEIGHT_MAX && !(index && options->filter));
    assert(options->fill_pages <= ART_BLOB_PAGES);
    struct art_builder *builder = art_alloc(sizeof *builder);
    if (!builder) return art_nomem();
    memset(builder, 0, offsetof(struct art_builder, pending));
    builder->options = *options;
    builder->options.blocks &= !index && art_codec();
    builder->ratio = ART_RATIO_ONE / 2;
    if (!options->fill_pages) builder->options.fill_pages = ART_BLOB_PAGES;
    if (options->summary) builder->footer.has = options->summary->has;
    builder->footer.kind = options->kind;
    if (!index) builder->footer.postings.fields = art_measures_fields(builder->footer.has);
    builder->pending.coding = NULL;
    builder->pending.count = builder->pending.behind = 0;
    builder->pending.terms = (struct art_terms){0};
    builder->last.len = builder->emitted_last.len = builder->first.len = 0;
    enum art_rc rc = art_proof_open(builder);
    if (!rc) rc = art_terms_open(&builder->pending.terms, builder->footer.postings.fields);
    if (rc) art_builder_close(builder);
    *out = rc ? NULL : builder;
    return rc;
}

void art_builder_close(struct art_builder *builder) {
    if (!builder) return;
    art_free(builder->coding);
    art_footer_clear(&builder->footer);
    art_terms_clear(&builder->pending.terms);
    art_proof_close(builder);
    art_free(builder);
}

enum art_rc art_builder_symbols(struct art_builder *builder, const struct art_symbols *symbols) {
    struct art_pending *pending = &builder->pending;
    builder->codes = symbols && builder->options.blocks;
    assert(!builder->buffer);
    bool first = builder->codes && !builder->coding;
    if (first) builder->coding = art_alloc(sizeof *builder->coding);
    if (first && !builder->coding) return art_nomem();
    struct art_coding *coding = builder->codes ? builder->coding : NULL;
    bool another = coding && (first || memcmp(&coding->encoder.symbols, symbols, sizeof *symbols) != 0);
    if (another) art_encoder_use(&coding->encoder, symbols);
    if (pending->count && pending->blocks && (another || coding != pending->coding))
        art_pending_recode(pending, coding);
    return ART_OK;
}

void art_builder_begin(struct art_builder *builder, uint8_t *buffer) {
    builder->buffer = buffer;
    builder->at = 0;
    builder->refused = false;
    builder->in_blocks = 0;
    builder->coded_buckets = builder->plain_names = builder->coded_names = 0;
    memset(builder->used, 0, sizeof builder->used);
    builder->entries = 0;
    builder->below = 0;
    builder->csn_min = UINT64_MAX;
    builder->csn_max = builder->overflows = 0;
    builder->key_max = 0;
    assert(builder->footer.buckets == 0);
    if (builder->pending.count && builder->pending.blocks)
        art_fit_begin(builder);
    else if (builder->pending.count)
        builder->pending.alone = art_pending_size(&builder->pending) > ART_BLOB_PAGE;
}

/* --- the pending bucket's way into the blob ----------------------------------------------------------------------- */

/* The separator of a bucket with this first key, if it is the blob's next. */
static struct art_bytes next_separator(const struct art_builder *builder, struct art_bytes first_key) {
    const struct art_key_copy *before = &builder->emitted_last;
    if (!builder->footer.buckets) return art_bytes(first_key.data, 0);
    uint32_t n = art_min32(before->len, first_key.len);
    return art_bytes(first_key.data, art_common_prefix(before->bytes, first_key.data, n) + 1);
}

/* Of the footer, at most. The label's bytes are those of the second separator's nodes that are left out; a single
 * bucket has none. */
static uint32_t footer_pages(const struct art_builder *builder, uint32_t buckets, bool sums, uint32_t keys,
                             uint32_t node_bytes) {
    const struct art_footer *footer = &builder->footer;
    const struct art_pending *pending = &builder->pending;
    struct art_geometry geometry = art_footer_geometry(footer, builder->options.filter ? keys : 0);
    uint32_t first_len = footer->buckets ? builder->first.len : pending->first_len;
    geometry.buckets = buckets;
    geometry.weights = sums;
    geometry.symbols = builder->coded_buckets || pending->coded;
    geometry.nodes = node_bytes;
    geometry.label = buckets > 1 ? 0 : art_min32(first_len, ART_LABEL_MAX);
    if (footer->postings.fields) {
        bool more = pending->count && !builder->refused;
        geometry.postings = art_postings_bytes(&footer->postings, more ? &pending->terms : NULL, pending->count);
    }
    return (uint32_t)((art_parts_bytes(&geometry) + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE);
}

/* Is there room for leaf pages up to byte `end`, and a footer with so many buckets, bytes of nodes and keys? */
static bool fits_in_blob(const struct art_builder *builder, uint32_t end, uint32_t buckets, uint32_t node_bytes,
                         uint32_t keys, bool sums) {
    /* A blob takes its first entry however small it is to be, and an index blob its first two, or no run would have a
     * top. */
    uint32_t at_least = builder->options.kind == ART_BLOB_INDEX ? 2 : 1;
    uint32_t limit = builder->entries >= at_least ? builder->options.fill_pages : (uint32_t)ART_BLOB_PAGES;
    uint32_t leaf_pages = (end + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE;
    return leaf_pages + footer_pages(builder, buckets, sums, keys, node_bytes) <= limit;
}

/* Notes the first key of a blob, and from it the blob's own separator. */
static void note_first(struct art_builder *builder, struct art_bytes key) {
    const struct art_key_copy *before = &builder->emitted_last;
    art_key_copy_set(&builder->first, key.data, key.len);
    builder->label_shared = UINT32_MAX;
    if (builder->options.kind == ART_BLOB_INDEX) {
        builder->separator_len = key.len; /* a separator itself */
    } else if (!builder->any_emitted) {
        builder->separator_len = 0;
    } else {
        builder->separator_len = art_common_prefix(before->bytes, key.data, art_min32(before->len, key.len)) + 1;
    }
}

static bool sums_needed(const struct art_builder *builder) {
    const struct art_pending *pending = &builder->pending;
    return builder->footer.sums || (pending->count && pending->odd_weight) || builder->options.kind == ART_BLOB_INDEX;
}

static bool pending_fits(const struct art_builder *builder, uint32_t size, uint32_t node_cost) {
    const struct art_pending *pending = &builder->pending;
    const struct art_postings *postings = &builder->footer.postings;
    if (builder->entries && postings->fields && art_postings_are_full(postings, &pending->terms, pending->count))
        return false;
    return fits_in_blob(builder, builder->at + size, builder->footer.buckets + 1,
                        builder->footer.nodes_bound + node_cost, builder->entries + builder->pending.count,
                        sums_needed(builder));
}

/* What was made of a bucket with blocks, which does not fit into the blob, is to be made anew for the next one. */
static void refuse_bucket(struct art_builder *builder) {
    struct art_pending *pending = &builder->pending;
    builder->refused = true;
    if (pending->blocks) art_pending_cut(pending, pending->count + pending->behind);
}

/* The bucket is in the blob. */
static void bucket_is_in(struct art_builder *builder) {
    struct art_pending *pending = &builder->pending;
    builder->any_emitted = true;
    if (pending->behind) {
        art_pending_follow(pending, &builder->emitted_last);
        art_fit_begin(builder);
        return;
    }
    pending->count = 0;
    art_key_copy_set(&builder->emitted_last, builder->last.bytes, builder->last.len);
}

/* What the reference will say of all keys and versions in the blob. */
static void widen_bounds(struct art_builder *builder) {
    const struct art_pending *pending = &builder->pending;
    if (pending->shape.csn_least < builder->csn_min) builder->csn_min = pending->shape.csn_least;
    if (pending->bounds.csn_max > builder->csn_max) builder->csn_max = pending->bounds.csn_max;
    if (pending->bounds.key_max > builder->key_max) builder->key_max = pending->bounds.key_max;
    uint32_t n = art_min32(builder->first.len, pending->first_len);
    n = art_common_prefix(builder->first.bytes, pending->first_key, art_min32(n, builder->label_shared));
    builder->label_shared = art_min32(n, pending->label_shared);
}

static void note_codes(struct art_builder *builder, const uint8_t *codes, uint32_t n) {
    for (uint32_t i = 0; i < n; i += codes[i] == ART_ESCAPE ? 2 : 1) builder->used[codes[i]] = true;
}

/* What suffixes take in a bucket that may be coded, plain and as they are written. */
static void count_names(struct art_builder *builder) {
    const struct art_pending *pending = &builder->pending;
    if (pending->coded) {
        note_codes(builder, pending->coding->first, pending->coded_len[0]);
        note_codes(builder, pending->coding->suffixes, pending->coded_bytes);
    }
    uint32_t plain = pending->suffix_len[0] + pending->suffix_bytes;
    builder->plain_names += plain;
    builder->coded_names += pending->coded ? pending->coded_len[0] + pending->coded_bytes : plain;
    builder->coded_buckets += pending->coded;
}

/* Moves the pending bucket into the blob; of one with blocks as much as goes into its page. *full: it does not fit. */
static enum art_rc emit(struct art_builder *builder, bool *full) {
    struct art_pending *pending = &builder->pending;
    struct art_footer *footer = &builder->footer;
    struct art_bytes first_key = art_bytes(pending->first_key, pending->first_len);
    assert(!pending->count || !builder->any_emitted ||
           art_bytes_compare(art_bytes(builder->emitted_last.bytes, builder->emitted_last.len), first_key) < 0);
    *full = builder->refused;
    if (!pending->count || builder->refused) return ART_OK;
    if (pending->blocks) {
        art_fit_bucket(builder);
        art_pending_sum_up(pending, builder->options.summary);
    }
    struct art_bytes separator = next_separator(builder, first_key);
    uint32_t size = art_pending_size(pending), node_cost = art_footer_node_cost(footer, separator);
    enum art_rc rc = art_footer_reserve(footer, 1, separator.len, 0);
    if (footer->postings.fields) art_terms_end(&pending->terms, builder->options.summary);
    if (!rc) rc = art_postings_reserve(&footer->postings, &pending->terms);
    if (rc) return rc;
    if (!pending_fits(builder, size, node_cost)) {
        rc = art_footer_measure(footer);
        if (rc == ART_TOOBIG) return art_built_wrong("its nodes take more bytes than were foretold");
        if (rc) return rc;
        if (!pending_fits(builder, size, node_cost)) {
            refuse_bucket(builder);
            *full = true;
            return ART_OK;
        }
    }
    if (!footer->buckets) note_first(builder, first_key);
    footer->sums = sums_needed(builder);
    for (unsigned i = 0; i < footer->has.columns; i++)
        art_text_bounds_settle(&pending->texts[i], &pending->summed.zone[i]);
    art_footer_push(footer, separator, builder->at, pending->count, pending->sum, &pending->bounds, &pending->summed);
    art_postings_push(&footer->postings, &pending->terms, pending->count);
    uint32_t written = art_pending_write(pending, builder->buffer + builder->at);
    if (written > size) return art_built_wrong("a bucket takes more bytes than were foretold");
    builder->at += written;
    builder->entries += pending->count;
    assert(builder->at <= ART_BLOB_PAGES * ART_BLOB_PAGE && builder->entries == footer->rank[footer->buckets]);
    builder->below += pending->below;
    builder->overflows += pending->overflows;
    if (pending->blocks && pending->count > 1) count_names(builder);
    if (pending->block.len) builder->in_blocks += pending->count;
    widen_bounds(builder);
    bucket_is_in(builder);
    return ART_OK;
}

/* --- adding ------------------------------------------------------------------------------------------------------- */

/* The entry opens a bucket. Little that is left of a page is given up, else the entry crosses into the next page. */
static void begin_bucket(struct art_builder *builder, const struct art_arrival *arrival) {
    bool blocks = builder->options.blocks && art_is_first_put(arrival->entry->flags);
    art_pending_begin(&builder->pending, arrival, blocks, blocks && builder->codes ? builder->coding : NULL);
    if (blocks) {
        art_fit_begin(builder);
        return;
    }
    uint32_t size = art_pending_size(&builder->pending), left = art_left_in_page(builder->at);
    assert(builder->pending.count == 1 && size);
    if (size > art_bytes_left_in_page(builder) && left <= ART_PAGE_LOSS_BYTES) {
        art_give_page_up(builder);
        left = ART_BLOB_PAGE;
    }
    builder->pending.alone = size > left;
}

/* With blocks: into the pending bucket, when that has given away what fills its page; else into a new one. */
static enum art_rc add_with_blocks(struct art_builder *builder, const struct art_arrival *arrival, bool *full) {
    struct art_pending *pending = &builder->pending;
    while (pending->count) {
        bool due = pending->alone || !art_is_first_put(arrival->entry->flags) || art_fit_is_due(builder);
        if (!due && art_pending_add(pending, arrival, art_bytes_left_in_page(builder))) return ART_OK;
        enum art_rc rc = emit(builder, full);
        if (rc || *full) return rc;
    }
    begin_bucket(builder, arrival);
    return ART_OK;
}

static enum art_rc out_of_order(void) {
    return art_fail(ART_MISUSE, "art: keys handed to a blob builder must ascend");
}

static enum art_rc take_arrival(struct art_builder *builder, struct art_arrival *arrival, bool *full) {
    struct art_pending *pending = &builder->pending;
    struct art_key_copy *last = &builder->last;
    struct art_bytes key = arrival->key;
    *full = false;
    assert(builder->buffer);
    if (builder->any_added) {
        uint32_t most = art_min32(key.len, last->len);
        if (arrival->shared == ART_SHARED_UNKNOWN) arrival->shared = art_common_prefix(key.data, last->bytes, most);
        if (arrival->shared > most || arrival->shared == key.len) return out_of_order();
        if (arrival->shared < last->len && key.data[arrival->shared] <= last->bytes[arrival->shared])
            return out_of_order();
    } else {
        arrival->shared = 0;
    }
    if (builder->options.filter && builder->footer.hash_count == builder->footer.hash_capacity) {
        enum art_rc rc = art_footer_reserve(&builder->footer, 0, 0, 1);
        if (rc) return rc;
    }
    if (!pending->count) {
        begin_bucket(builder, arrival);
    } else if (pending->blocks) {
        enum art_rc rc = add_with_blocks(builder, arrival, full);
        if (rc || *full) return rc;
    } else if (pending->alone || !art_pending_add(pending, arrival, art_bytes_left_in_page(builder))) {
        enum art_rc rc = emit(builder, full);
        if (rc || *full) return rc;
        begin_bucket(builder, arrival);
    }
    if (builder->options.filter) builder->footer.hashes[builder->footer.hash_count++] = art_blob_key_hash(key);
    last->len = key.len;
    if (key.len) memcpy(last->bytes + arrival->shared, key.data + arrival->shared, key.len - arrival->shared);
    builder->any_added = true;
    art_proof_note(builder, key, arrival->entry);
    return ART_OK;
}

enum art_rc art_builder_add(struct art_builder *builder, struct art_bytes key, const struct art_entry *entry,
                            uint32_t shared, bool *full) {
    uint32_t most = entry->flags & ART_REPLACED ? ART_STORED_MAX : ART_VALUE_INLINE_MAX;
    if (key.len > ART_KEY_MAX || entry->value.len > most) {
        return art_fail(ART_TOOBIG, "art: a key of %u bytes with a value of %u bytes does not fit into a blob", key.len,
                        entry->value.len);
    }
    if (builder->options.kind != ART_BLOB_LEAF || entry->flags & ~ART_ENTRY_FLAGS || entry->csn >> 56 ||
        !art_entry_is_sane(entry->flags, entry->value)) {
        return art_fail(ART_MISUSE, "art: this entry cannot go into this blob");
    }
    struct art_arrival arrival = {.key = key,
                                  .entry = entry,
                                  .shared = shared,
                                  .weight = art_entry_weight(entry->flags),
                                  .below = 1,
                                  .csn_max = entry->csn,
                                  .overflows = entry->flags & ART_OVERFLOW ? 1 : 0,
                                  .key_max = key.len,
                                  .summary = builder->options.summary};
    return take_arrival(builder, &arrival, full);
}

enum art_rc art_builder_add_ref(struct art_builder *builder, struct art_bytes separator, const struct art_ref *ref,
                                bool *full) {
    uint8_t value[ART_REF_MAX];
    if (builder->options.kind != ART_BLOB_INDEX || separator.len > ART_KEY_MAX || ref->label.len > ART_LABEL_MAX ||
        ref->height + 1u != builder->options.height || !art_measures_equal(ref->has, builder->footer.has)) {
        return art_fail(ART_MISUSE, "art: this reference cannot go into this blob");
    }
    struct art_entry entry = {.value = art_bytes(value, art_ref_encode(ref, value))};
    struct art_arrival arrival = {.key = separator,
                                  .entry = &entry,
                                  .shared = ART_SHARED_UNKNOWN,
                                  .weight = ref->count,
                                  .below = ref->entries,
                                  .csn_max = ref->csn_max,
                                  .overflows = ref->overflows,
                                  .key_max = ref->key_max,
                                  .summary = builder->options.summary,
                                  .label = ref->label};
    struct art_summed summed;
    if (builder->options.summary) {
        if (ref->has.columns && (!ref->summed || !art_summed_decode(ref->has, ref->summed, &summed))) {
            return art_fail(ART_MISUSE, "art: a reference whose sums and zones make no sense");
        }
        arrival.summed = &summed;
    }
    return take_arrival(builder, &arrival, full);
}

uint32_t art_builder_pending(const struct art_builder *builder) {
    return builder->entries + builder->pending.count;
}

/* --- closing a blob ----------------------------------------------------------------------------------------------- */

/* Of a leaf: what its first and last key share. Of an index blob also what all labels below share with them. */
static uint32_t label_length(const struct art_builder *builder) {
    const struct art_key_copy *first = &builder->first, *last = &builder->emitted_last;
    uint32_t n = art_min32(art_min32(first->len, last->len), ART_LABEL_MAX);
    if (builder->options.kind == ART_BLOB_INDEX) n = art_min32(n, builder->label_shared);
    return art_common_prefix(first->bytes, last->bytes, n);
}

static void hash_pages(const struct art_builder *builder, struct art_blob_trailer *trailer) {
    const uint8_t *image = builder->buffer;
    for (uint32_t page = 0; page < trailer->leaf_pages; page++) {
        trailer->page_hash[page] = art_hash64(image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
    }
    for (uint32_t page = ART_BLOB_PAGES - trailer->footer_pages; page < ART_BLOB_PAGES - 1; page++) {
        trailer->page_hash[page] = art_hash64(image + page * ART_BLOB_PAGE, ART_BLOB_PAGE);
    }
}

static const struct art_symbols *own_symbols(struct art_builder *builder) {
    builder->symbols = builder->coding->encoder.symbols;
    art_symbols_forget(&builder->symbols, builder->used);
    return &builder->symbols;
}

static enum art_rc close_blob(struct art_builder *builder, uint32_t slot, uint64_t generation) {
    struct art_footer *footer = &builder->footer;
    struct art_footer_layout layout;
    uint32_t leaf_pages = (builder->at + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE, label_len = label_length(builder);
    footer->symbols = builder->coded_buckets ? own_symbols(builder) : NULL;
    enum art_rc rc = art_footer_write(footer, art_bytes(builder->first.bytes, label_len), builder->csn_min,
                                      builder->options.filter ? builder->entries : 0, ART_BLOB_PAGES - leaf_pages,
                                      builder->buffer, &layout);
    if (rc == ART_TOOBIG) return art_built_wrong("its footer takes more bytes than were foretold");
    if (rc) return rc;
    assert(leaf_pages + layout.footer_pages <= ART_BLOB_PAGES && builder->csn_min <= builder->csn_max);
    memset(builder->buffer + builder->at, 0, leaf_pages * ART_BLOB_PAGE - builder->at);
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(builder->buffer + ART_TRAILER_AT);
    memset(trailer, 0, sizeof *trailer);
    trailer->magic = ART_BLOB_MAGIC;
    trailer->format = ART_FORMAT;
    trailer->incompatible =
        (uint16_t)((builder->in_blocks ? ART_BLOB_BLOCKS : 0) | (footer->symbols ? ART_BLOB_SYMBOLS : 0));
    trailer->kind = builder->options.kind;
    trailer->height = builder->options.height;
    trailer->flags = layout.flags;
    memcpy(trailer->uuid, builder->options.uuid, sizeof trailer->uuid);
    trailer->generation = generation;
    trailer->slot = slot;
    trailer->entries = builder->entries;
    trailer->below = builder->below;
    trailer->csn_min = builder->csn_min;
    trailer->csn_max = builder->csn_max;
    trailer->overflows = builder->overflows;
    trailer->key_max = (uint16_t)builder->key_max;
    trailer->columns = footer->has.columns;
    trailer->sums = footer->has.sums;
    trailer->lookups = footer->has.lookups;
    trailer->searches = footer->has.searches;
    trailer->count = footer->sum[footer->buckets];
    trailer->buckets = footer->buckets;
    trailer->leaf_pages = leaf_pages;
    trailer->footer_pages = (uint16_t)layout.footer_pages;
    trailer->common = label_len;
    const uint32_t *begin = layout.at.begin;
    trailer->routing = begin[ART_PART_BOUNDS];
    trailer->postings_at = layout.postings ? (uint16_t)(begin[ART_PART_POSTINGS] / ART_POSTINGS_ALIGN) : 0;
    trailer->filter = layout.filter_blocks ? begin[ART_PART_FILTER] : 0;
    trailer->filter_blocks = layout.filter_blocks;
    hash_pages(builder, trailer);
    trailer->own_hash = art_blob_trailer_hash((const uint8_t *)builder->buffer + ART_LAST_PAGE_AT);
    return ART_OK;
}

enum art_rc art_builder_finish(struct art_builder *builder, uint32_t slot, uint64_t generation, struct art_built *out) {
    struct art_footer *footer = &builder->footer;
    bool full = false;
    enum art_rc rc = ART_OK;
    assert(builder->buffer && builder->pending.count);
    while (!rc && !full && builder->pending.count) rc = emit(builder, &full);
    if (rc) return rc;
    if (!footer->buckets) return art_built_wrong("its first bucket does not fit");
    rc = close_blob(builder, slot, generation);
    if (rc) return rc;
    art_ref_of_trailer(builder->buffer + ART_LAST_PAGE_AT, &out->ref);
    out->ref.label.data = builder->first.bytes;
    if (footer->has.columns) {
        struct art_summed summed;
        art_footer_summed(footer, &summed);
        art_summed_encode(footer->has, &summed, builder->summed);
        out->ref.summed = builder->summed;
    }
    rc = art_builder_prove(builder, &out->ref);
    if (rc) return rc;
    out->separator = art_bytes(builder->first.bytes, builder->separator_len);
    out->entries = builder->entries;
    out->in_blocks = builder->in_blocks;
    out->plain_names = builder->plain_names;
    out->coded_names = builder->coded_names;
    out->more = builder->pending.count > 0;
    art_footer_reset(footer, builder->options.filter ? builder->entries : 0);
    art_proof_next(builder);
    builder->entries = 0;
    builder->buffer = NULL;
    return ART_OK;
}
