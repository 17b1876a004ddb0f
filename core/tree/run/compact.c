/* Flush, and the merges that keep the number of runs small.
 *
 *   level 0     level-0 runs, one a flush, at most three; fewer when they are a quarter of a small table
 *   level 1     the level-0 runs merged; it gives itself to the run below, by partial compactions
 *   level 2..   runs of at most 16 MB, 128 MB, 1 GB, and the last of any size
 *
 * Each run that comes to level 1 costs the levels below about the same, small or large. With log_limit=auto many
 * flushes are small, and so are those of the command 'flush'. So a flush takes in the latest level-0 runs that are no
 * larger than it is, like a binary counter: a row is written anew once for each doubling. Level 0 is then full by the
 * size of its runs, and not when there are three. Where there would be six, a flush takes in more: nothing small goes
 * down.
 *
 * (partial.c says what a partial compaction is.) A run that is over its size with nothing at the next level just
 * becomes that level. What lies over the last run may hide rows of it, which then take space twice: so the run over
 * the last is over its size, too, when it is more than an eighth of the last, the next one above a 64th. (Blocks make
 * entries of the last run smaller: it counts for what they would take in the runs above, art_pages_weighed().) A delete
 * hides a row that may be a hundred times as large: the size of a run is its own pages or those that it hides,
 * whichever are more (hidden.c). A last run that has become too small for its level goes up again, and takes in what
 * is there.
 *
 * What is most overdue is done first, a step at a time, until the commit has paid: what it owes for its own rows, and
 * beyond that a pause at most. More runs than a root may have leave no choice; then level-0 runs become one, whatever
 * the rest looks like: that costs what a few commits have written, not what the levels below have left undone.
 */
#include "core/base/clock.h"
#include "core/base/limits.h"
#include "core/tree/run/run.h"

enum {
    LEVEL_DRAINING = 1, /* of a run that goes into the next one, part by part */
    LEVEL_FIRST = 2,    /* of one that stays */
    LEVEL_LAST = ART_RUN_LEVEL_LAST,
    LEVEL0_PART = 4, /* level-0 runs may be so large a part of the last run: over a small table, all would be much */
};

static uint64_t level_pages(const struct art_tree *tree, unsigned level) {
    uint64_t pages = (uint64_t)ART_LIMIT(level_first_blobs) * art_tree_full_pages(tree);
    for (unsigned i = LEVEL_FIRST; i < level; i++) pages *= ART_LIMIT(level_factor);
    return pages;
}

static uint8_t level_of(const struct art_tree *tree, uint64_t pages) {
    uint8_t level = LEVEL_FIRST;
    while (level < LEVEL_LAST && pages > level_pages(tree, level)) level++;
    return level;
}

static unsigned level0_runs(const struct art_root *root) {
    assert(root->runs <= root->capacity);
    unsigned n = 0;
    while (n < root->runs && root->run[n].level == 0) n++;
    return n;
}

/* What small flushes grow to; 0: they do not. */
static uint64_t joined_pages(const struct art_tree *tree) {
    return tree->options.log_limit == ART_LOG_AUTO ? (uint64_t)ART_LIMIT(joined_blobs) * art_tree_full_pages(tree) : 0;
}

/* The only run is written as a whole. */
static void note_whole(struct art_root *root) {
    assert(!root->runs);
    root->all_blocks = art_codec() != NULL;
}

/* --- flush -------------------------------------------------------------------------------------------------------- */

