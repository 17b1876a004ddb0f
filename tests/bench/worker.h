/* An engine's process. The conductor tells it one thing after the other through a pipe and waits for the outcome;
 * between its turns the process is stopped, background threads and all, so that each engine has the machine to itself
 * and no engine works on another's time. */
#ifndef ART_BENCH_WORKER_H
#define ART_BENCH_WORKER_H

#include <sys/types.h>

#include "tests/bench/engine.h"
#include "tests/bench/keys.h"
#include "tests/bench/operations.h"

enum order {
    ORDER_LOAD,  /* from, count, flag: synced */
    ORDER_BLOCK, /* operation, round, count, limit_ns, flag: timed */
    ORDER_QUIESCE,
    ORDER_SETTLE,
    ORDER_BULK,     /* flag: sorted */
    ORDER_REOPEN,   /* count */
    ORDER_FILL_LOG, /* limit_ns: bytes */
    ORDER_CATCH_UP, /* count */
    ORDER_READERS,  /* count, flag: with a writer, limit_ns */
    ORDER_PAUSES,   /* count, directory */
    ORDER_CHURN,    /* count: keys, round: times */
    ORDER_CACHE,    /* limit_ns: bytes */
    ORDER_PACK,     /* units: bytes of a copy without holes; 0 where there is no such thing */
    ORDER_QUIT,
};

struct command {
    enum order order;
    uint32_t operation, round, from, count;
    bool flag;
    uint64_t limit_ns;
    char directory[200];
};

struct outcome {
    struct block block;
    uint64_t disk_bytes, memory_bytes;  /* of the store, and of what the process has more than when it began */
    uint64_t read_bytes, written_bytes; /* since the process began */
    uint64_t open_ns, open_cpu_ns;      /* of the process's first opening */
};

struct worker {
    const struct engine *engine;
    struct engine_settings settings;
    pid_t pid;
    int to, from;
    struct outcome last;
    uint64_t peak_bytes; /* most bytes on disk that were seen while ORDER_SETTLE was carried out */
    char directory[300];
};

void worker_start(struct worker *worker, const struct engine *engine, const struct keys *keys,
                  const struct engine_settings *settings);
/* Ends the program when the worker has died. */
const struct outcome *worker_tell(struct worker *worker, const struct command *command);
void worker_quit(struct worker *worker);

#endif
