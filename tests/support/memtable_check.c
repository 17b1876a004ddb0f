/* The invariants of inside.h, one by one, over the whole tree. */
#include "core/memtable/inside.h"

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "tests/support/of_core.h"

/* A walk over nodes as well as leaves, in key order. */
struct node_walk {
    struct walk_step {
        struct art_node *node;
        int child;      /* ART_CHILD_NONE: not begun */
        int64_t weight; /* for the walker; these are 0 at first */
        uint64_t newest;
        struct art_summed summed;
    } * steps;
    size_t depth, capacity;
};

enum { STEPS_FIRST = 32 };

static struct walk_step *walk_top(const struct node_walk *walk) {
    return walk->depth ? &walk->steps[walk->depth - 1] : NULL;
}

static enum art_rc walk_enter(struct node_walk *walk, art_link link) {
    if (walk->depth == walk->capacity) {
        size_t capacity = walk->capacity ? 2 * walk->capacity : STEPS_FIRST;
        struct walk_step *steps = art_resize(walk->steps, capacity * sizeof *steps);
        if (!steps) return art_nomem();
        walk->steps = steps;
        walk->capacity = capacity;
    }
    walk->steps[walk->depth++] = (struct walk_step){.node = art_link_node(link), .child = ART_CHILD_NONE};
    return ART_OK;
}

static art_link walk_next(struct node_walk *walk) {
    assert(walk->depth);
    struct walk_step *step = walk_top(walk);
    bool begun = step->child != ART_CHILD_NONE;
    int child = begun ? art_node_next(step->node, step->child) : art_node_first(step->node);
    if (child == ART_CHILD_NONE) return 0;
    step->child = child;
    return art_node_child(step->node, child);
}

static void walk_leave(struct node_walk *walk) {
    assert(walk->depth);
    walk->depth--;
}

static void walk_clear(struct node_walk *walk) {
    art_free(walk->steps);
    *walk = (struct node_walk){0};
}

struct check {
    const struct art_memtable *memtable;
    struct node_walk walk;
    const struct art_leaf *previous;
    uint32_t meet; /* depth of the lowest node above the previous leaf that has not been left */
    uint64_t keys, bytes;
    size_t live;
    int64_t weight;
    uint64_t notes; /* of all leaves */
};

static enum art_rc broken(const char *what) {
    return art_corrupt("memtable", ART_NOWHERE, ART_NOWHERE, "%s", what);
}

/* Ascending bytes and the number of children; indexes of a Node48 that no byte leads to, or two do. */
static enum art_rc check_children(const struct art_node *node) {
    int count = 0, before = -1;
    uint64_t indexes = 0;
    for (int child = art_node_child_from(node, 0); child >= 0; child = art_node_next(node, child)) {
        int byte = art_node_byte(node, child);
        if (byte <= before) return broken("children out of order");
        if (!art_node_child(node, child)) return broken("a child without a link");
        if (art_node_child_of(node, (uint8_t)byte) != child) return broken("a child that is not found");
        if (art_node_prev(node, child) !=
            (before < 0 ? (node->end ? ART_CHILD_END : ART_CHILD_NONE) : art_node_child_of(node, (uint8_t)before))) {
            return broken("a child whose predecessor is not found");
        }
        if (node->type == ART_NODE48) indexes |= 1ull << (((const struct art_node48 *)node)->index[byte] - 1);
        before = byte;
        count++;
    }
    if (count != node->children) return broken("a node with a wrong number of children");
    if (node->type == ART_NODE48 && __builtin_popcountll(indexes) != count) return broken("a shared index in a Node48");
    if (count + !!node->end < 2) return broken("a node with less than two links");
    return ART_OK;
}

static enum art_rc enter_node(struct check *check, art_link link) {
    const struct art_node *node = art_link_node(link);
    const struct walk_step *above = walk_top(&check->walk);
    if (node->type > ART_NODE256) return broken("a node of an unknown type");
    if (link % ART_ARENA_LINE_BYTES) return broken("a node that does not begin a cache line");
    if (above && node->depth <= above->node->depth) return broken("a node that is not deeper than the one above");
    if (node->end && !art_link_is_leaf(node->end)) return broken("a node in the index of an end");
    check->live += art_node_bytes(node->type) + check->memtable->arena.beside;
    enum art_rc rc = check_children(node);
    return rc ? rc : walk_enter(&check->walk, link);
}

