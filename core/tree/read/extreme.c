/* The least or largest value of a column in a range: nearly always out of zones, in one or two descents in each source.
 *
 * A zone of integers is as narrow as the rows that its entries put. So the bound of a part that lies whole in the range
 * is the value of a row, if none of these rows is hidden by a newer source. A source hides nothing where all of its
 * entries are rows that were not there before: then they weigh as much as they are many. Of such sources, up to the
 * first that hides something, the least or largest bound is the answer, and only those parts are looked into that the
 * range cuts, and whose bounds are better than what was found. The sources behind that may have hidden rows: if a bound
 * of theirs is better, or if a column has more than integers, the search best first has to tell (best.c).
 */
#include "core/tree/read/read.h"

/* A part of a run, and where the range may cut it. */
struct run_part {
    struct art_ref ref;
    struct art_blob *within;    /* pinned: what the reference has borrowed lies in it; NULL: in the root */
    struct art_bytes low, high; /* without data: no cut */
};

/* What is asked of each source. */
struct extreme_range {
    struct art_bytes low, high;
    const struct art_span *span; /* the places of both are known; NULL: no */
};

struct descent {
    struct art_tree *tree;
    struct art_extreme *search;
    const struct art_trail *low, *high; /* NULL: not known */
    unsigned count;
    struct run_part waiting[2 * ART_LEVELS_MAX];
};

static enum art_rc put_off(struct descent *descent, const struct run_part *above, struct art_blob *within,
                           const struct art_ref *ref, bool low, bool high) {
    if (!ref->summed) return ART_OK;
    if (ref->level + 1u != above->ref.level || descent->count == 2 * ART_LEVELS_MAX) {
        return art_corrupt(within->file, within->slot, ART_NOWHERE, "a child of level %u under level %u", ref->level,
                           above->ref.level);
    }
    struct run_part *part = &descent->waiting[descent->count++];
    art_blob_pin(within);
    part->ref = *ref;
    part->within = within;
    part->low = low ? above->low : art_bytes(NULL, 0);
    part->high = high ? above->high : art_bytes(NULL, 0);
    return ART_OK;
}

/* Where a cut stands to the part: before it, within, or behind. A trail may be of another key between which and the
 * cut there is no row: so its side is that of its key, too. */
static int side_of(const struct run_part *part, struct art_bytes key, const struct art_trail *trail) {
    if (!trail) return art_label_compare(part->ref.label, key);
    return part->ref.level == trail->level ? trail->side : 0;
}

/* Has the range any of the part's keys? Bounds that do not cut it are taken away. */
static bool is_met(const struct descent *descent, struct run_part *part) {
    int low = part->low.data ? side_of(part, part->low, descent->low) : -1;
    int high = part->high.data ? side_of(part, part->high, descent->high) : 1;
    if (low > 0 || high < 0) return false;
    if (low) part->low.data = NULL;
    if (high) part->high.data = NULL;
    return true;
}

static enum art_rc look_into(struct descent *descent, struct run_part *part) {
    struct art_extreme *search = descent->search;
    struct art_zone zone = art_summed_zone(part->ref.has, part->ref.summed, search->column);
    struct art_ref edge[2];
    struct art_blob *blob;
    if (!art_extreme_beats(search, &zone) || !is_met(descent, part)) return ART_OK;
    if (!part->low.data && !part->high.data) {
        art_extreme_take(search, &zone);
        return ART_OK;
    }
    unsigned level = part->ref.level;
    struct art_cut low = {part->low, descent->low ? &descent->low->mark[level] : NULL};
    struct art_cut high = {part->high, descent->high ? &descent->high->mark[level] : NULL};
    enum art_rc rc = art_store_blob(descent->tree->store, &part->ref, &blob);
    if (!rc) rc = art_blob_extreme(blob, low, high, search, edge);
    if (rc || blob->kind == ART_BLOB_LEAF) return rc;
    rc = put_off(descent, part, blob, &edge[0], true, !edge[1].summed);
    return rc ? rc : put_off(descent, part, blob, &edge[1], false, true);
}

/* One run. */
static enum art_rc look_through(struct art_tree *tree, unsigned run, const struct extreme_range *range,
                                struct art_extreme *search) {
    struct descent descent; /* its parts are set when they come to wait */
    struct run_part part = {.ref = tree->root->run[run].top, .low = range->low, .high = range->high};
    const struct art_span *span = run < ART_RUNS_MAX ? range->span : NULL;
    descent.tree = tree;
    descent.search = search;
    descent.low = span && span->low.trail[run].known ? &span->low.trail[run] : NULL;
    descent.high = span && span->high.trail[run].known ? &span->high.trail[run] : NULL;
    descent.count = 0;
    enum art_rc rc = look_into(&descent, &part);
    while (descent.count) {
        part = descent.waiting[--descent.count];
        if (!rc && !search->lost) rc = look_into(&descent, &part);
        art_blob_unpin(part.within);
    }
    return rc;
}

/* The sources that no newer one hides a row of: *runs of the runs, and the memtable. Of these the oldest come first:
 * with the most rows they have the best bounds. */
static enum art_rc look_at_shown(struct art_tree *tree, const struct extreme_range *range, unsigned *runs,
                                 struct art_extreme *search) {
    const struct art_root *root = tree->root;
    bool hides = art_memtable_count(tree->memtable) != (int64_t)art_memtable_keys(tree->memtable);
    enum art_rc rc = ART_OK;
    for (*runs = 0; *runs < root->runs && !hides; ++*runs) {
        const struct art_ref *top = &root->run[*runs].top;
        hides = top->count != (int64_t)top->entries;
    }
    for (unsigned i = *runs; !rc && !search->lost && i > 0; i--) rc = look_through(tree, i - 1, range, search);
    if (!rc && !search->lost) art_memtable_extreme(tree->memtable, range->low, range->high, search);
    return rc;
}

/* In the tree's own buffers, which the search best first does not rely on. */
static enum art_rc search_zones(struct art_tree *tree, const struct art_range *range, const struct art_span *span,
                                struct art_extreme *search) {
    struct extreme_range keys = {art_range_low(tree->key, range), art_range_high(tree->second_key, range), NULL};
    if (span && art_span_has_places(tree, span)) keys.span = span;
    unsigned shown;
    enum art_rc rc = look_at_shown(tree, &keys, &shown, search);
    search->hidden = true;
    for (unsigned i = shown; !rc && !search->lost && i < tree->root->runs; i++)
        rc = look_through(tree, i, &keys, search);
    return rc;
}

enum art_rc art_tree_extreme(struct art_tree *tree, const struct art_range *range, const struct art_span *span,
                             unsigned column, bool largest, struct art_buffer *room, struct art_datum *out) {
    struct art_best_order order = {.column = column, .descending = largest, .skip_nulls = true};
    struct art_extreme search = {.column = column, .largest = largest};
    *out = (struct art_datum){.kind = ART_DATUM_NULL};
    enum art_rc rc = art_tree_ready(tree);
    search.summary = art_tree_summary(tree);
    assert(rc || column < search.summary->has.columns);
    if (!rc) rc = search_zones(tree, range, span, &search);
    if (rc) return rc;
    if (search.lost) return art_best_value(tree, range, &order, room, out);
    if (!search.any) return ART_OK;
    out->kind = ART_DATUM_INTEGER;
    out->integer = search.best;
    return ART_OK;
}
