/* Slabs, spare buffers and the account. */
#include "core/store/cached_memory.h"

#include <assert.h>

#include "core/base/error.h"
#include "core/base/options.h"
#include "core/base/platform.h"

enum {
    SMALL, /* index of the kinds of pools */
    LARGE,
    KINDS,
    POOLS_MAX = 24, /* of a kind; each doubles the address space, which only counts where it is limited */
    SPARE_MAX = 32,
    SLOTS_FIRST = 64,
    SLOTS_LEAST = 16,      /* in a slab; where not even so many can be had, buffers come from the heap */
    FOOTERS_PER_BLOB = 16, /* in small pages, so many more blobs with a footer alone are expected than whole ones */
    PAGES = ART_BLOB_PAGES,
    /* Pages come from the system's page cache, which should keep most of the memory, and each process has a cache of
     * its own: four such processes take a quarter of the machine. */
    SHARE_OF_MEMORY = 16,
    /* On a small machine a cache that thrashes costs more than the pages that it takes from the system. */
    SHARE_LEAST = 64 << 20,
    SHARE_MOST_OF_MEMORY = 4,
    SLACK_OF_LIMIT = 32,
    SLACK_MOST = 1024,            /* pages: giving more memory back takes a reader some milliseconds */
    SPACE_OF_MEMORY = 4,          /* a kind's slabs have at most a quarter of the memory as address space; */
    SLOTS_OF_SMALL_MACHINE = 1024 /* where that is less than 512 MB, up to half of the memory */
};
#define LARGE_PAGES_FROM ((uint64_t)32 << 20) /* cache limit; below it 2 MB at a time are too much */

struct slab {
    struct art_blob_pool *pool;
    uint32_t slots, out;
};

struct spare {
    struct art_blob_buf buffer;
    uint64_t touched[2];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by the lock: */
static struct slab slabs[KINDS][POOLS_MAX];
static unsigned slab_count[KINDS];
static struct art_blob_pool *heap_pool;
static struct spare spares[SPARE_MAX];
static unsigned spare_count;
static uint64_t stores, entries;
static uint64_t machine; /* bytes of memory; 0: not asked yet */
/* Stores whose cache is ART_CACHE_AUTO; the bytes that they have together. Changed under the lock. */
static _Atomic uint64_t automatic, common_share;

static _Atomic uint64_t charged, spare_pages; /* pages; `charged` has the spare ones in it */
static _Atomic uint64_t limit, settings;      /* bytes; `limit` is the settings and the share */

/* ---- sets of pages ----------------------------------------------------------------------------------------------- */

static uint64_t word_mask(uint32_t from, uint32_t to) {
    uint64_t upto = to >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << to) - 1;
    return from >= 64 ? 0 : upto & ~(((uint64_t)1 << from) - 1);
}

static void page_mask(uint32_t first, uint32_t n, uint64_t mask[2]) {
    assert(first + n <= PAGES);
    mask[0] = word_mask(first, first + n);
    mask[1] = first + n > 64 ? word_mask(first > 64 ? first - 64 : 0, first + n - 64) : 0;
}

static uint32_t pages_in(const uint64_t mask[2]) {
    return (uint32_t)(__builtin_popcountll(mask[0]) + __builtin_popcountll(mask[1]));
}

/* ---- slabs ------------------------------------------------------------------------------------------------------- */

static uint64_t memory_of_the_machine(void) {
    if (!machine) machine = art_platform_memory();
    return machine;
}

/* Address space counts as memory where vm.overcommit_memory is 2, and may be limited. */
static uint64_t slots_wanted(unsigned kind) {
    uint64_t blobs = atomic_load(&limit) / ART_BLOB_SIZE, wanted = blobs * (kind == LARGE ? 2 : FOOTERS_PER_BLOB);
    uint64_t memory = memory_of_the_machine() / ART_BLOB_SIZE, most = memory / SPACE_OF_MEMORY;
    if (most < SLOTS_OF_SMALL_MACHINE) most = memory / 2 < SLOTS_OF_SMALL_MACHINE ? memory / 2 : SLOTS_OF_SMALL_MACHINE;
    if (most < blobs) most = blobs;
    if (wanted > most) wanted = most;
    return wanted > SLOTS_FIRST ? wanted : SLOTS_FIRST;
}

static struct slab *slab_with_room(unsigned kind) {
    for (unsigned i = 0; i < slab_count[kind]; i++) {
        if (slabs[kind][i].out < slabs[kind][i].slots) return &slabs[kind][i];
    }
    return NULL;
}

static uint64_t slots_mapped(unsigned kind) {
    uint64_t slots = 0;
    for (unsigned i = 0; i < slab_count[kind]; i++) slots += slabs[kind][i].slots;
    return slots;
}

