/* A bucket: the flattened ART of up to 128 neighbouring keys, as columns (blob_format.h). Reading one decodes nothing:
 * a view only says where each column begins, and a search compares all entries of a column at once.
 *
 * An entry stands to a search key as its predecessor does, unless it branches off within the bytes that are known to
 * be equal. So a search needs to look only at entries that share as many bytes with their predecessor as the search
 * key has matched so far (a continuation) or fewer (the end of the subtree): one step for each node of the flattened
 * tree.
 */
#ifndef ART_BLOB_BUCKET_H
#define ART_BLOB_BUCKET_H

#include "core/blob/blob_format.h"
#include "core/blob/simd.h"
#include "core/blob/symbols.h"

/* Bytes of csn an entry by the form's width code; the codes 5..7 are refused by the sanity check. */
static inline uint32_t art_csn_bytes(uint32_t code) {
    return code ? 1u << (code - 1) : 0;
}

/* The width code of the csns in a bucket's form. */
static inline uint32_t art_bucket_csn_code(uint8_t form) {
    return (form >> ART_BUCKET_CSN_SHIFT) & 7;
}

/* A view of the bucket at `start`, in whose bytes it points, and which art_bucket_insane() has passed. Before a key or
 * a suffix of it is looked at, ART_PART_SYMBOLS is there. */
static inline void art_bucket_view_open(struct art_bucket_view *view, const uint8_t *start,
                                        const struct art_blob *blob) {
    uint32_t n = start[0];
    uint8_t form = start[1];
    uint32_t width = form & ART_BUCKET_WIDE ? 2 : 1;
    assert(n && n <= ART_BUCKET_ENTRIES);
    view->start = start;
    view->count = n;
    view->form = form;
    view->prefix_len = art_load16(start + 2);
    uint32_t value_len = art_load16(start + 4);
    view->value_len = value_len & ~(uint32_t)ART_BUCKET_CODED;
    view->symbols = value_len & ART_BUCKET_CODED ? blob->symbols : NULL;
    const uint8_t *at = start + sizeof(struct art_bucket_header);
    view->first_bytes = at;
    view->shared = at += n;
    view->suffix_len = at += n * width;
    view->flags = at += n * width;
    if (form & ART_BUCKET_FLAGS) at += n;
    view->csns = at;
    at += n * art_csn_bytes(art_bucket_csn_code(form));
    view->value_ends = at;
    if (form & ART_BUCKET_LENGTHS) at += 2 * n;
    view->prefix = at;
    view->suffixes = at + view->prefix_len;
    view->values = view->suffixes + art_load16(start + 6);
}

/* The columns of one entry of the bucket. `shared`: bytes behind the prefix that it shares with the entry before;
 * `suffix_len`: bytes, or codes, behind these and its first byte. */
static inline uint32_t art_bucket_shared(const struct art_bucket_view *view, uint32_t entry) {
    assert(entry < view->count);
    return view->form & ART_BUCKET_WIDE ? art_load16(view->shared + 2 * entry) : view->shared[entry];
}

static inline uint32_t art_bucket_suffix_len(const struct art_bucket_view *view, uint32_t entry) {
    return view->form & ART_BUCKET_WIDE ? art_load16(view->suffix_len + 2 * entry) : view->suffix_len[entry];
}

static inline bool art_bucket_has_block(const struct art_bucket_view *view) {
    return ART_UNLIKELY(view->form & ART_BUCKET_BLOCK);
}

static inline struct art_bytes art_bucket_block(const struct art_bucket_view *view) {
    assert(art_bucket_has_block(view));
    return art_bytes(view->values, view->value_len);
}

/* In a bucket without a block. */
static inline struct art_bytes art_bucket_value(const struct art_bucket_view *view, uint32_t entry) {
    assert(entry < view->count && !art_bucket_has_block(view));
    if (!(view->form & ART_BUCKET_LENGTHS)) return art_bytes(view->values + entry * view->value_len, view->value_len);
    uint32_t from = entry ? art_load16(view->value_ends + 2 * entry - 2) : 0;
    return art_bytes(view->values + from, art_load16(view->value_ends + 2 * entry) - from);
}

static inline uint8_t art_bucket_flags(const struct art_bucket_view *view, uint32_t entry) {
    return view->form & ART_BUCKET_FLAGS ? view->flags[entry] : view->start[8];
}

static inline uint64_t art_bucket_csn_base(const struct art_bucket_view *view) {
    return art_load64(view->start + 8) >> 8;
}

static inline uint64_t art_bucket_csn(const struct art_bucket_view *view, uint32_t entry) {
    uint64_t base = art_bucket_csn_base(view);
    uint32_t code = art_bucket_csn_code(view->form);
    if (code == 0) return base;
    if (code == 1) return base + view->csns[entry];
    if (code == 2) return base + art_load16(view->csns + 2 * entry);
    if (code == 3) return base + art_load32(view->csns + 4 * entry);
    return base + art_load64(view->csns + 8 * entry);
}

