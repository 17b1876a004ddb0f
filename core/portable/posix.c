/* Memory and fork as core/base/platform.h asks for them, by POSIX: for Linux, with core/linux/ and without, macOS, the
 * BSDs, the browser. */
#ifndef _WIN32

#include "core/base/platform.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_NORESERVE /* FreeBSD */
#define MAP_NORESERVE 0
#endif

/* emscripten's mmap() is malloc(), of which no part can be given back. */
void *art_platform_reserve(size_t bytes, size_t alignment) {
#ifdef __EMSCRIPTEN__
    (void)bytes;
    (void)alignment;
    return NULL;
#else
    size_t mapped = bytes + alignment;
    /* cppcheck-suppress invalidFunctionArg ; without a file there is no offset into it, and -1 is the manual's fd */
    uint8_t *raw = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uint8_t *reserved = raw + (-(uintptr_t)raw & (alignment - 1));
    size_t before = (size_t)(reserved - raw);
    if (before) munmap(raw, before);
    munmap(reserved + bytes, mapped - before - bytes);
    /* cppcheck-suppress deallocret ; only what lies around it was given back */
    return reserved;
#endif
}

void art_platform_release(void *reserved, size_t bytes) {
    munmap(reserved, bytes);
}

bool art_platform_commit(void *at, size_t bytes) {
    (void)at;
    (void)bytes;
    return true;
}

#ifdef ART_TEST_HOOKS
/* The caller takes what is there as zeros or as before. Tests do little else than this where a page that comes back
 * costs 20 us, as in some virtual machines: of their calls one in 32 is carried out. */
static bool discards_nothing(void) {
    static _Atomic unsigned calls;
    return atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) % 32 != 31;
}
#else
static bool discards_nothing(void) {
    return false;
}
#endif

/* MADV_DONTNEED of Linux gives the memory back at once; elsewhere MADV_FREE does when somebody wants it. Both would
 * take the whole of a page that reaches out of the range: a system's pages may have 16 or 64 KB. */
void art_platform_discard(void *at, size_t bytes) {
    if (discards_nothing()) return;
    int advice = MADV_DONTNEED;
#if !defined(__linux__) && defined(MADV_FREE)
    advice = MADV_FREE;
#endif
    size_t page = (size_t)sysconf(_SC_PAGESIZE), before = -(uintptr_t)at & (page - 1);
    if (bytes >= before + page) madvise((uint8_t *)at + before, (bytes - before) & ~(page - 1), advice);
}

bool art_platform_at_fork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    return !pthread_atfork(before, in_parent, in_child);
}

#endif
