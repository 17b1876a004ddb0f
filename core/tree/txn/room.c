/* Is there room? What a commit asks before it writes, and 'vacuum', which makes room on a disk that is nearly full.
 *
 * The last room is kept for deletes: a transaction that adds rows is refused by a flush that finds less than some MB.
 * One that only deletes goes on with rows in the log, whatever its limit, as long as the host finds room for them;
 * 'vacuum' turns them into room.
 *
 * Blobs that are rows take room twice or three times: in the host's journal, and in its file. And a host whose disk is
 * full ends the transaction. So there the host says how much one commit may write (art_host.budget), and nothing is
 * begun that has no room. A file is simply written until there is none.
 */
#include "core/tree/txn/room.h"

#include <limits.h>

/* Each byte of a commit's redo makes it owe MERGE_BYTES_PER_REDO_BYTE of merging. Small commits leave the merging to
 * one of them, behind the medium's merge_every_bytes of redo: so somebody who commits a row at a time waits in one
 * commit of some thousand, and not in each hundredth. */
enum {
    MERGE_BYTES_PER_REDO_BYTE = 16,
    RESERVE_BYTES = 8 << 20, /* of the file system's, or a part of the table's own size, for DELETE and 'vacuum' */
    RESERVE_PART = 3,
    JOURNAL_BYTES = 256 << 10 /* beside what is in the log */
};

/* Of the room for blobs in rows: the part that a commit merges by the way; what is left for DELETE and 'vacuum'; below
 * which merges go in small portions, and about what a portion writes, small or not. Of the disk's own: what is left in
 * any case, and what is taken for each eight bytes, since a page of ours is a row of a b-tree. Of what is beyond the
 * need, the part that may be written before room is asked for again. */
enum {
    MERGED_PART = 4,
    RESERVE_BYTES_IN_ROWS = 3 << 20,
    SHORT_BYTES = 32 << 20,
    PORTION_BYTES = 2 << 20,
    LARGE_PORTION_BYTES = 12 << 20,
    KEPT_BYTES = 128 << 10,
    REMOVED_BYTES = 1 << 20, /* what a commit can always remove: two blobs, or a row that a flush has left in the log */
    ROW_PARTS = 9,
    ROW_PARTS_OF_BLOB = 8,
    LOOK_AGAIN_PART = 16
};

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t bytes_of_log(const struct art_tree *tree) {
    return tree->log_bytes + tree->pending.redo.len;
}

static uint64_t room_left(const struct art_tree *tree) {
    return tree->host.room ? tree->host.room(tree->host.context) : UINT64_MAX;
}

/* Of blobs in rows. Elsewhere a blob that is written takes room, and no more. */
static struct art_budget budget_left(const struct art_tree *tree) {
    struct art_budget budget = {.left = UINT64_MAX};
    if (art_tree_medium(tree)->in_hosts_journal && tree->host.budget) tree->host.budget(tree->host.context, &budget);
    return budget;
}

/* What writing blobs of so many bytes and removing others takes of the disk. New pages are free ones of the database's,
 * or make its file longer. What is removed is written, too, since secure_delete may be on, and always to the journal:
 * with a WAL all goes there first. */
static uint64_t cost_of(const struct art_budget *budget, uint64_t written, uint64_t removed) {
    uint64_t grown = written > budget->unused ? written - budget->unused : 0;
    uint64_t journal = removed + (budget->twice ? written : 0);
    return (grown + journal) / ROW_PARTS_OF_BLOB * ROW_PARTS + KEPT_BYTES;
}

static bool disk_holds(const struct art_budget *budget, uint64_t written, uint64_t removed) {
    return budget->left == UINT64_MAX || cost_of(budget, written, removed) <= budget->left;
}

/* Can so much be written, and still something be removed? */
static bool leaves_room(const struct art_budget *budget, uint64_t written) {
    return disk_holds(budget, written, REMOVED_BYTES);
}

/* So much can be written, and as much removed. */
static uint64_t balance_of(const struct art_budget *budget) {
    if (budget->left == UINT64_MAX) return UINT64_MAX;
    uint64_t left = budget->left > KEPT_BYTES ? (budget->left - KEPT_BYTES) / ROW_PARTS * ROW_PARTS_OF_BLOB : 0;
    uint64_t ways = budget->twice ? 2 : 1, bytes = left / ways; /* as long as free pages suffice */
    if (bytes > budget->unused) bytes = (left + budget->unused) / (ways + 1);
    assert(disk_holds(budget, bytes, bytes) || budget->left <= KEPT_BYTES);
    return bytes;
}

