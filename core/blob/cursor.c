/* A position in a blob, and the ways to move it.
 *
 * The key is kept whole in the caller's buffer and changed as little as possible: next() writes the bytes behind what
 * two neighbours share, prev() fetches those that are missing from the nearest entries before. Keys are written front
 * to back, since a short copy may spoil up to 16 bytes behind its end.
 *
 * A walk ascends, or (prev) descends, with every step, whatever the bytes are: a forged blob, with its keys in no order
 * and its hashes right, ends it with ART_CORRUPT. Within a bucket one byte tells: the first that two neighbours do not
 * share.
 *
 * Who wants many entries of a bucket takes them as a stretch, and moves the number `entry` alone. The key then stays
 * behind, at the entry `keyed`, until somebody asks for it; where nobody does, the walk leaves the bucket without it,
 * and what has to ascend is the keys that were seen.
 *
 *     shared     0  9 11  9  9  4  9  7      stretch from entry 0 with most = 5: four entries, since the fifth shares
 *     entry      0  1  2  3  4  5  6  7      only 4 bytes with the one before it
 *     chosen           x     x        x      of these, two that the host has chosen
 *
 * Where the host chooses among the rows of blocks (art_limits.choose), or a lookup among all, that is done when a walk
 * comes to a bucket, and when it leaves one that a search has led to. A bucket of which none is chosen costs no key.
 */
#include <assert.h>

#include "core/base/error.h"
#include "core/blob/cursor.h"
#include "core/blob/routing.h"
#include "core/blob/search.h"

void art_blob_cursor_init(struct art_blob_cursor *cursor, struct art_blob *blob, uint8_t *key_buffer) {
    memset(cursor, 0, sizeof *cursor);
    assert(key_buffer);
    cursor->blob = blob;
    cursor->key = key_buffer;
}

enum art_rc art_blob_cursor_limit(struct art_blob_cursor *cursor, const struct art_limits *limits) {
    cursor->limits = limits;
    bool leaf = cursor->blob->kind == ART_BLOB_LEAF;
    cursor->chooses = limits && leaf && (limits->choose_singly || (limits->choose && cursor->blob->blocks));
    if (!limits) return ART_OK;
    enum art_rc rc = art_blob_units_with_terms(cursor->blob, limits, &cursor->units);
    bool none = art_units_are_none(&cursor->units); /* else zones say more of them */
    return rc || none ? rc : art_blob_want_zones(cursor->blob, limits);
}

void art_blob_cursor_plain(struct art_blob_cursor *cursor, struct art_plain_bucket *room) {
    room->start = NULL;
    cursor->plain = room;
}

/* The first `len` bytes of a coded suffix, and perhaps more. Each code brings one at least, unless some of them escape;
 * what a forged suffix lacks are ones: no NULs, for art_blob_has_no_nul() looks at what is there. */
static inline void decode_first(const struct art_symbols *symbols, struct art_bytes suffix, uint8_t *to, uint32_t len) {
    uint32_t got = art_decode(symbols, suffix.data, art_min32(suffix.len, len), to);
    if (ART_LIKELY(got >= len)) return;
    got = art_decode(symbols, suffix.data, suffix.len, to);
    if (got < len) memset(to + got, 1, len - got);
}

/* Bytes keep .. until of the key, counted from the bucket's prefix, come from entries before `entry`: from the
 * nearest with fewer shared bytes, and what that one shares, from the nearest before it. They are found back to
 * front. */
ART_READS_PAST static void fill_inherited(struct art_blob_cursor *cursor, uint32_t keep, uint32_t until) {
    const struct art_bucket_view *view = &cursor->view;
    uint8_t *key = cursor->key + view->prefix_len;
    struct {
        uint32_t shared, suffix_at, until, len;
        uint8_t first_byte;
    } piece[ART_BUCKET_ENTRIES];
    uint32_t pieces = 0, entry = cursor->keyed, suffix_at = cursor->suffix_at;
    do {
        uint32_t shared;
        do {
            entry--;
            suffix_at -= art_bucket_suffix_len(view, entry);
            shared = art_bucket_shared(view, entry);
        } while (shared >= until);
        piece[pieces].shared = shared;
        piece[pieces].suffix_at = suffix_at;
        piece[pieces].until = until;
        piece[pieces].len = art_bucket_suffix_len(view, entry);
        piece[pieces++].first_byte = view->first_bytes[entry];
        until = shared;
    } while (until > keep);
    while (pieces--) {
        uint32_t shared = piece[pieces].shared, end = piece[pieces].until;
        struct art_bytes suffix = art_bytes(view->suffixes + piece[pieces].suffix_at, piece[pieces].len);
        if (view->symbols) {
            key[shared] = piece[pieces].first_byte;
            decode_first(view->symbols, suffix, key + shared + 1, end - shared - 1);
        } else if (shared >= keep) {
            key[shared] = piece[pieces].first_byte;
            art_copy_padded(key + shared + 1, suffix.data, end - shared - 1);
        } else {
            art_copy_padded(key + keep, suffix.data + (keep - shared - 1), end - keep);
        }
    }
}

/* Writes the key of entry `keyed`, of which the bucket's prefix and `keep` bytes behind it are right already. Whatever
 * the bytes are, none is longer than ART_KEY_MAX: art_bucket_insane() has made sure of that. */
