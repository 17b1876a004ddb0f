/* From an index blob to a child. A blob that is asked often has its separators decoded for that: what LSM trees call
 * fence pointers. They stand in one sorted array, which is searched by halves: first by their heads, 8 bytes behind
 * what all of them share, then by the bytes themselves.
 *
 * A search in the blob itself walks the routing part, opens a bucket, follows the flattened tree in it and checks the
 * reference: some 700 instructions, where this takes 200. Without it a point read takes 1.09 to 1.13 times as long in a
 * table as loaded, where several runs are asked, and a path that is not there 1.15 to 1.27 times; after 'optimize' 0.98
 * to 1.05 and 1.02 to 1.07 times (300,000 and a million keys). So it stays.
 *
 * Blobs are immutable, so this stays right. It is only made where all leaf pages are present, the separators ascend and
 * each reference is one: a blob of which that is not true is searched as it is.
 */
#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/limits.h"
#include "core/blob/cursor.h"
#include "core/blob/search.h"

/* Each connection has its own, which the cache's limit does not count: these are the limits for one blob. */
enum { KEY_BYTES_MAX = 64 * 1024, SEPARATOR_HEAD_BYTES = 8 };

struct child {
    uint64_t head;     /* of its separator: the bytes behind `shared`; those that are missing count as 0 */
    int64_t before;    /* sum of the counts of all children before it */
    uint32_t value_at; /* its reference, in the image */
    uint32_t value_len;
    uint32_t key_at; /* its separator without the label, in keys, up to that of the next one */
};

struct art_separators {
    uint32_t count, shared; /* children; bytes that all separators but the first begin with */
    const uint8_t *keys;
    struct child children[]; /* and one more for the last key's end; then the keys */
};

static inline struct art_bytes key_of(const struct art_separators *separators, uint32_t number) {
    const struct child *child = &separators->children[number];
    assert(number < separators->count && child[1].key_at >= child->key_at);
    return art_bytes(separators->keys + child->key_at, child[1].key_at - child->key_at);
}

static inline struct art_bytes key_behind(struct art_bytes key, uint32_t len) {
    return art_bytes(key.data + len, key.len - len);
}

/* The first bytes as a number; those that are missing count as 0. */
static inline uint64_t head_of(struct art_bytes key) {
    if (!key.len) return 0;
    uint64_t head = __builtin_bswap64(art_load64(key.data));
    return key.len < SEPARATOR_HEAD_BYTES ? head & ~(UINT64_MAX >> 8 * key.len) : head;
}

/* --- making them -------------------------------------------------------------------------------------------------- */

/* The child under the cursor; `sum` is that of the counts before it, unless a bucket begins here. False: it is none. */
static bool take_child(struct art_separators *making, struct art_buffer *keys, const struct art_blob_cursor *at,
                       uint32_t number, uint64_t *sum) {
    const struct art_blob *blob = at->blob;
    struct art_bytes value = art_bucket_value(&at->view, at->entry);
    struct art_ref ref;
    if (art_ref_decode(value, &ref) || !art_ref_is_child(blob, &ref)) return false;
    if (!at->entry) *sum = (uint64_t)art_bucket_sum(blob, at->bucket);
    struct child *child = &making->children[number];
    child->before = (int64_t)*sum;
    child->value_at = (uint32_t)(value.data - blob->image);
    child->value_len = (uint32_t)value.len;
    *sum += (uint64_t)ref.count;
    assert(at->key_len >= blob->label_len);
    if (keys->len + at->key_len - blob->label_len > KEY_BYTES_MAX) return false;
    if (art_buffer_append(keys, at->key + blob->label_len, at->key_len - blob->label_len)) return false;
    child[1].key_at = (uint32_t)keys->len;
    return true;
}

static bool take_children(struct art_separators *making, struct art_buffer *keys, struct art_blob *blob) {
    struct art_blob_cursor at;
    uint8_t *key = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    if (!key) return false;
    uint64_t sum = 0;
    uint32_t number = 0;
    bool good = true;
    art_blob_cursor_init(&at, blob, key);
    enum art_rc rc = art_blob_cursor_set(&at, 0, 0);
    while (!rc && good && at.valid && number < making->count) {
        good = take_child(making, keys, &at, number++, &sum);
        rc = art_blob_next(&at);
    }
    art_free(key);
    if (rc || !good || at.valid || number < making->count) return false;
    if (art_buffer_reserve(keys, ART_KEY_PADDING)) return false;
    making->keys = keys->data; /* until they are packed */
    for (number = 1; number < making->count; number++) {
        if (art_bytes_compare(key_of(making, number - 1), key_of(making, number)) >= 0) return false;
    }
    return true;
}

