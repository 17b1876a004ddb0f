/* A process beside the bench that keeps the cache of all cores busy, as other programs on a machine do. */
#ifndef ART_TESTS_BENCH_NEIGHBOUR_H
#define ART_TESTS_BENCH_NEIGHBOUR_H

#include <stdbool.h>

/* Walks so many megabytes all the while, on any core; ends with this process. False: it could not be started. */
bool neighbour_start(unsigned megabytes);
void neighbour_stop(void);

#endif
