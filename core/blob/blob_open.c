/* Trust: nothing in an image is believed before it passed here.
 *
 *   reference --XXH3-128--> last page (trailer) --XXH3-64--> every other page in use
 *
 * Hashes find what the device or another program did. Behind them comes a sanity check, for bytes that somebody wrote
 * on purpose together with their hashes: offsets, counts and lengths are brought into bounds here, once, so that no
 * search needs to look at bounds at all. Whether the content makes sense (order, sums) is the business of
 * art_blob_check_expected().
 */
#include "core/base/error.h"
#include "core/blob/bucket.h"
#include "core/blob/filter.h"
#include "core/blob/postings.h"
#include "core/blob/routing.h"
#include <assert.h>

enum { LAST_PAGE = ART_BLOB_PAGES - 1 };

static enum art_rc footer_corrupt(const struct art_blob *blob, const char *what) {
    return art_corrupt(blob->file, blob->slot, LAST_PAGE, "blob trailer: %s", what);
}

uint64_t art_blob_trailer_hash(const uint8_t *last_page) {
    enum { HASH_AT = ART_TRAILER_AT - ART_LAST_PAGE_AT + offsetof(struct art_blob_trailer, own_hash) };
    uint8_t page[ART_BLOB_PAGE];
    memcpy(page, last_page, sizeof page);
    memset(page + HASH_AT, 0, sizeof(uint64_t));
    return art_hash64(page, sizeof page);
}

/* The last page against the reference. Unverified bytes are looked at only for a better message, when it is wrong. */
static enum art_rc verify_trailer_page(const struct art_blob *blob, const struct art_ref *ref, const uint8_t uuid[16]) {
    struct art_hash128 hash = art_hash128(blob->image + LAST_PAGE * ART_BLOB_PAGE, ART_BLOB_PAGE);
    if (art_hash128_equal(hash, ref->hash)) return ART_OK;
    const struct art_blob_trailer *trailer = art_blob_trailer(blob->image);
    if (trailer->magic == ART_BLOB_MAGIC && memcmp(trailer->uuid, uuid, 16) == 0 && trailer->slot == ref->slot &&
        trailer->generation > ref->generation) {
        return art_corrupt(
            blob->file, blob->slot, LAST_PAGE,
            "the .art file is newer than this database (generation %llu where %llu is expected); was one "
            "of them restored alone?",
            (unsigned long long)trailer->generation, (unsigned long long)ref->generation);
    }
    return art_corrupt(blob->file, blob->slot, LAST_PAGE,
                       "the hash of the blob's trailer is not that of its reference");
}

static const char *wrong_identity(const struct art_blob_trailer *trailer, const struct art_ref *ref,
                                  const uint8_t uuid[16]) {
    if (trailer->magic != ART_BLOB_MAGIC) return "not a blob";
    if (memcmp(trailer->uuid, uuid, 16) != 0) return "it belongs to another table";
    if (trailer->slot != ref->slot) return "it belongs into another slot";
    if (trailer->generation != ref->generation) return "it is of another generation than its reference";
    if (trailer->kind != (ref->height ? ART_BLOB_INDEX : ART_BLOB_LEAF) || trailer->height != ref->height) {
        return "it is of another kind or height than its reference";
    }
    if (trailer->leaf_pages != ref->leaf_pages || trailer->footer_pages != ref->footer_pages) {
        return "its number of pages is not that of its reference";
    }
    if (trailer->below != ref->entries || trailer->count != ref->count)
        return "its counts are not those of its reference";
    if (trailer->common != ref->label.len) return "its label has another length than that of its reference";
    if (trailer->csn_max != ref->csn_max || trailer->overflows != ref->overflows || trailer->key_max != ref->key_max)
        return "its bounds are not those of its reference";
    if (!art_measures_equal(art_trailer_measures(trailer), ref->has)) return "its summary is not that of its reference";
    return NULL;
}

static const char *wrong_filter(const struct art_blob_trailer *trailer) {
    if (!(trailer->flags & ART_BLOB_FILTER))
        return trailer->filter || trailer->filter_blocks ? "a filter that is not there" : NULL;
    if (trailer->filter % ART_FILTER_BLOCK_BYTES || trailer->filter > ART_TRAILER_AT) return "the filter lies outside";
    uint32_t most = (ART_TRAILER_AT - trailer->filter) / ART_FILTER_BLOCK_BYTES;
    if (!trailer->filter_blocks || trailer->filter_blocks > most) return "the filter leaves the footer";
    return NULL;
}

