/* What a prepare() has found and made, until it is committed or not wanted any more. */
#include "core/tree/txn/txn.h"

void art_pending_forget(struct art_tree *tree) {
    art_edit_discard(tree, &tree->pending.edit);
    art_memtable_unref(tree->pending.empty);
    tree->pending.empty = NULL;
    tree->pending.made_for = 0;
    tree->pending.kind = ART_COMMIT_NOTHING;
    tree->pending.slack = ART_SLACK_USUAL;
    tree->pending.slots_cut = 0;
    tree->pending.lets_go = tree->pending.snapshot = false;
    tree->pending.commit = (struct art_commit){0};
}
