/* Footers of neighbours, for searches.
 *
 * A blob's first search reads its footer, and then a page: two reads, one after the other. Who searches here and there
 * comes to all footers in the end, and they are small (one to three pages of a blob's 128). So a footer that is not
 * there is read together with those of its neighbours, which is a third of the time for each: after some that were read
 * alone, for many only ask a few questions, twice as many with each that was missing. Only as long as the cache has
 * room, and if all footers fit into half of it: what nobody has asked for pushes nothing out.
 */
#include "core/base/error.h"
#include "core/store/private.h"

enum { FOOTERS_ALONE = 8, FOOTERS_MAX = 32 };

struct footer {
    struct art_cached *cached;
    const struct art_ref *ref;
};

/* Adds the footer to the batch, its entry's `loading` locked. False: nothing to do, or somebody is at it. */
static bool plan(struct art_store *store, const struct art_ref *ref, struct footer *out,
                 struct art_io_request *request) {
    if (art_store_peek(store, ref) || art_store_is_pending(store, ref->slot) || art_store_reaches(store, ref))
        return false;
    struct art_cache_key key = art_store_key_of(store, ref->slot);
    *out = (struct footer){.ref = ref};
    if (art_cache_acquire(&key, ref->hash, false, &out->cached)) return false;
    if (!pthread_mutex_trylock(&out->cached->loading)) {
        if (!atomic_load(&out->cached->ready)) {
            art_store_request_footer(out->cached, ref, request);
            return true;
        }
        pthread_mutex_unlock(&out->cached->loading);
    }
    art_cache_release(out->cached);
    return false;
}

static void read_footers(struct art_store *store, const struct art_ref *refs, uint32_t count) {
    struct footer footers[FOOTERS_MAX];
    struct art_io_request requests[FOOTERS_MAX];
    unsigned n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (plan(store, &refs[i], &footers[n], &requests[n])) n++;
    }
    enum art_rc rc = n ? art_io_read_from(store->place.io, requests, n, ART_READ_CACHED) : ART_OK;
    for (unsigned i = 0; i < n; i++) {
        if (!rc) store->pages_read += footers[i].ref->footer_pages;
        if (!rc) art_store_open_image(store, footers[i].cached, footers[i].ref, false);
        pthread_mutex_unlock(&footers[i].cached->loading);
        art_cache_release(footers[i].cached);
    }
}

/* How many footers to read where that of `ref` is missing; 0: it is not missing. */
static uint32_t wanted_pages(struct art_store *store, const struct art_ref *ref) {
    if (art_store_usable(store) || art_store_reaches(store, ref)) return 0;
    struct art_cache_key key = art_store_key_of(store, ref->slot);
    if (art_cache_has(&key, ref->hash)) return 0;
    uint32_t missed = store->footers_missed++, n = 1;
    if (store->at_hand && art_store_loads_whole(store)) return 1;
    if (store->place.file_bytes / ART_BLOB_SIZE * ref->footer_pages * ART_PAGE > store->cache_bytes / 2) return 1;
    for (uint32_t i = FOOTERS_ALONE; i < missed && n < FOOTERS_MAX; i++) n *= 2;
    while (n > 1 && !(art_cache_room((uint64_t)n * ref->footer_pages) && art_cache_room_for_blobs(n))) n /= 2;
    return n;
}

static void __attribute__((noinline))
read_around(struct art_store *store, struct art_blob *parent, struct art_bytes key, const struct art_ref *ref) {
    struct art_ref refs[FOOTERS_MAX];
    uint32_t n = wanted_pages(store, ref);
    if (n > 1) n = art_blob_children(parent, key, refs, n);
    if (n > 1) read_footers(store, refs, n);
}

void art_store_footers_around(struct art_store *store, struct art_blob *parent, struct art_bytes key,
                              const struct art_ref *ref) {
    if (!store->place.rows && !art_store_peek(store, ref)) read_around(store, parent, key, ref);
}
