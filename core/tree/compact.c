/* Flush, and the merges that keep the number of runs small.
 *
 *   level 0     young runs, one a flush, at most three
 *   level 1     three young runs merged; it gives itself to the run below, slice by slice
 *   level 2..   runs of at most 8 MB, 64 MB, 512 MB, and the last of any size
 *
 * A slice is a few neighbouring leaf blobs of one run. It is merged with the blobs of the next run that it overlaps;
 * a slice that overlaps nothing is moved by its references alone, so that appending rewrites nothing before it. A run
 * that is over its size with nothing at the next level just becomes that level. What is most overdue is done first,
 * until the commit's budget is spent; only too many young runs are merged regardless of it.
 */
#include "core/tree/private.h"

#include <time.h>

enum {
    YOUNG_MAX = 3,
    LEVEL_DRAINING = 1,
    LEVEL_FIRST = 2,
    LEVEL_LAST = 5,
    LEVEL_FIRST_BLOBS = 16, /* 8 MB */
    LEVEL_FACTOR = 8,
    SLICE_BLOBS = 6, /* a slice grows until it and what it overlaps are this much */
    INTERRUPT_EVERY = 4096
};
static const uint64_t BUDGET_NANOSECONDS = 5000000;

static uint32_t blob_pages(const struct art_tree *tree) {
    return tree->options.blob_pages ? tree->options.blob_pages : ART_BLOB_PAGES;
}

static uint64_t level_pages(const struct art_tree *tree, unsigned level) {
    uint64_t pages = (uint64_t)LEVEL_FIRST_BLOBS * blob_pages(tree);
    for (unsigned i = LEVEL_FIRST; i < level; i++) pages *= LEVEL_FACTOR;
    return pages;
}

static uint8_t level_of(const struct art_tree *tree, uint64_t pages) {
    uint8_t level = LEVEL_FIRST;
    while (level < LEVEL_LAST && pages > level_pages(tree, level)) level++;
    return level;
}

static unsigned young_runs(const struct art_root *root) {
    unsigned n = 0;
    while (n < root->runs && root->run[n].level == 0) n++;
    return n;
}

/* --- flush -------------------------------------------------------------------------------------------------------- */

int art_compact_flush(struct art_tree *tree, struct art_edit *edit, const struct art_delta *delta) {
    struct art_delta_cursor cursor;
    struct art_run_build *build;
    struct art_run run = {0};
    int rc = art_run_build_open(&build, tree, edit, edit->root->runs > 0, 0, true);
    if (rc) return rc;
    art_delta_cursor_init(&cursor, delta);
    for (rc = art_delta_first(&cursor); !rc && cursor.valid; rc = art_delta_next(&cursor)) {
        struct art_entry entry;
        art_delta_cursor_entry(&cursor, &entry);
        if ((entry.flags & ART_DELETE) && !(entry.flags & ART_OVER)) continue;
        rc = art_run_build_add(build, cursor.key, &entry);
        if (rc) break;
    }
    art_delta_cursor_clear(&cursor);
    if (!rc) rc = art_run_build_run(build, &run);
    if (!edit->root->runs) run.level = level_of(tree, run.pages);
    if (!rc && run.top.entries) rc = art_root_insert_run(edit->root, 0, &run);
    art_run_clear(&run);
    art_run_build_close(build);
    return rc;
}

/* --- merging sources into a build --------------------------------------------------------------------------------- */

/* `last`: nothing lies below the output, so only plain puts may come out. */
static int merge_into(struct art_tree *tree, struct art_merge *merge, struct art_run_build *build, bool last) {
    unsigned count = 0;
    int rc = ART_OK;
    for (; !rc && merge->valid; rc = art_merge_step_combined(merge)) {
        struct art_entry entry;
        rc = art_merge_combine(merge, &entry);
        if (rc) break;
        bool put = !(entry.flags & ART_DELETE), over = entry.flags & ART_OVER;
        if (put || over) {
            if (last && (over || !put)) {
                return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                                   "a run refers to a row that no run below it has");
            }
            rc = art_run_build_add(build, art_merge_winner(merge)->key, &entry);
            if (rc) break;
        }
        if (++count % INTERRUPT_EVERY == 0) rc = art_tree_interrupted(tree);
        if (rc) break;
    }
    return rc;
}

