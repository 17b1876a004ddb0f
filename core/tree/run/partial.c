/* A partial compaction: a few neighbouring leaf blobs of one run, its input, go to the run below it.
 *
 *     upper run     [ a   b         |    q  r ] [ t ...        the input ends behind r, or within a blob, before a key
 *     lower run     [ . . ][ . . ][ . ][ . ][ . . ][ . ]
 *                    ~~~~~~~~~~~~             ~~~~~           overlaps: neighbours into which some entry of the
 *                                                              input falls
 *                                 kept  kept
 *
 * An overlap is merged with the entries of the input into new blobs. Blobs between overlaps are kept, and are named
 * again as they are. So a partial compaction writes what it changes, however far apart its keys lie. The rest of a blob
 * in which the input ends is written anew for the upper run.
 *
 * A large enough input ends with its last overlap: else that would be merged once more by the next one. Where the lower
 * run has blocks, an overlap has two or three times the entries of the rest that this writes for the upper run.
 *
 * An input that falls into no more than the end of one blob is moved by its references alone: appending rewrites
 * nothing before it. A blob of the last run that has as many entries as deletes of the input fall into it is dead: each
 * delete hides a row of its own. It is dropped by its reference, and neither it nor the deletes are read.
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

static const struct art_portion WHERE_ROOM_IS_SHORT = {1, 2};

enum {
    BLOCKS_COST_MOST = 2 /* a page of blocks costs what so many pages of the input do, at most: else an input from rows
                               of the host would be too short beside what it falls into */
};

struct overlap {
    uint32_t first, end;    /* of partial.below */
    uint64_t entries;       /* of the input, that fall into them */
    struct art_buffer from; /* the first of these */
    uint64_t pages;         /* of both runs; the input's share is an estimate */
};

struct partial {
    const struct art_portion *size;
    struct art_children own; /* the upper run's blobs */
    struct art_buffer low, high;
    struct art_buffer first; /* of the entries that fall into the last of below; or that a cut leaves behind */
    bool closes;             /* the input is large enough: only what falls into the last of below still comes in */
    bool to_end;             /* their separators are [low, high), or from low on */
    uint64_t cut;            /* entries of the last of them that belong to the input; 0: all */
    struct art_children below;
    bool dead[ART_LIMIT_MOST(below_blobs) + 2]; /* of them */
    bool any_dead, last;                        /* below is the last run: only there a blob can be */
    struct art_buffer below_high;
    bool below_to_end;
    struct overlap *overlaps;
    uint32_t count, capacity;
    const struct art_root *root;
    uint64_t pages; /* that are to be read; those with blocks count more */
};

static void partial_clear(struct partial *partial) {
    for (uint32_t i = 0; i < partial->count; i++) art_buffer_clear(&partial->overlaps[i].from);
    art_free(partial->overlaps);
    art_children_clear(&partial->own);
    art_children_clear(&partial->below);
    art_buffer_clear(&partial->low);
    art_buffer_clear(&partial->high);
    art_buffer_clear(&partial->first);
    art_buffer_clear(&partial->below_high);
}

static uint64_t in_pages(const struct art_tree *tree, unsigned blobs) {
    return (uint64_t)blobs * art_tree_full_pages(tree);
}

/* --- leaf references of a run ------------------------------------------------------------------------------------- */

/* In turn; a run without index is its own only leaf. */
struct leaves {
    struct art_run_cursor cursor;
    const struct art_run *run;
    bool valid;
};

static enum art_rc leaves_open(struct leaves *leaves, struct art_tree *tree, const struct art_run *run) {
    *leaves = (struct leaves){.run = run, .valid = true};
    enum art_rc rc = art_run_cursor_open(&leaves->cursor, tree->store);
    if (!rc && run->top.height) art_run_cursor_reset(&leaves->cursor, &run->top, 1);
    return rc;
}

static void leaves_close(struct leaves *leaves) {
    art_run_cursor_close(&leaves->cursor);
}

