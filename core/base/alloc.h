/* The one door to memory. Under SQLite it leads to sqlite3_malloc64, so that SQLite's limits and fault hooks see us;
 * in tests, to an allocator that fails when told to. Only the slab of a blob_pool is mapped directly (core/io). */
#ifndef ART_BASE_ALLOC_H
#define ART_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

struct art_allocator {
    void *(*allocate)(uint64_t bytes);
    void *(*resize)(void *old, uint64_t bytes);
    void (*release)(void *memory);
};

/* Set before the first allocation, once a process (setting the same again is fine). NULL: malloc. */
void art_alloc_use(const struct art_allocator *allocator);

/* As malloc, calloc (one argument), realloc, free, strdup; NULL when there is no memory, without a message. 0 bytes are
 * one. */
void *art_alloc(size_t bytes) __attribute__((malloc, warn_unused_result));
void *art_alloc_zeroed(size_t bytes) __attribute__((malloc, warn_unused_result));
void *art_resize(void *old, size_t bytes) __attribute__((warn_unused_result));
void art_free(void *memory);
char *art_string_copy(const char *text) __attribute__((malloc, warn_unused_result));

/* `alignment` is a power of two; freed by art_free_aligned() only, for which NULL is fine. */
void *art_alloc_aligned(size_t bytes, size_t alignment) __attribute__((malloc, warn_unused_result));
void art_free_aligned(void *memory);

#endif
