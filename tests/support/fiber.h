/* Coroutines on one thread, each with a stack of its own under which nothing is mapped. The caller of fiber_run() is
 * the main one. AddressSanitizer is told of the switches. */
#ifndef TESTS_FIBER_H
#define TESTS_FIBER_H

#include <stdbool.h>

struct fiber;

struct fiber *fiber_new(void (*body)(void *argument), void *argument);
/* Goes on with it, until it yields or its body returns. False: it has returned. */
bool fiber_run(struct fiber *fiber);
/* Back to what runs the present one. */
void fiber_yield(void);
/* One that has returned; any other leaves behind what its stack owns. */
void fiber_free(struct fiber *fiber);

#endif
