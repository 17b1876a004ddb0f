/* A blob as its readers see it: an immutable, packed ART in a 512 KB image, pages of which may still be on disk.
 *
 *   page 0 .. leaf_pages-1     buckets of entries, loaded and verified one page at a time when first needed
 *   (hole)
 *   last footer_pages pages    postings, filter, zones, sums, nodes: pages are loaded when somebody searches, adds up,
 *                              or asks for a key. The head is always present: directories, trailer
 *
 * blob_format.h beside this file draws the bytes. This folder is pure memory: what is missing is asked for through
 * art_blob.want, and what comes is verified with art_blob_verify_page().
 *
 * A file calls only those that stand before it:
 *
 *   ref, parts, filter, bucket, routing, terms, postings, footer     the parts
 *   blob_open, zones, search, prefix, cursor, separators         how they are read: separators.c asks cursor.c for all
 *                                                                keys, and search.c for the position of one
 *   pending, fitting, builder, check                             how they are written, and what must be true of them
 *
 * Label: the common prefix of all keys of a blob. It belongs to the reference that leads here, not to the blob (so
 * that a moved directory can be re-labelled by its parent): the first `label_len` bytes of every stored key are never
 * read, never compared. Every key handed to a function below must begin with the label; the descent compares it
 * first with art_label_compare(). Cursors write only what lies behind it.
 *
 * Search keys must be readable ART_KEY_PADDING bytes past their end.
 */
#ifndef ART_BLOB_BLOB_H
#define ART_BLOB_BLOB_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/base/bytes.h"
#include "core/base/entry.h"
#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/summary.h"
#include "core/blob/parts.h"
#include "core/blob/symbols.h"

enum { ART_PAGE_PADDING = 64 }; /* a page outside of an image is readable so many bytes past its end */
enum { ART_BLOB_BYTES = 512 * 1024, ART_BLOB_PAGE = 4096, ART_BLOB_PAGES = ART_BLOB_BYTES / ART_BLOB_PAGE };

enum art_blob_kind { ART_BLOB_LEAF = 1, ART_BLOB_INDEX = 2 };

/* What a parent, or the root, knows of a child. Stored as 80 bytes, the sums and zones, and the label
 * (blob_format.h). */
struct art_ref {
    uint32_t slot;
    uint8_t height; /* 0: the child is a leaf blob */
    uint8_t leaf_pages, footer_pages;
    uint64_t generation;
    struct art_hash128 hash; /* XXH3-128 of the child's last page (its trailer) */
    uint64_t entries;        /* in all leaf blobs below */
    int64_t count;           /* sum of the weights of all entries below: live rows */
    uint64_t csn_max;        /* of all entries below */
    uint64_t overflows;      /* entries with ART_OVERFLOW below */
    uint16_t key_max;        /* bytes of the longest key below */
    struct art_measures has; /* the summary that the blob was built with */
    const uint8_t *summed;   /* of all below (art_summed_decode()); borrowed as the label is; NULL: not known */
    struct art_bytes label;  /* common prefix of all keys below; borrowed from where the reference was read */
};

/* A weight is at least -1, and that only for a delete. */
static inline bool art_ref_has_only_deletes(const struct art_ref *ref) {
    return (uint64_t)ref->count + ref->entries == 0;
}

/* A label is at most ART_LABEL_MAX bytes (a longer common prefix is cut): a reference is a value like any other. */
enum {
    ART_REF_FIXED_BYTES = 80,
    ART_REF_MAX = ART_VALUE_INLINE_MAX,
    ART_LABEL_MAX = ART_REF_MAX - ART_REF_FIXED_BYTES - ART_SUMMED_MAX
};
/* What it takes when it is stored. */
static inline uint32_t art_ref_bytes(const struct art_ref *ref) {
    return (uint32_t)ART_REF_FIXED_BYTES + art_summed_bytes(ref->has) + ref->label.len;
}
uint32_t art_ref_encode(const struct art_ref *ref, uint8_t *out); /* returns art_ref_bytes() */
/* ART_CORRUPT (no message) when cut short or impossible. *out borrows label and sums from `bytes`. */
enum art_rc art_ref_decode(struct art_bytes bytes, struct art_ref *out);
/* Makes what the reference has borrowed its own: to be freed with art_ref_release(). ART_NOMEM, and then it has nothing
 * of its own, and a label that cannot be read. */
