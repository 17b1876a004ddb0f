/* What a transaction leaves behind.
 *
 *   the log is short     one redo row                              (row csn)
 *   the log is full      the memtable as a run, no row behind it   (root with csn)
 *   no row is left       no run, no row behind it                  (root with csn)
 *   merging is due       a root with other runs beside the row     (root with the old csn, row csn)
 *
 * prepare() does all that can fail and installs nothing: a commit that the host refuses (BUSY) leaves the tree as it
 * was. The next prepare() has the same csn. Where nothing has changed since, it hands over the same commit; else it
 * makes another one. What was merely due (a flush, a merge) is given up on
 * an error and tried again by a later transaction; at four times the limit its error counts. committed() only
 * assigns.
 *
 * A flush leaves long rows in the log: with secure_delete a host that deletes a row writes its pages as zeros, before
 * the next rows are written over them. Each commit deletes the oldest one, whose pages its own row takes.
 *
 * Whether the log has room for a row is asked in log_cost.c, and whether the disk has in room.c, where 'vacuum' is
 * made, too.
 */
#include <stdio.h>

#include "core/base/limits.h"
#include "core/tree/txn/room.h"

/* A hash for a csn that has no row: of what went before and of all that the root holds. */
static struct art_hash128 chain_of_root(const struct art_tree *tree, const struct art_root *root) {
    assert(art_tree_in_txn(tree) && root->runs <= ART_RUNS_CAPACITY);
    uint64_t numbers[2] = {tree->txn.csn, root->generation};
    struct art_hash_part parts[2 + ART_RUNS_CAPACITY] = {{&tree->chain, sizeof tree->chain}, {numbers, sizeof numbers}};
    for (unsigned i = 0; i < root->runs; i++) {
        parts[2 + i] = (struct art_hash_part){&root->run[i].top.hash, sizeof root->run[i].top.hash};
    }
    return art_hash128_parts(parts, 2 + root->runs);
}

/* A root that nobody could read would take all rows along: the commit fails instead. */
static enum art_rc read_back(const struct art_buffer *encoded) {
    struct art_root *root = NULL;
    enum art_rc rc = art_root_decode(art_buffer_bytes(encoded), &root);
    if (!rc) art_root_unref(root);
    return rc;
}

/* The root for row 0. It says whether rows of the log are behind it. */
static enum art_rc encode_root(struct art_tree *tree, const struct art_root *root) {
    assert(art_tree_in_txn(tree));
    enum art_rc rc = art_root_encode(root, &tree->pending.root);
    if (!rc) rc = read_back(&tree->pending.root);
    if (rc) return rc;
    bool rows = tree->pending.kind != ART_COMMIT_FLUSH && tree->csn > tree->root->csn;
    if (rows || tree->pending.commit.write_redo) art_root_note_rows(&tree->pending.root);
    tree->pending.commit.root = art_buffer_bytes(&tree->pending.root);
    return ART_OK;
}

/* The commit puts this root, and the retired list that goes with the slots it uses, into the host's tables. What was
 * let go is in that list. */
static enum art_rc name_root(struct art_tree *tree, const struct art_root *root, const struct art_slot_set *used) {
    assert(tree->slots.use);
    struct art_commit *commit = &tree->pending.commit;
    enum art_rc rc = encode_root(tree, root);
    if (!rc) rc = art_slots_retired(tree, used);
    if (rc) return rc;
    commit->write_root = commit->write_retired = true;
    commit->lets_go = tree->pending.lets_go;
    if (tree->pending.kind < ART_COMMIT_ROOT) tree->pending.kind = ART_COMMIT_ROOT;
    commit->retired = art_buffer_bytes(&tree->pending.retired_bytes);
    return ART_OK;
}

/* Only where deleted rows are merged away: before that they are in blobs that are in use, and each commit would pay. */
static bool leaves_no_trace(const struct art_tree *tree) {
    return art_wants_small(tree) && tree->host.secure_delete && tree->host.secure_delete(tree->host.context);
}

/* Snapshots may have come and gone since the write phase began. */
static enum art_rc look_at_snapshots(struct art_tree *tree) {
    enum art_rc rc = art_held_again(tree);
    if (rc) return rc;
    bool another = art_tree_requested(tree, ART_REQUEST_SNAPSHOT) && art_slot_set_highest(&tree->pending.edit.used);
    tree->pending.edit.root->held = another || art_slot_set_highest(&tree->slots.held);
    return ART_OK;
}

