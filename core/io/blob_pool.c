/* The slab, its free list and the heap behind it. */
#include "core/io/blob_pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

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

enum { HEAP_ALIGNMENT = 4096 };

struct art_blob_pool {
    _Alignas(64) _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t from_heap;
    _Atomic uint32_t *next; /* of each free slot: index + 1 of the next, 0: the last */
    uint8_t *slab;
    uint32_t slots;
    uint32_t pinned; /* slots from 0 on whose pages a ring holds; guarded by pin_lock */
    pthread_mutex_t pin_lock;
};

static uint8_t *slot_data(const struct art_blob_pool *pool, uint32_t slot) {
    return pool->slab + (size_t)slot * ART_BLOB_SIZE;
}

/* One more tag, and this slot (index + 1) on top. */
static uint64_t new_head(uint64_t old, uint32_t top) {
    return ((old >> 32) + 1) << 32 | top;
}

/* Address space only, at a multiple of the blob's size: a pointer into a blob leads to its start. */
static uint8_t *map_slab(uint32_t slots) {
    size_t wanted = (size_t)slots * ART_BLOB_SIZE, mapped = wanted + ART_BLOB_SIZE;
    uint8_t *raw = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    size_t before = (size_t)(-(uintptr_t)raw & (ART_BLOB_SIZE - 1));
    if (before) munmap(raw, before);
    munmap(raw + before + wanted, mapped - before - wanted);
    return raw + before;
}

int art_blob_pool_open(struct art_blob_pool **out, uint32_t slots) {
    *out = NULL;
    if (slots > ART_POOL_SLOTS_MAX) {
        return art_fail(ART_MISUSE, "art: a pool of %u blobs: at most %d", slots, ART_POOL_SLOTS_MAX);
    }
    struct art_blob_pool *pool = art_alloc_aligned(sizeof *pool, _Alignof(struct art_blob_pool));
    if (!pool) return art_nomem();
    memset(pool, 0, sizeof *pool);
    pthread_mutex_init(&pool->pin_lock, NULL);
    *out = pool;
    if (!slots) return ART_OK;
    pool->next = art_alloc(slots * sizeof *pool->next);
    pool->slab = pool->next ? map_slab(slots) : NULL;
    if (!pool->slab) {
        art_blob_pool_close(pool);
        *out = NULL;
        return art_nomem();
    }
    pool->slots = slots;
    for (uint32_t i = 0; i < slots; i++) atomic_init(&pool->next[i], i + 1 < slots ? i + 2 : 0);
    atomic_init(&pool->head, 1);
    ASAN_POISON_MEMORY_REGION(pool->slab, (size_t)slots * ART_BLOB_SIZE);
    return ART_OK;
}

void art_blob_pool_close(struct art_blob_pool *pool) {
    if (!pool) return;
#ifndef NDEBUG
    struct art_blob_pool_stats stats;
    art_blob_pool_stats(pool, &stats);
    assert(stats.free == stats.slots && !stats.from_heap);
#endif
    if (pool->slab) {
        ASAN_UNPOISON_MEMORY_REGION(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE);
        munmap(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE);
    }
    art_free(pool->next);
    pthread_mutex_destroy(&pool->pin_lock);
    art_free_aligned(pool);
}

/* The slot on top of the free list, -1: it is empty. A stale `next` of a slot that was taken meanwhile may be read here;
 * the tag then makes the exchange fail. */
static int32_t pop(struct art_blob_pool *pool) {
    uint64_t old = atomic_load_explicit(&pool->head, memory_order_acquire);
    for (;;) {
        uint32_t top = (uint32_t)old;
        if (!top) return -1;
        uint32_t below = atomic_load_explicit(&pool->next[top - 1], memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&pool->head, &old, new_head(old, below), memory_order_acquire,
                                                  memory_order_acquire)) {
            return (int32_t)(top - 1);
        }
    }
}

static void push(struct art_blob_pool *pool, uint32_t slot) {
    uint64_t old = atomic_load_explicit(&pool->head, memory_order_relaxed);
    do {
        atomic_store_explicit(&pool->next[slot], (uint32_t)old, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&pool->head, &old, new_head(old, slot + 1), memory_order_release,
                                                    memory_order_relaxed));
}

