/* The bytes of a blob. Integers are little-endian; nothing is aligned except where said.
 *
 *   page 0 .. leaf_pages-1      buckets, each at a multiple of 8
 *   (hole)                      nothing of the blob (core/store/writing.c may write zeros there, or look for them)
 *   last footer_pages pages     [zeros][postings][zeros][filter][zeros][routing part][trailer]
 *                               The trailer ends with the slot. An index blob has no postings and no filter
 *
 *   routing part: what a point needs lies nearest to the trailer
 *       bounds     u32 newest[buckets]       the newest csn in each bucket, counted from csn_min on; UINT32_MAX: that
 *                                            or any newer one
 *                  u16 longest[buckets]      bytes of the longest key in each bucket
 *                  u8  overflows[buckets]    entries with ART_OVERFLOW; in an index blob: children with such entries
 *       zones     (low[buckets], high[buckets], u8 kinds[buckets])    for each column of the summary, 8 + 8 + 1
 *       sums      (i128 summed[buckets + 1])    for each sum of the summary: before bucket b
 *       nodes                                an ART over the buckets' separators, breadth first, root first; up to 7
 *                                            bytes of zeros behind it
 *      (symbols)                             with ART_BLOB_SYMBOLS: struct art_symbols, in place (symbols.h)
 *       directories u16 offset[buckets]      of each bucket, in units of 8 bytes
 *                  u32 rank[buckets + 1]     entries before bucket b
 *                  i64 sum[buckets + 1]      weights before bucket b; only with ART_BLOB_SUMS, else sum = rank
 *                 (summed)                   of the whole blob, as in a reference (core/base/summary.h)
 *                 (heads)                   of each field of the postings: u16 groups, u16 words, u8 any[], as there
 *                  label                     the bytes that all keys of the blob begin with, as they are stored; up to
 *                                            7 bytes of zeros
 *
 *   node           u8  flags | path length << 4         length 15: a u16 with the true length stands before the path
 *                  u8  children - 1                     absent in a tail
 *                 (u16 path length)
 *                  path
 *                  u8  key[children], ascending         or, with MAP, 32 bytes with a bit for each key
 *                  u8 or u16 bucket[children]           first bucket below each child; u8 (SMALL) from the node's
 *                  u16 or u32 ref[children]             from the root node; 0: one bucket, nothing left to compare
 *
 *   Separators are stored without the label. The separator of bucket b > 0 is its first key, cut one byte after what
 *   it shares with the last key of bucket b-1; that of bucket 0 is empty. A separator that ends in a node (VALUE)
 *   belongs to the node's first bucket.
 *
 *   bucket         struct art_bucket_header
 *                  u8  first_byte[n]        the first byte of each key that its predecessor does not share
 *                  uW  shared[n]            bytes shared with the predecessor, behind the bucket's prefix
 *                  uW  suffix_len[n]        bytes behind the first byte; W is 8, or 16 with ART_BUCKET_WIDE
 *                 (u8  flags[n])            with ART_BUCKET_FLAGS
 *                 (uC  csn[n])              minus the base; C from the form, 0: all equal the base
 *                 (u16 value_end[n])        with ART_BUCKET_LENGTHS, else all values are value_len long
 *                  prefix, suffixes, values
 *
 *   With ART_BUCKET_BLOCK one block of value_len bytes stands in the place of the values: the same values as the host's
 *   codec keeps them together (core/base/codec.h). Only in a leaf blob, which then has ART_BLOB_BLOCKS; the entries
 *   are puts that shadow nothing, and there are no LENGTHS.
 *
 *   With ART_BUCKET_CODED suffixes are written as codes of the blob's symbols, each by itself, and suffix_len and
 *   suffix_size count codes. All else is plain: prefix, first_byte, shared, and what is derived of keys. Only in a leaf
 *   blob with ART_BLOB_SYMBOLS, and of two entries at least.
 *
 *   key i = prefix . (first shared[i] bytes of key i-1 behind the prefix) . first_byte[i] . suffix i
 *   Entry 0 shares nothing, and with ART_BUCKET_PREFIX_ENTRY it is the prefix itself.
 *
 *   A bucket of two or more entries lies in one page. A bucket knows nothing of its blob but the symbols, nor of its
 *   page or number. The last byte of bucket b lies in the page of the byte before offset[b + 1].
 *
 *   filter         blocks of 64 bytes at a multiple of 64, see filter.h
 *
 *   postings       of a leaf blob with lookups or searches, at a multiple of 8, see postings.h
 *
 *   In an index blob newest and longest are those of what lies below (csn_max, key_max of its children); csn_min is 0.
 *
 * What is derived follows from the entries and from where buckets begin, to the byte, but for what parts.h calls the
 * writer's choice. art_blob_check_expected() holds a blob to both.
 */
