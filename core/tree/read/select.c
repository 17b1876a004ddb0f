/* The row before which a given number of rows stand: a search over all sources at once.
 *
 *     memtable   . d . b . . e .         W(x), the weights of all sources below x summed up, is the number of rows
 *     run 0      . . b c . . . .         before x. It never falls as x grows, though the sums of a single source do:
 *     run 1      a . b . d . . .         a delete above takes away what a put below has given.
 *                  |<----->|
 *                 low     high           W(low) <= rank < W(high) all the way: the row lies between.
 *
 * The two bounds close in source by source, beginning with the largest run. In a run the search goes down from its top:
 * in each index blob by halves over the separators between the bounds, then over the entries of one leaf blob, so that
 * no key of that run is left between them; the next run has few there from the beginning. Each look costs W at one key,
 * a descent in each source, and there are about as many as the entries of the largest run have binary digits.
 *
 * With no run's key left between the bounds the memtable's weights are 0 or 1 there, and its own sums tell the row.
 *
 * W comes from the disk. Whatever it is, each look takes a part of a finite run away; who gets a key must see that it
 * is a row's.
 */
#include "core/tree/read/read.h"

struct select {
    struct art_tree *tree;
    struct art_between *between;
    int64_t rank;
};

static struct art_bytes set_key(uint8_t *buffer, struct art_bytes key) {
    if (key.len) memmove(buffer, key.data, key.len);
    memset(buffer + key.len, 0, ART_KEY_PADDING);
    return art_bytes(buffer, key.len);
}

static void move_bound(struct art_between *between, struct art_bytes key, int64_t rank, bool low) {
    if (low) {
        between->low = set_key(between->low_buffer, key);
        between->low_rank = rank;
    } else {
        between->high = set_key(between->high_buffer, key);
        between->high_rank = rank;
    }
}

/* How many keys of a blob stand before `key`, or with `through`, not behind it. */
static enum art_rc keys_before(struct art_blob_cursor *at, struct art_bytes label, struct art_bytes key, bool through,
                               uint32_t *out) {
    int side = art_label_compare(label, key);
    *out = side < 0 ? 0 : at->blob->entries;
    if (side) return ART_OK;
    enum art_rc rc = art_blob_seek_ge(at, key);
    if (rc || !at->valid) return rc;
    *out = art_blob_cursor_index(at);
    if (through && art_bytes_equal(art_bytes(at->key, at->key_len), key)) ++*out;
    return ART_OK;
}

/* Closes in until no key of the blob is left between the bounds. *first: how many stand at or before the low one. */
static enum art_rc narrow_blob(struct select *select, struct art_blob_cursor *at, struct art_bytes label,
                               uint32_t *first) {
    uint32_t end;
    enum art_rc rc = keys_before(at, label, select->between->low, true, first);
    if (!rc) rc = keys_before(at, label, select->between->high, false, &end);
    while (!rc && *first < end) {
        uint32_t middle = *first + (end - *first) / 2;
        int64_t rank = 0;
        rc = art_blob_seek_entry(at, middle);
        if (rc) break;
        struct art_bytes key = set_key(at->key, art_bytes(at->key, at->key_len));
        rc = art_tree_rank(select->tree, key, &rank);
        if (rc) break;
        bool above = rank <= select->rank;
        move_bound(select->between, key, rank, above);
        if (above)
            *first = middle + 1;
        else
            end = middle;
    }
    return rc;
}

static enum art_rc narrow_run(struct select *select, const struct art_run *run) {
    struct art_ref ref = run->top;
    struct art_blob *above = NULL; /* where ref's label lies */
    enum art_rc rc;
    for (;;) {
        struct art_blob *blob;
        struct art_blob_cursor at;
        uint32_t first;
        unsigned height = ref.height;
        rc = art_store_blob(select->tree->store, &ref, &blob);
        if (rc) break;
        art_blob_pin(blob);
        art_blob_cursor_init(&at, blob, select->between->scratch);
        if (ref.label.len) memcpy(at.key, ref.label.data, ref.label.len);
        rc = narrow_blob(select, &at, ref.label, &first);
        art_blob_unpin(above);
        above = blob;
        if (rc || height == 0) break;
        rc = art_blob_seek_entry(&at, first ? first - 1 : 0);
        if (!rc) rc = art_blob_cursor_ref(&at, &ref);
        if (rc) break;
        assert(ref.height + 1u == height);
    }
    art_blob_unpin(above);
    return rc;
}

/* No run has a key between the bounds: the row is at the low one, or the memtable has it. */
static enum art_rc select_in_memtable(struct select *select, struct art_bytes *key) {
    struct art_between *between = select->between;
    const struct art_memtable *memtable = select->tree->memtable;
    int64_t rank;
    *key = between->low;
    if (!art_memtable_keys(memtable)) return ART_OK;
    between->low_buffer[between->low.len] = 0; /* the smallest key above it */
    struct art_bytes low = art_bytes(between->low_buffer, between->low.len + 1);
    memset(between->low_buffer + low.len, 0, ART_KEY_PADDING);
    enum art_rc rc = art_tree_rank(select->tree, low, &rank);
    if (rc || rank > select->rank) return rc;
    uint64_t on = (uint64_t)select->rank - (uint64_t)rank; /* rows behind it */
    int64_t wanted = (int64_t)((uint64_t)art_memtable_rank(memtable, low) + on);
    return art_memtable_select(memtable, low, between->high, wanted, key);
}

enum art_rc art_tree_select(struct art_tree *tree, int64_t rank, struct art_between *between, struct art_bytes *key) {
    struct select select = {tree, between, rank};
    const struct art_root *root = tree->root;
    bool done[ART_RUNS_CAPACITY] = {false};
    if (rank < between->low_rank || rank >= between->high_rank) return ART_NOTFOUND; /* the counts lie */
    ART_AT(ART_EVENT_SELECT);
    for (unsigned i = 0; i < root->runs; i++) {
        unsigned largest = root->runs;
        for (unsigned j = 0; j < root->runs; j++) {
            if (done[j] || (largest < root->runs && root->run[j].top.entries <= root->run[largest].top.entries)) {
                continue;
            }
            largest = j;
        }
        done[largest] = true;
        enum art_rc rc = narrow_run(&select, &root->run[largest]);
        if (rc) return rc;
    }
    return select_in_memtable(&select, key);
}
