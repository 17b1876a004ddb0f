/* A simulated disk: an art_disk in memory that fails, tears, loses and reorders as real ones do, for the tests of
 * everything above core/io.
 *
 *   struct sim_disk *disk = sim_disk_new(seed);
 *   struct art_io *io;
 *   sim_disk_open(disk, "a.art", true, &io);           or sim_disk_art(disk)->methods->open(...)
 *   ...
 *   sim_disk_fail(disk, SIM_SYNC, 2, ART_IO, false);    the second sync from now fails, once
 *   sim_disk_crash(disk, SIM_CRASH_RANDOM);             power loss: open handles are dead (close them), the rest stays
 *   sim_disk_free(disk);                                after all handles were closed
 *
 * Each file has a live image, which all see. What is safe, and what a power loss leaves of the rest, world_crash.c
 * knows: of operations since the last sync, and of names until sync_directory(). A failed sync leaves each operation
 * safe, or lost though still to be seen. Writes that nobody has waited for are in flight: their handle alone may see
 * them; a caller that changes their buffer meanwhile is stopped with abort(). A failed write or wait leaves each
 * request whole, in part or not at all.
 *
 * A world (world.h) has such a disk, whose files SQLite uses, too.
 *
 * All of it is decided by the seed. Safe to use from several threads.
 */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/io/io.h"

struct sim_disk;

struct sim_disk *sim_disk_new(uint64_t seed);
/* A steady disk, which costs next to nothing: for tests that open, spoil and read the same small file a million times.
 * What is written lasts at once; the bytes of a file stay where they are, and it has at most so many pages. It has no
 * crashes, and any file of SQLite's for a file of its own. */
enum { SIM_PAGES = 32 * 128, SIM_PAGES_OF_LARGE = 1024 * 128 };
struct sim_disk *sim_disk_new_steady(uint32_t pages);
void sim_disk_free(struct sim_disk *disk); /* NULL is fine */
/* The table to hand to the code under test. */
struct art_disk *sim_disk_art(struct sim_disk *disk);
/* Opens a file, or makes it, with ordinary options (permissions 0644). */
int sim_disk_open(struct sim_disk *disk, const char *path, bool create, struct art_io **out);

/* ---- calls that fail --------------------------------------------------------------------------------------------- */

enum sim_call {
    SIM_OPEN,
    SIM_REMOVE,
    SIM_SYNC_DIRECTORY,
    SIM_STAT,
    SIM_READ,
    SIM_WRITE,
    SIM_WAIT,
    SIM_SYNC,
    SIM_SIZE,
    SIM_TRUNCATE,
    SIM_IDENTITY,
    SIM_LOCK,
    SIM_CALLS,
    SIM_ANY = SIM_CALLS /* for sim_disk_fail(), sim_disk_calls(): whichever call it is */
};

/* The nth matching call from now on (1: the next) fails with `code`; all later ones too if `from_then_on`. Several may
 * be set at a time (at most 16). */
void sim_disk_fail(struct sim_disk *disk, enum sim_call call, uint64_t nth, int code, bool from_then_on);
void sim_disk_fail_nothing(struct sim_disk *disk);
/* Writing more than this, over all files, is ART_DISKFULL. UINT64_MAX (from the beginning): no limit. */
void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes);

/* From now on, files that are opened are read through a page cache: where a reader allows it, one page in so many is as
 * it was before it was last written. 0: none (from the beginning). */
void sim_disk_let_pages_be_stale(struct sim_disk *disk, unsigned one_in);
/* Where a reader asks whether the page cache has it at hand, one time in so many it has. 0: never (from the
 * beginning). */
void sim_disk_let_pages_be_at_hand(struct sim_disk *disk, unsigned one_in);

/* ---- the ends of the world --------------------------------------------------------------------------------------- */

enum sim_crash { SIM_CRASH_RANDOM, SIM_CRASH_KEEP_ALL, SIM_CRASH_DROP_ALL };

/* Power loss. Handles are dead: every call on them fails with ART_IO, close() frees them. Faults and capacity are
 * reset. */
void sim_disk_crash(struct sim_disk *disk, enum sim_crash how);
/* A new disk as this one would remain after a power loss now; this one goes on. Several seeds show several outcomes. */
struct sim_disk *sim_disk_after_crash(struct sim_disk *disk, uint64_t seed, enum sim_crash how);
/* Death of all processes, or of the one behind `io`: writes in flight land or not, locks are dropped, nothing else
 * is. */
void sim_disk_kill(struct sim_disk *disk);
void sim_disk_kill_handle(struct art_io *io);

/* ---- files from outside ------------------------------------------------------------------------------------------ */

/* The live image; NULL when there is no such file. Valid until the file is next written. */
uint8_t *sim_disk_file_bytes(struct sim_disk *disk, const char *path, uint64_t *len);
/* Flips one bit (0..7), durably. */
void sim_disk_corrupt(struct sim_disk *disk, const char *path, uint64_t offset, unsigned bit);
/* These are durable at once. `put` makes a file or replaces its content, `copy` gives a new inode, `link` does not. */
void sim_disk_put_file(struct sim_disk *disk, const char *path, const void *data, uint64_t len);
void sim_disk_copy_file(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_link_file(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_rename_file(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_remove_file(struct sim_disk *disk, const char *path);
bool sim_disk_has_file(struct sim_disk *disk, const char *path);

/* ---- files of a steady disk -------------------------------------------------------------------------------------- */

/* Makes the file, or empties it. NULL as a path: removes all files. */
void sim_disk_clear(struct sim_disk *disk, const char *path);
/* The first file whose name ends so; NULL when there is none. */
const char *sim_disk_find(const struct sim_disk *disk, const char *suffix);
uint64_t sim_disk_size(struct sim_disk *disk, const char *path);
void sim_disk_resize(struct sim_disk *disk, const char *path, uint64_t bytes);
/* 4 KB of a file, to be changed in place; the file grows if need be. */
uint8_t *sim_disk_page(struct sim_disk *disk, const char *path, uint32_t page);
/* Does anything stand there but zeros? */
bool sim_disk_page_used(struct sim_disk *disk, const char *path, uint32_t page);
/* Another inode: nothing that was cached counts any more. */
void sim_disk_renew(struct sim_disk *disk, const char *path);

/* ---- looking ----------------------------------------------------------------------------------------------------- */

struct sim_disk_stats {
    uint64_t calls[SIM_CALLS]; /* successful or not */
    uint64_t faults;           /* calls that failed by sim_disk_fail() or for want of room */
    uint64_t bytes_read, bytes_written;
    uint64_t stale;    /* pages that were read and are not what was last written */
    uint64_t unsynced; /* operations that a power loss now could take */
    uint64_t open;     /* handles */
};
void sim_disk_stats(struct sim_disk *disk, struct sim_disk_stats *out);
uint64_t sim_disk_calls(struct sim_disk *disk, enum sim_call call);

/* NULL, or what is wrong inside the simulation: without failed syncs, the durable image and the operations make the
 * live one. */
const char *sim_disk_check(struct sim_disk *disk);

#endif