static enum art_rc leave_node(struct check *check) {
    struct walk_step done = *walk_top(&check->walk);
    struct art_measures has = {0};
    if (check->memtable->summary) has = check->memtable->summary->has;
    if (done.weight != done.node->weight) return broken("a node with a wrong weight");
    if (check->memtable->knows_newest && done.newest > done.node->newest) return broken("a node with a newer leaf");
    if (has.sums && memcmp(done.summed.sum, art_node_sums(done.node), has.sums * sizeof *done.summed.sum) != 0) {
        return broken("a node with wrong sums");
    }
    for (unsigned i = 0; i < has.columns; i++) {
        struct art_zone zone = art_node_zones(done.node, has)[i], both = zone;
        art_zone_add(&both, &done.summed.zone[i]);
        bool wide = both.kinds == zone.kinds && both.low.integer == zone.low.integer &&
                    both.high.integer == zone.high.integer; /* the bits of a real, too */
        if (!wide) return broken("a node with a zone that is too narrow");
    }
    walk_leave(&check->walk);
    struct walk_step *above = walk_top(&check->walk);
    if (above) {
        above->weight += done.weight;
        if (above->newest < done.newest) above->newest = done.newest;
        art_summed_add(has, &above->summed, &done.summed);
        check->meet = art_min32(check->meet, above->node->depth);
    }
    return ART_OK;
}

/* The chain of notes back to the first one. */
static enum art_rc check_notes(struct check *check, const struct art_leaf *leaf) {
    const struct art_undo *undo = &check->memtable->undo;
    if (leaf->noted > undo->base + undo->count) return broken("a note from the future");
    for (uint64_t noted = leaf->noted; noted > undo->base;) {
        const struct art_undo_note *note = art_undo_at(undo, noted);
        if (note->leaf != leaf || note->noted >= noted) return broken("a broken chain of notes");
        if (note->absent && note->noted) return broken("a key that was absent after a note");
        if (note->noted > undo->savepoint) return broken("a key noted twice since the last savepoint");
        noted = note->noted;
        check->notes++;
    }
    return ART_OK;
}

static enum art_rc check_leaf(struct check *check, const struct art_leaf *leaf) {
    struct walk_step *above = walk_top(&check->walk);
    if (art_leaf_flags(leaf) & ~ART_ENTRY_FLAGS) return broken("an entry with unknown flags");
    if (!art_entry_is_sane(art_leaf_flags(leaf), art_leaf_value(leaf))) {
        return broken(art_leaf_flags(leaf) & ART_REPLACED ? "an entry whose value contradicts its flags"
                                                          : "a delete with a value");
    }
    if (above) {
        uint32_t depth = above->node->depth;
        bool fits = above->child == ART_CHILD_END
                        ? leaf->key_len == depth
                        : leaf->key_len > depth && leaf->key[depth] == art_node_byte(above->node, above->child);
        if (!fits) return broken("a key in a wrong index");
        above->weight += art_leaf_weight(leaf);
        if (above->newest < leaf->csn_flags >> 8) above->newest = leaf->csn_flags >> 8;
        if (check->memtable->summary) {
            art_link_add_sums(check->memtable->summary, art_leaf_link(leaf), above->summed.sum);
            art_link_add_zones(check->memtable->summary, art_leaf_link(leaf), above->summed.zone);
        }
    }
    if (check->previous) {
        struct art_bytes a = art_leaf_key(check->previous), b = art_leaf_key(leaf);
        if (art_bytes_compare(a, b) >= 0) return broken("keys out of order");
        if (art_common_prefix(a.data, b.data, art_min32(a.len, b.len)) != check->meet) {
            return broken("neighbours that part at another depth than their node's");
        }
    }
    check->previous = leaf;
    check->meet = above ? above->node->depth : 0;
    check->keys++;
    check->bytes += (uint64_t)leaf->key_len + leaf->value_len;
    check->live += art_leaf_bytes(leaf);
    check->weight += art_leaf_weight(leaf);
    return check_notes(check, leaf);
}

static enum art_rc visit_link(struct check *check, art_link link) {
    return art_link_is_leaf(link) ? check_leaf(check, art_link_leaf(link)) : enter_node(check, link);
}

static enum art_rc check_totals(const struct check *check) {
    const struct art_memtable *memtable = check->memtable;
    if (check->keys != memtable->keys) return broken("a wrong number of keys");
    if (check->bytes != memtable->bytes) return broken("a wrong number of bytes");
    if (check->weight != memtable->weight) return broken("a wrong count");
    if (check->live != memtable->arena.live || memtable->arena.live > memtable->arena.used)
        return broken("a wrong amount of garbage");
    if (check->notes != memtable->undo.count) return broken("a note of a key that is not there");
    if (memtable->references < 1) return broken("no reference");
    return ART_OK;
}

enum art_rc art_memtable_check(const struct art_memtable *memtable) {
    struct check check = {.memtable = memtable};
    enum art_rc rc = memtable->root ? visit_link(&check, memtable->root) : ART_OK;
    while (!rc && check.walk.depth) {
        art_link link = walk_next(&check.walk);
        rc = link ? visit_link(&check, link) : leave_node(&check);
    }
    walk_clear(&check.walk);
    return rc ? rc : check_totals(&check);
}