ART_READS_PAST static inline void fill_key(struct art_blob_cursor *cursor, uint32_t keep) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t entry = cursor->keyed, shared = art_bucket_shared(view, entry);
    if (entry == 0 && view->form & ART_BUCKET_PREFIX_ENTRY) {
        cursor->key_len = view->prefix_len;
        return;
    }
    uint8_t *key = cursor->key + view->prefix_len;
    const uint8_t *suffix = view->suffixes + cursor->suffix_at;
    uint32_t len = shared + 1, suffix_len = art_bucket_suffix_len(view, entry);
    if (shared > keep) {
        fill_inherited(cursor, keep, shared);
        keep = shared;
    }
    if (view->symbols) {
        key[shared] = view->first_bytes[entry];
        len += art_decode(view->symbols, suffix, suffix_len, key + len);
        cursor->key_len = view->prefix_len + len;
        assert(cursor->key_len <= ART_KEY_MAX);
        return;
    }
    len += suffix_len;
    cursor->key_len = view->prefix_len + len;
    assert(cursor->key_len <= ART_KEY_MAX);
    if (shared == keep) {
        key[shared] = view->first_bytes[entry];
        art_copy_padded(key + shared + 1, suffix, len - shared - 1);
    } else if (len > keep) {
        art_copy_padded(key + keep, suffix + (keep - shared - 1), len - keep);
    }
}

/* To an entry of the bucket whose view is open; ART_BUCKET_ENTRIES: the last. The key is still to be filled. */
ART_READS_PAST static inline void set_entry(struct art_blob_cursor *cursor, uint32_t bucket, uint32_t entry) {
    const struct art_bucket_view *view = &cursor->view;
    cursor->bucket = bucket;
    cursor->visits++;
    cursor->kept = 0;
    cursor->entry = cursor->keyed = entry < view->count ? entry : view->count - 1;
    cursor->nuls = ART_NULS_UNKNOWN;
    cursor->suffix_at = art_bucket_suffix_at(view, cursor->entry);
    cursor->valid = true;
    for (uint32_t at = cursor->blob->label_len; at < view->prefix_len; at += 16) {
        art_copy_padded(cursor->key + at, view->prefix + at, art_min32(16, view->prefix_len - at));
    }
}

static inline void set_entry_with_key(struct art_blob_cursor *cursor, uint32_t bucket, uint32_t entry) {
    set_entry(cursor, bucket, entry);
    fill_key(cursor, 0);
}

/* To the entry that a search for `key` has found. What the entry shares with its predecessor it shares with `key`, too:
 * so much of it the search has seen. */
static void set_found(struct art_blob_cursor *cursor, const struct art_blob_position *position, struct art_bytes key) {
    const struct art_bucket_view *view = &cursor->view;
    cursor->view = position->view;
    set_entry(cursor, position->bucket, position->entry);
    uint32_t shared = key.data == cursor->key ? 0 : art_bucket_shared(view, position->entry);
    assert(view->prefix_len + shared <= key.len || !shared);
    if (shared) art_copy_padded(cursor->key + view->prefix_len, key.data + view->prefix_len, shared);
    fill_key(cursor, shared);
}

enum art_rc art_blob_cursor_set(struct art_blob_cursor *cursor, uint32_t bucket, uint32_t entry) {
    cursor->valid = false;
    if (bucket >= cursor->blob->buckets) return ART_OK;
    enum art_rc rc = art_bucket_open(cursor->blob, bucket, &cursor->view);
    if (ART_UNLIKELY(rc)) return rc;
    set_entry_with_key(cursor, bucket, entry);
    return ART_OK;
}

/* As art_ref_has_only_deletes(). */
static bool has_only_deletes(const struct art_blob *blob, uint32_t bucket) {
    uint64_t before = (uint64_t)art_bucket_sum(blob, bucket), behind = (uint64_t)art_bucket_sum(blob, bucket + 1);
    return before == behind + art_blob_entries_in(blob, bucket, bucket + 1);
}

bool art_blob_bucket_may_have(const struct art_blob *blob, const struct art_limits *limits,
                              const struct art_units *units, uint32_t bucket) {
    if (!art_units_has(units, art_bucket_unit(blob, bucket))) return false;
    for (unsigned i = 0; i < limits->count; i++) {
        struct art_zone zone = art_bucket_zone(blob, limits->limit[i].column, bucket);
        if (!art_zone_may_have(&zone, &limits->limit[i])) return false;
    }
    return true;
}

/* May it have what is asked for? */
static bool is_wanted_bucket(const struct art_blob_cursor *cursor, uint32_t bucket) {
    const struct art_blob *blob = cursor->blob;
    if (cursor->newer_than && art_bucket_bounds(blob, bucket).csn_max <= cursor->newer_than) return false;
    if (cursor->shadows_nothing && has_only_deletes(blob, bucket)) return false;
    return !cursor->limits || art_blob_bucket_may_have(blob, cursor->limits, &cursor->units, bucket);
}

/* The first bucket from there on in these units. */
static uint32_t bucket_in_units(const struct art_blob *blob, const struct art_units *units, uint32_t bucket) {
    uint32_t unit = bucket >> blob->unit_shift, first = art_units_from(units, unit);
    return first == unit ? bucket : first << blob->unit_shift;
}

/* The first bucket from there on that may have what is asked for; the number of buckets: none. */
static uint32_t wanted_from(const struct art_blob_cursor *cursor, uint32_t bucket) {
    const struct art_blob *blob = cursor->blob;
    if (ART_LIKELY(!cursor->newer_than && !cursor->limits)) return bucket;
    for (; bucket < blob->buckets; bucket++) {
        if (cursor->limits) bucket = bucket_in_units(blob, &cursor->units, bucket);
        if (bucket < blob->buckets && is_wanted_bucket(cursor, bucket)) return bucket;
    }
    return blob->buckets;
}

