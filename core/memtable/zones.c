/* Bounds of what lies below each node, for searches by value and not by key. */
#include "core/memtable/inside.h"

#include "core/base/error.h"

void art_link_add_zones(const struct art_summary *summary, art_link link, struct art_zone *zone) {
    struct art_datum data[ART_SUMMARY_MAX];
    struct art_entry entry;
    if (!art_link_is_leaf(link)) {
        const struct art_zone *below = art_node_zones(art_link_node(link), summary->has);
        for (unsigned i = 0; i < summary->has.columns; i++) art_zone_add(&zone[i], &below[i]);
        return;
    }
    art_leaf_entry(art_link_leaf(link), &entry);
    if (entry.flags & (ART_DELETE | ART_CHUNK)) return;
    art_summary_read(summary, &entry, ART_ALL_COLUMNS, data);
    for (unsigned i = 0; i < summary->has.columns; i++) art_zone_add_datum(&zone[i], &data[i]);
}

void art_link_add_summed(const struct art_summary *summary, art_link link, art_int128 *sum, struct art_zone *zone) {
    struct art_datum data[ART_SUMMARY_MAX];
    struct art_entry entry;
    if (!art_link_is_leaf(link)) {
        art_link_add_sums(summary, link, sum);
        art_link_add_zones(summary, link, zone);
        return;
    }
    art_leaf_entry(art_link_leaf(link), &entry);
    art_summary_add(summary, &entry, sum, zone, data);
}

/* May a key below the link be in the range? All of them begin alike. */
static bool may_be_inside(art_link link, struct art_bytes low, struct art_bytes high) {
    if (art_link_is_leaf(link)) {
        struct art_bytes key = art_leaf_key(art_link_leaf(link));
        return art_bytes_compare(key, low) >= 0 && art_bytes_compare(key, high) < 0;
    }
    const uint8_t *begin = art_link_any_leaf(link)->key;
    uint32_t depth = art_link_node(link)->depth, n = art_min32(depth, low.len);
    if (n && memcmp(begin, low.data, n) < 0) return false;
    return art_bytes_compare(art_bytes(begin, depth), high) < 0;
}

enum art_rc art_memtable_visit(const struct art_memtable *memtable, uintptr_t link, struct art_bytes low,
                               struct art_bytes high,
                               enum art_rc (*visit)(void *context, const struct art_memtable_part *part),
                               void *context) {
    const struct art_summary *summary = memtable->summary;
    const struct art_node *node = link ? art_link_node(link) : NULL;
    int child = node ? art_node_first(node) : 0;
    assert(summary);
    while (child != ART_CHILD_NONE) {
        struct art_zone own[ART_SUMMARY_MAX] = {0};
        art_link below = node ? art_node_child(node, child) : memtable->root;
        struct art_memtable_part part = {.link = below};
        child = node ? art_node_next(node, child) : ART_CHILD_NONE;
        if (!below || !may_be_inside(below, low, high)) continue;
        part.is_key = art_link_is_leaf(below);
        if (part.is_key) {
            part.key = art_leaf_key(art_link_leaf(below));
            art_leaf_entry(art_link_leaf(below), &part.entry);
            if (part.entry.flags & ART_DELETE) continue;
            art_link_add_zones(summary, below, own);
        }
        part.zones = part.is_key ? own : art_node_zones(art_link_node(below), summary->has);
        enum art_rc rc = visit(context, &part);
        if (rc) return rc;
    }
    return ART_OK;
}

/* --- the best of a range ------------------------------------------------------------------------------------------ */

enum { DEPTH_MAX = 48 };

/* A node on the way: its best child is looked into first, and then those of the others that are still better than what
 * was found. */
struct zone_step {
    const struct art_node *node;
    int best, next;
    bool begun;  /* the best was looked into */
    bool inside; /* all of its keys are in the range */
};

struct zone_walk {
    struct art_bytes low, high;
    struct art_extreme *search;
    const struct art_memtable *memtable;
    unsigned depth;
    struct zone_step steps[DEPTH_MAX];
};

/* Are all keys below the node in the range? Some are. */
static bool lies_inside(const struct art_node *node, struct art_bytes low, struct art_bytes high) {
    struct art_bytes shared = art_bytes(art_link_any_leaf((art_link)node)->key, node->depth);
    return art_bytes_compare(shared, low) >= 0 && !art_bytes_starts_with(high, shared);
}

static const struct art_zone *zone_below(const struct zone_walk *walk, const struct art_node *node) {
    return &art_node_zones(node, walk->memtable->summary->has)[walk->search->column];
}

