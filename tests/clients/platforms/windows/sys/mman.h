/* Memory that a test shares with its children is its own where it has none. */
#ifndef TEST_PLATFORMS_WINDOWS_MMAN_H
#define TEST_PLATFORMS_WINDOWS_MMAN_H

#include <stdlib.h>

enum { PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 4 };
#define MAP_FAILED ((void *)0)

static inline void *mmap(void *at, size_t bytes, int protection, int flags, int file, long long offset) {
    (void)at, (void)protection, (void)flags, (void)file, (void)offset;
    return calloc(1, bytes);
}

static inline int munmap(void *at, size_t bytes) {
    (void)bytes;
    free(at);
    return 0;
}

#endif
