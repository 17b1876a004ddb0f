/* LevelDB by its C interface, as far as a load needs it: what is written in a transaction cannot be read before its
 * end, so that it has no part in the bench's own run. As it comes (Snappy). */
#include "tests/bench/peers.h"

#ifdef BENCH_LEVELDB
#include <leveldb/c.h>
#include <stdlib.h>

#include "tests/bench/engine.h"

struct leveldb {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_writeoptions_t *write;
    leveldb_writebatch_t *batch;
    const char *directory;
};

static void must(char *error, const char *task) {
    if (error) engine_fail("leveldb", task, error);
}

static void open_files(struct leveldb *leveldb) {
    char *error = NULL;
    leveldb->db = leveldb_open(leveldb->options, leveldb->directory, &error);
    must(error, "open");
}

static void *leveldb_engine_open(const struct engine_settings *settings) {
    struct leveldb *leveldb = calloc(1, sizeof *leveldb);
    if (!leveldb) abort();
    leveldb->directory = settings->directory;
    leveldb->options = leveldb_options_create();
    leveldb->write = leveldb_writeoptions_create();
    leveldb->batch = leveldb_writebatch_create();
    leveldb_options_set_create_if_missing(leveldb->options, 1);
    open_files(leveldb);
    return leveldb;
}

static void leveldb_engine_close(void *store) {
    struct leveldb *leveldb = store;
    leveldb_close(leveldb->db);
    leveldb_options_destroy(leveldb->options);
    leveldb_writeoptions_destroy(leveldb->write);
    leveldb_writebatch_destroy(leveldb->batch);
    free(leveldb);
}

static void set_sync(void *store, bool every_commit) {
    leveldb_writeoptions_set_sync(((struct leveldb *)store)->write, every_commit);
}

static void begin(void *store, bool write, bool sorted) {
    (void)write;
    (void)sorted;
    leveldb_writebatch_clear(((struct leveldb *)store)->batch);
}

static void put(void *store, struct art_bytes key, struct art_bytes value) {
    leveldb_writebatch_put(((struct leveldb *)store)->batch, (const char *)key.data, key.len, (const char *)value.data,
                           value.len);
}

static void commit(void *store) {
    struct leveldb *leveldb = store;
    char *error = NULL;
    leveldb_write(leveldb->db, leveldb->write, leveldb->batch, &error);
    must(error, "commit");
}

/* It writes a table of its log when it opens the files. */
static void quiesce(void *store) {
    struct leveldb *leveldb = store;
    leveldb_close(leveldb->db);
    open_files(leveldb);
}

static void settle(void *store) {
    quiesce(store);
    leveldb_compact_range(((struct leveldb *)store)->db, NULL, 0, NULL, 0);
    quiesce(store);
}

const struct engine engine_leveldb = {
    .name = "leveldb",
    .about = "LevelDB, without SQL; Snappy",
    .open = leveldb_engine_open,
    .close = leveldb_engine_close,
    .set_sync = set_sync,
    .begin = begin,
    .commit = commit,
    .put = put,
    .quiesce = quiesce,
    .settle = settle,
};
#endif
