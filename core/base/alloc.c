#include "core/base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *libc_allocate(uint64_t bytes) {
    return malloc(bytes);
}

static void *libc_resize(void *old, uint64_t bytes) {
    return realloc(old, bytes);
}

static const struct art_allocator libc_allocator = {libc_allocate, libc_resize, free};
static struct art_allocator current = {libc_allocate, libc_resize, free};

void art_alloc_use(const struct art_allocator *allocator) {
    assert(!allocator || (allocator->allocate && allocator->resize && allocator->release));
    current = allocator ? *allocator : libc_allocator;
}

void *art_alloc(size_t bytes) {
    return current.allocate(bytes ? bytes : 1);
}

void *art_alloc_zeroed(size_t bytes) {
    void *memory = art_alloc(bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void *art_resize(void *old, size_t bytes) {
    return current.resize(old, bytes ? bytes : 1);
}

void art_free(void *memory) {
    if (memory) current.release(memory);
}

char *art_string_copy(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = art_alloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* What the allocator gave is kept in the word before the aligned address. */
void *art_alloc_aligned(size_t bytes, size_t alignment) {
    assert(alignment >= sizeof(void *) && !(alignment & (alignment - 1)));
    uint8_t *raw = art_alloc(bytes + alignment + sizeof(void *));
    if (!raw) return NULL;
    uintptr_t at = ((uintptr_t)raw + sizeof(void *) + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((void *)(at - sizeof(void *)), &raw, sizeof raw);
    return (void *)at;
}

void art_free_aligned(void *memory) {
    if (!memory) return;
    void *raw;
    memcpy(&raw, (uint8_t *)memory - sizeof(void *), sizeof raw);
    assert(raw && (uint8_t *)raw < (uint8_t *)memory);
    art_free(raw);
}
