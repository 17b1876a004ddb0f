/* Clocks and medians for what measures. */
#ifndef ART_TESTS_TIMING_H
#define ART_TESTS_TIMING_H

#include <stdlib.h>
#include <time.h>

/* ns */
static inline double timing_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline double timing_now(void) {
    return timing_clock(CLOCK_MONOTONIC);
}

/* The processor's time of the process. */
static inline double timing_cpu(void) {
    return timing_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int timing_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorts them. */
static inline double timing_median(double *times, int count) {
    qsort(times, (size_t)count, sizeof *times, timing_compare);
    return times[count / 2];
}

#endif
