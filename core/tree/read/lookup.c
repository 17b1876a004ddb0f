/* One key: where it stands (find, get), how many rows lie before it (rank, count), and what they add up to. */
#include "core/tree/read/read.h"

/* The entry of `key` in the leaf blob at the end of its way. *where: what keeps it. */
static inline enum art_rc leaf_get(struct art_tree *tree, const struct art_descent *end, struct art_bytes key,
                                   struct art_entry *entry, struct art_blob **where) {
    assert(end->leaf && !end->side);
    struct art_blob *leaf = *where = end->leaf;
    if (!art_cache_is_full()) return art_blob_get(leaf, key, entry);
    struct art_spot spot;
    const uint8_t *page;
    enum art_rc rc = art_blob_spot(leaf, key, &spot);
    if (!rc) rc = art_store_bypass(tree->store, leaf, spot.page, &page, where);
    if (rc) return rc;
    return page ? art_blob_get_from(leaf, key, &spot, page, entry) : art_blob_get(leaf, key, entry);
}

/* What the leaf's filter says: art_blob_ask_filter(). *hash: the key's, 0: it is not made yet. */
static inline enum art_rc ask_filter(struct art_tree *tree, struct art_blob *leaf, struct art_bytes key,
                                     uint64_t *hash) {
    if (!leaf->filter_blocks) return ART_OK;
    if (!*hash) *hash = art_blob_key_hash(key);
    enum art_rc rc = art_blob_ask_filter(leaf, *hash);
    tree->count.filters += rc == ART_NOTFOUND;
    return rc;
}

/* Where a key is looked for. */
struct sources {
    struct art_memtable *memtable;          /* NULL: not there */
    struct art_memtable_position *position; /* NULL, or gets the key's position in it */
    const struct art_run *runs;             /* newest first */
    unsigned count;
};

/* The point read: the newest entry of a key. */
static enum art_rc find_newest(struct art_tree *tree, struct art_bytes key, const struct sources *in,
                               struct art_found *out) {
    struct art_memtable *memtable = in->memtable;
    struct art_memtable_position *position = in->position;
    uint64_t hash = 0; /* one for the filters of runs and memtable, made when the first one asks */
    *out = (struct art_found){0};

    if (memtable && (position || art_memtable_keys(memtable) > 0)) {
        if (position) {
            art_memtable_look(memtable, key, position);
            hash = position->hash;
        } else {
            hash = art_blob_key_hash(key);
        }
        bool maybe = art_memtable_may_contain(memtable, hash);
        tree->count.memtable += !maybe && !position;
        enum art_rc rc = ART_NOTFOUND;
        if (maybe)
            rc = position ? art_memtable_get_at(key, position, &out->entry)
                          : art_memtable_get(memtable, key, &out->entry);
        out->in_memtable = !rc;
    }

    for (unsigned i = 0; i < in->count && !out->in_memtable; i++) { /* the first that has an entry decides */
        const struct art_run *run = &in->runs[i];
        struct art_descent end;
        enum art_rc rc = art_run_descend(tree, run, key, NULL, NULL, &end);
        if (rc) return rc;
        if (end.side) continue;
        rc = ask_filter(tree, end.leaf, key, &hash);
        if (!rc) rc = leaf_get(tree, &end, key, &out->entry, &out->blob);
        if (rc == ART_NOTFOUND) continue;
        if (rc) return rc;
        out->any = true;
        break;
    }
    out->any |= out->in_memtable;
    out->live = out->any && !(out->entry.flags & ART_DELETE);
    return ART_OK;
}

enum art_rc art_tree_find(struct art_tree *tree, struct art_bytes key, struct art_found *out) {
    assert(art_tree_is_known(tree) && tree->root && tree->memtable);
    struct sources all = {.memtable = tree->memtable, .runs = tree->root->run, .count = tree->root->runs};
    return find_newest(tree, key, &all, out);
}

enum art_rc art_tree_find_position(struct art_tree *tree, struct art_bytes key, struct art_found *out,
                                   struct art_memtable_position *position) {
    assert(art_tree_is_known(tree) && position);
    struct sources all = {tree->memtable, position, tree->root->run, tree->root->runs};
    return find_newest(tree, key, &all, out);
}

