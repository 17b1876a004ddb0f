/* Blob buffers and their pool: what each way to get one promises, and that threads never hold the same slot. Worth a
 * run under ThreadSanitizer (make test SANITIZE=thread TESTS=test_pool). */
#include <pthread.h>
#include <stdatomic.h>
#ifdef __linux__
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/io/blob_pool.h"
#include "core/io/free_list.h"
#include "tests/support/discard.h"
#include "tests/support/suite.h"

enum { THREADS = 4 };

static struct art_blob_pool *pool;

static void expect_stats(uint32_t free_slots, uint64_t from_heap) {
    struct art_blob_pool_stats stats;
    art_blob_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.free, free_slots);
    ck_assert_uint_eq(stats.from_heap, from_heap);
}

TEST(test_an_empty_slab_hands_out_heap_buffers_and_takes_slots_back) {
    struct art_blob_buf bufs[6];
    ck_assert_int_eq(art_blob_pool_open(&pool, 4), ART_OK);
    expect_stats(4, 0);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(art_blob_buf_get(pool, &bufs[i]), ART_OK);
        memset(bufs[i].data, i + 1, ART_BLOB_SIZE);
        ck_assert_int_eq(bufs[i].slot, i < 4 ? i : -1);
        ck_assert_uint_eq((uintptr_t)bufs[i].data % (i < 4 ? ART_BLOB_SIZE : 4096), 0);
    }
    expect_stats(0, 2);
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < ART_BLOB_SIZE; j += 511) ck_assert_int_eq(bufs[i].data[j], i + 1);
    }
    art_blob_buf_put(&bufs[2]);
    ck_assert_ptr_null(bufs[2].data);
    art_blob_buf_put(&bufs[2]); /* a cleared buffer is fine */
    expect_stats(1, 2);
    ck_assert_int_eq(art_blob_buf_get(pool, &bufs[2]), ART_OK);
    ck_assert_int_eq(bufs[2].slot, 2); /* last in, first out */
    for (int i = 0; i < 6; i++) art_blob_buf_put(&bufs[i]);
    expect_stats(4, 0);
    art_blob_pool_close(pool);
}

TEST(test_a_pool_without_slots_lives_on_the_heap) {
    struct art_blob_buf buf;
    ck_assert_int_eq(art_blob_pool_open(&pool, 0), ART_OK);
    ck_assert_int_eq(art_blob_buf_get_zeroed(pool, &buf), ART_OK);
    ck_assert_int_eq(buf.slot, -1);
    art_blob_buf_put(&buf);
    ck_assert(!art_blob_pool_use_huge_pages(pool));
    art_blob_pool_close(pool);
    art_blob_pool_close(NULL);
}

TEST(test_the_largest_pool_takes_no_memory_until_it_is_touched) {
    struct art_blob_buf first, last;
    uint8_t *base;
    uint32_t slots;
    if (art_blob_pool_open(&pool, ART_POOL_SLOTS_MAX)) {
        printf("SKIPPED the largest pool: 32 GB of address space are not to be had\n");
        return;
    }
    art_blob_pool_slab(pool, &base, &slots);
    ck_assert_uint_eq(slots, ART_POOL_SLOTS_MAX);
    ck_assert_uint_eq((uintptr_t)base % ART_BLOB_SIZE, 0);
    expect_stats(ART_POOL_SLOTS_MAX, 0);
    ck_assert_int_eq(art_blob_buf_get(pool, &first), ART_OK);
    ck_assert_ptr_eq(first.data, base);
    ck_assert_int_eq(art_blob_buf_get(pool, &last), ART_OK);
    last.data[ART_BLOB_SIZE - 1] = 1;
    art_blob_buf_put(&first);
    art_blob_buf_put(&last);
    art_blob_pool_close(pool);
}

static bool is_zero(const uint8_t *data, uint32_t len) {
    for (uint32_t i = 0; i < len; i++) {
        if (data[i]) return false;
    }
    return true;
}

TEST(test_zeroed_is_zero_also_when_the_slot_was_used_before) {
    for (uint32_t slots = 0; slots < 3; slots++) { /* heap; heap and slab; slab */
        struct art_blob_buf used, zeroed, another;
        ck_assert_int_eq(art_blob_pool_open(&pool, slots), ART_OK);
        ck_assert_int_eq(art_blob_buf_get(pool, &used), ART_OK);
        memset(used.data, 0xff, ART_BLOB_SIZE);
        art_blob_buf_put(&used);
        ck_assert_int_eq(art_blob_buf_get_zeroed(pool, &zeroed), ART_OK);
        ck_assert(is_zero(zeroed.data, ART_BLOB_SIZE));
        ck_assert_int_eq(art_blob_buf_get_zeroed(pool, &another), ART_OK);
        ck_assert_ptr_eq(another.pool, pool);
        ck_assert_ptr_ne(another.data, zeroed.data);
        ck_assert(is_zero(another.data, ART_BLOB_SIZE));
        art_blob_buf_put(&zeroed);
        art_blob_buf_put(&another);
        art_blob_pool_close(pool);
    }
}

