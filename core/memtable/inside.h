/* What a memtable is made of; for the files of this folder only. Each file calls only those above it; undo.c and
 * memtable.c call each other.
 *
 *   arena.c        the memory of leaves and nodes
 *   node.c         leaves, inner nodes
 *   aggregates.c   what nodes know of all below: sums, zones, and the searches that these lead
 *   cursor.c       order, versions below nodes
 *   filter.c       keys that are not here
 *   value_index.c  keys by their values
 *   undo.c         savepoints and rollback
 *   memtable.c     keys and entries: get, set, counters, compact
 *   redo_reader.c  redo as bytes, read whatever they are
 *   redo.c         a transaction as bytes
 *   replay.c       redo verified and applied
 *
 * Invariants (a check in the tests looks at each):
 *  1. All keys below a node agree in exactly its first `depth` bytes; the children lie under ascending next bytes.
 *  2. A node has at least two links, `end` included.
 *  3. A node's weight is the sum of the weights of the leaves below it; so are its sums. Its zones have their rows.
 *     Where versions are known, none of them is newer than the node's newest.
 *  4. keys, bytes, weight and the arena's live bytes are the sums over all leaves (and nodes).
 *  5. The notes of a leaf form a chain back to the first one of the transaction, one between two savepoints at most.
 */
#ifndef ART_MEMTABLE_INSIDE_H
#define ART_MEMTABLE_INSIDE_H

#include "core/memtable/arena.h"
#include "core/memtable/memtable.h"
#include "core/memtable/node.h"

/* The state of a leaf before a change. */
struct art_undo_note {
    struct art_leaf *leaf;
    uint64_t csn_flags;
    const uint8_t *value;
    uint64_t noted; /* the leaf's note before this one */
    uint32_t value_len;
    bool absent; /* there was no such key: the rest but `noted` means nothing */
};

/* Notes are numbered from the memtable's beginning, over all transactions, so that what a leaf remembers of an earlier
 * transaction can't be taken for a note of this one. */
struct art_undo {
    struct art_undo_note *notes;
    size_t count, capacity;
    uint64_t base;      /* number of notes[0]: position 0 */
    uint64_t savepoint; /* notes with larger numbers are younger than the last savepoint */
};

struct art_memtable {
    int references;
    art_link root;
    struct art_arena arena;
    struct art_undo undo;
    uint64_t keys, bytes;
    int64_t weight;
    const struct art_summary *summary; /* NULL: none */
    uint64_t *filter;                  /* NULL: every key may be here */
    uint64_t filter_words;
    uint64_t asked;                 /* without a filter: keys that were asked for */
    uint64_t replayed;              /* entries of redo, since it began */
    uint64_t narrowed;              /* times that a search has made zones narrower */
    struct art_value_index *values; /* NULL: nobody has asked for one */
    bool values_of_gone;            /* it may have leaves that were taken out of the tree */
    bool knows_newest;              /* nodes know their newest version: somebody has asked */
};

/* Behind each change: invariant 4, as far as a look tells. */
static inline void art_memtable_assert(const struct art_memtable *memtable) {
    assert(memtable->references > 0 && !memtable->root == !memtable->keys);
    assert(memtable->arena.live <= memtable->arena.used && memtable->arena.used <= memtable->arena.allocated);
    assert(!memtable->filter == !memtable->filter_words);
    (void)memtable;
}

/* filter.c: after the key, with this art_hash64(), was added. A filter that is too small is made anew, or goes. */
void art_memtable_filter_add(struct art_memtable *memtable, uint64_t hash);
/* Frees the filter: every key may be here. */
void art_memtable_filter_clear(struct art_memtable *memtable);

/* value_index.c: behind each change of a leaf's entry. Without memory the index goes, to be made anew when it is asked
 * for. */
void art_value_index_note(struct art_memtable *memtable, const struct art_leaf *leaf);
/* Frees it; its bytes, 0 where there is none. */
void art_value_index_clear(struct art_memtable *memtable);
size_t art_value_index_bytes(const struct art_memtable *memtable);

/* art_memtable_set(), in three ways. */
enum art_put_mode {
    ART_PUT_NOTED,       /* with a note in the undo list */
    ART_PUT_PLAIN,       /* without */
    ART_PUT_KEEP_SHADOWS /* without, and where the key is held, its `shadows_older` stays */
};
/* art_memtable_set() in the way that `mode` says, with the same results. */
enum art_rc art_memtable_put(struct art_memtable *memtable, struct art_bytes key, const struct art_entry *entry,
                             enum art_put_mode mode);

/* aggregates.c: adds the sums of all leaves below the link. */
void art_link_add_sums(const struct art_summary *summary, art_link link, art_int128 *sum);
/* The zones of the link's rows, wide or not, are added to `zone`; with their sums to `sum`. */
void art_link_add_zones(const struct art_summary *summary, art_link link, struct art_zone *zone);
void art_link_add_summed(const struct art_summary *summary, art_link link, art_int128 *sum, struct art_zone *zone);

/* For rollback: give a leaf another state, whose value lies in the arena; take a leaf out that is in. Neither needs
 * memory. */
void art_memtable_turn(struct art_memtable *memtable, struct art_leaf *leaf, uint64_t csn_flags,
                       struct art_bytes value);
void art_memtable_remove(struct art_memtable *memtable, struct art_leaf *leaf);

/* Room for one more note; false without memory. Then the note itself cannot fail: of a leaf before its change, which
 * has none since the last savepoint; `absent`: of a new one. */
bool art_undo_reserve(struct art_undo *undo);
void art_undo_note(struct art_undo *undo, struct art_leaf *leaf, bool absent);
/* Frees the notes; nothing can be undone. */
void art_undo_clear(struct art_undo *undo);

/* Has the leaf a note since the last savepoint; of this transaction? */
static inline bool art_undo_noted_since_savepoint(const struct art_undo *undo, const struct art_leaf *leaf) {
    return leaf->noted > undo->savepoint;
}

static inline bool art_undo_noted_in_transaction(const struct art_undo *undo, const struct art_leaf *leaf) {
    return leaf->noted > undo->base;
}

/* A note of this transaction by its number. */
static inline struct art_undo_note *art_undo_at(const struct art_undo *undo, uint64_t noted) {
    assert(noted > undo->base && noted - 1 - undo->base < undo->count);
    return &undo->notes[noted - 1 - undo->base];
}

#endif
