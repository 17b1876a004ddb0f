/* Entries, references and eviction, all under one lock, which is taken for a blob and never for a page that is there.
 *
 * Eviction is a clock. An entry that somebody asks for is marked as used; the hand takes the mark from those without
 * references, and when it comes again, they first lose their leaf pages (a footer answers most of a descent, costs one
 * to three pages and gets another mark), then everything. Entries that stores pin are not asked for again and again:
 * they have references, and come back into the round when the stores let go under pressure.
 */
#include "core/store/cache.h"

#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/store/cached_memory.h"

enum {
    BUCKETS_FIRST = 64, /* they double */
    ROUNDS = 4,         /* of the hand: mark, leaf pages, mark, footer */
};

_Atomic uint64_t art_cache_pressure;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by the lock: */
static struct art_cached **buckets;
static uint32_t bucket_count;   /* power of two; 0: none yet */
static uint32_t listed;         /* entries in the table */
static uint32_t entries, idle;  /* in the ring: also those that are not in the table; without references */
static uint64_t footers_kept;   /* entries that somebody asked for when they had lost their leaf pages */
static struct art_cached *hand; /* in the ring */

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* Under the lock, between two changes. */
static void assert_cache(void) {
    assert(idle <= entries && listed <= entries && !hand == !entries);
    assert(!listed == !bucket_count && !bucket_count == !buckets);
}

/* An entry that is in the ring. */
static void assert_entry(const struct art_cached *entry) {
    assert(entry->clock_next->clock_prev == entry && entry->clock_prev->clock_next == entry);
    assert(entry->buffer.data);
    (void)entry;
}

static struct art_cached **bucket_of(const struct art_cache_key *key) {
    uint64_t h = key->device * 0x9e3779b97f4a7c15u ^ key->inode;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u ^ key->slot;
    h = (h ^ h >> 32) * 0x94d049bb133111ebu;
    return &buckets[(h ^ h >> 29) & (bucket_count - 1)];
}

static bool same_key(const struct art_cache_key *a, const struct art_cache_key *b) {
    return a->slot == b->slot && a->inode == b->inode && a->device == b->device;
}

static struct art_cached *find_cached(const struct art_cache_key *key) {
    assert(!(bucket_count & (bucket_count - 1)));
    struct art_cached *entry = bucket_count ? *bucket_of(key) : NULL;
    while (entry && !same_key(&entry->key, key)) entry = entry->chain;
    return entry;
}

/* Longer chains are no error: only the first table must be had. */
static bool grow_table(void) {
    uint32_t old_count = bucket_count, count = old_count ? old_count * 4 : BUCKETS_FIRST;
    if (listed < old_count) return true;
    struct art_cached **old = buckets, **grown = art_alloc_zeroed(count * sizeof *grown);
    if (!grown) return old_count;
    buckets = grown;
    bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct art_cached *entry = old[i], *next; entry; entry = next) {
            next = entry->chain;
            struct art_cached **bucket = bucket_of(&entry->key);
            entry->chain = *bucket;
            *bucket = entry;
        }
    }
    art_free(old);
    return true;
}

static void list(struct art_cached *entry) {
    assert(!entry->listed && !find_cached(&entry->key));
    struct art_cached **bucket = bucket_of(&entry->key);
    entry->chain = *bucket;
    *bucket = entry;
    entry->listed = true;
    listed++;
}

static void take_out(struct art_cached *entry) {
    if (!entry->listed) return;
    struct art_cached **at = bucket_of(&entry->key);
    assert(bucket_count && listed);
    while (*at != entry) at = &(*at)->chain;
    *at = entry->chain;
    entry->listed = false;
    if (--listed) return;
    art_free(buckets); /* nothing is kept for a cache that is not used */
    buckets = NULL;
    bucket_count = 0;
}

/* ---- the ring ---------------------------------------------------------------------------------------------------- */

static void put_into_ring(struct art_cached *entry) {
    assert(!entry->clock_next && !entry->clock_prev);
    if (hand) { /* behind the hand: the last that it comes to */
        entry->clock_next = hand;
        entry->clock_prev = hand->clock_prev;
        entry->clock_prev->clock_next = entry;
        hand->clock_prev = entry;
    } else {
        hand = entry->clock_next = entry->clock_prev = entry;
    }
    entries++;
    assert_entry(entry);
}

