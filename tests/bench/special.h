/* Measurements that are no blocks of steps: they open, close, load anew, or run beside another connection. Each is done
 * in an engine's own process. */
#ifndef ART_BENCH_SPECIAL_H
#define ART_BENCH_SPECIAL_H

#include "tests/bench/engine.h"
#include "tests/bench/keys.h"
#include "tests/bench/operations.h"

/* A store of this process that is open. */
struct workplace {
    const struct engine *engine;
    const struct keys *keys;
    struct engine_settings settings;
    void *store;
};

/* All keys in one transaction, not synced, into a new store beside the other one; ns for all of them. */
void special_bulk(struct workplace *place, bool sorted, struct block *out);

/* Opens another connection's worth: closes, then opens and reads one key, `times` over: each time one of the histogram
 * (less what it waited for a processor). */
void special_reopen(struct workplace *place, uint32_t times, struct block *out);

/* Writes `bytes` of payload in batches, as much as a log may hold before it is brought to its place. */
void special_fill_log(struct workplace *place, uint64_t bytes, struct block *out);

/* Another connection reads a key after this one has committed a batch: what it pays over a second read, for a row of
 * the batch, each time one of the histogram, in picoseconds. */
void special_catch_up(struct workplace *place, uint32_t times, struct block *out);

/* For `ns`, `readers` threads get random keys one by one, and with `write` this one puts, autocommit and not synced.
 * units: reads of all; steps: writes; the histogram: of reads. */
void special_readers(struct workplace *place, uint32_t readers, bool write, uint64_t ns, struct block *out);

/* A new store in `directory`, filled at random in batches, as stores grow, then `steps` puts of new keys, autocommit
 * and not synced, each timed. */
void special_pauses(struct workplace *place, const char *directory, uint32_t steps, struct block *out);

/* Random updates in batches, `times` as many as there are keys, in a new store; units: bytes on disk then; extra: when
 * it has been settled again; steps: bytes on disk of as many rows just loaded and settled. */
void special_churn(struct workplace *place, uint32_t keys, uint32_t times, struct block *out);

/* The bytes of a copy without holes, where the engine can make one. */
uint64_t special_pack(struct workplace *place);

#endif
