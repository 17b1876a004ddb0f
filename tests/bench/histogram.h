/* Times in nanoseconds, counted in buckets that are 1/32 of their power of two wide: a percentile is right to 3 %,
 * whatever the range, and a histogram is 8 KB that passes through a pipe. */
#ifndef ART_BENCH_HISTOGRAM_H
#define ART_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_PARTS = 32, HISTOGRAM_BUCKETS = 36 * HISTOGRAM_PARTS };

struct histogram {
    uint32_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count, max;
};

void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The time that `share` of all stay within (0.5, 0.999; at most 1); 0 without any. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* The greatest time of a bucket. */
uint64_t histogram_top(unsigned bucket);

#endif