/* `appends`: new values may go to the end of the last run, which is read for it. */
static enum art_rc flush_into_new(struct art_tree *tree, struct art_version_edit *edit,
                                  const struct art_memtable *memtable, bool appends) {
    assert(edit->root->references == 1);
    struct art_source source = {.is_memtable = true, .valid = true, .left = art_memtable_keys(memtable)};
    struct art_memtable_cursor *cursor = &source.memtable;
    struct art_run_build *build;
    struct art_run run = {0};
    struct art_buffer end = {0};
    enum art_rc rc = appends ? art_append_values(tree, edit, memtable, &end) : ART_OK;
    if (!rc) rc = art_run_build_open(&build, tree, edit, !edit->root->runs, 0, true);
    if (rc) {
        art_buffer_clear(&end);
        return rc;
    }
    edit->weight += (uint64_t)art_memtable_count(memtable);
    art_memtable_cursor_init(cursor, memtable);
    art_run_build_from(build, &source, 1);
    for (rc = art_memtable_first(cursor); !rc && cursor->valid; rc = art_memtable_next(cursor)) {
        struct art_entry entry;
        if (end.len && art_bytes_compare(cursor->key, art_buffer_bytes(&end)) > 0) break;
        art_memtable_cursor_entry(cursor, &entry);
        if ((entry.flags & ART_DELETE) && !(entry.flags & ART_SHADOWS_OLDER)) continue;
        if (!edit->root->runs && art_deletes_chunk(cursor->key, entry.flags)) {
            art_run_build_leave_out(build, art_entry_weight(entry.flags));
            continue;
        }
        rc = art_run_build_add(build, cursor->key, &entry);
        if (rc) break;
    }
    art_run_build_from(build, NULL, 0);
    art_memtable_cursor_clear(cursor);
    art_buffer_clear(&end);
    if (!rc) rc = art_run_build_run(build, &run);
    if (!edit->root->runs) run.level = level_of(tree, run.pages);
    if (!rc && !edit->root->runs) note_whole(edit->root);
    if (!rc && run.top.entries) rc = art_root_insert_run(edit->root, 0, &run);
    art_run_clear(&run);
    art_run_build_close(build);
    return rc;
}

enum art_rc art_compact_first(struct art_tree *tree, struct art_version_edit *edit, const struct art_stream *stream) {
    assert(!edit->root->runs);
    struct art_run_build *build = NULL;
    struct art_run run = {0};
    enum art_rc rc = art_run_build_open(&build, tree, edit, true, 0, true);
    if (!rc) rc = stream->add(stream->context, build);
    if (!rc) rc = art_run_build_run(build, &run);
    run.level = level_of(tree, run.pages);
    note_whole(edit->root);
    if (!rc && run.top.entries) rc = art_root_insert_run(edit->root, 0, &run);
    art_run_clear(&run);
    art_run_build_close(build);
    return rc;
}

/* --- merging sources into a build --------------------------------------------------------------------------------- */

static enum art_rc merge_entry(struct art_tree *tree, struct art_merge *merge, struct art_run_build *build, bool last,
                               const struct art_rewrite *rewrite) {
    struct art_entry entry;
    enum art_rc rc = art_merge_combine(merge, &entry);
    if (rc) return rc;
    art_run_build_leave_out(build, -(int64_t)merge->twice);
    struct art_bytes key = art_merge_winner(merge)->key;
    bool put = !(entry.flags & ART_DELETE), shadows_older = entry.flags & ART_SHADOWS_OLDER;
    if (put || (shadows_older && !(last && art_deletes_chunk(key, entry.flags)))) {
        if (last && (shadows_older || !put)) {
            return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                               "a run refers to a row that no run below it has");
        }
        if (rewrite) rc = rewrite->entry(rewrite->context, key, &entry);
        if (!rc) rc = art_run_build_add(build, key, &entry);
    } else {
        art_run_build_leave_out(build, art_entry_weight(entry.flags));
    }
    return rc ? rc : art_merge_step_combined(merge);
}

/* `rewrite`: all that there is, as plain puts. */
static enum art_rc merge_entries(struct art_tree *tree, struct art_merge *merge, struct art_run_build *build, bool last,
                                 const struct art_rewrite *rewrite) {
    enum art_rc rc = ART_OK;
    for (uint64_t count = 0; !rc && merge->valid; count++) {
        rc = merge_entry(tree, merge, build, last, rewrite);
        if (!rc && count % ART_LIMIT(ask_merge) == 0) rc = art_tree_interrupted(tree);
    }
    return rc;
}

enum art_rc art_merge_into(struct art_tree *tree, struct art_merge *merge, struct art_run_build *build, bool last) {
    return merge_entries(tree, merge, build, last, NULL);
}