enum art_rc art_ref_own(struct art_ref *ref);
void art_ref_release(struct art_ref *ref);
/* They lead to the same blob and say the same of it, but for sums, zones, and the bytes of the label. */
bool art_ref_says_the_same(const struct art_ref *a, const struct art_ref *b);
/* The hash in these bytes. */
struct art_hash128 art_ref_hash(struct art_bytes bytes);
/* The zone of one column in the bytes of a reference, which art_ref_decode() accepts and which lie in a blob that was
 * built with this summary. */
struct art_zone art_ref_zone(struct art_bytes bytes, struct art_measures has, unsigned column);
/* Forgets label and sums, and frees neither: somebody else has what the reference owned or borrowed. */
static inline void art_ref_leave(struct art_ref *ref) {
    ref->label.data = ref->summed = NULL;
}

/* A bit for each page. */
struct art_pages {
    uint64_t bits[2];
};
/* Is this one of them? */
static inline bool art_pages_has(const struct art_pages *pages, uint32_t page) {
    assert(page < ART_BLOB_PAGES);
    return pages->bits[page >> 6] >> (page & 63) & 1;
}

/* The first one of them from there on, or ART_BLOB_PAGES. */
static inline uint32_t art_pages_from(const struct art_pages *pages, uint32_t page) {
    for (; page < ART_BLOB_PAGES; page = (page | 63) + 1) {
        uint64_t left = pages->bits[page >> 6] >> (page & 63);
        if (left) return page + (uint32_t)__builtin_ctzll(left);
    }
    return ART_BLOB_PAGES;
}

/* How many of the first `end` pages. */
static inline uint32_t art_pages_count(const struct art_pages *pages, uint32_t end) {
    assert(end <= ART_BLOB_PAGES);
    uint64_t low = end < 64 ? (1ull << end) - 1 : UINT64_MAX, high = end <= 64 ? 0 : UINT64_MAX >> (128 - end);
    return (uint32_t)(__builtin_popcountll(pages->bits[0] & low) + __builtin_popcountll(pages->bits[1] & high));
}

/* The pages [first, first + n), also of the footer. */
static inline struct art_pages art_pages_of(uint32_t first, uint32_t n) {
    struct art_pages pages = {{0, 0}};
    for (uint32_t page = first; page < first + n; page++) pages.bits[page >> 6] |= (uint64_t)1 << (page & 63);
    return pages;
}

/* By what postings say where a row may be (postings.h): a leaf's buckets, up to this number; where there are more, two,
 * four and so on together. */
enum { ART_UNITS_MAX = 512, ART_UNITS_WORDS = ART_UNITS_MAX / 64 };
struct art_units {
    uint64_t bits[ART_UNITS_WORDS];
};
static inline bool art_units_has(const struct art_units *units, uint32_t unit) {
    assert(unit < ART_UNITS_MAX);
    return units->bits[unit >> 6] >> (unit & 63) & 1;
}
/* The first one of them from there on, or ART_UNITS_MAX. */
static inline uint32_t art_units_from(const struct art_units *units, uint32_t unit) {
    for (; unit < ART_UNITS_MAX; unit = (unit | 63) + 1) {
        uint64_t left = units->bits[unit >> 6] >> (unit & 63);
        if (left) return unit + (uint32_t)__builtin_ctzll(left);
    }
    return ART_UNITS_MAX;
}

static inline void art_units_add(struct art_units *units, uint32_t unit) {
    assert(unit < ART_UNITS_MAX);
    units->bits[unit >> 6] |= (uint64_t)1 << (unit & 63);
}
static inline uint32_t art_units_count(const struct art_units *units) {
    uint32_t count = 0;
    for (unsigned i = 0; i < ART_UNITS_WORDS; i++) count += (uint32_t)__builtin_popcountll(units->bits[i]);
    return count;
}
static inline bool art_units_are_none(const struct art_units *units) {
    uint64_t any = 0;
    for (unsigned i = 0; i < ART_UNITS_WORDS; i++) any |= units->bits[i];
    return !any;
}
/* So many buckets are units, 1 << shift together. */
static inline unsigned art_unit_shift(uint32_t buckets) {
    unsigned shift = 0;
    while ((buckets - 1) >> shift >= ART_UNITS_MAX) shift++;
    return shift;
}

/* What pages are wanted for. */
enum art_intent {
    ART_POINT, /* they are needed: an error says why one of them cannot be had. Others may be read with them */
    ART_WALK   /* a walk, either way, will come to them, or to the most of them: they are read together. What fails
                * shows when the page is needed; only what would not show again is returned */
};

