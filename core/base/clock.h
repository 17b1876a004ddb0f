/* Time that only goes on, for what depends on how long something took. */
#ifndef ART_BASE_CLOCK_H
#define ART_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds since some moment. */
uint64_t art_clock_ns(void);

#ifdef ART_TEST_HOOKS
/* A test's own clock (tests/support/own_clock.h); NULL: the system's. */
extern uint64_t (*art_test_clock)(void);
#endif

#endif
