/* Is there room? What a commit asks before it writes, and 'vacuum', which makes room on a disk that is nearly full.
 *
 * The last room is kept for deletes: a transaction that adds rows is refused by a flush that finds less than some MB,
 * and so is one that asks for a flush, for 'optimize' or for a snapshot. One that only deletes goes on with rows in the
 * log, whatever its limit, as long as the host finds room for them; 'vacuum' turns them into room.
 *
 * Where not all of the table can be written at once, 'vacuum' does it by portions, as many as two budgets allow:
 *
 *     told      blobs that are rows take room twice or three times: in the host's journal, and in its file. And a host
 *               whose disk is full ends the transaction. So it says what there is (art_host.budget), and nothing is
 *               begun that has no room
 *     learned   nobody tells of a quota, and for a file it is simply tried: behind a full disk half of what was written
 *               may be written next (tree->budget), and twice as much behind each portion that there was room for
 */
#include "core/tree/txn/room.h"

/* Each page of rows makes a transaction owe MERGE_PAGES_PER_PAGE of merging: about what all levels write for it in the
 * long run. Small commits leave the merging to one of them, behind the medium's merge_every_bytes of redo: so somebody
 * who commits a row at a time waits in one commit of some thousand, and not in each hundredth. */
enum {
    MERGE_PAGES_PER_PAGE = 16,
    RESERVE_BYTES = 8 << 20, /* of the file system's, or a part of the table's own size, for DELETE and 'vacuum' */
    RESERVE_PART = 3,
    JOURNAL_BYTES = 256 << 10, /* beside what is in the log */
    MUCH_SLOTS = 8             /* 4 MB */
};

/* Of the room for blobs in rows: the part that a commit merges by the way; what is left for DELETE and 'vacuum'; below
 * which merges go in small portions, and about what a portion writes, small or not. Of the disk's own: what is left in
 * any case, and what is taken for each eight bytes at most: a page of ours is a row of a b-tree, which takes a page by
 * itself or is cut into an overflow page and a part of another. Of what is beyond the need, the part that may be
 * written before room is asked for again. */
enum {
    MERGED_PART = 4,
    REMOVED_PART = 4, /* of what was learned: a blob goes where the smallest portion may be written */
    RESERVE_BYTES_IN_ROWS = 3 << 20,
    SHORT_BYTES = 32 << 20,
    PORTION_BYTES = 2 << 20,
    LARGE_PORTION_BYTES = 12 << 20,
    KEPT_BYTES = 128 << 10,
    REMOVED_BYTES = 1 << 20, /* what a commit can always remove: two blobs, or a row that a flush has left in the log */
    ROW_PARTS = 12,
    ROW_PARTS_OF_BLOB = 8,
    LOOK_AGAIN_PART = 16,
    LEFT_LOGS = 4 /* long entries count a quarter in the log's limit (log_cost.c) */
};

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Blobs of a file do not go through the host's database. */
static struct art_budget told_left(const struct art_tree *tree) {
    struct art_budget budget = art_rows_ask_budget(tree);
    if (art_tree_medium(tree)->in_hosts_journal) return budget;
    return (struct art_budget){.left = budget.left, .journal = budget.journal};
}

/* For what may be tried: as much of a file as is wanted. */
static struct art_budget budget_left(const struct art_tree *tree) {
    bool told = art_tree_medium(tree)->in_hosts_journal && tree->host.budget;
    return told ? told_left(tree) : (struct art_budget){.left = UINT64_MAX};
}

static uint64_t beyond(uint64_t bytes, uint64_t free) {
    return bytes > free ? bytes - free : 0;
}

static uint64_t in_rows(uint64_t bytes) {
    return bytes / ROW_PARTS_OF_BLOB * ROW_PARTS;
}

/* What writing blobs of so many bytes and removing others takes of the disk. New pages are free ones of the database's,
 * or make its file longer. What is removed is written, too, since secure_delete may be on, and always to the journal:
 * with a WAL all goes there first. */
