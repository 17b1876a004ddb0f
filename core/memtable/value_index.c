/* Which keys may have a value: hints from hashes to leaves, in the order in which the values came.
 *
 * Nobody needs them before something is looked up, so they are made then, and kept up by each change. A hint is never
 * taken back: the leaf's value may have changed since, or the leaf may be gone from the tree, whose memory stays. Where
 * there are too many old hints, or no memory for one more, all are dropped, to be made again.
 *
 * Chosen leaves are collected and sorted before the first one is given. Where a value is so frequent that a walk meets
 * it soon, nothing is chosen: LIMIT 1, a short range, or a statement that writes between its rows would pay for all.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/error.h"
#include "core/base/limits.h"
#include "core/base/value_hash.h"
#include "core/memtable/inside.h"

struct value_hint {
    const struct art_leaf *leaf;
    uint32_t hash;
    uint32_t next; /* one more than the number of the next hint under this head; 0: none */
};

struct value_head {
    uint32_t first; /* as `next` */
    uint32_t length;
};

struct art_value_index {
    struct value_hint *hints;
    uint32_t count, capacity;
    struct value_head *heads; /* [heads_mask + 1] */
    uint32_t heads_mask;
};

enum { CHOSEN_PART = 32 }; /* of so many keys one; more of them are met soon */

/* Columns have hashes of their own. */
static uint32_t hash_in(unsigned column, uint32_t hash) {
    return hash + column * 0x9e3779b9u;
}

void art_value_index_clear(struct art_memtable *memtable) {
    struct art_value_index *index = memtable->values;
    if (!index) return;
    art_free(index->hints);
    art_free(index->heads);
    art_free(index);
    memtable->values = NULL;
}

size_t art_value_index_bytes(const struct art_memtable *memtable) {
    const struct art_value_index *index = memtable->values;
    return index ? index->capacity * (sizeof *index->hints + sizeof *index->heads) : 0;
}

static void link_hint(struct art_value_index *index, uint32_t number) {
    assert(number < index->count && index->count <= index->capacity);
    struct value_head *head = &index->heads[index->hints[number].hash & index->heads_mask];
    index->hints[number].next = head->first;
    head->first = number + 1;
    head->length++;
}

static bool make_hint_memory(struct art_value_index *index) {
    if (index->count < index->capacity) return true;
    uint32_t capacity = index->capacity ? 2 * index->capacity : ART_LIMIT(hints_first);
    assert(index->count == index->capacity && !(capacity & (capacity - 1)));
    struct value_hint *hints = art_resize(index->hints, capacity * sizeof *hints);
    if (!hints) return false;
    index->hints = hints;
    struct value_head *heads = art_alloc_zeroed(capacity * sizeof *heads);
    if (!heads) return false;
    art_free(index->heads);
    index->heads = heads;
    index->heads_mask = capacity - 1;
    index->capacity = capacity;
    for (uint32_t i = 0; i < index->count; i++) link_hint(index, i);
    return true;
}

static bool add_hints(struct art_memtable *memtable, const struct art_leaf *leaf) {
    assert(memtable->values && memtable->summary);
    struct art_value_index *index = memtable->values;
    struct art_measures has = memtable->summary->has;
    struct art_entry entry;
    struct art_hashes hashes;
    art_leaf_entry(leaf, &entry);
    art_summary_hashes(memtable->summary, &entry, &hashes);
    for (unsigned i = 0; i < has.columns; i++) {
        for (unsigned k = 0; k < hashes.count[i]; k++) {
            if (!make_hint_memory(index)) return false;
            index->hints[index->count] = (struct value_hint){leaf, hash_in(i, hashes.hash[i][k]), 0};
            link_hint(index, index->count++);
        }
    }
    return true;
}

void art_value_index_note(struct art_memtable *memtable, const struct art_leaf *leaf) {
    if (!memtable->values) return;
    uint64_t fresh = memtable->keys * (unsigned)__builtin_popcount(memtable->summary->has.lookups) * ART_VALUE_HASHES;
    bool worn = memtable->values->count > 2 * fresh + ART_LIMIT(old_hints);
    if (worn || !add_hints(memtable, leaf)) art_value_index_clear(memtable);
}

