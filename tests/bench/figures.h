/* What was measured: figures by set, number of keys, operation and engine; they get out as two CSV files, of which
 * tests/bench/table makes a table for people, and others plots and the report. */
#ifndef ART_BENCH_FIGURES_H
#define ART_BENCH_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/histogram.h"

enum unit { UNIT_NS, UNIT_BYTES, UNIT_TIMES, UNIT_PER_SECOND };

struct figure {
    char set[32];
    uint32_t keys;
    char operation[24], label[64], engine[12];
    enum unit unit;
    double value;
    struct histogram histogram; /* empty where there are no single times */
};

struct figures {
    struct figure *all;
    uint32_t count, room;
};

/* The histogram may be NULL. */
void figures_add(struct figures *figures, const char *set, uint32_t keys, const char *operation, const char *label,
                 const char *engine, enum unit unit, double value, const struct histogram *histogram);

/* results.csv and distribution.csv in the folder; new ones unless `append`. */
void figures_write(const struct figures *figures, const char *folder, bool append);
void figures_clear(struct figures *figures);

#endif