/* Replaces runs [from, end) by one, with a memtable over them or NULL; entries as `rewrite` gives them, or NULL. */
static enum art_rc merge_runs(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable,
                              unsigned from, unsigned end, const struct art_rewrite *rewrite) {
    assert(from <= end && end <= edit->root->runs);
    ART_DURING(ART_EVENT_MERGE);
    struct art_merge *merge = art_alloc(sizeof *merge);
    if (!merge) return art_nomem();
    art_merge_init(merge, tree->store, true);
    bool last = end == edit->root->runs;
    assert(last || !rewrite);
    struct art_run_build *build = NULL;
    struct art_run run = {0};
    if (!from && last) art_root_rewritten(edit->root);
    if (memtable) edit->weight += (uint64_t)art_memtable_count(memtable);
    enum art_rc rc = art_merge_set(merge, memtable, &edit->root->run[from], end - from);
    for (unsigned i = 0; !rc && i < merge->count; i++) rc = art_merge_limit(merge, i, art_bytes(NULL, 0), UINT64_MAX);
    if (!rc) art_merge_begin_combined(merge);
    if (!rc) rc = art_run_build_open(&build, tree, edit, last, 0, true);
    if (!rc) art_run_build_from(build, merge->source, merge->count);
    if (!rc) rc = rewrite ? merge_entries(tree, merge, build, true, rewrite) : art_merge_into(tree, merge, build, last);
    if (!rc) rc = art_run_build_run(build, &run);
    art_run_build_close(build);
    art_merge_clear(merge);
    art_free(merge);
    for (unsigned i = from; !rc && i < end; i++) rc = art_run_drop(tree, edit, &edit->root->run[i]);
    if (!rc) {
        if (last)
            run.level = level_of(tree, run.pages);
        else /* a run that drains is not joined by another */
            run.level = edit->root->run[end].level == LEVEL_DRAINING ? 0 : LEVEL_DRAINING;
        for (unsigned i = from; i < end; i++) art_root_remove_run(edit->root, from);
        if (!edit->root->runs) note_whole(edit->root);
        if (run.top.entries) rc = art_root_insert_run(edit->root, from, &run);
    }
    assert(edit->root->runs <= ART_RUNS_CAPACITY);
    art_run_clear(&run);
    return rc;
}

/* Leaf pages, which alone can be compared with rows that are no blob yet. In a run of several blobs the others are few
 * beside them. */
static uint64_t pages_of_leaves(const struct art_run *run) {
    return run->top.height ? run->pages : run->top.leaf_pages;
}

/* So many level-0 runs are written anew together with the memtable, as long as all are no larger than the run of a
 * whole log: those that are no larger than what comes over them, and those without which level 0 would be full. */
static unsigned joined_runs(const struct art_tree *tree, const struct art_root *root,
                            const struct art_memtable *memtable) {
    uint64_t most = joined_pages(tree), over = art_memtable_bytes(memtable) / ART_BLOB_PAGE + 1, pages = over;
    unsigned n = 0, level0 = most && art_memtable_keys(memtable) ? level0_runs(root) : 0;
    for (; n < level0 && pages + root->run[n].pages <= most; n++) {
        uint64_t leaves = pages_of_leaves(&root->run[n]);
        if (leaves > over && level0 - n + 1 < ART_LIMIT(level0_runs_small)) break;
        over += leaves;
        pages += root->run[n].pages;
    }
    assert(n <= level0);
    return n < root->runs ? n : 0;
}

static enum art_rc flush_joined(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable,
                                unsigned joined) {
    unsigned runs = edit->root->runs;
    assert(joined && joined < runs);
    enum art_rc rc = merge_runs(tree, edit, memtable, 0, joined, NULL);
    if (!rc && edit->root->runs == runs - joined + 1) edit->root->run[0].level = 0;
    return rc;
}

enum art_rc art_compact_flush(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable) {
    assert(tree->slots.use && edit->root && edit->root != tree->root);
    ART_DURING(ART_EVENT_FLUSH);
    unsigned joined = joined_runs(tree, edit->root, memtable);
    tree->count.flushes++;
    tree->count.joined += joined;
    if (!joined) return flush_into_new(tree, edit, memtable, true);
    return flush_joined(tree, edit, memtable, joined);
}

/* Where the root has no place for another run: as many of the latest as are no larger than those over them, and `most`
 * at most. */
static unsigned runs_to_make_place(const struct art_root *root, const struct art_memtable *memtable, unsigned most) {
    if (root->runs < ART_RUNS_MAX) return 0;
    uint64_t over = art_memtable_bytes(memtable) / ART_BLOB_PAGE + 1 + root->run[0].pages;
    unsigned n = 1;
    for (; n < most && n + 1 < root->runs && root->run[n].pages <= over; n++) over += root->run[n].pages;
    return n;
}

