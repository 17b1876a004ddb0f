/* Slabs, spare buffers and the account. */
#include "core/store/cached_memory.h"

#include <assert.h>

#include "core/base/limits.h"
#include "core/base/options.h"
#include "core/base/platform.h"
#include "core/store/store.h"

enum {
    SLABS_MAX = 48, /* each doubles the address space of its kind, which only counts where it is limited */
    SPARE_MAX = 32,
    SLOTS_FIRST = 64,      /* 32 MB of address space: small caches take no more */
    SLOTS_LEAST = 16,      /* in a slab; where not even so many can be had, buffers come from the heap */
    FOOTERS_PER_BLOB = 16, /* so many more blobs with a footer alone are expected than whole ones */
    PAGES = ART_BLOB_PAGES,
    /* Pages come from the system's page cache, which should keep most of the memory, and each process has a cache of
     * its own: four such processes take a quarter of the machine. */
    SHARE_OF_MEMORY = 16,
    /* On a small machine a cache that thrashes costs more than the pages that it takes from the system. */
    SHARE_LEAST_BYTES = 64 << 20,
    SHARE_MOST_OF_MEMORY = 4,
    FULL_OF_LIMIT = 16, /* the cache is full with so large a part left, or so many pages */
    FULL_PAGES_MOST = 2048
};
#define LARGE_PAGES_FROM_BYTES ((uint64_t)32 << 20) /* cache limit; below it 2 MB at a time are too much */

struct slab {
    struct art_blob_pool *pool;
    uint32_t slots, out;
    bool large, huge; /* for whole blobs; in large pages */
};

struct spare {
    struct art_blob_buf buffer;
    struct art_pages touched;
};

static struct slab slabs[SLABS_MAX];
static unsigned slab_count;
static bool space_refused; /* the system has no address space for a slab; until all slabs have gone */
static struct art_blob_pool *heap_pool;
static struct spare spares[SPARE_MAX];
static unsigned spare_count;
static uint64_t spares_taken, large_given;      /* for art_debug: how often they helped */
static uint64_t stores, out_all, setting_bytes; /* setting_bytes: the stores' own settings */
static uint64_t machine;                        /* bytes of memory; 0: not asked yet */
/* Stores whose cache is ART_CACHE_AUTO; the bytes that they have together. */
static _Atomic uint64_t automatic, common_share;

static _Atomic uint64_t charged, spare_pages; /* pages; `charged` has the spare ones in it */
static _Atomic uint64_t limit;                /* bytes: the settings and the share */

/* Under the cache's lock; pages may be charged meanwhile. */
static void assert_account(void) {
    assert(spare_count <= SPARE_MAX && slab_count <= SLABS_MAX && automatic <= stores);
    assert(!spare_count == !atomic_load(&spare_pages) && atomic_load(&spare_pages) <= atomic_load(&charged));
}

static uint32_t pages_in(const struct art_pages *pages) {
    return art_pages_count(pages, PAGES);
}

/* ---- slabs ------------------------------------------------------------------------------------------------------- */

/* Address space counts as memory where vm.overcommit_memory is 2, and may be limited: a kind has at most half of it. */
static uint64_t slots_allowed(void) {
    uint64_t wanted = atomic_load(&limit) / ART_BLOB_SIZE * FOOTERS_PER_BLOB, most = machine / ART_BLOB_SIZE / 2;
    if (wanted > most) wanted = most;
    return wanted > SLOTS_FIRST ? wanted : SLOTS_FIRST;
}

/* One with room, or as much again as there is of its kind; less where the address space is limited. */
static struct slab *slab_for(bool large) {
    uint64_t have = 0;
    for (struct slab *slab = slabs; slab < slabs + slab_count; slab++) {
        if (slab->large != large) continue;
        if (slab->out < slab->slots) return slab;
        have += slab->slots;
    }
    if (space_refused || slab_count == SLABS_MAX || have >= slots_allowed()) return NULL;
    uint32_t slots = have > ART_POOL_SLOTS_MAX ? ART_POOL_SLOTS_MAX : have ? (uint32_t)have : SLOTS_FIRST;
    struct art_blob_pool *pool = NULL;
    while (slots >= SLOTS_LEAST && art_blob_pool_open(&pool, slots)) slots /= 2;
    space_refused = !pool;
    if (!pool) return NULL;
    if (!large) art_blob_pool_use_small_pages(pool);
    bool huge = large && atomic_load(&limit) >= LARGE_PAGES_FROM_BYTES && art_blob_pool_use_huge_pages(pool);
    struct slab *slab = &slabs[slab_count++];
    assert(slab_count <= SLABS_MAX && slots <= ART_POOL_SLOTS_MAX);
    *slab = (struct slab){pool, slots, 0, large, huge};
    return slab;
}

