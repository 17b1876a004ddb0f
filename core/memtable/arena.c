#include "core/memtable/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"

/* Stands before the bytes of each chunk; its size keeps them aligned. */
struct art_arena_chunk {
    struct art_arena_chunk *next;
    size_t bytes;
};
_Static_assert(sizeof(struct art_arena_chunk) % ART_ARENA_ALIGNMENT == 0, "chunks begin aligned");

void art_arena_init(struct art_arena *arena) {
    *arena = (struct art_arena){0};
    arena->bytes.next_chunk = arena->blocks.next_chunk = ART_ARENA_FIRST_CHUNK_BYTES;
}

void art_arena_clear(struct art_arena *arena) {
    while (arena->chunks) {
        struct art_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        art_free(chunk);
    }
    art_arena_init(arena);
}

/* A new chunk with room for `bytes`, at the front of the list. */
static uint8_t *add_chunk(struct art_arena *arena, size_t bytes) {
    assert(bytes);
    struct art_arena_chunk *chunk = art_alloc(sizeof *chunk + bytes);
    if (!chunk) return NULL;
    chunk->next = arena->chunks;
    chunk->bytes = sizeof *chunk + bytes;
    arena->chunks = chunk;
    arena->allocated += chunk->bytes;
    return (uint8_t *)(chunk + 1);
}

/* `bytes` from the region's front. */
static void *cut_off(struct art_arena *arena, struct art_arena_region *region, size_t bytes) {
    assert(bytes <= region->left && (uintptr_t)region->at % ART_ARENA_ALIGNMENT == 0);
    void *taken = region->at;
    region->at += bytes;
    region->left -= bytes;
    arena->used += bytes;
    return taken;
}

/* A new chunk for the region with room for `bytes`, its first ones aligned. False without memory. */
static bool refill(struct art_arena *arena, struct art_arena_region *region, size_t bytes, size_t alignment) {
    assert(bytes > region->left && !(alignment & (alignment - 1)));
    size_t least = bytes + alignment + ART_KEY_PADDING + sizeof(struct art_arena_chunk);
    while (region->next_chunk < least) region->next_chunk *= 2;
    size_t capacity = region->next_chunk - sizeof(struct art_arena_chunk);
    uint8_t *fresh = add_chunk(arena, capacity);
    if (!fresh) return false;
    size_t skipped = (0 - (uintptr_t)fresh) & (alignment - 1);
    region->at = fresh + skipped;
    region->left = capacity - skipped - ART_KEY_PADDING;
    region->next_chunk += region->next_chunk < ART_ARENA_SMALL_BYTES ? region->next_chunk / 4 : region->next_chunk;
    if (region->next_chunk > ART_ARENA_LARGEST_CHUNK_BYTES) region->next_chunk = ART_ARENA_LARGEST_CHUNK_BYTES;
    assert(region->left >= bytes && (uintptr_t)region->at % alignment == 0);
    return true;
}

void *art_arena_take(struct art_arena *arena, size_t bytes) {
    struct art_arena_region *region = &arena->bytes;
    bytes = art_arena_round(bytes);
    assert(bytes);
    if (bytes > region->left) {
        if (bytes > ART_ARENA_LONE_BYTES && bytes > region->next_chunk / 4) {
            void *alone = add_chunk(arena, bytes + ART_KEY_PADDING);
            if (alone) arena->used += bytes;
            return alone;
        }
        if (!refill(arena, region, bytes, ART_ARENA_ALIGNMENT)) return NULL;
    }
    return cut_off(arena, region, bytes);
}

void *art_arena_take_block(struct art_arena *arena, unsigned class, size_t bytes) {
    assert(class < ART_ARENA_CLASSES && bytes % ART_ARENA_LINE_BYTES == 0);
    bytes += arena->beside;
    void *block = arena->recycled[class];
    if (block) {
        memcpy(&arena->recycled[class], block, sizeof(void *));
    } else {
        if (bytes > arena->blocks.left && !refill(arena, &arena->blocks, bytes, ART_ARENA_LINE_BYTES)) return NULL;
        block = cut_off(arena, &arena->blocks, bytes);
    }
    arena->live += bytes;
    assert((uintptr_t)block % ART_ARENA_LINE_BYTES == 0 && arena->live <= arena->used);
    return block;
}

void art_arena_recycle_block(struct art_arena *arena, unsigned class, size_t bytes, void *block) {
    assert(block != arena->recycled[class] && (uintptr_t)block % ART_ARENA_LINE_BYTES == 0);
    bytes += arena->beside;
    assert(class < ART_ARENA_CLASSES && arena->live >= bytes);
    memcpy(block, &arena->recycled[class], sizeof(void *));
    arena->recycled[class] = block;
    arena->live -= bytes;
}
