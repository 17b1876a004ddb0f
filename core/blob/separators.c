/* The separators of an index blob, decoded: what LSM trees call fence pointers. They are searched as a trie that looks
 * at 8 bytes in each layer (Masstree: Mao, Kohler, Morris 2012).
 *
 *   layer      a range of separators that begin alike: what they share from there on, and the heads behind that
 *   head       the next 8 bytes of one separator, or of several: these have a layer of their own
 *   children   where their references lie in the image, and the sums of counts before them
 *
 * A search in the blob itself walks the routing part, opens a bucket, follows the flattened tree in it and checks the
 * reference: some 700 instructions, where this takes 100 to 200 and two thirds of the time. Only where other work has
 * pushed all of it out of the processor's L2 does it take longer, from some 300 children on: it touches more lines. The
 * first separator is in no layer: keys before all others belong to the first child anyway.
 *
 * Blobs are immutable, so this stays right. It is only made where all leaf pages are present, the separators ascend and
 * each reference is one: a blob of which that is not true is searched as it is.
 */
#include "core/blob/separators.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/blob/bucket.h"
#include "core/blob/cursor.h"

/* Each connection has its own, which the cache's limit does not count: these are the limits for one blob. */
enum { CHILDREN_MOST = 1024, KEYS_MOST = 64 * 1024, HEAD = 8 };

struct child {
    int64_t before;    /* sum of the counts of all children before it */
    uint32_t value_at; /* its reference, in the image */
    uint32_t value_len;
};

struct layer {
    uint32_t first, end;  /* separators */
    uint32_t depth;       /* bytes behind the label that they are known to share */
    uint32_t shared;      /* and so many more, */
    uint32_t shared_at;   /* in keys */
    uint32_t heads, runs; /* the first of the layer's heads, and their number; none: to be compared whole */
};

/* The separators that have a head, up to those of the next one. */
struct run {
    uint32_t first;
    uint32_t layer; /* 0: it is one separator */
};

struct art_separators {
    uint32_t count, layer_count, head_count;
    struct child *children;
    uint64_t *heads;
    struct run *runs; /* one a head */
    struct layer *layers;
    uint32_t *ends; /* in keys, of each separator; with that of a zeroth before it */
    uint8_t *keys;  /* separators without the label */
};

static inline struct art_bytes key_of(const struct art_separators *separators, uint32_t number) {
    uint32_t at = separators->ends[number];
    return art_bytes(separators->keys + at, separators->ends[number + 1] - at);
}

static inline struct art_bytes key_behind(struct art_bytes key, uint32_t len) {
    return art_bytes(key.data + len, key.len - len);
}

/* The first bytes as a number; those that are missing count as 0. */
static inline uint64_t head_of(struct art_bytes key) {
    if (!key.len) return 0;
    uint64_t head = __builtin_bswap64(art_load64(key.data));
    return key.len < HEAD ? head & ~(UINT64_MAX >> 8 * key.len) : head;
}

/* --- making them -------------------------------------------------------------------------------------------------- */

/* Room for so much, in one piece of memory. */
static struct art_separators *new_separators(uint32_t count, uint32_t heads, uint32_t layers, uint32_t key_bytes) {
    struct art_separators *out;
    size_t bytes = count * sizeof *out->children + heads * (sizeof *out->heads + sizeof *out->runs) +
                   layers * sizeof *out->layers + (count + 1) * sizeof *out->ends;
    out = art_alloc_zeroed(sizeof *out + bytes + key_bytes);
    if (!out) return NULL;
    out->count = count;
    out->children = (struct child *)(out + 1);
    out->heads = (uint64_t *)(out->children + count);
    out->runs = (struct run *)(out->heads + heads);
    out->layers = (struct layer *)(out->runs + heads);
    out->ends = (uint32_t *)(out->layers + layers);
    out->keys = (uint8_t *)(out->ends + count + 1);
    return out;
}

