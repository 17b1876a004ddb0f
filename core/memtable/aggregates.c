/* What a node knows of all that lies below it, and the searches that this leads.
 *
 *   weights, sums   exact: what lies before a key in one descent (rank, sums), and back from there to the row (select)
 *   zones           maybe too wide: parts of a range by the best value that they may have (visit), and the least or
 *                   largest of them all, or whether there are others than integers (extreme)
 */
#include "core/memtable/inside.h"

#include "core/base/error.h"

void art_link_add_sums(const struct art_summary *summary, art_link link, art_int128 *sum) {
    assert(link && summary);
    if (art_link_is_leaf(link)) {
        struct art_entry entry;
        art_leaf_entry(art_link_leaf(link), &entry);
        art_summary_sums(summary, art_leaf_key(art_link_leaf(link)), &entry, sum);
        return;
    }
    const art_int128 *below = art_node_sums(art_link_node(link));
    for (unsigned i = 0; i < summary->has.sums; i++) sum[i] = art_add128(sum[i], below[i]);
}

void art_link_add_zones(const struct art_summary *summary, art_link link, struct art_zone *zone) {
    struct art_datum data[ART_SUMMARY_MAX];
    struct art_entry entry;
    assert(link && summary);
    if (!art_link_is_leaf(link)) {
        const struct art_zone *below = art_node_zones(art_link_node(link), summary->has);
        for (unsigned i = 0; i < summary->has.columns; i++) art_zone_add(&zone[i], &below[i]);
        return;
    }
    art_leaf_entry(art_link_leaf(link), &entry);
    if (entry.flags & (ART_DELETE | ART_CHUNK)) return;
    art_summary_read(summary, &entry, ART_ALL_COLUMNS << summary->hashes, NULL, data);
    for (unsigned i = summary->hashes; i < summary->has.columns; i++) art_summary_widen(summary, i, &zone[i], &data[i]);
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
    art_summary_add(summary, art_leaf_key(art_link_leaf(link)), &entry, sum, zone, NULL, data);
}

/* --- what lies before a key --------------------------------------------------------------------------------------- */

/* Weights, and if asked for sums, of what lies before a key. */
struct before {
    const struct art_summary *summary; /* NULL: only weights */
    int64_t weight;
    art_int128 *sum;
};

static inline void add_link(struct before *before, art_link link) {
    assert(!before->summary || before->sum);
    before->weight += art_link_weight(link);
    if (before->summary) art_link_add_sums(before->summary, link, before->sum);
}

/* At each node of the key's way, the links to the left of it. */
static void add_before(const struct art_memtable *memtable, struct art_bytes key, struct before *before) {
    if (!memtable->root) return;
    const struct art_leaf *nearest = art_link_nearest(memtable->root, key);
    uint32_t shared = art_common_prefix(nearest->key, key.data, art_min32(nearest->key_len, key.len));
    assert(shared <= key.len);
    art_link link = memtable->root;
    while (!art_link_is_leaf(link) && art_link_node(link)->depth <= shared) {
        struct art_node *node = art_link_node(link);
        if (node->depth == key.len) return; /* all below is the key or continues it */
        uint8_t byte = key.data[node->depth];
        int child = art_node_child_before(node, byte);
        for (; child != ART_CHILD_NONE; child = art_node_prev(node, child))
            add_link(before, art_node_child(node, child));
        const art_link *slot = art_node_slot(node, byte);
        if (!slot) return;
        link = *slot;
    }
    /* All below leaves the key at the same place as the nearest leaf does. */
    if (art_bytes_compare(art_leaf_key(nearest), key) < 0) add_link(before, link);
}

int64_t art_memtable_rank(const struct art_memtable *memtable, struct art_bytes key) {
    struct before before = {0};
    add_before(memtable, key, &before);
    return before.weight;
}