/* Replaces runs [from, to] by one. */
static int merge_runs(struct art_tree *tree, struct art_edit *edit, unsigned from, unsigned to) {
    struct art_merge *merge = art_alloc(sizeof *merge);
    if (!merge) return art_nomem();
    art_merge_init(merge, tree->store);
    bool last = to + 1 == edit->root->runs;
    struct art_run_build *build = NULL;
    struct art_run run = {0};
    int rc = art_merge_set(merge, NULL, &edit->root->run[from], to - from + 1);
    for (unsigned i = 0; !rc && i < merge->count; i++) rc = art_merge_limit(merge, i, art_bytes(NULL, 0), UINT64_MAX);
    if (!rc) art_merge_begin_combined(merge);
    if (!rc) rc = art_run_build_open(&build, tree, edit, !last, 0, true);
    if (!rc) rc = merge_into(tree, merge, build, last);
    if (!rc) rc = art_run_build_run(build, &run);
    art_run_build_close(build);
    art_merge_clear(merge);
    art_free(merge);
    for (unsigned i = from; !rc && i <= to; i++) rc = art_run_drop(tree, edit, &edit->root->run[i]);
    if (!rc) {
        for (unsigned i = from; i <= to; i++) art_root_remove_run(edit->root, from);
        run.level = last ? level_of(tree, run.pages) : LEVEL_DRAINING;
        if (run.top.entries) rc = art_root_insert_run(edit->root, from, &run);
    }
    art_run_clear(&run);
    return rc;
}

/* --- a slice ------------------------------------------------------------------------------------------------------ */

struct slice {
    struct art_buffer upper_low, upper_high; /* separators in the upper run: [low, high) */
    bool upper_to_end;
    struct art_buffer lower_low, lower_high; /* in the lower run */
    bool lower_to_end;
    struct art_buffer first_key, last_key; /* of the slice's entries */
    struct art_buffer lower_last;          /* last key of the lower blob before or under the slice's beginning */
    uint64_t upper_entries, lower_entries;
    uint32_t upper_pages, lower_pages, lower_blobs;
    int64_t upper_count;
    struct art_children children; /* the slice's own blobs */
};

static void slice_clear(struct slice *slice) {
    art_buffer_clear(&slice->upper_low);
    art_buffer_clear(&slice->upper_high);
    art_buffer_clear(&slice->lower_low);
    art_buffer_clear(&slice->lower_high);
    art_buffer_clear(&slice->first_key);
    art_buffer_clear(&slice->last_key);
    art_buffer_clear(&slice->lower_last);
    art_children_clear(&slice->children);
}

/* The child under a cursor over a run's leaf references; a run without index is its own only child. */
static int child_at(const struct art_run_cursor *cursor, const struct art_run *run, struct art_bytes *separator,
                    struct art_ref *ref) {
    if (run->top.level == 0) {
        *separator = art_bytes(NULL, 0);
        *ref = run->top;
        return ART_OK;
    }
    *separator = art_run_key(cursor);
    return art_blob_cursor_ref(&cursor->leaf, ref);
}

/* Which blobs of the lower run the keys first_key..last_key fall into. */
static int slice_overlap(struct art_tree *tree, const struct art_run *lower, struct slice *slice) {
    struct art_run_cursor cursor;
    struct art_bytes separator;
    struct art_ref ref;
    slice->lower_entries = 0;
    slice->lower_pages = slice->lower_blobs = 0;
    slice->lower_to_end = true;
    int rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc && lower->top.level) {
        art_run_cursor_reset(&cursor, &lower->top, 1);
        rc = art_run_seek_le(&cursor, art_buffer_bytes(&slice->first_key));
        if (!rc && !cursor.valid) rc = art_run_first(&cursor);
    }
    for (bool more = !rc; more && !rc;) {
        rc = child_at(&cursor, lower, &separator, &ref);
        if (rc) break;
        if (slice->lower_blobs && art_bytes_compare(separator, art_buffer_bytes(&slice->last_key)) > 0) {
            slice->lower_to_end = false;
            rc = art_buffer_set_key(&slice->lower_high, separator);
            break;
        }
        if (!slice->lower_blobs) rc = art_buffer_set_key(&slice->lower_low, separator);
        slice->lower_blobs++;
        slice->lower_entries += ref.entries;
        slice->lower_pages += art_ref_pages(&ref);
        if (!rc && lower->top.level) rc = art_run_next(&cursor);
        more = lower->top.level && cursor.valid;
    }
    art_run_cursor_close(&cursor);
    return rc;
}

