/* The derived part of a blob, as it is made: directories, routing nodes and filter, from the list of the buckets with
 * their separators and the hashes of the keys. Used by the builder, and by art_blob_check_expected(), which notes the
 * buckets again as their entries are, and compares what follows from that.
 *
 * Separators are kept whole, one behind the other; `label_len` bytes of each are left out when the nodes are written.
 */
#ifndef ART_BLOB_FOOTER_H
#define ART_BLOB_FOOTER_H

#include "core/blob/postings.h"

struct art_node_span;

/* A row that shadows nothing. A bucket that begins with one has no others, and may have a block, and coded suffixes, if
 * the builder makes any. Chunks are no rows, which no codec makes smaller. */
static inline bool art_is_first_put(uint8_t flags) {
    return !(flags & ~ART_OVERFLOW);
}

struct art_footer {
    uint32_t buckets;
    uint32_t *offset;          /* [buckets] in the slot */
    uint32_t *rank;            /* [buckets + 1] */
    int64_t *sum;              /* [buckets + 1] */
    struct art_bounds *bounds; /* [buckets], csn_max exact */
    struct art_measures has;   /* the summary; set before the first bucket */
    art_int128 *summed;        /* [buckets + 1][has.sums] before each bucket */
    struct art_zone *zones;    /* [buckets][has.columns] */
    uint32_t *separator_at;    /* [buckets + 1] */
    uint8_t *separators;
    bool sums;            /* the sum directory is needed */
    uint32_t nodes_bound; /* never less than the nodes would take */
    uint64_t *hashes;     /* of keys, for the filter; may run ahead of the buckets */
    uint32_t hash_count;
    struct art_postings postings;
    const struct art_symbols *symbols; /* NULL: none */
    enum art_blob_kind kind;           /* set before the first bucket */
    /* (private) */
    uint32_t bucket_capacity, separator_capacity, hash_capacity, span_capacity, scratch_capacity;
    struct art_node_span *spans;
    uint8_t *scratch;
};

/* Frees all it has, and leaves zeros, of which it is made. */
void art_footer_clear(struct art_footer *footer);

/* Back to no buckets; hashes beyond the first `used_hashes` move to the front. */
void art_footer_reset(struct art_footer *footer, uint32_t used_hashes);

/* Room for so many more buckets, separator bytes and hashes, so that the functions below cannot fail. ART_NOMEM. */
enum art_rc art_footer_reserve(struct art_footer *footer, uint32_t buckets, uint32_t separator_bytes, uint32_t hashes);

/* That of a bucket, padded as a key is; borrowed until more are pushed. */
struct art_bytes art_footer_separator(const struct art_footer *footer, uint32_t bucket);

/* Bytes of nodes that a bucket with this separator, the next one, would bring at most. */
uint32_t art_footer_node_cost(const struct art_footer *footer, struct art_bytes separator);
/* Room must have been reserved. The first bucket's separator is empty. `summed`: of the bucket; NULL without a
 * summary. */
void art_footer_push(struct art_footer *footer, struct art_bytes separator, uint32_t offset, uint32_t entries,
                     int64_t sum, const struct art_bounds *bounds, const struct art_summed *summed);
/* What this bucket, the last one, has after all. With a summary. */
void art_footer_note_summed(struct art_footer *footer, uint32_t bucket, const struct art_summed *summed);
/* Replaces `nodes_bound` by what the nodes take. ART_NOMEM; ART_TOOBIG (no message): by more than that. */
enum art_rc art_footer_measure(struct art_footer *footer);

/* Where things lie in a footer with what it has, with so many keys in its filter (0: none); without nodes, postings and
 * label. */
struct art_geometry art_footer_geometry(const struct art_footer *footer, uint32_t filter_keys);
/* Sums and zones of all buckets; zeros without a summary. */
void art_footer_summed(const struct art_footer *footer, struct art_summed *out);

struct art_footer_layout {
    struct art_parts at;
    uint32_t filter_blocks, footer_pages;
    bool postings;
    uint8_t flags;
};
/* `label`: what all keys begin with; `csn_min`: of all entries.
 * Writes postings, routing part and filter (over the first `filter_keys` hashes) into the last pages of the image,
 * `room_pages` at most, and zeroes between them down to the footer's first page. The trailer is the caller's.
 * ART_NOMEM; ART_TOOBIG (no message) when it takes more pages, or more than was foretold: nothing was written then. A
 * builder that has asked for the room beforehand never sees that. */
enum art_rc art_footer_write(struct art_footer *footer, struct art_bytes label, uint64_t csn_min, uint32_t filter_keys,
                             uint32_t room_pages, uint8_t *image, struct art_footer_layout *out);

/* The first part of the blob, all of whose pages are present, that follows from the buckets as they were noted and is
 * another: ART_PARTS, if none is; `byte`: where in the image. `scratch` has ART_BLOB_BYTES. */
unsigned art_footer_differs(const struct art_footer *footer, struct art_bytes label, uint64_t csn_min,
                            const struct art_blob *blob, uint8_t *scratch, uint32_t *byte);

#endif