/* Everything of the new root is on the device before the commit names it. */
enum art_rc art_commit_finish_root(struct art_tree *tree) {
    struct art_version_edit *edit = &tree->pending.edit;
    uint32_t hidden = 0;
    assert(edit->root && edit->root->generation > tree->root->generation && tree->slots.use);
    edit->root->owed = 0; /* what is left of it: nothing was due, or there was no room */
    enum art_rc rc = art_edit_check(tree, edit);
    if (!rc) rc = art_store_wait(tree->store);
    if (!rc) rc = look_at_snapshots(tree);
    if (!rc) rc = art_room_leave_for_journal(tree);
    if (!rc && tree->txn.leftovers >= ART_LEFTOVERS_ZEROED) rc = art_store_wipe(tree->store);
    if (!rc) rc = art_shrink_cut(tree, edit);
    if (!rc) art_shrink_punch(tree, edit);
    if (!rc) rc = art_runs_hide_much(tree, edit->root, &hidden);
    art_room_note_hidden(tree, hidden);
    if (!rc) rc = art_slots_discard(tree, edit, art_room_to_discard(tree), &tree->pending.discarded);
    if (!rc) rc = art_store_sync(tree->store);
    if (rc) return rc;
    bool ends_cuts = leaves_no_trace(tree) && !edit->root->held; /* names of directories; their blobs are overwritten */
    if (ends_cuts) edit->root->cuts.len = 0;
    return name_root(tree, edit->root, &edit->used);
}

/* May work that failed by this error be left to a later commit? A full disk or a busy lock may be gone by then. An
 * interrupt may not be passed over, nor damage, but for art_commit_passes_over(). Nor may a lock where blobs are the
 * host's rows: the host's own commit would meet it, too. And where the host has rolled back the transaction there is no
 * commit. */
bool art_commit_may_wait(const struct art_tree *tree, enum art_rc rc) {
    bool gone = tree->rows.rolled_back || (tree->host.alive && !tree->host.alive(tree->host.context));
    if (rc == ART_BUSY && art_tree_medium(tree)->under_hosts_lock) return false;
    return rc != ART_INTERRUPT && rc != ART_CORRUPT && !gone;
}

/* Merging is merely due, and has met damage: rows do not wait for it, nor for who mends it. Then they are written
 * beside what is there, and the damage is told by art_info, and by a check. Not where merging is all that was asked
 * for. A later commit tries again, once as much has been written as makes merging due. */
bool art_commit_passes_over(struct art_tree *tree, enum art_rc rc) {
    bool gone = tree->rows.rolled_back || (tree->host.alive && !tree->host.alive(tree->host.context));
    if (rc != ART_CORRUPT || gone || art_tree_requested(tree, ART_REQUEST_OPTIMIZE | ART_REQUEST_VACUUM)) return false;
    const struct art_fault fault = art_error_fault();
    tree->damaged_slot = fault.place ? fault.slot : ART_NOWHERE;
    snprintf(tree->damage, sizeof tree->damage, "%.*s", (int)sizeof tree->damage - 1, art_error_message());
    tree->count.passed_over++;
    tree->redo_since_merge = 0;
    tree->slack = ART_SLACK_USUAL;
    return true;
}

/* Instead of what has failed. Of runs that must become one for it some may have the damage: then fewer do. */
enum art_rc art_commit_flush_beside(struct art_tree *tree, struct art_version_edit *edit) {
    enum art_rc rc;
    unsigned most = ART_RUNS_MAX, joined;
    do {
        joined = 0;
        art_edit_discard(tree, edit);
        rc = art_edit_begin(tree, edit);
        if (!rc) rc = art_compact_flush_beside(tree, edit, tree->memtable, most, &joined);
        most = joined - 1;
    } while (rc == ART_CORRUPT && joined > 1);
    return rc;
}

/* Not where rows of the base may be gone already. Where not even a flush of its own can be had beside damage, since an
 * index blob or the latest runs have it, the log grows up to four times its limit, and then the damage is the error. */