/* First or last key of a leaf blob. */
static int edge_key(struct art_tree *tree, const struct art_ref *leaf, bool last, struct art_buffer *out) {
    struct art_run_cursor cursor;
    int rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc) {
        art_run_cursor_reset(&cursor, leaf, 0);
        rc = last ? art_run_last(&cursor) : art_run_first(&cursor);
        if (!rc && !cursor.valid) rc = art_corrupt(tree->options.path, leaf->slot, ART_NOWHERE, "an empty leaf blob");
        if (!rc) rc = art_buffer_set_key(out, art_run_key(&cursor));
    }
    art_run_cursor_close(&cursor);
    return rc;
}

/* Takes neighbouring blobs of the upper run, from the sweep's position on, until the work is large enough. */
static int slice_choose(struct art_tree *tree, const struct art_run *upper, const struct art_run *lower,
                        struct slice *slice) {
    struct art_run_cursor cursor;
    struct art_buffer *sweep = &tree->sweep[upper->level];
    int rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc && upper->top.level) {
        art_run_cursor_reset(&cursor, &upper->top, 1);
        rc = sweep->len ? art_run_seek_ge(&cursor, art_buffer_bytes(sweep)) : art_run_first(&cursor);
        if (!rc && !cursor.valid) rc = art_run_first(&cursor);
    }
    slice->upper_to_end = true;
    for (bool more = !rc; more && !rc;) {
        struct art_bytes separator;
        struct art_ref ref;
        rc = child_at(&cursor, upper, &separator, &ref);
        if (rc) break;
        if (slice->children.count &&
            slice->upper_pages + slice->lower_pages + art_ref_pages(&ref) > SLICE_BLOBS * blob_pages(tree)) {
            slice->upper_to_end = false;
            rc = art_buffer_set_key(&slice->upper_high, separator);
            break;
        }
        if (!slice->children.count) rc = art_buffer_set_key(&slice->upper_low, separator);
        if (!rc) rc = art_children_add(&slice->children, separator, &ref);
        if (!rc && slice->children.count == 1) rc = edge_key(tree, &ref, false, &slice->first_key);
        if (!rc) rc = edge_key(tree, &ref, true, &slice->last_key);
        if (rc) break;
        slice->children.blobs++;
        slice->children.pages += art_ref_pages(&ref);
        slice->upper_pages += art_ref_pages(&ref);
        slice->upper_entries += ref.entries;
        slice->upper_count += ref.count;
        rc = slice_overlap(tree, lower, slice);
        if (!rc && upper->top.level) rc = art_run_next(&cursor);
        more = upper->top.level && cursor.valid;
    }
    art_run_cursor_close(&cursor);
    if (!rc)
        rc = art_buffer_set_key(sweep, slice->upper_to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&slice->upper_high));
    return rc;
}

/* Nothing of the lower run lies among the slice's keys, and its neighbour is full enough: the references are moved as
 * they are. *low: separator for the first. */
static int slice_moves(struct art_tree *tree, const struct art_run *lower, struct slice *slice, bool *moves,
                       struct art_buffer *low) {
    *moves = false;
    if (slice->lower_blobs != 1 || slice->upper_count < 0 || (uint64_t)slice->upper_count != slice->upper_entries)
        return ART_OK;
    struct art_run_cursor cursor;
    struct art_bytes separator;
    struct art_ref ref;
    int rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc && lower->top.level) {
        art_run_cursor_reset(&cursor, &lower->top, 1);
        rc = art_run_seek_le(&cursor, art_buffer_bytes(&slice->first_key));
        if (!rc && !cursor.valid) rc = art_run_first(&cursor);
    }
    if (!rc) rc = child_at(&cursor, lower, &separator, &ref);
    bool full = !rc && art_ref_pages(&ref) >= blob_pages(tree) / 2;
    if (full) rc = edge_key(tree, &ref, true, &slice->lower_last);
    art_run_cursor_close(&cursor);
    if (rc || !full) return rc;
    struct art_bytes last = art_buffer_bytes(&slice->lower_last), first = art_buffer_bytes(&slice->first_key);
    if (art_bytes_compare(last, first) >= 0) return ART_OK;
    uint32_t common = art_common_prefix(last.data, first.data, art_min32(last.len, first.len));
    *moves = true;
    return art_buffer_set_key(low, art_bytes(first.data, common + 1));
}