static enum art_rc leaves_first(struct leaves *leaves) {
    if (!leaves->run->top.height) return ART_OK;
    enum art_rc rc = art_run_first(&leaves->cursor);
    leaves->valid = leaves->cursor.valid;
    return rc;
}

/* To the first separator not before `key`, or to the first of all. */
static enum art_rc leaves_seek_ge(struct leaves *leaves, struct art_bytes key) {
    if (!leaves->run->top.height || !key.len) return leaves_first(leaves);
    enum art_rc rc = art_run_seek_ge(&leaves->cursor, key);
    leaves->valid = leaves->cursor.valid;
    return rc || leaves->valid ? rc : leaves_first(leaves);
}

/* To the leaf into which `key` falls. */
static enum art_rc leaves_seek_le(struct leaves *leaves, struct art_bytes key) {
    if (!leaves->run->top.height) return ART_OK;
    enum art_rc rc = art_run_seek_le(&leaves->cursor, key);
    leaves->valid = leaves->cursor.valid;
    return rc || leaves->valid ? rc : leaves_first(leaves);
}

static struct art_bytes leaves_separator(const struct leaves *leaves) {
    return leaves->run->top.height ? art_run_key(&leaves->cursor) : art_bytes(NULL, 0);
}

static enum art_rc leaves_ref(const struct leaves *leaves, struct art_ref *out) {
    *out = leaves->run->top;
    return leaves->run->top.height ? art_blob_cursor_ref(&leaves->cursor.leaf, out) : ART_OK;
}

/* Adds the one that `leaves` stands on, and goes on to the next. */
static enum art_rc leaves_take(struct leaves *leaves, struct art_children *out) {
    assert(leaves->valid);
    struct art_ref ref;
    enum art_rc rc = leaves_ref(leaves, &ref);
    if (!rc) rc = art_children_add(out, leaves_separator(leaves), &ref);
    if (rc) return rc;
    out->blobs++;
    out->pages += art_ref_pages(&ref);
    if (leaves->run->top.height) rc = art_run_next(&leaves->cursor);
    leaves->valid = leaves->run->top.height && leaves->cursor.valid;
    return rc;
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

/* Finds the lower run's blob into which `key`, an entry of the input behind all others so far, falls: the last one of
 * partial->below then. *fresh: it was not yet. *cut: there are too many, or the input closes: it ends before `key`. */
static enum art_rc find_below(struct art_tree *tree, struct partial *partial, struct leaves *lower,
                              struct art_bytes key, bool *fresh, bool *cut) {
    uint32_t before = partial->below.count;
    enum art_rc rc = before ? ART_OK : leaves_seek_le(lower, key);
    if (!rc && !before) rc = leaves_take(lower, &partial->below);
    while (!rc && lower->valid && art_bytes_compare(key, leaves_separator(lower)) >= 0) {
        *cut = partial->closes || partial->below.count >= ART_LIMIT(below_blobs);
        if (*cut && before) return ART_OK;
        if (*cut) return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE, "separators are out of order");
        rc = leaves_take(lower, &partial->below);
    }
    *fresh = partial->below.count > before;
    assert(partial->below.count <= ART_LIMIT(below_blobs)); /* choose() adds a neighbour, and `dead` has room for two */
    return rc;
}

/* Of a blob of the lower run, in pages of the input: what is to be merged takes time by its entries. */
static uint64_t merging_cost(const struct partial *partial, const struct art_ref *ref) {
    assert(partial->own.count);
    const struct art_ref *own = &partial->own.child[partial->own.count - 1].ref;
    uint64_t pages = art_ref_pages(ref), most = BLOCKS_COST_MOST * pages;
    uint64_t alike = ref->entries * art_ref_pages(own) / own->entries;
    if (!partial->last || !partial->root->blocks || alike < pages) return pages;
    return alike < most ? alike : most;
}

