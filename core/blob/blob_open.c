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
#include "core/base/format.h"
#include "core/blob/bucket.h"
#include "core/blob/filter.h"
#include "core/blob/postings.h"
#include "core/blob/routing.h"
#include "core/blob/symbols.h"
#include <assert.h>

enum { LAST_PAGE = ART_BLOB_PAGES - 1 };

static struct art_geometry geometry_of(const struct art_blob_trailer *trailer) {
    bool filter = trailer->flags & ART_BLOB_FILTER;
    return (struct art_geometry){
        .buckets = trailer->buckets,
        .label = trailer->common,
        .index = trailer->kind == ART_BLOB_INDEX,
        .weights = trailer->flags & ART_BLOB_SUMS,
        .symbols = trailer->incompatible & ART_BLOB_SYMBOLS,
        .has = ART_STORED_MEASURES(trailer),
        .filter_blocks = filter ? trailer->filter_blocks : 0,
        .bounds_at = trailer->routing,
        .filter_at = filter ? trailer->filter : 0,
        .postings_at = (uint32_t)ART_POSTINGS_ALIGN * trailer->postings_at,
    };
}

struct art_parts art_trailer_parts(const struct art_blob_trailer *trailer) {
    struct art_geometry geometry = geometry_of(trailer);
    struct art_parts at;
    art_parts_place(&geometry, &at);
    return at;
}

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
    if (trailer->kind != (ref->height ? ART_BLOB_INDEX : ART_BLOB_LEAF))
        return "it is of another kind or height than its reference";
#define COMPARE_FACT(fact, stored, says)                                                                               \
    if (trailer->stored != ref->fact) return says;
    ART_BLOB_FACTS(COMPARE_FACT)
    if (trailer->common != ref->label.len) return "its label has another length than that of its reference";
    if (!art_measures_equal(ART_STORED_MEASURES(trailer), ref->has)) return "its summary is not that of its reference";
    return NULL;
}

/* Blocks only the host can read. */
static enum art_rc check_known(const struct art_blob_trailer *trailer, uint32_t slot, const char *file) {
    uint32_t known = (uint32_t)ART_BLOB_SYMBOLS | (art_codec() ? ART_BLOB_BLOCKS : 0);
    return art_format_check(ART_CORRUPT, "a blob", file ? file : "the table", slot, trailer->format,
                            trailer->incompatible & ~known);
}

static const char *wrong_filter(const struct art_blob_trailer *trailer) {
    if (!(trailer->flags & ART_BLOB_FILTER))
        return trailer->filter || trailer->filter_blocks ? "a filter that is not there" : NULL;
    uint32_t begin = ART_BLOB_BYTES - trailer->footer_pages * ART_BLOB_PAGE;
    if (trailer->filter % ART_FILTER_BLOCK_BYTES || trailer->filter < begin || trailer->filter > ART_TRAILER_AT)
        return "the filter lies outside";
    uint32_t end = trailer->routing,
             most = trailer->filter > end ? 0 : (end - trailer->filter) / ART_FILTER_BLOCK_BYTES;
    if (!trailer->filter_blocks || trailer->filter_blocks > most) return "the filter leaves the footer";
    return NULL;
}

static const char *wrong_place_of_postings(const struct art_blob_trailer *trailer, const struct art_parts *at,
                                           uint32_t begin) {
    uint32_t fields = trailer->kind == ART_BLOB_LEAF ? art_measures_fields(ART_STORED_MEASURES(trailer)) : 0;
    const uint32_t *postings = at->begin + ART_PART_POSTINGS;
    if (!fields != !trailer->postings_at) return fields ? "postings that are not there" : "postings that nobody wants";
    return fields && (postings[0] < begin || postings[0] >= postings[1]) ? "the postings lie outside" : NULL;
}