static bool flush_may_wait(struct art_tree *tree, enum art_rc rc, enum art_log_room log) {
    bool spent = art_tree_medium(tree)->discards && art_tree_requested(tree, ART_REQUEST_ALONE);
    if (spent) return false;
    if (rc == ART_CORRUPT) return log == ART_LOG_FULL && art_commit_passes_over(tree, rc);
    if (!art_commit_may_wait(tree, rc)) return false;
    return rc == ART_DISKFULL ? !tree->txn.adds : log == ART_LOG_FULL;
}

/* The root whose blobs go where no row is left: the present one, or that of before where a DELETE of all rows as one
 * thing has let them go within the transaction. */
static const struct art_root *last_full_root(const struct art_tree *tree) {
    return tree->root->runs ? tree->root : tree->txn.base;
}

/* The rows apart from chunks: in a forged table deletes of chunks that are not there may hide rows from the sum of
 * both. What cannot be read is not let go. */
static bool has_no_row(struct art_tree *tree) {
    uint64_t rows;
    return !art_tree_count(tree, &(struct art_range){0}, &rows) && !rows;
}

/* Is there no row behind this transaction, but blobs? The counts of all sources add up to the
 * rows and to the chunks of their values. */
bool art_tree_empties(struct art_tree *tree) {
    if (tree->txn.state < ART_TXN_CHANGED || !art_tree_is_known(tree) || !last_full_root(tree)->runs) return false;
    int64_t left = art_root_count(tree->root, art_memtable_count(tree->memtable));
    if (left || (art_root_left(tree->root, tree->csn) && !art_room_outweighs_log(last_full_root(tree)))) return false;
    return has_no_row(tree);
}

/* Has the edit let all blobs go? */
static bool was_emptied(const struct art_tree *tree, const struct art_version_edit *edit) {
    return last_full_root(tree)->runs && !edit->root->runs;
}

static enum art_rc flush_memtable(struct art_tree *tree) {
    assert(!tree->pending.edit.root);
    struct art_version_edit *edit = &tree->pending.edit;
    enum art_rc rc = art_edit_begin(tree, edit);
    if (rc) return rc;
    if (art_tree_empties(tree)) {
        art_edit_empty(tree, edit);
        return ART_OK;
    }
    return art_tree_requested(tree, ART_REQUEST_OPTIMIZE) ? art_compact_all(tree, edit, tree->memtable)
                                                          : art_compact_flush(tree, edit, tree->memtable);
}

/* Merging is merely due where the root may have another run: what came of an attempt that failed is thrown away. */
static enum art_rc merge_what_is_owed(struct art_tree *tree) {
    struct art_version_edit *edit = &tree->pending.edit;
    assert(edit->root && tree->pending.empty);
    art_room_owe_commit(tree);
    enum art_rc rc = art_room_merge(tree, edit);
    if (!rc && art_tree_has_spilled(tree)) rc = art_shrink_own(tree, edit);
    if (art_commit_passes_over(tree, rc)) return art_commit_flush_beside(tree, edit);
    bool waits = rc && art_commit_may_wait(tree, rc) && !art_tree_requested(tree, ART_REQUEST_OPTIMIZE) &&
                 tree->root->runs < ART_RUNS_MAX;
    if (!waits) return rc;
    art_edit_discard(tree, edit);
    return flush_memtable(tree);
}

/* What was in the memtable is in the edit's runs. */
enum art_rc art_commit_finish_flush(struct art_tree *tree) {
    struct art_version_edit *edit = &tree->pending.edit;
    assert(edit->root && tree->pending.empty);
    edit->root->csn = tree->txn.csn;
    edit->root->chain = chain_of_root(tree, edit->root);
    tree->pending.kind = ART_COMMIT_FLUSH;
    bool clears = was_emptied(tree, edit) && art_room_outweighs_log(last_full_root(tree)) && art_room_clears_log(tree);
    edit->root->left_rows = clears ? 0 : (uint32_t)art_log_rows_to_leave(tree);
    tree->pending.commit = (struct art_commit){.csn = tree->txn.csn, .clear_log = !edit->root->left_rows};
    bool spends = art_root_left(tree->root, tree->csn) || edit->root->left_rows < tree->csn - tree->root->csn;
    if (edit->root->left_rows && spends) tree->pending.commit.spent = art_root_spent(edit->root, edit->root->csn);
    return art_commit_finish_root(tree);
}