#ifndef ART_BLOB_FORMAT_H
#define ART_BLOB_FORMAT_H

#include <assert.h>
#include <stddef.h>

#include "core/blob/blob.h"

enum {
    ART_BLOB_MAGIC = 0x42545241, /* "ARTB" */
    ART_BUCKET_ALIGN = 8,
    ART_BUCKET_ENTRIES = ART_BLOCK_ROWS_MAX,
    ART_PAGE_LOSS_BYTES = 384, /* bytes of a page given up rather than let a bucket cross into the next page */
    ART_NODE_MAP_BYTES = 32,   /* nodes with more children than this keep their keys in a bit map of this size */
    ART_NODE_PATH_SHORT = 15,  /* path lengths from here on are stored as u16 */
    ART_FILTER_BLOCK_BYTES = 64,
    ART_HEIGHT_MAX = 24
};

enum art_blob_flags {
    ART_BLOB_WIDE = 1, /* node references are u32 */
    ART_BLOB_SUMS = 2, /* the sum directory is present */
    ART_BLOB_FILTER = 4,
    ART_BLOB_FLAGS = 7
};

/* What is in the blob that not every reader can read (core/base/format.h). Only in leaf blobs. */
enum art_blob_incompatible {
    ART_BLOB_BLOCKS = 1, /* some bucket has a block */
    ART_BLOB_SYMBOLS = 2 /* some bucket is coded */
};

enum art_node_flags {
    ART_NODE_VALUE = 1, /* a separator ends here: the node's first bucket */
    ART_NODE_MAP = 2,
    ART_NODE_TAIL = 4, /* no children: the path is the rest of one separator */
    ART_NODE_SMALL = 8
};

enum art_bucket_form {
    ART_BUCKET_WIDE = 1,
    ART_BUCKET_LENGTHS = 2,
    ART_BUCKET_FLAGS = 4,
    ART_BUCKET_PREFIX_ENTRY = 8,
    ART_BUCKET_CSN_SHIFT = 4, /* bits 4..6: 0, 1, 2, 3, 4 for 0, 1, 2, 4, 8 bytes of csn an entry */
    ART_BUCKET_BLOCK = 128,
    ART_BUCKET_CODED = 0x8000 /* the form has no bit left: the highest of value_len */
};

