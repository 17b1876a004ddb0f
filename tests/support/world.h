/* A machine for crash tests: a simulated disk (sim_disk.h) that SQLite works on, too (world_vfs.c), the processes that
 * do so, and ONE ordered history of all that they did to the disk.
 *
 *     world            the disk as the processes see it (the page cache), locks, shared memory, the history
 *     world_process    who makes the calls; dies by world_kill(), or at a call that was armed
 *     world_replay     goes through a history and knows at each place what is safe on the disk and what is not yet
 *                      (world_crash.c); gives images
 *     world_image      a disk that may remain; a new world begins with it
 *
 * Bytes, sizes and names are safe when they are synced: a file's own by its sync, names by the folder's. A failed sync
 * leaves what it leaves: all, nothing or some, and what it lost no later sync brings back. There are limits where
 * SQLite itself takes a later success for one that brings all: of a WAL only what lies behind the wal-index's last
 * commit is lost, since that is what the next writer writes again (a commit that recovery has found counts, though
 * nobody has synced it), and nothing where a checkpointer could not sync it, nor art before it removes a file (the next
 * to open the WAL after that is not told); and nothing of the database beside a WAL, since a checkpoint that does not
 * get to the WAL's end leaves its pages for a later one to sync.
 *
 * As Linux does, a failed sync is told once to each who has the file open: to the one who asked, and to the others when
 * they sync it next.
 *
 * A write of art's is in the history when write_batch() returns; what is on the way then is a kernel's business as much
 * as what is there and not synced. One thread; one world at a time is the one that the default VFS works on
 * (world_enter()).
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/random.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sparse_file.h"

#define WORLD_FOLDER   "/world/"
#define WORLD_DATABASE WORLD_FOLDER "a.db"
enum { WORLD_NAME_MAX = 96 };

/* ---- disks that remain ------------------------------------------------------------------------------------------- */

struct world_image_file {
    char name[WORLD_NAME_MAX];
    uint32_t number, inode; /* the inode's number, and its index among the disk's */
    struct sparse_file bytes;
};
struct world_image {
    struct world_image_file *files;
    unsigned count;
};
void world_image_clear(struct world_image *image);

/* ---- history ----------------------------------------------------------------------------------------------------- */

enum world_op_kind {
    WORLD_WRITE,
    WORLD_TRUNCATE, /* offset: the new size */
    WORLD_SYNC,
    WORLD_SYNC_FAILED, /* offset: of what was written from there on it may have lost something */
    WORLD_CREATE,      /* a name */
    WORLD_UNLINK,
    WORLD_SYNC_FOLDER, /* that of the path */
    WORLD_MARK,        /* offset, len: the test's own */
};
struct world_op {
    uint8_t kind;
    uint16_t process;
    uint32_t inode; /* index among the disk's */
    uint32_t len;
    uint64_t offset;
    uint8_t *data; /* of a write; a path of CREATE, UNLINK, SYNC_FOLDER */
};

/* ---- the world --------------------------------------------------------------------------------------------------- */

struct world_process {
    unsigned number;
    uint64_t device; /* as it sees it: no two processes share what the test process caches */
    bool dead;
};

/* What happens at a call that changes the disk. */
enum world_fault {
    WORLD_NO_FAULT,
    WORLD_DIE_AT, /* the process dies instead of its n-th call */
    /* It dies when its commit is in the -wal and nobody knows; before a sync, or (nth > 0) after it. */
    WORLD_DIE_AS_ZOMBIE,
    /* It dies in its first sync after its commit was told to others: art then removes a file. */
    WORLD_DIE_BEFORE_REMOVING,
    WORLD_FAIL_SYNC, /* the n-th sync of a file whose name ends so fails with EIO */
    WORLD_FAIL_CALL, /* SQLite's n-th write fails: SQLITE_IOERR_WRITE, or SQLITE_FULL with a suffix "full" */
    /* The n-th write of a page of an .art file by anybody is said to be done, and is not; or it lands elsewhere. With a
     * suffix "": SQLite's, of the database or its WAL. */
    WORLD_LOSE_WRITE,
    WORLD_MISDIRECT_WRITE,
    WORLD_FAIL_READ,   /* SQLite's n-th read */
    WORLD_SHORT_WRITE, /* SQLite's n-th write stops in its middle: SQLITE_FULL */
};

