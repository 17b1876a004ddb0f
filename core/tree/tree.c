/* Opening and closing a tree, its limits, and who may call when. */
#include "core/tree/private.h"

#include <unistd.h>

uint32_t art_tree_blob_pages;

int art_tree_open(struct art_tree **out, const struct art_tree_options *options, const struct art_host *host) {
    struct art_tree *tree = art_alloc_zeroed(sizeof *tree);
    if (!tree) return art_nomem();
    tree->options = *options;
    tree->options.path = tree->options.host_path = NULL;
    if (!tree->options.blob_pages) tree->options.blob_pages = art_tree_blob_pages;
    tree->host = *host;
    tree->unknown = true;
    tree->key = art_alloc(ART_KEY_BUFFER);
    tree->second_key = art_alloc(ART_KEY_BUFFER);
    tree->root = art_root_new(options->uuid);
    int rc = tree->key && tree->second_key && tree->root ? ART_OK : art_nomem();
    if (!rc) rc = art_delta_open(&tree->delta);
    struct art_tree_place place = {options->inlined, options->path, options->host_path};
    if (!rc) rc = art_place_copy(&tree->options, &place);
    if (!rc) {
        struct art_store_place at = art_place_of(tree, &place);
        struct art_store_options store = {.disk = options->disk,
                                          .path = at.path,
                                          .host_path = at.host_path,
                                          .rows = at.rows,
                                          .rows_id = at.rows_id,
                                          .engine = options->engine,
                                          .direct = options->direct,
                                          .read_only = options->read_only,
                                          .cache_bytes = options->cache_bytes};
        memcpy(store.uuid, options->uuid, sizeof store.uuid);
        rc = art_store_open(&tree->store, &store);
    }
    if (rc) {
        art_tree_close(tree);
        return rc;
    }
    *out = tree;
    return ART_OK;
}

void art_tree_close(struct art_tree *tree) {
    if (!tree) return;
    art_rows_catch_up(tree);
    if (tree->store) art_tree_rolled_back(tree);
    art_cursors_free(tree);
    art_root_unref(tree->root);
    art_delta_unref(tree->delta);
    art_slot_set_clear(&tree->slots.used);
    art_slot_set_clear(&tree->slots.base);
    art_slot_set_clear(&tree->slots.free);
    art_slot_set_clear(&tree->slots.young.slots);
    art_delta_unref(tree->pending.empty);
    for (unsigned i = 0; i < ART_LEVELS_MAX; i++) art_buffer_clear(&tree->sweep[i]);
    art_buffer_clear(&tree->pending.redo);
    art_buffer_clear(&tree->pending.root);
    art_buffer_clear(&tree->pending.young_bytes);
    art_free(tree->txn.marks);
    art_store_close(tree->store);
    art_free(tree->key);
    art_free(tree->second_key);
    art_gap_clear(&tree->gap);
    art_free((void *)tree->options.path);
    art_free((void *)tree->options.host_path);
    art_free(tree);
}

void art_tree_set_limits(struct art_tree *tree, uint64_t cache_bytes, uint64_t log_limit, uint64_t spill_limit) {
    tree->options.cache_bytes = cache_bytes;
    art_store_set_cache(tree->store, cache_bytes);
    tree->options.log_limit = log_limit;
    tree->options.spill_limit = spill_limit;
}

bool art_tree_unknown(const struct art_tree *tree) {
    return tree->unknown || tree->rows.rolled_back;
}

bool art_tree_poisoned(const struct art_tree *tree) {
    return art_store_poisoned(tree->store);
}

void art_tree_forget(struct art_tree *tree) {
    tree->unknown = true;
    tree->changes++;
}

uint64_t art_tree_csn(const struct art_tree *tree) {
    return tree->csn;
}

bool art_tree_has_runs(const struct art_tree *tree) {
    return tree->root->runs > 0;
}

uint64_t art_tree_generation(const struct art_tree *tree) {
    return tree->root->generation;
}

bool art_tree_dirty(const struct art_tree *tree) {
    return tree->txn.dirty && !tree->rows.rolled_back;
}

int art_file_identify(const char *path, const char *host_path, uint8_t uuid[ART_UUID_BYTES], bool *ours) {
    return art_store_identify(NULL, path, host_path, uuid, ours);
}

