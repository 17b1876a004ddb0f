/* Blobs move from the file's end to free slots before it: all that can ('vacuum'), or a few.
 *
 *     slots   | used free free used free used used used |       four used, three of them behind `end`
 *             | used NEW  NEW  used NEW   -    -    -   |       now: the old ones are still the base's
 *                                   ^ end
 *
 * `end` is as low as the free slots allow: before it there must be room for every blob that lies behind it, and for the
 * index blobs that have to name them anew. One walk through each run then copies the leaf blobs that lie behind `end`
 * as they are, a range of neighbours at a time, and puts them into the run together with those between them that stay.
 * So an index blob of which many children move is written once.
 *
 * What a snapshot holds stays where it is (held.c): its old place would not become free.
 *
 * The old places are free, and cut off, in a later transaction: for the smallest file a caller goes on until nothing
 * changes (ext/admin/vacuum.c). A free slot may be a hole of the file, so on a full disk only some blobs move at a time
 * (room.c).
 */
#include "core/base/limits.h"
#include "core/tree/run/run.h"

static enum art_rc note_index(void *context, const struct art_ref *ref) {
    return ref->height ? art_slot_set_add(context, ref->slot) : ART_OK;
}

/* Does this slot's blob lie behind `end`, and is nobody's but the edit's? */
static bool slot_moves(const struct art_tree *tree, uint32_t slot, uint32_t end) {
    return slot >= end && !art_slot_set_has(&tree->slots.held, slot);
}

/* Each one that moves has as many index blobs over it as its run is high. */
static bool room_before(const struct art_tree *tree, const struct art_version_edit *edit,
                        const struct art_slot_set *index, uint32_t end, uint32_t most) {
    uint64_t moved = art_slot_set_count_others(&edit->used, &tree->slots.held, end),
             named = art_slot_set_count(index, 0, end);
    unsigned height = 0;
    for (unsigned i = 0; i < edit->root->runs; i++)
        if (edit->root->run[i].top.height > height) height = edit->root->run[i].top.height;
    uint64_t over = moved * height;
    return moved <= most && moved + (over < named ? over : named) <= art_store_free_slots(tree->store, end);
}

/* Behind all slots that are used when there is no room to move anything. */
static enum art_rc choose_end(struct art_tree *tree, const struct art_version_edit *edit, uint32_t most,
                              uint32_t *end) {
    struct art_slot_set index = {0};
    enum art_rc rc = ART_OK;
    for (unsigned i = 0; !rc && i < edit->root->runs; i++) {
        rc = art_run_each_ref(tree->store, &edit->root->run[i], note_index, &index);
    }
    uint32_t low = 1, high = art_slot_set_highest(&edit->used) + 1;
    while (!rc && low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (room_before(tree, edit, &index, middle, most))
            high = middle;
        else
            low = middle + 1;
    }
    *end = low;
    assert(low);
    art_slot_set_clear(&index);
    return rc;
}

/* --- one range of a run ------------------------------------------------------------------------------------------ */

struct moved_range {
    struct art_children children; /* as they shall be */
    struct art_slot_set left;     /* slots of leaf blobs that were built again */
    struct art_buffer low, next;  /* separators: of its first child, of the first one behind it */
    bool to_end;
    uint32_t staying; /* of its last children, those that stay */
};

/* Must the leaf blob under the cursor move, or an index blob over it? */
static bool must_move(const struct art_tree *tree, const struct art_run_cursor *cursor, const struct art_run *run,
                      const struct art_ref *leaf, uint32_t end) {
    assert(leaf->slot && cursor->bottom == 1);
    bool yes = slot_moves(tree, leaf->slot, end);
    for (unsigned height = 1; height <= run->top.height; height++)
        yes |= slot_moves(tree, cursor->path[height]->slot, end);
    return yes;
}

/* One more child: the leaf blob where it is, or in another slot. */
static enum art_rc add_leaf(struct art_tree *tree, struct art_version_edit *edit, struct art_bytes separator,
                            const struct art_ref *leaf, uint32_t end, struct moved_range *range) {
    struct art_children *all = &range->children;
    struct art_ref moved = *leaf;
    enum art_rc rc = ART_OK;
    if (slot_moves(tree, leaf->slot, end)) {
        rc = art_slot_set_add(&range->left, leaf->slot);
        if (!rc) rc = art_edit_move(tree, edit, leaf, &moved);
        if (!rc) rc = art_tree_interrupted(tree);
    }
    all->blobs++;
    all->pages += art_ref_pages(leaf);
    return rc ? rc : art_children_add(all, separator, &moved);
}

