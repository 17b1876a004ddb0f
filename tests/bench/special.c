#include "tests/bench/special.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/files.h"
#include "tests/support/random.h"

static void put_key(struct workplace *place, void *store, struct art_bytes key, uint64_t number) {
    char value[VALUE_MAX];
    keys_value(place->keys, number, value);
    place->engine->put(store, key, art_bytes(value, place->keys->value_len));
}

/* A store of its own in a folder beside the other one. */
static void *open_other(struct workplace *place, char *directory, size_t room, const char *name) {
    snprintf(directory, room, "%s.%s", place->settings.directory, name);
    files_make(directory);
    struct engine_settings settings = place->settings;
    settings.directory = directory;
    settings.create = true;
    void *store = place->engine->open(&settings);
    place->engine->set_sync(store, false);
    return store;
}

/* In transactions of `batch`. */
static void load_all(struct workplace *place, void *store, uint32_t count, bool sorted, uint32_t batch) {
    const struct keys *keys = place->keys;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = sorted ? i : keys->order[i];
        if (i % batch == 0) place->engine->begin(store, true, sorted);
        put_key(place, store, keys->sorted[which], which);
        if (i % batch == batch - 1 || i == count - 1) place->engine->commit(store);
    }
}

void special_bulk(struct workplace *place, bool sorted, struct block *out) {
    char directory[700];
    void *store = open_other(place, directory, sizeof directory, "bulk");
    uint64_t delay = bench_delay_now(), cpu = bench_cpu_now(), begun = bench_now();
    load_all(place, store, place->keys->count, sorted, UINT32_MAX);
    out->ns = bench_now() - begun;
    out->worked_ns = bench_worked(out->ns, bench_delay_now() - delay, bench_cpu_now() - cpu);
    out->steps = out->units = place->keys->count;
    uint64_t digest = 0, rows = place->engine->list(store, art_bytes("", 0), false, 0, UINT32_MAX, &digest);
    out->digests[MARKS - 1] = digest ^ rows;
    out->complete = true;
    place->engine->close(store);
    files_remove(directory);
}

void special_reopen(struct workplace *place, uint32_t times, struct block *out) {
    struct engine_settings settings = place->settings;
    settings.create = false;
    struct random random = {29};
    for (uint32_t i = 0; i < times; i++) {
        place->engine->close(place->store);
        struct art_bytes key = place->keys->sorted[random_below(&random, place->keys->count)];
        uint64_t delay = bench_delay_now(), cpu = bench_cpu_now(), begun = bench_now(), digest = 0;
        place->store = place->engine->open(&settings);
        bool there = place->engine->get(place->store, key, &digest);
        uint64_t spent = bench_worked(bench_now() - begun, bench_delay_now() - delay, bench_cpu_now() - cpu);
        if (!there) engine_fail(place->engine->name, "reopen", "a row is not there");
        histogram_add(&out->histogram, spent);
        out->ns += spent;
        out->worked_ns += spent;
    }
    out->steps = out->units = times;
}

void special_fill_log(struct workplace *place, uint64_t bytes, struct block *out) {
    const struct keys *keys = place->keys;
    struct random random = {31};
    place->engine->set_sync(place->store, false);
    place->engine->begin(place->store, true, false);
    for (uint64_t written = 0; written < bytes; out->steps++) {
        struct art_bytes key = keys->sorted[random_below(&random, keys->count)];
        put_key(place, place->store, key, out->steps);
        written += key.len + keys->value_len;
        if (out->steps % BATCH == BATCH - 1) {
            place->engine->commit(place->store);
            place->engine->begin(place->store, true, false);
        }
    }
    place->engine->commit(place->store);
    out->units = out->steps;
}

