/* Shards, references and eviction. cached_memory.c knows where buffers come from.
 *
 * Eviction is a clock with a little memory: an entry that is acquired gets some heat; each time the hand passes it
 * without references it loses one; cold, it first loses its leaf pages (a footer answers most of a descent, costs one
 * to three pages and gets one more round), then it goes. Entries that stores pin are not acquired again and again:
 * they have references, and come back into the round when the stores let go under pressure.
 */
#include "core/store/cache.h"

#include <assert.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/store/cached_memory.h"

enum {
    SHARDS = ART_CACHE_SHARDS,
    BUCKETS_FIRST = 64,
    HEAT = 2,
    HEAT_OF_FOOTER = 1,
    ROUNDS_MAX = HEAT + HEAT_OF_FOOTER + 3
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct art_cached **buckets;
    uint32_t bucket_count; /* power of two; 0: none yet */
    uint32_t listed;       /* entries in the table */
    uint32_t entries;      /* in the ring: also those taken out of the table that somebody still refers to */
    struct art_cached *hand;
};

_Atomic uint64_t art_cache_pressure;

static struct shard shards[SHARDS] = {
#define UNLOCKED                                                                                                       \
    { .lock = PTHREAD_MUTEX_INITIALIZER }
    UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED,
    UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED, UNLOCKED,
#undef UNLOCKED
};
static _Atomic uint64_t idle;      /* entries without references */
static _Atomic uint32_t turn;      /* the shard where the next sweep begins */
static _Atomic int64_t rest_at;    /* when art_cache_rest() looks at the next shard, in seconds; 0: not begun */
static _Atomic uint32_t rest_turn; /* that shard */

/* ---- the table of a shard ---------------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct art_cache_key *key) {
    uint64_t h = key->device * 0x9e3779b97f4a7c15u ^ key->inode;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u ^ key->slot;
    h = (h ^ h >> 32) * 0x94d049bb133111ebu;
    return h ^ h >> 29;
}

static struct shard *shard_of(const struct art_cache_key *key) {
    return &shards[hash_of(key) >> 60];
}

static struct art_cached **bucket_of(struct shard *shard, const struct art_cache_key *key) {
    return &shard->buckets[hash_of(key) & (shard->bucket_count - 1)];
}

static bool same_key(const struct art_cache_key *a, const struct art_cache_key *b) {
    return a->slot == b->slot && a->inode == b->inode && a->device == b->device;
}

static struct art_cached *find_cached(struct shard *shard, const struct art_cache_key *key) {
    if (!shard->bucket_count) return NULL;
    struct art_cached *entry = *bucket_of(shard, key);
    while (entry && !same_key(&entry->key, key)) entry = entry->chain;
    return entry;
}

/* Longer chains are no error: only the first table must be had. */
static enum art_rc grow_table(struct shard *shard) {
    uint32_t old_count = shard->bucket_count;
    if (shard->listed < old_count) return ART_OK;
    uint32_t count = old_count ? old_count * 4 : BUCKETS_FIRST;
    struct art_cached **old = shard->buckets, **grown = art_alloc_zeroed(count * sizeof *grown);
    if (!grown) return old_count ? ART_OK : art_nomem();
    shard->buckets = grown;
    shard->bucket_count = count;
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct art_cached *entry = old[i], *next; entry; entry = next) {
            next = entry->chain;
            struct art_cached **bucket = bucket_of(shard, &entry->key);
            entry->chain = *bucket;
            *bucket = entry;
        }
    }
    art_free(old);
    return ART_OK;
}

static void take_out(struct shard *shard, struct art_cached *entry) {
    if (!entry->listed) return;
    struct art_cached **at = bucket_of(shard, &entry->key);
    while (*at != entry) at = &(*at)->chain;
    *at = entry->chain;
    entry->listed = false;
    shard->listed--;
    if (!shard->listed) { /* nothing is kept for a cache that is not used */
        art_free(shard->buckets);
        shard->buckets = NULL;
        shard->bucket_count = 0;
    }
}

static void list(struct shard *shard, struct art_cached *entry) {
    struct art_cached **bucket = bucket_of(shard, &entry->key);
    entry->chain = *bucket;
    *bucket = entry;
    entry->listed = true;
    shard->listed++;
}

static void put_into_ring(struct shard *shard, struct art_cached *entry) {
    if (shard->hand) { /* behind the hand: the last that it comes to */
        entry->clock_next = shard->hand;
        entry->clock_prev = shard->hand->clock_prev;
        entry->clock_prev->clock_next = entry;
        shard->hand->clock_prev = entry;
    } else {
        shard->hand = entry->clock_next = entry->clock_prev = entry;
    }
    shard->entries++;
}

