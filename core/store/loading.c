/* Pages of a blob, read when somebody wants them and verified before anybody sees them.
 *
 *   a point   reads what is missing; and all of the blob that follows, too, where the device had to be asked and the
 *             file fits into this store's share of the cache: but for the first few pages of a blob, so that one
 *             question waits for one page, and many for all pages only about twice as long as if they had been read at
 *             once. Of postings it reads all where the device has to be asked
 *   a walk    reads what it wants together; how far it looks ahead it knows itself (art_window_widen())
 *
 * A page that the system's page cache has costs the same alone as with others, so it does not bring the rest of its
 * blob. Of rows nobody can tell where they come from but by the time that it took.
 *
 * Measured, cold: without the first four 100 point reads of two million rows take 5.7 times as long. With inline
 * tables, 100,000 point reads take 1.5 times as long if the rest never comes; if it comes by the number of pages alone,
 * 20,000 of a table that SQLite has at hand take 1.4 times as long.
 */
#include <assert.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/store/private.h"

enum {
    RANGES_MAX = ART_BLOB_PAGES / 2, /* ranges of missing pages */
};

/* ---- may it be there? --------------------------------------------------------------------------------------- */

enum art_rc art_store_check_ref(const struct art_ref *ref, const char *file) {
    if (ref->slot && ref->slot < ART_SLOTS_MAX && ref->footer_pages && ref->leaf_pages &&
        ref->footer_pages + ref->leaf_pages <= ART_BLOB_PAGES) {
        return ART_OK;
    }
    return art_corrupt(file, ref->slot, ART_NOWHERE, "a reference leads to no possible blob");
}

/* Other connections make the file longer. A blob's last page ends with its slot, so the file is never shorter than
 * that. */
static enum art_rc learn_size(struct art_store *store, uint32_t slot) {
    assert(store->location.checked && slot);
    uint64_t end = ((uint64_t)slot + 1) * ART_BLOB_SIZE;
    if (end <= store->location.file_bytes) return ART_OK;
    enum art_rc rc = store->location.io->methods->size(store->location.io, &store->location.file_bytes);
    if (rc || end <= store->location.file_bytes) return rc;
    return art_corrupt(store->location.path, slot, ART_NOWHERE,
                       "the blob lies behind the end of the file, which has %llu bytes",
                       (unsigned long long)store->location.file_bytes);
}

enum art_rc art_store_reaches(struct art_store *store, const struct art_ref *ref) {
    enum art_rc rc = art_store_usable(store);
    if (!rc) rc = art_store_check_ref(ref, store->location.path);
    if (!rc) rc = art_store_ready(store);
    if (!rc && art_store_is_pending(store, ref->slot)) rc = art_store_finish_writes(store);
    if (!rc) rc = learn_size(store, ref->slot);
    return rc;
}

enum art_rc art_store_slots(struct art_store *store, uint32_t *out) {
    enum art_rc rc = art_store_usable(store);
    if (!rc) rc = art_store_ready(store);
    if (!rc) rc = store->location.io->methods->size(store->location.io, &store->location.file_bytes);
    if (rc) return rc;
    uint64_t slots = store->location.file_bytes / ART_BLOB_SIZE + 1;
    *out = slots < store->phase.end ? store->phase.end : slots < ART_SLOTS_MAX ? (uint32_t)slots : ART_SLOTS_MAX;
    return ART_OK;
}

/* Each entry has three bytes at least: see core/blob/blob_format.h. */
enum art_rc art_store_could_have(struct art_store *store, uint64_t entries, bool *could) {
    enum { ENTRY_BYTES_LEAST = 3 };
    uint32_t slots;
    *could = entries <= store->location.file_bytes / ENTRY_BYTES_LEAST;
    if (*could) return ART_OK;
    enum art_rc rc = art_store_slots(store, &slots);
    *could = !rc && entries / (ART_BLOB_SIZE / ENTRY_BYTES_LEAST) <= slots;
    return rc;
}

