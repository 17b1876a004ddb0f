/* Processes that work at the same time, on one simulated machine (world.h) and one thread: each is a coroutine
 * (fiber.h), and at every call of SQLite's VFS and of art's disk another one may go on, as chance says. So two writers,
 * a checkpointer, a reader and a copier meet inside of one COMMIT, and the same seed makes them meet there again.
 *
 *     machine_acts.c     what the actors do, each with a connection of its own
 *     machine_rows.c     and how they change rows, in the art table and in an ordinary one alike
 *     machine_life.c     what becomes of the database meanwhile: its journal, its pages, its tables
 *     machine_slots.c    no slot is written that somebody stands on
 *     machine_judge.c    what they may find: which states of the tables there are, and which of them may be seen now
 *     machine.c          whose turn it is; deaths, faults, lies of the disk; what a loss of power would leave at a
 *                        moment, and what it does leave: life goes on there
 *
 * To art the actors are processes: what it keeps for a whole process it keeps by device and inode, and each has a
 * device of its own (world_process); locks are the world's. An actor that dies makes no call any more that others could
 * notice, and nobody else goes on before its connection is closed. All randomness is the machine's generator.
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "tests/support/fiber.h"
#include "tests/support/random.h"
#include "tests/support/world.h"

enum { MACHINE_ACTORS = 6, MACHINE_KEYS = 96, MACHINE_FOLDERS = 8, MACHINE_LINES = 4000 };
#define MACHINE_COPY WORLD_FOLDER "copy.db"

struct machine_plan {
    const char *name, *journal, *synchronous, *storage;
    const char *cast;            /* a letter each: writer, reader, checkpointer, backup (a copier) */
    bool lasts;                  /* an acknowledged commit, by SQLite's own word */
    bool lies;                   /* the disk loses or misdirects a write */
    bool to_sqlite;              /* of its WAL, or of the database: see forgive() */
    bool fails;                  /* calls fail: EIO, ENOSPC, short writes, syncs of .art files */
    bool dies;                   /* actors die, also as zombies; the power goes */
    bool features;               /* tables of features.h are in each transaction */
    bool life;                   /* journals are switched, tables dropped, databases attached and laid out anew */
    bool together;               /* connections of one process, which give the turn away between statements alone */
    enum world_lies never_syncs; /* the disk says so, which should be noticed */
};

/* What a transaction that asked for its commit makes of the tables. */
struct machine_state {
    uint32_t parent, depth;
    bool given_up; /* it was refused: nobody may ever see it */
    uint32_t rows[MACHINE_KEYS];
};

struct actor {
    struct machine *machine;
    const char *name;
    char role;
    struct world_process *process;
    sqlite3 *db;
    struct fiber *fiber;
    struct random random;          /* what it does; whose turn it is says the machine's */
    struct art_kept_error message; /* what art noted last is this process's own */
    uint64_t wakes;                /* it sleeps until this turn */
    bool tainted;                  /* a fault struck: it is closed and opened again */
    const char *schema;            /* as which it has the database */
    const char *call;              /* the one before which it waits */
    bool commits;                  /* it has asked for it */
    bool looks;                    /* what it reads of the .art file its snapshot stands on, */
    uint8_t stands[64];            /* these slots of it, a bit each */
    uint32_t stands_in;            /* the file, an index among the disk's */
};

struct machine {
    const struct machine_plan *plan;
    uint64_t seed;
    struct random random;
    struct world *world;
    struct world_replay *replay;
    struct actor actors[MACHINE_ACTORS];
    unsigned actor_count;
    struct actor *running;        /* NULL: the main one */
    struct world_process *shared; /* by actors that are together */
    bool ending;                  /* actors close and return */
    bool went_back;               /* the .art file may know of commits that a loss of power has taken */
    bool judging;                 /* another world is looked at */
    bool copied;                  /* somebody has just made a copy: what is left of it? */
    uint64_t turns, switches, left /* calls until the next switch */, hash;
    struct machine_state *states;
    uint32_t state_count, *chain /* by depth: which state it was */, chain_length, floor, durable;
    uint32_t next_number;
    char *create; /* the art table */
    struct machine_counts {
        uint64_t commits, rollbacks, busy, snapshots, old_snapshots, checkpoints, copies, deaths, zombies, revived,
            power, images, faults, lies, noticed, noticed_by_check, reused /* slots */, unfinished, journals, vacuums,
            unnoticed, anew, orphans, strangers, folders, summaries, salvaged,
            guarded /* writes beside what somebody stands on */;
    } counts;
    char *lines[MACHINE_LINES];
    unsigned line_count;
    char *failure;
};

