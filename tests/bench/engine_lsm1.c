/* lsm1: the log-structured store that lives in SQLite's source tree, compiled by tests/bench/fetch into
 * build/bench/lsm1. As it comes: mapped, for several processes, work and checkpoints done within commits. "Not synced"
 * is its safety "off". */
#include "tests/bench/peers.h"

#ifdef BENCH_LSM1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/bench/lsm1/lsm.h"
#include "tests/bench/engine.h"
#include "tests/bench/walk.h"

struct lsm1 {
    lsm_db *db;
    lsm_cursor *cursor; /* of the running reading transaction or task: it keeps a snapshot */
    bool explicit, writing;
};

static void must(int rc, const char *task) {
    if (rc == LSM_OK) return;
    char text[40];
    snprintf(text, sizeof text, "error %d", rc);
    engine_fail("lsm1", task, text);
}

static void *lsm1_open(const struct engine_settings *settings) {
    struct lsm1 *lsm1 = calloc(1, sizeof *lsm1);
    char path[600];
    snprintf(path, sizeof path, "%s/bench.lsm", settings->directory);
    must(lsm_new(NULL, &lsm1->db), "open");
    must(lsm_open(lsm1->db, path), "open");
    return lsm1;
}

static void lsm1_close(void *store) {
    struct lsm1 *lsm1 = store;
    must(lsm_close(lsm1->db), "close");
    free(lsm1);
}

static void set_sync(void *store, bool every_commit) {
    int safety = every_commit ? LSM_SAFETY_FULL : LSM_SAFETY_OFF;
    must(lsm_config(((struct lsm1 *)store)->db, LSM_CONFIG_SAFETY, &safety), "set_sync");
}

/* A reader that has just looked may be in the way for a moment. */
static void begin_write(struct lsm1 *lsm1) {
    int rc;
    while ((rc = lsm_begin(lsm1->db, 1)) == LSM_BUSY) continue;
    must(rc, "begin");
}

static void begin(void *store, bool write, bool sorted) {
    struct lsm1 *lsm1 = store;
    (void)sorted;
    lsm1->explicit = true;
    lsm1->writing = write;
    if (write) {
        begin_write(lsm1);
    } else {
        must(lsm_csr_open(lsm1->db, &lsm1->cursor), "begin");
    }
}

static void commit(void *store) {
    struct lsm1 *lsm1 = store;
    if (lsm1->writing) {
        must(lsm_commit(lsm1->db, 0), "commit");
    } else {
        lsm_csr_close(lsm1->cursor);
        lsm1->cursor = NULL;
    }
    lsm1->explicit = lsm1->writing = false;
}

static void enter(struct lsm1 *lsm1) {
    if (!lsm1->cursor) must(lsm_csr_open(lsm1->db, &lsm1->cursor), "cursor");
}

static void leave(struct lsm1 *lsm1) {
    if (lsm1->explicit && !lsm1->writing) return;
    lsm_csr_close(lsm1->cursor);
    lsm1->cursor = NULL;
}

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

static void put(void *store, struct art_bytes key, struct art_bytes value) {
    struct lsm1 *lsm1 = store;
    must(lsm_insert(lsm1->db, key.data, (int)key.len, value.data, (int)value.len), "put");
}

static void remove_key(void *store, struct art_bytes key) {
    must(lsm_delete(((struct lsm1 *)store)->db, key.data, (int)key.len), "delete");
}

static bool find(struct lsm1 *lsm1, struct art_bytes key, struct art_bytes *value) {
    const void *data;
    int len;
    must(lsm_csr_seek(lsm1->cursor, key.data, (int)key.len, LSM_SEEK_EQ), "get");
    if (!lsm_csr_valid(lsm1->cursor)) return false;
    must(lsm_csr_value(lsm1->cursor, &data, &len), "get");
    *value = art_bytes(data, (uint32_t)len);
    return true;
}

static bool get(void *store, struct art_bytes key, uint64_t *digest) {
    struct lsm1 *lsm1 = store;
    struct art_bytes value;
    enter(lsm1);
    bool there = find(lsm1, key, &value);
    if (there) digest_add(digest, value.data, value.len);
    leave(lsm1);
    return there;
}

static void rename_key(void *store, struct art_bytes from, struct art_bytes to) {
    struct lsm1 *lsm1 = store;
    bool alone = !lsm1->writing;
    struct art_bytes value;
    char copy[VALUE_MAX];
    if (alone) begin(store, true, false);
    enter(lsm1);
    bool there = find(lsm1, from, &value);
    if (there) memcpy(copy, value.data, value.len);
    leave(lsm1);
    if (there) {
        remove_key(store, from);
        put(store, to, art_bytes(copy, value.len));
    }
    if (alone) commit(store);
}

/* ---- the cursor -------------------------------------------------------------------------------------------------- */

static bool stands(struct lsm1 *lsm1, int rc) {
    must(rc, "cursor");
    return lsm_csr_valid(lsm1->cursor);
}

static bool seek(void *store, struct art_bytes key) {
    struct lsm1 *lsm1 = store;
    if (!key.len) return stands(lsm1, lsm_csr_first(lsm1->cursor));
    return stands(lsm1, lsm_csr_seek(lsm1->cursor, key.data, (int)key.len, LSM_SEEK_GE));
}

static bool seek_before(void *store, struct art_bytes key) {
    struct lsm1 *lsm1 = store;
    if (!key.len) return stands(lsm1, lsm_csr_last(lsm1->cursor));
    return stands(lsm1, lsm_csr_seek(lsm1->cursor, key.data, (int)key.len, LSM_SEEK_LE));
}

static bool next(void *store) {
    return stands(store, lsm_csr_next(((struct lsm1 *)store)->cursor));
}

static bool previous(void *store) {
    return stands(store, lsm_csr_prev(((struct lsm1 *)store)->cursor));
}

static struct art_bytes key_of(void *store) {
    const void *data;
    int len;
    must(lsm_csr_key(((struct lsm1 *)store)->cursor, &data, &len), "cursor");
    return art_bytes(data, (uint32_t)len);
}

static struct art_bytes value_of(void *store) {
    const void *data;
    int len;
    must(lsm_csr_value(((struct lsm1 *)store)->cursor, &data, &len), "cursor");
    return art_bytes(data, (uint32_t)len);
}

static const struct walker walker = {seek, seek_before, next, previous, key_of, value_of};

WALK_TASKS(&walker, enter, leave)

static void quiesce(void *store) {
    struct lsm1 *lsm1 = store;
    must(lsm_flush(lsm1->db), "flush");
    must(lsm_checkpoint(lsm1->db, NULL), "checkpoint");
}

static void settle(void *store) {
    struct lsm1 *lsm1 = store;
    int written = 1;
    quiesce(store);
    while (written > 0) must(lsm_work(lsm1->db, 1, 65536, &written), "work");
    must(lsm_checkpoint(lsm1->db, NULL), "checkpoint");
}

const struct engine engine_lsm1 = {
    .name = "lsm1",
    .about = "lsm1 of SQLite's source tree, without SQL",
    .open = lsm1_open,
    .close = lsm1_close,
    .begin = begin,
    .commit = commit,
    ENGINE_TASKS,
    .settle = settle,
};
#endif
