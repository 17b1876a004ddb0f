/* The free slots of a pool: a lock-free stack of numbers (R. K. Treiber, 1986), with a tag against ABA.
 *
 *   head    tag:32 | slot+1:32      0 in the lower half: empty
 *   next    for each free slot, slot+1 of the one below it, 0: the last
 *
 * Taking a slot is a look at the head and an exchange that must find it unchanged. In between others may have taken
 * the top and the one below, and put the top back: the same number on top, but what was seen below is in use. The tag
 * grows with every change, so the exchange fails (unless 2^32 changes came in between). A stale next[] may be read,
 * never used.
 *
 * Private to blob_pool.c and its test.
 */
#ifndef ART_IO_FREE_LIST_H
#define ART_IO_FREE_LIST_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct art_free_list {
    _Alignas(64) _Atomic uint64_t head;
    _Atomic uint32_t *next;
};

/* A head with this top (slot+1) and the next tag. */
static inline uint64_t art_free_list_new_head(uint64_t old, uint32_t top) {
    return ((old >> 32) + 1) << 32 | top;
}

/* All of `slots` are free, 0 on top. */
static inline void art_free_list_fill(struct art_free_list *list, uint32_t slots) {
    for (uint32_t i = 0; i < slots; i++) atomic_init(&list->next[i], i + 1 < slots ? i + 2 : 0);
    atomic_init(&list->head, slots ? 1 : 0);
}

/* The head as it is, for art_free_list_take(). */
static inline uint64_t art_free_list_look(struct art_free_list *list) {
    return atomic_load_explicit(&list->head, memory_order_acquire);
}

/* Takes the slot on top if the list is not empty and still as it was when `seen` was looked at. On failure `seen` is
 * what it is like now. */
static inline bool art_free_list_take(struct art_free_list *list, uint64_t *seen) {
    uint32_t top = (uint32_t)*seen;
    if (!top) return false;
    uint32_t below = atomic_load_explicit(&list->next[top - 1], memory_order_relaxed);
    assert(below != top);
    return atomic_compare_exchange_strong_explicit(&list->head, seen, art_free_list_new_head(*seen, below),
                                                   memory_order_acquire, memory_order_acquire);
}

/* A free slot, -1 when there is none. */
static inline int32_t art_free_list_pop(struct art_free_list *list) {
    uint64_t seen = art_free_list_look(list);
    while ((uint32_t)seen) {
        uint32_t top = (uint32_t)seen;
        if (art_free_list_take(list, &seen)) return (int32_t)(top - 1);
    }
    return -1;
}

/* Puts a slot back, which somebody has taken. */
static inline void art_free_list_push(struct art_free_list *list, uint32_t slot) {
    uint64_t seen = atomic_load_explicit(&list->head, memory_order_relaxed);
    do {
        assert((uint32_t)seen != slot + 1);
        atomic_store_explicit(&list->next[slot], (uint32_t)seen, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&list->head, &seen, art_free_list_new_head(seen, slot + 1),
                                                    memory_order_release, memory_order_relaxed));
}

/* How many are free, at most `slots`; exact while nobody else works on the list. */
static inline uint32_t art_free_list_count(const struct art_free_list *list, uint32_t slots) {
    uint32_t count = 0, at = (uint32_t)atomic_load(&list->head);
    while (at && count < slots) {
        count++;
        at = atomic_load_explicit(&list->next[at - 1], memory_order_relaxed);
    }
    return count;
}

#endif