/* How far a walk reads ahead, in pages. The window doubles with each read within a blob, and with each step to the next
 * blob. Once it is over the limit window_pages, whole blobs are read (core/tree/run/run_cursor.c): one for each
 * window_pages of it. */
enum { ART_WINDOW_BLOBS_MAX = 4 };
static inline uint32_t art_window_widen(uint32_t window) {
    if (!window) return 1;
    return window < ART_WINDOW_BLOBS_MAX * ART_LIMIT(window_pages) ? 2 * window
                                                                   : ART_WINDOW_BLOBS_MAX * ART_LIMIT(window_pages);
}

/* Header fields that others want to see, decoded once. */
struct art_blob {
    const uint8_t *image; /* 512 KB, at least 16-byte aligned */
    uint32_t slot;        /* for messages */
    enum art_blob_kind kind;
    uint32_t label_len, entries, buckets, leaf_pages, footer_pages;
    int64_t count;
    uint64_t generation;
    uint64_t csn_min, csn_max, overflows, below;
    uint16_t key_max;
    struct art_measures has;      /* the summary that it was built with */
    const char *file;             /* for messages, or NULL; in the cache, of who is reading pages */
    _Atomic uint64_t present[2];  /* pages that may be read */
    _Atomic uint32_t parts_there; /* a bit for each enum art_part whose pages are all present, and sane */
    /* Makes such pages present, verified. Called by any reader; NULL when all are there. */
    enum art_rc (*want)(struct art_blob *, const struct art_pages *pages, enum art_intent intent);
    /* Not NULL: the reader of this copy, one thread at a time, may have its separators decoded when that pays, and
     * searches in them are counted here. It calls art_blob_drop_separators() in the end. */
    uint64_t *separators_searched;
    uint32_t asked;                    /* (private) for a child, without them */
    struct art_separators *separators; /* (private) NULL: none */
    /* (private) where things lie in the image */
    struct art_parts at;
    uint32_t filter_blocks, units;
    uint8_t flags, height, unit_shift;
    uint32_t way;                      /* as parts_there: through which a search for a key goes */
    const struct art_symbols *symbols; /* of its coded suffixes; NULL: none are coded */
    struct art_pages head;             /* pages of the footer that are always present */
    bool blocks;                       /* some bucket may have one */
    bool postings;                     /* it has some */
    bool postings_there;               /* their heads were read, and are sane */
    void *owner;                       /* for want() */
};
static inline struct art_pages art_blob_present(const struct art_blob *blob) {
    return (struct art_pages){{atomic_load_explicit(&blob->present[0], memory_order_acquire),
                               atomic_load_explicit(&blob->present[1], memory_order_acquire)}};
}
static inline bool art_pages_are_present(const struct art_blob *blob, const struct art_pages *pages) {
    struct art_pages present = art_blob_present(blob);
    return !((pages->bits[0] & ~present.bits[0]) | (pages->bits[1] & ~present.bits[1]));
}
/* How many leaf pages may be read: where it is all, pages of the footer may be missing. */
static inline uint32_t art_blob_pages_present(const struct art_blob *blob) {
    struct art_pages pages = art_blob_present(blob);
    return art_pages_count(&pages, blob->leaf_pages);
}
/* The pages that bytes [from, to) lie in. */
static inline struct art_pages art_pages_between(uint32_t from, uint32_t to) {
    uint32_t first = from / ART_BLOB_PAGE;
    return art_pages_of(first, to > from ? (to - 1) / ART_BLOB_PAGE + 1 - first : 0);
}

static inline void art_pages_join(struct art_pages *to, const struct art_pages *more) {
    for (unsigned i = 0; i < 2; i++) to->bits[i] |= more->bits[i];
}

/* The pages of the footer in which a part lies; none where it takes no bytes. */
static inline struct art_pages art_part_pages(const struct art_parts *at, unsigned part) {
    return art_pages_between(at->begin[part], at->begin[part + 1]);
}

/* All pages that are read when somebody wants them. The others of the footer always are. */
static inline struct art_pages art_blob_pages_on_demand(const struct art_blob *blob) {
    struct art_pages pages = art_pages_of(0, blob->leaf_pages);
    struct art_pages footer = art_pages_of(ART_BLOB_PAGES - blob->footer_pages, blob->footer_pages);
    for (unsigned i = 0; i < 2; i++) pages.bits[i] |= footer.bits[i] & ~blob->head.bits[i];
    return pages;
}