/* What a flush writes, at most about. The log has each key as often as it was changed, but shares its beginnings, as a
 * blob does. */
static uint64_t bytes_to_flush(const struct art_tree *tree) {
    uint64_t bytes = art_memtable_bytes(tree->memtable);
    return tree->pending.redo.len ? smaller(bytes, bytes_of_log(tree)) : bytes;
}

/* What deleting the rows of the log writes. Without secure_delete the host frees the pages of long rows as they are. */
static uint64_t bytes_of_clearing(const struct art_tree *tree) {
    bool is_long = tree->log_bytes >= (uint64_t)ART_LONG_ROW_BYTES * tree->log_rows;
    bool writes = !is_long || !tree->host.secure_delete || tree->host.secure_delete(tree->host.context);
    return writes ? tree->log_bytes : tree->log_rows * ART_BLOB_PAGE;
}

/* With those that an earlier flush has left. */
static uint64_t bytes_to_clear(const struct art_tree *tree) {
    return bytes_of_clearing(tree) + art_root_left(tree->root, tree->csn) * ART_LEFT_ROW_BYTES;
}

static enum art_rc check_left(const struct art_tree *tree, uint64_t left, uint64_t needed) {
    if (left >= needed) return ART_OK;
    return art_fail(
        ART_DISKFULL,
        "art: the disk is full (%s): %llu bytes are left and the database's journal needs %llu: make room on its "
        "file system, or DELETE rows, then art_vacuum()",
        tree->options.path, (unsigned long long)left, (unsigned long long)needed);
}

static enum art_rc check_room(const struct art_tree *tree, uint64_t needed) {
    return check_left(tree, room_left(tree), needed);
}

/* Blobs that take the last room leave none for the host's journal, whose commit would fail after they were named. */
enum art_rc art_room_leave_for_journal(const struct art_tree *tree) {
    if (!tree->pending.edit.pages_written) return ART_OK;
    bool clears = tree->pending.kind == ART_COMMIT_FLUSH && !tree->pending.edit.root->left_rows;
    return check_room(tree, JOURNAL_BYTES + (clears ? bytes_of_clearing(tree) : 0));
}

static enum art_rc refuse_rows(const struct art_tree *tree, uint64_t left) {
    return art_fail(
        ART_DISKFULL,
        "art: the disk is nearly full (%s): its last %llu bytes are kept for deletes: make room on its file "
        "system, or DELETE rows, then art_vacuum()",
        tree->options.path, (unsigned long long)left);
}

/* Blobs in rows, and a row of redo: behind it there must be room for a flush, and for a portion of what is merged then.
 * A DELETE may take of that where it makes the flush smaller. Who adds asks seldom where much is left. */
static enum art_rc leave_room_for_flush(struct art_tree *tree) {
    uint64_t redo = tree->pending.redo.len, flushed = bytes_to_flush(tree);
    if (tree->txn.adds ? redo < tree->redo_until_look : redo < ART_BATCH_BYTES) return ART_OK;
    struct art_budget budget = budget_left(tree);
    uint64_t portion = smaller(PORTION_BYTES, art_room_of_runs(tree->root) + flushed);
    uint64_t needed = cost_of(&budget, flushed + portion + redo, REMOVED_BYTES);
    bool there_is = budget.left == UINT64_MAX || needed <= budget.left;
    tree->redo_until_look = there_is ? ART_BATCH_BYTES + (budget.left - needed) / LOOK_AGAIN_PART : 0;
    if (there_is || (!tree->txn.adds && art_memtable_bytes(tree->memtable) <= tree->txn.to_flush)) return ART_OK;
    return tree->txn.adds ? refuse_rows(tree, budget.left) : check_left(tree, budget.left, needed);
}

/* A large DELETE is refused if 'vacuum', which turns deleted rows into room, would find none for its own commit. The
 * log counts, too: what is in a WAL takes room once more when it is checkpointed. */
enum art_rc art_room_leave_for_vacuum(struct art_tree *tree) {
    uint64_t redo = tree->pending.redo.len;
    if (!tree->pending.commit.write_redo || art_tree_requested(tree, ART_REQUEST_VACUUM)) return ART_OK;
    if (art_tree_medium(tree)->in_hosts_journal) return leave_room_for_flush(tree);
    bool large = !tree->txn.adds && redo >= ART_BATCH_BYTES;
    return large ? check_room(tree, JOURNAL_BYTES + tree->log_bytes + redo) : ART_OK;
}

/* Is there room for a flush's commit to delete the whole log? What it writes is in the host's files already, but not in
 * its WAL. */
