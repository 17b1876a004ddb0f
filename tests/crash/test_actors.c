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
    {"WAL, faults", "WAL", "FULL", FILES, "wwrcb", .lasts = true, .fails = true},
    {"WAL, faults and deaths", "WAL", "FULL", FILES, "wwrcb", .lasts = true, .fails = true, .dies = true},
    {"rollback journal, faults", "DELETE", "EXTRA", FILES, "wwr", .lasts = true, .fails = true, .dies = true},
    {"WAL, a disk that lies", "WAL", "FULL", FILES, "wwrc", .lasts = true, .lies = true},
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

static void show(const struct machine *machine) {
#define U(value) ((unsigned long long)machine->counts.value)
    printf(
        "%s: ART_TEST_SEED=%llu, %llu calls, %llu switches, hash %016llx: commits %llu, rollbacks %llu, busy %llu, "
        "snapshots %llu (%llu old), checkpoints %llu, copies %llu; deaths %llu, zombies %llu (%llu revived), losses of "
        "power %llu, images %llu (%llu with an unfinished copy), faults %llu, lies noticed %llu\n",
        machine->plan->name, (unsigned long long)machine->seed, (unsigned long long)machine->turns,
        (unsigned long long)machine->switches, (unsigned long long)machine->hash, U(commits), U(rollbacks), U(busy),
        U(snapshots), U(old_snapshots), U(checkpoints), U(copies), U(deaths), U(zombies), U(revived), U(power),
        U(images), U(unfinished), U(faults), U(noticed));
#undef U
    fflush(stdout);
}

static uint64_t history(const struct machine_plan *plan, uint64_t seed) {
    static struct machine machine;
    bool good = machine_run(&machine, plan, seed, number("ART_ACTORS_TURNS", 60000));
    show(&machine);
    if (!good) machine_show(&machine, number("ART_ACTORS_SHOW", 60));
    ck_assert_msg(good, "ART_TEST_SEED=%llu ART_ACTORS_PLAN=%d: %s", (unsigned long long)seed, (int)(plan - plans),
                  machine.failure);
    uint64_t hash = machine.hash;
    machine_clear(&machine);
    return hash;
}

LOOP_TEST(test_all_see_one_history_whoever_goes_on_when, LENGTH(plans)) {
    uint64_t seed = random_seed();
    if (number("ART_ACTORS_PLAN", (unsigned)_i) != (unsigned)_i) return;
    for (unsigned i = 0, n = number("ART_ACTORS_HISTORIES", random_rounds(4)); i < n; i++)
        history(&plans[_i], seed + i);
}

TEST(test_the_same_seed_makes_the_same_history) {
    uint64_t seed = random_seed();
    for (int i = 0; i < LENGTH(plans) && !getenv("ART_ACTORS_PLAN"); i += 3) {
        uint64_t first = history(&plans[i], seed);
        history(&plans[1], seed + 1);
        ck_assert_uint_eq(history(&plans[i], seed), first);
    }
}

SUITE("actors", .seconds = SUITE_FOREVER)
