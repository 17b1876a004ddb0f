#ifndef ART_BENCH_LOCKS_H
#define ART_BENCH_LOCKS_H

#include <stdint.h>

/* How many locks of core's this thread has taken since the process began. */
uint64_t bench_locks(void);

#endif
