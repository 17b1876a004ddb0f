/* How much of the last run is dead: rows that a newer run replaces or deletes, and that take space until both are
 * merged.
 *
 *     newer run   [ d d d d d d . . .        a a ]        d  deletes, 15 bytes each
 *     last run    [ R R R ][ R R R ][ R R R ][ R R R ]    R  rows, 1000 bytes each: here two blobs are dead
 *
 * A run with `e` entries of weight `w` in a range hides e - max(w, 0) rows there at most: an entry that hides none is a
 * new row and weighs 1. The references and footers of the newer run tell both for any range, to a bucket. So a leaf
 * blob of the last run, or some neighbours where there are many, are dead in that part of their entries, and their
 * pages count in that part.
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

enum { CARRIED_MOST = 128 /* a bucket has no more entries */ };
/* The memtable may hide an eighth of the last run, or 16 MB: that is freed by a flush and merges at the earliest. */
enum { MEMTABLE_PART = 8, OUTDATED_PART = 16 };
enum { LEFT_PART = 4 }; /* each run may hide an eighth of the last one, and the next one less by far */

/* Sums over the entries of a run before a key, for keys that rise. */
struct running_sums {
    struct art_tree *tree;
    struct art_run_cursor next; /* the leaf blob behind `leaf` */
    bool more;
    struct art_ref leaf;
    struct art_buffer label; /* what it borrows its label from */
    uint64_t entries;        /* of the leaf blobs before `leaf` */
    int64_t weights;
};

static enum art_rc take_leaf_sums(struct running_sums *before) {
    assert(before->next.valid);
    enum art_rc rc = art_blob_cursor_ref(&before->next.leaf, &before->leaf);
    if (!rc) rc = art_buffer_set_key(&before->label, before->leaf.label);
    before->leaf.label = art_buffer_bytes(&before->label);
    before->leaf.summed = NULL;
    if (!rc) rc = art_run_next(&before->next);
    before->more = !rc && before->next.valid;
    return rc;
}

static enum art_rc before_open(struct running_sums *before, struct art_tree *tree, const struct art_run *run) {
    *before = (struct running_sums){.tree = tree, .leaf = run->top};
    enum art_rc rc = art_run_cursor_open(&before->next, tree->store);
    if (rc || !run->top.height) return rc;
    art_run_cursor_reset(&before->next, &run->top, 1);
    rc = art_run_first(&before->next);
    return rc ? rc : take_leaf_sums(before);
}

static enum art_rc before_key(struct running_sums *before, struct art_bytes key, uint64_t *entries, int64_t *weights) {
    enum art_rc rc = ART_OK;
    while (!rc && before->more && art_bytes_compare(art_run_key(&before->next), key) <= 0) {
        before->entries += before->leaf.entries;
        before->weights = (int64_t)((uint64_t)before->weights + (uint64_t)before->leaf.count);
        rc = take_leaf_sums(before);
    }
    struct art_blob *blob;
    uint32_t inside = 0;
    int64_t sum = 0;
    int side = art_label_compare(before->leaf.label, key);
    if (!rc && side > 0) {
        inside = (uint32_t)before->leaf.entries;
        sum = before->leaf.count;
    } else if (!rc && !side) {
        rc = art_store_blob(before->tree->store, &before->leaf, &blob);
        if (!rc) rc = art_blob_before(blob, key, &inside, &sum);
    }
    *entries = before->entries + inside;
    *weights = (int64_t)((uint64_t)before->weights + (uint64_t)sum);
    return rc;
}

static uint64_t hidden_rows(uint64_t entries, int64_t weights) {
    uint64_t new_rows = weights > 0 ? (uint64_t)weights : 0;
    return entries > new_rows ? entries - new_rows : 0;
}

/* Neighbouring leaf blobs of the last run. */
struct group {
    uint64_t entries, pages;
    uint64_t carried; /* rows that a bucket at the edge hides, and that are not in the group before */
};

static uint64_t dead_pages(struct group *group, uint64_t hidden) {
    hidden += group->carried;
    uint64_t excess = hidden > group->entries ? hidden - group->entries : 0;
    group->carried = excess < CARRIED_MOST ? excess : CARRIED_MOST;
    return excess || !group->entries ? group->pages : group->pages * hidden / group->entries;
}

