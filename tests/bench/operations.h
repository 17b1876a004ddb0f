/* What is measured: each operation is a kind of step, a way to be in transactions and to be durable, and how many steps
 * a block has. A block is what an engine does in one turn.
 *
 * Its steps are drawn before the clock runs, from the operation and the round alone, so that all engines do the same
 * and must give the same answers. Blocks of reads end after `limit_ns`; those of writes are done to the end, for the
 * engines must stay equal. A digest is kept after 1, 2, 4, ... steps: two engines are compared at the last that both
 * have reached.
 */
#ifndef ART_BENCH_OPERATIONS_H
#define ART_BENCH_OPERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/engine.h"
#include "tests/bench/histogram.h"
#include "tests/bench/keys.h"

enum { BATCH = 1000, MARKS = 34, LIST_ROWS = 100, PAGE_ROWS = 50 };
#define METADATA_SEED 0xDEADBEEFCAFEBABEu

enum verb {
    VERB_GET,
    VERB_MISS,
    VERB_PUT,    /* of a key that is there: replaces it */
    VERB_CREATE, /* a new key */
    VERB_UPDATE,
    VERB_DELETE, /* what VERB_CREATE in batches has put */
    VERB_MIXED,  /* half get, half update */
    VERB_CREATE_DELETE,
    VERB_RENAME,
    VERB_LIST,
    VERB_LIST_BACK,
    VERB_LEVEL,
    VERB_LEVEL_SEEKS,
    VERB_ANY,
    VERB_LONGEST,
    VERB_COUNT,
    VERB_COUNT_SMALL,
    VERB_COUNT_ALL,
    VERB_COUNT_ROWS,
    VERB_PAGE_NEAR,
    VERB_PAGE_FAR,
    VERB_SCAN,
    VERB_SCAN_ALL,
    VERB_METADATA,
};

enum transaction {
    ALONE,   /* each step by itself */
    READING, /* the block is one reading transaction */
    BATCHES, /* a thousand steps a writing transaction */
};

struct operation {
    const char *name; /* in CSV and targets */
    const char *label;
    enum verb verb;
    enum transaction transaction;
    bool sync;
    bool writes;
    bool by_row;
    uint32_t steps;
};

extern const struct operation operations[]; /* ended by a NULL name */
const struct operation *operation_find(const char *name);

struct block {
    uint64_t steps, units, ns;
    uint64_t cpu_ns;         /* of the thread */
    uint64_t worked_ns;      /* ns, less the time in which the thread only waited for a processor */
    uint64_t digests[MARKS]; /* [i]: after 2^i steps; the last: after all that were asked for, if they were done */
    bool complete;
    uint64_t extra;             /* another number of what is no block of steps (special.h) */
    struct histogram histogram; /* of single steps, when `timed`; a batch's last step has its commit in it */
};

uint64_t bench_now(void);
uint64_t bench_cpu_now(void);   /* of this thread */
uint64_t bench_delay_now(void); /* how long this thread has waited for a processor; 0: the system does not say */
uint64_t bench_worked(uint64_t ns, uint64_t delay, uint64_t cpu_ns);

/* Loads `count` keys from `from` on in the order of loading, in batches, each commit as `sync` says. */
void block_load(const struct engine *engine, void *store, const struct keys *keys, uint32_t from, uint32_t count,
                bool sync, struct block *out);
void block_run(const struct engine *engine, void *store, const struct keys *keys, const struct operation *operation,
               uint32_t round, uint32_t steps, uint64_t limit_ns, bool timed, struct block *out);

#endif