/* May this page be read? */
static inline bool art_page_present(const struct art_blob *blob, uint32_t page) {
    assert(page < ART_BLOB_PAGES);
    return atomic_load_explicit(&blob->present[page >> 6], memory_order_acquire) >> (page & 63) & 1;
}

/* --- trust -------------------------------------------------------------------------------------------------------- */

/* Verifies the footer pages of `image` against the reference that leads there and sanity-checks trailer and routing
 * part, so that afterwards no read of it leaves the image whatever the bytes are; fills *blob with no leaf page
 * present. ART_CORRUPT with file, slot, page otherwise, where a trailer of a later generation than `ref` says that the
 * file is newer than the database, and one of an unknown format that another version has made it; ART_NOMEM. The image
 * and `file` are borrowed. */
enum art_rc art_blob_open(struct art_blob *blob, const uint8_t *image, const struct art_ref *ref,
                          const uint8_t uuid[16], const char *file);
/* The same without a look at pages of the footer that come on demand: they are not present. */
enum art_rc art_blob_open_head(struct art_blob *blob, const uint8_t *image, const struct art_ref *ref,
                               const uint8_t uuid[16], const char *file);
/* The pages that this looks at, of a footer with so many, as the last page in the image tells, which nobody has
 * verified. */
struct art_pages art_blob_head_pages(const uint8_t *image, uint32_t footer_pages);
/* Makes all of these pages present, of those that come on demand. What want() said; or ART_MISUSE where there is none,
 * or it did not do so. */
enum art_rc art_blob_want_pages(struct art_blob *blob, const struct art_pages *pages);
/* The same of these and of the blob's symbols, asked for together. */
enum art_rc art_blob_want_with_symbols(struct art_blob *blob, struct art_pages pages);
/* The pages of so many bytes from `at` on, as above. */
static inline enum art_rc art_blob_want_bytes(struct art_blob *blob, uint32_t at, uint32_t len) {
    uint32_t first = at / ART_BLOB_PAGE, last = (at + len - 1) / ART_BLOB_PAGE;
    assert(len && last < ART_BLOB_PAGES);
    if (__builtin_expect(first == last && art_page_present(blob, first), 1)) return ART_OK;
    struct art_pages pages = art_pages_of(first, last - first + 1);
    return art_blob_want_pages(blob, &pages);
}
/* Before a part is looked at that is not always there: it is, and sane. Errors as above. The symbols are where no
 * suffix is coded. */
enum art_rc art_blob_load_part(struct art_blob *blob, unsigned part);
static inline bool art_blob_has_part(const struct art_blob *blob, unsigned part) {
    return atomic_load_explicit(&blob->parts_there, memory_order_acquire) >> part & 1;
}
static inline enum art_rc art_blob_want_part(struct art_blob *blob, unsigned part) {
    return __builtin_expect(art_blob_has_part(blob, part), 1) ? ART_OK : art_blob_load_part(blob, part);
}
/* The parts through which a search for a key goes, asked for together: the nodes, and the symbols if there are any. */
enum art_rc art_blob_load_way(struct art_blob *blob);
static inline enum art_rc art_blob_want_way(struct art_blob *blob) {
    uint32_t missing = blob->way & ~atomic_load_explicit(&blob->parts_there, memory_order_acquire);
    return __builtin_expect(!missing, 1) ? ART_OK : art_blob_load_way(blob);
}
enum art_rc art_blob_want_routing(struct art_blob *blob);
enum art_rc art_blob_want_zones(struct art_blob *blob, const struct art_limits *limits); /* of their columns */
/* All of the postings are there, and sane. ART_CORRUPT, or what art_blob_want_pages() said. */
enum art_rc art_blob_want_postings(struct art_blob *blob);
/* The reference that a blob's last page gives of itself, where no parent does: its own hash is right, and it says that
 * it is in `slot` and of which table. The label has no bytes, only its length, and sums and zones are not known. False:
 * it is none. Such a blob may have been superseded long ago. */
bool art_blob_own_ref(const uint8_t *last_page, uint32_t slot, struct art_ref *out, uint8_t uuid[16]);
/* The blob, all of whose pages are present, into `image` as one of this slot and generation; the reference, which has
 * led to it, leads there then. */
void art_blob_copy(const struct art_blob *blob, uint8_t *image, uint32_t slot, uint64_t generation,
                   struct art_ref *ref);