/* A snapshot of the runs as they are, the first one: the root only has to say so. */
static bool names_same_runs(const struct art_tree *tree) {
    return tree->txn.requested == ART_REQUEST_SNAPSHOT && !art_memtable_keys(tree->memtable);
}

static enum art_rc flush(struct art_tree *tree) {
    enum art_rc rc = art_room_keep_reserve(tree);
    if (!rc) rc = art_memtable_open_summed(&tree->pending.empty, art_tree_summary(tree));
    if (!rc) rc = flush_memtable(tree);
    bool beside = art_commit_passes_over(tree, rc);
    if (beside) rc = art_commit_flush_beside(tree, &tree->pending.edit);
    if (!rc && !beside && !names_same_runs(tree) &&
        (!art_room_spares_disk(tree) || tree->pending.edit.root->runs > ART_RUNS_MAX))
        rc = merge_what_is_owed(tree);
    if (!rc && art_wants_small(tree)) rc = art_vacuum(tree, &tree->pending.edit, UINT32_MAX);
    return rc ? rc : art_commit_finish_flush(tree);
}

/* The row of redo, where there is one, is all that the host writes. */
static void write_row(struct art_tree *tree) {
    assert(!tree->pending.edit.root && !tree->pending.empty);
    tree->pending.commit = (struct art_commit){.csn = tree->txn.csn};
    if (!tree->pending.redo.len) return;
    tree->pending.kind = ART_COMMIT_ROW;
    tree->pending.commit.write_redo = true;
    tree->pending.commit.redo = art_buffer_bytes(&tree->pending.redo);
    tree->pending.commit.spent = art_root_spent(tree->root, tree->txn.csn);
}

/* The commit is what it was before the work that has failed. */
enum art_rc art_commit_give_up(struct art_tree *tree, enum art_rc rc) {
    if (rc == ART_DISKFULL) art_room_note_full(tree, &tree->pending.edit);
    art_pending_forget(tree);
    art_slots_cut_back(tree);
    write_row(tree);
    return ART_OK;
}

static enum art_rc merge(struct art_tree *tree) {
    struct art_version_edit *edit = &tree->pending.edit;
    assert(tree->pending.commit.write_redo && !tree->pending.empty);
    bool due = true;
    enum art_rc rc = art_compact_due(tree, &due);
    if (!rc && !due && tree->slack < ART_SLACK_LOOSE) return ART_OK;
    if (!rc) rc = art_edit_begin(tree, edit);
    if (!rc) art_room_owe_commit(tree);
    if (!rc) rc = art_room_merge(tree, edit);
    if (art_commit_passes_over(tree, rc)) return art_commit_give_up(tree, rc);
    return rc ? rc : art_commit_finish_root(tree);
}

/* --- prepare ------------------------------------------------------------------------------------------------------ */

static enum art_rc make_row(struct art_tree *tree) {
    assert(art_tree_in_txn(tree) && !art_tree_has_spilled(tree));
    tree->pending.chain = tree->chain;
    enum art_rc rc = art_redo_encode(tree->memtable, tree->txn.csn, &tree->pending.chain, &tree->pending.redo);
    if (rc) return rc;
    assert(tree->pending.redo.len >= sizeof tree->chain);
    tree->pending.entries = art_memtable_noted(tree->memtable);
    write_row(tree);
    return ART_OK;
}

/* Where there is no run, blobs of earlier ones may still take room. */
bool art_commit_finds_vacuum(const struct art_tree *tree) {
    if (!art_tree_requested(tree, ART_REQUEST_VACUUM)) return false;
    return tree->root->runs || art_tree_medium(tree)->discards ||
           (tree->root->generation && art_store_exists(tree->store));
}

/* The first row behind a root marks the root, so that a log whose rows were deleted is not taken for one that never had
 * any. Both rows are in one page of the host's most times: then no page more is written. */
static enum art_rc mark_root(struct art_tree *tree) {
    assert(tree->txn.handed_over < ART_COMMIT_ROOT);
    struct art_commit *commit = &tree->pending.commit;
    if (!commit->write_redo || tree->csn != tree->root->csn) return ART_OK;
    enum art_rc rc = encode_root(tree, tree->root);
    commit->mark_root = !rc;
    return rc;
}

