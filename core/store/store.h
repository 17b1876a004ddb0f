/* The store: the .art file of one table on behalf of one connection, and the process's cache of verified blobs.
 *
 *   slot 0      superblock (page 0, written once: magic, format, id) and two owner pages, written in turn
 *   slot 1..    one blob each, 512 KB, immutable once a root names it
 *
 * Which slots may be written is decided above (core/tree: the free map is derived from the root); the store only
 * takes and returns numbers. Nothing is opened or created before the first blob is read or written, and opening never
 * changes anything. Everything read is verified against the reference that led there.
 *
 * The cache is process-wide, limited in bytes (the sum of the open stores' settings), keyed by (device, inode, slot),
 * and checked by hash. A store remembers the blobs that it was given ("pins"), so that in the steady state a read
 * takes no lock and makes no system call.
 */
#ifndef ART_STORE_STORE_H
#define ART_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/buffer.h"
#include "core/base/counters.h"
#include "core/base/medium.h"
#include "core/base/options.h"
#include "core/blob/blob.h"
#include "core/io/blob_pool.h"
#include "core/io/io.h"

struct art_store;

struct art_store_options {
    struct art_disk *disk;       /* NULL: the system's */
    const char *path;            /* of the .art file; of `rows`, a name for messages. Copied. */
    const char *host_path;       /* of the database file; NULL with rows. Copied. */
    const struct art_rows *rows; /* blobs are rows of the host's; NULL: they are not. Outlives the store. */
    uint64_t rows_id;            /* tells them from others in the cache */
    uint8_t uuid[16];
    enum art_engine engine;
    enum art_direct direct;
    bool read_only;
    bool reads_singly;    /* no more of a blob than is wanted */
    bool for_another;     /* a new file (ART_CANTOPEN, EEXIST: something has its name), whose blobs nobody reads here */
    bool onto;            /* with for_another: one that is there, of an earlier copy */
    uint64_t cache_bytes; /* or ART_CACHE_AUTO */
};

/* Only memory: no file is opened or made. Both paths are given, or rows; ART_NOMEM; *out is NULL then. */
enum art_rc art_store_open(struct art_store **out, const struct art_store_options *options);
void art_store_close(struct art_store *store); /* NULL is fine; blobs still pinned by art_blob_pin() stay alive */
/* True in the child after fork(): every call below then fails with ART_FORKED. One load, no system call. */
bool art_store_forked(const struct art_store *store);
/* Another location from now on (the paths are copied; nothing is opened yet): not within a write phase. A caller
 * that has pinned a blob of the old one may go on. ART_NOMEM: all is as it was. */
struct art_store_location {
    const char *path, *host_path; /* as in art_store_options */
    const struct art_rows *rows;
    uint64_t rows_id;
};
enum art_rc art_store_use(struct art_store *store, const struct art_store_location *location);
/* The path that it was given last, for messages: borrowed until the store is closed, also where another one follows. */
const char *art_store_path(const struct art_store *store);
/* Copies blobs, ART_COPY_MAX at most, read together, into the same slots of another store, in its write phase; what
 * does not verify is not copied. Two files share them where their file system can do that: then they are read, and not
 * written. On an error of either store some may have been copied. */
enum { ART_COPY_MAX = 8, ART_COPY_LOOK = 64 };
enum art_rc art_store_copy(struct art_store *store, const struct art_ref *refs, unsigned count, struct art_store *to);
/* Onto an earlier copy: leaves those out of `refs`, ART_COPY_LOOK at most, whose blobs it has already. Of a file that
 * nobody has begun to write since it was copied the trailers say so; of any other one all pages are read. ART_NOMEM, or
 * what beginning said. */
enum art_rc art_store_leave_out_same(struct art_store *to, struct art_ref *refs, unsigned *count);
/* All that the copy needs is in it, sorted by slot: no other slot may be taken for a blob later, and the file ends
 * behind the last of them. */