/* The footer begins there. */
static const char *wrong_places(const struct art_blob_trailer *trailer, uint32_t begin) {
    struct art_parts at = art_trailer_parts(trailer);
    const uint32_t *nodes = at.begin + ART_PART_NODES;
    if (nodes[1] > ART_TRAILER_AT || nodes[0] >= nodes[1]) return "the routing part leaves the footer";
    const char *wrong = wrong_place_of_postings(trailer, &at, begin);
    if (wrong) return wrong;
    return art_parts_ascend(&at, begin) ? NULL : "the parts of the footer lie in one another";
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
    if (trailer->kind == ART_BLOB_INDEX && trailer->incompatible) return "an index with what only leaves have";
    if (trailer->csn_min > trailer->csn_max) return "a lowest version above its highest";
    if (trailer->kind == ART_BLOB_INDEX && !(trailer->flags & ART_BLOB_SUMS)) return "an index without sums";
    const struct art_measures has = ART_STORED_MEASURES(trailer);
    uint32_t begin = ART_BLOB_BYTES - footer * ART_BLOB_PAGE;
    if (trailer->common > ART_LABEL_MAX) return "the label is too long";
    if (!art_measures_are_sane(has)) return "an impossible summary";
    if (trailer->routing < begin || trailer->routing % 8 || trailer->routing >= ART_TRAILER_AT)
        return "the routing part lies outside";
    const char *wrong = wrong_filter(trailer);
    if (wrong) return wrong;
    return wrong_places(trailer, begin);
}

static enum art_rc wrong_zone(const struct art_blob *blob) {
    return footer_corrupt(blob, "a zone of unknown kinds, or with its bounds reversed");
}

/* ---- is a part sane? --------------------------------------------------------------------------------------------- */

static const char *wrong_offset(const struct art_blob *blob, uint32_t b) {
    uint32_t at = art_bucket_offset(blob, b), end = art_bucket_end(blob, b);
    uint32_t entries = art_bucket_rank(blob, b + 1) - art_bucket_rank(blob, b);
    if (end > blob->leaf_pages * ART_BLOB_PAGE || end < at + 24) return "bucket offsets do not ascend";
    bool crosses = at / ART_BLOB_PAGE != (end - 1) / ART_BLOB_PAGE;
    return entries > 1 && crosses ? "a bucket of several entries crosses pages" : NULL;
}

static enum art_rc check_offsets(const struct art_blob *blob, unsigned i) {
    const char *wrong = art_bucket_offset(blob, i) ? "the first bucket is not the first" : NULL;
    for (uint32_t b = 0; !wrong && b < blob->buckets; b++) wrong = wrong_offset(blob, b);
    return wrong ? footer_corrupt(blob, wrong) : ART_OK;
}

static enum art_rc check_ranks(const struct art_blob *blob, unsigned i) {
    if (art_bucket_rank(blob, i)) return footer_corrupt(blob, "the first bucket is not the first");
    if (art_bucket_rank(blob, blob->buckets) != blob->entries)
        return footer_corrupt(blob, "the rank directory does not end with the entries");
    if (art_bucket_sum(blob, blob->buckets) != blob->count)
        return footer_corrupt(blob, "the sum directory does not end with the count");
    for (uint32_t b = 0; b < blob->buckets; b++) {
        uint32_t rank = art_bucket_rank(blob, b), next = art_bucket_rank(blob, b + 1);
        if (next <= rank || next - rank > ART_BUCKET_ENTRIES) return footer_corrupt(blob, "ranks do not ascend");
    }
    return ART_OK;
}

static enum art_rc check_weights(const struct art_blob *blob, unsigned i) {
    if (art_bucket_sum(blob, i)) return footer_corrupt(blob, "the sum directory does not begin with nothing");
    for (uint32_t b = 0; blob->kind == ART_BLOB_LEAF && b < blob->buckets; b++) {
        uint64_t entries = art_bucket_rank(blob, b + 1) - art_bucket_rank(blob, b);
        uint64_t sum = (uint64_t)art_bucket_sum(blob, b + 1) - (uint64_t)art_bucket_sum(blob, b);
        if (sum + entries > 2 * entries)
            return footer_corrupt(blob, "a bucket's sum is larger than its number of entries");
    }
    return ART_OK;
}