static bool whole_is_present(const struct art_blob *blob) {
    uint32_t pages = 0;
    for (unsigned i = 0; i < 2; i++)
        pages += (uint32_t)__builtin_popcountll(atomic_load_explicit(&blob->present[i], memory_order_acquire));
    return pages == blob->leaf_pages;
}

/* The child under the cursor; `sum` is that of the counts before it, unless a bucket begins here. False: it is none. */
static bool take_child(struct art_separators *making, struct art_buffer *keys, const struct art_blob_cursor *at,
                       uint32_t number, uint64_t *sum) {
    const struct art_blob *blob = at->blob;
    struct art_bytes value = art_bucket_value(&at->view, at->entry);
    struct art_ref ref;
    if (art_ref_decode(value, &ref) || !art_ref_is_child(blob, &ref)) return false;
    if (!at->entry) *sum = (uint64_t)art_bucket_sum(blob, at->bucket);
    making->children[number] = (struct child){(int64_t)*sum, (uint32_t)(value.data - blob->image), (uint32_t)value.len};
    *sum += (uint64_t)ref.count;
    assert(at->key_len >= blob->label_len);
    if (keys->len + at->key_len - blob->label_len > KEYS_MOST) return false;
    if (art_buffer_append(keys, at->key + blob->label_len, at->key_len - blob->label_len)) return false;
    making->ends[number + 1] = (uint32_t)keys->len;
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
    enum art_rc rc = art_blob_cursor_place(&at, 0, 0);
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

/* Does a separator end within the head before the layer? Zeros there may be its own or missing, and tell nothing. */
static bool has_short_ones(const struct art_separators *making, const struct layer *layer) {
    bool any = false;
    for (uint32_t i = layer->first; i < layer->end; i++) any |= key_of(making, i).len < layer->depth;
    return any;
}

static void add_layer(struct art_separators *making, uint32_t first, uint32_t end, uint32_t depth) {
    assert(making->layer_count < 2 * making->count);
    making->layers[making->layer_count++] = (struct layer){.first = first, .end = end, .depth = depth};
}

/* Its heads, and layers for those that several separators have. */
static void fill_layer(struct art_separators *making, struct layer *layer) {
    struct art_bytes low = key_behind(key_of(making, layer->first), layer->depth);
    struct art_bytes high = key_behind(key_of(making, layer->end - 1), layer->depth);
    layer->shared = art_common_prefix(low.data, high.data, art_min32(low.len, high.len));
    layer->shared_at = (uint32_t)(low.data - making->keys);
    layer->heads = making->head_count;
    uint32_t depth = layer->depth + layer->shared, end = layer->end;
    for (uint32_t i = layer->first; i < end; i++) {
        uint64_t head = head_of(key_behind(key_of(making, i), depth));
        if (layer->runs && making->heads[making->head_count - 1] == head) continue;
        assert(making->head_count < 3 * making->count);
        making->heads[making->head_count] = head;
        making->runs[making->head_count++] = (struct run){.first = i};
        layer->runs++;
    }
    for (uint32_t i = layer->heads + layer->runs; i-- > layer->heads;) {
        struct run *run = &making->runs[i];
        if (end - run->first > 1) {
            run->layer = making->layer_count;
            add_layer(making, run->first, end, depth + HEAD);
        }
        end = run->first;
    }
}

static void fill_layers(struct art_separators *making) {
    add_layer(making, 1, making->count, 0);
    for (uint32_t i = 0; i < making->layer_count; i++) {
        if (!has_short_ones(making, &making->layers[i])) fill_layer(making, &making->layers[i]);
    }
}

static struct art_separators *packed(const struct art_separators *making, const struct art_buffer *keys) {
    uint32_t heads = making->head_count, layers = making->layer_count, count = making->count;
    uint32_t key_bytes = (uint32_t)keys->len + ART_KEY_PADDING;
    struct art_separators *out = new_separators(count, heads, layers, key_bytes);
    if (!out) return NULL;
    out->head_count = heads;
    out->layer_count = layers;
    memcpy(out->children, making->children, count * sizeof *out->children);
    memcpy(out->heads, making->heads, heads * sizeof *out->heads);
    memcpy(out->runs, making->runs, heads * sizeof *out->runs);
    memcpy(out->layers, making->layers, layers * sizeof *out->layers);
    memcpy(out->ends, making->ends, (count + 1) * sizeof *out->ends);
    memcpy(out->keys, keys->data, keys->len);
    return out;
}

bool art_separators_ready_slow(struct art_blob *blob) {
    uint32_t count = blob->entries;
    if (count < 2 || count > CHILDREN_MOST) {
        blob->may_keep_separators = false;
        return false;
    }
    if (blob->asked++ < count || !whole_is_present(blob)) return false;
    blob->may_keep_separators = false; /* one try, whatever comes of it */
    struct art_separators *making = new_separators(count, 3 * count, 2 * count, 0);
    struct art_buffer keys = {0};
    if (making && take_children(making, &keys, blob)) {
        fill_layers(making);
        blob->separators = packed(making, &keys);
    }
    art_buffer_clear(&keys);
    art_free(making);
    return blob->separators;
}

void art_blob_drop_separators(struct art_blob *blob) {
    art_free(blob->separators);
    blob->separators = NULL;
}

/* --- search ------------------------------------------------------------------------------------------------------- */

/* How many of the numbers, which ascend, are not above this one. */
static inline uint32_t not_above(const uint64_t *heads, uint32_t n, uint64_t head) {
    uint32_t from = 0;
    while (n) {
        uint32_t half = n / 2;
        bool behind = heads[from + half] <= head;
        from += behind ? half + 1 : 0;
        n = behind ? n - half - 1 : half;
    }
    return from;
}

/* The last of the layer's separators that is not above the key, or the one before them. */
static uint32_t compare_whole(const struct art_separators *separators, const struct layer *layer,
                              struct art_bytes key) {
    uint32_t from = layer->first, end = layer->end;
    while (from < end) {
        uint32_t middle = from + (end - from) / 2;
        if (art_bytes_compare(key_of(separators, middle), key) <= 0) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from - 1;
}

uint32_t art_separators_find(const struct art_blob *blob, struct art_bytes key) {
    const struct art_separators *separators = blob->separators;
    const struct layer *layer = separators->layers;
    assert(key.len >= blob->label_len);
    struct art_bytes whole = key_behind(key, blob->label_len), rest = whole;
    for (;;) {
        if (!layer->runs) return compare_whole(separators, layer, whole);
        int side = art_label_compare(art_bytes(separators->keys + layer->shared_at, layer->shared), rest);
        if (side) return (side < 0 ? layer->first : layer->end) - 1;
        rest = key_behind(rest, layer->shared);
        uint64_t head = head_of(rest);
        const uint64_t *heads = separators->heads + layer->heads;
        const struct run *runs = separators->runs + layer->heads;
        uint32_t n = not_above(heads, layer->runs, head);
        if (!n) return layer->first - 1;
        const struct run *run = &runs[n - 1];
        if (heads[n - 1] != head) return (n < layer->runs ? runs[n].first : layer->end) - 1;
        if (!run->layer) return run->first - (art_bytes_compare(key_of(separators, run->first), whole) > 0);
        layer = &separators->layers[run->layer];
        if (layer->runs && rest.len < HEAD) return run->first - 1; /* its zeros are missing, those of the run are not */
        rest = layer->runs ? key_behind(rest, HEAD) : rest;
    }
}

void art_separators_child(const struct art_blob *blob, uint32_t child, struct art_ref *out, int64_t *before) {
    const struct child *at = &blob->separators->children[child];
    art_ref_read(art_bytes(blob->image + at->value_at, at->value_len), out);
    if (before) *before = at->before;
}