TEST(test_discarded_pages_read_as_zeroes_or_as_before_and_no_others_change) {
    for (uint32_t slots = 0; slots < 2; slots++) {
        struct art_blob_buf buf;
        ck_assert_int_eq(art_blob_pool_open(&pool, slots), ART_OK);
        ck_assert_int_eq(art_blob_buf_get(pool, &buf), ART_OK);
        memset(buf.data, 9, ART_BLOB_SIZE);
        discard_for_sure(&buf, 65536, 131072);
        for (uint32_t i = 0; i < ART_BLOB_SIZE; i++) {
            bool inside = i >= 65536 && i < 65536 + 131072;
            ck_assert(buf.data[i] == 9 || (inside && buf.data[i] == 0));
        }
        if (slots) ck_assert_int_eq(buf.data[65536], 0);
        art_blob_pool_register(pool, slots);
        memset(buf.data, 9, ART_BLOB_SIZE);
        discard_for_sure(&buf, 0, ART_BLOB_SIZE);
        if (slots) ck_assert_int_eq(buf.data[0], 9); /* pinned: a ring may know this very page */
        art_blob_buf_put(&buf);
        art_blob_pool_close(pool);
    }
}

#ifdef __linux__
/* A kernel whose pages are larger, as many for arm64 are: madvise() takes the whole of each that it touches. */
static long system_page;

long sysconf(int name) {
    static long (*real)(int);
    if (name == _SC_PAGESIZE && system_page) return system_page;
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "sysconf");
    return real(name);
}

int madvise(void *at, size_t bytes, int advice) {
    uintptr_t page = (uintptr_t)(system_page ? system_page : 1), end = ((uintptr_t)at + bytes + page - 1) & ~(page - 1);
    ck_assert_uint_eq((uintptr_t)at & (page - 1), 0);
    return (int)syscall(SYS_madvise, at, end - (uintptr_t)at, advice);
}

TEST(test_of_a_large_page_that_reaches_out_of_the_range_nothing_is_discarded) {
    static const long pages[] = {4096, 16384, 65536};
    static const uint32_t ends[] = {1, 3, 4, 5, 15, 16, 17, 33, 127, 128};
    for (unsigned k = 0; k < sizeof pages / sizeof *pages; k++) {
        for (unsigned e = 0; e < sizeof ends / sizeof *ends; e++) {
            struct art_blob_buf buf;
            system_page = pages[k];
            ck_assert_int_eq(art_blob_pool_open(&pool, 1), ART_OK);
            ck_assert_int_eq(art_blob_buf_get(pool, &buf), ART_OK);
            for (uint32_t first = 0; first < ends[e]; first += 3) {
                uint32_t from = first * 4096, end = ends[e] * 4096, page = (uint32_t)pages[k];
                memset(buf.data, 9, ART_BLOB_SIZE);
                discard_for_sure(&buf, from, end - from);
                for (uint32_t i = 0; i < ART_BLOB_SIZE; i += 4096) {
                    bool whole = i / page * page >= from && (i / page + 1) * page <= end;
                    ck_assert_int_eq(buf.data[i], whole ? 0 : 9);
                }
            }
            art_blob_buf_put(&buf);
            art_blob_pool_close(pool);
        }
    }
    system_page = 0;
}
#endif

/* ---- no memory --------------------------------------------------------------------------------------------------- */

static int allocations_left;

static void *scarce_allocate(uint64_t bytes) {
    return allocations_left-- > 0 ? malloc(bytes) : NULL;
}

static void *scarce_resize(void *old, uint64_t bytes) {
    return allocations_left-- > 0 ? realloc(old, bytes) : NULL;
}