/* The last one of partial->below becomes part of an overlap. *cut: that would be too much. */
static enum art_rc overlap_below(struct art_tree *tree, struct partial *partial, struct art_bytes key, bool *cut) {
    assert(partial->below.count);
    uint32_t now = partial->below.count, pages = art_ref_pages(&partial->below.child[now - 1].ref);
    uint64_t cost = merging_cost(partial, &partial->below.child[now - 1].ref);
    if (partial->count && partial->pages + cost > in_pages(tree, partial->size->most)) {
        *cut = true;
        return ART_OK;
    }
    struct overlap *last = partial->count ? &partial->overlaps[partial->count - 1] : NULL;
    enum art_rc rc = ART_OK;
    if (last && now == last->end + 1) {
        last->end = now;
    } else {
        rc = art_grow(&partial->overlaps, &partial->capacity, partial->count + 1, sizeof *partial->overlaps);
        if (rc) return rc;
        last = &partial->overlaps[partial->count++];
        *last = (struct overlap){.first = now - 1, .end = now};
        rc = art_buffer_set_key(&last->from, key);
    }
    last->pages += pages;
    partial->pages += cost;
    return rc;
}

/* Of an input's blob: how many of its entries stand before a position, and the sum of their weights. */
struct position {
    uint64_t index;
    int64_t weights;
};

/* Moves behind all entries that fall into the last blob of partial->below. */
static enum art_rc leave_below(struct art_tree *tree, const struct art_ref *own, struct art_run_cursor *entries,
                               const struct leaves *lower, struct position *at) {
    assert(at->index <= own->entries);
    uint64_t from = at->index;
    enum art_rc rc = ART_OK;
    if (lower->valid)
        rc = art_run_seek_ge(entries, leaves_separator(lower));
    else
        entries->valid = false; /* all the others fall into the same */
    if (rc) return rc;
    *at = (struct position){own->entries, own->count};
    if (entries->valid)
        *at = (struct position){art_blob_cursor_index(&entries->leaf), art_blob_cursor_rank(&entries->leaf)};
    if (at->index > from) return ART_OK;
    /* no hash keeps a forged blob from leading there */
    return art_corrupt(tree->options.path, own->slot, ART_NOWHERE, "a search for a later key leads back");
}

/* Are entries [from, to) as many deletes as the last blob of partial->below has rows? They are counted and not
 * compared: only a forged row has deletes of what is not there. */
static bool kills_below(const struct partial *partial, struct position from, struct position to) {
    assert(partial->below.count && from.index <= to.index);
    uint64_t entries = to.index - from.index;
    const struct art_ref *ref = &partial->below.child[partial->below.count - 1].ref;
    return partial->last && entries == ref->entries && (uint64_t)from.weights - (uint64_t)to.weights == entries;
}

/* Pages that so many entries of the input's last blob take in the lower run, in which they may stand in blocks. */
static uint64_t taken_below(const struct partial *partial, uint64_t entries) {
    const struct art_ref *own = &partial->own.child[partial->own.count - 1].ref;
    const struct art_run *last = &partial->root->run[partial->root->runs - 1];
    uint64_t pages = entries * art_ref_pages(own) / own->entries;
    if (!partial->last || !partial->root->blocks || !last->top.entries) return pages;
    uint64_t below = entries * last->pages / last->top.entries;
    return below < pages ? below : pages;
}

