/* Single pages for searches, past a cache that is full.
 *
 *   search --art_store_bypass()--> [4 KB] [4 KB] ...     ART_BYPASSES buffers, filled in turn; a row may keep one
 *
 * Where more is searched here and there than fits into the cache, a page that comes in pushes out another one that was
 * as likely to be wanted, and the exchange takes longer than the read: memory goes back to the system and comes again,
 * zeroed, and footers are looked up anew. So a page that the system's page cache has is read into a buffer that stays
 * where it is. One in so many enters the cache all the same, which so comes to have what is asked for most. A page
 * for which the device must be asked always does: that takes longer than any exchange. Without all this point reads in
 * a million rows take 1.4 to 1.7 times as long with a cache of 4 MB.
 */
#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/store/private.h"

/* ---- choosing a buffer ------------------------------------------------------------------------------------------- */

/* The blob was just asked for, so its pin has the hash. */
static struct art_hash128 pinned_hash(const struct art_store *store, const struct art_blob *blob) {
    assert(art_store_has_pinned((const struct art_pinned *)blob));
    return art_store_find_pin(store, blob->slot)->hash;
}

static struct art_bypass *find_bypass(const struct art_store *store, const struct art_blob *blob, uint32_t page) {
    for (unsigned i = 0; i < ART_BYPASSES; i++) {
        struct art_bypass *bypass = store->bypass[i];
        if (bypass && bypass->filled && bypass->page == page && bypass->pinned.blob.slot == blob->slot &&
            art_hash128_equal(bypass->hash, pinned_hash(store, blob))) {
            return bypass;
        }
    }
    return NULL;
}

static struct art_bypass *new_bypass(struct art_store *store) {
    struct art_bypass *bypass = art_alloc_aligned(sizeof *bypass, ART_PAGE);
    if (!bypass) return NULL;
    memset(bypass->bytes + ART_PAGE, 0, sizeof *bypass - ART_PAGE);
    atomic_init(&bypass->pinned.references, 1);
    assert((uintptr_t)bypass->bytes % ART_PAGE == 0);
    bypass->pinned.store = store;
    atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
    return bypass;
}

/* The next in turn; one that a row keeps is left to the row. NULL: no memory. */
static struct art_bypass *next_bypass(struct art_store *store) {
    struct art_bypass **at = &store->bypass[store->bypass_turn++ % ART_BYPASSES];
    if (*at && atomic_load_explicit(&(*at)->pinned.references, memory_order_acquire) == 1) return *at;
    if (*at) art_pinned_release(&(*at)->pinned);
    return *at = new_bypass(store);
}

/* ---- filling it -------------------------------------------------------------------------------------------------- */

/* ART_NOTFOUND: the system does not have the page; ART_CORRUPT: not as it ought to be. Then the load says what
 * is wrong. */
static enum art_rc fill_bypass(struct art_store *store, struct art_bypass *bypass, const struct art_blob *blob,
                               uint32_t page) {
    assert(page < blob->leaf_pages && atomic_load(&bypass->pinned.references) == 1);
    struct art_io_request request = {
        .data = bypass->bytes,
        .len = ART_PAGE,
        .offset = (uint64_t)blob->slot * ART_BLOB_SIZE + (uint64_t)page * ART_PAGE,
    };
    enum art_rc rc = ART_OK;
    bypass->filled = false;
    if (art_store_medium(store)->host_reads) {
        rc = art_io_read_from(store->location.io, &request, 1, ART_READ_CACHED);
    } else if (!art_io_peek(store->location.io, &request)) {
        rc = ART_NOTFOUND;
    }
    if (!rc) rc = art_blob_verify_bytes(blob, page, bypass->bytes);
    if (rc) return rc;
    store->count.pages_read++;
    bypass->pinned.blob.slot = blob->slot;
    bypass->page = page;
    bypass->hash = pinned_hash(store, blob);
    bypass->filled = true;
    return ART_OK;
}

static enum art_rc read_past(struct art_store *store, const struct art_blob *blob, uint32_t page,
                             struct art_bypass **out) {
    assert(page < blob->leaf_pages);
    if (++store->bypass_wanted % ART_LIMIT(admit_one_in) == 0) return ART_NOTFOUND;
    enum art_rc rc = art_store_usable(store);
    if (!rc) rc = art_store_ready(store);
    if (rc) return rc;
    *out = next_bypass(store);
    return *out ? fill_bypass(store, *out, blob, page) : ART_NOTFOUND;
}

enum art_rc art_store_bypass(struct art_store *store, const struct art_blob *blob, uint32_t page, const uint8_t **bytes,
                             struct art_blob **holder) {
    const struct art_cached *cached = ((const struct art_pinned *)blob)->cached;
    assert(cached && atomic_load(&cached->ready));
    *bytes = NULL;
    if (page >= blob->leaf_pages || art_page_present(&cached->blob, page)) return ART_OK;
    struct art_bypass *bypass = find_bypass(store, blob, page);
    enum art_rc rc = bypass ? ART_OK : read_past(store, blob, page, &bypass);
    if (rc == ART_NOTFOUND || rc == ART_CORRUPT) return ART_OK;
    if (rc) return rc;
    assert(bypass->filled && bypass->page == page);
    store->count.bypassed++;
    *bytes = bypass->bytes;
    *holder = &bypass->pinned.blob;
    return ART_OK;
}
