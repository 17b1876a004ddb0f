#include "tests/bench/conduct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/files.h"
#include "tests/bench/worker.h"
#include "tests/support/timing.h"

enum { MOST_ENGINES = 8, MOST_ROUNDS = 25 };

struct run {
    const struct keys *keys;
    const struct conduct_options *options;
    struct figures *figures;
    struct worker workers[MOST_ENGINES];
    int count, turn;
    double values[MOST_ENGINES][MOST_ROUNDS]; /* a measurement's, by engine and round */
    uint64_t ns[MOST_ENGINES], units[MOST_ENGINES];
    struct histogram histograms[MOST_ENGINES];
};

static void say(const struct run *run, const char *what) {
    if (!run->options->quiet) fprintf(stderr, "   %s %u: %s          \r", run->keys->set, run->keys->count, what);
}

static bool chosen(const struct conduct_options *options, const char *name) {
    size_t len = strlen(name);
    for (const char *at = options->engines; at; at = strchr(at, ','), at = at ? at + 1 : NULL) {
        if (!strncmp(at, name, len) && (at[len] == ',' || !at[len])) return true;
    }
    return !options->engines;
}

static void add(struct run *run, const char *operation, const char *label, const struct worker *worker, enum unit unit,
                double value, const struct histogram *histogram) {
    figures_add(run->figures, run->keys->set, run->keys->count, operation, label, worker->engine->name, unit, value,
                histogram);
}

/* ---- disagreement ------------------------------------------------------------------------------------------------ */

static void refuse(const struct worker *a, const struct worker *b, const char *what, const char *how) {
    fprintf(stderr, "bench: %s: %s and %s %s: no figures\n", what, a->engine->name, b->engine->name, how);
    exit(1);
}

/* At the last mark that both have reached. */
static void compare(const struct worker *a, const struct worker *b, const char *what) {
    const struct block *x = &a->last.block, *y = &b->last.block;
    uint64_t steps = x->steps < y->steps ? x->steps : y->steps;
    if (!steps) return;
    int mark = 63 - __builtin_clzll(steps);
    bool same = x->digests[mark] == y->digests[mark];
    if (x->complete && y->complete) same = same && x->digests[MARKS - 1] == y->digests[MARKS - 1];
    if (!same) refuse(a, b, what, "give different answers");
}

static void compare_all(struct run *run, unsigned lacks, const char *what) {
    const struct worker *first = NULL;
    for (int i = 0; i < run->count; i++) {
        if (run->workers[i].engine->lacks & lacks) continue;
        if (first) compare(first, &run->workers[i], what);
        if (!first) first = &run->workers[i];
    }
}

/* ---- rounds ------------------------------------------------------------------------------------------------------ */

/* One turn of every engine that lacks none of `lacks`, compared. */
static void tell_all(struct run *run, const struct command *command, unsigned lacks, const char *what) {
    say(run, what);
    run->turn++;
    for (int i = 0; i < run->count; i++) {
        struct worker *worker = &run->workers[(i + run->turn) % run->count];
        if (!(worker->engine->lacks & lacks)) worker_tell(worker, command);
    }
    compare_all(run, lacks, what);
}

static void reset(struct run *run) {
    memset(run->ns, 0, sizeof run->ns);
    memset(run->units, 0, sizeof run->units);
    memset(run->histograms, 0, sizeof run->histograms);
}

static void collect(struct run *run) {
    for (int i = 0; i < run->count; i++) {
        const struct block *block = &run->workers[i].last.block;
        run->ns[i] += block->worked_ns;
        run->units[i] += block->units;
        histogram_merge(&run->histograms[i], &block->histogram);
    }
}

