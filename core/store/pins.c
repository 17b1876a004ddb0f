/* What a store holds in memory: pinned blobs, found by their slots, pages past the cache, blobs on their way; and when
 * it goes.
 *
 *   store --pins by slot--> pinned blob --> cached entry (process-wide)
 *                             ^
 *                   cursors, rows (art_blob_pin)
 *
 * The cached entry has the image and what is known of it. A pinned blob is one store's copy of that knowledge: readers
 * find the pages of which it knows without looking further. Each pinned blob keeps the store's memory alive.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/store/private.h"

/* ---- the store's life -------------------------------------------------------------------------------------------- */

static void free_store(struct art_store *store) {
    assert(!store->pinned && !store->readahead_count && !store->phase.pending_count);
    for (struct art_old_path *old = store->old_paths, *next; old; old = next) {
        next = old->next;
        art_free(old->path);
        art_free(old);
    }
    art_free(store->location.path);
    art_free(store->location.host_path);
    art_store_forget_pins(store);
    art_free(store->readahead);
    art_free(store->phase.pending);
    art_free(store);
}

void art_store_unref(struct art_store *store) {
    assert(atomic_load(&store->references));
    if (atomic_fetch_sub_explicit(&store->references, 1, memory_order_acq_rel) == 1) free_store(store);
}

bool art_store_forked(const struct art_store *store) {
    return store->fork_generation != art_fork_now();
}

enum art_rc art_store_usable(const struct art_store *store) {
    if (art_store_forked(store)) {
        return art_fail(ART_FORKED,
                        "art: this connection came through fork() (%s): open the database anew in the child",
                        store->location.path);
    }
    if (store->closed) return art_fail(ART_MISUSE, "art: a blob was read after its table had been closed");
    return ART_OK;
}

/* ---- references -------------------------------------------------------------------------------------------------- */

void art_pinned_release(struct art_pinned *pinned) {
    assert(atomic_load(&pinned->references));
    if (atomic_fetch_sub_explicit(&pinned->references, 1, memory_order_acq_rel) != 1) return;
    struct art_store *store = pinned->store;
    if (!pinned->cached) {
        art_free_aligned((uint8_t *)pinned - offsetof(struct art_bypass, pinned));
        art_store_unref(store);
        return;
    }
    bool own = store->fork_generation == art_fork_now();
    if (own && pinned->superseded) art_cache_release_superseded(pinned->cached);
    if (own && !pinned->superseded) art_cache_release(pinned->cached);
    art_blob_drop_separators(&pinned->blob);
    art_free(pinned);
    art_store_unref(store);
}

void art_blob_pin(struct art_blob *blob) {
    assert(atomic_load(&((struct art_pinned *)blob)->references));
    atomic_fetch_add_explicit(&((struct art_pinned *)blob)->references, 1, memory_order_relaxed);
}

void art_blob_unpin(struct art_blob *blob) {
    if (blob) art_pinned_release((struct art_pinned *)blob);
}

/* ---- pins -------------------------------------------------------------------------------------------------------- */

/* Of a store that has pinned nothing: looked at, and never written. */
static struct art_pin no_pins[2];
enum { NO_PINS_SHIFT = 31 };

void art_store_forget_pins(struct art_store *store) {
    assert(!store->pinned && !store->pin_count);
    if (store->pins != no_pins) art_free(store->pins);
    store->pins = no_pins;
    store->pin_shift = NO_PINS_SHIFT;
}

static void put_pin(struct art_store *store, struct art_pinned *pinned, struct art_hash128 hash) {
    struct art_pin *at = art_store_find_pin(store, pinned->blob.slot);
    assert(!at->pinned && pinned->blob.slot);
    *at = (struct art_pin){pinned, pinned->blob.slot, hash};
    pinned->place = (uint32_t)(at - store->pins);
}

/* Those behind it that would not be found any more move up, each to the first empty place from its own on. */
static void remove_pin(struct art_store *store, uint32_t place) {
    struct art_pin *pins = store->pins;
    uint32_t last = UINT32_MAX >> store->pin_shift, empty = place;
    for (uint32_t at = (place + 1) & last; pins[at].slot; at = (at + 1) & last) {
        uint32_t from_home = (at - art_pin_home(store, pins[at].slot)) & last;
        if (from_home < ((at - empty) & last)) continue; /* its own place lies behind the empty one */
        pins[empty] = pins[at];
        pins[empty].pinned->place = empty;
        empty = at;
    }
    pins[empty] = (struct art_pin){0};
    store->pin_count--;
}

