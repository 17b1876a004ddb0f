/* Between commit.c, which makes what a commit leaves, and room.c, which knows whether there is room for it. */
#ifndef ART_TREE_ROOM_H
#define ART_TREE_ROOM_H

#include "core/tree/txn/txn.h"

enum {
    ART_BATCH_BYTES = 32 << 10,  /* of redo: rows that were collected may wait */
    ART_LONG_ROW_BYTES = 4096,   /* of redo: it has pages of its own in the host's table */
    ART_LEFT_ROW_BYTES = 1 << 20 /* what a row may have that a flush has left: nobody knows any more */
};

/* What becomes of the row of redo in the log. */
enum art_log_room {
    ART_LOG_HAS_ROOM, /* it stands there until a later commit flushes */
    ART_LOG_FULL,     /* over its limit, or the memtable hides much of the runs, or all: a flush is due */
    ART_LOG_OVERFULL, /* four times over its limit: an error of the flush counts */
    ART_LOG_NO_PLACE  /* there is no row, or it cannot stand there: the transaction must be flushed */
};

/* --- log_cost.c --------------------------------------------------------------------------------------------------- */
/* For the pending row of redo. */
enum art_log_room art_log_has_room(struct art_tree *tree);
/* Are the log's rows such that a flush may leave them, to be overwritten one by one? */
bool art_log_can_be_left(const struct art_tree *tree);
/* How many rows stay in the log whose changes the new root has. None where a command is to leave nothing of what was
 * deleted, unless 'vacuum' has no room for that, or where a refused COMMIT has left row csn among them. Never 2^k - 1:
 * row csn deletes row csn - left_rows - 1, and a flipped bit in the number of the one must not give the number of the
 * other. */
uint64_t art_log_rows_to_leave(const struct art_tree *tree);
/* Has merging its turn? Three times a log, and then with its flush. What a merge has left of the file is given back by
 * the next batches, or by any commit where it is much: until then it is that much too large. */
bool art_log_lets_merge(const struct art_tree *tree);

/* --- room.c ------------------------------------------------------------------------------------------------------- */
/* Bytes of the used pages of all blobs that the root names. */
uint64_t art_room_of_runs(const struct art_root *root);
/* Are the root's blobs more than a log of long rows that goes with them? A queue's are not: it is emptied again and
 * again, and a host may write the pages of rows that it deletes once more. */
bool art_room_outweighs_log(const struct art_root *root);
/* Is the disk nearly full? *left: bytes that it has. */
bool art_room_is_low(const struct art_tree *tree, uint64_t *left);
/* ART_DISKFULL where what was written for the pending root leaves none for the host's journal. */
enum art_rc art_room_leave_for_journal(const struct art_tree *tree);
/* ART_DISKFULL where a row of redo would leave none for 'vacuum'. */
enum art_rc art_room_leave_for_vacuum(struct art_tree *tree);
/* May the commit that flushes delete all rows of the log? And blobs of so many slots? UINT64_MAX: all. */
bool art_room_clears_log(const struct art_tree *tree);
uint64_t art_room_to_discard(const struct art_tree *tree);
/* ART_DISKFULL where a flush would take from the reserve, and deletes do not need it. */
enum art_rc art_room_keep_reserve(const struct art_tree *tree);
/* A range that is changed as one thing writes so many bytes at once: do they fit, with a portion that 'vacuum' merges
 * then? Where rows come they must, and leave the reserve: else ART_DISKFULL. */
enum art_rc art_room_for_range(const struct art_tree *tree, uint64_t written, bool adds, bool *fits);
/* Is a flush of deletes better left to 'vacuum'? Is a merge that is merely due? */
bool art_room_leaves_flush(struct art_tree *tree);
bool art_room_spares_disk(const struct art_tree *tree);
/* Makes the edit's root owe merging (art_root.owed): for so many pages of rows; the pending one for this commit's row
 * of redo, or for what it has flushed. */
void art_room_owe(struct art_version_edit *edit, uint64_t pages);
void art_room_owe_commit(struct art_tree *tree);
/* Merges what the edit's root owes, as far as there is room for it: what art_compact_merge() said. */
enum art_rc art_room_merge(struct art_tree *tree, struct art_version_edit *edit);
/* Has 'vacuum' no room, in a transaction that changes nothing else? Then nothing is to be written. */
bool art_room_has_none(struct art_tree *tree);
/* 'vacuum', with or without 'optimize': as much as there is room for, finished as a root or not at all. */
enum art_rc art_room_vacuum(struct art_tree *tree, enum art_log_room log);
/* What tree->budget learns. The disk was full when so much of an edit was written; or the pending root is committed:
 * what is dead was let go, or not all of it (pending.discarded). */
void art_room_note_full(struct art_tree *tree, const struct art_version_edit *edit);
void art_room_note_root(struct art_tree *tree);
/* The pending root hides so many slots of rows: where that is much, a later commit gives them back. The pending row is
 * committed: who adds asks for room again behind some of them. */
void art_room_note_hidden(struct art_tree *tree, uint32_t slots);
void art_room_note_row(struct art_tree *tree);

/* --- commit.c ----------------------------------------------------------------------------------------------------- */
/* The pending edit becomes what the commit names, synced; behind art_commit_finish_flush() the whole memtable is in it.
 * Or an error, and the edit is still to be forgotten. */
enum art_rc art_commit_finish_root(struct art_tree *tree);
enum art_rc art_commit_finish_flush(struct art_tree *tree);
/* The pending commit is what it was before the work that has failed with `rc`: ART_OK. */
enum art_rc art_commit_give_up(struct art_tree *tree, enum art_rc rc);
/* May work that has failed with `rc`, and that was merely due, wait for another commit? */
bool art_commit_may_wait(const struct art_tree *tree, enum art_rc rc);
/* Has a merge, or a flush that joins earlier ones, met damage (`rc`), and was only due? Then that is noted. Behind it
 * flush_beside() makes the edit anew, with the memtable as a run of its own. */
bool art_commit_passes_over(struct art_tree *tree, enum art_rc rc);
enum art_rc art_commit_flush_beside(struct art_tree *tree, struct art_version_edit *edit);
/* Was 'vacuum' asked for, and is there something to be vacuumed? */
bool art_commit_finds_vacuum(const struct art_tree *tree);

#endif