/* Checks the hash of page `page`, one of those that come on demand, and the buckets that lie in it for sanity, and
 * marks it present. Pages may be verified in any order: a bucket that crosses pages is checked when it is read, with
 * all its pages present. There is such a page. ART_CORRUPT. */
enum art_rc art_blob_verify_page(struct art_blob *blob, uint32_t page);
/* The same of a leaf page but for its hash, for who has just made it. */
enum art_rc art_blob_take_leaf(struct art_blob *blob, uint32_t page);
/* The same checks of a leaf page whose 4 KB are at `bytes` and not in the image, with the same results; nothing becomes
 * present. */
enum art_rc art_blob_verify_bytes(const struct art_blob *blob, uint32_t page, const uint8_t *bytes);

/* Everything that can be checked within one blob: order of keys, separators, directories, filter, sums, flags (last
 * run: `only_puts`). ART_CORRUPT with a sentence; ART_NOMEM, or what want() said. Never recursive, never out of
 * bounds. */
struct art_blob_expected { /* what only the blob's run knows */
    bool only_puts;
    uint64_t csn_max;                  /* no entry is newer */
    const struct art_bytes *label;     /* which the reference gives it: its keys are stored with it; NULL: any */
    const struct art_summary *summary; /* NULL: sums and zones of a leaf blob are not looked at */
};
enum art_rc art_blob_check_expected(struct art_blob *blob, const struct art_blob_expected *expected);

/* --- search ------------------------------------------------------------------------------------------------------- */

/* Where `key` stands to all keys that begin with `label`: <0 before them, 0 it begins with the label, >0 behind them.
 * (A proper prefix of the label stands before.) */
static inline int art_label_compare(struct art_bytes label, struct art_bytes key) {
    uint32_t n = art_min32(label.len, key.len);
    int c = n ? memcmp(key.data, label.data, n) : 0;
    return c ? c : key.len < label.len ? -1 : 0;
}

/* Hash for the filters: of the whole key, label included; the same for every blob. */
uint64_t art_blob_key_hash(struct art_bytes key);
/* ART_NOTFOUND: the key is not in this blob, and no leaf page need be read. ART_OK: it may be, also where there is no
 * filter. Or what want() said of the filter's page. */
enum art_rc art_blob_ask_filter(struct art_blob *blob, uint64_t key_hash);

/* The entry of exactly this key. ART_OK, ART_NOTFOUND, or what want() said. `out->value`, or its block, lies in the
 * image. */
enum art_rc art_blob_get(struct art_blob *blob, struct art_bytes key, struct art_entry *out);
/* art_blob_get() in two steps, where the leaf page may be elsewhere than in the image: the page in which the key has
 * its position (ART_BLOB_PAGES: its bucket lies in several), when all that is needed of the footer is there; then the
 * entry, found in the bytes of that page, verified and readable ART_PAGE_PADDING bytes past its end. ART_OK, with the
 * value in these bytes; ART_NOTFOUND. */
struct art_spot {
    uint32_t page, bucket, known;
};
enum art_rc art_blob_spot(struct art_blob *blob, struct art_bytes key, struct art_spot *out);
enum art_rc art_blob_get_from(const struct art_blob *blob, struct art_bytes key, const struct art_spot *spot,
                              const uint8_t *page, struct art_entry *out);
/* The longest key of a leaf blob that is a prefix of `key` (or the key itself), from the one bucket where `key` has its
 * position: ART_OK, its length, its entry. ART_NOTFOUND: it is not there. *len: then no key before that bucket, in this
 * blob or another, that is a prefix of `key` can be longer; <0: nothing is known, `key` stands before the bucket. */
enum art_rc art_blob_prefix(struct art_blob *blob, struct art_bytes key, int64_t *len, struct art_entry *out);
/* Index blobs: the child whose range holds `key` (the last separator <= key; the first child when there is none) and,
 * if `before` is not NULL, the sum of the counts of the children before it, or their number. The label lies in the
 * image. ART_CORRUPT: what stands there is no reference to a child; or what want() said. */
enum art_rc art_blob_child(struct art_blob *blob, struct art_bytes key, struct art_ref *out, int64_t *before);
enum art_rc art_blob_child_number(struct art_blob *blob, struct art_bytes key, struct art_ref *out, uint32_t *number);
/* Frees what the blob keeps in memory so that these two are fast (separators.c); where it keeps nothing, nothing. */
void art_blob_drop_separators(struct art_blob *blob);
/* Sum of the weights of all entries with keys < `key`. Leaf blobs. ART_OK, or what want() said. */
enum art_rc art_blob_rank(struct art_blob *blob, struct art_bytes key, int64_t *out);
/* The same, with the summary's sums of these entries added to `sum`; of an index blob, both of the children before that
 * of `key`, which goes to *child. The blob has been built with the summary. */