/* Syncs that do nothing, to show that a test notices: all, or those of a -wal alone, where what is left is sound. */
enum world_lies { WORLD_HONEST, WORLD_LIES, WORLD_LIES_OF_WAL };

struct world_options {
    uint64_t seed;       /* of what chance decides here: SQLite's random numbers, what a failed sync leaves */
    int sector;          /* bytes */
    int characteristics; /* SQLITE_IOCAP_... */
    enum world_lies lies;
};

struct sim_inode;
struct world {
    struct world_options options;
    struct random random;
    struct sim_disk *disk;
    struct world_image image; /* its beginning: these files are its first inodes */
    struct world_op *ops;
    unsigned op_count, op_capacity;
    struct world_process *processes[1000];
    unsigned process_count;
    struct world_process *current;
    /* Called before each call of SQLite's VFS and of art's disk that others may notice or that notices others: another
     * process may go on meanwhile, and then says world_enter(). */
    void (*turn)(struct world *world, const char *call);
    /* Called at each read, write and cut (`len` 0: all from there on) of art's. */
    void (*touch)(struct world *world, const struct sim_inode *inode, uint64_t offset, uint64_t len, bool write);
    struct {
        enum world_fault kind;
        const struct world_process *of; /* who meets it */
        unsigned countdown;
        const char *suffix;
        bool commit_frame, told, struck;
    } fault;
};

struct world *world_new(const struct world_image *image, const struct world_options *options);
void world_free(struct world *world);
/* From here on the VFS and core's disk are this world's, on behalf of `process`. The first call registers the VFS
 * as the default: SQLite's random numbers come from there. NULL, NULL: nobody's. */
void world_enter(struct world *world, struct world_process *process);
struct world_process *world_process_new(struct world *world);
/* Its calls do nothing any more, and fail; its locks are gone; what others see of its shared memory is what it was at
 * this moment, from world_bury() on, which is called when its connections are closed. */
void world_kill(struct world *world, struct world_process *process);
void world_bury(struct world *world, struct world_process *process);
/* The current process meets it. `suffix`: of WORLD_FAIL_SYNC. */
void world_arm(struct world *world, enum world_fault fault, unsigned nth, const char *suffix);
/* Did it happen, or was a process told of a sync that had failed for another? Nothing is armed afterwards. */
bool world_disarm(struct world *world);
void world_mark(struct world *world, uint64_t what, uint32_t number);
/* Where the commits in the database's -wal end, by the wal-index. 0: there is none, or nobody has it open. */
uint64_t world_wal_end(const struct world *world, const char *database);
/* The file's present name, NULL: it has none. */
const char *world_name_of(const struct world *world, uint32_t inode);

/* ---- replay ------------------------------------------------------------------------------------------------------ */

enum world_crash {
    WORLD_POWER_STAYS, /* only the processes die */
    WORLD_DROP_ALL,
    WORLD_KEEP_ALL,
    WORLD_ORDERED,   /* all up to a moment */
    WORLD_BY_FILE,   /* of each file up to a moment of its own, often all or nothing */
    WORLD_SECTORS,   /* of each sector of 512 bytes */
    WORLD_PAGES,     /* of each page of 4 KB */
    WORLD_LAST_TORN, /* all, but of the last write only some sectors */
    WORLD_CRASHES
};
extern const char *const world_crash_names[WORLD_CRASHES];

struct world_replay;
struct world_replay *world_replay_new(const struct world *world);
void world_replay_free(struct world_replay *replay);
/* The next operation; NULL at the end of the history. */
const struct world_op *world_replay_step(struct world_replay *replay);
unsigned world_replay_at(const struct world_replay *replay);
/* The disk that remains if all dies now. What it depends on: two crashes with equal fingerprints leave equal disks. */
uint64_t world_replay_crash(struct world_replay *replay, enum world_crash how, uint64_t seed, struct world_image *out);
/* Before `end`, has a failed sync of the file lost what is seen there? */
bool world_has_gap(const struct world *world, const char *name, uint64_t end);
/* For people: a line an operation. */
void world_dump(const struct world *world, unsigned from, unsigned to);

#endif
