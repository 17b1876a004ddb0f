/* Pinned blobs, and what is read of them.
 *
 *   store --pins[slot]--> pinned blob --> cached entry (process-wide)
 *                             ^
 *                   cursors, rows (art_blob_pin)
 *
 * The cached entry has the image and what is known of it. A pinned blob is one store's copy of that knowledge: readers
 * find the pages of which it knows without looking further; for others they call its load(), which takes over what
 * somebody else has read meanwhile, or reads by this store's own descriptor.
 *
 * How much is read: of a blob that a walk has asked for beforehand all (readahead.c); else the footer, then single
 * pages, and ahead of a reader that walks forward in steps that double up to READAHEAD_MAX pages. A walk that goes
 * backward, or passes over pages, says itself which ones it will want (expect()), and gets them together. Where the
 * file fits into this store's share of the cache, an index blob that the device must be asked for is read whole, and
 * the rest of any blob as soon as some of its pages had to be waited for: so one question waits for one page, and many
 * questions for all pages only about twice as long as if they had been read at once. A page that the system's page
 * cache has costs the same alone as with others, so it does not bring the rest of its blob.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/blob/blob_format.h"
#include "core/store/private.h"

enum {
    READAHEAD_FIRST = 2,
    READAHEAD_MAX = 32, /* pages */
    RUNS_MAX = 16,      /* stretches of missing pages read in one batch */
    HOLDS_FIRST = 64,
    /* With so many pages of a blob there, the rest is read at once: from a device one page takes as long as a quarter
     * of a blob or more. From rows it takes as long as some sixteen pages among others, but only if the host had to
     * wait for them: a page that its cache or the system's has costs the same alone as with others. How long a read
     * took tells which it was. */
    SINGLY_FROM_DEVICE = 4,
    WAITED_FOR_ROWS = 16,
    WAITS = 20000 /* ns a page */
};

/* ---- what is to be read ------------------------------------------------------------------------------------------ */

static void set_present(struct art_blob *blob, uint32_t page) {
    atomic_fetch_or_explicit(&blob->present[page >> 6], (uint64_t)1 << (page & 63), memory_order_release);
}

/* Adds pages [first, first + n) of the entry's image to a batch; they get their memory. */
static uint32_t request_pages(struct art_cached *cached, uint32_t first, uint32_t n, struct art_io_request *request) {
    *request = (struct art_io_request){
        .data = art_cached_image(cached) + (size_t)first * ART_PAGE,
        .len = n * ART_PAGE,
        .offset = (uint64_t)cached->key.slot * ART_BLOB_SIZE + (uint64_t)first * ART_PAGE,
    };
    return art_cache_touch(cached, first, n);
}

static enum art_rc read_requests(struct art_store *store, struct art_io_request *requests, unsigned count,
                                 enum art_read from) {
    enum art_rc rc = art_io_read_from(store->place.io, requests, count, from);
    for (unsigned i = 0; !rc && i < count; i++) store->pages_read += requests[i].len / ART_PAGE;
    return rc;
}

/* Reads what the system's page cache has, if that is all of it. */
static bool peek(struct art_store *store, const struct art_io_request *requests, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (!art_io_peek(store->place.io, &requests[i])) return false;
        store->pages_read += requests[i].len / ART_PAGE;
    }
    return true;
}

unsigned art_store_request_whole(struct art_cached *cached, const struct art_ref *ref,
                                 struct art_io_request *requests) {
    art_cache_touch(cached, 0, ref->leaf_pages);
    art_cache_touch(cached, ART_BLOB_PAGES - ref->footer_pages, ref->footer_pages);
    return art_whole_requests(art_cached_image(cached), ref, requests);
}

static void request_footer(struct art_cached *cached, const struct art_ref *ref, struct art_io_request *request) {
    request_pages(cached, ART_BLOB_PAGES - ref->footer_pages, ref->footer_pages, request);
}

/* The page cache may hold an older page than the device. So a page from there counts as damaged only if the device has
 * it so. */
static bool may_be_stale(const struct art_store *store, enum art_rc rc) {
    return rc == ART_CORRUPT && store->place.io->cached;
}

