#include "core/memtable/walk.h"

#include "core/base/alloc.h"
#include "core/base/error.h"

enum { STEPS_FIRST = 32 };

enum art_rc art_walk_enter(struct art_memtable_walk *walk, art_link link) {
    if (walk->depth == walk->capacity) {
        size_t capacity = walk->capacity ? 2 * walk->capacity : STEPS_FIRST;
        struct art_walk_step *steps = art_resize(walk->steps, capacity * sizeof *steps);
        if (!steps) return art_nomem();
        walk->steps = steps;
        walk->capacity = capacity;
    }
    walk->steps[walk->depth++] = (struct art_walk_step){.node = art_link_node(link), .child = ART_CHILD_NONE};
    return ART_OK;
}

art_link art_walk_next(struct art_memtable_walk *walk) {
    assert(walk->depth);
    struct art_walk_step *step = art_walk_top(walk);
    bool begun = step->child != ART_CHILD_NONE;
    int child = begun ? art_node_next(step->node, step->child) : art_node_first(step->node);
    if (child == ART_CHILD_NONE) return 0;
    step->child = child;
    return art_node_child(step->node, child);
}

void art_walk_leave(struct art_memtable_walk *walk) {
    assert(walk->depth);
    walk->depth--;
}

void art_walk_clear(struct art_memtable_walk *walk) {
    art_free(walk->steps);
    *walk = (struct art_memtable_walk){0};
}
