/* A store's life, its settings and its figures. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/store/private.h"

enum art_rc art_store_open(struct art_store **out, const struct art_store_options *options) {
    *out = NULL;
    enum art_rc rc = art_fork_watch();
    if (rc) return rc;
    struct art_store *store = art_alloc_zeroed(sizeof *store);
    if (!store) return art_nomem();
    atomic_init(&store->references, 1);
    art_store_forget_pins(store);
    struct art_store_location at = {options->path, options->host_path, options->rows, options->rows_id};
    rc = art_location_copy(&store->location, &at);
    if (rc) {
        art_store_unref(store);
        return rc;
    }
    store->fork_generation = art_fork_now();
    store->disk = options->disk ? options->disk : art_disk_default();
    memcpy(store->uuid, options->uuid, sizeof store->uuid);
    store->engine = options->engine;
    store->direct = options->direct;
    store->read_only = options->read_only;
    store->reads_singly = options->reads_singly;
    store->for_another = options->for_another;
    store->onto = options->onto;
    store->cache_setting = options->cache_bytes;
    store->pressure_seen = atomic_load(&art_cache_pressure);
    store->cache_bytes = art_cache_join(store->cache_setting);
    *out = store;
    assert(!store->location.io && !store->phase.active);
    return ART_OK;
}

/* In a forked child: only memory of our own is freed. The cache's entries, the lock and the ring are the parent's. */
void art_store_close(struct art_store *store) {
    if (!store) return;
    bool forked = art_store_forked(store);
    if (!forked) art_store_write_end(store);
    art_store_drop_pending(store);
    art_store_drop_pins(store);
    art_store_drop_bypasses(store);
    art_store_close_file(store);
    art_write_pool_give_back(&store->phase.pool);
    art_slot_set_clear(&store->phase.returned);
    if (!forked) art_cache_leave(store->cache_setting);
    store->closed = true;
    assert(!store->location.io && !store->pinned && !store->readahead_count && !store->phase.pending_count);
    art_store_unref(store);
}

/* Of a file that is not open. */
static enum art_rc look_by_name(struct art_store *store, struct art_file_identity *out) {
    assert(!store->location.io);
    if (!store->location.medium->has_superblock) return ART_MISSING;
    return store->disk->methods->stat(store->disk, store->location.path, out);
}

bool art_store_exists(struct art_store *store) {
    struct art_file_identity identity;
    return store->location.io || !look_by_name(store, &identity);
}

const char *art_store_path(const struct art_store *store) {
    return store->location.path;
}

const struct art_medium *art_store_medium(const struct art_store *store) {
    return store->location.medium;
}

bool art_store_poisoned(const struct art_store *store) {
    return store->poisoned;
}

void art_store_set_cache(struct art_store *store, uint64_t bytes) {
    if (!art_store_forked(store)) store->cache_bytes = art_cache_resize(store->cache_setting, bytes);
    store->cache_setting = bytes;
}

/* Also one that pins more than its own share lets go: idle connections would keep the cache from those that
 * work. A walk lets go in time for what is on its way. */
void art_store_relax(struct art_store *store) {
    uint64_t pressure = atomic_load_explicit(&art_cache_pressure, memory_order_relaxed);
    uint64_t share = art_cache_part(store->cache_setting) / ART_PAGE;
    if (store->readahead_count) share -= share / 4;
    if (pressure == store->pressure_seen && store->pinned_pages <= share) return;
    if (art_store_forked(store)) return;
    art_store_drop_pins(store);
    store->pressure_seen = pressure;
    art_cache_trim();
}

void art_store_trim(struct art_store *store) {
    if (art_store_forked(store) || store->phase.active) return;
    art_store_drop_pins(store);
    art_store_drop_bypasses(store);
    art_store_forget_pins(store);
    assert(!store->phase.pending_count);
    art_free(store->phase.pending);
    store->phase.pending = NULL;
    if (store->readahead_count) return;
    art_free(store->readahead);
    store->readahead = NULL;
}

void art_store_leave_cache(struct art_store *store) {
    if (art_store_forked(store) || !store->location.checked) return;
    art_store_drop_pins(store);
    art_cache_forget(&store->location.key);
}

bool art_store_fits(const struct art_store *store) {
    return store->location.file_bytes <= store->cache_bytes;
}

enum art_rc art_store_stats(struct art_store *store, struct art_store_stats *out) {
    enum art_rc rc = art_store_usable(store);
    if (rc) return rc;
    struct art_cache_stats cache;
    art_cache_stats(&cache);
    const char *engine = store->phase.active ? NULL : store->location.wrote_by;
    if (!engine) engine = store->location.io ? store->location.io->engine : "none";
    *out = (struct art_store_stats){
        .engine = engine,
        .direct = store->location.io && store->location.io->direct,
        .cached = store->location.io && store->location.io->cached,
        .cache_bytes = cache.bytes,
        .cache_limit = cache.limit,
        .count = store->count,
    };
    out->count.footers_kept = cache.footers_kept;
    out->count.spares = cache.spares;
    out->count.large = cache.large;
    const struct art_io *open[] = {store->location.io, store->location.reader};
    for (unsigned i = 0; i < 2; i++) {
        if (!open[i]) continue;
        out->count.ring_failures += open[i]->ring_failures;
        out->count.ring_stalls += open[i]->ring_stalls;
        out->count.ring_batches += open[i]->ring_batches;
    }
    if (store->location.io) return store->location.io->methods->size(store->location.io, &out->file_bytes);
    struct art_file_identity identity;
    rc = look_by_name(store, &identity);
    if (!rc) out->file_bytes = identity.size;
    return rc == ART_MISSING ? ART_OK : rc;
}
