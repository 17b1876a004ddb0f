/* The newest version below each node, by which a walk passes over what is old.
 *
 * An overwrite would have to go the key's way once more to note it, which takes a quarter of the time that the
 * memtable takes. So it is found out when somebody asks for the first time, and kept up from then on.
 */
#include "core/memtable/inside.h"
#include "core/memtable/walk.h"

#include "core/base/error.h"

/* What is below has been seen: the node knows, and the one above it hears. */
static void leave_with_newest(struct art_memtable_walk *walk) {
    struct art_walk_step *step = art_walk_top(walk);
    uint64_t newest = step->newest;
    art_node_note_csn(step->node, newest);
    art_walk_leave(walk);
    step = art_walk_top(walk);
    if (step && step->newest < newest) step->newest = newest;
}

enum art_rc art_memtable_learn_newest(struct art_memtable *memtable) {
    struct art_memtable_walk walk = {0};
    enum art_rc rc = ART_OK;
    if (memtable->knows_newest) return ART_OK;
    if (memtable->root && !art_link_is_leaf(memtable->root)) rc = art_walk_enter(&walk, memtable->root);
    while (!rc && walk.depth) {
        art_link link = art_walk_next(&walk);
        if (!link) {
            leave_with_newest(&walk);
        } else if (!art_link_is_leaf(link)) {
            rc = art_walk_enter(&walk, link);
        } else {
            struct art_walk_step *step = art_walk_top(&walk);
            if (step->newest < art_link_newest(link)) step->newest = art_link_newest(link);
        }
    }
    art_walk_clear(&walk);
    memtable->knows_newest = !rc;
    return rc;
}
