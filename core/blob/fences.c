/* Fence pointers, as LSM trees call them: where the children of an index blob begin, decoded once.
 *
 *   heads[1 ..]    8 bytes of each separator, as a number, behind those that all have in common
 *   keys           the separators whole, for those whose heads are equal
 *   children[]     where the references lie in the image, which stays where it is
 *
 * A search in the blob itself walks the routing part, opens a bucket, follows the flattened tree in it and checks the
 * reference: some 700 instructions, and three or four lines of memory one after another. Here it takes 100. The first
 * separator is not looked at: keys before all others belong to the first child anyway.
 *
 * Blobs are immutable, so fences stay right. They are made only where all pages are present and every separator and
 * reference is as it ought to be: a damaged blob has none, and the search in it says what is wrong.
 */
#include "core/blob/fences.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/blob/bucket.h"
#include "core/blob/cursor.h"

/* With more children, or longer keys, the fences would be as large as what they spare. */
enum { FENCES_MOST = 1024, KEYS_MOST = 64 * 1024 };

struct child {
    int64_t before;    /* sum of the counts of all children before it */
    uint32_t value_at; /* its reference, in the image */
    uint32_t value_len;
    uint32_t key_at, key_len;
};

struct art_fences {
    uint32_t count;
    uint32_t shared; /* leading bytes of all separators but the first, counted behind the label */
    uint8_t *keys;   /* without the label */
    struct child *children;
    uint64_t heads[];
};

static struct art_bytes key_of(const struct art_fences *fences, uint32_t child) {
    return art_bytes(fences->keys + fences->children[child].key_at, fences->children[child].key_len);
}

/* The 8 bytes behind the first `at`, as a number; those that are missing count as 0. */
static inline uint64_t head_of(struct art_bytes key, uint32_t at) {
    uint32_t left = key.len - at;
    if (!left) return 0;
    uint64_t head = __builtin_bswap64(art_load64(key.data + at));
    return left < 8 ? head & ~(UINT64_MAX >> 8 * left) : head;
}

/* --- making them -------------------------------------------------------------------------------------------------- */

struct making {
    struct art_fences *fences;
    struct art_buffer keys;
    struct art_blob_cursor at;
    uint64_t sum; /* of the counts before the next child */
};

static bool whole_is_present(const struct art_blob *blob) {
    uint32_t pages = 0;
    for (unsigned i = 0; i < 2; i++)
        pages += (uint32_t)__builtin_popcountll(atomic_load_explicit(&blob->present[i], memory_order_acquire));
    return pages == blob->leaf_pages;
}

/* The child under the cursor. False: no fence may lead to it, or there is no memory. */
static bool take_child(struct making *making, uint32_t number) {
    const struct art_blob_cursor *at = &making->at;
    const struct art_blob *blob = at->blob;
    struct art_bytes value = art_bucket_value(&at->view, at->entry);
    struct art_ref ref;
    if (art_ref_decode(value, &ref) || !art_ref_is_child(blob, &ref) || at->key_len < blob->label_len) return false;
    if (!at->entry) making->sum = (uint64_t)art_bucket_sum(blob, at->bucket);
    struct child *child = &making->fences->children[number];
    *child = (struct child){
        .before = (int64_t)making->sum,
        .value_at = (uint32_t)(value.data - blob->image),
        .value_len = value.len,
        .key_at = (uint32_t)making->keys.len,
        .key_len = at->key_len - blob->label_len,
    };
    making->sum += (uint64_t)ref.count;
    return making->keys.len + child->key_len <= KEYS_MOST &&
           !art_buffer_append(&making->keys, at->key + blob->label_len, child->key_len);
}

/* What all separators but the first share, and what comes behind it. False: they are not in order. */
static bool set_heads(struct art_fences *fences) {
    struct art_bytes first = key_of(fences, 1), last = key_of(fences, fences->count - 1);
    fences->shared = art_common_prefix(first.data, last.data, art_min32(first.len, last.len));
    for (uint32_t i = 1; i < fences->count; i++) {
        struct art_bytes key = key_of(fences, i);
        if (i > 1 && art_bytes_compare(key_of(fences, i - 1), key) >= 0) return false;
        if (key.len < fences->shared) return false;
        fences->heads[i] = head_of(key, fences->shared);
    }
    return true;
}

