/* LMDB: a copy-on-write B+tree in a mapped file. The map is as large as its file may grow; its cache is the system's.
 * "Not synced" is MDB_NOSYNC. MDB_NORDAHEAD, because what is compared reads at random. */
#include "tests/bench/peers.h"

#ifdef BENCH_LMDB
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/engine.h"
#include "tests/bench/walk.h"

/* One environment a process: other connections are its transactions. */
struct lmdb {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn;              /* the running one */
    MDB_txn *parked;           /* a read transaction at rest, renewed at the next use */
    MDB_cursor *cursor, *kept; /* kept: of the readers, while a writer's is in use */
    bool borrowed, explicit, writing, sorted;
    MDB_val key, value;
};

static void must(int rc, const char *task) {
    if (rc) engine_fail("lmdb", task, mdb_strerror(rc));
}

static void *lmdb_open(const struct engine_settings *settings) {
    struct lmdb *lmdb = calloc(1, sizeof *lmdb);
    if (settings->beside) {
        struct lmdb *other = settings->beside;
        lmdb->env = other->env;
        lmdb->dbi = other->dbi;
        lmdb->borrowed = true;
        return lmdb;
    }
    must(mdb_env_create(&lmdb->env), "open");
    must(mdb_env_set_mapsize(lmdb->env, (size_t)32 << 30), "open");
    must(mdb_env_open(lmdb->env, settings->directory, MDB_NORDAHEAD | MDB_NOTLS, 0644), "open");
    MDB_txn *txn;
    must(mdb_txn_begin(lmdb->env, NULL, 0, &txn), "open");
    must(mdb_dbi_open(txn, NULL, 0, &lmdb->dbi), "open");
    must(mdb_txn_commit(txn), "open");
    return lmdb;
}

static void lmdb_close(void *store) {
    struct lmdb *lmdb = store;
    if (lmdb->cursor) mdb_cursor_close(lmdb->cursor);
    if (lmdb->parked) mdb_txn_abort(lmdb->parked);
    if (!lmdb->borrowed) mdb_env_close(lmdb->env);
    free(lmdb);
}

static void set_sync(void *store, bool every_commit) {
    must(mdb_env_set_flags(((struct lmdb *)store)->env, MDB_NOSYNC, !every_commit), "set_sync");
}

/* ---- transactions ------------------------------------------------------------------------------------------------ */

/* Reading transactions and their cursor are kept and renewed, as LMDB's documentation has it. */
static void start(struct lmdb *lmdb, bool write) {
    lmdb->writing = write;
    if (write) {
        must(mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->txn), "begin");
        return;
    }
    if (lmdb->parked) {
        must(mdb_txn_renew(lmdb->parked), "renew");
        must(mdb_cursor_renew(lmdb->parked, lmdb->cursor), "renew");
    } else {
        must(mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->parked), "begin");
        must(mdb_cursor_open(lmdb->parked, lmdb->dbi, &lmdb->cursor), "begin");
    }
    lmdb->txn = lmdb->parked;
}

static void stop(struct lmdb *lmdb) {
    if (lmdb->writing) {
        must(mdb_txn_commit(lmdb->txn), "commit");
    } else {
        mdb_txn_reset(lmdb->txn);
    }
    lmdb->txn = NULL;
}

static void lmdb_begin(void *store, bool write, bool sorted) {
    struct lmdb *lmdb = store;
    lmdb->explicit = true;
    lmdb->sorted = sorted;
    start(lmdb, write);
}

static void lmdb_commit(void *store) {
    struct lmdb *lmdb = store;
    lmdb->explicit = lmdb->sorted = false;
    stop(lmdb);
}

static void enter(struct lmdb *lmdb, bool write) {
    if (!lmdb->explicit) start(lmdb, write);
}

static void leave(struct lmdb *lmdb) {
    if (!lmdb->explicit) stop(lmdb);
}

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

static MDB_val val(struct art_bytes bytes) {
    return (MDB_val){bytes.len, (void *)bytes.data};
}

static bool found(int rc, const char *task) {
    if (rc == MDB_NOTFOUND) return false;
    must(rc, task);
    return true;
}

