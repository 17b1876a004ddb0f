#include "tests/bench/solo.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/engine.h"
#include "tests/bench/operations.h"

enum { SOLO_STEPS = 5000 };

static const struct engine *find_engine(const char *name) {
    for (int i = 0; engines[i]; i++) {
        if (name && !strcmp(engines[i]->name, name)) return engines[i];
    }
    fprintf(stderr, "bench: -P needs one engine that is here: -e art, for one\n");
    return NULL;
}

static void measure(const struct engine *engine, void *store, const struct keys *keys,
                    const struct operation *operation) {
    static struct block block;
    uint32_t steps = operation->steps < SOLO_STEPS ? operation->steps : SOLO_STEPS;
    block_run(engine, store, keys, operation, 0, operation->writes ? steps : operation->steps, 0, false, &block);
    block_run(engine, store, keys, operation, 1, steps, 0, false, &block);
    printf("%s %s: %llu\n", engine->name, operation->name, (unsigned long long)block.units);
}

bool solo(const struct keys *keys, const struct conduct_options *options, const char *names) {
    static struct block block;
    const struct engine *engine = find_engine(options->engines);
    if (!engine) return false;
    struct engine_settings settings = {
        .directory = options->directory, .cache_bytes = (uint64_t)1 << 30, .create = true};
    void *store = engine->open(&settings);
    block_load(engine, store, keys, 0, keys->count, false, &block);
    engine->settle(store);
    char list[200], *rest = list;
    bool all = true;
    snprintf(list, sizeof list, "%s", names);
    for (char *name; (name = strsep(&rest, ","));) {
        const struct operation *operation = operation_find(name);
        if (operation) measure(engine, store, keys, operation);
        if (!operation) fprintf(stderr, "bench: there is no operation %s\n", name);
        all &= operation != NULL;
    }
    engine->close(store);
    return all;
}
