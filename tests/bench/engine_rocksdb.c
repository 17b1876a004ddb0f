/* RocksDB by its C interface: an LSM tree with threads of its own. They get the machine only in RocksDB's turns, for
 * the conductor stops the process between them. Bloom filters of 10 bits, a block cache, otherwise as it comes
 * (Snappy). A writing transaction is an indexed write batch, in which its own writes are seen. "Not synced" is
 * sync=false; its log is written. */
#include "tests/bench/peers.h"

#ifdef BENCH_ROCKSDB
#include <rocksdb/c.h>
#include <stdlib.h>

#include "tests/bench/engine.h"
#include "tests/bench/walk.h"

struct rocksdb {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_writebatch_wi_t *batch; /* of the running writing transaction */
    rocksdb_iterator_t *iterator;   /* of the running reading transaction or task */
    bool explicit, writing, borrowed;
};

static void must(char *error, const char *task) {
    if (error) engine_fail("rocksdb", task, error);
}

static void *rocksdb_engine_open(const struct engine_settings *settings) {
    struct rocksdb *rocksdb = calloc(1, sizeof *rocksdb);
    rocksdb->read = rocksdb_readoptions_create();
    rocksdb->write = rocksdb_writeoptions_create();
    if (settings->beside) {
        rocksdb->db = ((struct rocksdb *)settings->beside)->db;
        rocksdb->borrowed = true;
        return rocksdb;
    }
    rocksdb_options_t *options = rocksdb->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_info_log_level(options, 3);
    rocksdb_block_based_table_options_t *blocks = rocksdb_block_based_options_create();
    rocksdb_cache_t *cache = settings->cache_bytes ? rocksdb_cache_create_lru(settings->cache_bytes) : NULL;
    if (cache) rocksdb_block_based_options_set_block_cache(blocks, cache);
    rocksdb_block_based_options_set_filter_policy(blocks, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(options, blocks);
    if (cache) rocksdb_cache_destroy(cache);
    rocksdb_block_based_options_destroy(blocks);
    char *error = NULL;
    rocksdb->db = rocksdb_open(options, settings->directory, &error);
    must(error, "open");
    return rocksdb;
}

static void rocksdb_engine_close(void *store) {
    struct rocksdb *rocksdb = store;
    rocksdb_readoptions_destroy(rocksdb->read);
    rocksdb_writeoptions_destroy(rocksdb->write);
    if (!rocksdb->borrowed) {
        rocksdb_close(rocksdb->db);
        rocksdb_options_destroy(rocksdb->options);
    }
    free(rocksdb);
}

static void set_sync(void *store, bool every_commit) {
    rocksdb_writeoptions_set_sync(((struct rocksdb *)store)->write, every_commit);
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

static void write_batch(struct rocksdb *rocksdb) {
    char *error = NULL;
    rocksdb_write_writebatch_wi(rocksdb->db, rocksdb->write, rocksdb->batch, &error);
    must(error, "commit");
    rocksdb_writebatch_wi_destroy(rocksdb->batch);
    rocksdb->batch = NULL;
}

static void begin(void *store, bool write, bool sorted) {
    struct rocksdb *rocksdb = store;
    (void)sorted;
    rocksdb->explicit = true;
    rocksdb->writing = write;
    if (write) {
        rocksdb->batch = rocksdb_writebatch_wi_create(0, 1);
    } else {
        rocksdb->iterator = rocksdb_create_iterator(rocksdb->db, rocksdb->read);
    }
}

static void commit(void *store) {
    struct rocksdb *rocksdb = store;
    if (rocksdb->writing) {
        write_batch(rocksdb);
    } else {
        rocksdb_iter_destroy(rocksdb->iterator);
        rocksdb->iterator = NULL;
    }
    rocksdb->explicit = rocksdb->writing = false;
}

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

static void put(void *store, struct art_bytes key, struct art_bytes value) {
    struct rocksdb *rocksdb = store;
    char *error = NULL;
    if (rocksdb->writing) {
        rocksdb_writebatch_wi_put(rocksdb->batch, (const char *)key.data, key.len, (const char *)value.data, value.len);
        return;
    }
    rocksdb_put(rocksdb->db, rocksdb->write, (const char *)key.data, key.len, (const char *)value.data, value.len,
                &error);
    must(error, "put");
}

static void remove_key(void *store, struct art_bytes key) {
    struct rocksdb *rocksdb = store;
    char *error = NULL;
    if (rocksdb->writing) {
        rocksdb_writebatch_wi_delete(rocksdb->batch, (const char *)key.data, key.len);
        return;
    }
    rocksdb_delete(rocksdb->db, rocksdb->write, (const char *)key.data, key.len, &error);
    must(error, "delete");
}

static void rename_key(void *store, struct art_bytes from, struct art_bytes to) {
    struct rocksdb *rocksdb = store;
    bool alone = !rocksdb->writing;
    if (alone) begin(store, true, false);
    char *error = NULL;
    size_t len;
    char *value = rocksdb_writebatch_wi_get_from_batch_and_db(rocksdb->batch, rocksdb->db, rocksdb->read,
                                                              (const char *)from.data, from.len, &len, &error);
    must(error, "rename");
    if (value) {
        remove_key(store, from);
        put(store, to, art_bytes(value, (uint32_t)len));
        rocksdb_free(value);
    }
    if (alone) commit(store);
}

static bool get(void *store, struct art_bytes key, uint64_t *digest) {
    struct rocksdb *rocksdb = store;
    char *error = NULL;
    size_t len;
    if (rocksdb->writing) {
        char *value = rocksdb_writebatch_wi_get_from_batch_and_db(rocksdb->batch, rocksdb->db, rocksdb->read,
                                                                  (const char *)key.data, key.len, &len, &error);
        must(error, "get");
        if (!value) return false;
        digest_add(digest, value, len);
        rocksdb_free(value);
        return true;
    }
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned(rocksdb->db, rocksdb->read, (const char *)key.data, key.len, &error);
    must(error, "get");
    if (!slice) return false;
    const char *value = rocksdb_pinnableslice_value(slice, &len);
    digest_add(digest, value, len);
    rocksdb_pinnableslice_destroy(slice);
    return true;
}

/* ---- the iterator ------------------------------------------------------------------------------------------------ */

static bool stands(struct rocksdb *rocksdb) {
    if (rocksdb_iter_valid(rocksdb->iterator)) return true;
    char *error = NULL;
    rocksdb_iter_get_error(rocksdb->iterator, &error);
    must(error, "iterator");
    return false;
}

static bool seek(void *store, struct art_bytes key) {
    struct rocksdb *rocksdb = store;
    rocksdb_iter_seek(rocksdb->iterator, (const char *)key.data, key.len);
    return stands(rocksdb);
}

static bool seek_before(void *store, struct art_bytes key) {
    struct rocksdb *rocksdb = store;
    if (key.len) {
        rocksdb_iter_seek_for_prev(rocksdb->iterator, (const char *)key.data, key.len);
    } else {
        rocksdb_iter_seek_to_last(rocksdb->iterator);
    }
    return stands(rocksdb);
}

static bool next(void *store) {
    struct rocksdb *rocksdb = store;
    rocksdb_iter_next(rocksdb->iterator);
    return stands(rocksdb);
}

static bool previous(void *store) {
    struct rocksdb *rocksdb = store;
    rocksdb_iter_prev(rocksdb->iterator);
    return stands(rocksdb);
}

static struct art_bytes key_of(void *store) {
    size_t len;
    const char *key = rocksdb_iter_key(((struct rocksdb *)store)->iterator, &len);
    return art_bytes(key, (uint32_t)len);
}

static struct art_bytes value_of(void *store) {
    size_t len;
    const char *value = rocksdb_iter_value(((struct rocksdb *)store)->iterator, &len);
    return art_bytes(value, (uint32_t)len);
}

static const struct walker walker = {seek, seek_before, next, previous, key_of, value_of};

/* In a reading transaction its iterator serves all tasks; elsewhere each has one of its own. */
static void enter(struct rocksdb *rocksdb) {
    if (rocksdb->iterator) return;
    rocksdb->iterator = rocksdb_create_iterator(rocksdb->db, rocksdb->read);
    if (rocksdb->writing) {
        rocksdb->iterator = rocksdb_writebatch_wi_create_iterator_with_base(rocksdb->batch, rocksdb->iterator);
    }
}

static void leave(struct rocksdb *rocksdb) {
    if (rocksdb->explicit && !rocksdb->writing) return;
    rocksdb_iter_destroy(rocksdb->iterator);
    rocksdb->iterator = NULL;
}

WALK_TASKS(&walker, enter, leave)

static void quiesce(void *store) {
    struct rocksdb *rocksdb = store;
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(rocksdb->db, options, &error);
    must(error, "flush");
    rocksdb_flushoptions_destroy(options);
}

static void settle(void *store) {
    quiesce(store);
    rocksdb_compact_range(((struct rocksdb *)store)->db, NULL, 0, NULL, 0);
}

const struct engine engine_rocksdb = {
    .name = "rocksdb",
    .about = "RocksDB, without SQL; Bloom filters, Snappy",
    .open = rocksdb_engine_open,
    .close = rocksdb_engine_close,
    .begin = begin,
    .commit = commit,
    ENGINE_TASKS,
    .settle = settle,
};
#endif
