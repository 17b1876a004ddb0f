/* One block: drawing its steps, then doing them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/operations.h"
#include "tests/support/random.h"

struct step {
    enum verb verb;
    struct art_bytes key, other; /* other: a rename's new name */
    uint64_t number;             /* of the value, or rows to skip */
};

struct draw {
    const struct keys *keys;
    struct random random;
    uint32_t round, count;
    char tag; /* new keys of one operation are not those of another */
    struct step *steps;
    uint8_t *bytes; /* made keys, from here on */
};

uint64_t bench_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t bench_cpu_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The two ends of the delay are not quite those of the time; the thread worked at least as long as it computed. */
uint64_t bench_worked(uint64_t ns, uint64_t delay, uint64_t cpu_ns) {
    return ns > delay && ns - delay > cpu_ns ? ns - delay : cpu_ns;
}

uint64_t bench_delay_now(void) {
    unsigned long long ran = 0, waited = 0;
    FILE *file = fopen("/proc/thread-self/schedstat", "r");
    if (file && fscanf(file, "%llu %llu", &ran, &waited) != 2) waited = 0;
    if (file) fclose(file);
    return waited;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

enum { SUFFIX_ROOM = 40 };

static struct art_bytes make_key(struct draw *draw, struct art_bytes from, const char *suffix) {
    size_t more = strlen(suffix);
    struct art_bytes made = {draw->bytes, from.len + (uint32_t)more};
    memcpy(draw->bytes, from.data, from.len);
    memcpy(draw->bytes + from.len, suffix, more);
    draw->bytes += made.len + ART_KEY_PADDING;
    return made;
}

static struct art_bytes any_key(struct draw *draw) {
    return draw->keys->sorted[random_below(&draw->random, draw->keys->count)];
}

static struct art_bytes missing_key(struct draw *draw) {
    struct art_bytes made = make_key(draw, any_key(draw), "~");
    ((uint8_t *)made.data)[made.len - 2] ^= 1;
    return made;
}

/* Below a stored key, or below no stored key. */
static struct art_bytes path_below(struct draw *draw, bool found) {
    struct art_bytes key = any_key(draw);
    if (found) return make_key(draw, key, "/deeper/file");
    while (key.len > 0 && key.data[key.len - 1] != '/') key.len--;
    return make_key(draw, key, "~none/file");
}

static enum verb metadata_verb(struct random *random) {
    uint32_t percent = random_below(random, 100);
    return percent < 45   ? VERB_GET
           : percent < 65 ? VERB_PUT
           : percent < 75 ? VERB_LIST
           : percent < 85 ? VERB_LEVEL_SEEKS
           : percent < 95 ? VERB_CREATE_DELETE
                          : VERB_RENAME;
}

static void draw_new(struct draw *draw, struct step *step, uint32_t i) {
    char suffix[SUFFIX_ROOM];
    snprintf(suffix, sizeof suffix, "-%c%u.%u", draw->tag, draw->round, i);
    step->key = make_key(draw, any_key(draw), suffix);
}

static void draw_step(struct draw *draw, struct step *step, uint32_t i) {
    const struct keys *keys = draw->keys;
    step->number = (uint64_t)draw->round << 32 | i;
    switch (step->verb) {
    case VERB_MISS:
        step->key = missing_key(draw);
        break;
    case VERB_CREATE:
    case VERB_DELETE:
        draw_new(draw, step, i);
        break;
    case VERB_CREATE_DELETE:
        step->key = make_key(draw, any_key(draw), "~c");
        break;
    case VERB_RENAME:
        step->key = any_key(draw);
        step->other = make_key(draw, step->key, "~r");
        break;
    case VERB_LIST:
    case VERB_LIST_BACK:
    case VERB_COUNT_SMALL:
        step->key = keys->few[random_below(&draw->random, keys->count) % FEW_PREFIXES];
        break;
    case VERB_LEVEL:
    case VERB_LEVEL_SEEKS:
        step->key = keys->directories[random_below(&draw->random, keys->count) % DIRECTORIES];
        break;
    case VERB_ANY:
        step->key = keys->directories[random_below(&draw->random, keys->count) % DIRECTORIES];
        if (i % 2) step->key = make_key(draw, step->key, "~none/");
        break;
    case VERB_LONGEST:
        step->key = path_below(draw, i % 2 == 0);
        break;
    case VERB_COUNT:
    case VERB_COUNT_ROWS:
    case VERB_SCAN:
        step->key = keys->many[random_below(&draw->random, MANY_PREFIXES)];
        break;
    case VERB_PAGE_NEAR:
    case VERB_PAGE_FAR:
        step->number = step->verb == VERB_PAGE_NEAR ? 100 : (uint64_t)keys->count / 10 * 9;
        step->key = keys->common;
        break;
    case VERB_COUNT_ALL:
        step->key = keys->common;
        break;
    case VERB_SCAN_ALL:
        step->key = art_bytes(keys->sorted[0].data, 0);
        break;
    default:
        step->key = any_key(draw);
    }
}

/* What is renamed in an even step is renamed back in the next; deletes draw what creates drew. */
static void draw_all(struct draw *draw, const struct operation *operation) {
    bool metadata = operation->verb == VERB_METADATA;
    draw->random.state = metadata ? METADATA_SEED + draw->round : 1000003u * draw->round + 17;
    draw->tag = operation->transaction == BATCHES ? 'b' : operation->sync ? 'd' : 'a';
    for (uint32_t i = 0; i < draw->count; i++) {
        struct step *step = &draw->steps[i];
        step->verb = operation->verb;
        if (metadata) step->verb = metadata_verb(&draw->random);
        if (operation->verb == VERB_MIXED) step->verb = random_below(&draw->random, 2) ? VERB_GET : VERB_UPDATE;
        if (operation->verb == VERB_RENAME && i % 2) {
            *step = (struct step){VERB_RENAME, step[-1].other, step[-1].key, 0};
        } else {
            draw_step(draw, step, i);
        }
    }
}

/* ---- doing ------------------------------------------------------------------------------------------------------- */

struct doing {
    const struct engine *engine;
    void *store;
    const struct keys *keys;
    uint64_t digest, rows;
};

static void put_value(struct doing *doing, const struct step *step) {
    char value[VALUE_MAX];
    keys_value(doing->keys, step->number, value);
    struct art_bytes bytes = art_bytes(value, doing->keys->value_len);
    (step->verb == VERB_UPDATE ? doing->engine->update : doing->engine->put)(doing->store, step->key, bytes);
}

static void note(struct doing *doing, uint64_t answer) {
    doing->rows += answer;
    doing->digest = (doing->digest ^ answer) * 0x9e3779b97f4a7c15u;
}

static void do_step(struct doing *doing, const struct step *step) {
    const struct engine *engine = doing->engine;
    void *store = doing->store;
    switch (step->verb) {
    case VERB_GET:
    case VERB_MISS:
        note(doing, engine->get(store, step->key, &doing->digest));
        break;
    case VERB_PUT:
    case VERB_CREATE:
    case VERB_UPDATE:
        put_value(doing, step);
        break;
    case VERB_DELETE:
        engine->remove(store, step->key);
        break;
    case VERB_CREATE_DELETE:
        put_value(doing, step);
        engine->remove(store, step->key);
        break;
    case VERB_RENAME:
        engine->rename(store, step->key, step->other);
        break;
    case VERB_LIST:
    case VERB_LIST_BACK:
        note(doing, engine->list(store, step->key, step->verb == VERB_LIST_BACK, 0, LIST_ROWS, &doing->digest));
        break;
    case VERB_LEVEL:
    case VERB_LEVEL_SEEKS:
        note(doing, engine->level(store, step->key, LEVEL_ENTRIES, step->verb == VERB_LEVEL, &doing->digest));
        break;
    case VERB_ANY:
        note(doing, engine->any(store, step->key));
        break;
    case VERB_LONGEST:
        note(doing, engine->longest(store, step->key, &doing->digest));
        break;
    case VERB_COUNT:
    case VERB_COUNT_SMALL:
    case VERB_COUNT_ALL:
    case VERB_COUNT_ROWS:
        note(doing, engine->count(store, step->key, step->verb == VERB_COUNT_ROWS));
        break;
    case VERB_PAGE_NEAR:
    case VERB_PAGE_FAR:
        note(doing, engine->list(store, step->key, false, step->number, PAGE_ROWS, &doing->digest));
        break;
    case VERB_SCAN:
    case VERB_SCAN_ALL:
        note(doing, engine->list(store, step->key, false, 0, UINT32_MAX, &doing->digest));
        break;
    default:
        engine_fail(engine->name, "a step", "no such step");
    }
}

static void mark(struct block *out, uint64_t done, uint64_t digest) {
    if (!(done & (done - 1))) out->digests[__builtin_ctzll(done)] = digest;
}

/* The clock is read when `timed` at each step, else now and then. */
static void do_all(struct doing *doing, const struct step *steps, uint32_t count, enum transaction transaction,
                   uint64_t limit_ns, bool timed, struct block *out) {
    const struct engine *engine = doing->engine;
    uint64_t delay = bench_delay_now(), begun = bench_now(), last = begun, look = 1, commits_at = BATCH;
    bool open = transaction != ALONE;
    uint64_t cpu = bench_cpu_now();
    if (open) engine->begin(doing->store, transaction == BATCHES, false);
    while (out->steps < count) {
        do_step(doing, &steps[out->steps++]);
        mark(out, out->steps, doing->digest);
        if (transaction == BATCHES && out->steps == commits_at) {
            engine->commit(doing->store);
            open = out->steps < count;
            if (open) engine->begin(doing->store, true, false);
            commits_at += BATCH;
        }
        if (timed || out->steps == look) {
            uint64_t now = bench_now();
            if (timed) histogram_add(&out->histogram, now - last);
            last = now;
            if (limit_ns && now - begun > limit_ns) break;
            look = out->steps + 1 + (out->steps / 8 < 255 ? out->steps / 8 : 255);
        }
    }
    if (open) engine->commit(doing->store);
    out->ns = bench_now() - begun;
    out->cpu_ns = bench_cpu_now() - cpu;
    out->worked_ns = bench_worked(out->ns, bench_delay_now() - delay, out->cpu_ns);
    out->complete = out->steps == count;
    out->digests[MARKS - 1] = doing->digest;
}

/* Apart from the rest, so that a profiler can count it alone. */
static void __attribute__((noinline))
do_measured(struct doing *doing, const struct step *steps, uint32_t count, enum transaction transaction,
            uint64_t limit_ns, bool timed, struct block *out) {
    do_all(doing, steps, count, transaction, limit_ns, timed, out);
}

void block_run(const struct engine *engine, void *store, const struct keys *keys, const struct operation *operation,
               uint32_t round, uint32_t steps, uint64_t limit_ns, bool timed, struct block *out) {
    struct draw draw = {.keys = keys, .round = round, .count = steps};
    uint8_t *bytes = malloc((size_t)steps * (PATH_ROOM + ART_KEY_PADDING));
    struct step *drawn = calloc(steps, sizeof *drawn);
    draw.steps = drawn;
    draw.bytes = bytes;
    draw_all(&draw, operation);
    struct doing doing = {.engine = engine, .store = store, .keys = keys};
    memset(out, 0, sizeof *out);
    engine->set_sync(store, operation->sync);
    if (operation->writes) limit_ns = 0;
    (round ? do_measured : do_all)(&doing, drawn, steps, operation->transaction, limit_ns, timed, out);
    out->units = operation->by_row ? doing.rows : out->steps;
    free(drawn);
    free(bytes);
}

void block_load(const struct engine *engine, void *store, const struct keys *keys, uint32_t from, uint32_t count,
                bool sync, struct block *out) {
    struct step *steps = calloc(count, sizeof *steps);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = keys->order[from + i];
        steps[i] = (struct step){.verb = VERB_CREATE, .key = keys->sorted[which], .number = which};
    }
    struct doing doing = {.engine = engine, .store = store, .keys = keys};
    memset(out, 0, sizeof *out);
    engine->set_sync(store, sync);
    do_all(&doing, steps, count, BATCHES, 0, true, out);
    out->units = out->steps;
    free(steps);
}