static void measure_reads(struct run *run, const struct operation *operation, const char *name, const char *label) {
    bool tiny = run->options->tiny;
    int rounds = run->options->rounds;
    uint32_t steps = tiny && operation->steps > 200 ? 200 : operation->steps;
    struct command command = {ORDER_BLOCK, .operation = (uint32_t)(operation - operations), .count = steps};
    reset(run);
    command.limit_ns = tiny ? 2000000 : 30000000; /* warm */
    tell_all(run, &command, 0, label);
    for (int r = 0; r < rounds; r++) {
        command.round = (uint32_t)r + 1;
        command.limit_ns = tiny ? 2000000 : 60000000;
        tell_all(run, &command, 0, label);
        for (int i = 0; i < run->count; i++) {
            const struct block *block = &run->workers[i].last.block;
            run->values[i][r] = (double)block->worked_ns / (double)(block->units ? block->units : 1);
        }
    }
    command.flag = true; /* timed */
    for (int r = 0; r < (tiny ? 1 : 2); r++) {
        command.round = (uint32_t)(rounds + r) + 1;
        command.limit_ns = tiny ? 2000000 : 100000000;
        tell_all(run, &command, 0, label);
        if (!operation->by_row) collect(run);
    }
    for (int i = 0; i < run->count; i++) {
        double median = timing_median(run->values[i], rounds);
        add(run, name, label, &run->workers[i], UNIT_NS, median, &run->histograms[i]);
    }
}

static void add_all(struct run *run, const char *name, const char *label, unsigned lacks) {
    for (int i = 0; i < run->count; i++) {
        if (run->workers[i].engine->lacks & lacks || !run->units[i]) continue;
        add(run, name, label, &run->workers[i], UNIT_NS, (double)run->ns[i] / (double)run->units[i],
            &run->histograms[i]);
    }
}

/* An engine that cannot be durable does the steps, too, for it must have the same rows; its figure is left out. */
static void measure_writes(struct run *run, const struct operation *operation) {
    uint32_t steps = run->options->tiny ? (operation->transaction == BATCHES ? 1100 : 40) : operation->steps;
    struct command command = {ORDER_BLOCK, .operation = (uint32_t)(operation - operations), .count = steps};
    command.flag = true;
    reset(run);
    for (int r = 0; r < run->options->rounds; r++) {
        command.round = (uint32_t)r + 1;
        tell_all(run, &command, 0, operation->label);
        collect(run);
    }
    add_all(run, operation->name, operation->label, operation->sync ? ENGINE_NO_SYNC : 0);
}