static enum art_rc check_summed(const struct art_blob *blob, unsigned i) {
    struct art_summed all;
    return art_summed_decode(blob->has, art_blob_summed(blob) + i, &all) ? ART_OK : wrong_zone(blob);
}

static enum art_rc check_column_sums(const struct art_blob *blob, unsigned i) {
    struct art_summed all;
    art_summed_decode(blob->has, art_blob_summed(blob), &all);
    for (; i < blob->has.sums; i++) {
        if (art_bucket_summed(blob, i, 0) || art_bucket_summed(blob, i, blob->buckets) != all.sum[i])
            return footer_corrupt(blob, "the directory of a summed column does not end with its sum");
    }
    return ART_OK;
}

static enum art_rc check_zones(const struct art_blob *blob, unsigned i) {
    bool sane = true;
    for (uint32_t b = 0; b < blob->buckets; b++) {
        struct art_zone zone = art_bucket_zone(blob, i, b);
        sane &= art_zone_is_sane(&zone);
    }
    return sane ? ART_OK : wrong_zone(blob);
}

static enum art_rc check_routing(const struct art_blob *blob, unsigned i) {
    (void)i;
    return art_routing_check(blob);
}

static enum art_rc check_symbols(const struct art_blob *blob, unsigned i) {
    const char *wrong = art_wrong_symbols(blob->symbols + i);
    return wrong ? footer_corrupt(blob, wrong) : ART_OK;
}

/* Of one of several, or of the one, which is number 0. */
typedef enum art_rc part_check(const struct art_blob *blob, unsigned i);

/* Parts are sane with the last of their pages: of those of which some pages have just been verified, those that are
 * there now, from the trailer on. *done: a bit more for each. */
static enum art_rc check_arrived(const struct art_blob *blob, const struct art_pages *arrived, uint32_t *done) {
#define PART_CHECK(name, n, says, align, comes, chosen, bytes, check, put) ART_PART_ROWS_##n(check, ART_PART_##name)
    static const struct {
        part_check *check;
        unsigned first;
    } checks[ART_PARTS] = {ART_BLOB_PARTS(PART_CHECK)};
    struct art_pages present = art_blob_present(blob);
    enum art_rc rc = ART_OK;
    art_pages_join(&present, arrived);
    for (unsigned part = ART_PARTS; !rc && part--;) {
        struct art_pages pages = art_part_pages(&blob->at, part);
        bool any = (pages.bits[0] & arrived->bits[0]) | (pages.bits[1] & arrived->bits[1]);
        bool all = !((pages.bits[0] & ~present.bits[0]) | (pages.bits[1] & ~present.bits[1]));
        if (!any || !all) continue;
        if (checks[part].check) rc = checks[part].check(blob, part - checks[part].first);
        *done |= 1u << part;
    }
    return rc;
}

/* Called once the pages of these parts are present, so that who sees the bit may read them. */
static void note_parts(struct art_blob *blob, uint32_t done) {
    atomic_fetch_or_explicit(&blob->parts_there, done, memory_order_release);
}

/* What an unverified trailer says is kept within the footer. */
struct art_pages art_blob_head_pages(const uint8_t *image, uint32_t footer_pages) {
    const struct art_blob_trailer *trailer = art_blob_trailer(image);
    struct art_parts at = art_trailer_parts(trailer);
    struct art_pages pages = art_pages_of(LAST_PAGE, 1);
    if (!art_parts_ascend(&at, ART_BLOB_BYTES - footer_pages * ART_BLOB_PAGE)) return pages; /* it is refused */
    for (unsigned part = 0; part < ART_PARTS; part++) {
        struct art_pages more = art_part_pages(&at, part);
        if (art_part_is_in_head(part, trailer->kind == ART_BLOB_INDEX)) art_pages_join(&pages, &more);
    }
    return pages;
}

