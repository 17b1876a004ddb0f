/* Two writers, a checkpointer, a reader and a copier at the same time, switched at each I/O call by chance, on a
 * simulated machine that fails (tests/support/machine.h): whatever anybody reads is a state that was committed, in one
 * order for all; what was acknowledged is there after deaths and losses of power; and the same seed repeats it all.
 *
 * ART_TEST_SEED; ART_ACTORS_PLAN=n: this plan alone, from 0; ART_ACTORS_TURNS: calls of a history; ART_ACTORS_SHOW: so
 * many of the last acts are shown.
 */
#include <pthread.h>

#include "tests/support/machine.h"
#include "tests/support/suite.h"

#define FILES  ", storage=file"
#define INLINE ", storage=inline"

static const struct machine_plan plans[] = {
    {"WAL", "WAL", "FULL", FILES, "wwrcb", .lasts = true, .dies = true},
    {"WAL, NORMAL", "WAL", "NORMAL", FILES, "wwrc", .dies = true},
    {"rollback journal", "DELETE", "EXTRA", FILES, "wwrb", .lasts = true, .dies = true},
    {"WAL, blobs in rows", "WAL", "FULL", INLINE, "wwrcb", .lasts = true, .dies = true},
    {"WAL, all features", "WAL", "FULL", FILES, "wwrcb", .lasts = true, .dies = true, .features = true},
    {"faults, blobs in rows", "DELETE", "EXTRA", INLINE, "wwr", .lasts = true, .fails = true},
    {"WAL, faults and deaths", "WAL", "FULL", FILES, "wwrcb", .lasts = true, .fails = true, .dies = true},
    {"rollback journal, faults", "DELETE", "EXTRA", FILES, "wwr", .lasts = true, .fails = true, .dies = true},
    {"WAL, the database's life", "WAL", "EXTRA", FILES, "wwrc", .lasts = true, .dies = true, .life = true,
     .features = true},
    {"journals, the database's life, blobs in rows", "DELETE", "EXTRA", INLINE, "wwr", .lasts = true, .dies = true,
     .life = true},
    {"one process", "WAL", "EXTRA", FILES, "wwrc", .lasts = true, .dies = true, .life = true, .together = true},
    {"one process, blobs in rows", "DELETE", "EXTRA", INLINE, "wwr", .lasts = true, .dies = true, .life = true,
     .together = true},
    {"WAL, a disk that lies", "WAL", "FULL", FILES, "wwrc", .lasts = true, .lies = true},
    {"WAL, a disk that lies to SQLite", "WAL", "FULL", FILES, "wwrc", .lasts = true, .lies = true, .to_sqlite = true},
};

static unsigned number(const char *name, unsigned otherwise) {
    const char *given = getenv(name);
    return given && *given ? (unsigned)strtoul(given, NULL, 0) : otherwise;
}

/* ---- locks of art's ---------------------------------------------------------------------------------------------- */

/* All actors are one thread: who waits for another waits for ever. Read it with addr2line. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    static struct {
        const pthread_mutex_t *mutex;
        const char *by;
        void *from;
    } last[512];
    size_t at = (uintptr_t)mutex / 8 % 512;
    if (pthread_mutex_trylock(mutex) == EBUSY) {
        fprintf(stderr, "%s wants a mutex of art's, from %p, that %s has taken from %p, and given the turn away\n",
                machine_who(), __builtin_return_address(0), last[at].mutex == mutex ? last[at].by : "?",
                last[at].mutex == mutex ? last[at].from : NULL);
        abort();
    }
    last[at].mutex = mutex;
    last[at].by = machine_who();
    last[at].from = __builtin_return_address(0);
    return 0;
}

/* ---- histories --------------------------------------------------------------------------------------------------- */

enum { HISTORIES = 3 };
#ifdef __SANITIZE_ADDRESS__
enum { TURNS = 10000 };
#else
enum { TURNS = 40000 };
#endif