static enum art_rc read_from_device(struct art_store *store, struct art_cached *cached, uint32_t first, uint32_t n) {
    struct art_io_request request;
    request_pages(cached, first, n, &request);
    return read_requests(store, &request, 1, ART_READ_DEVICE);
}

enum art_rc art_store_open_image(struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                                 bool whole) {
    enum art_rc rc = art_blob_open(&cached->blob, art_cached_image(cached), ref, store->uuid, store->place.path);
    if (may_be_stale(store, rc)) {
        rc = read_from_device(store, cached, ART_BLOB_PAGES - ref->footer_pages, ref->footer_pages);
        if (!rc) rc = art_blob_open(&cached->blob, art_cached_image(cached), ref, store->uuid, store->place.path);
        store->stale += !rc;
    }
    if (rc) return rc;
    for (uint32_t page = 0; whole && page < ref->leaf_pages; page++) art_blob_verify_page(&cached->blob, page);
    cached->blob.file = NULL; /* the entry outlives this store */
    atomic_store(&cached->ready, true);
    return ART_OK;
}

/* A failed read of what nobody has asked for is forgotten, and what is needed is read by itself. But behind rows stands
 * the host: what it says may have ended a transaction, or was an interrupt, and comes only once. */
static bool may_read_again(const struct art_store *store, enum art_rc rc) {
    return rc == ART_CORRUPT || !store->place.rows;
}

/* Under `loading`. */
static enum art_rc fill_view(struct art_store *store, struct art_cached *cached, const struct art_ref *ref) {
    struct art_io_request footer, whole[2];
    request_footer(cached, ref, &footer);
    if (!store->place.rows && art_store_loads_whole(store)) {
        if (peek(store, &footer, 1)) return art_store_open_image(store, cached, ref, false);
        unsigned count = ref->level ? art_store_request_whole(cached, ref, whole) : 0;
        if (count && !read_requests(store, whole, count, ART_READ_CACHED)) {
            return art_store_open_image(store, cached, ref, true);
        }
    }
    enum art_rc rc = read_requests(store, &footer, 1, ART_READ_CACHED);
    return rc ? rc : art_store_open_image(store, cached, ref, false);
}

/* ---- loading leaf pages ------------------------------------------------------------------------------------------ */

static bool is_missing(const struct art_cached *cached, const struct art_pages *only, uint32_t page) {
    return !art_store_has_page(&cached->blob, page) && (!only || art_pages_has(only, page));
}

/* Of the missing pages of [first, *end), or only those of a set, as many as RUNS_MAX requests have room for; *end is
 * where they end, then. */
static unsigned request_missing(struct art_cached *cached, uint32_t first, uint32_t *end, const struct art_pages *only,
                                struct art_io_request *requests, uint32_t *charged) {
    unsigned count = 0;
    uint32_t page = first;
    while (page < *end && count < RUNS_MAX) {
        uint32_t from = page;
        while (page < *end && is_missing(cached, only, page)) page++;
        if (page > from) *charged += request_pages(cached, from, page - from, &requests[count++]);
        while (page < *end && !is_missing(cached, only, page)) page++;
    }
    *end = page;
    return count;
}

static enum art_rc verify_page(struct art_store *store, struct art_cached *cached, uint32_t page) {
    enum art_rc rc = art_blob_verify_page(&cached->blob, page);
    if (may_be_stale(store, rc)) {
        rc = read_from_device(store, cached, page, 1);
        if (!rc) rc = art_blob_verify_page(&cached->blob, page);
        store->stale += !rc;
    }
    return rc;
}

/* Does a reader that has come so often want the rest, too? */
static bool wants_rest(const struct art_store *store, const struct art_cached *cached) {
    if (store->place.rows) return cached->waited >= WAITED_FOR_ROWS;
    return art_blob_pages_present(&cached->blob) >= SINGLY_FROM_DEVICE;
}

/* Of pages in rows, and notes whether the host had to wait for them. Under `loading`. */
static enum art_rc read_rows(struct art_store *store, struct art_cached *cached, struct art_io_request *requests,
                             unsigned count) {
    uint64_t begun = art_clock_ns(), pages = store->pages_read;
    enum art_rc rc = read_requests(store, requests, count, ART_READ_CACHED);
    pages = store->pages_read - pages;
    if (art_clock_ns() - begun > pages * WAITS && cached->waited < WAITED_FOR_ROWS) cached->waited++;
    return rc;
}