static void take_trailer(struct art_blob *blob, const struct art_blob_trailer *trailer) {
    assert(trailer->leaf_pages + trailer->footer_pages <= ART_BLOB_PAGES && trailer->common <= ART_LABEL_MAX);
    blob->kind = trailer->kind;
    blob->flags = trailer->flags;
    blob->label_len = trailer->common;
    blob->entries = trailer->entries;
    blob->buckets = trailer->buckets;
    blob->csn_min = trailer->csn_min;
#define TAKE_FACT(fact, stored, ...) blob->stored = trailer->stored;
    ART_BLOB_FACTS(TAKE_FACT)
    blob->has = ART_STORED_MEASURES(trailer);
    blob->at = art_trailer_parts(trailer);
    blob->postings = trailer->postings_at;
    blob->filter_blocks = trailer->filter_blocks;
    blob->blocks = trailer->incompatible & ART_BLOB_BLOCKS;
    blob->unit_shift = (uint8_t)art_unit_shift(trailer->buckets);
    blob->units = ((trailer->buckets - 1) >> blob->unit_shift) + 1;
    bool symbols = trailer->incompatible & ART_BLOB_SYMBOLS;
    _Static_assert(sizeof(struct art_symbols) % 8 == 0,
                   "the directories stand at a multiple of 8, and so do the symbols");
    blob->symbols = symbols ? (const struct art_symbols *)(const void *)art_blob_part(blob, ART_PART_SYMBOLS) : NULL;
    blob->way = 1u << ART_PART_NODES | (symbols ? 1u << ART_PART_SYMBOLS : 0);
    blob->head = art_blob_head_pages(blob->image, trailer->footer_pages);
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
    if (!wrong) rc = check_known(trailer, ref->slot, file);
    if (rc) return rc;
    if (!wrong) wrong = wrong_trailer(trailer);
    if (wrong) return footer_corrupt(blob, wrong);
    take_trailer(blob, trailer);
    rc = verify_footer_pages(blob, &blob->head);
    uint32_t done = 0;
    if (!rc) rc = check_arrived(blob, &blob->head, &done);
    if (rc) return rc;
    blob->postings_there = !blob->postings;
    note_parts(blob, done);
    return art_blob_is_as_said(blob, ref) ? ART_OK
                                          : footer_corrupt(blob, "its sums and zones are not those of its reference");
}

enum art_rc art_blob_open(struct art_blob *blob, const uint8_t *image, const struct art_ref *ref,
                          const uint8_t uuid[16], const char *file) {
    enum art_rc rc = art_blob_open_head(blob, image, ref, uuid, file);
    if (rc) return rc;
    struct art_pages pages = art_pages_of(ART_BLOB_PAGES - blob->footer_pages, blob->footer_pages);
    for (unsigned i = 0; i < 2; i++) pages.bits[i] &= ~blob->head.bits[i];
    rc = verify_footer_pages(blob, &pages);
    uint32_t done = 0;
    if (!rc) rc = check_arrived(blob, &pages, &done);
    if (!rc) note_parts(blob, done);
    return rc ? rc : art_blob_want_postings(blob);
}

enum art_rc art_blob_load_part(struct art_blob *blob, unsigned part) {
    assert(part < ART_PARTS);
    struct art_pages pages = art_part_pages(&blob->at, part);
    enum art_rc rc = art_blob_want_pages(blob, &pages);
    if (!rc) note_parts(blob, 1u << part);
    return rc;
}

enum art_rc art_blob_want_with_symbols(struct art_blob *blob, struct art_pages pages) {
    struct art_pages symbols = art_part_pages(&blob->at, ART_PART_SYMBOLS);
    art_pages_join(&pages, &symbols);
    enum art_rc rc = art_blob_want_pages(blob, &pages);
    if (!rc && !art_blob_has_part(blob, ART_PART_SYMBOLS)) note_parts(blob, 1u << ART_PART_SYMBOLS);
    return rc;
}