struct art_cache_key art_store_key_of(const struct art_store *store, uint32_t slot) {
    assert(store->location.checked && slot);
    struct art_cache_key key = store->location.key;
    key.slot = slot;
    return key;
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

uint32_t art_store_request_pages(struct art_cached *cached, uint32_t first, uint32_t n,
                                 struct art_io_request *request) {
    assert(n && first + n <= ART_BLOB_PAGES);
    *request = (struct art_io_request){
        .data = art_cached_image(cached) + (size_t)first * ART_PAGE,
        .len = n * ART_PAGE,
        .offset = (uint64_t)cached->key.slot * ART_BLOB_SIZE + (uint64_t)first * ART_PAGE,
    };
    return art_cache_touch(cached, first, n);
}

enum art_rc art_store_read_requests(struct art_store *store, struct art_io_request *requests, unsigned count,
                                    enum art_read from) {
    assert(count && store->location.checked);
    enum art_rc rc = art_io_read_from(store->location.io, requests, count, from);
    for (unsigned i = 0; !rc && i < count; i++) store->count.pages_read += requests[i].len / ART_PAGE;
    return rc;
}

bool art_store_peek_requests(struct art_store *store, const struct art_io_request *requests, unsigned count) {
    assert(count && store->location.checked);
    for (unsigned i = 0; i < count; i++) {
        if (!art_io_peek(store->location.io, &requests[i])) return false;
        store->count.pages_read += requests[i].len / ART_PAGE;
    }
    return true;
}

/* Requests for a set of pages, which get their memory; *fresh: so many of them had none. Returns how many. */
static unsigned request_set(struct art_cached *cached, const struct art_pages *set, struct art_io_request *requests,
                            uint32_t *fresh) {
    unsigned count = 0;
    uint32_t page = art_pages_from(set, 0);
    *fresh = 0;
    while (page < ART_BLOB_PAGES) {
        uint32_t from = page;
        while (page < ART_BLOB_PAGES && art_pages_has(set, page)) page++;
        *fresh += art_store_request_pages(cached, from, page - from, &requests[count++]);
        page = art_pages_from(set, page);
    }
    return count;
}

unsigned art_store_request_whole(const struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                                 struct art_io_request *requests, struct art_pages *pages) {
    assert(cached->key.slot == ref->slot && !atomic_load(&cached->ready));
    uint32_t at_once = art_store_footer_at_once(store, ref), fresh;
    struct art_pages footer = art_pages_of(ART_BLOB_PAGES - at_once, at_once);
    *pages = art_pages_of(0, ref->leaf_pages);
    for (unsigned i = 0; i < 2; i++) pages->bits[i] |= footer.bits[i];
    return request_set(cached, pages, requests, &fresh);
}

/* ---- verifying --------------------------------------------------------------------------------------------------- */

/* The page cache may hold an older page than the device. So a page from there counts as damaged only if the device has
 * it so. */
static bool may_be_stale(const struct art_store *store, enum art_rc rc) {
    return rc == ART_CORRUPT && store->location.io->cached;
}

static enum art_rc read_from_device(struct art_store *store, struct art_cached *cached, uint32_t first, uint32_t n) {
    struct art_io_request request;
    art_store_request_pages(cached, first, n, &request);
    return art_store_read_requests(store, &request, 1, ART_READ_DEVICE);
}

enum art_rc art_store_open_image(struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                                 const struct art_pages *pages, enum art_read from) {
    assert(cached->key.slot == ref->slot && !atomic_load(&cached->ready));
    const uint8_t *image = art_cached_image(cached);
    struct art_io_request requests[RANGES_MAX];
    struct art_pages rest = art_blob_head_pages(image, ref->footer_pages), read = *pages;
    uint32_t fresh;
    for (unsigned i = 0; i < 2; i++) rest.bits[i] &= ~pages->bits[i];
    unsigned count = request_set(cached, &rest, requests, &fresh);
    enum art_rc rc = count ? art_store_read_requests(store, requests, count, from) : ART_OK;
    if (!rc) rc = art_blob_open_head(&cached->blob, image, ref, store->uuid, store->location.path);
    if (may_be_stale(store, rc)) {
        rc = read_from_device(store, cached, ART_BLOB_PAGES - ref->footer_pages, ref->footer_pages);
        if (!rc) rc = art_blob_open_head(&cached->blob, image, ref, store->uuid, store->location.path);
        read = art_pages_of(ART_BLOB_PAGES - ref->footer_pages, ref->footer_pages);
        for (unsigned i = 0; i < 2; i++) read.bits[i] |= pages->bits[i];
        store->count.stale += !rc;
    }
    if (rc) return rc;
    for (uint32_t page = 0; (page = art_pages_from(&read, page)) < ART_BLOB_PAGES; page++) {
        if (!art_page_present(&cached->blob, page)) art_blob_verify_page(&cached->blob, page);
    }
    assert(cached->blob.leaf_pages == ref->leaf_pages && cached->blob.slot == ref->slot);
    cached->blob.file = NULL; /* the entry outlives this store */
    atomic_store(&cached->ready, true);
    return ART_OK;
}

static enum art_rc verify_page(struct art_store *store, struct art_cached *cached, uint32_t page) {
    enum art_rc rc = art_blob_verify_page(&cached->blob, page);
    if (may_be_stale(store, rc)) {
        rc = read_from_device(store, cached, page, 1);
        if (!rc) rc = art_blob_verify_page(&cached->blob, page);
        store->count.stale += !rc;
    }
    return rc;
}

bool art_store_may_read_again(const struct art_store *store, enum art_rc rc) {
    return rc == ART_CORRUPT || !art_store_medium(store)->host_reads;
}

/* ---- leaf pages -------------------------------------------------------------------------------------------------- */

/* Does a reader that has come so often want the rest, too? */
static bool wants_rest(const struct art_store *store, const struct art_cached *cached) {
    assert(cached->waited <= ART_LIMIT(waited_for_rows));
    if (art_store_medium(store)->host_reads) return cached->waited >= ART_LIMIT(waited_for_rows);
    return art_blob_pages_present(&cached->blob) >= ART_LIMIT(single_pages);
}

/* What may be read with this page: the leaf pages behind it, or all postings; not with a page that they share. */
static struct art_pages rest_of(const struct art_cached *cached, uint32_t page) {
    const struct art_blob *blob = &cached->blob;
    uint32_t end = blob->leaf_pages, shared = blob->at.begin[ART_PART_POSTINGS + 1] & ~(uint32_t)(ART_BLOB_PAGE - 1);
    struct art_pages postings = art_pages_between(blob->at.begin[ART_PART_POSTINGS], shared);
    if (page < end) return art_pages_of(page, end - page);
    return art_pages_has(&postings, page) ? postings : art_pages_of(page, 1);
}

/* Of pages in rows, and notes whether the host had to wait for them. Under `loading`. */
static enum art_rc read_rows(struct art_store *store, struct art_cached *cached, struct art_io_request *requests,
                             unsigned count) {
    assert(art_store_medium(store)->host_reads && count);
    uint64_t begun = art_clock_ns(), pages = store->count.pages_read;
    enum art_rc rc = art_store_read_requests(store, requests, count, ART_READ_CACHED);
    pages = store->count.pages_read - pages;
    if (art_clock_ns() - begun > pages * ART_LIMIT(wait_ns) && cached->waited < ART_LIMIT(waited_for_rows))
        cached->waited++;
    return rc;
}

/* Those of the pages that nobody has read yet. */
static struct art_pages missing_of(const struct art_cached *cached, const struct art_pages *pages) {
    struct art_pages present = art_blob_present(&cached->blob);
    return (struct art_pages){{pages->bits[0] & ~present.bits[0], pages->bits[1] & ~present.bits[1]}};
}

/* Requests for a set of pages; their memory is charged. Returns how many. */
static unsigned request_charged(struct art_pinned *pinned, const struct art_pages *set,
                                struct art_io_request *requests) {
    uint32_t charged;
    unsigned count = request_set(pinned->cached, set, requests, &charged);
    pinned->pages += charged;
    if (art_store_has_pinned(pinned)) pinned->store->pinned_pages += charged;
    assert(count <= RANGES_MAX && pinned->pages <= pinned->blob.leaf_pages + pinned->blob.footer_pages);
    return count;
}

/* Reads what is missing of the pages, and verifies it; `alone`: nothing beside. A bad page stays absent: an error only
 * to a point that needs it. *rest: what follows was read, too. Under `loading`. */
static enum art_rc read_set(struct art_pinned *pinned, const struct art_pages *pages, enum art_intent intent,
                            bool alone, bool *rest) {
    struct art_store *store = pinned->store;
    struct art_cached *cached = pinned->cached;
    assert(atomic_load(&cached->ready));
    struct art_io_request requests[RANGES_MAX];
    struct art_pages set = missing_of(cached, pages);
    unsigned count = request_charged(pinned, &set, requests);
    *rest = false;
    if (!count) return ART_OK; /* somebody was faster */
    uint32_t needed = intent == ART_WALK ? 1 : art_pages_count(&set, ART_BLOB_PAGES);
    bool waits = art_store_medium(store)->host_reads;
    uint32_t first = art_pages_from(&set, 0);
    struct art_pages behind = rest_of(cached, first);
    bool fits = !alone && art_store_loads_whole(store), footer = !alone && first >= cached->blob.leaf_pages;
    bool looks = !waits && (fits || footer); /* whether it is at hand: a system call more */
    bool at_hand = looks && art_store_peek_requests(store, requests, count);
    *rest = !at_hand && intent == ART_POINT && ((looks && footer) || (fits && wants_rest(store, cached)));
    if (*rest) {
        for (unsigned i = 0; i < 2; i++) behind.bits[i] |= pages->bits[i];
        set = missing_of(cached, &behind);
        count = request_charged(pinned, &set, requests);
    }
    enum art_rc rc = ART_OK;
    if (!at_hand && waits) rc = read_rows(store, cached, requests, count);
    if (!at_hand && !waits) rc = art_store_read_requests(store, requests, count, ART_READ_CACHED);
    uint64_t *beside = intent == ART_WALK ? &store->count.pages_ahead : &store->count.pages_behind;
    if (!rc) *beside += art_pages_count(&set, ART_BLOB_PAGES) - needed;
    cached->blob.file = store->location.path;
    uint32_t page = art_pages_from(&set, 0);
    for (; !rc && page < ART_BLOB_PAGES; page = art_pages_from(&set, page + 1)) {
        enum art_rc verified = verify_page(store, cached, page);
        if (intent == ART_POINT && art_pages_has(pages, page)) rc = verified;
    }
    cached->blob.file = NULL;
    return rc;
}

enum art_rc art_store_want(struct art_blob *blob, const struct art_pages *pages, enum art_intent intent) {
    struct art_pinned *pinned = (struct art_pinned *)blob;
    struct art_cached *cached = pinned->cached;
    struct art_store *store = pinned->store;
    assert(cached && blob->slot == cached->key.slot);
    struct art_pages missing = missing_of(cached, pages);
    if (art_pages_count(&missing, ART_BLOB_PAGES)) {
        enum art_rc rc = art_store_usable(store);
        if (!rc) rc = art_store_ready(store);
        if (rc) return rc;
        bool rest;
        pthread_mutex_lock(&cached->loading);
        rc = read_set(pinned, pages, intent, store->reads_singly, &rest);
        bool again = rc && art_store_may_read_again(store, rc);
        if (again && rest) rc = read_set(pinned, pages, intent, true, &rest); /* for what nobody needs, perhaps */
        pthread_mutex_unlock(&cached->loading);
        if (rc && !(again && intent == ART_WALK)) return rc;
    }
    struct art_pages present = art_blob_present(&cached->blob);
    for (unsigned i = 0; i < 2; i++)
        atomic_fetch_or_explicit(&blob->present[i], pages->bits[i] & present.bits[i], memory_order_release);
    return ART_OK;
}