int64_t art_memtable_sums(const struct art_memtable *memtable, struct art_bytes key, art_int128 *sum) {
    assert(!memtable->summary || sum);
    struct before before = {.summary = memtable->summary, .sum = sum};
    add_before(memtable, key, &before);
    return before.weight;
}

/* Are all keys below the node in the range? Some are, or none is in it. */
static bool lies_inside(art_link link, struct art_bytes low, struct art_bytes high) {
    struct art_bytes shared = art_bytes(art_link_any_leaf(link)->key, art_link_node(link)->depth);
    return art_bytes_compare(shared, low) >= 0 && !art_bytes_starts_with(high, shared);
}

/* --- the row of a sum --------------------------------------------------------------------------------------------- */

static struct art_bytes first_key_below(art_link link) {
    while (!art_link_is_leaf(link)) {
        const struct art_node *node = art_link_node(link);
        assert(art_node_first(node) != ART_CHILD_NONE);
        link = art_node_child(node, art_node_first(node));
    }
    return art_leaf_key(art_link_leaf(link));
}

/* One descent; at each node, the last link that begins before the row does.
 *
 *     weights   1 1 0 -1 -1 | 1 0 1 1 0 1 | -1 1 -1         Between low and high the sums never fall, so that the last
 *     sums     0 1 2 2  1  0  1 1 2 3 3  4   3 4            link which begins with a sum of at most k holds the row;
 *                          low           high               beside them they mean nothing to this search. */
enum art_rc art_memtable_select(const struct art_memtable *memtable, struct art_bytes low, struct art_bytes high,
                                int64_t rank, struct art_bytes *key) {
    art_link link = memtable->root;
    int64_t before = 0;
    if (!link) return ART_NOTFOUND;
    while (!art_link_is_leaf(link)) {
        const struct art_node *node = art_link_node(link);
        int64_t sum = before;
        bool inside = lies_inside(link, low, high);
        link = 0;
        for (int child = art_node_first(node); child != ART_CHILD_NONE; child = art_node_next(node, child)) {
            art_link below = art_node_child(node, child);
            struct art_bytes first = inside ? high : first_key_below(below);
            if (!inside && art_bytes_compare(first, high) >= 0) break;
            if (sum > rank && art_bytes_compare(first, low) > 0) break;
            link = below;
            before = sum;
            sum += art_link_weight(below);
        }
        if (!link) return ART_NOTFOUND;
    }
    const struct art_leaf *leaf = art_link_leaf(link);
    *key = art_leaf_key(leaf);
    bool inside = art_bytes_compare(*key, low) >= 0 && art_bytes_compare(*key, high) < 0;
    return inside && before == rank && art_leaf_weight(leaf) == 1 ? ART_OK : ART_NOTFOUND;
}

/* --- zones made narrow again -------------------------------------------------------------------------------------- */

/* No entry that changes or goes makes a zone narrower: that would take a look at all its neighbours. Searches look at
 * them, and those that find a zone wider than its parts narrow it. */
static bool narrow_node(struct art_memtable *memtable, struct art_node *node) {
    struct art_zone zone[ART_SUMMARY_MAX] = {0}, *held = art_node_zones(node, memtable->summary->has);
    bool narrower = false;
    for (int child = art_node_first(node); child != ART_CHILD_NONE; child = art_node_next(node, child))
        art_link_add_zones(memtable->summary, art_node_child(node, child), zone);
    for (unsigned i = 0; i < memtable->summary->has.columns; i++) {
        narrower |= !art_zones_equal(&zone[i], &held[i]);
        held[i] = zone[i];
    }
    return narrower;
}

/* The nodes above it, too, up to one that stays as it is. */
static void narrow_path(struct art_memtable *memtable, art_link link) {
    enum { PATH_MAX_NODES = 64 };
    struct art_node *above[PATH_MAX_NODES];
    unsigned count = 0;
    struct art_bytes key = art_leaf_key(art_link_any_leaf(link));
    for (art_link at = memtable->root; at != link && count < PATH_MAX_NODES;) {
        assert(!art_link_is_leaf(at));
        above[count++] = art_link_node(at);
        at = *art_node_toward(art_link_node(at), key);
    }
    if (!narrow_node(memtable, art_link_node(link))) return;
    memtable->narrowed++;
    while (count && narrow_node(memtable, above[count - 1])) count--;
}

