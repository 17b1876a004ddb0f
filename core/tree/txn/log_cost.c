/* When is the log full?
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
#include "core/tree/txn/txn.h"

enum {
    AUTO_BYTES_A_PAGE = 8192, /* of a full blob: 1 MB */
    BYTES_A_KEY = 64,
    BYTES_A_SINGLE_KEY = 768, /* of a commit of up to SMALL_COMMIT_ENTRIES entries */
    SMALL_COMMIT_ENTRIES = 64,
    LARGE_COMMIT_ENTRIES = 8192, /* with these the table above ends; */
    LONG_PART = 4,               /* the quarter for long entries, */
    ROW_BYTES_MOST = 1000000     /* and SQLite's advice */
};

uint64_t art_log_limit(const struct art_tree *tree) {
    return tree->options.log_limit == ART_LOG_AUTO ? (uint64_t)AUTO_BYTES_A_PAGE * art_tree_full_pages(tree)
                                                   : tree->options.log_limit;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

uint64_t art_log_cost(const struct art_tree *tree) {
    uint64_t bytes = tree->log_bytes + tree->pending.redo.len;
    if (tree->options.log_limit != ART_LOG_AUTO) return larger(bytes, art_memtable_keys(tree->memtable) * BYTES_A_KEY);
    uint64_t now = tree->pending.entries, entries = tree->log_entries + now;
    uint64_t a_key = larger(BYTES_A_KEY, BYTES_A_SINGLE_KEY * SMALL_COMMIT_ENTRIES / larger(now, SMALL_COMMIT_ENTRIES));
    uint64_t copied = entries * BYTES_A_KEY + bytes / LONG_PART;
    if (now > LARGE_COMMIT_ENTRIES) entries = larger(entries, art_log_limit(tree) / BYTES_A_KEY + 1);
    return larger(entries * a_key, bytes < copied ? bytes : copied);
}

bool art_log_row_is_long(const struct art_tree *tree) {
    assert(tree->pending.commit.write_redo);
    uint64_t len = tree->pending.redo.len;
    if (tree->options.row_limit && len > tree->options.row_limit) return true;
    return len > INT32_MAX || (len > ROW_BYTES_MOST && tree->txn.adds && tree->options.log_limit == ART_LOG_AUTO);
}