static enum art_rc make_index(struct art_memtable *memtable) {
    assert(!memtable->values);
    struct art_memtable_cursor cursor;
    memtable->values = art_alloc_zeroed(sizeof *memtable->values);
    if (!memtable->values) return art_nomem();
    memtable->values_of_gone = false;
    art_memtable_cursor_init(&cursor, memtable);
    enum art_rc rc = art_memtable_first(&cursor);
    while (!rc && cursor.valid) {
        rc = add_hints(memtable, cursor.leaf) ? art_memtable_next(&cursor) : art_nomem();
    }
    art_memtable_cursor_clear(&cursor);
    if (rc) art_value_index_clear(memtable);
    return rc;
}

/* --- choosing keys ------------------------------------------------------------------------------------------------ */

static int compare_leaves(const void *a, const void *b) {
    const struct art_leaf *const *x = a, *const *y = b;
    return art_bytes_compare(art_leaf_key(*x), art_leaf_key(*y));
}

static bool is_chosen(const struct art_memtable *memtable, const struct art_leaf *leaf,
                      const struct art_limits *limits) {
    assert(leaf && memtable->summary);
    struct art_entry entry;
    bool gone =
        memtable->values_of_gone && (!memtable->root || art_link_nearest(memtable->root, art_leaf_key(leaf)) != leaf);
    if (gone) return false;
    art_leaf_entry(leaf, &entry);
    return art_summary_seeks(memtable->summary, &entry, limits);
}

/* All leaves with a hint for the hash. */
static enum art_rc choose_by_hash(const struct art_memtable *memtable, unsigned column, uint32_t hash,
                                  const struct art_limits *limits, struct art_buffer *out) {
    assert(memtable->values);
    const struct art_value_index *index = memtable->values;
    hash = hash_in(column, hash);
    uint32_t next = index->count ? index->heads[hash & index->heads_mask].first : 0;
    for (; next; next = index->hints[next - 1].next) {
        const struct value_hint *hint = &index->hints[next - 1];
        if (hint->hash != hash || !is_chosen(memtable, hint->leaf, limits)) continue;
        enum art_rc rc = art_buffer_append(out, &hint->leaf, sizeof hint->leaf);
        if (rc) return rc;
    }
    return ART_OK;
}

/* How many hints there are for what is sought, or some more. */
static uint64_t count_hints(const struct art_value_index *index, const struct art_term_query *query) {
    uint64_t count = 0;
    for (uint32_t i = 0; index->count && i < query->count; i++)
        count += index->heads[hash_in(query->field, query->term[i]) & index->heads_mask].length;
    return count;
}

/* The column with the fewest hints. NULL: even that has too many. */
static const struct art_term_query *rarest(const struct art_memtable *memtable, const struct art_limits *limits) {
    assert(memtable->values);
    const struct art_term_query *found = NULL;
    uint64_t least = memtable->keys / CHOSEN_PART + ART_LIMIT(chosen_anyway);
    for (unsigned i = 0; i < limits->query_count; i++) {
        if (limits->queries[i].field >= ART_FIELD_SEARCHES) continue;
        uint64_t count = count_hints(memtable->values, &limits->queries[i]);
        if (count > least) continue;
        least = count;
        found = &limits->queries[i];
    }
    return found;
}

enum art_rc art_memtable_cursor_choose(struct art_memtable_cursor *cursor, struct art_memtable *memtable,
                                       const struct art_limits *limits) {
    assert(memtable->summary && !cursor->newer_than);
    struct art_buffer *out = &cursor->chosen;
    assert(cursor->memtable == memtable && !cursor->valid);
    out->len = 0;
    enum art_rc rc = memtable->values ? ART_OK : make_index(memtable);
    const struct art_term_query *query = rc ? NULL : rarest(memtable, limits);
    for (uint32_t i = 0; query && !rc && i < query->count; i++)
        rc = choose_by_hash(memtable, query->field, query->term[i], limits, out);
    uint32_t count = (uint32_t)(out->len / sizeof(struct art_leaf *)), kept = 0;
    struct art_leaf **leaves = (struct art_leaf **)(void *)out->data;
    if (rc) return rc;
    cursor->chooses = query;
    if (!count) return ART_OK;
    qsort(leaves, count, sizeof *leaves, compare_leaves);
    for (uint32_t i = 0; i < count; i++) {
        if (!kept || leaves[kept - 1] != leaves[i]) leaves[kept++] = leaves[i];
    }
    assert(kept <= count);
    out->len = kept * sizeof *leaves;
    return ART_OK;
}