/* The end of the last such bucket before `end`; 0: there is none. */
static uint32_t wanted_before(const struct art_blob_cursor *cursor, uint32_t end) {
    if (ART_UNLIKELY(cursor->newer_than || cursor->limits)) {
        while (end && !is_wanted_bucket(cursor, end - 1)) end--;
    }
    return end;
}

/* --- pages ahead of a walk ---------------------------------------------------------------------------------------- */

/* Adds the bucket's pages that are missing. Returns how many. */
static uint32_t add_missing_pages(const struct art_blob *blob, uint32_t bucket, struct art_pages *pages) {
    uint32_t page = art_bucket_offset(blob, bucket) / ART_BLOB_PAGE, added = 0;
    for (; page <= (art_bucket_end(blob, bucket) - 1) / ART_BLOB_PAGE; page++) {
        if (art_page_present(blob, page) || art_pages_has(pages, page)) continue;
        pages->bits[page >> 6] |= (uint64_t)1 << (page & 63);
        added++;
    }
    return added;
}

/* A walk is about to open the bucket. If it is missing, it is read together with the next ones that are wanted, more of
 * them the longer the walk goes on. */
static enum art_rc expect_from(struct art_blob_cursor *cursor, uint32_t bucket, bool backward) {
    struct art_blob *blob = cursor->blob;
    struct art_pages pages = {0};
    assert(bucket < blob->buckets);
    if (!blob->want) return ART_OK;
    uint32_t count = add_missing_pages(blob, bucket, &pages);
    if (!count) return ART_OK;
    assert(art_pages_count(&pages, blob->leaf_pages) == count);
    cursor->window = art_window_widen(cursor->window);
    while (count < cursor->window) {
        bucket = backward ? wanted_before(cursor, bucket) - 1 : wanted_from(cursor, bucket + 1);
        if (bucket >= blob->buckets) break; /* UINT32_MAX, backward */
        count += add_missing_pages(blob, bucket, &pages);
    }
    struct art_pages symbols = art_part_pages(&blob->at, ART_PART_SYMBOLS); /* a key of each will be wanted */
    art_pages_join(&pages, &symbols);
    return blob->want(blob, &pages, ART_WALK);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static enum art_rc keys_lie(struct art_blob_cursor *cursor, uint32_t bucket) {
    const struct art_blob *blob = cursor->blob;
    cursor->valid = false;
    return art_corrupt(blob->file, blob->slot, art_bucket_offset(blob, bucket) / ART_BLOB_PAGE,
                       "bucket %u: its keys are out of order", bucket);
}

/* Bytes that the entry behind the one whose key is here has in common with it. */
static inline uint32_t kept_by_next(const struct art_blob_cursor *cursor) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t next = cursor->keyed + 1;
    assert(next < view->count);
    bool wide = ART_UNLIKELY(view->form & ART_BUCKET_WIDE);
    return view->prefix_len + (wide ? art_bucket_shared(view, next) : view->shared[next]);
}

/* Does that entry come behind it? It cannot share more than there is, which of coded suffixes nobody has looked at. */
static inline bool next_ascends(const struct art_blob_cursor *cursor, uint32_t kept) {
    if (kept >= cursor->key_len) return kept == cursor->key_len;
    return cursor->key[kept] < cursor->view.first_bytes[cursor->keyed + 1];
}

/* Is the first entry of a bucket behind the key, which has its blob's label? */
static bool begins_behind(const struct art_blob *blob, const struct art_bucket_view *bucket, const uint8_t *key,
                          uint32_t len) {
    uint32_t at = blob->label_len, end = bucket->prefix_len;
    assert(len >= at && end >= at);
    int c = memcmp(key + at, bucket->prefix + at, art_min32(len, end) - at);
    bool prefix_entry = bucket->form & ART_BUCKET_PREFIX_ENTRY;
    if (c || len <= end || prefix_entry) return c ? c < 0 : len < end || (len == end && !prefix_entry);
    if (key[end] != bucket->first_bytes[0]) return key[end] < bucket->first_bytes[0];
    int order;
    art_bucket_match(bucket, 0, key + end + 1, len - end - 1, &order);
    return order < 0;
}

/* --- rows that the host chooses ----------------------------------------------------------------------------------- */

enum { ELSEWHERE = ART_OVERFLOW | ART_CHUNK }; /* what stands in a block is not the row's value */

/* Those that stand in no block, or whose values do not. */
static void choose_singly(struct art_blob_cursor *cursor, uint32_t first, uint32_t end) {
    const struct art_bucket_view *view = &cursor->view;
    const struct art_limits *limits = cursor->limits;
    bool has_block = art_bucket_has_block(view);
    struct art_row_set all = art_row_set_below(end);
    struct art_entry entries[ART_BUCKET_ENTRIES];
    for (uint32_t i = 0; i < end; i++) {
        bool is_single = i >= first && (!has_block || art_bucket_flags(view, i) & ELSEWHERE);
        if (!is_single) art_row_set_remove(&all, i);
        if (is_single) art_bucket_place(view, i, &entries[i]);
    }
    struct art_row_set chosen = all;
    if (limits->choose_singly) limits->choose_singly(limits->chooser, entries, &chosen);
    art_row_set_replace(&cursor->chosen, &all, &chosen);
}