/* ---- the end of an entry ----------------------------------------------------------------------------------------- */

static void free_entry(struct art_cached *entry) {
    art_cached_memory_put(entry);
    pthread_mutex_destroy(&entry->loading);
    art_free(entry);
}

/* Takes an entry without references out of everything; the caller frees it, best outside the lock. */
static void remove_idle(struct shard *shard, struct art_cached *entry) {
    assert(!entry->references);
    take_out(shard, entry);
    if (entry->clock_next == entry) {
        shard->hand = NULL;
    } else {
        if (shard->hand == entry) shard->hand = entry->clock_next;
        entry->clock_prev->clock_next = entry->clock_next;
        entry->clock_next->clock_prev = entry->clock_prev;
    }
    shard->entries--;
    atomic_fetch_sub(&idle, 1);
}

/* ---- eviction ---------------------------------------------------------------------------------------------------- */

/* One step of the hand. True: the entry is gone. */
static bool cool(struct shard *shard, struct art_cached *entry) {
    if (entry->references) return false;
    if (entry->heat) {
        entry->heat--;
        return false;
    }
    if (!entry->whole && atomic_load(&entry->ready) && art_cached_memory_strip(entry)) {
        entry->heat = HEAT_OF_FOOTER;
        return false;
    }
    remove_idle(shard, entry);
    free_entry(entry);
    return true;
}

/* Once around a shard's ring, until there is room for `pages` or, with `entry_wanted`, until an entry went. */
static bool sweep_shard(struct shard *shard, uint64_t pages, bool entry_wanted) {
    bool done = false;
    pthread_mutex_lock(&shard->lock);
    for (uint32_t steps = shard->entries; steps && !done; steps--) {
        struct art_cached *entry = shard->hand;
        shard->hand = entry->clock_next;
        bool gone = cool(shard, entry);
        done = entry_wanted ? gone : art_cached_memory_could_fit(pages);
    }
    pthread_mutex_unlock(&shard->lock);
    return done;
}

/* `rounds` times around all rings, at most. */
static bool sweep(uint64_t pages, bool entry_wanted, unsigned rounds) {
    for (unsigned round = 0; round < rounds; round++) {
        uint32_t first = atomic_fetch_add(&turn, 1);
        for (uint32_t i = 0; i < SHARDS; i++) {
            if (!atomic_load(&idle)) return false;
            if (sweep_shard(&shards[(first + i) % SHARDS], pages, entry_wanted)) return true;
        }
    }
    return false;
}

/* More at once than is needed, of what is cold by then: who looks for pages nobody refers to walks the rings, and
 * stores that had to let go of all their pins look it up anew. */
static bool evict(uint64_t pages) {
    if (art_cached_memory_fits(pages)) return true;
    while (!art_cached_memory_fits(pages)) {
        if (!art_cached_memory_drop_spare() && !sweep(pages, false, ROUNDS_MAX)) return false;
    }
    sweep(pages + art_cached_memory_slack(), false, 1);
    return true;
}

static void make_room(uint64_t pages) {
    if (!evict(pages)) atomic_fetch_add(&art_cache_pressure, 1);
}

void art_cache_trim(void) {
    evict(0);
}

static void rest_shard(struct shard *shard) {
    pthread_mutex_lock(&shard->lock);
    struct art_cached *entry = shard->hand;
    for (uint32_t steps = shard->entries; steps && art_cached_memory_is_shared(); steps--) {
        struct art_cached *next = entry->clock_next;
        bool gone = !entry->references && entry->rested;
        entry->rested = !entry->references;
        if (gone) {
            remove_idle(shard, entry);
            free_entry(entry);
        }
        entry = next;
    }
    pthread_mutex_unlock(&shard->lock);
}

/* One shard at a time, since giving memory back takes some 0.2 ms a MB. What stores pin has no chance to rest: once in
 * a round they let go, and take anew what they use. */
void art_cache_rest(int64_t now) {
    int64_t at = atomic_load_explicit(&rest_at, memory_order_relaxed);
    if (now < at || !atomic_compare_exchange_strong(&rest_at, &at, now + ART_CACHE_REST / SHARDS) || !at) return;
    if (!art_cached_memory_is_shared()) return;
    uint32_t i = atomic_fetch_add(&rest_turn, 1) % SHARDS;
    rest_shard(&shards[i]);
    while (art_cached_memory_is_shared() && art_cached_memory_drop_spare()) {
    }
    if (!i) atomic_fetch_add(&art_cache_pressure, 1);
}

/* ---- references -------------------------------------------------------------------------------------------------- */