/* Bounds of everything that the trailer names. */
static const char *wrong_trailer(const struct art_blob_trailer *trailer) {
    uint32_t leaf = trailer->leaf_pages, footer = trailer->footer_pages, buckets = trailer->buckets;
    if (!leaf || !footer || leaf > LAST_PAGE || footer > ART_BLOB_PAGES - leaf)
        return "page counts that do not fit a blob";
    if (trailer->flags & ~(uint32_t)ART_BLOB_FLAGS) return "unknown flags";
    if (!buckets || buckets > trailer->entries || buckets > leaf * ART_BLOB_PAGE / 24)
        return "no buckets, or more than its entries or pages hold";
    if (trailer->kind == ART_BLOB_LEAF && trailer->below != trailer->entries)
        return "an entry count that is not that of its leaf";
    if (trailer->kind == ART_BLOB_INDEX && trailer->format >= ART_BLOB_FORMAT_BLOCKS) return "an index with blocks";
    if (trailer->csn_min > trailer->csn_max) return "a lowest version above its highest";
    if (trailer->kind == ART_BLOB_INDEX && !(trailer->flags & ART_BLOB_SUMS)) return "an index without sums";
    const char *wrong = wrong_filter(trailer);
    if (wrong) return wrong;
    uint32_t end = trailer->flags & ART_BLOB_FILTER ? trailer->filter : (uint32_t)ART_TRAILER_AT;
    if (trailer->routing < ART_BLOB_BYTES - footer * ART_BLOB_PAGE || trailer->routing % 8 || trailer->routing >= end) {
        return "the routing part lies outside";
    }
    struct art_measures has = art_trailer_measures(trailer);
    if (trailer->common > ART_LABEL_MAX) return "the label is too long";
    if (!art_measures_are_sane(has)) return "an impossible summary";
    uint32_t directory = art_directory_bytes(buckets, trailer->flags & ART_BLOB_SUMS, has) + trailer->common;
    if (directory >= end - trailer->routing || trailer->root != trailer->routing + directory) {
        return "the routing part leaves the footer";
    }
    return NULL;
}

static const char *wrong_place_of_postings(const struct art_blob *blob) {
    uint32_t fields = blob->kind == ART_BLOB_LEAF ? art_measures_fields(blob->has) : 0;
    if (!fields != !blob->postings) return fields ? "postings that are not there" : "postings that nobody wants";
    if (!fields) return NULL;
    uint32_t footer = ART_BLOB_BYTES - blob->footer_pages * ART_BLOB_PAGE;
    return blob->postings < footer || blob->postings >= blob->routing ? "the postings lie outside" : NULL;
}

static const char *wrong_sums(const struct art_blob *blob) {
    if (art_bucket_sum(blob, 0) || art_bucket_sum(blob, blob->buckets) != blob->count) {
        return "the sum directory does not end with the count";
    }
    if (blob->kind != ART_BLOB_LEAF) return NULL;
    for (uint32_t b = 0; b < blob->buckets; b++) {
        uint64_t entries = art_bucket_rank(blob, b + 1) - art_bucket_rank(blob, b);
        uint64_t sum = (uint64_t)art_bucket_sum(blob, b + 1) - (uint64_t)art_bucket_sum(blob, b);
        if (sum + entries > 2 * entries) return "a bucket's sum is larger than its number of entries";
    }
    return NULL;
}

static const char *wrong_summary(const struct art_blob *blob, const struct art_ref *ref) {
    struct art_summed all;
    if (ref->summed && memcmp(ref->summed, art_blob_summed(blob), art_summed_bytes(blob->has)) != 0) {
        return "its sums and zones are not those of its reference";
    }
    bool sane = art_summed_decode(blob->has, art_blob_summed(blob), &all);
    return sane ? NULL : "a zone of unknown kinds, or with its bounds reversed";
}

/* All pages of the routing part are there, or as good as there. */
static const char *wrong_summed(const struct art_blob *blob) {
    struct art_summed all;
    bool sane = art_summed_decode(blob->has, art_blob_summed(blob), &all);
    for (unsigned i = 0; i < blob->has.sums; i++) {
        if (art_bucket_summed(blob, i, 0) || art_bucket_summed(blob, i, blob->buckets) != all.sum[i]) {
            return "the directory of a summed column does not end with its sum";
        }
    }
    for (unsigned i = 0; i < blob->has.columns; i++) {
        for (uint32_t b = 0; b < blob->buckets; b++) {
            struct art_zone zone = art_bucket_zone(blob, i, b);
            sane &= art_zone_is_sane(&zone);
        }
    }
    return sane ? NULL : "a zone of unknown kinds, or with its bounds reversed";
}