bool art_file_exists(const char *path) {
    struct art_disk *disk = art_disk_default();
    struct art_file_identity identity;
    return disk->methods->stat(disk, path, &identity) != ART_MISSING;
}

int art_file_make(const char *path, const char *like) {
    struct art_disk *disk = art_disk_default();
    struct art_file_identity other = {0};
    struct art_io *io;
    int rc = disk->methods->stat(disk, like, &other);
    if (rc == ART_MISSING) other = (struct art_file_identity){.owner = geteuid(), .group = getegid()};
    if (rc && rc != ART_MISSING) return rc;
    struct art_file_options options = {.path = path,
                                       .engine = ART_ENGINE_PWRITE,
                                       .direct = ART_DIRECT_OFF,
                                       .create = true,
                                       .permissions = other.permissions | 0600,
                                       .owner = other.owner,
                                       .group = other.group};
    rc = disk->methods->open(disk, &options, &io);
    if (!rc) art_io_close(io);
    return rc;
}

int art_file_remove(const char *path) {
    struct art_disk *disk = art_disk_default();
    return disk->methods->remove(disk, path);
}

int art_file_sync_folder(const char *path) {
    struct art_disk *disk = art_disk_default();
    return disk->methods->sync_directory(disk, path);
}

int art_folder_list(const char *folder, int (*visit)(void *context, const char *name), void *context) {
    struct art_disk *disk = art_disk_default();
    return disk->methods->list(disk, folder, visit, context);
}

int art_row_key(uint8_t *buffer, struct art_bytes path, struct art_bytes *out) {
    if (path.len > ART_PATH_MAX) {
        return art_fail(ART_TOOBIG, "art: path of %u bytes is over the limit of %d: store a shorter path", path.len,
                        ART_PATH_MAX);
    }
    buffer[0] = ART_SPACE_ROWS;
    if (path.len) memcpy(buffer + 1, path.data, path.len);
    memset(buffer + 1 + path.len, 0, ART_KEY_PADDING);
    *out = art_bytes(buffer, path.len + 1);
    return ART_OK;
}

int art_tree_ready(struct art_tree *tree) {
    if (__builtin_expect(art_store_forked(tree->store), 0)) {
        return art_fail(ART_FORKED, "art: this connection was opened before fork(): open one of your own in the child");
    }
    if (__builtin_expect(tree->txn.doomed, 0)) {
        art_rows_catch_up(tree);
        if (tree->txn.doomed)
            return art_fail(tree->txn.doomed, "art: an earlier failure left this transaction unusable: ROLLBACK it");
    }
    if (__builtin_expect(tree->unknown, 0)) {
        return art_fail(ART_MISUSE, "art: the tree was used before it was brought up to date (bug)");
    }
    if (__builtin_expect(tree->root->runs && !tree->file_ready, 0)) { /* also for a key that no blob need be read for */
        int rc = art_store_ready(tree->store);
        if (rc) return rc;
        tree->file_ready = true;
    }
    art_store_relax(tree->store);
    return ART_OK;
}

int art_tree_interrupted(struct art_tree *tree) {
    if (!tree->host.interrupted || !tree->host.interrupted(tree->host.context)) return ART_OK;
    return art_fail(ART_INTERRUPT, "art: interrupted");
}

/* Much of the arena may be garbage after rollbacks; the beginning of a transaction is a good time to copy what is
 * left. */
static void tidy_delta(struct art_tree *tree) {
    size_t garbage = art_delta_garbage(tree->delta);
    if (garbage < (1u << 20) || garbage < art_delta_memory(tree->delta) / 2) return;
    struct art_delta *copy;
    if (art_delta_compact(tree->delta, &copy)) return; /* out of memory: it can wait */
    art_delta_unref(tree->delta);
    tree->delta = copy;
    art_tree_changed(tree, true);
}

int art_tree_begin(struct art_tree *tree) {
    int rc = art_tree_ready(tree);
    if (rc || tree->txn.active) return rc;
    if (tree->options.read_only) return art_fail(ART_READONLY, "art: the database is read-only: open it for writing");
    rc = art_store_may_write(tree->store);
    if (rc) return rc;
    tidy_delta(tree);
    art_delta_forget_undo(tree->delta);
    tree->txn.active = true;
    tree->txn.csn = tree->csn + 1;
    tree->txn.pieces = 0;
    tree->txn.base = art_root_ref(tree->root);
    return ART_OK;
}
