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
 * one of them, behind MERGE_EVERY_BYTES of redo: so somebody who commits a row at a time waits in one commit of some
 * thousand, and not in each hundredth. */
enum {
    MERGE_BYTES_PER_REDO_BYTE = 16,
    RESERVE_BYTES = 8 << 20, /* of the file system's, or a part of the table's own size, for DELETE and 'vacuum' */
    RESERVE_PART = 3,
    JOURNAL_BYTES = 256 << 10 /* beside what is in the log */
};

/* Of the budget for blobs in rows: the part that a commit merges by the way; what is left for DELETE and 'vacuum';
 * below which merges go in small portions, and about what a portion writes, small or not. */
enum {
    MERGED_PART = 4,
    RESERVE_BYTES_IN_ROWS = 3 << 20,
    SHORT_BYTES = 32 << 20,
    PORTION_BYTES = 3 << 19,
    LARGE_PORTION_BYTES = 12 << 20
};

static uint64_t room_left(const struct art_tree *tree) {
    return tree->host.room ? tree->host.room(tree->host.context) : UINT64_MAX;
}

/* Of blobs in rows. Elsewhere a blob that is written takes room, and no more. */
struct art_budget art_room_budget(const struct art_tree *tree) {
    struct art_budget budget = {.bytes = UINT64_MAX};
    if (art_tree_medium(tree)->in_hosts_journal && tree->host.budget) tree->host.budget(tree->host.context, &budget);
    return budget;
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
    return check_room(tree, JOURNAL_BYTES + (tree->pending.kind == ART_COMMIT_FLUSH ? tree->log_bytes : 0));
}

/* A large DELETE is refused if 'vacuum', which turns deleted rows into room, would find none for its own commit. The
 * log counts, too: what is in a WAL takes room once more when it is checkpointed. */
enum art_rc art_room_leave_for_vacuum(const struct art_tree *tree) {
    uint64_t redo = tree->pending.redo.len;
    bool only_deletes =
        tree->pending.commit.write_redo && !tree->txn.adds && !art_tree_requested(tree, ART_REQUEST_VACUUM);
    if (!only_deletes || redo < ART_BATCH_BYTES) return ART_OK;
    enum art_rc rc = check_room(tree, JOURNAL_BYTES + tree->log_bytes + redo);
    if (rc || !art_tree_medium(tree)->in_hosts_journal) return rc;
    return check_left(tree, art_room_budget(tree).bytes, PORTION_BYTES + tree->log_bytes + redo);
}

/* A transaction that spilled or wants to be flushed has no row: what it flushes counts. */
uint64_t art_room_owed_pages(const struct art_tree *tree, uint64_t flushed_pages) {
    if (art_tree_has_spilled(tree) || art_tree_requested(tree, ART_REQUEST_OPTIMIZE)) return UINT64_MAX;
    uint64_t redo = tree->pending.redo.len,
             owed = MERGE_BYTES_PER_REDO_BYTE * (redo ? redo / ART_BLOB_PAGE : flushed_pages);
    uint64_t most = art_room_budget(tree).bytes / MERGED_PART / ART_BLOB_PAGE;
    return owed < most ? owed : most;
}

/* In small portions where the whole budget is no more than a few large ones. */
enum art_rc art_room_merge(struct art_tree *tree, struct art_version_edit *edit, uint64_t owed) {
    assert(tree->slots.use);
    assert(edit->root && !tree->small_compactions);
    tree->small_compactions = art_room_budget(tree).bytes < SHORT_BYTES;
    enum art_rc rc = art_compact_merge(tree, edit, owed);
    tree->small_compactions = false;
    return rc;
}

uint64_t art_room_of_runs(const struct art_root *root) {
    uint64_t pages = 0;
    for (unsigned i = 0; i < root->runs; i++) pages += root->run[i].pages;
    return pages * ART_BLOB_PAGE;
}

/* Of blobs in rows: has the budget for them come to so little, and do they need as much? */
static bool is_short(const struct art_tree *tree, uint64_t bytes) {
    uint64_t all = art_room_of_runs(tree->root);
    return art_room_budget(tree).bytes < (all < bytes ? all : bytes);
}

bool art_room_is_low(const struct art_tree *tree, uint64_t *left) {
    uint64_t part = art_room_of_runs(tree->root) / RESERVE_PART;
    uint64_t room = room_left(tree), unused = art_room_budget(tree).unused;
    *left = room < UINT64_MAX - unused ? room + unused : room;
    return *left < (part < RESERVE_BYTES ? part : RESERVE_BYTES) || is_short(tree, RESERVE_BYTES_IN_ROWS);
}