enum art_rc art_store_keep_only(struct art_store *to, const struct art_ref *refs, uint32_t count);
/* Behind the last sync of a copy: from now on, until somebody begins to write, its trailers tell what it has. */
enum art_rc art_store_note_copied(struct art_store *to);
bool art_store_poisoned(const struct art_store *store); /* by a failed sync */
/* Another share of the cache for this store: bytes, or ART_CACHE_AUTO. */
void art_store_set_cache(struct art_store *store, uint64_t bytes);

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Opens the file to be read, and checks whose it is, unless that was done: ART_MISSING, ART_FOREIGN, ART_CANTOPEN,
 * ... A read does it by itself; but a question that needs no blob should not be answered when the file is not there. */
enum art_rc art_store_ready(struct art_store *store);
/* ART_CORRUPT where no owner page says any more whose the file is: the file can be read, and is not written. */
enum art_rc art_store_check_owner(struct art_store *store);
/* Is there something that a write phase must do before anything is committed? Either the owner page of the open file
 * does not name this database yet, or not as it is now: another copy of the database could take the file. Or others
 * than the database's readers can read the file. No call to the system. */
bool art_store_unclaimed(const struct art_store *store);
/* The blob that `ref` leads to, its head verified; other pages come by themselves through blob->want (one by one, and
 * of a file that fits into this store's cache_bytes soon all the rest). Borrowed: valid until the next
 * art_store_relax(), art_store_close(), write to its slot or question for another blob in it by this store, unless
 * pinned. ART_CORRUPT, ART_MISSING, ART_FOREIGN, ART_IO, ... */
enum art_rc art_store_blob(struct art_store *store, const struct art_ref *ref, struct art_blob **out);
/* Is the process's cache full, so that a search may do better without it? */
bool art_cache_is_full(void);
/* For one search in a blob that was just asked for: leaf page `page`, verified, past the cache. Borrowed as the blob
 * is, and only until three more pages were read so; *holder is to be pinned for longer (only art_blob_pin() and
 * art_blob_unpin() know what to do with it). *bytes is NULL: the caller looks into the blob, which has the page, loads
 * it, or says what is wrong with it. */
enum art_rc art_store_bypass(struct art_store *store, const struct art_blob *blob, uint32_t page, const uint8_t **bytes,
                             struct art_blob **holder);
/* Could the blob be there? ART_CORRUPT for a slot that the file does not reach; its bytes are not looked at. */
enum art_rc art_store_reaches(struct art_store *store, const struct art_ref *ref);
/* ART_CORRUPT for a reference that no file of this format can have; `file` is for the message. */
enum art_rc art_store_check_ref(const struct art_ref *ref, const char *file);
/* The slots that the file has now, those that were taken behind its end included. Asks the device. */
enum art_rc art_store_slots(struct art_store *store, uint32_t *out);
/* Could the file have so many entries? Asks the device only where what is known of its size does not say so. */
enum art_rc art_store_could_have(struct art_store *store, uint64_t entries, bool *could);
/* The blob if this store has it at hand, else NULL: no lock, no I/O, nothing changes. For estimates: only its footer
 * and the pages that are present may be looked at. Borrowed as above. */
const struct art_blob *art_store_peek(const struct art_store *store, const struct art_ref *ref);
/* Counted references, from any thread, for cursors and rows. To unpin NULL is fine. */
void art_blob_pin(struct art_blob *blob);
void art_blob_unpin(struct art_blob *blob);
/* Between two operations, with nothing borrowed: unpins the store's blobs if the cache is full. A load or two when it
 * is not, so call it often: a scan that never does keeps all that it has passed. */
void art_store_relax(struct art_store *store);
/* As art_store_relax(), in any case, and with all memory that the next read asks for again. */
void art_store_trim(struct art_store *store);
/* Its blobs are gone for good: nothing of them stays in the cache. */
void art_store_leave_cache(struct art_store *store);
/* This connection will not ask for the slot's present blob again (it is superseded). */
void art_store_forget(struct art_store *store, uint32_t slot);
/* For a walk that will ask for these blobs, in this order: starts reading those that are not there, as many as the
 * limits allow, and does not wait. Returns how many of them need no more thought; failures show when the blob is asked
 * for. `walk` names the walk, until art_store_readahead_end() says that it goes no further. */