static uint64_t cost_of(const struct art_budget *budget, uint64_t written, uint64_t removed) {
    uint64_t journal = in_rows(removed + (budget->twice ? written : 0)) + KEPT_BYTES;
    return beyond(in_rows(written), budget->unused) + beyond(journal, budget->journal);
}

static bool disk_holds(const struct art_budget *budget, uint64_t written, uint64_t removed) {
    return budget->left == UINT64_MAX || cost_of(budget, written, removed) <= budget->left;
}

/* So much can be removed beside that, and as much written where `writes`. */
static uint64_t balance_of(const struct art_budget *budget, uint64_t removed, bool writes) {
    uint64_t bytes = 0;
    if (budget->left == UINT64_MAX) return UINT64_MAX;
    for (uint64_t more = (uint64_t)1 << 48; more >= ART_BLOB_PAGE; more /= 2) {
        if (disk_holds(budget, writes ? bytes + more : 0, removed + bytes + more)) bytes += more;
    }
    return bytes;
}

/* What a flush writes, at most about. The log has each key as often as it was changed, but shares its beginnings, as a
 * blob does. A transaction too large for a row of redo is not in it. */
static uint64_t bytes_to_flush(const struct art_tree *tree) {
    uint64_t bytes = art_memtable_bytes(tree->memtable), redo = tree->pending.redo.len;
    if (!art_memtable_keys(tree->memtable)) return 0;
    return redo || tree->txn.state == ART_TXN_BEGUN ? smaller(bytes, tree->log_bytes + redo) : bytes;
}

/* What deleting the rows of the log writes. Without secure_delete the host frees the pages of long rows as they are. */
static uint64_t bytes_of_clearing(const struct art_tree *tree) {
    bool is_long = tree->log_bytes >= (uint64_t)ART_LONG_ROW_BYTES * tree->log_rows;
    bool writes = !is_long || !tree->host.secure_delete || tree->host.secure_delete(tree->host.context);
    return writes ? tree->log_bytes : tree->log_rows * ART_BLOB_PAGE;
}

/* With those that an earlier flush has left: nobody knows their lengths any more, but of all of them. */
static uint64_t bytes_to_clear(const struct art_tree *tree) {
    uint64_t left = art_root_left(tree->root, tree->csn) * ART_LEFT_ROW_BYTES;
    return bytes_of_clearing(tree) + smaller(left, LEFT_LOGS * art_log_limit(tree));
}

/* What a flush's commit removes, `more` bytes of the log among it: either the log or what is dead. Long rows stay. */
static uint64_t bytes_flush_removes(const struct art_tree *tree, uint64_t more) {
    uint64_t log = art_log_can_be_left(tree) ? 0 : bytes_of_clearing(tree) + more;
    return log > REMOVED_BYTES ? log : REMOVED_BYTES;
}

static enum art_rc check_left(const struct art_tree *tree, uint64_t left, uint64_t needed) {
    if (left >= needed) return ART_OK;
    return art_fail(
        ART_DISKFULL,
        "art: the disk is full (%s): %llu bytes are left and the database's journal needs %llu: make room on its "
        "file system, or drop snapshots, DELETE rows, then art_vacuum()",
        tree->options.path, (unsigned long long)left, (unsigned long long)needed);
}

/* For the host's journal: it also writes over what it has, if it stays. */
static enum art_rc check_room(const struct art_tree *tree, uint64_t needed) {
    return check_left(tree, art_rows_ask_room(tree), beyond(needed, told_left(tree).journal));
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
        "system, or drop snapshots, DELETE rows, then art_vacuum()",
        tree->options.path, (unsigned long long)left);
}

/* A row of redo: behind it there must be room for a flush, and for a portion of what is merged then. A DELETE may take
 * of that where it makes the flush smaller. Who adds asks seldom where much is left. */
