/* A transaction of the tree: its savepoints, what it is asked to do besides, and its commit. The host commits:
 *
 *   art_tree_prepare() says what the host must write          struct art_commit
 *   the host writes that, and commits it with all else of its own
 *   art_tree_committed() or art_tree_rolled_back() says how it ended
 */
#ifndef ART_TREE_COMMIT_H
#define ART_TREE_COMMIT_H

#include "core/tree/tree.h"

/* Has this transaction changed anything (also if taken back since)? Or has a COMMIT of it that was refused left rows in
 * the host's log? After that COMMIT the log no longer says how the transaction began. */
bool art_tree_dirty(const struct art_tree *tree);

/* --- savepoints --------------------------------------------------------------------------------------------------- */

/* Savepoints: a stack of states of the running transaction. *savepoint is the new savepoint's number, counted from 0.
 * ART_NOMEM; ART_MISUSE within a call of the host's for a blob. */
enum art_rc art_tree_savepoint(struct art_tree *tree, uint32_t *savepoint);
/* Drops savepoints >= `from`. */
void art_tree_release_savepoints(struct art_tree *tree, uint32_t from);
/* Back to the state at `savepoint` (which stays; later ones go), or to the transaction's beginning
 * (ART_SAVEPOINT_BEGIN; all go). Cannot fail: where memory alone does not hold the state, the work is done by the next
 * call, or the tree becomes unknown. */
#define ART_SAVEPOINT_BEGIN UINT32_MAX
void art_tree_rollback_to(struct art_tree *tree, uint32_t savepoint);

/* --- what the commit is to do besides ----------------------------------------------------------------------------- */

/* Commands, carried out by this transaction's prepare(). A ROLLBACK forgets them, and so does a ROLLBACK TO.
 *
 * 'flush': what is collected in the log becomes a run. 'optimize': all runs become one; it needs as much new space as
 * the table has. 'vacuum': what lies at the file's end moves into free slots, as far as the slot rule allows now, and
 * what is free at the end is cut off.
 *
 * A slot is free only when no reader can stand on it and no older root can come back: not in the transaction that
 * leaves it. So what vacuum has moved away from is cut off by the next one, in WAL mode only after a checkpoint that
 * got to the end of the WAL (PRAGMA wal_checkpoint(RESTART), no reader on an older snapshot). The file is smallest
 * after
 *
 *     vacuum, checkpoint, vacuum                 when 'optimize' was not wanted
 *     optimize, checkpoint, vacuum, checkpoint, vacuum
 *
 * and with a rollback journal the same without checkpoints. The host may go on so by itself (ext/admin/vacuum.c). On a
 * full disk 'vacuum' does as much as there is room for (room.c). */
enum art_request {
    ART_REQUEST_FLUSH = 1,
    ART_REQUEST_OPTIMIZE = 2,
    ART_REQUEST_VACUUM = 4,
    ART_REQUEST_ALONE = 8,     /* the transaction is one statement, and the host takes all of it back if its commit is
                            * refused. Then what 'vacuum' leaves in rows of the host's, or the delete of the last row,
                            * is gone with it */
    ART_REQUEST_SNAPSHOT = 16, /* of the state that is committed: all that is collected in the log becomes a run, where
                                * there is anything. For the next prepare() alone. See art_tree_snapshot() */
    ART_REQUEST_OF_HOST = 32,  /* the host's own, which the tree does not look at */
};
/* Does the transaction leave no row where there were blobs? Its commit then names none of them any more, unless a
 * queue's long rows would go with them. Where there is no room for their removal, it waits for a later commit. */
bool art_tree_empties(struct art_tree *tree);
/* Begins the transaction where none is running, and fails only in that: as art_tree_claim(). What it was asked for
 * before, it is asked for still. */
enum art_rc art_tree_request(struct art_tree *tree, unsigned requests);

/* --- commit ------------------------------------------------------------------------------------------------------- */

/* What the host must write in its own transaction, in this order. Bytes are borrowed until the next call on the tree.
 * Everything named in it is durable. */
struct art_commit {
    uint64_t csn;    /* of this transaction, the same on every retry */
    bool clear_log;  /* 1. DELETE FROM T_artdata (all rows, the root too) */
    uint64_t spent;  /*    or, if not 0, the first of rows 1 to this one: the committed root has them in its runs */
    bool write_root; /* 2. INSERT OR REPLACE (0, root), and a copy into T_artstate */
    bool mark_root;  /*    INSERT OR REPLACE (0, root): it is the same, and says now that rows follow it */
    struct art_bytes root;
    bool write_redo; /* 3. INSERT OR REPLACE (csn, redo) */
    struct art_bytes redo;
    bool write_retired; /* 4. into T_artstate */
    struct art_bytes retired;
    bool lets_go; /*    and the set of slots that were let go (art_host.load_held) is emptied: they are retired */
    bool wants_checkpoint; /* many slots wait for a new epoch: a checkpoint soon keeps the file small */
};
/* May be called again after a failed commit, with or without changes in between. ART_OK with nothing to write when
 * the transaction changed nothing. */
enum art_rc art_tree_prepare(struct art_tree *tree, struct art_commit *out);

/* The host found no room for what it was to write, so that no COMMIT was tried: what blobs took is given back, and from
 * now on a transaction that only deletes leaves blobs alone, until they were written again. */
void art_tree_note_full(struct art_tree *tree);
void art_tree_count_checkpoint(struct art_tree *tree); /* the host has made the one that a commit wanted */
void art_tree_committed(struct art_tree *tree);        /* cannot fail */
void art_tree_rolled_back(struct art_tree *tree);      /* cannot fail; the tree may be unknown afterwards */

#endif