static void free_idle(struct art_cached *entry) {
    assert_entry(entry);
    assert(!entry->references && idle);
    take_out(entry);
    if (hand == entry) hand = entry->clock_next == entry ? NULL : entry->clock_next;
    entry->clock_prev->clock_next = entry->clock_next;
    entry->clock_next->clock_prev = entry->clock_prev;
    entries--;
    idle--;
    art_cached_memory_put(entry);
    pthread_mutex_destroy(&entry->loading);
    art_free(entry);
}

/* One step of the hand. True: an entry is gone. */
static bool step_hand(void) {
    struct art_cached *entry = hand;
    assert(entry && idle);
    hand = entry->clock_next;
    if (entry->references) return false;
    if (entry->used) {
        entry->used = false;
        return false;
    }
    if (!entry->large && atomic_load(&entry->ready) && art_cached_memory_strip(entry)) {
        entry->used = entry->stripped = true;
        return false;
    }
    free_idle(entry);
    return true;
}

/* Walks the ring until so many more pages could have memory, were all spare buffers given back. */
static bool sweep(uint64_t pages) {
    assert(idle <= entries);
    for (uint64_t steps = (uint64_t)ROUNDS * entries; steps && idle && !art_cache_allows(pages); steps--) step_hand();
    return art_cache_allows(pages);
}

/* False: what is left somebody refers to. */
static bool evict(uint64_t pages) {
    sweep(pages);
    while (!art_cached_memory_fits(pages) && art_cached_memory_drop_spare()) {
    }
    return art_cached_memory_fits(pages);
}