static enum art_rc leave_room_for_flush(struct art_tree *tree) {
    uint64_t redo = tree->pending.redo.len, flushed = bytes_to_flush(tree);
    if (tree->txn.adds ? redo < tree->redo_until_look : redo < ART_BATCH_BYTES) return ART_OK;
    struct art_budget budget = told_left(tree);
    uint64_t portion = smaller(PORTION_BYTES, art_room_of_runs(tree->root) + flushed);
    uint64_t needed = cost_of(&budget, flushed + portion + redo, bytes_flush_removes(tree, redo));
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
    if (art_tree_medium(tree)->in_hosts_journal || tree->txn.adds) return leave_room_for_flush(tree);
    return redo >= ART_BATCH_BYTES ? check_room(tree, JOURNAL_BYTES + tree->log_bytes + redo) : ART_OK;
}

/* Is there room for a flush's commit to delete the whole log? What it writes is in the host's files already, but not in
 * its WAL. */
bool art_room_clears_log(const struct art_tree *tree) {
    struct art_budget budget = budget_left(tree);
    uint64_t written = budget.twice ? tree->pending.edit.pages_written * ART_BLOB_PAGE : 0;
    if (!art_tree_medium(tree)->in_hosts_journal)
        return art_rows_ask_room(tree) >= beyond(JOURNAL_BYTES + bytes_of_clearing(tree), told_left(tree).journal);
    return disk_holds(&budget, 0, written + bytes_to_clear(tree));
}

/* Slots whose blobs the pending commit may discard; UINT64_MAX: all. */
uint64_t art_room_to_discard(const struct art_tree *tree) {
    struct art_budget budget = budget_left(tree);
    const struct art_version_edit *edit = &tree->pending.edit;
    uint64_t taken = budget.twice ? edit->pages_written * ART_BLOB_PAGE : 0;
    if (tree->pending.kind == ART_COMMIT_FLUSH && !edit->root->left_rows) taken += bytes_to_clear(tree);
    if (tree->pending.commit.spent) taken += ART_LEFT_ROW_BYTES;
    uint64_t part = tree->budget ? tree->budget / REMOVED_PART : REMOVED_BYTES; /* 0: nothing is written but this */
    uint64_t learned = art_tree_requested(tree, ART_REQUEST_VACUUM) ? part : UINT64_MAX;
    return smaller(balance_of(&budget, taken, false), learned) / ((uint64_t)art_tree_full_pages(tree) * ART_BLOB_PAGE);
}

void art_room_owe(struct art_version_edit *edit, uint64_t pages) {
    assert(edit->root && edit->root->references == 1);
    edit->root->owed += MERGE_PAGES_PER_PAGE * pages;
}

/* A transaction that spilled or wants to be flushed has no row: what it flushes counts. */
void art_room_owe_commit(struct art_tree *tree) {
    struct art_version_edit *edit = &tree->pending.edit;
    uint64_t redo = tree->pending.redo.len;
    art_room_owe(edit, redo ? redo / ART_BLOB_PAGE : edit->pages_written);
    if (art_tree_requested(tree, ART_REQUEST_OPTIMIZE)) edit->root->owed = UINT64_MAX;
}

/* In small portions where the whole budget is no more than a few large ones. */
static bool is_for_small_portions(const struct art_tree *tree, const struct art_budget *budget) {
    return smaller(tree->budget, balance_of(budget, 0, true)) < SHORT_BYTES;
}

enum art_rc art_room_merge(struct art_tree *tree, struct art_version_edit *edit) {
    assert(tree->slots.use && edit->root);
    struct art_budget budget = budget_left(tree);
    if (tree->rows.rolled_back) return art_rows_over(tree);
    uint64_t most = balance_of(&budget, 0, true) / MERGED_PART / ART_BLOB_PAGE;
    edit->small_portions = is_for_small_portions(tree, &budget);
    edit->root->owed = smaller(edit->root->owed, most);
    return art_compact_merge(tree, edit);
}