enum art_rc art_compact_flush_beside(struct art_tree *tree, struct art_version_edit *edit,
                                     struct art_memtable *memtable, unsigned most, unsigned *joined) {
    assert(tree->slots.use && edit->root && edit->root != tree->root && most);
    ART_DURING(ART_EVENT_FLUSH);
    *joined = runs_to_make_place(edit->root, memtable, most);
    tree->count.flushes++;
    tree->count.joined += *joined;
    if (!*joined) return flush_into_new(tree, edit, memtable, false);
    return flush_joined(tree, edit, memtable, *joined);
}

/* --- policy ------------------------------------------------------------------------------------------------------- */

enum step { STEP_NONE, STEP_LEVEL0, STEP_PARTIAL, STEP_RELABEL, STEP_RAISE };

/* Is the last run less than half of what the level above it may hold? */
static bool too_small(const struct art_tree *tree, const struct art_root *root) {
    const struct art_run *last = &root->run[root->runs - 1];
    return last->level > LEVEL_FIRST && 2 * art_pages_weighed(root, last) < level_pages(tree, last->level - 1);
}

/* Pages that run `at`, of level 2 or more, may have. */
static uint64_t most_run_pages(const struct art_tree *tree, const struct art_root *root, unsigned at) {
    assert(at < root->runs);
    const struct art_run *run = &root->run[at], *last = &root->run[root->runs - 1];
    if (run == last) return run->level < LEVEL_LAST ? level_pages(tree, run->level) : UINT64_MAX;
    if (run->level + 1 == last->level && too_small(tree, root)) return 0;
    uint64_t most = level_pages(tree, run->level), share = art_pages_weighed(root, last);
    uint64_t least = (uint64_t)ART_LIMIT(level_least_blobs) * art_tree_full_pages(tree);
    for (unsigned level = run->level; level < last->level; level++) share /= ART_LIMIT(level_factor);
    if (share < least) share = least;
    return share < most ? share : most;
}

/* Do the level-0 runs hide more than the run over the last one may? */
static bool level0_hide_much(const struct art_tree *tree, const struct art_root *root, unsigned level0) {
    assert(level0 < root->runs);
    uint64_t shadowed = 0, most = root->run[root->runs - 1].pages / ART_LIMIT(level_factor);
    uint64_t least = (uint64_t)ART_LIMIT(level_least_blobs) * art_tree_full_pages(tree);
    for (unsigned i = 0; i < level0; i++) shadowed += root->run[i].shadowed;
    return shadowed > (most > least ? most : least);
}

static bool level0_are_due(const struct art_tree *tree, const struct art_root *root, unsigned level0) {
    uint64_t pages = 0, joined = joined_pages(tree);
    if (level0 && level0 < root->runs && level0_hide_much(tree, root, level0)) return true;
    for (unsigned i = 0; i < level0; i++) pages += root->run[i].pages;
    if (level0 >= (joined ? ART_LIMIT(level0_runs_small) : ART_LIMIT(level0_runs)) ||
        (joined && pages >= (ART_LIMIT(level0_runs) - 1) * joined))
        return true;
    if (!level0 || level0 + 1 != root->runs || root->run[level0].level != LEVEL_FIRST) return false;
    uint64_t last = art_pages_weighed(root, &root->run[level0]);
    return last >= (uint64_t)ART_LIMIT(small_blobs) * art_tree_full_pages(tree) && pages * LEVEL0_PART > last;
}

