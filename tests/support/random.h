/* Random numbers for tests: splitmix64, the same on every machine for the same seed.
 *
 * A test prints its seed, and takes ART_TEST_SEED in its place when that is set. ART_TEST_SCALE multiplies rounds. */
#ifndef ART_TESTS_RANDOM_H
#define ART_TESTS_RANDOM_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random) {
    uint64_t x = random->state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* 0 .. limit - 1; 0 for a limit of 0. */
static inline uint32_t random_below(struct random *random, uint32_t limit) {
    return (uint32_t)(((random_next(random) >> 32) * limit) >> 32);
}

/* True once in `times`. */
static inline int random_once_in(struct random *random, uint32_t times) {
    return random_below(random, times) == 0;
}

/* A new seed for each run, unless one is asked for. */
static inline uint64_t random_seed(void) {
    const char *given = getenv("ART_TEST_SEED");
    if (given && *given) return strtoull(given, NULL, 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32) & 0xffffffffffu;
}

static inline unsigned random_scale(void) {
    const char *given = getenv("ART_TEST_SCALE");
    int scale = given ? atoi(given) : 1;
    return scale > 0 ? (unsigned)scale : 1;
}

#endif