enum art_rc art_blob_sums(struct art_blob *blob, struct art_bytes key, const struct art_summary *summary,
                          struct art_ref *child, int64_t *before, art_int128 *sum);

/* What art_blob_rank() or art_blob_child() would say, without loading a page and without failing. */
enum art_estimate {
    ART_ESTIMATE_EXACT, /* *before is the sum of all weights before the key (leaf blobs) */
    ART_ESTIMATE_CHILD, /* *before is that of the children before *child, which goes on (index blobs) */
    ART_ESTIMATE_ROUGH, /* what is needed is not here: *before is between the sums on both sides */
    ART_ESTIMATE_NONE,  /* not even what leads to a bucket */
};
enum art_estimate art_blob_estimate(const struct art_blob *blob, struct art_bytes key, int64_t *before,
                                    struct art_ref *child);
/* Leaf blobs: the entries, and the sum of their weights, in all buckets before the one in which `key` has its position.
 * The footer alone tells; what want() said. */
enum art_rc art_blob_before(struct art_blob *blob, struct art_bytes key, uint32_t *entries, int64_t *weights);

/* --- cursor ------------------------------------------------------------------------------------------------------- */

/* A position in one blob. The key under it stands in `key` (whole, the label's bytes included, which the caller has
 * put there), a buffer of ART_KEY_MAX + ART_KEY_PADDING bytes that the caller owns. The cursor does not keep the blob
 * alive. */
struct art_bucket_view { /* (private) a decoded bucket header */
    const uint8_t *start, *first_bytes, *shared, *suffix_len, *flags, *csns, *value_ends, *prefix, *suffixes, *values;
    const struct art_symbols *symbols; /* NULL: plain */
    uint32_t count, prefix_len, value_len;
    uint8_t form;
};
struct art_plain_bucket { /* (private) the values of a bucket that has a block */
    const uint8_t *start; /* where it begins; NULL: of none */
    uint32_t ends[ART_BLOCK_ROWS_MAX];
    uint8_t bytes[ART_BLOCK_PLAIN_MAX];
};

/* Units of a leaf blob in which a row may have what is sought, as far as its postings tell; what is looked at of them
 * comes on demand. ART_CORRUPT, or what art_blob_want_pages() said. */
enum art_rc art_blob_units_with_terms(struct art_blob *blob, const struct art_limits *limits, struct art_units *out);
/* Whether a bucket may have a row within the limits; `units`: what art_blob_units_with_terms() says of its blob. */
bool art_blob_bucket_may_have(const struct art_blob *blob, const struct art_limits *limits,
                              const struct art_units *units, uint32_t bucket);
/* How many leaf pages the other units fill, roughly. */
uint32_t art_blob_pages_passed(const struct art_blob *blob, const struct art_units *units);
/* *first: the first of several leaf blobs that has such a unit, or their number. Something is sought. Errors as
 * above. */
enum art_rc art_blobs_first_with_terms(struct art_blob *const *blobs, uint32_t count, const struct art_limits *limits,
                                       uint32_t *first);

struct art_blob_cursor {
    struct art_blob *blob;
    uint8_t *key;
    uint32_t key_len;
    uint32_t kept; /* behind next() and prev(): so many bytes of the key, at least, are what they were */
    bool valid;    /* on an entry */
    /* 0, or set behind init: steps and seeks may pass over buckets in which no entry is newer than this. */
    uint64_t newer_than;
    bool shadows_nothing; /* with it: nor buckets of deletes alone, under which nobody looks for older entries */
    /* NULL, or set by art_blob_cursor_limit(): the same of buckets in which no row is put that is wanted. */
    const struct art_limits *limits;
    struct art_units units; /* with limits: in which it may be */
    /* They choose among the rows of blocks, or among all: steps pass over the others. */
    bool chooses;
    const struct art_bytes *stop; /* with `chooses`: NULL, or a key behind which nobody looks for more; padded */
    /* NULL, or set by art_blob_cursor_plain(): each block is decoded at once, and no entry is in a block. */
    struct art_plain_bucket *plain;
    uint32_t window; /* art_window_widen(); 0: this is no walk yet */
    uint32_t entry;  /* number in the bucket; moved by others within a stretch */
    uint32_t keyed;  /* the entry whose key stands in `key` */
    /* (private) */
    uint32_t bucket, suffix_at;
    uint64_t visits; /* of buckets, also in other blobs: who takes the cursor to another one keeps it */
    enum { ART_NULS_UNKNOWN, ART_NULS_NONE, ART_NULS_SOME } nuls; /* in the bucket's keys, behind their first bytes */
    struct art_bucket_view view;
    struct art_row_set chosen;
    const uint8_t *chosen_at; /* where the bucket begins of which `chosen` is; NULL: of none */
    uint32_t chosen_from;     /* the entry from which on it was chosen, */
    bool chosen_backward;     /* in this direction */
};

