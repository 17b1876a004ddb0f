/* core/ without SQLite: what the tree itself costs. A toy host keeps the log in memory, so nothing is durable, nothing
 * can be opened again, and writes are cheaper than with any host that keeps its promises. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/tree/commit.h"
#include "core/tree/inspect.h"
#include "core/tree/write_rows.h"
#include "tests/bench/engine.h"
#include "tests/bench/walk.h"

struct core {
    struct art_tree *tree;
    struct art_cursor *cursor;
    bool in_transaction;
    char file[600];
};

static enum art_rc host_secure(void *context, bool *reuse) {
    (void)context;
    *reuse = true;
    return ART_OK;
}

static enum art_rc host_epoch(void *context, struct art_epoch *out) {
    (void)context;
    *out = (struct art_epoch){.kind = ART_EPOCH_ROLLBACK};
    return ART_OK;
}

static enum art_rc host_retired(void *context, struct art_buffer *out) {
    (void)context;
    (void)out;
    return ART_OK;
}

static void must(int rc, const char *task) {
    if (rc) engine_fail("core", task, art_error_message());
}

static void *core_open(const struct engine_settings *settings) {
    struct core *core = calloc(1, sizeof *core);
    char host_path[600];
    snprintf(core->file, sizeof core->file, "%s/core.art", settings->directory);
    snprintf(host_path, sizeof host_path, "%s/core.db", settings->directory);
    struct art_tree_options options = {.path = core->file,
                                       .host_path = host_path,
                                       .uuid = "bench, no host ",
                                       .cache_bytes = settings->cache_bytes ? settings->cache_bytes : ART_CACHE_AUTO,
                                       .log_limit = 1 << 20,
                                       .spill_limit = 64 << 20};
    struct art_host host = {.secure = host_secure, .epoch = host_epoch, .load_retired = host_retired};
    fclose(fopen(host_path, "w"));
    must(art_tree_open(&core->tree, &options, &host), "open");
    uint8_t root[ART_ROOT_INITIAL_MAX];
    uint32_t len = art_tree_initial_root(options.uuid, root);
    uint64_t from;
    must(art_tree_refresh_begin(core->tree, &from), "open");
    must(art_tree_refresh_row(core->tree, 0, art_bytes(root, len)), "open");
    must(art_tree_refresh_end(core->tree), "open");
    must(art_cursor_open(core->tree, &core->cursor), "open");
    return core;
}

static void core_close(void *store) {
    struct core *core = store;
    art_cursor_close(core->cursor);
    art_tree_close(core->tree);
    free(core);
}

static void set_sync(void *store, bool every_commit) {
    (void)store;
    (void)every_commit;
}

static void core_begin(void *store, bool write, bool sorted) {
    (void)write;
    (void)sorted;
    ((struct core *)store)->in_transaction = true;
}

static void core_commit(void *store) {
    struct core *core = store;
    struct art_commit commit;
    core->in_transaction = false;
    must(art_tree_prepare(core->tree, &commit), "commit");
    art_tree_committed(core->tree);
}

static void changed(struct core *core) {
    if (!core->in_transaction) core_commit(core);
}

static void put(void *store, struct art_bytes key, struct art_bytes value) {
    struct core *core = store;
    bool existed;
    must(art_tree_insert(core->tree, ART_WRITE_REPLACE, key, value, &existed), "put");
    changed(core);
}

static void remove_key(void *store, struct art_bytes key) {
    struct core *core = store;
    bool existed;
    must(art_tree_delete(core->tree, key, &existed), "delete");
    changed(core);
}

static void rename_key(void *store, struct art_bytes from, struct art_bytes to) {
    struct core *core = store;
    bool existed;
    int rc = art_tree_move(core->tree, ART_WRITE_REPLACE, from, to, NULL, &existed);
    must(rc == ART_NOTFOUND ? ART_OK : rc, "rename");
    changed(core);
}

static bool get(void *store, struct art_bytes key, uint64_t *digest) {
    struct core *core = store;
    struct art_row row;
    int rc = art_tree_get(core->tree, key, &row);
    if (rc == ART_NOTFOUND) return false;
    must(rc, "get");
    digest_add(digest, row.stored.bytes.data, row.stored.bytes.len);
    art_row_release(&row);
    return true;
}

static void seek_prefix(struct core *core, struct art_bytes prefix, bool descending) {
    uint8_t high[PATH_ROOM];
    struct art_range range;
    art_range_of_prefix(prefix, high, &range);
    must(art_cursor_seek(core->cursor, &range, descending), "seek");
}

static uint64_t list(void *store, struct art_bytes prefix, bool descending, uint64_t offset, uint64_t limit,
                     uint64_t *digest) {
    struct core *core = store;
    uint64_t rows = 0;
    seek_prefix(core, prefix, descending);
    if (offset && art_cursor_valid(core->cursor)) must(art_cursor_skip(core->cursor, offset), "skip");
    while (rows < limit && art_cursor_valid(core->cursor)) {
        struct art_bytes key = art_cursor_key(core->cursor);
        const struct art_row *row = art_cursor_row(core->cursor);
        digest_add(digest, key.data, key.len);
        digest_add(digest, row->stored.bytes.data, row->stored.bytes.len);
        if (++rows < limit) must(art_cursor_next(core->cursor), "next");
    }
    return rows;
}

static uint64_t level(void *store, struct art_bytes directory, uint64_t limit, bool by_query, uint64_t *digest) {
    struct core *core = store;
    uint64_t names = 0;
    (void)by_query;
    seek_prefix(core, directory, false);
    while (names < limit && art_cursor_valid(core->cursor)) {
        struct art_bytes key = art_cursor_key(core->cursor);
        const uint8_t *slash = memchr(key.data + directory.len, '/', key.len - directory.len);
        if (slash) key.len = (uint32_t)(slash + 1 - key.data);
        digest_add(digest, key.data, key.len);
        if (++names == limit) break;
        must(slash ? art_cursor_skip_prefix(core->cursor, key.len) : art_cursor_next(core->cursor), "next");
    }
    return names;
}

static bool any(void *store, struct art_bytes prefix) {
    struct core *core = store;
    seek_prefix(core, prefix, false);
    return art_cursor_valid(core->cursor);
}

static bool longest(void *store, struct art_bytes path, uint64_t *digest) {
    struct core *core = store;
    struct art_buffer found = {0};
    int rc = art_tree_longest_prefix(core->tree, path, art_bytes("/", 1), &found, NULL);
    if (rc != ART_NOTFOUND) {
        must(rc, "longest prefix");
        digest_add(digest, found.data, found.len);
    }
    art_buffer_clear(&found);
    return rc != ART_NOTFOUND;
}

static uint64_t count(void *store, struct art_bytes prefix, bool by_rows) {
    struct core *core = store;
    uint8_t high[PATH_ROOM];
    struct art_range range;
    uint64_t rows;
    (void)by_rows;
    art_range_of_prefix(prefix, high, &range);
    must(art_tree_count(core->tree, &range, &rows), "count");
    return rows;
}

static void quiesce(void *store) {
    (void)store;
}

static void settle(void *store) {
    struct core *core = store;
    must(art_tree_request(core->tree, ART_REQUEST_OPTIMIZE), "optimize");
    core_commit(core);
    for (int i = 0; i < 2; i++) {
        must(art_tree_request(core->tree, ART_REQUEST_VACUUM), "vacuum");
        core_commit(core);
    }
}

const struct engine engine_core = {
    .name = "core",
    .about = "the tree of art without SQLite; its log is not written",
    .lacks = ENGINE_NO_REOPEN | ENGINE_ONE_USER | ENGINE_NO_SYNC,
    .open = core_open,
    .close = core_close,
    .begin = core_begin,
    .commit = core_commit,
    ENGINE_TASKS,
    .settle = settle,
};
