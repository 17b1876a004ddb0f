/* A transaction: from the first change to its commit or rollback.
 *
 *                              .-------------- another summary ---------------.
 *                begin()       |  a change            a change over spill_limit v
 *       NONE ------------> BEGUN ----------> CHANGED ---------------------> SPILLED
 *         ^                  |                 |  ^                            |
 *         |                  |                 |  '-- back to the beginning ---|
 *         '---- committed() or rolled_back() --'-------------------------------'
 *
 *   NONE      nothing has been changed, so a savepoint that is set here stands for the transaction's beginning
 *   BEGUN     root: the base. The csn is fixed, and the base is held. A command may wait for the commit
 *   CHANGED   root: the base. The memtable's undo list leads back to the beginning and to each savepoint. Back from
 *             SPILLED the tree is unknown, until it has read the host's log
 *   SPILLED   root: the transaction's own, in slots of the locked file, or a savepoint's. The host's log leads back
 *             to the beginning, and saved memtables to savepoints that are older than the spill. Merging is owed with
 *             such a root alone (art_root.owed), and a savepoint's root knows what was owed then
 *
 * SPILLED owes 16 pages of merging for each page of its rows that a spill or a directory flushes, and a quarter of
 * what else a directory writes. A spill pays at once. A directory leaves it to the commit, unless there are too many
 * runs. What the commit does not find due is forgotten.
 *
 * Another summary leads to SPILLED from CHANGED, too, and leaves SPILLED as it is. So does a directory that is changed
 * as one thing.
 *
 * prepare() moves along no arrow: it makes an art_commit of what there is, which counts as long as nothing changes
 * (pending.made_for). When the host's COMMIT is refused, the transaction goes on in its state, and the host's tables
 * keep what prepare() made it write: a row, a root, or a flush (txn.handed_over). The next prepare() writes at least as
 * much:
 *
 *   a flush   has taken rows out of the log, so a row alone would leave the log without them
 *   a root    that is not the base would stay in row 0, so another one or the base takes its place
 *
 * and a savepoint that is set from then on does not stand for the beginning, which the host's log no longer tells. In
 * any state an error in the middle of a spill, or of a ROLLBACK TO over one, dooms the transaction: it can only be
 * rolled back.
 *
 * tests/core/tree/test_txn_states.c has the same as a model, goes through all of its states, and prints the arrows.
 *
 *   begin.c        the beginning                      write.c      insert, delete, move
 *   savepoints.c   savepoints                         overflow.c   values over the threshold
 *   spill.c        a transaction larger than memory   refresh.c    what other connections committed
 *   commit.c       prepare, committed, rolled back    pending.c    what a prepare has made
 *   rows.c         blobs in the host's own rows       copy.c       where blobs are, and a copy of them
 *   resummarise.c  another summary                    log_cost.c   when the log is full
 *   room.c         room on the disk, and 'vacuum'     scratch.c    the temporary file of saved memtables
 *   directory.c    a range of rows as one thing       invariants.c   what holds of a tree between two calls */
#ifndef ART_TREE_TXN_H
#define ART_TREE_TXN_H

#include "core/tree/place.h"
#include "core/tree/read/read.h"

/* --- begin.c ------------------------------------------------------------------------------------------------------ */
/* As art_tree_ready(), and begins the transaction where none is running: the file is claimed, csn and base are fixed.
 * ART_READONLY, or what claiming the file said: none has begun. */
enum art_rc art_tree_begin(struct art_tree *tree);

/* --- pending.c ---------------------------------------------------------------------------------------------------- */
/* What an earlier prepare() made is not wanted any more: before anything else changes which slots the tree names. */
void art_pending_forget(struct art_tree *tree);

/* --- commit.c ----------------------------------------------------------------------------------------------------- */
/* A rollback that was noted in the middle of a call (rows.c): does what is left of it. Nothing where there was none. */
void art_rows_catch_up(struct art_tree *tree);

/* --- log_cost.c --------------------------------------------------------------------------------------------------- */
/* In bytes, or what counts as such: when it is full, and what it has with the row of redo that is pending. */
uint64_t art_log_limit(const struct art_tree *tree);
uint64_t art_log_cost(const struct art_tree *tree);
/* Is the row of redo too long to be one? */
bool art_log_row_is_long(const struct art_tree *tree);

/* --- copy.c ------------------------------------------------------------------------------------------------------- */
/* As the store names it; the paths are borrowed from `location`, rows of the host's go through the tree. */
struct art_store_location art_location_of(struct art_tree *tree, const struct art_tree_location *location);