/* As much again as there is; less where the address space is limited. */
static struct slab *map_slab(unsigned kind) {
    uint64_t have = slots_mapped(kind), wanted = slots_wanted(kind);
    if (slab_count[kind] == POOLS_MAX || wanted <= have) return NULL;
    uint64_t slots = have ? have : SLOTS_FIRST;
    if (slots > ART_POOL_SLOTS_MAX) slots = ART_POOL_SLOTS_MAX;
    struct art_blob_pool *pool = NULL;
    while (slots >= SLOTS_LEAST && art_blob_pool_open(&pool, (uint32_t)slots)) slots /= 2;
    if (slots < SLOTS_LEAST) return NULL;
    if (kind == LARGE && atomic_load(&limit) >= LARGE_PAGES_FROM) art_blob_pool_use_huge_pages(pool);
    if (kind == SMALL) art_blob_pool_use_small_pages(pool);
    struct slab *slab = &slabs[kind][slab_count[kind]++];
    *slab = (struct slab){pool, (uint32_t)slots, 0};
    return slab;
}

static void put_buffer(struct art_blob_buf *buffer) {
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < slab_count[kind]; i++) {
            if (slabs[kind][i].pool == buffer->pool && buffer->slot >= 0) slabs[kind][i].out--;
        }
    }
    art_blob_buf_put(buffer);
}

static bool drop_spare(void) {
    if (!spare_count) return false;
    struct spare *spare = &spares[--spare_count];
    uint32_t pages = pages_in(spare->touched);
    art_blob_buf_discard(&spare->buffer, 0, ART_BLOB_SIZE);
    put_buffer(&spare->buffer);
    atomic_fetch_sub(&spare_pages, pages);
    atomic_fetch_sub(&charged, pages);
    return true;
}

static void close_slabs_if_unused(void) {
    if (stores || entries) return;
    while (drop_spare()) {
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < slab_count[kind]; i++) art_blob_pool_close(slabs[kind][i].pool);
        slab_count[kind] = 0;
    }
    art_blob_pool_close(heap_pool);
    heap_pool = NULL;
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static bool take_spare(struct art_cached *entry) {
    if (!spare_count || !entry->whole) return false;
    struct spare *spare = &spares[--spare_count];
    entry->buffer = spare->buffer;
    entry->touched[0] = spare->touched[0];
    entry->touched[1] = spare->touched[1];
    atomic_fetch_sub(&spare_pages, pages_in(spare->touched));
    return true;
}

/* Heap memory may have been used before, and can't be given back in parts. */
static bool take_from_heap(struct art_cached *entry) {
    if (!heap_pool && art_blob_pool_open(&heap_pool, 0)) return false;
    if (art_blob_buf_get(heap_pool, &entry->buffer)) return false;
    entry->touched[0] = entry->touched[1] = ~(uint64_t)0;
    atomic_fetch_add(&charged, PAGES);
    return true;
}

bool art_cached_memory_get(struct art_cached *entry, bool heap) {
    pthread_mutex_lock(&lock);
    entry->touched[0] = entry->touched[1] = 0;
    bool done = take_spare(entry);
    unsigned kind = entry->whole ? LARGE : SMALL;
    struct slab *slab = done ? NULL : slab_with_room(kind);
    if (!done && !slab) slab = map_slab(kind);
    if (slab && !art_blob_buf_get(slab->pool, &entry->buffer)) {
        slab->out++;
        done = true;
    }
    if (!done && heap) done = take_from_heap(entry);
    entries += done;
    pthread_mutex_unlock(&lock);
    return done;
}

void art_cached_memory_put(struct art_cached *entry) {
    uint32_t pages = pages_in(entry->touched);
    bool slab = entry->buffer.slot >= 0;
    if (slab && !entry->whole && pages) art_blob_buf_discard(&entry->buffer, 0, ART_BLOB_SIZE);
    pthread_mutex_lock(&lock);
    if (slab && entry->whole && pages && spare_count < SPARE_MAX) {
        spares[spare_count++] = (struct spare){entry->buffer, {entry->touched[0], entry->touched[1]}};
        atomic_fetch_add(&spare_pages, pages);
    } else {
        if (slab && entry->whole && pages) art_blob_buf_discard(&entry->buffer, 0, ART_BLOB_SIZE);
        put_buffer(&entry->buffer);
        atomic_fetch_sub(&charged, pages);
    }
    entries--;
    close_slabs_if_unused();
    pthread_mutex_unlock(&lock);
}

bool art_cached_memory_strip(struct art_cached *entry) {
    uint64_t leaves[2];
    page_mask(0, entry->blob.leaf_pages, leaves);
    leaves[0] &= entry->touched[0];
    leaves[1] &= entry->touched[1];
    if (entry->buffer.slot < 0 || !pages_in(leaves)) return false;
    atomic_store(&entry->blob.present[0], 0);
    atomic_store(&entry->blob.present[1], 0);
    entry->waited = 0;
    art_blob_buf_discard(&entry->buffer, 0, entry->blob.leaf_pages * ART_BLOB_PAGE);
    entry->touched[0] &= ~leaves[0];
    entry->touched[1] &= ~leaves[1];
    atomic_fetch_sub(&charged, pages_in(leaves));
    return true;
}

uint32_t art_cached_memory_missing(const struct art_cached *entry, uint32_t first, uint32_t n) {
    uint64_t mask[2];
    page_mask(first, n, mask);
    mask[0] &= ~entry->touched[0];
    mask[1] &= ~entry->touched[1];
    return pages_in(mask);
}

