/* Keys and entries.
 *
 * A search descends by single bytes to the one leaf that could be the key's, and compares there. When it is another
 * key's, the length that both share tells where the new leaf belongs: no leaf of the tree shares more.
 *
 * A set is all or nothing: what needs memory comes first (a note's room, the value, the leaf, the node), what is seen
 * from outside last. An aborted set leaves at most some garbage in the arena.
 */
#include "core/memtable/inside.h"

#include <assert.h>

#include "core/base/alloc.h"
#include "core/base/error.h"

enum art_rc art_memtable_open_summed(struct art_memtable **out, const struct art_summary *summary) {
    struct art_memtable *memtable = art_alloc_zeroed(sizeof *memtable);
    *out = memtable;
    if (!memtable) return art_nomem();
    memtable->references = 1;
    art_arena_init(&memtable->arena);
    if (summary) {
        enum { LINE = ART_ARENA_LINE_BYTES };
        size_t beside = summary->has.sums * sizeof(art_int128) + summary->has.columns * sizeof(struct art_zone);
        memtable->summary = summary;
        memtable->arena.beside = (beside + LINE - 1) / LINE * LINE;
    }
    return ART_OK;
}

enum art_rc art_memtable_open(struct art_memtable **out) {
    return art_memtable_open_summed(out, NULL);
}

struct art_memtable *art_memtable_ref(struct art_memtable *memtable) {
    assert(memtable->references > 0);
    memtable->references++;
    return memtable;
}

void art_memtable_unref(struct art_memtable *memtable) {
    if (!memtable) return;
    assert(memtable->references > 0);
    if (--memtable->references) return;
    art_arena_clear(&memtable->arena);
    art_undo_clear(&memtable->undo);
    art_memtable_filter_clear(memtable);
    art_value_index_clear(memtable);
    art_free(memtable);
}

/* --- search ------------------------------------------------------------------------------------------------------- */

enum art_rc art_memtable_get(const struct art_memtable *memtable, struct art_bytes key, struct art_entry *out) {
    assert(!memtable->root == !memtable->keys);
    art_link link = memtable->root;
    if (!link) return ART_NOTFOUND;
    while (!art_link_is_leaf(link)) {
        const art_link *slot = art_node_toward(art_link_node(link), key);
        if (!slot) return ART_NOTFOUND;
        link = *slot;
    }
    const struct art_leaf *leaf = art_link_leaf(link);
    if (!art_bytes_equal(art_leaf_key(leaf), key)) return ART_NOTFOUND;
    art_leaf_entry(leaf, out);
    return ART_OK;
}

/* NULL: no leaf at all. */
static struct art_leaf *nearest_leaf(const struct art_memtable *memtable, struct art_bytes key) {
    return memtable->root ? (struct art_leaf *)art_link_nearest(memtable->root, key) : NULL;
}

/* --- bookkeeping -------------------------------------------------------------------------------------------------- */

static void count_leaf(struct art_memtable *memtable, const struct art_leaf *leaf) {
    memtable->bytes += (uint64_t)leaf->key_len + leaf->value_len;
    memtable->arena.live += art_leaf_bytes(leaf);
}

static void discount_leaf(struct art_memtable *memtable, const struct art_leaf *leaf) {
    assert(memtable->bytes >= (uint64_t)leaf->key_len + leaf->value_len);
    assert(memtable->arena.live >= art_leaf_bytes(leaf));
    memtable->bytes -= (uint64_t)leaf->key_len + leaf->value_len;
    memtable->arena.live -= art_leaf_bytes(leaf);
}

/* What an entry, or a change of one, adds: to the number of rows, to the sums, and to zones. */
struct art_share {
    uint64_t csn; /* 0: nobody wants to know */
    int weight;
    bool any; /* `summed` means something */
    struct art_summed summed;
};

/* Of the entry `put` in the place of `taken`; either may be missing. */
static void share_of(const struct art_memtable *memtable, struct art_bytes key, const struct art_entry *put,
                     const struct art_entry *taken, struct art_share *out) {
    assert(put || taken);
    const struct art_summary *summary = memtable->summary;
    out->weight = (put ? art_entry_weight(put->flags) : 0) - (taken ? art_entry_weight(taken->flags) : 0);
    out->csn = put && memtable->knows_newest ? put->csn : 0;
    out->any = false;
    if (!summary) return;
    out->any = true;
    if (put) {
        art_summary_weigh(summary, key, put, &out->summed);
    } else {
        out->summed = (struct art_summed){0};
    }
    if (!taken) return;
    art_int128 before[ART_SUMMARY_MAX] = {0};
    art_summary_sums(summary, key, taken, before);
    for (unsigned i = 0; i < summary->has.sums; i++)
        out->summed.sum[i] = art_subtract128(out->summed.sum[i], before[i]);
}

