/* The buffers that all stores of a process write from: one pool, while anybody has it; and a forked child's own. And
 * rings that come and go in threads. */
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/store/private.h"
#include "core/store/write_pool.h"
#include "tests/support/apart.h"
#include "tests/support/io_modes.h"
#include "tests/support/suite.h"

/* Each into a file of its own. */
static struct art_store *store_that_writes(void) {
    enum { FILES = 4 };
    static const char *const names[FILES] = {"a.art", "b.art", "c.art", "d.art"};
    static struct sim_disk *disk;
    static unsigned opened;
    struct art_store *store;
    uint32_t end;
    if (!disk) disk = sim_disk_new_steady(SIM_PAGES);
    const char *name = names[opened++ % FILES];
    sim_disk_clear(disk, name);
    struct art_store_options options = {
        .disk = sim_disk_art(disk), .path = name, .host_path = "a.db", .cache_bytes = 1 << 20};
    ck_assert_int_eq(art_store_open(&store, &options), ART_OK);
    ck_assert_int_eq(art_store_write_begin(store, true, &end), ART_OK);
    ck_assert_ptr_nonnull(store->phase.pool);
    return store;
}

/* By the kernel's own count: the first number is of pages. */
static uint64_t mapped_bytes(void) {
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%llu", &pages) != 1) abort();
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint32_t free_buffers(const struct art_blob_pool *pool) {
    struct art_blob_pool_stats stats;
    art_blob_pool_stats(pool, &stats);
    return stats.free;
}

/* Where no address space is left for a slab, buffers are of the heap (16 of 512 KB are 8 MB). */
TEST(test_without_address_space_the_heap_has_the_buffers) {
    pid_t child = apart_begin();
    if (child == 0) {
        struct art_blob_pool *pool = NULL;
        struct art_blob_buf buffer;
        struct rlimit limit, now;
        void *heap = malloc(4 << 20); /* back at once, below */
        getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = mapped_bytes() + (2 << 20);
        free(heap);
        if (setrlimit(RLIMIT_AS, &limit) || getrlimit(RLIMIT_AS, &now) || now.rlim_cur != limit.rlim_cur) _exit(2);
        if (art_write_pool_take(&pool)) _exit(3);
        if (art_blob_buf_get_zeroed(pool, &buffer)) _exit(4);
        struct art_blob_pool_stats stats;
        art_blob_pool_stats(pool, &stats);
        _exit(stats.slots == 0 && stats.from_heap == 1 ? 0 : 5);
    }
    int end = apart_end(child);
    if (end == 2) {
        printf("SKIPPED test_without_address_space_the_heap_has_the_buffers: no such limit on an emulator\n");
        return;
    }
    ck_assert_int_eq(end, 0);
}

TEST(test_all_stores_write_from_one_pool_that_goes_with_the_last) {
    struct art_store *first = store_that_writes(), *second = store_that_writes();
    struct art_blob_pool *pool = first->phase.pool, *third = NULL;
    struct art_blob_buf buffer;
    ck_assert_ptr_eq(second->phase.pool, pool);
    ck_assert_int_eq(art_store_buffer(first, &buffer), ART_OK);
    art_store_close(second);
    ck_assert_uint_eq(free_buffers(pool), ART_WRITE_BUFFERS - 1);
    ck_assert_int_eq(art_write_pool_take(&third), ART_OK);
    ck_assert_int_eq(art_write_pool_take(&third), ART_OK); /* has it already */
    ck_assert_ptr_eq(third, pool);
    art_write_pool_give_back(&third);
    ck_assert_ptr_null(third);
    art_write_pool_give_back(&third);
    art_blob_buf_put(&buffer);
    ck_assert_uint_eq(free_buffers(pool), ART_WRITE_BUFFERS);
    art_store_close(first);
    ck_assert_int_eq(art_write_pool_take(&third), ART_OK);
    ck_assert_uint_eq(free_buffers(third), ART_WRITE_BUFFERS);
    art_write_pool_give_back(&third);
}

/* What a store may have under way: others get memory of the heap. */
TEST(test_who_finds_it_empty_writes_from_the_heap) {
    struct art_store *first = store_that_writes(), *second = store_that_writes();
    struct art_blob_buf buffers[ART_WRITE_BUFFERS], more;
    for (unsigned i = 0; i < ART_WRITE_BUFFERS; i++) {
        ck_assert_int_eq(art_store_buffer(first, &buffers[i]), ART_OK);
        ck_assert_int_ge(buffers[i].slot, 0);
    }
    ck_assert_int_eq(art_store_buffer(second, &more), ART_OK);
    ck_assert_int_lt(more.slot, 0);
    art_blob_buf_put(&more);
    for (unsigned i = 0; i < ART_WRITE_BUFFERS; i++) art_blob_buf_put(&buffers[i]);
    art_store_close(first);
    art_store_close(second);
}

static void *come_and_go(void *context) {
    for (unsigned i = 0; i < 2000; i++) {
        struct art_blob_pool *pool = NULL;
        struct art_blob_buf buffer;
        if (art_write_pool_take(&pool) || art_blob_buf_get(pool, &buffer)) return context;
        buffer.data[i] = (uint8_t)i;
        art_blob_buf_put(&buffer);
        art_write_pool_give_back(&pool);
    }
    return NULL;
}

CASE("threads")

TEST(test_threads_that_come_and_go_find_one_that_is_there) {
    pthread_t threads[4];
    void *failed;
    for (unsigned i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, threads), 0);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
}

/* A ring may get the addresses of one that another thread has just closed. */
static void *write_files(void *context) {
    static _Alignas(4096) uint8_t page[ART_PAGE];
    char path[600];
    snprintf(path, sizeof path, "%s/rings-%d-%s", io_directory(), (int)getpid(), (const char *)context);
    const struct art_file_options options = {
        .path = path, .create = true, .permissions = 0600, .engine = ART_ENGINE_URING};
    for (unsigned i = 0; i < 100; i++) {
        struct art_io *io;
        if (art_disk_system()->methods->open(art_disk_system(), &options, &io)) return context;
        bool failed = art_io_write(io, &(struct art_io_request){page, sizeof page, 0}, 1) || art_io_wait(io);
        art_io_close(io);
        unlink(path);
        if (failed) return context;
    }
    return NULL;
}

TEST(test_threads_whose_rings_come_and_go) {
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    void *failed;
    if (!art_io_uring_available()) {
        io_skip("rings of threads", "no ring");
        return;
    }
    for (unsigned i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, write_files, names[i]), 0);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
}

/* Its parent's may be in use at that moment. */
static int in_child(struct art_store *inherited) {
    struct art_blob_pool *parents = inherited->phase.pool;
    struct art_store *own = store_that_writes();
    struct art_blob_pool *pool = own->phase.pool;
    if (pool == parents || free_buffers(pool) != ART_WRITE_BUFFERS) return 1;
    art_store_close(inherited);
    if (free_buffers(parents) != ART_WRITE_BUFFERS - 1 || own->phase.pool != pool) return 2;
    art_store_close(own);
    return 0;
}

CASE("write pool")

TEST(test_a_forked_child_has_one_of_its_own) {
    struct art_store *store = store_that_writes();
    struct art_blob_buf buffer;
    ck_assert_int_eq(art_store_buffer(store, &buffer), ART_OK);
    pid_t child = apart_begin();
    if (!child) _exit(in_child(store));
    ck_assert_int_eq(apart_end(child), 0);
    art_blob_buf_put(&buffer);
    art_store_close(store);
}

SUITE("write pool")