uint64_t art_room_of_runs(const struct art_root *root) {
    uint64_t pages = 0;
    for (unsigned i = 0; i < root->runs; i++) pages += root->run[i].pages;
    return pages * ART_BLOB_PAGE;
}

bool art_room_outweighs_log(const struct art_root *root) {
    return art_room_of_runs(root) >= (uint64_t)MUCH_SLOTS * ART_BLOB_BYTES;
}

/* Of blobs in rows: has the room for them come to so little, and do they need as much? */
static bool is_short(const struct art_tree *tree, uint64_t bytes) {
    struct art_budget budget = budget_left(tree);
    return balance_of(&budget, 0, true) < smaller(art_room_of_runs(tree->root), bytes);
}

/* For any storage, behind so many bytes. */
static bool has_reserve(const struct art_tree *tree, uint64_t written, uint64_t *left) {
    uint64_t room = art_rows_ask_room(tree), unused = budget_left(tree).unused;
    *left = room < UINT64_MAX - unused ? room + unused : room;
    return *left >= written + smaller(art_room_of_runs(tree->root) / RESERVE_PART, RESERVE_BYTES);
}

bool art_room_is_low(const struct art_tree *tree, uint64_t *left) {
    return !has_reserve(tree, 0, left) || is_short(tree, RESERVE_BYTES_IN_ROWS);
}

/* Is a merge that is merely due better left to 'vacuum'? */
bool art_room_spares_disk(const struct art_tree *tree) {
    uint64_t left;
    return (art_tree_is_full(tree) && !tree->txn.adds) || art_room_is_low(tree, &left) ||
           is_short(tree, 2 * RESERVE_BYTES_IN_ROWS);
}

/* A flush takes room before it gives any, and so does the host's journal for the rows that go: those who delete leave
 * it to 'vacuum' as long as the log's own bytes are few. Who deletes the last row has no blob to write. */
bool art_room_leaves_flush(struct art_tree *tree) {
    uint64_t left, bytes = tree->log_bytes + tree->pending.redo.len;
    if (tree->txn.adds) return false;
    if (art_tree_empties(tree) && (art_log_can_be_left(tree) || art_room_clears_log(tree))) return false;
    return (art_tree_is_full(tree) || (bytes <= 2 * art_log_limit(tree) && art_room_is_low(tree, &left)));
}

/* What a flush writes with all that it must merge: every run for 'optimize', and level 0 where the root has no place
 * for another run. */
static uint64_t bytes_flush_writes(const struct art_tree *tree) {
    uint64_t pages = 0, flushed = bytes_to_flush(tree);
    if (art_tree_requested(tree, ART_REQUEST_OPTIMIZE)) return art_room_of_runs(tree->root) + flushed;
    for (unsigned i = 0; tree->root->runs >= ART_RUNS_MAX && i < tree->root->runs && !tree->root->run[i].level; i++) {
        pages += tree->root->run[i].pages;
    }
    return pages * ART_BLOB_PAGE + flushed;
}

/* Of blobs in rows: is as much of it left behind so many bytes? */
static bool keeps_reserve_in_rows(const struct art_tree *tree, uint64_t written) {
    struct art_budget budget = budget_left(tree);
    uint64_t reserve = smaller(art_room_of_runs(tree->root), RESERVE_BYTES_IN_ROWS);
    return disk_holds(&budget, written + reserve, REMOVED_BYTES);
}

/* Deletes may, which leave their rows in the log. Commands can wait. */
static bool takes_of_reserve(const struct art_tree *tree) {
    return tree->txn.adds || art_tree_requested(tree, ART_REQUEST_FLUSH | ART_REQUEST_OPTIMIZE | ART_REQUEST_SNAPSHOT);
}