enum art_rc art_run_get(struct art_tree *tree, const struct art_run *run, struct art_bytes key, struct art_entry *out) {
    struct sources alone = {.runs = run, .count = 1};
    struct art_found found;
    enum art_rc rc = find_newest(tree, key, &alone, &found);
    *out = found.entry;
    return rc || found.any ? rc : ART_NOTFOUND;
}

enum art_rc art_tree_is_hidden(struct art_tree *tree, struct art_bytes key, unsigned run, bool *hidden, uint64_t *csn) {
    struct sources newer = {.memtable = tree->memtable, .runs = tree->root->run, .count = run};
    struct art_found found;
    assert(run < tree->root->runs);
    enum art_rc rc = find_newest(tree, key, &newer, &found);
    *hidden = found.any;
    if (csn) *csn = found.entry.csn;
    return rc;
}

void art_row_take(const struct art_tree *tree, const struct art_found *found, struct art_row *row) {
    const struct art_entry *entry = &found->entry;
    assert(found->any && !(entry->flags & ART_DELETE));
    row->stored = art_entry_stored(entry);
    row->version = entry->csn;
    row->overflows = entry->flags & ART_OVERFLOW;
    row->changes = tree->changes;
    row->flags = entry->flags;
    row->head = (uint8_t)art_entry_head(entry->flags, entry->value);
    assert(row->head <= entry->value.len);
    if (found->in_memtable) {
        row->held_memtable = art_memtable_ref(tree->memtable);
    } else {
        art_blob_pin(found->blob);
        row->pinned_blob = found->blob;
    }
}

enum art_rc art_tree_get(struct art_tree *tree, struct art_bytes path, struct art_row *row) {
    *row = (struct art_row){0};
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;
    struct art_bytes key;
    if (path.len > ART_PATH_MAX) return ART_NOTFOUND;
    rc = art_row_key(tree->key, path, &key);
    if (rc) return rc;
    struct art_found found;
    rc = art_tree_find(tree, key, &found);
    if (rc) return rc;
    if (!found.live) return ART_NOTFOUND;
    art_row_take(tree, &found, row);
    return ART_OK;
}

void art_row_release(struct art_row *row) {
    assert(!row->pinned_blob || !row->held_memtable);
    if (row->pinned_blob) art_blob_unpin(row->pinned_blob);
    if (row->held_memtable) art_memtable_unref(row->held_memtable);
    *row = (struct art_row){0};
}

/* One descent; what lies before the key in the last blob, too. */
enum art_rc art_run_rank(struct art_tree *tree, const struct art_run *run, struct art_bytes key, int64_t *rank,
                         art_int128 *sum) {
    struct art_descent end;
    int64_t before = 0;
    enum art_rc rc = art_run_descend(tree, run, key, rank, sum, &end);
    if (rc || end.side < 0) return rc;
    if (end.side > 0) {
        before = end.ref.count;
        if (sum) art_summed_add_sums(end.ref.has, end.ref.summed, sum);
    } else {
        rc = sum ? art_blob_sums(end.leaf, key, art_tree_summary(tree), NULL, &before, sum)
                 : art_blob_rank(end.leaf, key, &before);
    }
    *rank = (int64_t)((uint64_t)*rank + (uint64_t)before); /* from the disk: a lie may overflow */
    return rc;
}

enum art_rc art_tree_rank_above(struct art_tree *tree, struct art_bytes key, unsigned runs, int64_t *rank,
                                art_int128 *sum) {
    enum art_rc rc = ART_OK;
    assert(runs <= tree->root->runs);
    ART_AT(ART_EVENT_RANK);
    *rank = sum ? art_memtable_sums(tree->memtable, key, sum) : art_memtable_rank(tree->memtable, key);
    for (unsigned i = 0; !rc && i < runs; i++) rc = art_run_rank(tree, &tree->root->run[i], key, rank, sum);
    return rc;
}

enum art_rc art_tree_rank(struct art_tree *tree, struct art_bytes key, int64_t *out) {
    return art_tree_rank_above(tree, key, tree->root->runs, out, NULL);
}

/* The tree key at which a bound cuts: keys below it are before the bound. `after`: the bound's own key is before the
 * cut. */
