#include "core/blob/lookups.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/blob/footer.h"

void art_lookups_clear(struct art_lookups *lookups) {
    for (unsigned i = 0; i < ART_SUMMARY_MAX; i++) art_free(lookups->postings[i]);
    art_free(lookups->scratch);
    memset(lookups, 0, sizeof *lookups);
}

void art_lookups_reset(struct art_lookups *lookups) {
    memset(lookups->count, 0, sizeof lookups->count);
}

void art_bucket_hashes_clear(struct art_bucket_hashes *bucket, uint8_t columns) {
    memset(bucket->count, 0, sizeof bucket->count);
    for (unsigned i = 0; columns >> i; i++) {
        if (columns >> i & 1) memset(bucket->column[i].place, 0, sizeof bucket->column[i].place);
    }
}

static void add_once(struct art_bucket_hashes *bucket, unsigned column, uint32_t hash) {
    enum { PLACES = 2 * ART_BUCKET_HASHES };
    const uint32_t *known = bucket->column[column].hash;
    uint16_t *place = bucket->column[column].place;
    uint32_t at = hash % PLACES;
    while (place[at] && known[place[at] - 1] != hash) at = (at + 1) % PLACES;
    if (place[at]) return;
    assert(bucket->count[column] < ART_BUCKET_HASHES);
    bucket->column[column].hash[bucket->count[column]++] = hash;
    place[at] = (uint16_t)bucket->count[column];
}

void art_bucket_hashes_add(struct art_bucket_hashes *bucket, uint8_t columns, const struct art_hashes *hashes) {
    for (unsigned i = 0; columns >> i; i++) {
        for (unsigned k = 0; columns >> i & 1 && k < hashes->count[i]; k++) add_once(bucket, i, hashes->hash[i][k]);
    }
}

/* --- making them -------------------------------------------------------------------------------------------------- */

enum art_rc art_lookups_reserve(struct art_lookups *lookups, const struct art_bucket_hashes *bucket) {
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && lookups->columns >> i; i++) {
        if (!(lookups->columns >> i & 1)) continue;
        rc = art_grow(&lookups->postings[i], &lookups->room[i], lookups->count[i] + bucket->count[i],
                      sizeof *lookups->postings[i]);
    }
    return rc;
}

void art_lookups_push(struct art_lookups *lookups, const struct art_bucket_hashes *bucket, uint32_t page) {
    for (unsigned i = 0; lookups->columns >> i; i++) {
        if (!(lookups->columns >> i & 1)) continue;
        assert(lookups->count[i] + bucket->count[i] <= lookups->room[i]);
        for (uint32_t k = 0; k < bucket->count[i]; k++)
            lookups->postings[i][lookups->count[i]++] = (struct art_posting){bucket->column[i].hash[k], page};
    }
}

static uint32_t groups_of(uint32_t postings) {
    return (postings + ART_GROUP_POSTINGS - 1) / ART_GROUP_POSTINGS;
}

uint32_t art_lookups_bytes(const struct art_lookups *lookups, const struct art_bucket_hashes *more) {
    uint32_t bytes = 0;
    for (unsigned i = 0; lookups->columns >> i; i++) {
        if (!(lookups->columns >> i & 1)) continue;
        uint32_t count = lookups->count[i] + (more ? more->count[i] : 0);
        if (count > ART_POSTINGS_MAX) return UINT32_MAX;
        bytes += 2 * 2 + 2 * (groups_of(count) + 1) + 2 * count;
    }
    return bytes;
}

static uint32_t group_of(uint32_t hash, uint32_t groups) {
    return (uint32_t)((uint64_t)hash * groups >> 32);
}

static uint16_t posting_of(uint32_t hash, uint32_t page) {
    return (uint16_t)(hash << ART_PAGE_BITS | page);
}

/* Into its place among the group's, which stand before `end`; false: it is there. */
static bool insert_posting(uint16_t *posting, uint32_t begin, uint32_t end, uint16_t wanted) {
    uint32_t at = end;
    while (at > begin && posting[at - 1] > wanted) at--;
    if (at > begin && posting[at - 1] == wanted) return false;
    memmove(posting + at + 1, posting + at, (end - at) * sizeof *posting);
    posting[at] = wanted;
    return true;
}

/* Postings in the order of their groups: `place` says where each group's begin, and then where they end. */
static void order_postings(const struct art_posting *from, uint32_t count, uint32_t groups, uint16_t *place,
                           uint16_t *posting) {
    memset(place, 0, (groups + 1) * sizeof *place);
    for (uint32_t i = 0; i < count; i++) place[group_of(from[i].hash, groups) + 1]++;
    for (uint32_t g = 0; g < groups; g++) place[g + 1] = (uint16_t)(place[g + 1] + place[g]);
    for (uint32_t i = 0; i < count; i++)
        posting[place[group_of(from[i].hash, groups)]++] = posting_of(from[i].hash, from[i].page);
}

/* One column: returns the number of postings that remain. */
static uint32_t write_column(const struct art_lookups *lookups, unsigned column, uint8_t *out) {
    uint32_t count = lookups->count[column], groups = groups_of(count), used = 0;
    uint16_t *place = lookups->scratch, *posting = place + groups + 1;
    if (groups) order_postings(lookups->postings[column], count, groups, place, posting);
    art_store16(out, 0);
    for (uint32_t g = 0, from = 0; g < groups; g++) {
        uint32_t begin = used;
        for (; from < place[g]; from++) used += insert_posting(posting, begin, used, posting[from]);
        art_store16(out + 2 * (g + 1), used);
    }
    for (uint32_t i = 0; i < used; i++) art_store16(out + 2 * (groups + 1 + i), posting[i]);
    return used;
}