static enum art_leftovers leftovers(const struct art_tree *tree) {
    uint64_t left;
    if (!leaves_no_trace(tree)) return ART_LEFTOVERS_STAY;
    if (art_tree_medium(tree)->host_overwrites) return ART_LEFTOVERS_HOSTS;
    return art_room_is_low(tree, &left) ? ART_LEFTOVERS_PUNCHED : ART_LEFTOVERS_ZEROED;
}

/* The commit makes no new root. */
static enum art_rc keep_root(struct art_tree *tree) {
    assert(!tree->pending.edit.root && !tree->pending.commit.write_root);
    enum art_rc rc = art_room_leave_for_vacuum(tree);
    if (rc) return rc;
    if (tree->txn.handed_over < ART_COMMIT_ROOT) return mark_root(tree);
    /* Row 0 holds the root of an earlier, refused prepare(): the base goes back there; or its runs, under a new root,
     * where that must say again whether there are snapshots. */
    if (tree->root->held) {
        rc = art_edit_begin(tree, &tree->pending.edit);
        return rc ? rc : art_commit_finish_root(tree);
    }
    rc = art_slots_know(tree); /* a rollback to the beginning may have forgotten it */
    return rc ? rc : name_root(tree, tree->root, &tree->slots.used);
}

/* After a refused COMMIT that had emptied the log, a row alone would leave the log without what was in it. */
static bool must_flush(const struct art_tree *tree) {
    bool asked = art_tree_requested(tree, ART_REQUEST_FLUSH | ART_REQUEST_SNAPSHOT);
    asked |= art_tree_requested(tree, ART_REQUEST_OPTIMIZE) && !art_commit_finds_vacuum(tree);
    return asked || art_tree_has_spilled(tree) || tree->txn.handed_over == ART_COMMIT_FLUSH;
}

/* Does a transaction that has changed no row have something to write? */
static bool commands_find_something(const struct art_tree *tree) {
    bool rows = art_memtable_keys(tree->memtable), first = tree->root->runs && !tree->root->held;
    bool flushes = art_tree_requested(tree, ART_REQUEST_FLUSH) && (rows || art_root_left(tree->root, tree->csn));
    flushes |= art_tree_requested(tree, ART_REQUEST_SNAPSHOT) && (rows || first);
    return flushes || art_tree_requested(tree, ART_REQUEST_OPTIMIZE) || tree->txn.handed_over != ART_COMMIT_NOTHING ||
           art_commit_finds_vacuum(tree);
}

void art_tree_count_checkpoint(struct art_tree *tree) {
    tree->count.checkpoints++;
}

/* Nothing was made. */
static enum art_rc refuse_commit(struct art_tree *tree, enum art_rc rc) {
    if (rc == ART_DISKFULL && tree->slots.use)
        art_room_note_full(tree, &tree->pending.edit);
    else if (rc == ART_DISKFULL)
        tree->count.no_room++; /* it was only refused */
    art_pending_forget(tree);
    art_slots_cut_back(tree);
    return rc;
}

/* What is handed over may stand in the host's tables from now on. */
static enum art_rc offer_commit(struct art_tree *tree, struct art_commit *out) {
    *out = tree->pending.commit;
    assert(out->csn == tree->txn.csn && (out->write_redo || out->write_root));
    if (tree->txn.handed_over < tree->pending.kind) tree->txn.handed_over = tree->pending.kind;
    if (tree->txn.shown == ART_ROOT_OFFERED) tree->txn.shown = ART_ROOT_SHOWN;
    if (out->write_root && tree->txn.shown == ART_ROOT_HIDDEN) tree->txn.shown = ART_ROOT_OFFERED;
    art_tree_invariants(tree);
    return ART_OK;
}

/* With the row, or in its place, a new root: by 'vacuum', a flush, or merging by the way. What is merely due may fail:
 * then the row is written without, and a later commit tries again. */
static enum art_rc make_root(struct art_tree *tree, enum art_log_room log) {
    enum art_rc rc = ART_OK;
    if (art_commit_finds_vacuum(tree)) return art_room_vacuum(tree, log);
    if (log == ART_LOG_NO_PLACE) return flush(tree);
    if (log != ART_LOG_HAS_ROOM) {
        if (!art_room_leaves_flush(tree)) rc = flush(tree);
        return rc && flush_may_wait(tree, rc, log) ? art_commit_give_up(tree, rc) : rc;
    }
    if (art_log_lets_merge(tree) && !art_room_spares_disk(tree)) rc = merge(tree);
    return rc && art_commit_may_wait(tree, rc) ? art_commit_give_up(tree, rc) : rc;
}