static size_t bytes_of(uint32_t count) {
    return sizeof(struct art_separators) + (count + 1) * sizeof(struct child);
}

/* In one piece of memory, with the keys behind. */
static struct art_separators *packed(const struct art_separators *making, const struct art_buffer *keys) {
    size_t bytes = bytes_of(making->count);
    struct art_separators *out = art_alloc_zeroed(bytes + keys->len + ART_KEY_PADDING);
    if (!out) return NULL;
    memcpy(out, making, bytes);
    out->keys = memcpy((uint8_t *)out + bytes, keys->data, keys->len);
    return out;
}

/* Decodes them, once at most, when the blob has been asked so often that it pays. */
static bool decode_when_asked_often(struct art_blob *blob) {
    assert(blob->kind == ART_BLOB_INDEX && !blob->separators);
    uint32_t count = blob->entries;
    if (count < 2 || count > ART_LIMIT(separators)) {
        blob->separators_searched = NULL;
        return false;
    }
    if (blob->asked++ < count || art_blob_pages_present(blob) != blob->leaf_pages) return false;
    struct art_separators *making = art_alloc_zeroed(bytes_of(count));
    if (making) making->count = count;
    struct art_buffer keys = {0};
    if (making && take_children(making, &keys, blob)) {
        struct art_bytes low = key_of(making, 1), high = key_of(making, count - 1);
        making->shared = art_common_prefix(low.data, high.data, art_min32(low.len, high.len));
        for (uint32_t i = 1; i < count; i++)
            making->children[i].head = head_of(key_behind(key_of(making, i), making->shared));
        blob->separators = packed(making, &keys);
    }
    if (!blob->separators) blob->separators_searched = NULL; /* one try, whatever comes of it */
    art_buffer_clear(&keys);
    art_free(making);
    return blob->separators;
}

void art_blob_drop_separators(struct art_blob *blob) {
    art_free(blob->separators);
    blob->separators = NULL;
}

/* --- search ------------------------------------------------------------------------------------------------------- */

static inline bool are_ready(struct art_blob *blob) {
    if (!blob->separators && (!blob->separators_searched || !decode_when_asked_often(blob))) return false;
    ++*blob->separators_searched;
    return true;
}

/* Number of the child whose range holds `key`. */
static uint32_t find_separator(const struct art_blob *blob, struct art_bytes key) {
    const struct art_separators *separators = blob->separators;
    assert(key.len >= blob->label_len);
    struct art_bytes whole = key_behind(key, blob->label_len);
    int side = art_label_compare(art_bytes(key_of(separators, 1).data, separators->shared), whole);
    if (side) return side < 0 ? 0 : separators->count - 1;
    uint64_t head = head_of(key_behind(whole, separators->shared));
    uint32_t from = 1, end = separators->count;
    while (from < end) {
        uint32_t middle = from + (end - from) / 2;
        uint64_t there = separators->children[middle].head;
        bool after = there < head || (there == head && art_bytes_compare(key_of(separators, middle), whole) <= 0);
        from = after ? middle + 1 : from;
        end = after ? end : middle;
    }
    return from - 1;
}

static void read_child(const struct art_blob *blob, uint32_t number, struct art_ref *out) {
    assert(number < blob->separators->count);
    const struct child *child = &blob->separators->children[number];
    art_ref_read(art_bytes(blob->image + child->value_at, child->value_len), out);
}

enum art_rc art_blob_child(struct art_blob *blob, struct art_bytes key, struct art_ref *out, int64_t *before) {
    if (are_ready(blob)) {
        uint32_t number = find_separator(blob, key);
        read_child(blob, number, out);
        assert(number < blob->separators->count);
        if (before) *before = blob->separators->children[number].before;
        return ART_OK;
    }
    struct art_blob_position position;
    enum art_rc rc = art_blob_find_child(blob, key, &position);
    if (ART_UNLIKELY(rc)) return rc;
    if (before) {
        *before = (int64_t)((uint64_t)art_bucket_sum(blob, position.bucket) +
                            (uint64_t)art_bucket_weights(&position.view, position.entry, ART_BLOB_INDEX));
    }
    return art_bucket_child(blob, &position.view, position.bucket, position.entry, out);
}

enum art_rc art_blob_child_number(struct art_blob *blob, struct art_bytes key, struct art_ref *out, uint32_t *number) {
    if (are_ready(blob)) {
        *number = find_separator(blob, key);
        read_child(blob, *number, out);
        return ART_OK;
    }
    struct art_blob_position position;
    enum art_rc rc = art_blob_find_child(blob, key, &position);
    if (ART_UNLIKELY(rc)) return rc;
    *number = art_bucket_rank(blob, position.bucket) + position.entry;
    return art_bucket_child(blob, &position.view, position.bucket, position.entry, out);
}