/* `read`: it has been read already. */
static enum art_rc charge_and_read(struct art_pinned *pinned, struct art_io_request *requests, unsigned count,
                                   uint32_t charged, bool read) {
    struct art_store *store = pinned->store;
    pinned->pages += charged;
    if (pinned->listed) store->pinned_pages += charged;
    if (!count || read) return ART_OK;
    return store->place.rows ? read_rows(store, pinned->cached, requests, count)
                             : read_requests(store, requests, count, ART_READ_CACHED);
}

/* Reads what is missing of [first, end) and verifies it; pages from `needed` on may fail. `or_rest`: where that is not
 * at hand, it may read all that follows. Under `loading`. */
static enum art_rc load_missing(struct art_pinned *pinned, uint32_t first, uint32_t needed, uint32_t end,
                                bool or_rest) {
    struct art_store *store = pinned->store;
    struct art_cached *cached = pinned->cached;
    struct art_io_request requests[RUNS_MAX];
    uint32_t charged = 0;
    bool rest = or_rest && wants_rest(store, cached);
    unsigned count = request_missing(cached, first, &end, NULL, requests, &charged);
    bool read = or_rest && !store->place.rows && peek(store, requests, count);
    if (rest && !read) {
        end = cached->blob.leaf_pages;
        count = request_missing(cached, first, &end, NULL, requests, &charged);
    }
    enum art_rc rc = charge_and_read(pinned, requests, count, charged, read);
    cached->blob.file = store->place.path;
    for (uint32_t page = first; !rc && page < end; page++) {
        if (art_store_has_page(&cached->blob, page)) continue;
        enum art_rc verified = verify_page(store, cached, page);
        if (page < needed) rc = verified;
    }
    cached->blob.file = NULL;
    return rc;
}

static uint32_t readahead_pages(struct art_pinned *pinned, uint32_t first, uint32_t end) {
    bool onward = pinned->expected && pinned->expected == first;
    pinned->window = !onward ? 0 : pinned->window ? art_min32(2 * pinned->window, READAHEAD_MAX) : READAHEAD_FIRST;
    return art_min32(pinned->window, pinned->blob.leaf_pages - end);
}

static bool all_present(struct art_blob *blob, uint32_t first, uint32_t end) {
    while (first < end && art_store_has_page(blob, first)) first++;
    return first == end;
}

static enum art_rc load_into_cache(struct art_pinned *pinned, uint32_t first, uint32_t end) {
    struct art_cached *cached = pinned->cached;
    if (all_present(&cached->blob, first, end)) return ART_OK;
    enum art_rc rc = art_store_usable(pinned->store);
    if (!rc) rc = art_store_ready(pinned->store);
    if (rc) return rc;
    uint32_t ahead = readahead_pages(pinned, first, end);
    pthread_mutex_lock(&cached->loading);
    bool whole = art_store_loads_whole(pinned->store);
    rc = load_missing(pinned, first, end, end + ahead, whole);
    if (rc && (ahead || whole) && may_read_again(pinned->store, rc))
        rc = load_missing(pinned, first, end, end, false); /* for what nobody needs, perhaps */
    while (!rc && !all_present(&cached->blob, first, end)) rc = load_missing(pinned, first, end, end, false); /* gaps */
    pthread_mutex_unlock(&cached->loading);
    pinned->expected = end + ahead;
    return rc;
}

static enum art_rc load_pages(struct art_blob *blob, uint32_t first, uint32_t n) {
    struct art_pinned *pinned = (struct art_pinned *)blob;
    if (n > blob->leaf_pages || first > blob->leaf_pages - n) {
        return art_fail(ART_MISUSE, "art: pages %u to %u were asked for of slot %u that has %u", first, first + n - 1,
                        blob->slot, blob->leaf_pages);
    }
    enum art_rc rc = load_into_cache(pinned, first, first + n);
    for (uint32_t page = first; !rc && page < first + n; page++) set_present(blob, page);
    return rc;
}

/* Reads what is missing of the set and verifies it; pages that are not as they ought to be stay absent. Under
 * `loading`. */