static inline void give_share(const struct art_memtable *memtable, struct art_node *node,
                              const struct art_share *share) {
    node->weight += share->weight;
    if (share->csn) art_node_note_csn(node, share->csn);
    if (!share->any) return;
    struct art_measures has = memtable->summary->has;
    art_int128 *sum = art_node_sums(node);
    struct art_zone *zone = art_zones_behind(sum, has);
    for (unsigned i = 0; i < has.sums; i++) sum[i] = art_add128(sum[i], share->summed.sum[i]);
    for (unsigned i = 0; i < has.columns; i++) art_zone_widen(&zone[i], &share->summed.zone[i]);
}

/* Gives the share to all nodes above the position that `key`, which shares `shared` bytes with its nearest leaf, has or
 * would have; returns the slot there. */
static art_link *weigh_path(struct art_memtable *memtable, struct art_bytes key, uint32_t shared,
                            const struct art_share *share) {
    assert(shared <= key.len);
    art_link *slot = &memtable->root;
    while (*slot && !art_link_is_leaf(*slot)) {
        struct art_node *node = art_link_node(*slot);
        if (node->depth > shared) break;
        art_link *below = art_node_toward(node, key);
        if (!below) break;
        give_share(memtable, node, share);
        slot = below;
    }
    return slot;
}

static void assign(struct art_leaf *leaf, uint64_t csn_flags, struct art_bytes value) {
    leaf->csn_flags = csn_flags;
    leaf->value = value.data;
    leaf->value_len = value.len;
}

void art_memtable_turn(struct art_memtable *memtable, struct art_leaf *leaf, uint64_t csn_flags,
                       struct art_bytes value) {
    struct art_entry put = {.value = value, .csn = csn_flags >> 8, .flags = (uint8_t)csn_flags}, taken;
    struct art_share share;
    art_leaf_entry(leaf, &taken);
    share_of(memtable, art_leaf_key(leaf), &put, &taken, &share);
    if (share.weight || share.any || share.csn > taken.csn) {
        weigh_path(memtable, art_leaf_key(leaf), leaf->key_len, &share);
        memtable->weight += share.weight;
    }
    discount_leaf(memtable, leaf);
    assign(leaf, csn_flags, value);
    count_leaf(memtable, leaf);
    art_value_index_note(memtable, leaf);
    art_memtable_assert(memtable);
}

void art_memtable_remove(struct art_memtable *memtable, struct art_leaf *leaf) {
    memtable->values_of_gone = true;
    struct art_bytes key = art_leaf_key(leaf);
    struct art_entry taken;
    struct art_share share;
    art_leaf_entry(leaf, &taken);
    share_of(memtable, key, NULL, &taken, &share);
    art_link *slot = &memtable->root, *above = NULL;
    assert(memtable->keys && *slot);
    while (!art_link_is_leaf(*slot)) {
        struct art_node *node = art_link_node(*slot);
        give_share(memtable, node, &share);
        above = slot;
        slot = art_node_toward(node, key);
        assert(slot);
    }
    assert(art_link_leaf(*slot) == leaf);
    if (above) {
        art_node_remove(&memtable->arena, above, key);
    } else {
        memtable->root = 0;
    }
    memtable->weight += share.weight;
    memtable->keys--;
    discount_leaf(memtable, leaf);
    art_memtable_assert(memtable);
}

/* --- set ---------------------------------------------------------------------------------------------------------- */

/* A new leaf and its value in one piece. */
static struct art_leaf *new_leaf(struct art_memtable *memtable, struct art_bytes key, struct art_bytes value,
                                 uint64_t csn_flags) {
    assert(key.len <= ART_KEY_MAX && !(csn_flags & ~(UINT64_MAX << 8) & ~(uint64_t)ART_ENTRY_FLAGS));
    struct art_leaf *leaf = art_arena_take(&memtable->arena, art_leaf_head(key.len) + value.len);
    if (!leaf) return NULL;
    uint8_t *behind = (uint8_t *)leaf + art_leaf_head(key.len);
    leaf->noted = 0;
    leaf->key_len = (uint16_t)key.len;
    if (key.len) memcpy(leaf->key, key.data, key.len);
    behind[-1] = 0;
    if (value.len) memcpy(behind, value.data, value.len);
    assign(leaf, csn_flags, art_bytes(behind, value.len));
    return leaf;
}