void art_cached_memory_charge(struct art_cached *entry, uint32_t first, uint32_t n) {
    uint64_t mask[2];
    atomic_fetch_add(&charged, art_cached_memory_missing(entry, first, n));
    page_mask(first, n, mask);
    entry->touched[0] |= mask[0];
    entry->touched[1] |= mask[1];
}

/* ---- the account ------------------------------------------------------------------------------------------------- */

bool art_cached_memory_fits(uint64_t pages) {
    return atomic_load(&charged) + pages <= atomic_load(&limit) / ART_BLOB_PAGE;
}

bool art_cached_memory_could_fit(uint64_t pages) {
    return atomic_load(&charged) + pages <= atomic_load(&limit) / ART_BLOB_PAGE + atomic_load(&spare_pages);
}

uint64_t art_cached_memory_slack(void) {
    uint64_t slack = atomic_load(&limit) / ART_BLOB_PAGE / SLACK_OF_LIMIT;
    return slack < SLACK_MOST ? slack : SLACK_MOST;
}

bool art_cached_memory_is_full(void) {
    return !art_cached_memory_could_fit(2 * art_cached_memory_slack());
}

bool art_cached_memory_is_shared(void) {
    return atomic_load(&charged) > atomic_load(&settings) / ART_BLOB_PAGE;
}

bool art_cached_memory_drop_spare(void) {
    pthread_mutex_lock(&lock);
    bool dropped = drop_spare();
    pthread_mutex_unlock(&lock);
    return dropped;
}

uint64_t art_cached_memory_share(uint64_t memory) {
    uint64_t part = memory / SHARE_OF_MEMORY, most = memory / SHARE_MOST_OF_MEMORY;
    if (part >= SHARE_LEAST) return part;
    return most < SHARE_LEAST ? most : SHARE_LEAST;
}

static uint64_t join_limit(uint64_t setting) {
    if (setting != ART_CACHE_AUTO) {
        atomic_fetch_add(&limit, setting);
        atomic_fetch_add(&settings, setting);
        return setting;
    }
    if (!automatic++) {
        common_share = art_cached_memory_share(memory_of_the_machine());
        atomic_fetch_add(&limit, common_share);
    }
    return common_share;
}

static void leave_limit(uint64_t setting) {
    if (setting != ART_CACHE_AUTO) {
        atomic_fetch_sub(&limit, setting);
        atomic_fetch_sub(&settings, setting);
    } else if (!--automatic) {
        atomic_fetch_sub(&limit, common_share);
    }
}

uint64_t art_cached_memory_part(uint64_t setting) {
    if (setting != ART_CACHE_AUTO) return setting;
    uint64_t stores_now = atomic_load_explicit(&automatic, memory_order_relaxed);
    return atomic_load_explicit(&common_share, memory_order_relaxed) / (stores_now ? stores_now : 1);
}

uint64_t art_cached_memory_join(uint64_t setting) {
    pthread_mutex_lock(&lock);
    stores++;
    uint64_t bytes = join_limit(setting);
    pthread_mutex_unlock(&lock);
    return bytes;
}

uint64_t art_cached_memory_resize(uint64_t old_setting, uint64_t new_setting) {
    pthread_mutex_lock(&lock);
    uint64_t bytes = join_limit(new_setting);
    leave_limit(old_setting);
    pthread_mutex_unlock(&lock);
    return bytes;
}

void art_cached_memory_leave(void) {
    pthread_mutex_lock(&lock);
    assert(stores);
    stores--;
    close_slabs_if_unused();
    pthread_mutex_unlock(&lock);
}

/* What the parent had stays mapped in the child, unreachable and shared with the parent until it ends. */
void art_cached_memory_abandon(void) {
    pthread_mutex_init(&lock, NULL);
    for (unsigned kind = 0; kind < KINDS; kind++) slab_count[kind] = 0;
    heap_pool = NULL;
    spare_count = 0;
    stores = entries = 0;
    atomic_store(&automatic, 0);
    atomic_store(&charged, 0);
    atomic_store(&spare_pages, 0);
    atomic_store(&limit, 0);
    atomic_store(&settings, 0);
}

void art_cached_memory_stats(uint64_t *bytes, uint64_t *limit_bytes) {
    *bytes = atomic_load(&charged) * ART_BLOB_PAGE;
    *limit_bytes = atomic_load(&limit);
}

enum art_rc art_cached_memory_check(uint64_t pages) {
    pthread_mutex_lock(&lock);
    uint64_t spare = 0, out = 0, taken = spare_count + entries;
    for (unsigned i = 0; i < spare_count; i++) spare += pages_in(spares[i].touched);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned i = 0; i < slab_count[kind]; i++) out += slabs[kind][i].out;
    }
    const char *wrong = NULL;
    if (spare != atomic_load(&spare_pages)) wrong = "spare pages";
    if (pages + spare != atomic_load(&charged)) wrong = "charged pages";
    if (out > taken) wrong = "buffers";
    pthread_mutex_unlock(&lock);
    return wrong ? art_fail(ART_MISUSE, "art: the cache miscounts its %s", wrong) : ART_OK;
}