static const char *wrong_directories(const struct art_blob *blob) {
    if (art_bucket_offset(blob, 0) || art_bucket_rank(blob, 0)) return "the first bucket is not the first";
    if (art_bucket_rank(blob, blob->buckets) != blob->entries)
        return "the rank directory does not end with the entries";
    for (uint32_t b = 0; b < blob->buckets; b++) {
        uint32_t at = art_bucket_offset(blob, b), end = art_bucket_end(blob, b);
        uint32_t rank = art_bucket_rank(blob, b), next = art_bucket_rank(blob, b + 1);
        if (end > blob->leaf_pages * ART_BLOB_PAGE || end < at + 24) return "bucket offsets do not ascend";
        if (next <= rank || next - rank > ART_BUCKET_ENTRIES) return "ranks do not ascend";
        if (next - rank > 1 && at / ART_BLOB_PAGE != (end - 1) / ART_BLOB_PAGE) {
            return "a bucket of several entries crosses pages";
        }
    }
    return wrong_sums(blob);
}

/* From the page in which the routing part begins to that in which it ends, before a filter, but for pages of sums and
 * zones alone; and the last one. What an unverified trailer says is kept within the footer. */
struct art_pages art_blob_head_pages(const uint8_t *image, uint32_t footer_pages, struct art_pages *summed) {
    const struct art_blob_trailer *trailer = art_blob_trailer(image);
    uint32_t begin = ART_BLOB_PAGES - footer_pages, end = LAST_PAGE, first = trailer->routing / ART_BLOB_PAGE;
    struct art_measures has = art_trailer_measures(trailer);
    uint64_t label = (uint64_t)trailer->common + art_summed_bytes(has), root = trailer->root;
    uint64_t at = (uint64_t)trailer->routing + art_summed_at(trailer->buckets, trailer->flags & ART_BLOB_SUMS);
    if (trailer->flags & ART_BLOB_FILTER && trailer->filter < ART_LAST_PAGE_AT)
        end = (trailer->filter + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE;
    if (first < begin || first > end) first = begin;
    if (end < first) end = first;
    struct art_pages pages = art_pages_of(first, end - first);
    uint64_t from = (at + ART_BLOB_PAGE - 1) / ART_BLOB_PAGE, to = root < label ? 0 : (root - label) / ART_BLOB_PAGE;
    bool any = first <= from && from < to && to <= end;
    *summed = any ? art_pages_of((uint32_t)from, (uint32_t)(to - from)) : (struct art_pages){{0, 0}};
    for (unsigned i = 0; i < 2; i++) pages.bits[i] &= ~summed->bits[i];
    pages.bits[1] |= art_pages_of(LAST_PAGE, 1).bits[1];
    return pages;
}

static void take_trailer(struct art_blob *blob, const struct art_blob_trailer *trailer) {
    assert(trailer->leaf_pages + trailer->footer_pages <= ART_BLOB_PAGES && trailer->common <= ART_LABEL_MAX);
    blob->kind = trailer->kind;
    blob->height = trailer->height;
    blob->flags = trailer->flags;
    blob->label_len = trailer->common;
    blob->entries = trailer->entries;
    blob->buckets = trailer->buckets;
    blob->leaf_pages = trailer->leaf_pages;
    blob->footer_pages = trailer->footer_pages;
    blob->count = trailer->count;
    blob->generation = trailer->generation;
    blob->csn_min = trailer->csn_min;
    blob->csn_max = trailer->csn_max;
    blob->overflows = trailer->overflows;
    blob->key_max = trailer->key_max;
    blob->has = art_trailer_measures(trailer);
    blob->postings = (uint32_t)ART_POSTINGS_ALIGN * trailer->postings_at;
    blob->routing = trailer->routing;
    blob->root = trailer->root;
    blob->filter = trailer->filter;
    blob->filter_blocks = trailer->filter_blocks;
    blob->blocks = trailer->format >= ART_BLOB_FORMAT_BLOCKS;
    if (trailer->format == ART_BLOB_FORMAT_SYMBOLS)
        blob->symbols = (const struct art_symbols *)(const void *)(blob->image + (trailer->filter ? trailer->filter : (uint32_t)ART_TRAILER_AT) - sizeof(struct art_symbols));
    blob->head = art_blob_head_pages(blob->image, trailer->footer_pages, &blob->summed);
}

/* They are present, then. */
static enum art_rc verify_footer_pages(struct art_blob *blob, const struct art_pages *pages) {
    const struct art_blob_trailer *trailer = art_blob_trailer(blob->image);
    for (uint32_t page = ART_BLOB_PAGES - blob->footer_pages; page < LAST_PAGE; page++) {
        if (!art_pages_has(pages, page)) continue;
        if (art_hash64(blob->image + page * ART_BLOB_PAGE, ART_BLOB_PAGE) != trailer->page_hash[page])
            return art_corrupt(blob->file, blob->slot, page,
                               "the hash of a footer page is not that of the blob's trailer");
    }
    struct art_pages present = art_blob_present(blob);
    for (unsigned i = 0; i < 2; i++) atomic_init(&blob->present[i], present.bits[i] | pages->bits[i]);
    return ART_OK;
}

enum art_rc art_blob_open_head(struct art_blob *blob, const uint8_t *image, const struct art_ref *ref,
                               const uint8_t uuid[16], const char *file) {
    memset(blob, 0, sizeof *blob);
    blob->image = image;
    blob->slot = ref->slot;
    blob->file = file;
    enum art_rc rc = verify_trailer_page(blob, ref, uuid);
    if (rc) return rc;
    const struct art_blob_trailer *trailer = art_blob_trailer(image);
    const char *wrong = wrong_identity(trailer, ref, uuid);
    unsigned latest = art_codec() ? ART_BLOB_FORMAT_SYMBOLS : ART_BLOB_FORMAT_POSTINGS;
    if (!wrong && (trailer->format < ART_BLOB_FORMAT || trailer->format > latest)) {
        return art_fail(
            ART_CORRUPT,
            "art: a blob has format %u, this version reads %u (%s, slot %u): use the sqlite-art that made it",
            trailer->format, latest, file ? file : "the table", ref->slot);
    }
    if (!wrong) wrong = wrong_trailer(trailer);
    if (wrong) return footer_corrupt(blob, wrong);
    take_trailer(blob, trailer);
    rc = verify_footer_pages(blob, &blob->head);
    if (rc) return rc;
    wrong = wrong_directories(blob);
    if (!wrong) wrong = wrong_place_of_postings(blob);
    if (trailer->format == ART_BLOB_FORMAT) blob->postings = 0;
    if (!wrong && blob->has.columns) wrong = wrong_summary(blob, ref);
    blob->postings_there = !blob->postings;
    if (!wrong && !art_pages_count(&blob->summed, ART_BLOB_PAGES)) wrong = wrong_summed(blob);
    if (wrong) return footer_corrupt(blob, wrong);
    for (unsigned i = 0; blob->symbols && i < 256; i++) {
        if (blob->symbols->len[i] > 8) return footer_corrupt(blob, "a symbol is too long");
    }
    return art_routing_check(blob);
}

enum art_rc art_blob_open(struct art_blob *blob, const uint8_t *image, const struct art_ref *ref,
                          const uint8_t uuid[16], const char *file) {
    enum art_rc rc = art_blob_open_head(blob, image, ref, uuid, file);
    if (rc) return rc;
    struct art_pages pages = art_pages_of(ART_BLOB_PAGES - blob->footer_pages, blob->footer_pages);
    rc = verify_footer_pages(blob, &pages);
    const char *wrong = !rc && art_pages_count(&blob->summed, ART_BLOB_PAGES) ? wrong_summed(blob) : NULL;
    if (wrong) return footer_corrupt(blob, wrong);
    return rc ? rc : art_blob_want_postings(blob);
}

void art_blob_copy(const struct art_blob *blob, uint8_t *image, uint32_t slot, uint64_t generation,
                   struct art_ref *ref) {
    uint32_t leaves = blob->leaf_pages * ART_BLOB_PAGE, footer = ART_BLOB_BYTES - blob->footer_pages * ART_BLOB_PAGE;
    struct art_blob_trailer *trailer = (struct art_blob_trailer *)(void *)(image + ART_TRAILER_AT);
    struct art_ref now;
    assert(art_pages_are_present(blob, (struct art_pages[]){art_blob_pages_on_demand(blob)}));
    memcpy(image, blob->image, leaves);
    memcpy(image + footer, blob->image + footer, ART_BLOB_BYTES - footer);
    trailer->slot = slot;
    trailer->generation = generation;
    trailer->own_hash = art_blob_trailer_hash(image + ART_LAST_PAGE_AT);
    art_ref_of_trailer(image + ART_LAST_PAGE_AT, &now);
    ref->slot = slot;
    ref->generation = generation;
    ref->hash = now.hash;
}

bool art_blob_own_ref(const uint8_t *last_page, uint32_t slot, struct art_ref *out, uint8_t uuid[16]) {
    const struct art_blob_trailer *trailer = art_trailer_of_page(last_page);
    if (trailer->magic != ART_BLOB_MAGIC || trailer->slot != slot) return false;
    if (trailer->own_hash != art_blob_trailer_hash(last_page)) return false;
    if (!trailer->leaf_pages || trailer->leaf_pages > LAST_PAGE || !trailer->footer_pages ||
        trailer->footer_pages > ART_BLOB_PAGES - trailer->leaf_pages || trailer->height > ART_HEIGHT_MAX ||
        trailer->csn_max >> 56 || trailer->overflows > trailer->below) {
        return false;
    }
    memcpy(uuid, trailer->uuid, sizeof trailer->uuid);
    art_ref_of_trailer(last_page, out);
    return true;
}

void art_ref_of_trailer(const uint8_t *last_page, struct art_ref *out) {
    const struct art_blob_trailer *trailer = art_trailer_of_page(last_page);
    *out = (struct art_ref){
        .slot = trailer->slot,
        .height = trailer->height,
        .leaf_pages = (uint8_t)trailer->leaf_pages,
        .footer_pages = (uint8_t)trailer->footer_pages,
        .generation = trailer->generation,
        .hash = art_hash128(last_page, ART_BLOB_PAGE),
        .entries = trailer->below,
        .count = trailer->count,
        .csn_max = trailer->csn_max,
        .overflows = trailer->overflows,
        .key_max = trailer->key_max,
        .has = art_trailer_measures(trailer),
        .label = art_bytes(NULL, trailer->common),
    };
}

/* First bucket that ends behind byte `at`. */
static uint32_t bucket_at(const struct art_blob *blob, uint32_t at) {
    assert(at < blob->leaf_pages * ART_BLOB_PAGE);
    uint32_t low = 0, high = blob->buckets;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (art_bucket_end(blob, middle) <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum art_rc art_blob_verify_bytes(const struct art_blob *blob, uint32_t page, const uint8_t *bytes) {
    assert(page < blob->leaf_pages || (page >= ART_BLOB_PAGES - blob->footer_pages && page < LAST_PAGE));
    uint32_t from = page * ART_BLOB_PAGE, to = from + ART_BLOB_PAGE;
    if (art_hash64(bytes, ART_BLOB_PAGE) != art_blob_trailer(blob->image)->page_hash[page]) {
        return art_corrupt(blob->file, blob->slot, page, "the page's hash is not that of the blob's trailer");
    }
    if (page >= blob->leaf_pages) return ART_OK;
    for (uint32_t b = bucket_at(blob, from); b < blob->buckets && art_bucket_end(blob, b) <= to; b++) {
        uint32_t at = art_bucket_offset(blob, b);
        if (at < from) continue; /* crosses into this page: looked at when it is read */
        const char *wrong = art_bucket_insane(bytes + (at - from), art_bucket_end(blob, b) - at, blob,
                                              art_bucket_rank(blob, b + 1) - art_bucket_rank(blob, b));
        if (wrong) return art_corrupt(blob->file, blob->slot, page, "bucket %u: %s", b, wrong);
    }
    return ART_OK;
}

enum art_rc art_blob_verify_page(struct art_blob *blob, uint32_t page) {
    enum art_rc rc = art_blob_verify_bytes(blob, page, blob->image + (size_t)page * ART_BLOB_PAGE);
    if (rc) return rc;
    if (art_pages_has(&blob->summed, page)) { /* sane with the last of them */
        struct art_pages present = art_blob_present(blob), missing = blob->summed;
        for (unsigned i = 0; i < 2; i++) missing.bits[i] &= ~present.bits[i];
        const char *wrong = art_pages_count(&missing, ART_BLOB_PAGES) == 1 ? wrong_summed(blob) : NULL;
        if (wrong) return footer_corrupt(blob, wrong);
    }
    atomic_fetch_or_explicit(&blob->present[page >> 6], 1ull << (page & 63), memory_order_release);
    return ART_OK;
}
