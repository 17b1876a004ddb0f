/* The write phase: slots are taken, blobs go out while the next one is built, one sync makes them last.
 *
 *   write_begin   lock, accept, claim
 *   write         up to ART_WRITES_MAX blobs under way; then all are waited for and enter the cache
 *   sync          waits; a write that failed since the last sync fails it, even if its error was reported before
 *   give_up       waits; what was written since the last wait does not count, failed or not
 *   cut_back      the file system has the room back of what this phase has written and given up
 *   write_end     unlock
 */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/store/private.h"
#include "core/store/root_copy.h"

_Static_assert(ART_LIMIT_MOST(writes) <= (int)ART_WRITES_MAX, "so many are queued");
enum { WIPED_TOGETHER = ART_WRITES_MAX }; /* requests, of as many blobs as are written at once elsewhere */

/* ---- begin and end ----------------------------------------------------------------------------------------------- */

static enum art_rc writable(const struct art_store *store) {
    enum art_rc rc = art_store_usable(store);
    if (rc) return rc;
    if (store->poisoned) {
        return art_fail(ART_POISONED,
                        "art: an earlier sync failed, so nothing more is written: open the database anew: %s",
                        store->poison);
    }
    if (store->read_only) {
        return art_fail(ART_READONLY, "art: the table was opened to be read only (%s): open the database for writing",
                        store->location.path);
    }
    return ART_OK;
}

/* Behind each change of the phase. */
static void assert_phase(const struct art_store *store) {
    assert(store->phase.pending_count <= ART_WRITES_MAX && (!store->phase.pending_count || store->phase.pending));
    if (store->phase.active) {
        assert(store->location.io && store->location.checked && store->phase.pool && store->phase.pending);
        assert(store->phase.end && store->phase.end <= ART_SLOTS_MAX);
    } else {
        assert(!store->phase.failed && !store->phase.reusable && !store->phase.pending_count);
    }
}

static enum art_rc in_phase(const struct art_store *store) {
    enum art_rc rc = writable(store);
    if (!rc && !store->phase.active) rc = art_fail(ART_MISUSE, "art: a slot was written outside of a write phase");
    return rc;
}

static enum art_rc take_writes(struct art_store *store) {
    assert(!store->phase.pending_count);
    size_t queue = ART_WRITES_MAX * sizeof *store->phase.pending;
    if (store->phase.pending) return ART_OK;
    store->phase.pending = art_alloc(queue + ART_MESSAGE_SIZE);
    if (!store->phase.pending) return art_nomem();
    store->phase.failure = (char *)store->phase.pending + queue;
    return ART_OK;
}

static enum art_rc begin(struct art_store *store, bool fresh, bool adopt) {
    assert(!store->phase.active && !store->phase.pending_count);
    enum art_rc rc = take_writes(store);
    if (!rc) rc = art_store_lock_file(store, fresh, adopt);
    if (rc) return rc;
    uint64_t slots = (store->location.file_bytes + ART_BLOB_SIZE - 1) / ART_BLOB_SIZE;
    if (!slots) slots = 1; /* slot 0 is never taken, also in rows */
    store->phase.active = true;
    store->phase.end = slots < ART_SLOTS_MAX ? (uint32_t)slots : ART_SLOTS_MAX;
    store->phase.reusable = NULL;
    store->phase.leaves_nothing = false;
    store->phase.failed = ART_OK;
    assert(!store->phase.returned.capacity);
    assert_phase(store);
    return ART_OK;
}

enum art_rc art_store_write_begin(struct art_store *store, bool fresh, uint32_t *slots) {
    enum art_rc rc = writable(store);
    if (!rc && !store->phase.active) rc = begin(store, fresh, false);
    if (!rc) *slots = store->phase.end;
    return rc;
}

enum art_rc art_store_adopt(struct art_store *store) {
    enum art_rc rc = writable(store);
    if (rc) return rc;
    if (store->phase.active)
        return art_fail(ART_MISUSE,
                        "art: 'adopt' within a transaction that has written to the .art file: commit first");
    return begin(store, false, true);
}

