/* The bucket that is being filled: columns in memory, and their way into a page. */
#include <assert.h>

#include "core/base/limits.h"
#include "core/blob/bucket.h"
#include "core/blob/builder_internal.h"

_Static_assert(ART_LIMIT_MOST(bucket_entries) <= (int)ART_BUCKET_ENTRIES, "the format has so many");

/* Columns of the pending bucket have 16 bits, and those of a page 16 or 8 (`wide`, which goes by the longer of a suffix
 * plain and coded until it is decided which is written). */
_Static_assert(ART_BLOCK_PLAIN_MAX <= UINT16_MAX, "where a value ends, in memory");
_Static_assert(UINT16_MAX / ART_CODES_PER_BYTE >= ART_NAMES_MAX, "the codes of a suffix");
_Static_assert(ART_KEY_MAX <= UINT16_MAX, "what a key shares, and the suffix of one that crosses pages");

static uint32_t csn_code(uint64_t spread) {
    if (!spread) return 0;
    return spread < 1u << 8 ? 1 : spread < 1u << 16 ? 2 : spread < 1ull << 32 ? 3 : 4;
}

static void measure_row(struct art_bucket_shape *shape) {
    shape->row = (shape->wide ? 5 : 3) + !shape->same_flags +
                 art_csn_bytes(csn_code(shape->csn_most - shape->csn_least)) + (shape->same_length ? 0 : 2);
}

/* The first key's bytes are counted whole, which is one too many when it goes beyond the prefix. */
static uint32_t size_of(uint32_t row, uint32_t n, uint32_t bytes) {
    return ((uint32_t)sizeof(struct art_bucket_header) + n * row + bytes + ART_BUCKET_ALIGN - 1) &
           ~(uint32_t)(ART_BUCKET_ALIGN - 1);
}

static uint32_t prefix_length(const struct art_pending *pending) {
    return art_min32(pending->first_len, pending->shape.least_shared);
}

/* Of the first key, behind the prefix and its first byte. */
static uint32_t first_suffix_len(const struct art_pending *pending, uint32_t prefix_len) {
    return pending->first_len > prefix_len ? pending->first_len - prefix_len - 1 : 0;
}

uint32_t art_pending_size_with(const struct art_pending *pending, uint32_t block_len) {
    uint32_t row = pending->shape.row - (pending->shape.same_length ? 0 : 2);
    return size_of(row, pending->count, pending->key_bytes + block_len);
}

uint32_t art_pending_size_of_keys(const struct art_pending *pending) {
    return art_pending_size_with(pending, 0);
}

uint32_t art_pending_size(const struct art_pending *pending) {
    if (pending->block.len) return art_pending_size_with(pending, pending->block.len);
    return size_of(pending->shape.row, pending->count, pending->key_bytes + pending->value_bytes);
}

static struct art_bucket_shape shape_of_first(const struct art_pending *pending) {
    return (struct art_bucket_shape){.same_length = true,
                                     .same_flags = true,
                                     .row = 3,
                                     .least_shared = UINT32_MAX,
                                     .csn_least = pending->csn[0],
                                     .csn_most = pending->csn[0]};
}

uint32_t art_pending_size_of_first(const struct art_pending *pending) {
    return size_of(shape_of_first(pending).row, 1, pending->first_len + pending->value_end[0]);
}

static void note_arrival_summed(struct art_pending *pending, const struct art_arrival *arrival, uint32_t known) {
    struct art_summed *summed = &pending->summed;
    const struct art_summary *summary = arrival->summary;
    struct art_datum data[ART_SUMMARY_MAX];
    if (arrival->summed) {
        art_summed_add(summary->has, summed, arrival->summed);
        return;
    }
    art_summary_add(summary, arrival->key, arrival->entry, summed->sum, summed->zone, pending->texts, data);
    if (art_measures_fields(summary->has))
        art_terms_add(&pending->terms, summary, arrival->key, known, arrival->entry, data);
}

