/* The judge of a crash test: opens what a crash left, and says whether it may be. */
#ifndef TESTS_CRASH_CHECK_H
#define TESTS_CRASH_CHECK_H

#include "tests/support/crash_work.h"

/* What happens to the first who opens what a crash has left. */
enum crash_fault {
    CRASH_DEATH,
    CRASH_SYNC,
    CRASH_WRITE,
    CRASH_FULL,
    CRASH_READ,
    CRASH_ART,
    CRASH_ART_FULL,
    CRASH_MEMORY,
    CRASH_FAULTS
};
extern const char *const crash_fault_names[CRASH_FAULTS];

struct crash_counts {
    /* twice: the same disk and the same question as before; halves: found, of two databases that committed by
     * themselves */
    uint64_t states, twice, again, written, cleaned, back, halves;
    uint64_t copies, updates, salvaged, damaged, published, opinions;
    uint64_t by_kind[WORLD_CRASHES];
    uint64_t faults[CRASH_FAULTS];
    struct crash_answers asked;
};

struct crash_check {
    const struct crash_work *work;
    struct crash_counts counts;
    char *failure;      /* NULL: all is well; sqlite3_free() it */
    unsigned failed_at; /* before this operation */
};

/* Goes through the work's history, builds about `states` disks that may remain, spread over it, and judges each. Stops
 * at the first that may not be. */
void crash_check_run(struct crash_check *check, const struct crash_work *work, uint64_t states);

#endif