bool art_room_clears_log(const struct art_tree *tree) {
    struct art_budget budget = budget_left(tree);
    uint64_t written = budget.twice ? tree->pending.edit.pages_written * ART_BLOB_PAGE : 0;
    if (!art_tree_medium(tree)->in_hosts_journal) return room_left(tree) >= JOURNAL_BYTES + bytes_of_clearing(tree);
    return disk_holds(&budget, 0, written + bytes_to_clear(tree));
}

/* Slots whose blobs the pending commit may discard; UINT64_MAX: all. */
uint64_t art_room_to_discard(const struct art_tree *tree) {
    struct art_budget budget = budget_left(tree);
    const struct art_version_edit *edit = &tree->pending.edit;
    uint64_t taken = budget.twice ? edit->pages_written * ART_BLOB_PAGE : 0;
    if (tree->pending.kind == ART_COMMIT_FLUSH && !edit->root->left_rows) taken += bytes_to_clear(tree);
    uint64_t cost = cost_of(&budget, 0, taken);
    if (budget.left == UINT64_MAX) return UINT64_MAX;
    return budget.left > cost ? (budget.left - cost) / ROW_PARTS * ROW_PARTS_OF_BLOB / ART_BLOB_BYTES : 0;
}

/* A transaction that spilled or wants to be flushed has no row: what it flushes counts. */
uint64_t art_room_owed_pages(const struct art_tree *tree, uint64_t flushed_pages) {
    if (art_tree_has_spilled(tree) || art_tree_requested(tree, ART_REQUEST_OPTIMIZE)) return UINT64_MAX;
    uint64_t redo = tree->pending.redo.len,
             owed = MERGE_BYTES_PER_REDO_BYTE * (redo ? redo / ART_BLOB_PAGE : flushed_pages);
    struct art_budget budget = budget_left(tree);
    return smaller(owed, balance_of(&budget) / MERGED_PART / ART_BLOB_PAGE);
}

/* In small portions where the whole budget is no more than a few large ones. */
enum art_rc art_room_merge(struct art_tree *tree, struct art_version_edit *edit, uint64_t owed) {
    assert(tree->slots.use);
    assert(edit->root && !tree->small_compactions);
    struct art_budget budget = budget_left(tree);
    tree->small_compactions = balance_of(&budget) < SHORT_BYTES;
    enum art_rc rc = art_compact_merge(tree, edit, owed);
    tree->small_compactions = false;
    return rc;
}

uint64_t art_room_of_runs(const struct art_root *root) {
    uint64_t pages = 0;
    for (unsigned i = 0; i < root->runs; i++) pages += root->run[i].pages;
    return pages * ART_BLOB_PAGE;
}

/* Of blobs in rows: has the room for them come to so little, and do they need as much? */
static bool is_short(const struct art_tree *tree, uint64_t bytes) {
    struct art_budget budget = budget_left(tree);
    return balance_of(&budget) < smaller(art_room_of_runs(tree->root), bytes);
}

/* For any storage. */
static bool has_reserve(const struct art_tree *tree, uint64_t *left) {
    uint64_t room = room_left(tree), unused = budget_left(tree).unused;
    *left = room < UINT64_MAX - unused ? room + unused : room;
    return *left >= smaller(art_room_of_runs(tree->root) / RESERVE_PART, RESERVE_BYTES);
}

bool art_room_is_low(const struct art_tree *tree, uint64_t *left) {
    return !has_reserve(tree, left) || is_short(tree, RESERVE_BYTES_IN_ROWS);
}

/* Is a merge that is merely due better left to 'vacuum'? */
bool art_room_spares_disk(const struct art_tree *tree) {
    uint64_t left;
    return (tree->full && !tree->txn.adds) || art_room_is_low(tree, &left) || is_short(tree, 2 * RESERVE_BYTES_IN_ROWS);
}

/* A flush takes room before it gives any, and so does the host's journal for the rows that go: those who delete leave
 * it to 'vacuum' as long as the log's own bytes are few. Who deletes the last row has no blob to write. */
bool art_room_leaves_flush(struct art_tree *tree) {
    uint64_t left, bytes = tree->log_bytes + tree->pending.redo.len;
    if (tree->txn.adds) return false;
    if (art_tree_empties(tree) && (art_log_can_be_left(tree) || art_room_clears_log(tree))) return false;
    return (tree->full || (bytes <= 2 * art_log_limit(tree) && art_room_is_low(tree, &left)));
}