/* What is most overdue, as tenths of "due". */
static enum step next_step(const struct art_tree *tree, const struct art_root *root, unsigned *at, unsigned *urgency) {
    unsigned level0 = level0_runs(root);
    enum step step = STEP_NONE;
    *urgency = 0;
    bool draining = level0 < root->runs && root->run[level0].level == LEVEL_DRAINING;
    if (draining) {
        *at = level0;
        *urgency = 10 + 10 * level0 / ART_LIMIT(level0_runs);
        bool below = level0 + 1 < root->runs && root->run[level0 + 1].level == LEVEL_FIRST;
        step = below ? STEP_PARTIAL : STEP_RELABEL;
    } else if (level0_are_due(tree, root, level0)) {
        *at = 0;
        *urgency = 10 * level0 / ART_LIMIT(level0_runs) + 10;
        step = level0 > 1 ? STEP_LEVEL0 : STEP_RELABEL;
    }
    for (unsigned i = level0 + draining; i < root->runs; i++) {
        unsigned level = root->run[i].level;
        uint64_t most = most_run_pages(tree, root, i);
        uint64_t pages = art_pages_weighed(root, &root->run[i]), shadowed = root->run[i].shadowed,
                 size = shadowed > pages ? shadowed : pages;
        if (size <= most || level == LEVEL_LAST) continue;
        unsigned overdue = most ? (unsigned)(size * 10 / most) : 15;
        bool below = i + 1 < root->runs && root->run[i + 1].level == level + 1;
        if (!below) overdue = 1000; /* costs nothing */
        if (overdue <= *urgency) continue;
        *urgency = overdue;
        *at = i;
        step = below ? STEP_PARTIAL : STEP_RELABEL;
    }
    unsigned last = root->runs - 1;
    bool raise = root->runs && too_small(tree, root);
    if (raise && last && root->run[last - 1].level + 1 >= root->run[last].level) raise = false;
    if (!raise) return step;
    *at = last;
    assert(last < root->runs);
    return STEP_RAISE;
}

/* A level-0 run that begins behind the end of the run below it, and hides nothing there: may be given down at once. */
static enum art_rc appends(struct art_tree *tree, const struct art_root *root, bool *yes) {
    *yes = false;
    if (root->runs < 2 || root->run[0].level != 0 || root->run[1].level < LEVEL_FIRST) return ART_OK;
    const struct art_ref *upper = &root->run[0].top, *lower = &root->run[1].top;
    if (upper->count < 0 || (uint64_t)upper->count != upper->entries) return ART_OK;
    struct art_run_cursor cursor;
    struct art_buffer low = {0};
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    if (rc) return rc;
    art_run_cursor_reset(&cursor, upper, 0);
    rc = art_run_first(&cursor);
    if (!rc && cursor.valid) rc = art_run_separate(tree, lower, art_run_key(&cursor), &low);
    *yes = !rc && low.len;
    art_buffer_clear(&low);
    art_run_cursor_close(&cursor);
    return rc;
}

/* The next step, with all that it goes by. */
static enum art_rc find_step(struct art_tree *tree, struct art_root *root, enum step *step, unsigned *at) {
    unsigned urgency;
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < root->runs; i++) rc = art_run_know_hidden(tree, root, &root->run[i]);
    *step = rc ? STEP_NONE : next_step(tree, root, at, &urgency);
    return rc;
}

enum art_rc art_compact_due(struct art_tree *tree, bool *due) {
    enum step step;
    unsigned at;
    enum art_rc rc = find_step(tree, tree->root, &step, &at);
    *due = step != STEP_NONE;
    return rc;
}

static enum art_rc take_step(struct art_tree *tree, struct art_version_edit *edit, enum step step, unsigned at) {
    assert(step == STEP_NONE || at < edit->root->runs);
    switch (step) {
    case STEP_LEVEL0:
        return merge_runs(tree, edit, NULL, 0, level0_runs(edit->root), NULL);
    case STEP_PARTIAL:
        return art_compact_partially(tree, edit, at);
    case STEP_RELABEL:
        edit->root->run[at].level =
            edit->root->run[at].level == LEVEL_DRAINING ? LEVEL_FIRST : edit->root->run[at].level + 1;
        return ART_OK;
    case STEP_RAISE:
        edit->root->run[at].level--;
        return ART_OK;
    case STEP_NONE:
        break;
    }
    return ART_OK;
}

/* Of dead rows much is read and little written: that counts, too. */
static uint64_t work_done(const struct art_version_edit *edit) {
    uint64_t read = edit->pages_merged / 2;
    return edit->pages_written > read ? edit->pages_written : read;
}

/* A pause is what a commit grants to what others have left to be done; one step at least, for a disk that is slow. */
static bool has_paid(const struct art_tree *tree, uint64_t pages, uint64_t owed, uint64_t begun) {
    uint64_t most = art_tree_medium(tree)->pause_pages;
    return pages >= owed && (pages >= most || art_clock_ns() - begun >= ART_LIMIT(pause_ns));
}

