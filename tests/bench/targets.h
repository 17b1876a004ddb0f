/* What the figures are asked to be, and whether they are. */
#ifndef ART_BENCH_TARGETS_H
#define ART_BENCH_TARGETS_H

#include <stdio.h>

#include "tests/bench/figures.h"

/* A line for each target that this set and size can show: what, wanted, got, "ok" or "short by". Returns how many are
 * short. With `csv` the same as set,keys,what,wanted,got,verdict,asked. */
int targets_print(const struct figures *figures, const char *set, uint32_t keys, FILE *csv);

#endif
