/* The cache: the one process-wide object. Verified blobs, or parts of them, by file and slot.
 *
 *   key {device, inode, slot}  ->  entry {hash, image, present pages, references}
 *
 * An entry is asked for with the hash that the reference gives: one whose hash differs (a rolled back flush may have
 * used the same slot and generation) is taken out and replaced. Entries with references stay; of the others those that
 * nobody uses lose first their leaf pages, then everything, as soon as the pages in use pass the limit: the sum of the
 * open stores' settings, and one share of the machine's memory for all with ART_CACHE_AUTO. Where references keep the
 * cache above its limit, `art_cache_pressure` counts up: every store that sees it changed unpins what it has between
 * two operations. Searches go past a full cache (bypass.c).
 *
 * What is read ahead of its use gets an entry of its own, of which nobody else knows until it was verified and is
 * published: so no lock is held while a read is under way, however long its connection is idle.
 *
 * The cache does no I/O. Who acquires an entry that is not ready locks `loading`, looks again, says with
 * art_cache_touch() which pages it is going to fill, reads them into the image, opens the blob and sets `ready`.
 * Later leaf pages are filled in the same way. Lock order: `loading`, then the cache's own lock.
 */
#ifndef ART_STORE_CACHE_H
#define ART_STORE_CACHE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/blob/blob.h"
#include "core/io/blob_pool.h"

struct art_cache_key {
    uint64_t device, inode;
    uint32_t slot;
};

struct art_cached {
    struct art_blob blob;    /* set by who made it ready; its `present` bits grow. Readers work on copies. */
    pthread_mutex_t loading; /* guards filling the image */
    _Atomic bool ready;      /* the blob's head is verified, `blob` is set */
    uint8_t waited;          /* reads of leaf pages in rows that the host had to wait for; under `loading` */
    /* (private to cache.c) */
    struct art_cache_key key;
    struct art_hash128 hash;
    struct art_blob_buf buffer;
    struct art_pages touched; /* pages of the buffer that have memory: what the entry is charged for */
    uint32_t references;
    bool used;                                  /* since the clock's hand came by */
    bool large;                                 /* in large pages, for a whole blob */
    bool listed;                                /* in the hash table */
    bool stripped;                              /* of its leaf pages, and nobody has asked for it since */
    struct art_cached *chain;                   /* the next of its bucket in the hash table */
    struct art_cached *clock_next, *clock_prev; /* the ring of all entries */
};

/* A store is opened, its setting (bytes, or ART_CACHE_AUTO) changes, it is closed; each once, with the setting that was
 * given last. Returned are the bytes that it may count on. Changing and closing evict what is beyond the new limit. */
uint64_t art_cache_join(uint64_t setting);
uint64_t art_cache_resize(uint64_t old_setting, uint64_t new_setting);
void art_cache_leave(uint64_t setting);

/* What a store of that setting may keep from the others while it is idle, in bytes. No lock, as the next two. */
uint64_t art_cache_part(uint64_t setting);
/* Would so many more pages fit without evicting anything? */
bool art_cache_allows(uint64_t pages);

/* *out: the entry, with a counted reference, made if there is none, and then not ready; an entry with another hash is
 * taken out. ART_NOMEM: *out is NULL. `large`: for a blob that will be filled at once, so that its memory may be in
 * large pages. */
enum art_rc art_cache_acquire(const struct art_cache_key *key, struct art_hash128 hash, bool large,
                              struct art_cached **out);
/* One reference less. With the last one an entry goes that is not ready or not in the table; another one stays until it
 * is evicted. */
void art_cache_release(struct art_cached *cached);
/* An entry (`large`: in large pages) for a whole blob that only the caller knows, cold, with one reference, if the
 * limit allows it; else NULL, and also where all of the blob is in the cache (*complete). It goes with its release,
 * unless it was published before. */
struct art_cached *art_cache_prepare(const struct art_cache_key *key, struct art_hash128 hash, bool large,
                                     bool *complete);
/* What was prepared, now that it is ready: everybody's from here on. Returns the entry to use, with the reference:
 * another one if somebody was faster, and then the caller's is gone. */
struct art_cached *art_cache_publish(struct art_cached *cached);
/* Releases a superseded entry, and drops it if nobody else refers to it. */
void art_cache_release_superseded(struct art_cached *cached);

/* Drops all entries of a file that is no more; those that somebody refers to go with their last reference. */
void art_cache_forget(const struct art_cache_key *of_file);

/* Room for pages [first, first + n) of the image, before they are filled; `loading` is held. Never fails: what is
 * held must be loaded, and the pressure goes up. Returns how many pages are charged anew. */
uint32_t art_cache_touch(struct art_cached *cached, uint32_t first, uint32_t n);
/* Evicts entries that nobody refers to, until the limit is kept. */
void art_cache_trim(void);

/* The entry's image, of ART_BLOB_SIZE bytes; only pages that are present may be read. */
static inline uint8_t *art_cached_image(const struct art_cached *cached) {
    return cached->buffer.data;
}

extern _Atomic uint64_t art_cache_pressure;

/* For the child of a fork(): forgets everything without touching it. */
void art_cache_abandon(void);

struct art_cache_stats {
    uint64_t bytes, limit;                /* charged; allowed */
    uint64_t entries, idle;               /* all; without references */
    uint64_t footers_kept, spares, large; /* as in struct art_counters */
};
void art_cache_stats(struct art_cache_stats *out);

#endif