/* On no entry yet, and with nothing to pass over. The blob and the buffer are borrowed; the caller puts the label's
 * bytes to the buffer's beginning. */
void art_blob_cursor_init(struct art_blob_cursor *cursor, struct art_blob *blob, uint8_t *key_buffer);
/* Behind init; the limits stay the caller's. */
enum art_rc art_blob_cursor_limit(struct art_blob_cursor *cursor, const struct art_limits *limits);
/* The same, for who will ask for the most of the values: they come into `room`, the caller's, which may have had those
 * of another cursor, and stay there until the cursor is asked for one in another bucket. */
void art_blob_cursor_plain(struct art_blob_cursor *cursor, struct art_plain_bucket *room);
/* All that move a cursor return ART_OK (look at `valid`) or what want() said, and then it is not valid. next() and
 * prev() may be ART_CORRUPT, too: the key that they come to is not behind, or before, the one that they leave. */
enum art_rc art_blob_first(struct art_blob_cursor *cursor);
enum art_rc art_blob_last(struct art_blob_cursor *cursor);
enum art_rc art_blob_seek_ge(struct art_blob_cursor *cursor, struct art_bytes key); /* ceiling: smallest >= key */
enum art_rc art_blob_seek_le(struct art_blob_cursor *cursor, struct art_bytes key); /* floor: largest <= key */
/* One entry on, or (prev) back; not valid past the end. Nothing happens to a cursor that is not valid. */
enum art_rc art_blob_next(struct art_blob_cursor *cursor);
enum art_rc art_blob_prev(struct art_blob_cursor *cursor);
/* The commonest steps. So many times art_blob_pass() moves `entry` on, or back, and nothing else: within the
 * bucket, each shares more than `most` bytes with the one that it is reached from, has none of these flags, and is
 * newer than `newer_than`. All that the cursor says is of the entry then, but for its key, which
 * art_blob_catch_up() fetches: ART_OK, or ART_CORRUPT as next(), again and again. next() and prev() do so by themselves
 * where they stay in the bucket. */
uint32_t art_blob_stretch(struct art_blob_cursor *cursor, bool backward, uint32_t most, uint8_t flags);
static inline void art_blob_pass(struct art_blob_cursor *cursor, bool backward) {
    if (__builtin_expect(!cursor->chooses, 1)) {
        cursor->entry += backward ? UINT32_MAX : 1;
    } else {
        cursor->entry = backward ? art_row_set_before(&cursor->chosen, cursor->entry) - 1
                                 : art_row_set_from(&cursor->chosen, cursor->entry + 1);
    }
}
/* The same, past those of the next `count` entries, none of them in a block, whose values the host does not want; up to
 * the first that it does. Returns how many were passed. */
uint32_t art_blob_pass_unwanted(struct art_blob_cursor *cursor, bool backward, uint32_t count,
                                bool (*wants)(void *context, struct art_bytes value), void *context);
enum art_rc art_blob_catch_up(struct art_blob_cursor *cursor);
/* Surely the next step stays in the bucket, and there is no such stretch: so nearly always where runs take turns. */
bool art_blob_steps_singly(const struct art_blob_cursor *cursor, bool backward, uint32_t most);
/* Nobody has chosen, or the entry was. Where a search leads may be another one. */
bool art_blob_is_chosen(struct art_blob_cursor *cursor, bool backward);
/* The next step leaves the bucket. */
bool art_blob_is_last(struct art_blob_cursor *cursor, bool backward);
/* No key of the cursor's bucket has a byte 0 behind its first byte. False: one may have. */
bool art_blob_has_no_nul(struct art_blob_cursor *cursor);
/* A jump over a subtree, forward: to the first entry behind all keys with the prefix that the current key has in its
 * first `len` bytes, where it is not far: within the bucket, or at least not behind all buckets. `behind` is the first
 * of all keys after those with the prefix. *done: the cursor stands there; else it has not moved. */
