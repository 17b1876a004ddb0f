/* Lookups: in which pages of a leaf blob a row may have a value.
 *
 *   lookups        u16 groups, u16 postings        for each column with a lookup
 *                  u16 begin[groups + 1]           then for each of them: where a group's postings begin
 *                  u16 posting[postings]           ascending within a group: page | ART_PRINT_BITS of a hash above it
 *
 * A value's hash chooses the group by its upper bits and is recognised by its lower ones. A group has six postings on
 * average, so a value that is not in the blob leads to a page in about one blob of ninety. An entry takes 2.3 bytes.
 * Values of one page that are alike have one posting.
 */
#ifndef ART_BLOB_LOOKUPS_H
#define ART_BLOB_LOOKUPS_H

#include "core/blob/blob_format.h"

enum {
    ART_PAGE_BITS = 7,
    ART_PRINT_BITS = 9,
    ART_GROUP_POSTINGS = 6,
    ART_LOOKUPS_ALIGN = 8,
    ART_BUCKET_HASHES = 2 * ART_BUCKET_MAX, /* of a column at most */
    ART_POSTINGS_MAX = UINT16_MAX           /* of a column in a blob, which is full with so many */
};
_Static_assert(1 << ART_PAGE_BITS == ART_BLOB_PAGES, "a posting names any page");

struct art_posting {
    uint32_t hash;
    uint32_t page;
};

/* As they are made: what the buckets of a blob have brought. */
struct art_lookups {
    uint8_t columns; /* a bit for each */
    uint32_t count[ART_SUMMARY_MAX], room[ART_SUMMARY_MAX];
    struct art_posting *postings[ART_SUMMARY_MAX];
    uint16_t *scratch;
    uint32_t scratch_room;
};

void art_lookups_clear(struct art_lookups *lookups);
void art_lookups_reset(struct art_lookups *lookups);

/* The values of one bucket: each hash once. */
struct art_bucket_hashes {
    uint32_t count[ART_SUMMARY_MAX];
    struct {
        uint32_t hash[ART_BUCKET_HASHES];
        uint16_t place[2 * ART_BUCKET_HASHES]; /* by hash: one more than its number; 0: none. Open addressing */
    } column[ART_SUMMARY_MAX];
};
void art_bucket_hashes_clear(struct art_bucket_hashes *bucket, uint8_t columns);
void art_bucket_hashes_add(struct art_bucket_hashes *bucket, uint8_t columns, const struct art_hashes *hashes);

/* Room for one more bucket's. ART_NOMEM. */
enum art_rc art_lookups_reserve(struct art_lookups *lookups, const struct art_bucket_hashes *bucket);
/* Room must have been reserved. */
void art_lookups_push(struct art_lookups *lookups, const struct art_bucket_hashes *bucket, uint32_t page);
/* Bytes that they take at most, with those of one more bucket (or NULL). UINT32_MAX: too many postings. */
uint32_t art_lookups_bytes(const struct art_lookups *lookups, const struct art_bucket_hashes *more);
/* Writes them, sorted; *bytes: how many. Postings are gone then. ART_NOMEM. */
enum art_rc art_lookups_write(struct art_lookups *lookups, uint8_t *out, uint32_t *bytes);

/* --- of a blob ---------------------------------------------------------------------------------------------------- */

/* Bytes of the lookups at `at`, for so many columns; 0: they leave the `room`. */
uint32_t art_lookups_measure(const uint8_t *at, uint32_t room, uint8_t columns);
/* Those of an open blob that has some, as bytes. */
static inline struct art_bytes art_blob_lookups(const struct art_blob *blob) {
    const uint8_t *at = blob->image + blob->lookups;
    return art_bytes(at, art_lookups_measure(at, blob->routing - blob->lookups, blob->has.lookups));
}

#endif
