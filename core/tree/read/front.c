/* Finding out where a bucket's rows begin, in the order of a column's values: what core/tree/state/front.c remembers.
 *
 * The entries that may be rows are looked for in newer sources one by one, best first, until one of them is not hidden.
 * All of a bucket's values are read for that, once.
 */
#include "core/blob/blob_format.h"
#include "core/tree/read/read.h"

/* Values that wait, in a heap of their numbers: the first is the best. */
struct waiting_values {
    const struct art_summary *summary;
    const struct art_best_order *order;
    struct art_front front; /* what stands before it is known to be hidden */
    uint32_t first;         /* entry of the bucket */
    uint32_t count;
    bool texts; /* there are some */
    uint8_t heap[ART_BUCKET_ENTRIES];
    struct art_datum value[ART_BUCKET_ENTRIES];
};

static bool waits_before(const struct waiting_values *waiting, uint8_t a, uint8_t b) {
    int c = art_datum_compare(&waiting->value[a], &waiting->value[b]);
    if (c) return waiting->order->descending ? c > 0 : c < 0;
    return a < b;
}

static bool is_before_front(const struct waiting_values *waiting, const struct art_datum *value, uint32_t entry) {
    struct art_datum front;
    if (!art_front_value(&waiting->front, &front)) return true;
    int c = art_datum_compare(value, &front);
    if (c) return waiting->order->descending ? c > 0 : c < 0;
    return entry < waiting->front.entry;
}

static void wait_for(void *context, uint32_t at, const struct art_entry *entry) {
    struct waiting_values *waiting = context;
    const struct art_best_order *order = waiting->order;
    uint32_t number = at - waiting->first;
    struct art_datum data[ART_SUMMARY_MAX];
    uint8_t room[ART_VALUE_INLINE_MAX];
    assert(number < ART_BUCKET_ENTRIES);
    if (entry->flags & (ART_DELETE | ART_CHUNK)) return;
    art_summary_read(waiting->summary, entry, 1u << order->column, room, data);
    const struct art_datum *mine = &data[order->column];
    waiting->texts |= mine->kind >= ART_DATUM_TEXT;
    if (waiting->texts) return; /* nothing is remembered, and its bytes are gone with the room */
    if (order->skip_nulls && mine->kind == ART_DATUM_NULL) return;
    if (is_before_front(waiting, mine, number)) return;
    waiting->value[number] = *mine;
    uint32_t index = waiting->count++;
    for (; index && waits_before(waiting, (uint8_t)number, waiting->heap[(index - 1) / 2]); index = (index - 1) / 2)
        waiting->heap[index] = waiting->heap[(index - 1) / 2];
    waiting->heap[index] = (uint8_t)number;
}

static void drop_best(struct waiting_values *waiting) {
    assert(waiting->count);
    uint8_t *heap = waiting->heap, last = heap[--waiting->count];
    uint32_t index = 0, child;
    while ((child = 2 * index + 1) < waiting->count) {
        if (child + 1 < waiting->count && waits_before(waiting, heap[child + 1], heap[child])) child++;
        if (!waits_before(waiting, heap[child], last)) break;
        heap[index] = heap[child];
        index = child;
    }
    heap[index] = last;
}

/* Drops values up to the first that is not hidden. *csn: of the newest entry that hides one. */
static enum art_rc drop_hidden(struct art_tree *tree, struct waiting_values *waiting, unsigned run,
                               struct art_blob_cursor *at, uint64_t *csn) {
    *csn = 0;
    while (waiting->count) {
        uint64_t by = 0;
        bool hidden = false;
        enum art_rc rc = art_blob_seek_entry(at, waiting->first + waiting->heap[0]);
        if (rc) return rc;
        memset(at->key + at->key_len, 0, ART_KEY_PADDING);
        rc = art_tree_is_hidden(tree, art_bytes(at->key, at->key_len), run, &hidden, &by);
        if (rc || !hidden) return rc;
        if (by > *csn) *csn = by;
        drop_best(waiting);
    }
    return ART_OK;
}

/* The blob's fronts; those that are new are what its zones say. */
static struct art_fronts *take_fronts(struct art_tree *tree, const struct art_best_order *order,
                                      struct art_hash128 hash, const struct art_blob *blob) {
    struct art_fronts *fronts = art_fronts_find(&tree->fronts, hash, art_front_order(order));
    if (fronts) return fronts->buckets == blob->buckets ? fronts : NULL;
    fronts = art_fronts_add(&tree->fronts, hash, art_front_order(order), blob->buckets);
    for (uint32_t b = 0; fronts && b < blob->buckets; b++) {
        struct art_datum best;
        struct art_zone zone = art_blob_zone(blob, order->column, b);
        bool any = art_best_of_zone(order, &zone, &best);
        fronts->bucket[b] = any ? art_front_of(&best, 0) : (struct art_front){.kind = ART_FRONT_NONE};
    }
    if (fronts) art_fronts_set(&tree->fronts, fronts, 0, fronts->bucket[0], 0); /* the blob's best, too */
    return fronts;
}

enum art_rc art_front_learn(struct art_tree *tree, const struct art_best_order *order, unsigned run,
                            struct art_hash128 hash, struct art_blob_cursor *at, uint32_t bucket) {
    struct art_blob *blob = at->blob;
    assert(blob->kind == ART_BLOB_LEAF && bucket < blob->buckets);
    struct art_fronts *fronts = take_fronts(tree, order, hash, blob);
    if (!fronts) return ART_OK;
    struct waiting_values waiting; /* its values are set one by one */
    waiting.summary = art_tree_summary(tree);
    waiting.order = order;
    waiting.front = fronts->bucket[bucket];
    waiting.first = art_blob_entries_in(blob, 0, bucket);
    waiting.count = 0;
    waiting.texts = false;
    uint32_t end = waiting.first + art_blob_entries_in(blob, bucket, bucket + 1);
    uint64_t csn = 0;
    enum art_rc rc = art_blob_each(blob, bucket, waiting.first, end, wait_for, &waiting);
    if (rc || waiting.texts) return rc;
    rc = drop_hidden(tree, &waiting, run, at, &csn);
    if (rc) return rc;
    struct art_front front = {.kind = ART_FRONT_NONE};
    if (waiting.count) front = art_front_of(&waiting.value[waiting.heap[0]], waiting.heap[0]);
    art_fronts_set(&tree->fronts, fronts, bucket, front, csn);
    return ART_OK;
}

void art_front_note(struct art_tree *tree, const struct art_best_order *order, struct art_hash128 hash,
                    const struct art_blob *blob, uint32_t bucket, const struct art_datum *best) {
    assert(blob->kind == ART_BLOB_INDEX && bucket < blob->buckets);
    struct art_fronts *fronts = take_fronts(tree, order, hash, blob);
    struct art_front front = {.kind = ART_FRONT_NONE};
    if (!fronts) return;
    if (best) front = art_front_of(best, 0);
    art_fronts_set(&tree->fronts, fronts, bucket, front, tree->fronts.csn);
}