enum art_rc art_blob_load_way(struct art_blob *blob) {
    enum art_rc rc = art_blob_want_with_symbols(blob, art_part_pages(&blob->at, ART_PART_NODES));
    if (!rc) note_parts(blob, blob->way);
    return rc;
}

enum art_rc art_blob_want_zones(struct art_blob *blob, const struct art_limits *limits) {
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < limits->count; i++)
        rc = art_blob_want_part(blob, ART_PART_ZONES + limits->limit[i].column);
    return rc;
}

enum art_rc art_blob_want_routing(struct art_blob *blob) {
    struct art_pages pages = {{0, 0}};
    for (unsigned part = ART_PART_BOUNDS; part < ART_PARTS; part++) {
        struct art_pages more = art_part_pages(&blob->at, part);
        art_pages_join(&pages, &more);
    }
    for (unsigned i = 0; i < 2; i++) pages.bits[i] &= ~blob->head.bits[i];
    return art_blob_want_pages(blob, &pages);
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
    *out = (struct art_ref){.hash = art_hash128(last_page, ART_BLOB_PAGE),
                            .has = ART_STORED_MEASURES(trailer),
                            .label = art_bytes(NULL, trailer->common)};
#define GIVE_FACT(fact, stored, ...) out->fact = (__typeof__(out->fact))trailer->stored;
    ART_BLOB_FACTS(GIVE_FACT)
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

static enum art_rc check_buckets(const struct art_blob *blob, uint32_t page, const uint8_t *bytes) {
    uint32_t from = page * ART_BLOB_PAGE, to = from + ART_BLOB_PAGE;
    for (uint32_t b = bucket_at(blob, from); b < blob->buckets && art_bucket_end(blob, b) <= to; b++) {
        uint32_t at = art_bucket_offset(blob, b);
        if (at < from) continue; /* crosses into this page: looked at when it is read */
        const char *wrong = art_bucket_insane(bytes + (at - from), art_bucket_end(blob, b) - at, blob,
                                              art_bucket_rank(blob, b + 1) - art_bucket_rank(blob, b));
        if (wrong) return art_corrupt(blob->file, blob->slot, page, "bucket %u: %s", b, wrong);
    }
    return ART_OK;
}

enum art_rc art_blob_verify_bytes(const struct art_blob *blob, uint32_t page, const uint8_t *bytes) {
    assert(page < blob->leaf_pages || (page >= ART_BLOB_PAGES - blob->footer_pages && page < LAST_PAGE));
    if (art_hash64(bytes, ART_BLOB_PAGE) != art_blob_trailer(blob->image)->page_hash[page]) {
        return art_corrupt(blob->file, blob->slot, page, "the page's hash is not that of the blob's trailer");
    }
    return page < blob->leaf_pages ? check_buckets(blob, page, bytes) : ART_OK;
}

static void note_present(struct art_blob *blob, uint32_t page) {
    atomic_fetch_or_explicit(&blob->present[page >> 6], 1ull << (page & 63), memory_order_release);
}

enum art_rc art_blob_take_leaf(struct art_blob *blob, uint32_t page) {
    assert(page < blob->leaf_pages);
    enum art_rc rc = check_buckets(blob, page, blob->image + (size_t)page * ART_BLOB_PAGE);
    if (!rc) note_present(blob, page);
    return rc;
}

enum art_rc art_blob_verify_page(struct art_blob *blob, uint32_t page) {
    enum art_rc rc = art_blob_verify_bytes(blob, page, blob->image + (size_t)page * ART_BLOB_PAGE);
    if (rc) return rc;
    uint32_t done = 0;
    if (page >= blob->leaf_pages) rc = check_arrived(blob, (struct art_pages[]){art_pages_of(page, 1)}, &done);
    if (rc) return rc;
    note_present(blob, page);
    if (done) note_parts(blob, done);
    return ART_OK;
}