/* All of an entry but its csn. */
static inline void art_bucket_place(const struct art_bucket_view *view, uint32_t entry, struct art_entry *out) {
    uint8_t flags = art_bucket_flags(view, entry);
    if (art_bucket_has_block(view)) {
        out->value = art_bucket_block(view);
        out->row = (uint8_t)entry;
        flags |= ART_IN_BLOCK;
    } else {
        out->value = art_bucket_value(view, entry);
    }
    out->flags = flags;
}

static inline void art_bucket_entry(const struct art_bucket_view *view, uint32_t entry, struct art_entry *out) {
    uint64_t csn = art_bucket_csn(view, entry);
    art_bucket_place(view, entry, out);
    out->csn = csn;
}

/* The flags of entries [from, to), into `out`, which is returned. */
static inline const uint8_t *art_bucket_flags_of(const struct art_bucket_view *view, uint32_t from, uint32_t to,
                                                 uint8_t out[ART_BUCKET_ENTRIES]) {
    for (uint32_t i = from; i < to; i++) out[i - from] = art_bucket_flags(view, i);
    return out;
}

/* Where the bucket's values end, or its block. */
static inline const uint8_t *art_bucket_values_end(const struct art_bucket_view *view) {
    if (art_bucket_has_block(view)) return view->values + view->value_len;
    struct art_bytes last = art_bucket_value(view, view->count - 1);
    return last.data + last.len;
}

/* Where suffix `entry` begins: the sum of the suffix lengths before it. */
static inline uint32_t art_bucket_suffix_at(const struct art_bucket_view *view, uint32_t entry) {
    assert(entry < view->count);
    if (ART_LIKELY(!(view->form & ART_BUCKET_WIDE))) return art_column_sum(view->suffix_len, view->count, entry);
    uint32_t at = 0;
    for (uint32_t i = 0; i < entry; i++) at += art_load16(view->suffix_len + 2 * i);
    return at;
}

/* Fetches the columns and suffixes of a bucket that is about to be searched, instead of one miss after another. */
static inline void art_bucket_prefetch(const uint8_t *start) {
    for (int line = 0; line < 12; line++) __builtin_prefetch(start + 64 * line);
}

/* First entry >= `from` with shared < depth, or shared == depth and first byte >= c; view->count if there is none. */
static inline uint32_t art_bucket_step(const struct art_bucket_view *view, uint32_t from, uint32_t depth, uint8_t c) {
    uint32_t n = view->count;
    assert(from < n);
    if (ART_UNLIKELY(view->form & ART_BUCKET_WIDE)) {
        for (; from < n; from++) {
            uint32_t shared = art_load16(view->shared + 2 * from);
            if (shared < depth || (shared == depth && view->first_bytes[from] >= c)) return from;
        }
        return n;
    }
    if (ART_UNLIKELY(depth > 255)) return from;
    for (uint32_t at = from & 64; at < n; at += 64) {
        uint64_t hit = art_columns_hit(view->shared + at, view->first_bytes + at, n - at, (uint8_t)depth, c);
        if (from > at) hit = hit >> (from - at) << (from - at);
        if (hit) {
            uint32_t entry = at + (uint32_t)__builtin_ctzll(hit);
            return entry < n ? entry : n;
        }
    }
    return n;
}

/* The last entry <= `from` that shares at most `depth` bytes; 0 if there is none. */
static inline uint32_t art_bucket_step_back(const struct art_bucket_view *view, uint32_t from, uint32_t depth) {
    assert(from < view->count);
    if (ART_UNLIKELY(view->form & ART_BUCKET_WIDE)) {
        while (from && art_load16(view->shared + 2 * from) > depth) from--;
        return from;
    }
    if (ART_UNLIKELY(depth > 255)) return from;
    for (uint32_t at = from & 64;; at = 0) {
        uint64_t hit = art_columns_hit(view->shared + at, view->first_bytes + at, view->count - at, (uint8_t)depth, 0);
        if (from < at + 63) hit &= ((uint64_t)2 << (from - at)) - 1;
        if (hit) return at + 63 - (uint32_t)__builtin_clzll(hit);
        if (!at) return 0;
    }
}

/* How many bytes the suffix of an entry has in common with the `left` bytes at `rest`, a part of a padded key. *order:
 * 0: the suffix ends there; <0: the rest ends first, or is less; >0: it is greater. */
ART_READS_PAST static inline uint32_t art_bucket_match(const struct art_bucket_view *view, uint32_t entry,
                                                       const uint8_t *rest, uint32_t left, int *order) {
    const uint8_t *suffix = view->suffixes + art_bucket_suffix_at(view, entry);
    uint32_t len = art_bucket_suffix_len(view, entry);
    if (view->symbols) return art_coded_prefix(view->symbols, suffix, len, rest, left, order);
    uint32_t same = art_common_prefix_padded(suffix, rest, art_min32(len, left));
    *order = same == len ? 0 : same == left || rest[same] < suffix[same] ? -1 : 1;
    return same;
}

