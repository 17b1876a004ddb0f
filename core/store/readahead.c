/* Whole blobs on their way before they are asked for, so that the device works while rows are walked.
 *
 *   walk --readahead_start()--> [ cached | reading ]  x ART_READAHEAD_MAX   an entry of its own; the read is under way
 *                                   |                                       where the engine can (a ring), else done
 *   walk --blob()-------------> readahead_take(): wait, verify, publish     when it is taken
 *
 * Who walks while it writes merges: what it reads is about to be superseded. So that comes from the device past the
 * system's page cache, if it is not there, and pushes nothing out of it; other walks may come again, and read through
 * it.
 *
 * No lock is held in between: a walk may stand still for an hour. All that is on its way together takes at most a
 * quarter of the store's share of the cache, and the part of one walk is about half of that, since several runs are
 * walked side by side.
 */
#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/store/private.h"

static struct art_readahead *find_readahead(struct art_store *store, const struct art_ref *ref) {
    for (unsigned i = 0; store->readahead_count && i < ART_READAHEAD_MAX; i++) {
        struct art_readahead *at = &store->readahead[i];
        if (at->cached && at->ref.slot == ref->slot && art_hash128_equal(at->ref.hash, ref->hash)) return at;
    }
    return NULL;
}

static struct art_readahead *free_entry(struct art_store *store) {
    if (!store->readahead) store->readahead = art_alloc_zeroed(ART_READAHEAD_MAX * sizeof *store->readahead);
    if (!store->readahead) return NULL;
    for (unsigned i = 0; i < ART_READAHEAD_MAX; i++) {
        if (!store->readahead[i].cached) return &store->readahead[i];
    }
    return NULL;
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static uint32_t pages_of(const struct art_store *store, const struct art_ref *ref) {
    return ref->leaf_pages + art_store_footer_at_once(store, ref);
}

static bool may_start(const struct art_store *store, const void *walk, const struct art_ref *ref) {
    assert(store->readahead);
    uint64_t most = store->cache_bytes / ART_PAGE / 4, all = 0, own = 0;
    unsigned entries = 0;
    for (unsigned i = 0; i < ART_READAHEAD_MAX; i++) {
        const struct art_readahead *at = &store->readahead[i];
        if (!at->cached) continue;
        all += pages_of(store, &at->ref);
        own += at->walk == walk ? pages_of(store, &at->ref) : 0;
        entries += at->walk == walk;
    }
    return all + pages_of(store, ref) <= most && own < most / 2 && entries < ART_READAHEAD_MAX / 2;
}

static bool is_pinned_whole(const struct art_store *store, const struct art_ref *ref) {
    const struct art_pin *at = art_store_find_pin(store, ref->slot);
    return at->pinned && art_hash128_equal(at->hash, ref->hash) &&
           art_blob_pages_present(&at->pinned->blob) == at->pinned->blob.leaf_pages;
}

/* Does the page cache have the blob, as far as its last page tells? */
static bool is_at_hand(struct art_store *store, const struct art_ref *ref, struct art_cached *cached) {
    assert(cached->key.slot == ref->slot);
    struct art_io_request request = {
        .data = art_cached_image(cached) + (size_t)(ART_BLOB_PAGES - 1) * ART_PAGE,
        .len = ART_PAGE,
        .offset = ((uint64_t)ref->slot + 1) * ART_BLOB_SIZE - ART_PAGE,
    };
    return art_io_peek(store->location.io, &request);
}

/* False: no more for now. What is being written, or cannot be there, is left to the read that asks for it. */
static bool start_readahead(struct art_store *store, const void *walk, const struct art_ref *ref) {
    struct art_readahead *at = free_entry(store);
    bool complete = art_store_is_pending(store, ref->slot) || find_readahead(store, ref) || is_pinned_whole(store, ref);
    if (complete) return true;
    if (!at || !may_start(store, walk, ref) || art_store_reaches(store, ref)) return false;
    art_store_drop_pin(store, ref->slot); /* of a part: the whole is what the walk shall find */
    struct art_cache_key key = art_store_key_of(store, ref->slot);
    struct art_cached *cached = art_cache_prepare(&key, ref->hash, art_ref_is_large(ref), &complete);
    if (!cached) return complete;
    assert(!at->cached && store->readahead_count < ART_READAHEAD_MAX);
    *at = (struct art_readahead){.cached = cached, .walk = walk, .ref = *ref};
    art_ref_leave(&at->ref);
    at->reading.count = art_store_request_whole(store, cached, ref, at->reading.requests, &at->pages);
    assert(at->reading.count && at->reading.count <= ART_READING_MAX);
    bool merges = store->phase.active && store->location.io->cached; /* or, seldom, walks where something has spilled */
    at->reading.from = merges && !is_at_hand(store, ref, cached) ? ART_READ_DEVICE : ART_READ_CACHED;
    art_io_read_start(store->location.io, &at->reading);
    store->readahead_count++;
    return true;
}

unsigned art_store_readahead_start(struct art_store *store, const void *walk, const struct art_ref *refs,
                                   unsigned count) {
    assert(walk);
    unsigned done = 0;
    if (store->reads_singly || art_store_usable(store)) return 0;
    while (done < count && start_readahead(store, walk, &refs[done])) done++;
    return done;
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

enum art_rc art_store_readahead_take(struct art_store *store, const struct art_ref *ref, struct art_cached **out) {
    struct art_readahead *at = find_readahead(store, ref);
    *out = NULL;
    if (!at) return ART_OK;
    struct art_cached *cached = at->cached;
    assert(store->readahead_count && cached->references == 1);
    enum art_rc rc = art_io_read_finish(store->location.io, &at->reading);
    if (!rc) store->count.pages_read += art_pages_count(&at->pages, ART_BLOB_PAGES);
    if (!rc) rc = art_store_open_image(store, cached, ref, &at->pages, at->reading.from);
    at->cached = NULL;
    store->readahead_count--;
    if (rc) {
        art_cache_release(cached);
        return rc;
    }
    store->count.blobs_ahead += art_io_read_came(&at->reading);
    *out = art_cache_publish(cached);
    return ART_OK;
}