/* Where the walk ends among the bucket's entries; the number of them: not here, or it is not known. */
static uint32_t entry_of_stop(const struct art_blob_cursor *cursor) {
    uint32_t label = cursor->blob->label_len;
    bool exact;
    bool ends = cursor->stop && cursor->stop->len > label && !memcmp(cursor->key, cursor->stop->data, label);
    return ends ? art_bucket_search(&cursor->view, *cursor->stop, label, &exact) : cursor->view.count;
}

/* Among those of the bucket whose view is open, from `entry` on; where each entry is looked into, up to the walk's
 * end. */
static void choose_in_bucket(struct art_blob_cursor *cursor, bool backward, uint32_t entry) {
    const struct art_bucket_view *view = &cursor->view;
    const struct art_limits *limits = cursor->limits;
    bool has_block = art_bucket_has_block(view), various = view->form & ART_BUCKET_FLAGS;
    uint32_t first = backward ? 0 : entry, end = backward ? entry + 1 : view->count;
    if (!has_block && limits->choose_singly && !backward) end = entry_of_stop(cursor);
    cursor->chosen = art_row_set_below(end);
    cursor->chosen_at = view->start;
    cursor->chosen_from = entry;
    cursor->chosen_backward = backward;
    if (first) {
        struct art_row_set before = art_row_set_below(first);
        for (unsigned i = 0; i < 2; i++) cursor->chosen.word[i] &= ~before.word[i];
    }
    if (has_block) limits->choose(limits->chooser, art_bucket_block(view), &cursor->chosen);
    if (has_block ? various || art_bucket_flags(view, 0) & ELSEWHERE : limits->choose_singly != NULL)
        choose_singly(cursor, first, end);
}

/* Those ahead of the cursor, its own row among them: a walk comes by no other. */
static const struct art_row_set *chosen_ahead(struct art_blob_cursor *cursor, bool backward) {
    uint32_t entry = cursor->entry;
    assert(cursor->chooses);
    bool known = cursor->chosen_at == cursor->view.start && cursor->chosen_backward == backward &&
                 (backward ? entry <= cursor->chosen_from : entry >= cursor->chosen_from);
    if (!known) choose_in_bucket(cursor, backward, entry);
    return &cursor->chosen;
}

bool art_blob_is_chosen(struct art_blob_cursor *cursor, bool backward) {
    assert(cursor->valid);
    return !cursor->chooses || art_row_set_has(chosen_ahead(cursor, backward), cursor->entry);
}

/* Has the walk left what is asked for, in the bucket whose view is open? */
static bool is_behind_stop(const struct art_blob_cursor *cursor, bool backward) {
    if (!cursor->stop) return false;
    struct art_bytes stop = *cursor->stop;
    uint32_t label = cursor->blob->label_len;
    int c = memcmp(cursor->key, stop.data, art_min32(label, stop.len));
    bool behind = c > 0;
    if (!c) behind = stop.len <= label || begins_behind(cursor->blob, &cursor->view, stop.data, stop.len);
    return behind != backward;
}

/* At which entry a walk comes into the bucket whose view is open. False: at none. Where its range may end in the
 * bucket, it has to stop at some entry, chosen or not: who walks compares the key of that. To compare one takes less
 * time than to look something up in all entries, so of records, which are read one by one, none is chosen then. */
static inline bool enters(struct art_blob_cursor *cursor, bool backward, uint32_t *entry) {
    *entry = backward ? cursor->view.count - 1 : 0;
    if (ART_LIKELY(!cursor->chooses) || (cursor->limits->choose_singly && is_behind_stop(cursor, backward)))
        return true;
    choose_in_bucket(cursor, backward, *entry);
    bool any = art_row_set_any(&cursor->chosen);
    if (any) {
        *entry = backward ? art_row_set_before(&cursor->chosen, cursor->view.count) - 1
                          : art_row_set_from(&cursor->chosen, 0);
    }
    return any || is_behind_stop(cursor, backward);
}

/* --- from bucket to bucket ---------------------------------------------------------------------------------------- */

/* Opens the first bucket from this one on that has an entry to come to. `walks`: what comes behind it will be wanted.
 * *bucket: the number of buckets: there is none. */
static enum art_rc open_from(struct art_blob_cursor *cursor, bool walks, uint32_t *bucket, uint32_t *entry) {
    cursor->valid = false;
    for (;; ++*bucket) {
        *bucket = wanted_from(cursor, *bucket);
        if (*bucket >= cursor->blob->buckets) return ART_OK;
        enum art_rc rc = walks ? expect_from(cursor, *bucket, false) : ART_OK;
        if (!rc) rc = art_bucket_open(cursor->blob, *bucket, &cursor->view);
        if (ART_UNLIKELY(rc) || enters(cursor, false, entry)) return rc;
    }
}

/* The same back from there; *end: 0: there is none. */
static enum art_rc open_before(struct art_blob_cursor *cursor, bool walks, uint32_t *end, uint32_t *entry) {
    cursor->valid = false;
    for (;; --*end) {
        *end = wanted_before(cursor, *end);
        if (!*end) return ART_OK;
        enum art_rc rc = walks ? expect_from(cursor, *end - 1, true) : ART_OK;
        if (!rc) rc = art_bucket_open(cursor->blob, *end - 1, &cursor->view);
        if (ART_UNLIKELY(rc) || enters(cursor, true, entry)) return rc;
    }
}

