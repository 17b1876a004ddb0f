/* The arena: all memory that keys, values and nodes of one memtable lie in, given back whole.
 *
 *   chunks   512 bytes, 640, 800, ... 64 KB, 128 KB, ... 1 MB, from art_alloc(); what is large for the next one gets a
 *            chunk of its own
 *   regions  the chunk from whose front the next bytes are cut off; one for keys and values (aligned to 8), one for
 *            inner nodes (aligned to a cache line), which lie close together so
 *
 * Nothing cut off ever moves, and only inner nodes are used again: keys and values may still be looked at by a cursor
 * after a rollback took them out of the tree. What became of the bytes is told by two counters:
 *
 *   used     cut off so far, rounding included
 *   live     of these, what the tree refers to now; kept by the code that links and unlinks. used - live is garbage.
 */
#ifndef ART_MEMTABLE_ARENA_H
#define ART_MEMTABLE_ARENA_H

#include <stddef.h>
#include <stdint.h>

enum {
    ART_ARENA_ALIGNMENT = 8,
    ART_ARENA_LINE_BYTES = 64, /* blocks are whole lines */
    ART_ARENA_FIRST_CHUNK_BYTES = 512,
    ART_ARENA_LARGEST_CHUNK_BYTES = 1024 * 1024,
    ART_ARENA_LONE_BYTES = 1024, /* what is larger may get a chunk of its own */
    /* Up to here a chunk is a quarter larger than the one before: little is unused of what every connection has of a
     * short log; from here on it is twice as large. */
    ART_ARENA_SMALL_BYTES = 64 * 1024,
    ART_ARENA_CLASSES = 4 /* one for each type of inner node */
};

struct art_arena_chunk;

struct art_arena_region {
    uint8_t *at;
    size_t left;       /* bytes that may still be cut off its chunk */
    size_t next_chunk; /* size of the next ordinary chunk */
};

struct art_arena {
    struct art_arena_chunk *chunks;
    struct art_arena_region bytes, blocks;
    size_t allocated; /* from art_alloc(), chunk headers included */
    size_t used, live;
    void *recycled[ART_ARENA_CLASSES]; /* lists of freed blocks, linked through their first word */
    size_t beside; /* bytes, whole lines, that every block has behind those that are asked for; set once */
};

static inline size_t art_arena_round(size_t bytes) {
    return (bytes + ART_ARENA_ALIGNMENT - 1) & ~(size_t)(ART_ARENA_ALIGNMENT - 1);
}

/* Empty, without memory; clear() frees all of it, and leaves it so. */
void art_arena_init(struct art_arena *arena);
void art_arena_clear(struct art_arena *arena);

/* `bytes`, rounded up; NULL without memory. Does not count them as live. ART_KEY_PADDING bytes behind them can be
 * read. */
void *art_arena_take(struct art_arena *arena, size_t bytes);

/* Blocks of one size that come back: `bytes` is whole lines and always the same for a class (below ART_ARENA_CLASSES).
 * NULL without memory. These two count as live. */
void *art_arena_take_block(struct art_arena *arena, unsigned class, size_t bytes);
void art_arena_recycle_block(struct art_arena *arena, unsigned class, size_t bytes, void *block);

#endif
