/* Which engines this program was built with. */
#include "tests/bench/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/peers.h"

const struct engine *const engines[] = {
    &engine_art,
    &engine_inline,
    &engine_table,
    &engine_core,
#ifdef BENCH_LMDB
    &engine_lmdb,
#endif
#ifdef BENCH_ROCKSDB
    &engine_rocksdb,
#endif
    NULL,
};

const char *const engines_left_out[][2] = {
#ifndef BENCH_LMDB
    {"lmdb", "lmdb.h is not here (Debian: liblmdb-dev)"},
#endif
#ifndef BENCH_ROCKSDB
    {"rocksdb", "rocksdb/c.h is not here (Debian: librocksdb-dev)"},
#endif
    {NULL, NULL},
};

void engine_fail(const char *engine, const char *task, const char *why) {
    fprintf(stderr, "bench: %s: %s: %s\n", engine, task, why);
    fflush(stderr);
    _Exit(1);
}

/* ---- only for those who ask for them by their names ------------------------------------------------------------- */

/* Art of another build, from the file that BENCH_FORMER names: what has a change cost? An engine has a process of its
 * own, so both builds take turns in one run. */
static void *open_former(const struct engine_settings *settings) {
    const char *former = getenv("BENCH_FORMER");
    if (!former) engine_fail("former", "open", "BENCH_FORMER does not say which art.so that is");
    setenv("ART_EXTENSION", former, 1);
    return engine_art.open(settings);
}

const struct engine *engine_former(void) {
    static struct engine former;
    former = engine_art;
    former.name = "former";
    former.open = open_former;
    return &former;
}

/* An ordinary table that now and then gives a wrong answer, to see that the bench refuses the figures of engines that
 * disagree. */
static bool lying_get(void *store, struct art_bytes key, uint64_t *digest) {
    bool there = engine_table.get(store, key, digest);
    if (key.len % 7 == 0) digest_add(digest, "wrong", 5);
    return there;
}

const struct engine *engine_liar(void) {
    static struct engine liar;
    liar = engine_table;
    liar.name = "liar";
    liar.get = lying_get;
    return &liar;
}