/* --- parts by their zones ----------------------------------------------------------------------------------------- */

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

/* What the parts of a node have of its bounds in a column. */
struct found_bounds {
    const struct art_zone *of;
    bool whole; /* all parts were looked at */
    bool end;   /* one has the number, or the text, that comes first */
    uint8_t kinds;
};

static inline void meet_bounds(struct found_bounds *found, const struct art_zone *part, bool largest) {
    int64_t end = largest ? part->high.integer : part->low.integer;
    found->kinds |= part->kinds;
    found->end |= end == (largest ? found->of->high.integer : found->of->low.integer) &&
                  part->kinds & found->of->kinds & ART_ZONE_BOUNDED;
}

static bool reaches_bounds(const struct found_bounds *found) {
    uint8_t kinds = found->kinds;
    if (kinds & ART_ZONE_TEXTS && kinds & ART_ZONE_NUMBERS) kinds |= ART_ZONE_OTHERS; /* texts of one part, then */
    if (found->of->kinds & ~kinds) return false;
    return found->end || !(found->of->kinds & ART_ZONE_BOUNDED) || kinds & ART_ZONE_REALS;
}

enum art_rc art_memtable_visit(struct art_memtable *memtable, uintptr_t link, unsigned column, bool largest,
                               struct art_bytes low, struct art_bytes high,
                               enum art_rc (*visit)(void *context, const struct art_memtable_part *part),
                               void *context) {
    const struct art_summary *summary = memtable->summary;
    const struct art_node *node = link ? art_link_node(link) : NULL;
    struct found_bounds found = {.of = node ? &art_node_zones(node, summary->has)[column] : &(struct art_zone){0},
                                 .whole = node};
    int child = node ? art_node_first(node) : 0;
    assert(column < summary->has.columns);
    while (child != ART_CHILD_NONE) {
        struct art_zone own[ART_SUMMARY_MAX] = {0};
        art_link below = node ? art_node_child(node, child) : memtable->root;
        struct art_memtable_part part = {.link = below};
        child = node ? art_node_next(node, child) : ART_CHILD_NONE;
        bool inside = below && may_be_inside(below, low, high);
        found.whole &= inside;
        if (!inside) continue;
        part.is_key = art_link_is_leaf(below);
        if (part.is_key) {
            part.key = art_leaf_key(art_link_leaf(below));
            art_leaf_entry(art_link_leaf(below), &part.entry);
            if (part.entry.flags & ART_DELETE) continue;
            art_link_add_zones(summary, below, own);
        }
        part.zones = part.is_key ? own : art_node_zones(art_link_node(below), summary->has);
        meet_bounds(&found, &part.zones[column], largest);
        enum art_rc rc = visit(context, &part);
        if (rc) return rc;
    }
    if (found.whole && !reaches_bounds(&found)) narrow_path(memtable, link);
    return ART_OK;
}

/* --- the best of a range ------------------------------------------------------------------------------------------ */

struct zone_walk {
    struct art_memtable *memtable;
    struct art_bytes low, high;
    struct art_extreme *search;
    struct art_measures has;
    unsigned depth;
};

static const struct art_zone *zone_below(const struct zone_walk *walk, art_link link) {
    assert(walk->search->column < walk->has.columns);
    return &art_node_zones(art_link_node(link), walk->has)[walk->search->column];
}

/* May it have something better? `inside`: all of its keys are in the range. */
static bool is_promising(const struct zone_walk *walk, art_link link, bool inside) {
    if (!art_extreme_beats(walk->search, zone_below(walk, link))) return false;
    return inside || may_be_inside(link, walk->low, walk->high);
}