static struct art_cached *new_entry(const struct art_cache_key *key, struct art_hash128 hash, bool whole) {
    struct art_cached *entry = art_alloc_zeroed(sizeof *entry);
    if (!entry) return NULL;
    entry->key = *key;
    entry->hash = hash;
    entry->whole = whole;
    entry->references = 1;
    entry->heat = HEAT;
    bool done =
        art_cached_memory_get(entry, false) || (sweep(0, true, ROUNDS_MAX) && art_cached_memory_get(entry, false));
    if (!done) { /* all buffers are held: stores are to let go, and this one comes from the heap */
        atomic_fetch_add(&art_cache_pressure, 1);
        done = art_cached_memory_get(entry, true);
    }
    if (!done) {
        art_free(entry);
        return NULL;
    }
    pthread_mutex_init(&entry->loading, NULL);
    return entry;
}

/* Under the shard's lock. What has the key but another hash is taken out. */
static struct art_cached *reference(struct shard *shard, const struct art_cache_key *key, struct art_hash128 hash) {
    struct art_cached *entry = find_cached(shard, key);
    if (!entry) return NULL;
    if (!art_hash128_equal(entry->hash, hash)) {
        take_out(shard, entry);
        if (!entry->references) {
            remove_idle(shard, entry);
            free_entry(entry);
        }
        return NULL;
    }
    if (!entry->references++) atomic_fetch_sub(&idle, 1);
    entry->heat = HEAT;
    entry->rested = false;
    return entry;
}

enum art_rc art_cache_acquire(const struct art_cache_key *key, struct art_hash128 hash, bool whole,
                              struct art_cached **out) {
    struct shard *shard = shard_of(key);
    pthread_mutex_lock(&shard->lock);
    *out = reference(shard, key, hash);
    pthread_mutex_unlock(&shard->lock);
    if (*out) return ART_OK;
    struct art_cached *fresh = new_entry(key, hash, whole);
    if (!fresh) return art_nomem();
    pthread_mutex_lock(&shard->lock);
    enum art_rc rc = ART_OK;
    *out = reference(shard, key, hash); /* somebody was faster? */
    if (!*out) {
        rc = grow_table(shard);
        if (!rc) {
            list(shard, fresh);
            put_into_ring(shard, fresh);
            *out = fresh;
            fresh = NULL;
        }
    }
    pthread_mutex_unlock(&shard->lock);
    if (fresh) free_entry(fresh);
    return rc;
}

/* ---- ahead of their use ------------------------------------------------------------------------------------------ */

static bool has_all(struct art_cached *entry) {
    if (!atomic_load_explicit(&entry->ready, memory_order_acquire)) return false;
    uint32_t pages = entry->blob.leaf_pages, present = 0;
    for (unsigned i = 0; i < 2; i++) present += (uint32_t)__builtin_popcountll(atomic_load(&entry->blob.present[i]));
    return present == pages;
}

/* The listed entry of key and hash, if all of the blob is there. Under the shard's lock. */
static struct art_cached *find_complete(struct shard *shard, const struct art_cache_key *key, struct art_hash128 hash) {
    struct art_cached *entry = find_cached(shard, key);
    return entry && art_hash128_equal(entry->hash, hash) && has_all(entry) ? entry : NULL;
}

/* Room first: what goes for it leaves its buffer, which is taken over with its memory. */
struct art_cached *art_cache_prepare(const struct art_cache_key *key, struct art_hash128 hash, bool large,
                                     bool *complete) {
    struct shard *shard = shard_of(key);
    pthread_mutex_lock(&shard->lock);
    *complete = find_complete(shard, key, hash) != NULL;
    pthread_mutex_unlock(&shard->lock);
    if (*complete) return NULL;
    if (!art_cached_memory_could_fit(ART_BLOB_PAGES) && !sweep(ART_BLOB_PAGES, false, ROUNDS_MAX)) return NULL;
    struct art_cached *entry = new_entry(key, hash, large);
    if (!entry) return NULL;
    entry->heat = 0;
    pthread_mutex_lock(&shard->lock);
    put_into_ring(shard, entry);
    pthread_mutex_unlock(&shard->lock);
    return entry;
}

struct art_cached *art_cache_publish(struct art_cached *entry) {
    struct shard *shard = shard_of(&entry->key);
    assert(!entry->listed && atomic_load(&entry->ready));
    pthread_mutex_lock(&shard->lock);
    struct art_cached *other = find_complete(shard, &entry->key, entry->hash);
    if (other) {
        other = reference(shard, &entry->key, entry->hash);
    } else {
        struct art_cached *part = find_cached(shard, &entry->key); /* or of another hash */
        if (part) take_out(shard, part);
        bool useless = part && !part->references;
        if (useless) remove_idle(shard, part);
        if (!grow_table(shard)) list(shard, entry); /* else it goes when its user lets go */
        if (useless) free_entry(part);
    }
    pthread_mutex_unlock(&shard->lock);
    if (!other) return entry;
    art_cache_release(entry);
    return other;
}

