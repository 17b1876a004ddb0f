#include "tests/bench/histogram.h"

static unsigned bucket_of(uint64_t ns) {
    if (ns < HISTOGRAM_PARTS) return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns); /* at least 5 */
    unsigned bucket = (power - 4) * HISTOGRAM_PARTS + (unsigned)(ns >> (power - 5)) % HISTOGRAM_PARTS;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_top(unsigned bucket) {
    if (bucket < HISTOGRAM_PARTS) return bucket;
    unsigned shift = bucket / HISTOGRAM_PARTS - 1;
    return ((uint64_t)(HISTOGRAM_PARTS + bucket % HISTOGRAM_PARTS + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
    histogram->buckets[bucket_of(ns)]++;
    histogram->count++;
    if (ns > histogram->max) histogram->max = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
    into->count += from->count;
    if (from->max > into->max) into->max = from->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    if (wanted >= histogram->count) return histogram->max;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted) return histogram_top(i) < histogram->max ? histogram_top(i) : histogram->max;
    }
    return histogram->max;
}
