/* Random numbers for tests: splitmix64, the same on every machine for the same seed.
 *
 * A test prints its seed, and takes ART_TEST_SEED in its place when that is set. ART_TEST_SCALE multiplies rounds.
 * ART_TEST_DRAW=<text> makes all the seeds of a run follow from that text: CI gives what .ci/draw says, so that a run
 * that failed fails again.
 *
 * All draws can be taped and changed, which is how a failure becomes short (tests/support/shrink.h). For that
 *   - a loop over steps or rounds says `if (!random_span(&random)) continue;` where a step begins: a step can then be
 *     left out, and what the others draw stays as it is;
 *   - 0 is the simplest of what can be drawn, and a lower number simpler than a higher one. */
#ifndef ART_TESTS_RANDOM_H
#define ART_TESTS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* {seed}: the rest begins as zero; and what SQLite and Check call has parameters that a test does not need. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-parameter"

struct random {
    uint64_t state, span;
};

/* splitmix64's. */
#define RANDOM_STEP 0x9e3779b97f4a7c15u

static inline uint64_t random_mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* What was drawn, in the order of the calls, and how draws are changed. A draw is known by the state before it, so that
 * a number which is drawn again, by another process, from another copy of the generator, is changed in the same way. */
enum random_kind { RANDOM_DRAW, RANDOM_SPAN, RANDOM_SKIPPED, RANDOM_JUMPED, RANDOM_KEPT };

struct random_mark {
    uint64_t key;                /* the generator's state; of spans: which of them */
    uint32_t kind, value, limit; /* of spans: the place in the tests, 0; of a draw of 64 bits the limit is 0 */
};

struct random_log { /* may lie in memory that processes share; what has no room is counted only */
    uint64_t count, room;
    struct random_mark marks[];
};

/* Whether draws go through random_taped() at all. */
extern bool random_is_taped;
extern struct random_log *random_log; /* NULL: nothing is noted */
uint64_t random_taped(struct random *random, uint32_t limit);

/* From now on: RANDOM_DRAW, this draw gives `n`; RANDOM_JUMPED: it and the n - 1 behind it are left out;
 * RANDOM_SKIPPED: this span is left out, and with those in it, it was n; RANDOM_KEPT: it gives what it gave, though all
 * others are 0. */
struct random_edit {
    uint64_t key;
    uint32_t kind, n;
};
void random_edit(struct random_edit edit);
void random_forget(uint64_t key, uint32_t kind);
void random_forget_all(void);
const struct random_edit *random_edit_of(uint64_t key, uint32_t kind);
/* All of them as a text for ART_TEST_TAPE, with as few as `log` needs; `zero`: and all draws are 0 but those of the
 * text, which makes it short. free() it. And back; false: it is no such text. */
char *random_edits_text(const struct random_log *log, bool zero);
bool random_read_edits(const char *text);

/* From now on this generator, and no other, gives these bytes, two a draw; then zeros. NULL: none does. So libFuzzer
 * makes the choices of a random test. */
void random_feed(struct random *random, const uint8_t *data, size_t size);
/* The bytes are used up. */
bool random_is_hungry(void);

/* A step begins; false: it is to be left out. Its draws do not depend on what former ones have drawn. */
#define random_span(random) random_span_at(random, random_mix(__LINE__, __FILE__))
bool random_span_at(struct random *random, uint64_t place);

/* Of a loop of alike: all of them, or, where a part is asked for, each `of`th, which ones the draw says. Each build and
 * way to the disk has a draw of its own, so that most are taken by one of them. */
#define random_takes(i, of) (random_stride() == 1 || random_seed() % (of) == (unsigned)(i) % (of))

/* For people, as printf() does: what a step does, where no SQL says it. Only of a failure that was shortened. */
extern bool random_tells;
#define random_tell(...) (random_tells ? (void)(printf("    " __VA_ARGS__), fflush(stdout)) : (void)0)

static inline uint64_t random_next(struct random *random) {
    if (random_is_taped) return random_taped(random, 0);
    return random_mixed(random->state += RANDOM_STEP);
}

/* 0 .. limit - 1; 0 for a limit of 0. */
static inline uint32_t random_below(struct random *random, uint32_t limit) {
    if (random_is_taped) return (uint32_t)random_taped(random, limit);
    return (uint32_t)(((random_next(random) >> 32) * limit) >> 32);
}

/* True once in `times`. The lowest draw is that it does not happen. */
static inline int random_once_in(struct random *random, uint32_t times) {
    return random_below(random, times) + 1 >= times;
}

/* FNV-1a. */
static inline uint64_t random_mix(uint64_t hash, const char *text) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

/* A new seed for each run and place, unless one is asked for. */
#define random_seed() random_seed_of(__FILE__, __LINE__)

uint64_t random_seed_of(const char *file, unsigned line);
/* A test begins: the places at which seeds are drawn give the first one again. */
void random_begin_test(void);

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