/* A child that may have something better. */
static bool is_promising(const struct zone_walk *walk, const struct zone_step *step, art_link link) {
    if (art_link_is_leaf(link) || !art_extreme_beats(walk->search, zone_below(walk, art_link_node(link)))) return false;
    return step->inside || may_be_inside(link, walk->low, walk->high);
}

static void look_at_leaf(const struct zone_walk *walk, bool inside, art_link link) {
    struct art_entry entry;
    if (!inside && !may_be_inside(link, walk->low, walk->high)) return;
    art_leaf_entry(art_link_leaf(link), &entry);
    art_extreme_take_entry(walk->search, &entry);
}

/* Is the bound of the one better than that of the other? Both are integers, if the search is not lost. */
static bool is_bound_better(const struct zone_walk *walk, const struct art_node *node, const struct art_node *than) {
    const struct art_zone *a = zone_below(walk, node), *b = zone_below(walk, than);
    return walk->search->largest ? a->high.integer > b->high.integer : a->low.integer < b->low.integer;
}

/* Looks at the leaves right below the step's node, and finds the best of its other children. */
static void look_at_children(struct zone_walk *walk, struct zone_step *step) {
    const struct art_node *node = step->node;
    step->best = ART_CHILD_NONE;
    step->next = art_node_first(node);
    for (int child = step->next; child != ART_CHILD_NONE; child = art_node_next(node, child)) {
        art_link link = art_node_child(node, child);
        if (art_link_is_leaf(link)) {
            look_at_leaf(walk, step->inside, link);
        } else if (is_promising(walk, step, link)) {
            bool better = step->best == ART_CHILD_NONE ||
                          is_bound_better(walk, art_link_node(link), art_link_node(art_node_child(node, step->best)));
            if (better) step->best = child;
        }
    }
}

static void go_into(struct zone_walk *walk, const struct art_node *node, bool inside) {
    bool numbers = !(zone_below(walk, node)->kinds & (ART_ZONE_REALS | ART_ZONE_OTHERS));
    walk->search->lost |= !numbers || walk->depth == DEPTH_MAX;
    if (walk->search->lost) return;
    struct zone_step *step = &walk->steps[walk->depth++];
    step->node = node;
    step->begun = false;
    step->inside = inside || lies_inside(node, walk->low, walk->high);
    look_at_children(walk, step);
}

/* The next child of the step that is worth a look; 0: there is none. */
static art_link next_promising(const struct zone_walk *walk, struct zone_step *step) {
    if (!step->begun && step->best != ART_CHILD_NONE) {
        art_link link = art_node_child(step->node, step->best);
        step->begun = true;
        if (is_promising(walk, step, link)) return link;
    }
    while (step->next != ART_CHILD_NONE) {
        int child = step->next;
        art_link link = art_node_child(step->node, child);
        step->next = art_node_next(step->node, child);
        if (child != step->best && is_promising(walk, step, link)) return link;
    }
    return 0;
}

/* The link below which all keys of the range are: they begin with what its ends have in common. 0: there is none. */
static art_link link_around(const struct art_memtable *memtable, struct art_bytes low, struct art_bytes high) {
    uint32_t common = art_common_prefix(low.data, high.data, art_min32(low.len, high.len));
    art_link link = memtable->root;
    while (link && !art_link_is_leaf(link) && art_link_node(link)->depth < common) {
        const art_link *slot = art_node_slot(art_link_node(link), low.data[art_link_node(link)->depth]);
        link = slot ? *slot : 0;
    }
    return link;
}

void art_memtable_extreme(const struct art_memtable *memtable, struct art_bytes low, struct art_bytes high,
                          struct art_extreme *search) {
    struct zone_walk walk; /* its steps are set when they are taken */
    walk.low = low;
    walk.high = high;
    walk.search = search;
    walk.memtable = memtable;
    walk.depth = 0;
    struct zone_step above = {.inside = false};
    art_link first = link_around(memtable, low, high);
    if (first && art_link_is_leaf(first)) look_at_leaf(&walk, false, first);
    if (first && is_promising(&walk, &above, first)) go_into(&walk, art_link_node(first), false);
    while (walk.depth && !search->lost) {
        struct zone_step *step = &walk.steps[walk.depth - 1];
        art_link link = next_promising(&walk, step);
        if (link) {
            go_into(&walk, art_link_node(link), step->inside);
        } else {
            walk.depth--;
        }
    }
}