static bool make_fences(struct making *making, struct art_blob *blob) {
    struct art_fences *fences = making->fences;
    uint32_t number = 0;
    enum art_rc rc = art_blob_cursor_place(&making->at, 0, 0);
    for (; !rc && making->at.valid && number < fences->count; number++) {
        if (!take_child(making, number)) return false;
        rc = art_blob_next(&making->at);
    }
    if (rc || making->at.valid || number < fences->count) return false;
    if (art_buffer_reserve(&making->keys, ART_KEY_PADDING)) return false;
    fences->keys = making->keys.data;
    if (!set_heads(fences)) return false;
    blob->fences = fences;
    return true;
}

bool art_fences_ready_slow(struct art_blob *blob) {
    uint32_t count = blob->entries;
    if (blob->asked++ < count || !whole_is_present(blob)) return false;
    blob->keeps_fences = false; /* one try, whatever comes of it */
    if (count < 2 || count > FENCES_MOST) return false;
    struct making making = {0};
    uint8_t *key = art_alloc(ART_KEY_MAX + ART_KEY_PADDING);
    making.fences = art_alloc(sizeof *making.fences + count * (sizeof *making.fences->heads + sizeof(struct child)));
    bool done = false;
    if (key && making.fences) {
        making.fences->count = count;
        making.fences->children = (struct child *)(making.fences->heads + count);
        art_blob_cursor_init(&making.at, blob, key);
        done = make_fences(&making, blob);
    }
    art_free(key);
    if (done) return true;
    art_buffer_clear(&making.keys);
    art_free(making.fences);
    return false;
}

void art_blob_drop_fences(struct art_blob *blob) {
    if (!blob->fences) return;
    art_free(blob->fences->keys);
    art_free(blob->fences);
    blob->fences = NULL;
}

/* --- search ------------------------------------------------------------------------------------------------------- */

/* The first of [from, end) whose head is larger; `end`: none. */
static inline uint32_t first_above(const uint64_t *heads, uint32_t from, uint32_t end, uint64_t head) {
    uint32_t n = end - from;
    while (n) {
        uint32_t half = n / 2;
        bool behind = heads[from + half] <= head;
        from += behind ? half + 1 : 0;
        n = behind ? n - half - 1 : half;
    }
    return from;
}

/* Of the fences before `end` whose heads are the key's: the last one that is not above the key, else what is before
 * all of them. */
static uint32_t among_equal(const struct art_fences *fences, uint32_t end, uint64_t head, struct art_bytes key) {
    uint32_t from = head ? first_above(fences->heads, 1, end, head - 1) : 1;
    while (from < end) {
        uint32_t middle = from + (end - from) / 2;
        if (art_bytes_compare(key_of(fences, middle), key) <= 0) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from - 1;
}

uint32_t art_fences_find(const struct art_blob *blob, struct art_bytes key) {
    const struct art_fences *fences = blob->fences;
    struct art_bytes rest = art_bytes(key.data + blob->label_len, key.len - blob->label_len);
    assert(key.len >= blob->label_len);
    int side = art_label_compare(art_bytes(key_of(fences, 1).data, fences->shared), rest);
    if (side) return side < 0 ? 0 : fences->count - 1;
    uint64_t head = head_of(rest, fences->shared);
    uint32_t above = first_above(fences->heads, 1, fences->count, head);
    if (above == 1 || fences->heads[above - 1] != head) return above - 1;
    return among_equal(fences, above, head, rest);
}

void art_fences_child(const struct art_blob *blob, uint32_t child, struct art_ref *out, int64_t *before) {
    const struct child *at = &blob->fences->children[child];
    art_ref_read(art_bytes(blob->image + at->value_at, at->value_len), out);
    if (before) *before = at->before;
}
