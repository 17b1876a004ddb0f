/* All faults, at every place of the script, in every mode (`tests/prove faults`).
 *
 *     prove_faults [source [mode]]       sources: calls files memory points limit loaded
 *
 * What the programs test_faults_* try a slice of. Each source and mode runs in a process of its own, two at a time; a
 * line a sweep, and in the end their sum. Exit 1: something that must hold did not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ext/art.h"
#include "tests/support/fault_calls.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/io_faults.h"
#include "tests/support/sql_memory.h"

/* An allocation in so many is made to fail: a step makes thousands, most of them SQLite's. */
enum { AT_ONCE = 2, MEMORY_MOST = 600 };

static const struct kind {
    const char *name;
    const struct fault_source *source;
    fault_entry *entry;
    const char *synchronous;
    unsigned most;
} kinds[] = {
    {"calls", &fault_calls, sqlite3_art_init, "OFF", 0},
    {"files", &faulty_vfs_calls, sqlite3_art_init, "FULL", 0},
    {"memory", &sql_memory_faults, sqlite3_art_init, "OFF", MEMORY_MOST},
    {"points", &sql_fault_points, sqlite3_art_init, "FULL", 0},
    {"limit", &sql_heap_limit_faults, sqlite3_art_init, "OFF", 0},
    {"loaded", &sql_memory_faults, NULL, "OFF", MEMORY_MOST},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct total {
    uint64_t attempts, struck, errors, committed;
};

static bool makes_sense(const struct kind *kind, const struct fault_mode *mode) {
    bool of_files =
        kind->source == &fault_calls || kind->source == &faulty_vfs_calls || kind->source == &sql_fault_points;
    return !mode->in_memory || !of_files;
}

static int run(const struct kind *kind, const struct fault_mode *mode, struct total *total) {
    struct fault_sweep sweep = {
        .source = kind->source,
        .world = {.mode = mode, .entry = kind->entry, .vfs = "faulty", .synchronous = kind->synchronous},
        .most = kind->most,
        .random = {random_seed()}};
    printf("%s, %s: seed %llu\n", kind->name, mode->name, (unsigned long long)sweep.random.state);
    fflush(stdout);
    io_fault_skip_syncs();
    fault_sweep_run(&sweep);
    fault_sweep_print(&sweep);
    *total = (struct total){sweep.attempts, sweep.struck, sweep.errors, sweep.committed};
    return 0;
}

static int wait_for_one(void) {
    int status = 0;
    return wait(&status) < 0 ? 1 : status != 0;
}

int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : NULL, *mode = argc > 2 ? argv[2] : NULL;
    struct total *totals =
        mmap(NULL, sizeof *totals * KINDS * FAULT_MODES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int running = 0, failed = 0;
    sql_memory_install();
    faulty_vfs_register();
    bool points = sql_fault_points_there();
    if (!points) printf("SKIPPED: this SQLite was built without points that fail\n");
    for (int i = 0; i < KINDS * FAULT_MODES; i++) {
        const struct kind *kind = &kinds[i / FAULT_MODES];
        const struct fault_mode *in = &fault_modes[i % FAULT_MODES];
        if (only && strcmp(only, kind->name)) continue;
        if ((mode && strcmp(mode, in->name)) || !makes_sense(kind, in)) continue;
        if (kind->source == &sql_fault_points && !points) continue;
        if (running == AT_ONCE) {
            failed += wait_for_one();
            running--;
        }
        fflush(stdout);
        running++;
        if (fork() == 0) exit(run(kind, in, &totals[i]));
    }
    for (; running; running--) failed += wait_for_one();
    struct total sum = {0, 0, 0, 0};
    for (int i = 0; i < KINDS * FAULT_MODES; i++) {
        sum.attempts += totals[i].attempts;
        sum.struck += totals[i].struck;
        sum.errors += totals[i].errors;
        sum.committed += totals[i].committed;
    }
    printf(
        "faults: %llu attempts, in %llu of them something failed, %llu ended in an error, %llu committed; %d failed\n",
        (unsigned long long)sum.attempts, (unsigned long long)sum.struck, (unsigned long long)sum.errors,
        (unsigned long long)sum.committed, failed);
    return failed != 0;
}
