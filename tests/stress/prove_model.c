/* The differential model test for as long as one likes (`tests/prove model`; test_model.c is its short form).
 *
 *     prove_model [minutes [statements [setting]]]    10 minutes; as soon as either is reached. 0: no limit
 *
 * With the number of a setting (history.c lists them, from 0), in that one only.
 *
 * Each history runs in a process of its own, two at a time, so that a crash is one more finding. Prints how far it is
 * every ten seconds, every difference with its seed and the shortened history, and at the end what was met how often.
 * Exit 1 if there was any difference; after 50 of them it gives up. ART_TEST_SEED: the first seed.
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/support/history.h"
#include "tests/support/sql.h"

enum { AT_ONCE = 2, PROGRESS_SECONDS = 10, FAILURES_MAX = 50 };

/* A history that is running, in a folder of its own that goes with it, also if it crashes. */
static struct running {
    pid_t process;
    char *folder;
    uint64_t seed;
} running[AT_ONCE];

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void start_history(struct running *place, const struct workload_setting *setting, uint64_t seed) {
    fflush(stdout);
    *place = (struct running){.folder = sql_scratch("prove"), .seed = seed, .process = fork()};
    if (place->process > 0) return;
    if (place->process < 0) {
        perror("prove_model: fork");
        exit(1);
    }
    setenv("TMPDIR", place->folder, 1);
    char *differs = history_run(setting, seed);
    fflush(stdout);
    _exit(differs != NULL);
}

/* Waits until one has ended; 1 if it failed. */
static int wait_for_one(void) {
    int status = 0;
    pid_t child = wait(&status);
    for (int i = 0; i < AT_ONCE; i++) {
        if (running[i].process != child || !running[i].folder) continue;
        if (WIFSIGNALED(status)) {
            printf("\nseed %llu ended by signal %d\n", (unsigned long long)running[i].seed, WTERMSIG(status));
        }
        nftw(running[i].folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        sqlite3_free(running[i].folder);
        running[i] = (struct running){0};
    }
    return status != 0;
}

static struct running *free_entry(void) {
    for (int i = 0; i < AT_ONCE; i++) {
        if (!running[i].process) return &running[i];
    }
    return NULL;
}

static bool any_runs(void) {
    for (int i = 0; i < AT_ONCE; i++) {
        if (running[i].process) return true;
    }
    return false;
}

static void show_progress(double since, int failed) {
    const struct history_tally *tally = history_tally();
    double took = seconds() - since;
    printf("%7.0f s: %lld statements (%.0f a second), %lld histories, %d failed\n", took, (long long)tally->statements,
           (double)tally->statements / took, (long long)tally->histories, failed);
    fflush(stdout);
}

int main(int argc, char **argv) {
    double minutes = argc > 1 ? atof(argv[1]) : 10;
    int64_t statements = argc > 2 ? atoll(argv[2]) : 0;
    int only = argc > 3 ? atoi(argv[3]) % history_setting_count : -1;
    uint64_t seed = random_seed();
    const struct history_tally *tally = history_tally();
    double begun = seconds(), shown = begun;
    int failed = 0;
    printf("seeds from %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; failed < FAILURES_MAX; i++) {
        uint64_t number = only >= 0 ? (uint64_t)only : i % (uint64_t)history_setting_count;
        if (minutes > 0 && seconds() - begun > minutes * 60) break;
        if (statements > 0 && tally->statements >= statements) break;
        if (!free_entry()) failed += wait_for_one();
        if (seconds() - shown > PROGRESS_SECONDS) {
            show_progress(begun, failed);
            shown = seconds();
        }
        start_history(free_entry(), &history_settings[number], seed + i);
    }
    while (any_runs()) failed += wait_for_one();
    show_progress(begun, failed);
    history_print_tally(tally);
    return failed != 0;
}
