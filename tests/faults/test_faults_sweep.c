/* What may fail under an art table and its ordinary twin, everywhere, once and from then on: system calls of core/io,
 * each with each errno; allocations of SQLite and of the extension; calls of SQLite's VFS, each with each code.
 * Whatever SQLite makes of it, a commit or none, it must make the same of both.
 *
 * Where the extension is linked in, core's table of system calls is this program's own. The fault loops of SQLite's own
 * test programs are gone through with the art.so that is delivered: memory that runs out, files that fail, the heap
 * limit, and the places that its tests make fail.
 *
 * Here a slice; with ART_FAULTS_MOST=n all modes, and so many calls of a kind, or all (0): `tests/prove faults`.
 */
#include <unistd.h>

#include "ext/art.h"
#include "tests/support/fault_calls.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sanitized.h"
#include "tests/support/sql_memory.h"
#include "tests/support/suite.h"

/* `entry`: of the extension; NULL loads it. */
static void sweep(const struct fault_source *source, const struct fault_mode *mode, fault_entry *entry,
                  const char *synchronous, unsigned most, uint64_t seed) {
    struct fault_sweep sweep = {.source = source,
                                .world = {.mode = mode, .entry = entry, .vfs = "faulty", .synchronous = synchronous},
                                .most = random_rounds(most),
                                .random = {seed}};
    if (entry) io_fault_skip_syncs();
    printf("seed %llu\n", (unsigned long long)seed);
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
}

enum { WAYS = SANITIZED ? 1 : FAULT_WAYS }; /* the others differ below what errors go through */

static unsigned modes(unsigned usual) {
    return getenv("ART_FAULTS_MOST") ? FAULT_MODES : usual;
}

/* In the i-th mode, of all or of those that are drawn; `also` are behind these. A database in memory has no files.
 * Where a part is asked for, one way to the disk stands for all: the build with the usual budgets goes through each. */
static void sweep_in(unsigned i, const struct fault_source *source, const char *synchronous, unsigned most,
                     const char *const *also) {
    uint64_t seed_of_all = random_seed(),
             seed = seed_of_all + i + (i < WAYS ? 0 : FAULT_WAYS - WAYS); /* in each build the same */
    const struct fault_mode *mode = getenv("ART_FAULTS_MOST") ? &fault_modes[i]
                                    : i < WAYS                ? fault_mode_draw(i, seed)
                                                              : fault_mode_find(also[i - WAYS]);
    if (mode->in_memory && source != &sql_memory_faults) return;
    if (random_stride() > 1 && i < WAYS && i != seed_of_all % WAYS) return;
    sweep(source, mode, sqlite3_art_init, synchronous, most, seed);
}

LOOP_TEST(test_every_system_call_may_fail_and_the_twins_agree, modes(WAYS)) {
    sweep_in((unsigned)_i, &fault_calls, "OFF", 2, NULL);
}

CASE("files", .seconds = SUITE_FOREVER)

LOOP_TEST(test_every_call_of_the_vfs_may_fail_and_the_twins_agree, modes(WAYS)) {
    sweep_in((unsigned)_i, &faulty_vfs_calls, "FULL", 1, NULL);
}

CASE("memory", .seconds = SUITE_FOREVER)

LOOP_TEST(test_every_allocation_may_fail_and_the_twins_agree, modes(WAYS + 2)) {
    static const char *const also[] = {"memory", "rows-wal"};
    sweep_in((unsigned)_i, &sql_memory_faults, "OFF", 10, also);
}

/* --- loaded ------------------------------------------------------------------------------------------------------- */

CASE("loaded", .seconds = SUITE_FOREVER)

/* In memory, where there is such a place: art.so syncs its files whatever this program wants. With ART_FAULTS_MOST in
 * all modes that can be. */
static void sweep_loaded(const struct fault_source *source, const char *mode, const char *synchronous, unsigned most) {
    if (SANITIZED) return; /* the same code as it is linked in, above */
    bool of_files = source == &faulty_vfs_calls || source == &sql_fault_points;
    if (!access("/dev/shm", W_OK)) setenv("TMPDIR", "/dev/shm", 1);
    for (int i = 0; i < FAULT_MODES; i++) {
        bool wanted = getenv("ART_FAULTS_MOST") || &fault_modes[i] == fault_mode_find(mode);
        if (!wanted || (fault_modes[i].in_memory && of_files)) continue;
        sweep(source, &fault_modes[i], NULL, synchronous, most, random_seed());
    }
}

TEST(test_the_loaded_extension_stands_memory_that_runs_out) {
    sweep_loaded(&sql_memory_faults, "uring-wal", "OFF", 6);
    if (modes(0)) return;
    sweep_loaded(&sql_memory_faults, "pwrite-truncate", "OFF", 6);
}

TEST(test_the_loaded_extension_stands_files_that_fail) {
    sweep_loaded(&faulty_vfs_calls, "buffered-persist", "FULL", 1);
}

CASE("limits", .seconds = SUITE_FOREVER)

TEST(test_a_hard_heap_limit_is_out_of_memory_and_the_old_state) {
    sweep_loaded(&sql_heap_limit_faults, "pwrite-wal", "OFF", 4);
    if (modes(0)) return;
    sweep_loaded(&sql_heap_limit_faults, "memory", "OFF", 4);
}

TEST(test_the_loaded_extension_stands_what_sqlite_lets_fail_in_itself) {
    if (!sql_fault_points_there()) {
        printf("SKIPPED: this SQLite was built without points that fail\n");
        return;
    }
    sweep_loaded(&sql_fault_points, "uring-wal", "FULL", 6);
}

int main(void) {
    sql_memory_install();
    faulty_vfs_register();
    return suite_run("calls", .seconds = SUITE_FOREVER);
}
