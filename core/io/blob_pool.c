/* The slab and the heap behind it; the list of free slots is free_list.h. */
#include "core/io/blob_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/platform.h"
#include "core/io/free_list.h"
#include "core/io/io.h"

/* Under AddressSanitizer a slot that was given back may not be touched. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ART_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ART_ASAN 1
#endif
#ifdef ART_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

struct art_blob_pool {
    struct art_free_list free;
    _Alignas(64) _Atomic uint64_t from_heap;
    uint8_t *slab;
    uint32_t slots;
    uint32_t pinned; /* slots from 0 on whose pages a ring holds; guarded by register_lock */
    pthread_mutex_t register_lock;
};

static uint8_t *slot_data(const struct art_blob_pool *pool, uint32_t slot) {
    assert(slot < pool->slots);
    return pool->slab + (size_t)slot * ART_BLOB_SIZE;
}

enum art_rc art_blob_pool_open(struct art_blob_pool **out, uint32_t slots) {
    assert(slots <= ART_POOL_SLOTS_MAX);
    *out = NULL;
    struct art_blob_pool *pool = art_alloc_aligned(sizeof *pool, _Alignof(struct art_blob_pool));
    if (!pool) return art_nomem();
    memset(pool, 0, sizeof *pool);
    pthread_mutex_init(&pool->register_lock, NULL);
    *out = pool;
    if (!slots) return ART_OK;
    pool->free.next = art_alloc(slots * sizeof *pool->free.next);
    /* at a multiple of the blob's size: a pointer into a blob leads to its start */
    pool->slab = pool->free.next ? art_platform_reserve((size_t)slots * ART_BLOB_SIZE, ART_BLOB_SIZE) : NULL;
    if (!pool->slab) {
        art_blob_pool_close(pool);
        *out = NULL;
        return art_nomem();
    }
    pool->slots = slots;
    assert((uintptr_t)pool->slab % ART_BLOB_SIZE == 0);
    art_free_list_fill(&pool->free, slots);
    ASAN_POISON_MEMORY_REGION(pool->slab, (size_t)slots * ART_BLOB_SIZE);
    return ART_OK;
}

void art_blob_pool_close(struct art_blob_pool *pool) {
    if (!pool) return;
    art_rings_forget(pool);
#ifndef NDEBUG
    struct art_blob_pool_stats stats;
    art_blob_pool_stats(pool, &stats);
    assert(stats.free == stats.slots && !stats.from_heap);
#endif
    if (pool->slab) {
        ASAN_UNPOISON_MEMORY_REGION(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE);
        art_platform_release(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE);
    }
    art_free(pool->free.next);
    pthread_mutex_destroy(&pool->register_lock);
    art_free_aligned(pool);
}

enum art_rc art_blob_buf_get(struct art_blob_pool *pool, struct art_blob_buf *out) {
    int32_t slot = art_free_list_pop(&pool->free);
    if (slot >= 0 && !art_platform_commit(slot_data(pool, (uint32_t)slot), ART_BLOB_SIZE)) {
        art_free_list_push(&pool->free, (uint32_t)slot);
        slot = -1;
    }
    if (slot >= 0) {
        *out = (struct art_blob_buf){slot_data(pool, (uint32_t)slot), pool, slot};
        ASAN_UNPOISON_MEMORY_REGION(out->data, ART_BLOB_SIZE);
        return ART_OK;
    }
    *out = (struct art_blob_buf){art_alloc_aligned(ART_BLOB_SIZE, ART_PAGE), pool, -1};
    if (!out->data) {
        *out = (struct art_blob_buf){NULL, NULL, -1};
        return art_nomem();
    }
    atomic_fetch_add_explicit(&pool->from_heap, 1, memory_order_relaxed);
    assert((uintptr_t)out->data % ART_PAGE == 0);
    return ART_OK;
}

enum art_rc art_blob_buf_get_zeroed(struct art_blob_pool *pool, struct art_blob_buf *out) {
    enum art_rc rc = art_blob_buf_get(pool, out);
    if (!rc) memset(out->data, 0, ART_BLOB_SIZE);
    return rc;
}

void art_blob_buf_put(struct art_blob_buf *buf) {
    struct art_blob_pool *pool = buf->pool;
    assert(!pool == !buf->data);
    if (pool && buf->slot >= 0) {
        assert((uint32_t)buf->slot < pool->slots && buf->data == slot_data(pool, (uint32_t)buf->slot));
        ASAN_POISON_MEMORY_REGION(buf->data, ART_BLOB_SIZE);
        art_free_list_push(&pool->free, (uint32_t)buf->slot);
    } else if (pool) {
        assert(atomic_load(&pool->from_heap));
        art_free_aligned(buf->data);
        atomic_fetch_sub_explicit(&pool->from_heap, 1, memory_order_relaxed);
    }
    *buf = (struct art_blob_buf){NULL, NULL, -1};
}

/* A pinned page must stay where it is: a ring would go on using the old one while the program sees a new one. */
void art_blob_buf_discard(struct art_blob_buf *buf, uint32_t offset, uint32_t len) {
    assert(offset <= ART_BLOB_SIZE && len <= ART_BLOB_SIZE - offset);
    struct art_blob_pool *pool = buf->pool;
    pthread_mutex_lock(&pool->register_lock);
    if (buf->slot >= 0 && (uint32_t)buf->slot >= pool->pinned) art_platform_discard(buf->data + offset, len);
    pthread_mutex_unlock(&pool->register_lock);
}

void art_blob_pool_stats(const struct art_blob_pool *pool, struct art_blob_pool_stats *out) {
    *out = (struct art_blob_pool_stats){
        .slots = pool->slots,
        .free = art_free_list_count(&pool->free, pool->slots),
        .from_heap = atomic_load(&pool->from_heap),
    };
}

void art_blob_pool_slab(const struct art_blob_pool *pool, uint8_t **base, uint32_t *slots) {
    assert(!pool->slots == !pool->slab);
    *base = pool->slab;
    *slots = pool->slots;
}

void art_blob_pool_register(struct art_blob_pool *pool, uint32_t slots) {
    assert(slots <= pool->slots);
    pthread_mutex_lock(&pool->register_lock);
    if (slots > pool->pinned) pool->pinned = slots;
    pthread_mutex_unlock(&pool->register_lock);
}

void art_blob_pool_use_small_pages(struct art_blob_pool *pool) {
    if (pool->slab) art_platform_huge_pages(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE, false);
}

bool art_blob_pool_use_huge_pages(struct art_blob_pool *pool) {
    return pool->slab && art_platform_huge_pages(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE, true);
}