static enum art_rc first_from(struct art_blob_cursor *cursor, uint32_t bucket, bool walks) {
    uint32_t entry;
    enum art_rc rc = open_from(cursor, walks, &bucket, &entry);
    if (!rc && bucket < cursor->blob->buckets) set_entry_with_key(cursor, bucket, entry);
    return rc;
}

static enum art_rc last_before(struct art_blob_cursor *cursor, uint32_t end, bool walks) {
    uint32_t entry;
    enum art_rc rc = open_before(cursor, walks, &end, &entry);
    if (!rc && end) set_entry_with_key(cursor, end - 1, entry);
    return rc;
}

/* From a bucket on of which no more is wanted. The key is of one of its entries. */
static enum art_rc next_bucket(struct art_blob_cursor *cursor) {
    uint32_t bucket = cursor->bucket + 1, entry;
    enum art_rc rc = open_from(cursor, true, &bucket, &entry);
    if (rc || bucket >= cursor->blob->buckets) return rc;
    if (ART_UNLIKELY(!begins_behind(cursor->blob, &cursor->view, cursor->key, cursor->key_len)))
        return keys_lie(cursor, bucket);
    set_entry_with_key(cursor, bucket, entry);
    return ART_OK;
}

/* And back. */
static enum art_rc previous_bucket(struct art_blob_cursor *cursor) {
    const struct art_bucket_view later = cursor->view;
    uint32_t bucket = cursor->bucket;
    enum art_rc rc = last_before(cursor, bucket, true);
    if (rc || !cursor->valid || begins_behind(cursor->blob, &later, cursor->key, cursor->key_len)) return rc;
    return keys_lie(cursor, bucket);
}

enum art_rc art_blob_first(struct art_blob_cursor *cursor) {
    return first_from(cursor, 0, cursor->window);
}

enum art_rc art_blob_last(struct art_blob_cursor *cursor) {
    return last_before(cursor, cursor->blob->buckets, cursor->window);
}

enum art_rc art_blob_seek_ge(struct art_blob_cursor *cursor, struct art_bytes key) {
    struct art_blob_position position;
    cursor->valid = false;
    enum art_rc rc = art_blob_find(cursor->blob, key, &position);
    if (ART_UNLIKELY(rc)) return rc;
    if (position.entry == position.view.count) return first_from(cursor, position.bucket + 1, false);
    set_found(cursor, &position, key);
    return ART_OK;
}

enum art_rc art_blob_seek_le(struct art_blob_cursor *cursor, struct art_bytes key) {
    struct art_blob_position position;
    cursor->valid = false;
    enum art_rc rc = art_blob_find(cursor->blob, key, &position);
    if (ART_UNLIKELY(rc)) return rc;
    if (position.exact) {
        set_found(cursor, &position, key);
    } else if (position.entry) {
        cursor->view = position.view;
        set_entry_with_key(cursor, position.bucket, position.entry - 1);
    } else {
        return last_before(cursor, position.bucket, false);
    }
    return ART_OK;
}

/* To the key of the next entry, which the bucket has; *kept: as many bytes of the key are what they were. */
ART_READS_PAST static inline __attribute__((always_inline)) enum art_rc key_of_next(struct art_blob_cursor *cursor,
                                                                                    uint32_t *kept) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t entry = cursor->keyed + 1, keep = view->prefix_len, suffix_at = cursor->suffix_at, suffix_len;
    assert(entry < view->count);
    if (ART_LIKELY(!(view->form & ART_BUCKET_WIDE))) {
        keep += view->shared[entry];
        suffix_at += view->suffix_len[entry - 1];
        suffix_len = view->suffix_len[entry];
    } else {
        keep += art_bucket_shared(view, entry);
        suffix_at += art_bucket_suffix_len(view, entry - 1);
        suffix_len = art_bucket_suffix_len(view, entry);
    }
    *kept = keep;
    if (ART_UNLIKELY(!next_ascends(cursor, keep))) return keys_lie(cursor, cursor->bucket);
    /* A line of the next page with every row: it is there when it is needed, and no burst stalls the others. */
    __builtin_prefetch(view->start + ART_BLOB_PAGE + 64 * (entry & 63));
    uint8_t *to = cursor->key + keep;
    const uint8_t *suffix = view->suffixes + suffix_at;
    cursor->keyed = entry;
    cursor->suffix_at = suffix_at;
    *to = view->first_bytes[entry];
    if (view->symbols) {
        suffix_len = art_decode(view->symbols, suffix, suffix_len, to + 1);
    } else {
        art_copy_padded(to + 1, suffix, suffix_len);
    }
    cursor->key_len = keep + 1 + suffix_len;
    assert(cursor->key_len <= ART_KEY_MAX);
    return ART_OK;
}

/* The other way: to that of the entry before, which there is. */
ART_READS_PAST static enum art_rc key_of_previous(struct art_blob_cursor *cursor, uint32_t *kept) {
    const struct art_bucket_view *view = &cursor->view;
    assert(cursor->keyed);
    __builtin_prefetch(
        (const uint8_t *)((uintptr_t)view->start - ART_BLOB_PAGE + 64 * ((view->count - cursor->keyed) & 63)));
    uint32_t entry = --cursor->keyed;
    *kept = kept_by_next(cursor);
    cursor->suffix_at -= art_bucket_suffix_len(view, entry);
    fill_key(cursor, *kept - view->prefix_len);
    if (ART_LIKELY(next_ascends(cursor, *kept))) return ART_OK;
    set_entry_with_key(cursor, cursor->bucket, entry + 1);
    return keys_lie(cursor, cursor->bucket);
}