/* Where the entries of the input's last blob fall. `more`: the upper run goes on behind it. */
static enum art_rc fall_all(struct art_tree *tree, struct partial *partial, struct art_run_cursor *entries,
                            struct leaves *lower, bool more, bool *cut) {
    assert(partial->own.count);
    const struct art_ref *ref = &partial->own.child[partial->own.count - 1].ref;
    struct position at = {0, 0};
    art_run_cursor_reset(entries, ref, 0);
    enum art_rc rc = art_run_first(entries);
    if (!rc && !entries->valid) rc = art_corrupt(tree->options.path, ref->slot, ART_NOWHERE, "an empty leaf blob");
    while (!rc && entries->valid) {
        struct position from = at;
        bool fresh = false;
        rc = find_below(tree, partial, lower, art_run_key(entries), &fresh, cut);
        if (!rc && (fresh || *cut)) rc = art_buffer_set_key(&partial->first, art_run_key(entries));
        if (!rc && !*cut) rc = leave_below(tree, ref, entries, lower, &at);
        if (rc || *cut) break;
        bool all = fresh && (entries->valid || !more); /* what falls into the blob has been seen from end to end */
        if (all && kills_below(partial, from, at)) {
            partial->dead[partial->below.count - 1] = partial->any_dead = true;
            continue;
        }
        if (fresh) rc = overlap_below(tree, partial, art_buffer_bytes(&partial->first), cut);
        if (*cut) at = from;
        if (rc || *cut) break;
        struct overlap *overlap = &partial->overlaps[partial->count - 1];
        overlap->entries += at.index - from.index;
        overlap->pages += taken_below(partial, at.index - from.index) + 1;
    }
    partial->cut = *cut ? at.index : 0;
    if (!*cut || at.index) partial->pages += art_ref_pages(ref);
    return rc;
}

/* To the first leaf of which no entry stands before the compaction cursor. */
static enum art_rc begin_own(struct leaves *upper, struct art_run_cursor *entries, struct art_bytes from) {
    struct art_ref ref;
    if (!from.len) return leaves_first(upper);
    enum art_rc rc = leaves_seek_le(upper, from);
    if (!rc) rc = leaves_ref(upper, &ref);
    if (rc) return rc;
    art_run_cursor_reset(entries, &ref, 0);
    rc = art_run_first(entries);
    bool before = !rc && entries->valid && art_bytes_compare(art_run_key(entries), from) < 0;
    return before ? leaves_seek_ge(upper, from) : rc;
}

/* Does the input end before the upper run's next blob? One that is large enough may close in that blob, unless all of
 * it falls into one blob of the lower run: then references alone may move. */
static bool input_ends(const struct art_tree *tree, struct partial *partial, const struct art_ref *next,
                       bool more_below) {
    uint64_t pages = partial->pages + art_ref_pages(next);
    partial->closes = partial->own.count && pages > in_pages(tree, partial->size->begin);
    bool may_close = more_below && partial->below.count > 1 && partial->pages <= in_pages(tree, partial->size->most);
    return partial->closes && !may_close;
}

/* Takes blobs of the upper run, from the compaction cursor's position on, until the work is large enough; *lower stands
 * behind partial->below. */
static enum art_rc choose_own(struct art_tree *tree, struct partial *partial, struct leaves *upper,
                              struct leaves *lower, const struct art_buffer *from) {
    struct art_run_cursor entries;
    bool cut = false;
    enum art_rc rc = art_run_cursor_open(&entries, tree->store);
    if (rc) return rc;
    rc = begin_own(upper, &entries, art_buffer_bytes(from));
    if (!rc) rc = art_buffer_set_key(&partial->low, leaves_separator(upper));
    while (!rc && upper->valid && !cut) {
        struct art_ref ref;
        rc = leaves_ref(upper, &ref);
        if (rc || input_ends(tree, partial, &ref, lower->valid)) break;
        rc = art_buffer_set_key(&partial->high, leaves_separator(upper));
        if (!rc) rc = leaves_take(upper, &partial->own);
        if (!rc) rc = fall_all(tree, partial, &entries, lower, upper->valid, &cut);
    }
    art_run_cursor_close(&entries);
    if (rc) return rc;
    if (cut && !partial->cut) { /* before all entries of the last own blob, whose separator is high: it is left out */
        assert(partial->own.count);
        art_children_drop_last(&partial->own);
        return ART_OK;
    }
    partial->to_end = !upper->valid;
    return partial->to_end ? ART_OK : art_buffer_set_key(&partial->high, leaves_separator(upper));
}

