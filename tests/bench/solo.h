/* One engine in this process, for profilers: what is loaded and warmed up lies outside of block.c's do_measured(). */
#ifndef ART_BENCH_SOLO_H
#define ART_BENCH_SOLO_H

#include "tests/bench/conduct.h"

/* Loads, puts in order, and runs one block of each operation (names with commas between). Prints the units of each.
 * False: there is no such engine or operation. */
bool solo(const struct keys *keys, const struct conduct_options *options, const char *names);

#endif