static enum art_rc give_what_appends(struct art_tree *tree, struct art_version_edit *edit) {
    bool append;
    enum art_rc rc = appends(tree, edit->root, &append);
    while (!rc && append) {
        rc = art_compact_partially(tree, edit, 0);
        if (!rc) rc = appends(tree, edit->root, &append);
    }
    return rc;
}

/* Another number for a level costs nothing. By figures of a forged root one could lead to the other and back. */
static enum art_rc count_free_step(const struct art_tree *tree, enum step step, unsigned *steps) {
    enum { MOST = ART_RUNS_CAPACITY * (ART_RUN_LEVEL_LAST + 1) };
    *steps = step == STEP_RELABEL || step == STEP_RAISE ? *steps + 1 : 0;
    if (*steps <= MOST) return ART_OK;
    return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE, "the sizes of the runs fit no level");
}

enum art_rc art_compact_merge(struct art_tree *tree, struct art_version_edit *edit) {
    assert(tree->slots.use && edit->root);
    ART_INSTEAD(merge, tree, edit);
    uint64_t before = work_done(edit), begun = art_clock_ns(), owed = edit->root->owed;
    unsigned free_steps = 0;
    enum art_rc rc = give_what_appends(tree, edit);
    bool moved = true, paid = false;
    while (!rc && moved && !paid) {
        unsigned at;
        enum step step;
        rc = find_step(tree, edit->root, &step, &at);
        if (rc) break;
        if (step != STEP_NONE) {
            tree->count.merges++;
            rc = count_free_step(tree, step, &free_steps);
            if (!rc) rc = take_step(tree, edit, step, at);
            if (!rc) rc = art_tree_interrupted(tree);
        } else if (art_wants_small(tree)) {
            break;
        } else {
            rc = art_shrink_step(tree, edit, &moved);
        }
        paid = has_paid(tree, work_done(edit) - before, owed, begun);
    }
    unsigned level0 = level0_runs(edit->root);
    if (!rc && edit->root->runs > ART_RUNS_MAX && level0 > 1) rc = merge_runs(tree, edit, NULL, 0, level0, NULL);
    uint64_t done = work_done(edit) - before;
    edit->root->owed -= done < edit->root->owed ? done : edit->root->owed;
    return rc;
}

/* What 'vacuum' does not change. */
static uint64_t extent_of(const struct art_run *run) {
    return run->top.entries ^ run->pages << 20 ^ run->blobs << 40;
}

/* Would it hardly be a blob less if it were written anew? The last leaf is not full, nor is an index. Blobs may also
 * have room that postings could have taken: then it is known only of a run that was written anew. */
static bool is_packed(const struct art_tree *tree, const struct art_run *run) {
    return extent_of(run) == tree->rewritten ||
           run->pages * 10 > (run->blobs - 1 - run->top.height) * art_tree_full_pages(tree) * 9;
}

/* How many blobs of the edit's root do snapshots hold? */
static uint32_t shared_with_snapshots(const struct art_tree *tree, const struct art_version_edit *edit) {
    const struct art_slot_set *held = &tree->slots.held;
    return art_slot_set_count(held, 0, UINT32_MAX) - art_slot_set_count_others(held, &edit->used, 0);
}

/* Between two blobs of a walk that nobody else hears. */
static enum art_rc relax_and_listen(struct art_tree *tree) {
    art_store_relax(tree->store); /* the blobs on the cursors' ways are held */
    return art_tree_interrupted(tree);
}

struct cleanness {
    struct art_tree *tree;
    uint64_t generation; /* of blobs that the edit has written, without leftovers */
    bool clean;
};

static enum art_rc look_into_hole(void *context, const struct art_ref *ref) {
    struct cleanness *cleanness = context;
    if (!cleanness->clean || ref->generation == cleanness->generation) return ART_OK;
    enum art_rc rc = relax_and_listen(cleanness->tree);
    return rc ? rc : art_store_hole_is_clean(cleanness->tree->store, ref, &cleanness->clean);
}