static void release_entry(struct art_cached *entry, bool superseded) {
    struct shard *shard = shard_of(&entry->key);
    pthread_mutex_lock(&shard->lock);
    assert(entry->references);
    bool last = !--entry->references;
    if (last) atomic_fetch_add(&idle, 1);
    if (superseded) entry->heat = 0;
    bool useless = superseded || !entry->listed || !atomic_load(&entry->ready);
    if (last && useless) remove_idle(shard, entry);
    pthread_mutex_unlock(&shard->lock);
    if (last && useless) {
        free_entry(entry);
    } else if (last) {
        art_cache_trim(); /* it may have been what kept the cache above its limit */
    }
}

void art_cache_release(struct art_cached *entry) {
    release_entry(entry, false);
}

void art_cache_release_superseded(struct art_cached *entry) {
    release_entry(entry, true);
}

uint32_t art_cache_touch(struct art_cached *entry, uint32_t first, uint32_t n) {
    uint32_t fresh = art_cached_memory_missing(entry, first, n);
    if (fresh) make_room(fresh);
    art_cached_memory_charge(entry, first, n);
    return fresh;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

uint64_t art_cache_part(uint64_t setting) {
    return art_cached_memory_part(setting);
}

uint64_t art_cache_join(uint64_t setting) {
    return art_cached_memory_join(setting);
}

uint64_t art_cache_resize(uint64_t old_setting, uint64_t new_setting) {
    uint64_t bytes = art_cached_memory_resize(old_setting, new_setting);
    make_room(0);
    return bytes;
}

void art_cache_leave(uint64_t setting) {
    art_cached_memory_resize(setting, 0);
    make_room(0);
    art_cached_memory_leave();
}

void art_cache_abandon(void) {
    for (unsigned i = 0; i < SHARDS; i++) {
        shards[i] = (struct shard){.bucket_count = 0};
        pthread_mutex_init(&shards[i].lock, NULL);
    }
    atomic_store(&idle, 0);
    atomic_store(&rest_at, 0);
    art_cached_memory_abandon();
}

bool art_cache_room(uint64_t pages) {
    return art_cached_memory_could_fit(pages);
}

bool art_cache_is_full(void) {
    return art_cached_memory_is_full();
}

void art_cache_stats(struct art_cache_stats *out) {
    *out = (struct art_cache_stats){.idle = atomic_load(&idle)};
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&shards[i].lock);
        out->entries += shards[i].entries;
        pthread_mutex_unlock(&shards[i].lock);
    }
    art_cached_memory_stats(&out->bytes, &out->limit);
}

/* ---- for tests and people ---------------------------------------------------------------------------------------- */

/* Counts a shard's entries, those without references and the pages that they are charged for. */
static const char *wrong_in(struct shard *shard, uint64_t *free_entries, uint64_t *pages) {
    uint32_t listed = 0, chained = 0, entries = 0;
    struct art_cached *entry = shard->hand;
    for (uint32_t i = 0; i < shard->entries; i++, entry = entry->clock_next) {
        if (!entry || entry->clock_next->clock_prev != entry) return "a ring of entries is broken";
        if (shard_of(&entry->key) != shard) return "an entry is in the wrong shard";
        if (entry->listed && find_cached(shard, &entry->key) != entry) return "an entry is not found by its key";
        if (!entry->listed && !entry->references) return "an entry that nobody can reach";
        listed += entry->listed;
        entries++;
        *free_entries += !entry->references;
        *pages += (uint64_t)(__builtin_popcountll(entry->touched[0]) + __builtin_popcountll(entry->touched[1]));
    }
    if (entry != shard->hand) return "a ring has more entries than were counted";
    for (uint32_t b = 0; b < shard->bucket_count; b++) {
        for (entry = shard->buckets[b]; entry; entry = entry->chain) chained++;
    }
    return listed == shard->listed && chained == listed ? NULL : "the number of listed entries is wrong";
}

enum art_rc art_cache_check(void) {
    uint64_t free_entries = 0, pages = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&shards[i].lock);
        const char *wrong = wrong_in(&shards[i], &free_entries, &pages);
        pthread_mutex_unlock(&shards[i].lock);
        if (wrong) return art_fail(ART_MISUSE, "art: the cache's shard %u: %s", i, wrong);
    }
    if (free_entries != atomic_load(&idle))
        return art_fail(ART_MISUSE, "art: the cache miscounts what nobody refers to");
    return art_cached_memory_check(pages);
}
