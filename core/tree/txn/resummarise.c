/* Another summary for a table that has rows.
 *
 * Sums and zones stand in every node of the memtable, bucket, blob and reference, and entries keep what they replace in
 * summed columns: with another summary none of it means anything. So everything is written anew, as by 'optimize': one
 * run of plain puts, which replace nothing, under an empty memtable. As with a spill the root is the transaction's own,
 * and savepoints keep the root, the memtable and the summary that they were made with. The commit of such a transaction
 * leaves no row in the log.
 *
 * What a row says of its columns is read out of it while the new run is built. That of a long row stands behind its
 * reference: its chunks are put together once more.
 */
#include "core/tree/txn/room.h"
#include "core/tree/write_rows.h"

const struct art_summary *art_tree_summarised(const struct art_tree *tree) {
    return art_tree_summary(tree);
}

enum art_rc art_tree_use_summary(struct art_tree *tree, const struct art_summary *summary) {
    art_rows_catch_up(tree);
    if (art_tree_in_txn(tree)) {
        return art_fail(ART_MISUSE, "art: the summary changed under a running transaction: ROLLBACK it");
    }
    tree->summary = summary;
    art_tree_forget(tree);
    return ART_OK;
}

struct rewriting {
    struct art_tree *tree;
    uint8_t ref[ART_OVERFLOW_REF_BYTES_MAX];
};

static enum art_rc rewrite_reference(struct rewriting *rewriting, struct art_entry *entry) {
    struct art_tree *tree = rewriting->tree;
    struct art_row row = {.stored = art_stored_of(entry->value), .overflows = true};
    struct art_bytes value = {0};
    uint8_t *owned = NULL;
    if (entry->value.len < ART_OVERFLOW_REF_BYTES) {
        return art_corrupt(tree->options.path, ART_NOWHERE, ART_NOWHERE,
                           "a row's reference to its chunks has an impossible length");
    }
    memcpy(rewriting->ref, entry->value.data, ART_OVERFLOW_REF_BYTES);
    enum art_rc rc = tree->summary ? art_row_value(tree, &row, &value, &owned) : ART_OK;
    if (!rc) entry->value = art_bytes(rewriting->ref, art_overflow_put_data(tree->summary, value, rewriting->ref));
    art_free(owned);
    return rc;
}

static enum art_rc rewrite_entry(void *context, struct art_bytes key, struct art_entry *entry) {
    assert(!(entry->flags & (ART_DELETE | ART_SHADOWS_OLDER)));
    struct rewriting *rewriting = context;
    bool chunk = key.data[0] == ART_SPACE_OVERFLOW;
    entry->flags &= (uint8_t)~ART_CHUNK;
    if (chunk && rewriting->tree->summary) entry->flags |= ART_CHUNK;
    return entry->flags & ART_OVERFLOW ? rewrite_reference(rewriting, entry) : ART_OK;
}

/* Everything as one run, and the memtable that comes over it. Until it is installed the tree is read as it was: only
 * what is built goes by tree->summary. */
static enum art_rc build_anew(struct art_tree *tree, struct art_version_edit *edit, struct art_memtable **empty) {
    assert(!edit->root && !*empty);
    struct rewriting rewriting = {.tree = tree};
    const struct art_rewrite rewrite = {rewrite_entry, &rewriting};
    enum art_rc rc = art_edit_begin(tree, edit);
    if (!rc) rc = art_memtable_open_summed(empty, tree->summary);
    if (!rc) rc = art_compact_rewrite(tree, edit, tree->memtable, &rewrite);
    return rc ? rc : art_store_wait(tree->store);
}

enum art_rc art_tree_resummarise(struct art_tree *tree, const struct art_summary *summary) {
    ART_DURING(ART_EVENT_SUMMARY);
    struct art_version_edit edit = {0};
    struct art_memtable *empty = NULL;
    enum art_rc rc = art_tree_begin(tree);
    if (rc) return rc;
    const struct art_summary *former = tree->summary;
    art_pending_forget(tree);
    assert(!tree->pending.edit.root);
    tree->summary = summary;
    rc = build_anew(tree, &edit, &empty);
    rc = art_spill_into(tree, rc, &edit, empty);
    if (rc) tree->summary = former;
    return rc;
}