static void put(void *store, struct art_bytes key, struct art_bytes value) {
    struct lmdb *lmdb = store;
    MDB_val k = val(key), v = val(value);
    enter(lmdb, true);
    must(mdb_put(lmdb->txn, lmdb->dbi, &k, &v, lmdb->sorted ? MDB_APPEND : 0), "put");
    leave(lmdb);
}

static void remove_key(void *store, struct art_bytes key) {
    struct lmdb *lmdb = store;
    MDB_val k = val(key);
    enter(lmdb, true);
    found(mdb_del(lmdb->txn, lmdb->dbi, &k, NULL), "delete");
    leave(lmdb);
}

static void rename_key(void *store, struct art_bytes from, struct art_bytes to) {
    struct lmdb *lmdb = store;
    MDB_val old = val(from), new = val(to), v;
    enter(lmdb, true);
    if (found(mdb_get(lmdb->txn, lmdb->dbi, &old, &v), "rename")) {
        char copy[VALUE_MAX]; /* a write may move the page that it lies in */
        memcpy(copy, v.mv_data, v.mv_size);
        v.mv_data = copy;
        must(mdb_del(lmdb->txn, lmdb->dbi, &old, NULL), "rename");
        must(mdb_put(lmdb->txn, lmdb->dbi, &new, &v, 0), "rename");
    }
    leave(lmdb);
}

static bool get(void *store, struct art_bytes key, uint64_t *digest) {
    struct lmdb *lmdb = store;
    MDB_val k = val(key), v;
    enter(lmdb, false);
    bool there = found(mdb_get(lmdb->txn, lmdb->dbi, &k, &v), "get");
    if (there) digest_add(digest, v.mv_data, v.mv_size);
    leave(lmdb);
    return there;
}

/* ---- the cursor -------------------------------------------------------------------------------------------------- */

static bool move(struct lmdb *lmdb, MDB_cursor_op how) {
    return found(mdb_cursor_get(lmdb->cursor, &lmdb->key, &lmdb->value, how), "cursor");
}

static bool seek(void *store, struct art_bytes key) {
    struct lmdb *lmdb = store;
    if (!key.len) return move(lmdb, MDB_FIRST); /* LMDB has no empty keys */
    lmdb->key = val(key);
    return move(lmdb, MDB_SET_RANGE);
}

static bool seek_before(void *store, struct art_bytes key) {
    struct lmdb *lmdb = store;
    if (!key.len) return move(lmdb, MDB_LAST);
    lmdb->key = val(key);
    if (!move(lmdb, MDB_SET_RANGE)) return move(lmdb, MDB_LAST);
    if (lmdb->key.mv_size == key.len && !memcmp(lmdb->key.mv_data, key.data, key.len)) return true;
    return move(lmdb, MDB_PREV);
}

static bool next(void *store) {
    return move(store, MDB_NEXT);
}

static bool previous(void *store) {
    return move(store, MDB_PREV);
}

static struct art_bytes key_of(void *store) {
    struct lmdb *lmdb = store;
    return art_bytes(lmdb->key.mv_data, (uint32_t)lmdb->key.mv_size);
}

static struct art_bytes value_of(void *store) {
    struct lmdb *lmdb = store;
    return art_bytes(lmdb->value.mv_data, (uint32_t)lmdb->value.mv_size);
}

static const struct walker walker = {seek, seek_before, next, previous, key_of, value_of};

/* A writing transaction has a cursor for each task. */
static void enter_cursor(struct lmdb *lmdb) {
    enter(lmdb, false);
    lmdb->kept = lmdb->cursor;
    if (lmdb->writing) must(mdb_cursor_open(lmdb->txn, lmdb->dbi, &lmdb->cursor), "cursor");
}

static void leave_cursor(struct lmdb *lmdb) {
    if (lmdb->writing) {
        mdb_cursor_close(lmdb->cursor);
        lmdb->cursor = lmdb->kept;
    }
    leave(lmdb);
}

WALK_TASKS(&walker, enter_cursor, leave_cursor)

static void quiesce(void *store) {
    must(mdb_env_sync(((struct lmdb *)store)->env, 1), "sync");
}

const struct engine engine_lmdb = {
    .name = "lmdb",
    .about = "LMDB, without SQL",
    .open = lmdb_open,
    .close = lmdb_close,
    .begin = lmdb_begin,
    .commit = lmdb_commit,
    ENGINE_TASKS,
    .settle = quiesce,
};
#endif