static struct art_bytes cut(uint8_t *buffer, struct art_bytes path, bool set, bool after, bool low) {
    assert(path.data || !path.len);
    struct art_bytes key;
    if (!set) {
        buffer[0] = ART_SPACE_ROWS + !low;
        memset(buffer + 1, 0, ART_KEY_PADDING);
        return art_bytes(buffer, 1);
    }
    if (path.len > ART_PATH_MAX) { /* no such key: cut where its longest storable prefix ends */
        path.len = ART_PATH_MAX;
        after = true;
    }
    art_row_key(buffer, path, &key);
    if (after) buffer[key.len++] = 0; /* the smallest key above it; one byte over the limit is fine for a search */
    memset(buffer + key.len, 0, ART_KEY_PADDING);
    return key;
}

struct art_bytes art_range_low(uint8_t *buffer, const struct art_range *range) {
    return cut(buffer, range->low, range->low_set, range->low_open, true);
}

struct art_bytes art_range_high(uint8_t *buffer, const struct art_range *range) {
    return cut(buffer, range->high, range->high_set, !range->high_open, false);
}

/* A host that counts one by one what forged sums say would not come to an end. */
static enum art_rc check_rows_fit(struct art_tree *tree, uint64_t rows) {
    uint64_t in_memory = art_memtable_keys(tree->memtable);
    bool could = rows <= in_memory;
    enum art_rc rc = could ? ART_OK : art_store_could_have(tree->store, rows - in_memory, &could);
    if (rc || could) return rc;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                       "the sums of the runs are those of %llu rows, for which there is no room",
                       (unsigned long long)rows);
}

enum art_rc art_tree_count(struct art_tree *tree, const struct art_range *range, uint64_t *out) {
    *out = 0;
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;
    int64_t low, high;
    rc = art_tree_rank(tree, art_range_low(tree->key, range), &low);
    if (!rc) rc = art_tree_rank(tree, art_range_high(tree->key, range), &high);
    if (rc) return rc;
    *out = high > low ? (uint64_t)high - (uint64_t)low : 0;
    return check_rows_fit(tree, *out);
}

enum art_rc art_tree_sums(struct art_tree *tree, const struct art_range *range, art_int128 sum[ART_SUMMARY_MAX]) {
    struct art_span span; /* `follows` is all that is read of it */
    struct art_totals totals;
    span.follows = false;
    enum art_rc rc = art_tree_totals(tree, range, ART_TOTALLED_SUMS, &span, &totals);
    memcpy(sum, totals.sum, sizeof totals.sum);
    return rc;
}

static enum art_rc find_edge(struct art_tree *tree, struct art_bytes key, bool sums, struct art_edge *edge) {
    assert(!sums || art_tree_measures(tree).sums);
    if (sums) memset(edge->sum, 0, sizeof edge->sum);
    enum art_rc rc = art_tree_rank_above(tree, key, tree->root->runs, &edge->rows, sums ? edge->sum : NULL);
    edge->known = !rc;
    edge->sums = sums;
    edge->changes = tree->changes;
    return rc;
}

enum art_rc art_tree_totals(struct art_tree *tree, const struct art_range *range, enum art_totalled wanted,
                            struct art_span *span, struct art_totals *out) {
    struct art_edge *low = &span->low, *high = &span->high;
    bool sums = wanted == ART_TOTALLED_SUMS && art_tree_measures(tree).sums;
    enum art_rc rc = art_tree_ready(tree);
    /* Of a state that has changed since an edge tells nothing. */
    bool known = span->follows && high->known && high->changes == tree->changes && (high->sums || !sums);
    if (known) *low = *high;
    *out = (struct art_totals){0};
    if (!known) low->known = false;
    high->known = false;
    if (!rc && !known) rc = find_edge(tree, art_range_low(tree->key, range), sums, low);
    if (!rc) rc = find_edge(tree, art_range_high(tree->key, range), sums, high);
    if (rc) return rc;
    out->rows = high->rows > low->rows ? (uint64_t)high->rows - (uint64_t)low->rows : 0;
    for (unsigned i = 0; sums && i < art_tree_measures(tree).sums; i++)
        out->sum[i] = art_subtract128(high->sum[i], low->sum[i]);
    return ART_OK;
}

void art_range_of_prefix(struct art_bytes prefix, uint8_t *buffer, struct art_range *out) {
    *out = (struct art_range){.low = prefix, .low_set = prefix.len > 0};
    uint32_t n = prefix.len;
    while (n && prefix.data[n - 1] == 0xff) n--;
    if (!n) return;
    memcpy(buffer, prefix.data, n);
    buffer[n - 1]++;
    assert(buffer[n - 1]);
    out->high = art_bytes(buffer, n);
    out->high_set = out->high_open = true;
}