enum art_rc art_store_put_root(struct art_store *store, struct art_bytes root) {
    assert(root.len);
    bool sound =
        store->phase.active && !store->poisoned && !art_store_forked(store) && store->location.medium->has_superblock;
    if (!sound) return ART_OK;
    enum art_rc rc = art_store_finish_writes(store);
    if (!rc) rc = art_root_copy_write(store->location.io, store->uuid, root, store->phase.leaves_nothing);
    store->count.pages_written += !rc;
    return rc;
}

void art_store_note_root(struct art_store *store, struct art_bytes root) {
    struct art_kept_error why;
    art_error_keep(&why);
    if (art_store_put_root(store, root)) art_error_restore(&why);
}

enum art_rc art_store_noted_root(struct art_store *store, struct art_buffer *out) {
    uint8_t uuid[sizeof store->uuid];
    if (!store->location.medium->has_superblock || !store->location.io) return ART_OK;
    enum art_rc rc = art_root_copy_read(store->location.io, out, uuid);
    if (rc || memcmp(uuid, store->uuid, sizeof uuid)) out->len = 0;
    return rc == ART_NOTFOUND ? ART_OK : rc;
}

void art_store_write_end(struct art_store *store) {
    if (!store->phase.active || art_store_forked(store)) return;
    (void)art_store_finish_writes(store);
    store->location.io->methods->unlock(store->location.io);
    art_store_close_writer(store);
    store->phase.active = false;
    store->phase.failed = ART_OK;
    store->phase.reusable = NULL;
    art_slot_set_clear(&store->phase.returned);
    assert_phase(store);
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */

void art_store_reuse(struct art_store *store, struct art_slot_set *reusable) {
    assert(!reusable || store->phase.active);
    store->phase.reusable = reusable;
    store->phase.reuse_from = 1;
}

/* The lowest member below the end: what lies behind is taken by extending. */
static uint32_t lowest(const struct art_store *store, const struct art_slot_set *set, uint32_t from) {
    uint32_t slot = set ? art_slot_set_next(set, from) : UINT32_MAX;
    return slot < store->phase.end ? slot : UINT32_MAX;
}

enum art_rc art_store_take_slot(struct art_store *store, uint32_t *slot) {
    enum art_rc rc = in_phase(store);
    if (rc) return rc;
    uint32_t reused = lowest(store, store->phase.reusable, store->phase.reuse_from);
    uint32_t returned = lowest(store, &store->phase.returned, 1);
    if (returned < reused) {
        art_slot_set_remove(&store->phase.returned, returned);
        *slot = returned;
    } else if (reused != UINT32_MAX) {
        art_slot_set_remove(store->phase.reusable, reused);
        store->phase.reuse_from = reused + 1;
        *slot = reused;
    } else if (store->phase.end < ART_SLOTS_MAX) {
        *slot = store->phase.end++;
    } else {
        return art_fail(ART_TOOBIG, "art: the .art file has the largest possible number of blobs (%s): split the table",
                        store->location.path);
    }
    assert(*slot && *slot < store->phase.end);
    assert_phase(store);
    return ART_OK;
}

uint32_t art_store_end(const struct art_store *store) {
    return store->phase.end;
}

uint32_t art_store_free_slots(const struct art_store *store, uint32_t end) {
    if (!store->phase.active) return 0;
    if (end > store->phase.end) end = store->phase.end;
    uint32_t reusable = store->phase.reusable ? art_slot_set_count(store->phase.reusable, 0, end) : 0;
    return reusable + art_slot_set_count(&store->phase.returned, 0, end);
}

/* Without memory to note it the slot is only wasted until the next phase. Reports nothing: the caller gives slots back
 * and does it on an error, whose sentence is to stay. */
void art_store_return_slot(struct art_store *store, uint32_t slot) {
    bool useful = store->phase.active && !store->poisoned && !store->closed && !art_store_forked(store);
    assert(!useful || !art_slot_set_has(&store->phase.returned, slot));
    if (useful && slot && slot < store->phase.end) (void)art_slot_set_add(&store->phase.returned, slot);
}

static enum art_rc discard_each(struct art_store *store, const struct art_slot_set *set) {
    enum art_rc rc = ART_OK;
    for (uint32_t slot = art_slot_set_next(set, 1), end; !rc && slot < store->phase.end;
         slot = art_slot_set_next(set, end)) {
        for (end = slot + 1; end < store->phase.end && art_slot_set_has(set, end);) end++;
        rc = art_io_discard(store->location.io, (uint64_t)slot * ART_BLOB_SIZE, (uint64_t)(end - slot) * ART_BLOB_SIZE);
    }
    return rc;
}

enum art_rc art_store_discard(struct art_store *store, const struct art_slot_set *garbage) {
    enum art_rc rc = in_phase(store);
    if (!rc) rc = art_store_finish_writes(store);
    if (!rc && garbage) rc = discard_each(store, garbage);
    return rc ? rc : discard_each(store, &store->phase.returned);
}

/* ---- nothing left of what was ------------------------------------------------------------------------------------ */

static uint32_t hole_bytes(const struct art_ref *ref) {
    assert(ref->leaf_pages + ref->footer_pages <= ART_BLOB_PAGES);
    return (ART_BLOB_PAGES - ref->leaf_pages - ref->footer_pages) * ART_PAGE;
}

void art_store_leave_nothing(struct art_store *store, bool nothing, bool full) {
    store->phase.leaves_nothing = nothing;
    store->phase.full = full;
}

static bool is_reached(const struct art_store *store, uint32_t slot) {
    return (uint64_t)slot * ART_BLOB_SIZE < store->location.file_bytes;
}

static enum art_rc write_now(struct art_store *store, struct art_io_request *requests, unsigned count) {
    enum art_rc rc = art_io_write(store->location.io, requests, count), waited = art_io_wait(store->location.io);
    if (!rc) rc = waited;
    for (unsigned i = 0; !rc && i < count; i++) store->count.pages_written += requests[i].len / ART_PAGE;
    return rc;
}

/* The system need not write what is in its memory alone, once its place is given back or cut off. */
static enum art_rc bring_to_disk(struct art_store *store) {
    enum art_rc rc = store->location.io->direct ? ART_OK : art_io_sync(store->location.io);
    return rc ? art_store_poison(store, rc) : ART_OK;
}

/* Zeros, whose room is then given back: at once where the disk has none for them; or, without holes, written over. */
static enum art_rc write_zeros(struct art_store *store, struct art_io_request *zeros, unsigned count) {
    assert(count && store->phase.active);
    enum art_rc rc = store->phase.full ? ART_DISKFULL : write_now(store, zeros, count);
    bool written = !rc;
    rc = rc == ART_DISKFULL ? ART_OK : rc ? rc : bring_to_disk(store);
    for (unsigned i = 0; !rc && i < count; i++) {
        art_io_give_back(store->location.io, zeros[i].offset, zeros[i].len);
        if (written || art_io_is_hole(store->location.io, zeros[i].offset, zeros[i].len)) continue;
        rc = write_now(store, &zeros[i], 1);
        if (!rc) rc = bring_to_disk(store);
    }
    return rc;
}

/* Before a blob goes to a slot that was used before: what lies between its pages. */
static enum art_rc clear_hole(struct art_store *store, const struct art_ref *ref, const struct art_blob_buf *buffer) {
    assert(store->phase.leaves_nothing && buffer->data);
    size_t leaves = (size_t)ref->leaf_pages * ART_PAGE;
    uint32_t len = hole_bytes(ref);
    if (!len) return ART_OK;
    memset(buffer->data + leaves, 0, len);
    struct art_io_request zeros = {buffer->data + leaves, len, (uint64_t)ref->slot * ART_BLOB_SIZE + leaves};
    enum art_rc rc = art_store_finish_writes(store);
    return rc ? rc : write_zeros(store, &zeros, 1);
}

/* A slot that is a hole, as those that were wiped before are, has nothing of what was deleted. */
static enum art_rc wipe_each(struct art_store *store, const struct art_blob_buf *zeros,
                             const struct art_slot_set *set) {
    struct art_io_request requests[WIPED_TOGETHER];
    unsigned count = 0;
    enum art_rc rc = ART_OK;
    for (uint32_t slot = art_slot_set_next(set, 1); !rc && slot < store->phase.end;
         slot = art_slot_set_next(set, slot + 1)) {
        if (!is_reached(store, slot)) break;
        if (art_io_is_hole(store->location.io, (uint64_t)slot * ART_BLOB_SIZE, ART_BLOB_SIZE)) continue;
        art_store_drop_pin(store, slot);
        requests[count++] = (struct art_io_request){zeros->data, ART_BLOB_SIZE, (uint64_t)slot * ART_BLOB_SIZE};
        assert(count <= WIPED_TOGETHER);
        if (count < WIPED_TOGETHER) continue;
        rc = write_zeros(store, requests, count);
        count = 0;
    }
    return !rc && count ? write_zeros(store, requests, count) : rc;
}

enum art_rc art_store_wipe(struct art_store *store) {
    struct art_blob_buf zeros = {NULL, NULL, -1};
    enum art_rc rc = in_phase(store);
    if (!rc) rc = art_store_finish_writes(store);
    if (!rc) rc = art_blob_buf_get_zeroed(store->phase.pool, &zeros);
    assert(rc || !store->phase.pending_count);
    if (!rc && store->phase.reusable) rc = wipe_each(store, &zeros, store->phase.reusable);
    if (!rc) rc = wipe_each(store, &zeros, &store->phase.returned);
    art_blob_buf_put(&zeros);
    return rc;
}

enum art_rc art_store_hole_is_clean(struct art_store *store, const struct art_ref *ref, bool *clean) {
    struct art_blob_buf buffer = {NULL, NULL, -1};
    uint32_t len = hole_bytes(ref);
    uint64_t offset = (uint64_t)ref->slot * ART_BLOB_SIZE + (uint64_t)ref->leaf_pages * ART_PAGE;
    assert(len % ART_PAGE == 0 && len < ART_BLOB_SIZE);
    *clean = true;
    if (!len) return ART_OK;
    enum art_rc rc = art_store_buffer(store, &buffer);
    struct art_io_request request = {buffer.data, len, offset};
    if (!rc) rc = art_io_read(store->location.io, &request, 1);
    if (!rc) store->count.pages_read += len / ART_PAGE;
    if (!rc) *clean = !buffer.data[0] && !memcmp(buffer.data, buffer.data + 1, len - 1);
    art_blob_buf_put(&buffer);
    return rc;
}

/* ---- writes under way -------------------------------------------------------------------------------------------- */

bool art_store_is_pending(const struct art_store *store, uint32_t slot) {
    for (unsigned i = 0; i < store->phase.pending_count; i++) {
        if (store->phase.pending[i].ref.slot == slot) return true;
    }
    return false;
}

void art_store_drop_pending(struct art_store *store) {
    assert(store->phase.pending_count <= ART_WRITES_MAX);
    for (unsigned i = 0; i < store->phase.pending_count; i++) art_blob_buf_put(&store->phase.pending[i].buffer);
    store->phase.pending_count = 0;
}

/* What was just built needs no verification. Only where there is room: the cache is for what is read. */
static void keep_written(struct art_store *store, const struct art_queued_write *done) {
    assert(done->buffer.data && done->ref.slot);
    const struct art_ref *ref = &done->ref;
    struct art_cache_key key = store->location.key;
    struct art_cached *cached;
    key.slot = ref->slot;
    uint32_t leaf_pages = done->cold ? 0 : ref->leaf_pages;
    if (store->for_another || !art_cache_allows((uint64_t)leaf_pages + ref->footer_pages)) return;
    if (art_cache_acquire(&key, ref->hash, leaf_pages && art_ref_is_large(ref), &cached)) return;
    pthread_mutex_lock(&cached->loading);
    if (!atomic_load(&cached->ready)) {
        uint8_t *image = art_cached_image(cached);
        size_t leaves = (size_t)leaf_pages * ART_PAGE, footer = (size_t)ref->footer_pages * ART_PAGE;
        if (leaf_pages) art_cache_touch(cached, 0, leaf_pages);
        art_cache_touch(cached, ART_BLOB_PAGES - ref->footer_pages, ref->footer_pages);
        memcpy(image, done->buffer.data, leaves);
        memcpy(image + ART_BLOB_SIZE - footer, done->buffer.data + ART_BLOB_SIZE - footer, footer);
        if (!art_blob_open(&cached->blob, image, ref, store->uuid, store->location.path)) {
            cached->blob.file = NULL;
            for (uint32_t page = 0; page < leaf_pages; page++) {
                atomic_fetch_or(&cached->blob.present[page >> 6], (uint64_t)1 << (page & 63));
            }
            atomic_store(&cached->ready, true);
        }
    }
    pthread_mutex_unlock(&cached->loading);
    art_cache_release(cached);
}

static enum art_rc note_failure(struct art_store *store, enum art_rc rc) {
    assert(rc);
    if (store->phase.failed) return rc;
    const char *message = art_error_message();
    size_t length = strnlen(message, ART_MESSAGE_SIZE - 1);
    memcpy(store->phase.failure, message, length);
    store->phase.failure[length] = 0;
    store->phase.failed = rc;
    return rc;
}

static enum art_rc noted_failure(const struct art_store *store) {
    assert(!store->phase.failed || *store->phase.failure);
    return store->phase.failed ? art_fail(store->phase.failed, "%s", store->phase.failure) : ART_OK;
}

enum art_rc art_store_wait(struct art_store *store) {
    enum art_rc rc = in_phase(store);
    return rc ? rc : art_store_finish_writes(store);
}

enum art_rc art_store_finish_writes(struct art_store *store) {
    if (store->phase.pending_count) {
        enum art_rc rc = art_io_wait(store->location.io);
        if (rc) note_failure(store, rc);
        /* After a failure nobody knows which of them arrived. */
        for (unsigned i = 0; !store->phase.failed && i < store->phase.pending_count; i++) {
            keep_written(store, &store->phase.pending[i]);
        }
        art_store_drop_pending(store);
    }
    assert_phase(store);
    return noted_failure(store);
}

/* The reason for giving up is reported; what else was wrong is of no interest any more. */
void art_store_give_up(struct art_store *store) {
    if (!store->phase.active || art_store_forked(store)) return;
    struct art_kept_error why;
    art_error_keep(&why);
    if (art_store_finish_writes(store)) art_error_restore(&why);
    store->phase.failed = ART_OK;
}

enum art_rc art_store_buffer(struct art_store *store, struct art_blob_buf *out) {
    enum art_rc rc = in_phase(store);
    return rc ? rc : art_blob_buf_get(store->phase.pool, out);
}

static enum art_rc start_write(struct art_store *store, const struct art_queued_write *pending) {
    assert(pending->buffer.data && (uintptr_t)pending->buffer.data % ART_PAGE == 0);
    const struct art_ref *ref = &pending->ref;
    struct art_io_request requests[2];
    unsigned count = art_whole_requests(pending->buffer.data, ref, requests);
    store->count.pages_written += (uint64_t)ref->leaf_pages + ref->footer_pages;
    enum art_rc rc = art_io_discard(store->location.io, requests[0].offset, ART_BLOB_SIZE);
    return rc ? rc : art_io_write(store->location.io, requests, count);
}

enum art_rc art_store_write(struct art_store *store, const struct art_ref *ref, struct art_blob_buf *buffer,
                            bool cold) {
    enum art_rc rc = in_phase(store);
    assert(rc || (ref->slot && ref->slot < store->phase.end && ref->leaf_pages && ref->footer_pages));
    if (!rc && (store->phase.pending_count == ART_LIMIT(writes) || art_store_is_pending(store, ref->slot))) {
        rc = art_store_finish_writes(store);
    }
    if (!rc) rc = noted_failure(store);
    if (!rc && store->phase.leaves_nothing && is_reached(store, ref->slot)) rc = clear_hole(store, ref, buffer);
    if (rc) {
        art_blob_buf_put(buffer);
        return rc;
    }
    art_store_drop_pin(store, ref->slot);
    uint64_t end = ((uint64_t)ref->slot + 1) * ART_BLOB_SIZE;
    if (store->location.file_bytes < end) store->location.file_bytes = end;
    struct art_queued_write *pending = &store->phase.pending[store->phase.pending_count++];
    assert(store->phase.pending_count <= ART_WRITES_MAX);
    *pending = (struct art_queued_write){*ref, *buffer, cold};
    art_ref_leave(&pending->ref);
    *buffer = (struct art_blob_buf){NULL, NULL, -1};
    assert(art_store_is_pending(store, ref->slot));
    rc = start_write(store, pending);
    if (!rc) return ART_OK;
    note_failure(store, rc);
    return art_store_finish_writes(store);
}

enum art_rc art_store_sync(struct art_store *store) {
    enum art_rc rc = in_phase(store);
    if (rc) return rc;
    rc = art_store_finish_writes(store);
    store->phase.failed = ART_OK;
    if (rc) return rc;
    assert(!store->phase.pending_count);
    rc = art_io_sync(store->location.io);
    if (rc) return art_store_poison(store, rc);
    store->count.syncs++;
    return ART_OK;
}

/* ---- free slots as holes ----------------------------------------------------------------------------------------- */

static uint32_t next_free(const struct art_store *store, uint32_t from) {
    uint32_t returned = art_slot_set_next(&store->phase.returned, from);
    uint32_t reusable = store->phase.reusable ? art_slot_set_next(store->phase.reusable, from) : UINT32_MAX;
    return art_min32(returned, reusable);
}

uint32_t art_store_punch(struct art_store *store, uint32_t few, uint32_t most, uint64_t turn) {
    assert(store->phase.active && !store->phase.pending_count && most);
    uint32_t free = art_store_free_slots(store, UINT32_MAX), others = free > few ? free - few : 0;
    uint32_t parts = others / most + (others % most > 0), done = 0;
    uint64_t from = parts ? few + turn % parts * most : free, at = 0;
    for (uint32_t slot = next_free(store, 1); slot != UINT32_MAX && done < most; slot = next_free(store, slot + 1)) {
        if (at++ < from || !is_reached(store, slot)) continue;
        art_store_drop_pin(store, slot);
        art_io_give_back(store->location.io, (uint64_t)slot * ART_BLOB_SIZE, ART_BLOB_SIZE);
        done++;
    }
    return done;
}

/* ---- the end of the file ----------------------------------------------------------------------------------------- */

/* What lies behind the new end is taken by extending the file, not as a free slot. */
static void forget_behind(struct art_slot_set *set, uint32_t slots) {
    for (uint32_t slot = art_slot_set_next(set, slots); slot != UINT32_MAX; slot = art_slot_set_next(set, slot + 1)) {
        art_slot_set_remove(set, slot);
    }
}

enum art_rc art_store_truncate(struct art_store *store, uint32_t slots) {
    uint64_t bytes = 0;
    enum art_rc rc = in_phase(store);
    assert(slots);
    if (!rc) rc = art_store_finish_writes(store);
    if (!rc) rc = store->location.io->methods->size(store->location.io, &bytes);
    if (rc) return rc;
    uint64_t wanted = (uint64_t)slots * ART_BLOB_SIZE;
    if (wanted < bytes) rc = store->location.io->methods->truncate(store->location.io, wanted);
    if (rc) return rc;
    for (struct art_pinned *each = store->pinned, *next; each; each = next) {
        next = each->next;
        if (each->blob.slot >= slots) art_store_drop_pin(store, each->blob.slot);
    }
    forget_behind(&store->phase.returned, slots);
    if (store->phase.reusable) forget_behind(store->phase.reusable, slots);
    if (slots < store->phase.end) store->phase.end = slots;
    if (wanted < bytes) store->location.file_bytes = wanted;
    assert_phase(store);
    assert(store->phase.end <= slots && art_slot_set_highest(&store->phase.returned) < slots);
    return ART_OK;
}

void art_store_cut_back(struct art_store *store, uint32_t slots, bool full) {
    assert(slots);
    struct art_kept_error why;
    art_store_give_up(store);
    art_error_keep(&why);
    enum art_rc rc = art_store_truncate(store, slots);
    struct art_slot_set *returned = &store->phase.returned;
    for (uint32_t slot = rc || !full ? UINT32_MAX : art_slot_set_next(returned, 1); slot < store->phase.end;
         slot = art_slot_set_next(returned, slot + 1)) {
        art_io_give_back(store->location.io, (uint64_t)slot * ART_BLOB_SIZE, ART_BLOB_SIZE);
    }
    art_error_restore(&why);
}