static enum art_rc load_set(struct art_pinned *pinned, const struct art_pages *pages) {
    struct art_store *store = pinned->store;
    struct art_cached *cached = pinned->cached;
    struct art_io_request requests[RUNS_MAX];
    enum art_rc rc = ART_OK;
    bool may_peek = !store->place.rows && art_store_loads_whole(store);
    cached->blob.file = store->place.path;
    for (uint32_t page = 0, end; !rc && page < cached->blob.leaf_pages; page = end) {
        uint32_t charged = 0;
        end = cached->blob.leaf_pages;
        unsigned count = request_missing(cached, page, &end, pages, requests, &charged);
        rc = charge_and_read(pinned, requests, count, charged, may_peek && peek(store, requests, count));
        for (; !rc && page < end; page++) {
            if (is_missing(cached, pages, page)) verify_page(store, cached, page);
        }
    }
    cached->blob.file = NULL;
    return rc;
}

static enum art_rc expect_pages(struct art_blob *blob, const struct art_pages *pages) {
    struct art_pinned *pinned = (struct art_pinned *)blob;
    struct art_cached *cached = pinned->cached;
    enum art_rc rc = art_store_usable(pinned->store);
    if (!rc) rc = art_store_ready(pinned->store);
    if (rc) return rc;
    pthread_mutex_lock(&cached->loading);
    rc = load_set(pinned, pages);
    pthread_mutex_unlock(&cached->loading);
    for (uint32_t page = 0; page < blob->leaf_pages; page++) {
        if (art_pages_has(pages, page) && art_store_has_page(&cached->blob, page)) set_present(blob, page);
    }
    return rc && may_read_again(pinned->store, rc) ? ART_OK : rc;
}

/* ---- pinned blobs ------------------------------------------------------------------------------------------------ */

void art_pinned_release(struct art_pinned *pinned) {
    if (atomic_fetch_sub_explicit(&pinned->references, 1, memory_order_acq_rel) != 1) return;
    struct art_store *store = pinned->store;
    if (!pinned->cached) {
        art_bypass_free(pinned);
    } else {
        if (store->fork_generation == art_fork_now()) art_cache_release(pinned->cached);
        art_blob_drop_separators(&pinned->blob);
        art_free(pinned);
    }
    art_store_unref(store);
}

void art_blob_pin(struct art_blob *blob) {
    atomic_fetch_add_explicit(&((struct art_pinned *)blob)->references, 1, memory_order_relaxed);
}

void art_blob_unpin(struct art_blob *blob) {
    if (blob) art_pinned_release((struct art_pinned *)blob);
}

/* All but `present` stays as it is once the entry is ready. */
static void copy_blob(struct art_blob *to, struct art_blob *from) {
    enum { BEFORE = offsetof(struct art_blob, present), BEHIND = BEFORE + sizeof from->present };
    memcpy(to, from, BEFORE);
    memcpy((uint8_t *)to + BEHIND, (const uint8_t *)from + BEHIND, sizeof *to - BEHIND);
    for (unsigned i = 0; i < 2; i++) {
        atomic_init(&to->present[i], atomic_load_explicit(&from->present[i], memory_order_acquire));
    }
}

/* Does a blob whose trailer has the reference's hash have all the rest that the reference says? Two references may lead
 * to one blob, and only one of them be true. */
static inline bool is_as_said(const struct art_blob *blob, uint64_t below, const struct art_ref *ref) {
    if (!art_measures_equal(blob->has, ref->has)) return false;
    if (ref->summed && memcmp(ref->summed, art_blob_summed(blob), art_summed_bytes(ref->has)) != 0) return false;
    return blob->level == ref->level && blob->label_len == ref->label.len && blob->generation == ref->generation &&
           blob->count == ref->count && blob->csn_max == ref->csn_max && blob->overflows == ref->overflows &&
           blob->key_max == ref->key_max && below == ref->entries && blob->leaf_pages == ref->leaf_pages &&
           blob->footer_pages == ref->footer_pages;
}

/* The entry was made ready by another reference: where this one differs, it is the one that is wrong, and that is said
 * as of any blob. */
