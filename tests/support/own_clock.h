/* The clock of core in a test program: the system's until a test says otherwise; that of a tree over a toy host
 * (tree_world.h) stands still.
 *
 * Core goes by time where it waits for a device: a merge stops when its pause is over (core/tree/run/compact.c), and a
 * read of the host's rows that took long is noted (core/store/loading.c). What a test counts of that, and which way a
 * random walk goes, may not depend on what else the machine does.
 */
#ifndef ART_TESTS_OWN_CLOCK_H
#define ART_TESTS_OWN_CLOCK_H

#include <stdint.h>

/* Each look at the clock finds a pause over, as on a disk that is slow. */
#define OWN_CLOCK_SLOW UINT64_C(1000000000)

/* From now on each look finds that so many nanoseconds have passed. 0: the clock stands still. */
void own_clock_step(uint64_t nanoseconds);

#endif
