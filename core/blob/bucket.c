/* What is not done for every search: weights inside a bucket, sanity, and fetching a bucket whose pages are missing. */
#include "core/blob/bucket.h"

#include <assert.h>

#include "core/base/error.h"

static int64_t child_count(const struct art_bucket_view *view, uint32_t entry) {
    return (int64_t)art_load64(art_bucket_value(view, entry).data + offsetof(struct art_ref_format, count));
}

int64_t art_bucket_weight(const struct art_bucket_view *view, uint32_t entry, enum art_blob_kind kind) {
    return kind == ART_BLOB_LEAF ? art_entry_weight(art_bucket_flags(view, entry)) : child_count(view, entry);
}

/* A weight is 1 - delete - shadows_older: the sum is the number of entries less the number of those two bits. */
static int64_t leaf_weights(const uint8_t *flags, uint32_t n) {
    const uint64_t bits = (ART_DELETE | ART_SHADOWS_OLDER) * 0x0101010101010101ull;
    int64_t sum = n;
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) sum -= __builtin_popcountll(art_load64(flags + i) & bits);
    for (; i < n; i++) sum -= __builtin_popcount(flags[i] & (ART_DELETE | ART_SHADOWS_OLDER));
    return sum;
}

int64_t art_bucket_weights(const struct art_bucket_view *view, uint32_t entry, enum art_blob_kind kind) {
    assert(entry <= view->count);
    if (kind == ART_BLOB_LEAF) {
        if (view->form & ART_BUCKET_FLAGS) return leaf_weights(view->flags, entry);
        return (int64_t)entry * art_entry_weight(view->start[8]);
    }
    uint64_t sum = 0; /* unsigned: hostile counts may overflow */
    for (uint32_t i = 0; i < entry; i++) sum += (uint64_t)child_count(view, i);
    return (int64_t)sum;
}

enum art_rc art_bucket_child(const struct art_blob *blob, const struct art_bucket_view *view, uint32_t bucket,
                             uint32_t entry, struct art_ref *out) {
    assert(blob->kind == ART_BLOB_INDEX && entry < view->count);
    enum art_rc rc = art_ref_decode(art_bucket_value(view, entry), out);
    if (!rc && art_ref_is_child(blob, out)) return ART_OK;
    return art_corrupt(blob->file, blob->slot, (uint32_t)(view->start - blob->image) / ART_BLOB_PAGE,
                       "bucket %u, entry %u: not a reference to a child", bucket, entry);
}

/* Of coded suffixes the columns alone: to decode all would take more time than all else that is looked at. A code
 * brings ART_SYMBOL_MAX bytes at most, so whatever they are, none is written behind ART_KEY_MAX. An entry may claim to
 * share more bytes than its predecessor has: a walk notices that, elsewhere the gap is filled with ones (cursor.c). */
static const char *insane_coded_keys(const struct art_bucket_view *view, uint32_t suffix_size) {
    uint32_t last = view->count - 1, longest = 0;
    for (uint32_t i = 0; view->form & ART_BUCKET_WIDE && i <= last; i++) { /* else both are bytes */
        uint32_t len = art_bucket_shared(view, i) + 1 + ART_SYMBOL_MAX * art_bucket_suffix_len(view, i);
        longest = len > longest ? len : longest;
    }
    _Static_assert((int)ART_BLOB_PAGE + (1 + ART_SYMBOL_MAX) * 256 <= ART_KEY_MAX, "bytes bring no more");
    if (art_bucket_shared(view, 0) || view->prefix_len + longest > ART_KEY_MAX)
        return "a key shares more than its predecessor has";
    uint32_t sum = art_bucket_suffix_at(view, last) + art_bucket_suffix_len(view, last);
    return sum == suffix_size ? NULL : "the suffixes do not fill their place";
}

static const char *insane_keys(const struct art_bucket_view *view, uint32_t suffix_size) {
    uint32_t len = 0, sum = 0;
    bool wrong = art_bucket_shared(view, 0) != 0;
    if (view->form & ART_BUCKET_PREFIX_ENTRY) {
        wrong |= art_bucket_suffix_len(view, 0) != 0;
        sum = 0;
    } else {
        sum = art_bucket_suffix_len(view, 0);
        len = 1 + sum;
        wrong |= view->prefix_len + len > ART_KEY_MAX;
    }
    for (uint32_t i = 1; i < view->count; i++) {
        uint32_t shared = art_bucket_shared(view, i), suffix = art_bucket_suffix_len(view, i);
        wrong |= shared > len;
        len = shared + 1 + suffix;
        sum += suffix;
        wrong |= view->prefix_len + len > ART_KEY_MAX;
    }
    if (wrong) return "a key shares more than its predecessor has";
    return sum == suffix_size ? NULL : "the suffixes do not fill their place";
}