/* Bytes behind the prefix that all entries have in common from the one before `from` to the one before `to`. */
static uint32_t least_shared(const struct art_bucket_view *view, uint32_t from, uint32_t to) {
    uint32_t least = art_bucket_shared(view, from);
    bool wide = ART_UNLIKELY(view->form & ART_BUCKET_WIDE);
    assert(from < to && to <= view->count);
    for (uint32_t i = from + 1; i < to; i++)
        least = art_min32(least, wide ? art_bucket_shared(view, i) : view->shared[i]);
    return least;
}

/* The same from one entry to another, in either direction. */
static uint32_t shared_by_all(const struct art_bucket_view *view, uint32_t from, uint32_t to) {
    return to < from ? least_shared(view, to + 1, from + 1) : least_shared(view, from + 1, to + 1);
}

/* To the key of another entry of the bucket, without those between: of rows that are chosen they may be many. `keep`:
 * bytes that all of these have in common. */
static enum art_rc leap(struct art_blob_cursor *cursor, uint32_t keep) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t entry = cursor->entry, from = cursor->keyed, len = cursor->key_len, at = view->prefix_len + keep;
    bool backward = entry < from;
    assert(entry != from && entry < view->count);
    uint8_t before = cursor->key[at];
    cursor->keyed = entry;
    cursor->suffix_at = art_bucket_suffix_at(view, entry);
    fill_key(cursor, keep);
    bool ascends = backward ? cursor->key_len == at || (cursor->key_len > at && len > at && cursor->key[at] < before)
                            : len == at || (cursor->key_len > at && cursor->key[at] > before);
    ascends &= len >= at; /* the key had what it is said to share */
    if (ART_LIKELY(ascends)) return ART_OK;
    set_entry_with_key(cursor, cursor->bucket, from);
    cursor->entry = entry;
    return keys_lie(cursor, cursor->bucket);
}

static enum art_rc __attribute__((noinline)) catch_up_far(struct art_blob_cursor *cursor) {
    uint32_t entry = cursor->entry, kept;
    enum art_rc rc = ART_OK;
    assert(entry < cursor->view.count);
    if (cursor->chooses && cursor->keyed == entry) return ART_OK;
    if (cursor->chooses) return leap(cursor, shared_by_all(&cursor->view, cursor->keyed, entry));
    while (cursor->keyed < entry && !rc) rc = key_of_next(cursor, &kept);
    while (cursor->keyed > entry && !rc) rc = key_of_previous(cursor, &kept);
    cursor->entry = entry;
    return rc;
}

enum art_rc art_blob_catch_up(struct art_blob_cursor *cursor) {
    uint32_t kept;
    if (ART_UNLIKELY(cursor->keyed + 1 != cursor->entry)) return catch_up_far(cursor);
    return key_of_next(cursor, &kept);
}

static enum art_rc __attribute__((noinline)) step_to_chosen(struct art_blob_cursor *cursor, bool backward) {
    const struct art_row_set *rows = chosen_ahead(cursor, backward);
    uint32_t from = cursor->entry, to;
    if (backward) {
        uint32_t end = art_row_set_before(rows, from);
        if (!end) return previous_bucket(cursor);
        to = end - 1;
    } else {
        to = art_row_set_from(rows, from + 1);
        if (to == ART_BLOCK_ROWS_MAX) return next_bucket(cursor);
    }
    uint32_t keep = shared_by_all(&cursor->view, from, to);
    cursor->kept = cursor->view.prefix_len + keep;
    cursor->entry = to;
    return cursor->keyed != from || to == from + 1 ? art_blob_catch_up(cursor) : leap(cursor, keep);
}

enum art_rc art_blob_next(struct art_blob_cursor *cursor) {
    if (ART_UNLIKELY(!cursor->valid)) return ART_OK;
    if (ART_UNLIKELY(cursor->chooses)) return step_to_chosen(cursor, false);
    if (ART_UNLIKELY(cursor->entry + 1 >= cursor->view.count)) return next_bucket(cursor);
    enum art_rc rc = ART_LIKELY(cursor->keyed == cursor->entry) ? ART_OK : art_blob_catch_up(cursor);
    if (!rc) rc = key_of_next(cursor, &cursor->kept);
    cursor->entry = cursor->keyed;
    return rc;
}

enum art_rc art_blob_prev(struct art_blob_cursor *cursor) {
    if (ART_UNLIKELY(!cursor->valid)) return ART_OK;
    if (ART_UNLIKELY(cursor->chooses)) return step_to_chosen(cursor, true);
    if (ART_UNLIKELY(!cursor->entry)) return previous_bucket(cursor);
    enum art_rc rc = ART_LIKELY(cursor->keyed == cursor->entry) ? ART_OK : art_blob_catch_up(cursor);
    if (!rc) rc = key_of_previous(cursor, &cursor->kept);
    cursor->entry = cursor->keyed;
    return rc;
}

/* --- stretches ---------------------------------------------------------------------------------------------------- */

static inline bool is_of_stretch(const struct art_blob_cursor *cursor, uint32_t entry, uint8_t flags) {
    if (art_bucket_flags(&cursor->view, entry) & flags) return false;
    return !cursor->newer_than || art_bucket_csn(&cursor->view, entry) > cursor->newer_than;
}