/* So many pages a blob that the last one is not a small rest. */
static uint32_t even_fill(const struct art_tree *tree, uint32_t pages) {
    uint32_t most = blob_pages(tree), blobs = (pages + most - 2) / (most - 1);
    if (most < ART_BLOB_PAGES) return 0;
    return blobs > 1 ? art_min32((pages + blobs - 1) / blobs + 2, most) : 0;
}

/* The slice's entries and the lower run's under them, merged into new blobs. */
static int slice_merge(struct art_tree *tree, struct art_edit *edit, const struct art_run *upper,
                       const struct art_run *lower, struct slice *slice, bool last, struct art_children *out) {
    struct art_merge *merge = art_alloc(sizeof *merge);
    if (!merge) return art_nomem();
    art_merge_init(merge, tree->store);
    struct art_run_build *build = NULL;
    const struct art_run pair[2] = {*upper, *lower};
    int rc = art_merge_set(merge, NULL, pair, 2);
    if (!rc) rc = art_merge_limit(merge, 0, art_buffer_bytes(&slice->first_key), slice->upper_entries);
    if (!rc) rc = art_merge_limit(merge, 1, art_buffer_bytes(&slice->lower_low), slice->lower_entries);
    if (!rc) art_merge_begin_combined(merge);
    if (!rc)
        rc = art_run_build_open(&build, tree, edit, !last, even_fill(tree, slice->upper_pages + slice->lower_pages),
                                false);
    if (!rc) rc = merge_into(tree, merge, build, last);
    if (!rc) rc = art_run_build_children(build, out);
    art_run_build_close(build);
    art_merge_clear(merge);
    art_free(merge);
    return rc;
}

/* Puts the new form of run `at` in, or takes the run out when nothing is left. */
static int replace_run(struct art_edit *edit, unsigned at, struct art_run *run) {
    int rc = ART_OK;
    if (run->top.entries)
        rc = art_root_replace_run(edit->root, at, run);
    else
        art_root_remove_run(edit->root, at);
    art_run_clear(run);
    return rc;
}

/* Gives a slice of run `at` to the run below it. */
static int give_slice(struct art_tree *tree, struct art_edit *edit, unsigned at) {
    const struct art_run *upper = &edit->root->run[at], *lower = &edit->root->run[at + 1];
    bool last = at + 2 == edit->root->runs, moves = false;
    struct slice slice = {0};
    struct art_children merged = {0};
    struct art_buffer low = {0};
    struct art_run new_lower = {0}, new_upper = {0};
    int rc = slice_choose(tree, upper, lower, &slice);
    if (!rc) rc = slice_moves(tree, lower, &slice, &moves, &low);
    if (!rc && moves) {
        rc = art_run_splice(tree, edit, lower, art_buffer_bytes(&low), art_buffer_bytes(&low), false, &slice.children,
                            &new_lower);
    } else if (!rc) {
        rc = slice_merge(tree, edit, upper, lower, &slice, last, &merged);
        struct art_bytes high = slice.lower_to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&slice.lower_high);
        if (!rc)
            rc =
                art_run_splice(tree, edit, lower, art_buffer_bytes(&slice.lower_low), high, false, &merged, &new_lower);
    }
    if (!rc) {
        struct art_bytes high = slice.upper_to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&slice.upper_high);
        rc = art_run_splice(tree, edit, upper, art_buffer_bytes(&slice.upper_low), high, moves,
                            &(struct art_children){0}, &new_upper);
    }
    if (!rc) rc = replace_run(edit, at + 1, &new_lower);
    if (!rc) rc = replace_run(edit, at, &new_upper);
    art_run_clear(&new_lower);
    art_run_clear(&new_upper);
    art_buffer_clear(&low);
    art_children_clear(&merged);
    slice_clear(&slice);
    return rc;
}

/* --- policy ------------------------------------------------------------------------------------------------------- */

enum step { STEP_NONE, STEP_YOUNG, STEP_SLICE, STEP_RELABEL };