/* Adds up to `blobs` leaf blobs from the cursor on, which stands on the next one then. */
static enum art_rc gather_group(struct art_run_cursor *leaves, uint64_t blobs, struct group *group) {
    assert(blobs);
    enum art_rc rc = ART_OK;
    group->entries = group->pages = 0;
    for (; !rc && leaves->valid && blobs; blobs--) {
        struct art_ref leaf;
        rc = art_blob_cursor_ref(&leaves->leaf, &leaf);
        group->entries += leaf.entries;
        group->pages += art_ref_pages(&leaf);
        if (!rc) rc = art_run_next(leaves);
    }
    return rc;
}

static enum art_rc ask_groups(struct art_tree *tree, const struct art_run *upper, const struct art_run *last,
                              uint64_t *pages) {
    assert(last->top.height);
    struct running_sums before;
    struct art_run_cursor leaves = {0};
    struct group group = {0};
    uint64_t from = 0, to;
    int64_t low = 0, high;
    enum art_rc rc = before_open(&before, tree, upper);
    if (!rc) rc = art_run_cursor_open(&leaves, tree->store);
    if (!rc) {
        art_run_cursor_reset(&leaves, &last->top, 1);
        rc = art_run_first(&leaves);
    }
    while (!rc && leaves.valid) {
        rc = gather_group(&leaves, last->blobs / ART_LIMIT(hidden_groups) + 1, &group);
        to = upper->top.entries;
        high = upper->top.count;
        if (!rc && leaves.valid) rc = before_key(&before, art_run_key(&leaves), &to, &high);
        if (!rc) *pages += dead_pages(&group, hidden_rows(to - from, (int64_t)((uint64_t)high - (uint64_t)low)));
        from = to;
        low = high;
    }
    art_run_cursor_close(&leaves);
    art_run_cursor_close(&before.next);
    art_buffer_clear(&before.label);
    return rc;
}

/* Has the last run become much larger or smaller since? */
static bool is_outdated(const struct art_run *run, const struct art_run *last) {
    uint64_t a = run->shadowed_of, b = last->pages;
    return (a > b ? a - b : b - a) > a / OUTDATED_PART;
}

/* What is damaged is found where it is merged: an estimate fails nothing for it. Any other error may be that of a write
 * that was still under way, which nobody else is told. */
enum art_rc art_run_know_hidden(struct art_tree *tree, const struct art_root *root, struct art_run *run) {
    assert(root->runs && run >= root->run && run < root->run + root->runs);
    const struct art_run *last = &root->run[root->runs - 1];
    uint64_t rows = hidden_rows(run->top.entries, run->top.count);
    enum art_rc rc = ART_OK;
    if (run != last && run->shadowed_known && !is_outdated(run, last)) return ART_OK;
    run->shadowed = 0;
    run->shadowed_of = last->pages;
    struct group only = {.entries = last->top.entries, .pages = last->pages};
    if (run != last && rows && !last->top.height) run->shadowed = dead_pages(&only, rows);
    if (run != last && rows && last->top.height) rc = ask_groups(tree, run, last, &run->shadowed);
    if (rc == ART_CORRUPT) rc = ART_OK;
    run->shadowed_known = !rc;
    return rc;
}

enum art_rc art_runs_hide_much(struct art_tree *tree, struct art_root *root, uint32_t *slots) {
    uint64_t hidden = 0, last = root->runs ? root->run[root->runs - 1].pages : 0;
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i + 1 < root->runs; i++) {
        rc = art_run_know_hidden(tree, root, &root->run[i]);
        hidden += root->run[i].shadowed;
    }
    *slots = !rc && hidden > last / LEFT_PART ? (uint32_t)(hidden / art_tree_full_pages(tree)) : 0;
    return rc;
}

bool art_memtable_shadows_much(const struct art_tree *tree) {
    const struct art_root *root = tree->root;
    uint64_t rows = hidden_rows(art_memtable_keys(tree->memtable), art_memtable_count(tree->memtable));
    if (!root->runs || !rows) return false;
    const struct art_run *last = &root->run[root->runs - 1];
    uint64_t share = last->pages / MEMTABLE_PART, least = (uint64_t)ART_LIMIT(hidden_blobs) * art_tree_full_pages(tree);
    return rows * last->pages / last->top.entries > (share > least ? share : least);
}
