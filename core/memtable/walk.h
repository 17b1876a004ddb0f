/* A walk over nodes as well as leaves, in key order, for callers that want to see the nodes too or to leave some out.
 * Its stack comes from art_alloc(), so no depth of nesting can exhaust the thread's.
 *
 *     rc = art_walk_enter(&walk, link of a node)
 *     while (walk.depth) {
 *         link = art_walk_next(&walk)        next link of the node entered last
 *         if (!link) art_walk_leave(&walk)   it has no more
 *         else ...                           look at a leaf; enter a node or leave it out
 *     }
 *     art_walk_clear(&walk)
 */
#ifndef ART_MEMTABLE_WALK_H
#define ART_MEMTABLE_WALK_H

#include "core/base/error.h"
#include "core/memtable/node.h"

struct art_memtable_walk {
    struct art_walk_step {
        struct art_node *node;
        int child;      /* ART_CHILD_NONE: not begun */
        int64_t weight; /* for the walker; these are 0 at first */
        uint64_t newest;
        struct art_summed summed;
    } * steps;
    size_t depth, capacity;
};

enum art_rc art_walk_enter(struct art_memtable_walk *walk, art_link link); /* ART_OK, ART_NOMEM */
/* Of a walk that has entered a node and not left it: its next link, or 0. */
art_link art_walk_next(struct art_memtable_walk *walk);
/* Back to the node above the one entered last. */
void art_walk_leave(struct art_memtable_walk *walk);
/* Frees the stack; zeros are fine, and are left. */
void art_walk_clear(struct art_memtable_walk *walk);

/* The step of the node entered last, until the next one is entered; NULL: none. */
static inline struct art_walk_step *art_walk_top(const struct art_memtable_walk *walk) {
    return walk->depth ? &walk->steps[walk->depth - 1] : NULL;
}

#endif