enum art_rc art_room_keep_reserve(const struct art_tree *tree) {
    uint64_t left;
    if (!takes_of_reserve(tree)) return ART_OK;
    bool kept = keeps_reserve_in_rows(tree, bytes_flush_writes(tree));
    kept &= has_reserve(tree, 0, &left);
    if (tree->rows.rolled_back) return art_rows_over(tree);
    return kept ? ART_OK : refuse_rows(tree, left);
}

enum art_rc art_room_for_range(const struct art_tree *tree, uint64_t written, bool adds, bool *fits) {
    uint64_t left;
    struct art_budget budget = budget_left(tree);
    written += bytes_flush_writes(tree);
    uint64_t portion = smaller(PORTION_BYTES, art_room_of_runs(tree->root) + written);
    *fits = has_reserve(tree, written, &left) && keeps_reserve_in_rows(tree, written);
    *fits &= disk_holds(&budget, written + portion, REMOVED_BYTES) && (adds || !art_tree_is_full(tree));
    if (tree->rows.rolled_back) return art_rows_over(tree);
    return *fits || !adds ? ART_OK : refuse_rows(tree, left);
}

/* --- what is learned ---------------------------------------------------------------------------------------------- */

/* Half of what was written; and nothing, once, where not even the smallest portion had room: then dead blobs go, which
 * may be the room that a portion needs. */
void art_room_note_full(struct art_tree *tree, const struct art_version_edit *edit) {
    uint64_t half = smaller(tree->budget, edit->pages_written * ART_BLOB_PAGE) / 2;
    bool is_least = tree->budget <= PORTION_BYTES;
    tree->budget = is_least ? 0 : half > PORTION_BYTES ? half : PORTION_BYTES;
    tree->count.no_room++;
}

/* Something is left for want of room. What was told by the host is asked for again. */
static void note_left(struct art_tree *tree) {
    tree->budget = !tree->budget ? PORTION_BYTES : tree->budget < UINT64_MAX / 2 ? 2 * tree->budget : UINT64_MAX - 1;
    tree->count.no_room++;
}

void art_room_note_root(struct art_tree *tree) {
    const struct art_version_edit *edit = &tree->pending.edit;
    assert(edit->root);
    bool more = edit->pages_written || tree->pending.slots_cut || edit->root->runs < tree->root->runs;
    bool vacuums = art_tree_requested(tree, ART_REQUEST_VACUUM),
         merges = art_tree_requested(tree, ART_REQUEST_OPTIMIZE);
    bool stays = merges && (tree->log_bytes || art_root_left(tree->root, tree->csn));
    bool log = tree->pending.kind == ART_COMMIT_FLUSH ? edit->root->left_rows : stays;
    if (!tree->pending.discarded || (vacuums && (log || (merges && edit->root->runs > 1))))
        note_left(tree);
    else if (more)
        tree->budget = UINT64_MAX;
    else if (!tree->budget)
        tree->budget = PORTION_BYTES;
}

void art_room_note_hidden(struct art_tree *tree, uint32_t slots) {
    if (slots < MUCH_SLOTS) return;
    tree->pending.slack = tree->pending.slack < ART_SLACK_LOOSE ? ART_SLACK_HIDDEN : ART_SLACK_LARGE;
}

void art_room_note_row(struct art_tree *tree) {
    tree->redo_until_look = beyond(tree->redo_until_look, tree->pending.redo.len);
}

void art_tree_note_full(struct art_tree *tree) {
    if (tree->txn.shown == ART_ROOT_OFFERED) tree->txn.shown = ART_ROOT_HIDDEN;
    bool noted = !tree->pending.made_for && art_tree_is_full(tree); /* by prepare(), whose edit is gone */
    if (!noted) art_room_note_full(tree, &tree->pending.edit);
}

/* --- vacuum ------------------------------------------------------------------------------------------------------- */