/* Does each separator of this height begin a key? Children that came to the place of others have theirs. */
static enum art_rc look_at_separators(struct art_tree *tree, const struct art_run *run, unsigned height, bool *own) {
    struct art_run_cursor child, row = {0};
    enum art_rc rc = art_run_cursor_open(&child, tree->store);
    if (!rc) rc = art_run_cursor_open(&row, tree->store);
    if (!rc) art_run_cursor_reset(&child, &run->top, height);
    if (!rc) art_run_cursor_reset(&row, &run->top, 0);
    if (!rc) rc = art_run_first(&child);
    while (!rc && *own && child.valid) {
        rc = art_run_seek_ge(&row, art_run_key(&child));
        *own = row.valid && art_bytes_starts_with(art_run_key(&row), art_run_key(&child));
        if (!rc) rc = relax_and_listen(tree);
        if (!rc) rc = art_run_next(&child);
    }
    art_run_cursor_close(&row);
    art_run_cursor_close(&child);
    return rc;
}

/* Would writing the only run anew change anything? It may have blobs from before there was a codec; and what is to be
 * overwritten may lie in the holes of its blobs, and be separators, too. What it shares with snapshots stays. */
static enum art_rc is_in_order(struct art_tree *tree, const struct art_version_edit *edit, bool *yes) {
    const struct art_run *run = &edit->root->run[0];
    struct cleanness cleanness = {tree, edit->root->generation, true};
    enum art_rc rc = ART_OK;
    *yes = is_packed(tree, run) && (edit->root->all_blocks || !art_codec());
    if (!*yes || tree->txn.leftovers == ART_LEFTOVERS_STAY) return ART_OK;
    if (tree->txn.leftovers >= ART_LEFTOVERS_ZEROED)
        rc = art_run_each_ref(tree->store, run, look_into_hole, &cleanness);
    *yes = cleanness.clean;
    if (shared_with_snapshots(tree, edit)) return rc;
    for (unsigned height = run->top.height; !rc && *yes && height; height--)
        rc = look_at_separators(tree, run, height, yes);
    return rc;
}

/* No leaf blob of an earlier generation has a row any more. */
static enum art_rc end_cuts(struct art_root *root) {
    static const uint8_t rows[] = {ART_SPACE_ROWS}, behind[] = {ART_SPACE_ROWS + 1};
    if (!root->cuts.len) return ART_OK;
    return art_cuts_add(&root->cuts, art_bytes(rows, 1), art_bytes(behind, 1), root->generation - 1);
}

/* One run of all, in which blobs of the last one stay where nothing falls into them. */
static enum art_rc merge_into_last(struct art_tree *tree, struct art_version_edit *edit,
                                   struct art_memtable *memtable) {
    unsigned upper = edit->root->runs - 1;
    enum art_rc rc = ART_OK;
    if (upper)
        rc = merge_runs(tree, edit, memtable, 0, upper, NULL);
    else if (art_memtable_keys(memtable))
        rc = flush_into_new(tree, edit, memtable, true);
    while (!rc && edit->root->runs > 1) {
        rc = art_compact_partially(tree, edit, 0);
        if (!rc) rc = art_tree_interrupted(tree);
    }
    return rc;
}

static enum art_rc write_all_anew(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable) {
    struct art_root *root = edit->root;
    enum art_rc rc = end_cuts(root);
    if (!rc && !root->runs) return flush_into_new(tree, edit, memtable, true);
    if (!rc) rc = merge_runs(tree, edit, memtable, 0, root->runs, NULL);
    if (!rc && root->runs == 1) tree->rewritten = extent_of(&root->run[0]);
    return rc;
}

/* What snapshots hold takes its room in any case, so as much of it as can be stays in the table. Then older leaf blobs
 * have rows, and the list of cuts goes on. */
enum art_rc art_compact_all(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable) {
    assert(tree->slots.use && edit->root);
    struct art_root *root = edit->root;
    bool one = root->runs == 1 && !art_memtable_keys(memtable), in_order = false;
    enum art_rc rc = ART_OK;
    bool shares = !one && shared_with_snapshots(tree, edit);
    if (shares) {
        rc = merge_into_last(tree, edit, memtable);
        if (rc || !root->runs) return rc;
        one = true;
        memtable = NULL;
    }
    if (one) rc = is_in_order(tree, edit, &in_order);
    if (!rc && shares && in_order) tree->count.shared += shared_with_snapshots(tree, edit);
    return rc || in_order ? rc : write_all_anew(tree, edit, memtable);
}

enum art_rc art_compact_rewrite(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable *memtable,
                                const struct art_rewrite *rewrite) {
    return merge_runs(tree, edit, memtable, 0, edit->root->runs, rewrite);
}