static enum art_rc prepare(struct art_tree *tree, struct art_commit *out) {
    enum art_rc rc = art_tree_ready(tree);
    if (rc) return rc;

    /* What was asked: rows were changed, or commands find something to do. */
    if (tree->txn.state == ART_TXN_BEGUN && !commands_find_something(tree)) return ART_OK;
    if (art_room_has_none(tree)) return ART_OK;

    /* A COMMIT was refused, and nothing has changed since: the same once more. */
    bool snapshot = art_tree_requested(tree, ART_REQUEST_SNAPSHOT);
    bool same = tree->pending.made_for == tree->changes && tree->pending.snapshot == snapshot;
    if (same) rc = art_held_is_same(tree, &same);
    if (rc || same) return rc ? rc : offer_commit(tree, out);
    art_pending_forget(tree);
    assert(art_tree_is_known(tree) && !tree->pending.edit.root && !tree->pending.commit.csn);
    tree->pending.redo.len = 0;
    tree->txn.leftovers = leftovers(tree);

    /* A row of redo, where there can be one. */
    enum art_log_room log = ART_LOG_NO_PLACE;
    if (!must_flush(tree)) {
        rc = make_row(tree);
        if (rc) return refuse_commit(tree, rc);
        log = art_log_has_room(tree);
        rc = art_tree_ready(tree); /* blobs were read for it, and the host may have ended the transaction in that */
        if (rc) return refuse_commit(tree, rc);
    }

    rc = make_root(tree, log);
    if (!rc && !tree->pending.commit.write_root) rc = keep_root(tree);
    if (rc) return refuse_commit(tree, rc);
    tree->pending.made_for = tree->changes;
    tree->pending.snapshot = snapshot;
    return offer_commit(tree, out);
}

enum art_rc art_tree_prepare(struct art_tree *tree, struct art_commit *out) {
    *out = (struct art_commit){0};
    art_rows_catch_up(tree);
    enum art_rc rc = art_tree_in_txn(tree) ? prepare(tree, out) : ART_OK;
    tree->txn.requested &= ~(unsigned)ART_REQUEST_SNAPSHOT; /* by the next COMMIT it may have been dropped */
    return rc;
}

static void end_transaction(struct art_tree *tree) {
    assert(!tree->pending.edit.root && !tree->pending.made_for && !art_memtable_dirty(tree->memtable));
    art_savepoints_clear(tree, 0);
    art_scratch_end(tree);
    art_slots_end(tree);
    art_root_unref(tree->txn.base);
    struct art_savepoint *savepoints = tree->txn.savepoints;
    uint32_t capacity = tree->txn.savepoint_capacity;
    memset(&tree->txn, 0, sizeof tree->txn);
    tree->txn.savepoints = savepoints;
    tree->txn.savepoint_capacity = capacity;
    art_tree_invariants(tree);
}

/* This connection will not read them again; other readers still may. */
static void forget_superseded(struct art_tree *tree, const struct art_slot_set *before,
                              const struct art_slot_set *now) {
    assert(before != now);
    for (uint32_t slot = art_slot_set_next(before, 0); slot != UINT32_MAX; slot = art_slot_set_next(before, slot + 1)) {
        if (!art_slot_set_has(now, slot)) art_store_forget(tree->store, slot);
    }
}