static enum art_rc choose(struct art_tree *tree, const struct art_run *upper_run, const struct art_run *lower_run,
                          struct partial *partial) {
    struct leaves upper, lower;
    assert(upper_run->level <= ART_RUN_LEVEL_LAST);
    struct art_buffer *from = &tree->compaction_cursor[upper_run->level];
    if (upper_run->level == 0) from->len = 0; /* a level-0 run that appends: from its front on, or it no longer does */
    enum art_rc rc = leaves_open(&lower, tree, lower_run);
    if (rc) return rc;
    rc = leaves_open(&upper, tree, upper_run);
    if (!rc) rc = choose_own(tree, partial, &upper, &lower, from);
    leaves_close(&upper);
    if (!rc && lower.valid) rc = leaves_take(&lower, &partial->below); /* a neighbour for the last overlap */
    partial->below_to_end = !lower.valid;
    if (!rc && lower.valid) rc = art_buffer_set_key(&partial->below_high, leaves_separator(&lower));
    leaves_close(&lower);
    if (rc) return rc;
    const struct art_buffer *next = partial->cut ? &partial->first : &partial->high;
    return art_buffer_set_key(from, partial->to_end && !partial->cut ? art_bytes(NULL, 0) : art_buffer_bytes(next));
}

/* --- moving ------------------------------------------------------------------------------------------------------- */

static bool only_new_rows(const struct art_children *children) {
    for (uint32_t i = 0; i < children->count; i++) {
        const struct art_ref *ref = &children->child[i].ref;
        if (ref->count < 0 || (uint64_t)ref->count != ref->entries) return false;
    }
    return true;
}

/* Nothing of the lower run lies among the input's keys, and its neighbour is full enough: the references are moved as
 * they are. *low: separator for the first. */
static enum art_rc may_move(struct art_tree *tree, const struct partial *partial, bool *moves, struct art_buffer *low) {
    *moves = false;
    if (partial->any_dead || partial->count > 1 || partial->cut || !only_new_rows(&partial->own)) return ART_OK;
    assert(partial->count == 1 && partial->own.count);
    const struct overlap *overlap = &partial->overlaps[0];
    const struct art_ref *ref = &partial->below.child[overlap->first].ref;
    if (overlap->end - overlap->first > 1) return ART_OK;
    if (art_ref_pages(ref) < art_tree_full_pages(tree) / 2) return ART_OK;
    enum art_rc rc = art_run_separate(tree, ref, art_buffer_bytes(&overlap->from), low);
    *moves = !rc && low->len;
    return rc;
}

/* --- merging ------------------------------------------------------------------------------------------------------ */

/* So many pages a blob that the last one is not a small remainder. */
static uint32_t even_fill(const struct art_tree *tree, uint64_t pages) {
    uint32_t most = art_tree_full_pages(tree);
    uint64_t blobs = (pages + most - 2) / (most - 1);
    if (most < ART_BLOB_PAGES) return 0;
    return blobs > 1 ? art_min32((uint32_t)((pages + blobs - 1) / blobs) + 2, most) : 0;
}

/* Would its new blobs be less than two thirds full? */
static bool sparse(const struct art_tree *tree, uint64_t pages) {
    uint64_t most = art_tree_full_pages(tree), blobs = (pages + most - 2) / (most - 1);
    return 3 * pages < 2 * blobs * most;
}

/* An overlap alone often ends in a small blob: then it takes a neighbour or two along. */
static void absorb(const struct art_tree *tree, struct partial *partial, uint32_t index) {
    assert(index < partial->count);
    struct overlap *overlap = &partial->overlaps[index];
    uint32_t end = index + 1 < partial->count ? partial->overlaps[index + 1].first : partial->below.count;
    for (int more = 2; more && overlap->end < end && !partial->dead[overlap->end] && sparse(tree, overlap->pages);
         more--) {
        overlap->pages += art_ref_pages(&partial->below.child[overlap->end++].ref);
    }
}