/* What a flush must merge, since the root has no place for another run: all of level 0. */
static uint64_t bytes_due(const struct art_tree *tree) {
    uint64_t pages = 0;
    for (unsigned i = 0; tree->root->runs >= ART_RUNS_MAX && i < tree->root->runs && !tree->root->run[i].level; i++) {
        pages += tree->root->run[i].pages;
    }
    return pages * ART_BLOB_PAGE;
}

enum art_rc art_room_keep_reserve(const struct art_tree *tree) {
    uint64_t left;
    if (!tree->txn.adds) return ART_OK;
    struct art_budget budget = budget_left(tree);
    uint64_t reserve = smaller(art_room_of_runs(tree->root), RESERVE_BYTES_IN_ROWS);
    bool kept = leaves_room(&budget, bytes_to_flush(tree) + bytes_due(tree) + reserve);
    return has_reserve(tree, &left) && kept ? ART_OK : refuse_rows(tree, left);
}

/* --- vacuum ------------------------------------------------------------------------------------------------------- */

/* What is tried in turn as long as the disk is too full for it: each needs less room than the one before, and leaves
 * more for the next commit. With 'optimize' the log goes, everything becomes one run, or some compactions are made, and
 * blobs move where there is nothing left to be merged; without it they just move. In the end only what is free at the
 * file's end is cut off. (Without the second one a full disk of 200 MB is left in ten times the time, 20 s.) */
static const struct attempt {
    unsigned compactions; /* UINT_MAX: all */
    uint32_t moves;       /* blobs, at most */
} attempts[] = {{UINT_MAX, UINT32_MAX}, {16, 16}, {1, 2}, {0, 0}};
enum { VACUUM_ATTEMPTS = sizeof attempts / sizeof *attempts };

/* At four times the limit, too, unless rows are only deleted. */
static bool vacuum_must_flush(const struct art_tree *tree, enum art_log_room log) {
    return log == ART_LOG_NO_PLACE || (log == ART_LOG_OVERFULL && tree->txn.adds);
}

/* By what tree->attempt says. */
static enum art_rc vacuum_once(struct art_tree *tree, enum art_log_room log) {
    const struct attempt *attempt = &attempts[tree->attempt];
    struct art_version_edit *edit = &tree->pending.edit;
    assert(!edit->root && !tree->pending.empty);
    bool all = attempt->compactions == UINT_MAX, merges = art_tree_requested(tree, ART_REQUEST_OPTIMIZE);
    bool flush = (merges && attempt->compactions) || (all && log != ART_LOG_HAS_ROOM) || vacuum_must_flush(tree, log);
    enum art_rc rc = flush ? art_memtable_open_summed(&tree->pending.empty, art_tree_summary(tree)) : ART_OK;
    if (!rc) rc = art_edit_begin(tree, edit);
    if (!rc && flush) {
        rc =
            all && merges ? art_compact_all(tree, edit, tree->memtable) : art_compact_flush(tree, edit, tree->memtable);
    }
    if (!rc && flush && all && !merges)
        rc = art_compact_merge(tree, edit, art_room_owed_pages(tree, edit->pages_written));
    tree->small_compactions = attempt->compactions == 1;
    if (!rc && merges && !all) rc = art_compact_some(tree, edit, attempt->compactions);
    tree->small_compactions = false;
    if (!rc && edit->root->runs > ART_RUNS_MAX) rc = art_compact_merge(tree, edit, 0);
    if (!rc && attempt->moves && (!merges || edit->root->runs <= 1)) rc = art_vacuum(tree, edit, attempt->moves);
    if (rc) return rc;
    return flush ? art_commit_finish_flush(tree) : art_commit_finish_root(tree);
}

/* Is there something to be flushed, and room for it? Long rows of the log may stay there for now. */
static bool flush_fits(const struct art_tree *tree, const struct art_budget *budget) {
    uint64_t flushed = bytes_to_flush(tree);
    bool stays = art_log_can_be_left(tree) && !art_root_left(tree->root, tree->csn);
    if (!bytes_of_log(tree) || tree->root->runs >= ART_RUNS_MAX) return false;
    return disk_holds(budget, flushed, REMOVED_BYTES + (stays ? 0 : bytes_to_clear(tree)));
}

static bool all_fits(const struct art_tree *tree, const struct art_budget *budget) {
    return balance_of(budget) >= art_room_of_runs(tree->root) + bytes_of_log(tree);
}

static uint64_t portion_of(const struct art_budget *budget) {
    return balance_of(budget) < SHORT_BYTES ? PORTION_BYTES : LARGE_PORTION_BYTES;
}