struct art_blob_trailer {
    uint64_t page_hash[ART_BLOB_PAGES - 1]; /*    0 XXH3-64 of pages 0..126; the last page's hash is in the reference */
    uint32_t magic;                         /* 1016 */
    uint16_t format;                        /* 1020 */
    uint8_t kind, flags;                    /* 1022 */
    uint8_t uuid[16];                       /* 1024 of the table */
    uint64_t generation;                    /* 1040 */
    uint32_t slot;                          /* 1048 */
    uint32_t entries;                       /* 1052 in this blob */
    uint64_t csn_min;                       /* 1056 */
    int64_t count;                          /* 1064 sum of weights */
    uint32_t buckets;                       /* 1072 */
    uint32_t leaf_pages;                    /* 1076 */
    uint16_t footer_pages;                  /* 1080 */
    uint16_t searches;                      /* 1082 of the summary */
    uint32_t routing;                       /* 1084 offset in the slot */
    uint16_t compatible, incompatible;      /* 1088 features (core/base/format.h) */
    uint32_t common;                        /* 1092 length of the label */
    uint32_t filter, filter_blocks;         /* 1096 offset in the slot; both 0 without a filter */
    uint64_t below;                         /* 1104 entries in all leaf blobs below, or in this leaf */
    uint8_t height;                         /* 1112 */
    uint8_t columns;                        /* 1113 of the summary */
    uint16_t key_max;                       /* 1114 bytes of the longest key below */
    uint8_t sums;                           /* 1116 of the summary */
    uint8_t lookups;                        /* 1117 of the summary */
    uint16_t postings_at;                   /* 1118 in units of 8 bytes; 0: none, as in an index blob */
    uint64_t own_hash;                      /* 1120 XXH3-64 of the last page, this field zero: without a reference */
    uint64_t csn_max;                       /* 1128 of all entries below */
    uint64_t overflows;                     /* 1136 entries with ART_OVERFLOW below */
};
_Static_assert(sizeof(struct art_blob_trailer) == 1144, "trailer size");
_Static_assert(offsetof(struct art_blob_trailer, magic) == 1016, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, uuid) == 1024, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, slot) == 1048, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, csn_min) == 1056, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, buckets) == 1072, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, incompatible) == 1090, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, common) == 1092, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, below) == 1104, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, key_max) == 1114, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, own_hash) == 1120, "trailer layout");
_Static_assert(offsetof(struct art_blob_trailer, overflows) == 1136, "trailer layout");

enum { ART_TRAILER_AT = ART_BLOB_BYTES - (int)sizeof(struct art_blob_trailer) };
_Static_assert(ART_TRAILER_AT % 8 == 0, "the trailer is read in place");

struct art_bucket_header {
    uint8_t count;        /*  0 entries, 1..128 */
    uint8_t form;         /*  1 */
    uint16_t prefix_len;  /*  2 */
    uint16_t value_len;   /*  4 of every value, without ART_BUCKET_LENGTHS; or of the block; | ART_BUCKET_CODED */
    uint16_t suffix_size; /*  6 sum of the suffix lengths */
    uint64_t base;        /*  8 csn base << 8 | flags of every entry, without ART_BUCKET_FLAGS */
};
_Static_assert(sizeof(struct art_bucket_header) == 16, "bucket header size");
_Static_assert(offsetof(struct art_bucket_header, base) == 8, "bucket header layout");
_Static_assert((int)ART_STORED_MAX < (int)ART_BUCKET_CODED, "value_len has a bit left");
_Static_assert((int)ART_BLOB_PAGE < (int)ART_BUCKET_CODED, "and no block is longer than its page");

/* A reference in an index blob (and in the root): this, then sums and zones of all below (core/base/summary.h), then
 * the label. */
struct art_ref_format {
    uint32_t slot;                                     /*  0 */
    uint8_t height, leaf_pages, footer_pages, columns; /*  4 columns: of the summary */
    uint64_t generation;                               /*  8 */
    uint64_t hash_low, hash_high;                      /* 16 */
    uint64_t below;                                    /* 32 entries in all leaf blobs below */
    int64_t count;                                     /* 40 */
    uint64_t csn_max;                                  /* 48 no entry below is newer */
    uint64_t csn_floor;                                /* 56 every entry below counts as at least that new: 0 */
    uint64_t overflows;                                /* 64 entries with ART_OVERFLOW below */
    uint16_t key_max;                                  /* 72 bytes of the longest key below */
    uint8_t sums;                                      /* 74 of the summary */
    uint8_t lookups;                                   /* 75 of the summary */
    uint16_t searches;                                 /* 76 of the summary */
    uint8_t spare[2];                                  /* 78 zero */
};
_Static_assert(sizeof(struct art_ref_format) == ART_REF_FIXED_BYTES, "reference size");
_Static_assert(offsetof(struct art_ref_format, below) == 32, "reference layout");
_Static_assert(offsetof(struct art_ref_format, key_max) == 72, "reference layout");

