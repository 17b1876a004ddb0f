/* Savepoints of the running transaction: a stack of marks.
 *
 * As long as nothing was spilled, a mark is a position in the memtable's undo list. When the transaction spills, the
 * memtable that the positions belong to goes to disk as a run; each mark then keeps its root and an image of the memtable
 * at its state (spill.c), and the state at the transaction's beginning is what the host's log says. Marks may be set
 * before the first change: they then stand for the beginning.
 */
#include "core/tree/txn/txn.h"

static void mark_clear(struct art_mark *mark) {
    art_root_unref(mark->root);
    art_slot_set_clear(&mark->used);
    art_free(mark->image);
    *mark = (struct art_mark){0};
}

/* Slots that only the dropped marks named may be written again at once. */
void art_marks_clear(struct art_tree *tree, uint32_t from) {
    while (tree->txn.mark_count > from) {
        struct art_mark *mark = &tree->txn.marks[--tree->txn.mark_count];
        struct art_slot_set used = mark->used;
        mark->used = (struct art_slot_set){0};
        if (tree->slots.writing) art_slots_return(tree, &used, &tree->slots.used);
        for (uint32_t i = 0; i < mark->image_slots && tree->slots.writing && !tree->options.inlined; i++) {
            art_store_return_slot(tree->store, mark->image[i]);
        }
        art_slot_set_clear(&used);
        mark_clear(mark);
    }
}

int art_tree_mark(struct art_tree *tree, uint32_t *out) {
    if (art_tree_inside(tree)) return art_fail(ART_MISUSE, "art: a savepoint was set while a blob was on its way");
    art_rows_catch_up(tree);
    if (tree->txn.mark_count == tree->txn.mark_capacity) {
        uint32_t capacity = tree->txn.mark_capacity ? 2 * tree->txn.mark_capacity : 8;
        struct art_mark *more = art_resize(tree->txn.marks, capacity * sizeof *more);
        if (!more) return art_nomem();
        tree->txn.marks = more;
        tree->txn.mark_capacity = capacity;
    }
    struct art_mark mark = {.beginning = true, .big = tree->txn.big, .moved = tree->before.moved};
    if (tree->txn.active && !tree->unknown) { /* else nothing has been changed yet, or all of it was taken back */
        mark.undo = art_memtable_mark(tree->memtable);
        mark.root = art_root_ref(tree->root);
        mark.beginning = !tree->txn.spilled && !art_memtable_dirty(tree->memtable);
    }
    *out = tree->txn.mark_count;
    tree->txn.marks[tree->txn.mark_count++] = mark;
    return ART_OK;
}

void art_tree_drop_marks(struct art_tree *tree, uint32_t from) {
    if (art_tree_inside(tree)) return;
    art_rows_catch_up(tree);
    art_marks_clear(tree, from);
}

/* The state at the beginning: undone in memory, or read again from the log. */
static void to_beginning(struct art_tree *tree) {
    tree->txn.big = false;
    if (!tree->txn.spilled) {
        art_memtable_rollback(tree->memtable, 0);
        return;
    }
    art_root_unref(tree->root);
    tree->root = art_root_ref(tree->txn.base);
    art_slots_return(tree, &tree->slots.used, &tree->slots.base);
    art_slot_set_clear(&tree->slots.used);
    tree->slots.known = false;
    tree->txn.spilled = false;
    tree->unknown = true;
}

/* The state of a mark that the transaction has spilled over. */
static int to_image(struct art_tree *tree, const struct art_mark *mark) {
    struct art_memtable *memtable;
    struct art_slot_set used = {0};
    int rc = art_image_read(tree, mark, &memtable);
    if (rc) return rc;
    rc = art_slot_set_copy(&mark->used, &used);
    if (rc) {
        art_memtable_unref(memtable);
        return rc;
    }
    art_memtable_unref(tree->memtable);
    tree->memtable = memtable;
    art_root_unref(tree->root);
    tree->root = art_root_ref(mark->root);
    art_slots_return(tree, &tree->slots.used, &used);
    art_slot_set_clear(&tree->slots.used);
    tree->slots.used = used;
    tree->txn.spilled = true; /* also over the base: the undo list does not tell what the transaction did any more */
    return ART_OK;
}

void art_tree_rollback_to(struct art_tree *tree, uint32_t number) {
    if (art_store_forked(tree->store)) return;
    if (art_tree_inside(tree)) { /* all of it: the call that is under way cannot go back by less */
        art_rows_note_rollback(tree);
        return;
    }
    art_rows_catch_up(tree);
    if (!tree->txn.active) { /* nothing was changed */
        art_marks_clear(tree, number == ART_MARK_BEGIN ? 0 : number + 1);
        return;
    }
    tree->changes++;
    art_pending_forget(tree);
    tree->txn.flush = tree->txn.optimize = tree->txn.vacuum = false; /* whoever still wants it asks again */
    if (number == ART_MARK_BEGIN) {
        art_marks_clear(tree, 0);
        to_beginning(tree);
        art_move_back(tree);
        return;
    }
    assert(number < tree->txn.mark_count);
    art_marks_clear(tree, number + 1);
    /* Some marks have their image and others are positions in an undo list that is gone. Nothing is read before the
     * transaction's end. */
    if (tree->txn.doomed) return;
    struct art_mark *mark = &tree->txn.marks[number];
    if (mark->imaged) {
        int rc = to_image(tree, mark);
        if (rc) tree->txn.doomed = rc;
        mark->undo = 0;
    } else if (mark->beginning && tree->txn.spilled) {
        to_beginning(tree);
        mark->undo = 0;
    } else {
        art_memtable_rollback(tree->memtable, mark->undo);
    }
    tree->txn.big = mark->big;
    if (mark->moved || !tree->before.moved) return;
    if (tree->txn.spilled) { /* since it has moved, after a COMMIT that was refused: that root is nowhere else */
        tree->txn.doomed = ART_MISUSE;
    } else {
        art_move_back(tree);
    }
}
