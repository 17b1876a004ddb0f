/* When is the log full? Which of its rows may a flush leave, and when has merging its turn?
 *
 * Who opens the table reads the whole log before the first row. A limit in bytes is taken at its word, and a key counts
 * as some bytes at least: deletes are short, but replayed all the same. By itself (ART_LOG_AUTO) the log is full when
 * opening the table takes about eight times as long as opening an ordinary one. A load may fill a larger one, since a
 * flush's sync costs it dear:
 *
 *     entries of a commit     1 .. 64   100     320     768 .. 8,192   more
 *     entries in the log      1,365     2,133   6,826   16,384         none
 *
 * and in any case at 1 MB of redo, of which long entries, which are only copied, count a quarter. A commit of more than
 * 8,192 entries flushes: that costs it no more than its redo would, and leaves nothing to be replayed. A small commit
 * that comes behind a load finds the log full, and so its readers soon have a short one. A transaction that adds rows
 * makes no row of redo that is longer than what SQLite advises programs to allow for strings of others
 * (SQLITE_LIMIT_LENGTH): else such a program could not read the log.
 */
#include "core/base/limits.h"
#include "core/tree/txn/room.h"

enum {
    BYTES_A_KEY = 64,
    BYTES_A_SINGLE_KEY = 768, /* of a small commit */
    LONG_PART = 4,            /* the quarter for long entries, */
    ROW_BYTES_MOST = 1000000, /* and SQLite's advice */
    PATIENCE = 4              /* limits of the log, beyond which a flush that fails fails the commit */
};

uint64_t art_log_limit(const struct art_tree *tree) {
    return tree->options.log_limit == ART_LOG_AUTO ? (uint64_t)ART_LIMIT(log_bytes_a_page) * art_tree_full_pages(tree)
                                                   : tree->options.log_limit;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

uint64_t art_log_cost(const struct art_tree *tree) {
    uint64_t bytes = tree->log_bytes + tree->pending.redo.len;
    if (tree->options.log_limit != ART_LOG_AUTO) return larger(bytes, art_memtable_keys(tree->memtable) * BYTES_A_KEY);
    uint64_t now = tree->pending.entries, entries = tree->log_entries + now;
    uint64_t a_key =
        larger(BYTES_A_KEY, BYTES_A_SINGLE_KEY * ART_LIMIT(small_commit) / larger(now, ART_LIMIT(small_commit)));
    uint64_t copied = entries * BYTES_A_KEY + bytes / LONG_PART;
    if (now > ART_LIMIT(large_commit)) entries = larger(entries, art_log_limit(tree) / BYTES_A_KEY + 1);
    return larger(entries * a_key, bytes < copied ? bytes : copied);
}

bool art_log_row_is_long(const struct art_tree *tree) {
    assert(tree->pending.commit.write_redo);
    uint64_t len = tree->pending.redo.len;
    if (tree->options.row_limit && len > tree->options.row_limit) return true;
    return len > INT32_MAX || (len > ROW_BYTES_MOST && tree->txn.adds && tree->options.log_limit == ART_LOG_AUTO);
}

enum art_log_room art_log_has_room(struct art_tree *tree) {
    uint64_t log = art_log_cost(tree), limit = art_log_limit(tree);
    if (art_log_row_is_long(tree)) return ART_LOG_NO_PLACE;
    if (log > PATIENCE * limit) return ART_LOG_OVERFULL;
    return log > limit || art_memtable_shadows_much(tree) || art_tree_empties(tree) ? ART_LOG_FULL : ART_LOG_HAS_ROOM;
}

bool art_log_can_be_left(const struct art_tree *tree) {
    uint64_t rows = tree->csn - tree->root->csn;
    return rows > 1 && !tree->txn.handed_over && tree->log_bytes >= ART_LONG_ROW_BYTES * rows;
}

uint64_t art_log_rows_to_leave(const struct art_tree *tree) {
    assert(tree->csn >= tree->root->csn);
    uint64_t rows = tree->csn - tree->root->csn;
    assert(art_tree_in_txn(tree));
    bool asked = art_tree_requested(tree, ART_REQUEST_ALONE - 1),
         may_leave = art_tree_requested(tree, ART_REQUEST_VACUUM);
    if (!art_log_can_be_left(tree) || (asked && (!may_leave || art_room_clears_log(tree)))) return 0;
    return rows & (rows + 1) ? rows : rows - 1;
}

bool art_log_lets_merge(const struct art_tree *tree) {
    uint64_t redo = tree->redo_since_merge + tree->pending.redo.len;
    bool batch = tree->pending.redo.len >= ART_BATCH_BYTES || tree->pending.redo.len >= art_log_limit(tree) / 32;
    if (redo >= art_tree_medium(tree)->merge_every_bytes || redo >= art_log_limit(tree) / 16 * 5) return true;
    return tree->slack == ART_SLACK_LARGE || tree->slack == ART_SLACK_HIDDEN ||
           (batch && tree->slack == ART_SLACK_LOOSE);
}
