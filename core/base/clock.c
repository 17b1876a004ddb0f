#include "core/base/clock.h"

#include <time.h>

#ifdef ART_TEST_HOOKS
uint64_t (*art_test_clock)(void);
#endif

uint64_t art_clock_ns(void) {
#ifdef ART_TEST_HOOKS
    if (art_test_clock) return art_test_clock();
#endif
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
