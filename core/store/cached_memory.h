/* Where the cache's images have their memory, and what it costs.
 *
 *   pools      slabs of address space: one kind in large pages for blobs that are read whole, one in small pages for
 *              blobs of which single pages are read. A slab more is mapped when the cache has grown out of those there
 *              are
 *   spare      buffers of blobs that went, still with their memory: the next blob does not fault it in again
 *   charged    pages that have memory, in entries and in spare buffers; compared with the limit
 *
 * All calls are safe from any thread; one lock, taken when entries come and go and never for a page.
 */
#ifndef ART_STORE_CACHED_MEMORY_H
#define ART_STORE_CACHED_MEMORY_H

#include "core/store/cache.h"

/* A buffer for entry->whole, its `touched` set. False: all slabs are used up (then `heap` gets one from the heap,
 * charged whole) or there is no memory; no message. */
bool art_cached_memory_get(struct art_cached *entry, bool heap);
/* Takes the entry's buffer back, to be a spare one, with its memory, which stays charged, or to give that back. */
void art_cached_memory_put(struct art_cached *entry);
/* Gives the memory of all leaf pages back, which are then not present; false: there was none, or it can't be. Nobody
 * refers to the entry, which is ready. */
bool art_cached_memory_strip(struct art_cached *entry);

/* How many of pages [first, first + n) have no memory yet; and charging for these. Who calls guards the entry's
 * `touched`. */
uint32_t art_cached_memory_missing(const struct art_cached *entry, uint32_t first, uint32_t n);
void art_cached_memory_charge(struct art_cached *entry, uint32_t first, uint32_t n);

/* Does the limit allow so many more pages: now; if all spare buffers went? */
bool art_cached_memory_fits(uint64_t pages);
bool art_cached_memory_could_fit(uint64_t pages);
/* Pages that are taken from the cache at once when it must lose some; is less than twice that free? */
uint64_t art_cached_memory_slack(void);
bool art_cached_memory_is_full(void);
/* Is more in use than the stores' own settings allow, so that a part of it is of the share that all have? */
bool art_cached_memory_is_shared(void);
/* Gives a spare buffer's memory back; false: there is none. */
bool art_cached_memory_drop_spare(void);

/* Of so many bytes of memory, those that all stores with ART_CACHE_AUTO have together. */
uint64_t art_cached_memory_share(uint64_t memory);
/* What a store may keep from the others while it rests: its setting, or its part of the common share. */
uint64_t art_cached_memory_part(uint64_t setting);
/* `setting`: bytes, or ART_CACHE_AUTO. Returns the bytes that the store may count on. A store that goes changes its
 * setting to 0, and then leaves. */
uint64_t art_cached_memory_join(uint64_t setting);
uint64_t art_cached_memory_resize(uint64_t old_setting, uint64_t new_setting);
/* One store less. When the last one has gone and no entry is left, the slabs go too. */
void art_cached_memory_leave(void);
/* For the child of a fork(): forgets everything without touching it. */
void art_cached_memory_abandon(void);

/* Bytes that are charged, and that are allowed, of the process. */
void art_cached_memory_stats(uint64_t *bytes, uint64_t *limit);
/* `pages`: what all entries together are charged for. ART_MISUSE says what is miscounted. Nobody else works on the
 * cache. */
enum art_rc art_cached_memory_check(uint64_t pages);

#endif