unsigned art_store_readahead_start(struct art_store *store, const void *walk, const struct art_ref *refs,
                                   unsigned count);
void art_store_readahead_end(struct art_store *store, const void *walk);

/* --- writing: one write phase lies within one transaction of the host --------------------------------------------- */

/* Takes the writer lock (ART_BUSY when another connection has it), creates the file when there is none (superblock,
 * sync, sync of the directory), checks the owner (ART_FOREIGN) and the number of hard links of both files
 * (ART_READONLY), re-initialises a file that no root has named yet (`fresh`: the table's committed root has no runs),
 * gives the file the rights of the database's, and claims it: the owner page names this database durably. Idempotent
 * within a phase. *slots: slots in the file. */
enum art_rc art_store_write_begin(struct art_store *store, bool fresh, uint32_t *slots);
/* Is there a file that is open, or one of its name? No also where that cannot be told, and for rows that are not
 * open. */
bool art_store_exists(struct art_store *store);
/* A set of slot numbers that may be taken although they lie below the end of the file (all not in it may not be). The
 * store takes the lowest first, else extends the file. Borrowed until write_end(); NULL: only extend. */
struct art_slot_set;
void art_store_reuse(struct art_store *store, struct art_slot_set *reusable);
enum art_rc art_store_take_slot(struct art_store *store, uint32_t *slot); /* ART_TOOBIG past ART_SLOTS_MAX slots */
/* Slots in the file, with those that were taken behind its end. */
uint32_t art_store_end(const struct art_store *store);
/* How many slots before `end` take_slot() could still give. */
uint32_t art_store_free_slots(const struct art_store *store, uint32_t end);
/* A slot taken in this write phase that nothing names any more: may be taken again at once. */
void art_store_return_slot(struct art_store *store, uint32_t slot);
/* What the place is like in which the blobs lie now. Never NULL. */
const struct art_medium *art_store_medium(const struct art_store *store);
/* Discards the blobs in the slots of `garbage` (NULL: none), and in those that were given back in this write phase and
 * not taken again. Waits for all writes first; fails with what they or the discarding said. */
enum art_rc art_store_discard(struct art_store *store, const struct art_slot_set *garbage);

/* Is nothing to be left of what slots have held before? Then zeros are written into the holes of blobs that go to such
 * slots in this write phase, whose room is then given back, and the root's copy has zeros behind it. `full`: the disk
 * has no room for zeros, and the room is given back at once. */
void art_store_leave_nothing(struct art_store *store, bool nothing, bool full);
/* Overwrites every slot that take_slot() could still give, too. ART_NOMEM, or what the writes said. */
enum art_rc art_store_wipe(struct art_store *store);
/* *clean: nothing but zeros is in the hole of this blob, by the device. Within a write phase. ART_NOMEM, or what the
 * read said. */
enum art_rc art_store_hole_is_clean(struct art_store *store, const struct art_ref *ref, bool *clean);

/* An output buffer of ART_BLOB_SIZE bytes, 4 KB-aligned, from the ring's registered slab when there is one: the
 * caller's until art_store_write() or art_blob_buf_put(). Within a write phase. ART_NOMEM. */
enum art_rc art_store_buffer(struct art_store *store, struct art_blob_buf *out);
/* Starts writing the used pages of a finished blob to ref->slot and takes the buffer over (cleared, also on error).
 * With ART_WRITES_MAX under way it waits for all of them first. The blob enters the cache when there is room, of a
 * `cold` one the footer alone. Errors show at art_store_sync() at the latest. Within a write phase (ART_MISUSE), in
 * which the slot was taken. */
enum art_rc art_store_write(struct art_store *store, const struct art_ref *ref, struct art_blob_buf *buffer, bool cold);
/* Does the file fit into this store's share of the cache? */
bool art_store_fits(const struct art_store *store);
/* Every write so far has reached the file, or an error: before anything is read again that only memory vouches for. */
enum art_rc art_store_wait(struct art_store *store);
/* What was written since the last successful wait or sync is given up: waits for it, whatever became of it, and lets
 * the phase go on with other writes. */