/* A whole history of about so many turns. False: *failure says why, and the acts before it are in `lines`. */
bool machine_run(struct machine *machine, const struct machine_plan *plan, uint64_t seed, uint64_t turns);
void machine_clear(struct machine *machine);
/* The last acts, for people. */
void machine_show(const struct machine *machine, unsigned count);

/* The disk has lied, and nothing has to be right any more. (Another lie is only told where the one before was.) */
static inline bool machine_was_lied_to(const struct machine *machine) {
    return machine->plan->lies && (machine->world->fault.struck || machine->counts.lies > 1);
}

/* Whose turn it is. */
const char *machine_who(void);

/* ---- for the actors ---------------------------------------------------------------------------------------------- */

void machine_actor(void *actor);
void machine_fail(struct machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));
void machine_note(const struct actor *actor, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lets others go on for about so many switches. */
void machine_pause(struct actor *actor, uint32_t switches);
/* Opens the database as the present process. */
int machine_open(struct machine *machine, const char *name, sqlite3 **out);
/* Makes database and tables in the machine's world. */
void machine_found(struct actor *actor);
bool machine_fine(struct actor *actor, int rc, const char *what);
int machine_do(struct actor *actor, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Is there reason to go on with this connection? */
bool machine_works(const struct actor *actor);
uint32_t machine_below(struct actor *actor, uint32_t limit);
bool machine_once_in(struct actor *actor, uint32_t times);

/* ---- rows, life -------------------------------------------------------------------------------------------------- */

enum { MACHINE_SAVEPOINTS = 3 };
struct machine_marks {
    uint32_t rows[MACHINE_SAVEPOINTS][MACHINE_KEYS];
    unsigned count;
};
/* One statement, of both tables; `rows` become what it makes of them. SQLite's code. */
int machine_put(struct actor *actor, uint32_t *rows, uint32_t key);
int machine_change(struct actor *actor, uint32_t *rows, struct machine_marks *marks);
int machine_command(struct actor *actor);
/* The tables are dropped and made again. */
int machine_make_anew(struct actor *actor, uint32_t *rows);
/* Something between two transactions. */
void machine_live(struct actor *actor);

/* ---- slots ------------------------------------------------------------------------------------------------------- */

/* Its snapshot stands on all that it reads of the .art file from here on ... */
void machine_stand(struct actor *actor);
/* ... until it has read all of its rows; and leaves it. */
void machine_stay(struct actor *actor);
void machine_leave(struct actor *actor);
/* The one whose turn it is reads, writes or cuts (`len` 0: all from there on). */
void machine_touch(struct machine *machine, const struct sim_inode *inode, uint64_t offset, uint64_t len, bool write);

/* ---- judge ------------------------------------------------------------------------------------------------------- */

uint32_t machine_state_add(struct machine *machine, uint32_t parent, const uint32_t *rows);
/* Which state is there? Compares all rows of both tables with it, or with `rows`. Error codes of SQLite;
 * SQLITE_MISMATCH: machine_fail() was called. */
int machine_compare(struct machine *machine, sqlite3 *db, const char *who, const uint32_t *rows, uint32_t *out);
/* It is seen: may it be, by somebody who began when `floor` was seen? From here on it is. */
bool machine_see(struct machine *machine, uint32_t state, uint32_t floor, const char *who);
/* A number, -1 without one. *rc: also where it was one before. */
int64_t machine_ask(sqlite3 *db, const char *sql, int *rc);
/* The art table's rows, from where the statement is on. */
int machine_compare_rows(struct machine *machine, sqlite3_stmt *ask, const char *who, const uint32_t *rows);
/* What this world holds, of which nobody knows anything else. */
bool machine_judge_image(struct machine *machine, const struct world_image *image, enum world_crash how);
const uint8_t *machine_value(uint32_t number, int *len);

#endif