TEST(test_want_of_memory_is_an_error_and_leaves_the_pool_usable) {
    static const struct art_allocator scarce = {scarce_allocate, scarce_resize, free};
    struct art_blob_buf buf, second;
    art_alloc_use(&scarce);
    for (int left = 0; left < 2; left++) {
        allocations_left = left;
        ck_assert_int_eq(art_blob_pool_open(&pool, 1), ART_NOMEM);
        ck_assert_ptr_null(pool);
    }
    allocations_left = 2;
    ck_assert_int_eq(art_blob_pool_open(&pool, 1), ART_OK);
    allocations_left = 0;
    ck_assert_int_eq(art_blob_buf_get(pool, &buf), ART_OK);
    ck_assert_int_eq(art_blob_buf_get(pool, &second), ART_NOMEM);
    ck_assert_ptr_null(second.data);
    ck_assert_int_eq(art_blob_buf_get_zeroed(pool, &second), ART_NOMEM);
    art_blob_buf_put(&second);
    expect_stats(0, 0);
    allocations_left = 1;
    ck_assert_int_eq(art_blob_buf_get(pool, &second), ART_OK);
    art_blob_buf_put(&second);
    art_blob_buf_put(&buf);
    art_blob_pool_close(pool);
    art_alloc_use(NULL);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static _Atomic unsigned failures;

/* Takes and gives back buffers at random, writing its mark into each. A second owner would leave another mark. */
static void *churn(void *argument) {
    struct random random = {(uint64_t)(uintptr_t)argument * 977 + 1};
    struct art_blob_buf held[8];
    uint64_t marks[8];
    unsigned count = 0;
    for (unsigned step = 0; step < 20000 * random_scale(); step++) {
        if (count < 8 && random_once_in(&random, 2)) {
            if (art_blob_buf_get(pool, &held[count])) break;
            marks[count] = random_next(&random);
            memcpy(held[count].data, &marks[count], sizeof *marks);
            memcpy(held[count].data + ART_BLOB_SIZE - sizeof *marks, &marks[count], sizeof *marks);
            count++;
        } else if (count) {
            unsigned at = random_below(&random, count);
            failures += memcmp(held[at].data, &marks[at], sizeof *marks) != 0;
            failures += memcmp(held[at].data + ART_BLOB_SIZE - sizeof *marks, &marks[at], sizeof *marks) != 0;
            art_blob_buf_put(&held[at]);
            count--;
            held[at] = held[count];
            marks[at] = marks[count];
        }
    }
    while (count) art_blob_buf_put(&held[--count]);
    return NULL;
}

/* Two slots and quick hands: the same slot is on top again and again between another thread's look and its exchange. */
static void *snatch(void *argument) {
    struct art_blob_buf first, second;
    uint64_t mine = (uint64_t)(uintptr_t)argument;
    for (unsigned step = 0; step < random_rounds(100000); step++) {
        if (art_blob_buf_get(pool, &first)) break;
        if (first.slot >= 0) memcpy(first.data, &mine, sizeof mine);
        if (step % 3 == 0) {
            if (art_blob_buf_get(pool, &second)) break;
            failures += second.slot >= 0 && second.slot == first.slot;
            art_blob_buf_put(&second);
        }
        if (first.slot >= 0) failures += memcmp(first.data, &mine, sizeof mine) != 0;
        art_blob_buf_put(&first);
    }
    return NULL;
}

static void run_threads(void *(*work)(void *), uint32_t slots) {
    pthread_t threads[THREADS];
    failures = 0;
    ck_assert_int_eq(art_blob_pool_open(&pool, slots), ART_OK);
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_uint_eq(failures, 0);
    expect_stats(slots, 0);
    uint8_t seen[64] = {0}; /* each slot is on the list once */
    struct art_blob_buf bufs[64];
    for (uint32_t i = 0; i < slots; i++) {
        ck_assert_int_eq(art_blob_buf_get(pool, &bufs[i]), ART_OK);
        ck_assert(bufs[i].slot >= 0 && !seen[bufs[i].slot]++);
    }
    for (uint32_t i = 0; i < slots; i++) art_blob_buf_put(&bufs[i]);
    art_blob_pool_close(pool);
}

CASE("threads", .seconds = 120)

TEST(test_threads_that_churn_never_share_a_buffer) {
    run_threads(churn, 64); /* enough for all */
    run_threads(churn, 10); /* the heap is needed now and then */
}

TEST(test_threads_that_snatch_at_two_slots_never_share_one) {
    run_threads(snatch, 2);
    run_threads(snatch, 5);
}

CASE("pool", .seconds = 120)

/* The ABA problem, step by step: between one thread's look and its exchange, others take two and put the first back. */
TEST(test_a_slot_that_comes_and_goes_in_between_is_noticed) {
    _Atomic uint32_t next[3];
    struct art_free_list list = {.next = next};
    art_free_list_fill(&list, 3);
    uint64_t seen = art_free_list_look(&list);
    ck_assert_int_eq(art_free_list_pop(&list), 0);
    ck_assert_int_eq(art_free_list_pop(&list), 1);
    art_free_list_push(&list, 0);
    ck_assert_uint_eq((uint32_t)art_free_list_look(&list), (uint32_t)seen); /* the same slot is on top */
    ck_assert(!art_free_list_take(&list, &seen));                           /* but 1, which was below it, is not free */
    ck_assert(art_free_list_take(&list, &seen));
    ck_assert_int_eq(art_free_list_pop(&list), 2);
    ck_assert_int_eq(art_free_list_pop(&list), -1);
    seen = art_free_list_look(&list);
    ck_assert(!art_free_list_take(&list, &seen));
}

SUITE("pool", .seconds = 120)