/* Room for one more. */
static enum art_rc grow_pins(struct art_store *store) {
    struct art_pin *before = store->pins;
    uint32_t shift = store->pin_shift, places = before == no_pins ? 0 : (UINT32_MAX >> shift) + 1;
    if (2 * (store->pin_count + 1) <= places) return ART_OK;
    places = places ? 2 * places : ART_LIMIT(pins_first);
    struct art_pin *pins = art_alloc_zeroed((size_t)places * sizeof *pins);
    if (!pins) return art_nomem();
    store->pins = pins;
    store->pin_shift = (uint32_t)__builtin_clz(places - 1);
    for (struct art_pinned *each = store->pinned; each; each = each->next)
        put_pin(store, each, before[each->place].hash);
    if (before != no_pins) art_free(before);
    return ART_OK;
}

/* Takes the blob out of the list; the caller owns the store's reference. */
static struct art_pinned *unlist(struct art_store *store, struct art_pinned *pinned) {
    assert(art_store_has_pinned(pinned) && store->pinned_pages >= pinned->pages);
    if (pinned->previous) {
        pinned->previous->next = pinned->next;
    } else {
        store->pinned = pinned->next;
    }
    if (pinned->next) pinned->next->previous = pinned->previous;
    store->pinned_pages -= pinned->pages;
    remove_pin(store, pinned->place);
    return pinned;
}

void art_store_drop_pin(struct art_store *store, uint32_t slot) {
    struct art_pinned *pinned = art_store_find_pin(store, slot)->pinned;
    if (pinned) art_pinned_release(unlist(store, pinned));
}

void art_store_drop_pins(struct art_store *store) {
    while (store->pinned) art_pinned_release(unlist(store, store->pinned));
    assert(!store->pinned_pages);
}

void art_store_forget(struct art_store *store, uint32_t slot) {
    struct art_pinned *pinned = art_store_usable(store) ? NULL : art_store_find_pin(store, slot)->pinned;
    if (!pinned) return;
    pinned->superseded = true;
    art_store_drop_pin(store, slot);
}

enum art_rc art_store_pin(struct art_store *store, struct art_pinned *pinned, struct art_hash128 hash) {
    assert(pinned->store == store && pinned->cached);
    enum art_rc rc = grow_pins(store);
    if (rc) return rc;
    put_pin(store, pinned, hash);
    store->pin_count++;
    pinned->previous = NULL;
    pinned->next = store->pinned;
    if (store->pinned) store->pinned->previous = pinned;
    store->pinned = pinned;
    store->pinned_pages += pinned->pages;
    return ART_OK;
}

/* ---- pages past the cache, blobs on their way -------------------------------------------------------------------- */

void art_store_drop_bypasses(struct art_store *store) {
    for (unsigned i = 0; i < ART_BYPASSES; i++) {
        if (store->bypass[i]) art_pinned_release(&store->bypass[i]->pinned);
        store->bypass[i] = NULL;
    }
}

/* Waits for one of them and forgets it. */
static void drop_readahead(struct art_store *store, struct art_readahead *at) {
    assert(at->cached && store->readahead_count);
    if (store->fork_generation == art_fork_now()) {
        art_io_read_wait(store->location.io, &at->reading);
        art_cache_release(at->cached);
        store->count.blobs_in_vain += art_io_read_came(&at->reading);
    }
    at->cached = NULL;
    store->readahead_count--;
}

void art_store_readahead_drop(struct art_store *store) {
    for (unsigned i = 0; store->readahead_count && i < ART_READAHEAD_MAX; i++) {
        if (store->readahead[i].cached) drop_readahead(store, &store->readahead[i]);
    }
    assert(!store->readahead_count);
}

void art_store_readahead_end(struct art_store *store, const void *walk) {
    for (unsigned i = 0; store->readahead_count && i < ART_READAHEAD_MAX; i++) {
        if (store->readahead[i].cached && store->readahead[i].walk == walk) drop_readahead(store, &store->readahead[i]);
    }
}
