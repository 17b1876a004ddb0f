/* Giving space back, a little with every merge: the blobs at the file's end move into free slots before them, and what
 * is free at the end is cut off.
 *
 *     slots  | used used free used free used used    used    |     two blobs move down ...
 *            | used used USED used USED free retired retired |     ... their old slots are retired until no reader
 *            | used used used used used |                              stands on them, and are cut off by a later
 *                                                                      commit.
 *
 * Where much is free, commits go on with that after the last merge, as long as each of them gains something; the next
 * merges extend the file again.
 *
 * One blob moves at a time, as vacuum.c moves all. Merges do the rest: what is written goes to the lowest free slot.
 *
 * What snapshots hold (held.c) is in use, too, and does not move. Where it is the last in the file, there is nothing to
 * be gained, and the file cannot be cut. Then free slots below become holes of the file, but for those that the next
 * merges take: twice as many a commit as a merge of one pause frees. Nobody notes which are holes, so each commit takes
 * another part of the free ones.
 *
 * A transaction that spills may write behind the file's end only, until its commit. So its commit moves, beyond what it
 * owes, what it has put there.
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

/* By the edit's root or by snapshots. */
static uint32_t slots_in_use(const struct art_tree *tree, const struct art_version_edit *edit) {
    uint32_t own = art_slot_set_count(&edit->used, 0, UINT32_MAX);
    return own + art_slot_set_count_others(&tree->slots.held, &edit->used, 0);
}

enum art_rc art_shrink_step(struct art_tree *tree, struct art_version_edit *edit, bool *moved) {
    assert(tree->slots.use && edit->root);
    *moved = false;
    if (tree->slots.use != ART_SLOTS_REUSED || !art_tree_medium(tree)->is_cut) return ART_OK;
    uint32_t count = slots_in_use(tree, edit), highest = art_slot_set_highest(&edit->used);
    if (highest <= count + art_slots_slack(count)) return ART_OK;
    enum art_rc rc = art_vacuum(tree, edit, 1);
    *moved = !rc && art_slot_set_highest(&edit->used) < highest;
    return rc;
}

enum art_rc art_shrink_own(struct art_tree *tree, struct art_version_edit *edit) {
    assert(tree->slots.use && edit->root);
    uint32_t count = slots_in_use(tree, edit), from = count + art_slots_slack(count) + 1;
    if (from < tree->slots.end) from = tree->slots.end;
    uint32_t own = art_slot_set_count(&edit->used, from, UINT32_MAX);
    return own ? art_vacuum(tree, edit, own) : ART_OK;
}

static uint32_t higher(uint32_t slot, const struct art_slot_set *set) {
    uint32_t other = art_slot_set_highest(set);
    return other > slot ? other : slot;
}

/* `end`: of the file, which need not have more than `most` slots. */
static enum art_slack slack_of(const struct art_tree *tree, uint32_t end, uint32_t most) {
    enum { LARGE_PART = 2 }; /* as many as a merge writes in one pause */
    if (end > most + most / LARGE_PART + ART_LIMIT(slack_pages) / art_tree_full_pages(tree)) return ART_SLACK_LARGE;
    return end > most ? ART_SLACK_LOOSE : ART_SLACK_USUAL;
}

enum art_rc art_shrink_cut(struct art_tree *tree, const struct art_version_edit *edit) {
    assert(tree->slots.use && edit->root);
    if (!art_tree_medium(tree)->is_cut) return ART_OK;
    uint32_t count = slots_in_use(tree, edit), end = art_store_end(tree->store);
    uint32_t most = 1 + count + (art_wants_small(tree) ? 0 : art_slots_slack(count));
    if (most <= art_slot_set_highest(&tree->slots.held)) most = 1 + art_slot_set_highest(&tree->slots.held);
    tree->pending.slack = slack_of(tree, end, most);
    if (tree->slots.use != ART_SLOTS_REUSED || tree->txn.savepoint_count) return ART_OK;
    uint32_t last = art_slot_set_highest(&edit->used); /* that anything may need */
    last = higher(last, &tree->slots.used);
    last = higher(last, &tree->slots.base);
    if (tree->slots.retired.state != ART_RETIRED_FREE) last = higher(last, &tree->slots.retired.slots);
    if (end <= last + 1 || end <= most) return ART_OK;
    tree->pending.slack = slack_of(tree, last + 1, most);
    assert(last + 1 < end);
    tree->pending.slots_cut = last + 1 < tree->slots.end ? tree->slots.end - (last + 1) : 0;
    return art_store_truncate(tree->store, last + 1);
}

void art_shrink_punch(struct art_tree *tree, const struct art_version_edit *edit) {
    assert(tree->slots.use && edit->root);
    const struct art_medium *medium = art_tree_medium(tree);
    if (tree->slots.use != ART_SLOTS_REUSED || !medium->is_cut || !art_slot_set_highest(&tree->slots.held)) return;
    bool all = art_wants_small(tree);
    uint32_t few = all ? 0 : art_slots_slack(slots_in_use(tree, edit));
    uint32_t most = all ? UINT32_MAX : 1 + (2 * medium->pause_pages - 1) / art_tree_full_pages(tree);
    tree->count.punched += art_store_punch(tree->store, few, most, edit->root->generation);
}