enum art_rc art_lookups_write(struct art_lookups *lookups, uint8_t *out, uint32_t *bytes) {
    const uint8_t *start = out;
    uint8_t *head = out;
    for (unsigned i = 0; lookups->columns >> i; i++) out += lookups->columns >> i & 1 ? 4 : 0;
    for (unsigned i = 0; lookups->columns >> i; i++) {
        if (!(lookups->columns >> i & 1)) continue;
        uint32_t count = lookups->count[i], groups = groups_of(count);
        assert(count <= ART_POSTINGS_MAX);
        enum art_rc rc = art_grow(&lookups->scratch, &lookups->scratch_room, groups + 1 + count, sizeof(uint16_t));
        if (rc) return rc;
        uint32_t used = write_column(lookups, i, out);
        art_store16(head, groups);
        art_store16(head + 2, used);
        head += 4;
        out += 2 * (groups + 1 + used);
    }
    *bytes = (uint32_t)(out - start);
    return ART_OK;
}

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

static uint32_t count_bits(uint8_t columns) {
    return (uint32_t)__builtin_popcount(columns);
}

uint32_t art_lookups_measure(const uint8_t *at, uint32_t room, uint8_t columns) {
    uint32_t n = count_bits(columns), bytes = 4 * n;
    if (bytes > room) return 0;
    for (uint32_t i = 0; i < n; i++) {
        bytes += 2 * (art_load16(at + 4 * i) + 1 + art_load16(at + 4 * i + 2));
        if (bytes > room) return 0;
    }
    return bytes;
}

/* One column's part. */
struct lookup_part {
    const uint8_t *begin, *posting;
    uint32_t groups, postings;
};

static struct lookup_part find_part(const struct art_blob *blob, unsigned column) {
    const uint8_t *head = blob->image + blob->lookups, *begin = head + 4 * count_bits(blob->has.lookups);
    assert(blob->has.lookups >> column & 1);
    for (unsigned i = 0; i < column; i++) {
        if (!(blob->has.lookups >> i & 1)) continue;
        begin += 2 * (art_load16(head) + 1 + art_load16(head + 2));
        head += 4;
    }
    uint32_t groups = art_load16(head);
    return (struct lookup_part){begin, begin + 2 * (groups + 1), groups, art_load16(head + 2)};
}

static void add_pages(const struct lookup_part *part, uint32_t hash, struct art_pages *out) {
    uint32_t group = group_of(hash, part->groups);
    uint32_t from = art_load16(part->begin + 2 * group), to = art_load16(part->begin + 2 * group + 2);
    if (from > to || to > part->postings) { /* forged: any page */
        out->bits[0] = out->bits[1] = UINT64_MAX;
        return;
    }
    uint32_t print = posting_of(hash, 0) >> ART_PAGE_BITS;
    for (; from < to; from++) {
        uint32_t met = art_load16(part->posting + 2 * from), page = met & (ART_BLOB_PAGES - 1);
        if (met >> ART_PAGE_BITS == print) out->bits[page >> 6] |= 1ull << (page & 63);
    }
}

static struct art_pages pages_by_column(const struct art_blob *blob, const struct art_sought *sought) {
    struct lookup_part part = find_part(blob, sought->column);
    struct art_pages pages = {{0, 0}};
    for (uint32_t i = 0; part.groups && i < sought->count; i++) add_pages(&part, sought->hash[i], &pages);
    return pages;
}

struct art_pages art_blob_pages_sought(const struct art_blob *blob, const struct art_limits *limits) {
    struct art_pages all = {{UINT64_MAX, UINT64_MAX}};
    for (unsigned i = 0; blob->lookups && i < limits->sought_count; i++) {
        struct art_pages pages = pages_by_column(blob, &limits->sought[i]);
        all.bits[0] &= pages.bits[0];
        all.bits[1] &= pages.bits[1];
    }
    return all;
}

/* Of each blob three places are read that depend on each other, and none is in the processor's cache. So each is asked
 * for in all blobs before the next is read in any. */
static void fetch_ahead(const struct art_blob *const *blobs, uint32_t count, const struct art_sought *sought) {
    for (uint32_t i = 0; i < count; i++) __builtin_prefetch(blobs[i]->image + blobs[i]->lookups);
    for (unsigned step = 0; step < 2; step++) {
        for (uint32_t i = 0; i < count; i++) {
            if (!blobs[i]->lookups) continue;
            struct lookup_part part = find_part(blobs[i], sought->column);
            uint32_t group = group_of(sought->hash[0], part.groups);
            const uint8_t *begin = part.begin + 2 * group;
            __builtin_prefetch(step && part.groups ? part.posting + 2 * art_load16(begin) : begin);
        }
    }
}

uint32_t art_blobs_first_sought(const struct art_blob *const *blobs, uint32_t count, const struct art_limits *limits) {
    uint32_t first = 0;
    if (count > 1) fetch_ahead(blobs, count, &limits->sought[0]);
    for (; first < count; first++) {
        struct art_pages pages = art_blob_pages_sought(blobs[first], limits);
        if (pages.bits[0] | pages.bits[1]) break;
    }
    return first;
}
