/* A workload of a crash test: a few processes in turns, one connection each, on one world, whose history it leaves.
 *
 * Every transaction that asks for its commit makes a state: the rows as they will be. The history has a mark before
 * that COMMIT, and another when it has returned with success. A state is possible at a place of the history if it was
 * begun before that place, and not given up for sure, and nothing younger that must last was acknowledged:
 *
 *     CRASH_BEGUN n      from here on state n may be what is found
 *     CRASH_LASTS n      from here on nothing older than n may be found after a power loss
 *     CRASH_VISIBLE n    nor after the death of all processes
 *     CRASH_ABANDONED n  n may not be found any more
 *
 *     CRASH_COPYING n    from here on the copy may be of state n, or unfinished
 *     CRASH_COPIED n     from here on it is of state n, and lasts
 *
 * LASTS and VISIBLE are of a part of the state, which is a database.
 */
#ifndef TESTS_CRASH_WORK_H
#define TESTS_CRASH_WORK_H

#include "tests/support/crash_rows.h"
#include "tests/support/world.h"

enum crash_mark { CRASH_BEGUN, CRASH_LASTS, CRASH_VISIBLE, CRASH_ABANDONED, CRASH_COPYING, CRASH_COPIED };
enum { CRASH_MARK_BITS = 8 }; /* above them the part */

#define CRASH_DATABASE_TWO WORLD_FOLDER "b.db"

struct crash_setting {
    const char *journal, *synchronous;
    enum { LASTS_NEVER, LASTS_WITH_THE_NEXT, LASTS } lasts; /* an acknowledged commit, by SQLite's own word */
    bool ordered; /* SQLite promises nothing when the disk reorders writes: crashes keep their order */
    bool inlined; /* the first table's blobs are in the database, and now and then the second one's */
    bool wipes;   /* secure_delete */
};

struct crash_state {
    uint64_t hash[CRASH_PARTS];
    struct crash_rows rows;
};

enum { CRASH_PROCESSES = 3 };

struct crash_work {
    const struct crash_setting *setting;
    uint64_t seed;
    struct random random;
    struct world *world;
    struct crash_process {
        sqlite3 *db;
        struct world_process *process;
        bool reading, tainted; /* tainted: a fault struck, errors are to be expected until it is closed */
        struct crash_rows snapshot;
        bool late; /* the reader has only seen the ordinary table */
        unsigned drops;
    } processes[CRASH_PROCESSES];
    struct crash_rows rows; /* committed, as everybody sees them */
    struct crash_state *states;
    unsigned state_count, last[CRASH_PARTS]; /* last: acknowledged, with a change to this part */
    uint32_t next_value;
    unsigned page_size, autocheckpoint;
    bool copies;  /* art_backup() keeps one up to date */
    unsigned end; /* of the operations, crashes after them are not judged; 0 while it is open */
    struct crash_events {
        uint64_t commits, rollbacks, busy, deaths, zombies, failed_syncs, failed_calls, survived, revived, gaps,
            checkpoints, drops, renames, emptied, folders, summaries, named, snapshots, spills, columns, of_both,
            halves, copies, broken_copies;
    } counts;
    uint64_t runs, blobs; /* the most that table a had */
    char *failure;        /* what should not have happened, or NULL */
};

/* Runs `steps` of them, on a disk that `lies` about syncs or does not. The world is there until crash_work_clear(),
 * with all connections closed. */
void crash_work_run(struct crash_work *work, const struct crash_setting *setting, uint64_t seed, unsigned steps,
                    enum world_lies lies);
void crash_work_clear(struct crash_work *work);

/* A connection of the current process to the world's database, with the extension and this setting's pragmas. NULL:
 * *why (sqlite3_free() it). */
sqlite3 *crash_open(const struct crash_setting *setting, char **why);
/* With the second database. */
int crash_attach(const struct crash_setting *setting, sqlite3 *db);

#endif