void art_tree_committed(struct art_tree *tree) {
    if (art_store_forked(tree->store)) return;
    if (!art_tree_in_txn(tree)) {
        art_savepoints_clear(tree, 0);
        return;
    }
    if (tree->pending.made_for) {
        assert(tree->pending.made_for == tree->changes); /* else it is no longer what there is */
        struct art_version_edit *edit = &tree->pending.edit;
        if (edit->root) {
            art_room_note_root(tree);
            art_store_note_root(tree->store, art_buffer_bytes(&tree->pending.root));
            bool emptied = was_emptied(tree, edit);
            bool more = edit->pages_written || tree->pending.slots_cut || emptied;
            tree->count.emptied += emptied;
            tree->slack = more ? tree->pending.slack : ART_SLACK_USUAL;
            art_tree_set_root(tree, edit->root);
            forget_superseded(tree, &tree->slots.used, &edit->used);
            art_slot_set_clear(&tree->slots.used);
            tree->slots.used = edit->used;
            tree->slots.known = true;
            *edit = (struct art_version_edit){0};
            tree->redo_since_merge = 0;
            art_slots_cut_spilled(tree);
        }
        if (tree->pending.kind == ART_COMMIT_FLUSH) {
            art_memtable_unref(tree->memtable);
            tree->memtable = tree->pending.empty;
            tree->pending.empty = NULL;
            tree->log_bytes = tree->log_rows = tree->log_entries = 0;
        } else {
            tree->log_bytes += tree->pending.redo.len;
            tree->log_rows++;
            tree->log_entries += tree->pending.entries;
            tree->redo_since_merge += tree->pending.redo.len;
            art_room_note_row(tree);
        }
        tree->csn = tree->txn.csn;
        tree->chain = tree->pending.kind == ART_COMMIT_FLUSH ? tree->root->chain : tree->pending.chain;
        art_tree_changed(tree, true);
        art_pending_forget(tree);
        if (tree->pending.redo.capacity > ART_LIMIT(redo_kept_bytes)) art_buffer_clear(&tree->pending.redo);
    }
    art_memtable_forget_undo(tree->memtable);
    assert(!tree->pending.edit.root && !tree->pending.empty);
    end_transaction(tree);
}

void art_tree_rolled_back(struct art_tree *tree) {
    if (art_tree_inside(tree)) {
        art_rows_note_rollback(tree);
        return;
    }
    if (!art_tree_in_txn(tree)) {
        art_savepoints_clear(tree, 0);
        tree->txn.doomed = ART_OK;
        return;
    }
    if (art_store_forked(tree->store)) return;
    art_pending_forget(tree);
    art_tree_rollback_to(tree, ART_SAVEPOINT_BEGIN);
    art_slots_cut_back(tree);
    if (tree->txn.doomed) tree->state = ART_TREE_UNKNOWN;
    art_memtable_forget_undo(tree->memtable);
    end_transaction(tree);
    assert(!art_tree_in_txn(tree) && !tree->pending.edit.root);
}

enum art_rc art_tree_request(struct art_tree *tree, unsigned requests) {
    requests &= ART_REQUEST_OF_HOST - 1;
    if (!(requests & ~tree->txn.requested)) return ART_OK;
    enum art_rc rc = art_tree_begin(tree);
    if (rc) return rc;
    assert(art_tree_in_txn(tree));
    bool changes = requests & ~tree->txn.requested & ~(unsigned)ART_REQUEST_SNAPSHOT; /* which pending.snapshot knows */
    tree->txn.requested |= requests;
    if (changes) art_tree_changed(tree, true);
    art_tree_invariants(tree);
    return ART_OK;
}

/* The file forgets what another database has made of the table, or this one before it lost commits. */
static enum art_rc note_own_root(struct art_tree *tree) {
    struct art_buffer bytes = {0};
    bool committed = art_tree_is_known(tree) && !tree->txn.handed_over;
    enum art_rc rc = committed ? art_root_encode(tree->root, &bytes) : ART_OK;
    if (committed && !rc) rc = art_store_put_root(tree->store, art_buffer_bytes(&bytes));
    art_buffer_clear(&bytes);
    return rc;
}

enum art_rc art_tree_adopt(struct art_tree *tree) {
    enum art_rc rc = tree->host.unmoved ? tree->host.unmoved(tree->host.context) : ART_OK;
    if (rc) return rc;
    for (unsigned attempt = 0;; attempt++) {
        rc = art_store_adopt(tree->store);
        if (rc != ART_BUSY || !tree->host.wait || !tree->host.wait(tree->host.context, attempt)) break;
    }
    if (rc == ART_MISSING && !art_tree_has_runs(tree))
        return ART_OK; /* no file yet: the one to come is this database's */
    if (rc) return rc;
    rc = note_own_root(tree);
    art_store_write_end(tree->store);
    tree->file_ready = false;
    return rc;
}

void art_rows_catch_up(struct art_tree *tree) {
    if (!tree->rows.rolled_back || tree->rows.inside) return;
    tree->rows.rolled_back = false;
    art_tree_rolled_back(tree);
    tree->state = ART_TREE_UNKNOWN;
    art_tree_invariants(tree);
}