enum { ART_LAST_PAGE_AT = (ART_BLOB_PAGES - 1) * ART_BLOB_PAGE };

/* The trailer in a last page, and in an image; not checked. */
static inline const struct art_blob_trailer *art_trailer_of_page(const uint8_t *last_page) {
    return (const struct art_blob_trailer *)(const void *)(last_page + ART_TRAILER_AT - ART_LAST_PAGE_AT);
}

static inline const struct art_blob_trailer *art_blob_trailer(const uint8_t *image) {
    return art_trailer_of_page(image + ART_LAST_PAGE_AT);
}

/* What a reference says of its blob, and the blob's trailer too: its name in struct art_ref; in their bytes, and in
 * struct art_blob; and the sentence for a reference and a trailer that differ in it. Beside them there are the summary
 * (art_measures) and the length of the label. */
#define ART_BLOB_FACTS(FACT)                                                                                           \
    FACT(slot, slot, "it belongs into another slot")                                                                   \
    FACT(generation, generation, "it is of another generation than its reference")                                     \
    FACT(height, height, "it is of another kind or height than its reference")                                         \
    FACT(leaf_pages, leaf_pages, "its number of pages is not that of its reference")                                   \
    FACT(footer_pages, footer_pages, "its number of pages is not that of its reference")                               \
    FACT(entries, below, "its counts are not those of its reference")                                                  \
    FACT(count, count, "its counts are not those of its reference")                                                    \
    FACT(csn_max, csn_max, "its bounds are not those of its reference")                                                \
    FACT(overflows, overflows, "its bounds are not those of its reference")                                            \
    FACT(key_max, key_max, "its bounds are not those of its reference")

/* The summary that a trailer or a reference, in bytes, says that the blob was built with; not checked. */
#define ART_STORED_MEASURES(bytes)                                                                                     \
    ((struct art_measures){(bytes)->columns, (bytes)->sums, (bytes)->lookups, (bytes)->searches})

/* What a trailer says of its blob: all of a reference but sums, zones, and the bytes of the label (its data is
 * NULL). */
void art_ref_of_trailer(const uint8_t *last_page, struct art_ref *out);
/* What `own_hash` in this last page is to be. */
uint64_t art_blob_trailer_hash(const uint8_t *last_page);

/* The reference in bytes that art_ref_decode() has accepted before; it borrows label and sums from them. */
void art_ref_read(struct art_bytes bytes, struct art_ref *out);

/* Can the reference, read in this index blob, be that of a child? */
static inline bool art_ref_is_child(const struct art_blob *blob, const struct art_ref *ref) {
    return ref->height + 1u == blob->height && art_measures_equal(ref->has, blob->has);
}

/* --- the directories of an open blob ------------------------------------------------------------------------------ */

/* Where the parts lie by a trailer, which may lie, too. */
struct art_parts art_trailer_parts(const struct art_blob_trailer *trailer);

/* Where one of them begins in the image. */
static inline const uint8_t *art_blob_part(const struct art_blob *blob, unsigned part) {
    return blob->image + blob->at.begin[part];
}

/* Where a bucket begins in the image, in bytes. */
static inline uint32_t art_bucket_offset(const struct art_blob *blob, uint32_t bucket) {
    assert(bucket < blob->buckets);
    return (uint32_t)ART_BUCKET_ALIGN * art_load16(art_blob_part(blob, ART_PART_OFFSETS) + 2 * bucket);
}

/* In which unit of the postings it is. */
static inline uint32_t art_bucket_unit(const struct art_blob *blob, uint32_t bucket) {
    return bucket >> blob->unit_shift;
}