/* Entries, chosen or not. */
static inline uint32_t entries_of_stretch(const struct art_blob_cursor *cursor, bool backward, uint32_t most,
                                          uint8_t flags) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t entry = cursor->entry, count = 0;
    bool all = most < view->prefix_len; /* whatever they share behind it */
    uint32_t first = backward ? entry : entry + 1, depth = most - view->prefix_len;
    assert(cursor->valid);
    if (!first || first == view->count || (!all && art_bucket_shared(view, first) <= depth)) return 0;
    if (backward)
        count = entry - (all ? 0 : art_bucket_step_back(view, entry, depth));
    else
        count = (all ? view->count : art_bucket_step(view, first, depth, 0)) - first;
    if (!(view->form & ART_BUCKET_FLAGS) && !cursor->newer_than) return view->start[8] & flags ? 0 : count;
    for (uint32_t i = 1; i <= count; i++) {
        if (!is_of_stretch(cursor, backward ? entry - i : entry + i, flags)) return i - 1;
    }
    return count;
}

uint32_t art_blob_stretch(struct art_blob_cursor *cursor, bool backward, uint32_t most, uint8_t flags) {
    uint32_t count = entries_of_stretch(cursor, backward, most, flags), entry = cursor->entry;
    if (ART_LIKELY(!cursor->chooses) || !count) return count;
    struct art_row_set rows = *chosen_ahead(cursor, backward);
    struct art_row_set before = art_row_set_below(backward ? entry - count : entry + 1);
    struct art_row_set in = art_row_set_below(backward ? entry : entry + 1 + count);
    for (unsigned i = 0; i < 2; i++) rows.word[i] &= in.word[i] & ~before.word[i];
    return art_row_set_count(&rows);
}

uint32_t art_blob_pass_unwanted(struct art_blob_cursor *cursor, bool backward, uint32_t count,
                                bool (*wants)(void *context, struct art_bytes value), void *context) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t passed = 0, entry = cursor->entry;
    if (art_bucket_has_block(view) || (cursor->chooses && cursor->limits->choose_singly))
        return 0; /* what is left was chosen */
    for (; passed < count; passed++) {
        uint32_t next = backward ? entry - 1 : entry + 1;
        uint8_t flags = art_bucket_flags(view, next);
        if (flags & ART_OVERFLOW || wants(context, art_entry_value(flags, art_bucket_value(view, next)))) break;
        entry = next;
    }
    cursor->entry = entry;
    return passed;
}

bool art_blob_steps_singly(const struct art_blob_cursor *cursor, bool backward, uint32_t most) {
    const struct art_bucket_view *view = &cursor->view;
    uint32_t behind = cursor->entry + !backward; /* the later of the step's two entries */
    if (cursor->chooses || view->form & ART_BUCKET_WIDE || !behind || behind >= view->count) return false;
    return view->prefix_len + view->shared[behind] <= most;
}

bool art_blob_is_last(struct art_blob_cursor *cursor, bool backward) {
    uint32_t entry = cursor->entry;
    if (ART_LIKELY(!cursor->chooses)) return backward ? !entry : entry + 1 == cursor->view.count;
    const struct art_row_set *rows = chosen_ahead(cursor, backward);
    return backward ? !art_row_set_before(rows, entry) : art_row_set_from(rows, entry + 1) == ART_BLOCK_ROWS_MAX;
}

bool art_blob_has_no_nul(struct art_blob_cursor *cursor) {
    const struct art_bucket_view *view = &cursor->view;
    if (cursor->nuls) return cursor->nuls == ART_NULS_NONE;
    uint32_t from = view->form & ART_BUCKET_PREFIX_ENTRY ? 1 : 0;
    const uint8_t *prefix = view->prefix + !!view->prefix_len;
    uint32_t label_len = cursor->blob->label_len; /* those bytes are the reference's, whatever the bucket has there */
    bool some = (label_len && memchr(cursor->key + 1, 0, label_len - 1)) ||
                memchr(view->first_bytes + from, 0, view->count - from) ||
                memchr(prefix, 0, (size_t)(view->values - prefix));
    cursor->nuls = some ? ART_NULS_SOME : ART_NULS_NONE;
    return !some;
}

/* To the first entry of this bucket that does not begin with the key's first `len` bytes. What it shares with its
 * predecessor, which does, the key has already. */
static bool skip_in_bucket(struct art_blob_cursor *cursor, uint32_t len) {
    const struct art_bucket_view *view = &cursor->view;
    assert(cursor->valid && cursor->entry < view->count);
    if (len <= view->prefix_len || cursor->entry + 1 >= view->count) return false;
    uint32_t entry = art_bucket_step(view, cursor->entry + 1, len - view->prefix_len - 1, 0);
    if (entry >= view->count) return false;
    cursor->entry = cursor->keyed = entry;
    cursor->suffix_at = art_bucket_suffix_at(view, entry);
    fill_key(cursor, art_bucket_shared(view, entry));
    return true;
}

enum art_rc art_blob_skip_near(struct art_blob_cursor *cursor, uint32_t len, struct art_bytes behind, bool *done) {
    struct art_blob *blob = cursor->blob;
    uint32_t known;
    assert(cursor->valid && cursor->keyed == cursor->entry && len <= cursor->key_len);
    *done = skip_in_bucket(cursor, len);
    if (*done || len <= blob->label_len || behind.len <= blob->label_len) return ART_OK;
    enum art_rc rc = art_blob_want_part(blob, ART_PART_NODES);
    if (ART_UNLIKELY(rc)) return rc;
    if (art_route(blob, behind, &known) + 1 == blob->buckets) return ART_OK;
    rc = art_blob_seek_ge(cursor, behind);
    *done = rc || cursor->valid; /* the buckets behind it may all be passed over */
    return rc;
}