/* A Node4 between `*slot` and what stands there, for a second key that leaves its neighbour's after `depth` bytes. */
static bool split(struct art_memtable *memtable, art_link *slot, uint32_t depth, const struct art_leaf *neighbour) {
    assert(*slot && depth <= neighbour->key_len);
    struct art_node *node = art_node_new(&memtable->arena, depth);
    if (!node) return false;
    art_link above = (art_link)node;
    node->weight = art_link_weight(*slot);
    if (memtable->knows_newest) art_node_note_csn(node, art_link_newest(*slot));
    if (memtable->summary) {
        art_link_add_summed(memtable->summary, *slot, art_node_sums(node),
                            art_node_zones(node, memtable->summary->has));
    }
    if (neighbour->key_len == depth) {
        node->end = *slot;
    } else {
        art_node_add(&memtable->arena, &above, neighbour->key[depth], *slot);
    }
    *slot = above;
    return true;
}

/* Hangs a leaf into the tree below the nodes that weigh_path() passed. An empty tree has no neighbour. */
static bool attach(struct art_memtable *memtable, art_link *slot, const struct art_leaf *leaf,
                   const struct art_leaf *neighbour, uint32_t shared, const struct art_share *share) {
    art_link link = art_leaf_link(leaf);
    if (!neighbour) {
        *slot = link;
        return true;
    }
    bool fits = !art_link_is_leaf(*slot) && art_link_node(*slot)->depth == shared;
    assert(shared <= leaf->key_len && shared <= neighbour->key_len && leaf->key_len + neighbour->key_len > 2 * shared);
    if (!fits && !split(memtable, slot, shared, neighbour)) return false;
    if (leaf->key_len == shared) {
        art_link_node(*slot)->end = link;
    } else if (!art_node_add(&memtable->arena, slot, leaf->key[shared], link)) {
        return false; /* never after a split: a new Node4 has room */
    }
    give_share(memtable, art_link_node(*slot), share);
    return true;
}

static enum art_rc insert(struct art_memtable *memtable, struct art_bytes key, struct art_bytes value,
                          uint64_t csn_flags, const struct art_memtable_position *position, bool note) {
    const struct art_leaf *neighbour = position->nearest;
    struct art_leaf *leaf = new_leaf(memtable, key, value, csn_flags);
    if (!leaf) return art_nomem();
    uint32_t shared =
        neighbour ? art_common_prefix(neighbour->key, key.data, art_min32(neighbour->key_len, key.len)) : 0;
    struct art_entry put;
    struct art_share share;
    art_leaf_entry(leaf, &put);
    share_of(memtable, key, &put, NULL, &share);
    art_link *slot = weigh_path(memtable, key, shared, &share);
    if (!attach(memtable, slot, leaf, neighbour, shared, &share)) {
        share_of(memtable, key, NULL, &put, &share);
        weigh_path(memtable, key, shared, &share);
        return art_nomem();
    }
    if (note) art_undo_note(&memtable->undo, leaf, true);
    memtable->keys++;
    memtable->weight += share.weight;
    count_leaf(memtable, leaf);
    art_value_index_note(memtable, leaf);
    if (note || memtable->filter) art_memtable_filter_add(memtable, position->hash);
    art_memtable_assert(memtable);
    return ART_OK;
}

/* By what is stored: `head`, maybe empty, and the value behind it. */
static enum art_rc overwrite(struct art_memtable *memtable, struct art_leaf *leaf, struct art_bytes head,
                             struct art_bytes value, uint64_t csn_flags, bool note) {
    assert(memtable->root && memtable->keys);
    uint8_t *copy = (uint8_t *)leaf + art_leaf_head(leaf->key_len); /* where an empty value may lie */
    uint32_t len = head.len + value.len;
    if (len) {
        copy = art_arena_take(&memtable->arena, len);
        if (!copy) return art_nomem();
        if (head.len) memcpy(copy, head.data, head.len);
        if (value.len) memcpy(copy + head.len, value.data, value.len);
    }
    if (note) art_undo_note(&memtable->undo, leaf, false);
    art_memtable_turn(memtable, leaf, csn_flags, art_bytes(copy, len));
    return ART_OK;
}

void art_memtable_look(const struct art_memtable *memtable, struct art_bytes key, struct art_memtable_position *out) {
    out->hash = art_hash64(key.data, key.len);
    out->nearest = nearest_leaf(memtable, key);
}

static bool stands_at(struct art_bytes key, const struct art_memtable_position *position) {
    return position->nearest && art_bytes_equal(art_leaf_key(position->nearest), key);
}

enum art_rc art_memtable_get_at(struct art_bytes key, const struct art_memtable_position *position,
                                struct art_entry *out) {
    if (!stands_at(key, position)) return ART_NOTFOUND;
    art_leaf_entry(position->nearest, out);
    return ART_OK;
}