/* --- rows.c ------------------------------------------------------------------------------------------------------- */
/* The host's rows, seen through here: borrowed from the tree. The host has some. */
const struct art_rows *art_rows_of(struct art_tree *tree);
/* What the host says of its room; to say so it may have to ask its database, and then a rollback may come, too. */
uint64_t art_rows_ask_room(const struct art_tree *tree);
struct art_budget art_rows_ask_budget(const struct art_tree *tree);
/* The error of a call in whose middle the transaction was rolled back: ART_INTERRUPT, ART_IO. */
enum art_rc art_rows_over(const struct art_tree *tree);
/* A rollback in the middle of a call is noted, which dooms the transaction, and done by art_rows_catch_up(). */
void art_rows_note_rollback(struct art_tree *tree);

/* --- scratch.c ---------------------------------------------------------------------------------------------------- */
/* A whole buffer (ART_BLOB_SIZE bytes) to the file's end: *at: its number. The file is opened with the first; what
 * the host said. */
enum art_rc art_scratch_write(struct art_tree *tree, const struct art_blob_buf *buffer, uint32_t *at);
/* What was written to that place, into a buffer of the caller's; what the host said. */
enum art_rc art_scratch_read(struct art_tree *tree, uint32_t at, struct art_blob_buf *buffer);
/* Closes the file, and so removes it; nothing where there is none. */
void art_scratch_end(struct art_tree *tree);

/* --- spill.c, savepoints.c ---------------------------------------------------------------------------------------- */
/* The memtable becomes a run under a root of the transaction's own. On an error nothing has changed, or txn.doomed says
 * that the transaction can only be rolled back. */
enum art_rc art_tree_spill(struct art_tree *tree);
/* The edit, which holds all of the memtable, becomes the transaction's own root over the empty memtable. Takes both,
 * whatever comes of it. `built`: what building them has come to; that error is returned, and all is as it was. On
 * another one the transaction is doomed. */
enum art_rc art_spill_into(struct art_tree *tree, enum art_rc built, struct art_version_edit *edit,
                           struct art_memtable *empty);
/* Drops savepoints >= `from`; what they alone named in the file may be written again. */
void art_savepoints_clear(struct art_tree *tree, uint32_t from);
/* *out: the saved memtable of a savepoint as a new one, the caller's. ART_NOMEM, ART_CORRUPT, or what the host
 * said. */
enum art_rc art_saved_memtable_read(struct art_tree *tree, const struct art_savepoint *savepoint,
                                    struct art_memtable **out);

/* --- overflow.c --------------------------------------------------------------------------------------------------- */
enum { ART_OVERFLOW_CHUNK_BYTES = 4032, ART_OVERFLOW_REF_BYTES = 28 };
enum { ART_OVERFLOW_REF_BYTES_MAX = ART_OVERFLOW_REF_BYTES + ART_SUMMARY_MAX * ART_DATUM_BYTES };
/* A row's data behind its reference, those of the columns of `summary` (NULL: none). Returns the reference's length. */
uint32_t art_overflow_put_data(const struct art_summary *summary, struct art_bytes value,
                               uint8_t ref[ART_OVERFLOW_REF_BYTES_MAX]);
/* Cuts `value` into entries of the memtable and writes the row's reference, *len bytes. ART_NOMEM: some chunks may be
 * there, and are the caller's to take back. */
enum art_rc art_overflow_put(struct art_tree *tree, struct art_bytes value, uint8_t ref[ART_OVERFLOW_REF_BYTES_MAX],
                             uint32_t *len);
/* Deletes the chunks that a row's reference leads to. ART_OK and none where the reference is impossible, or a long
 * value's last chunk is not there. ART_NOMEM, or an error of reading: some may be deleted. */
enum art_rc art_overflow_delete(struct art_tree *tree, struct art_bytes ref);
enum { ART_OVERFLOW_ID_BYTES = 12, ART_OVERFLOW_KEY_BYTES = 1 + ART_OVERFLOW_ID_BYTES + 4 };
struct art_overflow_ref {
    uint64_t length, hash;
    uint8_t id[ART_OVERFLOW_ID_BYTES]; /* csn and counter, big-endian */
};
struct art_overflow_ref art_overflow_decode(struct art_bytes bytes); /* length 0: an impossible one */
/* The tree key of chunk `number` (from 0), padded, in `key`. */
struct art_bytes art_overflow_key(uint8_t key[ART_OVERFLOW_KEY_BYTES + ART_KEY_PADDING],
                                  const uint8_t id[ART_OVERFLOW_ID_BYTES], uint32_t number);

#endif
