/* The bench: art, an ordinary SQLite table, art's core, LMDB and RocksDB, doing the same in turns.
 *
 *     bench [-s obj,real] [-e art,table,...] [-r rounds] [-d directory] [-m directory in memory] [-o output] [-a] [-c]
 *           [-n megabytes] [-t] [sizes...]
 *
 * -d  where the stores are made (TMPDIR, else /tmp); -m for the pauses (/dev/shm, if there is one; "": none)
 * -o  the folder of results.csv and distribution.csv (build/bench); -a adds to them; tests/bench/table prints them
 * -c  each engine with the cache that it comes with; the figures' set is then called obj-defaults
 * -n  beside a process that walks so many megabytes of memory all the while, so that no engine has the cores' shared
 *     cache to itself; the figures' set is then called obj-shared
 * -P  operations, such as get,list: by one engine in this process, for a profiler (tests/bench/profile)
 * -t  tiny: a few steps of every operation, and "agree" at the end: for tests, not for figures
 *
 * Reading order: engine.h, operations.h, conduct.h; then block.c, and the engines.
 */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/conduct.h"
#include "tests/bench/engine.h"
#include "tests/bench/files.h"
#include "tests/bench/operations.h"

enum { MOST_SIZES = 16 };

struct job {
    struct conduct_options conduct;
    const char *sets, *output, *paths, *profiled;
    bool append;
    unsigned neighbour; /* megabytes */
    uint32_t sizes[MOST_SIZES];
    int size_count;
};

static void usage(void) {
    fprintf(
        stderr,
        "usage: bench [-s obj,fs,hex,real] [-e art,inline,table,core,lmdb,rocksdb] [-r rounds] [-d directory]\n"
        "             [-m directory in memory] [-o output] [-P operations] [-n megabytes] [-a] [-c] [-t] [sizes...]\n");
    exit(2);
}

static struct job parse(int argc, char **argv) {
    struct job job = {.sets = "obj,real", .output = "build/bench", .paths = "build/bench/paths"};
    struct stat status;
    int option;
    job.conduct.directory = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    job.conduct.memory = stat("/dev/shm", &status) == 0 ? "/dev/shm" : "";
    job.conduct.rounds = 5;
    job.conduct.quiet = !isatty(2);
    while ((option = getopt(argc, argv, "s:e:r:d:m:o:p:P:n:act")) != -1) {
        switch (option) {
        case 's':
            job.sets = optarg;
            break;
        case 'e':
            job.conduct.engines = optarg;
            break;
        case 'r':
            job.conduct.rounds = atoi(optarg) < 1 ? 1 : atoi(optarg) > 25 ? 25 : atoi(optarg);
            break;
        case 'd':
            job.conduct.directory = optarg;
            break;
        case 'm':
            job.conduct.memory = optarg;
            break;
        case 'o':
            job.output = optarg;
            break;
        case 'p':
            job.paths = optarg;
            break;
        case 'P':
            job.profiled = optarg;
            break;
        case 'n':
            if (atoi(optarg) < 1 || atoi(optarg) > 4096) usage();
            job.neighbour = (unsigned)atoi(optarg);
            break;
        case 'a':
            job.append = true;
            break;
        case 'c':
            job.conduct.defaults = true;
            break;
        case 't':
            job.conduct.tiny = true;
            job.conduct.rounds = 1;
            break;
        default:
            usage();
        }
    }
    if (!*job.conduct.memory) job.conduct.memory = NULL;
    for (; optind < argc; optind++) {
        if (atol(argv[optind]) < 100 || atol(argv[optind]) > 100000000 || job.size_count == MOST_SIZES) usage();
        job.sizes[job.size_count++] = (uint32_t)atol(argv[optind]);
    }
    if (!job.size_count) job.sizes[job.size_count++] = 1000000;
    return job;
}

static void introduce(const struct job *job) {
    printf("SQLite %s; %s; median of %d rounds in turns; stores in %s\n", sqlite3_libversion(),
           job->conduct.defaults ? "caches as they come" : "1 GB of cache each", job->conduct.rounds,
           job->conduct.directory);
    if (job->neighbour) printf("beside a process that walks %u MB of memory\n", job->neighbour);
    for (int i = 0; engines[i]; i++) printf("  %-10s%s\n", engines[i]->name, engines[i]->about);
    for (int i = 0; engines_left_out[i][0]; i++) {
        printf("  %-10sLEFT OUT: %s\n", engines_left_out[i][0], engines_left_out[i][1]);
    }
    fflush(stdout);
}

/* ---- one engine in this process, for profilers; what is loaded and warmed up lies outside of do_measured() ------- */

enum { SOLO_STEPS = 5000 };

static const struct engine *find_engine(const char *name) {
    for (int i = 0; engines[i]; i++) {
        if (name && !strcmp(engines[i]->name, name)) return engines[i];
    }
    fprintf(stderr, "bench: -P needs one engine that is here: -e art, for one\n");
    return NULL;
}

