/* What an engine is to the bench: the tasks of a metadata store, each done in the best way that the engine has.
 *
 * Tasks, not primitives: an ordinary SQLite table lists a level by a query, LMDB by seeks of a cursor, art by its own
 * listing; what is compared is the task. Engines with an ordered cursor and nothing else share walk.h.
 *
 * Each engine runs in a process of its own (worker.h). What fails there ends the process with a message: a figure of an
 * engine that had an error is worth nothing. Every answer goes into a digest, and engines whose digests differ are
 * refused by the conductor.
 *
 * A transaction is whatever gives a snapshot for reading, and all or nothing for writing with one's own writes seen.
 * The three ways to be durable: nothing is synced (a killed process loses nothing, a power loss may); each commit is
 * synced; a thousand writes a transaction, whose commit is synced.
 */
#ifndef ART_BENCH_ENGINE_H
#define ART_BENCH_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"

struct engine_settings {
    const char *directory;
    uint64_t cache_bytes; /* 0: the engine's own default */
    bool create;
    void *beside; /* another store of this process that has the same directory open: one more connection */
};

/* What an engine cannot do. */
enum {
    ENGINE_NO_REOPEN = 1, /* what is written is gone with the process */
    ENGINE_ONE_USER = 2,  /* no second connection */
    ENGINE_NO_SYNC = 4,   /* cannot be durable */
};

struct engine {
    const char *name;
    const char *about; /* for people */
    unsigned lacks;

    void *(*open)(const struct engine_settings *settings);
    void (*close)(void *store);
    void (*set_sync)(void *store, bool every_commit);
    /* sorted: the keys of this transaction come in order and lie behind all others */
    void (*begin)(void *store, bool write, bool sorted);
    void (*commit)(void *store);

    /* Outside of begin() and commit() each is a transaction of its own. */
    void (*put)(void *store, struct art_bytes key, struct art_bytes value);
    void (*update)(void *store, struct art_bytes key, struct art_bytes value); /* of a key that is there */
    void (*remove)(void *store, struct art_bytes key);
    void (*rename)(void *store, struct art_bytes from, struct art_bytes to); /* nothing, when `from` is not there */
    bool (*get)(void *store, struct art_bytes key, uint64_t *digest);
    /* Rows below a prefix, at most `limit`, behind the first `offset` ones; returns how many. */
    uint64_t (*list)(void *store, struct art_bytes prefix, bool descending, uint64_t offset, uint64_t limit,
                     uint64_t *digest);
    /* The first names of one level: keys without a further '/', and common prefixes once, up to and including it.
     * by_query: in one statement, where the engine has such a thing. */
    uint64_t (*level)(void *store, struct art_bytes directory, uint64_t limit, bool by_query, uint64_t *digest);
    bool (*any)(void *store, struct art_bytes prefix);
    /* The longest stored key that is `path`, or ends with a '/' of it, or before one. */
    bool (*longest)(void *store, struct art_bytes path, uint64_t *digest);
    /* by_rows: by SQL's count(*), where the engine has another way, too. */
    uint64_t (*count)(void *store, struct art_bytes prefix, bool by_rows);

    /* Brings what waits in logs to its place, as a long enough rest would; */
    void (*quiesce)(void *store);
    /* ... and puts all in its best order. */
    void (*settle)(void *store);

    /* Not every engine has these. How large its cache is from the next opening on, where that is kept with the data; */
    void (*keep_cache)(void *store, uint64_t bytes);
    /* ... and the bytes of a copy without any holes, which is made as `file` and removed. */
    uint64_t (*packed)(void *store, const char *file);
};

/* All that this program was built with, art first, the ordinary table second. NULL ends it. */
extern const struct engine *const engines[];
/* Those that it was built without: name and reason, NULL ends it. */
extern const char *const engines_left_out[][2];

extern const struct engine engine_art, engine_inline, engine_table, engine_core, engine_lmdb, engine_rocksdb;

/* Only loads: open, begin, put, commit, quiesce, settle and close (bench_measure.c). */
extern const struct engine engine_leveldb;

/* Only for those who ask for them by their names: one lies, one is art of another build. */
const struct engine *engine_liar(void);
const struct engine *engine_former(void);

/* What the engines without SQL call by these names. */
#define ENGINE_TASKS                                                                                                   \
    .set_sync = set_sync, .put = put, .update = put, .remove = remove_key, .rename = rename_key, .get = get,           \
    .list = list, .level = level, .any = any, .longest = longest, .count = count, .quiesce = quiesce

/* Ends the process. */
void engine_fail(const char *engine, const char *task, const char *why) __attribute__((noreturn));

/* Length and both ends of a text: enough to see another answer, too little to be measured. */
static inline void digest_add(uint64_t *digest, const void *data, size_t len) {
    const uint8_t *bytes = data;
    uint64_t first = 0, last = 0;
    if (len >= 8) {
        first = art_load64(bytes);
        last = art_load64(bytes + len - 8);
        if (len >= 24) first ^= art_load64(bytes + len - 16) * 31 ^ art_load64(bytes + 8) * 17;
    } else {
        for (size_t i = 0; i < len; i++) first = first << 8 | bytes[i];
    }
    *digest = (*digest ^ first ^ last << 1 ^ len) * 0x9e3779b97f4a7c15u;
    *digest ^= *digest >> 29;
}

#endif