/* Every row of every engine. */
static void verify(struct run *run) {
    const struct operation *scan = operation_find("scan-all");
    struct command command = {ORDER_BLOCK, .operation = (uint32_t)(scan - operations), .count = 1};
    tell_all(run, &command, 0, "all rows");
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static void start(struct run *run, uint64_t cache_bytes, bool create) {
    for (int i = 0; i < run->count; i++) {
        struct worker *worker = &run->workers[i];
        struct engine_settings settings = {
            .directory = worker->directory, .cache_bytes = cache_bytes, .create = create};
        worker_start(worker, worker->engine, run->keys, &settings);
    }
}

static void take(struct run *run, const struct engine *engine) {
    struct worker *worker = &run->workers[run->count++];
    worker->engine = engine;
    snprintf(worker->directory, sizeof worker->directory, "%s/%s", run->options->directory, engine->name);
    files_make(worker->directory);
}

static void choose(struct run *run) {
    for (int i = 0; engines[i] && run->count < MOST_ENGINES; i++) {
        if (chosen(run->options, engines[i]->name)) take(run, engines[i]);
    }
    if (run->options->engines && chosen(run->options, "liar")) take(run, engine_liar());
    if (run->options->engines && chosen(run->options, "former")) take(run, engine_former());
    if (run->count) return;
    fprintf(stderr, "bench: none of these engines is in this program: %s\n", run->options->engines);
    exit(2);
}

static void add_disk(struct run *run, const char *name, const char *label, double divisor) {
    for (int i = 0; i < run->count; i++) {
        add(run, name, label, &run->workers[i], UNIT_BYTES, (double)run->workers[i].last.disk_bytes / divisor, NULL);
    }
}

static void load(struct run *run) {
    const struct keys *keys = run->keys;
    uint32_t part = (keys->count / 20 / BATCH + 1) * BATCH;
    struct command command = {.order = ORDER_LOAD, .flag = true};
    reset(run);
    for (command.from = 0; command.from < keys->count; command.from += part) {
        command.count = keys->count - command.from < part ? keys->count - command.from : part;
        tell_all(run, &command, 0, "random load");
        collect(run);
    }
    add_all(run, "load", "random load, 1,000 a durable transaction", ENGINE_NO_SYNC);
    command = (struct command){.order = ORDER_QUIESCE};
    tell_all(run, &command, 0, "rest");
    for (int i = 0; i < run->count; i++) {
        const struct worker *worker = &run->workers[i];
        add(run, "write-bytes", "... bytes written a byte of payload", worker, UNIT_TIMES,
            (double)worker->last.written_bytes / (double)keys->payload, NULL);
    }
    add_disk(run, "bytes-loaded", "... bytes a key on disk", keys->count);
    verify(run);
    measure_reads(run, operation_find("get"), "get-loaded", "get, as loaded");
    measure_reads(run, operation_find("miss"), "miss-loaded", "miss, as loaded");
    measure_reads(run, operation_find("list"), "list-loaded", "list 100, as loaded");
    command = (struct command){.order = ORDER_SETTLE};
    tell_all(run, &command, 0, "putting in order");
    add_disk(run, "bytes-settled", "bytes a key on disk, put in order", keys->count);
    for (int i = 0; i < run->count; i++) {
        add(run, "bytes-peak", "... at most meanwhile", &run->workers[i], UNIT_BYTES,
            (double)run->workers[i].peak_bytes / keys->count, NULL);
    }
    for (int i = 0; i < run->count; i++) {
        double beside = (double)run->workers[i].last.disk_bytes / keys->count - keys->value_len;
        add(run, "bytes-beside", "... beside its value", &run->workers[i], UNIT_BYTES, beside > 0 ? beside : 0, NULL);
    }
    command = (struct command){.order = ORDER_PACK};
    tell_all(run, &command, 0, "packing");
    for (int i = 0; i < run->count; i++) {
        const struct worker *worker = &run->workers[i];
        double bytes = (double)worker->last.block.units / keys->count;
        /* What has no such copy is what it is; art's figure stands beside for the ratio. */
        if (worker->engine == &engine_art) bytes = (double)worker->last.disk_bytes / keys->count;
        if (bytes > 0) add(run, "bytes-packed", "... art, against a VACUUMed table", worker, UNIT_BYTES, bytes, NULL);
    }
    verify(run); /* what was just put in order is not in the engines' own caches */
}

static void measure_operations(struct run *run, bool writes) {
    bool written = false;
    for (const struct operation *each = operations; each->name; each++) {
        written = written || each->writes;
        if (written != writes) continue;
        if (each->writes) {
            measure_writes(run, each);
        } else {
            measure_reads(run, each, each->name, each->label);
        }
    }
    if (writes) verify(run);
}

static void add_memory(struct run *run) {
    for (int i = 0; i < run->count; i++) {
        add(run, "memory", "resident memory a key, after these reads", &run->workers[i], UNIT_BYTES,
            (double)run->workers[i].last.memory_bytes / run->keys->count, NULL);
    }
}

static void measure_opening(struct run *run) {
    struct command command = {.order = ORDER_REOPEN, .count = run->options->tiny ? 2 : 20};
    reset(run);
    tell_all(run, &command, ENGINE_NO_REOPEN, "reopen");
    collect(run);
    add_all(run, "reopen", "open and get a key", ENGINE_NO_REOPEN);
    command = (struct command){.order = ORDER_FILL_LOG, .limit_ns = 700000};
    tell_all(run, &command, 0, "filling the log");
    command = (struct command){.order = ORDER_REOPEN, .count = run->options->tiny ? 2 : 20};
    reset(run);
    tell_all(run, &command, ENGINE_NO_REOPEN, "reopen");
    collect(run);
    add_all(run, "reopen-log", "... with a nearly full log", ENGINE_NO_REOPEN);
}

static void measure_company(struct run *run) {
    static const struct {
        const char *name, *label;
        uint32_t readers;
        bool writer;
    } kinds[] = {{"readers-1", "1 reader, 100 reads a transaction, reads a second", 1, false},
                 {"readers-2", "2 readers", 2, false},
                 {"readers-1-writer", "1 reader beside a writer, reads a second", 1, true},
                 {"readers-2-writer", "2 readers beside a writer, reads a second", 2, true},
                 {"readers-4-writer", "4 readers beside a writer, reads a second", 4, true}};
    struct command command = {.order = ORDER_CATCH_UP, .count = run->options->tiny ? 2 : 40};
    reset(run);
    tell_all(run, &command, ENGINE_ONE_USER, "catching up");
    collect(run);
    for (int i = 0; i < run->count; i++) {
        if (run->workers[i].engine->lacks & ENGINE_ONE_USER) continue;
        double ns = (double)histogram_quantile(&run->histograms[i], 0.5) / 1000;
        add(run, "catch-up", "first read beside a writer, per row of his", &run->workers[i], UNIT_NS, ns, NULL);
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        command = (struct command){.order = ORDER_READERS, .count = kinds[k].readers, .flag = kinds[k].writer};
        command.limit_ns = run->options->tiny ? 20000000 : 400000000;
        for (int i = 0; i < run->count; i++) {
            struct worker *worker = &run->workers[i];
            if (worker->engine->lacks & ENGINE_ONE_USER) continue;
            say(run, kinds[k].label);
            const struct block *block = &worker_tell(worker, &command)->block;
            double seconds = (double)block->ns / 1e9;
            add(run, kinds[k].name, kinds[k].label, worker, UNIT_PER_SECOND, (double)block->units / seconds,
                &block->histogram);
            if (kinds[k].writer && kinds[k].readers == 2) {
                add(run, "writer-readers", "... and his writes a second", worker, UNIT_PER_SECOND,
                    (double)block->steps / seconds, NULL);
            }
        }
    }
}

static void measure_bulk(struct run *run) {
    for (int sorted = 1; sorted >= 0; sorted--) {
        struct command command = {.order = ORDER_BULK, .flag = sorted};
        reset(run);
        tell_all(run, &command, 0, sorted ? "sorted bulk load" : "random bulk load");
        collect(run);
        add_all(run, sorted ? "bulk-sorted" : "bulk-random",
                sorted ? "sorted load in one transaction" : "random load in one transaction", 0);
    }
}

/* Of SQLite's two tables only. */
static void measure_long(struct run *run) {
    const struct conduct_options *options = run->options;
    for (int i = 0; i < run->count; i++) {
        struct worker *worker = &run->workers[i];
        if (worker->engine != &engine_art && worker->engine != &engine_table) continue;
        struct command command = {.order = ORDER_PAUSES, .count = options->tiny ? 50 : 50000};
        if (options->memory && files_room(options->memory) > 8 * run->keys->payload) {
            say(run, "pauses");
            snprintf(command.directory, sizeof command.directory, "%s", options->memory);
            const struct block *block = &worker_tell(worker, &command)->block;
            add(run, "pauses", "put, autocommit, files in memory", worker, UNIT_NS,
                (double)block->worked_ns / (double)block->units, &block->histogram);
        }
        say(run, "churn");
        command = (struct command){.order = ORDER_CHURN, .count = run->keys->count / 10, .round = 20};
        if (options->tiny) command.round = 2;
        const struct block *block = &worker_tell(worker, &command)->block;
        add(run, "churn", "disk after updates of 20x a tenth of the keys, x live", worker, UNIT_TIMES,
            (double)block->units / (double)block->steps, NULL);
        add(run, "churn-settled", "... and put in order, x live", worker, UNIT_TIMES,
            (double)block->extra / (double)block->steps, NULL);
    }
}

/* Its speed beside what the device gives to one who only reads, and how much of the time it computed. */
static void add_cold_scan(struct run *run, const struct worker *worker, double each) {
    const struct block *block = &worker->last.block;
    add(run, "cold-scan", "scan all, cold, a row", worker, UNIT_NS, each, NULL);
    add(run, "cold-scan-cpu", "... share of it computing", worker, UNIT_TIMES,
        (double)block->cpu_ns / (double)block->worked_ns, NULL);
    double device = files_sequential(worker->directory) * (double)worker->last.disk_bytes / (double)block->worked_ns;
    if (device > 0)
        add(run, "cold-scan-device", "... speed, as a share of the device's", worker, UNIT_TIMES, device, NULL);
}

/* So many that the first touches of upper levels, which stay in the cache, do not make the figure. */
static uint32_t cold_steps(uint32_t keys) {
    enum { LEAST = 1000, MOST = 20000 };
    uint32_t steps = keys / 500;
    return steps < LEAST ? LEAST : steps > MOST ? MOST : steps;
}

/* Fresh processes, nothing of their files in the system's cache, and a tenth of the ordinary table's bytes as cache. */
static void measure_cold(struct run *run, uint64_t cache_bytes) {
    uint32_t steps = run->options->tiny ? 20 : cold_steps(run->keys->count);
    for (int pass = 0; pass < 3; pass++) {
        const struct operation *operation = operation_find(pass < 2 ? "get" : "scan-all");
        struct command command = {ORDER_BLOCK, .operation = (uint32_t)(operation - operations), .flag = true};
        command.count = pass == 0 ? 1 : pass == 1 ? steps : 1;
        command.limit_ns = 20000000000;
        for (int i = 0; i < run->count; i++) {
            struct worker *worker = &run->workers[i];
            if (worker->engine->lacks & ENGINE_NO_REOPEN) continue;
            say(run, "cold reads");
            files_evict(worker->directory);
            struct engine_settings settings = {.directory = worker->directory, .cache_bytes = cache_bytes};
            worker_start(worker, worker->engine, run->keys, &settings);
            const struct outcome *outcome = worker_tell(worker, &command);
            const struct block *block = &outcome->block;
            double each = (double)block->worked_ns / (double)(block->units ? block->units : 1);
            if (pass == 0) {
                add(run, "cold-first", "open and get, cold", worker, UNIT_NS, (double)outcome->open_ns + each, NULL);
                add(run, "cold-first-cpu", "... without the device", worker, UNIT_NS,
                    (double)(outcome->open_cpu_ns + block->cpu_ns), NULL);
            } else if (pass == 1) {
                add(run, "cold-get", "get, cold, cache of a tenth", worker, UNIT_NS, each, &block->histogram);
                add(run, "cold-reads", "... pages of 4 KB read for each", worker, UNIT_TIMES,
                    (double)outcome->read_bytes / 4096 / (double)block->steps, NULL);
            } else {
                add_cold_scan(run, worker, each);
            }
            worker_quit(worker);
        }
        compare_all(run, ENGINE_NO_REOPEN, "cold reads");
    }
}

/* Fresh processes, all of their files in the system's cache. */
static void begin_anew(struct run *run) {
    for (int i = 0; i < run->count; i++) {
        struct worker *worker = &run->workers[i];
        if (worker->engine->lacks & ENGINE_NO_REOPEN) continue;
        worker_quit(worker);
        files_warm(worker->directory);
        struct engine_settings settings = {.directory = worker->directory};
        worker_start(worker, worker->engine, run->keys, &settings);
    }
}

static void conduct_at_defaults(struct run *run) {
    start(run, 0, true);
    load(run);
    begin_anew(run);
    measure_operations(run, false);
    add_memory(run);
    measure_operations(run, true);
    measure_company(run);
    for (int i = 0; i < run->count; i++) worker_quit(&run->workers[i]);
}

static void conduct_with_large_caches(struct run *run) {
    start(run, (uint64_t)1 << 30, true);
    load(run);
    measure_operations(run, false);
    add_memory(run);
    measure_opening(run);
    verify(run); /* nor is anything behind an opening */
    measure_operations(run, true);
    measure_company(run);
    measure_bulk(run);
    measure_long(run);
    uint64_t cold_cache = run->keys->payload / 10;
    tell_all(run, &(struct command){.order = ORDER_CACHE, .limit_ns = cold_cache}, 0, "cache of a tenth");
    for (int i = 0; i < run->count; i++) worker_quit(&run->workers[i]);
    measure_cold(run, cold_cache);
}

void conduct(const struct keys *keys, const struct conduct_options *options, struct figures *figures) {
    struct run *run = calloc(1, sizeof *run);
    *run = (struct run){.keys = keys, .options = options, .figures = figures};
    choose(run);
    if (options->defaults) {
        conduct_at_defaults(run);
    } else {
        conduct_with_large_caches(run);
    }
    for (int i = 0; i < run->count; i++) files_remove(run->workers[i].directory);
    if (!options->quiet) fprintf(stderr, "%60s\r", "");
    free(run);
}