int art_blob_buf_get(struct art_blob_pool *pool, struct art_blob_buf *out) {
    int32_t slot = pop(pool);
    if (slot >= 0) {
        *out = (struct art_blob_buf){slot_data(pool, (uint32_t)slot), pool, slot};
        ASAN_UNPOISON_MEMORY_REGION(out->data, ART_BLOB_SIZE);
        return ART_OK;
    }
    *out = (struct art_blob_buf){art_alloc_aligned(ART_BLOB_SIZE, HEAP_ALIGNMENT), pool, -1};
    if (!out->data) {
        *out = (struct art_blob_buf){NULL, NULL, -1};
        return art_nomem();
    }
    atomic_fetch_add_explicit(&pool->from_heap, 1, memory_order_relaxed);
    return ART_OK;
}

int art_blob_buf_get_zeroed(struct art_blob_pool *pool, struct art_blob_buf *out) {
    int rc = art_blob_buf_get(pool, out);
    if (!rc) memset(out->data, 0, ART_BLOB_SIZE);
    return rc;
}

int art_blob_buf_clone(struct art_blob_pool *pool, const struct art_blob_buf *from, uint32_t used_front,
                       uint32_t used_back, struct art_blob_buf *out) {
    assert(used_front <= ART_BLOB_SIZE && used_back <= ART_BLOB_SIZE);
    int rc = art_blob_buf_get(pool, out);
    if (rc) return rc;
    memcpy(out->data, from->data, used_front);
    memcpy(out->data + ART_BLOB_SIZE - used_back, from->data + ART_BLOB_SIZE - used_back, used_back);
    return ART_OK;
}

int art_blob_buf_zeroed_like(const struct art_blob_buf *like, struct art_blob_buf *out) {
    return art_blob_buf_get_zeroed(like->pool, out);
}

void art_blob_buf_put(struct art_blob_buf *buf) {
    struct art_blob_pool *pool = buf->pool;
    if (pool && buf->slot >= 0) {
        assert((uint32_t)buf->slot < pool->slots && buf->data == slot_data(pool, (uint32_t)buf->slot));
        ASAN_POISON_MEMORY_REGION(buf->data, ART_BLOB_SIZE);
        push(pool, (uint32_t)buf->slot);
    } else if (pool) {
        art_free_aligned(buf->data);
        atomic_fetch_sub_explicit(&pool->from_heap, 1, memory_order_relaxed);
    }
    *buf = (struct art_blob_buf){NULL, NULL, -1};
}

/* A pinned page must stay where it is: a ring would go on using the old one while the program sees a new one. */
void art_blob_buf_discard(struct art_blob_buf *buf, uint32_t offset, uint32_t len) {
    assert(offset <= ART_BLOB_SIZE && len <= ART_BLOB_SIZE - offset);
    struct art_blob_pool *pool = buf->pool;
    pthread_mutex_lock(&pool->pin_lock);
    if (buf->slot < 0 || (uint32_t)buf->slot >= pool->pinned) madvise(buf->data + offset, len, MADV_DONTNEED);
    pthread_mutex_unlock(&pool->pin_lock);
}

void art_blob_pool_stats(const struct art_blob_pool *pool, struct art_blob_pool_stats *out) {
    *out = (struct art_blob_pool_stats){.slots = pool->slots, .from_heap = atomic_load(&pool->from_heap)};
    uint32_t at = (uint32_t)atomic_load(&pool->head);
    while (at && out->free < pool->slots) {
        out->free++;
        at = atomic_load_explicit(&pool->next[at - 1], memory_order_relaxed);
    }
}

void art_blob_pool_slab(const struct art_blob_pool *pool, uint8_t **base, uint32_t *slots) {
    *base = pool->slab;
    *slots = pool->slots;
}

void art_blob_pool_pin(struct art_blob_pool *pool, uint32_t slots) {
    assert(slots <= pool->slots);
    pthread_mutex_lock(&pool->pin_lock);
    if (slots > pool->pinned) pool->pinned = slots;
    pthread_mutex_unlock(&pool->pin_lock);
}

bool art_blob_pool_use_huge_pages(struct art_blob_pool *pool) {
    return pool->slab && !madvise(pool->slab, (size_t)pool->slots * ART_BLOB_SIZE, MADV_HUGEPAGE);
}
