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

/* --- guesses ------------------------------------------------------------------------------------------------------ */

/* Ten leaps, each eight times as far as the one before it, reach over 30,000,000,000 hidden entries. */
enum { GUESSES = 10, LEAP_ENTRIES = 256, LEAPS_GROW = 8 };
#define SENSIBLE (INT64_MAX / 4) /* beyond it sums lie, and might overflow */

/* Entries of the oldest run before the bounds. Where sums lie there are none between. */
static enum art_rc rank_of_bounds(const struct select *select, int64_t *first, int64_t *end) {
    const struct art_between *between = select->between;
    const struct art_root *root = select->tree->root;
    *first = *end = 0;
    enum art_rc rc = art_run_rank(select->tree, &root->run[root->runs - 1], between->low, first, NULL);
    if (!rc) rc = art_run_rank(select->tree, &root->run[root->runs - 1], between->high, end, NULL);
    if (*first < 0 || *end > SENSIBLE || between->high_rank > SENSIBLE) *first = *end = 0;
    return rc;
}

/* The rows of the whole tree before entry `at` of the oldest run, and its key; <0: it is not between the bounds, since
 * sums lie or newer sources have rows there. */
static enum art_rc rank_of_entry(struct select *select, int64_t at, struct art_bytes *key, int64_t *rank) {
    struct art_tree *tree = select->tree;
    const struct art_between *between = select->between;
    *rank = -1;
    enum art_rc rc = art_run_seek_rank(between->oldest, at);
    if (rc || !between->oldest->valid) return rc;
    *key = art_run_key(between->oldest);
    if (art_bytes_compare(*key, between->low) < 0 || art_bytes_compare(*key, between->high) >= 0) return ART_OK;
    int64_t newer = 0;
    rc = art_tree_rank_above(tree, *key, tree->root->runs - 1, &newer, NULL);
    int64_t sum = (int64_t)((uint64_t)newer + (uint64_t)at);
    if (!rc && sum >= between->low_rank && sum <= between->high_rank) *rank = sum;
    return rc;
}

static int64_t entry_within(int64_t at, int64_t entries) {
    return at < 0 ? 0 : at < entries ? at : entries - 1;
}

static enum art_rc low_bound_is_row(const struct select *select, bool *is_row) {
    struct art_found entry;
    enum art_rc rc = art_tree_find(select->tree, select->between->low, &entry);
    *is_row = !rc && entry.live;
    return rc;
}

/* Mostly the row is one of the oldest run, in which each entry is a row of its own. It stands as many entries on from a
 * bound as rows and hidden entries are between. Leaps from the nearer bound on, each longer than the one before, find
 * two bounds with the row between them. There the hidden entries are all entries but the rows, by W at both. Where they
 * stand in one piece, as at the front of a queue, the next guess is the row; where they do not, it is nearer.
 *
 *     oldest run   x x x x x x x e f g h     x  hidden: 7 entries, 0 rows before e
 *                  |     |         |
 *                 low   1st       2nd leap   9 entries from low on, 2 rows: the 7th is the row that is 0 rows on
 */
static enum art_rc guess(struct select *select, bool *found) {
    struct art_between *between = select->between;
    int64_t behind = select->rank - between->low_rank, before = between->high_rank - select->rank - 1;
    bool forward = behind <= before, leaps = true;
    int64_t leap = (forward ? behind : before) ? 0 : LEAP_ENTRIES; /* its neighbours are known to be hidden */
    int64_t first, end;
    enum art_rc rc = rank_of_bounds(select, &first, &end);
    for (int i = 0; !rc && i < GUESSES && first < end; i++) {
        int64_t on = select->rank - between->low_rank, rank, entries = end - first;
        int64_t hidden = entries - (between->high_rank - between->low_rank);
        int64_t at = on + (forward == leaps ? 0 : hidden) + (forward ? leap : -leap);
        struct art_bytes key;
        if (leaps) at = entry_within(at, entries);
        if (at < 0 || at >= entries) break;
        rc = rank_of_entry(select, first + at, &key, &rank);
        if (rc || rank < 0) return rc;
        bool above = rank <= select->rank;
        move_bound(between, key, rank, above);
        if (above)
            first += at;
        else
            end = first + at;
        if (rank == select->rank && !leap) rc = low_bound_is_row(select, found);
        if (rc || *found) return rc;
        if (!leaps && (above == forward || !at)) break; /* newer sources have rows of their own there */
        leaps &= above == forward;
        leap = !leaps ? 0 : leap ? LEAPS_GROW * leap : LEAP_ENTRIES;
    }
    return rc;
}

enum art_rc art_tree_select(struct art_tree *tree, int64_t rank, struct art_between *between, struct art_bytes *key) {
    struct select select = {tree, between, rank};
    const struct art_root *root = tree->root;
    bool done[ART_RUNS_CAPACITY] = {false}, found = false;
    assert(between->low_rank <= rank && rank < between->high_rank);
    ART_AT(ART_EVENT_SELECT);
    if (between->oldest) {
        enum art_rc rc = guess(&select, &found);
        if (rc || found) {
            *key = between->low;
            return rc;
        }
    }
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