/* At four times the limit, too, unless rows are only deleted. */
static bool vacuum_must_flush(const struct art_tree *tree, enum art_log_room log) {
    return log == ART_LOG_NO_PLACE || (log == ART_LOG_OVERFULL && tree->txn.adds);
}

/* By both budgets. */
static bool fits(const struct art_tree *tree, const struct art_budget *budget, uint64_t written, uint64_t removed) {
    return written <= tree->budget && disk_holds(budget, written, removed);
}

/* What one run of all rows takes, at most about. Dead ones are not in it: a file is tried by the average row. */
static uint64_t bytes_of_one_run(const struct art_tree *tree) {
    uint64_t runs = art_room_of_runs(tree->root), entries = 0;
    int64_t rows = art_root_count(tree->root, art_memtable_count(tree->memtable));
    for (unsigned i = 0; i < tree->root->runs; i++) entries += tree->root->run[i].top.entries;
    bool shrinks = !art_tree_medium(tree)->in_hosts_journal && rows > 0 && (uint64_t)rows < entries;
    return (shrinks ? (uint64_t)((double)runs * (double)rows / (double)entries) : runs) + bytes_to_flush(tree);
}

static bool all_fits(const struct art_tree *tree, const struct art_budget *budget) {
    return fits(tree, budget, bytes_of_one_run(tree), art_room_of_runs(tree->root) + bytes_to_clear(tree));
}

/* A flush takes room before it gives any. So where room was learned to be short, no file is flushed unless a portion
 * can follow at once: else what was left would be gone for it. */
static bool flush_fits(const struct art_tree *tree, const struct art_budget *budget) {
    uint64_t flushed = bytes_to_flush(tree);
    if (!flushed) return disk_holds(budget, 0, bytes_to_clear(tree));
    if (tree->root->runs >= ART_RUNS_MAX) return false;
    uint64_t left = beyond(bytes_to_clear(tree), bytes_of_clearing(tree));
    if (!art_tree_medium(tree)->in_hosts_journal && tree->root->runs) flushed += PORTION_BYTES;
    return fits(tree, budget, flushed, bytes_flush_removes(tree, 0) + left);
}

static uint64_t portion_of(const struct art_tree *tree, const struct art_budget *budget) {
    return is_for_small_portions(tree, budget) ? PORTION_BYTES : LARGE_PORTION_BYTES;
}

static bool portion_fits(const struct art_tree *tree, const struct art_budget *budget) {
    return tree->root->runs > 1 && fits(tree, budget, portion_of(tree, budget), REMOVED_BYTES);
}

/* Is there room to let a blob go, or a row that a flush has left in the log? */
static bool some_can_go(const struct art_tree *tree, const struct art_budget *budget) {
    return art_root_left(tree->root, tree->csn) || disk_holds(budget, 0, ART_BLOB_BYTES);
}

/* As many portions as there is room for. What one takes is known behind it only, so more than one need twice as much;
 * and behind a flush of much it is known by the next commit. */
static enum art_rc merge_portions(struct art_tree *tree, const struct art_budget *budget) {
    struct art_version_edit *edit = &tree->pending.edit;
    uint64_t needed = portion_of(tree, budget), written = edit->pages_written * ART_BLOB_PAGE;
    enum art_rc rc = ART_OK;
    edit->small_portions = needed == PORTION_BYTES;
    bool is_told = art_tree_medium(tree)->in_hosts_journal;
    if (is_told && edit->small_portions && written >= KEPT_BYTES) return ART_OK;
    while (!rc && edit->root->runs > 1 && fits(tree, budget, written + needed, REMOVED_BYTES)) {
        rc = art_compact_partially(tree, edit, 0);
        if (!rc) rc = art_tree_interrupted(tree);
        written = edit->pages_written * ART_BLOB_PAGE;
        needed = 2 * portion_of(tree, budget);
    }
    return rc;
}