void art_store_give_up(struct art_store *store);
/* All writes of the phase are on the device. A failed sync poisons the store until it is opened anew. A write that
 * failed since the last sync fails this one, also if another call has reported it; then nothing written since that
 * sync counts, and the phase may go on with other writes. */
enum art_rc art_store_sync(struct art_store *store);
/* The root of the commit that is just over: into the file, if there is one, without a sync. Failures are
 * no matter, and leave no message. */
void art_store_note_root(struct art_store *store, struct art_bytes root);
/* The same for who asks for it, with what went wrong. */
enum art_rc art_store_put_root(struct art_store *store, struct art_bytes root);
/* The newest root that was noted for this table; nothing where none is whole. Of a store that is ready. ART_NOMEM. */
enum art_rc art_store_noted_root(struct art_store *store, struct art_buffer *out);
/* Gives the room of slots that take_slot() could still give back to the disk, where it can be done: not of the lowest
 * `few` of them, and of `most` others at most, another part of them in each `turn`. How many. */
uint32_t art_store_punch(struct art_store *store, uint32_t few, uint32_t most, uint64_t turn);
/* Waits for every write, releases the lock. */
void art_store_write_end(struct art_store *store);
/* Cuts the file behind `slots` slots, at least one: writing, by the same rule as a slot (core/tree decides). Waits for
 * all writes first, and fails with what they or the cut said. */
enum art_rc art_store_truncate(struct art_store *store, uint32_t slots);
/* After a failure, whose message stays: the file system gets back what this phase has added behind `slots` slots, which
 * nobody needs, and on a `full` disk the room of all slots that were returned. Where it cannot be done they stay. */
void art_store_cut_back(struct art_store *store, uint32_t slots, bool full);

/* The command 'adopt': from now on the file belongs to this database although the owner page says otherwise. Begins a
 * write phase itself, instead of write_begin(), with the same errors; ART_MISUSE within one. */
enum art_rc art_store_adopt(struct art_store *store);

/* Whose is a file that looks like an .art file? Reads slot 0 only; no store is needed. *ours: its owner page names this
 * very file and this host file. ART_FOREIGN: it names another file that had this path, or the file is a copy that
 * nobody has claimed, made with a database of this name. ART_NOTFOUND: no .art file (another magic, too short, not a
 * regular file). ART_MISSING; ART_CANTOPEN, also another format; ART_CORRUPT: its superblock is damaged. */
enum art_rc art_store_identify(struct art_disk *disk, const char *path, const char *host_path, uint8_t uuid[16],
                               bool *ours);

/* --- sets of slots ------------------------------------------------------------------------------------------------ */
#define ART_SLOTS_MAX (UINT32_MAX / 64 * 64) /* of a file, and of a set, in whole words: slots have numbers below it */
struct art_slot_set {
    uint64_t *words;
    uint32_t capacity; /* slots, multiple of 64 */
};
void art_slot_set_clear(struct art_slot_set *set); /* frees; zero-initialise before use */
/* ART_NOMEM; ART_TOOBIG from ART_SLOTS_MAX on. */
enum art_rc art_slot_set_add(struct art_slot_set *set, uint32_t slot);
/* Where the set does not have the slot, nothing happens; false. */
void art_slot_set_remove(struct art_slot_set *set, uint32_t slot);
bool art_slot_set_has(const struct art_slot_set *set, uint32_t slot);
/* Members in [from, end); the highest one, or 0. */
uint32_t art_slot_set_count(const struct art_slot_set *set, uint32_t from, uint32_t end);
uint32_t art_slot_set_highest(const struct art_slot_set *set);
/* Members >= from that the other set does not have. */
uint32_t art_slot_set_count_others(const struct art_slot_set *set, const struct art_slot_set *other, uint32_t from);
/* The lowest member >= from, or UINT32_MAX where there is none. */
uint32_t art_slot_set_next(const struct art_slot_set *set, uint32_t from);

/* --- for art_debug and messages ---------------------------------------------------------------------------------- */
/* ART_FORKED, ART_MISUSE (closed), or what asking for the file's size said. `file` is borrowed from the store. */
enum art_rc art_store_stats(struct art_store *store, struct art_store_stats *out);

#endif