static enum art_rc describe(struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                            struct art_pinned *pinned) {
    copy_blob(&pinned->blob, &cached->blob);
    pinned->below = art_blob_trailer(art_cached_image(cached))->below;
    if (is_as_said(&pinned->blob, pinned->below, ref)) return ART_OK;
    return art_blob_open(&pinned->blob, art_cached_image(cached), ref, store->uuid, store->place.path);
}

/* A pinned blob with one reference; takes over the one to `cached`. */
static enum art_rc new_pinned(struct art_store *store, struct art_cached *cached, const struct art_ref *ref,
                              struct art_pinned **out) {
    struct art_pinned *pinned = art_alloc_zeroed(sizeof *pinned);
    if (!pinned) return art_nomem();
    enum art_rc rc = describe(store, cached, ref, pinned);
    if (rc) {
        art_free(pinned);
        return rc;
    }
    pinned->blob.file = store->place.path;
    pinned->blob.load = load_pages;
    pinned->blob.expect = expect_pages;
    pinned->blob.owner = pinned;
    pinned->blob.may_keep_separators = true;
    atomic_init(&pinned->references, 1);
    pinned->store = store;
    pinned->cached = cached;
    pinned->pages = art_blob_pages_present(&pinned->blob) + pinned->blob.footer_pages;
    atomic_fetch_add_explicit(&store->references, 1, memory_order_relaxed);
    *out = pinned;
    return ART_OK;
}

/* ---- pins -------------------------------------------------------------------------------------------------------- */

/* Takes the blob out of the list; the caller owns the store's reference. */
static struct art_pinned *unlist(struct art_store *store, struct art_pinned *pinned) {
    if (pinned->previous) {
        pinned->previous->next = pinned->next;
    } else {
        store->pinned = pinned->next;
    }
    if (pinned->next) pinned->next->previous = pinned->previous;
    pinned->listed = false;
    store->pinned_pages -= pinned->pages;
    store->pins[pinned->blob.slot].pinned = NULL;
    return pinned;
}

void art_store_drop_pin(struct art_store *store, uint32_t slot) {
    if (slot >= store->pin_capacity || !store->pins[slot].pinned) return;
    art_pinned_release(unlist(store, store->pins[slot].pinned));
}

void art_store_drop_pins(struct art_store *store) {
    while (store->pinned) art_pinned_release(unlist(store, store->pinned));
}

void art_store_forget(struct art_store *store, uint32_t slot) {
    if (art_store_usable(store) || slot >= store->pin_capacity || !store->pins[slot].pinned) return;
    struct art_pinned *pinned = unlist(store, store->pins[slot].pinned);
    bool alone = atomic_load_explicit(&pinned->references, memory_order_acquire) == 1;
    if (!alone) {
        art_pinned_release(pinned);
        return;
    }
    art_cache_release_superseded(pinned->cached);
    art_blob_drop_separators(&pinned->blob);
    art_free(pinned);
    art_store_unref(store);
}

static enum art_rc reserve_pin(struct art_store *store, uint32_t slot) {
    if (slot < store->pin_capacity) return ART_OK;
    uint64_t capacity = store->pin_capacity ? (uint64_t)store->pin_capacity * 2 : HOLDS_FIRST;
    while (capacity <= slot) capacity *= 2;
    if (capacity > UINT32_MAX) capacity = UINT32_MAX;
    struct art_pin *pins = art_resize(store->pins, capacity * sizeof *pins);
    if (!pins) return art_nomem();
    memset(pins + store->pin_capacity, 0, (capacity - store->pin_capacity) * sizeof *pins);
    store->pins = pins;
    store->pin_capacity = (uint32_t)capacity;
    return ART_OK;
}

static void enlist(struct art_store *store, struct art_pinned *pinned, struct art_hash128 hash) {
    struct art_pin *at = &store->pins[pinned->blob.slot];
    assert(!at->pinned);
    *at = (struct art_pin){pinned, hash};
    pinned->listed = true;
    pinned->previous = NULL;
    pinned->next = store->pinned;
    if (store->pinned) store->pinned->previous = pinned;
    store->pinned = pinned;
    store->pinned_pages += pinned->pages;
}

/* ---- asking for a blob ------------------------------------------------------------------------------------------- */