/* What of an entry the first one of a bucket has, too. `known`: bytes of its key that another one of the bucket has. */
static void append_entry(struct art_pending *pending, const struct art_arrival *arrival, uint32_t known) {
    const struct art_entry *entry = arrival->entry;
    uint32_t n = pending->count++, label = art_min32(arrival->label.len, pending->label_shared);
    assert(n < ART_BUCKET_ENTRIES && entry->value.len <= sizeof pending->values - pending->value_bytes);
    pending->flags[n] = entry->flags;
    pending->csn[n] = entry->csn;
    if (entry->value.len) memcpy(pending->values + pending->value_bytes, entry->value.data, entry->value.len);
    pending->value_bytes += entry->value.len;
    pending->value_end[n] = (uint16_t)pending->value_bytes;
    if (pending->blocks) return;
    pending->sum += arrival->weight;
    pending->odd_weight |= arrival->weight != 1;
    pending->below += arrival->below;
    struct art_bounds *bounds = &pending->bounds;
    if (arrival->csn_max > bounds->csn_max) bounds->csn_max = arrival->csn_max;
    if (arrival->key_max > bounds->key_max) bounds->key_max = (uint16_t)arrival->key_max;
    bounds->overflows += arrival->overflows > 0;
    pending->overflows += arrival->overflows;
    if (arrival->summary) note_arrival_summed(pending, arrival, known);
    pending->label_shared = art_common_prefix(arrival->label.data, pending->first_key, label);
}

/* Back to nothing that is said of all entries. */
static void reset_totals(struct art_pending *pending, const struct art_summary *summary) {
    pending->odd_weight = false;
    pending->sum = 0;
    pending->below = pending->overflows = 0;
    pending->bounds = (struct art_bounds){0};
    if (!summary) return;
    pending->summed = (struct art_summed){0};
    memset(pending->texts, 0, sizeof pending->texts);
    art_terms_reset(&pending->terms);
}

void art_pending_begin(struct art_pending *pending, const struct art_arrival *arrival, bool blocks,
                       struct art_coding *coding) {
    struct art_bytes key = arrival->key;
    assert(!pending->count && !pending->behind && key.len <= ART_KEY_MAX);
    pending->alone = false;
    pending->blocks = blocks;
    pending->block = art_bytes(NULL, 0);
    pending->coding = coding;
    pending->coded = false;
    pending->first_len = pending->label_shared = pending->key_bytes = key.len;
    if (key.len) memcpy(pending->first_key, key.data, key.len);
    pending->suffix_bytes = pending->coded_bytes = pending->value_bytes = 0;
    if (!blocks) reset_totals(pending, arrival->summary);
    append_entry(pending, arrival, 0);
    pending->shape = shape_of_first(pending);
}

/* What the shape knows of one more entry. `suffix_len`: the longer of plain and coded. */
struct one_more {
    uint32_t shared, suffix_len, value_len;
    uint8_t flags;
    uint64_t csn;
};

/* Most entries are as others before them were. */
static inline bool keeps_shape(const struct art_bucket_shape *shape, const struct art_pending *pending,
                               const struct one_more *entry) {
    return entry->csn >= shape->csn_least && entry->csn <= shape->csn_most && entry->shared >= shape->least_shared &&
           entry->shared <= shape->most_shared && (entry->suffix_len <= 255 || shape->wide) &&
           (entry->value_len == pending->value_end[0] || !shape->same_length) &&
           (entry->flags == pending->flags[0] || !shape->same_flags);
}

/* Makes the shape that of one more entry. What the first suffix would be coded is not known, nor more than twice its
 * bytes. */
static void widen_shape(struct art_bucket_shape *shape, const struct art_pending *pending,
                        const struct one_more *entry) {
    shape->same_length &= entry->value_len == pending->value_end[0];
    shape->same_flags &= entry->flags == pending->flags[0];
    if (entry->csn < shape->csn_least) shape->csn_least = entry->csn;
    if (entry->csn > shape->csn_most) shape->csn_most = entry->csn;
    if (entry->shared < shape->least_shared) shape->least_shared = entry->shared;
    if (entry->shared > shape->most_shared) shape->most_shared = entry->shared;
    shape->wide |= entry->suffix_len > 255 || shape->most_shared - shape->least_shared > 255 ||
                   pending->first_len > shape->least_shared + (pending->coding ? 128 : 256);
    measure_row(shape);
}