static void profile(const struct engine *engine, void *store, const struct keys *keys,
                    const struct operation *operation) {
    static struct block block;
    uint32_t steps = operation->steps < SOLO_STEPS ? operation->steps : SOLO_STEPS;
    block_run(engine, store, keys, operation, 0, operation->writes ? steps : operation->steps, 0, false, &block);
    block_run(engine, store, keys, operation, 1, steps, 0, false, &block);
    printf("%s %s: %llu\n", engine->name, operation->name, (unsigned long long)block.units);
}

/* Loads, puts in order, and runs one block of each operation (names with commas between). Prints the units of each.
 * False: there is no such engine or operation. */
static bool solo(const struct keys *keys, const struct conduct_options *options, const char *names) {
    static struct block block;
    const struct engine *engine = find_engine(options->engines);
    if (!engine) return false;
    struct engine_settings settings = {
        .directory = options->directory, .cache_bytes = (uint64_t)1 << 30, .create = true};
    void *store = engine->open(&settings);
    block_load(engine, store, keys, 0, keys->count, false, &block);
    engine->settle(store);
    char list[200], *rest = list;
    bool all = true;
    snprintf(list, sizeof list, "%s", names);
    for (char *name; (name = strsep(&rest, ","));) {
        const struct operation *operation = operation_find(name);
        if (operation) profile(engine, store, keys, operation);
        if (!operation) fprintf(stderr, "bench: there is no operation %s\n", name);
        all &= operation != NULL;
    }
    engine->close(store);
    return all;
}

/* ---- a process that keeps the cache of all cores busy, as other programs on a machine do ------------------------- */

enum { LINE = 64 };
static pid_t neighbour;

static void walk(volatile unsigned char *memory, size_t bytes) {
    for (;;) {
        for (size_t i = 0; i < bytes; i += LINE) memory[i]++;
        if (getppid() == 1) _exit(0);
    }
}

/* Walks so many megabytes all the while, on any core; ends with this process. False: it could not be started. */
static bool neighbour_start(unsigned megabytes) {
    size_t bytes = (size_t)megabytes << 20;
    unsigned char *memory = malloc(bytes);
    if (!memory) return false;
    neighbour = fork();
    if (neighbour == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        walk(memory, bytes);
    }
    free(memory);
    return neighbour > 0;
}

static void neighbour_stop(void) {
    if (neighbour <= 0) return;
    kill(neighbour, SIGKILL);
    waitpid(neighbour, NULL, 0);
    neighbour = 0;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* The stores' folder is new, and gone afterwards, also when a round was refused. */
static char scratch[300], memory[300];

static void clean_up(void) {
    neighbour_stop();
    if (*scratch) files_remove(scratch);
    if (*memory) files_remove(memory);
}

static const char *make_folder(char *out, size_t room, const char *where) {
    snprintf(out, room, "%s/bench-XXXXXX", where);
    if (mkdtemp(out)) return out;
    fprintf(stderr, "bench: cannot make a folder in %s: %s\n", where, strerror(errno));
    *out = 0;
    exit(1);
}

static void stop(int signal) {
    (void)signal;
    exit(1);
}

static bool run(struct job *job, const char *set, uint32_t size) {
    struct figures figures = {0};
    struct keys keys;
    if (!keys_make(&keys, set, size, job->paths)) return false;
    if (job->profiled) {
        bool done = solo(&keys, &job->conduct, job->profiled);
        keys_clear(&keys);
        return done;
    }
    printf("\n%s: %u keys (%s), %.1f bytes each with its value\n", set, keys.count, keys.shape,
           (double)keys.payload / keys.count);
    fflush(stdout);
    char name[32];
    snprintf(name, sizeof name, "%s%s%s", set, job->conduct.defaults ? "-defaults" : "",
             job->neighbour ? "-shared" : "");
    set = keys.set = name;
    conduct(&keys, &job->conduct, &figures);
    if (!job->conduct.tiny) {
        figures_write(&figures, job->output, job->append);
        job->append = true;
    }
    figures_clear(&figures);
    keys_clear(&keys);
    return true;
}

int main(int argc, char **argv) {
    struct job job = parse(argc, argv);
    int runs = 0;
    atexit(clean_up);
    job.conduct.directory = make_folder(scratch, sizeof scratch, job.conduct.directory);
    if (job.conduct.memory) job.conduct.memory = make_folder(memory, sizeof memory, job.conduct.memory);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    if (job.neighbour && !neighbour_start(job.neighbour)) {
        fprintf(stderr, "bench: the process beside it did not start: %s\n", strerror(errno));
        return 1;
    }
    if (!job.profiled) introduce(&job);
    char sets[100], *rest = sets;
    snprintf(sets, sizeof sets, "%s", job.sets);
    for (char *set; (set = strsep(&rest, ","));) {
        for (int i = 0; i < job.size_count; i++) runs += run(&job, set, job.sizes[i]);
    }
    if (!runs) return 1;
    if (job.conduct.tiny) printf("all engines agree\n");
    return 0;
}