/* Where the room of a bucket ends: at the next bucket, or with the leaf pages. */
static inline uint32_t art_bucket_end(const struct art_blob *blob, uint32_t bucket) {
    return bucket + 1 < blob->buckets ? art_bucket_offset(blob, bucket + 1) : blob->leaf_pages * ART_BLOB_PAGE;
}

/* Entries before the bucket; of the number of buckets: all. */
static inline uint32_t art_bucket_rank(const struct art_blob *blob, uint32_t bucket) {
    assert(bucket <= blob->buckets);
    return art_load32(art_blob_part(blob, ART_PART_RANKS) + 4 * bucket);
}

/* Sum of the weights, or counts, before the bucket; the same. */
static inline int64_t art_bucket_sum(const struct art_blob *blob, uint32_t bucket) {
    if (!(blob->flags & ART_BLOB_SUMS)) return art_bucket_rank(blob, bucket);
    assert(bucket <= blob->buckets);
    return (int64_t)art_load64(art_blob_part(blob, ART_PART_WEIGHTS) + 8 * bucket);
}

/* The sum of all entries before the bucket; of the number of buckets: of all. */
static inline art_int128 art_bucket_summed(const struct art_blob *blob, unsigned sum, uint32_t bucket) {
    assert(sum < blob->has.sums && bucket <= blob->buckets);
    return art_load_sum(art_blob_part(blob, ART_PART_SUMS) + ART_SUM_BYTES * (sum * (blob->buckets + 1) + bucket));
}

/* The zone of a column over the bucket's entries, or all below them. */
static inline struct art_zone art_bucket_zone(const struct art_blob *blob, unsigned column, uint32_t bucket) {
    uint32_t n = blob->buckets;
    assert(column < blob->has.columns && bucket < n);
    const uint8_t *zones = art_blob_part(blob, ART_PART_ZONES + column);
    struct art_zone zone = {.kinds = zones[16 * n + bucket]};
    memcpy(&zone.low, zones + 8 * bucket, 8);
    memcpy(&zone.high, zones + 8 * n + 8 * bucket, 8);
    return zone;
}

/* Sums and zones of the whole blob. */
static inline const uint8_t *art_blob_summed(const struct art_blob *blob) {
    return art_blob_part(blob, ART_PART_SUMMED);
}

/* Does a blob whose trailer has the reference's hash have all the rest that the reference says? Two references may lead
 * to one blob, and only one of them be true. */
static inline bool art_blob_is_as_said(const struct art_blob *blob, const struct art_ref *ref) {
    bool same = blob->label_len == ref->label.len && art_measures_equal(blob->has, ref->has);
#define SAID_FACT(fact, stored, ...) same = same && blob->stored == ref->fact;
    ART_BLOB_FACTS(SAID_FACT)
#undef SAID_FACT
    return same && (!ref->summed || !memcmp(ref->summed, art_blob_summed(blob), art_summed_bytes(ref->has)));
}

/* What is known of all entries of a bucket, or below it. */
struct art_bounds {
    uint64_t csn_max; /* UINT64_MAX: any */
    uint16_t key_max;
    uint8_t overflows; /* entries; in an index blob: children */
};
#define ART_NEWEST_UNKNOWN UINT32_MAX
enum { ART_BOUNDS_BYTES = 4 + 2 + 1 }; /* of a bucket, in its directory */

/* What the directory says of the bucket; its csn_max may be too high. */
static inline struct art_bounds art_bucket_bounds(const struct art_blob *blob, uint32_t bucket) {
    const uint8_t *at = art_blob_part(blob, ART_PART_BOUNDS);
    uint32_t newest = art_load32(at + 4 * bucket), n = blob->buckets;
    assert(bucket < n);
    return (struct art_bounds){.csn_max = newest == ART_NEWEST_UNKNOWN ? UINT64_MAX : blob->csn_min + newest,
                               .key_max = art_load16(at + 4 * n + 2 * bucket),
                               .overflows = at[6 * n + bucket]};
}

#endif