/* An overlap's entries from both runs in new blobs. */
static enum art_rc merge_overlap(struct art_tree *tree, struct art_version_edit *edit, struct art_merge *merge,
                                 const struct partial *partial, const struct overlap *overlap, bool last,
                                 struct art_children *out) {
    assert(overlap->first < overlap->end && overlap->end <= partial->below.count);
    struct art_run_build *build = NULL;
    struct art_children fresh = {0};
    uint64_t entries = 0;
    for (uint32_t i = overlap->first; i < overlap->end; i++) entries += partial->below.child[i].ref.entries;
    enum art_rc rc = art_merge_limit(merge, 0, art_buffer_bytes(&overlap->from), overlap->entries);
    if (!rc) rc = art_merge_limit(merge, 1, partial->below.child[overlap->first].separator, entries);
    if (!rc) art_merge_begin_combined(merge);
    if (!rc) rc = art_run_build_open(&build, tree, edit, last, even_fill(tree, overlap->pages), false);
    if (!rc) art_run_build_from(build, merge->source, merge->count);
    if (!rc) rc = art_merge_into(tree, merge, build, last);
    if (!rc) rc = art_run_build_children(build, &fresh);
    art_run_build_close(build);
    for (uint32_t i = 0; !rc && i < fresh.count; i++) {
        struct art_bytes separator = i ? fresh.child[i].separator : partial->below.child[overlap->first].separator;
        rc = art_children_add(out, separator, &fresh.child[i].ref);
    }
    out->blobs += fresh.blobs;
    out->pages += fresh.pages;
    art_children_clear(&fresh);
    return rc;
}

static enum art_rc keep(const struct partial *partial, uint32_t first, uint32_t end, struct art_children *out) {
    assert(end <= partial->below.count);
    enum art_rc rc = ART_OK;
    for (uint32_t i = first; !rc && i < end; i++) {
        if (partial->dead[i]) continue;
        const struct art_child *child = &partial->below.child[i];
        rc = art_children_add(out, child->separator, &child->ref);
        out->blobs++;
        out->pages += art_ref_pages(&child->ref);
    }
    return rc;
}

/* What shall stand for partial->below. */
static enum art_rc merge_overlaps(struct art_tree *tree, struct art_version_edit *edit, const struct art_run *upper,
                                  const struct art_run *lower, struct partial *partial, bool last,
                                  struct art_children *out) {
    struct art_merge *merge = art_alloc(sizeof *merge);
    if (!merge) return art_nomem();
    art_merge_init(merge, tree->store, true);
    const struct art_run pair[2] = {*upper, *lower};
    enum art_rc rc = art_merge_set(merge, NULL, pair, 2);
    uint32_t done = 0;
    for (uint32_t i = 0; !rc && i < partial->count; i++) {
        absorb(tree, partial, i);
        const struct overlap *overlap = &partial->overlaps[i];
        rc = keep(partial, done, overlap->first, out);
        if (!rc) rc = merge_overlap(tree, edit, merge, partial, overlap, last, out);
        done = overlap->end;
    }
    if (!rc) rc = keep(partial, done, partial->below.count, out);
    assert(rc || done <= partial->below.count);
    art_merge_clear(merge);
    art_free(merge);
    return rc;
}

/* The entries behind the cut, for the upper run. */
static enum art_rc build_rest(struct art_tree *tree, struct art_version_edit *edit, const struct partial *partial,
                              struct art_children *out) {
    assert(partial->cut && partial->own.count);
    struct art_run_cursor cursor;
    struct art_run_build *build = NULL;
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    if (rc) return rc;
    cursor.plain = true;
    art_run_cursor_reset(&cursor, &partial->own.child[partial->own.count - 1].ref, 0);
    rc = art_run_first(&cursor);
    if (!rc) rc = art_blob_seek_entry(&cursor.leaf, (uint32_t)partial->cut);
    cursor.valid = !rc && cursor.leaf.valid;
    if (!rc) rc = art_run_build_open(&build, tree, edit, false, 0, false);
    if (!rc) rc = art_run_build_add_all(build, &cursor, UINT64_MAX);
    if (!rc) rc = art_run_build_children(build, out);
    art_run_build_close(build);
    art_run_cursor_close(&cursor);
    return rc;
}