_Static_assert((int)ART_SYMBOL_MAX <= (int)ART_KEY_PADDING, "a whole symbol is compared, or written, at a key's end");

/* First entry >= key, view->count if there is none. The first `known` bytes of key are known to be those of the
 * bucket's first key. */
static inline uint32_t art_bucket_search(const struct art_bucket_view *view, struct art_bytes key, uint32_t known,
                                         bool *exact) {
    uint32_t prefix_len = view->prefix_len, n = view->count;
    uint32_t common = art_min32(key.len, prefix_len), x = art_min32(known, common);
    *exact = false;
    x += art_common_prefix_padded(key.data + x, view->prefix + x, common - x);
    if (x < prefix_len) return x == key.len || key.data[x] < view->prefix[x] ? 0 : n;
    const uint8_t *rest = key.data + prefix_len;
    uint32_t rest_len = key.len - prefix_len, entry = view->form & ART_BUCKET_PREFIX_ENTRY ? 1 : 0, depth = 0;
    if (!rest_len) {
        *exact = entry == 1;
        return 0;
    }
    while (entry < n) {
        uint8_t c = rest[depth];
        entry = art_bucket_step(view, entry, depth, c);
        if (entry >= n) return n;
        if (art_bucket_shared(view, entry) < depth || view->first_bytes[entry] != c) return entry;
        int order;
        uint32_t left = rest_len - depth - 1;
        x = art_bucket_match(view, entry, rest + depth + 1, left, &order);
        if (order < 0) return entry;
        if (x == left) {
            *exact = true;
            return entry;
        }
        depth += 1 + x;
        entry++;
    }
    return n;
}

/* Sum of the weights of the entries before `entry`, and the weight of this one alone; in an index blob, of the counts
 * of their children. */
int64_t art_bucket_weights(const struct art_bucket_view *view, uint32_t entry, enum art_blob_kind kind);
int64_t art_bucket_weight(const struct art_bucket_view *view, uint32_t entry, enum art_blob_kind kind);

/* NULL, or what is wrong with the bucket in the `space` bytes at `start`. After it no read of the bucket leaves its
 * space (but for the padding of simd.h) and no key of it is longer than ART_KEY_MAX, whatever the bytes are. Order is
 * not looked at, nor what codes of suffixes stand for, which may not be there yet. `count` is what the rank directory
 * says. */
const char *art_bucket_insane(const uint8_t *start, uint32_t space, const struct art_blob *blob, uint32_t count);

/* *start: where bucket `bucket` lies, present and sane, as its symbols are; asks want() for all together. ART_OK;
 * ART_CORRUPT; ART_MISUSE: nobody can load it; or what want() said. */
enum art_rc art_bucket_fetch_slow(struct art_blob *blob, uint32_t bucket, const uint8_t **start);

/* The page in which the bucket lies; ART_BLOB_PAGES: in several. */
static inline uint32_t art_bucket_page(const struct art_blob *blob, uint32_t bucket) {
    uint32_t page = art_bucket_offset(blob, bucket) / ART_BLOB_PAGE;
    return (art_bucket_end(blob, bucket) - 1) / ART_BLOB_PAGE == page ? page : (uint32_t)ART_BLOB_PAGES;
}

/* The same, quick where the bucket lies in one page that is present. */
static inline enum art_rc art_bucket_fetch(struct art_blob *blob, uint32_t bucket, const uint8_t **start) {
    uint32_t at = art_bucket_offset(blob, bucket), page = at / ART_BLOB_PAGE;
    *start = blob->image + at;
    if (ART_LIKELY((art_bucket_end(blob, bucket) - 1) / ART_BLOB_PAGE == page && art_page_present(blob, page) &&
                   (!blob->symbols || art_blob_has_part(blob, ART_PART_SYMBOLS))))
        return ART_OK;
    return art_bucket_fetch_slow(blob, bucket, start);
}

/* Opens the bucket's view, loading what is missing. */
static inline enum art_rc art_bucket_open(struct art_blob *blob, uint32_t bucket, struct art_bucket_view *view) {
    const uint8_t *start;
    enum art_rc rc = art_bucket_fetch(blob, bucket, &start);
    if (!rc) art_bucket_view_open(view, start, blob);
    return rc;
}

/* Index blobs: the reference to a child in an open bucket; borrows from the image. ART_CORRUPT: it is none. */
enum art_rc art_bucket_child(const struct art_blob *blob, const struct art_bucket_view *view, uint32_t bucket,
                             uint32_t entry, struct art_ref *out);

#endif