void art_cache_trim(void) {
    pthread_mutex_lock(&lock);
    evict(0);
    assert_cache();
    pthread_mutex_unlock(&lock);
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

/* With one reference, in the ring, and not in the table yet. NULL: no memory. */
static struct art_cached *new_entry(const struct art_cache_key *key, struct art_hash128 hash, bool large) {
    struct art_cached *entry = art_alloc_zeroed(sizeof *entry);
    if (!entry) return NULL;
    *entry = (struct art_cached){.key = *key, .hash = hash, .large = large, .references = 1};
    bool done = art_cached_memory_get(entry, art_cached_memory_is_heap() && evict(ART_BLOB_PAGES));
    bool gone = false;
    for (uint64_t steps = done ? 0 : (uint64_t)ROUNDS * entries; steps && idle && !gone; steps--) gone = step_hand();
    if (gone) done = art_cached_memory_get(entry, false);
    if (!done) { /* all buffers are held: stores are to let go, and this one comes from the heap */
        atomic_fetch_add(&art_cache_pressure, 1);
        done = art_cached_memory_get(entry, true);
    }
    if (!done) {
        art_free(entry);
        return NULL;
    }
    pthread_mutex_init(&entry->loading, NULL);
    assert(entry->buffer.data && !entry->listed);
    put_into_ring(entry);
    return entry;
}

/* What has the key but another hash is taken out. */
static struct art_cached *reference(const struct art_cache_key *key, struct art_hash128 hash) {
    struct art_cached *entry = find_cached(key);
    if (!entry) return NULL;
    if (!art_hash128_equal(entry->hash, hash)) {
        take_out(entry);
        if (!entry->references) free_idle(entry);
        return NULL;
    }
    if (!entry->references++) idle--;
    assert(entry->listed && entry->buffer.data);
    footers_kept += entry->stripped;
    entry->stripped = false;
    entry->used = true;
    return entry;
}

/* One reference less. Under the lock. */
static void unreference(struct art_cached *entry, bool superseded) {
    assert_entry(entry);
    assert(entry->references);
    if (superseded) entry->used = false;
    if (--entry->references) return;
    idle++;
    if (superseded || !entry->listed || !atomic_load(&entry->ready)) {
        free_idle(entry);
    } else {
        evict(0); /* it may have been what kept the cache above its limit */
    }
}

enum art_rc art_cache_acquire(const struct art_cache_key *key, struct art_hash128 hash, bool large,
                              struct art_cached **out) {
    pthread_mutex_lock(&lock);
    *out = reference(key, hash);
    if (!*out && (*out = new_entry(key, hash, large))) {
        (*out)->used = true;
        if (grow_table()) {
            list(*out);
        } else {
            unreference(*out, false);
            *out = NULL;
        }
    }
    assert_cache();
    pthread_mutex_unlock(&lock);
    return *out ? ART_OK : art_nomem();
}

static void release_entry(struct art_cached *entry, bool superseded) {
    pthread_mutex_lock(&lock);
    unreference(entry, superseded);
    assert_cache();
    pthread_mutex_unlock(&lock);
}

void art_cache_release(struct art_cached *entry) {
    release_entry(entry, false);
}

void art_cache_release_superseded(struct art_cached *entry) {
    release_entry(entry, true);
}

void art_cache_forget(const struct art_cache_key *of_file) {
    pthread_mutex_lock(&lock);
    struct art_cached *entry = hand;
    for (uint32_t left = entries; left; left--) {
        struct art_cached *next = entry->clock_next;
        if (entry->key.device == of_file->device && entry->key.inode == of_file->inode) {
            take_out(entry);
            if (!entry->references) free_idle(entry);
        }
        entry = next;
    }
    while (art_cached_memory_drop_spare()) { /* they went there */
    }
    assert_cache();
    pthread_mutex_unlock(&lock);
}

uint32_t art_cache_touch(struct art_cached *entry, uint32_t first, uint32_t n) {
    assert(n && first + n <= ART_BLOB_PAGES);
    uint32_t fresh = art_cached_memory_missing(entry, first, n);
    if (fresh && !art_cached_memory_fits(fresh)) {
        pthread_mutex_lock(&lock);
        if (!evict(fresh)) atomic_fetch_add(&art_cache_pressure, 1);
        assert_cache();
        pthread_mutex_unlock(&lock);
    }
    art_cached_memory_charge(entry, first, n);
    return fresh;
}

/* ---- ahead of their use ------------------------------------------------------------------------------------------ */

/* The listed entry of key and hash, if all of the blob is there. */
static struct art_cached *find_complete(const struct art_cache_key *key, struct art_hash128 hash) {
    struct art_cached *entry = find_cached(key);
    assert(!entry || entry->listed);
    bool ready = entry && art_hash128_equal(entry->hash, hash) && atomic_load(&entry->ready);
    return ready && art_blob_pages_present(&entry->blob) == entry->blob.leaf_pages ? entry : NULL;
}

/* Room first: what goes for it leaves its buffer, which is taken over with its memory. */
struct art_cached *art_cache_prepare(const struct art_cache_key *key, struct art_hash128 hash, bool large,
                                     bool *complete) {
    pthread_mutex_lock(&lock);
    *complete = find_complete(key, hash) != NULL;
    struct art_cached *entry = !*complete && sweep(ART_BLOB_PAGES) ? new_entry(key, hash, large) : NULL;
    assert_cache();
    pthread_mutex_unlock(&lock);
    return entry;
}

struct art_cached *art_cache_publish(struct art_cached *entry) {
    assert(entry->references == 1);
    assert(!entry->listed && atomic_load(&entry->ready));
    pthread_mutex_lock(&lock);
    struct art_cached *other = find_complete(&entry->key, entry->hash);
    if (other) {
        other = reference(&entry->key, entry->hash);
        unreference(entry, false);
    } else {
        struct art_cached *part = find_cached(&entry->key); /* or of another hash */
        if (part) take_out(part);
        if (part && !part->references) free_idle(part);
        if (grow_table()) list(entry); /* else it goes when its user lets go */
    }
    assert_cache();
    pthread_mutex_unlock(&lock);
    return other ? other : entry;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

uint64_t art_cache_join(uint64_t setting) {
    pthread_mutex_lock(&lock);
    uint64_t bytes = art_cached_memory_join(setting);
    assert_cache();
    pthread_mutex_unlock(&lock);
    return bytes;
}

uint64_t art_cache_resize(uint64_t old_setting, uint64_t new_setting) {
    pthread_mutex_lock(&lock);
    uint64_t bytes = art_cached_memory_resize(old_setting, new_setting);
    if (!evict(0)) atomic_fetch_add(&art_cache_pressure, 1);
    assert_cache();
    pthread_mutex_unlock(&lock);
    return bytes;
}

void art_cache_leave(uint64_t setting) {
    art_cache_resize(setting, 0);
    pthread_mutex_lock(&lock);
    art_cached_memory_leave();
    assert_cache();
    pthread_mutex_unlock(&lock);
}

void art_cache_abandon(void) {
    pthread_mutex_init(&lock, NULL);
    buckets = NULL;
    bucket_count = listed = entries = idle = 0;
    hand = NULL;
    art_cached_memory_abandon();
}

void art_cache_stats(struct art_cache_stats *out) {
    pthread_mutex_lock(&lock);
    *out = (struct art_cache_stats){.entries = entries, .idle = idle, .footers_kept = footers_kept};
    art_cached_memory_stats(out);
    assert_cache();
    pthread_mutex_unlock(&lock);
}