/* The last bucket before which there are at most k entries, or rows by their weights. */
static uint32_t last_bucket_before(const struct art_blob *blob, int64_t k, bool by_weights) {
    uint32_t low = 0, high = blob->buckets;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        int64_t before = by_weights ? art_bucket_sum(blob, middle) : art_bucket_rank(blob, middle);
        if (before <= k) {
            low = middle;
        } else {
            high = middle;
        }
    }
    assert(low < blob->buckets);
    return low;
}

enum art_rc art_blob_seek_entry(struct art_blob_cursor *cursor, uint32_t index) {
    const struct art_blob *blob = cursor->blob;
    cursor->valid = false;
    if (index >= blob->entries) return ART_OK;
    uint32_t bucket = last_bucket_before(blob, index, false);
    return art_blob_cursor_set(cursor, bucket, index - art_bucket_rank(blob, bucket));
}

enum art_rc art_blob_seek_rank(struct art_blob_cursor *cursor, int64_t k) {
    struct art_blob *blob = cursor->blob;
    cursor->valid = false;
    if (k < 0 || k >= blob->count) return ART_OK;
    if (!(blob->flags & ART_BLOB_SUMS)) return art_blob_seek_entry(cursor, (uint32_t)k);
    uint32_t bucket = last_bucket_before(blob, k, true);
    enum art_rc rc = art_bucket_open(blob, bucket, &cursor->view);
    if (rc) return rc;
    int64_t left = (int64_t)((uint64_t)k - (uint64_t)art_bucket_sum(blob, bucket));
    for (uint32_t entry = 0; entry < cursor->view.count; entry++) {
        int64_t weight = art_bucket_weight(&cursor->view, entry, blob->kind);
        if (left < weight) {
            set_entry_with_key(cursor, bucket, entry);
            return ART_OK;
        }
        left = (int64_t)((uint64_t)left - (uint64_t)weight);
    }
    return art_corrupt(blob->file, blob->slot, (uint32_t)(cursor->view.start - blob->image) / ART_BLOB_PAGE,
                       "bucket %u: its weights are not those of the sum directory", bucket);
}

int64_t art_blob_cursor_rank(const struct art_blob_cursor *cursor) {
    assert(cursor->valid);
    return (int64_t)((uint64_t)art_bucket_sum(cursor->blob, cursor->bucket) +
                     (uint64_t)art_bucket_weights(&cursor->view, cursor->entry, cursor->blob->kind));
}

uint32_t art_blob_cursor_index(const struct art_blob_cursor *cursor) {
    assert(cursor->valid);
    return art_bucket_rank(cursor->blob, cursor->bucket) + cursor->entry;
}

/* Takes the entry out of its block. */
static __attribute__((noinline)) void decode_entry(const struct art_blob_cursor *cursor, struct art_entry *entry) {
    struct art_plain_bucket *plain = cursor->plain;
    if (plain->start != cursor->view.start) {
        art_codec()->values(entry->value, 0, cursor->view.count, plain->bytes, plain->ends);
        plain->start = cursor->view.start;
    }
    uint32_t from = cursor->entry ? plain->ends[cursor->entry - 1] : 0, end = plain->ends[cursor->entry];
    assert(from <= end && end <= sizeof plain->bytes);
    entry->value = art_bytes(plain->bytes + from, end - from);
    entry->flags &= (uint8_t)~ART_IN_BLOCK;
}

void art_blob_cursor_value(const struct art_blob_cursor *cursor, struct art_entry *out) {
    assert(cursor->valid);
    art_bucket_place(&cursor->view, cursor->entry, out);
    if (cursor->plain && out->flags & ART_IN_BLOCK) decode_entry(cursor, out);
}

void art_blob_cursor_entry(const struct art_blob_cursor *cursor, struct art_entry *out) {
    assert(cursor->valid);
    art_bucket_entry(&cursor->view, cursor->entry, out);
    if (cursor->plain && out->flags & ART_IN_BLOCK) decode_entry(cursor, out);
}

void art_blob_cursor_prefetch(const struct art_blob_cursor *cursor) {
    struct art_entry entry;
    assert(cursor->valid);
    art_bucket_place(&cursor->view, cursor->entry, &entry);
    __builtin_prefetch(entry.value.data);
    __builtin_prefetch(entry.value.data + entry.value.len);
}

uint8_t art_blob_cursor_flags(const struct art_blob_cursor *cursor) {
    assert(cursor->valid);
    return art_bucket_flags(&cursor->view, cursor->entry);
}

enum art_rc art_blob_cursor_ref(const struct art_blob_cursor *cursor, struct art_ref *out) {
    assert(cursor->valid);
    return art_bucket_child(cursor->blob, &cursor->view, cursor->bucket, cursor->entry, out);
}

uint32_t art_blob_cursor_shared(const struct art_blob_cursor *cursor) {
    assert(cursor->valid);
    if (cursor->entry) return cursor->view.prefix_len + art_bucket_shared(&cursor->view, cursor->entry);
    return cursor->bucket ? cursor->blob->label_len : 0;
}

/* --- buckets ------------------------------------------------------------------------------------------------------ */

uint32_t art_blob_entries_in(const struct art_blob *blob, uint32_t from, uint32_t to) {
    assert(from <= to);
    return art_bucket_rank(blob, to) - art_bucket_rank(blob, from);
}