/* What is most overdue, as tenths of "due". */
static enum step next_step(const struct art_tree *tree, const struct art_root *root, unsigned *at, unsigned *urgency) {
    unsigned young = young_runs(root);
    enum step step = STEP_NONE;
    *urgency = 0;
    bool draining = young < root->runs && root->run[young].level == LEVEL_DRAINING;
    if (draining) {
        *at = young;
        *urgency = 10 + 10 * young / YOUNG_MAX;
        bool below = young + 1 < root->runs && root->run[young + 1].level == LEVEL_FIRST;
        step = below ? STEP_SLICE : STEP_RELABEL;
    } else if (young >= YOUNG_MAX) {
        *at = 0;
        *urgency = 10 * young / YOUNG_MAX + 10;
        step = STEP_YOUNG;
    }
    for (unsigned i = young + draining; i < root->runs; i++) {
        unsigned level = root->run[i].level;
        if (level >= LEVEL_LAST || root->run[i].pages <= level_pages(tree, level)) continue;
        unsigned overdue = (unsigned)(root->run[i].pages * 10 / level_pages(tree, level));
        bool below = i + 1 < root->runs && root->run[i + 1].level == level + 1;
        if (!below) overdue = 1000; /* costs nothing */
        if (overdue <= *urgency) continue;
        *urgency = overdue;
        *at = i;
        step = below ? STEP_SLICE : STEP_RELABEL;
    }
    return step;
}

/* A young run that begins behind the end of the run below it, and hides nothing there: may be given down at once. */
static int appends(struct art_tree *tree, const struct art_root *root, bool *yes) {
    *yes = false;
    if (root->runs < 2 || root->run[0].level != 0 || root->run[1].level < LEVEL_FIRST) return ART_OK;
    const struct art_ref *upper = &root->run[0].top, *lower = &root->run[1].top;
    if (upper->count < 0 || (uint64_t)upper->count != upper->entries) return ART_OK;
    struct art_run_cursor cursor;
    struct art_buffer first = {0};
    int rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc) {
        art_run_cursor_reset(&cursor, upper, 0);
        rc = art_run_first(&cursor);
    }
    if (!rc) rc = art_buffer_set_key(&first, art_run_key(&cursor));
    if (!rc) {
        art_run_cursor_reset(&cursor, lower, 0);
        rc = art_run_last(&cursor);
    }
    if (!rc) *yes = cursor.valid && art_bytes_compare(art_run_key(&cursor), art_buffer_bytes(&first)) < 0;
    art_buffer_clear(&first);
    art_run_cursor_close(&cursor);
    return rc;
}

bool art_compact_due(const struct art_tree *tree) {
    const struct art_root *root = tree->root;
    unsigned at, urgency;
    return next_step(tree, root, &at, &urgency) != STEP_NONE;
}

static int take_step(struct art_tree *tree, struct art_edit *edit, enum step step, unsigned at) {
    switch (step) {
    case STEP_YOUNG:
        return merge_runs(tree, edit, 0, young_runs(edit->root) - 1);
    case STEP_SLICE:
        return give_slice(tree, edit, at);
    case STEP_RELABEL:
        edit->root->run[at].level =
            edit->root->run[at].level == LEVEL_DRAINING ? LEVEL_FIRST : edit->root->run[at].level + 1;
        return ART_OK;
    case STEP_NONE:
        break;
    }
    return ART_OK;
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int art_compact_merge(struct art_tree *tree, struct art_edit *edit, uint64_t budget_pages) {
    uint64_t written = edit->pages_written, begun = now();
    bool append;
    int rc = appends(tree, edit->root, &append);
    while (!rc && append) {
        rc = give_slice(tree, edit, 0);
        if (!rc) rc = appends(tree, edit->root, &append);
    }
    bool moved = true;
    while (!rc && moved) {
        unsigned at, urgency;
        enum step step = next_step(tree, edit->root, &at, &urgency);
        bool spent = edit->pages_written - written >= budget_pages ||
                     (budget_pages != UINT64_MAX && now() - begun >= BUDGET_NANOSECONDS);
        if (step == STEP_NONE) {
            if (spent || art_wants_small(tree)) break;
            rc = art_shrink_step(tree, edit, &moved);
            continue;
        }
        bool forced = young_runs(edit->root) > YOUNG_MAX || edit->root->runs > ART_RUNS_MAX;
        if (spent && !forced) break;
        rc = take_step(tree, edit, step, at);
        if (!rc) rc = art_tree_interrupted(tree);
    }
    return rc;
}

int art_compact_all(struct art_tree *tree, struct art_edit *edit) {
    struct art_root *root = edit->root;
    if (!root->runs) return ART_OK;
    const struct art_run *only = &root->run[0];
    bool packed = root->runs == 1 && only->pages * 10 >= only->blobs * blob_pages(tree) * 9;
    return packed ? ART_OK : merge_runs(tree, edit, 0, root->runs - 1);
}
