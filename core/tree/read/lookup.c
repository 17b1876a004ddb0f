/* One key: where it stands (get), how many rows lie before it (rank, count). A descent goes from a run's top through
 * the index blobs to one leaf blob; labels are compared on the way, so that blobs never see a key that does not begin
 * with theirs. */
#include "core/tree/read/read.h"

#define NO_RUN UINT32_MAX

/* To the reference of the child where `key` has its place. */
static inline enum art_rc step_down(struct art_blob *blob, struct art_bytes key, struct art_ref *ref, int64_t *before) {
    unsigned level = ref->level;
    enum art_rc rc = art_blob_child(blob, key, ref, before);
    if (rc) return rc;
    if (ref->level != level - 1) {
        return art_corrupt(blob->file, blob->slot, ART_NOWHERE, "a child of level %u under level %u", ref->level,
                           level);
    }
    return ART_OK;
}

/* The entry of `key` in a leaf blob. *where: what keeps it. `run`: the tree's, so that lookups close by find it soon;
 * NO_RUN: another's. */
static inline enum art_rc leaf_get(struct art_tree *tree, struct art_blob *blob, struct art_bytes key, unsigned run,
                                   const struct art_ref *ref, struct art_entry *entry, struct art_blob **where) {
    *where = blob;
    if (!art_cache_is_full()) {
        uint32_t bucket;
        enum art_rc rc = art_blob_get_noting(blob, key, entry, &bucket);
        if (!rc && run != NO_RUN) art_finger_note(tree, run, ref, bucket);
        return rc;
    }
    struct art_spot spot;
    const uint8_t *page;
    art_blob_spot(blob, key, &spot);
    enum art_rc rc = art_store_bypass(tree->store, blob, spot.page, &page, where);
    if (rc) return rc;
    return page ? art_blob_get_from(blob, key, &spot, page, entry) : art_blob_get(blob, key, entry);
}

/* The entry of `key` in one run: ART_OK, ART_NOTFOUND. `hash` for the filters is made when the first one asks. */
static enum art_rc run_get(struct art_tree *tree, const struct art_run *run, unsigned number, struct art_bytes key,
                           uint64_t *hash, struct art_entry *entry, struct art_blob **where) {
    struct art_ref ref = run->top;
    struct art_blob *blob;
    for (;;) {
        if (art_label_compare(ref.label, key)) return ART_NOTFOUND;
        ref.summed = NULL; /* nobody asks for sums, so nobody has to compare them with the blob's */
        enum art_rc rc = art_store_blob(tree->store, &ref, &blob);
        if (rc) return rc;
        if (ref.level == 0) {
            if (blob->filter_blocks) {
                if (!*hash) *hash = art_blob_key_hash(key);
                if (!art_blob_may_contain(blob, *hash)) {
                    tree->helped.filters++;
                    return ART_NOTFOUND;
                }
            }
            return leaf_get(tree, blob, key, number, &ref, entry, where);
        }
        rc = step_down(blob, key, &ref, NULL);
        if (rc) return rc;
    }
}

enum art_rc art_run_get(struct art_tree *tree, const struct art_run *run, struct art_bytes key, struct art_entry *out) {
    uint64_t hash = 0;
    struct art_blob *where;
    return run_get(tree, run, NO_RUN, key, &hash, out, &where);
}