void special_catch_up(struct workplace *place, uint32_t times, struct block *out) {
    const struct keys *keys = place->keys;
    struct random random = {37};
    struct engine_settings settings = place->settings;
    settings.create = false;
    settings.beside = place->store;
    void *beside = place->engine->open(&settings);
    place->engine->set_sync(place->store, false);
    for (uint32_t i = 0; i < times; i++) {
        uint64_t digest = 0;
        struct art_bytes key = keys->sorted[random_below(&random, keys->count)];
        place->engine->get(beside, key, &digest);
        place->engine->begin(place->store, true, false);
        for (uint32_t k = 0; k < BATCH; k++) {
            put_key(place, place->store, keys->sorted[random_below(&random, keys->count)], i * BATCH + k);
        }
        place->engine->commit(place->store);
        uint64_t begun = bench_now();
        place->engine->get(beside, key, &digest);
        uint64_t once = bench_now();
        place->engine->get(beside, key, &digest);
        uint64_t twice = bench_now();
        uint64_t first = once - begun, again = twice - once;
        histogram_add(&out->histogram, first > again ? (first - again) * 1000 / BATCH : 0);
    }
    place->engine->close(beside);
    out->steps = out->units = times;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

struct reader {
    struct workplace *place;
    void *store;
    pthread_t thread;
    atomic_bool *stop;
    bool together; /* a hundred reads a transaction */
    uint64_t seed, reads;
    struct histogram histogram;
};

enum { READS_TOGETHER = 100 };

static void *read_on(void *context) {
    struct reader *reader = context;
    const struct keys *keys = reader->place->keys;
    struct random random = {reader->seed};
    uint64_t digest = 0, last = bench_now();
    while (!atomic_load_explicit(reader->stop, memory_order_relaxed)) {
        if (reader->together && reader->reads % READS_TOGETHER == 0) {
            if (reader->reads) reader->place->engine->commit(reader->store);
            reader->place->engine->begin(reader->store, false, false);
        }
        reader->place->engine->get(reader->store, keys->sorted[random_below(&random, keys->count)], &digest);
        uint64_t now = bench_now();
        histogram_add(&reader->histogram, now - last);
        last = now;
        reader->reads++;
    }
    if (reader->together && reader->reads) reader->place->engine->commit(reader->store);
    return NULL;
}

/* Engines write as much as they can, so not alike: only these keys, which mend() makes alike again. */
static uint32_t written_keys(const struct workplace *place) {
    return place->keys->count < 20000 ? place->keys->count : 20000;
}

static uint64_t write_on(struct workplace *place, uint64_t until) {
    const struct keys *keys = place->keys;
    struct random random = {41};
    uint64_t writes = 0;
    for (; bench_now() < until; writes++) {
        uint32_t which = keys->order[random_below(&random, written_keys(place))];
        put_key(place, place->store, keys->sorted[which], writes);
    }
    return writes;
}

static void mend(struct workplace *place) {
    const struct keys *keys = place->keys;
    place->engine->begin(place->store, true, false);
    for (uint32_t i = 0; i < written_keys(place); i++) {
        put_key(place, place->store, keys->sorted[keys->order[i]], i);
    }
    place->engine->commit(place->store);
}

void special_readers(struct workplace *place, uint32_t readers, bool write, uint64_t ns, struct block *out) {
    struct reader *all = calloc(readers, sizeof *all);
    struct engine_settings settings = place->settings;
    settings.create = false;
    settings.beside = place->store;
    atomic_bool stop = false;
    place->engine->set_sync(place->store, false);
    for (uint32_t i = 0; i < readers; i++) {
        all[i] = (struct reader){.place = place, .stop = &stop, .together = !write, .seed = i + 43};
        all[i].store = place->engine->open(&settings);
        uint64_t digest = 0;
        place->engine->get(all[i].store, place->keys->sorted[0], &digest);
    }
    uint64_t begun = bench_now();
    for (uint32_t i = 0; i < readers; i++) {
        if (pthread_create(&all[i].thread, NULL, read_on, &all[i])) {
            engine_fail(place->engine->name, "readers", "cannot make a thread");
        }
    }
    if (write) {
        out->steps = write_on(place, begun + ns);
    } else {
        struct timespec pause = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
        nanosleep(&pause, NULL);
    }
    atomic_store(&stop, true);
    for (uint32_t i = 0; i < readers; i++) pthread_join(all[i].thread, NULL);
    out->ns = bench_now() - begun;
    for (uint32_t i = 0; i < readers; i++) {
        out->units += all[i].reads;
        histogram_merge(&out->histogram, &all[i].histogram);
        place->engine->close(all[i].store);
    }
    free(all);
    if (write) mend(place);
}

/* ---- long runs in stores of their own ---------------------------------------------------------------------------- */

void special_pauses(struct workplace *place, const char *directory, uint32_t steps, struct block *out) {
    struct workplace other = *place;
    char path[700];
    snprintf(path, sizeof path, "%s/bench-%s", directory, place->engine->name);
    other.settings.directory = path;
    char inner[750];
    files_make(path);
    other.store = open_other(&other, inner, sizeof inner, "pauses");
    load_all(&other, other.store, place->keys->count, false, 10 * BATCH);
    place->engine->quiesce(other.store);
    block_run(place->engine, other.store, place->keys, operation_find("put-alone"), 1000, steps, 0, true, out);
    place->engine->close(other.store);
    files_remove(inner);
    files_remove(path);
}

void special_churn(struct workplace *place, uint32_t count, uint32_t times, struct block *out) {
    char directory[700];
    void *store = open_other(place, directory, sizeof directory, "churn");
    const struct keys *keys = place->keys;
    struct random random = {47};
    load_all(place, store, count, false, UINT32_MAX);
    place->engine->settle(store);
    out->steps = files_bytes(directory);
    uint64_t begun = bench_now();
    for (uint64_t done = 0; done < (uint64_t)count * times; done += BATCH) {
        place->engine->begin(store, true, false);
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t which = keys->order[random_below(&random, count)];
            put_key(place, store, keys->sorted[which], done + i);
        }
        place->engine->commit(store);
    }
    out->ns = bench_now() - begun;
    place->engine->quiesce(store);
    out->units = files_bytes(directory);
    place->engine->settle(store);
    out->extra = files_bytes(directory);
    place->engine->close(store);
    files_remove(directory);
}

uint64_t special_pack(struct workplace *place) {
    char file[700];
    snprintf(file, sizeof file, "%s.packed", place->settings.directory);
    return place->engine->packed ? place->engine->packed(place->store, file) : 0;
}
