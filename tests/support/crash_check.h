/* The judge of a crash test: opens what a crash left, and says whether it may be. */
#ifndef TESTS_CRASH_CHECK_H
#define TESTS_CRASH_CHECK_H

#include "tests/support/crash_work.h"

struct crash_counts {
    uint64_t states, twice, again, written, cleaned, back,
        opinions; /* twice: the same disk and the same question as before */
    uint64_t by_kind[WORLD_CRASHES];
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