static bool is_long_enough(const struct moved_range *range) {
    const struct art_children *children = &range->children;
    return children->count >= ART_LIMIT(vacuum_leaves) || children->bytes >= ART_LIMIT(vacuum_bytes) ||
           range->staying >= ART_LIMIT(vacuum_staying);
}

/* From the first leaf blob at or behind `from` that must move, or whose index must, on to the run's end or until the
 * range is long enough. */
static enum art_rc gather_range(struct art_tree *tree, struct art_version_edit *edit, unsigned at, uint32_t end,
                                const struct art_buffer *from, struct moved_range *range) {
    assert(edit->root->run[at].top.height);
    const struct art_run *run = &edit->root->run[at];
    struct art_run_cursor cursor;
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    if (rc) return rc;
    art_run_cursor_reset(&cursor, &run->top, 1);
    rc = from->len ? art_run_seek_ge(&cursor, art_buffer_bytes(from)) : art_run_first(&cursor);
    for (; !rc && cursor.valid; rc = art_run_next(&cursor)) {
        struct art_bytes separator = art_run_key(&cursor);
        struct art_ref leaf;
        rc = art_blob_cursor_ref(&cursor.leaf, &leaf);
        bool begins = !range->children.count, moves = !rc && must_move(tree, &cursor, run, &leaf, end);
        if (!rc && is_long_enough(range)) {
            range->to_end = false;
            rc = art_buffer_set_key(&range->next, separator);
            break;
        }
        if (!rc && begins && !moves) continue;
        range->staying = moves ? 0 : range->staying + 1;
        if (!rc && begins) rc = art_buffer_set_key(&range->low, separator);
        if (!rc) rc = add_leaf(tree, edit, separator, &leaf, end, range);
        if (rc) break;
    }
    art_run_cursor_close(&cursor);
    return rc;
}

/* Moves one range of run `at`; *from: where the next one may begin. */
static enum art_rc move_range(struct art_tree *tree, struct art_version_edit *edit, unsigned at, uint32_t end,
                              struct art_buffer *from, bool *more) {
    assert(at < edit->root->runs);
    const struct art_run *run = &edit->root->run[at];
    struct moved_range range = {.to_end = true};
    struct art_run moved = {0};
    enum art_rc rc;
    if (run->top.height)
        rc = gather_range(tree, edit, at, end, from, &range);
    else
        rc = !slot_moves(tree, run->top.slot, end) ? ART_OK
                                                   : add_leaf(tree, edit, art_bytes(NULL, 0), &run->top, end, &range);
    *more = !range.to_end;
    if (!rc && range.children.count) {
        struct art_bytes high = range.to_end ? art_bytes(NULL, 0) : art_buffer_bytes(&range.next);
        rc = art_run_splice(tree, edit, run, art_buffer_bytes(&range.low), high, true, &range.children, &moved);
        if (!rc) rc = art_root_replace_run(edit->root, at, &moved);
    }
    for (uint32_t slot = rc ? UINT32_MAX : art_slot_set_next(&range.left, 0); slot != UINT32_MAX;
         slot = art_slot_set_next(&range.left, slot + 1)) {
        art_slots_drop(tree, edit, slot);
    }
    if (!rc && *more) rc = art_buffer_set_key(from, art_buffer_bytes(&range.next));
    art_run_clear(&moved);
    art_children_clear(&range.children);
    art_slot_set_clear(&range.left);
    art_buffer_clear(&range.low);
    art_buffer_clear(&range.next);
    return rc;
}

enum art_rc art_vacuum(struct art_tree *tree, struct art_version_edit *edit, uint32_t most) {
    assert(tree->slots.use && edit->root);
    ART_DURING(ART_EVENT_VACUUM);
    uint32_t end;
    struct art_buffer from = {0};
    uint32_t highest = art_slot_set_highest(&edit->used);
    if (tree->slots.use != ART_SLOTS_REUSED || !art_tree_medium(tree)->is_cut)
        return ART_OK;                                                     /* no slot takes room but by its blob */
    if (highest <= art_slot_set_highest(&tree->slots.held)) return ART_OK; /* the file's end stays where it is */
    enum art_rc rc = choose_end(tree, edit, most, &end);
    if (rc || end > highest) return rc;
    for (unsigned at = 0; !rc && at < edit->root->runs; at++) {
        from.len = 0;
        for (bool more = true; more && !rc;) rc = move_range(tree, edit, at, end, &from, &more);
    }
    art_buffer_clear(&from);
    return rc;
}