static const char *insane_values(const struct art_bucket_view *view, uint32_t space, const struct art_blob *blob) {
    bool index = blob->kind == ART_BLOB_INDEX;
    uint32_t least = index ? ART_REF_FIXED_BYTES + art_summed_bytes(blob->has) : 0, end = 0;
    uint32_t most = index ? ART_REF_MAX : ART_STORED_MAX;
    if (!(view->form & ART_BUCKET_LENGTHS)) {
        if (view->value_len < least || view->value_len > most)
            return "a value that is too short or too long for its kind";
        end = view->count * view->value_len;
    } else {
        for (uint32_t i = 0; i < view->count; i++) {
            uint32_t next = art_load16(view->value_ends + 2 * i);
            if (next < end + least || next > end + most) return "a value that is too short or too long for its kind";
            end = next;
        }
    }
    return end <= space ? NULL : "the values do not fit";
}

static const char *insane_block(const struct art_bucket_view *view, uint32_t space) {
    return view->value_len > space ? "the block does not fit"
                                   : art_codec()->insane(art_bucket_block(view), view->count);
}

static const char *insane_flags(const struct art_bucket_view *view) {
    uint32_t all = 0;
    if (view->form & ART_BUCKET_FLAGS) {
        for (uint32_t i = 0; i < view->count; i++) all |= view->flags[i];
    } else {
        all = view->start[8];
    }
    if (all & ~(uint32_t)ART_ENTRY_FLAGS) return "unknown flags";
    if (art_bucket_has_block(view))
        return all & ~(uint32_t)(ART_OVERFLOW | ART_CHUNK) ? "something else than first puts in a block" : NULL;
    for (uint32_t i = 0; all & ART_REPLACED && i < view->count; i++) {
        uint8_t flags = art_bucket_flags(view, i);
        if (flags & ART_REPLACED && !art_entry_is_sane(flags, art_bucket_value(view, i)))
            return "an entry whose value contradicts its flags";
    }
    return NULL;
}

const char *art_bucket_insane(const uint8_t *start, uint32_t space, const struct art_blob *blob, uint32_t count) {
    if (space < sizeof(struct art_bucket_header)) return "a bucket without space";
    uint32_t n = start[0], form = start[1], code = art_bucket_csn_code((uint8_t)form);
    if (n != count) return "a bucket's number of entries is not that of the directory";
    bool wrong_block = form & ART_BUCKET_BLOCK && (!blob->blocks || form & ART_BUCKET_LENGTHS);
    bool wrong_codes = art_load16(start + 4) & ART_BUCKET_CODED && (!blob->symbols || n < 2);
    if (!n || n > ART_BUCKET_ENTRIES || code > 4 || wrong_block || wrong_codes) return "a bucket of an unknown form";
    uint32_t columns = n * (form & ART_BUCKET_WIDE ? 5 : 3) + (form & ART_BUCKET_FLAGS ? n : 0) +
                       n * art_csn_bytes(code) + (form & ART_BUCKET_LENGTHS ? 2 * n : 0);
    uint32_t prefix_len = art_load16(start + 2), suffix_size = art_load16(start + 6);
    uint64_t used = sizeof(struct art_bucket_header) + (uint64_t)columns + prefix_len + suffix_size;
    if (used > space) return "a bucket larger than its space";
    if (prefix_len < blob->label_len) return "a bucket's prefix is shorter than the label";
    struct art_bucket_view view;
    art_bucket_view_open(&view, start, blob);
    assert(!view.symbols || space <= ART_BLOB_PAGE); /* of several entries: the directory has been looked at */
    const char *wrong = view.symbols ? insane_coded_keys(&view, suffix_size) : insane_keys(&view, suffix_size);
    uint32_t left = space - (uint32_t)used;
    if (!wrong) wrong = art_bucket_has_block(&view) ? insane_block(&view, left) : insane_values(&view, left, blob);
    if (!wrong) wrong = insane_flags(&view);
    return wrong;
}

enum art_rc art_blob_want_pages(struct art_blob *blob, const struct art_pages *pages) {
    if (art_pages_are_present(blob, pages)) return ART_OK;
    if (!blob->want)
        return art_fail(ART_MISUSE, "art: pages of slot %u are not loaded and nobody can load them", blob->slot);
    enum art_rc rc = blob->want(blob, pages, ART_POINT);
    if (rc || art_pages_are_present(blob, pages)) return rc;
    return art_fail(ART_MISUSE, "art: a page of slot %u was not loaded when asked for", blob->slot);
}

enum art_rc art_bucket_fetch_slow(struct art_blob *blob, uint32_t bucket, const uint8_t **start) {
    uint32_t at = art_bucket_offset(blob, bucket), end = art_bucket_end(blob, bucket);
    uint32_t first = at / ART_BLOB_PAGE, last = (end - 1) / ART_BLOB_PAGE;
    struct art_pages pages = art_pages_of(first, last - first + 1);
    assert(last < blob->leaf_pages);
    enum art_rc rc = art_blob_want_with_symbols(blob, pages);
    if (rc) return rc;
    *start = blob->image + at;
    if (first == last) return ART_OK;
    const char *wrong =
        art_bucket_insane(*start, end - at, blob, art_bucket_rank(blob, bucket + 1) - art_bucket_rank(blob, bucket));
    return wrong ? art_corrupt(blob->file, blob->slot, first, "bucket %u: %s", bucket, wrong) : ART_OK;
}
