#include "tests/support/short_memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/alloc.h"

static _Atomic int64_t left = -1, failures, blocks;
static _Atomic int once;
static _Atomic int64_t bytes, measured_from, most;

static int refused(void) {
    int64_t now = atomic_load(&left);
    while (now > 0 && !atomic_compare_exchange_weak(&left, &now, now - 1)) {
    }
    if (now) return 0;
    atomic_fetch_add(&failures, 1);
    if (atomic_load(&once)) atomic_store(&left, -1);
    return 1;
}

static void count_bytes(int64_t more) {
    int64_t now = atomic_fetch_add(&bytes, more) + more, before = atomic_load(&most);
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now)) {
    }
}

static void *allocate(uint64_t n) {
    void *memory = refused() ? NULL : malloc(n);
    if (memory) atomic_fetch_add(&blocks, 1);
    if (memory) count_bytes((int64_t)malloc_usable_size(memory));
    return memory;
}

static void *resize(void *old, uint64_t n) {
    int64_t before = (int64_t)malloc_usable_size(old);
    void *memory = refused() ? NULL : realloc(old, n);
    if (memory && !old) atomic_fetch_add(&blocks, 1);
    if (memory) count_bytes((int64_t)malloc_usable_size(memory) - before);
    return memory;
}

static void release(void *memory) {
    atomic_fetch_sub(&blocks, 1);
    count_bytes(-(int64_t)malloc_usable_size(memory));
    free(memory);
}

void short_memory_use(void) {
    static const struct art_allocator allocator = {allocate, resize, release};
    art_alloc_use(&allocator);
}

void short_memory_fail_after(int64_t n) {
    atomic_store(&failures, 0);
    atomic_store(&once, 0);
    atomic_store(&left, n);
}

void short_memory_fail_once(int64_t n) {
    atomic_store(&failures, 0);
    atomic_store(&once, 1);
    atomic_store(&left, n);
}

int64_t short_memory_failures(void) {
    return atomic_load(&failures);
}

int64_t short_memory_blocks(void) {
    return atomic_load(&blocks);
}

void short_memory_measure(void) {
    atomic_store(&measured_from, atomic_load(&bytes));
    atomic_store(&most, atomic_load(&bytes));
}

int64_t short_memory_most(void) {
    return atomic_load(&most) - atomic_load(&measured_from);
}