/* --- the two runs ------------------------------------------------------------------------------------------------- */

/* The lower run with the input. */
static enum art_rc new_lower(struct art_tree *tree, struct art_version_edit *edit, unsigned at, struct partial *partial,
                             bool *moves, struct art_run *out) {
    assert(partial->below.count && partial->below.count <= ART_LIMIT(below_blobs) + 1);
    const struct art_run *upper = &edit->root->run[at], *lower = &edit->root->run[at + 1];
    struct art_children fresh = {0};
    struct art_buffer low = {0};
    enum art_rc rc = may_move(tree, partial, moves, &low);
    if (!rc && *moves) {
        struct art_bytes place = art_buffer_bytes(&low);
        rc = art_run_splice(tree, edit, lower, place, place, false, &partial->own, out);
        tree->count.moved += rc ? 0 : partial->own.count;
        edit->root->all_blocks &= !partial->last; /* those blobs were made for another run */
    } else if (!rc) {
        struct art_bytes high = partial->below_to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&partial->below_high);
        rc = merge_overlaps(tree, edit, upper, lower, partial, at + 2 == edit->root->runs, &fresh);
        if (!rc) rc = art_run_splice(tree, edit, lower, partial->below.child[0].separator, high, true, &fresh, out);
        for (uint32_t i = 0; !rc && i < partial->count; i++) {
            for (uint32_t k = partial->overlaps[i].first; k < partial->overlaps[i].end; k++) {
                art_slots_drop(tree, edit, partial->below.child[k].ref.slot);
            }
        }
        for (uint32_t k = 0; !rc && k < partial->below.count; k++) {
            if (!partial->dead[k]) continue;
            art_slots_drop(tree, edit, partial->below.child[k].ref.slot);
            tree->count.dropped++;
        }
    }
    art_children_clear(&fresh);
    art_buffer_clear(&low);
    return rc;
}

/* The upper run without the input. */
static enum art_rc new_upper(struct art_tree *tree, struct art_version_edit *edit, unsigned at,
                             const struct partial *partial, bool moved, struct art_run *out) {
    struct art_children rest = {0};
    struct art_bytes high = partial->to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&partial->high);
    enum art_rc rc = partial->cut ? build_rest(tree, edit, partial, &rest) : ART_OK;
    if (!rc) {
        rc = art_run_splice(tree, edit, &edit->root->run[at], art_buffer_bytes(&partial->low), high, moved, &rest, out);
    }
    art_children_clear(&rest);
    return rc;
}

/* Puts the new form of run `at` in, or takes the run out when nothing is left. */
static enum art_rc replace_run(struct art_version_edit *edit, unsigned at, struct art_run *run) {
    assert(at < edit->root->runs);
    if (run->top.entries) return art_root_replace_run(edit->root, at, run);
    art_root_remove_run(edit->root, at);
    return ART_OK;
}

enum art_rc art_compact_partially(struct art_tree *tree, struct art_version_edit *edit, unsigned at) {
    assert(at + 1 < edit->root->runs);
    ART_DURING(ART_EVENT_MERGE);
    struct partial partial = {.last = at + 2 == edit->root->runs, .root = edit->root};
    partial.size = edit->small_portions ? &WHERE_ROOM_IS_SHORT : &art_tree_medium(tree)->portion;
    struct art_run lower = {0}, upper = {0};
    bool moves = false;
    enum art_rc rc = choose(tree, &edit->root->run[at], &edit->root->run[at + 1], &partial);
    if (!rc) rc = new_lower(tree, edit, at, &partial, &moves, &lower);
    if (!rc) rc = new_upper(tree, edit, at, &partial, moves, &upper);
    if (!rc) rc = replace_run(edit, at + 1, &lower);
    if (!rc) rc = replace_run(edit, at, &upper);
    if (!rc && !moves) edit->pages_merged += partial.pages;
    art_run_clear(&lower);
    art_run_clear(&upper);
    partial_clear(&partial);
    return rc;
}