/* Of entry i, which lies there; its codes go behind those that are counted. Its bytes coded, or plain without. */
static uint32_t encode_suffix(struct art_pending *pending, uint32_t i, const uint8_t *suffix, uint32_t len) {
    if (!pending->coding) return len;
    uint32_t coded =
        art_encode(&pending->coding->encoder, suffix, len, pending->coding->suffixes + pending->coded_bytes);
    assert(coded <= ART_CODES_PER_BYTE * len);
    pending->coded_len[i] = (uint16_t)coded;
    return coded;
}

bool art_pending_add(struct art_pending *pending, const struct art_arrival *arrival, uint32_t limit) {
    const struct art_entry *entry = arrival->entry;
    uint32_t n = pending->count, shared = arrival->shared, suffix_len = arrival->key.len - shared - 1;
    uint32_t names = pending->suffix_bytes + suffix_len, values = pending->value_bytes + entry->value.len;
    struct art_bucket_shape wider, *shape = &pending->shape;
    assert(n && shared < arrival->key.len);
    if (n == ART_LIMIT(bucket_entries) || names > ART_NAMES_MAX) return false;
    if (pending->blocks ? values > ART_BLOCK_PLAIN_MAX : names + values > limit) return false;
    if (pending->coding && (arrival->key.len > ART_BLOB_PAGE || pending->first_len > ART_BLOB_PAGE)) return false;
    uint8_t *suffix = pending->suffixes + pending->suffix_bytes; /* keys are not readable past their end, these are */
    memcpy(suffix, arrival->key.data + shared + 1, suffix_len);
    uint32_t coded = encode_suffix(pending, n, suffix, suffix_len);
    struct one_more more = {shared, coded > suffix_len ? coded : suffix_len, entry->value.len, entry->flags,
                            entry->csn};
    if (!keeps_shape(shape, pending, &more)) {
        wider = pending->shape;
        shape = &wider;
        widen_shape(shape, pending, &more);
    }
    if (pending->coding) names = art_min32(names, pending->coded_bytes + coded);
    uint32_t bytes = pending->first_len + names;
    if (size_of(shape->row, n + 1, pending->blocks ? bytes : bytes + values) > limit) return false;
    if (shape == &wider) pending->shape = wider;
    pending->shared[n] = (uint16_t)shared;
    pending->suffix_len[n] = (uint16_t)suffix_len;
    pending->first_byte[n] = arrival->key.data[shared];
    pending->suffix_bytes += suffix_len;
    pending->coded_bytes += coded;
    pending->key_bytes = bytes;
    append_entry(pending, arrival, shared);
    return true;
}

/* --- with symbols ------------------------------------------------------------------------------------------------- */

/* What is not known of the bucket before it is decided. */
static void undecide(struct art_pending *pending) {
    pending->coded = false;
    pending->key_bytes = pending->first_len + art_min32(pending->suffix_bytes, pending->coded_bytes);
}

static bool any_is_wide(const uint16_t *lengths, uint32_t n) {
    uint32_t all = 0;
    for (uint32_t i = 0; i < n; i++) all |= lengths[i];
    return all > 255;
}

void art_pending_decide(struct art_pending *pending) {
    struct art_coding *coding = pending->coding;
    struct art_bucket_shape *shape = &pending->shape;
    uint32_t prefix_len = prefix_length(pending), plain = first_suffix_len(pending, prefix_len), coded;
    pending->suffix_len[0] = (uint16_t)plain;
    if (!coding || pending->count < 2) return;
    assert(pending->first_len <= ART_BLOB_PAGE);
    coded = plain ? art_encode(&coding->encoder, pending->first_key + prefix_len + 1, plain, coding->first) : 0;
    pending->coded_len[0] = (uint16_t)coded;
    plain += pending->suffix_bytes;
    coded += pending->coded_bytes;
    pending->coded = coded < plain;
    pending->key_bytes = prefix_len + (pending->first_len > prefix_len ? 1 : 0) + (pending->coded ? coded : plain);
    shape->wide = shape->most_shared - shape->least_shared > 255 ||
                  any_is_wide(pending->coded ? pending->coded_len : pending->suffix_len, pending->count);
    measure_row(shape);
}

