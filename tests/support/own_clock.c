#include "tests/support/own_clock.h"

#include "core/base/clock.h"

#ifdef ART_TEST_HOOKS
static uint64_t now, step;

static uint64_t look(void) {
    return now += step;
}

void own_clock_step(uint64_t nanoseconds) {
    step = nanoseconds;
    art_test_clock = look;
}
#else /* what measures: its clock is the system's */
void own_clock_step(uint64_t nanoseconds) {
}
#endif
