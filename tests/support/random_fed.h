/* A generator that gives the bytes of a fuzzer's input instead of random numbers, two a number: what drives the
 * workload of the model test from tests/fuzz/fuzz_sql.c. Only in programs that are built with ART_FUZZ. */
#ifndef ART_TESTS_RANDOM_FED_H
#define ART_TESTS_RANDOM_FED_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/random.h"

/* From now on this generator, and no other, gives these bytes; then zeros. NULL: none does. */
void random_feed(struct random *random, const uint8_t *data, size_t size);
/* The bytes are used up. */
bool random_is_hungry(void);

#endif