static bool portion_fits(const struct art_tree *tree, const struct art_budget *budget) {
    return tree->root->runs > 1 && leaves_room(budget, portion_of(budget));
}

/* Is there room to let a blob go, or a row that a flush has left in the log? */
static bool some_can_go(const struct art_tree *tree, const struct art_budget *budget) {
    return art_root_left(tree->root, tree->csn) || disk_holds(budget, 0, ART_BLOB_BYTES);
}

/* Blobs in rows, and no room for all of them at once: the log goes, as many portions are merged as there is room for,
 * and as many blobs are discarded. What is left is the next transaction's. A host whose disk is full ends the
 * transaction, so nothing is begun that cannot be finished; and what a portion takes is known behind it only, so more
 * than one need twice as much. */
static enum art_rc vacuum_within(struct art_tree *tree, const struct art_budget *budget, enum art_log_room log) {
    struct art_version_edit *edit = &tree->pending.edit;
    assert(!edit->root && art_tree_medium(tree)->in_hosts_journal);
    bool flushes = vacuum_must_flush(tree, log) || flush_fits(tree, budget);
    uint64_t needed = portion_of(budget);
    tree->full = true;
    if (!flushes && !portion_fits(tree, budget) && !disk_holds(budget, 0, ART_BLOB_BYTES)) return ART_OK;
    enum art_rc rc = flushes ? art_memtable_open_summed(&tree->pending.empty, art_tree_summary(tree)) : ART_OK;
    if (!rc) rc = art_edit_begin(tree, edit);
    if (!rc && flushes) rc = art_compact_flush(tree, edit, tree->memtable);
    if (!rc) tree->pending.leaves |= !flushes && (tree->log_bytes || art_root_left(tree->root, tree->csn));
    tree->small_compactions = balance_of(budget) < SHORT_BYTES;
    /* What a flush of much takes is known by the next commit only. */
    bool merges = !flushes || !tree->small_compactions || edit->pages_written * ART_BLOB_PAGE < KEPT_BYTES;
    while (!rc && merges && edit->root->runs > 1 && leaves_room(budget, edit->pages_written * ART_BLOB_PAGE + needed)) {
        rc = art_compact_some(tree, edit, 1);
        needed = 2 * portion_of(budget);
    }
    if (!rc && edit->root->runs > ART_RUNS_MAX) rc = art_compact_merge(tree, edit, 0);
    tree->small_compactions = false;
    if (rc) return rc;
    return flushes ? art_commit_finish_flush(tree) : art_commit_finish_root(tree);
}

enum art_rc art_room_vacuum(struct art_tree *tree, enum art_log_room log) {
    assert(tree->thrift < VACUUM_ATTEMPTS);
    enum art_rc rc = ART_OK;
    struct art_budget budget = budget_left(tree);
    if (art_tree_requested(tree, ART_REQUEST_OPTIMIZE) && !all_fits(tree, &budget)) {
        return vacuum_within(tree, &budget, log);
    }
    for (unsigned i = tree->thrift; i < VACUUM_ATTEMPTS; i++) {
        if (rc) (void)art_commit_give_up(tree, rc);
        tree->attempt = i;
        rc = vacuum_once(tree, log);
        if (rc != ART_DISKFULL || !art_commit_may_wait(tree, rc)) break;
    }
    return rc;
}

/* Has 'vacuum' no room, in a transaction that changes nothing else? Then nothing is written at all, and the host may go
 * on to make room by a checkpoint. Not behind a refused COMMIT: the row that it left in the host's log would be
 * committed under a number that this tree gives out again. */
bool art_room_has_none(const struct art_tree *tree) {
    bool alone = tree->txn.state == ART_TXN_BEGUN && art_tree_requested(tree, ART_REQUEST_OPTIMIZE);
    if (!alone || tree->txn.handed_over != ART_COMMIT_NOTHING || !art_commit_finds_vacuum(tree)) return false;
    struct art_budget budget = budget_left(tree);
    if (all_fits(tree, &budget) || flush_fits(tree, &budget)) return false;
    return !portion_fits(tree, &budget) && !some_can_go(tree, &budget);
}

void art_room_note_full(struct art_tree *tree) {
    assert(tree->attempt < VACUUM_ATTEMPTS);
    tree->full = true;
    if (art_tree_requested(tree, ART_REQUEST_VACUUM)) tree->thrift = (tree->attempt + 1) % VACUUM_ATTEMPTS;
}

void art_tree_note_full(struct art_tree *tree) {
    if (tree->txn.shown == ART_ROOT_OFFERED) tree->txn.shown = ART_ROOT_HIDDEN;
    art_room_note_full(tree);
}
