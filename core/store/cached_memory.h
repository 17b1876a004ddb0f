/* Where the cache's images have their memory, and what it costs.
 *
 *   slabs      address space, with large pages for blobs that are read whole, with small ones for blobs of which single
 *              pages are read: one footer in a page of 2 MB would take all of it. A slab more is mapped when the cache
 *              has grown out of those there are
 *   spare      buffers of whole blobs that went, still with their memory: the next one does not fault it in again
 *   charged    pages that have memory, in entries and in spare buffers; compared with the limit
 *
 * Measured (2026-11-26, the processor's time, both ways in turn in one process): all in small pages point reads in two
 * and in eight million rows take 1.13 times as long, a load 1.03, walks the same. Without spare buffers a load in
 * random order, and updates, take 1.11 to 1.13 times as long, and a walk past a cache of an eighth of the data 1.15.
 *
 * Private to cache.c, which holds its lock in all calls but the questions, and to charge.
 */
#ifndef ART_STORE_CACHED_MEMORY_H
#define ART_STORE_CACHED_MEMORY_H

#include "core/store/cache.h"

/* A buffer for the entry, its `touched` set. False: all slabs are used up (then `heap` gets one from the heap, charged
 * whole) or there is no memory; no message. */
bool art_cached_memory_get(struct art_cached *entry, bool heap);
/* The system has no address space for slabs, as the browser: all buffers come from the heap. Known behind the first. */
bool art_cached_memory_is_heap(void);
/* Takes the entry's buffer back, to be a spare one, with its memory, which stays charged, or to give that back. */
void art_cached_memory_put(struct art_cached *entry);
/* Gives the memory of all leaf pages back, which are then not present; false: there was none, or it can't be. Nobody
 * refers to the entry, which is ready. */
bool art_cached_memory_strip(struct art_cached *entry);

/* How many of pages [first, first + n) have no memory yet; and charging for these. The caller guards the
 * entry's `touched`. */
uint32_t art_cached_memory_missing(const struct art_cached *entry, uint32_t first, uint32_t n);
void art_cached_memory_charge(struct art_cached *entry, uint32_t first, uint32_t n);

/* Does the limit allow so many more pages, with the spare buffers as they are? art_cache_allows() asks as if these had
 * been given back. */
bool art_cached_memory_fits(uint64_t pages);
/* Gives a spare buffer's memory back; false: there is none. */
bool art_cached_memory_drop_spare(void);

/* Of so many bytes of memory, those that all stores with ART_CACHE_AUTO have together. */
uint64_t art_cached_memory_share(uint64_t memory);
/* Another store; a store's new setting instead of its old one, where 0 is none. Returned are the bytes that it may
 * count on. One store less, whose setting is 0: with the last one, and when no entry is left, the slabs go, too. */
uint64_t art_cached_memory_join(uint64_t setting);
uint64_t art_cached_memory_resize(uint64_t old_setting, uint64_t new_setting);
void art_cached_memory_leave(void);
/* For the child of a fork(): forgets everything without touching it. */
void art_cached_memory_abandon(void);

/* All but the entries. */
void art_cached_memory_stats(struct art_cache_stats *out);

#endif