/* Merges what there is: all, which becomes one run, or portions. Without 'optimize' only what a flush owes. */
static enum art_rc vacuum_merges(struct art_tree *tree, const struct art_budget *budget, bool all, bool flushes) {
    struct art_version_edit *edit = &tree->pending.edit;
    bool merges = art_tree_requested(tree, ART_REQUEST_OPTIMIZE);
    if (merges && all) return art_compact_all(tree, edit, tree->memtable);
    enum art_rc rc = flushes ? art_compact_flush(tree, edit, tree->memtable) : ART_OK;
    if (!rc && merges) rc = merge_portions(tree, budget);
    if (!rc && !merges && flushes) {
        art_room_owe_commit(tree);
        rc = art_room_merge(tree, edit);
    }
    if (rc || edit->root->runs <= ART_RUNS_MAX) return rc;
    edit->root->owed = 0; /* what there is room for, the portions have done */
    return art_compact_merge(tree, edit);
}

/* By what the two budgets have room for: the log goes, runs are merged, and in a file blobs move where there is nothing
 * left to be merged. What does not fit is the next transaction's. */
static enum art_rc vacuum_within(struct art_tree *tree, enum art_log_room log) {
    struct art_version_edit *edit = &tree->pending.edit;
    assert(!edit->root && !tree->pending.empty);
    struct art_budget budget = budget_left(tree);
    bool merges = art_tree_requested(tree, ART_REQUEST_OPTIMIZE), all = all_fits(tree, &budget);
    bool flushes = vacuum_must_flush(tree, log);
    if (merges || log != ART_LOG_HAS_ROOM) flushes |= all || flush_fits(tree, &budget);
    if (!flushes && merges && !portion_fits(tree, &budget) && !some_can_go(tree, &budget)) {
        note_left(tree);
        return ART_OK;
    }
    enum art_rc rc = flushes ? art_memtable_open_summed(&tree->pending.empty, art_tree_summary(tree)) : ART_OK;
    if (!rc) rc = art_edit_begin(tree, edit);
    if (!rc) rc = vacuum_merges(tree, &budget, all, flushes);
    uint64_t moves = beyond(tree->budget, edit->pages_written * ART_BLOB_PAGE) / ART_BLOB_BYTES;
    if (!rc && moves && (!merges || edit->root->runs <= 1))
        rc = art_vacuum(tree, edit, (uint32_t)smaller(moves, UINT32_MAX));
    if (rc) return rc;
    return flushes ? art_commit_finish_flush(tree) : art_commit_finish_root(tree);
}

enum art_rc art_room_vacuum(struct art_tree *tree, enum art_log_room log) {
    for (;;) {
        uint64_t tried = tree->budget;
        enum art_rc rc = vacuum_within(tree, log);
        if (rc != ART_DISKFULL || !tried || !art_commit_may_wait(tree, rc)) return rc;
        (void)art_commit_give_up(tree, rc);
    }
}

/* Has 'vacuum' no room, in a transaction that changes nothing else? Then nothing is written at all, and the host may go
 * on to make room by a checkpoint. Not behind a refused COMMIT: the row that it left in the host's log would be
 * committed under a number that this tree gives out again. */
bool art_room_has_none(struct art_tree *tree) {
    bool alone = tree->txn.state == ART_TXN_BEGUN && art_tree_requested(tree, ART_REQUEST_OPTIMIZE) &&
                 !art_tree_requested(tree, ART_REQUEST_SNAPSHOT);
    if (!alone || tree->txn.handed_over != ART_COMMIT_NOTHING || !art_commit_finds_vacuum(tree)) return false;
    struct art_budget budget = budget_left(tree);
    tree->pending.redo.len = 0; /* the last commit's */
    if (all_fits(tree, &budget) || (tree->log_bytes && flush_fits(tree, &budget))) return false;
    if (portion_fits(tree, &budget) || some_can_go(tree, &budget)) return false;
    note_left(tree);
    return true;
}