enum art_rc art_blob_skip_near(struct art_blob_cursor *cursor, uint32_t len, struct art_bytes behind, bool *done);
/* Entry number `index` (0-based) in key order; invalid past the end. */
enum art_rc art_blob_seek_entry(struct art_blob_cursor *cursor, uint32_t index);
/* The k-th live row (0-based) by weights, for blobs in which no weight is negative (last run; index blobs); invalid
 * past the end. ART_CORRUPT, too: the weights are not those of the sum directory. */
enum art_rc art_blob_seek_rank(struct art_blob_cursor *cursor, int64_t k);

/* Sum of the weights (leaf) or counts (index) of all entries before the cursor's. */
int64_t art_blob_cursor_rank(const struct art_blob_cursor *cursor);
/* Number of entries before the cursor's. */
uint32_t art_blob_cursor_index(const struct art_blob_cursor *cursor);
/* What stands at a valid cursor. The value lies in the image, or in the room of art_blob_cursor_plain(); or the entry
 * is in a block, which lies in the image. */
void art_blob_cursor_entry(const struct art_blob_cursor *cursor, struct art_entry *out);
/* The same, but for the csn. */
void art_blob_cursor_value(const struct art_blob_cursor *cursor, struct art_entry *out);
void art_blob_cursor_prefetch(const struct art_blob_cursor *cursor); /* it will be asked for its entry soon */
/* The flags of the entry at a valid cursor, as they are stored. */
uint8_t art_blob_cursor_flags(const struct art_blob_cursor *cursor);
/* Index blobs: the child reference at a valid cursor; the label lies in the image. ART_CORRUPT when it is
 * impossible. */
enum art_rc art_blob_cursor_ref(const struct art_blob_cursor *cursor, struct art_ref *out);
/* Calls visit() with entries [from, to), which lie in that bucket, and their numbers, counted from the blob's first;
 * without their keys and csns. ART_OK, or what want() said. */
enum art_rc art_blob_each(struct art_blob *blob, uint32_t bucket, uint32_t from, uint32_t to,
                          void (*visit)(void *context, uint32_t number, const struct art_entry *entry), void *context);
/* One column of such entries of a leaf at once, where they stand in a block, or with `records` also where they do not;
 * of texts and blobs the kinds alone, of what puts no row NULL. *any: it did, and out[0] is that of entry `from`.
 * Errors as above. */
enum art_rc art_blob_column(struct art_blob *blob, uint32_t bucket, uint32_t from, uint32_t to,
                            const struct art_summary *summary, unsigned column, bool records, struct art_datum *out,
                            bool *any);
/* Bounds of a column of the summary over all entries of a bucket, or in an index blob of all below. */
struct art_zone art_blob_zone(const struct art_blob *blob, unsigned column, uint32_t bucket);
/* The best of buckets [from, to) by the bounds of a column, `begun`: of those behind bucket `given`, whose bound was
 * `last`, in the order of their bounds and then of their numbers. *bucket = to: there is none. False: the bounds are
 * neither all integers nor all codes of texts, and nothing was looked for. */
struct art_bucket_search {
    unsigned column;
    bool largest;     /* bounds from above, the largest first; else from below, the least first */
    bool nulls_count; /* a NULL comes before all numbers and texts */
    bool begun;
    uint32_t from, to, given;
    int64_t last;
};
bool art_blob_best_bucket(const struct art_blob *blob, const struct art_bucket_search *search, uint32_t *bucket,
                          struct art_datum *value);
/* Looks at the entries in [low, high); a bound without data cuts nothing off. Of an index blob, at those children that
 * lie between; the one or two that the bounds lead into, to be looked into, are put to edge[0] (that of `low`) and
 * edge[1]; else their `summed` is NULL. ART_CORRUPT: no reference to a child; or what want() said. */
enum art_rc art_blob_extreme(struct art_blob *blob, struct art_bytes low, struct art_bytes high,
                             struct art_extreme *search, struct art_ref edge[2]);
/* Number of entries in buckets [from, to). */
uint32_t art_blob_entries_in(const struct art_blob *blob, uint32_t from, uint32_t to);
/* Bytes that the current key shares with its predecessor in this blob as far as the blob knows without work (may be
 * less than the truth; 0 for the first entry): lets a merge skip comparisons. */
uint32_t art_blob_cursor_shared(const struct art_blob_cursor *cursor);

#endif