enum art_rc art_tree_is_hidden(struct art_tree *tree, struct art_bytes key, unsigned run, bool *hidden) {
    struct art_entry newer;
    struct art_blob *where;
    uint64_t hash = 0;
    enum art_rc rc = art_memtable_get(tree->memtable, key, &newer);
    for (unsigned i = 0; rc == ART_NOTFOUND && i < run; i++)
        rc = run_get(tree, &tree->root->run[i], NO_RUN, key, &hash, &newer, &where);
    *hidden = !rc;
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

static enum art_rc find_in_runs(struct art_tree *tree, struct art_bytes key, uint64_t hash, struct art_found *out) {
    for (unsigned i = 0; i < tree->root->runs; i++) {
        enum art_rc rc = ART_NOTFOUND;
        if (art_finger_points(tree, i) && !art_cache_is_full()) rc = art_finger_get(tree, key, &out->entry, &out->blob);
        if (rc == ART_NOTFOUND) rc = run_get(tree, &tree->root->run[i], i, key, &hash, &out->entry, &out->blob);
        if (rc == ART_NOTFOUND) continue;
        out->any = true;
        out->live = !(out->entry.flags & ART_DELETE);
        return rc;
    }
    return ART_OK;
}

static enum art_rc found_in_memtable(struct art_found *out) {
    out->any = out->in_memtable = true;
    out->live = !(out->entry.flags & ART_DELETE);
    return ART_OK;
}

/* What the memtable's filter does not know is in no run either. */
static bool filter_speaks_for_runs(const struct art_tree *tree) {
    return art_tree_has_spilled(tree) && art_memtable_remembers(tree->memtable);
}

enum art_rc art_tree_find(struct art_tree *tree, struct art_bytes key, struct art_found *out) {
    *out = (struct art_found){0};
    uint64_t hash = 0;
    bool remembers = filter_speaks_for_runs(tree);
    if (art_memtable_keys(tree->memtable) > 0 || remembers) {
        hash = art_blob_key_hash(key); /* the filters of runs and memtable share one hash */
        bool maybe = art_memtable_may_contain(tree->memtable, hash);
        tree->helped.memtable += !maybe;
        if (maybe && !art_memtable_get(tree->memtable, key, &out->entry)) return found_in_memtable(out);
        if (!maybe && remembers) return ART_OK;
    }
    return find_in_runs(tree, key, hash, out);
}

enum art_rc art_tree_find_place(struct art_tree *tree, struct art_bytes key, struct art_found *out,
                                struct art_memtable_place *place) {
    *out = (struct art_found){0};
    art_memtable_look(tree->memtable, key, place);
    if (!art_memtable_get_at(tree->memtable, key, place, &out->entry)) return found_in_memtable(out);
    if (filter_speaks_for_runs(tree) && !art_memtable_may_contain(tree->memtable, place->hash)) return ART_OK;
    return find_in_runs(tree, key, place->hash, out);
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
    row->stored = art_entry_value(found.entry.flags, found.entry.value);
    row->version = found.entry.csn;
    row->overflows = found.entry.flags & ART_OVERFLOW;
    row->changes = tree->changes;
    row->flags = found.entry.flags;
    row->head = (uint8_t)art_entry_head(found.entry.flags, found.entry.value);
    if (found.in_memtable) {
        row->held_memtable = art_memtable_ref(tree->memtable);
    } else {
        art_blob_pin(found.blob);
        row->pinned_blob = found.blob;
    }
    return ART_OK;
}

void art_row_release(struct art_row *row) {
    if (row->pinned_blob) art_blob_unpin(row->pinned_blob);
    if (row->held_memtable) art_memtable_unref(row->held_memtable);
    *row = (struct art_row){0};
}

/* Sums come from the disk: a lie may overflow, and is only a lie then. */
static inline int64_t add(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Sum of the weights of all entries of a run below `key`. */
enum art_rc art_run_rank(struct art_tree *tree, const struct art_run *run, struct art_bytes key, int64_t *out) {
    struct art_ref ref = run->top;
    struct art_blob *blob;
    *out = 0;
    for (;;) {
        int side = art_label_compare(ref.label, key);
        if (side < 0) return ART_OK;
        if (side > 0) {
            *out = add(*out, ref.count);
            return ART_OK;
        }
        enum art_rc rc = art_store_blob(tree->store, &ref, &blob);
        if (rc) return rc;
        int64_t before = 0;
        if (ref.level == 0) {
            rc = art_blob_rank(blob, key, &before);
            *out = add(*out, before);
            return rc;
        }
        rc = step_down(blob, key, &ref, &before);
        if (rc) return rc;
        *out = add(*out, before);
    }
}

enum art_rc art_tree_rank_above(struct art_tree *tree, struct art_bytes key, unsigned runs, int64_t *out) {
    *out = art_memtable_rank(tree->memtable, key);
    for (unsigned i = 0; i < runs; i++) {
        int64_t rank;
        enum art_rc rc = art_run_rank(tree, &tree->root->run[i], key, &rank);
        if (rc) return rc;
        *out = add(*out, rank);
    }
    return ART_OK;
}

enum art_rc art_tree_rank(struct art_tree *tree, struct art_bytes key, int64_t *out) {
    return art_tree_rank_above(tree, key, tree->root->runs, out);
}

/* As art_run_rank(), with the summary's sums, all added, or without (NULL). */
static enum art_rc run_sums(struct art_tree *tree, const struct art_run *run, struct art_bytes key,
                            struct art_trail *trail, int64_t *rank, art_int128 *sum) {
    const struct art_summary *summary = art_tree_summary(tree);
    struct art_ref ref = run->top;
    struct art_blob *blob;
    trail->known = ref.level < ART_TRAIL_LEVELS;
    for (;;) {
        int side = art_label_compare(ref.label, key);
        trail->level = ref.level;
        trail->side = (int8_t)((side > 0) - (side < 0));
        if (side > 0) {
            *rank = add(*rank, ref.count);
            if (sum) art_summed_add_sums(ref.has, ref.summed, 1, sum);
        }
        if (side) return ART_OK;
        struct art_mark mark = {0};
        int64_t before = 0;
        enum art_rc rc = art_store_blob(tree->store, &ref, &blob);
        if (!rc) rc = art_blob_sums(blob, key, summary, &ref, &mark, &before, sum);
        *rank = add(*rank, before);
        if (trail->known) trail->mark[trail->level] = mark;
        if (rc || blob->kind == ART_BLOB_LEAF) return rc;
    }
}

static enum art_rc find_places(struct art_tree *tree, struct art_bytes key, bool sums, struct art_edge *edge) {
    enum art_rc rc = ART_OK;
    art_int128 *sum = sums ? edge->sum : NULL;
    if (sum) memset(sum, 0, sizeof edge->sum);
    edge->rows = sum ? art_memtable_sums(tree->memtable, key, sum) : art_memtable_rank(tree->memtable, key);
    for (unsigned i = 0; !rc && i < tree->root->runs; i++) {
        struct art_trail beyond = {0}, *trail = i < ART_RUNS_MAX ? &edge->trail[i] : &beyond;
        rc = run_sums(tree, &tree->root->run[i], key, trail, &edge->rows, sum);
    }
    return rc;
}

/* The tree key at which a bound cuts: keys below it are before the bound. `after`: the bound's own key is before the
 * cut. */
static struct art_bytes cut(uint8_t *buffer, struct art_bytes path, bool set, bool after, bool low) {
    struct art_bytes key;
    if (!set) {
        buffer[0] = ART_SPACE_ROWS + !low;
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

enum art_rc art_tree_count(struct art_tree *tree, const struct art_range *range, uint64_t *out) {
    *out = 0;
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;
    int64_t low, high;
    rc = art_tree_rank(tree, art_range_low(tree->key, range), &low);
    if (!rc) rc = art_tree_rank(tree, art_range_high(tree->key, range), &high);
    if (rc) return rc;
    *out = high > low ? (uint64_t)high - (uint64_t)low : 0;
    return ART_OK;
}

enum art_rc art_tree_sums(struct art_tree *tree, const struct art_range *range, art_int128 sum[ART_SUMMARY_MAX]) {
    struct art_span span; /* `follows` is all that is read of it */
    struct art_totals totals;
    span.follows = false;
    enum art_rc rc = art_tree_totals(tree, range, ART_TOTALLED_SUMS, &span, &totals);
    memcpy(sum, totals.sum, sizeof totals.sum);
    return rc;
}

static enum art_rc find_edge(struct art_tree *tree, struct art_bytes key, enum art_totalled wanted,
                             struct art_edge *edge) {
    edge->places = wanted >= ART_TOTALLED_PLACES && art_tree_summary(tree);
    edge->sums = wanted >= ART_TOTALLED_SUMS && art_tree_measures(tree).sums;
    enum art_rc rc = edge->places ? find_places(tree, key, edge->sums, edge) : art_tree_rank(tree, key, &edge->rows);
    edge->known = !rc;
    edge->changes = tree->changes;
    return rc;
}

/* Does the edge tell as much? Of a state that has changed since it tells nothing. */
static bool tells(const struct art_tree *tree, const struct art_edge *edge, enum art_totalled wanted) {
    return edge->known && edge->changes == tree->changes && (edge->places || wanted < ART_TOTALLED_PLACES) &&
           (edge->sums || wanted < ART_TOTALLED_SUMS);
}

bool art_span_has_places(const struct art_tree *tree, const struct art_span *span) {
    return tells(tree, &span->low, ART_TOTALLED_PLACES) && tells(tree, &span->high, ART_TOTALLED_PLACES);
}

enum art_rc art_tree_totals(struct art_tree *tree, const struct art_range *range, enum art_totalled wanted,
                            struct art_span *span, struct art_totals *out) {
    struct art_edge *low = &span->low, *high = &span->high;
    enum art_rc rc = art_tree_ready(tree);
    bool known = span->follows && tells(tree, high, wanted);
    if (known) *low = *high;
    *out = (struct art_totals){0};
    if (!known) low->known = false;
    high->known = false;
    if (!rc && !known) rc = find_edge(tree, art_range_low(tree->key, range), wanted, low);
    if (!rc) rc = find_edge(tree, art_range_high(tree->key, range), wanted, high);
    if (rc) return rc;
    out->rows = high->rows > low->rows ? (uint64_t)high->rows - (uint64_t)low->rows : 0;
    for (unsigned i = 0; high->sums && i < art_tree_measures(tree).sums; i++)
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
    out->high = art_bytes(buffer, n);
    out->high_set = out->high_open = true;
}
