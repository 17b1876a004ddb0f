/* Buffers for blobs: 512 KB each, aligned to 4 KB at least, from one slab with a lock-free free list, from the heap
 * when the slab is empty.
 *
 *   slab   [ slot 0 | slot 1 | ... ]         mapped once, at a multiple of 512 KB, at most 65,536 slots; memory is
 *                                            taken when a page is touched
 *   free   which slots are free: a lock-free list, last in, first out (free_list.h)
 *
 * Get and put are safe from any thread.
 *
 * A ring may register the slab (io_uring registered buffers): its first slots, which are also handed out first.
 * Registration touches and pins memory, so a ring takes 16 MB at most, and less where RLIMIT_MEMLOCK says so (8 MB on
 * many systems).
 */
#ifndef ART_IO_BLOB_POOL_H
#define ART_IO_BLOB_POOL_H

#include "core/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ART_BLOB_SIZE = 512 * 1024, ART_POOL_SLOTS_MAX = 65536 };

struct art_blob_pool;

/* A buffer. `data` is ART_BLOB_SIZE bytes. Small and passed around by pointer; owned by the caller that got it. */
struct art_blob_buf {
    uint8_t *data;
    struct art_blob_pool *pool; /* where put() brings it back to */
    int32_t slot;               /* of the slab, -1: from the heap */
};

/* slots 0..ART_POOL_SLOTS_MAX; 0 is a pool that only uses the heap. ART_NOMEM when the slab cannot be mapped;
 * *out is NULL then. */
enum art_rc art_blob_pool_open(struct art_blob_pool **out, uint32_t slots);
/* All buffers must be back. NULL is fine. */
void art_blob_pool_close(struct art_blob_pool *pool);

/* Uninitialised; zeroed (all of it); a copy of `from`'s first and last bytes as given by `used_front`, `used_back`. To
 * be given back by art_blob_buf_put(). ART_NOMEM, and *out is cleared. */
enum art_rc art_blob_buf_get(struct art_blob_pool *pool, struct art_blob_buf *out);
enum art_rc art_blob_buf_get_zeroed(struct art_blob_pool *pool, struct art_blob_buf *out);
/* Gives the buffer back; `buf` is cleared. A cleared buffer is fine. */
void art_blob_buf_put(struct art_blob_buf *buf);
/* Tells the system that the pages [offset, offset + len) of a buffer that is out may lose their content and memory
 * (MADV_DONTNEED): they read as zeroes, or as before, afterwards. For the cache. */
void art_blob_buf_discard(struct art_blob_buf *buf, uint32_t offset, uint32_t len);

struct art_blob_pool_stats {
    uint32_t slots, free; /* `free` is exact only while nobody else works on the pool */
    uint64_t from_heap;   /* buffers out now that came from the heap */
};
/* For tests, and the check at the end. */
void art_blob_pool_stats(const struct art_blob_pool *pool, struct art_blob_pool_stats *out);

/* For the ring: the slab as one range of `slots` blobs; NULL and 0 where there is none. */
void art_blob_pool_slab(const struct art_blob_pool *pool, uint8_t **base, uint32_t *slots);
/* For the ring, before it registers the first `slots` slots: from now on their pages stay where they are, and
 * art_blob_buf_discard() leaves them alone. */
void art_blob_pool_register(struct art_blob_pool *pool, uint32_t slots);

/* Asks for 2 MB pages under the slab: searches that jump between many cached blobs miss the TLB otherwise. Memory
 * then comes in steps of 2 MB, and what was discarded may come back zeroed. False when there is no slab or the system
 * has none. */
bool art_blob_pool_use_huge_pages(struct art_blob_pool *pool);
/* Asks for none of them, also where the system gives them to everybody: of most slots only a few pages are used. */
void art_blob_pool_use_small_pages(struct art_blob_pool *pool);

#endif
