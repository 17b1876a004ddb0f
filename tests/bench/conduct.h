/* One run: a set of keys, all engines, in turns.
 *
 * Each measurement goes round the engines several times, each time from another one on, and a figure is the median of
 * the rounds (of reads) or all time over all steps (of writes, whose rounds differ by what they have to clean up). The
 * time in which a thread could run and had no processor is taken off: it belongs to what else the machine does, which
 * meets all engines alike in the rest. Percentiles are by the clock. Answers are compared after each round; where two
 * engines disagree the program ends without printing a figure.
 */
#ifndef ART_BENCH_CONDUCT_H
#define ART_BENCH_CONDUCT_H

#include "tests/bench/figures.h"
#include "tests/bench/keys.h"

struct conduct_options {
    const char *directory; /* where the stores are made */
    const char *memory;    /* a folder in memory, for the pauses; NULL: none */
    const char *engines;   /* NULL: all, or names with commas between them */
    int rounds;
    bool defaults; /* caches as the engines come, files in the system's cache; else 1 GB of cache each */
    bool tiny;     /* a few steps of everything: to see that all answer alike, not how fast */
    bool quiet;
};

void conduct(const struct keys *keys, const struct conduct_options *options, struct figures *figures);

#endif