static void take_leaf(struct art_extreme *search, art_link link) {
    struct art_entry entry;
    bool lost = search->lost;
    art_leaf_entry(art_link_leaf(link), &entry);
    art_extreme_take_entry(search, &entry);
    if (search->others && search->lost && !lost) search->other = art_leaf_key(art_link_leaf(link));
}

/* Looks at the leaves right below the node. Returns the best of its other children, 0 where none is promising. */
static art_link look_at_leaves(const struct zone_walk *walk, const struct art_node *node, bool inside) {
    struct art_extreme *search = walk->search;
    art_link best = 0;
    for (int child = art_node_first(node); child != ART_CHILD_NONE; child = art_node_next(node, child)) {
        art_link link = art_node_child(node, child);
        if (art_link_is_leaf(link)) {
            if (!inside && !may_be_inside(link, walk->low, walk->high)) continue;
            take_leaf(search, link);
        } else if (is_promising(walk, link, inside)) {
            const struct art_zone *zone = zone_below(walk, link), *than = best ? zone_below(walk, best) : zone;
            bool better =
                search->largest ? zone->high.integer > than->high.integer : zone->low.integer < than->low.integer;
            if (better || !best) best = link;
        }
    }
    return best;
}

/* A promising node: its best child first, and then those of the others that are still better than what was found. */
static void look_below(struct zone_walk *walk, art_link link, bool inside) {
    enum { DEPTH_MAX = 48 };
    struct art_extreme *search = walk->search;
    const struct art_node *node = art_link_node(link);
    assert(walk->depth <= DEPTH_MAX);
    bool integers = search->others || !(zone_below(walk, link)->kinds & ART_ZONE_NO_INTEGERS);
    search->lost |= !integers || walk->depth == DEPTH_MAX;
    if (search->lost) return;
    walk->depth++;
    inside = inside || lies_inside(link, walk->low, walk->high);
    struct art_zone claimed = *zone_below(walk, link);
    art_link best = look_at_leaves(walk, node, inside);
    if (best) look_below(walk, best, inside);
    for (int child = art_node_first(node); child != ART_CHILD_NONE; child = art_node_next(node, child)) {
        art_link below = art_node_child(node, child);
        if (below == best || art_link_is_leaf(below) || search->lost) continue;
        if (is_promising(walk, below, inside)) look_below(walk, below, inside);
    }
    if (inside && !search->lost && art_extreme_beats(search, &claimed))
        narrow_node(walk->memtable, art_link_node(link));
    walk->depth--;
}

uint8_t art_memtable_kinds(const struct art_memtable *memtable, unsigned column) {
    assert(memtable->summary && column < memtable->summary->has.columns);
    art_link root = memtable->root;
    if (!root) return 0;
    return art_link_is_leaf(root) ? ART_ZONE_KINDS
                                  : art_node_zones(art_link_node(root), memtable->summary->has)[column].kinds;
}

void art_memtable_extreme(struct art_memtable *memtable, struct art_bytes low, struct art_bytes high,
                          struct art_extreme *search) {
    assert(memtable->summary && search->column < memtable->summary->has.columns);
    struct zone_walk walk = {
        .memtable = memtable, .low = low, .high = high, .search = search, .has = memtable->summary->has};
    uint32_t common = art_common_prefix(low.data, high.data, art_min32(low.len, high.len));
    art_link link = memtable->root;
    /* All keys of the range begin with what its ends have in common. */
    while (link && !art_link_is_leaf(link) && art_link_node(link)->depth < common) {
        const art_link *slot = art_node_slot(art_link_node(link), low.data[art_link_node(link)->depth]);
        link = slot ? *slot : 0;
    }
    if (link && !art_link_is_leaf(link) && is_promising(&walk, link, false)) look_below(&walk, link, false);
    if (link && art_link_is_leaf(link) && may_be_inside(link, low, high)) take_leaf(search, link);
}