static enum art_rc check_ref(const struct art_store *store, const struct art_ref *ref) {
    if (ref->slot && ref->slot != UINT32_MAX && ref->footer_pages && ref->leaf_pages &&
        ref->footer_pages + ref->leaf_pages <= ART_BLOB_PAGES) {
        return ART_OK;
    }
    return art_corrupt(store->place.path, ref->slot, ART_NOWHERE, "a reference leads to no possible blob");
}

/* Other connections make the file longer. A blob's last page ends with its slot, so the file is never shorter than
 * that. */
static enum art_rc learn_size(struct art_store *store, uint32_t slot) {
    uint64_t end = ((uint64_t)slot + 1) * ART_BLOB_SIZE;
    if (end <= store->place.file_bytes) return ART_OK;
    enum art_rc rc = store->place.io->methods->size(store->place.io, &store->place.file_bytes);
    if (rc || end <= store->place.file_bytes) return rc;
    return art_corrupt(store->place.path, slot, ART_NOWHERE,
                       "the blob lies behind the end of the file, which has %llu bytes",
                       (unsigned long long)store->place.file_bytes);
}

enum art_rc art_store_reaches(struct art_store *store, const struct art_ref *ref) {
    enum art_rc rc = art_store_usable(store);
    if (!rc) rc = check_ref(store, ref);
    if (!rc) rc = art_store_ready(store);
    if (!rc && art_store_is_pending(store, ref->slot)) rc = art_store_settle(store);
    if (!rc) rc = learn_size(store, ref->slot);
    return rc;
}

struct art_cache_key art_store_key_of(const struct art_store *store, uint32_t slot) {
    struct art_cache_key key = store->place.key;
    key.slot = slot;
    return key;
}

static enum art_rc __attribute__((noinline))
find_or_read(struct art_store *store, const struct art_ref *ref, struct art_blob **out) {
    enum art_rc rc = art_store_reaches(store, ref);
    if (rc) return rc;
    art_store_drop_pin(store, ref->slot);
    struct art_cache_key key = art_store_key_of(store, ref->slot);
    struct art_cached *cached;
    struct art_pinned *pinned = NULL;
    rc = art_store_readahead_take(store, ref, &cached);
    if (rc && may_read_again(store, rc)) rc = ART_OK;
    if (!rc && !cached) rc = art_cache_acquire(&key, ref->hash, false, &cached);
    if (rc) return rc;
    if (atomic_load_explicit(&cached->ready, memory_order_acquire)) {
        store->hits++;
    } else {
        store->misses++;
        pthread_mutex_lock(&cached->loading);
        if (!atomic_load(&cached->ready)) rc = fill_view(store, cached, ref);
        pthread_mutex_unlock(&cached->loading);
    }
    if (!rc) rc = new_pinned(store, cached, ref, &pinned);
    if (!pinned) {
        art_cache_release(cached);
        return rc;
    }
    rc = reserve_pin(store, ref->slot); /* memory by the slot's number: only for a blob that is there */
    if (rc) {
        art_pinned_release(pinned);
        return rc;
    }
    enlist(store, pinned, ref->hash);
    *out = &pinned->blob;
    return ART_OK;
}

/* The blob that `ref` leads to, if the store has pinned it. */
static inline struct art_pinned *find_pinned(const struct art_store *store, const struct art_ref *ref) {
    if (ref->slot >= store->pin_capacity) return NULL;
    const struct art_pin *at = &store->pins[ref->slot];
    bool same =
        at->pinned && art_hash128_equal(at->hash, ref->hash) && is_as_said(&at->pinned->blob, at->pinned->below, ref);
    return same && store->fork_generation == art_fork_now() ? at->pinned : NULL;
}

enum art_rc art_store_blob(struct art_store *store, const struct art_ref *ref, struct art_blob **out) {
    struct art_pinned *pinned = find_pinned(store, ref);
    if (!pinned) return find_or_read(store, ref, out);
    store->hits++;
    *out = &pinned->blob;
    return ART_OK;
}

const struct art_blob *art_store_peek(const struct art_store *store, const struct art_ref *ref) {
    const struct art_pinned *pinned = find_pinned(store, ref);
    return pinned ? &pinned->blob : NULL;
}