void art_pending_recode(struct art_pending *pending, struct art_coding *coding) {
    uint32_t all = pending->count + pending->behind;
    const uint8_t *suffix = pending->suffixes;
    pending->coding = coding;
    pending->coded_bytes = 0;
    for (uint32_t i = 1; i < all; i++) {
        pending->coded_bytes += encode_suffix(pending, i, suffix, pending->suffix_len[i]);
        suffix += pending->suffix_len[i];
    }
    art_pending_cut(pending, all);
}

/* --- with blocks -------------------------------------------------------------------------------------------------- */

static uint32_t coded_len(const struct art_pending *pending, uint32_t i) {
    return pending->coding ? pending->coded_len[i] : pending->suffix_len[i];
}

static void widen_shape_by(struct art_bucket_shape *shape, const struct art_pending *pending, uint32_t i) {
    uint32_t plain = pending->suffix_len[i], coded = coded_len(pending, i);
    struct one_more entry = {pending->shared[i], coded > plain ? coded : plain,
                             (uint32_t)pending->value_end[i] - pending->value_end[i - 1], pending->flags[i],
                             pending->csn[i]};
    widen_shape(shape, pending, &entry);
}

void art_pending_cut(struct art_pending *pending, uint32_t count) {
    assert(pending->blocks && count && count <= pending->count + pending->behind);
    pending->behind += pending->count - count;
    pending->count = count;
    pending->shape = shape_of_first(pending);
    pending->suffix_bytes = pending->coded_bytes = 0;
    for (uint32_t i = 1; i < count; i++) {
        widen_shape_by(&pending->shape, pending, i);
        pending->suffix_bytes += pending->suffix_len[i];
        pending->coded_bytes += coded_len(pending, i);
    }
    pending->value_bytes = pending->value_end[count - 1];
    undecide(pending);
}

uint32_t art_pending_plain_fit(const struct art_pending *pending, uint32_t limit) {
    struct art_bucket_shape shape = shape_of_first(pending);
    uint32_t plain = pending->first_len, coded = 0, all = pending->count + pending->behind, n = 1;
    if (art_pending_size_of_first(pending) > limit) return 0;
    for (; n < all; n++) {
        widen_shape_by(&shape, pending, n);
        plain += pending->suffix_len[n];
        coded += coded_len(pending, n);
        uint32_t first =
            pending->first_len + first_suffix_len(pending, art_min32(pending->first_len, shape.least_shared));
        uint32_t keys = pending->coding ? art_min32(plain, first + coded) : plain;
        if (size_of(shape.row, n + 1, keys + pending->value_end[n]) > limit) break;
    }
    return n;
}

/* The keys of a bucket of two or more entries, and those behind it, lie in a page: art_pending_add() takes no longer
 * one where suffixes may be coded, and else all of its bytes count. */
struct walked_key {
    uint32_t len, suffix_at;
    uint8_t bytes[ART_BLOB_PAGE];
};

static void walk_to_first(struct walked_key *key, const struct art_pending *pending) {
    assert(pending->first_len <= sizeof key->bytes);
    key->len = pending->first_len;
    key->suffix_at = 0;
    if (key->len) memcpy(key->bytes, pending->first_key, key->len);
}

static void walk_on(struct walked_key *key, const struct art_pending *pending, uint32_t i) {
    uint32_t shared = pending->shared[i], suffix_len = pending->suffix_len[i];
    assert(shared + 1 + suffix_len <= sizeof key->bytes);
    key->bytes[shared] = pending->first_byte[i];
    memcpy(key->bytes + shared + 1, pending->suffixes + key->suffix_at, suffix_len);
    key->suffix_at += suffix_len;
    key->len = shared + 1 + suffix_len;
}

static void sum_up_values(struct art_pending *pending, const struct art_summary *summary) {
    bool keys = (summary->has.searches & ART_SEARCH_KEY || summary->keyed) && pending->count > 1;
    uint32_t from = 0;
    struct walked_key key;
    if (keys) walk_to_first(&key, pending);
    for (uint32_t i = 0; i < pending->count; i++) {
        struct art_entry entry = {.value = art_bytes(pending->values + from, pending->value_end[i] - from),
                                  .flags = pending->flags[i]};
        struct art_arrival arrival = {
            .entry = &entry, .summary = summary, .key = art_bytes(pending->first_key, pending->first_len)};
        if (i && keys) {
            walk_on(&key, pending, i);
            arrival.key = art_bytes(key.bytes, key.len);
        }
        note_arrival_summed(pending, &arrival, i ? pending->shared[i] : 0);
        from = pending->value_end[i];
    }
}

