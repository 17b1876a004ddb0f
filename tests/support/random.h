/* Random numbers for tests: splitmix64, the same on every machine for the same seed.
 *
 * A test prints its seed, and takes ART_TEST_SEED in its place when that is set. ART_TEST_SCALE multiplies rounds.
 * ART_TEST_DRAW=<text> makes all the seeds of a run follow from that text: CI gives what .ci/draw says, so that a run
 * that failed fails again. */
#ifndef ART_TESTS_RANDOM_H
#define ART_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct random {
    uint64_t state;
};

#ifdef ART_FUZZ /* random_fed.h */
extern struct random *random_fed;
uint64_t random_fed_next(void);
#endif

static inline uint64_t random_next(struct random *random) {
#ifdef ART_FUZZ
    if (random == random_fed) return random_fed_next();
#endif
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

/* FNV-1a. */
static inline uint64_t random_mix(uint64_t hash, const char *text) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

/* A new seed for each run and place, unless one is asked for. */
#define random_seed() random_seed_of(__FILE__, __LINE__)

static inline uint64_t random_seed_of(const char *file, unsigned line) {
    const char *given = getenv("ART_TEST_SEED"), *draw = getenv("ART_TEST_DRAW");
    uint64_t seed;
    if (given && *given) return strtoull(given, NULL, 0);
    if (draw && *draw) {
        seed = random_mix(random_mix(0xcbf29ce484222325u, draw), file) + line * 1000003u;
        seed = random_next(&(struct random){seed});
    } else {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 32;
    }
    return seed & 0xffffffffffu;
}

/* Generator with a new seed, which is said. */
#define random_announced(test) random_announced_with(test, random_seed())

static inline struct random random_announced_with(const char *test, uint64_t seed) {
    printf("%s: ART_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    fflush(stdout);
    return (struct random){seed};
}

static inline unsigned random_scale(void) {
    const char *given = getenv("ART_TEST_SCALE");
    int scale = given ? atoi(given) : 1;
    return scale > 0 ? (unsigned)scale : 1;
}

/* Rounds, of those that are usual: `make check` asks for a part of them (ART_TEST_PERCENT). At least one. */
static inline unsigned random_rounds(unsigned usual) {
    const char *given = getenv("ART_TEST_PERCENT");
    uint64_t percent = given ? (uint64_t)atoi(given) : 100, rounds = usual * (uint64_t)random_scale() * percent / 100;
    return rounds ? (unsigned)rounds : 1;
}

/* From one place to the next of those that a sweep tries, where it usually tries all: 1, or another odd number. */
static inline unsigned random_stride(void) {
    unsigned percent = random_rounds(100);
    return percent < 100 ? 100 / percent | 1 : 1;
}

#endif