static void put_buffer(struct art_blob_buf *buffer) {
    for (struct slab *slab = slabs; slab < slabs + slab_count; slab++) {
        assert(slab->pool != buffer->pool || (slab->out && slab->out <= slab->slots));
        if (slab->pool == buffer->pool) slab->out--;
    }
    art_blob_buf_put(buffer);
}

bool art_cached_memory_drop_spare(void) {
    if (!spare_count) return false;
    struct spare *spare = &spares[--spare_count];
    uint32_t pages = pages_in(&spare->touched);
    assert(pages && spare->buffer.slot >= 0);
    art_blob_buf_discard(&spare->buffer, 0, ART_BLOB_SIZE);
    put_buffer(&spare->buffer);
    atomic_fetch_sub(&spare_pages, pages);
    atomic_fetch_sub(&charged, pages);
    return true;
}

static void close_slabs_if_unused(void) {
    if (stores || out_all) return;
    while (art_cached_memory_drop_spare()) {
    }
    assert(!charged && !spare_pages);
    for (unsigned i = 0; i < slab_count; i++) {
        assert(!slabs[i].out);
        art_blob_pool_close(slabs[i].pool);
    }
    slab_count = 0;
    space_refused = false;
    art_blob_pool_close(heap_pool);
    heap_pool = NULL;
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static bool take_spare(struct art_cached *entry) {
    if (!spare_count || !entry->large) return false;
    struct spare *spare = &spares[--spare_count];
    assert(entry->large && spare->buffer.data);
    entry->buffer = spare->buffer;
    entry->touched = spare->touched;
    spares_taken++;
    atomic_fetch_sub(&spare_pages, pages_in(&spare->touched));
    return true;
}

/* Heap memory may have been used before, and can't be given back in parts. */
static bool take_from_heap(struct art_cached *entry) {
    if (!heap_pool && art_blob_pool_open(&heap_pool, 0)) return false;
    if (art_blob_buf_get(heap_pool, &entry->buffer)) return false;
    entry->touched = art_pages_of(0, PAGES);
    assert(entry->buffer.slot < 0);
    atomic_fetch_add(&charged, PAGES);
    return true;
}

bool art_cached_memory_is_heap(void) {
    return space_refused && !slab_count;
}

bool art_cached_memory_get(struct art_cached *entry, bool heap) {
    entry->touched = (struct art_pages){{0, 0}};
    bool done = take_spare(entry);
    struct slab *slab = done ? NULL : slab_for(entry->large);
    if (slab && !art_blob_buf_get(slab->pool, &entry->buffer)) {
        slab->out++;
        large_given += slab->huge;
        done = true;
    }
    if (!done && heap) done = take_from_heap(entry);
    out_all += done;
    assert_account();
    return done;
}

void art_cached_memory_put(struct art_cached *entry) {
    uint32_t pages = pages_in(&entry->touched);
    assert(out_all && entry->buffer.data);
    bool slab = entry->buffer.slot >= 0;
    if (slab && entry->large && pages && spare_count < SPARE_MAX) {
        spares[spare_count++] = (struct spare){entry->buffer, entry->touched};
        atomic_fetch_add(&spare_pages, pages);
    } else {
        if (slab && pages) art_blob_buf_discard(&entry->buffer, 0, ART_BLOB_SIZE);
        put_buffer(&entry->buffer);
        atomic_fetch_sub(&charged, pages);
    }
    out_all--;
    assert_account();
    close_slabs_if_unused();
}

/* Of pages [first, first + n) those that have memory already, or those that have none. */
static struct art_pages of_touched(const struct art_cached *entry, uint32_t first, uint32_t n, bool touched) {
    assert(first + n <= ART_BLOB_PAGES);
    struct art_pages pages = art_pages_of(first, n);
    for (unsigned i = 0; i < 2; i++) pages.bits[i] &= touched ? entry->touched.bits[i] : ~entry->touched.bits[i];
    return pages;
}

bool art_cached_memory_strip(struct art_cached *entry) {
    struct art_pages leaves = of_touched(entry, 0, entry->blob.leaf_pages, true);
    assert(!entry->references && atomic_load(&entry->ready));
    if (entry->buffer.slot < 0 || !pages_in(&leaves)) return false;
    entry->waited = 0;
    for (unsigned i = 0; i < 2; i++) {
        atomic_fetch_and(&entry->blob.present[i], ~leaves.bits[i]);
        entry->touched.bits[i] &= ~leaves.bits[i];
    }
    art_blob_buf_discard(&entry->buffer, 0, entry->blob.leaf_pages * ART_BLOB_PAGE);
    atomic_fetch_sub(&charged, pages_in(&leaves));
    return true;
}

uint32_t art_cached_memory_missing(const struct art_cached *entry, uint32_t first, uint32_t n) {
    struct art_pages missing = of_touched(entry, first, n, false);
    return pages_in(&missing);
}

void art_cached_memory_charge(struct art_cached *entry, uint32_t first, uint32_t n) {
    assert(entry->buffer.data);
    struct art_pages fresh = of_touched(entry, first, n, false);
    atomic_fetch_add(&charged, pages_in(&fresh));
    for (unsigned i = 0; i < 2; i++) entry->touched.bits[i] |= fresh.bits[i];
}

/* ---- the account ------------------------------------------------------------------------------------------------- */

bool art_cached_memory_fits(uint64_t pages) {
    return atomic_load(&charged) + pages <= atomic_load(&limit) / ART_BLOB_PAGE;
}

bool art_cache_allows(uint64_t pages) {
    return atomic_load(&charged) + pages <= atomic_load(&limit) / ART_BLOB_PAGE + atomic_load(&spare_pages);
}

bool art_cache_is_full(void) {
    uint64_t left = atomic_load_explicit(&limit, memory_order_relaxed) / ART_BLOB_PAGE / FULL_OF_LIMIT;
    return !art_cache_allows(left < FULL_PAGES_MOST ? left : FULL_PAGES_MOST);
}

uint64_t art_cached_memory_share(uint64_t memory) {
    if (ART_LIMIT(cache_pages)) return (uint64_t)ART_LIMIT(cache_pages) * ART_BLOB_PAGE;
    uint64_t part = memory / SHARE_OF_MEMORY, most = memory / SHARE_MOST_OF_MEMORY;
    if (part >= SHARE_LEAST_BYTES) return part;
    return most < SHARE_LEAST_BYTES ? most : SHARE_LEAST_BYTES;
}

uint64_t art_cache_part(uint64_t setting) {
    if (setting != ART_CACHE_AUTO) return setting;
    uint64_t stores_now = atomic_load_explicit(&automatic, memory_order_relaxed);
    return atomic_load_explicit(&common_share, memory_order_relaxed) / (stores_now ? stores_now : 1);
}

uint64_t art_cached_memory_resize(uint64_t old_setting, uint64_t new_setting) {
    if (!machine) {
        machine = art_platform_memory();
        common_share = art_cached_memory_share(machine);
    }
    assert(old_setting == ART_CACHE_AUTO ? automatic : setting_bytes >= old_setting);
    bool was_automatic = old_setting == ART_CACHE_AUTO, is_automatic = new_setting == ART_CACHE_AUTO;
    automatic += is_automatic;
    automatic -= was_automatic;
    setting_bytes += is_automatic ? 0 : new_setting;
    setting_bytes -= was_automatic ? 0 : old_setting;
    atomic_store(&limit, setting_bytes + (automatic ? common_share : 0));
    assert_account();
    return is_automatic ? common_share : new_setting;
}

uint64_t art_cached_memory_join(uint64_t setting) {
    stores++;
    return art_cached_memory_resize(0, setting);
}

void art_cached_memory_leave(void) {
    assert(stores);
    stores--;
    close_slabs_if_unused();
}

/* What the parent had stays mapped in the child, unreachable and shared with the parent until it ends. */
void art_cached_memory_abandon(void) {
    slab_count = spare_count = 0;
    space_refused = false;
    heap_pool = NULL;
    stores = out_all = setting_bytes = 0;
    atomic_store(&automatic, 0);
    atomic_store(&charged, 0);
    atomic_store(&spare_pages, 0);
    atomic_store(&limit, 0);
}

void art_cached_memory_stats(struct art_cache_stats *out) {
    out->bytes = atomic_load(&charged) * ART_BLOB_PAGE;
    out->limit = atomic_load(&limit);
    out->spares = spares_taken;
    out->large = large_given;
}
