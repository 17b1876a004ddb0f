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
 * A leaf blob is moved by building it again; the index blobs above it are written anew with it and so move down too.
 * Merges do the rest: whatever is written goes to the lowest free slot. vacuum.c does it all at once.
 */
#include "core/tree/run/run.h"

struct highest {
    unsigned run;
    uint32_t slot; /* of the leaf, or of an index blob above it, whichever is higher */
    struct art_ref ref;
    struct art_buffer separator, next; /* of the leaf, and of the one behind it */
    bool last;                         /* nothing behind it */
    bool found;
};

static uint32_t highest_on_path(const struct art_run_cursor *cursor, const struct art_ref *leaf, unsigned top) {
    uint32_t slot = leaf->slot;
    for (unsigned level = 1; level <= top; level++) {
        if (cursor->path[level]->slot > slot) slot = cursor->path[level]->slot;
    }
    return slot;
}

/* The leaf blob that is, or is below, the one with the highest slot number of all runs. Its label is not kept. */
static enum art_rc find_highest(struct art_tree *tree, const struct art_root *root, struct highest *out) {
    struct art_run_cursor cursor;
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    for (unsigned i = 0; !rc && i < root->runs; i++) {
        const struct art_run *run = &root->run[i];
        if (run->top.level == 0) {
            if (out->found && run->top.slot <= out->slot) continue;
            out->run = i;
            out->slot = run->top.slot;
            out->ref = run->top;
            out->last = out->found = true;
            rc = art_buffer_set_key(&out->separator, art_bytes(NULL, 0));
            continue;
        }
        bool waiting = false; /* for the separator behind the best so far */
        art_run_cursor_reset(&cursor, &run->top, 1);
        for (rc = art_run_first(&cursor); !rc && cursor.valid; rc = art_run_next(&cursor)) {
            struct art_ref ref;
            if (waiting) rc = art_buffer_set_key(&out->next, art_run_key(&cursor));
            if (waiting) out->last = waiting = false;
            if (!rc) rc = art_blob_cursor_ref(&cursor.leaf, &ref);
            if (rc) break;
            uint32_t slot = highest_on_path(&cursor, &ref, run->top.level);
            if (out->found && slot <= out->slot) continue;
            out->run = i;
            out->slot = slot;
            out->ref = ref;
            out->found = out->last = waiting = true;
            rc = art_buffer_set_key(&out->separator, art_run_key(&cursor));
            if (rc) break;
        }
    }
    art_run_cursor_close(&cursor);
    return rc;
}

enum art_rc art_leaf_build_again(struct art_tree *tree, struct art_version_edit *edit, const struct art_run *run,
                                 struct art_bytes separator, const struct art_ref *leaf, bool filter,
                                 struct art_children *out) {
    struct art_run_cursor cursor;
    struct art_run_build *build = NULL;
    uint64_t left = leaf->entries;
    enum art_rc rc = art_run_cursor_open(&cursor, tree->store);
    if (!rc) rc = art_run_build_open(&build, tree, edit, filter, 0, false);
    if (!rc) {
        art_run_cursor_reset(&cursor, &run->top, 0);
        rc = separator.len ? art_run_seek_ge(&cursor, separator) : art_run_first(&cursor);
    }
    while (!rc && cursor.valid && left--) {
        struct art_entry entry;
        art_blob_cursor_entry(&cursor.leaf, &entry);
        rc = art_run_build_add(build, art_run_key(&cursor), &entry);
        if (!rc) rc = art_run_next(&cursor);
    }
    if (!rc) rc = art_run_build_children(build, out);
    art_run_build_close(build);
    art_run_cursor_close(&cursor);
    return rc;
}

/* Is there a free slot below this one? */
static enum art_rc room_below(struct art_tree *tree, struct art_version_edit *edit, uint32_t slot, bool *room) {
    uint32_t lowest;
    enum art_rc rc = art_slots_take(tree, edit, &lowest);
    if (rc) return rc;
    *room = lowest < slot;
    art_slots_drop(tree, edit, lowest);
    return ART_OK;
}

enum art_rc art_shrink_step(struct art_tree *tree, struct art_version_edit *edit, bool *moved) {
    *moved = false;
    if (!tree->slots.reuse || art_store_discards(tree->store)) return ART_OK;
    uint32_t count = art_slot_set_count(&edit->used, 0, UINT32_MAX);
    if (art_slot_set_highest(&edit->used) <= count + art_slots_slack(count)) return ART_OK;
    struct highest leaf = {0};
    struct art_children fresh = {0};
    struct art_run run = {0};
    bool room = false;
    enum art_rc rc = find_highest(tree, edit->root, &leaf);
    if (!rc && leaf.found) rc = room_below(tree, edit, leaf.slot, &room);
    if (!rc && room) {
        const struct art_run *old = &edit->root->run[leaf.run];
        struct art_bytes next = leaf.last ? art_bytes(NULL, 0) : art_buffer_bytes(&leaf.next);
        bool filter = leaf.run + 1 < edit->root->runs;
        rc = art_leaf_build_again(tree, edit, old, art_buffer_bytes(&leaf.separator), &leaf.ref, filter, &fresh);
        if (!rc) rc = art_run_splice(tree, edit, old, art_buffer_bytes(&leaf.separator), next, false, &fresh, &run);
        if (!rc) rc = art_root_replace_run(edit->root, leaf.run, &run);
        *moved = !rc;
    }
    art_run_clear(&run);
    art_children_clear(&fresh);
    art_buffer_clear(&leaf.separator);
    art_buffer_clear(&leaf.next);
    return rc;
}

static uint32_t higher(uint32_t slot, const struct art_slot_set *set) {
    uint32_t other = art_slot_set_highest(set);
    return other > slot ? other : slot;
}

/* `end`: of the file, which need not have more than `most` slots. */
static void note_loose(struct art_tree *tree, uint32_t end, uint32_t most) {
    enum { LARGE_PAGES = 1024, LARGE_PART = 2 }; /* as many as a merge writes in one pause */
    tree->pending.loose = end > most;
    tree->pending.large = end > most + most / LARGE_PART + LARGE_PAGES / art_tree_full_pages(tree);
}

enum art_rc art_shrink_cut(struct art_tree *tree, const struct art_version_edit *edit) {
    if (art_store_discards(tree->store)) return ART_OK; /* each slot by itself */
    uint32_t count = art_slot_set_count(&edit->used, 0, UINT32_MAX), end = art_store_end(tree->store);
    uint32_t most = 1 + count + (art_wants_small(tree) ? 0 : art_slots_slack(count));
    note_loose(tree, end, most);
    if (!tree->slots.reuse || tree->txn.savepoint_count) return ART_OK;
    uint32_t last = art_slot_set_highest(&edit->used); /* that anything may need */
    last = higher(last, &tree->slots.used);
    last = higher(last, &tree->slots.base);
    if (!tree->slots.retired.freed) last = higher(last, &tree->slots.retired.slots);
    if (end <= last + 1 || end <= most) return ART_OK;
    note_loose(tree, last + 1, most);
    tree->pending.gained = last + 1 < tree->slots.end;
    return art_store_truncate(tree->store, last + 1);
}