/* Is a merge that is merely due better left to 'vacuum'? */
bool art_room_spares_disk(const struct art_tree *tree) {
    uint64_t left;
    return (tree->full && !tree->txn.adds) || art_room_is_low(tree, &left) || is_short(tree, 2 * RESERVE_BYTES_IN_ROWS);
}

/* A flush takes room before it gives any, and so does the host's journal for the rows that go: those who delete leave
 * it to 'vacuum' as long as the log's own bytes are few. */
bool art_room_leaves_flush(const struct art_tree *tree) {
    uint64_t left, bytes = tree->log_bytes + tree->pending.redo.len;
    return !tree->txn.adds && (tree->full || (bytes <= 2 * art_log_limit(tree) && art_room_is_low(tree, &left)));
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
    if (!tree->txn.adds || (!art_room_is_low(tree, &left) && !is_short(tree, RESERVE_BYTES_IN_ROWS + bytes_due(tree))))
        return ART_OK;
    return art_fail(
        ART_DISKFULL,
        "art: the disk is nearly full (%s): its last %llu bytes are kept for deletes: make room on its file "
        "system, or DELETE rows, then art_vacuum()",
        tree->options.path, (unsigned long long)left);
}

static uint64_t bytes_of_log(const struct art_tree *tree) {
    return tree->log_bytes + tree->pending.redo.len;
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

/* What an edit has written, or removes, whichever is more; former commits have left rows to be removed, too. */
static uint64_t bytes_spent(const struct art_tree *tree, const struct art_version_edit *edit) {
    uint64_t before = art_room_of_runs(tree->root), now = art_room_of_runs(edit->root);
    uint64_t written = edit->pages_written * ART_BLOB_PAGE;
    uint64_t retired = (uint64_t)art_slot_set_count(&tree->slots.retired.slots, 0, UINT32_MAX) * ART_BLOB_BYTES;
    uint64_t removed = written + before > now ? written + before - now : 0;
    removed += retired;
    return written > removed ? written : removed;
}

/* Is there something to be flushed, and room for it? */
static bool flush_fits(const struct art_tree *tree, uint64_t budget) {
    uint64_t log = bytes_of_log(tree);
    return log && log <= budget && tree->root->runs < ART_RUNS_MAX;
}

static uint64_t portion_of(uint64_t budget) {
    return budget < SHORT_BYTES ? PORTION_BYTES : LARGE_PORTION_BYTES;
}

/* Blobs in rows, and no room for all of them at once: the log goes, and as many portions are merged as the budget
 * allows. What they free is the next transaction's. A host whose disk is full ends the transaction, so nothing is begun
 * that cannot be finished; and what a portion takes is known behind it only, so more than one need twice as much. */
static enum art_rc vacuum_within(struct art_tree *tree, uint64_t budget, enum art_log_room log) {
    struct art_version_edit *edit = &tree->pending.edit;
    assert(!edit->root && art_tree_medium(tree)->in_hosts_journal);
    bool flushes = vacuum_must_flush(tree, log) || flush_fits(tree, budget);
    uint64_t needed = portion_of(budget);
    tree->full = true;
    if (!flushes && (budget < needed || tree->root->runs <= 1)) return ART_OK;
    enum art_rc rc = flushes ? art_memtable_open_summed(&tree->pending.empty, art_tree_summary(tree)) : ART_OK;
    if (!rc) rc = art_edit_begin(tree, edit);
    if (!rc && flushes) rc = art_compact_flush(tree, edit, tree->memtable);
    tree->small_compactions = budget < SHORT_BYTES;
    for (; !rc && edit->root->runs > 1 && bytes_spent(tree, edit) + needed <= budget; needed = 2 * portion_of(budget)) {
        rc = art_compact_some(tree, edit, 1);
    }
    if (!rc && edit->root->runs > ART_RUNS_MAX) rc = art_compact_merge(tree, edit, 0);
    tree->small_compactions = false;
    if (rc) return rc;
    return flushes ? art_commit_finish_flush(tree) : art_commit_finish_root(tree);
}

enum art_rc art_room_vacuum(struct art_tree *tree, enum art_log_room log) {
    assert(tree->thrift < VACUUM_ATTEMPTS);
    enum art_rc rc = ART_OK;
    uint64_t budget = art_room_budget(tree).bytes;
    if (art_tree_requested(tree, ART_REQUEST_OPTIMIZE) && budget < art_room_of_runs(tree->root) + bytes_of_log(tree)) {
        return vacuum_within(tree, budget, log);
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
    uint64_t budget = art_room_budget(tree).bytes;
    if (budget >= art_room_of_runs(tree->root) + bytes_of_log(tree) || flush_fits(tree, budget)) return false;
    return budget < portion_of(budget) || tree->root->runs <= 1;
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
