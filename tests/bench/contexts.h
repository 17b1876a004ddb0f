/* Every spelling of a condition on the path in every context: is a statement much slower than on an ordinary table? */
#ifndef ART_TESTS_BENCH_CONTEXTS_H
#define ART_TESTS_BENCH_CONTEXTS_H

#include <stdbool.h>
#include <stdint.h>

/* Prints the ratios, and each statement that takes over three times as long. */
void contexts_measure(uint32_t rows, int repetitions);

#endif