void art_pending_sum_up(struct art_pending *pending, const struct art_summary *summary) {
    struct art_bounds *bounds = &pending->bounds;
    assert(pending->blocks);
    reset_totals(pending, summary);
    pending->sum = pending->count;
    pending->below = pending->count;
    bounds->csn_max = pending->shape.csn_most;
    bounds->key_max = (uint16_t)pending->first_len;
    for (uint32_t i = 0; i < pending->count; i++) {
        uint32_t key_len = i ? pending->shared[i] + 1u + pending->suffix_len[i] : pending->first_len;
        assert(art_entry_weight(pending->flags[i]) == 1);
        if (key_len > bounds->key_max) bounds->key_max = (uint16_t)key_len;
        bounds->overflows += pending->flags[i] & ART_OVERFLOW ? 1 : 0;
    }
    pending->overflows = bounds->overflows;
    if (summary) sum_up_values(pending, summary);
}

void art_pending_follow(struct art_pending *pending, struct art_key_copy *last) {
    uint32_t n = pending->count, rest = pending->behind, values_from = pending->value_end[n - 1];
    struct walked_key key;
    assert(pending->blocks && rest);
    uint32_t coded_at = pending->coded_bytes + coded_len(pending, n);
    walk_to_first(&key, pending);
    for (uint32_t i = 1; i < n; i++) walk_on(&key, pending, i);
    art_key_copy_set(last, key.bytes, key.len);
    walk_on(&key, pending, n);
    memcpy(pending->first_key, key.bytes, key.len);
    pending->first_len = pending->label_shared = key.len;
    memmove(pending->shared, pending->shared + n, rest * sizeof *pending->shared);
    memmove(pending->suffix_len, pending->suffix_len + n, rest * sizeof *pending->suffix_len);
    memmove(pending->coded_len, pending->coded_len + n, rest * sizeof *pending->coded_len);
    memmove(pending->first_byte, pending->first_byte + n, rest);
    memmove(pending->flags, pending->flags + n, rest);
    memmove(pending->csn, pending->csn + n, rest * sizeof *pending->csn);
    for (uint32_t i = 0; i < rest; i++) pending->value_end[i] = (uint16_t)(pending->value_end[n + i] - values_from);
    memmove(pending->values, pending->values + values_from, pending->value_end[rest - 1]);
    pending->count = rest;
    pending->behind = 0;
    pending->block = art_bytes(NULL, 0);
    pending->alone = false;
    art_pending_cut(pending, rest);
    memmove(pending->suffixes, pending->suffixes + key.suffix_at, pending->suffix_bytes);
    if (pending->coding) memmove(pending->coding->suffixes, pending->coding->suffixes + coded_at, pending->coded_bytes);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static uint8_t *put_key_columns(const struct art_pending *pending, uint8_t *out, uint32_t prefix_len,
                                uint32_t first_suffix) {
    uint32_t n = pending->count;
    const uint16_t *suffix_len = pending->coded ? pending->coded_len : pending->suffix_len;
    bool prefix_entry = pending->first_len == prefix_len;
    memcpy(out, pending->first_byte, n);
    out[0] = prefix_entry ? 0 : pending->first_key[prefix_len];
    out += n;
    if (!pending->shape.wide) {
        out[0] = 0;
        for (uint32_t i = 1; i < n; i++) out[i] = (uint8_t)(pending->shared[i] - prefix_len);
        out += n;
        out[0] = (uint8_t)first_suffix;
        for (uint32_t i = 1; i < n; i++) out[i] = (uint8_t)suffix_len[i];
        return out + n;
    }
    art_store16(out, 0);
    for (uint32_t i = 1; i < n; i++) art_store16(out + 2 * i, pending->shared[i] - prefix_len);
    out += 2 * n;
    art_store16(out, first_suffix);
    for (uint32_t i = 1; i < n; i++) art_store16(out + 2 * i, suffix_len[i]);
    return out + 2 * n;
}

static uint8_t *put_csns(const struct art_pending *pending, uint8_t *out, uint32_t code) {
    const uint64_t *csn = pending->csn;
    uint64_t base = pending->shape.csn_least;
    uint32_t n = pending->count;
    assert(n && csn[0] >= base);
    switch (code) {
    case 0:
        break;
    case 1:
        for (uint32_t i = 0; i < n; i++) out[i] = (uint8_t)(csn[i] - base);
        break;
    case 2:
        for (uint32_t i = 0; i < n; i++) art_store16(out + 2 * i, (uint32_t)(csn[i] - base));
        break;
    case 3:
        for (uint32_t i = 0; i < n; i++) art_store32(out + 4 * i, (uint32_t)(csn[i] - base));
        break;
    default:
        for (uint32_t i = 0; i < n; i++) art_store64(out + 8 * i, csn[i] - base);
    }
    return out + n * art_csn_bytes(code);
}

/* The first key's suffix, and those of the others, which follow it. */
static void suffixes_of(const struct art_pending *pending, uint32_t prefix_len, struct art_bytes *first,
                        struct art_bytes *others) {
    uint32_t len = first_suffix_len(pending, prefix_len);
    *first = art_bytes(pending->first_key + pending->first_len - len, len);
    *others = art_bytes(pending->suffixes, pending->suffix_bytes);
    if (!pending->coded) return;
    *first = art_bytes(pending->coding->first, pending->coded_len[0]);
    *others = art_bytes(pending->coding->suffixes, pending->coded_bytes);
}

static uint8_t *lay_bytes(uint8_t *out, struct art_bytes bytes) {
    memcpy(out, bytes.data, bytes.len);
    return out + bytes.len;
}

uint32_t art_pending_write(const struct art_pending *pending, uint8_t *out) {
    const struct art_bucket_shape *shape = &pending->shape;
    uint32_t n = pending->count, code = csn_code(shape->csn_most - shape->csn_least);
    uint32_t prefix_len = prefix_length(pending);
    bool prefix_entry = pending->first_len == prefix_len;
    struct art_bytes first, others;
    suffixes_of(pending, prefix_len, &first, &others);
    bool has_block = pending->block.len, lengths = !shape->same_length && !has_block;
    struct art_bucket_header header = {
        .count = (uint8_t)n,
        .form = (uint8_t)((shape->wide ? ART_BUCKET_WIDE : 0) | (lengths ? ART_BUCKET_LENGTHS : 0) |
                          (shape->same_flags ? 0 : ART_BUCKET_FLAGS) | (prefix_entry ? ART_BUCKET_PREFIX_ENTRY : 0) |
                          (code << ART_BUCKET_CSN_SHIFT) | (has_block ? ART_BUCKET_BLOCK : 0)),
        .prefix_len = (uint16_t)prefix_len,
        .value_len = has_block ? (uint16_t)pending->block.len
                     : lengths ? 0
                               : pending->value_end[0],
        .suffix_size = (uint16_t)(first.len + others.len),
        .base = shape->csn_least << 8 | pending->flags[0],
    };
    /* A value or block has less, and so have suffixes: those of several entries lie in a page, one is of a key. */
    assert(header.value_len < ART_BUCKET_CODED && first.len + others.len <= UINT16_MAX);
    if (pending->coded) header.value_len |= ART_BUCKET_CODED;
    if (!shape->same_flags) header.base = shape->csn_least << 8;
    memcpy(out, &header, sizeof header);
    uint8_t *at = put_key_columns(pending, out + sizeof header, prefix_len, first.len);
    if (!shape->same_flags) {
        memcpy(at, pending->flags, n);
        at += n;
    }
    at = put_csns(pending, at, code);
    if (lengths) {
        memcpy(at, pending->value_end, 2 * n);
        at += 2 * n;
    }
    at = lay_bytes(at, art_bytes(pending->first_key, prefix_len));
    at = lay_bytes(at, first);
    at = lay_bytes(at, others);
    at = lay_bytes(at, has_block ? pending->block : art_bytes(pending->values, pending->value_bytes));
    uint32_t used = (uint32_t)(at - out), size = (used + ART_BUCKET_ALIGN - 1) & ~(uint32_t)(ART_BUCKET_ALIGN - 1);
    assert(size <= art_pending_size(pending));
    memset(at, 0, size - used);
    return size;
}
