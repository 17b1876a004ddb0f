/* A reference becomes a blob: pinned by this store, its head verified. Its other pages come by themselves when somebody
 * wants them (loading.c). */
#include <stddef.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/blob/blob_format.h"
#include "core/store/private.h"

/* ---- what the store knows of a blob ------------------------------------------------------------------------------ */

/* All but what is there stays as it is once the entry is ready; and but for the file, which who reads pages of it sets
 * meanwhile. */
static void copy_blob(struct art_blob *to, struct art_blob *from) {
    enum { BEFORE = offsetof(struct art_blob, file), BEHIND = offsetof(struct art_blob, want) };
    _Static_assert(offsetof(struct art_blob, present) - BEFORE <= sizeof(uint64_t), "the file alone lies in between");
    _Static_assert(BEHIND - offsetof(struct art_blob, parts_there) <= sizeof to->want, "nothing else lies in between");
    memcpy(to, from, BEFORE);
    memcpy((uint8_t *)to + BEHIND, (const uint8_t *)from + BEHIND, sizeof *to - BEHIND);
    atomic_init(&to->parts_there, atomic_load_explicit(&from->parts_there, memory_order_acquire));
    for (unsigned i = 0; i < 2; i++) {
        atomic_init(&to->present[i], atomic_load_explicit(&from->present[i], memory_order_acquire));
    }
}

/* A pinned blob with one reference; takes over the one to `cached`. */
static enum art_rc new_pinned(struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                              struct art_pinned **out) {
    struct art_pinned *pinned = art_alloc_zeroed(sizeof *pinned);
    if (!pinned) return art_nomem();
    assert(atomic_load(&cached->ready) && cached->key.slot == ref->slot);
    copy_blob(&pinned->blob, &cached->blob);
    /* The entry was made ready by another reference: where this one differs, it is the one that is wrong, and that is
     * said as of any blob. */
    enum art_rc rc = ART_OK;
    if (!art_blob_is_as_said(&pinned->blob, ref))
        rc = art_blob_open_head(&pinned->blob, art_cached_image(cached), ref, store->uuid, store->location.path);
    if (rc) {
        art_free(pinned);
        return rc;
    }
    pinned->blob.file = store->location.path;
    pinned->blob.want = art_store_want;
    pinned->blob.owner = pinned;
    pinned->blob.separators_searched = &store->count.separators;
    atomic_init(&pinned->references, 1);
    pinned->store = store;
    pinned->cached = cached;
    struct art_pages present = art_blob_present(&pinned->blob);
    pinned->pages = art_pages_count(&present, ART_BLOB_PAGES);
    atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
    *out = pinned;
    assert(pinned->blob.slot == ref->slot && pinned->pages <= ART_BLOB_PAGES);
    return ART_OK;
}

/* The blob that `ref` leads to, if the store has pinned it. */
static inline struct art_pinned *find_pinned(const struct art_store *store, const struct art_ref *ref) {
    const struct art_pin *at = art_store_find_pin(store, ref->slot);
    bool same = at->pinned && art_hash128_equal(at->hash, ref->hash) && art_blob_is_as_said(&at->pinned->blob, ref);
    return same && store->fork_generation == art_fork_now() ? at->pinned : NULL;
}

const struct art_blob *art_store_peek(const struct art_store *store, const struct art_ref *ref) {
    const struct art_pinned *pinned = find_pinned(store, ref);
    return pinned ? &pinned->blob : NULL;
}

/* ---- asking for one ---------------------------------------------------------------------------------------------- */

/* Reads a blob's head. What the system's page cache has is read alone: of a small footer, and of an index blob's, all,
 * else the last page, which says where the rest lies. Under `loading`. */
static enum art_rc read_head(struct art_store *store, struct art_cached *cached, const struct art_ref *ref) {
    enum { SMALL_FOOTER = 2 };
    assert(!atomic_load(&cached->ready));
    uint32_t n = ref->height || ref->footer_pages <= SMALL_FOOTER ? ref->footer_pages : 1;
    struct art_pages pages = art_pages_of(ART_BLOB_PAGES - n, n);
    struct art_io_request request;
    if (!art_store_medium(store)->host_reads) {
        art_store_request_pages(cached, ART_BLOB_PAGES - n, n, &request);
        if (art_store_peek_requests(store, &request, 1))
            return art_store_open_image(store, cached, ref, &pages, ART_READ_CACHED);
    }
    n = art_store_footer_at_once(store, ref);
    pages = art_pages_of(ART_BLOB_PAGES - n, n);
    art_store_request_pages(cached, ART_BLOB_PAGES - n, n, &request);
    enum art_rc rc = art_store_read_requests(store, &request, 1, ART_READ_CACHED);
    return rc ? rc : art_store_open_image(store, cached, ref, &pages, ART_READ_CACHED);
}

/* The way of a point read: what this store has pinned, else what is on its way to a walk, else what the process's cache
 * has, else the device. */
enum art_rc art_store_blob(struct art_store *store, const struct art_ref *ref, struct art_blob **out) {
    struct art_pinned *pinned = find_pinned(store, ref);
    if (pinned) { /* no lock, no call to the system */
        store->count.hits++;
        *out = &pinned->blob;
        return ART_OK;
    }
    enum art_rc rc = art_store_reaches(store, ref); /* opens the file, and waits for what is being written there */
    if (rc) return rc;
    art_store_drop_pin(store, ref->slot); /* of what was in the slot before */

    struct art_cached *cached;
    rc = art_store_readahead_take(store, ref, &cached);
    if (rc && art_store_may_read_again(store, rc)) rc = ART_OK;
    if (!rc && !cached) {
        struct art_cache_key key = art_store_key_of(store, ref->slot);
        rc = art_cache_acquire(&key, ref->hash, false, &cached);
    }
    if (rc) return rc;

    if (atomic_load_explicit(&cached->ready, memory_order_acquire)) {
        store->count.hits++;
    } else {
        store->count.misses++;
        pthread_mutex_lock(&cached->loading);
        if (!atomic_load(&cached->ready)) rc = read_head(store, cached, ref); /* unless somebody was faster */
        pthread_mutex_unlock(&cached->loading);
    }
    if (!rc) rc = new_pinned(store, cached, ref, &pinned);
    if (rc) {
        art_cache_release(cached);
        return rc;
    }
    rc = art_store_pin(store, pinned, ref->hash);
    if (rc) {
        art_pinned_release(pinned);
        return rc;
    }
    assert(art_store_has_pinned(pinned) && atomic_load(&cached->ready));
    *out = &pinned->blob;
    return ART_OK;
}
