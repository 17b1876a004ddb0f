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
#ifdef BENCH_LSM1
    &engine_lsm1,
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
#ifndef BENCH_LSM1
    {"lsm1", "its source is not here (tests/bench/fetch lsm1)"},
#endif
    {NULL, NULL},
};

void engine_fail(const char *engine, const char *task, const char *why) {
    fprintf(stderr, "bench: %s: %s: %s\n", engine, task, why);
    fflush(stderr);
    _Exit(1);
}