static enum art_rc put_at(struct art_memtable *memtable, struct art_bytes key,
                          const struct art_memtable_position *position, const struct art_entry *entry,
                          enum art_put_mode mode) {
    if (key.len > ART_KEY_MAX)
        return art_fail(ART_TOOBIG, "art: a key of %u bytes: use at most %d", key.len, ART_KEY_MAX);
    assert(!(entry->flags & ~ART_ENTRY_FLAGS) && !(entry->csn >> 56));
    uint64_t csn_flags = entry->csn << 8 | entry->flags;
    bool empty = entry->flags & ART_DELETE && !(entry->flags & ART_REPLACED);
    struct art_bytes value = empty ? art_bytes(NULL, 0) : entry->value, head = {0};
    struct art_leaf *nearest = position->nearest;
    bool found = stands_at(key, position);
    assert(!nearest == !memtable->root); /* the position is of the memtable as it is */
    bool note = mode == ART_PUT_NOTED && !(found && art_undo_noted_since_savepoint(&memtable->undo, nearest));
    if (note && !art_undo_reserve(&memtable->undo)) return art_nomem();
    if (!found) return insert(memtable, key, value, csn_flags, position, note);
    if (mode == ART_PUT_KEEP_SHADOWS) {
        enum { KEPT = ART_SHADOWS_OLDER | ART_REPLACED };
        uint8_t held = art_leaf_flags(nearest);
        value = art_entry_value(entry->flags, value);
        head = art_bytes(nearest->value, art_entry_head(held, art_leaf_value(nearest)));
        csn_flags = (csn_flags & ~(uint64_t)KEPT) | (held & KEPT);
    }
    return overwrite(memtable, nearest, head, value, csn_flags, note);
}

enum art_rc art_memtable_put(struct art_memtable *memtable, struct art_bytes key, const struct art_entry *entry,
                             enum art_put_mode mode) {
    struct art_memtable_position position = {0};
    if (mode == ART_PUT_NOTED || memtable->filter) {
        art_memtable_look(memtable, key, &position);
    } else { /* nobody asks for its hash */
        position.nearest = nearest_leaf(memtable, key);
    }
    return put_at(memtable, key, &position, entry, mode);
}

enum art_rc art_memtable_set(struct art_memtable *memtable, struct art_bytes key, const struct art_entry *entry) {
    return art_memtable_put(memtable, key, entry, ART_PUT_NOTED);
}

enum art_rc art_memtable_set_at(struct art_memtable *memtable, struct art_bytes key,
                                const struct art_memtable_position *position, const struct art_entry *entry) {
    return put_at(memtable, key, position, entry, ART_PUT_NOTED);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

size_t art_memtable_memory(const struct art_memtable *memtable) {
    return art_memtable_used(memtable) + memtable->arena.allocated - memtable->arena.used;
}

size_t art_memtable_used(const struct art_memtable *memtable) {
    return sizeof *memtable + memtable->arena.used + memtable->undo.capacity * sizeof *memtable->undo.notes +
           memtable->filter_words * sizeof *memtable->filter + art_value_index_bytes(memtable);
}

size_t art_memtable_garbage(const struct art_memtable *memtable) {
    return memtable->arena.used - memtable->arena.live;
}

uint64_t art_memtable_keys(const struct art_memtable *memtable) {
    return memtable->keys;
}

uint64_t art_memtable_bytes(const struct art_memtable *memtable) {
    return memtable->bytes;
}

uint64_t art_memtable_noted(const struct art_memtable *memtable) {
    return memtable->undo.count;
}

uint64_t art_memtable_replayed(const struct art_memtable *memtable) {
    return memtable->replayed;
}

uint64_t art_memtable_narrowed(const struct art_memtable *memtable) {
    return memtable->narrowed;
}

int64_t art_memtable_count(const struct art_memtable *memtable) {
    return memtable->weight;
}

enum art_rc art_memtable_compact(const struct art_memtable *memtable, struct art_memtable **out) {
    struct art_memtable *copy;
    struct art_memtable_cursor cursor;
    *out = NULL;
    enum art_rc rc = art_memtable_open_summed(&copy, memtable->summary);
    if (rc) return rc;
    art_memtable_cursor_init(&cursor, memtable);
    rc = art_memtable_first(&cursor);
    while (!rc && cursor.valid) {
        struct art_entry entry;
        art_memtable_cursor_entry(&cursor, &entry);
        rc = art_memtable_put(copy, cursor.key, &entry, ART_PUT_PLAIN);
        if (!rc) rc = art_memtable_next(&cursor);
    }
    art_memtable_cursor_clear(&cursor);
    if (rc) {
        art_memtable_unref(copy);
        return rc;
    }
    assert(copy->keys == memtable->keys && copy->weight == memtable->weight && copy->bytes == memtable->bytes);
    *out = copy;
    return ART_OK;
}