static void show(const struct machine *machine) {
    const struct machine_counts *counts = &machine->counts;
#define U(value) ((unsigned long long)counts->value)
    printf(
        "%s: ART_TEST_SEED=%llu, %llu calls, %llu switches, hash %016llx: commits %llu, slots used again %llu, "
        "rollbacks %llu, busy %llu, "
        "snapshots %llu (%llu old), checkpoints %llu, copies %llu; deaths %llu, zombies %llu (%llu revived), losses of "
        "power %llu, images %llu (%llu with an unfinished copy, %llu salvaged), faults %llu; lies %llu, noticed by "
        "statements %llu, by checks %llu; folders %llu, summaries %llu, journals %llu, VACUUM %llu, made anew %llu, "
        "orphans %llu, strangers %llu, writes beside slots that somebody stands on %llu\n",
        machine->plan->name, (unsigned long long)machine->seed, (unsigned long long)machine->turns,
        (unsigned long long)machine->switches, (unsigned long long)machine->hash, U(commits), U(reused), U(rollbacks),
        U(busy), U(snapshots), U(old_snapshots), U(checkpoints), U(copies), U(deaths), U(zombies), U(revived), U(power),
        U(images), U(unfinished), U(salvaged), U(faults), U(lies), U(noticed), U(noticed_by_check), U(folders),
        U(summaries), U(journals), U(vacuums), U(anew), U(orphans), U(strangers), U(guarded));
#undef U
    fflush(stdout);
}

static uint64_t history(const struct machine_plan *plan, uint64_t seed, unsigned turns, struct machine_counts *sums) {
    static struct machine machine;
    bool good = machine_run(&machine, plan, seed, number("ART_ACTORS_TURNS", turns));
    show(&machine);
    if (!good) machine_show(&machine, number("ART_ACTORS_SHOW", 60));
    ck_assert_msg(good, "%s [ART_TEST_SEED=%llu ART_ACTORS_PLAN=%d]", machine.failure, (unsigned long long)seed,
                  (int)(plan - plans));
    uint64_t hash = machine.hash, *to = (uint64_t *)sums;
    const uint64_t *from = (const uint64_t *)&machine.counts;
    for (size_t i = 0; sums && i < sizeof *sums / sizeof *to; i++) to[i] += from[i];
    machine_clear(&machine);
    return hash;
}

LOOP_TEST(test_all_see_one_history_whoever_goes_on_when, LENGTH(plans)) {
    uint64_t seed = random_seed();
    const struct machine_plan *plan = &plans[_i];
    struct machine_counts of = {0};
    unsigned histories = number("ART_ACTORS_HISTORIES", random_rounds(HISTORIES));
    if (number("ART_ACTORS_PLAN", (unsigned)_i) != (unsigned)_i) return;
    for (unsigned i = 0; i < histories; i++) history(plan, seed + i, TURNS, &of);
    if (histories < HISTORIES || number("ART_ACTORS_TURNS", TURNS) < 40000) return;
    ck_assert(of.snapshots && (of.commits > (plan->life ? 10 : 100) || plan->lies));
    ck_assert(of.old_snapshots || *plan->journal == 'D' || plan->life || plan->lies);
    ck_assert(!plan->dies || (of.images && (plan->together || (of.deaths && (of.zombies || *plan->journal == 'D')))));
    ck_assert(!plan->lies || of.lies);
    ck_assert(!plan->life || (of.journals && of.anew && of.vacuums + of.orphans + of.strangers));
    ck_assert(of.reused > 10 || plan->lies || strstr(plan->storage, "inline"));
}

TEST(test_the_same_seed_makes_the_same_history) {
    uint64_t seed = random_seed();
    for (int i = 0; i < LENGTH(plans) && !getenv("ART_ACTORS_PLAN"); i += 3) {
        uint64_t first = history(&plans[i], seed, TURNS / 4, NULL);
        history(&plans[1], seed + 1, TURNS / 4, NULL);
        ck_assert_uint_eq(history(&plans[i], seed, TURNS / 4, NULL), first);
    }
}

static const struct machine_plan lying[] = {
    {"nothing is synced", "WAL", "FULL", FILES, "wwrc", .lasts = true, .dies = true, .never_syncs = WORLD_LIES},
    {"no WAL is synced", "WAL", "FULL", FILES, "wwrc", .lasts = true, .dies = true, .never_syncs = WORLD_LIES_OF_WAL},
};

/* The power goes, and what was acknowledged is not there. */
LOOP_TEST(test_a_disk_that_never_syncs_is_noticed, LENGTH(lying)) {
    static struct machine machine;
    uint64_t seed = random_seed();
    bool good = true;
    for (unsigned i = 0; i < 10 && good; i++) {
        good = machine_run(&machine, &lying[_i], seed + i, TURNS);
        if (!good) printf("noticed: %s\n", machine.failure);
        machine_clear(&machine);
    }
    ck_assert(!good);
}

SUITE("actors", .seconds = SUITE_FOREVER)
